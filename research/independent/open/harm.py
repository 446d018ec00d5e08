"""Train each defect and its base with two paired seeds; write harm.json (and healthy.json with --healthy)."""

import json
import sys
import time
import traceback
from pathlib import Path

import numpy as np

import defects as D
from nsputil.corpus import Document  # noqa: F401
from nsputil.losses import nsp_loss
from nsputil.training import train

HERE = Path(__file__).parent


def remember():
    """Count the same word vectors and tokenize the same text once only: the numbers are the same, and it is faster."""
    import functools

    import nsputil.encoders
    import nsputil.experiment
    import nsputil.segments
    import nsputil.tokenization
    import programs

    plain, kept = nsputil.encoders.ppmi_embeddings, {}

    def ppmi(documents, vocabulary, dim, rng, *more, **options):
        key = (hash(tuple(d.sentences for d in documents)), hash(vocabulary.tokens), dim, str(rng.bit_generator.state))
        if more or options:
            return plain(documents, vocabulary, dim, rng, *more, **options)
        if key not in kept:
            kept[key] = plain(documents, vocabulary, dim, rng), rng.bit_generator.state
        rng.bit_generator.state = kept[key][1]
        return kept[key][0].copy()

    for module in (nsputil.encoders, nsputil.experiment, programs, D):
        module.ppmi_embeddings = ppmi
    words = nsputil.tokenization.tokenize
    cached = functools.lru_cache(200_000)(words)
    nsputil.tokenization.tokenize = cached  # its callers do not change the list
    nsputil.segments.tokenize = cached


remember()
SEEDS = (0, 1)


def clean(model, pairs, encode):
    """True accuracy and loss: honest labels, the base's encoding, batches of 64, nothing of the defect but the model."""
    logits = []
    for k in range(0, len(pairs), 64):
        batch = encode(pairs[k : k + 64], model.vocabulary, model.max_length)
        logits.append(np.asarray(model.forward(batch)[0], np.float64))
    z, y = np.concatenate(logits), np.array([p.label for p in pairs])
    if not np.isfinite(z).all():
        return {"accuracy": None, "loss": None}
    return {"accuracy": round(float((z.argmax(1) == y).mean()), 4), "loss": round(float(nsp_loss(z, y)), 4)}


def seen_sentences(e):
    """What the training part of an experiment holds."""
    part = e.split(e.documents, np.random.default_rng((e.seed, 0)))[0]
    return {s for d in part for s in d.sentences}


def said(run):
    return {k: None if run.final.get(k) is None or not np.isfinite(run.final[k]) else round(float(run.final[k]), 4)
            for k in ("accuracy", "loss")}


BASES = {}


def base(program, seed):
    if (program, seed) not in BASES:
        e = D.PROGRAMS[program](seed)
        run = train(e)
        BASES[program, seed] = e, run.test_pairs, {"true": clean(run.model, run.test_pairs, e.encode), "reported": said(run)}
    return BASES[program, seed]


def one(item, seed):
    e, pairs, before = base(item.program, seed)
    t = time.process_time()
    changed = item.build(e)
    run = train(changed)
    cost = time.process_time() - t
    seen = seen_sentences(changed)
    unseen = [p for p in pairs if p.sentence_a not in seen and p.sentence_b not in seen]
    leak = 1 - len(unseen) / len(pairs)
    # pairs whose text the defect was trained on are left out, if enough others remain
    used = unseen if leak > 0.2 and len(unseen) >= 60 else pairs
    out = {"seed": seed, "base": before, "defect": {"true": clean(run.model, used, e.encode), "reported": said(run)},
           "diverged_at": run.diverged_at, "pairs": len(used), "seen_share": round(leak, 3), "cpu": round(cost, 2)}
    if not run.final:
        out["defect"]["reported"] = {"accuracy": None, "loss": None}
    return out


def mean(rows, *keys):
    found = []
    for r in rows:
        for k in keys:
            r = r[k]
        found.append(r)
    return None if any(v is None for v in found) else float(np.mean(found))


def verdict(rows):
    """Harm: true accuracy .02 or more below the base, or a report .02 or more away from the true accuracy beyond the
    base's own; the loss is judged beside it, with the same measure."""
    b_true, d_true = mean(rows, "base", "true", "accuracy"), mean(rows, "defect", "true", "accuracy")
    d_said = mean(rows, "defect", "reported", "accuracy")
    b_loss, d_loss, d_said_loss = (mean(rows, *k) for k in (("base", "true", "loss"), ("defect", "true", "loss"),
                                                            ("defect", "reported", "loss")))
    v = {"accuracy_lost": None if d_true is None else round(b_true - d_true, 4),
         "report_off": None if None in (d_true, d_said) else round(abs(d_said - d_true), 4),
         "loss_gained": None if d_loss is None else round(d_loss - b_loss, 4),
         "report_loss_off": None if None in (d_loss, d_said_loss) else round(abs(d_said_loss - d_loss), 4)}
    # a run that breaks off leaves no report, which is honest; the model is judged as it was then
    nan = any(r["diverged_at"] is not None for r in rows)
    v["diverged"] = nan
    v["harms_accuracy"] = d_true is None or v["accuracy_lost"] >= 0.02
    v["harms_report"] = v["report_off"] is not None and v["report_off"] >= 0.02
    v["harms_loss"] = v["loss_gained"] is not None and v["loss_gained"] >= 0.02
    v["harms_reported_loss"] = v["report_loss_off"] is not None and v["report_loss_off"] >= 0.02
    v["harm"] = bool(v["harms_accuracy"] or v["harms_report"] or v["harms_reported_loss"])
    return v


def one_of_each_cause(items):
    """One defect of each cause, from different programs in turn: what is measured first."""
    by_cause = {}
    for i in items:
        if i.kind == "a":
            by_cause.setdefault(i.cause, []).append(i)
    return [found[k % len(found)] for k, found in enumerate(by_cause.values())]


def main():
    what = "healthy" if "--healthy" in sys.argv else "harm"
    items = D.HEALTHY if what == "healthy" else D.DEFECTS
    path = HERE / f"{what}.json"
    done = json.loads(path.read_text()) if path.exists() and "--again" not in sys.argv else {}
    only = [a for a in sys.argv[1:] if not a.startswith("--")]
    chosen = [i for i in items if not only or any(o in i.name for o in only)]
    first = chosen if what == "healthy" else [i for i in chosen if i.kind != "a"] + one_of_each_cause(chosen)
    names = {i.name for i in first}
    rest = [i for i in chosen if i.name not in names]
    for part, seeds in ((first, SEEDS if what == "harm" else SEEDS[:1]), ([] if "--first" in sys.argv else rest, SEEDS)):
        for seed, item in ((seed, item) for seed in seeds for item in part):
            entry = done.setdefault(item.name, {k: v for k, v in vars(item).items() if k != "build"} | {"seeds": []})
            if any(r["seed"] == seed for r in entry["seeds"]):
                continue
            entry.pop("error", None)
            try:
                with np.errstate(all="ignore"):
                    entry["seeds"].append(one(item, seed))
                entry["verdict"] = v = verdict(entry["seeds"])
                print(seed, item.name, "|", getattr(item, "cause", ""),
                      *(v[k] for k in ("accuracy_lost", "report_off", "loss_gained", "report_loss_off")),
                      "HARM" if v["harm"] else "-", entry["seeds"][-1]["cpu"], flush=True)
            except Exception as error:  # noqa: BLE001
                entry["error"] = repr(error)
                print(item.name, "ERROR", traceback.format_exc()[-700:], flush=True)
            path.write_text(json.dumps(done, indent=1))
    for (program, seed), (_, _, found) in BASES.items():
        print("base", program, seed, found)


if __name__ == "__main__":
    main()
