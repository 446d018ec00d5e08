"""Exercises of notebook 10, the clinic."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from nsputil._types import Floats
from nsputil.checks.answer_types import Function
from nsputil.checks.choice_exercise import ChoiceExercise, Option
from nsputil.checks.code_exercise import CodeExercise, InputCase
from nsputil.checks.misconceptions import Misconception
from nsputil.checks.number_exercise import NumberExercise
from nsputil.checks.text_exercise import Point, TextExercise, Trap


def _expected(believed: float, stated: float) -> float:
    """Return the expected score of stating a probability for a cause that is believed with another."""
    return believed * math.log(stated) + (1 - believed) * math.log(1 - stated)


_HONEST, _BOLD, _SHY = _expected(0.8, 0.8), _expected(0.8, 0.99), _expected(0.8, 0.5)

stated_score = NumberExercise(
    name="stated_score",
    title="What does a bluff cost?",
    notebook=10,
    objectives=(1,),
    kind="compute",
    difficulty=1,
    importance=3,
    minutes=5,
    value=(_HONEST, _BOLD, _SHY),
    example=(-0.611, math.nan, math.nan),
    misconceptions=(
        Misconception(
            "only_if_right",
            (math.log(0.8), math.log(0.99), math.log(0.5)),
            "That is what you get if you are right. In one case of five you are not.",
            "what does the bold player get when the other cause is the truth?",
        ),
        Misconception(
            "wrong_sign",
            (-_HONEST, -_BOLD, -_SHY),
            "These are losses; a score is minus the loss.",
        ),
        Misconception(
            "log_base_2",
            (_HONEST / math.log(2), _BOLD / math.log(2), _SHY / math.log(2)),
            "These are bits; nats are asked for.",
        ),
        Misconception(
            "own_belief_twice",
            (_expected(0.8, 0.8), _expected(0.99, 0.99), _expected(0.5, 0.5)),
            "The first is right. In the others you use what is stated as if it were how often it is true.",
            "how often is the cause the truth, whatever you state?",
        ),
        Misconception(
            "difference_of_probabilities",
            (0.8 * 0.8 + 0.2 * 0.2, 0.8 * 0.99 + 0.2 * 0.01, 0.5),
            "You average the probability of the truth; the score is its logarithm.",
            "by this rule, which statement would pay more: 0.8 or 1?",
        ),
    ),
    hints=(
        "Two things can happen, one of them with probability 0.8. What is the score in each case?",
        "0.8 ln(stated) + 0.2 ln(1 - stated).",
        "0.8 ln 0.8 + 0.2 ln 0.2, then with 0.99 and 0.01, then with 0.5 and 0.5.",
    ),
    takeaway="Stating what you believe pays best. A bluff from 0.8 to 0.99 costs more than knowing nothing.",
)


def update_belief_reference(belief: ArrayLike, likelihood: ArrayLike) -> Floats:
    """Return the belief after a probe, by Bayes' rule."""
    joint = np.asarray(belief) * np.asarray(likelihood)
    return joint / joint.sum()


def _update_belief_cases(rng: Generator) -> list[InputCase]:
    cases = [InputCase((np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.9, 0.5])), "three causes")]
    for count in (4, 7):
        belief, likelihood = rng.dirichlet(np.full(count, 2.0)), rng.uniform(0.05, 0.95, count)
        cases.append(InputCase((belief, likelihood), f"{count} causes"))
    belief = rng.dirichlet(np.full(5, 2.0))
    cases.append(InputCase((belief, np.array([0.7, 0.0, 0.2, 0.4, 0.01])), "five causes, one of them ruled out"))
    return cases


def _normalized(x: Floats) -> Floats:
    return x / x.sum()


def _winner(belief: Floats, likelihood: Floats) -> Floats:
    return np.eye(len(belief))[np.argmax(belief * likelihood)]


def _divided(belief: Floats, likelihood: Floats) -> Floats:
    return _normalized(belief / np.maximum(likelihood, 1e-12))


update_belief = CodeExercise(
    name="update_belief",
    title="Change your mind by a number",
    notebook=10,
    objectives=(1,),
    kind="implement",
    difficulty=1,
    importance=3,
    minutes=6,
    points=2,
    reference=update_belief_reference,
    cases=_update_belief_cases,
    misconceptions=(
        Misconception(
            "not_normalized",
            lambda b, q: b * q,
            "Your numbers are right except for one factor: they do not sum to 1.",
            "to what must beliefs sum?",
        ),
        Misconception(
            "belief_ignored",
            lambda b, q: _normalized(q),
            "Only what the probe said counts in your result.",
            "what if the belief in a cause was one percent before?",
        ),
        Misconception(
            "likelihood_ignored",
            lambda b, q: np.array(b),
            "Your belief stays unchanged.",
            "what did the probe say about each cause?",
        ),
        Misconception(
            "added",
            lambda b, q: _normalized(b + q),
            "You add belief and likelihood.",
            "what should happen to a cause under which this answer is impossible?",
        ),
        Misconception(
            "averaged",
            lambda b, q: (b + _normalized(q)) / 2,
            "You average the old belief and the new evidence.",
            "what should happen to a cause under which this answer is impossible?",
        ),
        Misconception(
            "divided",
            _divided,
            "You divide by the likelihood: causes that predicted the answer lose.",
            "whose belief should grow?",
        ),
        Misconception(
            "complement",
            lambda b, q: _normalized(b * (1 - q)),
            "That is the belief after the opposite answer.",
            "what is `likelihood` the probability of?",
        ),
        Misconception(
            "divided_by_largest",
            lambda b, q: b * q / (b * q).max(),
            "You divided by the largest product, so that the largest belief is 1.",
            "to what must beliefs sum?",
        ),
        Misconception(
            "divided_by_likelihoods",
            lambda b, q: b * q / q.sum(),
            "You divide by the sum of the likelihoods; your numbers do not sum to 1.",
            "what do the products of belief and likelihood sum to?",
        ),
        Misconception(
            "softmax",
            lambda b, q: _normalized(np.exp(b * q)),
            "You take a softmax of the products. They are probabilities already, up to a factor.",
            "what must happen to numbers that are not negative, so that they sum to 1?",
        ),
        Misconception(
            "winner_takes_all",
            _winner,
            "You give everything to the most likely cause.",
            "what would the score be if it is not the truth?",
        ),
    ),
    hints=(
        "The belief in a cause grows with the probability that the cause gave to what was seen.",
        "Multiply the two, cause by cause (notebook 09 adds their logarithms, the nats); then make the products sum "
        "to 1.",
        "joint = belief * likelihood; return joint / joint.sum(). Do not write into belief.",
    ),
    takeaway="A probe whose outcome is equally likely under all causes changes nothing, whatever it costs.",
)


def share_odd_reference(values: ArrayLike, healthy: ArrayLike) -> float:
    """Return the fraction of values outside the middle nine tenths of the healthy ones."""
    v = np.asarray(values)
    low, high = np.quantile(np.asarray(healthy), (0.05, 0.95))
    return float(((v < low) | (v > high)).mean())


def _share_odd_cases(rng: Generator) -> list[InputCase]:
    cases = [
        InputCase(
            (np.array([-3.0, 50.0, 97.0, 120.0]), np.arange(101.0)), "four values, and healthy ones from 0 to 100"
        )
    ]
    for count, shift in ((150, 0.4), (211, -0.5)):
        values = rng.standard_normal(count) * 1.3 + shift
        cases.append(InputCase((values, rng.exponential(1.0, 400) - 0.7), f"{count} values and 400 healthy ones"))
    edges = (
        np.array([1.0, 9.0, 0.5, 9.5, 5.0, 1.0]),
        np.array([1, 1, 1, 2, 3, 3, 4, 4, 5, 5, 5, 6, 6, 7, 7, 8, 8, 8, 9, 9, 9.0]),
    )
    cases.append(InputCase(edges, "six values, three of them exactly on a quantile"))
    few = np.array([0.2, 0.4, 0.6, 0.9, 9.1, 9.4, 9.6, 9.8]), rng.permutation(11).astype(float)
    cases.append(InputCase(few, "eight values, and healthy ones from 0 to 10"))
    near = np.array([3.5, 4.5, 5.5, 6.5, 93.5, 94.5, 95.5, 96.5]), rng.permutation(101).astype(float)
    cases.append(InputCase(near, "eight values near the quantiles, and healthy ones from 0 to 100"))
    return cases


#: From the healthy values to an end of their range.
Bound = Callable[[Floats], float]


def _odd(low: Bound, high: Bound, reduce: Callable[..., Any] = np.mean) -> Function:
    def answer(values: Floats, healthy: Floats) -> float:
        return float(reduce((values < low(healthy)) | (values > high(healthy))))

    return answer


def _quantile(q: float) -> Bound:
    return lambda healthy: float(np.quantile(healthy, q))


share_odd = CodeExercise(
    name="share_odd",
    title="How odd is odd?",
    notebook=10,
    objectives=(2, 3),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=7,
    points=2,
    reference=share_odd_reference,
    cases=_share_odd_cases,
    misconceptions=(
        Misconception(
            "range",
            _odd(np.min, np.max),
            "You call odd what no healthy run has ever shown.",
            "which values are in the whole range but not in its middle nine tenths?",
        ),
        Misconception(
            "five_percent_in_all",
            _odd(_quantile(0.025), _quantile(0.975)),
            "You leave out five percent in all. The middle nine tenths leave out one tenth.",
            "how much of this tenth is on each side?",
        ),
        Misconception(
            "edges_odd",
            lambda values, healthy: float(
                ((values <= np.quantile(healthy, 0.05)) | (values >= np.quantile(healthy, 0.95))).mean()
            ),
            "A value exactly on a quantile counts as odd in your result.",
            "below and above, or at: which does the prompt say?",
        ),
        Misconception(
            "ten_percent_each",
            _odd(_quantile(0.1), _quantile(0.9)),
            "You leave out a tenth on each side.",
            "what is left in the middle then?",
        ),
        Misconception(
            "two_deviations",
            _odd(lambda h: h.mean() - 2 * h.std(), lambda h: h.mean() + 2 * h.std()),
            "You use mean and standard deviation, as if the values were normally distributed.",
            "what does a quantile not have to assume about a distribution?",
        ),
        Misconception(
            "only_above",
            _odd(lambda h: -np.inf, _quantile(0.95)),
            "Values that are too low do not count in your result.",
            "can a number be odd because it is small?",
        ),
        Misconception(
            "only_below",
            _odd(_quantile(0.05), lambda h: np.inf),
            "Values that are too high do not count in your result.",
            "can a number be odd because it is large?",
        ),
        Misconception(
            "share_normal",
            lambda values, healthy: 1 - share_odd_reference(values, healthy),
            "That is the fraction that is not odd.",
            "are the values inside or outside the range asked for?",
        ),
        Misconception(
            "count",
            _odd(_quantile(0.05), _quantile(0.95), np.sum),
            "That is a count; a fraction is asked for.",
            "how many values are there in all?",
        ),
        Misconception(
            "divided_by_healthy",
            lambda values, healthy: share_odd_reference(values, healthy) * len(values) / len(healthy),
            "You divide by the number of healthy runs.",
            "of which list is a fraction asked for?",
        ),
        Misconception(
            "own_range",
            lambda values, healthy: share_odd_reference(values, values),
            "You take the range from the values that you should judge.",
            "can a sick run tell you what is healthy?",
        ),
        Misconception(
            "exchanged",
            lambda values, healthy: share_odd_reference(healthy, values),
            "Your two lists have changed places.",
            "which of them says what is usual?",
        ),
    ),
    hints=(
        "Take two quantiles of the healthy values; then count what is below the first or above the second.",
        "low, high = np.quantile(healthy, (0.05, 0.95)).",
        "((values < low) | (values > high)).mean()",
    ),
    takeaway=(
        "Of fifty independent signals of a healthy run about five are odd, so nearly every run has some. Odd is no "
        "verdict: ask whether it does harm."
    ),
)

leave_alone = ChoiceExercise(
    name="leave_alone",
    title="Which runs do you leave alone?",
    notebook=10,
    objectives=(3,),
    kind="critique",
    difficulty=2,
    importance=3,
    minutes=6,
    question=(
        "Balanced pairs, batches of 32; healthy runs of this kind end at a held-out accuracy of 0.70 to 0.78. Which of "
        "these runs need no repair? Choose all that apply."
    ),
    options=(
        Option(
            "The logged training loss is 17, and the optimizer is Adam. Held out, counted again: loss 0.52, accuracy "
            "0.75.",
            "Yes: the log holds a sum, about 0.53 for each pair, and Adam divides the factor out. Only the log needs "
            "a note.",
            right=True,
        ),
        Option(
            "The held-out accuracy is 0.74. The model is meant to put the sentences of one document in order; on pairs "
            "from one document its accuracy is 0.52.",
            "Healthy runs are near one half there, too: they learn to tell documents apart. For this use it needs "
            "other negatives.",
        ),
        Option(
            "The loss jumps from batch to batch between 0.35 and 0.75; the held-out loss falls smoothly to 0.54.",
            "Yes: batches of 32 pairs differ that much. The held-out curve, over many pairs, is smooth.",
            right=True,
        ),
        Option(
            "Three of fifty signals lie just outside the middle nine tenths of healthy runs; the accuracy is 0.73.",
            "Yes: a tenth of the signals of healthy runs lie there, so three of fifty are nothing special.",
            right=True,
        ),
        Option(
            "The held-out accuracy is 0.26 and the training accuracy 0.75.",
            "The labels are inverted on one side. That does harm to everybody who uses the model.",
        ),
        Option(
            "The held-out accuracy is 0.76, measured on 10 pairs.",
            "No accuracy on 10 pairs is 0.76, and any number from so few pairs says little. The report needs repair.",
        ),
    ),
    hints=(
        "For each ask: is the model worse than it could be, or is the report wrong?",
        "A flaw that harms neither the model nor the report can stay. How many odd signals does a healthy run have?",
        "Three can stay: one with a sum, one that jumps, one with a few odd signals.",
    ),
    takeaway=(
        "Repair what does harm; a swap shows whether it does. Repairing a healthy run costs time, and can make it sick."
    ),
)

tool_wrong = ChoiceExercise(
    name="tool_wrong",
    title="When do you believe the tool?",
    notebook=10,
    objectives=(4,),
    kind="critique",
    difficulty=2,
    importance=3,
    minutes=6,
    question=(
        "The tool says `double-softmax`, 97 %. Which observations should make you doubt it, although the number is "
        "high? Choose all that apply."
    ),
    options=(
        Option(
            "The code has a single softmax, inside the loss, and computes none anywhere else.",
            "Yes: the mechanism is not in the code. The answer is the closest name on the list of the tool.",
            right=True,
        ),
        Option(
            "A right answer that is certain costs 0.21; under double softmax it costs 0.3133, whatever the data.",
            "Yes: 0.3133 follows from the formula, and 0.21 is another level. Something else divides the logits.",
            right=True,
        ),
        Option(
            "The second cause on the list has 2 %.",
            "That is what 97 % means. It says nothing about causes that are not on the list.",
        ),
        Option(
            "The accuracy is good.",
            "With softmax applied twice it is good as well: the larger logit stays the larger. That fits.",
        ),
        Option(
            "The team uses a home-made temperature that the tool has never seen.",
            "Yes: for such a cause the list has only 'none of these', and the tool often names the closest cause "
            "that it knows instead.",
            right=True,
        ),
        Option(
            "You had another idea at first.",
            "An idea is a belief, not an observation. Which observation would tell the two apart?",
        ),
    ),
    hints=(
        "The tool divides 100 % among the causes on its list. What can it not see?",
        "Look for what contradicts the *mechanism*: in the code, or in a level that follows from a formula.",
        "Three should: one about the code, one about a level, one about a cause that is not listed.",
    ),
    takeaway="A high share is only the best of a closed list. Before a repair ask: is the mechanism in the code?",
)


def mean_score_reference(p_truth: ArrayLike, spent: ArrayLike, budget: float, causes: int) -> float:
    """Return the mean of 100 (1 + ln p / ln causes) - 50 spent / budget."""
    belief_points = 100 * (1 + np.log(p_truth) / math.log(causes))
    return float((belief_points - 50 * np.asarray(spent) / budget).mean())


def _mean_score_cases(rng: Generator) -> list[InputCase]:
    cases = [InputCase((np.array([0.9, 0.1]), np.array([10.0, 50.0]), 200.0, 69), "two cases of 69 causes")]
    for count, causes in ((3, 12), (8, 40)):
        p = rng.uniform(0.02, 0.98, count)
        p[:2] = 0.03, 0.95
        cases.append(InputCase((p, rng.integers(1, 90, count).astype(float), 160.0, causes), f"{count} cases"))
    return cases


def _score(
    belief: Callable[[Floats, int], Floats] = lambda p, k: 100 * (1 + np.log(p) / math.log(k)),
    price: Callable[[Floats, float], Floats] = lambda s, b: 50 * s / b,
    reduce: Callable[[Floats], Any] = np.mean,
) -> Function:
    return lambda p, spent, budget, causes: reduce(belief(p, causes) - price(spent, budget))


mean_score = CodeExercise(
    name="mean_score",
    title="Compare two strategies",
    notebook=10,
    objectives=(5,),
    kind="design",
    difficulty=2,
    importance=2,
    minutes=8,
    points=2,
    reference=mean_score_reference,
    cases=_mean_score_cases,
    misconceptions=(
        Misconception(
            "mean_of_probabilities",
            lambda p, s, b, k: 100 * (1 + math.log(p.mean()) / math.log(k)) - 50 * s.mean() / b,
        ),
        Misconception(
            "sum_for_mean", _score(reduce=np.sum), "You return the sum over the cases; the mean is asked for."
        ),
        Misconception(
            "no_mean", _score(reduce=lambda x: x), "You return a score for each case; their mean is asked for."
        ),
        Misconception(
            "steps_free",
            _score(price=lambda s, b: 0 * s),
            "In your score probes cost nothing.",
            "who wins if everybody can ask everything?",
        ),
        Misconception(
            "steps_added",
            _score(price=lambda s, b: -50 * s / b),
            "In your score a strategy gains by spending.",
            "what is the sign of a price?",
        ),
        Misconception(
            "whole_budget",
            _score(price=lambda s, b: 100 * s / b),
            "You subtract 100 points for the whole budget.",
            "how many points does the prompt subtract?",
        ),
        Misconception(
            "wrong_sign",
            _score(lambda p, k: 100 * (1 - np.log(p) / math.log(k))),
            "The less a player gave to the truth, the more points you give.",
            "what is the sign of the log of a probability?",
        ),
        Misconception(
            "not_scaled",
            _score(lambda p, k: 100 * (1 + np.log(p))),
            "The number of causes does not count in your result.",
            "what is the score of somebody who gives the same probability to all causes?",
        ),
        Misconception(
            "one_missing",
            _score(lambda p, k: 100 * np.log(p) / math.log(k)),
            "The 1 in front of the logarithm is missing: your score is 100 points too low.",
            "what does a player get who gives everything to the truth and spends nothing?",
        ),
        Misconception(
            "logs_mixed",
            _score(lambda p, k: 100 * (1 + np.log2(p) / math.log(k))),
            "You divide a logarithm to base 2 by a natural one.",
            "what must the two logarithms have in common, so that 1 / K gives 0 points?",
            also=(
                _score(lambda p, k: 100 * (1 + np.log(p) / math.log2(k))),
                _score(lambda p, k: 100 * (1 + np.log10(p) / math.log(k))),
                _score(lambda p, k: 100 * (1 + np.log(p) / math.log10(k))),
            ),
        ),
        Misconception(
            "linear",
            _score(lambda p, k: 100 * p),
            "You use the probability itself, not its logarithm.",
            "what would a bluff cost under that rule?",
        ),
        Misconception(
            "price_not_averaged",
            lambda p, s, b, k: float((100 * (1 + np.log(p) / math.log(k))).mean() - 50 * s.sum() / b),
            "You subtract the price of all cases together from a mean.",
            "over what is the mean taken: points alone, or points minus price?",
        ),
        Misconception(
            "divided_by_count",
            _score(lambda p, k: 100 * (1 + np.log(p) / k)),
            "You divide by the number of causes, not by its logarithm.",
            "which score should somebody get who gives 1 / K to every cause?",
        ),
        Misconception(
            "right_or_not",
            _score(lambda p, k: 100.0 * (p > 0.5)),
            "You only count how often the player was right.",
            "is 51 percent as good as 99?",
        ),
    ),
    hints=(
        "Compute a score for each case, from its probability and its steps; then take the mean.",
        "100 * (1 + np.log(p_truth) / np.log(causes)) is the belief part.",
        "Subtract 50 * spent / budget and take the mean.",
    ),
    takeaway=(
        "Compare strategies on the same cases, by a proper score that includes the price: a strategy that is sure and "
        "wrong ends below knowing nothing."
    ),
)

never_falls = ChoiceExercise(
    name="never_falls",
    title="A loss that does not fall: from the question to the proof",
    notebook=10,
    objectives=(7,),
    kind="debug",
    difficulty=3,
    importance=3,
    minutes=11,
    points=2,
    question=(
        "The cells below train a model of sentence pairs for real, and its loss never falls. They show what the probes "
        "found and what three repairs did, each of which changes one thing. Which statements do they support? Choose "
        "all that apply."
    ),
    options=(
        Option(
            "The level says that the labels are wrong: only wrong labels end at ln 2.",
            "Every model that learns nothing ends there. And the rows were read: in every IsNext row B follows A.",
        ),
        Option(
            "The weights end at about a thousandth of what they were: the input no longer reaches the output.",
            "Yes: all log-odds are nearly 0, so every pair costs nearly exactly ln 2.",
            right=True,
        ),
        Option(
            "It only needs more time: twice as long is enough.",
            "That was tried. Nothing changed.",
        ),
        Option(
            "The gradient is wrong somewhere, because the loss does not move.",
            "A model learns eight pairs nearly by heart, so the gradient helps. Something undoes what it does.",
        ),
        Option(
            "A tenth of the rate changes nothing: that is evidence against a rate that is too high.",
            "Yes, evidence and no proof: that would have helped against a rate ten times too high, but not against one "
            "two hundred times too high.",
            right=True,
        ),
        Option(
            "The run with less decay, and with nothing else changed, is the proof for this training.",
            "Yes: level, mechanism, one repair, and the loss falls.",
            right=True,
        ),
    ),
    hints=(
        "Level, facts, mechanism, repair, proof: which number belongs to each?",
        "What pulls all weights toward 0 at every step, whatever the gradient says?",
        "Three are supported: one about the weights, one about a repair that failed, one about proof.",
    ),
    takeaway=(
        "The proof is to change the one thing that the mechanism names, and nothing else, and to see the loss fall."
    ),
)

missing_evidence = TextExercise(
    name="missing_evidence",
    title="Answer a public question: what is missing?",
    notebook=10,
    objectives=(6, 7),
    kind="explain",
    difficulty=3,
    importance=3,
    minutes=12,
    points=4,
    words=50,
    rubric=(
        Point(
            "The level and the accuracy: at what number is the loss, and how many pairs are right?",
            r"level|ln ?2|0\.69|accuracy|recall|how many (pairs )?(are )?right|exact(ly)? (number|value)",
            '"does not fall" is no number: which two would you ask for?',
        ),
        Point(
            "A look at rows with their labels: do the labels belong to the pairs, and does B reach the model?",
            r"rows?\b|read (ten|some|a few|twenty)|decode|labels? (belong|fit|match)|segment|second sentence|"
            r"look at (the )?(data|pairs|inputs?)",
            "which mistake shows in no curve, but at once in ten rows?",
        ),
        Point(
            "A test of model and optimizer: eight pairs by heart, or whether the weights move.",
            r"(eight|8|few|ten|small|handful)( \w+)? (pairs|examples|samples)|by heart|overfit|(weights?|"
            r"parameters?|tensors?|head)\b.{0,40}(mov|chang|train)|gradient (arriv|reach|of|is|norm|check)|"
            r"chang\w+ of (each|every)",
            "which cheap test checks model, gradient and optimizer together?",
        ),
        Point(
            "For each piece, what an answer would decide.",
            r"\bif\b|otherwise|decides?|would (mean|tell|show|rule|point|explain)|rules? out|then |means",
            "what will you conclude from each possible answer?",
        ),
    ),
    traps=(
        Trap(
            "verdict_without_evidence",
            r"(the (cause|problem|reason) is (clearly|certainly|obviously|surely)|"
            r"(it|this) is (clearly|obviously|surely|certainly) (the|a) (learning rate|labels?|bug))",
            "Nothing in the question proves that. Which causes would give the very same picture?",
        ),
        Trap(
            "lower_the_rate",
            r"(just|simply|first) (lower|reduce|decrease|try) (the|a|another|other|different) "
            r"(smaller )?learning rates?",
            "They tried other rates, and nobody knows which. What has nobody looked at?",
        ),
    ),
    model=(
        "Nothing here decides it, so here is what to look at. First the level, as a mean over an epoch, and the "
        "accuracy: if the loss is 0.693 with half of the pairs right, nothing is learned; if it is 0.5, it has only "
        "stopped early. Then read ten rows aloud, decoded, with their labels and segment ids: if the second sentence "
        "is missing or labels do not fit, no optimizer can help. If the rows are fine, train on eight pairs alone: "
        "if they are learned by heart, model and gradient work, otherwise print which weights move, the new head "
        "among them. And say which learning rates you tried: your question names none, so a rate that is too high is "
        "not ruled out."
    ),
    hints=(
        "Sort the possible causes: before the model, in the model, after the model. Which question splits them?",
        "A level with an accuracy; ten rows; eight pairs. Say for each what each answer would decide.",
        "If the loss is 0.693 and half of the pairs are right, nothing is learned. Then look at rows; if they are "
        "fine, eight pairs.",
    ),
    takeaway="The honest answer to an open case is a list of what is missing, and what each piece would decide.",
)

EXERCISES = (
    stated_score,
    update_belief,
    share_odd,
    leave_alone,
    tool_wrong,
    mean_score,
    never_falls,
    missing_evidence,
)
