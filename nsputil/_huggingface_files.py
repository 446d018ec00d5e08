"""The files of a Hugging Face folder, checked: what `nsputil.bert.BertEncoder` would compute differently is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from nsputil._types import Floats

EPSILON = 1e-12  # of LayerNorm
_WEIGHTS = "model.safetensors"
_WORDS = "embeddings.word_embeddings.weight"
#: Setting -> the value it must have; left out, it has this value (but for the type).
_EXPECTED: dict[str, Any] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "layer_norm_eps": EPSILON,
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}
_SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
#: How other checkpoints end -> what to say.
_OTHER_FORMATS = {
    "*.bin": 'with PyTorch: python -c "from transformers import BertForPreTraining as B; '
    "B.from_pretrained('FOLDER').save_pretrained('NEW')\", and copy the vocabulary",
    "*.index.json": "in one piece: load it with transformers and save_pretrained(NEW, max_shard_size='100GB')",
    "*.ckpt*": "from TensorFlow: transformers 4 has convert_bert_original_tf_checkpoint_to_pytorch.py",
    "*.h5": "from TensorFlow: with transformers 4, BertForPreTraining.from_pretrained(FOLDER, from_tf=True)",
    "*.msgpack": "from Flax: with transformers 4, BertForPreTraining.from_pretrained(FOLDER, from_flax=True)",
    "*.pt": "from a state_dict: load_state_dict into a BertForPreTraining, and save_pretrained(NEW)",
    "*.pth": "from a state_dict: load_state_dict into a BertForPreTraining, and save_pretrained(NEW)",
}


def check_folder(folder: Path) -> None:
    """Raise a FileNotFoundError that says what is missing, and how to get it from what is there."""
    if folder.is_file():
        raise FileNotFoundError(f"{folder.name} is a file; expected the folder that save_pretrained wrote")
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no folder {str(folder)!r}. Nothing is fetched here; if that is a name on the Hugging Face hub, "
            f"run once: hf download {folder.as_posix()} --local-dir FOLDER, and pass FOLDER"
        )
    if not (folder / _WEIGHTS).is_file():
        for pattern, way_out in _OTHER_FORMATS.items():
            found = sorted(folder.glob(pattern))
            if found:
                raise FileNotFoundError(
                    f"{folder.name} holds {found[0].name} but no {_WEIGHTS}; convert it once, {way_out}"
                )
    for name in ("config.json", _WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder.name} holds no {name}; expected a folder that save_pretrained wrote")


def read_config(path: Path) -> dict[str, Any]:
    """Read ``config.json``; refuse a model that would be computed differently."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"config.json is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"config.json holds a {type(config).__name__}; expected the settings of a BERT by name")
    for name, value in _EXPECTED.items():
        if config.get(name, None if name == "model_type" else value) != value:
            raise ValueError(f"config.json says {name} {config.get(name)!r}; expected {value!r}")
    missing = [name for name in (*_SIZES, "intermediate_size", "max_position_embeddings") if name not in config]
    if missing:
        raise ValueError(f"config.json lacks {', '.join(missing)}")
    return config


def read_arrays(folder: Path) -> dict[str, Floats]:
    """Read ``model.safetensors``: the arrays by the names of a BertForPreTraining.

    A wrapper's prefix (``module.``, ``_orig_mod.``, ``model.``) is taken off; the gamma and beta of older checkpoints
    are renamed; bfloat16 is widened to float32. Raises a ValueError if the file is damaged, or an array holds integers,
    NaN or infinity.
    """
    from safetensors import SafetensorError, safe_open

    path = str(folder / _WEIGHTS)
    arrays: dict[str, Floats] = {}
    try:
        with safe_open(path, framework="numpy") as file:
            kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
            halves = _bfloat16(path) if "BF16" in kinds.values() else {}
            for name, kind in kinds.items():
                if name.endswith("_ids"):  # position_ids, which older versions saved
                    continue
                if kind not in ("F64", "F32", "F16", "BF16"):
                    raise ValueError(f"{name} has the dtype {kind}; expected floating point (it may be quantized)")
                arrays[name] = halves[name] if kind == "BF16" else file.get_tensor(name)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{_WEIGHTS} is not a whole safetensors file: {error}") from error
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinity; expected finite numbers")
    old_names = (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias"))
    for old, new in old_names:
        arrays = {name.replace(old, new): array for name, array in arrays.items()}
    return _without_prefix(arrays)


def _bfloat16(path: str) -> dict[str, Floats]:
    """Read the arrays of a kind that numpy does not have: bfloat16 is the upper half of a float32."""
    from safetensors import deserialize

    return {
        name: (np.frombuffer(stored["data"], np.uint16).astype(np.uint32) << 16)
        .view(np.float32)
        .reshape(stored["shape"])
        for name, stored in deserialize(Path(path).read_bytes())
        if stored["dtype"] == "BF16"
    }


def _without_prefix(arrays: dict[str, Floats]) -> dict[str, Floats]:
    for name in arrays:
        if name.endswith(f"bert.{_WORDS}"):
            prefix = name.removesuffix(f"bert.{_WORDS}")
            return {name.removeprefix(prefix): array for name, array in arrays.items()}
    words = next((name for name in arrays if name.endswith(_WORDS)), None)
    if words is not None:
        raise ValueError(
            f"the checkpoint holds {words} but no bert.{_WORDS}: it is a BertModel without a head; expected a "
            "BertForNextSentencePrediction or a BertForPreTraining, whose head is cls.seq_relationship"
        )
    return arrays


def check_arrays(arrays: dict[str, Floats], table: dict[str, str], layers: int) -> None:
    """Raise a ValueError if an array is missing, or one is there that the model would have to use.

    Parameters
    ----------
    arrays : dict of ndarray
    table : dict
        ``{our name: name in the checkpoint}`` of all that is needed.
    layers : int
        What config.json says.
    """
    missing = [their for their in table.values() if their not in arrays]
    for part, what in (("cls.seq_relationship", "head"), ("bert.pooler", "pooler")):
        lacking = [name for name in missing if name.startswith(part)]
        if lacking:
            raise ValueError(
                f"the checkpoint lacks {lacking[0]}: it has no {what} of next sentence prediction, so it was not "
                "trained with it or was saved without it"
            )
    if missing:
        raise ValueError(f"the checkpoint lacks {missing[:3]}; expected a BertForNextSentencePrediction")
    unused = sorted(name for name in arrays if name.startswith("bert.") and name not in table.values())
    if unused:
        reason = f"config.json says {layers} layers" if "encoder.layer." in unused[0] else "BERT has no such array"
        raise ValueError(f"the checkpoint holds {unused[0]}, which would be left out: {reason}")
    words = arrays[f"bert.{_WORDS}"]
    for name, tied in (("weight", words), ("bias", arrays.get("cls.predictions.bias"))):
        decoder = arrays.get(f"cls.predictions.decoder.{name}")
        if decoder is not None and tied is not None and not np.array_equal(decoder, tied):
            raise ValueError(
                f"the MLM head has a {name} of its own (untied); expected that of the embeddings, as in BERT"
            )
