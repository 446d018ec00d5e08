"""Are the statistics that a batch normalization uses in evaluation those of the texts that it is given?

In training it divides by the statistics of the batch, and keeps a running average of them for the evaluation. Of its
start, mean 0 and variance 1, ``(1 - momentum) ** steps`` is left at the end.
"""

import numpy as np
import torch

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.torch_suspect.as_recording import AsRecording
from nsputil.clinic.torch_suspect.batches import endless
from nsputil.clinic.torch_suspect.copies import copied

BATCHES = 8
LEFT = np.exp(-1)  # of the start: more is no average of the batches
APART = 4.0  # times the variance, or a part of it; the mean in the same way, in standard deviations
Norm = torch.nn.modules.batchnorm._BatchNorm


def statistics(seen: AsRecording) -> Finding:
    """Does an average that hardly moves say what the batches say?"""
    fact, place = "model.statistics", "model"
    start = {n: m for n, m in seen.parts.model.named_modules() if isinstance(m, Norm) and m.track_running_stats}
    if not start:
        return unknown(fact, place, "The model keeps no statistics of batches.")
    model = copied(seen.training.model, {}).eval()
    norms = {n: m for n, m in model.named_modules() if n in start}
    moving = {n for n, m in norms.items() if int(m.num_batches_tracked) > int(start[n].num_batches_tracked)}
    given: dict[str, list[torch.Tensor]] = {n: [] for n in moving}
    hooks = [norms[n].register_forward_pre_hook(lambda m, a, n=n: given[n].append(a[0].detach())) for n in moving]
    with torch.no_grad():
        for number, (_, _, batch) in zip(range(BATCHES), endless(copied(seen.parts.train, {})), strict=False):
            seen.parts.logits(model, batch)
            del number
    for hook in hooks:
        hook.remove()
    for name in moving:
        norm = norms[name]
        left = 0.0 if norm.momentum is None else (1 - norm.momentum) ** seen.total
        x = torch.cat([part.transpose(0, 1).flatten(1) for part in given[name]], 1)
        mean, variance = x.mean(1), x.var(1).clamp_min(1e-12)
        ratio = float(((norm.running_var + norm.eps) / (variance + norm.eps)).log().median().exp())
        away = float(((norm.running_mean - mean).abs() / (variance + norm.eps).sqrt()).median())
        numbers = {"left": left, "ratio": ratio, "away": away}
        if left > LEFT and (max(ratio, 1 / ratio) > APART or away > APART):
            text = (
                f"In evaluation {name} divides by variances that are {ratio:.3g} times those of its inputs: with a "
                f"momentum of {norm.momentum:.3g} a share of {left:.2f} of their start is left at the end."
            )
            return violated(fact, place, text, "batch-norm-statistics-stale", numbers=numbers)
    return holds(fact, place, "Running statistics follow those of the batches, or never move at all.")
