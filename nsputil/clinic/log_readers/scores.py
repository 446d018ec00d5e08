"""What is measured beside loss and accuracy: precision, recall, F1, BLEU. More is better; no chance level is known."""

import math
import re
from collections.abc import Sequence

from nsputil.clinic.log_readers.aliases import parse_name, words
from nsputil.clinic.log_readers.figures import parse
from nsputil.clinic.log_readers.record import Record
from nsputil.clinic.log_readers.text import LogText

WORDS = frozenset({
    "f1", "fscore", "precision", "recall", "mcc", "auc", "bleu", "rouge", "meteor", "em", "map", "miou", "iou", "dice",
    "kappa", "pearson", "spearman", "spearmanr", "ndcg", "mrr", "score", "r2",
})  # fmt: skip
_NAMED = re.compile(
    r"(?<![a-z])((?:macro|micro)?[-_ ]?(?:precision|recall|f[-_]?score|f1(?:[-_ ]?score)?))\W{1,4}?(-?\d*\.?\d+)", re.I
)
_AREA = re.compile(r"\b((?:\w+[-_ ])?(?:roc[-_ ]?)?auc(?:[-_ ]?roc)?|auroc)\W{1,4}(\d*\.?\d+)", re.I)
CORRELATIONS = frozenset({"pearson", "pearsonr", "spearman", "spearmanr", "mcc"})
_MAKES = re.compile(r"\b(g|gen|generator)[-_ ]?loss|\bloss[-_ ]?(g|gen|generator)\b", re.I)
_JUDGES = re.compile(r"\b(d|disc|discriminator)[-_ ]?loss|\bloss[-_ ]?(d|disc|discriminator)\b", re.I)
_POLICY = re.compile(r"\b(policy|actor|surrogate|elbo)([-_ ]gradient)?[-_ ]?loss", re.I)
_REWARDED = re.compile(r"\b(reward_std|completion_length|kl_coef)\b|\bepisode\b[^\n]*\b(reward|return)\b", re.I)
_REPORT = re.compile(r"^\s*precision\s+recall\s+f1-score\s+support\s*$", re.M)
_CLASS = re.compile(r"^\s*(\S.*?)\s{2,}(\d?\.\d+)\s+(\d?\.\d+)\s+(\d?\.\d+)\s+(\d+)\s*$", re.M)
LARGEST = 2_000_000  # characters
_COMPUTED = r"(?:pred\w*|logits?|outputs?|prob\w*|scores?|weights?|activations?|embeddings?|hidden\w*|y_hat)"
#: ``pred: tensor([[nan, nan]])``: an array that holds nothing else.
_NAN_ARRAY = re.compile(rf"\b{_COMPUTED}\W[^\n\[]{{0,40}}[\[\s]*\[\s*nan(?:[\s,]+nan)+\s*\]", re.I)
_NAN_NAMED = re.compile(
    r"(?:invalid value|divide by zero|overflow) encountered in \w+|"
    r"\b(?:nans?|non-?finite \w+) (?:was |were )?(?:detected|found)|"
    r"\b(?:loss|output|gradient|input)s? (?:is|are|contains?|became|has) nan\b|"
    rf"\b{_COMPUTED}\s?[:=]\s*[\[\s]*nan\b",
    re.I,
)


def held_out(records: Sequence[Record]) -> dict[str, list[float]]:
    """Return the scores of the evaluations by name, those that were measured more than once."""
    found: dict[str, list[float]] = {}
    for record in records:
        for raw, cell in record.values.items():
            meaning = parse_name(raw)
            if not WORDS & set(words(raw)) or "loss" in words(raw) or (meaning.part or record.part) == "train":
                continue
            number = parse(cell)
            if number is not None and math.isfinite(number[0]):
                found.setdefault(raw, []).append(number[0])
    return {name: values for name, values in found.items() if len(values) > 1}


def accuracies(records: Sequence[Record]) -> dict[str, list[float]]:
    """Return the numbers of each name of an accuracy, whatever its part."""
    found: dict[str, list[float]] = {}
    for record in records:
        for raw, cell in record.values.items():
            number = parse(cell) if parse_name(raw).quantity == "accuracy" else None
            if number is not None and math.isfinite(number[0]):
                found.setdefault(raw, []).append(number[0] / 100 if number[1] else number[0])
    return found


def per_word(records: Sequence[Record]) -> bool:
    """Return whether a perplexity is written beside its loss, so that the loss is known to be one of words."""
    for record in records:
        of = {parse_name(raw).quantity: parse(cell) for raw, cell in record.values.items()}
        loss, perplexity = of.get("loss"), of.get("perplexity")
        if loss and perplexity and 0 < loss[0] < 50 and perplexity[0] > 1:
            if abs(math.log(perplexity[0]) - loss[0]) < 0.02 * max(1.0, loss[0]):
                return True
    return False


def areas(text: LogText) -> dict[str, list[float]]:
    """Return each area under the curve that a text names before a number."""
    found: dict[str, list[float]] = {}
    for name, number in _AREA.findall(text.text) if len(text.text) <= LARGEST else []:
        found.setdefault(name.lower(), []).append(float(number))
    return found


def undefined(records: Sequence[Record]) -> list[str]:
    """Return the correlations that are NaN in the last place that has them: constant answers have none."""
    last: dict[str, float] = {}
    for record in records:
        for raw, cell in record.values.items():
            number = parse(cell) if CORRELATIONS & set(words(raw)) else None
            if number is not None:
                last[raw] = number[0]
    return [raw for raw, value in last.items() if math.isnan(value)]


def nan_arrays(text: LogText) -> list[str]:
    """Return the lines that print an array of what a model computes in which every number is NaN."""
    return [match.group() for match in _NAN_ARRAY.finditer(text.text[:LARGEST])]


def nans(text: LogText) -> list[str]:
    """Return what a log says of numbers that are NaN, beside its losses: warnings, and what a model computes."""
    return nan_arrays(text) + [match.group() for match in _NAN_NAMED.finditer(text.text[:LARGEST])]


def named(text: LogText) -> dict[str, list[float]]:
    """Return each precision, recall and F1 that a text names before a number."""
    if len(text.text) > LARGEST:
        return {}
    found: dict[str, list[float]] = {}
    for name, number in _NAMED.findall(text.text):
        found.setdefault(name.strip(" -_").lower(), []).append(float(number))
    return found


def one_answer(text: LogText) -> list[bool]:
    """Return for each report of scikit-learn whether one class has a recall of 1, and all others one of 0."""
    if len(text.text) > LARGEST:
        return []
    found = []
    for part in _REPORT.split(text.text)[1:]:
        recalls = [float(recall) for name, _, recall, _, _ in _CLASS.findall(part) if not name.endswith("avg")]
        if len(recalls) > 1:
            found.append(sorted(recalls)[-2:] == [0.0, 1.0])
    return found


def need_not_fall(text: LogText) -> bool:
    """Return whether the losses are of a generator and a discriminator, or of a policy."""
    start = text.text[:LARGEST]
    return bool(_MAKES.search(start) and _JUDGES.search(start)) or bool(
        _POLICY.search(start) or _REWARDED.search(start)
    )
