"""Widgets: thin, drawn in the browser, over plain tested functions. Introduced in notebook 04.

Only this folder imports ipywidgets or anywidget. Plain cells can compute everything that a widget shows: each widget
has a function ``name_at`` that returns its numbers.

How this package fits to the others: docs/architecture.md.
"""

from nsputil.widgets.batch_explorer import BatchExplorer, batch_at, batch_explorer
from nsputil.widgets.calibration_explorer import CalibrationExplorer, calibration_at, calibration_explorer
from nsputil.widgets.clinic_simulator import ClinicSimulator, clinic_simulator, moved_belief
from nsputil.widgets.gradient_explorer import GradientExplorer, gradient_explorer, step_at
from nsputil.widgets.loss_explorer import LossExplorer, loss_at, loss_explorer
from nsputil.widgets.softmax_explorer import SoftmaxExplorer, softmax_at, softmax_explorer
from nsputil.widgets.training_player import TrainingPlayer, training_at, training_player

__all__ = [
    "BatchExplorer",
    "CalibrationExplorer",
    "ClinicSimulator",
    "GradientExplorer",
    "LossExplorer",
    "SoftmaxExplorer",
    "TrainingPlayer",
    "batch_at",
    "batch_explorer",
    "calibration_at",
    "calibration_explorer",
    "clinic_simulator",
    "gradient_explorer",
    "loss_at",
    "loss_explorer",
    "moved_belief",
    "softmax_at",
    "softmax_explorer",
    "step_at",
    "training_at",
    "training_player",
]
