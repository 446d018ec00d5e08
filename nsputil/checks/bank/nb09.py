"""Exercises of notebook 09, reading a sick run."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from nsputil.checks.choice_exercise import ChoiceExercise, Option
from nsputil.checks.code_exercise import Case, CodeExercise
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
    misconceptions=(
        Misconception(
            "frequent_class_only",
            (-math.log(0.8), _TWICE, 16 * LN2, 1.0),
            "The last three are right. In the first you charge for IsNext only: one pair in five is NotNext.",
            "what does a pair cost to which the model gave 0.2?",
        ),
        Misconception(
            "always_half",
            (LN2, _TWICE, 16 * LN2, 1.0),
            "The last three are right. In the first the model still says one half; it has learned more than that.",
            "which probability costs least when four labels of five are IsNext?",
        ),
        Misconception(
            "zero_is_reached",
            (_PRIOR, 0.0, 16 * LN2, 1.0),
            "The other three are right. The second cannot come to 0: after the first softmax no score exceeds 1.",
            "how far apart can two numbers between 0 and 1 be?",
        ),
        Misconception(
            "gap_turned_round",
            (_PRIOR, math.log(1 + math.e), 16 * LN2, 1.0),
            "The other three are right. Your second is the loss of being sure and wrong; asked is the lowest one.",
            "what sign has the gap when the gold class gets everything?",
        ),
        Misconception(
            "mean_for_sum",
            (_PRIOR, _TWICE, LN2, 1.0),
            "The other three are right. In the third the losses are added up.",
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
            "The first three are right. From nats to bits one divides by ln 2.",
            "is a bit more or less than a nat?",
        ),
    ),
    hints=(
        "One half costs ln 2. The first is an entropy, the second softplus(-1), the third a sum, the fourth a unit.",
        "-0.8 ln 0.8 - 0.2 ln 0.2; ln(1 + exp(-1)); 16 times ln 2; ln 2 / ln 2.",
        "0.5004, 0.3133, and two that you can do in your head from 0.6931.",
    ),
    takeaway="A loss that settles on one of these levels is a message, in closed form.",
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
        "The cells below train three times, with one defect each; batches hold 16 pairs. Read table and figure. Which "
        "statements do they support? Choose all that apply."
    ),
    options=(
        Option(
            "X diverges: a loss near 8 means that the learning rate is too high.",
            "Its accuracy is as good as that of a healthy run, and its held-out loss is, too. Divide 8 by 16.",
        ),
        Option(
            "X adds the losses of a batch up: divided by 16 its loss is an ordinary one.",
            "Yes: about 0.53 a pair, beside a held-out loss of the same size.",
            right=True,
        ),
        Option(
            "Y has learned nothing that could be used: an accuracy of 0.28 is worse than guessing.",
            "Worse than guessing is knowledge: turn its answers round and you have 0.72.",
        ),
        Option(
            "In Y labels are turned round on one side, in training or in evaluation; the curves do not say on which.",
            "Yes: both give the same curves. One look at ten training pairs tells.",
            right=True,
        ),
        Option(
            "Z is the best of the three: no other training loss is as low.",
            "Where does it stand on pairs that it did not train on?",
        ),
        Option(
            "Z knows its training pairs by heart and nothing else; one counts next how many different ones there are.",
            "Yes: nearly 0 on its own pairs, far above ln 2 on others, and an accuracy of one half.",
            right=True,
        ),
    ),
    hints=(
        "Read loss and accuracy together, then training and held-out together.",
        "Divide the loss of X by the size of its batch; turn the answers of Y round; compare both losses of Z.",
        "Three are supported, one about each run.",
    ),
    takeaway="One number wrong: the report. Accuracy far below one half: a label convention. A wide gap: memory.",
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
        "You see the training loss, the held-out loss and both accuracies of a run, nothing else. In which lines can "
        "the two be told apart by them? Choose all that apply."
    ),
    options=(
        Option(
            "Labels shuffled, or every B moved into another row.",
            "Text and label are independent in both, row by row: the same law, the same curves.",
        ),
        Option(
            "Softmax applied twice, or labels shuffled.",
            "Yes: the first learns, at a loss that never gets below 0.3133; the second stays at ln 2 and one half.",
            right=True,
        ),
        Option(
            "Labels turned round in training, or in evaluation.",
            "In both the training curve is healthy and the held-out accuracy far below one half.",
        ),
        Option(
            "Class 0 ignored by the loss, or a healthy run.",
            "Yes: the loss goes to 0 while the accuracy stays at one half. No healthy run does that.",
            right=True,
        ),
        Option(
            "The labels shifted by one row, or by two.",
            "Neither leaves a trace that a curve could show. Rolling the labels back does.",
        ),
        Option(
            "A learning rate far too high, or far too low.",
            "Yes: the first jumps and rises, the second hardly moves.",
            right=True,
        ),
    ),
    hints=(
        "For each: would the numbers in the log be drawn from the same law?",
        "What breaks the bond of text and label in any way leaves ln 2 and one half, in every curve.",
        "Three can be told apart; each of these has one run that does learn something, or that jumps.",
    ),
    takeaway="Curves give the group. What has the same law has the same curves; then somebody has to look at rows.",
)


@dataclass(frozen=True)
class Loss:
    """A loss function for the check, ``(logits, labels) -> (value, gradient)``.

    Attributes
    ----------
    ignored : tuple of int
        Classes whose pairs are left out of the mean.
    detached : tuple of int
        Classes whose pairs are charged for, and pass no gradient on.
    factor : float
    """

    ignored: tuple = ()
    detached: tuple = ()
    factor: float = 1.0

    def __call__(self, logits, labels):
        """Return the mean over the pairs that count, and its gradient."""
        logits, labels = np.asarray(logits, dtype=float), np.asarray(labels)
        kept = ~np.isin(labels, self.ignored)
        gradient = np.zeros_like(logits)
        if not kept.any():
            return float("nan"), gradient
        value, gradient[kept] = nsp_loss_and_grad(logits[kept], labels[kept])
        gradient[np.isin(labels, self.detached)] = 0
        return value * self.factor, gradient * self.factor


def blind_classes_reference(loss):
    """Return the labels whose pairs have a gradient of exactly zero, in a batch that holds both."""
    labels = np.array([0, 1, 0, 1])
    gradient = np.asarray(loss(np.zeros((4, 2)), labels)[1])
    return [label for label in (0, 1) if not gradient[labels == label].any()]


def _blind_classes_cases(rng):
    return [
        Case((Loss(),), "a healthy loss"),
        Case((Loss((0,)),), "a loss that leaves class 0 out"),
        Case((Loss((1,)),), "a loss that leaves class 1 out"),
        Case((Loss((0, 1)),), "a loss that leaves both out"),
        Case((Loss(detached=(int(rng.integers(2)),)),), "a loss that charges for one class and passes no gradient on"),
        Case((Loss(factor=10.0 ** -int(rng.integers(5, 8))),), "a healthy loss with a tiny factor"),
    ]


def _blind(found=lambda gradient, labels: [k for k in (0, 1) if not gradient[labels == k].any()], logits=None):
    def answer(loss):
        labels = np.array([0, 1])
        return found(loss(np.zeros((2, 2)) if logits is None else logits, labels)[1], labels)

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
            "which are asked for: those that teach something, or those that teach nothing?",
        ),
        Misconception(
            "not_by_row",
            _blind(lambda gradient, labels: [k for k in (0, 1) if not gradient[:, k].any()]),
            "Your answer is both classes or none. A pair is a row; every row that is learned touches both columns.",
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
            "With logits that are right and sure every loss is still, also a healthy one.",
            "with which logits does a healthy loss pull at every row?",
        ),
        Misconception(
            "value_alone",
            lambda loss: [k for k in (0, 1) if not loss(np.zeros((2, 2)), np.array([k, k]))[0] > 0],
            "You judge by the value. A loss can charge for a class and still pass no gradient on.",
            "which of the two results does a model learn from?",
        ),
        Misconception(
            "small_for_zero",
            _blind(lambda gradient, labels: [k for k in (0, 1) if np.abs(gradient[labels == k]).max() < 1e-3]),
            "A small gradient is none of these: an optimizer like Adam makes full steps of it.",
            "what is the gradient of a pair that is left out: small, or exactly zero?",
        ),
    ),
    hints=(
        "A batch with both labels and undecided logits; then look at the gradient row by row.",
        "labels = np.array([0, 1]); gradient = loss(np.zeros((2, 2)), labels)[1].",
        "A class is blind if all entries of its rows are exactly 0: not gradient[labels == k].any().",
    ),
    takeaway="A class whose gradient is exactly zero is never learned, however long one trains. No curve says so.",
)


def best_shift_reference(p_is_next, labels):
    """Return the shift from -3 to 3 for which np.roll(labels, shift) has the lowest mean loss."""
    p, shifts = np.asarray(p_is_next), np.arange(-3, 4)
    losses = [-np.log(np.where(np.roll(labels, k) == 0, p, 1 - p)).mean() for k in shifts]
    return int(shifts[np.argmin(losses)])


def _shift(
    charge=lambda p, gold: -np.log(np.where(gold == 0, p, 1 - p)).mean(),
    shifts=tuple(range(-3, 4)),
    choose=np.argmin,
    end=lambda shifts, k, values: shifts[k],
):
    def answer(p, labels):
        values = [charge(p, np.roll(labels, k)) for k in shifts]
        return end(shifts, int(choose(values)), values)

    return answer


_SHIFT_IDEAS = {
    "turned_round": lambda p, labels: -best_shift_reference(p, labels),
    "by_accuracy": _shift(lambda p, gold: -np.mean((p > 0.5) == (gold == 0))),
    "by_squares": _shift(lambda p, gold: np.mean((p - (gold == 0)) ** 2)),
    "largest_loss": _shift(choose=np.argmax),
    "forward_only": _shift(shifts=(0, 1, 2, 3)),
    "never_none": _shift(shifts=(-3, -2, -1, 1, 2, 3)),
    "last_left_out": _shift(shifts=(-3, -2, -1, 0, 1, 2)),
    "is_next_only": _shift(lambda p, gold: -np.log(p[gold == 0]).mean()),
    "index_returned": _shift(end=lambda shifts, k, values: k),
    "loss_returned": _shift(end=lambda shifts, k, values: values[k]),
}


def _telling(draw, ideas, enough):
    """Draw cases until every two of the ideas differ on one of them, and there are enough."""
    cases, open_pairs = [], set(itertools.combinations(ideas, 2))
    for _ in range(1000):
        if not open_pairs and len(cases) >= enough:
            return cases
        case = draw()
        said = {name: idea(*case.args) for name, idea in ideas.items()}
        told = {pair for pair in open_pairs if abs(said[pair[0]] - said[pair[1]]) > 1e-3}
        if told or not open_pairs:
            cases.append(case)
            open_pairs -= told
    raise RuntimeError(f"a thousand cases do not tell {sorted(open_pairs)} apart")


def _best_shift_cases(rng):
    first = np.array([0.9, 0.8, 0.1, 0.7, 0.2, 0.1, 0.8, 0.3])

    def draw():
        labels = rng.integers(0, 2, 24)
        p = np.clip(np.where(labels == 0, 0.6, 0.4) + 0.3 * rng.standard_normal(24), 0.02, 0.98)
        sure = rng.permutation(24)[:2]
        p[sure] = np.where(labels[sure] == 0, 0.01, 0.99)  # no accuracy sees how sure
        return Case((p, np.roll(labels, int(rng.integers(-3, 4)))), "24 rows, two of them sure and wrong")

    cases = [Case((first, np.roll(first < 0.5, -1).astype(int)), "eight rows, shifted by one")]
    return cases + _telling(draw, {"": best_shift_reference, **_SHIFT_IDEAS}, 6)


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
            _SHIFT_IDEAS["turned_round"],
            "Your shift has the other sign: you move the other list, or to the other side.",
            "which of the two lists does the prompt roll?",
        ),
        Misconception(
            "by_accuracy",
            _SHIFT_IDEAS["by_accuracy"],
            "You take the shift with the best accuracy. Two rows are sure and wrong; the loss sees how sure.",
            "which of two shifts with equal accuracy fits better?",
        ),
        Misconception(
            "by_squares",
            _SHIFT_IDEAS["by_squares"],
            "You take the shift with the least squared error.",
            "what does this course charge for the gold class?",
        ),
        Misconception(
            "largest_loss",
            _SHIFT_IDEAS["largest_loss"],
            "You found where the labels fit worst. Reading label 1 as IsNext ends there, too.",
            "which number stands for IsNext, and do labels fit where the loss is high or where it is low?",
        ),
        Misconception(
            "forward_only",
            _SHIFT_IDEAS["forward_only"],
            "You try shifts to one side only.",
            "may the labels not have slipped to the other side?",
        ),
        Misconception(
            "never_none",
            _SHIFT_IDEAS["never_none"],
            "You never say 0, the answer for labels that stand where they belong.",
            "what should your function say of a sound data set?",
        ),
        Misconception(
            "last_left_out",
            _SHIFT_IDEAS["last_left_out"],
            "You never say 3.",
            "where does range(-3, 3) end?",
        ),
        Misconception(
            "is_next_only",
            _SHIFT_IDEAS["is_next_only"],
            "The NotNext rows do not count in your result.",
            "what does a row cost whose gold class is NotNext?",
        ),
        Misconception(
            "index_returned",
            _SHIFT_IDEAS["index_returned"],
            "That is the place in your list of shifts.",
            "which shift stands at place 0?",
        ),
        Misconception(
            "loss_returned",
            _SHIFT_IDEAS["loss_returned"],
            "That is the lowest loss; asked for is the shift that gives it.",
            "which function gives the place of the smallest number?",
        ),
    ),
    hints=(
        "Seven shifts, seven mean losses, the place of the smallest.",
        "For one shift: gold = np.roll(labels, k); the loss of a row is -log of p where gold is 0, of 1 - p elsewhere.",
        "losses = [mean loss for k in range(-3, 4)]; return np.argmin(losses) - 3.",
    ),
    takeaway="A probe of one second that no curve replaces: labels that slipped fit again where they came from.",
)


def next_probe_reference(beliefs, answers, costs):
    """Return the number of the probe with the most expected bits for its cost."""
    worth = []
    for row, cost in zip(np.asarray(answers), costs, strict=True):
        share = np.array([beliefs[row == value].sum() for value in np.unique(row)])
        share = share[share > 0]
        worth.append(-(share * np.log2(share)).sum() / cost)
    return int(np.argmax(worth))


def _bits(beliefs, row):
    share = np.array([beliefs[row == value].sum() for value in np.unique(row)])
    return float(-(share * np.log2(share)).sum())


def _probe(worth, alike=False, choose=np.argmax):
    def answer(beliefs, answers, costs):
        weights = np.full(len(beliefs), 1 / len(beliefs)) if alike else beliefs
        return int(choose([worth(_bits(weights, row), cost, row) for row, cost in zip(answers, costs, strict=True)]))

    return answer


_PROBE_IDEAS = {
    "cost_ignored": _probe(lambda bits, cost, row: bits),
    "cheapest": _probe(lambda bits, cost, row: -cost),
    "answers_counted": _probe(lambda bits, cost, row: len(np.unique(row))),
    "answers_for_cost": _probe(lambda bits, cost, row: len(np.unique(row)) / cost),
    "causes_alike": _probe(lambda bits, cost, row: bits / cost, alike=True),
    "cost_subtracted": _probe(lambda bits, cost, row: bits - cost),
    "cost_multiplied": _probe(lambda bits, cost, row: bits * cost),
    "fewest_bits": _probe(lambda bits, cost, row: bits / cost, choose=np.argmin),
    "counted_from_one": lambda *args: next_probe_reference(*args) + 1,
    "worth_returned": lambda beliefs, answers, costs: max(
        _bits(beliefs, row) / cost for row, cost in zip(answers, costs, strict=True)
    ),
}


def _next_probe_cases(rng):
    beliefs = np.array([0.5, 0.25, 0.125, 0.125])
    answers = np.array([[0, 0, 1, 1], [0, 1, 1, 1], [0, 1, 2, 3]])
    cases = [Case((beliefs, answers, np.array([1.0, 1.0, 3.0])), "four causes and three probes")]

    def draw():
        while True:
            drawn = rng.dirichlet(np.ones(5) * 0.8), rng.integers(0, 3, (5, 5)), np.round(rng.uniform(0.5, 4, 5), 2)
            worth = np.sort([_bits(drawn[0], row) / cost for row, cost in zip(*drawn[1:], strict=True)])
            if worth[-1] > 1.05 * worth[-2] and worth[-1] > 0.1:
                return Case(drawn, "five causes and five probes")

    return cases + _telling(draw, {"": next_probe_reference, **_PROBE_IDEAS}, 6)


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
            _PROBE_IDEAS["cost_ignored"],
            "You choose the probe that tells most, whatever it costs.",
            "is one bit for fifty steps better than half a bit for one?",
        ),
        Misconception(
            "cheapest",
            _PROBE_IDEAS["cheapest"],
            "You choose the cheapest probe, whatever it tells.",
            "what is a probe worth whose answer is known beforehand?",
        ),
        Misconception(
            "answers_counted",
            _PROBE_IDEAS["answers_counted"],
            "You choose the probe with the most different answers; some of them nearly never come.",
            "how many bits are in an answer that comes with probability 0.99?",
        ),
        Misconception(
            "answers_for_cost",
            _PROBE_IDEAS["answers_for_cost"],
            "You divide the number of different answers by the cost; some answers nearly never come.",
            "how many bits are in an answer that comes with probability 0.99?",
        ),
        Misconception(
            "causes_alike",
            _PROBE_IDEAS["causes_alike"],
            "You treat all causes as equally likely.",
            "where do the beliefs enter?",
        ),
        Misconception(
            "cost_subtracted",
            _PROBE_IDEAS["cost_subtracted"],
            "You subtract steps from bits.",
            "what does the prompt divide by what?",
        ),
        Misconception(
            "cost_multiplied",
            _PROBE_IDEAS["cost_multiplied"],
            "You multiply by the cost: dear probes win.",
            "bits for each step, or bits times steps?",
        ),
        Misconception(
            "fewest_bits",
            _PROBE_IDEAS["fewest_bits"],
            "You choose the probe that is worth least.",
            "argmin or argmax?",
        ),
        Misconception(
            "counted_from_one",
            _PROBE_IDEAS["counted_from_one"],
            "You count the probes from 1.",
            "which number has the first row in Python?",
        ),
        Misconception(
            "worth_returned",
            _PROBE_IDEAS["worth_returned"],
            "You return what the best probe is worth; asked for is which one it is.",
            "which function gives the place of the largest number?",
        ),
    ),
    hints=(
        "For one probe: what is the probability of each of its answers? Add up the beliefs of the causes behind it.",
        "The bits are the entropy of these probabilities, -sum p log2 p, without those that are 0.",
        "worth = [entropy / cost for each probe]; return np.argmax(worth).",
    ),
    takeaway="Bits for each step: it asks cheap questions first, and skips those whose answer it already knows.",
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
        "A model shall tell whether B follows A. It is trained below, really and now. Its training loss is lower than "
        "that of a healthy run, and on new pairs it hardly beats a coin. See the curve, and what the probes said. "
        "Which diagnosis fits *all* observations?"
    ),
    options=(
        Option(
            "Nine of ten training pairs are IsNext.",
            "They were counted: half of them are, and so it is in every batch, near enough.",
        ),
        Option(
            "The loss ignores NotNext, as if its label were padding.",
            "Then a wrong answer to NotNext would cost nothing. It costs what it should, 4.018.",
        ),
        Option(
            "It overfits: it knows its training pairs by heart.",
            "On its own training pairs, counted anew, it does badly too: a loss above ln 2.",
        ),
        Option(
            "The two classes do not weigh the same in the mean: a mistake on IsNext counts many times.",
            "Yes: each cost is right, the mean of a mixed batch is not: the log says 0.25, a fair count 0.75.",
            right=True,
        ),
        Option(
            "The labels no longer belong to the rows.",
            "Rows were read: every IsNext row follows. And such a loss would stay at ln 2.",
        ),
        Option(
            "The columns of the head are exchanged in the evaluation.",
            "That would turn 0.75 into 0.25. And the recalls of training batches look just the same.",
        ),
    ),
    hints=(
        "For each diagnosis ask: which observation could not have been made if it were true?",
        "The log says 0.25; counted anew on the same pairs it is 0.75. So the log's mean is no ordinary mean.",
        "Data, rows and the cost of each single answer are cleared. What is left between a cost and a mean?",
    ),
    takeaway="If the log and a fair count of the same pairs disagree, the report is sick, and often the training, too.",
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
            "Look at the data first: read some pairs with their labels, the share of each class, what goes in.",
            r"read|look at|print|inspect|check (the )?(data|pairs|labels|input)|share of|balance|decode",
            "what can you see in ten pairs with their labels, before any training?",
        ),
        Point(
            "Eight pairs by heart: if they cannot be learned, the fault is in model, gradient or optimizer.",
            r"(eight|8|few|ten|10|one|small|tiny|single) (pairs|examples|batch|samples)|by heart|overfit",
            "what is the cheapest test of model, gradient and optimizer together?",
        ),
        Point(
            "Known levels: the first loss near ln 2, the entropy of the prior, a baseline without training, controls.",
            r"ln ?2|log ?2|0\.69|entropy|prior|baseline|overlap|majority|control|coin|shuffled label|"
            r"without (B|the answer|input)|no input",
            "with which numbers, known beforehand, do you compare?",
        ),
        Point(
            "Each test says what both outcomes mean, and one thing is changed at a time.",
            r"\bif (it|they|this|that|the|not|so|even|both|we|I)\b|otherwise|one (thing|change) at a time|in that case|"
            r"then the",
            "what will you conclude if a test passes, and what if it fails?",
        ),
    ),
    traps=(
        Trap(
            "just_train_more",
            r"(first|just|simply|I would|I'd|we should|let us|let's) train (it |the model )?(for )?(longer|more)|"
            r"(first|just|simply) (use|try|take) a (larger|bigger) model",
            "Longer training or a larger model is a hope, not a test: no outcome of it tells where the fault is.",
        ),
        Trap(
            "random_tries",
            r"try (different|several|many|various|other) (learning rates|hyperparameters|settings|seeds) "
            r"(until|and see|and hope)",
            "Trying settings until one works tells little when none does. Which test separates data from model?",
        ),
    ),
    hints=(
        "Which single test splits all causes into two halves: before the model, and from the model on?",
        "Order by price: reading ten pairs costs a minute, eight pairs cost seconds, a long training costs a night.",
        "Data; first loss; eight pairs; baseline and controls. For each write: if so, then; if not, then.",
    ),
    takeaway="A diagnosis is a list of tests, cheapest first, each with two outcomes that lead to different places.",
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
