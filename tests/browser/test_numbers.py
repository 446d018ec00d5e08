"""The browser's numbers against Python's. Needs Node.js; run by `make browser`."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import nsputil.widgets
from nsputil.widgets import loss_at


def test_the_browser_computes_the_numbers_of_python():
    node = shutil.which("node")
    assert node, "node is not on PATH; install Node.js to compare the browser's numbers with Python's"
    module = Path(nsputil.widgets.__file__).with_name("loss_explorer.js").as_uri()
    units = ("nats", "bits", "base 10")
    cases = [(p / 1000, label, unit) for p in range(1, 1000, 37) for label in (0, 1) for unit in units]
    script = (
        f"import {{ lossAt }} from {json.dumps(module)};"
        f"console.log(JSON.stringify({json.dumps(cases)}.map((c) => lossAt(...c))))"
    )
    command = [node, "--experimental-default-type=module", "--input-type=module", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for case, value in zip(cases, json.loads(done.stdout), strict=True):
        assert value == pytest.approx(loss_at(*case), abs=1e-12), case
