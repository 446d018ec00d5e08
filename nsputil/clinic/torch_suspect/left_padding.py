"""Rows that begin with padding: does anything depend on where a row begins?

A model without positions that averages over words reads the same wherever a row begins. One that takes the first place,
or counts positions from there, does not. The rows are moved to the left, and the answers compared.
"""

from dataclasses import replace
from typing import Any

import torch

from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.torch_suspect.as_recording import AsRecording
from nsputil.clinic.torch_suspect.batches import endless, mapped
from nsputil.clinic.torch_suspect.calls import Calls
from nsputil.clinic.torch_suspect.copies import copied

SAME = 1e-3  # of the spread of the log-odds


def where_rows_begin(finding: Finding, seen: AsRecording) -> Finding:
    """A first token that is padding is no fault if the answers stay the same without that padding."""
    if finding.fact != "arrays.first" or finding.state != "violated" or seen.words is None:
        return finding
    model = copied(seen.parts.model, {}).eval()
    batch = next(endless(copied(seen.parts.train, {})))[2]
    with torch.no_grad(), Calls(model) as calls:
        before = seen.parts.logits(model, batch)
        ids = calls.arrays.get("input_ids")
        if ids is None:
            return finding
        begins = (ids != seen.words.pad_id).int().argmax(1)
        ids_first = ids[torch.arange(len(ids)), begins]
        if not bool(begins.any()) or not bool((ids_first == seen.words.cls_id).all()):
            return finding
        after = seen.parts.logits(model, mapped(batch, lambda path, leaf: _moved(leaf, ids.shape, begins)))
    odds = [(x[:, 0] - x[:, 1]).double() for x in (before, after)]
    apart, spread = float((odds[0] - odds[1]).abs().max()), float(odds[0].std())
    if spread == 0 or apart > SAME * spread + 1e-5:
        return finding
    text = "Rows begin with padding and then [CLS], and the answers are the same without that padding."
    return replace(finding, state="holds", cause=None, statement=text)


def _moved(leaf: Any, shape: Any, begins: torch.Tensor) -> Any:
    """Return an array of a batch with each row moved to the left, what it begins with behind it."""
    if not isinstance(leaf, torch.Tensor) or leaf.shape != shape:
        return leaf
    places = (torch.arange(shape[1]) + begins[:, None]) % shape[1]
    return leaf.gather(1, places)
