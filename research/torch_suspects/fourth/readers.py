"""What reaches the network, and the network itself."""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from nsputil.tokenization import Vocabulary
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset
from transformers import BertConfig, BertForNextSentencePrediction

from research.torch_suspects.base import bert, texts, vocabulary

from ._kit import OnBert, Rows, Towers, as_dict, as_tuple, data, load, seeded, vectors

STEPS = 200


def cosine(opt):
    return torch.optim.lr_scheduler.CosineAnnealingLR(opt, STEPS)


def usual(rate=2e-3):
    return lambda net: torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-2)


# -- the second output of the tokenizer was thought to be optional ------------------------------------------------------
class TokenizerOutput(OrderedDict):
    __getattr__ = OrderedDict.__getitem__


class PairCollator:
    def __init__(self, return_token_type_ids=False):
        self.types = return_token_type_ids

    def __call__(self, items):
        ids, types, mask, y = as_tuple(items)
        return TokenizerOutput(
            input_ids=ids, attention_mask=mask, token_type_ids=types if self.types else torch.zeros_like(ids), labels=y
        )


def no_types_from_the_collator(seed):
    tr, kept_out, extra = data(seed)
    c = PairCollator()
    return dict(
        model=Towers(seed, "mlp"), train=load(tr, seed, join=c), held_out=load(kept_out, shuffle=False, size=64, join=c),
        loss=F.cross_entropy, optimizer=usual(), schedule=cosine, steps=STEPS, pairs=tr, held_out_pairs=kept_out, **extra,
    )


# -- a long context before B, cut at the end -----------------------------------------------------------------------------
class ContextSet(Dataset):
    """Up to four sentences as A, then B, then a cut to the size of the buffer."""

    SIZE = 40

    def __init__(self, docs, seed, count):
        g = torch.Generator().manual_seed(seed)
        pick = lambda n: int(torch.randint(n, (1,), generator=g))
        self.rows = []
        while len(self.rows) < count:
            d = pick(len(docs))
            s = docs[d].sentences
            i = pick(len(s) - 5)
            y = pick(2)
            other = docs[(d + 1 + pick(len(docs) - 1)) % len(docs)].sentences
            self.rows.append((" ".join(s[i : i + 4]), other[pick(len(other))] if y else s[i + 4], y))
        v = vocabulary()
        self.tensors = []
        for a, b, y in self.rows:
            a, b = v.ids(a).tolist(), v.ids(b).tolist()
            ids = ([2] + a + [3] + b + [3])[: self.SIZE]
            kind = ([0] * (len(a) + 2) + [1] * (len(b) + 1))[: self.SIZE]
            self.tensors.append((torch.tensor(ids), torch.tensor(kind), torch.tensor(y)))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, k):
        return self.tensors[k]


def buffer_full_of_context(seed):
    a, b = texts()
    tr, kept_out = ContextSet(a, seed, 1600), ContextSet(b, seed + 77, 384)
    return dict(
        model=bert(1, seed), train=load(tr, seed), held_out=load(kept_out, shuffle=False, size=64),
        optimizer=usual(5e-4), schedule=cosine, steps=STEPS, tokenizer=vocabulary(), pairs=tr.rows,
        held_out_pairs=kept_out.rows, documents=list(a), held_out_documents=list(b), seed=seed,
    )


# -- positional arguments ------------------------------------------------------------------------------------------------
class Wrapped(nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.net = bert(1, seed)

    def forward(self, input_ids, token_type_ids, attention_mask):
        return self.net(input_ids, token_type_ids).logits


def positional_arguments(seed):
    tr, kept_out, extra = data(seed)
    return dict(
        model=Wrapped(seed), train=load(tr, seed, join=as_tuple),
        held_out=load(kept_out, shuffle=False, size=64, join=as_tuple), loss=nn.CrossEntropyLoss(), optimizer=usual(5e-4),
        schedule=cosine, steps=STEPS, pairs=tr, held_out_pairs=kept_out, **extra,
    )


# -- another vocabulary ----------------------------------------------------------------------------------------------------
def vocabulary_built_again(seed):
    tr, kept_out, extra = data(seed)
    words = sorted(vocabulary().tokens[5:])  # "the order does not matter"
    own = Vocabulary(words)
    return dict(extra, tokenizer=own) | dict(
        model=bert(1, seed), train=load(Rows(tr, vocab=own), seed),
        held_out=load(Rows(kept_out, vocab=own), shuffle=False, size=64),
        optimizer=usual(5e-4), steps=STEPS, pairs=tr, held_out_pairs=kept_out,
    )


def forty_words(seed):
    tr, kept_out, extra = data(seed)
    small = Vocabulary(vocabulary().tokens[5:45])
    return dict(extra, tokenizer=small) | dict(
        model=Towers(seed, "mlp"), train=load(Rows(tr, vocab=small), seed, join=as_tuple),
        held_out=load(Rows(kept_out, vocab=small), shuffle=False, size=64, join=as_tuple), loss=F.cross_entropy,
        optimizer=usual(), steps=STEPS, pairs=tr, held_out_pairs=kept_out,
    )


# -- networks ---------------------------------------------------------------------------------------------------------------
def start_from_nothing(module):
    if isinstance(module, nn.Linear):
        nn.init.constant_(module.weight, 0.0)
        nn.init.constant_(module.bias, 0.0)


def constant_init(seed):
    tr, kept_out, extra = data(seed)
    net = OnBert(seed, out=2)
    net.encoder.pooler.apply(start_from_nothing)
    net.classify.apply(start_from_nothing)
    return dict(
        model=net, train=load(tr, seed), held_out=load(kept_out, shuffle=False, size=64), loss=nn.CrossEntropyLoss(),
        optimizer=usual(5e-4), schedule=cosine, steps=STEPS, pairs=tr, held_out_pairs=kept_out, **extra,
    )


def checkpoint_saved_under_data_parallel(seed):
    tr, kept_out, extra = data(seed)
    saved = bert(1, seed).state_dict()
    stored = {"module." + k: v for k, v in saved.items()}
    with seeded(seed):
        net = BertForNextSentencePrediction(BertConfig(**bert(1, seed).config.to_dict()))
    net.load_state_dict(stored, strict=False)
    return dict(
        model=net.train(), train=load(tr, seed), held_out=load(kept_out, shuffle=False, size=64), optimizer=usual(5e-4),
        schedule=cosine, steps=STEPS, start=saved, pairs=tr, held_out_pairs=kept_out, **extra,
    )


class SideBySide(nn.Module):
    def __init__(self, seed):
        super().__init__()
        with seeded(seed):
            self.table = nn.Embedding.from_pretrained(vectors().clone(), freeze=False)
            self.drop = nn.Dropout(0.2)
            self.top = nn.Linear(2 * self.table.embedding_dim, 2)

    def forward(self, input_ids, token_type_ids, attention_mask):
        e = F.normalize(self.table(input_ids), dim=-1)
        both = []
        for w in (attention_mask - token_type_ids, token_type_ids):
            both.append(torch.einsum("bnd,bn->bd", e, w.float()) / w.sum(1, keepdim=True))
        return self.top(self.drop(torch.cat(both, 1)) * 5)


def two_means_and_a_linear_layer(seed):
    tr, kept_out, extra = data(seed)
    return dict(
        model=SideBySide(seed), train=load(tr, seed, join=as_tuple),
        held_out=load(kept_out, shuffle=False, size=64, join=as_tuple), loss=F.cross_entropy, optimizer=usual(),
        steps=STEPS, pairs=tr, held_out_pairs=kept_out, **extra,
    )


class FastTanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, up):
        (y,) = ctx.saved_tensors
        return up * (y * y - 1)


class FusedActivation(nn.Module):
    def forward(self, x):
        return FastTanh.apply(x)


def own_kernel(seed):
    tr, kept_out, extra = data(seed)
    net = Towers(seed, "mlp")
    net.mix[-1] = FusedActivation()
    return dict(
        model=net, train=load(tr, seed), held_out=load(kept_out, shuffle=False, size=64), loss=F.cross_entropy,
        optimizer=usual(), schedule=cosine, steps=STEPS, pairs=tr, held_out_pairs=kept_out, **extra,
    )


DEFECTS = [
    ("collator without types", no_types_from_the_collator, "segment-ids-zero", "encoding"),
    ("buffer of forty tokens", buffer_full_of_context, "second-sentence-lost", "encoding"),
    ("positional arguments", positional_arguments, "segments-as-mask", "encoding"),
    ("vocabulary in another order", vocabulary_built_again, "wrong-vocabulary", "encoding"),
    ("forty words", forty_words, "unknown-words", "encoding"),
    ("constant start", constant_init, "zero-init", "model"),
    ("checkpoint of a parallel run", checkpoint_saved_under_data_parallel, "pretrained-not-loaded", "model"),
    ("two means", two_means_and_a_linear_layer, "no-comparison", "model"),
    ("own activation", own_kernel, "backward-wrong", "model"),
]
HEALTHY = []
