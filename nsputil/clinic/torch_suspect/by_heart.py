"""Can a model learn eight examples by heart? If not, no other part is to blame."""

from dataclasses import replace

import torch

from nsputil.clinic.conclusion import Evidence
from nsputil.clinic.torch_suspect import swaps
from nsputil.clinic.torch_suspect.batches import endless, labels_of, some
from nsputil.clinic.torch_suspect.case import Case

OVERFIT = 60  # steps on eight examples


def learns_by_heart(case: Case) -> bool:
    """Whether eight examples are right after a training on them alone, with the user's loss and the textbook's loop."""
    given = swaps.textbook_loop(replace(case.given, steps=OVERFIT))
    model, optimizer, _, own = given.fresh()
    swaps.no_dropout(model, optimizer)
    model.train()
    batch = next(endless(own.train))[2]
    labels = labels_of(batch)
    picked = [k for label in (0, 1) for k in torch.nonzero(labels == label).flatten()[:4].tolist()]
    few = some(batch, torch.tensor(picked or [0]))
    value = float("nan")
    for _ in range(OVERFIT):
        loss, logits = own.value(model, few)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        value = float((logits.argmax(1) == labels_of(few)).float().mean())
    case.used += OVERFIT
    text = f"After {OVERFIT} steps on {len(picked)} examples {value:.3f} of them are right."
    case.evidence.append(Evidence("fact", text, "model"))
    return value > 0.9
