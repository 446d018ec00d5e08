"""Answers to the exercises of notebook 07 as learners write them; not derived from the bank. See nb01.py."""

import math

import numpy as np


def needed_by_search(accuracy, baseline):
    n = 1
    while accuracy - 1.96 * math.sqrt(accuracy * (1 - accuracy) / n) <= baseline:
        n += 1
    return n


def needed_by_ratio(accuracy, baseline):
    ratio = 1.96 * np.sqrt(accuracy * (1 - accuracy)) / (accuracy - baseline)
    return np.ceil(ratio**2)


def needed_in_one_search(accuracy, baseline):
    n = np.arange(1, 100_000)
    lower = accuracy - 1.96 * np.sqrt((accuracy - accuracy**2) / n)
    return n[np.argmax(lower > baseline)]


def needed_variance_for_deviation(accuracy, baseline):
    n = 1
    while accuracy - 1.96 * accuracy * (1 - accuracy) / n <= baseline:
        n += 1
    return n


def needed_whole_interval(accuracy, baseline):
    n = 1
    while accuracy - baseline <= 2 * 1.96 * math.sqrt(accuracy * (1 - accuracy) / n):
        n += 1
    return n


def bin_by_loop(p_is_next, labels, low, high):
    chosen = [label for p, label in zip(p_is_next, labels, strict=True) if low <= p < high]
    return len(chosen) / len(labels), chosen.count(0) / len(chosen)


def bin_by_index(p_is_next, labels, low, high):
    where = np.flatnonzero((low <= p_is_next) & (p_is_next < high))
    return [where.size / p_is_next.size, 1 - labels[where].mean()]


def bin_by_digitize(p_is_next, labels, low, high):
    inside = np.digitize(p_is_next, [low, high]) == 1
    is_next = np.where(labels == 0, 1.0, 0.0)
    return np.array([np.average(inside), np.average(is_next, weights=inside)])


def bin_with(keep, of=lambda chosen, n: chosen.count(0) / len(chosen)):
    def answer(p_is_next, labels, low, high):
        chosen = [int(label) for p, label in zip(p_is_next, labels, strict=True) if keep(p, low, high)]
        return len(chosen) / len(labels), of(chosen, len(labels))

    return answer


def half_open(p, low, high):
    return low <= p < high


RIGHT = {
    "pairs_needed": [needed_by_search, needed_by_ratio, needed_in_one_search],
    "came_true": [bin_by_loop, bin_by_index, bin_by_digitize],
}

WRONG = {
    "pairs_needed": [
        ("root_forgotten", needed_variance_for_deviation),
        ("distance_not_squared", lambda a, b: math.ceil(1.96**2 * a * (1 - a) / (a - b))),
        ("factor_not_squared", lambda a, b: math.ceil(1.96 * (a - a * a) / (a - b) ** 2)),
        ("spread_of_baseline", lambda a, b: math.ceil((1.96 * math.sqrt(b * (1 - b)) / (a - b)) ** 2)),
        ("widest_spread", lambda a, b: math.ceil((1.96 * 0.5 / (a - b)) ** 2)),
        ("whole_width", needed_whole_interval),
        ("half_width_halved", lambda a, b: math.ceil((0.98 / (a - b)) ** 2 * a * (1 - a))),
        ("one_sided", lambda a, b: math.ceil((1.645 / (a - b)) ** 2 * a * (1 - a))),
        ("rounded_down", lambda a, b: math.floor((1.96 / (a - b)) ** 2 * a * (1 - a))),
        ("rounded_down", lambda a, b: needed_by_search(a, b) - 1),
        ("not_whole", lambda a, b: (1.96 / (a - b)) ** 2 * a * (1 - a)),
        ("", lambda a, b: 1000),
        ("", lambda a, b: math.ceil(1 / (a - b) ** 2)),
        ("", lambda a, b: a - 1.96 * math.sqrt(a * (1 - a))),
    ],
    "came_true": [
        ("label_one_is_next", bin_with(half_open, lambda chosen, n: chosen.count(1) / len(chosen))),
        ("of_all_pairs", bin_with(half_open, lambda chosen, n: chosen.count(0) / n)),
        ("outside_the_bin", lambda p, y, low, high: (np.mean((p >= low) * (p < high)), 1 - np.mean(y))),
        (
            "mean_announced",
            lambda p, y, low, high: (((p >= low) & (p < high)).mean(), p[(p >= low) & (p < high)].mean()),
        ),
        (
            "counts",
            lambda p, y, low, high: (
                int(((p >= low) & (p < high)).sum()),
                int((y[(p >= low) & (p < high)] == 0).sum()),
            ),
        ),
        (
            "share_not_divided",
            lambda p, y, low, high: (((p >= low) & (p < high)).sum(), bin_by_index(p, y, low, high)[1]),
        ),
        ("upper_edge_included", bin_with(lambda p, low, high: low <= p <= high)),
        ("lower_edge_excluded", bin_with(lambda p, low, high: low < p < high)),
        ("edges_exchanged", bin_with(lambda p, low, high: low < p <= high)),
        ("order_turned_round", lambda *args: tuple(reversed(bin_by_loop(*args)))),
        ("", lambda p, y, low, high: bin_by_loop(p, y, low, high)[1]),
        (
            "",
            lambda p, y, low, high: (
                bin_by_loop(1 - p, y, low, high) if ((1 - p >= low) & (1 - p < high)).any() else (0, 0)
            ),
        ),
        ("", bin_with(lambda p, low, high: p >= low)),
    ],
}
