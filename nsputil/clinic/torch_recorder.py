"""What a PyTorch training shows, written as a log: a few lines in your own loop.

Nothing here imports torch; the tensors that it is given do the work.
"""

from contextlib import contextmanager

import numpy as np

from nsputil.clinic.logs import RunLog, count


def part_of(name):
    """Return the part of the model that a parameter belongs to, by its name in Hugging Face's BERT.

    Parameters
    ----------
    name : str
        Such as ``"bert.pooler.dense.weight"``.

    Returns
    -------
    str
        ``head.weight``, ``head.bias``, ``pooler.weight``, ``pooler.bias`` or ``encoder``.
    """
    pieces = name.split(".")
    kind = "bias" if pieces[-1] == "bias" else "weight"
    if {"seq_relationship", "classifier", "head"} & set(pieces):
        return f"head.{kind}"
    return f"pooler.{kind}" if "pooler" in pieces else "encoder"


def has_attention(model):
    """Return True if a module of the model is an attention, by the name of its class; None if no module is known.

    A bag of words may be made in too many ways to be known by its name: say ``attends=False`` of one.
    """
    return True if any("attention" in type(module).__name__.lower() for module in model.modules()) else None


def adaptive(optimizer):
    """Return whether an optimizer is of Adam's kind (True) or SGD (False), by its name; None if neither."""
    name = type(getattr(optimizer, "optimizer", optimizer)).__name__.lower()  # accelerate wraps it
    return True if "adam" in name else False if name == "sgd" else None


class TorchRecorder:
    """Records a training of a two-class model, label 0 for IsNext.

    ::

        recorder = TorchRecorder(model, optimizer)
        for batch in loader:
            optimizer.zero_grad()
            output = model(**batch)
            output.loss.backward()
            with recorder.step(output.loss, output.logits, batch["labels"]):
                optimizer.step()
        recorder.held_out(loss, logits, labels)  # after each evaluation
        recorder.save("run.json")

    Parameters
    ----------
    model : torch.nn.Module
        A module of it that is named ``pooler`` and returns a tensor is watched for saturation.
    optimizer : torch.optim.Optimizer, optional
        So that the log says whether it is of Adam's kind.
    every : int
        Steps between two readings of gradients and updates; each copies the weights once.
    part_of : callable
        From the name of a parameter to that of its part.
    attends : bool, optional
        Whether the encoder is a Transformer (False: a bag of words); read off its modules if not given.

    Raises
    ------
    ValueError
        If `every` is less than 1.
    """

    def __init__(self, model, optimizer=None, every=20, part_of=part_of, attends=None):
        if every < 1:
            raise ValueError(f"every is {every}; expected at least 1")
        self.model, self.every, self.part_of = model, every, part_of
        attends = has_attention(model) if attends is None else attends
        self.log = RunLog(attends=attends, adaptive=adaptive(optimizer))
        self.steps, self._pooled, self._hooks = 0, None, []
        for name, module in model.named_modules():
            if name.split(".")[-1] == "pooler":
                self._hooks.append(module.register_forward_hook(self._keep_pooled))

    def _keep_pooled(self, module, inputs, output):
        if hasattr(output, "detach"):
            self._pooled = output

    @contextmanager
    def step(self, loss, logits, labels):
        """Put the optimizer's step inside: gradients are read before it, updates after it.

        Parameters
        ----------
        loss : tensor or float
            As the training computed it, in nats.
        logits : tensor, shape (batch, 2)
        labels : tensor, shape (batch,)
        """
        self.steps += 1
        numbers = count(to_numpy(logits), to_numpy(labels))
        numbers.pop("mean_p_is_next", None)
        reading = (self.steps - 1) % self.every == 0
        if reading:
            named = dict(self.model.named_parameters())
            before = {name: parameter.detach().clone() for name, parameter in named.items()}
            numbers |= self._norms("gradient", {name: p.grad for name, p in named.items()})
            if self._pooled is not None:
                numbers["saturation"] = float((np.abs(to_numpy(self._pooled)) > 0.99).mean())
        yield
        if reading:
            numbers |= self._norms("update", {name: p.detach() - before[name] for name, p in named.items()})
        else:
            numbers = {name: numbers[name] for name in ("accuracy", "label_is_next")}
        self.log.add(self.steps, "train", loss=float(to_numpy(loss)), **numbers)

    def _norms(self, kind, tensors):
        squares = {}
        for name, tensor in tensors.items():
            part = f"{kind}.{self.part_of(name)}"
            size = 0.0 if tensor is None else float(tensor.detach().float().norm())
            squares[part] = squares.get(part, 0.0) + size**2
        return {part: square**0.5 for part, square in squares.items()}

    def held_out(self, loss, logits=None, labels=None, part="held_out", **reported):
        """Record an evaluation.

        Parameters
        ----------
        loss : tensor or float
            As the evaluation computed it.
        logits, labels : tensor, optional
            Of all its pairs; the other numbers are counted from them.
        part : {"held_out", "test"}
        **reported : float
            Such as ``accuracy``: what the training's own evaluation said. It stands above the count.
        """
        numbers = {} if logits is None else count(to_numpy(logits), to_numpy(labels))
        kept = {k: v for k, v in numbers.items() if k not in ("log_odds_std", "label_is_next", "says_is_next")}
        self.log.add(max(1, self.steps), part, loss=float(to_numpy(loss)), **(kept | reported))

    def save(self, path):
        """Write the log, CSV or JSON by the suffix."""
        self.log.save(path)

    def close(self):
        """Take the hooks off the model."""
        for hook in self._hooks:
            hook.remove()


def to_numpy(tensor):
    """Return a tensor of any device and precision as an array."""
    if not hasattr(tensor, "detach"):
        return np.asarray(tensor)
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
