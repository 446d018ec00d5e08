"""Write the probes and signals of the clinic into docs/notation.md, from their registries.

    python tools/glossary.py

tests/test_glossary.py fails if the page is stale.
"""

import re
from pathlib import Path

from nsputil.clinic.signal_registry import PROBES, SIGNALS, described

PAGE = Path(__file__).resolve().parent.parent / "docs" / "notation.md"
BLOCK = re.compile(r"(?<=<!-- generated -->\n).*(?=<!-- end -->)", re.DOTALL)


def block():
    """Return the two tables."""
    lines = ["| probe | the question that it asks |", "|---|---|"]
    lines += [f"| `{name}` | {probe.question} |" for name, probe in PROBES.items()]
    lines += ["", "| signal | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {described(name)} |" for name in SIGNALS]
    return "\n".join(lines) + "\n"


def main():
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(lambda _: block(), text), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
