"""A training step (forward, backward, AdamW) against the same model in PyTorch eager: one thread, in turn, one run.

    .venv-parity/bin/python -m benchmarks.step_speed

Prints our time as a fraction of PyTorch's, the exponents by which both grow with batch, length and width, and what the
instruments of `nsputil.training.Experiment` add to a step. Times are the processor's: other programs disturb them less.
"""

import os
import sys
import time
from dataclasses import replace
from functools import partial

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before numpy is loaded

import numpy as np

from benchmarks.versions import print_versions
from nsputil.bert import BertEncoder
from nsputil.corpus import Document
from nsputil.encoders import BagEncoder
from nsputil.losses import nsp_loss_and_grad
from nsputil.model import NSPModel
from nsputil.optimizers import AdamW
from nsputil.tokenization import EncodedPairs, Vocabulary, encode_pairs
from nsputil.training import Experiment, bag_model, train

try:
    import torch
    from torch.nn import functional as F
    from transformers import BertConfig, BertForNextSentencePrediction
except ImportError:
    sys.exit("this benchmark needs PyTorch and transformers: make parity sets them up, then .venv-parity/bin/python")

VOCABULARY = Vocabulary([f"word{k}" for k in range(7995)])
SHARE = 1 / np.arange(1, 7996) / (1 / np.arange(1, 7996)).sum()  # words by a Zipf law, as in text


def batch_of(size, length, rng):
    """Random rows without padding, half A and half B."""
    ids = rng.choice(7995, (size, length), p=SHARE) + 5
    segments = np.tile((np.arange(length) >= length // 2).astype(np.int64), (size, 1))
    return EncodedPairs(ids, segments, np.ones_like(ids), rng.integers(0, 2, size))


def ours(model, batch):
    """Return a step of our model."""
    optimizer = AdamW(model.parameters, 1e-4)

    def step():
        logits, cache = model.forward(batch)
        optimizer.step(model.backward(nsp_loss_and_grad(logits, batch.labels)[1], cache))

    return step


class FromEveryPlace(BertEncoder):
    """The same encoder with a gradient at every place of the last layer, as masked words give it."""

    def backward(self, dh_cls, cache):
        return super().backward(dh_cls, cache, np.zeros_like(cache.hidden))


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
    """Return (our step, PyTorch's step, ours from every place, ours with the last layer for [CLS] alone)."""
    rng = np.random.default_rng(0)
    batch = batch_of(size, length, rng)
    makers = BertEncoder, FromEveryPlace, partial(BertEncoder, cls_only=True)
    mine, *others = (ours(NSPModel(make(8000, width, 2, 4, rng), VOCABULARY, rng), batch) for make in makers)
    config = BertConfig(
        vocab_size=8000, hidden_size=width, num_hidden_layers=2, num_attention_heads=4, intermediate_size=4 * width,
        max_position_embeddings=128, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        attn_implementation="eager",
    )  # fmt: skip
    module = BertForNextSentencePrediction(config).train()
    ids, segments = torch.tensor(batch.input_ids), torch.tensor(batch.token_type_ids)
    mask = torch.tensor(batch.attention_mask)
    labels = torch.tensor(batch.labels)
    other = theirs(module, lambda: module(input_ids=ids, token_type_ids=segments, attention_mask=mask).logits, labels)
    return mine, other, *others


def reading_cost(make_model, steps=60):
    """Return what a reading of the instruments adds to a step of training, as a fraction of it.

    Every other step of one training reads them; all batches have the same shape.
    """
    rng, starts = np.random.default_rng(0), []

    def timed(pairs, vocabulary, max_length):
        starts.append(time.process_time())  # a step begins with this
        return encode_pairs(pairs, vocabulary, max_length)

    texts = [[" ".join(f"word{k}" for k in rng.choice(7995, 30, p=SHARE)) for _ in range(60)] for _ in range(100)]
    documents = [Document(str(k), tuple(text)) for k, text in enumerate(texts)]
    experiment = Experiment(documents, vocabulary_size=8000, model=make_model, encode=timed, max_steps=steps)
    train(replace(experiment, instrument_every=2, evaluation=lambda model, pairs: {}))
    seconds = np.diff(starts)[2:]
    return np.median(seconds[::2]) / np.median(seconds[1::2]) - 1


def small_bert(documents, vocabulary, rng):
    """Return a model as `bert` has it, width 64."""
    return NSPModel(BertEncoder(len(vocabulary), 64, 2, 4, rng), vocabulary, rng)


def race(steps, repeats=20):
    """Return the best processor time of each, taken in turn."""
    best = [float("inf")] * len(steps)
    for _ in range(repeats):
        for k, step in enumerate(steps):
            start = time.process_time()
            step()
            best[k] = min(best[k], time.process_time() - start)
    return best


def main():
    """Print the ratios, the exponents and the cost of the instruments."""
    print_versions("numpy", "torch", "transformers")
    torch.set_num_threads(1)
    print("our step / PyTorch's step, float32, one thread, 64 tokens a row")
    for size in (32, 128):
        mine, other = race(bag(size, 64, 64))
        print(f"  bag, width 64, batch {size}: {mine / other:.2f}")
    for width in (64, 128):
        for size in (32, 128):
            mine, other, every, first = race(bert(size, 64, width))
            print(f"  bert, 2 layers, width {width}, batch {size}: {mine / other:.2f}")
            print(f"    with a gradient at every place, as masked words give it: {every / other:.2f}")
            print(f"    with the last layer computed for [CLS] alone (cls_only): {first / other:.2f}")
    print("growth of the bert step: exponent of ours, of PyTorch's")
    for what, settings in (
        ("batch", [(32, 64, 64), (64, 64, 64), (128, 64, 64)]),
        ("length", [(32, 32, 64), (32, 64, 64), (32, 128, 64)]),
        ("width", [(32, 64, 64), (32, 64, 128), (32, 64, 256)]),
    ):
        times = np.array([race(bert(*setting)[:2], 10) for setting in settings])
        slopes = np.polyfit(np.log([1, 2, 4]), np.log(times), 1)[0]
        print(f"  {what}: {slopes[0]:.2f}, {slopes[1]:.2f}")
    every = Experiment([]).instrument_every
    print(f"instruments, read every {every} steps of training in batches of 128: their part of a step")
    for name, make_model in (("bag", bag_model), ("bert, 2 layers", small_bert)):
        cost = reading_cost(make_model)
        print(f"  {name}, width 64: {cost / every:.1%} ({cost:.0%} of the step that reads them)")


if __name__ == "__main__":
    main()
