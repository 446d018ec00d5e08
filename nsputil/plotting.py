"""The course's figures: one style, and `show`, which makes a figure accessible and the same on every machine.

`show` emits an ``<img alt=...>`` with the figure as SVG. It is visible in a fresh clone before anything runs, a screen
reader speaks its `alt`, and nbval compares it byte for byte. Introduced in notebook 02.
"""

import base64
import io
import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nsputil._types import Floats

if TYPE_CHECKING:  # matplotlib is loaded for the first figure only
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The palette of Okabe and Ito; people with the common kinds of color blindness can tell its colors apart.
COLORS = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
}

#: The style of the first line, the second, and so on: no two differ by their color alone.
CYCLE: dict[str, Any] = {
    "color": [COLORS[c] for c in ("blue", "vermillion", "green", "purple", "orange", "sky")],
    "linestyle": ["-", "--", "-.", ":", "-", "--"],
}

STYLE: dict[Any, Any] = {  # the keys are str; matplotlib's types list each of its own
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 13,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": 12,
    "lines.linewidth": 2.0,
    "path.simplify": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "nsputil",
}


@cache
def _pyplot() -> Any:  # the module matplotlib.pyplot
    """Load matplotlib and set the course style, once. This takes half a second, so it waits for the first figure."""
    import matplotlib as mpl
    from matplotlib import pyplot
    from matplotlib.rcsetup import cycler

    mpl.rcParams.update(STYLE | {"axes.prop_cycle": cycler(**CYCLE)})
    return pyplot


def new_figure(width: float = 6.5, height: float = 3.6, **subplots: Any) -> "tuple[Figure, Any]":
    """Return ``(fig, ax)`` in the course style; the first one loads matplotlib.

    Parameters
    ----------
    width, height : float
        In inches.
    **subplots
        Passed to `matplotlib.pyplot.subplots`, for example ``ncols=2``; then `ax` is an array of Axes.

    Returns
    -------
    (Figure, Axes)
    """
    return _pyplot().subplots(figsize=(width, height), layout="constrained", **subplots)


def round_data(values: ArrayLike, decimals: int = 4) -> Floats:
    """Return `values` rounded, so that no plotted coordinate depends on the processor's last bits.

    Parameters
    ----------
    values : array_like of float
    decimals : int

    Returns
    -------
    ndarray
        float64, same shape.
    """
    return np.round(np.asarray(values, dtype=np.float64), decimals) + 0.0


def reference_line(ax: "Axes", value: float, label: str, axis: str = "y") -> "Axes":
    """Draw a thin labeled line at a level that the reader should compare with, such as ``log 2``.

    Parameters
    ----------
    ax : Axes
    value : float
        The position of the line, in the units of the axis.
    label : str
        Written beside it.
    axis : {"y", "x"}
        "y" draws a horizontal line at ``y = value``, "x" a vertical one.

    Returns
    -------
    Axes
    """
    value = float(round_data(value))
    style: dict[str, Any] = {"color": "0.4", "linewidth": 1.0, "linestyle": (0, (1, 2)), "zorder": 1}
    if axis == "y":
        ax.axhline(value, **style)
        ax.annotate(
            label,
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color="0.3",
            fontsize=10,
        )
    elif axis == "x":
        ax.axvline(value, **style)
        ax.annotate(
            label,
            (value, 1),
            xycoords=("data", "axes fraction"),
            xytext=(4, -2),
            textcoords="offset points",
            ha="left",
            va="top",
            color="0.3",
            fontsize=10,
        )
    else:
        raise ValueError(f"axis is {axis!r}; expected 'y' for a horizontal line or 'x' for a vertical one")
    return ax


def label_line(ax: "Axes", x: float, y: float, text: str, color: str = "black", **text_options: Any) -> "Axes":
    """Write `text` beside a curve at data coordinates, in the curve's color, instead of a legend.

    Parameters
    ----------
    ax : Axes
    x, y : float
        In data coordinates; the text starts there.
    text : str
    color : str
        A key of `COLORS` or any matplotlib color.
    **text_options
        Passed to `Axes.text`.

    Returns
    -------
    Axes
    """
    x, y = (float(v) for v in round_data([x, y]))
    ax.text(x, y, text, color=COLORS.get(color, color), **{"fontsize": 11, **text_options})
    return ax


def draw_flow(ax: "Axes", steps: Sequence[tuple[str, str, str]]) -> "Axes":
    """Draw how one thing becomes the next, from top to bottom: a box for each, an arrow between two.

    Parameters
    ----------
    ax : Axes
    steps : sequence of (str, str, str)
        What is in the box, its shape or value, and what leads to it. The last is written beside the arrow above the
        box, or beside the box itself if it is the first.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there are fewer than two steps.

    Notes
    -----
    Introduced in notebook 01.
    """
    if len(steps) < 2:
        raise ValueError(f"steps holds {len(steps)}; expected at least two, an arrow leads from one to the next")
    ax.set(xlim=(0, 10), ylim=(-1.45 * len(steps) + 0.55, 0.45))
    ax.axis("off")
    box = {"boxstyle": "square,pad=0.35", "facecolor": "#EAF3F9", "edgecolor": COLORS["blue"]}
    for number, (name, shape, how) in enumerate(steps):
        y = -1.45 * number
        ax.text(2.6, y, f"{name}  {shape}".strip(), ha="center", va="center", fontsize=11, bbox=box)
        beside = y if number == 0 else y + 0.72
        ax.text(4.6, beside, how, ha="left", va="center", fontsize=10, color="0.25")
        if number:
            arrow = {"arrowstyle": "-|>", "color": "0.35", "linewidth": 1.2}
            ax.annotate("", (2.6, y + 0.42), (2.6, y + 1.05), arrowprops=arrow)
    return ax


def show(fig: "Figure", alt: str) -> None:
    """Show a figure as an image with a text alternative, and close it. The last line of a figure cell.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str
        What the figure shows, in one sentence, for a reader who cannot see it.

    Raises
    ------
    TypeError
        If `fig` is not a matplotlib Figure.
    ValueError
        If `alt` has fewer than three words.
    """
    from IPython.display import HTML, display

    display(HTML(to_html(fig, alt)))
    _pyplot().close(fig)


def to_html(fig: "Figure", alt: str) -> str:
    """Return the ``<img>`` that `show` displays: deterministic SVG in a data URI, with `alt`.

    Parameters, errors: as `show`. The figure stays open.

    Returns
    -------
    str
    """
    from html import escape

    from matplotlib.figure import Figure

    if not isinstance(fig, Figure):
        raise TypeError(f"fig is a {type(fig).__name__}; expected a matplotlib Figure, as new_figure() gives")
    if not isinstance(alt, str) or len(alt.split()) < 3:
        raise ValueError(f"alt is {alt!r}; expected a sentence that says what the figure shows")
    data = base64.b64encode(_svg(fig).encode()).decode()
    width = round(fig.get_size_inches()[0] * 96)
    return (
        f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}" '
        f'style="max-width: 100%; width: {width}px; background: white">'
    )


def _svg(fig: "Figure") -> str:
    """Return the figure as SVG text that does not depend on the time, the processor, or hashes of coordinates."""
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context(STYLE):  # in case the session has changed the style
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches=None)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r"-?\d+\.\d+", _two_decimals, tag[0]), svg)
    # Ids are hashes of coordinates; number them in order instead.
    names: dict[str, str] = {}
    for name in re.findall(r'id="([a-z]\w*?[0-9a-f]{8,})"', svg):
        names.setdefault(name, f"i{len(names)}")
    for old, new in names.items():
        svg = re.sub(rf'(id="|#){old}\b', rf"\g<1>{new}", svg)
    svg = svg.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")
    return "\n".join(line.strip() for line in svg.splitlines() if line.strip())


def _two_decimals(number: re.Match[str]) -> str:
    # The small offset moves round numbers off the rounding edge, where the last bit would decide.
    return f"{float(number[0]) + 3.7e-5:.2f}".rstrip("0").rstrip(".")
