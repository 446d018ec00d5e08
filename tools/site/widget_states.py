"""Print what each widget cell of the notebooks shows at first, as JSON; `make site` asks for it.

    python tools/site/widget_states.py notebooks/04_worked_examples.ipynb

Stored notebooks hold a widget's text but not its state (docs/decisions/0002-outputs-are-committed.md). So the cells
up to the last widget are run again, here, in the course's own environment.
"""

import contextlib
import io
import json
import re
import sys
from pathlib import Path

import nbformat
from IPython.core.interactiveshell import InteractiveShell

WIDGET = re.compile(r"widgets\.\w+\(.*\)")


def widget_cells(notebook):
    """Return the ids of the cells that are a widget and nothing else."""
    return [c.id for c in notebook.cells if c.cell_type == "code" and WIDGET.fullmatch(c.source.strip())]


def states(notebook):
    """Run a notebook's cells up to its last widget.

    Parameters
    ----------
    notebook : NotebookNode

    Returns
    -------
    dict
        For each widget cell's id: ``module``, the name of its ES module; ``source``, that module as text; ``state``,
        the traits that it draws; ``text``, the same in words.

    Raises
    ------
    RuntimeError
        If a cell raises an error that it is not tagged for, or a widget cell gives no widget of the course.
    """
    from nsputil.widgets.base import CourseWidget

    wanted = widget_cells(notebook)
    found = {}
    shell = InteractiveShell()
    for cell in notebook.cells:
        if len(found) == len(wanted):
            break
        if cell.cell_type != "code":
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            result = shell.run_cell(cell.source)
        if not result.success and "raises-exception" not in cell.metadata.get("tags", []):
            raise RuntimeError(f"cell {cell.id} failed: {result.error_before_exec or result.error_in_exec!r}")
        if cell.id in wanted:
            widget = result.result
            if not isinstance(widget, CourseWidget):
                raise RuntimeError(f"cell {cell.id} gives a {type(widget).__name__}; expected a widget of the course")
            found[cell.id] = {
                "module": widget.module,
                "source": str(widget._esm),
                "state": widget.state(),
                "text": repr(widget),
            }
    return found


def main(arguments):
    """Print the states of the named notebooks: {file name: {cell id: ...}}."""
    found = {}
    for path in map(Path, arguments):
        notebook = nbformat.read(path, as_version=4)
        if widget_cells(notebook):
            found[path.name] = states(notebook)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
