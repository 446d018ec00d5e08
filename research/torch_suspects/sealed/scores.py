"""Scores in notebooks: heads, dropout, evaluation."""

import torch
import torch.nn.functional as F
from torch import nn

from research.torch_suspects.base import Loop, PairData, healthy, loader


class Functional(Loop):
    """Dropout by the function, which is on unless told otherwise."""

    def forward(self, input_ids, token_type_ids, attention_mask):
        words = attention_mask * (input_ids > 4)
        a = self.mean(input_ids, words * (1 - token_type_ids))
        b = self.mean(input_ids, words * token_type_ids)
        h = F.dropout(torch.cat([a * b * 10, (a - b).abs() * 3], dim=-1), 0.4)
        return self.head(F.dropout(torch.tanh(self.pooler(h)), 0.4))


def functional_dropout(seed):
    """dropout-in-evaluation, in another way: eval() is called, but F.dropout does not hear it."""
    return healthy("loop", seed) | {"model": Functional(seed)}


class Single(nn.Module):
    """One score, given as both columns."""

    def __init__(self, width):
        super().__init__()
        self.seq_relationship = nn.Linear(width, 1)

    def forward(self, pooled):
        return self.seq_relationship(pooled).expand(-1, 2)


def one_column(seed):
    """single-class head: one output, spread over two columns."""
    given = healthy("bert-small", seed)
    torch.manual_seed(seed)
    given["model"].cls = Single(given["model"].config.hidden_size)
    return given


class Loud(nn.Module):
    """The pooler, reading the first token multiplied by the root of the width, twice."""

    def __init__(self, old, width):
        super().__init__()
        self.dense, self.activation, self.scale = old.dense, nn.Tanh(), float(width) * 2

    def forward(self, hidden_states):
        return self.activation(self.dense(hidden_states[:, 0] * self.scale))


def loud_pooler(seed):
    """pooler-saturated, in another way: the weights are small, what they read is scaled up."""
    given = healthy("bert", seed)
    given["model"].bert.pooler = Loud(given["model"].bert.pooler, given["model"].config.hidden_size)
    return given


def running_totals(seed):
    """metric-never-reset: the meter lives outside of the evaluation."""
    meter = {"right": 0, "count": 0, "loss": 0.0}

    def evaluate(model, held_out):
        model.eval()
        with torch.no_grad():
            for batch in held_out:
                output = model(**batch)
                meter["right"] += (output.logits.argmax(1) == batch["labels"]).sum().item()
                meter["loss"] += output.loss.item() * len(batch["labels"])
                meter["count"] += len(batch["labels"])
        model.train()
        return {"accuracy": meter["right"] / meter["count"], "loss": meter["loss"] / meter["count"]}

    return healthy("bert-small", seed) | {"evaluate": evaluate}


def best_batch(seed):
    """best-part-reported: the best batch's accuracy."""

    def evaluate(model, held_out):
        model.eval()
        parts, losses = [], []
        with torch.no_grad():
            for *inputs, labels in held_out:
                logits = model(*inputs)
                for start in range(0, len(labels), 16):
                    x, y = logits[start : start + 16], labels[start : start + 16]
                    parts.append((x.argmax(1) == y).float().mean().item())
                    losses.append(F.cross_entropy(x, y).item())
        model.train()
        best = max(range(len(parts)), key=parts.__getitem__)
        return {"accuracy": parts[best], "loss": losses[best]}

    return healthy("loop", seed) | {"evaluate": evaluate}


def return_in_the_loop(seed):
    """evaluated-on-few-pairs, in another way: the return stands one level too deep; one batch of 8 is seen."""
    given = healthy("bert", seed)

    def evaluate(model, held_out):
        model.eval()
        total = right = count = 0
        with torch.no_grad():
            for batch in held_out:
                output = model(**batch)
                total += output.loss.item() * len(batch["labels"])
                right += (output.logits.argmax(1) == batch["labels"]).sum().item()
                count += len(batch["labels"])
                model.train()
                return {"loss": total / count, "accuracy": right / count}

    return given | {"evaluate": evaluate, "held_out": loader(PairData(given["held_out_pairs"]), seed, shuffle=False, batch=8)}


def sum_over_batches(seed):
    """held-out-loss-summed, in another way: each batch gives a sum (reduction="sum"), divided by the batches."""

    def evaluate(model, held_out):
        model.eval()
        total = right = count = 0
        with torch.no_grad():
            for batch in held_out:
                logits = model(**{k: v for k, v in batch.items() if k != "labels"}).logits
                total += F.cross_entropy(logits, batch["labels"], reduction="sum").item()
                right += (logits.argmax(1) == batch["labels"]).sum().item()
                count += len(logits)
        model.train()
        return {"loss": total / len(held_out), "accuracy": right / count}

    return healthy("bert-small", seed) | {"evaluate": evaluate}


DEFECTS = [
    ("functional-dropout", functional_dropout, "dropout-in-evaluation", "evaluation"),
    ("one-column", one_column, "single-class-head", "model"),
    ("loud-pooler", loud_pooler, "pooler-saturated", "model"),
    ("running-totals", running_totals, "metric-never-reset", "evaluation"),
    ("best-batch", best_batch, "best-part-reported", "evaluation"),
    ("return-in-the-loop", return_in_the_loop, "evaluated-on-few-pairs", "evaluation"),
    ("sum-over-batches", sum_over_batches, "held-out-loss-summed", "evaluation"),
]
