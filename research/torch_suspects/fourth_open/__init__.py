"""Trainings in PyTorch, written by a stranger."""
