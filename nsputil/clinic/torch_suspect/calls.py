"""What a model is really called with, and what it answers: hooks that listen and change nothing."""

import inspect
from typing import Any

import torch

from nsputil.clinic.torch_suspect.batches import leaves

NAMES = {
    "input_ids": ("input_ids", "ids", "tokens", "token_ids", "x"),
    "token_type_ids": ("token_type_ids", "segment_ids", "segments", "segs", "segment", "token_types"),
    "attention_mask": ("attention_mask", "mask", "attn_mask", "masks"),
}


class Calls:
    """Listens to a model. The innermost module that is given an array decides what that array is.

    Attributes
    ----------
    arrays : dict of tensor
        ``input_ids``, ``token_type_ids``, ``attention_mask`` of the last call, as far as the model was given them.
    takes : set of str
        Which of the three the model could be given.
    texts : tuple of tensor
        The two arrays of whole numbers of the last call, if there are just two and none has a name of ours: A and B.
    output, pooled, before_pooler : tensor or None
        Of the last call.
    training : bool or None
        The mode of the model in the last call.
    """

    def __init__(self, model: Any) -> None:
        self.arrays: dict[str, torch.Tensor] = {}
        self.takes: set[str] = set()
        self.texts: tuple = ()
        self.output: Any = None
        self.pooled: Any = None
        self.before_pooler: Any = None
        self.training: bool | None = None
        self._hooks = [model.register_forward_hook(self._root, with_kwargs=True)]
        for name, module in model.named_modules():
            table = self._table(module)
            if table:
                self.takes |= set(table.values())
                self._hooks.append(module.register_forward_pre_hook(self._listener(table), with_kwargs=True))
            if name.split(".")[-1] == "pooler":
                self._hooks.append(module.register_forward_hook(self._pooler))

    def _table(self, module: Any) -> dict[str, str]:
        """Return which parameters of a module's forward are which arrays."""
        try:
            names = list(inspect.signature(module.forward).parameters)
        except (TypeError, ValueError):
            return {}
        table = {name: ours for name in names for ours, known in NAMES.items() if name in known}
        if set(table.values()) == {"input_ids"} and list(table) == ["x"]:
            return {}
        return table

    def _listener(self, table: dict[str, str]) -> Any:
        def listen(module: Any, args: Any, kwargs: Any) -> None:
            try:
                bound = inspect.signature(module.forward).bind_partial(*args, **kwargs).arguments
            except TypeError:
                return
            for name, ours in table.items():
                value = bound.get(name)
                if (
                    isinstance(value, torch.Tensor)
                    and value.ndim == 2
                    and not (ours != "attention_mask" and value.is_floating_point())
                ):
                    self.arrays[ours] = value.detach()

        return listen

    def _root(self, module: Any, args: Any, kwargs: Any, output: Any) -> None:
        self.output, self.training = output, module.training
        try:
            given = dict(inspect.signature(module.forward).bind_partial(*args, **kwargs).arguments)
        except (TypeError, ValueError):
            return
        wide = [leaf for leaf in leaves(given).values() if is_wide(leaf)]
        if "input_ids" not in self.arrays and len(wide) == 2 and len(wide[0]) == len(wide[1]):
            self.texts = tuple(leaf.detach() for leaf in wide)

    def _pooler(self, module: Any, args: Any, output: Any) -> None:
        found: Any = args[0] if args else None
        self.before_pooler = found[:, 0] if getattr(found, "ndim", 0) == 3 else found
        self.pooled = output if hasattr(output, "detach") else None

    def clear(self) -> None:
        """Forget the last call."""
        self.arrays, self.output, self.pooled, self.before_pooler, self.training = {}, None, None, None, None
        self.texts = ()

    def close(self) -> None:
        """Stop listening."""
        for hook in self._hooks:
            hook.remove()

    def __enter__(self) -> "Calls":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def is_wide(leaf: Any) -> bool:
    """Whether an array is one of words: of two dimensions, with whole numbers that are no flags."""
    if not isinstance(leaf, torch.Tensor) or leaf.ndim != 2 or leaf.shape[1] < 2:
        return False
    return leaf.dtype in (torch.int64, torch.int32) and leaf.numel() > 0 and int(leaf.max()) > 1
