"""Is a second fault hidden behind the first: one that explains what the first does not?

Introduced in notebook 10 (by name).
"""

from collections.abc import Mapping

import numpy as np

from nsputil._types import Floats
from nsputil.clinic.known_runs import KnownRuns, kl_divergence
from nsputil.clinic.scoring import Seen

MAX_TRUST = 1.5  # in a signal; otherwise the signals that one fault alone moves would outweigh all others


def pair_gains(known: KnownRuns, trust: Floats, seen: Seen, first: int) -> Floats:
    """Return how much better a cause and a second one explain the signals than the first cause alone.

    If there are two faults, a signal is set by the one under which it departs further from healthy. The likelihood of
    the signal is the mean of both, weighted by their departures.

    Parameters
    ----------
    known : KnownRuns
    trust : ndarray, shape (signals,)
    seen : Seen
    first : int
        The index of the first cause.

    Returns
    -------
    ndarray, shape (causes,)
        In nats; minus infinity for the first cause, for "healthy", and for causes without a run.
    """
    likelihood = (known.bin_frequencies * seen.members).sum(axis=2)
    departure = known.kl_from_healthy
    share = departure / (departure + departure[first] + 1e-6)
    alone = likelihood[first] + 1e-6
    ratio = np.log((share * likelihood + (1 - share) * likelihood[first] + 1e-6) / alone)
    gains = (ratio * np.minimum(trust, MAX_TRUST) * seen.measured).sum(axis=1)
    gains[[first, known.healthy]] = -np.inf
    gains[known.count == 0] = -np.inf
    return gains


def shares_shown(known: KnownRuns, trust: Floats, columns: Mapping[str, list[int]], first: int) -> dict[str, float]:
    """Return, for each probe, the share of other faults that it would show if they were hidden behind a cause.

    A second fault is shown to the degree 1 - exp(-d). d is the divergence, in nats, between the probe's numbers under
    the second fault and under the first, over the numbers that the second fault moves further from healthy.
    """
    further = known.kl_from_healthy > known.kl_from_healthy[first]
    divergence = kl_divergence(known.bin_frequencies, known.bin_frequencies[first])
    nats = divergence * further * np.minimum(trust, MAX_TRUST)
    others = known.count > 0
    others[[first, known.healthy]] = False
    return {name: float((1 - np.exp(-nats[:, at].sum(axis=1)))[others].mean()) for name, at in columns.items()}
