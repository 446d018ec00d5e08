"""The case bank: what was seen of some thousand runs, with the outcome of every probe, computed beforehand.

`bank()` gives the bank that comes with the course. Introduced in notebook 10.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from nsputil._types import Floats, Ints
from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.cases import CaseSpec
from nsputil.clinic.faults import FAULTS
from nsputil.clinic.known_runs import BankedProbe
from nsputil.clinic.probes import PROBES
from nsputil.clinic.programs import PROGRAMS
from nsputil.clinic.signal_registry import SIGNALS
from nsputil.clinic.signals import RUN_SIGNALS, signals
from nsputil.run import Run

BANK = Path(__file__).parent / "data" / "cases.npz"
POINTS = 40  # of a curve in the bank


class Bank:
    """What was seen of many cases.

    Attributes
    ----------
    cases : list of CaseSpec
    names : tuple of str
        Of signals of the run, then of the numbers of probes: the columns of `values`.
    values : ndarray, shape (cases, names)
    curves : ndarray, shape (cases, 4, POINTS)
        Training loss, training accuracy, held-out loss, held-out accuracy at evenly spaced steps; NaN where there is
        none.
    probes : dict of BankedProbe
        As they were when the bank was made.
    groups : dict
        Look-alike group of each cause.
    causes : tuple of str
    labels : ndarray of int, shape (cases,)
        Index of the cause of each case; -1 if the bank has no such cause.
    """

    def __init__(
        self,
        cases: list[CaseSpec],
        names: Sequence[str],
        values: Floats,
        curves: Floats,
        probes: dict[str, BankedProbe],
        groups: dict[str, str],
    ) -> None:
        self.cases, self.names, self.values, self.curves = cases, tuple(names), values, curves
        self.probes, self.groups = probes, groups
        self.causes = tuple(groups)
        self.labels: Ints = np.array([self.causes.index(c.cause) if c.cause in groups else -1 for c in cases])

    def __len__(self) -> int:
        return len(self.cases)

    def rows(self, *parts: str) -> Ints:
        """Return the indices of the cases of some parts."""
        return np.array([k for k, case in enumerate(self.cases) if case.part in parts], dtype=int)

    def signals(self, row: int, tier: str = "instruments") -> dict[str, float]:
        """Return the signals of the run of a case, as `nsputil.clinic.signals.signals` gives them."""
        wanted = [n for n, s in RUN_SIGNALS.items() if tier == "instruments" or s.tier == "curves"]
        return {name: float(self.values[row, self.names.index(name)]) for name in wanted}

    def outcome(self, row: int, name: str) -> dict[str, float]:
        """Return what a probe said of a case, as `nsputil.clinic.probes.probe` gives it."""
        return {signal: float(self.values[row, self.names.index(signal)]) for signal in self.probes[name].signals}

    @classmethod
    def load(cls, path: str | Path = BANK) -> "Bank":
        """Read the bank that comes with the course, or another that `save` wrote."""
        with np.load(path) as file:
            header = json.loads(str(file["header"]))
            values, curves = file["values"].astype(float), file["curves"].astype(np.float32)
        cases = [CaseSpec(part, tuple(faults), program, number) for part, faults, program, number in header["cases"]]
        probes = {name: BankedProbe(cost, tuple(names)) for name, (cost, names) in header["probes"].items()}
        return cls(cases, header["names"], values, curves, probes, header["groups"])

    def save(self, path: str | Path = BANK) -> None:
        """Write all into one file."""
        header = {
            "cases": [[c.part, c.faults, c.program, c.number] for c in self.cases],
            "names": self.names,
            "probes": self.probes,
            "groups": self.groups,
        }
        np.savez_compressed(
            path,
            header=json.dumps(header),
            values=self.values.astype(np.float32),
            curves=self.curves.astype(np.float16),
        )


def pack(files: Iterable[tuple[CaseSpec, Path]], path: str | Path = BANK) -> str:
    """Make and save the bank from the JSON files of `nsputil.clinic.cases.run_case`; return a sentence.

    Parameters
    ----------
    files : iterable of (CaseSpec, Path)
        Cases without a file are left out.
    path : str or Path
    """
    cases, values, curves = [], [], []
    for case, file in files:
        if not file.exists():
            continue
        recorded = json.loads(file.read_text(encoding="utf-8"))
        run = Run(**{"kind": PROGRAMS[case.program].kind} | recorded["run"])
        numbers = recorded["probes"] | signals(run)
        cases.append(case)
        values.append([numbers.get(name, np.nan) for name in SIGNALS])
        curves.append(curve(run))
    groups = {HEALTHY: HEALTHY} | {n: f.group for n, f in FAULTS.items() if not f.benign and not f.outside}
    probes = {name: BankedProbe(probe.cost, probe.signals) for name, probe in PROBES.items()}
    clipped = np.clip(np.array(values, float), -1e6, 1e6)
    Bank(cases, tuple(SIGNALS), clipped, np.array(curves), probes, groups).save(path)
    return f"{len(cases)} cases, {Path(path).stat().st_size / 1e6:.2f} MB"


def curve(run: Run) -> Floats:
    """Return the four curves of a run at `POINTS` evenly spaced steps, shape (4, POINTS)."""
    steps = np.linspace(1, len(run.loss), POINTS)
    width = max(1, len(run.loss) // POINTS)
    out = np.full((4, POINTS), np.nan)
    for k, values in enumerate((run.loss, run.accuracy)):
        smooth = [np.mean(values[max(0, int(s) - width) : int(s)]) for s in steps]
        out[k] = np.clip(smooth, -6e4, 6e4)
    at = [e["step"] for e in run.evaluations]
    for k, name in ((2, "loss"), (3, "accuracy")):
        reported = [e.get(name, np.nan) for e in run.evaluations]
        if at:
            out[k] = np.clip(np.where(steps >= at[0], np.interp(steps, at, reported), np.nan), -6e4, 6e4)
    return out


@cache
def bank() -> Bank:
    """Return the bank that comes with the course, read once."""
    return Bank.load()
