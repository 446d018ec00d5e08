"""One gradient step on one pair: logits and loss before and after. Introduced in notebook 05."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import traitlets

from nsputil.losses import nsp_loss, nsp_loss_and_grad, nsp_loss_from_gap
from nsputil.pairs import IS_NEXT, LABEL_NAMES, NOT_NEXT
from nsputil.plotting import label_line, new_figure, round_data
from nsputil.widgets.base import browser_module
from nsputil.widgets.logit_sliders import LogitSliders, check_logits_and_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The largest step size on the slider.
HIGHEST_RATE = 8.0


class Step(NamedTuple):
    """One step: ``gradient = p - y``, the logits after it, and the loss before and after, in nats."""

    gradient: tuple[float, float]
    after: tuple[float, float]
    loss_before: float
    loss_after: float


def step_at(z_is_next: float, z_not_next: float, label: int, rate: float) -> Step:
    """Take one gradient step on the logits of one pair: ``z - rate * (p - y)``. The widget's numbers.

    Parameters
    ----------
    z_is_next, z_not_next : float
        The two logits.
    label : int
        The gold class: 0 = IsNext, 1 = NotNext.
    rate : float
        The step size.

    Returns
    -------
    Step

    Raises
    ------
    TypeError, ValueError
        As `nsputil.losses.nsp_loss`.

    Notes
    -----
    Introduced in notebook 05.

    Examples
    --------
    >>> [round(g, 4) for g in step_at(1.3863, 0.0, 0, rate=1.0).gradient]
    [-0.2, 0.2]
    """
    loss_before, gradient_rows = nsp_loss_and_grad([[float(z_is_next), float(z_not_next)]], [label])
    gradient = float(gradient_rows[0, IS_NEXT]), float(gradient_rows[0, NOT_NEXT])
    after = float(z_is_next) - rate * gradient[IS_NEXT], float(z_not_next) - rate * gradient[NOT_NEXT]
    return Step(gradient, after, loss_before, nsp_loss([after], [label]))


class GradientExplorer(LogitSliders):
    """Sliders for two logits and the step size; before and after are drawn and computed in the browser.

    Attributes
    ----------
    z_is_next, z_not_next : float
        The logits before the step, from -8 to 8.
    label : int
        0 = IsNext, 1 = NotNext.
    rate : float
        The step size, from 0 to 8.
    """

    _esm = browser_module("gradient_explorer")
    module = "gradient_explorer"
    shown = ("z_is_next", "z_not_next", "label", "rate")
    label = traitlets.Enum([IS_NEXT, NOT_NEXT], NOT_NEXT).tag(sync=True)
    rate = traitlets.Float(1.0, min=0.0, max=HIGHEST_RATE).tag(sync=True)

    @property
    def reading(self) -> Step:
        """What the widget shows now, computed in Python: a `Step`."""
        return step_at(self.z_is_next, self.z_not_next, self.label, self.rate)

    def picture(self) -> "Figure":
        """Return the loss over the gap, with a dot before the step and one after it."""
        now, sign = self.reading, 1 if self.label == IS_NEXT else -1
        gaps = [sign * (z[0] - z[1]) for z in ((self.z_is_next, self.z_not_next), now.after)]
        fig, ax = new_figure()
        grid = np.linspace(min(*gaps, -3) - 1, max(*gaps, 3) + 1, 201)
        ax.plot(grid, round_data(nsp_loss_from_gap(grid)))
        for gap, loss, name in zip(gaps, (now.loss_before, now.loss_after), ("before", "after"), strict=True):
            ax.plot(*round_data([[gap], [loss]]), "o", color="black", linestyle="none")
            label_line(ax, gap + 0.1, loss + 0.12, f"{name}: {loss:.4f}")
        ax.set(xlabel="gap z_gold - z_other", ylabel="loss (nats)")
        ax.set_title(f"Gradient explorer: one step, gold {LABEL_NAMES[self.label]}")
        return fig

    def __repr__(self) -> str:
        now = self.reading
        return (
            f"GradientExplorer: gold {LABEL_NAMES[self.label]}, step size {self.rate:.1f}, "
            f"loss {now.loss_before:.4f} -> {now.loss_after:.4f} nats"
        )


def gradient_explorer(
    z_is_next: float = 1.4, z_not_next: float = 0.0, label: int = NOT_NEXT, rate: float = 1.0
) -> GradientExplorer:
    """Return a `GradientExplorer`; as the last line of a cell it appears below.

    Parameters
    ----------
    z_is_next, z_not_next : float
        The logits at the start, from -8 to 8.
    label : int
        The gold class at the start: 0 = IsNext, 1 = NotNext.
    rate : float
        The step size at the start, from 0 to 8.

    Returns
    -------
    GradientExplorer

    Raises
    ------
    ValueError
        If an argument is outside its range.
    """
    check_logits_and_label(z_is_next, z_not_next, label)
    if not 0 <= rate <= HIGHEST_RATE:
        raise ValueError(f"rate is {rate}; expected a step size from 0 to {HIGHEST_RATE:g}")
    return GradientExplorer(
        z_is_next=float(z_is_next), z_not_next=float(z_not_next), label=int(label), rate=float(rate)
    )
