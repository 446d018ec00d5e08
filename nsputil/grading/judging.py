"""Grade one notebook: its code runs in a box, cell by cell; what comes out is judged here."""

import os
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nsputil.checks import bank
from nsputil.checks.code_exercise import CodeExercise
from nsputil.checks.exercise import Exercise
from nsputil.checks.runner import PATIENCE
from nsputil.checks.verdict import NOT_DONE, RIGHT, WRONG, Verdict
from nsputil.grading import seeds
from nsputil.grading.assignments import Assignment, Task
from nsputil.grading.box import Box, BoxEnded, NoBox, PlainRoom, Room
from nsputil.grading.cells import Names, needed
from nsputil.grading.limits import Limits
from nsputil.grading.outcomes import Outside, cases_for_the_box, verdict_on
from nsputil.grading.results import UNGRADABLE, ExerciseResult, Graded, GraderFault, Ungradable
from nsputil.grading.wire import WireError, clean, decode

REPLAYS = 2
MOST_CELLS, LONGEST_SOURCE = 2_000, 600_000  # of one notebook
READ_SECONDS = 15.0
SPARE_SECONDS = 5.0  # by the clock, beyond what the box itself allows

STOPPED_CELL = {
    "time": "had not finished in time and was stopped",
    "memory": "asked for more memory than there is",
    "output": "printed too much and was stopped",
    "processes": "started more processes than a box may have",
}


@dataclass(frozen=True)
class Cell:
    """A code cell of a submission: its text, and nbgrader's name for it if it has one."""

    source: str
    grade_id: str


def code_cells(notebook: object) -> list[Cell]:
    """Return the code cells of a notebook that a stranger wrote.

    Parameters
    ----------
    notebook : object
        What ``json.loads`` returned.

    Raises
    ------
    Ungradable
        If it is no notebook, or too large.
    """
    listed = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(listed, list):
        raise Ungradable("not a notebook", "The file holds no list of cells.")
    if len(listed) > MOST_CELLS:
        raise Ungradable("too large", f"The notebook has {len(listed):,} cells; {MOST_CELLS:,} are allowed.")
    found, size = [], 0
    for cell in listed:
        source = cell.get("source", "") if isinstance(cell, dict) else None
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            raise Ungradable("not a notebook", "A cell has no text.")
        size += len(source)
        if size > LONGEST_SOURCE:
            raise Ungradable("too large", f"The cells have more than {LONGEST_SOURCE:,} characters.")
        if cell.get("cell_type") == "code":
            metadata = cell.get("metadata")
            marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
            name = marks.get("grade_id") if isinstance(marks, dict) else ""
            found.append(Cell(source.encode("utf-8", "replace").decode(), name if isinstance(name, str) else ""))
    return found


@dataclass
class _Work:
    """How far the grading of one submission has come."""

    cells: list[Cell]
    places: dict[int, Task]  # which check is at which cell
    last: list[Task]  # whose check cell is missing
    seeds: tuple[int, ...]
    results: dict[str, ExerciseResult] = field(default_factory=dict)
    killers: dict[int, BoxEnded] = field(default_factory=dict)  # cells that ended a box
    errors: dict[int, tuple[str, str]] = field(default_factory=dict)  # of cells: problem, and the exception
    names: list[Names] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    one_by_one: bool = False
    cpu: float = 0.0
    peak: int = 0


class Grader:
    """Grades submissions to one assignment; use it in a ``with`` statement.

    One thread of a process may grade at a time, since a check binds names of the whole process while it runs. Several
    graders beside one another are several processes.

    Parameters
    ----------
    assignment : Assignment
    limits : Limits
    trust : bool
        Run the code in a plain child process, which protects nothing.
    run_all : bool
        Run all cells, not only those that an answer needs.
    secret : bytes, optional
        Decides, with the student, on which seed functions are judged. Without it a new one is drawn.

    Raises
    ------
    NoBox
        When it is entered, if boxes do not hold here what they promise and `trust` is false.
    """

    def __init__(
        self,
        assignment: Assignment,
        *,
        limits: Limits = Limits(),  # noqa: B008  (frozen)
        trust: bool = False,
        run_all: bool = False,
        secret: bytes | None = None,
    ) -> None:
        self.assignment = assignment
        self.limits = limits
        self.trust = trust
        self.run_all = run_all
        self.secret = os.urandom(32) if secret is None else secret
        unknown = [task.name for task in assignment.tasks if task.name not in bank.exercises()]
        if unknown:
            raise ValueError(f"{assignment.name} asks for {', '.join(unknown)}, of which the bank knows nothing")
        self.room: Room | PlainRoom = PlainRoom(limits) if trust else Room(limits)

    def __enter__(self) -> "Grader":
        self.room.__enter__()
        if isinstance(self.room, Room):
            from nsputil.grading.doctor import broken_promises

            broken = broken_promises(self.room)
            if broken:
                self.room.close()
                raise NoBox("a box does not hold what it promises here: " + "; ".join(broken))
        return self

    def __exit__(self, *_: object) -> None:
        self.room.close()

    def grade(self, notebook: Mapping[str, Any], student: str) -> Graded:
        """Grade one submission.

        Parameters
        ----------
        notebook : dict
            As ``json.loads`` returned it.
        student : str

        Returns
        -------
        Graded

        Raises
        ------
        Ungradable
            If there is nothing that could be graded.
        GraderFault
            If it is our own fault.
        """
        own = seeds.seed_of(self.secret, self.assignment.name, student)
        return self.grade_on(notebook, seeds.seeds_with(own))

    def grade_on(self, notebook: Mapping[str, Any], own_seeds: Sequence[int]) -> Graded:
        """Grade one submission on seeds of the caller's choice; the last one is noted. See `grade`."""
        start = time.monotonic()
        cells = code_cells(notebook)
        work = self._planned(cells, tuple(own_seeds))
        replays, faults = 0, 0
        while not self._done(work):
            left = self.limits.wall_seconds - (time.monotonic() - start)
            if left < 1:
                said = f"the notebook was not done after {self.limits.wall_seconds:.0f} seconds by the clock"
                self._give_up(work, BoxEnded("time", said))
                break
            try:
                self._one_box(work, left)
            except GraderFault:  # what opens boxes has gone: once more, in a new room
                if faults:
                    raise
                faults += 1
                self.room.close()
                self.room.__enter__()
            except BoxEnded as ended:
                if replays == REPLAYS + work.one_by_one:
                    self._give_up(work, ended)
                    break
                replays += 1
        ordered = tuple(work.results[task.name] for task in self.assignment.tasks)
        seconds = time.monotonic() - start
        notes = tuple(dict.fromkeys(work.notes))
        return Graded(self.assignment.name, ordered, own_seeds[-1], work.cpu, seconds, work.peak, replays, notes)

    def _planned(self, cells: list[Cell], own_seeds: tuple[int, ...]) -> _Work:
        """Find the place of every check."""
        at: dict[str, int] = {}
        notes = []
        for number, cell in enumerate(cells):
            if cell.grade_id in at and cell.grade_id:
                notes.append(f"The cell {_shown(cell.grade_id)} is there more than once; the last one counts.")
            at[cell.grade_id] = number
        tasks = self.assignment.tasks
        if not any(name in at for task in tasks for name in (task.answer_id, task.check_id)):
            detail = f"No cell of the notebook belongs to {self.assignment.name}."
            raise Ungradable("wrong assignment", detail)
        for task in tasks:
            if task.check_id not in at:
                notes.append(f"The check of {task.name} is missing; it was judged at the end.")
        places = {at[task.check_id]: task for task in tasks if task.check_id in at}
        return _Work(cells, places, [task for task in tasks if task.check_id not in at], own_seeds, notes=notes)

    def _done(self, work: _Work) -> bool:
        return len(work.results) == len(self.assignment.tasks)

    def _one_box(self, work: _Work, seconds: float) -> None:
        """Run and judge in one box until all is done or the box ends."""
        box = self.room.open(seconds)
        try:
            self._read(work, box)
            chosen = self._chosen(work)
            for number in range(len(work.cells)):
                if number in work.places:
                    self._judge(work, box, work.places[number], number)
                elif number in chosen:
                    self._run(work, box, number)
            for task in work.last:
                self._judge(work, box, task, len(work.cells))
        finally:
            box.end()
            work.cpu += box.used.cpu
            work.peak = max(work.peak, box.used.peak)

    def _read(self, work: _Work, box: Box) -> None:
        """Send the cells in, and learn which names each of them uses.

        All in one message; after a box has ended over it one by one, so that the cell is known.
        """
        empty = {*work.killers, *work.places}
        sources = ["" if number in empty else cell.source for number, cell in enumerate(work.cells)]
        if not work.one_by_one:
            work.one_by_one = True
            said = box.ask("read", READ_SECONDS, sources=sources)
            work.names, work.one_by_one = _names(said, len(sources)), False
            return
        names = []
        for number, source in enumerate(sources):
            try:
                names += _names(box.ask("read", READ_SECONDS, sources=[source]), 1)
            except BoxEnded as ended:
                work.killers[number] = ended
                raise
        work.names = names

    def _chosen(self, work: _Work) -> set[int]:
        """Return the cells to run: those that the answers which are still to be judged need."""
        dead = {task.answer for task in self.assignment.tasks if task.name in work.results}
        found: set[int] = set()
        if self.run_all:  # but not again the answers that ended a box
            found = {number for number, names in enumerate(work.names) if not names.writes & dead} - set(work.killers)
        places = [*work.places.items(), *((len(work.cells), task) for task in work.last)]
        for place, task in places:
            if task.name not in work.results:
                own = {n for n in range(place) if work.cells[n].grade_id == task.answer_id} - set(work.killers)
                wanted = {task.answer}.union(*(work.names[number].reads for number in own))
                found |= own | needed(work.names[:place], wanted, work.killers)
        return found

    def _run(self, work: _Work, box: Box, number: int) -> None:
        seconds = PATIENCE * self.limits.cell_seconds + SPARE_SECONDS
        try:
            reply = box.ask("run", seconds, cell=number)
            problem, error = reply.get("problem"), reply.get("error")
            if not isinstance(problem, str) or not isinstance(error, str):
                raise self._protocol(box, "an answer without its parts")
        except BoxEnded as ended:
            work.killers[number] = ended
            raise
        if problem:
            work.errors[number] = clean(problem[:20]), clean(error[:400])

    def _judge(self, work: _Work, box: Box, task: Task, place: int) -> None:
        if task.name in work.results:
            return
        exercise = bank.exercises()[task.name]
        try:
            found = box.ask("look", READ_SECONDS, name=task.answer)
            if found.get("there") is not True:
                work.results[task.name] = self._missing(work, task, place)
                return
            try:
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # an answer of 1e308 is no reason to print
                    verdict, value = judge_answer(box, exercise, task.answer, found, work.seeds, self.limits)
            except WireError as error:
                raise self._protocol(box, str(error)) from None
            except (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
                work.notes.append(f"The grader itself failed on {task.name}: {type(error).__name__}.")
                said = "The grader itself failed on this answer; a person has to look at it."
                work.results[task.name] = _ungradable(task, "grader", said)
                return
        except BoxEnded as ended:
            work.results[task.name] = _ungradable(task, ended.reason, f"While it was checked, {ended.detail}.")
            raise
        text = value if task.manual and isinstance(value, str) else ""
        work.results[task.name] = _result(task, verdict, text)

    @staticmethod
    def _protocol(box: Box, detail: str) -> BoxEnded:
        box.end()
        return BoxEnded("protocol", f"the box sent what it may not send: {detail}")

    def _missing(self, work: _Work, task: Task, place: int) -> ExerciseResult:
        """Say why a name is not there when its exercise is judged."""
        for number in range(place):
            defines = number < len(work.cells) and (
                work.cells[number].grade_id == task.answer_id or task.answer in work.names[number].writes
            )
            if not defines:
                continue
            if number in work.killers:
                ended = work.killers[number]
                return _ungradable(task, ended.reason, f"While its cell ran, {ended.detail}.")
            if number in work.errors:
                problem, error = work.errors[number]
                if problem in STOPPED_CELL:
                    said = f"The cell that defines {task.answer} {STOPPED_CELL[problem]}."
                    return _ungradable(task, problem, said)
                said = f"The cell that should define {task.answer} ended with {error}."
                return _result(task, Verdict(WRONG, said, "what does that line need?", "cell_raised"), "")
        if not any(cell.grade_id == task.answer_id for cell in work.cells):
            return _ungradable(task, "missing cell", f"The cell of {task.name} is missing, and nothing defines it.")
        return _result(task, Verdict(NOT_DONE, f"Nothing in the notebook defines {task.answer}."), "")

    def _give_up(self, work: _Work, ended: BoxEnded) -> None:
        for task in self.assignment.tasks:
            if task.name not in work.results:
                said = f"It was not reached: the code ended its box, and at last {ended.detail}."
                work.results[task.name] = _ungradable(task, ended.reason, said)


def judge_answer(
    box: Box, exercise: Exercise, name: str, found: dict[str, Any], own_seeds: Sequence[int], limits: Limits
) -> tuple[Verdict, Any]:
    """Return the verdict on what a name is bound to in a box, and its value.

    Parameters
    ----------
    box : Box
    exercise : Exercise
    name : str
        The learner's function or variable.
    found : dict
        What the box said when it looked at the name.
    own_seeds : sequence of int
        Of the inputs of a function.
    limits : Limits

    Raises
    ------
    BoxEnded, WireError
    """
    value = decode(found.get("value"))
    if not isinstance(exercise, CodeExercise) or found.get("callable") is not True:
        return exercise.judge(value), value
    if found.get("stub") is True:
        return exercise.judge(None), None
    cases, expected = exercise.inputs(own_seeds)
    outside = Outside(limits.calls)
    said = box.ask(
        "call",
        limits.call_seconds * (PATIENCE + len(cases)) + SPARE_SECONDS,
        outside.answer,
        name=name,
        cases=cases_for_the_box(cases, outside),
        seconds=limits.call_seconds,
    )
    return verdict_on(exercise, cases, expected, said.get("outcomes"), outside), None


def _names(said: dict[str, Any], count: int) -> list[Names]:
    """Return the names of some cells, from what the box says."""
    wrong = BoxEnded("protocol", "the box sent what it may not send: names that are no list")
    cells = said.get("cells")
    if not isinstance(cells, list) or len(cells) != count or not all(isinstance(cell, dict) for cell in cells):
        raise wrong
    names = []
    for cell in cells:
        found = {kind: cell.get(kind) for kind in ("reads", "writes", "changes", "uses", "imports")}
        if not all(isinstance(each, list) and all(isinstance(name, str) for name in each) for each in found.values()):
            raise wrong
        sets = {kind: frozenset(each or ()) for kind, each in found.items()}
        names.append(Names(**sets, anything=cell.get("anything") is True))
    return names


def _result(task: Task, verdict: Verdict, text: str) -> ExerciseResult:
    points = task.points if verdict.state == RIGHT and not task.manual else 0.0
    return ExerciseResult(
        task.name,
        task.grade_id,
        verdict.state,
        points,
        task.points,
        verdict.mistake,
        verdict.message,
        verdict.question,
        verdict.found,
        text=text,
        manual=task.manual,
    )


def _ungradable(task: Task, reason: str, message: str) -> ExerciseResult:
    return ExerciseResult(
        task.name,
        task.grade_id,
        UNGRADABLE,
        0.0,
        task.points,
        message=message,
        reason=reason,
        manual=task.manual,
    )


def _shown(name: str) -> str:
    """Return a learner's name for a cell, so that it can be printed anywhere."""
    return ascii(name[:40])
