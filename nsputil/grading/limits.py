"""How much a submission may use before its box is stopped."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one box.

    Attributes
    ----------
    cell_seconds : float
        Of processor time, for one cell; by the clock a cell has `PATIENCE` times as long.
    call_seconds : float
        Of processor time, for one call of an answer; the same as in the learner's own check.
    cpu_seconds : int
        Of processor time, for one process of the box.
    wall_seconds : float
        By the clock, for a whole submission.
    memory_bytes : int
        For all processes of the box together where there are control groups, else for each process.
    processes : int
        At one time, threads included.
    file_bytes : int
        All files of the box together.
    output_characters : int
        That one cell may print.
    calls : int
        That an answer may make to the functions that are its arguments.
    """

    cell_seconds: float = 20.0
    call_seconds: float = 3.0
    cpu_seconds: int = 120
    wall_seconds: float = 240.0
    memory_bytes: int = 320 << 20  # run whole, notebook 08 needs 207 MB, more than any other
    processes: int = 32
    file_bytes: int = 64 << 20
    output_characters: int = 1_000_000
    calls: int = 20_000
