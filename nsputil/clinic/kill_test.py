"""The kill test: a fault counts as one only if it does measurable harm.

The idea is that of mutation testing (DeepCrime, Humbatova et al. 2021, doi 10.1145/3460319.3464825): train pairs of
experiments that share a seed, healthy and sick, and test the harm over the pairs. What is compared is the truth about
the trained model, on clean pairs of the test documents, or the distance of the report from that truth. The table of all
faults is `measured_harm`; tools/kill_test.py makes it. Introduced in notebook 09.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nsputil.clinic.faults import FAULTS, Fault, around, around_training_pairs, inject
from nsputil.clinic.programs import PROGRAMS, Program, healthy
from nsputil.experiment import Experiment
from nsputil.model import NSPModel
from nsputil.pairs import SentencePair
from nsputil.run import Run
from nsputil.tokenization import encode_pairs
from nsputil.training import evaluate, train

TABLE = Path(__file__).parent / "data" / "harm.json"
QUANTITIES = ("accuracy", "loss", "report")
LEAST = 0.02  # a mean harm below this (a fraction, or nats) counts as none, however regular
LEVEL = 1 / 32
SPREAD = (0, 1, 0.5, 0.25, 0.75, 0.125, 0.875, 0.375, 0.625)  # of the range of severities, seed by seed
AT_HOME, ELSEWHERE = 5, 3  # pairs: in the first program that a fault can enter, and in each other one

#: A number for each of `QUANTITIES`.
Quantities = dict[str, float]


class Harm(NamedTuple):
    """What the pairs of a fault in a program come to, in one quantity.

    Attributes
    ----------
    effect : float
        The mean harm.
    p : float
        Of the one-sided sign-flip test.
    verdict : {"harm", "none", "undecided"}
    """

    effect: float
    p: float
    verdict: str


def true_report(model: NSPModel, pairs: list[SentencePair]) -> Quantities:
    """Return the loss and the accuracy of a trained model on clean pairs.

    The model reads the pairs by its own encoding and by the clean one, and the better result counts for each quantity:
    an encoding that is odd in training and in use alike does no harm.

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


def measure(run: Run, pairs: list[SentencePair]) -> Quantities:
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
    if run.model is None or not run.final or not np.isfinite(run.final["loss"]):
        return {"accuracy": 0.5, "loss": float(np.log(2)), "report": 0.0}
    truth = true_report(run.model, pairs)
    return truth | {"report": max(abs(run.final[name] - truth[name]) for name in ("accuracy", "loss"))}


def sign_flip_p(harms: Sequence[float]) -> float:
    """Return the one-sided p of harms of pairs: how often random signs give a mean as large as the one observed.

    Parameters
    ----------
    harms : sequence of float
        Sick minus healthy, one for each pair; positive is worse.

    Returns
    -------
    float
        Exact: all ``2 ** len(harms)`` patterns of signs are counted.
    """
    values = np.asarray(harms, dtype=float)
    sums = np.array(list(product((1, -1), repeat=len(values)))) @ values
    return float((sums >= values.sum() - 1e-12).mean())


def harm_of(sick: Quantities, well: Quantities) -> Quantities:
    """Return the harm in each quantity: how much worse `sick` is than `well`, both from `measure`."""
    return {
        "accuracy": well["accuracy"] - sick["accuracy"],
        "loss": sick["loss"] - well["loss"],
        "report": sick["report"] - well["report"],
    }


def judge_harm(harms: Sequence[float], together: Sequence[float] | None = None, condemned: bool = False) -> Harm:
    """Judge the harms of the pairs of a program, in one quantity.

    Parameters
    ----------
    harms : sequence of float
    together : sequence of float, optional
        The harms in all programs with the same encoder: p is theirs. `harms` if left out.
    condemned : bool
        The fault was found harmful with another encoder, so that here it is enough if every pair shows harm.

    Returns
    -------
    Harm
        "none" if the effect is below `LEAST`. "harm" if not, and p is at most `LEVEL` or, for a fault that is condemned
        already, every pair shows harm. Otherwise "undecided".
    """
    effect, p = float(np.mean(harms)), sign_flip_p(harms if together is None else together)
    sure = p <= LEVEL or (condemned and min(harms) > 0)
    verdict = "none" if effect < LEAST else "harm" if sure else "undecided"
    return Harm(round(effect, 4), round(p, 4), verdict)


def unwatched(experiment: Experiment) -> Experiment:
    """Return the same training with fewer evaluations and no instruments: the same model in half the time."""
    return replace(experiment, watch=40, instrument_every=0)


@cache
def healthy_measure(program: Program, seed: int) -> tuple[Quantities, list[SentencePair]]:
    """Return ``(measure of the healthy run, its clean test pairs)`` of a program and a seed."""
    run = train(unwatched(healthy(program, seed)))
    return {name: run.final[name] for name in ("accuracy", "loss")} | {"report": 0.0}, run.test_pairs


def pair_harm(program: Program, seed: int, edit: Callable[[Experiment], Experiment]) -> Quantities:
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
    well, pairs = healthy_measure(program, seed)
    return harm_of(measure(train(edit(unwatched(healthy(program, seed)))), pairs), well)


def redrawn(experiment: Experiment) -> Experiment:
    """Return the placebo: the same experiment with other random numbers for model and training pairs."""
    experiment = around("model", _other_numbers)(experiment, 1.0)
    return around_training_pairs(_other_numbers)(experiment, 1.0)


def _other_numbers(part: Callable[..., Any], severity: float, *arguments: Any) -> Any:
    arguments[-1].random()
    return part(*arguments)


def kill_test(name: str, program: Program, seeds: Sequence[int]) -> dict[str, list[float]]:
    """Train the pairs of a fault in a program.

    Parameters
    ----------
    name : str
    program : Program
    seeds : sequence of int
        Seed 0 takes the low end of the range of severities, 1 the high end, 2 the middle, and so on between them, so
        that a fault is condemned only if it does harm in its whole range.

    Returns
    -------
    dict of list
        ``severity`` and each quantity, one number a pair; `judge_harm` judges a quantity.
    """
    low, high = FAULTS[name].severity
    severities = [low + (high - low) * SPREAD[seed % len(SPREAD)] for seed in seeds]
    harms = [
        pair_harm(program, seed, partial(inject, name=name, severity=severity))
        for seed, severity in zip(seeds, severities, strict=True)
    ]
    return {"severity": [round(severity, 4) for severity in severities]} | in_columns(harms)


def pairs_wanted(fault: Fault, program: Program) -> int:
    """Return how many pairs of a fault a program trains at least."""
    home = next(one for one in PROGRAMS if fault.fits(one))
    return AT_HOME if program == home else ELSEWHERE


def in_columns(harms: Sequence[Quantities]) -> dict[str, list[float]]:
    """Return a list of harms from `pair_harm` as ``{quantity: list}``, rounded."""
    return {quantity: [round(float(harm[quantity]), 4) for harm in harms] for quantity in QUANTITIES}


@cache
def measured_harm() -> dict[str, Any]:
    """Return the stored table.

    Returns
    -------
    dict
        ``faults``: ``{fault: {program: what kill_test gave}}``; ``placebo``: ``{program: the same of changes that do
        nothing}``.
    """
    return json.loads(TABLE.read_text(encoding="utf-8"))


def judge_fault(name: str, table: Mapping[str, Any] | None = None) -> dict[str, Harm]:
    """Judge a fault from the stored table, on the quantity that it names.

    Parameters
    ----------
    name : str
    table : dict, optional
        In the form of `measured_harm`, which is taken if it is left out.

    Returns
    -------
    dict of Harm
        By program, in the order of `PROGRAMS`, bags first. Programs with the same encoder share one p.
    """
    pairs_of = (table or measured_harm())["faults"][name]
    harms = {program: pairs[FAULTS[name].harms] for program, pairs in pairs_of.items()}
    judged: dict[str, Harm] = {}
    for program, values in harms.items():
        encoder = program.split("-")[0]
        together = [harm for other, some in harms.items() if other.startswith(encoder) for harm in some]
        condemned = any(one.verdict == "harm" for other, one in judged.items() if not other.startswith(encoder))
        judged[program] = judge_harm(values, together, condemned)
    return judged
