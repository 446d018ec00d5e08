"""Run notebooks as other processors would, and compare every output with the stored one. `make processors` runs it.

    python tools/check_processors.py                        notebooks 07 and 08
    python tools/check_processors.py notebooks/05*.ipynb    others

OPENBLAS_CORETYPE chooses the kernels of matrix products, NPY_DISABLE_CPU_FEATURES the loops of numpy's own functions;
each pair of them is run with one thread and with two. It takes some minutes.
"""

import ctypes
import os
import sys
from pathlib import Path

import nbformat
import numpy as np
from run_notebooks import ROOT, execute

NOTEBOOKS = ("07_train_it.ipynb", "08_joint_objective_and_real_bert.ipynb")
#: Kernels of OpenBLAS, and which of numpy's dispatched loops such a processor lacks.
PROCESSORS = {
    "SkylakeX": (),
    "Zen": ("AVX512", "X86_V4"),
    "Haswell": ("AVX512", "X86_V4"),
    "Sandybridge": ("AVX512", "X86_V4", "AVX2", "FMA", "X86_V3"),
    "Nehalem": ("AVX512", "X86_V4", "AVX2", "FMA", "X86_V3", "AVX"),
}
THREADS = (1, 2)


def settings(processor, threads):
    """Return the environment variables that make numpy compute as on a processor, with so many threads."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    lacking = [f for f in __cpu_dispatch__ if f.startswith(PROCESSORS[processor]) and __cpu_features__.get(f)]
    return {
        "OPENBLAS_CORETYPE": processor,
        "OPENBLAS_NUM_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
        "NPY_DISABLE_CPU_FEATURES": " ".join(lacking) if PROCESSORS[processor] else "",
    }


def core():
    """Return the name of the kernels that this process's OpenBLAS uses; "unknown" without a bundled OpenBLAS."""
    product = np.ones((300, 300)) @ np.ones((300, 300))  # dies here if the processor lacks what they need
    if product[0, 0] != 300:
        return "kernels that compute wrong results here"
    for library in sorted((Path(np.__file__).parent.parent / "numpy.libs").glob("*openblas*")):
        name = ctypes.CDLL(str(library)).scipy_openblas_get_corename64_
        name.restype = ctypes.c_char_p
        return name().decode()
    return "unknown"


def outputs(notebook):
    """Return the id and outputs of each code cell that nbval compares."""
    return {
        cell.id: [output.get("text", output.get("data")) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code" and "nbval-ignore-output" not in cell.metadata.get("tags", [])
    }


def differing(path, environment):
    """Execute a notebook in an environment; return the ids of the cells whose outputs differ from the stored ones."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        stored = nbformat.read(path, as_version=4)
        found = outputs(execute(nbformat.read(path, as_version=4), path.parent))
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    return [cell for cell, wanted in outputs(stored).items() if found[cell] != wanted]


def main(arguments):
    """Print a line for each processor, number of threads and notebook; return the number that differ."""
    if arguments == ["--core"]:
        print(core())
        return 0
    paths = [Path(argument).resolve() for argument in arguments] or [ROOT / "notebooks" / name for name in NOTEBOOKS]
    count = ran = 0
    for processor in PROCESSORS:
        for threads in THREADS:
            environment = settings(processor, threads)
            asked = os.popen(_command(environment)).read().strip()
            if not asked:
                print(f"{processor}: this processor cannot run its kernels", flush=True)
                continue
            for path in paths:
                cells = differing(path, environment)
                count += bool(cells)
                said = f"differs in {', '.join(cells)}" if cells else "same outputs"
                print(f"{processor} (OpenBLAS uses {asked}), {threads} threads, {path.name}: {said}", flush=True)
            ran += 1
    print(f"{ran} settings, {f'{count} differ' if count else 'all the same'}")
    if ran < 4:
        print("expected at least 4 settings that this processor can run")
        return 1
    return count


def _command(environment):
    set_first = " ".join(f"{name}='{value}'" for name, value in environment.items())
    return f"{set_first} '{sys.executable}' '{__file__}' --core"


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
