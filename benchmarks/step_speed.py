"""A training step (forward, backward, AdamW) against the same model in PyTorch eager: one thread, in turn, one run.

    .venv-parity/bin/python benchmarks/step_speed.py

Prints our time as a fraction of PyTorch's, and the exponents by which both grow with batch, length and width.
"""

import os
import sys
import time

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before numpy is loaded

import numpy as np

from nsputil.bert import BertEncoder
from nsputil.encoders import BagEncoder
from nsputil.losses import nsp_loss_and_grad
from nsputil.model import NSPModel
from nsputil.optimizers import AdamW
from nsputil.tokenization import EncodedPairs, Vocabulary

try:
    import torch
    from torch.nn import functional as F
    from transformers import BertConfig, BertForNextSentencePrediction
except ImportError:
    sys.exit("this benchmark needs PyTorch and transformers: make parity sets them up, then .venv-parity/bin/python")

VOCABULARY = Vocabulary([f"word{k}" for k in range(7995)])


def batch_of(size, length, rng):
    """Random rows without padding, half A and half B, words by a Zipf law as in text."""
    share = 1 / np.arange(1, 7996)
    ids = rng.choice(7995, (size, length), p=share / share.sum()) + 5
    segments = np.tile((np.arange(length) >= length // 2).astype(np.int64), (size, 1))
    return EncodedPairs(ids, segments, np.ones_like(ids), rng.integers(0, 2, size))


def ours(model, batch):
    """Return a step of our model."""
    optimizer = AdamW(model.parameters, 1e-4)

    def step():
        logits, cache = model.forward(batch)
        optimizer.step(model.backward(nsp_loss_and_grad(logits, batch.labels)[1], cache))

    return step


class TorchBag(torch.nn.Module):
    """The BagEncoder, pooler and head as one would write them in PyTorch."""

    def __init__(self, dim, pooled):
        super().__init__()
        self.words = torch.nn.EmbeddingBag(8000, dim, mode="sum")
        self.weights = torch.nn.Embedding(8000, 1)
        self.pooler, self.head = torch.nn.Linear(4 * dim + 2, pooled), torch.nn.Linear(pooled, 2)
        self.scale = dim**0.5

    def forward(self, ids, half):
        a, b = ids[:, :half], ids[:, half:]
        u, v = F.normalize(self.words(a)), F.normalize(self.words(b))
        wa, wb = self.weights(a), self.weights(b)
        same = (a[:, :, None] == b[:, None, :]).to(u.dtype)
        overlap = (wa.transpose(1, 2) @ same @ wb)[:, :, 0]
        norms = [
            ((w * (x[:, :, None] == x[:, None, :]).to(u.dtype)).sum(1)[:, :, None] * w).sum((1, 2))
            for x, w in ((a, wa), (b, wb))
        ]
        overlap = overlap / (norms[0] * norms[1]).clamp_min(1e-12).sqrt()[:, None]
        h = torch.cat([u * v, (u - v).abs(), u, v, (u * v).sum(1, keepdim=True), overlap], 1) * self.scale
        return self.head(torch.tanh(self.pooler(h)))


def theirs(module, forward, labels):
    """Return a step of a PyTorch module."""
    optimizer = torch.optim.AdamW(module.parameters(), 1e-4)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(forward(), labels).backward()
        optimizer.step()

    return step


def bag(size, length, dim):
    """Return (our step, PyTorch's step)."""
    rng = np.random.default_rng(0)
    batch = batch_of(size, length, rng)
    model = NSPModel(BagEncoder(rng.standard_normal((8000, dim))), VOCABULARY, rng, 64)
    module, ids = TorchBag(dim, 64), torch.tensor(batch.input_ids)
    return ours(model, batch), theirs(module, lambda: module(ids, length // 2), torch.tensor(batch.labels))


def bert(size, length, width):
    """Return (our step, PyTorch's step)."""
    rng = np.random.default_rng(0)
    batch = batch_of(size, length, rng)
    model = NSPModel(BertEncoder(8000, width, 2, 4, rng), VOCABULARY, rng)
    config = BertConfig(
        vocab_size=8000, hidden_size=width, num_hidden_layers=2, num_attention_heads=4, intermediate_size=4 * width,
        max_position_embeddings=128, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        attn_implementation="eager",
    )  # fmt: skip
    module = BertForNextSentencePrediction(config).train()
    ids, segments = torch.tensor(batch.input_ids), torch.tensor(batch.token_type_ids)
    mask = torch.tensor(batch.attention_mask)
    labels = torch.tensor(batch.labels)
    return ours(model, batch), theirs(
        module, lambda: module(input_ids=ids, token_type_ids=segments, attention_mask=mask).logits, labels
    )


def race(steps, repeats=12):
    """Return the best time of each, taken in turn."""
    best = [float("inf")] * len(steps)
    for _ in range(repeats):
        for k, step in enumerate(steps):
            start = time.perf_counter()
            step()
            best[k] = min(best[k], time.perf_counter() - start)
    return best


def main():
    """Print the ratios and the exponents."""
    torch.set_num_threads(1)
    print("our step / PyTorch's step, float32, one thread, 64 tokens a row")
    for name, make, widths in (("bag", bag, (64,)), ("bert, 2 layers", bert, (64, 128))):
        for width in widths:
            for size in (32, 128):
                mine, other = race(make(size, 64, width))
                print(f"  {name}, width {width}, batch {size}: {mine / other:.2f}")
    print("growth of the bert step: exponent of ours, of PyTorch's")
    for what, settings in (
        ("batch", [(32, 64, 64), (64, 64, 64), (128, 64, 64)]),
        ("length", [(32, 32, 64), (32, 64, 64), (32, 128, 64)]),
        ("width", [(32, 64, 64), (32, 64, 128), (32, 64, 256)]),
    ):
        times = np.array([race(bert(*setting), 6) for setting in settings])
        slopes = np.polyfit(np.log([1, 2, 4]), np.log(times), 1)[0]
        print(f"  {what}: {slopes[0]:.2f}, {slopes[1]:.2f}")


if __name__ == "__main__":
    main()
