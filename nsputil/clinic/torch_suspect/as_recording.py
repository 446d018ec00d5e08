"""A watched PyTorch training in the form of a `nsputil.clinic.recording.Recording`, so that the same facts read it."""

import inspect
from dataclasses import dataclass, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from nsputil.clinic.text_index import TextIndex
from nsputil.clinic.torch_recorder import adaptive, has_attention, part_of
from nsputil.clinic.torch_suspect.batches import epoch, labels_of, leaves, orders, to_array
from nsputil.clinic.torch_suspect.calls import NAMES
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.clinic.torch_suspect.given import Given
from nsputil.clinic.torch_suspect.layouts import apart, learn_special, learn_unknown, realigned, texts_known
from nsputil.clinic.torch_suspect.watching import Training
from nsputil.clinic.torch_suspect.words import Words, words_of
from nsputil.pairs import SentencePair
from nsputil.run import Run


class Weights:
    """A module as a model whose parameters are numpy arrays in the same memory."""

    def __init__(self, module: Any) -> None:
        self.module = module

    @cached_property
    def parameters(self) -> dict[str, np.ndarray]:
        """The tensors that can be trained, by the part that they belong to and their name."""
        return {named(n): p.detach().numpy() for n, p in self.module.named_parameters() if p.dtype == torch.float32}

    def __deepcopy__(self, memo: dict) -> "Weights":
        return Weights(copied(self.module, memo))


class Steps:
    """An optimizer of PyTorch that takes gradients as arrays."""

    def __init__(self, given: Given, module: Any, total: int) -> None:
        memo: dict = {id(given.model): module}
        self.named = {named(n): p for n, p in module.named_parameters()}
        if isinstance(given.optimizer, torch.optim.Optimizer):
            memo |= {id(p): own for p, own in zip(given.model.parameters(), module.parameters(), strict=True)}
        self.optimizer = replace(given, optimizer=copied(given.optimizer, memo)).make_optimizer(module)
        self.schedule: Any = None
        if given.step is None:  # a step of the user's moves it itself, and is asked apart
            schedule = copied(given.schedule, memo | {id(given.optimizer): self.optimizer})
            self.schedule = schedule(self.optimizer) if callable(schedule) else schedule

    def step(self, gradients: dict[str, np.ndarray]) -> None:
        """Take a step with these gradients; a tensor that is not named has none."""
        for name, parameter in self.named.items():
            array = gradients.get(name)
            parameter.grad = None if array is None else torch.tensor(array, dtype=parameter.dtype)
        self.optimizer.step()
        if self.schedule is not None:
            self.schedule.step()


def named(name: str) -> str:
    """Return the name of a tensor with its part before it: ``encoder.bert.embeddings...``."""
    return f"{part_of(name).split('.')[0]}.{name}"


@dataclass
class AsRecording:
    """What the facts of `nsputil.clinic.facts` read of a `Recording`, for a watched PyTorch training."""

    training: Training
    parts: Given
    total: int
    held_out: list

    def __post_init__(self) -> None:
        parts, training = self.parts, self.training
        truth = [parts.pairs, parts.held_out_pairs]
        self.pairs = {"train": [self._train_pairs()], "valid": self._held_out_pairs(), "test": []}
        self.with_text = bool(truth[0])
        own = {tuple(document.sentences) for document in parts.documents}
        others = [document for document in parts.held_out_documents if tuple(document.sentences) not in own]
        documents = [*parts.documents, *others]
        self.given = {"train": parts.documents, "valid": parts.held_out_documents, "test": []}
        self.run = self._run()
        self.words = words_of(parts.tokenizer, parts.pairs) if parts.tokenizer is not None else None
        self.steps = self._steps()
        self.text_apart = self.other_rows = False
        if self.words is not None and self.with_text:
            self._understand(self.words)
        self.start, self.model = Weights(parts.model), Weights(training.model)
        self.batches = self._batches()
        size = int(np.median([len(seen.labels) for seen in training.seen if seen.labels is not None] or [0]))
        self.experiment = SimpleNamespace(
            documents=documents,
            batch_size=size,
            optimizer=lambda model, total: Steps(parts, model.module, total),
            masking=None,
            seed=parts.seed,
            loss=None,
        )

    @property
    def vocabulary(self) -> Any:
        """The tokenizer, or None."""
        return self.words

    @cached_property
    def text(self) -> TextIndex:
        """Where texts are."""
        return TextIndex(self.experiment.documents)

    def _understand(self, words: Words) -> None:
        """Find out how the rows are laid out, and which pairs they show."""
        pairs, apart_ones = self.pairs["train"][0], []
        for step, seen in zip(self.steps, self.training.seen, strict=True):
            if "input_ids" not in seen.arrays and (both := apart(seen.texts, words)) is not None:
                step.batch = both
                apart_ones.append(step)
        learn_special(words, self.kept, pairs)
        learn_unknown(words, pairs)
        if apart_ones:
            self.text_apart = texts_known(words, apart_ones, pairs)
        if apart_ones and not self.text_apart:
            for step in apart_ones:
                step.batch = None
        shown = [step for step in self.kept if step.pairs and step.batch.input_ids is not None]
        if shown and realigned(words, shown, pairs):
            self.other_rows = True
            for step in self.steps:
                if step.batch is None:
                    step.pairs = []

    def _train_pairs(self) -> list:
        if self.parts.pairs:
            return self.parts.pairs
        count = len(getattr(self.parts.train, "dataset", ())) if orders(copied(self.parts.train, {})) else 0
        labels: dict[int, int] = {}
        for seen in self.training.seen:
            if seen.rows is not None and seen.labels is not None:
                labels |= dict(zip(seen.rows, seen.labels.tolist(), strict=False))
        return [SentencePair(f"row {k}", f"row {k}", labels.get(k, 0), 0, 0, 0, 0) for k in range(count)]

    def _held_out_pairs(self) -> list:
        if self.parts.held_out_pairs:
            return self.parts.held_out_pairs
        labels = [int(x) for batch in self.held_out for x in batch["labels"]]
        return [SentencePair(f"held {k}", f"held {k}", label, 0, 0, 0, 0) for k, label in enumerate(labels)]

    def _run(self) -> Run:
        run = Run(loss=[seen.value for seen in self.training.seen])
        for seen in self.training.seen:
            fits = seen.logits is not None and seen.labels is not None and len(seen.logits) == len(seen.labels)
            run.accuracy.append(float((seen.logits.argmax(1) == seen.labels).mean()) if fits else float("nan"))
        labels = [seen.labels for seen in self.training.seen if seen.labels is not None]
        run.prior = float((np.concatenate(labels) == 0).mean()) if labels else float("nan")
        run.kind = {"attends": has_attention(self.parts.model), "adaptive": adaptive(self.training.optimizer)}
        return run

    def _steps(self) -> list:
        updates = {update.batch: update for update in self.training.updates}
        pairs, found = self.pairs["train"][0], []
        for seen in self.training.seen:
            update = updates.get(seen.number)
            rows = (
                [pairs[k] for k in seen.rows] if seen.rows is not None and pairs and max(seen.rows) < len(pairs) else []
            )
            names = ("input_ids", "token_type_ids", "attention_mask")
            batch = SimpleNamespace(**{name: self._array(seen.arrays, name) for name in names}) if seen.arrays else None
            found.append(
                SimpleNamespace(
                    number=seen.number, pairs=rows, batch=batch, logits=seen.logits, labels=seen.labels,
                    value=seen.value, gradient=None, before=None, after=None,
                    norms={} if update is None else {named(n): x for n, x in update.norms.items()},
                    moved={} if update is None else {named(n): x for n, x in update.moved.items()},
                    gain=float("nan") if update is None else update.gain,
                )
            )  # fmt: skip
        return found

    def _array(self, arrays: dict, name: str) -> Any:
        ids = arrays.get("input_ids")
        if name == "input_ids" and ids is not None and self.words is not None:
            return self.words.exchanged(ids)
        found = arrays.get(name)
        if found is None and ids is not None:  # a model that is not told takes all of it as text, and as A
            return np.ones_like(ids) if name == "attention_mask" else np.zeros_like(ids)
        return found

    def _batches(self) -> list:
        found = orders(copied(self.parts.train, {}))
        if not found or not found[0]:
            return []
        pairs = self.pairs["train"][0]
        return [([1] * len(pairs), [np.array(rows) for rows in found[0]])]

    @cached_property
    def with_segments(self) -> bool:
        """Whether segment ids are somewhere: the model itself has a name for them, or a batch holds them."""
        names = inspect.signature(self.parts.model.forward).parameters
        if set(names) & set(NAMES["token_type_ids"]):
            return True
        batch = next(iter(epoch(copied(self.parts.train, {}))))[1]
        paths = leaves(batch)
        shapes = [x for x in paths.values() if getattr(x, "ndim", 0) == 2 and x.shape[1] > 2]
        flags = [x for x in shapes if set(np.unique(np.asarray(x)).tolist()) == {0, 1}]
        return any(path and path[-1] in NAMES["token_type_ids"] for path in paths) or len(flags) > 1

    @property
    def kept(self) -> list:
        """The steps of which the arrays are known."""
        return [step for step in self.steps if step.batch is not None]

    @property
    def sampled(self) -> list:
        """No step keeps all parameters."""
        return []


def read_held_out(given: Given, most: int = 640) -> list[dict]:
    """Return the batches of the held-out loader: ``rows``, ``batch``, ``labels``."""
    found, count = [], 0
    if given.held_out is None:
        return []
    for rows, batch in epoch(copied(given.held_out, {})):
        labels = labels_of(batch)
        if labels is None:
            return []
        found.append({"rows": rows, "batch": batch, "labels": to_array(labels)})
        count += len(labels)
        if count >= most:
            break
    return found
