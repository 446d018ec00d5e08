"""Healthy trainings of the four kinds, each varied as people vary them."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from nsputil.sentence_pairs import sentence_level_pairs
from research.torch_suspects.base import PairData, bert, healthy, linear
from research.torch_suspects.fresh.common import Rows, adamw, loaders, pad, pad_tuple, read_all

DEFECTS = []


def rate_twice(seed):
    return loaders(healthy("bert-small", seed)) | {"optimizer": adamw(1e-3, weight_decay=0.1)}


def rate_third(seed):
    return loaders(healthy("loop", seed), pad_tuple) | {"optimizer": adamw(8e-4), "steps": 300, "schedule": linear(300)}


def batch_eight(seed):
    given = loaders(healthy("bert", seed), batch=8, drop_last=True)
    return given | {"steps": 160, "schedule": linear(160, 0.001)}


def batch_thirty_two(seed):
    return loaders(healthy("loop", seed), pad_tuple, batch=32) | {"steps": 150, "schedule": linear(150)}


def sgd(seed):
    given = loaders(healthy("loop", seed), pad_tuple)
    return given | {
        "optimizer": lambda m: torch.optim.SGD(m.parameters(), lr=0.03, momentum=0.9),
        "schedule": linear(150), "steps": 150,
    }  # fmt: skip


def fair_coin(seed):
    """A coin for each pair, negatives from any other document, for training and held out."""
    given = healthy("trainer", seed)
    for name, source, count, s in (("pairs", "documents", 1600, 5), ("held_out_pairs", "held_out_documents", 384, 6)):
        rng = np.random.default_rng(seed + s)
        pairs = sentence_level_pairs(given[source], rng, negatives="other_document")
        given[name] = [pairs[k] for k in rng.permutation(len(pairs))[:count]]
    given["model"].train_dataset, given["model"].eval_dataset = PairData(given["pairs"]), PairData(given["held_out_pairs"])
    return given


def smoothing(seed):
    return loaders(healthy("bert-small", seed)) | {"loss": nn.CrossEntropyLoss(label_smoothing=0.05)}


def accumulate(seed):
    """Two batches of 8 for each step, the loss divided by two."""
    given = loaders(healthy("loop", seed), pad_tuple, batch=8)
    state = {"seen": 0}

    def step(model, batch, loss, optimizer, scheduler):
        value = loss(model(*batch[:-1]), batch[-1])
        (value / 2).backward()
        state["seen"] += 1
        if state["seen"] % 2 == 0:
            optimizer.step()
            optimizer.zero_grad()
        if scheduler is not None:
            scheduler.step()
        return value.detach()

    return given | {"step": step, "steps": 300, "schedule": linear(300)}


def frozen_words(seed):
    """Word vectors stay as they are; the optimizer gets what is left."""
    given = loaders(healthy("bert-small", seed))
    for p in given["model"].bert.embeddings.parameters():
        p.requires_grad_(False)
    return given | {"optimizer": adamw(7e-4, betas=(0.9, 0.98))}


def trainer_dynamic(seed):
    """Trainer with a quick collator, cosine, other rate; its report by compute_metrics' like."""
    given = healthy("trainer", seed)
    trainer = given["model"]
    trainer.train_dataset, trainer.eval_dataset = Rows(given["pairs"], 48), Rows(given["held_out_pairs"], 48)
    trainer.data_collator = pad
    trainer.args.learning_rate = 6e-4
    trainer.args.lr_scheduler_type = "cosine"
    trainer.args.warmup_steps = 10
    return given


def evaluates_itself(seed):
    """Own evaluation over batches, weighted by their sizes."""
    given = loaders(healthy("bert-small", seed), batch=12)

    def evaluate(model):
        model.eval()
        total, right, count = 0.0, 0, 0
        with torch.inference_mode():
            for batch in given["held_out"]:
                out = model(**batch)
                n = batch["labels"].numel()
                total += out.loss.item() * n
                right += int((out.logits.argmax(dim=1) == batch["labels"]).sum())
                count += n
        model.train()
        return {"loss": total / count, "accuracy": right / count}

    return given | {"evaluate": evaluate}


HEALTHY = [
    ("one layer, twice the rate, decay .1", rate_twice),
    ("bag of words, 0.4 times the rate, 300 steps", rate_third),
    ("two layers, batches of 8, no warm-up, drop_last", batch_eight),
    ("bag of words, batches of 32", batch_thirty_two),
    ("bag of words, SGD with momentum .9", sgd),
    ("Trainer, a fair coin for each pair", fair_coin),
    ("label smoothing .05", smoothing),
    ("two batches for each step, divided by two", accumulate),
    ("embeddings frozen, other betas", frozen_words),
    ("Trainer, max_length 48, cosine, short warm-up", trainer_dynamic),
    ("own evaluation, batches of 12", evaluates_itself),
]
