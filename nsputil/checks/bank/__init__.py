"""All exercises of the course: one module ``nbNN`` for each notebook, with a tuple ``EXERCISES`` in the order of work.

These files hold the answers. Do not read them if you want to find the answers yourself.
"""

import importlib
import pkgutil
from functools import cache

from nsputil.checks.exercise import Exercise


@cache
def exercises() -> dict[str, Exercise]:
    """Return every exercise, in the order of the course.

    Returns
    -------
    dict
        {name: Exercise}

    Raises
    ------
    ValueError
        If two exercises share a name, or a module holds an exercise of another notebook.
    """
    by_name: dict[str, Exercise] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        for exercise in importlib.import_module(f"{__name__}.{module}").EXERCISES:
            if exercise.name in by_name:
                raise ValueError(f"two exercises are called {exercise.name}; expected different names")
            if module != f"nb{exercise.notebook:02d}":
                raise ValueError(f"{exercise.name} belongs to notebook {exercise.notebook} but is in {module}.py")
            by_name[exercise.name] = exercise
    return by_name
