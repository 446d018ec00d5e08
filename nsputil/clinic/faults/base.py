"""What a fault is, and the small tools that turn a change of one part into an edit of an `Experiment`.

A fault changes one part of the pipeline. Most changes are functions that take the healthy part first, then the
severity, then the arguments of the part itself; `around` turns such a function into an edit. Introduced in notebook 09.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nsputil.clinic.programs import PROGRAMS, Program
from nsputil.training import Experiment

#: From an experiment and a severity to the sick experiment.
Edit = Callable[[Experiment, float], Experiment]
#: ``(part, severity, *arguments of the part)``: it returns what the part should return.
Change = Callable[..., Any]

FAMILIES = ("data", "inputs", "model", "loss", "optimizer", "evaluation")  # "data" is in pairs.py
GROUPS = (
    "stuck-at-ln2",  # nothing is learned: the loss stays near ln 2, in training and held out alike
    "memorises",  # training good, held-out bad
    "weak-ceiling",  # it learns, and stops early
    "too-good",  # the report is better than the model
    "one-class",  # one answer is given too often
    "report-wrong",  # the training is fine, the report is not
    "unstable",  # spikes, a loss far above ln 2, NaN
    "wrong-level",  # good accuracy, and a loss that cannot be this loss
    "silent",  # healthy curves
)
EVERYWHERE = tuple(program.name for program in PROGRAMS)
TRANSFORMERS = tuple(program.name for program in PROGRAMS if program.encoder == "bert")


@dataclass(frozen=True)
class Fault:
    """A defect: a real edit of a real pipeline, with what is known about it.

    Attributes
    ----------
    name, family, group : str
        A group holds look-alikes: faults that curves alone hardly tell apart.
    mechanism, fix : str
        A sentence each.
    source : str
        A paper, or ``owner/repository#number``; empty if it is common knowledge.
    edit : callable
        ``(experiment, severity) -> experiment``.
    severity : (float, float)
        The range. What the number means is in the docstring of the change. (1.0, 1.0): the fault has no severity.
    harms : {"accuracy", "loss", "report"}
        The quantity on which the kill test judges it, chosen before the test: true accuracy, true loss, or the distance
        between the report and the truth. For a benign fault: the quantity that it might have harmed.
    outside : bool
        It is kept out of the catalogue that a diagnosis may know; the right answer is "none of these".
    encoders, optimizers : tuple of str
        The programs that it can enter.
    harmless : tuple of str
        Names of the programs in which the kill test found no harm; the right answer is "healthy" there.
    undecided : tuple of str
        Names of the programs in which the kill test had too few pairs to decide; they make no case.
    """

    name: str
    family: str
    group: str
    mechanism: str
    fix: str
    source: str
    edit: Edit
    severity: tuple[float, float] = (1.0, 1.0)
    harms: str = "accuracy"
    outside: bool = False
    encoders: tuple[str, ...] = ("bag", "bert")
    optimizers: tuple[str, ...] = ("adamw", "sgd")
    harmless: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()

    def fits(self, program: Program) -> bool:
        """Return whether the fault can enter a `nsputil.clinic.programs.Program`."""
        return program.encoder in self.encoders and program.optimizer in self.optimizers

    def applies(self, program: Program) -> bool:
        """Return whether the fault can enter a program, and the kill test decided what the right answer is there."""
        return self.fits(program) and program.name not in self.undecided

    def harms_in(self, program: Program) -> bool:
        """Return whether the fault does harm in a program, by the kill test."""
        return self.applies(program) and program.name not in self.harmless

    @property
    def benign(self) -> bool:
        """Whether it looks like a fault and does no harm in any program; the right answer is always "healthy"."""
        return not any(self.harms_in(program) for program in PROGRAMS)


def around(field: str, change: Change) -> Edit:
    """Return the edit that puts `change` around one part of the experiment.

    Parameters
    ----------
    field : str
        A field of `Experiment` that holds a function.
    change : callable
        ``(part, severity, *arguments of the part)``; its result replaces the result of the part.

    Returns
    -------
    callable
        ``(experiment, severity) -> experiment``
    """
    return partial(_around, (field,), change)


def around_pairs(change: Change) -> Edit:
    """Return the edit that puts `change` around the sampling of all pairs, of training and held out."""
    return partial(_around, ("pairs", "held_out_pairs"), change)


def around_training_pairs(change: Change) -> Edit:
    """Return the edit that puts `change` around the sampling of the training pairs only."""
    return partial(_in_training, change)


def _around(fields: tuple[str, ...], change: Change, experiment: Experiment, severity: float) -> Experiment:
    parts = {field: getattr(experiment, field) for field in fields}
    changed: dict[str, Any] = {
        field: partial(change, part, severity) for field, part in parts.items() if part is not None
    }
    return replace(experiment, **changed)


def _in_training(change: Change, experiment: Experiment, severity: float) -> Experiment:
    held_out = experiment.held_out_pairs or experiment.pairs
    return replace(experiment, held_out_pairs=held_out, pairs=partial(change, experiment.pairs, severity))
