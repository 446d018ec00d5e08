"""What a fault is, and the small tools by which one becomes an edit of an `Experiment`.

A fault changes one part of the pipeline. Most changes are functions that take the healthy part first, then the
severity, then what the part itself is called with; `around` turns such a function into an edit.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from nsputil.clinic.programs import PROGRAMS
from nsputil.training import Experiment

FAMILIES = ("data", "inputs", "model", "loss", "optimizer", "evaluation")
GROUPS = (
    "stuck-at-ln2",  # nothing is learned: the loss stays near ln 2, no gap between training and held-out
    "memorises",  # training good, held-out bad
    "weak-ceiling",  # learns, and stops early
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
        The group holds the look-alikes: what curves alone hardly tell apart.
    mechanism, fix : str
        A sentence each.
    source : str
        A paper, or ``owner/repository#number``; empty if it is common knowledge.
    edit : callable
        ``(experiment, severity) -> experiment``.
    severity : (float, float)
        The range; what the number means stands in the docstring of the change. (1.0, 1.0): there is none.
    harms : {"accuracy", "loss", "report"}
        The quantity on which the kill test judges it, chosen before the test: true accuracy, true loss, or the distance
        between what is reported and what is true. For a benign one: what it could be feared to harm.
    outside : bool
        Kept out of the catalogue that a diagnosis may know; the right answer is "none of these".
    encoders, optimizers : tuple of str
        Where it can be put in.
    harmless, undecided : tuple of str
        Names of the programs in which the kill test found no harm, and the right answer is "healthy"; and of those in
        which its pairs did not suffice to say, which make no case.
    """

    name: str
    family: str
    group: str
    mechanism: str
    fix: str
    source: str
    edit: Callable[[Experiment, float], Experiment]
    severity: tuple = (1.0, 1.0)
    harms: str = "accuracy"
    outside: bool = False
    encoders: tuple = ("bag", "bert")
    optimizers: tuple = ("adamw", "sgd")
    harmless: tuple = ()
    undecided: tuple = ()

    def fits(self, program):
        """Return whether the fault can be put into a `nsputil.clinic.programs.Program`."""
        return program.encoder in self.encoders and program.optimizer in self.optimizers

    def applies(self, program):
        """Return whether it can, and whether it is known what the right answer is then."""
        return self.fits(program) and program.name not in self.undecided

    def harms_in(self, program):
        """Return whether it does harm there, by the kill test."""
        return self.applies(program) and program.name not in self.harmless

    @property
    def benign(self):
        """Whether it looks like a fault and does no harm in any program; the right answer is always "healthy"."""
        return not any(self.harms_in(program) for program in PROGRAMS)


def around(field, change):
    """Return the edit that puts `change` around one part of the experiment.

    Parameters
    ----------
    field : str
        A field of `Experiment` that holds a function.
    change : callable
        ``(part, severity, *arguments of the part)``; what it returns takes the place of what the part returns.

    Returns
    -------
    callable
        ``(experiment, severity) -> experiment``
    """
    return partial(_around, (field,), change)


def around_pairs(change):
    """Return the edit that puts `change` around the making of all pairs: training and held-out."""
    return partial(_around, ("pairs", "held_out_pairs"), change)


def around_training_pairs(change):
    """Return the edit that puts `change` around the making of the training pairs only."""
    return partial(_in_training, change)


def _around(fields, change, experiment, severity):
    parts = {field: getattr(experiment, field) for field in fields}
    changed = {field: partial(change, part, severity) for field, part in parts.items() if part is not None}
    return replace(experiment, **changed)


def _in_training(change, experiment, severity):
    held_out = experiment.held_out_pairs or experiment.pairs
    return replace(experiment, held_out_pairs=held_out, pairs=partial(change, experiment.pairs, severity))
