"""Facts about one training: what follows from definitions, for any model, corpus and optimizer.

A fact is a small function with a tolerance from theory. It says *holds*, *violated* or *cannot tell*. A violated fact
vetoes "healthy" until a swap shows that it does no harm; a fact that holds supports nothing.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from nsputil.clinic.facts import model
from nsputil.clinic.facts.arrays import arrays, evaluation_arrays
from nsputil.clinic.facts.backward import backward_pass
from nsputil.clinic.facts.batching import batching_facts
from nsputil.clinic.facts.boundary import boundary_seen
from nsputil.clinic.facts.checkpoint import checkpoint_kept
from nsputil.clinic.facts.cut_alike import cut_alike
from nsputil.clinic.facts.explain import in_order
from nsputil.clinic.facts.finding import PLACES, Finding, unknown
from nsputil.clinic.facts.labels import labels_of_arrays, labels_of_pairs
from nsputil.clinic.facts.learned import learned
from nsputil.clinic.facts.live_weights import live_weights
from nsputil.clinic.facts.loss import loss_function
from nsputil.clinic.facts.modes import both_modes, drawn_anew
from nsputil.clinic.facts.numbers import number_facts
from nsputil.clinic.facts.opposite import opposite_gradients
from nsputil.clinic.facts.optimizer import optimizer_rule
from nsputil.clinic.facts.own_logits import own_logits
from nsputil.clinic.facts.places import places_of_b
from nsputil.clinic.facts.reach import places_read
from nsputil.clinic.facts.report import report_facts
from nsputil.clinic.facts.row_gradients import row_gradients
from nsputil.clinic.facts.rows_of_words import rows_of_words
from nsputil.clinic.facts.shortcuts import shortcut_facts
from nsputil.clinic.facts.sides import both_sides
from nsputil.clinic.facts.split import split_facts
from nsputil.clinic.facts.start import word_vectors
from nsputil.clinic.facts.steps import progress, tensors_that_move
from nsputil.clinic.facts.text import text_facts
from nsputil.clinic.facts.word_identity import words_apart
from nsputil.clinic.facts.word_weights import word_weights

__all__ = ["FACTS", "PLACES", "Finding", "examine", "run_facts"]

#: Each group of facts, and the place of the trouble if one of them cannot be asked.
FACTS: dict[str, tuple[Callable, str]] = {
    "text": (text_facts, "pairs"),
    "split": (split_facts, "split"),
    "labels.text": (labels_of_pairs, "pairs"),
    "pairs": (shortcut_facts, "pairs"),
    "pairs.places": (places_of_b, "pairs"),
    "labels.array": (labels_of_arrays, "encoding"),
    "arrays": (arrays, "encoding"),
    "arrays.alike": (cut_alike, "encoding"),
    "evaluation.arrays": (evaluation_arrays, "encoding"),
    "loss": (loss_function, "loss"),
    "model.repeatable": (model.repeatable, "model"),
    "model.alone": (model.alone, "model"),
    "model.beside": (model.beside, "model"),
    "model.padding": (model.padding, "model"),
    "model.labels": (model.labels_unread, "model"),
    "model.writes": (model.unchanged, "model"),
    "model.reads": (model.reads, "model"),
    "model.checkpoint": (checkpoint_kept, "model"),
    "model.reach": (places_read, "model"),
    "model.boundary": (boundary_seen, "model"),
    "model.live": (live_weights, "model"),
    "model.sides": (both_sides, "model"),
    "model.rows": (rows_of_words, "model"),
    "model.words": (words_apart, "model"),
    "model.weights": (word_weights, "model"),
    "model.asked": (own_logits, "evaluation"),
    "model.logits": (model.probabilities, "model"),
    "model.start": (word_vectors, "model"),
    "model.pooled": (model.pooled_units, "model"),
    "model.values": (model.values, "model"),
    "model.width": (model.width, "model"),
    "model.comparison": (model.comparison, "model"),
    "model.dropout": (model.dropout, "model"),
    "model.modes": (both_modes, "model"),
    "model.drawn": (drawn_anew, "model"),
    "model.backward": (backward_pass, "model"),
    "steps.frozen": (tensors_that_move, "optimizer"),
    "optimizer": (optimizer_rule, "optimizer"),
    "optimizer.rows": (row_gradients, "optimizer"),
    "optimizer.opposite": (opposite_gradients, "optimizer"),
    "batches": (batching_facts, "batching"),
    "report": (report_facts, "evaluation"),
    "report.learned": (learned, "evaluation"),
    "steps.progress": (progress, "optimizer"),
}


def examine(recording: Any, strict: bool = False) -> list[Finding]:
    """Return all facts of a recorded training.

    Parameters
    ----------
    recording : Recording
        Of `nsputil.clinic.recording.record`.
    strict : bool
        Raise the error of a fact that fails; by default such a fact cannot tell.

    Returns
    -------
    list of Finding
        Violations first: those that nothing explains, in the order of the pipeline, then those that others explain.
    """
    found: list[Finding] = []
    with np.errstate(all="ignore"):
        for name, (fact, place) in FACTS.items():
            try:
                found += fact(recording)
            except Exception as error:  # a part of a kind that a fact does not know
                if strict:
                    raise
                found.append(unknown(name, place, f"This could not be asked ({type(error).__name__}: {error})."))
        found += number_facts(recording.run)
    if recording.error is not None:
        kind = type(recording.error).__name__
        text = f"The training ended with {kind}: {recording.error}"
        found.append(Finding("numbers.error", "violated", "numbers", text, {}))
    return in_order(found)


def run_facts(run: Any) -> list[Finding]:
    """Return what the curves of a run, or of a log, show alone; violations first.

    Parameters
    ----------
    run : nsputil.run.Run
        It may lack instruments, evaluations or accuracies.
    """
    return in_order(number_facts(run))
