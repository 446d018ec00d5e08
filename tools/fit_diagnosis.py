"""Fit the diagnosis to the shipped bank and write nsputil/clinic/data/diagnosis.npz.

    python tools/fit_diagnosis.py

Deterministic for a version of numpy and a kind of processor; about a minute of one core.
"""

from nsputil.clinic.case_bank import Bank
from nsputil.clinic.fit_diagnosis import fit_diagnosis
from nsputil.clinic.fitted import FITTED


def main():
    """Fit, write, say what was fitted."""
    bank = Bank.load()
    fitted = fit_diagnosis(bank)
    fitted.save(FITTED)
    rows = len(bank.rows("train"))
    print(f"{rows} cases, {len(bank.names)} signals, {len(bank.causes)} causes; {FITTED.stat().st_size / 1e6:.2f} MB")
    print(f"temperatures {[round(t, 2) for t in fitted.temperatures]}, bias of healthy {fitted.healthy_bias:.2f}")
    print(f"two faults {fitted.two_faults}, none of these {fitted.none_of_these}")


if __name__ == "__main__":
    main()
