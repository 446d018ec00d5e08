"""What a cell reads, writes and changes, so that only the cells are run that an answer needs.

`look_at` runs inside the box: parsing a stranger's text is work for the box, too. `needed` runs outside, on names.
"""

import ast
import builtins
import re
import symtable
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

#: Calls that change none of their arguments: most of Python's own, and what shows something.
HARMLESS = {name for name in dir(builtins) if name[0].islower()} - {
    "delattr",
    "filter",
    "iter",
    "map",
    "next",
    "setattr",
}
HARMLESS |= {"display", "show"}
#: Names that a cell can reach any other name with.
FAR_REACHING = {"exec", "eval", "globals", "locals", "vars", "get_ipython", "__import__", "setattr", "compile", "sys"}


@dataclass(frozen=True)
class Names:
    """The names of a cell.

    Attributes
    ----------
    reads, writes : frozenset of str
        Global names.
    changes : frozenset of str
        Names whose objects the cell may change without writing the name, such as ``rows`` in ``rows.append(1)``.
    uses : frozenset of str
        Names whose objects it hands to a call or calls, such as ``rng`` in ``x = rng.normal()``: that changes them,
        too, unless they are modules.
    imports : frozenset of str
    anything : bool
        True if it may read or write any name, so that it is always run.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    anything: bool = False


def python_of(source: str) -> str:
    """Return a cell without the lines that only IPython understands; its lines keep their numbers.

    Parameters
    ----------
    source : str

    Returns
    -------
    str
        Empty if the whole cell is in another language, such as ``%%bash``.
    """
    if source.lstrip().startswith("%%"):
        first, _, rest = source.lstrip().partition("\n")
        return "\n" + python_of(rest) if first.split()[0] in ("%%time", "%%timeit", "%%capture", "%%prun") else ""
    if not re.search(r"^\s*[%!?]|\?\s*$", source, re.MULTILINE):
        return source
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError):
        pass
    lines = []
    for line in source.split("\n"):
        space = line[: len(line) - len(line.lstrip())]
        lines.append(space + "pass" if re.match(r"\s*[%!?]|\s*[\w.]+\?+\s*$", line) else line)
    return "\n".join(lines)


def look_at(source: str) -> Names:
    """Return the names of a cell.

    Parameters
    ----------
    source : str
        As `python_of` returns it.

    Returns
    -------
    Names
        Empty if it is no Python: such a cell does nothing.
    """
    try:
        tree = ast.parse(source)
        table = symtable.symtable(source, "<cell>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names()
    reads, writes, imports = set(), set(), set()
    tables = [table]
    while tables:
        each = tables.pop()
        tables += each.get_children()
        for symbol in each.get_symbols():
            if each is table or symbol.is_global():
                if symbol.is_referenced():
                    reads.add(symbol.get_name())
                if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                    writes.add(symbol.get_name())
                if symbol.is_imported():
                    imports.add(symbol.get_name())
                if symbol.is_declared_global() and symbol.is_assigned():
                    reads.add(each.get_name())  # the function that writes it, so that its calls are run
    star = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))
    anything = star or bool(reads & FAR_REACHING)
    changes, uses = frozenset(_changes(tree.body)), frozenset(_uses(tree.body))
    return Names(frozenset(reads), frozenset(writes), changes, uses, frozenset(imports), anything)


def _statements(body: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """Yield all nodes but those inside functions and classes: these change something when they are called."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield node
            yield from _statements(ast.iter_child_nodes(node))


def _changes(body: Iterable[ast.AST]) -> Iterable[str]:
    """Yield the names that are written into, and those in calls whose result nobody keeps."""
    for node in _statements(body):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            yield from _root(node)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from _in_call(node.value)


def _uses(body: Iterable[ast.AST]) -> Iterable[str]:
    for node in _statements(body):
        if isinstance(node, ast.Call):
            yield from _in_call(node)


def _in_call(call: ast.Call) -> Iterable[str]:
    if isinstance(call.func, ast.Name) and call.func.id in HARMLESS:
        return
    yield from _root(call.func)  # an object whose method is called, or a function that writes names
    for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
        yield from _root(argument)


def _root(node: ast.AST) -> Iterable[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def needed(cells: Sequence[Names], wanted: Collection[str], excluded: Collection[int] = ()) -> set[int]:
    """Return the numbers of the cells that have to be run before some names can be read.

    Parameters
    ----------
    cells : sequence of Names
    wanted : collection of str
    excluded : collection of int
        Cells that must not be run.

    Returns
    -------
    set of int
    """
    modules = frozenset().union(*(cell.imports for cell in cells))
    providers: dict[str, list[int]] = {}
    for k, cell in enumerate(cells):
        for name in cell.writes | cell.changes | cell.uses - modules:
            providers.setdefault(name, []).append(k)
    names, found = set(wanted), set[int]()
    always = [k for k, cell in enumerate(cells) if cell.anything]
    queue = [always, *(providers.get(name, []) for name in names)]
    while queue:
        for k in queue.pop():
            if k not in found and k not in excluded:
                found.add(k)
                queue += [providers.get(name, []) for name in cells[k].reads - names]
                names |= cells[k].reads
    return found
