"""The checks as a learner's code finds them in the box: they are called and say nothing.

This file is ``nsputil/checks/__init__.py`` in the box. There is no bank there, so nothing can be looked up.
"""

import pkgutil
from pathlib import Path
from typing import Any

_MODULES = {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])}


class Silent:
    """Takes every call and gives itself back."""

    def __call__(self, *_: Any, **__: Any) -> "Silent":
        """Say nothing."""
        return self

    def __getattr__(self, name: str) -> "Silent":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "a check: the verdict is spoken after the notebook has run"


def exercises() -> dict[str, Silent]:
    """Return no exercise."""
    return {}


def __getattr__(name: str) -> Silent:
    if name.startswith(("_", "pytest")) or name in _MODULES:  # which pytest asks of all modules
        raise AttributeError(name)
    return Silent()
