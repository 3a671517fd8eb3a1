"""The command `relevo`: what a person types, and what they read."""

from relevo.cli.app import main

__all__ = ["main"]
