"""Does one number of a row's arrays tell its label? Then the text need not be read at all.

A label reaches the arrays by another way than the words: as the segment id of the whole row, a mark in the first or the
last place, the number of tokens shown. What the pairs themselves give away is asked elsewhere.
"""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.torch_suspect.as_recording import AsRecording

ROWS = 80
TELLS = 0.985  # of the rows
VALUES = 4  # different ones: more are words, or lengths


def told_by_arrays(seen: AsRecording) -> Finding:
    """Is there a number with few values, or a sum, that has one value for each label?"""
    fact, place = "arrays.label", "encoding"
    columns: dict[str, list[float]] = {}
    labels: list[int] = []
    for step in seen.kept:
        if step.labels is None or len(step.labels) != len(step.batch.input_ids):
            continue
        labels += step.labels.tolist()
        for name, values in _numbers(step.batch).items():
            columns.setdefault(name, []).extend(values)
    truth = np.array(labels)
    if len(truth) < ROWS or not 0.1 < truth.mean() < 0.9:
        return unknown(fact, place, "Too few rows show their arrays.")
    for name, column in columns.items():
        read = np.array(column)
        if len(read) != len(truth) or len(set(column)) < 2:
            continue
        kinds = read if len(set(column)) <= VALUES else (read > np.median(read)).astype(float)
        tells = float(sum(max((truth[kinds == k] == 0).sum(), (truth[kinds == k] == 1).sum()) for k in set(kinds)))
        if tells / len(truth) > TELLS:
            text = f"Of {len(truth)} rows the {name} alone tells the label in {tells / len(truth):.3f}."
            return violated(fact, place, text, "label-in-text", tells=tells / len(truth))
    return holds(fact, place, "No one number of the arrays tells the label.")


def _numbers(batch: Any) -> dict[str, list[float]]:
    ids = np.asarray(batch.input_ids)
    length = (ids != 0).sum(1)
    found = {"number of tokens": length.tolist()}
    for name, words in (("input_ids", "id"), ("token_type_ids", "segment id"), ("attention_mask", "mask")):
        array = np.asarray(getattr(batch, name))
        if array.shape != ids.shape:
            continue
        if name != "input_ids":
            found[f"sum of {name}"] = array.sum(1).tolist()
        for k in (0, 1):
            found[f"{words} in place {k}"] = array[:, k].tolist()
            found[f"{words} {k} places before the end"] = [
                row[max(0, n - 1 - k)] for row, n in zip(array, length, strict=True)
            ]
    return found
