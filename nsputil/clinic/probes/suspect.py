"""What a probe may touch: the pipeline of a suspect training, and the run that came of it.

Introduced in notebook 09.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.random import Generator

from nsputil._types import Floats, Ints
from nsputil.experiment import Documents, Experiment
from nsputil.losses import nsp_loss, sigmoid
from nsputil.model import NSPModel
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair
from nsputil.run import Run
from nsputil.tokenization import EncodedPairs, tokenize


class Suspect:
    """A training under suspicion: its experiment, its run and its model, with what most probes ask of them.

    Parameters
    ----------
    experiment : Experiment
    run : Run
        With its model.

    Attributes
    ----------
    experiment : Experiment
        A probe calls its parts; it never compares them with those of another experiment.
    run : Run
    model : NSPModel
        As trained.

    Raises
    ------
    ValueError
        If the run has no model, as one read from a file.
    """

    def __init__(self, experiment: Experiment, run: Run) -> None:
        if run.model is None:
            raise ValueError("the run has no model (it was read from a file?); probes need one: train the experiment")
        self.experiment, self.run, self.model = experiment, run, run.model
        self._words: dict[str, set[str]] = {}

    def rng(self, number: int) -> Generator:
        """Return a generator that depends on the seed of the experiment and on a number."""
        return np.random.default_rng((self.experiment.seed, 9, number))

    @cached_property
    def documents(self) -> Sequence[Documents]:
        """The three parts of the suspect's own split: to train, to watch, to test."""
        return self.experiment.split(self.experiment.documents, np.random.default_rng((self.experiment.seed, 0)))

    @cached_property
    def _first_epoch(self) -> tuple[list[SentencePair], Sequence[Ints]]:
        e, ids = self.experiment, self.model.vocabulary.ids
        rng = np.random.default_rng((e.seed, 5, 0))
        pairs = e.pairs(self.documents[0], rng)
        lengths = np.array([len(ids(p.sentence_a)) + len(ids(p.sentence_b)) for p in pairs])
        return pairs, e.batching(lengths, e.batch_size, rng)

    @property
    def pairs(self) -> list[SentencePair]:
        """The training pairs of the first epoch."""
        return self._first_epoch[0]

    @property
    def batches(self) -> Sequence[Ints]:
        """The batches of the first epoch, as arrays of indices of `pairs`."""
        return self._first_epoch[1]

    @cached_property
    def held_out(self) -> list[SentencePair]:
        """Held-out pairs, as the suspect samples them."""
        sample = self.experiment.held_out_pairs or self.experiment.pairs
        return sample(self.documents[1], np.random.default_rng((self.experiment.seed, 2)))

    @cached_property
    def some_held_out(self) -> list[SentencePair]:
        """At most 200 of the held-out pairs."""
        chosen = self.rng(0).permutation(len(self.held_out))[:200]
        return [self.held_out[k] for k in sorted(chosen)]

    @cached_property
    def next_of(self) -> dict[str, set[str]]:
        """For each sentence of the suspect's documents, the texts that truly follow it somewhere."""
        following: dict[str, set[str]] = {}
        for document in self.experiment.documents:
            for a, b in zip(document.sentences, document.sentences[1:], strict=False):
                following.setdefault(a, set()).add(b)
        return following

    @cached_property
    def held_out_logits(self) -> Floats:
        """The logits of the trained model for `some_held_out`."""
        return self.model.logits(self.some_held_out)

    def words(self, text: str) -> set[str]:
        """Return the set of words of a text."""
        if text not in self._words:
            self._words[text] = set(tokenize(text))
        return self._words[text]

    def overlap(self, a: str, b: str) -> float:
        """Return the share of the words of two texts that both texts contain."""
        in_a, in_b = self.words(a), self.words(b)
        return len(in_a & in_b) / max(1, len(in_a | in_b))

    def encode(self, pairs: Sequence[SentencePair]) -> EncodedPairs:
        """Return pairs as the suspect encodes them."""
        return self.experiment.encode(pairs, self.model.vocabulary, self.model.max_length)

    def batch(self, number: int) -> EncodedPairs:
        """Return a training batch, encoded."""
        chosen = self.batches[number % len(self.batches)]
        return self.encode([self.pairs[k] for k in chosen])

    def fresh(self) -> NSPModel:
        """Return the model as it was before training."""
        e = self.experiment
        model = e.model(self.documents[0], self.model.vocabulary, np.random.default_rng((e.seed, 1)))
        return model.with_encoding(e.encode)

    def p_is_next(self, batch: EncodedPairs) -> Floats:
        """Return Pr(IsNext) by the trained model, shape (pairs,)."""
        logits = self.model.forward(batch)[0].astype(float)
        return sigmoid(logits[:, IS_NEXT] - logits[:, NOT_NEXT])

    def learn(
        self, model: NSPModel, batches: Sequence[EncodedPairs], factor: float = 1.0, steps: int | None = None
    ) -> tuple[Floats, Floats]:
        """Train a model further, one step of the suspect's own kind on each batch.

        Parameters
        ----------
        model : NSPModel
            It is changed.
        batches : sequence of EncodedPairs
        factor : float
            What each update is multiplied by.
        steps : int, optional
            The length of the training that the optimizer is made for; the number of batches if left out.

        Returns
        -------
        reported, true : ndarray
            The loss of each batch in nats, before the step: as the suspect computes it, and as this course does.
            Shorter than `batches` if a number was not finite.
        """
        e = self.experiment
        optimizer = e.optimizer(model, steps or len(batches))
        parameters, reported, true = model.parameters, [], []
        for number, batch in enumerate(batches):
            logits, cache = model.forward(batch, self.rng(1000 + number))
            if not np.isfinite(logits).all():
                break
            loss, dlogits = e.loss(logits, batch.labels)
            reported.append(float(loss))
            true.append(nsp_loss(logits, batch.labels))
            if not np.isfinite(loss):
                break
            before = {name: array.copy() for name, array in parameters.items()} if factor != 1 else {}
            optimizer.step(model.backward(dlogits, cache))
            if factor != 1:
                for name, array in parameters.items():
                    array[...] = before[name] + array.dtype.type(factor) * (array - before[name])
        return np.array(reported), np.array(true)
