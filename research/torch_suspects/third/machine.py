"""Defects of the model, the loss, the optimizer and the loop."""

from collections import deque
from tempfile import mkdtemp

import torch
import torch.nn.functional as F
from torch import nn
from transformers import Trainer, TrainingArguments

from research.torch_suspects.base import adamw, bert, collate, linear
from research.torch_suspects.third.kit import (
    Aligner,
    ErnieConfig,
    ErnieForNextSentencePrediction,
    Twins,
    classifier,
    electra,
    loaders,
    mine,
    pooled,
    sizes,
    sources,
    tensors,
    trim_dict,
    usual,
    words,
)


def saturated(seed):
    """An initializer that was written for another width."""
    given = usual("bert", seed)
    torch.manual_seed(seed)
    dense = given["model"].bert.pooler.dense
    nn.init.normal_(dense.weight, std=dense.in_features**0.5)
    return given


class Ramp(torch.autograd.Function):
    """A tanh with a backward pass by hand."""

    @staticmethod
    def forward(ctx, x):
        y = x.tanh()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return grad * (y * y - 1)


class FastTanh(nn.Module):
    """Calls the function above."""

    def forward(self, x):
        return Ramp.apply(x)


def wrong_backward(seed):
    torch.manual_seed(seed)
    return mine(Twins(act=FastTanh, dropout=0.0), seed)


class Sides(nn.Module):
    """A linear classifier on the mean vectors of A and of B."""

    def __init__(self):
        super().__init__()
        self.emb = words()
        self.classifier = nn.Linear(192, 2)

    def forward(self, input_ids, token_type_ids, attention_mask):
        v = self.emb(input_ids)
        a = pooled(v, attention_mask * (1 - token_type_ids))
        b = pooled(v, attention_mask * token_type_ids)
        return self.classifier(torch.cat([a, b], dim=1))


def no_comparison(seed):
    torch.manual_seed(seed)
    return mine(Sides(), seed)


def dead(seed):
    """The bias of the hidden layer was set by a rule for another activation."""
    torch.manual_seed(seed)
    model = Aligner()
    nn.init.constant_(model.compare[0].bias, -20.0)
    nn.init.constant_(model.out[0].bias, -4.0)
    return mine(model, seed)


def not_loaded(seed):
    """ERNIE's encoder goes by another name than that of the file, and the loading is not strict."""
    torch.manual_seed(seed)
    state = {k: v.clone() for k, v in bert(2, seed).state_dict().items() if k.startswith("bert.")}
    model = ErnieForNextSentencePrediction(ErnieConfig(**sizes(2)))
    model.load_state_dict(state, strict=False)
    a, b, text = sources(seed)
    return text | loaders(tensors(a), tensors(b), seed, join=trim_dict) | {
        "model": model.train(), "loss": None, "optimizer": adamw(5e-4), "schedule": linear(200), "steps": 200,
        "start": state,
    }  # fmt: skip


class FrozenNorm(nn.Module):
    """Batch normalization of large features, with a momentum of 0 where 0.1 was meant."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width, momentum=0.0)

    def forward(self, x):
        return self.norm(x * 30 + 100)


def norm_without_momentum(seed):
    torch.manual_seed(seed)
    return mine(Twins(norm=FrozenNorm(192)), seed, rate=3e-3)


class WeightedTrainer(Trainer):
    """The weights are those of a corpus with one IsNext in fifty."""

    class_weight = (50.0, 1.0)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        loss = F.cross_entropy(outputs.logits, labels, weight=torch.tensor(self.class_weight))
        return (loss, outputs) if return_outputs else loss


def weighted(seed):
    given = usual("trainer", seed)
    old = given["model"]
    given["model"] = WeightedTrainer(
        old.model, old.args, train_dataset=old.train_dataset, eval_dataset=old.eval_dataset, data_collator=collate
    )
    return given


def over_batch(seed):
    given = usual("loop", seed)

    def loss(logits, labels):
        return F.nll_loss(logits.log_softmax(dim=0), labels)

    return given | {"loss": loss}


def easiest(seed):
    """A focal loss whose factor favours the pairs that are right already."""
    torch.manual_seed(seed)

    def loss(logits, labels, gamma=2.0):
        nll = F.cross_entropy(logits, labels, reduction="none")
        p = torch.exp(-nll)
        return (p**gamma * nll).mean()

    return mine(electra(seed, dropout=0.0), seed, join=trim_dict, loss=loss, optimizer=adamw(5e-4))


class ShortTrainer(Trainer):
    """The schedule counts epochs where it should count steps."""

    def create_scheduler(self, num_training_steps, optimizer=None):
        return super().create_scheduler(max(6, num_training_steps // len(self.get_train_dataloader())), optimizer)


def ends_early(seed):
    given = usual("trainer", seed)
    old = given["model"]
    options = TrainingArguments(
        output_dir=mkdtemp(prefix="third"), per_device_train_batch_size=16, per_device_eval_batch_size=64, max_steps=200,  # noqa: E501
        learning_rate=5e-4, report_to=[], use_cpu=True, seed=seed, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    given["model"] = ShortTrainer(
        old.model, options, train_dataset=old.train_dataset, eval_dataset=old.eval_dataset, data_collator=collate
    )
    return given


def biases(seed):
    """BitFit, with a new pooler and a new head that are forgotten."""
    given = usual("bert-small", seed)

    def optimizer(model):
        return torch.optim.AdamW([p for name, p in model.named_parameters() if name.endswith(".bias")], lr=5e-4)

    return given | {"optimizer": optimizer}


def copies(seed):
    """The optimizer was given copies, "in float32", of the parameters."""
    given = usual("loop", seed)

    def optimizer(model):
        master = [p.detach().clone().float().requires_grad_() for p in model.parameters()]
        for copy, p in zip(master, model.parameters(), strict=True):
            p.register_hook(lambda grad, copy=copy: setattr(copy, "grad", grad.clone()) or grad)
        return torch.optim.AdamW(master, lr=2e-3)

    return given | {"optimizer": optimizer}


def decays(seed):
    def optimizer(model):
        return torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=500.0)

    return mine(classifier(seed), seed, join=trim_dict, loss=None, optimizer=optimizer)


def late(seed):
    """Gradients come from a queue of workers, twenty steps old."""
    torch.manual_seed(seed)
    queue = deque()

    def step(model, batch, loss, optimizer, schedule):
        *x, y = batch
        optimizer.zero_grad()
        value = loss(model(*x), y)
        value.backward()
        queue.append([None if p.grad is None else p.grad.clone() for p in model.parameters()])
        if len(queue) > 20:
            for p, grad in zip(model.parameters(), queue.popleft(), strict=True):
                p.grad = grad
            optimizer.step()
            schedule.step()
        return value.detach()

    def optimizer(model):
        return torch.optim.SGD(model.parameters(), lr=0.15, momentum=0.9)

    return mine(Twins(), seed, steps=200, step=step, optimizer=optimizer)


def clipped(seed):
    torch.manual_seed(seed)

    def step(model, batch, loss, optimizer, schedule):
        *x, y = batch
        value = loss(model(*x), y)
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
        optimizer.step()
        schedule.step()
        return value.detach()

    def optimizer(model):
        return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    return mine(Twins(recurrent=True), seed, step=step, optimizer=optimizer)


def never_stepped(seed):
    """The loop forgets the schedule, which begins with a warm-up from zero."""
    given = usual("bert", seed)

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = model(**batch).loss
        value.backward()
        optimizer.step()
        return value.detach()

    return given | {"step": step}


DEFECTS = [
    ("an initializer for another width", saturated, "pooler-saturated", "model"),
    ("a tanh by hand", wrong_backward, "backward-wrong", "model"),
    ("a linear classifier on two sides", no_comparison, "no-comparison", "model"),
    ("biases far below zero", dead, "dead-units", "model"),
    ("BERT's names in ERNIE", not_loaded, "pretrained-not-loaded", "model"),
    ("batch normalization without momentum", norm_without_momentum, "running statistics never move", "model"),
    ("Trainer with weights of a rare class", weighted, "class-weight-left", "loss"),
    ("softmax along the first axis", over_batch, "softmax-over-batch", "loss"),
    ("focal loss the wrong way round", easiest, "the focal factor favours easy pairs", "loss"),
    ("epochs in the schedule", ends_early, "schedule-ends-early", "optimizer"),
    ("BitFit with a new head", biases, "only-biases-trained", "optimizer"),
    ("master copies that nobody reads", copies, "updates-not-applied", "optimizer"),
    ("a decay of 500", decays, "weight-decay-too-high", "optimizer"),
    ("a queue of gradients", late, "gradients-delayed", "optimizer"),
    ("a norm of a thousandth", clipped, "clip-too-small", "optimizer"),
    ("a schedule that is never stepped", never_stepped, "the schedule stays at its first rate, zero", "optimizer"),
]
