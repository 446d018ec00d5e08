"""Facts about the evaluation: the user's report against a recount of the same model."""

import inspect
from dataclasses import dataclass, field, replace
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.report import LOSS, Count, _accuracy, _loss
from nsputil.clinic.torch_suspect.as_recording import AsRecording
from nsputil.clinic.torch_suspect.batches import epoch, items, labels_of, to_array
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.clinic.torch_suspect.given import Given
from nsputil.clinic.torch_suspect.report_orders import explained
from nsputil.clinic.torch_suspect.unmatched import accuracy_of_any_order
from nsputil.losses import softplus

PLACE = "evaluation"
AGAIN = 3  # more calls of an evaluation for one model
ROWS = 100  # pairs that a report rests on: fewer are few, and a part of the held-out pairs is not
PART = 4  # times the watched steps: a training that is longer leaves time to an average that lags
BEHIND = 0.15  # of accuracy
DRAWN = 4.0  # standard errors of a report on some pairs


@dataclass
class Look:
    """The model at one moment: a recount on the held-out batches, and what the user's evaluation says.

    Attributes
    ----------
    logits, labels : ndarray
    said : dict or None
        What the user's evaluation says.
    more : list of dict
        What it says when it is called again; at the last look only.
    fresh : dict or None
        What a copy of it says that was never called before.
    mode : bool or None
        Whether the user's evaluation called the model in training mode.
    rows : int
        How many rows the user's evaluation gave the model.
    other : bool
        Whether the model had other weights in the user's evaluation, such as an average of them.
    error : str
        What the user's evaluation raised.
    own_loss : float
        The training's own loss on the held-out batches, which may be weighted or smoothed.
    moved : str
        A tensor that the user's evaluation left with other weights; empty if it left all as they were.
    """

    logits: np.ndarray
    labels: np.ndarray
    said: dict | None = None
    more: list[dict] = field(default_factory=list)
    fresh: dict | None = None
    mode: bool | None = None
    rows: int = 0
    other: bool = False
    error: str = ""
    own_loss: float = float("nan")
    moved: str = ""

    @property
    def accuracy(self) -> float:
        """Recounted."""
        return float((self.logits.argmax(1) == self.labels).mean())

    @property
    def loss(self) -> float:
        """Recounted, in nats."""
        odds = self.logits[:, 0] - self.logits[:, 1]
        return float(softplus(-odds * (1 - 2 * self.labels)).mean())


def recount(model: Any, given: Given, batches: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and labels of batches, in evaluation mode."""
    model.eval()
    logits, labels = [], []
    with torch.no_grad():
        for batch in batches:
            logits.append(to_array(given.logits(model, batch)).astype(np.float64))
            labels.append(to_array(labels_of(batch)))
    return np.concatenate(logits), np.concatenate(labels)


def _own_loss(model: Any, given: Given, batches: Any) -> float:
    """Return the training's own loss on batches, in evaluation mode; NaN if it cannot be computed."""
    model.eval()
    total, count = 0.0, 0
    try:
        with torch.no_grad():
            for batch in batches:
                size = len(labels_of(batch))
                total += float(given.value(model, batch)[0]) * size
                count += size
    except Exception:  # a loss that needs a gradient, or a training that keeps it to itself
        return float("nan")
    return total / max(1, count)


class Looks:
    """Looks at a model with the user's evaluation, the same one every time, as it would be called in a training."""

    def __init__(self, given: Given, batches: list, whole: bool, last: int) -> None:
        self.batches, self.last = batches, last
        self.evaluate = self.unused = given.evaluate if given.held_out is not None else None
        self.whole = whole
        self.count = 0

    def __call__(self, model: Any, own: Given) -> Look:
        """Look once."""
        self.count += 1
        if self.count == 1 and self.evaluate is not None:
            self.evaluate = own.evaluate  # the copy that belongs to this training, and keeps what it keeps
        logits, labels = recount(copied(model, {}), own, self.batches)
        look = Look(logits, labels)
        if self.evaluate is None:
            return look
        look.own_loss = _own_loss(copied(model, {}), own, self.batches)
        modes: list = []
        weights = _mark(model)

        def note(m: Any, a: Any, k: Any, o: Any) -> None:
            look.other = look.other or (not modes and _mark(m) != weights)
            modes.append((m.training, _rows(a, k)))

        hook = model.register_forward_hook(note, with_kwargs=True)
        model.train()
        grads = {n: p.requires_grad for n, p in model.named_parameters()}
        before = {n: p.detach().clone() for n, p in model.named_parameters()}
        try:
            look.said = _numbers(said_by(self.evaluate, model, own.held_out))
            look.moved = next(
                (
                    n
                    for n, p in model.named_parameters()
                    if not torch.equal(p.detach().nan_to_num(), before[n].nan_to_num())
                ),
                "",
            )
            look.mode, look.rows = (modes[0][0], sum(rows for _, rows in modes)) if modes else (None, 0)
            if self.count == self.last:
                model.train()
                again = copied(self.evaluate, {})
                look.more = [_numbers(said_by(again, model, own.held_out)) for _ in range(AGAIN)]
                look.fresh = _numbers(said_by(copied(self.unused, {}), model, own.held_out))
        except Exception as error:
            look.error = f"{type(error).__name__}: {error}"
        hook.remove()
        for name, p in model.named_parameters():
            p.requires_grad_(grads[name])
        return look


def said_by(evaluate: Any, model: Any, held_out: Any) -> Any:
    """Call an evaluation as it was written: of a model and a loader, or of a model alone."""
    try:
        inspect.signature(evaluate).bind(model, held_out)
    except TypeError:
        return evaluate(model)
    except ValueError:  # it has no signature, as a class written in C
        pass
    return evaluate(model, held_out)


def _rows(args: Any, kwargs: Any) -> int:
    return next((len(x) for x in [*args, *kwargs.values()] if getattr(x, "ndim", 0) >= 1), 0)


def _mark(model: Any) -> tuple:
    """Return numbers that change when the weights of a model do."""
    found = [p.detach() for p in model.parameters()]
    return tuple(float(p.double().sum()) for p in [*found[:3], *found[-6:]])


ACCURACY, LOSSES = ("accuracy", "acc", "top1"), ("loss", "nll", "bce", "cross_entropy", "xent")


BEFORE = ("val", "valid", "validation", "eval", "test", "dev", "held", "out", "heldout", "nsp", "mean", "avg", "epoch")


def _numbers(said: Any) -> dict:
    """Return what an evaluation says by name: of a mapping or an object; numbers in a row are named by their places."""
    if isinstance(said, tuple | list) and not hasattr(said, "_asdict"):
        return {f"#{k}": value for k, x in enumerate(said) if (value := _float(x)) is not None}
    parts = items(said)
    if parts is None:
        value = _float(said)
        return {} if value is None else {"#0": value}
    found = {str(name): _float(value) for name, value in parts.items()}
    known = {name: value for name, value in found.items() if value is not None}
    for ours, theirs in (("accuracy", ACCURACY), ("loss", LOSSES)):
        names = [name for name in known if _means(name, theirs)]
        if ours not in known and names:
            known[ours] = known[names[0]]
    return known


def _means(name: str, words: tuple) -> bool:
    """Whether a name is one of some words, with nothing before it that makes it another number."""
    own = name.lower().replace("/", "_").replace("-", "_").replace(".", "_").replace(" ", "_")
    if own in words:
        return True
    end = next((word for word in words if own.endswith(word)), None)
    before = own.removesuffix(end or "").strip("_").split("_")
    return end is not None and all(part in BEFORE for part in before)


def _name_places(looks: list[Look]) -> None:
    """Find out which of the numbers that have no name is the accuracy, and which the loss: in all looks the same one.

    A number that is another one at every look, such as an area under the curve, is left out.
    """
    said = [look.said for look in looks if look.said]
    places = [name for name in (said[0] if said else {}) if name.startswith("#")]
    kept = [look for look in looks if look.said and np.isfinite(look.logits).all()]
    if not places or not kept or not all(look.said and look.said.keys() == said[0].keys() for look in kept):
        return
    values = {name: np.array([(look.said or {})[name] for look in kept]) for name in places}
    known = [_metrics(look) for look in kept]
    names: dict[str, str] = {}
    for place, own in values.items():
        for metric in known[0]:
            true = np.array([each[metric] for each in known])
            near = np.abs(own - true) <= np.maximum(2e-3, 2e-3 * np.abs(true))
            if near.all() or (metric == "accuracy" and (np.abs(own / 100 - true) <= 2e-3).all()):
                names[place] = {"own loss": "loss"}.get(metric, metric)
                break
    rest = [place for place in places if place not in names]
    shares = [place for place in rest if _is_share(values[place])]
    off = {}
    for place in rest:
        share = values[place] / (100 if values[place].max() > 1 else 1)
        off[place] = (
            float(np.abs(share - np.array([look.accuracy for look in kept])).sum()),
            float(np.abs(values[place] - np.array([look.loss for look in kept])).sum()),
        )
    if "accuracy" not in names.values() and shares:
        options = permutations(rest, 2) if len(rest) > 1 else [(rest[0], "")]
        best = min(options, key=lambda two: (two[0] not in shares, off[two[0]][0] + off.get(two[1], (0, 0))[1]))[0]
        names[best] = "accuracy"
        rest = [place for place in rest if place != best]
    if "loss" not in names.values() and rest:
        names[min(rest, key=lambda place: off[place][1])] = "loss"
    for look in looks:
        look.said, look.fresh = _renamed(look.said, names), _renamed(look.fresh, names)
        look.more = [_renamed(each, names) or {} for each in look.more]


def _renamed(said: dict | None, names: dict[str, str]) -> dict | None:
    return None if said is None else {names.get(name, name): value for name, value in said.items()}


def _is_share(values: np.ndarray) -> bool:
    """Whether numbers can be shares, or percents."""
    return bool((values >= 0).all() and ((values <= 1).all() or ((values <= 100).all() and (values > 1).mean() > 0.5
                                                                 and values.max() > 10)))  # fmt: skip


def _metrics(look: Look) -> dict[str, float]:
    """Return the numbers that are usual for two classes, recounted."""
    says, labels = look.logits.argmax(1), look.labels
    odds = look.logits[:, 1] - look.logits[:, 0]
    found = {"accuracy": look.accuracy, "loss": look.loss, "own loss": look.own_loss}
    recalls, scores = [], []
    for label in (0, 1):
        hit = float(((says == label) & (labels == label)).sum())
        recalls.append(hit / max(1, int((labels == label).sum())))
        precision = hit / max(1, int((says == label).sum()))
        scores.append(2 * hit / max(1, int((labels == label).sum()) + int((says == label).sum())))
        found |= {f"precision {label}": precision, f"recall {label}": recalls[-1], f"F1 {label}": scores[-1]}
    ranks = np.argsort(np.argsort(odds, kind="stable")) + 1.0
    ones = int(labels.sum())
    if 0 < ones < len(labels):
        area = (ranks[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(labels) - ones))
        spread = float(labels.std() * says.std())
        found["AUC"] = float(area)
        found["correlation"] = float(np.cov(says, labels, bias=True)[0, 1]) / spread if spread else 0.0
    return found | {"balanced accuracy": float(np.mean(recalls)), "macro F1": float(np.mean(scores))}


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def evaluation_facts(seen: AsRecording) -> list[Finding]:
    """Does the user's evaluation say what a recount says?"""
    looks: list[Look] = [look for _, look in seen.training.looks]
    if not looks:
        return [unknown("report.recount", PLACE, "There are no held-out pairs.")]
    found = []
    if any(look.error for look in looks):
        text = f"The evaluation raised {next(look.error for look in looks if look.error)}"
        return [violated("report.error", PLACE, text)]
    _name_places(looks)
    said = [look for look in looks if look.said]
    if not said:
        return [unknown("report.recount", PLACE, "No evaluation was given, so nothing is reported.")]
    found += [_mode(said), _trains(said)]
    memory = _remembers(said[-1]) if not said[-1].mode else None
    if memory is not None:
        return [*found, memory]
    repeated = _repeated(said[-1])
    found.append(repeated)
    whole = len(said[0].labels)
    unclear = repeated.state == "violated"
    rows = said[0].rows
    part = 0 < rows < 0.6 * whole
    if part:
        text = f"The evaluation reads {rows} of {whole} held-out pairs."
        few = rows < ROWS
        found.append(violated("report.pairs", PLACE, text, "evaluated-on-few-pairs" if few else None, few))
    drawn = repeated.state == "holds" and repeated.numbers.get("apart", 0.0) > 1e-6
    counts = [_count(look, seen) for look in said if np.isfinite(look.logits).all()]
    known = [c for c in counts if isinstance(c.said.get("accuracy"), float)]
    if known and not unclear:
        found.append(
            _of_some(_of_another(_named(_accuracies(known, seen), said, seen), said, seen), rows, part or drawn)
        )
    losses = [c for c in counts if isinstance(c.said.get("loss"), float)]
    own = [(look.said["loss"], look.own_loss) for look in said if look.said and "loss" in look.said]
    if own and all(abs(x - y) <= LOSS * max(abs(y), 0.05) for x, y in own):
        nats = all(abs(c.said["loss"] - c.losses.mean()) <= LOSS * max(c.losses.mean(), 0.05) for c in losses)
        text = "The reported losses are those of the training's own loss."
        found.append(holds("report.loss", PLACE, text, another=float(not nats)))
    elif losses and not unclear:
        found.append(_of_some(_of_another(_loss(losses), said, seen), rows, part or drawn))
    if len(said) > 2 and not unclear:
        found += _stale(said)
    return found


def _named(finding: Finding, said: list[Look], seen: AsRecording) -> Finding:
    """Name an accuracy that is explained by shapes, by an order, or by a divisor."""
    looks = [x for x in said if np.isfinite(x.logits).all() and isinstance((x.said or {}).get("accuracy"), float)]
    looks = [x if finding.state != "violated" else replace(x, said=_as_share(x.said or {}, looks)) for x in looks]
    sizes = [len(batch["labels"]) for batch in seen.held_out]
    return explained(accuracy_of_any_order(finding, looks, sizes), looks, seen, sizes)


def _as_share(said: dict, looks: list[Look]) -> dict:
    """Return what is said with an accuracy in percent as a share."""
    percent = all(1 < (look.said or {})["accuracy"] <= 100 for look in looks if look.accuracy > 0.2)
    return {**said, "accuracy": said["accuracy"] / (100 if percent else 1)}


def _of_another(finding: Finding, said: list[Look], seen: AsRecording) -> Finding:
    """A report of another model, such as an average of the weights of the trained one, cannot be recounted.

    It lags behind at first. If it still has learned nothing where a good part of the training is over and the trained
    model has learned, it says nothing of that model.
    """
    asked = any(look.rows and not look.other for look in said)
    if finding.state != "violated" or finding.cause is not None or asked:
        return finding
    text = f"{finding.statement} The evaluation does not ask the model that is trained, but another one."
    last = said[-1]
    if len(seen.training.seen) * PART >= seen.total and last.said:
        told, error = float(last.said.get("accuracy", 1.0)), float(np.sqrt(0.25 / max(1, len(last.labels))))
        first = float((said[0].said or {}).get("accuracy", 0.5)) if len(said) > 1 else 0.5
        if told < max(first, 0.5) + 2 * error and last.accuracy - told > BEHIND:
            return replace(finding, statement=f"{text} That one has learned nothing, and the trained one has.")
    return replace(finding, statement=text, firm=False)


def _of_some(finding: Finding, rows: int, some_only: bool) -> Finding:
    """A report on some of the pairs, many enough, differs from a recount on all of them as samples do."""
    if finding.state != "violated" or not some_only or rows < ROWS:
        return finding
    if finding.cause not in (None, "evaluated-on-few-pairs"):
        return finding
    off = finding.numbers.get("off", 0.0)
    if off > DRAWN * float(np.sqrt(0.25 / rows)):
        return finding
    return replace(finding, cause=None, firm=False, statement=f"{finding.statement} It rests on {rows} pairs.")


def _count(look: Look, seen: AsRecording) -> Count:
    pairs = seen.pairs["valid"][: len(look.labels)]
    return Count(dict(look.said or {}), pairs, look.logits, look.labels)


def _accuracies(known: list[Count], seen: AsRecording) -> Finding:
    """Reuse the explanations of a report that differs from its recount."""
    if all(1 < c.said["accuracy"] <= 100 for c in known if c.accuracy > 0.2):
        for c in known:
            c.said["accuracy"] /= 100  # percent
    twins = SimpleNamespace(
        twin=lambda parameters=None: _Twin(known, parameters), start=_Twin(known, {"at": np.zeros(1, int)})
    )
    reports = [SimpleNamespace(parameters={"at": np.array([k])}) for k in range(len(known))]
    return _accuracy(twins, known, reports)


class _Twin:
    """The model at a look, which knows its answers to the held-out pairs and to nothing else."""

    def __init__(self, counts: list[Count], parameters: Any) -> None:
        self.counts, self.at = counts, int(parameters["at"][0]) if parameters else len(counts) - 1

    def logits(self, pairs: list) -> np.ndarray:
        """Return the logits of the pairs of a count."""
        if not any(pairs == count.pairs for count in self.counts):
            raise LookupError("other pairs cannot be asked")
        return self.counts[self.at].logits


def _mode(said: list[Look]) -> Finding:
    """Is the model in evaluation mode while it is evaluated?"""
    modes = [look.mode for look in said if look.mode is not None]
    if not modes:
        return unknown("report.mode", PLACE, "The evaluation does not call the model itself.")
    if all(modes):
        text = "The evaluation calls the model in training mode: model.eval() is missing."
        return violated("report.mode", PLACE, text, "dropout-in-evaluation", False)
    return holds("report.mode", PLACE, "The evaluation calls the model in evaluation mode.")


def _trains(said: list[Look]) -> Finding:
    """Does the evaluation leave the weights as they are? Weights that are exchanged for it have to be put back."""
    moved = [look.moved for look in said if look.moved]
    if moved:
        text = f"In {len(moved)} of {len(said)} evaluations weights of the trained model change, such as {moved[0]}."
        return violated("report.trains", PLACE, text, "evaluation-changes-model")
    return holds("report.trains", PLACE, "The evaluation leaves the weights as they are.")


def _repeated(look: Look) -> Finding:
    """Does the evaluation say the same twice of one model?"""
    if not look.more:
        return unknown("report.repeated", PLACE, "The evaluation could not be asked twice.")
    said, again = look.said or {}, look.more[0]
    apart = max((abs(said[n] - again[n]) for n in said.keys() & again.keys()), default=0.0)
    if apart > 1e-6 and look.mode:
        text = f"Two evaluations of one model in training mode differ by up to {apart:.4f}: dropout is on."
        return violated("report.repeated", PLACE, text, "dropout-in-evaluation", apart=apart)
    return holds("report.repeated", PLACE, f"Two evaluations of one model differ by {apart:.6f}.", apart=apart)


def _remembers(look: Look) -> Finding | None:
    """Asked about one model again and again, does the evaluation come nearer to what a new copy of it says at once?

    Then it still counts the models before.
    """
    for name in ("accuracy", "loss"):
        values = [said[name] for said in [look.said or {}, *look.more] if name in said]
        if len(values) < 1 + AGAIN or name not in (look.fresh or {}):
            continue
        true = (look.fresh or {})[name]
        off = np.array(values) - true
        if np.abs(off).min() < 1e-9 or not (np.diff(np.abs(off)) < 0).all() or np.ptp(np.sign(off)) > 0:
            continue
        text = (
            f"Asked {len(values)} times about one model, the evaluation says {name} {values[0]:.4f}, {values[1]:.4f} "
            f"... {values[-1]:.4f}; a copy that was never asked before says {true:.4f}. It still counts earlier models."
        )
        return violated("report.memory", PLACE, text, "metric-never-reset", reported=values[0], fresh=true)
    return None


def _stale(said: list[Look]) -> list[Finding]:
    """Does the report move when the model does?"""
    for name in ("accuracy", "loss"):
        values = [look.said[name] for look in said if look.said and name in look.said]
        true = [getattr(look, name) for look in said]
        if len(values) == len(said) and np.ptp(values) < 1e-9 and np.ptp(true) > 1e-3:
            text = f"The reported {name} is {values[0]:.4f} in all {len(values)} reports, and the model changes."
            return [violated("report.stale", PLACE, text, "stale-checkpoint")]
    return []


def clean(given: Given, most: int) -> list:
    """Return the held-out batches on which swaps are judged."""
    found, count = [], 0
    for _, batch in epoch(copied(given.held_out, {})):
        labels = labels_of(batch)
        if labels is None:
            return []
        found.append(batch)
        count += len(labels)
        if count >= most:
            break
    return found
