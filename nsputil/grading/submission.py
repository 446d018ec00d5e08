"""One submission as it was delivered: who sent it, and how its bytes are read."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Submission:
    """What one student delivered.

    Attributes
    ----------
    student : str
        What the platform calls the student: nbgrader's folder, Moodle's number of the participant, Canvas's number of
        the user. It is the key of the grade book.
    label : str
        A name for people to read; it may be empty.
    source : str
        Where it was found, below the folder or in the archive.
    read : callable
        Returns the bytes of the notebook. It raises `Ungradable` with the reason if there are none to be graded.
    timestamp : str
        When it was handed in, if that is known.
    """

    student: str
    label: str
    source: str
    read: Callable[[], bytes] = field(repr=False, compare=False)
    timestamp: str = ""
