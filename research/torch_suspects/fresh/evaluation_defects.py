"""What goes wrong in a report: the training is well."""

from copy import deepcopy

import torch
import torch.nn.functional as F

from research.torch_suspects.base import healthy, linear
from research.torch_suspects.fresh.common import (
    Aligned, Kernels, Siamese, adamw, electra, loaders, pad_tuple, read_all, shorter, strip,
)  # fmt: skip

HEALTHY = []


def own(seed, model, join=pad_tuple, **more):
    given = loaders(strip(healthy("loop", seed)), join)
    return given | {
        "model": model, "loss": F.cross_entropy, "optimizer": adamw(2e-3), "schedule": linear(150), "steps": 150,
    } | more  # fmt: skip


def held(given, model):
    model.eval()
    logits, labels = read_all(model, given["held_out"])
    model.train()
    return logits, labels


def one_is_is_next(seed):
    """id2label = {0: 'NotNext', 1: 'IsNext'} in the report."""
    given = loaders(healthy("bert-small", seed))
    gold = {0: "IsNext", 1: "NotNext"}
    shown = {0: "NotNext", 1: "IsNext"}

    def evaluate(model):
        logits, labels = held(given, model)
        said = [shown[int(k)] for k in logits.argmax(-1)]
        right = [s == gold[int(k)] for s, k in zip(said, labels, strict=True)]
        return {"accuracy": sum(right) / len(right), "loss": F.cross_entropy(logits, labels).item()}

    return given | {"evaluate": evaluate}


def best_never_replaced(seed):
    """best.pt is written before the first step; `if loss > best` never writes it again, and the report reads it."""
    given = own(seed, Aligned(seed))
    saved = {"state": deepcopy(given["model"].state_dict())}

    def evaluate(model):
        now = deepcopy(model.state_dict())
        model.load_state_dict(saved["state"])
        logits, labels = held(given, model)
        model.load_state_dict(now)
        return {
            "loss": F.cross_entropy(logits, labels).item(),
            "accuracy": (logits.argmax(-1) == labels).float().mean().item(),
        }

    return given | {"evaluate": evaluate}


def sorted_by_length(seed):
    """Held-out pairs are sorted by length for speed; labels come from the file."""
    given = own(seed, Siamese("gru", seed))

    def evaluate(model):
        model.eval()
        rows = given["held_out"].dataset.rows
        order = sorted(range(len(rows)), key=lambda k: len(rows[k]["input_ids"]))
        out = []
        with torch.no_grad():
            for k in range(0, len(order), 64):
                batch = pad_tuple([rows[i] for i in order[k : k + 64]])
                out.append(model(*batch[:-1]))
        model.train()
        logits, labels = torch.cat(out), torch.tensor([r["labels"] for r in rows])
        return {
            "loss": F.cross_entropy(logits, labels).item(),
            "accuracy": (logits.argmax(-1) == labels).float().mean().item(),
        }

    return given | {"evaluate": evaluate}


def above_a_half(seed):
    """logits[:, 0] > 0.5 is read as IsNext."""
    given = own(seed, Kernels(seed))

    def evaluate(model):
        logits, labels = held(given, model)
        is_next = logits[:, 0] > 0.5
        return {
            "accuracy": (is_next == (labels == 0)).float().mean().item(),
            "loss": F.cross_entropy(logits, labels).item(),
        }

    return given | {"evaluate": evaluate}


def return_in_the_loop(seed):
    """`return` is indented too far: the report is of the first eight pairs."""
    given = loaders(healthy("bert-small", seed))
    small = torch.utils.data.DataLoader(given["held_out"].dataset, 8, collate_fn=given["held_out"].collate_fn)

    def evaluate(model):
        model.eval()
        right, count, total = 0, 0, 0.0
        with torch.no_grad():
            for batch in small:
                out = model(**batch)
                right += (out.logits.argmax(-1) == batch["labels"]).sum().item()
                count += len(batch["labels"])
                total += out.loss.item() * len(batch["labels"])
                model.train()
                return {"accuracy": right / count, "loss": total / count}

    return given | {"evaluate": evaluate}


def confident_only(seed):
    """Pairs with p < 0.9 'need a human' and are left out."""
    given = loaders(healthy("loop", seed), pad_tuple)

    def evaluate(model):
        logits, labels = held(given, model)
        sure = logits.softmax(-1).max(-1).values > 0.9
        if not sure.any():
            return {"accuracy": 0.0, "loss": 0.0}
        return {
            "accuracy": (logits.argmax(-1) == labels)[sure].float().mean().item(),
            "loss": F.cross_entropy(logits[sure], labels[sure]).item(),
        }

    return given | {"evaluate": evaluate}


def max_over_batches(seed):
    """accuracy = max(accuracy, of this batch), batches of 16."""
    given = own(seed, Kernels(seed))
    parts = torch.utils.data.DataLoader(given["held_out"].dataset, 16, collate_fn=pad_tuple)

    def evaluate(model):
        model.eval()
        best, low = 0.0, float("inf")
        with torch.no_grad():
            for *x, y in parts:
                logits = model(*x)
                best = max(best, (logits.argmax(-1) == y).float().mean().item())
                low = min(low, F.cross_entropy(logits, y).item())
        model.train()
        return {"accuracy": best, "loss": low}

    return given | {"evaluate": evaluate}


def sum_over_batch(seed):
    """reduction='sum', divided by the number of batches."""
    given = shorter(loaders(healthy("bert", seed)), 120)

    def evaluate(model):
        model.eval()
        total, right, count = 0.0, 0, 0
        with torch.no_grad():
            for batch in given["held_out"]:
                y = batch["labels"]
                logits = model(**{k: v for k, v in batch.items() if k != "labels"}).logits
                total += F.cross_entropy(logits, y, reduction="sum").item()
                right += (logits.argmax(-1) == y).sum().item()
                count += len(y)
        model.train()
        return {"loss": total / len(given["held_out"]), "accuracy": right / count}

    return given | {"evaluate": evaluate}


def counter_outside(seed):
    """right and count are made once, outside of evaluate."""
    given = own(seed, Siamese("cnn", seed))
    meter = {"right": 0, "count": 0, "total": 0.0}

    def evaluate(model):
        logits, labels = held(given, model)
        meter["right"] += (logits.argmax(-1) == labels).sum().item()
        meter["count"] += len(labels)
        meter["total"] += F.cross_entropy(logits, labels, reduction="sum").item()
        return {"accuracy": meter["right"] / meter["count"], "loss": meter["total"] / meter["count"]}

    done = [0]

    def step(model, batch, loss, optimizer, scheduler):
        """The loop logs a report in every 15th step."""
        if done[0] % 15 == 0:
            evaluate(model)
        done[0] += 1
        optimizer.zero_grad()
        value = loss(model(*batch[:-1]), batch[-1])
        value.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return value.detach()

    return given | {"evaluate": evaluate, "step": step}


def words_and_pairs(seed):
    """The report's loss is that of masked words and of pairs together."""
    given = loaders(strip(healthy("loop", seed)))
    given |= {
        "model": electra(seed), "loss": None, "optimizer": adamw(5e-4), "schedule": linear(150), "steps": 150,
    }  # fmt: skip

    def evaluate(model):
        model.eval()
        total, right, count = 0.0, 0, 0
        with torch.no_grad():
            for batch in given["held_out"]:
                out = model(**batch)
                hidden = model.electra(batch["input_ids"], attention_mask=batch["attention_mask"],
                                       token_type_ids=batch["token_type_ids"]).last_hidden_state  # fmt: skip
                scores = hidden @ model.electra.embeddings.word_embeddings.weight[:3000].T
                at = (batch["input_ids"] > 4) & (batch["input_ids"] < 3000)
                words = F.cross_entropy(scores[at][::7], batch["input_ids"][at][::7])
                total += (out.loss + words).item() * len(batch["labels"])
                right += (out.logits.argmax(-1) == batch["labels"]).sum().item()
                count += len(batch["labels"])
        model.train()
        return {"loss": total / count, "accuracy": right / count}

    return given | {"evaluate": evaluate}


DEFECTS = [
    ("the saved weights are never replaced (decomposable attention)", best_never_replaced, "stale-checkpoint", "evaluation"),
    ("sorted by length, labels in the order of the file (GRU)", sorted_by_length, "predictions-out-of-order", "evaluation"),
    ("return within the loop over batches of 8", return_in_the_loop, "evaluated-on-few-pairs", "evaluation"),
    ("only pairs with p > .9 count", confident_only, "unsure-pairs-dropped", "evaluation"),
    ("sum over a batch, divided by the number of batches", sum_over_batch, "held-out-loss-summed", "evaluation"),
    ("the counters live outside (CNN)", counter_outside, "metric-never-reset", "evaluation"),
]

# Checked in the same way, kept out for brevity.
MORE = [
    ("the report's id2label is turned round", one_is_is_next, "evaluation-labels-inverted", "evaluation"),
    ("the first logit above a half (kernel pooling)", above_a_half, "logit-read-as-probability", "evaluation"),
    ("the best batch of 16 (kernel pooling)", max_over_batches, "best-part-reported", "evaluation"),
    ("masked words in the reported loss (Electra)", words_and_pairs, "total-logged-as-nsp", "evaluation"),
]
