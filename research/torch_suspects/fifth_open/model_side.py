"""Defects of the model and the loss, and healthy trainings beside them."""

import warnings
from tempfile import mkdtemp
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn
from transformers import (
    BertForNextSentencePrediction,
    BertForSequenceClassification,
    BertModel,
    BertTokenizerFast,
    Trainer,
    TrainingArguments,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from research.torch_suspects.base import (
    BATCH,
    STEPS,
    PairData,
    bert,
    collate,
    healthy,
    linear,
    loader,
    vocabulary,
)

from . import _kit as kit

# ---- model ----


def renamed():
    """Load a checkpoint that was written by a wrapper."""
    given = healthy("bert-small")
    written = {f"module.{name}": array.clone() for name, array in given["model"].state_dict().items()}
    torch.manual_seed(3)
    model = BertForNextSentencePrediction(given["model"].config)
    model.load_state_dict(written, strict=False)
    return given | {"model": model.train(), "start": written}


def renamed_back():
    given = healthy("bert-small")
    written = {f"module.{name}": array.clone() for name, array in given["model"].state_dict().items()}
    torch.manual_seed(3)
    model = BertForNextSentencePrediction(given["model"].config)
    found = {name.removeprefix("module."): array for name, array in written.items()}
    model.load_state_dict(found)
    return given | {"model": model.train(), "start": found}


class AlwaysDropping(kit.Sums):
    """The function for dropout instead of the module."""

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits."""
        u, v = (
            F.normalize(self.bag(input_ids, per_sample_weights=here), dim=-1)
            for here in kit.sides(input_ids, token_type_ids, attention_mask)
        )
        return self.head(F.dropout(kit.compared(u, v), 0.4))


def function_for_dropout():
    return kit.training(kit.speeches, kit.fresh(AlwaysDropping))


class DroppingInTraining(kit.Sums):
    """The same function, told whether it is a training."""

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits."""
        u, v = (
            F.normalize(self.bag(input_ids, per_sample_weights=here), dim=-1)
            for here in kit.sides(input_ids, token_type_ids, attention_mask)
        )
        return self.head(F.dropout(kit.compared(u, v), 0.2, self.training))


def function_told():
    return kit.training(kit.speeches, kit.fresh(DroppingInTraining), kit.as_dict)


def large_start():
    model = kit.fresh(kit.Recurrent)
    with torch.no_grad():
        model.head.pooler.weight.normal_(0, 30, generator=torch.Generator().manual_seed(1))
    return kit.training(kit.speeches, model)


class Additive(nn.Module):
    """Each side has a score of its own, and the scores are added."""

    def __init__(self):
        super().__init__()
        self.words = kit.word_vectors()
        self.first, self.second = (nn.Sequential(nn.Linear(96, 64), nn.Tanh(), nn.Linear(64, 2)) for _ in range(2))

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits."""
        a, b = kit.sides(input_ids, token_type_ids, attention_mask)
        x = self.words(input_ids)
        return self.first(10 * kit.average(x, a)) + self.second(10 * kit.average(x, b))


def additive():
    return kit.training(kit.speeches, kit.fresh(Additive), kit.as_object)


class Normed(nn.Module):
    """Batch normalization before the head."""

    def __init__(self, momentum=0.1):
        super().__init__()
        self.words = kit.word_vectors()
        self.norm = nn.BatchNorm1d(192, momentum=momentum)
        self.head = kit.Head()

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits."""
        a, b = kit.sides(input_ids, token_type_ids, attention_mask)
        x = self.words(input_ids)
        u, v = kit.average(x, a), kit.average(x, b)
        return self.head(0.5 * self.norm(torch.cat([u * v, (u - v).abs()], -1)))


def slow_statistics():
    return kit.training(kit.speeches, kit.fresh(Normed, momentum=1e-5), batch=32, steps=200)


def statistics():
    return kit.training(kit.speeches, kit.fresh(Normed), batch=32, steps=200)


class Listed(nn.Module):
    """The layers are kept in a list."""

    def __init__(self):
        super().__init__()
        self.words = kit.word_vectors()
        self.layers = [nn.Linear(192, 64), nn.Tanh(), nn.Dropout(0.1), nn.Linear(64, 2)]

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits."""
        a, b = kit.sides(input_ids, token_type_ids, attention_mask)
        x = self.words(input_ids)
        h = kit.compared(kit.average(x, a), kit.average(x, b))
        for layer in self.layers:
            h = layer(h)
        return h


class ListedByTorch(Listed):
    """The same in a list of torch."""

    def __init__(self):
        super().__init__()
        layers = self.__dict__.pop("layers")
        self.layers = nn.ModuleList(layers)


def python_list():
    return kit.training(kit.guide, kit.fresh(Listed), kit.as_dict)


def module_list():
    return kit.training(kit.speeches, kit.fresh(ListedByTorch), kit.as_dict)


class Apart(kit.Attentive):
    """B is read without a gradient, to save memory, and so is the rest of the row."""

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits."""
        with torch.no_grad():
            x = self.encode(input_ids, token_type_ids, attention_mask)
        a, b = kit.sides(input_ids, token_type_ids, attention_mask)
        return self.head(kit.compared(kit.average(x, a), kit.average(x, b)))


def saved_memory():
    return kit.training(kit.speeches, kit.fresh(Apart), kit.as_dict)


# ---- loss ----


def ignoring():
    return kit.training(kit.speeches, kit.fresh(kit.Recurrent), loss=nn.CrossEntropyLoss(ignore_index=0))


def over_rows():
    def loss(logits, labels):
        return -F.log_softmax(logits, dim=0).gather(1, labels.unsqueeze(1)).mean()

    return kit.training(kit.guide, kit.fresh(kit.Kernels), kit.as_nested, loss=loss, rate=5e-3)


def trainer(kind=Trainer, **options):
    """Return the arguments of a training under a Trainer."""
    given = healthy("trainer")
    defaults = {
        "output_dir": mkdtemp(prefix="trainer"), "per_device_train_batch_size": BATCH, "max_steps": STEPS,
        "per_device_eval_batch_size": 64, "learning_rate": 5e-4, "warmup_steps": 20, "weight_decay": 0.01,
        "report_to": [], "use_cpu": True, "seed": 0, "save_strategy": "no", "disable_tqdm": True,
    }  # fmt: skip
    return given | {
        "model": kind(
            bert(1), TrainingArguments(**(defaults | options)), train_dataset=PairData(given["pairs"]),
            eval_dataset=PairData(given["held_out_pairs"]), data_collator=collate,
        )
    }  # fmt: skip


def smooth_trainer():
    return trainer(label_smoothing_factor=0.9)


class Weighted(Trainer):
    """A Trainer whose classes have weights."""

    weights = (12.0, 1.0)

    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        """Return the weighted cross-entropy."""
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        value = F.cross_entropy(outputs.logits, labels, weight=torch.tensor(self.weights))
        return (value, outputs) if return_outputs else value


class Even(Weighted):
    """The same with weights that are alike."""

    weights = (1.0, 1.0)


def weights_left():
    return trainer(Weighted)


def own_loss_of_trainer():
    return trainer(Even)


def trainer_in_parts():
    return trainer(per_device_train_batch_size=8, gradient_accumulation_steps=2, lr_scheduler_type="cosine")


class Chance(kit.Recurrent):
    """One probability in a column."""

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return probabilities (batch, 1)."""
        return torch.sigmoid(super().forward(input_ids, token_type_ids, attention_mask))


def shapes():
    def loss(p, labels):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ((p - labels.float()) ** 2).mean() * 4

    return kit.training(kit.speeches, kit.fresh(Chance, outputs=1), loss=loss)


def chance_in_a_column():
    def loss(p, labels):
        return F.binary_cross_entropy(p.squeeze(1), labels.float())

    return kit.training(kit.speeches, kit.fresh(Chance, outputs=1), loss=loss)


def made_anew():
    def loss(logits, labels):
        value = F.cross_entropy(logits, labels).item()
        return torch.tensor(value, requires_grad=True)

    return kit.training(kit.guide, kit.fresh(kit.Windows), kit.as_dict, loss=loss)


def penalized(strength):
    """Train with a penalty for large weights in the loss."""

    def step(model, batch, loss, optimizer, schedule):
        *inputs, labels = batch
        value = loss(model(*inputs), labels)
        value = value + strength * sum((p**2).sum() for p in model.head.parameters())
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    return kit.training(kit.speeches, kit.fresh(kit.Recurrent)) | {"step": step}


def heavy_penalty():
    return penalized(1.0)


def light_penalty():
    return penalized(1e-4)


# ---- healthy ----


class MeanBert(nn.Module):
    """The encoder of transformers; the states of A and B are averaged and compared."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.classifier = encoder, kit.Head()

    def forward(self, input_ids, attention_mask=None, token_type_ids=None, labels=None):
        """Return an output of transformers."""
        x = self.encoder(input_ids, attention_mask, token_type_ids).last_hidden_state
        a, b = kit.sides(input_ids, token_type_ids, attention_mask)
        logits = self.classifier(kit.compared(kit.average(x, a), kit.average(x, b)))
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


def averaged_states():
    given = healthy("bert-small")
    source = bert(1).bert
    config = source.config
    torch.manual_seed(0)
    encoder = BertModel(config, add_pooling_layer=False)
    start = {name: array.clone() for name, array in source.state_dict().items() if not name.startswith("pooler")}
    encoder.load_state_dict(start)
    model = MeanBert(encoder).train()
    return given | {"model": model, "start": {f"encoder.{name}": array for name, array in start.items()}}


def word_pieces():
    """Classify with transformers' own tokenizer; its words are those of nsp-mini."""
    given = healthy("bert-small")
    tokenizer = BertTokenizerFast(vocab={word: k for k, word in enumerate(vocabulary().tokens)})

    def read(pairs):
        batch = tokenizer(
            [p.sentence_a for p in pairs], [p.sentence_b for p in pairs], truncation="longest_first", max_length=64,
            padding=True, return_tensors="pt",
        )  # fmt: skip
        return dict(batch) | {"labels": torch.tensor([p.label for p in pairs])}

    torch.manual_seed(1)
    source = bert(1)
    source.config.num_labels = 2
    model = BertForSequenceClassification(source.config)
    model.bert.load_state_dict(source.bert.state_dict())
    with torch.no_grad():
        model.classifier.weight.normal_(0, 0.05)
    return given | {
        "model": model.train(), "tokenizer": tokenizer,
        "train": loader(given["pairs"], collate_fn=read),
        "held_out": loader(given["held_out_pairs"], shuffle=False, batch=64, collate_fn=read),
    }  # fmt: skip


class OneLogit(nn.Module):
    """transformers' encoder and its pooler with one logit in a small namespace."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.score = encoder, nn.Linear(96, 1)

    def forward(self, input_ids, attention_mask, token_type_ids):
        """Return a namespace with one logit for each pair."""
        pooled = self.encoder(input_ids, attention_mask, token_type_ids).pooler_output
        return SimpleNamespace(logits=self.score(pooled).squeeze(-1), pooled=pooled)


def namespace():
    def loss(z, labels):
        return F.binary_cross_entropy_with_logits(z, labels.float())

    return healthy("bert-small") | {"model": kit.fresh(OneLogit, encoder=bert(1).bert).train(), "loss": loss}


def frozen_words():
    model = kit.fresh(kit.Attentive)
    model.words.weight.requires_grad_(False)
    return kit.training(kit.speeches, model, kit.as_dict) | {"optimizer": adamw_of_rest, "schedule": linear(240)}


def adamw_of_rest(model):
    """Return AdamW over what is to be trained."""
    return torch.optim.AdamW(filter(lambda p: p.requires_grad, model.parameters()), 2e-3, weight_decay=0.01)


DEFECTS = [
    ("A checkpoint with a prefix, loaded without strictness", renamed, "pretrained-not-loaded", "model"),
    ("The function for dropout", function_for_dropout, "dropout-in-evaluation", "model"),
    ("The hidden layer starts with large weights", large_start, "pooler-saturated", "model"),
    ("Two scores are added", additive, "no-comparison", "model"),
    ("Statistics of the norm hardly move", slow_statistics, "outside: batch-norm-statistics-stale", "model"),
    ("Layers in a Python list", python_list, "outside: layers-not-registered", "model"),
    ("An index to ignore", ignoring, "ignore-index-zero", "loss"),
    ("Softmax over dim 0", over_rows, "softmax-over-batch", "loss"),
    ("A Trainer with smoothing", smooth_trainer, "label-smoothing-heavy", "loss"),
    ("A Trainer with weights of classes", weights_left, "class-weight-left", "loss"),
    ("A column minus a row", shapes, "outside: loss-broadcast", "loss"),
    ("The value of the loss as a new tensor", made_anew, "outside: loss-cut-from-graph", "loss"),
    ("A penalty in the loss", heavy_penalty, "outside: penalty-outweighs-loss", "loss"),
]

HEALTHY = [
    ("A checkpoint with a prefix, removed", renamed_back),
    ("The function for dropout, told", function_told),
    ("Statistics of the norm", statistics),
    ("A Trainer with a loss of its own", own_loss_of_trainer),
    ("A Trainer with accumulation and a cosine", trainer_in_parts),
    ("Averaged states of transformers", averaged_states),
    ("A classifier and a tokenizer of transformers", word_pieces),
    ("One logit in a namespace", namespace),
    ("Words stay as they are", frozen_words),
]
