"""End all processes of a session: a program of `relevo up` with everything it has started, whatever its process group.

Run as a script it is the watcher: it reads session ids, one a line, and ends them when its input ends, as it does when
the supervisor is killed. It imports nothing of Relevo, to stay small.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

GRACE = 15.0


def end_sessions(
    sessions: Iterable[int],
    grace: float = GRACE,
    force: Callable[[], bool] = lambda: False,
) -> None:
    """SIGTERM to every process, SIGKILL to those that are left after `grace` seconds or once someone is in a hurry."""
    ending = set(sessions)
    tell(ending, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while members(ending) and time.monotonic() < deadline and not force():
        time.sleep(0.1)
    while members(ending):  # one may have been started between looking and killing
        tell(ending, signal.SIGKILL)
        time.sleep(0.05)


def tell(sessions: set[int], what: signal.Signals) -> None:
    for pid in members(sessions):
        with suppress(ProcessLookupError):
            os.kill(pid, what)


def members(sessions: set[int]) -> list[int]:
    """Processes of these sessions that are not dead yet."""
    found = []
    for pid in _living():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) in sessions:
                found.append(pid)
    return found


def _living() -> Iterable[int]:
    proc = Path("/proc")
    if (proc / "self" / "stat").exists():
        for entry in proc.iterdir():
            if entry.name.isdecimal() and _state(entry) not in ("Z", "X", ""):
                yield int(entry.name)
        return
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,stat="],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in listed.splitlines():
        pid, state = line.split(maxsplit=1)
        if not state.startswith("Z"):
            yield int(pid)


def _state(entry: Path) -> str:
    try:
        return (entry / "stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""


def watch() -> None:
    """Wait until the supervisor is gone, then end what it has left."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    sessions = {int(line) for line in sys.stdin}
    end_sessions(sessions)


if __name__ == "__main__":
    watch()
