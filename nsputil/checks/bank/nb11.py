"""Exercises of notebook 11, what a low loss has learned."""

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

from nsputil._types import Bools, Floats, Ints
from nsputil.checks.answer_types import Function
from nsputil.checks.choice_exercise import ChoiceExercise, Option
from nsputil.checks.code_exercise import CodeExercise, InputCase
from nsputil.checks.misconceptions import Misconception
from nsputil.checks.number_exercise import NumberExercise
from nsputil.checks.text_exercise import Point, TextExercise, Trap

language_leak = NumberExercise(
    name="language_leak",
    title="How good is the language alone?",
    notebook=11,
    objectives=(1, 4),
    kind="compute",
    difficulty=1,
    importance=2,
    minutes=5,
    value=(0.875, 0.975),
    example=(0.75, 0.9),
    misconceptions=(
        Misconception(
            "negatives_only",
            (0.75, 0.95),
            "This is the accuracy on NotNext alone; half of the pairs are IsNext.",
            "what does the rule say to a true pair, and is that right?",
        ),
        Misconception(
            "positives_forgotten",
            (0.375, 0.475),
            "You counted the NotNext pairs on which the rule is right, as a share of all pairs; the IsNext pairs are "
            "missing.",
            "on which IsNext pairs is the rule right?",
        ),
        Misconception(
            "chance_of_the_same",
            (0.25, 0.05),
            "This is how often a random B has the language of A.",
            "to which pairs does the rule then give a wrong answer, and what share of all pairs are they?",
        ),
        Misconception(
            "its_errors",
            (0.125, 0.025),
            "This is the share of pairs on which the rule is wrong.",
            "what is left to 1?",
        ),
        Misconception(
            "always_right",
            (1.0, 1.0),
            "A random B can have the language of A, too.",
            "what does the rule say then?",
        ),
        Misconception(
            "one_language_less",
            (0.5 + 0.5 * 2 / 3, 0.5 + 0.5 * 18 / 19),
            "You divided by one language too few: B comes from all of them, that of A included.",
            "with four languages, how often has a random B another one?",
        ),
        Misconception(
            "wrong_ones_added",
            (0.625, 0.525),
            "You added the random pairs that are in the same language; on these the rule is wrong.",
            "what does the rule say to a random pair in one language?",
        ),
    ),
    hints=(
        "Treat the two classes apart. On which of them is the rule always right?",
        "True pairs: always right. Random pairs: right if the languages differ, which happens in (L - 1) of L cases.",
        "0.5 * 1 + 0.5 * 3/4, and 0.5 * 1 + 0.5 * 19/20.",
    ),
    takeaway="The more sources are mixed, the more the source alone gives away: draw B from the source of A.",
)

read_matrix = ChoiceExercise(
    name="read_matrix",
    title="Read a matrix of trainings and tests",
    notebook=11,
    objectives=(1, 2),
    kind="read",
    difficulty=2,
    importance=3,
    minutes=9,
    points=2,
    question=(
        "The cell below prints the accuracies of three models and of shared words on 2,000 pairs of three kinds; the "
        "intervals by document reach about 0.02 to either side. (The numbers are made up for this exercise.) R was "
        "trained on negatives from the same document, P and Q on something else. Which statements does the table "
        "support? Choose all that apply."
    ),
    options=(
        Option(
            "P has learned more from its negatives than topic, since 0.93 is far above 0.81.",
            "0.93 is far above shared words. But its order column is at chance, and on the same document it gains "
            "little: better topic is enough for that.",
        ),
        Option(
            "For P nothing here shows that it knows order.",
            "Yes: 0.50 on exchanged order is chance.",
            right=True,
        ),
        Option(
            "Q's low 0.71 on random pairs shows that it was trained badly.",
            "The table does not say what it was trained on, and it is the only one that tells order apart.",
        ),
        Option(
            "Q's 0.71 on random pairs is no sign of more than topic.",
            "Yes: shared words alone reach 0.81 there, and the intervals are 0.02 to either side.",
            right=True,
        ),
        Option(
            "R is below chance on order, so its labels were exchanged in that test.",
            "0.49 is within two hundredths of one half. That is chance.",
        ),
        Option(
            "R, which never saw a random pair in training, is better than shared words on random pairs as well.",
            "Yes: 0.85 against 0.81, with intervals of 0.02 to either side.",
            right=True,
        ),
        Option(
            "The 0.50 of shared words on order only says that the test was too small.",
            "Shared words are the same in both directions, so a pair and its exchanged version get the same answer, "
            "however many pairs there are.",
        ),
    ),
    hints=(
        "Read each column first: what can be right in it without reading anything but topic?",
        "In the order column topic tells nothing. In the two others, look first at what shared words reach.",
        "Three are supported: one about each of P, Q and R.",
    ),
    takeaway="A number in such a matrix says something only beside its column's baseline.",
)


def order_pairs_reference(sentences: Sequence[str], swap: Sequence[bool]) -> list[tuple[str, str, int]]:
    """Return (a, b, label) for each adjacent pair, exchanged where `swap` says so; 0 for the order of the text."""
    return [
        (b, a, 1) if exchanged else (a, b, 0)
        for a, b, exchanged in zip(sentences[:-1], sentences[1:], swap, strict=True)
    ]


def _order_pairs_cases(rng: Generator) -> list[InputCase]:
    cases = [InputCase((["One.", "Two.", "Three."], [False, True]), "three sentences, the second pair exchanged")]
    for count in (5, 8):
        sentences = [f"Sentence {k} of {count}." for k in rng.permutation(count)]
        swap = [bool(x) for x in rng.random(count - 1) < 0.5]
        swap[:3] = [True, True, False]
        cases.append(InputCase((sentences, swap), f"{count} sentences"))
    cases.append(InputCase((["Alone."], []), "a text of one sentence"))
    return cases


def _order_pairs(pair: Callable[[str, str, bool], tuple[str, str, int]], step: int = 1) -> Function:
    def answer(sentences: Sequence[str], swap: Sequence[bool]) -> list[tuple[str, str, int]]:
        return [pair(sentences[k], sentences[k + 1], swap[k]) for k in range(0, len(sentences) - 1, step)]

    return answer


def _order_pairs_moved_along(sentences: Sequence[str], swap: Sequence[bool]) -> list[tuple[str, str, int]]:
    moved, made = list(sentences), []
    for k, exchanged in enumerate(swap):
        if exchanged:
            moved[k], moved[k + 1] = moved[k + 1], moved[k]
        made.append((moved[k], moved[k + 1], int(exchanged)))
    return made


def _order_pairs_random_b(sentences: Sequence[str], swap: Sequence[bool]) -> list[tuple[str, str, int]]:
    last = len(sentences) - 1
    return [
        (sentences[k], sentences[(k + 3) % (last + 1)], 1) if swap[k] else (sentences[k], sentences[k + 1], 0)
        for k in range(last)
    ]


def _both_orders(sentences: Sequence[str], swap: Sequence[bool]) -> list[tuple[str, str, int]]:
    return [each for a, b in zip(sentences, sentences[1:], strict=False) for each in ((a, b, 0), (b, a, 1))]


order_pairs = CodeExercise(
    name="order_pairs",
    title="Make pairs for order prediction",
    notebook=11,
    objectives=(2, 3),
    kind="implement",
    difficulty=1,
    importance=2,
    minutes=7,
    points=2,
    from_scratch=True,
    reference=order_pairs_reference,
    cases=_order_pairs_cases,
    misconceptions=(
        Misconception(
            "labels_turned",
            _order_pairs(lambda a, b, s: (b, a, 0) if s else (a, b, 1)),
            "The texts are right, and all labels are the other way round.",
            "which label has the order of the text in this course?",
        ),
        Misconception(
            "texts_not_exchanged",
            _order_pairs(lambda a, b, s: (a, b, int(s))),
            "Your labels are right, but A and B are always in the order of the text.",
            "what would a model see that has to tell label 1 from label 0?",
        ),
        Misconception(
            "label_forgotten",
            _order_pairs(lambda a, b, s: (b, a, 0) if s else (a, b, 0)),
            "The texts are exchanged, and every label is 0.",
            "what should the label of an exchanged pair be?",
        ),
        Misconception(
            "kept_for_exchanged",
            _order_pairs(lambda a, b, s: (a, b, 0) if s else (b, a, 1)),
            "You exchange the pairs that should stay, and keep those that should be exchanged.",
            "what does True in `swap` say?",
        ),
        Misconception(
            "every_second_pair",
            _order_pairs(lambda a, b, s: (b, a, 1) if s else (a, b, 0), step=2),
            "You make a pair of the sentences 1 and 2, then of 3 and 4. Each sentence and the next one make a pair.",
            "how many adjacent pairs do three sentences have?",
        ),
        Misconception(
            "another_b",
            _order_pairs_random_b,
            "Where the pair should be exchanged, you take another B. That is NSP with negatives of the same document.",
            "which two sentences are in an exchanged pair?",
        ),
        Misconception(
            "moved_along",
            _order_pairs_moved_along,
            "You exchange the sentences in the text itself, so that an exchanged one comes again in the next pair.",
            "which two sentences are the second pair of a text, whatever happened to the first?",
        ),
        Misconception(
            "last_pair_missing",
            lambda sentences, swap: order_pairs_reference(sentences, swap)[:-1],
            "The last pair is missing.",
            "how many adjacent pairs do three sentences have?",
        ),
        Misconception(
            "both_orders",
            _both_orders,
            "You give each pair in both orders; `swap` says which one is asked for.",
            "how many tuples belong to one pair?",
        ),
    ),
    hints=(
        "Go through the sentences with the next one beside each; there is one coin for each such pair.",
        "zip(sentences, sentences[1:], swap). If the coin says True, the second sentence comes first.",
        "(b, a, 1) if exchanged else (a, b, 0), for a, b, exchanged in that zip.",
    ),
    takeaway="Both sentences are in the pair either way, so nothing but their order tells the label.",
)

_SHARE = 0.2

mixed_order = NumberExercise(
    name="mixed_order",
    title="Order data with random pairs in it",
    notebook=11,
    objectives=(3,),
    kind="compute",
    difficulty=3,
    importance=2,
    minutes=9,
    points=2,
    value=((1 + _SHARE) / 2, (1 + _SHARE) / 2, (1 - _SHARE) * math.log(2)),
    example=(0.55, 0.55, 0.624),
    misconceptions=(
        Misconception(
            "still_balanced",
            (0.5, 0.6, 0.5545),
            "The second and third are right. The random pairs are all labeled 1, so the labels are no longer balanced.",
            "how many of 100 pairs are exchanged ones, and how many are random?",
        ),
        Misconception(
            "random_added",
            (0.7, 0.6, 0.5545),
            "The second and third are right. In the first you added all random pairs to a half, but the exchanged ones "
            "are half of what is left.",
            "how many of 100 pairs are true neighbors, and how many of those are exchanged?",
        ),
        Misconception(
            "chance_on_all",
            (0.6, 0.5, 0.5545),
            "The first and third are right. Topic tells the random pairs apart, so the model is right on all of these.",
            "on which pairs is it right, and on what share of the others?",
        ),
        Misconception(
            "random_only",
            (0.6, 0.2, 0.5545),
            "The first and third are right. In the second you counted the random pairs only.",
            "what happens on the other four fifths if it says the same to all of them?",
        ),
        Misconception(
            "ln_2",
            (0.6, 0.6, math.log(2)),
            "The first two are right. ln 2 is what it pays where it knows nothing; it knows the random pairs.",
            "what does a pair cost to which it rightly gives probability 1?",
        ),
        Misconception(
            "entropy_of_labels",
            (0.6, 0.6, -(0.6 * math.log(0.6) + 0.4 * math.log(0.4))),
            "The first two are right. The third is the loss of a model that never reads and announces the prior.",
            "what do the random pairs cost a model that recognizes them?",
        ),
        Misconception(
            "loss_of_accuracy",
            (0.6, 0.6, -math.log(0.6)),
            "The first two are right. The loss is not minus the log of the accuracy.",
            "what does each of the two kinds of pairs cost?",
        ),
        Misconception(
            "bits",
            (0.6, 0.6, 0.8),
            "The first two are right. Your loss is in bits.",
            "which logarithm gives nats?",
        ),
        Misconception(
            "loss_of_the_random",
            (0.6, 0.6, 0.2 * math.log(2)),
            "The first two are right. In the third the random pairs cost ln 2 and the others nothing; it is the other "
            "way round.",
            "on which pairs does the model give probability 1 to the right label?",
        ),
    ),
    hints=(
        "Take 100 pairs: 20 random ones and 80 true neighbors. How many of the 80 are exchanged?",
        "Labels 1: the 20 random and 40 exchanged. The model is right on the 20, and on half of the 80.",
        "60 of 100; (20 + 40) of 100; 0.2 * 0 + 0.8 * ln 2.",
    ),
    takeaway=(
        "The accuracy of topic alone is that of always saying 1; only the loss, 0.5545 against H(0.4) = 0.6730, shows "
        "that something was learned, and it is not order."
    ),
)


def length_table_reference(train_lengths: Ints, train_labels: Ints, test_lengths: Ints, test_labels: Ints) -> float:
    """Return the accuracy on the test pairs of the majority label that each length had in training; 0 if unclear."""
    ones, all_ = Counter(), Counter()  # type: ignore[var-annotated]
    for length, label in zip(np.asarray(train_lengths).tolist(), np.asarray(train_labels).tolist(), strict=True):
        all_[length] += 1
        ones[length] += label
    said = [int(2 * ones[length] > all_[length]) for length in np.asarray(test_lengths).tolist()]
    return float(np.mean(np.array(said) == np.asarray(test_labels)))


def _length_table_cases(rng: Generator) -> list[InputCase]:
    first = InputCase(
        (
            np.array([4, 4, 4, 9, 9, 7]),
            np.array([1, 1, 0, 0, 1, 1]),
            np.array([4, 9, 7, 30]),
            np.array([1, 0, 0, 0]),
        ),
        "a majority, a tie, a single pair and a length that was never seen",
    )
    cases = [first]
    for train, test in ((40, 25), (90, 31)):
        lengths = rng.integers(3, 12, train)
        labels = (rng.random(train) < np.where(lengths < 7, 0.85, 0.15)).astype(int)
        lengths[:4], labels[:4] = (20, 20, 21, 21), (0, 1, 1, 0)  # two ties
        asked = rng.integers(3, 12, test)
        gold = (rng.random(test) < np.where(asked < 7, 0.7, 0.3)).astype(int)
        asked[:7], gold[:7] = (20, 21, 20, 40, 41, 42, 43), (0, 0, 0, 0, 0, 0, 1)
        cases.append(InputCase((lengths, labels, asked, gold), f"{train} training and {test} test pairs"))
    return cases


def _length_table(tie: int = 0, unseen: int = 0, turned: bool = False, on: str = "test") -> Function:
    def answer(train_lengths: Ints, train_labels: Ints, test_lengths: Ints, test_labels: Ints) -> float:
        if on == "peek":
            train_lengths, train_labels = test_lengths, test_labels
        if on == "train":
            test_lengths, test_labels = train_lengths, train_labels
        said = []
        for length in test_lengths:
            seen = train_labels[train_lengths == length]
            ones, zeros = int((seen == 1).sum()), int((seen == 0).sum())
            said.append(unseen if len(seen) == 0 else tie if ones == zeros else int(ones > zeros))
        right = float(np.mean(np.array(said) == test_labels))
        return 1 - right if turned else right

    return answer


def _unseen_by_prior(train_lengths: Ints, train_labels: Ints, test_lengths: Ints, test_labels: Ints) -> float:
    usual = int(2 * train_labels.sum() > len(train_labels))
    return float(_length_table(unseen=usual)(train_lengths, train_labels, test_lengths, test_labels))


def _unseen_left_out(train_lengths: Ints, train_labels: Ints, test_lengths: Ints, test_labels: Ints) -> float:
    seen = np.isin(test_lengths, train_lengths)
    return float(_length_table()(train_lengths, train_labels, test_lengths[seen], test_labels[seen]))


def _last_label(train_lengths: Ints, train_labels: Ints, test_lengths: Ints, test_labels: Ints) -> float:
    table = dict(zip(train_lengths.tolist(), train_labels.tolist(), strict=True))
    return float(np.mean([table.get(length, 0) for length in test_lengths.tolist()] == test_labels))


def _count_of_right(train_lengths: Ints, train_labels: Ints, test_lengths: Ints, test_labels: Ints) -> float:
    return length_table_reference(train_lengths, train_labels, test_lengths, test_labels) * len(test_labels)


def _nearer_mean(train_lengths: Ints, train_labels: Ints, test_lengths: Ints, test_labels: Ints) -> float:
    zero, one = (train_lengths[train_labels == label].mean() for label in (0, 1))
    return float(np.mean((np.abs(test_lengths - one) < np.abs(test_lengths - zero)) == test_labels))


def _nearest_majority(train_lengths: Ints, train_labels: Ints, test_lengths: Ints, test_labels: Ints) -> float:
    limit = np.mean(train_lengths)
    short = int(train_labels[train_lengths < limit].mean() > 0.5)
    return float(np.mean(np.where(test_lengths < limit, short, 1 - short) == test_labels))


length_table = CodeExercise(
    name="length_table",
    title="A detector that reads no word",
    notebook=11,
    objectives=(4,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=12,
    points=2,
    from_scratch=True,
    reference=length_table_reference,
    cases=_length_table_cases,
    misconceptions=(
        Misconception(
            "ties_to_one",
            _length_table(tie=1),
            "Right, except for lengths that had as many zeros as ones in training.",
            "what does the prompt say for a tie?",
        ),
        Misconception(
            "unseen_to_one",
            _length_table(unseen=1),
            "Right, except for lengths that did not occur in training.",
            "what does the prompt say for a length that was never seen?",
        ),
        Misconception(
            "both_to_one",
            _length_table(tie=1, unseen=1),
            "Right, except for ties and for lengths that did not occur in training.",
            "which label does the prompt give to both?",
        ),
        Misconception(
            "tested_on_training",
            _length_table(on="train"),
            "This is the accuracy on the training pairs.",
            "does a table that has seen the answers prove a leak?",
        ),
        Misconception(
            "table_of_test",
            _length_table(on="peek"),
            "You made the table from the test pairs.",
            "which pairs may the table see?",
        ),
        Misconception(
            "share_of_mistakes",
            _length_table(turned=True),
            "This is the share of wrong answers.",
            "what is asked for: how often it is right, or how often it is wrong?",
        ),
        Misconception(
            "unseen_by_prior",
            _unseen_by_prior,
            "To a length that did not occur in training you give the more frequent label of all pairs.",
            "what does the prompt say for a length that was never seen?",
        ),
        Misconception(
            "unseen_left_out",
            _unseen_left_out,
            "You leave out the test pairs whose length did not occur in training.",
            "over how many test pairs is the accuracy asked for?",
        ),
        Misconception(
            "last_label",
            _last_label,
            "Your table holds the last label of each length, not the more frequent one.",
            "what happens to an entry of a dictionary when the same length comes again?",
        ),
        Misconception(
            "count_of_right",
            _count_of_right,
            "You return how many test pairs are right; the share is asked for.",
            "by what is a count divided to get an accuracy?",
        ),
        Misconception(
            "one_threshold",
            _nearest_majority,
            "You use one threshold for short and long. The table has an answer for each length.",
            "what if lengths 4 and 9 have the label 1 and length 7 has the label 0?",
            also=(_nearer_mean,),
        ),
    ),
    hints=(
        "Two steps: a table from length to label, made of the training pairs; then the test pairs look it up.",
        "For each length count the ones and all. Say 1 only if the ones are more than half; a missing length says 0.",
        "said = [1 if 2 * ones[n] > total[n] else 0 for n in test_lengths] with two Counters; then the mean of ==.",
    ),
    takeaway="If such a table is clearly above chance on new documents, the pairs give their labels away by length.",
)

isolate_loss = ChoiceExercise(
    name="isolate_loss",
    title="Which comparison isolates the loss?",
    notebook=11,
    objectives=(5,),
    kind="critique",
    difficulty=2,
    importance=3,
    minutes=7,
    points=2,
    question=(
        "Four trainings, equal steps and equal text. W: pairs of segments, masked words and NSP. X: pairs of segments, "
        "half of them still from two documents, masked words only. Y: running text of one document, masked words only. "
        "Z: pairs of single sentences, masked words and NSP. What can be concluded from which comparison? Choose all "
        "that apply."
    ),
    options=(
        Option(
            "W against Y shows what the NSP loss does.",
            "The loss is gone and the input is another one: two changes, one difference.",
        ),
        Option(
            "W against X shows what the NSP loss does on pairs of segments.",
            "Yes: the input is the same, only the loss differs.",
            right=True,
        ),
        Option(
            "X against Y shows what the input format does when there is no NSP loss.",
            "Yes: neither has the loss, and the rows differ.",
            right=True,
        ),
        Option(
            "W against Z shows what the input format does, with the NSP loss in both.",
            "Yes: that is RoBERTa's SEGMENT-PAIR against SENTENCE-PAIR.",
            right=True,
        ),
        Option(
            "If Y is better than W and W is better than X, the papers on BERT and RoBERTa contradict each other.",
            "Both can be true at once: the loss helps on pairs, and running text helps more than the loss.",
        ),
        Option(
            "Z against Y shows what the NSP loss does, because Z has the shortest rows.",
            "Rows and loss both differ, and the rows by a lot.",
        ),
    ),
    hints=(
        "Write two columns for each training: which rows it sees, and which losses it has.",
        "A comparison isolates what differs if everything else is equal.",
        "Three are right: one isolates the loss, two isolate the input.",
    ),
    takeaway="One difference, one change: count what differs between two runs before you name a cause.",
)

GainRow = tuple[float, float, float]


def paired_gain_reference(with_nsp: Bools, without: Bools, documents: Ints) -> GainRow:
    """Return the mean gain, the smallest gain of a seed, and the share of documents with a gain above 0."""
    gain = np.asarray(with_nsp, float) - np.asarray(without, float)
    of_pair = gain.mean(axis=0)
    names = np.unique(documents)
    of_document = np.array([of_pair[np.asarray(documents) == name].sum() for name in names])
    return float(gain.mean()), float(gain.mean(axis=1).min()), float((of_document > 1e-12).mean())


def _paired_gain_cases(rng: Generator) -> list[InputCase]:
    cases = [
        InputCase(
            (
                np.array([[True, True, False, True], [True, False, False, True]]),
                np.array([[False, True, False, True], [True, True, False, False]]),
                np.array([0, 0, 1, 1]),
            ),
            "two seeds, four pairs, two documents",
        )
    ]
    for seeds, pairs in ((3, 12), (4, 30)):
        documents = np.sort(rng.integers(0, 5, pairs))
        documents[:5], documents[-5:] = 9, [2, 3, 4, 7, 7]
        right = rng.random((seeds, pairs)) < 0.75
        other = rng.random((seeds, pairs)) < 0.5
        right[:, 0], other[:, 0] = True, False
        right[:, -2:], other[:, -2:] = True, True  # a document without a gain
        right[0, :5], other[0, :5] = False, True
        cases.append(InputCase((right, other, documents), f"{seeds} seeds, {pairs} pairs"))
    return cases


def _paired_gain(change: Callable[[Floats, Ints], GainRow]) -> Function:
    def answer(with_nsp: Bools, without: Bools, documents: Ints) -> GainRow:
        return change(np.asarray(with_nsp, float) - np.asarray(without, float), np.asarray(documents))

    return answer


def _document_gains(gain: Floats, documents: Ints) -> Floats:
    of_pair = gain.mean(axis=0)
    return np.array([of_pair[documents == name].mean() for name in np.unique(documents)])


paired_gain = CodeExercise(
    name="paired_gain",
    title="A gain over seeds and documents",
    notebook=11,
    objectives=(6,),
    kind="implement",
    difficulty=3,
    importance=3,
    minutes=12,
    points=2,
    reference=paired_gain_reference,
    cases=_paired_gain_cases,
    misconceptions=(
        Misconception(
            "without_minus_with",
            _paired_gain(
                lambda g, d: (-g.mean(), (-g).mean(axis=1).min(), float((_document_gains(-g, d) > 1e-12).mean()))
            ),
            "You took the accuracy without NSP minus that with it.",
            "is a positive gain good news for NSP?",
        ),
        Misconception(
            "best_seed",
            _paired_gain(lambda g, d: (g.mean(), g.mean(axis=1).max(), float((_document_gains(g, d) > 1e-12).mean()))),
            "The first and third are right. Your second is the largest gain of a seed.",
            "which seed would a critic look at?",
        ),
        Misconception(
            "smallest_of_a_pair",
            _paired_gain(lambda g, d: (g.mean(), g.mean(axis=0).min(), float((_document_gains(g, d) > 1e-12).mean()))),
            "The first and third are right. Your second is the smallest gain of a pair, over the seeds.",
            "which axis of the array counts the seeds?",
        ),
        Misconception(
            "ties_won",
            _paired_gain(
                lambda g, d: (g.mean(), g.mean(axis=1).min(), float((_document_gains(g, d) >= -1e-12).mean()))
            ),
            "The first two are right. In the third a document without a gain counts, too.",
            "does a gain of exactly 0 lie above 0?",
        ),
        Misconception(
            "pairs_for_documents",
            _paired_gain(lambda g, d: (g.mean(), g.mean(axis=1).min(), float((g.mean(axis=0) > 1e-12).mean()))),
            "The first two are right. Your third is a share of the pairs.",
            "how many documents are there?",
        ),
        Misconception(
            "changes_counted",
            _paired_gain(
                lambda g, d: (
                    float(np.abs(g).mean()),
                    np.abs(g).mean(axis=1).min(),
                    float((_document_gains(np.abs(g), d) > 1e-12).mean()),
                )
            ),
            "You count each pair on which the two models differ, also where NSP made it worse.",
            "what is the gain of a pair that is right without NSP and wrong with it?",
        ),
        Misconception(
            "smallest_of_a_document",
            _paired_gain(
                lambda g, d: (g.mean(), _document_gains(g, d).min(), float((_document_gains(g, d) > 1e-12).mean()))
            ),
            "The first and third are right. Your second is the smallest gain of a document.",
            "over what is the gain of a seed a mean?",
        ),
        Misconception(
            "in_every_seed",
            _paired_gain(
                lambda g, d: (
                    g.mean(),
                    g.mean(axis=1).min(),
                    float(np.all([_document_gains(seed[None], d) > 1e-12 for seed in g], axis=0).mean()),
                )
            ),
            "The first two are right. In the third you ask for a gain with every seed, and not for one in the mean.",
            "how many numbers does a document have before you compare with 0?",
        ),
        Misconception(
            "smallest_change",
            _paired_gain(
                lambda g, d: (
                    g.mean(),
                    np.abs(g.mean(axis=1)).min(),
                    float((_document_gains(g, d) > 1e-12).mean()),
                )
            ),
            "The first and third are right. Your second is the smallest change, without its sign.",
            "which is smaller, a gain of -0.1 or one of 0.05?",
        ),
        Misconception(
            "first_seed_only",
            _paired_gain(
                lambda g, d: (g.mean(), g.mean(axis=1).min(), float((_document_gains(g[:1], d) > 1e-12).mean()))
            ),
            "The first two are right. In the third you look at the first seed only.",
            "over what is the gain of a document a mean?",
        ),
        Misconception(
            "count_of_documents",
            _paired_gain(lambda g, d: (g.mean(), g.mean(axis=1).min(), float((_document_gains(g, d) > 1e-12).sum()))),
            "The first two are right. Your third is a count of documents.",
            "by what do you divide to get a share?",
        ),
        Misconception(
            "mean_of_document_means",
            _paired_gain(
                lambda g, d: (
                    float(_document_gains(g, d).mean()),
                    g.mean(axis=1).min(),
                    float((_document_gains(g, d) > 1e-12).mean()),
                )
            ),
            "The second and third are right. In the first every document counts the same, however many pairs it has.",
            "the mean over what is asked for?",
        ),
    ),
    hints=(
        "Take the difference pair by pair first; it is 1, 0 or -1. Then take means in three different ways.",
        "gain = with_nsp - without as numbers, shape (seeds, pairs). Mean of all; mean of each row, the smallest; "
        "mean over seeds, then over the pairs of each document.",
        "gain.mean(); gain.mean(axis=1).min(); np.mean([gain[:, documents == d].mean() > 0 for d in "
        "np.unique(documents)]).",
    ),
    takeaway="A gain to believe in is there in each seed and in most documents, and not only in the mean.",
)

worth_it = TextExercise(
    name="worth_it",
    title="Explain: is NSP worth it for this project?",
    notebook=11,
    objectives=(6, 7),
    kind="explain",
    difficulty=2,
    importance=3,
    minutes=9,
    points=5,
    words=50,
    rubric=(
        Point(
            "0.96 may be topic, or another clue of random pairs, and says nothing about matching answers.",
            r"\b(?:topics?|subjects?|themes?|products?)\b|(?:random|wrong|negative) (?:pairs?|texts?|answers?|ones)|"
            r"negatives|(?:easy|easier|easily) (?:to|question|task)|says? (?:little|nothing)|shared words|shortcut|"
            r"harder negatives|exchanged order|order prediction|\bsop\b|unrelated|vocabulary|"
            r"(?:alone|only|already) explains?|is enough\b",
            "what could explain 0.96 without any idea of which answer fits?",
        ),
        Point(
            "Compare one training with NSP and one without, everything else equal.",
            r"with(?: NSP)? and (?:one |once |a run )?without|without (?:it|NSP|the (?:NSP )?(?:loss|task))|"
            r"masked words (?:only|alone)|(?:two|both|three) (?:runs|trainings|models|arms)|ablation|"
            r"control (?:run|model)|(?:everything|all) else (?:the same|equal|being equal)|rest fixed|"
            r"equal (?:steps|number)|equally many|same (?:number of )?(?:steps|updates|data|text|budget|compute)|"
            r"\barms?\b|(?:that|which) skips? it|nothing else (?:may |should |must )?(?:differ|change)",
            "which two trainings would you set side by side?",
        ),
        Point(
            "Measure on the project's own task, and not by the NSP loss or accuracy.",
            r"(?:own|real|actual|target|end|downstream|final) (?:task|use case|problem|job)|\bthe task\b|"
            r"rank(?:s|ed|ing)?\b|(?:right|correct) (?:\w+ )?(?:answer|passage|article|page)|first place|recall at|"
            r"(?:held.?out|unseen|new|test|kept back|set aside)\b[^.]{0,30}\b(?:match|ticket|answer|passage|pair)|"
            r"(?:match|ticket|answer|passage)\w*\b[^.]{0,30}\b(?:held.?out|unseen|kept back|keep back|kept aside|"
            r"set aside)|(?:measure|evaluat|compare|score|judge|test)\w*\b[^.]{0,60}\b(?:match(?:es|ing)|tickets?)\b|"
            r"not (?:by|on|with) (?:the )?(?:nsp|0\.96|its (?:loss|accuracy))",
            "what should the number be about that decides?",
        ),
        Point(
            "Use several seeds, and an interval by document (or the spread).",
            r"seeds|several (?:runs|times|trainings)|repeat|interval|spread|bootstrap|by document|noise|error bar",
            "how would you know that a difference is not luck?",
        ),
        Point(
            "Set a simple rule beside it: shared words, a keyword search.",
            r"(?:shared|common|rare) (?:rare )?words|overlap|baseline|keyword|tf.?idf|bm25|word.?match|"
            r"(?:simple|plain|simpler) (?:rule|search|count|method|word)|count(?:ing)? (?:of )?(?:the )?words",
            "which simple rule would you put into the same table?",
        ),
    ),
    traps=(
        Trap(
            "accuracy_proves",
            r"(?:0\.96|96 ?%|high accuracy|accuracy)[^.]* (?:proves|shows|means) (?:that )?(?:it|the model|bert|nsp) "
            r"(?:understands|knows|has learned|works|helps)",
            "A high NSP accuracy can be topic alone, and says nothing about another task.",
        ),
        Trap(
            "roberta_proves",
            r"roberta[^.]* (?:proves|has proved|proved|shows|has shown)[^.]* (?:useless|never helps|no use|not help|"
            r"does nothing)",
            "RoBERTa changed the input together with the loss, and another task may be nearer to NSP.",
        ),
    ),
    model=(
        "An accuracy of 0.96 may be topic: I would first see what shared words alone reach on the same pairs, and what "
        "the model does with exchanged order or negatives from the same document. Then I would train once with NSP and "
        "once without, with equal steps and text, and measure both on the real task, matching tickets with answers. "
        "Several seeds and an interval by document tell whether a difference is luck. The task is near NSP, so a gain "
        "is possible."
    ),
    hints=(
        "What would convince you, if you had to pay for the training?",
        "Name the two trainings, the number that you compare, how often you repeat it, and the simple rule beside it.",
        "With and without; on their own task; several seeds and an interval by document; shared words as baseline.",
    ),
    takeaway="The question is not whether NSP is good, but whether it helps this task more than its cost.",
)

EXERCISES = (
    language_leak,
    read_matrix,
    order_pairs,
    mixed_order,
    length_table,
    isolate_loss,
    paired_gain,
    worth_it,
)
