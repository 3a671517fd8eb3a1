"""Continuous training for tabular models."""
