"""A solution in steps: the source of a function, one statement after the other."""

import ast
import inspect
import sys
import textwrap

from nsputil.checks.answer_types import Function


def steps_of(function: Function, name: str) -> list[str]:
    """Return the source of a function in steps, with the helpers of its module that it calls.

    Parameters
    ----------
    function : callable
    name : str
        What the function is called in the steps.

    Returns
    -------
    list of str
        Its helpers, then its first line, then its statements; without docstrings and types. Empty if there is no
        source to read.
    """
    steps: list[str] = []
    queue, seen = [function], {function}
    try:
        while queue:
            tree = ast.parse(textwrap.dedent(inspect.getsource(queue[0])))
            node = tree.body[0]
            if not isinstance(node, ast.FunctionDef):
                return []
            if queue[0] is function:
                node.name = name
            _strip(node)
            first = ast.unparse(ast.Module([node], [])).splitlines()[0]
            body = [textwrap.indent(ast.unparse(statement), "    ") for statement in node.body]
            lines = [first, *body] if queue[0] is function else ["\n".join([first, *body])]
            steps = lines + steps if queue[0] is not function else lines
            module = sys.modules[queue[0].__module__]
            for called in ast.walk(node):
                helper = getattr(module, called.id, None) if isinstance(called, ast.Name) else None
                if inspect.isfunction(helper) and helper.__module__ == module.__name__ and helper not in seen:
                    seen.add(helper)
                    queue.append(helper)
            queue.pop(0)
    except (OSError, TypeError, SyntaxError):
        return []
    return steps


def _strip(node: ast.FunctionDef) -> None:
    """Take docstring and types out of a function."""
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:]
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef):
            each.returns = None
        elif isinstance(each, ast.arg):
            each.annotation = None
    for parent in ast.walk(node):
        body = getattr(parent, "body", None)
        if isinstance(body, list):
            parent.body = [  # type: ignore[attr-defined]
                ast.Assign([s.target], s.value, lineno=s.lineno) if isinstance(s, ast.AnnAssign) and s.value else s
                for s in body
            ]
