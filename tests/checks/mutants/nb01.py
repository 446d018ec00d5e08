"""Answers to the exercises of notebook 01 as learners write them; not derived from the bank.

RIGHT: right answers in different styles. WRONG: (the misconception that it embodies, or "" if the bank need not know
it, the answer).
"""

import math

import numpy as np


def lay_out_by_loop(tokens_a, tokens_b, length):
    tokens, segments = ["[CLS]"], [0]
    for token in tokens_a:
        tokens.append(token)
        segments.append(0)
    tokens.append("[SEP]")
    segments.append(0)
    for token in list(tokens_b) + ["[SEP]"]:
        tokens.append(token)
        segments.append(1)
    mask = [1 for _ in tokens]
    while len(tokens) < length:
        tokens.append("[PAD]")
        segments.append(0)
        mask.append(0)
    return tokens, segments, mask


def lay_out_by_arrays(tokens_a, tokens_b, length):
    tokens = (["[CLS]"] + tokens_a + ["[SEP]"] + tokens_b + ["[SEP]"] + ["[PAD]"] * length)[:length]
    place = np.arange(length)
    end_a = len(tokens_a) + 2
    end = end_a + len(tokens_b) + 1
    return tokens, ((place >= end_a) & (place < end)).astype(int), (place < end).astype(np.int64)


def lay_out_by_zip(tokens_a, tokens_b, length):
    rows = [("[CLS]", 0, 1)] + [(t, 0, 1) for t in tokens_a + ["[SEP]"]] + [(t, 1, 1) for t in tokens_b + ["[SEP]"]]
    rows += [("[PAD]", 0, 0)] * (length - len(rows))
    return tuple(list(column) for column in zip(*rows, strict=True))


def lay_out_no_segments(tokens_a, tokens_b, length):
    tokens = ["[CLS]"] + tokens_a + ["[SEP]"] + tokens_b + ["[SEP]"]
    mask = [1] * len(tokens)
    while len(tokens) < length:
        tokens.append("[PAD]")
        mask.append(0)
    return tokens, [0 for _ in tokens], mask


def lay_out_flip_after_sep(tokens_a, tokens_b, length):
    """The segment changes as soon as a [SEP] is met, and back at the second."""
    tokens = ["[CLS]", *tokens_a, "[SEP]", *tokens_b, "[SEP]"]
    tokens += ["[PAD]"] * (length - len(tokens))
    segments, current = [], 0
    for token in tokens:
        if token == "[SEP]":
            current = 1 - current
        segments.append(current)
    first = tokens.index("[SEP]")
    segments[first] = 0
    return tokens, segments, [int(token != "[PAD]") for token in tokens]


def lay_out_flip_at_sep(tokens_a, tokens_b, length):
    tokens = ["[CLS]", *tokens_a, "[SEP]", *tokens_b, "[SEP]"]
    segments, seen = [], False
    for token in tokens:
        seen = seen or token == "[SEP]"
        segments.append(1 if seen else 0)
    missing = length - len(tokens)
    return tokens + ["[PAD]"] * missing, segments + [0] * missing, [1] * len(tokens) + [0] * missing


def lay_out_segment_to_the_end(tokens_a, tokens_b, length):
    tokens = ["[CLS]", *tokens_a, "[SEP]", *tokens_b, "[SEP]"]
    mask = [1] * len(tokens) + [0] * (length - len(tokens))
    start = len(tokens_a) + 2
    return tokens + ["[PAD]"] * (length - len(tokens)), [0] * start + [1] * (length - start), mask


def lay_out_full_mask(tokens_a, tokens_b, length):
    tokens, segments, _ = lay_out_by_loop(tokens_a, tokens_b, length)
    return tokens, segments, list(np.ones(length, dtype=int))


def lay_out_pads_first(tokens_a, tokens_b, length):
    tokens = ["[CLS]", *tokens_a, "[SEP]", *tokens_b, "[SEP]"]
    pads = length - len(tokens)
    segments = [0] * (len(tokens_a) + 2) + [1] * (len(tokens_b) + 1)
    return ["[PAD]"] * pads + tokens, [0] * pads + segments, [0] * pads + [1] * len(tokens)


def lay_out_forgets_last_sep(tokens_a, tokens_b, length):
    tokens = ["[CLS]"] + tokens_a + ["[SEP]"] + tokens_b
    segments = [0 if i < len(tokens_a) + 2 else 1 for i in range(len(tokens))]
    mask = [1] * len(tokens)
    for part, filler in ((tokens, "[PAD]"), (segments, 0), (mask, 0)):
        part.extend([filler] * (length - len(part)))
    return tokens, segments, mask


def lay_out_ignores_length(tokens_a, tokens_b, length):
    tokens = ["[CLS]", *tokens_a, "[SEP]", *tokens_b, "[SEP]"]
    return tokens, [0] * (2 + len(tokens_a)) + [1] * (1 + len(tokens_b)), [1] * len(tokens)


def lay_out_appends_to_a(tokens_a, tokens_b, length):
    tokens_a.insert(0, "[CLS]")
    tokens_a.append("[SEP]")
    tokens = tokens_a + tokens_b + ["[SEP]"]
    pads = length - len(tokens)
    segments = [0] * len(tokens_a) + [1] * (len(tokens_b) + 1) + [0] * pads
    return tokens + ["[PAD]"] * pads, segments, [1] * len(tokens) + [0] * pads


def lay_out_b_first(tokens_a, tokens_b, length):
    return lay_out_by_loop(tokens_b, tokens_a, length)


def lay_out_one_string(tokens_a, tokens_b, length):
    return " ".join(["[CLS]", *tokens_a, "[SEP]", *tokens_b, "[SEP]"])


def nsp_logits_by_loop(hidden_states, W_p, b_p, W, b):
    rows = []
    for vectors in hidden_states:
        pooled = [math.tanh(sum(w * h for w, h in zip(row, vectors[0], strict=True)) + c)
                  for row, c in zip(W_p, b_p, strict=True)]  # fmt: skip
        rows.append([sum(w * p for w, p in zip(row, pooled, strict=True)) + c for row, c in zip(W, b, strict=True)])
    return rows


def nsp_logits_einsum(hidden_states, W_p, b_p, W, b):
    pooled = np.tanh(np.einsum("oh,bh->bo", W_p, hidden_states[:, 0, :]) + b_p)
    return np.einsum("oh,bh->bo", W, pooled) + b


def nsp_logits_transposed(hidden_states, W_p, b_p, W, b):
    pooled = np.tanh(W_p @ hidden_states[:, 0].T + b_p[:, None])
    return (W @ pooled).T + b


def nsp_logits_float32(hidden_states, W_p, b_p, W, b):
    h, W_p, b_p, W, b = (x.astype(np.float32) for x in (hidden_states, W_p, b_p, W, b))
    return np.tanh(h[:, 0] @ W_p.T + b_p) @ W.T + b


def _nsp_from(h, W_p, b_p, W, b):
    return np.tanh(np.dot(h, W_p.T) + b_p) @ W.T + b


def nsp_logits_in_place(hidden_states, W_p, b_p, W, b):
    h = hidden_states[:, 0]
    h[:] = np.tanh(h @ W_p.T + b_p)
    return h @ W.T + b


def polarity_by_loop(probs_followed, probs_unrelated):
    means = []
    for column in (0, 1):
        followed = sum(row[column] for row in probs_followed) / len(probs_followed)
        unrelated = sum(row[column] for row in probs_unrelated) / len(probs_unrelated)
        means.append(followed - unrelated)
    return 0 if means[0] > means[1] else 1


def polarity_by_column_0(probs_followed, probs_unrelated):
    return 0 if probs_followed[:, 0].mean() > probs_unrelated[:, 0].mean() else 1


def polarity_as_bool(probs_followed, probs_unrelated):
    return np.int64(np.mean(probs_followed, axis=0)[1] > np.mean(probs_unrelated, axis=0)[1])


RIGHT = {
    "lay_out": [lay_out_by_loop, lay_out_by_arrays, lay_out_by_zip],
    "nsp_logits": [nsp_logits_by_loop, nsp_logits_einsum, nsp_logits_transposed, nsp_logits_float32],
    "is_next_to_labels": [
        lambda is_next: [1 - int(flag) for flag in is_next],
        lambda is_next: (~np.array(is_next)).astype(int),
        lambda is_next: list(map(lambda flag: int(not flag), is_next)),
    ],
    "is_next_column": [polarity_by_loop, polarity_by_column_0, polarity_as_bool],
}

WRONG = {
    "lay_out": [
        ("segments_all_zero", lay_out_no_segments),
        ("last_sep_in_segment_0", lay_out_flip_after_sep),
        ("first_sep_in_segment_1", lay_out_flip_at_sep),
        ("padding_in_segment_1", lay_out_segment_to_the_end),
        ("mask_all_ones", lay_out_full_mask),
        ("padding_left", lay_out_pads_first),
        ("no_last_sep", lay_out_forgets_last_sep),
        ("no_padding", lay_out_ignores_length),
        ("mutates_input", lay_out_appends_to_a),
        ("", lay_out_b_first),
        ("", lay_out_one_string),
    ],
    "nsp_logits": [
        ("mean_of_positions", lambda h, W_p, b_p, W, b: _nsp_from(h.sum(1) / h.shape[1], W_p, b_p, W, b)),
        ("last_position", lambda h, W_p, b_p, W, b: _nsp_from(np.array([x[-1] for x in h]), W_p, b_p, W, b)),
        ("all_positions", lambda h, W_p, b_p, W, b: _nsp_from(h, W_p, b_p, W, b)),
        ("first_pair_only", lambda h, W_p, b_p, W, b: _nsp_from(h[0, :], W_p, b_p, W, b)),
        ("no_tanh", lambda h, W_p, b_p, W, b: (h[:, 0, :] @ W_p.T + b_p) @ W.T + b),
        ("no_pooler", lambda h, W_p, b_p, W, b: np.einsum("bh,oh->bo", h[:, 0], W) + b),
        ("not_transposed", lambda h, W_p, b_p, W, b: np.tanh(h[:, 0] @ W_p + b_p) @ W.T + b),
        ("mutates_input", nsp_logits_in_place),
        ("tanh_at_the_end", lambda h, W_p, b_p, W, b: np.tanh(_nsp_from(h[:, 0], W_p, b_p, W, b))),
        ("", lambda h, W_p, b_p, W, b: np.maximum(h[:, 0] @ W_p.T + b_p, 0) @ W.T + b),
        ("", lambda h, W_p, b_p, W, b: h[:, 0] @ W_p + b),
    ],
    "is_next_to_labels": [
        ("label_one_is_next", lambda is_next: np.array(is_next).astype(int)),
        ("label_one_is_next", lambda is_next: [1 if flag is True else 0 for flag in is_next]),
        ("not_the_flag", lambda is_next: [~flag for flag in map(int, is_next)]),
        ("all_one_label", lambda is_next: [0] * len(is_next)),
        ("counted_from_one", lambda is_next: [2 - int(flag) for flag in is_next]),
        ("names_for_numbers", lambda is_next: ["IsNext" if flag else "NotNext" for flag in is_next]),
        ("", lambda is_next: [not flag for flag in is_next][0]),
        ("", lambda is_next: int(not is_next)),
        ("minus_one", lambda is_next: [-1 if flag else 1 for flag in is_next]),
    ],
    "is_next_column": [
        ("true_pairs_only", lambda followed, unrelated: 0 if followed[:, 0].mean() > 0.5 else 1),
        ("true_pairs_only", lambda followed, unrelated: int(followed.sum(axis=0).argmax())),
        ("unrelated_pairs_only", lambda followed, unrelated: int(unrelated[:, 0].mean() > 0.5)),
        ("turned_round", lambda followed, unrelated: int(followed[:, 0].mean() > unrelated[:, 0].mean())),
        ("always_zero", lambda followed, unrelated: int(False)),
        ("pooled_mean", lambda followed, unrelated: int(np.vstack([followed, unrelated]).mean(0).argmax())),
        ("returns_means", lambda followed, unrelated: np.mean(followed, 0) - np.mean(unrelated, 0)),
        ("", lambda followed, unrelated: "column 0"),
        ("", lambda followed, unrelated: 1),
    ],
}
