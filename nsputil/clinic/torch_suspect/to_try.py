"""What is tried of a PyTorch training: the exchange that a violation asks for, and those that are tried without one."""

from dataclasses import replace
from typing import Any

import torch

from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.torch_suspect import swaps
from nsputil.clinic.torch_suspect.batches import indexed
from nsputil.clinic.torch_suspect.case import Case
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.clinic.torch_suspect.given import Given, usual_rate
from nsputil.clinic.torch_suspect.swaps import Swap

USUAL = 3.0  # times the usual rate of AdamW, or a part of it: from here on the rate alone is tried


def for_violation(case: Case, finding: Finding) -> Swap | None:
    """Return the exchange that shows whether a violation does harm."""
    given, first = case.given, finding.cause
    if finding.fact == "model.dropout":
        return without_dropout(first)
    if first == "learning-rate-too-high":
        return Swap("at a tenth of the rate", "optimizer", first, swaps.rate(0.1))
    if finding.fact == "optimizer.held" and first != "parameter-missing":
        return Swap("with all tensors trained", "optimizer", first, unfrozen)
    if finding.place == "optimizer":
        return textbook_loop(first)
    if finding.place == "loss":
        return cross_entropy(first)
    if finding.place == "batching" and indexed(given.train):
        return shuffled(first)
    if finding.place == "encoding" and given.tokenizer is not None and given.pairs:
        return from_pairs(case, first)
    return None


def candidates(case: Case, learned: bool) -> list[Swap]:
    """Return the exchanges that are worth a training although no fact asks for one."""
    found = [textbook_loop()]
    given = case.given
    drops = any(isinstance(m, torch.nn.Dropout) and m.p > 0.3 for m in given.model.modules())
    if drops:
        found.append(without_dropout("dropout-too-high"))
    if given.start:
        found.append(from_checkpoint(given))
    if not learned:
        if indexed(given.train):
            found.append(shuffled())
        if given.loss is not None or given.both is not None:
            found.append(cross_entropy())
        if given.tokenizer is not None and given.pairs:
            found.append(from_pairs(case))
    return found


def rates(case: Case) -> list[Swap]:
    """Return changes of the rate: to the usual one, where the rule divides by the gradient, or up and down tenfold."""
    low, high = "learning-rate-too-low", "learning-rate-too-high"
    peak = max((max(u.rates) for u in case.seen.training.updates if u.rates), default=0.0)
    usual = usual_rate(case.given.model)
    found = [("at ten times the rate", 10.0, low), ("at a tenth of the rate", 0.1, high)]
    if case.seen.run.kind.get("adaptive") and peak > 0 and not 1 / USUAL < peak / usual < USUAL:
        found = [("at the usual rate", usual / peak, high if peak > usual else low)]
    return [Swap(name, "optimizer", cause, swaps.rate(factor)) for name, factor, cause in found]


def textbook_loop(cause: str | None = None) -> Swap:
    """Return the exchange of the user's loop and optimizer."""
    return Swap("with AdamW in the textbook's loop", "optimizer", cause, swaps.textbook_loop)


def without_dropout(cause: str | None) -> Swap:
    """Return the same training without dropout."""
    return Swap("without dropout", "model", cause, unchanged, swaps.no_dropout)


def cross_entropy(cause: str | None = None) -> Swap:
    """Return the exchange of the loss."""
    return Swap("with the cross-entropy", "loss", cause, swaps.textbook_loss)


def shuffled(cause: str | None = None) -> Swap:
    """Return the exchange of the sampler and of the size of a batch."""
    return Swap("with shuffled batches of 16", "batching", cause, swaps.textbook_batches)


def from_pairs(case: Case, cause: str | None = None) -> Swap:
    """Return the exchange of the arrays."""

    def change(given: Given) -> Given:
        return swaps.textbook_encoding(given, case.first, case.seen.words)

    return Swap("with arrays made from the pairs", "encoding", cause, change)


def from_checkpoint(given: Given) -> Swap:
    """Return the same training, from the weights that it is meant to start from."""

    def load(model: Any, optimizer: Any) -> None:
        model.load_state_dict(given.start, strict=False)

    return Swap("from the named checkpoint", "model", "pretrained-not-loaded", unchanged, load)


def unchanged(given: Given) -> Given:
    """Return the training as it is: only its start is another one."""
    return given


def unfrozen(given: Given) -> Given:
    """Return the training with every tensor trained, by the textbook's loop."""
    model = copied(given.model, {})
    for p in model.parameters():
        p.requires_grad_(True)
    return replace(swaps.textbook_loop(given), model=model)
