"""One JupyterLab and one browser for all tests of this folder; pictures go to build/browser."""

import shutil

import pytest
from lab_browser import BUILD, ROOT, browser, lab_server, open_lab, open_page


@pytest.fixture(scope="session")
def server():
    shutil.rmtree(BUILD, ignore_errors=True)
    served = BUILD / "served"
    served.mkdir(parents=True)
    shutil.copytree(ROOT / "notebooks", served / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    with lab_server(served) as running:
        yield running


@pytest.fixture(scope="session")
def chromium():
    with browser() as running:
        yield running


@pytest.fixture(scope="session")
def lab_page(server, chromium):
    """A page with JupyterLab, no notebook open yet."""
    page = open_page(chromium)
    open_lab(page, server)
    return page
