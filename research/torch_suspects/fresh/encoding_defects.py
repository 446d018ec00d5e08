"""What goes wrong between a pair and a tensor."""

import torch
import torch.nn.functional as F

from nsputil.tokenization import Vocabulary
from research.torch_suspects.base import PairData, collate, healthy, linear, vocabulary
from research.torch_suspects.fresh.common import (
    Aligned, DistilNSP, Rows, adamw, distil_state, loaders, pad, pad_tuple, shorter, strip,
)  # fmt: skip

HEALTHY = []


def types_left_out(seed):
    """The tokenizer's token_type_ids were dropped, and zeros are made where the model asks for them."""

    def join(rows):
        ids, types, mask, labels = pad_tuple(rows)
        return ids, torch.zeros_like(ids), mask, labels

    return loaders(healthy("loop", seed), join)


def a_padded_first(seed):
    """A is padded to max_length, B comes after it, and the row is cut to max_length."""
    given = healthy("bert-small", seed)

    class Cut(Rows):
        @staticmethod
        def one(a, b, max_len, label):
            a = list(a)[: max_len - 3]
            row = [2, *a, 3] + [0] * (max_len - 2 - len(a))
            row = (row + [*b, 3])[:max_len]
            n = len(row)
            return {"input_ids": row, "token_type_ids": ([0] * max_len + [1] * 99)[:n], "labels": label}

    def join(rows):
        batch = pad(rows)
        batch["attention_mask"] = (batch["input_ids"] != 0).long()
        return batch

    return loaders(given, join, train=Cut(given["pairs"], 48), held_out=Cut(given["held_out_pairs"], 48))


def kept_from_the_left(seed):
    """(ids_a + ids_b)[:max_len] with max_len 14: for most rows that is A alone."""
    given = strip(healthy("loop", seed))

    class Cut(Rows):
        @staticmethod
        def one(a, b, max_len, label):
            row = ([2, *a, 3] + [*b, 3])[:max_len]
            types = ([0] * (len(a) + 2) + [1] * 999)[: len(row)]
            return {"input_ids": row, "token_type_ids": types, "labels": label}

    torch.manual_seed(seed)
    return loaders(given, train=Cut(given["pairs"], 14), held_out=Cut(given["held_out_pairs"], 14)) | {
        "model": DistilNSP(distil_state()).train(), "loss": None, "optimizer": adamw(5e-4), "schedule": linear(150),
        "steps": 150,
    }  # fmt: skip


def tuple_in_the_order_of_hf(seed):
    """The tokenizer returns (ids, mask, types); the loader names them (ids, types, mask)."""

    def join(rows):
        batch = pad(rows)
        ids, mask, types = batch["input_ids"], batch["attention_mask"], batch["token_type_ids"]
        return dict(zip(("input_ids", "token_type_ids", "attention_mask", "labels"),
                        (ids, mask, types, batch["labels"]), strict=True))  # fmt: skip

    return shorter(loaders(healthy("bert", seed), join), 120)


def case_of_another_model(seed):
    """Text goes through word.capitalize() for a cased model and is then looked up by token in an uncased table."""
    table = {t: k for k, t in enumerate(vocabulary().tokens)}

    def read(text):
        return [table.get(w.capitalize(), 1) for w in text.split()]

    given = healthy("trainer", seed)

    class Ready(Rows):
        pass

    trainer = given["model"]
    trainer.train_dataset, trainer.eval_dataset = Ready(given["pairs"], read=read), Ready(given["held_out_pairs"], read=read)
    trainer.data_collator = pad
    return given


def sorted_vocabulary(seed):
    """The vocabulary was saved as a set and sorted when it was read back."""
    given = strip(healthy("loop", seed))
    other = Vocabulary(sorted(vocabulary().tokens[5:]))

    def read(text):
        return other.ids(text).tolist()

    torch.manual_seed(seed)
    made = loaders(given, train=Rows(given["pairs"], read=read), held_out=Rows(given["held_out_pairs"], read=read))
    return made | {
        "model": DistilNSP(distil_state()).train(), "loss": None, "optimizer": adamw(5e-4), "schedule": linear(150),
        "steps": 150,
    }  # fmt: skip


def max_length_of_a_demo(seed):
    """max_length=8 is left from a demonstration."""
    given = strip(healthy("loop", seed))
    made = loaders(given, pad_tuple, train=Rows(given["pairs"], 8), held_out=Rows(given["held_out_pairs"], 8))
    return made | {
        "model": Aligned(seed), "loss": F.cross_entropy, "optimizer": adamw(2e-3), "schedule": linear(200),
        "steps": 200,
    }  # fmt: skip


def other_label_map_in_training(seed):
    """The training collator maps {'is_next': 1, 'not_next': 0}; the evaluation set was made by another script."""
    given = healthy("trainer", seed)
    names = {0: "is_next", 1: "not_next"}
    map_of_training = {"is_next": 1, "not_next": 0}

    class Named(PairData):
        def __getitem__(self, k):
            row = super().__getitem__(k)
            return row | {"labels": torch.tensor(map_of_training[names[int(row["labels"])]])}

    given["model"].train_dataset = Named(given["pairs"])
    given["model"].data_collator = collate
    return given


DEFECTS = [
    ("A padded to full length before B is added", a_padded_first, "second-sentence-lost", "encoding"),
    ("mask and types exchanged by position", tuple_in_the_order_of_hf, "segments-as-mask", "encoding"),
    ("capitalized words looked up in a lower-case table", case_of_another_model, "unknown-words", "encoding"),
    ("vocabulary sorted by the alphabet (DistilBERT)", sorted_vocabulary, "wrong-vocabulary", "encoding"),
    ("the training collator maps is_next to 1", other_label_map_in_training, "training-labels-inverted", "encoding"),
]

# Checked in the same way, kept out for brevity.
MORE = [
    ("zeros for token_type_ids", types_left_out, "segment-ids-zero", "encoding"),
    ("the joined row cut to 14 from the left (DistilBERT)", kept_from_the_left, "second-sentence-lost", "encoding"),
    ("max_length 8 (decomposable attention)", max_length_of_a_demo, "max-length-short", "encoding"),
]
