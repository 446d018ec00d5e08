"""Modules of people's own."""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from transformers import BertForNextSentencePrediction

from research.torch_suspects.base import Loop, bert, healthy


def prefix_of_parallel(seed):
    """pretrained-not-loaded, in another way: the checkpoint's names begin with "module.", and strict=False says nothing."""
    given = healthy("bert", seed)
    start = {name: tensor.clone() for name, tensor in given["model"].state_dict().items()}
    saved = {f"module.{name}": tensor for name, tensor in start.items()}
    torch.manual_seed(seed)
    model = BertForNextSentencePrediction(copy.deepcopy(given["model"].config)).train()
    model.load_state_dict(saved, strict=False)
    return given | {"model": model, "start": start}


class NumpyPooler(nn.Module):
    """A pooler that goes through numpy, to be saved as features."""

    def __init__(self, old):
        super().__init__()
        self.dense, self.activation = old.dense, nn.Tanh()

    def forward(self, hidden_states):
        first = torch.from_numpy(hidden_states[:, 0].detach().cpu().numpy())
        features = self.activation(self.dense(first))
        return torch.from_numpy(features.detach().cpu().numpy())


def through_numpy(seed):
    """gradients-detached, in another way: no detach in sight of the loss; the features pass through numpy."""
    given = healthy("bert-small", seed)
    given["model"].bert.pooler = NumpyPooler(given["model"].bert.pooler)
    return given


class TwoScores(Loop):
    """A score of A and a score of B, added: no term sees both."""

    def forward(self, input_ids, token_type_ids, attention_mask):
        words = attention_mask * (input_ids > 4)
        a = self.mean(input_ids, words * (1 - token_type_ids)) * 3
        b = self.mean(input_ids, words * token_type_ids) * 3
        zero = torch.zeros_like(a)
        left = self.head(torch.tanh(self.pooler(self.dropout(torch.cat([a, zero], -1)))))
        right = self.head(torch.tanh(self.pooler(self.dropout(torch.cat([zero, b], -1)))))
        return left + right


def two_scores(seed):
    """no-comparison."""
    return healthy("loop", seed) | {"model": TwoScores(seed)}


def apply_init(seed):
    """zero-init, in another way: model.apply(init) meant for biases zeroes every Linear of pooler and head."""
    given = healthy("loop", seed)

    def init(module):
        if isinstance(module, nn.Linear):
            for p in module.parameters():
                nn.init.zeros_(p)

    given["model"].apply(init)
    return given


DEFECTS = [
    ("prefix-of-parallel", prefix_of_parallel, "pretrained-not-loaded", "model"),
    ("through-numpy", through_numpy, "gradients-detached", "model"),
    ("two-scores", two_scores, "no-comparison", "model"),
    ("apply-init", apply_init, "zero-init", "model"),
]
