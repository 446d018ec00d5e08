"""Names and numbers within a line: ``Epoch 1 loss 0.69 acc 0.5``, ``loss = 0.69, step = 100``, ``XE Loss: 0.7``."""

import re
from dataclasses import dataclass, field

from nsputil.clinic.log_readers.aliases import PART, SPENT, Name, parse_name
from nsputil.clinic.log_readers.figures import NUMBER
from nsputil.clinic.log_readers.phrases import plain, without_best

_CUT = re.compile(r"[,;|\[\](){}<>\"'\t]|\s{2,}|\s-+\s|--+|\bINFO:|\.\s")
_TAIL = re.compile(r"[\s=:>~\"']*(?:tensor)?[\s=:\[({]*$")
_OPEN = re.compile(r"[=:\s]*[\[(]\s*$")
_BAR = re.compile(
    r"\d+%\|[^|]*\|\s*(\d+)/(\d+)\s*\[[^\],]*,?\s*[\d.?]+\s?(?:s/it|it/s)?,?|(\d+)/(\d+) \[[=>.]+\]|"
    r"\|[#= .>\u2588-]*\|\s*\((\d+)/(\d+)\)"
)
_PART = re.compile(r"(?<![\w/.\\-])(" + "|".join(PART) + r")(?![\w/\\-]|\.\w)", re.IGNORECASE)
#: ``train=[top1: 3.2, loss: 4.4], val=[top1: 8.0, loss: 4.1]``, and a name within.
_GROUP = re.compile(
    r"(?<![\w/])(" + "|".join(PART) + r")\s*[=:]\s*[\[({]([^\[\](){}]*[A-Za-z][^\[\](){}]*)[\])}]", re.I
)
_INNER = re.compile(r"(^\s*|,\s*)['\"]?([A-Za-z][\w@ -]*['\"]?\s*[=:])")
#: Lines that repeat a number that was already written, or that set one beside another.
_SUMMARY = re.compile(
    r"\b(best|max(?:imum)? (?:val\w* |test )?acc\w*|improved|did not improve|early.?stopping|reached minimum)\b",
    re.IGNORECASE,
)
#: What stands before an accuracy that was hoped for, not measured.
_HOPED = frozenset({"expected", "desired", "required", "baseline"})
#: One of several outputs: ``Accuracy C1: 0.94``.
_ONE_OF = re.compile(r"[A-Za-z]{1,2}\d")
TIMES = 3  # that the names of a line must come to be pieces of it
HEADER = re.compile(
    r"\*{3,}|\b(running|starting|begin\w*|start of|do) (train|eval|valid|test)|\bevaluating\b|"
    r"\b(eval|evaluation|valid\w*|test|dev) (results?|metrics|set|scores?)\b|"
    r"^\W*(train|training|dev|valid|validation|evaluation|test|testing)\W*$",
    re.IGNORECASE,
)


@dataclass
class Found:
    """What a line holds: names in their order, with the text of their numbers."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    part: str | None = None

    def of(self, *quantities: str) -> list[tuple[str, str]]:
        """The pairs whose name means one of `quantities`."""
        return [(name, value) for name, value in self.pairs if parse_name(name).quantity in quantities]


def is_summary(line: str) -> bool:
    """Return whether a line repeats what others have said: the best so far, what improved."""
    return bool(_SUMMARY.search(without_best(line)))


def scan(line: str) -> Found:
    """Return the names and numbers of a line that the table of aliases knows."""
    if len(line) > 20_000:
        return Found()
    line = plain(line)
    line = _BAR.sub(lambda match: _bar(match), line)
    line = _GROUP.sub(lambda match: _INNER.sub(rf"\1{match[1]} \2", match[2]), line)
    found, end, named = Found(), 0, False  # named: the number before is that of the last pair
    after: list[str] = []
    unknown: list[tuple[list[str], str]] = []
    for match in NUMBER.finditer(line):
        label = line[end : match.start()]
        value = match.group().strip()
        if label.strip() in ("/", "of") and named:
            name, text = found.pairs[-1]
            if parse_name(name).quantity in ("step", "epoch", "batch", "accuracy"):
                found.pairs[-1] = (name, f"{text}/{value}")
            end = match.end()
            continue
        known = _label(label)
        if re.sub(r"\s", "", label) == "][" and found.pairs and parse_name(found.pairs[-1][0]).quantity == "epoch":
            known = "batch"  # Epoch: [127/300][ 35/464]
        if after and label.strip(" ,") == "":
            found.pairs.append((after.pop(0), value))
            named = True
        elif known:
            several = [part for part in (_label(x) for x in re.split(r",", _OPEN.sub("", label))) if part]
            if _OPEN.search(label) and len(several) > 1:  # test_loss, test_acc: [0.68, 0.54]
                found.pairs.append((several[0], value))
                after = several[1:]
            else:
                found.pairs.append((known, value))
                after = []
            named = True
        else:
            named = False
            unknown.append((_TAIL.sub("", label).lower().split()[-2:], value))
        end = match.end()
    found.pairs += _of_outputs(found, unknown)
    found.part = _part(line, found)
    return found


def _of_outputs(found: Found, unknown: list[tuple[list[str], str]]) -> list[tuple[str, str]]:
    """A bare name whose accuracy stands beside it is its loss: ``class : 0.014 - acc class : 99.2``."""
    if found.of("loss"):
        return []
    bare = {words[-1]: value for words, value in reversed(unknown) if words}
    named = [(name.lower().split(), value) for name, value in found.pairs] + unknown
    pairs = []
    for words, value in named:
        if len(words) == 2 and parse_name(words[0]).quantity == "accuracy" and words[1] in bare:
            if bare[words[1]] != value:
                pairs += [(f"loss {words[1]}", bare[words[1]])]
                pairs += [(f"acc {words[1]}", value)] if (words, value) in unknown else []
    return pairs


def scan_all(line: str) -> list[Found]:
    """Return what `scan` finds, piece by piece if a line holds the same names again and again.

    A bar that was redrawn into a file, without ends of lines, is such a line.
    """
    found = scan(line)
    means = [parse_name(name) for name, _ in found.pairs]
    period = means.index(means[0], 1) if means and means[0] in means[1:] else 0
    times = len(means) // period if period else 0
    if times < TIMES or means != means[:period] * times:
        return [found]
    names = [name for name, _ in found.pairs[:period]]
    values = [value for _, value in found.pairs]
    return [
        Found(list(zip(names, values[at : at + period], strict=True)), found.part)
        for at in range(0, len(values), period)
    ]


def _bar(match: re.Match) -> str:
    at, total = [group for group in match.groups() if group]
    return f" batch {at}/{total} "


def _label(before: str) -> str | None:
    """The name that ends a piece of text, if the table knows it."""
    text = str(_CUT.split(_TAIL.sub("", before))[-1] or "").strip(" .=:#*>-")
    if not text or len(text) > 80:
        return None
    pieces = text.split()[-4:]
    if len(pieces) > 1 and pieces[-1].lower() == "cost" and pieces[-2].lower() in SPENT:
        return None  # Time cost=90.67
    for start in range(len(pieces)):  # the longest phrase that is all known, else the last word
        name = " ".join(pieces[start:])
        meaning = parse_name(name)
        if meaning.quantity != "other" and not meaning.extra:
            return None if start and pieces[start - 1].lower() in _HOPED else name
    if len(pieces) > 1 and _ONE_OF.fullmatch(pieces[-1]) and parse_name(pieces[-2]).quantity in ("loss", "accuracy"):
        return " ".join(pieces[-2:])
    meaning = parse_name(pieces[-1]) if pieces else Name("other")
    if meaning.quantity in ("loss", "accuracy", "perplexity") and len(pieces) > 1:
        return " ".join(pieces[-2:])
    return pieces[-1] if pieces and meaning.quantity != "other" else None


def _part(line: str, found: Found) -> str | None:
    """The part that a line speaks of: by the name of its step, or by a word before its first measure."""
    for name, _ in found.of("step", "epoch", "batch"):
        if parse_name(name).part:
            return parse_name(name).part
    measures = found.of("loss", "accuracy", "perplexity")
    prefix = line.split(measures[0][0])[0] if measures else line
    said = [PART[word.lower()] for word in _PART.findall(prefix)]
    return said[-1] if said else None
