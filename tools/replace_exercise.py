"""Put one exercise of the bank in the place of another: the old one is taken out, the cells of the new one are written.

    python tools/replace_exercise.py lay_out lay_out_many

The new one is in the bank already, before or behind the old one, and in EXERCISES.
"""

import subprocess
import sys

from nsputil.checks import bank
from tools import remove_exercise


def main(arguments):
    """Replace one exercise by another of the same notebook."""
    if len(arguments) != 2:
        raise SystemExit("expected two names: the exercise to take out, and the one to put in its place")
    old, new = arguments
    everything = bank.exercises()
    missing = [name for name in arguments if name not in everything]
    if missing:
        raise SystemExit(f"there is no exercise {missing[0]!r}; expected a name of the bank")
    if everything[old].notebook != everything[new].notebook:
        raise SystemExit(f"{old} belongs to notebook {everything[old].notebook}, {new} to {everything[new].notebook}")
    for sentence in remove_exercise.remove(old):
        print(f"- {sentence}")
    # A new process, since the bank of this one still has the old exercise.
    return subprocess.run([sys.executable, "tools/add_exercise.py", new], cwd=remove_exercise.ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
