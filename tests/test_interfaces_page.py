"""docs/interfaces.md: every example runs as it is printed, and what is left out leads to no wrong name."""

import ast
import contextlib
import importlib
import io
import re
from pathlib import Path

import pytest

from nsputil.clinic.facts import examine
from nsputil.clinic.recording import record
from nsputil.clinic.swaps.parts import PARTS
from nsputil.corpus import load_corpus
from nsputil.encoders import BagEncoder
from nsputil.model import NSPModel
from nsputil.optimizers import AdamW
from nsputil.training import Experiment

PAGE = (Path(__file__).parents[1] / "docs" / "interfaces.md").read_text(encoding="utf-8")
#: Code, and what it prints: the block of text after it.
EXAMPLES = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", PAGE, re.S)
CODE = [code for code, _ in EXAMPLES]
DOCUMENTS = load_corpus("factbook")[:60]


def run(code):
    """Run a block in a namespace of its own; return the namespace and what was printed."""
    names, printed = {"__name__": "an_example"}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs/interfaces.md", "exec"), names)
    return names, printed.getvalue()


def blamed(findings):
    """Return what decides a cause or a place; that ten steps are few and vectors random is doubtful harm."""
    return [(finding.fact, finding.cause) for finding in findings if finding.state == "violated" and finding.firm]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs_as_it_is_printed(number):
    code, expected = EXAMPLES[number]
    assert run(code)[1] == expected
    assert expected or isinstance(ast.parse(code).body[-1], ast.Assert), "it ends with a print or an assert"


def test_examples_are_short_and_use_public_names_only():
    for code in CODE:
        assert sum(bool(line.strip()) for line in code.splitlines()) <= 25
        assert max(map(len, code.splitlines())) <= 120
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("nsputil"):
                for alias in node.names:
                    assert not alias.name.startswith("_")
                    assert hasattr(importlib.import_module(node.module), alias.name)


def test_there_is_an_example_of_each_part_and_a_row_for_each_field():
    used = "\n".join(CODE)
    for part in ("pairs=", "split=", "encode=", "model=", "loss=", "optimizer=", "batching=", "evaluation="):
        assert part in used
    table = PAGE[PAGE.index("| field") : PAGE.index("## Rules")]
    fields = {name for names in PARTS.values() for name in names if callable(getattr(Experiment([]), name))}
    assert fields - {"mlm_loss"} <= set(re.findall(r"`(\w+)`", table))


def test_the_encoder_of_the_page_trains_and_nothing_is_found_wrong_with_it():
    encoder = next(run(code)[0]["Products"] for code in CODE if "class Products" in code)

    def model(documents, vocabulary, rng):
        return NSPModel(encoder(len(vocabulary), rng), vocabulary, rng)

    recording = record(Experiment(DOCUMENTS, model=model, max_steps=10))
    assert recording.error is None and blamed(examine(recording)) == []


def test_what_the_page_says_can_be_left_out_names_no_cause():
    class Bare:
        """A model that is no NSPModel: its cache shows nothing, and its encoder does not say whether it attends."""

        def __init__(self, vocabulary, rng):
            self.whole = NSPModel(BagEncoder(0.2 * rng.standard_normal((len(vocabulary), 16))), vocabulary, rng)
            self.vocabulary, self.max_length, self.parameters = vocabulary, 128, self.whole.parameters

        def with_encoding(self, encode):
            self.encode = encode
            return self

        def forward(self, batch, rng=None):
            logits, cache = self.whole.forward(batch, rng)
            return logits, [cache]

        def backward(self, dlogits, cache):
            return self.whole.backward(dlogits, cache[0])

        def logits(self, pairs, batch_size=32):
            return self.whole.with_encoding(self.encode).logits(pairs, batch_size)

    class Plain:
        """AdamW that does not say that it is adaptive."""

        def __init__(self, parameters):
            self.inner = AdamW(parameters, 2e-3)
            self.steps, self.state = 0, self.inner.state

        def step(self, gradients):
            self.inner.step(gradients)
            self.steps += 1

    experiment = Experiment(
        DOCUMENTS,
        model=lambda documents, vocabulary, rng: Bare(vocabulary, rng),
        optimizer=lambda model, steps: Plain(model.parameters),
        evaluation=lambda model, pairs: {"positive": float((model.logits(pairs)[:, 0] > 0).mean())},
        instrument_every=0,
        max_steps=10,
    )
    recording = record(experiment)
    found = {finding.fact: finding for finding in examine(recording)}
    assert recording.error is None and recording.run.kind == {"attends": None, "adaptive": None}
    assert blamed(found.values()) == []
    for fact in ("model.pooled", "model.dropout", "model.width", "model.comparison", "report.recount", "arrays.first"):
        assert found[fact].state == "cannot tell", fact
    for fact in ("labels.array", "model.backward", "optimizer.direction", "loss.function"):
        assert found[fact].state == "holds", fact  # what does not need them is still examined


def test_a_model_that_cannot_be_copied_is_not_examined_and_not_blamed():
    class Locked(NSPModel):
        def __deepcopy__(self, memo):
            raise TypeError("a model that cannot be copied")

    def model(documents, vocabulary, rng):
        return Locked(BagEncoder(0.2 * rng.standard_normal((len(vocabulary), 16))), vocabulary, rng)

    recording = record(Experiment(DOCUMENTS, model=model, max_steps=10))
    findings = examine(recording)
    states = {finding.fact: finding.state for finding in findings}
    assert recording.error is None and blamed(findings) == []
    for fact in ("model.repeatable", "model.backward", "optimizer.rule", "report"):
        assert states[fact] == "cannot tell", fact
    assert states["labels.array"] == states["steps.frozen"] == "holds"
