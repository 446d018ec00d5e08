"""Answers to the exercises of notebook 06 as learners write them; not derived from the bank. See nb01.py."""

import functools
import math

import numpy as np


def lse_by_loop(z):
    found = []
    for row in z:
        largest = max(row)
        found.append(largest + math.log(sum(math.exp(value - largest) for value in row)))
    return found


def lse_by_logaddexp(z):
    return np.logaddexp.reduce(z, axis=1)


def lse_columns(z):
    largest = np.max(z, axis=-1)
    return largest + np.log(np.sum(np.exp(z - largest[:, np.newaxis]), axis=-1))


def lse_math_naive(z):
    return [math.log(sum(math.exp(value) for value in row)) for row in z]


def lse_global(z):
    largest = z.max()
    return largest + np.log(np.exp(z - largest).sum(axis=1))


def lse_first(z):
    first = z[:, -1]
    return first + np.log(np.exp(z - first[:, None]).sum(axis=1))


def lse_smallest(z):
    return [min(row) + np.log(sum(np.exp(row - min(row)))) for row in z]


def lse_forgets(z):
    return np.log(np.exp(z - z.max(1)[:, None]).sum(1))


def lse_axis_0(z):
    m = z.max(axis=0)
    return m + np.log(np.exp(z - m).sum(axis=0))


def lse_all(z):
    return functools.reduce(np.logaddexp, z.ravel())


def lse_mean(z):
    m = z.max(axis=1)
    return m + np.log(np.exp(z - m[:, None]).mean(axis=1))


def lse_subtracted(z):
    return z - np.array(lse_by_loop(z)).reshape(-1, 1)


def lse_in_place(z):
    m = z.max(axis=1)
    z -= m[:, None]
    return m + np.log(np.exp(z).sum(axis=1))


def loss_by_cases(logits, label):
    gap = logits[label] - logits[1 - label]
    if gap > 0:
        return math.log1p(math.exp(-gap))
    return -gap + math.log1p(math.exp(gap))


def loss_by_logaddexp(logits, label):
    z = np.array(logits)
    return np.logaddexp(0.0, z[1 - label] - z[label])


def loss_by_sign(logits, label):
    other_minus_gold = (logits[1] - logits[0]) * (1 - 2 * label)
    e = np.exp(-np.abs(other_minus_gold))
    return np.where(other_minus_gold > 0, other_minus_gold, 0) + np.log1p(e)


def loss_math_naive(logits, label):
    exps = [math.exp(value) for value in logits]
    return -math.log(exps[label] / sum(exps))


def loss_max_subtracted(logits, label):
    z = np.array(logits) - max(logits)
    return -(z[label] - np.log(np.exp(z).sum()))


def loss_max_but_divides(logits, label):
    e = np.exp(np.array(logits) - max(logits))
    return -np.log(e[label] / e.sum())


def loss_patched(logits, label):
    z = np.exp(np.array(logits))
    p = z / z.sum()
    return -np.log(p[label] + 1e-9)


def loss_patched_sigmoid(logits, label):
    p = 1 / (1 + np.exp(np.float64(logits[1] - logits[0])))
    p_gold = p if label == 0 else 1 - p
    return -np.log(p_gold + 1e-15)


def loss_clipped(logits, label):
    z = np.clip(logits, -50, 50)
    return np.log1p(np.exp(z[1 - label] - z[label]))


def kept_by_loop(logits, labels, keep):
    total, count = 0.0, 0
    for z, label, kept in zip(logits, labels, keep, strict=True):
        if kept:
            total += math.log(1 + math.exp(z[1 - label] - z[label]))
            count += 1
    return total / count


def kept_by_where(logits, labels, keep):
    z = np.where(keep[:, None], logits, 0.0)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    losses = -np.log(p[np.arange(len(labels)), labels])
    return np.float32((losses * keep).sum() / np.count_nonzero(keep))


def kept_by_average(logits, labels, keep):
    z, y = logits[keep], labels[keep]
    gold, other = np.take_along_axis(z, y[:, None], 1), np.take_along_axis(z, 1 - y[:, None], 1)
    return np.average(np.logaddexp(gold, other) - gold)


def losses_of(logits, labels):
    return np.array([np.logaddexp(0.0, z[1 - y] - z[y]) for z, y in zip(logits, labels, strict=True)])


def kept_zeroed(logits, labels, keep):
    """Logits of pairs left out become 0, and then count as undecided."""
    return losses_of(np.where(keep[:, None], logits, 0.0), labels).mean()


def loss_in_float32(logits, label):
    gold, other = np.array([logits[label], logits[1 - label]], dtype=np.float32)
    return max(other - gold, np.float32(0)) + np.log1p(np.exp(-abs(other - gold)))


RIGHT = {
    "log_sum_exp": [lse_by_loop, lse_by_logaddexp, lse_columns],
    "stable_loss": [loss_by_cases, loss_by_logaddexp, loss_by_sign],
    "kept_mean": [kept_by_loop, kept_by_where, kept_by_average],
}

WRONG = {
    "log_sum_exp": [
        ("unstable_exp", lambda z: np.log(np.sum(np.exp(z), axis=-1))),
        ("unstable_exp", lse_math_naive),
        ("one_largest_for_all", lse_global),
        ("not_the_largest", lse_smallest),
        ("not_the_largest", lse_first),
        ("not_the_largest", lambda z: z.mean(1) + np.log(np.exp(z - z.mean(1)[:, None]).sum(1))),
        ("not_added_back", lse_forgets),
        ("over_the_batch", lse_axis_0),
        ("one_number", lse_all),
        ("mean_for_sum", lse_mean),
        ("largest_only", lambda z: [float(max(row)) for row in z]),
        ("log_of_each", lambda z: np.log(np.exp(z / 1e3)).sum(axis=1) * 1e3),
        ("log_softmax_returned", lse_subtracted),
        ("kept_as_a_column", lambda z: np.array(lse_by_loop(z))[:, np.newaxis]),
        ("mutates_input", lse_in_place),
        ("", lambda z: np.exp(lse_by_logaddexp(z))),
        ("", lambda z: -lse_by_logaddexp(z)),
        ("", lambda z: z.max(1) + np.log(np.exp(z - z.max(1, keepdims=True)))[:, 0]),
    ],
    "stable_loss": [
        ("float32_only", lambda z, y: float(np.logaddexp(np.float32(0), np.float32(z[1 - y]) - np.float32(z[y])))),
        ("float32_only", loss_in_float32),
        ("unstable_exp", loss_math_naive),
        ("unstable_exp", lambda logits, label: np.log(np.exp(logits).sum()) - logits[label]),
        ("unstable_exp", lambda logits, label: np.log1p(np.exp(logits[1 - label] - logits[label]))),
        ("no_log1p", loss_max_subtracted),
        ("confident_mistake_lost", loss_max_but_divides),
        (
            "confident_mistake_lost",
            lambda logits, label: math.log(1 + np.exp(logits[1 - label] - np.float64(logits[label]))),
        ),
        ("epsilon_in_log", loss_patched),
        ("epsilon_in_log", loss_patched_sigmoid),
        ("logits_clipped", loss_clipped),
        ("wrong_sign", lambda logits, label: -loss_by_logaddexp(logits, label)),
        ("gap_turned_round", lambda logits, label: loss_by_cases(logits[::-1], label)),
        ("gold_ignored", lambda logits, label: np.logaddexp(0.0, logits[1] - logits[0])),
        ("largest_taken", lambda logits, label: np.log1p(np.exp(min(logits) - max(logits)))),
        ("straight_line", lambda logits, label: max(0.0, logits[1 - label] - logits[label])),
        ("", lambda logits, label: abs(logits[label] - logits[1 - label])),
        ("", lambda logits, label: np.exp(-loss_by_logaddexp(logits, label))),
        ("", lambda logits, label: round(loss_by_cases(logits, label), 4)),
    ],
    "kept_mean": [
        ("masked_too_late", lambda z, y, keep: np.average(losses_of(z, y), weights=keep)),
        ("masked_too_late", lambda z, y, keep: np.dot(losses_of(z, y), keep) / sum(keep)),
        ("divided_by_batch", lambda z, y, keep: np.mean(losses_of(z, y) * keep)),
        ("divided_by_batch", lambda z, y, keep: sum(losses_of(z[keep], y[keep])) / len(keep)),
        ("mask_ignored", lambda z, y, keep: losses_of(z, y).sum() / len(z)),
        ("mask_turned_round", lambda z, y, keep: losses_of(z[~keep], y[~keep]).mean()),
        ("sum_for_mean", lambda z, y, keep: losses_of(z[keep], y[keep]).sum()),
        ("no_mean", lambda z, y, keep: losses_of(z[keep], y[keep])),
        ("label_0_dropped", lambda z, y, keep: losses_of(z[keep & (y > 0)], y[keep & (y > 0)]).mean()),
        ("label_1_dropped", lambda z, y, keep: losses_of(z[keep & (y == 0)], y[keep & (y == 0)]).mean()),
        ("label_one_is_next", lambda z, y, keep: kept_by_loop(z[:, ::-1], y, keep)),
        ("divided_by_entries", lambda z, y, keep: losses_of(z[keep], y[keep]).sum() / z[keep].size),
        ("", kept_zeroed),
        ("nan_for_mask", lambda z, y, keep: np.nanmean(losses_of(z, y))),
        ("", lambda z, y, keep: -kept_by_loop(z, y, keep)),
    ],
}
