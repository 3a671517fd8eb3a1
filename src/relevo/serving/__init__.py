"""The model in memory, its hot reload, and the log of what it answered."""
