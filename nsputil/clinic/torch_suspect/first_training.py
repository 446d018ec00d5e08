"""The training as it is, run once on copies and watched: facts are asked of what is seen here."""

from typing import Any

import torch

from nsputil.clinic.torch_suspect.as_recording import AsRecording, read_held_out
from nsputil.clinic.torch_suspect.batches import endless, indexed, labels_of, length
from nsputil.clinic.torch_suspect.case import HELD_OUT, Case
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.clinic.torch_suspect.evaluation import Looks, clean
from nsputil.clinic.torch_suspect.given import understand
from nsputil.clinic.torch_suspect.measure import fair
from nsputil.clinic.torch_suspect.watching import watch

SHARE = 6  # of the steps that may be taken, one part in so many is the watched training


def run_watched(case: Case) -> None:
    """Train, and put what was seen into the case."""
    given = case.given
    size = length(given.train)
    whole = (given.steps or 0) * given.gather or 3 * size or case.limit // SHARE
    case.batches = max(8, min(whole, case.limit // SHARE))
    case.whole = whole
    case.first = probe_batch(given.train)
    understand(given, case.first)
    case.total = given.steps or max(1, whole // given.gather)
    case.given.steps = case.total
    if given.held_out is not None:
        given.held_out = shortened(given.held_out)
        case.judge = clean(given, HELD_OUT)
    moments = sorted({max(1, round(case.batches * share)) for share in (0.25, 0.5, 0.75, 1)})
    look = Looks(given, case.judge, True, len(moments)) if case.judge else None
    case.tell(f"The training runs for {case.batches} steps on copies, watched.")
    training = watch(given, case.batches, look, tuple(moments))
    case.used += len(training.seen)
    case.seen = AsRecording(training, given, case.total, read_held_out(given, HELD_OUT))
    if training.looks:
        last = training.looks[-1][1]
        case.base, case.base_loss = fair(last), last.loss
        case.seen.run.evaluations = [
            {"step": number, "loss": look.loss, "accuracy": look.accuracy} for number, look in training.looks
        ]


def probe_batch(loader: Any) -> Any:
    """Return the first batch; of a loader of tiny batches, one of the first sixteen rows."""
    batch = next(endless(copied(loader, {})))[2]
    labels = labels_of(batch)
    if labels is None or len(labels) >= 8 or not indexed(loader):
        return batch
    own = copied(loader, {})
    return own.collate_fn([own.dataset[k] for k in range(min(16, len(own.dataset)))])


def shortened(loader: Any) -> Any:
    """Return a loader of the first rows of a long held-out set."""
    data: Any = getattr(loader, "dataset", None)
    if not isinstance(loader, torch.utils.data.DataLoader) or not indexed(loader) or len(data) <= HELD_OUT:
        return loader
    rows = torch.utils.data.Subset(data, range(HELD_OUT))
    return torch.utils.data.DataLoader(rows, loader.batch_size or 1, collate_fn=loader.collate_fn)
