"""Exercises of notebook 01, the pair and its contract."""

from collections.abc import Callable

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

which_task = ChoiceExercise(
    name="which_task",
    title="What the model can be asked",
    notebook=1,
    objectives=(1,),
    kind="recall",
    difficulty=1,
    importance=3,
    minutes=3,
    question=(
        "You have a model that was trained with this loss and nothing else. Which requests can it answer without "
        "further training? Choose all that apply."
    ),
    options=(
        Option(
            "Here are two paragraphs of a report. Did the second one follow the first?",
            "Yes: a pair goes in, the probability of IsNext comes out.",
            right=True,
        ),
        Option(
            "Write the sentence that comes next.",
            "It judges a sentence that you give it; it has no way to write one.",
        ),
        Option(
            "Do these two sentences say the same?",
            "Sameness is not what it was trained on. A repetition of A is rarely what follows A.",
        ),
        Option(
            "A was cut off. Here are ten sentences; which one is the most likely to follow it?",
            "Yes: make ten pairs and compare the ten probabilities of IsNext.",
            right=True,
        ),
        Option(
            "Does B follow from A by logic?",
            "That is entailment. In a text the next sentence is hardly ever a logical consequence.",
        ),
    ),
    hints=(
        "What goes into the model, and what comes out of it?",
        "Two of the requests can be turned into the question: does B follow A in a document?",
        "One request has one pair, the other has ten pairs that share their A.",
    ),
    takeaway="A pair goes in, one probability comes out: did B follow A in A's document?",
)


#: Tokens, segment ids and mask.
Layout = tuple[list[str], list[int], list[int]]


def lay_out_reference(tokens_a: list[str], tokens_b: list[str], length: int) -> Layout:
    """Return tokens, segment ids and mask of one pair, padded to `length`."""
    tokens = ["[CLS]", *tokens_a, "[SEP]", *tokens_b, "[SEP]"]
    padding = length - len(tokens)
    segments = [0] * (len(tokens_a) + 2) + [1] * (len(tokens_b) + 1)
    return tokens + ["[PAD]"] * padding, segments + [0] * padding, [1] * len(tokens) + [0] * padding


def _lay_out_cases(rng: Generator) -> list[InputCase]:
    words = ["the", "committee", "met", "on", "monday", "it", "agreed", "octopuses", "have", "hearts"]
    cases = [InputCase((["it", "met"], ["octopuses"], 8), "A = it met, B = octopuses, length 8")]
    for padding in (0, 3, 5):
        a, b = ([str(word) for word in rng.choice(words, size=int(rng.integers(1, 6)))] for _ in range(2))
        a.append(".")
        cases.append(InputCase((a, b, len(a) + len(b) + 3 + padding), f"a pair with {padding} positions of padding"))
    return cases


#: From len(a), len(b) and the padding to a list of length len(a) + len(b) + 3 + padding.
Numbering = Callable[[int, int, int], list[int]]


def _lay_out_with(segment: Numbering | None = None, mask: Numbering | None = None) -> Function:
    """A layout with one part replaced."""

    def answer(tokens_a: list[str], tokens_b: list[str], length: int) -> Layout:
        a, b = len(tokens_a), len(tokens_b)
        padding = length - a - b - 3
        right = lay_out_reference(tokens_a, tokens_b, length)
        return (
            right[0],
            segment(a, b, padding) if segment else right[1],
            mask(a, b, padding) if mask else right[2],
        )

    return answer


def _padding_left(tokens_a: list[str], tokens_b: list[str], length: int) -> Layout:
    tokens, segments, mask = lay_out_reference(tokens_a, tokens_b, length)
    size = len(tokens_a) + len(tokens_b) + 3
    return tokens[size:] + tokens[:size], segments[size:] + segments[:size], mask[size:] + mask[:size]


def _without_last_sep(tokens_a: list[str], tokens_b: list[str], length: int) -> Layout:
    tokens = ["[CLS]", *tokens_a, "[SEP]", *tokens_b]
    padding = length - len(tokens)
    segments = [0] * (len(tokens_a) + 2) + [1] * len(tokens_b)
    return tokens + ["[PAD]"] * padding, segments + [0] * padding, [1] * len(tokens) + [0] * padding


def _without_padding(tokens_a: list[str], tokens_b: list[str], length: int) -> Layout:
    return lay_out_reference(tokens_a, tokens_b, len(tokens_a) + len(tokens_b) + 3)


def _second_cls(tokens_a: list[str], tokens_b: list[str], length: int) -> Layout:
    tokens, segments, mask = lay_out_reference(tokens_a, ["[CLS]", *tokens_b], length + 1)
    return tokens[:length], segments[:length], mask[:length]


lay_out = CodeExercise(
    name="lay_out",
    title="Lay out a pair",
    notebook=1,
    objectives=(2,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=8,
    points=2,
    from_scratch=True,
    reference=lay_out_reference,
    cases=_lay_out_cases,
    misconceptions=(
        Misconception(
            "segments_all_zero",
            _lay_out_with(segment=lambda a, b, padding: [0] * (a + b + 3 + padding)),
            "All your segment ids are 0, so that only one [SEP] marks where B begins.",
            "which positions belong to B?",
        ),
        Misconception(
            "last_sep_in_segment_0",
            _lay_out_with(segment=lambda a, b, padding: [0] * (a + 2) + [1] * b + [0] * (1 + padding)),
            "The last [SEP] has segment 0.",
            "which part does the second [SEP] close, A or B?",
        ),
        Misconception(
            "first_sep_in_segment_1",
            _lay_out_with(segment=lambda a, b, padding: [0] * (a + 1) + [1] * (b + 2) + [0] * padding),
            "The first [SEP] has segment 1.",
            "which part does the first [SEP] close, A or B?",
        ),
        Misconception(
            "padding_in_segment_1",
            _lay_out_with(segment=lambda a, b, padding: [0] * (a + 2) + [1] * (b + 1 + padding)),
            "The padding has segment 1, as if it were a part of B.",
            "which number does padding get in the notebook?",
        ),
        Misconception(
            "mask_all_ones",
            _lay_out_with(mask=lambda a, b, padding: [1] * (a + b + 3 + padding)),
            "Your mask is 1 on the padding too, so the model would read it as text.",
            "which two kinds of positions should the mask tell apart?",
        ),
        Misconception(
            "mask_turned_round",
            _lay_out_with(mask=lambda a, b, padding: [0] * (a + b + 3) + [1] * padding),
            "Your mask is 1 on padding and 0 on text.",
            "is it a mask of what to read, or of what to skip?",
        ),
        Misconception(
            "padding_left",
            _padding_left,
            "You padded on the left, so [CLS] is no longer at position 0.",
            "at which position does the loss look for h_cls?",
        ),
        Misconception(
            "segments_and_mask_exchanged",
            lambda *args: tuple(lay_out_reference(*args)[k] for k in (0, 2, 1)),
            "Segment ids and mask have changed places.",
            "which of the two lists comes second?",
        ),
        Misconception(
            "second_cls",
            _second_cls,
            "There is a [CLS] in front of B, too.",
            "how many [CLS] does a pair have?",
        ),
        Misconception(
            "no_last_sep",
            _without_last_sep,
            "There is no [SEP] after B.",
            "how many special tokens does a pair have?",
        ),
        Misconception(
            "no_padding",
            _without_padding,
            "Your lists are as long as the pair, not as long as the prompt asks.",
            "what fills the positions up to length?",
        ),
    ),
    hints=(
        "Write the tokens first. Count: A, B and three special tokens.",
        "Segment 0 goes from [CLS] to the first [SEP], segment 1 from the first token of B to the last [SEP].",
        'tokens = ["[CLS]", *tokens_a, "[SEP]", *tokens_b, "[SEP]"]; padding = length - len(tokens). '
        "The mask has len(tokens) ones.",
    ),
    takeaway="Each [SEP] belongs to the part that it closes; only the mask tells padding from text.",
)

head_parameters = NumberExercise(
    name="head_parameters",
    title="Count the parameters",
    notebook=1,
    objectives=(3,),
    kind="compute",
    difficulty=1,
    importance=2,
    minutes=3,
    value=(128 * 128 + 128, 2 * 128 + 2),
    tolerance=0.5,
    misconceptions=(
        Misconception(
            "no_bias",
            (128 * 128, 2 * 128),
            "You counted the matrices and left the biases out.",
            "what is added after each matrix product, and how many numbers is that?",
        ),
        Misconception(
            "one_logit",
            (128 * 128 + 128, 128 + 1),
            "Your head has one output.",
            "how many logits does the loss of this course take?",
        ),
        Misconception(
            "biases_exchanged",
            (128 * 128 + 2, 2 * 128 + 128),
            "The biases have changed places: a layer has one for each of its outputs.",
            "how many outputs does the pooler have, and how many the head?",
        ),
        Misconception(
            "head_twice",
            (2 * 128, 2 * 128 + 2),
            "Your pooler has two outputs.",
            "how long is the vector that the pooler makes?",
        ),
        Misconception(
            "bert_base",
            (768 * 768 + 768, 2 * 768 + 2),
            "Those are the numbers of BERT base, whose vectors have 768 numbers.",
            "how long are the vectors of the small BERT in the question?",
        ),
        Misconception(
            "order_turned_round",
            (2 * 128 + 2, 128 * 128 + 128),
            "Both counts are right, in the other order.",
            "which came first in the question?",
        ),
        Misconception(
            "one_bias_each",
            (128 * 128 + 1, 2 * 128 + 1),
            "You gave each layer a single bias.",
            "does every output have its own bias?",
        ),
    ),
    hints=(
        "A layer from n numbers to m numbers has a matrix and a bias.",
        "The matrix has n times m numbers, the bias m.",
        "The pooler goes from 128 to 128, the head from 128 to 2.",
    ),
    takeaway="n * m + m for a layer from n to m; the last decision is made by very few numbers.",
)


def nsp_logits_reference(hidden_states: ArrayLike, W_p: ArrayLike, b_p: Floats, W: ArrayLike, b: Floats) -> Floats:
    """Return the logits of the NSP head, (batch, 2), from the encoder's last vectors."""
    h_cls = np.asarray(hidden_states)[:, 0]
    pooled = np.tanh(h_cls @ np.asarray(W_p).T + b_p)
    return pooled @ np.asarray(W).T + b


def _nsp_logits_cases(rng: Generator) -> list[InputCase]:
    cases = []
    for batch, length, what in ((1, 4, "one pair of 4 positions"), (3, 5, "three pairs of 5 positions")):
        hidden = 6
        args = (
            rng.standard_normal((batch, length, hidden)),
            rng.standard_normal((hidden, hidden)),
            rng.standard_normal(hidden),
            rng.standard_normal((2, hidden)),
            rng.standard_normal(2),
        )
        cases.append(InputCase(args, what))
    return cases


def _from_vector(choose: Callable[[Floats], Floats]) -> Function:
    def answer(hidden_states: Floats, W_p: Floats, b_p: Floats, W: Floats, b: Floats) -> Floats:
        return np.tanh(choose(hidden_states) @ W_p.T + b_p) @ W.T + b

    return answer


nsp_logits = CodeExercise(
    name="nsp_logits",
    title="From the encoder's vectors to two logits",
    notebook=1,
    objectives=(3,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=8,
    points=2,
    from_scratch=True,
    reference=nsp_logits_reference,
    cases=_nsp_logits_cases,
    misconceptions=(
        Misconception(
            "mean_of_positions",
            _from_vector(lambda h: h.mean(axis=1)),
            "You averaged the vectors of all positions.",
            "which single position does this loss read?",
        ),
        Misconception(
            "last_position",
            _from_vector(lambda h: h[:, -1]),
            "You took the vector at the last position.",
            "at which position is [CLS]?",
        ),
        Misconception(
            "all_positions",
            _from_vector(lambda h: h),
            "You made logits for every position.",
            "which single position does this loss read?",
        ),
        Misconception(
            "first_pair_only",
            _from_vector(lambda h: h[0]),
            "You took all positions of the first pair. The first axis is the batch.",
            "what do the three axes of hidden_states mean?",
        ),
        Misconception(
            "no_tanh",
            lambda hidden_states, W_p, b_p, W, b: (hidden_states[:, 0] @ W_p.T + b_p) @ W.T + b,
            "Right except for the tanh of the pooler.",
            "between which two numbers does every entry of pooled lie?",
        ),
        Misconception(
            "no_pooler",
            lambda hidden_states, W_p, b_p, W, b: hidden_states[:, 0] @ W.T + b,
            "You went from h_cls to the logits and left the pooler out.",
            "which vector does the head read: h_cls, or pooled?",
        ),
        Misconception(
            "not_transposed",
            lambda hidden_states, W_p, b_p, W, b: np.tanh(hidden_states[:, 0] @ W_p + b_p) @ W.T + b,
            "The pooler's matrix is used without being transposed. It is square, so nothing complained.",
            "row i of W_p makes output i: which matrix product does that?",
        ),
        Misconception(
            "no_bias",
            lambda hidden_states, W_p, b_p, W, b: np.tanh(hidden_states[:, 0] @ W_p.T) @ W.T,
            "Both biases are missing.",
            "what comes after the plus signs in the formula?",
        ),
        Misconception(
            "pooler_bias_missing",
            lambda hidden_states, W_p, b_p, W, b: np.tanh(hidden_states[:, 0] @ W_p.T) @ W.T + b,
            "The bias of the pooler is missing.",
            "what is added inside the tanh?",
        ),
        Misconception(
            "head_bias_missing",
            lambda hidden_states, W_p, b_p, W, b: np.tanh(hidden_states[:, 0] @ W_p.T + b_p) @ W.T,
            "The bias of the head is missing.",
            "what is added after the last matrix?",
        ),
        Misconception(
            "sigmoid_for_tanh",
            lambda hidden_states, W_p, b_p, W, b: 1 / (1 + np.exp(-(hidden_states[:, 0] @ W_p.T + b_p))) @ W.T + b,
            "Your pooler uses a sigmoid.",
            "which function does the formula name, and between which numbers are its values?",
        ),
        Misconception(
            "bias_after_tanh",
            lambda hidden_states, W_p, b_p, W, b: (np.tanh(hidden_states[:, 0] @ W_p.T) + b_p) @ W.T + b,
            "You add the bias of the pooler after the tanh.",
            "what is inside the brackets of tanh in the formula?",
        ),
        Misconception(
            "tanh_at_the_end",
            lambda *args: np.tanh(nsp_logits_reference(*args)),
            "You take a tanh at the end as well; logits may be of any size.",
            "how many tanh are in the formula?",
        ),
        Misconception(
            "columns_exchanged",
            lambda *args: nsp_logits_reference(*args)[:, ::-1],
            "The two columns have changed places.",
            "which row of W makes the logit of IsNext?",
        ),
        Misconception(
            "softmaxed",
            lambda *args: _softmax(nsp_logits_reference(*args)),
            "You returned probabilities; logits are asked for.",
            "which step turns logits into probabilities, and does the head do it?",
        ),
    ),
    hints=(
        "Three lines: pick h_cls, make pooled, make the logits.",
        "hidden_states[:, 0] has shape (batch, hidden).",
        "pooled = np.tanh(h_cls @ W_p.T + b_p); the last line looks the same without tanh.",
    ),
    takeaway="Of all the vectors that the encoder made, this loss reads one.",
)


def _softmax(logits: Floats) -> Floats:
    e = np.exp(logits)
    return e / e.sum(axis=1, keepdims=True)


refused_calls = ChoiceExercise(
    name="refused_calls",
    title="What the contract refuses",
    notebook=1,
    objectives=(4,),
    kind="predict",
    difficulty=2,
    importance=2,
    minutes=5,
    question=(
        "`z` is `np.array([[2.0, -1.0], [0.5, 0.0]])`. Which of these calls raise an error? Decide first, answer, and "
        "then try them in a cell of your own. Choose all that apply."
    ),
    options=(
        Option("`nsp_loss(z, [0, 1])`", "This one keeps the contract."),
        Option(
            "`nsp_loss(z, [True, False])`",
            "It is refused: True could mean IsNext, or the number 1, which is NotNext.",
            right=True,
        ),
        Option("`nsp_loss(1000 * z, [0, 1])`", "Any finite logits will do, even large ones."),
        Option(
            "`nsp_loss([0, 1], z)`",
            "It is refused: labels have the wrong type for logits. Logits go first.",
            right=True,
        ),
        Option(
            "`nsp_loss(z, [0])`",
            "It is refused: two rows need two labels.",
            right=True,
        ),
        Option(
            "`nsp_loss(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), [0, 1])`",
            "Probabilities are finite numbers of the right shape, so nothing complains. The result is wrong.",
        ),
    ),
    hints=(
        "Look at the table of the contract: shape and kind of the logits, shape and kind of the labels.",
        "Three of the six calls break a line of that table, in a way that a program can see.",
        "Booleans, a wrong order, a missing label.",
    ),
    takeaway="A contract catches what can be seen from types and shapes. It cannot see that softmax was applied twice.",
)


def is_next_to_labels_reference(is_next: list[bool]) -> list[int]:
    """Return labels, 0 = IsNext and 1 = NotNext, from flags where True means that B follows A."""
    return [0 if flag else 1 for flag in is_next]


is_next_to_labels = CodeExercise(
    name="is_next_to_labels",
    title="Find the bug: a textbook's flags",
    notebook=1,
    objectives=(4, 5),
    kind="debug",
    difficulty=1,
    importance=3,
    minutes=4,
    reference=is_next_to_labels_reference,
    cases=lambda rng: [
        InputCase(([True, False, False],), "flags True, False, False"),
        InputCase(([bool(flag) for flag in rng.random(7) < 0.5] + [True],), "eight flags drawn at random"),
        InputCase(([True],), "one flag, True"),
        InputCase(([False],), "one flag, False"),
    ],
    integers=True,
    misconceptions=(
        Misconception("label_one_is_next", lambda is_next: [int(flag) for flag in is_next]),
        Misconception(
            "not_the_flag",
            lambda is_next: [~int(flag) for flag in is_next],
            "~ turns every bit of a number: ~1 is -2.",
            "what does Python's not give, and how do you turn that into a number?",
        ),
        Misconception(
            "all_one_label",
            lambda is_next: [0 for _ in is_next],
            "All your labels are 0.",
            "does your answer depend on the flag?",
        ),
        Misconception(
            "order_turned_round",
            lambda is_next: [0 if flag else 1 for flag in is_next][::-1],
            "Your labels are in reverse order.",
            "which flag belongs to the first label?",
        ),
        Misconception(
            "minus_one",
            lambda is_next: [-1 if flag else 1 for flag in is_next],
            "You write -1 for IsNext.",
            "which two numbers may a label be?",
        ),
        Misconception(
            "counted_from_one",
            lambda is_next: [1 if flag else 2 for flag in is_next],
            "Your labels are 1 and 2.",
            "which two numbers may a label be?",
        ),
        Misconception(
            "names_for_numbers",
            lambda is_next: ["IsNext" if flag else "NotNext" for flag in is_next],
            "You returned the names of the classes.",
            "which number belongs to which name?",
        ),
    ),
    hints=(
        "True becomes 1 under int(). What is 1 in this course?",
        "The flag says that B is next; the label says that B was replaced.",
        "1 - int(flag), or 0 if flag else 1.",
    ),
    takeaway="int(True) is 1, and 1 is NotNext: the shortest conversion is wrong.",
)


def is_next_column_reference(probs_followed: ArrayLike, probs_unrelated: ArrayLike) -> int:
    """Return the column that means IsNext: the one that is larger on the true pairs than on the unrelated ones."""
    followed, unrelated = np.asarray(probs_followed), np.asarray(probs_unrelated)
    return int(np.argmax(followed.mean(axis=0) - unrelated.mean(axis=0)))


def _probs(column_0: ArrayLike) -> Floats:
    return np.column_stack([column_0, 1 - np.asarray(column_0)])


def _is_next_column_cases(rng: Generator) -> list[InputCase]:
    def draw(low: float, high: float, size: int = 5) -> Floats:
        return _probs(rng.uniform(low, high, size))

    return [
        InputCase((_probs([0.9, 0.8]), _probs([0.1, 0.2])), "a good model, column 0 high on true pairs"),
        InputCase((draw(0.05, 0.2), draw(0.7, 0.9)), "a good model, column 0 low on true pairs"),
        InputCase(
            (draw(0.8, 0.85), draw(0.6, 0.7)), "a model that favors column 0 everywhere, a little more on true pairs"
        ),
        InputCase(
            (draw(0.6, 0.65), draw(0.8, 0.9)), "a model that favors column 0 everywhere, a little less on true pairs"
        ),
        InputCase((draw(0.3, 0.35), draw(0.1, 0.2)), "a model that favors column 1 everywhere"),
        InputCase(
            (draw(0.1, 0.2, 4), draw(0.3, 0.4, 7)), "a model that favors column 1 everywhere, seven unrelated pairs"
        ),
        InputCase((draw(0.55, 0.6, 3), draw(0.1, 0.2, 9)), "three true pairs and nine unrelated ones"),
        InputCase(
            (_probs([0.2, 0.15, 0.25, 0.2, 0.2, 0.15, 0.25, 0.2, 0.2]), _probs([0.1, 0.12, 0.08])),
            "nine true pairs and three unrelated ones, a little higher in column 0 on true pairs",
        ),
        InputCase(
            (_probs([0.45, 0.6, 0.62, 0.61]), _probs([0.5, 0.5, 0.52, 0.65])),
            "four unrelated pairs, the last unlike the others",
        ),
        InputCase(
            (_probs([0.2, 0.6, 0.65, 0.62]), _probs([0.4, 0.42, 0.44])), "four true pairs, the first unlike the others"
        ),
        InputCase((_probs([0.6]), _probs([0.7])), "one true pair and one unrelated pair"),
    ]


is_next_column = CodeExercise(
    name="is_next_column",
    title="The polarity test",
    notebook=1,
    objectives=(5,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=8,
    points=2,
    reference=is_next_column_reference,
    cases=_is_next_column_cases,
    misconceptions=(
        Misconception(
            "true_pairs_only",
            lambda followed, unrelated: int(np.argmax(followed.mean(axis=0))),
            "You look at the true pairs only. A model that favors one column everywhere fools this test.",
            "what could you compare the true pairs with?",
        ),
        Misconception(
            "unrelated_pairs_only",
            lambda followed, unrelated: int(np.argmin(unrelated.mean(axis=0))),
            "You look at the unrelated pairs only. A model that favors one column everywhere fools this test.",
            "what could you compare the unrelated pairs with?",
        ),
        Misconception(
            "turned_round",
            lambda followed, unrelated: 1 - is_next_column_reference(followed, unrelated),
            "Your answer is the other column every time: the one that means NotNext.",
            "on which pairs must the column of IsNext be larger?",
        ),
        Misconception(
            "always_zero",
            lambda followed, unrelated: 0,
            "Your answer is 0 every time.",
            "does your function read its arguments?",
        ),
        Misconception(
            "pooled_mean",
            lambda followed, unrelated: int(np.argmax(np.concatenate([followed, unrelated]).mean(axis=0))),
            "You joined both sets, so that they can no longer be compared.",
            "what should differ between true and unrelated pairs?",
        ),
        Misconception(
            "sums_for_means",
            lambda followed, unrelated: int(np.argmax(followed.sum(axis=0) - unrelated.sum(axis=0))),
            "You compare sums, and the sets differ in size.",
            "which set has the larger sum if both say 0.2 and one is three times as long?",
        ),
        Misconception(
            "first_row_only",
            lambda followed, unrelated: int(np.argmax(followed[0] - unrelated[0])),
            "Only the first pair of each set counts in your answer.",
            "does your function look at the second row?",
        ),
        Misconception(
            "largest_for_mean",
            lambda followed, unrelated: int(np.argmax(followed.max(axis=0) - unrelated.max(axis=0))),
            "You compare the largest probability of each set; one pair alone can decide it.",
            "which number speaks for all pairs of a set?",
        ),
        Misconception(
            "returns_means",
            lambda followed, unrelated: followed.mean(axis=0) - unrelated.mean(axis=0),
            "You return the differences; the number of a column is asked for.",
            "which of the two differences is positive?",
        ),
    ),
    hints=(
        "Compute the mean of each column on both sets.",
        "The column of IsNext is larger on true pairs than on unrelated ones, even if it is small on both.",
        "Subtract the two means, and take argmax of the difference.",
    ),
    takeaway="Compare two sets whose answer you know; one set alone cannot tell polarity from bias.",
)

worse_than_chance = TextExercise(
    name="worse_than_chance",
    title="Explain: eleven percent",
    notebook=1,
    objectives=(5,),
    kind="explain",
    difficulty=2,
    importance=2,
    minutes=6,
    points=3,
    words=25,
    rubric=(
        Point(
            "Far below one half is not ignorance: the model separates the pairs.",
            r"(below|under|worse than|far (from|outside)|lower than) (the )?(\w+ )?(chance|guess\w*|half|50|"
            r"random)|not ignoran\w+|(not|n't|cannot be) (\w+ )?(chance|luck|random|guess\w*)|(wrong|"
            r"right) nearly always|nearly always wrong|89|useless model|"
            r"\b(knows?|learned|learnt|separates?|separated|separating|"
            r"tells?|distinguish\w*|information|knowledge)\b",
            "what would a model get that knows nothing at all?",
            denied=True,
        ),
        Point(
            "The two classes are probably read the wrong way round: columns or labels are swapped.",
            r"swap|revers|flip|invert|upside|wrong way|other way|mixed up|exchang|opposite|convention|"
            r"polarity|sign (is )?turned|turned round|mislabel|calls? (it )?(NotNext|IsNext)|counts? (it |"
            r"IsNext )?as",
            "what would have to be reversed to make 11 % a good result?",
            denied=True,
        ),
        Point(
            "A check: known true and unrelated pairs, or the accuracy after the swap, 89 %.",
            r"89|known|polarity test|obvious|you (surely |really )?know|for sure|unrelated|true pairs|"
            r"random (ones|pairs)|neighbo|(few|ten|twenty|some) (\w+ )?pairs|which column|what the columns|"
            r"swap \w+ (columns|labels|answers) and",
            "how could you find out within five minutes?",
        ),
    ),
    traps=(
        Trap(
            "more_training",
            r"train (it |the model )?(longer|more|again)|retrain|more epochs",
            "Training longer will not help: a model that is nearly always wrong has learned the difference already.",
        ),
    ),
    model=(
        "A model that knows nothing would get about half of the pairs right, so 11 % is not ignorance: it "
        "tells the two classes apart, and well. I think that its columns, or the labels, are read the wrong "
        "way round; with the answers swapped it is right on 89 %. Take a few pairs that you know for sure, "
        "some true and some unrelated, and look on which of them column 0 is larger."
    ),
    hints=(
        "Compare 11 % with what a coin would get.",
        "What accuracy comes out if every answer is reversed?",
        "Say three things: that it is far from chance; what is swapped, then; and how you would make sure.",
    ),
    takeaway="Worse than chance is knowledge read upside down.",
)

EXERCISES = (
    which_task,
    lay_out,
    head_parameters,
    nsp_logits,
    refused_calls,
    is_next_to_labels,
    is_next_column,
    worse_than_chance,
)
