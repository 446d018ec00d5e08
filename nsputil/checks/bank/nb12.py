"""Exercises of notebook 12: more classes, another use, and the capstone."""

import inspect
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from nsputil._types import Bools, Floats, Ints
from nsputil.capstone import HOLDS, KnownModel, judge
from nsputil.capstone.repairs import script_with
from nsputil.capstone.watched import Diary
from nsputil.checks.answer_types import Function
from nsputil.checks.choice_exercise import ChoiceExercise, Option
from nsputil.checks.code_exercise import CodeExercise, InputCase
from nsputil.checks.facts_exercise import FactsExercise
from nsputil.checks.misconceptions import Misconception
from nsputil.checks.number_exercise import NumberExercise
from nsputil.checks.text_exercise import Point, TextExercise, Trap
from nsputil.corpus import Document
from nsputil.experiment import permuted
from nsputil.tokenization import Vocabulary, encode_pairs

_LN64, _GOLD, _TOPIC = math.log(64), 1 / 64 - 1, 2 / 3 * math.log(2)

class_levels = NumberExercise(
    name="class_levels",
    title="Levels before you train",
    notebook=12,
    objectives=(1, 2),
    kind="compute",
    difficulty=1,
    importance=3,
    minutes=5,
    value=(_LN64, _GOLD, _TOPIC),
    example=(math.log(32), math.nan, math.nan),
    misconceptions=(
        Misconception(
            "two_classes",
            (math.log(2), -0.5, math.log(2)),
            "These are the numbers of two classes.",
            "how many candidates share the probability?",
        ),
        Misconception(
            "log_base_2",
            (6.0, _GOLD, 2 / 3),
            "The losses are in bits, and nats are asked for. (0.667 is also the accuracy of the three-way model.)",
            "which logarithm gives nats?",
        ),
        Misconception(
            "one_candidate_more",
            (math.log(65), 1 / 65 - 1, _TOPIC),
            "The first two are those of 65 candidates. The gold one is among the 64.",
            "how many classes does the softmax of this row have?",
        ),
        Misconception(
            "wrong_class",
            (_LN64, 1 / 64, _TOPIC),
            "The second is the gradient of a wrong candidate.",
            "what is y at the gold one?",
        ),
        Misconception(
            "descent_sign",
            (_LN64, 63 / 64, _TOPIC),
            "The second has the wrong sign: you give the way that the logit will move.",
            "is the gradient p - y or y - p?",
        ),
        Misconception(
            "free_third_forgotten",
            (_LN64, _GOLD, math.log(2)),
            "The third is the loss of the two classes that are guessed. A third of all pairs costs nothing.",
            "over which pairs is the mean taken?",
        ),
        Misconception(
            "third_of_ln_2",
            (_LN64, _GOLD, math.log(2) / 3),
            "In the third, one class costs ln 2 and two are free in your result.",
            "for how many of the three classes does the model toss a coin?",
        ),
        Misconception(
            "level_of_three",
            (_LN64, _GOLD, math.log(3)),
            "The third is the loss of a model that knows nothing.",
            "what does this model know for certain?",
        ),
        Misconception(
            "gold_left_out",
            (math.log(63), _GOLD, _TOPIC),
            "The first is that of 63 candidates. The gold one shares the probability, too.",
            "how many classes does the softmax of this row have?",
        ),
        Misconception(
            "divided_by_candidates",
            (_LN64, _GOLD / 64, _TOPIC),
            "You divided the gradient by the number of candidates. It belongs to one row, and one row has one loss.",
            "what is p - y at the gold candidate?",
        ),
        Misconception(
            "coin_of_three",
            (_LN64, _GOLD, 2 / 3 * math.log(3)),
            "In the third, the coin has three sides in your result.",
            "between how many classes does the model toss its coin?",
        ),
        Misconception(
            "probability",
            (1 / 64, _GOLD, 1 / 3),
            "You give probabilities where losses are asked for.",
            "what is done with a probability to get a loss?",
        ),
    ),
    hints=(
        "A model that knows nothing gives each class the same probability. Which?",
        "The first is -ln of that probability, and the second is that probability minus 1.",
        "In the third, one pair in three costs 0 and two in three cost ln 2 each.",
    ),
    takeaway="Compute the level of knowing nothing, and that of knowing the topic only, before you read a loss.",
)


def k_class_loss_reference(logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """Return the mean loss of any number of classes and its gradient in the logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    y = np.eye(logits.shape[1])[labels]
    loss = -log_p[np.arange(len(labels)), labels].mean()
    return loss, (np.exp(log_p) - y) / len(labels)


def _log_softmax(logits: Floats, axis: int = 1) -> Floats:
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _gold(table: Floats, labels: Ints) -> Floats:
    return table[np.arange(len(labels)), labels]


def _one_hot(logits: Floats, labels: Ints) -> Floats:
    return np.eye(logits.shape[1])[labels]


def _k_class_cases(rng: Generator) -> list[InputCase]:
    cases = [InputCase((np.array([[2.0, 1.0, 0.0]]), np.array([0])), "one row with the logits 2, 1 and 0")]
    for rows, classes in ((4, 3), (6, 5), (3, 8), (5, 2)):
        logits = rng.normal(0.3, 1.2, (rows, classes))
        labels = np.arange(rows) % classes
        cases.append(InputCase((logits, rng.permutation(labels)), f"{rows} rows of {classes} classes"))
    large = rng.normal(size=(3, 4)) + np.array([[1000.0], [0.0], [-1000.0]])
    cases.append(InputCase((large, np.array([3, 1, 0])), "three rows with logits of a thousand"))
    far = rng.normal(size=(2, 3))
    far[0, 1], far[1, 0] = 1000.0, -1000.0
    cases.append(InputCase((far, np.array([1, 0])), "a row that is sure and right, and one that is sure and wrong"))
    return cases


def _two_columns(logits: Floats, labels: Ints) -> tuple[float, Floats]:
    rows, other = np.arange(len(labels)), np.where(labels == 0, 1, 0)
    gap = _gold(logits, labels) - _gold(logits, other)
    losses = np.logaddexp(0, -gap)
    gradient = np.zeros_like(logits)
    gradient[rows, other] = np.exp(-gap - losses) / len(labels)
    gradient[rows, labels] -= gradient[rows, other]
    return float(losses.mean()), gradient


def _unstable(logits: Floats, labels: Ints) -> tuple[float, Floats]:
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.log(_gold(p, labels)).mean(), (p - _one_hot(logits, labels)) / len(labels)


def _log_of_p(least: float = 0.0) -> Function:
    """Return an answer that takes the log of a softmax; a probability of 0 gives inf, or the log of `least`."""

    def answer(logits: Floats, labels: Ints) -> tuple[float, Floats]:
        p = np.exp(_log_softmax(logits))
        loss = -np.log(_gold(p, labels) + least).mean()
        return float(loss), (p - _one_hot(logits, labels)) / len(labels)

    return answer


def _clipped(limit: float) -> Function:
    def answer(logits: Floats, labels: Ints) -> tuple[float, Floats]:
        return k_class_loss_reference(np.clip(logits, -limit, limit), labels)

    return answer


def _k_idea(
    name: str,
    message: str = "",
    question: str = "",
    loss: Function | None = None,
    slope: Function | None = None,
    axis: int = 1,
) -> Misconception[Function]:
    """Return an idea with another last step, ``loss(log_p, labels)`` or ``slope(p, y, n)``; also with the log of p."""

    def answer(logits: Floats, labels: Ints, log_of_p: bool = False) -> tuple[Any, Any]:
        log_p, y = _log_softmax(logits, axis), _one_hot(logits, labels)
        log_p = np.log(np.exp(log_p)) if log_of_p else log_p
        value = loss(log_p, labels) if loss else -_gold(log_p, labels).mean()
        return value, slope(np.exp(log_p), y, len(labels)) if slope else (np.exp(log_p) - y) / len(labels)

    return Misconception(name, answer, message, question, also=(partial(answer, log_of_p=True),))


k_class_loss = CodeExercise(
    name="k_class_loss",
    title="The loss of three classes, or of thirty",
    notebook=12,
    objectives=(1, 2),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=9,
    points=2,
    from_scratch=True,
    reference=k_class_loss_reference,
    cases=_k_class_cases,
    misconceptions=(
        _k_idea("wrong_sign", loss=lambda log_p, c: _gold(log_p, c).mean()),
        Misconception("unstable_exp", _unstable),
        Misconception(
            "log_of_zero",
            _log_of_p(),
            "Right, except where the gold class has a probability too small for a number: it becomes 0, and its log is "
            "minus infinity.",
            "can you write log p from the logits, so that no exp comes before the log?",
        ),
        Misconception(
            "epsilon_in_log", _log_of_p(1e-12), also=tuple(map(_log_of_p, (1e-8, 1e-9, 1e-10, 1e-15, 1e-16, 1e-300)))
        ),
        _k_idea("softmax_over_batch", axis=0),
        _k_idea(
            "y_minus_p",
            "The loss is right, and the gradient has the wrong sign.",
            "does the loss rise or fall if the gold logit rises?",
            slope=lambda p, y, n: (y - p) / n,
        ),
        _k_idea(
            "slope_not_averaged",
            "The loss is a mean; the gradient is that of a sum.",
            "what does one row contribute to a mean of n rows?",
            slope=lambda p, y, n: p - y,
        ),
        _k_idea(
            "both_summed",
            "Loss and gradient are those of a sum over the rows; the mean is asked for.",
            "by what must both be divided?",
            loss=lambda log_p, c: -_gold(log_p, c).sum(),
            slope=lambda p, y, n: p - y,
        ),
        _k_idea(
            "gold_not_subtracted",
            "Your gradient pushes the gold class down like all others.",
            "what should each row of the gradient add up to?",
            slope=lambda p, y, n: p / n,
        ),
        _k_idea(
            "only_gold",
            "Your gradient is right at the gold class and 0 at all others.",
            "does the loss change if a wrong logit rises?",
            slope=lambda p, y, n: (p - 1) * y / n,
        ),
        _k_idea("divided_by_entries", slope=lambda p, y, n: (p - y) / p.size),
        _k_idea(
            "both_divided_by_entries",
            "You divided by all entries, rows times classes, so both are too small by the number of classes.",
            "how many losses does a row have?",
            loss=lambda log_p, c: -_gold(log_p, c).sum() / log_p.size,
            slope=lambda p, y, n: (p - y) / p.size,
        ),
        Misconception(
            "two_columns",
            _two_columns,
            "You compare the gold class with one other class only.",
            "which classes share the probability that the gold one does not get?",
        ),
        Misconception(
            "clipped_logits",
            _clipped(30),
            "You clip the logits. Right for small ones; large ones no longer count in full.",
            "what does a gap of 1000 between two logits cost?",
            also=tuple(map(_clipped, (20, 50, 100, 500, 700))),
        ),
        _k_idea(
            "largest_taken",
            loss=lambda log_p, c: -log_p.max(axis=1).mean(),
            slope=lambda p, y, n: (p - (p == p.max(axis=1, keepdims=True))) / n,
        ),
        _k_idea(
            "rows_times_labels",
            "You take the columns of all labels in every row, and not of each row its own.",
            "which shape does log_p[:, labels] have?",
            loss=lambda log_p, c: -log_p[:, c].mean(),
        ),
        _k_idea(
            "slope_of_p",
            "The loss is right. p * (1 - p) is the slope of a probability in its own logit, not that of the loss.",
            "what is the derivative of -log p, and what of p?",
            slope=lambda p, y, n: p * (1 - p) / n,
        ),
        _k_idea("mean_of_probabilities", loss=lambda log_p, c: -np.log(np.exp(_gold(log_p, c)).mean())),
        _k_idea(
            "one_against_all",
            "Your loss charges for the gold class and for its complement.",
            "what is charged when the gold class gets probability 1?",
            loss=lambda log_p, c: -(_gold(log_p, c) + np.log1p(-np.exp(_gold(log_p, c)))).mean(),
        ),
    ),
    hints=(
        "Softmax along the classes; then the loss needs one number of each row, and the gradient all of them.",
        "Subtract the largest logit of each row before exp, and take log p from the logits: a probability of 0 has no "
        "log. The gradient is p - y, divided by the number of rows.",
        "With z shifted so, log p is z - np.log(np.exp(z).sum(axis=1, keepdims=True)), and p its exp. "
        "log_p[np.arange(n), labels] picks the gold ones; np.eye(K)[labels] is y.",
    ),
    takeaway="Two classes, three or thirty: -log of the gold probability, and p - y.",
)


def candidates_loss_reference(a: Floats, b: Floats, scale: float) -> float:
    """Return the mean loss of finding the own b of each a among all b of the batch."""
    scores = scale * a @ b.T
    scores = scores - scores.max(axis=1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return float(-np.diag(log_p).mean())


def _candidates_cases(rng: Generator) -> list[InputCase]:
    one = np.array([[1.0, 0.0], [0.0, 1.0]])
    cases = [InputCase((one, one, 1.0), "two pairs that are unit vectors, scale 1")]
    for rows, width, scale in ((3, 2, 3.0), (5, 4, 0.7), (8, 3, 2.0)):
        a, b = rng.normal(size=(rows, width)), rng.normal(size=(rows, width))
        cases.append(InputCase((a, b, scale), f"{rows} pairs of vectors of {width} numbers, scale {scale}"))
    return cases


def _candidates(scores: Function, pick: Function | None = None) -> Function:
    def answer(a: Floats, b: Floats, scale: float) -> Any:
        p = np.exp(_log_softmax(scores(a, b, scale)))
        return pick(p) if pick else float(-np.log(np.diag(p)).mean())

    return answer


def _scaled(a: Floats, b: Floats, scale: float) -> Floats:
    return scale * a @ b.T


def _without_gold(a: Floats, b: Floats, scale: float) -> float:
    scores = _scaled(a, b, scale)
    others = np.exp(scores) * (1 - np.eye(len(a)))
    return float((np.log(others.sum(axis=1)) - np.diag(scores)).mean())


def _as_binary(a: Floats, b: Floats, scale: float) -> float:
    scores = _scaled(a, b, scale)
    gap = np.where(np.eye(len(a)) == 1, scores, -scores)
    return float(np.log1p(np.exp(-gap)).mean())


def _own_only(a: Floats, b: Floats, scale: float) -> float:
    return float(np.log1p(np.exp(-np.diag(_scaled(a, b, scale)))).mean())


def _cosines(a: Floats, b: Floats, scale: float) -> Floats:
    def unit(x: Floats) -> Floats:
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    return scale * unit(a) @ unit(b).T


candidates_loss = CodeExercise(
    name="candidates_loss",
    title="Which B of the batch?",
    notebook=12,
    objectives=(3,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=8,
    points=2,
    from_scratch=True,
    reference=candidates_loss_reference,
    cases=_candidates_cases,
    misconceptions=(
        Misconception(
            "which_a",
            _candidates(lambda a, b, s: s * b @ a.T),
            "You look for the A of each B. The B of each A is asked for.",
            "along which axis do the candidates of one A lie?",
        ),
        Misconception(
            "no_scale",
            _candidates(lambda a, b, s: a @ b.T),
            "The scale does not count in your result.",
            "where do the scores get their factor?",
        ),
        Misconception(
            "divided_by_scale",
            _candidates(lambda a, b, s: a @ b.T / s),
            "You divide by the scale; it is a factor here. (A temperature would be divided by.)",
            "what makes the probabilities sharper?",
        ),
        Misconception("sum_for_mean", _candidates(_scaled, lambda p: float(-np.log(np.diag(p)).sum()))),
        Misconception("no_mean", _candidates(_scaled, lambda p: -np.log(np.diag(p)))),
        Misconception(
            "gold_left_out",
            _without_gold,
            "The own B is missing among the candidates that share the probability.",
            "what do the probabilities of all candidates of one A add up to?",
        ),
        Misconception(
            "yes_or_no",
            _as_binary,
            "You ask of each pair of A and B by itself whether it belongs together.",
            "how many classes does one A have, and how many of them are gold?",
            also=(_own_only,),
        ),
        Misconception(
            "one_softmax",
            lambda a, b, s: -float(np.diag(_log_softmax(_scaled(a, b, s).reshape(1, -1)).reshape(len(a), -1)).mean()),
            "You take one softmax over all pairs of A and B. Each A has a softmax of its own.",
            "what do the probabilities in one row add up to?",
        ),
        Misconception(
            "scale_twice",
            _candidates(lambda a, b, s: s * s * a @ b.T),
            "The scale counts twice in your scores.",
            "which of the two vectors did you multiply by it?",
        ),
        Misconception(
            "first_is_gold",
            _candidates(_scaled, lambda p: float(-np.log(p[:, 0]).mean())),
            "You take the first B of the batch as the gold one of every A.",
            "which column belongs to row i?",
        ),
        Misconception(
            "best_score",
            _candidates(_scaled, lambda p: float(-np.log(p.max(axis=1)).mean())),
            "You charge for the candidate with the highest score, whether it is right or not.",
            "which candidate is gold?",
        ),
        Misconception("mean_of_probabilities", _candidates(_scaled, lambda p: float(-np.log(np.diag(p).mean())))),
        Misconception(
            "cosines",
            _candidates(_cosines),
            "You scale the vectors to length 1 first. The product of the vectors as given is asked for.",
            "which formula does the prompt have for a score?",
        ),
        Misconception(
            "sum_of_both",
            lambda a, b, s: (candidates_loss_reference(a, b, s) + candidates_loss_reference(b, a, s)) / 2,
            "You average the loss in both directions, A to B and B to A. Only the first is asked for.",
            "who chooses, and among whom?",
        ),
    ),
    hints=(
        "All scores at once are a matrix with a row for each A and a column for each B.",
        "scores = scale * a @ b.T; the gold class of row i is column i.",
        "A log-softmax along the rows, then minus the mean of its diagonal.",
    ),
    takeaway="A contrastive loss is -log Pr(c_gold | a), with the batch as classes. Knowing nothing costs ln K.",
)


def own_threshold_reference(valid_scores: Floats, valid_yes: Bools, test_scores: Floats, test_yes: Bools) -> float:
    """Return the balanced accuracy on the test data, at the threshold that is best on the validation data."""

    def balanced(scores: Floats, yes: Bools, cut: float) -> float:
        return float(((scores > cut)[yes].mean() + (scores <= cut)[~yes].mean()) / 2)

    values = np.unique(valid_scores)
    cuts = (values[1:] + values[:-1]) / 2
    best = max(cuts, key=lambda cut: balanced(valid_scores, valid_yes, cut))
    return balanced(test_scores, test_yes, best)


def _balanced(said: Bools, yes: Bools) -> float:
    return float((said[yes].mean() + (~said[~yes]).mean()) / 2)


def _plain(said: Bools, yes: Bools) -> float:
    return float((said == yes).mean())


def _recall(said: Bools, yes: Bools) -> float:
    return float(said[yes].mean())


def _f1(said: Bools, yes: Bools) -> float:
    return float(2 * (said & yes).sum() / (said.sum() + yes.sum()))


def _middles(scores: Floats) -> Floats:
    values = np.unique(scores)
    return (values[1:] + values[:-1]) / 2


def _chosen(scores: Floats, yes: Bools, worth: Function, cuts: Floats | None = None) -> float:
    """Return the best threshold, and the first one if several are equally good."""
    cuts = _middles(scores) if cuts is None else cuts
    return float(max(cuts, key=lambda cut: round(worth(scores > cut, yes), 9)))


def _with_repeated(scores: Floats) -> Floats:
    ordered = np.sort(scores)
    return (ordered[1:] + ordered[:-1]) / 2


def _threshold(cut: Function, worth: Function = _balanced) -> Function:
    def answer(valid_scores: Floats, valid_yes: Bools, test_scores: Floats, test_yes: Bools) -> float:
        at = cut(valid_scores, valid_yes, test_scores, test_yes)
        return float(worth(test_scores > at, test_yes))

    return answer


def _own_threshold_cases(rng: Generator) -> list[InputCase]:
    cases = [
        InputCase(
            (
                np.array([-3.0, -2.0, -1.0, 1.0]),
                np.array([False, True, True, True]),
                np.array([-2.8, -2.2, 0.5, 2.0]),
                np.array([False, True, True, False]),
            ),
            "four validation and four test texts",
        )
    ]
    cases.append(_equally_good(rng))
    for count, shift in ((60, -2.0), (90, 1.5), (75, -1.2)):
        parts = _two_parts(rng, count, shift)
        while not _tells(*parts):
            parts = _two_parts(rng, count, shift)
        cases.append(InputCase(parts, f"{count} texts in each part, a quarter of them yes"))
    return cases


def _two_parts(rng: Generator, count: int, shift: float) -> tuple[Any, ...]:
    parts: list[Any] = []
    for move in (0.0, 0.5):  # test scores lie a little higher, so that their own best threshold is another one
        yes = rng.random(count) < 0.25
        parts += [rng.normal(size=count) * 1.3 + shift + move + 1.4 * yes, yes]
    return tuple(parts)


def _tells(valid_scores: Floats, valid_yes: Bools, test_scores: Floats, test_yes: Bools) -> bool:
    """True if one threshold is best, by more than the last digit of a float, and other measures have another."""
    worth = sorted(_balanced(valid_scores > cut, valid_yes) for cut in _middles(valid_scores))
    said = [test_scores > _chosen(valid_scores, valid_yes, by) for by in (_balanced, _plain, _f1)]
    reached = [_balanced(each, test_yes) for each in said]
    differ = len(set(reached)) == 3 and _plain(said[0], test_yes) != _plain(said[1], test_yes)
    return worth[-1] - worth[-2] > 1e-9 and differ


def _equally_good(rng: Generator) -> InputCase:
    """Return a case in which -0.5 and 1.5 are equally good, and scores come twice; all recalls are exact floats."""
    order = rng.permutation(8)
    scores = np.array([-2.0, -1.0, -1.0, 0.0, 1.0, 2.0, 3.0, 3.0])[order]
    yes = np.array([False, False, False, True, False, True, True, True])[order]
    test_yes = np.array([False, False, True, True, True, False, False, True])
    test_scores = np.array([-1.7, -0.7, -0.3, 0.3, 0.7, 1.2, 1.7, 2.4])
    return InputCase((scores, yes, test_scores, test_yes), "two thresholds that are equally good, and equal scores")


own_threshold = CodeExercise(
    name="own_threshold",
    title="A threshold of its own",
    notebook=12,
    objectives=(4,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=10,
    points=2,
    from_scratch=True,
    reference=own_threshold_reference,
    cases=_own_threshold_cases,
    misconceptions=(
        Misconception(
            "chosen_on_test",
            _threshold(lambda v, w, t, u: _chosen(t, u, _balanced)),
            "You choose the threshold on the texts that you report about.",
            "which part is used once, at the end?",
        ),
        Misconception(
            "zero",
            _threshold(lambda v, w, t, u: 0.0),
            "Your threshold is 0.",
            "what does a log-odds of 0 mean for a sentence that never followed anything?",
        ),
        Misconception(
            "chosen_by_accuracy",
            _threshold(lambda v, w, t, u: _chosen(v, w, _plain)),
            "You choose by the plain accuracy, and report the balanced one.",
            "which threshold is best for plain accuracy if nearly all texts are no?",
        ),
        Misconception(
            "plain_accuracy",
            _threshold(lambda v, w, t, u: _chosen(v, w, _plain), _plain),
            "You use the plain accuracy in both steps.",
            "what does it give somebody who always says no?",
        ),
        Misconception(
            "reported_plain",
            _threshold(lambda v, w, t, u: _chosen(v, w, _balanced), _plain),
            "Your threshold is right; you report the plain accuracy.",
            "what is balanced in a balanced accuracy?",
        ),
        Misconception(
            "reported_on_validation",
            lambda v, w, t, u: _balanced(v > _chosen(v, w, _balanced), w),
            "You report the accuracy on the texts that the threshold was chosen on.",
            "which texts did not help to choose it?",
        ),
        Misconception(
            "only_yes",
            _threshold(lambda v, w, t, u: _chosen(v, w, _balanced), _recall),
            "You report only the share of yes that is found.",
            "what about the texts that are no?",
        ),
        Misconception(
            "below_is_yes",
            lambda v, w, t, u: _balanced(t <= _chosen(v, w, _balanced), u),
            "You say yes below the threshold.",
            "does a high log-odds speak for or against the prompt?",
        ),
        Misconception(
            "median",
            _threshold(lambda v, w, t, u: float(np.median(v))),
            "You take the middle of the validation scores, whatever their labels say.",
            "what are the labels of the validation texts for?",
        ),
        Misconception(
            "chosen_by_f1",
            _threshold(lambda v, w, t, u: _chosen(v, w, _f1)),
            "You choose by F1, and report the balanced accuracy.",
            "by which number should the threshold be chosen?",
        ),
        Misconception(
            "highest_of_equal",
            _threshold(lambda v, w, t, u: _chosen(v, w, _balanced, _middles(v)[::-1])),
            "Of equally good thresholds you take the highest.",
            "which one does the prompt ask for?",
        ),
        Misconception(
            "equal_scores_apart",
            _threshold(lambda v, w, t, u: _chosen(v, w, _balanced, _with_repeated(v))),
            "Between two equal scores you try a threshold, too: the score itself.",
            "between which scores does the prompt ask for a threshold?",
        ),
        Misconception(
            "scores_as_thresholds",
            _threshold(lambda v, w, t, u: _chosen(v, w, _balanced, np.unique(v))),
            "You try the scores themselves as thresholds. The middle between two neighbors is asked for.",
            "where would you draw the line between -3 and -2?",
        ),
        Misconception(
            "not_sorted",
            _threshold(lambda v, w, t, u: _chosen(v, w, _balanced, (v[1:] + v[:-1]) / 2)),
            "You take the middles of scores that are neighbors in the array, in the order in which it has them.",
            "which scores are neighbors, if the array is not sorted?",
        ),
        Misconception(
            "yes_below",
            lambda v, w, t, u: _balanced(t < _chosen(v, w, lambda said, yes: -_balanced(said, yes)), u),
            "In both steps you say yes below the threshold.",
            "does a high log-odds speak for or against the prompt?",
        ),
        Misconception(
            "middle_of_means",
            _threshold(lambda v, w, t, u: float((v[w].mean() + v[~w].mean()) / 2)),
            "You take the middle between the two mean scores. That is a good first guess, and not the best threshold.",
            "how good is each of the possible thresholds on the validation texts?",
        ),
        Misconception(
            "threshold_returned",
            lambda v, w, t, u: _chosen(v, w, _balanced),
            "You return the threshold; what it reaches on the test texts is asked for.",
            "what is done with the threshold?",
        ),
    ),
    hints=(
        "Try each threshold between two neighboring validation scores, and keep the best. Then use the test part.",
        "values = np.unique(valid_scores); the thresholds are (values[1:] + values[:-1]) / 2.",
        "The balanced accuracy is ((scores > cut)[yes].mean() + (scores <= cut)[~yes].mean()) / 2.",
    ),
    takeaway="Choose on validation data, report on test data, and give both recalls a say.",
)

weak_result = ChoiceExercise(
    name="weak_result",
    title="What does a weak result support?",
    notebook=12,
    objectives=(5,),
    kind="critique",
    difficulty=2,
    importance=3,
    minutes=7,
    question=(
        "From notebook 12, on 400 test texts of 24 speeches, five topics, 95 % intervals by speech: always the most "
        "frequent topic 0.38 [0.26, 0.52]; nsp-mini as a zero-shot classifier 0.61 [0.57, 0.65]; the mean of its word "
        "vectors alone 0.64 [0.60, 0.68]; the difference of the last two, text by text, -0.030 [-0.075, +0.003]. The "
        "wording of the prompts was chosen on 400 validation texts. Which statements do these numbers support? Choose "
        "all that apply."
    ),
    options=(
        Option(
            "nsp-mini tells these topics apart better than a guess of the most frequent one.",
            "Yes: 0.61 against 0.38, and the intervals are apart.",
            right=True,
        ),
        Option(
            "The next sentence model is worse than its word vectors.",
            "The interval of the difference holds 0, so this is not shown. It is not shown either that it is better.",
        ),
        Option(
            "That attention and head help with this task is not shown.",
            "Yes: the rival without them is at least as good on the same texts.",
            right=True,
        ),
        Option(
            "The two intervals overlap, so the two classifiers are equally good.",
            "Overlapping intervals show no equality. The question is for the interval of the difference, and that "
            "one reaches from -0.075 to +0.003.",
        ),
        Option(
            "BERT, used in the same way, would have no use as a zero-shot classifier.",
            "Nothing was measured with BERT here. NSP-BERT's authors report high numbers; ask for the same rival.",
        ),
        Option(
            "The choice of the wording did not make the 0.61 too good: the test texts did not choose it.",
            "Yes: three wordings were tried on other texts.",
            right=True,
        ),
    ),
    hints=(
        "For each statement: which of the four numbers would it need?",
        "To compare two classifiers on the same texts, look at the interval of the difference.",
        "Three are supported: one about a guess, one about what is not shown, one about a choice.",
    ),
    takeaway="A weak result with its rival, its n and its interval is worth more than a good number alone.",
)

rank_defects = ChoiceExercise(
    name="rank_defects",
    title="Capstone, part 1: find and rank",
    notebook=12,
    objectives=(6,),
    kind="debug",
    difficulty=3,
    importance=3,
    minutes=15,
    points=2,
    question=(
        "The cells below hold the script of the capstone, and what a model with known answers saw of it. Which "
        "statements does this evidence support? Choose all that apply."
    ),
    options=(
        Option(
            "As long as the rate stays as it is, no other repair can be judged by the accuracy of a real training.",
            "Yes: nothing moves after two steps, so this hides everything else. It goes first.",
            right=True,
        ),
        Option(
            "Every row of one label has a gradient of exactly zero: these rows are not counted at all.",
            "Yes: the model can then learn nothing but the other label, and ends with one answer for all.",
            right=True,
        ),
        Option(
            "An accuracy of exactly one half shows that the labels are random.",
            "They are not random: they agree with the text in no row at all. Exactly one half comes from a model that "
            "does not see A: each B occurs once in either class.",
        ),
        Option(
            "The labels and the column that the evaluation reads cancel each other in the report; repair both, and do "
            "not be alarmed by the number in between.",
            "Yes: the pull is towards column 1 where B follows A, and the report reads column 1, too.",
            right=True,
        ),
        Option(
            "Mask and segments have changed places. That is harmless, because both hold zeros and ones.",
            "The mask then hides all of A, so there is nothing to compare.",
        ),
        Option(
            "The report of the broken script with the known model is 1 minus the recount, so only the evaluation has "
            "to be repaired.",
            "It does have to be repaired. But then the labels would teach the model the opposite of what it reads.",
        ),
        Option(
            "Once a training reports 0.74, the repairs are complete.",
            "Notebook 12 shows a script that reports 0.74 with a true accuracy of 0.26.",
        ),
    ),
    hints=(
        "Each line of the evidence belongs to a part: labels, arrays, loss, schedule, evaluation. What should it say?",
        "What hides the others goes first. What can cancel goes together.",
        "Three are supported: one about the rate, one about rows, one about two defects.",
    ),
    takeaway="Rank by what hides what, not by what is easiest to repair. The number moves late.",
)


def repaired_script_reference(
    documents: Sequence[Document], model: Diary, seed: int, epochs: int = 2
) -> tuple[Diary, float]:
    """Train on three quarters of the documents; return the model and its test accuracy."""
    rng, cut = np.random.default_rng(seed), 3 * len(documents) // 4
    pairs, test = permuted(documents[:cut], rng), permuted(documents[cut:], rng)
    steps = epochs * len(pairs) // 32
    for step in range(steps):
        chosen = [pairs[k] for k in rng.choice(len(pairs), 32)]
        labels = np.array([int(pair.document_a != pair.document_b) for pair in chosen])
        batch = encode_pairs(chosen, model.vocabulary)
        logits = model(batch.input_ids, batch.attention_mask, batch.token_type_ids)
        probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        slope = (probs - np.eye(2)[labels]) / len(labels)
        model.backward(slope)
        model.step(0.004 * (1 - step / steps))
    batch = encode_pairs(test, model.vocabulary)
    logits = model(batch.input_ids, batch.attention_mask, batch.token_type_ids)
    says_next = logits[:, 0] > logits[:, 1]
    follows = np.array([pair.document_a == pair.document_b for pair in test])
    return model, float((says_next == follows).mean())


def _repaired_script_cases(rng: Generator) -> list[InputCase]:
    words = [f"word{k}" for k in range(60)]
    documents = [
        Document(f"document {d}", [" ".join(rng.choice(words, int(rng.integers(3, 9)))) for _ in range(13)])
        for d in range(8)
    ]
    model = KnownModel(documents, Vocabulary.from_documents(documents))
    return [InputCase((documents, model, int(rng.integers(100))), "eight documents and a model with known answers")]


def _facts(value: Any, args: tuple[Any, ...]) -> Any:
    """Return what holds of a script, from the diary of the model that it returns; other values as they are."""
    if isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[0], Diary):
        return judge(value[0], value[1], args[0])
    return value


def _changed(line: str, other: str) -> Function:
    """Return the repaired script with one piece of its text replaced."""
    source = inspect.getsource(repaired_script_reference)
    if line not in source:
        raise ValueError(f"the repaired script does not hold {line!r}; expected a piece of its text")
    names = dict(globals())
    exec(compile(source.replace(line, other), "<capstone>", "exec"), names)
    changed: Function = names["repaired_script_reference"]
    return changed


_REPAIRS = {"labels", "inputs", "loss", "schedule", "evaluation"}

repaired_script = FactsExercise(
    name="repaired_script",
    title="Capstone, part 2: repair",
    notebook=12,
    objectives=(6,),
    kind="debug",
    difficulty=3,
    importance=3,
    minutes=20,
    points=5,
    reference=repaired_script_reference,
    cases=_repaired_script_cases,
    normal_form=_facts,
    holds=HOLDS,
    returns="the model and the accuracy, as the broken script returns them",
    questions={  # in the order of what hides what
        "schedule": "what are the rates of the first and of the last steps, and what should they be?",
        "inputs": "what do a row, its mask and its segments look like, in every call of the model?",
        "loss": "what is the gradient of -log Pr(gold), as a mean over all rows of the batch?",
        "labels": "to which column should a row pull where B follows A?",
        "evaluation": "what do you get if you count the answers of the final model again, on the test pairs?",
    },
    misconceptions=(
        Misconception(
            "labels_left",
            script_with(_REPAIRS - {"labels"}),
            "Four of the five facts hold now. Where B follows A, the gradient still pulls towards column 1.",
            "what does column 0 mean in this course?",
        ),
        Misconception(
            "inputs_left",
            script_with(_REPAIRS - {"inputs"}),
            "Four of the five facts hold now. The mask that the model gets hides all of A.",
            "in which order does the model take its three arrays?",
        ),
        Misconception(
            "loss_left",
            script_with(_REPAIRS - {"loss"}),
            "Four of the five facts hold now. The gradient of every row of one label is zero.",
            "which rows count in a mean over the batch?",
        ),
        Misconception(
            "schedule_left",
            script_with(_REPAIRS - {"schedule"}),
            "Four of the five facts hold now. The rate is zero long before the last step.",
            "in which unit is `step` counted, and in which unit is what it is divided by?",
        ),
        Misconception(
            "evaluation_left",
            script_with(_REPAIRS - {"evaluation"}),
            "Four of the five facts hold now. What the script reports is one minus a recount.",
            "which of the two logits is large when the model says that B follows?",
        ),
        Misconception(
            "constant_rate",
            _changed("0.004 * (1 - step / steps)", "0.004"),
            "Four of the five facts hold now. The rate never falls.",
            "what should the rate be at the last step?",
        ),
        Misconception(
            "summed",
            _changed("(probs - np.eye(2)[labels]) / len(labels)", "probs - np.eye(2)[labels]"),
            "Four of the five facts hold now. Your gradient is that of a sum over the rows.",
            "what does one of 32 rows contribute to a mean?",
        ),
        Misconception(
            "stopped_at_the_good_report",
            script_with({"inputs", "loss", "schedule"}),
            "A training with this script reports a good number. Labels and evaluation are both inverted, and cancel in "
            "the report.",
            "what would somebody get who reads your model with 0 = IsNext?",
        ),
        Misconception(
            "nothing_repaired",
            script_with(()),
            "This does what the broken script does.",
            "which fact of part 1 would you repair first?",
        ),
        Misconception(
            "what_shows_first",
            script_with({"schedule"}),
            "Only the rate is repaired. That goes first, and four other facts are violated.",
            "what does a row, its mask and its segments look like?",
        ),
    ),
    hints=(
        "The check runs your script with a model of known answers and asks five facts, one for each of: labels, "
        "arrays, loss, schedule, evaluation. It never reads your text.",
        "Labels: 0 = IsNext. Arrays: input_ids, attention_mask, token_type_ids. Loss: the mean over all rows. Rate: "
        "down to 0 at the last step. Evaluation: IsNext is column 0.",
        "Six lines change: that with labels, both calls of the model, keep, model.step, and says_next.",
    ),
    takeaway="Five facts hold, and no single one of these repairs would have moved the accuracy.",
)

capstone_report = TextExercise(
    name="capstone_report",
    title="Capstone, part 3: report",
    notebook=12,
    objectives=(6,),
    kind="explain",
    difficulty=3,
    importance=3,
    minutes=15,
    points=6,
    words=80,
    rubric=(
        Point(
            "The five defects, each with the part of the script where it is.",
            r"\b(?:five|5) (?:defects|mistakes|bugs|faults|lines|things)\b|"
            r"^(?!.*\b(?:five|5) (?:defects|mistakes|bugs|faults|lines|things)\b)"
            r"(?=.*\blabel(?:s|ed|led)?\b(?! (?:zero|0|nought)\b))(?=.*\b(?:masks?|segments?|arrays?|inputs?|"
            r"token types?)\b)(?=.*\b(?:rates?|schedule|step sizes?)\b)(?=.*\b(?:loss|gradients?|rows)\b)"
            r"(?=.*\b(?:columns?|evaluat\w*|report\w*|counted)\b).*?\b(?:labels?|masks?|segments?|arrays?|inputs?|"
            r"rates?|schedule|loss|evaluation)\b",
            "which five parts were wrong?",
        ),
        Point(
            "For each a fact that shows it: a number or a row, not an opinion.",
            r"161|0\.00\d|zero (from|after)|gradients?.{0,40}(zero|0\b)|hides? (all of )?A\b|no row|every row|all rows|"
            r"diary|violated|known model (shows|showed|saw)|0\.294|\b(660|684)\b|(no|without) (a |any )?gradient|"
            r"\b(shown|seen) (by|in|because|from)|found each by a fact",
            "what can a colleague look at, to see that?",
        ),
        Point(
            "The order: which defects hid others, and why they were repaired first.",
            r"\b(?:hid|hides?)\b(?! (?:all of )?A\b)|(?<!A was )\bhidden\b|nothing (?:moves|moved|learns|learned)|"
            r"(?:cannot|could not|can't) (?:be seen|show|judge|see)|invisible|fr[eo]ez|(?:no|any) effect\b|"
            r"\b(?:came|comes|goes|go|had to be|must be) first\b|before (?:the rest|the others|all|every|any)|"
            r"\b(?:first|(?:began|begun|begin|started|start) with)\b[^.]{0,120}\b(?:because|since|as long as|otherwise|"
            r"so that)\b|in the order (?:in which|of)\b[^.]{0,30}\brepair",
            "which repair shows nothing before another one is made?",
        ),
        Point(
            "Two defects cancelled in the report, so that a right repair made the number worse.",
            r"cancel|0\.26|made the (number|report|accuracy) (worse|lower|fall)|(undo|compensat)\w*|"
            r"(number|report|accuracy) (got|became|gets) worse|both inverted|two (wrongs|inversions)|"
            r"(hide|mask|hid) each other|(fell|dropped|drops|collapses) to",
            "what does the report say if only one of labels and evaluation is right?",
        ),
        Point(
            "The proof: all facts hold, and a recount agrees with the report.",
            r"facts? (?:holds?|is met|are met)|"
            r"(?:recount|count\w*)\b[^.]{0,60}\b(?:same|agrees?|equals?|both|confirms?)\b|"
            r"\b(?:same|agrees?|equals?|both)\b[^.]{0,60}\b(?:recount|count\w*)|"
            r"0\.73\d?\b[^.]{0,80}\b(?:recount|count\w*)",
            "how can one see that nothing is wrong any more?",
        ),
        Point(
            "What is still open: one text, one seed, no other data, no interval.",
            r"\b(one|single|second|other|another|more|different) (seeds?|texts?|corpus|split|runs?|documents)\b|"
            r"interval|not (been )?(shown|proven|measured|tested)|still open|remains open|limit",
            "what must be measured before one trusts the 0.73?",
        ),
    ),
    traps=(
        Trap(
            "each_repair_helped",
            r"(each|every) (single )?(repair|fix)\w* (improved|raised|increased|helped)|"
            r"(repair|fix)\w* one (at a time|after the other) and (kept|keep) (what|those)|took (them|it) back|"
            r"(kept|keep) (that|the best) (one|combination)|best combination",
            "No single repair moves the accuracy. What did you look at in place of it?",
        ),
        Trap(
            "accuracy_is_the_proof",
            r"(accuracy|report) (of|is) 0\.7\d (proves|shows that (all|everything))|"
            r"repairs (are|were) (right and )?complete|0\.740?\b[^.]{0,40}\bimprovement",
            "A script with two inverted parts reports 0.74 as well. What else proves it?",
        ),
    ),
    model=(
        "The script had five defects, and I found each by a fact, with a model whose answers are known. The labels "
        "were inverted: where B follows A, every row pulled towards column 1. Mask and segments had changed places, "
        "so the mask hid all of A. Rows with label 0 were not counted: their gradient was exactly zero. The rate was "
        "divided by epochs, so it was zero from the third step on, for 161 of 163 steps. The evaluation read column 1 "
        "as IsNext: the report was one minus a recount. I repaired the rate first, because nothing moves without it, "
        "then the arrays and the loss, because each of them alone keeps the accuracy at one half and hides the rest. "
        "Labels and evaluation came last and together: they cancelled, the report was 0.74 with a true accuracy of "
        "0.26, and repairing one of them made the number worse. Now all five facts hold, and on the speeches the "
        "report and a recount both say 0.73. That is one seed and one split of one text; an interval by speech and "
        "other text are still open."
    ),
    hints=(
        "Write for a colleague who reads only this: what was wrong, how do you know, in which order, what proves it?",
        "For each defect: the fact, the line, the repair. Then what hid what, and which two cancelled.",
        "End with the proof (facts with the known model, report equal to a recount) and with what one run cannot show.",
    ),
    takeaway="A report that others can check: facts, order, proof, and what is still open.",
)

EXERCISES = (
    class_levels,
    k_class_loss,
    candidates_loss,
    own_threshold,
    weak_result,
    rank_defects,
    repaired_script,
    capstone_report,
)
