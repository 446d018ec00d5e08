"""Answers to the exercises of notebook 08 as learners write them; written before the bank. See nb01.py."""

import math
from collections import Counter

import numpy as np

# --- hide_words(ids, chosen, coin, other, mask_id) -------------------------------------------------------------------


def hide_by_loop(ids, chosen, coin, other, mask_id):
    shown, labels = [], []
    for i, row in enumerate(ids):
        line = []
        for j, word in enumerate(row):
            if chosen[i][j]:
                labels.append(int(word))
                if coin[i][j] < 0.8:
                    word = mask_id
                elif coin[i][j] >= 0.9:
                    word = other[i][j]
            line.append(int(word))
        shown.append(line)
    return shown, labels


def hide_by_where(ids, chosen, coin, other, mask_id):
    replaced = np.where(coin < 0.8, mask_id, np.where(coin < 0.9, ids, other))
    return np.where(chosen, replaced, ids), ids[chosen]


def hide_on_a_copy(ids, chosen, coin, other, mask_id):
    shown = ids.copy()
    shown[chosen & (coin < 0.8)] = mask_id
    swapped = np.nonzero(chosen & (coin >= 0.9))
    shown[swapped] = other[swapped]
    return [shown.astype(np.float32), ids[np.nonzero(chosen)]]


def hide_as_it_stood(ids, chosen, coin, other, mask_id):
    shown = ids
    shown[chosen & (coin < 0.8)] = mask_id
    random = chosen & (coin >= 0.8)
    shown[random] = other[random]
    return shown, shown[chosen]


def hide_in_place(ids, chosen, coin, other, mask_id):
    labels = ids[chosen]
    ids[chosen & (coin < 0.8)] = mask_id
    random = chosen & (coin >= 0.9)
    ids[random] = other[random]
    return ids, labels


def hide_labels_late(ids, chosen, coin, other, mask_id):
    shown, _ = hide_by_where(ids, chosen, coin, other, mask_id)
    return shown, shown[chosen]


def hide_unchosen_too(ids, chosen, coin, other, mask_id):
    return np.where(coin < 0.8, mask_id, np.where(coin < 0.9, ids, other)), ids[chosen]


def hide_second_overwrites_first(ids, chosen, coin, other, mask_id):
    shown = ids.copy()
    shown[chosen & (coin < 0.8)] = mask_id
    random = chosen & (coin < 0.9)
    shown[random] = other[random]
    return shown, ids[chosen]


def hide_with(replace, labels=lambda ids, chosen: ids[chosen]):
    def answer(ids, chosen, coin, other, mask_id):
        return np.where(chosen, replace(ids, coin, other, mask_id), ids), labels(ids, chosen)

    return answer


# --- level_of_frequencies(seen, asked, vocabulary_size) --------------------------------------------------------------


def level_by_counter(seen, asked, vocabulary_size):
    counts = Counter(int(word) for word in seen)
    total = len(seen) + vocabulary_size
    return sum(-math.log((counts[int(word)] + 1) / total) for word in asked) / len(asked)


def level_by_bincount(seen, asked, vocabulary_size):
    share = (np.bincount(seen, minlength=vocabulary_size) + 1) / (len(seen) + vocabulary_size)
    return -np.mean(np.log(share)[asked])


def level_by_difference_of_logs(seen, asked, vocabulary_size):
    counts = np.ones(vocabulary_size, np.float32)
    np.add.at(counts, seen, 1)
    return math.log(counts.sum()) - float(np.log(counts[asked]).mean())


def level_weighted_by_asked(seen, asked, vocabulary_size):
    p = (np.bincount(seen, minlength=vocabulary_size) + 1.0) / (len(seen) + vocabulary_size)
    q = np.bincount(asked, minlength=vocabulary_size) / len(asked)
    return -(q * np.log(p)).sum()


def level_of_seen(seen, asked, vocabulary_size):
    p = (np.bincount(seen, minlength=vocabulary_size) + 1.0) / (len(seen) + vocabulary_size)
    return -(p * np.log(p)).sum()


def level_without_one_more(seen, asked, vocabulary_size):
    p = np.bincount(seen, minlength=vocabulary_size) / len(seen)
    with np.errstate(divide="ignore"):
        return -np.log(p[asked]).mean()


def level_wrong_total(seen, asked, vocabulary_size):
    p = (np.bincount(seen, minlength=vocabulary_size) + 1) / len(seen)
    return -np.log(p[asked]).mean()


def level_once_each(seen, asked, vocabulary_size):
    p = (np.bincount(seen, minlength=vocabulary_size) + 1) / (len(seen) + vocabulary_size)
    return -np.log(p[sorted(set(asked.tolist()))]).mean()


def level_of_words_seen_only(seen, asked, vocabulary_size):
    p = (np.bincount(seen, minlength=vocabulary_size) + 1) / (len(seen) + len(set(seen.tolist())))
    return -np.log(p[asked]).mean()


# --- huggingface_loss(scores, labels, logits, next_labels) -----------------------------------------------------------


def log_probs(z):
    z = np.asarray(z, np.float64)
    return z - z.max(-1, keepdims=True) - np.log(np.exp(z - z.max(-1, keepdims=True)).sum(-1, keepdims=True))


def both_by_loop(scores, labels, logits, next_labels):
    words = []
    for i in range(len(labels)):
        for j in range(len(labels[i])):
            if labels[i][j] != -100:
                words.append(-log_probs(scores[i][j])[labels[i][j]])
    pairs = [-log_probs(row)[label] for row, label in zip(logits, next_labels, strict=True)]
    return sum(words) / len(words) + sum(pairs) / len(pairs)


def both_by_flat(scores, labels, logits, next_labels):
    kept = labels.ravel() != -100
    table = log_probs(scores.reshape(-1, scores.shape[-1]))[kept]
    words = -table[np.arange(kept.sum()), labels.ravel()[kept]].mean()
    log_odds = logits[:, 0] - logits[:, 1]
    return words + np.logaddexp(0, np.where(next_labels == 0, -log_odds, log_odds)).mean()


def both_by_masked_mean(scores, labels, logits, next_labels):
    asked = labels >= 0
    index = np.where(asked, labels, 0)[..., None]
    losses = -np.take_along_axis(log_probs(scores), index, axis=-1)[..., 0]
    pairs = -np.take_along_axis(log_probs(logits), next_labels[:, None], axis=1)
    return np.float32((losses * asked).sum() / asked.sum() + pairs.mean())


def word_losses(scores, labels):
    kept = labels != -100
    return -log_probs(scores[kept])[np.arange(kept.sum()), labels[kept]]


def pair_losses(logits, next_labels):
    return -log_probs(logits)[np.arange(len(logits)), next_labels]


def both_ignored_as_word_0(scores, labels, logits, next_labels):
    filled = np.where(labels == -100, 0, labels)
    return word_losses(scores, filled).mean() + pair_losses(logits, next_labels).mean()


def both_all_places(scores, labels, logits, next_labels):
    return word_losses(scores, labels).sum() / labels.size + pair_losses(logits, next_labels).mean()


def both_mean_of_rows(scores, labels, logits, next_labels):
    rows = [word_losses(s, y).mean() for s, y in zip(scores, labels, strict=True)]
    return np.mean(rows) + pair_losses(logits, next_labels).mean()


def both_by_batch(scores, labels, logits, next_labels):
    return (word_losses(scores, labels).sum() + pair_losses(logits, next_labels).sum()) / len(logits)


def both_one_mean(scores, labels, logits, next_labels):
    return np.concatenate([word_losses(scores, labels), pair_losses(logits, next_labels)]).mean()


def both_direct_index(scores, labels, logits, next_labels):
    """-100 counts from the end in Python, which ends in an IndexError for a small vocabulary."""
    table = log_probs(scores)
    rows, places = np.indices(labels.shape)
    return -table[rows, places, labels].mean() + pair_losses(logits, next_labels).mean()


def both_counting_from_one(scores, labels, logits, next_labels):
    total, count = 0.0, 0
    for i, j in zip(*np.nonzero(labels + 100), strict=True):
        total -= log_probs(scores[i, j])[labels[i, j] - 1]
        count += 1
    return total / count + pair_losses(logits, next_labels).mean()


def both_zero_is_padding(scores, labels, logits, next_labels):
    kept = labels > 0
    table = log_probs(scores[kept])
    words = -table[np.arange(kept.sum()), labels[kept]].mean()
    return words + pair_losses(logits, next_labels).mean()


# --- order_known(model, pairs) ---------------------------------------------------------------------------------------


def order_by_loop(model, pairs):
    score = 0
    for a, b in pairs:
        right, wrong = model.predict(a, b).p_is_next, model.predict(b, a).p_is_next
        if right > wrong:
            score += 1
        elif right == wrong:
            score += 0.5
    return score / len(pairs)


def order_by_sign(model, pairs):
    differences = [model.predict(a, b).p_is_next - model.predict(b, a).p_is_next for a, b in pairs]
    return (1 + np.sign(differences)).mean() / 2


def order_by_losses(model, pairs):
    forward = np.array([model.predict(*pair).loss_if_next for pair in pairs])
    back = np.array([model.predict(*pair[::-1]).loss_if_next for pair in pairs])
    return np.float32((np.mean(forward < back) + np.mean(forward <= back)) / 2)


def order_with(compare):
    def answer(model, pairs):
        rows = [(model.predict(a, b), model.predict(b, a)) for a, b in pairs]
        return sum(compare(forward, back) for forward, back in rows) / len(pairs)

    return answer


RIGHT = {
    "hide_words": [hide_by_loop, hide_by_where, hide_on_a_copy],
    "level_of_frequencies": [
        level_by_counter,
        level_by_bincount,
        level_by_difference_of_logs,
        level_weighted_by_asked,
    ],
    "huggingface_loss": [both_by_loop, both_by_flat, both_by_masked_mean],
    "order_known": [order_by_loop, order_by_sign, order_by_losses],
}

WRONG = {
    "hide_words": [
        ("as_found", hide_as_it_stood),
        ("mutates_input", hide_in_place),
        ("labels_from_shown", hide_labels_late),
        ("unchosen_hidden", hide_unchosen_too),
        ("", hide_second_overwrites_first),
        ("none_stays", hide_with(lambda ids, coin, other, mask: np.where(coin < 0.8, mask, other))),
        ("none_random", hide_with(lambda ids, coin, other, mask: np.where(coin < 0.8, mask, ids))),
        ("all_masked", hide_with(lambda ids, coin, other, mask: mask)),
        ("", hide_with(lambda ids, coin, other, mask: np.where(coin < 0.1, mask, np.where(coin < 0.9, ids, other)))),
        (
            "edges",
            hide_with(lambda ids, coin, other, mask: np.where(coin > 0.9, other, np.where(coin > 0.8, ids, mask))),
        ),
        (
            "shares_exchanged",
            hide_with(lambda ids, c, other, mask: np.where(c < 0.8, mask, np.where(c < 0.9, other, ids))),
        ),
        ("labels_everywhere", lambda *a: (hide_by_where(*a)[0], a[0])),
        ("", lambda *a: (hide_by_where(*a)[0], np.where(a[1], a[0], -100))),
        ("", lambda *a: hide_by_where(*a)[0]),
    ],
    "level_of_frequencies": [
        ("entropy_of_seen", level_of_seen),
        ("nothing_added", level_without_one_more),
        ("total_forgotten", level_wrong_total),
        ("each_word_once", level_once_each),
        ("", level_of_words_seen_only),
        ("all_words_alike", lambda seen, asked, size: math.log(size)),
        ("log_base_2", lambda seen, asked, size: level_by_counter(seen, asked, size) / math.log(2)),
        ("wrong_sign", lambda seen, asked, size: -level_by_counter(seen, asked, size)),
        ("sum_for_mean", lambda seen, asked, size: level_by_counter(seen, asked, size) * len(asked)),
        ("perplexity", lambda seen, asked, size: math.exp(level_by_counter(seen, asked, size))),
        ("answers_counted", lambda seen, asked, size: level_by_counter(asked, asked, size)),
        ("texts_exchanged", lambda seen, asked, size: level_by_counter(asked, seen, size)),
        (
            "mean_of_probabilities",
            lambda seen, asked, size: (
                -math.log(np.mean((np.bincount(seen, minlength=size)[asked] + 1) / (len(seen) + size)))
            ),
        ),
        ("", lambda seen, asked, size: level_by_counter(np.concatenate([seen, asked]), asked, size)),
        ("", lambda seen, asked, size: -np.log((np.bincount(seen, minlength=size)[asked] + 1e-9) / len(seen)).mean()),
    ],
    "huggingface_loss": [
        ("ignored_as_word_0", both_ignored_as_word_0),
        ("divided_by_all_positions", both_all_places),
        ("mean_of_row_means", both_mean_of_rows),
        ("divided_by_pairs", both_by_batch),
        ("one_mean", both_one_mean),
        ("", both_direct_index),
        ("zero_ignored", both_zero_is_padding),
        ("off_by_one_labels", both_counting_from_one),
        ("words_only", lambda s, y, z, n: word_losses(s, y).mean()),
        ("pairs_only", lambda s, y, z, n: pair_losses(z, n).mean()),
        ("mean_of_the_two", lambda s, y, z, n: both_by_loop(s, y, z, n) / 2),
        ("label_one_is_next", lambda s, y, z, n: both_by_loop(s, y, z, 1 - n)),
        ("label_one_is_next", lambda s, y, z, n: both_by_loop(s, y, z[:, ::-1], n)),
        ("log_base_2", lambda s, y, z, n: both_by_flat(s, y, z, n) / np.log(2)),
        ("wrong_sign", lambda s, y, z, n: -both_by_flat(s, y, z, n)),
        ("sum_for_mean", lambda s, y, z, n: word_losses(s, y).sum() + pair_losses(z, n).sum()),
        ("words_summed", lambda s, y, z, n: word_losses(s, y).sum() + pair_losses(z, n).mean()),
        ("double_softmax", lambda s, y, z, n: both_by_flat(np.exp(log_probs(s)), y, np.exp(log_probs(z)), n)),
        ("", lambda s, y, z, n: word_losses(s, y).mean() + pair_losses(z, n)),
        ("", lambda s, y, z, n: word_losses(s, y).mean() * pair_losses(z, n).mean()),
    ],
    "order_known": [
        ("ties_lost", order_with(lambda f, b: f.p_is_next > b.p_is_next)),
        ("ties_won", order_with(lambda f, b: f.p_is_next >= b.p_is_next)),
        ("order_turned_round", order_with(lambda f, b: 0.5 + 0.5 * np.sign(b.p_is_next - f.p_is_next))),
        ("accuracy", order_with(lambda f, b: f.p_is_next > 0.5)),
        ("right_both_ways", order_with(lambda f, b: f.p_is_next > 0.5 > b.p_is_next)),
        ("mean_difference", order_with(lambda f, b: f.p_is_next - b.p_is_next)),
        ("", order_with(lambda f, b: ((f.p_is_next > 0.5) + (b.p_is_next < 0.5)) / 2)),
        ("not_divided", lambda model, pairs: order_by_loop(model, pairs) * len(pairs)),
        ("percent", lambda model, pairs: 100 * order_by_loop(model, pairs)),
        ("", lambda model, pairs: order_by_loop(model, pairs[:1])),
        ("", lambda model, pairs: order_by_loop(model, pairs) > 0.5),
        ("", order_with(lambda f, b: f.loss_if_next < b.loss_if_not_next)),
        ("order_turned_round", order_with(lambda f, b: 0.5 + 0.5 * np.sign(f.loss_if_next - b.loss_if_next))),
    ],
}
