"""cleanlab, really executed on label faults, beside our diagnosis of the same live runs.

    make clinic-rivals                               both tables
    .venv-rivals/bin/python -m research.clinic_cleanlab

Every case is a bag-of-words training, alive. cleanlab needs probabilities of pairs that the model did not learn from:
the training documents are cut in three, and the suspect's own pipeline, defect included, learns from two parts and
predicts the pairs that it makes of the third. Its estimate of the share of wrong labels raises an alarm above that of
every one of three healthy runs, which is generous: out of the box it has no such limit.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before numpy is loaded

import sys
import time
from dataclasses import replace

import cleanlab
import numpy as np
from cleanlab.count import estimate_joint
from cleanlab.filter import find_label_issues

from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.faults import inject
from nsputil.clinic.probe_search import search_probes
from nsputil.clinic.probes import Suspect
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.losses import log_softmax
from nsputil.pairs import NOT_NEXT
from nsputil.training import train

FOLDS = 3
CASES = (
    *[(HEALTHY, seed) for seed in (503, 504, 505)],
    *[
        (name, seed)
        for name in ("label-noise", "false-negatives", "labels-shuffled", "labels-off-by-one")
        for seed in (510, 511)
    ],
    *[(name, 520) for name in ("segments-misaligned", "training-labels-inverted", "prior-shift", "one-label")],
)


def out_of_sample(sick):
    """Return the training pairs' labels, their true labels, and the probabilities of models that did not see them."""
    labels, true, p = [], [], []
    for fold in range(FOLDS):

        def cut(documents, rng, fold=fold):
            train, held_out, test = sick.split(documents, rng)
            rest = [d for k, d in enumerate(train) if k % FOLDS != fold]
            return rest, held_out, test

        suspect = Suspect(sick, train(replace(sick, split=cut, watch=40, instrument_every=10**6)))
        unseen = [d for k, d in enumerate(suspect.documents[0]) if k % FOLDS == fold]
        pairs = sick.pairs(unseen, np.random.default_rng((sick.seed, 5, fold)))
        logits = suspect.model.logits(pairs).astype(float)
        p.append(np.exp(log_softmax(logits)))
        labels += [pair.label for pair in pairs]
        true += [NOT_NEXT - (pair.sentence_b in suspect.next_of.get(pair.sentence_a, ())) for pair in pairs]
    return np.array(labels), np.array(true), np.concatenate(p)


def ask_cleanlab(labels, p):
    """Return ``(flagged rows, estimated share of wrong labels)``, or None where cleanlab refuses."""
    try:
        flagged = find_label_issues(labels, p)
        return flagged, 1 - float(np.trace(estimate_joint(labels, p)))
    except (ValueError, AssertionError, ZeroDivisionError):
        return None


def main():
    """Print a line for each case."""
    start = time.process_time()
    limit = 0.0
    for seed in (500, 501, 502):
        labels, _, p = out_of_sample(healthy(PROGRAMS[0], seed))
        limit = max(limit, ask_cleanlab(labels, p)[1])
    print(f"cleanlab {cleanlab.__version__}; alarm above {limit:.3f}, the highest estimate of three healthy runs")
    print(f"{'':26s} {'wrong labels':>19s}   {'rows flagged by cleanlab':36s}")
    print(
        f"{'':26s} {'true':>8s} {'cleanlab':>10s}   {'share':>6s} {'precision':>10s} {'recall':>7s}  alarm   our answer"
    )
    said = []
    for name, seed in CASES:
        sick = healthy(PROGRAMS[0], seed)
        sick = sick if name == HEALTHY else inject(sick, name)
        labels, true, p = out_of_sample(sick)
        wrong, found = labels != true, ask_cleanlab(labels, p)
        ours = search_probes(sick).diagnosis.answer
        said.append((name, found is not None and found[1] > limit, ours))
        if found is None:
            print(f"{name:26s} {wrong.mean():8.3f} {'refuses':>10s}   {'':25s}  no      {ours}", flush=True)
            continue
        flagged, share = found
        hits = (flagged & wrong).sum()
        precision = f"{hits / flagged.sum():.2f}" if flagged.any() else "-"
        recall = f"{hits / wrong.sum():.2f}" if wrong.any() else "-"
        print(
            f"{name:26s} {wrong.mean():8.3f} {share:10.3f}   {flagged.mean():6.3f} {precision:>10s} {recall:>7s}  "
            f"{'yes' if said[-1][1] else 'no':5s}   {ours}",
            flush=True,
        )
    sick = [(name, alarm, ours) for name, alarm, ours in said if name != HEALTHY]
    well = [(alarm, ours) for name, alarm, ours in said if name == HEALTHY]
    print(
        f"\ncleanlab raises an alarm in {sum(a for _, a, _ in sick)} of {len(sick)} faulty runs "
        f"and {sum(a for a, _ in well)} of {len(well)} healthy ones;\n"
        f"ours calls {sum(o != HEALTHY for _, _, o in sick)} of {len(sick)} faulty, "
        f"{sum(o == n for n, _, o in sick)} by their cause, and {sum(o != HEALTHY for _, o in well)} of {len(well)} "
        "healthy ones.\nOnly cleanlab says which rows are wrong, and how many."
    )
    print(f"processor time {time.process_time() - start:.0f} s", file=sys.stderr)  # a result holds no times


if __name__ == "__main__":
    main()
