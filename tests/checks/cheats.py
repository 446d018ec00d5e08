"""Sixty ways to get a wrong answer, or somebody else's, past a check; `make checks-report` counts those that pass.

Each is a cell of a learner's notebook that ends with `answer`; it runs in a process of its own. A learner can always
fool their own kernel: those that reach into the check itself are marked BEYOND, and a grader outside the kernel is what
stops them.
"""

import subprocess
import sys

WRONG = "answer = lambda logits, labels: 5.0"
BEYOND = "BEYOND"

#: (exercise, what it tries, cell)
CHEATS = [
    ("batch_loss", "np.allclose", f"np.allclose = lambda *a, **k: True\n{WRONG}"),
    ("batch_loss", "np.isclose", f"np.isclose = lambda *a, **k: np.array(True)\n{WRONG}"),
    ("batch_loss", "np.abs", f"np.abs = lambda x: 0.0 * np.asarray(x)\n{WRONG}"),
    ("batch_loss", "np.isnan", f"np.isnan = lambda x: np.ones(np.shape(x), bool)\n{WRONG}"),
    ("batch_loss", "np.isfinite", f"np.isfinite = lambda x: np.zeros(np.shape(x), bool)\n{WRONG}"),
    ("batch_loss", "np.asarray", f"real = np.asarray\nnp.asarray = lambda x, *a, **k: real(0.0)\n{WRONG}"),
    ("batch_loss", "np.log, which the reference calls", f"np.log = lambda x: x * 0 - 5.0\n{WRONG}"),
    ("batch_loss", "np.exp", f"np.exp = lambda x: np.full(np.shape(x), np.nan)\n{WRONG}"),
    ("batch_loss", "np.mean", f"np.mean = lambda *a, **k: 5.0\n{WRONG}"),
    ("batch_loss", "np.array_equal", f"np.array_equal = lambda *a: True\n{WRONG}"),
    ("batch_loss", "np.argwhere", f"np.argwhere = lambda x: []\n{WRONG}"),
    ("batch_loss", "np.random.default_rng", f"np.random.default_rng = lambda s: None\n{WRONG}"),
    ("batch_loss", "builtins.all", f"import builtins\nbuiltins.all = lambda x: True\n{WRONG}"),
    ("batch_loss", "builtins.any", f"import builtins\nbuiltins.any = lambda x: False\n{WRONG}"),
    ("batch_loss", "builtins.isinstance", f"import builtins\nbuiltins.isinstance = lambda *a: True\n{WRONG}"),
    ("batch_loss", "builtins.zip", f"import builtins\nbuiltins.zip = lambda *a, **k: []\n{WRONG}"),
    ("batch_loss", "builtins.abs", f"import builtins\nbuiltins.abs = lambda x: 0\n{WRONG}"),
    ("batch_loss", "builtins.map", f"import builtins\nbuiltins.map = lambda *a: []\n{WRONG}"),
    ("batch_loss", "math.log", f"import math\nmath.log = lambda *a: 0.0\n{WRONG}"),
    ("batch_loss", "values.compare", f"from nsputil.checks import values\nvalues.compare = lambda *a: None\n{WRONG}"),
    ("batch_loss", "values.difference",
     f"from nsputil.checks import values\nvalues.difference = lambda *a: ''\n{WRONG}"),
    ("batch_loss", "the package's loss itself", "from nsputil.losses import nsp_loss\nanswer = nsp_loss"),
    ("batch_loss", "a call of it", "from nsputil.losses import nsp_loss\nanswer = lambda z, y: nsp_loss(z, y)"),
    ("batch_loss", "imported inside",
     "def answer(z, y):\n    from nsputil.losses import nsp_loss\n    return float(nsp_loss(z, y))"),
    ("batch_loss", "by importlib",
     "import importlib\nanswer = lambda z, y: importlib.import_module('nsputil.losses').nsp_loss(z, y)"),
    ("batch_loss", "by eval", "answer = lambda z, y: eval('__import__(\"nsputil.losses\").losses.nsp_loss(z, y)')"),
    ("batch_loss", "by partial",
     "from functools import partial\nfrom nsputil.losses import nsp_loss\nanswer = partial(nsp_loss)"),
    ("batch_loss", "by an object", "from nsputil.losses import nsp_loss\n"
     "class C:\n    def __call__(self, z, y):\n        return nsp_loss(z, y)\nanswer = C()"),
    ("batch_loss", "another of its functions",
     "from nsputil.losses import nsp_loss_and_grad\nanswer = lambda z, y: nsp_loss_and_grad(z, y)[0]"),
    ("batch_loss", "with the profiler off", "import sys\nfrom nsputil.losses import nsp_loss\n"
     "def answer(z, y):\n    sys.setprofile(None)\n    return nsp_loss(z, y)"),
    ("batch_loss", "in a thread", "import threading\nfrom nsputil.losses import nsp_loss\n"
     "def answer(z, y):\n    out = []\n    t = threading.Thread(target=lambda: out.append(nsp_loss(z, y)))\n"
     "    t.start()\n    t.join()\n    return out[0]"),
    ("batch_loss", "only from the second call on", "from nsputil.losses import nsp_loss\ncount = [0]\n"
     "def answer(z, y):\n    count[0] += 1\n    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n"
     "    return nsp_loss(z, y) if count[0] > 1 else -np.log(p[np.arange(len(y)), y]).mean()"),
    ("batch_loss", "the reference handed in",
     "from nsputil.checks.bank import nb03\nanswer = nb03.batch_loss_reference"),
    ("batch_loss", "the reference called",
     "from nsputil.checks.bank import nb03\nanswer = lambda *a: nb03.batch_loss_reference(*a)"),
    ("batch_loss", "checks.NAME.reference", "answer = checks.batch_loss.reference"),
    ("batch_loss", "the reference in exercises()", "answer = checks.exercises()['batch_loss'].reference"),
    ("batch_loss", "frames " + BEYOND, "import sys\ncalls = [0]\ndef answer(z, y):\n    f = sys._getframe()\n"
     "    while 'expected' not in f.f_locals:\n        f = f.f_back\n    calls[0] += 1\n"
     "    return f.f_locals['expected'][calls[0] - 1].value"),
    ("batch_loss", "judge replaced " + BEYOND, "from nsputil.checks.code_exercise import CodeExercise\n"
     "from nsputil.checks.verdict import Verdict\n"
     f"CodeExercise.judge = lambda *a, **k: Verdict('right')\n{WRONG}"),
    ("batch_loss", "a float that equals all", "class F(float):\n    __hash__ = float.__hash__\n"
     "    def __eq__(self, o):\n        return True\n    def __sub__(self, o):\n        return 0.0\n"
     "    __rsub__ = __sub__\nanswer = lambda z, y: F(5.0)"),
    ("batch_loss", "an array that equals all", "class A(np.ndarray):\n    def __sub__(self, o):\n        return 0 * o\n"
     "    __rsub__ = __sub__\n"
     "    def __eq__(self, o):\n        return np.True_\n"
     "answer = lambda z, y: np.array(5.0).view(A)"),
    ("batch_loss", "an object with __array__", "class A:\n"
     "    def __array__(self, *a, **k):\n        return np.array(5.0)\n"
     "answer = lambda z, y: A()"),
    ("batch_loss", "a masked array", "answer = lambda z, y: np.ma.masked_array([5.0], mask=[True])"),
    ("batch_loss", "NaN", "answer = lambda z, y: float('nan')"),
    ("batch_loss", "infinity", "answer = lambda z, y: float('inf')"),
    ("batch_loss", "a generator", "def answer(z, y):\n    yield 5.0"),
    ("batch_loss", "every value at once", "answer = lambda z, y: np.linspace(0, 30, 10**5)"),
    ("batch_loss", "an exit", "import sys\nanswer = lambda z, y: sys.exit(0)"),
    ("batch_loss", "a printed right", "def answer(z, y):\n    print('batch_loss: right.')\n    return 5.0"),
    ("batch_loss", "NotImplemented", "answer = lambda z, y: NotImplemented"),
    ("lay_out", "a string that equals all", "class S(str):\n    __hash__ = str.__hash__\n"
     "    def __eq__(self, o):\n        return True\n    def __ne__(self, o):\n        return False\n"
     "answer = lambda a, b, n: ([S('x')] * n, [0] * n, [0] * n)"),
    ("lay_out", "a list without length", "class L(list):\n    def __len__(self):\n        return 0\n"
     "answer = lambda a, b, n: L()"),
    ("audit", "a dictionary with every key", "class D(dict):\n    def __contains__(self, k):\n        return True\n"
     "    def __getitem__(self, k):\n        return 0.5\n    def __len__(self):\n        return 2\n"
     "answer = lambda pairs: D()"),
    ("which_task", "all letters", "answer = 'abcde'"),
    ("which_task", "a text that lowers to the right letters",
     "class S(str):\n    def lower(self):\n        return 'ab'\nanswer = S('zz')"),
    ("which_task", "checks.NAME.right_letters", "answer = checks.which_task.right_letters()"),
    ("loss_of_08", "checks.NAME.value", "answer = checks.loss_of_08.value"),
    ("loss_of_08", "an array that equals all", "class A(np.ndarray):\n    def __sub__(self, o):\n        return 0 * o\n"
     "answer = np.array([5.0, 5.0]).view(A)"),
    ("loss_of_08", "many numbers", "answer = list(np.linspace(0, 2, 2001))"),
    ("worse_than_chance", "a pile of key words", "answer = 'half swap 89 ' * 20"),
    ("batch_loss", "the check itself", "answer = checks.batch_loss"),
]  # fmt: skip

HEAD = """
import sys
sys.setrecursionlimit(300)
import numpy as np
from nsputil import checks
answer = None
try:
{cell}
except BaseException as error:
    print("stopped by", type(error).__name__, file=sys.__stdout__)
    sys.exit()
print(checks.{name}.judge(answer).state, file=sys.__stdout__)
"""


def outcome(name, cell):
    """Return the state of the verdict, or what stopped the cell."""
    code = HEAD.format(name=name, cell="\n".join("    " + line for line in cell.splitlines()))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    return (run.stdout.strip().splitlines() or [f"died: {run.stderr.strip().splitlines()[-1:]}"])[-1]


def outcomes():
    """Return (exercise, what, outcome) of all cheats."""
    return [(name, what, outcome(name, cell)) for name, what, cell in CHEATS]


if __name__ == "__main__":
    for row in outcomes():
        print(*row, sep=" | ")
