"""Exercises of notebook 05, the gradient."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from nsputil._types import Floats, Ints
from nsputil.checks.answer_types import Function
from nsputil.checks.choice_exercise import ChoiceExercise, Option
from nsputil.checks.code_exercise import CodeExercise, InputCase
from nsputil.checks.misconceptions import Misconception
from nsputil.checks.number_exercise import NumberExercise
from nsputil.checks.text_exercise import Point, TextExercise, Trap

same_probability = ChoiceExercise(
    name="same_probability",
    title="Which rows say the same?",
    notebook=5,
    objectives=(1,),
    kind="predict",
    difficulty=1,
    importance=3,
    minutes=3,
    question=(
        "The logits `[2, -1]` give a certain Pr(IsNext). Which of these rows give the same one? Choose all that apply."
    ),
    options=(
        Option("`[3, 0]`", "Yes: 1 was added to both, and their difference is still 3.", right=True),
        Option("`[-1, 2]`", "The difference is -3 here: Pr(IsNext) and Pr(NotNext) have changed places."),
        Option("`[4, -2]`", "Both are doubled, and so is the difference: 6. Softmax does not ignore a factor."),
        Option("`[0, -3]`", "Yes: 2 was subtracted from both, and their difference is still 3.", right=True),
        Option("`[1000, 997]`", "Yes: the numbers are large, but their difference is 3.", right=True),
        Option("`[0.9526, 0.0474]`", "These are the probabilities themselves; as logits they differ by less than 1."),
    ),
    hints=(
        "There are two logits, but only one number counts.",
        "Compute the log-odds of IsNext, z_0 - z_1, for every row.",
        "They must be +3.",
    ),
    takeaway=(
        "Softmax of two logits is the sigmoid of their difference, the log-odds: a shift changes nothing, a factor "
        "does."
    ),
)

P = np.array([0.8, 0.4, 0.7, 0.3])  # Pr(IsNext); gold is IsNext, IsNext, NotNext, IsNext
Y = np.array([1, 1, 0, 1])
ROWS = P - Y

bias_gradient = NumberExercise(
    name="bias_gradient",
    title="The gradient in b, by hand",
    notebook=5,
    objectives=(2, 3),
    kind="compute",
    difficulty=1,
    importance=3,
    minutes=5,
    value=(ROWS.mean(), -ROWS.mean()),
    example=(-0.1, 0.1),
    misconceptions=(
        Misconception("wrong_sign", (-ROWS.mean(), ROWS.mean())),
        Misconception(
            "sum_for_mean",
            (ROWS.sum(), -ROWS.sum()),
            "You summed the rows; the loss is a mean over the batch.",
            "what happens to the gradient of a mean if the batch holds every pair twice?",
        ),
        Misconception(
            "probabilities_only",
            (P.mean(), 1 - P.mean()),
            "You averaged the probabilities; the labels do not count in that.",
            "what is subtracted from p at the gold class?",
        ),
        Misconception(
            "label_one_is_next",
            ((P - 1 + Y).mean(), -(P - 1 + Y).mean()),
            "You subtracted 1 from the class that is not gold: you read label 1 as IsNext.",
            "which class is gold for the first pair?",
        ),
        Misconception(
            "all_labels_is_next",
            ((P - 1).mean(), (1 - P).mean()),
            "You treated every pair as IsNext.",
            "which of the four pairs is NotNext?",
        ),
        Misconception(
            "absolute_values",
            (np.abs(ROWS).mean(), np.abs(ROWS).mean()),
            "You averaged absolute values, but the pairs pull in different directions.",
            "do an IsNext pair and a NotNext pair move b the same way?",
        ),
        Misconception(
            "divided_by_entries",
            (ROWS.mean() / 2, -ROWS.mean() / 2),
            "Your numbers are half of the right ones: you divided by all entries, rows times columns.",
            "over what is the loss averaged: pairs, or pairs times classes?",
        ),
    ),
    hints=(
        "There is one row p - y for each pair. b is added to every row of logits, so its gradient collects all rows.",
        "For the first pair the row is [0.8 - 1, 0.2 - 0].",
        "First column: -0.2, -0.6, 0.7, -0.7. Take their mean; the second column is its negative.",
    ),
    takeaway=(
        "dL/db is the mean of p - y. It is zero when the mean of Pr(IsNext) is the fraction of pairs that are IsNext."
    ),
)


def _softmax(logits: Floats, axis: int = 1) -> Floats:
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def logits_gradient_reference(logits: ArrayLike, labels: ArrayLike) -> Floats:
    """Return the gradient of the mean loss in the logits, (batch, 2)."""
    z = np.asarray(logits, dtype=np.float64)
    return (_softmax(z) - np.eye(2)[np.asarray(labels)]) / len(z)


def _logits_gradient_cases(rng: Generator) -> list[InputCase]:
    cases = [InputCase((np.array([[1.3863, 0.0]]), np.array([0])), "one pair, logits 1.3863 and 0, gold IsNext")]
    for size in (3, 5):
        labels = rng.permutation(np.arange(size) % 2)
        cases.append(InputCase((rng.normal(0.5, 1.5, (size, 2)), labels), f"{size} pairs of both labels"))
    return cases


def _one_hot(labels: Ints) -> Floats:
    return np.eye(2)[labels]


def _gold_column_only(logits: Floats, labels: Ints) -> Floats:
    return (_softmax(logits) - 1) * _one_hot(labels) / len(logits)


def _labels_for_one_hot(logits: Floats, labels: Ints) -> Floats:
    return (_softmax(logits) - labels[:, None]) / len(logits)


logits_gradient = CodeExercise(
    name="logits_gradient",
    title="p - y for a batch",
    notebook=5,
    objectives=(2,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=8,
    points=2,
    from_scratch=True,
    reference=logits_gradient_reference,
    cases=_logits_gradient_cases,
    misconceptions=(
        Misconception("wrong_sign", lambda z, labels: -logits_gradient_reference(z, labels)),
        Misconception(
            "not_divided",
            lambda z, labels: len(z) * logits_gradient_reference(z, labels),
            "Each row is right for its own pair. The loss is a mean, and its gradient is smaller.",
            "what does one pair contribute to the mean of a batch of 100?",
        ),
        Misconception("divided_by_entries", lambda z, labels: logits_gradient_reference(z, labels) / 2),
        Misconception(
            "summed_over_batch",
            lambda z, labels: logits_gradient_reference(z, labels).sum(axis=0),
            "You summed over the batch: that is the gradient in b. One row for each pair is asked for.",
            "what shape do the logits have, and what shape must their gradient have?",
        ),
        Misconception(
            "label_one_is_next",
            lambda z, labels: (_softmax(z) - _one_hot(1 - labels)) / len(z),
            "You subtracted 1 from the column that is not gold.",
            "which column belongs to label 0?",
        ),
        Misconception(
            "gold_ignored",
            lambda z, labels: (_softmax(z) - _one_hot(np.zeros_like(labels))) / len(z),
            "You always subtract 1 from the first column, whatever the label says.",
            "from which column is 1 subtracted when gold is NotNext?",
        ),
        Misconception(
            "label_not_one_hot",
            _labels_for_one_hot,
            "You subtracted the label, a number, from both columns.",
            "what is y as a row of two numbers?",
        ),
        Misconception(
            "probabilities_only",
            lambda z, labels: _softmax(z) / len(z),
            "You return the probabilities; nothing is subtracted at the gold class.",
            "to what must the two entries of each row sum?",
        ),
        Misconception(
            "gold_column_only",
            _gold_column_only,
            "Only the gold column has a gradient in your result.",
            "does the loss change if the other logit grows?",
        ),
        Misconception(
            "softmax_over_batch",
            lambda z, labels: (_softmax(z, axis=0) - _one_hot(labels)) / len(z),
        ),
        Misconception(
            "logits_as_probabilities",
            lambda z, labels: (z - _one_hot(labels)) / len(z),
        ),
        Misconception("double_softmax", lambda z, labels: (_softmax(_softmax(z)) - _one_hot(labels)) / len(z)),
        Misconception(
            "sigmoid_of_one_logit",
            lambda z, labels: (1 / (1 + np.exp(-z)) - _one_hot(labels)) / len(z),
        ),
        Misconception(
            "slope_in_p",
            lambda z, labels: -_one_hot(labels) / _softmax(z) / len(z),
            "That is the gradient in the probabilities; the gradient in the logits is asked for.",
            "which step comes between the logits and the probabilities?",
        ),
        Misconception(
            "slope_of_p",
            lambda z, labels: -_softmax(z) * (1 - _softmax(z)) * (2 * _one_hot(labels) - 1) / len(z),
            "You differentiated the probability of the gold class instead of its logarithm.",
            "by what do you divide the slope of p when you differentiate log p?",
        ),
    ),
    hints=(
        "Three steps: softmax of each row; subtract 1 from the gold column; remember that the loss is a mean.",
        "np.eye(2)[labels] has a 1 in each row, in the gold column.",
        "(p - np.eye(2)[labels]) / len(labels), with p the softmax along axis 1.",
    ),
    takeaway="The gradient of this loss is what the model said minus what is true, divided by the size of the batch.",
)


ScalarFunction = Callable[[Floats], float]


def central_difference_reference(function: ScalarFunction, x: ArrayLike, step: float) -> Floats:
    """Return the slopes of a function of an array by central differences, one entry at a time."""
    point = np.array(x, dtype=np.float64)
    slopes = np.zeros_like(point)
    for k in np.ndindex(point.shape):
        up, down = point.copy(), point.copy()
        up[k] += step
        down[k] -= step
        slopes[k] = (function(up) - function(down)) / (2 * step)
    return slopes


def _cubic(x: ArrayLike) -> float:
    """x0^3 + 2 x0 x1 - x1^2 and so on: the entries are coupled, and third derivatives are not zero."""
    v = np.asarray(x, dtype=np.float64).ravel()
    return float((v**3).sum() + 2 * (v[:-1] * v[1:]).sum() - (v[1:] ** 2).sum())


def _central_cases(rng: Generator) -> list[InputCase]:
    return [
        InputCase((_cubic, np.array([1.0, 2.0]), 0.1), "a function of two numbers at [1, 2], step 0.1"),
        InputCase((_cubic, rng.uniform(0.5, 2.0, 4), 0.05), "a function of four numbers, step 0.05"),
        InputCase((_cubic, rng.uniform(0.5, 2.0, (2, 2)), 0.2), "a function of a table of 2 by 2, step 0.2"),
    ]


def _as_found(function: ScalarFunction, x: Floats, step: float) -> Floats:
    slopes = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        x[k] += step
        up = function(x)
        slopes[k] = (up - function(x - step)) / step
    return slopes


def _differences(up: float, down: float, divisor: float, all_entries: bool = False, left_behind: int = 0) -> Function:
    """Return finite differences between x + up * step and x + down * step, divided by divisor * step.

    With `all_entries`, all entries are moved at once. Each entry stays moved by left_behind * step.
    """

    def answer(function: ScalarFunction, x: Floats, step: float) -> Floats:
        x = np.array(x)
        slopes = np.zeros_like(x)
        for k in np.ndindex(x.shape):
            ends = []
            for move in (up, down):
                moved = x.copy()
                moved[... if all_entries else k] += move * step
                ends.append(function(moved))
            slopes[k] = (ends[0] - ends[1]) / (divisor * step)
            x[k] += left_behind * step
        return slopes

    return answer


def _down_moves_all(function: ScalarFunction, x: Floats, step: float) -> Floats:
    slopes = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        up = x.copy()
        up[k] += step
        slopes[k] = (function(up) - function(x - step)) / (2 * step)
    return slopes


def _first_entry_only(function: ScalarFunction, x: Floats, step: float) -> Floats:
    slopes = np.zeros_like(x)
    slopes.flat[0] = central_difference_reference(function, x, step).flat[0]
    return slopes


central_difference = CodeExercise(
    name="central_difference",
    title="Find the bugs: finite differences",
    notebook=5,
    objectives=(2,),
    kind="debug",
    difficulty=3,
    importance=2,
    minutes=10,
    points=2,
    from_scratch=True,
    reference=central_difference_reference,
    cases=_central_cases,
    misconceptions=(
        Misconception(
            "as_found",
            _as_found,
            "This still behaves like the colleague's code.",
            "after the first entry was moved, what does x hold when the second entry is tried?",
        ),
        Misconception(
            "one_sided",
            _differences(1, 0, 1),
            "You take the difference upward only. Its error is a multiple of the step, not of the square of the step.",
            "which two points are equally far from x, one on each side?",
        ),
        Misconception(
            "one_sided_downward",
            _differences(0, -1, 1),
            "You take the difference downward only. Its error is a multiple of the step, not of the square of the "
            "step.",
            "which two points are equally far from x, one on each side?",
        ),
        Misconception(
            "twice_too_large",
            _differences(1, -1, 1),
            "Your slopes are twice the right ones: the two points are farther apart than the distance you divide by.",
            "how far is x + step from x - step?",
        ),
        Misconception(
            "half_step",
            _differences(0.5, -0.5, 1),
            "You moved by half a step to either side. The prompt asks for a whole step each way.",
            "at which two points should the function be called?",
        ),
        Misconception(
            "all_entries_moved",
            _differences(1, -1, 2, all_entries=True),
            "You moved all entries at once, so each slope is the slope of moving them together.",
            "which single entry belongs to slopes[k]?",
        ),
        Misconception(
            "moves_pile_up",
            _differences(1, -1, 2, left_behind=1),
            "Entries that were moved stay moved while the next entries are tried.",
            "does x hold the same values at the start of each iteration?",
        ),
        Misconception(
            "moves_pile_up_downward",
            _differences(1, -1, 2, left_behind=-1),
            "Entries that were moved stay one step too low while the next entries are tried.",
            "does x hold the same values at the start of each iteration?",
        ),
        Misconception(
            "turned_round",
            _differences(-1, 1, 2),
            "These are the right slopes with the wrong sign.",
            "if the function grows with x[k], which of the two values is larger?",
        ),
        Misconception(
            "down_moves_all",
            _down_moves_all,
            "Upward you move one entry, and downward all of them.",
            "what does x - step subtract the step from?",
        ),
        Misconception(
            "one_array_for_both",
            lambda function, x, step: np.zeros_like(x),
            "All your slopes are 0: the two points are one and the same array.",
            "how many arrays are there after up = x and down = x?",
        ),
        Misconception(
            "brackets_missing",
            lambda function, x, step: step**2 * central_difference_reference(function, x, step),
            "You divided by 2 and then multiplied by the step.",
            "in which order does Python work out a / 2 * step?",
        ),
        Misconception(
            "first_entry_only",
            _first_entry_only,
            "Only the first entry of your result is filled.",
            "is the return inside the loop?",
        ),
        Misconception(
            "not_divided",
            lambda function, x, step: 2 * step * central_difference_reference(function, x, step),
            "You return differences; a slope is a difference over a distance.",
            "what happens to your number if the step is halved?",
        ),
    ),
    hints=(
        "There are three bugs: in what is moved downward, in what stays moved, and in what you divide by.",
        "Make two fresh copies in each iteration, and move one entry in each of them.",
        "up = x.copy(); up[k] += step; the same for down with -=; (function(up) - function(down)) / (2 * step).",
    ),
    takeaway="Move one entry both ways, put it back, and divide by the whole distance.",
)


def back_to_h_cls_reference(dlogits: ArrayLike, pooled: ArrayLike, W: ArrayLike, W_p: ArrayLike) -> Floats:
    """Return the gradient in h_cls from that in the logits, with ``pooled = tanh(W_p h_cls + b_p)``."""
    return ((np.asarray(dlogits) @ np.asarray(W)) * (1 - np.asarray(pooled) ** 2)) @ np.asarray(W_p)


def _back_cases(rng: Generator) -> list[InputCase]:
    cases = []
    for batch, hidden in ((1, 3), (4, 5)):
        first = rng.normal(size=batch) / batch
        args = (
            np.column_stack([first, -first]),
            np.tanh(rng.normal(size=(batch, hidden))),
            rng.normal(size=(2, hidden)),
            rng.normal(size=(hidden, hidden)),
        )
        cases.append(InputCase(args, f"{batch} {'pair' if batch == 1 else 'pairs'}, vectors of {hidden}"))
    return cases


def _gate(gate: Callable[[Floats], Floats]) -> Function:
    return lambda dlogits, pooled, W, W_p: ((dlogits @ W) * gate(pooled)) @ W_p


back_to_h_cls = CodeExercise(
    name="back_to_h_cls",
    title="Back through head and pooler",
    notebook=5,
    objectives=(3,),
    kind="implement",
    difficulty=3,
    importance=3,
    minutes=10,
    points=3,
    from_scratch=True,
    reference=back_to_h_cls_reference,
    cases=_back_cases,
    misconceptions=(
        Misconception(
            "no_gate",
            _gate(np.ones_like),
            "You go back as if there were no tanh.",
            "by what is the gradient multiplied where pooled is 0.99?",
        ),
        Misconception(
            "gate_without_square",
            _gate(lambda pooled: 1 - pooled),
            "Your gate is 1 - pooled.",
            "is the slope of tanh the same at 0.5 and at -0.5?",
        ),
        Misconception(
            "gate_of_sigmoid",
            _gate(lambda pooled: pooled * (1 - pooled)),
            "Your gate is that of a sigmoid.",
            "how large is the slope of tanh at 0, where pooled is 0?",
        ),
        Misconception(
            "gate_is_square",
            _gate(lambda pooled: pooled**2),
            "Your gate is pooled squared; the 1 - in front of it is missing.",
            "how large is the slope of tanh at 0, where pooled is 0?",
        ),
        Misconception(
            "tanh_again",
            _gate(lambda pooled: 1 - np.tanh(pooled) ** 2),
            "You applied tanh to pooled, which is already the output of tanh.",
            "what does pooled hold: a, or tanh(a)?",
        ),
        Misconception(
            "transposed",
            lambda dlogits, pooled, W, W_p: ((dlogits @ W) * (1 - pooled**2)) @ W_p.T,
            "W_p is transposed, as in the forward pass. It is square, so nothing complained.",
            "forward, row i of W_p made entry i of a: which product leads from the entries of a back to h_cls?",
        ),
        Misconception(
            "gate_too_late",
            lambda dlogits, pooled, W, W_p: ((dlogits @ W) @ W_p) * (1 - pooled**2),
            "Your gate comes after W_p. Forward, the tanh came after W_p, so on the way back it comes first.",
            "which of two coats do you take off first?",
        ),
        Misconception(
            "pooler_left_out",
            lambda dlogits, pooled, W, W_p: dlogits @ W,
            "This is the gradient in pooled; the pooler is still to come.",
            "through which two steps of the forward pass have you not gone back yet?",
        ),
        Misconception(
            "stopped_at_a",
            lambda dlogits, pooled, W, W_p: (dlogits @ W) * (1 - pooled**2),
            "This is the gradient in a, the input of the tanh; one matrix is still to come.",
            "how did a come from h_cls?",
        ),
        Misconception(
            "summed_over_batch",
            lambda *args: back_to_h_cls_reference(*args).sum(axis=0),
            "You summed over the batch; each pair has its own h_cls.",
            "what is the shape of h_cls?",
        ),
        Misconception(
            "divided_again",
            lambda dlogits, *rest: back_to_h_cls_reference(dlogits, *rest) / len(dlogits),
            "You divided by the batch size; dlogits is divided by it already.",
            "at which step was the mean taken?",
        ),
    ),
    hints=(
        "Go back through the last step first: W, then tanh, then W_p. The table in notebook 05 has a line for each.",
        "dpooled = dlogits @ W. Then the gate, entry by entry, then W_p, which is not transposed on the way back.",
        "da = (1 - pooled**2) * dpooled, and the gradient in h_cls is da @ W_p.",
    ),
    takeaway="One line back for each line forward, the last one first.",
)

DIRECTION = np.array([1.0, 3.0, -2.0])  # w_IsNext - w_NotNext

one_direction = NumberExercise(
    name="one_direction",
    title="The only direction",
    notebook=5,
    objectives=(4,),
    kind="compute",
    difficulty=2,
    importance=2,
    minutes=5,
    value=tuple(0.6 * DIRECTION),
    misconceptions=(
        Misconception(
            "gold_is_next",
            tuple(-0.4 * DIRECTION),
            "That is the gradient of a pair whose gold label is IsNext.",
            "which class is gold here, and where is the 1 in y?",
        ),
        Misconception(
            "step_for_gradient",
            tuple(-0.6 * DIRECTION),
            "That is the direction of a step; the gradient points the other way.",
            "does a step of gradient descent add the gradient, or subtract it?",
        ),
        Misconception(
            "sum_of_the_rows",
            (0.6 * 1, 0.6 * 1, 0.6 * 0),
            "You added the two rows of W; the entries of p - y have different signs.",
            "what is p - y for NotNext?",
        ),
        Misconception(
            "first_row_only",
            (0.6 * 1, 0.6 * 2, 0.6 * -1),
            "You used the row of IsNext only.",
            "does the logit of NotNext depend on pooled as well?",
        ),
        Misconception(
            "second_row_only",
            (-0.6 * 0, -0.6 * -1, -0.6 * 1),
            "You used the row of NotNext only.",
            "does the logit of IsNext depend on pooled as well?",
        ),
        Misconception(
            "direction_only",
            tuple(DIRECTION),
            "The direction is right; the size of the error is missing.",
            "how large is p - y for this pair?",
        ),
        Misconception(
            "probabilities_only",
            (0.6 * 1 + 0.4 * 0, 0.6 * 2 + 0.4 * -1, 0.6 * -1 + 0.4 * 1),
            "You multiplied W by p; the label is missing.",
            "what is subtracted from p at the gold class?",
        ),
    ),
    hints=(
        "dL/dpooled = (p - y) W: a row of two numbers times a matrix of two rows.",
        "Gold is NotNext, so p - y is [0.6, -0.6].",
        "0.6 times (w_IsNext - w_NotNext); the difference of the rows is [1, 3, -2].",
    ),
    takeaway="Every pair gives a multiple of w_IsNext - w_NotNext: positive for NotNext, negative for IsNext.",
)

curvature_by_hand = NumberExercise(
    name="curvature_by_hand",
    title="How much the loss bends",
    notebook=5,
    objectives=(5,),
    kind="compute",
    difficulty=2,
    importance=2,
    minutes=5,
    value=(0.09, -0.09, 0.0, 0.5),
    example=(0.16, -0.16, 0.0, 0.5),
    misconceptions=(
        Misconception(
            "slope_for_curvature",
            (-0.1, 0.1, 0.0, 0.5),
            "The first two are the gradient; the change of the gradient is asked for.",
            "what is the slope of p itself in its own logit?",
        ),
        Misconception(
            "depends_on_label",
            (0.9, -0.9, 0.0, 0.5),
            "You took p instead of p(1 - p).",
            "how fast does a probability of 1 still change?",
        ),
        Misconception(
            "p_squared",
            (0.81, -0.81, 0.0, 0.5),
            "You took p times p instead of p(1 - p).",
            "how fast does a probability of 1 still change?",
        ),
        Misconception(
            "sign_of_the_corner",
            (0.09, 0.09, 0.18, 0.5),
            "The size of the second entry is right; its sign is not.",
            "if z_1 grows, what happens to p_0 - y_0?",
        ),
        Misconception(
            "shift_counts",
            (0.09, -0.09, 0.18, 0.5),
            "The entries are right. For the common shift you added absolute values.",
            "does the loss change if both logits grow by 1?",
        ),
        Misconception(
            "bend_for_p",
            (0.09, -0.09, 0.0, 0.25),
            "The first three are right. Your last is how much the loss bends there; the p is asked for.",
            "for which p is p(1 - p) that large?",
        ),
        Misconception(
            "largest_at_certainty",
            (0.09, -0.09, 0.0, 1.0),
            "The first three are right. p(1 - p) is not largest at 1.",
            "what is p(1 - p) at p = 1?",
        ),
    ),
    hints=(
        "Differentiate p - y once more; y is constant.",
        "The slope of p_0 in z_0 is p(1 - p); in z_1 it is the negative of that.",
        "0.9 times 0.1; its negative; their sum, because a shift moves both; and the p at the top of the parabola p(1 "
        "- p).",
    ),
    takeaway=(
        "The curvature is p(1 - p) for either label: largest where the model is undecided, zero along a common shift."
    ),
)

squared_error_duel = TextExercise(
    name="squared_error_duel",
    title="Design a duel: squared error against the log",
    notebook=5,
    objectives=(6,),
    kind="design",
    difficulty=3,
    importance=2,
    minutes=12,
    points=4,
    words=45,
    rubric=(
        Point(
            "The duel is fair: same pairs, same start, and one step size for all pairs of a batch (the same for both "
            "sides, or the best of each).",
            r"same|equal|identical|fix(ed)?|both (with|from|use)|tune|best (step|learning|rate)",
            "what must not differ between the two trainings?",
        ),
        Point(
            "It starts where the two losses differ: with confident mistakes, a very negative gap.",
            r"confident|sure and wrong|certain|gap of -|negative gap|gap (is|=|of) ?-|wrong (by|side)|-\d",
            "for which pairs did the two slopes in the notebook's figure differ most?",
        ),
        Point(
            "It measures something that can decide: steps until right, the slope, the share of the push in a batch, or "
            "the gap after a fixed number of steps.",
            r"steps|count|how (long|many)|slope|measure|gradient|share|push|after \d+",
            "which number do you write down at the end, for each of the two?",
        ),
        Point(
            "It says why squared error should lose: its slope has the extra factor 2p(1 - p), which is nearly 0 there.",
            r"factor|p ?\(1 ?- ?p\)|times p|extra p|vanish|nearly (zero|0|no)|close to (zero|0)|tiny|flat|\* ?p",
            "what does the slope of (1 - p)^2 in the gap contain that the slope of -log p does not?",
        ),
    ),
    traps=(
        Trap(
            "loss_values_compared",
            r"(lower|smaller) (final )?loss (wins|is better)|compare the (final )?loss(es)? (values )?(of|directly)",
            "The values of two different losses cannot be compared: (1 - p)^2 never exceeds 1, whatever the model "
            "does.",
        ),
    ),
    model=(
        "Both losses get the same batch from the same start: one confident mistake with a gap of -6, and seven "
        "undecided pairs with gap 0. One learning rate serves all pairs of a batch, so no rate can favor the mistake "
        "alone. For each loss I write down the share of the mistake: the size of its slope, divided by the sum of "
        "all eight. I expect the largest share of the eight with the log, and next to nothing with squared error, "
        "because its slope has the extra factor 2p(1 - p), which is nearly zero where the model is sure and wrong. "
        "If the two shares are about the same, my colleague is right."
    ),
    hints=(
        "What is held equal, where does the duel start, and what is counted?",
        "Put one confidently wrong pair into a batch of undecided ones, as the last cells of notebook 05 do. Alone, "
        "it could be helped by a larger learning rate.",
        "Four points: one batch and one step size; a gap such as -6 in it; its share of the push, or the steps until "
        "it is positive; the factor 2p(1 - p) in the slope.",
    ),
    takeaway="An experiment that cannot prove you wrong shows nothing; write down beforehand which result would.",
)

EXERCISES = (
    same_probability,
    bias_gradient,
    logits_gradient,
    central_difference,
    curvature_by_hand,
    one_direction,
    back_to_h_cls,
    squared_error_duel,
)
