"""The claims of notebook 04."""

CITED = []
