"""Small changes to every solution, run through its check: what is accepted and behaves differently is a missing case.

Operators, constants, conditions, branches, arguments and names are changed one at a time in the source of the solution
notebook and of the bank's reference. `make checks-report` prints what survives.
"""

import ast
import copy
import inspect
import random
import textwrap
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import mutation  # noqa: F401  (switches the record of progress off)
import nbformat
import numpy as np

from nsputil.checks import bank
from nsputil.checks.runner import call
from nsputil.checks.values import difference, finite
from nsputil.checks.verdict import RIGHT

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 0.5  # for one call of a changed function
OPERATORS = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div, ast.Add), ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,), ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
    ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip
NAMES = {
    "max": ("min",), "min": ("max",), "sum": ("mean", "max"), "mean": ("sum", "median"), "any": ("all",),
    "all": ("any",), "argmax": ("argmin",), "argmin": ("argmax",), "log": ("log2", "exp"), "exp": ("log", "exp2"),
    "log1p": ("log",), "tanh": ("sin",), "ones": ("zeros",), "zeros": ("ones",), "sqrt": ("abs",), "ceil": ("floor",),
    "floor": ("ceil",), "log2": ("log",), "zeros_like": ("ones_like",), "argsort": ("sort",),
}  # fmt: skip


@dataclass
class Tally:
    """How many changes to a solution there are, and what became of them."""

    changes: int = 0
    caught: int = 0
    alike: int = 0
    survivors: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


def solution_sources():
    """Return {exercise: source of its answer in the solution notebook}, and {exercise: the imports of its sheet}."""
    sources, imports = {}, {}
    for path in sorted((ROOT / "solutions").glob("*/*.ipynb")):
        cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
        for exercise in bank.exercises().values():
            if exercise.notebook == int(path.stem[:2]):
                imports[exercise.name] = cells["imports"]
                if exercise.answer_is_function:
                    sources[exercise.name] = cells[exercise.name.replace("_", "-")]
    return sources, imports


def changes(source):
    """Yield (what was changed, new source) for every small change to the function in a source."""
    tree = ast.parse(source)
    for place, node in enumerate(ast.walk(tree)):
        for number in range(100):
            changed = copy.deepcopy(tree)
            target = next(n for k, n in enumerate(ast.walk(changed)) if k == place)
            options = list(_options(target, changed))
            if number >= len(options):
                break
            what = options[number]
            what()
            try:
                text = ast.unparse(ast.fix_missing_locations(changed))
            except Exception:  # a change that leaves no program
                continue
            if text != ast.unparse(tree):
                line = getattr(node, "lineno", 0)
                yield f"line {line}: {ast.unparse(node)[:60]!r}, change {number + 1}", text


def _options(node, tree):
    """Return functions that change a node, or what holds it, in place."""
    options = []
    function = tree.body[0]
    parameters = [argument.arg for argument in function.args.args]
    if isinstance(node, ast.Compare):
        for k, operator in enumerate(node.ops):
            for other in OPERATORS.get(type(operator), ()):
                options.append(lambda k=k, other=other: node.ops.__setitem__(k, other()))
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign):
        for other in OPERATORS.get(type(node.op), ()):
            options.append(lambda other=other: setattr(node, "op", other()))
    if isinstance(node, ast.BinOp):
        options.append(lambda: node.__dict__.update(left=node.right, right=node.left))
        options += [lambda: _become(node, node.left), lambda: _become(node, node.right)]
    if isinstance(node, ast.BoolOp):
        options += [lambda k=k: node.values.pop(k) for k in range(len(node.values)) if len(node.values) > 1]
    if isinstance(node, ast.UnaryOp):
        options.append(lambda: _become(node, node.operand))
    if isinstance(node, ast.Constant) and not isinstance(getattr(node, "value", None), str | bytes | type(None)):
        value = node.value
        if isinstance(value, bool):
            options.append(lambda: setattr(node, "value", not value))
        elif isinstance(value, int | float):
            for new in dict.fromkeys((value + 1, value - 1, -value, value * 1.1 if isinstance(value, float) else 0)):
                if new != value:
                    options.append(lambda new=new: setattr(node, "value", new))
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and not _is_docstring(node, tree):
        options.append(lambda: setattr(node, "value", node.value + "x"))
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        options.append(lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test)))
        if not isinstance(node, ast.While):
            options += [lambda v=v: setattr(node, "test", ast.Constant(v)) for v in (True, False)]
    if isinstance(node, ast.comprehension):
        options += [lambda k=k: node.ifs.pop(k) for k in range(len(node.ifs))]
    if isinstance(node, ast.Call):
        options += [lambda k=k: node.keywords.pop(k) for k in range(len(node.keywords))]
        if len(node.args) == 2 and not node.keywords:
            options.append(lambda: node.args.reverse())
        if node.args:
            options.append(lambda: _become(node, node.args[0]))
        elif isinstance(node.func, ast.Attribute):
            options.append(lambda: _become(node, node.func.value))
    if isinstance(node, ast.Attribute):
        options += [lambda new=new: setattr(node, "attr", new) for new in NAMES.get(node.attr, ())]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        options += [lambda new=new: setattr(node, "id", new) for new in NAMES.get(node.id, ()) if new in ("max", "min")]
        if node.id in parameters:
            options += [lambda new=new: setattr(node, "id", new) for new in parameters if new != node.id]
    if isinstance(node, ast.Slice):
        for end in ("lower", "upper"):
            if getattr(node, end) is not None:
                options.append(lambda end=end: setattr(node, end, None))
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        options.append(lambda: node.elts.reverse())
    body = getattr(node, "body", None)
    if isinstance(body, list) and len(body) > 1:
        options += [
            lambda k=k: body.pop(k)
            for k, statement in enumerate(body)
            if not (k == 0 and _holds_docstring(statement)) and not isinstance(statement, ast.Return | ast.FunctionDef)
        ]
    return options


def _become(node, other):
    """Make a node the same as another one."""
    kept = copy.deepcopy(other)
    node.__class__ = kept.__class__
    node.__dict__.clear()
    node.__dict__.update(kept.__dict__)


def _holds_docstring(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_docstring(node, tree):
    return any(_holds_docstring(s) and s.value is node for f in ast.walk(tree) for s in getattr(f, "body", []) or []
               if isinstance(getattr(f, "body", None), list))  # fmt: skip


def other_inputs(exercise, rights, seed=0, wanted=60):
    """Return arguments that the cases do not have and on which all right answers agree, so that they are fair.

    They come from other seeds, and from cases with rows taken away, rows that repeat, and numbers at round values.
    """
    rng = random.Random(seed)
    cases = exercise.cases_of(range(100, 106))
    found = []
    for _ in range(wanted * 8):
        if len(found) >= wanted:
            break
        args = _varied(copy.deepcopy(rng.choice(cases).args), rng) if found else cases[0].args
        outcomes = [exercise._called(right, _Case(args)) for right in rights]
        if any(o.problem or not finite(o.value) for o in outcomes):
            continue
        if all(not difference(o.value, outcomes[0].value, 1e-6, 1e-9) for o in outcomes[1:]):
            found.append((args, outcomes[0].value))
    return found


@dataclass(frozen=True)
class _Case:
    args: tuple


def _varied(args, rng):
    args = list(args)
    lengths = [len(a) for a in args if isinstance(a, np.ndarray | list) and np.ndim(a) and len(a) > 1]
    if lengths and rng.random() < 0.6:
        n = rng.choice(lengths)
        if rng.random() < 0.6:
            keep = sorted(rng.sample(range(n), rng.randint(1, n)))
        else:
            keep = list(range(n))
            keep[rng.randrange(n)] = keep[rng.randrange(n)]
        for k, a in enumerate(args):
            if isinstance(a, np.ndarray) and len(a) == n:
                args[k] = a[keep]
            elif isinstance(a, list) and len(a) == n:
                args[k] = [a[i] for i in keep]
    for k, a in enumerate(args):
        if rng.random() > 0.4:
            continue
        if isinstance(a, np.ndarray) and a.dtype.kind == "f":
            args[k] = np.round(a, rng.choice((0, 1)))
        elif isinstance(a, np.ndarray) and a.dtype.kind in "bi" and a.max(initial=0) <= 1:
            args[k] = a[rng.sample(range(len(a)), len(a))] if a.ndim == 1 else a
        elif isinstance(a, float):
            args[k] = round(a, 1)
        elif isinstance(a, int) and not isinstance(a, bool):
            args[k] = max(a + rng.choice((-1, 1)), 0)
    return tuple(args)


def tally(name, source, imports):
    """Run all small changes to one solution through the check of its exercise."""
    exercise, result = bank.exercises()[name], Tally()
    cases, expected = exercise.inputs()
    original = _function(name, source, imports)
    inputs = other_inputs(exercise, [original, exercise.reference])
    for what, text in changes(source):
        try:
            function = _function(name, text, imports)
        except Exception:
            continue
        result.changes += 1
        outcomes = []
        for case, right in zip(cases, expected, strict=True):
            outcome = call(function, case.args, SECONDS)
            if exercise.normal_form and not outcome.problem:
                outcome = exercise._called(function, case)
            outcomes.append(outcome)
            if exercise._difference(outcome, right):
                break
        if len(outcomes) < len(cases) or exercise._difference(outcomes[-1], expected[-1]):
            result.caught += 1
        elif exercise.verdict(cases, outcomes, expected).state != RIGHT:
            result.caught += 1
        elif example := _first_different(exercise, function, inputs):
            result.survivors.append(f"{name}, {what}, for {example}")
        else:
            result.alike += 1
            result.unseen.append(f"{name}, {what}: {_changed_line(source, text)}")
    return result


def _changed_line(source, text):
    before = set(ast.unparse(ast.parse(source)).splitlines())
    return next((line.strip() for line in text.splitlines() if line not in before), "")


def _first_different(exercise, function, inputs):
    for args, value in inputs:
        outcome = exercise._called(function, _Case(args))
        if outcome.problem or difference(outcome.value, value, exercise.rtol, exercise.atol):
            return f"{args!r:.200}"
    return ""


def _function(name, source, imports):
    space = {}
    exec(compile(imports, "<imports>", "exec"), space)
    exec(compile(source, "<solution>", "exec"), space)
    return space[name]


def reference_source(exercise):
    """Return the source of a reference under the exercise's name, and the module that it needs."""
    source = textwrap.dedent(inspect.getsource(exercise.reference))
    module = exercise.reference.__module__
    return source.replace(f"def {exercise.reference.__name__}(", f"def {exercise.name}("), f"from {module} import *\n"


@cache
def all_tallies(names=None):
    """Return {exercise: Tally} of the solution notebooks and of the references of some exercises, or of all."""
    sources, imports = solution_sources()
    return {name: tally(name, sources[name], imports[name]) for name in names or sources}


def table(tallies):
    """Return the table as text."""
    lines = [f"{'small changes to':28s} changes  caught  alike  survive"]
    for name, t in tallies.items():
        lines.append(f"{name:28s} {t.changes:7d}  {t.caught:6d}  {t.alike:5d}  {len(t.survivors):7d}")
    total = [sum(getattr(t, k) for t in tallies.values()) for k in ("changes", "caught", "alike")]
    survivors = [line for t in tallies.values() for line in t.survivors]
    real = total[1] + len(survivors)
    lines.append(f"{'all':28s} {total[0]:7d}  {total[1]:6d}  {total[2]:5d}  {len(survivors):7d}")
    lines.append(f"of {real} changes that behave differently {len(survivors)} survive: {len(survivors) / real:.2%}")
    return "\n".join([*lines, *(f"! {line}" for line in survivors)])


if __name__ == "__main__":
    import sys

    print(table(all_tallies(tuple(sys.argv[1:]) or None)))
