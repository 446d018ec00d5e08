"""What the explorers with a slider for each of two logits share: the range, the sliders, the check of arguments."""

import traitlets

from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.widgets.base import CourseWidget

#: The sliders reach from -LIMIT to LIMIT.
LIMIT = 8.0


class LogitSliders(CourseWidget):
    """A widget with two sliders.

    Attributes
    ----------
    z_is_next, z_not_next : float
        The logits, from -8 to 8.
    """

    z_is_next = traitlets.Float(1.4, min=-LIMIT, max=LIMIT).tag(sync=True)
    z_not_next = traitlets.Float(0.0, min=-LIMIT, max=LIMIT).tag(sync=True)


def check_logits_and_label(z_is_next: float, z_not_next: float, label: int) -> None:
    """Raise a ValueError unless both logits are within the range of the sliders and the label is 0 or 1."""
    for name, value in (("z_is_next", z_is_next), ("z_not_next", z_not_next)):
        if not -LIMIT <= value <= LIMIT:
            raise ValueError(f"{name} is {value}; expected a logit from {-LIMIT:g} to {LIMIT:g}")
    if label not in (IS_NEXT, NOT_NEXT):
        raise ValueError(f"label is {label!r}; expected 0 = IsNext or 1 = NotNext")
