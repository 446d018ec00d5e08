"""Names for the types of arrays and functions that exercises are made of."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]

#: A function with any arguments, such as what a learner wrote.
Function = Callable[..., Any]
#: The answer to an exercise with numbers: one, or several in a tuple.
Numbers = float | tuple[float, ...]
