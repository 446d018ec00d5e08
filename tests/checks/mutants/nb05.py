"""Answers to the exercises of notebook 05 as learners write them; not derived from the bank. See nb01.py."""

import math

import numpy as np


def probabilities(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def gradient_by_loop(logits, labels):
    rows = []
    for (z0, z1), label in zip(logits, labels, strict=True):
        p0 = 1 / (1 + math.exp(z1 - z0))
        p = [p0, 1 - p0]
        p[label] -= 1
        rows.append([value / len(labels) for value in p])
    return rows


def gradient_by_index(logits, labels):
    p = probabilities(logits)
    p[np.arange(len(labels)), labels] -= 1
    return p / len(p)


def gradient_by_gap(logits, labels):
    sign = np.where(labels == 0, 1.0, -1.0)
    missing = 1 / (1 + np.exp(sign * (logits[:, 0] - logits[:, 1])))
    return np.stack([-sign * missing, sign * missing], axis=1) / len(labels)


def gradient_float32(logits, labels):
    p = probabilities(logits.astype(np.float32))
    y = np.zeros_like(p)
    y[np.arange(len(y)), labels] = 1
    return (p - y) / np.float32(len(y))


def gradient_off(change, divide=True, pick=None, p=probabilities):
    """p with something taken away in a loop over the rows."""

    def answer(logits, labels):
        result = np.array(p(logits))
        for k, label in enumerate(labels):
            result[k, label if pick is None else pick(label)] -= change
        return result / len(labels) if divide else result

    return answer


def gradient_gold_only(logits, labels):
    p = probabilities(logits)
    grad = np.zeros_like(p)
    for k in range(len(labels)):
        grad[k, labels[k]] = (p[k, labels[k]] - 1) / len(labels)
    return grad


def gradient_of_p(logits, labels):
    p = probabilities(logits)
    grad = np.empty_like(p)
    for k, label in enumerate(labels):
        slope = p[k, label] * (1 - p[k, label])
        grad[k, label], grad[k, 1 - label] = -slope, slope
    return grad / len(labels)


def gradient_in_place(logits, labels):
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    grad = np.exp(logits)
    grad[np.arange(len(labels)), labels] -= 1
    return grad / len(labels)


def slopes_by_unit_vectors(function, x, step):
    units = np.eye(x.size).reshape(x.size, *x.shape)
    values = [(function(x + step * unit) - function(x - step * unit)) / (2 * step) for unit in units]
    return np.array(values).reshape(x.shape)


def slopes_put_back(function, x, step):
    x = x.copy()
    slopes = np.empty(x.shape)
    for k in np.ndindex(x.shape):
        old = x[k]
        x[k] = old + step
        up = function(x)
        x[k] = old - step
        down = function(x)
        x[k] = old
        slopes[k] = (up - down) / (step + step)
    return slopes


def slopes_flat(function, x, step):
    flat, found = x.ravel(), []
    for k in range(flat.size):
        ends = []
        for side in (1, -1):
            moved = flat.copy()
            moved[k] += side * step
            ends.append(function(moved.reshape(x.shape)))
        found.append(0.5 * (ends[0] - ends[1]) / step)
    return np.reshape(found, x.shape)


def slopes_colleague(function, x, step):
    slopes = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        x[k] += step
        up = function(x)
        down = function(x - step)
        slopes[k] = (up - down) / step
    return slopes


def slopes_upward(function, x, step):
    start = function(x)
    return np.array([(function(x + step * unit) - start) / step
                     for unit in np.eye(x.size).reshape(x.size, *x.shape)]).reshape(x.shape)  # fmt: skip


def slopes_downward(function, x, step):
    slopes = np.zeros(x.shape)
    for k in np.ndindex(x.shape):
        lower = x.copy()
        lower[k] = lower[k] - step
        slopes[k] = (function(x) - function(lower)) / step
    return slopes


def slopes_whole_distance_forgotten(function, x, step):
    return 2 * slopes_flat(function, x, step)


def slopes_half_way(function, x, step):
    return slopes_flat(function, x, step / 2)


def slopes_everything_moves(function, x, step):
    slope = (function(x + step) - function(x - step)) / (2 * step)
    return np.full(x.shape, slope)


def slopes_left_up(function, x, step):
    x = x.copy()
    slopes = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        x[k] -= step
        down = function(x)
        x[k] += 2 * step
        slopes[k] = (function(x) - down) / (2 * step)
    return slopes


def slopes_left_down(function, x, step):
    slopes = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        x[k] += step
        up = function(x)
        x[k] -= 2 * step
        slopes[k] = (up - function(x)) / (2 * step)
    return slopes


def slopes_signed_wrong(function, x, step):
    return -slopes_put_back(function, x, step)


def slopes_undivided(function, x, step):
    return slopes_put_back(function, x, step) * (2 * step)


def slopes_tiny_step(function, x, step):
    return slopes_flat(function, x, 1e-6)


def slopes_right_but_moves_x(function, x, step):
    slopes = slopes_flat(function, x, step)
    x += step
    return slopes


def back_by_names(dlogits, pooled, W, W_p):
    dpooled = np.dot(dlogits, W)
    da = dpooled * (1 - pooled * pooled)
    return np.dot(da, W_p)


def back_by_einsum(dlogits, pooled, W, W_p):
    return np.einsum("bc,ch,bh,hj->bj", dlogits, W, 1 - pooled**2, W_p)


def back_by_loop(dlogits, pooled, W, W_p):
    rows = []
    for dz, row in zip(dlogits, pooled, strict=True):
        da = [(dz[0] * W[0, i] + dz[1] * W[1, i]) * (1 - row[i] ** 2) for i in range(len(row))]
        rows.append([sum(da[i] * W_p[i, j] for i in range(len(row))) for j in range(len(row))])
    return rows


def back_in_place(dlogits, pooled, W, W_p):
    pooled **= 2
    return ((dlogits @ W) * (1 - pooled)) @ W_p


RIGHT = {
    "logits_gradient": [gradient_by_loop, gradient_by_index, gradient_by_gap, gradient_float32],
    "central_difference": [slopes_by_unit_vectors, slopes_put_back, slopes_flat],
    "back_to_h_cls": [back_by_names, back_by_einsum, back_by_loop],
}

WRONG = {
    "logits_gradient": [
        ("wrong_sign", lambda z, labels: -np.array(gradient_by_loop(z, labels))),
        ("not_divided", gradient_off(1, divide=False)),
        ("divided_by_entries", lambda z, labels: gradient_off(1, divide=False)(z, labels) / z.size),
        ("summed_over_batch", lambda z, labels: gradient_by_index(z, labels).sum(0)),
        ("label_one_is_next", gradient_off(1, pick=lambda label: 1 - label)),
        ("gold_ignored", gradient_off(1, pick=lambda label: 0)),
        ("label_not_one_hot", lambda z, labels: (probabilities(z) - labels.reshape(-1, 1)) / len(z)),
        ("probabilities_only", gradient_off(0)),
        ("gold_column_only", gradient_gold_only),
        ("softmax_over_batch", gradient_off(1, p=lambda z: np.exp(z) / np.exp(z).sum(axis=0))),
        ("logits_as_probabilities", gradient_off(1, p=lambda z: z)),
        ("double_softmax", gradient_off(1, p=lambda z: probabilities(probabilities(z)))),
        ("slope_of_p", gradient_of_p),
        ("mutates_input", gradient_in_place),
        ("", lambda z, labels: (probabilities(z) - labels) / len(z)),
        ("", gradient_off(2)),
        ("", lambda z, labels: -np.log(probabilities(z))),
    ],
    "central_difference": [
        ("as_found", slopes_colleague),
        ("one_sided", slopes_upward),
        ("one_sided_downward", slopes_downward),
        ("twice_too_large", slopes_whole_distance_forgotten),
        ("half_step", slopes_half_way),
        ("all_entries_moved", slopes_everything_moves),
        ("moves_pile_up", slopes_left_up),
        ("moves_pile_up_downward", slopes_left_down),
        ("turned_round", slopes_signed_wrong),
        ("not_divided", slopes_undivided),
        ("mutates_input", slopes_right_but_moves_x),
        ("", slopes_tiny_step),
        ("", lambda function, x, step: (function(x + step) - function(x - step)) / (2 * step)),
        ("one_array_for_both", lambda function, x, step: np.zeros_like(x)),
    ],
    "back_to_h_cls": [
        ("no_gate", lambda dlogits, pooled, W, W_p: dlogits @ W @ W_p),
        ("gate_without_square", lambda dlogits, pooled, W, W_p: np.dot((1 - pooled) * (dlogits @ W), W_p)),
        ("gate_of_sigmoid", lambda dlogits, pooled, W, W_p: np.dot((pooled - pooled**2) * (dlogits @ W), W_p)),
        ("tanh_again", lambda dlogits, pooled, W, W_p: ((dlogits @ W) / np.cosh(pooled) ** 2) @ W_p),
        ("transposed", lambda dlogits, pooled, W, W_p: np.einsum("bh,jh->bj", dlogits @ W * (1 - pooled**2), W_p)),
        ("gate_too_late", lambda dlogits, pooled, W, W_p: (1 - pooled**2) * (dlogits @ (W @ W_p))),
        ("pooler_left_out", lambda dlogits, pooled, W, W_p: np.einsum("bc,ch->bh", dlogits, W)),
        ("stopped_at_a", lambda dlogits, pooled, W, W_p: (1 - pooled) * (1 + pooled) * (dlogits @ W)),
        ("summed_over_batch", lambda *args: np.array(back_by_loop(*args)).sum(axis=0)),
        ("divided_again", lambda *args: back_by_names(*args) / args[0].shape[0]),
        ("mutates_input", back_in_place),
        ("gate_is_square", lambda dlogits, pooled, W, W_p: ((dlogits @ W) * (pooled**2)) @ W_p),
        ("", lambda dlogits, pooled, W, W_p: -back_by_einsum(dlogits, pooled, W, W_p)),
        ("", lambda dlogits, pooled, W, W_p: ((dlogits @ W) * (1 - pooled**2)) @ W_p @ W_p.T),
    ],
}
