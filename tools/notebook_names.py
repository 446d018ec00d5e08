"""List the names of nsputil that the code of a notebook uses. The code is parsed; nothing is run or imported.

    python tools/notebook_names.py notebooks/05_the_gradient.ipynb

A name is given by the place of its definition: ``widgets.loss_at`` is "nsputil.widgets.loss_explorer.loss_at". An
import alone is no use. The reading site links notebooks and API pages with it (tools/site/api_pages.py), and
tests/test_introduced.py checks the docstrings with it.
"""

import ast
import sys
from functools import cache
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
SCOPES = (ast.FunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def names_used(notebook):
    """Return the names that the code cells of a notebook use.

    Parameters
    ----------
    notebook : path or nbformat.NotebookNode

    Returns
    -------
    set of str
        Such as "nsputil.losses.nsp_loss"; of a class also the methods that are called on the class itself
        ("nsputil.baselines.OverlapModel.fit").

    Raises
    ------
    ValueError
        If a code cell is not Python.
    """
    return set(cells_by_name(notebook))


def cells_by_name(notebook):
    """Return ``{name: ids of the cells that use it}``, both in the order of the notebook; otherwise as `names_used`."""
    if not isinstance(notebook, nbformat.NotebookNode):
        notebook = nbformat.read(notebook, as_version=4)
    reader, cells = _Reader(), {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        try:
            statements = ast.parse(cell.source).body
        except SyntaxError as error:
            raise ValueError(f"cell {cell.id} is not Python ({error.msg}); expected code without magics") from None
        for name in reader.read(statements):
            cells.setdefault(name, []).append(cell.id)
    return cells


class _Reader(ast.NodeVisitor):
    """Reads the cells of one notebook in order and knows what each imported name means by then."""

    def __init__(self):
        self.meaning = {}  # name in the notebook -> (module, further parts)
        self.found = {}  # a dict, because it keeps the order

    def read(self, statements):
        """Return the names of nsputil that the statements use, each once."""
        self.found = {}
        for statement in statements:
            self.visit(statement)
            for name in _assigned(statement):  # from here on the name means something else
                self.meaning.pop(name, None)
        return list(self.found)

    def visit_Import(self, node):
        for alias in node.names:
            if alias.name.split(".")[0] == "nsputil":
                self.meaning[alias.asname or "nsputil"] = (alias.name if alias.asname else "nsputil", [])

    def visit_ImportFrom(self, node):
        for alias in node.names:
            if node.module.split(".")[0] == "nsputil":
                self.meaning[alias.asname or alias.name] = (node.module, [alias.name])

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load):
            self._use(node.id, [])

    def visit_Attribute(self, node):
        inner, attributes = node, []
        while isinstance(inner, ast.Attribute):
            attributes.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._use(inner.id, attributes)
        else:
            self.generic_visit(node)

    def visit(self, node):
        if not isinstance(node, SCOPES):
            return super().visit(node)
        local = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
        local |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        hidden = {name: self.meaning.pop(name) for name in local & self.meaning.keys()}
        self.generic_visit(node)
        self.meaning |= hidden

    def _use(self, name, attributes):
        if name in self.meaning:
            module, parts = self.meaning[name]
            self.found[definition(module, [*parts, *attributes])] = True


def _assigned(node):
    """Return the names that a statement binds in the notebook itself, not in a function or comprehension of its own."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, SCOPES):
        return set()
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Store) else set()
    return set().union(*map(_assigned, ast.iter_child_nodes(node)))


def definition(module, parts):
    """Return where a name is defined: "module.name" or "module.Class.method".

    Parameters
    ----------
    module : str
        Such as "nsputil.widgets".
    parts : sequence of str
        The name and its attributes, as they follow the module in the code; attributes of values are left out.

    Returns
    -------
    str
        The module's own name if nothing there has the name (an exercise in ``nsputil.checks`` is made on demand).
    """
    if not parts:
        return module
    first, *rest = parts
    known = _namespace(module).get(first)
    if isinstance(known, tuple):  # imported there from elsewhere in nsputil
        return definition(known[0], [*known[1], *rest])
    if known is not None:
        return ".".join([module, first, *(part for part in rest[:1] if part in known)])
    if _file(f"{module}.{first}") is not None:
        return definition(f"{module}.{first}", rest)
    return module


@cache
def _namespace(module):
    """Return ``{name: what it is}`` of a module: the set of its methods, or (module, parts) for what it imports."""
    names = {}
    for node in ast.parse(_file(module).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names[node.name] = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "nsputil":
            names |= {alias.asname or alias.name: (node.module, [alias.name]) for alias in node.names}
        else:
            names |= {name: set() for name in _assigned(node)}
    return names


def _file(module):
    path = ROOT.joinpath(*module.split("."))
    choices = path.with_suffix(".py"), path / "__init__.py"
    return next((choice for choice in choices if choice.is_file()), None)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        for used, places in cells_by_name(argument).items():
            print(f"{used:50s} {', '.join(places)}")
