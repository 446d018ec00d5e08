import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "clinic.md"


def test_the_fault_of_an_outsider_runs(capsys):
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S).group(1)
    used = re.findall(r"from ([\w.]+) import ([\w, ]+)", code)
    assert not [name for _, names in used for name in names.split(", ") if name.startswith("_")]
    found = {}
    exec(code, found)
    assert len(found["run"].loss) == 200 and found["run"].final
    assert capsys.readouterr().out == f"{found['run'].final['accuracy']:.2f}\n"
