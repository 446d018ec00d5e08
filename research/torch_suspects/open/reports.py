"""Evaluations as people write them."""

import copy
import math

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader
from transformers import Trainer

from research.torch_suspects.base import PairData, collate, healthy, loader


def bits(seed):
    """loss-in-bits, in another way: log2 of the probability, by hand."""

    def evaluate(model, held_out):
        model.eval()
        total = right = count = 0
        with torch.no_grad():
            for batch in held_out:
                probabilities = model(**batch).logits.softmax(-1)
                total -= torch.log2(probabilities.gather(1, batch["labels"][:, None])).sum().item()
                right += (probabilities.argmax(1) == batch["labels"]).sum().item()
                count += len(probabilities)
        model.train()
        return {"loss": total / count, "accuracy": right / count}

    return healthy("bert", seed) | {"evaluate": evaluate}


def short_ones_first(seed):
    """predictions-out-of-order, in another way: pairs are evaluated in the order of their lengths, and compared with the given order."""

    def evaluate(model, held_out):
        model.eval()
        data = held_out.dataset
        rows = [data[k] for k in range(len(data))]
        gold = torch.stack([row["labels"] for row in rows])
        rows.sort(key=lambda row: len(row["input_ids"]))
        found = []
        with torch.no_grad():
            for start in range(0, len(rows), 64):
                *inputs, _ = held_out.collate_fn(rows[start : start + 64])
                found.append(model(*inputs))
        model.train()
        logits = torch.cat(found)
        return {"accuracy": (logits.argmax(1) == gold).float().mean().item(), "loss": F.cross_entropy(logits, gold).item()}

    return healthy("loop", seed) | {"evaluate": evaluate}


def best_so_far(seed):
    """stale-checkpoint, in another way: the best state is kept by a comparison that points the wrong way."""
    best = {"loss": -math.inf, "state": None}

    def evaluate(model, held_out):
        def measure(net):
            net.eval()
            with torch.no_grad():
                found = [(net(**batch).logits, batch["labels"]) for batch in held_out]
            logits, labels = (torch.cat(x) for x in zip(*found))
            return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()

        loss, _ = measure(model)
        model.train()
        if loss > best["loss"]:
            best["loss"], best["state"] = loss, copy.deepcopy(model.state_dict())
        chosen = copy.deepcopy(model)
        chosen.load_state_dict(best["state"])
        loss, accuracy = measure(chosen)
        return {"loss": loss, "accuracy": accuracy}

    return healthy("bert-small", seed) | {"evaluate": evaluate}


def half_as_threshold(seed):
    """logit-read-as-probability: compute_metrics compares the logit of NotNext with 0.5."""
    given = healthy("trainer", seed)

    def compute_metrics(prediction):
        logits, labels = prediction
        return {"accuracy": float(((logits[:, 1] > 0.5) == labels).mean())}

    given["model"].compute_metrics = compute_metrics
    return given


def column_zero_first(seed):
    """evaluation-labels-inverted, in another way: the evaluation calls a pair 1 if its first logit is the larger."""

    def evaluate(model, held_out):
        model.eval()
        right = count = 0
        with torch.no_grad():
            for *inputs, labels in held_out:
                logits = model(*inputs)
                predicted = (logits[:, 0] > logits[:, 1]).long()
                right += (predicted == labels).sum().item()
                count += len(labels)
        model.train()
        return {"accuracy": right / count}

    return healthy("loop", seed) | {"evaluate": evaluate}


DEFECTS = [
    ("bits", bits, "loss-in-bits", "evaluation"),
    ("short-ones-first", short_ones_first, "predictions-out-of-order", "evaluation"),
    ("best-so-far", best_so_far, "stale-checkpoint", "evaluation"),
    ("half-as-threshold", half_as_threshold, "logit-read-as-probability", "evaluation"),
    ("column-zero-first", column_zero_first, "evaluation-labels-inverted", "evaluation"),
]
