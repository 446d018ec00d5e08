"""Names for the types of what a learner answers."""

from collections.abc import Callable
from typing import Any

#: A function with any arguments.
Function = Callable[..., Any]
#: One number, or several in a tuple.
Numbers = float | tuple[float, ...]
