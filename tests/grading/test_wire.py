"""What crosses the wall of the box: values arrive as they are at bottom, and nonsense is refused."""

import json
import socket
from collections import namedtuple
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from nsputil.corpus import Document
from nsputil.grading import wire
from nsputil.model import Prediction
from nsputil.pairs import SentencePair
from nsputil.tokenization import Vocabulary


def sent(value, offer=None, accept=None):
    return wire.decode(json.loads(json.dumps(wire.encode(value, offer), allow_nan=False)), accept)


PLAIN = [
    None,
    True,
    False,
    0,
    -7,
    10**300,
    0.1,
    -0.0,
    1e-320,
    "text",
    "",
    "naïve ✓",
    [1, 2.5, "a"],
    (1, (2, [])),
    {"a": 1, 2: [3]},
    {1, 2},
    frozenset({"a"}),
    Fraction(1, 3),
    Decimal("1.50"),
    ...,
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_data_arrive_as_they_were(value):
    found = sent(value)
    assert type(found) is type(value) and found == value


def test_floats_arrive_to_the_last_digit():
    for value in (0.1, np.nextafter(1, 2), float("inf"), -float("inf")):
        assert sent(float(value)).hex() == float(value).hex()
    assert np.isnan(sent(float("nan")))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", "int8", "uint64", "bool", ">f8"])
def test_arrays_and_their_scalars_keep_dtype_and_shape(dtype):
    array = np.array([[0, 1, 1], [1, 0, 1]], dtype=dtype)
    found = sent(array)
    assert (
        found.dtype == array.dtype and found.shape == array.shape and (found == array).all() and found.flags.writeable
    )
    scalar = sent(array[0, 1])
    assert type(scalar) is type(array[0, 1]) and scalar == 1
    assert sent(np.zeros((0, 2))).shape == (0, 2) and sent(np.array(3.0)).shape == ()


def test_arrays_of_texts_and_of_objects():
    assert sent(np.array(["a", "bc"])).tolist() == ["a", "bc"]
    found = sent(np.array([1, "a", None], dtype=object))
    assert found.dtype == object and found.tolist() == [1, "a", None]


def test_records_of_the_course_arrive_whole():
    pair = SentencePair("A.", "B.", 1, 0, 2, 3, 4, True)
    assert sent(pair) == pair and type(sent([pair])[0]) is SentencePair
    assert sent(Prediction(0.5, 0.7, 0.7)).p_is_next == 0.5


class TrueFloat(float):
    __hash__ = float.__hash__

    def __eq__(self, other):
        return True

    def hex(self):
        return "0x0p+0"


class TrueArray(np.ndarray):
    def tobytes(self, *_):
        return bytes(8)


class OddDict(dict):
    def items(self):
        return [("b", 2)]


class Liar:
    __class__ = property(lambda self: float)


def test_subclasses_lose_their_tricks():
    assert type(sent(TrueFloat(5.0))) is float and sent(TrueFloat(5.0)) == 5.0
    assert type(sent(np.array(5.0).view(TrueArray))) is np.ndarray and sent(np.array(5.0).view(TrueArray)) == 5.0
    assert sent(OddDict(a=1)) == {"a": 1} and type(sent(OddDict(a=1))) is dict
    assert type(sent(namedtuple("N", "a b")(1, 2))) is tuple
    assert isinstance(sent(Liar()), wire.Opaque)
    assert sent(range(3)).tolist() == [0, 1, 2]  # what NumPy reads as numbers, the check reads so, too


def deep(levels):
    value = 0
    for _ in range(levels):
        value = [value]
    return value


def endless():
    value = []
    value.append(value)
    return value


TOO_MUCH = {
    "deep": deep(50),
    "very deep": deep(5000),
    "endless": endless(),
    "wide": [0] * 200_000,
    "long": "x" * 300_000,
    "large int": 10**5000,
    "large array": np.zeros(10**6),
    "lambda": lambda: 0,
    "object": object(),
    "record": np.zeros(2, dtype=[("x", "f8")]),
    "date": np.datetime64("2020-01-01"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_is_no_plain_data_or_too_large_is_only_a_name(name):
    value = TOO_MUCH[name]
    found = sent(value)
    assert isinstance(found, wire.Opaque) and type(found).__name__.strip("_") in (type(value).__name__, "function")
    assert callable(found) == callable(value)


def test_a_function_that_stayed_behind_has_its_name_and_cannot_be_called():
    found = sent(deep)
    assert found.__name__ == "deep"
    with pytest.raises(TypeError, match="in its box"):
        found()


def test_documents_and_vocabularies_cross_with_all_that_they_hold():
    document = Document("a", ["One two.", "Three."])
    vocabulary = Vocabulary(["one", "two"])
    there, other = sent((document, vocabulary))
    assert there == document and other.tokens == vocabulary.tokens
    with pytest.raises(wire.WireError):
        wire.decode(["r", "Vocabulary", [["l", ["one", "one"]]]])


def test_handles_cross_and_others_do_not():
    accepted = []
    sent(
        (deep, 1), lambda v: ["h", 0, "deep", True, []] if callable(v) else None, lambda h: accepted.append(h) or "here"
    )
    assert accepted == [[0, "deep", True, []]]
    with pytest.raises(wire.WireError):
        wire.decode(["h", 0, "deep", True, []])


NONSENSE = [
    [],
    ["x"],
    ["f"],
    ["f", 1],
    ["f", "0x" + "1" * 100],
    ["f", "nonsense"],
    ["l", 3],
    ["t"],
    ["d", [[1]]],
    ["d", [[["l", []], 1]]],
    ["s", [["l", []]]],
    ["a", "O", [1], "AAAA"],
    ["a", "<f8", [1], "AAAA"],
    ["a", "<f8", [-1], ""],
    ["a", "<f8", [10**12], ""],
    ["a", "<f8", [2**40, 2**40], ""],
    ["a", "<V8", [1], "AAAAAAAAAAA="],
    ["a", "<f8", ["1"], "AAAAAAAAAAA="],
    ["a", "<f8", [1], "not base64!!"],
    ["a", "<f3", [1], "AAAA"],
    ["a", "<f8", [True], "AAAAAAAAAAA="],
    ["n", "<f8", ""],
    ["q", "1/0"],
    ["q", "nan"],
    ["m", "x" * 300],
    ["m", "1E999999999"],
    ["r", "Popen", []],
    ["r", "SentencePair", []],
    ["O", [2], [1]],
    ["o", 1, 2, 3],
    {"a": 1},
    0.5,
    10**2000,
    "x" * 300_000,
    ["l", [[0]] * 3],
    ["U", [1], [["l", []]], 1],
]


@pytest.mark.parametrize("data", [n for n in NONSENSE if n != ["U", [1], [["l", []]], 1]], ids=lambda d: repr(d)[:40])
def test_nonsense_is_refused(data):
    with pytest.raises(wire.WireError):
        wire.decode(data)


def test_of_what_is_too_large_an_outline_is_sent():
    found = wire.decode(json.loads(json.dumps(wire.encode_within(np.ones((500, 40)), 1000))))
    assert found.shape == (500, 40) and found.dtype == float and not found.any()
    assert wire.encode_within(np.zeros(10**6), 10**9)[0] == "b"
    assert wire.encode_within(["x" * 600] * 2, 1000)[0] == "o" and wire.encode_within([1], 1000) == ["l", [1]]
    for shape in ([10**12], [-1], ["1"]):
        with pytest.raises(wire.WireError):
            wire.decode(["b", "<f8", shape])


def test_halves_of_characters_are_replaced():
    assert sent("a\ud800b") == "a?b" and wire.decode("\udfff") == "?"


def test_names_of_classes_are_cleaned():
    found = wire.decode(["o", "<script>\x1b[2J", True, "a b;c"])
    assert type(found).__name__ == "<script>__2J" and found.__name__ == "a_b_c"


@pytest.fixture
def channels():
    a, b = socket.socketpair()
    with a, b:
        yield wire.Channel(a), wire.Channel(b)


def test_messages_come_one_by_one_whatever_the_pieces(channels):
    a, b = channels
    a.connection.sendall(b'{"n": 1}\n{"n"')
    a.connection.sendall(b": 2}\n")
    assert [b.receive(1)["n"], b.receive(1)["n"]] == [1, 2]


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b"[1]\n", b"\xff\n", b"[" * 100_000 + b"\n", b'{"n": ' + b"9" * 9000 + b"}\n"]
)
def test_a_line_that_is_no_message_is_refused(line, channels):
    a, b = channels
    a.connection.sendall(line)
    with pytest.raises(wire.WireError):
        b.receive(5)


def test_a_flood_is_refused(monkeypatch, channels):
    monkeypatch.setattr(wire, "LONGEST_LINE", 10_000)
    a, b = channels
    a.connection.setblocking(False)
    a.connection.send(bytes(100_000))
    with pytest.raises(wire.WireError, match="more than"):
        b.receive(5)


def test_a_silence_and_an_end(channels):
    a, b = channels
    with pytest.raises(TimeoutError):
        b.receive(0.05)
    a.close()
    with pytest.raises(wire.Closed):
        b.receive(1)
    with pytest.raises(wire.Closed):
        b.send({"n": 1})
