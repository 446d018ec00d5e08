"""Build each case, run one batch, and train the healthy ones.

Run from the root of the project: `python -m research.torch_suspects.fifth._smoke [what] [part of a title] [module]`.
What is "defects" (build them), "healthy" (train until they have learned something), "full" (train all steps), "train"
(train the sick ones), or nothing for the first two.
"""

import inspect
import sys
import time
import traceback

import torch
import torch.nn.functional as F
from transformers import Trainer

from . import bert_side, defects_one, defects_two, own_healthy
from ._kit import decide

MODULES = {m.__name__.split(".")[-1]: m for m in (bert_side, own_healthy, defects_one, defects_two)}


def answer(given, model, batch):
    """Return what the model says about a batch."""
    if given.get("forward"):
        out = given["forward"](model, batch)
    elif isinstance(batch, dict):
        names = inspect.signature(model.forward).parameters
        out = model(**{k: v for k, v in batch.items() if k in names and k != "labels"})
    elif isinstance(batch[0], tuple | list):
        out = model(*batch[0])
    else:
        out = model(*batch[:-1])
    return getattr(out, "logits", out)


def label(batch):
    """Return the labels of a batch."""
    if isinstance(batch, dict):
        return next(batch[k] for k in ("labels", "label", "next_sentence_label", "y") if k in batch)
    return batch.target if hasattr(batch, "target") else batch[-1]


def read(z):
    """Return labels from any form of answer."""
    if z.ndim == 1 and float(z.min()) >= 0 and float(z.max()) <= 1:
        return (z > 0.5).long()
    return decide(z)


def measure(given, model):
    """Return the held-out accuracy."""
    was = model.training
    model.eval()
    with torch.no_grad():
        right = torch.cat([(read(answer(given, model, b)) == label(b)).float() for b in given["held_out"]])
    model.train(was)
    return float(right.mean())


def train(given, enough=0.64):
    """Train and return the accuracy before and after, and losses."""
    torch.manual_seed(given.get("seed", 0))
    if isinstance(given["model"], Trainer):
        before = given["model"].evaluate()["eval_loss"]
        given["model"].args.max_steps = min(given["model"].args.max_steps, 120)
        given["model"].train()
        return before, given["model"].evaluate()["eval_loss"]
    model = given["model"].train()
    optimizer = given["optimizer"]
    optimizer = optimizer if isinstance(optimizer, torch.optim.Optimizer) else optimizer(model)
    schedule = given.get("schedule")
    schedule = schedule(optimizer) if inspect.isfunction(schedule) else schedule
    loss, losses, before, done = given.get("loss"), [], measure(given, model), 0
    while done < given["steps"]:
        for batch in given["train"]:
            if given.get("step"):
                value = given["step"](model, batch, loss, optimizer, schedule)
            else:
                value = (loss or F.cross_entropy)(answer(given, model, batch), label(batch))
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                if schedule is not None:
                    schedule.step()
            losses.append(float(value.detach()))
            done += 1
            if done == given["steps"]:
                break
        if measure(given, model) > enough + 0.06:
            break
    return before, measure(given, model), losses[0], sum(losses[-20:]) / len(losses[-20:]), done


def main(kind="", part="", only=""):
    """Run the cases that were asked for."""
    torch.set_num_threads(1)
    for name, module in MODULES.items():
        if only not in name:
            continue
        for case in [*getattr(module, "HEALTHY", []), *getattr(module, "DEFECTS", [])]:
            sick = len(case) == 4
            if (
                part not in case[0]
                or (kind in ("healthy", "full") and sick)
                or (kind in ("defects", "train") and not sick)
            ):
                continue
            start = time.perf_counter()
            try:
                given = case[1]()
                if sick and kind != "train":
                    model = given["model"]
                    if not isinstance(model, Trainer):
                        batch = next(iter(given["train"]))
                        with torch.no_grad():
                            found = tuple(answer(given, model, batch).shape)
                        next(iter(given["held_out"]))
                        if given.get("step"):
                            o = given["optimizer"]
                            o = o if isinstance(o, torch.optim.Optimizer) else o(model)
                            s = given.get("schedule")
                            s = s(o) if inspect.isfunction(s) else s
                            found = found, float(given["step"](model, batch, given.get("loss"), o, s).detach())
                        if given.get("evaluate"):
                            e = given["evaluate"]
                            one = len(inspect.signature(e).parameters) == 1
                            found = found, e(model) if one else e(model, given["held_out"])
                    else:
                        found = "trainer"
                else:
                    found = train(given, 2.0 if kind == "full" else 0.64)
                    if given.get("evaluate"):
                        e = given["evaluate"]
                        found = found, e(given["model"], given["held_out"])
                print(case[0], found, f"{time.perf_counter() - start:.1f} s", flush=True)
            except Exception:
                print("FAILED", case[0], flush=True)
                traceback.print_exc()


if __name__ == "__main__":
    main(*sys.argv[1:])
