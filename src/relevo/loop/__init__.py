"""One file a step. Each step is a function of (use case, batch) that may be run again with the same result."""
