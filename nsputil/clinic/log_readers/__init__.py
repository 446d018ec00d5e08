"""Logs as tools write them: one small file for each family, one table of aliases, one normaliser.

docs/logs.md lists the families, with an example of each.
"""

from nsputil.clinic.log_readers.families import FAMILIES
from nsputil.clinic.log_readers.reading import LogReading, read

__all__ = ["FAMILIES", "LogReading", "read"]
