"""Server programs of this machine, started for tests as nobody in particular and stopped by their pid."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def find_program(name: str, *folders: str) -> Path | None:
    """On PATH, else in the newest of the folders that a pattern names."""
    if found := shutil.which(name):
        return Path(found).resolve()
    for pattern in folders:
        candidates = sorted(
            Path("/").glob(f"{pattern.lstrip('/')}/{name}"), key=_version, reverse=True
        )
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


class Program:
    """One server process. Should the tests be killed, it ends as well."""

    def __init__(
        self, home: Path, user: str | None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._home, self._user, self._environment = home, user, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None

    def start(
        self,
        command: Sequence[str | Path],
        answers: Callable[[], bool],
        seconds: float = 30,
    ) -> None:
        log = self._home / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, user=self._user, env=self._environment, stdout=output, stderr=output, cwd=self._home,
                start_new_session=True,
            )  # fmt: skip
        until_we_are_gone = (
            f"read _; kill -QUIT {self._process.pid}; sleep 1; rm -rf '{self._home}'"
        )
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", until_we_are_gone],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._wait_until(answers, log, seconds)

    def end(self, by: signal.Signals) -> None:
        if self._watch is not None:
            self._watch.kill()
            self._watch.communicate()
            self._watch = None
        if self._process is not None:
            self._process.send_signal(by)
            self._process.wait(60)
            self._process = None

    def _wait_until(
        self, answers: Callable[[], bool], log: Path, seconds: float
    ) -> None:
        deadline = time.monotonic() + seconds
        while not answers():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self._process.args!r} does not answer:\n{said}")
            time.sleep(0.03)
