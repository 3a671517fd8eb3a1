"""A batch source over HTTP."""
