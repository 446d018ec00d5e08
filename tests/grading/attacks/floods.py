"""Ways to stop the grader: code that never ends, ends too early, takes everything, or talks nonsense to the grader."""

from attack import EXERCISES, WRONG, Attack

SOCKET = (
    "import os, json\ndef say(data):\n    data = memoryview(data)\n    while data: data = data[os.write(3, data):]\n"
)
FORGED = ('{"n": %d, "outcomes": [{"value": ["f", "0x1p-2"], "problem": "", "error": "", "exception": [], '
          '"printed": "", "changed": false, "calls": []}]}')  # fmt: skip
FORGED_ERROR = FORGED.replace(
    '"problem": "", "error": "", "exception": []',
    '"problem": "exception", "error": "\\u001b[2J\\ud800", "exception": ["A\\u0000\\ud800", "ValueError"]',
)


def function(name, what, body, reasons, before="", **more):
    return Attack(
        name, what, {"batch_loss": f"{before}\ndef batch_loss(logits, labels):\n{body}"}, reasons=reasons, **more
    )


def cell(name, what, code, reasons, **more):
    """The cell that defines batch_loss does something first."""
    return Attack(name, what, {"batch_loss": f"{code}\n{WRONG}"}, reasons=reasons, **more)


ATTACKS = [
    function("endless", "a function without end", "    while True: pass", ("time",)),
    cell("endless-cell", "a cell without end", "while True: pass", ("time",)),
    function("swallow", "a loop that swallows every interruption",
             "    while True:\n        try:\n            while True: pass\n        except BaseException: pass", ("time",)),
    cell("swallow-cell", "a cell that swallows every interruption",
         "while True:\n    try:\n        while True: pass\n    except BaseException: pass", ("time",), slow=True),
    cell("block-signals", "a cell that blocks every signal",
         "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass", ("time",), slow=True),
    function("own-alarm", "the alarm of the time limit is taken away",
             "    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True: pass", ("time",),
             before="import signal", slow=True),
    function("clock", "the clock stands still",
             "    while True: pass", ("time",),
             before="import time\ntime.process_time = time.monotonic = time.perf_counter = time.time = lambda: 0.0", slow=True),
    function("sleep", "a function that sleeps", "    time.sleep(1000)", ("waiting",), before="import time"),
    cell("sleep-cell", "a cell that sleeps", "import time\ntime.sleep(1000)", ("time",), slow=True),
    function("wait-lock", "a lock that nobody opens", "    lock.acquire()\n    lock.acquire()", ("waiting", "time"),
             before="import threading\nlock = threading.Lock()", slow=True),
    function("power", "one long step inside C", "    return 9 ** 9 ** 9 % 7", ("time",), slow=True),
    function("regex", "a pattern that takes for ever", "    return re.match('(a+)+b', 'a' * 60)", ("time", "waiting"), before="import re",
             slow=True),
    function("input", "a function that asks for input", "    return float(input())", ("input",)),
    cell("exit-cell", "os._exit in a cell", "import os\nos._exit(0)", ("crash",)),
    function("exit-function", "os._exit in a function", "    os._exit(0)", ("exit",), before="import os"),
    function("exit-hidden", "the real os._exit, kept from before", "    leave(0)", ("crash",), before="import os\nleave = os._exit"),
    function("sys-exit", "sys.exit in a function", "    sys.exit(0)", ("exit",), before="import sys"),
    cell("sys-exit-cell", "sys.exit in a cell", "import sys\nsys.exit(0)", ("cell_raised", "not done yet")),
    cell("kill-self", "kill -9 to itself", "import os\nos.kill(os.getpid(), 9)", ("value", "crash")),
    cell("kill-all", "kill -9 to all", "import os\ntry: os.kill(-1, 9)\nexcept OSError: pass", ("value", "crash")),
    cell("abort", "abort", "import os\nos.abort()", ("crash",)),
    cell("segfault", "memory at address 0", "import ctypes\nctypes.string_at(0)", ("crash",)),
    function("deep-recursion", "a recursion without end", "    return batch_loss(logits, labels)",
             ("exception", "crash", "time", "memory"), before="import sys\nsys.setrecursionlimit(10**9)", slow=True),
    function("shallow-recursion", "a recursion up to Python's limit", "    return batch_loss(logits, labels)",
             ("exception", "package_called")),
    cell("recursion-limit", "no recursion at all is allowed from now on",
         "import sys\nsys.setrecursionlimit(40)", ("value", "crash", "exception", "protocol")),
    cell("memory", "all memory", "blocks = []\nwhile True: blocks.append(bytearray(1 << 24))", ("memory",)),
    function("memory-function", "all memory in a function", "    return np.ones(10**11)", ("exception", "memory")),
    cell("memory-together", "all memory, shared out among processes",
         "import os, time\nfor k in range(12):\n    if os.fork() == 0:\n        block = bytearray(60 << 20)\n        time.sleep(3)\n"
         "        os._exit(0)\nblock = bytearray(60 << 20)\ntime.sleep(1)", ("memory", "value", "crash", "time"), slow=True),
    cell("forks", "forty sleepers", "import os, time\nfor k in range(40):\n    if os.fork() == 0: time.sleep(600)",
         ("processes",)),
    cell("fork-bomb", "processes that start processes", "import os\nfor k in range(30):\n    try: os.fork()\n    except OSError: pass\n"
         "if os.getpid() != 1:\n    import time; time.sleep(600)", ("value",)),
    cell("fork-talks", "a second process answers, too", "import os\nos.fork()", ("value", "protocol"), may_lose=EXERCISES),
    cell("threads", "a thousand threads",
         "import threading, time\nfor k in range(1000): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
         ("cell_raised", "memory")),
    cell("daemon", "a process that leaves its parent",
         "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(600)\n    os._exit(0)",
         ("value",)),
    cell("thread-later", "a thread that ends the process later",
         "import os, threading, time\ndef later():\n    time.sleep(0.05)\n    os._exit(0)\n"
         "threading.Thread(target=later, daemon=True).start()\ntime.sleep(0.2)", ("crash",)),
    cell("atexit", "something to do at the end", "import atexit, time\natexit.register(lambda: time.sleep(600))", ("value",)),
    cell("print", "200 MB printed", "for k in range(200): print('x' * 1_000_000)", ("output",)),
    cell("print-error", "200 MB printed as errors",
         "import sys\nfor k in range(200): print('x' * 1_000_000, file=sys.stderr)", ("output",)),
    function("print-function", "a function that prints without end", "    while True: print('x' * 1000)", ("output",)),
    cell("write-out", "200 MB to the files below print",
         "import os\nfor k in range(200):\n    os.write(1, bytes(1 << 20))\n    os.write(2, bytes(1 << 20))", ("value",)),
    cell("fill-disk", "a file without end", "f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20))", ("cell_raised",)),
    cell("fill-files", "files without end", "for k in range(10**6): open(f'f{k}', 'w').close()", ("cell_raised",)),
    cell("sparse-file", "a file of a terabyte without content",
         "import os\nwith open('big', 'wb') as f: os.ftruncate(f.fileno(), 1 << 40)", ("cell_raised",)),
    cell("mmap", "a map of a terabyte", "import mmap\nm = mmap.mmap(-1, 1 << 40)", ("cell_raised", "memory")),
    cell("nonsense", "nonsense on the grader's line", SOCKET + "say(b'nonsense\\n')", ("protocol",)),
    cell("flood", "100 MB on the grader's line", SOCKET + "say(b'x' * (100 << 20))", ("protocol", "crash")),
    cell("deep-json", "JSON a million deep on the grader's line", SOCKET + "say(b'[' * 10**6 + b'\\n')", ("protocol",)),
    cell("list-json", "a list on the grader's line", SOCKET + "say(b'[1, 2]\\n')", ("protocol",)),
    cell("huge-number", "a number of a million digits on the grader's line", SOCKET + "say(b'{\"n\": ' + b'9' * 10**6 + b'}\\n')",
         ("protocol",)),
    cell("bytes", "bytes that are no text on the grader's line", SOCKET + "say(bytes(range(128, 256)) + b'\\n')", ("protocol",)),
    cell("forged", "a forged reply that says right", SOCKET + "say(b'{\"n\": 1, \"state\": \"right\", \"points\": 99}\\n')", ("protocol",)),
    cell("forged-later", "forged replies to all that may be asked later",
         SOCKET + f"for k in range(1, 200): say(({FORGED!r} % k).encode() + b'\\n')", ("protocol",)),
    function("forged-now", "a forged reply from within the function",
             f"    import inspect\n    say(({FORGED!r} % number()).encode() + b'\\n')\n    return 5.0",
             ("value", "constant", "protocol"),
             before=SOCKET + "import sys\ndef number():\n    frame = sys._getframe()\n    while 'request' not in frame.f_locals: frame = frame.f_back\n"
             "    return frame.f_locals['request']['n']"),
    function("forged-exception", "a forged exception with an impossible name",
             f"    say(({FORGED_ERROR!r} % number()).encode() + b'\\n')\n    return 5.0",
             ("exception", "protocol"),
             before=SOCKET + "import sys\ndef number():\n    frame = sys._getframe()\n    while 'request' not in frame.f_locals: frame = frame.f_back\n"
             "    return frame.f_locals['request']['n']"),
    cell("close", "the grader's line is closed", "import os\nos.close(3)", ("crash", "time", "protocol")),
    cell("steal", "what the grader says is read away",
         "import os, threading\nthreading.Thread(target=lambda: os.read(3, 10**6), daemon=True).start()", ("time", "crash"),
         slow=True),
    cell("no-collector", "rings of objects without a collector", "import gc\ngc.disable()\nfor k in range(10**5):\n    a = []; a.append(a)",
         ("value",)),
    cell("modules", "the modules are gone", "import sys\nsys.modules.clear()", ("exception", "crash", "value", "protocol", "package_called")),
    cell("builtins-gone", "Python's own functions are gone", "import builtins\nfor n in ('len', 'map', 'list'): delattr(builtins, n)",
         ("value", "exception", "crash", "protocol")),
    cell("import-hook", "every import fails from now on",
         "import builtins\ndef no(*a, **k): raise ImportError\nbuiltins.__import__ = no", ("value", "exception", "crash"),
         may_lose=EXERCISES),
    cell("stdout", "print is taken away", "import sys\nsys.stdout = sys.stderr = None", ("value",)),
]  # fmt: skip
