"""Texts in the layouts that people have them in: told from their content, unpacked or refused with a word."""

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

from nsputil.corpus import Document
from nsputil.own_text import LAYOUTS, fitted_experiment, read_own_text
from nsputil.own_text.cutting import balanced_split, cut
from nsputil.own_text.layouts import unpack
from nsputil.own_text.pair_files import given_pairs, read_pairs

PAGE = (Path(__file__).parents[2] / "docs" / "own-text.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^### ([^\n]+)\n```\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
TWO = [["We met in Vienna.", "It rained all day."], ["The treaty was signed in May.", "The senate approved it."]]


def story(k, sentences=4):
    words = ("apples", "boats", "cedars", "drums", "eggs", "foxes", "grapes", "hills")
    return [f"Farmer number {k} counted {words[(k + j) % 8]} and {words[(3 * k + j) % 8]}." for j in range(sentences)]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("layout", EXAMPLES)
def test_each_example_of_the_page_is_taken_for_what_its_heading_says(layout):
    text = EXAMPLES[layout]
    documents, kind = read_pairs("f", text) if "\t" in text else unpack("f", text)
    assert layout in kind
    sentences = [list(document.sentences) for document in documents]
    if layout == "prose":
        assert sentences == [[*TWO[0], "Nobody minded, because the museums were open.", "The next morning was clear."]]
    elif layout == "labeled pairs":
        assert documents[0].pairs == [(*TWO[0], 0), (TWO[0][0], TWO[1][1], 1)]
    else:
        assert sentences == (TWO[:1] if layout.startswith("articles") else TWO)


def test_the_page_has_all_layouts():
    assert len(EXAMPLES) == 7


@pytest.mark.parametrize(
    "text, kind, documents",
    [
        ("It was a long day that\nended late. We slept.\nThe next day was\nshorter than that.", "prose", 1),
        ("One paragraph. Of three. Sentences.\nAnother one. It has two.\nAnd a third. Yes.", "prose", 1),
        ("He left.\n\nShe stayed.\n\nIt rained.\n\nNobody came.", "prose", 1),  # paragraphs, as in a dialogue
        ("[Applause] Thank you. Thank you all.\nPlease sit\ndown.", "prose", 1),
        ("# Only a title\nSome text. More text.", "headings (1)", 1),
        ("```\n# a comment in code\n```\n## A\nOne. Two.\n## B\nThree. Four.", "headings (3)", 2),
        (
            " = Valkyria = \n\n One . Two . \n\n = = Plot = = \n\n Three . \n\n = Tower = \n\n Four . Five . ",
            "headings (3)",
            2,
        ),
    ],
)
def test_what_looks_like_something_else(text, kind, documents):
    found, said = unpack("f", text)
    assert kind in said and len(found) == documents
    assert not any("#" in s or "=" in s or "`" in s for document in found for s in document.sentences)


def test_the_license_around_a_book_is_left_out():
    marks = "*** START OF THE PROJECT GUTENBERG EBOOK X ***", "*** END OF THE PROJECT GUTENBERG EBOOK X ***"
    book = f"The Project Gutenberg eBook of X\n\n{marks[0]}\n\nIt was. It is.\n\n{marks[1]}\nLicense."
    documents, kind = unpack("f", book)
    assert documents[0].sentences == ("It was.", "It is.") and "license" in kind


@pytest.mark.parametrize(
    "text, said",
    [
        ("<html><body>Hi.</body></html>", "f is HTML or XML"),
        ("Title\n" + "<p>One.</p> <p>Two.</p>\n" * 9, "f is HTML or XML"),
        ("<mediawiki xmlns='x'>", "dump of a wiki"),
        ("1\n00:00:01,000 --> 00:00:02,000\nHi.\n" * 3, "f holds subtitles"),
        ("\\documentclass{article}\n\\begin{document}", "f is LaTeX"),
        ('{"data": [\n{"text": "One."}]}', "one JSON value; expected JSON lines"),
        ('{"title": "x", "words": 3}', "the fields title, words; expected a text in one of text, content"),
        ('{"text": "One."}\n{"text": 3}', "line 2 is not a JSON object with a text in 'text'"),
        ("<doc id='1'>\nText.", "holds no line </doc>"),
    ],
)
def test_markup_is_refused_with_the_way_out(text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        unpack("f", text)


@pytest.mark.parametrize(
    "text, is_next, labels",
    [
        ("a b\tc d\t0\ne f\tg h\t1\ni\tj\t1", None, [0, 1, 1]),
        ("a b\tc d\t0\ne f\tg h\t1\ni\tj\t1", "1", [1, 0, 0]),
        ("IsNext\ta b\tc d\nNotNext\te f\tg h\nNotNext\ti\tj", None, [0, 1, 1]),
        ("Sentence1\tsentence2\tis_next\na\tb\t1\nc\td\t0", None, [0, 1]),
        ("Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\ta\tb\n0\t9\t7\tc\td", "1", [0, 1]),
        ("a\tb\tyes\nc\td\tno\ne\tf\tno", "yes", [0, 1, 1]),
        ('"sentence1","sentence2",label\n"a, and so on","b",0\n"c ""d""","e\nf",1\n', None, [0, 1]),
    ],
)
def test_labels_of_pairs(text, is_next, labels):
    documents, said = read_pairs("f", text, is_next)
    assert [pair.label for pair in given_pairs(documents, np.random.default_rng(0))] == labels
    assert "labeled pairs" in said and f"({labels.count(0):,})" in said


@pytest.mark.parametrize(
    "text, is_next, said",
    [
        ("a\tb\nc\td\te", None, "f, line 2 has 3 fields; expected 2, none of them empty"),
        ("a\tb\n\tc", None, "f, line 2 has 2 fields; expected 2, none of them empty"),
        ("a\tb\tyes\nc\td\tno\ne\tf\tno", None, "labels no, yes; say with --is-next LABEL"),
        ("sentence1\tsentence2\tlabel\na\tb\t0\nc\td\t1\ne\tf\t2", None, "labels 0, 1, 2; expected two"),
        ("a\tb\t0\nc\td\t1\ne\tf\t0", "yes", "none is yes"),
        ("a\tb\tc\td\te\nf\tg\th\ti\tj", None, "5 columns without a header"),
        (" \n", None, "f is empty"),
        ("sentence1\tsentence2\n", None, "f holds a header and nothing else"),
        ("a\tb\t0\nc\td\t0\ne\tf\t0", None, "labels 0; expected two"),
        ('sentence1,sentence2,label\na,b,0\n\n"c\nd",e\n', None, "f, line 5 has 2 fields; expected 3"),
    ],
)
def test_pairs_that_cannot_be_told(text, is_next, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        read_pairs("f", text, is_next)


def test_a_row_that_begins_with_the_b_before_it_continues_the_document():
    documents, _ = read_pairs("f", "a\tb\nb\tc\nd\te")
    assert [list(document.sentences) for document in documents] == [["a", "b", "c"], ["d", "e"]]


@pytest.mark.parametrize("lengths", [[700], [95], [40] * 5, [10] * 29 + [500], [2] * 40 + [90], [12] * 35])
def test_cut_gives_enough_documents_and_loses_no_sentence(lengths):
    documents = [Document(f"d{d}", [f"s {d} {k}" for k in range(n)]) for d, n in enumerate(lengths)]
    parts, said = cut(documents)
    assert [s for part in parts for s in part.sentences] == [s for d in documents for s in d.sentences]
    assert len(parts) >= 30 and min(len(part.sentences) for part in parts) >= 2
    longest = max(len(part.sentences) for part in parts)
    assert longest <= max(20, sum(lengths) // 30)
    assert bool(said) == (parts != documents) and (not said or f"at most {longest} " in said)


def test_too_little_text_is_named():
    with pytest.raises(ValueError, match="49 sentences, in documents: 1; expected 30 documents .* or 90 sentences"):
        cut([Document("d", ["s"] * 49)])


def test_the_end_of_a_document_that_is_longer_than_all_others_of_its_part_is_left_out():
    documents = [Document(f"d{k}", [f"{k} {j}" for j in range(20 if k % 7 == 0 else 2)]) for k in range(30)]
    parts = balanced_split(documents, np.random.default_rng(1))
    for part in parts:
        pairs = sorted(len(document.sentences) - 1 for document in part)
        assert 2 * pairs[-1] <= sum(pairs)
    assert sum(len(part) for part in parts) == 30


def test_a_folder_with_a_bad_file(tmp_path):
    for k in range(40):
        write(tmp_path / f"{k}.txt", " ".join(story(k)))
    write(tmp_path / "sub" / "UPPER.TXT", "It is read, too. It has two sentences.")
    (tmp_path / "sub" / "bad.txt").write_bytes(b"G\xf6del")
    write(tmp_path / "sub" / "empty.txt", " \n")
    with pytest.raises(ValueError, match=r"sub.bad.txt is not UTF-8: byte 1 is 0xf6.*--skip-bad goes on without it"):
        read_own_text(tmp_path)
    text = read_own_text(tmp_path, skip_bad=True)
    assert len(text.documents) == 41 and "sub/UPPER.TXT" in {document.name for document in text.documents}
    assert sum(note.startswith("left out:") for note in text.notes) == 2
    assert any("empty.txt holds no sentence" in note for note in text.notes)


def test_a_folder_of_bad_files_only(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"%PDF-1.7")
    with pytest.raises(ValueError, match=r"no file of .* could be read; the first: .*a.txt is a PDF file"):
        read_own_text(tmp_path, skip_bad=True)


def test_a_label_is_named_for_labeled_pairs_only(tmp_path):
    for text in ("a\tb\nc\td", "Some prose. And more."):
        with pytest.raises(ValueError, match="holds no labeled pairs; expected such, since --is-next is 1"):
            read_own_text(write(tmp_path / "a.txt", text), is_next="1")


def test_labeled_pairs_do_not_mix_with_text(tmp_path):
    write(tmp_path / "a.txt", "a b\tc d\t0\ne f\tg h\t1\ni\tj\t1")
    write(tmp_path / "b.txt", "Some prose. And more of it.")
    with pytest.raises(ValueError, match="holds labeled pairs and other text"):
        read_own_text(tmp_path)


def test_lines_without_full_stops_are_suspected_and_can_be_named(tmp_path):
    lines = "\n\n".join("\n".join(s.rstrip(".") for s in story(k, 30)) for k in range(31))
    path = write(tmp_path / "t.txt", lines)
    with pytest.raises(ValueError, match="or 90 sentences to cut .*if each line is a sentence, add --layout"):
        read_own_text(path)
    text = read_own_text(path, layout="lines")
    assert len(text.documents) == 31 and len(text.documents[0].sentences) == 30
    with pytest.raises(ValueError, match="layout is 'verse'; expected one of 'auto'"):
        read_own_text(path, layout="verse")


def test_sizes_fit_and_are_said(tmp_path):
    path = write(tmp_path / "t.txt", "\n\n".join("\n".join(story(k)) for k in range(40)))
    experiment, notes = fitted_experiment(read_own_text(path))
    assert (experiment.batch_size, experiment.epochs) == (32, 10)
    assert "vectors of 16 numbers (usually 64)" in notes[-1]
    assert fitted_experiment(read_own_text(path), epochs=1)[0].epochs == 1
    same = write(tmp_path / "same.txt", "\n\n".join(["Yes it is.\nNo it is not."] * 40))
    with pytest.raises(ValueError, match="hold 6 different words; expected at least 20"):
        fitted_experiment(read_own_text(same))


def test_labeled_pairs_are_used_as_they_are_and_an_a_is_in_one_part_only(tmp_path):
    rows = [f"{a}\t{b}\t{k % 2}" for k in range(60) for a, b in [(story(k // 2)[0], story(k)[1] + f" {k}")]]
    experiment, _ = fitted_experiment(read_own_text(write(tmp_path / "p.tsv", "\n".join(rows))))
    parts = experiment.split(experiment.documents, np.random.default_rng((0, 0)))
    pairs = [experiment.pairs(part, np.random.default_rng(0)) for part in parts]
    assert sorted(f"{p.sentence_a}\t{p.sentence_b}\t{p.label}" for part in pairs for p in part) == sorted(rows)
    texts = [{p.sentence_a for p in part} for part in pairs]
    assert not (texts[0] & texts[1] or texts[0] & texts[2] or texts[1] & texts[2])
    for part, of_part in zip(parts, pairs, strict=True):  # the text says what the labels say
        for pair in of_part:
            a, b = part[pair.document_a], part[pair.document_b]
            assert (a.sentences[pair.position_a], b.sentences[pair.position_b]) == (pair.sentence_a, pair.sentence_b)
            assert (a is b and pair.position_b == pair.position_a + 1) == (pair.label == 0)


def test_json_lines_keep_their_numbers_in_errors():
    text = "\n".join([json.dumps({"content": "One. Two."}), "", "{"])
    with pytest.raises(ValueError, match="line 3"):
        unpack("f", text)


def test_an_empty_name_and_bytes_of_0_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="the name of the text is empty; expected a file or a folder"):
        read_own_text("")
    (tmp_path / "a.txt").write_bytes(b"a\0b")
    with pytest.raises(ValueError, match="a.txt holds bytes of 0"):
        read_own_text("a.txt")


def test_whatever_is_in_a_file_it_is_read_or_refused_in_one_sentence(tmp_path):
    """Pieces of all examples, mixed and cut at random."""
    rng = random.Random(0)
    pieces = [
        *EXAMPLES.values(),
        "{",
        "[",
        '"',
        "\t",
        "\n\n",
        "<doc",
        "</doc>",
        "```",
        "# ",
        " = A = ",
        "<p>",
        "\u3002",
        "0",
    ]
    path = tmp_path / "mixed.txt"
    read = 0
    for _ in range(300):
        text = "".join(rng.choice(pieces)[rng.randrange(3) :] for _ in range(rng.randrange(1, 40)))
        path.write_text(text * rng.choice((1, 30)), encoding="utf-8")
        try:
            found = read_own_text(path, rng.choice(LAYOUTS))
            fitted_experiment(found)
            read += 1
        except ValueError as error:
            assert "\n" not in str(error) and len(str(error)) < 400
    assert read > 20
