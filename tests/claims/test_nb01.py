"""The claims of notebook 01."""

CITED = []
