"""Where the batches come from."""

import torch
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler, Sampler

from research.torch_suspects.base import BATCH, PairData, collate, collate_tuple, healthy, loader


def world_of_sixteen(seed):
    """too-few-pairs, in another way: a DistributedSampler left from a cluster: this process sees a sixteenth."""
    given = healthy("bert", seed)
    data = PairData(given["pairs"])
    sampler = DistributedSampler(data, num_replicas=32, rank=3, shuffle=True, seed=seed)
    return given | {"train": DataLoader(data, BATCH, sampler=sampler, collate_fn=collate)}


def positives_then_negatives(seed):
    """pairs-sorted-by-label, in another way: nobody sorted; two lists were concatenated and shuffle was forgotten."""
    given = healthy("bert-small", seed)
    positives = [p for p in given["pairs"] if p.label == 0]
    negatives = [p for p in given["pairs"] if p.label == 1]
    pairs = positives + negatives
    return given | {"pairs": pairs, "train": loader(PairData(pairs), seed, shuffle=False)}


class Restarting(Sampler):
    """Yields a number of batches; each asks a new iterator for its first."""

    def __init__(self, count, batches, seed):
        self.count, self.batches, self.seed = count, batches, seed

    def first(self):
        order = torch.randperm(self.count, generator=torch.Generator().manual_seed(self.seed)).tolist()
        return next(iter(BatchSampler(order, BATCH, drop_last=True)))

    def __len__(self):
        return self.batches

    def __iter__(self):
        for _ in range(self.batches):
            yield self.first()


def first_of_new_iterator(seed):
    """same-pairs-again, in another way: next(iter(...)) in the loop, with a seeded shuffle."""
    given = healthy("loop", seed)
    data = PairData(given["pairs"])
    return given | {
        "train": DataLoader(data, batch_sampler=Restarting(len(data), len(data) // BATCH, seed), collate_fn=collate_tuple)
    }


DEFECTS = [
    ("world-of-sixteen", world_of_sixteen, "too-few-pairs", "batching"),
    ("positives-then-negatives", positives_then_negatives, "pairs-sorted-by-label", "batching"),
    ("first-of-new-iterator", first_of_new_iterator, "same-pairs-again", "batching"),
]
