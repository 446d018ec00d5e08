"""What training sees against what is measured: shared documents and sentences, copies, other kinds of text."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.text_index import spread
from nsputil.tokenization import tokenize

PLACE = "split"
SURE = 6.0  # standard errors, and besides them:
SHARED = 0.05  # of the sentences
TIMES = 3  # times the documents that are trained on, and twice those of the other part: such a part is the training's
AS_OFTEN = 1.5  # times the rate at which documents are repeated in the corpus: a fair split deals copies out
MOST = 0.9  # of the held-out sentences: what is tested is the text that was trained on, and nothing else
NEW = 0.03  # of the words


def split_facts(recording: Any) -> list[Finding]:
    """All facts about the parts, as the pairs were made from them."""
    train = recording.given.get("train") or []
    held_out = [*recording.given.get("valid", []), *recording.given.get("test", [])]
    if not train or not held_out or not all(hasattr(d, "sentences") for d in [*train, *held_out]):
        return [unknown("split.shared", PLACE, "The parts are not known.")]
    return [
        _shared(recording, train, held_out),
        _cut(recording, train, held_out),
        _of_held_out(recording, train, held_out),
        _copies(train),
        _used(recording, train),
        _kind(train, held_out, recording),
        _sizes(train, held_out),
        _text(recording, train),
    ]


def _distinct(documents: Sequence) -> list[tuple]:
    """Return the sentences of each document; equal documents once."""
    return list(dict.fromkeys(tuple(document.sentences) for document in documents))


def _small(documents: Sequence[tuple]) -> list[tuple]:
    """Return the sentences of each document in small letters; equal documents once."""
    return list(dict.fromkeys(tuple(sentence.lower() for sentence in document) for document in documents))


def _counted(documents: Sequence) -> Counter:
    """Count how often each document occurs, by its sentences."""
    return Counter(tuple(s.lower() for s in d.sentences) for d in documents if hasattr(d, "sentences"))


def _share_known(document: Sequence, known: Any) -> float:
    """Return the share of the longer sentences of a document that are known."""
    long = [sentence for sentence in document if len(sentence) > 25]
    return float(np.mean([sentence in known for sentence in long])) if long else 0.0


def _shared(recording: Any, train: list, held_out: list) -> Finding:
    """Do held-out documents share sentences with training, beyond what training documents share with each other?

    Documents are exchangeable, so each training document against the others gives the natural rate; if the split makes
    copies, each document that it was given does. The tolerance is
    ``max(0.05, 6 standard errors)``. A document that the corpus itself holds twice may fall into both parts under a
    fair split, so it says nothing here; how many there are is another fact. Where only the parts are known, not the
    corpus, the rate at which training documents are repeated among each other is that of the corpus.
    """
    counts = _counted(recording.experiment.documents)
    twice = {document for document, n in counts.items() if n > 1}
    repeated = sum(counts[document] for document in twice) / max(1, sum(counts.values()))
    own, other = _small(_distinct(train)), [d for d in _small(_distinct(held_out)) if d not in twice]
    if not other:
        return unknown("split.shared", PLACE, "The corpus holds every held-out document more than once.")
    known = set(own)
    whole = sum(document in known for document in other)
    dealt = whole <= len(other) * AS_OFTEN * repeated
    if dealt:  # copies of the corpus, dealt out to both parts as a fair split does
        other = [document for document in other if document not in known] or other
    count = Counter(sentence for document in own for sentence in set(document))
    natural = [_share_known(d, {s for s in d if count[s] > 1}) for d in own]
    given = _small(_distinct([d for d in recording.experiment.documents if hasattr(d, "sentences")]))
    often = Counter(sentence for document in given for sentence in set(document))
    before = [_share_known(d, {s for s in d if often[s] > 1}) for d in given]
    if before and np.mean(before) < np.mean(natural):
        natural = before  # the split itself makes copies, so what its parts share is not what the text has
    found = [_share_known(d, count) for d in other]
    seen = {(p.sentence_a, p.sentence_b) for epoch in recording.pairs["train"] for p in epoch}
    pairs = [*recording.pairs["valid"], *recording.pairs["test"]]
    copied = {sentence for document in twice for sentence in document}
    long = [len(p.sentence_a) > 25 and p.sentence_a.lower() not in copied for p in pairs]
    same = float(
        np.mean([k and (p.sentence_a, p.sentence_b) in seen for k, p in zip(long, pairs, strict=True)] or [False])
    )
    rate, usual = float(np.mean(found)), float(np.mean(natural))
    error = float(np.sqrt(np.var(found) / len(found) + np.var(natural) / len(natural)))
    limit = usual + max(SHARED, SURE * error)
    numbers = {
        "documents": float(whole),
        "repeated": repeated,
        "sentences": rate,
        "natural": usual,
        "limit": limit,
        "pairs": same,
    }
    if not dealt and whole / len(other) > 0.02:
        text = f"{whole} of {len(other)} held-out documents are training documents too."
        return violated("split.shared", PLACE, text, "tested-on-training-text", numbers=numbers)
    if rate > limit:
        text = f"{rate:.3f} of the held-out sentences are in training text; among the documents it is {usual:.3f}."
        return violated("split.shared", PLACE, text, "tested-on-training-text" if rate > MOST else None,
                        numbers=numbers)  # fmt: skip
    if same > 0.05 + repeated and usual < 0.05:
        text = f"{same:.3f} of the held-out pairs are training pairs too."
        return violated("split.shared", PLACE, text, "tested-on-training-text", numbers=numbers)
    return holds(
        "split.shared",
        PLACE,
        f"Held-out text shares {rate:.3f} of its sentences with training; {usual:.3f} is natural.",
        numbers=numbers,
    )


def _of_held_out(recording: Any, train: list, held_out: list) -> Finding:
    """Do training pairs hold text of held-out documents, as where strangers are drawn from the whole corpus?"""
    index, own = recording.text, set(_distinct(train))
    apart = set(_distinct(held_out)) - own
    documents = _distinct([d for d in recording.experiment.documents if hasattr(d, "sentences")])
    pairs = spread([pair for epoch in recording.pairs["train"][:1] for pair in epoch], 1000)
    if not pairs or sum(d in apart for d in documents) < len(apart) / 2:
        return unknown("split.pairs", "pairs", "The held-out documents are none of the corpus.")
    hits = []
    for text in [text for pair in pairs for text in (pair.sentence_a, pair.sentence_b)]:
        at = index.places(text)
        hits.append(len(at) > 0 and all(documents[int(k) - 1] in apart for k in index.document[at]))
    share = float(np.mean(hits))
    if share > 0.02:
        text = f"{share:.3f} of the texts of training pairs are in held-out documents alone."
        return violated("split.pairs", "pairs", text, None, share=share)
    return holds("split.pairs", "pairs", f"{share:.3f} of the texts of training pairs are held out.", share=share)


def _cut(recording: Any, train: list, held_out: list) -> Finding:
    """Are the sentences of one document dealt out to several parts? Then neighbours of each are on the other side."""
    parts = [{s for d in part for s in d.sentences if len(s) > 25} for part in (train, held_out)]
    asked = [{s for s in d.sentences if len(s) > 25} for d in recording.experiment.documents if hasattr(d, "sentences")]
    asked = [sentences for sentences in asked if len(sentences) >= 8]
    halves = [
        min(len(sentences & part - other) / len(sentences) for part, other in (parts, parts[::-1]))
        for sentences in asked
    ]
    share = float(np.mean([half > 0.05 for half in halves])) if halves else 0.0
    if share > 0.3:
        text = f"{share:.3f} of the documents have sentences in training and others held out."
        return violated("split.cut", PLACE, text, None, share=share)
    return holds("split.cut", PLACE, "Documents are in one part each.", share=share)


def _sizes(train: list, held_out: list) -> Finding:
    """Are held-out documents as long as those of training? Under a fair split their ranks mix, within 4 sd."""
    own, other = ([len(d.sentences) for d in part] for part in (train, held_out))
    m, n = len(own), len(other)
    if m < 5 or n < 5:
        return unknown("split.sizes", PLACE, "There are too few documents to compare their lengths.")
    above = float(np.mean([(a > b) + 0.5 * (a == b) for a in own for b in other]))
    error = float(np.sqrt((m + n + 1) / (12 * m * n)))
    numbers = {"longer": above, "error": error}
    if abs(above - 0.5) > 4 * error:
        text = f"A training document is longer than a held-out one in {above:.3f} of the cases; a fair split gives 0.5."
        return violated("split.sizes", PLACE, text, None, False, numbers=numbers)
    return holds("split.sizes", PLACE, f"Training documents are longer in {above:.3f} of the cases.", numbers=numbers)


def _text(recording: Any, train: list) -> Finding:
    """Is the text of the parts that of the documents, word for word? Cleaning may be meant, so this is doubtful."""
    index = recording.text
    sentences = [s for document in train for s in document.sentences if tokenize(s)][::7][:600]
    if len(sentences) < 40:
        return unknown("split.text", PLACE, "The parts hold too few sentences to be compared with the documents.")
    gone = [s for s in sentences if len(index.places(s)) == 0]
    cut = [s for s in sentences if len(at := index.places(s)) and not index.starts[at].any()]
    share = (len(gone) + len(cut)) / len(sentences)
    whole = "\n".join(" ".join(d.sentences) for d in recording.experiment.documents if hasattr(d, "sentences"))
    inside = [s for s in gone if s in whole]  # as characters, and not as words
    if len(inside) > 0.2 * len(sentences):
        text = f"{len(inside) / len(sentences):.3f} of the sentences of the training part begin or end inside a word."
        rows = tuple(f"{s[:60]!r}" for s in inside[:3])
        return violated("split.text", PLACE, text, None, rows=rows, altered=share)
    if share > 0.3:
        text = (
            f"{len(gone) / len(sentences):.3f} of the sentences of the training part are in no document word for word, "
            f"and {len(cut) / len(sentences):.3f} begin in the middle of a sentence."
        )
        gone += cut
        rows = tuple(f"{s[:60]!r}" for s in gone[:3])
        return violated("split.text", PLACE, text, None, False, rows=rows, altered=share)
    return holds("split.text", PLACE, f"{1 - share:.3f} of the sentences of the training part are in the documents.",
                 altered=share)  # fmt: skip


def _copies(train: list) -> Finding:
    """How much of the training text is there once only?"""
    distinct = len(_distinct(train))
    sentences = [sentence for document in train for sentence in document.sentences if len(sentence) > 25]
    often = Counter(sentences)
    different = len(often) / len(sentences) if sentences else 1.0
    numbers = {"documents": float(distinct), "of": float(len(train)), "sentences": different}
    if distinct < 0.7 * len(train) or different < 0.5:
        text = f"Of {len(train)} training documents {distinct} are different, and {different:.3f} of their sentences."
        within = [len(set(d.sentences)) < 0.7 * len(d.sentences) for d in train if len(d.sentences) >= 5]
        copied = distinct < 0.7 * len(train) or not within or np.mean(within) < 0.5  # else each repeats its own
        return violated("split.copies", PLACE, text, "corpus-duplicated" if copied else None, numbers=numbers)
    return holds(
        "split.copies", PLACE, f"{distinct} of {len(train)} training documents are different.", numbers=numbers
    )


def _used(recording: Any, train: list) -> Finding:
    """Which share of the documents, and of their sentences, is trained on? Whether it is too small, a swap shows."""
    everything = _distinct(recording.experiment.documents)
    whole = {sentence for document in everything for sentence in document}
    here = {sentence for document in train for sentence in document.sentences}
    share = len(here & whole) / max(1, len(whole))
    epochs = recording.pairs["train"]
    single = [p for epoch in epochs for p in epoch]
    used = {p.sentence_a for p in single} | {p.sentence_b for p in single}
    words = sum(len(text) for text in used)
    first = sum(len(text) for text in {p.sentence_a for p in single})
    possible = sum(len(sentence) for sentence in here)
    numbers = {"sentences": share, "in_pairs": min(1.0, words / max(1, possible)), "documents": float(len(train))}
    if share < 0.3 and here <= whole:
        text = f"Only {share:.3f} of the sentences are trained on ({len(train)} of {len(everything)} documents)."
        held = {s for name in ("valid", "test") for d in recording.given.get(name) or [] for s in d.sentences}
        apart = len((held - here) & whole) / max(1, len(whole))
        numbers["held_out"] = apart
        sizes = sorted(len(recording.given.get(name) or []) for name in ("valid", "test"))
        mixed_up = sizes[1] >= TIMES * len(train) and sizes[1] >= 2 * sizes[0]
        if apart > max(share, 0.6) or mixed_up:  # the rest was not left out: it is held out
            text = f"{text} {apart:.3f} are held out: the parts have the wrong sizes."
            return violated("split.used", PLACE, text, None, numbers=numbers)
        return violated("split.used", PLACE, text, "too-few-pairs", False, numbers=numbers)
    distinct = len({(p.sentence_a, p.sentence_b) for p in epochs[0]}) / max(1, len(epochs[0])) if epochs else 1.0
    if distinct < 0.5:
        text = f"Only {distinct:.3f} of the pairs of an epoch are different."
        return violated("split.used", "pairs", text, "corpus-duplicated", numbers=numbers)
    if words < 0.4 * possible or first < 0.2 * possible:
        text = (
            f"The A and B of all training pairs hold {words / possible:.3f} of the training text, "
            f"the A alone {first / possible:.3f}; the rest is in no pair."
        )
        return violated("split.used", "pairs", text, "too-few-pairs", False, numbers=numbers)
    return holds("split.used", PLACE, f"{share:.3f} of the sentences are trained on.", numbers=numbers)


def _rewritten(recording: Any, train: list) -> bool:
    """Whether training documents are documents of the corpus in other words: named and counted alike, not the same."""
    given = {d.name: tuple(d.sentences) for d in recording.experiment.documents if hasattr(d, "sentences")}
    same = [d.name in given and len(given[d.name]) == len(d.sentences) for d in train]
    other = [given.get(d.name, ()) != tuple(d.sentences) for d in train]
    return float(np.mean(same)) > 0.8 and float(np.mean(other)) > 0.8


def _kind(train: list, held_out: list, recording: Any = None) -> Finding:
    """Are held-out words as new to training as those of a training document are to the others?

    Documents are exchangeable under a fair split, so the rates must agree, on any text, within 6 standard errors.
    """
    own = [Counter(w for s in document for w in tokenize(s)) for document in _distinct(train)]
    other = [Counter(w for s in document for w in tokenize(s)) for document in _distinct(held_out)]
    if len(own) < 8 or len(other) < 3:
        return unknown("split.kind", PLACE, "Too few documents to compare the kinds of text.")
    held: Counter = Counter()
    for words in own:
        held.update(words.keys())
    natural = [sum(n for w, n in words.items() if held[w] == 1) / max(1, sum(words.values())) for words in own]
    found = [sum(n for w, n in words.items() if w not in held) / max(1, sum(words.values())) for words in other]
    rate, usual = float(np.mean(found)), float(np.mean(natural))
    error = float(np.sqrt(np.var(found) / len(found) + np.var(natural) / len(natural)))
    numbers = {"new": rate, "natural": usual, "error": error}
    if rate - usual > max(NEW, SURE * error):
        text = (
            f"{rate:.3f} of the held-out words are new to training; of "
            f"a training document {usual:.3f} are new to the others."
        )
        if recording is not None and _rewritten(recording, train):
            text = f"{text} The training documents are those of the corpus, written in another way."
            return violated("split.kind", PLACE, text, None, numbers=numbers)
        return violated("split.kind", PLACE, text, "domain-shift", numbers=numbers)
    return holds(
        "split.kind",
        PLACE,
        f"{rate:.3f} of the held-out words are new to training; {usual:.3f} is natural.",
        numbers=numbers,
    )
