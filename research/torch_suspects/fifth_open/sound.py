"""Healthy trainings of models of one's own."""

import torch
import torch.nn.functional as F

from . import _kit as kit

DEFECTS = []


def nll_of_probabilities(p, labels):
    """Cross-entropy of probabilities."""
    return F.nll_loss(torch.log(p.clamp(min=1e-9)), labels)


class LogProbabilities(kit.Recurrent):
    """Answers with log-probabilities."""

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return log-probabilities."""
        return F.log_softmax(super().forward(input_ids, token_type_ids, attention_mask), dim=-1)


class Probabilities(kit.Kernels):
    """Answers with two probabilities."""

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return probabilities."""
        return super().forward(input_ids, token_type_ids, attention_mask).softmax(-1)


class OneProbability(kit.Towers):
    """Answers with one probability of NotNext."""

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return probabilities."""
        return torch.sigmoid(super().forward(input_ids, token_type_ids, attention_mask))


def bce(z, labels):
    """Binary cross-entropy of one logit."""
    return F.binary_cross_entropy_with_logits(z, labels.float())


def bce_column(z, labels):
    """The same for a column."""
    return F.binary_cross_entropy_with_logits(z, labels.float().unsqueeze(1))


def bce_of_probability(p, labels):
    """Binary cross-entropy of one probability."""
    return F.binary_cross_entropy(p, labels.float())


class WithoutPadding(kit.Attentive):
    """Rows that begin with padding; nothing depends on where a row begins."""

    def embed(self, input_ids, token_type_ids):
        """Return words and segments."""
        return 96**0.5 * self.words(input_ids) + self.segments(token_type_ids)


def left(rows):
    """Pad on the left."""
    ids, types, labels = zip(*rows, strict=True)
    ones = [[1] * len(x) for x in ids]
    return kit.padded(ids, True), kit.padded(types, True), kit.padded(ones, True), torch.tensor(labels)


def gru():
    return kit.training(kit.speeches, kit.fresh(kit.Recurrent))


def windows():
    return kit.training(kit.guide, kit.fresh(kit.Windows), kit.as_nested)


def attentive():
    return kit.training(kit.speeches, kit.fresh(kit.Attentive), kit.as_dict)


def towers():
    return kit.training(kit.speeches, kit.fresh(kit.Towers), loss=bce)


def kernels():
    return kit.training(kit.speeches, kit.fresh(kit.Kernels), kit.as_object, rate=5e-3)


def sums():
    return kit.training(kit.guide, kit.fresh(kit.Sums), kit.as_features)


def log_probabilities():
    return kit.training(kit.speeches, kit.fresh(LogProbabilities), loss=torch.nn.NLLLoss())


def probabilities():
    return kit.training(kit.speeches, kit.fresh(Probabilities), loss=nll_of_probabilities, rate=5e-3)


def one_probability():
    return kit.training(kit.speeches, kit.fresh(OneProbability), loss=bce_of_probability)


def a_column():
    return kit.training(kit.guide, kit.fresh(kit.Recurrent, outputs=1), kit.as_dict, loss=bce_column)


def padded_left():
    return kit.training(kit.speeches, kit.fresh(WithoutPadding), left)


def much_dropout():
    return kit.training(kit.speeches, kit.fresh(kit.Sums, dropout=0.3))


def little_smoothing():
    return kit.training(
        kit.speeches, kit.fresh(kit.Sums), kit.as_nested, loss=torch.nn.CrossEntropyLoss(label_smoothing=0.05)
    )


HEALTHY = [
    ("A GRU reads the row", gru),
    ("Windows over words and matches", windows),
    ("A Transformer of torch.nn", attentive),
    ("Two towers and one logit", towers),
    ("Soft counts of similar words", kernels),
    ("An EmbeddingBag for each side", sums),
    ("Log-probabilities with NLLLoss", log_probabilities),
    ("Softmax, then the logarithm in the loss", probabilities),
    ("One probability with BCELoss", one_probability),
    ("Padding on the left, no positions", padded_left),
    ("Dropout of 0.3", much_dropout),
    ("A little smoothing of labels", little_smoothing),
]
