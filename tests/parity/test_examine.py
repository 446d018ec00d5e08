"""A PyTorch training as a suspect: spoilt in known ways it is found, and nothing of it is changed: `make parity`."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset
from transformers import BertConfig, BertForNextSentencePrediction, Trainer, TrainingArguments

from nsputil.clinic.facts.loss import cross_entropy
from nsputil.clinic.torch_suspect import asked_loss, examine
from nsputil.clinic.torch_suspect.copies import copied, kept_state
from nsputil.clinic.torch_suspect.given import Given, as_pairs
from research.torch_suspects.measure import fingerprint, generators


class Pairs(Dataset):
    """Pairs of which B repeats A if they belong together."""

    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.items = []
        for k in range(count):
            a, b = rng.integers(5, 60, (2, 5))
            ids = np.concatenate([[2], a, [3], a if k % 2 == 0 else b, [3]])
            item = {"input_ids": torch.tensor(ids), "token_type_ids": torch.tensor([0] * 7 + [1] * 6)}
            mask = torch.ones(13, dtype=torch.long)
            self.items.append(item | {"attention_mask": mask, "labels": torch.tensor(k % 2)})

    def __len__(self):
        return len(self.items)

    def __getitem__(self, k):
        return self.items[k]


class Bag(nn.Module):
    """The mean of A times the mean of B."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words = nn.Embedding(60, 32)
        self.pooler, self.head = nn.Linear(32, 16), nn.Linear(16, 2)

    def forward(self, input_ids, token_type_ids, attention_mask):
        second = (token_type_ids * (input_ids > 4)).unsqueeze(-1)
        first = ((1 - token_type_ids) * (input_ids > 4)).unsqueeze(-1)
        vectors = self.words(input_ids)
        return self.head(torch.tanh(self.pooler((vectors * first).mean(1) * (vectors * second).mean(1) * 20)))


def loader(count, seed, shuffle=True):
    return DataLoader(Pairs(count, seed), 16, shuffle=shuffle, generator=torch.Generator().manual_seed(seed))


def training(**changes):
    return {
        "model": Bag(), "train": loader(320, 0), "held_out": loader(160, 1, False), "loss": F.cross_entropy,
        "optimizer": lambda model: torch.optim.AdamW(model.parameters(), 1e-2), "steps": 60, "limit": 360,
    } | changes  # fmt: skip


def inputs(batch):
    return {name: array for name, array in batch.items() if name != "labels"}


def test_a_sound_loop_is_sound_and_nothing_of_it_is_changed():
    calls = []

    def evaluate(model, held_out):
        calls.append(1)
        model.eval()
        with torch.no_grad():
            found = [(model(**inputs(b)).argmax(1) == b["labels"]).float() for b in held_out]
        model.train()
        return {"accuracy": torch.cat(found).mean().item()}

    given = training(evaluate=evaluate)
    next(iter(given["train"]))
    before = fingerprint(given), generators(), given["model"].training
    found = examine(**given)
    assert found.sound and not [f for f in found.violations if f.firm and f.place != "numbers"], found.table()
    assert (fingerprint(given), generators(), given["model"].training) == before and calls == []
    assert found.steps <= 360 and "facts" in str(found)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in given["model"].modules())


def no_zero_grad(model, batch, loss, optimizer, schedule):
    value = loss(model(**inputs(batch)), batch["labels"])
    value.backward()
    optimizer.step()
    return value


def old_gradient():
    held = {}

    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(**inputs(batch)), batch["labels"])
        optimizer.zero_grad()
        new = torch.autograd.grad(value, list(model.parameters()))
        for p, g in zip(model.parameters(), held.get("last", new), strict=True):
            p.grad = g
        optimizer.step()
        held["last"] = new
        return value.detach()

    return step


class Softmax(Bag):
    def forward(self, *args, **kwargs):
        return super().forward(*args, **kwargs).softmax(-1)


def frozen_optimizer(model):
    return torch.optim.AdamW(copy.deepcopy(model).parameters(), 1e-2)


def half(model):
    return torch.optim.AdamW([*model.words.parameters(), *model.pooler.parameters()], 1e-2)


def up(model):
    return torch.optim.SGD(model.parameters(), 0.5, maximize=True)


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x.tanh())
        return x.tanh()

    @staticmethod
    def backward(ctx, gradient):
        return -gradient * (1 - ctx.saved_tensors[0] ** 2)


class OwnTanh(Bag):
    def forward(self, *args, **kwargs):
        hidden = []
        hook = self.pooler.register_forward_hook(lambda m, a, o: hidden.append(o))
        super().forward(*args, **kwargs)
        hook.remove()
        return self.head(Reversed.apply(hidden[0]))


def counted(model, held_out, kept=None):
    """Return which held-out pairs are right, and how sure the model is of them."""
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(**inputs(b)) for b in held_out])
    model.train()
    right = logits.argmax(1) == torch.cat([b["labels"] for b in held_out])
    return right.float(), logits.softmax(1).max(1).values


def sure_ones(model, held_out):
    right, sure = counted(model, held_out)
    kept = right[sure > 0.8]
    return {"accuracy": kept.mean().item() if len(kept) else 0.0}


def remembering():
    kept = []

    def evaluate(model, held_out):
        kept.append(counted(model, held_out)[0])
        return {"accuracy": torch.cat(kept).mean().item()}

    def step(model, batch, loss, optimizer, schedule):
        if len(kept) % 2 == 0:  # a loop has reports of its own
            evaluate(model, loader(160, 1, False))
        value = loss(model(**inputs(batch)), batch["labels"])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    return {"evaluate": evaluate, "step": step}


def other_way(model, held_out):
    model.eval()
    with torch.no_grad():
        found = [(model(**inputs(b)).argmin(1) == b["labels"]).float() for b in held_out]
    model.train()
    return {"accuracy": torch.cat(found).mean().item()}


@pytest.mark.parametrize(
    "changes, cause, place",
    [
        ({"step": no_zero_grad}, "no-zero-grad", "optimizer"),
        ({"step": old_gradient()}, "gradients-delayed", "optimizer"),
        ({"model": Softmax()}, "double-softmax", "loss"),
        ({"optimizer": frozen_optimizer}, "updates-not-applied", "optimizer"),
        ({"optimizer": half}, "parameter-missing", "optimizer"),
        ({"optimizer": up}, "sign-flipped", "optimizer"),
        ({"loss": lambda x, y: F.cross_entropy(x, y, ignore_index=0)}, "ignore-index-zero", "loss"),
        ({"loss": lambda x, y: -F.cross_entropy(x, y)}, "sign-flipped", "loss"),
        ({"evaluate": other_way}, "evaluation-labels-inverted", "evaluation"),
        ({"evaluate": sure_ones}, "unsure-pairs-dropped", "evaluation"),
        (remembering(), "metric-never-reset", "evaluation"),
        ({"model": OwnTanh()}, "backward-wrong", "model"),
    ],
)
def test_a_defect_is_named(changes, cause, place):
    found = examine(**training(**changes))
    assert (found.cause, found.place) == (cause, place), found.table()
    assert "repair:" in found.text()


def small_bert():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=60, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16,
    )  # fmt: skip
    return BertForNextSentencePrediction(config)


def trainer_of(tmp_path, cls=Trainer, **options):
    arguments = TrainingArguments(
        str(tmp_path), max_steps=40, per_device_train_batch_size=16, report_to=[], use_cpu=True, disable_tqdm=True,
        save_strategy="no", **options,
    )  # fmt: skip
    return cls(small_bert(), arguments, train_dataset=Pairs(160, 0), eval_dataset=Pairs(96, 1))


class Weighted(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        output = model(**inputs)
        value = F.cross_entropy(output.logits, inputs["labels"], weight=torch.tensor([9.0, 1.0]))
        return (value, output) if return_outputs else value


def test_a_trainer_is_examined_and_not_touched(tmp_path):
    trainer = trainer_of(tmp_path, Weighted)
    before = fingerprint(trainer), generators()
    found = examine(trainer, limit=120)
    assert (found.cause, found.place) == ("class-weight-left", "loss"), found.table()
    assert (fingerprint(trainer), generators()) == before and trainer.optimizer is None


@pytest.mark.parametrize("how", ["loss", "layer", "step", "trainer"])
def test_a_loss_is_reached_wherever_it_is(how, tmp_path):
    batch = next(iter(loader(32, 0)))

    def step(model, batch, loss, optimizer, schedule):
        value = model(**batch).loss
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    given = {
        "loss": Given(Bag(), None, loss=F.cross_entropy),
        "layer": Given(small_bert(), None),
        "step": Given(small_bert(), None, step=step),
    }.get(how)
    if given is None:
        from nsputil.clinic.torch_suspect.given import from_trainer

        given = Given(**from_trainer(trainer_of(tmp_path)))
    ask, _ = asked_loss.of(given, batch)
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((24, 2)), np.arange(24) % 2
    value, gradient = ask(logits, labels)
    expected = cross_entropy(logits, labels)
    assert value == pytest.approx(expected[0], rel=1e-5)
    np.testing.assert_allclose(gradient, expected[1], atol=1e-6)


def test_the_rates_of_a_loop_are_those_that_it_takes():
    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(**inputs(batch)), batch["labels"])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        schedule.step()
        return value

    given = training(step=step, schedule=lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: max(0.0, 1 - k / 60)))
    found = examine(**given)
    assert found.cause == "scheduler-order", found.table()


def test_copies_of_functions_have_variables_of_their_own():
    kept = {"numbers": [1]}

    def count():
        kept["numbers"].append(2)
        return len(kept["numbers"])

    other = copied(count, {})
    assert other() == 2 and other() == 3 and kept["numbers"] == [1]
    state = torch.get_rng_state()
    with kept_state(3):
        first = torch.rand(2), np.random.rand()  # noqa: NPY002
    with kept_state(3):
        assert torch.equal(torch.rand(2), first[0]) and np.random.rand() == first[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), state)


def test_a_list_of_batches_and_a_model_are_enough():
    found = examine(Bag(), list(loader(160, 0)), limit=120)
    assert found.conclusion.answer == "too little to tell" and found.cause is None and found.steps == 20, found.table()
    assert not [f for f in found.violations if f.firm], found.table()


def test_a_step_that_raises_is_told():
    def step(model, batch, loss, optimizer, schedule):
        raise RuntimeError("shape mismatch")

    found = examine(**training(step=step, limit=120))
    assert "breaks down in step 1 with RuntimeError: shape mismatch" in found.text() and not found.sound
    assert "Mend the error" in found.text()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"model": "bert-base"}, "model is a str; expected a torch.nn.Module or a transformers.Trainer"),
        ({"train": None}, "there is no train loader"),
        ({"train": iter([])}, "expected a DataLoader, or a list of batches"),
        ({"limit": 3}, "limit is 3; expected at least 60"),
        ({"steps": 0}, "steps is 0; expected at least 1"),
        ({"loss": 3}, "loss is a int; expected a function"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        examine(**training(**arguments))


def test_pairs_may_be_tuples():
    assert as_pairs([("a", "b", 1)], "pairs")[0].label == 1
    with pytest.raises(TypeError, match=r"pairs\[0\] is a str; expected \(a, b, label\)"):
        as_pairs(["ab"], "pairs")


def test_an_evaluation_of_the_model_alone_and_an_output_with_names_are_understood():
    from types import SimpleNamespace

    from nsputil.clinic.torch_suspect.evaluation import said_by
    from nsputil.clinic.torch_suspect.outputs import answer_in, loss_in

    assert said_by(lambda model: ("alone", model), 1, 2) == ("alone", 1)
    assert said_by(lambda model, held_out: ("both", held_out), 1, 2) == ("both", 2)
    with pytest.raises(TypeError, match="mine"):  # an error inside is the user's own

        def evaluate(model):
            raise TypeError("mine")

        said_by(evaluate, 1, 2)
    logits = torch.zeros(3, 2)
    output = SimpleNamespace(loss=torch.tensor(0.5), logits=logits)
    assert answer_in(output) is logits and float(loss_in(output)) == 0.5
    assert loss_in(logits) is None and loss_in((torch.tensor(0.25), logits)) == 0.25


def as_object(batch):
    from types import SimpleNamespace

    return SimpleNamespace(**batch)


@pytest.mark.parametrize(
    "kind, place",
    [
        (lambda b: b | {"idx": torch.arange(16), "texts": ["x"] * 16}, ("labels",)),
        (lambda b: (inputs(b), b["labels"]), (1,)),
        (lambda b: (b["input_ids"], b["labels"], torch.arange(16)), (1,)),
        (lambda b: [b["input_ids"], b["labels"].float().unsqueeze(1), torch.rand(16)], (1,)),
        (as_object, ("labels",)),
        (lambda b: {"words": b["input_ids"], "is_next_label": b["labels"].tolist()}, ("is_next_label",)),
    ],
)
def test_labels_are_found_in_batches_of_any_kind(kind, place):
    from nsputil.clinic.torch_suspect.batches import label_place, labels_of, size_of, some

    batch = next(iter(loader(32, 0)))
    own = kind(batch)
    assert label_place(own) == place and torch.equal(labels_of(own), batch["labels"]) and size_of(own) == 16
    few = some(own, torch.tensor([3, 5]))
    assert type(few) is type(own) and labels_of(few).tolist() == batch["labels"][[3, 5]].tolist()
    other = asked_loss.with_labels(own, np.array([1, 0, 1] * 8))
    assert labels_of(other).tolist() == [1, 0, 1] * 8 and size_of(other) == 24


class One(Bag):
    def __init__(self, last=None):
        super().__init__()
        self.head, self.last = nn.Linear(16, 1), last or nn.Identity()

    def forward(self, *args, **kwargs):
        return self.last(super().forward(*args, **kwargs)).squeeze(1)


class Probabilities(Bag):
    def forward(self, *args, **kwargs):
        return super().forward(*args, **kwargs).softmax(1)


@pytest.mark.parametrize(
    "model, loss, cause",
    [
        (One(), lambda x, y: F.binary_cross_entropy_with_logits(x, y.float()), None),
        (One(nn.Sigmoid()), lambda x, y: F.binary_cross_entropy(x, y.to(x.dtype)), None),
        (Probabilities(), lambda x, y: F.nll_loss(x.log(), y), None),
        (One(), lambda x, y: F.cross_entropy(x.unsqueeze(1), y.float().unsqueeze(1)), "single-logit"),
        (One(), lambda x, y: F.binary_cross_entropy_with_logits(x, 1 - y.float()), "training-labels-inverted"),
        (Probabilities(), F.cross_entropy, "double-softmax"),
        (One(nn.Sigmoid()), lambda x, y: F.binary_cross_entropy_with_logits(x, y.to(x.dtype)), "double-softmax"),
    ],
)
def test_one_logit_or_probabilities_are_right_for_a_loss_that_takes_them(model, loss, cause):
    found = examine(**training(model=model, loss=loss, limit=120))
    assert found.cause == cause and not [f for f in found.violations if cause is None and f.firm], found.table()


def test_a_model_may_give_probabilities_in_evaluation_only():
    class Both(Bag):
        def forward(self, *args, **kwargs):
            logits = super().forward(*args, **kwargs)
            return logits if self.training else logits.softmax(1)

    found = examine(**training(model=Both(), limit=120))
    assert found.cause is None and not [f for f in found.violations if f.firm], found.table()


def test_a_temperature_in_training_alone_is_found():
    class Tempered(Bag):
        def forward(self, *args, **kwargs):
            return super().forward(*args, **kwargs) / (4 if self.training else 1)

    found = examine(**training(model=Tempered(), limit=120))
    assert (found.cause, found.place) == ("temperature-forgotten", "loss"), found.table()


def test_a_step_tells_how_the_model_is_called():
    class Renamed(Bag):
        def forward(self, words, kinds):
            return {"scores": super().forward(words, kinds, None)}

    def step(model, batch, loss, optimizer, schedule):
        (x, kinds), labels = batch
        value = loss(model(x, kinds=kinds)["scores"], labels)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value.item()

    def kept(seed, shuffle):
        return [((b["input_ids"], b["token_type_ids"]), b["labels"]) for b in loader(320 - 160 * seed, seed, shuffle)]

    found = examine(**training(model=Renamed(), step=step, train=kept(0, True), held_out=kept(1, False)))
    assert found.sound and any(f.fact == "loss.function" and f.state == "holds" for f in found.findings), found.table()


def test_noise_is_no_shuffling():
    from nsputil.clinic.facts.confusion import kind

    rng = np.random.default_rng(1)
    truth = np.arange(1600) % 2
    noisy = np.where(rng.random(1600) < 0.42, 1 - truth, truth)
    assert kind(truth, noisy)[0] == "label-noise" and kind(truth, rng.permutation(truth))[0] == "labels-shuffled"


def test_a_stream_is_examined():
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            yield from Pairs(160, 0)

    found = examine(**training(train=DataLoader(Stream(), 16), limit=120))
    assert found.cause is None and found.conclusion.answer != "too little to tell", found.table()


def poly(logits, labels):
    p = logits.softmax(-1).gather(1, labels[:, None]).squeeze(1)
    return (-p.log() + 2 * (1 - p)).mean()


def wrong_way(logits, labels):
    log_p = logits.log_softmax(-1).gather(1, labels[:, None])
    return -(log_p.exp() ** 2 * log_p).mean()


def function_of(found):
    return next(f for f in found.findings if f.fact == "loss.function")


def test_an_unknown_loss_is_judged_by_where_it_pushes():
    chosen = examine(**training(loss=poly))
    assert function_of(chosen).state == "violated" and not function_of(chosen).firm and chosen.sound, chosen.table()
    assert function_of(examine(**training(loss=wrong_way))).firm


def test_a_number_without_a_name_may_be_an_area_under_the_curve():
    def area(model, held_out):
        model.eval()
        with torch.no_grad():
            odds = torch.cat([(z := model(**inputs(b)))[:, 1] - z[:, 0] for b in held_out])
        model.train()
        labels = torch.cat([b["labels"] for b in held_out])
        return (odds[labels == 1][:, None] > odds[labels == 0][None]).float().mean().item()

    found = examine(**training(evaluate=area))
    assert found.sound and not [f for f in found.violations if f.place == "evaluation"], found.table()


def test_two_sides_beside_one_another_are_not_compared():
    class Sides(Bag):
        def __init__(self):
            super().__init__()
            self.pooler = nn.Linear(64, 2)

        def forward(self, left, right):
            return self.pooler(torch.cat([self.words(x).mean(1) for x in (left, right)], 1))

    def join(rows):
        ids = torch.stack([row["input_ids"] for row in rows])
        return {"left": ids[:, 1:6], "right": ids[:, 7:12], "labels": torch.stack([row["labels"] for row in rows])}

    loaders = {
        name: DataLoader(Pairs(count, seed), 16, shuffle=name == "train", collate_fn=join)
        for name, count, seed in (("train", 320, 0), ("held_out", 160, 1))
    }
    assert examine(**training(model=Sides(), **loaders)).cause == "no-comparison"
