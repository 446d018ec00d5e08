"""What a learner does next day: restart the kernel, reload the page, open the notebook again."""

import pytest
from lab_browser import (
    READY,
    api,
    ask_kernel,
    command,
    end_kernels,
    open_notebook,
    open_page,
    run_all,
)
from look import picture
from widget_view import check, view

NOTEBOOK = "notebooks/05_the_gradient.ipynb"
SHOW_CELL = """() => {
  const { content } = jupyterapp.shell.currentWidget;
  const isIt = (cell) => cell.model.sharedModel.source.includes("widgets.gradient_explorer()");
  return content.scrollToItem(content.widgets.findIndex(isIt), "start");
}"""
START = {"z_is_next": 1.4, "z_not_next": 0.0, "label": 1, "rate": 1.0}


@pytest.fixture
def page(server, chromium):
    page = open_page(chromium)
    open_notebook(page, server, NOTEBOOK)
    run_all(page)
    page.wait_for_selector(".nsp-widget", state="attached")
    yield page
    page.context.close()
    end_kernels(server)


def press_right(page):
    """Move the third slider, the step size, by one step."""
    slider = page.locator(".nsp-widget input[type=range]").nth(2)
    slider.focus()
    page.keyboard.press("ArrowRight")


def test_after_a_restart_the_widget_still_answers_and_running_again_makes_it_new(page):
    command(page, "kernelmenu:restart")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.wait_for_function(READY)
    press_right(page)
    check(page.locator(".nsp-widget"), START | {"rate": 1.1})
    picture(page.locator(".nsp-widget"), "after-restart")
    run_all(page)
    page.wait_for_function("() => document.querySelector('.nsp-widget output')?.textContent.includes('0.5962')")
    press_right(page)
    check(page.locator(".nsp-widget"), START | {"rate": 1.1})
    assert page.errors == []


def test_reloaded_with_its_kernel_alive_the_widget_is_where_it_was(page):
    press_right(page)
    before = view(page.locator(".nsp-widget"))
    assert ask_kernel(page, "import ipywidgets", "1") == 1
    command(page, "docmanager:save")
    page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
    page.reload()
    page.wait_for_function(READY)
    page.evaluate(SHOW_CELL)  # JupyterLab draws a cell far below only when it has time
    page.wait_for_selector(".nsp-widget", state="attached")
    assert view(page.locator(".nsp-widget"))["sentence"] == before["sentence"]


def test_opened_again_without_its_kernel_the_page_is_whole_and_one_run_brings_the_widget_back(page, server, chromium):
    command(page, "docmanager:save")
    page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
    page.context.close()
    end_kernels(server)
    assert api(server, "GET", "/api/sessions") == []
    again = open_page(chromium)
    open_notebook(again, server, NOTEBOOK)
    cell = again.locator(".jp-CodeCell", has_text="widgets.gradient_explorer()")
    cell.scroll_into_view_if_needed()
    again.wait_for_timeout(500)
    picture(cell, "opened-again")
    assert cell.locator(".jp-OutputArea-output").inner_text().strip(), "the place of the widget is not empty"
    assert again.locator("img[alt^='The loss falls with the gap']").count() == 1, "the notebook's figure is still there"
    run_all(again)
    again.wait_for_selector(".nsp-widget", state="attached")
    press_right(again)
    check(again.locator(".nsp-widget"), START | {"rate": 1.1})
    assert again.errors == []
    again.context.close()
