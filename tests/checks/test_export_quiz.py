"""Every item arrives in every format with its options, its feedback and its points."""

import re
import xml.etree.ElementTree as ET
import zipfile

import pytest

from tools import export_quiz as export

ITEMS = export.items()


def test_there_are_items_of_one_and_of_several_right_options():
    assert len(ITEMS) >= 14 and {item.right == 1 for item in ITEMS} == {True, False}
    assert len({item.name for item in ITEMS}) == len(ITEMS)


def test_points_add_up():
    for item in ITEMS:
        fractions = [item.fraction(option) for option in item.options]
        assert sum(f for f in fractions if f > 0) == pytest.approx(100)
        assert sum(f for f in fractions if f < 0) == pytest.approx(0 if item.right == 1 else -100)


def test_moodle_xml():
    quiz = ET.fromstring(export.moodle_xml(ITEMS))
    assert len(quiz) == len(ITEMS)
    for question, item in zip(quiz, ITEMS, strict=True):
        assert question.get("type") == "multichoice" and question.findtext("name/text") == item.name
        assert question.findtext("questiontext/text") == item.question
        assert question.findtext("single") == ("true" if item.right == 1 else "false")
        answers = question.findall("answer")
        assert [a.findtext("text") for a in answers] == [option.text for option in item.options]
        assert [a.findtext("feedback/text") for a in answers] == [option.feedback for option in item.options]
        assert [float(a.get("fraction")) > 0 for a in answers] == [option.right for option in item.options]
    # the only fractions that Moodle accepts for two to six parts
    known = {"100", "50", "33.33333", "25", "20", "16.66667", "0"}
    assert {a.get("fraction").lstrip("-") for a in quiz.iter("answer")} <= known


def read_gift(text):
    """A small reader of GIFT, written from its description and not from the exporter."""
    plain = r"((?:\\.|[^\\])*?)"
    for block in re.split(r"\n\n(?=::)", text.strip()):
        name, question, body = re.fullmatch(
            rf"::{plain}::\[markdown\]{plain}(?<!\\){{\n(.*)\n}}", block, re.DOTALL
        ).groups()
        options = []
        for line in body.splitlines():
            start, option, said = re.fullmatch(rf"  (=|~(?:%-?[\d.]+%)?){plain}(?<!\\)#(.*)", line).groups()
            options.append((start, unescape(option), unescape(said)))
        yield unescape(name), unescape(question), options


def unescape(text):
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text)


def test_gift():
    found = list(read_gift(export.gift(ITEMS)))
    assert len(found) == len(ITEMS)
    for (name, question, options), item in zip(found, ITEMS, strict=True):
        assert (name, question) == (item.name, item.question)
        assert [(option, said) for _, option, said in options] == [(o.text, o.feedback) for o in item.options]
        right = [start == "=" or (start.startswith("~%") and "%-" not in start) for start, _, _ in options]
        assert right == [option.right for option in item.options]


def test_qti(tmp_path):
    pytest.importorskip("text2qti", reason="the instructors' extra; make nbgrader runs this")
    export.qti(ITEMS, "A title", tmp_path / "quiz.zip")
    with zipfile.ZipFile(tmp_path / "quiz.zip") as package:
        names = package.namelist()
        assert "imsmanifest.xml" in names and package.testzip() is None
        trees = [ET.fromstring(package.read(name)) for name in names if name.endswith(".xml")]
        manifest = ET.fromstring(package.read("imsmanifest.xml"))
    files = [e.get("href") for e in manifest.iter() if e.tag.endswith("}file")]
    assert files and set(files) <= set(names), "the manifest names files that are not in the package"
    resources = {e.get("identifier") for e in manifest.iter() if e.tag.endswith("}resource")}
    assert {e.get("identifierref") for e in manifest.iter() if e.tag.endswith("}dependency")} <= resources
    entries = [e for tree in trees for e in tree.iter() if e.tag.endswith("}item") and e.get("title")]
    assert [entry.get("title") for entry in entries] == [item.name for item in ITEMS]
    for entry, item in zip(entries, ITEMS, strict=True):
        labels = [e for e in entry.iter() if e.tag.endswith("}response_label")]
        assert len(labels) == len(item.options)
        feedback = [e for e in entry.iter() if e.tag.endswith("}itemfeedback")]
        assert len(feedback) == len(item.options)
        right = {label.get("ident") for label, option in zip(labels, item.options, strict=True) if option.right}
        assert full_points(entry) == right, item.name


def full_points(entry):
    """Return the options that one has to choose for 100 points, as an LMS reads them from the response processing."""
    for condition in (e for e in entry.iter() if e.tag.endswith("}respcondition")):
        if [e.text for e in condition if e.tag.endswith("}setvar")] == ["100"]:
            refused = [e for no in condition.iter() if no.tag.endswith("}not") for e in no]
            return {e.text for e in condition.iter() if e.tag.endswith("}varequal") and e not in refused}
    return set()


def test_all_files_are_written(tmp_path, capsys):
    assert export.main(["--out", str(tmp_path), "--notebook", "3"]) == 0
    assert (tmp_path / "nsp-loss.xml").exists() and (tmp_path / "nsp-loss.gift").exists()
    with pytest.raises(SystemExit, match="no multiple-choice"):
        export.main(["--out", str(tmp_path), "--notebook", "99"])
