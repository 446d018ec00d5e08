"""Which pairs are together in a batch, and which are seen at all."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.ranks import rank_area

PLACE = "batching"
FEW = 500  # pairs: so few are learned by heart


def batching_facts(recording: Any) -> list[Finding]:
    """All facts about batches."""
    sizes = [len(step.pairs) for step in recording.steps if step.pairs]
    if not sizes:
        return [unknown("batches.size", PLACE, "No batch was seen.")]
    return [_size(recording, sizes), _classes(recording), _again(recording), _covered(recording), _order(recording)]


def _size(recording: Any, sizes: list) -> Finding:
    """How many pairs does a batch hold?"""
    middle, asked = float(np.median(sizes)), recording.experiment.batch_size
    numbers = {"pairs": middle, "asked": float(asked)}
    if middle <= 3:
        text = f"A batch holds {middle:.0f} pairs, so its gradient is mostly noise."
        return violated("batches.size", PLACE, text, "batch-too-small", False, numbers=numbers)
    if middle < 0.5 * asked and len(recording.pairs["train"][0]) > 2 * asked:
        text = f"A batch holds {middle:.0f} pairs, where the experiment asks for {asked}."
        return violated("batches.size", PLACE, text, None, False, numbers=numbers)
    return holds("batches.size", PLACE, f"A batch holds {middle:.0f} pairs.", numbers=numbers)


def _classes(recording: Any) -> Finding:
    """Are there both classes in a batch? With a fair share p, a batch of m holds one class with p^m + (1 - p)^m."""
    different = [list({id(pair): pair for pair in step.pairs}.values()) for step in recording.steps]
    groups = [np.array([pair.label for pair in pairs]) for pairs in different if len(pairs) >= 6]
    if not groups:
        return unknown("batches.classes", PLACE, "Batches hold too few different pairs to judge their classes.")
    p = float(np.concatenate(groups).mean())
    pure = float(np.mean([np.ptp(labels) == 0 for labels in groups]))
    expected = float(np.mean([p ** len(labels) + (1 - p) ** len(labels) for labels in groups]))
    everything = [pair.label for epoch in recording.pairs["train"][:1] for pair in epoch]
    overall = float(np.mean(everything)) if everything else p
    expected = max(
        expected,
        float(np.mean([overall ** len(x) + (1 - overall) ** len(x) for x in groups])) if 0 < overall < 1 else 1.0,
    )
    error = np.sqrt(max(expected * (1 - expected), 1e-4) / len(groups))
    limit = expected + max(0.4, 6 * error)
    numbers = {"one_class": pure, "expected": expected, "limit": limit, "label_not_next": p, "in_pairs": overall}
    if pure > limit:
        text = f"{pure:.3f} of {len(groups)} batches hold one class only; by chance it would be {expected:.3f}."
        listed = float(np.mean(np.diff(everything) != 0)) if len(everything) > 100 else 0.0
        if _alternate(groups) and listed > 0.9:  # one class and the other in turn, and every m-th pair in a batch
            text = f"{text} The classes come in turn in the list of pairs, and the batches take them from places apart."
            return violated("batches.classes", PLACE, text, None, numbers=numbers)
        return violated("batches.classes", PLACE, text, "pairs-sorted-by-label", numbers=numbers)
    if abs(p - overall) > max(0.2, 6 * np.sqrt(0.25 / sum(map(len, groups)))):
        text = f"{1 - p:.3f} of the rows of the steps are IsNext, and {1 - overall:.3f} of the pairs of an epoch."
        changes = float(np.mean(np.diff(everything) != 0))  # of the label, from pair to pair
        if len(everything) > 100 and changes < 0.1 < overall < 0.9:
            text = f"{text} The list of pairs is sorted by label."
            return violated("batches.classes", PLACE, text, "pairs-sorted-by-label", numbers=numbers)
        one = min(p, 1 - p) < 0.02  # other shares are a shift; a class that never comes was left out
        return violated("batches.classes", PLACE, text, None if one else "prior-shift", numbers=numbers)
    return holds("batches.classes", PLACE, f"{pure:.3f} of the batches hold one class only.", numbers=numbers)


def _alternate(groups: list) -> bool:
    """Whether batches of one class and of the other follow each other by chance, and in no order."""
    classes = [int(labels[0]) for labels in groups if np.ptp(labels) == 0]
    return len(classes) > 20 and float(np.mean(np.diff(classes) != 0)) > 0.2


def _again(recording: Any) -> Finding:
    """Do steps see different pairs? Within the first epoch no pair should return."""
    first = len(recording.batches[0][1]) if recording.batches else 0
    steps = [step for step in recording.steps if step.number <= first]
    seen = [id(pair) for step in steps for pair in step.pairs]
    if len(steps) < 4 or not seen:
        return unknown("batches.again", PLACE, "Too few steps to see whether pairs return.")
    share = len(set(seen)) / len(seen)
    numbers = {"different": share, "steps": float(len(steps))}
    if share < 0.4:
        text = (
            f"Of the {len(seen)} rows of the first {len(steps)} steps "
            f"{share:.3f} are different pairs: the same ones return."
        )
        return violated("batches.again", PLACE, text, "same-pairs-again", numbers=numbers)
    return holds(
        "batches.again", PLACE, f"{share:.3f} of the rows of the first epoch are different pairs.", numbers=numbers
    )


def _covered(recording: Any) -> Finding:
    """Which share of the pairs of an epoch is in a batch?"""
    if not recording.batches:
        return unknown("batches.covered", PLACE, "No batches were made.")
    lengths, batches = recording.batches[0]
    every = np.concatenate(batches) if batches else np.zeros(0, int)
    share = len(set(every.tolist())) / max(1, len(lengths))
    numbers = {"covered": share, "pairs": float(len(lengths))}
    if share < 0.5:
        text = f"The batches of an epoch hold {share:.3f} of its {len(lengths)} pairs."
        chosen = np.isin(np.arange(len(lengths)), every)
        area, error = rank_area(np.asarray(lengths, float), chosen.astype(int))
        if abs(area) > max(0.3, 5 * error):
            text = f"{text} They are the {'long' if area > 0 else 'short'} ones."
            return violated("batches.covered", PLACE, text, None, numbers=numbers | {"area": area})
        few = share * len(lengths) < FEW  # more of them are enough: then it is their choice that is wrong
        return violated("batches.covered", PLACE, text, "too-few-pairs" if few else None, numbers=numbers)
    return holds("batches.covered", PLACE, f"The batches of an epoch hold {share:.3f} of its pairs.", numbers=numbers)


def _order(recording: Any) -> Finding:
    """Do the pairs of a batch come from all over the text?

    Of m pairs at random, documents with shares q of all pairs bring ``sum(1 - (1 - q)^m)`` different ones.
    """
    pairs = recording.pairs["train"][0] if recording.pairs["train"] else []
    owner = np.array([getattr(pair, "document_a", None) for pair in pairs], dtype=object)
    batches = recording.batches[0][1] if recording.batches else []
    full = [np.asarray(batch) for batch in batches if len(batch) >= 8 and max(batch) < len(owner)]
    if not full or any(name is None for name in owner):
        return unknown("batches.order", PLACE, "The batches do not show from which documents their pairs are.")
    counts = np.unique(np.array([str(name) for name in owner]), return_counts=True)[1] / len(owner)
    expected = float(np.mean([(1 - (1 - counts) ** len(batch)).sum() for batch in full]))
    found = float(np.mean([len(set(owner[batch].tolist())) for batch in full]))
    numbers = {"documents": found, "expected": expected}
    if expected >= 6 and found < 0.35 * expected:
        text = f"A batch holds pairs of {found:.1f} documents, where {expected:.1f} are expected: it was not shuffled."
        return violated("batches.order", PLACE, text, None, False, numbers=numbers)
    return holds("batches.order", PLACE, f"A batch holds pairs of {found:.1f} documents.", numbers=numbers)
