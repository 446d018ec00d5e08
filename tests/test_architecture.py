"""The map of the package: that circles and climbs would be found, and that every module is in the picture."""

import importlib
import re
from pathlib import Path

from tools import architecture

ROOT = Path(__file__).resolve().parents[1]


def test_circles_are_found_and_counted():
    assert architecture.circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert len(architecture.circles({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"e"}, "e": {"c"}})) == 2


def test_imports_that_climb_or_stay_in_their_layer():
    rooms = {"top": {"low"}, "low": {"top"}, "leaf": set()}
    assert architecture.upward(rooms, [["top"], ["low", "leaf"]]) == [("low", "top")]


def test_an_arrow_that_a_longer_way_tells_is_left_out():
    rooms = {"a": {"b", "c"}, "b": {"c"}, "c": set()}
    assert architecture.reduced(rooms) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_the_page_and_the_picture_hold_every_module():
    modules = {path.stem for path in (ROOT / "nsputil").glob("*.py")} - {"__init__"}
    modules |= {path.parent.name for path in (ROOT / "nsputil").glob("*/__init__.py")}
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = architecture.PICTURE.read_text(encoding="utf-8")
    for name in modules:
        assert f"[`{name}`]" in page and f">{name}</text>" in drawn, name


def test_the_walks_name_what_is_there():
    """Every `module.name` of the page can be imported."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("## The layers")[0]
    named = re.findall(r"`([a-z_]+)\.([A-Za-z_]+)(?:\.([a-z_]+))?`", page)
    assert len(named) > 5
    for module, name, method in named:
        if name in ("py", "md"):
            continue
        package = importlib.import_module(f"nsputil.{module}")
        value = getattr(package, name, None) or importlib.import_module(f"nsputil.{module}.{name}")
        assert not method or hasattr(value, method), (module, name, method)
