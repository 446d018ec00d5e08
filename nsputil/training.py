"""Training: an `Experiment` says what is to be done, `train` does it, a `Run` is what was seen.

Every replaceable part of training is a field of `Experiment`. To change one part, or to break it on purpose, take
``dataclasses.replace(experiment, loss=my_loss)``. Introduced in notebook 07.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nsputil.encoders import BagEncoder, RowGradient, idf_weights, ppmi_embeddings
from nsputil.losses import mlm_loss_and_grad, nsp_loss, nsp_loss_and_grad, sigmoid
from nsputil.model import NSPModel
from nsputil.optimizers import AdamW, values, warmup_linear
from nsputil.sentence_pairs import IS_NEXT, NOT_NEXT, sentence_level_pairs, split_documents
from nsputil.tokenization import Vocabulary, encode_pairs


def permuted(documents, rng):
    """The default pairs: adjacent sentences, and every B once more under an A of another document."""
    return sentence_level_pairs(documents, rng, negatives="permuted")


def bag_model(documents, vocabulary, rng, dim=64, pooled_width=64, dtype=np.float32, word_dropout=0.2):
    """The default model: a `BagEncoder` that starts from counted word vectors of the training documents."""
    embeddings = ppmi_embeddings(documents, vocabulary, dim, rng)
    encoder = BagEncoder(embeddings, idf_weights(documents, vocabulary), dtype, word_dropout)
    return NSPModel(encoder, vocabulary, rng, pooled_width)


def adamw(model, steps, rate=2e-3):
    """The default optimizer: AdamW with a warm-up over the first tenth, then a linear decay to 0."""
    return AdamW(model.parameters, rate, schedule=warmup_linear(max(1, steps // 10), steps + 1))


def bucketed(lengths, batch_size, rng):
    """The default batching: pairs of like length together, in a random order.

    Parameters
    ----------
    lengths : ndarray of int
    batch_size : int
    rng : numpy.random.Generator

    Returns
    -------
    list of ndarray
        Indices; each pair stands in one batch.
    """
    order = rng.permutation(len(lengths))
    pool = 20 * batch_size  # sort within pools only, so that batches stay mixed
    batches = []
    for start in range(0, len(order), pool):
        part = order[start : start + pool]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches.extend(part[k : k + batch_size] for k in range(0, len(part), batch_size))
    return [batches[k] for k in rng.permutation(len(batches))]


def evaluate(model, pairs):
    """The default evaluation: loss, accuracy, recall of each class and mean Pr(IsNext) on pairs not trained on."""
    return _report(model.logits(pairs), np.array([pair.label for pair in pairs]))


def _report(logits, labels):
    says = logits.argmax(axis=1)
    report = {"loss": nsp_loss(logits, labels), "accuracy": float((says == labels).mean())}
    for name, label in (("recall_is_next", IS_NEXT), ("recall_not_next", NOT_NEXT)):
        if (labels == label).any():
            report[name] = float((says[labels == label] == label).mean())
    report["mean_p_is_next"] = float(np.mean(1 / (1 + np.exp(np.clip(logits[:, 1] - logits[:, 0], -700, 700)))))
    return report


def evaluate_with_histogram(model, pairs, bins=10):
    """`evaluate`, and how the predictions spread: by gold label, the count of pairs in equal bins of Pr(IsNext).

    Parameters
    ----------
    model : NSPModel
    pairs : list of SentencePair
    bins : int

    Returns
    -------
    dict
        As `evaluate`, and ``histogram``: a dict of two lists, ``is_next`` and ``not_next``, each of length `bins`.

    Notes
    -----
    What the training player shows. Introduced in notebook 07.
    """
    logits, labels = model.logits(pairs), np.array([pair.label for pair in pairs])
    p = sigmoid(logits[:, IS_NEXT] - logits[:, NOT_NEXT])
    index = np.minimum((p * bins).astype(int), bins - 1)
    count = {"is_next": index[labels == IS_NEXT], "not_next": index[labels != IS_NEXT]}
    return _report(logits, labels) | {
        "histogram": {name: np.bincount(chosen, minlength=bins).tolist() for name, chosen in count.items()}
    }


@dataclass(frozen=True)
class Experiment:
    """All that training needs; every field can be replaced.

    Attributes
    ----------
    documents : sequence of Document
    pairs : callable
        ``(documents, rng) -> list of SentencePair``; called anew for every epoch on the training documents.
    held_out_pairs : callable, optional
        The same for the held-out documents, called once for each part; None: `pairs` serves there too.
    split : callable
        ``(documents, rng) -> (train, valid, test)``.
    vocabulary_size : int
    model : callable
        ``(documents, vocabulary, rng) -> NSPModel``.
    encode : callable
        ``(pairs, vocabulary, max_length) -> EncodedPairs``; the trained model keeps it for its predictions.
    loss : callable
        ``(logits, labels) -> (loss, gradient in the logits)``.
    optimizer : callable
        ``(model, steps) -> optimizer``.
    batching : callable
        ``(lengths, batch_size, rng) -> list of index arrays``.
    evaluation : callable
        ``(model, pairs) -> dict of float``.
    masking : callable, optional
        ``(batch, vocabulary, rng) -> MaskedPairs``, such as `nsputil.masking.mask_tokens`. With it the model learns
        masked words too, and ``mlm_factor * MLM loss + NSP loss`` is minimized; it must be a `PretrainingModel`.
    mlm_loss : callable
        ``(scores, labels) -> (loss, gradient in the scores)``.
    mlm_factor : float
    batch_size, epochs, max_steps : int
        `max_steps`, if not None, ends training early.
    evaluate_every : int, optional
        Steps between evaluations on held-out pairs; None: at the end of each epoch only.
    watch : int
        How many held-out pairs these evaluations use at most.
    instrument_every : int
        Steps between two readings of the instruments; 0 switches them off.
    seed : int
    """

    documents: list
    pairs: Callable = permuted
    held_out_pairs: Callable | None = None
    split: Callable = split_documents
    vocabulary_size: int = 16_000
    model: Callable = bag_model
    encode: Callable = encode_pairs
    loss: Callable = nsp_loss_and_grad
    optimizer: Callable = adamw
    batching: Callable = bucketed
    evaluation: Callable = evaluate
    masking: Callable | None = None
    mlm_loss: Callable = mlm_loss_and_grad
    mlm_factor: float = 1.0
    batch_size: int = 128
    epochs: int = 2
    max_steps: int | None = None
    evaluate_every: int | None = None
    watch: int = 1000
    instrument_every: int = 20
    seed: int = 0


@dataclass
class Run:
    """What was seen while training. It holds no word about how the experiment differs from another.

    Attributes
    ----------
    model : NSPModel
        As it was at the end; None in a run that was read from a file.
    loss, accuracy : list of float
        Of next sentence prediction, for each training batch.
    mlm_loss : list of float
        Of the masked words, for each training batch; empty if none were masked. It is never added to `loss`, because
        the sum hides whichever of the two has stopped learning.
    evaluations : list of dict
        ``step`` and what the evaluation returned, on held-out documents; `final` holds the last on all pairs.
    instruments : list of dict
        Readings every few steps; see `read_instruments`.
    prior : float
        Fraction of IsNext among the training pairs of the first epoch.
    interrupted : bool
    kind : dict
        ``attends`` and ``adaptive``: whether the encoder is a Transformer (False: a bag of words) and the optimizer of
        Adam's kind (False: SGD); None if they do not say. A diagnosis compares a run with others of its kind.
    """

    model: NSPModel | None = None
    loss: list = field(default_factory=list)
    accuracy: list = field(default_factory=list)
    mlm_loss: list = field(default_factory=list)
    evaluations: list = field(default_factory=list)
    instruments: list = field(default_factory=list)
    final: dict = field(default_factory=dict)
    prior: float = 0.5
    interrupted: bool = False
    kind: dict = field(default_factory=dict)
    test_pairs: list = field(default_factory=list, repr=False)

    def save(self, path):
        """Write the curves and readings (not the model) as JSON."""
        kept = {name: getattr(self, name) for name in SAVED}
        Path(path).write_text(json.dumps({"format": "nsputil run 1"} | kept), encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path):
        """Read a run that `save` wrote.

        Raises
        ------
        ValueError
            If the file is not such a run.
        """
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{Path(path).name} is no saved run: {error}") from error
        if not isinstance(found, dict) or found.get("format") != "nsputil run 1":
            raise ValueError(f"{Path(path).name} is no saved run; expected a file that Run.save wrote")
        return cls(**{name: found[name] for name in SAVED if name in found})


SAVED = ("loss", "accuracy", "mlm_loss", "evaluations", "instruments", "final", "prior", "interrupted", "kind")


def read_instruments(logits, labels, cache, gradients, before, parameters):
    """Return what one training step looks like from inside, as a dict of numbers.

    Parameters
    ----------
    logits, labels : ndarray
    cache : tuple
        Of `NSPModel.forward`.
    gradients : dict
    before : dict of ndarray
        The parameters before the step (for a `RowGradient` its rows only).
    parameters : dict of ndarray
        After it.

    Returns
    -------
    dict
        gap_std; saturation (fraction of pooled units beyond 0.99); label_is_next and says_is_next (fractions);
        recall_is_next, recall_not_next (None if the class is absent); gradient.NAME and update.NAME (norms).
    """
    gap = (logits[:, 0] - logits[:, 1]).astype(np.float64)
    says, labels = gap < 0, np.asarray(labels)
    pooled = cache[1][1]
    reading = {
        "gap_std": float(gap.std()),
        "saturation": float((np.abs(pooled) > 0.99).mean()),
        "label_is_next": float((labels == IS_NEXT).mean()),
        "says_is_next": float((~says).mean()),
    }
    for name, label in (("recall_is_next", IS_NEXT), ("recall_not_next", NOT_NEXT)):
        chosen = labels == label
        reading[name] = float((says[chosen] == label).mean()) if chosen.any() else None
    for name, gradient in gradients.items():
        rows = gradient.rows if isinstance(gradient, RowGradient) else slice(None)
        reading[f"gradient.{name}"] = float(np.linalg.norm(values(gradient)))
        reading[f"update.{name}"] = float(np.linalg.norm(parameters[name][rows] - before[name]))
    return reading


def train(experiment, progress=False, checkpoint=None):
    """Train, and return what was seen.

    Parameters
    ----------
    experiment : Experiment
    progress : bool
        Show a bar (tqdm, on stderr).
    checkpoint : str or Path, optional
        A folder. After every epoch the state is written there; if it holds one already, training goes on from it and
        ends with the same numbers, bit for bit, as a training that was never stopped.

    Returns
    -------
    Run
        Also after an interrupt from the keyboard: what was learned until then is kept, and `interrupted` is set.

    Raises
    ------
    TypeError
        If words are masked but the model has no head for them.
    ValueError
        If the split leaves a part without pairs, or a number of the experiment is out of range.
    FloatingPointError
        If the loss is NaN or infinite (the run so far is its argument ``run``).
    """
    e = experiment
    if e.batch_size < 1 or e.epochs < 1:
        raise ValueError(f"batch_size is {e.batch_size} and epochs {e.epochs}; expected at least 1 each")
    train_documents, valid_documents, test_documents = e.split(e.documents, np.random.default_rng((e.seed, 0)))
    vocabulary = Vocabulary.from_documents(train_documents, max_size=e.vocabulary_size)
    model = e.model(train_documents, vocabulary, np.random.default_rng((e.seed, 1)))
    if e.masking is not None and not hasattr(model, "forward_both"):
        raise TypeError(f"masking is set, but the model is a {type(model).__name__}; expected a PretrainingModel")
    model.encode = e.encode
    held_out_pairs = e.held_out_pairs or e.pairs
    valid_pairs = held_out_pairs(valid_documents, np.random.default_rng((e.seed, 2)))
    chosen = np.random.default_rng((e.seed, 3)).permutation(len(valid_pairs))[: e.watch]
    watched = [valid_pairs[k] for k in sorted(chosen)]
    run = Run(model=model, test_pairs=held_out_pairs(test_documents, np.random.default_rng((e.seed, 4))))
    parameters, optimizer, first_epoch, steps = model.parameters, None, 0, 0
    bar = None
    try:
        for epoch in range(e.epochs):
            if optimizer is not None and (epoch < first_epoch or optimizer.steps >= steps):
                continue  # before its pairs are drawn: that takes as long as many steps
            rng = np.random.default_rng((e.seed, 5, epoch))
            pairs = e.pairs(train_documents, rng)
            lengths = np.array([len(vocabulary.ids(p.sentence_a)) + len(vocabulary.ids(p.sentence_b)) for p in pairs])
            batches = e.batching(lengths, e.batch_size, rng)
            if optimizer is None:
                run.prior = float(np.mean([pair.label == IS_NEXT for pair in pairs]))
                steps = min(e.max_steps or e.epochs * len(batches), e.epochs * len(batches))
                optimizer = e.optimizer(model, steps)
                run.kind = {
                    "attends": getattr(getattr(model, "encoder", None), "attends", None),
                    "adaptive": getattr(optimizer, "adaptive", None),
                }
                first_epoch = _resume(checkpoint, run, parameters, optimizer)
                bar = _bar(progress, steps, optimizer.steps)
            if epoch < first_epoch or optimizer.steps >= steps:
                continue
            for indices in batches:
                if optimizer.steps >= steps:
                    break
                _step(e, model, parameters, optimizer, [pairs[k] for k in indices], run)
                bar.update()
                if e.evaluate_every and optimizer.steps % e.evaluate_every == 0:
                    run.evaluations.append({"step": optimizer.steps} | e.evaluation(model, watched))
            if not (e.evaluate_every and optimizer.steps % e.evaluate_every == 0):
                run.evaluations.append({"step": optimizer.steps} | e.evaluation(model, watched))
            if checkpoint is not None:
                _save_state(checkpoint, run, parameters, optimizer, epoch + 1)
    except KeyboardInterrupt:
        run.interrupted = True
    finally:
        if bar is not None:
            bar.close()
    run.final = e.evaluation(model, run.test_pairs)
    return run


def _step(e, model, parameters, optimizer, pairs, run):
    batch = e.encode(pairs, model.vocabulary, model.max_length)
    dropout = np.random.default_rng((e.seed, 6, optimizer.steps))
    mlm_loss, dscores = 0.0, None
    if e.masking is None:
        logits, cache = model.forward(batch, dropout)
    else:
        batch = e.masking(batch, model.vocabulary, np.random.default_rng((e.seed, 7, optimizer.steps)))
        scores, logits, cache = model.forward_both(batch, dropout)
        mlm_loss, dscores = e.mlm_loss(scores, batch.mlm_labels)
        run.mlm_loss.append(float(mlm_loss))
    loss, dlogits = e.loss(logits, batch.labels)
    run.loss.append(float(loss))
    run.accuracy.append(float((logits.argmax(axis=1) == batch.labels).mean()))
    total = loss + e.mlm_factor * mlm_loss
    if not np.isfinite(total):
        error = FloatingPointError(f"the loss is {total} at step {optimizer.steps + 1}; expected a finite number")
        error.run = run
        raise error
    if dscores is None:
        gradients = model.backward(dlogits, cache)
    else:
        gradients = model.backward_both(e.mlm_factor * dscores, dlogits, cache)
    reading = e.instrument_every and optimizer.steps % e.instrument_every == 0
    if reading:
        before = {
            name: parameters[name][g.rows] if isinstance(g, RowGradient) else parameters[name].copy()
            for name, g in gradients.items()
        }
    optimizer.step(gradients)
    if reading:
        found = read_instruments(logits, batch.labels, cache, gradients, before, parameters)
        run.instruments.append({"step": optimizer.steps} | found)


def _bar(progress, steps, done):
    from tqdm.auto import tqdm

    return tqdm(total=steps, initial=done, disable=not progress, unit="step")


def _save_state(folder, run, parameters, optimizer, epochs):
    from safetensors.numpy import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"parameter/{name}": array for name, array in parameters.items()}
    arrays |= {f"optimizer/{name}": array for name, array in optimizer.state.items()}
    new = folder / "state.new"
    save_file(
        {name: np.ascontiguousarray(array) for name, array in arrays.items()},
        str(new),
        metadata={"epochs": str(epochs), "steps": str(optimizer.steps)},
    )
    run.save(folder / "run.new")
    (folder / "run.new").replace(folder / "run.json")
    new.replace(folder / "state.safetensors")  # last, and at once: a crash leaves the old state whole


def _resume(folder, run, parameters, optimizer):
    if folder is None or not (Path(folder) / "state.safetensors").exists():
        return 0
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(Path(folder) / "state.safetensors"), framework="numpy") as file:
            header = file.metadata()
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"the checkpoint is damaged: {error}; delete the folder to begin anew") from error
    for name, array in parameters.items():
        found = arrays.get(f"parameter/{name}")
        if found is None or found.shape != array.shape:
            raise ValueError(f"the checkpoint does not fit the experiment: {name} differs; use another folder")
        array[...] = found
    optimizer.state = {name[10:]: array for name, array in arrays.items() if name.startswith("optimizer/")}
    optimizer.steps = int(header["steps"])
    seen = Run.load(Path(folder) / "run.json")
    for name in ("loss", "accuracy", "mlm_loss", "evaluations", "instruments", "prior"):
        setattr(run, name, getattr(seen, name))
    return int(header["epochs"])
