"""Exchanges of one part, or of one amount, of a PyTorch training: what helps was wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from nsputil.clinic.torch_suspect.batches import label_place, labels_of, leaves, mapped, own_labels, with_labels_like
from nsputil.clinic.torch_suspect.calls import NAMES, is_wide
from nsputil.clinic.torch_suspect.given import Given, usual_rate
from nsputil.clinic.torch_suspect.words import Words, words_of


@dataclass(frozen=True)
class Swap:
    """One exchange.

    Attributes
    ----------
    name : str
        In words.
    place : str
    cause : str or None
        What was wrong if it helps.
    change : callable
        ``Given -> Given``.
    start : callable or None
        ``(model, optimizer) -> None``, before the first step.
    """

    name: str
    place: str
    cause: str | None
    change: Callable[[Given], Given]
    start: Callable | None = None


def rate(factor: float) -> Callable[[Given], Given]:
    """Return a change of the rate by a factor, under the user's own schedule."""

    def change(given: Given) -> Given:
        own = given.optimizer

        def optimizer(model: Any) -> Any:
            plain = own is None or isinstance(own, torch.optim.Optimizer)
            found = replace(given, optimizer=own).make_optimizer(model) if plain else own(model)
            for group in found.param_groups:
                for name in ("lr", "initial_lr"):
                    if name in group:
                        group[name] = group[name] * factor
            return found

        return replace(given, optimizer=optimizer)

    return change


def no_dropout(model: Any, optimizer: Any) -> None:
    """Set the share of every dropout of a model to 0, in modules and in a config."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for name in ("dropout_prob", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


def textbook_loop(given: Given) -> Given:
    """Return a training with the textbook's loop, AdamW at a usual rate, and a linear decay after a warm-up."""
    total = given.steps or 200

    def schedule(optimizer: Any) -> Any:
        warm = max(1, total // 10)
        return torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda k: min((k + 1) / warm, max(0.0, (total - k) / max(1, total - warm)))
        )

    return replace(
        given, step=None, schedule=schedule, clip=1.0, gather=1,
        optimizer=lambda model: torch.optim.AdamW(
            [p for p in model.parameters() if p.requires_grad], lr=usual_rate(model)
        ),
    )  # fmt: skip


def textbook_loss(given: Given) -> Given:
    """Return a training with the cross-entropy in nats, and the textbook's loop around it."""

    def loss(answer: Any, labels: Any) -> Any:
        return F.cross_entropy(given.form.logits(answer), labels_of((labels,)).to(answer.device))

    return replace(given, loss=loss, both=None, step=None)


def textbook_batches(given: Given) -> Given:
    """Return a training with shuffled batches of 16, and the same rows."""
    data = given.train.dataset
    return replace(
        given,
        train=DataLoader(
            data, 16, shuffle=True, collate_fn=given.train.collate_fn,
            generator=torch.Generator().manual_seed(given.seed),
        ),
    )  # fmt: skip


def textbook_encoding(given: Given, like: Any, words: Words | None = None, length: int = 128) -> Given:
    """Return a training on ``[CLS] A [SEP] B [SEP]``, made from the pairs, in the layout of the user's batches.

    Of batches that hold A and B in two arrays, each holds the words of its text.

    Raises
    ------
    ValueError
        If the tokenizer names no special tokens for joined rows.
    """
    words = words or words_of(given.tokenizer, given.pairs)
    texts = two_texts(like)
    if texts is None and min(words.cls_id, words.sep_id) < 0:
        raise ValueError("the tokenizer names no special tokens")

    def encode(pairs: list) -> Any:
        if texts is not None:
            return _apart(pairs, words, texts, like)
        rows = [_row(words, pair, length) for pair in pairs]
        width = max(len(ids) for ids, _ in rows)
        ids = torch.full((len(rows), width), words.pad_id)
        segments, mask = torch.zeros_like(ids), torch.zeros_like(ids)
        for k, (row, kinds) in enumerate(rows):
            ids[k, : len(row)] = torch.tensor(row)
            segments[k, : len(row)] = torch.tensor(kinds)
            mask[k, : len(row)] = 1
        arrays = {"input_ids": ids, "token_type_ids": segments, "attention_mask": mask}
        return _in_layout(arrays, torch.tensor([pair.label for pair in pairs]), like)

    train = DataLoader(
        given.pairs, getattr(given.train, "batch_size", None) or 16, shuffle=True, collate_fn=encode,
        generator=torch.Generator().manual_seed(given.seed),
    )  # fmt: skip
    held_out = given.held_out
    if given.held_out_pairs:
        held_out = DataLoader(given.held_out_pairs, 64, collate_fn=encode)
    return replace(given, train=train, held_out=held_out, evaluate=None)


def two_texts(like: Any) -> list[tuple] | None:
    """Return the paths of A and B in a batch that holds just two arrays of words, none by the name of a joined one."""
    wide = [path for path, leaf in leaves(like).items() if is_wide(leaf)]
    named = any(path and path[-1] in NAMES["input_ids"] for path in wide)
    return wide if len(wide) == 2 and not named else None


def _apart(pairs: list, words: Words, texts: list, like: Any, length: int = 64) -> Any:
    rows = [[words.exchanged(words.ids(text))[:length] for text in (p.sentence_a, p.sentence_b)] for p in pairs]
    arrays = {}
    for side, path in enumerate(texts):
        array = torch.full((len(rows), max(2, *(len(row[side]) for row in rows))), words.pad_id)
        for k, row in enumerate(rows):
            array[k, : len(row[side])] = torch.as_tensor(row[side])
        arrays[path] = array
    arrays[label_place(like)] = with_labels_like(torch.tensor([p.label for p in pairs]), own_labels(like))
    return mapped(like, lambda path, leaf: arrays.get(path, leaf))


def _row(words: Words, pair: Any, length: int) -> tuple[list, list]:
    a, b = (words.exchanged(words.ids(text)).tolist() for text in (pair.sentence_a, pair.sentence_b))
    while len(a) + len(b) > length - 3:
        (a if len(a) > len(b) else b).pop()
    ids = [words.cls_id, *a, words.sep_id, *b, words.sep_id]
    return ids, [0] * (len(a) + 2) + [1] * (len(b) + 1)


def _in_layout(arrays: dict, labels: Any, like: Any) -> Any:
    """Return arrays as a mapping, or as a tuple in the usual order."""
    truth = with_labels_like(labels, own_labels(like))
    if isinstance(like, Mapping):
        label = (label_place(like) or ("labels",))[0]
        if "input_ids" not in like:
            return _by_roles(arrays, truth, like)
        named = {name: array for name, array in arrays.items() if name in like or name == "attention_mask"}
        return named | {label: truth}
    if not isinstance(like, tuple | list):  # an object with arrays of these names
        return _by_roles(arrays, truth, like)
    if len(like) == 2 and isinstance(like[0], Mapping):
        return {name: array for name, array in arrays.items() if name in like[0]}, truth
    return tuple(truth if (k,) == label_place(like) else arrays[name] if name else leaf
                 for k, (leaf, name) in enumerate(zip(like, _places(like), strict=True)))  # fmt: skip


def _by_roles(arrays: dict, truth: Any, like: Any) -> Any:
    """Return arrays in a batch with names of its own: by the names that are known, or by what the arrays hold."""
    place = label_place(like)
    wide = [path for path, leaf in leaves(like).items() if path != place and getattr(leaf, "ndim", 0) == 2]
    found = _places([leaves(like)[path] for path in wide])
    roles = {path: role for path, role in zip(wide, found, strict=True) if role}
    for path in wide:
        own = next((ours for ours, names in NAMES.items() if path and path[-1] in names), None)
        if own is not None:
            roles[path] = own
    return mapped(like, lambda path, leaf: truth if path == place else arrays.get(roles.get(path, ""), leaf))


def _places(like: Any) -> list[str]:
    """Return which array stands at each place of a tuple; nothing where it is none of the three."""
    wide = [k for k, leaf in enumerate(like) if getattr(leaf, "ndim", 0) == 2 and leaf.shape[1] > 2]
    ids = next((k for k in wide if int(like[k].max()) > 1), -1)
    words = like[ids] != 0 if ids >= 0 else None
    found = ["input_ids" if k == ids else "" for k in range(len(like))]
    for k in wide:
        if k != ids and words is not None:
            mask = torch.equal(like[k].bool(), words) and "attention_mask" not in found
            found[k] = "attention_mask" if mask else "token_type_ids"
    return found


def standard_error(accuracy: float, count: int) -> float:
    """Return the standard error of an accuracy."""
    return float(np.sqrt(max(accuracy * (1 - accuracy), 0.01) / max(1, count)))
