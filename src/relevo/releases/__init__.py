"""A release: its folder on disk, its place in the artifacts store, and how an alias comes to lead to it."""
