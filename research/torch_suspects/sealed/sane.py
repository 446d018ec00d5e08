"""Sane trainings."""

from tempfile import mkdtemp

import torch
from transformers import Trainer, TrainingArguments

from research.torch_suspects.base import STEPS, PairData, collate, healthy, loader


def autocast(seed):
    """bfloat16 autocast around forward and loss."""

    def step(model, batch, loss, optimizer, scheduler):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = model(**batch).loss
        value.backward()
        optimizer.step()
        scheduler.step()
        return value.detach()

    return healthy("bert-small", seed) | {"step": step}


def checkpointed(seed):
    """Trainer: gradient checkpointing, accumulation over two batches of 8, compute_metrics."""
    given = healthy("trainer", seed)
    old = given["model"]

    def compute_metrics(prediction):
        logits, labels = prediction
        return {"accuracy": float((logits.argmax(-1) == labels).mean())}

    arguments = TrainingArguments(
        output_dir=mkdtemp(prefix="trainer"), per_device_train_batch_size=8, per_device_eval_batch_size=32, max_steps=STEPS,
        gradient_accumulation_steps=2, gradient_checkpointing=True, learning_rate=5e-4, warmup_steps=10, report_to=[],
        use_cpu=True, seed=seed, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(
        old.model, arguments, train_dataset=old.train_dataset, eval_dataset=old.eval_dataset, data_collator=collate,
        compute_metrics=compute_metrics,
    )
    return given | {"model": trainer}


def plain_dicts(seed):
    """The plain module, fed with dicts; forward is given."""
    given = healthy("loop", seed)

    def forward(model, batch):
        return model(batch["input_ids"], batch["token_type_ids"], batch["attention_mask"])

    def step(model, batch, loss, optimizer, scheduler):
        value = loss(forward(model, batch), batch["labels"])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        scheduler.step()
        return value

    return given | {
        "forward": forward, "step": step, "train": loader(PairData(given["pairs"]), seed),
        "held_out": loader(PairData(given["held_out_pairs"]), seed, shuffle=False, batch=64),
    }


def adafactor(seed):
    """torch's Adafactor."""

    def factory(model):
        return torch.optim.Adafactor(model.parameters(), lr=5e-3)

    return healthy("bert-small", seed) | {"optimizer": factory}


def cosine_trainer(seed):
    """Trainer: cosine schedule, norm clipped at .5, batch 32, warm-up of 30."""
    given = healthy("trainer", seed)
    old = given["model"]
    arguments = TrainingArguments(
        output_dir=mkdtemp(prefix="trainer"), per_device_train_batch_size=32, per_device_eval_batch_size=64, max_steps=150,
        learning_rate=8e-4, warmup_steps=30, lr_scheduler_type="cosine", max_grad_norm=0.5, report_to=[], use_cpu=True,
        seed=seed + 7, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(old.model, arguments, train_dataset=old.train_dataset, eval_dataset=old.eval_dataset, data_collator=collate)
    return given | {"model": trainer}


def slower_below(seed):
    """Rates fall by .8 a layer; dropout .02; two groups of weight decay each."""
    given = healthy("bert", seed)
    for module in given["model"].modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.02

    def factory(model):
        parts = [(model.bert.embeddings, 0.8**3)]
        parts += [(layer, 0.8 ** (2 - k)) for k, layer in enumerate(model.bert.encoder.layer)]
        parts += [(model.bert.pooler, 1.0), (model.cls, 1.0)]
        groups = []
        for module, share in parts:
            for decay, chosen in ((0.01, True), (0.0, False)):
                params = [p for p in module.parameters() if (p.ndim > 1) == chosen]
                if params:
                    groups.append({"params": params, "lr": 7e-4 * share, "weight_decay": decay})
        return torch.optim.AdamW(groups)

    return given | {"optimizer": factory}


HEALTHY = [
    ("autocast", autocast), ("checkpointed", checkpointed), ("plain-dicts", plain_dicts), ("adafactor", adafactor),
    ("cosine-trainer", cosine_trainer), ("slower-below", slower_below),
]
