"""What several test files need: small trainings and banks, each made once by every process that runs tests.

Imports are in the fixtures, since tests/site runs in an environment without numpy.
"""

import pytest


@pytest.fixture(scope="session")
def small_experiment():
    """A bag of words on a part of the factbook, in float64: it learns a little within a second."""
    import numpy as np

    from nsputil.corpus import load_corpus
    from nsputil.training import Experiment, bag_model

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
    from nsputil.training import train

    return train(small_experiment)


@pytest.fixture(scope="session")
def bank():
    """The shipped bank of cases; nothing in it may be changed."""
    from nsputil.clinic import case_bank

    return case_bank.bank()


@pytest.fixture(scope="session")
def small_bank(bank):
    """200 cases to learn from and 40 to test on, of "healthy" and eight causes, in all programs.

    Faults that do no harm are left out, so a case with a fault has that fault as its cause.
    """
    from nsputil.clinic.case_bank import Bank

    causes = (
        "healthy", "double-softmax", "label-noise", "labels-shuffled", "learning-rate-too-low", "one-label",
        "sign-flipped", "tested-on-training-text", "zero-init",
    )  # fmt: skip
    rows = []
    for cause in causes:
        for part, count in (("train", 20), ("test", 4)):
            of_it = [
                row
                for row, case in enumerate(bank.cases)
                if case.part == part and case.cause == cause and bool(case.faults) == (cause != "healthy")
            ]
            of_it.sort(key=lambda row: (bank.cases[row].number, bank.cases[row].program))  # all programs in turn
            rows += of_it[: 2 * count if cause == "healthy" else count]
    return Bank(
        [bank.cases[row] for row in rows], bank.names, bank.values[rows], bank.curves[rows], bank.probes,
        {cause: bank.groups[cause] for cause in causes},
    )  # fmt: skip
