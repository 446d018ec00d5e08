"""Every defect that harm.json does not hold: does it run at all (12 steps)?"""
import json, sys, traceback
import numpy as np
from dataclasses import replace
import harm
import defects as D
from nsputil.training import train
have = json.load(open("harm.json"))
bad = 0
for item in D.DEFECTS:
    if item.name in have and have[item.name]["seeds"]: continue
    e = replace(D.PROGRAMS[item.program](0), max_steps=12, evaluate_every=6, watch=60, instrument_every=4)
    try:
        with np.errstate(all="ignore"): r = train(item.build(e))
        print(item.name, len(r.loss), r.diverged_at, round(float(r.loss[-1]), 3), {k: round(v, 3) for k, v in r.final.items()} if r.final else None, flush=True)
    except Exception:
        bad += 1; print("ERROR", item.name, traceback.format_exc()[-500:], flush=True)
print("errors", bad)
