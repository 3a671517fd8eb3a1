"""From a value of the contract to an input of the model: the same for training, serving, explaining and the CLI."""
