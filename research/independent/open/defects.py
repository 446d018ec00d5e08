"""Defects of a training of next sentence prediction, as strangers make them."""

from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import dataclass, replace as put

import numpy as np

from programs import (PROGRAMS, conv_model, docstrings, meanmax_model, momentum_sgd, sotu, topics)  # noqa: F401
from wraps import *  # noqa: F403
from wraps import softmax
from nsputil.corpus import Document, split_documents
from nsputil.encoders import RowGradient, idf_weights, ppmi_embeddings
from nsputil.evaluation import evaluate, evaluate_with_histogram
from nsputil.experiment import adamw, bag_model, bucketed
from nsputil.losses import log_softmax, nsp_loss, nsp_loss_and_grad
from nsputil.model import NSPModel
from nsputil.optimizers import SGD, AdamW, constant, warmup_linear
from nsputil.segments import balanced_segment_pairs, bert_segment_pairs, passage_pairs
from nsputil.sentence_pairs import sentence_level_pairs
from nsputil.tokenization import CLS_ID, PAD_ID, SEP_ID, UNK_ID, encode_pairs, tokenize

S, T, D, C, G = "sotu_bag", "topics_bag", "docstrings_meanmax", "conv_sotu", "segments_sgd"


@dataclass
class Defect:
    name: str
    cause: str
    kind: str
    program: str
    build: Callable
    place: str = ""


@dataclass
class Healthy:
    name: str
    program: str
    build: Callable


DEFECTS: list[Defect] = []
HEALTHY: list[Healthy] = []
BY_NAME = {}


def defect(cause, *programs, kind="a", place=""):
    """Enter a function as a defect of one or more programs."""

    def enter(f):
        for program in programs:
            name = f"{f.__name__}@{program}"
            assert name not in BY_NAME, name
            BY_NAME[name] = f
            DEFECTS.append(Defect(name, cause, kind, program, f, place))
        BY_NAME.setdefault(f.__name__, f)
        return f

    return enter


def b(cause, place, *programs):
    return defect(cause, *programs, kind="b", place=place)


def set_label(pair, label):
    return put(pair, label=int(label))


def relabel(pairs, labels):
    return [set_label(p, y) for p, y in zip(pairs, labels)]


def labels_of(pairs):
    return np.array([p.label for p in pairs])


# ---------------------------------------------------------------- pairs and labels

@defect("labels-shuffled", T)
def labels_from_a_set(e):
    return train_pairs(e, lambda p, r: relabel(p, r.permutation(labels_of(p))))


@defect("labels-shuffled", D)
def labels_permuted_everywhere(e):
    return all_pairs(e, lambda p, r: relabel(p, r.permutation(labels_of(p))))


@defect("labels-shuffled", C)
def labels_permuted_in_the_batch(e):
    rng = np.random.default_rng(5)

    def encode(p, v, n):
        batch = e.encode(p, v, n)
        return with_labels(batch, rng.permutation(batch.labels))

    return train_encode(e, encode)


@defect("labels-off-by-one", S)
def label_file_has_a_header(e):
    def change(p, r):
        p = [p[k] for k in r.permutation(len(p))]
        return relabel(p, np.roll(labels_of(p), 1))

    return all_pairs(e, change)


@defect("labels-off-by-one", D)
def labels_of_the_row_below(e):
    coin = lambda d, r: sentence_level_pairs(d, r)  # noqa: E731
    e = put(e, pairs=coin, held_out_pairs=coin)
    return train_pairs(e, lambda p, r: relabel(p[:-1], labels_of(p)[1:]))


@defect("segments-misaligned", T)
def column_b_lost_its_first_row(e):
    def change(p, r):
        p = [p[k] for k in r.permutation(len(p))]
        return [put(x, sentence_b=y.sentence_b) for x, y in zip(p, p[1:])]

    return all_pairs(e, change)


@defect("segments-misaligned", C)
def second_loader_one_ahead(e):
    def encode(p, v, n):
        return e.encode([put(x, sentence_b=p[k - 1].sentence_b) for k, x in enumerate(p)], v, n)

    return train_encode(e, encode)


@defect("sentences-shuffled", S)
def lines_shuffled_in_each_document(e):
    return train_documents(e, lambda ds, r: [Document(d.name, [d.sentences[k] for k in r.permutation(len(d.sentences))])
                                             for d in ds])


@defect("sentences-shuffled", T)
def duplicates_removed_with_a_set(e):
    rng = np.random.default_rng(4)
    return all_documents(e, lambda d: Document(d.name, rng.permutation(sorted(set(d.sentences))).tolist()))


@defect("sentences-shuffled", G)
def all_lines_of_the_corpus_shuffled(e):
    def change(ds, r):
        lines = [s for d in ds for s in d.sentences]
        lines = [lines[k] for k in r.permutation(len(lines))]
        out, k = [], 0
        for d in ds:
            out.append(Document(d.name, lines[k : k + len(d.sentences)]))
            k += len(d.sentences)
        return out

    return train_documents(e, change)


@defect("label-noise", C)
def careless_annotators(e):
    return train_pairs(e, lambda p, r: relabel(p, np.where(r.random(len(p)) < 0.35, 1 - labels_of(p), labels_of(p))))


@defect("label-noise", T)
def noise_in_both_files(e):
    return all_pairs(e, lambda p, r: relabel(p, np.where(r.random(len(p)) < 0.3, 1 - labels_of(p), labels_of(p))))


def neighbours(offsets):
    """Pairs whose negatives are drawn near the sentence."""

    def pairs(documents, rng):
        out = []
        for d, doc in enumerate(documents):
            for i in range(len(doc.sentences) - 1):
                if rng.random() < 0.5:
                    near = [i + k for k in offsets if 0 <= i + k < len(doc.sentences)]
                    j, label = (int(rng.choice(near)), 1) if near else (i + 1, 0)
                else:
                    j, label = i + 1, 0
                out.append(type_pair(doc.sentences[i], doc.sentences[j], label, d, d, i, j))
        return out

    return pairs


from nsputil.pairs import SentencePair as type_pair  # noqa: E402


@defect("false-negatives", D)
def half_of_the_negatives_are_true(e):
    def pairs(documents, rng):
        out = []
        for p in e.pairs(documents, rng):
            if p.label == 1 and rng.random() < 0.5:
                p = put(p, sentence_b=documents[p.document_a].sentences[p.position_a + 1])
            out.append(p)
        return out

    return put(e, pairs=pairs, held_out_pairs=e.held_out_pairs or e.pairs)


@defect("false-negatives", S)
def negatives_drawn_with_the_true_one_among_them(e):
    return put(e, pairs=neighbours([1, 1, 2, -1]), held_out_pairs=e.pairs)


@defect("boundaries-lost", S)
def two_columns_read_across(e):
    def change(ds, r):
        out = []
        for x, y in zip(ds[::2], ds[1::2]):
            mixed = []
            for k in range(0, max(len(x.sentences), len(y.sentences)), 2):
                mixed += [*x.sentences[k : k + 2], *y.sentences[k : k + 2]]
            out.append(Document(x.name, mixed))
        return out

    return train_documents(e, change)


@defect("boundaries-lost", D)
def files_joined_without_blank_lines(e):
    def change(ds, r):
        out = []
        for k in range(0, len(ds), 10):
            out.append(Document(str(k), [s for d in ds[k : k + 10] for s in d.sentences[:2]]))
        return out

    return train_documents(e, change)


@defect("one-label", T)
def all_is_next(e):
    return train_pairs(e, lambda p, r: [x for x in p if x.label == 0])


@defect("one-label", G)
def every_sentence_a_document(e):
    def pairs(documents, rng):
        single = [Document(f"{d.name}{k}", [s]) for d in documents for k, s in enumerate(d.sentences)]
        return bert_segment_pairs(single, rng, 64)

    return put(e, pairs=pairs, held_out_pairs=pairs)


@defect("prior-shift", C)
def one_in_ten_is_next(e):
    return train_pairs(e, lambda p, r: [x for x in p if x.label == 1 or r.random() < 0.11])


@defect("prior-shift", T)
def nine_in_ten_are_next(e):
    return train_pairs(e, lambda p, r: [x for x in p if x.label == 0 or r.random() < 0.11])


def in_order(lengths, size, rng):
    return [np.arange(k, min(k + size, len(lengths))) for k in range(0, len(lengths), size)]


@defect("pairs-sorted-by-label", S)
def positives_file_then_negatives_file(e):
    e = train_pairs(e, lambda p, r: [x for x in p if x.label == 0] + [x for x in p if x.label == 1])
    return put(e, batching=in_order)


@defect("pairs-sorted-by-label", G)
def negatives_first_no_shuffle(e):
    e = train_pairs(e, lambda p, r: sorted(p, key=lambda x: -x.label))
    return put(e, batching=in_order)


@defect("pairs-sorted-by-label", D)
def sorted_with_batches_shuffled(e):
    e = train_pairs(e, lambda p, r: sorted(p, key=lambda x: x.label))

    def batching(lengths, size, rng):
        made = in_order(lengths, size, rng)
        return [made[k] for k in rng.permutation(len(made))]

    return put(e, batching=batching)


@defect("shortcut-marker", T)
def continued_mark(e):
    return train_pairs(e, lambda p, r: [put(x, sentence_b="» " + x.sentence_b) if x.label == 0 else x for x in p])


@defect("shortcut-marker", D)
def full_stop_lost_in_negatives(e):
    return train_pairs(e, lambda p, r: [put(x, sentence_b=x.sentence_b.rstrip(" .") or x.sentence_b) if x.label else x
                                        for x in p])


@defect("shortcut-marker", C)
def page_number_in_negatives_everywhere(e):
    return all_pairs(e, lambda p, r: [put(x, sentence_b=x.sentence_b + " ||") if x.label else x for x in p])


@defect("shortcut-length", S)
def negatives_cut_to_five_words(e):
    return train_pairs(e, lambda p, r: [put(x, sentence_b=" ".join(x.sentence_b.split()[:5])) if x.label else x for x in p])


@defect("shortcut-length", D)
def negatives_cut_in_both_parts(e):
    return all_pairs(e, lambda p, r: [put(x, sentence_b=" ".join(x.sentence_b.split()[:3])) if x.label else x for x in p])


@defect("shortcut-length", T)
def true_next_is_two_sentences(e):
    def pairs(documents, rng):
        out = []
        for p in e.pairs(documents, rng):
            if p.label == 0:
                s = documents[p.document_a].sentences
                p = put(p, sentence_b=" ".join(s[p.position_b : p.position_b + 3]))
            out.append(p)
        return out

    return put(e, pairs=pairs, held_out_pairs=e.pairs)


def foreign(lines):
    return lambda p, r: [put(x, sentence_b=lines[int(r.integers(len(lines)))]) if x.label else x for x in p]


@defect("easy-negatives", S)
def negatives_from_a_manual(e):
    return train_pairs(e, foreign([s for d in topics() for s in d.sentences]))


@defect("easy-negatives", T)
def negatives_from_speeches_in_both(e):
    return all_pairs(e, foreign([s for d in sotu() for s in d.sentences]))


@defect("tested-on-training-text", D)
def same_files_for_all_three(e):
    return put(e, documents=list(e.documents)[:25], split=lambda ds, r: (list(ds), list(ds), list(ds)))


@defect("tested-on-training-text", C)
def split_taken_with_overlap(e):
    def split(ds, r):
        a, b_, c = e.split(ds, r)
        return a, a[: len(b_)], a[-len(c) :]

    return put(e, split=split)


@defect("too-few-pairs", S)
def three_documents(e):
    return train_documents(e, lambda ds, r: ds[:3])


@defect("too-few-pairs", C)
def debugging_slice_left_in(e):
    return train_pairs(e, lambda p, r: p[:96])


@defect("corpus-duplicated", T)
def four_documents_many_times(e):
    return train_documents(e, lambda ds, r: ds[:6] * 10)


@defect("corpus-duplicated", S)
def mirrors_of_the_same_site(e):
    few = list(e.documents)[:6]
    return put(e, documents=[Document(f"{d.name} {k}", d.sentences) for k in range(10) for d in few])


@defect("domain-shift", S)
def trained_on_a_manual(e):
    return train_documents(e, lambda ds, r: list(topics()))


@defect("domain-shift", D)
def trained_on_speeches(e):
    return train_documents(e, lambda ds, r: list(sotu(0, 40, 40)))


@defect("training-labels-inverted", D)
def one_means_next_in_the_training_file(e):
    return train_pairs(e, lambda p, r: [set_label(x, 1 - x.label) for x in p])


@defect("training-labels-inverted", G)
def inverted_in_the_collate_function(e):
    return train_encode(e, lambda p, v, n: (lambda x: with_labels(x, 1 - x.labels))(e.encode(p, v, n)))


@defect("convention-inverted", T)
def one_means_next_everywhere(e):
    return all_pairs(e, lambda p, r: [set_label(x, 1 - x.label) for x in p])


@defect("convention-inverted", C)
def logits_in_the_other_order(e):
    def loss(z, y):
        return nsp_loss_and_grad(z, 1 - np.asarray(y))

    class View:
        def __init__(self, model):
            self.model = model

        def logits(self, pairs):
            return self.model.logits(pairs)[:, ::-1]

    return put(e, loss=loss, evaluation=lambda m, p: e.evaluation(View(m), p))


# ---------------------------------------------------------------- text and encoding

@defect("page-headers", T)
def running_title(e):
    head = "Python documentation release 3 language reference chapter section page " * 3
    return all_documents(e, lambda d: Document(d.name, [head + s for s in d.sentences]))


@defect("page-headers", S)
def footer_on_every_line(e):
    foot = " printed by the office of the clerk of the house of representatives washington all rights reserved" * 2
    return all_documents(e, lambda d: Document(d.name, [s + foot for s in d.sentences]))


@defect("segment-ids-zero", S, C)
def token_types_all_zero(e):
    return all_encode(e, lambda x: with_types(x, np.zeros_like(x.token_type_ids)))


@defect("segment-ids-zero", D)
def token_types_all_one(e):
    return all_encode(e, lambda x: with_types(x, x.attention_mask.copy()))


def naive(keep):
    """Concatenate, then cut at the end."""

    def encode(p, v, n):
        rows, types = [], []
        for x in p:
            a, bb = v.ids(x.sentence_a).tolist(), v.ids(x.sentence_b).tolist()
            r = [CLS_ID, *a, SEP_ID, *bb, SEP_ID][:keep]
            rows.append(r)
            types.append(([0] * (len(a) + 2) + [1] * (len(bb) + 1))[: len(r)])
        return pad_rows(rows, types, [x.label for x in p])

    return encode


@defect("second-sentence-lost", G)
def cut_at_the_end(e):
    return put(e, encode=naive(20))


@defect("second-sentence-lost", T)
def tokenizer_default_of_16(e):
    return put(e, encode=naive(14))


@defect("second-sentence-lost", S)
def only_first_argument_encoded(e):
    def encode(p, v, n):
        rows = [[CLS_ID, *v.ids(x.sentence_a).tolist()[:60], SEP_ID] for x in p]
        return pad_rows(rows, [[0] * len(r) for r in rows], [x.label for x in p])

    return put(e, encode=encode)


@defect("segments-as-mask", C, S)
def arguments_in_wrong_order(e):
    return all_encode(e, lambda x: with_mask(x, x.token_type_ids.copy()))


@defect("padding-attended", C, D)
def mask_of_ones(e):
    return all_encode(e, lambda x: with_mask(x, np.ones_like(x.attention_mask)))


def left(x):
    ids, types, mask = (np.zeros_like(x.input_ids) for _ in range(3))
    n = x.attention_mask.sum(1)
    for k in range(len(ids)):
        for new, old in ((ids, x.input_ids), (types, x.token_type_ids), (mask, x.attention_mask)):
            new[k, -n[k] :] = old[k, : n[k]]
    return type(x)(ids, types, mask, x.labels)


@defect("cls-not-first", C, S)
def padded_on_the_left(e):
    return all_encode(e, left)


@defect("wrong-vocabulary", S)
def vectors_of_another_vocabulary(e):
    def change(m, rng):
        t = m.parameters
        order = np.r_[np.arange(5), 5 + rng.permutation(m.vocabulary.__len__() - 5)]
        t["encoder.embeddings"][...] = t["encoder.embeddings"][order]
        t["encoder.weights"][...] = t["encoder.weights"][order]

    return on_model(e, change)


@defect("wrong-vocabulary", T)
def ids_three_off(e):
    def change(x):
        return with_ids(x, np.where(x.input_ids > 4, 5 + (x.input_ids - 5 + 3) % 500, x.input_ids))

    return all_encode(e, change)


@defect("wrong-vocabulary", D)
def ids_sorted_by_alphabet_at_serving(e):
    """Trained with one vocabulary, evaluated with its words in another order."""
    cache = {}

    def encode(p, v, n):
        if id(v) not in cache:
            cache[id(v)] = np.r_[np.arange(5), 5 + np.argsort(np.argsort(v.tokens[5:]))]
        x = e.encode(p, v, n)
        return with_ids(x, cache[id(v)][x.input_ids])

    return held_encode(e, encode)


@defect("unknown-words", T)
def vocabulary_of_sixty(e):
    return put(e, vocabulary_size=60)


@defect("unknown-words", D)
def vocabulary_of_an_old_corpus(e):
    def encode(p, v, n):
        x = e.encode(p, v, n)
        return with_ids(x, np.where((x.input_ids > 4) & (x.input_ids % 7 != 0), UNK_ID, x.input_ids))

    return put(e, encode=encode)


@defect("unknown-words", C)
def upper_case_against_lower_case(e):
    """A cased vocabulary for a text in capitals: only marks and numbers are found."""
    def encode(p, v, n):
        x = e.encode(p, v, n)
        words = np.array([any(c.isalpha() for c in t) for t in v.tokens])
        words[:5] = False
        return with_ids(x, np.where(words[x.input_ids], UNK_ID, x.input_ids))

    return put(e, encode=encode)


def length(n):
    def change(m, rng):
        m.max_length = n

    return change


@defect("max-length-short", S, D)
def max_length_eight(e):
    return on_model(e, length(8))


@defect("max-length-short", C)
def four_words_of_each(e):
    def encode(p, v, n):
        cut = lambda s: " ".join(s.split()[:3]) if tokenize(" ".join(s.split()[:3])) else s  # noqa: E731
        return e.encode([put(x, sentence_a=cut(x.sentence_a), sentence_b=cut(x.sentence_b)) for x in p], v, n)

    return put(e, encode=encode)


@defect("a-given-twice", S)
def b_overwritten_by_a(e):
    return put(e, encode=lambda p, v, n: e.encode([put(x, sentence_b=x.sentence_a) for x in p], v, n))


@defect("a-given-twice", T)
def a_overwritten_by_b(e):
    return put(e, encode=lambda p, v, n: e.encode([put(x, sentence_a=x.sentence_b) for x in p], v, n))


@defect("a-given-twice", G)
def a_twice_in_training_only(e):
    return train_encode(e, lambda p, v, n: e.encode([put(x, sentence_b=x.sentence_a) for x in p], v, n))


@defect("word-order-lost", C)
def words_sorted(e):
    s = lambda t: " ".join(sorted(t.split()))  # noqa: E731
    return put(e, encode=lambda p, v, n: e.encode(
        [put(x, sentence_a=s(x.sentence_a), sentence_b=s(x.sentence_b)) for x in p], v, n))


@defect("word-order-lost", D)
def words_reversed_in_training(e):
    s = lambda t: " ".join(t.split()[::-1])  # noqa: E731
    return train_encode(e, lambda p, v, n: e.encode(
        [put(x, sentence_a=s(x.sentence_a), sentence_b=s(x.sentence_b)) for x in p], v, n))


# ---------------------------------------------------------------- model

@defect("pooler-saturated", T, S)
def pooler_std_of_five(e):
    def change(m, rng):
        w = m.pooler.parameters["weight"]
        w[...] = rng.standard_normal(w.shape) * 5

    return on_model(e, change)


@defect("pooler-saturated", C)
def inputs_not_scaled(e):
    """h_cls is multiplied by 60, as if features were never normalized."""
    def change(m, rng):
        class Scaled:
            def __init__(self, inner):
                self.inner = inner
                self.width, self.parameters, self.attends = inner.width, inner.parameters, inner.attends

            def forward(self, batch, rng=None):
                h, c = self.inner.forward(batch, rng)
                return h * h.dtype.type(60), c

            def backward(self, dh, c):
                return self.inner.backward(dh * dh.dtype.type(60), c)

        m.encoder = Scaled(m.encoder)

    return on_model(e, change)


def zeros(*parts):
    def change(m, rng):
        for part in parts:
            for a in getattr(m, part).parameters.values():
                a[...] = 0

    return change


@defect("zero-init", T, C)
def pooler_and_head_zeros(e):
    return on_model(e, zeros("pooler", "head"))


@defect("zero-init", G)
def everything_zeros_but_words(e):
    def change(m, rng):
        zeros("pooler", "head")(m, rng)
        m.encoder.parameters["weights"][...] = 0

    return on_model(e, change)


@defect("pretrained-not-loaded", S)
def missing_keys_ignored(e):
    def change(m, rng):
        for n, a in m.encoder.parameters.items():
            a[...] = rng.standard_normal(a.shape) * 0.02

    return on_model(e, change)


@defect("pretrained-not-loaded", C, D)
def vectors_random(e):
    def change(m, rng):
        a = m.encoder.parameters["embeddings"]
        a[...] = rng.standard_normal(a.shape)

    return on_model(e, change)


class DroppedFeatures:
    """An encoder whose h_cls is dropped with probability p (inverted dropout)."""

    def __init__(self, inner, p, always=False):
        self.inner, self.p, self.always = inner, p, always
        self.width, self.parameters, self.attends = inner.width, inner.parameters, inner.attends
        self.rng = np.random.default_rng(8)

    def forward(self, batch, rng=None):
        h, c = self.inner.forward(batch, rng)
        if rng is None and not self.always:
            return h, (c, None)
        mask = ((rng or self.rng).random(h.shape) >= self.p).astype(h.dtype) / h.dtype.type(1 - self.p)
        return h * mask, (c, mask)

    def backward(self, dh, cache):
        return self.inner.backward(dh * cache[1], cache[0])


@defect("dropout-too-high", C, T)
def keep_probability_taken_for_drop(e):
    def change(m, rng):
        m.encoder = DroppedFeatures(m.encoder, 0.97)

    return on_model(e, change)


@defect("dropout-too-high", S)
def words_dropped(e):
    return put(e, model=lambda d, v, r: bag_model(d, v, r, word_dropout=0.95))


@defect("dropout-in-evaluation", T, C)
def eval_mode_forgotten(e):
    def change(m, rng):
        m.encoder = DroppedFeatures(m.encoder, 0.5, always=True)

    return on_model(e, change)


@defect("dropout-in-evaluation", D)
def words_dropped_in_evaluation_too(e):
    def change(m, rng):
        own = np.random.default_rng(3)
        inner = m.encoder
        inner.dropout = 0.6
        plain = inner.forward
        inner.forward = lambda batch, rng=None: plain(batch, rng or own)

    return on_model(e, change)


def mask_features(keep):
    """Only the features of h_cls in `keep` reach the pooler."""

    def change(m, rng):
        class Kept:
            def __init__(self, inner):
                self.inner = inner
                self.width, self.parameters, self.attends = inner.width, inner.parameters, inner.attends
                self.mask = keep(inner).astype(np.float32)

            def forward(self, batch, rng=None):
                h, c = self.inner.forward(batch, rng)
                return h * self.mask, c

            def backward(self, dh, c):
                return self.inner.backward(dh * self.mask, c)

        m.encoder = Kept(m.encoder)

    return change


def _bag_sides(encoder):
    dim = (encoder.width - 2) // 4
    keep = np.zeros(encoder.width)
    keep[2 * dim : 4 * dim] = 1
    return keep


def _conv_sides(encoder):
    keep = np.zeros(encoder.width)
    keep[2 * encoder.count : 4 * encoder.count] = 1
    return keep


def _meanmax_sides(encoder):
    keep = np.zeros(encoder.width)
    keep[3 * encoder.dim :] = 1
    return keep


@defect("no-comparison", S, G)
def u_and_v_only(e):
    return on_model(e, mask_features(_bag_sides))


@defect("no-comparison", C)
def filters_side_by_side(e):
    return on_model(e, mask_features(_conv_sides))


@defect("no-comparison", D)
def means_side_by_side(e):
    return on_model(e, mask_features(_meanmax_sides))


@defect("pooler-narrow", T)
def one_pooled_unit(e):
    return put(e, model=lambda d, v, r: bag_model(d, v, r, dim=48, pooled_width=1, word_dropout=0.1))


@defect("pooler-narrow", C)
def two_pooled_units(e):
    return put(e, model=lambda d, v, r: conv_model(d, v, r, pooled_width=2))


@defect("pooler-narrow", S)
def one_unit_with_default_bag(e):
    return put(e, model=lambda d, v, r: bag_model(d, v, r, pooled_width=1))


@defect("backward-wrong", S)
def tanh_gate_with_wrong_sign(e):
    def change(m, rng):
        p = m.pooler
        right = p.backward

        def backward(d, cache):
            return right(-d, cache)

        p.backward = backward

    return on_model(e, change)


@defect("backward-wrong", C)
def pooler_weight_gradient_negated(e):
    def change(m, rng):
        right = m.pooler.backward

        def backward(d, cache):
            dh, g = right(d, cache)
            return dh, {"weight": -g["weight"], "bias": -g["bias"]}

        m.pooler.backward = backward

    return on_model(e, change)


class ReluPooler:
    def __init__(self, inner, bias):
        self.parameters = inner.parameters
        self.parameters["bias"][...] = bias

    def forward(self, h):
        y = h @ self.parameters["weight"].T + self.parameters["bias"]
        pooled = np.maximum(y, 0)
        return pooled, PCache(h, pooled)

    def backward(self, d, cache):
        d = d * (cache.pooled > 0)
        return d @ self.parameters["weight"], {"weight": d.T @ cache.h_cls, "bias": d.sum(0)}


from nsputil.heads import PoolerCache as PCache  # noqa: E402


@defect("dead-units", S, C)
def relu_pooler_with_bias(e):
    def change(m, rng):
        m.pooler = ReluPooler(m.pooler, -25.0)

    return on_model(e, change)


@defect("dead-units", D)
def relu_pooler_nearly_all_dead(e):
    def change(m, rng):
        m.pooler = ReluPooler(m.pooler, -8.0)

    return on_model(e, change)


# ---------------------------------------------------------------- loss

@defect("double-softmax", S, C)
def softmax_then_cross_entropy(e):
    def loss(z, y):
        p = softmax(z)
        value, dp = cross_entropy(p, onehot(y))
        return value, (p * (dp - (dp * p).sum(1, keepdims=True))).astype(z.dtype)

    return put(e, loss=loss)


@defect("double-softmax", G)
def sigmoid_before_the_loss(e):
    def loss(z, y):
        p = 1 / (1 + np.exp(-np.asarray(z, np.float64)))
        value, dp = cross_entropy(p, onehot(y))
        return value, (dp * p * (1 - p)).astype(z.dtype)

    return put(e, loss=loss)


def ignoring(label):
    def loss(z, y):
        kept = np.asarray(y) != label
        if not kept.any():
            return 0.0, np.zeros_like(z)
        return nsp_loss_and_grad(z, y, kept.astype(z.dtype))

    return loss


@defect("ignore-index-zero", D, S)
def label_zero_ignored(e):
    return put(e, loss=ignoring(0))


@defect("ignore-index-zero", T)
def label_one_ignored(e):
    return put(e, loss=ignoring(1))


@defect("sign-flipped", G)
def gradient_without_minus(e):
    def loss(z, y):
        value, d = e.loss(z, y)
        return value, -d

    return put(e, loss=loss)


@defect("sign-flipped", T)
def likelihood_minimized(e):
    def loss(z, y):
        value, d = e.loss(z, y)
        return -value, -d

    return put(e, loss=loss)


@defect("sign-flipped", C)
def weights_plus_step(e):
    return around(e, lambda g, k: times(g, -1))


@defect("sum-reduction", S, C)
def loss_summed(e):
    def loss(z, y):
        value, d = e.loss(z, y)
        return value * len(y), d * d.dtype.type(len(y))

    return put(e, loss=loss)


@defect("squared-error", T, D)
def brier(e):
    def loss(z, y):
        p, t = softmax(z), onehot(y)
        dp = 2 * (p - t) / len(y)
        return float(((p - t) ** 2).sum(1).mean()), (p * (dp - (dp * p).sum(1, keepdims=True))).astype(z.dtype)

    return put(e, loss=loss)


@defect("squared-error", S)
def mean_squared_error_of_one_column(e):
    def loss(z, y):
        p, t = softmax(z), onehot(y)
        dp = (p - t) / len(y)
        return float(((p - t) ** 2).mean()), (p * (dp - (dp * p).sum(1, keepdims=True))).astype(z.dtype)

    return put(e, loss=loss)


def weighted(w0, w1):
    def loss(z, y):
        return nsp_loss_and_grad(z, y, np.where(np.asarray(y) == 0, w0, w1).astype(z.dtype))

    return loss


@defect("class-weight-left", D)
def weight_twenty_on_next(e):
    return put(e, loss=weighted(20, 1))


@defect("class-weight-left", T)
def weight_fifteen_on_not_next(e):
    return put(e, loss=weighted(1, 15))


@defect("class-weight-left", G)
def pos_weight_without_normalization(e):
    def loss(z, y):
        w = np.where(np.asarray(y) == 0, 8.0, 1.0)
        t = onehot(y) * w[:, None]
        return cross_entropy(z, t)

    return put(e, loss=loss)


def smoothed(eps):
    return lambda z, y: cross_entropy(z, onehot(y) * (1 - eps) + eps / 2)


@defect("label-smoothing-heavy", S)
def smoothing_of_0_8(e):
    return put(e, loss=smoothed(0.8))


@defect("label-smoothing-heavy", T, D)
def smoothing_of_0_6(e):
    return put(e, loss=smoothed(0.6))


@defect("softmax-over-batch", D, S)
def axis_zero(e):
    def loss(z, y):
        lp = log_softmax(np.asarray(z, np.float64), 0)
        t = onehot(y)
        return float(-(t * lp).sum(1).mean()), ((np.exp(lp) * t.sum(0, keepdims=True) - t) / len(y)).astype(z.dtype)

    return put(e, loss=loss)


@defect("single-logit", S, D)
def cross_entropy_over_one_column(e):
    def loss(z, y):
        one = np.asarray(z)[:, :1]
        lp = log_softmax(one, 1)
        return float(-lp.mean()), np.zeros_like(z)

    return put(e, loss=loss)


@defect("negative-loss", S, T)
def nll_of_probabilities(e):
    def loss(z, y):
        p, t = softmax(z), onehot(y)
        dp = -t / len(y)
        return float(-(p * t).sum(1).mean()), (p * (dp - (dp * p).sum(1, keepdims=True))).astype(z.dtype)

    return put(e, loss=loss)


@defect("negative-loss", C)
def nll_of_raw_logits(e):
    def loss(z, y):
        t = onehot(y)
        return float(-(np.asarray(z, np.float64) * t).sum(1).mean()), (-t / len(y)).astype(z.dtype)

    return put(e, loss=loss)


@defect("half-precision-overflow", T)
def losses_in_float16(e):
    scale = 2.0**14

    def loss(z, y):
        each = np.asarray(nsp_loss(z, y, "none"), np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            value = float((each * scale).astype(np.float16).max())
        if not np.isfinite(value):
            return float("nan"), np.full_like(z, np.nan)
        return e.loss(z, y)

    return put(e, loss=loss)


@defect("half-precision-overflow", G)
def batch_sum_in_float16(e):
    def loss(z, y):
        each = np.asarray(nsp_loss(z, y, "none"), np.float32)
        with np.errstate(over="ignore"):
            total = np.float16(each.sum() * 2048 * 1.1)
        value, d = e.loss(z, y)
        return (value, d) if np.isfinite(total) else (float("nan"), d * np.nan)

    return put(e, loss=loss)


@defect("total-logged-as-nsp", S, D)
def word_loss_added_to_the_log(e):
    """A second task, a unigram model of the words of the batch, learns along; the sum is logged and reported."""
    state = {"batch": None, "scores": None}

    def encode(p, v, n):
        batch = e.encode(p, v, n)
        state["batch"] = batch.input_ids[batch.attention_mask > 0]
        if state["scores"] is None or len(state["scores"]) != len(v):
            state["scores"] = np.zeros(len(v))
        return batch

    def words(learn):
        ids, s = state["batch"], state["scores"]
        lp = s - s.max() - np.log(np.exp(s - s.max()).sum())
        if learn:
            s += 20 * (np.bincount(ids, minlength=len(s)) / len(ids) - np.exp(lp))
        return float(-lp[ids].mean())

    def loss(z, y):
        value, d = e.loss(z, y)
        return value + words(True), d

    def evaluation(m, p):
        report = e.evaluation(m, p)
        return report | {"loss": report["loss"] + words(False)}

    return put(e, encode=encode, loss=loss, evaluation=evaluation)


@defect("total-logged-as-nsp", C)
def penalty_added_to_the_log(e):
    """Only the training log holds the sum, with a masked-word loss that falls as those do."""
    step = [0]
    rng = np.random.default_rng(2)

    def loss(z, y):
        value, d = e.loss(z, y)
        step[0] += 1
        return value + 4.5 + 4 * np.exp(-step[0] / 60) + 0.1 * rng.standard_normal(), d

    return put(e, loss=loss)


def scaled_gradient(factor):
    def make(e):
        def loss(z, y):
            value, d = e.loss(z, y)
            return value, d * d.dtype.type(factor)

        return put(e, loss=loss)

    return make


@defect("task-weight-tiny", G)
def nsp_weight_of_a_thousandth(e):
    return scaled_gradient(1e-3)(e)


@defect("task-weight-tiny", T)
def other_task_fills_the_gradient(e):
    """SGD, and NSP weighed with 1/500 as the other task's loss is large."""
    e = put(e, optimizer=lambda m, s: SGD(m.parameters, 0.05, 0.9, warmup_linear(10, s + 1)))
    return scaled_gradient(1 / 500)(e)


@defect("task-weight-tiny-under-adam", S, C, D)
def weight_of_a_thousandth_with_adam(e):
    return scaled_gradient(1e-3)(e)


@defect("loss-in-bits", T, G)
def log2(e):
    def loss(z, y):
        value, d = e.loss(z, y)
        return value / np.log(2), d / d.dtype.type(np.log(2))

    return put(e, loss=loss, evaluation=lambda m, p: (lambda r: r | {"loss": r["loss"] / np.log(2)})(e.evaluation(m, p)))


def tempered(t):
    def make(e):
        def loss(z, y):
            value, d = nsp_loss_and_grad((z / z.dtype.type(t)), y)
            return value, (d / t).astype(z.dtype)

        return put(e, loss=loss)

    return make


@defect("temperature-forgotten", S, C)
def temperature_ten(e):
    return tempered(10)(e)


@defect("temperature-forgotten", D)
def temperature_four(e):
    return tempered(4)(e)


def hardest(share):
    def make(e):
        def loss(z, y):
            each = np.asarray(nsp_loss(z, y, "none"))
            k = max(1, int(share * len(each)))
            w = np.zeros(len(each), z.dtype)
            w[np.argsort(each)[-k:]] = 1
            return nsp_loss_and_grad(z, y, w)

        return put(e, loss=loss)

    return make


@defect("hardest-pairs-only", S, G)
def top_tenth(e):
    return hardest(0.1)(e)


@defect("hardest-pairs-only", T)
def worst_four(e):
    return hardest(4 / 64)(e)


# ---------------------------------------------------------------- optimizer and schedule

def adam(rate=2e-3, decay=True, **options):
    def make(m, s):
        schedule = warmup_linear(max(1, s // 10), s + 1) if decay else constant
        return AdamW(m.parameters, rate, schedule=schedule, **options)

    return make


def sgd(rate=0.05, momentum=0.9, decay=True, **options):
    def make(m, s):
        return SGD(m.parameters, rate, momentum, warmup_linear(10, s + 1) if decay else constant, **options)

    return make


@defect("learning-rate-too-high", S)
def rate_one(e):
    return put(e, optimizer=adam(1.0))


@defect("learning-rate-too-high", C)
def rate_point_three(e):
    return put(e, optimizer=adam(0.3, decay=False))


@defect("learning-rate-too-high", G)
def sgd_rate_twenty(e):
    return put(e, optimizer=sgd(20.0))


@defect("learning-rate-too-low", T)
def rate_of_fine_tuning_a_giant(e):
    return put(e, optimizer=adam(2e-6))


@defect("learning-rate-too-low", G)
def adam_rate_given_to_sgd(e):
    return put(e, optimizer=sgd(2e-5))


@defect("learning-rate-too-low", C)
def warmup_never_ends(e):
    return put(e, optimizer=lambda m, s: AdamW(m.parameters, 2e-3, schedule=lambda k: k / 100_000))


@defect("schedule-ends-early", T)
def steps_counted_per_epoch(e):
    return put(e, optimizer=lambda m, s: AdamW(m.parameters, 2e-3, schedule=warmup_linear(2, 12)))


@defect("schedule-ends-early", C)
def decay_by_half_each_step(e):
    return put(e, optimizer=lambda m, s: AdamW(m.parameters, 2e-3, schedule=lambda k: 0.6**k))


@defect("schedule-ends-early", G)
def scheduler_stepped_twenty_times(e):
    def make(m, s):
        f = warmup_linear(10, s + 1)
        return SGD(m.parameters, 0.05, 0.9, lambda k: f(20 * k))

    return put(e, optimizer=make)


@defect("stopped-too-early", S)
def six_steps(e):
    return put(e, max_steps=6, evaluate_every=2, instrument_every=1)


@defect("stopped-too-early", D)
def early_stopping_without_patience(e):
    return put(e, max_steps=10, evaluate_every=5, instrument_every=2)


@defect("stopped-too-early", G)
def one_short_epoch(e):
    return put(e, pairs=lambda d, r: e.pairs(d, r)[:400], held_out_pairs=e.pairs, epochs=1, evaluate_every=3, instrument_every=2)


@defect("clip-too-small", G)
def clip_of_a_thousandth(e):
    return put(e, optimizer=sgd(clip=1e-3))


@defect("clip-too-small", T)
def clip_by_value_with_sgd(e):
    def change(g, k):
        return {n: RowGradient(x.rows, np.clip(x.values, -1e-5, 1e-5)) if isinstance(x, RowGradient)
                else np.clip(x, -1e-5, 1e-5) for n, x in g.items()}

    return around(put(e, optimizer=sgd()), change)


@defect("clip-too-small-under-adam", S, C, D)
def adam_clip_of_a_thousandth(e):
    return put(e, optimizer=adam(clip=1e-3))


def only(test):
    return lambda e: around(e, lambda g, k: {n: x for n, x in g.items() if test(n)})


@defect("only-biases-trained", T)
def biases_group_only(e):
    return only(lambda n: n.endswith("bias"))(e)


@defect("only-biases-trained", C, G)
def bitfit_by_accident(e):
    def make(m, s):
        inner = e.optimizer(m, s)
        names = [n for n in m.parameters if n.endswith("bias")]

        class Some(Around):
            def step(self, g):
                self.inner.step({n: g[n] for n in names})

        return Some(inner)

    return put(e, optimizer=make)


@defect("updates-not-applied", S, G)
def optimizer_built_before_the_copy(e):
    def make(m, s):
        own = copy(m)
        frozen = {n: a.copy() for n, a in m.parameters.items()}
        own.__class__ = type("Detached", (type(m),), {"parameters": property(lambda self: frozen)})
        return e.optimizer(own, s)

    return put(e, optimizer=make)


@defect("updates-not-applied", C)
def weights_cast_at_every_step(e):
    """The optimizer works on a float64 master copy that is never written back."""
    def make(m, s):
        master = {n: a.astype(np.float64) for n, a in m.parameters.items()}
        return AdamW(master, 2e-3, schedule=warmup_linear(20, s + 1))

    return put(e, optimizer=make)


@defect("encoder-frozen", S, C)
def encoder_not_in_the_optimizer(e):
    return only(lambda n: not n.startswith("encoder"))(e)


@defect("encoder-frozen", D)
def requires_grad_false(e):
    return only(lambda n: n.split(".")[0] in ("pooler", "head"))(e)


@defect("head-frozen", T, C)
def head_not_in_the_optimizer(e):
    return only(lambda n: not n.startswith("head"))(e)


def accumulating(e):
    def make(m, s):
        inner = e.optimizer(m, s)
        total = {}

        class Adds(Around):
            def step(self, g):
                for n, x in dense(g, m.parameters).items():
                    total[n] = total[n] + x if n in total else x.copy()
                self.inner.step(total)

        return Adds(inner)

    return put(e, optimizer=make)


@defect("no-zero-grad", T, G)
def zero_grad_forgotten(e):
    return accumulating(e)


@defect("no-zero-grad", C)
def zero_grad_forgotten_for_pooler_and_head(e):
    def make(m, s):
        inner, total = e.optimizer(m, s), {}

        class Adds(Around):
            def step(self, g):
                g = dict(g)
                for n in g:
                    if not isinstance(g[n], RowGradient):
                        total[n] = total.get(n, 0) + g[n]
                        g[n] = total[n].copy()
                self.inner.step(g)

        return Adds(inner)

    return put(e, optimizer=make)


@defect("weight-decay-too-high", S)
def decay_of_fifty(e):
    return put(e, optimizer=adam(weight_decay=50.0))


@defect("weight-decay-too-high", G)
def l2_in_the_gradient(e):
    def make(m, s):
        class L2(Around):
            def step(self, g):
                g = dense(g, m.parameters)
                self.inner.step({n: x + x.dtype.type(0.3) * m.parameters[n] for n, x in g.items()})

        return L2(momentum_sgd(m, s))

    return put(e, optimizer=make)


@defect("weight-decay-too-high", D)
def decay_without_the_rate(e):
    """Decoupled decay that was not multiplied by the learning rate."""
    def make(m, s):
        class Shrinks(Around):
            def step(self, g):
                self.inner.step(g)
                for a in m.parameters.values():
                    a *= a.dtype.type(1 - 0.1)

        return Shrinks(e.optimizer(m, s))

    return put(e, optimizer=make)


@defect("batch-too-small", S)
def one_pair_a_step(e):
    return put(e, batch_size=1)


@defect("batch-too-small", C, G)
def two_pairs_a_step(e):
    return put(e, batch_size=2)


@defect("adam-without-bias-correction", C, T)
def uncorrected(e):
    class Uncorrected(AdamW):
        def _update(self, name, rows, g, rate):
            kept = self.steps
            self.steps = 10**9
            try:
                super()._update(name, rows, g, rate)
            finally:
                self.steps = kept

    return put(e, optimizer=lambda m, s: Uncorrected(m.parameters, 2e-3, schedule=lambda k: max(0.0, 1 - k / (s + 1))))


def delayed(n):
    def make(e):
        def build(m, s):
            queue = []

            class Late(Around):
                def step(self, g):
                    queue.append({k: RowGradient(x.rows, x.values.copy()) if isinstance(x, RowGradient) else x.copy()
                                  for k, x in g.items()})
                    old = queue.pop(0) if len(queue) > n else times(queue[0], 0)
                    self.inner.step(old)

            return Late(e.optimizer(m, s))

        return put(e, optimizer=build)

    return make


@defect("gradients-delayed", S, C)
def workers_sixty_steps_late(e):
    return delayed(60)(e)


@defect("gradients-delayed", G)
def workers_forty_steps_late(e):
    return delayed(40)(e)


@defect("momentum-too-high", G)
def momentum_of_0_999(e):
    return put(e, optimizer=sgd(momentum=0.999))


@defect("momentum-too-high", S, C)
def beta_one_of_0_998(e):
    return put(e, optimizer=adam(betas=(0.998, 0.999)))


# ---------------------------------------------------------------- evaluation

def evaluating(change):
    """`change(logits, labels) -> report` in the place of the evaluation."""
    return lambda e: put(e, evaluation=lambda m, p: change(m.logits(p), labels_of(p)))


def report(z, y, **more):
    if not np.isfinite(z).all():
        return {"loss": float("nan"), "accuracy": float("nan")}
    says = z.argmax(1)
    r = {"loss": nsp_loss(z, y), "accuracy": float((says == y).mean())}
    if (y == 0).any():
        r["recall_is_next"] = float((says[y == 0] == 0).mean())
    if (y == 1).any():
        r["recall_not_next"] = float((says[y == 1] == 1).mean())
    r["mean_p_is_next"] = float(softmax(z)[:, 0].mean())
    return r | more


@defect("evaluation-labels-inverted", T, C)
def one_is_next_in_the_evaluation(e):
    return evaluating(lambda z, y: report(z, 1 - y))(e)


@defect("evaluation-labels-inverted", D)
def held_out_file_inverted(e):
    return held_pairs(e, lambda p, r: [set_label(x, 1 - x.label) for x in p])


@defect("stale-checkpoint", S, D)
def first_checkpoint_loaded(e):
    kept = {}

    def evaluation(m, p):
        if "model" not in kept:
            kept["model"] = deepcopy(m)
        return e.evaluation(kept["model"], p)

    return put(e, evaluation=evaluation)


@defect("stale-checkpoint", C)
def initial_weights_evaluated(e):
    kept = {}

    def change(m, rng):
        kept["model"] = deepcopy(m)

    e2 = on_model(e, change)
    return put(e2, evaluation=lambda m, p: e.evaluation(kept["model"], p))


@defect("predictions-out-of-order", S)
def sorted_by_length_and_not_unsorted(e):
    def evaluation(m, p):
        z = m.logits(p)
        order = np.argsort([len(x.sentence_a) + len(x.sentence_b) for x in p], kind="stable")
        return report(z[order], labels_of(p))

    return put(e, evaluation=evaluation)


@defect("predictions-out-of-order", D)
def workers_return_chunks_in_another_order(e):
    def evaluation(m, p):
        z = m.logits(p)
        order = np.concatenate([np.arange(k, len(p), 4) for k in range(4)])
        order = np.random.default_rng(0).permutation(order)
        return report(z[order], labels_of(p))

    return put(e, evaluation=evaluation)


@defect("logit-read-as-probability", S, C)
def logit_above_one_half(e):
    def change(z, y):
        r = report(z, y)
        says = np.where(z[:, 0] > 0.5, 0, 1)
        r["accuracy"] = float((says == y).mean())
        r["recall_is_next"], r["recall_not_next"] = float((says[y == 0] == 0).mean()), float((says[y == 1] == 1).mean())
        return r

    return evaluating(change)(e)


@defect("logit-read-as-probability", T)
def clipped_logit_as_probability(e):
    def change(z, y):
        p = np.clip(z[:, 1], 1e-6, 1 - 1e-6)
        gold = np.where(y == 1, p, 1 - p)
        says = (p > 0.5).astype(int)
        r = {"loss": float(-np.log(gold).mean()), "accuracy": float((says == y).mean())}
        r["recall_is_next"], r["recall_not_next"] = float((says[y == 0] == 0).mean()), float((says[y == 1] == 1).mean())
        return r | {"mean_p_is_next": float((1 - p).mean())}

    return evaluating(change)(e)


@defect("evaluated-on-few-pairs", S, C)
def ten_held_out_pairs(e):
    return put(held_pairs(e, lambda p, r: [p[k] for k in r.permutation(len(p))[:10]]), watch=10)


@defect("evaluated-on-few-pairs", G)
def first_batch_of_six_only(e):
    return put(e, evaluation=lambda m, p: e.evaluation(m, p[:6]))


@defect("unsure-pairs-dropped", S, C)
def sure_half_scored(e):
    def change(z, y):
        gap = np.abs(z[:, 0] - z[:, 1])
        keep = gap >= np.median(gap)
        return report(z[keep], y[keep])

    return evaluating(change)(e)


@defect("unsure-pairs-dropped", D)
def abstains_below_0_7(e):
    def change(z, y):
        keep = softmax(z).max(1) > 0.7 if np.isfinite(z).all() else np.ones(len(z), bool)
        return report(z[keep], y[keep]) if keep.sum() > 4 else report(z, y)

    return evaluating(change)(e)


@defect("best-part-reported", T, C)
def best_of_twelve_parts(e):
    def change(z, y):
        parts = np.array_split(np.random.default_rng(1).permutation(len(y)), 12)
        return max((report(z[k], y[k]) for k in parts), key=lambda r: r["accuracy"])

    return evaluating(change)(e)


@defect("best-part-reported", S)
def best_document_reported(e):
    def evaluation(m, p):
        z, y = m.logits(p), labels_of(p)
        docs = np.array([x.document_a for x in p])
        found = [report(z[docs == d], y[docs == d]) for d in set(docs.tolist()) if (docs == d).sum() >= 10]
        return max(found, key=lambda r: r["accuracy"]) if found else report(z, y)

    return put(e, evaluation=evaluation)


@defect("held-out-loss-summed", S)
def loss_summed_over_batches_of_32(e):
    return evaluating(lambda z, y: (lambda r: r | {"loss": r["loss"] * 32})(report(z, y)))(e)


@defect("held-out-loss-summed", D, G)
def loss_summed_over_everything(e):
    return evaluating(lambda z, y: (lambda r: r | {"loss": r["loss"] * len(y)})(report(z, y)))(e)


@defect("metric-never-reset", S, C)
def running_average_of_all_evaluations(e):
    seen = []

    def evaluation(m, p):
        seen.append(e.evaluation(m, p))
        return {k: float(np.mean([r[k] for r in seen if k in r])) for k in seen[-1]}

    return put(e, evaluation=evaluation)


@defect("metric-never-reset", D)
def counters_kept_in_the_metric_object(e):
    hits, total, losses = [0], [0], [0.0]

    def change(z, y):
        r = report(z, y)
        hits[0] += r["accuracy"] * len(y)
        losses[0] += r["loss"] * len(y)
        total[0] += len(y)
        return r | {"accuracy": hits[0] / total[0], "loss": losses[0] / total[0]}

    return evaluating(change)(e)


@defect("swapped-in-evaluation", S, C, G)
def arguments_swapped_at_evaluation(e):
    return put(e, evaluation=lambda m, p: e.evaluation(
        m, [put(x, sentence_a=x.sentence_b, sentence_b=x.sentence_a) for x in p]))


def without_repeats(pair):
    seen = set(tokenize(pair.sentence_a))
    left_over = [w for w in tokenize(pair.sentence_b) if w not in seen]
    return put(pair, sentence_b=" ".join(left_over) or pair.sentence_b)


@defect("evaluation-text-cleaned", S, D)
def repeated_words_removed(e):
    return put(e, evaluation=lambda m, p: e.evaluation(m, [without_repeats(x) for x in p]))


@defect("evaluation-text-cleaned", G)
def repeats_removed_in_the_held_out_file(e):
    return held_pairs(e, lambda p, r: [without_repeats(x) for x in p])


# ================================================================ kind b: outside the list

@b("windows that overlap by a sentence", "pairs", S)
def overlapping_windows(e):
    def pairs(documents, rng):
        out = []
        for p in e.pairs(documents, rng):
            if p.label == 0:
                p = put(p, sentence_b=documents[p.document_a].sentences[p.position_a] + " " + p.sentence_b)
            out.append(p)
        return out

    return put(e, pairs=pairs, held_out_pairs=e.pairs)


@b("the positive is five sentences further on", "pairs", T)
def gap_of_five(e):
    def pairs(documents, rng):
        out = []
        for p in e.pairs(documents, rng):
            if p.label == 0:
                s = documents[p.document_a].sentences
                p = put(p, sentence_b=s[min(len(s) - 1, p.position_a + 6)])
            out.append(p)
        return out

    return put(e, pairs=pairs, held_out_pairs=e.pairs)


@b("one negative sentence for the whole epoch", "pairs", D)
def one_fixed_negative(e):
    def change(p, r):
        one = p[1].sentence_b
        return [put(x, sentence_b=one) if x.label else x for x in p]

    return train_pairs(e, change)


@b("negatives copied with typing errors", "pairs", C)
def negatives_are_paraphrases_of_a(e):
    """Negatives made by shuffling A itself: the true distribution of negatives is never seen."""
    def change(p, r):
        return [put(x, sentence_b=" ".join(r.permutation(x.sentence_a.split()))) if x.label else x for x in p]

    return train_pairs(e, change)


@b("sentences of a document in all parts", "split", T)
def split_by_sentence(e):
    def split(ds, rng):
        parts = ([], [], [])
        for d in ds:
            s = d.sentences
            for k, a in zip((0, 1, 2), (s[::2], s[1::4], s[3::4])):
                if len(a) >= 2:
                    parts[k].append(Document(d.name, a))
        return parts

    return put(e, split=split)


@b("held-out documents are the shortest", "split", D)
def split_by_size(e):
    def split(ds, rng):
        order = sorted(ds, key=lambda d: len(d.sentences))
        return order[60:], order[:30], order[30:60]

    return put(e, split=split)


@b("tenth of the training text by a wrong fraction", "split", G)
def fractions_swapped(e):
    return put(e, split=lambda ds, r: split_documents(ds, r, (0.08, 0.1, 0.82)))


@b("ids hashed into a tiny table", "encoding", S)
def hashing_trick(e):
    return all_encode(e, lambda x: with_ids(x, np.where(x.input_ids > 4, 5 + x.input_ids % 61, x.input_ids)))


@b("only stop words kept", "encoding", D)
def stop_list_inverted(e):
    return all_encode(e, lambda x: with_mask(x, x.attention_mask * (x.input_ids < 5 + 40)))


@b("letters in the place of words", "encoding", T)
def list_of_a_string(e):
    def encode(p, v, n):
        s = lambda t: " ".join(t.replace(" ", ""))[:200]  # noqa: E731
        return e.encode([put(x, sentence_a=s(x.sentence_a), sentence_b=s(x.sentence_b)) for x in p], v, 200)

    return put(e, encode=encode)


@b("boundary in the middle of the row", "encoding", C)
def boundary_at_half(e):
    def change(x):
        n = x.attention_mask.sum(1, keepdims=True)
        place = np.arange(x.input_ids.shape[1])[None]
        return with_types(x, ((place >= n // 2) & (place < n)).astype(np.int64))

    return all_encode(e, change)


@b("words masked in nearly every row", "encoding", G)
def masked_for_another_task(e):
    rng = np.random.default_rng(0)
    return all_encode(e, lambda x: with_ids(x, np.where((x.input_ids > 4) & (rng.random(x.input_ids.shape) < 0.7), 4,
                                                         x.input_ids)))


@b("batch statistics leak between the rows", "model", S)
def batch_norm_over_the_batch(e):
    """h_cls normalized over the batch in both modes; held-out batches are sorted by length."""
    def change(m, rng):
        class Normed:
            def __init__(self, inner):
                self.inner = inner
                self.width, self.parameters, self.attends = inner.width, inner.parameters, inner.attends
                self.mean, self.std = np.zeros(inner.width, np.float32), np.ones(inner.width, np.float32)

            def forward(self, batch, rng=None):
                h, c = self.inner.forward(batch, rng)
                if rng is None:  # running averages that were never updated
                    return (h - self.mean) / self.std, (c, self.std)
                std = h.std(0) + 1e-3
                return (h - h.mean(0)) / std, (c, std)

            def backward(self, dh, cache):
                return self.inner.backward(dh / cache[1], cache[0])

        m.encoder = Normed(m.encoder)

    return on_model(e, change)


@b("head starts with a bias of 8", "model", G)
def head_bias_of_eight(e):
    def change(m, rng):
        m.head.parameters["bias"][0] = 8

    return on_model(e, change)


@b("scale of h_cls a thousandth", "model", T)
def features_divided_by_width_squared(e):
    def change(m, rng):
        inner = m.encoder
        f, g = inner.forward, inner.backward
        k = np.float32(1e-3)
        inner.forward = lambda batch, rng=None: (lambda h, c: (h * k, c))(*f(batch, rng))
        inner.backward = lambda d, c: g(d * k, c)

    return on_model(e, change)


@b("focal loss with the factor upside down", "loss", S)
def focal_upside_down(e):
    def loss(z, y):
        p = softmax(z)[np.arange(len(y)), y]
        w = np.maximum(p**3, 1e-6).astype(z.dtype)
        return nsp_loss_and_grad(z, y, w)

    return put(e, loss=loss)


@b("a bonus for certainty in the loss", "loss", D)
def entropy_with_the_wrong_sign(e):
    def loss(z, y):
        value, d = nsp_loss_and_grad(z, y)
        p = softmax(z)
        lp = np.log(np.maximum(p, 1e-30))
        h = -(p * lp).sum(1, keepdims=True)
        dh = -p * (lp + h)
        return value + 2 * float(h.mean()), (d + 2 * dh / len(y)).astype(z.dtype)

    return put(e, loss=loss)


@b("the absolute error of one logit against the label's number", "loss", C)
def regression_on_the_label(e):
    def loss(z, y):
        d = np.zeros_like(z)
        d[:, 0] = np.sign(z[:, 0] - y) / len(y)
        return float(np.abs(z[:, 0] - y).mean()), d

    return put(e, loss=loss)


@b("optimizer made anew in every step", "optimizer", T)
def optimizer_recreated(e):
    def make(m, s):
        class Anew(Around):
            def step(self, g):
                self.inner.state.clear()
                n, self.inner.steps = self.inner.steps, 0
                self.inner.schedule = lambda k: 10.0
                self.inner.step(g)
                self.inner.steps = n + 1

        return Anew(e.optimizer(m, s))

    return put(e, optimizer=make)


@b("noise for privacy too strong", "optimizer", G)
def noise_added_to_the_gradients(e):
    rng = np.random.default_rng(1)

    def noisy(x):
        return x + (rng.standard_normal(x.shape) * 0.05).astype(x.dtype)

    return around(e, lambda g, k: {n: RowGradient(x.rows, noisy(x.values)) if isinstance(x, RowGradient) else noisy(x)
                                   for n, x in g.items()})


@b("weights set back to an old copy every 25 steps", "optimizer", C)
def rollback(e):
    def make(m, s):
        old = {n: a.copy() for n, a in m.parameters.items()}

        class Back(Around):
            def step(self, g):
                self.inner.step(g)
                if self.inner.steps % 25 == 0:
                    for n, a in m.parameters.items():
                        a[...] = old[n]

        return Back(e.optimizer(m, s))

    return put(e, optimizer=make)


@b("weights rounded to a coarse grid", "optimizer", D)
def rounded_weights(e):
    def make(m, s):
        class Coarse(Around):
            def step(self, g):
                self.inner.step(g)
                for n, a in m.parameters.items():
                    if not n.startswith("encoder"):
                        a[...] = np.round(a * 8) / 8

        return Coarse(e.optimizer(m, s))

    return put(e, optimizer=make)


@b("the same batch in every step", "batching", S)
def next_of_iter(e):
    def batching(lengths, size, rng):
        first = np.arange(size)
        return [first] * max(1, len(lengths) // size)

    return put(e, batching=batching)


@b("drawn again and again from a small share", "batching", C)
def sampler_of_one_shard(e):
    def batching(lengths, size, rng):
        shard = np.arange(len(lengths))[: 2 * size]
        return [rng.choice(shard, size) for _ in range(max(1, len(lengths) // size))]

    return put(e, batching=batching)


@b("pairs in the order of the corpus", "batching", G)
def no_shuffle(e):
    return put(e, batching=in_order)


@b("F1 of one class under the name of accuracy", "evaluation", T)
def f1_as_accuracy(e):
    def change(z, y):
        r = report(z, y)
        says = z.argmax(1)
        hit = ((says == 0) & (y == 0)).sum()
        return r | {"accuracy": float(2 * hit / max(1, (says == 0).sum() + (y == 0).sum()))}

    return evaluating(change)(e)


@b("threshold chosen on the test pairs", "evaluation", C)
def threshold_tuned_on_the_test(e):
    def change(z, y):
        r = report(z, y)
        gap = z[:, 0] - z[:, 1]
        best = max(float(((gap < t) == (y == 1)).mean()) for t in gap)
        return r | {"accuracy": best}

    return evaluating(change)(e)


@b("average of weights far too slow", "evaluation", D)
def slow_average_evaluated(e):
    kept = {}

    def make(m, s):
        kept["model"] = deepcopy(m)

        class Ema(Around):
            def step(self, g):
                self.inner.step(g)
                for n, a in kept["model"].parameters.items():
                    a *= a.dtype.type(0.9995)
                    a += a.dtype.type(0.0005) * m.parameters[n]

        return Ema(e.optimizer(m, s))

    return put(e, optimizer=make, evaluation=lambda m, p: e.evaluation(kept["model"], p))


@b("perplexity under the name of loss", "evaluation", S)
def exponent_of_the_loss(e):
    return evaluating(lambda z, y: (lambda r: r | {"loss": float(np.exp(r["loss"]))})(report(z, y)))(e)


# ================================================================ kind c: two at once

def both(cause, program, first, second):
    def build(e):
        return second(first(e))

    name = f"{first.__name__}+{second.__name__}@{program}"
    DEFECTS.append(Defect(name, cause, "c", program, build))


both("label-noise + learning-rate-too-low", T, careless_annotators, rate_of_fine_tuning_a_giant)
both("double-softmax + evaluation-labels-inverted", S, softmax_then_cross_entropy, one_is_next_in_the_evaluation)
both("shortcut-length + unknown-words", T, negatives_cut_to_five_words, vocabulary_of_sixty)
both("training-labels-inverted + loss-in-bits", D, one_means_next_in_the_training_file, log2)
both("no-zero-grad + prior-shift", G, nine_in_ten_are_next, zero_grad_forgotten)
both("max-length-short + label-smoothing-heavy", C, four_words_of_each, smoothing_of_0_6)
both("pretrained-not-loaded + unsure-pairs-dropped", C, vectors_random, sure_half_scored)
both("batch-too-small + stale-checkpoint", S, one_pair_a_step, first_checkpoint_loaded)
both("too-few-pairs + sum-reduction", S, three_documents, loss_summed)
both("temperature-forgotten + class-weight-left", D, temperature_four, weight_twenty_on_next)
both("a-given-twice + evaluated-on-few-pairs", G, b_overwritten_by_a, first_batch_of_six_only)
both("easy-negatives + held-out-loss-summed", T, negatives_from_speeches_in_both, loss_summed_over_everything)
both("encoder-frozen + segments-misaligned", D, requires_grad_false, second_loader_one_ahead)


# ================================================================ healthy

def healthy(*programs):
    def enter(f):
        for p in programs:
            HEALTHY.append(Healthy(f"{f.__name__}@{p}", p, f))
        return f

    return enter


@healthy(S, T, C)
def coin_negatives(e):
    return put(e, pairs=lambda d, r: sentence_level_pairs(d, r))


@healthy(D, C)
def length_matched_negatives(e):
    return put(e, pairs=lambda d, r: sentence_level_pairs(d, r, "length_matched"))


@healthy(S)
def same_document_in_a_tenth(e):
    def pairs(d, r):
        made, near = e.pairs(d, r), sentence_level_pairs(d, r, "same_document")
        return made + [x for x in near if r.random() < 0.1]

    return put(e, pairs=pairs, held_out_pairs=e.pairs)


@healthy(T)
def same_document_negatives(e):
    return put(e, pairs=lambda d, r: sentence_level_pairs(d, r, "same_document"))


@healthy(S, C)
def segments_of_bert(e):
    return put(e, pairs=lambda d, r: balanced_segment_pairs(d, r, max_tokens=48), epochs=60)


@healthy(G, T)
def passages(e):
    return put(e, pairs=lambda d, r: passage_pairs(d, r, max_sentences=3))


@healthy(G)
def berts_own_rule(e):
    return put(e, pairs=lambda d, r: bert_segment_pairs(d, r, 64))


def prior(share):
    """Keep all of one class and so many of the other that `share` is IsNext, in both parts."""
    def change(p, r):
        keep = share / (1 - share)
        if keep < 1:
            return [x for x in p if x.label == 1 or r.random() < keep]
        return [x for x in p if x.label == 0 or r.random() < 1 / keep]

    return change


@healthy(S, D)
def prior_of_0_4(e):
    return all_pairs(e, prior(0.4))


@healthy(T)
def prior_of_0_65(e):
    return all_pairs(e, prior(0.65))


@healthy(S, C)
def batch_of_32(e):
    return put(e, batch_size=32)


@healthy(G, D)
def batch_of_128(e):
    return put(e, batch_size=128)


@healthy(T, C)
def three_epochs(e):
    return put(e, max_steps=None, epochs=4)


@healthy(S)
def warmup_from_zero_over_a_third(e):
    return put(e, optimizer=lambda m, s: AdamW(m.parameters, 2e-3, schedule=warmup_linear(s // 3, s + 1)))


@healthy(D, C)
def constant_rate(e):
    return put(e, optimizer=adam(1e-3, decay=False))


@healthy(G)
def sgd_constant_rate(e):
    return put(e, optimizer=sgd(0.03, decay=False, clip=5.0))


@healthy(T)
def epsilon_of_a_millionth_betas_0_98(e):
    return put(e, optimizer=adam(betas=(0.9, 0.98), epsilon=1e-6))


@healthy(S, D)
def weight_decay_0_01_and_clip_1(e):
    return put(e, optimizer=adam(weight_decay=0.01, clip=1.0))


@healthy(S)
def double_precision(e):
    return put(e, model=lambda d, v, r: bag_model(d, v, r, dtype=np.float64))


@healthy(T)
def dropout_of_a_third(e):
    return put(e, model=lambda d, v, r: bag_model(d, v, r, dim=48, pooled_width=32, word_dropout=0.33))


@healthy(C)
def dropout_on_the_features(e):
    def change(m, rng):
        m.encoder = DroppedFeatures(m.encoder, 0.1)

    return on_model(e, change)


@healthy(S, C)
def smoothing_of_a_twentieth(e):
    return put(e, loss=smoothed(0.05))


@healthy(T, G)
def own_evaluation(e):
    def evaluation(m, p):
        z, y = m.logits(p), labels_of(p)
        return {"loss": nsp_loss(z, y), "accuracy": float((z.argmax(1) == y).mean()), "pairs": float(len(p))}

    return put(e, evaluation=evaluation)


@healthy(S)
def own_evaluation_with_histogram(e):
    return put(e, evaluation=evaluate_with_histogram)


@healthy(D)
def watch_eighty(e):
    return put(e, watch=80)


@healthy(C)
def few_held_out_pairs(e):
    return held_pairs(e, lambda p, r: [p[k] for k in sorted(r.permutation(len(p))[:150])])


@healthy(T)
def evaluate_every_five(e):
    return put(e, evaluate_every=5)


@healthy(S, G)
def evaluate_at_the_end_of_epochs(e):
    return put(e, evaluate_every=None)


@healthy(T, C)
def instruments_off(e):
    return put(e, instrument_every=0)


@healthy(S, D)
def vocabulary_of_2000(e):
    return put(e, vocabulary_size=2000)


@healthy(S)
def plain_shuffled_batches(e):
    def batching(lengths, size, rng):
        order = rng.permutation(len(lengths))
        return [order[k : k + size] for k in range(0, len(order) - size + 1, size)]

    return put(e, batching=batching)


@healthy(G)
def nesterov_like_low_momentum(e):
    return put(e, optimizer=sgd(0.1, momentum=0.8, clip=5.0))


@healthy(G)
def adamw_on_segments(e):
    return put(e, optimizer=adamw)


@healthy(T)
def sgd_on_topics(e):
    return put(e, optimizer=sgd(0.1, clip=5.0))


@healthy(S)
def wide_model(e):
    return put(e, model=lambda d, v, r: bag_model(d, v, r, dim=96, pooled_width=128))


@healthy(D)
def max_length_of_64_and_cosine(e):
    e = on_model(e, length(64))
    return put(e, optimizer=lambda m, s: AdamW(m.parameters, 2e-3, schedule=lambda k: 0.5 * (1 + np.cos(np.pi * k / (s + 1)))))


@healthy(T)
def split_70_15_15(e):
    return put(e, split=lambda d, r: split_documents(d, r, (0.7, 0.15, 0.15)))


@healthy(C)
def mean_max_encoder_on_speeches(e):
    return put(e, model=lambda d, v, r: meanmax_model(d, v, r))
