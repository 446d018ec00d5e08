"""What the user gave to `examine`, copied, in one form for plain loops and for the Trainer of transformers."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F

from nsputil.clinic.torch_suspect.batches import LABELS, labels_of, without_labels
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.corpus import Document
from nsputil.pairs import SentencePair


@dataclass
class Given:
    """A training as `examine` sees it. All of it are copies; `fresh` makes more of them.

    Attributes
    ----------
    model, train, held_out, loss, optimizer, schedule, step, evaluate, forward, start, steps, tokenizer
        See `examine`.
    pairs, held_out_pairs : list of SentencePair
        Empty if they are not known.
    documents, held_out_documents : list of Document
    label_names : tuple of str
    seed : int
    both : callable, optional
        Of the Trainer: ``(model, batch) -> (loss, logits)``.
    clip : float
        The largest norm of a gradient that the Trainer allows; 0: any.
    gather : int
        Batches for a step of the Trainer.
    """

    model: Any
    train: Any
    held_out: Any = None
    loss: Callable | None = None
    optimizer: Any = None
    schedule: Callable | None = None
    step: Callable | None = None
    evaluate: Callable | None = None
    forward: Callable | None = None
    start: Mapping | None = None
    steps: int | None = None
    tokenizer: Any = None
    pairs: list = field(default_factory=list)
    held_out_pairs: list = field(default_factory=list)
    documents: list = field(default_factory=list)
    held_out_documents: list = field(default_factory=list)
    label_names: tuple = ("IsNext", "NotNext")
    seed: int = 0
    both: Callable | None = None
    clip: float = 0.0
    gather: int = 1

    def logits(self, model: Any, batch: Any) -> torch.Tensor:
        """Return the two logits of each row of a batch."""
        if self.forward is not None:
            return self.forward(model, batch)
        inputs = without_labels(batch)
        output = model(**inputs) if isinstance(inputs, Mapping) else model(*inputs)
        return logits_in(output)

    def value(self, model: Any, batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of the training, and the logits."""
        if self.both is not None:
            return self.both(model, batch)
        if self.loss is not None:
            logits = self.logits(model, batch)
            return self.loss(logits, labels_of(batch).to(logits.device)), logits
        if isinstance(batch, Mapping) and self.forward is None and takes_labels(model):
            output = model(**batch)
            found = loss_in(output)
            if found is not None and getattr(found, "ndim", 1) == 0:
                return found, logits_in(output)
        logits = self.logits(model, batch)
        return F.cross_entropy(logits, labels_of(batch).to(logits.device)), logits

    def fresh(self) -> tuple[Any, Any, Any, "Given"]:
        """Return a new model, optimizer and schedule, and the other parts to use with them."""
        memo: dict = {}
        other = copy(self)
        other.model = copied(self.model, memo)
        for name in ("optimizer", "train", "held_out", "loss", "schedule", "step", "evaluate", "forward", "both"):
            setattr(other, name, copied(getattr(self, name), memo))
        optimizer = other.make_optimizer(other.model)
        schedule = None
        if other.schedule is not None:
            schedule = other.schedule(optimizer) if callable(other.schedule) else other.schedule
        return other.model, optimizer, schedule, other

    def make_optimizer(self, model: Any) -> Any:
        """Return the optimizer of the user over a model, or AdamW if none was given."""
        if self.optimizer is None:
            return torch.optim.AdamW(model.parameters(), lr=usual_rate(model))
        if isinstance(self.optimizer, torch.optim.Optimizer) or not callable(self.optimizer):
            return self.optimizer
        return self.optimizer(model)

    def take_step(self, model: Any, batch: Any, optimizer: Any, schedule: Any, number: int) -> Any:
        """Take a step as the user does, or by the textbook; return its loss."""
        if self.step is not None:
            return self.step(model, batch, self.loss, optimizer, schedule)
        loss, _ = self.value(model, batch)
        if self.gather == 1:
            optimizer.zero_grad()
        (loss / self.gather).backward()
        if number % self.gather == 0:
            if self.clip:
                torch.nn.utils.clip_grad_norm_(model.parameters(), self.clip)
            optimizer.step()
            if schedule is not None:
                schedule.step()
            optimizer.zero_grad()
        return loss.detach()


#: Parts of a Trainer that are copied apart, or are no data.
KEPT = ("model", "model_wrapped", "train_dataset", "eval_dataset", "optimizer", "lr_scheduler", "accelerator")


def usual_rate(model: Any) -> float:
    """Return a rate of AdamW that is usual for a model: 5e-5 for a BERT of width 768, more for narrower ones."""
    width = getattr(getattr(model, "config", None), "hidden_size", None)
    return 5e-5 * 768 / width if width else 2e-3


def takes_labels(model: Any) -> bool:
    """Whether a model can be called with labels."""
    parameters = inspect.signature(model.forward).parameters.values()
    return any(p.name in LABELS or p.kind is p.VAR_KEYWORD for p in parameters)


def _named(output: Any, name: str) -> Any:
    """Return what an output holds under a name: a dict's item, or another object's attribute; None if nothing."""
    return output.get(name) if isinstance(output, dict) else getattr(output, name, None)


def loss_in(output: Any) -> Any:
    """Return the loss in what a model returned, by its name or in the first place; None if there is none."""
    if isinstance(output, tuple | list):
        return output[0] if output else None
    return None if isinstance(output, torch.Tensor) else _named(output, "loss")


def logits_in(output: Any) -> torch.Tensor:
    """Return the logits in what a model returned.

    Raises
    ------
    ValueError
        If there are none of two classes.
    """
    if not isinstance(output, torch.Tensor | tuple | list):
        names = ("seq_relationship_logits", "logits")
        found = [value for name in names if (value := _named(output, name)) is not None]
    else:
        found = list(output) if isinstance(output, tuple | list) else [output]
    two = [x for x in found if getattr(x, "ndim", 0) == 2]
    if not two:
        shapes = ", ".join(str(tuple(getattr(x, "shape", ()))) for x in found)
        raise ValueError(f"the model returns {shapes}; expected logits of shape (pairs, 2), or pass forward=")
    return two[-1]


def as_pairs(pairs: Sequence | None, name: str) -> list[SentencePair]:
    """Return pairs as `SentencePair`.

    Raises
    ------
    TypeError
        If an item is neither a SentencePair nor ``(a, b, label)``.
    """
    found = []
    for k, pair in enumerate(pairs or ()):
        if isinstance(pair, SentencePair):
            found.append(pair)
            continue
        try:
            a, b, label = pair
        except (TypeError, ValueError):
            raise TypeError(f"{name}[{k}] is a {type(pair).__name__}; expected (a, b, label)") from None
        found.append(SentencePair(str(a), str(b), int(label), 0, 0, 0, 0))
    return found


def as_documents(documents: Sequence | None) -> list[Document]:
    """Return documents as `Document`."""
    return [
        document if hasattr(document, "sentences") else Document(f"document {k + 1}", list(document))
        for k, document in enumerate(documents or ())
    ]


def from_trainer(trainer: Any) -> dict[str, Any]:
    """Return the parts of a Trainer by the names of `examine`, on a shadow of it; the Trainer itself is not touched."""
    from transformers import EvalPrediction

    memo: dict = {}
    shadow = copy(trainer)
    shadow.model = copied(trainer.model, memo)
    shadow.model_wrapped = shadow.model
    for name, value in vars(trainer).items():  # what a subclass keeps and may change
        if isinstance(value, list | dict | set | torch.Tensor | torch.nn.Module) and name not in KEPT:
            setattr(shadow, name, copied(value, memo))
    metrics = copied(trainer.compute_metrics, memo)
    own, rates = trainer.optimizer, trainer.lr_scheduler
    arguments = trainer.args
    data = copied(trainer.train_dataset, memo)
    collate = copied(trainer.data_collator, memo)
    shuffled = torch.Generator().manual_seed(arguments.seed)
    sampler = trainer._get_train_sampler() if hasattr(trainer, "_get_train_sampler") else None
    plain = type(sampler).__name__ in ("RandomSampler", "NoneType")
    train = torch.utils.data.DataLoader(
        data, arguments.train_batch_size, shuffle=plain, sampler=None if plain else copied(sampler, memo),
        collate_fn=collate, generator=shuffled, drop_last=arguments.dataloader_drop_last,
    )  # fmt: skip
    held = trainer.eval_dataset
    held = next(iter(held.values())) if isinstance(held, dict) else held
    held_out = held and torch.utils.data.DataLoader(copied(held, memo), arguments.eval_batch_size, collate_fn=collate)
    each = max(1, len(train) // arguments.gradient_accumulation_steps)
    steps = arguments.max_steps if arguments.max_steps > 0 else int(each * arguments.num_train_epochs)

    def factory(model: Any) -> Any:
        other = copy(shadow)
        other.model = other.model_wrapped = model
        other.optimizer, other.lr_scheduler = None, None
        return other.create_optimizer()

    def schedule(optimizer: Any) -> Any:
        other = copy(shadow)
        other.lr_scheduler = None
        return other.create_scheduler(steps, optimizer)

    def both(model: Any, batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
        other = copy(shadow)
        other.model = other.model_wrapped = model
        loss, output = other.compute_loss(model, dict(batch), return_outputs=True)
        return loss, logits_in(output)

    def evaluate(model: Any, loader: Any) -> dict[str, float]:
        model.eval()
        losses, logits, labels = [], [], []
        with torch.no_grad():
            for batch in loader:
                loss, found = both(model, batch)
                truth = labels_of(batch)
                losses.append((float(loss), len(truth)))
                if trainer.preprocess_logits_for_metrics is not None:
                    found = trainer.preprocess_logits_for_metrics(found, truth)
                logits.append(found)
                labels.append(truth)
        total = sum(size for _, size in losses)
        said: dict[str, Any] = {"loss": sum(value * size for value, size in losses) / total}
        if metrics is not None:
            seen = EvalPrediction(torch.cat(logits).numpy(), torch.cat(labels).numpy())
            said |= dict(metrics(seen))
        return {name.removeprefix("eval_"): value for name, value in said.items() if isinstance(value, int | float)}

    for function in (factory, schedule, both, evaluate):
        function.__dict__["shared"] = True  # what they close over are copies already
    parts = {
        "model": shadow.model, "train": train, "held_out": held_out, "optimizer": factory, "schedule": schedule,
        "both": both, "evaluate": evaluate, "steps": steps, "clip": arguments.max_grad_norm or 0.0,
        "gather": arguments.gradient_accumulation_steps, "seed": arguments.seed,
    }  # fmt: skip
    if own is not None:  # the user's own optimizer: over the parameters of the copy
        parts["optimizer"] = copied(own, memo)
        parts["schedule"] = copied(rates, memo)
    if trainer.processing_class is not None:
        parts["tokenizer"] = trainer.processing_class
    return parts


def is_trainer(thing: Any) -> bool:
    """Whether a thing is a Trainer, by what it can do; transformers need not be imported."""
    return all(hasattr(thing, name) for name in ("compute_loss", "train_dataset", "create_optimizer", "args"))
