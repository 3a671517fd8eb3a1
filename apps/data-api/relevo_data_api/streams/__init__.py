"""The streams a group can be served from."""
