"""Defects that were written while `examine` was mended, in other styles than those before."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from research.torch_suspects.base import (
    Loop, PairData, adamw, bert, collate, collate_tuple, draw, healthy, linear, loader, texts, vocabulary,
)  # fmt: skip

from .later_sane import plain, scores, stepping


def value_of(model, batch):
    return F.cross_entropy(model(*batch[:-1]), batch[-1])


def two_columns(seed):
    """A hidden layer over two sides, and nothing that compares them."""

    class Sides(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = Loop(seed)
            self.mix = nn.Sequential(nn.Linear(192, 24), nn.ReLU(), nn.Linear(24, 2))

        def forward(self, input_ids, token_type_ids, attention_mask):
            words = attention_mask * (input_ids > 4)
            u, v = (self.body.mean(input_ids, words * side) for side in (1 - token_type_ids, token_type_ids))
            return self.mix(torch.cat([u, v], 1))

    torch.manual_seed(seed)
    return plain(seed, model=Sides())


def low_rate(seed):
    given = healthy("bert-small", seed)
    return given | {"optimizer": adamw(3e-7)}


def high_rate_sgd(seed):
    return plain(seed, optimizer=lambda m: torch.optim.SGD(m.parameters(), 60.0, momentum=0.9), schedule=None)


def early_end(seed):
    return plain(seed, schedule=lambda o: LambdaLR(o, lambda k: 0.5 ** (k / 2)))


def sums(seed):
    return plain(seed, loss=nn.CrossEntropyLoss(reduction="sum"), schedule=None,
                 optimizer=lambda m: torch.optim.SGD(m.parameters(), 0.5))  # fmt: skip


def brier(seed):
    return plain(seed, loss=lambda z, y: ((z.softmax(1) - F.one_hot(y, 2)) ** 2).sum(1).mean())


def heavy_smoothing(seed):
    return plain(seed, loss=nn.CrossEntropyLoss(label_smoothing=0.9))


def with_words(seed):
    """The loss of another task, nine nats of it, is in the number that is returned."""

    def value(model, batch):
        table = model.words.weight
        ids = batch[0][:, 2]
        return value_of(model, batch) + 0.1 * F.cross_entropy(table[batch[0][:, 1]] @ table.detach().T, ids) * 10

    return plain(seed, step=stepping(value), loss=None)


def inverted_number(seed):
    """One number: how often the model is right if 1 were IsNext."""

    def evaluate(model, held_out):
        z, y = scores(model, held_out)
        return ((z[:, 0] > z[:, 1]) == (y == 1)).float().mean().item()

    return plain(seed, evaluate=evaluate)


def thirty_pairs(seed):
    def evaluate(model, held_out):
        z, y = scores(model, held_out)
        return {"acc": (z.argmax(1) == y)[:30].float().mean().item()}

    return plain(seed, evaluate=evaluate)


def only_sure(seed):
    def evaluate(model, held_out):
        z, y = scores(model, held_out)
        sure = z.softmax(1).max(1).values > 0.8
        if not sure.any():
            return {"accuracy": 0.0, "loss": F.cross_entropy(z, y).item()}
        return {"accuracy": (z.argmax(1) == y)[sure].float().mean().item(), "loss": F.cross_entropy(z, y).item()}

    return plain(seed, evaluate=evaluate)


def never_reset(seed):
    kept = []

    def evaluate(model, held_out):
        z, y = scores(model, held_out)
        kept.append((z.argmax(1) == y).float())
        return torch.cat(kept).mean().item()

    return plain(seed, evaluate=evaluate)


def eight_tokens(seed):
    given = healthy("bert-small", seed)
    pairs, others = given["pairs"], given["held_out_pairs"]
    return given | {
        "train": loader(PairData(pairs, 11), seed), "held_out": loader(PairData(others, 11), seed, False, 64)
    }  # fmt: skip


def no_mask(seed):
    """A mask of ones, rows padded to 64."""
    given = healthy("bert-small", seed)

    def join(rows):
        batch = collate(rows)
        room = 64 - batch["input_ids"].shape[1]
        batch = {k: F.pad(v, (0, room)) if v.ndim == 2 else v for k, v in batch.items()}
        return batch | {"attention_mask": torch.ones_like(batch["input_ids"])}

    return given | {
        "train": loader(PairData(given["pairs"]), seed, collate_fn=join),
        "held_out": loader(PairData(given["held_out_pairs"]), seed, False, 64, join),
    }  # fmt: skip


def from_random(seed):
    """BERT as it is made, where the checkpoint was meant."""
    kept = bert(1, seed)
    model = type(kept)(kept.config)
    return healthy("bert-small", seed) | {"model": model.train()}


def of_one_pair(seed):
    given = healthy("loop", seed)
    return given | {
        "train": loader(PairData(given["pairs"]), seed, batch=1, collate_fn=collate_tuple),
        "optimizer": lambda m: torch.optim.SGD(m.parameters(), 0.2), "schedule": None,
    }  # fmt: skip


def copies(seed):
    """Five speeches under many names."""
    training, _ = texts()
    few = [training[k % 5] for k in range(40)]
    pairs = draw(few[:5], seed, 200) * 8
    rng = np.random.default_rng(seed)
    pairs = [pairs[k] for k in rng.permutation(len(pairs))]
    return plain(seed, pairs=pairs, documents=few, train=loader(PairData(pairs), seed, collate_fn=collate_tuple))


def far_averages(seed):
    return plain(seed, optimizer=lambda m: torch.optim.Adam(m.parameters(), 2e-3, betas=(0.995, 0.999)))


def ones_for_segments(seed):
    def join(rows):
        batch = collate(rows)
        return batch | {"token_type_ids": torch.zeros_like(batch["input_ids"])}

    given = healthy("bert-small", seed)
    return given | {
        "train": loader(PairData(given["pairs"]), seed, collate_fn=join),
        "held_out": loader(PairData(given["held_out_pairs"]), seed, False, 64, join), "schedule": linear(200),
    }  # fmt: skip


def half_unknown(seed):
    """Every word beyond the first 400 of the vocabulary is [UNK]."""
    known = vocabulary()

    def join(rows):
        ids, *rest = collate_tuple(rows)
        return ids.masked_fill(ids > 400, known.unk_id), *rest

    given = healthy("loop", seed)
    return given | {
        "train": loader(PairData(given["pairs"]), seed, collate_fn=join),
        "held_out": loader(PairData(given["held_out_pairs"]), seed, False, 64, join),
    }  # fmt: skip


DEFECTS = [
    ("a hidden layer over two sides", two_columns, "no-comparison", "model"),
    ("AdamW at 3e-7", low_rate, "learning-rate-too-low", "optimizer"),
    ("SGD at 60", high_rate_sgd, "learning-rate-too-high", "optimizer"),
    ("halved every other step", early_end, "schedule-ends-early", "optimizer"),
    ("sums under SGD", sums, "sum-reduction", "loss"),
    ("squares of probabilities", brier, "squared-error", "loss"),
    ("smoothed by nine tenths", heavy_smoothing, "label-smoothing-heavy", "loss"),
    ("nine nats of another task", with_words, "total-logged-as-nsp", "loss"),
    ("right if 1 were IsNext, one number", inverted_number, "evaluation-labels-inverted", "evaluation"),
    ("the first thirty", thirty_pairs, "evaluated-on-few-pairs", "evaluation"),
    ("only sure answers", only_sure, "unsure-pairs-dropped", "evaluation"),
    ("a list that grows, one number", never_reset, "metric-never-reset", "evaluation"),
    ("eleven tokens for BERT", eight_tokens, "max-length-short", "encoding"),
    ("ones for a mask, rows of 64", no_mask, "padding-attended", "encoding"),
    ("BERT as it is made", from_random, "pretrained-not-loaded", "model"),
    ("batches of one", of_one_pair, "batch-too-small", "batching"),
    ("five speeches under many names", copies, "corpus-duplicated", "split"),
    ("an average of 200 steps", far_averages, "momentum-too-high", "optimizer"),
    ("zeros for segments", ones_for_segments, "segment-ids-zero", "encoding"),
    ("a vocabulary of 400", half_unknown, "unknown-words", "encoding"),
]
