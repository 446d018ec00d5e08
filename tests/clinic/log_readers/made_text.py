"""Made-up logs for tests: as text, as what was understood, and as what was said of them."""

from nsputil.clinic.log_readers.reading import understand
from nsputil.clinic.log_readers.text import decode
from nsputil.clinic.report import answer_log


def reading(text):
    return understand(decode(text.encode(), "made.log"))


def said(text):
    return answer_log(reading(text))


def rows(text):
    return [(r["step"], r["part"], r.get("loss"), r.get("accuracy")) for r in reading(text).rows]


def times(line, *values):
    return "".join(line.format(*(value if isinstance(value, tuple) else (value,))) for value in values)
