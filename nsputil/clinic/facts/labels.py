"""Labels in the text, in the pair and in the array: each against the truth."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nsputil.clinic.facts.confusion import INDEPENDENT, confusion, kind
from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.systematic import kind_of_pairs
from nsputil.clinic.text_index import ABSENT, FAR, NEAR, NEXT, relations, sample
from nsputil.pairs import IS_NEXT, NOT_NEXT

HALF = 0.65  # of the pairs IsNext: more cannot cross a boundary, some sampling error allowed
FOUND = 0.2  # of the pairs NotNext: if the text of fewer is found, they speak for themselves only
FLOOR = 0.02  # a share of wrong labels below this does no harm that could be measured
SURE = 4.5  # standard deviations
FEWEST = 20

ELSEWHERE = "elsewhere"  # labels and text contradict each other in a way that has no name


def labels_of_pairs(recording: Any) -> list[Finding]:
    """Do the labels of the pairs say what the text says?

    A label IsNext is wrong if B is elsewhere than A; a label NotNext is wrong if B begins where A ends. The
    tolerance is ``max(0.02, q + 4.5 sqrt(q (1 - q) / n))``, where q is how often another B follows by accident.
    """
    judged = {name: _judge(recording, pairs) for name, pairs in _parts(recording).items()}
    verdicts = {name: _verdict(*found) for name, found in judged.items() if found is not None}
    if {found[0] for found in verdicts.values()} == {
        "label-noise",
        "labels-shuffled",
    }:  # between the two: the larger part
        cause = verdicts.get("training", next(iter(verdicts.values())))[0]
        verdicts = {name: (cause, *found[1:]) for name, found in verdicts.items()}
    findings = []
    for name in _parts(recording):
        if name not in verdicts:
            text = f"Too few of the {name} pairs are word for word in the documents to tell whether B follows A."
            findings.append(unknown(f"labels.text.{name}", "pairs", text))
            continue
        findings.append(_finding(name, verdicts[name], {k: v[0] for k, v in verdicts.items()}))
    return findings


def _parts(recording: Any) -> dict[str, list]:
    epochs = recording.pairs["train"]
    held_out = [*recording.pairs["valid"], *recording.pairs["test"]]
    parts = {"training": sample(epochs[0]) if epochs else [], "held-out": sample(held_out)}
    return {name: pairs for name, pairs in parts.items() if pairs}


def _judge(recording: Any, pairs: Sequence) -> tuple | None:
    """Return the pairs, their labels and their relations, or None if too few can be judged."""
    labels = np.array([pair.label for pair in pairs])
    found = relations(recording.text, pairs)
    if (found != ABSENT).mean() < 0.2 or len(pairs) < FEWEST:
        return None
    return list(pairs), labels, found, recording.text


def _verdict(pairs: list, labels: np.ndarray, found: np.ndarray, index: Any) -> tuple:
    """Return ``(cause, words, numbers, rows)``; the cause is None if nothing is violated."""
    next_, other = labels == IS_NEXT, labels == NOT_NEXT
    decided = np.isin(found, (NEXT, FAR)) | (next_ & (found == NEAR))
    truth = np.where(found == FAR, NOT_NEXT, IS_NEXT)
    bad_next = float((found[next_ & decided] == FAR).mean()) if (next_ & decided).any() else 0.0
    bad_other = float((found[other & decided] == NEXT).mean()) if (other & decided).any() else 0.0
    numbers = {
        "is_next_wrong": bad_next,
        "not_next_wrong": bad_other,
        "judged": float(decided.mean()),
        "pairs": len(pairs),
    }
    if not next_.any() or not other.any():
        share = float((truth[decided] == IS_NEXT).mean())
        which = "1 (NotNext)" if other.any() else "0 (IsNext)"
        cause = "one-label" if other.any() else "labels-all-is-next"
        words = f"all {len(labels)} labels are {which}, and B follows A in {share:.3f} of the pairs"
        return cause, words, numbers, ()
    accident = _accident(pairs, other & decided, index)
    numbers["accident"] = accident
    limit_next = max(FLOOR, SURE / max(1, int((next_ & decided).sum())))
    limit_other = max(
        FLOOR, accident + SURE * np.sqrt(accident * (1 - accident) / max(1, int((other & decided).sum())))
    )
    if bad_next <= limit_next and bad_other <= limit_other:
        return None, "", numbers, ()
    wrong = (next_ & (found == FAR)) | (other & (found == NEXT))
    rows = tuple(
        f"pair {k}: {pairs[k].sentence_a[-40:]!r} | {pairs[k].sentence_b[:40]!r}" for k in np.flatnonzero(wrong)[:3]
    )
    system = kind_of_pairs([pairs[k] for k in np.flatnonzero(decided)], truth[decided], wrong[decided])
    if bad_next <= limit_next:
        words = f"{bad_other:.3f} of the pairs that are called NotNext hold the true next text{system}"
        if (other & decided).sum() < FOUND * other.sum():
            return ELSEWHERE, f"{words}; most of the others hold text that is in no document", numbers, rows
        return ELSEWHERE if system else "false-negatives", words, numbers, rows
    if bad_other > limit_other or (truth[decided] == IS_NEXT).mean() > 0.2:
        if bad_other > limit_other:
            name, words = kind(truth[decided], labels[decided])
            shift, fit = _out_of_step(truth, labels, decided)
            if name in ("label-noise", "labels-shuffled") and shift and fit > 0.8:
                name = "labels-off-by-one"
                share = float((truth != labels)[decided].mean())
                words = f"{share:.3f} of {decided.sum()} labels are wrong, and they fit when they are moved by {shift} "
                words += f"places (correlation {fit:.2f})"
            whole = _by_document(pairs, wrong)
            system = "" if whole or name != "label-noise" else system
            return ELSEWHERE if system else "label-noise" if whole else name, words + whole + system, numbers, rows
        if (labels == IS_NEXT).mean() - (truth[decided] == IS_NEXT).mean() > 0.05 and _extra_labels(labels):
            words = f"{bad_next:.3f} of the labels IsNext are wrong, and none of the labels NotNext{system}"
            return ELSEWHERE if system else "label-noise", words, numbers, rows
    return _misplaced(pairs, labels, found, bad_next, index) + (numbers, rows)


def _out_of_step(truth: np.ndarray, labels: np.ndarray, decided: np.ndarray) -> tuple[int, float]:
    """Return by how many rows labels have to be moved to fit the truth, up to three, and how well they fit then.

    Rows of which the truth is not known keep their places in the list.
    """
    fits = {}
    for shift in range(-3, 4):
        moved = np.roll(labels, shift)[decided]
        known = truth[decided]
        varied = moved.std() > 0 and known.std() > 0
        fits[shift] = float(np.corrcoef(known, moved)[0, 1]) if varied else 0.0
    best = max(fits, key=lambda shift: (round(fits[shift], 6), -abs(shift)))
    return best, fits[best]


def _by_document(pairs: list, wrong: np.ndarray) -> str:
    """Return words if the wrong labels fill some documents and leave the others alone."""
    owner = np.array([pair.document_a for pair in pairs])
    rates = [float(wrong[owner == d].mean()) for d in np.unique(owner) if (owner == d).sum() >= 6]
    whole, none = sum(rate > 0.9 for rate in rates), sum(rate < 0.1 for rate in rates)
    if len(rates) < 4 or not whole or not none or whole + none < 0.9 * len(rates):
        return ""
    return f"; all of them are in {whole} of {len(rates)} documents"


def _extra_labels(labels: np.ndarray) -> bool:
    """Whether there are clearly more labels IsNext than NotNext: labels were changed, not texts."""
    return float((labels == IS_NEXT).mean()) > 0.5 + SURE * 0.5 / np.sqrt(len(labels))


def _misplaced(pairs: list, labels: np.ndarray, found: np.ndarray, share: float, index: Any) -> tuple:
    """IsNext pairs hold a B from elsewhere: which of three ways is it?"""
    words = f"in {share:.3f} of the pairs that are called IsNext, B does not follow A"
    chosen = [pair for pair, label in zip(pairs, labels, strict=True) if label == IS_NEXT]
    same = float(np.mean([index.read(p.sentence_a).tolist() == index.read(p.sentence_b).tolist() for p in chosen]))
    if same > 0.7:
        joined = np.mean([len(index.places(p.sentence_a)) == 0 for p in pairs]) > 0.1  # A is no text of its own
        return ELSEWHERE if joined else "a-given-twice", f"{words}; in {same:.3f} of them B is A once more"
    different = len({p.sentence_a for p in chosen})
    if different < 0.1 * len({p.sentence_b for p in chosen}):
        return ELSEWHERE, f"{words}; there are {different} different A for all of them"
    back = float(np.mean([index.relation(p.sentence_b, p.sentence_a) == NEXT for p in chosen[:400]]))
    if back > 0.7:
        return "a-and-b-swapped", f"{words}; in {back:.3f} of them A follows B"
    if share < 0.93:
        away = _crosses(chosen, found[labels == IS_NEXT], index)
        if away < 0.5:
            return ELSEWHERE, f"{words}; {1 - away:.3f} of those B are in the document of A all the same"
        # a document has at least two sentences, so more than half of the pairs cannot cross from one into another
        if share > HALF and (at_ends := _at_ends(chosen, found[labels == IS_NEXT], index)) < 0.5:
            return ELSEWHERE, f"{words}; in {at_ends:.3f} of them A ends a document and B begins one"
        return "boundaries-lost", words
    offset, often = _offset(pairs, labels, index)
    if often > 0.7:
        where = f"{offset - 1} sentences are left out between them" if offset > 1 else "it begins before A ends"
        return ELSEWHERE, f"{words}; in {often:.3f} of them B is in the document of A, and {where}"
    place, fit = _lag_of_b(pairs, labels, index)
    if place != 0 and fit > 0.5:
        return (
            "segments-misaligned",
            f"{words}; the B that belongs to A is {place:+d} rows away in {fit:.2f} of them",
        )
    if _chained(pairs, labels) > 0.5:
        if _in_order(pairs, labels, index) > 0.9:
            return ELSEWHERE, f"{words}; all are in the order of the text, and the sentences between them are missing"
        return (
            "sentences-shuffled",
            f"{words}; each B is the A of the next pair, so the text was shuffled before pairing",
        )
    fields = [pair for pair, label in zip(pairs, labels, strict=True) if label == IS_NEXT]
    adjacent = np.mean([p.document_a == p.document_b and p.position_b > p.position_a for p in fields])
    if adjacent > 0.9 and _text_at_place(fields, index) < 0.5:
        if (made := float(np.mean([len(index.places(p.sentence_a)) == 0 for p in fields[:400]]))) > 0.5:
            return ELSEWHERE, f"{words}; {made:.3f} of those A are in no document word for word"
        return "sentences-shuffled", f"{words}; by their positions they should, so the text was shuffled before pairing"
    if _present(pairs, labels, index) > 0.5:
        return "segments-misaligned", f"{words}; the texts that do are in the column of B, in other rows"
    return ELSEWHERE, f"{words}; the texts that do are not in the column of B either"


def _crosses(chosen: list, found: np.ndarray, index: Any) -> float:
    """Return which share of the B that are elsewhere than A are in no document of A."""
    far = [pair for pair, where in zip(chosen, found, strict=True) if where == FAR][:400]
    if not far:
        return 1.0
    return 1 - float(np.mean([_together(pair, index) for pair in far]))


def _at_ends(chosen: list, found: np.ndarray, index: Any) -> float:
    """Return how often, where B is elsewhere than A, A ends a document and B begins one, as across a lost boundary."""
    far = [pair for pair, where in zip(chosen, found, strict=True) if where == FAR][:400]
    hits = []
    for pair in far:
        ends = index.places(pair.sentence_a) + len(index.read(pair.sentence_a))
        begins = index.places(pair.sentence_b)
        hits.append(bool((index.tokens[ends] == -1).any() and (index.tokens[begins - 1] == -1).any()))
    return float(np.mean(hits or [True]))


def _together(pair: Any, index: Any) -> bool:
    """Whether some document holds both texts of a pair."""
    at_a, at_b = (index.document[index.places(text)] for text in (pair.sentence_a, pair.sentence_b))
    return bool(set(at_a) & set(at_b))


def _present(pairs: list, labels: np.ndarray, index: Any) -> float:
    """Return for which share of the A of IsNext pairs some B of the list is the text that follows."""
    begins = {int(place) for pair in pairs for place in index.places(pair.sentence_b)[:3]}
    asked = [pairs[k].sentence_a for k in np.flatnonzero(labels == IS_NEXT)[:400]]
    hits = [any(int(place) + len(index.read(a)) in begins for place in index.places(a)[:3]) for a in asked]
    return float(np.mean(hits)) if hits else 0.0


def _sentences_apart(pairs: list, labels: np.ndarray, index: Any) -> list[int]:
    """Return, for IsNext pairs of one document, how many sentences after the last of A the first of B begins."""
    number = np.cumsum(index.starts)
    found = []
    for k in np.flatnonzero(labels == IS_NEXT)[:400]:
        size = len(index.read(pairs[k].sentence_a))
        at_a, at_b = index.places(pairs[k].sentence_a)[:3], index.places(pairs[k].sentence_b)[:3]
        apart = [
            int(number[b] - number[a + size - 1]) for a in at_a for b in at_b if index.document[a] == index.document[b]
        ]
        found += [min(apart, key=abs)] if apart else []
    return found


def _offset(pairs: list, labels: np.ndarray, index: Any) -> tuple[int, float]:
    """Return the usual distance from A to B in sentences, and in which share of the IsNext pairs it is that.

    Pairs that were made so say nothing about columns out of step, where B comes from another document in half the rows.
    """
    apart = _sentences_apart(pairs, labels, index)
    asked = min(400, int((labels == IS_NEXT).sum()))
    if not apart:
        return 0, 0.0
    values, counts = np.unique(apart, return_counts=True)
    best = int(counts.argmax())
    return int(values[best]), float(counts[best]) / max(1, asked)


def _in_order(pairs: list, labels: np.ndarray, index: Any) -> float:
    """Return the share of IsNext pairs whose B comes later than A in one document."""
    apart = _sentences_apart(pairs, labels, index)
    asked = min(400, int((labels == IS_NEXT).sum()))
    return sum(distance > 0 for distance in apart) / max(1, asked)


def _lag_of_b(pairs: list, labels: np.ndarray, index: Any) -> tuple[int, float]:
    """Return at which distance in the list the B that follows A is most often, and how often."""
    where: dict[int, list[int]] = {}
    for k, pair in enumerate(pairs):
        for place in index.places(pair.sentence_b)[:3]:
            where.setdefault(int(place), []).append(k)
    lags: dict[int, int] = {}
    asked = np.flatnonzero(labels == IS_NEXT)[:800]
    for k in asked:
        size = len(index.read(pairs[k].sentence_a))
        found = {j - k for place in index.places(pairs[k].sentence_a)[:3] for j in where.get(int(place) + size, ())}
        for distance in found:
            lags[distance] = lags.get(distance, 0) + 1
    if not lags:
        return 0, 0.0
    best = max(lags, key=lambda distance: lags[distance])
    return int(best), lags[best] / max(1, len(asked))


def _chained(pairs: list, labels: np.ndarray) -> float:
    """Return how often the B of an IsNext pair is the A of the IsNext pair after it."""
    kept = [pair for pair, label in zip(pairs, labels, strict=True) if label == IS_NEXT]
    close = float(np.mean([p.sentence_b == q.sentence_a for p, q in zip(kept, kept[1:], strict=False)] or [0]))
    rows = [k for k in np.flatnonzero(labels[:-1] == IS_NEXT)]  # between them there may be pairs NotNext of other texts
    return max(close, float(np.mean([pairs[k].sentence_b == pairs[k + 1].sentence_a for k in rows] or [0])))


def _text_at_place(pairs: list, index: Any) -> float:
    """Return the share of pairs whose A and B are in one document at all."""
    return float(np.mean([_together(pair, index) for pair in pairs[:400]]))


def _accident(pairs: list, chosen: np.ndarray, index: Any) -> float:
    """Return how often a B of another pair follows A by accident."""
    which = np.flatnonzero(chosen)
    if len(which) < 2:
        return 0.0
    hits = [
        index.relation(pairs[k].sentence_a, pairs[j].sentence_b) == NEXT
        for k, j in zip(which, np.roll(which, 7), strict=True)
    ]
    return float(np.mean(hits))


def _finding(name: str, verdict: tuple, causes: dict[str, str | None]) -> Finding:
    cause, words, numbers, rows = verdict
    fact = f"labels.text.{name}"
    if cause is None:
        text = f"The labels of {int(numbers['pairs'])} {name} pairs say what the text says, within {FLOOR}."
        return holds(fact, "pairs", text, numbers=numbers)
    if cause == "inverted":
        others = [found for part, found in causes.items() if part != name]
        both = bool(others) and others[0] == "inverted"
        one = "training-labels-inverted" if name == "training" else "evaluation-labels-inverted"
        cause = "convention-inverted" if both or not others else one
    if cause == "a-and-b-swapped" and name == "held-out" and causes.get("training") is None:
        cause = "swapped-in-evaluation"  # what is trained on is in its order
    if cause == ELSEWHERE:
        return violated(fact, "pairs", f"In the {name} pairs {words}.", None, rows=rows, numbers=numbers)
    return violated(fact, "pairs", f"In the {name} pairs {words}.", cause, rows=rows, numbers=numbers)


def labels_of_arrays(recording: Any) -> list[Finding]:
    """Are the labels of the batches those of their pairs? They must be equal, exactly."""
    truth, labels, rows = [], [], []
    for step in recording.steps:
        found = step.labels if step.labels is not None else getattr(step.batch, "labels", None)
        if found is None or not step.pairs or np.shape(found) != (len(step.pairs),):
            continue
        own = np.array([pair.label for pair in step.pairs])
        truth.append(own)
        labels.append(np.asarray(found))
        rows += [f"step {step.number}, row {k}" for k in np.flatnonzero(own != found)[:2]]
    if not truth:
        return [unknown("labels.array", "encoding", "No batch shows labels that could be compared with its pairs.")]
    all_truth, all_labels = np.concatenate(truth), np.concatenate(labels)
    wrong = float((all_truth != all_labels).mean())
    numbers = {"wrong": wrong, "count": len(all_truth), "expected": 0.0}
    if wrong == 0:
        return [
            holds(
                "labels.array",
                "encoding",
                f"The labels of {len(all_truth)} rows are those of their pairs.",
                numbers=numbers,
            )
        ]
    cause, words = kind(all_truth, all_labels)
    by_batch = [_rolled(true, own) for true, own in zip(truth, labels, strict=True)]
    if cause not in ("inverted", "one-label", "labels-all-is-next") and np.mean(by_batch) > 0.7:
        cause, words = (
            "labels-off-by-one",
            f"{wrong:.3f} of the labels are wrong; in most batches they are those of the rows beside",
        )
    elif cause in ("label-noise", None) and _permuted(truth, labels):
        cause = "labels-shuffled"
        words = f"{wrong:.3f} of the labels are wrong, and each batch holds as many of each class as its pairs"
    if cause == "label-noise":
        pairs = [pair for step in recording.steps for pair in _rows_of(step)]
        system = kind_of_pairs(pairs, all_truth, all_truth != all_labels) if len(pairs) == len(all_truth) else ""
        cause, words = None if system else cause, words + system
    cause = {"inverted": "training-labels-inverted"}.get(cause or "", cause)
    return [
        violated(
            "labels.array",
            "encoding",
            f"Between pairs and arrays {words}.",
            cause,
            rows=tuple(rows[:3]),
            numbers=numbers,
        )
    ]


def _rows_of(step: Any) -> list:
    """Return the pairs of a step whose labels can be compared with them; none if they cannot."""
    found = step.labels if step.labels is not None else getattr(step.batch, "labels", None)
    return list(step.pairs) if found is not None and step.pairs and np.shape(found) == (len(step.pairs),) else []


def _rolled(truth: np.ndarray, labels: np.ndarray) -> bool:
    """Whether a small shift makes the labels of a batch right."""
    if (truth == labels).all():
        return False
    return any((np.roll(truth, shift) == labels).all() for shift in (-3, -2, -1, 1, 2, 3))


def _permuted(truth: list, labels: list) -> bool:
    """Whether the number of each class is right in every batch although much is wrong."""
    same = [int(true.sum()) == int(own.sum()) for true, own in zip(truth, labels, strict=True)]
    found = confusion(np.concatenate(truth), np.concatenate(labels))
    return bool(np.mean(same) > 0.99 and found.agreement < 3 * INDEPENDENT and len(same) > 5)
