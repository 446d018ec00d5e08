"""Each probe is run on healthy pipelines, and on small real defects that it is meant for."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nsputil.clinic import probes
from nsputil.clinic.probes import PROBES, Suspect, probe
from nsputil.clinic.programs import PROGRAMS, healthy, split
from nsputil.clinic.signal_registry import PROBE_SIGNALS, SIGNALS
from nsputil.clinic.signals import RUN_SIGNALS
from nsputil.losses import log_softmax, nsp_loss_and_grad
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.tokenization import encode_pairs
from nsputil.training import Run, evaluate, permuted, train

BAG = healthy(PROGRAMS[0], 1)
SMALL = replace(BAG, documents=BAG.documents[:20], max_steps=40, evaluate_every=10, watch=100)


COSTLY = ("learning-rates", "train-on")  # left out of tests that run all probes more than once


@cache
def healthy_suspect():
    return Suspect(BAG, train(BAG))


def outside(signal, value):
    """Whether a number lies outside the range of a healthy run."""
    low, high = PROBE_SIGNALS[signal].usual
    return not low - 1e-3 <= value <= high + 1e-3


# Defects, each an edit of an experiment; written here, so that the probes are not tested on a catalogue only.


def pairs_edit(change):
    """Change the pairs of training and of evaluation alike."""

    def edit(e):
        return replace(e, pairs=lambda documents, rng: change(permuted(documents, rng), rng))

    return edit


def relabel(pairs, labels):
    return [replace(pair, label=int(label)) for pair, label in zip(pairs, labels, strict=True)]


def labels_shuffled(pairs, rng):
    return relabel(pairs, rng.permutation([pair.label for pair in pairs]))


def labels_rolled(pairs, rng):
    return relabel(pairs, np.roll([pair.label for pair in pairs], 1))


def false_negatives(pairs, rng):
    found = [replace(p, label=NOT_NEXT) if p.label == IS_NEXT and rng.random() < 0.3 else p for p in pairs]
    return found


def marked(pairs, rng):
    return [replace(p, sentence_b=p.sentence_b + " indeed") if p.label == IS_NEXT else p for p in pairs]


def one_word(pairs, rng):
    return [replace(p, sentence_b=p.sentence_b.split()[0]) for p in pairs]


def leaking_split(documents, rng):
    train, _, test = split(documents, rng)
    return train, train, test


def by_label(lengths, batch_size, rng):
    """Pairs alternate, so even numbers are of one label: batches of one label only."""
    order = np.concatenate([np.arange(0, len(lengths), 2), np.arange(1, len(lengths), 2)])
    return [order[k : k + batch_size] for k in range(0, len(order), batch_size)]


def softmax_twice(logits, labels):
    p = np.exp(log_softmax(logits))
    loss, dp = nsp_loss_and_grad(p, labels)
    return loss, p * (dp - (dp * p).sum(axis=1, keepdims=True))


def summed(logits, labels):
    loss, gradient = nsp_loss_and_grad(logits, labels)
    return loss * len(labels), gradient * len(labels)


def sign_flipped(logits, labels):
    loss, gradient = nsp_loss_and_grad(logits, labels)
    return -loss, -gradient


def ignoring_is_next(logits, labels):
    kept = labels != IS_NEXT
    gradient = np.zeros_like(logits)
    loss, gradient[kept] = nsp_loss_and_grad(logits[kept], labels[kept]) if kept.any() else (np.float32("nan"), 0)
    return loss, gradient


def naive(logits, labels):
    e = np.exp(logits)
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    gradient = p.copy()
    gradient[rows, labels] -= 1
    return -np.log(p[rows, labels]).mean(), gradient / len(labels)


def a_only(pairs, vocabulary, max_length):
    batch = encode_pairs(pairs, vocabulary, max_length)
    return replace(batch, attention_mask=batch.attention_mask * (batch.token_type_ids == 0))


def attend_to_padding(pairs, vocabulary, max_length):
    batch = encode_pairs(pairs, vocabulary, max_length)
    return replace(batch, attention_mask=np.ones_like(batch.attention_mask))


def b_cut(pairs, vocabulary, max_length):
    batch = encode_pairs(pairs, vocabulary, max_length)
    here = batch.token_type_ids == 0
    return replace(batch, input_ids=batch.input_ids * here, attention_mask=batch.attention_mask * here)


def model_edit(change):
    def edit(e):
        def build(documents, vocabulary, rng):
            model = e.model(documents, vocabulary, rng)
            change(model)
            return model

        return replace(e, model=build)

    return edit


def to_zero(model):
    model.pooler.parameters["weight"][...] = 0
    model.head.parameters["weight"][...] = 0


def too_large(model):
    model.pooler.parameters["weight"][...] *= 40


class Wrapped:
    """An optimizer that treats the gradients in its own way first."""

    def __init__(self, inner, change):
        self.inner, self.change = inner, change

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def step(self, gradients):
        self.inner.step(self.change(gradients))


def frozen(model, steps):
    return Wrapped(BAG.optimizer(model, steps), lambda g: {k: v for k, v in g.items() if not k.startswith("encoder")})


def never_zeroed(model, steps):
    total = {}

    def add(gradients):
        for name, gradient in gradients.items():
            if not name.startswith("encoder"):
                total[name] = total.get(name, 0) + gradient
        return {k: v for k, v in gradients.items() if k.startswith("encoder")} | total

    return Wrapped(BAG.optimizer(model, steps), add)


def rate(factor):
    def optimizer(model, steps):
        found = BAG.optimizer(model, steps)
        found.learning_rate *= factor
        return found

    return lambda e: replace(e, optimizer=optimizer)


def decaying(model, steps):
    found = BAG.optimizer(model, steps)
    found.weight_decay = 20.0
    return found


def inverted_report(model, pairs):
    return evaluate(model, [replace(pair, label=1 - pair.label) for pair in pairs])


def stale_report():
    first = []

    def report(model, pairs):
        first.append(evaluate(model, pairs))
        return first[0]

    return report


def dropout_on():
    rng = np.random.default_rng(0)

    def report(model, pairs):
        batch = model.encode(pairs, model.vocabulary, model.max_length)
        return {"loss": float(nsp_loss_and_grad(model.forward(batch, rng)[0], batch.labels)[0])}

    return report


LN2 = np.log(2)
# name: (edit, steps of training, probe, {signal: (low, high) with the defect})
DEFECTS = {
    "labels shuffled": (pairs_edit(labels_shuffled), 2, "look-at-rows", {"rows.true_next": (0.4, 0.6)}),
    "labels rolled by one": (pairs_edit(labels_rolled), 2, "roll", {"roll.labels": (0.02, 0.2)}),
    "false negatives": (pairs_edit(false_negatives), 2, "look-at-rows", {"rows.hidden_next": (0.15, 0.35)}),
    "every pair thrice": (pairs_edit(lambda p, rng: p * 3), 2, "look-at-rows", {"rows.duplicates": (0.66, 0.68)}),
    "one word left of B": (pairs_edit(one_word), 2, "look-at-rows", {"rows.short": (1, 1)}),
    "one label only": (
        pairs_edit(lambda p, rng: relabel(p, [IS_NEXT] * len(p))),
        2,
        "label-histogram",
        {"labels.train": (1, 1), "labels.by_batch": (0, 0)},
    ),
    "batches of one label": (
        lambda e: replace(e, batching=by_label), 2, "label-histogram", {"labels.by_batch": (0.45, 0.5)},
    ),
    "a marker on every IsNext": (pairs_edit(marked), 2, "shortcuts", {"shortcut.word": (0.98, 1)}),
    "held-out documents are the training documents": (
        lambda e: replace(e, split=leaking_split), 2, "split-overlap", {"split.sentences": (0.99, 1)},
    ),
    "softmax twice": (
        lambda e: replace(e, loss=softmax_twice), 2, "loss-unit-test", {"unit.certain": (0.3132, 0.3134)},
    ),
    "sum for mean": (
        lambda e: replace(e, loss=summed), 2, "loss-unit-test", {"unit.size": (2, 2), "unit.undecided": (2.772, 2.773)},
    ),
    "sign of the loss flipped": (
        lambda e: replace(e, loss=sign_flipped), 2, "loss-unit-test", {"unit.direction": (-1, -1)},
    ),
    "IsNext ignored": (lambda e: replace(e, loss=ignoring_is_next), 2, "loss-unit-test", {"unit.is_next": None}),
    "exp without a maximum": (lambda e: replace(e, loss=naive), 2, "loss-unit-test", {"unit.large": None}),
    "loss goes up with every step": (
        lambda e: replace(e, loss=sign_flipped), 2, "one-step", {"step.fall": (-10, -0.05)},
    ),
    "only A is attended to": (
        lambda e: replace(e, encode=a_only), 2, "change-the-input", {"input.permute_b": (0, 0)},
    ),
    "B never arrives": (lambda e: replace(e, encode=b_cut), 2, "read-the-arrays", {"arrays.b_kept": (0, 0)}),
    "padding is attended to": (
        lambda e: replace(e, encode=attend_to_padding), 2, "read-the-arrays", {"arrays.attended": (1.01, 1.5)},
    ),
    "a vocabulary of 80 words": (
        lambda e: replace(e, vocabulary_size=85), 2, "read-the-arrays", {"arrays.unknown": (0.3, 0.8)},
    ),
    "all weights zero": (
        model_edit(to_zero), 2, "fresh-gradients", {"fresh.zero": (0.4, 1)},
    ),
    "a saturated pooler": (model_edit(too_large), 2, "fresh-gradients", {"fresh.saturation": (0.5, 1)}),
    "zero weights cannot learn by heart": (
        model_edit(to_zero), 2, "overfit-eight", {"overfit.loss": (LN2 - 0.001, LN2 + 0.001)},
    ),
    "a frozen encoder": (lambda e: replace(e, optimizer=frozen), 2, "one-step", {"step.still": (0.2, 0.6)}),
    "a frozen encoder, after training": (
        lambda e: replace(e, optimizer=frozen), 5, "weights", {"drift.still": (0.2, 0.6), "drift.encoder": (-8, -8)},
    ),
    "a frozen encoder, trained on": (lambda e: replace(e, optimizer=frozen), 5, "train-on", {"on.still": (0.2, 0.6)}),
    "gradients never zeroed": (
        lambda e: replace(e, optimizer=never_zeroed), 2, "one-step", {"step.opposite": (-0.9, 1.01)},
    ),
    "a rate of a thousandth": (rate(1e-3), 2, "one-step", {"step.length": (-6, -3)}),
    "a rate 300 times as high": (rate(300.0), 2, "learning-rates", {"rate.as_is": (0.5, 5)}),
    "a large weight decay": (
        lambda e: replace(e, optimizer=decaying), 40, "weights", {"drift.norm": (-2, -0.005)},
    ),
    "a report of inverted labels": (
        lambda e: replace(e, evaluation=inverted_report), 40, "recount", {"recount.report": (-0.9, -0.05)},
    ),
    "a report of the untrained model": (
        lambda e: replace(e, evaluation=stale_report()), 40, "recount", {"recount.report_loss": (0.01, 2)},
    ),
    "dropout in the report": (
        lambda e: replace(e, evaluation=dropout_on()), 2, "change-the-input", {"input.repeat": (0.0015, 1)},
    ),
    "sum for mean, in the log": (
        lambda e: replace(e, loss=summed), 40, "recount-training", {"known.against_log": (5, 50)},
    ),
    "labels inverted": (
        pairs_edit(lambda p, rng: relabel(p, [1 - x.label for x in p])),
        40,
        "harder-pairs",
        {"hard.permuted": (0, 0.45)},
    ),
}  # fmt: skip


def small(steps):
    return replace(SMALL, max_steps=steps, evaluate_every=10 if steps >= 10 else None)


@cache
def healthy_answer(steps, name):
    e = small(steps)
    return probe(Suspect(e, train(e)), name)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_moves_the_probe_that_is_meant_for_it(name):
    """The sick pipeline answers as the defect should; the same pipeline without it does not."""
    edit, steps, chosen, moved = DEFECTS[name]
    sick = edit(small(steps))
    found, sound = probe(Suspect(sick, train(sick)), chosen), healthy_answer(steps, chosen)
    for signal, expected in moved.items():
        if expected is None:  # it cannot be computed, or is nothing
            assert np.isnan(found[signal]) or found[signal] == 0, found
            assert sound[signal] > 0
        else:
            low, high = expected[0] - 1e-3, expected[1] + 1e-3
            assert low <= found[signal] <= high, found
            assert not low <= sound[signal] <= high, sound


def test_every_probe_has_a_defect_that_moves_it():
    assert {chosen for _, _, chosen, _ in DEFECTS.values()} == set(PROBES)


@pytest.mark.parametrize("name", PROBES)
def test_a_healthy_run_lies_in_the_ranges(name):
    found = probe(healthy_suspect(), name)
    assert tuple(found) == PROBES[name].signals
    wrong = {signal: value for signal, value in found.items() if outside(signal, value)}
    assert not wrong, wrong


def test_a_healthy_transformer_too():
    """What the pipeline says before any training; the rest takes too long for a test."""
    e = replace(healthy(PROGRAMS[3], 1), max_steps=2, evaluate_every=None, watch=16)
    s = Suspect(e, train(e))
    for name in ("look-at-rows", "label-histogram", "loss-unit-test", "fresh-gradients", "one-step", "read-the-arrays"):
        found = probe(s, name)
        assert not {signal: value for signal, value in found.items() if outside(signal, value)}


def test_every_probe_leaves_model_run_and_global_state_alone():
    s = healthy_suspect()
    before = {name: array.copy() for name, array in s.model.parameters.items()}
    run = {name: repr(getattr(s.run, name)) for name in ("loss", "evaluations", "instruments", "final")}
    state, errors = repr(np.random.get_state()), np.geterr()  # noqa: NPY002
    for name in PROBES:
        probe(s, name)
        for key, array in s.model.parameters.items():
            np.testing.assert_array_equal(array, before[key], err_msg=f"{name} changed {key}")
    assert {name: repr(getattr(s.run, name)) for name in run} == run
    assert repr(np.random.get_state()) == state and np.geterr() == errors  # noqa: NPY002


def test_probes_are_deterministic_in_any_order():
    e = replace(SMALL, max_steps=5, evaluate_every=None)
    names = [name for name in PROBES if name not in COSTLY]
    first, second = (Suspect(e, train(e)) for _ in range(2))
    forward = {name: probe(first, name) for name in names}
    backward = {name: probe(second, name) for name in reversed(names)}
    assert forward == backward


def test_two_pipelines_that_do_the_same_say_the_same():
    """A probe learns what a pipeline does, not how it is written: other objects, the same behaviour."""
    e = replace(SMALL, max_steps=5, evaluate_every=None)
    other = replace(
        e,
        loss=lambda logits, labels: nsp_loss_and_grad(logits, labels),
        encode=lambda pairs, vocabulary, max_length: encode_pairs(pairs, vocabulary, max_length),
        pairs=lambda documents, rng: permuted(documents, rng),
        evaluation=lambda model, pairs: evaluate(model, pairs),
        optimizer=lambda model, steps: Wrapped(e.optimizer(model, steps), lambda g: g),
    )
    one, two = Suspect(e, train(e)), Suspect(other, train(other))
    for name in PROBES:
        if name not in COSTLY:
            assert probe(one, name) == probe(two, name), name


def test_a_failure_in_the_suspect_is_an_outcome_but_an_interrupt_is_not():
    e = replace(SMALL, max_steps=2, evaluate_every=None)
    run = train(e)

    def failing(logits, labels):
        raise IndexError("index 2 is out of bounds")

    found = probe(Suspect(replace(e, loss=failing), run), "loss-unit-test")
    assert tuple(found) == PROBES["loss-unit-test"].signals and np.isnan(list(found.values())).all()

    def interrupted(logits, labels):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        probe(Suspect(replace(e, loss=interrupted), run), "loss-unit-test")


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="there is no probe 'overfit'; expected one of look-at-rows"):
        probe(None, "overfit")
    with pytest.raises(ValueError, match="the run has no model"):
        Suspect(SMALL, Run(loss=[0.7]))


def test_every_number_has_one_name_that_is_written_once_and_in_one_place():
    signals = [signal for p in PROBES.values() for signal in p.signals]
    assert len(set(signals)) == len(signals) and set(signals) == set(PROBE_SIGNALS)
    assert not set(PROBE_SIGNALS) & set(RUN_SIGNALS) and set(SIGNALS) == {*PROBE_SIGNALS, *RUN_SIGNALS}
    folder = Path(probes.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    for name, signal in PROBE_SIGNALS.items():
        assert source.count(f'"{name}"') == 1, name
        low, high = signal.usual
        assert signal.name == name and signal.tier == "probes" and signal.meaning and low <= high
        assert signal.unit in ("nats", "fraction", "log10", "ratio")


def test_every_probe_has_a_name_a_question_and_a_price():
    for name, p in PROBES.items():
        assert p.name == name and p.question.endswith("?") and p.cost >= 1


def test_training_probes_train_no_more_than_they_cost():
    """Counted, not timed: rows through the backward pass, in batches of the suspect."""
    s, rows = healthy_suspect(), []
    backward = type(s.model).backward

    def counted(model, dlogits, cache):
        rows.append(len(dlogits))
        return backward(model, dlogits, cache)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(s.model), "backward", counted)
        for name in ("one-step", "overfit-eight", "learning-rates", "train-on"):
            rows.clear()
            probe(s, name)
            steps = sum(rows) / s.experiment.batch_size
            assert 0.2 * PROBES[name].cost <= steps <= PROBES[name].cost, (name, steps)
