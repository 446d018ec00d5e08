"""Checkpoints of Hugging Face's BERT: read one into an `NSPModel`, or write one from a model.

Needs the extra ``huggingface`` (the package `tokenizers`, for WordPiece); no PyTorch. Introduced in notebook 08.
"""

import json
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from nsputil._huggingface_files import EPSILON, check_arrays, check_folder, read_arrays, read_config
from nsputil.bert import BertEncoder
from nsputil.files import replacing, write_text
from nsputil.model import NSPModel
from nsputil.pretraining import PretrainingModel
from nsputil.tokenization import SPECIAL_TOKENS, Vocabulary

_LAYER = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "output",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "up",
    "output.dense": "down",
    "output.LayerNorm": "norm",
}
_MLM_HEAD = {"dense": "dense", "norm": "LayerNorm"}


def names(layers: int, masked_words: bool = False) -> dict[str, str]:
    """Return ``{our name: name in a BertForNextSentencePrediction checkpoint}`` for a number of layers.

    With `masked_words` also the names of the MLM head, as in a BertForPreTraining checkpoint.
    """
    table = {
        "encoder.words": "bert.embeddings.word_embeddings.weight",
        "encoder.segments": "bert.embeddings.token_type_embeddings.weight",
        "encoder.positions": "bert.embeddings.position_embeddings.weight",
    }
    parts = {"encoder.norm": "bert.embeddings.LayerNorm", "pooler": "bert.pooler.dense", "head": "cls.seq_relationship"}
    if masked_words:
        parts |= {f"mlm_head.{our}": f"cls.predictions.transform.{their}" for our, their in _MLM_HEAD.items()}
        table["mlm_head.bias"] = "cls.predictions.bias"
    for k in range(layers):
        parts |= {f"encoder.layer{k}.{our}": f"bert.encoder.layer.{k}.{their}" for their, our in _LAYER.items()}
    for our, their in parts.items():
        table |= {f"{our}.{kind}": f"{their}.{kind}" for kind in ("weight", "bias")}
    return table


class WordPieceVocabulary(Vocabulary):
    """The vocabulary of a checkpoint, read with the package `tokenizers`; it splits words into known pieces.

    Parameters
    ----------
    folder : str or Path
        With ``tokenizer.json``, or ``vocab.txt`` (one piece a line; lower case, unless ``tokenizer_config.json`` says
        ``"do_lower_case": false``).

    Raises
    ------
    ImportError
        If `tokenizers` is not installed.
    FileNotFoundError
        If the folder holds neither file.
    ValueError
        If a special token is missing.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from tokenizers import BertWordPieceTokenizer, Tokenizer
        except ImportError as error:
            raise ImportError('WordPiece needs the package tokenizers: pip install "nsputil[huggingface]"') from error
        folder = Path(folder)
        config_path = folder / "tokenizer_config.json"
        if (folder / "tokenizer.json").exists():
            self._pieces = Tokenizer.from_file(str(folder / "tokenizer.json"))
        elif (folder / "vocab.txt").exists():
            config = json.loads(config_path.read_text(encoding="utf-8")) if config_path.exists() else {}
            lowercase = config.get("do_lower_case", True)
            self._pieces = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=lowercase)
        else:
            raise FileNotFoundError(f"{folder.name} holds neither tokenizer.json nor vocab.txt")
        self._pieces.no_truncation()  # tokenizer.json may ask for both
        self._pieces.no_padding()
        self._cache = {}
        ids: dict[str, int] = self._pieces.get_vocab()
        missing = [token for token in SPECIAL_TOKENS if token not in ids]
        if missing:
            raise ValueError(f"the vocabulary lacks {missing}; expected that of a BERT checkpoint")
        self.tokens = tuple(sorted(ids, key=ids.__getitem__))
        self._ids = ids
        self.cls_id, self.sep_id, self.unk_id = ids["[CLS]"], ids["[SEP]"], ids["[UNK]"]
        self.mask_id = ids["[MASK]"]

    def _read(self, text: str) -> list[int]:
        if not isinstance(text, str):
            raise TypeError(f"text is a {type(text).__name__}; expected a string")
        return self._pieces.encode(text, add_special_tokens=False).ids


def from_huggingface(folder: str | Path, dtype: DTypeLike = np.float32) -> NSPModel:
    """Read a folder with ``config.json``, ``model.safetensors`` and a vocabulary.

    Parameters
    ----------
    folder : str or Path
        A saved BertForNextSentencePrediction or BertForPreTraining, on this disk; nothing is fetched. What the Hugging
        Face hub offers under a name becomes such a folder with ``hf download NAME --local-dir FOLDER``.
    dtype : numpy dtype
        float32, or float64 for exact comparisons.

    Returns
    -------
    NSPModel or PretrainingModel
        The second, with the MLM head, if the checkpoint has one.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or a file is missing.
    ValueError
        If the file is damaged, the model is not a BERT or differs from the original in a way that `BertEncoder` does
        not support (relative positions, more layers than ``config.json`` says, quantized arrays), or it has no NSP head
        or pooler (such as a checkpoint trained on masked words only).

    Notes
    -----
    Names that a wrapper prefixed (``module.``, ``_orig_mod.``, ``model.``) are read, too. Other formats
    (``pytorch_model.bin``, several shards, TensorFlow, Flax) are refused with the way to convert them.
    """
    folder = Path(folder)
    check_folder(folder)
    config = read_config(folder / "config.json")
    arrays = read_arrays(folder)
    masked_words = "cls.predictions.transform.dense.weight" in arrays
    table = names(config["num_hidden_layers"], masked_words)
    check_arrays(arrays, table, config["num_hidden_layers"])
    encoder = BertEncoder(
        config["vocab_size"],
        config["hidden_size"],
        config["num_hidden_layers"],
        config["num_attention_heads"],
        np.random.default_rng(0),
        intermediate=config["intermediate_size"],
        max_positions=config["max_position_embeddings"],
        dtype=dtype,
        dropout=config.get("hidden_dropout_prob", 0.1),
        attention_dropout=config.get("attention_probs_dropout_prob", 0.1),
    )
    kind: type[NSPModel] = PretrainingModel if masked_words else NSPModel
    vocabulary, longest = WordPieceVocabulary(folder), config["max_position_embeddings"]
    if len(vocabulary) > config["vocab_size"]:
        raise ValueError(f"the vocabulary has {len(vocabulary)} pieces; config.json allows {config['vocab_size']}")
    model = kind(encoder, vocabulary, np.random.default_rng(0), max_length=longest)
    for our, array in model.parameters.items():
        stored = arrays[table[our]]
        if stored.shape != array.shape:
            raise ValueError(f"{table[our]} has shape {stored.shape}; expected {array.shape} by config.json")
        array[...] = stored
    return model


def to_huggingface(model: NSPModel, folder: str | Path) -> None:
    """Write a model with a `BertEncoder` as a folder that transformers' ``from_pretrained`` reads.

    A `PretrainingModel` becomes a BertForPreTraining, any other a BertForNextSentencePrediction.

    Parameters
    ----------
    model : NSPModel
        Its pooler must be as wide as h_cls.
    folder : str or Path
        Made if it does not exist.

    Raises
    ------
    TypeError
        If the encoder is not a BertEncoder.
    ValueError
        If the pooler's width differs.
    """
    from safetensors.numpy import save_file

    if not isinstance(model.encoder, BertEncoder):
        raise TypeError(f"the encoder is a {type(model.encoder).__name__}; expected a BertEncoder")
    options, width = model.encoder.options, model.encoder.width
    if model.pooler.parameters["weight"].shape != (width, width):
        raise ValueError(f"the pooler has shape {model.pooler.parameters['weight'].shape}; expected {(width, width)}")
    masked_words = isinstance(model, PretrainingModel)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["BertForPreTraining" if masked_words else "BertForNextSentencePrediction"],
        "model_type": "bert",
        "vocab_size": options["vocabulary_size"],
        "hidden_size": width,
        "num_hidden_layers": options["layers"],
        "num_attention_heads": options["heads"],
        "intermediate_size": options["intermediate"],
        "max_position_embeddings": options["max_positions"],
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "hidden_dropout_prob": options["dropout"],
        "attention_probs_dropout_prob": options["attention_dropout"],
        "layer_norm_eps": EPSILON,
    }
    write_text(folder / "config.json", json.dumps(config, indent=2))
    write_text(folder / "vocab.txt", "\n".join(model.vocabulary.tokens) + "\n")
    table = names(options["layers"], masked_words)
    arrays = {table[our]: np.ascontiguousarray(array) for our, array in model.parameters.items()}
    with replacing(folder / "model.safetensors") as new:
        save_file(arrays, str(new), metadata={"format": "pt"})
