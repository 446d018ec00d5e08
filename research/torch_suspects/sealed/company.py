"""A company's Trainer scripts and their losses."""

from tempfile import mkdtemp

import torch
import torch.nn.functional as F
from transformers import Trainer, TrainingArguments

from research.torch_suspects.base import BATCH, STEPS, PairData, healthy, loader


def again(given, cls=Trainer, more=None, **changes):
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
            data_collator=old.data_collator, **(more or {}),
        )
    }  # fmt: skip


def in_batch_candidates(seed):
    """softmax-over-batch, in another way: the pairs of a batch are taken as candidates of one question."""

    def loss(outputs, labels, num_items_in_batch=None):
        scores = outputs.logits.log_softmax(dim=0)
        return -scores[torch.arange(len(labels)), labels].mean()

    return again(healthy("trainer", seed), more={"compute_loss_func": loss})


class Masked(Trainer):
    """Label 0 is taken for padding, and set to -100, as for masked words."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs["labels"].masked_fill(inputs["labels"] == 0, -100)
        output = model(**{k: v for k, v in inputs.items() if k != "labels"})
        value = F.cross_entropy(output.logits, labels, reduction="sum") / (labels != -100).sum().clamp(min=1)
        return (value, output) if return_outputs else value


def zero_is_padding(seed):
    """ignore-index-zero, in another way: by -100."""
    return again(healthy("trainer", seed), cls=Masked)


def hot(seed):
    """learning-rate-too-high: 5e-2 for 5e-4, in the arguments."""
    return again(healthy("trainer", seed), learning_rate=5e-2)


def one_pair(seed):
    """batch-too-small: batches of one pair, the same number of steps and the same rate."""
    given = healthy("bert", seed)
    return given | {"train": loader(PairData(given["pairs"]), seed, batch=1)}


def imbalance_of_other_data(seed):
    """class-weight-left: weights of a data set of 1 : 19."""

    def loss(logits, labels):
        return F.cross_entropy(logits, labels, weight=torch.tensor([0.5 / 0.95, 0.5 / 0.05]))

    return healthy("loop", seed) | {"loss": loss}


def sum_of_rows(seed):
    """sum-reduction, in another way: rows are weighted by ones and summed; plain SGD at the rate for means."""

    def loss(logits, labels):
        weights = torch.ones(len(labels))
        return (F.cross_entropy(logits, labels, reduction="none") * weights).sum()

    def factory(model):
        return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    return healthy("loop", seed) | {"loss": loss, "optimizer": factory}


DEFECTS = [
    ("in-batch-candidates", in_batch_candidates, "softmax-over-batch", "loss"),
    ("zero-is-padding", zero_is_padding, "ignore-index-zero", "loss"),
    ("hot", hot, "learning-rate-too-high", "optimizer"),
    ("one-pair", one_pair, "batch-too-small", "batching"),
    ("imbalance-of-other-data", imbalance_of_other_data, "class-weight-left", "loss"),
    ("sum-of-rows", sum_of_rows, "sum-reduction", "loss"),
]
