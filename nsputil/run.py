"""A `Run` is what was seen while training: curves, reports, readings of the instruments. Introduced in notebook 07."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from nsputil.files import write_text
from nsputil.model import NSPModel

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
)


@dataclass
class Run:
    """What was seen while training. It holds no word about how the experiment differs from another.

    Attributes
    ----------
    model : NSPModel
        As it was at the end; None in a run that was read from a file.
    loss, accuracy : list of float
        Of next sentence prediction, for each training batch.
    mlm_loss : list of float
        Of the masked words, for each training batch; empty if none were masked. It is never added to `loss`, because
        the sum hides whichever of the two has stopped learning.
    evaluations : list of dict
        ``step`` and what the evaluation returned, on held-out documents; `final` holds the last on all pairs.
    instruments : list of dict
        Readings every few steps; see `read_instruments`.
    prior : float
        Fraction of IsNext among the training pairs of the first epoch.
    interrupted : bool
        Stopped from the keyboard.
    diverged_at : int, optional
        The step, counted from 1, at which the logits or the loss were NaN or infinite. Training ends there, and
        `final` is empty. None: all were finite.
    kind : dict
        ``attends`` and ``adaptive``: whether the encoder is a Transformer (False: a bag of words) and the optimizer of
        Adam's kind (False: SGD); None if they do not say. A diagnosis compares a run with others of its kind.
    """

    model: NSPModel | None = None
    loss: list = field(default_factory=list)
    accuracy: list = field(default_factory=list)
    mlm_loss: list = field(default_factory=list)
    evaluations: list = field(default_factory=list)
    instruments: list = field(default_factory=list)
    final: dict = field(default_factory=dict)
    prior: float = 0.5
    interrupted: bool = False
    diverged_at: int | None = None
    kind: dict = field(default_factory=dict)
    test_pairs: list = field(default_factory=list, repr=False)

    def save(self, path):
        """Write the curves and readings (not the model) as JSON."""
        kept = {name: getattr(self, name) for name in SAVED}
        write_text(path, json.dumps({"format": "nsputil run 1"} | kept))

    @classmethod
    def load(cls, path):
        """Read a run that `save` wrote.

        Raises
        ------
        ValueError
            If the file is not such a run.
        """
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{Path(path).name} is not a saved run: {error}") from error
        if not isinstance(found, dict) or found.get("format") != "nsputil run 1":
            raise ValueError(f"{Path(path).name} is not a saved run; expected a file that Run.save wrote")
        return cls(**{name: found[name] for name in SAVED if name in found})
