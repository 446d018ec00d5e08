"""Softmax and the gap: two logits, two probabilities, one loss. Introduced in notebook 06."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import traitlets

from nsputil.losses import nsp_loss, nsp_loss_from_gap, sigmoid
from nsputil.pairs import IS_NEXT, LABEL_NAMES, NOT_NEXT
from nsputil.plotting import label_line, new_figure, round_data
from nsputil.widgets.base import browser_module
from nsputil.widgets.logit_sliders import LogitSliders, check_logits_and_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Softmax(NamedTuple):
    """What two logits and a label give: both probabilities, ``gap = z_gold - z_other``, and the loss in nats."""

    p_is_next: float
    p_not_next: float
    gap: float
    loss: float


def softmax_at(z_is_next: float, z_not_next: float, label: int) -> Softmax:
    """Return the numbers that the widget shows for two logits and a gold label.

    Parameters
    ----------
    z_is_next, z_not_next : float
        The two logits.
    label : int
        The gold class: 0 = IsNext, 1 = NotNext.

    Returns
    -------
    Softmax

    Raises
    ------
    TypeError, ValueError
        As `nsputil.losses.nsp_loss`.

    Notes
    -----
    Introduced in notebook 06.

    Examples
    --------
    >>> round(softmax_at(1.3863, 0.0, 0).p_is_next, 4)
    0.8
    """
    loss = nsp_loss([[float(z_is_next), float(z_not_next)]], [label])
    log_odds = float(z_is_next) - float(z_not_next)
    gap = log_odds if label == IS_NEXT else -log_odds
    return Softmax(float(sigmoid(log_odds)), float(sigmoid(-log_odds)), gap, loss)


class SoftmaxExplorer(LogitSliders):
    """Two sliders for the logits, two gold labels; drawn and computed in the browser.

    Attributes
    ----------
    z_is_next, z_not_next : float
        The logits, from -8 to 8.
    label : int
        0 = IsNext, 1 = NotNext.
    """

    _esm = browser_module("softmax_explorer")
    module = "softmax_explorer"
    shown = ("z_is_next", "z_not_next", "label")
    label = traitlets.Enum([IS_NEXT, NOT_NEXT], IS_NEXT).tag(sync=True)

    @property
    def reading(self) -> Softmax:
        """What the widget shows now, computed in Python: a `Softmax`."""
        return softmax_at(self.z_is_next, self.z_not_next, self.label)

    def picture(self) -> "Figure":
        """Return the loss over the gap, with a dot where the logits are."""
        now = self.reading
        fig, ax = new_figure()
        grid = np.linspace(-6, 6, 201)
        ax.plot(grid, round_data(nsp_loss_from_gap(grid)))
        ax.plot(*round_data([[now.gap], [now.loss]]), "o", color="black", linestyle="none")
        label_line(ax, now.gap + 0.2, now.loss + 0.2, f"gap {now.gap:.1f}, loss {now.loss:.4f}")
        ax.set(xlabel="gap z_gold - z_other", ylabel="loss (nats)")
        ax.set_title(f"Softmax explorer: gold {LABEL_NAMES[self.label]}, Pr(IsNext) {now.p_is_next:.4f}")
        return fig

    def __repr__(self) -> str:
        now = self.reading
        return f"SoftmaxExplorer: gap {now.gap:.1f}, gold {LABEL_NAMES[self.label]}, loss {now.loss:.4f} nats"


def softmax_explorer(z_is_next: float = 1.4, z_not_next: float = 0.0, label: int = IS_NEXT) -> SoftmaxExplorer:
    """Return a `SoftmaxExplorer`; as the last line of a cell it appears below.

    Parameters
    ----------
    z_is_next, z_not_next : float
        The logits at the start, from -8 to 8.
    label : int
        The gold class at the start: 0 = IsNext, 1 = NotNext.

    Returns
    -------
    SoftmaxExplorer

    Raises
    ------
    ValueError
        If an argument is outside its range.
    """
    check_logits_and_label(z_is_next, z_not_next, label)
    return SoftmaxExplorer(z_is_next=float(z_is_next), z_not_next=float(z_not_next), label=int(label))
