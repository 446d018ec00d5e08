"""Two accuracies that are one number held out, and two in training: one of them is computed wrongly."""

from nsputil.clinic.log_readers.aliases import PART, words
from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms.groups import CONTRADICTION, Symptom
from nsputil.clinic.log_readers.symptoms.limits import SAME

APART = 0.15  # more than rounding, or a mean that lags
FEWEST = 2  # rows


def two_accuracies(reading: LogReading) -> list[Symptom]:
    """Two names of an accuracy that agree in each evaluation, and differ in each row of training."""
    found = reading.accuracies
    for first, second in ((a, b) for a in found for b in found if a < b):
        if _stem(first) == _stem(second) or _weighted(first + second):  # one accuracy of two parts
            continue
        if _apart(found[first], found[second]):
            held = [name for name in found if name not in (first, second)]
            pairs = [(a, b) for a in held for b in held if (_stem(a), _stem(b)) == (_stem(first), _stem(second))]
            if any(len(found[a]) >= FEWEST and _alike(found[a], found[b]) for a, b in pairs):
                text = (
                    f"{first!r} and {second!r} are the same in each evaluation, and {found[first][-1]:.4f} and "
                    f"{found[second][-1]:.4f} in training: one of them is computed wrongly."
                )
                return [Symptom(CONTRADICTION, text)]
    return []


def _stem(name: str) -> tuple[str, ...]:
    return tuple(word for word in words(name) if word not in PART)


def _weighted(names: str) -> bool:
    """Whether the weights of rows, which evaluations seldom have, may set two accuracies apart."""
    return "weight" in names.lower()


def _alike(first: list[float], second: list[float]) -> bool:
    return len(first) == len(second) and all(abs(a - b) < SAME for a, b in zip(first, second, strict=True))


def _apart(first: list[float], second: list[float]) -> bool:
    if len(first) != len(second) or len(first) < FEWEST:
        return False
    return all(abs(a - b) > APART for a, b in zip(first, second, strict=True))
