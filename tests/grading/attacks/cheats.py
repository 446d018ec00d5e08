"""Ways to have a wrong answer paid: values that equal everything, checks that are taken apart, answers that are found."""

from attack import EXERCISES, WRONG, Attack


def returning(expression, before=""):
    """Return a cell whose batch_loss returns something special."""
    return f"{before}\ndef batch_loss(logits, labels):\n    return {expression}"


def value(name, what, expression, before="", reasons=()):
    return Attack(name, what, {"batch_loss": returning(expression, before)}, reasons=reasons)


def cell(name, what, before):
    return Attack(name, what, {"batch_loss": WRONG}, before=before)


#: Code that collects what it can find of an answer; a leak makes one more exercise wrong, and so the attack is noticed.
LEAK = "\nhigh_p_high_loss = 'b' if not leaked else 'leaked: ' + str(leaked)[:200]"


def looks(name, what, code, **more):
    return Attack(
        name, what, {"batch_loss": WRONG, "high_p_high_loss": "leaked = []\n" + code + LEAK}, **more,
    )  # fmt: skip


ATTACKS = [
    cell("allclose", "np.allclose says yes", "import numpy as np\nnp.allclose = lambda *a, **k: True"),
    cell("isclose", "np.isclose, np.abs, np.isfinite say yes",
         "import numpy as np\nnp.isclose = lambda *a, **k: np.True_\nnp.abs = lambda x: 0 * np.asarray(x)\n"
         "np.isfinite = lambda x: np.zeros(np.shape(x), bool)"),
    value("true-float", "a float that equals everything", "F(5.0)",
          "class F(float):\n    __hash__ = float.__hash__\n    def __eq__(s, o): return True\n"
          "    def __ne__(s, o): return False\n    def __sub__(s, o): return 0.0\n    __rsub__ = __sub__\n"
          "    def __float__(s): return 0.2\n    def hex(s): return '0x1p-2'"),
    value("true-int", "an int that equals everything", "I(5)",
          "class I(int):\n    __hash__ = int.__hash__\n    def __eq__(s, o): return True\n"
          "    def __index__(s): return 0\n    def __int__(s): return 0"),
    value("true-array", "an array that equals everything", "np.array(5.0).view(A)",
          "class A(np.ndarray):\n    def __sub__(s, o): return 0 * o\n    __rsub__ = __sub__\n"
          "    def __eq__(s, o): return np.True_\n    def tobytes(s, *a): return bytes(8)\n"
          "    def __array__(s, *a, **k): return np.array(0.2)"),
    value("array-method", "an object with __array__", "A()",
          "class A:\n    def __array__(s, *a, **k): return np.array(5.0)"),
    value("false-class", "an object that lies about its class", "L()",
          "class L:\n    __class__ = property(lambda s: float)\n    def __eq__(s, o): return True\n"
          "    __hash__ = None\n    def hex(s): return '0x1p-2'"),
    value("masked", "a masked array", "np.ma.masked_array([5.0], mask=[True])"),
    value("nan", "NaN", "float('nan')"),
    value("inf", "infinity", "float('inf')"),
    value("huge-int", "an integer of 100,000 digits", "10**100000"),
    value("large-int", "an integer of a thousand digits", "10**1100"),
    value("complex", "a complex number", "complex(0.2, 1e9)"),
    value("dtype-object", "an array of objects", "np.array([E(), 5.0], dtype=object)",
          "class E:\n    def __eq__(s, o): return True\n    def __float__(s): return 0.2"),
    value("dtype-record", "an array of records", "np.zeros(3, dtype=[('x', 'f8'), ('y', 'O')])"),
    value("dtype-time", "an array of dates", "np.array(['2020-01-01'], dtype='datetime64[D]')"),
    value("dtype-long", "a long double", "np.longdouble(5)"),
    value("dtype-void", "bytes of a void", "np.void(b'12345678')"),
    value("generator", "a generator", "iter([0.2])"),
    value("every-value", "every value at once", "np.linspace(0, 30, 10**5)", reasons=("constant", "shape")),
    value("huge-array", "an array of a billion entries without memory", "np.broadcast_to(0.2, (10**9,))"),
    value("self-list", "a list that holds itself", "L", "L = []\nL.append(L)"),
    value("deep-list", "a list ten thousand deep", "L", "L = 0.2\nfor k in range(10000): L = [L]"),
    value("wide-list", "a list of a million", "[0.2] * 10**6", reasons=("type",)),
    value("large-texts", "a list of large texts", "['x' * 100_000] * 1000", reasons=("type",)),
    value("smileys", "a text of characters that take twelve letters each", "'\U0001f600' * 190_000", reasons=("type",)),
    value("large-text", "a text of 50 million characters", "'x' * 50_000_000"),
    value("surrogate", "a text that is no Unicode", "'\\ud800' * 10"),
    value("del", "an object whose __del__ exits", "D()",
          "import os\nclass D:\n    def __del__(s):\n        try: os._exit(0)\n        except BaseException: pass"),
    value("reduce", "an object that pickle would run", "R()",
          "class R:\n    def __reduce__(s): return (open, ('<folder>/pickled', 'w'))"),
    value("repr", "an object whose repr never ends", "R()",
          "class R:\n    def __repr__(s):\n        while True: pass\n    __str__ = __repr__"),
    value("not-implemented", "NotImplemented", "NotImplemented"),
    value("wide-dict", "a dict with every key", "D()",
          "class D(dict):\n    def __contains__(s, k): return True\n    def __getitem__(s, k): return 0.2\n"
          "    def items(s): return [(k, 0.2) for k in range(10**7)]"),
    Attack("letter-class", "a text whose lower case is the right letter",
           {"high_p_high_loss": "class S(str):\n    def lower(s): return 'b'\n    def __str__(s): return 'b'\n"
            "    def encode(s, *a): return b'b'\nhigh_p_high_loss = S('z')"}, hit=("high_p_high_loss",)),
    Attack("letter-cyrillic", "a letter of another alphabet that looks like the right one",
           {"high_loss_low_p": "high_loss_low_p = '\\u0430'"}, hit=("high_loss_low_p",), reasons=("letters",)),
    Attack("letter-hidden", "a right letter between characters that are not seen",
           {"high_loss_low_p": "high_loss_low_p = '\\u202eb\\u200ba'"}, hit=("high_loss_low_p",)),
    Attack("all-numbers", "many numbers at once", {"loss_of_08": "loss_of_08 = list(np.linspace(0, 2, 2001))"},
           hit=("loss_of_08",)),
    cell("strip-asserts", "an import hook and ast that strip every assert",
         "import ast, builtins\nreal = builtins.compile\n"
         "def compile(source, *a, **k):\n    return real('0', *a, **k) if 'assert' in str(source) else real(source, *a, **k)\n"
         "builtins.compile = compile"),
    cell("assertion-error", "AssertionError is another class", "import builtins\nbuiltins.AssertionError = Warning"),
    cell("builtins", "all, any, isinstance, len say yes",
         "import builtins\nbuiltins.all = lambda x: True\nbuiltins.any = lambda x: False\nbuiltins.abs = lambda x: 0"),
    Attack("runner", "what calls an answer is replaced", {"batch_loss": WRONG}, may_lose=EXERCISES, before=
         "from nsputil.checks import runner\nfrom nsputil.grading import learner\n"
         "runner.call = learner.call = lambda f, args, *a, **k: runner.Outcome(0.2014)"),
    cell("judge", "judge and verdict are replaced",
         "from nsputil.checks.code_exercise import CodeExercise\nfrom nsputil.checks.verdict import Verdict\n"
         "CodeExercise.judge = CodeExercise.verdict = lambda *a, **k: Verdict('right')"),
    cell("compare", "compare finds no difference",
         "from nsputil.checks import values\nvalues.compare = lambda *a, **k: None\nvalues.difference = lambda *a, **k: ''"),
    Attack("encode", "what writes the values is replaced", {"batch_loss": WRONG},
           before="from nsputil.grading import learner\nreal = learner.encode\n"
           "learner.encode = lambda v, *a: ['f', float.hex(0.2014)] if v == 5.0 else real(v, *a)"),
    looks("frames", "the expected values in the frames",
          "import sys\ndef names(frame):\n    found = []\n    while frame:\n"
          "        found += [n for n in frame.f_locals if n in ('expected', 'reference', 'secret', 'verdict')]\n"
          "        frame = frame.f_back\n    return found\nleaked += names(sys._getframe())"),
    looks("garbage", "answers among all objects of the process",
          "import gc\nleaked += [type(o).__name__ for o in gc.get_objects()\n"
          "           if type(o).__name__ in ('CodeExercise', 'ChoiceExercise', 'NumberExercise', 'Misconception')]\n"
          "leaked += [o.__name__ for o in gc.get_objects() if callable(o)\n"
          "           and str(getattr(o, '__name__', '')).endswith('_reference')]"),
    looks("bank", "the bank of exercises",
          "import importlib\nfor name in ('bank', 'bank.nb03', 'bank.nb01'):\n    try:\n"
          "        importlib.import_module('nsputil.checks.' + name)\n        leaked.append(name)\n"
          "    except ImportError: pass"),
    looks("handle", "the reference at the check",
          "for get in ('reference', 'value', 'cases', 'misconceptions'):\n"
          "    found = getattr(checks.batch_loss, get)\n"
          "    if not repr(found).startswith('a check:'): leaked.append(repr(found))\nleaked += list(checks.exercises())"),
    looks("source", "answers in the text of all files",
          "import os\nfor folder, folders, files in os.walk('/'):\n"
          "    folders[:] = set(folders) - {'usr', 'lib', 'share', 'include', 'proc'}\n    for file in files:\n"
          "        if file.endswith(('.ipynb', '.db', '.sqlite')) or 'solution' in folder or '/bank' in folder:\n"
          "            leaked.append(folder + '/' + file)"),
    looks("text-of-reference", "the name of a reference in any file of the course",
          "import os\nfor folder, _, files in os.walk('/course'):\n    for file in files:\n"
          "        with open(os.path.join(folder, file), 'rb') as f:\n"
          "            if b'def batch_loss' in f.read(): leaked.append(file)"),
    Attack("charge-inside", "the function of an exercise is searched for its inside",
           {"cheapest_announcement": "def cheapest_announcement(charge, q):\n"
            "    return charge.__code__.co_consts and charge.__globals__['cheapest_announcement_reference'](charge, q)"},
           hit=("cheapest_announcement",)),
    Attack("charge-flood", "the function of an exercise is called without end",
           {"cheapest_announcement": "def cheapest_announcement(charge, q):\n    while True:\n        charge(0.5)"},
           hit=("cheapest_announcement",), reasons=("protocol", "time", "waiting")),
    Attack("charge-odd", "the function of an exercise is called with odd things",
           {"cheapest_announcement": "def cheapest_announcement(charge, q):\n"
            "    for odd in ('x', None, [1, [2]], {}, object(), np.array(['a']), np.zeros((3, 0)), 10**1100, charge):\n"
            "        try: charge(odd)\n        except Exception: pass\n    return 0.99"},
           hit=("cheapest_announcement",)),
    Attack("charge-handle", "a handle that was never handed in",
           {"cheapest_announcement": "def cheapest_announcement(charge, q):\n"
            "    return charge._Handle__ask(7, '__class__', (q,), {})"},
           hit=("cheapest_announcement",), reasons=("protocol",)),
    Attack("charge-method", "a method that no handle has",
           {"cheapest_announcement": "def cheapest_announcement(charge, q):\n"
            "    return charge._Handle__ask(0, '__globals__', (), {})"},
           hit=("cheapest_announcement",), reasons=("protocol",)),
    cell("settrace", "a trace function that rewrites what is returned",
         "import sys\ndef trace(frame, event, arg):\n"
         "    if 'said' in frame.f_locals: frame.f_locals['said'] = {'outcomes': []}\n    return trace\nsys.settrace(trace)"),
    cell("setprofile", "a profile function that ends the process of others",
         "import sys\nsys.setprofile(lambda *a: None)"),
    Attack("arguments", "the arguments are changed to what fits the answer",
           {"batch_loss": "def batch_loss(logits, labels):\n    logits[:] = 0\n    return np.log(2)"}),
    Attack("visible-only", "right on the inputs of the visible check alone",
           {"batch_loss": "def batch_loss(logits, labels):\n"
            "    seen = {<visible>}\n    return seen.get((logits.shape, round(float(logits.sum()), 9)), 0.7)"}),
]  # fmt: skip
