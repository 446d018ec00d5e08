"""The kill test: a fault counts as one only if it does measurable harm.

The idea is that of mutation testing (DeepCrime, Humbatova et al. 2021, doi 10.1145/3460319.3464825): train pairs of
experiments that share a seed, healthy and sick, and test the harm over the pairs. What is compared is the truth about
the trained model, on clean pairs of the test documents, or the distance of the report from that truth. The table of all
faults is `measured_harm`; tools/kill_test.py makes it. Introduced in notebook 09.
"""

import json
from dataclasses import replace
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np

from nsputil.clinic.catalogue.fault import around, around_training_pairs
from nsputil.clinic.faults import FAULTS, inject
from nsputil.clinic.programs import healthy, observe
from nsputil.tokenization import encode_pairs
from nsputil.training import evaluate

TABLE = Path(__file__).parent / "data" / "harm.json"
QUANTITIES = ("accuracy", "loss", "report")
LEAST = 0.02  # a mean harm below this (a fraction, or nats) is none, however regular
LEVEL = 1 / 32  # the smallest p that five pairs can give


def truth(model, pairs):
    """Return the loss and the accuracy of a trained model on clean pairs.

    The model reads the pairs by its own encoding and by the clean one, and the better result counts for each quantity:
    an odd encoding that is odd in training and in use does no harm.

    Parameters
    ----------
    model : NSPModel
    pairs : list of SentencePair

    Returns
    -------
    dict
        ``accuracy`` and ``loss``, in nats.
    """
    own = model.encode
    reports = []
    for encode in (own,) if own is encode_pairs else (own, encode_pairs):
        model.encode = encode
        reports.append(evaluate(model, pairs))
    model.encode = own
    return {"accuracy": max(r["accuracy"] for r in reports), "loss": min(r["loss"] for r in reports)}


def measure(run, pairs):
    """Return what the kill test compares: true accuracy, true loss, and the error of the report.

    Parameters
    ----------
    run : Run
    pairs : list of SentencePair
        Clean pairs of the test documents.

    Returns
    -------
    dict
        ``report`` is the larger of the errors of the reported accuracy and loss. A run that broke down leaves no model:
        it counts as a coin, accuracy 0.5 and loss ln 2.
    """
    if not run.final or not np.isfinite(run.final["loss"]):
        return {"accuracy": 0.5, "loss": float(np.log(2)), "report": 0.0}
    true = truth(run.model, pairs)
    return true | {"report": max(abs(run.final[name] - true[name]) for name in ("accuracy", "loss"))}


def sign_flip_p(harms):
    """Return the one-sided p of harms of pairs: how often random signs give a mean as large as the one seen.

    Parameters
    ----------
    harms : sequence of float
        Sick minus healthy, one for each pair; positive is worse.

    Returns
    -------
    float
        Exact: all ``2 ** len(harms)`` patterns of signs are counted.
    """
    harms = np.asarray(harms, dtype=float)
    sums = np.array(list(product((1, -1), repeat=len(harms)))) @ harms
    return float((sums >= harms.sum() - 1e-12).mean())


def harm_of(sick, well):
    """Return the harm in each quantity: how much worse `sick` is than `well`, both from `measure`."""
    return {
        "accuracy": well["accuracy"] - sick["accuracy"],
        "loss": sick["loss"] - well["loss"],
        "report": sick["report"] - well["report"],
    }


def verdict(harms):
    """Return the table's entry for the harms of some pairs.

    Parameters
    ----------
    harms : sequence of dict
        From `harm_of`.

    Returns
    -------
    dict
        For each quantity ``{"effect": mean, "p": p, "killed": bool}``.
    """
    found = {}
    for quantity in QUANTITIES:
        values = [harm[quantity] for harm in harms]
        effect, p = float(np.mean(values)), sign_flip_p(values)
        found[quantity] = {
            "effect": round(effect, 4),
            "p": round(p, 4),
            "killed": bool(p <= LEVEL and effect >= LEAST),
        }
    return found


def unwatched(experiment):
    """Return the same training with fewer looks at it, as only its end is compared: the same model in half the time."""
    return replace(experiment, watch=40, instrument_every=0)


@cache
def well(program, seed):
    """Return ``(measure of the healthy run, its clean test pairs)`` of a program and a seed."""
    run = observe(unwatched(healthy(program, seed)))
    return {name: run.final[name] for name in ("accuracy", "loss")} | {"report": 0.0}, run.test_pairs


def pair_harm(program, seed, edit):
    """Train one pair, healthy and edited, and return the harm.

    Parameters
    ----------
    program : Program
    seed : int
    edit : callable
        From an `Experiment` to another; ``partial(inject, name="zero-init")`` is one.

    Returns
    -------
    dict
    """
    before, pairs = well(program, seed)
    return harm_of(measure(observe(edit(unwatched(healthy(program, seed)))), pairs), before)


def redrawn(experiment):
    """Return the placebo: the same experiment with other random numbers for model and training pairs."""
    experiment = around("model", _other_numbers)(experiment, 1.0)
    return around_training_pairs(_other_numbers)(experiment, 1.0)


def _other_numbers(part, severity, *arguments):
    arguments[-1].random()
    return part(*arguments)


def kill_test(name, program, seeds):
    """Return `verdict` for a fault in a program.

    Parameters
    ----------
    name : str
    program : Program
    seeds : sequence of int
        The severities are spread evenly over them, from the low end of the range to the high end, so that with five
        seeds a fault is killed only if it does harm all along its range.

    Returns
    -------
    dict
    """
    severities = np.linspace(*FAULTS[name].severity, len(seeds)) if len(seeds) > 1 else [None]
    return verdict(
        [
            pair_harm(program, seed, partial(inject, name=name, severity=severity))
            for seed, severity in zip(seeds, severities, strict=True)
        ]
    )


@cache
def measured_harm():
    """Return the kept table: ``{"faults": {name: {program: verdict}}, "placebo": ...}``."""
    return json.loads(TABLE.read_text(encoding="utf-8"))
