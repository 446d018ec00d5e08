"""An error as the loss: where a log has no other loss, ``error: 0.31`` is what is made small."""

import re
from dataclasses import replace

from nsputil.clinic.log_readers.text import LogText

_LOSS = re.compile(r"loss|(?<![a-z])cost(?![a-z])|\bnll|xent|entropy|perplexity|\bppl", re.I)
#: Not ``word error``, whose number is a share of words, nor ``standard error``, nor what is in percent.
_ERROR = re.compile(
    r"(?<![a-z])(?<!standard )(?<!std )(?<!std_)(?<!word )(?<!char )(?<!top1 )(?<!top5 )(?<!top-1 )(?<!top-5 )"
    r"(?<!classification )(err|error|errors)(?![a-z])(?!_?\W?rate)"
    r"(\s*(?:[:=]|\bis\b)?\s*(?=[-+]?(?:\d*\.\d+(?:e[-+]?\d+)?|nan|inf)\b(?!\s?%)))",
    re.I,
)
_COLUMN = re.compile(r"(?<![a-z])(err|error)(?=\s*[,;|\t]|\s*$)", re.I)


def read_as_loss(text: LogText) -> LogText:
    """Return the text with its errors called losses, if it has no loss; else the text."""
    if len(text.text) > 2_000_000 or _LOSS.search(text.text):
        return text
    head = next((line for line in text.lines if _COLUMN.search(line)), "")
    if head and not any(c.isdigit() for c in head) and any(x in head for x in ",;|\t"):
        found = text.text.replace(head, _COLUMN.sub("loss", head), 1)
    else:
        found = _ERROR.sub(r"loss\2", text.text)
    if found == text.text:
        return text
    return replace(text, text=found, notes=[*text.notes, "there is no loss: an error is read as one"], cache={})
