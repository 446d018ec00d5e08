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
from nsputil.losses import nsp_loss_and_grad
from nsputil.model import NSPModel
from nsputil.sentence_pairs import SentencePair
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


def their_model(sizes, dtype, kind=BertForNextSentencePrediction):
    vocabulary, width, layers, heads, intermediate, positions = sizes
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=vocabulary, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=intermediate, max_position_embeddings=positions, initializer_range=0.3,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager",
    )  # fmt: skip
    return kind(config).to(dtype).eval()


def our_copy(theirs, sizes, dtype):
    vocabulary, width, layers, heads, intermediate, positions = sizes
    rng = np.random.default_rng(0)
    encoder = BertEncoder(vocabulary, width, layers, heads, rng, intermediate, positions, dtype)
    model = NSPModel(encoder, Vocabulary(WORDS[: vocabulary - 5]), rng)
    state, table = theirs.state_dict(), names(layers)
    for our, array in model.parameters.items():
        array[...] = state[table[our]].numpy()
    return model


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
    gradients = model.backward(dlogits, cache)
    named, table = dict(theirs.named_parameters()), names(sizes[2])
    assert set(gradients) == set(table)
    for our, gradient in gradients.items():
        wanted = named[table[our]].grad.numpy()
        gradient = gradient.dense(wanted.shape) if isinstance(gradient, RowGradient) else gradient
        # transformers zeroes the gradient of the [PAD] row (padding_idx); ours is not zero, and no row uses it.
        if our == "encoder.words":
            gradient, wanted = gradient[1:], wanted[1:]
        np.testing.assert_allclose(gradient, wanted, atol=tolerance * max(1, np.abs(wanted).max()), err_msg=our)


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
    np.testing.assert_allclose(model.forward(batch)[0], wanted.detach().numpy(), atol=1e-5)
    assert 0 < model.predict("word1 word2", "word3 unknown").p_is_next < 1


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
