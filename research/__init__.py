"""What was measured once to decide something: rivals and ceilings. See README.md; nothing of the course needs it."""
