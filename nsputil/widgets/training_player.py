"""The training player: scrub through a real run, its curves and its predictions. Introduced in notebook 07."""

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import traitlets

from nsputil.metrics import entropy
from nsputil.plotting import new_figure, reference_line, round_data
from nsputil.run import Run
from nsputil.widgets.base import CourseWidget, browser_module

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Training loss and accuracy are means over this number of batches.
WINDOW = 20
MAX_STEPS = 20_000
#: What the browser needs of each evaluation.
SHOWN_OF_EVALUATIONS = ("step", "loss", "accuracy", "histogram")


class Curves(Protocol):
    """What the player reads: a `Run`, or the widget that holds the same lists."""

    @property
    def loss(self) -> list[float]: ...
    @property
    def accuracy(self) -> list[float]: ...
    @property
    def evaluations(self) -> list[dict[str, Any]]: ...
    @property
    def prior(self) -> float: ...


class Moment(NamedTuple):
    """What a run had shown by one step; losses in nats.

    `loss` and `accuracy` are means over the last 20 training batches, `reference` is H(prior). The rest belongs to the
    latest evaluation on held-out pairs: None and empty before the first one. `is_next` and `not_next` count, by gold
    label, the pairs in equal bins of Pr(IsNext); they are empty if the run recorded none.
    """

    loss: float
    accuracy: float
    reference: float
    held_out_step: int | None
    held_out_loss: float | None
    held_out_accuracy: float | None
    is_next: tuple[int, ...]
    not_next: tuple[int, ...]


def training_at(run: Curves, step: int) -> Moment:
    """Return what a run had shown by a step: the numbers of the widget.

    Parameters
    ----------
    run : Run
        From `nsputil.training.train`, or read from a file.
    step : int
        From 1 to the number of steps.

    Returns
    -------
    Moment

    Raises
    ------
    ValueError
        If the run has no step of that number.

    Notes
    -----
    Introduced in notebook 07.
    """
    if not 1 <= step <= len(run.loss):
        raise ValueError(f"step is {step}; expected 1 to {len(run.loss)}, the steps of this run")
    recent = slice(max(0, step - WINDOW), step)
    past_evaluations = [row for row in run.evaluations if row["step"] <= step]
    latest = past_evaluations[-1] if past_evaluations else {}
    histogram = latest.get("histogram", {})
    return Moment(
        float(np.mean(run.loss[recent])),
        float(np.mean(run.accuracy[recent])),
        entropy(run.prior),
        latest.get("step"),
        latest.get("loss"),
        latest.get("accuracy"),
        tuple(histogram.get("is_next", ())),
        tuple(histogram.get("not_next", ())),
    )


class TrainingPlayer(CourseWidget):
    """A slider for the step, over the curves and predictions of a run; drawn and computed in the browser.

    Attributes
    ----------
    loss, accuracy : list of float
        One value for each training batch.
    evaluations : list of dict
        As in a `Run`: step, loss, accuracy, and a histogram if the run recorded one.
    prior : float
        Fraction of IsNext among the training pairs.
    step : int
        From 1 to the number of steps.
    """

    _esm = browser_module("training_player")
    module = "training_player"
    shown = ("loss", "accuracy", "evaluations", "prior", "step")
    loss = traitlets.List(traitlets.Float()).tag(sync=True)
    accuracy = traitlets.List(traitlets.Float()).tag(sync=True)
    evaluations = traitlets.List(traitlets.Dict()).tag(sync=True)
    prior = traitlets.Float(0.5, min=0.0, max=1.0).tag(sync=True)
    step = traitlets.Int(1, min=1).tag(sync=True)

    @property
    def reading(self) -> Moment:
        """What the widget shows now, computed in Python: a `Moment`."""
        return training_at(self, self.step)

    def picture(self) -> "Figure":
        """Return the two curves up to the step that is shown."""
        fig, ax = new_figure()
        smooth = [training_at(self, k).loss for k in range(1, self.step + 1)]
        ax.plot(range(1, self.step + 1), round_data(smooth, 3))
        past = [row for row in self.evaluations if row["step"] <= self.step]
        ax.plot([row["step"] for row in past], round_data([row["loss"] for row in past], 3), "o--")
        reference_line(ax, entropy(self.prior), "H(prior)")
        ax.set(xlabel="step", ylabel="loss (nats)", xlim=(0, len(self.loss)))
        ax.set_title(f"Training player: step {self.step} of {len(self.loss)}, held-out dashed")
        return fig

    def __repr__(self) -> str:
        now = self.reading
        held_out = "none yet" if now.held_out_loss is None else f"{now.held_out_loss:.3f} nats"
        return (
            f"TrainingPlayer: step {self.step} of {len(self.loss)}, training loss {now.loss:.3f}, "
            f"held-out loss {held_out}"
        )


def training_player(run: Run, step: int | None = None) -> TrainingPlayer:
    """Return a `TrainingPlayer`; as the last line of a cell it appears below.

    Parameters
    ----------
    run : Run
        From `nsputil.training.train`, or read from a file; up to 20,000 steps. With
        ``Experiment(evaluation=evaluate_with_histogram)`` the player also shows the distribution of the predictions.
    step : int, optional
        The step shown first; None: the last one.

    Returns
    -------
    TrainingPlayer

    Raises
    ------
    ValueError
        If the run is empty or too long, or holds a loss that is not finite; if it has no such step.
    """
    if not 1 <= len(run.loss) <= MAX_STEPS:
        raise ValueError(f"the run has {len(run.loss)} steps; expected 1 to {MAX_STEPS:,}")
    losses = list(run.loss) + [row["loss"] for row in run.evaluations]
    if not np.isfinite(losses).all():
        not_finite = losses[int(np.argmin(np.isfinite(losses)))]
        raise ValueError(f"the run holds a loss of {not_finite}; expected finite losses")
    first_step = len(run.loss) if step is None else int(step)
    training_at(run, first_step)  # says what is wrong with the step, if anything is
    evaluations = [{name: row[name] for name in SHOWN_OF_EVALUATIONS if name in row} for row in run.evaluations]
    return TrainingPlayer(
        loss=list(run.loss), accuracy=list(run.accuracy), evaluations=evaluations, prior=run.prior, step=first_step
    )
