"""How `examine` fares on PyTorch trainings that were spoilt without sight of it.

    python -m research.torch_suspects.measure open [--part K/N] [--only NAME] [--again]
    python -m research.torch_suspects.measure open --show

For each case: the answer, whether cause and place are right, whether any object of the case was changed (compared bit
for bit), and the time. Rates with Wilson's 95 % interval. Results are kept in build/results/research.
"""

import argparse
import hashlib
import importlib
import inspect
import json
import random
import sys
import time
import traceback
import types
import warnings
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "results" / "research" / "torch_suspects"
#: Names that say the same of one training.
SAME = [
    {"encoder-frozen", "parameter-missing", "tensors-frozen", "head-frozen", "only-biases-trained"},
    {"segment-ids-zero", "segment-ids-zero-with-separators"},
    {"labels-all-is-next", "one-label"},
    {"task-weight-tiny", "task-weight-tiny-under-adam"},
    {"single-class head", "single-logit", "single-class-head"},
    {"gradients-detached", "loss-cut-from-graph"},
    {"same-pairs-again", "same-batch-always"},
]
#: Before a cause that was in no list of names that the author had.
OUTSIDE = "outside: "


def cases(name):
    """Yield ``(name, build, cause, place)`` of a set; cause and place of a healthy one are None."""
    for path in sorted((HERE / name).glob("*.py")):
        if path.stem.startswith("_"):
            continue
        module = importlib.import_module(f"research.torch_suspects.{name}.{path.stem}")
        for title, build, cause, place in getattr(module, "DEFECTS", []):
            yield f"{path.stem}/{title}", build, cause, place
        for title, build in getattr(module, "HEALTHY", []):
            yield f"{path.stem}/{title}", build, None, None


def fingerprint(thing, seen=None):
    """Return a digest of everything that a thing holds."""
    digest = hashlib.sha256()
    _feed(digest, thing, set() if seen is None else seen, 0)
    return digest.hexdigest()


def _feed(digest, thing, seen, depth):
    if isinstance(thing, str | bytes | int | float | bool | complex | type(None)):
        digest.update(repr(thing).encode())
        return
    if id(thing) in seen or depth > 40:
        return
    seen.add(id(thing))
    digest.update(type(thing).__name__.encode())
    if isinstance(thing, torch.Tensor):
        digest.update(str((thing.dtype, tuple(thing.shape), thing.requires_grad)).encode())
        digest.update(thing.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
                      if thing.numel() else b"")  # fmt: skip
        if thing.is_leaf:
            _feed(digest, thing.grad, seen, depth + 1)
    elif isinstance(thing, torch.Generator):
        digest.update(thing.get_state().numpy().tobytes())
    elif isinstance(thing, np.ndarray) and thing.dtype != object:
        digest.update(thing.tobytes())
    elif isinstance(thing, dict):
        for key, value in list(thing.items()):
            digest.update(repr(key).encode() if isinstance(key, str | int | tuple) else b"")
            _feed(digest, value, seen, depth + 1)
    elif isinstance(thing, list | tuple):
        for value in thing:
            _feed(digest, value, seen, depth + 1)
    elif isinstance(thing, types.FunctionType):
        for cell in thing.__closure__ or ():
            try:
                _feed(digest, cell.cell_contents, seen, depth + 1)
            except ValueError:
                pass
        _feed(digest, thing.__defaults__, seen, depth + 1)
    elif isinstance(thing, types.MethodType):
        _feed(digest, thing.__self__, seen, depth + 1)
    elif isinstance(thing, type | types.ModuleType | types.BuiltinFunctionType):
        return
    elif type(thing).__module__.startswith(("accelerate", "nsputil.tokenization", "nsputil.huggingface")):
        return
    elif hasattr(thing, "__dict__"):
        for key in sorted(vars(thing)):
            digest.update(key.encode())
            _feed(digest, vars(thing)[key], seen, depth + 1)


def generators():
    """Return the state of the random numbers of the process."""
    states = [torch.get_rng_state(), np.random.get_state(), random.getstate(), torch.is_grad_enabled()]  # noqa: NPY002
    return fingerprint(states)


def examined(build, seed=0):
    """Examine one case and return a row."""
    from nsputil.clinic.torch_suspect import examine

    given = build(seed) if inspect.signature(build).parameters else build()
    before = fingerprint(given), generators()
    start, own = time.perf_counter(), time.process_time()
    try:
        found = examine(**given)
        row = {"answer": found.conclusion.answer, "cause": found.cause, "place": found.place, "text": found.text(),
               "table": found.table(), "steps": found.steps}  # fmt: skip
    except Exception:
        row = {"answer": "error", "cause": None, "place": None, "text": traceback.format_exc(), "table": "", "steps": 0}
    row |= {"seconds": time.perf_counter() - start, "processor": time.process_time() - own}
    return row | {"changed": (fingerprint(given), generators()) != before}


#: Causes that were named to the authors with more than one place.
PLACES = {"corpus-duplicated": {"split", "pairs"}}
#: Places in the words of the table of facts, which the author of `third` was given, or of a
#: list of his own, as `fifth_open` has it, and in those of an answer.
WORDS = {
    "arrays": {"encoding"}, "inputs": {"encoding"}, "labels": {"encoding", "pairs"}, "batches": {"batching"},
    "data": {"pairs", "split", "batching"}, "schedule": {"optimizer"},
}  # fmt: skip


#: Places under one heading of the list of names that the author of `fourth_open` and `fourth` had: "pairs (or split)".
LISTED = {"pairs", "split"}


def placed(row, truth, listed=False):
    """Whether the place is right; `listed`: a right name under one heading of the list is at its place."""
    if listed and truth[1] in LISTED and (right(row["cause"], truth[0]) or row["place"] in LISTED):
        return True
    if row["place"] in WORDS.get(truth[1], ()):
        return True
    return row["place"] == truth[1] or {row["place"], truth[1]} <= PLACES.get(truth[0], set())


def right(found, truth):
    """Whether two names say the same."""
    truth = truth.removeprefix(OUTSIDE)
    return found == truth or any({found, truth} <= group for group in SAME)


def wilson(hits, count, z=1.96):
    """Return Wilson's interval of a rate."""
    if count == 0:
        return 0.0, 1.0
    rate = hits / count
    middle = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z * np.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return middle - half, middle + half


def line(words, hits, count):
    """Return a line of a rate with its interval."""
    low, high = wilson(hits, count)
    return f"{words:28s} {hits:3d} of {count:3d}  {hits / max(1, count):.3f} [{low:.3f}, {high:.3f}]"


def show(rows, truths, listed=False):
    """Print a line for each case, then the rates."""
    sick = [(rows[n], truths[n]) for n in rows if n in truths and truths[n][0] is not None]
    healthy = [rows[n] for n in rows if n in truths and truths[n][0] is None]
    for name, row in rows.items():
        cause, place = truths.get(name, (None, None))
        good = row["answer"] in SOUND if cause is None else right(row["cause"], cause)
        mark = "right" if good else "place" if cause and placed(row, (cause, place), listed) else "WRONG"
        print(f"{mark:6s} {name:45s} {cause or 'healthy'} ({place or '-'}) -> {row['answer']}: {row['cause']} "
              f"({row['place']}) {row['seconds']:.0f} s, {row['processor']:.0f} s of a processor"
              f"{' CHANGED' if row['changed'] else ''}")  # fmt: skip
    print(line("cause, top-1", sum(right(r["cause"], t[0]) for r, t in sick), len(sick)))
    outside = [(r, t) for r, t in sick if t[0].startswith(OUTSIDE)]
    if outside:
        listed_ones = [(r, t) for r, t in sick if not t[0].startswith(OUTSIDE)]
        print(line("  in the list of names", sum(right(r["cause"], t[0]) for r, t in listed_ones), len(listed_ones)))
        print(line("  in no list", sum(right(r["cause"], t[0]) for r, t in outside), len(outside)))
    print(line("place", sum(placed(r, t, listed) for r, t in sick), len(sick)))
    print(line("sick called sound", sum(r["answer"] in SOUND for r, _ in sick), len(sick)))
    print(line("healthy called sick", sum(r["answer"] not in SOUND for r in healthy), len(healthy)))
    every = [*(r for r, _ in sick), *healthy]
    print(line("objects changed", sum(r["changed"] for r in every), len(every)))
    if every:
        print(f"longest {max(r['seconds'] for r in every):.0f} s, {max(r['processor'] for r in every):.0f} s of a "
              f"processor; median {np.median([r['processor'] for r in every]):.0f} s of a processor")  # fmt: skip


SETS = ("open", "sealed", "fresh", "third", "fourth_open", "fourth", "fifth_open", "fifth")
SOUND = ("healthy", "healthy, with a deviation", "a part that helps")


def stored(name):
    """Return the rows of a set that were measured."""
    found = {}
    for path in sorted((BUILD / name).glob("*.json")):
        found |= json.loads(path.read_text())
    return found


def main(arguments=None):
    """Examine each case of a set, keep a row for it, and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--only")
    parser.add_argument("--part", default="1/1", help="such as 1/2: each second case, for two processes")
    parser.add_argument("--again", action="store_true", help="also the cases that are stored")
    parser.add_argument("--show", action="store_true", help="only print what is stored")
    parser.add_argument("--text", action="store_true", help="print each answer as it comes")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    own, parts = (int(x) for x in options.part.split("/"))
    folder = BUILD / options.set
    folder.mkdir(parents=True, exist_ok=True)
    truths = {}
    for number, (name, build, cause, place) in enumerate(cases(options.set)):
        truths[name] = (cause, place)
        path = folder / f"{name.replace('/', '--')}.json"
        if options.show or number % parts != own - 1 or (options.only and options.only not in name):
            continue
        if path.exists() and not options.again:
            continue
        row = examined(build)
        path.write_text(json.dumps({name: row}, indent=1))
        print(f"{name}: {cause or 'healthy'} ({place or '-'}) -> {row['answer']}: {row['cause']} ({row['place']}), "
              f"{row['seconds']:.0f} s{', CHANGED' if row['changed'] else ''}", flush=True)  # fmt: skip
        if options.text:
            print(row["text"], flush=True)
    show(stored(options.set), truths, options.set in ("fourth_open", "fourth"))


if __name__ == "__main__":
    sys.exit(main())
