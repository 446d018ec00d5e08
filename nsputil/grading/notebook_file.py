"""From the bytes of a submission to a notebook, or a reason why they are none."""

import json
from collections.abc import Collection
from typing import Any

from nsputil.grading.entries import LARGEST_NOTEBOOK
from nsputil.grading.results import Ungradable
from nsputil.grading.shown import one_line

MOST_CELLS = 5000
OTHER_KERNELS = ("ir", "julia", "bash", "javascript", "deno", "octave", "scala", "rust", "sagemath-gap", "perl")


def read_notebook(data: bytes, grade_ids: Collection[str], assignment: str) -> dict[str, Any]:
    """Return the notebook in a file of a stranger, with its cells in a known form and without outputs.

    Parameters
    ----------
    data : bytes
    grade_ids : collection of str
        nbgrader's names of the cells of this assignment.
    assignment : str

    Returns
    -------
    dict
        In notebook format 4; each cell has "cell_type", "id", "metadata" and "source", a text.

    Raises
    ------
    Ungradable
        "empty", "too large", "not JSON", "not a notebook", "kernel" or "wrong assignment".
    """
    if len(data) > LARGEST_NOTEBOOK:
        raise Ungradable("too large", f"it has {len(data):,} bytes; expected at most {LARGEST_NOTEBOOK:,}")
    notebook = _parsed(data)
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    form = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if not isinstance(notebook, dict) or (cells is None and "worksheets" not in notebook):
        raise Ungradable("not a notebook", f"it holds {_kind(notebook)}; expected a notebook, which has cells")
    if type(form) is not int or form != 4:
        raise Ungradable("not a notebook", "expected notebook format 4; save it again in a current Jupyter")
    if not isinstance(cells, list) or len(cells) > MOST_CELLS:
        found = f"{len(cells):,} cells" if isinstance(cells, list) else _kind(cells)
        raise Ungradable("not a notebook", f"its cells are {found}; expected a list of at most {MOST_CELLS:,}")
    if not cells:
        raise Ungradable("empty", "the notebook has no cells")
    metadata = notebook.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    _check_kernel(metadata)
    plain = [_cell(cell, number) for number, cell in enumerate(cells, 1)]
    ids = [cell["metadata"]["nbgrader"]["grade_id"] for cell in plain if "nbgrader" in cell["metadata"]]
    if not set(ids) & set(grade_ids):
        others = f"it has {len(ids)} cells of another" if ids else "it has no cells of an assignment"
        raise Ungradable("wrong assignment", f"{others}; expected the cells of {assignment}")
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": plain}


def _parsed(data: bytes) -> Any:
    if not data.strip():
        raise Ungradable("empty", "the file is empty")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Ungradable("not JSON", f"byte {error.start:,} is not UTF-8; expected a notebook") from None
    try:
        return json.loads(text)
    except RecursionError:
        raise Ungradable("not JSON", "it is nested too deeply; expected a notebook") from None
    except json.JSONDecodeError as error:
        raise Ungradable("not JSON", f"line {error.lineno:,}: {error.msg}; expected a notebook") from None
    except ValueError:  # a number of thousands of digits
        raise Ungradable("not JSON", "a number has too many digits; expected a notebook") from None


def _check_kernel(metadata: dict[str, Any]) -> None:
    spec, info = metadata.get("kernelspec"), metadata.get("language_info")
    spec, info = spec if isinstance(spec, dict) else {}, info if isinstance(info, dict) else {}
    for language in (spec.get("language"), info.get("name")):
        if isinstance(language, str) and language and "python" not in language.lower():
            raise Ungradable("kernel", f"it is a notebook for {one_line(language, 30)}; expected Python")
    name = spec.get("name")
    if isinstance(name, str) and name.lower().split("-")[0] in OTHER_KERNELS:
        raise Ungradable("kernel", f"its kernel is {one_line(name, 30)}; expected Python")


def _cell(cell: Any, number: int) -> dict[str, Any]:
    source = cell.get("source") if isinstance(cell, dict) else None
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or not isinstance(cell.get("cell_type"), str):
        raise Ungradable("not a notebook", f"cell {number} is damaged; expected a type and a source")
    metadata = cell.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    marks = metadata.get("nbgrader")
    if not (isinstance(marks, dict) and isinstance(marks.get("grade_id"), str)):
        metadata.pop("nbgrader", None)
    cell_id = cell.get("id")
    return {
        "cell_type": cell["cell_type"],
        "id": cell_id if isinstance(cell_id, str) else "",
        "metadata": metadata,
        "source": source,
    }


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        int: "a number",
        float: "a number",
        type(None): "nothing",
    }
    return names.get(type(value), "something else")
