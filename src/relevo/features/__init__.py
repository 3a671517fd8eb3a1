"""From a contract value to a model input, the same for training, serving, explaining and the CLI."""
