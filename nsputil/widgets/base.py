"""What all widgets share: one style sheet, one kit of JavaScript, and a state that a static page can take over."""

import re
from pathlib import Path
from typing import Any, ClassVar

import anywidget

HERE = Path(__file__).parent


def browser_module(name: str) -> str:
    """Return one widget's ES module as text, with ``kit.js`` in place of its import.

    A notebook receives a widget as a single module, which cannot import its neighbor by a relative address. A web
    page can, and loads the same two files unchanged.

    Parameters
    ----------
    name : str
        The file's name without ``.js``, for example ``"loss_explorer"``.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the module does not import from ``./kit.js`` exactly once.
    """
    kit = re.sub(r"^export ", "", (HERE / "kit.js").read_text(encoding="utf-8"), flags=re.MULTILINE)
    own = (HERE / f"{name}.js").read_text(encoding="utf-8")
    parts = re.split(r'^import \{[^}]*\}\s*from "\./kit\.js";\n', own, flags=re.MULTILINE)
    if len(parts) != 2:
        raise ValueError(f"{name}.js imports from ./kit.js {len(parts) - 1} times; expected once")
    return parts[0] + kit + parts[1]


class CourseWidget(anywidget.AnyWidget):
    """A widget of the course: drawn by the browser from a few synced traits."""

    _css = HERE / "widgets.css"
    #: Name of the ES module beside this file.
    module: ClassVar[str] = ""
    #: Names of the traits that the picture depends on.
    shown: ClassVar[tuple[str, ...]] = ()

    def state(self) -> dict[str, Any]:
        """Return those traits by name: all that a page without Python needs to draw the widget."""
        return {name: getattr(self, name) for name in self.shown}
