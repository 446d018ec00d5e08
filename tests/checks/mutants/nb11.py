"""Answers to the exercises of notebook 11 as learners write them. See nb01.py."""

from collections import defaultdict

import numpy as np

# --- order_pairs(sentences, swap) ------------------------------------------------------------------------------------


def pairs_by_index(sentences, swap):
    made = []
    for i in range(len(sentences) - 1):
        first, second = sentences[i], sentences[i + 1]
        if swap[i]:
            first, second = second, first
        made.append((first, second, int(swap[i])))
    return made


def pairs_by_slices(sentences, swap):
    return [(s[k], s[1 - k], k) for s, k in zip(zip(sentences, sentences[1:]), map(int, swap))]  # noqa: B905


def pairs_as_lists(sentences, swap):
    made, before = [], None
    for sentence in sentences:
        if before is not None:
            exchanged = swap[len(made)]
            made.append([sentence, before, 1] if exchanged else [before, sentence, 0])
        before = sentence
    return made


def pairs_with(a, b, label, count=lambda n: range(n - 1)):
    def answer(sentences, swap):
        return [(sentences[i + a(swap[i])], sentences[i + b(swap[i])], label(swap[i])) for i in count(len(sentences))]

    return answer


def pairs_without_the_last(sentences, swap):
    return pairs_by_index(sentences, swap)[:-1]


def pairs_of_both_orders(sentences, swap):
    made = []
    for a, b in zip(sentences, sentences[1:], strict=False):
        made += [(a, b, 0), (b, a, 1)]
    return made


def pairs_without_labels(sentences, swap):
    return [(a, b) for a, b, _ in pairs_by_index(sentences, swap)]


def pairs_moved_along(sentences, swap):
    text = sentences[:]
    made = []
    for i, s in enumerate(swap):
        if s:
            text[i : i + 2] = text[i + 1], text[i]
        made.append((*text[i : i + 2], 1 if s else 0))
    return made


def pairs_round_the_end(sentences, swap):
    made = pairs_by_index(sentences, swap)
    return [*made, (sentences[-1], sentences[0], 0)]


# --- length_table(train_lengths, train_labels, test_lengths, test_labels) --------------------------------------------


def table_by_dictionary(train_lengths, train_labels, test_lengths, test_labels):
    votes = defaultdict(int)
    for n, y in zip(train_lengths, train_labels):  # noqa: B905
        votes[int(n)] += 1 if y else -1
    right = 0
    for n, y in zip(test_lengths, test_labels):  # noqa: B905
        right += (1 if votes.get(int(n), 0) > 0 else 0) == y
    return right / len(test_lengths)


def table_by_masks(train_lengths, train_labels, test_lengths, test_labels):
    said = np.zeros(len(test_labels), int)
    for n in np.unique(train_lengths):
        said[test_lengths == n] = train_labels[train_lengths == n].mean() > 0.5
    return (said == test_labels).mean()


def table_by_bincount(train_lengths, train_labels, test_lengths, test_labels):
    size = max(train_lengths.max(), test_lengths.max()) + 1
    score = np.bincount(train_lengths, np.where(train_labels == 1, 1, -1), minlength=size)
    return float(np.mean((score[test_lengths] > 0).astype(int) == test_labels))


def table_ties_up(train_lengths, train_labels, test_lengths, test_labels):
    said = np.zeros(len(test_labels), int)
    for n in np.unique(train_lengths):
        said[test_lengths == n] = train_labels[train_lengths == n].mean() >= 0.5
    return (said == test_labels).mean()


def table_new_is_one(train_lengths, train_labels, test_lengths, test_labels):
    said = np.ones(len(test_labels), int)
    for n in np.unique(train_lengths):
        said[test_lengths == n] = train_labels[train_lengths == n].mean() > 0.5
    return (said == test_labels).mean()


def table_both_one(train_lengths, train_labels, test_lengths, test_labels):
    said = np.ones(len(test_labels), int)
    for n in np.unique(train_lengths):
        said[test_lengths == n] = train_labels[train_lengths == n].mean() >= 0.5
    return (said == test_labels).mean()


def table_last_label(train_lengths, train_labels, test_lengths, test_labels):
    last = dict(zip(train_lengths.tolist(), train_labels.tolist(), strict=True))
    return np.mean([last.get(n, 0) == y for n, y in zip(test_lengths.tolist(), test_labels, strict=True)])


def table_new_is_usual(train_lengths, train_labels, test_lengths, test_labels):
    said = np.full(len(test_labels), int(train_labels.mean() > 0.5))
    for n in np.unique(train_lengths):
        said[test_lengths == n] = train_labels[train_lengths == n].mean() > 0.5
    return (said == test_labels).mean()


def table_new_is_skipped(train_lengths, train_labels, test_lengths, test_labels):
    right = []
    for n, y in zip(test_lengths, test_labels, strict=True):
        if n in train_lengths:
            right.append(int(train_labels[train_lengths == n].mean() > 0.5) == y)
    return sum(right) / len(right)


def table_nearer_mean(train_lengths, train_labels, test_lengths, test_labels):
    means = np.array([train_lengths[train_labels == y].mean() for y in (0, 1)])
    said = np.abs(test_lengths[:, None] - means).argmin(axis=1)
    return (said == test_labels).mean()


# --- paired_gain(with_nsp, without, documents) -----------------------------------------------------------------------


def gain_by_loop(with_nsp, without, documents):
    difference = [[int(a) - int(b) for a, b in zip(x, y)] for x, y in zip(with_nsp, without)]  # noqa: B905
    seeds = [sum(row) / len(row) for row in difference]
    above = 0
    for name in set(documents.tolist()):
        total = sum(d for row in difference for d, own in zip(row, documents) if own == name)  # noqa: B905
        above += total > 0
    return sum(seeds) / len(seeds), min(seeds), above / len(set(documents.tolist()))


def gain_by_means(with_nsp, without, documents):
    better = with_nsp.mean(axis=1) - without.mean(axis=1)
    names = np.unique(documents)
    shares = [with_nsp[:, documents == n].sum() > without[:, documents == n].sum() for n in names]
    return [better.mean(), better.min(), np.mean(shares)]


def gain_by_bincount(with_nsp, without, documents):
    d = with_nsp.astype(int) - without.astype(int)
    _, index = np.unique(documents, return_inverse=True)
    sums = np.bincount(index, d.sum(axis=0))
    return np.array([d.mean(), d.mean(axis=1).min(), np.mean(sums > 0)])


def gain_with(first, second, third):
    def answer(with_nsp, without, documents):
        d = with_nsp.astype(float) - without.astype(float)
        sums = np.array([d[:, documents == n].sum() for n in np.unique(documents)])
        return first(d), second(d), third(d, sums)

    return answer


def gain_turned(with_nsp, without, documents):
    return gain_by_means(without, with_nsp, documents)


def gain_by_xor(with_nsp, without, documents):
    return gain_by_means(with_nsp ^ without, np.zeros_like(without), documents)


def gain_of_the_first_seed(with_nsp, without, documents):
    everything, smallest, _ = gain_by_means(with_nsp, without, documents)
    return everything, smallest, gain_by_means(with_nsp[:1], without[:1], documents)[2]


def gain_of_truth_values(with_nsp, without, documents):
    d = with_nsp - without
    return d.mean(), d.mean(axis=1).min(), np.mean([d[:, documents == n].mean() > 0 for n in np.unique(documents)])


def gain_by_document(what):
    def answer(with_nsp, without, documents):
        everything, smallest, above = gain_by_means(with_nsp, without, documents)
        d = with_nsp.astype(float) - without
        table = np.array([d[:, documents == n].mean(axis=1) for n in np.unique(documents)])
        if what == "smallest":
            return everything, table.mean(axis=1).min(), above
        return everything, smallest, np.mean([row.min() > 0 for row in table])

    return answer


mean, worst = (lambda d: d.mean()), (lambda d: d.mean(axis=1).min())
share = lambda d, sums: (sums > 0).mean()  # noqa: E731

RIGHT = {
    "order_pairs": [pairs_by_index, pairs_by_slices, pairs_as_lists],
    "length_table": [table_by_dictionary, table_by_masks, table_by_bincount],
    "paired_gain": [gain_by_loop, gain_by_means, gain_by_bincount],
}

WRONG = {
    "order_pairs": [
        ("labels_turned", pairs_with(int, lambda s: 1 - s, lambda s: 1 - int(s))),
        ("texts_not_exchanged", pairs_with(lambda s: 0, lambda s: 1, int)),
        ("label_forgotten", pairs_with(int, lambda s: 1 - s, lambda s: 0)),
        ("kept_for_exchanged", pairs_with(lambda s: 1 - s, int, lambda s: 1 - int(s))),
        ("every_second_pair", pairs_with(int, lambda s: 1 - s, int, lambda n: range(0, n - 1, 2))),
        ("last_pair_missing", pairs_without_the_last),
        ("both_orders", pairs_of_both_orders),
        ("moved_along", pairs_moved_along),
        ("", pairs_without_labels),
        ("", pairs_round_the_end),
    ],
    "length_table": [
        ("ties_to_one", table_ties_up),
        ("unseen_to_one", table_new_is_one),
        ("both_to_one", table_both_one),
        ("last_label", table_last_label),
        ("unseen_by_prior", table_new_is_usual),
        ("unseen_left_out", table_new_is_skipped),
        ("one_threshold", table_nearer_mean),
        ("tested_on_training", lambda a, b, c, d: table_by_masks(a, b, a, b)),
        ("table_of_test", lambda a, b, c, d: table_by_masks(c, d, c, d)),
        ("share_of_mistakes", lambda a, b, c, d: 1 - table_by_masks(a, b, c, d)),
        ("count_of_right", lambda a, b, c, d: table_by_masks(a, b, c, d) * len(d)),
        ("", lambda a, b, c, d: np.mean(d)),
    ],
    "paired_gain": [
        ("without_minus_with", gain_turned),
        ("best_seed", gain_with(mean, lambda d: d.mean(axis=1).max(), share)),
        ("smallest_of_a_pair", gain_with(mean, lambda d: d.mean(axis=0).min(), share)),
        ("ties_won", gain_with(mean, worst, lambda d, sums: (sums >= 0).mean())),
        ("count_of_documents", gain_with(mean, worst, lambda d, sums: (sums > 0).sum())),
        ("pairs_for_documents", gain_with(mean, worst, lambda d, sums: (d.sum(axis=0) > 0).mean())),
        ("", gain_with(lambda d: d.sum(), worst, share)),
        ("changes_counted", gain_by_xor),
        ("smallest_change", gain_with(mean, lambda d: abs(d.mean(axis=1)).min(), share)),
        ("first_seed_only", gain_of_the_first_seed),
        ("smallest_of_a_document", gain_by_document("smallest")),
        ("in_every_seed", gain_by_document("every seed")),
        ("", gain_with(lambda d: np.median(d.mean(axis=1)), worst, share)),
        ("", gain_of_truth_values),
    ],
}
