"""Build each case, run one batch, and train the healthy ones (or all with --all): ``python _smoke.py [words]``."""

import importlib
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

FOLDER = Path(__file__).parent


def modules():
    """Return the modules that hold cases."""
    import research.torch_suspects as package

    package.__path__.append(str(FOLDER.parent))
    return [
        importlib.import_module(f"research.torch_suspects.{FOLDER.name}.{path.stem}")
        for path in sorted(FOLDER.glob("[a-z]*.py"))
    ]


def flat(batch):
    """Return the arrays of a batch in order."""
    if isinstance(batch, torch.Tensor):
        return [batch]
    if hasattr(batch, "input_ids") and not isinstance(batch, dict):
        return list(vars(batch).values())
    return [x for part in (batch.values() if isinstance(batch, dict) else batch) for x in flat(part)]


def outputs(given, model, batch):
    """Return what the model answers as two columns or one."""
    if given.get("forward"):
        found = given["forward"](model, batch)
    elif isinstance(batch, dict):
        found = model(**{k: v for k, v in batch.items() if k != "labels"})
    else:
        found = model(*flat(batch)[:-1])
    return getattr(found, "logits", found)


def measure(given, model):
    """Return held-out accuracy, with every number as the logit or the probability of label 1."""
    if given.get("evaluate"):
        try:
            return given["evaluate"](model, given["held_out"])
        except TypeError:
            return given["evaluate"](model)
    was = model.training
    model.eval()
    right = []
    with torch.no_grad():
        for batch in given["held_out"]:
            found, labels = outputs(given, model, batch), flat(batch)[-1]
            if found.ndim == 1 or found.shape[1] == 1:
                guess = found.reshape(-1) > (0.5 if found.min() >= 0 and found.max() <= 1 else 0)
            else:
                guess = found.argmax(1)
            right += (guess.long() == labels.reshape(-1).long()).tolist()
    model.train(was)
    return float(np.mean(right))


def train(given):
    """Train and return accuracy before and after and losses at the start and the end."""
    torch.manual_seed(0)
    model = given["model"]
    if hasattr(model, "train_dataset"):
        before = model.evaluate()["eval_loss"]
        model.train()
        return before, model.evaluate()["eval_loss"]
    model.train()
    optimizer = given["optimizer"]
    optimizer = optimizer(model) if callable(optimizer) else optimizer
    schedule = given.get("schedule")
    schedule = schedule(optimizer) if schedule and not hasattr(schedule, "step") else schedule
    before, losses, done = measure(given, model), [], 0
    while done < given["steps"]:
        for batch in given["train"]:
            if given.get("step"):
                value = given["step"](model, batch, given.get("loss"), optimizer, schedule)
            else:
                if given.get("loss") is None:
                    value = model(**batch).loss
                else:
                    value = given["loss"](outputs(given, model, batch), flat(batch)[-1])
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                if schedule is not None:
                    schedule.step()
            losses.append(float(value.detach()))
            done += 1
            if done >= given["steps"]:
                break
    return before, measure(given, model), np.mean(losses[:10]).round(3), np.mean(losses[-20:]).round(3)


def one(given):
    """Run a batch forward."""
    model = given["model"]
    if hasattr(model, "train_dataset"):
        batch = next(iter(model.get_train_dataloader()))
        return tuple(model.model(**batch).logits.shape)
    with torch.no_grad():
        return tuple(outputs(given, model, next(iter(given["train"]))).shape)


if __name__ == "__main__":
    torch.set_num_threads(1)
    everything = "--all" in sys.argv
    words = [w for w in sys.argv[1:] if w != "--all"]
    F.relu(torch.zeros(1))
    for module in modules():
        cases = [(*case, None, None) for case in module.HEALTHY] + list(getattr(module, "DEFECTS", []))
        for title, build, cause, _ in cases:
            if words and not any(w in f"{module.__name__} {title} {cause}" for w in words):
                continue
            start = time.perf_counter()
            try:
                found = one(build())
                if cause is None or everything:
                    given = build()
                    if cause is not None and "steps" in given:
                        given["steps"] = min(given["steps"], 120)
                    found = (found, train(given))
            except Exception:
                found = "FAILED " + traceback.format_exc()
            taken = time.perf_counter() - start
            print(f"{module.__name__.split('.')[-1]:10} {title[:60]:60} {cause} {found} {taken:.1f}s", flush=True)
