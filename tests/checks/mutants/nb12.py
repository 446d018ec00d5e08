"""Answers to the exercises of notebook 12 as learners write them; written after the bank. See nb01.py."""

import math

import numpy as np

from nsputil.experiment import permuted
from nsputil.losses import nsp_loss_and_grad
from nsputil.tokenization import encode_pairs

# --- k_class_loss(logits, labels) ------------------------------------------------------------------------------------


def k_by_arrays(logits, labels):
    z = logits - np.max(logits, axis=1)[:, None]
    log_p = z - np.log(np.exp(z).sum(axis=1))[:, None]
    gradient = np.exp(log_p)
    gradient[np.arange(len(labels)), labels] -= 1
    return -np.mean(log_p[np.arange(len(labels)), labels]), gradient / len(labels)


def k_by_loop(logits, labels):
    total, gradient = 0.0, []
    for row, label in zip(logits, labels, strict=True):
        top = max(row)
        e = [math.exp(z - top) for z in row]
        p = [x / sum(e) for x in e]
        total += top + math.log(sum(e)) - row[label]
        gradient.append([(q - (k == label)) / len(labels) for k, q in enumerate(p)])
    return total / len(labels), gradient


def k_by_logsumexp(logits, labels):
    log_sum = np.logaddexp.reduce(logits, axis=1)
    y = (np.arange(logits.shape[1]) == np.asarray(labels)[:, None]).astype(float)
    loss = (log_sum - (logits * y).sum(axis=1)).mean()
    return np.float32(loss), ((np.exp(logits - log_sum[:, None]) - y) / len(y)).astype(np.float32)


def k_in_place(logits, labels):
    logits -= logits.max(axis=1, keepdims=True)
    return k_by_arrays(logits, labels)


def k_only_loss(logits, labels):
    return k_by_arrays(logits, labels)[0]


def k_unstable(logits, labels):
    e = np.exp(logits)
    p = e / e.sum(axis=1, keepdims=True)
    y = np.eye(len(logits[0]))[labels]
    return -np.log((p * y).sum(axis=1)).mean(), (p - y) / len(p)


def k_sigmoid(logits, labels):
    y = np.eye(logits.shape[1])[labels]
    p = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return -(y * np.log(p + 1e-300) + (1 - y) * np.log(1 - p + 1e-300)).sum(axis=1).mean(), (p - y) / len(y)


def k_with(slope=lambda p, y, n: (p - y) / n, loss=lambda p, y: -np.log((p * y).sum(axis=1)).mean(), axis=1):
    def answer(logits, labels):
        e = np.exp(logits - logits.max(axis=axis, keepdims=True))
        p, y = e / e.sum(axis=axis, keepdims=True), np.eye(logits.shape[1])[labels]
        with np.errstate(divide="ignore"):
            return loss(p, y), slope(p, y, len(labels))

    return answer


def k_of_all_labels(logits, labels):
    log_p = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    return np.mean(-log_p[:, labels]), k_by_arrays(logits, labels)[1]


def k_mean_of_all(p, y):
    return -np.where(y == 1, np.log(p), 0).mean()


# --- candidates_loss(a, b, scale) ------------------------------------------------------------------------------------


def candidates_by_loop(a, b, scale):
    total = 0.0
    for i in range(len(a)):
        scores = [scale * float(np.dot(a[i], other)) for other in b]
        total += math.log(sum(math.exp(s) for s in scores)) - scores[i]
    return total / len(a)


def candidates_by_logaddexp(a, b, scale):
    scores = (scale * a) @ b.T
    return np.mean(np.logaddexp.reduce(scores, axis=1) - scores.diagonal())


def candidates_by_softmax(a, b, scale):
    e = np.exp(scale * np.einsum("iw,jw->ij", a, b))
    return np.float32(-np.mean(np.log(np.diag(e) / e.sum(axis=1))))


def candidates_with(scores=lambda a, b, s: s * a @ b.T, pick=lambda p: -np.log(np.diag(p)).mean()):
    def answer(a, b, scale):
        e = np.exp(scores(a, b, scale))
        return pick(e / e.sum(axis=1, keepdims=True))

    return answer


def candidates_by_sigmoid(a, b, scale):
    own = scale * (a * b).sum(axis=1)
    return -np.log(1 / (1 + np.exp(-own))).mean()


def candidates_without_the_own(a, b, scale):
    e = np.exp(scale * a @ b.T)
    own = np.diag(e).copy()
    return -np.log(own / (e.sum(axis=1) - own)).mean()


def candidates_of_the_whole_table(a, b, scale):
    e = np.exp(scale * a @ b.T)
    return -np.log(np.diag(e) / e.sum()).mean()


def unit(x):
    return x / np.sqrt((x**2).sum(axis=1))[:, None]


# --- own_threshold(valid_scores, valid_yes, test_scores, test_yes) ---------------------------------------------------


def both_recalls(said, yes):
    return (np.mean(said[yes]) + np.mean(~said[~yes])) / 2


def threshold_by_arrays(valid_scores, valid_yes, test_scores, test_yes):
    ordered = np.sort(np.unique(valid_scores))
    middles = ordered[:-1] + np.diff(ordered) / 2
    worth = [both_recalls(valid_scores > m, valid_yes) for m in middles]
    return both_recalls(test_scores > middles[int(np.argmax(worth))], test_yes)


def threshold_by_loop(valid_scores, valid_yes, test_scores, test_yes):
    ordered = sorted(set(valid_scores.tolist()))
    best, cut = -1.0, None
    for low, high in zip(ordered, ordered[1:], strict=False):
        middle = (low + high) / 2
        found = both_recalls(valid_scores >= middle, valid_yes)
        if found > best:
            best, cut = found, middle
    hits = sum(1 for s, y in zip(test_scores, test_yes, strict=True) if y and s > cut) / int(test_yes.sum())
    passes = sum(1 for s, y in zip(test_scores, test_yes, strict=True) if not y and s < cut) / int((~test_yes).sum())
    return 0.5 * hits + 0.5 * passes


def threshold_by_outer(valid_scores, valid_yes, test_scores, test_yes):
    ordered = np.unique(valid_scores)
    cuts = (ordered[:-1] + ordered[1:]) / 2
    said = valid_scores[None, :] > cuts[:, None]
    worth = said[:, valid_yes].mean(axis=1) - said[:, ~valid_yes].mean(axis=1)
    return np.float32(both_recalls(test_scores > cuts[worth.argmax()], test_yes))


def choose(scores, yes, worth=both_recalls, cuts=None):
    ordered = np.unique(scores)
    cuts = (ordered[:-1] + ordered[1:]) / 2 if cuts is None else cuts
    return cuts[int(np.argmax([worth(scores > cut, yes) for cut in cuts]))]


def f1_score(said, yes):
    hits = np.sum(said & yes)
    return 0.0 if hits == 0 else 2 / (np.sum(said) / hits + np.sum(yes) / hits)


def threshold_last_of_equal(valid_scores, valid_yes, test_scores, test_yes):
    ordered, best, cut = np.unique(valid_scores), -1, 0
    for middle in ordered[:-1] + np.diff(ordered) / 2:
        found = both_recalls(valid_scores > middle, valid_yes)
        if found >= best:
            best, cut = found, middle
    return both_recalls(test_scores > cut, test_yes)


def threshold_of_neighbors(order):
    def answer(valid_scores, valid_yes, test_scores, test_yes):
        s = order(valid_scores)
        cut = choose(valid_scores, valid_yes, cuts=[(x + y) / 2 for x, y in zip(s, s[1:], strict=False)])
        return both_recalls(test_scores > cut, test_yes)

    return answer


def threshold_turned(valid_scores, valid_yes, test_scores, test_yes):
    cut = choose(valid_scores, valid_yes, lambda said, yes: both_recalls(~said, yes))
    return both_recalls(test_scores < cut, test_yes)


# --- repaired_script(documents, model, seed, epochs=2) ---------------------------------------------------------------


def script_in_epochs(documents, model, seed, epochs=2):
    """With shuffled epochs and the package's own loss."""
    rng = np.random.default_rng(seed)
    cut = len(documents) * 3 // 4
    train_pairs, test_pairs = permuted(documents[:cut], rng), permuted(documents[cut:], rng)
    batches = []
    for _ in range(epochs):
        order = rng.permutation(len(train_pairs))
        batches += [order[k : k + 32] for k in range(0, len(order) - 31, 32)]
    for number, rows in enumerate(batches):
        batch = encode_pairs([train_pairs[k] for k in rows], model.vocabulary)
        logits = model(batch.input_ids, token_type_ids=batch.token_type_ids, attention_mask=batch.attention_mask)
        model.backward(nsp_loss_and_grad(logits, batch.labels)[1])
        model.step(0.004 * (len(batches) - number) / len(batches))
    batch = encode_pairs(test_pairs, model.vocabulary)
    logits = model(batch.input_ids, batch.attention_mask, batch.token_type_ids)
    return model, np.mean(logits.argmax(axis=1) == batch.labels)


def script_with_labels_of_pairs(documents, model, seed, epochs=2):
    rng, cut = np.random.default_rng(seed), 3 * len(documents) // 4
    pairs, test = permuted(documents[:cut], rng), permuted(documents[cut:], rng)
    steps = epochs * len(pairs) // 32

    def logits_of(batch):
        return model(batch.input_ids, batch.attention_mask, batch.token_type_ids)

    for step in range(steps):
        batch = encode_pairs([pairs[k] for k in rng.integers(len(pairs), size=32)], model.vocabulary)
        z = logits_of(batch)
        p_other = 1 / (1 + np.exp((z[:, 0] - z[:, 1]) * (1 - 2 * batch.labels)))
        slope = np.where(np.eye(2)[batch.labels] == 1, -p_other[:, None], p_other[:, None]) / 32
        model.backward(slope)
        model.step(0.004 * (steps - step) / steps)
    batch = encode_pairs(test, model.vocabulary)
    says_not_next = logits_of(batch)[:, 1] > logits_of(batch)[:, 0]
    return [model, float(np.mean(says_not_next == (batch.labels == 1)))]


def script_small_edits(documents, model, seed, epochs=2):
    rng, cut = np.random.default_rng(seed), 3 * len(documents) // 4
    pairs, test = permuted(documents[:cut], rng), permuted(documents[cut:], rng)
    steps = epochs * len(pairs) // 32
    for step in range(steps):
        chosen = [pairs[k] for k in rng.choice(len(pairs), 32)]
        labels = np.array([1 - int(pair.document_a == pair.document_b) for pair in chosen])
        batch = encode_pairs(chosen, model.vocabulary)
        logits = model(batch.input_ids, batch.attention_mask, batch.token_type_ids)
        probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        keep = np.ones(len(labels))
        slope = (probs - np.eye(2)[labels]) * keep[:, None] / keep.sum()
        model.backward(slope)
        model.step(0.004 * max(0.0, 1 - step / steps))
    batch = encode_pairs(test, model.vocabulary)
    logits = model(batch.input_ids, batch.attention_mask, batch.token_type_ids)
    says_next = logits[:, 1] < logits[:, 0]
    follows = np.array([pair.document_a == pair.document_b for pair in test])
    return model, float((says_next == follows).mean())


def script_that_looks_twice(documents, model, seed, epochs=2):
    """Reads the test pairs before the training as well, and the training pairs after it."""
    rng, cut = np.random.default_rng(seed), 3 * len(documents) // 4
    pairs, test = permuted(documents[:cut], rng), permuted(documents[cut:], rng)
    steps = epochs * len(pairs) // 32

    def read(some):
        batch = encode_pairs(some, model.vocabulary)
        return model(batch.input_ids, batch.attention_mask, batch.token_type_ids), batch.labels

    def accuracy(some):
        logits, labels = read(some)
        return float((logits.argmax(axis=1) == labels).mean())

    history = [accuracy(test)]
    for step in range(steps):
        logits, labels = read([pairs[k] for k in rng.choice(len(pairs), 32)])
        model.backward(nsp_loss_and_grad(logits, labels)[1])
        model.step(0.004 * (1 - step / steps))
        if step % 10 == 9:
            history.append(accuracy(test))
    history.append(accuracy(pairs))
    return model, accuracy(test)


def script_tested(on="pairs", when="after"):
    """Right, but for the pairs that it reports on, or for the time."""

    def answer(documents, model, seed, epochs=2):
        rng, cut = np.random.default_rng(seed), 3 * len(documents) // 4
        parts = {"pairs": permuted(documents[:cut], rng), "test": permuted(documents[cut:], rng)}

        def accuracy():
            batch = encode_pairs(parts[on], model.vocabulary)
            logits = model(batch.input_ids, batch.attention_mask, batch.token_type_ids)
            return float((logits.argmax(axis=1) == batch.labels).mean())

        before, pairs = accuracy(), parts["pairs"]
        for step in range(steps := epochs * len(pairs) // 32):
            batch = encode_pairs([pairs[k] for k in rng.choice(len(pairs), 32)], model.vocabulary)
            logits = model(batch.input_ids, batch.attention_mask, batch.token_type_ids)
            model.backward(nsp_loss_and_grad(logits, batch.labels)[1])
            model.step(0.004 * (1 - step / steps))
        return model, accuracy() if when == "after" else before

    return answer


def script_of(labels=True, arrays=True, loss=True, rate=True, column=True, result=lambda *both: both, scale=1.0):
    """A script in which some of the five parts are right."""

    def answer(documents, model, seed, epochs=2):
        rng, cut = np.random.default_rng(seed), 3 * len(documents) // 4
        pairs, test = permuted(documents[:cut], rng), permuted(documents[cut:], rng)
        steps = epochs * len(pairs) // 32

        def read(batch):
            if arrays:
                return model(batch.input_ids, batch.attention_mask, batch.token_type_ids)
            return model(batch.input_ids, batch.token_type_ids, batch.attention_mask)

        for step in range(steps):
            batch = encode_pairs([pairs[k] for k in rng.choice(len(pairs), 32)], model.vocabulary)
            y = batch.labels if labels else 1 - batch.labels
            logits = read(batch)
            slope = nsp_loss_and_grad(logits, y)[1]
            if not loss:
                slope = slope * (y != 0)[:, None] * len(y) / max(1, (y != 0).sum())
            model.backward(scale * slope)
            rates = {True: 1 - step / steps, False: max(0.0, 1 - step / epochs), "constant": 1.0}
            rates["ten times"] = 10 * rates[True]
            model.step(0.004 * rates[rate])
        batch = encode_pairs(test, model.vocabulary)
        logits = read(batch)
        says_next = logits[:, 0] > logits[:, 1] if column else logits[:, 1] > logits[:, 0]
        return result(model, float((says_next == (batch.labels == 0)).mean()))

    return answer


RIGHT = {
    "k_class_loss": [k_by_arrays, k_by_loop, k_by_logsumexp],
    "candidates_loss": [candidates_by_loop, candidates_by_logaddexp, candidates_by_softmax],
    "own_threshold": [threshold_by_arrays, threshold_by_loop, threshold_by_outer],
    "repaired_script": [script_in_epochs, script_with_labels_of_pairs, script_small_edits, script_that_looks_twice],
}

WRONG = {
    "k_class_loss": [
        ("mutates_input", k_in_place),
        ("", k_only_loss),
        ("unstable_exp", k_unstable),
        ("log_of_zero", k_with()),
        ("epsilon_in_log", k_with(loss=lambda p, y: -np.log((p * y).sum(axis=1) + 1e-9).mean())),
        ("both_divided_by_entries", k_with(lambda p, y, n: (p - y) / p.size, k_mean_of_all)),
        ("clipped_logits", lambda z, c: k_by_arrays(np.clip(z, -50, 50), c)),
        ("largest_taken", lambda z, c: k_by_arrays(z, z.argmax(axis=1))),
        ("rows_times_labels", k_of_all_labels),
        ("slope_of_p", k_with(lambda p, y, n: p * (1 - p) / n)),
        ("", k_sigmoid),
        ("y_minus_p", k_with(lambda p, y, n: (y - p) / n)),
        ("slope_not_averaged", k_with(lambda p, y, n: p - y)),
        ("both_summed", k_with(lambda p, y, n: p - y, lambda p, y: -np.log((p * y).sum(axis=1)).sum())),
        ("gold_not_subtracted", k_with(lambda p, y, n: p / n)),
        ("only_gold", k_with(lambda p, y, n: (p - 1) * y / n)),
        ("softmax_over_batch", k_with(axis=0)),
        ("mean_of_probabilities", k_with(loss=lambda p, y: -np.log((p * y).sum(axis=1).mean()))),
        ("wrong_sign", k_with(loss=lambda p, y: np.log((p * y).sum(axis=1)).mean())),
    ],
    "candidates_loss": [
        ("which_a", candidates_with(lambda a, b, s: s * b @ a.T)),
        ("no_scale", candidates_with(lambda a, b, s: a @ b.T)),
        ("divided_by_scale", candidates_with(lambda a, b, s: a @ b.T / s)),
        ("sum_for_mean", candidates_with(pick=lambda p: -np.log(np.diag(p)).sum())),
        ("no_mean", candidates_with(pick=lambda p: -np.log(np.diag(p)))),
        ("yes_or_no", candidates_by_sigmoid),
        ("gold_left_out", candidates_without_the_own),
        ("cosines", lambda a, b, s: candidates_by_loop(unit(a), unit(b), s)),
        ("scale_twice", lambda a, b, s: candidates_by_loop(s * a, b, s)),
        ("one_softmax", candidates_of_the_whole_table),
        ("sum_of_both", lambda a, b, s: (candidates_by_loop(a, b, s) + candidates_by_loop(b, a, s)) / 2),
        ("first_is_gold", candidates_with(pick=lambda p: -np.log(p[:, 0]).mean())),
        ("best_score", candidates_with(pick=lambda p: -np.log(p.max(axis=1)).mean())),
        ("mean_of_probabilities", candidates_with(pick=lambda p: -np.log(np.diag(p).mean()))),
        ("", candidates_with(pick=lambda p: np.log(np.diag(p)).mean())),
        ("", candidates_with(pick=lambda p: (1 - np.diag(p)).mean())),
    ],
    "own_threshold": [
        ("chosen_on_test", lambda v, w, t, u: both_recalls(t > choose(t, u), u)),
        ("zero", lambda v, w, t, u: both_recalls(t > 0, u)),
        ("chosen_by_accuracy", lambda v, w, t, u: both_recalls(t > choose(v, w, lambda s, y: (s == y).mean()), u)),
        ("reported_plain", lambda v, w, t, u: ((t > choose(v, w)) == u).mean()),
        ("reported_on_validation", lambda v, w, t, u: both_recalls(v > choose(v, w), w)),
        ("only_yes", lambda v, w, t, u: (t > choose(v, w))[u].mean()),
        ("below_is_yes", lambda v, w, t, u: both_recalls(t < choose(v, w), u)),
        ("median", lambda v, w, t, u: both_recalls(t > np.median(v), u)),
        ("chosen_by_f1", lambda v, w, t, u: both_recalls(t > choose(v, w, f1_score), u)),
        ("highest_of_equal", threshold_last_of_equal),
        ("equal_scores_apart", threshold_of_neighbors(np.sort)),
        ("not_sorted", threshold_of_neighbors(list)),
        ("scores_as_thresholds", lambda v, w, t, u: both_recalls(t > choose(v, w, cuts=sorted(set(v))), u)),
        ("yes_below", threshold_turned),
        ("threshold_returned", lambda v, w, t, u: choose(v, w)),
        ("middle_of_means", lambda v, w, t, u: both_recalls(t > (v[w].mean() + v[~w].mean()) / 2, u)),
    ],
    "repaired_script": [
        ("labels_left", script_of(labels=False)),
        ("inputs_left", script_of(arrays=False)),
        ("loss_left", script_of(loss=False)),
        ("schedule_left", script_of(rate=False)),
        ("evaluation_left", script_of(column=False)),
        ("stopped_at_the_good_report", script_of(labels=False, column=False)),
        ("nothing_repaired", script_of(False, False, False, False, False)),
        ("what_shows_first", script_of(False, False, False, True, False)),
        ("summed", script_of(scale=32)),
        ("constant_rate", script_of(rate="constant")),
        ("", script_of(scale=0.5)),
        ("", script_of(rate="ten times")),
        ("", script_of(labels=False, rate=False)),
        ("", script_of(False, True, False, False, True)),
        ("", script_tested(on="pairs")),
        ("", script_tested(on="test", when="before")),
        ("", script_of(result=lambda model, accuracy: accuracy)),
        ("", script_of(result=lambda model, accuracy: (accuracy, model))),
    ],
}
