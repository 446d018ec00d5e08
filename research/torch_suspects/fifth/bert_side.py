"""Trainings of transformers' BERT and of the plain loop, sound and sick."""

import random
from tempfile import mkdtemp

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from transformers import BertForPreTraining, BertForSequenceClassification, BertModel, Trainer, TrainingArguments

from research.torch_suspects.base import PairData, bert, collate, healthy, loader

from ._kit import Rows, adam, collate_joined, hf_step, joined, mini_ids


def clipped_and_smoothed():
    given = healthy("bert-small", seed=31)
    return given | {"loss": nn.CrossEntropyLoss(label_smoothing=0.05), "step": hf_step, "steps": 140}


def steady_rate():
    given = healthy("bert-small", seed=32)
    given["optimizer"] = lambda m: torch.optim.NAdam(m.parameters(), lr=4e-4)
    return given | {"schedule": None, "step": hf_step, "steps": 130}


def rates_by_depth():
    given = healthy("bert", seed=33)

    def optimizer(model):
        groups = [{"params": model.bert.embeddings.parameters(), "lr": 3e-4}]
        groups += [{"params": layer.parameters(), "lr": 4e-4} for layer in model.bert.encoder.layer]
        top = [*model.bert.pooler.parameters(), *model.cls.parameters()]
        return torch.optim.AdamW([*groups, {"params": top, "lr": 8e-4}], weight_decay=0.01)

    return given | {"optimizer": optimizer, "steps": 140}


def embeddings_frozen():
    given = healthy("bert-small", seed=34)
    given["model"].bert.embeddings.requires_grad_(False)
    given["optimizer"] = lambda m: torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], 8e-4)
    return given


class OneLogit(nn.Module):
    """The encoder, the mean of its last layer, one logit."""

    def __init__(self, seed):
        super().__init__()
        self.encoder: BertModel = bert(1, seed).bert
        torch.manual_seed(seed)
        self.dropout = nn.Dropout(0.1)
        self.score = nn.Linear(self.encoder.config.hidden_size, 1)

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        out = self.encoder(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        return self.score(self.dropout(out.pooler_output))


def one_logit_on_pooled():
    given = healthy("bert-small", seed=35)
    return given | {"model": OneLogit(35), "loss": lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y.float())}


def classifier():
    """BertForSequenceClassification with the encoder of nsp-mini, and a batch with more than it reads."""
    given = healthy("bert-small", seed=36)
    source = bert(1, 36)
    model = BertForSequenceClassification(source.config)
    model.bert.load_state_dict(source.bert.state_dict())
    torch.manual_seed(36)

    def join(rows):
        return collate(rows) | {"length": torch.tensor([len(r["input_ids"]) for r in rows])}

    def step(model, batch, loss, optimizer, schedule):
        batch = {k: v for k, v in batch.items() if k != "length"}
        return hf_step(model, batch, None, optimizer, schedule)

    return given | {
        "model": model.train(), "step": step, "train": loader(PairData(given["pairs"]), 36, collate_fn=join),
        "held_out": loader(PairData(given["held_out_pairs"]), 36, False, 64, join),
    }  # fmt: skip


class Smooth(Trainer):
    """A Trainer with a loss of its own."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs.pop("labels")
        out = model(**inputs)
        value = F.cross_entropy(out.logits, labels, label_smoothing=0.02)
        return (value, out) if return_outputs else value


def _trainer(seed, kind=Trainer, model=None, data=None, join=collate, **options):
    given = healthy("trainer", seed)
    settings = {
        "per_device_train_batch_size": 16, "per_device_eval_batch_size": 64, "max_steps": 150, "learning_rate": 5e-4,
        "warmup_steps": 15, "weight_decay": 0.01,
    } | options  # fmt: skip
    arguments = TrainingArguments(
        output_dir=mkdtemp(prefix="fifth"), report_to=[], use_cpu=True, seed=seed, save_strategy="no",
        disable_tqdm=True, label_names=["labels"], **settings,
    )  # fmt: skip
    trainer = kind(
        model or bert(1, seed), arguments, train_dataset=data or PairData(given["pairs"]),
        eval_dataset=PairData(given["held_out_pairs"]), data_collator=join,
    )  # fmt: skip
    return given | {"model": trainer}


def trainer_with_loss():
    return _trainer(37, Smooth)


def trainer_accumulates():
    return _trainer(38, per_device_train_batch_size=8, gradient_accumulation_steps=2, lr_scheduler_type="cosine",
                    max_steps=120)  # fmt: skip


def both_tasks():
    """Masked words and NSP together, equal in weight."""
    given = healthy("bert-small", seed=39)
    source = bert(1, 39)
    model = BertForPreTraining(source.config)
    model.bert.load_state_dict(source.bert.state_dict())
    model.cls.seq_relationship.load_state_dict(source.cls.seq_relationship.state_dict())
    generator = torch.Generator().manual_seed(39)

    def step(model, batch, loss, optimizer, schedule):
        ids, targets = batch["input_ids"].clone(), torch.full_like(batch["input_ids"], -100)
        chosen = (torch.rand(ids.shape, generator=generator) < 0.1) & (ids > 4)
        chosen[0, 1] = True
        targets[chosen] = ids[chosen]
        ids[chosen] = 4
        hidden, pooled = model.bert(ids, batch["attention_mask"], batch["token_type_ids"], return_dict=False)[:2]
        words = F.cross_entropy(model.cls.predictions(hidden[chosen]), targets[chosen])
        follows = F.cross_entropy(model.cls.seq_relationship(pooled), batch["labels"])
        optimizer.zero_grad()
        (words + follows).backward()
        optimizer.step()
        schedule.step()
        return follows.detach()

    def forward(model, batch):
        pooled = model.bert(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"]).pooler_output
        return model.cls.seq_relationship(pooled)

    return given | {"model": model.train(), "step": step, "forward": forward, "steps": 120}


def scaled_gradients():
    """A GradScaler on the CPU, unscaled before the clipping."""
    given = healthy("loop", seed=40)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(*batch[:3]), batch[3])
        scaler.scale(value).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        scaler.step(optimizer)
        scaler.update()
        schedule.step()
        return value

    return given | {"step": step}


def front_cut():
    """Long pairs lose words of the front of A and of the back of B."""
    given = healthy("bert-small", seed=41)

    def encode(a, b, label):
        a, b = mini_ids(a), mini_ids(b)
        a, b = a[-max(30, 61 - len(b)) :], b[: max(31, 61 - len(a))]
        return [2, *a, 3, *b, 3], [0] * (len(a) + 2) + [1] * (len(b) + 1), label

    def rows(pairs):
        return Rows([(p.sentence_a, p.sentence_b, p.label) for p in pairs], encode)

    return given | {
        "train": DataLoader(rows(given["pairs"]), 16, shuffle=True, collate_fn=collate_joined),
        "held_out": DataLoader(rows(given["held_out_pairs"]), 64, collate_fn=collate_joined),
    }  # fmt: skip


def sorted_evaluation():
    """Held-out pairs are scored in the order of their length, and the labels go with them."""
    given = healthy("bert-small", seed=42)

    def fit(row, width):
        return F.pad(row, (0, max(0, width - len(row))))[:width]

    def evaluate(model, held_out):
        rows = [row for batch in held_out for row in zip(*batch.values(), strict=True)]
        rows.sort(key=lambda row: int(row[2].sum()))
        was = model.training
        model.eval()
        losses, hits = [], []
        with torch.no_grad():
            for i in range(0, len(rows), 32):
                part = rows[i : i + 32]
                width = max(int(row[2].sum()) for row in part)
                ids, segments, mask = (torch.stack([fit(row[k], width) for row in part]) for k in range(3))
                z = model(input_ids=ids, token_type_ids=segments, attention_mask=mask).logits
                y = torch.stack([row[3] for row in part])
                losses += F.cross_entropy(z, y, reduction="none").tolist()
                hits += (z.argmax(1) == y).tolist()
        model.train(was)
        return {"loss": sum(losses) / len(losses), "accuracy": sum(hits) / len(hits)}

    return given | {"evaluate": evaluate}


HEALTHY = [
    ("clipped, targets a little smoothed", clipped_and_smoothed),
    ("NAdam at a steady rate", steady_rate),
    ("a rate for each depth", rates_by_depth),
    ("embeddings frozen", embeddings_frozen),
    ("one logit on the pooled vector", one_logit_on_pooled),
    ("sequence classification, more in the batch", classifier),
    ("Trainer with a loss of its own", trainer_with_loss),
    ("Trainer that accumulates", trainer_accumulates),
    ("masked words and NSP together", both_tasks),
    ("GradScaler on the CPU", scaled_gradients),
    ("front of A cut", front_cut),
    ("evaluation by length", sorted_evaluation),
]


# ---- sick ----


def positional():
    """The step gives the parts by position in the order of the tokenizer, and the model has another order."""
    given = healthy("bert-small", seed=51)

    def step(model, batch, loss, optimizer, schedule):
        out = model(batch["input_ids"], batch["token_type_ids"], batch["attention_mask"], labels=batch["labels"])
        optimizer.zero_grad()
        out.loss.backward()
        optimizer.step()
        schedule.step()
        return out.loss.detach()

    def forward(model, batch):
        return model(batch["input_ids"], batch["token_type_ids"], batch["attention_mask"]).logits

    return given | {"step": step, "forward": forward}


def other_names():
    """The checkpoint was saved from a wrapper, and strict=False hides it."""
    given = healthy("bert", seed=52)
    trained = given["model"]
    start = {f"net.{name}": value.clone() for name, value in trained.state_dict().items()}
    torch.manual_seed(52)
    model = type(trained)(trained.config)
    model.load_state_dict(start, strict=False)
    return given | {"model": model.train(), "start": start}


def vocabulary_of_another():
    """The words are numbered by their frequency in this text; the vectors are nsp-mini's."""
    from ._kit import Lexicon

    given = healthy("bert-small", seed=53)
    own = Lexicon([d.sentences for d in given["documents"]], size=20000, least=1)

    def rows(pairs):
        return Rows([(p.sentence_a, p.sentence_b, p.label) for p in pairs], joined(own.ids))

    return given | {
        "train": DataLoader(rows(given["pairs"]), 16, shuffle=True, collate_fn=collate_joined),
        "held_out": DataLoader(rows(given["held_out_pairs"]), 64, collate_fn=collate_joined),
    }  # fmt: skip


class OnlyNotNext(Trainer):
    """The loss of a token classifier, copied with its ignore_index."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs.pop("labels")
        out = model(**inputs)
        value = nn.CrossEntropyLoss(ignore_index=0)(out.logits.view(-1, 2), labels.view(-1))
        return (value, out) if return_outputs else value


def ignores_zero():
    return _trainer(54, OnlyNotNext)


def ends_early():
    """The number of steps was computed for the batch size of another machine."""
    given = healthy("bert-small", seed=55)
    total = len(given["pairs"]) // 128 + 4

    def schedule(optimizer):
        from transformers import get_linear_schedule_with_warmup

        return get_linear_schedule_with_warmup(optimizer, 2, total)

    return given | {"schedule": schedule, "step": hf_step}


def far_too_fast():
    return _trainer(56, learning_rate=0.3, warmup_steps=0, lr_scheduler_type="constant", max_grad_norm=0.0)


def smallest_norm():
    given = healthy("loop", seed=57)
    given["optimizer"] = lambda m: torch.optim.SGD(m.parameters(), lr=0.5)

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(*batch[:3]), batch[3])
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
        optimizer.step()
        return value

    return given | {"step": step, "schedule": None}


def zeroed_before_the_step():
    given = healthy("bert-small", seed=58)

    def step(model, batch, loss, optimizer, schedule):
        value = model(**batch).loss
        value.backward()
        optimizer.zero_grad()
        optimizer.step()
        schedule.step()
        return value

    return given | {"step": step}


def once_an_epoch():
    """A schedule that counts steps is moved at the end of an epoch only."""
    given = healthy("bert-small", seed=59)
    count, epoch = {"n": 0}, len(given["train"])

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = model(**batch).loss
        value.backward()
        optimizer.step()
        count["n"] += 1
        if count["n"] % epoch == 0:
            schedule.step()
        return value

    def schedule(optimizer):
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: min(1.0, n / 1000))

    return given | {"step": step, "schedule": schedule}


def masked_almost_whole():
    """The collator of masked words is still there, at 90 %."""
    given = healthy("bert-small", seed=60)
    generator = torch.Generator().manual_seed(60)

    def join(rows):
        batch = collate(rows)
        ids = batch["input_ids"]
        ids[(torch.rand(ids.shape, generator=generator) < 0.9) & (ids > 4)] = 4
        return batch

    return given | {
        "train": loader(PairData(given["pairs"]), 60, collate_fn=join),
        "held_out": loader(PairData(given["held_out_pairs"]), 60, False, 64, join),
    }  # fmt: skip


def kept_in_training_mode():
    given = healthy("bert-small", seed=61)
    for module in given["model"].modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.1

    def evaluate(model, held_out):
        total = hits = seen = 0
        with torch.no_grad():
            for batch in held_out:
                out = model(**batch)
                total += out.loss.item() * len(batch["labels"])
                hits += (out.logits.argmax(-1) == batch["labels"]).sum().item()
                seen += len(batch["labels"])
        return {"loss": total / seen, "accuracy": hits / seen}

    return given | {"evaluate": evaluate}


def segments_tell_the_label():
    """Segment ids are computed after the label was put where the type of the row was; B of IsNext gets 0."""
    given = healthy("bert-small", seed=62)

    def join(rows):
        batch = collate(rows)
        batch["token_type_ids"] = batch["token_type_ids"] * batch["labels"].unsqueeze(1)
        return batch

    return given | {
        "train": loader(PairData(given["pairs"]), 62, collate_fn=join),
        "held_out": loader(PairData(given["held_out_pairs"]), 62, False, 64, join),
    }  # fmt: skip


def end_of_row():
    """A is the whole passage before; only the end of the row is cut."""
    given = healthy("bert-small", seed=63)
    whole = [d.sentences for d in given["documents"]], [d.sentences for d in given["held_out_documents"]]

    def passages(documents, seed, count):
        rng = random.Random(seed)
        spots = [(d, i) for d, s in enumerate(documents) for i in range(4, len(s) - 1)]
        found = []
        for _ in range(count):
            d, i = rng.choice(spots)
            e, j = (d, i) if rng.random() < 0.5 else rng.choice(spots)
            found.append((" ".join(documents[d][i - 4 : i + 1]), documents[e][j + 1], int(d != e or i != j)))
        return found

    def encode(a, b, label):
        a, b = mini_ids(a), mini_ids(b)
        ids, segments = [2, *a, 3, *b, 3], [0] * (len(a) + 2) + [1] * (len(b) + 1)
        return ids[:64], segments[:64], label

    pairs, others = passages(whole[0], 63, 1600), passages(whole[1], 64, 384)
    return given | {
        "pairs": pairs, "held_out_pairs": others, "optimizer": adam(5e-4),
        "train": DataLoader(Rows(pairs, encode), 16, shuffle=True, collate_fn=collate_joined),
        "held_out": DataLoader(Rows(others, encode), 64, collate_fn=collate_joined),
    }  # fmt: skip


DEFECTS = [
    ("parts by position", positional, "segments-as-mask", "inputs"),
    ("names of a wrapper", other_names, "pretrained-not-loaded", "model"),
    ("a vocabulary of its own", vocabulary_of_another, "wrong-vocabulary", "inputs"),
    ("a loss from token classification", ignores_zero, "ignore-index-zero", "loss"),
    ("steps of another machine", ends_early, "schedule-ends-early", "optimizer"),
    ("three tenths", far_too_fast, "learning-rate-too-high", "optimizer"),
    ("a norm of a thousandth", smallest_norm, "clip-too-small", "optimizer"),
    ("zero after backward", zeroed_before_the_step, "outside: gradients-zeroed-before-step", "optimizer"),
    ("schedule at the end of an epoch", once_an_epoch, "outside: schedule-stepped-per-epoch", "optimizer"),
    ("collator of masked words", masked_almost_whole, "outside: almost-all-words-masked", "inputs"),
    ("no eval()", kept_in_training_mode, "dropout-in-evaluation", "evaluation"),
    ("segments by label", segments_tell_the_label, "outside: label-leaks-into-segments", "inputs"),
    ("long A, cut at the end", end_of_row, "second-sentence-lost", "inputs"),
]
