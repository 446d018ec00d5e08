"""The whole model: an encoder, the pooler and the NSP head. Predict, save, load.

Introduced in notebook 07.
"""

import json
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.random import Generator

from nsputil._types import Floats
from nsputil.encoders import BagEncoder, Encoder, Gradient
from nsputil.files import replacing
from nsputil.heads import Cache, NSPHead, Pooler, PoolerCache, join
from nsputil.losses import nsp_loss, sigmoid
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair, check_pairs
from nsputil.tokenization import EncodedPairs, Encoding, Vocabulary, encode_pairs


class Prediction(NamedTuple):
    """Pr(IsNext) for a pair, and its loss in nats for either gold label."""

    p_is_next: float
    loss_if_next: float
    loss_if_not_next: float


class ModelCache(NamedTuple):
    """What `NSPModel.forward` keeps for `NSPModel.backward`: the caches of its three parts."""

    encoder: Cache
    pooler: PoolerCache
    head: Cache


class NSPModel:
    """``logits = W tanh(W_p h_cls + b_p) + b``, with h_cls from any encoder.

    Parameters
    ----------
    encoder : Encoder
        Such as `nsputil.encoders.BagEncoder`, or your own.
    vocabulary : Vocabulary
    rng : numpy.random.Generator
        For the weights of the pooler and the head.
    pooled_width : int, optional
        As wide as h_cls if left out, as in BERT.
    max_length : int
        Longer pairs are truncated.
    std : float
        Standard deviation of the head's and pooler's weights; by default ``1 / sqrt(width)`` for each.
    encode : callable
        ``(pairs, vocabulary, max_length) -> EncodedPairs``: how `logits` and `predict` turn pairs into arrays.
    """

    parts: tuple[str, ...] = ("encoder", "pooler", "head")  # what holds parameters

    def __init__(
        self,
        encoder: Encoder,
        vocabulary: Vocabulary,
        rng: Generator,
        pooled_width: int | None = None,
        max_length: int = 128,
        std: float | None = None,
        encode: Encoding = encode_pairs,
    ) -> None:
        pooled_width = pooled_width or encoder.width
        dtype = next(iter(encoder.parameters.values())).dtype
        self.encoder, self.vocabulary, self.max_length = encoder, vocabulary, max_length
        self.pooler = Pooler(encoder.width, pooled_width, rng, std or encoder.width**-0.5, dtype)
        self.head = NSPHead(pooled_width, rng, std or pooled_width**-0.5, dtype)
        self.encode = encode

    def with_encoding(self, encode: Encoding) -> Self:
        """Return a model with the same parameters (shared, not copied) that encodes pairs in another way."""
        other = copy(self)
        other.encode = encode
        return other

    @property
    def parameters(self) -> dict[str, Floats]:
        """All arrays by name; changing one in place changes the model."""
        return join({name: getattr(self, name).parameters for name in self.parts})

    def forward(self, batch: EncodedPairs, rng: Generator | None = None) -> tuple[Floats, ModelCache]:
        """Return ``(logits, cache)``; logits have shape (batch, 2), columns [IsNext, NotNext]."""
        h_cls, encoder_cache = self.encoder.forward(batch, rng)
        pooled, pooler_cache = self.pooler.forward(h_cls)
        logits, head_cache = self.head.forward(pooled)
        return logits, ModelCache(encoder_cache, pooler_cache, head_cache)

    def backward(self, dlogits: Floats, cache: ModelCache) -> dict[str, Gradient]:
        """Return the gradients of all parameters by name."""
        dpooled, head = self.head.backward(dlogits, cache.head)
        dh_cls, pooler = self.pooler.backward(dpooled, cache.pooler)
        return join({"encoder": self.encoder.backward(dh_cls, cache.encoder), "pooler": pooler, "head": head})

    def logits(self, pairs: Sequence[SentencePair], batch_size: int = 32) -> Floats:
        """Return the logits of any number of pairs, shape (len(pairs), 2), in the order given.

        Raises
        ------
        TypeError, ValueError
            If an item is not a SentencePair, there are none, or a sentence has no token.
        """
        check_pairs(pairs)
        order = np.argsort([len(pair.sentence_a) + len(pair.sentence_b) for pair in pairs], kind="stable")
        logits = np.empty((len(pairs), 2))
        for start in range(0, len(pairs), batch_size):
            chosen = order[start : start + batch_size]
            batch = self.encode([pairs[k] for k in chosen], self.vocabulary, self.max_length)
            logits[chosen] = self.forward(batch)[0]
        return logits

    def predict(self, sentence_a: str, sentence_b: str) -> Prediction:
        """Return Pr(IsNext) for two sentences and the loss for either gold label.

        Parameters
        ----------
        sentence_a, sentence_b : str

        Returns
        -------
        Prediction

        Raises
        ------
        TypeError
            If a sentence is not a string.
        ValueError
            If a sentence has no token, or none that the vocabulary knows.
        """
        for name, sentence in (("sentence_a", sentence_a), ("sentence_b", sentence_b)):
            ids = self.vocabulary.ids(sentence)
            if len(ids) == 0:
                raise ValueError(f"{name} is {sentence!r}; expected a sentence with at least one word")
            if (ids == self.vocabulary.unk_id).all():
                raise ValueError(f"the vocabulary knows no word of {name}, {sentence!r}; expected some known word")
        logits = self.logits([SentencePair(sentence_a, sentence_b, IS_NEXT, 0, 0, 0, 1)])
        log_odds = logits[0, IS_NEXT] - logits[0, NOT_NEXT]
        return Prediction(float(sigmoid(log_odds)), nsp_loss(logits, [IS_NEXT]), nsp_loss(logits, [NOT_NEXT]))

    def save(self, path: str | Path, half: bool = False, **notes: str) -> None:
        """Write the model, its vocabulary and some notes into one safetensors file.

        Parameters
        ----------
        path : str or Path
        half : bool
            Store float16: half the size of float32, three digits of each number; `load` widens them again.
        **notes : str
            Kept in the file's header, for example ``recipe="..."``.
        """
        from safetensors.numpy import save_file

        header = {
            "format": "nsputil 1",
            "encoder": type(self.encoder).__name__,
            "options": json.dumps(getattr(self.encoder, "options", {})),
            "max_length": str(self.max_length),
            "vocabulary": json.dumps(self.vocabulary.tokens[5:], ensure_ascii=False),
        }
        arrays = {name: np.ascontiguousarray(array) for name, array in self.parameters.items()}
        if half:
            arrays = {name: array.astype(np.float16) for name, array in arrays.items()}
        with replacing(path) as new:
            save_file(arrays, str(new), metadata=header | notes)

    @classmethod
    def mini(cls) -> Self:
        """Return `nsp-mini`, the small trained Transformer that comes with the course (docs/nsp-mini.md)."""
        return cls.load(Path(__file__).parent / "data" / "nsp-mini.safetensors")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model that `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is cut short, is not a safetensors file, or holds another kind of model.
        """
        from safetensors import SafetensorError, safe_open

        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path.name}")
        try:
            with safe_open(str(path), framework="numpy") as file:
                header = file.metadata() or {}
                arrays = {name: _widened(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{path.name} is not a whole safetensors file: {error}") from error
        if header.get("format") != "nsputil 1":
            hint = "; of a Hugging Face checkpoint pass the folder" if _of_huggingface(arrays) else ""
            raise ValueError(f"{path.name} was not written by NSPModel.save; expected such a file{hint}")
        try:
            vocabulary = Vocabulary(json.loads(header["vocabulary"]))
            encoder = _encoder(header["encoder"], arrays, json.loads(header["options"]))
            pooled_width = len(arrays["pooler.weight"])
            model = cls(encoder, vocabulary, np.random.default_rng(0), pooled_width, int(header["max_length"]))
        except KeyError as error:
            raise ValueError(f"{path.name} lacks {error}; expected what {cls.__name__}.save wrote") from error
        of_parts = {name: array for name, array in arrays.items() if name.split(".")[0] in cls.parts}
        _fill(model.parameters, of_parts, path.name)
        return model


def _of_huggingface(arrays: dict[str, Floats]) -> bool:
    return any(name.endswith("embeddings.word_embeddings.weight") for name in arrays)


def _widened(array: Floats) -> Floats:
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _encoder(kind: str, arrays: dict[str, Floats], options: dict[str, Any]) -> Encoder:
    if kind == "BagEncoder":
        return BagEncoder(arrays["encoder.embeddings"], arrays["encoder.weights"][:, 0], **options)
    if kind == "BertEncoder":
        from nsputil.bert import BertEncoder

        dtype = next(iter(arrays.values())).dtype
        return BertEncoder(rng=np.random.default_rng(0), dtype=dtype, **options)
    raise ValueError(f"the file holds a {kind}; expected a BagEncoder or a BertEncoder")


def _fill(parameters: dict[str, Floats], arrays: dict[str, Floats], name: str) -> None:
    """Copy arrays into the parameters of the same names; `name` is that of the file, for errors."""
    for verb, names in (("lacks", set(parameters) - set(arrays)), ("adds", set(arrays) - set(parameters))):
        if names:
            raise ValueError(f"{name} {verb} {', '.join(sorted(names)[:3])}; expected {len(parameters)} arrays")
    for key, array in arrays.items():
        if parameters[key].shape != array.shape:
            raise ValueError(f"{name}: {key} has shape {array.shape}; expected {parameters[key].shape}")
        parameters[key][...] = array
