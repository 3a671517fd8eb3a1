"""One supervisor a home, on free ports, and nothing of it left behind."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from relevo.errors import AlreadyRunning, PortInUse
from relevo.local import sessions
from relevo.local.programs import HERE, Program


@contextmanager
def alone(home: Path) -> Iterator[IO[str]]:
    """Hold the home for this supervisor; its watcher holds it too, until all is stopped."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(
                f"`relevo up` runs already for {home} (process {lock.read().strip() or 'unknown'}), or was killed and "
                "is being cleaned up after: stop it with Ctrl-C there, wait a few seconds, or set RELEVO_HOME elsewhere"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock


class Watcher:
    """A small process that outlives a killed supervisor just long enough to end what it has started."""

    def __init__(self, lock: IO[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", sessions.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[lock.fileno()],
            start_new_session=True,
            text=True,
        )
        self._input = cast(IO[str], self._process.stdin)

    def watch(self, session: int) -> None:
        self._input.write(f"{session}\n")
        self._input.flush()

    def dismiss(self) -> None:
        self._input.close()
        self._process.wait()


def check_ports(programs: list[Program]) -> None:
    """All ports that are taken, in one error, before anything starts."""
    taken = [program for program in programs if not _is_free(program.port)]
    if taken:
        raise PortInUse(
            "; ".join(
                f"port {program.port}, which {program.name} needs, is in use: stop what listens there, or choose "
                f"another with {program.setting}={_free_near(program.port)}"
                for program in taken
            )
        )
    twice = {program.port: program for program in programs}
    for program in programs:
        if (other := twice[program.port]) is not program:
            raise PortInUse(
                f"port {program.port} is given to both {program.name} ({program.setting}) and {other.name} "
                f"({other.setting}); change one of them"
            )


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HERE, port)).close()
    except OSError:
        return False
    return True


def _free_near(port: int) -> int:
    return next(filter(_is_free, range(port + 1, min(port + 100, 65536))), 0)
