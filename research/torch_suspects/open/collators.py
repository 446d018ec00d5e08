"""Own collate functions: masks and segments."""

import torch
from torch.nn.utils.rnn import pad_sequence

from nsputil.tokenization import CLS_ID, PAD_ID, SEP_ID
from research.torch_suspects.base import PairData, collate, healthy, loader


def _both(given, seed, join, train_only=False):
    given["train"] = loader(PairData(given["pairs"]), seed, collate_fn=join)
    if not train_only:
        given["held_out"] = loader(PairData(given["held_out_pairs"]), seed, shuffle=False, batch=64, collate_fn=join)
    return given


def third_separator(seed):
    """segment-ids-zero, in another way: segments counted from separators, with the wrong divisor."""

    def join(rows):
        ids = pad_sequence([row["input_ids"] for row in rows], batch_first=True)
        types = (ids == SEP_ID).cumsum(1) // 3
        return ids, types, (ids != PAD_ID).long(), torch.stack([row["labels"] for row in rows])

    return _both(healthy("loop", seed), seed, join)


def swapped_arguments(seed):
    """segments-as-mask, in another way: the tuple's order is (ids, mask, segments), the model's (ids, segments, mask)."""

    def join(rows):
        batch = collate(rows)
        return batch["input_ids"], batch["attention_mask"], batch["token_type_ids"], batch["labels"]

    return _both(healthy("loop", seed), seed, join)


def key_padding_mask(seed):
    """mask-inverted: True where PADDING is, as nn.MultiheadAttention wants it; transformers wants the opposite."""

    def join(rows):
        batch = collate(rows)
        batch["attention_mask"] = batch["input_ids"].eq(PAD_ID).long()
        return batch

    return _both(healthy("bert-small", seed), seed, join)


def as_in_xlnet(seed):
    """cls-not-first, in another way: the layout of XLNet, A [SEP] B [SEP] [CLS]; the pooler reads position 0, a word of A."""
    given = healthy("trainer", seed)

    def join(rows):
        turned = [{n: row[n] if n == "labels" else row[n].roll(-1) for n in row} for row in rows]
        for row in turned:
            row["token_type_ids"][-1] = 1
        return collate(turned)

    given["model"].data_collator = join
    return given


DEFECTS = [
    ("third-separator", third_separator, "segment-ids-zero", "encoding"),
    ("swapped-arguments", swapped_arguments, "segments-as-mask", "encoding"),
    ("key-padding-mask", key_padding_mask, "mask-inverted", "encoding"),
    ("as-in-xlnet", as_in_xlnet, "cls-not-first", "encoding"),
]
