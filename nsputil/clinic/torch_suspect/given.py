"""What the user gave to `examine`, copied, in one form for plain loops and for the Trainer of transformers."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F

from nsputil.clinic.torch_suspect.batches import (
    LABELS,
    label_place,
    labels_of,
    leaves,
    length,
    mapped,
    own_labels,
    without_labels,
)  # fmt: skip
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.clinic.torch_suspect.outputs import Form, answer_in, form_of, loss_in
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
    call : callable, optional
        How the user's step calls the model: ``(model, batch) -> output``.
    form, still : Form
        How the model writes its answers, in training mode and in evaluation mode.
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
    call: Callable | None = None
    form: Form = field(default_factory=Form)
    still: Form = field(default_factory=Form)

    def answer(self, model: Any, batch: Any) -> torch.Tensor:
        """Return what the model answers to the rows of a batch, as it is."""
        for way in (self.forward, self.call):
            if way is not None:
                found = way(model, batch)
                return found if isinstance(found, torch.Tensor) else answer_in(found)
        return answer_in(called(model, without_labels(batch)))

    def read(self, model: Any, answer: torch.Tensor) -> torch.Tensor:
        """Return the two logits in the answers of a model, which may write them otherwise in evaluation mode."""
        return (self.form if model.training else self.still).logits(answer)

    def logits(self, model: Any, batch: Any) -> torch.Tensor:
        """Return the two logits of each row of a batch."""
        return self.read(model, self.answer(model, batch))

    def value(self, model: Any, batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of the training, and the logits."""
        if self.both is not None:
            loss, answer = self.both(model, batch)
            return loss, self.read(model, answer)
        if self.loss is not None:
            answer = self.answer(model, batch)
            labels = torch.as_tensor(own_labels(batch))
            labels = labels if labels.is_floating_point() else labels_of(batch)
            return self.loss(answer, labels.to(answer.device)), self.read(model, answer)
        if self.labelled(model, batch):
            output = self.labelled_output(model, batch)
            found = loss_in(output)
            if found is not None and getattr(found, "ndim", 1) == 0:
                return found, self.read(model, answer_in(output))
        logits = self.logits(model, batch)
        return F.cross_entropy(logits, labels_of(batch).to(logits.device)), logits

    def labelled(self, model: Any, batch: Any) -> bool:
        """Whether the training calls the model with the labels of a batch, so that the model may return a loss."""
        if self.call is not None:
            return bool(self.call.__dict__["labelled"])
        return isinstance(batch, Mapping) and self.forward is None and takes_labels(model)

    def labelled_output(self, model: Any, batch: Any) -> Any:
        """Return what the model returns for a batch with its labels."""
        return called(model, batch) if self.call is None else self.call(model, batch, True)

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
            if isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
                schedule.step(float(loss.detach()))
            elif schedule is not None:
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


def called(model: Any, inputs: Any) -> Any:
    """Call a model with what it takes of the inputs of a batch: by their names, or in their order."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        parameters = {}.values()
    kinds = {p.kind for p in parameters}
    if isinstance(inputs, Mapping):
        known = {p.name for p in parameters}
        named = dict(inputs) if inspect.Parameter.VAR_KEYWORD in kinds else {
            name: part for name, part in inputs.items() if name in known}  # fmt: skip
        if named or not inputs:
            return model(**named)
        parts = list(inputs.values())
        if len(parts) == 1 and isinstance(parts[0], Mapping | tuple):
            return called(model, parts[0])
        return model(inputs)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    most = sum(p.kind in positional for p in parameters)
    free = inspect.Parameter.VAR_POSITIONAL in kinds or not kinds
    return model(*(inputs if free else inputs[:most]))


def learned_call(given: Given, batch: Any) -> Callable | None:
    """Return how the user's step calls the model, as a function of a model and a batch; None if that cannot be told.

    It is told if everything that the model is called with is a part of the batch, or no array.
    """
    if given.step is None or given.forward is not None:
        return None
    calls: list = []
    try:
        model, optimizer, schedule, own = given.fresh()
        hook = model.register_forward_pre_hook(lambda m, a, k: calls.append((a, k)), with_kwargs=True)
        own.take_step(model.train(), batch, optimizer, schedule, 1)
        hook.remove()
    except Exception:  # then the training itself will tell
        return None
    if not calls:
        return None
    parts = leaves(batch)
    place: Any = label_place(batch)
    sources: dict[tuple, tuple] = {}
    for path, leaf in leaves(calls[0]).items():
        if isinstance(leaf, torch.Tensor):
            source = _source(leaf, path, parts)
            if source is None:
                return None
            sources[path] = source
    args, kwargs = calls[0]
    kept = {name: part for name, part in kwargs.items() if sources.get((1, name)) != place}

    if place in [source for path, source in sources.items() if path[0] == 0]:
        return None

    def call(model: Any, batch: Any, whole: bool = False) -> Any:
        own = leaves(batch)
        put = lambda path, leaf: own[sources[path]] if path in sources else leaf  # noqa: E731
        return model(*mapped(args, put, (0,)), **mapped(kwargs if whole else kept, put, (1,)))

    call.__dict__.update(shared=True, labelled=len(kept) < len(kwargs))
    return call


def understand(given: Given, batch: Any) -> None:
    """Find out how the model is called, and how it writes its answers."""
    given.call = learned_call(given, batch)
    forms = []
    for training in (True, False):
        try:
            model = copied(given.model, {}).train(training)
            forms.append(form_of(given.answer(model, batch) if given.both is None else given.both(model, batch)[1]))
        except Exception:  # then the training itself will tell
            forms.append(Form())
    given.form, given.still = forms


def _source(leaf: torch.Tensor, path: tuple, parts: dict) -> tuple | None:
    """Return the part of a batch that a tensor is, or begins."""
    same = [name for name, part in parts.items() if part is leaf]
    if same:
        return same[0]
    equal = [
        name for name, part in parts.items()
        if isinstance(part, torch.Tensor) and part.ndim == leaf.ndim and part.ndim and part.dtype == leaf.dtype
        and part.shape[1:] == leaf.shape[1:] and torch.equal(part[: len(leaf)], leaf)
    ]  # fmt: skip
    return next((name for name in equal if name and name[-1] == path[-1]), equal[0] if equal else None)


def as_pairs(pairs: Sequence | None, name: str) -> list[SentencePair]:
    """Return pairs as `SentencePair`.

    Raises
    ------
    TypeError
        If an item is neither ``(a, b, label)`` nor an object with `sentence_a`, `sentence_b` and `label`.
    """
    found = []
    for k, pair in enumerate(pairs or ()):
        if isinstance(pair, SentencePair):
            found.append(pair)
            continue
        try:
            named = all(hasattr(pair, part) for part in ("sentence_a", "sentence_b", "label"))
            a, b, label = (pair.sentence_a, pair.sentence_b, pair.label) if named else pair
        except (TypeError, ValueError):
            raise TypeError(
                f"{name}[{k}] is a {type(pair).__name__}; expected (a, b, label), or an object with sentence_a, "
                "sentence_b and label"
            ) from None
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
    from transformers import EvalPrediction, Trainer

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
    if hasattr(shadow, "_get_collator_with_removed_columns"):  # what the model does not take is not collated
        collate = shadow._get_collator_with_removed_columns(collate)
    shuffled = torch.Generator().manual_seed(arguments.seed)
    sampler = trainer._get_train_sampler() if hasattr(trainer, "_get_train_sampler") else None
    stream = isinstance(data, torch.utils.data.IterableDataset)
    plain = not stream and type(sampler).__name__ in ("RandomSampler", "NoneType")
    train = torch.utils.data.DataLoader(
        data, arguments.train_batch_size, shuffle=plain, sampler=None if plain or stream else copied(sampler, memo),
        collate_fn=collate, generator=shuffled, drop_last=arguments.dataloader_drop_last,
    )  # fmt: skip
    if getattr(type(trainer), "get_train_dataloader", None) is not Trainer.get_train_dataloader:  # the user's own
        train = shadow.get_train_dataloader()
    held = trainer.eval_dataset
    held = next(iter(held.values())) if isinstance(held, dict) else held
    held_out = held and torch.utils.data.DataLoader(copied(held, memo), arguments.eval_batch_size, collate_fn=collate)
    each = max(1, length(train) // arguments.gradient_accumulation_steps)
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
        return loss, answer_in(output)

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
