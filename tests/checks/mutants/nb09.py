"""Answers to the exercises of notebook 09 as learners write them; written before the bank. See nb01.py."""

import math
from collections import defaultdict

import numpy as np

# --- blind_classes(loss) ---------------------------------------------------------------------------------------------


def blind_by_batch(loss):
    _, gradient = loss(np.array([[0.3, -0.2], [0.1, 0.4], [-0.5, 0.2], [1.0, 0.7]]), np.array([0, 0, 1, 1]))
    found = []
    if not gradient[:2].any():
        found.append(0)
    if not gradient[2:].any():
        found.append(1)
    return found


def blind_by_set(loss):
    labels = np.arange(6) % 2
    gradient = np.asarray(loss(np.zeros((6, 2)), labels)[1])
    learned = {int(label) for row, label in zip(gradient, labels, strict=True) if np.abs(row).sum() > 0}
    return sorted({0, 1} - learned)


def blind_by_array(loss):
    """Whether the value moves when a logit does, as a difference and not by the gradient."""
    labels = np.array([0, 1])
    gradient = loss(np.random.default_rng(0).normal(size=(2, 2)), labels)[1]
    return np.flatnonzero((gradient == 0).all(axis=1)).astype(float)


def blind_seen_ones(loss):
    return sorted({0, 1} - set(blind_by_batch(loss)))


def blind_by_column(loss):
    gradient = loss(np.zeros((4, 2)), np.array([0, 1, 0, 1]))[1]
    return [k for k in (0, 1) if not gradient[:, k].any()]


def blind_first_row_only(loss):
    gradient = loss(np.zeros((1, 2)), np.array([0]))[1]
    return [] if gradient.any() else [0]


def blind_large_logits(loss):
    logits = np.array([[900.0, 0.0], [0.0, 900.0]])
    gradient = loss(logits, np.array([0, 1]))[1]
    return [k for k in (0, 1) if not gradient[k].any()]


def blind_by_value(loss):
    found = []
    for k in (0, 1):
        value, _ = loss(np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([k, k]))
        if not value > 0:
            found.append(k)
    return found


def blind_small_is_zero(loss):
    gradient = loss(np.zeros((2, 2)), np.array([0, 1]))[1]
    return [k for k in (0, 1) if np.abs(gradient[k]).max() < 1e-3]


def blind_as_text(loss):
    return {0: "IsNext", 1: "NotNext"}.get(next(iter(blind_by_batch(loss)), None), "none")


def blind_first_found(loss):
    found = blind_by_batch(loss)
    return found[0] if found else None


def blind_exchanged(loss):
    return sorted(1 - k for k in blind_by_batch(loss))


def blind_accuracy(loss):
    """One step from zero: which class is then answered wrongly?"""
    labels = np.array([0, 1, 0, 1])
    logits = -loss(np.zeros((4, 2)), labels)[1]
    return [k for k in (0, 1) if (logits[labels == k].argmax(axis=1) != k).all()]


# --- best_shift(p_is_next, labels) -----------------------------------------------------------------------------------


def shift_losses(p_is_next, labels, shifts=range(-3, 4)):
    p = np.asarray(p_is_next)
    return {k: -np.log(np.where(np.roll(labels, k) == 0, p, 1 - p)).mean() for k in shifts}


def shift_by_dictionary(p_is_next, labels):
    losses = shift_losses(p_is_next, labels)
    return min(losses, key=losses.get)


def shift_by_loop(p_is_next, labels):
    best, least, n = 0, math.inf, len(labels)
    for k in range(-3, 4):
        total = 0.0
        for i in range(n):
            gold = labels[(i - k) % n]
            total -= math.log(p_is_next[i] if gold == 0 else 1 - p_is_next[i])
        if total < least:
            best, least = k, total
    return best


def shift_by_logits(p_is_next, labels):
    log_odds = np.log(p_is_next) - np.log1p(-p_is_next)
    totals = [np.logaddexp(0, np.where(np.roll(labels, k) == 0, -log_odds, log_odds)).sum() for k in range(-3, 4)]
    return np.int64(np.argmin(totals) - 3)


def shift_p_rolled(p_is_next, labels):
    def loss(k):
        p = np.roll(p_is_next, k)
        return -np.log(np.where(labels == 0, p, 1 - p)).mean()

    return min(range(-3, 4), key=loss)


def shift_index(p_is_next, labels):
    return list(range(-3, 4)).index(shift_by_dictionary(p_is_next, labels))


def shift_by_accuracy(p_is_next, labels):
    said = (np.asarray(p_is_next) < 0.5).astype(int)
    return max(range(-3, 4), key=lambda k: (said == np.roll(labels, k)).mean())


def shift_by_squares(p_is_next, labels):
    return min(range(-3, 4), key=lambda k: np.mean((p_is_next - (np.roll(labels, k) == 0)) ** 2))


def shift_largest(p_is_next, labels):
    losses = shift_losses(p_is_next, labels)
    return max(losses, key=losses.get)


def shift_label_one(p_is_next, labels):
    losses = shift_losses(p_is_next, 1 - labels)
    return min(losses, key=losses.get)


def shift_forward_only(p_is_next, labels):
    losses = shift_losses(p_is_next, labels, range(4))
    return min(losses, key=losses.get)


def shift_never_none(p_is_next, labels):
    losses = shift_losses(p_is_next, labels, [-3, -2, -1, 1, 2, 3])
    return min(losses, key=losses.get)


def shift_last_left_out(p_is_next, labels):
    losses = shift_losses(p_is_next, labels, range(-3, 3))
    return min(losses, key=losses.get)


def shift_is_next_rows_only(p_is_next, labels):
    return min(range(-3, 4), key=lambda k: -np.log(p_is_next[np.roll(labels, k) == 0]).mean())


# --- next_probe(beliefs, answers, costs) -----------------------------------------------------------------------------


def bits_of(beliefs, row):
    share = defaultdict(float)
    for belief, answer in zip(beliefs, row, strict=True):
        share[int(answer)] += float(belief)
    return -sum(p * math.log2(p) for p in share.values() if p > 0)


def probe_by_loop(beliefs, answers, costs):
    best = 0
    for k in range(len(costs)):
        if bits_of(beliefs, answers[k]) / costs[k] > bits_of(beliefs, answers[best]) / costs[best]:
            best = k
    return best


def probe_by_nats(beliefs, answers, costs):
    """Nats for bits change nothing in the choice."""
    worth = []
    for row, cost in zip(answers, costs, strict=True):
        p = np.array([beliefs[row == value].sum() for value in np.unique(row)])
        p = p[p > 0]
        worth.append(-(p * np.log(p)).sum() / cost)
    return np.argmax(worth)


def probe_by_what_is_left(beliefs, answers, costs):
    """What is left after the answer, subtracted from what there was before: the same number."""

    def entropy(p):
        p = p[p > 0]
        return -(p * np.log2(p)).sum()

    gains = []
    for row in answers:
        left = 0.0
        for value in set(row.tolist()):
            share = beliefs[row == value].sum()
            if share > 0:
                left += share * entropy(beliefs[row == value] / share)
        gains.append(entropy(beliefs) - left)
    return int(np.argmax(np.array(gains) / costs))


def probe_most_answers(beliefs, answers, costs):
    return int(np.argmax([len(set(row.tolist())) for row in answers]))


def probe_answers_for_cost(beliefs, answers, costs):
    return int(np.argmax([len(set(row.tolist())) / cost for row, cost in zip(answers, costs, strict=True)]))


def probe_causes_alike(beliefs, answers, costs):
    alike = np.full(len(beliefs), 1 / len(beliefs))
    return probe_by_loop(alike, answers, costs)


def probe_halves(beliefs, answers, costs):
    """The probe whose likeliest answer is nearest to one half."""
    return int(np.argmin([abs(max(beliefs[row == v].sum() for v in row) - 0.5) for row in answers]))


RIGHT = {
    "blind_classes": [blind_by_batch, blind_by_set, blind_by_array],
    "best_shift": [shift_by_dictionary, shift_by_loop, shift_by_logits],
    "next_probe": [probe_by_loop, probe_by_nats, probe_by_what_is_left],
}

WRONG = {
    "blind_classes": [
        ("learned_ones", blind_seen_ones),
        ("not_by_row", blind_by_column),
        ("", blind_first_row_only),
        ("settled_logits", blind_large_logits),
        ("value_alone", blind_by_value),
        ("small_for_zero", blind_small_is_zero),
        ("", blind_as_text),
        ("", blind_first_found),
        ("classes_exchanged", blind_exchanged),
        ("", lambda loss: [0]),
        ("not_by_row", lambda loss: [] if loss(np.zeros((2, 2)), np.array([0, 1]))[1].any() else [0, 1]),
        ("", lambda loss: blind_by_batch(loss)[:1]),
    ],
    "best_shift": [
        ("turned_round", shift_p_rolled),
        ("turned_round", lambda p, y: -shift_by_loop(p, y)),
        ("index_returned", shift_index),
        ("by_accuracy", shift_by_accuracy),
        ("by_squares", shift_by_squares),
        ("largest_loss", shift_largest),
        ("largest_loss", shift_label_one),
        ("forward_only", shift_forward_only),
        ("never_none", shift_never_none),
        ("last_left_out", shift_last_left_out),
        ("is_next_only", shift_is_next_rows_only),
        ("loss_returned", lambda p, y: min(shift_losses(p, y).values())),
        ("", lambda p, y: 0),
        ("", lambda p, y: 1),
        ("", lambda p, y: abs(shift_by_loop(p, y))),
    ],
    "next_probe": [
        ("cost_ignored", lambda b, a, c: probe_by_loop(b, a, np.ones(len(c)))),
        ("cheapest", lambda b, a, c: int(np.argmin(c))),
        ("answers_counted", probe_most_answers),
        ("answers_for_cost", probe_answers_for_cost),
        ("causes_alike", probe_causes_alike),
        ("", probe_halves),
        ("cost_subtracted", lambda b, a, c: int(np.argmax([bits_of(b, r) - k for r, k in zip(a, c, strict=True)]))),
        ("cost_multiplied", lambda b, a, c: int(np.argmax([bits_of(b, r) * k for r, k in zip(a, c, strict=True)]))),
        ("fewest_bits", lambda b, a, c: int(np.argmin([bits_of(b, r) / k for r, k in zip(a, c, strict=True)]))),
        ("counted_from_one", lambda b, a, c: probe_by_loop(b, a, c) + 1),
        ("worth_returned", lambda b, a, c: max(bits_of(b, r) / k for r, k in zip(a, c, strict=True))),
        ("", lambda b, a, c: 0),
    ],
}
