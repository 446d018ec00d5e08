"""A kernel inside bubblewrap for nbgrader itself: it protects the machine and the other students, not the grade.

    python -m nsputil.grading.boxed_kernel FOLDER     writes the kernel's description, and prints what to configure

nbgrader runs the learner's code and the hidden tests in one process. Code that changes how the tests are judged gets
points for a wrong answer, in a box too; `python -m nsputil grade` judges outside. This kernel is for those who need
nbgrader's own autograde: it reads nothing of the course but the submission, writes nothing that stays, and has no
network. Linux only.
"""

import atexit
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nsputil

NAME = "boxed-python"
USER = 54321  # in the box, if root grades; it owns nothing outside
INSIDE, SCRATCH = "/kernel", "/scratch"
BYTES, PROCESSES, FILE_BYTES = 2 << 30, 64, 64 << 20
CONFIGURE = """In nbgrader_config.py:
  from nsputil.grading.boxed_kernel import sockets
  c.ExecutePreprocessor.kernel_name = "{name}"
  c.KernelManager.transport, c.KernelManager.ip = "ipc", sockets()
and in the environment of nbgrader:
  JUPYTER_PATH={path}"""


def sockets() -> str:
    """Return the beginning of the paths of the kernel's sockets, in a folder that only this user can enter.

    Returns
    -------
    str
        For ``c.KernelManager.ip``; Jupyter appends the number of the socket. The folder is removed when this process
        ends.
    """
    folder = tempfile.mkdtemp(prefix="nbg-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(Path(folder) / "k")


def write_kernelspec(folder: str | Path) -> Path:
    """Write the description of the kernel, as Jupyter looks for it below ``JUPYTER_PATH``.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Path
        The file ``FOLDER/kernels/boxed-python/kernel.json``.
    """
    path = Path(folder) / "kernels" / NAME / "kernel.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [sys.executable, "-m", "nsputil.grading.boxed_kernel", "-f", "{connection_file}"],
        "display_name": "Python in a box",
        "language": "python",
        "interrupt_mode": "message",  # a signal would end the box
    }
    path.write_text(json.dumps(spec, indent=1), encoding="utf-8")
    return path


def prepare(connection: dict[str, Any], folder: Path) -> None:
    """Write the connection file for the inside, and let the sockets that nbgrader looks for lead there.

    Parameters
    ----------
    connection : dict
        Jupyter's connection file: transport "ipc", and an ip that is the beginning of a path.
    folder : Path
        Will be `INSIDE` in the box; the kernel makes its sockets there.

    Raises
    ------
    ValueError
        If the transport is another.
    """
    if connection.get("transport") != "ipc" or not str(connection.get("ip", "")).startswith("/"):
        raise ValueError('a boxed kernel has no network; expected c.KernelManager.transport = "ipc" and ip = sockets()')
    inside = connection | {"ip": f"{INSIDE}/s"}
    (folder / "connection.json").write_text(json.dumps(inside), encoding="utf-8")
    for name, number in connection.items():
        if name.endswith("_port"):
            link = Path(f"{connection['ip']}-{number}")
            with contextlib.suppress(FileNotFoundError):
                link.unlink()
            link.symlink_to(folder / f"s-{number}")


def box_command(folder: Path, work: Path, as_root: bool) -> list[str]:
    """Return the command that starts the kernel in a box.

    Parameters
    ----------
    folder : Path
        Becomes `INSIDE`, the one place that can be written to and is seen from outside.
    work : Path
        The folder of the submission, which can be read.
    as_root : bool

    Returns
    -------
    list of str
    """
    python, package = Path(sys.executable), Path(nsputil.__file__).resolve().parent
    shown = [Path("/usr"), Path(sys.base_prefix), Path(sys.prefix), *_site_packages(), package]
    shown = [path for path in dict.fromkeys(shown) if path.is_dir()]
    command = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    command += ["--die-with-parent", "--new-session", "--clearenv", "--perms", "1777", "--tmpfs", SCRATCH]
    made = {parent for path in (*shown, work) for parent in path.parents if parent != Path("/")}
    for parent in sorted(made, key=lambda path: len(path.parts)):
        command += ["--perms", "0755", "--dir", str(parent)]
    for path in (*shown, work):
        command += ["--ro-bind", str(path), str(path)]
    for path in map(Path, ("/lib", "/lib64", "/lib32", "/bin", "/sbin")):
        if path.is_symlink():
            command += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            command += ["--ro-bind", str(path), str(path)]
    command += ["--bind", str(folder), INSIDE, "--proc", "/proc", "--dev", "/dev", "--chdir", str(work)]
    environment = {
        "HOME": SCRATCH,
        "TMPDIR": SCRATCH,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(package.parent),
        "MPLBACKEND": "agg",
    }
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NSPUTIL_PROGRESS": "off"}
    environment |= {"PATH": "/usr/bin", "IPYTHONDIR": f"{SCRATCH}/ipython", "JUPYTER_RUNTIME_DIR": SCRATCH}
    for name, value in environment.items():
        command += ["--setenv", name, value]
    limits = ["prlimit", f"--as={BYTES}", f"--nproc={PROCESSES}", f"--fsize={FILE_BYTES}", "--core=0"]
    kernel = [str(python), "-m", "ipykernel_launcher", "-f", f"{INSIDE}/connection.json"]
    if not as_root:
        return [*command, "--unshare-user", "--", *limits, *kernel]
    command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    other = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all", "--no-new-privs"]
    return [*command, "--", *other, *limits, *kernel]


def _site_packages() -> list[Path]:
    return [Path(path) for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


def main(arguments: Sequence[str]) -> int:
    """Write the description, or be the kernel that Jupyter starts with ``-f FILE``.

    Parameters
    ----------
    arguments : sequence of str

    Returns
    -------
    int
        2 if it is called in another way.
    """
    if len(arguments) == 1:
        path = write_kernelspec(arguments[0])
        print(f"{path}\n{CONFIGURE.format(name=NAME, path=Path(arguments[0]).resolve())}")
        return 0
    if len(arguments) != 2 or arguments[0] != "-f":
        print("expected a folder to write the kernel's description into", file=sys.stderr)
        return 2
    if shutil.which("bwrap") is None:
        raise OSError("there is no bubblewrap here; it is the package bubblewrap of most Linux distributions")
    connection = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
    folder = Path(tempfile.mkdtemp(prefix="inside-", dir=Path(str(connection.get("ip"))).parent))
    prepare(connection, folder)
    as_root = hasattr(os, "getuid") and os.getuid() == 0
    if as_root:
        for path in (folder, folder / "connection.json"):
            os.chown(path, USER, USER)
    command = box_command(folder, Path.cwd(), as_root)
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
