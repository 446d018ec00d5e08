"""Changes of an amount: longer or shorter steps, more time, no dropout, larger batches.

A part can be of the right kind and still be too much or too little. A dose keeps the part and changes its amount, so a
gain names the cause: if a tenth of the step length helps, the steps were too long.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from nsputil.encoders import RowGradient, ppmi_embeddings
from nsputil.model import NSPModel
from nsputil.tokenization import encode_pairs
from nsputil.training import Experiment


@dataclass(frozen=True)
class Dose:
    """One change of an amount.

    Attributes
    ----------
    name : str
        What is changed, in words.
    place : str
        The part of `nsputil.clinic.swaps.parts.PARTS` to which it belongs.
    cause : str
        What was wrong if the change helps.
    change : callable
        ``Experiment -> Experiment``.
    trainings : float
        What it costs, in trainings of the experiment.
    """

    name: str
    place: str
    cause: str
    change: Callable[[Experiment], Experiment]
    trainings: float = 1.0


class ScaledSteps:
    """An optimizer whose every change of the parameters is multiplied by a factor.

    It works for an optimizer of any kind, because it looks at the parameters before and after a step only.

    Parameters
    ----------
    optimizer : object
        With ``step(gradients)``.
    parameters : dict of ndarray
        What the optimizer changes.
    factor : float
    """

    def __init__(self, optimizer: Any, parameters: Mapping[str, Any], factor: float) -> None:
        self.optimizer, self.parameters, self.factor = optimizer, parameters, factor

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["optimizer"], name)

    def step(self, gradients: Mapping[str, Any]) -> None:
        """Take a step of the optimizer, then keep `factor` of it."""
        rows = {
            name: g.rows if isinstance(g, RowGradient) else slice(None)
            for name, g in gradients.items()
            if name in self.parameters
        }
        before = {name: self.parameters[name][row].copy() for name, row in rows.items()}
        self.optimizer.step(gradients)
        for name, row in rows.items():
            array, old = self.parameters[name], before[name]
            array[row] = old + array.dtype.type(self.factor) * (array[row] - old)


def _scaled(optimizer: Callable, factor: float, model: Any, steps: int) -> ScaledSteps:
    return ScaledSteps(optimizer(model, steps), model.parameters, factor)


def step_length(experiment: Experiment, factor: float) -> Experiment:
    """Return the experiment with steps of the same direction and another length."""
    return replace(experiment, optimizer=partial(_scaled, experiment.optimizer, factor))


def long_enough(experiment: Experiment, steps: int = 200) -> Experiment:
    """Return the experiment with at least so many steps, as epochs need them; its schedule is stretched to them."""
    return replace(experiment, epochs=max(experiment.epochs, steps), max_steps=max(steps, experiment.max_steps or 0))


def longer(experiment: Experiment, factor: int) -> Experiment:
    """Return the experiment with several times as many steps; its schedule is stretched to them."""
    steps = None if experiment.max_steps is None else experiment.max_steps * factor
    return replace(experiment, epochs=experiment.epochs * factor, max_steps=steps)


def _undisturbed(model: Callable, documents: Any, vocabulary: Any, rng: Any) -> Any:
    """Return a model whose forward pass draws nothing, wherever its dropout is: it is given no generator."""
    built = model(documents, vocabulary, rng)
    own = type(built)
    built.__class__ = type(f"Undisturbed{own.__name__}", (own,), {"forward": lambda self, batch, rng=None:
                                                                  own.forward(self, batch)})  # fmt: skip
    return built


def without_dropout(experiment: Experiment) -> Experiment:
    """Return the experiment with a model that drops nothing while it trains."""
    return replace(experiment, model=partial(_undisturbed, experiment.model))


def larger_batches(experiment: Experiment, size: int = 32) -> Experiment:
    """Return the experiment with batches of at least `size` pairs."""
    return replace(experiment, batch_size=max(size, experiment.batch_size))


def _counted(model: Callable, documents: Any, vocabulary: Any, rng: Any) -> Any:
    built = model(documents, vocabulary, rng)
    for array in built.parameters.values():
        if array.ndim == 2 and len(array) == len(vocabulary):
            array[:] = ppmi_embeddings(documents, vocabulary, array.shape[1], np.random.default_rng(0))
            return built
    raise ValueError(
        f"no parameter has a row for each of the {len(vocabulary)} words; there is {sorted(built.parameters)}"
    )


def counted_start(experiment: Experiment) -> Experiment:
    """Return the experiment with a model whose word vectors start from counts of the training text."""
    return replace(experiment, model=partial(_counted, experiment.model))


def _as_saved(model: Callable, documents: Any, vocabulary: Any, rng: Any) -> Any:
    built = model(documents, vocabulary, rng)
    saved = NSPModel.mini()
    if built.encoder.width != saved.encoder.width:
        raise ValueError(f"h_cls has {built.encoder.width} numbers; nsp-mini has {saved.encoder.width}")
    built.encoder = saved.encoder
    return built


def as_saved(experiment: Experiment) -> Experiment:
    """Return the experiment with the encoder of `nsp-mini` as it was saved."""
    return replace(experiment, model=partial(_as_saved, experiment.model))


def _with_length(model: Callable, length: int, documents: Any, vocabulary: Any, rng: Any) -> Any:
    built = model(documents, vocabulary, rng)
    built.max_length = max(length, built.max_length)
    return built


def longer_rows(experiment: Experiment, length: int = 128) -> Experiment:
    """Return the experiment with room for `length` tokens in a row, encoded as the course does."""
    return replace(experiment, model=partial(_with_length, experiment.model, length), encode=encode_pairs)


def larger_vocabulary(experiment: Experiment, size: int = 4000) -> Experiment:
    """Return the experiment with a vocabulary of at least `size` words."""
    return replace(experiment, vocabulary_size=max(size, experiment.vocabulary_size))


DOSES = (
    Dose("a tenth of the step length", "optimizer", "learning-rate-too-high", partial(step_length, factor=0.1)),
    Dose("ten times the step length", "optimizer", "learning-rate-too-low", partial(step_length, factor=10.0)),
    Dose("three times as many steps", "optimizer", "stopped-too-early", partial(longer, factor=3), 3.0),
    Dose("no dropout", "model", "dropout-too-high", without_dropout),
    Dose("batches of 32 pairs", "batching", "batch-too-small", larger_batches),
)

#: Cause -> the change that repairs it, where that says more than an exchange of the whole part.
REPAIRS = {
    "dropout-too-high": DOSES[3],
    "batch-too-small": DOSES[4],
    "stopped-too-early": Dose("200 steps", "optimizer", "stopped-too-early", long_enough, 3.0),
    "max-length-short": Dose("rows of 128 tokens", "encoding", "max-length-short", longer_rows),
    "checkpoint-read-otherwise": Dose(
        "the encoder of nsp-mini as it was saved", "model", "checkpoint-read-otherwise", as_saved
    ),
    "unknown-words": Dose("a vocabulary of 4,000 words", "encoding", "unknown-words", larger_vocabulary),
    "pretrained-not-loaded": Dose("word vectors counted in the text", "model", "pretrained-not-loaded", counted_start),
    "wrong-vocabulary": Dose("word vectors counted in the text", "model", "wrong-vocabulary", counted_start),
}
