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


def attention_by_loop(vectors, query, key):
    n, d = len(vectors), len(vectors[0])
    asks = [vectors[i] @ query for i in range(n)]
    offers = [vectors[j] @ key for j in range(n)]
    table = []
    for i in range(n):
        row = [float(np.dot(asks[i], offers[j])) / math.sqrt(d) for j in range(n)]
        top = max(row)
        row = [math.exp(score - top) for score in row]
        table.append([e / sum(row) for e in row])
    return table


def attention_by_einsum(vectors, query, key):
    scores = np.einsum("ia,ab,cb,jc->ij", vectors, query, key, vectors) * vectors.shape[1] ** -0.5
    return np.exp(scores - np.logaddexp.reduce(scores, axis=1)[:, None])


def attention_in_float32(vectors, query, key):
    x = np.asarray(vectors, np.float64)
    scores = x @ (query @ key.T) @ x.T / np.sqrt(np.float64(x.shape[-1]))
    scores = (scores.T - scores.max(1)).T
    e = np.exp(scores)
    return (e / np.sum(e, 1, keepdims=True)).astype(np.float32)


def attention_row_softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attention_last_row_only(vectors, query, key):
    weights = np.zeros((len(vectors), len(vectors)))
    for i in range(len(vectors)):
        scores = (vectors[i] @ query) @ (vectors @ key).T / np.sqrt(vectors.shape[1])
        weights[-1] = attention_row_softmax(scores)
    return weights


def attention_over_everything(vectors, query, key):
    scores = (vectors @ query) @ (vectors @ key).T / np.sqrt(vectors.shape[1])
    e = np.exp(scores - scores.max())
    return e / e.sum()


def attention_without_itself(vectors, query, key):
    scores = (vectors @ query) @ (vectors @ key).T / np.sqrt(vectors.shape[1])
    np.fill_diagonal(scores, -np.inf)
    return attention_row_softmax(scores)


def attention_by_cosine(vectors, query, key):
    q, k = vectors @ query, vectors @ key
    q, k = q / np.linalg.norm(q, axis=1)[:, None], k / np.linalg.norm(k, axis=1)[:, None]
    return attention_row_softmax(q @ k.T)


def attention_down(vectors, query, key):
    scores = (vectors @ query) @ (vectors @ key).T / np.sqrt(len(query))
    return attention_row_softmax(scores.T).T


def attention_like_gpt(vectors, query, key):
    n = len(vectors)
    weights = np.zeros((n, n))
    for i in range(n):
        scores = (vectors[i] @ query) @ (vectors[: i + 1] @ key).T / np.sqrt(vectors.shape[1])
        weights[i, : i + 1] = attention_row_softmax(scores)
    return weights


RIGHT = {
    "pairs_needed": [needed_by_search, needed_by_ratio, needed_in_one_search],
    "came_true": [bin_by_loop, bin_by_index, bin_by_digitize],
    "attention_weights": [attention_by_loop, attention_by_einsum, attention_in_float32],
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
    "attention_weights": [
        ("", attention_last_row_only),
        ("softmax_over_everything", attention_over_everything),
        ("", attention_without_itself),
        ("", attention_by_cosine),
        ("", lambda X, q, k: attention_row_softmax((X @ q) @ (X @ k).T) / np.sqrt(X.shape[1])),
        ("", lambda X, q, k: 1 / (1 + np.exp(-np.clip((X @ q) @ (X @ k).T / np.sqrt(len(q)), -50, 50)))),
        ("", lambda X, q, k: np.eye(len(X))[((X @ q) @ (X @ k).T).argmax(axis=1)]),
        ("", lambda X, q, k: np.full((len(X), len(X)), 1 / len(X))),
        ("scale_forgotten", lambda X, q, k: attention_row_softmax(X @ q @ k.T @ X.T)),
        ("divided_by_width", lambda X, q, k: attention_row_softmax((X @ q) @ (X @ k).T / len(q))),
        ("divided_by_root_of_words", lambda X, q, k: attention_row_softmax((X @ q) @ (X @ k).T / len(X) ** 0.5)),
        ("softmax_down_the_columns", attention_down),
        ("roles_exchanged", lambda X, q, k: attention_by_einsum(X, k, q)),
        ("queries_for_keys", lambda X, q, k: attention_by_einsum(X, q, q)),
        ("keys_not_made", lambda X, q, k: attention_by_einsum(X, q, np.eye(len(k)))),
        ("matrices_transposed", lambda X, q, k: attention_by_einsum(X, q.T, k.T)),
        ("softmax_missing", lambda X, q, k: np.einsum("ia,ja->ij", X @ q, X @ k) / X.shape[1] ** 0.5),
        ("values_mixed", lambda X, q, k: np.array(attention_by_loop(X, q, k)) @ X),
        ("only_earlier_words", attention_like_gpt),
        (
            "unstable_exp",
            lambda X, q, k: (lambda e: e / e.sum(1)[:, None])(np.exp((X @ q) @ (X @ k).T / len(q) ** 0.5)),
        ),
    ],
}
