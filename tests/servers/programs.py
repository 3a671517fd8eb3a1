"""Server programs of this machine, started for tests as nobody in particular and stopped by their pid."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def find_program(name: str, *folders: str) -> Path | None:
    """On PATH, else in the newest of the folders that a pattern names."""
    if found := shutil.which(name):
        return Path(found).resolve()
    for pattern in folders:
        candidates = sorted(Path("/").glob(f"{pattern.lstrip('/')}/{name}"), key=_version, reverse=True)
        if candidates:
            return candidates[0]
    return None


def _version(path: Path) -> list[int]:
    return [int(part) for part in path.parts if part.isdigit()]


def unprivileged(*names: str) -> str | None:
    """Whom to run a server as that refuses to run as root; None where we are not root."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name for user in pwd.getpwall()}
    return next(name for name in (*names, "nobody") if name in known)


def hand_over(folder: Path, user: str | None) -> None:
    if user is not None:
        shutil.chown(folder, user)


def wait_until(answers: Callable[[], bool], server: subprocess.Popen[bytes], log: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not answers():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{server.args!r} does not answer:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.03)
