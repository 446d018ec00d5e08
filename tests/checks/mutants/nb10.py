"""Answers to the exercises of notebook 10 as learners write them; written before the bank. See nb01.py."""

import math

import numpy as np

# --- update_belief(belief, likelihood) -------------------------------------------------------------------------------


def belief_by_arrays(belief, likelihood):
    joint = belief * likelihood
    return joint / joint.sum()


def belief_by_loop(belief, likelihood):
    total = 0.0
    for b, q in zip(belief, likelihood, strict=True):
        total += b * q
    return [b * q / total for b, q in zip(belief, likelihood, strict=True)]


def belief_by_logs(belief, likelihood):
    with np.errstate(divide="ignore"):
        logs = np.log(belief) + np.log(likelihood)
    e = np.exp(logs - logs.max())
    return (e / e.sum()).astype(np.float32)


def belief_in_place(belief, likelihood):
    belief *= likelihood
    belief /= belief.sum()
    return belief


def belief_softmax(belief, likelihood):
    e = np.exp(belief + likelihood)
    return e / e.sum()


def belief_winner(belief, likelihood):
    answer = np.zeros(len(belief))
    answer[np.argmax(belief * likelihood)] = 1
    return answer


# --- share_odd(values, healthy) --------------------------------------------------------------------------------------


def odd_by_quantile(values, healthy):
    low, high = np.quantile(healthy, [0.05, 0.95])
    return np.mean((values < low) | (values > high))


def odd_by_percentile_loop(values, healthy):
    low, high = np.percentile(healthy, 5), np.percentile(healthy, 95)
    count = 0
    for value in values:
        if not low <= value <= high:
            count += 1
    return count / len(values)


def odd_by_sorting(values, healthy):
    """The quantile by hand: NumPy's, which goes straight from one sorted value to the next."""
    ordered = sorted(healthy)

    def quantile(q):
        place = q * (len(ordered) - 1)
        k = min(int(place), len(ordered) - 2)
        return ordered[k] + (place - k) * (ordered[k + 1] - ordered[k])

    low, high = quantile(0.05), quantile(0.95)
    return np.float32(1 - sum(low <= value <= high for value in values) / len(values))


def odd_with(low, high):
    def answer(values, healthy):
        return float(np.mean((values < low(healthy)) | (values > high(healthy))))

    return answer


# --- mean_score(p_truth, spent, budget, causes) ----------------------------------------------------------------------


def score_by_arrays(p_truth, spent, budget, causes):
    return np.mean(100 * (1 + np.log(p_truth) / np.log(causes)) - 50 * spent / budget)


def score_by_loop(p_truth, spent, budget, causes):
    total = 0.0
    for p, steps in zip(p_truth, spent, strict=True):
        total += 100 * (1 - math.log(p) / math.log(1 / causes)) - 50 * (steps / budget)
    return total / len(p_truth)


def score_of_means(p_truth, spent, budget, causes):
    """The score is linear in the logarithm and in the steps, so their means may be taken first."""
    return 100 + 100 * np.log(p_truth).mean() / np.log(causes) - 50 * np.mean(spent) / budget


def score_log_of_mean(p_truth, spent, budget, causes):
    return 100 * (1 + np.log(p_truth.mean()) / np.log(causes)) - 50 * spent.mean() / budget


def score_sum(p_truth, spent, budget, causes):
    each = zip(p_truth, spent, strict=True)
    return sum(100 * (1 + math.log(p) / math.log(causes)) - 50 * steps / budget for p, steps in each)


RIGHT = {
    "update_belief": [belief_by_arrays, belief_by_loop, belief_by_logs],
    "share_odd": [odd_by_quantile, odd_by_percentile_loop, odd_by_sorting],
    "mean_score": [score_by_arrays, score_by_loop, score_of_means],
}

WRONG = {
    "update_belief": [
        ("mutates_input", belief_in_place),
        ("", belief_softmax),
        ("winner_takes_all", belief_winner),
        ("not_normalized", lambda b, q: b * q),
        ("belief_ignored", lambda b, q: q / q.sum()),
        ("likelihood_ignored", lambda b, q: np.array(b)),
        ("added", lambda b, q: (b + q) / (b + q).sum()),
        ("averaged", lambda b, q: (b + q / q.sum()) / 2),
        ("divided", lambda b, q: (b / np.maximum(q, 1e-12)) / (b / np.maximum(q, 1e-12)).sum()),
        ("divided_by_likelihoods", lambda b, q: b * q / q.sum()),
        ("", lambda b, q: (b * q).sum()),
        ("divided_by_largest", lambda b, q: b * q / (b * q).max()),
        ("complement", lambda b, q: b * (1 - q) / (b * (1 - q)).sum()),
    ],
    "share_odd": [
        ("range", odd_with(np.min, np.max)),
        ("five_percent_in_all", odd_with(lambda h: np.quantile(h, 0.025), lambda h: np.quantile(h, 0.975))),
        ("ten_percent_each", odd_with(lambda h: np.quantile(h, 0.1), lambda h: np.quantile(h, 0.9))),
        ("two_deviations", odd_with(lambda h: h.mean() - 2 * h.std(), lambda h: h.mean() + 2 * h.std())),
        ("only_above", odd_with(lambda h: -np.inf, lambda h: np.quantile(h, 0.95))),
        ("only_below", odd_with(lambda h: np.quantile(h, 0.05), lambda h: np.inf)),
        ("share_normal", lambda v, h: 1 - odd_by_quantile(v, h)),
        ("count", lambda v, h: odd_by_quantile(v, h) * len(v)),
        ("own_range", lambda v, h: odd_by_quantile(v, v)),
        ("exchanged", lambda v, h: odd_by_quantile(h, v)),
        ("", odd_with(lambda h: np.quantile(h, 0.25), lambda h: np.quantile(h, 0.75))),
        ("", odd_with(lambda h: h.mean() - 0.9 * h.std(), lambda h: h.mean() + 0.9 * h.std())),
        ("", lambda v, h: bool(odd_by_quantile(v, h) > 0.1)),
        ("", lambda v, h: (v < np.quantile(h, 0.05)) | (v > np.quantile(h, 0.95))),
    ],
    "mean_score": [
        ("mean_of_probabilities", score_log_of_mean),
        ("sum_for_mean", score_sum),
        ("steps_free", lambda p, s, b, k: np.mean(100 * (1 + np.log(p) / np.log(k)))),
        ("linear", lambda p, s, b, k: np.mean(100 * p - 50 * s / b)),
        ("whole_budget", lambda p, s, b, k: np.mean(100 * (1 + np.log(p) / np.log(k)) - 100 * s / b)),
        ("wrong_sign", lambda p, s, b, k: np.mean(100 * (1 - np.log(p) / np.log(k)) - 50 * s / b)),
        ("not_scaled", lambda p, s, b, k: np.mean(100 * (1 + np.log(p)) - 50 * s / b)),
        ("steps_added", lambda p, s, b, k: np.mean(100 * (1 + np.log(p) / np.log(k)) + 50 * s / b)),
        ("", lambda p, s, b, k: np.mean(100 * (1 + np.log(p) / np.log(k)) - 50 * s)),
        ("logs_mixed", lambda p, s, b, k: np.mean(100 * (1 + np.log2(p) / np.log(k)) - 50 * s / b)),
        ("no_mean", lambda p, s, b, k: 100 * (1 + np.log(p) / np.log(k)) - 50 * s / b),
        ("divided_by_count", lambda p, s, b, k: np.mean(100 * (1 + np.log(p) / k) - 50 * s / b)),
        ("right_or_not", lambda p, s, b, k: np.mean(100 * (p > 0.5) - 50 * s / b)),
    ],
}
