"""Trainings of a third author: defects and sane variations."""
