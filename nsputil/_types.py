"""Short names for the arrays in the package's signatures. Their shapes and units are in the docstrings.

What you can replace by your own has its type beside the default: `nsputil.encoders.Encoder`,
`nsputil.optimizers.Optimizer`, `nsputil.evaluation.PairClassifier`, and the functions of `nsputil.experiment`.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]  # logits, losses, parameters, gradients: float32 or float64
Ints = NDArray[np.integer]  # ids, labels, indices, masks of 0 and 1
Bools = NDArray[np.bool_]  # which entries
Weights = ArrayLike | None  # a factor for each row of a batch; None: all count alike
OneNumber = Literal["mean", "sum"]  # the reductions of losses to one number; "none" leaves an array
