"""Your own text, in the layout that it has: prose, a sentence a line, pairs, or with markup, as documents to train on.

- `layouts`: what a text is (a sentence a line, `<doc>`, JSON lines, headings, ...), and its documents
- `pair_files`: rows of A and B, with or without labels
- `cutting`: parts of long texts, where there are too few documents
- `reading`: a file or a folder, and a word about everything that was decided
- `sizes`: an experiment whose sizes fit the text

What the command line does with ``--text``; docs/own-text.md has an example of each layout.
"""

from nsputil.own_text.reading import LAYOUTS, OwnText, read_own_text
from nsputil.own_text.sizes import fitted_experiment

__all__ = ["LAYOUTS", "OwnText", "fitted_experiment", "read_own_text"]
