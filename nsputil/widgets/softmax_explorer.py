"""Softmax and the gap: two logits, two probabilities, one loss. Introduced in notebook 05."""

from typing import NamedTuple

import traitlets

from nsputil.losses import nsp_loss, sigmoid
from nsputil.pairs import IS_NEXT, LABEL_NAMES, NOT_NEXT
from nsputil.widgets.base import CourseWidget, browser_module

#: The sliders reach from -LIMIT to LIMIT.
LIMIT = 8.0


class Softmax(NamedTuple):
    """What two logits say: both probabilities, ``gap = z_gold - z_other``, and the loss in nats."""

    p_is_next: float
    p_not_next: float
    gap: float
    loss: float


def softmax_at(z_is_next, z_not_next, label):
    """Return what two logits and a gold label give. The widget's numbers, as a plain function.

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
    Introduced in notebook 05.

    Examples
    --------
    >>> round(softmax_at(1.3863, 0.0, 0).p_is_next, 4)
    0.8
    """
    loss = nsp_loss([[float(z_is_next), float(z_not_next)]], [label])
    difference = float(z_is_next) - float(z_not_next)
    gap = difference if label == IS_NEXT else -difference
    return Softmax(float(sigmoid(difference)), float(sigmoid(-difference)), gap, loss)


class SoftmaxExplorer(CourseWidget):
    """Two sliders on the logits, two gold labels; drawn and computed in the browser.

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
    z_is_next = traitlets.Float(1.4, min=-LIMIT, max=LIMIT).tag(sync=True)
    z_not_next = traitlets.Float(0.0, min=-LIMIT, max=LIMIT).tag(sync=True)
    label = traitlets.Enum([IS_NEXT, NOT_NEXT], IS_NEXT).tag(sync=True)

    @property
    def reading(self):
        """What is now shown, computed in Python: a `Softmax`."""
        return softmax_at(self.z_is_next, self.z_not_next, self.label)

    def __repr__(self):
        now = self.reading
        return f"SoftmaxExplorer: gap {now.gap:.1f}, gold {LABEL_NAMES[self.label]}, loss {now.loss:.4f} nats"


def softmax_explorer(z_is_next=1.4, z_not_next=0.0, label=IS_NEXT):
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


def check_logits_and_label(z_is_next, z_not_next, label):
    """Raise a ValueError unless both logits are on the sliders and the label is 0 or 1."""
    for name, value in (("z_is_next", z_is_next), ("z_not_next", z_not_next)):
        if not -LIMIT <= value <= LIMIT:
            raise ValueError(f"{name} is {value}; expected a logit from {-LIMIT:g} to {LIMIT:g}")
    if label not in (IS_NEXT, NOT_NEXT):
        raise ValueError(f"label is {label!r}; expected 0 = IsNext or 1 = NotNext")
