"""Case codes go there and back, and a bad one is named."""

import pytest

from nsputil.clinic.case_codes import decode, encode


def test_codes_go_there_and_back():
    for row in (0, 1, 31, 32, 700):
        assert decode(encode(row)) == row
    assert decode(encode(5).lower()) == 5


@pytest.mark.parametrize("code, message", [("U1", "no case code"), ("", "no case code"), ("ZZZZ", "there is no case")])
def test_bad_codes_are_named(code, message):
    with pytest.raises(ValueError, match=message):
        decode(code)
