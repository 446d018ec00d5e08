"""The claims of notebook 00."""

CITED = []
