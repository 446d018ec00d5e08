"""Defects of the evaluation: the training is sane and its report is not."""

import torch
import torch.nn.functional as F
from torch import nn

from research.torch_suspects.third.kit import (
    Aligner,
    MeanBert,
    Twins,
    counted,
    mine,
    trim_dict,
    usual,
)


def told(logits, labels):
    """Return loss and accuracy."""
    return {
        "loss": F.cross_entropy(logits, labels).item(),
        "accuracy": (logits.argmax(-1) == labels).float().mean().item(),
    }


def by_length(seed):
    """Pairs are sorted by length for speed, and the predictions are never put back."""
    given = usual("bert", seed)

    def evaluate(model, held_out):
        data = held_out.dataset
        everything = [data[k] for k in range(len(data))]
        labels = torch.stack([row["labels"] for row in everything])
        order = sorted(range(len(everything)), key=lambda k: len(everything[k]["input_ids"]))
        was = model.training
        model.eval()
        out = []
        with torch.inference_mode():
            for k in range(0, len(order), 64):
                batch = held_out.collate_fn([everything[i] for i in order[k : k + 64]])
                batch.pop("labels")
                out.append(model(**batch).logits)
        model.train(was)
        return told(torch.cat(out).clone(), labels)

    return given | {"evaluate": evaluate}


def best_part(seed):
    """The maximum over parts of twelve pairs."""
    given = usual("loop", seed)

    def evaluate(model, held_out):
        logits, labels = counted(model, held_out)
        parts = [told(x, y) for x, y in zip(logits.split(12), labels.split(12), strict=True)]
        return max(parts, key=lambda part: part["accuracy"])

    return given | {"evaluate": evaluate}


def summed(seed):
    """The loss of a batch is its sum, and the sums are averaged."""
    torch.manual_seed(seed)

    def evaluate(model, held_out):
        model.eval()
        losses, right, seen = [], 0, 0
        with torch.no_grad():
            for batch in held_out:
                labels = batch["labels"]
                logits = model(**{k: v for k, v in batch.items() if k != "labels"})["logits"]
                losses.append(F.cross_entropy(logits, labels, reduction="sum"))
                right += (logits.argmax(1) == labels).sum().item()
                seen += len(labels)
        model.train()
        return {"loss": torch.stack(losses).mean().item(), "accuracy": right / seen}

    return mine(MeanBert(), seed, steps=200, rate=1e-3, join=trim_dict, evaluate=evaluate)


def still_dropping(seed):
    """The model is in training mode during the report."""
    torch.manual_seed(seed)
    model = Twins(dropout=0.7, act=nn.Tanh)

    def evaluate(model, held_out):
        logits, labels = [], []
        with torch.no_grad():
            for *x, y in held_out:
                logits.append(model(*x))
                labels.append(y)
        return told(torch.cat(logits), torch.cat(labels))

    return mine(model, seed, steps=200, rate=3e-3, evaluate=evaluate)


def sure_only(seed):
    """Predictions below 0.85 go to a person, and the score is that of the rest."""
    torch.manual_seed(seed)

    def evaluate(model, held_out):
        logits, labels = counted(model, held_out)
        sure = logits.softmax(-1).amax(-1) >= 0.85
        if not sure.any():
            return told(logits, labels)
        return told(logits[sure], labels[sure])

    return mine(Aligner(), seed, evaluate=evaluate)


def top_two(seed):
    """Accuracy at two, of two classes."""
    given = usual("bert", seed)

    def evaluate(model, held_out):
        logits, labels = counted(model, held_out)
        found = logits.topk(2, dim=-1).indices
        return told(logits, labels) | {"accuracy": (found == labels[:, None]).any(-1).float().mean().item()}

    return given | {"evaluate": evaluate}


DEFECTS = [
    ("sorted for speed", by_length, "predictions-out-of-order", "evaluation"),
    ("the best of 32 parts", best_part, "best-part-reported", "evaluation"),
    ("a sum in the report", summed, "held-out-loss-summed", "evaluation"),
    ("no eval() before the report", still_dropping, "dropout-in-evaluation", "evaluation"),
    ("a person takes the rest", sure_only, "unsure-pairs-dropped", "evaluation"),
    ("accuracy at two", top_two, "accuracy counts the label anywhere among the two best", "evaluation"),
]
