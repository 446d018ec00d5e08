"""How a page is looked at: axe, visible focus, pictures."""

import json

from axe_playwright_python.sync_playwright import Axe
from lab_browser import BUILD

#: What the course itself puts on the page: widgets, markdown, figures. All the rest is JupyterLab's own.
OURS = ".nsp-widget, .jp-RenderedMarkdown, .jp-RenderedHTML"
FOCUS = """() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return document.activeElement.closest(".nsp-widget") !== null && document.activeElement.matches(":focus-visible")
    && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
}"""


def check_focus(page):
    """Assert that the focus is inside a widget and can be seen."""
    assert page.evaluate(FOCUS), page.evaluate("() => document.activeElement.outerHTML.slice(0, 200)")


def resting_box(locator):
    """Scroll to a control and return its box once it no longer moves: after a run JupyterLab goes on scrolling."""
    box = None
    for _ in range(40):
        before = box
        locator.scroll_into_view_if_needed()
        box = locator.bounding_box()
        if box == before:
            return box
        locator.page.wait_for_timeout(250)
    raise AssertionError(f"the page does not come to rest: {before}, then {box}")


def picture(locator, name):
    """Keep a picture for a person to look at."""
    locator.scroll_into_view_if_needed()
    (BUILD / "pictures").mkdir(parents=True, exist_ok=True)
    locator.screenshot(path=BUILD / "pictures" / f"{name}.png")


def axe(page, name, rules=None, ours=OURS):
    """Let axe look at the page; assert that no violation is ours; keep all in build/browser/axe-NAME.json.

    `rules` names the rules to apply; None: all. Violations outside of `ours` are kept apart.
    """
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    report = {"ours": [], "not ours": []}
    for violation in Axe().run(page, options=options).response["violations"]:
        targets = [node["target"][-1] for node in violation["nodes"]]
        is_ours = page.evaluate(
            "([targets, ours]) => targets.map((target) => document.querySelector(target)?.closest(ours) != null)",
            [targets, ours],
        )
        for node, own in zip(violation["nodes"], is_ours, strict=True):
            line = {"rule": violation["id"], "impact": violation["impact"], "html": node["html"][:300]}
            report["ours" if own else "not ours"].append(line | {"target": node["target"]})
    (BUILD / f"axe-{name}.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    assert report["ours"] == []
