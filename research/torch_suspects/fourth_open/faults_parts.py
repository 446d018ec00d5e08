"""Trainings with something wrong in the model, the loss, the optimizer or the report."""

from copy import deepcopy
from tempfile import mkdtemp

import torch
import torch.nn.functional as F
from torch import nn
from transformers import Trainer, TrainingArguments

from ._own import (
    Apart, Dan, Joined, Twin, bert, compare, draw_weights, feed, groups, material, pooled, table, to_dict, to_tuple,
    to_two, warm_linear,
)  # fmt: skip


def assemble(seed, model, data=Joined, collate=to_dict, rate=2e-3, steps=200, size=16, **more):
    pairs, others, text = material(seed)
    return text | {
        "model": model, "loss": nn.CrossEntropyLoss(), "steps": steps,
        "train": feed(data(pairs), size, seed, collate=collate),
        "held_out": feed(data(others), 96, seed, False, collate),
        "optimizer": lambda m: torch.optim.AdamW(groups(m), lr=rate),
    } | more  # fmt: skip


def two(seed, kind="linear", model=None, **more):
    return assemble(seed, model or Twin(seed, kind), Apart, to_two, **more)


# ---- model
def saturated(seed):
    model = bert(1, seed)
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        w = model.bert.pooler.dense.weight
        w.copy_(torch.randn(w.shape, generator=g) * 12.0)
    return assemble(seed, model, rate=3e-4, loss=None, schedule=warm_linear(200))


class Zeros(nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.words = table(freeze=True)
        self.pool = nn.Linear(192, 48)
        self.classifier = nn.Linear(48, 2)
        for layer in (self.pool, self.classifier):
            for p in layer.parameters():
                nn.init.constant_(p, 0.0)

    def forward(self, input_ids, token_type_ids, attention_mask):
        x, real = self.words(input_ids), attention_mask * (input_ids > 4)
        h = compare(pooled(x, real * (token_type_ids == 0)), pooled(x, real * (token_type_ids == 1)))
        return self.classifier(torch.tanh(self.pool(h)))


def from_zeros(seed):
    return assemble(seed, Zeros(seed), schedule=warm_linear(200))


def heavy_dropout(seed):
    return two(seed, "gru", model=Twin(seed, "gru", drop=0.97), rate=1e-3)


class SideBySide(nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.words = table()
        self.to_class = nn.Linear(2 * 96, 2)
        draw_weights(self, seed)

    def forward(self, premise, hypothesis):
        u, v = (F.normalize(pooled(self.words(x), x > 4), dim=-1) for x in (premise, hypothesis))
        return self.to_class(torch.cat([u, v], 1) * 5)


def side_by_side(seed):
    return two(seed, model=SideBySide(seed))


# ---- loss
class TwiceSoft(Twin):
    def forward(self, premise, hypothesis):
        return F.softmax(super().forward(premise, hypothesis), dim=1)


def twice_soft(seed):
    return two(seed, model=TwiceSoft(seed, "gate"))


def upside_down(seed):
    def objective(logits, labels):
        return F.log_softmax(logits, 1).gather(1, labels[:, None]).mean()

    return two(seed, "conv", loss=objective, rate=5e-4)


class PaddedCriterion:
    """As for words: the padding label is left out."""

    def __init__(self, pad=0):
        self.inner = nn.CrossEntropyLoss(ignore_index=pad, reduction="sum")
        self.pad = pad

    def __call__(self, logits, labels):
        return self.inner(logits, labels) / (labels != self.pad).sum().clamp(min=1)


def padded(seed):
    return assemble(seed, Dan(seed), collate=to_tuple, loss=PaddedCriterion(), schedule=warm_linear(200))


def wrong_axis(seed):
    def step(model, batch, loss, optimizer, schedule):
        z = model(batch["premise"], batch["hypothesis"])
        value = loss(z, batch["label"])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    def loss(z, y):
        p = torch.softmax(z, dim=0)
        return -torch.log(p[torch.arange(len(y)), y]).mean()

    return two(seed, "linear", step=step, loss=loss)


class Weighted(Trainer):
    """Weights of the corpus of last year, where one pair in twenty-five was a true one."""

    weights = (25.0, 1.0)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        y = inputs["labels"]
        out = model(**{k: v for k, v in inputs.items() if k != "labels"})
        loss = F.cross_entropy(out.logits, y, weight=out.logits.new_tensor(self.weights))
        return (loss, out) if return_outputs else loss


def trainer(seed, kind=Trainer, model=None, collator=to_dict, **more):
    pairs, others, text = material(seed)
    extra = {k: more.pop(k) for k in ("optimizers", "compute_metrics") if k in more}
    options = dict(
        output_dir=mkdtemp(prefix="t"), max_steps=160, learning_rate=5e-4, warmup_steps=16, use_cpu=True, seed=seed,
        report_to=[], save_strategy="no", disable_tqdm=True, remove_unused_columns=False,
        per_device_train_batch_size=16, per_device_eval_batch_size=96,
    )  # fmt: skip
    run = kind(
        model or bert(1, seed), TrainingArguments(**(options | more)), train_dataset=Joined(pairs),
        eval_dataset=Joined(others), data_collator=collator, **extra,
    )  # fmt: skip
    return text | {"model": run}


def last_year(seed):
    return trainer(seed, Weighted)


# ---- optimizer
def trainer_rate(seed):
    return trainer(seed, learning_rate=0.1, warmup_steps=0, max_grad_norm=0.0)


def trainer_short_schedule(seed):
    model = bert(1, seed)
    opt = torch.optim.AdamW(groups(model), lr=5e-4)
    return trainer(seed, model=model, optimizers=(opt, torch.optim.lr_scheduler.LambdaLR(opt, lambda n: max(0.0, 1 - n / 12))))


def adding_up(seed):
    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(batch["premise"], batch["hypothesis"]), batch["label"])
        value.backward()
        optimizer.step()
        return value.item()

    return two(seed, "linear", step=step, optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9))


def a_copy(seed):
    return two(seed, "gate", optimizer=lambda m: torch.optim.Adam(deepcopy(m).parameters(), lr=2e-3))


# ---- evaluation
class Scores:
    """Counts of right answers, by what a batch calls its labels."""

    def __init__(self, call, key):
        self.call, self.key = call, key

    def collect(self, model, held_out):
        was = model.training
        model.eval()
        with torch.no_grad():
            rows = [(self.call(model, b), b[self.key]) for b in held_out]
        model.train(was)
        return torch.cat([r[0] for r in rows]), torch.cat([r[1] for r in rows])


def by_texts(model, b):
    return model(b["premise"], b["hypothesis"])


class Follows(Scores):
    def __call__(self, model, held_out):
        z, y = self.collect(model, held_out)
        return {"loss": F.cross_entropy(z, y).item(), "accuracy": ((z.softmax(1)[:, 0] > 0.5) == (y == 1)).float().mean().item()}


def follows(seed):
    return two(seed, "linear", evaluate=Follows(by_texts, "label"))


class Sorted(Scores):
    def __call__(self, model, held_out):
        batch_rows = []
        labels = []
        for b in held_out:
            labels.append(b["label"])
            for i in range(len(b["label"])):
                batch_rows.append((b["premise"][i], b["hypothesis"][i]))
        batch_rows.sort(key=lambda r: int((r[0] > 0).sum() + (r[1] > 0).sum()))
        model.eval()
        with torch.no_grad():
            z = torch.cat([model(a[None], b[None]) for a, b in batch_rows])
        model.train()
        y = torch.cat(labels)
        return F.cross_entropy(z, y).item(), (z.argmax(1) == y).float().mean().item()


def sorted_rows(seed):
    return two(seed, "gate", evaluate=Sorted(by_texts, "label"))


class Loaded(Scores):
    """Reads the file that training wrote... when it began."""

    def __init__(self, call, key):
        super().__init__(call, key)
        self.saved = None

    def __call__(self, model, held_out):
        twin = deepcopy(model)
        twin.load_state_dict(self.saved)
        z, y = self.collect(twin, held_out)
        return {"loss": F.cross_entropy(z, y).item(), "accuracy": (z.argmax(1) == y).float().mean().item()}


def loaded(seed):
    report = Loaded(by_texts, "label")

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(batch["premise"], batch["hypothesis"]), batch["label"])
        value.backward()
        optimizer.step()
        return value

    given = two(seed, "linear", evaluate=report, step=step)
    report.saved = {k: v.clone() for k, v in given["model"].state_dict().items()}
    return given


def threshold(seed):
    # the first logit as a probability, at a strict threshold
    class First(Scores):
        def __call__(self, model, held_out):
            z, y = self.collect(model, held_out)
            guess = torch.where(z[:, 0] > 0.9, 0, 1)
            return {"loss": F.cross_entropy(z, y).item(), "accuracy": (guess == y).float().mean().item()}

    return two(seed, "linear", evaluate=First(by_texts, "label"), optimizer=lambda m: torch.optim.AdamW(m.parameters(), 1e-3))


DEFECTS = [
    ("a pooler of large weights", saturated, "pooler-saturated", "model"),
    ("everything from zeros", from_zeros, "zero-init", "model"),
    ("dropout of 0.97", heavy_dropout, "dropout-too-high", "model"),
    ("two texts side by side", side_by_side, "no-comparison", "model"),
    ("softmax before the criterion", twice_soft, "double-softmax", "loss"),
    ("mean log-probability", upside_down, "sign-flipped", "loss"),
    ("padding label", padded, "ignore-index-zero", "loss"),
    ("softmax over dim 0", wrong_axis, "softmax-over-batch", "loss"),
    ("weights of last year", last_year, "class-weight-left", "loss"),
    ("Trainer at 0.1", trainer_rate, "learning-rate-too-high", "optimizer"),
    ("Trainer with a schedule of 12", trainer_short_schedule, "schedule-ends-early", "optimizer"),
    ("gradients add up", adding_up, "no-zero-grad", "optimizer"),
    ("parameters of a copy", a_copy, "updates-not-applied", "optimizer"),
    ("reads 1 as true", follows, "evaluation-labels-inverted", "evaluation"),
    ("sorted by length", sorted_rows, "predictions-out-of-order", "evaluation"),
    ("first checkpoint", loaded, "stale-checkpoint", "evaluation"),
    ("first logit at 0.9", threshold, "logit-read-as-probability", "evaluation"),
]
