"""Hugging Face's Trainer: ``trainer_state.json``, and the dictionaries that it prints between anything else."""

import math

from nsputil.clinic.log_readers import dicts
from nsputil.clinic.log_readers.figures import parse
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

SIGNS = frozenset({"learning_rate", "grad_norm", "eval_runtime", "eval_samples_per_second", "train_runtime"})


def _with_nan(records: list[Record]) -> list[Record]:
    """Give back the NaN that the Trainer hides: it adds 0 for it (``logging_nan_inf_filter``)."""
    for record in records:
        norm = parse(record.values.get("grad_norm"))
        if norm and math.isnan(norm[0]) and parse(record.values.get("loss")) == (0.0, False):
            record.values["loss"] = math.nan
    return records


def _without_summary(records: list[Record]) -> list[Record]:
    """Leave out the last word of a training: its ``train_loss`` is the mean of all steps."""
    return _with_nan([record for record in records if "train_runtime" not in record.values])


def read_state(text: LogText) -> list[Record]:
    """Read ``trainer_state.json``."""
    document = text.document
    if not isinstance(document, dict) or not isinstance(document.get("log_history"), list):
        return []
    return _without_summary([Record(n, row) for n, row in enumerate(dicts.of_document(document), 1)])


def read_console(text: LogText) -> list[Record]:
    """Read what the Trainer printed, or its log history as lines or as a list."""
    document = text.document
    if isinstance(document, list):
        records = [Record(n, row) for n, row in enumerate(dicts.of_document(document), 1)]
    else:
        records = dicts.of_lines(text)
    useful = [record for record in records if dicts.measures(record.values)]
    signs = sum(bool(SIGNS & set(record.values)) for record in useful)
    return _without_summary(useful) if signs and signs >= len(useful) / 2 else []


STATE = Family(
    "trainer_state.json of Hugging Face's Trainer",
    read_state,
    "huggingface/transformers, src/transformers/trainer_callback.py (TrainerState)",
)
CONSOLE = Family(
    "what Hugging Face's Trainer prints",
    read_console,
    "huggingface/transformers, src/transformers/trainer_callback.py (PrinterCallback)",
)
