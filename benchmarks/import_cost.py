"""What `import nsputil` costs, as a multiple of `import numpy`: fresh interpreters, in turn, the median of each."""

import statistics
import subprocess
import sys
import time

ROUNDS = 15
STATEMENTS = {
    "nothing": "pass",
    "numpy": "import numpy",
    "nsputil": "import nsputil",
    "losses": "import nsputil.losses",
}


def main():
    """Print the table."""
    seconds = {name: [] for name in STATEMENTS}
    for _ in range(ROUNDS):
        for name, statement in STATEMENTS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True)
            seconds[name].append(time.perf_counter() - start)
    bare = statistics.median(seconds["nothing"])
    numpy = statistics.median(seconds["numpy"]) - bare
    print(f"median of {ROUNDS} fresh interpreters, start of Python taken off, as a multiple of import numpy")
    for name in ("nsputil", "losses"):
        print(f"import {name:8s} {(statistics.median(seconds[name]) - bare) / numpy:.2f}")


if __name__ == "__main__":
    main()
