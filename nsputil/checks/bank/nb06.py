"""Exercises of notebook 06, the numerics."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from nsputil._types import Bools, Floats, Ints
from nsputil.checks.answer_types import Function
from nsputil.checks.choice_exercise import ChoiceExercise, Option
from nsputil.checks.code_exercise import CodeExercise, InputCase
from nsputil.checks.misconceptions import Misconception
from nsputil.checks.number_exercise import NumberExercise
from nsputil.checks.text_exercise import Point, TextExercise, Trap

MAXIMA = np.array([448.0, 57344.0])  # E4M3 and E5M2, arXiv 2209.05433, table 1

largest_logits = NumberExercise(
    name="largest_logits",
    title="Eight bits for a number",
    notebook=6,
    objectives=(1,),
    kind="compute",
    difficulty=1,
    importance=2,
    minutes=3,
    value=tuple(np.log(MAXIMA)),
    tolerance=0.006,
    also_right=((float(np.log(464)),), (float(np.log(61440)),)),  # from there on a number is rounded to infinity
    example=(11.09, 11.09),
    misconceptions=(
        Misconception(
            "largest_number",
            tuple(MAXIMA),
            "These are the largest numbers of the formats; but a logit goes through exp first.",
            "for which x is exp(x) the largest number?",
        ),
        Misconception("log_base_2", tuple(np.log2(MAXIMA))),
        Misconception("log_base_10", tuple(np.log10(MAXIMA))),
        Misconception(
            "wrong_sign",
            tuple(-np.log(MAXIMA)),
            "The sizes are right, the signs are not: exp of a negative number is small.",
            "does exp overflow above 0 or below 0?",
        ),
        Misconception(
            "order_turned_round",
            tuple(np.log(MAXIMA[::-1])),
            "Both are right, in the other order.",
            "which format comes first in the question?",
        ),
    ),
    hints=(
        "Overflow means that exp(logit) is larger than the largest number of the format.",
        "Which function undoes exp?",
        "The natural logarithms of 448 and of 57344.",
    ),
    takeaway="The largest logit is the logarithm of the largest number: 6.1 and 11.0 with eight bits.",
)

naive_fate = ChoiceExercise(
    name="naive_fate",
    title="Which calls end in inf or NaN?",
    notebook=6,
    objectives=(1,),
    kind="predict",
    difficulty=2,
    importance=2,
    minutes=5,
    question=(
        "The formula as typed, `-np.log(np.exp(z)[label] / np.exp(z).sum())`, in float64. For which of these does it "
        "return inf or NaN? Choose all that apply."
    ),
    options=(
        Option(
            "`z = [700, 0]`, gold NotNext", "exp(700) is about 1e304, and 1e-304 is still a number: the loss is 700."
        ),
        Option(
            "`z = [710, 0]`, gold IsNext",
            "Yes, NaN: exp(710) is infinite, and infinity is divided by infinity.",
            right=True,
        ),
        Option(
            "`z = [-800, 0]`, gold IsNext", "Yes, inf: exp(-800) rounds to 0, and the log of 0 is -inf.", right=True
        ),
        Option(
            "`z = [0, -800]`, gold IsNext", "exp(-800) rounds to 0 here as well, but it is added to 1: the loss is 0."
        ),
        Option("`z = [-800, -801]`, gold IsNext", "Yes, NaN: both round to 0, and 0 is divided by 0.", right=True),
        Option(
            "`z = [12, -12]`, gold NotNext", "This is an expensive mistake, 24 nats, but nothing breaks in float64."
        ),
    ),
    hints=(
        "Two things break the formula: an exp that is infinite, and the log of 0 (or 0 / 0).",
        "In float64, exp overflows above 709.78 and is 0 below about -745.",
        "For every row write down exp of both logits: a number, 0 or infinity. Then write down the fraction.",
    ),
    takeaway="A large loss does not break the formula. A logit far from 0 does, right or wrong.",
)


def log_sum_exp_reference(z: ArrayLike) -> Floats:
    """Return log(sum(exp(row))) of every row."""
    rows = np.asarray(z, dtype=np.float64)
    m = rows.max(axis=1, keepdims=True)
    return (m + np.log(np.exp(rows - m).sum(axis=1, keepdims=True)))[:, 0]


def _log_sum_exp_cases(rng: Generator) -> list[InputCase]:
    return [
        InputCase((np.array([[2.0, -1.0]]),), "one row, 2 and -1"),
        InputCase((rng.normal(0.5, 1.5, (3, 4)),), "three rows of four small logits"),
        InputCase((1000 + rng.normal(0, 1, (2, 3)),), "rows near 1000"),
        InputCase(
            (np.array([[1000.0], [-1000.0]]) + rng.normal(0, 1, (2, 2)),), "a row near 1000 and a row near -1000"
        ),
        InputCase((np.array([[1000.0, -1000.0, 0.0]]),), "one row with 1000, -1000 and 0"),
    ]


def _shifted_by(shift: Callable[[Floats], Floats], back: bool = True) -> Function:
    def answer(z: Floats) -> Floats:
        m = shift(z)
        return (np.log(np.exp(z - m).sum(axis=1, keepdims=True)) + (m if back else 0))[:, 0]

    return answer


log_sum_exp = CodeExercise(
    name="log_sum_exp",
    title="Log-sum-exp for a batch",
    notebook=6,
    objectives=(2, 1),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=7,
    points=2,
    from_scratch=True,
    reference=log_sum_exp_reference,
    cases=_log_sum_exp_cases,
    misconceptions=(
        Misconception("unstable_exp", lambda z: np.log(np.exp(z).sum(axis=1))),
        Misconception(
            "one_largest_for_all",
            _shifted_by(np.max),
            "You subtract the largest logit of the whole batch; a row far below it sums to 0.",
            "which row's largest logit should you subtract from a row?",
        ),
        Misconception(
            "not_the_largest",
            _shifted_by(lambda z: z.min(axis=1, keepdims=True)),
            "What you subtract is not the largest of the row, so a wide row still overflows.",
            "which number must you subtract so that no exponent is positive?",
            also=(
                _shifted_by(lambda z: z.mean(axis=1, keepdims=True)),
                _shifted_by(lambda z: np.median(z, axis=1, keepdims=True)),
                _shifted_by(lambda z: z[:, -1:]),
            ),
        ),
        Misconception(
            "not_added_back",
            _shifted_by(lambda z: z.max(axis=1, keepdims=True), back=False),
            "What you subtracted before exp has to be added after the log.",
            "if every logit of a row grows by 5, by how much does its log-sum-exp grow?",
        ),
        Misconception(
            "over_the_batch",
            lambda z: log_sum_exp_reference(z.T),
            "You summed down the columns; the sum of each row is asked for.",
            "which axis holds the classes of one pair?",
        ),
        Misconception(
            "one_number",
            lambda z: z.max() + np.log(np.exp(z - z.max()).sum()),
            "You summed over the whole batch; one number for each row is asked for.",
            "which argument of sum keeps the rows apart?",
        ),
        Misconception(
            "mean_for_sum",
            lambda z: log_sum_exp_reference(z) - np.log(z.shape[1]),
            "You took the mean of the exponentials.",
            "what is the right result for two logits of 0: 0, or ln 2?",
        ),
        Misconception(
            "largest_only",
            lambda z: z.max(axis=1),
            "That is the largest logit alone. It is close, but always too small.",
            "what do the other logits add?",
        ),
        Misconception(
            "log_of_each",
            lambda z: z.sum(axis=1),
            "You took the log before the sum, so it only undid exp.",
            "is the log of a sum the sum of the logs?",
        ),
        Misconception(
            "log_softmax_returned",
            lambda z: z - log_sum_exp_reference(z)[:, None],
            "You return the log-softmax; only what it subtracts is asked for.",
            "how many numbers belong to one row?",
        ),
        Misconception(
            "kept_as_a_column",
            lambda z: log_sum_exp_reference(z)[:, None],
            "The numbers are right, but their shape is (batch, 1), a column.",
            "what did keepdims keep?",
        ),
    ),
    hints=(
        "Subtract the largest logit of each row from the row, and add it again at the end.",
        "z.max(axis=1, keepdims=True) has shape (batch, 1), so that z - m works row by row.",
        "m + log of the sum of np.exp(z - m) along axis 1; then make the shape (batch,).",
    ),
    takeaway="Each row has its own largest logit subtracted: no exponent is positive, and one of them is 0.",
)


def stable_loss_reference(logits: Sequence[float] | Floats, label: int) -> float:
    """Return the loss of one pair from two logits, exact to the last digits at any gap."""
    gap = float(logits[label]) - float(logits[1 - label])
    return float(max(-gap, 0.0) + np.log1p(np.exp(-abs(gap))))


def _stable_loss_cases(rng: Generator) -> list[InputCase]:
    near = [float(value) for value in np.round(rng.uniform(0.3, 2.0, 4), 3)]
    return [
        InputCase(([1.3863, 0.0], 0), "logits 1.3863 and 0, gold IsNext"),
        InputCase(([near[0], -near[1]], 1), "small logits, gold NotNext, a mistake"),
        InputCase(([near[2], -near[3]], 0), "small logits, gold IsNext"),
        InputCase(([1000.0, 0.0], 0), "a gap of 1000"),
        InputCase(([-800.0, 0.0], 0), "a gap of -800"),
        InputCase(([1e4, -1e4], 1), "a gap of -20,000"),
        InputCase(([40.0, 0.0], 0), "a gap of 40, where the loss is about 4e-18"),
        InputCase(([-3.0, 57.0], 1), "a gap of 60"),
    ]


def _gap(logits: Sequence[float], label: int) -> np.float64:
    return np.float64(logits[label]) - logits[1 - label]


def _with_epsilon(epsilon: float) -> Function:
    return lambda logits, label: -np.log(1 / (1 + np.exp(-_gap(logits, label))) + epsilon)


def _softmax_with_epsilon(epsilon: float) -> Function:
    def answer(logits: Sequence[float], label: int) -> float:
        e = np.exp(np.asarray(logits))
        return float(-np.log(e[label] / e.sum() + epsilon))

    return answer


def _clipped(limit: float) -> Function:
    return lambda logits, label: stable_loss_reference(np.clip(logits, -limit, limit), label)


def _gap_clipped(limit: float) -> Function:
    return lambda logits, label: stable_loss_reference([np.clip(_gap(logits, label), -limit, limit), 0.0], 0)


def _probability_clipped(lowest: float) -> Function:
    def answer(logits: Sequence[float], label: int) -> float:
        return float(-np.log(np.clip(1 / (1 + np.exp(-_gap(logits, label))), lowest, 1 - lowest)))

    return answer


def _naive(logits: Sequence[float], label: int) -> float:
    e = np.exp(np.asarray(logits))
    return float(-np.log(e[label] / e.sum()))


def _log_of_one_plus(logits: Sequence[float], label: int) -> float:
    gap = _gap(logits, label)
    return float(max(-gap, 0.0) + np.log(1 + np.exp(-abs(gap))))


EPSILONS = (1e-15, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)

stable_loss = CodeExercise(
    name="stable_loss",
    title="A loss that survives",
    notebook=6,
    objectives=(2, 1),
    kind="implement",
    difficulty=3,
    importance=3,
    minutes=12,
    points=3,
    atol=0.0,
    rtol=1e-10,
    from_scratch=True,
    reference=stable_loss_reference,
    cases=_stable_loss_cases,
    misconceptions=(
        Misconception(
            "unstable_exp",
            _naive,
            also=(
                lambda logits, label: np.log(np.exp(np.asarray(logits)).sum()) - logits[label],
                lambda logits, label: np.log1p(np.exp(-_gap(logits, label))),
            ),
        ),
        Misconception(
            "confident_mistake_lost",
            lambda logits, label: -np.log(1 / (1 + np.exp(-_gap(logits, label)))),
            "Right for small gaps; for a confident mistake, a gap of -800, you return inf.",
            "which of your steps turns a gap of -800 into 0 or infinity?",
            also=(lambda logits, label: np.log(1 + np.exp(-_gap(logits, label))),),
        ),
        Misconception(
            "epsilon_in_log",
            _with_epsilon(1e-12),
            also=(
                _softmax_with_epsilon(1e-12),
                *map(_with_epsilon, EPSILONS),
                *map(_softmax_with_epsilon, EPSILONS),
            ),
        ),
        Misconception(
            "probability_clipped",
            _probability_clipped(1e-12),
            "You keep the probability away from 0, so that all very confident mistakes cost the same.",
            "what does a gap of -800 cost exactly, and what does your function charge?",
            also=tuple(map(_probability_clipped, (1e-15, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6))),
        ),
        Misconception(
            "no_log1p",
            _log_of_one_plus,
            "Your loss survives large gaps. But at a gap of 40 you return 0, and the true loss is about 4e-18.",
            "what does 1 + 4e-18 round to, and which function never forms that sum?",
        ),
        Misconception(
            "logits_clipped",
            _clipped(500),
            "You clipped, so that all very confident mistakes cost the same.",
            "what is the gradient of a loss that no longer changes?",
            also=(
                *map(_clipped, (30, 50, 100, 700)),
                *map(_gap_clipped, (30, 50, 100, 500, 700)),
            ),
        ),
        Misconception("wrong_sign", lambda logits, label: -stable_loss_reference(logits, label)),
        Misconception(
            "gap_turned_round",
            lambda logits, label: stable_loss_reference(logits, 1 - label),
            "You charge for a right answer and not for a wrong one: the gap is reversed, or the label is.",
            "which logit is larger when the model is right?",
        ),
        Misconception("gold_ignored", lambda logits, label: stable_loss_reference(logits, 0)),
        Misconception("largest_taken", lambda logits, label: np.log1p(np.exp(-abs(_gap(logits, label))))),
        Misconception(
            "size_forgotten",
            lambda logits, label: max(-_gap(logits, label), 0.0) + np.log1p(np.exp(-_gap(logits, label))),
            "The exponent must never be positive, but in your second part it is positive for a negative gap.",
            "which number should be negated in the second part?",
        ),
        Misconception(
            "straight_line",
            lambda logits, label: max(-_gap(logits, label), 0.0),
            "You return the first part of softplus only: 0 wherever the model is right.",
            "what does a gap of 0, undecided, cost?",
        ),
    ),
    hints=(
        "With two classes only one number counts: the gap z_gold - z_other.",
        "softplus(-gap) has two parts: max(-gap, 0), and log1p(exp(...)) of something that is never positive.",
        "max(-gap, 0) + np.log1p(np.exp(-abs(gap)))",
    ),
    takeaway="max(-gap, 0) gives the size and log1p(exp(-|gap|)) the digits; neither can overflow.",
)

lost_gaps = NumberExercise(
    name="lost_gaps",
    title="Where a probability becomes 1",
    notebook=6,
    objectives=(3,),
    kind="predict",
    difficulty=3,
    importance=2,
    minutes=7,
    value=(17, 6),
    tolerance=0.01,
    whole=True,
    misconceptions=(
        Misconception(
            "whole_spacing",
            (16, 5),
            "You asked when e^-gap is below the whole spacing; but a sum is rounded down from half of it on.",
            "to which number is 1 plus 0.4 of a spacing rounded?",
        ),
        Misconception(
            "spacing_below_one",
            (18, 7),
            "You compared with the numbers just below 1, which are closer together; but the sum 1 + e^-gap is above 1.",
            "which operation loses the digits first: the sum or the division?",
        ),
        Misconception(
            "log_base_2",
            (24, 8),
            "You counted bits: the gap is in the exponent of e, not of 2.",
            "which logarithm turns e^-gap into a gap?",
        ),
        Misconception(
            "log_base_10",
            (8, 3),
            "You counted decimal digits: the gap is in the exponent of e, not of 10.",
            "which logarithm turns e^-gap into a gap?",
        ),
        Misconception(
            "overflow",
            (89, 89),
            "That is where exp overflows. Here nothing overflows; digits get lost.",
            "how small can e^-gap be if 1 + e^-gap is still more than 1?",
        ),
    ),
    hints=(
        "p is 1 as soon as 1 + e^-gap rounds to 1.",
        "That happens when e^-gap is less than half the distance from 1 to the next number.",
        "e^-gap < 2^-24, so gap > 24 ln 2 = 16.6, for float32; the same with 2^-8 for bfloat16. Take whole numbers.",
    ),
    takeaway=(
        "If you compute the probability first, bfloat16 loses the loss at a gap of 6 and float32 at 17. From logits "
        "float32 keeps it up to a gap of 103."
    ),
)

four_curves = ChoiceExercise(
    name="four_curves",
    title="Read four curves",
    notebook=6,
    objectives=(4, 5),
    kind="read",
    difficulty=3,
    importance=3,
    minutes=8,
    question=(
        "The cells below train the same head four times: same vectors, same start, same optimizer, half of the pairs "
        "IsNext. Only the loss function differs: four people typed it in. Look at the figure and at the table, and "
        "decide which statements are true. Choose all that apply."
    ),
    options=(
        Option(
            "Curve 1 stays high because its model cannot tell the pairs apart.",
            "Its accuracy is as good as that of the others. Which known level is just below the one at which it "
            "settles?",
        ),
        Option(
            "Curve 1 comes from a loss that got probabilities where it expects logits.",
            "Yes: it approaches 0.3133, the floor of softmax applied twice, while nearly all answers are right.",
            right=True,
        ),
        Option(
            "Curve 3 belongs to the best model, because its loss is the lowest.",
            "Look at its accuracy. A loss can be low because it does not count what goes wrong.",
        ),
        Option(
            "In curve 3 one class never entered the loss.",
            "Yes: a loss near 0 with half of the answers right is the signature of pairs that are left out.",
            right=True,
        ),
        Option(
            "Curve 4 starts at half of ln 2: its author divided by rows times columns.",
            "Yes: 0.3466. An undecided pair costs 0.6931, and that was spread over two entries.",
            right=True,
        ),
        Option(
            "The model of curve 4 is twice as good as that of curve 2.",
            "Multiply curve 4 by 2, and compare the accuracies. It was measured on another scale.",
        ),
    ),
    hints=(
        "For each curve look at three things: where it starts, where it ends, and the accuracy in the table.",
        "Levels of notebook 06: ln 2 = 0.6931 for an undecided model, 0.3133 plus the error rate for softmax applied "
        "twice, and 0 although half of the answers are wrong.",
        "Three of the six are true: one is about a floor, one about a class, one about a start.",
    ),
    takeaway="Start, floor and accuracy together name the bug; the lowest loss need not be the best model.",
)


def kept_mean_reference(logits: ArrayLike, labels: ArrayLike, keep: ArrayLike) -> float:
    """Return the mean loss in nats of the pairs that are kept."""
    mask = np.asarray(keep, dtype=bool)
    z, y = np.asarray(logits, dtype=np.float64)[mask], np.asarray(labels)[mask]
    gap = z[np.arange(len(y)), y] - z[np.arange(len(y)), 1 - y]
    return float(np.logaddexp(0, -gap).mean())


def _each(logits: ArrayLike, labels: Ints) -> Floats:
    z = np.asarray(logits, dtype=np.float64)
    rows = np.arange(len(labels))
    return np.logaddexp(0, z[rows, 1 - labels] - z[rows, labels])


def _kept_mean_cases(rng: Generator) -> list[InputCase]:
    logits = np.array([[2.0, 0.0], [0.0, 1.0], [0.5, 0.0], [9.0, 0.0]])
    cases = [
        InputCase((logits, np.array([0, 1, 0, 1]), np.array([True, True, True, False])), "the notebook's four pairs")
    ]
    for size, out in ((6, 2), (9, 3)):
        keep = np.ones(size, dtype=bool)
        keep[rng.choice(np.arange(1, size), out, replace=False)] = False
        labels = np.arange(size) % 2
        labels[np.flatnonzero(keep)[:2]] = 0, 1
        cases.append(InputCase((rng.normal(0.4, 1.5, (size, 2)), labels, keep), f"{size} pairs, {out} left out"))
    filled = np.vstack([rng.normal(0, 1, (4, 2)), [[np.nan, np.nan], [-np.inf, -np.inf]]])
    keep = np.array([True, True, True, True, False, False])
    cases.append(InputCase((filled, np.array([0, 1, 1, 0, 0, 1]), keep), "pairs left out whose logits are NaN or -inf"))
    return cases


def _mean_of(choose: Callable[[Ints, Bools], Bools]) -> Function:
    def answer(logits: Floats, labels: Ints, keep: Bools) -> float:
        chosen = choose(labels, keep)
        return float(_each(logits, labels)[chosen].mean())

    return answer


kept_mean = CodeExercise(
    name="kept_mean",
    title="The mean over the pairs kept",
    notebook=6,
    objectives=(5,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=8,
    points=2,
    reference=kept_mean_reference,
    cases=_kept_mean_cases,
    misconceptions=(
        Misconception(
            "masked_too_late",
            lambda z, y, keep: (_each(z, y) * keep).sum() / keep.sum(),
            "Right, until a pair that is left out holds NaN: 0 times NaN is NaN.",
            "could the pair be left out before its loss is computed?",
        ),
        Misconception(
            "divided_by_batch",
            lambda z, y, keep: _each(z, y)[keep].sum() / len(y),
            "You divided by the size of the batch, so padding makes the loss smaller.",
            "how many pairs are in the sum?",
            also=(lambda z, y, keep: (_each(z, y) * keep).mean(),),
        ),
        Misconception(
            "mask_ignored",
            lambda z, y, keep: _each(z, y).mean(),
            "All pairs count in your mean.",
            "what is keep for?",
        ),
        Misconception(
            "nan_for_mask",
            lambda z, y, keep: np.nanmean(_each(z, y)),
            "You leave out what is NaN. But a pair can be left out although its logits are ordinary numbers.",
            "which argument says which pairs count?",
        ),
        Misconception("log_base_2", lambda z, y, keep: _each(z[keep], y[keep]).mean() / np.log(2)),
        Misconception(
            "mask_turned_round",
            _mean_of(lambda labels, keep: ~keep),
            "Your mean is over the pairs that should be left out.",
            "does True mean that a pair stays, or that it goes?",
        ),
        Misconception(
            "sum_for_mean",
            lambda z, y, keep: _each(z, y)[keep].sum(),
            "You return the sum over the pairs kept; their mean is asked for.",
        ),
        Misconception(
            "no_mean",
            lambda z, y, keep: _each(z, y)[keep],
            "You return one loss for each pair kept; one number is asked for.",
        ),
        Misconception(
            "label_0_dropped",
            _mean_of(lambda labels, keep: keep & (labels != 0)),
            "You leave out every pair with label 0 as well.",
            "does 0 mark padding here, or is it a class?",
        ),
        Misconception(
            "label_1_dropped",
            _mean_of(lambda labels, keep: keep & (labels != 1)),
            "You leave out every pair with label 1 as well.",
            "which pairs does keep leave out, and which does your code leave out?",
        ),
        Misconception("label_one_is_next", lambda z, y, keep: _each(z[keep], 1 - y[keep]).mean()),
        Misconception(
            "divided_by_entries",
            lambda z, y, keep: _each(z, y)[keep].mean() / 2,
            "Your number is half of the right one: you divided by rows times columns.",
        ),
    ),
    hints=(
        "Leave pairs out first, then compute.",
        "logits[keep] and labels[keep] hold only the pairs that count.",
        "Then it is an ordinary mean: log1p(exp(-gap)) of each row kept, or nsp_loss(logits[keep], labels[keep]).",
    ),
    takeaway="Choose before you compute, and divide by what you chose.",
)

silent_class = TextExercise(
    name="silent_class",
    title="Design a test: loss 0.0008, accuracy 0.497",
    notebook=6,
    objectives=(5,),
    kind="design",
    difficulty=2,
    importance=3,
    minutes=8,
    points=3,
    words=35,
    rubric=(
        Point(
            "The cause: pairs of one class are not counted in the loss, as with ignore_index set to a class.",
            r"ignore|left out|leav\w+ out|(not|never|n't) (be |been )?count|skip|dropp|mask|padding|weight|"
            r"thr(ow|ew|own)\w* .{0,20}away|only (one class|the \w+ class|\w+ pairs)|exclud|not in the (mean|"
            r"loss)",
            "how can an average be nearly 0 when half of the answers are wrong?",
            denied=True,
        ),
        Point(
            "The mechanism: those rows have gradient 0, so nothing pushes the model to say that class.",
            r"gradient|push|never (learn|corrected|punish|penal)|not taught|(just |always )says|always|"
            r"says .*to (all|every)|constant|one class|one answer|best strategy|free for the loss",
            "what teaches the model to give the other answer?",
        ),
        Point(
            "A test: loss or recall for each class, the number of pairs in the mean, or the gradient rows by label.",
            r"(each|per|every|both|one|single|other|that) class|class(es)? separately|recall|number of pairs|"
            r"count(ed|ing)? (the )?pairs|by label|(per|each|both) labels?|separately|batch (with|of) (only|"
            r"one|a single)|assert|unit test|recomputes?|recomputed|recount",
            "which number, printed for each class, would have shown it at once?",
        ),
    ),
    traps=(
        Trap(
            "overfitting",
            r"(it|model|is|this is|caused by|because of|due to) (simply )?overfit(s|ted|ting)?\b",
            "An overfitted model is right on its training pairs; this one is wrong on half of them.",
        ),
    ),
    model=(
        "A mean near 0 cannot hold the 20,000 pairs that are wrong, so one class is left out of the loss, as "
        "by an ignore_index that equals its label. The rows of that class have a gradient of exactly zero; "
        "nothing pushes the model to ever say it, so it says the other class to all pairs, ever more surely: "
        "loss 0, accuracy one half. I would print the loss and the number of pairs counted for each class, "
        "and assert that both numbers are 20,000."
    ),
    hints=(
        "Both numbers are about the training pairs. Which pairs can the loss not have seen?",
        "See the last section of notebook 06: what was exactly zero in the NotNext rows?",
        "Name the cause, say why training cannot repair it, and write a test that prints one number for each class.",
    ),
    takeaway="A mean says nothing about what it left out; print one number for each class.",
)

EXERCISES = (
    largest_logits,
    naive_fate,
    log_sum_exp,
    lost_gaps,
    stable_loss,
    kept_mean,
    four_curves,
    silent_class,
)
