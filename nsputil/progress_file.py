"""Where a learner's progress is kept: by the exercises (`nsputil.checks`) and by the clinic simulator."""

import os
from pathlib import Path


def progress_file() -> Path | None:
    """Return the path of the file of progress, or None if nothing is to be kept.

    The file is ``.nsputil-progress.json`` in the home folder, or what the environment variable ``NSPUTIL_PROGRESS``
    names; ``off`` keeps nothing.

    Returns
    -------
    Path or None
    """
    named = os.environ.get("NSPUTIL_PROGRESS", "")
    if named.lower() == "off":
        return None
    return Path(named) if named else Path.home() / ".nsputil-progress.json"
