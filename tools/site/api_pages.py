"""Lay out the API pages of the reading site: one for each public module, and a list of them.

What a page lists is read from the source; its text is the docstrings, which Sphinx's autodoc puts in. Each function and
class gets links to the cells of the notebooks that use it (tools/notebook_names.py); `names_section` links back.
"""

import ast
import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tools.notebook_names import cells_by_name, definition  # noqa: E402

#: Group -> its modules, without "nsputil."; a package brings all that is in it. Each public module is in one group.
GROUPS = {
    "Data": (
        *("corpus", "own_text", "pairs", "sentence_pairs", "segments", "tokenization", "masking"),
        *("row_formats", "clues", "shortcuts"),
    ),
    "Model": ("encoders", "bert", "heads", "gelu", "model", "baselines", "huggingface", "zero_shot"),
    "Loss": ("losses", "pretraining_losses", "three_way", "contrastive", "gradcheck", "metrics"),
    "Training": (
        *("experiment", "training", "run", "optimizers", "evaluation", "instruments", "pretraining"),
        *("checkpoints", "files"),
    ),
    "Diagnosis": ("clinic",),
    "Grading": ("grading",),
    "Course": ("plotting", "widgets", "checks", "scenes", "capstone", "quiz", "progress_file", "environment"),
}
#: The answers of the exercises are there, so the site shows no page of it.
LEFT_OUT = "nsputil.checks.bank"
#: A constant is shown with its value if that has at most so many characters.
SHORT = 60
#: Folder of notebooks -> how "Used in" calls one of them, and several.
FOLDERS = {"notebooks": ("notebook", "notebooks"), "exercises": ("exercises", "exercises"), "appendix": ("the", "the")}


@cache
def modules():
    """Return the public modules in the order of the package's files, each a dotted name below "nsputil"."""
    found = []
    for path in sorted((ROOT / "nsputil").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        private = any(part.startswith("_") for part in name.split("."))
        if name != "nsputil" and not private and not f"{name}.".startswith(f"{LEFT_OUT}."):
            found.append(name)
    return tuple(found)


def grouped():
    """Return ``{group: its modules}``, every public module once.

    Raises
    ------
    ValueError
        If a module is in no group, or a group names one that does not exist.
    """
    known = modules()
    groups = {}
    for group, members in GROUPS.items():
        groups[group] = []
        for member in members:
            inside = [name for name in known if f"{name}.".startswith(f"nsputil.{member}.")]
            if not inside:
                raise ValueError(f"GROUPS names nsputil.{member}, which is no public module; expected an existing one")
            groups[group] += inside
    listed = [name for names in groups.values() for name in names]
    if left := sorted(set(known) - set(listed)):
        raise ValueError(f"{', '.join(left)} is in no group; expected it in GROUPS of tools/site/api_pages.py")
    return groups


def pages(notebooks):
    """Return ``{file name below api/: its text}``.

    Parameters
    ----------
    notebooks : dict
        {page of the site, such as "notebooks/05_the_gradient": path of the notebook}
    """
    users = used_by(notebooks)
    written = {f"{name}.rst": module_page(name, users) for name in modules()}
    return written | {"index.rst": index_page()}


def used_by(notebooks):
    """Return ``{name: [(page, what its link says, id of the first cell there)]}``; a class counts with its methods."""
    users = {}
    for page, path in notebooks.items():
        for name, cells in cells_by_name(path).items():
            owner = name.rpartition(".")[0]
            for used in (name, owner) if owner not in modules() else (name,):
                if page not in [each[0] for each in users.setdefault(used, [])]:
                    number = path.name[:2] if path.name[:2].isdigit() else "appendix"
                    users[used].append((page, number, cells[0]))
    return users


def index_page():
    """Return the list of modules, by group, each with the first sentence of its docstring."""
    lines = ["The package nsputil", "===================", ""]
    lines += [
        ".. automodule:: nsputil",
        "",
        "Begin with :py:mod:`nsputil.losses`. These pages are made from the docstrings. Each function has links to its",
        "source and to the notebooks that use it.",
        "",
    ]
    for group, names in grouped().items():
        lines += [group, "-" * len(group), ""]
        lines += _module_list(names)
        lines += [".. toctree::", "   :hidden:", ""]
        lines += [f"   {name.removeprefix('nsputil.')} <{name}>" for name in names] + [""]
    return "\n".join(lines)


def first_sentence(name):
    """Return the first sentence of a module's docstring."""
    return re.split(r"(?<=[.?!])\s", " ".join(ast.get_docstring(_tree(name)).split()))[0].removesuffix(" ::")


def module_page(name, users):
    """Return the page of a module: its docstring, a table of what it holds, then all of it in the order of the file."""
    lines = [name, "=" * len(name), "", ".. highlight:: python", "", f".. automodule:: {name}", ""]
    inside = [each for each in modules() if each.startswith(f"{name}.")]
    lines += _module_list(inside)
    if exported := _exported(name):
        links = ", ".join(f":py:obj:`{each.rpartition('.')[2]} <{each}>`" for each in exported)
        lines += [f"You can import from here: {links}.", ""]
    entries = list(public(name))
    if entries:
        lines += [".. autosummary::", "   :nosignatures:", "", *(f"   {entry}" for entry, _, _ in entries), ""]
    for entry, kind, inner in entries:
        lines += [f".. auto{kind}:: {entry}"]
        if kind == "data":
            lines += ["   :no-value:"] if inner is None else []
        lines += _indented(_used_in(f"{name}.{entry}", users))
        for method, method_kind in inner or ():
            lines += _indented([f".. auto{method_kind}:: {method}"])
            lines += _indented(_indented(_used_in(f"{name}.{entry}.{method}", users)))
    return "\n".join(lines) + "\n"


def _module_list(names):
    """Return a list of modules; what is in a package is a list below it."""
    top = min((name.count(".") for name in names), default=0)
    lines = []
    for name in names:
        lines += ["  " * (name.count(".") - top) + f"- :py:mod:`{name}`: {first_sentence(name)}", ""]
    return lines


def _exported(name):
    """Return what a module imports for others, named in ``__all__``, by the places of the definitions."""
    for node in _tree(name).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            found = [definition(name, [each]) for each in ast.literal_eval(node.value)]
            return [each for each in found if each.rpartition(".")[0] != name]
    return []


def public(module):
    """Yield ``(name, kind, inner)`` of what a module defines for others, in the order of its file.

    `kind` is "function", "class" or "data", as autodoc has it. `inner` holds ``(method, kind)`` for a class; for a
    constant it is None if the value is too long to show. A constant counts if a comment ``#:`` describes it.
    """
    lines = _source(module).splitlines()
    for node in _tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if not node.name.startswith("_") and ast.get_docstring(node):
                yield node.name, "class" if isinstance(node, ast.ClassDef) else "function", _methods(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and lines[node.lineno - 2].startswith("#:"):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
            shown = len(names) > 1 or _is_short(node.value)
            yield from ((name, "data", () if shown else None) for name in names)


def names_section(notebook, page):
    """Return, in Markdown, the links from a notebook's page to the names that it uses; "" if there are none."""
    known = modules()
    by_module = {}
    for name in cells_by_name(notebook):
        if name in known:
            continue
        owner = name.rpartition(".")[0]
        module, entry = (owner, name) if owner in known else (owner.rpartition(".")[0], owner)
        by_module.setdefault(module, {})[entry] = True
    if not by_module:
        return ""
    up = "../" * page.count("/")
    lines = ["## Used here from nsputil", ""]
    for module, entries in sorted(by_module.items()):
        links = ", ".join(f"[`{entry.rpartition('.')[2]}`](#{entry})" for entry in entries)
        lines += [f"- [{module}]({up}api/{module}.rst): {links}"]
    return "\n".join(lines)


def _source(name):
    path = ROOT.joinpath(*name.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")


def _tree(name):
    return ast.parse(_source(name))


def _methods(node):
    """The public methods and properties of a class that have a docstring, as autodoc's kinds; of a function none."""
    for each in node.body if isinstance(node, ast.ClassDef) else ():
        if isinstance(each, ast.FunctionDef) and not each.name.startswith("_") and ast.get_docstring(each):
            decorators = {ast.unparse(decorator) for decorator in each.decorator_list}
            yield each.name, "property" if decorators & {"property", "cached_property"} else "method"


def _is_short(value):
    return len(ast.unparse(value)) <= SHORT and not any(isinstance(each, ast.Call) for each in ast.walk(value))


def _used_in(name, users):
    """Return the paragraph "Used in notebooks 03, 05; exercises 05; the appendix.", each part a link to a cell."""
    links = {}
    for page, number, cell in users.get(name, ()):
        links.setdefault(page.split("/")[0], []).append(f":ref:`{number} <{label(page, cell)}>`")
    parts = [f"{FOLDERS[folder][len(each) > 1]} {', '.join(each)}" for folder, each in links.items()]
    return [".. rst-class:: nsp-used", "", f"Used in {'; '.join(parts)}."] if parts else []


def label(page, cell):
    """Return the name by which pages link to a cell of a notebook."""
    return f"{page}#{cell}"


def with_code(docstring):
    """Return the docstring of a module with what is indented in it marked as code."""
    return re.sub(r"(?m)^(\S.*)\n\n(?= {4})", r"\1\n\n::\n\n", docstring)


def _indented(lines):
    return ["", *(f"   {line}" if line else "" for line in lines), ""]
