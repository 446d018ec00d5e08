"""docs/tables.md says what PyTorch says; so do the statements of docs/questions.md on transformers."""

import inspect
import random
import re
from dataclasses import fields
from pathlib import Path

import pytest
import tokenizers
import torch
import torch.nn.functional as F
import torch.utils.checkpoint
import transformers
from torch.utils.data import DistributedSampler
from transformers import (
    AlbertConfig,
    BertConfig,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForSequenceClassification,
    BertModel,
    BertTokenizer,
    DebertaConfig,
    DebertaModel,
    FlaubertConfig,
    FlaubertForSequenceClassification,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaModel,
    Trainer,
)

import nsputil
import nsputil.metrics

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("questions.md", "tables.md"))
SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 20}
LOOKS = re.findall(r"`([^`]+)`", PAGE.split("| is it ... ? | look |")[1].split("\n## ")[0])
LOSSES = re.findall(r"\| `([^`]+)`", PAGE.split("| what the model ends with |")[1].split("\n## ")[0])


class Tokenizer:
    unk_token_id = 1

    def __len__(self):
        return 20

    def decode(self, ids):
        return " ".join(str(int(k)) for k in ids)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Return what the looks call by name, from one small model and four pairs, after a backward pass."""
    folder = tmp_path_factory.mktemp("saved")
    torch.manual_seed(0)
    BertForNextSentencePrediction(BertConfig(**SMALL)).save_pretrained(folder)
    model = BertForNextSentencePrediction.from_pretrained(folder)
    ids, segments = torch.randint(5, 20, (4, 6)), torch.tensor([[0, 0, 0, 1, 1, 1]] * 4)
    batch = {"input_ids": ids, "token_type_ids": segments, "attention_mask": torch.ones_like(ids)}
    labels = torch.tensor([0, 1, 1, 1])
    out = model(**batch, labels=labels)
    out.loss.backward()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    weight = model.cls.seq_relationship.weight
    known = {"model": model, "batch": batch, "labels": labels, "logits": out.logits.detach(), "loss": out.loss.detach()}
    known |= {"optimizer": optimizer, "weight": weight, "before": weight.detach().clone(), "folder": folder}
    known |= {"F": F, "vectors": torch.randn(500, 8), "similarity": torch.eye(4)}
    return known | {"torch": torch, "nsputil": nsputil, "tokenizer": Tokenizer(), "right": 54, "pairs": 100}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_runs(look, names):
    exec(look, dict(names))  # some are statements


def test_the_looks_say_what_the_page_says(names):
    one = torch.tensor(1.0)

    def value(start):
        (look,) = [look for look in LOOKS if look.startswith(start)]
        return eval(look, dict(names))

    assert value("model.training") is False and not value("type(model)")
    assert (value('batch["token_type_ids"]') == 1).all() and value('batch["input_ids"]')
    assert value('(batch["attention_mask"].sum(1) ==') == 1  # no row has padding
    assert value('(batch["input_ids"] ==') == 0 and value("len(tokenizer)")
    assert value("labels[: len") == 0.5 and value("labels.float()") == 0.75
    assert torch.isclose(value("-logits"), names["loss"])
    assert value("(similarity") == 1 and value("F.cosine_similarity").abs() < 0.1
    assert value("(labels == labels.clamp") and value("sum(len") and torch.isclose(value("F.cross_entropy"), one)
    assert f"{value('torch.distributions').item():.4f}" == "0.5623"  # H(1/4)
    assert value("optimizer") == 0.5 and value("torch.nn.utils") > 0 and value("[name") == []
    assert abs(value("F.normalize") - value("vectors.shape")) < 0.02
    names["optimizer"].step()
    assert value("(weight - before)") > 0


@pytest.mark.parametrize(("p_gold", "costs"), [(0.8, "0.2231"), (0.5, "0.6931")])
def test_each_loss_of_the_table_is_the_log_loss_of_the_gold_class(p_gold, costs):
    """Two pairs, one of each class, and the gold class has `p_gold`; the focal and the squared loss are others."""
    gap = torch.logit(torch.tensor(p_gold))
    labels = torch.tensor([0, 1])
    logits = torch.stack([torch.stack([gap, 0 * gap]), torch.stack([0 * gap, gap])])
    space = {
        "F": F,
        "logits": logits,
        "labels": labels,
        "log_p": logits.log_softmax(1),
        "z": logits[:, 1] - logits[:, 0],
    }
    space |= {"many_z": torch.stack([gap, -gap])[None], "many_labels": torch.tensor([[1.0, 0.0]])}
    space |= {"scores": logits, "right_one": labels, "good": gap[None], "bad": 0 * gap[None]}
    space |= {"p_gold": torch.tensor([p_gold]), "shares": torch.eye(2)}
    space |= {"number": torch.tensor([2.5, 2.5]), "degree": torch.tensor([0.0, 5.0])}  # the mean of the labels
    space |= {"torch": torch, "similarity": logits, "T": 1.0, "n": 2, "teacher": logits, "w": torch.tensor(1.0)}
    space |= {"margin": 1.0, "right": torch.eye(2)}
    values = [f"{eval(loss, dict(space)).item():.4f}" for loss in LOSSES]
    assert len(values) == 15 and values[:6] == [costs] * 6 and values[7:10] == [costs] * 3
    assert p_gold != 0.5 or values[6] == "0.1733"
    assert values[13] == costs and values[12] == f"{max(0, 1 - gap.item()):.4f}"
    assert abs(float(values[14]) + gap.item()) < 1e-4  # ln 1 = 0 where nothing is known
    assert values[10] == f"{abs(0.0):.4f}"  # a perfect copy of the larger model
    assert values[11] == f"{torch.tensor([0.0, 5.0]).var(unbiased=False).item():.4f}"


def test_a_state_that_does_not_fit_is_told_by_what_load_state_dict_returns():
    told = BertForPreTraining(BertConfig(**SMALL)).load_state_dict({"not.there": torch.ones(1)}, strict=False)
    assert "cls.seq_relationship.weight" in told.missing_keys and told.unexpected_keys == ["not.there"]


def test_a_distributed_sampler_repeats_rows():
    parts = [list(DistributedSampler(range(5), 2, rank, shuffle=False)) for rank in (0, 1)]
    assert sorted(parts[0] + parts[1]) == [0, 0, 1, 2, 3, 4]


def test_the_focal_loss_is_lowest_below_the_true_share():
    p = torch.linspace(0.001, 0.999, 999)
    focal = -((1 - p) ** 2) * p.log()
    best = p[(0.9 * focal + 0.1 * focal.flip(0)).argmin()]
    assert "where the true share is 0.9, it is lowest at 0.69" in PAGE and f"{best.item():.2f}" == "0.69"


def test_a_norm_that_is_nan_spoils_every_gradient_and_bfloat16_has_fewer_digits():
    one, two = (torch.nn.Parameter(torch.ones(1)) for _ in range(2))
    one.grad, two.grad = torch.tensor([float("nan")]), torch.ones(1)
    torch.nn.utils.clip_grad_norm_([one, two], 1.0)
    assert two.grad.isnan().all()
    assert torch.finfo(torch.bfloat16).eps > torch.finfo(torch.float16).eps > torch.finfo(torch.float32).eps
    assert torch.finfo(torch.bfloat16).max > 1e38


def test_a_model_from_a_configuration_is_in_training_mode_and_a_loaded_one_is_not(names):
    assert BertForNextSentencePrediction(BertConfig(**SMALL)).training and not names["model"].training


def test_a_head_of_another_size_is_drawn_new(names):
    kind, folder = BertForNextSentencePrediction, names["folder"]
    wider = BertConfig(**SMALL | {"vocab_size": 25})
    with pytest.raises(RuntimeError, match="size"):
        kind.from_pretrained(folder, config=wider)
    assert kind.from_pretrained(folder, config=wider, ignore_mismatched_sizes=True).config.vocab_size == 25


def test_the_bias_of_the_word_head_has_two_names():
    model = BertForPreTraining(BertConfig(**SMALL))
    assert "`model.cls.predictions.decoder.bias is model.cls.predictions.bias` should be True" in PAGE
    assert model.cls.predictions.decoder.bias is model.cls.predictions.bias
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight


def test_class_weights_are_given_outside_of_the_model():
    (line,) = re.findall(r"compute the loss yourself, `(.+?)`", PAGE)
    gap = -torch.log(torch.expm1(torch.tensor([0.2, 1.0])))  # of pairs whose losses are 0.2 and 1.0
    logits = torch.stack([torch.stack([gap[0], 0 * gap[0]]), torch.stack([0 * gap[1], gap[1]])])
    scope = {"F": F, "labels": torch.tensor([0, 1]), "w": torch.tensor([1.0, 3.0])}
    scope["out"] = type("Output", (), {"logits": logits})
    assert abs(eval(line, scope).item() - 0.8) < 1e-6
    assert "compute_loss_func" in inspect.signature(Trainer).parameters


def test_two_equal_rows_of_segments_change_nothing():
    model = RobertaModel(RobertaConfig(**SMALL, type_vocab_size=1)).eval()
    ids = torch.randint(5, 20, (2, 6))
    first = model(input_ids=ids).last_hidden_state
    line = re.search(r"A worked line: `(old = .+?)`, then `(.+?)` and `(.+?)`\.", PAGE)
    scope = {"torch": torch, "model": model}
    for statement in line.groups():
        exec(statement, scope)
    second = model(input_ids=ids, token_type_ids=torch.tensor([[0, 0, 0, 1, 1, 1]] * 2)).last_hidden_state
    assert torch.allclose(first, second)
    table = model.embeddings.token_type_embeddings.weight
    assert table.shape == (2, 8) and table.requires_grad and model.config.type_vocab_size == 2


def test_two_outputs_made_into_one_and_the_two_losses_of_pytorch():
    assert "`torch.allclose(two.softmax(1)[:, 1], one[:, 0].sigmoid(), atol=1e-6)`" in PAGE
    torch.manual_seed(0)
    pooled, head, single = torch.randn(50, 8), torch.nn.Linear(8, 2), torch.nn.Linear(8, 1)
    with torch.no_grad():
        single.weight.copy_(head.weight[1:] - head.weight[:1])
        single.bias.copy_(head.bias[1:] - head.bias[:1])
        two, one = head(pooled), single(pooled)
    assert torch.allclose(two.softmax(1)[:, 1], one[:, 0].sigmoid(), atol=1e-6)
    z, labels = torch.tensor([[3.0, 1.0]]), torch.tensor([1])
    assert round(float(F.cross_entropy(z, labels)), 4) == 2.1269
    assert round(float(F.binary_cross_entropy_with_logits(z, F.one_hot(labels).float())), 4) == 1.6809
    assert round(float(F.binary_cross_entropy_with_logits(z[:, 1] - z[:, 0], labels.float())), 4) == 2.1269


def test_a_row_of_zeros_as_soft_labels_has_no_gradient_in_pytorch():
    z = torch.tensor([[2.0, 0.0]], requires_grad=True)
    F.cross_entropy(z, torch.zeros(1, 2)).backward()
    assert (z.grad == 0).all()


def test_two_outputs_and_a_column_of_zeros_serve_three_classes():
    assert "`F.cross_entropy(F.pad(two, (0, 1)), labels)`; class 2 is then the fixed one" in PAGE
    two, labels = torch.tensor([[0.3, -1.0], [2.0, 0.5], [-0.4, 0.1]]), torch.tensor([0, 1, 2])
    three = torch.cat([two + 1, torch.ones(3, 1)], dim=1)
    assert torch.isclose(F.cross_entropy(F.pad(two, (0, 1)), labels), F.cross_entropy(three, labels))


def test_a_half_precision_loss_is_finite_when_it_is_computed_in_float32():
    assert "so compute `logits.float().log_softmax(-1)`" in PAGE
    logits = torch.tensor([0.0, 40.0]).half()
    assert torch.isinf(logits.softmax(-1).log()[0]) and torch.isclose(
        logits.float().log_softmax(-1)[0], torch.tensor(-40.0)
    )


def test_a_typed_sep_is_the_token_and_gives_no_segment(tmp_path):
    words = "[PAD] [UNK] [CLS] [SEP] [MASK] what is it a cat".split()
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    tokenizer = BertTokenizer(str(tmp_path / "vocab.txt"))
    one, two = tokenizer("what is it [SEP] a cat"), tokenizer("what is it", "a cat")
    assert "the row is `[CLS] what is it [SEP] a cat [SEP]` with eight zeros" in PAGE
    assert "gives the same tokens with 0 0 0 0 0 1 1 1" in PAGE
    assert tokenizer.convert_ids_to_tokens(one["input_ids"]) == "[CLS] what is it [SEP] a cat [SEP]".split()
    assert one["input_ids"] == two["input_ids"] and one["token_type_ids"] == [0] * 8
    assert two["token_type_ids"] == [0] * 5 + [1] * 3


def test_the_loss_of_a_classifier_depends_on_outputs_and_labels():
    assert "near 0.69 with two outputs and near 0.50 with one" in PAGE
    torch.manual_seed(0)
    ids = torch.randint(5, 20, (4, 6))
    for outputs, labels, kind, first in (
        (1, torch.tensor([0.0, 1, 0, 1]), "regression", 0.50),
        (2, torch.tensor([0, 1, 0, 1]), "single_label_classification", 0.69),
        (2, torch.eye(2)[[0, 1, 0, 1]], "multi_label_classification", 0.69),
    ):
        model = BertForSequenceClassification(BertConfig(**SMALL, num_labels=outputs)).eval()
        assert abs(model(ids, labels=labels).loss.item() - first) < 0.05 and model.config.problem_type == kind


def test_models_without_a_table_of_segments_or_a_pair_head():
    model = DebertaModel(DebertaConfig(**SMALL)).eval()
    assert "the default of `type_vocab_size` in their configuration is 0" in PAGE and model.config.type_vocab_size == 0
    ids = torch.randint(5, 20, (2, 6))
    same = model(ids, token_type_ids=torch.ones_like(ids)).last_hidden_state
    assert torch.equal(model(ids).last_hidden_state, same)
    names = RobertaForMaskedLM(RobertaConfig(**SMALL)).state_dict()
    assert {"lm_head.dense.weight", "lm_head.layer_norm.weight", "lm_head.bias"} <= names.keys()
    assert not [name for name in names if "pooler" in name or "seq_relationship" in name]
    assert "an `AlbertConfig` without numbers is the xxlarge model" in PAGE and AlbertConfig().hidden_size == 4096


def test_ignored_rows_with_weights_and_smoothing_and_a_negative_index():
    z = torch.tensor([[0.1735, 0.2191], [-0.1377, 0.3467], [-0.2162, 0.2021]])
    target, w = torch.tensor([0, -1, 0]), torch.tensor([1.0, 16])
    keep = target != -1
    both = F.cross_entropy(z, target, weight=w, ignore_index=-1, label_smoothing=0.1)
    assert torch.isclose(both, F.cross_entropy(z[keep], target[keep], weight=w, label_smoothing=0.1))
    row = torch.ones(200)
    row[-100] = 0
    assert "word V - 100 loses its share" in PAGE and row[100] == 0 and row.sum() == 199
    with pytest.raises(IndexError):
        torch.ones(50)[-100] = 0
    with pytest.raises(RuntimeError, match="out of bounds"):
        torch.ones(1, 200).scatter_(1, torch.tensor([[-100]]), 0.9)
    assert "among equal scores `argmax` takes column 0" in PAGE and torch.zeros(1, 5).argmax(1) == 0


def test_the_smallest_number_hides_where_minus_10000_does_not():
    scores, mask = torch.tensor([100.0, 12_000.0]), torch.tensor([1, 0])
    assert torch.allclose((scores - 10_000 * (1 - mask)).softmax(0), torch.tensor([0.0, 1.0]))
    (hidden,) = re.findall(r"`(scores\.masked_fill\(.+?\.min\))`", PAGE)
    assert torch.equal(eval(hidden, {"torch": torch, "scores": scores, "mask": mask}).softmax(0), mask.float())
    row = torch.full((3,), torch.finfo(torch.float16).min).half()
    assert torch.allclose(row.float().softmax(0), torch.tensor(1 / 3))


def test_both_directions_of_a_contrastive_loss():
    (call,) = re.findall(r"`(\(F\.cross_entropy\(s, i\).+?/ 2)`, with `i = torch.arange\(len\(s\)\)`", PAGE)
    s = torch.tensor([[3, 2.9], [0, 1]])
    both = eval(call, {"F": F, "s": s, "i": torch.arange(len(s))})
    assert round(both.item(), 3) == round((0.4788 + 1.0440) / 2, 3)
    (row,) = re.findall(r"`(-\(s\[0, 0\] .+?)`", PAGE)
    assert torch.isclose(eval(row, {"s": s}), F.cross_entropy(s[:1], torch.tensor([0])))


def _message(call):
    with pytest.raises((RuntimeError, IndexError, ValueError)) as raised:
        call()
    return str(raised.value)


def test_the_messages_of_the_table_are_those_of_pytorch_and_what_helps_helps():
    z, labels, one_hot = torch.zeros(2, 2), torch.tensor([0, 1]), torch.eye(2)
    told = {
        "Target -1 is out of bounds": lambda: F.cross_entropy(z, labels - 1),
        "multi-target not supported": lambda: F.cross_entropy(z, labels[:, None]),
        "expected target dtype to be Long or Byte, but got Float": lambda: F.cross_entropy(z, labels.float()),
        "Expected floating point type for target with class probabilities, got Long": lambda: F.cross_entropy(
            z, one_hot.long()
        ),
        "result type Float can't be cast to the desired output type Long": lambda: F.binary_cross_entropy_with_logits(
            z[:, 0], labels
        ),
        "ignore_index is not supported for floating point target": lambda: F.cross_entropy(z, one_hot, ignore_index=0),
        "value cannot be converted to type c10::Half without overflow": lambda: z.half().masked_fill(z == 0, -1e9),
        "index out of range in self": lambda: F.embedding(torch.tensor([2]), z),
        "grad can be implicitly created only for scalar outputs": lambda: z.clone().requires_grad_().exp().backward(),
        "stack expects each tensor to be equal size": lambda: torch.stack([torch.zeros(3), torch.zeros(4)]),
    }
    for message, call in told.items():
        assert f"`{message}`" in PAGE and message in _message(call)
    ln_2 = torch.log(torch.tensor(2.0))
    for loss in (
        F.cross_entropy(z, labels[:, None].flatten()),
        F.cross_entropy(z, labels.float().long()),
        F.cross_entropy(z, one_hot.argmax(1)),
        F.cross_entropy(z, one_hot.float()),
        F.binary_cross_entropy_with_logits(z[:, 0], labels.float()),
    ):
        assert torch.isclose(loss, ln_2)


def test_what_a_model_that_knows_nothing_pays_with_other_losses():
    labels, z = torch.tensor([1.0, 0, 0, 0, 0]), torch.zeros(5)
    loss = F.binary_cross_entropy_with_logits(z, labels, pos_weight=torch.tensor(4 / 1))
    assert "twice the share of the negatives times ln 2" in PAGE and torch.isclose(
        loss, 2 * 0.8 * torch.tensor(2.0).log()
    )
    teacher, t = torch.tensor([[3.0, 1, 0], [0.5, 0, 2]]), 2.0
    entropies = torch.distributions.Categorical(logits=teacher / t).entropy()
    (line,) = [line for line in LOSSES if line.startswith("F.kl_div")]
    loss = eval(line, {"F": F, "torch": torch, "logits": torch.zeros(2, 3), "teacher": teacher, "T": t})
    assert torch.isclose(loss, t**2 * (torch.tensor(3.0).log() - entropies.mean()))
    z = torch.tensor([[1.0, float("-inf"), 0]])
    assert torch.isinf(F.cross_entropy(z, torch.tensor([0]), label_smoothing=0.1))
    assert torch.isfinite(F.cross_entropy(z, torch.tensor([0])))


@pytest.mark.parametrize(
    ("family", "read"),
    [
        ("Bert", "outputs[1]"),
        ("MobileBert", "outputs[1]"),
        ("Albert", "outputs[1]"),
        ("Electra", "self.classifier(sequence_output)"),
        ("DistilBert", "nn.ReLU()"),
        ("XLNet", "self.sequence_summary"),
        ("GPT2", "pad_token_id"),
        ("Bart", "eos_mask"),
        ("T5", "eos_mask"),
    ],
)
def test_the_classifiers_of_the_table_read_what_the_page_says(family, read):
    assert read in inspect.getsource(getattr(transformers, f"{family}ForSequenceClassification").forward)


def test_the_hidden_states_begin_with_the_input_and_a_pooler_can_be_left_out():
    model = BertModel(BertConfig(**SMALL | {"num_hidden_layers": 3}), add_pooling_layer=False).eval()
    out = model(torch.tensor([[5, 6, 7]]), output_hidden_states=True)
    assert len(out.hidden_states) == 4 and torch.equal(out.hidden_states[-1], out.last_hidden_state)
    assert out.pooler_output is None and BertConfig().num_hidden_layers + 1 == 13


def test_two_copies_in_one_batch_lose_other_units_and_a_focal_loss_picks_the_gold_class():
    torch.manual_seed(0)
    model, ids = BertModel(BertConfig(**SMALL, attn_implementation="eager")), torch.tensor([[5, 6, 7]] * 2)
    one, other = model.train()(ids).last_hidden_state
    assert (one - other).abs().max() > 0
    one, other = model.eval()(ids).last_hidden_state
    assert torch.allclose(one, other, atol=1e-6)
    log_p = torch.tensor([[0.3, 0.7]]).log()
    factor, labels = (1 - log_p.exp()) ** 2, torch.tensor([0])
    assert "`F.nll_loss(factor * log_p, labels)` picks the gold class" in PAGE
    assert round(F.nll_loss(factor * log_p, labels).item(), 4) == 0.5899


def test_the_divergence_of_pytorch_wants_log_probabilities_and_batchmean():
    half = torch.tensor([[0.5, 0.5]])
    assert "twice one half as target and as input give -1.1931" in PAGE
    assert round(F.kl_div(half, half, reduction="batchmean").item(), 4) == -1.1931
    assert F.kl_div(torch.zeros(1, 2).log_softmax(1), half, reduction="batchmean").item() == 0
    target, log_p = torch.randn(4, 17).softmax(1), torch.randn(4, 17).log_softmax(1)
    mean = F.kl_div(log_p, target, reduction="none").mean()
    assert torch.isclose(17 * mean, F.kl_div(log_p, target, reduction="batchmean"))


def test_the_messages_of_transformers_are_in_its_sources():
    sources = [
        inspect.getsource(each)
        for each in (
            Trainer.compute_loss,
            transformers.GPT2ForSequenceClassification.forward,
            transformers.tokenization_utils_base,
        )
    ]
    for message in (
        "The model did not return a loss from the inputs",
        "Cannot handle batch sizes > 1 if no padding token is defined",
        "Token indices sequence length is longer than the specified maximum sequence length",
    ):
        assert f"`{message}`" in PAGE and any(message in source for source in sources), message


def test_a_temperature_fit_can_stop_above_its_own_start():
    assert "ends at 1.13 from a start of 1.5, with a loss above that of T = 1" in PAGE
    torch.manual_seed(0)
    labels = torch.randint(0, 10, (5000,))
    logits = torch.randn(5000, 10) * 0.5
    logits[torch.arange(5000), labels] += 3.0
    logits *= 0.7

    def fit(start):
        t = torch.tensor([start], requires_grad=True)
        optimizer = torch.optim.LBFGS([t], lr=0.01, max_iter=50)

        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy(logits / t, labels)
            loss.backward()
            return loss

        optimizer.step(closure)
        t = t.detach()
        return float(t), float(F.cross_entropy(logits / t, labels))

    plain = float(F.cross_entropy(logits, labels))
    assert round(fit(1.5)[0], 2) == 1.13 and fit(1.5)[1] > plain and fit(1.0)[0] < 0.5 and fit(1.0)[1] < plain


def test_label_smoothing_counts_the_kept_rows_only():
    assert "the loss of all rows equals that of the kept rows alone, as a sum and as a mean" in PAGE
    z, labels = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, -100, 2, 1, -100])
    keep = labels != -100
    for reduction in ("sum", "mean"):
        every, kept = (
            F.cross_entropy(a, b, label_smoothing=0.2, reduction=reduction)
            for a, b in ((z, labels), (z[keep], labels[keep]))
        )
        assert torch.isclose(every, kept)
    two = F.cross_entropy(z[:1, :2], labels[:1], label_smoothing=0.2)
    assert torch.isclose(two, -(z[0, :2].log_softmax(0) * torch.tensor([0.9, 0.1])).sum())


def test_the_tokenizers_that_return_no_segment_ids_are_those_of_the_page():
    silent = ("Albert", "Funnel", "Herbert", "RemBert", "RoFormer", "Splinter", "XLNet")
    for name in (*silent, "Roberta", "DistilBert", "XLMRoberta"):
        assert "token_type_ids" not in getattr(transformers, f"{name}Tokenizer").model_input_names
    for name in ("Bert", "Electra"):
        assert "token_type_ids" in getattr(transformers, f"{name}Tokenizer").model_input_names
    config = transformers.AlbertConfig(**SMALL, embedding_size=8)
    model, ids = transformers.AlbertModel(config).eval(), torch.tensor([[2, 7, 3, 8, 3]])
    with torch.no_grad():
        missing, zeros = model(ids).pooler_output, model(ids, token_type_ids=torch.zeros_like(ids)).pooler_output
    assert torch.equal(missing, zeros)


def test_a_list_of_names_brings_the_segment_ids_of_albert_back():
    assert '`tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]` once' in PAGE
    tokenizer = transformers.AlbertTokenizer()
    assert "token_type_ids" not in tokenizer("hello", "world")
    assert max(tokenizer("hello", "world", return_token_type_ids=True)["token_type_ids"]) == 1
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    assert max(tokenizer("hello", "world")["token_type_ids"]) == 1


def test_dropout_keeps_the_mean_input_and_a_mean_per_sample_is_as_written():
    assert "PyTorch divides by 0.3 already in training and does nothing in evaluation" in PAGE
    layer, x = torch.nn.Dropout(0.7), torch.ones(100_000)
    torch.manual_seed(0)
    assert abs(float(layer(x).mean()) - 1) < 0.02 and torch.equal(layer.eval()(x), x)
    assert "`((loss * mask).sum(1) / mask.sum(1)).mean()` with `mask = labels != -100`" in PAGE
    logits, labels = torch.randn(2, 7, 5), torch.randint(0, 5, (2, 7))
    labels[1, 2:] = -100
    mask = labels != -100
    loss = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    means = [F.cross_entropy(logits[i][mask[i]], labels[i][mask[i]]) for i in (0, 1)]
    assert torch.isclose(((loss * mask).sum(1) / mask.sum(1)).mean(), (means[0] + means[1]) / 2)


def test_labels_of_tokens_do_not_fit_a_classifier():
    config = BertConfig(**SMALL)
    ids = torch.randint(5, 20, (8, 128))
    with pytest.raises(ValueError, match=r"Expected input batch_size \(8\) to match target batch_size \(1024\)"):
        transformers.BertForSequenceClassification(config)(ids, labels=ids)
    assert transformers.BertForMaskedLM(config)(ids, labels=ids).loss > 0


def _unscale_half():
    weight = torch.ones(1, dtype=torch.float16, requires_grad=True)
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(weight.sum()).backward()
    scaler.unscale_(torch.optim.SGD([weight], lr=0.1))


def _raised():
    z, labels, nan = torch.zeros(32, 2), torch.zeros(32, dtype=torch.long), torch.tensor([float("nan"), 1])
    frozen = torch.nn.Linear(2, 2).requires_grad_(False)
    return {
        "all elements of input should be between 0 and 1": lambda: F.binary_cross_entropy(z - 1, z),
        "Target size (torch.Size([32])) must be the same as input size (torch.Size([32, 2]))": lambda: (
            F.binary_cross_entropy_with_logits(z, labels.float())
        ),
        "invalid multinomial distribution (sum of probabilities <= 0)": lambda: torch.multinomial(torch.zeros(1), 1),
        "probability tensor contains either inf, nan or element < 0": lambda: torch.multinomial(nan, 1),
        "element 0 of tensors does not require grad": lambda: F.cross_entropy(frozen(z), labels).backward(),
        "mat1 and mat2 shapes cannot be multiplied (32x1536 and 2304x3)": lambda: torch.nn.Linear(2304, 3)(
            torch.zeros(32, 1536)
        ),
        "The size of tensor a (600) must match the size of tensor b (512)": lambda: torch.ones(600) + torch.ones(512),
        "Can't call numpy() on Tensor that requires grad": lambda: torch.ones(1, requires_grad=True).numpy(),
        "modified by an inplace operation": lambda: torch.ones(1, requires_grad=True).exp().add_(1).backward(),
        "Attempting to unscale FP16 gradients": _unscale_half,
        "mat1 and mat2 must have the same dtype, but got Float and Half": lambda: torch.nn.Linear(2, 2).half()(z),
        "Expected target size [2, 3], got [2, 5]": lambda: F.cross_entropy(
            torch.zeros(2, 5, 3), labels[:10].view(2, 5)
        ),
    }


@pytest.mark.parametrize("message", _raised())
def test_pytorch_says_what_the_table_of_messages_and_numbers_says(message):
    assert f"`{message}`" in PAGE
    with pytest.raises((RuntimeError, ValueError)) as raised:
        _raised()[message]()
    assert message in str(raised.value).replace("`", "")


def test_models_without_segments_ignore_or_reuse_the_ids():
    ids, kinds = torch.tensor([[5, 6, 7, 8]]), torch.tensor([[0, 0, 1, 1]])
    model = transformers.DebertaV2Model(transformers.DebertaV2Config(**SMALL)).eval()
    assert model.config.type_vocab_size == 0
    with torch.no_grad():
        assert torch.equal(
            model(ids, token_type_ids=kinds).last_hidden_state, model(ids, token_type_ids=0 * kinds).last_hidden_state
        )
    for name in ("ModernBert", "MPNet", "DistilBert", "T5Encoder"):
        assert "token_type_ids" not in inspect.signature(getattr(transformers, f"{name}Model").forward).parameters
    assert "self.wte(token_type_ids)" in inspect.getsource(transformers.GPT2Model.forward)
    assert transformers.BertConfig().id2label == {0: "LABEL_0", 1: "LABEL_1"}


def test_weights_of_positives_and_the_mean_of_a_divergence_are_as_written():
    z, yes, weight = torch.tensor([0.3, -0.2, 1.0]), torch.tensor([1.0, 0.0, 1.0]), torch.tensor([3.0])
    single = F.binary_cross_entropy_with_logits(z, yes, reduction="none") * torch.where(yes == 1, weight, 1.0)
    assert torch.isclose(F.binary_cross_entropy_with_logits(z, yes, pos_weight=weight), single.mean())
    log_p, shares = torch.randn(4, 3).log_softmax(1), torch.rand(4, 3).softmax(1)
    mean, batch = (F.kl_div(log_p, shares, reduction=each) for each in ("none", "batchmean"))
    assert torch.isclose(batch, mean.sum(1).mean()) and torch.isclose(mean.mean() * 3, batch)


@pytest.mark.filterwarnings("ignore")
def test_a_column_against_a_row_falls_only_to_the_variance_of_the_labels():
    assert "`Using a target size (torch.Size([32])) that is different to the input size`" in PAGE
    labels = torch.arange(32.0)
    with pytest.warns(UserWarning, match="Using a target size .* that is different to the input size"):
        perfect = F.mse_loss(labels[:, None], labels)
    constant = F.mse_loss(labels.mean().expand(32, 1), labels)
    assert perfect > constant and torch.isclose(constant, labels.var(unbiased=False))


def test_the_program_for_both_tasks_trains_both(tmp_path, monkeypatch, capsys):
    (program,) = re.findall(r"```python\n(.+?)```", PAGE, re.S)
    words = "[PAD] [UNK] [CLS] [SEP] [MASK] red blue cat dog runs sits a the".split()
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    made = BertForPreTraining(BertConfig(**SMALL))
    monkeypatch.setattr(
        transformers.AutoTokenizer, "from_pretrained", lambda _: BertTokenizer(str(tmp_path / "vocab.txt"))
    )
    monkeypatch.setattr(BertForPreTraining, "from_pretrained", lambda _: made)
    before = {name: each.detach().clone() for name, each in made.named_parameters()}
    documents = [["red cat runs", "a red cat sits", "the cat runs"], ["blue dog sits", "a blue dog runs"]] * 4
    scope = {"documents": documents}
    random.seed(0)
    torch.manual_seed(0)
    exec(program, scope)
    batch = scope["batch"]
    assert batch["next_sentence_label"].unique().tolist() == [0, 1] and (batch["labels"] == -100).any()
    assert (batch["token_type_ids"].max(1).values == 1).all() and batch["attention_mask"].shape == batch["labels"].shape
    assert not torch.isin(batch["labels"], torch.tensor([0, 2, 3])).any()  # [PAD], [CLS] and [SEP] are never hidden
    assert capsys.readouterr().out.count("epoch") == 3 and torch.isclose(
        scope["pair_loss"] + scope["word_loss"], scope["out"].loss
    )
    parts = dict(made.named_parameters())
    for name in ("cls.seq_relationship.weight", "bert.pooler.dense.weight", "cls.predictions.transform.dense.weight"):
        assert (parts[name] != before[name]).any(), name


def test_a_table_of_segments_is_exchanged_and_the_configuration_alone_changes_nothing(names, tmp_path):
    model = BertModel(BertConfig(**SMALL)).eval()
    model.config.type_vocab_size = 3
    ids = torch.randint(5, 20, (2, 4))
    assert model.embeddings.token_type_embeddings.weight.shape == (2, 8)
    with pytest.raises(IndexError):
        model(ids, token_type_ids=torch.full_like(ids, 2))
    statements = re.search(
        r"Build a new table instead: `(old = .+?)`, then `(rows = .+?)`, `(model.+?)`", PAGE
    ).groups()
    scope = {"torch": torch, "model": model}
    for statement in statements:
        exec(statement, scope)
    one, two = (model(ids, token_type_ids=torch.full_like(ids, k)).last_hidden_state for k in (1, 2))
    assert torch.equal(one, two) and model.embeddings.token_type_embeddings.weight.requires_grad
    model.save_pretrained(tmp_path)
    assert BertModel.from_pretrained(tmp_path).embeddings.token_type_embeddings.weight.shape == (3, 8)


def test_an_empty_partner_gives_a_row_of_one_kind(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join("[PAD] [UNK] [CLS] [SEP] [MASK] a cat".split()), encoding="utf-8")
    tokenizer = BertTokenizer(str(tmp_path / "vocab.txt"))
    assert tokenizer("a cat", "")["token_type_ids"][:4] == [0, 0, 0, 0]
    row = tokenizer("", "a cat")
    assert tokenizer.convert_ids_to_tokens(row["input_ids"]) == "[CLS] [SEP] a cat [SEP]".split()
    assert row["token_type_ids"] == [0, 0, 1, 1, 1]


def test_a_label_outside_stops_and_ignore_index_is_zero():
    with pytest.raises(IndexError, match="Target -4 is out of bounds"):
        F.cross_entropy(torch.zeros(3, 5), torch.tensor([1, -4, 2]), reduction="none")
    assert F.cross_entropy(torch.zeros(1, 5), torch.tensor([-1]), reduction="none", ignore_index=-1).item() == 0


def test_two_ways_to_two_classes_cost_the_same():
    z, y = torch.tensor([[1.0, 3.0]]), torch.tensor([1])
    assert f"{F.cross_entropy(z, y).item():.4f}" == "0.1269"
    one = torch.nn.BCEWithLogitsLoss()(torch.tensor([[2.0]]).squeeze(1), y.float())
    assert f"{one.item():.4f}" == "0.1269"
    with pytest.raises(RuntimeError):
        torch.nn.BCELoss()(z.log_softmax(1), F.one_hot(y, 2).float())


def test_a_mask_behind_the_loss_leaves_nan_in_the_gradient_and_a_root_does_so_at_zero():
    y, keep = torch.tensor([0.0, float("nan")]), torch.tensor([True, False])
    for in_front, told in ((False, [False, True]), (True, [False, False])):
        x = torch.zeros(2, requires_grad=True)
        loss = F.mse_loss(x[keep], y[keep], reduction="none") if in_front else ((x - y) ** 2)[keep]
        loss.sum().backward()
        assert x.grad.isnan().tolist() == told
    x = torch.zeros(1, requires_grad=True)
    (x**2).sum().sqrt().backward()
    assert x.grad.isnan().all()
    x = torch.zeros(1, requires_grad=True)
    ((x**2).sum() + 1e-12).sqrt().backward()
    assert x.grad.item() == 0


def test_a_cosine_loss_ignores_labels_of_zero():
    a, b = torch.tensor([[1.0, 0]], requires_grad=True), torch.tensor([[0.6, 0.8]])
    loss = F.cosine_embedding_loss(a, b, torch.tensor([0]))
    loss.backward()
    assert loss.item() == 0 and (a.grad == 0).all()


def test_a_row_that_is_masked_everywhere_is_nan_and_with_the_lowest_number_even():
    scores = torch.full((3,), -torch.inf)
    assert scores.softmax(0).isnan().all()
    assert torch.allclose(torch.full((3,), torch.finfo(scores.dtype).min).softmax(0), torch.tensor(1 / 3))


def test_inputs_that_are_not_scaled_leave_one_answer_for_all():
    """The toy problem: two numbers from 0 to 100, is their sum above 50? With fewer steps than on the page."""
    assert "with `(x - 50) / 29` all three seeds reach 99 %" in PAGE

    def train(scaled):
        torch.manual_seed(0)
        x = torch.randint(0, 101, (1000, 2)).float()
        y = (x.sum(1) > 50).float()
        x = (x - 50) / 29 if scaled else x
        model = torch.nn.Sequential(torch.nn.Linear(2, 110), torch.nn.Tanh(), torch.nn.Linear(110, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(500):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(x)[:, 0], y).backward()
            optimizer.step()
        return ((model(x)[:, 0] > 0) == (y > 0)).float().mean().item(), model[:2](x).abs().gt(
            0.99
        ).float().mean().item()

    (right, ends), (right_scaled, ends_scaled) = train(False), train(True)
    assert right_scaled > 0.98 > 0.95 > right and ends > 0.5 > ends_scaled


def test_adam_with_weights_of_float16_ends_at_infinity_or_does_not_move():
    assert "a weight of 0.5 with a gradient of 1e-5 is -inf after one step of AdamW at 2e-5" in PAGE
    for kind, gradient, ends in (
        (torch.float16, 1e-5, -torch.inf),
        (torch.float16, 1.0, 0.5),
        (torch.bfloat16, 1, 0.5),
    ):
        weight = torch.tensor([0.5], dtype=kind, requires_grad=True)
        weight.grad = torch.tensor([gradient], dtype=kind)
        torch.optim.AdamW([weight], lr=2e-5, weight_decay=0).step()
        assert weight.item() == ends


def test_a_functional_dropout_does_not_hear_of_evaluation_mode():
    assert inspect.signature(F.dropout).parameters["training"].default is True
    x = torch.randn(1, 1, 8, 8)
    first, second = (F.scaled_dot_product_attention(x, x, x, dropout_p=0.5) for _ in range(2))
    assert not torch.equal(first, second)
    assert "`F.scaled_dot_product_attention(q, k, v, dropout_p=0.1)` drops always" in PAGE


def test_a_dropped_column_costs_what_a_column_of_minus_infinity_costs():
    assert "`F.cross_entropy(z[:, 1:], y - 1, ignore_index=-1)`" in PAGE
    z, y = torch.tensor([[1.0, 2.0, 0.5], [3.0, 0.0, 1.0], [1.0, 1.0, 4.0]]), torch.tensor([1, 0, 2])
    hidden = z.clone()
    hidden[:, 0] = torch.where(y == 0, z[:, 0], -torch.inf)
    assert torch.isclose(F.cross_entropy(z[:, 1:], y - 1, ignore_index=-1), F.cross_entropy(hidden, y, ignore_index=0))
    assert not torch.isclose(F.cross_entropy(z, y, ignore_index=0), F.cross_entropy(hidden, y, ignore_index=0))


def test_the_defaults_of_the_table_of_tools_are_those_of_pytorch_and_transformers():
    text = inspect.getsource(transformers.TrainingArguments)
    assert 'self.metric_for_best_model = "loss"' in text
    assert 'self.greater_is_better = not self.metric_for_best_model.endswith("loss")' in text
    assert "if self.warmup_steps >= 1 else math.ceil(num_training_steps * self.warmup_steps)" in text
    assert {f.name: f.default for f in fields(transformers.TrainingArguments)}["remove_unused_columns"] is True
    labels = transformers.utils.find_labels(BertForPreTraining)
    assert labels == ["labels", "next_sentence_label"]
    assert "all(inputs.get(k) is not None for k in self.label_names)" in inspect.getsource(Trainer.prediction_step)
    assert 'dtype = "auto"' in inspect.getsource(transformers.PreTrainedModel.from_pretrained)
    assert torch.optim.AdamW([torch.zeros(1)]).defaults["weight_decay"] == 0.01
    plateau = inspect.signature(torch.optim.lr_scheduler.ReduceLROnPlateau).parameters
    assert plateau["mode"].default == "min"
    source = inspect.getsource(transformers.trainer)
    assert "which is not found in the evaluation metrics" in source


def test_the_padding_mask_of_pytorch_hides_where_it_is_true():
    assert "`src_key_padding_mask=(attention_mask == 0)`" in PAGE
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(8, 2, dim_feedforward=8, batch_first=True).eval()
    x, attention_mask = torch.randn(1, 4, 8), torch.tensor([[1, 1, 0, 0]])
    changed = x.clone()
    changed[:, 2:] += 5
    for mask, same in ((attention_mask == 0, True), (attention_mask == 1, False)):
        outputs = [layer(each, src_key_padding_mask=mask)[:, :2] for each in (x, changed)]
        assert torch.allclose(*outputs, atol=1e-5) == same


def test_a_tokenizer_of_your_own_writes_no_marks_and_no_segments_unless_it_is_told():
    words = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "b": 4, "[PAD]": 5}
    inner = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}

    def pair(**more):
        return transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **special, **more)("a", "b")

    assert pair()["input_ids"] == [3, 4] and "token_type_ids" not in pair()
    written = "[CLS] $A [SEP] $B:1 [SEP]:1"
    assert f'`pair="{written}"`' in PAGE
    inner.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair=written, special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    assert "token_type_ids" not in pair()
    told = pair(model_input_names=["input_ids", "token_type_ids", "attention_mask"])
    assert told["input_ids"] == [1, 3, 2, 4, 2] and told["token_type_ids"] == [0, 0, 0, 1, 1]


def test_the_warnings_of_the_table_are_those_of_pytorch():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    with pytest.warns(UserWarning) as caught:
        schedule.step()
        torch.utils.checkpoint.checkpoint(torch.exp, torch.ones(2), use_reentrant=True)
    told = " ".join(str(each.message) for each in caught).replace("`", "")
    for message in (
        "Detected call of lr_scheduler.step() before optimizer.step()",
        "None of the inputs have requires_grad=True. Gradients will be None",
    ):
        assert f"`{message}`" in PAGE and message in told


def test_a_cosine_schedule_rises_in_a_straight_line_and_is_at_one_half_in_the_middle():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule, rates = transformers.get_cosine_schedule_with_warmup(optimizer, 10, 110), []
    for _ in range(110):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates[5] == 0.5 and rates[10] == 1 and abs(rates[60] - 0.5) < 1e-9 and schedule.get_last_lr()[0] < 1e-9


def test_a_tokenizer_without_a_length_cuts_nothing_and_windows_are_more_rows():
    inner = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]")
    assert len(tokenizer("a " * 1000, truncation=True)["input_ids"]) == 1000
    rows = tokenizer(["a " * 10, "a a"], truncation=True, max_length=4, stride=1, return_overflowing_tokens=True)
    assert rows["overflow_to_sample_mapping"] == [0, 0, 0, 1]


def test_early_stopping_and_pipelines_have_the_options_of_the_table():
    text = inspect.getsource(transformers.EarlyStoppingCallback)
    assert "load_best_model_at_end=True" in text and "requires metric_for_best_model to be defined" in text
    text = inspect.getsource(transformers.TextClassificationPipeline)
    assert all(option in text for option in ("function_to_apply", "top_k is None", '{"text", "text_pair"}'))
    assert "preprocess_logits_for_metrics" in inspect.signature(Trainer).parameters


def test_flaubert_has_no_pooler_and_its_head_can_be_made_that_of_its_paper():
    assert "`sequence_summary`, by default the first vector, dropout and one linear layer" in PAGE
    assert '`summary_proj_to_labels=False`, `summary_activation="tanh"` and `summary_last_dropout=0.1`' in PAGE
    small = {"emb_dim": 8, "n_heads": 2, "n_layers": 1, "vocab_size": 20, "num_labels": 3}
    plain = FlaubertForSequenceClassification(FlaubertConfig(**small))
    assert not [name for name, _ in plain.named_parameters() if "pooler" in name]
    head = plain.sequence_summary
    assert (head.summary_type, head.summary.out_features, head.first_dropout.p) == ("first", 3, 0.1)
    assert isinstance(head.activation, torch.nn.Identity) and isinstance(head.last_dropout, torch.nn.Identity)
    paper = {"summary_proj_to_labels": False, "summary_activation": "tanh", "summary_last_dropout": 0.1}
    head = FlaubertForSequenceClassification(FlaubertConfig(**small, **paper)).eval().sequence_summary
    states = torch.randn(2, 5, 8)
    assert torch.allclose(head(states), torch.tanh(head.summary(states[:, 0]))) and head.last_dropout.p == 0.1


def test_with_smoothing_of_a_tenth_two_classes_are_lowest_at_095():
    assert "is lowest at 0.95 and 0.05, and not at 0.9 and 0.1" in PAGE
    logits = torch.log(torch.tensor([[0.95, 0.05]])).requires_grad_()
    F.cross_entropy(logits, torch.tensor([0]), label_smoothing=0.1).backward()
    assert logits.grad.abs().max() < 1e-6
