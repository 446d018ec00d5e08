"""Exercises of notebook 08, the joint objective."""

import math
from dataclasses import dataclass

import numpy as np

from nsputil.checks.choice_exercise import ChoiceExercise, Option
from nsputil.checks.code_exercise import Case, CodeExercise
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
    tolerance=0.6,
    misconceptions=(
        Misconception(
            "all_of_them_masked",
            (450, 450, 0, 0),
            "The first is right. Not every chosen word shows [MASK].",
            "what would the model never see in use, if chosen always meant [MASK]?",
        ),
        Misconception(
            "shares_of_all_tokens",
            (450, 2400, 300, 300),
            "The first is right. The 80 and the two times 10 percent are shares of the chosen words, not of all.",
            "can more words show [MASK] than were chosen?",
        ),
        Misconception(
            "fifteen_percent_are_masks",
            (562.5, 450, 56.25, 56.25),
            "You took 15 percent as the share of [MASK]; it is the share of the chosen words.",
            "of which words does BERT ask what stood there?",
        ),
        Misconception(
            "one_row",
            (9, 7.2, 0.9, 0.9),
            "These are the numbers of one row.",
            "how many rows has the batch?",
        ),
        Misconception(
            "ninety_five_five",
            (450, 405, 22.5, 22.5),
            "The first is right. Of the rest you made 90, 5 and 5.",
            "which three percentages does the rule name?",
        ),
    ),
    hints=(
        "First how many words are chosen in a row, then in all rows, then the three shares of those.",
        "15 percent of 60, times 50 rows. Of these 80, 10 and 10 percent.",
        "9 a row, 450 in all; 0.8, 0.1 and 0.1 times 450.",
    ),
    takeaway="15 percent are asked for; 80, 10 and 10 are shares of these, so 12 percent of a text show [MASK].",
)


def hide_words_reference(ids, chosen, coin, other, mask_id):
    """Return (what the model sees, the words that stood at the chosen places, in reading order)."""
    ids = np.asarray(ids)
    shown = np.where(coin < 0.8, mask_id, np.where(coin < 0.9, ids, other))
    return np.where(chosen, shown, ids), ids[chosen]


def _hide_words_cases(rng):
    first = Case(
        (
            np.array([[11, 12, 13, 14]]),
            np.array([[True, True, True, False]]),
            np.array([[0.5, 0.85, 0.95, 0.1]]),
            np.array([[77, 78, 79, 80]]),
            4,
        ),
        "one row, with one coin for each fate",
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
        cases.append(Case((ids, chosen, coin, other, 4), f"{rows} rows of {length} words"))
    return cases


def _hide(replace=None, labels=None, everywhere=False):
    def answer(ids, chosen, coin, other, mask_id):
        shown = (replace or _hide_right)(ids, coin, other, mask_id)
        shown = shown if everywhere else np.where(chosen, shown, ids)
        return shown, labels(ids, shown, chosen) if labels else ids[chosen]

    return answer


def _hide_right(ids, coin, other, mask_id):
    return np.where(coin < 0.8, mask_id, np.where(coin < 0.9, ids, other))


def _hide_none_stays(ids, coin, other, mask_id):
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
    reference=hide_words_reference,
    cases=_hide_words_cases,
    misconceptions=(
        Misconception(
            "as_it_stood",
            _hide(_hide_none_stays, lambda ids, shown, chosen: shown[chosen]),
            "That is the function as it was found: two of its results are wrong.",
            "with a coin of 0.85, which word should be shown, and which is asked for?",
        ),
        Misconception(
            "labels_from_shown",
            _hide(labels=lambda ids, shown, chosen: shown[chosen]),
            "What is shown is right. But you ask for what is shown, [MASK] itself most of the time.",
            "when must the labels be read: before or after the words are hidden?",
        ),
        Misconception(
            "none_stays",
            _hide(_hide_none_stays),
            "No chosen word of yours is shown as it is: a fifth becomes a random word.",
            "what happens to a coin of 0.85?",
        ),
        Misconception(
            "none_random",
            _hide(lambda ids, coin, other, mask_id: np.where(coin < 0.8, mask_id, ids)),
            "No chosen word of yours becomes a random one.",
            "what happens to a coin of 0.95?",
        ),
        Misconception(
            "all_masked",
            _hide(lambda ids, coin, other, mask_id: np.full_like(ids, mask_id)),
            "Every chosen word of yours shows [MASK].",
            "what is the coin for?",
        ),
        Misconception(
            "unchosen_hidden",
            _hide(everywhere=True),
            "Words that were not chosen are changed, too, and nobody asks for them.",
            "in which lines does `chosen` have to stand?",
        ),
        Misconception(
            "edges",
            _hide(lambda ids, coin, other, mask_id: np.where(coin <= 0.8, mask_id, np.where(coin <= 0.9, ids, other))),
            "Right but for coins of exactly 0.8 or 0.9.",
            "to which side does the prompt count an edge?",
        ),
        Misconception(
            "labels_everywhere",
            _hide(labels=lambda ids, shown, chosen: ids),
            "Your labels are all words; only the chosen ones are asked for.",
            "how many labels must there be?",
        ),
    ),
    hints=(
        "There are three bugs: one in a condition, one in when something is read, one in what is overwritten.",
        "Work on a copy. Take the labels from what was passed in. Which coins leave a word as it is?",
        "shown = ids.copy(); [MASK] where coin < 0.8, other where coin >= 0.9; labels = ids[chosen].",
    ),
    takeaway="Labels are what stood there, whatever is shown. Read from the masked row they ask for [MASK].",
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
    misconceptions=(
        Misconception(
            "sum_for_mean",
            (57.0, _BY_PAIRS, _BY_TERMS),
            "The second and third are right. Your first is the sum of everything.",
            "how many hidden words share the 55, and how many pairs the 2?",
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
            "over how many words is the 55 summed?",
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
            "over how many words is the 55 summed?",
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
            "by four, or by fourteen: which is larger?",
        ),
    ),
    hints=(
        "A mean of ten, plus a mean of four.",
        "55/10 + 2/4. The other two have one denominator for both sums.",
        "55/10 + 2/4, then 57/4, then 57/14.",
    ),
    takeaway="Each mean its own denominator: then longer texts do not shift the weight between the tasks.",
)


def level_of_frequencies_reference(seen, asked, vocabulary_size):
    """Return the mean of -log share over the words asked for, shares counted in `seen` with one added to each."""
    counts = np.bincount(seen, minlength=vocabulary_size) + 1
    return float(-np.log(counts[asked] / counts.sum()).mean())


def _level_cases(rng):
    cases = [Case((np.array([0, 0, 1]), np.array([0, 2]), 3), "three words seen, two asked for")]
    for size, seen, asked in ((6, 30, 11), (40, 90, 25)):
        share = rng.dirichlet(np.full(size - 1, 0.7))
        words = rng.choice(size - 1, seen, p=share)
        wanted = np.append(rng.choice(size - 1, asked - 2, p=share), [size - 1, words[0]])  # the last was never seen
        cases.append(Case((words, wanted, size), f"{seen} words seen, {asked} asked for, a vocabulary of {size}"))
    return cases


def _level(charge=lambda p: -np.log(p), end=np.mean, counted=None, of=None):
    def answer(seen, asked, size):
        counts = np.bincount(counted(seen, asked) if counted else seen, minlength=size) + 1.0
        return end(charge(counts / counts.sum())[of(seen, asked) if of else asked])

    return answer


def _level_nothing_added(seen, asked, size):
    return -np.log(np.bincount(seen, minlength=size)[asked] / len(seen)).mean()


def _level_total_forgotten(seen, asked, size):
    return -np.log((np.bincount(seen, minlength=size)[asked] + 1) / len(seen)).mean()


def _level_entropy(seen, asked, size):
    p = (np.bincount(seen, minlength=size) + 1.0) / (len(seen) + size)
    return -(p * np.log(p)).sum()


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
            "A word that was never seen costs you infinity: the one that is added to each count is missing.",
            "what is the log of a share of 0?",
        ),
        Misconception(
            "total_forgotten",
            _level_total_forgotten,
            "You added one to each count, and divide by the number of words as it was before.",
            "what do your shares sum to?",
        ),
        Misconception(
            "entropy_of_seen",
            _level_entropy,
            "This is the entropy of the counted shares: what the words of that text itself would cost.",
            "whose words have to be paid for, those that were counted or those that are asked?",
        ),
        Misconception(
            "answers_counted",
            _level(counted=lambda seen, asked: asked),
            "You counted the words that are asked for: that is looking at the answers.",
            "what may a model know before it is asked?",
        ),
        Misconception(
            "texts_exchanged",
            _level(counted=lambda seen, asked: asked, of=lambda seen, asked: seen),
            "The two texts have changed places.",
            "in which of them do you count, and which has to be paid for?",
        ),
        Misconception(
            "each_word_once",
            _level(of=lambda seen, asked: np.unique(asked)),
            "A word that is asked for twice has to be paid for twice.",
            "over what is the mean: words of the text, or words of the vocabulary?",
        ),
        Misconception(
            "mean_of_probabilities",
            _level(charge=lambda p: p, end=lambda p: -np.log(p.mean())),
        ),
        Misconception("wrong_sign", _level(charge=np.log)),
        Misconception("log_base_2", _level(charge=lambda p: -np.log2(p))),
        Misconception("log_base_10", _level(charge=lambda p: -np.log10(p))),
        Misconception(
            "sum_for_mean",
            _level(end=np.sum),
            "You return the sum over the words; the mean is asked for.",
        ),
        Misconception(
            "perplexity",
            _level(end=lambda losses: np.exp(losses.mean())),
            "This is the perplexity, the exponential of the loss.",
            "what is the loss itself, in nats?",
        ),
        Misconception("no_log", _level(charge=lambda p: p)),
    ),
    hints=(
        "Counts, with one added to each; shares; the loss of each word asked for; their mean.",
        "counts = np.bincount(seen, minlength=vocabulary_size) + 1, and counts.sum() is what to divide by.",
        "share = counts / counts.sum(); the answer is the mean of -np.log(share[asked]).",
    ),
    takeaway="Only below this level does a masked-word loss show that the rest of the sentence was used.",
)


def huggingface_loss_reference(scores, labels, logits, next_labels):
    """Return the mean loss over the places whose label is not -100, plus the mean loss over the pairs."""
    labels = np.asarray(labels)
    asked = labels != -100
    return _nll(np.asarray(scores)[asked], labels[asked]).mean() + _nll(logits, next_labels).mean()


def _nll(z, labels):
    z = np.asarray(z, dtype=float)
    shifted = z - z.max(axis=-1, keepdims=True)
    rows = np.arange(len(z))
    return np.log(np.exp(shifted).sum(axis=-1)) - shifted[rows, np.asarray(labels, dtype=int)]


def _huggingface_cases(rng):
    cases = [
        Case(
            (np.array([[[0.0, 0.0], [5.0, 1.0]]]), np.array([[1, -100]]), np.array([[0.0, 0.0]]), np.array([0])),
            "one pair with two places, one of them asked for",
        )
    ]
    for batch, length, words, size in ((2, 5, 4, 1.0), (3, 6, 7, 1.5), (3, 4, 5, 900.0)):
        scores = size * rng.standard_normal((batch, length, words))
        labels = np.full((batch, length), -100)
        for row in range(batch):
            places = rng.permutation(length)[: row + 1 if row < batch - 1 else length - 1]
            labels[row, places] = rng.integers(0, words, len(places))
            labels[row, places[0]] = 0 if row == 0 else words - 1
        next_labels = np.arange(batch) % 2
        logits = size * rng.standard_normal((batch, 2)) + [0.7, 0]
        what = f"{batch} pairs with {length} places" + (" and scores of a thousand" if size > 100 else "")
        cases.append(Case((scores, labels, logits, next_labels), what))
    return cases


def _both(words=np.mean, pairs=np.mean, nll=_nll, end=lambda w, p: w + p, flip=False):
    def answer(scores, labels, logits, next_labels):
        asked = labels != -100
        found = nll(scores[asked], labels[asked]), nll(logits, 1 - next_labels if flip else next_labels)
        return end(words(found[0]), pairs(found[1]))

    return answer


def _both_with_places(count):
    def answer(scores, labels, logits, next_labels):
        asked = labels != -100
        return _nll(scores[asked], labels[asked]).sum() / count(labels) + _nll(logits, next_labels).mean()

    return answer


def _both_row_means(scores, labels, logits, next_labels):
    rows = [_nll(s[y != -100], y[y != -100]).mean() for s, y in zip(scores, labels, strict=True)]
    return np.mean(rows) + _nll(logits, next_labels).mean()


def _both_word_0(scores, labels, logits, next_labels):
    filled = np.where(labels == -100, 0, labels)
    return _nll(scores.reshape(-1, scores.shape[-1]), filled.ravel()).mean() + _nll(logits, next_labels).mean()


def _both_off_by_one(scores, labels, logits, next_labels):
    counted_from_one = np.where(labels == -100, -100, (labels - 1) % scores.shape[-1])
    return huggingface_loss_reference(scores, counted_from_one, logits, next_labels)


def _both_zero_ignored(scores, labels, logits, next_labels):
    return _nll(scores[labels > 0], labels[labels > 0]).mean() + _nll(logits, next_labels).mean()


def _twice(z, labels):
    return _nll(np.exp(z - np.logaddexp.reduce(z, axis=-1)[:, None]), labels)


def _by_division(z, labels):
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
    reference=huggingface_loss_reference,
    cases=_huggingface_cases,
    misconceptions=(
        Misconception(
            "ignored_as_word_0",
            _both_word_0,
            "You ask for word 0 wherever nothing is asked for.",
            "what does a label of -100 mean?",
        ),
        Misconception(
            "zero_ignored",
            _both_zero_ignored,
            "You leave out label 0, too. It is a word of the vocabulary like any other.",
            "which number marks a place that is not asked for, and only that?",
        ),
        Misconception(
            "divided_by_all_places",
            _both_with_places(np.size),
            "You divide the words by all places; only those asked for count.",
            "what happens to your loss if a row gets more places that nobody asks for?",
        ),
        Misconception(
            "mean_of_row_means",
            _both_row_means,
            "You take a mean for each row and then the mean of those.",
            "does a word weigh the same in a row with one question and in a row with four?",
        ),
        Misconception(
            "divided_by_pairs",
            _both_with_places(len),
            "You divide the words by the number of pairs.",
            "over how many words did you sum?",
        ),
        Misconception(
            "one_mean",
            _both(
                words=lambda losses: losses,
                pairs=lambda losses: losses,
                end=lambda w, p: np.concatenate([w, p]).mean(),
            ),
            "This is one mean over words and pairs together.",
            "how much does a pair weigh beside five hundred words?",
        ),
        Misconception(
            "words_only",
            _both(end=lambda w, p: w),
            "The pairs are missing.",
            "which two tasks does the loss add?",
        ),
        Misconception(
            "pairs_only",
            _both(end=lambda w, p: p),
            "The words are missing.",
            "which two tasks does the loss add?",
        ),
        Misconception(
            "mean_of_the_two",
            _both(end=lambda w, p: (w + p) / 2),
            "You average the two losses; they are added.",
            "what is the level of a model that knows nothing: ln V + ln 2, or half of that?",
        ),
        Misconception("label_one_is_next", _both(flip=True)),
        Misconception("off_by_one_labels", _both_off_by_one),
        Misconception("wrong_sign", _both(end=lambda w, p: -w - p)),
        Misconception("log_base_2", _both(end=lambda w, p: (w + p) / math.log(2))),
        Misconception("sum_for_mean", _both(np.sum, np.sum), "You add up all losses; each task has its mean."),
        Misconception(
            "words_summed",
            _both(words=np.sum),
            "The pairs are averaged, the words are only added up.",
            "what happens to your number if every row stands in the batch twice?",
        ),
        Misconception("double_softmax", _both(nll=_twice)),
        Misconception("unstable_exp", _both(nll=_by_division)),
    ),
    hints=(
        "A mask of the places that are asked for makes two dimensions of three: scores[asked] has a row for each.",
        "Write one small function for -log softmax at a label, and use it for words and for pairs.",
        "asked = labels != -100; mean of f(scores[asked], labels[asked]) plus mean of f(logits, next_labels).",
    ),
    takeaway="-100 leaves a place out of the sum and of the count. Label 0 is a class, here as in the pairs.",
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
        "The cells below train both tasks twice, really and now. In each training *one* thing was changed, and not the "
        "same one. A colleague has seen the totals only and wants to stop B. Which statements do figure and table "
        "support? Choose all that apply."
    ),
    options=(
        Option(
            "A is the healthier one: its total falls by more than a nat and a half.",
            "By what? The words alone can give all of that, and more, without any reading.",
        ),
        Option(
            "In A the pairs are not learned at all.",
            "Yes: it ends at ln 2 or above, and at an accuracy of one half.",
            right=True,
        ),
        Option(
            "In B nothing is learned, for its total hardly moves.",
            "Look at the pairs of B. A tenth of a nat is little in a sum of nearly nine, and much of 0.69.",
        ),
        Option(
            "In B the pairs are learned, and nothing pulls at the words.",
            "Yes: words stay at or above ln V, as in a model that is never asked for them.",
            right=True,
        ),
        Option(
            "A's words end near the level of the frequencies: it may hardly use the rest of the sentence.",
            "Yes: counting alone gives that level. Only well below it reading is proved.",
            right=True,
        ),
        Option(
            "B needs a smaller learning rate: a loss above ln V means that the training is unstable.",
            "Above ln V is where random scores start. Unstable curves jump; these are as calm as A's.",
        ),
        Option(
            "For A one looks next at whether each B really follows its A.",
            "Yes: the words show that encoder, gradient and optimizer work. What is left is the bond of A and B.",
            right=True,
        ),
    ),
    hints=(
        "Give every number its own reference line: words ln V and the frequencies, pairs ln 2.",
        "Which task can fall by at most 0.69? Then the total is blind to it.",
        "Four are supported: two about A, one about B, one about what to do next.",
    ),
    takeaway="Read each task beside its own levels: the total shows the larger number, and hides the other.",
)


@dataclass(frozen=True)
class Told:
    """Stands for a model in the check: it says what a table says."""

    table: dict

    def predict(self, sentence_a, sentence_b):
        """Return what the table says for these two sentences."""
        p = self.table[sentence_a, sentence_b]
        return Prediction(p, -math.log(p), -math.log(1 - p))


def order_known_reference(model, pairs):
    """Return the fraction of pairs that the model prefers in their true order; a tie counts one half."""
    gaps = [model.predict(a, b).p_is_next - model.predict(b, a).p_is_next for a, b in pairs]
    return float(np.mean([(gap > 0) + (gap == 0) / 2 for gap in gaps]))


def _told(rows):
    table, pairs = {}, []
    for number, (forward, back) in enumerate(rows):
        a, b = f"This is sentence {number}.", f"And it goes on with {number}."
        table |= {(a, b): forward, (b, a): back}
        pairs.append((a, b))
    return Told(table), pairs


def _order_known_cases(rng):
    cases = [Case(_told([(0.9, 0.8), (0.6, 0.7), (0.4, 0.2), (0.3, 0.2), (0.5, 0.5)]), "five pairs, one of them a tie")]
    for count in (6, 11):
        rows = [(float(p), float(q)) for p, q in rng.uniform(0.05, 0.95, (count, 2))]
        rows += [(0.5, 0.5), (0.75, 0.75), (0.3, 0.1), (0.35, 0.2), (0.9, 0.95)]
        cases.append(Case(_told(rows), f"{len(rows)} pairs, two of them ties"))
    return cases


def _order(compare):
    def answer(model, pairs):
        return np.mean([compare(model.predict(a, b).p_is_next, model.predict(b, a).p_is_next) for a, b in pairs])

    return answer


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
            "A tie counts nothing in your result.",
            "what would a model get that cannot tell the order at all, and always gives both the same?",
        ),
        Misconception(
            "ties_won",
            _order(lambda p, q: p >= q),
            "A tie counts as a success in your result.",
            "what would a model get that cannot tell the order at all, and always gives both the same?",
        ),
        Misconception(
            "order_turned_round",
            _order(lambda p, q: (p < q) + (p == q) / 2),
            "You count the pairs whose wrong order is preferred.",
            "for which order should the probability be higher?",
        ),
        Misconception(
            "accuracy",
            _order(lambda p, q: p > 0.5),
            "This is the accuracy on true pairs; the other order does not count in it.",
            "what if the model says IsNext to everything?",
        ),
        Misconception(
            "right_both_ways",
            _order(lambda p, q: p > 0.5 > q),
            "You want IsNext for the one order and NotNext for the other. Asked for is only which is higher.",
            "a model says 0.9 and 0.8: which order does it prefer?",
        ),
        Misconception(
            "mean_gap",
            _order(lambda p, q: p - q),
            "This is the mean distance of the two probabilities; a fraction of pairs is asked for.",
            "may one pair with a large distance make up for three wrong ones?",
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
            "These are percent; a fraction is asked for.",
            "between which numbers does a fraction lie?",
        ),
    ),
    hints=(
        "Ask the model twice for each pair: as it is, and turned round.",
        "model.predict(a, b).p_is_next against model.predict(b, a).p_is_next. Three things can happen.",
        "Add 1 if the first is larger, 0.5 if they are equal; divide by len(pairs).",
    ),
    takeaway=(
        "A design that needs no NotNext pairs: each pair is its own control, so topic and common words cannot help. "
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
            "It starts where a model starts that knows nothing: ln V + ln 2.",
            r"ln ?V|log ?V|ln ?\(?30|log ?\(?30|10\.3|11\.0|start|uniform|knows? nothing|know nothing",
            "what does a model pay for words and pair when it knows nothing?",
        ),
        Point(
            "A fall of three nats in the words can come from their frequencies alone.",
            r"frequen|how often|common words|count",
            "what could be learned about the words without reading a single sentence?",
        ),
        Point(
            "The pairs can give 0.69 nats at most, so the total says nothing about them.",
            r"0\.69|0\.7\b|ln ?2|log ?2|at most|small part|tiny|drown|hid(e|den)|lost in",
            "by how much can the loss of the pairs fall at all?",
        ),
        Point(
            "Ask for both losses apart, each beside its own level, on held-out text.",
            r"apart|separate|each (task|loss|of)|both losses|two curves|on its own|alone|individual",
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
            "A larger loss is not a worse one: the words have 30,522 classes, the pairs two.",
        ),
    ),
    hints=(
        "Compute ln 30522 and ln 2. Where does the log begin?",
        "Of a fall of three nats: how much could the frequencies of words give, how much the pairs at most?",
        "Start; words by frequency; pairs at most 0.69; so ask for the two apart, each with its own line.",
    ),
    takeaway="A fall without its reference line is no news: log the two losses apart.",
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
