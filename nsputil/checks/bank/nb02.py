"""Exercises of notebook 02, building the data."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from nsputil._types import Ints
from nsputil.checks.answer_types import Function
from nsputil.checks.choice_exercise import ChoiceExercise, Option
from nsputil.checks.code_exercise import CodeExercise, InputCase
from nsputil.checks.misconceptions import Misconception
from nsputil.checks.number_exercise import NumberExercise
from nsputil.checks.text_exercise import Point, TextExercise, Trap
from nsputil.pairs import SentencePair


def make_pair_reference(chunk: list[str], cut: int, other: list[str], heads: bool) -> tuple[list[str], list[str], int]:
    """Return (A, B, label) for one chunk by BERT's rule."""
    if heads and len(chunk) > 1:
        return chunk[:cut], chunk[cut:], 0
    return chunk[:cut], other, 1


def _make_pair_cases(rng: Generator) -> list[InputCase]:
    chunk, other = ["a1", "a2", "a3", "a4"], ["x1", "x2"]
    longer = [f"s{k}" for k in range(int(rng.integers(5, 9)))]
    return [
        InputCase((chunk, 2, other, True), "four sentences cut after two, heads"),
        InputCase((chunk, 3, other, False), "four sentences cut after three, tails"),
        InputCase((["a1"], 1, other, True), "a chunk of one sentence, heads"),
        InputCase((["a1"], 1, other, False), "a chunk of one sentence, tails"),
        InputCase((["a1", "a2"], 1, other, True), "a chunk of two sentences, heads"),
        InputCase((["a1", "a2"], 1, other, False), "a chunk of two sentences, tails"),
        InputCase((["a1", "a2", "a3"], 2, ["x1"], True), "a chunk of three sentences cut after two, heads"),
        InputCase((longer, 1, other, True), "a longer chunk cut after its first sentence, heads"),
    ]


#: From a chunk and the place of the cut to some of its sentences.
Choice = Callable[[list[str], int], list[str]]


def _make_pair_with(
    a: Choice | None = None,
    b_next: Choice | None = None,
    labels: tuple[int, int] = (0, 1),
    forced: bool = True,
    swap_coin: bool = False,
    shortest: int = 2,
) -> Function:
    """BERT's rule with one mistake."""

    def answer(chunk: list[str], cut: int, other: list[str], heads: bool) -> tuple[list[str], list[str], int]:
        first = a(chunk, cut) if a else chunk[:cut]
        if (heads != swap_coin) and (len(chunk) >= shortest or not forced):
            return first, b_next(chunk, cut) if b_next else chunk[cut:], labels[0]
        return first, other, labels[1]

    return answer


make_pair = CodeExercise(
    name="make_pair",
    title="One chunk, one pair",
    notebook=2,
    objectives=(1, 2),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=8,
    points=2,
    reference=make_pair_reference,
    cases=_make_pair_cases,
    misconceptions=(
        Misconception(
            "nothing_forced",
            _make_pair_with(forced=False),
            "A chunk of one sentence became IsNext, with an empty B.",
            "what is left for B when the only sentence is A?",
        ),
        Misconception("label_one_is_next", _make_pair_with(labels=(1, 0))),
        Misconception(
            "two_sentences_forced",
            _make_pair_with(shortest=3),
            "A chunk of two sentences never becomes IsNext in your function.",
            "what is the shortest chunk that leaves something for B?",
            also=(_make_pair_with(shortest=4),),
        ),
        Misconception(
            "coin_turned_round",
            _make_pair_with(swap_coin=True),
            "You replace B on heads and keep it on tails.",
            "what does heads mean in the rule above?",
        ),
        Misconception(
            "one_sentence_b",
            _make_pair_with(b_next=lambda chunk, cut: chunk[cut : cut + 1]),
            "Your B is one sentence. In BERT's rule it is the whole rest of the chunk.",
            "what does BERT's word 'sentence' mean?",
        ),
        Misconception(
            "one_sentence_a",
            _make_pair_with(a=lambda chunk, cut: chunk[cut - 1 : cut]),
            "Your A is one sentence, the last before the cut. In BERT's rule it is everything before the cut.",
            "what does BERT's word 'sentence' mean?",
        ),
        Misconception(
            "cut_too_late",
            _make_pair_with(a=lambda chunk, cut: chunk[: cut + 1], b_next=lambda chunk, cut: chunk[cut + 1 :]),
            "Your cut is one sentence too late.",
            "how many sentences does chunk[:cut] hold?",
        ),
        Misconception(
            "overlap",
            _make_pair_with(a=lambda chunk, cut: chunk[: cut + 1]),
            "The first sentence of B is in A as well.",
            "could a model find the answer by looking for a repeated sentence?",
        ),
        Misconception(
            "coin_ignored",
            lambda chunk, cut, other, heads: (
                (chunk[:cut], chunk[cut:], 0) if len(chunk) > 1 else (chunk[:cut], other, 1)
            ),
            "You replace B only where there is no other choice.",
            "what does your function do when the coin shows tails?",
        ),
        Misconception(
            "a_and_b_exchanged",
            lambda *args: tuple(make_pair_reference(*args)[k] for k in (1, 0, 2)),
            "A and B have changed places.",
            "which of the two comes before the cut?",
        ),
        Misconception(
            "label_is_coin",
            lambda chunk, cut, other, heads: (*make_pair_reference(chunk, cut, other, heads)[:2], int(heads)),
            "Your label is the coin.",
            "which number does heads become as a label, and what if the chunk holds one sentence?",
        ),
        Misconception(
            "whole_chunk_a",
            _make_pair_with(a=lambda chunk, cut: chunk),
            "Your A is the whole chunk, so A contains B.",
            "which part of the chunk is A?",
        ),
    ),
    hints=(
        "A is the same in all cases: the sentences before the cut.",
        "Only one case is IsNext: heads, and there is something after the cut.",
        "if heads and len(chunk) > 1: return chunk[:cut], chunk[cut:], 0",
    ),
    takeaway="Three of the four cases are NotNext. That is why a fair coin gives less than half.",
)

expected_is_next = NumberExercise(
    name="expected_is_next",
    title="A fair coin that is not always thrown",
    notebook=2,
    objectives=(2,),
    kind="compute",
    difficulty=1,
    importance=3,
    minutes=3,
    value=0.35,
    tolerance=0.001,
    misconceptions=(
        Misconception(
            "coin_trusted",
            0.5,
            "You relied on the coin. It is not thrown for every chunk.",
            "what happens to a chunk of a single sentence?",
        ),
        Misconception(
            "turned_round",
            0.65,
            "That is the fraction of NotNext.",
            "which of the two does the question ask for?",
        ),
        Misconception(
            "forced_is_next",
            0.15,
            "You threw the coin for the chunks that have no choice, and left the others out.",
            "for which chunks is the coin thrown?",
        ),
        Misconception(
            "forced_subtracted",
            0.2,
            "You subtracted the forced 30 % from the half. But only half of those chunks would have been IsNext.",
            "how many of the 300 forced chunks would the coin have made IsNext?",
        ),
        Misconception(
            "forced_added",
            0.65 + 0.15,
            "You counted the chunks of one sentence as IsNext.",
            "which label does a chunk of one sentence get?",
        ),
        Misconception(
            "half_of_forced_added",
            0.425,
            "You added a part of the forced chunks to the coin.",
            "which label does a chunk of one sentence always get?",
        ),
        Misconception(
            "all_unforced",
            0.7,
            "You count every chunk that is not forced as IsNext.",
            "what does the coin do with these chunks?",
        ),
        Misconception(
            "percent",
            35,
            "Right as a percentage; a fraction between 0 and 1 is asked for.",
            "which number is 35 %?",
        ),
        Misconception(
            "count",
            350,
            "Right as a count of pairs; a fraction is asked for.",
            "out of how many pairs?",
        ),
    ),
    hints=(
        "Divide the 1,000 chunks into those with a throw and those without.",
        "700 chunks get a throw. How many of them come out as IsNext?",
        "350 of 1,000.",
    ),
    takeaway="IsNext = (1 - forced) / 2: measure the forced fraction and you know the prior.",
)

longer_pairs = ChoiceExercise(
    name="longer_pairs",
    title="Predict: longer sentences",
    notebook=2,
    objectives=(2,),
    kind="predict",
    difficulty=2,
    importance=2,
    minutes=5,
    question=(
        "You replace the speeches with legal texts, whose sentences are three times as long, and keep `max_tokens=128` "
        "and the fair coin. What happens to the fraction of IsNext that BERT's rule gives?"
    ),
    options=(
        Option(
            "It rises toward one half.",
            "That happens with shorter sentences, or with a larger max_tokens: fewer chunks of one sentence.",
        ),
        Option(
            "It stays the same, because the coin is the same.", "The coin is the same; the number of throws is not."
        ),
        Option(
            "It falls: more chunks hold a single sentence.",
            "Fewer sentences fit into a chunk, so more pairs are forced.",
            right=True,
        ),
        Option(
            "It becomes 0.",
            "Only if every chunk held one sentence. Some sentences are still short enough.",
        ),
    ),
    hints=(
        "What decides whether the coin is thrown?",
        "How many sentences of 90 words fit into 125 tokens?",
        "More single-sentence chunks, more forced NotNext.",
    ),
    takeaway="Sentence length and pair length together set the prior. Measure it again for every corpus.",
)


def audit_reference(pairs: Sequence[SentencePair]) -> dict[str, float]:
    """Return the fraction of IsNext, and of pairs that are NotNext although A and B share a document."""
    count = len(pairs)
    is_next = sum(pair.label == 0 for pair in pairs) / count
    same = sum(pair.label == 1 and pair.document_a == pair.document_b for pair in pairs) / count
    return {"is_next": is_next, "same_document_negatives": same}


def _pair(
    label: int, document_a: int, document_b: int, position: int = 0, position_b: int | None = None
) -> SentencePair:
    """A pair whose sentences say where they come from, so that two sentences of one document differ."""
    position_b = position + 1 if position_b is None else position_b
    a, b = f"Sentence {position} of {document_a}.", f"Sentence {position_b} of {document_b}."
    return SentencePair(a, b, label, document_a, document_b, position, position_b)


def _audit_cases(rng: Generator) -> list[InputCase]:
    def draw(count: int, documents: int) -> list[SentencePair]:
        labels = rng.permutation([0, 0, 1] * count)[:count]
        pairs = []
        for label in labels:
            a, b = (int(k) for k in rng.integers(documents, size=2))
            pairs.append(_pair(int(label), a, a if label == 0 else b, int(rng.integers(5))))
        return pairs

    mixed = [_pair(0, 0, 0), _pair(0, 1, 1, 3), _pair(1, 0, 0, 2), _pair(1, 1, 0, 4, 4), _pair(1, 1, 1)]
    return [
        InputCase((mixed,), "two IsNext and three NotNext, two of them within one document"),
        InputCase(([_pair(0, 2, 2), _pair(1, 0, 1), _pair(1, 2, 1)],), "three pairs, no negative within a document"),
        InputCase((draw(9, 3),), "nine pairs of three documents"),
        InputCase(([_pair(1, 0, 0)] * 4,), "four NotNext, all within one document"),
    ]


def _audit(pairs: Sequence[SentencePair], is_next: float | None = None, same: float | None = None) -> dict[str, float]:
    right = audit_reference(pairs)
    return {
        "is_next": right["is_next"] if is_next is None else is_next,
        "same_document_negatives": right["same_document_negatives"] if same is None else same,
    }


def _share(pairs: Sequence[SentencePair], condition: Callable[[SentencePair], bool]) -> float:
    return sum(condition(pair) for pair in pairs) / len(pairs)


def _within(pair: SentencePair) -> bool:
    return pair.document_a == pair.document_b


def _of_negatives(pairs: Sequence[SentencePair]) -> dict[str, float]:
    negatives = [pair for pair in pairs if pair.label == 1]
    return _audit(pairs, same=_share(negatives, _within))


audit = CodeExercise(
    name="audit",
    title="Two counts that find the traps",
    notebook=2,
    objectives=(3,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=8,
    points=2,
    reference=audit_reference,
    cases=_audit_cases,
    misconceptions=(
        Misconception(
            "label_one_is_next",
            lambda pairs: {
                "is_next": _share(pairs, lambda p: p.label == 1),
                "same_document_negatives": _share(pairs, lambda p: p.label == 0 and _within(p)),
            },
        ),
        Misconception(
            "is_next_turned_round",
            lambda pairs: _audit(pairs, is_next=_share(pairs, lambda p: p.label == 1)),
            "Your first number is the fraction of NotNext.",
            "which number is IsNext as a label?",
        ),
        Misconception(
            "all_within",
            lambda pairs: _audit(pairs, same=_share(pairs, _within)),
            "You count every pair within one document, even the IsNext pairs, which must come from one document.",
            "what is suspicious: a true pair within a document, or a negative one?",
        ),
        Misconception(
            "of_negatives",
            _of_negatives,
            "You divided by the negatives; a fraction of all pairs is asked for.",
            "according to the docstring, of what are the two numbers fractions?",
        ),
        Misconception(
            "counts",
            lambda pairs: {key: value * len(pairs) for key, value in audit_reference(pairs).items()},
            "You return counts; fractions are asked for.",
            "by what do you divide to compare data sets of different size?",
        ),
        Misconception(
            "other_documents",
            lambda pairs: _audit(pairs, same=_share(pairs, lambda p: p.label == 1 and not _within(p))),
            "You count the negatives from *other* documents, and those are right.",
            "== or != between the two documents?",
        ),
        Misconception(
            "within_for_is_next",
            lambda pairs: _audit(pairs, is_next=_share(pairs, _within)),
            "You count a pair as IsNext if both sentences come from one document.",
            "which field says whether B follows A?",
        ),
        Misconception(
            "whole_number_division",
            lambda pairs: {key: float(value == 1) for key, value in audit_reference(pairs).items()},
            "Your numbers are whole: // drops what comes after the decimal point.",
            "what does 3 // 4 give, and what does 3 / 4 give?",
        ),
        Misconception(
            "positions_for_documents",
            lambda pairs: _audit(pairs, same=_share(pairs, lambda p: p.label == 1 and p.position_a == p.position_b)),
            "You compare positions; documents are asked for.",
            "which two fields say where A and B come from?",
        ),
        Misconception(
            "percent",
            lambda pairs: {key: 100 * value for key, value in audit_reference(pairs).items()},
            "You return percentages; fractions between 0 and 1 are asked for.",
            "is there a factor of 100?",
        ),
    ),
    hints=(
        "Each number is a count of pairs with some property, divided by len(pairs).",
        "The second property has two parts: the label is 1, and both documents are the same.",
        "sum(p.label == 1 and p.document_a == p.document_b for p in pairs) / len(pairs)",
    ),
    takeaway=(
        "IsNext near 0 points to blank lines between sentences. Negatives within one document point to a data set of "
        "one document, or of few."
    ),
)

which_trap = ChoiceExercise(
    name="which_trap",
    title="Read the counts of three data sets",
    notebook=2,
    objectives=(3,),
    kind="read",
    difficulty=2,
    importance=2,
    minutes=5,
    question=(
        "Three data sets were made by BERT's rule.\n\n"
        "| data set | documents | IsNext | forced | NotNext within a document |\n|---|---|---|---|---|\n"
        "| X | 48,210 | 0.000 | 1.000 | 0.000 |\n"
        "| Y | 1 | 0.497 | 0.002 | 0.503 |\n"
        "| Z | 3,004 | 0.448 | 0.101 | 0.000 |\n\n"
        "What do you say? Choose all that apply."
    ),
    options=(
        Option(
            "In X no chunk held two sentences: blank lines between all sentences would do that, or very long ones.",
            "Every pair is forced and none is IsNext: no sentence had a next one in its chunk.",
            right=True,
        ),
        Option(
            "Y is the healthiest: its IsNext is closest to one half.",
            "The fraction looks healthy. But every negative comes from A's own document.",
        ),
        Option(
            "A model trained on X will show a loss near 0 and will have learned nothing about text.",
            "All labels are equal, so always saying NotNext costs nothing.",
            right=True,
        ),
        Option(
            "In Y some NotNext pairs may really follow each other.",
            "Text drawn from A's own document may be what comes after A.",
            right=True,
        ),
        Option(
            "Z has a broken coin: 0.448 is too far from one half.",
            "About half of the unforced 0.899 is what a fair coin gives.",
        ),
    ),
    hints=(
        "For each data set compute (1 - forced) / 2 and compare it with IsNext.",
        "The last column tells where negatives come from. How many documents are there to choose from?",
        "X has no positives at all; Y has a single document; Z is what a fair coin gives. Three statements are true.",
    ),
    takeaway="One count is not enough: Y passes the first and fails the second.",
)


def honest_baseline_reference(labels: ArrayLike) -> float:
    """Return the entropy of the labels in nats: the loss of announcing the prior for every pair."""
    p = np.mean(np.asarray(labels) == 0)
    return float(-sum(q * np.log(q) for q in (p, 1 - p) if q > 0))


def _entropy_raw(labels: Ints) -> float:
    p = np.mean(labels == 0)
    return float(-(p * np.log(p) + (1 - p) * np.log(1 - p)))


honest_baseline = CodeExercise(
    name="honest_baseline",
    title="The loss of a model that does not read",
    notebook=2,
    objectives=(4,),
    kind="implement",
    difficulty=2,
    importance=3,
    minutes=8,
    points=2,
    reference=honest_baseline_reference,
    cases=lambda rng: [
        InputCase((np.array([0, 1, 1, 1]),), "the labels 0, 1, 1, 1"),
        InputCase((np.array([0, 1, 0, 1]),), "two of each"),
        InputCase((rng.permutation([0] * 6 + [1] * 2),), "six IsNext and two NotNext"),
        InputCase((rng.permutation([0] * 3 + [1] * 7),), "three IsNext and seven NotNext"),
        InputCase((np.array([1, 1, 1]),), "three NotNext and no IsNext"),
    ],
    misconceptions=(
        Misconception(
            "zero_times_log_zero",
            _entropy_raw,
            "Right, until one class is missing: then 0 * log 0 is computed, which is not a number.",
            "what does a class cost that is always announced and always right, and what does a class cost that never "
            "occurs?",
        ),
        Misconception("log_base_2", lambda labels: honest_baseline_reference(labels) / np.log(2)),
        Misconception("log_base_10", lambda labels: honest_baseline_reference(labels) / np.log(10)),
        Misconception("wrong_sign", lambda labels: -honest_baseline_reference(labels)),
        Misconception(
            "always_ln_2",
            lambda labels: float(np.log(2)),
            "You return ln 2 whatever the labels are.",
            "is one half the cheapest announcement when three of four pairs are NotNext?",
        ),
        Misconception(
            "one_class_only",
            lambda labels: float(-np.mean(labels == 0) * np.log(max(np.mean(labels == 0), 1e-300))),
            "Only the IsNext pairs cost something in your sum.",
            "what do the NotNext pairs cost, and how many are they?",
        ),
        Misconception(
            "no_weights",
            lambda labels: float(-sum(np.log(q) for q in (np.mean(labels == 0), np.mean(labels == 1)) if q > 0)),
            "You added the price of both classes without asking how often each occurs.",
            "how often is each of the two prices paid?",
        ),
        Misconception(
            "majority_error",
            lambda labels: float(min(np.mean(labels == 0), np.mean(labels == 1))),
            "You return how often the majority class is wrong. That is an error rate, not a loss.",
            "in which unit is the loss of this course?",
        ),
        Misconception(
            "log_of_prior",
            lambda labels: float(-np.log(max(np.mean(labels == 0), np.mean(labels == 1)))),
            "You charge every pair as if it were of the more frequent class.",
            "what do the pairs of the rarer class cost?",
        ),
    ),
    hints=(
        "Announce p = the fraction of IsNext for every pair. What does an IsNext pair cost, and what does a NotNext "
        "pair cost?",
        "The mean is p times -log p, plus (1 - p) times -log(1 - p).",
        "If p is 0 or 1, leave the missing class out: it never costs anything.",
    ),
    takeaway=(
        "The loss to beat is H(prior), not ln 2. Above it the probabilities are worth less than the prior, but look "
        "at the accuracy before you say that nothing was learned."
    ),
)


def no_shared_document_reference(train_pairs: Sequence[SentencePair], test_pairs: Sequence[SentencePair]) -> bool:
    """Return True if no document has a sentence in both lists, as A or as B."""

    def documents(pairs: Sequence[SentencePair]) -> set[int]:
        return {d for pair in pairs for d in (pair.document_a, pair.document_b)}

    return not documents(train_pairs) & documents(test_pairs)


def _pairs_of(*documents: tuple[int, int], start: int = 0) -> list[SentencePair]:
    return [_pair(0 if a == b else 1, a, b, start + 10 * k) for k, (a, b) in enumerate(documents)]


no_shared_document = CodeExercise(
    name="no_shared_document",
    title="Is the split clean?",
    notebook=2,
    objectives=(5,),
    kind="implement",
    difficulty=2,
    importance=2,
    minutes=6,
    points=2,
    reference=no_shared_document_reference,
    cases=lambda rng: [
        InputCase((_pairs_of((0, 0), (0, 1)), _pairs_of((2, 2), (3, 2))), "documents 0 and 1 against 2 and 3"),
        InputCase((_pairs_of((1, 1), (1, 0)), _pairs_of((1, 1), (2, 2))), "the very same pair on both sides"),
        InputCase((_pairs_of((1, 1)), _pairs_of((1, 1), start=5)), "two pairs of one document, one on each side"),
        InputCase((_pairs_of((3, 3), (3, 4)), _pairs_of((3, 5), (5, 5), start=5)), "document 3 on both sides, as A"),
        InputCase(
            (_pairs_of((0, 0), (0, 5)), _pairs_of((2, 2), (3, 5), start=5)), "document 5 on both sides, as B only"
        ),
        InputCase(
            (_pairs_of((0, 0), (0, 4)), _pairs_of((4, 4), (2, 3), start=5)), "document 4 as B here and as A there"
        ),
        InputCase(
            (_pairs_of((3, 3), (6, 3)), _pairs_of((2, 2), (2, 6), start=5)), "document 6 as A here and as B there"
        ),
        InputCase(
            (_pairs_of((3, 5), (6, 4)), _pairs_of((3, 7), (8, 4), start=5)),
            "documents 3 and 4 on both sides, in different pairs",
        ),
        InputCase(
            (_pairs_of((1, 1), (7, 8)), _pairs_of((2, 2), (7, 8), start=5)),
            "documents 7 and 8 on both sides, in a NotNext pair",
        ),
        InputCase((_pairs_of((7, 8)), _pairs_of((8, 7), start=5)), "documents 7 and 8, and 8 and 7"),
        InputCase((_pairs_of((1, 1), (2, 1)), _pairs_of((4, 4), start=5)), "one test pair, nothing shared"),
    ],
    misconceptions=(
        Misconception(
            "a_only",
            lambda train, test: not {p.document_a for p in train} & {p.document_a for p in test},
            "You compare only where A comes from.",
            "where else in training could a test sentence have been read, besides in an A?",
        ),
        Misconception(
            "b_only",
            lambda train, test: not {p.document_b for p in train} & {p.document_b for p in test},
            "You compare only where B comes from.",
            "where else in training could a test sentence have been read, besides in a B?",
        ),
        Misconception(
            "a_with_a_b_with_b",
            lambda train, test: (
                not {p.document_a for p in train} & {p.document_a for p in test}
                and not {p.document_b for p in train} & {p.document_b for p in test}
            ),
            "You compare A with A and B with B, but not A with B.",
            "a document gave a B in training and an A in the test: do you notice?",
        ),
        Misconception(
            "turned_round",
            lambda train, test: not no_shared_document_reference(train, test),
            "Your answer is True exactly where it should be False.",
            "should a clean split give True or False?",
        ),
        Misconception(
            "is_next_pairs_only",
            lambda train, test: (
                not {p.document_a for p in train if p.label == 0} & {p.document_a for p in test if p.label == 0}
            ),
            "Only the IsNext pairs count in your sets.",
            "which documents give the sentences of a NotNext pair?",
        ),
        Misconception(
            "pairs_compared",
            lambda train, test: (
                not {(p.document_a, p.document_b) for p in train} & {(p.document_a, p.document_b) for p in test}
            ),
            "You look for pairs of documents that occur on both sides; a single shared document is enough for a leak.",
            "what are the elements of your sets?",
        ),
        Misconception(
            "sentences_compared",
            lambda train, test: not {p.sentence_a for p in train} & {p.sentence_a for p in test},
            "You compare the texts. Two sentences of one document differ, but the document is still shared.",
            "which fields say which document a sentence comes from?",
        ),
        Misconception(
            "sets_differ",
            lambda train, test: (
                {d for p in train for d in (p.document_a, p.document_b)}
                != {d for p in test for d in (p.document_a, p.document_b)}
            ),
            "You ask whether the two sets of documents differ; one document in common is enough for a leak.",
            "which operation gives what two sets have in common?",
        ),
        Misconception(
            "row_by_row",
            lambda train, test: (
                not any(
                    a.document_a in (b.document_a, b.document_b) or a.document_b in (b.document_a, b.document_b)
                    for a, b in zip(train, test, strict=False)
                )
            ),
            "You compare the first pair with the first, the second with the second, and so on.",
            "could the third training pair share a document with the first test pair?",
        ),
        Misconception(
            "both_shared",
            lambda train, test: (
                not (
                    {p.document_a for p in train} & {p.document_a for p in test}
                    and {p.document_b for p in train} & {p.document_b for p in test}
                )
            ),
            "You find a leak only if an A and a B are shared.",
            "is one shared document enough?",
        ),
        Misconception(
            "always_true",
            lambda train, test: True,
            "You find every split clean.",
            "for which two lists of pairs should your function return False?",
        ),
    ),
    hints=(
        "Make one set of documents for each list.",
        "Each pair puts two documents into its set: document_a and document_b.",
        "Two sets share nothing if their intersection, s & t, is empty.",
    ),
    takeaway="A document leaks through A and through B: collect both before you compare.",
)

critique_dataset = TextExercise(
    name="critique_dataset",
    title="Critique a data set",
    notebook=2,
    objectives=(5,),
    kind="critique",
    difficulty=3,
    importance=3,
    minutes=8,
    points=3,
    words=30,
    rubric=(
        Point(
            "B alone gives the label away: it is a recipe or news, so topic or style decides and nobody has to read A.",
            r"\bB('s words)?,? (alone|by itself|only)|words of B|without (reading |looking at |seeing |"
            r"needing )?A\b|(never|nobody|no one|not|n't) (has to |have to |needs? to )?(read|look|compare|"
            r"see)\w* (at )?A\b|no reading of A|topic|style|vocabulary|ignor\w+ A|about food|"
            r"recipe against news\w*|share (no |hardly )?words|leak|shortcut|(different|another|"
            r"other) (source|corpus|domain)",
            "could a model that never sees A score well on these pairs? How?",
            denied=True,
        ),
        Point(
            "A test: a classifier that sees B only, or B under a shuffled A, should be at chance.",
            r"(train|fit|build|try|test|count|vote|hide|cover|remove|drop|mask|replac|shuffl|"
            r"permut)\w*\b.{0,60}(\bB\b|\bA\b|only|alone|again|word|classif|bag)|B.only|at chance|near (99|"
            r"50)|baseline|bag.of.words|fall to",
            "which small experiment would show it?",
        ),
        Point(
            "A remedy: negatives from the same collection, each B used as a positive and as a negative (permuted).",
            r"permut|same (source|corpus|collection|site|domain|recipe|kind)|both (as|class|label)|twice|"
            r"(other|another|different|same) (\w+ )?recipe|from (the )?recipes|recipes too|(each|every) B",
            "where should the negatives come from instead?",
        ),
    ),
    traps=(
        Trap(
            "more_data",
            r"(needs?|get|collect|use|add) more (data|pairs|examples|recipes)",
            "More pairs of the same kind have the same leak. The number of pairs is not the problem.",
        ),
    ),
    model=(
        "B alone gives the label away: a recipe as B means IsNext and a newspaper sentence means NotNext, so "
        "topic and style decide and nobody has to read A. To show it, train a classifier that sees only B; on "
        "fair pairs it stays at chance, here it will come near 99 %. Draw the negatives from other recipes, "
        "and use every B twice, once where it belongs and once under another A (the permuted rule), so that B "
        "alone cannot tell."
    ),
    hints=(
        "Cover A with your hand. Can you still tell the label?",
        "Name the problem, a test that shows it, and a way to draw negatives that avoids it.",
        "Negatives should come from other recipes, and every B should be used with both labels.",
    ),
    takeaway="If one side alone reveals the label, the pair was never judged.",
)

EXERCISES = (
    make_pair,
    expected_is_next,
    longer_pairs,
    audit,
    which_trap,
    honest_baseline,
    no_shared_document,
    critique_dataset,
)
