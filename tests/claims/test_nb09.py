"""The claims of notebook 09."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nsputil.clinic.case_bank import bank
from nsputil.clinic.facts import FACTS
from nsputil.clinic.facts.numbers import number_facts
from nsputil.clinic.facts.steps import progress
from nsputil.clinic.faults import FAULTS, inject
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.recording import record
from nsputil.clinic.signals import reference_levels
from nsputil.losses import nsp_loss, nsp_loss_and_grad
from nsputil.metrics import accuracy_interval, document_interval, entropy
from nsputil.training import train
from tools.claims import cited, claim

ROOT = Path(__file__).resolve().parents[2]


@cache
def run(seed, fault=None):
    experiment = healthy(PROGRAMS[0], seed)
    return train(experiment if fault is None else inject(experiment, fault))


@cache
def rows(part, sick):
    cases = bank()
    chosen = [int(k) for k in cases.rows(part)]
    return [k for k in chosen if (cases.cases[k].cause != "healthy" if sick else not cases.cases[k].faults)]


def outcomes(part, sick, name):
    return [bank().outcome(k, name) for k in rows(part, sick)]


@claim(
    "same-level-twice",
    "It is not yet a proof, because different mistakes can have the same level: 10 % of flipped labels "
    "would cost 0.3251, too, exactly as much as the prior here.",
)
def test_two_mistakes_share_a_level():
    assert entropy(0.1) == entropy(0.9) == pytest.approx(0.3251, abs=5e-5)
    assert reference_levels(noise=0.1)["label noise, H(noise)"] == reference_levels(prior=0.9)["prior only, H(prior)"]


@claim(
    "sum-of-32",
    "One of the levels is hard to reach by accident: 22.18 says that 32 losses were added and not averaged.",
)
@claim(
    "softmax-twice-and-22-percent",
    "With 22 % of errors it is 0.533, and a model that claims 78 % and is right in 78 % pays 0.527.",
)
def test_the_sum_of_32_losses():
    assert nsp_loss(np.zeros((32, 2)), [0, 1] * 16, reduction="sum") == pytest.approx(22.18, abs=0.005)
    assert np.log1p(np.exp(-1)) + 0.22 == pytest.approx(0.533, abs=0.0005)
    assert entropy(0.78) == pytest.approx(0.527, abs=0.0005)


@claim(
    "healthy-starts-above",
    "It begins a little above ln 2 (the weights are random, so the log-odds spread), it leaves that "
    "level early, and held-out follows training.",
)
def test_healthy_runs_of_other_seeds_start_above_ln_2_and_leave_it():
    cases = bank()
    bags = [k for k in rows("test", False) if cases.cases[k].program == 0]
    first = [cases.signals(k)["loss.first"] for k in bags]
    assert len(bags) > 50 and np.mean(first) > np.log(2) and np.mean(np.array(first) > np.log(2)) > 0.8
    held = np.array([cases.curves[k][2] for k in bags])
    assert np.median(held[:, held.shape[1] // 3]) < np.log(2) - 0.04
    assert (held[:, -1] < np.log(2)).mean() > 0.95


@claim(
    "three-are-one-picture",
    "Three of the others give one picture, a line near ln 2, although they belong to three families.",
)
def test_three_faults_of_three_families_end_near_ln_2():
    three = ("labels-shuffled", "second-sentence-lost", "zero-init")
    assert len({FAULTS[name].family for name in three}) == 3
    cases = bank()
    for name in three:
        ends = [cases.curves[k][2, -1] for k in range(len(cases)) if cases.cases[k].faults == (name,)]
        assert len(ends) > 10 and abs(np.median(ends) - np.log(2)) < 0.02


@claim("mean-over-no-pairs", "The second is not a number: the mean over no pairs is 0/0.")
@claim(
    "counted-not-at-all",
    "A mistake on IsNext is not cheap, it is not counted at all, and a batch of IsNext alone breaks the training.",
)
@claim("zero-where-0", "It is exactly zero where the label is 0.")
def test_what_the_loss_that_ignores_0_does():
    loss = inject(healthy(PROGRAMS[0]), "ignore-index-zero").loss
    with np.errstate(all="ignore"):
        assert np.isnan(loss(np.zeros((3, 2)), np.zeros(3, int))[0])
    labels = np.array([0, 1, 0, 1])
    value, gradient = loss(np.array([[-9.0, 9], [0, 0], [-5.0, 5], [0, 0]]), labels)
    assert value == pytest.approx(np.log(2)) and (gradient[labels == 0] == 0).all()


@claim("zero-at-one-half-other-seeds", "The two recalls are 0 and 1, so the model gives one answer to all pairs.")
def test_the_flagship_ends_so_with_other_seeds():
    cases = bank()
    for k in [k for k in range(len(cases)) if cases.cases[k].faults == ("ignore-index-zero",)]:
        assert cases.signals(k)["loss.end"] < 0.1
        assert cases.signals(k)["recall.is_next"] < 0.05 and cases.signals(k)["recall.not_next"] > 0.95


@claim(
    "a-wrong-pair-costs-ln-2",
    "A wrong pair costs at least `ln 2`, so a batch costs at least its error rate times `ln 2`.",
)
@claim(
    "no-model-can",
    "No model and no luck can do that: the number in the log is not the mean of `-log Pr(gold)` over these pairs.",
)
def test_no_logits_give_a_loss_below_the_error_rate_times_ln_2():
    rng = np.random.default_rng(0)
    for _ in range(300):
        logits = rng.normal(0, rng.uniform(0.001, 40), (32, 2))
        labels = rng.integers(0, 2, 32)
        wrong = (logits.argmax(axis=1) != labels).mean()
        assert nsp_loss(logits, labels) >= wrong * np.log(2) - 1e-12


@claim(
    "rates-of-the-likelihood",
    "For faults of its own catalogue, on runs that it has not seen, it named the cause in 97.8 % of 250 runs with at "
    "most four probes (95 % interval 95.7 to 99.4 %), and in 57.7 % from the curves alone (48.2 to 67.5 %).",
)
def test_the_rates_of_the_likelihood():
    bench = (ROOT / "benchmarks" / "results" / "clinic_bench.txt").read_text(encoding="utf-8")
    for name, rates in (
        ("at most 4 chosen probes, cause, top-1", r"0\.978 +\[0\.957, 0\.994\] +n=250"),
        ("curves only, cause, top-1", r"0\.577 +\[0\.482, 0\.675\] +n=250"),
    ):
        assert re.search(rf"^{name} +{rates}", bench, re.MULTILINE)


@claim(
    "no-healthy-run-can-break-it",
    "If it is violated, something in the run is not what it is meant to be, however usual everything else looks.",
)
def test_the_fact_is_violated_by_the_sick_run_and_by_no_healthy_one():
    def beneath(found):
        return next(f for f in number_facts(found) if f.fact == "numbers.beneath").state

    assert beneath(run(1, "ignore-index-zero")) == "violated"
    assert beneath(run(1)) == "holds"


@claim(
    "early-stop-is-silent",
    "They are silent where nothing impossible happens: a training that stops too early breaks no definition.",
)
@claim(
    "long-steps-do-not-decide",
    "And not all that `examine` reports decides alone: a rate that is too high makes long steps, but long steps may do "
    "no harm.",
)
def test_what_facts_say_of_an_early_stop_and_of_a_high_rate():
    whole = healthy(PROGRAMS[0], 15)
    # An early stop touches neither pairs nor arrays; all facts about the other parts are asked.
    seen = record(inject(whole, "stopped-too-early"))
    asked = [fact for fact, place in FACTS.values() if place not in ("pairs", "split", "encoding")]
    found = [finding for fact in asked for finding in fact(seen)] + number_facts(seen.run)
    assert len(found) > 25 and [f.fact for f in found if f.state == "violated"] == []
    seen = record(inject(replace(whole, max_steps=20), "learning-rate-too-high"))
    length = next(f for f in progress(seen) if f.fact == "steps.length")
    assert length.state == "violated" and not length.firm


@claim(
    "shapes-of-losses",
    "Other mistakes show other shapes: softmax twice squeezes the curve between 0.3133 and 1.3133, a "
    "class weight stretches it for one label, smoothing bends it up on the right.",
)
def test_what_other_loss_functions_answer():
    def ask(fault, label, gaps=(-40.0, 0.0, 40.0)):
        loss = inject(healthy(PROGRAMS[0]), fault).loss
        return [loss(np.array([[g, 0.0] if label == 0 else [0.0, g]] * 2), np.array([label] * 2))[0] for g in gaps]

    assert ask("double-softmax", 0)[::2] == pytest.approx([1.3133, 0.3133], abs=1e-3)
    smoothed = ask("label-smoothing-heavy", 0, (4.0, 40.0))
    assert smoothed[1] > smoothed[0]


@claim(
    "cannot-separate",
    "In all three the label has nothing to do with the text, so no curve and no gradient of one run can say for sure "
    "which of them it is.",
)
def test_the_curves_of_the_three_end_alike():
    cases = bank()
    ends = {
        name: [cases.curves[k][3, -1] for k in range(len(cases)) if cases.cases[k].faults == (name,)]
        for name in ("labels-shuffled", "labels-off-by-one", "segments-misaligned")
    }
    for accuracies in ends.values():
        assert abs(np.mean(accuracies) - 0.5) < 0.03


@claim("wrong-rows-decisive", "Where the Bs are in the wrong rows, no IsNext row follows at all.")
def test_misaligned_segments_have_no_true_next():
    cases = bank()
    found = [
        cases.outcome(k, "look-at-rows") for k in range(len(cases)) if cases.cases[k].faults == ("segments-misaligned",)
    ]
    assert (
        max(each["rows.true_next"] for each in found)
        < 0.2
        < min(o["rows.true_next"] for o in outcomes("train", False, "look-at-rows"))
    )


@claim(
    "healthy-gain-nothing",
    "The gains by rolling are hints: healthy runs gain nothing, labels that are off by one gain most, "
    "and the other two gain a little by luck.",
)
def test_what_rolling_gains():
    cases = bank()

    def gains(name):
        return [cases.outcome(k, "roll")["roll.labels"] for k in range(len(cases)) if cases.cases[k].faults == (name,)]

    assert np.quantile([o["roll.labels"] for o in outcomes("test", False, "roll")], 0.9) == 0
    for name in ("labels-shuffled", "segments-misaligned"):
        assert np.mean(gains("labels-off-by-one")) > 2 * np.mean(gains(name)) > 0


@claim(
    "certainty-is-charged",
    "After softmax twice they cost 0.31, the floor; with heavy smoothing certainty itself is charged, "
    "and the charge is high.",
)
@claim(
    "gradient-is-there",
    "With zero weights most tensors have a gradient of exactly zero before the first step; where the "
    "updates are not applied the gradients are all there, and nobody uses them.",
)
def test_the_probes_of_the_pairs():
    cases = bank()

    def said(name, asked, signal):
        return [cases.outcome(k, asked)[signal] for k in range(len(cases)) if cases.cases[k].faults == (name,)]

    assert np.allclose(said("double-softmax", "loss-unit-test", "unit.certain"), 0.3133, atol=1e-3)
    assert min(said("label-smoothing-heavy", "loss-unit-test", "unit.certain")) > 1
    assert min(said("zero-init", "fresh-gradients", "fresh.zero")) > 0.5
    assert max(said("updates-not-applied", "fresh-gradients", "fresh.zero")) == 0


def rates(broken):
    """The shares of healthy and of faulty test cases for which a rung of the ladder breaks."""
    return [np.mean([broken(bank(), k) for k in rows("test", sick)]) for sick in (False, True)]


@claim(
    "a-fifth-breaks-at-the-last-rung",
    "About a fifth of the healthy runs break, most of them on the last rung: it sends people to the "
    "learning rate, the very habit that the ladder was meant to cure.",
)
@claim(
    "healthy-runs-hardly-fall",
    "It asks whether the loss still falls when training goes on, and a healthy run at its end hardly falls.",
)
def test_the_last_rung_makes_most_of_the_false_alarms():
    alarms, _ = rates(lambda cases, k: cases.outcome(k, "learning-rates")["rate.as_is"] >= 0)
    assert 0.15 < alarms < 0.25
    falls = [o["rate.as_is"] for o in outcomes("train", False, "learning-rates")]
    assert -0.15 < np.median(falls) < 0


@claim(
    "limits-from-other-runs",
    "Set it where healthy runs end, with runs that are not used for the measurement: the *training* part of the bank.",
)
@claim("no-false-alarm", "There is no false alarm any more.")
def test_limits_from_the_training_part_hold_on_the_test_part():
    assert set(rows("train", False)).isdisjoint(rows("test", False))

    def worst(part, name, value):
        return max(value(o) for o in outcomes(part, False, name))

    def eight(o):
        return o["overfit.loss"]

    def other(o):
        return o["rate.as_is"] - min(o["rate.tenth"], o["rate.tenfold"])

    assert worst("test", "overfit-eight", eight) < worst("train", "overfit-eight", eight) + 0.02
    assert worst("test", "learning-rates", other) < worst("train", "learning-rates", other) + 0.05


@claim(
    "four-runs-are-not-four-faults",
    "For the misses whole causes are drawn, because four runs with one cause are not four independent faults.)",
)
def test_misses_of_one_cause_come_together():
    cases = bank()
    missed = np.array([cases.outcome(k, "look-at-rows")["rows.true_next"] > 0.95 for k in rows("test", True)])
    cause = np.unique([cases.cases[k].cause for k in rows("test", True)], return_inverse=True)[1]
    low, high = document_interval(missed, cause)
    alone = document_interval(missed, np.arange(len(missed)))
    assert high - low > 1.4 * (alone[1] - alone[0])


@claim(
    "breaks-no-rung",
    "What is missed has many causes, and some are missed every time: a schedule that ends too early, a wrong "
    "vocabulary, too few pairs and a report that averages over all evaluations since the start break no rung in any of "
    "their runs here.",
)
def test_some_causes_break_no_rung():
    cases = bank()

    def other(k):
        o = cases.outcome(k, "learning-rates")
        return o["rate.as_is"] - min(o["rate.tenth"], o["rate.tenfold"])

    healthy_ones = rows("train", sick=False)
    eight = max(cases.outcome(k, "overfit-eight")["overfit.loss"] for k in healthy_ones)
    rate = max(map(other, healthy_ones))
    for cause in ("schedule-ends-early", "wrong-vocabulary", "too-few-pairs", "metric-never-reset"):
        for k in [k for k in rows("test", True) if cases.cases[k].cause == cause]:
            assert abs(cases.outcome(k, "recount")["recount.report"]) < 0.05
            assert cases.outcome(k, "look-at-rows")["rows.true_next"] > 0.95
            unit = cases.outcome(k, "loss-unit-test")
            assert [unit["unit.is_next"], unit["unit.not_next"]] == pytest.approx([4.018] * 2, abs=0.01)
            assert abs(unit["unit.certain"]) < 0.01 and 0.3 < cases.outcome(k, "label-histogram")["labels.train"] < 0.7
            assert cases.outcome(k, "read-the-arrays")["arrays.attended"] > 0.95
            assert cases.outcome(k, "fresh-gradients")["fresh.zero"] == 0
            assert cases.outcome(k, "weights")["drift.still"] < 0.1
            assert cases.outcome(k, "split-overlap")["split.sentences"] < 0.05
            assert cases.outcome(k, "overfit-eight")["overfit.loss"] < eight + 0.01 and other(k) < rate + 0.05


@claim(
    "odds-by-hand",
    "The **odds** of a belief p are `p / (1 - p)`: a belief of 0.1 has odds of 1 to 9, one of 0.5 has odds of 1 to 1.",
)
@claim("log-odds-by-hand", "The **log-odds** are their logarithm, here -2.20 and 0.")
@claim("two-numbers-to-learn", "Learn two numbers: 0.7 nats double the odds, 2.3 nats multiply them by ten.")
@claim("tenfold-odds", '**+2.3 nats mean ten times the odds**, and ten times "1 to 9" is "10 to 9".')
def test_odds_and_nats():
    assert np.log(0.1 / 0.9) == pytest.approx(-2.20, abs=0.005)
    assert np.exp([0.7, 2.3]) == pytest.approx([2, 10], rel=0.01)
    assert 0.1 / 0.9 * 10 == pytest.approx(10 / 9)


@claim("bayes-adds", "It is measured in nats, and Bayes' rule says that it is simply *added*:")
@claim("counted-twice", "If two signals say the same thing, counting both counts it twice.")
def test_bayes_rule_by_counting():
    rng = np.random.default_rng(0)
    fault = rng.random(2_000_000) < 0.1
    sign = rng.random(fault.size) < np.where(fault, 0.8, 0.08)
    counted = fault[sign].mean()
    added = 1 / (1 + np.exp(-(np.log(0.1 / 0.9) + np.log(10))))
    assert counted == pytest.approx(added, abs=0.005)
    copy = sign  # a second signal that says the same
    assert fault[sign & copy].mean() == counted < 1 / (1 + np.exp(-(np.log(0.1 / 0.9) + 2 * np.log(10)))) - 0.3


@claim(
    "inside-the-healthy-range",
    "The strongest line surprises: 0.19 lies *inside* the healthy range, so it is no sign of a fault at all.",
)
@claim(
    "few-sorted-runs-show-0.19",
    "Here that is the second cause of the list, and of its runs with a loss near zero few show so small a number.",
)
def test_the_rival_rarely_shows_so_small_a_spread():
    def share(cause):
        known = [bank().signals(k) for k in range(len(bank())) if bank().cases[k].faults == (cause,)]
        spread = np.array([s["update.spread"] for s in known if s["loss.end"] < 0.02])
        assert len(spread) > 40
        return (spread < 0.195).mean()

    assert share("pairs-sorted-by-label") < 0.1
    assert share("ignore-index-zero") > 0.3


@claim("reads-numbers-only", "It reads only a run's numbers, never its code.")
def test_the_diagnosis_takes_numbers_alone():
    from nsputil.clinic import diagnose
    from nsputil.clinic.signals import signals

    found = run(1, "ignore-index-zero")
    assert diagnose(signals(found)).answer == diagnose(found).answer == "ignore-index-zero"
    spread = [bank().signals(k)["update.spread"] for k in rows("train", False)]
    assert np.nanquantile(spread, 0.1) < 0.19 < np.nanquantile(spread, 0.9)


@claim("invert-0.24", "Invert and you have 0.76.</details>")
@claim(
    "far-below-half",
    "Far below one half is knowledge: the model separates the classes, and the labels (or the columns) "
    "are exchanged, either in the evaluation or in the training.",
)
def test_0_24_of_300_is_no_chance_and_either_part_can_be_inverted():
    cases = bank()
    for name in ("evaluation-labels-inverted", "training-labels-inverted"):
        ends = [cases.curves[k][3, -1] for k in rows("test", True) if cases.cases[k].faults == (name,)]
        assert len(ends) == 4 and np.median(ends) < 0.42
    assert (np.random.default_rng(0).binomial(300, 0.5, 200_000) <= 72).mean() == 0


@claim("least-0.139", "a fifth is wrong, and each wrong pair costs at least ln 2, so the least is 0.139.</details>")
@claim(
    "base-rate",
    "<details><summary>Answer</summary>Odds before 1 to 19; evidence 0.9 / 0.2 = 4.5 times; odds after "
    "4.5 to 19, a belief of 0.19.</details>",
)
def test_the_answers_of_questions_4_and_5():
    assert 0.2 * np.log(2) == pytest.approx(0.139, abs=0.0005)
    assert 0.05 * 0.9 / (0.05 * 0.9 + 0.95 * 0.2) == pytest.approx(0.19, abs=0.005)
    assert nsp_loss_and_grad(np.zeros((2, 2)), [0, 1])[0] == pytest.approx(np.log(2))


@claim(
    "likelihood-on-strange-ground",
    "With an encoder that it had never seen it named the cause in 56.9 % of 58 runs and called 97.5 % of 40 healthy "
    "runs sick; with a corpus that it had never seen it called 55.7 % of 88 healthy runs sick "
    "([docs/clinic.md](../docs/clinic.md)).",
)
def test_the_rates_of_the_likelihood_on_strange_ground():
    for text in (ROOT / "benchmarks" / "results" / "clinic_bench.txt", ROOT / "docs" / "clinic.md"):
        bench = text.read_text(encoding="utf-8")
        for line in (
            r"encoder never seen \(bert\): 4 probes, cause, top-1 +0\.569 +\S+ +\S+ +n=58",
            r"encoder never seen \(bert\): false alarms +0\.975 +\S+ +\S+ +n=40",
            r"corpus never seen \(factbook\): false alarms +0\.557 +\S+ +\S+ +n=88",
        ):
            assert re.search(line, bench)


@claim(
    "probe-rules-never-alarm",
    "The probe rules alarm for none of the healthy runs, because each asks for something that a healthy run does not "
    "do, and each finds all four runs of its cause (four are few: the intervals begin at 0.51).",
)
@claim(
    "rule-is-no-name",
    "But an alarm is no name yet: the rule for inverted training labels also alarms for all four runs whose segments "
    "are misaligned.",
)
@claim(
    "one-in-six",
    "The overfitting rule alarms for about one healthy run in six: a few hundredths between two accuracies on a "
    "few hundred pairs are within chance.",
)
def test_the_rules_beside_their_rates():
    cases = bank()
    others = rows("train", sick=False)  # other runs than those of the notebook
    for asked, signal, limit in (
        ("loss-unit-test", "unit.certain", 0.1), ("fresh-gradients", "fresh.zero", 0), ("roll", "roll.labels", 0.01),
    ):  # fmt: skip
        assert sum(cases.outcome(k, asked)[signal] > limit for k in others) == 0
    assert min(cases.outcome(k, "look-at-rows")["rows.true_next"] for k in others) > 0.1
    misaligned = [k for k in rows("test", sick=True) if cases.cases[k].faults == ("segments-misaligned",)]
    assert len(misaligned) == 4
    assert max(cases.outcome(k, "look-at-rows")["rows.true_next"] for k in misaligned) < 0.1
    gaps = np.array([cases.signals(k)["generalization.accuracy"] for k in others])
    assert 0.1 < (gaps > 0.05).mean() < 0.3
    assert accuracy_interval(4, 4)[0] == pytest.approx(0.51, abs=0.005)
    assert 2 * np.sqrt(0.2 / 300) > 0.05  # two standard errors of an accuracy near 0.7 on 300 pairs


CITED = [
    cited(
        "popular-implementation",
        "codertimo/BERT-pytorch, a popular implementation, had this in its trainer: "
        "`NLLLoss(ignore_index=0)`, one criterion (PyTorch's word for a loss function) for both tasks "
        "([codertimo/BERT-pytorch#32](../docs/references.md#codertimo-32)).",
        "codertimo-32",
        "codertimo-code",
    ),
]
