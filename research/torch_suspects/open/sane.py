"""Sane trainings of several people."""

from tempfile import mkdtemp

import numpy as np
import torch
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
from transformers import Trainer, TrainingArguments

from nsputil.sentence_pairs import sentence_level_pairs
from research.torch_suspects.base import (
    BATCH, STEPS, Loop, PairData, adamw, collate, collate_tuple, healthy, linear, loader, texts,
)  # fmt: skip


def sgd_momentum(seed):
    """SGD with momentum and Nesterov's step."""

    def factory(model):
        return torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True)

    return healthy("bert-small", seed) | {"optimizer": factory}


def rmsprop(seed):
    def factory(model):
        return torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.95)

    return healthy("loop", seed) | {"optimizer": factory}


def four_parts(seed):
    """Batches of 32 in four parts, their gradients added with the right weights."""
    given = healthy("bert-small", seed)

    def step(model, batch, loss, optimizer, scheduler):
        count, total = len(batch["labels"]), 0.0
        for start in range(0, count, 8):
            part = {k: v[start : start + 8] for k, v in batch.items()}
            value = model(**part).loss * (len(part["labels"]) / count)
            value.backward()
            total = total + value.detach()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        return total

    return given | {"step": step, "train": loader(PairData(given["pairs"]), seed, batch=32), "schedule": linear(120), "steps": 120}


def clip_and_cosine(seed):
    """Clipping at 1, cosine without warm-up."""

    def step(model, batch, loss, optimizer, scheduler):
        value = model(**batch).loss
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        return value

    return healthy("bert", seed) | {
        "step": step, "optimizer": adamw(4e-4), "schedule": lambda optimizer: CosineAnnealingLR(optimizer, STEPS),
    }


def mild_trainer(seed):
    """Trainer with dropout .1 and label smoothing .05, constant rate."""
    given = healthy("trainer", seed)
    old = given["model"]
    for module in old.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.1
    arguments = TrainingArguments(
        output_dir=mkdtemp(prefix="trainer"), per_device_train_batch_size=16, per_device_eval_batch_size=128, max_steps=220,
        learning_rate=4e-4, lr_scheduler_type="constant_with_warmup", warmup_steps=20, label_smoothing_factor=0.05,
        report_to=[], use_cpu=True, seed=seed, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(old.model, arguments, train_dataset=old.train_dataset, eval_dataset=old.eval_dataset, data_collator=collate)
    return given | {"model": trainer}


def balancing_weights(seed):
    """Twice as many NotNext as IsNext in training, and weights that balance them."""
    given = healthy("loop", seed)
    positives = [p for p in given["pairs"] if p.label == 0]
    pairs = positives[: len(positives) // 2] + [p for p in given["pairs"] if p.label == 1]
    pairs = [pairs[k] for k in np.random.default_rng(seed).permutation(len(pairs))]
    counts = np.bincount([p.label for p in pairs])
    weight = torch.tensor(len(pairs) / (2 * counts), dtype=torch.float32)

    def loss(logits, labels):
        return F.cross_entropy(logits, labels, weight=weight)

    return given | {"loss": loss, "pairs": pairs, "train": loader(PairData(pairs), seed, collate_fn=collate_tuple)}


def no_schedule(seed):
    """A constant rate; no schedule; plain Adam without decay."""
    return healthy("bert-small", seed) | {
        "schedule": None, "optimizer": lambda model: torch.optim.Adam(model.parameters(), lr=3e-4),
    }


def static_forty(seed):
    """At most 48 tokens, always padded to 48."""
    given = healthy("bert", seed)

    def join(rows):
        batch = {
            n: torch.stack([F.pad(row[n], (0, 48 - len(row[n]))) for row in rows])
            for n in ("input_ids", "token_type_ids", "attention_mask")
        }
        return batch | {"labels": torch.stack([row["labels"] for row in rows])}

    return given | {
        "train": loader(PairData(given["pairs"], 48), seed, collate_fn=join),
        "held_out": loader(PairData(given["held_out_pairs"], 48), seed, shuffle=False, batch=64, collate_fn=join),
    }


def fair_coin(seed):
    """A coin for each pair; the negatives are about as long as the true B."""
    given = healthy("bert", seed)

    def make(documents, key, count):
        rng = np.random.default_rng(key)
        pairs = sentence_level_pairs(documents, rng, negatives="length_matched")
        return [pairs[k] for k in rng.permutation(len(pairs))[:count]]

    pairs, others = make(texts()[0], seed + 3, 1600), make(texts()[1], seed + 4, 384)
    return given | {
        "pairs": pairs, "held_out_pairs": others, "train": loader(PairData(pairs), seed),
        "held_out": loader(PairData(others), seed, shuffle=False, batch=64),
    }


def frozen_words(seed):
    """The word vectors are frozen and left out of the optimizer; the rest trains."""
    given = healthy("bert-small", seed)
    given["model"].bert.embeddings.word_embeddings.weight.requires_grad_(False)

    def factory(model):
        return torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=8e-4)

    return given | {"optimizer": factory}


def own_evaluation(seed):
    """An own evaluation that is right."""

    def evaluate(model, held_out):
        was = model.training
        model.eval()
        right = loss = count = 0
        with torch.inference_mode():
            for *inputs, labels in held_out:
                logits = model(*inputs)
                loss += F.cross_entropy(logits, labels, reduction="sum").item()
                right += int((logits.argmax(-1) == labels).sum())
                count += labels.numel()
        model.train(was)
        return {"loss": loss / count, "accuracy": right / count}

    return healthy("loop", seed) | {"evaluate": evaluate, "model": Loop(seed, dropout=0.2)}


def tuples_for_bert(seed):
    """BERT fed with tuples; loss and forward are given."""
    given = healthy("bert", seed)

    def forward(model, batch):
        ids, types, mask = batch[:3]
        return model(input_ids=ids, token_type_ids=types, attention_mask=mask).logits

    def step(model, batch, loss, optimizer, scheduler):
        value = loss(forward(model, batch), batch[-1])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        scheduler.step()
        return value

    return given | {
        "forward": forward, "step": step, "loss": F.cross_entropy,
        "train": loader(PairData(given["pairs"]), seed, collate_fn=collate_tuple),
        "held_out": loader(PairData(given["held_out_pairs"]), seed, shuffle=False, batch=64, collate_fn=collate_tuple),
    }


def one_cycle(seed):
    """No dropout, batches of 32, OneCycleLR, smoothing .1."""
    given = healthy("loop", seed)

    def loss(logits, labels):
        return F.cross_entropy(logits, labels, label_smoothing=0.1)

    return given | {
        "model": Loop(seed, dropout=0.0), "loss": loss,
        "optimizer": lambda model: torch.optim.AdamW(model.parameters(), lr=1e-3),
        "schedule": lambda optimizer: OneCycleLR(optimizer, max_lr=4e-3, total_steps=STEPS + 1),
        "train": loader(PairData(given["pairs"]), seed, batch=32, collate_fn=collate_tuple),
    }


HEALTHY = [
    ("sgd-momentum", sgd_momentum), ("rmsprop", rmsprop), ("four-parts", four_parts), ("clip-and-cosine", clip_and_cosine),
    ("mild-trainer", mild_trainer), ("balancing-weights", balancing_weights), ("no-schedule", no_schedule),
    ("static-48", static_forty), ("fair-coin", fair_coin), ("frozen-words", frozen_words), ("own-evaluation", own_evaluation),
    ("tuples-for-bert", tuples_for_bert), ("one-cycle", one_cycle),
]
