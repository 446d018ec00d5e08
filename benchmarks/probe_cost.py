"""What each probe costs, as a number of training steps of the same suspect: all probes and the steps in turn, one run.

    .venv/bin/python -m benchmarks.probe_cost

For each encoder three healthy programs; each probe alone, on a `Suspect` that holds what the training made anyway, the
pairs and batches, and nothing else. Processor time, the least of three; then the median of the programs.
"""

import os
import time

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before numpy is loaded

import numpy as np

from nsputil.clinic.probes import PROBES, Suspect, probe
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.training import train

SEEDS, REPEATS, STEPS = 3, 3, 30


def seconds(work):
    """Return the processor time of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def steps(experiment, run):
    """Return a call that takes `STEPS` training steps: encode, forward, loss, backward, update."""
    suspect = Suspect(experiment, run)
    model = suspect.fresh()
    optimizer, rng = experiment.optimizer(model, 200), np.random.default_rng(0)
    rows = [[suspect.pairs[k] for k in chosen] for chosen in suspect.batches[:STEPS]]

    def work():
        for k in range(STEPS):
            batch = suspect.encode(rows[k % len(rows)])
            logits, cache = model.forward(batch, rng)
            optimizer.step(model.backward(experiment.loss(logits, batch.labels)[1], cache))

    return work


def in_steps(program, seed):
    """Return ``{probe: its cost in training steps}`` on one suspect."""
    experiment = healthy(program, seed)
    run = train(experiment)
    step, best = steps(experiment, run), {name: np.inf for name in (None, *PROBES)}
    for _ in range(REPEATS):
        best[None] = min(best[None], seconds(step) / STEPS)
        for name in PROBES:
            suspect = Suspect(experiment, run)
            _ = suspect.documents, suspect.pairs, suspect.batches, suspect.held_out
            best[name] = min(best[name], seconds(lambda: probe(suspect, name)))  # noqa: B023 called at once
    return {name: best[name] / best[None] for name in PROBES}


def measured():
    """Return ``{probe: (median over suspects with a bag, with a Transformer)}``."""
    kinds = {"bag": PROGRAMS[:3], "bert": PROGRAMS[3:]}
    found = {
        kind: [in_steps(programs[seed % len(programs)], seed) for seed in range(SEEDS)]
        for kind, programs in kinds.items()
    }
    return {name: tuple(np.median([one[name] for one in found[kind]]) for kind in kinds) for name in PROBES}


def main():
    """Print what was measured beside what the probes declare."""
    print("cost of a probe in training steps of its suspect: measured with each encoder, and declared")
    print(f"{'':18s} {'bag':>11s} {'Transformer':>11s} {'declared':>11s}")
    for name, costs in measured().items():
        print(f"{name:18s} {costs[0]:11.1f} {costs[1]:11.1f} {PROBES[name].cost:11g}")


if __name__ == "__main__":
    main()
