"""Five healthy base programs. Each is a function from a seed to an Experiment."""

import functools
import importlib
import inspect
import re

import numpy as np

from nsputil.corpus import Document, load_corpus, split_sentences
from nsputil.encoders import ppmi_embeddings
from nsputil.experiment import Experiment, bag_model
from nsputil.model import NSPModel
from nsputil.optimizers import SGD, warmup_linear
from nsputil.segments import balanced_segment_pairs, bert_segment_pairs  # noqa: F401
from nsputil.tokenization import tokenize

from encoders_own import ConvEncoder, MeanMaxEncoder


@functools.cache
def sotu(first=0, count=60, sentences=60):
    documents = load_corpus("sotu")
    order = np.random.default_rng(77).permutation(len(documents))
    return [Document(documents[k].name, documents[k].sentences[10 : 10 + sentences]) for k in order[first : first + count]]


def _worded(sentences):
    return [s for s in sentences if len(tokenize(s)) >= 4]


@functools.cache
def topics(most=60):
    from pydoc_data.topics import topics as texts

    documents = [Document(name, _worded(split_sentences(texts[name]))[:most]) for name in sorted(texts)]
    return [d for d in documents if len(d.sentences) >= 4]


@functools.cache
def docstrings(least=6, most=40):
    found = {}
    for name in ("numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.ma", "numpy.polynomial", "numpy.lib.format",
                 "numpy.testing", "numpy.char", "numpy.lib.recfunctions", "numpy.polynomial.chebyshev"):
        module = importlib.import_module(name)
        for key in sorted(dir(module)):
            if key.startswith("_"):
                continue
            text = inspect.getdoc(getattr(module, key, None)) or ""
            lines = [x for x in text.splitlines() if not x.strip().startswith((">>>", "..."))]
            text = "\n".join(lines).split("\nExamples\n")[0]
            text = re.sub(r"\n[A-Z][A-Za-z ]+\n-+\n", "\n\n", text)
            sentences = tuple(_worded(split_sentences(text))[:most])
            if len(sentences) >= least and sentences not in found:
                found[sentences] = f"{name}.{key}"
    seen, documents = set(), []
    for sentences, name in found.items():  # methods of one class repeat each other's text
        fresh = [s for s in sentences if s not in seen]
        seen.update(fresh)
        if len(fresh) >= least:
            documents.append(Document(name, fresh))
    return documents


def sotu_bag(seed):
    return Experiment(list(sotu()), vocabulary_size=4000, batch_size=64, max_steps=200, epochs=20, evaluate_every=20, watch=300, instrument_every=10, seed=seed)


def topics_bag(seed):
    def model(documents, vocabulary, rng):
        return bag_model(documents, vocabulary, rng, dim=48, pooled_width=32, word_dropout=0.1)

    return Experiment(list(topics()), model=model, batch_size=64, max_steps=200, epochs=20, evaluate_every=20,
                      watch=300, instrument_every=10, vocabulary_size=4000, seed=seed)


def meanmax_model(documents, vocabulary, rng, dim=48, pooled_width=48, dropout=0.2):
    vectors = ppmi_embeddings(documents, vocabulary, dim, rng)
    return NSPModel(MeanMaxEncoder(vectors, dropout=dropout), vocabulary, rng, pooled_width, max_length=96)


def docstrings_meanmax(seed):
    return Experiment(list(docstrings())[::2], model=meanmax_model, batch_size=64, max_steps=200, epochs=30, evaluate_every=20,
                      watch=300, instrument_every=10, vocabulary_size=3000, seed=seed)


def conv_model(documents, vocabulary, rng, dim=32, filters=32, pooled_width=32, dropout=0.1):
    vectors = ppmi_embeddings(documents, vocabulary, dim, rng)
    return NSPModel(ConvEncoder(vectors, filters, rng, dropout=dropout), vocabulary, rng, pooled_width, max_length=80)


def conv_sotu(seed):
    return Experiment(list(sotu(60, 55, 60)), model=conv_model, batch_size=40, max_steps=200, epochs=20, evaluate_every=25,
                      watch=300, instrument_every=10, vocabulary_size=4000, seed=seed)


def segments64(documents, rng):
    return balanced_segment_pairs(documents, rng, max_tokens=64)


def momentum_sgd(model, steps, rate=0.05):
    return SGD(model.parameters, rate, momentum=0.9, schedule=warmup_linear(10, steps + 1), clip=5.0)


def segments_sgd(seed):
    return Experiment(list(sotu(100, 80, 70)), pairs=segments64, optimizer=momentum_sgd, vocabulary_size=4000, batch_size=32, max_steps=240,
                      epochs=30, evaluate_every=20, watch=300, instrument_every=10, seed=seed)


PROGRAMS = {
    "sotu_bag": sotu_bag,
    "topics_bag": topics_bag,
    "docstrings_meanmax": docstrings_meanmax,
    "conv_sotu": conv_sotu,
    "segments_sgd": segments_sgd,
}
