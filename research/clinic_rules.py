"""Rules of other tools, re-implemented from their published thresholds, on the clinic's signals; no code was copied.

A rule takes the signals that are known and the four curves, and returns its alarms: ``[(symptom, named)]``. `named`
holds what the message could mean here, generously: causes, or a look-alike group for all of its causes. No alarm means
"healthy". A rule whose signal is not known is silent, so that a tool sees what its tier shows. An evaluation stands for
an epoch. Left out, as nothing in our runs or logs corresponds: dead ReLUs (the pooler is a tanh), the range of the
inputs (they are ids), and what UMLAUT reads off the program text (rate, dropout, activation of the last layer).
"""

from collections import defaultdict

import numpy as np

LN2 = float(np.log(2))
EPOCHS = (5, 10, 15, 20, 25, 30, 34, 39)  # of the 40 points of a curve: about where an evaluation stands


def epochs(curves):
    """Return ``(training loss, training accuracy, held-out loss, held-out accuracy)``, one number an evaluation."""
    ends = np.array(EPOCHS)
    train = [[c[a + 1 : b + 1].mean() for a, b in zip((-1, *ends[:-1]), ends, strict=True)] for c in curves[:2]]
    return (*np.array(train), *curves[2:, ends])


def first_layer(s):
    """Return log10 of the norm of the encoder's first gradient, from that of all and the shares of the parts."""
    encoder, pooler = s["gradient.encoder_share"], s["gradient.pooler_share"]
    return s["gradient.first"] + encoder - 0.5 * np.log10(1 + 10 ** (2 * encoder) + 10 ** (2 * pooler))


def autotrainer(signals, curves):
    """AutoTrainer, ICSE 2021; thresholds of shiningrain/AUTOTRAINER, AutoTrainer/reproduce.py."""
    s, alarms = defaultdict(lambda: np.nan, signals), []
    _, train, _, held = epochs(curves)
    # beta_1 = 1e-3, beta_2 = 1e-4: first over last layer's gradient, and the first layer's own
    if s["gradient.encoder_share"] < -3 and first_layer(s) < -4:
        named = ("zero-init", "pooler-saturated", "backward-wrong", "task-weight-tiny")
        alarms.append(("vanishing gradient", named))
    # beta_3 = 70, or NaN; a loss of 1e3 counts as NaN
    if s["gradient.encoder_share"] > np.log10(70) or s["loss.broken"] > 0 or s["loss.highest"] > np.log10(1e3 / LN2):
        alarms.append(("exploding gradient", ("unstable",)))
    # zeta = 0.03, eta = 0.2: swings of the accuracy between turning points, in a fifth of the epochs
    turns = np.flatnonzero(np.diff(np.sign(np.diff(held))) != 0) + 1
    swings = np.abs(np.diff(held[np.concatenate([[0], turns, [len(held) - 1]])]))
    if (swings[1:] >= 0.03).sum() >= 0.2 * len(held):
        alarms.append(("oscillating loss", ("unstable", "pairs-sorted-by-label", "batch-too-small")))
    # Theta = 0.6: the better of both accuracies
    if np.nanmax([*train, *held]) < 0.6:
        alarms.append(("not converging", ("stuck-at-ln2",)))
    # delta = 0.01: the largest gain of an epoch
    if np.nanmax(np.diff(train)) < 0.01:
        slow = ("learning-rate-too-low", "clip-too-small", "task-weight-tiny", "schedule-ends-early")
        alarms.append(("slow convergence", slow))
    return alarms


def umlaut(signals, curves):
    """UMLAUT, CHI 2021, doi 10.1145/3411764.3445538; thresholds of BerkeleyHCI/umlaut, umserver's heuristics."""
    s, alarms = defaultdict(lambda: np.nan, signals), []
    train_loss, train, held_loss, held = epochs(curves)
    # held-out loss up while the training loss is not, in any one epoch
    if ((np.diff(held_loss) > 0) & (np.diff(train_loss) <= 0)).any():
        alarms.append(("overfitting", ("memorises", "label-noise", "labels-shuffled")))
    # from the third epoch on: held-out accuracy above 0.95, or 0.05 above that of training
    if (held[3:] > 0.95).any() or (held[3:] - train[3:] > 0.05).any():
        alarms.append(("held-out accuracy too high", ("too-good", "dropout-too-high")))
    if s["loss.broken"] > 0:
        alarms.append(("NaN loss", ("unstable",)))
    # softmax missing or twice: it reads the model's last layer; the loss of two certain answers says the same
    if s["unit.certain"] > 0.05:
        twice = ("double-softmax", "single-logit", "label-smoothing-heavy", "softmax-over-batch")
        alarms.append(("softmax and loss do not fit", twice))
    return alarms


def sagemaker(signals, curves):
    """SageMaker Debugger's built-in rules with their documented defaults (Amazon SageMaker Developer Guide)."""
    s, alarms = defaultdict(lambda: np.nan, signals), []
    train_loss, _, held_loss, _ = epochs(curves)
    weights = 5.5  # log10 of the number of weights, about: a mean |g| of 1e-7 is a norm of 1e-7 times its root
    if min(s["gradient.first"], s["gradient.end"]) < -7 + weights / 2:
        named = ("zero-init", "backward-wrong", "task-weight-tiny", "pooler-saturated")
        alarms.append(("VanishingGradient", named))
    if s["loss.broken"] > 0 or s["drift.finite"] < 1:
        alarms.append(("ExplodingTensor", ("unstable",)))
    # the documented limit, an input of +-9.4999, is not logged: half of the outputs beyond 0.99 stand for it
    if max(s["pooler.first_saturation"], s["pooler.saturation"]) > 0.5:
        alarms.append(("TanhSaturation", ("pooler-saturated", "learning-rate-too-high", "momentum-too-high")))
    if s["update.still"] > 0 or s["drift.still"] > 0:  # an update of zero is below 1e-8 of the weight
        named = ("updates-not-applied", "only-biases-trained", "zero-init", "task-weight-tiny")
        alarms.append(("WeightUpdateRatio, small", named))
    if s["step.length"] > 1:  # above 10
        alarms.append(("WeightUpdateRatio, large", ("learning-rate-too-high", "momentum-too-high")))
    # PoorWeightInitialization compares the variances of units, which we do not log: gradients of zero stand for it
    if s["fresh.zero"] > 0:
        alarms.append(("PoorWeightInitialization", ("zero-init", "pretrained-not-loaded")))
    # 0.1 % in 10 steps; batches alone swing more, so over the whole run
    if train_loss[-1] > train_loss[0] * (1 - 0.001 * 10):
        alarms.append(("LossNotDecreasing", ("stuck-at-ln2",)))
    if held_loss[-1] - train_loss[-1] > 0.1 * abs(train_loss[-1]):
        alarms.append(("Overfit", ("memorises", "label-noise", "labels-shuffled")))
    if np.isfinite(held_loss).any() and np.nanargmin(held_loss) < len(held_loss) - 5:  # patience 5
        alarms.append(("Overtraining", ("memorises",)))
    for prior in (s["prior.train"], s["labels.train"], s["says.mean"]):
        if prior > 10 / 11 or prior < 1 / 11:
            alarms.append(("ClassImbalance", ("one-class",)))
            break
    return alarms


def deepchecker(signals, curves):
    """TheDeepChecker, TOSEM 2022; thresholds of thedeepchecker/thedeepchecker, settings.yaml."""
    s, alarms = defaultdict(lambda: np.nan, signals), []
    train_loss, train, _, _ = epochs(curves)
    p = np.clip(s["prior.train"], 1e-9, 1 - 1e-9)
    if -(p * np.log2(p) + (1 - p) * np.log2(1 - p)) < 0.5:  # perplexity of the labels
        alarms.append(("unbalanced labels", ("one-class",)))
    # first loss against its expectation, ln 2; no number was published that fits a mean, so half of it
    if abs(s["loss.first"] / LN2 - 1) > 0.5 or s["logits.first_excess"] > 0.5 * LN2:
        alarms.append(("unexpected initial loss", ("wrong-level", "pooler-saturated", "sign-flipped")))
    if s["unit.direction"] < 0.99:  # relative error of the gradient 0.01
        alarms.append(("wrong gradient", ("sign-flipped", "backward-wrong", "wrong-level", "ignore-index-zero")))
    # one batch must be learned, at most 5 % of it mislabelled: H(0.05) = 0.2 nats; below 1e-5 it is too smooth
    if s["overfit.loss"] > 0.2:
        alarms.append(("cannot fit a single batch", ("stuck-at-ln2", "unstable", "weak-ceiling")))
    if s["overfit.said"] < 1e-5:
        alarms.append(("the loss of a single batch is too smooth", ("too-good", "ignore-index-zero", "negative-loss")))
    if min(s["input.permute_a"], s["input.permute_b"]) < 1e-6:  # other input, same answer
        alarms.append(("no dependency on the data", ("stuck-at-ln2",)))
    if s["pooler.saturation"] > 0.85:
        alarms.append(("saturated activation", ("pooler-saturated", "learning-rate-too-high", "momentum-too-high")))
    if s["gradient.end"] < -6 and s["gradient.growth"] < 0:
        alarms.append(("vanishing gradient", ("zero-init", "task-weight-tiny", "pooler-saturated")))
    if s["gradient.end"] > 6 or s["loss.broken"] > 0:
        alarms.append(("exploding gradient", ("unstable",)))
    for ratio in (s["step.length"] - np.log10(4), s["step.encoder"] - np.log10(4)):  # a step, log10, in [-4, -1]
        if ratio < -4:
            slow = ("learning-rate-too-low", "clip-too-small", "updates-not-applied", "only-biases-trained")
            alarms.append(("updates too small", slow))
        if ratio > -1:
            alarms.append(("updates too large", ("learning-rate-too-high", "momentum-too-high", "no-zero-grad")))
    if train_loss[-1] > 0.95 * train_loss[0]:  # 5 % a period; here over the whole run
        alarms.append(("loss does not decrease", ("stuck-at-ln2",)))
    if train_loss[-1] > 2 * np.nanmin(train_loss):
        alarms.append(("diverging loss", ("unstable",)))
    if np.std(train) > 0 and np.std(train_loss) > 0 and abs(np.corrcoef(train, train_loss)[0, 1]) < 0.5:
        alarms.append(("loss and accuracy do not move together", ("wrong-level", "ignore-index-zero", "report-wrong")))
    return alarms


def checklist(signals, curves):
    """A person's list, in the order of Karpathy 2019 (a recipe for training neural networks); the first hit counts."""
    s = defaultdict(lambda: np.nan, signals)
    rules = (
        ("NaN", s["loss.broken"] > 0, ("half-precision-overflow",)),
        ("labels look wrong", s["labels.train"] > 0.99, ("one-label",)),
        ("labels are not balanced", abs(s["prior.train"] - 0.5) > 0.1, ("prior-shift",)),
        ("the loss of a certain answer", s["unit.certain"] > 0.05, ("double-softmax",)),
        ("rows do not follow", s["rows.true_next"] < 0.9, ("segments-misaligned",)),
        ("first loss is not ln 2", abs(s["loss.first"] - LN2) > 0.3, ("pooler-saturated",)),
        ("below chance", s["held.accuracy"] < 0.4, ("evaluation-labels-inverted",)),
        ("eight pairs are not learned", s["overfit.loss"] > 0.2, ("learning-rate-too-low",)),
        ("another B, same answer", s["input.permute_b"] < 1e-6, ("second-sentence-lost",)),
        ("spikes", s["loss.highest"] > 0.7, ("learning-rate-too-high",)),
        ("nothing is learned", max(s["accuracy.end"], s["held.accuracy"]) < 0.58, ("labels-shuffled",)),
        ("training good, held-out bad", s["generalization.accuracy"] > 0.15, ("too-few-pairs",)),
        ("too good", s["held.accuracy"] > 0.93, ("tested-on-training-text",)),
        ("low ceiling", s["held.accuracy"] < 0.65, ("label-noise",)),
    )
    return next(([(symptom, named)] for symptom, hit, named in rules if hit), [])


#: By name, as the table prints them.
RULES = {
    "AutoTrainer's rules": autotrainer,
    "UMLAUT's rules": umlaut,
    "SageMaker Debugger's rules": sagemaker,
    "TheDeepChecker's rules": deepchecker,
    "a checklist, first hit": checklist,
}


def named_causes(alarms, groups):
    """Return the set of causes that alarms name, a group opened into its causes.

    Parameters
    ----------
    alarms : list of (str, tuple of str)
    groups : dict
        Look-alike group of each cause. A name that is neither is left out: a bank may lack a cause.
    """
    wanted = {name for _, named in alarms for name in named}
    return {cause for cause, group in groups.items() if cause in wanted or group in wanted}
