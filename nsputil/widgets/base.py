"""What all widgets share: one style sheet, one kit of JavaScript, and a state that a static page can take over."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget

from nsputil.plotting import to_html

if TYPE_CHECKING:  # matplotlib is loaded for the first figure only
    from matplotlib.figure import Figure

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

    def picture(self) -> "Figure | None":
        """Return a still picture of what the widget shows now, or None if it has none.

        It is stored in the notebook beside the live widget, for readers of a page where nothing runs.
        """
        return None

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        figure = self.picture()
        if bundle is None or figure is None:
            return bundle
        from matplotlib import pyplot

        image = to_html(figure, f"A still picture of the widget at its start. {self!r}")
        pyplot.close(figure)
        bundle[0]["text/html"] = f"{image}<p>A still picture of the widget. Run the cell to move it.</p>"
        return bundle
