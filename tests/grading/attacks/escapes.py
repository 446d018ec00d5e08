"""Ways out of the box, and ways to something outside that is not the attacker's."""

from attack import WRONG, Attack
from cheats import looks


def tries(name, what, code, **more):
    """An attack that notes in `leaked` what it could do and should not have been able to."""
    head = ("def tried(f, *a, **k):\n    try:\n        r = f(*a, **k)\n    except BaseException:\n        return None\n"
            "    leaked.append(str(a)[:80])\n    return r\n")  # fmt: skip
    return looks(name, what, head + code, **more)


SYSTEM = "import ctypes\nlibc = ctypes.CDLL(None)\ndef call(f, *a):\n    if f(*a) >= 0: leaked.append(str(a)[:60])\n"

ATTACKS = [
    tries("read-files", "files of the machine and of the grader",
          "for path in ('/etc/shadow', '/etc/passwd', '<canary>', '<repository>', '/proc/1/environ', '/proc/self/mem'):\n"
          "    tried(open, path, 'rb')"),
    tries("list-folders", "folders of the machine",
          "import os\nfor path in ('/etc', '/home', '/var', '/sys', '/run', '/boot', '<folder>', '/proc/1'):\n"
          "    tried(os.listdir, path)"),
    tries("environment", "secrets in the environment",
          "import os\nallowed = {'HOME', 'TMPDIR', 'MPLCONFIGDIR', 'MPLBACKEND', 'NSPUTIL_PROGRESS', 'PATH', 'LANG', 'PWD',\n"
          "           'PYTHONHASHSEED', 'LC_CTYPE', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'}\n"
          "leaked += sorted(set(os.environ) - allowed)"),
    tries("open-files", "open files and sockets of the grader",
          "import os\nfor k in range(4, 1024):\n    try:\n        os.fstat(k)\n        leaked.append(k)\n"
          "    except OSError: pass"),
    tries("grader-code", "the code that judges",
          "import importlib\nfor name in ('judging', 'outcomes', 'box', 'seeds', 'assignments', 'doctor'):\n"
          "    tried(importlib.import_module, 'nsputil.grading.' + name)"),
    tries("write-outside", "writing outside of its folder",
          "import os, sys\nfor path in ('/x', '/etc/x', '/usr/x', '/course/x', '/dev/x', '/dev/shm/x', '/fonts/x', '<canary>',\n"
          "             '<folder>/x', os.path.dirname(os.__file__) + '/x', np.__file__):\n    tried(open, path, 'a')"),
    tries("change-course", "the course that the next submission loads",
          "import nsputil, os\nhere = os.path.dirname(nsputil.__file__)\ntried(open, here + '/losses.py', 'w')\n"
          "tried(os.rename, here, here + '2')\ntried(os.remove, here + '/losses.py')\ntried(os.chmod, here, 0o777)"),
    tries("gradebook", "a book of grades somewhere",
          "import os, sqlite3\ntried(sqlite3.connect, '<folder>/gradebook.db')\n"
          "for folder, folders, files in os.walk('/'):\n"
          "    folders[:] = set(folders) - {'usr', 'lib', 'share', 'include', 'proc'}\n    leaked += [f for f in files if 'gradebook' in f]"),
    tries("symlink", "links from its folder to the outside",
          "import os\nfor k, path in enumerate(('<canary>', '/etc/shadow', '/proc/1/root', '/proc/self/root')):\n"
          "    os.symlink(path, f'link{k}')\n    tried(open, f'link{k}')\n    tried(os.listdir, f'link{k}')"),
    tries("hardlink", "a second name for a file of the course",
          "import os\ntried(os.link, '/course/nsputil/losses.py', 'losses.py')"),
    tries("dot-dot", "paths that climb", "tried(open, '/scratch/' + '../' * 20 + '<canary>')"),
    tries("socket-loopback", "a server on this machine",
          "import socket\ntried(socket.create_connection, ('127.0.0.1', <port>), 1)\n"
          "tried(socket.create_connection, ('localhost', <port>), 1)"),
    tries("socket-kinds", "any kind of socket",
          "import socket\nfor family in range(1, 46):\n    for kind in (1, 2, 3):\n        tried(socket.socket, family, kind)"),
    tries("socket-fd", "a socket made of a number", "import os, socket\ntried(socket.socket(fileno=os.dup(3)).connect, '/x')"),
    tries("urlopen", "a page of the web", "import urllib.request\ntried(urllib.request.urlopen, 'http://127.0.0.1:<port>')"),
    tries("programs", "other programs",
          "import os, subprocess, sys\ntried(subprocess.run, ['/bin/sh', '-c', 'true'])\ntried(os.execv, sys.executable, ['x'])\n"
          "if os.system('true') == 0: leaked.append('system')"),
    tries("memfd", "a program in memory", SYSTEM + "call(libc.syscall, 319, b'x', 0)\ncall(libc.syscall, 322, 3, b'', 0, 0, 0x1000)"),
    tries("namespaces", "namespaces of its own",
          SYSTEM + "for flag in (0x20000, 0x10000000, 0x20000000, 0x40000000, 0x2000000, 0x8000000, 0x80):\n"
          "    call(libc.unshare, flag)\n    call(libc.syscall, 56, flag | 17, 0, 0, 0, 0)\ncall(libc.setns, 3, 0)"),
    tries("clone3", "the newer call for processes", SYSTEM + "call(libc.syscall, 435, bytes(88), 88)"),
    tries("mounts", "mounts",
          SYSTEM + "call(libc.mount, b'proc', b'/proc', b'proc', 0, 0)\ncall(libc.umount2, b'/proc', 2)\n"
          "call(libc.umount2, b'/scratch', 2)\ncall(libc.syscall, 430, b'tmpfs', 0)\ncall(libc.syscall, 428, -100, b'/', 1)\n"
          "call(libc.syscall, 155, b'/', b'/')\ncall(libc.chroot, b'/scratch')"),
    tries("users", "other users and rights",
          "import os\nfor user in (0, 1, 1000):\n    tried(os.setuid, user)\n    tried(os.seteuid, user)\n    tried(os.setgid, user)\n"
          "tried(os.setgroups, [0])\nif os.getuid() == 0: leaked.append('root')\n" + SYSTEM
          + "call(libc.capset, bytes([0x22, 5, 8, 0x20, 0, 0, 0, 0]), b'\\xff' * 24)"),
    tries("ptrace", "looking into other processes",
          SYSTEM + "for pid in (0, 1, 2, 3):\n    call(libc.ptrace, 16, pid, 0, 0)\n    call(libc.syscall, 310, pid, 0, 0, 0, 0, 0)\n"
          "call(libc.syscall, 434, 1, 0)"),
    tries("kernel-rings", "io_uring, bpf, keys, perf, userfaultfd",
          SYSTEM + "for number in (425, 426, 427, 321, 298, 323, 248, 249, 250, 304, 175, 313, 246, 169, 167, 206):\n"
          "    call(libc.syscall, number, 0, 0, 0, 0, 0)"),
    tries("x32", "the numbers of another interface of the processor",
          SYSTEM + "for number in (41, 59, 101, 165, 425):\n    call(libc.syscall, 0x40000000 + number, 0, 0, 0, 0, 0)"),
    tries("int-80", "the door of 32-bit programs",
          SYSTEM + "import mmap\ntry:\n    page = mmap.mmap(-1, 4096, prot=7)\n"
          "    page.write(bytes([0x53, 0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0x5b, 0xc3]))\n"
          "    address = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
          "    found = ctypes.CFUNCTYPE(ctypes.c_int)(address)()\n    leaked.append(found)\nexcept Exception: pass",
          reasons=("value", "crash"), hit=("batch_loss", "high_p_high_loss")),
    tries("filter-off", "the filter of system calls",
          SYSTEM + "call(libc.syscall, 317, 1, 0, bytes(16))\nif libc.prctl(38, 0, 0, 0, 0) == 0: leaked.append('privileges')\n"
          "libc.prctl(22, 0, 0, 0, 0)\ncall(libc.socket, 1, 1, 0)"),
    tries("limits-off", "higher limits",
          "import resource\nfor kind in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):\n"
          "    tried(resource.setrlimit, kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))"),
    tries("signals", "signals to the grader",
          "import os\nfor pid in (0, 2, 3, 4, 10, 100):\n    if pid: tried(os.kill, pid, 0)\n"
          "if os.getppid(): leaked.append(os.getppid())"),
    tries("shared-memory", "memory and queues shared with other boxes",
          SYSTEM + "call(libc.shmget, 1, 4096, 0o1666)\ncall(libc.msgget, 1, 0o1666)\ncall(libc.semget, 1, 1, 0o1666)\n"
          "from multiprocessing import shared_memory\ntried(shared_memory.SharedMemory, 'x', True, 100)"),
    tries("host-clock", "the clock and the name of the machine",
          "import socket, time\ntried(time.clock_settime, time.CLOCK_REALTIME, 0)\ntried(socket.sethostname, 'x')"),
    tries("devices", "devices",
          "import os\nleaked += sorted(set(os.listdir('/dev')) - {'null', 'zero', 'random', 'urandom'})\n"
          "tried(os.mknod, '/scratch/sda', 0o60666, os.makedev(8, 0))\ntried(open, '/dev/tty')"),
    tries("setuid-program", "a file that makes its user root",
          "import os\nopen('x', 'w').write('#!/bin/sh')\nos.chmod('x', 0o4777)\ntried(os.execv, './x', ['x'])"),
    tries("terminal", "characters typed into the terminal of the grader",
          "import fcntl, termios\nfor k in range(3): tried(fcntl.ioctl, k, termios.TIOCSTI, b'x')"),
    tries("pass-descriptor", "a descriptor sent out through the socket of the box",
          "import array, os, socket\nhere = os.open('/', os.O_RDONLY)\nout = socket.socket(fileno=os.dup(3))\n"
          "out.sendmsg([b' '], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [here]))])"),
    tries("remove-all", "everything is removed",
          "import os, shutil\nshutil.rmtree('/', ignore_errors=True)\nshutil.rmtree('/scratch', ignore_errors=True)",
          reasons=("value", "time"), may_lose=("high_p_high_loss",), slow=True),
    tries("leave-behind", "a file for the next submission", "open('/scratch/mine', 'w').write('x')"),
    tries("found-behind", "a file of the last submission", "import os\nleaked += os.listdir('/scratch')"),
    tries("numbers-behind", "something changed in the process for the next submission",
          "import nsputil\nleaked += [n for n in vars(nsputil) if n == 'changed']\nnsputil.changed = True"),
    Attack("pickle-reply", "a reply that pickle would run",
           {"batch_loss": WRONG}, before="import json, os, pickle\nclass R:\n    def __reduce__(s):\n"
           "        return (open, ('<folder>/pickled', 'w'))\nos.write(3, pickle.dumps(R()) + b'\\n')",
           hit=("batch_loss",), reasons=("value", "protocol")),
]  # fmt: skip
