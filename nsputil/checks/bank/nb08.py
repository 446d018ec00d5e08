"""Exercises of notebook 08, the joint objective."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

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
from nsputil.model import Prediction

masked_counts = NumberExercise(
    name="masked_counts",
    title="How many words are hidden?",
    notebook=8,
    objectives=(1,),
    kind="recall",
    difficulty=1,
    importance=2,
    minutes=4,
    value=(450, 360, 45, 45),
    example=(30, 24, 3, 3),
    tolerance=0.6,
    misconceptions=(
        Misconception(
            "all_of_them_masked",
            (450, 450, 0, 0),
            "The first is right. Not every chosen word shows [MASK].",
            "if every chosen word became [MASK], what would the model see in training and never in use?",
        ),
        Misconception(
            "shares_of_all_tokens",
            (450, 2400, 300, 300),
            "The first is right. The 80, 10 and 10 percent are shares of the chosen words, not of all words.",
            "can more words show [MASK] than were chosen?",
        ),
        Misconception(
            "fifteen_percent_are_masks",
            (562.5, 450, 56.25, 56.25),
            "You took 15 percent as the share of [MASK]; it is the share of the chosen words.",
            "for which words does BERT ask what the original was?",
        ),
        Misconception(
            "one_row",
            (9, 7.2, 0.9, 0.9),
            "These are the numbers of one row.",
            "how many rows does the batch have?",
        ),
        Misconception(
            "ninety_five_five",
            (450, 405, 22.5, 22.5),
            "The first is right. You split the chosen words into 90, 5 and 5 percent.",
            "which three percentages does the rule name?",
        ),
    ),
    hints=(
        "First find how many words are chosen in a row, then in all rows, then the three shares of those.",
        "15 percent of 60, times 50 rows. Then 80, 10 and 10 percent of that.",
        "9 in each row, 450 in all; 0.8, 0.1 and 0.1 times 450.",
    ),
    takeaway=(
        "15 percent of the words are chosen; 80, 10 and 10 percent are shares of these, so 12 percent of a text shows "
        "[MASK]."
    ),
)


def hide_words_reference(ids: ArrayLike, chosen: Bools, coin: Floats, other: Ints, mask_id: int) -> tuple[Ints, Ints]:
    """Return what the model sees, and the original words at the chosen positions, in reading order."""
    words = np.asarray(ids)
    shown = np.where(coin < 0.8, mask_id, np.where(coin < 0.9, words, other))
    return np.where(chosen, shown, words), words[chosen]


def _hide_words_cases(rng: Generator) -> list[InputCase]:
    first = InputCase(
        (
            np.array([[11, 12, 13, 14]]),
            np.array([[True, True, True, False]]),
            np.array([[0.5, 0.85, 0.95, 0.1]]),
            np.array([[77, 78, 79, 80]]),
            4,
        ),
        "one row, with a coin for each of the three outcomes",
    )
    cases = [first]
    for rows, length in ((2, 12), (3, 20)):
        shape = rows, length
        chosen = rng.random(shape) < 0.6
        chosen[:, :7], chosen[0, -1] = True, False
        coin = rng.random(shape)
        coin[:, :7] = 0.8, 0.9, 0.05, 0.79, 0.81, 0.91, 0.99
        coin[0, -1] = 0.5
        ids, other = rng.permutation(200)[: rows * length].reshape(shape) + 10, rng.integers(300, 400, shape)
        cases.append(InputCase((ids, chosen, coin, other, 4), f"{rows} rows of {length} words"))
    return cases


#: From ids, coin, other and mask_id to what is shown at the chosen positions.
Replacement = Callable[[Ints, Floats, Ints, int], Ints]


def _hide(
    replace: Replacement | None = None,
    labels: Callable[[Ints, Ints, Bools], Ints] | None = None,
    everywhere: bool = False,
) -> Function:
    def answer(ids: Ints, chosen: Bools, coin: Floats, other: Ints, mask_id: int) -> tuple[Ints, Ints]:
        shown = (replace or _hide_right)(ids, coin, other, mask_id)
        shown = shown if everywhere else np.where(chosen, shown, ids)
        return shown, labels(ids, shown, chosen) if labels else ids[chosen]

    return answer


def _hide_right(ids: Ints, coin: Floats, other: Ints, mask_id: int) -> Ints:
    return np.where(coin < 0.8, mask_id, np.where(coin < 0.9, ids, other))


def _hide_none_stays(ids: Ints, coin: Floats, other: Ints, mask_id: int) -> Ints:
    return np.where(coin < 0.8, mask_id, other)


hide_words = CodeExercise(
    name="hide_words",
    title="Find the bugs: hide words",
    notebook=8,
    objectives=(1,),
    kind="debug",
    difficulty=2,
    importance=2,
    minutes=10,
    points=2,
    from_scratch=True,
    reference=hide_words_reference,
    cases=_hide_words_cases,
    misconceptions=(
        Misconception(
            "as_found",
            _hide(_hide_none_stays, lambda ids, shown, chosen: shown[chosen]),
            "This still behaves like the function that you were given: both of its results are wrong.",
            "with a coin of 0.85, which word should be shown, and which word is asked for?",
        ),
        Misconception(
            "labels_from_shown",
            _hide(labels=lambda ids, shown, chosen: shown[chosen]),
            "What is shown is right. But you ask for what is shown: most of the time for [MASK] itself.",
            "when must the labels be read: before the words are hidden, or after?",
        ),
        Misconception(
            "none_stays",
            _hide(_hide_none_stays),
            "None of your chosen words stays unchanged: a fifth of them become random words.",
            "what happens to a coin of 0.85?",
        ),
        Misconception(
            "none_random",
            _hide(lambda ids, coin, other, mask_id: np.where(coin < 0.8, mask_id, ids)),
            "None of your chosen words becomes a random one.",
            "what happens to a coin of 0.95?",
        ),
        Misconception(
            "shares_exchanged",
            _hide(lambda ids, coin, other, mask_id: np.where(coin < 0.8, mask_id, np.where(coin < 0.9, other, ids))),
            "The word itself and the other word have changed places.",
            "what does a coin of 0.85 say?",
        ),
        Misconception(
            "all_masked",
            _hide(lambda ids, coin, other, mask_id: np.full_like(ids, mask_id)),
            "All your chosen words show [MASK].",
            "what is the coin for?",
        ),
        Misconception(
            "unchosen_hidden",
            _hide(everywhere=True),
            "Words that were not chosen are changed as well, and nobody asks for them.",
            "in which lines do you need `chosen`?",
        ),
        Misconception(
            "edges",
            _hide(lambda ids, coin, other, mask_id: np.where(coin <= 0.8, mask_id, np.where(coin <= 0.9, ids, other))),
            "Right, except for coins of exactly 0.8 or 0.9.",
            "to which side does an edge belong, according to the prompt?",
        ),
        Misconception(
            "labels_everywhere",
            _hide(labels=lambda ids, shown, chosen: ids),
            "Your labels are all words; only the chosen ones are asked for.",
            "how many labels must there be?",
        ),
    ),
    hints=(
        "There are three bugs: in a condition, in when something is read, and in what is overwritten.",
        "Work on a copy. Take the labels from what was passed in. Which coins leave a word unchanged?",
        "shown = ids.copy(); [MASK] where coin < 0.8, other where coin >= 0.9; labels = ids[chosen].",
    ),
    takeaway=(
        "Labels are the original words, whatever is shown. If they are read from the masked row, they ask for [MASK]."
    ),
)

_WORDS, _PAIRS, _COUNT, _BATCH = 55.0, 2.0, 10, 4
_BY_PAIRS, _BY_TERMS = (_WORDS + _PAIRS) / _BATCH, (_WORDS + _PAIRS) / (_COUNT + _BATCH)

two_denominators = NumberExercise(
    name="two_denominators",
    title="Two means, by hand",
    notebook=8,
    objectives=(3,),
    kind="compute",
    difficulty=1,
    importance=3,
    minutes=5,
    value=(6.0, _BY_PAIRS, _BY_TERMS),
    example=(4.5, 10.5, 3.0),
    misconceptions=(
        Misconception(
            "sum_for_mean",
            (57.0, _BY_PAIRS, _BY_TERMS),
            "The second and third are right. Your first is the sum of all losses.",
            "how many hidden words are in the 55, and how many pairs in the 2?",
        ),
        Misconception(
            "mean_of_the_two",
            (3.0, _BY_PAIRS, _BY_TERMS),
            "The second and third are right. In the first you took the mean of the two means.",
            "does BERT add its two losses, or average them?",
        ),
        Misconception(
            "words_not_divided",
            (55.5, _BY_PAIRS, _BY_TERMS),
            "The second and third are right. In the first only the pairs were divided.",
            "the 55 is a sum over how many words?",
        ),
        Misconception(
            "denominators_exchanged",
            (_WORDS / _BATCH + _PAIRS / _COUNT, _BY_PAIRS, _BY_TERMS),
            "The second and third are right. In the first the denominators have changed places.",
            "which of the two sums has ten terms?",
        ),
        Misconception(
            "pairs_for_first",
            (_BY_PAIRS, _BY_PAIRS, _BY_TERMS),
            "The second and third are right. Your first divides both sums by the four pairs.",
            "the 55 is a sum over how many words?",
        ),
        Misconception(
            "terms_for_first",
            (_BY_TERMS, _BY_PAIRS, _BY_TERMS),
            "The second and third are right. Your first is one mean over all fourteen terms.",
            "what happens to the weight of a pair when a text has more hidden words?",
        ),
        Misconception(
            "last_two_exchanged",
            (6.0, _BY_TERMS, _BY_PAIRS),
            "The first is right. The other two have changed places.",
            "which result is larger: divided by four, or by fourteen?",
        ),
    ),
    hints=(
        "The first is a mean of ten plus a mean of four.",
        "55/10 + 2/4. The other two have one denominator for both sums.",
        "55/10 + 2/4, then 57/4, then 57/14.",
    ),
    takeaway="Give each mean its own denominator: then longer texts do not shift the weight between the tasks.",
)


def level_of_frequencies_reference(seen: Ints, asked: Ints, vocabulary_size: int) -> float:
    """Return the mean of -log share over the words asked for. `seen` is counted, with 1 added to each count."""
    counts = np.bincount(seen, minlength=vocabulary_size) + 1
    return float(-np.log(counts[asked] / counts.sum()).mean())


def _level_cases(rng: Generator) -> list[InputCase]:
    cases = [InputCase((np.array([0, 0, 1]), np.array([0, 2]), 3), "three words seen, two asked for")]
    for size, seen, asked in ((6, 30, 11), (40, 90, 25)):
        share = rng.dirichlet(np.full(size - 1, 0.7))
        words = rng.choice(size - 1, seen, p=share)
        wanted = np.append(rng.choice(size - 1, asked - 2, p=share), [size - 1, words[0]])  # the last was never seen
        cases.append(InputCase((words, wanted, size), f"{seen} words seen, {asked} asked for, a vocabulary of {size}"))
    return cases


#: From the words seen and the words asked for to the words that are counted, or charged for.
WordChoice = Callable[[Ints, Ints], Ints]


def _level(
    charge: Callable[[Floats], Floats] = lambda p: -np.log(p),
    reduce: Callable[[Floats], float] = np.mean,
    counted: WordChoice = lambda seen, asked: seen,
    charged: WordChoice = lambda seen, asked: asked,
) -> Function:
    def answer(seen: Ints, asked: Ints, size: int) -> float:
        counts = np.bincount(counted(seen, asked), minlength=size) + 1.0
        return reduce(charge(counts / counts.sum())[charged(seen, asked)])

    return answer


def _level_nothing_added(seen: Ints, asked: Ints, size: int) -> float:
    return float(-np.log(np.bincount(seen, minlength=size)[asked] / len(seen)).mean())


def _level_total_forgotten(seen: Ints, asked: Ints, size: int) -> float:
    return float(-np.log((np.bincount(seen, minlength=size)[asked] + 1) / len(seen)).mean())


def _level_entropy(seen: Ints, asked: Ints, size: int) -> float:
    p = (np.bincount(seen, minlength=size) + 1.0) / (len(seen) + size)
    return float(-(p * np.log(p)).sum())


level_of_frequencies = CodeExercise(
    name="level_of_frequencies",
    title="What is known without reading",
    notebook=8,
    objectives=(2,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=8,
    points=2,
    reference=level_of_frequencies_reference,
    cases=_level_cases,
    misconceptions=(
        Misconception(
            "all_words_alike",
            lambda seen, asked, size: math.log(size),
            "This is ln V, the level of a model that has not even counted.",
            "how often was each word seen?",
        ),
        Misconception(
            "nothing_added",
            _level_nothing_added,
            "In your result a word that was never seen costs infinity: you did not add 1 to each count.",
            "what is the log of a share of 0?",
        ),
        Misconception(
            "total_forgotten",
            _level_total_forgotten,
            "You added 1 to each count, but you divide by the old number of words.",
            "to what do your shares sum?",
        ),
        Misconception(
            "entropy_of_seen",
            _level_entropy,
            "This is the entropy of the counted shares: what the words of the counted text itself would cost.",
            "which words have to be paid for: those that were counted, or those that are asked for?",
        ),
        Misconception(
            "answers_counted",
            _level(counted=lambda seen, asked: asked),
            "You counted the words that are asked for: you looked at the answers.",
            "what can a model know before it is asked?",
        ),
        Misconception(
            "texts_exchanged",
            _level(counted=lambda seen, asked: asked, charged=lambda seen, asked: seen),
            "The two texts have changed places.",
            "in which of them do you count, and which one has to be paid for?",
        ),
        Misconception(
            "each_word_once",
            _level(charged=lambda seen, asked: np.unique(asked)),
            "A word that is asked for twice has to be paid for twice.",
            "over what is the mean: words of the text, or words of the vocabulary?",
        ),
        Misconception(
            "mean_of_probabilities",
            _level(charge=lambda p: p, reduce=lambda p: -np.log(p.mean())),
        ),
        Misconception("wrong_sign", _level(charge=np.log)),
        Misconception("log_base_2", _level(charge=lambda p: -np.log2(p))),
        Misconception("log_base_10", _level(charge=lambda p: -np.log10(p))),
        Misconception(
            "sum_for_mean",
            _level(reduce=np.sum),
            "You return the sum over the words; the mean is asked for.",
        ),
        Misconception(
            "perplexity",
            _level(reduce=lambda losses: np.exp(losses.mean())),
            "This is the perplexity, the exponential of the loss.",
            "what is the loss itself, in nats?",
        ),
        Misconception("no_log", _level(charge=lambda p: p)),
    ),
    hints=(
        "Counts, with 1 added to each; shares; the loss of each word asked for; the mean of the losses.",
        "counts = np.bincount(seen, minlength=vocabulary_size) + 1; divide by counts.sum().",
        "share = counts / counts.sum(); the answer is the mean of -np.log(share[asked]).",
    ),
    takeaway=(
        "Where [MASK] is shown, only a loss below this level proves reading. Over all hidden words the level is too "
        "high: a look at the shown word saves half a nat."
    ),
)


def huggingface_loss_reference(
    scores: ArrayLike, labels: ArrayLike, logits: ArrayLike, next_labels: ArrayLike
) -> float:
    """Return the mean loss over the positions whose label is not -100, plus the mean loss over the pairs."""
    words = np.asarray(labels)
    asked = words != -100
    return float(_nll(np.asarray(scores)[asked], words[asked]).mean() + _nll(logits, next_labels).mean())


def _nll(scores: ArrayLike, labels: ArrayLike) -> Floats:
    """Return -log softmax at the label, for each row of scores."""
    z = np.asarray(scores, dtype=float)
    shifted = z - z.max(axis=-1, keepdims=True)
    rows = np.arange(len(z))
    return np.log(np.exp(shifted).sum(axis=-1)) - shifted[rows, np.asarray(labels, dtype=int)]


def _huggingface_cases(rng: Generator) -> list[InputCase]:
    cases = [
        InputCase(
            (np.array([[[0.0, 0.0], [5.0, 1.0]]]), np.array([[1, -100]]), np.array([[0.0, 0.0]]), np.array([0])),
            "one pair with two positions, one of them asked for",
        )
    ]
    for batch, length, words, size in ((2, 5, 4, 1.0), (3, 6, 7, 1.5), (3, 4, 5, 900.0)):
        scores = size * rng.standard_normal((batch, length, words))
        labels = np.full((batch, length), -100)
        for row in range(batch):
            positions = rng.permutation(length)[: row + 1 if row < batch - 1 else length - 1]
            labels[row, positions] = rng.integers(0, words, len(positions))
            labels[row, positions[0]] = 0 if row == 0 else words - 1
        next_labels = np.arange(batch) % 2
        logits = size * rng.standard_normal((batch, 2)) + [0.7, 0]
        what = f"{batch} pairs with {length} positions" + (" and scores of a thousand" if size > 100 else "")
        cases.append(InputCase((scores, labels, logits, next_labels), what))
    return cases


def _both(
    words: Callable[[Floats], Any] = np.mean,
    pairs: Callable[[Floats], Any] = np.mean,
    nll: Callable[[Floats, Ints], Floats] = _nll,
    combine: Callable[[Any, Any], float] = lambda w, p: w + p,
    flip: bool = False,
) -> Function:
    def answer(scores: Floats, labels: Ints, logits: Floats, next_labels: Ints) -> float:
        asked = labels != -100
        word_losses = nll(scores[asked], labels[asked])
        pair_losses = nll(logits, 1 - next_labels if flip else next_labels)
        return combine(words(word_losses), pairs(pair_losses))

    return answer


def _both_divided_by(count: Callable[[Ints], int]) -> Function:
    def answer(scores: Floats, labels: Ints, logits: Floats, next_labels: Ints) -> float:
        asked = labels != -100
        return float(_nll(scores[asked], labels[asked]).sum() / count(labels) + _nll(logits, next_labels).mean())

    return answer


def _both_row_means(scores: Floats, labels: Ints, logits: Floats, next_labels: Ints) -> float:
    rows = [_nll(s[y != -100], y[y != -100]).mean() for s, y in zip(scores, labels, strict=True)]
    return float(np.mean(rows) + _nll(logits, next_labels).mean())


def _both_word_0(scores: Floats, labels: Ints, logits: Floats, next_labels: Ints) -> float:
    filled = np.where(labels == -100, 0, labels)
    word_losses = _nll(scores.reshape(-1, scores.shape[-1]), filled.ravel())
    return float(word_losses.mean() + _nll(logits, next_labels).mean())


def _both_off_by_one(scores: Floats, labels: Ints, logits: Floats, next_labels: Ints) -> float:
    counted_from_one = np.where(labels == -100, -100, (labels - 1) % scores.shape[-1])
    return huggingface_loss_reference(scores, counted_from_one, logits, next_labels)


def _both_zero_ignored(scores: Floats, labels: Ints, logits: Floats, next_labels: Ints) -> float:
    return float(_nll(scores[labels > 0], labels[labels > 0]).mean() + _nll(logits, next_labels).mean())


def _softmax_twice(z: Floats, labels: Ints) -> Floats:
    return _nll(np.exp(z - np.logaddexp.reduce(z, axis=-1)[:, None]), labels)


def _by_division(z: Floats, labels: Ints) -> Floats:
    e = np.exp(z)
    return -np.log((e / e.sum(axis=-1, keepdims=True))[np.arange(len(z)), labels])


huggingface_loss = CodeExercise(
    name="huggingface_loss",
    title="The loss of BertForPreTraining",
    notebook=8,
    objectives=(3, 6),
    kind="implement",
    difficulty=3,
    importance=3,
    minutes=14,
    points=3,
    from_scratch=True,
    reference=huggingface_loss_reference,
    cases=_huggingface_cases,
    misconceptions=(
        Misconception(
            "ignored_as_word_0",
            _both_word_0,
            "You ask for word 0 at every position that is not asked for.",
            "what does a label of -100 mean?",
        ),
        Misconception(
            "zero_ignored",
            _both_zero_ignored,
            "You leave out label 0 as well. It is a word of the vocabulary like any other.",
            "which number marks a position that is not asked for, and nothing else?",
        ),
        Misconception(
            "divided_by_all_positions",
            _both_divided_by(np.size),
            "You divide the words by the number of all positions; only those asked for count.",
            "what happens to your loss if a row gets more positions that are not asked for?",
        ),
        Misconception(
            "mean_of_row_means",
            _both_row_means,
            "You take a mean for each row and then the mean of those.",
            "does a word have the same weight in a row with one question and in a row with four?",
        ),
        Misconception(
            "divided_by_pairs",
            _both_divided_by(len),
            "You divide the words by the number of pairs.",
            "over how many words is your sum?",
        ),
        Misconception(
            "one_mean",
            _both(
                words=lambda losses: losses,
                pairs=lambda losses: losses,
                combine=lambda w, p: np.concatenate([w, p]).mean(),
            ),
            "This is one mean over words and pairs together.",
            "what is the weight of a pair next to five hundred words?",
        ),
        Misconception(
            "words_only",
            _both(combine=lambda w, p: w),
            "The pairs are missing.",
            "which two tasks does the loss add?",
        ),
        Misconception(
            "pairs_only",
            _both(combine=lambda w, p: p),
            "The words are missing.",
            "which two tasks does the loss add?",
        ),
        Misconception(
            "mean_of_the_two",
            _both(combine=lambda w, p: (w + p) / 2),
            "You average the two losses; BERT adds them.",
            "what is the level of a model that knows nothing: ln V + ln 2, or half of that?",
        ),
        Misconception("label_one_is_next", _both(flip=True)),
        Misconception("off_by_one_labels", _both_off_by_one),
        Misconception("wrong_sign", _both(combine=lambda w, p: -w - p)),
        Misconception("log_base_2", _both(combine=lambda w, p: (w + p) / math.log(2))),
        Misconception(
            "sum_for_mean", _both(np.sum, np.sum), "You add up all losses; each task should have its own mean."
        ),
        Misconception(
            "words_summed",
            _both(words=np.sum),
            "You average the pairs, but only add up the words.",
            "what happens to your number if the batch holds every row twice?",
        ),
        Misconception("double_softmax", _both(nll=_softmax_twice)),
        Misconception("unstable_exp", _both(nll=_by_division)),
    ),
    hints=(
        "A mask of the positions asked for turns three dimensions into two: scores[asked] has a row for each of them.",
        "Write one small function for -log softmax at a label, and use it for words and for pairs.",
        "asked = labels != -100; mean of f(scores[asked], labels[asked]) plus mean of f(logits, next_labels).",
    ),
    takeaway="-100 leaves a position out of the sum and out of the count. Label 0 is a class, here and in the pairs.",
)

two_logs = ChoiceExercise(
    name="two_logs",
    title="Read two logs, and diagnose them",
    notebook=8,
    objectives=(2, 4),
    kind="read",
    difficulty=3,
    importance=3,
    minutes=10,
    points=2,
    question=(
        "The cells below train both tasks twice, for real. In each training *one* thing was changed, and not the same "
        "one. A colleague has seen only the totals and wants to stop B. Which statements do the figure and the table "
        "support? Choose all that apply."
    ),
    options=(
        Option(
            "A is the healthier one: its total falls by more than a nat and a half.",
            "Which task made it fall? The words alone can give all of that, and more, without any reading.",
        ),
        Option(
            "In A the pairs are not learned at all.",
            "Yes: it ends at ln 2 or above, and at an accuracy of one half.",
            right=True,
        ),
        Option(
            "In B nothing is learned, because its total hardly moves.",
            "Look at the pairs of B. A tenth of a nat is little in a sum of nearly nine, but it is much of 0.69.",
        ),
        Option(
            "In B the pairs are learned, and the words get no gradient.",
            "Yes: the words stay at or above ln V, as in a model that is never trained on them.",
            right=True,
        ),
        Option(
            "A's words end near the level of the frequencies: it may hardly use the rest of the sentence.",
            "Yes: counting alone gives that level, and the word that is shown saves half a nat more. Only a loss "
            "below that proves reading.",
            right=True,
        ),
        Option(
            "B needs a smaller learning rate: a loss above ln V means that the training is unstable.",
            "Random scores start above ln V. Unstable curves jump; these are as calm as those of A.",
        ),
        Option(
            "For A the next question is whether each sentence B really follows its sentence A.",
            "Yes: the words show that encoder, gradient and optimizer work. What is left is how A and B belong "
            "together.",
            right=True,
        ),
    ),
    hints=(
        "Give every number its own reference line: ln V and the level of frequencies for words, ln 2 for pairs.",
        "Which loss can fall by at most 0.69? The total can hardly show that.",
        "Four are supported: two about A, one about B, one about the next step.",
    ),
    takeaway="Read each task against its own levels: the total shows the larger number and hides the other.",
)


@dataclass(frozen=True)
class TableModel:
    """A model for the check: its predictions are given in a table.

    Attributes
    ----------
    table : dict
        Pr(IsNext) by (sentence A, sentence B).
    """

    table: dict[tuple[str, str], float]

    def predict(self, sentence_a: str, sentence_b: str) -> Prediction:
        """Return the prediction for these two sentences."""
        p = self.table[sentence_a, sentence_b]
        return Prediction(p, -math.log(p), -math.log(1 - p))


SentencePairs = Sequence[tuple[str, str]]


def order_known_reference(model: TableModel, pairs: SentencePairs) -> float:
    """Return the fraction of pairs that the model prefers in their true order; a tie counts one half."""
    differences = [model.predict(a, b).p_is_next - model.predict(b, a).p_is_next for a, b in pairs]
    return float(np.mean([(difference > 0) + (difference == 0) / 2 for difference in differences]))


def _model_and_pairs(rows: Sequence[tuple[float, float]]) -> tuple[TableModel, SentencePairs]:
    """Return a model, and pairs for which it says these probabilities in the true and in the other order."""
    table: dict[tuple[str, str], float] = {}
    pairs = []
    for number, (true_order, other_order) in enumerate(rows):
        a, b = f"This is sentence {number}.", f"And it goes on with {number}."
        table |= {(a, b): true_order, (b, a): other_order}
        pairs.append((a, b))
    return TableModel(table), pairs


def _order_known_cases(rng: Generator) -> list[InputCase]:
    five = [(0.9, 0.8), (0.6, 0.7), (0.4, 0.2), (0.3, 0.2), (0.5, 0.5)]
    cases = [InputCase(_model_and_pairs(five), "five pairs, one of them a tie")]
    for count in (6, 11):
        rows = [(float(p), float(q)) for p, q in rng.uniform(0.05, 0.95, (count, 2))]
        rows += [(0.5, 0.5), (0.75, 0.75), (0.3, 0.1), (0.35, 0.2), (0.9, 0.95)]
        cases.append(InputCase(_model_and_pairs(rows), f"{len(rows)} pairs, two of them ties"))
    return cases


def _order(compare: Callable[[float, float], float]) -> Function:
    def answer(model: TableModel, pairs: SentencePairs) -> float:
        scores = [compare(model.predict(a, b).p_is_next, model.predict(b, a).p_is_next) for a, b in pairs]
        return float(np.mean(scores))

    return answer


def _without_ties(model: TableModel, pairs: SentencePairs) -> float:
    differences = [model.predict(a, b).p_is_next - model.predict(b, a).p_is_next for a, b in pairs]
    return float(np.mean([difference > 0 for difference in differences if difference != 0]))


order_known = CodeExercise(
    name="order_known",
    title="Design an experiment: does it know the order?",
    notebook=8,
    objectives=(5,),
    kind="design",
    difficulty=2,
    importance=2,
    minutes=9,
    points=2,
    reference=order_known_reference,
    cases=_order_known_cases,
    misconceptions=(
        Misconception(
            "ties_lost",
            _order(lambda p, q: p > q),
            "A tie counts as a failure in your result.",
            "what would a model get that does not know the order at all and always gives both the same probability?",
        ),
        Misconception(
            "ties_won",
            _order(lambda p, q: p >= q),
            "A tie counts as a success in your result.",
            "what would a model get that does not know the order at all and always gives both the same probability?",
        ),
        Misconception(
            "ties_not_counted",
            _without_ties,
            "You leave ties out of the count of pairs.",
            "by how many pairs does the prompt divide?",
        ),
        Misconception(
            "order_turned_round",
            _order(lambda p, q: (p < q) + (p == q) / 2),
            "You count the pairs for which the model prefers the wrong order.",
            "for which order should the probability be higher?",
        ),
        Misconception(
            "accuracy",
            _order(lambda p, q: p > 0.5),
            "This is the accuracy on true pairs; the other order plays no part in it.",
            "what if the model says IsNext to everything?",
        ),
        Misconception(
            "right_both_ways",
            _order(lambda p, q: p > 0.5 > q),
            "You want IsNext for one order and NotNext for the other. The question is only which probability is "
            "higher.",
            "a model says 0.9 and 0.8: which order does it prefer?",
        ),
        Misconception(
            "mean_difference",
            _order(lambda p, q: p - q),
            "This is the mean difference of the two probabilities; a fraction of pairs is asked for.",
            "should one pair with a large difference make up for three wrong ones?",
        ),
        Misconception(
            "not_divided",
            lambda model, pairs: order_known_reference(model, pairs) * len(pairs),
            "This is a count; a fraction is asked for.",
            "how many pairs are there in all?",
        ),
        Misconception(
            "percent",
            lambda model, pairs: 100 * order_known_reference(model, pairs),
            "This is a percentage; a fraction is asked for.",
            "between which two numbers is a fraction?",
        ),
    ),
    hints=(
        "Ask the model twice for each pair: once in its own order, once in the other.",
        "model.predict(a, b).p_is_next against model.predict(b, a).p_is_next. Three things can happen.",
        "Add 1 if the first is larger, 0.5 if they are equal; divide by len(pairs).",
    ),
    takeaway=(
        "This design needs no NotNext pairs: each pair is its own control, so topic and common words cannot help. "
        "A model that does not know the order gets one half."
    ),
)

falling_total = TextExercise(
    name="falling_total",
    title="Explain: the total falls by three nats",
    notebook=8,
    objectives=(2, 4),
    kind="explain",
    difficulty=2,
    importance=3,
    minutes=8,
    points=4,
    words=40,
    rubric=(
        Point(
            "The total starts where a model that knows nothing starts: ln V + ln 2.",
            r"ln ?V|log ?V|ln ?\(?30|log ?\(?30|10\.3|11\.0\d|uniform|knows? nothing|know nothing|chance for|"
            r"untrained|without any training|random (weights|numbers|guess)",
            "what does a model pay for a word and for a pair when it knows nothing?",
        ),
        Point(
            "A fall of three nats in the words can come from their frequencies alone.",
            r"frequen|how often|common words|unigram|(word|words) counts?|count\w* (the )?words|(rare|"
            r"frequent) words",
            "what could be learned about the words without reading a single sentence?",
        ),
        Point(
            "The pairs can give at most 0.69 nats, so the total says nothing about them.",
            r"0\.69|0\.7\b|at most|small part|tiny|drown|hid(e|es|den)|lost in|(says?|said|know|"
            r"tells?) nothing|nothing can be said|cannot (see|tell)",
            "what is the largest possible fall of the pair loss?",
        ),
        Point(
            "Ask for the two losses separately, each with its own level, on held-out text.",
            r"apart|separate|each (task|loss|of)|both losses|two (curves|plots|lines|losses)|in two|"
            r"on its own|alone|individual|mlm and nsp|one for each",
            "what would you ask the colleague to send?",
        ),
    ),
    traps=(
        Trap(
            "both_learn",
            r"(so|thus|therefore|shows|proves|means) (that )?both (tasks|losses)? ?(are|is|were|have|learn|fall|work)",
            "A sum that falls does not say which of its terms falls.",
        ),
        Trap(
            "mlm_worse",
            r"(mlm|words?) (task )?(is|are) (much |far )?(worse|harder learned|badly learned)[^.]* because[^.]* "
            r"(larger|higher|bigger)",
            "A larger loss is not a worse one: the words have 30,522 classes, and the pairs have two.",
        ),
    ),
    model=(
        "It starts at ln 30522 + ln 2 = 11.02, the level of a model that knows nothing. A fall of three nats "
        "can come from the frequencies of words alone, without reading a sentence. The pairs can give 0.69 "
        "nats at most, so the total hides what becomes of them. I would like to see both losses separately, "
        "on held-out text, each with its own reference line."
    ),
    hints=(
        "Compute ln 30522 and ln 2. Where does the log begin?",
        "How much of a fall of three nats could the frequencies of words give, and how much could the pairs give at "
        "most?",
        "The start; words by frequency; pairs at most 0.69; so ask for the two losses separately, each with its own "
        "line.",
    ),
    takeaway="A fall without its reference line says nothing: log the two losses separately.",
)

EXERCISES = (
    masked_counts,
    two_denominators,
    level_of_frequencies,
    hide_words,
    two_logs,
    falling_total,
    huggingface_loss,
    order_known,
)
