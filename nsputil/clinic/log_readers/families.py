"""The families in the order in which they are asked, and the choice among them."""

from nsputil.clinic.log_readers import (
    bare_parts,
    dllogger,
    estimator,
    fairseq,
    gluon,
    keras,
    lightning,
    lists,
    megatron,
    model_card,
    names_above,
    objects,
    own,
    paddle,
    plain,
    sentence_transformers,
    simpletransformers,
    tensorboard,
    trainer,
    unnamed,
    wandb,
)
from nsputil.clinic.log_readers.dicts import measures
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

#: Tools first, then what any tool may write.
FAMILIES: tuple[Family, ...] = (
    own.FAMILY,
    trainer.STATE,
    simpletransformers.FAMILY,
    sentence_transformers.FAMILY,
    lightning.FAMILY,
    wandb.EXPORT,
    wandb.HISTORY,
    tensorboard.CSV,
    model_card.FAMILY,
    keras.CSV,
    keras.HISTORY,
    keras.CONSOLE,
    dllogger.FAMILY,
    fairseq.FAMILY,
    megatron.FAMILY,
    trainer.CONSOLE,
    gluon.FAMILY,
    paddle.FAMILY,
    estimator.FAMILY,
    objects.OBJECTS,
    objects.TABLE,
    names_above.FAMILY,
    lists.FAMILY,
    plain.FAMILY,
    unnamed.FAMILY,
    bare_parts.FAMILY,
)
EVENTS = Family("an event file of TensorBoard", lambda text: [], "tensorflow/tensorboard")
ENOUGH = 0.6  # of the most that any family found: a tool is preferred to its parts


def choose(text: LogText) -> tuple[Family, list[Record]] | None:
    """Return the family of a text and its records; None if no family finds a number.

    The first family in the order of `FAMILIES` that finds at least `ENOUGH` of what the one that finds most does.
    """
    if tensorboard.is_events(text.raw):
        return EVENTS, tensorboard.read_events(text.raw)
    found = [(family, family.read(text)) for family in FAMILIES]
    counted = [(family, records, sum(measures(r.values) for r in records)) for family, records in found]
    for less in (("perplexity",), ("f1", "mcc")):
        if not any(count for _, _, count in counted):
            counted = [(family, rows, sum(measures(r.values, less) for r in rows)) for family, rows in found]
    most = max(count for _, _, count in counted)
    for family, records, count in counted:
        if records and count and (count >= ENOUGH * most or family.sums_up):
            return family, records
    return None
