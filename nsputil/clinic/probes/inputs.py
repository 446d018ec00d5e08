"""Probes between the pairs and the model: the arrays, and what the model's answer depends on.

Introduced in notebook 09.
"""

from dataclasses import dataclass, replace

import numpy as np

from nsputil.clinic.probes.registry import Probe, number
from nsputil.clinic.probes.suspect import Suspect
from nsputil.clinic.signals.base import Number
from nsputil.pairs import SentencePair
from nsputil.tokenization import EncodedPairs

SPECIAL = 5  # ids below are [PAD], [UNK], [CLS], [SEP], [MASK]


@dataclass(frozen=True)
class Arrays:
    """What arrives at the encoder, in four training batches."""

    unknown: Number = number("arrays.unknown", "fraction", "tokens that are [UNK]", 0, 0.045)
    b_kept: Number = number("arrays.b_kept", "fraction", "tokens of B that arrive, marked as B", 0.8, 1)
    a_kept: Number = number("arrays.a_kept", "fraction", "tokens of A that arrive, marked as A", 0.8, 1)
    attended: Number = number("arrays.attended", "ratio", "positions that count over positions that hold a token", 1, 1)
    first: Number = number("arrays.first", "fraction", "rows that begin with [CLS]", 1, 1)
    distinct: Number = number("arrays.distinct", "fraction", "distinct ids over distinct words of the texts", 0.85, 1)


def read_the_arrays(suspect: Suspect) -> Arrays:
    """Compare arrays with the pairs that they were made from."""
    return Arrays(*np.mean([_one_batch(suspect, number) for number in range(4)], axis=0))


def _one_batch(suspect: Suspect, number: int) -> tuple[float, ...]:
    """Return the numbers of `Arrays` for one batch, in the order of its fields."""
    pairs = [suspect.pairs[k] for k in suspect.batches[number % len(suspect.batches)]]
    batch, vocabulary = suspect.encode(pairs), suspect.model.vocabulary
    ids, segments, mask = batch.input_ids, batch.token_type_ids, batch.attention_mask
    words = (ids >= SPECIAL) | (ids == vocabulary.unk_id)
    in_a = np.concatenate([vocabulary.ids(p.sentence_a) for p in pairs])
    in_b = np.concatenate([vocabulary.ids(p.sentence_b) for p in pairs])
    distinct = int(np.count_nonzero(np.bincount(np.concatenate([in_a, in_b]))))
    return (
        (ids == vocabulary.unk_id).sum() / max(1, int(words.sum())),
        (words & (segments == 1)).sum() / max(1, len(in_b)),
        (words & (segments == 0)).sum() / max(1, len(in_a)),
        (mask != 0).sum() / max(1, int((ids != 0).sum())),
        (ids[:, 0] == vocabulary.cls_id).mean(),
        np.count_nonzero(np.bincount(ids[words])) / max(1, distinct),
    )


@dataclass(frozen=True)
class InputChanges:
    """By how much the answers p of the trained model change with its inputs, in the mean over 64 held-out pairs."""

    permute_b: Number = number(
        "input.permute_b", "fraction", "mean change of p when the B of a batch are permuted", 0, 0.45
    )
    permute_a: Number = number(
        "input.permute_a", "fraction", "mean change of p when the A of a batch are permuted", 0, 0.4
    )
    swap: Number = number("input.swap", "fraction", "mean change of p when A and B are swapped", 0, 0.2)
    segments: Number = number("input.segments", "fraction", "mean change of p when all segment ids are 0", 0, 0.6)
    padding: Number = number("input.padding", "fraction", "mean change of p when 24 columns of padding are added", 0, 0)
    repeat: Number = number("input.repeat", "fraction", "mean change of p when the same is asked again", 0, 0)
    order: Number = number("input.order", "fraction", "mean change of p when the batch is put in another order", 0, 0)


def change_the_input(suspect: Suspect) -> InputChanges:
    """Change one thing about the inputs at a time, and compare the answers."""
    pairs = suspect.some_held_out[:64]
    order = suspect.rng(2).permutation(len(pairs))
    batch = suspect.encode(pairs)
    p = suspect.p_is_next(batch)

    def change(other: EncodedPairs) -> float:
        return float(np.abs(suspect.p_is_next(other) - p).mean())

    other_b = [replace(x, sentence_b=pairs[k].sentence_b) for x, k in zip(pairs, order, strict=True)]
    other_a = [replace(x, sentence_a=pairs[k].sentence_a) for x, k in zip(pairs, order, strict=True)]
    swapped = [replace(x, sentence_a=x.sentence_b, sentence_b=x.sentence_a) for x in pairs]
    in_other_order = suspect.p_is_next(suspect.encode([pairs[k] for k in order]))
    once, again = (_reported_loss(suspect, pairs) for _ in range(2))
    return InputChanges(
        permute_b=change(suspect.encode(other_b)),
        permute_a=change(suspect.encode(other_a)),
        swap=change(suspect.encode(swapped)),
        segments=change(replace(batch, token_type_ids=np.zeros_like(batch.token_type_ids))),
        padding=change(_padded(batch, 24, suspect.model.max_length)),
        repeat=abs(once - again),
        order=np.abs(in_other_order - p[order]).mean(),
    )


def _padded(batch: EncodedPairs, columns: int, max_length: int) -> EncodedPairs:
    """Return a batch with more columns of padding, as many as the model has room for."""
    columns = max(0, min(columns, max_length - batch.input_ids.shape[1]))
    names = ("input_ids", "token_type_ids", "attention_mask")
    return replace(batch, **{name: np.pad(getattr(batch, name), ((0, 0), (0, columns))) for name in names})


def _reported_loss(suspect: Suspect, pairs: list[SentencePair]) -> float:
    """Return the loss that the suspect's own evaluation reports for some pairs."""
    return suspect.experiment.evaluation(suspect.model, pairs).get("loss", np.nan)


PROBES = (
    Probe(
        "read-the-arrays",
        "What arrives at the encoder: unknown words, padding, lost words?",
        1,
        Arrays,
        read_the_arrays,
    ),
    Probe(
        "change-the-input",
        "Does the trained model's answer depend on what it should depend on, and on nothing else?",
        34,
        InputChanges,
        change_the_input,
    ),
)
