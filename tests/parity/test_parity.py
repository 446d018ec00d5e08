"""Our numbers against PyTorch's and transformers' own: `make parity`, in an environment of its own.

Not part of `make test`, which needs no PyTorch.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import BertConfig, BertForNextSentencePrediction, BertForPreTraining

from nsputil.bert import BertEncoder
from nsputil.encoders import BagEncoder, RowGradient
from nsputil.huggingface import from_huggingface, names, to_huggingface
from nsputil.losses import nsp_loss, nsp_loss_and_grad
from nsputil.masking import mask_tokens
from nsputil.model import NSPModel
from nsputil.pairs import SentencePair
from nsputil.pretraining import PretrainingModel
from nsputil.pretraining_losses import bert_pretraining_loss, mlm_loss, mlm_loss_and_grad
from nsputil.tokenization import EncodedPairs, Vocabulary

SIZES = [(40, 8, 1, 2, 16, 12), (97, 24, 2, 3, 96, 20), (300, 64, 3, 4, 256, 40)]
WORDS = [f"word{k}" for k in range(295)]


def batch_of(vocabulary_size, length, rng, size=5):
    ids = rng.integers(5, vocabulary_size, (size, length))
    ends = rng.integers(5, length + 1, size)
    ends[0] = length
    here = np.arange(length) < ends[:, None]
    cut = rng.integers(2, ends - 1)
    segments = (np.arange(length) >= cut[:, None]) & here
    labels = rng.integers(0, 2, size)
    return EncodedPairs(np.where(here, ids, 0), segments.astype(np.int64), here.astype(np.int64), labels)


def spread(width, dtype):
    """The standard deviation of the random weights.

    1 / sqrt(width) lets numbers through a layer about as large as they came, as a trained BERT does. In float64 it is
    more, so that each part counts; in float32 such a model would magnify the rounding: PyTorch's own gradients are then
    1.4e-5 from those that PyTorch computes in float64.
    """
    return 0.3 if dtype == torch.float64 else width**-0.5


def their_model(sizes, dtype, kind=BertForNextSentencePrediction):
    vocabulary, width, layers, heads, intermediate, positions = sizes
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=vocabulary, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=intermediate, max_position_embeddings=positions, initializer_range=spread(width, dtype),
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager",
    )  # fmt: skip
    return kind(config).to(dtype).eval()


def our_copy(theirs, sizes, dtype, kind=NSPModel):
    vocabulary, width, layers, heads, intermediate, positions = sizes
    rng = np.random.default_rng(0)
    encoder = BertEncoder(vocabulary, width, layers, heads, rng, intermediate, positions, dtype)
    model = kind(encoder, Vocabulary(WORDS[: vocabulary - 5]), rng)
    state, table = theirs.state_dict(), names(layers, kind is PretrainingModel)
    for our, array in model.parameters.items():
        array[...] = state[table[our]].numpy()
    return model


def agree(gradient, wanted, tolerance, name):
    """A gradient's error, in each entry, is below the tolerance times the largest entry of the tensor.

    The gradient of a key's bias is 0 in exact arithmetic: it adds the same number to all scores of a row.
    """
    largest = 1 if name.endswith("key.bias") else np.abs(wanted).max()
    np.testing.assert_allclose(gradient, wanted, rtol=0, atol=tolerance * largest, err_msg=name)


@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: f"width{s[1]}-layers{s[2]}")
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
def test_logits_loss_and_all_gradients(sizes, dtype, tolerance):
    theirs = their_model(sizes, getattr(torch, dtype))
    model = our_copy(theirs, sizes, dtype)
    batch = batch_of(sizes[0], sizes[5], np.random.default_rng(1))
    t = torch.tensor
    out = theirs(
        input_ids=t(batch.input_ids), token_type_ids=t(batch.token_type_ids), attention_mask=t(batch.attention_mask),
        labels=t(batch.labels),
    )  # fmt: skip
    out.loss.backward()
    logits, cache = model.forward(batch)
    loss, dlogits = nsp_loss_and_grad(logits, batch.labels)
    np.testing.assert_allclose(logits, out.logits.detach().numpy(), atol=tolerance, rtol=tolerance)
    assert loss == pytest.approx(float(out.loss.detach()), abs=tolerance)
    gradients, wanted = dense(model.backward(dlogits, cache), model), their_gradients(theirs, sizes[2])
    assert set(gradients) == set(wanted)
    for our, gradient in gradients.items():
        agree(gradient, wanted[our], tolerance, our)


def dense(gradients, model):
    """Our gradients as arrays, without the row of [PAD].

    transformers sets that row to zero (padding_idx); ours is not zero, and no row of text uses it.
    """
    found = {
        name: gradient.dense(model.parameters[name].shape) if isinstance(gradient, RowGradient) else gradient
        for name, gradient in gradients.items()
    }
    return found | {"encoder.words": found["encoder.words"][1:]}


def their_gradients(theirs, layers):
    """PyTorch's gradients by our names, without the row of [PAD]."""
    named = dict(theirs.named_parameters())
    found = {our: named[their].grad.numpy() for our, their in names(layers).items()}
    return found | {"encoder.words": found["encoder.words"][1:]}


@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: f"width{s[1]}-layers{s[2]}")
def test_float32_is_as_near_to_float64_as_pytorch_is(sizes, capsys):
    theirs = their_model(sizes, torch.float32)
    exact = their_model(sizes, torch.float32).to(torch.float64)
    model, batch = our_copy(theirs, sizes, "float32"), batch_of(sizes[0], sizes[5], np.random.default_rng(1))
    t = torch.tensor
    for one in (theirs, exact):
        one(
            input_ids=t(batch.input_ids), token_type_ids=t(batch.token_type_ids),
            attention_mask=t(batch.attention_mask), labels=t(batch.labels),
        ).loss.backward()  # fmt: skip
    logits, cache = model.forward(batch)
    ours = dense(model.backward(nsp_loss_and_grad(logits, batch.labels)[1], cache), model)
    wanted, pytorchs = their_gradients(exact, sizes[2]), their_gradients(theirs, sizes[2])

    def worst(gradients):
        return max(
            float(np.abs(gradient - wanted[name]).max() / np.abs(wanted[name]).max())
            for name, gradient in gradients.items()
            if not name.endswith("key.bias")
        )

    with capsys.disabled():
        print(
            f"\n  width {sizes[1]}, {sizes[2]} layers: worst float32 gradient, as a fraction of the largest "
            f"entry of its tensor: error of ours {worst(ours):.1e}, PyTorch's {worst(pytorchs):.1e}"
        )
    assert worst(ours) <= 2 * worst(pytorchs)


def their_labels(batch):
    """PyTorch's way to say which words are to be guessed: a label in every place, -100 for "not this one"."""
    labels = np.full(batch.input_ids.shape, -100)
    labels[batch.mlm_rows, batch.mlm_places] = batch.mlm_labels
    return torch.tensor(labels)


@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: f"width{s[1]}-layers{s[2]}")
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
def test_both_losses_and_all_gradients_of_pretraining(sizes, dtype, tolerance):
    theirs = their_model(sizes, getattr(torch, dtype), BertForPreTraining)
    for name, parameter in theirs.named_parameters():
        if "bias" in name:  # transformers starts them at 0, which would hide a bias that is read wrongly
            parameter.data.normal_(0, 0.3)
    model = our_copy(theirs, sizes, dtype, PretrainingModel)
    rng = np.random.default_rng(6)
    batch = mask_tokens(batch_of(sizes[0], sizes[5], rng), model.vocabulary, rng, rate=0.3)
    assert len(batch.mlm_labels) != len(batch.labels)  # two denominators
    t = torch.tensor
    out = theirs(
        input_ids=t(batch.input_ids), token_type_ids=t(batch.token_type_ids), attention_mask=t(batch.attention_mask),
        labels=their_labels(batch), next_sentence_label=t(batch.labels),
    )  # fmt: skip
    out.loss.backward()
    scores, logits, cache = model.forward_both(batch)
    found = bert_pretraining_loss(scores, batch.mlm_labels, logits, batch.labels)
    places = out.prediction_logits[t(batch.mlm_rows), t(batch.mlm_places)].detach()
    np.testing.assert_allclose(scores, places.numpy(), atol=tolerance * 10, rtol=tolerance)
    assert found.total == pytest.approx(float(out.loss.detach()), abs=tolerance, rel=tolerance)
    assert found.mlm == pytest.approx(float(F.cross_entropy(places, t(batch.mlm_labels))), rel=tolerance)
    nsp = F.cross_entropy(out.seq_relationship_logits.detach(), t(batch.labels))
    assert found.nsp == pytest.approx(float(nsp), abs=tolerance)
    dscores = mlm_loss_and_grad(scores, batch.mlm_labels)[1]
    gradients = model.backward_both(dscores, nsp_loss_and_grad(logits, batch.labels)[1], cache)
    named, table = dict(theirs.named_parameters()), names(sizes[2], masked_words=True)
    assert set(gradients) == set(table) == set(model.parameters)
    for our, gradient in gradients.items():
        wanted = named[table[our]].grad.numpy()
        agree(gradient, wanted, tolerance, our)


@pytest.mark.parametrize("kind", [BertForNextSentencePrediction, BertForPreTraining])
def test_their_checkpoint_through_our_door(kind, tmp_path):
    sizes = SIZES[2]
    theirs = their_model(sizes, torch.float32, kind)
    theirs.save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]) + "\n")
    model = from_huggingface(tmp_path)
    batch = batch_of(sizes[0], sizes[5], np.random.default_rng(2))
    t = torch.tensor
    out = theirs(
        input_ids=t(batch.input_ids), token_type_ids=t(batch.token_type_ids), attention_mask=t(batch.attention_mask)
    )
    wanted = out.logits if kind is BertForNextSentencePrediction else out.seq_relationship_logits
    wanted = wanted.detach().numpy()
    np.testing.assert_allclose(model.forward(batch)[0], wanted, atol=1e-5 * np.abs(wanted).max())
    assert 0 < model.predict("word1 word2", "word3 unknown").p_is_next < 1
    assert type(model) is (NSPModel if kind is BertForNextSentencePrediction else PretrainingModel)
    if kind is BertForPreTraining:
        masked = mask_tokens(batch, model.vocabulary, np.random.default_rng(7))
        t = torch.tensor
        wanted = theirs(
            input_ids=t(masked.input_ids), token_type_ids=t(masked.token_type_ids),
            attention_mask=t(masked.attention_mask), labels=their_labels(masked), next_sentence_label=t(masked.labels),
        ).loss.detach()  # fmt: skip
        scores, logits, _ = model.forward_both(masked)
        found = bert_pretraining_loss(scores, masked.mlm_labels, logits, masked.labels)
        assert found.total == pytest.approx(float(wanted), rel=1e-5)


def test_pretraining_there_and_back(tmp_path):
    rng = np.random.default_rng(8)
    encoder = BertEncoder(300, 32, 2, 4, rng, max_positions=40, std=0.3, dropout=0.1, attention_dropout=0.2)
    ours = PretrainingModel(encoder, Vocabulary(WORDS), rng, max_length=40)
    ours.mlm_head.bias += rng.standard_normal(300).astype(np.float32)
    to_huggingface(ours, tmp_path)
    theirs, report = BertForPreTraining.from_pretrained(tmp_path, attn_implementation="eager", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert (theirs.config.hidden_dropout_prob, theirs.config.attention_probs_dropout_prob) == (0.1, 0.2)
    theirs.eval()
    batch = mask_tokens(batch_of(300, 40, rng), ours.vocabulary, rng)
    t = torch.tensor
    out = theirs(
        input_ids=t(batch.input_ids), token_type_ids=t(batch.token_type_ids), attention_mask=t(batch.attention_mask)
    )
    scores, logits, _ = ours.forward_both(batch)
    wanted = out.prediction_logits[t(batch.mlm_rows), t(batch.mlm_places)].detach().numpy()
    np.testing.assert_allclose(scores, wanted, atol=1e-4, rtol=1e-5)
    np.testing.assert_allclose(logits, out.seq_relationship_logits.detach().numpy(), atol=1e-5)
    back = from_huggingface(tmp_path)
    assert isinstance(back, PretrainingModel)
    for name, array in ours.parameters.items():
        np.testing.assert_array_equal(back.parameters[name], array)
    assert (back.encoder.dropout, back.encoder.attention_dropout) == (0.1, 0.2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mlm_loss_against_cross_entropy(dtype):
    rng = np.random.default_rng(9)
    scores, labels = rng.normal(0, 10, (300, 500)).astype(dtype), rng.integers(0, 500, 300)
    theirs = torch.tensor(scores, requires_grad=True)
    loss = F.cross_entropy(theirs, torch.tensor(labels))
    loss.backward()
    ours, gradient = mlm_loss_and_grad(scores, labels)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    assert ours == pytest.approx(float(loss.detach()), rel=tolerance)
    assert mlm_loss(scores, labels) == pytest.approx(ours, rel=tolerance)
    np.testing.assert_allclose(gradient, theirs.grad.numpy(), atol=tolerance)


def test_there_and_back(tmp_path):
    rng = np.random.default_rng(3)
    encoder = BertEncoder(300, 32, 2, 4, rng, max_positions=40, std=0.3)
    ours = NSPModel(encoder, Vocabulary(WORDS), rng, max_length=40)
    to_huggingface(ours, tmp_path)
    theirs = BertForNextSentencePrediction.from_pretrained(tmp_path, attn_implementation="eager").eval()
    batch = batch_of(300, 40, rng)
    t = torch.tensor
    out = theirs(
        input_ids=t(batch.input_ids), token_type_ids=t(batch.token_type_ids), attention_mask=t(batch.attention_mask)
    )
    np.testing.assert_allclose(ours.forward(batch)[0], out.logits.detach().numpy(), atol=1e-5)
    back = from_huggingface(tmp_path)
    pairs = [SentencePair("word1 word2", "word3 word4 word5", 0, 0, 0, 0, 1)]
    np.testing.assert_array_equal(back.logits(pairs), ours.logits(pairs))


def test_bag_encoder_against_autograd():
    rng = np.random.default_rng(4)
    encoder = BagEncoder(rng.standard_normal((60, 6)), rng.random(60) + 0.5, dtype=np.float64)
    batch = batch_of(60, 15, rng)
    h_cls, cache = encoder.forward(batch)
    direction = rng.standard_normal(h_cls.shape)
    table = torch.tensor(encoder.parameters["embeddings"], requires_grad=True)
    weights = torch.tensor(encoder.parameters["weights"], requires_grad=True)
    counts = torch.zeros(10, 60, dtype=torch.float64)
    for (row, place), word in np.ndenumerate(batch.input_ids):
        counts[row + 5 * batch.token_type_ids[row, place], word] += batch.attention_mask[row, place]
    u, v = F.normalize(counts @ table).chunk(2)
    a, b = F.normalize(counts * weights.T).chunk(2)
    features = [u * v, (u - v).abs(), u, v, (u * v).sum(1, keepdim=True), (a * b).sum(1, keepdim=True)]
    theirs = torch.cat(features, 1) * 6**0.5
    np.testing.assert_allclose(h_cls, theirs.detach().numpy(), atol=1e-10)
    (theirs * torch.tensor(direction)).sum().backward()
    gradients = encoder.backward(direction, cache)
    np.testing.assert_allclose(gradients["embeddings"].dense((60, 6)), table.grad.numpy(), atol=1e-10)
    np.testing.assert_allclose(gradients["weights"].dense((60, 1)), weights.grad.numpy(), atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nsp_loss_against_cross_entropy(dtype):
    rng = np.random.default_rng(5)
    logits, labels = rng.normal(0, 20, (2000, 2)).astype(dtype), rng.integers(0, 2, 2000)
    theirs = torch.tensor(logits, requires_grad=True)
    loss = F.cross_entropy(theirs, torch.tensor(labels))
    loss.backward()
    ours, gradient = nsp_loss_and_grad(logits, labels)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    assert ours == pytest.approx(float(loss.detach()), rel=tolerance)
    np.testing.assert_allclose(gradient, theirs.grad.numpy(), atol=tolerance)


def test_nsp_loss_of_tensors():
    rng = np.random.default_rng(6)
    logits, labels = torch.tensor(rng.normal(0, 2, (50, 2))), torch.tensor(rng.integers(0, 2, 50))
    theirs = float(F.cross_entropy(logits, labels))
    assert nsp_loss(logits, labels) == pytest.approx(theirs, rel=1e-12)
    for unread in (logits.clone().requires_grad_(), logits.bfloat16()):
        with pytest.raises(TypeError, match=r"pass logits.detach\(\).float\(\).cpu\(\)"):
            nsp_loss(unread, labels)
        assert nsp_loss(unread.detach().float().cpu(), labels) == pytest.approx(theirs, rel=0.01)
    ignored = labels.clone()
    ignored[::3] = -100
    kept = ignored != -100
    with pytest.raises(ValueError, match="give them the label 0 and a weight of 0"):
        nsp_loss(logits, ignored)
    loss = nsp_loss(logits, torch.where(kept, ignored, 0), weights=kept)
    assert loss == pytest.approx(float(F.cross_entropy(logits, ignored)), rel=1e-12)
