"""A script for each figure that the documents state; run from the root: `python -m benchmarks.accuracy`."""
