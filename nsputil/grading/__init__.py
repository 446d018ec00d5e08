"""Grades the notebooks of strangers: their code runs in a box, the verdict is spoken outside it.

Nothing in the rest of nsputil imports this package. What it protects and what it does not:
docs/decisions/0008-grading-outside.md.
"""
