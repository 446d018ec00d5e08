"""Case codes: two or three letters and digits that name a case of the bank. Introduced in notebook 10."""

from nsputil.clinic.case_bank import Bank, bank

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: they are misread


def encode(row: int) -> str:
    """Return the case code of a row of the bank."""
    code = ""
    while row or not code:
        row, digit = divmod(row, len(DIGITS))
        code = DIGITS[digit] + code
    return code.rjust(2, "0")


def decode(code: str, cases: Bank | None = None) -> int:
    """Return the row of a case code.

    Parameters
    ----------
    code : str
        Case and surrounding spaces do not matter.
    cases : Bank, optional
        Another bank than the one that comes with the course.

    Raises
    ------
    ValueError
        If it is not a case code, or the bank has no such case.
    """
    cases = cases or bank()
    text = str(code).strip().upper()
    if not text or any(c not in DIGITS for c in text):
        raise ValueError(f"{code!r} is no case code; expected letters and digits such as 'B7' (no I, L, O, U)")
    row = 0
    for character in text:
        row = row * len(DIGITS) + DIGITS.index(character)
    if row >= len(cases):
        raise ValueError(f"there is no case {code!r}; the last one is {encode(len(cases) - 1)!r}")
    return row
