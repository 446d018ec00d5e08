"""Simple Transformers: ``training_progress_scores.csv`` with ``tp,tn,fp,fn,mcc,train_loss,eval_loss``."""

from nsputil.clinic.log_readers import dicts
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.tables import read_table
from nsputil.clinic.log_readers.text import LogText


def read(text: LogText) -> list[Record]:
    """Read the table, or the dictionaries that ``eval_model`` prints."""
    table = read_table(text)
    if table is not None and "global_step" in table.header and "train_loss" in table.header:
        return [Record(r.line, r.values, "held_out") for r in table.records]
    records = [r for r in dicts.of_lines(text) if "mcc" in r.values and ("eval_loss" in r.values or "tp" in r.values)]
    return [Record(r.line, r.values, "held_out") for r in records]


FAMILY = Family(
    "training_progress_scores.csv of Simple Transformers",
    read,
    "ThilinaRajapakse/simpletransformers, simpletransformers/classification/classification_model.py",
)
