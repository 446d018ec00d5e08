"""What several test files need: small trainings, each made once by every process that runs tests."""

import numpy as np
import pytest

from nsputil.corpus import load_corpus
from nsputil.training import Experiment, bag_model, train


@pytest.fixture(scope="session")
def small_experiment():
    """A bag of words on a part of the factbook, in float64: it learns a little within a second."""

    def small_model(documents, vocabulary, rng):
        return bag_model(documents, vocabulary, rng, dim=16, pooled_width=16, dtype=np.float64)

    return Experiment(
        load_corpus("factbook")[:120],
        vocabulary_size=1500,
        model=small_model,
        batch_size=64,
        epochs=2,
        instrument_every=5,
    )


@pytest.fixture(scope="session")
def small_run(small_experiment):
    """The training of `small_experiment`; copy its model before you change it."""
    return train(small_experiment)
