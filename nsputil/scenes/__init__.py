"""Real trainings for the exercises: healthy ones and sick ones, whose curves a learner has to read.

They are trained when the exercise calls for them; no curve is drawn by hand. The files of this folder say which
training has which defect, so read the curves first. Used by the exercises of notebooks 06 to 10.

What each file trains:

- `four_losses`: one head with four loss functions (notebook 06)
- `failing_relation`: a small model on many documents, and a training that fails (notebook 07)
- `untrained_attention`: nothing: it looks into two Transformers before training (notebook 07)
- `joint_training`: masked words and next sentence together, twice (notebook 08)
- `sick_runs`: trainings with a defect from the clinic's catalogue (notebooks 09 and 10)

How this package fits to the others: docs/architecture.md.
"""

from nsputil.scenes.failing_relation import Observations, failing_training, small_bag
from nsputil.scenes.four_losses import train_four
from nsputil.scenes.joint_training import two_pretrainings
from nsputil.scenes.sick_runs import never_falling_training, one_sided_training, three_defects
from nsputil.scenes.untrained_attention import attention_at_the_start

__all__ = [
    "Observations",
    "attention_at_the_start",
    "failing_training",
    "never_falling_training",
    "one_sided_training",
    "small_bag",
    "three_defects",
    "train_four",
    "two_pretrainings",
]
