"""The first lines of every result: the versions and the processor it belongs to."""

import platform
from importlib.metadata import version


def processor():
    """Return the processor's name and whether it has AVX-512, or what Python knows if there is no /proc/cpuinfo."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return f"{(names or [platform.machine()])[0]}, {'with' if 'avx512f' in text else 'without'} AVX-512"


def print_versions(*packages):
    """Print Python's version, those of the packages, and the processor."""
    found = [f"{name} {version(name)}" for name in packages]
    print(f"Python {platform.python_version()}, {', '.join(found)}; {processor()}", flush=True)
