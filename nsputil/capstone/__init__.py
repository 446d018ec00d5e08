"""The capstone: a training script with five defects that hide one another, and what a repaired script must do.

`broken_script` is the script. `WatchedModel` is a model that it can train, `KnownModel` has answers that are known, and
`judge` says what a script did to one of them. The solution is in `nsputil.capstone.repairs`, which is imported by
itself only: where a class is graded, it is left out. Introduced in notebook 12.
"""

from nsputil.capstone.judge import HOLDS, judge, true_accuracy
from nsputil.capstone.script import broken_script
from nsputil.capstone.watched import KnownModel, WatchedModel

__all__ = ["HOLDS", "KnownModel", "WatchedModel", "broken_script", "judge", "true_accuracy"]
