import base64
import os
import re
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from nsputil.plotting import COLORS, label_line, new_figure, reference_line, round_data, show, to_html

DRAW = """
import numpy as np
from nsputil.plotting import *
x = np.linspace(0.001, 0.999, 300)
fig, ax = new_figure()
ax.plot(x, round_data(-np.log(x)))
ax.plot(x, round_data(np.tanh(x) + np.random.default_rng(0).normal(size=300) @ np.ones((300, 300)) / 300))
reference_line(ax, np.log(2), "ln 2 = 0.6931")
label_line(ax, 0.5, 2, "$-\\\\ln p$", "blue")
print(to_html(fig, "a curve that falls"))
"""


def svg_of(html):
    return base64.b64decode(re.search(r"base64,([^\"]+)", html)[1]).decode()


def draw(**environment):
    done = subprocess.run(
        [sys.executable, "-c", DRAW], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return done.stdout


def test_a_figure_is_the_same_on_other_processors_and_in_other_processes():
    reference = draw(OPENBLAS_CORETYPE="Prescott", OPENBLAS_NUM_THREADS="1", PYTHONHASHSEED="1")
    assert reference == draw(OPENBLAS_CORETYPE="Haswell", OPENBLAS_NUM_THREADS="2", PYTHONHASHSEED="2")
    assert reference == draw(NPY_DISABLE_CPU_FEATURES="", MPLBACKEND="agg")


def test_text_keeps_its_digits_while_coordinates_are_rounded():
    svg = svg_of(draw())
    assert "ln 2 = 0.6931" in svg and svg.startswith("<svg")
    inside_tags = "".join(re.findall(r"<[^>]*>", svg))
    assert not re.search(r"\d\.\d{3,}", inside_tags)


def test_every_reference_in_the_svg_has_its_target():
    svg = svg_of(draw())
    targets = re.findall(r'id="([^"]+)"', svg)
    assert len(targets) == len(set(targets))
    assert set(re.findall(r'href="#([^"]+)"', svg)) | set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(targets)


def test_show_emits_alt_and_closes(capsys):
    fig, ax = new_figure()
    html = to_html(fig, 'alt with "quotes" & <signs>')
    assert 'alt="alt with &quot;quotes&quot; &amp; &lt;signs&gt;"' in html
    show(fig, alt="an empty pair of axes")
    assert not plt.fignum_exists(fig.number)


def test_bad_input_is_named():
    fig, ax = new_figure()
    with pytest.raises(ValueError, match="alt is 'loss'"):
        show(fig, alt="loss")
    with pytest.raises(TypeError, match="matplotlib Figure"):
        show(ax, alt="a curve that falls")
    with pytest.raises(ValueError, match="axis is 'z'"):
        reference_line(ax, 1, "one", axis="z")
    plt.close(fig)


def test_helpers_draw_what_they_say():
    fig, ax = new_figure(ncols=1)
    reference_line(ax, 0.5, "half")
    reference_line(ax, 0.25, "quarter", axis="x")
    label_line(ax, 0.1, 0.2, "here", "vermillion")
    assert [t.get_text() for t in ax.texts] == ["half", "quarter", "here"]
    assert ax.texts[2].get_color() == COLORS["vermillion"]
    assert round_data([0.123456, -0.0]).tolist() == [0.1235, 0.0] and not np.signbit(round_data(-0.0))
    plt.close(fig)
