"""Trainings with other habits, sound and spoilt: other batches, modules, optimizers, schedules and reports."""

from collections import namedtuple
from dataclasses import dataclass, replace
from tempfile import mkdtemp

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset, WeightedRandomSampler
from transformers import Adafactor, BatchEncoding, Trainer, TrainerCallback, TrainingArguments

from research.torch_suspects.base import BATCH, Loop, PairData, collate, collate_tuple, healthy, linear, loader

STEPS = 150


def plain(seed, model=None, join=collate_tuple, **more):
    """A loop on word vectors, with another model or other batches."""
    given = healthy("loop", seed)
    given |= {"train": loader(PairData(given["pairs"]), seed, collate_fn=join),
              "held_out": loader(PairData(given["held_out_pairs"]), seed, shuffle=False, batch=64, collate_fn=join),
              "schedule": linear(STEPS), "steps": STEPS}  # fmt: skip
    return given | ({} if model is None else {"model": model}) | more


def count(forward, held_out, labels):
    """Return logits and labels of a loader."""
    with torch.no_grad():
        found = [(forward(batch), labels(batch)) for batch in held_out]
    return tuple(torch.cat(part) for part in zip(*found, strict=True))


# ------------------------------------------------------------------------------------------------------------- models
class OneLogit(Loop):
    """One logit, of NotNext."""

    def __init__(self, seed):
        super().__init__(seed)
        torch.manual_seed(seed)
        self.head = nn.Linear(64, 1)

    def forward(self, *arrays):
        return super().forward(*arrays).squeeze(-1)


class OneColumn(OneLogit):
    def forward(self, *arrays):
        return Loop.forward(self, *arrays)


class Named(Loop):
    """Returns what a mapping or a dataclass returns, with the loss."""

    def __init__(self, seed, wrap):
        super().__init__(seed)
        self.wrap = wrap

    def forward(self, input_ids, token_type_ids, attention_mask, labels=None):
        logits = super().forward(input_ids, token_type_ids, attention_mask)
        return self.wrap(None if labels is None else F.cross_entropy(logits, labels), logits)


@dataclass
class Found:
    loss: torch.Tensor
    scores: torch.Tensor


class Recurrent(nn.Module):
    """An LSTM reads A, another reads B; no token_type_ids, no mask: two texts by themselves."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.words = Loop(seed).words
        self.words.weight.requires_grad_(False)
        self.lstm = nn.LSTM(96, 32, batch_first=True)
        self.norm = nn.BatchNorm1d(2 * 128)
        self.out = nn.Sequential(nn.Linear(2 * 128, 64), nn.GELU(), nn.Dropout(0.3), nn.Linear(64, 2))

    def read(self, ids):
        x = F.normalize(self.words(ids), dim=-1)
        here = (ids > 0).unsqueeze(-1)
        h = torch.cat([3 * x, self.lstm(x)[0]], -1)
        return F.normalize((h * here).sum(1) / here.sum(1).clamp(min=1), dim=-1)

    def forward(self, premise, hypothesis):
        u, v = self.read(premise), self.read(hypothesis)
        return self.out(self.norm(torch.cat([10 * u * v, 3 * (u - v).abs()], -1)))


def two_texts(rows):
    """Return the ids of A and of B, each padded by itself, and the labels last but one, before the rows' lengths."""
    sides = [[], []]
    for row in rows:
        for k in (0, 1):
            sides[k].append(row["input_ids"][(row["token_type_ids"] == k) & (row["input_ids"] > 4)])
    a, b = (nn.utils.rnn.pad_sequence(side, batch_first=True) for side in sides)
    labels = torch.stack([row["labels"] for row in rows])
    return a, b, labels, torch.tensor([len(x) for x in sides[0]])


class BySeparator(Loop):
    """Ids alone: where B begins is told by the separator."""

    def forward(self, ids):
        after = ((ids == 3).cumsum(1) > 0) & (ids != 3) & (ids != 0)
        return {"hidden": ids, "logits": super().forward(ids, after.long(), (ids != 0).long())}


# ---------------------------------------------------------------------------------------------------------- optimizers
class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(torch.sign(m * group["betas"][0] + p.grad * (1 - group["betas"][0])), alpha=-group["lr"])
                m.mul_(group["betas"][1]).add_(p.grad, alpha=1 - group["betas"][1])


# ------------------------------------------------------------------------------------------------------------- healthy
def bce(seed):
    return plain(seed, OneLogit(seed), loss=lambda x, y: F.binary_cross_entropy_with_logits(x, y.float()))


def bce_column(seed):
    """(batch, 1) against labels of the same shape, and a report by threshold."""
    given = plain(seed, OneColumn(seed), loss=lambda x, y: F.binary_cross_entropy_with_logits(x, y.float()[:, None]))

    def evaluate(model, held_out):
        model.eval()
        logits, labels = count(lambda b: model(*b[:-1]), held_out, lambda b: b[-1])
        model.train()
        right = ((torch.sigmoid(logits[:, 0]) > 0.5).long() == labels).float().mean().item()
        return {"acc": right, "bce": F.binary_cross_entropy_with_logits(logits[:, 0], labels.float()).item()}

    return given | {"evaluate": evaluate}


def bce_step(seed):
    """Labels are floats, the loss is in the step."""
    def join(rows):
        *arrays, labels = collate_tuple(rows)
        return tuple([*arrays, labels.float()])

    def step(model, batch, loss, optimizer, schedule):
        ids, types, mask, labels = batch
        optimizer.zero_grad(set_to_none=True)
        value = nn.BCEWithLogitsLoss()(model(ids, types, mask), labels)
        value.backward()
        optimizer.step()
        schedule.step()
        return value.item()

    return plain(seed, OneLogit(seed), join, step=step, loss=None)


def encodings(seed):
    """BatchEncoding with keys that the model does not take."""
    def join(rows):
        batch = collate(rows)
        labels = batch.pop("labels")
        return BatchEncoding(batch | {"next_sentence_label": labels, "idx": torch.arange(len(labels)),
                                      "special_tokens_mask": (batch["input_ids"] < 5).long(),
                                      "texts": ["x"] * len(labels)})  # fmt: skip

    def forward(model, batch):
        return model(**{k: batch[k] for k in ("input_ids", "token_type_ids", "attention_mask")}).logits

    given = healthy("bert-small", seed)
    return given | {
        "train": loader(PairData(given["pairs"]), seed, collate_fn=join), "forward": forward, "loss": F.cross_entropy,
        "held_out": loader(PairData(given["held_out_pairs"]), seed, shuffle=False, batch=64, collate_fn=join),
    }  # fmt: skip


def extra_keys(seed):
    """The same without `forward`: what the model does not take is left out by the user's step."""
    given = encodings(seed)
    names = ("input_ids", "token_type_ids", "attention_mask")

    def step(model, batch, loss, optimizer, schedule):
        logits = model(**{k: batch[k] for k in names}).logits
        value = F.cross_entropy(logits, batch["next_sentence_label"])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        return value

    return given | {"step": step, "forward": None, "loss": None}


@dataclass
class Batch:
    input_ids: torch.Tensor
    token_type_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor
    size: int = 0


def dataclasses(seed):
    def join(rows):
        return Batch(**collate(rows), size=len(rows))

    def forward(model, batch):
        return model(batch.input_ids, batch.token_type_ids, batch.attention_mask)

    return plain(seed, None, join, forward=forward)


Sample = namedtuple("Sample", "input_ids token_type_ids attention_mask label")


def named_tuples(seed):
    return plain(seed, None, lambda rows: Sample(*collate(rows).values()))


def nested(seed):
    """(inputs, labels), inputs a dict; a percentage as a report."""
    def join(rows):
        batch = collate(rows)
        return {k: v for k, v in batch.items() if k != "labels"}, batch["labels"]

    def evaluate(model, loader):
        model.eval()
        right = total = 0
        for x, y in loader:
            with torch.inference_mode():
                right += int((model(**x).argmax(dim=-1) == y).sum())
            total += len(y)
        return 100 * right / total

    return plain(seed, None, join, evaluate=evaluate)


def recurrent(seed):
    """Two texts by themselves, batch norm, labels before the lengths, NAdam, OneCycle."""
    given = plain(seed, Recurrent(seed), two_texts)
    return given | {
        "forward": lambda model, batch: model(batch[0], batch[1]),
        "optimizer": lambda m: torch.optim.NAdam([p for p in m.parameters() if p.requires_grad], lr=1e-3),
        "schedule": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=3e-3, total_steps=STEPS),
    }


def by_separator(seed):
    """(ids, labels) and no mask, no segments."""
    return plain(seed, BySeparator(seed), lambda rows: tuple(collate(rows)[n] for n in ("input_ids", "labels")))


class Endless(IterableDataset):
    """Rows in a shuffled order, another one in each epoch."""

    def __init__(self, data, seed):
        self.data, self.rng = data, np.random.default_rng(seed)

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        for k in self.rng.permutation(len(self.data)):
            yield self.data[int(k)]


def iterable(seed):
    given = plain(seed)
    given["train"] = DataLoader(Endless(PairData(given["pairs"]), seed), 16, collate_fn=collate_tuple)
    return given


def tensors(seed):
    """TensorDataset, default collate, batch of 64 tokens, SGD with Nesterov, cosine with restarts."""
    given = plain(seed)

    def made(pairs):
        batch = collate([PairData(pairs)[k] for k in range(len(pairs))])
        return TensorDataset(*(batch[n] for n in ("input_ids", "token_type_ids", "attention_mask", "labels")))

    return given | {
        "train": DataLoader(made(given["pairs"]), batch_size=20, shuffle=True, drop_last=True),
        "held_out": DataLoader(made(given["held_out_pairs"]), batch_size=50),
        "optimizer": lambda m: torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4),
        "schedule": lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=50), "steps": 200,
    }


def weighted_sampler(seed):
    """A third of the pairs is IsNext; the sampler draws them more often, with replacement."""
    given = plain(seed)
    keep = [p for k, p in enumerate(given["pairs"]) if p.label == 1 or k % 2 == 0]
    labels = np.array([p.label for p in keep])
    weights = (1 / np.bincount(labels))[labels]
    sampler = WeightedRandomSampler(weights, len(keep), generator=torch.Generator().manual_seed(seed))
    train = DataLoader(PairData(keep), 16, sampler=sampler, collate_fn=collate_tuple)
    return given | {"pairs": keep, "train": train}


def buckets(seed):
    """A sampler of batches of like length, and Lion."""
    given = plain(seed)
    data = PairData(given["pairs"])
    order = np.argsort([len(p.sentence_a) + len(p.sentence_b) for p in given["pairs"]])
    batches = np.array_split(order, len(order) // 16)
    rng = np.random.default_rng(seed)

    class ByLength(torch.utils.data.Sampler):
        def __iter__(self):
            for k in rng.permutation(len(batches)):
                yield batches[k].tolist()

        def __len__(self):
            return len(batches)

    train = DataLoader(data, batch_sampler=ByLength(), collate_fn=collate_tuple)
    return given | {"train": train, "optimizer": lambda m: Lion(m.parameters(), lr=5e-4, weight_decay=0.05)}


def own_batches(seed):
    """batch_size=None: the dataset gives whole batches, shuffled by itself."""
    given = plain(seed)
    data = PairData(given["pairs"])

    class Whole(IterableDataset):
        def __iter__(self):
            order = torch.randperm(len(data)).tolist()
            for k in range(0, len(order) - 15, 16):
                yield collate_tuple([data[j] for j in order[k : k + 16]])

    return given | {"train": DataLoader(Whole(), batch_size=None)}


def named_loss(seed):
    """The model returns a dict with a loss; Adafactor with its own rate."""
    return plain(seed, Named(seed, lambda loss, logits: {"loss": loss, "logits": logits}), collate, loss=None,
                 optimizer=lambda m: Adafactor(m.parameters(), scale_parameter=False, relative_step=False, lr=2e-3))  # fmt: skip


def scores_found(seed):
    """A dataclass with the loss and `scores`."""
    return plain(seed, Named(seed, Found), collate, loss=None)


def loss_first(seed):
    """A tuple that begins with the loss, and ends in a hidden state; scheduled by epoch."""
    model = Named(seed, lambda loss, logits: (logits,) if loss is None else (loss, logits))
    done = [0]

    def step(model, batch, loss, optimizer, schedule):
        value = model(**batch)[0]
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        done[0] += 1
        if done[0] % 100 == 0:
            schedule.step()
        return value.item()

    return plain(seed, model, collate, loss=None, step=step, steps=300,
                 schedule=lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.7))  # fmt: skip


def autocast(seed):
    """bfloat16, accumulation over 2, clipping, and an average of the weights that is evaluated."""
    given = healthy("bert-small", seed)
    state = {"done": 0}
    average = torch.optim.swa_utils.AveragedModel(
        given["model"], multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)
    )

    def step(model, batch, loss, optimizer, schedule):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = model(**batch).loss
        (value / 2).backward()
        state["done"] += 1
        if state["done"] % 2 == 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            average.update_parameters(model)
        return value.item()

    def evaluate(model, held_out):
        average.eval()
        with torch.no_grad():
            found = [(average(**b), b["labels"]) for b in held_out]
        logits, labels = torch.cat([o.logits for o, _ in found]), torch.cat([y for _, y in found])
        return {"val/acc": (logits.argmax(1) == labels).float().mean().item(),
                "val/loss": F.cross_entropy(logits, labels).item()}  # fmt: skip

    return given | {"step": step, "evaluate": evaluate, "schedule": linear(100), "steps": 100}


def tuple_report(seed):
    """(loss, accuracy in percent) as a tuple; ReduceLROnPlateau on the loss of training."""
    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(*batch[:-1]), batch[-1])
        value.backward()
        optimizer.step()
        schedule.step(value.item())
        return value.item()

    def evaluate(model, held_out):
        model.eval()
        logits, labels = count(lambda b: model(*b[:-1]), held_out, lambda b: b[-1])
        model.train()
        return F.cross_entropy(logits, labels).item(), 100.0 * (logits.argmax(1) == labels).float().mean().item()

    return plain(seed, step=step, evaluate=evaluate, optimizer=lambda m: torch.optim.Adam(m.parameters(), lr=2e-3),
                 schedule=lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, patience=40))  # fmt: skip


class OwnLoss(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, **more):
        labels = inputs.pop("labels")
        output = model(**inputs)
        value = nn.CrossEntropyLoss()(output.logits.view(-1, 2), labels.view(-1))
        return (value, output) if return_outputs else value


class Watch(TrainerCallback):
    def on_log(self, args, state, control, **more):
        print(state.log_history[-1:])


def trainer(seed, cls=Trainer, join=collate, metrics=None, callbacks=None, steps=200, **options):
    given = healthy("trainer", seed)
    old = given["model"]
    arguments = TrainingArguments(
        output_dir=mkdtemp(prefix="trainer"), **({
            "max_steps": steps, "learning_rate": 5e-4, "report_to": [], "use_cpu": True, "save_strategy": "no",
            "disable_tqdm": True, "seed": seed, "per_device_train_batch_size": 16, "warmup_steps": 10,
        } | options))  # fmt: skip
    return given | {"model": cls(old.model, arguments, train_dataset=old.train_dataset, eval_dataset=old.eval_dataset,
                                 data_collator=join, compute_metrics=metrics, callbacks=callbacks)}  # fmt: skip


def trainer_metrics(seed):
    """compute_loss that pops the labels, metrics of another name, gathered batches, a callback."""
    def metrics(found):
        logits, labels = found
        return {"acc": (np.argmax(logits, -1) == labels).mean().item(), "pos": float((labels == 0).mean())}

    return trainer(seed, OwnLoss, metrics=metrics, callbacks=[Watch()], per_device_train_batch_size=8, steps=150,
                   gradient_accumulation_steps=2, lr_scheduler_type="cosine")  # fmt: skip


def trainer_smooth(seed):
    """Label smoothing, BatchEncoding, adafactor, epochs instead of steps, eval at epochs."""
    return trainer(seed, join=lambda rows: BatchEncoding(collate(rows)), label_smoothing_factor=0.1, optim="adafactor",
                   max_steps=-1, num_train_epochs=2, eval_strategy="epoch", learning_rate=2e-4)  # fmt: skip


def layerwise(seed):
    """A rate for each layer, the lower the deeper; frozen embeddings; AMSGrad; a scheduler of torch in a chain."""
    given = healthy("bert", seed)
    for p in given["model"].bert.embeddings.parameters():
        p.requires_grad_(False)

    def factory(model):
        groups = [
            {"params": model.bert.encoder.layer[0].parameters(), "lr": 2e-4},
            {"params": model.bert.encoder.layer[1].parameters(), "lr": 4e-4},
            {"params": [*model.bert.pooler.parameters(), *model.cls.parameters()], "lr": 1e-3},
        ]
        return torch.optim.AdamW(groups, lr=1e-3, amsgrad=True)

    def schedule(optimizer):
        warm = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, 1.0, total_iters=15)
        rest = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 185)
        return torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, rest], milestones=[15])

    return given | {"optimizer": factory, "schedule": schedule}


# -------------------------------------------------------------------------------------------------------------- spoilt
ARRAYS = ("input_ids", "token_type_ids", "attention_mask")


def step_of(value, after=lambda model: None, clear=True):
    """Return a step that minimises ``value(model, batch)``."""
    def step(model, batch, loss, optimizer, schedule):
        if clear:
            optimizer.zero_grad()
        found = value(model, batch)
        found.backward()
        after(model)
        optimizer.step()
        if schedule is not None:
            schedule.step()
        return found.item()

    return step


def bce_of(x, y):
    return F.binary_cross_entropy_with_logits(x, y.float())


def bert_loaders(seed, join, held=None, **more):
    given = healthy("bert-small", seed)
    return given | {
        "train": loader(PairData(given["pairs"]), seed, collate_fn=join),
        "held_out": loader(PairData(given["held_out_pairs"]), seed, shuffle=False, batch=64, collate_fn=held or join),
    } | more  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- the data
def tensors_permuted(seed):
    """The tensor of labels was shuffled, those of the arrays were not."""
    given = plain(seed)
    batch = collate([PairData(given["pairs"])[k] for k in range(len(given["pairs"]))])
    labels = batch["labels"][torch.randperm(len(batch["labels"]), generator=torch.Generator().manual_seed(seed))]
    data = TensorDataset(*(batch[n] for n in ARRAYS), labels)
    return given | {"train": DataLoader(data, BATCH, shuffle=True)}


def header_lost(seed):
    """The file of labels lost its first line: dataclasses with labels of the next row."""
    given = plain(seed, None, lambda rows: Batch(**collate(rows)), forward=lambda m, b: m(b.input_ids, b.token_type_ids, b.attention_mask))
    data = PairData(given["pairs"])

    class Late(PairData):
        def __getitem__(self, k):
            return data[k] | {"labels": data[(k + 1) % len(data)]["labels"]}

    return given | {"train": loader(Late(given["pairs"]), seed, collate_fn=lambda rows: Batch(**collate(rows)))}


def noise(seed):
    """Three labels in ten are wrong; an LSTM on two texts."""
    given = recurrent(seed)
    rng = np.random.default_rng(seed)
    pairs = [replace(p, label=1 - p.label) if rng.random() < 0.3 else p for p in given["pairs"]]
    return given | {"pairs": pairs, "train": loader(PairData(pairs), seed, collate_fn=two_texts)}


def stream_sorted(seed):
    """A stream of one class after the other."""
    given = plain(seed)
    rows = sorted(given["pairs"], key=lambda p: p.label)

    class Sorted(Endless):
        def __iter__(self):
            for k in range(len(self.data)):
                yield self.data[k]

    return given | {"train": DataLoader(Sorted(PairData(rows), seed), BATCH, collate_fn=collate_tuple)}


def rare(seed):
    """One training pair in twenty is NotNext."""
    given = plain(seed, OneLogit(seed), loss=bce_of)
    pairs = [p for k, p in enumerate(given["pairs"]) if p.label == 0 or k % 20 == 0]
    return given | {"pairs": pairs, "train": loader(PairData(pairs), seed, collate_fn=collate_tuple)}


def twice_a(seed):
    """zip(a, a): B is A, in training."""
    given = bert_loaders(seed, lambda rows: BatchEncoding(collate(rows)))
    twice = [replace(p, sentence_b=p.sentence_a) for p in given["pairs"]]
    return given | {"train": loader(PairData(twice), seed, collate_fn=lambda rows: BatchEncoding(collate(rows)))}


def no_segments(seed):
    """The collator makes zeros of the segment ids; batches are (dict, labels)."""
    def join(rows):
        batch = collate(rows)
        labels = batch.pop("labels")
        return batch | {"token_type_ids": torch.zeros_like(batch["input_ids"])}, labels

    step = step_of(lambda m, b: F.cross_entropy(m(**b[0]).logits, b[1]))
    return bert_loaders(seed, join, step=step, loss=None)


def mask_of_ones(seed):
    """The mask is ones_like(input_ids)."""
    def join(rows):
        batch = collate(rows)
        return BatchEncoding(batch | {"attention_mask": torch.ones_like(batch["input_ids"])})

    return bert_loaders(seed, join)


def left(seed):
    """Padding on the left."""
    def join(rows):
        batch = collate(rows)
        for k, n in enumerate(batch["attention_mask"].sum(1).tolist()):
            for name in ARRAYS:
                batch[name][k] = torch.roll(batch[name][k], len(batch[name][k]) - n)
        return batch

    return bert_loaders(seed, join)


def next_id(seed):
    """The ids are those of a vocabulary with one more special token."""
    def join(rows):
        batch = collate(rows)
        ids = batch["input_ids"]
        return batch | {"input_ids": torch.where(ids > 4, (ids + 1) % 24000, ids)}

    return bert_loaders(seed, join)


def bool_of_text(seed):
    """bool('0') is True: all labels are 1; named tuples are made by the collator."""
    def join(rows):
        *arrays, labels = collate_tuple(rows)
        return (*arrays, torch.ones_like(labels))

    given = plain(seed)
    return given | {"train": loader(PairData(given["pairs"]), seed, collate_fn=join)}


# ----------------------------------------------------------------------------------------------------- model and loss
def loud_pooler(seed):
    given = bert_loaders(seed, collate)
    nn.init.normal_(given["model"].bert.pooler.dense.weight, std=30.0)
    return given


def too_much_dropout(seed):
    return plain(seed, Loop(seed, dropout=0.97))


def softmax_in_a_dict(seed):
    model = Named(seed, lambda loss, logits: {"probs": logits.softmax(-1)})
    return plain(seed, model, collate, loss=None,
                 step=step_of(lambda m, b: F.cross_entropy(m(**{n: b[n] for n in ARRAYS})["probs"], b["labels"])))  # fmt: skip


def positive_weight(seed):
    """pos_weight of another corpus."""
    return plain(seed, OneLogit(seed), loss=lambda x, y: F.binary_cross_entropy_with_logits(
        x, y.float(), pos_weight=torch.tensor(30.0)))  # fmt: skip


def column(seed):
    """Cross-entropy over a single column."""
    return plain(seed, OneColumn(seed), loss=lambda x, y: F.cross_entropy(x, y.float()[:, None]))


def squared(seed):
    return plain(seed, OneLogit(seed), loss=None,
                 step=step_of(lambda m, b: F.mse_loss(torch.sigmoid(m(*b[:-1])), b[-1].float())))  # fmt: skip


def is_next_is_one(seed):
    """The target of BCE is (label == 0)."""
    return plain(seed, OneLogit(seed), loss=lambda x, y: F.binary_cross_entropy_with_logits(x, (y == 0).float()))


def summed(seed):
    return plain(seed, OneLogit(seed), loss=lambda x, y: F.binary_cross_entropy_with_logits(x, y.float(), reduction="sum"),
                 optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9))  # fmt: skip


def smooth(seed):
    return trainer(seed, label_smoothing_factor=0.8)


class Tempered(Loop):
    def forward(self, *arrays):
        logits = super().forward(*arrays)
        return logits / 10 if self.training else logits


def tempered(seed):
    return plain(seed, Tempered(seed))


def penalty_logged(seed):
    """The step returns the loss with a penalty on the weights, and minimises the loss alone."""
    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = F.cross_entropy(model(*batch[:-1]), batch[-1])
        value.backward()
        optimizer.step()
        schedule.step()
        return (value + 0.01 * sum(p.pow(2).sum() for p in model.parameters()) ** 0.5).item()

    return plain(seed, step=step, loss=None)


class Flipped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return F.gelu(x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (x < 0)


class OwnActivation(Loop):
    def forward(self, input_ids, token_type_ids, attention_mask):
        words = attention_mask * (input_ids > 4)
        a = self.mean(input_ids, words * (1 - token_type_ids))
        b = self.mean(input_ids, words * token_type_ids)
        h = torch.cat([a * b * 10, (a - b).abs() * 3], dim=-1)
        return self.head(Flipped.apply(self.pooler(self.dropout(h))))


def own_activation(seed):
    return plain(seed, OwnActivation(seed))


# ------------------------------------------------------------------------------------------------------- the optimizer
def lion_hot(seed):
    return plain(seed, optimizer=lambda m: Lion(m.parameters(), lr=0.3))


def one_cycle_cold(seed):
    """max_lr=1e-7 overrides the rate of the optimizer."""
    return recurrent(seed) | {"schedule": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=1e-7, total_steps=STEPS)}


def epochs_as_steps(seed):
    """CosineAnnealingLR(T_max=5 epochs), moved in each step, and held at its end."""
    return plain(seed, None, lambda rows: BatchEncoding(collate(rows)),
                 schedule=lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: max(0.0, 1 - k / 5)))  # fmt: skip


def clipped_hard(seed):
    return plain(seed, OneLogit(seed), loss=None, optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9),
                 step=step_of(lambda m, b: bce_of(m(*b[:-1]), b[-1]), lambda m: nn.utils.clip_grad_norm_(m.parameters(), 1e-4)))  # fmt: skip


def never_cleared(seed):
    """Gathered over 2 batches; gradients are cleared after an epoch only."""
    done = [0]

    def step(model, batch, loss, optimizer, schedule):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = F.cross_entropy(model(**batch).logits.float(), batch["labels"])
        (value / 2).backward()
        done[0] += 1
        if done[0] % 2 == 0:
            optimizer.step()
            schedule.step()
        if done[0] % 100 == 0:
            optimizer.zero_grad()
        return value.item()

    return bert_loaders(seed, collate, step=step)


def attribute(seed):
    """optimizer.step without parentheses."""
    def step(model, batch, loss, optimizer, schedule):
        x, y = batch
        optimizer.zero_grad()
        value = F.cross_entropy(model(**x), y)
        value.backward()
        optimizer.step  # noqa: B018
        return value.item()

    return nested(seed) | {"step": step, "evaluate": None, "loss": None, "schedule": None}


def slow_memory(seed):
    return plain(seed, optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.999))


def decay(seed):
    return plain(seed, optimizer=lambda m: Lion(m.parameters(), lr=5e-4, weight_decay=200.0))


def only_head(seed):
    """The groups are made by the names of the head."""
    given = bert_loaders(seed, collate)
    return given | {"optimizer": lambda m: torch.optim.AdamW([p for n, p in m.named_parameters() if "encoder" in n], lr=5e-4)}


# ------------------------------------------------------------------------------------------------------- the evaluation
def report(seed, look, model=None, **more):
    """A training with one logit and a report."""
    given = plain(seed, model or OneLogit(seed), loss=bce_of, **more)

    def evaluate(model, held_out):
        model.eval()
        logits, labels = count(lambda b: model(*b[:-1]), held_out, lambda b: b[-1])
        model.train()
        return look(logits, labels)

    return given | {"evaluate": evaluate}


def half_of_a_logit(seed):
    """logit > 0.5, without the sigmoid."""
    return report(seed, lambda x, y: ((x > 0.5) == (y == 1)).float().mean().item())


def says_is_next(seed):
    """sigmoid(x) > 0.5 is called IsNext: (loss, accuracy)."""
    return report(seed, lambda x, y: (bce_of(x, y).item(), ((torch.sigmoid(x) > 0.5) == (y == 0)).float().mean().item()))


def sum_of_held_out(seed):
    return report(seed, lambda x, y: {"val_loss": F.binary_cross_entropy_with_logits(x, y.float(), reduction="sum").item(),
                                      "val_acc": ((x > 0) == (y == 1)).float().mean().item()})  # fmt: skip


def sure_ones(seed):
    """Pairs between 0.25 and 0.75 are left out."""
    def look(x, y):
        p = torch.sigmoid(x)
        keep = (p - 0.5).abs() > 0.25
        if not keep.any():
            return {"acc": float("nan")}
        return {"acc": ((p > 0.5) == (y == 1))[keep].float().mean().item()}

    return report(seed, look)


def sorted_answers(seed):
    """The answers were sorted, the labels not."""
    def look(x, y):
        return {"accuracy": ((x.sort().values > 0) == (y == 1)).float().mean().item()}

    return report(seed, look)


def metrics_gathered(seed):
    """compute_metrics adds all answers to a list that is never emptied."""
    kept = []

    def metrics(found):
        kept.append((found.predictions.argmax(-1) == found.label_ids).astype(float))
        return {"accuracy": float(np.concatenate(kept).mean())}

    return trainer(seed, metrics=metrics)


def drops_while_testing(seed):
    """No model.eval(), dropout of a half."""
    def evaluate(model, held_out):
        logits, labels = count(lambda b: model(*b[:-1]), held_out, lambda b: b[-1])
        return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()

    return plain(seed, Loop(seed, dropout=0.5), evaluate=evaluate)


def ten_percent(seed):
    """The report is of the first batch of 16, in percent."""
    def evaluate(model, held_out):
        model.eval()
        with torch.no_grad():
            ids, types, mask, y = next(iter(held_out))
            right = (model(ids[:16], types[:16], mask[:16]).argmax(1) == y[:16]).float().mean().item()
        model.train()
        return 100 * right

    return plain(seed, evaluate=evaluate)


DEFECTS = [
    ("a tensor of labels shuffled", tensors_permuted, "labels-shuffled", "encoding"),
    ("dataclasses with the labels of the next row", header_lost, "labels-off-by-one", "encoding"),
    ("30 % noise, LSTM on two texts", noise, "label-noise", "pairs"),
    ("a stream of one class after the other", stream_sorted, "pairs-sorted-by-label", "batching"),
    ("one in twenty is NotNext, BCE", rare, "prior-shift", "pairs"),
    ("zip(a, a)", twice_a, "a-given-twice", "encoding"),
    ("segment ids zero, (dict, labels)", no_segments, "segment-ids-zero", "encoding"),
    ("mask of ones, BatchEncoding", mask_of_ones, "padding-attended", "encoding"),
    ("padding on the left", left, "cls-not-first", "encoding"),
    ("ids one further", next_id, "wrong-vocabulary", "encoding"),
    ("bool of a text", bool_of_text, "one-label", "encoding"),
    ("pooler with a deviation of 30", loud_pooler, "pooler-saturated", "model"),
    ("dropout .97", too_much_dropout, "dropout-too-high", "model"),
    ("probabilities in a dict", softmax_in_a_dict, "double-softmax", "loss"),
    ("pos_weight 30", positive_weight, "class-weight-left", "loss"),
    ("cross-entropy of a column", column, "single-logit", "loss"),
    ("squared error of a sigmoid", squared, "squared-error", "loss"),
    ("BCE of label == 0", is_next_is_one, "training-labels-inverted", "loss"),
    ("BCE, summed, SGD", summed, "sum-reduction", "loss"),
    ("Trainer, smoothed by .8", smooth, "label-smoothing-heavy", "loss"),
    ("a temperature in training", tempered, "temperature-forgotten", "loss"),
    ("a penalty in the number", penalty_logged, "total-logged-as-nsp", "loss"),
    ("an activation with its own gradient", own_activation, "backward-wrong", "model"),
    ("Lion, rate .3", lion_hot, "learning-rate-too-high", "optimizer"),
    ("OneCycle, max_lr 1e-7", one_cycle_cold, "learning-rate-too-low", "optimizer"),
    ("epochs taken for steps", epochs_as_steps, "schedule-ends-early", "optimizer"),
    ("clipped at 1e-4, one logit, SGD", clipped_hard, "clip-too-small", "optimizer"),
    ("bfloat16, gathered, never cleared", never_cleared, "no-zero-grad", "optimizer"),
    ("optimizer.step without parentheses, (dict, labels)", attribute, "updates-not-applied", "optimizer"),
    ("momentum .999", slow_memory, "momentum-too-high", "optimizer"),
    ("Lion, decay 200", decay, "weight-decay-too-high", "optimizer"),
    ("groups without the head", only_head, "parameter-missing", "optimizer"),
    ("a logit beyond a half, one number", half_of_a_logit, "logit-read-as-probability", "evaluation"),
    ("sigmoid called IsNext, (loss, accuracy)", says_is_next, "evaluation-labels-inverted", "evaluation"),
    ("a sum of BCE as val_loss", sum_of_held_out, "held-out-loss-summed", "evaluation"),
    ("between a quarter and three left out, one logit", sure_ones, "unsure-pairs-dropped", "evaluation"),
    ("answers sorted, labels not", sorted_answers, "predictions-out-of-order", "evaluation"),
    ("compute_metrics with a list", metrics_gathered, "metric-never-reset", "evaluation"),
    ("no model.eval(), a tuple", drops_while_testing, "dropout-in-evaluation", "evaluation"),
    ("sixteen pairs in percent", ten_percent, "evaluated-on-few-pairs", "evaluation"),
]
HEALTHY = [
    ("one logit, BCE", bce),
    ("one column, BCE, a report by threshold", bce_column),
    ("one logit, labels as floats, BCE in the step", bce_step),
    ("BatchEncoding with more keys, forward given", encodings),
    ("BatchEncoding with more keys, taken apart in the step", extra_keys),
    ("batches are dataclasses", dataclasses),
    ("batches are named tuples", named_tuples),
    ("batches are (dict, labels); a number in percent", nested),
    ("LSTM on two texts, labels before lengths, NAdam, OneCycle", recurrent),
    ("ids alone, texts told apart by the separator", by_separator),
    ("IterableDataset with a length", iterable),
    ("TensorDataset, Nesterov, restarts", tensors),
    ("WeightedRandomSampler", weighted_sampler),
    ("batches of like length, Lion", buckets),
    ("whole batches from the dataset", own_batches),
    ("a dict with a loss, Adafactor", named_loss),
    ("a dataclass with scores", scores_found),
    ("a tuple with the loss first, a rate for each epoch", loss_first),
    ("bfloat16, gathered, clipped, averaged weights evaluated", autocast),
    ("a tuple in percent, ReduceLROnPlateau", tuple_report),
    ("Trainer, own loss, metrics, gathered", trainer_metrics),
    ("Trainer, smoothed, BatchEncoding, Adafactor, epochs", trainer_smooth),
    ("a rate for each layer, frozen embeddings, AMSGrad", layerwise),
]
