"""The figures of transformers that notebook 08 holds are those that the appendix computes; `make parity` runs it."""

import ast
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent


def source(path, cell):
    return next(c.source for c in nbformat.read(ROOT / path, as_version=4).cells if c.id == cell)


def numbers(code):
    return [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]


def test_the_stored_figures_are_the_same():
    shown = source("notebooks/08_joint_objective_and_real_bert.ipynb", "same-stored")
    computed = source("appendix/the_same_loss_in_transformers.ipynb", "stored")
    assert numbers(shown) == numbers(computed)
    assert sum(isinstance(value, float) for value in numbers(shown)) == 13


def test_both_notebooks_make_the_same_model():
    shown = source("notebooks/08_joint_objective_and_real_bert.ipynb", "same-model")
    computed = source("appendix/the_same_loss_in_transformers.ipynb", "model")
    encoder = shown[shown.index("rng =") : shown.index("model =")].replace("small_vocabulary", "vocabulary")
    assert encoder in computed
