"""MLflow, as registry of model versions."""
