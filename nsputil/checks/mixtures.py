"""Two mistakes at once, and one of several bugs left: known ideas in the parts of a result, or in some of the cases."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from nsputil.checks.answer_types import Function
from nsputil.checks.detectors import TRANSFORMS, alike, numbers_of, transformed
from nsputil.checks.misconceptions import COMMON, Misconception
from nsputil.checks.values import difference

#: An idea, and what its function returns in every case.
Idea = tuple[Misconception[Function], list[Any]]
#: Name, message and question.
Named = tuple[str, str, str]
ADDED = ("sign_reversed", "factor_100", "log_base_2", "log_base_10", "times_batch", "divided_by_batch")


def of_parts(values: Sequence[Any], right: Sequence[Any], ideas: Sequence[Idea]) -> Named | None:
    """Name the ideas in the parts of results that have several parts, each part for itself.

    Parameters
    ----------
    values, right : sequence of object
        What the answer returned in each case, and the reference.
    ideas : sequence of (Misconception, list)

    Returns
    -------
    tuple of str or None
    """
    keys = _parts(right[0])
    if len(keys) < 2 or any(_parts(value) != keys for value in [*values, *right]):
        return None
    ideas = [(idea, wrong) for idea, wrong in ideas if all(_parts(value) == keys for value in wrong)]
    lines, names, question = [], [], ""
    for key in keys:
        here, wanted = [v[key] for v in values], [r[key] for r in right]
        if _same(here, wanted):
            continue
        found = _idea_of(here, wanted, [(idea, [r[key] for r in w]) for idea, w in ideas])
        if found is None:
            return None
        part = f"The part [{key!r}] of your result: "
        lines.append(part + without_praise(found.message))
        names.append(found.name)
        question = question or found.question
    if not names or len(names) == len(keys) == 1 or len(names) > 2:
        return None
    return names[0], " ".join(lines), question


def with_transform(
    values: Sequence[Any], right: Sequence[Any], ideas: Sequence[Idea], args: Sequence[tuple[Any, ...]]
) -> Named | None:
    """Name an idea together with a wrong sign, base or factor.

    Parameters
    ----------
    values, right : sequence of object
    ideas : sequence of (Misconception, list)
    args : sequence of tuple

    Returns
    -------
    tuple of str or None
    """
    found = numbers_of(values)
    if found is None or not any(_fine(array) for array in found):
        return None
    for idea, wrong in ideas:
        other = numbers_of(wrong)
        if other is None or transformed(other, numbers_of(right) or [], args):
            continue  # a factor of a factor is a factor, which the detectors know
        for name in ADDED:
            with np.errstate(all="ignore"):
                changed = [TRANSFORMS[name](w, a) for w, a in zip(other, args, strict=True)]
            if all(np.isfinite(c).all() for c in changed) and not alike(changed, other) and alike(found, changed):
                message = f"Two things at once. {without_praise(idea.message)} And: {COMMON[name][0]}"
                return idea.name, message.replace("And: Your numbers", "And your numbers then"), idea.question
    return None


def of_cases(values: Sequence[Any], right: Sequence[Any], ideas: Sequence[Idea], what: Sequence[str]) -> Named | None:
    """Name the one idea that explains all the cases that are not right.

    Parameters
    ----------
    values, right : sequence of object
    ideas : sequence of (Misconception, list)
    what : sequence of str
        What is special about each case.

    Returns
    -------
    tuple of str or None
    """
    wrong = [k for k, pair in enumerate(zip(values, right, strict=True)) if difference(*pair, 1e-5, 1e-7)]
    found = numbers_of([values[k] for k in wrong])
    if found is None or not any(_fine(array) for array in found):
        return None  # a few whole numbers may agree by chance
    matching = {idea.name: idea for idea, w in ideas if _same([values[k] for k in wrong], [w[k] for k in wrong])}
    if len(matching) != 1:
        return None
    idea = next(iter(matching.values()))
    message = f"Not right in every case. For {what[wrong[0]]}: {without_praise(idea.message)}"
    return idea.name, message, idea.question


def _parts(value: Any) -> list[Any]:
    """Return the keys or indices of the parts of a result; of an array none."""
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if type(value) in (list, tuple) and len(value) <= 4 else []


def _same(values: Sequence[Any], others: Sequence[Any]) -> bool:
    return all(not difference(a, b, 1e-5, 1e-7) for a, b in zip(values, others, strict=True))


def _idea_of(here: list[Any], wanted: list[Any], ideas: Sequence[Idea]) -> Misconception[Function] | None:
    matching = [idea for idea, part in ideas if not _same(part, wanted) and _same(here, part)]
    return matching[0] if matching else None


def _fine(array: Any) -> bool:
    """True if an array holds numbers that hardly agree by chance: with several digits, or many of them."""
    return array.size >= 4 or bool((np.abs(array * 100 - np.round(array * 100)) > 1e-6).any())


def without_praise(message: str) -> str:
    """Return a message without the sentences that call other parts right, since here they may be wrong as well.

    Parameters
    ----------
    message : str

    Returns
    -------
    str
        The whole message, if it has no other sentence.
    """
    sentences = re.split(r"(?<=[.!?]) ", message)
    kept = [s for s in sentences if not re.search(r"\b(is|are) right\b|^Right\b|^The (size|direction)", s)]
    return " ".join(kept or sentences)
