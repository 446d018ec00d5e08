"""Sane trainings of transformers' models: nsp-mini as BERT, DistilBERT, under the Trainer and in loops of one's own."""

from tempfile import mkdtemp

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import IterableDataset, WeightedRandomSampler
from transformers import (
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    get_cosine_schedule_with_warmup,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from ._own import (
    Joined,
    bert,
    draw_weights,
    feed,
    groups,
    material,
    pooled,
    seeded,
    told,
    to_dict,
    warm_linear,
)
from nsputil.pairs import SentencePair
from nsputil.sentence_pairs import sentence_level_pairs
from research.torch_suspects.base import texts

N = 200


def start(seed, collate=to_dict, size=16, max_len=64, **more):
    pairs, others, text = material(seed)
    return text | {
        "model": bert(1, seed),
        "train": feed(Joined(pairs, max_len), size, seed, collate=collate),
        "held_out": feed(Joined(others, max_len), 64, seed, False, collate),
        "loss": None,
        "optimizer": lambda m: torch.optim.AdamW(groups(m), lr=5e-4),
        "schedule": warm_linear(N),
        "steps": N,
    } | more


def trainer_arguments(seed, **more):
    return TrainingArguments(
        **dict(
            output_dir=mkdtemp(prefix="nsp"), max_steps=N, per_device_train_batch_size=16, per_device_eval_batch_size=64,
            learning_rate=5e-4, warmup_steps=20, report_to=[], use_cpu=True, seed=seed, save_strategy="no",
            disable_tqdm=True,
        ) | more
    )  # fmt: skip


# 1 autocast to bfloat16
def bf16(seed):
    def step(model, batch, loss, optimizer, schedule):
        inputs = {k: v for k, v in batch.items() if k != "labels"}
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(**inputs).logits
        value = F.cross_entropy(logits.float(), batch["labels"])
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        return value

    return start(seed, step=step, loss=F.cross_entropy)


# 2 the encoder under a head of one logit, mean of all words
class MeanHead(nn.Module):
    def __init__(self, encoder, seed):
        super().__init__()
        self.encoder = encoder
        self.score = nn.Sequential(nn.Linear(96, 64), nn.Tanh(), nn.Linear(64, 1))
        draw_weights(self.score, seed)

    def forward(self, input_ids, token_type_ids, attention_mask):
        h = self.encoder(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state
        return self.score(pooled(h, attention_mask)).squeeze(-1)


def mean_bce(seed):
    encoder = bert(1, seed).bert
    encoder.pooler = None
    return start(
        seed, model=MeanHead(encoder, seed), loss=lambda z, y: F.binary_cross_entropy_with_logits(z, y.to(z.dtype)),
        optimizer=lambda m: torch.optim.AdamW(
            [{"params": m.encoder.parameters(), "lr": 5e-4}, {"params": m.score.parameters(), "lr": 2e-3}]
        ),
    )  # fmt: skip


# 3 sequence classification, cosine schedule of transformers
def classifier(seed):
    base = bert(1, seed)
    model = BertForSequenceClassification(base.config)
    model.bert.load_state_dict(base.bert.state_dict())
    draw_weights(model.classifier, seed, 0.05)
    return start(
        seed, model=model.train(),
        schedule=lambda o: get_cosine_schedule_with_warmup(o, 20, N),
    )  # fmt: skip


# 4 the masked-word loss as a second task
class TwoHeads(nn.Module):
    """One encoder, a head for the pair, and one for chosen words, which shares the word vectors."""

    def __init__(self, inner, seed):
        super().__init__()
        self.bert, self.pair_head = inner.bert, inner.cls.seq_relationship
        self.turn = draw_weights(nn.Linear(96, 96), seed, 0.1)

    def forward(self, input_ids, token_type_ids, attention_mask, chosen=None):
        out = self.bert(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        z = self.pair_head(out.pooler_output)
        if chosen is None:
            return z
        h = F.gelu(self.turn(out.last_hidden_state[chosen]))
        return z, h @ self.bert.embeddings.word_embeddings.weight.T


def two_tasks(seed):
    dice = torch.Generator().manual_seed(seed)

    def step(model, batch, loss, optimizer, schedule):
        ids = batch["input_ids"]
        chosen = (torch.rand(ids.shape, generator=dice) < 0.03) & (ids > 4)
        chosen[0, 1] = True
        z, w = model(ids.masked_fill(chosen, 4), batch["token_type_ids"], batch["attention_mask"], chosen)
        nsp = loss(z, batch["labels"])
        words = F.cross_entropy(w, ids[chosen])
        optimizer.zero_grad()
        (nsp + 0.1 * words).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        return nsp

    return start(seed, model=TwoHeads(bert(1, seed), seed).train(), loss=F.cross_entropy, step=step)


# 5 the embeddings frozen, rates by layer
def layerwise(seed):
    model = bert(2, seed)
    for p in model.bert.embeddings.parameters():
        p.requires_grad_(False)

    def optimizer(m):
        rows = [{"params": layer.parameters(), "lr": 5e-4 * 0.8 ** (1 - k)} for k, layer in enumerate(m.bert.encoder.layer)]
        return torch.optim.AdamW([*rows, {"params": [*m.bert.pooler.parameters(), *m.cls.parameters()], "lr": 1e-3}])

    return start(seed, model=model, optimizer=optimizer)


# 6 DistilBERT with segment vectors added, from nsp-mini's vectors
class Distil(nn.Module):
    def __init__(self, inner, kinds):
        super().__init__()
        self.inner, self.kinds = inner, kinds

    def forward(self, input_ids, token_type_ids, attention_mask, labels=None):
        x = self.inner.distilbert.embeddings.word_embeddings(input_ids) + self.kinds(token_type_ids)
        return self.inner(inputs_embeds=x, attention_mask=attention_mask, labels=labels)


def distil(seed):
    base = bert(1, seed)
    c = base.config
    seeded(seed)
    model = DistilBertForSequenceClassification(
        DistilBertConfig(
            vocab_size=c.vocab_size, dim=96, n_layers=1, n_heads=c.num_attention_heads, hidden_dim=c.intermediate_size,
            max_position_embeddings=c.max_position_embeddings, num_labels=2, seq_classif_dropout=0.1,
        )
    )  # fmt: skip
    old, new = base.bert.encoder.layer[0], model.distilbert.transformer.layer[0]
    e = model.distilbert.embeddings
    e.word_embeddings.load_state_dict(base.bert.embeddings.word_embeddings.state_dict())
    e.position_embeddings.load_state_dict(base.bert.embeddings.position_embeddings.state_dict())
    e.LayerNorm.load_state_dict(base.bert.embeddings.LayerNorm.state_dict())
    for a, b in (
        (old.attention.self.query, new.attention.q_lin), (old.attention.self.key, new.attention.k_lin),
        (old.attention.self.value, new.attention.v_lin), (old.attention.output.dense, new.attention.out_lin),
        (old.attention.output.LayerNorm, new.sa_layer_norm), (old.intermediate.dense, new.ffn.lin1),
        (old.output.dense, new.ffn.lin2), (old.output.LayerNorm, new.output_layer_norm),
    ):  # fmt: skip
        b.load_state_dict(a.state_dict())

    kinds = nn.Embedding(2, 96)
    kinds.load_state_dict(base.bert.embeddings.token_type_embeddings.state_dict())
    return start(seed, model=Distil(model, kinds).train(), optimizer=lambda m: torch.optim.AdamW(groups(m), lr=5e-4))


# 7 a stream with a buffer
class Stream(IterableDataset):
    def __init__(self, pairs, seed, buffer=400):
        self.rows, self.seed, self.buffer = Joined(pairs), seed, buffer
        self.turn = 0

    def __iter__(self):
        rng = np.random.default_rng([self.seed, self.turn])
        self.turn += 1
        held = []
        for i in range(len(self.rows)):
            held.append(self.rows[i])
            if len(held) > self.buffer:
                k = int(rng.integers(len(held)))
                held[k], held[-1] = held[-1], held[k]
                yield held.pop()
        for k in rng.permutation(len(held)):
            yield held[k]


def stream(seed):
    given = start(seed, optimizer=lambda m: torch.optim.NAdam(m.parameters(), lr=5e-4))
    pairs = given["pairs"]
    loader = torch.utils.data.DataLoader(Stream(pairs, seed), batch_size=16, collate_fn=to_dict, drop_last=True)
    return given | {"train": loader}


# 8 batches of pairs of about one length
class Buckets(torch.utils.data.Sampler):
    def __init__(self, lengths, size, seed):
        self.lengths, self.size, self.rng = np.asarray(lengths), size, np.random.default_rng(seed)

    def __len__(self):
        return -(-len(self.lengths) // self.size)

    def __iter__(self):
        noisy = self.lengths + self.rng.uniform(0, 6, len(self.lengths))
        order = np.argsort(noisy)
        groups_ = [order[i : i + self.size].tolist() for i in range(0, len(order), self.size)]
        for k in self.rng.permutation(len(groups_)):
            yield groups_[k]


def buckets(seed):
    given = start(seed)
    data = Joined(given["pairs"])
    lengths = [len(data[i][0]) for i in range(len(data))]
    return given | {"train": feed(data, seed=seed, batch_sampler=Buckets(lengths, 16, seed))}


# 9 two sentences in A
def contexts(documents, seed, count):
    rng = np.random.default_rng(seed)
    spots = [(d, i) for d, doc in enumerate(documents) for i in range(1, len(doc.sentences) - 1)]
    picks = rng.permutation(len(spots))[:count]
    found = []
    for n, k in enumerate(picks):
        d, i = spots[k]
        e, j = d, i + 1
        if n % 2:
            while e == d:
                e, j = spots[int(rng.integers(len(spots)))]
        found.append(
            SentencePair(
                " ".join(documents[d].sentences[i - 1 : i + 1]), documents[e].sentences[j], n % 2, d, e, i - 1, j
            )
        )
    return [found[k] for k in rng.permutation(len(found))]


def longer_a(seed):
    a, b = texts()
    pairs, others = contexts(a, seed, 1600), contexts(b, seed + 50, 384)
    return start(seed) | told(pairs, others, seed) | {
        "train": feed(Joined(pairs, 80), 16, seed), "held_out": feed(Joined(others, 80), 64, seed, False),
    }  # fmt: skip


# 10 a real imbalance with class weights
def imbalance(seed):
    pairs, others, _ = material(seed, 2400, 768)

    def thin(rows):
        count = 0
        for p in rows:
            count += p.label
            if p.label == 0 or count % 3 == 0:
                yield p

    pairs, others = list(thin(pairs)), list(thin(others))
    share = torch.tensor([p.label for p in pairs]).bincount().float()
    weight = share.sum() / (2 * share)
    return start(seed) | told(pairs, others, seed) | {
        "train": feed(Joined(pairs), 16, seed), "held_out": feed(Joined(others), 64, seed, False),
        "loss": nn.CrossEntropyLoss(weight=weight),
    }  # fmt: skip


# 11 an unbalanced file and a sampler that evens it out
def sampler(seed):
    pairs, others, _ = material(seed, 2400)
    rows = [p for n, p in enumerate(pairs) if p.label == 1 or n % 2]
    counts = np.bincount([p.label for p in rows])
    weights = [1 / counts[p.label] for p in rows]
    pick = WeightedRandomSampler(weights, 1600, generator=torch.Generator().manual_seed(seed))
    return start(seed) | told(rows, others, seed) | {"train": feed(Joined(rows), 16, seed, sampler=pick)}


# 12 negatives from the same document or swapped, beside random ones
def mixed_negatives(seed):
    a, b = texts()

    def make(documents, count, s):
        rng = np.random.default_rng(s)
        pairs = sentence_level_pairs(documents, rng, negatives="permuted")
        pairs = [pairs[k] for k in rng.permutation(len(pairs))[:count]]
        rows = []
        for p in pairs:
            if p.label == 1 and rng.random() < 0.15:
                d = p.document_a
                j = p.position_a
                p = SentencePair(documents[d].sentences[j + 1], documents[d].sentences[j], 1, d, d, j + 1, j)
            rows.append(p)
        return rows

    pairs, others = make(a, 1600, seed), make(b, 384, seed + 9)
    return start(seed) | told(pairs, others, seed) | {
        "train": feed(Joined(pairs), 16, seed), "held_out": feed(Joined(others), 64, seed, False),
    }  # fmt: skip


# 14 dropout of 0.3, evaluation that returns several numbers
def dropout(seed):
    model = bert(1, seed)
    model.cls = nn.Sequential(nn.Dropout(0.3), model.cls)

    class Wrapped(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.bert, self.head = inner.bert, inner.cls

        def forward(self, input_ids=None, token_type_ids=None, attention_mask=None, labels=None):
            h = self.bert(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).pooler_output
            logits = self.head[1].seq_relationship(self.head[0](h))
            loss = None if labels is None else F.cross_entropy(logits, labels)
            return SequenceClassifierOutput(loss=loss, logits=logits)

    def report(model, held_out):
        model.eval()
        with torch.no_grad():
            zs, ys = zip(*[(model(**{k: v for k, v in b.items()}).logits, b["labels"]) for b in held_out], strict=True)
        z, y = torch.cat(zs), torch.cat(ys)
        model.train()
        return F.cross_entropy(z, y).item(), (z.argmax(1) == y).double().mean().item()

    return start(seed, model=Wrapped(model).train(), evaluate=report)


# 15-20 the Trainer
def plain_trainer(seed, model=None, kind=Trainer, arguments=None, max_len=64, **more):
    pairs, others, text = material(seed)
    trainer = kind(
        model or bert(1, seed), trainer_arguments(seed, **(arguments or {})), train_dataset=Joined(pairs, max_len),
        eval_dataset=Joined(others, max_len), data_collator=to_dict, **more,
    )  # fmt: skip
    return text | {"model": trainer}


class Tell(TrainerCallback):
    def __init__(self):
        self.losses = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        self.losses.append((logs or {}).get("loss"))


def trainer_metrics(seed):
    def metrics(prediction):
        logits = prediction.predictions
        hit = logits.argmax(-1) == prediction.label_ids
        return {"accuracy": float(hit.mean()), "share": float(logits.argmax(-1).mean())}

    return plain_trainer(
        seed, arguments=dict(remove_unused_columns=False, logging_steps=50), compute_metrics=metrics, callbacks=[Tell()]
    )


def trainer_smoothing(seed):
    return plain_trainer(
        seed,
        arguments=dict(
            remove_unused_columns=False, label_smoothing_factor=0.1, lr_scheduler_type="cosine", weight_decay=0.05
        ),
    )


class FocalTrainer(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs["labels"]
        outputs = model(**{k: v for k, v in inputs.items() if k != "labels"})
        logp = F.log_softmax(outputs.logits, -1)[torch.arange(len(labels)), labels]
        loss = -(logp * (1 - logp.exp()).pow(1.5)).mean()
        return (loss, outputs) if return_outputs else loss


def trainer_focal(seed):
    return plain_trainer(seed, kind=FocalTrainer, arguments=dict(remove_unused_columns=False))


def trainer_accumulation(seed):
    model = bert(1, seed)
    optimizer = torch.optim.AdamW(groups(model), lr=5e-4)
    schedule = warm_linear(N, 15)(optimizer)
    given = plain_trainer(
        seed, model, optimizers=(optimizer, schedule),
        arguments=dict(remove_unused_columns=False, per_device_train_batch_size=8, gradient_accumulation_steps=2),
    )  # fmt: skip
    given["model"].model_accepts_loss_kwargs = False  # so that the loss is divided by the two steps
    return given


def trainer_frozen(seed):
    model = bert(2, seed)
    for p in model.bert.embeddings.word_embeddings.parameters():
        p.requires_grad = False
    return plain_trainer(
        seed, model, arguments=dict(remove_unused_columns=False, optim="adafactor", learning_rate=1e-3, max_grad_norm=0.5)
    )


HEALTHY = [
    ("autocast to bfloat16, clipping", bf16),
    ("mean of the words, one logit with BCE", mean_bce),
    ("sequence classification, cosine schedule", classifier),
    ("a masked-word loss beside it", two_tasks),
    ("frozen embeddings, rates by layer", layerwise),
    ("DistilBERT from BERT's weights", distil),
    ("an IterableDataset with a buffer", stream),
    ("batches by length", buckets),
    ("two sentences in A", longer_a),
    ("class weights for a real imbalance", imbalance),
    ("a weighted sampler over an unbalanced file", sampler),
    ("swapped pairs among the negatives", mixed_negatives),
    ("dropout before the head, evaluation as a tuple", dropout),
    ("Trainer with compute_metrics and a callback", trainer_metrics),
    ("Trainer with label smoothing and a cosine", trainer_smoothing),
    ("Trainer with a focal loss", trainer_focal),
    ("Trainer with its own optimizer, accumulation", trainer_accumulation),
    ("Trainer with frozen words and Adafactor", trainer_frozen),
]
