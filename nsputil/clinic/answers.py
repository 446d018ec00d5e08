"""The two answers of a diagnosis that are not faults. Introduced in notebook 09."""

HEALTHY = "healthy"
UNKNOWN = "none of these"
