"""The champion answers over HTTP."""
