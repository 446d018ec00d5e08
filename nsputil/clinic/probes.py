"""Probes: experiments that an engineer can run on a suspect training without knowing what is wrong with it.

Each runs the suspect's own pipeline, defect included, and returns a few numbers. None reads how the pipeline differs
from a healthy one; all it learns is what the pipeline does. Introduced in notebook 09.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nsputil.encoders import RowGradient
from nsputil.losses import nsp_loss, nsp_loss_and_grad, sigmoid
from nsputil.metrics import calibration_error
from nsputil.optimizers import gradient_norm, values
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.sentence_pairs import sentence_level_pairs
from nsputil.tokenization import EncodedPairs, tokenize

LOOKED_AT = 600  # pairs that a look at the data covers
SPECIAL = 5  # ids below are [PAD], [UNK], [CLS], [SEP], [MASK]


class Suspect:
    """What a probe may touch: the pipeline, and the run that came of it.

    Parameters
    ----------
    experiment : Experiment
    run : Run
        With its model.

    Raises
    ------
    ValueError
        If the run has no model, as one read from a file.
    """

    def __init__(self, experiment, run):
        if run.model is None:
            raise ValueError("the run has no model (it was read from a file?); probes need one: train the experiment")
        self.e, self.run, self.model = experiment, run, run.model
        self._words = {}

    def rng(self, number):
        """Return a generator of this experiment's seed."""
        return np.random.default_rng((self.e.seed, 9, number))

    @cached_property
    def documents(self):
        """The three parts of the suspect's own split."""
        return self.e.split(self.e.documents, np.random.default_rng((self.e.seed, 0)))

    @cached_property
    def _first_epoch(self):
        rng = np.random.default_rng((self.e.seed, 5, 0))
        pairs, ids = self.e.pairs(self.documents[0], rng), self.model.vocabulary.ids
        lengths = np.array([len(ids(p.sentence_a)) + len(ids(p.sentence_b)) for p in pairs])
        return pairs, self.e.batching(lengths, self.e.batch_size, rng)

    @property
    def pairs(self):
        """The training pairs of the first epoch."""
        return self._first_epoch[0]

    @property
    def batches(self):
        """Their batches, as index arrays."""
        return self._first_epoch[1]

    @cached_property
    def held_out(self):
        """Held-out pairs, as the suspect samples them."""
        return (self.e.held_out_pairs or self.e.pairs)(self.documents[1], np.random.default_rng((self.e.seed, 2)))

    @cached_property
    def some_held_out(self):
        """At most 200 of them."""
        chosen = self.rng(0).permutation(len(self.held_out))[:200]
        return [self.held_out[k] for k in sorted(chosen)]

    @cached_property
    def next_of(self):
        """For each sentence of the suspect's documents, the texts that truly follow it somewhere."""
        found = {}
        for document in self.e.documents:
            for a, b in zip(document.sentences, document.sentences[1:], strict=False):
                found.setdefault(a, set()).add(b)
        return found

    @cached_property
    def held_out_logits(self):
        """The trained model's logits of `some_held_out`."""
        return self.model.logits(self.some_held_out)

    def words(self, text):
        """Return the set of words of a text."""
        if text not in self._words:
            self._words[text] = set(tokenize(text))
        return self._words[text]

    def overlap(self, a, b):
        """Return the share of the words of two texts that both have."""
        a, b = self.words(a), self.words(b)
        return len(a & b) / max(1, len(a | b))

    def encode(self, pairs):
        """Return pairs as the suspect encodes them."""
        return self.e.encode(pairs, self.model.vocabulary, self.model.max_length)

    def batch(self, number):
        """Return a training batch, encoded."""
        chosen = self.batches[number % len(self.batches)]
        return self.encode([self.pairs[k] for k in chosen])

    def fresh(self):
        """Return the model as it was before training."""
        model = self.e.model(self.documents[0], self.model.vocabulary, np.random.default_rng((self.e.seed, 1)))
        return model.with_encoding(self.e.encode)

    def p_is_next(self, batch):
        """Return Pr(IsNext) by the trained model."""
        logits = self.model.forward(batch)[0].astype(float)
        return sigmoid(logits[:, IS_NEXT] - logits[:, NOT_NEXT])

    def learn(self, model, batches, factor=1.0, steps=None):
        """Take a step of the suspect's own kind on each batch; return the losses it reports and the true ones."""
        optimizer = self.e.optimizer(model, steps or len(batches))
        parameters, said, true = model.parameters, [], []
        for number, batch in enumerate(batches):
            logits, cache = model.forward(batch, self.rng(1000 + number))
            if not np.isfinite(logits).all():
                break
            loss, dlogits = self.e.loss(logits, batch.labels)
            said.append(float(loss))
            true.append(nsp_loss(logits, batch.labels))
            if not np.isfinite(loss):
                break
            before = {name: array.copy() for name, array in parameters.items()} if factor != 1 else None
            optimizer.step(model.backward(dlogits, cache))
            if factor != 1:
                for name, array in parameters.items():
                    array[...] = before[name] + array.dtype.type(factor) * (array - before[name])
        return np.array(said), np.array(true)


@dataclass(frozen=True)
class Probe:
    """One experiment.

    Attributes
    ----------
    name : str
    question : str
    cost : float
        In training steps of the suspect, as measured (benchmarks/probe_cost.py): with a bag or a Transformer, whichever
        is more, and at least one. The pairs that the training made are at hand; nothing else is.
    signals : tuple of str
    run : callable
        ``(suspect) -> dict`` of exactly these names.
    """

    name: str
    question: str
    cost: float
    signals: tuple
    run: Callable


#: All probes by name.
PROBES = {}
#: Signal of a probe -> (unit, what it is, (low, high) of a healthy run). A range holds 99 of 100 of 360 healthy runs
#: of bags and all but few of 68 of Transformers, ugly ones included. Equal ends: the number is known beforehand.
SIGNAL_NOTES = {}


def _register(name, question, cost, **signals):
    """Enter a function as a probe; keyword names stand for ``first_rest`` -> ``first.rest``."""

    def enter(function):
        notes = {key.replace("_", ".", 1): (unit, what, tuple(ends)) for key, (unit, what, *ends) in signals.items()}
        SIGNAL_NOTES.update(notes)
        PROBES[name] = Probe(name, question, cost, tuple(notes), function)
        return function

    return enter


def probe(suspect, name):
    """Run a probe.

    Parameters
    ----------
    suspect : Suspect
    name : str

    Returns
    -------
    dict of float
        The numbers by name; NaN for all of them if the suspect's own code failed, which is an outcome, too.

    Raises
    ------
    ValueError
        If there is no such probe.
    """
    if name not in PROBES:
        raise ValueError(f"there is no probe {name!r}; expected one of {', '.join(PROBES)}")
    signals = PROBES[name].signals
    with np.errstate(all="ignore"):
        try:
            found = PROBES[name].run(suspect)
        except Exception:  # the suspect pipeline may be broken in any way
            return dict.fromkeys(signals, float("nan"))
    if set(found) != set(signals):
        raise AssertionError(f"{name} returned {sorted(found)}; expected {sorted(signals)}")
    return {signal: float(found[signal]) for signal in signals}


def _log(value):
    return float(np.log10(max(value, 1e-8))) if np.isfinite(value) else float("nan")


@_register(
    "look-at-rows",
    "What do the training pairs look like, read one by one?",
    6,
    rows_true_next=("fraction", "IsNext pairs whose B does follow A in the text", 1, 1),
    rows_hidden_next=("fraction", "NotNext pairs whose B does follow A in the text", 0, 0.01),
    rows_same_document=("fraction", "NotNext pairs whose B stands in the document of A", 0, 0.005),
    rows_duplicates=("fraction", "pairs that stand more than once", 0, 0.005),
    rows_short=("fraction", "pairs with a side of less than two words", 0, 0.015),
)
def _look_at_rows(s):
    pairs = s.pairs[:LOOKED_AT]
    home = {}
    for number, document in enumerate(s.e.documents):
        for sentence in document.sentences:
            home.setdefault(sentence, set()).add(number)
    follows = np.array([p.sentence_b in s.next_of.get(p.sentence_a, ()) for p in pairs])
    together = np.array([bool(home.get(p.sentence_a, set()) & home.get(p.sentence_b, set())) for p in pairs])
    labels = np.array([p.label for p in pairs])
    texts = [(p.sentence_a, p.sentence_b) for p in s.pairs]
    short = [min(len(p.sentence_a.split()), len(p.sentence_b.split())) < 2 for p in pairs]
    positive, negative = labels == IS_NEXT, labels == NOT_NEXT
    return {
        "rows.true_next": follows[positive].mean() if positive.any() else np.nan,
        "rows.hidden_next": follows[negative].mean() if negative.any() else np.nan,
        "rows.same_document": together[negative].mean() if negative.any() else np.nan,
        "rows.duplicates": 1 - len(set(texts)) / len(texts),
        "rows.short": np.mean(short),
    }


@_register(
    "label-histogram",
    "How many of each label are there: in training, held out, and in each batch?",
    1,
    labels_train=("fraction", "IsNext among the training pairs", 0.5, 0.5),
    labels_held_out=("fraction", "IsNext among the held-out pairs", 0.5, 0.5),
    labels_by_batch=("fraction", "spread of IsNext from batch to batch", 0.05, 0.2),
    labels_in_turn=("ratio", "autocorrelation of IsNext from batch to batch, lag one", -0.3, 0.35),
)
def _label_histogram(s):
    labels = np.array([p.label for p in s.pairs]) == IS_NEXT
    held = np.array([p.label for p in s.held_out]) == IS_NEXT
    share = np.array([labels[batch].mean() for batch in s.batches[:60]])
    centered = share - share.mean()
    power = (centered**2).sum()
    return {
        "labels.train": labels.mean(),
        "labels.held_out": held.mean(),
        "labels.by_batch": share.std(),
        "labels.in_turn": (centered[1:] * centered[:-1]).sum() / power if power > 1e-12 else 0.0,
    }


@_register(
    "loss-unit-test",
    "What does the loss function say of logits whose loss is known?",
    1,
    unit_certain=("nats", "loss of two certain right answers", 0, 0),
    unit_undecided=("nats", "loss of four undecided answers", 0.6931, 0.6932),
    unit_size=("ratio", "loss of eight undecided answers over that of four", 1, 1),
    unit_is_next=("nats", "loss of a wrong answer to IsNext, gap 4", 4.018, 4.019),
    unit_not_next=("nats", "loss of a wrong answer to NotNext, gap 4", 4.018, 4.019),
    unit_large=("log10", "loss of a wrong answer of gap 1000", 3, 3),
    unit_direction=("ratio", "cosine of its gradient and p - y", 1, 1),
    unit_length=("log10", "length of its gradient over that of (p - y) / batch", 0, 0),
)
def _loss_unit_test(s):
    def loss(rows, labels):
        return float(s.e.loss(np.array(rows, np.float32), np.array(labels))[0])

    rng = np.random.default_rng(1)
    logits, labels = rng.standard_normal((16, 2)).astype(np.float32), np.arange(16) % 2
    mine, right = s.e.loss(logits, labels)[1], nsp_loss_and_grad(logits, labels)[1]
    size, ought = np.linalg.norm(mine), np.linalg.norm(right)
    try:
        large = _log(abs(loss([[1000, 0], [0, 1000]], [1, 0])))
    except FloatingPointError:
        large = np.nan
    return {
        "unit.certain": loss([[20, 0], [0, 20]], [0, 1]),
        "unit.undecided": loss(np.zeros((4, 2)), [0, 1, 0, 1]),
        "unit.size": loss(np.zeros((8, 2)), [0, 1] * 4) / loss(np.zeros((4, 2)), [0, 1, 0, 1]),
        "unit.is_next": loss([[-2, 2]], [0]),
        "unit.not_next": loss([[2, -2]], [1]),
        "unit.large": large,
        "unit.direction": float((mine * right).sum() / max(size * ought, 1e-12)),
        "unit.length": _log(size / ought),
    }


@_register(
    "fresh-gradients",
    "Before any training, on one batch: how large is the gradient, and where?",
    8,
    fresh_encoder=("log10", "norm of the encoder's gradient over that of the head's weight", -0.5, 0.7),
    fresh_pooler=("log10", "norm of the pooler's gradient over that of the head's weight", -0.15, 0.65),
    fresh_zero=("fraction", "tensors whose gradient is exactly zero", 0, 0),
    fresh_spread=("log10", "spread of the log-odds of IsNext", -1.7, 0.05),
    fresh_saturation=("fraction", "pooled units beyond 0.99", 0, 0.025),
    fresh_loss=("nats", "loss as it should be, minus ln 2", -0.2, 0.55),
    fresh_said=("ratio", "loss as the suspect computes it, over ln 2", 0.75, 1.75),
)
def _fresh_gradients(s):
    model, batch = s.fresh(), s.batch(0)
    logits, cache = model.forward(batch)
    loss, dlogits = s.e.loss(logits, batch.labels)
    gradients = model.backward(dlogits, cache)
    head = np.linalg.norm(gradients["head.weight"])
    part = {
        p: gradient_norm({k: g for k, g in gradients.items() if k.startswith(p)}) for p in ("encoder.", "pooler.weight")
    }
    return {
        "fresh.encoder": _log(part["encoder."]) - _log(head),
        "fresh.pooler": _log(part["pooler.weight"]) - _log(head),
        "fresh.zero": np.mean([not np.any(values(g)) for g in gradients.values()]),
        "fresh.spread": _log((logits[:, 0] - logits[:, 1]).std()),
        "fresh.saturation": (np.abs(cache.pooler.pooled) > 0.99).mean(),
        "fresh.loss": nsp_loss(logits, batch.labels) - np.log(2),
        "fresh.said": float(loss) / np.log(2),
    }


@_register(
    "one-step",
    "What does one step move, and how far? And a gradient followed by its opposite?",
    13,
    step_still=("fraction", "tensors with a gradient that do not move at all", 0, 0.025),
    step_length=("log10", "update over weight of the pooler, after four steps", -2.2, -0.8),
    step_encoder=("log10", "update over weight of the encoder's largest table, after four steps", -4.1, -1.45),
    step_fall=("nats", "fall of the true loss on the batch over four steps on it", 0, 0.9),
    step_opposite=("ratio", "cosine of the update of a gradient and that of its opposite right after", -1, -1),
)
def _one_step(s):
    model, batch = s.fresh(), s.batch(0)
    parameters = model.parameters
    start = {name: array.copy() for name, array in parameters.items()}
    logits, cache = model.forward(batch)
    before = nsp_loss(logits, batch.labels)
    optimizer = s.e.optimizer(model, 20)
    for _ in range(4):
        logits, cache = model.forward(batch)
        gradients = model.backward(s.e.loss(logits, batch.labels)[1], cache)
        optimizer.step(gradients)
    moved = {name: np.linalg.norm(parameters[name] - start[name]) for name in parameters}
    table = max(start, key=lambda name: start[name].size if name.startswith("encoder") else 0)
    still = [moved[name] == 0 for name, g in gradients.items() if np.any(values(g))]
    after = nsp_loss(model.forward(batch)[0], batch.labels)
    # A gradient, then its opposite, to a new optimizer.
    optimizer, name = s.e.optimizer(model, 20), "pooler.weight"
    opposite = {
        key: RowGradient(g.rows, -g.values) if isinstance(g, RowGradient) else -g for key, g in gradients.items()
    }
    at = parameters[name].copy()
    optimizer.step(gradients)
    first, at = parameters[name] - at, parameters[name].copy()
    optimizer.step(opposite)
    second = parameters[name] - at
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    return {
        "step.still": np.mean(still) if still else np.nan,
        "step.length": _log(moved["pooler.weight"] / max(np.linalg.norm(start["pooler.weight"]), 1e-9)),
        "step.encoder": _log(moved[table] / max(np.linalg.norm(start[table]), 1e-9)),
        "step.fall": before - after,
        "step.opposite": float((first * second).sum() / lengths) if lengths > 1e-20 else 0.0,
    }


@_register(
    "weights",
    "Which tensors did the training change, and how far?",
    8,
    drift_still=("fraction", "tensors that are as they were", 0, 0),
    drift_encoder=("log10", "change over weight of the encoder's largest table", -2.65, -0.7),
    drift_pooler=("log10", "change over weight of the pooler", -1, 0),
    drift_head=("log10", "change over weight of the head", -1.15, 0),
    drift_norm=("log10", "norm of all weights, end over start", -0.005, 0.005),
    drift_finite=("fraction", "tensors that are finite", 1, 1),
)
def _weights(s):
    now, then = s.model.parameters, s.fresh().parameters
    table = max(then, key=lambda name: then[name].size if name.startswith("encoder") else 0)

    def relative(name):
        return _log(np.linalg.norm(now[name] - then[name]) / max(np.linalg.norm(then[name]), 1e-9))

    total = [np.sqrt(sum(float((a.astype(float) ** 2).sum()) for a in arrays.values())) for arrays in (now, then)]
    return {
        "drift.still": np.mean([np.array_equal(now[name], then[name]) for name in now]),
        "drift.encoder": relative(table),
        "drift.pooler": relative("pooler.weight"),
        "drift.head": relative("head.weight"),
        "drift.norm": _log(total[0] / total[1]),
        "drift.finite": np.mean([np.isfinite(a).all() for a in now.values()]),
    }


@_register(
    "overfit-eight",
    "Can a fresh model learn eight pairs by heart?",
    31,
    overfit_loss=("nats", "true loss on the eight after 32 steps", 0, 0.7),
    overfit_said=("nats", "loss on the eight after 32 steps, as the suspect computes it", 0, 0.7),
    overfit_fall=("nats", "fall of the loss on the eight, as the suspect computes it", 0, 1.15),
)
def _overfit_eight(s):
    labels = np.array([p.label for p in s.pairs])
    chosen = [*np.flatnonzero(labels == IS_NEXT)[:4], *np.flatnonzero(labels == NOT_NEXT)[:4]]
    batch = s.encode([s.pairs[k] for k in chosen])
    said, true = s.learn(s.fresh(), [batch] * 32, steps=320)
    return {
        "overfit.loss": true[-3:].mean(),
        "overfit.said": said[-3:].mean(),
        "overfit.fall": said[0] - said[-3:].mean(),
    }


@_register(
    "change-the-input",
    "Does the trained model's answer depend on what it should depend on, and on nothing else?",
    34,
    input_permute_b=("fraction", "mean change of p when the B of a batch are permuted", 0, 0.45),
    input_permute_a=("fraction", "mean change of p when the A of a batch are permuted", 0, 0.4),
    input_swap=("fraction", "mean change of p when A and B are swapped", 0, 0.2),
    input_segments=("fraction", "mean change of p when all segment ids are 0", 0, 0.6),
    input_padding=("fraction", "mean change of p when 24 columns of padding are added", 0, 0),
    input_repeat=("fraction", "mean change of p when the same is asked again", 0, 0),
    input_order=("fraction", "mean change of p when the pairs of the batch stand in another order", 0, 0),
)
def _change_the_input(s):
    from dataclasses import replace

    pairs, rng = s.some_held_out[:64], s.rng(2)
    order = rng.permutation(len(pairs))
    batch = s.encode(pairs)
    p = s.p_is_next(batch)

    def change(other):
        return np.abs(s.p_is_next(other) - p).mean()

    wide = [
        np.concatenate([a, np.zeros((len(pairs), 24), a.dtype)], axis=1)
        for a in (batch.input_ids, batch.token_type_ids, batch.attention_mask)
    ]
    room = s.model.max_length - batch.input_ids.shape[1]
    wide = [a[:, : batch.input_ids.shape[1] + max(0, min(24, room))] for a in wide]
    mixed = s.p_is_next(s.encode([pairs[k] for k in order]))
    live = [_live(s, pairs) for _ in range(2)]
    return {
        "input.permute_b": change(
            s.encode([replace(x, sentence_b=pairs[k].sentence_b) for x, k in zip(pairs, order, strict=True)])
        ),
        "input.permute_a": change(
            s.encode([replace(x, sentence_a=pairs[k].sentence_a) for x, k in zip(pairs, order, strict=True)])
        ),
        "input.swap": change(s.encode([replace(x, sentence_a=x.sentence_b, sentence_b=x.sentence_a) for x in pairs])),
        "input.segments": change(replace(batch, token_type_ids=np.zeros_like(batch.token_type_ids))),
        "input.padding": change(EncodedPairs(*wide, batch.labels)),
        "input.repeat": abs(live[0] - live[1]),
        "input.order": np.abs(mixed - p[order]).mean(),
    }


def _live(s, pairs):
    """The suspect's own evaluation of some pairs: its loss."""
    return s.e.evaluation(s.model, pairs).get("loss", np.nan)


@_register(
    "roll",
    "Do labels, or Bs, fit better when they are moved along by one or more?",
    11,
    roll_labels=("fraction", "gain in overlap(IsNext) - overlap(NotNext) by the best roll of the labels", 0, 0),
    roll_b=("fraction", "gain in overlap of A and B by the best roll of the Bs", 0.35, 0.45),
    roll_next=("fraction", "largest share of A whose B, rolled, does follow in the text", 0.495, 0.51),
    roll_difference=("fraction", "overlap(IsNext) - overlap(NotNext) as it stands", 0.015, 0.04),
)
def _roll(s):
    pairs = s.pairs[: LOOKED_AT // 2]
    labels = np.array([p.label for p in pairs])
    overlap = np.array([s.overlap(p.sentence_a, p.sentence_b) for p in pairs])
    rolls = [k for k in range(-4, 5) if k]

    def difference(labels):
        if labels.min() == labels.max():
            return 0.0
        return overlap[labels == IS_NEXT].mean() - overlap[labels == NOT_NEXT].mean()

    moved, follows = [], []
    for k in rolls:
        others = [pairs[(n + k) % len(pairs)].sentence_b for n in range(len(pairs))]
        moved.append(np.mean([s.overlap(p.sentence_a, b) for p, b in zip(pairs, others, strict=True)]))
        follows.append(np.mean([b in s.next_of.get(p.sentence_a, ()) for p, b in zip(pairs, others, strict=True)]))
    return {
        "roll.labels": max(difference(np.roll(labels, k)) for k in rolls) - difference(labels),
        "roll.b": max(moved) - overlap.mean(),
        "roll.next": max(follows),
        "roll.difference": difference(labels),
    }


@_register(
    "split-overlap",
    "Does held-out text stand in the training text, too?",
    11,
    split_sentences=("fraction", "held-out sentences that stand in the training pairs", 0, 0.025),
    split_pairs=("fraction", "held-out pairs that stand in the training pairs", 0, 0.01),
    split_words=("fraction", "words of held-out text that the training text lacks", 0, 0.15),
    split_size=("log10", "distinct training pairs", 3.35, 3.8),
)
def _split_overlap(s):
    sentences = dict.fromkeys(x for p in s.pairs for x in (p.sentence_a, p.sentence_b))  # in order, unlike a set
    pairs = {(p.sentence_a, p.sentence_b) for p in s.pairs}
    words = set().union(*(s.words(x) for x in list(sentences)[:3000]))
    held = s.some_held_out
    held_words = [w for p in held for w in tokenize(p.sentence_b)]
    return {
        "split.sentences": np.mean([p.sentence_b in sentences for p in held]),
        "split.pairs": np.mean([(p.sentence_a, p.sentence_b) in pairs for p in held]),
        "split.words": np.mean([w not in words for w in held_words]),
        "split.size": _log(len(pairs)),
    }


@_register(
    "recount",
    "Counted anew from the trained model's logits: what are loss and accuracy, and is that what was reported?",
    21,
    recount_accuracy=("fraction", "accuracy on held-out pairs, counted here", 0.45, 0.85),
    recount_true=("fraction", "agreement with what truly follows in the text", 0.45, 0.85),
    recount_loss=("nats", "loss on held-out pairs, counted here", 0.35, 0.75),
    recount_report=("fraction", "accuracy that the suspect's evaluation gives for them, minus the count", 0, 0),
    recount_report_loss=("nats", "loss that it gives, minus the count", 0, 0),
    recount_stale=("fraction", "accuracy last reported in training minus what the evaluation gives now", 0, 0),
    recount_recalls=("fraction", "recall of IsNext minus recall of NotNext", -1, 0.95),
    recount_mean_p=("fraction", "mean Pr(IsNext)", 0.3, 0.7),
    recount_calibration=("fraction", "expected calibration error", 0, 0.25),
    recount_spread=("log10", "spread of the log-odds of IsNext", -1.2, 0.45),
)
def _recount(s):
    pairs = s.some_held_out
    labels = np.array([p.label for p in pairs])
    logits = s.held_out_logits
    says, p = logits.argmax(axis=1), sigmoid(logits[:, 0] - logits[:, 1])
    truth = np.array([NOT_NEXT - (x.sentence_b in s.next_of.get(x.sentence_a, ())) for x in pairs])
    report = s.e.evaluation(s.model, pairs)
    chosen = np.random.default_rng((s.e.seed, 3)).permutation(len(s.held_out))[: s.e.watch]
    now = s.e.evaluation(s.model, [s.held_out[k] for k in sorted(chosen)])
    last = s.run.evaluations[-1] if s.run.evaluations else {}
    recall = [(says[labels == c] == c).mean() if (labels == c).any() else np.nan for c in (IS_NEXT, NOT_NEXT)]
    return {
        "recount.accuracy": (says == labels).mean(),
        "recount.true": (says == truth).mean(),
        "recount.loss": nsp_loss(logits, labels),
        "recount.report": report.get("accuracy", np.nan) - (says == labels).mean(),
        "recount.report_loss": report.get("loss", np.nan) - nsp_loss(logits, labels),
        "recount.stale": last.get("accuracy", np.nan) - now.get("accuracy", np.nan),
        "recount.recalls": recall[0] - recall[1],
        "recount.mean_p": p.mean(),
        "recount.calibration": calibration_error(p, labels),
        "recount.spread": _log((logits[:, 0] - logits[:, 1]).std()),
    }


@_register(
    "recount-training",
    "How does the trained model do, at rest, on pairs that it was trained on?",
    16,
    known_accuracy=("fraction", "accuracy on training pairs, dropout off", 0.5, 0.95),
    known_loss=("nats", "loss on them", 0.2, 0.75),
    known_gap=("fraction", "accuracy on them minus accuracy on held-out pairs", -0.1, 0.25),
    known_against_log=("nats", "loss logged late in training minus this loss", -0.15, 0.25),
)
def _recount_training(s):
    pairs = [s.pairs[k] for k in s.rng(4).permutation(len(s.pairs))[:200]]
    labels = np.array([p.label for p in pairs])
    logits = s.model.logits(pairs)
    held = s.held_out_logits
    accuracy = (logits.argmax(axis=1) == labels).mean()
    loss = nsp_loss(logits, labels)
    return {
        "known.accuracy": accuracy,
        "known.loss": loss,
        "known.gap": accuracy - (held.argmax(axis=1) == [p.label for p in s.some_held_out]).mean(),
        "known.against_log": np.mean(s.run.loss[-20:]) - loss,
    }


@_register(
    "harder-pairs",
    "How does the trained model do on other pairs of the held-out documents: fair ones, and hard ones?",
    28,
    hard_permuted=("fraction", "accuracy on permuted pairs, made by the course's own rule and encoding", 0.45, 0.85),
    hard_same_document=("fraction", "accuracy with negatives from the same document", 0.45, 0.75),
    hard_mean_p=("fraction", "mean Pr(IsNext) on the permuted pairs", 0.3, 0.75),
    hard_loss=("nats", "loss on the permuted pairs", 0.35, 0.75),
    hard_train_domain=("fraction", "accuracy on permuted pairs of the training documents", 0.45, 0.9),
)
def _harder_pairs(s):
    def tried(documents, rule, number):
        pairs = sentence_level_pairs(documents, s.rng(number), negatives=rule)[:300]
        labels, logits = np.array([p.label for p in pairs]), s.model.logits(pairs[:160])
        p = sigmoid(logits[:, 0] - logits[:, 1])
        labels = labels[:160]
        return (logits.argmax(axis=1) == labels).mean(), p.mean(), nsp_loss(logits, labels)

    fair = tried(s.documents[1], "permuted", 5)
    return {
        "hard.permuted": fair[0],
        "hard.same_document": tried(s.documents[1], "same_document", 6)[0],
        "hard.mean_p": fair[1],
        "hard.loss": fair[2],
        "hard.train_domain": tried(s.documents[0], "permuted", 7)[0],
    }


@_register(
    "shortcuts",
    "Can something silly tell the label: a length, one word, B alone?",
    15,
    shortcut_length=("fraction", "best accuracy of a threshold on a length", 0.5, 0.7),
    shortcut_word=("fraction", "best accuracy of the presence of one word in B or A", 0.5, 0.65),
    shortcut_prior=("fraction", "accuracy of the more frequent label", 0.5, 0.5),
)
def _shortcuts(s):
    pairs = s.pairs[:LOOKED_AT]
    labels = np.array([p.label for p in pairs])
    a = np.array([len(p.sentence_a.split()) for p in pairs])
    b = np.array([len(p.sentence_b.split()) for p in pairs])
    best = 0.0
    for x in (a, b, a + b, b - a):
        for threshold in np.quantile(x, np.linspace(0.1, 0.9, 9)):
            hit = ((x > threshold) == labels).mean()
            best = max(best, hit, 1 - hit)
    counts, tokens = {}, []
    for k, p in enumerate(pairs):
        for side, text in (("a", p.sentence_a), ("b", p.sentence_b)):
            for word in s.words(text):
                counts.setdefault((side, word), []).append(k)
    for rows in counts.values():
        if len(rows) > 0.05 * len(pairs):
            has = np.zeros(len(pairs), bool)
            has[rows] = True
            hit = (has == labels).mean()
            tokens.append(max(hit, 1 - hit))
    return {
        "shortcut.length": best,
        "shortcut.word": max(tokens) if tokens else np.nan,
        "shortcut.prior": max(labels.mean(), 1 - labels.mean()),
    }


@_register(
    "read-the-arrays",
    "What arrives at the encoder: unknown words, padding, lost words?",
    1,
    arrays_unknown=("fraction", "tokens that are [UNK]", 0, 0.045),
    arrays_b_kept=("fraction", "tokens of B that arrive, marked as B", 0.8, 1),
    arrays_a_kept=("fraction", "tokens of A that arrive, marked as A", 0.8, 1),
    arrays_attended=("ratio", "positions that count over positions that hold a token", 1, 1),
    arrays_first=("fraction", "rows that begin with [CLS]", 1, 1),
    arrays_distinct=("fraction", "distinct ids over distinct words of the texts", 0.85, 1),
)
def _read_the_arrays(s):
    found = []
    for number in range(4):
        pairs = [s.pairs[k] for k in s.batches[number % len(s.batches)]]
        batch = s.encode(pairs)
        ids, segments, mask = batch.input_ids, batch.token_type_ids, batch.attention_mask
        real = ids >= SPECIAL
        known = s.model.vocabulary
        words = real | (ids == known.unk_id)
        in_a = np.concatenate([known.ids(p.sentence_a) for p in pairs])
        in_b = np.concatenate([known.ids(p.sentence_b) for p in pairs])
        distinct = np.count_nonzero(np.bincount(np.concatenate([in_a, in_b])))
        found.append(
            (
                (ids == known.unk_id).sum() / max(1, words.sum()),
                (words & (segments == 1)).sum() / max(1, len(in_b)),
                (words & (segments == 0)).sum() / max(1, len(in_a)),
                (mask != 0).sum() / max(1, (ids != 0).sum()),
                (ids[:, 0] == known.cls_id).mean(),
                np.count_nonzero(np.bincount(ids[words])) / max(1, distinct),
            )
        )
    names = ("unknown", "b_kept", "a_kept", "attended", "first", "distinct")
    return {f"arrays.{name}": value for name, value in zip(names, np.mean(found, axis=0), strict=True)}


@_register(
    "learning-rates",
    "What would steps of a tenth and of ten times the length have done?",
    84,
    rate_as_is=("nats", "true loss of the last 6 of 18 steps, minus that of the first 3", -0.4, 0.15),
    rate_tenth=("nats", "change of the true loss over 18 steps of a tenth", -0.35, 0.15),
    rate_tenfold=("nats", "change of the true loss over 18 steps of ten times the length", -0.35, 0.8),
)
def _learning_rates(s):
    batches = [s.batch(k) for k in range(18)]

    def change(factor):
        _, true = s.learn(s.fresh(), batches, factor, steps=200)
        return min(5.0, true[-6:].mean() - true[:3].mean()) if len(true) == len(batches) else 5.0

    return {"rate.as_is": change(1.0), "rate.tenth": change(0.1), "rate.tenfold": change(10.0)}


@_register(
    "train-on",
    "Does the trained model still learn when training goes on?",
    34,
    on_change=("nats", "true loss of the last 10 of 30 further steps minus that of the first 5", -0.3, 0.15),
    on_said=("nats", "change of the loss over 30 further steps, as the suspect computes it", -0.3, 0.15),
    on_still=("fraction", "tensors that these steps do not move", 0, 0),
)
def _train_on(s):
    kept = {name: array.copy() for name, array in s.model.parameters.items()}
    try:
        said, true = s.learn(s.model, [s.batch(k + 7) for k in range(30)], steps=200)
        still = np.mean([np.array_equal(array, kept[name]) for name, array in s.model.parameters.items()])
    finally:
        for name, array in s.model.parameters.items():
            array[...] = kept[name]
    return {
        "on.change": true[-10:].mean() - true[:5].mean(),
        "on.said": said[-10:].mean() - said[:5].mean(),
        "on.still": still,
    }
