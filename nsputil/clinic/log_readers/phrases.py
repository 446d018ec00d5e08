"""Ways of saying a number in a line that are turned into the plain one, which is a name before its number."""

import re

from nsputil.clinic.log_readers.aliases import PART

_PARTS = "|".join(PART)
#: ``Val. Loss: 0.43``: the point belongs to the word.
_SHORT = re.compile(r"\b(train|val|valid|eval|dev|test)\.\s+(?=(?:loss|acc))", re.I)
#: ``training's logloss``
_OWNED = re.compile(r"(?<=\w)['\u2019]s(?=\s)")
#: ``Cost after iteration 100: 0.69``, ``Loss at step 100: 2.3``: the number behind the counter is not the loss.
_AT = re.compile(
    r"\b((?:[a-z]+[ _-])?(?:cost|loss|accuracy|acc|perplexity))\s+(?:after|at|in|for|on|of)\s+(?:the\s+)?"
    r"(epoch|iteration|iter|step|batch|update)\s*#?(\d+)\s*(?:[:=]|is\b|was\b)",
    re.I,
)
#: ``validation error 9.6 %``: what the accuracy lacks to all rows.
_ERROR = re.compile(
    rf"\b((?:{_PARTS}|classification|top-?1)[ _-])(?:error|err)(?:[ _-]rate)?(\s*[:=]?\s*)"
    r"(\d{1,2}(?:\.\d+)?|100(?:\.0+)?)\s?%",
    re.I,
)
#: ``loss (train) 0.52 (val) 0.61``
_BEHIND = re.compile(
    rf"\b(loss|acc|accuracy)\s*\(({_PARTS})\)(\s*[:=]?\s*[\d.eE+-]+\s?%?)[\s,]*"
    rf"\(({_PARTS})\)(\s*[:=]?\s*[\d.])",
    re.I,
)
#: ``[train] loss=0.5, acc=0.7, [valid] loss=0.6``
_HEADING = re.compile(rf"[\[<(]\s*({_PARTS})\s*[\])>]\s*:?", re.I)
_INNER = re.compile(r"(^\s*|[,;|]\s*)([A-Za-z][\w@-]*\s*[=:])")


#: ``Test: [20/29]``, ``Test (EMA): [20/29]``: a batch of an evaluation, and of which weights.
_OF_EVALUATION = re.compile(
    r"^(\W*(?:test|val|valid|validation|eval)\w*)\s*(?:\((\w+)\)\s*)?(:?\s*)[\[(]\s*(\d+)\s*/\s*(\d+)\s*[\])]", re.I
)
#: ``Loss: 0.4756 (0.5425)`` there: of the batch, and the mean so far, which is that of the evaluation in the end.
_MEAN = re.compile(r"(\d*\.\d+)\s*\(\s*(\d*\.\d+)\s*\)")
_MEASURE = re.compile(r"\b(loss|acc|accuracy|prec|top)(?=[@ -]?1?\s*[:=]?\s*[\d.])", re.I)
#: ``f1: 0.81, best f1: 0.84``: the best so far, beside what was measured now.
_BEST = re.compile(r"(?<=[\d%])\s*[,;|]\s*best[ _-][\w -]{1,20}?\s*[:=]\s*[\d.]+\s?%?(?=\s*(?:[,;|]|$))", re.I)
#: ``FB1``: the F1 of conlleval.
_FB1 = re.compile(r"\bFB1\b")
#: ``Score at iteration 60 is NaN``: what DL4J calls its loss.
_SCORE_AT = re.compile(r"\bscore at iteration (\d+) is\b", re.I)
#: ``accuracy_top-1: 24.0``: OpenMMLab writes percent, even of 0.24.
_TOP = re.compile(r"\b(acc(?:uracy)?_top)-(\d+)(\s*[:=]\s*)(\d+(?:\.\d+)?)\b")

#: ``Train Epoch: 1 [640/60000 (1%)]``: the rows so far.
_OF_EPOCH = re.compile(r"\b(epoch:?\s*\d+)\s*\[\s*(\d+)/(\d+)(?:\s*\(\s*\d+%\s*\))?\s*\]", re.I)
#: ``(:epoch, 0, :trn, 0.11)``, ``:loss => 0.69``: symbols of Julia.
_SYMBOL = re.compile(r"(?<![\w:]):([A-Za-z]\w*)\s*(?:,|=>)\s*(?=[-+.\d]|nan\b|inf\b)", re.I)
#: ``Loss 5 labels: 1.57``: the number in the name is not the loss.
_IN_NAME = re.compile(r"\b(loss|acc|accuracy)\s+\d+[\s-]+[A-Za-z]+\s*([:=])\s*(?=[-+.\d]|nan\b)", re.I)
#: ``Accuracy of the network on the 10,000 test images: 55 %``: likewise.
_OF_ROWS = re.compile(
    rf"\b(accuracy|loss)((?:\s+[a-z]+){{0,4}}?)\s+(?:on|for|over)\s+(?:the\s+)?[\d,]+\s+({_PARTS})(?:\s+[a-z]+)?\s*[:=]",
    re.I,
)
#: ``Mean test loss of 8 batches: 0.37``: likewise.
_OF_BATCHES = re.compile(
    r"\b(loss|acc|accuracy)\s+(?:of|over|on|in|for)\s+[\d,]+\s+(?:batch(?:es)?|samples?|rows|images|examples)\s*[:=]",
    re.I,
)
#: ``Loss [100, 200](epoch, minibatch): 1.74``: the names of the counters behind them.
_COUNTED = re.compile(r"\b(loss|acc|accuracy)\s*\[(\d+),\s*(\d+)\]\s*\((\w+),\s*(\w+)\)\s*[:=]", re.I)
#: ``120: 788.26, 801.11 avg, 0.001000 rate``: Darknet's step, loss and running mean.
_DARKNET = re.compile(r"^\s*(\d+): (-?nan|[\d.]+), (-?nan|[\d.]+) avg(?: loss)?,", re.I)


def plain(line: str) -> str:
    """Return a line with its names before their numbers, and their parts before their names."""
    line = _OWNED.sub("", _SHORT.sub(r"\1 ", without_best(_FB1.sub("F1", line))))
    line = _BEHIND.sub(r"\2 \1\3, \4 \1\5", line)
    line = _DARKNET.sub(r"step \1, loss \2, avg loss \3,", _OF_EPOCH.sub(r"\1 batch \2/\3 ", line))
    if evaluation := _OF_EVALUATION.match(line):
        part, weights, colon, at, total = evaluation.groups()
        values = _MEAN.sub(r"\2", line[evaluation.end() :])
        values = _MEASURE.sub(rf"{weights} \1", values) if weights else values
        line = f"{part}{colon} batch {at}/{total} {values}"
    line = _TOP.sub(r"\1\2\3\4%", _SCORE_AT.sub(r"iteration \1, loss:", line))
    line = _IN_NAME.sub(r"\1\2 ", _SYMBOL.sub(r"\1 ", line))
    line = _COUNTED.sub(r"\4 \2, \5 \3, \1:", _OF_ROWS.sub(r"\3 \1:", line))
    line = _OF_BATCHES.sub(r"\1:", line)
    line = _AT.sub(r"\2 \3, \1:", line)
    line = _ERROR.sub(lambda match: f"{match[1]}accuracy{match[2] or ' '}{100 - float(match[3]):.6g}%", line)
    return _under_headings(line)


def without_best(line: str) -> str:
    """Return a line without the best number so far, if another stands before it."""
    return _BEST.sub("", line)


def _under_headings(line: str) -> str:
    """Give each name the part in brackets that stands before it, if a line has two parts or more."""
    found = list(_HEADING.finditer(line))
    named = all(_INNER.match(line[match.end() :]) for match in found)
    if len({PART[match[1].lower()] for match in found}) < 2 or not named:
        return line
    pieces = [line[: found[0].start()]]
    for match, following in zip(found, [*found[1:], None], strict=True):
        text = line[match.end() : following.start() if following else len(line)]
        pieces.append(_INNER.sub(rf"\1{match[1]} \2", text))
    return ", ".join(pieces)
