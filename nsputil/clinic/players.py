"""Simulated players, from a guess to the most informative probe: what strategy alone is worth in the clinic.

A policy is called as ``policy(game, rng)`` and names a probe, or None to stop; `nsputil.clinic.game.play_with` plays a
case with it. Introduced in notebook 10.
"""

from nsputil.clinic.game import at_random, checklist, decode, greedy


def guess(game, rng):
    """A player who asks anything and answers anything."""
    return at_random(game, rng)


guess.answer = lambda game: sorted(game.belief)[decode(game.code) % len(game.belief)]


def always_the_rate(game, rng):
    """A player who asks nothing, since it is always the learning rate."""
    return None


always_the_rate.answer = lambda game: "learning-rate-too-high"

#: From the weakest to the strongest.
PLAYERS = {
    "random": guess,
    "always the learning rate": always_the_rate,
    "checklist": checklist,
    "most bits a step": greedy,
}
