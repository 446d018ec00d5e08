"""All exercises of the course: one module a notebook, ``nbNN``, each with a tuple ``EXERCISES`` in the order of work.

A learner who wants to keep the surprise does not read these files: the answers stand in them.
"""

import importlib
import pkgutil
from functools import cache


@cache
def exercises():
    """Return every exercise, in the order of the course.

    Returns
    -------
    dict
        {name: Exercise}

    Raises
    ------
    ValueError
        If two exercises share a name, or a module holds one of another notebook.
    """
    found = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        for exercise in importlib.import_module(f"{__name__}.{module}").EXERCISES:
            if exercise.name in found:
                raise ValueError(f"two exercises are called {exercise.name}; expected different names")
            if module != f"nb{exercise.notebook:02d}":
                raise ValueError(f"{exercise.name} of notebook {exercise.notebook} stands in {module}.py")
            found[exercise.name] = exercise
    return found
