"""The built reading site as a person meets it: from a server and from files, by mouse and keyboard, on paper."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe

from tools.notebook_names import cells_by_name
from tools.site.api_pages import modules

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site"
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "lite" not in path.parts)
#: Pages of source code, and API pages of what is inside clinic, checks and widgets, are made alike: in a browser a
#: few of them are looked at, and all other pages.
SOURCES = [page for page in PAGES if page.startswith("_modules/")]
INSIDE = [page for page in PAGES if page.startswith("api/") and page.count(".") > 2]
LOOKED_AT = [page for page in PAGES if page not in SOURCES[3:] and page not in INSIDE or page in INSIDE[::4]]
WITH_WIDGETS = [page for page in PAGES if 'class="nsp-live"' in (SITE / page).read_text(encoding="utf-8")]


@pytest.fixture(scope="session")
def address(serve):
    assert PAGES, "build/site is empty; run make site"
    return serve(SITE)


@pytest.fixture
def page(browser):
    """A page that fails the test if anything outside 127.0.0.1 is asked for or anything goes wrong in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    page = context.new_page()
    wrong = []
    # From files the search cannot fetch the sentences around its finds; the finds themselves it shows.
    from_files = lambda: page.url.startswith("file:")  # noqa: E731
    page.on("pageerror", lambda e: from_files() and "fetch" in str(e) or wrong.append(str(e)))
    page.on("requestfailed", lambda r: from_files() or wrong.append(f"failed: {r.url}, {r.failure}"))
    page.on("response", lambda response: response.status >= 400 and wrong.append(f"{response.status} {response.url}"))
    page.on(
        "request",
        lambda request: (
            re.match(r"(http://127\.0\.0\.1|file:|data:|blob:)", request.url) or wrong.append(f"outside: {request.url}")
        ),
    )
    yield page
    context.close()
    assert wrong == []


def opened(page, url):
    page.goto(url)
    page.wait_for_function("document.querySelectorAll('.nsp-live:not([data-alive])').length === 0")


def test_every_notebook_is_a_page_and_every_widget_cell_is_alive():
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert {f"notebooks/{path.stem}.html" for path in notebooks} <= set(PAGES)
    assert len(WITH_WIDGETS) >= 3
    for path in notebooks:
        sources = ("".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"])
        cells = sum(bool(re.fullmatch(r"widgets\.\w+\(.*\)", source)) for source in sources)
        html = (SITE / "notebooks" / f"{path.stem}.html").read_text("utf-8")
        assert html.count('class="nsp-live"') == cells, path.name


@pytest.mark.parametrize("name", WITH_WIDGETS)
@pytest.mark.parametrize("way", ["server", "files"])
def test_moving_a_slider_redraws(page, address, name, way):
    opened(page, f"{address}/{name}" if way == "server" else (SITE / name).as_uri())
    places = page.locator(".nsp-live")
    for number in range(places.count()):
        place = places.nth(number)
        slider = place.get_by_role("slider").first
        if slider.count() == 0 or place.get_attribute("data-module") == "clinic_simulator":  # its curves stand still
            continue
        picture, words = place.locator("svg[role=img]").first, place.locator(".reading").first
        before = picture.inner_html(), words.text_content(), slider.get_attribute("aria-valuetext")
        slider.focus()
        page.keyboard.press("ArrowLeft")
        after = picture.inner_html(), words.text_content(), slider.get_attribute("aria-valuetext")
        assert all(a != b for a, b in zip(after, before, strict=True)), (name, number)
        slider.click(position={"x": slider.bounding_box()["width"] * 0.3, "y": 8})
        assert picture.inner_html() != after[0], (name, number)


@pytest.mark.parametrize("way", ["server", "files"])
def test_the_simulator_in_the_page_is_played_to_the_end(page, address, way):
    name = "notebooks/10_the_clinic.html"
    opened(page, f"{address}/{name}" if way == "server" else (SITE / name).as_uri())
    simulator = page.locator(".nsp-clinic-simulator")
    simulator.get_by_text("odd", exact=True).click()
    simulator.get_by_role("button", name="Run the probe").click()
    assert " bits" in simulator.locator(".log li").first.text_content()
    belief = simulator.get_by_role("slider").first
    before = belief.get_attribute("aria-valuetext") or belief.input_value()
    belief.focus()
    page.keyboard.press("End")
    assert (belief.get_attribute("aria-valuetext") or belief.input_value()) != before
    simulator.get_by_role("button", name="Commit").click()
    assert "Score" in simulator.inner_text()


def test_the_loss_in_the_page_is_minus_log_p(page, address):
    opened(page, f"{address}/notebooks/04_worked_examples.html")
    place = page.locator(".nsp-live[data-module=loss_explorer]")
    assert "loss = −log 0.800 = 0.2231 nats" in place.text_content()
    place.get_by_role("slider").fill("0.5")
    assert "loss = −log 0.500 = 0.6931 nats" in place.text_content()


#: Only what is wrong is asked for: the list of all that is right takes most of the time.
ONLY_VIOLATIONS = {"resultTypes": ["violations"], "preload": False}
#: API pages all have the same colors, and contrast takes most of the time: it is measured on a few of them.
WITHOUT_CONTRAST = ONLY_VIOLATIONS | {"rules": {"color-contrast": {"enabled": False}}}
CONTRAST_MEASURED = {"api/index.html", "api/nsputil.losses.html", "api/nsputil.clinic.game.html"}


@pytest.mark.parametrize(
    ("theme", "width", "pages"),
    [
        ("light", 1280, LOOKED_AT),
        ("dark", 400, PAGES[:1] + WITH_WIDGETS[:2] + ["search.html", "api/nsputil.losses.html"]),
        ("dark", 1280, WITH_WIDGETS[:1]),
        ("light", 400, WITH_WIDGETS[:1]),
    ],
)
def test_axe_finds_nothing(page, address, theme, width, pages):
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    found = {}
    for name in pages:
        opened(page, f"{address}/{name}")
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        alike = name.startswith("api/") and name not in CONTRAST_MEASURED
        for violation in Axe().run(page, options=WITHOUT_CONTRAST if alike else ONLY_VIOLATIONS).response["violations"]:
            nodes = [node["html"][:150] for node in violation["nodes"]]
            found.setdefault((violation["id"], violation["impact"]), []).append((name, len(nodes), nodes[0]))
    assert found == {}


@pytest.mark.parametrize("width", [1280, 400])
def test_no_page_is_wider_than_the_window(page, address, width):
    page.set_viewport_size({"width": width, "height": 900})
    too_wide = {}
    for name in LOOKED_AT:
        opened(page, f"{address}/{name}")
        excess = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if excess > 0:
            too_wide[name] = excess
    assert too_wide == {}


@pytest.mark.parametrize("way", ["server", "files"])
def test_search_finds_the_page(page, address, way):
    start = address if way == "server" else SITE.as_uri()
    page.goto(f"{start}/index.html")
    page.get_by_role("textbox", name="Search").first.fill("gradient")
    page.keyboard.press("Enter")
    result = page.locator("#search-results a", has_text="gradient").first
    result.wait_for()
    page.wait_for_load_state("networkidle")  # it still fetches the sentences around its finds; a click breaks that off
    result.click()
    assert "The gradient" in page.title() or "gradient" in page.content()


class Links(HTMLParser):
    """What a page links to, and the anchors that it has."""

    def __init__(self, html):
        super().__init__()
        self.targets, self.anchors = [], {"", "top"}
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors |= {attributes.get("id"), attributes.get("name")}
        self.targets += [attributes[name] for name in ("href", "src") if attributes.get(name)]


def test_links_and_anchors_lead_somewhere():
    parsed = {(SITE / name).resolve(): Links((SITE / name).read_text("utf-8")) for name in PAGES}
    dead, count = [], 0
    for path, page in parsed.items():
        for target in page.targets:
            if re.match(r"(https?|mailto|data|blob):", target):
                continue
            place, _, anchor = target.partition("#")
            goal = (path.parent / unquote(place.split("?")[0])).resolve() if place else path
            count += 1
            if "/lite/" not in target and (
                not goal.is_file() or (goal in parsed and unquote(anchor) not in parsed[goal].anchors)
            ):
                dead.append((path.name, target))
    assert dead == []
    assert count > 20 * len(PAGES)


def test_the_page_of_questions_leads_to_the_cells():
    """Only code cells are places. That the links lead somewhere: above."""
    targets = Links((SITE / "docs" / "questions.html").read_text("utf-8")).targets
    assert sum(target.startswith("../notebooks/") and "#cell-" in target for target in targets) > 100
    assert "docs/questions.html" in Links((SITE / "index.html").read_text("utf-8")).targets


def test_every_public_module_is_a_page_with_its_source_and_the_answers_are_not():
    assert {f"api/{module}.html" for module in modules()} == {
        page for page in PAGES if page.startswith("api/") and page != "api/index.html"
    }
    listed = Links((SITE / "api" / "index.html").read_text("utf-8"))
    assert {f"{module}.html#module-{module}" for module in modules()} <= set(listed.targets)
    losses = Links((SITE / "api" / "nsputil.losses.html").read_text("utf-8"))
    assert "../_modules/nsputil/losses.html#nsp_loss" in losses.targets
    assert [page for page in SOURCES if "/bank" in page or "/scenes" in page] == []


def test_notebooks_and_api_pages_link_to_each_other():
    """Every name that a notebook's code uses, found again from the masters. That the links lead somewhere: above."""
    missing, count = [], 0
    for folder in ("notebooks", "appendix", "exercises"):
        for path in sorted((ROOT / folder).rglob("*.ipynb")):
            page = path.relative_to(ROOT).with_suffix(".html")
            up = "../" * (len(page.parts) - 1)
            from_notebook = Links((SITE / page).read_text("utf-8")).targets
            for name, cells in cells_by_name(path).items():
                if name in modules():
                    continue
                module = max((each for each in modules() if name.startswith(f"{each}.")), key=len)
                entry = ".".join(name.split(".")[: module.count(".") + 2])  # of a method the class
                there = f"{up}api/{module}.html#{entry}"
                back = f"../{page.as_posix()}#cell-{cells[0]}"
                from_api = Links((SITE / "api" / f"{module}.html").read_text("utf-8")).targets
                missing += [(name, page.as_posix())] * (there not in from_notebook or back not in from_api)
                count += 1
    assert missing == []
    assert count > 100


def test_a_link_to_a_module_s_file_goes_to_its_api_page_and_docstrings_link_to_texts():
    assert "api/nsputil.losses.html" in Links((SITE / "index.html").read_text("utf-8")).targets
    the_map = Links((SITE / "docs" / "architecture.html").read_text("utf-8")).targets
    assert {"../api/nsputil.pairs.html", "../api/nsputil.clinic.html"} <= set(the_map)
    gradcheck = Links((SITE / "api" / "nsputil.gradcheck.html").read_text("utf-8"))
    assert "../notebooks/05_the_gradient.html" in gradcheck.targets
    assert "../docs/architecture.html" in Links((SITE / "api" / "index.html").read_text("utf-8")).targets


def test_from_a_function_to_the_cell_that_uses_it(page, address):
    page.goto(f"{address}/api/nsputil.losses.html#nsputil.losses.nsp_loss_and_grad")
    entry = page.locator("dl", has=page.locator("[id='nsputil.losses.nsp_loss_and_grad']"))
    entry.locator(".nsp-used").get_by_role("link", name="05", exact=True).click()
    page.wait_for_url("**/notebooks/05_the_gradient.html#cell-*")
    assert "nsp_loss_and_grad(" in page.locator(".cell:target").text_content()


def test_formulas_are_mathml_and_no_page_asks_for_a_cdn():
    page = (SITE / "notebooks" / "03_from_likelihood_to_the_loss.html").read_text("utf-8")
    assert page.count("<math ") >= 3
    for name in PAGES:
        html = (SITE / name).read_text("utf-8")
        assert not re.search(r"(src|href)=\"(https?:)?//[^\"]+\.(js|css|woff2?)", html), name


def test_every_figure_has_its_words():
    for name in PAGES:
        for alt in re.findall(r"<img [^>]*?alt=\"([^\"]*)\"", (SITE / name).read_text("utf-8")):
            assert len(alt.split()) > 5 and not alt.startswith("_images"), (name, alt)


def test_on_paper(page, address, tmp_path):
    opened(page, f"{address}/notebooks/04_worked_examples.html")
    page.emulate_media(media="print")
    assert not page.locator(".sidebar-drawer").is_visible()
    assert page.locator(".nsp-live svg").first.is_visible()
    path = tmp_path / "page.pdf"
    page.pdf(path=path, format="A4")
    assert path.stat().st_size > 20_000
