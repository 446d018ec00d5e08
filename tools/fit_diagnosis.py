"""Fit the diagnosis to the shipped bank and write nsputil/clinic/data/diagnosis.npz.

    python tools/fit_diagnosis.py

Deterministic for a version of numpy and a kind of processor; about a minute of one core.
"""

from nsputil.clinic.cases import Bank
from nsputil.clinic.fitting import fit_reader
from nsputil.clinic.reading import FITTED


def main():
    """Fit, write, say what was fitted."""
    bank = Bank.load()
    reader = fit_reader(bank)
    reader.save(FITTED)
    rows = len(bank.rows("train"))
    print(f"{rows} cases, {len(bank.names)} signals, {len(bank.causes)} causes; {FITTED.stat().st_size / 1e6:.2f} MB")
    print(f"temperatures {[round(t, 2) for t in reader.temperatures]}, caution {reader.healthy_bias:.2f}")
    print(f"two faults {reader.second}, none of these {reader.strange}")


if __name__ == "__main__":
    main()
