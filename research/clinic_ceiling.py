"""Where the diagnosis stays below its goals: how much could any method reach, and what is in the way?

    make clinic-ceiling
    .venv-rivals/bin/python -m research.clinic_ceiling

Four questions, all put to the shipped bank, with scikit-learn's ExtraTrees as a rival that has no need to be legible:
does more data still help; which causes are told apart by no classifier; is there a better detector of unknown faults;
how far does a diagnosis get that never saw a Transformer. Nothing here is used by the diagnosis.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before numpy is loaded

from collections import Counter

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from benchmarks.clinic_bench import PRICES, Investigator, all_probes, macro, references_of
from nsputil.clinic.answers import HEALTHY, UNKNOWN
from nsputil.clinic.case_bank import Bank
from nsputil.clinic.fit_diagnosis import masks_for, run_weights, tiers_of
from nsputil.clinic.fit_model import fit_model
from nsputil.clinic.fitted import FittedDiagnosis, load_shipped
from nsputil.clinic.programs import PROGRAMS
from nsputil.losses import log_softmax
from research.clinic_rivals import TIERS, Test, judged, log_shares, table, weights_of

SHARES = (0.25, 0.5, 1.0)  # of the training cases of each cause
DRAWS = 3
CHANCE = 0.05  # two causes are told apart if a classifier ranks their runs so well by chance less often than this


def forest(x, rows, labels, weights):
    """Return fitted ExtraTrees."""
    return ExtraTreesClassifier(200, random_state=0).fit(x[rows], labels, sample_weight=weights)


def learning(test):
    """Print the accuracy of ExtraTrees over the number of training cases, and what the last doubling brought."""
    bank, train, rng = test.bank, test.bank.rows("train"), np.random.default_rng(0)
    encoder = np.array([PROGRAMS[bank.cases[row].program].encoder for row in test.sick])
    print("ExtraTrees over the share of training cases: top-1; how many doublings more would reach the goal,")
    print("if each brought as much as the last one")
    for tier, what, goal in (
        ("curves", "group", 0.85), ("curves", "cause", 0.60), ("instruments", "cause", 0.80),
    ):  # fmt: skip
        found = []
        for share in SHARES:
            hits = []
            for _ in range(DRAWS if share < 1 else 1):
                rows = np.concatenate(
                    [_some(rng, train[bank.labels[train] == c], share) for c in range(len(bank.causes))]
                )
                x, labels = table(bank.values[:, test.columns(tier)], rows), bank.labels[rows]
                model = forest(x, rows, labels, weights_of(labels, len(bank.causes)))
                hits.append(getattr(judged(test, log_shares(model, x, len(bank.causes))), what))
            found.append(np.mean(hits, axis=0))
        at = [macro(hits, test.gold) for hits in found]
        gain = at[-1] - at[-2]
        said = f"{np.ceil((goal - at[-1]) / gain):.0f} more for {goal:.2f}" if gain > 0.005 else "no gain"
        print(
            f"  {tier + ', ' + what:24s}" + "".join(f" {s:.0%}: {a:.3f}" for s, a in zip(SHARES, at, strict=True))
            + f"   last doubling {gain:+.3f}, {said};"
            + "".join(f" {e} {found[-1][encoder == e].mean():.3f}" for e in ("bag", "bert"))
        )  # fmt: skip
    print("ours, the causes alone without healthy caution, the same")
    groups = np.array([sorted(set(bank.groups.values())).index(bank.groups[c]) for c in bank.causes])
    gold, masks, tiers = bank.labels[test.sick], masks_for(bank.names, bank.probes), tiers_of(bank.names)
    found = {}
    for share in SHARES:
        rows = np.concatenate([_some(rng, train[bank.labels[train] == c], share) for c in range(len(bank.causes))])
        labels = bank.labels[rows]
        model = fit_model(
            bank.values[rows], labels, bank.causes, bank.names, masks,
            run_weights(labels, 0), np.random.default_rng(1), tiers,
        )  # fmt: skip
        for tier, most in (("curves", 0), ("instruments", 1)):
            scores = model.scores_of(bank.values[test.sick], np.tile(tiers <= most, (len(test.sick), 1)))
            p = np.exp(log_softmax(scores))
            of_group = np.stack([p[:, groups == g].sum(axis=1) for g in range(groups.max() + 1)], axis=1)
            ranked = np.argsort(-scores, axis=1)
            for what, hits in (
                ("group", of_group.argmax(axis=1) == groups[gold]),
                ("cause", ranked[:, 0] == gold),
                ("cause, top-3", (ranked[:, :3] == gold[:, None]).any(axis=1)),
            ):
                found.setdefault((tier, what), []).append(hits.astype(float))
    for (tier, what), hits in found.items():
        print(
            f"  {tier + ', ' + what:26s}"
            + "".join(f" {s:.0%}: {macro(h, test.gold):.3f}" for s, h in zip(SHARES, hits, strict=True))
            + "  " + "".join(f" {e} {hits[-1][encoder == e].mean():.3f}" for e in ("bag", "bert"))
        )  # fmt: skip
    count = Counter(PROGRAMS[bank.cases[row].program].encoder for row in train if bank.cases[row].cause != HEALTHY)
    print(f"  faulty training cases: bag {count['bag']}, bert {count['bert']}; file {_megabytes():.2f} MB of 5")


def _some(rng, rows, share):
    return rng.permutation(rows)[: max(1, round(share * len(rows)))] if len(rows) else rows


def _megabytes():
    from nsputil.clinic.case_bank import BANK

    return BANK.stat().st_size / 1e6


def look_alikes(test):
    """Print the sets of causes that no classifier of pairs tells apart, and the best that is left to any diagnosis."""
    bank = test.bank
    bags = np.array([r for r in bank.rows("train") if PROGRAMS[bank.cases[r].program].encoder == "bag"])
    for tier in TIERS[:2]:
        x, labels = table(bank.values[:, test.columns(tier)], bags)[bags], bank.labels[bags]
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        said = cross_val_predict(ExtraTreesClassifier(200, random_state=0), x, labels, cv=folds, n_jobs=1)
        confused = Counter(tuple(sorted(pair)) for pair in zip(labels, said, strict=True) if pair[0] != pair[1])
        alike, quality = set(), []
        for one, other in confused:
            rows = np.flatnonzero((labels == one) | (labels == other))
            area, chance = two_samples(x[rows], labels[rows] == one)
            if chance > CHANCE:
                alike.add((one, other))
                quality.append(area)
        sets = cliques(alike, len(bank.causes))
        causes = sorted(set(labels) - {0})
        best = [0.0 if 0 in s else 1 / len(s) for c in causes for s in sets if c in s]
        right = macro((said == labels)[labels != 0].astype(float), labels[labels != 0])
        print(
            f"{tier}, bags: {len(confused)} pairs of causes confused, {len(alike)} of them not told apart from chance"
        )
        print(f"  by a classifier of just the two (mean area {np.mean(quality):.2f}); sets that are all alike:")
        for s in sets:
            if len(s) > 1:
                print("    " + ", ".join(bank.causes[c] for c in s))
        inside = [any(a in s and b in s for s in sets) for a, b in zip(labels, said, strict=True) if a]
        print(f"  so at most {np.mean(best):.3f} of the causes; ExtraTrees in cross-validation {right:.3f}, and")
        print(f"  {np.mean(inside):.3f} within the right set")


def two_samples(x, gold):
    """Return the area under the curve of a classifier of two causes, and how often chance ranks as well."""
    folds = StratifiedKFold(4, shuffle=True, random_state=1)
    model = ExtraTreesClassifier(60, random_state=0)
    area = roc_auc_score(gold, cross_val_predict(model, x, gold, cv=folds, method="predict_proba")[:, 1])
    n, m = gold.sum(), (~gold).sum()
    from scipy.stats import norm

    return area, float(norm.sf((area - 0.5) / np.sqrt((n + m + 1) / (12 * n * m))))


def cliques(alike, count):
    """Join causes as long as every two of a set are alike; the most frequent partners first."""
    sets = [{c} for c in range(count)]
    degree = Counter(c for pair in alike for c in pair)
    for one, other in sorted(alike, key=lambda pair: (-degree[pair[0]] - degree[pair[1]], pair)):
        a, b = (next(s for s in sets if c in s) for c in (one, other))
        if a is not b and all(tuple(sorted((u, v))) in alike for u in a for v in b):
            sets = [s for s in sets if s is not a and s is not b] + [a | b]
    return [sorted(s) for s in sets]


def detectors(test):
    """Print how well unknown faults are told from known ones, by other detectors and ours; and ours fault by fault."""
    from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
    from sklearn.preprocessing import QuantileTransformer

    bank, train, outside = test.bank, test.bank.rows("train"), test.bank.rows("outside")
    x = table(bank.values, train)
    ranks = QuantileTransformer(n_quantiles=100).fit(x[train]).transform(x)
    labels, rows = bank.labels[train], np.concatenate([test.sick, outside])
    p = forest(x, train, labels, weights_of(labels, len(bank.causes))).predict_proba(x[rows])
    using, odd = load_shipped(), {}
    for name, ask in (("4 chosen probes", Investigator(bank, using)), ("all probes", all_probes(bank, using))):
        found = [ask(row) for row in rows]
        odd[name] = np.array([next(c.probability for c in d.causes if c.name == UNKNOWN) for d in found])
        last = found
    near, dense = NearestNeighbors(n_neighbors=1).fit(ranks[train]), LocalOutlierFactor(20, novelty=True)
    scores = {f"ours, {name}": values for name, values in odd.items()} | {
        "ExtraTrees, 1 - largest share": 1 - p.max(axis=1),
        "ExtraTrees, entropy of the shares": -(p * np.log(p + 1e-9)).sum(axis=1),
        "nearest training case, by ranks": near.kneighbors(ranks[rows])[0][:, 0],
        "local outlier factor, by ranks": -dense.fit(ranks[train]).score_samples(ranks[rows]),
    }
    known, unknown = np.arange(len(test.sick)), np.arange(len(test.sick), len(rows))
    print("unknown faults told from known ones: area under the curve; share told when "
          + ", ".join(f"{price:.0%}" for price in PRICES) + " of the known are called unknown")  # fmt: skip
    for name, score in scores.items():
        told = [np.mean(score[unknown] > np.quantile(score[known], 1 - price)) for price in PRICES]
        area = roc_auc_score(np.arange(len(rows)) >= len(known), score)
        print(f"  {name:36s} {area:.3f}   " + "  ".join(f"{t:.2f}" for t in told))
    print("unknown faults, one by one, all probes: called 'none of these', and what else")
    for name in sorted({bank.cases[row].faults[0] for row in outside}):
        answers = Counter(d.answer for row, d in zip(rows, last, strict=True) if bank.cases[row].faults == (name,))
        print(f"  {name:36s} " + ", ".join(f"{answer} {n}" for answer, n in answers.most_common()))


def never_seen(test):
    """Print how far a diagnosis gets with Transformers, all probes asked, that learned from bags only."""
    bank = test.bank
    held = np.array([PROGRAMS[case.program].encoder == "bert" for case in bank.cases])
    train = np.array([row for row in bank.rows("train") if not held[row]])
    labels = bank.labels[train]
    masks, weights = masks_for(bank.names, bank.probes), run_weights(labels, 0)
    model = fit_model(bank.values[train], labels, bank.causes, bank.names, masks, weights, tiers=tiers_of(bank.names))
    using = FittedDiagnosis(model, bank.groups, bank.probes, bank.values[train], labels)
    moves = references_of(bank, using, held)
    moved = bank.values.copy()
    for row in np.flatnonzero(held):
        moved[row] += [moves[bank.cases[row].program].moves[name] for name in bank.names]
    taught, everything = set(labels), np.ones((len(bank), len(bank.names)), bool)
    sick = np.array([row for row in test.sick if held[row]])
    nameable = np.array([bank.labels[row] in taught for row in sick])
    well = np.array([row for row in test.well if held[row]])
    print(f"Transformers, learned from bags only, all probes: {len(sick)} faulty runs, {len(well)} healthy ones;")
    print(
        f"  {(~nameable).sum()} runs have a cause that no bag can have; in {shifted(bank, held)} of {len(bank.names)}"
    )
    print("  signals the middle nine tenths of healthy bags and of healthy Transformers do not meet")
    for name, values in (("as it is", bank.values), ("through three healthy runs each", moved)):
        x = table(values, train)
        ours = model.scores_of(values, everything)
        ours[:, sorted(set(range(len(bank.causes))) - taught)] = -np.inf
        trees = log_shares(forest(x, train, labels, weights_of(labels, len(bank.causes))), x, len(bank.causes))
        for who, scores in (("ours", ours), ("ExtraTrees", trees)):
            said = scores.argmax(axis=1)
            right = said[sick] == bank.labels[sick]
            print(
                f"  {name + ', ' + who:44s} top-1 {right.mean():.3f}, of causes that a bag can have "
                f"{right[nameable].mean():.3f}; false alarms {(said[well] != 0).mean():.3f}"
            )


def shifted(bank, held):
    """Return the number of signals whose middle nine tenths do not meet, of healthy bags and healthy Transformers."""
    well = np.array([not case.faults and case.part == "train" for case in bank.cases])
    ends = [
        np.nanquantile(np.where(np.isfinite(bank.values), bank.values, np.nan)[well & of], (0.05, 0.95), axis=0)
        for of in (held, ~held)
    ]
    return int(((ends[0][0] > ends[1][1]) | (ends[0][1] < ends[1][0])).sum())


def main():
    """Answer all four."""
    test = Test(Bank.load())
    for part in (learning, look_alikes, detectors, never_seen):
        part(test)
        print(flush=True)


if __name__ == "__main__":
    main()
