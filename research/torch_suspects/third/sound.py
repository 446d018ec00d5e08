"""Sane trainings, each a little different from the textbook."""

import random
from tempfile import mkdtemp

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, Dataset
from transformers import Trainer, TrainingArguments

from research.torch_suspects.base import PairData, adamw, bert, collate, draw, healthy, linear, texts
from research.torch_suspects.third.kit import (
    Aligner,
    Kernels,
    MeanBert,
    Row,
    Twins,
    about,
    classifier,
    counted,
    deepcopy,
    electra,
    encode,
    ernie,
    loaders,
    mine,
    rows,
    sources,
    tensors,
    trim_dict,
)


def kernels(seed):
    torch.manual_seed(seed)
    return mine(Kernels(), seed, steps=200, rate=3e-2, schedule=None)


def aligner(seed):
    torch.manual_seed(seed)
    return mine(Aligner(), seed, steps=200)


def twins_gelu(seed):
    torch.manual_seed(seed)

    def optimizer(model):
        return torch.optim.RAdam(model.parameters(), lr=3e-3)

    def schedule(optimizer):
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 200)

    return mine(Twins(act=nn.GELU, dropout=0.2), seed, steps=200, optimizer=optimizer, schedule=schedule)


def gru_sgd(seed):
    torch.manual_seed(seed)

    def optimizer(model):
        return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)

    def step(model, batch, loss, optimizer, schedule):
        *x, y = batch
        value = loss(model(*x), y)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        return value.detach()

    return mine(Twins(recurrent=True), seed, steps=200, optimizer=optimizer, step=step)


def batch_norm(seed):
    torch.manual_seed(seed)
    return mine(Twins(norm=nn.BatchNorm1d(192)), seed, steps=200, rate=3e-3)


def mean_bert(seed):
    torch.manual_seed(seed)
    return mine(MeanBert(), seed, steps=200, rate=1e-3, join=trim_dict)


def ernie_one_cycle(seed):
    def schedule(optimizer):
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, [1e-3, 1e-3], total_steps=160, pct_start=0.2)

    return mine(ernie(seed), seed, join=trim_dict, loss=None, optimizer=adamw(1e-3), schedule=schedule, steps=160)


def electra_discriminative(seed):
    def optimizer(model):
        head = [p for n, p in model.named_parameters() if n.startswith("classifier")]
        body = [p for n, p in model.named_parameters() if not n.startswith("classifier")]
        return torch.optim.AdamW([{"params": body, "lr": 4e-4}, {"params": head, "lr": 1e-3}], betas=(0.9, 0.98))

    return mine(electra(seed), seed, steps=200, join=trim_dict, loss=None, optimizer=optimizer)


def classifier_trainer(seed):
    a, b, text = sources(seed)

    def accuracy(found):
        return {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())}

    options = TrainingArguments(
        output_dir=mkdtemp(prefix="third"), per_device_train_batch_size=8, gradient_accumulation_steps=2,
        per_device_eval_batch_size=128, max_steps=150, learning_rate=8e-4, lr_scheduler_type="cosine", warmup_steps=10,
        report_to=[], use_cpu=True, seed=seed, save_strategy="no", disable_tqdm=True, max_grad_norm=1.0,
    )  # fmt: skip
    return text | {
        "model": Trainer(
            classifier(seed),
            options,
            train_dataset=Dicts(a),
            eval_dataset=Dicts(b),
            compute_metrics=accuracy,
            data_collator=pad_to_eight,
        )  # fmt: skip
    }


class Dicts(Dataset):
    """Rows as lists of numbers, as a tokenizer of transformers returns them."""

    def __init__(self, pairs, max_length=64):
        self.rows = [encode(pair, max_length) for pair in pairs]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, k):
        ids, segments, label = self.rows[k]
        return {"input_ids": ids, "token_type_ids": segments, "attention_mask": [1] * len(ids), "labels": label}


def pad_to_eight(features):
    """Pad to a multiple of eight, as for a graphics card."""
    width = -(-max(len(f["input_ids"]) for f in features) // 8) * 8
    names = ("input_ids", "token_type_ids", "attention_mask")
    out = {n: torch.tensor([f[n] + [0] * (width - len(f[n])) for f in features]) for n in names}
    out["labels"] = torch.tensor([f["labels"] for f in features])
    return out


def trainer_smoothing(seed):
    given = healthy("trainer", seed)
    old = given["model"]
    options = deepcopy(old.args)
    options.label_smoothing_factor = 0.1
    options.lr_scheduler_type = "constant_with_warmup"
    given["model"] = Trainer(
        old.model, options, train_dataset=old.train_dataset, eval_dataset=old.eval_dataset, data_collator=collate
    )
    return given


class GroupedTrainer(Trainer):
    """A Trainer with a loss and an optimizer of its own: the head learns three times as fast."""

    def create_optimizer(self, model=None):
        fast = ("bert.pooler", "cls.")
        named = list(self.model.named_parameters())
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for n, p in named if n.startswith(fast)], "lr": 1.2e-3},
                {"params": [p for n, p in named if not n.startswith(fast)], "lr": 4e-4},
            ],
            weight_decay=0.01,
        )
        return self.optimizer

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs["labels"]
        outputs = model(**{k: v for k, v in inputs.items() if k != "labels"})
        loss = F.cross_entropy(outputs.logits.float(), labels)
        return (loss, outputs) if return_outputs else loss


def trainer_grouped(seed):
    given = healthy("trainer", seed)
    old = given["model"]
    given["model"] = GroupedTrainer(
        old.model, old.args, train_dataset=old.train_dataset, eval_dataset=old.eval_dataset, data_collator=collate
    )
    return given


def trainer_adafactor(seed):
    given = healthy("trainer", seed)
    old = given["model"]
    options = TrainingArguments(
        output_dir=mkdtemp(prefix="third"), per_device_train_batch_size=16, per_device_eval_batch_size=64, max_steps=200,  # noqa: E501
        learning_rate=2e-3, optim="adafactor", warmup_steps=20, report_to=[], use_cpu=True, seed=seed,
        eval_strategy="steps", eval_steps=100, save_strategy="no", disable_tqdm=True, train_sampling_strategy="group_by_length",  # noqa: E501
    )  # fmt: skip
    given["model"] = Trainer(
        old.model, options, train_dataset=old.train_dataset, eval_dataset=old.eval_dataset, data_collator=collate
    )
    return given


def frozen_embeddings(seed):
    given = healthy("bert", seed)
    for p in given["model"].bert.embeddings.parameters():
        p.requires_grad_(False)
    for p in given["model"].bert.encoder.layer[0].parameters():
        p.requires_grad_(False)

    def optimizer(model):
        return torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)

    return given | {"optimizer": optimizer}


def accumulated(seed):
    """Two half batches a step, the loss divided by two."""
    given = healthy("bert-small", seed)

    def step(model, batch, loss, optimizer, schedule):
        half = len(batch["labels"]) // 2
        total = 0.0
        for part in (slice(0, half), slice(half, None)):
            value = model(**{k: v[part] for k, v in batch.items()}).loss / 2
            value.backward()
            total += value.item()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        return torch.tensor(total)

    return given | {"step": step}


def accumulated_over_batches(seed):
    """The optimizer steps after each second batch."""
    given = healthy("loop", seed)
    state = {"seen": 0}

    def step(model, batch, loss, optimizer, schedule):
        *x, y = batch
        value = loss(model(*x), y)
        (value / 2).backward()
        state["seen"] += 1
        if state["seen"] % 2 == 0:
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        return value.detach()

    return given | {"step": step, "optimizer": adamw(4e-3), "schedule": linear(120), "steps": 240}


def own_evaluation(seed):
    given = healthy("bert", seed)

    def evaluate(model, held_out):
        logits, labels = counted(model, held_out)
        chance = logits.softmax(-1)
        right = (chance[:, 1] > chance[:, 0]).long() == labels
        return {"loss": F.cross_entropy(logits, labels).item(), "accuracy": right.float().mean().item()}

    return given | {
        "evaluate": evaluate,
        "optimizer": lambda m: torch.optim.AdamW(m.parameters(), lr=5e-4, amsgrad=True),
    }


class ByLength(BatchSampler):
    """Batches of pairs of nearly the same length, in a random order."""

    def __init__(self, lengths, size, seed):
        self.lengths, self.batch_size, self.random = lengths, size, random.Random(seed)

    def __len__(self):
        return len(self.lengths) // self.batch_size

    def __iter__(self):
        order = list(range(len(self.lengths)))
        self.random.shuffle(order)
        pool = 8 * self.batch_size
        batches = []
        for k in range(0, len(order), pool):
            part = sorted(order[k : k + pool], key=self.lengths.__getitem__)
            batches += [part[i : i + self.batch_size] for i in range(0, len(part), self.batch_size)]
        self.random.shuffle(batches)
        return iter(batches)


def bucketed(seed):
    given = healthy("bert-small", seed)
    data = PairData(given["pairs"])
    lengths = [len(p.sentence_a.split()) + len(p.sentence_b.split()) for p in given["pairs"]]
    return given | {"train": DataLoader(data, batch_sampler=ByLength(lengths, 16, seed), collate_fn=collate)}


def weighted_prior(seed):
    """Two thirds of the training pairs are NotNext, and the weights make up for it."""
    given = healthy("bert", seed)
    pool = rows(draw(texts()[0], seed, 3000))
    some = [p for p in pool if p.label == 0][:550] + [p for p in pool if p.label == 1][:1100]
    random.Random(seed).shuffle(some)
    share = sum(p.label for p in some) / len(some)
    weight = torch.tensor([0.5 / (1 - share), 0.5 / share])
    b = rows(given["held_out_pairs"])
    text = about(some, b, seed)
    return (
        given
        | text
        | loaders(tensors(some), tensors(b), seed, join=trim_dict)
        | {"loss": nn.CrossEntropyLoss(weight=weight)}
    )


def full_batch_tuple(seed):
    """Fixed width, tuples, forward by names."""
    a, b, text = sources(seed)

    def forward(model, batch):
        x, segments, mask, _ = batch
        return model(input_ids=x, attention_mask=mask, token_type_ids=segments).logits

    return text | {
        "model": bert(1, seed),
        "train": DataLoader(tensors(a, 48), 32, shuffle=True, generator=torch.Generator().manual_seed(seed)),
        "held_out": DataLoader(tensors(b, 48), 96),
        "loss": nn.CrossEntropyLoss(), "optimizer": adamw(5e-4), "schedule": linear(150), "steps": 150,
        "forward": forward,
    }  # fmt: skip


class TwoLogitsFromOne(nn.Module):
    """A single score s, given out as the logits (s, -s)."""

    def __init__(self):
        super().__init__()
        self.score = Kernels(outputs=1)

    def forward(self, *x):
        s = self.score(*x)
        return torch.cat([s, -s], dim=1)


def symmetric_logits(seed):
    torch.manual_seed(seed)
    return mine(
        TwoLogitsFromOne(), seed, steps=200, rate=3e-2, schedule=lambda o: torch.optim.lr_scheduler.ConstantLR(o, 1.0)
    )


def smoothing_dropout(seed):
    given = healthy("bert", seed)
    for module in given["model"].modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.1
    return given | {"loss": nn.CrossEntropyLoss(label_smoothing=0.1)}


def focal(seed):
    """Focal loss with gamma 1."""
    torch.manual_seed(seed)

    def loss(logits, labels):
        nll = F.cross_entropy(logits, labels, reduction="none")
        return ((1 - torch.exp(-nll)) * nll).mean()

    return mine(Twins(), seed, steps=200, rate=3e-3, loss=loss)


def averaged(seed):
    """The evaluation uses an exponential average of the weights, with a decay that suits the number of steps."""
    given = healthy("loop", seed)
    mean = {}

    def step(model, batch, loss, optimizer, schedule):
        *x, y = batch
        value = loss(model(*x), y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for name, p in model.state_dict().items():
                mean[name] = p.clone() if name not in mean else mean[name].lerp(p, 0.1)
        return value.detach()

    def evaluate(model, held_out):
        copy = deepcopy(model)
        if mean:
            copy.load_state_dict(mean)
        logits, labels = counted(copy, held_out)
        return {
            "loss": F.cross_entropy(logits, labels).item(),
            "accuracy": (logits.argmax(1) == labels).float().mean().item(),
        }

    return given | {"step": step, "evaluate": evaluate}


def mixed_negatives(seed):
    """A fifth of the negatives come from the same document."""
    given = healthy("bert", seed)
    rng = np.random.default_rng(seed)
    out = []
    for documents, count in ((texts()[0], 1600), (texts()[1], 384)):
        found = []
        while len(found) < count:
            d = int(rng.integers(len(documents)))
            sentences = documents[d].sentences
            if len(sentences) < 4:
                continue
            i = int(rng.integers(len(sentences) - 1))
            if rng.random() < 0.5:
                found.append(Row(sentences[i], sentences[i + 1], 0))
                continue
            other = sentences if rng.random() < 0.2 else documents[int(rng.integers(len(documents)))].sentences
            j = int(rng.integers(len(other)))
            if other[j] != sentences[i + 1]:
                found.append(Row(sentences[i], other[j], 1))
        out.append(found)
    a, b = out
    return given | about(a, b, seed) | loaders(tensors(a), tensors(b), seed, join=trim_dict)


HEALTHY = [
    ("kernel pooling, Adam at a constant rate", kernels),
    ("decomposable attention", aligner),
    ("twins with GELU, RAdam and a cosine", twins_gelu),
    ("twins with a GRU, SGD with Nesterov and clipping", gru_sgd),
    ("twins with batch normalization", batch_norm),
    ("mean vectors of BERT, a dict of logits", mean_bert),
    ("ERNIE under one cycle", ernie_one_cycle),
    ("ELECTRA's classifier with two rates", electra_discriminative),
    ("BERT's classifier, Trainer with accumulation and a cosine", classifier_trainer),
    ("Trainer with a little smoothing and a constant rate", trainer_smoothing),
    ("Trainer with an optimizer and a loss of its own", trainer_grouped),
    ("Trainer with Adafactor, batches by length", trainer_adafactor),
    ("lower half frozen", frozen_embeddings),
    ("two half batches a step", accumulated),
    ("a step after each second batch", accumulated_over_batches),
    ("own evaluation, AMSGrad", own_evaluation),
    ("batches of like length", bucketed),
    ("weights that fit the prior", weighted_prior),
    ("fixed width, larger batches, tuples", full_batch_tuple),
    ("one score as two logits", symmetric_logits),
    ("smoothing 0.1 and dropout 0.1", smoothing_dropout),
    ("focal loss", focal),
    ("averaged weights in the evaluation", averaged),
    ("some negatives from the same document", mixed_negatives),
]
