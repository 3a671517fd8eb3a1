"""What the words mean. Pure: no I/O, no framework."""
