"""Servers that tests start for themselves on 127.0.0.1."""

import os
import socket
from typing import NoReturn

import pytest


def absent(server: str, remedy: str) -> NoReturn:
    """Skip by name with the remedy; in CI nothing is skipped, so there it fails."""
    message = f"{server} is not installed: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
