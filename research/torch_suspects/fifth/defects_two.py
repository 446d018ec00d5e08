"""Sick trainings with modules and loops of their own: model, loss, optimizer, evaluation."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from ._kit import Batch, OneText, Towers, bce, decide, plain_step, reader, report, towers
from .own_healthy import WithNorm


def keep_two_of_a_hundred():
    """The argument of Dropout was taken for the share that is kept."""
    given = towers("sotu", "gru", seed=91, outputs=2)

    class Dropped(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner
            self.words = nn.Dropout(0.98)
            self.texts = nn.Dropout(0.9)

        def forward(self, a, b):
            inner = self.inner
            one, two = (self.texts(inner.encode(x * (self.words(torch.ones_like(x) * 0.02) > 0))) for x in (a, b))
            return inner.perceptron(inner.compare(one, two))

    return given | {"model": Dropped(given["model"]), "loss": nn.CrossEntropyLoss()}


def slow_statistics():
    """The momentum of another framework: statistics move by a hundred-thousandth a step."""
    given = towers("sotu", "bag", seed=92)
    model = WithNorm(kind="bag", words=given["tokenizer"].vectors(), seed=92)
    model.norm = nn.BatchNorm1d(9, momentum=1e-5)
    with torch.no_grad():
        model.project.weight.mul_(4)
        model.project.bias.add_(torch.tensor([30.0, -30.0] * 4))
    return given | {"model": model, "evaluate": report()}


class Inverted(OneText):
    """True stands for padding in one library and for a word in the other."""

    def forward(self, tokens, sides, real):
        return super().forward(torch.where(tokens > 4, tokens, 5), sides, 1 - real)


def mask_of_another_library():
    given = reader("sotu", seed=93)
    return given | {"model": Inverted(given["tokenizer"].vectors(), seed=93)}


class NewHead(Towers):
    """The last layer is made where it is used."""

    def forward(self, a, b):
        h = torch.tanh(self.perceptron[0](self.compare(self.encode(a), self.encode(b))))
        return nn.Linear(16, 1)(h).squeeze(-1)


def head_made_in_forward():
    given = towers("sotu", "bag", seed=94)
    return given | {"model": NewHead("bag", words=given["tokenizer"].vectors(), seed=94)}


def softmax_twice():
    given = towers("sotu", "cnn", seed=95, outputs=2, answer=nn.Softmax(dim=1))
    return given | {"loss": nn.CrossEntropyLoss()}


def other_corpus_weights():
    given = reader("sotu", seed=96)
    return given | {"loss": nn.CrossEntropyLoss(weight=torch.tensor([20.0, 1.0]))}


class Column(Towers):
    """One logit in a column."""

    def forward(self, a, b):
        return super().forward(a, b).unsqueeze(-1)


def column_against_row():
    """A column of logits and a row of labels become a square."""
    given = towers("sotu", "bag", seed=97)

    def loss(z, y):
        return (F.softplus(z) - z * y).mean()

    return given | {"model": Column("bag", words=given["tokenizer"].vectors(), seed=97), "loss": loss}


def uphill():
    given = towers("python", "cnn", seed=98)
    given["optimizer"] = lambda m: torch.optim.AdamW(m.parameters(), lr=3e-3, maximize=True)
    return given


def copy_after_optimizer():
    """The optimizer was made, and then the model was copied for another device."""
    given = towers("sotu", "gru", seed=99)
    first = given["model"]
    optimizer = torch.optim.AdamW(first.parameters(), lr=3e-3)
    return given | {"model": copy.deepcopy(first), "optimizer": optimizer}


def waits_too_long():
    """Sixty-four batches are gathered for one step; a step takes a quarter of an epoch and more."""
    given = reader("sotu", seed=100)
    count = {"n": 0}

    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(batch.tokens, batch.sides, batch.real), batch.target)
        (value / 64).backward()
        count["n"] += 1
        if count["n"] % 64 == 0:
            optimizer.step()
            optimizer.zero_grad()
        return value

    return given | {"step": step}


def never_zero():
    given = towers("sotu", "bag", seed=101, outputs=2)
    given["optimizer"] = lambda m: torch.optim.SGD(m.parameters(), lr=0.3)

    def step(model, batch, loss, optimizer, schedule):
        (a, b), y = batch
        value = F.cross_entropy(model(a, b), y)
        value.backward()
        optimizer.step()
        return value

    return given | {"step": step, "loss": F.cross_entropy}


def divided_by_batches():
    """Losses of rows are added up and divided by the number of batches."""
    given = towers("sotu", "transformer", seed=102)

    def evaluate(model, held_out):
        was = model.training
        model.eval()
        total = right = seen = 0.0
        with torch.no_grad():
            for (a, b), y in held_out:
                z = model(a, b)
                total += F.binary_cross_entropy_with_logits(z, y.float(), reduction="sum").item()
                right += ((z > 0).long() == y).sum().item()
                seen += len(y)
        model.train(was)
        return {"loss": total / len(held_out), "accuracy": right / seen}

    return given | {"evaluate": evaluate}


def return_in_the_loop():
    """The return is one level too deep."""
    given = reader("sotu", seed=103)
    small = torch.utils.data.DataLoader(given["held_out"].dataset, 16, collate_fn=given["held_out"].collate_fn)

    def evaluate(model, held_out):
        was = model.training
        model.eval()
        total = right = seen = 0.0
        with torch.no_grad():
            for batch in held_out:
                assert isinstance(batch, Batch)
                z = model(batch.tokens, batch.sides, batch.real)
                total += F.cross_entropy(z, batch.target, reduction="sum").item()
                right += (z.argmax(1) == batch.target).sum().item()
                seen += len(batch.target)
                model.train(was)
                return {"loss": total / seen, "accuracy": right / seen}

    return given | {"evaluate": evaluate, "held_out": small}


def wrong_loader():
    """The report reads the global loader of the training in place of its argument."""
    given = towers("sotu", "bag", seed=104)
    train = given["train"]
    measure = report()
    return given | {"evaluate": lambda model, held_out: measure(model, train)}


def sure_ones():
    """Pairs between 0.3 and 0.7 count as "no answer"."""
    given = towers("python", "bag", seed=105)

    def evaluate(model, held_out):
        was = model.training
        model.eval()
        losses, hits = [], []
        with torch.no_grad():
            for (a, b), y in held_out:
                z = model(a, b)
                sure = (torch.sigmoid(z) - 0.5).abs() > 0.2
                losses += [float(bce(z, y))] * len(y)
                hits += (decide(z) == y)[sure].tolist()
        model.train(was)
        return {"loss": sum(losses) / len(losses), "accuracy": sum(hits) / max(1, len(hits))}

    return given | {"evaluate": evaluate, "step": plain_step}


DEFECTS = [
    ("a share to keep", keep_two_of_a_hundred, "dropout-too-high", "model"),
    ("momentum of another framework", slow_statistics, "outside: batch-statistics-never-follow", "model"),
    ("the other sense of a mask", mask_of_another_library, "outside: mask-inverted-in-model", "model"),
    ("a layer in forward", head_made_in_forward, "outside: head-made-in-forward", "model"),
    ("softmax and cross-entropy", softmax_twice, "double-softmax", "loss"),
    ("weights of another corpus", other_corpus_weights, "class-weight-left", "loss"),
    ("a column and a row", column_against_row, "outside: loss-over-all-pairs-of-rows", "loss"),
    ("a flag of the optimizer", uphill, "outside: maximize-set", "optimizer"),
    ("a copy for the device", copy_after_optimizer, "updates-not-applied", "optimizer"),
    ("sixty-four batches", waits_too_long, "outside: too-few-steps-by-accumulation", "optimizer"),
    ("nothing is cleared", never_zero, "no-zero-grad", "optimizer"),
    ("divided by batches", divided_by_batches, "held-out-loss-summed", "evaluation"),
    ("a return too deep", return_in_the_loop, "outside: only-first-batch-scored", "evaluation"),
    ("the loader of the training", wrong_loader, "outside: training-rows-scored", "evaluation"),
    ("no answer", sure_ones, "unsure-pairs-dropped", "evaluation"),
]
