"""Exercises of notebook 09, reading a sick run."""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
from nsputil.losses import nsp_loss_and_grad

LN2 = math.log(2)
_PRIOR = -0.8 * math.log(0.8) - 0.2 * math.log(0.2)
_TWICE = math.log(1 + math.exp(-1))

levels_by_heart = NumberExercise(
    name="levels_by_heart",
    title="Four levels, four messages",
    notebook=9,
    objectives=(1,),
    kind="compute",
    difficulty=1,
    importance=3,
    minutes=6,
    value=(_PRIOR, _TWICE, 16 * LN2, 1.0),
    example=(0.325, math.nan, math.nan, math.nan),
    misconceptions=(
        Misconception(
            "frequent_class_only",
            (-math.log(0.8), _TWICE, 16 * LN2, 1.0),
            "The last three are right. In the first you charge for IsNext only: one pair in five is NotNext.",
            "what does a pair cost if the model gave 0.2 to its gold class?",
        ),
        Misconception(
            "prior_in_bits",
            (_PRIOR / LN2, _TWICE, 16 * LN2, 1.0),
            "The last three are right. The first is in bits; nats are asked for.",
            "which logarithm does the loss of this course use?",
        ),
        Misconception(
            "always_half",
            (LN2, _TWICE, 16 * LN2, 1.0),
            "The last three are right. In the first the model still says one half; it has learned more than that.",
            "which probability costs least when four of five labels are IsNext?",
        ),
        Misconception(
            "zero_is_reached",
            (_PRIOR, 0.0, 16 * LN2, 1.0),
            "The other three are right. The second cannot reach 0: after the first softmax no score exceeds 1.",
            "how far apart can two numbers between 0 and 1 be?",
        ),
        Misconception(
            "gap_turned_round",
            (_PRIOR, math.log(1 + math.e), 16 * LN2, 1.0),
            "The other three are right. Your second is the loss of being sure and wrong; the lowest loss is asked for.",
            "what is the sign of the gap when the gold class gets everything?",
        ),
        Misconception(
            "mean_for_sum",
            (_PRIOR, _TWICE, LN2, 1.0),
            "The other three are right. In the third the losses of the batch are added up.",
            "how many pairs are in the batch?",
        ),
        Misconception(
            "nats_for_bits",
            (_PRIOR, _TWICE, 16 * LN2, LN2),
            "The first three are right. The fourth is in nats; the report is in bits.",
            "how many bits does a fair coin carry?",
        ),
        Misconception(
            "bits_squared",
            (_PRIOR, _TWICE, 16 * LN2, LN2**2),
            "The first three are right. To convert nats to bits, divide by ln 2.",
            "is a bit more or less than a nat?",
        ),
    ),
    hints=(
        "One half costs ln 2. The first is an entropy, the second softplus(-1), the third a sum, the fourth another "
        "unit.",
        "-0.8 ln 0.8 - 0.2 ln 0.2; ln(1 + exp(-1)); 16 times ln 2; ln 2 / ln 2.",
        "0.5004, 0.3133, and two that you can do in your head from 0.6931.",
    ),
    takeaway="A loss that settles on one of these levels is a message that you can compute beforehand.",
)

three_sick_runs = ChoiceExercise(
    name="three_sick_runs",
    title="Read three sick runs",
    notebook=9,
    objectives=(1, 2, 6),
    kind="read",
    difficulty=2,
    importance=3,
    minutes=9,
    points=2,
    question=(
        "The cells below train three times, with one defect each; batches hold 16 pairs. Read the table and the "
        "figure. Which statements do they support? Choose all that apply."
    ),
    options=(
        Option(
            "X diverges: a loss near 8 means that the learning rate is too high.",
            "Its accuracy and its held-out loss are as good as those of a healthy run. Divide 8 by 16.",
        ),
        Option(
            "X adds up the losses of a batch: divided by 16, its loss is ordinary.",
            "Yes: it is about 0.53 for each pair, and the held-out loss has the same size.",
            right=True,
        ),
        Option(
            "Y has learned nothing useful: an accuracy of 0.28 is worse than guessing.",
            "Worse than guessing is knowledge: reverse its answers and you have 0.72.",
        ),
        Option(
            "In Y the labels are inverted on one side, in training or in evaluation; the curves do not say on which.",
            "Yes: both give the same curves. A look at ten training pairs decides.",
            right=True,
        ),
        Option(
            "Z is the best of the three: no other training loss is as low.",
            "What is its loss on pairs that it did not train on?",
        ),
        Option(
            "Z knows its training pairs by heart and nothing else; the next step is to count how many different pairs "
            "there are.",
            "Yes: the loss is nearly 0 on its own pairs and far above ln 2 on others, with an accuracy of one half.",
            right=True,
        ),
    ),
    hints=(
        "Read loss and accuracy together, then training and held-out together.",
        "Divide the loss of X by the size of its batch; reverse the answers of Y; compare the two losses of Z.",
        "Three are supported: one about each run.",
    ),
    takeaway=(
        "A single wrong number points to the report, an accuracy far below one half to a label convention, and a "
        "held-out loss far above the training loss to memory."
    ),
)

curves_never = ChoiceExercise(
    name="curves_never",
    title="Can a curve tell these two apart?",
    notebook=9,
    objectives=(6,),
    kind="predict",
    difficulty=2,
    importance=2,
    minutes=5,
    question=(
        "You see the training loss, the held-out loss and both accuracies of a run, and nothing else. In which lines "
        "can you tell the two apart? Choose all that apply."
    ),
    options=(
        Option(
            "Labels shuffled, or every B moved to another row.",
            "In both, text and label are independent, row by row: the same distribution gives the same curves.",
        ),
        Option(
            "Softmax applied twice, or labels shuffled.",
            "Yes: the first learns, at a loss that never gets below 0.3133; the second stays at ln 2 and one half.",
            right=True,
        ),
        Option(
            "Labels inverted in training, or in evaluation.",
            "In both, the training curve is healthy and the held-out accuracy is far below one half.",
        ),
        Option(
            "Class 0 ignored by the loss, or a healthy run.",
            "Yes: the loss goes to 0 while the accuracy stays at one half. No healthy run does that.",
            right=True,
        ),
        Option(
            "The labels shifted by one row, or by two.",
            "Both give the same flat curve at ln 2. Rolling the labels back tells them apart.",
        ),
        Option(
            "A learning rate far too high, or far too low.",
            "Yes, from the whole curve: the first jumps, the second hardly moves. The last value alone cannot tell, "
            "since both can end near ln 2.",
            right=True,
        ),
    ),
    hints=(
        "For each line ask: do the numbers in the log have the same distribution in both cases?",
        "Whatever separates text and label leaves ln 2 and one half in every curve.",
        "You can tell three apart; in each of them one run learns something, or jumps.",
    ),
    takeaway=(
        "Curves often give only the group. Causes with the same distribution have the same curves; then somebody has "
        "to look at rows."
    ),
)


@dataclass(frozen=True)
class LossUnderTest:
    """A loss function for the check, ``(logits, labels) -> (value, gradient)``.

    Attributes
    ----------
    ignored : tuple of int
        Classes whose pairs are left out of the mean.
    detached : tuple of int
        Classes whose pairs count in the mean but give no gradient.
    factor : float
    """

    ignored: tuple[int, ...] = ()
    detached: tuple[int, ...] = ()
    factor: float = 1.0

    def __call__(self, logits: ArrayLike, labels: ArrayLike) -> tuple[float, Floats]:
        """Return the mean over the pairs that count, and its gradient."""
        z, y = np.asarray(logits, dtype=float), np.asarray(labels)
        counted = ~np.isin(y, self.ignored)
        gradient = np.zeros_like(z)
        if not counted.any():
            return float("nan"), gradient
        value, gradient[counted] = nsp_loss_and_grad(z[counted], y[counted])
        gradient[np.isin(y, self.detached)] = 0
        return value * self.factor, gradient * self.factor


def blind_classes_reference(loss: LossUnderTest) -> list[int]:
    """Return the labels whose pairs have a gradient of exactly zero, in a batch that holds both."""
    labels = np.array([0, 1, 0, 1])
    gradient = np.asarray(loss(np.zeros((4, 2)), labels)[1])
    return [label for label in (0, 1) if not gradient[labels == label].any()]


def _blind_classes_cases(rng: Generator) -> list[InputCase]:
    return [
        InputCase((LossUnderTest(),), "a healthy loss"),
        InputCase((LossUnderTest((0,)),), "a loss that leaves class 0 out"),
        InputCase((LossUnderTest((1,)),), "a loss that leaves class 1 out"),
        InputCase((LossUnderTest((0, 1)),), "a loss that leaves both out"),
        InputCase(
            (LossUnderTest(detached=(int(rng.integers(2)),)),),
            "a loss that counts one class but gives no gradient for it",
        ),
        InputCase((LossUnderTest(factor=10.0 ** -int(rng.integers(5, 8))),), "a healthy loss with a tiny factor"),
    ]


#: From the gradient of a batch and its labels to classes.
GradientTest = Callable[[Floats, Ints], list[int]]


def _without_gradient(gradient: Floats, labels: Ints) -> list[int]:
    return [k for k in (0, 1) if not gradient[labels == k].any()]


def _blind(test: GradientTest = _without_gradient, logits: Floats | None = None) -> Function:
    def answer(loss: LossUnderTest) -> list[int]:
        labels = np.array([0, 1])
        return test(loss(np.zeros((2, 2)) if logits is None else logits, labels)[1], labels)

    return answer


blind_classes = CodeExercise(
    name="blind_classes",
    title="Find the bug: a test for loss functions",
    notebook=9,
    objectives=(3,),
    kind="debug",
    difficulty=3,
    importance=3,
    minutes=10,
    points=2,
    reference=blind_classes_reference,
    cases=_blind_classes_cases,
    misconceptions=(
        Misconception(
            "learned_ones",
            _blind(lambda gradient, labels: [k for k in (0, 1) if gradient[labels == k].any()]),
            "You return the classes that are learned.",
            "which classes are asked for: those that teach something, or those that teach nothing?",
        ),
        Misconception(
            "not_by_row",
            _blind(lambda gradient, labels: [k for k in (0, 1) if not gradient[:, k].any()]),
            "Your answer is both classes or none. A pair is a row, and the gradient of a row has entries in both "
            "columns.",
            "which rows of the gradient belong to label 0?",
        ),
        Misconception(
            "classes_exchanged",
            lambda loss: sorted(1 - k for k in blind_classes_reference(loss)),
            "Your classes have changed places.",
            "which rows have label 0?",
        ),
        Misconception(
            "settled_logits",
            _blind(logits=np.array([[900.0, 0.0], [0.0, 900.0]])),
            "With logits that are right and sure the gradient of every loss is 0, even of a healthy one.",
            "with which logits does a healthy loss have a gradient in every row?",
        ),
        Misconception(
            "value_alone",
            lambda loss: [k for k in (0, 1) if not loss(np.zeros((2, 2)), np.array([k, k]))[0] > 0],
            "You judge by the value. A loss can count a class and still give no gradient for it.",
            "which of the two results does a model learn from?",
        ),
        Misconception(
            "small_for_zero",
            _blind(lambda gradient, labels: [k for k in (0, 1) if np.abs(gradient[labels == k]).max() < 1e-3]),
            "A small gradient is something else: an optimizer like Adam turns it into full steps.",
            "what is the gradient of a pair that is left out: small, or exactly zero?",
        ),
    ),
    hints=(
        "Make a batch with both labels and undecided logits; then look at the gradient row by row.",
        "labels = np.array([0, 1]); gradient = loss(np.zeros((2, 2)), labels)[1].",
        "A class is blind if all entries of its rows are exactly 0: not gradient[labels == k].any().",
    ),
    takeaway="A class whose gradient is exactly zero is never learned, however long the training is. No curve says so.",
)


def best_shift_reference(p_is_next: ArrayLike, labels: Ints) -> int:
    """Return the shift from -3 to 3 for which np.roll(labels, shift) has the lowest mean loss."""
    p, shifts = np.asarray(p_is_next), np.arange(-3, 4)
    losses = [-np.log(np.where(np.roll(labels, k) == 0, p, 1 - p)).mean() for k in shifts]
    return int(shifts[np.argmin(losses)])


def _shift(
    charge: Callable[[Floats, Ints], float] = lambda p, gold: -np.log(np.where(gold == 0, p, 1 - p)).mean(),
    shifts: tuple[int, ...] = tuple(range(-3, 4)),
    choose: Callable[[list[float]], np.intp] = np.argmin,
    result: Callable[[tuple[int, ...], int, list[float]], float] = lambda shifts, k, values: shifts[k],
) -> Function:
    def answer(p: Floats, labels: Ints) -> float:
        values = [charge(p, np.roll(labels, k)) for k in shifts]
        return result(shifts, int(choose(values)), values)

    return answer


_SHIFT_MISTAKES: dict[str, Function] = {
    "turned_round": lambda p, labels: -best_shift_reference(p, labels),
    "by_accuracy": _shift(lambda p, gold: -np.mean((p > 0.5) == (gold == 0))),
    "by_squares": _shift(lambda p, gold: np.mean((p - (gold == 0)) ** 2)),
    "largest_loss": _shift(choose=np.argmax),
    "forward_only": _shift(shifts=(0, 1, 2, 3)),
    "never_none": _shift(shifts=(-3, -2, -1, 1, 2, 3)),
    "last_left_out": _shift(shifts=(-3, -2, -1, 0, 1, 2)),
    "first_left_out": _shift(shifts=(-2, -1, 0, 1, 2, 3)),
    "one_too_far": _shift(shifts=(-3, -2, -1, 0, 1, 2, 3, 4)),
    "one_too_far_back": _shift(shifts=(-4, -3, -2, -1, 0, 1, 2, 3)),
    "is_next_only": _shift(lambda p, gold: -np.log(p[gold == 0]).mean()),
    "index_returned": _shift(result=lambda shifts, k, values: k),
    "loss_returned": _shift(result=lambda shifts, k, values: values[k]),
}


def _telling_apart(draw: Callable[[], InputCase], functions: Mapping[str, Function], at_least: int) -> list[InputCase]:
    """Draw cases until every two of the functions differ on one of them, and there are at least so many cases."""
    cases: list[InputCase] = []
    alike = set(itertools.combinations(functions, 2))
    for _ in range(1000):
        if not alike and len(cases) >= at_least:
            return cases
        case = draw()
        values = {name: function(*case.args) for name, function in functions.items()}
        different = {(one, other) for one, other in alike if abs(values[one] - values[other]) > 1e-3}
        if different or not alike:
            cases.append(case)
            alike -= different
    raise RuntimeError(f"a thousand cases do not tell {sorted(alike)} apart")


def _best_shift_cases(rng: Generator) -> list[InputCase]:
    first = np.array([0.9, 0.8, 0.1, 0.7, 0.2, 0.1, 0.8, 0.3])

    def draw() -> InputCase:
        labels = rng.integers(0, 2, 24)
        p = np.clip(np.where(labels == 0, 0.6, 0.4) + 0.3 * rng.standard_normal(24), 0.02, 0.98)
        sure = rng.permutation(24)[:2]
        p[sure] = np.where(labels[sure] == 0, 0.01, 0.99)  # the accuracy does not show how sure
        return InputCase((p, np.roll(labels, int(rng.integers(-4, 5)))), "24 rows, two of them sure and wrong")

    cases = [InputCase((first, np.roll(first < 0.5, -1).astype(int)), "eight rows, shifted by one")]
    return cases + _telling_apart(draw, {"": best_shift_reference, **_SHIFT_MISTAKES}, 6)


best_shift = CodeExercise(
    name="best_shift",
    title="Roll the labels",
    notebook=9,
    objectives=(4,),
    kind="implement",
    difficulty=2,
    importance=2,
    minutes=9,
    points=2,
    reference=best_shift_reference,
    cases=_best_shift_cases,
    misconceptions=(
        Misconception(
            "turned_round",
            _SHIFT_MISTAKES["turned_round"],
            "Your shift has the other sign: you roll the other list, or you roll to the other side.",
            "which of the two lists does the prompt roll?",
        ),
        Misconception(
            "by_accuracy",
            _SHIFT_MISTAKES["by_accuracy"],
            "You take the shift with the best accuracy. Two rows are sure and wrong; only the loss shows how sure.",
            "which of two shifts with the same accuracy fits better?",
        ),
        Misconception(
            "by_squares",
            _SHIFT_MISTAKES["by_squares"],
            "You take the shift with the least squared error.",
            "what does this course charge for the gold class?",
        ),
        Misconception(
            "largest_loss",
            _SHIFT_MISTAKES["largest_loss"],
            "You found where the labels fit worst. Reading label 1 as IsNext leads there as well.",
            "which number means IsNext, and do labels fit where the loss is high or where it is low?",
        ),
        Misconception(
            "forward_only",
            _SHIFT_MISTAKES["forward_only"],
            "You try shifts to one side only.",
            "could the labels have slipped to the other side?",
        ),
        Misconception(
            "never_none",
            _SHIFT_MISTAKES["never_none"],
            "You never say 0, the answer for labels that are where they belong.",
            "what should your function return for a healthy data set?",
        ),
        Misconception(
            "last_left_out",
            _SHIFT_MISTAKES["last_left_out"],
            "You never say 3.",
            "where does range(-3, 3) end?",
        ),
        Misconception(
            "first_left_out",
            _SHIFT_MISTAKES["first_left_out"],
            "You never say -3.",
            "at which number does your range begin?",
        ),
        Misconception(
            "one_too_far",
            _SHIFT_MISTAKES["one_too_far"],
            "You try a shift of 4 as well.",
            "where does your range end?",
        ),
        Misconception(
            "one_too_far_back",
            _SHIFT_MISTAKES["one_too_far_back"],
            "You try a shift of -4 as well.",
            "at which number does your range begin?",
        ),
        Misconception(
            "is_next_only",
            _SHIFT_MISTAKES["is_next_only"],
            "The NotNext rows do not count in your result.",
            "what does a row cost whose gold class is NotNext?",
        ),
        Misconception(
            "index_returned",
            _SHIFT_MISTAKES["index_returned"],
            "That is the index in your list of shifts.",
            "which shift is at index 0?",
        ),
        Misconception(
            "loss_returned",
            _SHIFT_MISTAKES["loss_returned"],
            "That is the lowest loss; the shift that gives it is asked for.",
            "which function gives the index of the smallest number?",
        ),
    ),
    hints=(
        "Seven shifts, seven mean losses, and the index of the smallest.",
        "For one shift: gold = np.roll(labels, k); the loss of a row is -log of p where gold is 0, of 1 - p elsewhere.",
        "losses = [mean loss for k in range(-3, 4)]; return np.argmin(losses) - 3.",
    ),
    takeaway="This probe takes a second, and no curve replaces it: labels that slipped fit again where they came from.",
)


def next_probe_reference(beliefs: Floats, answers: ArrayLike, costs: Floats) -> int:
    """Return the number of the probe with the most expected bits for its cost."""
    worth = [_bits(beliefs, row) / cost for row, cost in zip(np.asarray(answers), costs, strict=True)]
    return int(np.argmax(worth))


def _bits(beliefs: Floats, row: Ints) -> float:
    """Return the entropy, in bits, of the answers of one probe."""
    shares = np.array([beliefs[row == value].sum() for value in np.unique(row)])
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def _probe(
    worth: Callable[[float, float, Ints], float],
    uniform: bool = False,
    choose: Callable[[list[float]], np.intp] = np.argmax,
) -> Function:
    def answer(beliefs: Floats, answers: Ints, costs: Floats) -> int:
        weights = np.full(len(beliefs), 1 / len(beliefs)) if uniform else beliefs
        return int(choose([worth(_bits(weights, row), cost, row) for row, cost in zip(answers, costs, strict=True)]))

    return answer


_PROBE_MISTAKES: dict[str, Function] = {
    "cost_ignored": _probe(lambda bits, cost, row: bits),
    "cheapest": _probe(lambda bits, cost, row: -cost),
    "answers_counted": _probe(lambda bits, cost, row: len(np.unique(row))),
    "answers_for_cost": _probe(lambda bits, cost, row: len(np.unique(row)) / cost),
    "causes_alike": _probe(lambda bits, cost, row: bits / cost, uniform=True),
    "cost_subtracted": _probe(lambda bits, cost, row: bits - cost),
    "cost_multiplied": _probe(lambda bits, cost, row: bits * cost),
    "mean_of_terms": _probe(lambda bits, cost, row: bits / len(np.unique(row)) / cost),
    "fewest_bits": _probe(lambda bits, cost, row: bits / cost, choose=np.argmin),
    "counted_from_one": lambda *args: next_probe_reference(*args) + 1,
    "worth_returned": lambda beliefs, answers, costs: max(
        _bits(beliefs, row) / cost for row, cost in zip(answers, costs, strict=True)
    ),
}


def _next_probe_cases(rng: Generator) -> list[InputCase]:
    beliefs = np.array([0.5, 0.25, 0.125, 0.125])
    answers = np.array([[0, 0, 1, 1], [0, 1, 1, 1], [0, 1, 2, 3]])
    cases = [InputCase((beliefs, answers, np.array([1.0, 1.0, 3.0])), "four causes and three probes")]
    ruled_out = np.array([0.5, 0.5, 0.0, 0.0]), np.array([[0, 0, 1, 2], [0, 1, 1, 1], [0, 0, 0, 1]]), np.ones(3)
    cases.append(InputCase(ruled_out, "four causes, two of them with a belief of 0"))

    def draw() -> InputCase:
        while True:
            beliefs, answers = rng.dirichlet(np.ones(5) * 0.8), rng.integers(0, 3, (5, 5))
            costs = np.round(rng.uniform(0.5, 4, 5), 2)
            worth = np.sort([_bits(beliefs, row) / cost for row, cost in zip(answers, costs, strict=True)])
            if worth[-1] > 1.05 * worth[-2] and worth[-1] > 0.1:
                return InputCase((beliefs, answers, costs), "five causes and five probes")

    return cases + _telling_apart(draw, {"": next_probe_reference, **_PROBE_MISTAKES}, 6)


def _probe_with_nan(beliefs: Floats, answers: Ints, costs: Floats) -> int:
    worth = []
    for row, cost in zip(answers, costs, strict=True):
        shares = np.array([beliefs[row == value].sum() for value in np.unique(row)])
        worth.append(-(shares * np.log2(shares)).sum() / cost)
    return int(np.argmax(worth))


next_probe = CodeExercise(
    name="next_probe",
    title="Design: which experiment comes next?",
    notebook=9,
    objectives=(5,),
    kind="design",
    difficulty=3,
    importance=2,
    minutes=12,
    points=3,
    reference=next_probe_reference,
    cases=_next_probe_cases,
    misconceptions=(
        Misconception(
            "cost_ignored",
            _PROBE_MISTAKES["cost_ignored"],
            "You choose the probe that says most, whatever it costs.",
            "is one bit for fifty steps better than half a bit for one?",
        ),
        Misconception(
            "cheapest",
            _PROBE_MISTAKES["cheapest"],
            "You choose the cheapest probe, whatever it says.",
            "what is a probe worth if its answer is known beforehand?",
        ),
        Misconception(
            "answers_counted",
            _PROBE_MISTAKES["answers_counted"],
            "You choose the probe with the most different answers; but some answers nearly never come.",
            "how many bits are in an answer that has probability 0.99?",
        ),
        Misconception(
            "answers_for_cost",
            _PROBE_MISTAKES["answers_for_cost"],
            "You divide the number of different answers by the cost; but some answers nearly never come.",
            "how many bits are in an answer that has probability 0.99?",
        ),
        Misconception(
            "causes_alike",
            _PROBE_MISTAKES["causes_alike"],
            "You treat all causes as equally likely.",
            "where do you use the beliefs?",
        ),
        Misconception(
            "cost_subtracted",
            _PROBE_MISTAKES["cost_subtracted"],
            "You subtract steps from bits.",
            "what does the prompt divide, and by what?",
        ),
        Misconception(
            "cost_multiplied",
            _PROBE_MISTAKES["cost_multiplied"],
            "You multiply by the cost: expensive probes win.",
            "bits for each step, or bits times steps?",
        ),
        Misconception(
            "mean_of_terms",
            _PROBE_MISTAKES["mean_of_terms"],
            "You take the mean over the possible answers; an entropy is a sum over them.",
            "how many bits promises a probe with four equally likely answers?",
        ),
        Misconception(
            "zero_times_log_zero",
            _probe_with_nan,
            "Right, until an answer has probability 0: then 0 * log 0 is computed, which is not a number.",
            "what does an answer that never comes add to the entropy?",
        ),
        Misconception(
            "fewest_bits",
            _PROBE_MISTAKES["fewest_bits"],
            "You choose the probe that is worth least.",
            "argmin or argmax?",
        ),
        Misconception(
            "counted_from_one",
            _PROBE_MISTAKES["counted_from_one"],
            "You count the probes from 1.",
            "which number does the first row have in Python?",
        ),
        Misconception(
            "worth_returned",
            _PROBE_MISTAKES["worth_returned"],
            "You return what the best probe is worth; the number of this probe is asked for.",
            "which function gives the index of the largest number?",
        ),
    ),
    hints=(
        "For one probe, what is the probability of each answer? Add up the beliefs of the causes that give this "
        "answer.",
        "The bits are the entropy of these probabilities, -sum p log2 p, without those that are 0.",
        "worth = [entropy / cost for each probe]; return np.argmax(worth).",
    ),
    takeaway=(
        "Choosing by bits for each step asks cheap questions first, and skips those whose answer is already known."
    ),
)

one_sided = ChoiceExercise(
    name="one_sided",
    title="Diagnose a model that says IsNext to nearly everything",
    notebook=9,
    objectives=(2, 3, 4),
    kind="debug",
    difficulty=3,
    importance=3,
    minutes=10,
    points=2,
    question=(
        "A model should tell whether B follows A. The cells below train it for real. Its training loss is lower than "
        "that of a healthy run, but on new pairs it hardly beats a coin. See the curve, and what the probes said. "
        "Which diagnosis fits *all* observations?"
    ),
    options=(
        Option(
            "Nine of ten training pairs are IsNext.",
            "They were counted: half of them are IsNext, and about half in every batch.",
        ),
        Option(
            "The loss ignores NotNext, as if its label were padding.",
            "Then a wrong answer to NotNext would cost nothing. But it costs what it should, 4.018.",
        ),
        Option(
            "It overfits: it knows its training pairs by heart.",
            "Counted again on its own training pairs, it does badly as well: the loss is above ln 2.",
        ),
        Option(
            "The two classes do not have the same weight in the mean: a mistake on IsNext counts many times.",
            "Yes: each cost is right, but the mean of a mixed batch is not: the log says 0.25, and a fair count gives "
            "0.75.",
            right=True,
        ),
        Option(
            "The labels no longer belong to the rows.",
            "The rows were read: in every IsNext row B follows A. And with such labels the loss would stay at ln 2.",
        ),
        Option(
            "The columns of the head are exchanged in the evaluation.",
            "That would turn an accuracy of 0.75 into 0.25. And the recalls of training batches show the same "
            "preference.",
        ),
    ),
    hints=(
        "For each diagnosis ask: which observation would be impossible if it were true?",
        "The log says 0.25; counted again on the same pairs it is 0.75. So the mean in the log is no ordinary mean.",
        "The data, the rows and the cost of each single answer are right. What is left between a cost and a mean?",
    ),
    takeaway=(
        "If the log and a fair count of the same pairs disagree, the report is wrong, and often the training is, too."
    ),
)

diagnosis_plan = TextExercise(
    name="diagnosis_plan",
    title="Design a diagnosis: questions and answers",
    notebook=9,
    objectives=(5,),
    kind="design",
    difficulty=3,
    importance=3,
    minutes=12,
    points=4,
    words=60,
    rubric=(
        Point(
            "Look at the data first: read some pairs with their labels, the share of each class, and the input.",
            r"read|look at|print|inspect|check (the )?(data|pairs|labels|input)|share of|balance|decode",
            "what can you see in ten pairs with their labels, before any training?",
        ),
        Point(
            "Try eight pairs by heart: if they cannot be learned, the fault is in the model, the gradient or "
            "the optimizer.",
            r"(eight|8|few|ten|10|one|small|tiny|single) (pairs|examples|batch|samples)|by heart|overfit|"
            r"memori[sz]e",
            "what is the cheapest test of model, gradient and optimizer together?",
        ),
        Point(
            "Compare with known levels: the first loss near ln 2, the entropy of the prior, a baseline "
            "without training, controls.",
            r"ln ?2|log ?2|entropy|prior|baseline|overlap|majority|control|coin|shuffled label|known (logits|"
            r"level)|chance|without (B|the answer|input)|no input|test the loss|expected loss",
            "with which numbers that you know beforehand do you compare?",
        ),
        Point(
            "For each test say what both outcomes mean, and change one thing at a time.",
            r"\bif (it|they|this|that|the|not|so|even|both|we|I|learned|nothing|one)\b|otherwise|in that case|"
            r"->|then the|means (that|the)|\w+ means",
            "what will you conclude if a test passes, and what if it fails?",
        ),
    ),
    traps=(
        Trap(
            "just_train_more",
            r"(first|just|simply|I would|I'd|we should|let us|let's) train (it |the model )?(for )?(longer|more)|"
            r"(first|just|simply) (use|try|take) a (larger|bigger) model",
            "Longer training or a larger model is a hope, not a test: no outcome says where the fault is.",
        ),
        Trap(
            "random_tries",
            r"try (different|several|many|various|other) (learning rates|hyperparameters|settings|seeds) "
            r"(until|and see|and hope)",
            "Trying settings until one works says little when none does. Which test separates data from model?",
        ),
    ),
    model=(
        "First I read ten pairs with their labels, as the model gets them, and count both classes: if the answers do "
        "not fit their questions, the fault is in the data and I stop there. Then I look at the loss of each pair at "
        "the start and after a few steps: exactly ln 2 everywhere, both times, means that the input does not reach "
        "the output. Next I train on eight pairs. If they cannot be learned by heart, I check the gradient by finite "
        "differences and whether the weights move; if they can, model and optimizer work, and I go back to the data. "
        "A rule that counts common words shows whether there is anything to learn: if it is at one half too, pairs "
        "and labels were probably torn apart. Only then do I change the learning rate, one thing at a time."
    ),
    hints=(
        "Which single test splits all causes into two halves: those before the model, and the rest?",
        "Order the tests by price: reading ten pairs costs a minute, learning eight pairs costs seconds, a long "
        "training costs a night.",
        "Data; first loss; eight pairs; baseline and controls. For each write what follows if it passes, and what if "
        "it fails.",
    ),
    takeaway="A diagnosis is a list of tests, cheapest first; the two outcomes of each lead to different places.",
)

EXERCISES = (
    levels_by_heart,
    curves_never,
    three_sick_runs,
    best_shift,
    blind_classes,
    one_sided,
    next_probe,
    diagnosis_plan,
)
