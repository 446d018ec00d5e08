"""The two answers of a diagnosis that are not faults."""

HEALTHY = "healthy"
UNKNOWN = "none of these"
