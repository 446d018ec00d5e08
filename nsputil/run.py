"""A `Run` is the record of a training: curves, reports, readings of the instruments."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from nsputil.files import write_text
from nsputil.model import NSPModel
from nsputil.pairs import SentencePair

SAVED = (
    "loss",
    "accuracy",
    "mlm_loss",
    "evaluations",
    "instruments",
    "final",
    "prior",
    "interrupted",
    "diverged_at",
    "kind",
    "examined",
)


@dataclass
class Run:
    """The record of a training. It does not say how the experiment differs from another.

    Attributes
    ----------
    model : NSPModel
        In its final state; None in a run that was read from a file.
    loss, accuracy : list of float
        Of next sentence prediction, for each training batch.
    mlm_loss : list of float
        Of the masked words, for each training batch; empty if none were masked. It is never added to `loss`, because
        the sum hides whichever of the two has stopped learning.
    evaluations : list of dict
        ``step`` and what the evaluation returned, on held-out documents.
    final : dict
        What the evaluation returned at the end, on all pairs of the test documents.
    instruments : list of dict
        Readings every few steps; see `read_instruments`.
    prior : float
        Fraction of IsNext among the training pairs of the first epoch.
    interrupted : bool
        True if it was stopped from the keyboard.
    diverged_at : int, optional
        The step, counted from 1, at which the logits or the loss were NaN or infinite. Training ends there, and
        `final` is empty. None if all were finite.
    kind : dict
        ``attends`` and ``adaptive``: whether the encoder is a Transformer (False: a bag of words) and the optimizer of
        Adam's kind (False: SGD); None if they do not say. A diagnosis compares a run with others of its kind.
    examined : list of dict
        What the facts of `nsputil.clinic.facts` say of this training, if they were examined while it ran.
    test_pairs : list of SentencePair
        The pairs of `final`; not saved.
    """

    model: NSPModel | None = None
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    mlm_loss: list[float] = field(default_factory=list)
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    instruments: list[dict[str, float | None]] = field(default_factory=list)
    final: dict[str, Any] = field(default_factory=dict)
    prior: float = 0.5
    interrupted: bool = False
    diverged_at: int | None = None
    kind: dict[str, bool | None] = field(default_factory=dict)
    examined: list[dict[str, Any]] = field(default_factory=list, repr=False)
    test_pairs: list[SentencePair] = field(default_factory=list, repr=False)

    def save(self, path: str | Path) -> None:
        """Write the curves and readings (not the model) as JSON."""
        fields = {name: getattr(self, name) for name in SAVED}
        write_text(path, json.dumps({"format": "nsputil run 1"} | fields))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a run that `save` wrote.

        Raises
        ------
        ValueError
            If the file is not such a run.
        """
        try:
            fields = json.loads(Path(path).read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{Path(path).name} is not a saved run: {error}") from error
        if not isinstance(fields, dict) or fields.get("format") != "nsputil run 1":
            raise ValueError(f"{Path(path).name} is not a saved run; expected a file that Run.save wrote")
        return cls(**{name: fields[name] for name in SAVED if name in fields})
