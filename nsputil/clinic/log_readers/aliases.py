"""One table of what tools call things: ``nsp_loss``, ``eval/acc``, ``Validation Loss``, ``num_updates``, ``xent``.

A name is cut into words (``val_loss``, ``valLoss``, ``val/loss`` and ``Val. loss`` are the same words), and each word
says what is measured, in which part of a training, of which task, or that it is a running mean.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

#: Words of two parts, written as one.
PHRASES = {
    ("next", "sentence"): "nsp", ("sentence", "order"): "nsp", ("sentence", "relationship"): "nsp",
    ("seq", "relationship"): "nsp", ("masked", "lm"): "mlm", ("masked", "words"): "mlm", ("language", "model"): "mlm",
    ("cross", "entropy"): "loss", ("log", "loss"): "loss", ("held", "out"): "eval", ("hold", "out"): "eval",
    ("num", "updates"): "step", ("global", "step"): "globalstep", ("global", "steps"): "globalstep",
    ("f", "1"): "f1", ("loss", "scale"): "other", ("loss", "scaling"): "other", ("early", "stopping"): "other",
    ("matthews", "correlation"): "mcc", ("matthews", "corrcoef"): "mcc",
}  # fmt: skip
QUANTITY = {
    "loss": "loss", "losses": "loss", "xent": "loss", "nll": "loss", "bce": "loss", "logloss": "loss",
    "crossentropy": "loss", "cost": "loss",
    "accuracy": "accuracy", "acc": "accuracy", "ac": "accuracy", "accu": "accuracy", "accur": "accuracy",
    "accuracies": "accuracy", "correctness": "accuracy",
}  # fmt: skip
COUNTER = {
    "globalstep": "step", "step": "step", "steps": "step", "iter": "step", "iters": "step", "iteration": "step",
    "iterations": "step", "it": "step", "update": "step", "updates": "step", "batch": "batch", "batches": "batch",
    "minibatch": "batch", "minibatches": "batch",
    "epoch": "epoch", "epochs": "epoch", "ep": "epoch",
}  # fmt: skip
PART = {
    "train": "train", "training": "train", "trn": "train", "tr": "train", "fit": "train",
    "eval": "held_out", "evaluation": "held_out", "val": "held_out", "valid": "held_out", "validation": "held_out",
    "dev": "held_out", "devel": "held_out", "development": "held_out", "heldout": "held_out", "evaluate": "held_out",
    "evaluating": "held_out",
    "test": "test", "testing": "test", "tst": "test",
}  # fmt: skip
#: Next sentence prediction and sentence order; masked words; other tasks that are trained beside it.
TASK = {
    "nsp": "nsp", "sop": "nsp", "ns": "nsp", "isnext": "nsp",
    "mlm": "mlm", "lm": "mlm", "masked": "mlm", "distill": "other", "distillation": "other", "kd": "other",
    "kl": "other", "aux": "other", "rtd": "other", "ner": "other", "contrastive": "other", "mse": "other",
    "reg": "other",
    "bbox": "other", "rpn": "other",
}  # fmt: skip
RUNNING = frozenset({"avg", "average", "mean", "running", "smoothed", "ema", "cumulative", "moving"})
#: Names with one of these words are of no use to a diagnosis.
OTHER = frozenset({
    "other", "lr", "rate", "runtime", "time", "second", "seconds", "sec", "speed", "norm", "gnorm", "throughput",
    "threshold", "f1", "precision", "recall", "mcc", "auc", "ap", "ppl", "perplexity", "pplx", "perp",
    "best", "max", "min", "samples",
    "per", "scale", "flos", "eta", "elapsed", "ips", "wps", "ups", "patience", "size", "lambda", "weight", "coef",
    "num",
    "total_steps", "warmup", "seed", "delta", "remaining",
})  # fmt: skip
FILLERS = frozenset({
    "the", "of", "on", "at", "in", "for", "set", "subset", "data", "dataset", "is", "current", "final", "value",
    "score",
    "binary", "categorical", "sparse", "classification", "cls", "metric", "metrics", "result", "results", "s", "this",
    "last", "a", "and", "after", "xe", "ce", "overall", "top", "1", "total", "batchwise", "output", "done",
    "performance", "class",
})  # fmt: skip
#: The exponential of a loss; read only where no loss is written.
PERPLEXITY = frozenset({"ppl", "perplexity", "pplx", "perp"})
#: Where ``top1`` and ``prec@1`` are the names of an accuracy.
FIRST_ANSWER = frozenset({"top", "prec", "precision"})
#: How many answers such as ``acc@5`` count.
MORE_THAN_ONE = frozenset({"5", "10", "20", "50", "100"})
COUNTS = ("tp", "tn", "fp", "fn")
#: What a cost is of that is no loss: seconds.
SPENT = frozenset({"time", "batch", "reader", "read", "data", "compute", "forward", "backward", "io", "h2d", "gpu"})


@dataclass(frozen=True)
class Name:
    """What a name of a log means.

    Attributes
    ----------
    quantity : {"loss", "accuracy", "perplexity", "f1", "mcc", "step", "batch", "epoch", "tp", ..., "other"}
    part : {"train", "held_out", "test"}, optional
    task : {"nsp", "mlm", "other"}, optional
    running : bool
        A mean over what went before.
    level : {"step", "epoch"}, optional
        ``train_loss_step``, ``train_loss_epoch``.
    extra : tuple of str
        Words that the table does not have: the name of an evaluation set, or of a run.
    whole : bool
        ``global_step``: counted through all epochs.
    """

    quantity: str
    part: str | None = None
    task: str | None = None
    running: bool = False
    level: str | None = None
    extra: tuple[str, ...] = ()
    whole: bool = False


#: ``trainloss``, ``valacc``, ``lossvalue``: words that are written as one.
_GLUED = re.compile(r"(train|trn|val|valid|test|tst|dev|eval)?(loss|acc|accuracy)(value|val|score)?")


def words(name: str) -> list[str]:
    """Return the words of a name in small letters, phrases of two joined."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    found = []
    for word in re.findall(r"[a-z]+|\d+", name.lower()):
        glued = _GLUED.fullmatch(word)
        found += [x for x in glued.groups()[:2] if x] if glued else [word]
    joined: list[str] = []
    while found:
        pair = PHRASES.get((found[0], found[1])) if len(found) > 1 else None
        joined.append(pair or found[0])
        found = found[2 if pair else 1 :]
    return joined


#: What the user says that names mean, while a log is read: {"my_name": "held_out.loss"}.
_MENDED: ContextVar[Mapping[str, str]] = ContextVar("mended", default=MappingProxyType({}))


@contextmanager
def mended(meanings: Mapping[str, str]) -> Iterator[None]:
    """Let names mean what the user says they do: ``{"my_name": "loss", "other": "held_out.accuracy"}``."""
    token = _MENDED.set(meanings)
    try:
        yield
    finally:
        _MENDED.reset(token)


def parse_name(name: str) -> Name:
    """Return what a name means.

    Examples
    --------
    >>> parse_name("val_loss").quantity, parse_name("val_loss").part
    ('loss', 'held_out')
    >>> parse_name("next_sentence_accuracy").task
    'nsp'
    """
    if name in _MENDED.get():
        part, _, quantity = _MENDED.get()[name].rpartition(".")
        return Name(quantity, part or None)
    return _parsed(name)


def _counts_more_than_one(found: list[str]) -> bool:
    """Whether an accuracy counts a row as right if one of k answers is: ``top_k_accuracy_5``, ``acc@5``, ``top3``."""
    k = [word for word in found if word in MORE_THAN_ONE]
    after = found[found.index("top") + 1 :][:1] if "top" in found else []
    if after and (after[0] == "k" or after[0].isdigit()) and after != ["1"]:
        return "1" not in found
    return bool(k) and any(QUANTITY.get(word) == "accuracy" for word in found) and found[-1] == k[-1]


@lru_cache(maxsize=20_000)
def _parsed(name: str) -> Name:
    found = words(name)
    if name.strip().lower() in COUNTS:
        return Name(name.strip().lower())
    known = set(found)
    if _counts_more_than_one(found):
        return Name("other")
    quantity = next((QUANTITY[word] for word in found if word in QUANTITY), None)
    if known & FIRST_ANSWER and "1" in known and not known - {"1", "avg", *FIRST_ANSWER, *PART}:
        quantity, known = "accuracy", known - FIRST_ANSWER
    part = next((PART[word] for word in found if word in PART), None)
    if "f1" in known and not known - {"f1", "macro", "weighted", *FILLERS, *PART}:  # not its mean with an accuracy
        return Name("f1", part)
    if "mcc" in known and not known - {"mcc", "coefficient", *FILLERS, *PART}:
        return Name("mcc", part)
    if "cost" in known and known & SPENT:
        return Name("other")
    if known & PERPLEXITY and quantity is None:
        quantity, known = "perplexity", known - PERPLEXITY
    if known & OTHER:
        return Name("other")
    tasks = {TASK[word] for word in found if word in TASK}
    counters = [COUNTER[word] for word in found if word in COUNTER]
    extra = tuple(
        w
        for w in found
        if not any(w in t for t in (QUANTITY, COUNTER, PART, TASK, RUNNING, FILLERS, PERPLEXITY)) and not w.isdigit()
    )
    if quantity is None and "nsp" in tasks and len(found) == 1:
        quantity = "loss"  # "SOP: 0.695"
    if quantity is None and tasks == {"mlm"} and found == ["mlm"]:
        quantity = "loss"
    if quantity is None:
        if not counters or len(extra) > 1:
            return Name("other", part)
        if "batch" in counters:
            counter = "batch"
        else:
            counter = "step" if "step" in counters else counters[-1]
        return Name(counter, part, whole="globalstep" in known)
    level = next((c for c in counters if c in ("step", "epoch")), None)
    task = next((task for task in ("nsp", "mlm", "other") if task in tasks), None)
    return Name(quantity, part, task, bool(known & RUNNING), level, extra)
