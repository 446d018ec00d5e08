"""The names of nsputil that a notebook uses, found in its code: imports, other names for them, names used again."""

import pkgutil
from pathlib import Path

import nbformat
import pytest

from tools import notebook_names as names

ROOT = Path(__file__).resolve().parent.parent


def notebook(*sources):
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("`nsputil.losses.softplus`"), *cells])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from nsputil.losses import nsp_loss", set()),  # an import alone
        ("from nsputil.losses import nsp_loss\nnsp_loss([[0.0, 0.0]], [0])", {"nsputil.losses.nsp_loss"}),
        ("from nsputil.losses import nsp_loss as f\nprint(map(f, []))", {"nsputil.losses.nsp_loss"}),
        ("from nsputil import losses\nlosses.nsp_loss", {"nsputil.losses.nsp_loss"}),
        ("import nsputil.losses\nnsputil.losses.nsp_loss", {"nsputil.losses.nsp_loss"}),
        ("import nsputil.losses as l\nl.nsp_loss", {"nsputil.losses.nsp_loss"}),
        ("import numpy as np\nnp.exp(1)", set()),
        ("from nsputil import widgets\nwidgets.loss_at(1)", {"nsputil.widgets.loss_explorer.loss_at"}),
        (
            "from nsputil import widgets\nwidgets.loss_explorer()",  # the function, not the module of that name
            {"nsputil.widgets.loss_explorer.loss_explorer"},
        ),
        ("from nsputil.clinic.faults import Fault\nFault", {"nsputil.clinic.faults.base.Fault"}),
        (
            "from nsputil.baselines import OverlapModel\nOverlapModel.fit([]).bias",
            {"nsputil.baselines.OverlapModel.fit"},
        ),
        ("from nsputil import checks\nchecks.batch_loss(1)", {"nsputil.checks"}),  # made on demand
        ("from nsputil.metrics import entropy\ndef f(entropy):\n    return entropy", set()),
        ("from nsputil.metrics import entropy\n[entropy for entropy in ()]", set()),
        ("from nsputil.metrics import entropy\nentropy = 0.5\nprint(entropy)", set()),
        ("from nsputil.metrics import entropy\nentropy = entropy(0.5)", {"nsputil.metrics.entropy"}),
        ("from nsputil.metrics import entropy\n[entropy(x) for x in ()]", {"nsputil.metrics.entropy"}),
        ("from nsputil.metrics import entropy\ndef f(p):\n    return entropy(p)", {"nsputil.metrics.entropy"}),
    ],
)
def test_names_used(code, expected):
    assert names.names_used(notebook(code)) == expected


def test_cells_stand_in_order_and_an_import_holds_for_the_cells_below():
    made = notebook("from nsputil.losses import nsp_loss, sigmoid", "sigmoid(0)", "nsp_loss", "sigmoid(nsp_loss)")
    assert names.cells_by_name(made) == {
        "nsputil.losses.sigmoid": ["cell-1", "cell-3"],
        "nsputil.losses.nsp_loss": ["cell-2", "cell-3"],
    }


def test_a_cell_that_is_not_python_is_named():
    with pytest.raises(ValueError, match="cell cell-0 is not Python"):
        names.names_used(notebook("%matplotlib inline"))


@pytest.mark.parametrize("folder", ["notebooks", "appendix", "solutions", "exercises"])
def test_every_name_of_a_notebook_is_an_attribute_of_the_package(folder):
    """What parsing says is what importing says."""
    found = {name for path in (ROOT / folder).rglob("*.ipynb") for name in names.names_used(path)}
    assert found
    suspect = "nsputil.clinic.torch_suspect"  # imports torch, which the course does not install
    for name in found - {"nsputil.checks"}:
        if name.startswith(suspect):
            source = (ROOT / suspect.replace(".", "/") / "__init__.py").read_text(encoding="utf-8")
            assert f"def {name.removeprefix(suspect + '.')}(" in source or name == suspect
            continue
        value = pkgutil.resolve_name(name)
        if hasattr(value, "__qualname__"):
            assert f"{value.__module__}.{value.__qualname__}" == name
