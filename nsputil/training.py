"""Training: an `Experiment` says what to do, `train` does it, and a `Run` records it.

The parts have files of their own: `nsputil.experiment`, `nsputil.evaluation`, `nsputil.run`, `nsputil.instruments`,
`nsputil.checkpoints`. What you need of them for your own experiments can be imported from here. Introduced in notebook
07.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from nsputil._types import Floats, Ints
from nsputil.checkpoints import load_state, save_state
from nsputil.encoders import Gradient, RowGradient
from nsputil.evaluation import evaluate, evaluate_with_histogram
from nsputil.experiment import Documents, Experiment, Loss, adamw, bag_model, bucketed, permuted
from nsputil.instruments import read_instruments
from nsputil.masking import MaskedPairs
from nsputil.model import ModelCache, NSPModel
from nsputil.optimizers import Optimizer
from nsputil.pairs import IS_NEXT, SentencePair
from nsputil.pretraining import PretrainingCache, PretrainingModel
from nsputil.run import Run
from nsputil.tokenization import EncodedPairs, Vocabulary

__all__ = [
    "Experiment",
    "Run",
    "adamw",
    "bag_model",
    "bucketed",
    "evaluate",
    "evaluate_with_histogram",
    "permuted",
    "read_instruments",
    "train",
]


def train(experiment: Experiment, progress: bool = False, checkpoint: str | Path | None = None) -> Run:
    """Train, and return the record.

    Parameters
    ----------
    experiment : Experiment
    progress : bool
        Show a bar (tqdm, on stderr).
    checkpoint : str or Path, optional
        A folder. After every epoch the state is written there; if it already holds one, training continues from it and
        ends with the same numbers, bit for bit, as a training that was never stopped.

    Returns
    -------
    Run
        Also after an interrupt from the keyboard (`Run.interrupted`), and when the logits or the loss are no longer
        finite (`Run.diverged_at`): it then holds everything up to that step.

    Raises
    ------
    TypeError
        If words are masked but the model has no head for them.
    ValueError
        If the split leaves a part without pairs, or a number of the experiment is out of range.
    """
    e = experiment
    if e.batch_size < 1 or e.epochs < 1:
        raise ValueError(f"batch_size is {e.batch_size} and epochs {e.epochs}; expected at least 1 each")
    train_documents, valid_documents, test_documents = e.split(e.documents, np.random.default_rng((e.seed, 0)))
    vocabulary = Vocabulary.from_documents(train_documents, max_size=e.vocabulary_size)
    model = e.model(train_documents, vocabulary, np.random.default_rng((e.seed, 1))).with_encoding(e.encode)
    if e.masking is not None and not isinstance(model, PretrainingModel):
        raise TypeError(f"masking is set, but the model is a {type(model).__name__}; expected a PretrainingModel")
    held_out_pairs = e.held_out_pairs or e.pairs
    valid_pairs = held_out_pairs(valid_documents, np.random.default_rng((e.seed, 2)))
    chosen = np.random.default_rng((e.seed, 3)).permutation(len(valid_pairs))[: e.watch]
    watched = [valid_pairs[k] for k in sorted(chosen)]
    test_pairs = held_out_pairs(test_documents, np.random.default_rng((e.seed, 4)))

    pairs, batches = _epoch(e, train_documents, vocabulary, 0)
    steps = min(e.max_steps or e.epochs * len(batches), e.epochs * len(batches))
    optimizer = e.optimizer(model, steps)
    run = Run(model, prior=float(np.mean([pair.label == IS_NEXT for pair in pairs])), test_pairs=test_pairs)
    run.kind = {
        "attends": getattr(getattr(model, "encoder", None), "attends", None),
        "adaptive": getattr(optimizer, "adaptive", None),
    }
    done = 0 if checkpoint is None else load_state(checkpoint, run, model.parameters, optimizer)
    bar = _bar(progress, steps, optimizer.steps)
    try:
        for epoch in range(done, e.epochs):
            if optimizer.steps >= steps:
                break
            if epoch > 0:
                pairs, batches = _epoch(e, train_documents, vocabulary, epoch)
            for indices in batches[: steps - optimizer.steps]:
                _step(e, model, optimizer, [pairs[k] for k in indices], run)
                if run.diverged_at is not None:
                    return run
                bar.update()
                if e.evaluate_every and optimizer.steps % e.evaluate_every == 0:
                    run.evaluations.append({"step": optimizer.steps} | e.evaluation(model, watched))
            if not (e.evaluate_every and optimizer.steps % e.evaluate_every == 0):
                run.evaluations.append({"step": optimizer.steps} | e.evaluation(model, watched))
            if checkpoint is not None:
                save_state(checkpoint, run, model.parameters, optimizer, epoch + 1)
    except KeyboardInterrupt:
        run.interrupted = True
    finally:
        bar.close()
    run.final = e.evaluation(model, run.test_pairs)
    return run


def _epoch(
    e: Experiment, documents: Documents, vocabulary: Vocabulary, epoch: int
) -> tuple[list[SentencePair], Sequence[Ints]]:
    """Return the pairs of an epoch and the batches, arrays of their indices."""
    rng = np.random.default_rng((e.seed, 5, epoch))
    pairs = e.pairs(documents, rng)
    lengths = np.array([len(vocabulary.ids(p.sentence_a)) + len(vocabulary.ids(p.sentence_b)) for p in pairs])
    return pairs, e.batching(lengths, e.batch_size, rng)


def _step(e: Experiment, model: NSPModel, optimizer: Optimizer, pairs: list[SentencePair], run: Run) -> None:
    """Make one step and record it; if the logits or the loss are not finite, record that and make no step."""
    batch = e.encode(pairs, model.vocabulary, model.max_length)
    dropout = np.random.default_rng((e.seed, 6, optimizer.steps))
    cache: ModelCache | PretrainingCache
    if e.masking is not None and isinstance(model, PretrainingModel):
        batch = masked = e.masking(batch, model.vocabulary, np.random.default_rng((e.seed, 7, optimizer.steps)))
        logits, cache, gradients = _joint_gradients(e, model, masked, dropout, run)
    else:
        logits, cache, gradients = _nsp_gradients(e, model, batch, dropout, run)
    if gradients is None:
        run.diverged_at = optimizer.steps + 1
        return
    reading = e.instrument_every and optimizer.steps % e.instrument_every == 0
    before = _copies(model.parameters, gradients) if reading else {}
    optimizer.step(gradients)
    if reading:
        readings = read_instruments(logits, batch.labels, cache, gradients, before, model.parameters)
        run.instruments.append({"step": optimizer.steps} | readings)


def _nsp_gradients(
    e: Experiment, model: NSPModel, batch: EncodedPairs, dropout: Generator, run: Run
) -> tuple[Floats, ModelCache, dict[str, Gradient] | None]:
    """Return the logits, the cache and the gradients of next sentence prediction; None if a number is not finite."""
    logits, cache = model.forward(batch, dropout)
    loss, dlogits = _loss_and_grad(e.loss, logits, batch.labels)
    _record(run, loss, logits, batch.labels)
    gradients = model.backward(dlogits, cache) if np.isfinite(loss) else None
    return logits, cache, gradients


def _joint_gradients(
    e: Experiment, model: PretrainingModel, batch: MaskedPairs, dropout: Generator, run: Run
) -> tuple[Floats, PretrainingCache, dict[str, Gradient] | None]:
    """The same with masked words: the gradients are those of ``mlm_factor * MLM loss + NSP loss``."""
    scores, logits, cache = model.forward_both(batch, dropout)
    mlm_loss, dscores = _loss_and_grad(e.mlm_loss, scores, batch.mlm_labels)
    run.mlm_loss.append(float(mlm_loss))
    loss, dlogits = _loss_and_grad(e.loss, logits, batch.labels)
    _record(run, loss, logits, batch.labels)
    finite = np.isfinite(loss + e.mlm_factor * mlm_loss)
    gradients = model.backward_both(e.mlm_factor * dscores, dlogits, cache) if finite else None
    return logits, cache, gradients


def _loss_and_grad(loss: Loss, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """Return the loss and its gradient; NaN, and a gradient that is not used, if a logit is not finite."""
    return loss(logits, labels) if np.isfinite(logits).all() else (np.nan, np.zeros_like(logits))


def _record(run: Run, loss: float, logits: Floats, labels: Ints) -> None:
    run.loss.append(float(loss))
    run.accuracy.append(float((logits.argmax(axis=1) == labels).mean()))


def _copies(parameters: Mapping[str, Floats], gradients: Mapping[str, Gradient]) -> dict[str, Floats]:
    """Copy the parameters that a step will change; of a table only the rows."""
    return {
        name: parameters[name][g.rows] if isinstance(g, RowGradient) else parameters[name].copy()
        for name, g in gradients.items()
    }


def _bar(progress: bool, steps: int, done: int) -> Any:  # a bar of tqdm, which is not typed
    from tqdm.auto import tqdm

    return tqdm(total=steps, initial=done, disable=not progress, unit="step")
