"""A release: its folder on disk, its keys in the artifacts store, and the aliases that lead to it."""
