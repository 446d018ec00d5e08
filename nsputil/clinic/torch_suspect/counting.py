"""What counting the words that A and B share reaches on held-out pairs: no layer is needed for so much."""

from collections import Counter

import numpy as np

from nsputil.clinic.torch_suspect.given import Given
from nsputil.tokenization import tokenize


def counted(given: Given) -> float:
    """Return the held-out accuracy of a bound on how many rare words A and B share."""
    train, held = given.pairs, given.held_out_pairs
    if not train or not held:
        return float("nan")
    sets = [[[set(tokenize(text)) for text in (p.sentence_a, p.sentence_b)] for p in part] for part in (train, held)]
    count = Counter(word for pair in sets[0] for side in pair for word in side)
    total = 2 * len(train)

    def scores(part: list) -> np.ndarray:
        weights = [sum(np.log(total / (1 + count[word])) for word in a & b) for a, b in part]
        return np.array(weights) / np.sqrt([max(1, len(a)) * max(1, len(b)) for a, b in part])

    own, labels = scores(sets[0]), np.array([pair.label for pair in train])
    bounds = np.quantile(own, np.linspace(0.02, 0.98, 49))
    best = max(bounds, key=lambda bound: float(((own <= bound) == labels).mean()))
    says, truth = scores(sets[1]) <= best, np.array([pair.label for pair in held])
    return float(np.mean([(says == truth)[truth == label].mean() for label in np.unique(truth)]))
