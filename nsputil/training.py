"""Training: an `Experiment` says what is to be done, `train` does it, a `Run` is what was seen.

The parts have files of their own: `nsputil.experiment`, `nsputil.evaluation`, `nsputil.run`, `nsputil.instruments`,
`nsputil.checkpoints`. What an outsider needs of them can be imported from here. Introduced in notebook 07.
"""

import numpy as np

from nsputil.checkpoints import load_state, save_state
from nsputil.encoders import RowGradient
from nsputil.evaluation import evaluate, evaluate_with_histogram
from nsputil.experiment import Experiment, adamw, bag_model, bucketed, permuted
from nsputil.instruments import read_instruments
from nsputil.pairs import IS_NEXT
from nsputil.run import Run
from nsputil.tokenization import Vocabulary

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
        Also after an interrupt from the keyboard (`Run.interrupted`), and when the logits or the loss are no longer
        finite (`Run.diverged_at`): what was seen until then is kept.

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
    if e.masking is not None and not hasattr(model, "forward_both"):
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


def _epoch(e, documents, vocabulary, epoch):
    """Return the pairs of an epoch and the batches, arrays of their indices."""
    rng = np.random.default_rng((e.seed, 5, epoch))
    pairs = e.pairs(documents, rng)
    lengths = np.array([len(vocabulary.ids(p.sentence_a)) + len(vocabulary.ids(p.sentence_b)) for p in pairs])
    return pairs, e.batching(lengths, e.batch_size, rng)


def _step(e, model, optimizer, pairs, run):
    """Make one step and note what was seen; without one if the logits or the loss are not finite."""
    batch = e.encode(pairs, model.vocabulary, model.max_length)
    dropout = np.random.default_rng((e.seed, 6, optimizer.steps))
    mlm_loss, dscores = 0.0, None
    if e.masking is None:
        logits, cache = model.forward(batch, dropout)
    else:
        batch = e.masking(batch, model.vocabulary, np.random.default_rng((e.seed, 7, optimizer.steps)))
        scores, logits, cache = model.forward_both(batch, dropout)
        mlm_loss, dscores = e.mlm_loss(scores, batch.mlm_labels) if np.isfinite(scores).all() else (np.nan, None)
        run.mlm_loss.append(float(mlm_loss))
    loss, dlogits = e.loss(logits, batch.labels) if np.isfinite(logits).all() else (np.nan, None)
    run.loss.append(float(loss))
    run.accuracy.append(float((logits.argmax(axis=1) == batch.labels).mean()))
    if not np.isfinite(loss + e.mlm_factor * mlm_loss):
        run.diverged_at = optimizer.steps + 1
        return
    if dscores is None:
        gradients = model.backward(dlogits, cache)
    else:
        gradients = model.backward_both(e.mlm_factor * dscores, dlogits, cache)
    reading = e.instrument_every and optimizer.steps % e.instrument_every == 0
    before = _copies(model.parameters, gradients) if reading else {}
    optimizer.step(gradients)
    if reading:
        seen = read_instruments(logits, batch.labels, cache, gradients, before, model.parameters)
        run.instruments.append({"step": optimizer.steps} | seen)


def _copies(parameters, gradients):
    """Copy the parameters that a step will change; of a table only the rows."""
    return {
        name: parameters[name][g.rows] if isinstance(g, RowGradient) else parameters[name].copy()
        for name, g in gradients.items()
    }


def _bar(progress, steps, done):
    from tqdm.auto import tqdm

    return tqdm(total=steps, initial=done, disable=not progress, unit="step")
