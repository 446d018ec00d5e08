"""The clinic simulator in a page without Python, as the reading site has it: what it says is what the game says."""

import json

import pytest
from lab_browser import BUILD, ROOT, open_page
from look import axe, picture
from widget_view import numbers

from nsputil import widgets
from nsputil.clinic.case_bank import bank
from nsputil.clinic.case_codes import decode, encode
from nsputil.clinic.game import Game
from nsputil.clinic.game_progress import GameProgress

ROW = next(int(k) for k in bank().rows("test") if bank().cases[k].cause == "false-negatives")
PROBES = ("read-the-arrays", "look-at-rows")  # from the third on the tool also thinks of two faults at once


@pytest.fixture(scope="module")
def page(server, chromium):
    """A file with the widget's module, its state and the reading site's script; no server, no kernel."""
    simulator = widgets.clinic_simulator(encode(ROW), progress=GameProgress())
    state = json.dumps(simulator.state()).replace("</", "<\\/")
    modules = json.dumps({"clinic_simulator": str(simulator._esm)}).replace("</", "<\\/")
    live = (ROOT / "tools" / "site" / "live.js").read_text(encoding="utf-8")
    css = (ROOT / "nsputil" / "widgets" / "widgets.css").read_text(encoding="utf-8")
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "alone.html").write_text(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Alone</title><style>{css}</style><body>"
        f"<main><h1>Alone</h1><div class='nsp-live' data-module='clinic_simulator'><p>{simulator!r}</p>"
        f"<script type='application/json'>{state}</script></div></main>"
        f"<script>globalThis.nspModules = {modules};</script><script>{live}</script></body></html>",
        encoding="utf-8",
    )
    page = open_page(chromium, 700, 2800)
    page.goto((BUILD / "alone.html").as_uri())
    page.wait_for_selector(".nsp-clinic-simulator")
    yield page
    page.context.close()


def test_a_case_is_played_and_scored_as_the_game_does(page):
    widget, game = page.locator(".nsp-clinic-simulator"), Game(encode(ROW))
    for number, probe in enumerate(PROBES):
        index = list(bank().probes).index(probe)
        widget.get_by_label("Probe", exact=True).select_option(index=index)
        widget.get_by_text("odd", exact=True).click()
        widget.get_by_role("button", name="Run the probe").click()
        entry = game.ask(probe, "odd")
        line = widget.locator(".log li").nth(number).text_content()
        assert f"{entry.bits:.2f} bits" in line and (": odd" if entry.odd else ": normal") in line
        assert f"{200 - game.spent:g} of 200 steps left" in widget.inner_text()
    widget.get_by_label("weak-ceiling", exact=True).focus()
    page.keyboard.press("End")
    widget.get_by_label("The answer").select_option("false-negatives")
    widget.get_by_role("button", name="Commit").click()
    ceiling = [c for c, group in game.groups.items() if group == "weak-ceiling"]
    game.believe(dict.fromkeys(ceiling, 1))
    end = game.commit("false-negatives")
    said = widget.locator(".part output").all_text_contents()[-3].replace("−", "-")
    assert said.startswith("Right. It is false-negatives. Score")
    told = [end.score, end.belief_points, end.probe_points, 0]
    assert numbers(said) == pytest.approx(told, abs=0.51), said
    believed = widget.get_by_role("list", name="The tool's belief").get_by_role("listitem").all_text_contents()
    assert believed == [f"{cause.name}{100 * cause.probability:.1f} %" for cause in end.tool.causes[:4]]
    widget.get_by_role("button", name="See a healthy run").click()
    assert widget.locator("svg[role=img]").count() == 4
    assert widget.get_by_role("button", name="Examine its facts").count() == 0, "it takes Python"
    axe(page, "simulator-alone", ours="main")
    picture(widget, "simulator-alone")
    assert page.errors == []


def test_other_cases_are_at_hand_and_the_rest_is_named(page):
    widget = page.locator(".nsp-clinic-simulator")
    seen = set()
    for _ in range(4):
        seen.add(widget.get_by_label("Case code").input_value())
        assert decode(widget.get_by_label("Case code").input_value()) < len(bank())
        widget.get_by_role("button", name="Deal a case").click()
    assert len(seen) == 4 and widget.locator(".log li").count() == 0
    widget.get_by_label("Case code").fill("ZZ")
    widget.get_by_role("button", name="Open").click()
    assert "This page has no case ZZ" in widget.inner_text()
    assert page.errors == []
