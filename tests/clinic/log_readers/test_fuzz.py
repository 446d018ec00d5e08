"""Whatever is done to a log, it is a table or a plain sentence: never another error, never endless."""

import math
import random
import time
from pathlib import Path

import pytest
from test_families import EXAMPLES

from nsputil.__main__ import main
from nsputil.clinic.log_readers import FAMILIES
from nsputil.clinic.log_readers.answer import report
from nsputil.clinic.log_readers.reading import understand
from nsputil.clinic.log_readers.text import decode
from nsputil.clinic.report import answer_log

PUBLIC = sorted(p for p in (Path(__file__).parent / "public").rglob("*") if p.is_file() and p.suffix != ".py")
SEEDS = [text.encode() for text in EXAMPLES.values()] + [p.read_bytes()[:6000] for p in PUBLIC]
TOKENS = [b"nan", b"inf", b"-", b"{", b"}", b"[", b'"', b"'", b",", b";", b"\t", b"\r", b"|", b"=", b":",
          b"1e400", b"-1", b"loss", b"acc", b"eval",
          b"step", b"epoch", b"999999999999999999999", b"\xff", b"\x00", b"\x1b[1m", b"0,5", b"1,000", b"%", b"/",
          b"null", b"True"]  # fmt: skip


def truncated(raw, rng):
    return raw[rng.randrange(len(raw) + 1) :][: rng.randrange(1, len(raw) + 1)]


def shuffled(raw, rng):
    lines = raw.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def mixed(raw, rng):
    other = rng.choice(SEEDS)
    a, b = raw.split(b"\n"), other.split(b"\n")
    return b"\n".join(rng.sample(a, rng.randrange(1, len(a) + 1)) + rng.sample(b, rng.randrange(1, len(b) + 1)))


def poked(raw, rng):
    raw = bytearray(raw)
    for _ in range(rng.randrange(1, 9)):
        at = rng.randrange(len(raw) + 1)
        raw[at : at + rng.choice((0, 0, 1, 5))] = rng.choice(TOKENS)
    return bytes(raw)


def columns_cut(raw, rng):
    return b"\n".join(line[: rng.randrange(len(line) + 1)] if rng.random() < 0.3 else line for line in raw.split(b"\n"))


CHANGES = (truncated, shuffled, mixed, poked, columns_cut)


def read_or_sentence(raw):
    """Return a reading, or None if the file was refused in one sentence."""
    try:
        got = understand(decode(raw, "fuzzed.log"))
    except ValueError as error:
        message = str(error)
        assert message.startswith("fuzzed.log") and "\n" not in message and len(message) < 700, message
        return None
    for row in got.rows:
        assert row["part"] in ("train", "held_out", "test") and isinstance(row["step"], int) and row["step"] >= 0
        assert math.isnan(row.get("accuracy", 0.5)) or 0 <= row.get("accuracy", 0.5) <= 1
    assert [r["step"] for r in got.rows] == sorted(r["step"] for r in got.rows)
    said = answer_log(got)
    assert said.code in (1, 3) and report(got, said) and got.table()
    return got


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.__name__)
def test_changed_logs(change):
    rng = random.Random(change.__name__)
    until, tried, read = time.monotonic() + 6, 0, 0
    while time.monotonic() < until and tried < 1500:
        raw = change(rng.choice(SEEDS), rng)
        for _ in range(rng.randrange(3)):
            raw = rng.choice(CHANGES)(raw, rng) if raw else raw
        read += read_or_sentence(raw) is not None
        tried += 1
    assert read > tried / 4  # most changes leave something to read


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_reader_alone(family):
    """A reader is never asked for another's file only: it must bear all of them."""
    rng = random.Random(family.name)
    until = time.monotonic() + 1.5
    for _ in range(300):
        if time.monotonic() > until:
            break
        raw = rng.choice(CHANGES)(rng.choice(SEEDS), rng)
        if raw.strip():
            assert isinstance(family.read(decode(raw)), list)


def test_a_long_line_and_a_long_file_take_no_time():
    begin = time.monotonic()
    for raw in (
        b"loss 0.7 " * 200_000,
        b"{'loss': 0.7, " * 100_000,
        b"0.7," * 300_000,
        b"step 1 loss 0.7\n" * 20_000,
        b"[" * 200_000,
        b"- " * 200_000,
    ):
        read_or_sentence(raw)
    assert time.monotonic() - begin < 60


def test_the_command_line_prints_an_answer_or_one_sentence(tmp_path, capsys):
    """The whole way of a file: read, shown, answered, written in the course's own format and read again."""
    rng = random.Random("command line")
    path, out = tmp_path / "fuzzed.log", tmp_path / "run.csv"
    until = time.monotonic() + 5
    for _ in range(200):
        if time.monotonic() > until:
            break
        path.write_bytes(rng.choice(CHANGES)(rng.choice(SEEDS), rng))
        code = main(["diagnose", str(path), "--show"])
        said = capsys.readouterr()
        assert code in (1, 2, 3) and (said.err.count("\n"), bool(said.out)) == ((1, False) if code == 2 else (0, True))
        if code == 2:
            assert main(["log", str(path), "--out", str(out)]) == 2
        else:
            assert main(["log", str(path), "--out", str(out)]) == 0
            assert main(["diagnose", str(out)]) in (1, 3)
        capsys.readouterr()
