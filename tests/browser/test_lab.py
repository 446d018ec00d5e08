"""Every notebook in a real JupyterLab: it runs, its widgets answer to keys and mouse, everybody can read it.

Pictures of all widgets are kept in build/browser/pictures: light, dark, narrow. What axe finds stands in build/browser.
"""

import re

import pytest
from lab_browser import ROOT, ask_kernel, command, end_kernels, outputs, run_all, show_notebook, theme
from look import axe, check_focus, picture, resting_box
from widget_view import check, view

TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "notebooks").glob("*.ipynb")}
NOTEBOOKS = sorted(TEXTS)
#: Notebooks that show a slider widget, by their text: what the page lacks must not pass for a notebook without one.
WITH_WIDGETS = [name for name in NOTEBOOKS if re.search(r"\bwidgets\.\w+_(explorer|player)\(", TEXTS[name])]
#: Of the widgets that the kernel holds, by name; a widget made anew comes last.
STATES = (
    "{w.module: w.state() for w in __import__('ipywidgets').widgets.widget._instances.values() if hasattr(w, 'shown')}"
)


@pytest.fixture(scope="module", params=NOTEBOOKS)
def page(request, server, lab_page):
    """The page with the notebook open and run."""
    lab_page.name, lab_page.errors[:] = request.param, []
    show_notebook(lab_page, f"notebooks/{request.param}.ipynb")
    run_all(lab_page)
    yield lab_page
    lab_page.set_viewport_size({"width": 1280, "height": 900})
    end_kernels(server)


def widgets_of(page):
    """Return the widgets of the page, located, in their order; the simulator has tests of its own."""
    return page.locator(".nsp-widget:not(.nsp-clinic-simulator)").all()


def state(page, widget):
    """Return the state of a widget as the kernel knows it, once it has heard all that was done."""
    name, known = view(widget)["name"], None
    while known != (known := ask_kernel(page, "pass", STATES)[name]):
        page.wait_for_timeout(50)
    return known


def test_it_runs_without_an_error(page):
    found = [cell for cell in outputs(page) if "".join(cell["source"]).strip()]
    assert [cell["execution_count"] for cell in found] == list(range(1, len(found) + 1))
    for cell in found:
        if "raises-exception" not in cell["metadata"].get("tags", []):
            bad = [o for o in cell["outputs"] if o["output_type"] == "error" or o.get("name") == "stderr"]
            assert bad == [], cell["id"]
    texts = [output.get("data", {}).get("text/plain", "") for cell in found for output in cell["outputs"]]
    made = sum(re.match(r"\w+(Explorer|Player|Simulator): ", "".join(text)) is not None for text in texts)
    page.wait_for_function("(made) => document.querySelectorAll('.nsp-widget').length === made", arg=made)
    assert page.errors == []


def test_widgets_answer_to_keys(page):
    for widget in widgets_of(page):
        for slider in widget.locator("input[type=range]").all():
            slider.focus()
            page.keyboard.press("Tab")
            page.keyboard.press("Shift+Tab")
            check_focus(page)
            before = view(widget)
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("ArrowRight")
            after = check(widget, state(page, widget))
            assert after["sliders"] != before["sliders"] and after["sentence"] != before["sentence"]
            assert after["plots"] != before["plots"]
        if widget.locator("input[type=radio]").count():
            widget.locator("input[type=radio]:checked").focus()
            before = view(widget)["radio"]
            page.keyboard.press("ArrowRight")
            check_focus(page)
            assert check(widget, state(page, widget))["radio"] == 1 - before
        for select in widget.locator("select").all():
            before = view(widget)["choice"]
            select.focus()
            page.keyboard.press("ArrowDown")
            assert check(widget, state(page, widget))["choice"] != before
        moved = []
        for button in widget.locator("button").all():
            before = view(widget)["sliders"]
            button.focus()
            page.keyboard.press("Enter")
            page.keyboard.press("Space")
            moved.append(check(widget, state(page, widget))["sliders"] != before)
        assert any(moved) or not moved, "no button moves anything"
        widget.locator("summary").focus()
        page.keyboard.press("Enter")
        widget.locator("tbody tr").first.wait_for()  # the table of the curve is there when it is opened
        page.keyboard.press("Enter")


def test_widgets_answer_to_the_mouse(page):
    for index, widget in enumerate(widgets_of(page)):
        for slider in widget.locator("input[type=range]").all():
            box = resting_box(slider)
            y = box["y"] + box["height"] / 2
            page.mouse.move(box["x"] + box["width"] * 0.5, y)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.6, y)
            page.mouse.move(box["x"] + box["width"] * 0.7, y, steps=4)
            page.mouse.up()
            low, high, value = slider.evaluate("(i) => [i.min, i.max, i.value].map(Number)")
            assert (value - low) / (high - low) == pytest.approx(0.7, abs=0.06)
            check(widget, state(page, widget))
        for label in widget.locator("fieldset label").all():
            label.click()
            assert label.locator("input").is_checked()
            check(widget, state(page, widget))
        picture(widget, f"{page.name}-{index}-light")


def test_a_widget_is_reached_and_left_by_keys_alone(page):
    if page.name not in WITH_WIDGETS:
        assert widgets_of(page) == []
        return
    inside = "() => document.activeElement.closest('.nsp-widget') !== null"
    first = widgets_of(page)[0]
    first.evaluate(
        """(root) => {
             const { content } = jupyterapp.shell.currentWidget;
             content.activeCellIndex = content.widgets.findIndex((cell) => cell.node.contains(root));
           }"""
    )
    resting_box(first)
    command(page, "notebook:enter-command-mode")
    page.keyboard.press("Escape")
    page.wait_for_function(
        "() => jupyterapp.shell.currentWidget.content.activeCell.node.contains(document.activeElement)"
    )
    way = []
    while not page.evaluate(inside):
        assert len(way) < 20, f"twenty times Tab does not lead from the cell into its widget, but to {way}"
        page.keyboard.press("Tab")
        way.append(page.evaluate("() => document.activeElement.outerHTML.slice(0, 60)"))
    check_focus(page)
    for _ in range(30):
        page.keyboard.press("Tab")
        if not page.evaluate(inside):
            return
    pytest.fail("Tab does not leave the widget")


def test_axe_finds_nothing_of_ours_in_light_and_dark_and_pictures_are_kept(page):
    axe(page, f"{page.name}-light")
    theme(page, "JupyterLab Dark")
    axe(page, f"{page.name}-dark", rules=["color-contrast"])
    for index, widget in enumerate(widgets_of(page)):
        picture(widget, f"{page.name}-{index}-dark")
    theme(page, "JupyterLab Light")


def test_narrow_and_wide_windows(page):
    command(page, "application:toggle-left-area")
    for width in (400, 1900):
        page.set_viewport_size({"width": width, "height": 1200})
        page.wait_for_timeout(200)
        for index, widget in enumerate(widgets_of(page)):
            picture(widget, f"{page.name}-{index}-{width}")
            assert widget.evaluate("(root) => root.scrollWidth <= root.clientWidth"), "something sticks out"
            shown = widget.evaluate(
                """(root) => { const box = root.getBoundingClientRect();
                   const area = root.closest(".jp-OutputArea-output, .jp-OutputArea").getBoundingClientRect();
                   return box.left >= area.left - 1 && box.right <= area.right + 1; }"""
            )
            assert shown, "the widget is wider than its cell"
            slider = widget.locator("input[type=range]").first
            assert slider.bounding_box()["width"] >= 70
            check(widget, state(page, widget))
    command(page, "application:toggle-left-area")
