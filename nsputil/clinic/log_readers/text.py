"""The text of a log, whatever bytes it came in: gzip, UTF-16, byte order marks, carriage returns, colour codes."""

import gzip
import json
import re
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nsputil.clinic.log_readers import scripts

LARGEST = 200_000_000  # bytes of text; a longer file is hardly a log
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00\x07]|.\x08")  # colours, bells, what a backspace takes away
#: What Windows writes for a number that is none.
_NAN = re.compile(r"[-+]?\d\.#(?:QNAN|SNAN|NAN|IND)\w*|[-+]?nan\(\w*\)", re.I)
_INF = re.compile(r"\d\.#INF\w*", re.I)


@dataclass
class LogText:
    """What a file says, and what was done to read it.

    Attributes
    ----------
    name : str
    text : str
        With line feeds only, without colour codes.
    notes : list of str
    raw : bytes
    cache : dict
        What was found in it, for readers that look for the same.
    """

    name: str
    text: str
    notes: list[str] = field(default_factory=list)
    raw: bytes = b""
    cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def lines(self) -> list[str]:
        """The lines; a progress bar that redraws itself is a line for each drawing."""
        return self.text.split("\n")

    @cached_property
    def document(self) -> Any:
        """What the file is as one JSON document; None if it is none."""
        text = self.text.strip()
        if not text.startswith(("{", "[")):
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None


def read_text(path: str | Path) -> LogText:
    """Read a file as text.

    Parameters
    ----------
    path : str or Path
        A log; gzip is unpacked, whatever the suffix.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is empty, too large, a damaged gzip file, or no text.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path.name} is a folder; expected a file")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path.name}")
    return decode(path.read_bytes(), path.name)


def decode(raw: bytes, name: str = "log") -> LogText:
    """Return the text of some bytes; see `read_text`."""
    notes = []
    if raw[:2] == b"\x1f\x8b":
        raw, note = _unpacked(raw, name)
        notes.append(note)
    if not raw.strip():
        raise ValueError(f"{name} is empty")
    if len(raw) > LARGEST:
        raise ValueError(
            f"{name} has {len(raw) / 1e6:.0f} MB; expected at most {LARGEST / 1e6:.0f}. Cut it to its lines with a loss"
        )
    text, note = _decoded(raw)
    notes += [note] if note else []
    if "\r" in text.replace("\r\n", "\n"):
        notes.append("carriage returns are taken for ends of lines")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _INF.sub("inf", _NAN.sub("nan", text))
    text, more = scripts.plain(_CODES.sub("", text))
    return LogText(name, text, notes + more, raw)


def _unpacked(raw: bytes, name: str) -> tuple[bytes, str]:
    unpacker, text = zlib.decompressobj(wbits=31), b""
    try:
        text = unpacker.decompress(raw, LARGEST + 1)
        if len(text) <= LARGEST and unpacker.eof and unpacker.unused_data:  # more members
            text = gzip.decompress(raw)
    except (zlib.error, OSError, EOFError) as error:
        if not text:
            raise ValueError(f"{name} is a damaged gzip file: {error}") from error
    return text, "it was packed with gzip" + ("" if unpacker.eof else ", and is cut off")


def _decoded(raw: bytes) -> tuple[str, str]:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace"), f"it is {encoding.upper()} with a byte order mark"
    zeros = raw[:4000].count(0)
    if zeros > 0.3 * len(raw[:4000]):  # every second byte of Latin letters in UTF-16 is zero
        encoding = "utf-16-le" if raw[1:4000:2].count(0) >= raw[:4000:2].count(0) else "utf-16-be"
        return raw.decode(encoding, errors="replace"), f"it is {encoding.upper()} without a byte order mark"
    try:
        return raw.decode("utf-8"), ""
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "it is no UTF-8, and was read as Latin-1"
