"""Widgets: thin, drawn in the browser, over plain tested functions. Introduced in notebook 04.

Only this folder imports ipywidgets or anywidget. Everything a widget shows can be had from plain cells as well.
"""

from nsputil.widgets.loss_explorer import LossExplorer, loss_at, loss_explorer

__all__ = ["LossExplorer", "loss_at", "loss_explorer"]
