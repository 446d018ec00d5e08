"""The claims of notebook 05."""

import numpy as np

from nsputil.losses import nsp_loss_and_grad
from tools.claims import cited, claim


@claim("rows-cancel", "The two entries of a row always cancel: what one logit gains the other loses.")
def test_the_two_entries_of_a_row_cancel():
    rng = np.random.default_rng(1)
    _, gradient = nsp_loss_and_grad(rng.normal(scale=20, size=(500, 2)), rng.integers(0, 2, 500))
    assert np.abs(gradient.sum(axis=1)).max() < 1e-18


CITED = [
    cited(
        "two-outputs-asked",
        "Someone asked exactly this of BERT's authors ([google-research/bert#1184](../docs/references.md#bert-1184)).",
        "bert-1184",
    ),
]
