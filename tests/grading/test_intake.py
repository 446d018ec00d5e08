"""Deliveries of nbgrader, Moodle and Canvas, honest and hostile: who sent what, and why something is not read."""

import io
import json
import os
import stat
import zipfile

import pytest
from pretend import ASSIGNMENT, IDS, deliver, notebook

from nsputil.grading import entries
from nsputil.grading.intake import submissions
from nsputil.grading.notebook_file import read_notebook
from nsputil.grading.results import Ungradable

FILE = f"{ASSIGNMENT}.ipynb"


def found(place):
    """Return {student: its bytes, or the reason why there are none}."""
    with submissions(place, ASSIGNMENT) as delivered:
        return {submission.student: read(submission) for submission in delivered}


def read(submission):
    try:
        return submission.read()
    except Ungradable as error:
        return error.reason


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_a_folder_as_nbgrader_has_it(tmp_path):
    deliver(tmp_path / "submitted", {"ann": "a", "bob": "b"})
    (tmp_path / "submitted" / "bob" / ASSIGNMENT / "timestamp.txt").write_text("2026-11-28 10:00:00 UTC\n")
    (tmp_path / "submitted" / "cy" / "another").mkdir(parents=True)
    expected = {"ann": notebook("a"), "bob": notebook("b")}
    assert found(tmp_path / "submitted") == found(tmp_path) == expected
    with submissions(tmp_path, ASSIGNMENT) as delivered:
        assert [s.timestamp for s in delivered] == ["", "2026-11-28 10:00:00 UTC"]


def test_a_learner_cannot_hand_in_for_another_by_a_folder_of_theirs(tmp_path):
    deliver(tmp_path, {"ann": "a"})
    deliver(tmp_path / "ann" / ASSIGNMENT, {"bob": "forged"})
    assert found(tmp_path) == {"ann": notebook("a")}


@pytest.mark.parametrize(
    "name, student",
    [
        ("Ann Lee_1234_assignsubmission_file_/my work.ipynb", "1234"),
        ("Ann Lee_1234_assignsubmission_file_/deep/er/x.ipynb", "1234"),
        ("Ann Lee_1234_assignsubmission_file_x.ipynb", "1234"),
        ("Ann_9_assignsubmission_file_ Lee_1234_assignsubmission_file_/x.ipynb", "1234"),
        ("leeann_1234_777_x-1.ipynb", "1234"),
        ("leeann_LATE_1234_777_x.ipynb", "1234"),
        ("leeann_1234_777_bob_9_8_x.ipynb", "1234"),
        ("anon_Ab3_777_x.ipynb", "anon_Ab3"),
    ],
)
def test_archives_of_moodle_and_canvas(tmp_path, name, student):
    assert found(zipped(tmp_path / "all.zip", {name: b"it"})) == {student: b"it"}
    assert found(zipped(tmp_path / "all.zip", {f"download/{name}": b"it"})) == {student: b"it"}


def test_a_name_that_can_be_read_in_two_ways_belongs_to_nobody(tmp_path):
    name = "Ann_9_assignsubmission_file__1234_assignsubmission_file_x.ipynb"
    (student, reason), *rest = found(zipped(tmp_path / "all.zip", {name: b"it"})).items()
    assert student.startswith("? Ann_9") and reason == "unsafe path" and not rest


def test_no_notebook_or_several(tmp_path):
    files = {
        "A_1_assignsubmission_file_/essay.pdf": b"x",
        "B_2_assignsubmission_file_/one.ipynb": b"x",
        "B_2_assignsubmission_file_/two.ipynb": b"x",
        f"C_3_assignsubmission_file_/{FILE}": b"taken",
        "C_3_assignsubmission_file_/scratch.ipynb": b"x",
        "D_4_assignsubmission_onlinetext_/onlinetext.html": b"x",
    }
    expected = {"1": "no notebook", "2": "several notebooks", "3": b"taken", "4": "no notebook"}
    assert found(zipped(tmp_path / "all.zip", files)) == expected


def test_links_and_devices_are_not_read(tmp_path):
    deliver(tmp_path, {"good": "x", "file": "x", "folder": "x", "pipe": "x"})
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    for student in ("file", "pipe"):
        (tmp_path / student / ASSIGNMENT / FILE).unlink()
    (tmp_path / "file" / ASSIGNMENT / FILE).symlink_to(secret)
    os.mkfifo(tmp_path / "pipe" / ASSIGNMENT / FILE)
    os.rename(tmp_path / "folder" / ASSIGNMENT, tmp_path / "elsewhere")
    (tmp_path / "folder" / ASSIGNMENT).symlink_to(tmp_path / "elsewhere")
    expected = {"good": notebook("x"), "file": "symbolic link", "folder": "symbolic link", "pipe": "not a file"}
    assert found(tmp_path) == expected


def test_a_link_that_is_put_there_after_the_list_was_made_is_not_followed(tmp_path):
    deliver(tmp_path / "in", {"ann": "x", "bob": "x"})
    with submissions(tmp_path / "in", ASSIGNMENT) as delivered:
        path = tmp_path / "in" / "ann" / ASSIGNMENT / FILE
        path.unlink()
        path.symlink_to("/etc/passwd")
        os.rename(tmp_path / "in" / "bob", tmp_path / "moved")
        (tmp_path / "in" / "bob").symlink_to(tmp_path / "moved")
        assert [read(submission) for submission in delivered] == ["unreadable", "unreadable"]


def test_paths_that_lead_elsewhere_and_links_in_archives(tmp_path):
    link = zipfile.ZipInfo(f"link/{ASSIGNMENT}/{FILE}")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr(f"good/{ASSIGNMENT}/{FILE}", b"it")
        archive.writestr(f"../up/{ASSIGNMENT}/{FILE}", b"it")
        archive.writestr(f"/abs/{ASSIGNMENT}/{FILE}", b"it")
        archive.writestr(f"bad/{ASSIGNMENT}/../../good/{ASSIGNMENT}/{FILE}", b"it")
    expected = {"link": "symbolic link", "good": b"it", "up": "unsafe path", "abs": "unsafe path", "bad": "no notebook"}
    assert found(tmp_path / "all.zip") == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.zip"]


def test_bombs_are_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(entries, "LARGEST_NOTEBOOK", 100_000)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"honest/{ASSIGNMENT}/{FILE}", b"0" * 3_000_000)
        archive.writestr(f"liar/{ASSIGNMENT}/{FILE}", b"0" * 3_000_000)
        archive.writestr(zipfile.ZipInfo(f"lzma/{ASSIGNMENT}/{FILE}"), b"0", zipfile.ZIP_LZMA)
    content = data.getvalue()
    at = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)  # the liar's entry of the list
    content = content[: at + 24] + (50).to_bytes(4, "little") + content[at + 28 :]
    (tmp_path / "all.zip").write_bytes(content)
    said = found(tmp_path / "all.zip")
    assert said["honest"] == "too large" and said["lzma"] == "unreadable"
    assert said["liar"] in ("too large", "unreadable") or len(said["liar"]) <= 50


def test_a_broken_entry_costs_only_itself(tmp_path):
    path = zipped(
        tmp_path / "all.zip", {f"{name}/{ASSIGNMENT}/{FILE}": b"content of " + name.encode() for name in "ab"}
    )
    path.write_bytes(path.read_bytes().replace(b"content of a", b"CONTENT of a", 1))
    assert found(path) == {"a": "unreadable", "b": b"content of b"}


@pytest.mark.parametrize(
    "content, said",
    [
        (None, "there is no folder or archive"),
        (b"no archive", "neither a folder nor a zip archive"),
        (b"PK\x05\x06" + b"\0" * 8 + b"\xff\xff\xff\x7f" + b"\0" * 6, "more than 200,000 entries or is broken"),
        (b"PK\x05\x06" + b"\0" * 18, "no submission of 03_from_likelihood_to_the_loss found"),
    ],
)
def test_a_delivery_that_is_none(tmp_path, content, said):
    place = tmp_path / "all.zip"
    if content is not None:
        place.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        found(place)


def test_a_folder_with_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(entries, "MOST_ENTRIES", 5)
    deliver(tmp_path, {name: "" for name in "abc"})
    with pytest.raises(ValueError, match="more than 5 entries"):
        found(tmp_path)


def with_cells(*cells):
    return notebook(cells=list(cells))


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (with_cells(), "empty"),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"9" * 5000, "not JSON"),
        (b"[]", "not a notebook"),
        (b"{}", "not a notebook"),
        (notebook(nbformat=3), "not a notebook"),
        (notebook(nbformat=True), "not a notebook"),
        (notebook(cells={"0": 1}), "not a notebook"),
        (with_cells(*[{}] * 5001), "not a notebook"),
        (with_cells(3), "not a notebook"),
        (with_cells({"cell_type": "code", "source": 3}), "not a notebook"),
        (b"0" * 10_000_001, "too large"),
        (notebook(metadata={"kernelspec": {"name": "ir"}}), "kernel"),
        (notebook(metadata={"kernelspec": {"name": "x", "language": "R"}}), "kernel"),
        (notebook(metadata={"language_info": {"name": "julia"}}), "kernel"),
        (with_cells({"cell_type": "code", "source": "", "metadata": {}}), "wrong assignment"),
        (
            with_cells({"cell_type": "code", "source": "", "metadata": {"nbgrader": {"grade_id": "x"}}}),
            "wrong assignment",
        ),
    ],
    ids=range(21),
)
def test_reasons_why_a_file_is_no_notebook_of_this_assignment(data, reason):
    with pytest.raises(Ungradable) as error:
        read_notebook(data, IDS, ASSIGNMENT)
    assert error.value.reason == reason and "expected" in error.value.detail + "expected" * (reason == "empty")


def test_a_notebook_is_read_without_outputs_and_with_sources_as_texts():
    read = read_notebook(b"\xef\xbb\xbf" + notebook("ab"), IDS, ASSIGNMENT)
    assert [cell["source"] for cell in read["cells"]] == ["ab", ""]
    assert all(set(cell) == {"cell_type", "id", "metadata", "source"} for cell in read["cells"])
    other = {"kernelspec": {"name": "conda-env-nlp-py", "language": "python"}, "language_info": {"name": "python"}}
    assert read_notebook(notebook(metadata=other), IDS, ASSIGNMENT)["metadata"] == other
    odd = json.loads(notebook())
    odd["metadata"], odd["cells"][0]["metadata"] = 3, {"nbgrader": 3}
    assert read_notebook(json.dumps(odd).encode(), IDS, ASSIGNMENT)["cells"][0]["metadata"] == {}
