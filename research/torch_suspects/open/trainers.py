"""Trainings by transformers.Trainer."""

from dataclasses import replace
from tempfile import mkdtemp

import numpy as np
import torch
import torch.nn.functional as F
from transformers import Trainer, TrainingArguments

from nsputil.sentence_pairs import sentence_level_pairs
from research.torch_suspects.base import BATCH, STEPS, PairData, collate, draw, healthy, texts


def again(given, cls=Trainer, **changes):
    """Return `given` with a Trainer of other arguments."""
    old, seed = given["model"], given["seed"]
    arguments = dict(
        output_dir=mkdtemp(prefix="trainer"), per_device_train_batch_size=BATCH, per_device_eval_batch_size=64,
        max_steps=STEPS, learning_rate=5e-4, warmup_steps=20, weight_decay=0.01, report_to=[], use_cpu=True,
        seed=seed, save_strategy="no", disable_tqdm=True,
    ) | changes  # fmt: skip
    return given | {
        "model": cls(
            old.model, TrainingArguments(**arguments), train_dataset=old.train_dataset, eval_dataset=old.eval_dataset,
            data_collator=old.data_collator,
        )
    }  # fmt: skip


def clipped_sgd(seed):
    """clip-too-small (SGD): max_grad_norm meant for another scale."""
    return again(healthy("trainer", seed), optim="sgd", learning_rate=0.02, max_grad_norm=1e-3)


def smoothed(seed):
    """label-smoothing-heavy: 0.6 where 0.06 was meant."""
    return again(healthy("trainer", seed), label_smoothing_factor=0.6)


class Brier(Trainer):
    """squared-error, in another way: the Brier score of the probability of NotNext."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs["labels"]
        outputs = model(**inputs)
        value = (outputs.logits.softmax(-1)[:, 1] - labels.float()).square().mean()
        outputs["loss"] = value
        return (value, outputs) if return_outputs else value


def brier(seed):
    return again(healthy("trainer", seed), cls=Brier)


def yes_is_one(seed):
    """convention-inverted: pairs of both parts say 1 for "yes, it is the next"."""
    given = healthy("trainer", seed)
    pairs = [replace(p, label=1 - p.label) for p in given["pairs"]]
    others = [replace(p, label=1 - p.label) for p in given["held_out_pairs"]]
    given["model"].train_dataset, given["model"].eval_dataset = PairData(pairs), PairData(others)
    return given | {"pairs": pairs, "held_out_pairs": others}


def two_speeches(seed):
    """corpus-duplicated, in another way: the list of files was built in a loop; the same two documents fill it."""
    given = healthy("trainer", seed)
    documents = [d for d in texts()[0] if len(d.sentences) > 30][:2]
    documents = [replace(d, sentences=d.sentences[:14]) for d in documents] * 40
    pairs = []
    rng = np.random.default_rng(seed)
    for k in range(0, len(documents), 2):
        pairs += sentence_level_pairs(documents[k : k + 2], rng, negatives="permuted")
    pairs = [pairs[k] for k in rng.permutation(len(pairs))]
    given["model"].train_dataset = PairData(pairs)
    return given | {"pairs": pairs, "documents": documents}


DEFECTS = [
    ("clipped-sgd", clipped_sgd, "clip-too-small", "optimizer"),
    ("smoothed", smoothed, "label-smoothing-heavy", "loss"),
    ("brier", brier, "squared-error", "loss"),
    ("yes-is-one", yes_is_one, "convention-inverted", "pairs"),
    ("two-speeches", two_speeches, "corpus-duplicated", "pairs"),
]
