"""Answers to the exercises of notebook 04 as learners write them; not derived from the bank. See nb01.py."""

import math

import numpy as np


def order_by_loop(probs_is_next, labels):
    losses = []
    for p, label in zip(probs_is_next, labels, strict=True):
        losses.append(-math.log(p) if label == 0 else -math.log(1 - p))
    return sorted(range(len(losses)), key=lambda k: losses[k], reverse=True)


def order_by_table(probs_is_next, labels):
    table = np.stack([probs_is_next, 1 - probs_is_next], axis=1)
    losses = -np.log(table[np.arange(len(labels)), labels])
    return np.argsort(losses)[::-1]


def order_of_pairs(probs_is_next, labels):
    missing = [float(1 - p if label == 0 else p) for p, label in zip(probs_is_next, labels, strict=True)]
    rows = [(value, k) for k, value in enumerate(missing)]
    return tuple(k for _, k in sorted(rows, reverse=True))


def order_wrong_polarity(probs_is_next, labels):
    losses = [-math.log(p) if label == 1 else -math.log(1 - p) for p, label in zip(probs_is_next, labels, strict=True)]
    return sorted(range(len(losses)), key=losses.__getitem__, reverse=True)


def order_cheapest_first(probs_is_next, labels):
    losses = np.where(labels == 0, -np.log(probs_is_next), -np.log(1 - probs_is_next))
    return np.argsort(losses)


def order_without_labels(probs_is_next, labels):
    return np.argsort(-np.log(probs_is_next))[::-1]


def order_places(probs_is_next, labels):
    losses = np.where(labels == 0, -np.log(probs_is_next), -np.log(1 - probs_is_next))
    places = [0] * len(losses)
    for place, k in enumerate(np.argsort(-losses)):
        places[k] = place
    return places


def order_values(probs_is_next, labels):
    losses = [-math.log(p if label == 0 else 1 - p) for p, label in zip(probs_is_next, labels, strict=True)]
    losses.sort(reverse=True)
    return losses


def order_from_one(probs_is_next, labels):
    return [k + 1 for k in order_by_loop(probs_is_next, labels)]


def order_undecided_first(probs_is_next, labels):
    return np.argsort(np.abs(probs_is_next - 0.5))


def order_worst_only(probs_is_next, labels):
    return order_by_loop(probs_is_next, labels)[0]


def order_not_next_first(probs_is_next, labels):
    return sorted(range(len(labels)), key=lambda k: (-labels[k], probs_is_next[k]))


def order_in_place(probs_is_next, labels):
    probs_is_next[labels == 1] = 1 - probs_is_next[labels == 1]
    return probs_is_next.argsort()


def report_by_loop(gold):
    losses = [-math.log(p) for p in gold]
    right = [p for p in gold if p > 0.5]
    return sum(losses) / len(losses), math.exp(-sum(losses) / len(losses)), len(right) / len(gold)


def report_by_root(gold):
    geometric_mean = np.prod(gold) ** (1 / len(gold))
    return [-np.log(geometric_mean), geometric_mean, np.mean(gold > 0.5)]


def report_float32(gold):
    logs = np.log(gold.astype(np.float32))
    return np.array([-logs.mean(), np.exp(logs.mean()), np.count_nonzero(gold > 0.5) / gold.size])


def report_with(loss=None, geometric_mean=None, share=None):
    def answer(gold):
        right = report_by_loop(gold)
        given = (loss, geometric_mean, share)
        return tuple(right[k] if given[k] is None else given[k](gold) for k in range(3))

    return answer


def report_colleague(gold):
    loss = -np.log(np.mean(gold))
    return loss, np.mean(gold), np.exp(-loss)


def decode_by_if(loss, unit):
    if unit == "nats":
        return math.exp(-loss)
    if unit == "bits":
        return 1 / 2**loss
    return math.pow(10, -loss)


def decode_through_nats(loss, unit):
    nats = loss * {"nats": 1.0, "bits": math.log(2), "base 10": math.log(10)}[unit]
    return np.float32(np.exp(np.float32(-nats)))


def decode_by_match(loss, unit):
    match unit:
        case "bits":
            return np.exp2(-loss)
        case "base 10":
            return np.power(10.0, -loss)
    return np.exp(-np.array(loss))


def decode_divides(loss, unit):
    nats = loss / {"nats": 1.0, "bits": math.log(2), "base 10": math.log(10)}[unit]
    return math.exp(-nats)


def reckless_by_parts(gold, mean_loss):
    total = 0.0
    for p in gold:
        total += -math.log(p)
    return math.exp(total - (len(gold) + 1) * mean_loss)


def reckless_by_product(gold, mean_loss):
    return np.exp(-mean_loss) ** (gold.size + 1) / np.prod(gold)


def reckless_by_bits(gold, mean_loss):
    bits = mean_loss / np.log(2)
    return 0.5 ** ((len(gold) + 1) * bits + np.log2(gold).sum())


def reckless_wrong_count(gold, mean_loss):
    n = len(gold)
    missing = n * mean_loss - (-np.log(gold)).sum()
    return np.exp(-missing)


def reckless_forgets_exp(gold, mean_loss):
    n = len(gold) + 1
    return n * mean_loss - sum(-math.log(p) for p in gold)


def reckless_balances_probabilities(gold, mean_loss):
    wanted = math.exp(-mean_loss)
    return wanted * (len(gold) + 1) - sum(gold)


RIGHT = {
    "order_by_loss": [order_by_loop, order_by_table, order_of_pairs],
    "batch_report": [report_by_loop, report_by_root, report_float32],
    "decode_loss": [decode_by_if, decode_through_nats, decode_by_match],
    "reckless_pair": [reckless_by_parts, reckless_by_product, reckless_by_bits],
}

WRONG = {
    "order_by_loss": [
        ("turned_round", order_wrong_polarity),
        ("turned_round", order_cheapest_first),
        ("gold_ignored", order_without_labels),
        ("gold_ignored_falling", lambda p, labels: sorted(range(len(p)), key=lambda k: p[k], reverse=True)),
        ("least_confident_first", order_undecided_first),
        ("most_confident_first", lambda p, labels: np.argsort(np.minimum(p, 1 - p))),
        ("ranks", order_places),
        ("losses_returned", order_values),
        ("counted_from_one", order_from_one),
        ("", order_worst_only),
        ("", order_not_next_first),
        ("mutates_input", order_in_place),
    ],
    "batch_report": [
        ("as_found", report_colleague),
        ("mean_of_probabilities", report_with(lambda g: -math.log(sum(g) / len(g)), lambda g: sum(g) / len(g))),
        ("loss_of_mean_only", report_with(lambda g: -np.log(np.average(g)))),
        ("accuracy_from_loss", report_with(share=lambda g: np.exp(-(-np.log(g)).mean()))),
        ("", report_with(geometric_mean=np.median)),
        ("arithmetic_mean", report_with(geometric_mean=lambda g: g.sum() / g.size)),
        ("product_without_root", report_with(geometric_mean=math.prod)),
        ("sum_for_mean", report_with(loss=lambda g: -sum(map(math.log, g)))),
        ("log_base_2", report_with(loss=lambda g: np.mean([-math.log2(p) for p in g]))),
        ("wrong_sign", report_with(loss=lambda g: np.log(g).sum() / len(g))),
        ("count_for_accuracy", report_with(share=lambda g: int((g > 0.5).sum()))),
        ("", report_with(share=lambda g: (g < 0.5).mean())),
        ("", lambda gold: -np.log(gold)),
    ],
    "decode_loss": [
        ("unit_ignored", lambda loss, unit: math.e**-loss),
        ("always_bits", lambda loss, unit: 1 / 2**loss),
        ("base_10_as_nats", lambda loss, unit: math.exp(-loss) if unit != "bits" else 0.5**loss),
        ("bits_and_nats_swapped", lambda loss, unit: {"nats": 2, "bits": math.e, "base 10": 10}[unit] ** (-loss)),
        ("one_minus_loss", lambda loss, unit: 1.0 - float(loss)),
        ("wrong_sign", lambda loss, unit: 1 / decode_by_if(loss, unit)),
        ("log_again", lambda loss, unit: -math.log(loss)),
        ("converted_the_wrong_way", decode_divides),
        ("", lambda loss, unit: 1 / (1 + math.exp(loss))),
        ("", lambda loss, unit: f"{decode_by_if(loss, unit):.2f}"),
    ],
    "reckless_pair": [
        ("new_pair_not_counted", reckless_wrong_count),
        ("loss_returned", reckless_forgets_exp),
        ("others_ignored", lambda gold, mean_loss: math.exp(-mean_loss)),
        ("difference_of_means", lambda gold, mean_loss: np.exp(-(mean_loss - np.mean(-np.log(gold))))),
        ("sum_for_mean", lambda gold, mean_loss: math.exp(-mean_loss) / math.prod(gold)),
        ("mean_of_probabilities", reckless_balances_probabilities),
        ("wrong_sign", lambda gold, mean_loss: 1 / reckless_by_product(gold, mean_loss)),
        ("log_base_2", lambda gold, mean_loss: 2 ** -(mean_loss * (len(gold) + 1)) / np.prod(gold)),
        ("", lambda gold, mean_loss: 0.0001),
        ("", lambda gold, mean_loss: round(reckless_by_parts(gold, mean_loss), 3)),
        ("", lambda gold, mean_loss: np.exp(-(len(gold) * mean_loss))),
    ],
}
