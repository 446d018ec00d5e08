"""A report against a recount: if they differ, which pairs, labels or parameters explain the report. Notebook 10."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.ranks import rank_area
from nsputil.clinic.recording import clone
from nsputil.losses import softplus
from nsputil.pairs import IS_NEXT
from nsputil.tokenization import tokenize

PLACE = "evaluation"
PERCENT = 0.051  # a percentage is seldom printed with less than one digit after the point
BATCH = 7.5  # pairs: a loss that is smaller times too large is no sum over a batch
OFF = 0.02  # of accuracy, in the median report: less does no harm, as where an average of weights is evaluated
OFF_NATS = 0.05  # of loss, in the same way
LOSS = 2e-3  # relative: padding differs with the batches, and reports may be rounded to three digits


@dataclass
class Count:
    """One report and what a recount with the parameters of that moment finds.

    Attributes
    ----------
    said : dict
        The report.
    pairs : list
    logits : ndarray
    labels : ndarray
    inside : ndarray of bool, optional
        Which of the pairs the evaluation read; None if it reads them in a way of its own.
    """

    said: dict
    pairs: list
    logits: np.ndarray
    labels: np.ndarray
    inside: np.ndarray | None = None

    @property
    def odds(self) -> np.ndarray:
        """Log-odds of IsNext."""
        return self.logits[:, 0] - self.logits[:, 1]

    @property
    def right(self) -> np.ndarray:
        """Which pairs the model gets right."""
        return self.logits.argmax(axis=1) == self.labels

    @property
    def accuracy(self) -> float:
        """Recounted."""
        return float(self.right.mean())

    @property
    def losses(self) -> np.ndarray:
        """The loss of each pair."""
        return softplus(-self.odds * (1 - 2 * self.labels))


def report_facts(recording: Any) -> list[Finding]:
    """Does each report agree with a recount on the pairs that it was given?"""
    reports = [report for report in recording.reports if report.parameters is not None and len(report.pairs) > 0]
    reports = [report for report in reports if _finite(report.parameters)]
    if not reports:
        return [unknown("report.recount", PLACE, "There is no report that could be recounted.")]
    counts = [_count(recording, report) for report in reports]
    found = [_pairs_read(reports, recording), _repeated(recording, reports[-1])]
    plain = found[0].state != "violated"
    known = [count for count in counts if isinstance(count.said.get("accuracy"), float | int)]
    if not known:
        return [*found, unknown("report.recount", PLACE, "The reports do not name an accuracy.")]
    return [
        *found,
        _accuracy(recording, known, reports, plain),
        _loss([c for c in counts if isinstance(c.said.get("loss"), float | int)]),
    ]


def _count(recording: Any, report: Any) -> Count:
    model = recording.twin(report.parameters)
    labels = np.array([pair.label for pair in report.pairs])
    read = {(pair.sentence_a, pair.sentence_b) for batch in report.read for pair in batch}
    inside = np.array([(pair.sentence_a, pair.sentence_b) in read for pair in report.pairs]) if read else None
    return Count(dict(report.report), report.pairs, np.asarray(model.logits(report.pairs), np.float64), labels, inside)


def _of_what_it_reads(counts: list) -> bool:
    """Whether each report is right about the pairs that were read, and some were left out: `report.pairs` says so."""
    shares = [float(c.inside.mean()) if c.inside is not None else 1.0 for c in counts]
    return 0 < min(shares) <= max(shares) < 0.98 and _all(counts, lambda c: float(c.right[c.inside].mean()))


def _close(x: float, y: float, count: int) -> bool:
    """Whether two accuracies are the same: to half a pair, or the four digits of a log."""
    return abs(x - y) <= max(0.51 / count, 6e-5)


def _all(counts: list, explain: Callable) -> bool:
    """Whether a rule gives the reported accuracy for every report."""
    return all(_close(explain(count), count.said["accuracy"], len(count.labels)) for count in counts)


def _repeated(recording: Any, report: Any) -> Finding:
    """Does the evaluation say the same twice of one model and the same pairs?"""
    first = dict(recording.experiment.evaluation(recording.twin(report.parameters), list(report.pairs)))
    second = dict(recording.experiment.evaluation(recording.twin(report.parameters), list(report.pairs)))
    apart = 0.0
    for name in first.keys() & second.keys():
        if isinstance(first[name], float) and isinstance(second[name], float) and np.isfinite(first[name]):
            apart = max(apart, abs(first[name] - second[name]))
    if apart > 1e-6:
        model = recording.twin(report.parameters)
        honest = np.array_equal(model.logits(report.pairs[:20]), model.logits(report.pairs[:20]))
        text = f"Two evaluations of one model on the same pairs differ by up to {apart:.4f}."
        drops = honest and _draws(recording, report)
        cause = "dropout-in-evaluation" if drops is not False and honest else None
        if honest and cause is None:
            text = f"{text[:-1]}, and the model is asked for no dropout: the evaluation itself draws."
        return violated("report.repeated", PLACE, text, cause, apart=apart)
    return holds("report.repeated", PLACE, "Two evaluations of one model say the same.", apart=apart)


def _draws(recording: Any, report: Any) -> bool | None:
    """Whether an evaluation gives the encoder a generator, as only training should; None if that cannot be seen."""
    model = recording.twin(report.parameters)
    drawn: list[bool] = []
    encoder: Any = getattr(model, "encoder", None)
    forward = getattr(encoder, "forward", None)
    if forward is None:
        return None

    def watched(batch: Any, *rest: Any, **named: Any) -> Any:
        drawn.append(any(isinstance(x, np.random.Generator) for x in [*rest, *named.values()]))
        return forward(batch, *rest, **named)

    try:
        encoder.forward = watched
    except AttributeError:
        return None
    recording.experiment.evaluation(model, list(report.pairs))
    return any(drawn) if drawn else None


def _pairs_read(reports: list, recording: Any) -> Finding:
    """Are the pairs that reach the encoding those that the evaluation was given?"""
    labels, text, swapped, missing, total, unseen, training = 0, 0, 0, 0, 0, 0, 0
    own = {(p.sentence_a, p.sentence_b) for epoch in recording.pairs["train"] for p in epoch}
    for report in reports[-4:]:
        read = [pair for batch in report.read for pair in batch]
        if not read:
            return unknown("report.pairs", PLACE, "The evaluation reads its pairs in a way of its own.")
        given: dict[tuple, set] = {}  # the same two texts can, rarely, carry both labels
        for p in report.pairs:
            given.setdefault((p.sentence_a, p.sentence_b), set()).add(p.label)
        seen = {(p.sentence_a, p.sentence_b) for p in read}
        if not seen & given.keys():  # texts may be written in another way, with the same words
            own_way = {tuple(" ".join(tokenize(text)) for text in key) for key in seen}
            if own_way == {tuple(" ".join(tokenize(text)) for text in key) for key in given}:
                return holds("report.pairs", PLACE, "The evaluation reads the words of the pairs that it is given.")
        missing += len(given.keys() - seen)
        total += len(given)
        for p in read:
            key = (p.sentence_a, p.sentence_b)
            if key in given:
                labels += p.label not in given[key]
            elif (key[1], key[0]) in given:
                swapped += 1
            elif key in own:
                training += 1
            else:
                text += 1
        unseen += len(read)
    numbers = {
        "missing": missing / total,
        "labels": labels / unseen,
        "text": text / unseen,
        "swapped": swapped / unseen,
    }

    def bad(words: str, cause: str | None, firm: bool = True) -> Finding:
        return violated("report.pairs", PLACE, words, cause, firm, numbers=numbers)

    if training / unseen > 0.05:
        return bad(
            f"The evaluation reads training pairs in {training / unseen:.3f} of its rows.", "tested-on-training-text"
        )
    if labels / unseen > 0.9:
        return bad(
            f"The evaluation reads the other label in {labels / unseen:.3f} of its rows.", "evaluation-labels-inverted"
        )
    if labels / unseen > 0.02:
        return bad(f"The evaluation reads another label in {labels / unseen:.3f} of its rows.", None)
    if swapped / unseen > 0.5:
        return bad(
            f"The evaluation reads A and B in exchange in {swapped / unseen:.3f} of its rows.",
            "swapped-in-evaluation",
            False,
        )
    if text / unseen > 0.02:
        cause = "evaluation-text-cleaned" if _fewer_words(reports[-1]) else None
        return bad(f"In {text / unseen:.3f} of its rows the evaluation reads text that its pairs do not hold.", cause)
    if missing / total > 0.02:
        few = len({(p.sentence_a, p.sentence_b) for batch in reports[-1].read for p in batch})
        text_ = f"The evaluation reads {few} of the {len(reports[-1].pairs)} pairs that it is given."
        kept = _kept(reports[-1])
        return bad(text_ + kept, "evaluated-on-few-pairs" if missing / total > 0.5 and not kept else None)
    return holds("report.pairs", PLACE, "The evaluation reads the pairs that it is given.", numbers=numbers)


def _kept(report: Any) -> str:
    """Return words for what pairs that are left out have in common: their label, or their length."""
    read = {(p.sentence_a, p.sentence_b) for batch in report.read for p in batch}
    inside = np.array([int((p.sentence_a, p.sentence_b) in read) for p in report.pairs])
    labels = {p.label for p, here in zip(report.pairs, inside, strict=True) if here}
    if len(labels) == 1 and inside.sum() >= 8 and len({p.label for p in report.pairs}) == 2:
        return f" All of them have the label {labels.pop()}."
    lengths = np.array([len(p.sentence_a) + len(p.sentence_b) for p in report.pairs], float)
    area, error = rank_area(lengths, inside)
    if abs(area) > max(0.35, 5 * error):
        return f" They are the {'long' if area > 0 else 'short'} ones."
    return ""


def _fewer_words(report: Any) -> bool:
    """Whether most texts that were read are a text that was given with some words left out."""
    read = [text for batch in report.read for pair in batch for text in (pair.sentence_a, pair.sentence_b)]
    given = {frozenset(tokenize(text)) for pair in report.pairs for text in (pair.sentence_a, pair.sentence_b)}
    sample = [frozenset(tokenize(text)) for text in read[:60]]
    return bool(sample) and float(np.mean([any(text <= whole for whole in given) for text in sample])) > 0.8


def _finite(parameters: Mapping) -> bool:
    """Whether all weights are finite; arrays beside them may hold infinities, as masks do."""
    return all(np.isfinite(array).all() for name, array in parameters.items() if not name.startswith("."))


def _accuracy(recording: Any, counts: list, reports: list, plain: bool = True) -> Finding:
    """Is the reported accuracy the recounted one? If not, what explains it in every report?

    `plain` says that the evaluation reads the pairs that it is given: only then an accuracy at the level of chance
    shows that predictions and labels are out of order.
    """
    off = [abs(c.said["accuracy"] - c.accuracy) for c in counts]
    worst = int(np.argmax(off))
    said, found, n = counts[worst].said["accuracy"], counts[worst].accuracy, len(counts[worst].labels)
    numbers = {"reported": float(said), "recounted": found, "pairs": float(n), "off": float(np.median(off))}
    if not np.isfinite(said):
        return unknown("report.accuracy", PLACE, "A reported accuracy is not finite.", numbers=numbers)
    if max(o * len(c.labels) for o, c in zip(off, counts, strict=True)) <= 2.01 or max(off) <= 6e-5:
        return _sizes(counts, numbers)
    text = f"A report says that {said:.4f} of {n} pairs are right; a recount finds {found:.4f}."
    for cause, words, firm in _explanations(recording, counts, reports, plain):
        return violated("report.accuracy", PLACE, f"{text} {words}", cause, firm, numbers=numbers)
    return violated("report.accuracy", PLACE, text, None, numbers["off"] > OFF, numbers=numbers)


def _sizes(counts: list, numbers: dict) -> Finding:
    """A report can be right and rest on few pairs: half a dozen of them are a coin thrown six times.

    A look at a few pairs while the training goes on is no fault if another report rests on many.
    """
    n = max(len(count.labels) for count in counts)
    if n < 20:
        text = f"No evaluation rests on more than {n} pairs: by chance alone accuracy varies by {0.5 / np.sqrt(n):.3f}."
        return violated("report.accuracy", PLACE, text, "evaluated-on-few-pairs", numbers=numbers)
    return holds(
        "report.accuracy", PLACE, f"{len(counts)} reported accuracies are those of a recount.", numbers=numbers
    )


def _explanations(recording: Any, counts: list, reports: list, plain: bool = True) -> Any:
    """Yield (cause, words, firm) of each rule that gives every reported accuracy."""
    enough = len(counts) >= 2
    if _all(counts, lambda c: 1 - c.accuracy):
        yield (
            "evaluation-labels-inverted",
            "It is one minus the recounted one: labels are read the other way round.",
            True,
        )
    start = _at(recording, counts, recording.start)
    if (
        start is not None
        and enough
        and all(_close(a, c.said["accuracy"], len(c.labels)) for a, c in zip(start, counts, strict=True))
    ):
        yield "stale-checkpoint", "It is that of the model at the start.", True
    yield from _earlier(recording, counts, reports)
    if all(c.said["accuracy"] in (0.0, 1.0) for c in counts) and any(0.05 < c.accuracy < 0.95 for c in counts):
        yield None, "All reports are so, whatever the model says.", True
        return
    if all(abs(c.said["accuracy"] - 100 * c.accuracy) <= PERCENT for c in counts):
        yield None, "It is a hundred times that: percent, where a share is expected.", False
        return
    if _of_what_it_reads(counts):
        yield None, "It is that of the pairs that the evaluation reads.", True
        return
    k = _first(counts)
    if k:
        yield "evaluated-on-few-pairs", f"It is that of the first {k} pairs alone.", True
    k = _last(counts)
    if k:
        yield "evaluated-on-few-pairs", f"It is that of the last {k} pairs alone.", True
    bound = _sure_beyond(counts)
    if bound:
        yield "unsure-pairs-dropped", f"It is that of the pairs with log-odds beyond {bound:.2f} nats.", True
    share = _surest(counts)
    if share:
        yield "unsure-pairs-dropped", f"It is that of the {share:.3f} of the pairs on which the model is surest.", True
    parts = _best_part(counts)
    if parts:
        yield "best-part-reported", f"It is that of the best of {parts} parts.", True
    if enough and _history(counts):
        yield "metric-never-reset", "It is a mean over this and all reports before.", True
    threshold = _threshold(counts)
    if threshold:
        yield threshold
    for words, key in BY_LENGTH.items():
        for step in (1, -1):
            for sorted_, other in (("predictions", "labels"), ("labels", "predictions")):
                if _all(counts, lambda c, k=key, s=step, w=sorted_: _in_other_order(c, k, s, w == "labels")):
                    text = f"It has {sorted_} sorted by {words}, and {other} that are not."
                    yield "predictions-out-of-order", text, True
    for shift in (-2, -1, 1, 2):
        if _all(counts, lambda c, s=shift: float((np.roll(c.logits.argmax(axis=1), s) == c.labels).mean())):
            yield "predictions-out-of-order", f"It compares each prediction with the label {shift} rows away.", True
    if _all(counts, lambda c: float((c.logits.argmax(axis=1)[::-1] == c.labels).mean())):
        yield "predictions-out-of-order", "It compares predictions in reverse order.", True
    k = _few(counts)
    if k and all(abs(c.said["accuracy"] - c.accuracy) <= 1.01 / k for c in counts):
        yield None, f"It is rounded to multiples of 1/{k}.", False
        return
    if k and _lucky(counts, k):
        yield "best-part-reported", f"All are multiples of 1/{k}, and higher than {k} pairs at random would give.", True
    if k:
        yield "evaluated-on-few-pairs", f"All reported accuracies are multiples of 1/{k}.", True
    if plain and _by_accident(counts):
        yield "predictions-out-of-order", "It is what predictions in another order than the labels give.", True
    swapped = _at(
        recording, counts, None, lambda p: replace(p, sentence_a=p.sentence_b, sentence_b=p.sentence_a), reports
    )
    if swapped is not None and all(
        _close(a, c.said["accuracy"], len(c.labels)) for a, c in zip(swapped, counts, strict=True)
    ):
        yield "swapped-in-evaluation", "It is that of the pairs with A and B exchanged.", False
    if enough and all(_close(c.said["accuracy"], counts[0].said["accuracy"], len(c.labels)) for c in counts):
        share = float((counts[0].labels == IS_NEXT).mean())
        said = counts[0].said["accuracy"]
        losses = {round(c.said["loss"], 6) for c in counts if isinstance(c.said.get("loss"), float | int)}
        constant = any(_close(said, x, len(counts[0].labels)) for x in (share, 1 - share))
        if len(losses) > 1:
            one = ", and it is that of one answer to all pairs" if constant else ", though the reported loss does"
            yield None, f"It never moves{one}.", True
        else:
            yield "stale-checkpoint", "It never moves, though the model does.", True


def _at(recording: Any, counts: list, model: Any, change: Any = None, reports: Any = None) -> list[float] | None:
    """Return the accuracies of another model, or of changed pairs."""
    if change is None and model is None:
        return None
    found = []
    for k, count in enumerate(counts):
        who = model if change is None else recording.twin(reports[k].parameters)
        pairs = count.pairs if change is None else [change(pair) for pair in count.pairs]
        try:
            found.append(float((who.logits(pairs).argmax(axis=1) == count.labels).mean()))
        except Exception:
            return None
    return found


def _earlier(recording: Any, counts: list, reports: list) -> Any:
    """Is each report that of the model some reports before, or of the first report?"""
    if len({round(count.said["accuracy"], 6) for count in counts[1:]}) >= 1 and len(counts) >= 3:
        model = recording.twin(reports[0].parameters)
        first = [float((model.logits(c.pairs).argmax(axis=1) == c.labels).mean()) for c in counts]
        if all(_close(a, c.said["accuracy"], len(c.labels)) for a, c in zip(first, counts, strict=True)):
            yield "stale-checkpoint", "It is that of the model at the first report.", True
    if recording.start is not None and len(counts) >= 2:
        start = clone(recording.start)
        first = [float((start.logits(c.pairs).argmax(axis=1) == c.labels).mean()) for c in counts]
        if all(_close(a, c.said["accuracy"], len(c.labels)) for a, c in zip(first, counts, strict=True)):
            yield "stale-checkpoint", "It is that of the model before the first step.", True
    for step in getattr(recording, "sampled", [])[:2] if len(counts) >= 2 else ():
        after = recording.twin(step.after)
        first = [float((after.logits(c.pairs).argmax(axis=1) == c.labels).mean()) for c in counts]
        if all(_close(a, c.said["accuracy"], len(c.labels)) for a, c in zip(first, counts, strict=True)):
            yield "stale-checkpoint", f"It is that of the model after step {step.number}.", True
    for back in (1, 2):
        if len(counts) < back + 3:
            continue
        fits = []
        for k in range(back, len(counts)):
            model = recording.twin(reports[k - back].parameters)
            value = float((model.logits(counts[k].pairs).argmax(axis=1) == counts[k].labels).mean())
            fits.append(_close(value, counts[k].said["accuracy"], len(counts[k].labels)))
        if np.mean(fits) > 0.99:
            yield "stale-checkpoint", f"It is that of the model {back} reports before.", True


#: Lengths by which people sort pairs, so that a batch needs little padding.
BY_LENGTH: dict[str, Callable[[Any], int]] = {
    "the characters of both texts": lambda p: len(p.sentence_a) + len(p.sentence_b),
    "the words of both texts": lambda p: len(p.sentence_a.split()) + len(p.sentence_b.split()),
    "the tokens of both texts": lambda p: len(tokenize(p.sentence_a)) + len(tokenize(p.sentence_b)),
    "the length of A": lambda p: len(p.sentence_a),
    "the length of B": lambda p: len(p.sentence_b),
}


def _in_other_order(count: Count, key: Callable, step: int, labels: bool) -> float:
    """Return the accuracy if predictions, or the labels, are sorted by a length and the others are not."""
    if len(count.pairs) != len(count.labels):
        return float("nan")  # the texts are not known
    order = np.argsort([key(pair) for pair in count.pairs], kind="stable")[::step]
    said = count.logits.argmax(axis=1)
    return float((said == count.labels[order]).mean() if labels else (said[order] == count.labels).mean())


def _common(found: list[set]) -> int:
    """Return the smallest number that all sets hold, or 0."""
    shared = set.intersection(*found) if found else set()
    return min(shared) if shared else 0


def _prefix(right: np.ndarray, said: float) -> set:
    """Return the k for which the first k are right as often as is said."""
    k = np.arange(1, len(right))
    means = np.cumsum(right[:-1]) / k
    return set(k[np.abs(means - said) < 6e-5].tolist())


def _distinct(counts: list) -> bool:
    """Whether there are reports enough that an accident cannot explain them all."""
    return len({round(count.said["accuracy"], 6) for count in counts}) >= 2 and len(counts) >= 3


def _first(counts: list) -> int:
    return _common([_prefix(c.right, c.said["accuracy"]) for c in counts]) if _distinct(counts) else 0


def _last(counts: list) -> int:
    return _common([_prefix(c.right[::-1], c.said["accuracy"]) for c in counts]) if _distinct(counts) else 0


def _surest(counts: list) -> float:
    """Return the share of the pairs, those of the largest log-odds, that explains every report; 0 if none does."""
    ranges = []
    for count in counts:
        order = np.argsort(-np.abs(count.odds), kind="stable")
        fits = _prefix(count.right[order], count.said["accuracy"])
        ranges.append({round(k / len(order), 2) for k in fits} | {round(k / len(order) - 0.005, 2) for k in fits})
    if not _distinct(counts) or np.mean([c.said["accuracy"] > c.accuracy for c in counts]) < 0.7:
        return 0.0
    votes: dict[float, int] = {}
    for found in ranges:
        for share in found:
            votes[share] = votes.get(share, 0) + 1
    best = max(votes, key=lambda share: votes[share]) if votes else 0.0
    return best if votes and votes[best] >= 0.95 * len(counts) and best < 0.97 else 0.0


def _sure_beyond(counts: list) -> float:
    """Return a bound on the size of the log-odds beyond which pairs are counted, if it explains every report; or 0."""
    if not _distinct(counts):
        return 0.0
    for bound in np.unique(np.concatenate([np.linspace(0.02, 4, 200), -np.log(1 / np.linspace(0.51, 0.98, 48) - 1)])):
        every = [(c.right[np.abs(c.odds) >= bound], c) for c in counts]
        some = [(kept, c) for kept, c in every if len(kept)]
        if len(some) < 2 or any(c.said["accuracy"] not in (0, 1) for kept, c in every if not len(kept)):
            continue  # of no pair at all a report says 0 or 1
        if all(abs(float(kept.mean()) - c.said["accuracy"]) < 6e-5 for kept, c in some):
            return float(bound) if any(len(kept) < 0.97 * len(c.right) for kept, c in some) else 0.0
    return 0.0


def _best_part(counts: list) -> int:
    """Return the number of parts, strided or in blocks, of which the best explains every report; 0 if none does."""
    for parts in range(2, 41):
        for cut in (lambda x, p: [x[k::p] for k in range(p)], lambda x, p: np.array_split(x, p)):
            if _all(
                counts, lambda c, cut=cut, p=parts: max(float(part.mean()) for part in cut(c.right, p) if len(part))
            ):
                return parts
    documents = [np.array([str(pair.document_a) for pair in c.pairs]) for c in counts]
    for least in (1, 2, 5, 10, 20):
        best = [_best_document(c.right, names, least) for c, names in zip(counts, documents, strict=True)]
        if all(_close(b, c.said["accuracy"], 10_000) for b, c in zip(best, counts, strict=True)):
            return len(set(documents[0].tolist()))
    if np.mean([c.said["accuracy"] > c.accuracy - 1e-4 for c in counts]) > 0.95 and len(counts) > 2:
        for size in range(8, max(101, max(len(c.right) for c in counts) // 2)):
            for least in (1, size // 2, size):  # a last part may be left out if it is short
                best = [_best_block(c.right, size, least) for c in counts]
                if all(_close(b, c.said["accuracy"], 10_000) for b, c in zip(best, counts, strict=True)):
                    return -(-len(counts[0].right) // size)
    return 0


def _best_block(right: np.ndarray, size: int, least: int) -> float:
    """Return the accuracy of the best block of `size` pairs; one that holds fewer than `least` does not count."""
    blocks = [right[k : k + size] for k in range(0, len(right), size)]
    return max([float(block.mean()) for block in blocks if len(block) >= max(1, least)], default=0.0)


def _best_document(right: np.ndarray, names: np.ndarray, least: int) -> float:
    """Return the highest accuracy on the pairs of one document that has at least so many."""
    return max(
        (float(right[names == n].mean()) for n in set(names.tolist()) if (names == n).sum() >= least), default=-1
    )


def _history(counts: list) -> bool:
    """Whether each report is the mean of the recounts so far, or lags behind by a constant share."""
    true = np.array([count.accuracy for count in counts])
    said = np.array([count.said["accuracy"] for count in counts])
    running = np.cumsum(true) / np.arange(1, len(true) + 1)
    if np.abs(running - said).max() < 2e-3:
        return True
    sizes = np.array([len(count.labels) for count in counts], float)
    pooled = np.cumsum(true * sizes) / np.cumsum(sizes)
    if np.abs(pooled - said).max() < 2e-3:
        return True
    if len(true) < 5 or abs(said[0] - true[0]) > 2e-3:
        return False
    step, distance = np.diff(said), true[1:] - said[:-1]
    share = float(np.vdot(step, distance) / (np.vdot(distance, distance) or 1.0))
    return bool(0.01 < share < 0.9 and np.abs(step - share * distance).max() < 2e-3)


def _threshold(counts: list) -> tuple | None:
    """Is one threshold on a logit, or on a probability other than one half, behind all reports?"""
    if not _distinct(counts):
        return None
    for name, values in (
        ("first logit", lambda c: c.logits[:, 0]),
        ("second logit", lambda c: -c.logits[:, 1]),
        ("log-odds", lambda c: c.odds),
    ):
        low, high = -np.inf, np.inf
        grid = np.unique(np.concatenate([np.linspace(-3, 3, 1201)]))
        fits = np.ones(len(grid), bool)
        for count in counts:
            score = values(count)
            says = score[None, :] > grid[:, None]
            accuracy = (says == (count.labels == IS_NEXT)[None, :]).mean(axis=1)
            fits &= np.abs(accuracy - count.said["accuracy"]) <= 1.01 / len(count.labels) + 6e-5
        if fits.any():
            low, high = float(grid[fits].min()), float(grid[fits].max())
            if name == "log-odds" and low <= 0 <= high:
                continue
            middle = (low + high) / 2
            cause = "logit-read-as-probability" if name != "log-odds" else "threshold-moved"
            return cause, f"It is that of a threshold of {middle:.3f} on the {name}.", True
    return None


def _few(counts: list) -> int:
    """Return the smallest k of which every reported accuracy is a multiple of 1 / k, if it is far below the pairs.

    Reports on another number of pairs than most are left out: a share of those would be of another k.
    """
    sizes = [len(count.labels) for count in counts]
    n = max(set(sizes), key=sizes.count)
    said = np.array([count.said["accuracy"] for count in counts if len(count.labels) == n])
    if len(set(np.round(said, 6).tolist())) < 3:
        return 0
    for k in range(2, max(3, min(65, n // 3))):
        if np.abs(said * k - np.round(said * k)).max() < 1e-4:
            return k
    return 0


def _lucky(counts: list, k: int) -> bool:
    """Whether every report is above the recount, by 1.2 standard deviations of k pairs on average."""
    excess = [(c.said["accuracy"] - c.accuracy) / np.sqrt(0.25 / k) for c in counts]
    return min(excess) > 0 and float(np.mean(excess)) > 1.2


def _by_accident(counts: list) -> bool:
    """Whether all reports lie where labels and predictions of no relation agree, within 4 standard errors."""
    informative = False
    for count in counts:
        says = count.logits.argmax(axis=1)
        p, q = float((says == 0).mean()), float((count.labels == 0).mean())
        chance = p * q + (1 - p) * (1 - q)
        recalls = [count.said.get(name) for name in ("recall_is_next", "recall_not_next")]
        if all(isinstance(r, float | int) for r in recalls):  # of answers that have nothing to do with the labels
            expected, found = np.array([p, 1 - p]), np.array(recalls, float)
            each = [count.right[count.labels == label] for label in (0, 1)]
            true = [float(right.mean()) for right in each if len(right)]
            sizes = np.array([max(1, len(right)) for right in each])
            dealt_out = (np.abs(found - expected) < 4 * np.sqrt(0.25 / sizes) + 0.01).all()
            if not dealt_out and not (len(true) == 2 and np.allclose(found, true, atol=6e-5)):
                return False
        sd = np.sqrt(0.25 / len(says))
        if abs(count.said["accuracy"] - chance) > 4 * sd:
            return False
        if isinstance(count.said.get("loss"), float | int):  # each pair's log-odds beside the label of any pair
            of_next, of_other = softplus(-count.odds), softplus(count.odds)
            dealt = q * float(of_next.mean()) + (1 - q) * float(of_other.mean())
            spread = float(np.sqrt((q * of_next**2 + (1 - q) * of_other**2).mean() / len(says)))
            if abs(count.said["loss"] - dealt) > 4 * spread + 0.01:
                return False
        informative |= count.accuracy - chance > 5 * sd
    return informative and len(counts) >= 2


def _loss(counts: list) -> Finding:
    """Is the reported loss the recounted one? If not: a factor, or a term that is added?"""
    pairs = [(float(count.said["loss"]), float(count.losses.mean())) for count in counts]
    pairs = [(said, true) for said, true in pairs if np.isfinite(said)]
    if not pairs:
        return unknown("report.loss", PLACE, "The reports name no finite loss.")
    said, true = (np.array(column) for column in zip(*pairs, strict=True))
    off = np.abs(said - true) / np.maximum(true, 0.05)
    worst = int(np.argmax(off))
    numbers = {"reported": float(said[worst]), "recounted": float(true[worst])}
    if off.max() <= LOSS:
        return holds("report.loss", PLACE, f"{len(said)} reported losses are those of a recount.", numbers=numbers)
    text = f"A report names a loss of {said[worst]:.4f} nats; a recount finds {true[worst]:.4f}."
    ratio, distance = said / true, said - true
    sizes = np.array([len(count.labels) for count in counts], float)
    if len(said) > 1 and ratio.std() < 1e-3 * abs(ratio.mean()):
        value = float(ratio.mean())
        numbers["ratio"] = value
        cause = "loss-in-bits" if abs(value - 1.4427) < 2e-3 else "held-out-loss-summed" if value >= BATCH else None
        return violated(
            "report.loss",
            PLACE,
            f"{text} All are {value:.4f} times the recounted ones.",
            cause,
            cause != "loss-in-bits",
            numbers=numbers,
        )
    if len(sizes) == len(said) and np.abs(ratio / sizes - 1).max() < 0.01:
        return violated(
            "report.loss", PLACE, f"{text} It is the sum over the pairs.", "held-out-loss-summed", numbers=numbers
        )
    if len(said) > 1 and distance.std() < 1e-3 and abs(distance.mean()) > 1e-3:
        numbers["added"] = float(distance.mean())
        return violated(
            "report.loss",
            PLACE,
            f"{text} All are {distance.mean():+.4f} nats beside the recounted ones.",
            "total-logged-as-nsp",
            numbers=numbers,
        )
    if len(said) > 1 and ratio.min() > 3 and ratio.std() < 0.02 * ratio.mean():
        return violated(
            "report.loss", PLACE, f"{text} It is a sum over a batch.", "held-out-loss-summed", numbers=numbers
        )
    return violated("report.loss", PLACE, text, None, float(np.median(np.abs(distance))) > OFF_NATS, numbers=numbers)
