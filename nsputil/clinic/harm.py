"""The kill test: a fault counts as one only if it does measurable harm.

The idea is that of mutation testing (DeepCrime, Humbatova et al. 2021, doi 10.1145/3460319.3464825): train pairs of
experiments that share a seed, healthy and sick, and test the harm over the pairs. What is compared is the truth about
the trained model, on clean pairs of the test documents, or the distance of the report from that truth. The table of all
faults is `measured_harm`; tools/kill_test.py makes it.
"""

import json
from dataclasses import replace
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np

from nsputil.clinic.catalogue.fault import around, around_training_pairs
from nsputil.clinic.faults import FAULTS, inject
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.tokenization import encode_pairs
from nsputil.training import evaluate, train

TABLE = Path(__file__).parent / "data" / "harm.json"
QUANTITIES = ("accuracy", "loss", "report")
LEAST = 0.02  # a mean harm below this (a fraction, or nats) is none, however regular
LEVEL = 1 / 32
SPREAD = (0, 1, 0.5, 0.25, 0.75, 0.125, 0.875, 0.375, 0.625)  # of the range of severities, seed by seed
AT_HOME, ELSEWHERE = 5, 3  # pairs: in the first program that a fault can enter, and in each other one


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
    ways = (own,) if own is encode_pairs else (own, encode_pairs)
    reports = [evaluate(model.with_encoding(encode), pairs) for encode in ways]
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


def verdict(harms, together=None, condemned=False):
    """Return what the harms of the pairs of a program come to, in one quantity.

    Parameters
    ----------
    harms : sequence of float
    together : sequence of float, optional
        The harms in all programs with the same encoder: p is theirs. `harms` if left out.
    condemned : bool
        The fault stands condemned with another encoder, so that here it is enough that every pair shows harm.

    Returns
    -------
    dict
        ``effect`` (the mean of `harms`), ``p``, and ``verdict``: "none" if the effect is below `LEAST`; "harm" if not,
        and p is at most `LEVEL` or, for one that stands condemned, every pair shows harm; otherwise "undecided".
    """
    effect, p = float(np.mean(harms)), sign_flip_p(harms if together is None else together)
    sure = p <= LEVEL or (condemned and min(harms) > 0)
    word = "none" if effect < LEAST else "harm" if sure else "undecided"
    return {"effect": round(effect, 4), "p": round(p, 4), "verdict": word}


def unwatched(experiment):
    """Return the same training with fewer looks at it, as only its end is compared: the same model in half the time."""
    return replace(experiment, watch=40, instrument_every=0)


@cache
def well(program, seed):
    """Return ``(measure of the healthy run, its clean test pairs)`` of a program and a seed."""
    run = train(unwatched(healthy(program, seed)))
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
    return harm_of(measure(train(edit(unwatched(healthy(program, seed)))), pairs), before)


def redrawn(experiment):
    """Return the placebo: the same experiment with other random numbers for model and training pairs."""
    experiment = around("model", _other_numbers)(experiment, 1.0)
    return around_training_pairs(_other_numbers)(experiment, 1.0)


def _other_numbers(part, severity, *arguments):
    arguments[-1].random()
    return part(*arguments)


def kill_test(name, program, seeds):
    """Train the pairs of a fault in a program.

    Parameters
    ----------
    name : str
    program : Program
    seeds : sequence of int
        Seed 0 takes the low end of the range of severities, 1 the high end, 2 the middle, and so on between them, so
        that a fault is condemned only if it does harm all along its range.

    Returns
    -------
    dict of list
        ``severity`` and each quantity, one number a pair; `verdict` judges a quantity.
    """
    low, high = FAULTS[name].severity
    severities = [low + (high - low) * SPREAD[seed % len(SPREAD)] for seed in seeds]
    harms = [
        pair_harm(program, seed, partial(inject, name=name, severity=severity))
        for seed, severity in zip(seeds, severities, strict=True)
    ]
    return {"severity": [round(severity, 4) for severity in severities]} | in_columns(harms)


def pairs_wanted(fault, program):
    """Return how many pairs of a fault a program trains at least."""
    home = next(one for one in PROGRAMS if fault.fits(one))
    return AT_HOME if program == home else ELSEWHERE


def in_columns(harms):
    """Return a list of harms from `pair_harm` as ``{quantity: list}``, rounded."""
    return {quantity: [round(float(harm[quantity]), 4) for harm in harms] for quantity in QUANTITIES}


@cache
def measured_harm():
    """Return the kept table.

    Returns
    -------
    dict
        ``faults``: ``{fault: {program: what kill_test gave}}``; ``placebo``: ``{program: the same of changes that do
        nothing}``.
    """
    return json.loads(TABLE.read_text(encoding="utf-8"))


def judged(name, table=None):
    """Judge a fault from the kept table, on the quantity that it names.

    Parameters
    ----------
    name : str
    table : dict, optional
        In the form of `measured_harm`, which is taken if it is left out.

    Returns
    -------
    dict
        ``{program: verdict}``, in the order of `PROGRAMS`, bags first. Programs with the same encoder share one p.
    """
    found = (table or measured_harm())["faults"][name]
    harms, judgement = {program: pairs[FAULTS[name].harms] for program, pairs in found.items()}, {}
    for program, values in harms.items():
        encoder = program.split("-")[0]
        together = [harm for other, some in harms.items() if other.startswith(encoder) for harm in some]
        condemned = any(one["verdict"] == "harm" for other, one in judgement.items() if not other.startswith(encoder))
        judgement[program] = verdict(values, together, condemned)
    return judgement
