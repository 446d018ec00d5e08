"""Is it none of the known causes: does the run show what known runs never showed?

Introduced in notebook 10 (by name).
"""

from collections.abc import Sequence

import numpy as np

from nsputil._types import Floats
from nsputil.clinic.known_runs import KnownRuns, positions
from nsputil.clinic.scoring import Seen

NEAR = 0.25  # bins: a quarter of a bin is no distance
FAR = 12.0  # beyond twelve times the usual distance all values are equally far
MOST_NOVEL = 3  # signals that count; a single one may be chance


def novelty(known: KnownRuns, seen: Seen, causes: Sequence[int]) -> Floats:
    """Return how far each signal is from all known runs with some causes, shape (signals,).

    The distance, in bins, to the nearest known run with one of the causes, over the distance that such a run usually
    has to its nearest neighbour.
    """
    position = positions(seen.members)
    least = np.full(position.shape, FAR)
    for cause in causes:
        distance = np.abs(known.positions_of(cause) - position).min(axis=0)
        least = np.minimum(least, distance / (known.usual_distance(cause) + NEAR))
    return np.where(seen.measured, least, 0.0)


def novelty_features(known: KnownRuns, seen: Seen, log_probs: Floats, gains: Floats) -> Floats:
    """Return four numbers that speak for "none of these", the more, the larger they are.

    How unsure the first cause is: minus its log-probability. The log of the mean novelty of the three signals that are
    most novel to the first cause and to the best second one together, and of those most novel to the first cause alone.
    Minus what the best second cause explains, from `nsputil.clinic.second_causes.pair_gains`.
    """
    first, second = int(log_probs.argmax()), int(gains.argmax())
    to_first = novelty(known, seen, (first,))
    to_both = np.minimum(to_first, novelty(known, seen, (second,)))
    largest = [np.log(np.sort(each)[-MOST_NOVEL:].mean() + NEAR) for each in (to_both, to_first)]
    return np.array([-log_probs.max(), *largest, -gains[second]])
