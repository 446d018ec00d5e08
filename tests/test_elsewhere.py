"""docs/nsp-elsewhere.md: each project has its entry and its files, and the numbers of the page are computed."""

import re
from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
import pytest

from nsputil.metrics import entropy

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "nsp-elsewhere.md").read_text(encoding="utf-8")
#: Projects that a row names without a link, since another table of the page has it.
LINKED = set(re.findall(r"\[([^\]]+)\]\(references\.md#[\w-]+\)", PAGE))


def negatives(batch_size):
    """Return the share of negatives if every pair is chosen with probability one half and the chosen are shuffled."""
    others = batch_size - 1
    stays = sum(Fraction(comb(others, k), 2**others) / (k + 1) for k in range(batch_size))
    return (1 - stays) / 2


@pytest.mark.parametrize("batch_size", [2, 3, 8])
def test_the_share_of_negatives_is_that_of_the_shuffle(batch_size):
    rng, found = np.random.default_rng(0), []
    for _ in range(20_000):
        chosen = np.flatnonzero(rng.random(batch_size) < 0.5)
        found.append((chosen != rng.permutation(chosen)).sum() / batch_size)
    assert np.mean(found) == pytest.approx(float(negatives(batch_size)), abs=0.01)


def test_the_numbers_of_keras_bert():
    assert negatives(2) == Fraction(1, 8) and round(100 * negatives(32)) == 47
    priors = [1 - float(negatives(size)) for size in (2, 32)]
    assert f"{priors[0]:.3f} and {priors[1]:.3f}" == "0.875 and 0.531" and "0.875 and 0.531" in PAGE
    assert f"entropies of {entropy(priors[0]):.4f} and {entropy(priors[1]):.4f}" in PAGE


def test_the_fields_of_a_record_are_those_of_notebook_02():
    fields = re.findall(r"^\| `(\w+)` \| (\S+) \| ?(\d*) ?\|", PAGE, re.M)
    lengths = {"`max_seq_length`": "128", "`max_predictions_per_seq`": "20", "1": ""}
    assert len(fields) == 7 and all(lengths[length] == default for _, length, default in fields)
    assert sum(int(default or 1) for _, _, default in fields) == 445


def test_every_project_of_the_tables_has_an_entry():
    named = {row.split("|")[1].strip() for row in PAGE.splitlines() if row.startswith("| ")}
    unlinked = {name.split(" 5.")[0].split(",")[0] for name in named if "](" not in name and not name.startswith("`")}
    headings = {"project", "field", "call", "model"}
    models = {"BERT", "ALBERT", "RoBERTa", "DistilBERT", "ELECTRA", "XLNet", "MobileBERT"}
    known = {name.split("/")[-1] for name in LINKED} | LINKED | {"DeepLearningExamples"}
    assert {name for name in unlinked if name.split("/")[-1] not in known} - headings - models == set()
