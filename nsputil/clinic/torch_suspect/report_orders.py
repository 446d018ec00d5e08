"""An accuracy that no recount gives: predictions in the order of some length beside labels as they come, or a divisor.

Rows are sorted by their length before they are read, and sorted back afterwards; where that is forgotten, each
prediction meets the label of another row. An accuracy is a share: divided by more than there is, all are too small.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.torch_suspect.as_recording import AsRecording

NEAR = 0.51  # pairs
VARIED = 0.02  # of accuracy, between reports: below that a factor cannot be told from a sum
DIVIDED = 0.97  # of the accuracy: what is closer may be rounded


def explained(finding: Finding, looks: list, seen: AsRecording, sizes: list[int]) -> Finding:
    """Name what an accuracy is that differs from its recount and is not explained yet."""
    if finding.fact != "report.accuracy" or finding.state != "violated" or finding.cause is not None:
        return finding
    if len({round(look.said["accuracy"], 6) for look in looks}) < 2:
        return finding
    for words, order in _orders(seen, len(looks[0].labels)).items():
        if all(_fits(look, order) for look in looks):
            text = f"{finding.statement} It is that of predictions in the order of {words} beside labels as they come."
            return replace(finding, cause="predictions-out-of-order", statement=text, firm=True)
    return _divided(finding, looks, sizes)


def _fits(look: Any, order: np.ndarray) -> bool:
    says, labels = look.logits.argmax(1), look.labels
    each = (float((says[order] == labels).mean()), float((says == labels[order]).mean()))
    return any(abs(x - look.said["accuracy"]) <= NEAR / len(labels) for x in each)


def _orders(seen: AsRecording, count: int) -> dict[str, np.ndarray]:
    """Return orders of the held-out rows by a length, from short to long and from long to short."""
    lengths: dict[str, list[int]] = {}
    pairs = seen.parts.held_out_pairs[:count]
    if len(pairs) == count:
        sides = {"A": [p.sentence_a for p in pairs], "B": [p.sentence_b for p in pairs]}
        for name, texts in sides.items():
            lengths[f"characters of {name}"] = [len(text) for text in texts]
            if seen.words is not None:
                lengths[f"tokens of {name}"] = [len(seen.words.ids(text)) for text in texts]
            else:
                lengths[f"words of {name}"] = [len(text.split()) for text in texts]
        names = list(lengths)
        for first, second in zip(names[: len(names) // 2], names[len(names) // 2 :], strict=True):
            both = [x + y for x, y in zip(lengths[first], lengths[second], strict=True)]
            lengths[first.replace(" of A", " of both")] = both
    shown = [int((row != 0).sum()) for batch in seen.held_out for row in _rows(batch["batch"])]
    if len(shown) == count:
        lengths["tokens of a row"] = shown
    found = {}
    for name, length in lengths.items():
        found[name] = np.argsort(np.array(length), kind="stable")
        found[f"{name}, long ones first"] = np.argsort(-np.array(length), kind="stable")
        found[f"{name}, turned round"] = found[name][::-1]
    return found


def _rows(batch: Any) -> Any:
    from nsputil.clinic.torch_suspect.inputs import _ids

    return _ids(batch)


def _divided(finding: Finding, looks: list, sizes: list[int]) -> Finding:
    true, said = np.array([look.accuracy for look in looks]), np.array([look.said["accuracy"] for look in looks])
    if np.ptp(true) < VARIED or true.min() <= 0:
        return finding
    ratio = said / true
    if np.ptp(ratio) > 2e-3 * ratio.mean() or ratio.mean() > DIVIDED:
        return finding
    full = len(looks[0].labels) / (len(sizes) * max(sizes)) if sizes else 0.0
    text = f"{finding.statement} All are {ratio.mean():.4f} times the recounted ones"
    if abs(ratio.mean() - full) < 2e-3:
        text = f"{text}: they are divided by {len(sizes)} full batches of {max(sizes)}, and the last one is not full."
        return replace(finding, cause="divided-by-capacity", statement=text, firm=True)
    return replace(finding, statement=f"{text}: they are divided by more than the pairs.", firm=True)
