"""The family "inputs": faults between the pairs and the model. What the arrays hold."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from nsputil.clinic.faults.base import EVERYWHERE, Fault, around
from nsputil.experiment import Experiment
from nsputil.pairs import SentencePair
from nsputil.tokenization import SPECIAL_TOKENS, EncodedPairs, Encoding, Vocabulary


def no_segments(
    encode: Encoding, severity: float, pairs: Sequence[SentencePair], vocabulary: Vocabulary, max_length: int
) -> EncodedPairs:
    """All token_type_ids are 0."""
    batch = encode(pairs, vocabulary, max_length)
    return replace(batch, token_type_ids=np.zeros_like(batch.token_type_ids))


def without_b(
    encode: Encoding, severity: float, pairs: Sequence[SentencePair], vocabulary: Vocabulary, max_length: int
) -> EncodedPairs:
    """B is masked out, as if truncation had removed it all."""
    batch = encode(pairs, vocabulary, max_length)
    return replace(batch, attention_mask=batch.attention_mask * (1 - batch.token_type_ids))


def segments_as_mask(
    encode: Encoding, severity: float, pairs: Sequence[SentencePair], vocabulary: Vocabulary, max_length: int
) -> EncodedPairs:
    """token_type_ids are passed as attention_mask, so A is masked out."""
    batch = encode(pairs, vocabulary, max_length)
    return replace(batch, attention_mask=batch.token_type_ids, token_type_ids=np.zeros_like(batch.token_type_ids))


def padded(batch: EncodedPairs, length: int) -> EncodedPairs:
    """Return a batch padded to a length."""
    more = ((0, 0), (0, max(0, length - batch.input_ids.shape[1])))
    arrays = {n: np.pad(getattr(batch, n), more) for n in ("input_ids", "token_type_ids", "attention_mask")}
    return replace(batch, **arrays)


def no_mask(
    encode: Encoding, severity: float, pairs: Sequence[SentencePair], vocabulary: Vocabulary, max_length: int
) -> EncodedPairs:
    """Rows are padded to the full length and the mask is 1 everywhere."""
    batch = padded(encode(pairs, vocabulary, max_length), max_length)
    return replace(batch, attention_mask=np.ones_like(batch.attention_mask))


def padded_left(
    encode: Encoding, severity: float, pairs: Sequence[SentencePair], vocabulary: Vocabulary, max_length: int
) -> EncodedPairs:
    """Padding comes before [CLS], so position 0 is padding."""
    batch = padded(encode(pairs, vocabulary, max_length), max_length)
    size = batch.attention_mask.sum(axis=1, keepdims=True)
    order = (np.arange(max_length) + size) % max_length
    names = ("input_ids", "token_type_ids", "attention_mask")
    return replace(batch, **{name: np.take_along_axis(getattr(batch, name), order, axis=1) for name in names})


def shifted_ids(
    encode: Encoding, shift: float, pairs: Sequence[SentencePair], vocabulary: Vocabulary, max_length: int
) -> EncodedPairs:
    """The severity is the shift of the ids of all words, as with the vocabulary file of another model."""
    batch = encode(pairs, vocabulary, max_length)
    first, words = len(SPECIAL_TOKENS), len(vocabulary) - len(SPECIAL_TOKENS)
    moved = first + (batch.input_ids - first + round(shift)) % words
    return replace(batch, input_ids=np.where(batch.input_ids >= first, moved, batch.input_ids))


def short_rows(
    encode: Encoding, length: float, pairs: Sequence[SentencePair], vocabulary: Vocabulary, max_length: int
) -> EncodedPairs:
    """The severity is the number of tokens, special ones included, that remain of every pair."""
    return encode(pairs, vocabulary, round(length))


def a_twice(
    encode: Encoding, severity: float, pairs: Sequence[SentencePair], vocabulary: Vocabulary, max_length: int
) -> EncodedPairs:
    """A is given twice: as A and as B."""
    return encode([replace(pair, sentence_b=pair.sentence_a) for pair in pairs], vocabulary, max_length)


def out_of_order(
    encode: Encoding, severity: float, pairs: Sequence[SentencePair], vocabulary: Vocabulary, max_length: int
) -> EncodedPairs:
    """The words of each sentence are sorted by the alphabet."""

    def ordered(text: str) -> str:
        return " ".join(sorted(text.split()))

    changed = [replace(p, sentence_a=ordered(p.sentence_a), sentence_b=ordered(p.sentence_b)) for p in pairs]
    return encode(changed, vocabulary, max_length)


def few_words(experiment: Experiment, size: float) -> Experiment:
    """The severity is the size of the vocabulary; all other words become [UNK]."""
    return replace(experiment, vocabulary_size=round(size))


_fault = partial(Fault, family="inputs")

FAULTS = [
    _fault(
        name="segment-ids-zero",
        group="stuck-at-ln2",
        mechanism="All segment ids are 0, so the model is not told where B begins.",
        fix="Pass token_type_ids; assert that both values occur.",
        source="huggingface/transformers#263",
        edit=around("encode", no_segments),
        encoders=("bag",),
    ),
    _fault(
        name="segment-ids-zero-with-separators",
        group="weak-ceiling",
        mechanism="All segment ids are 0; [SEP] still shows where B begins, if a model pretrained with ids learns it.",
        fix="Pass token_type_ids; assert that both values occur.",
        source="facebookresearch/fairseq#5383",
        edit=around("encode", no_segments),
        encoders=("bert",),
    ),
    _fault(
        name="second-sentence-lost",
        group="stuck-at-ln2",
        mechanism="Truncation takes from the end only, so nothing of B reaches the model.",
        fix="Truncate the longer sentence first.",
        source="",
        edit=around("encode", without_b),
    ),
    _fault(
        name="segments-as-mask",
        group="stuck-at-ln2",
        mechanism="token_type_ids were passed as attention_mask, so A is masked out.",
        fix="Pass arrays by keyword.",
        source="huggingface/transformers#1788",
        edit=around("encode", segments_as_mask),
    ),
    _fault(
        name="padding-attended",
        group="weak-ceiling",
        mechanism="The attention mask is missing, so padding counts as text; Adam soon learns to ignore its vector.",
        fix="Pass attention_mask; a prediction must not move when padding is added.",
        source="",
        edit=around("encode", no_mask),
        harmless=("bag-adamw-sotu", "bag-adamw-factbook", "bert-sgd-sotu"),
    ),
    _fault(
        name="cls-not-first",
        group="silent",
        mechanism="Rows are padded on the left, so padding is pooled instead of [CLS]; attention fills it as well.",
        fix="Pad on the right, or find [CLS] by the mask.",
        source="UKPLab/sentence-transformers#3208",
        edit=around("encode", padded_left),
        encoders=("bert",),
        harmless=EVERYWHERE,
    ),
    _fault(
        name="wrong-vocabulary",
        group="weak-ceiling",
        mechanism="Ids come from another vocabulary than the pretrained vectors, so each word gets another's vector.",
        fix="Load vocabulary and weights from the same place; check the id of a known word.",
        source="",
        edit=around("encode", shifted_ids),
        severity=(1.0, 20.0),
    ),
    _fault(
        name="unknown-words",
        group="weak-ceiling",
        mechanism="Most words are [UNK], as the vocabulary is far too small or of another case.",
        fix="Count [UNK]; use the tokenizer of the model.",
        source="",
        edit=few_words,
        severity=(20.0, 60.0),
    ),
    _fault(
        name="max-length-short",
        group="weak-ceiling",
        mechanism="Pairs are cut to a few tokens, and most of what could be compared is gone.",
        fix="Choose the length from a histogram of the lengths.",
        source="",
        edit=around("encode", short_rows),
        severity=(9.0, 15.0),
    ),
    _fault(
        name="a-given-twice",
        group="stuck-at-ln2",
        mechanism="A variable was overwritten, so the model gets A instead of B.",
        fix="Decode a batch and read it.",
        source="",
        edit=around("encode", a_twice),
        outside=True,
    ),
    _fault(
        name="word-order-lost",
        group="silent",
        mechanism="The words of each sentence are in another order; this task hardly needs their order.",
        fix="Nothing to repair here; keep the order for other tasks.",
        source="Sinha et al. 2021, arXiv 2104.06644",
        edit=around("encode", out_of_order),
        harmless=EVERYWHERE,
    ),
]
