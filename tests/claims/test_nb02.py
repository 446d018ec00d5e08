"""The claims of notebook 02."""

CITED = []
