"""Short documents: the docstrings of Python's library."""

import importlib
import inspect
from functools import cache

import numpy as np

from nsputil.corpus import split_sentences

MODULES = (
    "argparse", "asyncio", "bisect", "calendar", "cmd", "codecs", "collections", "configparser", "contextlib", "copy",
    "csv", "datetime", "decimal", "difflib", "dis", "doctest", "email.message", "enum", "fractions", "ftplib",
    "functools", "gettext", "glob", "heapq", "imaplib", "inspect", "io", "ipaddress", "itertools", "json", "locale",
    "logging", "mailbox", "math", "mimetypes", "nntplib", "optparse", "os", "pathlib", "pickle", "pprint", "random",
    "re", "sched", "shlex", "shutil", "signal", "smtplib", "socket", "sqlite3", "statistics", "string", "struct",
    "subprocess", "tarfile", "tempfile", "textwrap", "threading", "time", "trace", "turtle", "typing", "unittest",
    "unittest.mock", "urllib.parse", "urllib.request", "uuid", "warnings", "weakref", "zipfile",
)  # fmt: skip


def _documented(module):
    for _, thing in inspect.getmembers(module):
        if inspect.isclass(thing) or inspect.isroutine(thing):
            yield thing
        if inspect.isclass(thing):
            for _, method in inspect.getmembers(thing, inspect.isroutine):
                yield method


@cache
def docstrings():
    """Return docstrings of two to six sentences, each a document, for training and held out."""
    found = {}
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        for thing in _documented(module):
            text = getattr(thing, "__doc__", None)
            text = inspect.cleandoc(text) if isinstance(text, str) else ""
            if text and text not in found and ">>>" not in text:
                sentences = [s for s in split_sentences(text) if len(s.split()) > 3]
                if 2 <= len(sentences) <= 6:
                    found[text] = sentences
    documents = list(found.values())
    cut = len(documents) * 4 // 5
    order = np.random.default_rng(8).permutation(len(documents))
    return [documents[k] for k in order[:cut]], [documents[k] for k in order[cut:]]
