"""One training, watched from all sides: what each part of an experiment was given and what it gave back.

The parts are wrapped in functions that note what passes and change nothing, so the training is the same, bit for bit,
as one that nobody watches. The facts of `nsputil.clinic.facts` read the record.
"""

from collections.abc import Callable, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from nsputil.clinic.buffers import buffers, put_back
from nsputil.encoders import RowGradient
from nsputil.optimizers import values
from nsputil.run import Run
from nsputil.training import Experiment, train

MOST_STEPS = 2000  # of longer trainings evenly spaced steps are kept
MOST_BATCHES = 60
MOST_SNAPSHOTS = 12
MOST_ARRAYS = 8  # batches of an evaluation
MOST_BYTES = 300_000_000  # of parameters kept beside reports


@dataclass
class Step:
    """One step of the training.

    Attributes
    ----------
    number : int
        Counted from 1.
    pairs : list
        The pairs of its batch.
    batch : object
        Its arrays; None for most steps.
    logits, labels, gradient : ndarray
        What the loss was given, and the gradient that it returned; None if the training broke down before.
    value : float
    norms, moved : dict of float
        For each tensor the norm of its gradient and of its change; empty for most steps of a long training.
    gain : float
        Minus the product of gradient and change: what the step gains if the loss were a plane.
    before, after : dict of ndarray
        All parameters, at a few steps; else None.
    marks : tuple of dict
        A hash of some weights of each tensor, before and after the step.
    """

    number: int
    pairs: list
    batch: Any = None
    logits: Any = None
    labels: Any = None
    value: float = float("nan")
    gradient: Any = None
    norms: dict = field(default_factory=dict)
    moved: dict = field(default_factory=dict)
    gain: float = float("nan")
    before: dict | None = None
    after: dict | None = None
    marks: tuple[dict, dict] = ({}, {})


@dataclass
class Report:
    """One call of the evaluation: the step, the pairs given, the pairs that were read, the report, the parameters.

    Beside the parameters are the arrays of `nsputil.clinic.buffers`. `arrays` holds the first batches that reached the
    encoder, encoded by whatever the evaluation encodes with.
    """

    step: int
    pairs: list
    read: list
    report: Mapping
    parameters: dict | None
    arrays: list = field(default_factory=list)


@dataclass
class Recording:
    """What `record` returns.

    Attributes
    ----------
    experiment : Experiment
        As it was given.
    run : Run
    error : Exception or None
        What ended the training, if anything did; `run` then holds the curves up to there.
    parts : list of list
        What the split returned.
    pairs : dict of list
        ``train`` (a list of pairs for each epoch), ``valid`` and ``test`` (one list each).
    given : dict of list
        The documents from which these were made.
    batches : list
        For each epoch ``(lengths, index arrays)``.
    start : NSPModel or None
        A copy of the model as it was at the start; None if it cannot be copied.
    model, optimizer : object
        As they were at the end.
    total : int
        The steps that the optimizer was told of.
    steps : list of Step
    reports : list of Report
    """

    experiment: Experiment
    run: Run = field(default_factory=Run)
    error: Exception | None = None
    parts: list = field(default_factory=list)
    pairs: dict = field(default_factory=lambda: {"train": [], "valid": [], "test": []})
    given: dict = field(default_factory=dict)
    batches: list = field(default_factory=list)
    start: Any = None
    model: Any = None
    optimizer: Any = None
    total: int = 0
    steps: list = field(default_factory=list)
    reports: list = field(default_factory=list)

    @cached_property
    def text(self) -> Any:
        """The text that pairs can come from, `nsputil.clinic.text_index.TextIndex`."""
        from nsputil.clinic.text_index import TextIndex

        return TextIndex(self.experiment.documents)

    @property
    def vocabulary(self) -> Any:
        """The model's vocabulary, or None."""
        return getattr(self.model, "vocabulary", None)

    def twin(self, parameters: dict | None = None) -> Any:
        """Return a copy of the trained model, with other parameters if they are given."""
        twin = clone(self.model)
        if parameters is not None:
            fill(twin, parameters)
        return twin

    def first_pairs(self, count: int) -> list:
        """Return up to `count` different pairs of the first forty steps, in their order."""
        return list({id(pair): pair for step in self.steps[:40] for pair in step.pairs}.values())[:count]

    @property
    def sampled(self) -> list:
        """The steps of which all parameters are known before and after."""
        return [step for step in self.steps if step.before is not None and step.after is not None]

    @property
    def kept(self) -> list:
        """The steps of which the arrays are known."""
        return [step for step in self.steps if step.batch is not None]


def clone(model: Any) -> Any:
    """Return a deep copy of a model that shares the vocabulary, whose cache of texts is large.

    A part may hold a function of its own, such as a forward pass that wraps the usual one. Such functions are not
    copied by `deepcopy`: they are bound to the copies here, since they would go on to use the original.
    """
    vocabulary = getattr(model, "vocabulary", None)
    memo = {id(vocabulary): vocabulary}
    try:
        twin = deepcopy(model, memo)
    except (KeyError, RecursionError):  # a part passes on what it is asked before it knows to whom
        memo = {id(vocabulary): vocabulary}
        _copy_wrappers(model, memo, {id(vocabulary)})
        twin = deepcopy(model, memo)
    _bind_parts(twin, memo, {id(vocabulary)})
    return twin


def _copy_wrappers(owner: Any, memo: dict, seen: set) -> None:
    """Put copies of parts that pass on attributes by `__getattr__` into the memo, innermost first.

    `deepcopy` asks an empty object for attributes, and such a part then looks for what it wraps, which is not there.
    """
    if id(owner) in seen or isinstance(owner, type | ModuleType | FunctionType):
        return
    seen.add(id(owner))
    own = getattr(owner, "__dict__", {})
    for value in own.values():
        _copy_wrappers(value, memo, seen)
    if "__getattr__" in dir(type(owner)) and "__deepcopy__" not in dir(type(owner)):
        twin = memo[id(owner)] = object.__new__(type(owner))
        twin.__dict__.update({name: deepcopy(value, memo) for name, value in own.items()})


def _bind_parts(owner: Any, memo: dict, seen: set) -> None:
    """Bind the functions that an object and its parts hold to the copies of what they use."""
    if id(owner) in seen or isinstance(owner, type | ModuleType | FunctionType):
        return
    seen.add(id(owner))
    for name, value in list(getattr(owner, "__dict__", {}).items()):
        if isinstance(value, FunctionType):
            owner.__dict__[name] = _bound(value, memo, set())
        else:
            _bind_parts(value, memo, seen)


def _bound(function: FunctionType, memo: dict, seen: set) -> FunctionType:
    """Return a function whose closure holds the copies of what it held."""
    if not function.__closure__ or id(function) in seen:
        return function
    seen.add(id(function))
    cells = []
    for cell in function.__closure__:
        try:
            held = new = cell.cell_contents
        except ValueError:  # a cell that is still empty
            cells.append(cell)
            continue
        if isinstance(held, MethodType):
            new = MethodType(held.__func__, memo.get(id(held.__self__), held.__self__))
        elif isinstance(held, FunctionType):
            new = _bound(held, memo, seen)
        else:
            new = memo.get(id(held), held)
        cells.append(cell if new is held else CellType(new))
    if all(a is b for a, b in zip(cells, function.__closure__, strict=True)):
        return function
    again = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, tuple(cells)
    )
    again.__kwdefaults__ = function.__kwdefaults__
    return again


def marks(parameters: Mapping, most: int = 1024) -> dict[str, int]:
    """Return a hash of up to `most` weights of each tensor; equal hashes mean equal weights."""
    found = {}
    for name, array in parameters.items():
        flat = np.asarray(array).reshape(-1)
        found[name] = hash(flat[:: max(1, flat.size // most)].tobytes())
    return found


def fill(model: Any, parameters: Mapping) -> None:
    """Write values into the parameters of a model, and into the arrays that it holds beside them."""
    own = model.parameters
    put_back(model, {name: array for name, array in parameters.items() if name.startswith(".")})
    for name, array in parameters.items():
        if not name.startswith("."):
            own[name][...] = array


def record(experiment: Experiment, progress: bool = False) -> Recording:
    """Train once, and return what each part was given and gave.

    Parameters
    ----------
    experiment : Experiment
    progress : bool
        Print reports while training.

    Returns
    -------
    Recording
        ``recording.run`` equals what `nsputil.training.train` returns for the same experiment, bit for bit.

    Raises
    ------
    TypeError
        If `experiment` is not an Experiment.

    Notes
    -----
    An error that a part raises does not leave `record`: it is evidence, and is kept in ``recording.error``.
    """
    if not isinstance(experiment, Experiment):
        raise TypeError(f"experiment is a {type(experiment).__name__}; expected an Experiment")
    seen = Recording(experiment)
    watch = _Watch(seen)
    try:
        seen.run = train(watch.experiment(), progress=progress)
    except Exception as error:  # whatever a part of the experiment raises
        seen.error = error
        seen.run = _what_was_seen(seen)
    watch.close()
    return seen


def _what_was_seen(seen: Recording) -> Run:
    """Return the curves up to an error."""
    done = [step for step in seen.steps if step.logits is not None]
    run = Run(seen.model, loss=[step.value for step in done])
    run.accuracy = [float((step.logits.argmax(axis=1) == step.labels).mean()) for step in done]
    run.evaluations = [{"step": report.step} | dict(report.report) for report in seen.reports]
    return run


class _Watch:
    """The wrapped parts of one experiment; all are closures, so that a deep copy of a model leaves them alone."""

    def __init__(self, seen: Recording) -> None:
        self.seen, self.bytes = seen, 0
        self.evaluating: list[list] = []
        self.step: Step | None = None
        self.count = 0

    def experiment(self) -> Experiment:
        e = self.seen.experiment
        return replace(
            e,
            split=self.split(e.split),
            pairs=self.pairs(e.pairs, ("train",)),
            held_out_pairs=self.pairs(e.held_out_pairs or e.pairs, ("valid", "test")),
            model=self.model(e.model),
            encode=self.encode(e.encode),
            loss=self.loss(e.loss),
            optimizer=self.optimizer(e.optimizer),
            batching=self.batching(e.batching),
            evaluation=self.evaluation(e.evaluation),
        )

    def spread(self) -> set:
        """The steps of which all parameters are kept."""
        return _spread(self.seen.total, MOST_SNAPSHOTS)

    def close(self) -> None:
        """Put the real encoding back into the model, and note a step that was not finished."""
        if self.step is not None:
            self._note(self.step)
        for model in (self.seen.model, self.seen.run.model):
            if model is not None:
                model.encode = self.seen.experiment.encode
        self.seen.optimizer = None

    def split(self, split: Callable) -> Callable:
        def watched(documents: Any, rng: Any) -> Any:
            parts = split(documents, rng)
            self.seen.parts = [list(part) for part in parts]
            return parts

        return watched

    def pairs(self, pairs: Callable, names: tuple) -> Callable:
        calls = iter(names)

        def watched(documents: Any, rng: Any) -> Any:
            found = pairs(documents, rng)
            name = next(calls, names[-1])
            self.seen.given.setdefault(name, list(documents))
            if name == "train":
                self.seen.pairs[name].append(list(found))
            else:
                self.seen.pairs[name] = list(found)
            return found

        return watched

    def model(self, model: Callable) -> Callable:
        def watched(documents: Any, vocabulary: Any, rng: Any) -> Any:
            built = model(documents, vocabulary, rng)
            try:
                self.seen.start = clone(built)
                self.seen.start.encode = self.seen.experiment.encode
            except Exception:  # a model that cannot be copied: the facts that need the copy cannot tell
                self.seen.start = None
            self.seen.model = built
            return built

        return watched

    def encode(self, encode: Callable) -> Callable:
        def watched(pairs: Any, vocabulary: Any, max_length: Any) -> Any:
            batch = encode(pairs, vocabulary, max_length)
            if self.evaluating:
                self.evaluating[-1].append(list(pairs))
            elif self.seen.total:  # the optimizer exists: this is a step
                self.count += 1
                spacing = max(1, self.seen.total // MOST_BATCHES)
                kept = self.count <= 3 or self.count % spacing == 0 or self.count in self.spread()
                self.step = Step(self.count, list(pairs), batch if kept else None)
            return batch

        return watched

    def loss(self, loss: Callable) -> Callable:
        def watched(logits: Any, labels: Any) -> Any:
            value, gradient = loss(logits, labels)
            if self.step is not None and not self.evaluating:
                self.step.logits, self.step.labels = np.array(logits), np.array(labels)
                self.step.value, self.step.gradient = float(value), np.array(gradient)
            return value, gradient

        return watched

    def optimizer(self, optimizer: Callable) -> Callable:
        def watched(model: Any, steps: int) -> Any:
            self.seen.model = model
            built = optimizer(model, steps)
            self.seen.total = max(1, steps)
            take = built.step

            def step(gradients: Any) -> Any:
                return self._step(take, model, gradients)

            try:
                built.step = step
            except AttributeError:  # an object that takes no new attribute is watched from outside
                return _Around(built, step)
            return built

        return watched

    def _step(self, take: Callable, model: Any, gradients: Any) -> Any:
        step = self.step or Step(self.count, [])
        total = self.seen.total
        measured = step.number % max(1, total // MOST_STEPS) == 0
        sampled = step.number in self.spread()
        own = model.parameters
        everything = {name: array.copy() for name, array in own.items()} if sampled else None
        before = {name: own[name][_rows(g)].copy() for name, g in gradients.items() if name in own} if measured else {}
        if measured:
            step.norms = {name: float(np.linalg.norm(values(g))) for name, g in gradients.items()}
            kept = {name: np.array(values(g)) for name, g in gradients.items()}
        marked = marks(own) if measured else {}
        result = take(gradients)
        if measured:
            own, step.gain = model.parameters, 0.0
            step.marks = marked, marks(own)
            for name, old in before.items():
                change = own[name][_rows(gradients[name])] - old
                step.moved[name] = float(np.linalg.norm(change))
                step.gain -= float(np.vdot(kept[name].astype(np.float64), change.astype(np.float64)))
        if sampled:
            step.before, step.after = everything, {name: array.copy() for name, array in model.parameters.items()}
        self._note(step)
        self.step = None
        return result

    def _note(self, step: Step) -> None:
        if step.number % max(1, self.seen.total // MOST_STEPS) == 0 or step.logits is None:
            self.seen.steps.append(step)

    def batching(self, batching: Callable) -> Callable:
        def watched(lengths: Any, batch_size: int, rng: Any) -> Any:
            batches = batching(lengths, batch_size, rng)
            batches = batches if isinstance(batches, list) else list(batches)
            self.seen.batches.append((np.array(lengths), [np.asarray(batch) for batch in batches]))
            return batches

        return watched

    def evaluation(self, evaluation: Callable) -> Callable:
        def watched(model: Any, pairs: Any) -> Any:
            self.evaluating.append([])
            arrays: list = []
            release = _spy(getattr(model, "encoder", None), arrays)
            try:
                report = evaluation(model, pairs)
            finally:
                release()
                read = self.evaluating.pop()
            parameters = {name: array.copy() for name, array in model.parameters.items()} | buffers(model)
            self.bytes += sum(array.nbytes for array in parameters.values())
            kept = parameters if self.bytes <= MOST_BYTES else None
            self.seen.reports.append(Report(self.count, list(pairs), read, copy(report), kept, arrays))
            return report

        return watched


class _Spied:
    """A forward pass that notes its first batches; a copy of the encoder gets the plain one, bound to the copy."""

    def __init__(self, encoder: Any, forward: Callable, own: Any, arrays: list) -> None:
        self.encoder, self.forward, self.own, self.arrays = encoder, forward, own, arrays

    def __call__(self, batch: Any, *rest: Any, **named: Any) -> Any:
        if len(self.arrays) < MOST_ARRAYS:
            self.arrays.append(batch)
        return self.forward(batch, *rest, **named)

    def __deepcopy__(self, memo: dict) -> Any:
        if self.own is not None:
            return deepcopy(self.own, memo)
        return MethodType(type(self.encoder).forward, memo.get(id(self.encoder), self.encoder))


def _spy(encoder: Any, arrays: list) -> Callable[[], None]:
    """Note the first batches that an encoder is given, if it can be watched; return what ends it."""
    try:
        forward, own = encoder.forward, encoder.__dict__.get("forward")

        watched = _Spied(encoder, forward, own, arrays)
        encoder.forward = watched
    except AttributeError:
        return lambda: None

    def release() -> None:
        if encoder.__dict__.get("forward") is not watched:
            return
        if own is None:
            del encoder.forward
        else:  # a forward pass of this one encoder
            encoder.forward = own

    return release


class _Around:
    """An optimizer whose step is watched, for objects that cannot be given an attribute."""

    def __init__(self, optimizer: Any, step: Callable) -> None:
        self.__dict__.update(optimizer=optimizer, step=step)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["optimizer"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["optimizer"], name, value)


def _rows(gradient: Any) -> Any:
    return gradient.rows if isinstance(gradient, RowGradient) else slice(None)


def _spread(total: int, count: int) -> set:
    """Return about `count` numbers from 1 to `total`, evenly spaced, both ends included."""
    return {int(k) for k in np.linspace(1, total, min(total, count)).round()}
