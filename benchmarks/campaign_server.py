"""The data API with the campaign, for as long as a benchmark runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx


@contextmanager
def campaign_server(scale: float = 1.0) -> Iterator[str]:
    """Its address; group 2 serves the campaign."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as state:
        settings = {"PORT": str(port), "STATE_DIR": state, "CAMPAIGN_SCALE": str(scale)}
        env = {
            **os.environ,
            **{f"RELEVO_DATA_API_{key}": value for key, value in settings.items()},
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "relevo_data_api"],
            env=env,
            stdout=subprocess.DEVNULL,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{url}/health", process)
            yield url
        finally:
            process.terminate()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit("the data API did not start")
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{url} did not answer")
