"""Sound trainings with modules, batches and loops of their own."""

import copy
import math
import random

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler

from research.torch_suspects.base import healthy

from ._kit import (
    Rows,
    Towers,
    adam,
    bce,
    collate_apart,
    collate_apart_float,
    object_step,
    plain_step,
    reader,
    report,
    towers,
    two_texts,
)


def gru_one_logit():
    return towers("sotu", "gru", seed=1, steps=120)


def convolution():
    given = towers("python", "cnn", seed=2)
    given["evaluate"] = report()
    return given


def transformer_log_probabilities():
    given = towers("sotu", "transformer", seed=3, outputs=2, answer=nn.LogSoftmax(dim=-1), steps=120)
    return given | {"loss": nn.NLLLoss()}


def sigmoid_inside():
    given = towers("sotu", "bag", seed=4, answer=torch.sigmoid, join=collate_apart_float)
    return given | {"loss": nn.BCELoss()}


def softmax_and_logarithm():
    given = towers("sotu", "bag", seed=5, outputs=2, answer=nn.Softmax(dim=-1))
    return given | {"loss": lambda p, y: F.nll_loss(torch.log(p.clamp(min=1e-7)), y)}


def attention_over_objects():
    return reader("sotu", seed=6)


def attention_over_python():
    given = reader("python", seed=7)
    given["schedule"] = lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, total_steps=160)
    return given


def hinge_of_two():
    """A margin between the two logits."""
    given = towers("sotu", "bag", seed=8, outputs=2)
    return given | {"loss": nn.MultiMarginLoss(margin=1.0)}


def accumulated():
    given = towers("sotu", "bag", seed=9, batch=8, steps=300, rate=5e-3)
    count = {"seen": 0}

    def step(model, batch, loss, optimizer, schedule):
        (a, b), y = batch
        value = loss(model(a, b), y)
        (value / 4).backward()
        count["seen"] += 1
        if count["seen"] % 4 == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
        return value.detach()

    return given | {"step": step}


def batches_in_a_list():
    """The loader is a list of batches that were made once and shuffled."""
    given = towers("sotu", "bag", seed=10)
    return given | {"train": list(given["train"]), "held_out": list(given["held_out"])}


class Fresh(Dataset):
    """Each visit to a sentence tosses a coin and draws a new negative."""

    def __init__(self, documents, ids, seed):
        self.documents, self.encode, self.random = documents, two_texts(ids), random.Random(seed)
        self.spots = [(d, i) for d, document in enumerate(documents) for i in range(len(document) - 1)]

    def __len__(self):
        return len(self.spots)

    def __getitem__(self, k):
        d, i = self.spots[k]
        a, b = self.documents[d][i], self.documents[d][i + 1]
        if self.random.random() < 0.5:
            return self.encode(a, b, 0)
        other = d
        while other == d:
            other, j = self.spots[self.random.randrange(len(self.spots))]
        return self.encode(a, self.documents[other][j + 1], 1)


def negatives_drawn_each_time():
    given = towers("sotu", "bag", seed=11)
    data = Fresh(given["documents"], given["tokenizer"].ids, 11)
    given.pop("pairs")
    return given | {"train": DataLoader(data, 16, shuffle=True, collate_fn=collate_apart)}


class Stream(IterableDataset):
    """Rows in the order of a file that was shuffled beforehand."""

    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return (self.rows[k] for k in range(len(self.rows)))


def stream():
    given = towers("sotu", "bag", seed=12)
    rows = Rows(given["pairs"], two_texts(given["tokenizer"].ids))
    return given | {"train": DataLoader(Stream(rows), 16, collate_fn=collate_apart)}


class ByLength(Sampler):
    """Batches of pairs of about the same length, in a random order."""

    def __init__(self, pairs, size, seed):
        self.lengths, self.size, self.random = [len(a) + len(b) for a, b, _ in pairs], size, random.Random(seed)

    def __len__(self):
        return len(self.lengths) // self.size

    def __iter__(self):
        order = sorted(range(len(self.lengths)), key=lambda k: self.lengths[k] * self.random.uniform(0.9, 1.1))
        batches = [order[i : i + self.size] for i in range(0, len(order), self.size)]
        self.random.shuffle(batches)
        return iter([batch for batch in batches if len(batch) == self.size])


def buckets():
    given = towers("sotu", "bag", seed=13)
    rows = Rows(given["pairs"], two_texts(given["tokenizer"].ids))
    sampler = ByLength(given["pairs"], 16, 13)
    return given | {"train": DataLoader(rows, batch_sampler=sampler, collate_fn=collate_apart)}


class Hashed(nn.Module):
    """Bags of hashed words as EmbeddingBag reads them, with offsets."""

    def __init__(self, buckets=8192, width=96):
        super().__init__()
        torch.manual_seed(14)
        self.bag = nn.EmbeddingBag(buckets, width, mode="sum")
        self.out = nn.Linear(1, 1)
        self.mix = nn.Linear(width, 1)
        nn.init.zeros_(self.mix.weight)
        nn.init.constant_(self.out.weight, 0.1)
        nn.init.zeros_(self.out.bias)

    def forward(self, flat_a, offsets_a, weights_a, flat_b, offsets_b, weights_b):
        a = F.normalize(self.bag(flat_a, offsets_a, weights_a), dim=-1)
        b = F.normalize(self.bag(flat_b, offsets_b, weights_b), dim=-1)
        return (self.out(10 * (a * b).sum(-1, keepdim=True)) + self.mix(a * b)).squeeze(-1)


def hashed_offsets():
    given = towers("python", "bag", seed=14)
    lexicon = given["tokenizer"]

    def flat(texts):
        ids = torch.cat(texts)
        lengths = torch.tensor([len(t) for t in texts])
        return ids, torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)[:-1]]), lexicon.rarity[ids] ** 2

    def join(rows):
        a, b = flat([r[0] for r in rows]), flat([r[1] for r in rows])
        names = ("flat_a", "offsets_a", "weights_a", "flat_b", "offsets_b", "weights_b")
        return dict(zip(names, (*a, *b), strict=True)) | {"labels": torch.tensor([r[2] for r in rows])}

    def step(model, batch, loss, optimizer, schedule):
        labels = batch["labels"]
        optimizer.zero_grad()
        value = loss(model(**{k: v for k, v in batch.items() if k != "labels"}), labels)
        value.backward()
        optimizer.step()
        return value

    encode = two_texts(lexicon.ids)
    return given | {
        "model": Hashed(len(lexicon)), "step": step,
        "train": DataLoader(Rows(given["pairs"], encode), 16, shuffle=True, collate_fn=join),
        "held_out": DataLoader(Rows(given["held_out_pairs"], encode), 64, collate_fn=join),
    }  # fmt: skip


def averaged_weights():
    """An average over about twenty steps is kept for later; the model itself is evaluated."""
    given = towers("sotu", "bag", seed=15)
    average = torch.optim.swa_utils.AveragedModel(
        given["model"], multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.95)
    )
    measure = report()

    def step(model, batch, loss, optimizer, schedule):
        value = plain_step(model, batch, loss, optimizer, schedule)
        average.update_parameters(model)
        return value

    return given | {"step": step, "evaluate": measure}


def sgd_with_momentum():
    given = healthy("loop", seed=16)
    given["optimizer"] = lambda m: torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    return given | {"schedule": None, "steps": 150}


def rmsprop_exponential():
    given = towers("sotu", "bag", seed=17)
    given["optimizer"] = lambda m: torch.optim.RMSprop(m.parameters(), lr=1e-3)
    given["schedule"] = lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.995)
    return given


def two_optimizer_groups_as_objects():
    given = towers("sotu", "cnn", seed=18, steps=120)
    model = given["model"]
    table = list(model.table.parameters())
    rest = [p for n, p in model.named_parameters() if not n.startswith("table")]
    optimizer = torch.optim.Adam([{"params": table, "lr": 1e-3}, {"params": rest, "lr": 3e-3}])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 120)
    return given | {"optimizer": optimizer, "schedule": schedule}


def more_next_than_not():
    """Six of ten pairs are IsNext in both parts, and the loss weighs them back."""
    given = towers("sotu", "bag", seed=19, next_share=0.6)
    return given | {"loss": nn.BCEWithLogitsLoss(pos_weight=torch.tensor(1.5)), "train": _floats(given, True),
                    "held_out": _floats(given, False)}  # fmt: skip


def _floats(given, training):
    rows = Rows(given["pairs" if training else "held_out_pairs"], two_texts(given["tokenizer"].ids))
    return DataLoader(rows, 16 if training else 64, shuffle=training, collate_fn=collate_apart_float)


class WithNorm(Towers):
    """Batch normalization before the perceptron."""

    def __init__(self, **more):
        super().__init__(**more)
        self.norm = nn.BatchNorm1d(9)

    def compare(self, a, b):
        return self.norm(super().compare(a, b))


def batch_normalization():
    given = towers("sotu", "bag", seed=20, batch=32, steps=75)
    lexicon = given["tokenizer"]
    return given | {"model": WithNorm(kind="bag", words=lexicon.vectors(), seed=20), "evaluate": report()}


def bfloat16_loop():
    given = reader("sotu", seed=21, steps=120)

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            z = model(batch.tokens, batch.sides, batch.real)
        value = loss(z.float(), batch.target)
        value.backward()
        optimizer.step()
        return value

    return given | {"step": step}


def weights_frozen_vectors():
    """The word vectors are pretrained and stay; all above them learns."""
    given = towers("sotu", "gru", seed=22, steps=120, rate=4e-3)
    given["model"].table.requires_grad_(False)
    given["optimizer"] = lambda m: torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], 4e-3)
    return given


def warm_up_by_hand():
    given = reader("sotu", seed=23)

    def share(step):
        return min(1.0, (step + 1) / 15) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, step / 150)))

    return given | {"schedule": lambda o: torch.optim.lr_scheduler.LambdaLR(o, share), "step": object_step}


def copied_start():
    """The start is loaded from another module of the same kind, and given."""
    given = towers("sotu", "bag", seed=24)
    start = copy.deepcopy(given["model"].state_dict())
    fresh = Towers("bag", words=torch.zeros_like(start["table.weight"]), seed=99)
    fresh.load_state_dict(start)
    return given | {"model": fresh, "start": start, "loss": bce, "optimizer": adam(3e-3, betas=(0.9, 0.98))}


HEALTHY = [
    ("GRU towers, one logit", gru_one_logit),
    ("convolution towers on Python's documentation", convolution),
    ("Transformer towers, log-probabilities", transformer_log_probabilities),
    ("sigmoid inside and BCELoss", sigmoid_inside),
    ("softmax, logarithm, NLL", softmax_and_logarithm),
    ("attention, batches as objects", attention_over_objects),
    ("attention on Python's documentation, one cycle", attention_over_python),
    ("margin loss", hinge_of_two),
    ("gradients of four batches", accumulated),
    ("batches in a list", batches_in_a_list),
    ("negatives drawn at each visit", negatives_drawn_each_time),
    ("a stream without shuffling of a shuffled file", stream),
    ("batches of similar length", buckets),
    ("EmbeddingBag with offsets and weights", hashed_offsets),
    ("an average of weights on the side", averaged_weights),
    ("SGD with Nesterov momentum", sgd_with_momentum),
    ("RMSprop with exponential decay", rmsprop_exponential),
    ("optimizer and schedule as objects", two_optimizer_groups_as_objects),
    ("six of ten are IsNext, weighed back", more_next_than_not),
    ("batch normalization", batch_normalization),
    ("bfloat16 autocast", bfloat16_loop),
    ("frozen word vectors", weights_frozen_vectors),
    ("warm-up and cosine by hand", warm_up_by_hand),
    ("start given and loaded", copied_start),
]
