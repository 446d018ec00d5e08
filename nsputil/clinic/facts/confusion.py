"""What two rows of labels have to do with each other: equal, inverted, noisy, one class, out of step. Notebook 10."""

from dataclasses import dataclass

import numpy as np

INDEPENDENT = 0.18  # agreement below this is none, if chance allows for it: 41 % of the labels are wrong


@dataclass(frozen=True)
class Confusion:
    """Labels against the truth.

    Attributes
    ----------
    wrong_next, wrong_other : float
        Share of wrong labels among those that say IsNext and those that say NotNext; NaN if there are none.
    agreement : float
        1 if all labels are right, 0 if they are independent of the truth, -1 if all are the other one.
    count : int
    """

    wrong_next: float
    wrong_other: float
    agreement: float
    count: int


def confusion(truth: np.ndarray, labels: np.ndarray) -> Confusion:
    """Compare labels with the truth, both arrays of 0 (IsNext) and 1."""
    wrong = truth != labels
    rates = [float(wrong[labels == label].mean()) if (labels == label).any() else np.nan for label in (0, 1)]
    agreement = 1 - float(np.nansum(rates)) if not np.isnan(rates).any() else 1 - 2 * float(wrong.mean())
    return Confusion(rates[0], rates[1], agreement, len(labels))


def lag(truth: np.ndarray, labels: np.ndarray) -> tuple[int, float]:
    """Return by how many places the labels are out of step with the truth, and how well they fit then.

    The fit is the largest circular correlation over all shifts; a shift of 0 means in step. By chance the largest of n
    correlations is about ``sqrt(2 ln n / n)``.
    """
    if len(truth) < 8 or truth.std() == 0 or labels.std() == 0:
        return 0, 0.0
    x, y = (truth - truth.mean()) / truth.std(), (labels - labels.mean()) / labels.std()
    fits = np.fft.irfft(np.fft.rfft(y) * np.conj(np.fft.rfft(x)), len(x)) / len(x)
    best = int(np.argmax(fits))
    return (best if best <= len(x) // 2 else best - len(x)), float(fits[best])


def kind(truth: np.ndarray, labels: np.ndarray) -> tuple[str | None, str]:
    """Return the cause of a difference between labels and truth, and words for it; (None, "") if there is none.

    A permutation of labels keeps the number of each; noise does so by accident only.
    """
    truth, labels = np.asarray(truth), np.asarray(labels)
    found = confusion(truth, labels)
    wrong = float((truth != labels).mean())
    if wrong == 0:
        return None, ""
    share = f"{wrong:.3f} of {len(labels)} labels are wrong"
    if len(set(labels.tolist())) == 1 and len(set(truth.tolist())) > 1:
        if labels[0] == 1:
            return "one-label", f"all labels are 1 (NotNext), and {share}"
        return "labels-all-is-next", f"all labels are 0 (IsNext), and {share}"
    if wrong > 0.95:
        return "inverted", f"{share}: they are the other way round"
    shift, fit = lag(truth, labels)
    chance = np.sqrt(2 * np.log(len(truth)) / len(truth))
    if shift != 0 and fit > max(0.8, 3 * chance) and found.agreement < 0.6:
        return (
            "labels-off-by-one",
            f"{share}, and they fit when they are moved by {-shift} places (correlation {fit:.2f})",
        )
    same_number = (labels == 0).sum() == (truth == 0).sum()
    limit = min(INDEPENDENT, 4.5 / np.sqrt(len(labels)))
    if abs(found.agreement) < limit or (same_number and found.agreement < 0.34 and len(labels) > 200):
        return "labels-shuffled", f"{share}: they say as much about the pairs as labels dealt out at random"
    if found.agreement < 0:
        return "inverted", f"{share}: most are the other way round"
    if found.wrong_next == 0:
        return (
            "false-negatives",
            f"{found.wrong_other:.3f} of the labels NotNext are wrong, and none of the labels IsNext",
        )
    if found.wrong_other == 0:
        return "label-noise", f"{found.wrong_next:.3f} of the labels IsNext are wrong, and none of the labels NotNext"
    return "label-noise", f"{share}, of either kind"
