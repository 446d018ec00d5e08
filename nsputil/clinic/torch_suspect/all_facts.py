"""All facts about a PyTorch training; a group that cannot be asked says so."""

from collections.abc import Callable

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.numbers import number_facts
from nsputil.clinic.torch_suspect.agreement import agreement
from nsputil.clinic.torch_suspect.case import Case
from nsputil.clinic.torch_suspect.evaluation import evaluation_facts
from nsputil.clinic.torch_suspect.explain import in_order
from nsputil.clinic.torch_suspect.inputs import array_facts, batch_facts, label_facts, pair_facts, split_facts
from nsputil.clinic.torch_suspect.losses import loss_facts
from nsputil.clinic.torch_suspect.model import model_facts
from nsputil.clinic.torch_suspect.optimizer import optimizer_facts
from nsputil.clinic.torch_suspect.uneven_classes import weighed


def all_facts(case: Case) -> list[Finding]:
    """Return all facts, in the order in which they are told."""
    seen = case.seen
    found: list[Finding] = []
    first = case.first
    groups: dict[str, tuple[Callable, str]] = {
        "split": (lambda: split_facts(seen), "split"),
        "labels": (lambda: label_facts(seen), "encoding"),
        "pairs": (lambda: pair_facts(seen), "pairs"),
        "arrays": (lambda: array_facts(seen), "encoding"),
        "loss": (lambda: loss_facts(seen, first), "loss"),
        "model": (lambda: model_facts(seen, first), "model"),
        "optimizer": (lambda: optimizer_facts(seen, first), "optimizer"),
        "batches": (lambda: batch_facts(seen), "batching"),
        "report": (lambda: evaluation_facts(seen), "evaluation"),
        "numbers": (lambda: number_facts(seen.run), "numbers"),
        "labels.shift": (lambda: [agreement(case)], "encoding"),
    }
    for name, (fact, place) in groups.items():
        try:
            with np.errstate(all="ignore"):
                found += fact()
        except Exception as error:  # a part of a kind that this group does not know
            found.append(unknown(name, place, f"This could not be asked ({type(error).__name__}: {error})."))
    if seen.training.error is not None:
        ended = seen.training.error
        found.append(violated("numbers.error", "numbers", f"The training ended with {type(ended).__name__}: {ended}"))
    return in_order(weighed(_taken_as_such(found)))


def _taken_as_such(found: list[Finding]) -> list[Finding]:
    """One logit, or probabilities, are no fault if the loss takes them as such: then it tells all itself."""
    asked = any(f.fact == "loss.function" and f.state != "cannot tell" for f in found)
    return [
        holds(f.fact, f.place, "The loss takes the answers of the model as what they are.")
        if asked and f.state == "violated" and f.fact in ("model.shape", "model.logits") and "equal" not in f.statement
        else f
        for f in found
    ]
