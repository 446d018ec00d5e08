"""What a model answers: its logits in an output of any kind, and the form in which they are written."""

from dataclasses import dataclass
from typing import Any

import torch

from nsputil.clinic.torch_suspect.batches import leaves

SUM = 2e-3  # probabilities in bfloat16 add up to 1 within this
VIEWS = ("Squeeze", "View", "Reshape", "Select", "Slice", "Unsqueeze", "Clone", "ToCopy", "Alias", "Permute", "T")


def loss_in(output: Any) -> Any:
    """Return the loss in what a model returned, by its name or in the first place; None if there is none."""
    if isinstance(output, tuple | list) and not hasattr(output, "_asdict"):
        return output[0] if output else None
    if isinstance(output, torch.Tensor):
        return None
    return next((leaf for path, leaf in leaves(output).items() if path and path[-1] == "loss"), None)


def answer_in(output: Any) -> torch.Tensor:
    """Return the answers to the pairs in what a model returned: of two columns, or else of one.

    Raises
    ------
    ValueError
        If there are none.
    """
    found = {path: leaf for path, leaf in leaves(output).items() if isinstance(leaf, torch.Tensor)}
    found = {path: leaf for path, leaf in found.items() if leaf.is_floating_point()}
    for columns in (lambda x: x.ndim == 2 and x.shape[1] == 2, lambda x: x.ndim == 2 and x.shape[1] == 1,
                    lambda x: x.ndim == 1 and len(x) > 0):  # fmt: skip
        fits = [path for path, leaf in found.items() if columns(leaf)]
        if fits:
            return found[max(fits, key=lambda path: (_rank(path), fits.index(path)))]
    shapes = ", ".join(str(tuple(leaf.shape)) for leaf in found.values())
    raise ValueError(f"the model returns {shapes}; expected logits of shape (pairs, 2), or pass forward=")


def _rank(path: tuple) -> int:
    name = str(path[-1]).lower() if path else ""
    return 3 if name == "seq_relationship_logits" else 2 if "logit" in name else "score" in name


@dataclass(frozen=True)
class Form:
    """How a model writes its answers: two logits, or something that two logits can be computed from.

    Attributes
    ----------
    name : str
        "logits", "log-probabilities", "probabilities", "one logit" or "one probability" (of label 1).
    column : bool
        Whether a single number stands in a column.
    """

    name: str = "logits"
    column: bool = False

    def logits(self, answer: torch.Tensor) -> torch.Tensor:
        """Return two logits for each pair."""
        if self.name in ("logits", "log-probabilities"):
            return answer
        tiny = torch.finfo(answer.dtype).tiny
        if self.name == "probabilities":
            return answer.clamp_min(tiny).log()
        one = answer.reshape(-1)
        if self.name == "one probability":
            return torch.stack([(1 - one).clamp_min(tiny).log(), one.clamp_min(tiny).log()], 1)
        return torch.stack([torch.zeros_like(one), one], 1)

    def answer(self, logits: torch.Tensor) -> torch.Tensor:
        """Return what the model would answer if these were its logits."""
        if self.name == "logits":
            return logits
        if self.name in ("log-probabilities", "probabilities"):
            return logits.log_softmax(1) if self.name == "log-probabilities" else logits.softmax(1)
        one = logits[:, 1] - logits[:, 0]
        one = one.sigmoid() if self.name == "one probability" else one
        return one.unsqueeze(1) if self.column else one


def form_of(answer: torch.Tensor) -> Form:
    """Return the form of answers to some pairs."""
    if answer.ndim == 2 and answer.shape[1] == 2:
        x = answer.detach().float()
        if not bool(torch.isfinite(x).all()):
            return Form()
        if bool((x >= 0).all()) and float((x.sum(1) - 1).abs().max()) < SUM:
            return Form("probabilities")
        return Form("log-probabilities" if float(x.logsumexp(1).abs().max()) < SUM else "logits")
    made: Any = answer.grad_fn
    while made is not None and any(made.name().startswith(name) for name in VIEWS):
        made = made.next_functions[0][0] if made.next_functions else None
    sigmoid = made is not None and made.name().startswith("Sigmoid")
    return Form("one probability" if sigmoid else "one logit", answer.ndim == 2)
