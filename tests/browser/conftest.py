"""A JupyterLab and a browser for all tests of this folder, one in each process; pictures go to build/browser."""

import os
import shutil

import pytest
from lab_browser import BUILD, ROOT, browser, lab_server, open_lab, open_page


def pytest_sessionstart(session):
    if not hasattr(session.config, "workerinput"):  # once, by the process that shares the tests out
        shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True, exist_ok=True)


def pytest_collection_modifyitems(items):
    """Tests of one notebook, and else of one file, stay in one process: what they open is opened once."""
    for item in items:
        opened = getattr(item, "callspec", None) and item.callspec.params.get("page")
        item.add_marker(pytest.mark.xdist_group(opened or item.path.stem))


@pytest.fixture(scope="session")
def server():
    served = BUILD / f"served-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    served.mkdir()
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
