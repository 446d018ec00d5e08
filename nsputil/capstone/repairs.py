"""The five edits that repair the script of the capstone, and every script between broken and repaired.

A warning to learners: this file holds the solution of the capstone. Introduced in notebook 12.
"""

import inspect
from collections.abc import Callable, Collection, Sequence
from functools import cache

from nsputil.capstone import script
from nsputil.capstone.watched import Diary
from nsputil.corpus import Document

Script = Callable[[Sequence[Document], Diary, int], tuple[Diary, float]]

#: Part of the script -> the text that is wrong, and what it becomes. Each edit can be made alone.
EDITS = {
    "labels": ("int(pair.document_a == pair.document_b)", "int(pair.document_a != pair.document_b)"),
    "inputs": ("batch.token_type_ids, batch.attention_mask", "batch.attention_mask, batch.token_type_ids"),
    "loss": ("keep = (labels != PAD_ID).astype(float)", "keep = np.ones(len(labels))"),
    "schedule": ("1 - step / epochs", "1 - step / steps"),
    "evaluation": ("logits[:, 1] > logits[:, 0]", "logits[:, 0] > logits[:, 1]"),
}
#: The names of the five parts.
PARTS = tuple(EDITS)


@cache
def _script(parts: frozenset[str]) -> Script:
    source = inspect.getsource(script.broken_script)
    for part in parts:
        wrong, right = EDITS[part]
        if wrong not in source:
            raise ValueError(f"the script does not hold {wrong!r}; expected the text of the edit {part!r}")
        source = source.replace(wrong, right)
    names = dict(vars(script))
    exec(compile(source, f"<capstone: {', '.join(sorted(parts)) or 'nothing'} repaired>", "exec"), names)
    repaired: Script = names["broken_script"]
    return repaired


def script_with(parts: Collection[str]) -> Script:
    """Return the script of the capstone with some of its five parts repaired.

    Parameters
    ----------
    parts : collection of str
        Some of `PARTS`.

    Returns
    -------
    callable
        ``(documents, model, seed, epochs=2) -> (model, accuracy)``.

    Raises
    ------
    ValueError
        If a part is unknown.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise ValueError(f"part is {unknown[0]!r}; expected some of {', '.join(PARTS)}")
    return _script(frozenset(parts))
