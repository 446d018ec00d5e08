"""Trainings with the habits of `other_habits`, spoilt."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from transformers import BatchEncoding

from research.torch_suspects.base import BATCH, Loop, PairData, collate, collate_tuple, healthy, linear, loader
from research.torch_suspects.open.other_habits import (
    STEPS, Batch, Endless, Lion, Named, OneColumn, OneLogit, Recurrent, autocast, count, nested, plain, recurrent,
    trainer, two_texts,
)  # fmt: skip

ARRAYS = ("input_ids", "token_type_ids", "attention_mask")


def step_of(value, after=lambda model: None, clear=True):
    """Return a step that minimises ``value(model, batch)``."""
    def step(model, batch, loss, optimizer, schedule):
        if clear:
            optimizer.zero_grad()
        found = value(model, batch)
        found.backward()
        after(model)
        optimizer.step()
        if schedule is not None:
            schedule.step()
        return found.item()

    return step


def bce(x, y):
    return F.binary_cross_entropy_with_logits(x, y.float())


def bert_loaders(seed, join, held=None, **more):
    given = healthy("bert-small", seed)
    return given | {
        "train": loader(PairData(given["pairs"]), seed, collate_fn=join),
        "held_out": loader(PairData(given["held_out_pairs"]), seed, shuffle=False, batch=64, collate_fn=held or join),
    } | more  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- the data
def tensors_permuted(seed):
    """The tensor of labels was shuffled, those of the arrays were not."""
    given = plain(seed)
    batch = collate([PairData(given["pairs"])[k] for k in range(len(given["pairs"]))])
    labels = batch["labels"][torch.randperm(len(batch["labels"]), generator=torch.Generator().manual_seed(seed))]
    data = TensorDataset(*(batch[n] for n in ARRAYS), labels)
    return given | {"train": DataLoader(data, BATCH, shuffle=True)}


def header_lost(seed):
    """The file of labels lost its first line: dataclasses with labels of the next row."""
    given = plain(seed, None, lambda rows: Batch(**collate(rows)), forward=lambda m, b: m(b.input_ids, b.token_type_ids, b.attention_mask))
    data = PairData(given["pairs"])

    class Late(PairData):
        def __getitem__(self, k):
            return data[k] | {"labels": data[(k + 1) % len(data)]["labels"]}

    return given | {"train": loader(Late(given["pairs"]), seed, collate_fn=lambda rows: Batch(**collate(rows)))}


def noise(seed):
    """Three labels in ten are wrong; an LSTM on two texts."""
    given = recurrent(seed)
    rng = np.random.default_rng(seed)
    pairs = [replace(p, label=1 - p.label) if rng.random() < 0.3 else p for p in given["pairs"]]
    return given | {"pairs": pairs, "train": loader(PairData(pairs), seed, collate_fn=two_texts)}


def stream_sorted(seed):
    """A stream of one class after the other."""
    given = plain(seed)
    rows = sorted(given["pairs"], key=lambda p: p.label)

    class Sorted(Endless):
        def __iter__(self):
            for k in range(len(self.data)):
                yield self.data[k]

    return given | {"train": DataLoader(Sorted(PairData(rows), seed), BATCH, collate_fn=collate_tuple)}


def rare(seed):
    """One training pair in twenty is NotNext."""
    given = plain(seed, OneLogit(seed), loss=bce)
    pairs = [p for k, p in enumerate(given["pairs"]) if p.label == 0 or k % 20 == 0]
    return given | {"pairs": pairs, "train": loader(PairData(pairs), seed, collate_fn=collate_tuple)}


def twice_a(seed):
    """zip(a, a): B is A, in training."""
    given = bert_loaders(seed, lambda rows: BatchEncoding(collate(rows)))
    twice = [replace(p, sentence_b=p.sentence_a) for p in given["pairs"]]
    return given | {"train": loader(PairData(twice), seed, collate_fn=lambda rows: BatchEncoding(collate(rows)))}


def no_segments(seed):
    """The collator makes zeros of the segment ids; batches are (dict, labels)."""
    def join(rows):
        batch = collate(rows)
        labels = batch.pop("labels")
        return batch | {"token_type_ids": torch.zeros_like(batch["input_ids"])}, labels

    step = step_of(lambda m, b: F.cross_entropy(m(**b[0]).logits, b[1]))
    return bert_loaders(seed, join, step=step, loss=None)


def mask_of_ones(seed):
    """The mask is ones_like(input_ids)."""
    def join(rows):
        batch = collate(rows)
        return BatchEncoding(batch | {"attention_mask": torch.ones_like(batch["input_ids"])})

    return bert_loaders(seed, join)


def left(seed):
    """Padding on the left."""
    def join(rows):
        batch = collate(rows)
        for k, n in enumerate(batch["attention_mask"].sum(1).tolist()):
            for name in ARRAYS:
                batch[name][k] = torch.roll(batch[name][k], len(batch[name][k]) - n)
        return batch

    return bert_loaders(seed, join)


def next_id(seed):
    """The ids are those of a vocabulary with one more special token."""
    def join(rows):
        batch = collate(rows)
        ids = batch["input_ids"]
        return batch | {"input_ids": torch.where(ids > 4, (ids + 1) % 24000, ids)}

    return bert_loaders(seed, join)


def bool_of_text(seed):
    """bool('0') is True: all labels are 1; named tuples are made by the collator."""
    def join(rows):
        *arrays, labels = collate_tuple(rows)
        return (*arrays, torch.ones_like(labels))

    given = plain(seed)
    return given | {"train": loader(PairData(given["pairs"]), seed, collate_fn=join)}


# ----------------------------------------------------------------------------------------------------- model and loss
def loud_pooler(seed):
    given = bert_loaders(seed, collate)
    nn.init.normal_(given["model"].bert.pooler.dense.weight, std=30.0)
    return given


def too_much_dropout(seed):
    return plain(seed, Loop(seed, dropout=0.97))


def softmax_in_a_dict(seed):
    model = Named(seed, lambda loss, logits: {"probs": logits.softmax(-1)})
    return plain(seed, model, collate, loss=None,
                 step=step_of(lambda m, b: F.cross_entropy(m(**{n: b[n] for n in ARRAYS})["probs"], b["labels"])))  # fmt: skip


def positive_weight(seed):
    """pos_weight of another corpus."""
    return plain(seed, OneLogit(seed), loss=lambda x, y: F.binary_cross_entropy_with_logits(
        x, y.float(), pos_weight=torch.tensor(30.0)))  # fmt: skip


def column(seed):
    """Cross-entropy over a single column."""
    return plain(seed, OneColumn(seed), loss=lambda x, y: F.cross_entropy(x, y.float()[:, None]))


def squared(seed):
    return plain(seed, OneLogit(seed), loss=None,
                 step=step_of(lambda m, b: F.mse_loss(torch.sigmoid(m(*b[:-1])), b[-1].float())))  # fmt: skip


def is_next_is_one(seed):
    """The target of BCE is (label == 0)."""
    return plain(seed, OneLogit(seed), loss=lambda x, y: F.binary_cross_entropy_with_logits(x, (y == 0).float()))


def summed(seed):
    return plain(seed, OneLogit(seed), loss=lambda x, y: F.binary_cross_entropy_with_logits(x, y.float(), reduction="sum"),
                 optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9))  # fmt: skip


def smooth(seed):
    return trainer(seed, label_smoothing_factor=0.8)


class Tempered(Loop):
    def forward(self, *arrays):
        logits = super().forward(*arrays)
        return logits / 10 if self.training else logits


def tempered(seed):
    return plain(seed, Tempered(seed))


def penalty_logged(seed):
    """The step returns the loss with a penalty on the weights, and minimises the loss alone."""
    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = F.cross_entropy(model(*batch[:-1]), batch[-1])
        value.backward()
        optimizer.step()
        schedule.step()
        return (value + 0.01 * sum(p.pow(2).sum() for p in model.parameters()) ** 0.5).item()

    return plain(seed, step=step, loss=None)


class Flipped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return F.gelu(x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (x < 0)


class OwnActivation(Loop):
    def forward(self, input_ids, token_type_ids, attention_mask):
        words = attention_mask * (input_ids > 4)
        a = self.mean(input_ids, words * (1 - token_type_ids))
        b = self.mean(input_ids, words * token_type_ids)
        h = torch.cat([a * b * 10, (a - b).abs() * 3], dim=-1)
        return self.head(Flipped.apply(self.pooler(self.dropout(h))))


def own_activation(seed):
    return plain(seed, OwnActivation(seed))


# ------------------------------------------------------------------------------------------------------- the optimizer
def lion_hot(seed):
    return plain(seed, optimizer=lambda m: Lion(m.parameters(), lr=0.3))


def one_cycle_cold(seed):
    """max_lr=1e-7 overrides the rate of the optimizer."""
    return recurrent(seed) | {"schedule": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=1e-7, total_steps=STEPS)}


def epochs_as_steps(seed):
    """CosineAnnealingLR(T_max=5 epochs), moved in each step, and held at its end."""
    return plain(seed, None, lambda rows: BatchEncoding(collate(rows)),
                 schedule=lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: max(0.0, 1 - k / 5)))  # fmt: skip


def clipped_hard(seed):
    return plain(seed, OneLogit(seed), loss=None, optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9),
                 step=step_of(lambda m, b: bce(m(*b[:-1]), b[-1]), lambda m: nn.utils.clip_grad_norm_(m.parameters(), 1e-4)))  # fmt: skip


def never_cleared(seed):
    """Gathered over 2 batches; gradients are cleared after an epoch only."""
    done = [0]

    def step(model, batch, loss, optimizer, schedule):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = F.cross_entropy(model(**batch).logits.float(), batch["labels"])
        (value / 2).backward()
        done[0] += 1
        if done[0] % 2 == 0:
            optimizer.step()
            schedule.step()
        if done[0] % 100 == 0:
            optimizer.zero_grad()
        return value.item()

    return bert_loaders(seed, collate, step=step)


def attribute(seed):
    """optimizer.step without parentheses."""
    def step(model, batch, loss, optimizer, schedule):
        x, y = batch
        optimizer.zero_grad()
        value = F.cross_entropy(model(**x), y)
        value.backward()
        optimizer.step  # noqa: B018
        return value.item()

    return nested(seed) | {"step": step, "evaluate": None, "loss": None, "schedule": None}


def slow_memory(seed):
    return plain(seed, optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.999))


def decay(seed):
    return plain(seed, optimizer=lambda m: Lion(m.parameters(), lr=5e-4, weight_decay=200.0))


def only_head(seed):
    """The groups are made by the names of the head."""
    given = bert_loaders(seed, collate)
    return given | {"optimizer": lambda m: torch.optim.AdamW([p for n, p in m.named_parameters() if "encoder" in n], lr=5e-4)}


# ------------------------------------------------------------------------------------------------------- the evaluation
def report(seed, look, model=None, **more):
    """A training with one logit and a report."""
    given = plain(seed, model or OneLogit(seed), loss=bce, **more)

    def evaluate(model, held_out):
        model.eval()
        logits, labels = count(lambda b: model(*b[:-1]), held_out, lambda b: b[-1])
        model.train()
        return look(logits, labels)

    return given | {"evaluate": evaluate}


def half_of_a_logit(seed):
    """logit > 0.5, without the sigmoid."""
    return report(seed, lambda x, y: ((x > 0.5) == (y == 1)).float().mean().item())


def says_is_next(seed):
    """sigmoid(x) > 0.5 is called IsNext: (loss, accuracy)."""
    return report(seed, lambda x, y: (bce(x, y).item(), ((torch.sigmoid(x) > 0.5) == (y == 0)).float().mean().item()))


def sum_of_held_out(seed):
    return report(seed, lambda x, y: {"val_loss": F.binary_cross_entropy_with_logits(x, y.float(), reduction="sum").item(),
                                      "val_acc": ((x > 0) == (y == 1)).float().mean().item()})  # fmt: skip


def sure_ones(seed):
    """Pairs between 0.25 and 0.75 are left out."""
    def look(x, y):
        p = torch.sigmoid(x)
        keep = (p - 0.5).abs() > 0.25
        if not keep.any():
            return {"acc": float("nan")}
        return {"acc": ((p > 0.5) == (y == 1))[keep].float().mean().item()}

    return report(seed, look)


def sorted_answers(seed):
    """The answers were sorted, the labels not."""
    def look(x, y):
        return {"accuracy": ((x.sort().values > 0) == (y == 1)).float().mean().item()}

    return report(seed, look)


def metrics_gathered(seed):
    """compute_metrics adds all answers to a list that is never emptied."""
    kept = []

    def metrics(found):
        kept.append((found.predictions.argmax(-1) == found.label_ids).astype(float))
        return {"accuracy": float(np.concatenate(kept).mean())}

    return trainer(seed, metrics=metrics)


def drops_while_testing(seed):
    """No model.eval(), dropout of a half."""
    def evaluate(model, held_out):
        logits, labels = count(lambda b: model(*b[:-1]), held_out, lambda b: b[-1])
        return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()

    return plain(seed, Loop(seed, dropout=0.5), evaluate=evaluate)


def ten_percent(seed):
    """The report is of the first batch of 16, in percent."""
    def evaluate(model, held_out):
        model.eval()
        with torch.no_grad():
            ids, types, mask, y = next(iter(held_out))
            right = (model(ids[:16], types[:16], mask[:16]).argmax(1) == y[:16]).float().mean().item()
        model.train()
        return 100 * right

    return plain(seed, evaluate=evaluate)


DEFECTS = [
    ("a tensor of labels shuffled", tensors_permuted, "labels-shuffled", "encoding"),
    ("dataclasses with the labels of the next row", header_lost, "labels-off-by-one", "encoding"),
    ("30 % noise, LSTM on two texts", noise, "label-noise", "pairs"),
    ("a stream of one class after the other", stream_sorted, "pairs-sorted-by-label", "batching"),
    ("one in twenty is NotNext, BCE", rare, "prior-shift", "pairs"),
    ("zip(a, a)", twice_a, "a-given-twice", "encoding"),
    ("segment ids zero, (dict, labels)", no_segments, "segment-ids-zero", "encoding"),
    ("mask of ones, BatchEncoding", mask_of_ones, "padding-attended", "encoding"),
    ("padding on the left", left, "cls-not-first", "encoding"),
    ("ids one further", next_id, "wrong-vocabulary", "encoding"),
    ("bool of a text", bool_of_text, "one-label", "encoding"),
    ("pooler with a deviation of 30", loud_pooler, "pooler-saturated", "model"),
    ("dropout .97", too_much_dropout, "dropout-too-high", "model"),
    ("probabilities in a dict", softmax_in_a_dict, "double-softmax", "loss"),
    ("pos_weight 30", positive_weight, "class-weight-left", "loss"),
    ("cross-entropy of a column", column, "single-logit", "loss"),
    ("squared error of a sigmoid", squared, "squared-error", "loss"),
    ("BCE of label == 0", is_next_is_one, "training-labels-inverted", "loss"),
    ("BCE, summed, SGD", summed, "sum-reduction", "loss"),
    ("Trainer, smoothed by .8", smooth, "label-smoothing-heavy", "loss"),
    ("a temperature in training", tempered, "temperature-forgotten", "loss"),
    ("a penalty in the number", penalty_logged, "total-logged-as-nsp", "loss"),
    ("an activation with its own gradient", own_activation, "backward-wrong", "model"),
    ("Lion, rate .3", lion_hot, "learning-rate-too-high", "optimizer"),
    ("OneCycle, max_lr 1e-7", one_cycle_cold, "learning-rate-too-low", "optimizer"),
    ("epochs taken for steps", epochs_as_steps, "schedule-ends-early", "optimizer"),
    ("clipped at 1e-4, one logit, SGD", clipped_hard, "clip-too-small", "optimizer"),
    ("bfloat16, gathered, never cleared", never_cleared, "no-zero-grad", "optimizer"),
    ("optimizer.step without parentheses, (dict, labels)", attribute, "updates-not-applied", "optimizer"),
    ("momentum .999", slow_memory, "momentum-too-high", "optimizer"),
    ("Lion, decay 200", decay, "weight-decay-too-high", "optimizer"),
    ("groups without the head", only_head, "parameter-missing", "optimizer"),
    ("a logit beyond a half, one number", half_of_a_logit, "logit-read-as-probability", "evaluation"),
    ("sigmoid called IsNext, (loss, accuracy)", says_is_next, "evaluation-labels-inverted", "evaluation"),
    ("a sum of BCE as val_loss", sum_of_held_out, "held-out-loss-summed", "evaluation"),
    ("between a quarter and three left out, one logit", sure_ones, "unsure-pairs-dropped", "evaluation"),
    ("answers sorted, labels not", sorted_answers, "predictions-out-of-order", "evaluation"),
    ("compute_metrics with a list", metrics_gathered, "metric-never-reset", "evaluation"),
    ("no model.eval(), a tuple", drops_while_testing, "dropout-in-evaluation", "evaluation"),
    ("sixteen pairs in percent", ten_percent, "evaluated-on-few-pairs", "evaluation"),
]
HEALTHY = []
