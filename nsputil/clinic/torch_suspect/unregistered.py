"""Is every tensor that the answers depend on, and that is meant to be trained, known to its module?

PyTorch finds the parameters of a module in its attributes. What is kept in a list, a dictionary or a bare tensor is
computed with and has a gradient, but ``parameters()`` does not name it: no optimizer moves it, ``eval()`` and ``to()``
do not reach it, and no state dict holds it.
"""

from collections.abc import Iterator
from typing import Any

import torch

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.torch_suspect.as_recording import AsRecording

DEEP = 4  # of lists in lists
OWN = ("_parameters", "_modules", "_buffers")


def registered(seen: AsRecording, batch: Any) -> Finding:
    """Do the answers depend on a tensor of the model that asks for a gradient and that the model does not name?"""
    model, optimizer, _, own = seen.parts.fresh()
    known = {id(p) for p in model.parameters()}
    known |= {id(p) for group in getattr(optimizer, "param_groups", []) for p in group["params"]}
    answer = own.logits(model.train(), batch)
    if not answer.requires_grad:
        return unknown("model.registered", "model", "The answers have no gradient.")
    leaves = [tensor for tensor in _leaves(answer) if id(tensor) not in known]
    used = {id(tensor) for tensor in leaves}
    after = dict(_hidden(seen.training.model))
    lost = [
        path for path, tensor in _hidden(model)
        if id(tensor) in used and path in after and torch.equal(tensor.detach(), after[path].detach())
    ]  # fmt: skip
    if lost:
        text = (
            f"The answers depend on {len(lost)} tensors that ask for a gradient and that parameters() does not name, "
            f"such as {lost[0]}: they are in no module of PyTorch, and never move."
        )
        return violated("model.registered", "model", text, "layers-not-registered", rows=tuple(lost[:5]))
    kept = {id(tensor) for _, tensor in _hidden(model)}
    made = [tensor for tensor in leaves if isinstance(tensor, torch.nn.Parameter) and id(tensor) not in kept]
    again = {id(tensor) for tensor in _leaves(own.logits(model, batch))}
    if made and not {id(tensor) for tensor in made} & again:
        text = (
            f"In each call the answers depend on {len(made)} other parameters, such as one of the shape "
            f"{tuple(made[0].shape)}: a layer is made in the call, and forgotten."
        )
        return violated("model.registered", "model", text, "layers-not-registered")
    return holds("model.registered", "model", "All tensors that the answers depend on are known to their modules.")


def _leaves(answer: torch.Tensor) -> list[torch.Tensor]:
    """Return the tensors in which the graph of an answer ends."""
    ahead: list = [answer.grad_fn]
    known, found = set(), []
    while ahead:
        made = ahead.pop()
        if made is None or made in known:
            continue
        known.add(made)
        if hasattr(made, "variable"):
            found.append(made.variable)
        ahead += [other for other, _ in made.next_functions]
    return found


def _hidden(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield tensors that ask for a gradient and are kept in plain attributes of modules, by their paths."""
    for name, module in model.named_modules():
        for attribute, value in vars(module).items():
            if attribute not in OWN:
                yield from _inside(value, f"{name}.{attribute}".lstrip("."), DEEP)


def _inside(value: Any, path: str, deep: int) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        if value.requires_grad and value.is_leaf:
            yield path, value
    elif isinstance(value, torch.nn.Module):
        for name, tensor in value.named_parameters():
            if tensor.requires_grad:
                yield f"{path}.{name}", tensor
    elif deep and isinstance(value, dict | list | tuple):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in parts:
            yield from _inside(part, f"{path}[{name!r}]", deep - 1)
