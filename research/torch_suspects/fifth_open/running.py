"""Defects of the optimizer, the step, the schedule and the evaluation, and healthy trainings beside them."""

import math
from copy import deepcopy
from tempfile import mkdtemp

import numpy as np
import torch
import torch.nn.functional as F
from transformers import Trainer, TrainingArguments

from research.torch_suspects.base import BATCH, STEPS, PairData, bert, collate, healthy, linear

from . import _kit as kit

# ---- steps ----


def plain_step(model, batch, loss, optimizer, schedule):
    """Run the body of a textbook loop."""
    *inputs, labels = batch
    optimizer.zero_grad()
    value = loss(model(*inputs), labels)
    value.backward()
    optimizer.step()
    if schedule is not None:
        schedule.step()
    return value


class Accumulating:
    """A step that adds up the gradients of several small batches."""

    def __init__(self, parts, zero="after the step"):
        self.parts, self.zero, self.done = parts, zero, 0

    def __call__(self, model, batch, loss, optimizer, schedule):
        if self.zero == "before each part":
            optimizer.zero_grad()
        value = model(**batch).loss
        (value / self.parts).backward()
        self.done += 1
        if self.done % self.parts == 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            if self.zero == "after the step":
                optimizer.zero_grad()
        return value


def small_parts(step):
    """Return bert-small with batches of four."""
    given = healthy("bert-small")
    pairs, others = given["pairs"], given["held_out_pairs"]
    train, held_out = kit.loaders(pairs, others, kit.as_dict, batch=4, limit=64)
    return given | {"train": train, "held_out": held_out, "step": step, "schedule": linear(100), "steps": 400}


def zero_before_each():
    return small_parts(Accumulating(4, "before each part"))


def zero_after_step():
    return small_parts(Accumulating(4))


def never_zero():
    def step(model, batch, loss, optimizer, schedule):
        *inputs, labels = batch
        value = loss(model(*inputs), labels)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 100.0)
        optimizer.step()
        schedule.step()
        return value

    return healthy("loop") | {"step": step}


def zero_at_the_end():
    def step(model, batch, loss, optimizer, schedule):
        *inputs, labels = batch
        value = loss(model(*inputs), labels)
        value.backward()
        optimizer.step()
        for p in model.parameters():
            p.grad = None
        schedule.step()
        return value.detach()

    return healthy("loop") | {"step": step}


def copied():
    """Give the optimizer one model and train a copy of it."""
    first = kit.fresh(kit.Recurrent)
    given = kit.training(kit.speeches, first)
    optimizer = torch.optim.AdamW(first.parameters(), 2e-3)
    return given | {"model": deepcopy(first), "optimizer": optimizer, "step": plain_step}


def made_for_the_copy():
    model = deepcopy(kit.fresh(kit.Recurrent))
    given = kit.training(kit.speeches, model)
    return given | {"optimizer": torch.optim.NAdam(model.parameters(), 3e-4), "step": plain_step}


def rebuilt():
    def step(model, batch, loss, optimizer, schedule):
        optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        *inputs, labels = batch
        value = loss(model(*inputs), labels)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        return value

    return kit.training(kit.speeches, kit.fresh(kit.Recurrent)) | {"step": step, "schedule": linear(240)}


class Scaled:
    """A step with a GradScaler."""

    def __init__(self, unscale):
        self.scaler, self.unscale = torch.amp.GradScaler("cpu", init_scale=2.0**14), unscale

    def __call__(self, model, batch, loss, optimizer, schedule):
        *inputs, labels = batch
        optimizer.zero_grad()
        value = loss(model(*inputs), labels)
        self.scaler.scale(value).backward()
        if self.unscale:
            self.scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        self.scaler.step(optimizer)
        self.scaler.update()
        return value


def momentum(model):
    """Return SGD with momentum."""
    return torch.optim.SGD(model.parameters(), 0.03, momentum=0.9)


def clipped_too_soon():
    return kit.training(kit.speeches, kit.fresh(kit.Sums)) | {"optimizer": momentum, "step": Scaled(False)}


def clipped_in_time():
    return kit.training(kit.speeches, kit.fresh(kit.Sums)) | {"optimizer": momentum, "step": Scaled(True)}


def autocast():
    def step(model, batch, loss, optimizer, schedule):
        inputs, labels = batch
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(*inputs)
        value = loss(logits.float(), labels)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    return kit.training(kit.speeches, kit.fresh(kit.Sums), kit.as_nested) | {"step": step}


# ---- schedules ----


def cosine(steps, warm=20):
    """Return a factory of a cosine after a warm-up."""

    def factory(optimizer):
        def share(step):
            if step < warm:
                return (step + 1) / warm
            done = min(1.0, (step - warm) / (steps - warm))
            return 0.5 * (1 + math.cos(math.pi * done))

        return torch.optim.lr_scheduler.LambdaLR(optimizer, share)

    return factory


def cosine_of_one_epoch():
    """Make the schedule for the number of batches of a larger machine."""
    given = healthy("bert")
    return given | {"schedule": cosine(len(given["pairs"]) // (BATCH * 4), warm=5)}


def cosine_of_all():
    return healthy("bert") | {"schedule": cosine(STEPS)}


def one_cycle():
    def schedule(optimizer):
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-3, total_steps=260)

    def one_rate(model):
        return torch.optim.AdamW(model.parameters(), 1e-3)

    return kit.training(kit.speeches, kit.fresh(kit.Windows), kit.as_tuple) | {
        "optimizer": one_rate, "schedule": schedule, "step": plain_step,
    }  # fmt: skip


def warm_up(steps):
    """Return a Trainer with a warm-up of a number of steps."""
    given = healthy("trainer")
    arguments = TrainingArguments(
        output_dir=mkdtemp(prefix="trainer"), per_device_train_batch_size=BATCH, per_device_eval_batch_size=64,
        max_steps=STEPS, learning_rate=5e-4, warmup_steps=steps, lr_scheduler_type="constant_with_warmup",
        report_to=[], use_cpu=True, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(
        bert(1), arguments, train_dataset=PairData(given["pairs"]), eval_dataset=PairData(given["held_out_pairs"]),
        data_collator=collate,
    )  # fmt: skip
    return given | {"model": trainer}


def long_warm_up():
    return warm_up(10_000)


def short_warm_up():
    return warm_up(10)


def by_hand():
    done = [0]

    def step(model, batch, loss, optimizer, schedule):
        done[0] += 1
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * min(done[0] / 20, (20 / done[0]) ** 0.5)
        return plain_step(model, batch, loss, optimizer, None)

    return kit.training(kit.speeches, kit.fresh(kit.Recurrent)) | {"step": step}


def lower_layers_slower():
    def optimizer(model):
        groups = [
            {"params": model.bert.embeddings.parameters(), "lr": 1e-4},
            {"params": model.bert.encoder.parameters(), "lr": 2e-4},
            {"params": [*model.bert.pooler.parameters(), *model.cls.parameters()], "lr": 1e-3},
        ]
        return torch.optim.AdamW(groups, weight_decay=0.01)

    return healthy("bert") | {"optimizer": optimizer}


def uphill():
    def optimizer(model):
        return torch.optim.AdamW(model.parameters(), lr=1e-3, maximize=True)

    return kit.training(kit.guide, kit.fresh(kit.Windows), kit.as_object) | {"optimizer": optimizer}


# ---- evaluations ----


def predictions(model, held_out):
    """Return logits and labels of all held-out rows, as they come."""
    was = model.training
    model.eval()
    found, gold = [], []
    with torch.no_grad():
        for batch in held_out:
            if isinstance(batch, dict):
                found.append(model(**{k: v for k, v in batch.items() if k != "labels"}))
                gold.append(batch["labels"])
            else:
                found.append(model(*batch[:-1]))
                gold.append(batch[-1])
    model.train(was)
    return torch.cat([getattr(x, "logits", x) for x in found]), torch.cat(gold)


def report():
    """Return loss and accuracy in a dict."""

    def evaluate(model, held_out):
        logits, labels = predictions(model, held_out)
        return {
            "loss": F.cross_entropy(logits, labels).item(),
            "accuracy": (logits.argmax(-1) == labels).float().mean().item(),
        }

    return healthy("bert-small") | {"evaluate": evaluate}


def one_number():
    given = kit.training(kit.speeches, kit.fresh(kit.Sums))

    def evaluate(model):
        logits, labels = predictions(model, given["held_out"])
        return float((logits.softmax(-1)[:, 1] > 0.5).eq(labels == 1).double().mean())

    return given | {"evaluate": evaluate, "step": plain_step}


def two_numbers():
    def evaluate(model, held_out):
        was = model.training
        model.eval()
        total, right, count = 0.0, 0, 0
        with torch.no_grad():
            for *inputs, labels in held_out:
                logits = model(*inputs)
                total += F.cross_entropy(logits, labels, reduction="sum").item()
                right += int((logits.argmax(1) == labels).sum())
                count += len(labels)
        model.train(was)
        return total / count, right / count

    return healthy("loop") | {"evaluate": evaluate}


def column_zero():
    def evaluate(model, held_out):
        logits, labels = predictions(model, held_out)
        is_next = logits.softmax(-1)[:, 0] > 0.5
        return {
            "loss": float(F.cross_entropy(logits, labels)),
            "accuracy": float((is_next.long() == labels).float().mean()),
        }

    return healthy("bert-small") | {"evaluate": evaluate}


def short_ones_first():
    given = kit.training(kit.speeches, kit.fresh(kit.Recurrent), kit.as_dict)
    rows = kit.Rows(given["held_out_pairs"])

    def evaluate(model):
        was = model.training
        model.eval()
        everything = [rows[k] for k in range(len(rows))]
        labels = torch.tensor([row[-1] for row in everything])
        everything.sort(key=lambda row: len(row[0]))
        logits = []
        with torch.no_grad():
            for k in range(0, len(everything), 64):
                batch = kit.as_dict(everything[k : k + 64])
                batch.pop("labels")
                logits.append(model(**batch))
        model.train(was)
        logits = torch.cat(logits)
        return {
            "loss": float(F.cross_entropy(logits, labels)),
            "accuracy": float((logits.argmax(1) == labels).float().mean()),
        }

    return given | {"evaluate": evaluate}


def only_the_sure():
    def evaluate(model, held_out):
        logits, labels = predictions(model, held_out)
        sure = logits.softmax(-1).amax(-1) > min(0.9, float(logits.softmax(-1).amax(-1).median()))
        logits, labels = logits[sure], labels[sure]
        return {
            "loss": float(F.cross_entropy(logits, labels)),
            "accuracy": float((logits.argmax(1) == labels).float().mean()),
        }

    return healthy("loop") | {"evaluate": evaluate}


def column_against_row():
    def loss(z, labels):
        return F.binary_cross_entropy_with_logits(z.squeeze(1), labels.float())

    def evaluate(model, held_out):
        z, labels = predictions(model, held_out)
        return {"accuracy": np.mean((z > 0).long().numpy() == labels.numpy())}

    return kit.training(kit.speeches, kit.fresh(kit.Recurrent, outputs=1), loss=loss) | {"evaluate": evaluate}


def column_against_column():
    def loss(z, labels):
        return F.binary_cross_entropy_with_logits(z, labels.unsqueeze(1).float())

    def evaluate(model, held_out):
        z, labels = predictions(model, held_out)
        return {"accuracy": np.mean((z > 0).long().numpy() == labels.unsqueeze(1).numpy())}

    return kit.training(kit.speeches, kit.fresh(kit.Recurrent, outputs=1), loss=loss) | {"evaluate": evaluate}


def full_batches_assumed():
    """Divide by the number of batches times their size."""
    given = kit.training(kit.speeches, kit.fresh(kit.Sums))
    held_out = kit.DataLoader(kit.Rows(given["held_out_pairs"]), 250, collate_fn=kit.as_tuple)

    def evaluate(model, held_out):
        was = model.training
        model.eval()
        right = 0
        with torch.no_grad():
            for *inputs, labels in held_out:
                right += int((model(*inputs).argmax(1) == labels).sum())
        model.train(was)
        return {"accuracy": right / (len(held_out) * held_out.batch_size)}

    return given | {"held_out": held_out, "evaluate": evaluate}


DEFECTS = [
    ("Zero before each part of a batch", zero_before_each, "outside: accumulated-gradients-lost", "optimizer"),
    ("Gradients stay", never_zero, "no-zero-grad", "optimizer"),
    ("The optimizer has the model that was copied", copied, "updates-not-applied", "optimizer"),
    ("Adam is made in the step", rebuilt, "outside: optimizer-rebuilt-every-step", "optimizer"),
    ("Clipped while the loss is scaled", clipped_too_soon, "outside: clipped-before-unscale", "optimizer"),
    ("A cosine for a larger machine", cosine_of_one_epoch, "schedule-ends-early", "optimizer"),
    ("A warm-up from a longer training", long_warm_up, "outside: warm-up-never-ends", "optimizer"),
    ("Column 0 against the labels", column_zero, "evaluation-labels-inverted", "evaluation"),
    ("Short rows first", short_ones_first, "predictions-out-of-order", "evaluation"),
    ("Only rows of which the model is sure", only_the_sure, "unsure-pairs-dropped", "evaluation"),
    ("A column against a row", column_against_row, "outside: shapes-broadcast", "evaluation"),
    ("Each batch counts as a full one", full_batches_assumed, "outside: divided-by-capacity", "evaluation"),
]

HEALTHY = [
    ("Four parts of a batch", zero_after_step),
    ("NAdam as an object", made_for_the_copy),
    ("A GradScaler, unscaled before clipping", clipped_in_time),
    ("bfloat16 for the model", autocast),
    ("A cosine", cosine_of_all),
    ("OneCycleLR", one_cycle),
    ("Rates by hand", by_hand),
    ("Lower layers have lower rates", lower_layers_slower),
    ("A report in a dict", report),
    ("A report of one number", one_number),
    ("A report of two numbers", two_numbers),
    ("A column against a column", column_against_column),
]
