"""How many functions of nsputil have annotations, as mypy counts them: python tools/typed_functions.py"""

import subprocess
import sys
from pathlib import Path

REPORT = Path(__file__).resolve().parents[1] / "build" / "types"


def main():
    """Print the number; fail if a function has none, or if mypy finds an error."""
    done = subprocess.run([sys.executable, "-m", "mypy", "--linecount-report", str(REPORT)], cwd=REPORT.parents[1])
    typed, functions = map(int, (REPORT / "linecount.txt").read_text(encoding="utf-8").split()[2:4])
    print(f"{functions - typed} of {functions:,} functions are not annotated")
    sys.exit(done.returncode or typed < functions)


if __name__ == "__main__":
    main()
