"""A PyTorch training as a suspect: `examine` runs it on copies, asks facts and swaps, and prints a diagnosis.

Needs PyTorch, which the course itself does not install; transformers only for its own models and its Trainer.
The appendix notebook "Examine your own training" shows it at work.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

try:
    import torch
except ImportError as error:  # pragma: no cover
    raise ImportError("examine needs PyTorch: pip install torch") from error

from nsputil.clinic.torch_suspect.copies import copied, kept_state
from nsputil.clinic.torch_suspect.examination import Examination, run
from nsputil.clinic.torch_suspect.given import Given, as_documents, as_pairs, from_trainer, is_trainer
from nsputil.clinic.torch_suspect.words import can_be_asked, words_of

__all__ = ["Examination", "examine"]

LEAST = 60  # steps


def examine(
    model: Any,
    train: Any = None,
    held_out: Any = None,
    loss: Callable | None = None,
    optimizer: Any = None,
    schedule: Any = None,
    step: Callable | None = None,
    evaluate: Callable | None = None,
    forward: Callable | None = None,
    start: Mapping | None = None,
    steps: int | None = None,
    tokenizer: Any = None,
    pairs: Sequence | None = None,
    held_out_pairs: Sequence | None = None,
    documents: Sequence | None = None,
    held_out_documents: Sequence | None = None,
    label_names: Sequence[str] = ("IsNext", "NotNext"),
    seed: int = 0,
    limit: int = 600,
    progress: Callable[[str], None] | None = None,
) -> Examination:
    """Find out what is wrong with a PyTorch training of next sentence prediction, if anything is.

    It trains on copies: model, data, optimizer, schedule, functions and what they close over are copied, random numbers
    are put back. Globals that your functions change are not copied. Only `model` and `train` are needed; the more is
    given, the more can be told.

    Parameters
    ----------
    model : torch.nn.Module or transformers.Trainer
        As it is before the training. A Trainer brings its data, loss, optimizer, schedule and evaluation.
    train, held_out : torch.utils.data.DataLoader, or an iterable that can be read again
        Its batches are mappings (``input_ids``, ``token_type_ids``, ``attention_mask``, ``labels``) or tuples that end
        in the labels: 0 for IsNext, 1 for NotNext.
    loss : callable, optional
        ``(logits, labels) -> scalar``; None: the model's own ``.loss``.
    optimizer : callable or torch.optim.Optimizer, optional
        ``model -> optimizer``, or an optimizer of `model`. None: AdamW at a usual rate.
    schedule : callable or scheduler, optional
        ``optimizer -> scheduler``, stepped once after each step of the optimizer.
    step : callable, optional
        The body of your loop, ``step(model, batch, loss, optimizer, scheduler) -> loss``. None: the textbook's.
    evaluate : callable, optional
        Your evaluation, ``evaluate(model, held_out)`` or ``evaluate(model)``, which returns a dict such as
        ``{"loss": ..., "accuracy": ...}``; it is compared with a recount.
    forward : callable, optional
        ``forward(model, batch) -> logits`` of shape (pairs, 2), if the model is not called with the batch.
    start : mapping, optional
        The state dict of the checkpoint that the model is meant to start from.
    steps : int, optional
        Steps of the whole training.
    tokenizer : object, optional
        Of transformers, tokenizers or sentencepiece; with ``ids(text)`` as the vocabularies of `nsputil`; or any
        function from a text to its ids.
    pairs, held_out_pairs : sequence, optional
        `SentencePair` or ``(a, b, label)``; item k belongs to row k of the dataset.
    documents, held_out_documents : sequence, optional
        The texts from which the pairs were made: `Document`, or lists of sentences.
    label_names : sequence of str
        The names of labels 0 and 1, as the answer should call them.
    seed : int
    limit : int
        Training steps that may be taken, over all copies.
    progress : callable, optional
        Called with a sentence before each training.

    Returns
    -------
    Examination
        Print it.

    Raises
    ------
    TypeError, ValueError
        If a part is missing or of another kind.

    Notes
    -----
    The facts are those of `nsputil.clinic.facts` where they fit. See docs/examine.md.
    """
    if limit < LEAST:
        raise ValueError(f"limit is {limit}; expected at least {LEAST} training steps")
    if steps is not None and steps < 1:
        raise ValueError(f"steps is {steps}; expected at least 1")
    parts: dict[str, Any] = {
        "model": model, "train": train, "held_out": held_out, "loss": loss, "optimizer": optimizer,
        "schedule": schedule, "step": step, "evaluate": evaluate, "forward": forward, "start": start, "steps": steps,
        "tokenizer": tokenizer, "seed": seed,
    }  # fmt: skip
    with kept_state(seed):
        if is_trainer(model):
            given = {name: part for name, part in parts.items() if part is not None and name != "model"}
            own = from_trainer(model)
            if not can_be_asked(own.get("tokenizer")):  # a processor of images, or of something else
                own.pop("tokenizer", None)
            parts = own | given
        _check(parts)
        truth = as_pairs(pairs, "pairs")
        if parts.get("tokenizer") is not None:
            words_of(parts["tokenizer"], truth)
        names = ("model", "optimizer", "train", "held_out", "loss", "schedule", "step", "evaluate", "forward", "both")
        memo: dict = {}
        parts |= {name: copied(parts.get(name), memo) for name in names}
        if parts["model"] is model:
            raise TypeError("the model cannot be copied (copy.deepcopy fails), so it cannot be examined")
        for parameter in parts["model"].parameters():
            parameter.grad = None
        case = Given(
            **parts,
            pairs=truth,
            held_out_pairs=as_pairs(held_out_pairs, "held_out_pairs"),
            documents=as_documents(documents),
            held_out_documents=as_documents(held_out_documents),
            label_names=tuple(label_names),
        )
        return run(case, limit, progress or (lambda sentence: None))


def _check(parts: Mapping[str, Any]) -> None:
    """Name what is wrong with the parts."""
    if not isinstance(parts["model"], torch.nn.Module):
        kind = type(parts["model"]).__name__
        raise TypeError(f"model is a {kind}; expected a torch.nn.Module or a transformers.Trainer")
    if parts["train"] is None:
        raise ValueError("there is no train loader; expected one whose batches the model is trained on")
    for name in ("train", "held_out"):
        loader = parts[name]
        if loader is not None and (not hasattr(loader, "__iter__") or hasattr(loader, "__next__")):
            kind = type(loader).__name__
            raise TypeError(
                f"{name} is a {kind}; expected a DataLoader, or a list of batches: it is read several times"
            )
    for name in ("loss", "step", "evaluate", "forward"):
        if parts.get(name) is not None and not callable(parts[name]):
            raise TypeError(f"{name} is a {type(parts[name]).__name__}; expected a function")
