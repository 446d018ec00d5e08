"""What the facts say of the healthy trainings of the notebooks, with other seeds.

    python -m research.notebook_runs [--seeds 5] [--only NOTEBOOK]

Each cell is run as it is written, but that `train` there trains with each seed and examines the facts. The line says
how `nsputil diagnose` would answer: "healthy" with exit code 0 is what is expected.
"""

import argparse
import json
import os
import warnings
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from nsputil.clinic.examined import findings_of, from_facts, train_examined
from nsputil.clinic.report import facts_report

TWIN = "swap"
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
#: Notebook -> (cells that prepare, cells that train and should be healthy).
CELLS = {
    "07_train_it": (
        ("imports", "experiment", "experiment-made", "attention-weights", "transformer-experiment"),
        ("train", "transformer-train"),
    ),
    "08_joint_objective_and_real_bert": (("imports", "hide-setup", "model", "experiment"), ("train",)),
    "09_read_a_sick_run": (("imports",), ("healthy-run",)),
    "10_the_clinic": (("imports",), (TWIN,)),
}


class Examined:
    """Stands in for `train`: trains with several seeds, notes what the facts say, and returns the first run."""

    def __init__(self, seeds):
        self.seeds, self.rows = seeds, []

    def __call__(self, experiment, *args, **options):
        runs = [train_examined(replace(experiment, seed=experiment.seed + k)) for k in range(self.seeds)]
        for k, run in enumerate(runs):
            said = from_facts(findings_of(run))
            _, code = facts_report("run.json", run)
            self.rows.append((experiment.seed + k, said, code))
        return runs[0]


def main(arguments=None):
    """Print a line for each training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    counted, sound = 0, 0
    for name, (prepare, healthy_cells) in CELLS.items():
        if options.only not in name:
            continue
        cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        source = {cell["id"]: "".join(cell["source"]) for cell in cells}
        space = {}
        for cell in prepare:
            exec(compile(source[cell], f"{name}:{cell}", "exec"), space)
        for cell in healthy_cells:
            space["train"] = examined = Examined(options.seeds)
            if cell == TWIN:
                _sound_twin(space, examined)
            else:
                exec(compile(source[cell], f"{name}:{cell}", "exec"), space)
            for seed, said, code in examined.rows:
                counted += 1
                sound += said.answer == "healthy" and code == 0
                print(f"{name} {cell} seed {seed}: {said.answer}, exit code {code}. {said.statement}", flush=True)
    print(f"{sound} of {counted} are healthy with exit code 0")


def _sound_twin(space, examined):
    """Notebook 10 exchanges the model for that of a sound training of 50 steps; here that training is examined."""
    import numpy as np

    examined(replace(space["healthy"](space["PROGRAMS"][0], seed=77, dtype=np.float64), max_steps=50))


if __name__ == "__main__":
    main()
