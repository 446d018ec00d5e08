"""What gives the label away without any comparison of A and B: lengths, single words, foreign text. Notebook 10.

Honest samplers differ between the classes too (BERT's own negatives are shorter), so the tolerances have floors beside
the sampling error.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.ranks import rank_area
from nsputil.clinic.text_index import spread
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.tokenization import tokenize

PLACE = "pairs"
LENGTH = 0.22  # of the area under the curve beyond one half
WORD = 0.3  # of the pairs of a class
MARK = 0.5  # no word of a language differs so much between the classes of an honest sampler
ALTERED = 0.1
PRIOR = 0.25
SAME = 0.4  # of the B of a document: so few different ones are drawn once for many pairs
ALIKE = 0.5  # of the variance that labels have by chance
TORN = 0.2  # of the words
MADE, ORDERED = 0.7, 0.9  # of the texts are whole sentences of the documents; of these follow in their order


def shortcut_facts(recording: Any) -> list[Finding]:
    """All facts about texts and labels of training pairs that need no comparison of A with B."""
    epochs = recording.pairs["train"]
    held_out = [*recording.pairs["valid"], *recording.pairs["test"]]
    pairs = spread(epochs[0]) if epochs else []
    labels = np.array([pair.label for pair in pairs])
    if len(pairs) < 40 or len(set(labels.tolist())) < 2:
        return [unknown("pairs.words", PLACE, "Too few pairs of either class to look for shortcuts.")]
    return [
        *_altered(recording, pairs, labels, spread(held_out)),
        _variety(pairs, labels),
        _lengths(pairs, labels),
        _overlap(pairs, labels),
        _words(recording, pairs, labels),
        _by_document(pairs, labels),
        _prior(labels, held_out),
    ]


def _variety(pairs: Sequence, labels: np.ndarray) -> Finding:
    """Has each class many different B? A handful of texts can be learned by heart."""
    shares = []
    for label in (IS_NEXT, NOT_NEXT):
        texts = [pair.sentence_b for pair, own in zip(pairs, labels, strict=True) if own == label]
        shares.append(len(set(texts)) / max(1, len(texts)))
    numbers = {"is_next": shares[0], "not_next": shares[1]}
    few = int(np.argmin(shares))
    if shares[few] < 0.1 * shares[1 - few]:
        text = f"Only {shares[few]:.3f} of the B of the pairs {('IsNext', 'NotNext')[few]} are different texts."
        return violated("pairs.variety", PLACE, text, None, numbers=numbers)
    within = [_within_documents(pairs, labels, label) for label in (IS_NEXT, NOT_NEXT)]
    few = int(np.argmin(within))
    if within[few] < SAME * within[1 - few]:
        text = (
            f"Within a document only {within[few]:.3f} of the B of the pairs {('IsNext', 'NotNext')[few]} are "
            f"different texts; of the others {within[1 - few]:.3f}."
        )
        numbers |= {"within": within[few], "within_others": within[1 - few]}
        return violated("pairs.variety", PLACE, text, None, numbers=numbers)
    return holds("pairs.variety", PLACE, f"{min(shares):.3f} of the B of a class are different.", numbers=numbers)


def _within_documents(pairs: Sequence, labels: np.ndarray, label: int) -> float:
    """Return which share of the B of a class are different texts among those whose A are in one document."""
    groups: dict = {}
    for pair, own in zip(pairs, labels, strict=True):
        if own == label:
            groups.setdefault(getattr(pair, "document_a", None), []).append(pair.sentence_b)
    many = [len(set(texts)) / len(texts) for texts in groups.values() if len(texts) >= 4]
    return float(np.mean(many)) if len(many) >= 8 and None not in groups else 1.0


def _by_document(pairs: Sequence, labels: np.ndarray) -> Finding:
    """Do the labels vary within a document as they do among all pairs? If not, the topic of A gives them away.

    Of m labels with a fair share p, the variance is ``p (1 - p) (m - 1) / m`` on average.
    """
    groups: dict = {}
    for pair, label in zip(pairs, labels, strict=True):
        groups.setdefault(getattr(pair, "document_a", None), []).append(int(label))
    many = [np.array(group) for group in groups.values() if len(group) >= 4]
    p = float(labels.mean())
    expected = sum(p * (1 - p) * (len(group) - 1) for group in many)
    if len(many) < 12 or None in groups or not expected:
        return unknown("pairs.documents", PLACE, "Too few documents have several pairs.")
    share = float(sum(group.var() * len(group) for group in many)) / expected
    if share < ALIKE:
        text = (
            f"Within a document the labels vary {share:.3f} times as much as by chance: of {len(many)} documents, "
            f"{sum(np.ptp(group) == 0 for group in many)} have one label for all of their pairs."
        )
        return violated("pairs.documents", PLACE, text, None, share=share)
    return holds("pairs.documents", PLACE, f"Within a document the labels vary {share:.3f} times as much as by chance.",
                 share=share)  # fmt: skip


def _overlap(pairs: Sequence, labels: np.ndarray) -> Finding:
    """Does B hold the text of A, or A that of B, in one class more often than in the other?"""
    texts = [(" ".join(tokenize(p.sentence_a)), " ".join(tokenize(p.sentence_b))) for p in pairs]
    inside = np.array([len(min(a, b, key=len)) > 20 and (a in b or b in a) for a, b in texts])
    rates = [float(inside[labels == label].mean()) for label in (IS_NEXT, NOT_NEXT)]
    numbers = {"is_next": rates[0], "not_next": rates[1]}
    if abs(rates[0] - rates[1]) > ALTERED:
        text = (
            f"One text of a pair holds the other, word for word, in {rates[0]:.3f} of the pairs IsNext "
            f"and in {rates[1]:.3f} of the pairs NotNext."
        )
        rows = tuple(f"{pairs[k].sentence_a[:40]!r} | {pairs[k].sentence_b[:40]!r}" for k in np.flatnonzero(inside)[:3])
        return violated("pairs.overlap", PLACE, text, None, rows=rows, numbers=numbers)
    return holds("pairs.overlap", PLACE, f"A text holds the other in {max(rates):.3f} of a class at most.",
                 numbers=numbers)  # fmt: skip


def _lengths(pairs: Sequence, labels: np.ndarray) -> Finding:
    """Does the length of a text give the label away?"""
    texts = {"A": [p.sentence_a for p in pairs], "B": [p.sentence_b for p in pairs]}
    areas = {name: rank_area(np.array([len(tokenize(t)) for t in found]), labels) for name, found in texts.items()}
    name = max(areas, key=lambda key: abs(areas[key][0]))
    area, error = areas[name]
    limit = max(LENGTH, 5 * error)
    numbers = {"area": area, "limit": limit}
    if abs(area) > limit:
        middle = [
            float(np.median([len(tokenize(t)) for t, x in zip(texts[name], labels, strict=True) if x == k]))
            for k in (0, 1)
        ]
        text = (
            f"{name} has {middle[0]:.0f} words in the median if the label "
            f"is IsNext and {middle[1]:.0f} if not: length gives it away."
        )
        return violated("pairs.lengths", PLACE, text, "shortcut-length", numbers=numbers)
    return holds(
        "pairs.lengths", PLACE, f"Lengths differ little between the classes (area {0.5 + area:.3f}).", numbers=numbers
    )


def _words(recording: Any, pairs: Sequence, labels: np.ndarray) -> Finding:
    """Does a single word, in A or in B, give the label away? Sampling error with Bonferroni's correction: 5.5 sd.

    A mark is a word that one class lacks, or one that was added: it is far more frequent than in the documents.
    """
    best, where, rates, mark = 0.0, "", (0.0, 0.0), ""
    n0, n1 = int((labels == IS_NEXT).sum()), int((labels == NOT_NEXT).sum())
    for side in ("sentence_a", "sentence_b"):
        count: list[Counter] = [Counter(), Counter()]
        for pair, label in zip(pairs, labels, strict=True):
            count[int(label)].update(set(tokenize(getattr(pair, side))))
        for word in count[0].keys() | count[1].keys():
            first, second = count[0][word] / n0, count[1][word] / n1
            if abs(first - second) > best:
                best, where, rates = abs(first - second), f"{word!r} in {side[-1].upper()}", (first, second)
                mark = word
    limit = max(WORD, 5.5 * np.sqrt(0.25 / n0 + 0.25 / n1))
    numbers = {"difference": best, "limit": limit, "is_next": rates[0], "not_next": rates[1]}
    if best > limit:
        text = f"{where} is in {rates[0]:.3f} of the pairs IsNext and in {rates[1]:.3f} of the pairs NotNext."
        natural = _natural(recording, mark)
        numbers["in_documents"] = natural
        added = max(rates) > natural + WORD / 2
        cause = "shortcut-marker" if min(rates) < 0.05 or (added and best > MARK) else None
        return violated("pairs.words", PLACE, text, cause, numbers=numbers)
    return holds("pairs.words", PLACE, f"No word tells the classes apart by more than {best:.3f}.", numbers=numbers)


def _natural(recording: Any, word: str) -> float:
    """Return the share of the sentences of the documents that hold a word."""
    index = recording.text
    if word not in index.ids or not index.starts.any():
        return 0.0
    owner = np.cumsum(index.starts)[index.tokens == index.ids[word]]
    return len(np.unique(owner)) / float(index.starts.sum())


def _prior(labels: np.ndarray, held_out: Sequence) -> Finding:
    """Have training and held-out pairs the same share of IsNext? Half a difference of a fourth is a deviation."""
    own = float((labels == IS_NEXT).mean())
    other = float(np.mean([pair.label == IS_NEXT for pair in held_out])) if held_out else own
    error = np.sqrt(0.25 / len(labels) + 0.25 / max(1, len(held_out)))
    limit = max(PRIOR, 5 * float(error))
    numbers = {"training": own, "held_out": other, "limit": limit}
    if abs(own - other) > limit and 0 < other < 1:
        text = f"{own:.3f} of the training pairs are IsNext, and {other:.3f} of the held-out pairs."
        return violated("pairs.prior", PLACE, text, "prior-shift", numbers=numbers)
    if max(own, 1 - own) > 0.98 and other == own:
        text = f"{own:.3f} of all pairs are IsNext: almost all belong to one class."
        return violated("pairs.prior", PLACE, text, "prior-shift", False, numbers=numbers)
    return holds("pairs.prior", PLACE, f"{own:.3f} of the training pairs are IsNext.", numbers=numbers)


def _altered(recording: Any, pairs: Sequence, labels: np.ndarray, held_out: Sequence) -> list[Finding]:
    """Do the texts of pairs occur in the documents, for one class as for the other, in training as held out?"""
    index = recording.text
    absent_a = np.array([len(index.places(pair.sentence_a)) == 0 for pair in pairs])
    absent_b = np.array([len(index.places(pair.sentence_b)) == 0 for pair in pairs])
    rates = {
        f"{side} of {name}": float(absent[labels == label].mean())
        for side, absent in (("A", absent_a), ("B", absent_b))
        for label, name in ((IS_NEXT, "IsNext"), (NOT_NEXT, "NotNext"))
    }
    numbers = {key.lower().replace(" ", "_"): value for key, value in rates.items()}
    b_more = rates["B of NotNext"] - rates["B of IsNext"]
    a_more = rates["A of NotNext"] - rates["A of IsNext"]
    gone = [len(index.places(p.sentence_a)) == 0 or len(index.places(p.sentence_b)) == 0 for p in held_out]
    out = float(np.mean(gone)) if gone else 0.0
    here = float((absent_a | absent_b).mean())
    numbers |= {"training": here, "held_out": out}
    if max(abs(b_more), abs(a_more)) > ALTERED:
        side, more = ("B", b_more) if abs(b_more) >= abs(a_more) else ("A", a_more)
        which = np.flatnonzero(
            (absent_b if side == "B" else absent_a) & (labels == (NOT_NEXT if more > 0 else IS_NEXT))
        )
        texts = [pairs[k].sentence_b if side == "B" else pairs[k].sentence_a for k in which[:200]]
        rows = tuple(f"{text[:60]!r}" for text in texts[:3])
        name = "NotNext" if more > 0 else "IsNext"
        text = (
            f"{side} of the pairs {name} is in no document in "
            f"{max(rates[f'{side} of IsNext'], rates[f'{side} of NotNext']):.3f} of them."
        )
        cause = _foreign(index, texts, more, side)
        return [violated("pairs.text", PLACE, text, cause, rows=rows, numbers=numbers)]
    torn = _letters([t for p in pairs[:200] for t in (p.sentence_a, p.sentence_b)])
    whole = _letters(
        [" ".join(d.sentences[:20]) for d in recording.experiment.documents[:60] if hasattr(d, "sentences")]
    )
    if here > 0.5 and torn > whole + TORN:
        text = f"{torn:.3f} of the words of pairs are single letters; in the documents it is {whole:.3f}."
        return [violated("pairs.text", PLACE, text, None, numbers=numbers)]
    if here > 0.5 and out < here - 0.25 and _out_of_order(index, pairs):
        text = f"{here:.3f} of the training pairs hold text of whole sentences that do not follow one another."
        return [violated("pairs.text", PLACE, text, "sentences-shuffled", numbers=numbers)]
    if here > 0.05 and abs(here - out) > 0.25:
        texts = [p.sentence_b for p in pairs[:300]]
        other = _new_words(index, texts) > 0.1 and _pieces(index, texts) < 0.15  # and not the same text rewritten
        text = f"{here:.3f} of the training pairs and {out:.3f} of the held-out pairs hold text that is in no document."
        return [violated("pairs.text", PLACE, text, "domain-shift" if other else None, numbers=numbers)]
    if out > here + 0.25:
        kind = _new_words(index, [p.sentence_b for p in held_out[:300]])
        text = f"{out:.3f} of the held-out pairs and {here:.3f} of the training pairs hold text that is in no document."
        cause = "evaluation-text-cleaned" if kind < 0.02 else None
        return [violated("pairs.text", PLACE, text, cause, numbers=numbers)]
    if here > 0.5:
        header = _everywhere(index, pairs)
        if header:
            words = ", ".join(header[:5])
            text = f"The words {words} are in almost every text of a pair, and in few sentences of the documents."
            return [violated("pairs.text", PLACE, text, "page-headers", numbers=numbers)]
        joined, ordered = _joined(index, [t for p in pairs[:300] for t in (p.sentence_a, p.sentence_b)])
        if joined > MADE:
            text = f"{here:.3f} of the pairs hold text that consists of whole sentences of the documents, "
            if ordered > ORDERED:
                text += "in their order, with others left out between them."
                return [violated("pairs.text", PLACE, text, None, numbers=numbers)]
            text += "in an order that the documents do not have."
            return [violated("pairs.text", PLACE, text, "sentences-shuffled", numbers=numbers)]
        text = f"{here:.3f} of the pairs hold text that is in no document word for word; it may have been cleaned."
        rows = tuple(f"{pairs[k].sentence_b[:60]!r}" for k in np.flatnonzero(absent_b)[:3])
        return [violated("pairs.text", PLACE, text, None, False, rows=rows, numbers=numbers)]
    return [
        holds(
            "pairs.text",
            PLACE,
            f"{1 - here:.3f} of the training pairs are in the documents word for word.",
            numbers=numbers,
        )
    ]


def _letters(texts: Sequence[str]) -> float:
    """Return the share of words that are a single letter."""
    words = [word for text in texts for word in text.split()]
    return float(np.mean([len(word) == 1 and word.isalpha() for word in words])) if words else 0.0


def _out_of_order(index: Any, pairs: Sequence) -> bool:
    """Whether texts are made of whole sentences of the documents, in an order that these do not have."""
    joined, ordered = _joined(index, [t for p in pairs[:300] for t in (p.sentence_a, p.sentence_b)])
    return joined > MADE and ordered <= ORDERED


def _joined(index: Any, texts: Sequence[str]) -> tuple[float, float]:
    """Return which share of the texts that no document holds is made of whole sentences, and how often in order."""
    starts = np.flatnonzero(index.starts)
    where: dict[tuple, int] = {}
    sizes: dict[int, set] = {}
    for start in starts:
        end = start + 1
        while not index.starts[end] and index.tokens[end] != -1:
            end += 1
        sentence = tuple(index.tokens[start:end].tolist())
        where.setdefault(sentence, int(start))
        sizes.setdefault(sentence[0], set()).add(len(sentence))
    made, later = [], []
    for text in texts:
        if len(index.places(text)):
            continue
        tokens, k, found = tuple(index.read(text).tolist()), 0, []
        while k < len(tokens):
            fits = [n for n in sizes.get(tokens[k], ()) if tokens[k : k + n] in where]
            if not fits:  # the end may be cut off
                rest = index.places_of(tokens[k:])
                found += [int(rest[0])] if len(rest) else []
                k = len(tokens) if len(rest) else -1
                break
            found.append(where[tokens[k : k + max(fits)]])
            k += max(fits)
        made.append(k >= len(tokens) and len(found) > 1)
        later += [b > a for a, b in zip(found, found[1:], strict=False)] if made[-1] else []
    return float(np.mean(made or [False])), float(np.mean(later or [False]))


def _new_words(index: Any, texts: Sequence[str]) -> float:
    """Return the share of tokens that no document holds."""
    tokens = [number for text in texts for number in index.read(text)]
    return float(np.mean([number < 0 for number in tokens])) if tokens else 0.0


def _foreign(index: Any, texts: Sequence[str], more: float, side: str) -> str | None:
    """Name text that only one class has: from elsewhere, or marked."""
    words = [text.split() for text in texts]
    without = [[" ".join(part) for part in cut] for k in (1, 2, 3) for cut in
               ([w[:-k] for w in words], [w[k:] for w in words])]  # fmt: skip
    for stripped in without:
        if texts and np.mean([len(index.places(text)) > 0 for text in stripped if text]) > 0.7:
            return "shortcut-marker"
    if side == "B" and more > 0 and _new_words(index, texts) > 0.02 and _pieces(index, texts) < 0.3:
        return "easy-negatives"
    return None


def _pieces(index: Any, texts: Sequence[str], size: int = 3) -> float:
    """Return which share of the runs of three tokens the documents hold: much of a spoilt sentence, little of others.

    Runs with a token that no document holds count as not held.
    """
    hits, asked = 0, 0
    for text in texts[:100]:
        words = tokenize(text)
        for k in range(len(words) - size + 1):
            asked += 1
            hits += len(index.places(" ".join(words[k : k + size]))) > 0
    return hits / asked if asked else 0.0


def _everywhere(index: Any, pairs: Sequence) -> list[str]:
    """Return the words that are in nearly every A and B, and in few sentences of the documents."""
    tokens = [tokenize(text) for pair in pairs[:300] for text in (pair.sentence_a, pair.sentence_b)]
    ends = [Counter(tuple(words) for words in part) for part in ([t[:2] for t in tokens], [t[-2:] for t in tokens])]
    if max(count.most_common(1)[0][1] for count in ends) < 0.9 * len(tokens):
        return []  # a header is at one end of every text
    texts = [set(words) for words in tokens]
    often = [word for word, n in Counter(w for text in texts for w in text).items() if n > 0.95 * len(texts)]
    sentences = max(1, int(index.starts.sum()))
    return [word for word in often if (index.tokens == index.ids.get(word, -2)).sum() < 0.5 * sentences]
