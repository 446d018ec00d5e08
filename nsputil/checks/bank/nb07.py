"""Exercises of notebook 07, training."""

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from nsputil._types import Bools, Floats, Ints
from nsputil.checks.answer_types import Function
from nsputil.checks.choice_exercise import ChoiceExercise, Option
from nsputil.checks.code_exercise import CodeExercise, InputCase
from nsputil.checks.misconceptions import Misconception
from nsputil.checks.number_exercise import NumberExercise

LN2, LN3 = math.log(2), math.log(3)

first_losses = NumberExercise(
    name="first_losses",
    title="The first loss, before you train",
    notebook=7,
    objectives=(1,),
    kind="compute",
    difficulty=1,
    importance=3,
    minutes=4,
    value=(LN2 + 0.6**2 / 8, LN3),
    also_right=((0.7363, 0.7369, 0.7375), ()),  # the exact mean is 0.7363, the rule of the ladder gives 0.7381
    example=(0.698, math.nan),
    misconceptions=(
        Misconception(
            "spread_ignored",
            (LN2, LN3),
            "The second is right. The first is ln 2 itself, as if all log-odds were 0.",
            "do random log-odds cost more or less than log-odds of 0, on average over both labels?",
        ),
        Misconception(
            "not_squared",
            (LN2 + 0.6 / 8, LN3),
            "The second is right. In the first you used s instead of its square.",
            "would log-odds of the opposite sign cost less?",
        ),
        Misconception(
            "half_of_the_square",
            (LN2 + 0.6**2 / 2, LN3),
            "The second is right. In the first the curvature of softplus at 0, 1/4, is missing.",
            "what is the factor of s^2 if the second derivative is 1/4?",
        ),
        Misconception(
            "curvature_whole",
            (LN2 + 0.6**2 / 4, LN3),
            "The second is right. In the first you used the second derivative; a Taylor series halves it.",
            "by what is the second-order term divided?",
        ),
        Misconception(
            "subtracted",
            (LN2 - 0.6**2 / 8, LN3),
            "The second is right. In the first you subtracted, but random log-odds make the loss worse.",
            "can a model that knows nothing cost less than an undecided one?",
        ),
        Misconception(
            "two_classes_for_three",
            (LN2 + 0.6**2 / 8, LN2),
            "The first is right. The second has three classes.",
            "which probability does each class get if nothing is known?",
        ),
        Misconception(
            "log_base_2",
            (1 + 0.6**2 / 8 / LN2, math.log2(3)),
            "These are bits; nats are asked for.",
        ),
    ),
    hints=(
        "Random log-odds add a little to ln 2; the rule is at rung 1 of the ladder in notebook 07.",
        "ln 2 + s^2 / 8. And if nothing is known, each of K classes gets 1/K.",
        "0.6931 + 0.36 / 8, and ln 3.",
    ),
    takeaway="You know the first loss before you train: ln K, and s^2/8 more for two classes.",
)

which_alarm = ChoiceExercise(
    name="which_alarm",
    title="Which of these is an alarm?",
    notebook=7,
    objectives=(1, 6),
    kind="recall",
    difficulty=2,
    importance=3,
    minutes=5,
    question=(
        "The pairs are balanced, and the model starts from random numbers. Which observations mean that something is "
        "broken? Choose all that apply."
    ),
    options=(
        Option(
            "The first loss is 0.75, and the log-odds have standard deviation 0.7.", "That is right: ln 2 + 0.49/8."
        ),
        Option(
            "After 300 steps on the same eight pairs their loss is still 0.69.",
            "Yes: look for a broken gradient, a part that is cut off, a rate far too small or far too large, or one "
            "pair with two labels.",
            right=True,
        ),
        Option(
            "With labels drawn once by a coin, the *training* loss falls to 0.2.",
            "Given time, a large model learns even the labels of a coin by heart. On unseen pairs the loss must stay "
            "near ln 2.",
        ),
        Option(
            "With every B replaced by the same single word, the accuracy on 5,000 held-out pairs is 0.64.",
            "Yes, this is a leak: with no B to compare, something about A gave the label away, such as its length.",
            right=True,
        ),
        Option(
            "The first loss is 4.2.",
            "Yes: that takes log-odds near 8 in size. The weights are much too large, or the logits are scaled twice.",
            right=True,
        ),
        Option(
            "The held-out loss is above the training loss at the end.",
            "That is common, since a model learns something about its own pairs. (With dropout it can be the other "
            "way round.) The question is how far above it is.",
        ),
        Option(
            "A Transformer from random numbers learns eight pairs by heart; after 160 steps on all pairs its loss is "
            "0.69.",
            "This is no bug: from random numbers it takes far longer. A start that already compares words shows "
            "whether it can learn.",
        ),
    ),
    hints=(
        "There are three rungs: first loss, eight pairs, and controls that must fail (no B, no A, coin labels). What "
        "must each show?",
        "Controls are judged on pairs that were not used for training.",
        "Three are alarms: one about eight pairs, one about a control, one about a first loss.",
    ),
    takeaway="Each rung has a number that you know beforehand; that makes it a test.",
)

Z = 1.96


def pairs_needed_reference(accuracy: float, baseline: float) -> int:
    """Return how many test pairs it takes until the interval around an accuracy lies above the baseline."""
    return int(Z**2 * accuracy * (1 - accuracy) / (accuracy - baseline) ** 2) + 1


def _pairs_needed_cases(rng: Generator) -> list[InputCase]:
    fixed = [
        InputCase((0.54, 0.50), "an accuracy of 0.54 and a baseline of 0.50"),
        InputCase((0.80, 0.70), "an accuracy of 0.80 and a baseline of 0.70"),
        InputCase((0.99, 0.50), "an accuracy of 0.99 and a baseline of 0.50"),
        InputCase((0.75, 0.50), "an accuracy of 0.75 and a baseline of 0.50"),
    ]
    grid = [(a / 100, b / 100) for b in (50, 58, 63, 71) for a in range(b + 3, 97)]
    exact = [Z**2 * a * (1 - a) / (a - b) ** 2 for a, b in grid]
    grid = [pair for pair, n in zip(grid, exact, strict=True) if 0.1 < n % 1 < 0.9 and n > 40]
    chosen = rng.choice(len(grid), 3, replace=False)
    return fixed + [InputCase(grid[k], f"an accuracy of {grid[k][0]} and a baseline of {grid[k][1]}") for k in chosen]


def _needed(
    z: float = Z, spread: Callable[[float, float], float] = lambda a, b: a * (1 - a), power: int = 2
) -> Function:
    return lambda a, b: int(z**2 * spread(a, b) / (a - b) ** power) + 1


pairs_needed = CodeExercise(
    name="pairs_needed",
    title="Design a test set: how many pairs?",
    notebook=7,
    objectives=(3,),
    kind="design",
    difficulty=2,
    importance=3,
    minutes=8,
    points=2,
    reference=pairs_needed_reference,
    cases=_pairs_needed_cases,
    misconceptions=(
        Misconception(
            "root_forgotten",
            lambda a, b: int(Z * a * (1 - a) / (a - b)) + 1,
            "Too few: you used the spread without its square root.",
            "if the test has four times as many pairs, by how much does the interval shrink?",
        ),
        Misconception(
            "nothing_squared",
            lambda a, b: int(Z * math.sqrt(a * (1 - a)) / (a - b)) + 1,
            "That is the root of n: solving for n means squaring both sides.",
            "what is n if its square root is 24.4?",
        ),
        Misconception(
            "distance_not_squared",
            _needed(power=1),
            "Too few: at half the distance to the baseline you need four times as many pairs, not twice as many.",
            "where does n go when you square both sides?",
        ),
        Misconception(
            "factor_not_squared",
            lambda a, b: int(Z * a * (1 - a) / (a - b) ** 2) + 1,
            "Nearly right: but the 1.96 was outside the root.",
            "what happens to 1.96 when you square both sides?",
        ),
        Misconception(
            "spread_of_baseline",
            _needed(spread=lambda a, b: b * (1 - b)),
            "You used the spread of the baseline, as Wilson's interval does; the interval here has the spread of the "
            "model's own accuracy.",
            "which accuracy does the formula in the prompt contain?",
        ),
        Misconception(
            "widest_spread",
            _needed(spread=lambda a, b: 0.25),
            "You used the largest possible spread, 1/4. That is safe, but more than is asked for.",
            "what is accuracy times (1 - accuracy) here?",
        ),
        Misconception(
            "whole_width",
            _needed(z=2 * Z),
            "Four times too many: you compared the whole width of the interval with the distance.",
            "from the accuracy down to the lower end, is that the whole interval or half of it?",
        ),
        Misconception(
            "half_width_halved",
            _needed(z=Z / 2),
            "Four times too few: the interval goes 1.96 standard errors to each side.",
            "how far is the lower end from the accuracy?",
        ),
        Misconception(
            "one_sided",
            _needed(z=1.645),
            "You used 1.645, the factor of a one-sided test.",
            "which factor does the prompt name?",
        ),
        Misconception(
            "rounded_down",
            lambda a, b: int(Z**2 * a * (1 - a) / (a - b) ** 2),
            "One pair too few: with that number the lower end is still below the baseline.",
            "must the number of pairs be rounded up or down?",
        ),
        Misconception(
            "rounded_to_nearest",
            lambda a, b: round(Z**2 * a * (1 - a) / (a - b) ** 2),
            "You round to the nearest whole number; where that is down, the lower end is still below the baseline.",
            "must the number of pairs be rounded up or down?",
        ),
        Misconception(
            "not_whole",
            lambda a, b: Z**2 * a * (1 - a) / (a - b) ** 2,
            "Right, except that the number of pairs must be whole.",
            "must the number of pairs be rounded up or down?",
        ),
    ),
    hints=(
        "Put the lower end of the interval equal to the baseline and solve for n.",
        "accuracy - baseline = 1.96 * sqrt(accuracy * (1 - accuracy) / n). Square both sides.",
        "n = 1.96**2 * accuracy * (1 - accuracy) / (accuracy - baseline)**2, and then the next whole number.",
    ),
    takeaway=(
        "Half the distance needs four times the pairs: 0.54 against 0.50 takes nearly 600 independent ones. Pairs of "
        "the same documents count for fewer."
    ),
)


def came_true_reference(p_is_next: ArrayLike, labels: ArrayLike, low: float, high: float) -> tuple[float, float]:
    """Return (share of the pairs, fraction of them that is IsNext) for low <= Pr(IsNext) < high."""
    p = np.asarray(p_is_next)
    chosen = (p >= low) & (p < high)
    return float(chosen.mean()), float((np.asarray(labels)[chosen] == 0).mean())


def _came_true_cases(rng: Generator) -> list[InputCase]:
    p = np.array([0.85, 0.9, 0.95, 0.1, 0.5])
    cases = [InputCase((p, np.array([0, 0, 1, 1, 0]), 0.8, 1.0), "five pairs, from 0.8 to 1")]
    for low, high in ((0.2, 0.4), (0.6, 0.8), (0.0, 0.2)):
        inside = low + 0.2 * np.array([0.15, 0.3, 0.45, 0.6, 0.75, 0.9])
        outside = rng.uniform(0.42, 0.58, 4)
        p = np.concatenate([inside, outside, [low, high, high]])
        labels = np.concatenate([rng.permutation([0, 1, 1, 0, 0, 0]), [1, 1, 1, 0], [1, 1, 1]])
        order = rng.permutation(len(p))
        cases.append(
            InputCase((p[order], labels[order], low, high), f"13 pairs, from {low} to {high}, one on each edge")
        )
    return cases


def _in_bin(
    share: Callable[[Bools], float] = np.mean,
    fraction: Callable[[Bools, Floats, Ints], float] = lambda chosen, p, labels: (labels[chosen] == 0).mean(),
    choose: Callable[[Floats, float, float], Bools] = lambda p, low, high: (p >= low) & (p < high),
) -> Function:
    def answer(p: Floats, labels: Ints, low: float, high: float) -> tuple[float, float]:
        chosen = choose(p, low, high)
        return share(chosen), fraction(chosen, p, labels)

    return answer


came_true = CodeExercise(
    name="came_true",
    title="What was announced, and what came true",
    notebook=7,
    objectives=(4,),
    kind="implement",
    difficulty=2,
    importance=2,
    minutes=7,
    points=2,
    reference=came_true_reference,
    cases=_came_true_cases,
    misconceptions=(
        Misconception(
            "label_one_is_next",
            _in_bin(fraction=lambda chosen, p, labels: labels[chosen].mean()),
            "Your fraction counts label 1, and label 1 is NotNext.",
            "for which class does the model announce the probability?",
        ),
        Misconception(
            "of_all_pairs",
            _in_bin(fraction=lambda chosen, p, labels: (chosen & (labels == 0)).mean()),
            "Your fraction is a fraction of all pairs; it should be a fraction of the chosen ones.",
            "among which pairs do you ask how many are IsNext?",
        ),
        Misconception(
            "outside_the_bin",
            _in_bin(fraction=lambda chosen, p, labels: (labels == 0).mean()),
            "Your fraction counts all pairs, chosen or not.",
            "among which pairs do you ask how many are IsNext?",
        ),
        Misconception(
            "mean_announced",
            _in_bin(fraction=lambda chosen, p, labels: p[chosen].mean()),
            "Your second number is what was announced, on average; what came true is asked for.",
            "which array says what is true?",
        ),
        Misconception(
            "accuracy_in_bin",
            _in_bin(fraction=lambda chosen, p, labels: ((p[chosen] > 0.5) == (labels[chosen] == 0)).mean()),
            "Your second number is the accuracy of the chosen pairs.",
            "if 0.1 is announced and 1 of 10 is IsNext, how high is the accuracy, and what came true?",
        ),
        Misconception(
            "counts",
            _in_bin(np.sum, lambda chosen, p, labels: (labels[chosen] == 0).sum()),
            "You return counts; fractions are asked for.",
            "by what should each count be divided?",
        ),
        Misconception(
            "share_not_divided",
            _in_bin(np.sum),
            "Your first number is a count; a share is asked for.",
            "how many pairs are there in all?",
        ),
        Misconception(
            "upper_edge_included",
            _in_bin(choose=lambda p, low, high: (p >= low) & (p <= high)),
            "A pair exactly on the upper edge counts in your bin, and would count in the next one as well.",
            "which of the two edges belongs to the bin?",
        ),
        Misconception(
            "lower_edge_excluded",
            _in_bin(choose=lambda p, low, high: (p > low) & (p < high)),
            "A pair exactly on the lower edge is missing from your bin.",
            "which of the two edges belongs to the bin?",
        ),
        Misconception(
            "edges_exchanged",
            _in_bin(choose=lambda p, low, high: (p > low) & (p <= high)),
            "Your bin includes its upper edge instead of its lower one.",
            "which bin would a probability of exactly 0 belong to?",
        ),
        Misconception(
            "order_turned_round",
            lambda *args: came_true_reference(*args)[::-1],
            "Both numbers are right, in the other order.",
            "which comes first: the share of the pairs, or what came true?",
        ),
    ),
    hints=(
        "First make a mask of the pairs whose probability is in the bin.",
        "chosen = (p_is_next >= low) & (p_is_next < high); its mean is the share.",
        "The second number is the mean of labels[chosen] == 0.",
    ),
    takeaway="Calibration asks one thing: of the pairs that were given 0.9, nine in ten should be IsNext.",
)

when_to_stop = ChoiceExercise(
    name="when_to_stop",
    title="Read a training that went on too long",
    notebook=7,
    objectives=(2, 5),
    kind="read",
    difficulty=2,
    importance=3,
    minutes=7,
    question=(
        "The cells below train a small bag of words on twelve speeches, for 500 steps. Read the table and the figure. "
        "Which statements do they support? Choose all that apply."
    ),
    options=(
        Option(
            "The last model is the best one: its training loss is the lowest.",
            "That curve shows how well it knows its own pairs. Which curve is about text that it never saw?",
        ),
        Option(
            "If the probabilities are used as they come out, one keeps a model from long before the end: the one "
            "with the lowest held-out loss.",
            "Yes: after that its probabilities on new text get worse, although the accuracy still rises a little. "
            "After calibration a later model may win.",
            right=True,
        ),
        Option(
            "The held-out loss rises, so the gradient must have a wrong sign.",
            "With a wrong sign the training loss would rise. But it falls all the time.",
        ),
        Option(
            "The held-out loss gets worse and the held-out accuracy does not: the model gets too bold.",
            "Yes: it makes no more mistakes than before, but each one costs more, because the probabilities move "
            "toward 0 and 1.",
            right=True,
        ),
        Option(
            "A held-out loss above ln 2 at the end proves that the model has learned nothing.",
            "Look at the accuracy. A high loss can hide many confident hits and some very expensive mistakes.",
        ),
        Option(
            "If the held-out loss is used to choose the step, a fair final number needs a third set of documents.",
            "Yes: the chosen step looks good on these documents partly by luck. That is what a test set is for.",
            right=True,
        ),
    ),
    hints=(
        "Find the lowest entry in the column of held-out losses, and look at the accuracies before and after it.",
        "Two curves answer two questions: what the model knows about its own pairs, and what it knows about others.",
        "Three are supported: one about which model to keep, one about boldness, one about a third set.",
    ),
    takeaway=(
        "Calibrate the candidates, then compare their held-out losses, and report the winner's loss on documents "
        "that played no part in the choice."
    ),
)

report_flaws = ChoiceExercise(
    name="report_flaws",
    title="Criticize a report and its data",
    notebook=7,
    objectives=(3, 5),
    kind="critique",
    difficulty=2,
    importance=3,
    minutes=6,
    question=(
        "From a report: *We cut 12 long documents into 9,000 pairs, shuffled the pairs and set 40 aside for testing. "
        "Every B of a NotNext pair is the first sentence of another document; every B of an IsNext pair comes from "
        "within. The test accuracy of 0.93 shows that the model understands discourse.* Which objections are "
        "right? Choose all that apply."
    ),
    options=(
        Option(
            "Test pairs come from the documents that were trained on, so the model may know their words by heart.",
            "Yes: split the documents first, then make pairs.",
            right=True,
        ),
        Option(
            "Forty pairs are few: the interval around 0.93 is wide.",
            "Yes: 37 of 40 are right; Wilson's interval goes from about 0.80 to 0.97, and it is too narrow if pairs "
            "share documents.",
            right=True,
        ),
        Option(
            "With an accuracy of 0.93 the loss must be near 0, so the report hides a bug.",
            "The accuracy does not determine the loss. The three mistakes alone can cost any amount.",
        ),
        Option(
            "First sentences look different: they may be greetings. So the model can tell the label from B alone.",
            "Yes, this is a shortcut: a control without A would show it. Draw both kinds of B in the same way.",
            right=True,
        ),
        Option(
            "9,000 pairs are too few to train on, whatever the documents.",
            "The number of pairs is not the main problem here. They come from only 12 documents.",
        ),
        Option(
            "There is no baseline: what accuracy does word overlap, or B alone, reach on these pairs?",
            "Yes: 0.93 means little until a simple rule has been tried.",
            right=True,
        ),
    ),
    hints=(
        "Go through the report in order: split, number of test pairs, how B is drawn, what is concluded.",
        "Ask of each step: could a model without any understanding get 0.93 this way?",
        "Four objections are right: split, interval, shortcut, baseline.",
    ),
    takeaway="Split by document, count the pairs, look for the shortcut, name a baseline; then read the accuracy.",
)

failing_relation = ChoiceExercise(
    name="failing_relation",
    title="Diagnose a model that does not learn",
    notebook=7,
    objectives=(1, 2, 3),
    kind="debug",
    difficulty=3,
    importance=3,
    minutes=10,
    points=2,
    question=(
        "A model should tell whether B follows A in a speech. The cells below train it for real, and it fails: see the "
        "curves, and the observations from climbing the ladder. Which diagnosis fits *all* observations?"
    ),
    options=(
        Option(
            "The learning rate is far too small.",
            "Then the model could not have learned eight pairs by heart in 80 steps.",
        ),
        Option(
            "The gradient is wrong, or a part is cut off from it.",
            "Every parameter moves, and the model learns eight pairs by heart: the gradient arrives and helps.",
        ),
        Option(
            "Softmax is applied twice.",
            "Then no loss below 0.3133 would be possible, not even on eight pairs.",
        ),
        Option(
            "The model is too small for the task.",
            "A rule with two parameters that counts common words fails as well, and in notebook 07 it reached 0.70.",
        ),
        Option(
            "Pairs and labels no longer belong together: something before the model separated them.",
            "Yes: every part that learns is healthy, and even counting common words is at chance. The fault is in the "
            "data.",
            right=True,
        ),
        Option(
            "It overfits: there is too little text.",
            "An overfitted model has a low training loss. Here the training loss stays at ln 2 as well.",
        ),
    ),
    hints=(
        "For each diagnosis ask: which observation would be impossible if it were true?",
        "Eight pairs learned by heart show that a whole chain works: encoding, model, gradient, optimizer.",
        "Only what comes before the model is left. Which observation does not involve the model at all?",
    ),
    takeaway="A baseline that hardly needs training is evidence about the data: if it fails too, look at the data.",
)


def attention_weights_reference(vectors: ArrayLike, query: Floats, key: Floats) -> Floats:
    """Return the attention weights of one head, a row for each word that attends; each row sums to 1."""
    X = np.asarray(vectors, dtype=float)
    scores = (X @ query) @ (X @ key).T / math.sqrt(X.shape[1])
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _attention_cases(rng: Generator) -> list[InputCase]:
    eye = np.eye(2)
    like = rng.standard_normal((3, 4))[[0, 1, 0, 2, 1]]
    X, Q, K = rng.standard_normal((5, 3)), rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
    return [
        InputCase((eye, 2 * eye, 2 * eye), "two words and twice the identity"),
        InputCase(
            (like, 1.5 * np.eye(4), 1.5 * np.eye(4)), "five words, two of them twice, and 1.5 times the identity"
        ),
        InputCase((X, Q, K), "five words, and a query matrix that is not the key matrix"),
        InputCase((X[:4] * 3, 30 * Q, 30 * K), "four words and scores of thousands"),
    ]


def _attention(
    score: Callable[[Floats, Floats, Floats], Floats] = lambda X, query, key: (X @ query) @ (X @ key).T,
    scale: Callable[[Floats], float] = lambda X: math.sqrt(X.shape[1]),
    axis: int = 1,
    end: Callable[[Floats, Floats], Floats] = lambda weights, X: weights,
    mask: Callable[[Floats], Floats] = lambda scores: scores,
) -> Function:
    def answer(vectors: ArrayLike, query: Floats, key: Floats) -> Floats:
        X = np.asarray(vectors, dtype=float)
        scores = mask(score(X, query, key) / scale(X))
        e = np.exp(scores - scores.max(axis=axis, keepdims=True))
        return end(e / e.sum(axis=axis, keepdims=True), X)

    return answer


def _attention_unstable(vectors: Floats, query: Floats, key: Floats) -> Floats:
    e = np.exp((vectors @ query) @ (vectors @ key).T / math.sqrt(vectors.shape[1]))
    return e / e.sum(axis=1, keepdims=True)


def _attention_over_everything(vectors: Floats, query: Floats, key: Floats) -> Floats:
    scores = (vectors @ query) @ (vectors @ key).T / math.sqrt(vectors.shape[1])
    e = np.exp(scores - scores.max())
    return e / e.sum()


def _earlier_words(scores: Floats) -> Floats:
    return np.where(np.tri(len(scores)) > 0, scores, -np.inf)


attention_weights = CodeExercise(
    name="attention_weights",
    title="What attention sees before it has learned",
    notebook=7,
    objectives=(6,),
    kind="implement",
    difficulty=3,
    importance=2,
    minutes=10,
    points=2,
    reference=attention_weights_reference,
    cases=_attention_cases,
    misconceptions=(
        Misconception(
            "scale_forgotten",
            _attention(scale=lambda X: 1.0),
            "Your scores are not divided by the root of the width.",
            "how large is a product of two long random vectors, on average?",
        ),
        Misconception(
            "divided_by_width",
            _attention(scale=lambda X: X.shape[1]),
            "You divide by the width itself.",
            "by what does the prompt divide?",
        ),
        Misconception(
            "divided_by_root_of_words",
            _attention(scale=lambda X: math.sqrt(len(X))),
            "You divide by the root of the number of words.",
            "over which axis does the product of a query and a key sum?",
        ),
        Misconception(
            "softmax_down_the_columns",
            _attention(axis=0),
            "Your columns sum to 1, not your rows.",
            "which word distributes one unit of attention: the one that looks, or the one that is looked at?",
        ),
        Misconception(
            "softmax_over_everything",
            _attention_over_everything,
            "Your whole table sums to 1, not each row.",
            "which word distributes one unit of attention?",
        ),
        Misconception(
            "roles_exchanged",
            _attention(score=lambda X, query, key: (X @ key) @ (X @ query).T),
            "Your rows belong to the keys; queries and keys have changed places.",
            "which of the two asks: the word of the row, or the word of the column?",
        ),
        Misconception(
            "queries_for_keys",
            _attention(score=lambda X, query, key: (X @ query) @ (X @ query).T),
            "The key matrix does not count in your result.",
            "what is the query of one word multiplied by?",
        ),
        Misconception(
            "keys_not_made",
            _attention(score=lambda X, query, key: (X @ query) @ X.T),
            "Your keys are the vectors themselves.",
            "what is the third argument for?",
        ),
        Misconception(
            "matrices_transposed",
            _attention(score=lambda X, query, key: (X @ query.T) @ (X @ key.T).T),
            "You multiply by the transposed matrices, as if PyTorch's Linear had stored them.",
            "how does the prompt write the queries?",
        ),
        Misconception(
            "softmax_missing",
            lambda X, query, key: (X @ query) @ (X @ key).T / math.sqrt(X.shape[1]),
            "These are the scores; a softmax over each row is missing.",
            "to what must each row sum?",
        ),
        Misconception(
            "values_mixed",
            _attention(end=lambda weights, X: weights @ X),
            "You went one step further: these are mixed vectors.",
            "what is the shape of a table that says which word attends to which?",
        ),
        Misconception(
            "only_earlier_words",
            _attention(mask=_earlier_words),
            "Each of your words sees only itself and the words before it, as in a model that writes text.",
            "does BERT read in one direction?",
        ),
        Misconception("unstable_exp", _attention_unstable),
    ),
    hints=(
        "Three steps: queries and keys; a table of scores, (words, words); a softmax of each row.",
        "scores = (vectors @ query) @ (vectors @ key).T / np.sqrt(vectors.shape[1])",
        "Subtract scores.max(axis=1, keepdims=True), take exp, and divide each row by its sum.",
    ),
    takeaway=(
        "With small random numbers all scores are near 0: every word gets 1/n, and [CLS] sees an average. With counted "
        "vectors, and queries that are like keys, a word finds the same word in the other sentence."
    ),
)


EXERCISES = (
    first_losses,
    which_alarm,
    pairs_needed,
    came_true,
    when_to_stop,
    report_flaws,
    attention_weights,
    failing_relation,
)
