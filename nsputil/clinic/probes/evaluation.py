"""Probes of the trained model and of what was reported about it. Introduced in notebook 09."""

from dataclasses import dataclass

import numpy as np

from nsputil._types import Floats, Ints
from nsputil.clinic.probes.registry import Probe, log10, number
from nsputil.clinic.probes.suspect import Suspect
from nsputil.clinic.signals.base import Number
from nsputil.experiment import Documents
from nsputil.losses import nsp_loss, sigmoid
from nsputil.metrics import calibration_error
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.sentence_pairs import sentence_level_pairs


@dataclass(frozen=True)
class Recount:
    """What is counted from the logits of held-out pairs, against what was reported."""

    accuracy: Number = number("recount.accuracy", "fraction", "accuracy on held-out pairs, counted here", 0.45, 0.85)
    true: Number = number("recount.true", "fraction", "agreement with what truly follows in the text", 0.45, 0.85)
    loss: Number = number("recount.loss", "nats", "loss on held-out pairs, counted here", 0.35, 0.75)
    report: Number = number(
        "recount.report", "fraction", "accuracy that the suspect's evaluation gives for them, minus the count", 0, 0
    )
    report_loss: Number = number("recount.report_loss", "nats", "loss that it gives, minus the count", 0, 0)
    stale: Number = number(
        "recount.stale", "fraction", "accuracy last reported in training minus what the evaluation gives now", 0, 0
    )
    recalls: Number = number("recount.recalls", "fraction", "recall of IsNext minus recall of NotNext", -1, 0.95)
    mean_p: Number = number("recount.mean_p", "fraction", "mean Pr(IsNext)", 0.3, 0.7)
    calibration: Number = number("recount.calibration", "fraction", "expected calibration error", 0, 0.25)
    spread: Number = number("recount.spread", "log10", "spread of the log-odds of IsNext", -1.2, 0.45)


def recount(suspect: Suspect) -> Recount:
    """Count loss and accuracy from the logits, and compare them with the suspect's own reports."""
    e, pairs = suspect.experiment, suspect.some_held_out
    labels = np.array([p.label for p in pairs])
    logits = suspect.held_out_logits
    says, p = logits.argmax(axis=1), sigmoid(logits[:, 0] - logits[:, 1])
    truth = np.array([NOT_NEXT - (x.sentence_b in suspect.next_of.get(x.sentence_a, ())) for x in pairs])
    accuracy, loss = (says == labels).mean(), nsp_loss(logits, labels)
    report = e.evaluation(suspect.model, pairs)
    chosen = np.random.default_rng((e.seed, 3)).permutation(len(suspect.held_out))[: e.watch]
    now = e.evaluation(suspect.model, [suspect.held_out[k] for k in sorted(chosen)])
    last = suspect.run.evaluations[-1] if suspect.run.evaluations else {}
    recall = [(says[labels == c] == c).mean() if (labels == c).any() else np.nan for c in (IS_NEXT, NOT_NEXT)]
    return Recount(
        accuracy=accuracy,
        true=(says == truth).mean(),
        loss=loss,
        report=report.get("accuracy", np.nan) - accuracy,
        report_loss=report.get("loss", np.nan) - loss,
        stale=last.get("accuracy", np.nan) - now.get("accuracy", np.nan),
        recalls=recall[0] - recall[1],
        mean_p=p.mean(),
        calibration=calibration_error(p, labels),
        spread=log10((logits[:, 0] - logits[:, 1]).std()),
    )


@dataclass(frozen=True)
class RecountTraining:
    """What is counted from the logits of training pairs, with dropout off."""

    accuracy: Number = number("known.accuracy", "fraction", "accuracy on training pairs, dropout off", 0.5, 0.95)
    loss: Number = number("known.loss", "nats", "loss on training pairs, dropout off", 0.2, 0.75)
    against_held_out: Number = number(
        "known.against_held", "fraction", "accuracy on training pairs minus accuracy on held-out pairs", -0.1, 0.25
    )
    against_log: Number = number(
        "known.against_log", "nats", "loss logged late in training minus the loss counted here", -0.15, 0.25
    )


def recount_training(suspect: Suspect) -> RecountTraining:
    """Count loss and accuracy of 200 training pairs from the logits."""
    pairs = [suspect.pairs[k] for k in suspect.rng(4).permutation(len(suspect.pairs))[:200]]
    labels = np.array([p.label for p in pairs])
    logits = suspect.model.logits(pairs)
    held_out = suspect.held_out_logits.argmax(axis=1) == [p.label for p in suspect.some_held_out]
    accuracy, loss = (logits.argmax(axis=1) == labels).mean(), nsp_loss(logits, labels)
    return RecountTraining(
        accuracy=accuracy,
        loss=loss,
        against_held_out=accuracy - held_out.mean(),
        against_log=np.mean(suspect.run.loss[-20:]) - loss,
    )


@dataclass(frozen=True)
class HarderPairs:
    """The trained model on pairs made by the course's own rule: permuted ones, and negatives of the same document."""

    permuted: Number = number(
        "hard.permuted",
        "fraction",
        "accuracy on permuted pairs, made by the course's own rule and encoding",
        0.45,
        0.85,
    )
    same_document: Number = number(
        "hard.same_document", "fraction", "accuracy with negatives from the same document", 0.45, 0.75
    )
    mean_p: Number = number("hard.mean_p", "fraction", "mean Pr(IsNext) on the permuted pairs", 0.3, 0.75)
    loss: Number = number("hard.loss", "nats", "loss on the permuted pairs", 0.35, 0.75)
    train_domain: Number = number(
        "hard.train_domain", "fraction", "accuracy on permuted pairs of the training documents", 0.45, 0.9
    )


def harder_pairs(suspect: Suspect) -> HarderPairs:
    """Sample pairs by the course's own rule, and count what the trained model makes of them."""

    def logits_and_labels(documents: Documents, rule: str, number: int) -> tuple[Floats, Ints]:
        pairs = sentence_level_pairs(documents, suspect.rng(number), negatives=rule)[:160]
        return suspect.model.logits(pairs), np.array([p.label for p in pairs])

    def accuracy(logits: Floats, labels: Ints) -> float:
        return float((logits.argmax(axis=1) == labels).mean())

    training, held_out, _ = suspect.documents
    logits, labels = logits_and_labels(held_out, "permuted", 5)
    return HarderPairs(
        permuted=accuracy(logits, labels),
        same_document=accuracy(*logits_and_labels(held_out, "same_document", 6)),
        mean_p=sigmoid(logits[:, 0] - logits[:, 1]).mean(),
        loss=nsp_loss(logits, labels),
        train_domain=accuracy(*logits_and_labels(training, "permuted", 7)),
    )


PROBES = (
    Probe(
        "recount",
        "What are loss and accuracy, counted from the trained model's logits, and is that what was reported?",
        21,
        Recount,
        recount,
    ),
    Probe(
        "recount-training",
        "How good is the trained model, with dropout off, on pairs that it was trained on?",
        16,
        RecountTraining,
        recount_training,
    ),
    Probe(
        "harder-pairs",
        "How good is the trained model on new pairs of the held-out documents: fair ones, and hard ones?",
        28,
        HarderPairs,
        harder_pairs,
    ),
)
