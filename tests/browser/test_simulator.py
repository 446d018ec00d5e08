"""The clinic simulator in a real JupyterLab: a whole case by keyboard, one by mouse, and for everybody."""

import nbformat
import pytest
from lab_browser import ask_kernel, command, end_kernels, run_all, show_notebook, theme
from look import axe, check_focus, picture, resting_box

KERNEL = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
MAKE = """from nsputil import widgets
from nsputil.clinic.game_progress import GameProgress
simulator = widgets.clinic_simulator("2A", progress=GameProgress())"""
CASES = "{c.cause: encode(k) for k, c in enumerate(bank().cases) if c.part == 'test' and c.program < 3}"
STATE = """{"belief": simulator.belief, "spent": simulator.game.spent, "turn": simulator.turn,
  "log": [[e.probe, e.predicted, e.odd, e.bits, e.best_probe] for e in simulator.game.log],
  "debrief": simulator.debrief, "code": simulator.game.code, "played": len(simulator.progress.played)}"""
TOLD = "(text) => document.querySelector('.nsp-clinic-simulator').textContent.includes(text)"
LINES = "(n) => document.querySelectorAll('.nsp-clinic-simulator .log li').length === n"


@pytest.fixture(scope="module")
def page(server, lab_page):
    cells = [nbformat.v4.new_code_cell(source) for source in (MAKE, "simulator")]
    nbformat.write(nbformat.v4.new_notebook(metadata=KERNEL, cells=cells), server.folder / "simulator.ipynb")
    lab_page.name, lab_page.errors[:] = "simulator", []
    lab_page.set_viewport_size({"width": 1280, "height": 2800})
    show_notebook(lab_page, "simulator.ipynb")
    run_all(lab_page)
    lab_page.wait_for_selector(".nsp-clinic-simulator", state="attached")
    yield lab_page
    lab_page.set_viewport_size({"width": 1280, "height": 900})
    end_kernels(server)


@pytest.fixture
def widget(page):
    return page.locator(".nsp-clinic-simulator")


@pytest.fixture(scope="module")
def cases(page):
    """A case code for each cause, of a program that trains within a second or two."""
    load = "from nsputil.clinic.case_bank import bank; from nsputil.clinic.case_codes import encode"
    return ask_kernel(page, load, CASES)


def game(page):
    """Return what the kernel knows of the game, once it has heard all that was done."""
    known = None
    while known != (known := ask_kernel(page, "pass", STATE)):
        page.wait_for_timeout(250)
    return known


def tab_to(page, wanted, most=120):
    """Press Tab until the wanted element has the focus; the focus is seen all the way."""
    target = wanted.element_handle()
    for _ in range(most):
        page.keyboard.press("Tab")
        check_focus(page)
        if page.evaluate("(wanted) => document.activeElement === wanted", target):
            return
    pytest.fail(f"Tab does not lead to {wanted}")


def said(widget):
    """Return what the live regions say."""
    return " ".join(text for text in widget.locator("output").all_text_contents() if text)


def open_case(page, widget, code):
    """Type a case code and press Enter."""
    box = widget.get_by_label("Case code")
    box.fill(code)
    box.press("Enter")
    page.wait_for_function(TOLD, arg=f"Case {code} is on the table")


def check_notebook(widget, state):
    """Compare the evidence notebook of the page with the game's."""
    lines = widget.locator(".log li").all_text_contents()
    assert len(lines) == len(state["log"])
    for text, (probe, predicted, odd, bits, best) in zip(lines, state["log"], strict=True):
        assert probe in text and (": odd" if odd else ": normal") in text and f"{bits:.2f} bits" in text
        assert ("as you said" in text) == ((predicted == "odd") == odd)
        assert ("no probe promised more" if best == probe else f"{best} promised most") in text


def test_a_whole_case_by_keyboard(page, widget, cases):
    open_case(page, widget, cases["labels-shuffled"])
    # The look: both pictures say in words what they show.
    for plot in widget.locator("svg[role=img]").all():
        assert "at the end" in plot.get_attribute("aria-label")
    # The belief: a group's bar, then a cause's.
    group = widget.get_by_label("stuck-at-ln2", exact=True)
    tab_to(page, group)
    page.keyboard.press("PageUp")
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    share = float(group.input_value()) / 100
    assert share > 0.4 and group.get_attribute("aria-valuetext") == f"{100 * share:.1f} %"
    tab_to(page, widget.get_by_role("button", name="causes of stuck-at-ln2"))
    page.keyboard.press("Enter")
    cause = widget.get_by_label("labels-shuffled", exact=True)
    tab_to(page, cause)
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    belief = game(page)["belief"]
    assert belief["labels-shuffled"] == pytest.approx(0.99 * share, abs=1e-9)
    assert sum(belief.values()) == pytest.approx(1)
    # Without a prediction there is no probe.
    run = widget.get_by_role("button", name="Run the probe")
    tab_to(page, run)
    page.keyboard.press("Enter")
    assert "Predict first" in said(widget)
    assert game(page)["log"] == []
    for number, probe in enumerate(("look-at-rows", "roll")):
        chooser = widget.get_by_label("Probe", exact=True)
        chooser.focus()
        page.keyboard.type(probe)
        tab_to(page, widget.get_by_role("radio", name="normal"))
        page.keyboard.press("Space")
        if number == 0:
            page.keyboard.press("ArrowRight")
        tab_to(page, run)
        page.keyboard.press("Enter")
        page.wait_for_function(LINES, arg=number + 1)
        state = game(page)
        assert state["log"][-1][:2] == [probe, "odd" if number == 0 else "normal"]
        assert f"{200 - state['spent']:g} of 200 steps left" in said(widget)
        check_notebook(widget, state)
    # The answer.
    tab_to(page, widget.get_by_label("The answer"))
    page.keyboard.type("labels-shuffled")
    assert "Repair:" in widget.inner_text()
    tab_to(page, widget.get_by_role("button", name="Commit"))
    page.keyboard.press("Enter")
    again = widget.get_by_role("button", name="Train it again, repaired")
    again.wait_for()
    end = game(page)["debrief"]
    assert end["right"] and f"Score {end['score']:.0f}:" in said(widget).replace("−", "-")
    assert f"{end['efficiency']:.1%}".replace("%", " %") in widget.inner_text()
    tab_to(page, again)
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('.nsp-clinic-simulator svg[role=img]').length === 4")
    assert "repaired" in widget.locator("svg[role=img]").nth(2).get_attribute("aria-label")
    widget.get_by_role("button", name="Examine its facts").click()
    told = widget.get_by_role("log", name="What the facts say").locator("li").first
    told.wait_for(timeout=90_000)
    assert "This names labels-shuffled." in told.text_content()
    picture(widget, "simulator-end-light")
    assert page.errors == []


def test_a_whole_case_by_mouse(page, widget, cases):
    played = game(page)["played"]
    widget.get_by_label("Case code").fill(cases["double-softmax"])
    widget.get_by_role("button", name="Open").click()
    page.wait_for_function(TOLD, arg=f"Case {cases['double-softmax']} is on the table")
    bar = widget.get_by_label("wrong-level", exact=True)
    box = resting_box(bar)
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    assert float(bar.input_value()) == pytest.approx(60, abs=6)
    widget.get_by_label("Probe", exact=True).select_option(index=2)
    widget.get_by_text("odd", exact=True).click()
    widget.get_by_role("button", name="Run the probe").click()
    page.wait_for_function(LINES, arg=1)
    check_notebook(widget, game(page))
    asked = widget.get_by_label("Probe", exact=True).locator("option").nth(2)
    assert asked.is_disabled(), "nobody pays twice for a probe"
    assert not widget.get_by_role("radio", name="odd").is_checked(), "the next probe wants a prediction of its own"
    widget.get_by_label("The answer").select_option("labels-shuffled")
    widget.get_by_role("button", name="Commit").click()
    widget.get_by_role("button", name="Train it again, repaired").wait_for()
    state = game(page)
    assert not state["debrief"]["right"] and "It is double-softmax" in said(widget)
    assert state["played"] == played + 1 and f"Played: {played + 1}" in widget.inner_text()
    widget.get_by_role("button", name="Commit").click()
    page.wait_for_function(TOLD, arg="the game is over")
    widget.get_by_label("Deal from").select_option("one-class")
    widget.get_by_role("button", name="Deal a case").click()
    page.wait_for_function("(old) => document.querySelector('.nsp-clinic-simulator input[type=text]').value !== old",
                           arg=cases["double-softmax"])  # fmt: skip
    assert widget.get_by_role("button", name="Train it again, repaired").count() == 0, "the debrief is gone"
    state = game(page)
    assert widget.get_by_label("Case code").input_value() == state["code"] and state["log"] == []
    widget.get_by_label("Case code").fill("nowhere")
    widget.get_by_role("button", name="Open").click()
    page.wait_for_function(TOLD, arg="is no case code")
    assert page.errors == []


def test_light_dark_narrow_and_axe(page, widget, cases):
    open_case(page, widget, cases["one-label"])
    for name in ("Instruments", "The curves as a table"):
        widget.locator("summary", has_text=name).click()
        widget.locator("details[open] tbody tr").nth(20).wait_for()
    widget.get_by_role("button", name="causes of memorises").click()
    axe(page, "simulator-light")
    for name in ("Instruments", "The curves as a table"):
        widget.locator("summary", has_text=name).click()
    theme(page, "JupyterLab Dark")
    axe(page, "simulator-dark", rules=["color-contrast"])
    picture(widget, "simulator-dark")
    theme(page, "JupyterLab Light")
    command(page, "application:toggle-left-area")
    for width in (400, 1900):
        page.set_viewport_size({"width": width, "height": 2800})
        page.wait_for_timeout(200)
        assert widget.evaluate("(root) => root.scrollWidth <= root.clientWidth"), "something sticks out"
        assert all(bar.bounding_box()["width"] >= 70 for bar in widget.locator(".belief > .control input").all())
        picture(widget, f"simulator-{width}")
    command(page, "application:toggle-left-area")
    page.set_viewport_size({"width": 1280, "height": 2800})
    assert page.errors == []


def test_a_kernel_that_is_gone_is_said(page, widget):
    command(page, "kernelmenu:restart")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    widget.get_by_role("button", name="Deal a case").click()
    page.wait_for_function(TOLD, arg="Python does not answer")
    assert page.errors == []
