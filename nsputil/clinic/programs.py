"""Healthy trainings to be made sick: five programs, which differ in encoder, optimizer or corpus.

A seed draws the settings of a program. A program trains in about a second. Like most real trainings it starts from
something pretrained: counted word vectors for the bag, a small pretrained encoder for the Transformer. Both were made
from other speeches than those that the programs train on (tools/make_clinic_start.py). Introduced in notebook 09.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from nsputil._types import Floats
from nsputil.bert import BertEncoder
from nsputil.corpus import Document, load_corpus, split_documents
from nsputil.encoders import BagEncoder
from nsputil.experiment import Documents, Experiment
from nsputil.model import NSPModel
from nsputil.optimizers import SGD, AdamW, warmup_linear
from nsputil.tokenization import Vocabulary

START = Path(__file__).parent / "data" / "start.safetensors"
#: The speeches that the start was made from.
HELD_BACK = slice(0, None, 2)
#: The speeches that programs train on, and are tested on.
OWN = slice(1, None, 2)


@dataclass(frozen=True)
class Program:
    """One kind of training.

    Attributes
    ----------
    encoder : {"bag", "bert"}
    optimizer : {"adamw", "sgd"}
    corpus : {"sotu", "factbook"}
    """

    encoder: str
    optimizer: str
    corpus: str

    @property
    def name(self) -> str:
        """For example ``"bag-adamw-sotu"``."""
        return f"{self.encoder}-{self.optimizer}-{self.corpus}"

    @property
    def kind(self) -> dict[str, bool]:
        """As `nsputil.training.Run.kind` has it."""
        return {"attends": self.encoder == "bert", "adaptive": self.optimizer == "adamw"}


#: The healthy trainings into which faults are put.
PROGRAMS = (
    Program("bag", "adamw", "sotu"),
    Program("bag", "sgd", "sotu"),
    Program("bag", "adamw", "factbook"),
    Program("bert", "adamw", "sotu"),
    Program("bert", "sgd", "sotu"),
)


@cache
def _start() -> tuple[dict[str, int], dict[str, Floats]]:
    """Return ``(row of each word, arrays)`` of the pretrained start."""
    from safetensors import safe_open

    with safe_open(str(START), framework="numpy") as file:
        arrays = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
        words = json.loads(file.metadata()["vocabulary"])
    return {word: row for row, word in enumerate(words)}, arrays


def _transfer(table: Floats, name: str, vocabulary: Vocabulary) -> None:
    """Copy rows of the start into `table`, for the words that a vocabulary shares with it."""
    rows, arrays = _start()
    for number, token in enumerate(vocabulary.tokens):
        if token in rows:
            table[number] = arrays[name][rows[token]]


def pretrained_bag(
    documents: Documents,
    vocabulary: Vocabulary,
    rng: Generator,
    pooled_width: int = 32,
    word_dropout: float = 0.1,
    dtype: DTypeLike = np.float32,
) -> NSPModel:
    """Return a `BagEncoder` model that starts from the shipped word vectors; unknown words get random ones."""
    _, arrays = _start()
    embeddings = rng.standard_normal((len(vocabulary), arrays["vectors"].shape[1])).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    weights = np.full((len(vocabulary), 1), arrays["idf"].max(), np.float32)
    _transfer(embeddings, "vectors", vocabulary)
    _transfer(weights, "idf", vocabulary)
    return NSPModel(BagEncoder(embeddings, weights[:, 0], dtype, word_dropout), vocabulary, rng, pooled_width)


def pretrained_bert(
    documents: Documents, vocabulary: Vocabulary, rng: Generator, dropout: float = 0.0, dtype: DTypeLike = np.float32
) -> NSPModel:
    """Return a `BertEncoder` model that starts from the shipped encoder, with a new pooler and a new head."""
    _, arrays = _start()
    encoder = BertEncoder(len(vocabulary), 32, 2, 2, rng, 64, 96, dtype, dropout)
    for name, array in encoder.parameters.items():
        if name == "words":
            _transfer(array, "bert.words", vocabulary)
        else:
            array[...] = arrays[f"bert.{name}"]
    return NSPModel(encoder, vocabulary, rng, max_length=96, std=0.08)


@cache
def texts(corpus: str, count: int, sentences: int) -> list[Document]:
    """Return up to `count` passages of at most `sentences` sentences; none made the pretrained start."""
    documents = load_corpus(corpus)
    if corpus == "sotu":
        documents = documents[OWN]
    rng = np.random.default_rng(count)
    chosen = sorted(rng.permutation(len(documents))[:count])
    passages = []
    for k in chosen:
        whole = documents[k].sentences
        begin = int(rng.integers(0, max(1, len(whole) - sentences + 1)))
        passages.append(Document(documents[k].name, whole[begin : begin + sentences]))
    return passages


def split(documents: Documents, rng: Generator, held_out: float = 0.17) -> Sequence[Documents]:
    """Split documents: a sixth to watch, a sixth to test, the rest to train on."""
    return split_documents(documents, rng, (1 - 2 * held_out, held_out, held_out))


def adamw(model: NSPModel, steps: int, rate: float) -> AdamW:
    """AdamW with a warm-up over the first tenth, then a linear decay that would reach 0 after twice the steps."""
    return AdamW(model.parameters, rate, schedule=warmup_linear(max(1, steps // 10), 2 * steps))


def sgd(model: NSPModel, steps: int, rate: float) -> SGD:
    """SGD with momentum 0.9 and gradients clipped at norm 1."""
    return SGD(model.parameters, rate, momentum=0.9, schedule=warmup_linear(max(1, steps // 10), 2 * steps), clip=1.0)


RATES = {("bag", "adamw"): 3e-3, ("bag", "sgd"): 0.04, ("bert", "adamw"): 2e-3, ("bert", "sgd"): 0.03}


def healthy(program: Program, seed: int = 0, ugly: bool = False, dtype: DTypeLike = np.float32) -> Experiment:
    """Return a healthy experiment of a program, its settings drawn with the seed.

    Parameters
    ----------
    program : Program
    seed : int
    ugly : bool
        Healthy, but with one weakness: a slower rate, less text or a shorter training.
    dtype : numpy dtype
        Of a bag's parameters; float64 gives the same printed digits on every processor.

    Returns
    -------
    Experiment
    """
    rng = np.random.default_rng((seed, PROGRAMS.index(program) if program in PROGRAMS else len(PROGRAMS)))
    rate = RATES[program.encoder, program.optimizer] * 2 ** rng.uniform(-0.7, 0.7)
    batch_size = int(rng.choice([16, 32])) if program.encoder == "bag" else 16
    count = int(rng.choice([90, 110, 124])) if program.corpus == "sotu" else 256
    steps = 200 if program.encoder == "bag" else 110
    if ugly:
        flaw = rng.integers(3)
        rate *= 0.5 if flaw == 0 else 1
        count = count * 2 // 3 if flaw == 1 else count
        steps = steps * 2 // 3 if flaw == 2 else steps
    if program.encoder == "bag":
        width, dropout = int(rng.choice([24, 32, 48])), rng.uniform(0, 0.2)
        model = partial(pretrained_bag, pooled_width=width, word_dropout=dropout, dtype=dtype)
    else:
        model = partial(pretrained_bert, dropout=rng.uniform(0, 0.1))
    return Experiment(
        texts(program.corpus, count, 30),
        split=split if program.encoder == "bag" else partial(split, held_out=0.1),
        vocabulary_size=5000,
        model=model,
        optimizer=partial({"adamw": adamw, "sgd": sgd}[program.optimizer], rate=rate),
        batch_size=batch_size,
        epochs=50,
        max_steps=steps,
        evaluate_every=steps // (8 if program.encoder == "bag" else 6),
        watch=300 if program.encoder == "bag" else 120,
        instrument_every=steps // 22,
        seed=int(rng.integers(2**31)),
    )
