"""Exercises of notebook 04, the loss by hand."""

from collections.abc import Callable
from typing import Any

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
from nsputil.checks.values import as_numbers

LN, LOG2, LOG10 = np.log([0.65, 0.35]), np.log2([0.65, 0.35]), np.log10([0.65, 0.35])

both_labels = NumberExercise(
    name="both_labels",
    title="One prediction, two labels, three units",
    notebook=4,
    objectives=(1,),
    kind="compute",
    difficulty=1,
    importance=3,
    minutes=5,
    value=(-LN[0], -LN[1], -LOG2[0], -LOG10[0]),
    example=(0.2231, 1.6094, 0.3219, 0.0969),
    misconceptions=(
        Misconception("wrong_sign", (LN[0], LN[1], LOG2[0], LOG10[0])),
        Misconception(
            "labels_swapped",
            (-LN[1], -LN[0], -LOG2[1], -LOG10[1]),
            "You took the probability of NotNext where gold is IsNext, and that of IsNext where gold is NotNext.",
            "if the label says IsNext, did the gold class get 0.65 or 0.35?",
        ),
        Misconception(
            "log_base_10",
            (-LOG10[0], -LOG10[1], -LOG2[0], -LOG10[0]),
            "Your first two numbers are in base 10, as a calculator's log key gives them; nats are asked for.",
            "which key undoes exp: log or ln?",
        ),
        Misconception(
            "log_base_2",
            (-LOG2[0], -LOG2[1], -LOG2[0], -LOG10[0]),
            "Your first two numbers are in bits; nats are asked for.",
            "what does p = 0.5, undecided, cost in nats, and in bits?",
        ),
        Misconception("no_log", (0.65, 0.35, 0.65, 0.65)),
        Misconception("linear_charge", (0.35, 0.65, 0.35, 0.35)),
        Misconception(
            "converted_the_wrong_way",
            (-LN[0], -LN[1], -LN[0] * np.log(2), -LN[0] * np.log(10)),
            "The nats are right. For bits and base 10 you multiplied where you should divide, or the reverse.",
            "p = 0.5 costs 0.6931 nats and exactly 1 bit: which operation leads from one to the other?",
        ),
    ),
    hints=(
        "Each label has its probability: IsNext has 0.65, and NotNext has the rest.",
        "Nats: -ln p. The other units divide the nats by ln 2, or by ln 10.",
        "-ln 0.65 and -ln 0.35; then the first of them divided by 0.6931, and by 2.3026.",
    ),
    takeaway="The label picks the probability, the base picks the unit.",
)

which_is_higher = ChoiceExercise(
    name="which_is_higher",
    title="Which loss is higher, and why?",
    notebook=4,
    objectives=(2,),
    kind="predict",
    difficulty=1,
    importance=3,
    minutes=4,
    question=(
        "Example 1: the model says Pr(IsNext) = 0.55, and gold is IsNext. Example 2: it says Pr(IsNext) = 0.3, and "
        "gold is NotNext. Which example has the higher loss, and why?"
    ),
    options=(
        Option(
            "Example 2, because 0.3 is less than 0.55.",
            "In example 2, 0.3 went to IsNext, but gold is NotNext. What did NotNext get?",
        ),
        Option(
            "Example 1, because 0.55 is more than 0.3, and more probability means more loss.",
            "Two mistakes meet: 0.3 is not the probability of the gold class, and more probability on gold means less "
            "loss.",
        ),
        Option(
            "Neither: both predictions are on the right side of one half.",
            "So both count as right in the accuracy. The loss asks how far they are on the right side.",
        ),
        Option(
            "Example 1, because its gold class got 0.55 and that of example 2 got 0.7.",
            "Yes: 0.5978 against 0.3567 nats.",
            right=True,
        ),
        Option(
            "Example 2, because NotNext is the harder class and is charged more.",
            "No class has a price of its own. Only the probability of the gold class counts.",
        ),
    ),
    hints=(
        "Write down, for each example, what the gold class got.",
        "Two probabilities sum to 1, so 0.3 for IsNext leaves something for NotNext.",
        "Compare 0.55 with 1 - 0.3. Less probability on gold means more loss.",
    ),
    takeaway="Read the label first, then the probability of that class; the smaller one has the higher loss.",
)


def _gold(probs_is_next: ArrayLike, labels: ArrayLike) -> Floats:
    return np.where(np.asarray(labels) == 0, probs_is_next, 1 - np.asarray(probs_is_next))


def order_by_loss_reference(probs_is_next: ArrayLike, labels: ArrayLike) -> list[int]:
    """Return the numbers of the pairs, highest loss first."""
    return [int(k) for k in np.argsort(_gold(probs_is_next, labels))]


def _order_by_loss_cases(rng: Generator) -> list[InputCase]:
    cases = [InputCase((np.array([0.7, 0.4, 0.95]), np.array([0, 1, 1])), "three pairs with 0.7, 0.4 and 0.95")]
    for size in (6, 8, 9):
        distance = rng.permutation(np.linspace(0.04, 0.46, size))  # all different, so that there are no ties
        side = np.where(rng.permutation(size) % 2, 1, -1)
        labels = rng.permutation(size) % 2
        cases.append(InputCase((0.5 + side * distance, labels), f"{size} pairs of both labels"))
    ties = np.array([0.25, 0.75, 0.875, 0.25, 0.5]), np.array([0, 1, 0, 0, 1])
    cases.append(InputCase(ties, "five pairs, three of them with the same loss"))
    cases.append(InputCase((np.array([0.3]), np.array([0])), "one pair"))
    return cases


def _ties_in_order(order: Any, args: tuple[Any, ...]) -> Any:
    """Sort the numbers of pairs with equal losses: any order of theirs is right."""
    numbers, gold = as_numbers(order), _gold(*args)
    if numbers is None or numbers.shape != gold.shape or sorted(numbers.tolist()) != list(range(len(gold))):
        return order
    keys = np.round(gold, 9)[numbers.astype(int)]
    return [int(k) for key in dict.fromkeys(keys.tolist()) for k in sorted(numbers[keys == key])]


def _ranks(probs_is_next: Floats, labels: Ints) -> Ints:
    return np.argsort(np.argsort(_gold(probs_is_next, labels)))


order_by_loss = CodeExercise(
    name="order_by_loss",
    title="Put the worst pair first",
    notebook=4,
    objectives=(2,),
    kind="implement",
    difficulty=2,
    importance=2,
    minutes=7,
    points=2,
    reference=order_by_loss_reference,
    cases=_order_by_loss_cases,
    normal_form=_ties_in_order,
    misconceptions=(
        Misconception(
            "gold_ignored",
            lambda p, labels: np.argsort(p),
            "You sorted by Pr(IsNext), whatever the label says.",
            "which number says how wrong the model was on a NotNext pair?",
        ),
        Misconception(
            "gold_ignored_falling",
            lambda p, labels: np.argsort(-p),
            "You sorted by Pr(IsNext), largest first, whatever the label says.",
            "which number says how wrong the model was on an IsNext pair?",
        ),
        Misconception(
            "turned_round",
            lambda p, labels: np.argsort(-_gold(p, labels)),
            "The exact reverse: the pair with the lowest loss comes first. Either the sort runs the other way, or "
            "label 1 is read as IsNext.",
            "what does the first pair of your list cost, and what the last one?",
        ),
        Misconception(
            "least_confident_first",
            lambda p, labels: np.argsort(np.maximum(p, 1 - p)),
            "You sorted by how undecided the model was; the labels do not count in that.",
            "which costs more: being undecided, or being sure and wrong?",
        ),
        Misconception(
            "most_confident_first",
            lambda p, labels: np.argsort(-np.maximum(p, 1 - p)),
            "You sorted by how sure the model was; the labels do not count in that.",
            "what does a pair cost when the model was sure and right?",
        ),
        Misconception(
            "ranks",
            _ranks,
            "You return the rank of each pair; the numbers of the pairs, in order, are asked for.",
            "what is the first entry of your list: the number of a pair, or a rank?",
        ),
        Misconception(
            "losses_returned",
            lambda p, labels: np.sort(-np.log(_gold(p, labels)))[::-1],
            "You return the sorted losses; the numbers of the pairs are asked for.",
            "which NumPy function gives the order instead of the sorted values?",
        ),
        Misconception(
            "counted_from_one",
            lambda p, labels: np.argsort(_gold(p, labels)) + 1,
            "The order is right, but you count the pairs from 1.",
            "which number does the first pair have in Python?",
        ),
    ),
    hints=(
        "First make one number for each pair: the probability of its gold class.",
        "The pair with the smallest gold probability has the highest loss. No logarithm is needed to sort.",
        "gold = np.where(labels == 0, probs_is_next, 1 - probs_is_next); np.argsort gives an order, smallest first.",
    ),
    takeaway="-log only falls, so the order of the losses is the order of the gold probabilities, reversed.",
)


def batch_report_reference(gold: ArrayLike) -> tuple[float, float, float]:
    """Return (mean loss in nats, geometric mean, accuracy) of a batch of gold probabilities."""
    gold = np.asarray(gold, dtype=np.float64)
    loss = -np.log(gold).mean()
    return float(loss), float(np.exp(-loss)), float((gold > 0.5).mean())


def _batch_report_cases(rng: Generator) -> list[InputCase]:
    cases = [
        InputCase((np.array([0.9, 0.1]),), "gold probabilities 0.9 and 0.1"),
        InputCase((np.array([0.5, 0.75, 0.25, 0.52]),), "gold probabilities 0.5, 0.75, 0.25 and 0.52"),
        InputCase((np.array([0.7]),), "one gold probability"),
    ]
    for size in (5, 8):
        low, high = rng.uniform(0.05, 0.45, 2), rng.uniform(0.55, 0.95, size - 2)
        cases.append(InputCase((rng.permutation(np.concatenate([low, high])),), f"{size} gold probabilities"))
    return cases


#: From the gold probabilities of a batch to one number.
Statistic = Callable[[Floats], float]


def _report(loss: Statistic, geometric_mean: Statistic, accuracy: Statistic) -> Function:
    return lambda gold: (loss(gold), geometric_mean(gold), accuracy(gold))


def _nats(gold: Floats) -> float:
    return float(-np.log(gold).mean())


def _geometric_mean(gold: Floats) -> float:
    return float(np.exp(np.log(gold).mean()))


def _accuracy(gold: Floats) -> float:
    return float((gold > 0.5).mean())


batch_report = CodeExercise(
    name="batch_report",
    title="Find the bugs: a report on a batch",
    notebook=4,
    objectives=(3,),
    kind="debug",
    difficulty=2,
    importance=3,
    minutes=6,
    points=2,
    reference=batch_report_reference,
    cases=_batch_report_cases,
    misconceptions=(
        Misconception(
            "as_found",
            _report(lambda g: -np.log(g.mean()), np.mean, np.mean),
            "These are still the colleague's numbers.",
            "for 0.9 and 0.1: what are the two losses, and what is their mean?",
        ),
        Misconception(
            "mean_of_probabilities",
            _report(lambda g: -np.log(g.mean()), np.mean, _accuracy),
            "The accuracy is right now. The loss is still the log of the averaged probabilities.",
            "for 0.9 and 0.1: is the mean of the logs the log of the mean?",
        ),
        Misconception(
            "loss_of_mean_only",
            _report(lambda g: -np.log(g.mean()), _geometric_mean, _accuracy),
            "Two numbers are right. The loss is still the log of the averaged probabilities.",
            "does your loss fit your geometric mean?",
        ),
        Misconception(
            "accuracy_from_loss",
            _report(_nats, _geometric_mean, _geometric_mean),
            "The loss is right. Your accuracy is exp(-loss).",
            "on how many of these pairs was the model on the right side of one half?",
        ),
        Misconception(
            "arithmetic_mean",
            _report(_nats, np.mean, _accuracy),
            "Loss and accuracy are right. Your second number is the ordinary mean of the probabilities.",
            "which kind of mean do you get if you take a mean of logs and undo the log?",
        ),
        Misconception(
            "mean_for_accuracy",
            _report(_nats, _geometric_mean, np.mean),
            "Loss and geometric mean are right. Your accuracy is the mean probability.",
            "what does a pair with 0.6 add to an accuracy, and what does one with 0.9 add?",
        ),
        Misconception(
            "count_for_accuracy",
            _report(_nats, _geometric_mean, lambda g: float((g > 0.5).sum())),
            "Loss and geometric mean are right. Your accuracy is a count.",
            "by what must the count be divided?",
        ),
        Misconception(
            "error_rate",
            _report(_nats, _geometric_mean, lambda g: float((g <= 0.5).mean())),
            "Loss and geometric mean are right. Your third number is the share of the mistakes.",
            "which pairs does an accuracy count?",
        ),
        Misconception(
            "always_square_root",
            _report(_nats, lambda g: float(np.sqrt(np.prod(g))), _accuracy),
            "Loss and accuracy are right. Your geometric mean takes a square root whatever the number of pairs is.",
            "which root belongs to five numbers?",
        ),
        Misconception(
            "product_without_root",
            _report(_nats, np.prod, _accuracy),
            "Your second number is the product of the probabilities; no root was taken.",
            "what should the geometric mean of 0.9 and 0.9 be?",
        ),
        Misconception(
            "sum_for_mean",
            _report(lambda g: -np.log(g).sum(), _geometric_mean, _accuracy),
            "Geometric mean and accuracy are right. Your loss is the sum over the batch.",
        ),
        Misconception(
            "log_base_2",
            _report(lambda g: -np.log2(g).mean(), _geometric_mean, _accuracy),
            "Geometric mean and accuracy are right. Your loss is in bits; nats are asked for.",
        ),
        Misconception(
            "half_counted_as_right",
            _report(_nats, _geometric_mean, lambda g: float((g >= 0.5).mean())),
            "A pair with exactly 0.5 counts as right in your accuracy.",
            "more than 0.5, or at least 0.5: which does the prompt say?",
        ),
        Misconception(
            "wrong_sign",
            _report(lambda g: np.log(g).mean(), _geometric_mean, _accuracy),
            "Geometric mean and accuracy are right. Your loss is negative.",
        ),
    ),
    hints=(
        "All three lines are wrong. Take 0.9 and 0.1 and work out the right results by hand.",
        "Take the log of each probability, then average. Undoing that log gives the geometric mean. Accuracy counts "
        "pairs.",
        "loss = -np.log(gold).mean(); the geometric mean is np.exp(-loss); the accuracy is the mean of gold > 0.5.",
    ),
    takeaway="Take the log first, then average; exp(-loss) is a geometric mean, never an accuracy.",
)


_MEAN_P = (96 * np.exp(-0.4) + 32 * np.exp(-0.8)) / 128


two_batches = NumberExercise(
    name="two_batches",
    title="Two batches make one",
    notebook=4,
    objectives=(3,),
    kind="compute",
    difficulty=2,
    importance=2,
    minutes=5,
    value=(0.5, np.exp(-0.5)),
    misconceptions=(
        Misconception(
            "mean_of_means",
            (0.6, np.exp(-0.6)),
            "You averaged the two means as if both batches had the same size.",
            "how many pairs are behind 0.40, and how many behind 0.80?",
        ),
        Misconception(
            "weights_swapped",
            (0.7, np.exp(-0.7)),
            "You gave the small batch the weight of the large one.",
            "which of the two losses belongs to more pairs?",
        ),
        Misconception(
            "sum_for_mean",
            (1.2, np.exp(-1.2)),
            "You added the two means.",
            "can the mean of all pairs be larger than both means?",
        ),
        Misconception(
            "mean_of_probabilities",
            (-np.log(_MEAN_P), _MEAN_P),
            "You turned the losses into probabilities, averaged those, and took the log.",
            "what does the batch loss average: probabilities, or losses?",
        ),
        Misconception(
            "arithmetic_mean",
            (0.5, _MEAN_P),
            "The loss is right. Your second number averages the two geometric means.",
            "which single step leads from a mean loss to its geometric mean?",
        ),
        Misconception(
            "total",
            (64.0, np.exp(-64.0)),
            "That is the sum of all 128 losses.",
            "by how many pairs is it divided?",
        ),
        Misconception(
            "base_2",
            (0.5, 2**-0.5),
            "The loss is right. You undid the logarithm with base 2.",
            "in which unit are these losses?",
        ),
        Misconception(
            "plain_mean_of_geometric",
            (0.5, (np.exp(-0.4) + np.exp(-0.8)) / 2),
            "The loss is right. Your second number is the plain mean of two geometric means.",
            "which single step leads from a mean loss to its geometric mean?",
        ),
        Misconception(
            "second_is_one_minus_loss",
            (0.5, 1 - 0.5),
            "The loss is right. Your second number is 1 - loss.",
            "what undoes a natural logarithm?",
        ),
    ),
    hints=(
        "A mean is a sum over a count. What are the two sums?",
        "96 pairs with a mean of 0.40 sum to 38.4 nats.",
        "(96 * 0.40 + 32 * 0.80) / 128, and then exp of minus that.",
    ),
    takeaway="Means of batches of different size are weighted by their sizes.",
)

BASES = {"nats": np.e, "bits": 2.0, "base 10": 10.0}


def decode_loss_reference(loss: float, unit: str) -> float:
    """Return the geometric mean of the gold probabilities that a published mean loss belongs to."""
    return float(BASES[unit] ** -loss)


def _decode_cases(rng: Generator) -> list[InputCase]:
    cases = [InputCase((-np.log(0.8), "nats"), "0.2231 nats"), InputCase((-np.log2(0.8), "bits"), "0.3219 bits")]
    for unit in ("nats", "bits", "base 10", "base 10"):
        loss = float(rng.uniform(0.2, 1.5))
        cases.append(InputCase((loss, unit), f"{loss:.4f} in {unit}" if unit == "base 10" else f"{loss:.4f} {unit}"))
    return cases


decode_loss = CodeExercise(
    name="decode_loss",
    title="Decode a published loss",
    notebook=4,
    objectives=(5, 1),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=6,
    points=2,
    reference=decode_loss_reference,
    cases=_decode_cases,
    misconceptions=(
        Misconception(
            "unit_ignored",
            lambda loss, unit: np.exp(-loss),
            "You decode every loss as if it were in nats.",
            "what probability is behind a loss of exactly 1 bit?",
        ),
        Misconception(
            "always_bits",
            lambda loss, unit: 2.0**-loss,
            "You decode every loss as if it were in bits.",
            "what probability is behind a loss of 0.6931 nats?",
        ),
        Misconception(
            "base_10_as_nats",
            lambda loss, unit: 2.0**-loss if unit == "bits" else np.exp(-loss),
            "Nats and bits are right; a loss in base 10 is decoded as nats.",
            "what probability is behind a loss of exactly 1 in base 10?",
        ),
        Misconception(
            "bits_and_nats_swapped",
            lambda loss, unit: {"bits": np.e, "nats": 2.0, "base 10": 10.0}[unit] ** -loss,
            "Nats and bits have changed places.",
            "which of the two belongs to the natural logarithm?",
        ),
        Misconception(
            "one_minus_loss",
            lambda loss, unit: 1 - loss,
            "You return 1 - loss.",
            "what would a loss of 2 decode to, and can that be a probability?",
        ),
        Misconception(
            "wrong_sign",
            lambda loss, unit: BASES[unit] ** loss,
            "You return a number above 1: the perplexity, one over the probability.",
            "what is the sign of the log of a probability?",
        ),
        Misconception(
            "converted_the_wrong_way",
            lambda loss, unit: float(np.exp(-loss / np.log(BASES[unit]))),
            "You divide by the logarithm of the base where you should multiply.",
            "1 bit is 0.6931 nats: which operation leads from bits to nats?",
        ),
        Misconception(
            "loss_to_the_base",
            lambda loss, unit: float(loss ** -BASES[unit]),
            "Base and exponent have changed places.",
            "which number is raised to which power when a logarithm is undone?",
        ),
        Misconception(
            "log_again",
            lambda loss, unit: -np.log(loss),
            "You took the logarithm of the loss once more.",
            "which function undoes a logarithm?",
        ),
    ),
    hints=(
        "A logarithm is undone by a power of its base.",
        "The loss was -log p, so log p is minus the loss.",
        'base ** -loss, with base np.e for "nats", 2 for "bits", 10 for "base 10".',
    ),
    takeaway="Before you decode a number, find out its unit: base ** -loss.",
)


def reckless_pair_reference(gold: ArrayLike, mean_loss: float) -> float:
    """Return the gold probability that one more pair must have for the batch to have this mean loss."""
    gold = np.asarray(gold, dtype=np.float64)
    return float(np.exp(-((len(gold) + 1) * mean_loss + np.log(gold).sum())))


def _reckless_cases(rng: Generator) -> list[InputCase]:
    cases = [InputCase((np.array([0.9, 0.9, 0.9, 0.9]), 2.0), "four pairs with 0.9 and a mean loss of 2")]
    for size in (2, 5):
        gold = rng.uniform(0.6, 0.95, size)
        cases.append(InputCase((gold, float(rng.uniform(0.9, 1.4))), f"{size} pairs that are right"))
    cases.append(InputCase((np.array([0.8]), 0.5), "one pair with 0.8 and a mean loss of 0.5"))
    return cases


reckless_pair = CodeExercise(
    name="reckless_pair",
    title="Design a batch: accurate, and expensive",
    notebook=4,
    objectives=(3, 4),
    kind="design",
    difficulty=3,
    importance=2,
    minutes=8,
    points=2,
    atol=0.0,
    reference=reckless_pair_reference,
    cases=_reckless_cases,
    misconceptions=(
        Misconception(
            "new_pair_not_counted",
            lambda gold, mean_loss: np.exp(-(len(gold) * mean_loss + np.log(gold).sum())),
            "Your mean divides by the pairs that were there before.",
            "how many pairs are in the batch once yours is in it?",
        ),
        Misconception(
            "loss_returned",
            lambda gold, mean_loss: (len(gold) + 1) * mean_loss + np.log(gold).sum(),
            "That is the loss of the new pair, and it is right; its probability is asked for.",
            "what leads from a loss back to a probability?",
        ),
        Misconception(
            "others_ignored",
            lambda gold, mean_loss: np.exp(-mean_loss),
            "A pair with your probability has this loss itself; the mean over all pairs is another number.",
            "what does the mean become if all other pairs are cheap?",
        ),
        Misconception(
            "difference_of_means",
            lambda gold, mean_loss: np.exp(-(mean_loss + np.log(gold).mean())),
            "You subtracted the old mean from the new one.",
            "which can be added: means, or sums?",
        ),
        Misconception(
            "sum_for_mean",
            lambda gold, mean_loss: np.exp(-(mean_loss + np.log(gold).sum())),
            "With your pair the *sum* of the losses is the target; their mean should be.",
            "by what is the sum divided?",
        ),
        Misconception(
            "mean_of_probabilities",
            lambda gold, mean_loss: (len(gold) + 1) * np.exp(-mean_loss) - gold.sum(),
            "You balanced the probabilities, not their logarithms.",
            "the batch loss is a mean of what?",
        ),
        Misconception(
            "log_base_2",
            lambda gold, mean_loss: 2.0 ** -((len(gold) + 1) * mean_loss + np.log2(gold).sum()),
            "You read the wanted mean as bits; it is in nats.",
            "which power undoes a loss in nats?",
        ),
        Misconception(
            "old_losses_added",
            lambda gold, mean_loss: np.exp(-((len(gold) + 1) * mean_loss - np.log(gold).sum())),
            "You added the old losses instead of subtracting them.",
            "the others pay a part of the sum: what is left for the new pair?",
        ),
        Misconception(
            "mean_of_the_old",
            lambda gold, mean_loss: np.exp(-((len(gold) + 1) * mean_loss + np.log(gold).mean())),
            "You subtracted the mean of the old losses from a sum.",
            "which can be subtracted from a sum: a mean, or a sum?",
        ),
        Misconception(
            "wrong_sign",
            lambda gold, mean_loss: np.exp((len(gold) + 1) * mean_loss + np.log(gold).sum()),
            "You return a number above 1: a sign is wrong at the end.",
            "which power of e is below 1?",
        ),
    ),
    hints=(
        "Turn the wanted mean into a wanted sum first.",
        "With n pairs before yours, the sum must be (n + 1) times the mean; the others already contribute a part of "
        "it.",
        "missing = (n + 1) * mean_loss - (-np.log(gold)).sum(), and the probability is np.exp(-missing).",
    ),
    takeaway="One pair that is sure and wrong can make any batch expensive, but hardly changes its accuracy.",
)

steady_fall = TextExercise(
    name="steady_fall",
    title="Explain: the loss falls and falls",
    notebook=4,
    objectives=(4,),
    kind="explain",
    difficulty=2,
    importance=3,
    minutes=8,
    points=4,
    words=40,
    rubric=(
        Point(
            "What it means: on the training pairs the gold class gets more probability (on geometric average).",
            r"geometric mean|(probability|probabilities) (of|on|for|to) the (gold|correct|right|true)|"
            r"gold (class|label|prob)|(correct|right|true) (label|class|answer)s?|-log ?p|exp\(-loss\)",
            "which probability grows when the mean of -log p falls, and on which pairs?",
        ),
        Point(
            "It does not say that the accuracy rises: probabilities may grow without crossing one half, or some fall.",
            r"accura|more pairs are right|number of right pairs|cross\w* (one )?half|right already|"
            r"already right",
            "does a lower loss mean that more pairs are on the right side of one half?",
        ),
        Point(
            "It says nothing about text that the model never saw; the model may learn the pairs by heart.",
            r"unseen|held.?out|never saw|(new|test|other) (text|pair|document|data|speech)|overfit|by heart|"
            r"memory|memori[sz]e|validation|test set|general",
            "on which pairs was this loss measured?",
        ),
        Point(
            "It does not say that the right thing is learned: a shortcut, wrong labels, or pairs that are not counted.",
            r"shortcut|topic|length|cue|leak|wrong label|labels?\b.{0,30}(wrong|noise|same|faulty)|noise|"
            r"not counted|left out|ignore|B alone|discourse|order of (the )?sentences|both sentences|(not|n't|"
            r"no) .{0,40}understand",
            "which easy trick, or which fault in the data, could make the loss fall as well?",
        ),
    ),
    traps=(
        Trap(
            "loss_is_error_rate",
            r"fewer (mistakes|errors) (are|is) (certain|guaranteed|sure)|"
            r"(?<!not )\b(therefore|hence|means that|so) (the )?accuracy (also )?(must |will |has to )?"
            r"(ris|increase|increasing|improv|go)",
            "You conclude something about the accuracy from the loss. Notebook 04 shows a loss that falls while the "
            "accuracy falls.",
        ),
        Trap(
            "task_understood",
            r"(?<!not )(?<!n't )\bproves? that (it|the model) (has )?(understand|understood|learned the task)",
            "A falling loss proves no understanding: remember google-research/bert#390 in notebook 04.",
        ),
    ),
    model=(
        "It means that on the training pairs the gold class gets more and more probability: the geometric "
        "mean of the gold probabilities rises. It does not follow that the accuracy rises, since no pair has "
        "to cross one half, and some may cross it downward. It does not follow that unseen documents are "
        "judged well; the model may learn its pairs by heart. And it may use a shortcut such as the topic, or "
        "fit labels that are wrong, so nothing is said about understanding."
    ),
    hints=(
        "Say first what falls: a mean of -log p, over which pairs?",
        "Then name three things that do not follow. Two can be checked by another number or another set of pairs.",
        "Accuracy; unseen documents; labels and shortcuts. One sentence for each.",
    ),
    takeaway="A falling loss promises one thing: the geometric mean of the gold probabilities rises, on these pairs.",
)

EXERCISES = (
    both_labels,
    which_is_higher,
    order_by_loss,
    two_batches,
    batch_report,
    decode_loss,
    reckless_pair,
    steady_fall,
)
