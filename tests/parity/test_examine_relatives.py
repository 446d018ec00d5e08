"""Relatives of the defects of the fifth open set, and sane trainings that look alike: `make parity`."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_examine import Bag, One, Pairs, inputs, training
from torch import nn
from torch.utils.data import DataLoader

from nsputil.clinic.torch_suspect import examine
from nsputil.clinic.torch_suspect.layouts import learn_unknown
from nsputil.clinic.torch_suspect.words import Words as as_words
from nsputil.pairs import SentencePair


class Words:
    """A tokenizer of numbers."""

    cls_id, sep_id, unk_id, pad_id = 2, 3, 1, 0

    def __len__(self):
        return 60

    def ids(self, text):
        return [int(word) for word in text.split()]


def pairs_of(count, seed):
    rows = [row["input_ids"].tolist() for row in Pairs(count, seed)]
    return [(" ".join(map(str, ids[1:6])), " ".join(map(str, ids[7:12])), k % 2) for k, ids in enumerate(rows)]


def with_text(**changes):
    text = {"tokenizer": Words(), "pairs": pairs_of(320, 0), "held_out_pairs": pairs_of(160, 1)}
    return training(**(text | {"limit": 120} | changes))


def state(found, fact):
    return next((f.state for f in found.findings if f.fact == fact), None)


# ---- tensors that a module does not know ----


class InDict(Bag):
    def __init__(self):
        super().__init__()
        self.layers = {"pooler": self._modules.pop("pooler"), "head": self._modules.pop("head")}

    def __getattr__(self, name):
        layers = self.__dict__.get("layers", {})
        return layers[name] if name in layers else super().__getattr__(name)


class BareTensor(Bag):
    def __init__(self):
        super().__init__()
        self.scale = torch.ones(16, requires_grad=True)

    def forward(self, *args, **kwargs):
        return super().forward(*args, **kwargs) * self.scale.mean()


class MadeInTheCall(Bag):
    def forward(self, *args, **kwargs):
        self.head = nn.Linear(16, 2)
        return super().forward(*args, **kwargs)


class InModuleDict(Bag):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict({"last": nn.Linear(2, 2)})

    def forward(self, *args, **kwargs):
        return self.parts["last"](super().forward(*args, **kwargs))


class HiddenTeacher(Bag):
    """A teacher in a list, so that parameters() does not name it: meant so, and used without a gradient."""

    def __init__(self):
        super().__init__()
        self.teacher = [Bag()]

    def forward(self, *args, **kwargs):
        with torch.no_grad():
            nudge = 0.01 * self.teacher[0](*args, **kwargs)
        return super().forward(*args, **kwargs) + nudge


class ConstantTable(Bag):
    def __init__(self):
        super().__init__()
        self.table = [torch.ones(2)]

    def forward(self, *args, **kwargs):
        return super().forward(*args, **kwargs) * self.table[0]


@pytest.mark.parametrize("model", [InDict, BareTensor, MadeInTheCall])
def test_a_layer_that_is_not_registered_is_found(model):
    found = examine(**training(model=model(), limit=120))
    assert (found.cause, found.place) == ("layers-not-registered", "model"), found.table()


@pytest.mark.parametrize("model", [InModuleDict, HiddenTeacher, ConstantTable])
def test_layers_that_are_known_or_not_meant_to_be_trained_are_left_alone(model):
    found = examine(**training(model=model(), limit=120))
    assert state(found, "model.registered") == "holds" and found.cause is None, found.table()


def test_a_tensor_beside_the_model_that_the_optimizer_holds_is_no_fault():
    model = BareTensor()

    def optimizer(model):
        return torch.optim.AdamW([*model.parameters(), model.scale], 1e-2)

    found = examine(**training(model=model, optimizer=optimizer, limit=120))
    assert state(found, "model.registered") == "holds", found.table()


# ---- running statistics ----


class Normed(Bag):
    def __init__(self, **options):
        super().__init__()
        self.norm = nn.BatchNorm1d(32, **options)

    def forward(self, input_ids, token_type_ids, attention_mask):
        second = (token_type_ids * (input_ids > 4)).unsqueeze(-1)
        first = ((1 - token_type_ids) * (input_ids > 4)).unsqueeze(-1)
        vectors = self.words(input_ids)
        product = (vectors * first).mean(1) * (vectors * second).mean(1)
        return self.head(torch.tanh(self.pooler(self.norm(product))))


@pytest.mark.parametrize("options", [{"momentum": 1e-4}, {"momentum": 1e-3}])
def test_statistics_that_hardly_move_are_found(options):
    found = examine(**training(model=Normed(**options), limit=120))
    assert (found.cause, found.place) == ("batch-norm-statistics-stale", "model"), found.table()


@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"momentum": 0.3}, {"track_running_stats": False}])
def test_usual_statistics_are_no_fault(options):
    found = examine(**training(model=Normed(**options), limit=120))
    assert state(found, "model.statistics") != "violated", found.table()


def test_a_normalization_that_is_frozen_on_purpose_is_no_fault():
    class Frozen(Normed):
        def train(self, mode=True):
            super().train(mode)
            self.norm.eval()
            return self

    found = examine(**training(model=Frozen(), limit=120))
    assert state(found, "model.statistics") != "violated", found.table()


# ---- shapes that do not fit ----


class Column(Bag):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(16, 1)


@pytest.mark.parametrize(
    "loss",
    [
        lambda z, y: ((z.sigmoid() - y) ** 2).mean(),
        lambda z, y: (F.softplus(z) - z * y).mean(),
        lambda z, y: F.softplus(-z * (2.0 * y - 1)).mean(),
    ],
)
def test_a_column_against_a_row_in_the_loss_is_found(loss):
    found = examine(**training(model=Column(), loss=loss, limit=120))
    assert (found.cause, found.place) == ("loss-broadcast", "loss"), found.table()


@pytest.mark.parametrize(
    "model, loss",
    [
        (Column, lambda z, y: ((z.squeeze(1).sigmoid() - y) ** 2).mean()),
        (Column, lambda z, y: (F.softplus(z) - z * y[:, None]).mean()),
        (One, lambda z, y: F.softplus(-z * (2.0 * y - 1)).mean()),
    ],
)
def test_shapes_that_fit_are_no_fault(model, loss):
    found = examine(**training(model=model(), loss=loss, limit=120))
    assert found.cause != "loss-broadcast", found.table()


def answers(model, held_out):
    model.eval()
    with torch.no_grad():
        found = [(model(**inputs(b)), b["labels"]) for b in held_out]
    model.train()
    return torch.cat([z for z, _ in found]), torch.cat([y for _, y in found])


def all_against_all(model, held_out):
    z, y = answers(model, held_out)
    return {"accuracy": (z.argmax(1, keepdim=True) == y).float().mean().item()}


def each_batch_against_itself(model, held_out):
    model.eval()
    with torch.no_grad():
        shares = [(model(**inputs(b)).argmax(1)[:, None] == b["labels"]).float().mean().item() for b in held_out]
    model.train()
    return {"accuracy": float(np.mean(shares))}


def over_full_batches(model, held_out):
    z, y = answers(model, held_out)
    return {"accuracy": int((z.argmax(1) == y).sum()) / (len(held_out) * held_out.batch_size)}


def over_more(model, held_out):
    z, y = answers(model, held_out)
    return {"accuracy": int((z.argmax(1) == y).sum()) / 200}


def long_ones_first(model, held_out):
    z, y = answers(model, held_out)
    order = sorted(range(len(y)), key=lambda k: sum(len(text) for text in pairs_of(160, 1)[k][:2]))
    return {"accuracy": float((z.argmax(1)[order[::-1]] == y).float().mean())}


def by_first_text(model, held_out):
    z, y = answers(model, held_out)
    order = np.argsort([len(a) for a, _, _ in pairs_of(160, 1)], kind="stable")
    return {"accuracy": float((z.argmax(1) == y[order]).float().mean())}


def held(batch):
    return DataLoader(Pairs(160, 1), batch)


@pytest.mark.parametrize(
    "evaluate, cause",
    [
        (all_against_all, "shapes-broadcast"),
        (each_batch_against_itself, "shapes-broadcast"),
        (over_full_batches, "divided-by-capacity"),
        (over_more, None),
        (long_ones_first, "predictions-out-of-order"),
        (by_first_text, "predictions-out-of-order"),
    ],
)
def test_a_report_is_explained_by_shapes_divisors_and_orders(evaluate, cause):
    found = examine(**with_text(evaluate=evaluate, held_out=held(60), limit=360))
    assert (found.cause, found.place) == (cause, "evaluation") and not found.sound, found.table()


def percent(model, held_out):
    z, y = answers(model, held_out)
    return {"accuracy": 100 * float((z.argmax(1) == y).float().mean())}


def mean_of_batches(model, held_out):
    model.eval()
    with torch.no_grad():
        shares = [(model(**inputs(b)).argmax(1) == b["labels"]).float().mean().item() for b in held_out]
    model.train()
    return {"accuracy": float(np.mean(shares))}


@pytest.mark.parametrize("evaluate", [percent, mean_of_batches])
def test_usual_reports_are_no_fault(evaluate):
    found = examine(**with_text(evaluate=evaluate, held_out=held(40), limit=360))
    assert found.sound and not [f for f in found.violations if f.place == "evaluation"], found.table()


def test_an_evaluation_that_trains_is_found_and_one_that_puts_weights_back_is_not():
    def trains(model, held_out):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for batch in held_out:
            F.cross_entropy(model(**inputs(batch)), batch["labels"]).backward()
            optimizer.step()
            optimizer.zero_grad()
        return percent(model, held_out)

    def halves(model, held_out):
        kept = copy.deepcopy(model.state_dict())
        model.load_state_dict({name: array.half().float() for name, array in kept.items()})
        found = percent(model, held_out)
        model.load_state_dict(kept)
        return found

    assert examine(**training(evaluate=trains, limit=120)).cause == "evaluation-changes-model"
    assert state(examine(**training(evaluate=halves, limit=120)), "report.trains") == "holds"


# ---- steps ----


def gathered(zero, count=4):
    done = [0]

    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(**inputs(batch)), batch["labels"])
        if zero == "each":
            optimizer.zero_grad()
        (value / count).backward()
        done[0] += 1
        if done[0] % count == 0:
            optimizer.step()
            optimizer.zero_grad()
        return value

    return step


def last_alone(model, batch, loss, optimizer, schedule):
    optimizer.done = getattr(optimizer, "done", 0) + 1
    value = loss(model(**inputs(batch)), batch["labels"])
    gradients = torch.autograd.grad(value, list(model.parameters()))
    for p, g in zip(model.parameters(), gradients, strict=True):
        p.grad = g
    if optimizer.done % 2 == 0:
        optimizer.step()
    return value.detach()


@pytest.mark.parametrize("step", [gathered("each"), gathered("each", 2), last_alone])
def test_gathered_gradients_that_are_lost_are_found(step):
    found = examine(**training(step=step, limit=240))
    assert (found.cause, found.place) == ("accumulated-gradients-lost", "optimizer"), found.table()


@pytest.mark.parametrize("count", [2, 4])
def test_gathered_gradients_are_no_fault(count):
    found = examine(**training(step=gathered("once", count), limit=240))
    assert state(found, "optimizer.gradients") == "holds", found.table()


def plain(model, batch, loss, optimizer):
    value = loss(model(**inputs(batch)), batch["labels"])
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value


def new_each_time(model, batch, loss, optimizer, schedule):
    return plain(model, batch, loss, torch.optim.AdamW(model.parameters(), 1e-2))


def new_momentum(model, batch, loss, optimizer, schedule):
    return plain(model, batch, loss, torch.optim.SGD(model.parameters(), 0.5, momentum=0.9))


def forgetful(model, batch, loss, optimizer, schedule):
    value = plain(model, batch, loss, optimizer)
    optimizer.state.clear()
    return value


def own_optimizer():
    kept = {}

    def step(model, batch, loss, optimizer, schedule):
        if id(model) not in kept:
            kept[id(model)] = torch.optim.AdamW(model.parameters(), 1e-2)
        return plain(model, batch, loss, kept[id(model)])

    return step


def by_hand(model, batch, loss, optimizer, schedule):
    value = loss(model(**inputs(batch)), batch["labels"])
    model.zero_grad()
    value.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 2.0 * p.grad
    return value


def plain_descent(model, batch, loss, optimizer, schedule):
    return plain(model, batch, loss, torch.optim.SGD(model.parameters(), 2.0))


@pytest.mark.parametrize("step", [new_each_time, new_momentum, forgetful])
def test_an_optimizer_that_remembers_nothing_is_found(step):
    found = examine(**training(step=step, limit=240))
    assert (found.cause, found.place) == ("optimizer-rebuilt-every-step", "optimizer"), found.table()


@pytest.mark.parametrize("step", [own_optimizer(), by_hand, plain_descent])
def test_weights_may_be_moved_by_something_else(step):
    found = examine(**training(step=step, limit=240))
    assert found.cause not in ("optimizer-rebuilt-every-step", "updates-not-applied"), found.table()


def penalized(strength, power):
    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(**inputs(batch)), batch["labels"])
        value = value + strength * sum(p.abs().pow(power).sum() for p in model.parameters())
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    return step


@pytest.mark.parametrize("strength", [0.05, 1.0])
def test_a_penalty_that_outweighs_the_loss_is_found(strength):
    found = examine(**training(step=penalized(strength, 2), limit=120))
    assert (found.cause, found.place) == ("penalty-outweighs-loss", "loss"), found.table()


def test_a_light_penalty_is_no_fault():
    found = examine(**training(step=penalized(1e-6, 2), limit=240))
    assert found.sound, found.table()


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y: torch.tensor(F.cross_entropy(x, y).item(), requires_grad=True),
        lambda x, y: F.cross_entropy(x.detach(), y).requires_grad_(),
    ],
)
def test_a_loss_without_a_way_back_is_found(loss):
    found = examine(**training(loss=loss, limit=120))
    assert (found.cause, found.place) == ("gradients-detached", "loss"), found.table()


def scaled(unscale):
    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(**inputs(batch)), batch["labels"])
        optimizer.zero_grad()
        (value * 1024).backward()
        if not unscale:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for p in model.parameters():
            p.grad /= 1024
        if unscale:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return value

    return step


def test_a_factor_that_is_undone_is_no_fault_of_the_loss():
    descent = {"optimizer": lambda model: torch.optim.SGD(model.parameters(), 2.0), "limit": 360}
    found = examine(**training(step=scaled(True), **descent))
    assert found.sound and state(found, "loss.function") == "holds", found.table()
    found = examine(**training(step=scaled(False), **descent))
    assert (found.cause, found.place) == ("clip-too-small", "optimizer"), found.table()


def put_back(each, partly=False):
    kept = {}

    def step(model, batch, loss, optimizer, schedule):
        own = kept.setdefault(id(model), {"number": 0, "start": copy.deepcopy(model.state_dict())})
        own["number"] += 1
        if own["number"] % each == 0:
            start = {name: array for name, array in own["start"].items() if not partly or "head" in name}
            model.load_state_dict(start, strict=False)
        return plain(model, batch, loss, optimizer)

    return step


@pytest.mark.parametrize("each", [5, 12])
def test_weights_that_are_put_back_are_found(each):
    found = examine(**training(step=put_back(each), limit=240))
    assert (found.cause, found.place) == ("weights-put-back", "optimizer"), found.table()


@pytest.mark.parametrize("step", [put_back(100), put_back(5, partly=True)])
def test_weights_that_are_not_all_put_back_are_another_matter(step):
    assert examine(**training(step=step, limit=240)).cause != "weights-put-back"


class Rectified(Bag):
    def forward(self, *args, **kwargs):
        return super().forward(*args, **kwargs).relu()


class Dropped(Bag):
    def forward(self, *args, **kwargs):
        return F.dropout(super().forward(*args, **kwargs), 0.5, self.training)


class DroppedBefore(Bag):
    def __init__(self):
        super().__init__()
        self.head = nn.Sequential(nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))
        nn.init.zeros_(self.head[2].weight)


@pytest.mark.parametrize(
    "model, cause", [(Rectified, "logits-rectified"), (Dropped, "dropout-on-logits"), (DroppedBefore, None)]
)
def test_logits_that_are_set_to_zero_are_found(model, cause):
    found = examine(**training(model=model(), limit=240))
    assert found.cause == cause, found.table()


def labels_before(model, batch, loss, optimizer, schedule):
    last = getattr(optimizer, "labels", batch["labels"])
    optimizer.labels = batch["labels"]
    return plain(model, batch | {"labels": last}, loss, optimizer)


def labels_of_a_queue():
    kept = []

    def step(model, batch, loss, optimizer, schedule):
        kept.append(batch["labels"])
        return plain(model, batch | {"labels": kept[max(0, len(kept) - 2)]}, loss, optimizer)

    return step


@pytest.mark.parametrize("step", [labels_before, labels_of_a_queue()])
def test_labels_of_the_batch_before_are_found(step):
    found = examine(**with_text(step=step, limit=240))
    assert (found.cause, found.place) == ("labels-shuffled", "encoding"), found.table()


# ---- rows and words ----


def keeping(count):
    kept = []

    def step(model, batch, loss, optimizer, schedule):
        if len(kept) < count:
            kept.append({name: array.clone() for name, array in batch.items()})
        return plain(model, kept[-1], loss, optimizer)

    return step


@pytest.mark.parametrize("count", [1, 2])
def test_a_batch_that_is_kept_is_found(count):
    found = examine(**with_text(step=keeping(count), limit=240))
    assert (found.cause, found.place) == ("same-pairs-again", "batching"), found.table()


def two_passes(model, batch, loss, optimizer, schedule):
    value = 0.5 * (loss(model(**inputs(batch)), batch["labels"]) + loss(model(**inputs(batch)), batch["labels"]))
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value


def test_rows_that_are_read_twice_are_no_fault():
    assert state(examine(**with_text(step=two_passes)), "batches.given") == "holds"


def joined(how):
    def collate(rows):
        batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        ids, labels = batch["input_ids"], batch["labels"]
        if how == "last word":
            ids[:, -1] = 10 + labels
            ids = torch.cat([ids, torch.full((len(ids), 1), 3)], 1)
            more = {"token_type_ids": 1, "attention_mask": 1}
            batch |= {name: F.pad(batch[name], (0, 1), value=value) for name, value in more.items()}
            batch["input_ids"] = ids
        elif how == "one class":
            ids[labels == 1, -1] = 12
        elif how == "segments":
            batch["token_type_ids"] = batch["token_type_ids"] * 0 + labels[:, None]
        elif how == "first":
            ids[:, 0] = torch.where(labels == 1, 3, 2)
        elif how == "mark":
            ids[:, -1] = 4
        return batch

    return {
        name: DataLoader(Pairs(count, seed), 16, shuffle=name == "train", collate_fn=collate)
        for name, count, seed in (("train", 320, 0), ("held_out", 160, 1))
    }


@pytest.mark.parametrize("how", ["last word", "one class", "segments", "first"])
def test_a_label_among_the_arrays_is_found(how):
    found = examine(**with_text(**joined(how)))
    assert (found.cause, found.place) == ("label-in-text", "encoding"), found.table()


@pytest.mark.parametrize("how", ["as it is", "mark"])
def test_rows_without_the_label_are_no_fault(how):
    found = examine(**with_text(**joined(how)))
    assert found.cause != "label-in-text", found.table()


class Attending(nn.Module):
    """Attention over the words, with or without positions; all words, or the first place, are read."""

    def __init__(self, positions, first):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.places = nn.Embedding(60, 32), nn.Embedding(16, 32)
        self.attention = nn.MultiheadAttention(32, 2, batch_first=True)
        self.pooler, self.head = nn.Linear(32, 32), nn.Linear(32, 2)
        self.positions, self.first = positions, first

    def forward(self, input_ids, token_type_ids, attention_mask):
        x = self.words(input_ids)
        if self.positions:
            x = x + self.places(torch.arange(input_ids.shape[1]))
        x = self.attention(x, x, x, attention_mask == 0)[0]
        here = attention_mask.unsqueeze(-1).float()
        return self.head(torch.tanh(self.pooler(x[:, 0] if self.first else (x * here).sum(1) / here.sum(1))))


def padded_on_the_left(rows):
    batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    return {name: x if name == "labels" else F.pad(x, (2, 0)) for name, x in batch.items()}


@pytest.mark.parametrize(
    "positions, first, fault", [(False, False, False), (True, False, True), (False, True, True), (True, True, True)]
)
def test_padding_on_the_left_is_a_fault_where_the_beginning_is_read(positions, first, fault):
    from types import SimpleNamespace

    from nsputil.clinic.facts.finding import violated
    from nsputil.clinic.torch_suspect.given import Given
    from nsputil.clinic.torch_suspect.left_padding import where_rows_begin

    model = Attending(positions, first)
    train = DataLoader(Pairs(32, 0), 16, collate_fn=padded_on_the_left)
    seen = SimpleNamespace(parts=Given(model, train), words=Words())
    found = where_rows_begin(violated("arrays.first", "encoding", "", "cls-not-first", False), seen)
    assert (found.state == "violated") == fault


def table_of(kind):
    """Return what `word_table` measures for vectors of 2,000 words whose first direction tells how often they come."""
    from nsputil.clinic.torch_suspect.word_table import _told

    rng = np.random.default_rng(0)
    often = rng.normal(size=2000)
    table = rng.normal(size=(2000, 48))
    if kind != "random":
        table[:, 0] += 4 * often
        table[:, 1] += 3 * rng.normal(size=2000)
    words = rng.permutation(2000) if kind == "other words" else np.arange(2000)
    return _told(table, words[:900], often[:900])


def test_word_vectors_tell_whether_they_are_of_these_words():
    spread, told = table_of("own words")
    assert spread > 1.5 and told > 0.3
    spread, told = table_of("other words")
    assert spread > 1.5 and told < 0.05
    assert table_of("random")[0] < 1.2


# ---- rows whose layout nobody tells ----


class Unnamed(Words):
    """A tokenizer that does not name its special tokens."""

    cls_id = sep_id = unk_id = None


def seeded():
    return torch.Generator().manual_seed(0)


def changed_rows(change, **more):
    def join(rows):
        return change(torch.utils.data.default_collate(rows))

    return {
        "train": DataLoader(Pairs(320, 0), 16, shuffle=True, collate_fn=join, generator=seeded()),
        "held_out": DataLoader(Pairs(160, 1), 16, collate_fn=join),
    } | more  # fmt: skip


def with_first_twice(batch):
    batch["input_ids"][:, 7:12] = batch["input_ids"][:, 1:6]
    return batch


def without_second(batch):
    batch["input_ids"][:, 7:12] = 0
    return batch


def in_pieces(batch):
    """Each word is two pieces, and neither is a word of the tokenizer."""
    ids = batch["input_ids"]
    pieces = torch.stack([60 + ids // 8, 80 + ids % 8], -1).flatten(1)
    more = {name: batch[name].repeat_interleave(2, 1) for name in ("token_type_ids", "attention_mask")}
    return {"input_ids": pieces, "labels": batch["labels"]} | more


class MorePieces(Bag):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(100, 32)


def test_special_tokens_without_names_are_no_words():
    found = examine(**with_text(tokenizer=Unnamed()))
    assert found.sound and state(found, "arrays.words") == state(found, "model.reads") == "holds", found.table()


def test_other_special_tokens_are_no_words_either():
    def three(batch):
        extra = torch.full((len(batch["labels"]), 1), 4)
        ids = torch.cat([batch["input_ids"][:, :1], extra, batch["input_ids"][:, 1:]], 1)
        ones, zeros = torch.ones_like(extra), torch.zeros_like(extra)
        return batch | {
            "input_ids": ids, "attention_mask": torch.cat([ones, batch["attention_mask"]], 1),
            "token_type_ids": torch.cat([zeros, batch["token_type_ids"]], 1),
        }  # fmt: skip

    found = examine(**with_text(**changed_rows(three, tokenizer=Unnamed())))
    assert found.sound and state(found, "arrays.words") == "holds", found.table()


@pytest.mark.parametrize(
    "change, cause", [(with_first_twice, "a-given-twice"), (without_second, "second-sentence-lost")]
)
def test_without_names_for_special_tokens_a_lost_text_is_found(change, cause):
    found = examine(**with_text(**changed_rows(change, tokenizer=Unnamed())))
    assert (found.cause, found.place) == (cause, "encoding"), found.table()


def test_rows_of_an_unknown_layout_say_nothing():
    found = examine(**with_text(**changed_rows(in_pieces, tokenizer=Unnamed(), model=MorePieces())))
    assert state(found, "arrays.words") == "cannot tell" and found.place != "encoding", found.table()


def test_rows_in_a_known_frame_have_to_show_their_pairs():
    def framed(batch):
        found = in_pieces(batch)
        found["input_ids"][:, 0], found["input_ids"][:, 14] = 2, 3
        return found

    found = examine(**with_text(**changed_rows(framed, model=MorePieces())))
    assert state(found, "arrays.words") == "violated", found.table()


# ---- two texts apart ----


class Two(nn.Module):
    """The means of two texts, multiplied."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.pooler, self.head = nn.Embedding(60, 32), nn.Linear(32, 16), nn.Linear(16, 2)

    def forward(self, left, right):
        product = self.words(left).mean(1) * self.words(right).mean(1) * 4
        return self.head(torch.tanh(self.pooler(product)))


class WithPlaces(Two):
    """Words and their places, which are no second text."""

    def forward(self, left, places):
        return super().forward(left[:, 1:6], left[:, 7:12]) + 0 * self.words(places).mean(1)[:, :2]


def apart(change=lambda a, b: (a, b), data=Pairs, **more):
    def join(rows):
        batch = torch.utils.data.default_collate(rows)
        a, b = change(batch["input_ids"][:, 1:6], batch["input_ids"][:, 7:12])
        return (a, b), batch["labels"]

    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(*batch[0]), batch[1])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    return with_text(**{
        "model": Two(), "tokenizer": Unnamed(), "step": step,
        "train": DataLoader(data(320, 0), 16, shuffle=True, collate_fn=join, generator=seeded()),
        "held_out": DataLoader(Pairs(160, 1), 16, collate_fn=join), "limit": 240,
    } | more)  # fmt: skip


def test_two_texts_apart_are_read():
    found = examine(**apart())
    assert found.sound and state(found, "arrays.words") == "holds", found.table()


@pytest.mark.parametrize(
    "change, cause", [(lambda a, b: (a, a), "a-given-twice"), (lambda a, b: (b, b), "b-given-twice")]
)
def test_one_text_in_both_places_is_found(change, cause):
    found = examine(**apart(change))
    assert (found.cause, found.place) == (cause, "encoding"), found.table()


@pytest.mark.parametrize("buckets", [3, 6])
def test_words_that_share_a_few_numbers_are_found(buckets):
    found = examine(**apart(lambda a, b: (5 + a * 7 % buckets, 5 + b * 7 % buckets)))
    assert found.place == "encoding", found.table()


def test_places_are_no_second_text():
    def with_places(rows):
        ids = torch.utils.data.default_collate(rows)
        return (ids["input_ids"], torch.arange(13).repeat(len(rows), 1)), ids["labels"]

    loaders = {
        "train": DataLoader(Pairs(320, 0), 16, shuffle=True, collate_fn=with_places),
        "held_out": DataLoader(Pairs(160, 1), 16, collate_fn=with_places),
    }
    found = examine(**apart(model=WithPlaces(), **loaders))
    assert found.sound and state(found, "arrays.words") == "cannot tell", found.table()


# ---- a dataset that gives other rows than it is asked for ----


class Shuffled(Pairs):
    """Row k is another one, with its label; each comes once."""

    def __getitem__(self, k):
        return super().__getitem__((k * 7 + 3) % 320)


class FewAgain(Pairs):
    def __getitem__(self, k):
        return super().__getitem__(k * 7 % 21)


class OtherLabels(Pairs):
    """Row k has the label of another one."""

    def __getitem__(self, k):
        return super().__getitem__(k) | {"labels": super().__getitem__((k * 7 + 3) // 2 % 320)["labels"]}


@pytest.mark.parametrize("given", [lambda data: apart(data=data), lambda data: with_text(train=DataLoader(
    data(320, 0), 16, shuffle=True, generator=torch.Generator().manual_seed(0)), limit=240)])  # fmt: skip
def test_a_dataset_that_shuffles_its_rows_is_sound_and_one_that_repeats_a_few_is_not(given):
    found = examine(**given(Shuffled))
    assert found.sound and state(found, "arrays.words") == state(found, "labels.array") == "holds", found.table()
    found = examine(**given(FewAgain))
    assert (found.cause, found.place) == ("same-pairs-again", "batching"), found.table()
    found = examine(**given(OtherLabels))
    assert state(found, "labels.array") == "violated" and found.place == "encoding", found.table()


def test_a_held_out_dataset_may_shuffle_its_rows_too():
    class Turned(Pairs):
        def __getitem__(self, k):
            return super().__getitem__((k * 7 + 3) % len(self.items))

    data = {"train": DataLoader(Turned(320, 0), 16, shuffle=True, generator=seeded()),
            "held_out": DataLoader(Turned(160, 1), 16)}  # fmt: skip
    assert (found := examine(**with_text(**data, limit=240))).sound, found.table()


# ---- a second task ----


class TwoTasks(Bag):
    def __init__(self):
        super().__init__()
        self.guess = nn.Linear(32, 60)


def second_task(weight):
    def step(model, batch, loss, optimizer, schedule):
        vectors = model.words(batch["input_ids"][:, 1:6])
        words = F.cross_entropy(model.guess(vectors).flatten(0, 1), batch["input_ids"][:, 7:12].flatten())
        value = loss(model(**inputs(batch)), batch["labels"])
        optimizer.zero_grad()
        (value + weight * words).backward()
        optimizer.step()
        return value.detach()

    return step


def test_a_second_task_is_a_choice():
    found = examine(**training(model=TwoTasks(), step=second_task(5.0)))
    gradients = next(f for f in found.findings if f.fact == "optimizer.gradients")
    assert gradients.state == "violated" and not gradients.firm, found.table()
    assert found.sound, found.text()


def lost_below(model, batch, loss, optimizer, schedule):
    """The last layers learn from the batch, and the words from noise."""
    value = loss(model(**inputs(batch)), batch["labels"])
    optimizer.zero_grad()
    value.backward()
    model.words.weight.grad = torch.randn_like(model.words.weight)
    optimizer.step()
    return value


def added_up_below(model, batch, loss, optimizer, schedule):
    """The gradients of the last layers alone are set to zero."""
    value = loss(model(**inputs(batch)), batch["labels"])
    model.pooler.zero_grad()
    model.head.zero_grad()
    value.backward()
    optimizer.step()
    return value


def test_a_gradient_that_is_lost_below_the_last_layers_is_no_second_task():
    found = examine(**training(step=lost_below))
    gradients = next(f for f in found.findings if f.fact == "optimizer.gradients")
    assert gradients.firm and found.place == "optimizer", found.table()


def test_gradients_that_add_up_below_the_last_layers_are_no_second_task():
    found = examine(**training(step=added_up_below))
    gradients = next(f for f in found.findings if f.fact == "optimizer.gradients")
    assert gradients.state == "violated" and "second task" not in gradients.statement, found.table()


# ---- rows that return, averages that lag, words that nobody knows ----


def test_two_rows_drawn_again_and_again_are_no_labels_of_one_class():
    weights = torch.utils.data.WeightedRandomSampler([1.0, 0.0, 1.0], 320, generator=torch.Generator().manual_seed(0))
    found = examine(**with_text(train=DataLoader(Pairs(320, 0), 16, sampler=weights)))
    assert (found.cause, found.place) == ("same-pairs-again", "batching"), found.table()


def shadowed(decay):
    """Return a step and an evaluation that keep and ask an average of the weights."""
    kept = {}

    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(**inputs(batch)), batch["labels"])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        for name, p in model.named_parameters():
            old = kept.setdefault(name, p.detach().clone())
            old.mul_(decay).add_(p.detach(), alpha=1 - decay)
        return value.detach()

    def evaluate(model, held_out):
        other = Bag().eval()
        other.load_state_dict({**other.state_dict(), **kept})
        with torch.no_grad():
            right = [(other(**inputs(b)).argmax(1) == b["labels"]).float() for b in held_out]
        return {"accuracy": torch.cat(right).mean().item()}

    return {"step": step, "evaluate": evaluate}


def test_an_average_that_still_knows_nothing_is_no_report_of_the_model():
    found = examine(**training(**shadowed(0.9999)))
    assert not found.sound and found.place == "evaluation", found.table()


def test_an_average_that_follows_is_sound():
    assert examine(**training(**shadowed(0.8))).sound


class Letters:
    """The words of a tokenizer of letters: each number is a word of two letters."""

    cls_id, sep_id, pad_id = 2, 3, 0

    def __init__(self, known):
        self.known = known

    def __len__(self):
        return 60

    def ids(self, text):
        found = [(ord(word[0]) - 97) * 26 + ord(word[1]) - 97 for word in text.split()]
        return [number if number < self.known else 4 for number in found]


def test_a_token_that_many_words_share_is_that_of_unknown_words():
    pairs = [tuple(" ".join(chr(97 + int(w) // 26) + chr(97 + int(w) % 26) for w in text.split()) for text in pair[:2])
             + pair[2:] for pair in pairs_of(320, 0)]  # fmt: skip
    for known, expected in ((30, 4), (60, -1)):
        words = as_words(Letters(known), pairs[0][0])
        learn_unknown(words, [SentencePair(a, b, label, 0, 0, 0, 1) for a, b, label in pairs])
        assert words.unk_id == expected


# ---- copies that the corpus holds ----


def documents_of(copies, crossing):
    """Return documents to train on and held-out ones: so many are repeated in training, so many are in both."""
    rng = np.random.default_rng(0)
    made = [[f"{' '.join(map(str, rng.integers(5, 60, 9)))} of document {k}" for _ in range(8)] for k in range(60)]
    return made[:40] + made[:copies], made[40:] + made[30 : 30 + crossing]


@pytest.mark.parametrize(("copies", "crossing", "state_of"), [(8, 4, "holds"), (0, 4, "violated"), (2, 12, "violated")])
def test_a_fair_split_deals_out_the_copies_of_a_corpus(copies, crossing, state_of):
    documents, others = documents_of(copies, crossing)
    found = examine(**with_text(documents=documents, held_out_documents=others))
    assert state(found, "split.shared") == state_of, found.table()


# ---- segment ids of other numbers, words that are left out on purpose, a swap without an end, a model that mixes ----


def changed(change, count, seed):
    """Return rows of which each was changed by a function."""
    rows = Pairs(count, seed)
    rng = np.random.default_rng(seed)
    rows.items = [change(dict(item), rng) for item in rows.items]
    return DataLoader(rows, 16, shuffle=seed == 0, generator=torch.Generator().manual_seed(seed))


class Renumbered(Bag):
    def forward(self, input_ids, token_type_ids, attention_mask):
        return super().forward(input_ids, (token_type_ids > token_type_ids.min()).long(), attention_mask)


def test_segments_1_and_2_tell_two_texts_apart():
    def shifted(item, rng):
        return item | {"token_type_ids": item["token_type_ids"] + 1}

    given = {"train": changed(shifted, 320, 0), "held_out": changed(shifted, 160, 1), "model": Renumbered()}
    found = examine(**with_text(**given))
    assert found.sound and state(found, "arrays.segments") == "holds", found.table()


def hidden(share):
    def change(item, rng):
        words = (item["input_ids"] > 4).numpy() & (rng.random(13) < share)
        return item | {"input_ids": torch.where(torch.tensor(words), 1, item["input_ids"])}

    return change


@pytest.mark.parametrize(("share", "sound"), [(0.1, True), (0.6, False)])
def test_a_tenth_of_the_words_may_be_left_out_at_random(share, sound):
    found = examine(**with_text(train=changed(hidden(share), 320, 0), limit=360))
    assert state(found, "arrays.words") == "violated"
    assert found.sound == sound or found.conclusion.answer == "has not learned", found.table()


class NamedOnly(Bag):
    """It takes no other arrays than those that it knows."""

    def forward(self, input_ids, token_type_ids, attention_mask):
        if input_ids.shape[1] != 13:
            raise ValueError("rows of 13 tokens, please")
        return super().forward(input_ids, token_type_ids, attention_mask)


def test_a_swap_that_comes_to_no_end_leaves_a_reason():
    def last_first(item, rng):
        return item | {name: torch.cat([item[name][1:], item[name][:1]]) for name in ("input_ids", "token_type_ids")}

    given = {"train": changed(last_first, 320, 0), "held_out": changed(last_first, 160, 1), "model": NamedOnly()}
    assert str(examine(**with_text(**given)))


class RowsMixed(Bag):
    """The rows of B are sorted, and nobody puts them back."""

    def forward(self, input_ids, token_type_ids, attention_mask):
        order = input_ids[:, 7].argsort()
        other = torch.where(token_type_ids > 0, input_ids[order], input_ids)
        return super().forward(other, token_type_ids, attention_mask)


def test_a_model_that_learns_less_than_counting_shows_is_at_fault():
    found = examine(**with_text(model=RowsMixed(), limit=360))
    assert not found.sound and (found.place == "model" or found.cause), found.table()
