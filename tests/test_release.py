"""A release: one version, a changelog that can be read, the same gates at each commit, forms that GitHub accepts."""

import datetime
import importlib.metadata
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import nsputil

ROOT = Path(__file__).resolve().parent.parent
FORMS = ("1_notebook", "2_exercise", "3_diagnosis", "4_bug")
#: A changelog's headings, and how many points each may have.
PARTS, POINTS = ("Added", "Changed", "Fixed"), 10


def _read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def _releases():
    """Return [(version, date, {part: [points]})] of the changelog, newest first."""
    sections = re.split(r"^## (\S+) - (\S+)$", _read("CHANGELOG.md").split("\n## Before ")[0], flags=re.MULTILINE)[1:]
    releases = []
    for version, date, text in zip(sections[::3], sections[1::3], sections[2::3], strict=True):
        parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)[1:]
        points = {
            name: re.findall(r"^- .+$", body, re.MULTILINE) for name, body in zip(parts[::2], parts[1::2], strict=True)
        }
        releases.append((version, date, points))
    return releases


def test_the_version_is_written_once_and_the_citation_quotes_it():
    project = tomllib.loads(_read("pyproject.toml"))["project"]
    assert "version" in project["dynamic"] and "version" not in project
    citation = yaml.safe_load(_read("CITATION.cff"))
    version, date, _ = _releases()[0]
    assert citation["version"] == version == nsputil.__version__
    assert citation["date-released"] == datetime.date.fromisoformat(date)


def test_the_installed_package_has_the_version_of_the_source():
    assert importlib.metadata.version("nsputil") == nsputil.__version__, "the installation is old; run `make setup`"


def test_the_changelog_is_short_enough_to_read():
    for version, _, parts in _releases():
        assert parts and set(parts) <= set(PARTS), f"{version} has {list(parts)}; expected some of {PARTS}"
        assert {name: len(points) for name, points in parts.items() if not 0 < len(points) <= POINTS} == {}


def _committed(stage="pre-commit"):
    config = yaml.safe_load(_read(".pre-commit-config.yaml"))
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    return [hook for hook in hooks if stage in hook.get("stages", config["default_stages"])]


def test_a_commit_passes_the_gates_of_make_check():
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make on this system; the README spells the commands with pip")
    command = [make, "--dry-run", "--no-print-directory", "--old-file=setup", "check"]
    gates = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    hooks = _committed()
    assert sorted(hook["entry"] for hook in hooks) == sorted(gates)
    # A gate reads all files, with the tools of the course's own environment.
    assert {(hook["language"], hook["pass_filenames"]) for hook in hooks} == {("system", False)}


@pytest.mark.parametrize("length, fits", [(72, True), (73, False)])
def test_a_long_subject_is_refused(length, fits):
    [hook] = _committed("commit-msg")
    message = "x" * length + "\n\n" + "A body says why, and may have long lines. " * 5
    assert (re.search(hook["entry"], message) is None) == fits


@pytest.mark.parametrize("name", FORMS)
def test_an_issue_form_is_one_that_github_shows(name):
    form = yaml.safe_load(_read(f".github/ISSUE_TEMPLATE/{name}.yml"))
    assert {"name", "description", "body"} <= set(form) <= {"name", "description", "title", "body"}
    questions = [part for part in form["body"] if part["type"] != "markdown"]
    ids = [question["id"] for question in questions]
    assert ids and len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z_]+", name) for name in ids)
    for question in questions:
        assert question["type"] in {"input", "textarea", "dropdown"} and question["attributes"]["label"]
        assert question["type"] != "dropdown" or len(set(question["attributes"]["options"])) > 1
