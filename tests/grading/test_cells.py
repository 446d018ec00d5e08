"""Only the cells are run that an answer reads, and none too few."""

import pytest

from nsputil.grading.cells import look_at, needed, python_of


def run(*sources, wanted=("answer",)):
    return sorted(needed([look_at(python_of(source)) for source in sources], wanted))


@pytest.mark.parametrize(
    ("sources", "numbers"),
    [
        (("import numpy as np", "x = 1", "answer = np.log(2)"), [0, 2]),
        (
            ("import numpy as np", "def help_me(x):\n    return np.log(x)", "def answer(x):\n    return help_me(x)"),
            [0, 1, 2],
        ),
        (("slow = train()", "answer = 'b'", "print(slow)"), [1]),
        (("rows = []", "rows.append(1)", "answer = rows"), [0, 1, 2]),
        (("rows = {}", "rows['a'] = 1", "answer = rows"), [0, 1, 2]),
        (("class C: pass", "C.x = 1", "answer = C.x"), [0, 1, 2]),
        (("rows = []", "fill(rows)", "answer = rows"), [0, 1, 2]),
        (("rows = []", "print(rows)", "answer = rows"), [0, 2]),
        (
            ("import numpy as np", "rng = np.random.default_rng(0)", "x = rng.normal()", "answer = rng.normal()"),
            [0, 1, 2, 3],
        ),
        (("rows = [1, 2]", "first = rows.pop()", "answer = rows"), [0, 1, 2]),
        (("import numpy as np", "x = np.log(2)", "answer = np.log(3)"), [0, 2]),
        (("answer = None", "answer = 1"), [0, 1]),
        (("x = 1", "x += 1", "answer = x"), [0, 1, 2]),
        (("def f():\n    global answer\n    answer = 1", "f()", "other()"), [0, 1]),
        (("answer = 1", "exec('answer = 2')"), [0, 1]),
        (("answer = 1", "from math import *"), [0, 1]),
        (("for k in range(3):\n    rows.append(k)", "rows = []", "answer = rows"), [0, 1, 2]),
        (("import numpy as np", "np.random.seed(1)", "answer = np.random.rand()"), [0, 1, 2]),
        (("def answer(slow):\n    return slow", "slow = train()"), [0]),
        (("answer = [slow for slow in range(3)]", "slow = train()"), [0]),
        (("this is no Python", "answer = 1"), [1]),
        (("with open('x') as f:\n    answer = f.read()", "f = 1"), [0, 1]),
    ],
)
def test_needed(sources, numbers):
    found = run(*sources)
    assert found == numbers


def test_excluded_cells_are_left_out():
    names = [look_at("x = 1"), look_at("answer = x"), look_at("exec('')")]
    assert needed(names, ["answer"], [0, 2]) == {1}


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("x = 1", "x = 1"),
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("if x:\n    !ls\n    %time y = 1", "if x:\n    pass\n    pass"),
        ("np.log?\nx = 1", "pass\nx = 1"),
        ("%%time\nx = 1", "\nx = 1"),
        ("%%bash\nrm x", ""),
        ("x = (5\n% 3)", "x = (5\n% 3)"),
        ("s = '''\n%time\n'''", "s = '''\n%time\n'''"),
    ],
)
def test_lines_for_ipython_are_taken_out(source, kept):
    assert python_of(source) == kept


@pytest.mark.parametrize("source", ["x = (", "\0", "x = " + "(" * 3000, "return 1"])
def test_what_python_cannot_read_has_no_names(source):
    look_at(source)
