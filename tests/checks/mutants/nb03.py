"""Answers to the exercises of notebook 03 as learners write them; not derived from the bank."""

import math
from collections import Counter

import numpy as np

from nsputil.losses import nsp_loss


def p_by_search(labels):
    """Golden-section search on the log-likelihood."""
    ahead, low, high = int(np.count_nonzero(labels == 0)), 1e-9, 1 - 1e-9
    for _ in range(200):
        a, b = low + 0.382 * (high - low), low + 0.618 * (high - low)
        value_a, value_b = (ahead * math.log(p) + (len(labels) - ahead) * math.log1p(-p) for p in (a, b))
        low, high = (a, high) if value_a < value_b else (low, b)
    return (low + high) / 2


def p_by_coarse_grid(labels):
    grid = np.linspace(0.1, 0.9, 9)
    ahead = int((labels == 0).sum())
    return float(grid[(grid**ahead * (1 - grid) ** (len(labels) - ahead)).argmax()])


def loss_by_loop(logits, labels):
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        total -= math.log(math.exp(row[label]) / (math.exp(row[0]) + math.exp(row[1])))
    return total / len(labels)


def loss_by_gap(logits, labels):
    gap = np.where(labels == 0, logits[:, 0] - logits[:, 1], logits[:, 1] - logits[:, 0])
    return np.logaddexp(0, -gap).mean()


def loss_one_hot(logits, labels):
    y = np.eye(2)[labels]
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -(y * log_probs).sum() / len(y)


def loss_float32(logits, labels):
    z = logits.astype(np.float32)
    z = z - z.max(axis=1, keepdims=True)
    log_probs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -log_probs[np.arange(len(z)), labels].mean()


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def loss_without_minus(logits, labels):
    return np.mean([np.log(p[label]) for p, label in zip(softmax(logits), labels, strict=True)])


def loss_in_bits(logits, labels):
    return np.mean([-math.log2(p[label]) for p, label in zip(softmax(logits), labels, strict=True)])


def loss_with_log10(logits, labels):
    return -np.log10(softmax(logits)[np.arange(len(labels)), labels]).mean()


def loss_summed(logits, labels):
    total = 0
    for p, label in zip(softmax(logits), labels, strict=True):
        total += -np.log(p[label])
    return total


def loss_of_mean(logits, labels):
    return -np.log(np.mean(softmax(logits)[np.arange(len(labels)), labels]))


def loss_twice(logits, labels):
    return loss_by_gap(softmax(logits), labels)


def loss_axis_0(logits, labels):
    probs = np.exp(logits) / np.exp(logits).sum(axis=0)
    return -np.log(probs[range(len(labels)), labels]).mean()


def loss_no_axis(logits, labels):
    probs = np.exp(logits) / np.exp(logits).sum()
    return -np.log(probs[range(len(labels)), labels]).mean()


def loss_of_is_next(logits, labels):
    return -np.log(softmax(logits)[:, 0]).mean()


def loss_mean_of_all_entries(logits, labels):
    y = np.eye(2)[labels]
    return -(y * np.log(softmax(logits))).mean()


def loss_with_eps(logits, labels):
    return -np.mean(np.log(softmax(logits)[np.arange(len(labels)), labels] + 1e-8))


def loss_returns_early(logits, labels):
    for p, label in zip(softmax(logits), labels, strict=True):
        return -np.log(p[label])


def loss_overwrites(logits, labels):
    for p, label in zip(softmax(logits), labels, strict=True):
        loss = -np.log(p[label])
    return loss


def loss_best_guess(logits, labels):
    return -np.log(softmax(logits).max(axis=1)).mean()


def loss_raw(logits, labels):
    return -np.log(np.array([row[label] for row, label in zip(logits, labels, strict=True)])).mean()


def loss_logit_mean(logits, labels):
    return -np.mean([row[label] for row, label in zip(logits, labels, strict=True)])


def loss_sigmoid(logits, labels):
    p = 1 / (1 + np.exp(-logits[np.arange(len(labels)), labels]))
    return -np.log(p).mean()


def loss_fancy(logits, labels):
    return -np.log(softmax(logits))[:, labels].mean()


def loss_is_next_as_one(logits, labels):
    p = softmax(logits)[:, 0]
    return -(labels * np.log(p) + (1 - labels) * np.log(1 - p)).mean()


def loss_in_place(logits, labels):
    logits -= logits.max(axis=1, keepdims=True)
    return -np.log(softmax(logits)[np.arange(len(labels)), labels]).mean()


def loss_rounded(logits, labels):
    return round(float(loss_by_gap(logits, labels)), 4)


def loss_squared(logits, labels):
    return ((1 - softmax(logits)[np.arange(len(labels)), labels]) ** 2).mean()


def entropy_of(p):
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def split_by_difference(truth, p):
    h = entropy_of(truth)
    return h, -truth * math.log(p) - (1 - truth) * math.log(1 - p) - h


def split_by_arrays(truth, p):
    t, q = np.array([truth, 1 - truth]), np.array([p, 1 - p])
    return np.array([-(t * np.log(t)).sum(), (t * (np.log(t) - np.log(q))).sum()])


def split_as_list(truth, p):
    pairs = [(truth, p), (1 - truth, 1 - p)]
    return [sum(-t * np.log(t) for t, _ in pairs), sum(t * np.log(t / q) for t, q in pairs)]


def cheapest_by_loop(charge, q):
    best, where = math.inf, None
    for p in np.linspace(0.01, 0.99, 99):
        cost = q * charge(p) + (1 - q) * charge(1 - p)
        if cost < best:
            best, where = cost, p
    return where


def cheapest_by_min(charge, q):
    return min(np.linspace(0.01, 0.99, 99), key=lambda p: q * charge(p) + (1 - q) * charge(1 - p))


def cheapest_by_matrix(charge, q):
    grid = np.linspace(0.01, 0.99, 99)
    costs = np.stack([charge(grid), charge(1 - grid)])
    return grid[np.argmin([q, 1 - q] @ costs)]


GRID = np.linspace(0.01, 0.99, 99)

RIGHT = {
    "most_likely_p": [
        lambda labels: sum(label == 0 for label in labels) / len(labels),
        lambda labels: 1 - labels.mean(),
        lambda labels: Counter(labels.tolist())[0] / labels.size,
        p_by_search,
    ],
    "batch_loss": [loss_by_loop, loss_by_gap, loss_one_hot, loss_float32],
    "split_cross_entropy": [split_by_difference, split_by_arrays, split_as_list],
    "cheapest_announcement": [cheapest_by_loop, cheapest_by_min, cheapest_by_matrix],
}

WRONG = {
    "most_likely_p": [
        ("label_one_is_next", lambda labels: sum(labels) / len(labels)),
        ("fair_coin", lambda labels: 1 / 2),
        ("count", lambda labels: len([label for label in labels if label == 0])),
        ("smoothed", lambda labels: (1 + sum(labels == 0)) / (2 + len(labels))),
        ("majority", lambda labels: Counter(labels.tolist()).most_common(1)[0][1] / len(labels)),
        ("odds", lambda labels: sum(labels == 0) / sum(labels == 1)),
        ("", p_by_coarse_grid),
        ("", lambda labels: float(np.log(np.mean(labels == 0)))),
        ("", lambda labels: 0 if np.mean(labels) < 0.5 else 1),
    ],
    "batch_loss": [
        ("wrong_sign", loss_without_minus),
        ("log_base_2", loss_in_bits),
        ("log_base_10", loss_with_log10),
        ("sum_for_mean", loss_summed),
        ("no_mean", lambda z, y: -np.log(softmax(z)[np.arange(len(y)), y])),
        ("divided_by_entries", loss_mean_of_all_entries),
        ("mean_of_probabilities", loss_of_mean),
        ("double_softmax", loss_twice),
        ("softmax_over_batch", loss_axis_0),
        ("softmax_over_everything", loss_no_axis),
        ("gold_ignored", loss_of_is_next),
        ("epsilon_in_log", loss_with_eps),
        ("first_example_only", loss_returns_early),
        ("last_example_only", loss_overwrites),
        ("largest_taken", loss_best_guess),
        ("logits_as_probabilities", loss_raw),
        ("logits_picked", loss_logit_mean),
        ("sigmoid_of_one_logit", loss_sigmoid),
        ("all_pairs_of_row_and_label", loss_fancy),
        ("swapped_columns", loss_is_next_as_one),
        ("swapped_columns", lambda z, y: loss_by_loop(z[:, ::-1], y)),
        ("package_called", lambda z, y: nsp_loss(z.tolist(), y)),
        ("package_called", nsp_loss),
        ("mutates_input", loss_in_place),
        ("rounded", loss_rounded),
        ("no_log", lambda z, y: softmax(z)[np.arange(len(y)), y].mean()),
        ("linear_charge", lambda z, y: 1 - softmax(z)[np.arange(len(y)), y].mean()),
        ("", loss_squared),
        ("", lambda z, y: -np.log(softmax(z)).mean()),
        ("", lambda z, y: np.exp(loss_by_gap(z, y))),
        ("", lambda z, y: float(np.median(-np.log(softmax(z)[np.arange(len(y)), y])))),
        ("", lambda z, y: print(loss_by_gap(z, y))),
        ("", lambda z, y: -np.log(softmax(z)[np.arange(len(y)), y - 1]).mean() / 2),
    ],
    "split_cross_entropy": [
        ("other_direction", lambda t, p: (entropy_of(t), split_by_arrays(p, t)[1])),
        ("entropy_of_the_model", lambda t, p: (entropy_of(p), split_by_arrays(t, p)[1])),
        ("cross_entropy_for_excess", lambda t, p: (entropy_of(t), sum(split_by_difference(t, p)))),
        ("log_base_2", lambda t, p: tuple(x * math.log2(math.e) for x in split_by_difference(t, p))),
        ("entropy_negative", lambda t, p: (t * math.log(t) + (1 - t) * math.log(1 - t), split_by_arrays(t, p)[1])),
        ("one_class_only", lambda t, p: (-t * math.log(t), t * math.log(t / p))),
        ("order_turned_round", lambda t, p: (split_by_arrays(t, p)[1], entropy_of(t))),
        ("", lambda t, p: sum(split_by_difference(t, p))),
        ("difference_of_entropies", lambda t, p: (entropy_of(t), entropy_of(p) - entropy_of(t))),
        ("", lambda t, p: {"entropy": entropy_of(t), "kl": split_by_difference(t, p)[1]}),
    ],
    "cheapest_announcement": [
        ("believes_in_honesty", lambda charge, q: GRID[np.abs(GRID - q).argmin()]),
        ("is_next_only", lambda charge, q: GRID[np.argmin(charge(GRID))]),
        ("is_next_only", lambda charge, q: GRID[np.argmin(q * charge(GRID))]),
        ("turned_round", lambda charge, q: GRID[np.argmin((1 - q) * charge(GRID) + q * charge(1 - GRID))]),
        ("cost_for_announcement", lambda charge, q: min(q * charge(GRID) + (1 - q) * charge(1 - GRID))),
        ("index_for_announcement", lambda charge, q: np.argmin(q * charge(GRID) + (1 - q) * charge(1 - GRID))),
        ("weights_forgotten", lambda charge, q: GRID[np.argmin(charge(GRID) + charge(1 - GRID))]),
        ("most_expensive", lambda charge, q: GRID[np.argmax(q * charge(GRID) + (1 - q) * charge(1 - GRID))]),
        ("", lambda charge, q: q * charge(GRID) + (1 - q) * charge(1 - GRID)),
        ("", lambda charge, q: charge(q)),
        ("", lambda charge, q: 0.5),
    ],
}
