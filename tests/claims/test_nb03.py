"""The claims of notebook 03."""

CITED = []
