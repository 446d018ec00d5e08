"""The family "evaluation": the training is fine, and the report is wrong."""

from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from nsputil._types import Ints
from nsputil.clinic.faults.base import EVERYWHERE, TRANSFORMERS, Fault, around
from nsputil.experiment import Documents, Evaluation, Experiment, ModelMaker
from nsputil.model import NSPModel
from nsputil.pairs import IS_NEXT, SentencePair
from nsputil.tokenization import Vocabulary


def inverted(evaluation: Evaluation, severity: float, model: NSPModel, pairs: list[SentencePair]) -> dict[str, Any]:
    """The evaluation reads label 1 as IsNext."""
    return evaluation(model, [replace(pair, label=1 - pair.label) for pair in pairs])


def remembering_start(
    model: ModelMaker, severity: float, documents: Documents, vocabulary: Vocabulary, rng: Generator
) -> NSPModel:
    """The model keeps a copy of its start, as in a checkpoint file."""
    built: Any = model(documents, vocabulary, rng)
    built.checkpoint = deepcopy(built)
    return built


def of_start(evaluation: Evaluation, severity: float, model: Any, pairs: list[SentencePair]) -> dict[str, Any]:
    """The copy of the start is evaluated."""
    return evaluation(model.checkpoint.with_encoding(model.encode), pairs)


def stale(experiment: Experiment, severity: float) -> Experiment:
    """The evaluation loads the checkpoint of step 0."""
    return around("evaluation", of_start)(around("model", remembering_start)(experiment, severity), severity)


def out_of_step(evaluation: Evaluation, severity: float, model: NSPModel, pairs: list[SentencePair]) -> dict[str, Any]:
    """Predictions come back sorted by length and are compared with labels in the old order."""
    report = evaluation(model, pairs)
    labels = np.array([pair.label for pair in pairs])
    order = np.argsort([len(pair.sentence_a) + len(pair.sentence_b) for pair in pairs], kind="stable")
    says = model.logits(pairs).argmax(axis=1)[order]
    return report | _counted(says, labels)


def _counted(says: Ints, labels: Ints) -> dict[str, Any]:
    report = {"accuracy": float((says == labels).mean())}
    for name, label in (("recall_is_next", 0), ("recall_not_next", 1)):
        if (labels == label).any():
            report[name] = float((says[labels == label] == label).mean())
    return report


def logit_as_probability(
    evaluation: Evaluation, threshold: float, model: NSPModel, pairs: list[SentencePair]
) -> dict[str, Any]:
    """A logit is taken for a probability. The severity is the threshold above which it means IsNext."""
    report = evaluation(model, pairs)
    labels = np.array([pair.label for pair in pairs])
    return report | _counted(np.where(model.logits(pairs)[:, IS_NEXT] > threshold, 0, 1), labels)


def on_few(evaluation: Evaluation, count: float, model: NSPModel, pairs: list[SentencePair]) -> dict[str, Any]:
    """The severity is the number of pairs that are evaluated: the first ones."""
    return evaluation(model, pairs[: round(count)])


def sure_only(evaluation: Evaluation, share: float, model: NSPModel, pairs: list[SentencePair]) -> dict[str, Any]:
    """The severity is the share of the pairs that count: those on which the model is most sure."""
    logits = model.logits(pairs)
    order = np.argsort(-np.abs(logits[:, 0] - logits[:, 1]), kind="stable")
    return evaluation(model, [pairs[k] for k in order[: max(8, round(share * len(pairs)))]])


def best_of(evaluation: Evaluation, parts: float, model: NSPModel, pairs: list[SentencePair]) -> dict[str, Any]:
    """The severity is the number of parts of the held-out pairs; the best report of a part is given."""
    count = round(parts)
    reports = [evaluation(model, pairs[k::count]) for k in range(count)]
    return max(reports, key=lambda report: report["accuracy"])


def summed(evaluation: Evaluation, size: float, model: NSPModel, pairs: list[SentencePair]) -> dict[str, Any]:
    """The severity is the size of a batch; the reported loss is not divided by it."""
    report = evaluation(model, pairs)
    return report | {"loss": report["loss"] * round(size)}


def never_reset(evaluation: Evaluation, severity: float, model: Any, pairs: list[SentencePair]) -> dict[str, Any]:
    """The report is the mean of all reports since the start."""
    reports: list[dict[str, Any]] = [*getattr(model, "reports", []), evaluation(model, pairs)]
    model.reports = reports
    return {name: float(np.mean([report[name] for report in reports if name in report])) for name in reports[-1]}


def swapped(evaluation: Evaluation, severity: float, model: NSPModel, pairs: list[SentencePair]) -> dict[str, Any]:
    """A and B change places."""
    return evaluation(model, [replace(p, sentence_a=p.sentence_b, sentence_b=p.sentence_a) for p in pairs])


def harder(evaluation: Evaluation, severity: float, model: NSPModel, pairs: list[SentencePair]) -> dict[str, Any]:
    """Every word that A contains too is removed from B."""

    def rest(a: str, b: str) -> str:
        in_a = set(a.lower().split())
        return " ".join([word for word in b.split() if word.lower() not in in_a]) or b

    return evaluation(model, [replace(p, sentence_b=rest(p.sentence_a, p.sentence_b)) for p in pairs])


_fault = partial(Fault, family="evaluation", harms="report")

FAULTS = [
    _fault(
        name="evaluation-labels-inverted",
        group="report-wrong",
        mechanism="The evaluation reads 1 as IsNext, so a good model scores one minus its accuracy.",
        fix="One convention, defined once; an accuracy far below one half is information.",
        source="huggingface/transformers#524",
        edit=around("evaluation", inverted),
    ),
    _fault(
        name="stale-checkpoint",
        group="report-wrong",
        mechanism="The evaluation loads the checkpoint of the first step each time, so its numbers never move.",
        fix="Load the newest checkpoint; compare with a live evaluation.",
        source="",
        edit=stale,
    ),
    _fault(
        name="predictions-out-of-order",
        group="report-wrong",
        mechanism="Predictions come back sorted by length and are compared with labels in the old order.",
        fix="Undo the sorting; loss and accuracy must tell the same story.",
        source="",
        edit=around("evaluation", out_of_step),
    ),
    _fault(
        name="logit-read-as-probability",
        group="report-wrong",
        mechanism="The first logit is taken for a probability and compared with a threshold.",
        fix="Apply softmax first, or compare the two logits.",
        source="huggingface/transformers#730",
        edit=around("evaluation", logit_as_probability),
        severity=(0.5, 0.9),
    ),
    _fault(
        name="evaluated-on-few-pairs",
        group="report-wrong",
        mechanism="The held-out pairs are so few that the score is mostly chance.",
        fix="Hold out a thousand pairs, and give an interval with the score.",
        source="Card et al. 2020, arXiv 2010.06595",
        edit=around("evaluation", on_few),
        severity=(8.0, 16.0),
    ),
    _fault(
        name="unsure-pairs-dropped",
        group="too-good",
        mechanism="Pairs on which the model is unsure are left out of the score.",
        fix="Score all pairs, or report the coverage.",
        source="Geifman and El-Yaniv 2017, arXiv 1705.08500",
        edit=around("evaluation", sure_only),
        severity=(0.2, 0.5),
    ),
    _fault(
        name="best-part-reported",
        group="too-good",
        mechanism="The best of many small held-out parts is reported.",
        fix="Report the mean; choose on one set and test on another.",
        source="Dodge et al. 2019, arXiv 1909.03004",
        edit=around("evaluation", best_of),
        severity=(8.0, 20.0),
    ),
    _fault(
        name="held-out-loss-summed",
        group="wrong-level",
        mechanism="The held-out loss is summed over a batch and never divided by its size.",
        fix="Weight each batch by its pairs and divide by their number.",
        source="",
        edit=around("evaluation", summed),
        severity=(8.0, 32.0),
    ),
    _fault(
        name="metric-never-reset",
        group="report-wrong",
        mechanism="The report is an average over all evaluations since the start and lags behind the model.",
        fix="Reset the metric before every evaluation.",
        source="",
        edit=around("evaluation", never_reset),
    ),
    _fault(
        name="swapped-in-evaluation",
        group="silent",
        mechanism="The evaluation exchanges A and B; a model that treats both alike gives nearly the same answers.",
        fix="One function that builds inputs, for training and evaluation.",
        source="",
        edit=around("evaluation", swapped),
        harmless=EVERYWHERE,
    ),
    _fault(
        name="evaluation-text-cleaned",
        group="report-wrong",
        mechanism="The evaluation removes repeated words, which are the ones that the model learned to look for.",
        fix="One function that builds inputs, for training and evaluation.",
        source="",
        edit=around("evaluation", harder),
        outside=True,
        harmless=TRANSFORMERS,
    ),
]
