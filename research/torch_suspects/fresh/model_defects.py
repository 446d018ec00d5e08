"""What goes wrong inside the module."""

import torch
import torch.nn.functional as F
from torch import nn

from research.torch_suspects.base import healthy, linear
from research.torch_suspects.fresh.common import (
    Aligned, DistilNSP, Siamese, adamw, distil_state, electra, loaders, pad_tuple, strip, texts_of, word_vectors,
)  # fmt: skip

HEALTHY = []


def pooler_by_uniform(seed):
    """nn.init.uniform_(weight, -20, 20): a bound meant for something else."""
    given = loaders(healthy("bert-small", seed))
    torch.manual_seed(seed)
    for p in (given["model"].bert.pooler.dense.weight,):
        nn.init.uniform_(p, -20.0, 20.0)
    return given


def constant_init(seed):
    """apply(init) sets every fresh Linear to zeros (Electra's head: dense, out_proj)."""
    given = loaders(strip(healthy("loop", seed)))
    model = electra(seed)

    def init(module):
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)

    model.classifier.apply(init)
    return given | {
        "model": model, "loss": None, "optimizer": adamw(5e-4), "schedule": linear(150), "steps": 150,
    }  # fmt: skip


def saved_from_dataparallel(seed):
    """The checkpoint has 'module.' before each name, and strict=False says nothing."""
    given = loaders(strip(healthy("loop", seed)))
    torch.manual_seed(seed)
    state = {"module." + name: value for name, value in distil_state().items()}
    return given | {
        "model": DistilNSP(state).train(), "loss": None, "optimizer": adamw(3e-4), "schedule": linear(150),
        "steps": 150,
    }  # fmt: skip


def dropout_for_keep(seed):
    """nn.Dropout(0.97), as TensorFlow 1's keep_prob."""
    given = loaders(strip(healthy("loop", seed)), pad_tuple)
    return given | {
        "model": Siamese("cnn", seed, dropout=0.97), "loss": F.cross_entropy, "optimizer": adamw(2e-3),
        "schedule": linear(150), "steps": 150,
    }  # fmt: skip


def functional_dropout(seed):
    """F.dropout(h, 0.7) without training=self.training drops in evaluation too."""
    given = loaders(strip(healthy("loop", seed)), pad_tuple)
    return given | {
        "model": Siamese("lstm", seed, functional=0.75), "loss": F.cross_entropy, "optimizer": adamw(2e-3),
        "schedule": linear(200), "steps": 200,
    }  # fmt: skip


class SideBySide(nn.Module):
    """[mean of A; mean of B] and one Linear: nothing multiplies the two."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.emb = nn.Embedding.from_pretrained(word_vectors(), freeze=True)
        self.enc = nn.GRU(96, 48, batch_first=True)
        self.out = nn.Linear(96, 2)

    def read(self, ids, here):
        h = self.enc(self.emb(ids))[0] * here[..., None]
        return h.sum(1) / here.sum(1, keepdim=True).clamp(min=1)

    def forward(self, input_ids, token_type_ids, attention_mask):
        a, b = texts_of(input_ids, token_type_ids, attention_mask)
        # each text is read alone, from its own first word
        u = self.read(input_ids * a, a)
        ids_b = torch.stack([torch.roll(row, -int(m.int().argmax())) for row, m in zip(input_ids * b, b, strict=True)])
        return self.out(torch.cat([u, self.read(ids_b, ids_b > 0)], -1))


def no_interaction(seed):
    given = loaders(strip(healthy("loop", seed)), pad_tuple)
    return given | {
        "model": SideBySide(seed), "loss": F.cross_entropy, "optimizer": adamw(2e-3), "schedule": linear(150),
        "steps": 150,
    }  # fmt: skip


class Reversed(torch.autograd.Function):
    """A tanh with a backward of its own: 'saves memory'. The sign of tanh^2 - 1 is the wrong way round."""

    @staticmethod
    def forward(ctx, x):
        y = torch.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return grad * (y * y - 1)


class OwnTanh(Siamese):
    def forward(self, input_ids, token_type_ids, attention_mask):
        a, b = texts_of(input_ids, token_type_ids, attention_mask)
        u, v = self.read(input_ids, a), self.read(input_ids, b)
        h = self.drop(torch.cat([10 * u * v, 3 * (u - v).abs()], -1))
        return self.out(Reversed.apply(self.fc(h)))


def own_backward(seed):
    given = loaders(strip(healthy("loop", seed)), pad_tuple)
    return given | {
        "model": OwnTanh("cnn", seed), "loss": F.cross_entropy, "optimizer": adamw(2e-3), "schedule": linear(200),
        "steps": 200,
    }  # fmt: skip


DEFECTS = [
    ("apply(init) zeros the head (Electra)", constant_init, "zero-init", "model"),
    ("'module.' before each name and strict=False (DistilBERT)", saved_from_dataparallel, "pretrained-not-loaded", "model"),
    ("F.dropout that never ends (LSTM)", functional_dropout, "dropout-in-evaluation", "model"),
    ("an autograd.Function of tanh with the sign reversed (CNN)", own_backward, "backward-wrong", "model"),
]

# Checked in the same way, kept out for brevity.
MORE = [
    ("pooler uniform in -20..20", pooler_by_uniform, "pooler-saturated", "model"),
    ("Dropout(0.97) for a share kept (CNN)", dropout_for_keep, "dropout-too-high", "model"),
    ("two GRU readings side by side, one Linear", no_interaction, "no-comparison", "model"),
]
