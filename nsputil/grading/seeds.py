"""The seeds on which functions are judged: a submission's own, from a pool that every right answer is known to pass.

An answer that is right on the inputs of the visible check and was written for them alone fails on others. But a seed
drawn blindly can refuse a right answer whose rounding differs a little. So the seeds are tried beforehand, on all right
answers that are kept (tests/checks, solutions), and only those that refuse none of them are used.
`python -m tests.grading.make_seeds` makes the pool again.
"""

import hashlib
import hmac
import json
from functools import cache
from pathlib import Path

from nsputil.checks.code_exercise import SEEDS

FILE = Path(__file__).with_name("seeds.json")


@cache
def pool() -> tuple[int, ...]:
    """Return the seeds of the pool.

    Returns
    -------
    tuple of int
    """
    return tuple(json.loads(FILE.read_text(encoding="utf-8"))["seeds"])


def seed_of(secret: bytes, assignment: str, student: str) -> int:
    """Return the seed of a submission: the same whenever it is graded, and not to be guessed without the secret.

    Parameters
    ----------
    secret : bytes
    assignment, student : str

    Returns
    -------
    int
    """
    said = hmac.new(secret, f"{assignment}\0{student}".encode(), hashlib.sha256).digest()
    return pool()[int.from_bytes(said[:8], "big") % len(pool())]


def seeds_with(seed: int) -> tuple[int, ...]:
    """Return the seeds of the visible check, and one more."""
    return tuple(dict.fromkeys((*SEEDS, seed)))
