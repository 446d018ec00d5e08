"""What the arrays say, decoded, against the pairs they were made of.

Arrays are read by meaning and never compared with those of `encode_pairs`: honest encodings differ in their layout.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.ranks import rank_area

PLACE = "encoding"
ROWS = 240
CLEANED = 0.7  # of the words: so many are left by a cleaning that takes out punctuation, or a few frequent words
SHORT = 0.4  # of the words: fewer left than this is a deviation
ALL = 0.8  # of the rows; a few can look whole by accident, such as those of an empty text
DRAWN = 0.9  # of the words that are hidden somewhere are shown elsewhere
MOST_DRAWN = 0.25  # of all words
UNKNOWN = 0.25  # of the words; the vocabularies of public checkpoints leave none, one of 2,000 words leaves 0.1


@dataclass(frozen=True)
class Row:
    """One row of a batch and the pair it should show.

    Attributes
    ----------
    a, b : tuple of int
        The ids of the words of A and B by the vocabulary.
    ids, segments, mask : ndarray
    special : frozenset of int
        Ids of the special tokens, [UNK] not among them.
    name : str
    """

    a: tuple
    b: tuple
    ids: np.ndarray
    segments: np.ndarray
    mask: np.ndarray
    special: frozenset
    name: str

    @property
    def words(self) -> np.ndarray:
        """Where the row holds a word, masked out or not."""
        return ~np.isin(self.ids, list(self.special))

    @property
    def visible(self) -> tuple:
        """The words that the model can see, in their order."""
        return tuple(self.ids[self.words & (self.mask > 0)].tolist())


def rows_of(recording: Any) -> list[Row]:
    """Return rows of the recorded batches, spread over the training; none if the arrays are not of the usual kind."""
    vocabulary, found = recording.vocabulary, []
    if not hasattr(vocabulary, "ids"):
        return []
    names = ("cls_id", "sep_id", "mask_id")
    special = frozenset([0, *(int(getattr(vocabulary, name, 0)) for name in names), *getattr(vocabulary, "more", ())])
    for step in recording.kept:
        batch = step.batch
        arrays = [np.asarray(getattr(batch, name, None)) for name in ("input_ids", "token_type_ids", "attention_mask")]
        shape = arrays[0].shape
        if any(array.ndim != 2 or array.shape != shape or len(array) != len(step.pairs) for array in arrays):
            continue
        for k in np.unique(np.linspace(0, len(step.pairs) - 1, 4).astype(int)):
            pair = step.pairs[k]
            a, b = (tuple(vocabulary.ids(text).tolist()) for text in (pair.sentence_a, pair.sentence_b))
            found.append(Row(a, b, arrays[0][k], arrays[1][k], arrays[2][k], special, f"step {step.number}, row {k}"))
    if not found:
        return []
    return [found[k] for k in np.unique(np.linspace(0, len(found) - 1, min(len(found), ROWS)).astype(int))]


def arrays(recording: Any) -> list[Finding]:
    """Do the arrays show A and B of their pairs, whole, in order, and told apart?"""
    rows = rows_of(recording)
    if not rows:
        return [unknown("arrays.words", PLACE, "The batches hold no arrays that can be decoded.")]
    return [_words(rows, recording), _segments(rows, recording), _mask(rows), _first(rows, recording)]


def evaluation_arrays(recording: Any) -> list[Finding]:
    """Does an evaluation encode its pairs as training does? Rows are held against the pairs that were given."""
    rows = _evaluated(recording)
    if not rows:
        return [unknown("evaluation.words", PLACE, "The arrays of an evaluation cannot be matched with its pairs.")]
    trained = {f.fact: (f.state, f.cause) for f in arrays(recording)}
    found = []
    words = _words(rows, recording)
    if words.cause == "a-and-b-swapped":
        words = replace(words, cause="swapped-in-evaluation", place="evaluation")
    elif words.state == "violated" and trained.get("arrays.words", ("",))[0] == "holds" and _cut_off(rows):
        words = replace(words, cause=None, place="evaluation")  # the encoding itself cuts nothing in training
    others = [] if words.state == "violated" else [_segments(rows, recording), _mask(rows)]
    for finding in (words, *others):
        name = finding.fact.replace("arrays.", "evaluation.")
        if finding.state == "violated" and trained.get(finding.fact) != (finding.state, finding.cause):
            found.append(replace(finding, fact=name, statement=f"In an evaluation: {finding.statement}"))
        elif finding.state != "violated" and trained.get(finding.fact, ("",))[0] == "violated":
            text = f"Training and evaluation encode differently. In an evaluation: {finding.statement}"
            found.append(replace(finding, fact=name, state="violated", statement=text, firm=False))
        else:
            found.append(replace(finding, fact=name, state="holds" if finding.state == "violated" else finding.state))
    return found


def _cut_off(rows: list) -> bool:
    """Whether many rows show fewer words than their pairs have."""
    return float(np.mean([len(row.visible) < len(row.a) + len(row.b) for row in rows])) > 0.2


def _evaluated(recording: Any) -> list[Row]:
    """Return rows of evaluations beside their pairs; the pairs are matched by order, or sorted by length as usual."""
    vocabulary, found = recording.vocabulary, []
    if not hasattr(vocabulary, "ids"):
        return []
    names = ("cls_id", "sep_id", "mask_id")
    special = frozenset([0, *(int(getattr(vocabulary, name, 0)) for name in names)])
    for report in recording.reports[-3:]:
        lengths = [len(pair.sentence_a) + len(pair.sentence_b) for pair in report.pairs]
        words = [len(pair.sentence_a.split()) + len(pair.sentence_b.split()) for pair in report.pairs]
        plain = np.arange(len(lengths))  # which of two equal ones comes first depends on the order before
        orders = (
            plain,
            *(np.lexsort(np.stack(keys)) for keys in ((plain, lengths), (plain, words), (plain, words, lengths))),
        )
        batches = [batch for batch in report.arrays if np.asarray(getattr(batch, "input_ids", None)).ndim == 2]
        count = sum(len(batch.input_ids) for batch in batches)
        best: list[Row] = []
        fit = 0.0
        for order in orders:
            rows = _beside(batches, [report.pairs[k] for k in order[:count]], vocabulary, special)
            agree = float(np.mean([_as_long(row) for row in rows])) if rows else 0.0
            if agree > fit:
                best, fit = rows, agree
        if fit > 0.5:
            found += best
    return [found[k] for k in np.unique(np.linspace(0, len(found) - 1, min(len(found), ROWS)).astype(int))]


def _beside(batches: list, pairs: list, vocabulary: Any, special: frozenset) -> list[Row]:
    rows, place = [], 0
    for batch in batches:
        for k in range(min(len(batch.input_ids), len(pairs) - place)):
            pair = pairs[place + k]
            a, b = (tuple(vocabulary.ids(text).tolist()) for text in (pair.sentence_a, pair.sentence_b))
            ids, segments, mask = (
                np.asarray(x)[k] for x in (batch.input_ids, batch.token_type_ids, batch.attention_mask)
            )
            rows.append(Row(a, b, ids, segments, mask, special, f"row {place + k} of an evaluation"))
        place += len(batch.input_ids)
    return rows


def _as_long(row: Row) -> bool:
    """Whether a row has about as many words as its pair, or shows part of it."""
    words = int(row.words.sum())
    return words == len(row.a) + len(row.b) or _shows(row) in ("whole", "cut", "only A", "only B", "B before A")


def _share(rows: list, test: Any) -> tuple[float, tuple[str, ...]]:
    hits = [row.name for row in rows if test(row)]
    return len(hits) / len(rows), tuple(hits[:3])


def _cut(seen: tuple, whole: tuple) -> bool:
    """Whether `seen` is a stretch at the beginning or at the end of `whole`, or whole."""
    return seen == whole[: len(seen)] or seen == whole[len(whole) - len(seen) :]


def _shows(row: Row) -> str:
    """Name what the visible words of a row are."""
    seen, a, b = row.visible, row.a, row.b
    if seen == a + b:
        return "whole"
    if not seen:
        return "nothing"
    joined = len(seen)
    for k in range(min(joined, len(a)), -1, -1):
        left, right = seen[:k], seen[k:]
        if len(right) <= len(b) and _cut(left, a) and _cut(right, b):
            if right or not b:
                return "cut" if left or not a else "only B"
            return "only A"
    if joined < len(a) + len(b) and any(
        seen[: k - 1] == a[: k - 1] and seen[k:-1] == b[: joined - k - 1] and k <= len(a) and joined - k <= len(b)
        for k in range(2, joined - 1)
    ):
        return "cut"  # in the middle of a word, whose beginning is another token
    if seen == a + a or (len(seen) > 3 and _half_of(seen, a)):
        return "A twice"
    if seen == b + b or (len(seen) > 3 and _half_of(seen, b)):
        return "B twice"
    if seen == b + a:
        return "B before A"
    here, there = Counter(seen), Counter(a + b)
    if here == there:
        return "other order"
    if len(seen) == len(a + b) and len(seen) > 0:
        return "other words"
    if not here - there:
        return "other order" if sum(here.values()) > 0.9 * sum(there.values()) else "some words"
    return "other"


def _cleaned(rows: list) -> bool:
    """Whether most rows show words in order, and much of what they lack are words that no row shows, as punctuation."""
    known = [row for row in rows if _holds_in_order(row.a + row.b, row.visible)]
    shown = Counter(word for row in known for word in row.visible)
    whole = Counter(word for row in known for word in row.a + row.b)
    missing = sum(whole.values()) - sum(shown.values())
    never = sum(n for word, n in whole.items() if n >= 4 and shown[word] <= 0.05 * n)
    return len(known) > len(rows) / 2 and never > missing / 3


def _in_order(rows: list) -> str | None:
    """Return which of the two texts keeps the order of its words in rows of which the other does not; else None."""
    mixed = [row for row in rows if _shows(row) == "other order" and min(len(row.a), len(row.b)) > 3]
    for side, kept in (
        ("A", lambda row: row.visible[: len(row.a)] == row.a),
        ("B", lambda row: row.visible[-len(row.b) :] == row.b),
    ):
        if mixed and float(np.mean([kept(row) for row in mixed])) > 0.8:
            return side
    return None


def _in_turn(rows: list) -> float:
    """Return the share of rows in another order that hold both texts in their order, one among the other."""
    mixed = [row for row in rows if _shows(row) == "other order" and min(len(row.a), len(row.b)) > 3]
    return float(np.mean([_holds_in_order(row.visible, row.a) and _holds_in_order(row.visible, row.b)
                          for row in mixed] or [False]))  # fmt: skip


def _holds_in_order(words: tuple, text: tuple) -> bool:
    """Whether the words of a text are among others in their order."""
    rest = iter(words)
    return all(word in rest for word in text)  # each is found after the one before


def _kept_of_each(rows: list) -> tuple[float, float]:
    """Return the shares of the words of A, and of B, that rows show, where it is clear which are which."""
    known = [(k, row) for row in rows if (k := _length_of_a(row, len(row.visible))) is not None]
    if len(known) < 8:
        return 1.0, 1.0
    of_a = float(np.mean([k / max(1, len(row.a)) for k, row in known]))
    of_b = float(np.mean([(len(row.visible) - k) / max(1, len(row.b)) for k, row in known]))
    return of_a, of_b


def _one_limit(rows: list) -> bool:
    """Whether rows were cut to one length, or both of their texts to one length, as a limit does it."""
    cut = [row for row in rows if len(row.visible) < len(row.a) + len(row.b)]
    totals = np.array([len(row.visible) for row in cut])
    if len(cut) < 8 or float(np.mean(totals >= totals.max() - 2)) > 0.8:
        return True
    known = [(k, len(row.visible) - k, row) for row in rows if (k := _length_of_a(row, len(row.visible))) is not None]
    if len(known) < 8:
        return True
    shown = [(size, len(text)) for a, b, row in known for size, text in ((a, row.a), (b, row.b))]
    limit = float(np.median([size for size, whole in shown if size < whole] or [0]))
    longer = [size > 2 * limit + 2 for size, whole in shown if whole > 2 * limit + 2]  # tokens are more than words
    return float(np.mean(longer or [False])) < 0.1


def _all_or_long(rows: list, shown: list, what: str, side: str) -> bool:
    """Whether nearly all rows show only that much, or those whose one text is long, so that the other was cut off.

    What is lost in some rows and not in others, without such a reason, is no text that was never given. Rows that are
    cut have a common limit; if each batch has its own, it is another mistake.
    """
    if apart := [k for k, row in enumerate(rows) if row.a != row.b]:  # a row of one text twice tells nothing
        rows, shown = [rows[k] for k in apart], [shown[k] for k in apart]
    hit = np.array([int(name == what) for name in shown])
    if hit.mean() > ALL:
        return True
    area, error = rank_area(np.array([len(getattr(row, side)) for row in rows], float), hit)
    sizes = [int((row.ids != 0).sum()) for row, yes in zip(rows, hit, strict=True) if yes]
    return bool(area > max(0.25, 3 * error)) and sizes.count(max(set(sizes), key=sizes.count)) > 0.5 * len(sizes)


def _half_of(seen: tuple, text: tuple) -> bool:
    """Whether a row shows the beginning of one text, and then its beginning again."""
    return any(_cut(seen[:k], text) and _cut(seen[k:], text) and min(k, len(seen) - k) > 1 for k in range(1, len(seen)))


def _crossed(rows: list, recording: Any) -> tuple[float, float]:
    """Return how many rows show their own A with the B of another pair, and their own B with the A of another."""
    ids = recording.vocabulary.ids
    pairs = [pair for epoch in recording.pairs["train"] for pair in epoch]
    others = [{tuple(ids(getattr(pair, side)).tolist()) for pair in pairs} for side in ("sentence_a", "sentence_b")]
    foreign_b = foreign_a = 0
    for row in rows:
        seen = row.visible
        if seen[: len(row.a)] == row.a and (rest := seen[len(row.a) :]) != row.b:
            foreign_b += rest in others[1] and rest != row.a
        elif row.b and seen[-len(row.b) :] == row.b and (rest := seen[: -len(row.b)]) != row.a:
            foreign_a += rest in others[0] and rest != row.b
    return foreign_b / len(rows), foreign_a / len(rows)


def _words(rows: list, recording: Any) -> Finding:
    """Which words does a row show?"""
    vocabulary = recording.vocabulary
    shown = [_shows(row) for row in rows]
    count = Counter(shown)
    share = {name: count[name] / len(rows) for name in count}
    unk = int(getattr(vocabulary, "unk_id", 1))
    numbers = {name.replace(" ", "_").lower(): value for name, value in share.items()}
    where = tuple(row.name for row, name in zip(rows, shown, strict=True) if name not in ("whole", "cut"))[:3]
    odd = 1 - share.get("whole", 0.0) - share.get("cut", 0.0)
    kept = float(np.mean([len(row.visible) / max(1, len(row.a) + len(row.b)) for row in rows]))
    numbers |= {"kept": kept}

    def bad(text: str, cause: str | None, firm: bool = True) -> Finding:
        return violated("arrays.words", PLACE, text, cause, firm, where, numbers=numbers)

    def cleaned(text: str) -> Finding:
        return violated("arrays.cleaned", PLACE, text, None, False, where, numbers=numbers)

    hidden = [row for row in rows if int(((row.mask <= 0) & row.words).sum()) > 0]
    if share.get("nothing", 0) > 0.05:
        hides = np.mean([bool((row.mask[row.ids == 0] > 0).any()) for row in rows]) > 0.1
        return bad(
            f"In {share['nothing']:.3f} of {len(rows)} rows the model sees no word.", "mask-inverted" if hides else None
        )
    if share.get("only A", 0) > 0.05:
        text = f"In {share['only A']:.3f} of {len(rows)} rows the model sees A and nothing of B."
        return bad(text, "second-sentence-lost" if _all_or_long(rows, shown, "only A", "a") else None)
    if share.get("only B", 0) > 0.05:
        masked = [row for row in rows if row.a and (row.ids[row.words][: len(row.a)] == row.a[: row.words.sum()]).all()]
        text = f"In {share['only B']:.3f} of {len(rows)} rows the model sees B and nothing of A."
        if not _all_or_long(rows, shown, "only B", "b"):
            return bad(text, None)
        by_mask = _mask_is_segment(rows) or len(masked) > 0.5 * len(rows)
        return bad(text, "segments-as-mask" if by_mask else "first-sentence-lost")
    if share.get("A twice", 0) > 0.05:
        twice = "a-given-twice" if _all_or_long(rows, shown, "A twice", "a") else None
        return bad(f"{share['A twice']:.3f} of {len(rows)} rows show A in both places.", twice)
    if share.get("B twice", 0) > 0.05:
        twice = "b-given-twice" if _all_or_long(rows, shown, "B twice", "b") else None
        return bad(f"{share['B twice']:.3f} of {len(rows)} rows show B in both places.", twice)
    if share.get("B before A", 0) > 0.05:
        return bad(f"{share['B before A']:.3f} of {len(rows)} rows show B before A.", "a-and-b-swapped", False)
    blurred = float(np.mean([_turned_unknown(row, unk) for row in rows]))
    tokens = float(np.mean([row.words.sum() / max(1, len(row.a) + len(row.b)) for row in rows]))
    if blurred > 0.05:
        text = f"{blurred:.3f} of the words are [UNK] in the arrays though the vocabulary knows them."
        if _ends_in(rows, unk):
            text = f"{text} They are the last ones of their texts: these were cut off inside a word."
            return bad(text, "max-length-short" if kept < SHORT else None, False)
        if (mixed := _sometimes_unknown(rows, unk)) > 0.3:
            drawn = mixed > DRAWN and blurred < MOST_DRAWN  # as some leave out words on purpose
            return bad(f"{text} {mixed:.3f} of those words are [UNK] in some rows and not in others.", None, not drawn)
        return bad(text, "unknown-words" if tokens < 1.5 else None)
    if share.get("other order", 0) > 0.5:
        text = f"{share['other order']:.3f} of {len(rows)} rows hold the right words in another order."
        if (side := _in_order(rows)) is not None:
            return bad(f"{text} Those of {side} are in their order.", None, False)
        if _in_turn(rows) > 0.8:
            return bad(f"{text} Each text keeps its own order, and words of both come in turn.", None, False)
        return bad(text, "word-order-lost", False)
    if odd > 0.05:
        crossed = max(_crossed(rows, recording))
        if crossed > 0.05:
            text = f"{crossed:.3f} of {len(rows)} rows show one text of their own pair beside one of another pair."
            return bad(text, "segments-misaligned" if odd > ALL else None)
    if share.get("other words", 0) > 0.5:
        same = _one_for_one(rows)
        text = f"{share['other words']:.3f} of {len(rows)} rows hold as many words as their pairs, and other ones."
        if same > 0.98 and _kept_apart(rows) < 0.5:
            return bad(f"{text} Many words have become one: {_kept_apart(rows):.3f} of them are left.", None)
        if same > 0.98:
            return bad(
                f"{text} Each word has become another, always the same: ids of another vocabulary.", "wrong-vocabulary"
            )
        matched = _same_ids(rows)
        name = "wrong-vocabulary" if matched < 0.5 and same > 0.8 else None
        return bad(f"{text} {matched:.3f} of the ids are right.", name)
    if odd > 0.05 and hidden:
        return bad(f"{odd:.3f} of {len(rows)} rows do not show their pairs; words are hidden by the mask.", None)
    if odd > 0.05:
        text = f"{odd:.3f} of {len(rows)} rows do not show A and then B of their pairs."
        if _rewritten(rows):
            return cleaned(f"{text} Some words are written as others, the same ones wherever they are.")
        if kept > CLEANED and _cleaned(rows):
            return cleaned(f"{text} Some words are left out wherever they are, and {kept:.3f} of all are kept.")
        return bad(text, None, odd > 0.3 or kept < 0.9)
    lost = float(np.mean([unk == word for row in rows for word in row.a + row.b]))
    numbers["unknown"] = lost
    if lost > UNKNOWN:
        return bad(
            f"{lost:.3f} of the words are [UNK]: the vocabulary of {len(vocabulary)} entries does not know them.",
            "unknown-words",
            False,
        )
    of_each = _kept_of_each(rows)
    if min(kept, *of_each) < SHORT:
        text = f"Rows show {of_each[0]:.3f} of the words of A and {of_each[1]:.3f} of those of B; the rest was cut off."
        if not _one_limit(rows):
            return bad(f"{text} No one limit of a row, or of a text, explains what is left.", None, False)
        return bad(text, "max-length-short", False)
    return holds(
        "arrays.words",
        PLACE,
        f"{len(rows)} rows show A and then B of their pairs, {kept:.3f} of all words.",
        numbers=numbers,
    )


def _ends_in(rows: list, unk: int) -> bool:
    """Whether tokens that are unknown are the last ones of texts of which less is shown than there is."""
    cut = [row for row in rows if len(row.visible) < len(row.a) + len(row.b)]
    last = inside = 0
    for row in cut:
        shown = np.flatnonzero(row.words & (row.mask > 0))
        ends = {int(shown[row.segments[shown] == s][-1]) for s in (0, 1) if (row.segments[shown] == s).any()}
        at = [int(k) for k in shown if row.ids[k] == unk]
        last += sum(k in ends for k in at)
        inside += sum(k not in ends for k in at)
    return len(cut) > len(rows) / 2 and last > 4 * inside


def _turned_unknown(row: Row, unk: int) -> float:
    """Return the share of words that are [UNK] in the row beyond those that the vocabulary does not know."""
    seen, whole = row.ids[row.words], row.a + row.b
    return max(0.0, (float((seen == unk).sum()) - sum(word == unk for word in whole)) / max(1, len(seen)))


def _sometimes_unknown(rows: list, unk: int) -> float:
    """Return, of the words that are [UNK] somewhere, the share that is not [UNK] elsewhere: not the vocabulary's doing.

    Words that are seen four times and more count.
    """
    images: dict[int, list[bool]] = {}
    for word, image in _pairs_of_ids(rows):
        if word != unk:
            images.setdefault(word, []).append(image == unk)
    often = [found for found in images.values() if len(found) >= 4 and any(found)]
    return float(np.mean([not all(found) for found in often])) if len(often) >= 5 else 0.0


def _pairs_of_ids(rows: list) -> list[tuple[int, int]]:
    whole = [(row.a + row.b, row.visible) for row in rows]
    return [pair for a, b in whole if len(a) == len(b) for pair in zip(a, b, strict=True)]


def _one_for_one(rows: list) -> float:
    """Return how often a word becomes what it most often becomes."""
    images: dict[int, Counter] = {}
    for word, image in _pairs_of_ids(rows):
        images.setdefault(word, Counter())[image] += 1
    often = [counter for counter in images.values() if sum(counter.values()) > 3]
    return sum(max(c.values()) for c in often) / max(1, sum(sum(c.values()) for c in often))


def _kept_apart(rows: list) -> float:
    """Return how many different images the words have, for each different word."""
    found = _pairs_of_ids(rows)
    return len({image for _, image in found}) / max(1, len({word for word, _ in found}))


def _rewritten(rows: list) -> bool:
    """Whether the rows differ from their pairs by a few words that have become others, always the same, as in cleaning.

    Such as all numbers as one sign. Words that have become [UNK] are told before.
    """
    whole = np.mean([len(row.visible) == len(row.a + row.b) for row in rows])
    return bool(whole > 0.3 and _one_for_one(rows) > 0.98 and _same_ids(rows) > 0.8)


def _same_ids(rows: list) -> float:
    found = [word == image for word, image in _pairs_of_ids(rows)]
    return float(np.mean(found)) if found else 1.0


def _mask_is_segment(rows: list) -> bool:
    """Whether the mask could be the segment ids: it hides a beginning of the row that holds words."""
    return float(np.mean([bool(row.mask[0] <= 0) and not row.segments.any() for row in rows])) > 0.5


def _segments(rows: list, recording: Any) -> Finding:
    """Are words of A marked 0 and words of B marked 1? The special tokens may be marked either way."""
    ones, right, inverted = [], [], []
    ids = {int(k) for row in rows for k in np.unique(row.segments[row.words & (row.mask > 0)])}
    lowest = min(ids) if len(ids) == 2 else 0  # two ids tell two texts apart, whichever they are
    for row in rows:
        words = np.flatnonzero(row.words & (row.mask > 0))
        if _shows(row) not in ("whole", "cut", "other words", "other order", "B before A") or len(words) < 2:
            continue
        first = _length_of_a(row, len(words))
        if first is None:
            continue
        expected = (np.arange(len(words)) >= first).astype(int)
        found = row.segments[words] > lowest
        ones.append(float((found > 0).mean()))
        right.append(float((found == expected).mean()))
        inverted.append(float((found == 1 - expected).mean()))
    if not right:
        return unknown("arrays.segments", PLACE, "No row shows where A ends and B begins.")
    agree = float(np.mean(right))
    numbers = {"right": agree, "ones": float(np.mean(ones)), "count": float(len(right))}
    if agree > 0.97:
        return holds(
            "arrays.segments", PLACE, f"Segment ids tell A from B in {agree:.3f} of the words.", numbers=numbers
        )
    if np.mean(ones) in (0.0, 1.0):
        attends = recording.run.kind.get("attends")
        cause = "segment-ids-zero-with-separators" if attends else "segment-ids-zero"
        text = f"All segment ids of words are {int(np.mean(ones))}, so they do not tell where B begins."
        return violated("arrays.segments", PLACE, text, cause, numbers=numbers)
    if np.mean(inverted) > 0.97:
        return violated(
            "arrays.segments",
            PLACE,
            "Segment ids are 1 for A and 0 for B.",
            "segment-ids-inverted",
            False,
            numbers=numbers,
        )
    text = f"Segment ids tell A from B in {agree:.3f} of the words only."
    mostly = "segment-ids-zero-with-separators" if recording.run.kind.get("attends") else "segment-ids-zero"
    return violated(
        "arrays.segments",
        PLACE,
        text,
        mostly if np.mean(ones) < 0.02 or np.mean(ones) > 0.98 else None,
        agree < 0.9,
        numbers=numbers,
    )


def _length_of_a(row: Row, words: int) -> int | None:
    """Return how many visible words are of A: all of it, or what a cut left, found by the words themselves."""
    if words == len(row.a) + len(row.b):
        return len(row.a)
    seen = row.visible
    options = [k for k in range(words + 1) if _cut(seen[:k], row.a) and _cut(seen[k:], row.b)]
    return options[0] if len(options) == 1 else None


def _mask(rows: list) -> Finding:
    """Does the mask show all tokens and no padding?"""
    padding = [row for row in rows if (row.ids == 0).any()]
    spoken = float(np.mean([bool((row.mask[row.ids == 0] > 0).any()) for row in padding])) if padding else 0.0
    hidden = float(np.mean([(row.mask[row.ids != 0] <= 0).mean() for row in rows if (row.ids != 0).any()] or [0.0]))
    numbers = {"padding_shown": spoken, "tokens_hidden": hidden, "count": float(len(rows))}
    names = tuple(row.name for row in padding[:3])
    if spoken > 0.5 and hidden > 0.5:
        text = f"The mask is inverted: it hides {hidden:.3f} of the tokens and shows padding."
        return violated("arrays.mask", PLACE, text, "mask-inverted", rows=names, numbers=numbers)
    if hidden > 0.02:
        text = f"The mask hides {hidden:.3f} of the tokens."
        if _mask_is_segment(rows):
            return violated(
                "arrays.mask",
                PLACE,
                f"{text} It is 1 for B alone, as segment ids are.",
                "segments-as-mask",
                numbers=numbers,
            )
        lost = float(np.mean([row.visible[len(row.a) :] == () and len(row.a) > 0 for row in rows]))
        return violated("arrays.mask", PLACE, text, "second-sentence-lost" if lost > 0.9 else None, numbers=numbers)
    if spoken > 0.05:
        text = f"In {spoken:.3f} of the rows with padding the mask shows padding as if it were text."
        return violated("arrays.mask", PLACE, text, "padding-attended", False, names, numbers=numbers)
    return holds("arrays.mask", PLACE, "The mask shows all tokens and no padding.", numbers=numbers)


def _first(rows: list, recording: Any) -> Finding:
    """Does each row begin with [CLS], where a Transformer is read?"""
    if not recording.run.kind.get("attends"):
        return unknown("arrays.first", PLACE, "The encoder does not say that it reads the first place.")
    cls = int(getattr(recording.vocabulary, "cls_id", 2))
    if cls < 0:
        return unknown("arrays.first", PLACE, "The tokenizer names no first token.")
    share, names = _share(rows, lambda row: row.ids[0] != cls)
    if share > 0.02:
        text = f"In {share:.3f} of {len(rows)} rows the first token is not [CLS]."
        return violated("arrays.first", PLACE, text, "cls-not-first", False, names, share=share)
    return holds("arrays.first", PLACE, "Each row begins with [CLS].", share=share)
