"""End all processes of a session: a program of `relevo up` with everything it has started, whatever its process group.

Run as a script it is the watcher: it reads session ids, one per line, and ends them when its input ends, as it does when
the supervisor is killed. It imports nothing of Relevo, to stay small.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil

GRACE = 15.0  # seconds from SIGTERM to SIGKILL: what a training task needs to let go
DEAD = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def end_sessions(
    sessions: Iterable[int],
    grace: float = GRACE,
    force: Callable[[], bool] = lambda: False,
) -> None:
    """SIGTERM to every process, SIGKILL to those that are left after `grace` seconds or once `force` says so."""
    ending = set(sessions)
    _send(ending, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while members(ending) and time.monotonic() < deadline and not force():
        time.sleep(0.1)
    while members(ending):  # one may have been started between looking and killing
        _send(ending, signal.SIGKILL)
        time.sleep(0.05)


def _send(sessions: set[int], what: signal.Signals) -> None:
    for pid in members(sessions):
        with suppress(ProcessLookupError):
            os.kill(pid, what)


def members(sessions: set[int]) -> list[int]:
    """Processes of these sessions that are not dead yet."""
    return [pid for pid in psutil.pids() if _is_member(pid, sessions)]


def _is_member(pid: int, sessions: set[int]) -> bool:
    try:
        return os.getsid(pid) in sessions and psutil.Process(pid).status() not in DEAD
    except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
        return False


def watch() -> None:
    """Wait until the supervisor is gone, then end what it has left."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    end_sessions(int(line) for line in sys.stdin)


if __name__ == "__main__":
    watch()
