"""Execute notebooks again and store their outputs, without anything that changes from run to run.

    python tools/run_notebooks.py                        every master: notebooks/ and solutions/
    python tools/run_notebooks.py notebooks/05*.ipynb    some

Running it twice changes no byte. No progress of exercises is kept, since what a check says depends on it. It works on
`NotebookClient` and not on ``nbconvert --execute``, which has no time limit by default and was seen to hang
(docs/authoring.md).
"""

import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

os.environ["NSPUTIL_PROGRESS"] = "off"
ROOT = Path(__file__).resolve().parent.parent
MASTERS = ("notebooks", "solutions")
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
KEPT = ("tags", "nbgrader", "claims")  # of a cell's metadata
CELL_TIMEOUT = 120  # seconds


def masters(root=ROOT):
    """Return the paths of all notebooks that are edited by hand, in order."""
    found = (path for folder in MASTERS for path in (root / folder).rglob("*.ipynb"))
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def execute(notebook, folder):
    """Execute a notebook in `folder` and return it, with stable metadata, ids and outputs."""
    for attempt in (1, 2):
        try:
            client = NotebookClient(
                notebook,
                timeout=CELL_TIMEOUT,
                kernel_name="python3",
                record_timing=False,
                resources={"metadata": {"path": str(folder)}},
            )
            client.execute()
            break
        except (CellTimeoutError, DeadKernelError, AssertionError):
            if attempt == 2:
                raise
    return normalize(notebook)


def normalize(notebook):
    """Remove from a notebook what differs from run to run or from editor to editor."""
    kept = {key: notebook.metadata[key] for key in ("nsputil",) if key in notebook.metadata}
    notebook.metadata = nbformat.from_dict(METADATA | kept)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in KEPT if cell.metadata.get(key)})
        if cell.cell_type == "code":
            cell.outputs = [_stable(output) for output in _joined_streams(cell.outputs)]
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _joined_streams(outputs):
    """Join neighboring pieces of one stream: how many pieces the kernel sends depends on its speed."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last["text"] += output.text
        else:
            joined.append(output)
    return joined


def _stable(output):
    data = output.get("data", {})
    if "application/vnd.jupyter.widget-view+json" in data:
        # The id of a live widget means nothing in a stored notebook; its text stays.
        output["data"] = {key: value for key, value in data.items() if not key.startswith("application/")}
    if output.output_type == "error":
        output["traceback"] = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in output["traceback"][-1:]]
    return output


def main(arguments):
    """Execute the named notebooks, or all masters; return the number that changed."""
    paths = [Path(argument).resolve() for argument in arguments] or masters()
    changed = 0
    for path in paths:
        before = path.read_text(encoding="utf-8")
        notebook = execute(nbformat.reads(before, as_version=4), path.parent)
        after = nbformat.writes(notebook) + "\n"
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")
            changed += 1
        print("changed  " if after != before else "unchanged", path.name)
    return changed


if __name__ == "__main__":
    main(sys.argv[1:])
