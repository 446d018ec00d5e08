"""Facts about what reaches the model: labels, arrays, separators, and what is shared between the parts."""

from dataclasses import replace
from difflib import SequenceMatcher
from types import SimpleNamespace
from typing import Any

import numpy as np

from nsputil.clinic.facts.arrays import arrays, rows_of
from nsputil.clinic.facts.batching import batching_facts
from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.labels import labels_of_arrays, labels_of_pairs
from nsputil.clinic.facts.shortcuts import shortcut_facts
from nsputil.clinic.facts.split import _copies, _kind, _shared
from nsputil.clinic.torch_suspect.added_words import words_added
from nsputil.clinic.torch_suspect.as_recording import AsRecording
from nsputil.clinic.torch_suspect.batches import leaves, orders
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.clinic.torch_suspect.given_rows import rows_given
from nsputil.clinic.torch_suspect.left_padding import where_rows_begin
from nsputil.clinic.torch_suspect.told_by_arrays import told_by_arrays
from nsputil.clinic.torch_suspect.uneven_classes import evened
from nsputil.clinic.torch_suspect.word_table import table_fits

#: Part of the share of equal rows that is natural: short sentences come again.
SHARED = 0.05
SHOWN = 0.75  # of the words of a pair: a collator that leaves so many masks, drops or exchanges some, as many do
FIT = 0.05  # of the rows: so many show how a row is laid out
LOST_WORDS = 1 / 3  # of all words of the text
MANY = 400  # different pairs in an epoch: a sampler may leave others to later epochs
EPOCHS = 12  # that are asked for the rows that they take


def label_facts(seen: AsRecording) -> list[Finding]:
    """Do labels say what the text says, in pairs and in batches, in training and held out?"""
    found = [_histogram(seen)]
    if seen.with_text and seen.experiment.documents:
        found += labels_of_pairs(seen)
    if not seen.with_text:
        return found
    training = _by_rows(labels_of_arrays(seen)[0], seen)
    held = _held_out(seen)
    if training.cause == "training-labels-inverted" and held is not None and held.cause == "training-labels-inverted":
        training = replace(
            training, cause="convention-inverted", statement=f"{training.statement} Held out it is the same."
        )
        held = None
    if held is not None and held.state == "violated":
        cause = {"training-labels-inverted": "evaluation-labels-inverted"}.get(held.cause or "", held.cause)
        statement = held.statement.replace("Between pairs and arrays", "Between held-out pairs and arrays")
        place = "evaluation" if training.state == "holds" else "encoding"
        held = replace(held, fact="labels.array.held-out", cause=cause, statement=statement, place=place)
    return [*found, training, *([held] if held is not None and held.state == "violated" else [])]


def _by_rows(finding: Finding, seen: AsRecording) -> Finding:
    """Are wrong labels those of the rows beside, in the order of the dataset?"""
    if finding.state != "violated" or finding.cause in ("training-labels-inverted", "one-label", "labels-all-is-next"):
        return finding
    pairs = seen.pairs["train"][0]
    rows = [(k, x) for s in seen.training.seen if s.rows is not None and s.labels is not None
            for k, x in zip(s.rows, s.labels.tolist(), strict=False)]  # fmt: skip
    for shift in (-1, 1, -2, 2, -3, 3):
        known = [(k, x) for k, x in rows if 0 <= k + shift < len(pairs)]
        right = float(np.mean([pairs[k + shift].label == x for k, x in known])) if known else 0.0
        if right > 0.97:
            text = f"{finding.statement} {right:.3f} of them are those of the pair {shift:+d} rows away in the dataset."
            return replace(finding, cause="labels-off-by-one", statement=text)
    return finding


def _histogram(seen: AsRecording) -> Finding:
    """Which labels are there, and how many of each?"""
    labels = [step.labels for step in seen.steps if step.labels is not None]
    if not seen.steps:
        return unknown("labels.histogram", "encoding", "No batch was seen.")
    if not labels:
        return violated("labels.histogram", "encoding", "No batch shows labels of whole numbers, one for a pair.", None)
    every = np.concatenate(labels)
    values, counts = np.unique(every, return_counts=True)
    called = dict(enumerate(seen.parts.label_names))
    names = ", ".join(
        f"{value} ({called.get(value, 'no label')}) in {count}"
        for value, count in zip(values.tolist(), counts.tolist(), strict=True)
    )
    text = f"Of {len(every)} labels in the batches: {names}."
    if not set(values.tolist()) <= {0, 1}:
        return violated("labels.histogram", "encoding", f"{text} Expected 0 and 1 only.", None)
    if len(values) == 1 and len(every) > 30:
        cause = "one-label" if values[0] == 1 else "labels-all-is-next"
        place = "pairs" if {pair.label for pair in seen.pairs["train"][0]} == {int(values[0])} else "encoding"
        return violated("labels.histogram", place, text, cause)
    return holds("labels.histogram", "encoding", text, share=float((every == 0).mean()))


def _held_out(seen: AsRecording) -> Finding | None:
    """The labels of held-out arrays against those of their pairs."""
    pairs = seen.parts.held_out_pairs
    if not pairs or seen.other_rows:  # a held-out dataset of the same kind gives other rows too
        return None
    steps = [
        SimpleNamespace(number=k + 1, labels=batch["labels"], pairs=[pairs[row] for row in batch["rows"]], batch=None)
        for k, batch in enumerate(seen.held_out)
        if batch["rows"] is not None and max(batch["rows"]) < len(pairs)
    ]
    return labels_of_arrays(SimpleNamespace(steps=steps))[0] if steps else None


def array_facts(seen: AsRecording) -> list[Finding]:
    """Do the arrays show A and then B, told apart, with their special tokens?"""
    if seen.words is None or not seen.with_text:
        return [unknown("arrays.words", "encoding", "Without tokenizer and pairs the arrays cannot be decoded.")]
    found = [_unknown_to_all(_understood(f, seen)) for f in arrays(seen)]
    takes = seen.training.takes
    found = [f for f in found if not (f.fact == "arrays.segments" and "token_type_ids" not in takes)]
    if not seen.with_segments:  # a choice, as far as one can see: whether it does harm is another question
        found = [replace(f, firm=False) if f.fact == "arrays.segments" else f for f in found]
    found = [f for f in found if not (f.fact == "arrays.mask" and "attention_mask" not in takes)]
    own = [where_rows_begin(_altered(_reordered(_exchanged(f, seen), seen), seen), seen) for f in found]
    return [*own, _separators(seen), words_added(seen), told_by_arrays(seen), table_fits(seen)]


def _understood(finding: Finding, seen: AsRecording) -> Finding:
    """Rows are held against their pairs only if their layout is known: by special tokens, or as some rows fit."""
    if finding.fact != "arrays.words" or finding.state != "violated" or finding.cause or seen.words is None:
        return finding
    framed = min(seen.words.cls_id, seen.words.sep_id) >= 0 or seen.text_apart
    some = finding.numbers.get("whole", 0.0) + finding.numbers.get("cut", 0.0)
    if framed or some > FIT or finding.numbers.get("other_words", 0.0) > FIT:
        return finding
    text = f"The layout of the rows is not known, as the tokenizer names no special tokens. {finding.statement}"
    return unknown(finding.fact, finding.place, text)


def _unknown_to_all(finding: Finding) -> Finding:
    """Words that the tokenizer does not know are lost in any arrays that it makes, so no exchange can judge them."""
    lost = finding.numbers.get("unknown", 0.0)
    return replace(finding, firm=True) if finding.cause == "unknown-words" and lost > LOST_WORDS else finding


def _altered(finding: Finding, seen: AsRecording) -> Finding:
    """Rows that show most words of their pair may be altered on purpose: whether it does harm, an exchange shows."""
    if finding.fact != "arrays.words" or finding.state != "violated" or finding.cause or not finding.firm:
        return finding
    if seen.words is None or min(seen.words.cls_id, seen.words.sep_id) < 0:  # special tokens may be taken for words
        return finding
    rows = rows_of(seen)
    most = max((int((row.ids != 0).sum()) for row in rows), default=0)
    shares = [_share_shown(row, most) for row in rows if row.a or row.b]
    shown = float(np.mean(shares)) if shares else 0.0
    few = float(np.mean([share < 0.5 for share in shares])) if shares else 1.0
    if shown < SHOWN or few > 0.05:
        return finding
    text = f"{finding.statement} They show {shown:.3f} of the words of their pairs, in their places."
    return replace(finding, firm=False, statement=text, numbers={**finding.numbers, "shown": shown})


def _share_shown(row: Any, most: int) -> float:
    """Return the share of its pair that a row shows, in order; of a full row, the share of what it can hold."""
    whole, seen = [*row.a, *row.b], row.ids[(row.ids != 0) & (row.mask > 0)].tolist()
    blocks = SequenceMatcher(None, whole, seen, autojunk=False).get_matching_blocks()
    size = int((row.ids != 0).sum())
    room = min(len(whole), size - 3) if size >= most - 2 else len(whole)
    return min(1.0, sum(block.size for block in blocks) / max(1, room))


def _reordered(finding: Finding, seen: AsRecording) -> Finding:
    """Do the rows of a batch show its own pairs, in another order than its labels?"""
    if finding.fact != "arrays.words" or finding.state != "violated" or finding.cause or seen.words is None:
        return finding
    words, found, wrong = seen.words, 0, 0
    truth, labels = [], []
    for step in seen.kept[:8]:
        known = {}
        for pair in step.pairs:
            known[tuple(words.ids(pair.sentence_a)[:4]), tuple(words.ids(pair.sentence_b)[:3])] = pair
        for k, ids in enumerate(step.batch.input_ids):
            sides = [
                tuple(ids[start + 1 : start + 1 + n].tolist())
                for start, n in zip(_starts(ids, words), (4, 3), strict=False)
            ]
            match = next((p for (a, b), p in known.items() if len(sides) == 2 and sides[0][: len(a)] == a
                          and sides[1][: len(b)] == b), None)  # fmt: skip
            if match is not None:
                found += 1
                wrong += match is not step.pairs[k]
                truth.append(match.label)
                labels.append(int(step.labels[k]))
    rows = sum(len(step.pairs) for step in seen.kept[:8])
    if found < 0.7 * rows or wrong < 0.5 * found:
        return finding
    off = float(np.mean(np.array(truth) != np.array(labels)))
    text = (
        f"{finding.statement} {found} of {rows} rows show another pair of their batch: rows and labels are in "
        f"different orders, and {off:.3f} of the labels are wrong."
    )
    return replace(finding, cause="labels-shuffled", statement=text)


def _starts(ids: np.ndarray, words: Any) -> list[int]:
    """Return the places before the first word of A and of B."""
    separators = np.flatnonzero(ids == words.sep_id)
    first = 0 if ids[0] == words.cls_id else -1
    return [first, int(separators[0])] if len(separators) else [first]


def _exchanged(finding: Finding, seen: AsRecording) -> Finding:
    """Is a mask that hides A the segment ids? It is 0 until the first separator, and 1 for B."""
    if finding.state != "violated" or finding.cause not in ("first-sentence-lost", None) or seen.words is None:
        return finding
    hits, count = 0, 0
    for step in seen.kept:
        for ids, mask in zip(step.batch.input_ids, step.batch.attention_mask, strict=True):
            after = (np.cumsum(ids == seen.words.sep_id) > 0) & (ids != seen.words.sep_id) & (ids != 0)
            before = (np.cumsum(ids == seen.words.sep_id) == 0) & (ids != 0)
            hits += bool((mask[before] == 0).all() and after.any() and (mask[after] == 1).all())
            count += 1
    if count == 0 or hits < 0.8 * count:
        return finding
    text = f"{finding.statement} The mask is 1 for B alone, as segment ids are."
    return replace(finding, cause="segments-as-mask", statement=text)


def _separators(seen: AsRecording) -> Finding:
    """Is there a separator after A and one after B, where the tokenizer has one?"""
    words = seen.words
    if words is None or words.sep_id < 0 or words.learned or seen.text_apart:
        return unknown("arrays.separators", "encoding", "The tokenizer names no separator.")
    counts = [int((row == words.sep_id).sum()) for step in seen.kept for row in np.asarray(step.batch.input_ids)]
    if not counts:
        return unknown("arrays.separators", "encoding", "No batch shows its arrays.")
    two = float(np.mean([count >= 2 for count in counts]))
    numbers = {"two": two, "mean": float(np.mean(counts)), "rows": float(len(counts))}
    if two < 0.9:
        text = f"{1 - two:.3f} of {len(counts)} rows hold fewer than two separators; expected one after A, one after B."
        return violated("arrays.separators", "encoding", text, "separators-missing", False, numbers=numbers)
    return holds("arrays.separators", "encoding", f"{two:.3f} of the rows hold two separators.", numbers=numbers)


def pair_facts(seen: AsRecording) -> list[Finding]:
    """What gives the label away, and what is there many times?"""
    found = []
    if seen.with_text and seen.experiment.documents:
        found += [evened(f, seen) for f in shortcut_facts(seen) if f.fact != "pairs.text" or f.firm]
    if seen.with_text:
        own = [(pair.sentence_a, pair.sentence_b) for pair in seen.pairs["train"][0]]
        share = len(set(own)) / max(1, len(own))
        each = [[(p.sentence_a, p.sentence_b) for p in seen.pairs["train"][0] if p.label == k] for k in (0, 1)]
        apart = [len(set(texts)) / max(1, len(texts)) for texts in each]
        if share < 0.5 and max(apart) > 0.9:
            text = f"{min(apart):.3f} of the pairs of one class are different, and {max(apart):.3f} of the other: it was filled up."  # noqa: E501
            found.append(violated("pairs.copies", "pairs", text, None, False, share=share))
        elif share < 0.5:
            text = f"Only {share:.3f} of the {len(own)} training pairs are different."
            found.append(violated("pairs.copies", "pairs", text, "corpus-duplicated", share=share))
        else:
            found.append(holds("pairs.copies", "pairs", f"{share:.3f} of the training pairs are different."))
    return found


def split_facts(seen: AsRecording) -> list[Finding]:
    """Is held-out text, or are held-out rows, in training?"""
    train, held = seen.parts.documents, seen.parts.held_out_documents
    found = []
    if train:
        found.append(_copies(train))
    if train and held:
        found += [_shared(seen, train, held), _kind(train, held)]
    repeated = next((f.numbers.get("repeated", 0.0) for f in found if f.fact == "split.shared"), 0.0)
    return [*found, _rows(seen, repeated)]


def _rows(seen: AsRecording, repeated: float) -> Finding:
    """Which share of the held-out rows is word for word in training?

    A fair split deals out the documents that the corpus repeats, so that share of the rows says nothing.
    """
    if seen.with_text and seen.parts.held_out_pairs:
        own: Any = {(p.sentence_a, p.sentence_b) for p in seen.pairs["train"][0]}
        other: Any = [(p.sentence_a, p.sentence_b) for p in seen.parts.held_out_pairs]
        sides = {text for p in seen.pairs["train"][0] for text in (p.sentence_a, p.sentence_b) if len(text) > 25}
        texts = [text for pair in other for text in pair if len(text) > 25]
        alike = float(np.mean([text in sides for text in texts])) if texts else 0.0
    else:
        own = {_row(row) for step in seen.kept for row in np.asarray(step.batch.input_ids)}
        other = [_row(row) for batch in seen.held_out for row in _ids(batch["batch"])]
        alike = 0.0
    if not own or not other:
        return unknown("split.rows", "split", "Held-out rows cannot be compared with training rows.")
    share = float(np.mean([row in own for row in other]))
    numbers = {"pairs": share, "texts": alike}
    if share > SHARED + repeated or alike > 0.3 + repeated:
        text = f"{share:.3f} of the held-out pairs, and {alike:.3f} of their texts, are in training."
        return violated("split.rows", "split", text, "tested-on-training-text", numbers=numbers)
    return holds("split.rows", "split", f"{share:.3f} of the held-out pairs are in training.", numbers=numbers)


def _ids(batch: Any) -> Any:
    wide = {path: leaf for path, leaf in leaves(batch).items() if getattr(leaf, "ndim", 0) == 2}
    found = next((leaf for path, leaf in wide.items() if path[-1] == "input_ids"), next(iter(wide.values()), None))
    return [] if found is None else np.asarray(found)


def _row(row: np.ndarray) -> tuple:
    return tuple(row[row != 0].tolist())


def batch_facts(seen: AsRecording) -> list[Finding]:
    """Which pairs are together, and which are seen?"""
    if any(step.pairs for step in seen.steps):
        return [*(_meant(evened(f, seen), seen) for f in batching_facts(seen)), rows_given(seen)]
    labels = [step.labels for step in seen.steps if step.labels is not None and len(step.labels) >= 6]
    if not labels:
        return [unknown("batches.size", "batching", "No batch shows its rows.")]
    pure = float(np.mean([np.ptp(x) == 0 for x in labels]))
    if pure > 0.5:
        text = f"{pure:.3f} of {len(labels)} batches hold one class only."
        return [violated("batches.classes", "batching", text, "pairs-sorted-by-label", pure=pure)]
    return [holds("batches.classes", "batching", f"{pure:.3f} of the batches hold one class only.", pure=pure)]


def _meant(finding: Finding, seen: AsRecording) -> Finding:
    """A sampler may take other rows in each epoch."""
    if finding.state != "violated":
        return finding
    if finding.fact == "batches.covered" and "area" not in finding.numbers:
        first = finding.numbers["covered"] * finding.numbers["pairs"]
        rows = {row for epoch in orders(copied(seen.parts.train, {}), EPOCHS) or [] for batch in epoch for row in batch}
        if len(rows) > 1.5 * first:
            text = f"{finding.statement} {EPOCHS} epochs hold {len(rows)} of them: each takes others."
            return holds("batches.covered", finding.place, text, numbers=finding.numbers)
        if first >= MANY:
            return replace(finding, firm=False, cause=None)
    return finding
