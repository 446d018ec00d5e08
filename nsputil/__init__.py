"""Helpers for learning the loss of next sentence prediction, ``-log Pr(c_gold | h_cls)``.

Each module holds one idea; import the one you need, for example ``from nsputil.losses import nsp_loss``.
Importing the package itself loads nothing else. The map of all modules is docs/architecture.md.
"""

__version__ = "0.1.0"
