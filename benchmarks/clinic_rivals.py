"""The diagnosis beside its rivals: same cases, same split, same information, same granularity of the answer.

    python benchmarks/clinic_rivals.py               the table (needs scikit-learn)
    python benchmarks/clinic_rivals.py --cleanlab    and cleanlab, executed on live cases with label faults

Rule tools are re-implemented from their published thresholds; no code was copied. Each looks at the signals of the run
and raises symptoms. A symptom is mapped generously onto the look-alike groups that could show it, and the answer is
right by chance within them: n causes that hold the right one earn 1 / n for the cause, and one of m groups 1 / m for
the group. A run without a symptom is called healthy. `make clinic-rivals` runs both in an environment of their own.
"""

import argparse
import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before numpy is loaded

import numpy as np
from clinic_bench import Answers, Investigator, all_probes, curves_only, interval, macro, with_instruments

from nsputil.clinic.cases import Bank
from nsputil.clinic.fitting import run_weights
from nsputil.clinic.reading import HEALTHY, Reader
from nsputil.clinic.signals import SIGNALS

TIERS = ("curves", "instruments", "all probes")


def autotrainer(s):
    """AutoTrainer (ICSE 2021, shiningrain/AUTOTRAINER): vanish, explode, oscillate, not converged, slow."""
    found = []
    first = s["gradient.first"] + min(0.0, s["gradient.encoder_share"])  # log10 of the first layer's norm, about
    if s["gradient.encoder_share"] < -3 and first < -4:
        found.append("stuck-at-ln2")
    if s["gradient.encoder_share"] > np.log10(70) or s["loss.broken"] or s["loss.highest"] > np.log10(1000 / np.log(2)):
        found.append("unstable")
    if s["accuracy.spread"] > 0.2 or s["held.turns"] >= 0.03:  # local swings of 0.03; batches swing more by themselves
        found += ["unstable", "one-class"]
    if max(s["accuracy.end"], s["held.accuracy"]) < 0.6:
        found += ["stuck-at-ln2", "weak-ceiling", "report-wrong"]
    if s["held.best_accuracy"] - s["held.first_accuracy"] < 0.01:
        found += ["stuck-at-ln2", "weak-ceiling"]
    return found


def umlaut(s):
    """UMLAUT (CHI 2021, BerkeleyHCI/umlaut): over-fitting, held-out accuracy too high, NaN."""
    found = []
    if s["held.rise"] > 0 and s["loss.fall_late"] > 0:
        found.append("memorises")
    if s["held.accuracy"] > 0.95 or s["held.accuracy"] - s["accuracy.end"] > 0.05:
        found.append("too-good")
    if s["loss.broken"]:
        found.append("unstable")
    return found


def sagemaker(s):
    """SageMaker Debugger, documented defaults: vanishing, saturated, update ratio, loss, over-fit, classes."""
    found, ratio = [], s["step.length"] - np.log10(4)  # update over weight, log10
    if s["gradient.end"] < -7:
        found.append("stuck-at-ln2")
    if s["pooler.saturation"] > 0.5 or s["loss.broken"] or s["loss.highest"] > 3:
        found.append("unstable")
    if s["update.none"] > 0.5 or ratio > 1 or ratio < -8:
        found += ["stuck-at-ln2", "weak-ceiling"]
    if s["loss.fall_late"] < 0.001 * abs(s["loss.end"]):
        found += ["stuck-at-ln2", "weak-ceiling"]
    if s["gap.loss"] > 0.1 * abs(s["loss.end"]):
        found.append("memorises")
    if not 1 / 11 < s["prior.train"] < 10 / 11:
        found.append("one-class")
    return found


def deepchecker(s):
    """TheDeepChecker (TOSEM 2022, thedeepchecker/thedeepchecker): first loss, dead and saturated units, steps, loss."""
    found, ratio = [], s["step.length"] - np.log10(4)  # update over weight, log10
    if abs(s["loss.first"] / np.log(2) - 1) > 0.5:
        found.append("wrong-level")
    if s["pooler.saturation"] > 0.85 or s["loss.broken"] or s["gradient.end"] > 6:
        found.append("unstable")
    if s["gradient.end"] < -6 or s["update.none"] > 0 or not -4 <= ratio <= -1:
        found += ["stuck-at-ln2", "unstable"]
    if s["loss.end"] > 2 * s["loss.lowest"]:
        found.append("unstable")
    if s["loss.fall_late"] < 0.05 * abs(s["loss.end"]):
        found += ["stuck-at-ln2", "weak-ceiling"]
    if (
        s["held.motion"] > -2 and s["held.best_accuracy"] - s["held.first_accuracy"] < 0.005
    ):  # loss and accuracy disagree
        found.append("report-wrong")
    return found


def checklist(s):
    """The order of Karpathy 2019 and Tobin's troubleshooting, one line each; the first hit is the answer."""
    ln2 = np.log(2)
    rules = (
        (s["loss.broken"] or s["loss.highest"] > 0.7, "unstable"),
        (abs(s["loss.first"] - ln2) > 0.3, "wrong-level"),
        (not 0.4 < s["prior.train"] < 0.6 or abs(s["held.recall_gap"]) > 0.8, "one-class"),
        (s["held.accuracy"] < 0.4 or abs(s["final.against_held"]) > 0.1, "report-wrong"),
        (s["accuracy.end"] < 0.55 and s["held.accuracy"] < 0.55, "stuck-at-ln2"),
        (s["gap.accuracy"] > 0.15, "memorises"),
        (s["held.accuracy"] > 0.9, "too-good"),
        (s["held.accuracy"] < 0.65, "weak-ceiling"),
    )
    return next(([group] for hit, group in rules if hit), [])


RULES = {
    "AutoTrainer's rules": autotrainer,
    "UMLAUT's rules": umlaut,
    "SageMaker Debugger's rules": sagemaker,
    "TheDeepChecker's rules": deepchecker,
    "a checklist": checklist,
}


def row_of(name, tier, by_cause, by_group, alarms, gold, clusters):
    """Print a row of the table; intervals are 95 %, programs drawn first."""
    low, high = interval(by_cause, gold, clusters)
    print(
        f"{name:28s} {tier:12s} {macro(by_cause, gold):.3f} [{low:.3f}, {high:.3f}]   {macro(by_group, gold):.3f}   "
        f"{np.mean(alarms):.3f}",
        flush=True,
    )


def rules(bank, sick, well, gold, clusters):
    """Print the rule tools: they see all signals of the run, and the size of a step over that of the weight."""
    size = {g: sum(1 for c in bank.causes if bank.groups[c] == g) for g in set(bank.groups.values())}
    for name, rule in RULES.items():
        cause, group = [], []
        for row, c in zip(sick, gold, strict=True):
            found = set(rule(bank.found(row) | bank.outcome(row, "one-step")))
            hit = bank.groups[c] in found
            cause.append(hit / sum(size[g] for g in found) if hit else 0.0)
            group.append(hit / len(found) if hit else 0.0)
        alarms = [bool(rule(bank.found(row) | bank.outcome(row, "one-step"))) for row in well]
        row_of(name, "instruments", np.array(cause), np.array(group), alarms, gold, clusters)
    always = np.array([c == "learning-rate-too-high" for c in gold], float)
    unstable = np.array([bank.groups[c] == "unstable" for c in gold], float)
    row_of('always "learning rate"', "", always, unstable, np.ones(len(well)), gold, clusters)


def learners(bank, sick, well, gold, clusters):
    """Print classifiers of scikit-learn, each fitted on the same runs with each tier of signals."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.neighbors import NearestCentroid
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer
    from sklearn.tree import DecisionTreeClassifier

    train = bank.rows("train")
    healthy = bank.causes.index(HEALTHY)
    weights = run_weights(bank.labels[train], healthy)
    tiers = [SIGNALS[n].tier if n in SIGNALS else "all probes" for n in bank.names]
    groups = np.array([bank.groups[c] for c in bank.causes])
    number = np.array([bank.causes.index(c) for c in gold])
    for tier_number, tier in enumerate(TIERS):
        known = [k for k, t in enumerate(tiers) if t in TIERS[: tier_number + 1]]
        x = np.where(np.isfinite(bank.values[:, known]), bank.values[:, known], -99.0)
        models = {
            "nearest centroid": make_pipeline(
                SimpleImputer(missing_values=-99.0, keep_empty_features=True),
                QuantileTransformer(n_quantiles=100),
                NearestCentroid(),
            ),
            "decision tree": DecisionTreeClassifier(max_depth=None, random_state=0),
            "ExtraTrees": ExtraTreesClassifier(500, random_state=0),
        }
        for name, model in models.items():
            options = {} if name == "nearest centroid" else {"sample_weight": weights}
            model.fit(x[train], bank.labels[train], **options)
            said = model.predict(x[sick])
            row_of(
                name, tier, (said == number).astype(float), (groups[said] == groups[number]).astype(float),
                model.predict(x[well]) != healthy, gold, clusters,
            )  # fmt: skip


def ours(bank, sick, well, gold, clusters):
    """Print our diagnosis at each tier, and after at most four chosen probes."""
    reader = Reader.load()
    for tier, ask in (
        ("curves", curves_only(bank, reader)),
        ("instruments", with_instruments(bank, reader)),
        ("all probes", all_probes(bank, reader)),
        ("<= 4 probes", Investigator(bank, reader)),
    ):
        answers = Answers(bank, sick, ask)
        alarms = [d.answer != HEALTHY for d in Answers(bank, well, ask).found]
        row_of("nsputil", tier, answers.top(1), answers.group(), alarms, gold, clusters)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cleanlab", action="store_true")
    options = parser.parse_args()
    bank = Bank.load()
    test = bank.rows("test")
    sick = np.array([row for row in test if bank.cases[row].cause != HEALTHY])
    well = np.array([row for row in test if not bank.cases[row].faults])
    gold = [bank.cases[row].cause for row in sick]
    clusters = np.array([bank.cases[row].program for row in sick])
    print(f"{len(sick)} faulty runs of {len(set(gold))} causes, {len(well)} healthy runs; none was learned from\n")
    print(f"{'':28s} {'sees':12s} cause, top-1, 95 %       group   false alarms")
    rules(bank, sick, well, gold, clusters)
    learners(bank, sick, well, gold, clusters)
    ours(bank, sick, well, gold, clusters)
    if options.cleanlab:
        label_errors()


def label_errors(seeds=(0, 1)):
    """Run cleanlab on live cases with a label fault: what does it find among the suspect's own training pairs?

    It needs predicted probabilities for pairs that the model did not learn from: the suspect's training documents are
    cut in two, and a model trained by the suspect's own pipeline on one half predicts the pairs of the other.
    """
    from dataclasses import replace

    import cleanlab
    from cleanlab.filter import find_label_issues

    from nsputil.clinic.diagnosis import investigate
    from nsputil.clinic.faults import inject
    from nsputil.clinic.probes import Suspect
    from nsputil.clinic.programs import PROGRAMS, healthy, observe
    from nsputil.losses import log_softmax

    print(
        f"\ncleanlab {cleanlab.__version__}, executed: share of the training pairs that it calls mislabelled; "
        "ours: the first answer"
    )
    for name in (
        None,
        "label-noise",
        "false-negatives",
        "labels-shuffled",
        "labels-off-by-one",
        "training-labels-inverted",
        "one-label",
    ):
        shares, right, answers = [], [], []
        for seed in seeds:
            whole = healthy(PROGRAMS[0], 500 + seed)
            sick = inject(whole, name) if name else whole
            p, labels, true = [], [], []
            for half in (0, 1):

                def cut(documents, rng, half=half, split=sick.split):
                    train, held, test = split(documents, rng)
                    return train[half::2], train[1 - half :: 2], test

                fold = replace(sick, split=cut)
                run = observe(replace(fold, watch=40, instrument_every=0))
                other = Suspect(replace(sick, split=lambda d, r, c=cut: c(d, r)[1:2] + c(d, r)[:1] + c(d, r)[2:]), run)
                pairs = other.pairs[:600]
                p.append(np.exp(log_softmax(run.model.logits(pairs).astype(float))))
                labels += [pair.label for pair in pairs]
                true += [1 - (pair.sentence_b in other.next_of.get(pair.sentence_a, ())) for pair in pairs]
            labels, p = np.array(labels), np.concatenate(p)
            wrong = labels != np.array(true)
            if len(np.unique(labels)) < 2:
                shares.append(np.nan)
            else:
                found = find_label_issues(labels, p)
                shares.append(found.mean())
                right.append((found & wrong).sum() / max(1, wrong.sum()))
            answers.append(investigate(sick).diagnosis.answer)
        recall = f"{np.mean(right):.2f} of the wrong ones" if name and right else ""
        called = "-    " if np.isnan(shares).any() else f"{np.mean(shares):.3f}"  # it needs both labels
        print(f"{name or 'healthy':28s} {called} {recall:28s} ours: {', '.join(answers)}", flush=True)


if __name__ == "__main__":
    main()
