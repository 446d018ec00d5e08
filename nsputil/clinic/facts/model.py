"""What the model does with pairs: the same twice, alone or among others, and what it does not read. Notebook 10."""

from dataclasses import replace as replaced
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone

PLACE = "model"
ROUNDING = 2e-4  # of the spread of the log-odds: float32 sums in another order
COUNT = 48
BESIDE = 0.2  # of the spread of the log-odds
TOGETHER = 0.02  # of the spread of h_cls; encoders that compare have 0.05 and more, most of them 0.2
NOTHING = 1e-3  # of the spread: rounding
SEAM = 3  # words
NOISE = (
    0.8  # of the length of h_cls: a share p of the units that is dropped changes it by sqrt(p / (1 - p)) before a norm
)
ERRATIC = 0.4  # of what six places change: what is added bit by bit changes about a sixth with each
FAINT = 0.005  # of the 2 between which tanh lies
DRAWS = 32
SCALES, SAME = (0.7, 1.4), 0.9  # sane variations have scales of 0.83 to 1.0 where the directions agree so well
LARGE = 4.0  # times the size of what goes into the pooler; usual starts leave it as large as it was, or smaller
KEPT = 0.35  # the cosine of h_cls with its mean over draws; dropout of 0.95 of the words leaves about 0.7
WHOLE = 1.0  # of the length of h_cls: evaluation computes another vector
EMPTIED = 0.2  # of the rows; half of the words dropped empties 1 of 1,000 texts of ten words
DRAWN = 0.8  # two draws differ by sqrt(2) of what each changes; healthy and strong dropout have 1.1 and more


def _batch(recording: Any) -> Any:
    """Return 32 different training pairs as the arrays of the experiment."""
    pairs = recording.first_pairs(32)
    if not pairs or recording.start is None:
        raise LookupError("there is no copy of the start, or no pair to show it")
    return recording.experiment.encode(pairs, recording.vocabulary, recording.start.max_length)


def _pairs(recording: Any) -> list:
    pairs = recording.pairs["test"] or recording.pairs["valid"] or recording.steps[0].pairs
    return list(pairs[:COUNT])


def _odds(logits: np.ndarray) -> np.ndarray:
    return np.asarray(logits, np.float64)[:, 0] - np.asarray(logits, np.float64)[:, 1]


def _ready(recording: Any) -> Any:
    """Return a copy of the trained model, or of the start if the trained one is not finite."""
    model = recording.twin()
    finite = all(np.isfinite(array).all() for array in model.parameters.values())
    return model if finite else clone(recording.start)


def repeatable(recording: Any) -> list[Finding]:
    """Do the same pairs get the same numbers twice?"""
    model, pairs = _ready(recording), _pairs(recording)
    first, second = _odds(model.logits(pairs)), _odds(model.logits(pairs))
    spread = float(first.std()) or 1.0
    apart = float(np.abs(first - second).max())
    numbers = {"apart": apart, "spread": spread}
    if not np.isfinite(apart):
        return [
            violated(
                "model.repeatable", PLACE, "The trained model gives numbers that are not finite.", None, numbers=numbers
            )
        ]
    if apart > ROUNDING * spread:
        text = (
            f"The same {len(pairs)} pairs get log-odds that differ by up to "
            f"{apart:.4f} nats the second time: something is drawn in evaluation."
        )
        if _drawn(recording.experiment.encode, pairs, model):
            text = f"{text[:-1]}, by the encoding: it gives other arrays for the same pairs."
            return [violated("model.repeatable", "encoding", text, None, numbers=numbers)]
        return [violated("model.repeatable", PLACE, text, "dropout-in-evaluation", numbers=numbers)]
    return [holds("model.repeatable", PLACE, "The same pairs get the same numbers twice.", numbers=numbers)]


def _drawn(encode: Any, pairs: list, model: Any) -> bool:
    """Whether an encoding gives other arrays the second time."""
    first, second = (encode(pairs, model.vocabulary, model.max_length) for _ in range(2))
    return not np.array_equal(first.input_ids, second.input_ids)


def alone(recording: Any) -> list[Finding]:
    """Does a pair get the same number alone as among others?"""
    model, pairs = _ready(recording), _pairs(recording)[:8]
    together = _odds(model.logits(pairs, batch_size=len(pairs)))
    alone = np.concatenate([_odds(model.logits([pair])) for pair in pairs])
    spread = max(float(together.std()), 1e-3)
    apart = float(np.abs(together - alone).max())
    numbers = {"apart": apart, "spread": spread}
    if apart > 0.02 * spread and apart > 1e-3:
        text = (
            f"Log-odds move by up to {apart:.4f} nats when a pair is read "
            "alone: it depends on the pairs beside it, or on padding."
        )
        return [violated("model.alone", PLACE, text, None, False, numbers=numbers)]
    return [holds("model.alone", PLACE, "A pair gets the same number alone as among others.", numbers=numbers)]


def beside(recording: Any) -> list[Finding]:
    """Does a pair get the same number whatever other pairs are in its batch, in evaluation?

    The arrays keep their width, so padding is no reason.
    """
    model = _ready(recording)
    batch = _batch(recording)
    names = ("input_ids", "token_type_ids", "attention_mask")
    if not all(getattr(getattr(batch, name, None), "ndim", 0) == 2 for name in names) or len(batch.input_ids) < 16:
        return [unknown("model.beside", PLACE, "The batch has no rows that could be exchanged.")]
    kept, half = np.arange(8), len(batch.input_ids) // 2
    others = [np.concatenate([kept, np.arange(start, start + half - 8)]) for start in (8, half)]

    def odds(rows: Any) -> np.ndarray:
        arrays = {name: np.asarray(getattr(batch, name))[rows] for name in names}
        return _odds(model.forward(replaced(batch, **arrays, labels=np.asarray(batch.labels)[rows]))[0])

    first, second = (odds(rows)[:8] for rows in others)
    single = np.concatenate([odds([k]) for k in range(4)])
    again, alone = float(np.abs(first - second).max()), float(np.abs(first[:4] - single).max())
    spread = max(float(first.std()), 1e-3)
    numbers = {"apart": again, "spread": spread}
    if again > BESIDE * spread:
        text = (
            f"In evaluation, the log-odds of a pair move by up to {again:.4f} nats when other pairs are beside it, "
            f"where those of the pairs differ by {spread:.4f}."
        )
        return [violated("model.beside", PLACE, text, None, numbers=numbers)]
    numbers["fewer"] = alone
    if alone > BESIDE * spread:
        text = (
            f"In evaluation, the log-odds of a pair move by up to {alone:.4f} nats when no pair is beside it, "
            f"where those of the pairs differ by {spread:.4f}."
        )
        return [violated("model.beside", PLACE, text, None, numbers=numbers)]
    return [holds("model.beside", PLACE, "A pair gets the same number whatever pairs are beside it.", numbers=numbers)]


def _kept_on_average(model: Any, batch: Any, h: np.ndarray) -> float:
    """Return the cosine of h_cls in evaluation with its mean over draws: dropout keeps what it drops on average."""
    mean = np.zeros_like(h)
    for seed in range(DRAWS):
        mean += np.asarray(model.forward(batch, np.random.default_rng(seed))[1].pooler.h_cls, np.float64) / DRAWS
    return float(np.vdot(mean, h)) / max(float(np.linalg.norm(mean) * np.linalg.norm(h)), 1e-12)


def _scale(model: Any, batch: Any, h: np.ndarray) -> tuple[float, float]:
    """Return how long the mean of h_cls over a few draws is along that of evaluation, and the cosine of the two."""
    mean = np.mean([
        np.asarray(model.forward(batch, np.random.default_rng(seed))[1].pooler.h_cls, np.float64) for seed in range(8)
    ], axis=0)  # fmt: skip
    along, size = float(np.vdot(mean, h)), float(np.linalg.norm(h))
    return along / max(size**2, 1e-12), along / max(float(np.linalg.norm(mean)) * size, 1e-12)


def labels_unread(recording: Any) -> list[Finding]:
    """Are the numbers of a pair the same whatever its label is? A model that is given the label learns to copy it."""
    batch = _batch(recording)
    if getattr(batch, "labels", None) is None:
        return [unknown("model.labels", PLACE, "The batch has no labels.")]
    other = replaced(batch, labels=1 - np.asarray(batch.labels))
    model, apart = _ready(recording), 0.0
    for seed in (None, 0):  # as in evaluation, and as in a training step
        own, moved = (
            _odds(model.forward(b, None if seed is None else np.random.default_rng(seed))[0]) for b in (batch, other)
        )
        again = _odds(model.forward(batch, None if seed is None else np.random.default_rng(seed))[0])
        drawn = float(np.abs(own - again).max())  # what a model draws in each pass says nothing about labels
        apart = max(apart, (float(np.abs(own - moved).max()) - 3 * drawn) / max(float(own.std()), 1e-9))
    if apart > 0.02:
        text = f"The log-odds move by up to {apart:.3f} of their spread when only the labels are exchanged."
        return [violated("model.labels", PLACE, f"{text} The model reads the labels.", None, apart=apart)]
    return [holds("model.labels", PLACE, "The log-odds do not depend on the labels of a batch.", apart=apart)]


def unchanged(recording: Any) -> list[Finding]:
    """Does a forward pass leave the weights as they are? Only the optimizer may change what has a gradient."""
    model, batch = clone(recording.start), _batch(recording)
    before = {name: array.copy() for name, array in model.parameters.items()}
    logits, cache = model.forward(batch, np.random.default_rng(0))
    learned = set(model.backward(np.ones_like(logits) / len(logits), cache))
    names = [
        name
        for name, array in model.parameters.items()
        if name in learned and not np.array_equal(array, before[name], equal_nan=True)
    ]
    if names:
        text = f"A forward pass changes {len(names)} tensors of weights, such as {names[0]}."
        return [violated("model.writes", PLACE, text, None, rows=tuple(names[:6]), tensors=len(names))]
    return [holds("model.writes", PLACE, "A forward pass leaves the weights as they are.", tensors=0)]


def padding(recording: Any) -> list[Finding]:
    """Does padding that the mask hides change anything?"""
    model, batch = _ready(recording), _batch(recording)
    names = ("input_ids", "token_type_ids", "attention_mask")
    if not all(getattr(getattr(batch, name, None), "ndim", 0) == 2 for name in names):
        return [unknown("model.padding", PLACE, "The batch has no arrays that can be padded.")]
    short = int(np.argmin(np.asarray(batch.attention_mask).sum(axis=1)))
    length = int(np.asarray(batch.attention_mask)[short].sum())
    if length < 3 or not np.asarray(batch.attention_mask)[short, :length].all():
        return [unknown("model.padding", PLACE, "The rows are not padded at their end.")]
    one = {name: np.asarray(getattr(batch, name))[short : short + 1, :length] for name in names}
    labels = {"labels": np.asarray(batch.labels)[short : short + 1]}
    try:
        odds = []
        for width in (0, 3, 4, 5, 6):
            wide = {name: np.pad(array, ((0, 0), (0, width))) for name, array in one.items()}
            odds.append(float(_odds(model.forward(replaced(batch, **wide, **labels))[0])[0]))
    except Exception:  # a batch of another kind, or a row too long: nothing can be said
        return [unknown("model.padding", PLACE, "The model takes no row of another length.")]
    apart = abs(odds[-1] - odds[0])
    if apart > 1e-3:
        text = f"Six places of padding that the mask hides move the log-odds by {apart:.4f} nats."
        steps = np.abs(np.diff(odds[1:]))
        numbers = {"apart": apart, "one_more": float(steps.mean())}
        if steps.mean() > ERRATIC * apart:
            text = f"{text} One place more moves them by {steps.mean():.4f}: places are mixed up, and not only added."
            return [violated("model.padding", PLACE, text, None, False, numbers=numbers)]
        return [violated("model.padding", PLACE, text, "padding-attended", False, numbers=numbers)]
    return [holds("model.padding", PLACE, "Padding that the mask hides changes nothing.", apart=apart)]


def reads(recording: Any) -> list[Finding]:
    """Do the log-odds depend on A, and on B?"""
    model, pairs = _ready(recording), _pairs(recording)
    base = _odds(model.logits(pairs))
    moved_b = [
        _with(pair, sentence_b=other.sentence_b) for pair, other in zip(pairs, pairs[1:] + pairs[:1], strict=True)
    ]
    moved_a = [
        _with(pair, sentence_a=other.sentence_a) for pair, other in zip(pairs, pairs[3:] + pairs[:3], strict=True)
    ]
    by_b = float(np.abs(_odds(model.logits(moved_b)) - base).max())
    by_a = float(np.abs(_odds(model.logits(moved_a)) - base).max())
    numbers = {"by_a": by_a, "by_b": by_b, "spread": float(base.std())}
    still = max(by_a, by_b) * 1e-4
    if max(by_a, by_b) < 1e-6:
        text = "The trained model gives the same log-odds whatever A and B are."
        return [violated("model.reads", PLACE, text, None, numbers=numbers)]
    if by_b <= still:
        text = "The log-odds do not change when each pair gets the B of another: B is not read."
        return [violated("model.reads", PLACE, text, "second-sentence-lost", numbers=numbers)]
    if by_a <= still:
        text = "The log-odds do not change when each pair gets the A of another: A is not read."
        return [violated("model.reads", PLACE, text, "first-sentence-lost", numbers=numbers)]
    return [holds("model.reads", PLACE, "The log-odds depend on A and on B.", numbers=numbers)]


def _with(pair: Any, **changes: Any) -> Any:
    return replaced(pair, **changes)


def pooled_units(recording: Any) -> list[Finding]:
    """Do pooled units differ between pairs at the start, and does tanh pass a gradient?"""
    model = clone(recording.start)
    logits, cache = model.forward(_batch(recording))
    pooled = getattr(getattr(cache, "pooler", None), "pooled", None)
    if pooled is None or np.ndim(pooled) != 2:
        return [unknown("model.pooled", PLACE, "The model shows no pooled units.")]
    return [_saturation(np.asarray(pooled, np.float64), np.asarray(logits), model), _centred(np.asarray(logits))]


def values(recording: Any) -> list[Finding]:
    """Does h_cls take as many values as numbers do, or were they rounded, or cut off at a bound?

    Entries that are 0 are left out, as rectified units and absent words give them.
    """
    cache = clone(recording.start).forward(_batch(recording))[1]
    h = getattr(getattr(cache, "pooler", None), "h_cls", None)
    if h is None:
        return [unknown("model.values", PLACE, "The model shows no h_cls.")]
    seen = np.asarray(h, np.float64)
    seen = seen[(seen != 0) & np.isfinite(seen)]
    if seen.size < 400:
        return [unknown("model.values", PLACE, "h_cls has too few entries that are not 0.")]
    different, counts = np.unique(seen, return_counts=True)
    numbers = {"different": len(different) / seen.size, "most": float(counts.max()) / seen.size}
    if numbers["different"] < 0.05 or numbers["most"] > 0.2:
        text = (
            f"The {seen.size} entries of h_cls that are not 0 have {len(different)} different values, and "
            f"{numbers['most']:.3f} of them are {different[counts.argmax()]:.4g}: they were rounded, or cut off."
        )
        return [violated("model.values", PLACE, text, None, False, numbers=numbers)]
    return [holds("model.values", PLACE, f"h_cls takes {len(different)} different values.", numbers=numbers)]


def _centred(logits: np.ndarray) -> Finding:
    """Does the start leave the answer open? A bias for a prior of .95 is 3 nats; beyond 4, pairs cannot matter."""
    odds = _odds(logits)
    middle, spread = float(odds.mean()), float(odds.std())
    numbers = {"middle": middle, "spread": spread, "limit": 4.0}
    if abs(middle) > max(4.0, 4 * spread):
        text = f"At the start the log-odds of all pairs are about {middle:.2f}, with a spread of {spread:.2f}."
        return violated("model.centred", PLACE, text, None, False, numbers=numbers)
    return holds("model.centred", PLACE, f"At the start the log-odds are {middle:.2f} on average.", numbers=numbers)


def _saturation(pooled: np.ndarray, logits: np.ndarray, model: Any) -> Finding:
    """Does tanh still pass a gradient at the start?"""
    flat = float((np.abs(pooled) > 0.99).mean())
    alive = float((np.ptp(pooled, axis=0) > 1e-9).mean())
    numbers = {"saturated": flat, "alive": alive, "spread": float(_odds(logits).std())}
    if not pooled.any():
        zero = tuple(name for name, array in model.parameters.items() if array.ndim > 1 and not array.any())
        text = "At the start all pooled units are 0 for every pair" + (
            f"; {zero[0]} starts from zeros." if zero else "."
        )
        return violated("model.pooled", PLACE, text, "zero-init" if zero else "dead-units", rows=zero, numbers=numbers)
    if alive < 0.1:
        text = f"At the start {alive:.3f} of the pooled units differ between pairs; the others are the same for all."
        return violated("model.pooled", PLACE, text, "dead-units" if alive == 0 else None, numbers=numbers)
    moves = float(np.median(np.ptp(pooled, axis=0)))
    numbers["moves"] = moves
    if moves < FAINT:
        text = f"At the start pooled units move by {moves:.5f} between pairs: what the encoder says is lost in them."
        return violated("model.pooled", PLACE, text, None, False, numbers=numbers)
    if flat > 0.5:
        text = f"At the start {flat:.3f} of the pooled units lie beyond 0.99, where tanh passes hardly any gradient."
        if (size := _weights_of_the_pooler(model)) < LARGE:
            text = f"{text} The weights of the pooler are of a usual size, so h_cls is too long."
            return violated("model.pooled", PLACE, text, None, numbers=numbers | {"weights": size})
        return violated("model.pooled", PLACE, text, "pooler-saturated", numbers=numbers)
    return holds("model.pooled", PLACE, f"At the start {flat:.3f} of the pooled units are saturated.", numbers=numbers)


def _weights_of_the_pooler(model: Any) -> float:
    """Return the root mean square of what the pooler's weights make of inputs of size 1; infinite if not known."""
    weights = [
        array
        for name, array in model.parameters.items()
        if name.startswith("pooler.") and getattr(array, "ndim", 0) == 2
    ]
    size = getattr(getattr(model, "encoder", None), "width", None)
    return max((float(np.sqrt(np.mean(np.square(w)) * (size or len(w)))) for w in weights), default=np.inf)


def width(recording: Any) -> list[Finding]:
    """How many pooled units does the trained head read?"""
    model = _ready(recording)
    logits, cache = model.forward(_batch(recording))
    pooled = np.asarray(cache.pooler.pooled, np.float64)
    try:
        dpooled = model.head.backward(np.ones_like(logits) * np.array([1, -1], logits.dtype), cache.head)[0]
    except Exception:
        return [unknown("model.width", PLACE, "The head cannot be asked which units it reads.")]
    weighed = (pooled - pooled.mean(axis=0)) * np.abs(np.asarray(dpooled, np.float64))
    sizes = np.linalg.svd(weighed, compute_uv=False)
    read = int((sizes > 1e-5 * max(float(sizes[0]), 1e-12)).sum()) if len(sizes) else 0
    units = int((np.abs(dpooled) > 0).any(axis=0).sum())
    read = min(read, units)
    numbers = {"read": float(read), "units": float(pooled.shape[1])}
    if read <= 2 and pooled.shape[1] >= 1 and sizes[0] > 0:
        text = f"Of {pooled.shape[1]} pooled units the head reads what amounts to {read}."
        return [violated("model.width", PLACE, text, "pooler-narrow", False, numbers=numbers)]
    return [holds("model.width", PLACE, f"The head reads {read} independent pooled units.", numbers=numbers)]


def comparison(recording: Any) -> list[Finding]:
    """Is there anything in h_cls that depends on A and B together?

    For a sum of a part of A and a part of B, f(A, B) + f(A', B') - f(A, B') - f(A', B) is 0. The texts have equal
    lengths, so that a mean over all words is such a sum too. They share the words on both sides of the seam, since a
    convolution looks across it.
    """
    model, ratios, tried = clone(recording.start), [], 0
    for first, second in _same_lengths(recording):
        four = [first, second, _with(first, sentence_b=second.sentence_b), _with(second, sentence_b=first.sentence_b)]
        cache = model.forward(model.encode(four, model.vocabulary, model.max_length))[1]
        h = np.asarray(cache.pooler.h_cls, np.float64)
        spread = float(np.linalg.norm(h - h.mean(axis=0)))
        mixed = float(np.linalg.norm(h[0] + h[1] - h[2] - h[3]))
        size, tried = float(np.linalg.norm(h)), tried + 1
        if spread > 1e-6 * size:  # else h_cls is the same for all four, and shows nothing
            ratios.append(mixed / max(spread, 1e-2 * size))
    if tried >= 8 and len(ratios) < tried / 4:
        text = f"In {tried - len(ratios)} of {tried} trials h_cls is the same for pairs of other words."
        return [violated("model.comparison", PLACE, text, None, False, count=float(tried))]
    if len(ratios) < 4:
        return [unknown("model.comparison", PLACE, "Too few texts of equal lengths were found.")]
    middle = float(np.median(ratios))
    numbers = {"together": middle, "tolerance": TOGETHER, "count": float(len(ratios))}
    if middle <= TOGETHER:
        text = (
            f"h_cls is a part of A plus a part of B (what depends on both is {middle:.4f} of its spread): "
            f"{'nothing' if middle < NOTHING else 'hardly anything'} in it compares the two."
        )
        cause = "no-comparison" if middle < NOTHING else None
        return [violated("model.comparison", PLACE, text, cause, False, numbers=numbers)]
    return [holds("model.comparison", PLACE, f"{middle:.3f} of the spread of h_cls depends on A and B together.",
                  numbers=numbers)]  # fmt: skip


def _same_lengths(recording: Any, words: int = 5, most: int = 16) -> list[tuple]:
    """Return twos of pairs of which the A, and the B, have equally many words; texts are cut to a few words.

    All A end with the same words, and all B begin with the same ones.
    """
    waiting: dict[tuple, Any] = {}
    found: list[tuple] = []
    ids = recording.vocabulary.ids
    pairs = [pair for step in recording.steps[:40] for pair in step.pairs]
    end, begin = (" ".join(text.split()[:SEAM]) for text in (pairs[0].sentence_a, pairs[0].sentence_b))
    for pair in pairs[1:]:
        short = _with(
            pair,
            sentence_a=" ".join([*pair.sentence_a.split()[:words], end]),
            sentence_b=" ".join([begin, *pair.sentence_b.split()[:words]]),
        )
        key = len(ids(short.sentence_a)), len(ids(short.sentence_b))
        other = waiting.pop(key, None)
        if other is None:
            waiting[key] = short
        elif min(_differ(ids, other, short)) >= 3:
            found.append((other, short))
        if len(found) == most:
            break
    return found


def _differ(ids: Any, one: Any, other: Any) -> list[int]:
    """Return in how many words the A, and the B, of two pairs differ."""
    return [int((ids(getattr(one, s)) != ids(getattr(other, s))).sum()) for s in ("sentence_a", "sentence_b")]


def probabilities(recording: Any) -> list[Finding]:
    """Are the logits probabilities already? Rows that lie in [0, 1] and sum to 1 are."""
    logits = np.concatenate(
        [step.logits for step in recording.steps if step.logits is not None][:20] or [np.zeros((0, 2))]
    )
    if len(logits) == 0 or not np.isfinite(logits).all():
        return [unknown("model.logits", PLACE, "No step shows finite logits.")]
    off = float(np.abs(logits.sum(axis=1) - 1).max())
    inside = bool((logits >= 0).all() and (logits <= 1).all())
    if inside and off < 1e-4:
        text = (
            f"The logits of all {len(logits)} rows lie in [0, 1] and sum "
            "to 1: the model applies softmax, and the loss does it again."
        )
        return [violated("model.logits", PLACE, text, "double-softmax", off=off)]
    bound = float(np.abs(_odds(logits)).max())
    return [holds("model.logits", PLACE, f"Log-odds reach {bound:.3f} nats in the first steps.", bound=bound)]


def dropout(recording: Any) -> list[Finding]:
    """How much of h_cls does dropout leave in a training step?"""
    model, batch = _ready(recording), _batch(recording)
    caches = [model.forward(batch, rng)[1] for rng in (None, np.random.default_rng(0), np.random.default_rng(1))]
    seen = [getattr(getattr(cache, "pooler", None), "h_cls", None) for cache in caches]
    if any(h is None for h in seen):
        return [unknown("model.dropout", PLACE, "The model shows no h_cls.")]
    h, d, other = (np.asarray(x, np.float64) for x in seen)
    ratio = float(np.linalg.norm(d - h)) / max(float(np.linalg.norm(h)), 1e-12)
    drawn = float(np.linalg.norm(d - other)) / max(float(np.linalg.norm(d - h)), 1e-12)
    numbers = {"ratio": ratio, "limit": NOISE, "drawn": drawn}
    scale, alike = _scale(model, batch, h) if drawn >= DRAWN else (1.0, 1.0)
    if alike > SAME and not SCALES[0] < scale < SCALES[1]:
        text = (
            f"On average over draws, h_cls of a training step is {scale:.2f} times as long as that of evaluation: what "
            "dropout leaves is not scaled for what it drops, or scaled twice."
        )
        return [violated("model.dropout", PLACE, text, None, numbers=numbers | {"scale": scale})]
    emptied = float(np.mean(~d.any(axis=1) & h.any(axis=1)))  # rows of which nothing is left in a draw
    if ratio > NOISE and drawn < DRAWN and emptied > EMPTIED:
        text = f"In a training step dropout leaves nothing of {emptied:.2f} of the rows."
        return [violated("model.dropout", PLACE, text, "dropout-too-high", False, numbers=numbers)]
    if ratio > NOISE and drawn < DRAWN:
        text = f"In training h_cls differs by {ratio:.2f} of its length from that in evaluation, and nothing is drawn."
        return [violated("model.dropout", PLACE, text, None, ratio > WHOLE, numbers=numbers)]
    if ratio > NOISE:
        text = f"In a training step dropout changes h_cls by {ratio:.2f} of its own length."
        numbers["kept"] = kept = _kept_on_average(model, batch, h)
        if kept < KEPT:
            text = f"{text} On average over {DRAWS} draws hardly anything of it is left (cosine {kept:.2f})."
            return [violated("model.dropout", PLACE, text, None, False, numbers=numbers)]
        return [violated("model.dropout", PLACE, text, "dropout-too-high", False, numbers=numbers)]
    return [holds("model.dropout", PLACE, f"Dropout changes h_cls by {ratio:.2f} of its own length.", numbers=numbers)]
