"""What an instructor hands out and what an instructor keeps: `make archives`."""
