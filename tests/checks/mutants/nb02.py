"""Answers to the exercises of notebook 02 as learners write them; not derived from the bank."""

import math
from collections import Counter

import numpy as np

from nsputil.metrics import entropy
from nsputil.pairs import measured_prior


def pair_with_branches(chunk, cut, other, heads):
    a = list(chunk[:cut])
    if len(chunk) == 1:
        return a, other, 1
    if heads:
        return a, list(chunk[cut:]), 0
    return a, other, 1


def pair_from_label(chunk, cut, other, heads):
    label = int(not heads or cut == len(chunk))
    return chunk[:cut], other if label else chunk[cut:], label


def pair_by_loop(chunk, cut, other, heads):
    a, rest = [], []
    for position, sentence in enumerate(chunk):
        (a if position < cut else rest).append(sentence)
    return [a, rest, 0] if heads and rest else [a, other, 1]


def pair_without_force(chunk, cut, other, heads):
    if heads:
        return chunk[:cut], chunk[cut:], 0
    return chunk[:cut], other, 1


def pair_one_means_next(chunk, cut, other, heads):
    is_next = heads and cut < len(chunk)
    return chunk[:cut], chunk[cut:] if is_next else other, int(is_next)


def pair_tails_keep(chunk, cut, other, heads):
    if len(chunk) == 1 or heads:
        return chunk[:cut], other, 1
    return chunk[:cut], chunk[cut:], 0


def pair_next_sentence_only(chunk, cut, other, heads):
    if heads and len(chunk) > 1:
        return chunk[:cut], [chunk[cut]], 0
    return chunk[:cut], other, 1


def pair_a_is_one(chunk, cut, other, heads):
    if heads and len(chunk) > 1:
        return [chunk[cut - 1]], chunk[cut:], 0
    return [chunk[cut - 1]], other, 1


def pair_pops(chunk, cut, other, heads):
    a = [chunk.pop(0) for _ in range(cut)]
    return (a, chunk, 0) if heads and chunk else (a, other, 1)


def pair_two_values(chunk, cut, other, heads):
    return (chunk[:cut], chunk[cut:]) if heads and len(chunk) > 1 else (chunk[:cut], other)


def pair_joined(chunk, cut, other, heads):
    a, b, label = pair_with_branches(chunk, cut, other, heads)
    return " ".join(a), " ".join(b), label


def audit_with_arrays(pairs):
    labels = np.array([p.label for p in pairs])
    same = np.array([p.document_a == p.document_b for p in pairs])
    return {"is_next": (labels == 0).mean(), "same_document_negatives": (same & (labels == 1)).mean()}


def audit_with_library(pairs):
    prior = measured_prior(pairs)
    return {"is_next": prior.is_next, "same_document_negatives": prior.same_document_negatives}


def audit_by_loop(pairs):
    found = {"is_next": 0, "same_document_negatives": 0}
    for pair in pairs:
        if pair.label == 0:
            found["is_next"] += 1
        elif pair.document_a == pair.document_b:
            found["same_document_negatives"] += 1
    return {key: count / len(pairs) for key, count in found.items()}


def made(is_next, same):
    return {"is_next": is_next, "same_document_negatives": same}


def entropy_counter(labels):
    counts = Counter(labels.tolist())
    return -sum(k / len(labels) * math.log(k / len(labels)) for k in counts.values())


def entropy_masked(labels):
    q = np.bincount(labels, minlength=2) / len(labels)
    return -(q[q > 0] * np.log(q[q > 0])).sum()


def entropy_by_cost(labels):
    """What announcing the prior really costs, pair by pair."""
    p = np.array([np.mean(labels == 0), np.mean(labels == 1)])
    return -np.log(p[labels]).mean()


def entropy_naive(labels):
    p = sum(labels == 0) / len(labels)
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def entropy_epsilon(labels):
    p = np.mean(labels == 0)
    return -(p * np.log(p + 1e-3) + (1 - p) * np.log(1 - p + 1e-3))


def docs(pairs):
    return {p.document_a for p in pairs} | {p.document_b for p in pairs}


def clean_by_loop(train_pairs, test_pairs):
    for p in train_pairs:
        for t in test_pairs:
            if {p.document_a, p.document_b} & {t.document_a, t.document_b}:
                return False
    return True


def shared_docs_list(train_pairs, test_pairs):
    return sorted(docs(train_pairs) & docs(test_pairs))


RIGHT = {
    "make_pair": [pair_with_branches, pair_from_label, pair_by_loop],
    "audit": [audit_with_arrays, audit_with_library, audit_by_loop],
    "honest_baseline": [entropy_counter, entropy_masked, entropy_by_cost, lambda y: entropy(np.mean(y == 0))],
    "no_shared_document": [
        clean_by_loop,
        lambda train, test: docs(train).isdisjoint(docs(test)),
        lambda train, test: len(docs(train) & docs(test)) == 0,
    ],
}

WRONG = {
    "make_pair": [
        ("nothing_forced", pair_without_force),
        ("label_one_is_next", pair_one_means_next),
        ("coin_turned_round", pair_tails_keep),
        ("one_sentence_b", pair_next_sentence_only),
        ("one_sentence_a", pair_a_is_one),
        ("cut_too_late", lambda c, k, o, h: pair_with_branches(c, k + 1, o, h)),
        ("coin_ignored", lambda c, k, o, h: pair_with_branches(c, k, o, True)),
        ("mutates_input", pair_pops),
        ("", lambda c, k, o, h: (c[:k], c[k:] + o, 0) if h else (c[:k], o, 1)),
        ("", pair_two_values),
        ("", pair_joined),
    ],
    "audit": [
        ("label_one_is_next", lambda ps: made(
            np.mean([p.label for p in ps]), np.mean([p.label == 0 and p.document_a == p.document_b for p in ps]))),
        ("is_next_turned_round", lambda ps: made(
            sum(p.label for p in ps) / len(ps), audit_by_loop(ps)["same_document_negatives"])),
        ("all_within", lambda ps: made(
            audit_by_loop(ps)["is_next"], np.mean([p.document_a == p.document_b for p in ps]))),
        ("of_negatives", lambda ps: made(
            audit_by_loop(ps)["is_next"], np.mean([p.document_a == p.document_b for p in ps if p.label == 1]))),
        ("counts", lambda ps: made(
            sum(p.label == 0 for p in ps), sum(p.label == 1 and p.document_a == p.document_b for p in ps))),
        ("other_documents", lambda ps: made(
            audit_by_loop(ps)["is_next"], np.mean([p.label == 1 and p.document_a != p.document_b for p in ps]))),
        ("percent", lambda ps: {key: value * 100 for key, value in audit_by_loop(ps).items()}),
        ("", lambda ps: tuple(audit_by_loop(ps).values())),
        ("", lambda ps: audit_by_loop(ps)["is_next"]),
        ("", lambda ps: made(audit_by_loop(ps)["is_next"], 0.0)),
    ],
    "honest_baseline": [
        ("zero_times_log_zero", entropy_naive),
        ("log_base_2", lambda y: -sum(q * math.log2(q) for q in np.bincount(y) / len(y) if q)),
        ("log_base_10", lambda y: -sum(q * math.log10(q) for q in np.bincount(y) / len(y) if q)),
        ("wrong_sign", lambda y: sum(q * math.log(q) for q in np.bincount(y) / len(y) if q)),
        ("always_ln_2", lambda y: math.log(2)),
        ("no_weights", lambda y: -sum(math.log(q) for q in np.bincount(y) / len(y) if q)),
        ("majority_error", lambda y: 1 - max(Counter(y.tolist()).values()) / len(y)),
        ("log_of_prior", lambda y: -math.log(max(np.mean(y), 1 - np.mean(y)))),
        ("", entropy_epsilon),
        ("", lambda y: np.mean(y == 0)),
        ("", lambda y: np.exp(entropy_masked(y))),
    ],
    "no_shared_document": [
        ("a_only", lambda train, test: {p.document_a for p in train}.isdisjoint(p.document_a for p in test)),
        ("b_only", lambda train, test: {p.document_b for p in train}.isdisjoint(p.document_b for p in test)),
        ("a_with_a_b_with_b", lambda train, test: all(
            p.document_a != t.document_a and p.document_b != t.document_b for p in train for t in test)),
        ("turned_round", lambda train, test: bool(docs(train) & docs(test))),
        ("pairs_compared", lambda train, test: all(
            (p.document_a, p.document_b) != (t.document_a, t.document_b) for p in train for t in test)),
        ("sentences_compared", lambda train, test: not any(
            p.sentence_a == t.sentence_a for p in train for t in test)),
        ("", shared_docs_list),
        ("sets_differ", lambda train, test: docs(train) != docs(test)),
        ("", lambda train, test: False),
    ],
}  # fmt: skip
