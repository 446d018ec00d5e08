"""Real trainings whose curves the exercises show, healthy and sick.

They are trained here and now, never drawn. Which is which stands in this file, so a learner who wants to find out reads
the curves first.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from nsputil.baselines import OverlapModel
from nsputil.bert import BertEncoder
from nsputil.clinic import programs
from nsputil.clinic.faults import inject
from nsputil.clinic.probes import Suspect, probe
from nsputil.corpus import load_corpus
from nsputil.encoders import ppmi_embeddings
from nsputil.losses import nsp_loss_and_grad
from nsputil.masking import mask_tokens
from nsputil.metrics import accuracy
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair
from nsputil.pretraining import PretrainingModel, evaluate_both
from nsputil.tokenization import Vocabulary, encode_pairs
from nsputil.training import Experiment, Run, adamw, bag_model, permuted, train


def _softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _softmax_twice(logits, labels):
    p = _softmax(logits)
    loss, slope = nsp_loss_and_grad(p, labels)
    return loss, p * (slope - (slope * p).sum(axis=1, keepdims=True))


def _not_next_left_out(logits, labels):
    return nsp_loss_and_grad(logits, labels, weights=(labels == IS_NEXT).astype(float))


def _divided_by_entries(logits, labels):
    loss, slope = nsp_loss_and_grad(logits, labels)
    return loss / 2, slope / 2


LOSSES = (_softmax_twice, nsp_loss_and_grad, _not_next_left_out, _divided_by_entries)


def train_four(steps=400, pairs=600, hidden=8):
    """Train the same head from the same start on the same vectors, with four different losses.

    Parameters
    ----------
    steps, pairs, hidden : int

    Returns
    -------
    list of (ndarray, float)
        For each: the loss at every step as that training reports it, and the accuracy at the end.
    """
    rng = np.random.default_rng(606)
    labels = np.arange(pairs) % 2
    side = np.where(labels == NOT_NEXT, -1.0, 1.0)
    vectors = rng.standard_normal((pairs, hidden)) + 2.5 * side[:, None] * np.eye(hidden)[0] + 3.0 * np.eye(hidden)[1]
    found = []
    for loss in LOSSES:
        W, b = np.zeros((2, hidden)), np.zeros(2)
        reported = []
        for _ in range(steps):
            logits = vectors @ W.T + b
            value, slope = loss(logits, labels)
            reported.append(value)
            W -= 0.1 * slope.T @ vectors
            b -= 0.1 * slope.sum(axis=0)
        found.append((np.array(reported), float(((vectors @ W.T + b).argmax(axis=1) == labels).mean())))
    return found


def small_bag(documents, vocabulary, rng):
    """A bag of words that trains in seconds, in float64, so that its numbers are the same on every processor."""
    return bag_model(documents, vocabulary, rng, dim=16, pooled_width=16, dtype=np.float64)


def _labels_in_another_order(documents, rng):
    """Pairs and labels as two lists, of which one was shuffled."""
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


def failing_training():
    """Train a model of sentence pairs that does not learn, and climb the sanity ladder with it.

    Returns
    -------
    Observations
    """
    rule = _labels_in_another_order
    experiment = Experiment(
        load_corpus("sotu")[::4], vocabulary_size=3000, pairs=rule, model=small_bag, max_steps=120, evaluate_every=30
    )
    run = train(experiment)
    train_documents = experiment.split(experiment.documents, np.random.default_rng((experiment.seed, 0)))[0]
    pairs = rule(train_documents, np.random.default_rng(1))
    eight = encode_pairs(pairs[:8], run.model.vocabulary)
    model = small_bag(train_documents, run.model.vocabulary, np.random.default_rng(2))
    optimizer = adamw(model, 80)
    for _ in range(80):
        logits, cache = model.forward(eight)
        loss, slope = nsp_loss_and_grad(logits, eight.labels)
        optimizer.step(model.backward(slope, cache))
    updates = [value for row in run.instruments for name, value in row.items() if name.startswith("update.")]
    overlap = OverlapModel.fit(pairs)
    return Observations(
        run=run,
        first_loss=run.loss[0],
        eight_pairs=loss,
        is_next=run.prior,
        moved=min(updates) > 0,
        overlap=accuracy(overlap.logits(run.test_pairs), [pair.label for pair in run.test_pairs]),
    )


def attention_at_the_start(a, b):
    """Look into the first layer of two Transformers that have not been trained at all.

    One starts from small random numbers. The other starts from counted word vectors, with queries and keys that are
    nearly a multiple of the identity.

    Parameters
    ----------
    a, b : str
        Two sentences with words in common.

    Returns
    -------
    dict of (float, float)
        For each start: the mean attention weight, over both heads, that a word of A gives to the same word in B, and to
        another word of B.
    """
    documents = load_corpus("sotu")[::4]
    vocabulary = Vocabulary.from_documents(documents, max_size=3000)
    batch = encode_pairs([SentencePair(a, b, IS_NEXT, 0, 0, 0, 1)], vocabulary)
    ids, segments = batch.input_ids[0], batch.token_type_ids[0]
    ordinary = ~np.isin(ids, [vocabulary.cls_id, vocabulary.sep_id, vocabulary.unk_id])
    from_a_to_b = np.outer(ordinary & (segments == 0), ordinary & (segments == 1))
    same = ids[:, None] == ids[None, :]
    found = {}
    for name in ("from nothing", "comparing"):
        encoder = BertEncoder(len(vocabulary), 32, 2, 2, np.random.default_rng(7), 64, 96, np.float64)
        if name == "comparing":
            vectors = ppmi_embeddings(documents, vocabulary, 32, np.random.default_rng(0))
            length = np.linalg.norm(vectors, axis=1, keepdims=True)
            encoder.tables["words"] += vectors / np.where(length > 0, length, 1)
            for part in ("query", "key"):
                encoder.layers[0].parts[part].parameters["weight"] += 1.5 * np.eye(32)
        weights = encoder.forward(batch)[1].layers[0].weights[0].mean(axis=0)
        found[name] = float(weights[from_a_to_b & same].mean()), float(weights[from_a_to_b & ~same].mean())
    return found


def two_pretrainings(steps=110):
    """Train masked words and next sentence together, twice; what was changed in each stands here.

    Parameters
    ----------
    steps : int

    Returns
    -------
    dict of Run
        By the names "A" and "B".
    """
    experiment = Experiment(
        programs.texts("sotu", 124, 30), split=partial(programs.split, held_out=0.1), vocabulary_size=2000,
        model=_both_tasks, masking=mask_tokens, evaluation=evaluate_both, optimizer=partial(programs.adamw, rate=3e-3),
        batch_size=16, max_steps=steps, instrument_every=0, seed=2,
    )  # fmt: skip
    return {
        "A": train(inject(experiment, "segments-misaligned")),
        "B": train(replace(experiment, mlm_factor=0.0)),
    }


def three_defects():
    """Train three times, each time with another defect; which ones stands here.

    Returns
    -------
    dict of Run
        By the names "X", "Y" and "Z".
    """
    faults = {"X": "sum-reduction", "Y": "training-labels-inverted", "Z": "too-few-pairs"}
    return {name: train(inject(_clinic_program(), fault)) for name, fault in faults.items()}


def one_sided_training():
    """Train a model that says IsNext to nearly everything, and probe it; its defect stands here.

    Returns
    -------
    run : Run
    healthy : Run
        Of the same experiment without the defect.
    found : dict of float
        What the probes of `nsputil.clinic.probes` said.
    """
    experiment = _clinic_program()
    sick = inject(experiment, "class-weight-left")
    suspect = Suspect(sick, train(sick))
    found = {}
    for name in ("label-histogram", "look-at-rows", "loss-unit-test", "overfit-eight", "recount-training"):
        found |= probe(suspect, name)
    return suspect.run, train(experiment), found


def never_falling_training():
    """Train a model whose loss never falls, probe it, and try three repairs; its defect stands here.

    Returns
    -------
    runs : dict of Run
        "as it was", and by each repair.
    found : dict of float
        What the probes of `nsputil.clinic.probes` said of the training as it was.
    """
    sound = _clinic_program()
    sick = inject(sound, "weight-decay-too-high")
    slower = partial(programs.adamw, rate=sound.optimizer.keywords["rate"] / 10)
    runs = {"as it was": train(sick)}
    found = {}
    for name in ("look-at-rows", "overfit-eight", "one-step", "weights"):
        found |= probe(Suspect(sick, runs["as it was"]), name)
    runs["twice as long"] = train(replace(sick, max_steps=2 * sick.max_steps))
    runs["a tenth of the rate"] = train(inject(replace(sound, optimizer=slower), "weight-decay-too-high"))
    runs["less decay"] = train(sound)
    return runs, found


def _clinic_program():
    return programs.healthy(programs.PROGRAMS[0], seed=21, dtype=np.float64)


def _both_tasks(documents, vocabulary, rng):
    start = programs.pretrained_bert(documents, vocabulary, rng, dtype=np.float64)
    return PretrainingModel(start.encoder, vocabulary, rng, max_length=96, std=0.08)
