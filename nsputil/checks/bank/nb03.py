"""Exercises of notebook 03, from the likelihood to the loss."""

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


def most_likely_p_reference(labels: ArrayLike) -> float:
    """Return the probability of IsNext that makes the labels most likely: their fraction of IsNext."""
    return float(np.mean(np.asarray(labels) == 0))


most_likely_p = CodeExercise(
    name="most_likely_p",
    title="The most likely coin",
    notebook=3,
    objectives=(1,),
    kind="implement",
    difficulty=1,
    importance=2,
    minutes=5,
    reference=most_likely_p_reference,
    cases=lambda rng: [
        InputCase((np.array([0, 0, 0, 1]),), "the labels 0, 0, 0, 1"),
        InputCase((rng.permutation([0] * 2 + [1] * 5),), "two IsNext and five NotNext"),
        InputCase((rng.permutation([0] * 9 + [1] * 2),), "nine IsNext and two NotNext"),
    ],
    misconceptions=(
        Misconception("label_one_is_next", lambda labels: float(np.mean(labels))),
        Misconception(
            "fair_coin",
            lambda labels: 0.5,
            "Your answer is 0.5 whatever was seen.",
            "how likely are nine IsNext and two NotNext under p = 0.5, and how likely under p = 0.8?",
        ),
        Misconception(
            "count",
            lambda labels: int((labels == 0).sum()),
            "You return how many labels are IsNext; a probability is asked for.",
            "between which two numbers does a probability lie?",
        ),
        Misconception(
            "smoothed",
            lambda labels: ((labels == 0).sum() + 1) / (len(labels) + 2),
            "You added one to each count. That is Laplace's rule, a mean over possible coins. It is not the peak of "
            "the likelihood.",
            "what does the likelihood of 0, 0, 0, 1 say at 0.75, and what at your answer?",
        ),
        Misconception(
            "majority",
            lambda labels: max(np.mean(labels == 0), np.mean(labels == 1)),
            "You return the fraction of the more frequent class.",
            "whose probability is p, if most labels are NotNext?",
        ),
        Misconception(
            "likelihood_itself",
            lambda labels: float(np.prod(np.where(labels == 0, np.mean(labels == 0), np.mean(labels == 1)))),
            "You return how likely the labels are at the best p; the best p is asked for.",
            "max or argmax?",
        ),
        Misconception(
            "odds",
            lambda labels: (labels == 0).sum() / (labels == 1).sum(),
            "You divided the count of IsNext by that of NotNext: these are odds, and they can exceed 1.",
            "p is a fraction of which labels: of all, or of those that are NotNext?",
        ),
    ),
    hints=(
        "Ten labels, seven of them IsNext: which p won in the notebook?",
        "It is the fraction of labels that are IsNext, and IsNext is written 0.",
        "np.mean(labels == 0)",
    ),
    takeaway="The most likely coin is the fraction that you saw. No grid is needed.",
)

loss_of_08 = NumberExercise(
    name="loss_of_08",
    title="p = 0.8",
    notebook=3,
    objectives=(2, 3),
    kind="compute",
    difficulty=1,
    importance=3,
    minutes=3,
    value=(float(-np.log(0.8)), float(-np.log(0.2))),
    misconceptions=(
        Misconception("wrong_sign", (float(np.log(0.8)), float(np.log(0.2)))),
        Misconception("log_base_2", (float(-np.log2(0.8)), float(-np.log2(0.2)))),
        Misconception("log_base_10", (float(-np.log10(0.8)), float(-np.log10(0.2)))),
        Misconception("no_log", (0.8, 0.2)),
        Misconception("linear_charge", (0.2, 0.8)),
        Misconception("squared_charge", (0.04, 0.64)),
        Misconception(
            "gold_ignored",
            (float(-np.log(0.8)), float(-np.log(0.8))),
            "Both your numbers use 0.8.",
            "how much is left for NotNext when IsNext has 0.8?",
        ),
        Misconception(
            "turned_round",
            (float(-np.log(0.2)), float(-np.log(0.8))),
            "Both numbers are right, but in the wrong order.",
            "which of the two answers should be cheap: the one that the model favored, or the other?",
        ),
        Misconception(
            "second_negative",
            (float(-np.log(0.8)), float(np.log(0.2))),
            "The first is right. The second has the wrong sign.",
            "can a model be paid for a mistake?",
        ),
    ),
    hints=(
        "The loss is minus the natural logarithm of what the gold class got.",
        "If IsNext is gold, the gold class got 0.8. If NotNext is gold, it got the rest.",
        "-np.log(0.8) and -np.log(1 - 0.8)",
    ),
    takeaway="0.2231 when right, 1.6094 when wrong: at 0.8 a mistake costs seven times what a hit costs.",
)

high_p_high_loss = ChoiceExercise(
    name="high_p_high_loss",
    title="True or false, one way round",
    notebook=3,
    objectives=(2,),
    kind="recall",
    difficulty=1,
    importance=3,
    minutes=1,
    question="*The more probability the model gives to the gold class, the higher is its loss on this pair.*",
    options=(
        Option("true", "The likelihood gets higher. The minus turns it into a price, and the price falls."),
        Option(
            "false", "More probability on the gold class costs less: 0.8 costs 0.2231, 0.9 costs 0.1054.", right=True
        ),
    ),
    hints=(
        "Try it with two numbers.",
        "What are -log 0.5 and -log 0.9?",
        "The second is smaller.",
    ),
    takeaway="When the probability of the gold class goes up, the loss goes down.",
)

high_loss_low_p = ChoiceExercise(
    name="high_loss_low_p",
    title="True or false, the other way round",
    notebook=3,
    objectives=(2,),
    kind="recall",
    difficulty=1,
    importance=3,
    minutes=1,
    question="*If the loss on one pair is high, the model gave little probability to the class that was gold.*",
    options=(
        Option("true", "Each loss belongs to one probability, exp(-loss): 3 nats mean 0.05.", right=True),
        Option("false", "Solve the formula for p: p = exp(-loss). A large loss always means a small p."),
    ),
    hints=(
        "The formula can be solved for the probability.",
        "p = exp(-loss). What is it for a loss of 3?",
        "About 0.05, which is little.",
    ),
    takeaway="exp(-loss) is the probability that the gold class got.",
)


def batch_loss_reference(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the mean of -log softmax(logits)[gold], in nats."""
    return float(_losses(np.asarray(logits, float), np.asarray(labels)).mean())


def _log_softmax(logits: Floats, axis: int = -1) -> Floats:
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _batch_loss_cases(rng: Generator) -> list[InputCase]:
    def draw(batch: int) -> tuple[Floats, Ints]:
        labels = rng.permutation([0, 1] * batch)[:batch]
        labels[0], labels[-1] = 1, 0
        return rng.normal(size=(batch, 2)) * 1.5 + rng.normal(size=(batch, 1)), labels

    return [
        InputCase((np.array([[2.0, 0.5], [-1.0, 0.3]]), np.array([0, 1])), "two pairs, both right"),
        InputCase(draw(3), "three pairs drawn at random"),
        InputCase(draw(7), "seven pairs drawn at random"),
        InputCase((np.array([[28.0, 1.0], [0.2, 0.9]]), np.array([1, 0])), "a mistake with a gap of 27"),
        InputCase((np.array([[0.4, 1.3]]), np.array([0])), "one pair"),
    ]


def _picked(log_probs: Floats, labels: Ints) -> Floats:
    return log_probs[np.arange(len(labels)), labels]


def _with_epsilon(epsilon: float) -> Function:
    def answer(logits: Floats, labels: Ints) -> float:
        return float(-np.log(_picked(np.exp(_log_softmax(logits)), labels) + epsilon).mean())

    return answer


def _losses(logits: Floats, labels: Ints) -> Floats:
    return -_picked(_log_softmax(logits), labels)


def _of_raw_logits(logits: Floats, labels: Ints) -> float:
    return float(-np.log(_picked(logits, labels)).mean())


batch_loss = CodeExercise(
    name="batch_loss",
    title="The ladder in one function",
    notebook=3,
    objectives=(3,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=10,
    points=3,
    from_scratch=True,
    reference=batch_loss_reference,
    cases=_batch_loss_cases,
    misconceptions=(
        Misconception("wrong_sign", lambda logits, labels: -batch_loss_reference(logits, labels)),
        Misconception("log_base_2", lambda logits, labels: batch_loss_reference(logits, labels) / np.log(2)),
        Misconception("log_base_10", lambda logits, labels: batch_loss_reference(logits, labels) / np.log(10)),
        Misconception("no_log", lambda logits, labels: float(np.exp(-_losses(logits, labels)).mean())),
        Misconception("linear_charge", lambda logits, labels: float((1 - np.exp(-_losses(logits, labels))).mean())),
        Misconception("sum_for_mean", lambda logits, labels: float(_losses(logits, labels).sum())),
        Misconception("no_mean", _losses),
        Misconception("divided_by_entries", lambda logits, labels: float(_losses(logits, labels).sum() / logits.size)),
        Misconception(
            "mean_of_probabilities", lambda logits, labels: float(-np.log(np.exp(-_losses(logits, labels)).mean()))
        ),
        Misconception("logits_as_probabilities", _of_raw_logits),
        Misconception(
            "logits_picked",
            lambda logits, labels: float(-_picked(logits, labels).mean()),
            "You used the logit of the gold class as if it were its log-probability.",
            "what has to happen to a row so that its exponentials sum to 1?",
        ),
        Misconception(
            "double_softmax",
            lambda logits, labels: batch_loss_reference(np.exp(_log_softmax(logits)), labels),
        ),
        Misconception(
            "softmax_over_batch",
            lambda logits, labels: float(-_picked(_log_softmax(logits, axis=0), labels).mean()),
        ),
        Misconception(
            "softmax_over_everything",
            lambda logits, labels: float(-_picked(logits - np.log(np.exp(logits).sum()), labels).mean()),
            "You divided by the sum over the whole batch.",
            "should a pair's probability change when another pair joins the batch?",
        ),
        Misconception(
            "sigmoid_of_one_logit",
            lambda logits, labels: float(np.log1p(np.exp(-_picked(logits, labels))).mean()),
        ),
        Misconception("swapped_columns", lambda logits, labels: float(_losses(logits, 1 - labels).mean())),
        Misconception("gold_ignored", lambda logits, labels: float(-_log_softmax(logits)[:, 0].mean())),
        Misconception(
            "always_second_column",
            lambda logits, labels: float(-_log_softmax(logits)[:, 1].mean()),
            "You always take the second column, whatever the label says.",
            "what is the label for, when the gold class is IsNext?",
        ),
        Misconception("largest_taken", lambda logits, labels: float(-_log_softmax(logits).max(axis=1).mean())),
        Misconception(
            "first_example_only",
            lambda logits, labels: float(_losses(logits, labels)[0]),
        ),
        Misconception("last_example_only", lambda logits, labels: float(_losses(logits, labels)[-1])),
        Misconception("one_example_for_all", lambda logits, labels: float(-_log_softmax(logits)[:, labels[0]].mean())),
        Misconception(
            "all_pairs_of_row_and_label",
            lambda logits, labels: float(-_log_softmax(logits)[:, labels].mean()),
            "log_probs[:, labels] takes every label for every row, and you averaged all of it.",
            "what is the shape of log_probs[:, labels], and what should it be?",
        ),
        Misconception(
            "epsilon_in_log",
            _with_epsilon(1e-12),
            also=tuple(map(_with_epsilon, (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-15))),
        ),
        Misconception("rounded", lambda logits, labels: round(batch_loss_reference(logits, labels), 4)),
    ),
    hints=(
        "Four steps: softmax of each row, the gold column of each row, minus log, mean.",
        "probs[np.arange(len(labels)), labels] picks one entry of each row.",
        "probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True); then -np.log(picked).mean()",
    ),
    takeaway="Softmax of each row, gold column, minus log, mean over pairs: that is all of nsp_loss.",
)


def split_cross_entropy_reference(truth: float, p: float) -> tuple[float, float]:
    """Return (entropy of the labels, Kullback-Leibler divergence) in nats, when p is announced for all pairs."""
    entropy = -(truth * np.log(truth) + (1 - truth) * np.log(1 - truth))
    kl = truth * np.log(truth / p) + (1 - truth) * np.log((1 - truth) / (1 - p))
    return float(entropy), float(kl)


def _entropy(p: float) -> float:
    return float(-(p * np.log(p) + (1 - p) * np.log(1 - p)))


def _cross_entropy(truth: float, p: float) -> float:
    return float(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)))


def _kl(truth: float, p: float) -> float:
    return split_cross_entropy_reference(truth, p)[1]


split_cross_entropy = CodeExercise(
    name="split_cross_entropy",
    title="What the data cost, what the model adds",
    notebook=3,
    objectives=(4,),
    kind="implement",
    difficulty=2,
    importance=2,
    minutes=8,
    points=2,
    reference=split_cross_entropy_reference,
    cases=lambda rng: [
        InputCase((0.45, 0.8), "truth 0.45, announced 0.8"),
        InputCase((0.25, 0.25), "truth and announcement both 0.25"),
        InputCase((float(rng.uniform(0.55, 0.7)), float(rng.uniform(0.1, 0.3))), "numbers drawn at random"),
    ],
    misconceptions=(
        Misconception(
            "other_direction",
            lambda truth, p: (_entropy(truth), _kl(p, truth)),
            "Your divergence goes in the other direction: its weights are what was announced.",
            "how often does each label really come up: truth or p?",
        ),
        Misconception(
            "entropy_of_the_model",
            lambda truth, p: (_entropy(p), _kl(truth, p)),
            "Your first number is the entropy of the announcement.",
            "would the cost of the data change if the model announced something else?",
        ),
        Misconception(
            "cross_entropy_for_excess",
            lambda truth, p: (_entropy(truth), _cross_entropy(truth, p)),
            "Your second number is the whole cross-entropy; the model's own part is asked for.",
            "what should the model add when it announces the truth?",
        ),
        Misconception(
            "log_base_2", lambda truth, p: tuple(x / np.log(2) for x in split_cross_entropy_reference(truth, p))
        ),
        Misconception(
            "log_base_10", lambda truth, p: tuple(x / np.log(10) for x in split_cross_entropy_reference(truth, p))
        ),
        Misconception("wrong_sign", lambda truth, p: tuple(-x for x in split_cross_entropy_reference(truth, p))),
        Misconception(
            "entropy_negative",
            lambda truth, p: (-_entropy(truth), _kl(truth, p)),
            "The entropy has the wrong sign.",
            "can a price be negative?",
        ),
        Misconception(
            "one_class_only",
            lambda truth, p: (float(-truth * np.log(truth)), float(truth * np.log(truth / p))),
            "Only IsNext counts in your numbers.",
            "what does the rest of the labels cost, the fraction 1 - truth?",
        ),
        Misconception(
            "order_turned_round",
            lambda truth, p: split_cross_entropy_reference(truth, p)[::-1],
            "Both numbers are right, in the other order.",
            "which came first in the question?",
        ),
        Misconception(
            "arguments_exchanged",
            lambda truth, p: split_cross_entropy_reference(p, truth),
            "Your two arguments have changed places.",
            "which of the two is true, and which is announced?",
        ),
        Misconception(
            "divergence_negative",
            lambda truth, p: (_entropy(truth), -_kl(truth, p)),
            "The divergence has the wrong sign.",
            "can a model that announces something else cost less than the truth?",
        ),
        Misconception(
            "difference_of_entropies",
            lambda truth, p: (_entropy(truth), _entropy(p) - _entropy(truth)),
            "Your second number is the difference of two entropies; the divergence weighs with the truth.",
            "how often does each label really come up: truth or p?",
        ),
        Misconception(
            "plain_difference",
            lambda truth, p: (_entropy(truth), abs(truth - p)),
            "Your second number is the distance between the two probabilities.",
            "in which unit should the excess be measured?",
        ),
    ),
    hints=(
        "The first number depends on truth alone; the second is 0 when p equals truth.",
        "Entropy: -(t log t + (1 - t) log(1 - t)). Excess: cross-entropy minus entropy.",
        "kl = t * np.log(t / p) + (1 - t) * np.log((1 - t) / (1 - p))",
    ),
    takeaway="Loss = entropy of the labels + divergence. Training can only shrink the second.",
)


#: From the probability of the gold class to what it costs.
Charge = Callable[[Floats], Floats]


def _grid() -> Floats:
    return np.linspace(0.01, 0.99, 99)


def _expected_cost(charge: Charge, q: float) -> Floats:
    """What each announcement on the grid costs on average when a fraction q of the pairs is IsNext."""
    return q * charge(_grid()) + (1 - q) * charge(1 - _grid())


def cheapest_announcement_reference(charge: Charge, q: float) -> float:
    """Return the announcement on the grid with the lowest mean cost when a fraction q of the pairs is IsNext."""
    return float(_grid()[_expected_cost(charge, q).argmin()])


def _log_charge(p_gold: Floats) -> Floats:
    return -np.log(p_gold)


def _squared_charge(p_gold: Floats) -> Floats:
    return (1 - p_gold) ** 2


def _linear_charge(p_gold: Floats) -> Floats:
    return 1 - p_gold


cheapest_announcement = CodeExercise(
    name="cheapest_announcement",
    title="Put a charge to the test",
    notebook=3,
    objectives=(5,),
    kind="design",
    difficulty=3,
    importance=2,
    minutes=10,
    points=2,
    reference=cheapest_announcement_reference,
    cases=lambda rng: [
        InputCase((_log_charge, 0.7), "the log charge, 70 % IsNext"),
        InputCase((_squared_charge, 0.3), "the squared charge, 30 % IsNext"),
        InputCase((_linear_charge, 0.7), "the linear charge, 70 % IsNext"),
        InputCase((_linear_charge, 0.2), "the linear charge, 20 % IsNext"),
        InputCase((_log_charge, rng.integers(10, 40) / 100 + 0.002), "the log charge, a fraction drawn at random"),
    ],
    misconceptions=(
        Misconception(
            "believes_in_honesty",
            lambda charge, q: float(round(q, 2)),
            "You return the truth, whatever the charge is. But whether the truth is cheapest is the question.",
            "what does the linear charge pay you for announcing 0.99?",
            also=(lambda charge, q: float(q),),
        ),
        Misconception(
            "is_next_only",
            lambda charge, q: float(_grid()[charge(_grid()).argmin()]),
            "You charge as if every pair were IsNext.",
            "what does your announcement cost on the 1 - q pairs that are NotNext?",
        ),
        Misconception(
            "turned_round",
            lambda charge, q: cheapest_announcement_reference(charge, 1 - q),
            "Your announcement would be right for a fraction of 1 - q.",
            "which probability does the gold class have when NotNext is gold?",
        ),
        Misconception(
            "cost_for_announcement",
            lambda charge, q: float(_expected_cost(charge, q).min()),
            "You return the lowest cost; the announcement that has it is asked for.",
            "min or argmin?",
        ),
        Misconception(
            "index_for_announcement",
            lambda charge, q: int(_expected_cost(charge, q).argmin()),
            "You return the index on the grid; the announcement at this index is asked for.",
            "what does argmin give?",
        ),
        Misconception(
            "most_expensive",
            lambda charge, q: float(_grid()[_expected_cost(charge, q).argmax()]),
            "You return the most expensive announcement.",
            "argmin or argmax?",
        ),
        Misconception(
            "complement_of_charge",
            lambda charge, q: float(_grid()[(q * charge(_grid()) + (1 - q) * (1 - charge(_grid()))).argmin()]),
            "You charge 1 - charge(p) for NotNext pairs.",
            "which probability does the gold class have when NotNext is gold, and what is its charge?",
        ),
        Misconception(
            "weights_forgotten",
            lambda charge, q: float(_grid()[(charge(_grid()) + charge(1 - _grid())).argmin()]),
            "You give both labels the same weight, as if q were one half.",
            "how often does each of the two charges have to be paid?",
        ),
    ),
    hints=(
        "For one announcement p, IsNext pairs cost charge(p). What do NotNext pairs cost?",
        "Expected cost: q * charge(p) + (1 - q) * charge(1 - p), for the whole grid at once.",
        "grid[expected.argmin()]",
    ),
    takeaway="Proper means that announcing the truth is cheapest, whatever the truth is. Test it for several truths.",
)

why_minus_log_mean = TextExercise(
    name="why_minus_log_mean",
    title="Explain: minus, log, mean",
    notebook=3,
    objectives=(2,),
    kind="explain",
    difficulty=2,
    importance=3,
    minutes=8,
    points=3,
    words=30,
    rubric=(
        Point(
            "log: the product of the probabilities becomes a sum (which neither underflows nor moves the maximum).",
            r"product|multiply|multiplied|multiplication|"
            r"underflow|rounds? to (zero|0)|sum of|into (a )?sums?|adds? up|additive|"
            r"usable number",
            "what does the log make of many probabilities that are multiplied?",
        ),
        Point(
            "minus: a likelihood to maximize becomes a loss to minimize; up becomes down.",
            r"minimi[sz]|downhill|climb|descen|lowest|positive|price|make small|smaller is|turn(s|"
            r"ed)?\b.*(sign|round|upside)",
            "optimizers go downhill; which way does the log-likelihood improve?",
        ),
        Point(
            "mean: the number does not grow with the size of the batch, so batches can be compared.",
            r"size|number of (pairs|examples)|compar|how many|twice (as many|the)|(per|each) pair|average|grow",
            "what happens to a sum when there are twice as many pairs?",
        ),
    ),
    traps=(
        Trap(
            "absolute_value",
            r"(is|as|like|takes?|means?|an) (an |the )?absolute value",
            "There is no absolute value: the minus reverses the sign of every log-likelihood, even of a positive one.",
        ),
    ),
    model=(
        "The likelihood of all labels is a product of thousands of probabilities, which underflows to zero; "
        "the log turns it into a sum and leaves the best weights where they are. The log of a probability is "
        "never above zero and optimizers go downhill, so the minus turns what was to be maximized into a "
        "price to be minimized. The mean divides by the number of pairs, so that batches of different size "
        "can be compared."
    ),
    hints=(
        "Begin with the likelihood of all labels. Which operation joins the pairs?",
        "Three sentences, one for each word; each names the problem that the word removes.",
        "A product becomes a sum; a maximum becomes a minimum; a sum becomes independent of the batch size.",
    ),
    takeaway="Each of the three removes one nuisance, and none moves the best weights.",
)

EXERCISES = (
    most_likely_p,
    loss_of_08,
    high_p_high_loss,
    high_loss_low_p,
    batch_loss,
    split_cross_entropy,
    cheapest_announcement,
    why_minus_log_mean,
)
