"""Sentence Transformers' evaluators: ``epoch,steps,cosine_accuracy,...``; accuracies only, -1 ends an epoch."""

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.tables import read_table
from nsputil.clinic.log_readers.text import LogText


def read(text: LogText) -> list[Record]:
    """Read the table of an evaluator."""
    table = read_table(text)
    if table is None or not {"epoch", "steps"} <= {name.lower() for name in table.header}:
        return []
    if any(parse_name(name).quantity == "loss" and parse_name(name).part == "train" for name in table.header):
        return []
    return [Record(r.line, r.values, "held_out") for r in table.records]


FAMILY = Family(
    "an evaluator of Sentence Transformers",
    read,
    "UKPLab/sentence-transformers, sentence_transformers/evaluation/BinaryClassificationEvaluator.py",
)
