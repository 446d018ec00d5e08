"""What crosses the wall of the box: plain data, one JSON object a line. Never pickle, never a learner's class.

Each value is sent as what it is at bottom: a float as its exact digits, an array as dtype, shape and bytes. A subclass
that claims to equal everything loses its tricks on the way. What is no plain data becomes an `Opaque`: the name of its
class, no more.
"""

import base64
import binascii
import json
import math
import re
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from nsputil.corpus import Document
from nsputil.model import Prediction
from nsputil.pairs import SentencePair
from nsputil.tokenization import SPECIAL_TOKENS, Vocabulary

LONGEST_LINE = 8_000_000  # bytes of one message
LARGEST_ARRAY = 4_000_000  # bytes of one array
MOST_VALUES = 100_000  # in one message
DEEPEST = 20  # lists within lists
LONGEST_TEXT = 200_000  # characters
LARGEST_INT = 4_000  # bits
NAME = re.compile(r"[^A-Za-z0-9_<>]")


class SentClass(NamedTuple):
    """A class of the course that exercises pass in or get back; nothing of it but its parts is sent."""

    kind: type
    parts: Callable[[Any], Iterable[Any]]
    make: Callable[..., Any]


RECORDS: dict[str, SentClass] = {
    "SentencePair": SentClass(SentencePair, lambda pair: [getattr(pair, f.name) for f in fields(pair)], SentencePair),
    "Prediction": SentClass(Prediction, tuple, Prediction),
    "Document": SentClass(Document, lambda document: (document.name, document.sentences), Document),
    "Vocabulary": SentClass(Vocabulary, lambda v: [v.tokens[len(SPECIAL_TOKENS) :]], Vocabulary),
}


class WireError(Exception):
    """A message is not what the protocol allows."""


class Closed(Exception):
    """The other side has gone."""


class Opaque:
    """Something on the other side that is no plain data. Its class has the name of the learner's class."""


class OpaqueFunction(Opaque):
    """A learner's function, of which only the name is known here."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *args: object) -> None:
        """Raise, since the function is on the other side."""
        raise TypeError("this function can only be called in its box")


@dataclass
class _Budget:
    """How many values one message may still hold, and how many characters in its texts."""

    left: int = MOST_VALUES
    characters: int = 2 * LONGEST_TEXT

    def spend(self, depth: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise WireError(f"more than {MOST_VALUES:,} values in one message")
        if depth > DEEPEST:
            raise WireError(f"more than {DEEPEST} lists within lists")


#: Turns a function or an object with methods into a handle; None where there are none.
Offer = Callable[[Any], list[Any] | None]


def encode(value: Any, offer: Offer | None = None) -> Any:
    """Return a value as plain JSON.

    Parameters
    ----------
    value : object
    offer : callable, optional
        ``offer(value)`` returns the handle of what stays on this side.

    Returns
    -------
    object
        What ``json.dumps`` takes. A value that is no plain data, or too large, is an `Opaque` on the other side.
    """
    try:
        return _encode(value, offer, _Budget(), 0)
    except (WireError, RecursionError, MemoryError):
        return _opaque(value)


def encode_within(value: Any, size: int, offer: Offer | None = None) -> Any:
    """Return a value as plain JSON of at most so many characters; of what is larger only its outline is sent.

    Parameters
    ----------
    value : object
    size : int
    offer : callable, optional
        As in `encode`; in the box it gives back the handle of what stayed outside.

    Returns
    -------
    object
        The outline of an array of numbers is its dtype and shape; it arrives as zeros. Anything else is an `Opaque`.
    """
    found = encode(value, offer)
    if len(json.dumps(found)) <= size and not (isinstance(found, list) and found[0] == "o"):
        return found
    if issubclass(type(value), np.ndarray) and value.dtype.kind in "fiub" and value.size <= LARGEST_ARRAY:
        return ["b", value.dtype.str, list(value.shape)]
    return _opaque(value)


def _encode(value: Any, offer: Offer | None, budget: _Budget, depth: int) -> Any:
    budget.spend(depth)
    if value is None or value is True or value is False:
        return value
    if value is Ellipsis:
        return ["e"]
    handle = offer(value) if offer else None
    if handle is not None:
        return handle
    kind = type(value)

    def items(found: Iterable[Any]) -> list[Any]:
        return [_encode(item, offer, budget, depth + 1) for item in found]

    # `isinstance` asks the class of a value what it is, and a learner's class may lie; its type cannot.
    if issubclass(kind, np.generic):
        return _number(value)
    if issubclass(kind, np.ndarray):
        return _array(value, items)
    if issubclass(kind, int):
        number = int.__int__(value)
        if number.bit_length() > LARGEST_INT:
            raise WireError("an integer of more than a thousand digits")
        return number
    if issubclass(kind, float):
        return ["f", float.hex(value)]
    if issubclass(kind, str):
        text = str.__str__(value)
        budget.characters -= len(text)
        if len(text) > LONGEST_TEXT or budget.characters < 0:
            raise WireError("a text that is too long")
        return clean(text)
    if issubclass(kind, complex):
        return ["c", float.hex(complex.__abs__(value))]
    for name, record in RECORDS.items():
        if kind is record.kind:
            return ["r", name, items(record.parts(value))]
    for tag, base in (("l", list), ("t", tuple), ("s", set), ("z", frozenset)):
        if issubclass(kind, base):
            if base.__len__(value) > budget.left:  # seen before the first of them is encoded
                raise WireError("a list that is too long")
            return [tag, items(base.__iter__(value))]
    if issubclass(kind, dict):
        return ["d", [items(pair) for pair in dict.items(value)]]
    if kind is Fraction or kind is Decimal:
        return ["q" if kind is Fraction else "m", str(value)[:200]]
    return _like_an_array(value, items)


def _number(value: np.generic) -> Any:
    if value.dtype.kind == "U":
        return str.__str__(value)
    if value.dtype.kind not in "fiub":
        return _opaque(value)
    return ["n", value.dtype.str, base64.b64encode(value.tobytes()).decode("ascii")]


def _array(value: Any, items: Callable[[Iterable[Any]], list[Any]]) -> Any:
    plain = np.ndarray.view(value, np.ndarray)
    if plain.dtype.kind in "OU":
        if plain.size > 10_000:
            raise WireError("an array of too many objects")
        return ["O" if plain.dtype.kind == "O" else "U", list(plain.shape), items(plain.ravel().tolist())]
    if plain.dtype.kind not in "fiub":
        return _opaque(value)
    if plain.nbytes > LARGEST_ARRAY:
        raise WireError("an array that is too large")
    return ["a", plain.dtype.str, list(plain.shape), base64.b64encode(plain.tobytes()).decode("ascii")]


def _like_an_array(value: Any, items: Callable[[Iterable[Any]], list[Any]]) -> Any:
    """Encode what NumPy can read as numbers, such as a range; the check reads it so, too."""
    if not callable(value):
        try:
            array = np.asarray(value)
        except Exception:
            return _opaque(value)
        if array.dtype.kind in "fiub":
            return _array(array, items)
    return _opaque(value)


def _opaque(value: Any) -> list[Any]:
    name = type.__getattribute__(type(value), "__name__")
    own = ""
    if callable(value):
        try:
            own = str(getattr(value, "__name__", ""))
        except Exception:
            own = ""
    return ["o", NAME.sub("_", str(name))[:40], callable(value), NAME.sub("_", own)[:40]]


def clean(text: str) -> str:
    """Return a text without the halves of characters that no file and no database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def decode(data: Any, accept: Callable[[list[Any]], Any] | None = None) -> Any:
    """Return the value that was sent.

    Parameters
    ----------
    data : object
        As ``json.loads`` returns it.
    accept : callable, optional
        Makes an object of a handle: in the box one that asks outside, outside the thing itself.

    Raises
    ------
    WireError
        If it is nothing that `encode` sends.
    """
    try:
        return _decode(data, accept, _Budget(), 0)
    except WireError:
        raise
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, ArithmeticError, RecursionError) as error:
        raise WireError(f"not a value: {type(error).__name__}") from None
    except (binascii.Error, InvalidOperation, MemoryError) as error:
        raise WireError(f"not a value: {type(error).__name__}") from None


def _decode(data: Any, accept: Callable[[list[Any]], Any] | None, budget: _Budget, depth: int) -> Any:
    budget.spend(depth)
    if data is None or isinstance(data, bool):
        return data
    if isinstance(data, int):
        if data.bit_length() > LARGEST_INT:
            raise WireError("an integer of more than a thousand digits")
        return data
    if isinstance(data, str):
        if len(data) > LONGEST_TEXT:
            raise WireError("a text that is too long")
        return clean(data)
    if not isinstance(data, list) or not data:
        raise WireError("not a value")
    tag, *rest = data

    def items(found: Any) -> list[Any]:
        if not isinstance(found, list):
            raise WireError("not a list")
        return [_decode(item, accept, budget, depth + 1) for item in found]

    match tag:
        case "e":
            return Ellipsis
        case "f":
            return float.fromhex(_text(rest[0], 60))
        case "c":
            return complex(float.fromhex(_text(rest[0], 60)))
        case "l":
            return items(rest[0])
        case "t":
            return tuple(items(rest[0]))
        case "s":
            return set(items(rest[0]))
        case "z":
            return frozenset(items(rest[0]))
        case "d":
            return {key: value for key, value in map(items, rest[0])}
        case "q" | "m":
            return _ratio(tag, _text(rest[0], 200))
        case "r":
            return RECORDS[rest[0]].make(*items(rest[1]))
        case "n":
            dtype = _dtype(rest[0])
            return np.frombuffer(_bytes(rest[1], dtype.itemsize), dtype)[0]
        case "a":
            dtype, shape = _dtype(rest[0]), _shape(rest[1])
            size = math.prod(shape) * dtype.itemsize
            return np.frombuffer(_bytes(rest[2], size), dtype).reshape(shape).copy()
        case "b":
            return np.broadcast_to(np.zeros((), _dtype(rest[0])), _shape(rest[1]))
        case "O" | "U":
            array = np.empty(_shape(rest[0], 10_000), dtype=object)
            flat = items(rest[1])
            if array.size != len(flat):
                raise WireError("an array of another size")
            for index, item in enumerate(flat):
                array.flat[index] = item
            return array if tag == "O" else array.astype(str)
        case "h" if accept is not None:
            return accept(rest)
        case "o":
            name, own = NAME.sub("_", _text(rest[0], 40)), NAME.sub("_", _text(rest[2], 40))
            base = OpaqueFunction if rest[1] is True else Opaque
            made = type(name or "object", (base,), {})
            return made(own) if rest[1] is True else made()
    raise WireError(f"an unknown kind of value: {str(tag)[:20]!r}")


def _text(data: Any, longest: int) -> str:
    if not isinstance(data, str) or len(data) > longest:
        raise WireError("not a short text")
    return data


def _ratio(tag: str, text: str) -> Fraction | Decimal:
    if not re.fullmatch(r"-?\d{1,90}(/\d{1,90})?|-?\d*\.?\d*(E[+-]?\d{1,3})?|NaN|-?Infinity", text):
        raise WireError("not a number")
    return Fraction(text) if tag == "q" else Decimal(text)


def _dtype(data: Any) -> np.dtype[Any]:
    if not re.fullmatch(r"[<>|=][fiub]\d{1,2}", _text(data, 4)):
        raise WireError("a dtype that is not of numbers")
    return np.dtype(data)


def _shape(data: Any, most: int = LARGEST_ARRAY) -> tuple[int, ...]:
    if not isinstance(data, list) or len(data) > 32 or not all(type(n) is int and 0 <= n <= most for n in data):
        raise WireError("not a shape")
    if math.prod(data) > most:
        raise WireError("an array that is too large")
    return tuple(data)


def _bytes(data: Any, size: int) -> bytes:
    if not isinstance(data, str):
        raise WireError("not bytes")
    found = base64.b64decode(data, validate=True)
    if len(found) != size:
        raise WireError("another number of bytes than the shape says")
    return found


class Channel:
    """Messages over a socket, one JSON object a line.

    Parameters
    ----------
    connection : socket.socket
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._left = b""

    def send(self, message: dict[str, Any], seconds: float | None = None) -> None:
        """Send one message.

        Raises
        ------
        Closed
            If the other side has gone, or does not read within the time.
        """
        try:
            self.connection.settimeout(seconds)
            self.connection.sendall(json.dumps(message, allow_nan=False).encode("ascii") + b"\n")
        except OSError as error:
            raise Closed(str(error)) from None

    def receive(self, seconds: float | None = None) -> dict[str, Any]:
        """Return the next message.

        Raises
        ------
        Closed
            If the other side has gone.
        TimeoutError
            If no whole message came in time.
        WireError
            If what came is no message, or too long.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        parts = [self._left]
        size = len(self._left)
        while b"\n" not in parts[-1]:
            if size > LONGEST_LINE:
                raise WireError(f"a message of more than {LONGEST_LINE:,} bytes")
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            try:
                self.connection.settimeout(left)
                part = self.connection.recv(1 << 18)
            except TimeoutError:
                raise
            except OSError as error:
                raise Closed(str(error)) from None
            if not part:
                raise Closed("the other side has gone")
            parts.append(part)
            size += len(part)
        line, _, self._left = b"".join(parts).partition(b"\n")
        if len(line) > LONGEST_LINE:
            raise WireError(f"a message of more than {LONGEST_LINE:,} bytes")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError, MemoryError):
            raise WireError("not JSON") from None
        if not isinstance(message, dict):
            raise WireError("not a JSON object")
        return message

    def close(self) -> None:
        """Close the socket."""
        self.connection.close()
