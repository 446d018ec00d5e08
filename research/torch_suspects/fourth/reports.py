"""Reports on held-out pairs."""

import io
from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F

from research.torch_suspects.base import Loop, bert

from ._kit import Rows, Towers, as_dict, as_object, as_tuple, data, load
from .descents import adam, given
from .gathered import trainer

STEPS = 200


# -- a Trainer whose metric has its own idea of the positive class --------------------------------------------------------
def metrics(prediction):
    probability = torch.softmax(torch.tensor(prediction.predictions), -1)[:, 0].numpy()
    called_next = (probability > 0.5).astype(int)
    return {"accuracy": float((called_next == prediction.label_ids).mean()), "next_rate": float(called_next.mean())}


def trainer_with_metrics(seed):
    tr, kept_out, extra = data(seed)
    return dict(
        model=trainer(bert(1, seed), Rows(tr), Rows(kept_out), seed, compute_metrics=metrics, warmup_steps=15),
        pairs=tr, held_out_pairs=kept_out, **extra,
    )


# -- a store of weights -----------------------------------------------------------------------------------------------------
class Store:
    def __init__(self):
        self.blob = None

    def keep(self, model):
        if self.blob is None:
            self.blob = io.BytesIO()
            torch.save(model.state_dict(), self.blob)

    def into(self, model):
        self.blob.seek(0)
        model.load_state_dict(torch.load(self.blob))
        return model


def report_from_the_store(seed):
    store = Store()

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(batch["input_ids"], batch["token_type_ids"], batch["attention_mask"]), batch["labels"])
        value.backward()
        optimizer.step()
        store.keep(model)
        return value

    @torch.no_grad()
    def evaluate(model, held_out):
        store.keep(model)
        twin = store.into(deepcopy(model)).eval()
        right = loss = n = 0
        for b in held_out:
            z = twin(b["input_ids"], b["token_type_ids"], b["attention_mask"])
            right += (z.argmax(-1) == b["labels"]).sum().item()
            loss += F.cross_entropy(z, b["labels"], reduction="sum").item()
            n += len(z)
        return {"loss": loss / n, "accuracy": right / n}

    return given(
        seed, Towers(seed, "mlp"), loss=F.cross_entropy, optimizer=adam(), step=step, evaluate=evaluate,
    )


# -- a fast evaluation in buckets of length ------------------------------------------------------------------------------------
class BucketedEvaluation:
    def __init__(self, rows, size=64):
        self.rows, self.size = Rows(rows), size
        self.labels = np.array([y for *_, y in rows])
        self.by_length = sorted(range(len(rows)), key=lambda i: len(self.rows[i][0]))

    @torch.no_grad()
    def __call__(self, model):
        was = model.training
        model.eval()
        out = []
        for k in range(0, len(self.by_length), self.size):
            ids, types, mask, _ = as_tuple([self.rows[i] for i in self.by_length[k : k + self.size]])
            out.append(model(ids, types, mask).log_softmax(-1).numpy())
        model.train(was)
        logs = np.concatenate(out)
        return (
            float(-logs[np.arange(len(logs)), self.labels].mean()),
            float((logs.argmax(1) == self.labels).mean()),
        )


def buckets(seed):
    tr, kept_out, extra = data(seed)
    return given(
        seed, Loop(seed), as_tuple, loss=F.cross_entropy, optimizer=adam(), evaluate=BucketedEvaluation(kept_out),
    )


# -- only answers that count -----------------------------------------------------------------------------------------------------
@torch.inference_mode()
def confident_accuracy(model, held_out):
    model.eval()
    counted, right = 0, 0
    for batch in held_out:
        p = model(batch.input_ids, batch.token_type_ids, batch.attention_mask).softmax(dim=1)
        top, guess = p.max(dim=1)
        sure = top >= 0.9
        counted += int(sure.sum())
        right += int((guess == batch.labels)[sure].sum())
    model.train()
    return right / max(counted, 1)


def answers_that_count(seed):
    return given(
        seed, Towers(seed, "conv"), as_object, loss=torch.nn.CrossEntropyLoss(), optimizer=adam(1e-3),
        evaluate=confident_accuracy,
    )


# -- a meter made once -------------------------------------------------------------------------------------------------------------
class Meter:
    def __init__(self):
        self.total, self.count = 0.0, 0

    def add(self, values):
        self.total += float(values.sum())
        self.count += len(values)

    @property
    def mean(self):
        return self.total / self.count


def make_evaluate():
    hit, cost = Meter(), Meter()

    def evaluate(model, held_out):
        model.eval()
        with torch.no_grad():
            for batch in held_out:
                y = batch["labels"]
                z = model(**{k: v for k, v in batch.items() if k != "labels"}).logits
                hit.add((z[:, 1] > z[:, 0]) == (y == 1))
                cost.add(F.cross_entropy(z, y, reduction="none"))
        model.train()
        return {"accuracy": hit.mean, "loss": cost.mean}

    return evaluate


def one_meter_for_all(seed):
    return given(
        seed, bert(1, seed), optimizer=adam(5e-4, torch.optim.AdamW), evaluate=make_evaluate(),
        schedule=lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS),
    )


DEFECTS = [
    ("Trainer with metrics", trainer_with_metrics, "evaluation-labels-inverted", "evaluation"),
    ("store of weights", report_from_the_store, "stale-checkpoint", "evaluation"),
    ("buckets of length", buckets, "predictions-out-of-order", "evaluation"),
    ("answers that count", answers_that_count, "unsure-pairs-dropped", "evaluation"),
    ("one meter", one_meter_for_all, "metric-never-reset", "evaluation"),
]
HEALTHY = []
