"""Which process this is, so that another one on the same machine can tell whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """`room` is where a pid means something: this boot of this machine, this container."""

    host: str
    pid: int
    room: str
    started: str | None

    @property
    def mark(self) -> str:
        return f"{self.room}|{self.started}"

    @staticmethod
    def this() -> Process:
        pid = os.getpid()
        return Process(
            host=socket.gethostname(), pid=pid, room=_room(), started=_started(pid)
        )

    def knows_dead(self, host: str, pid: int, mark: str) -> bool:
        """True where that process surely ran beside this one and is gone, even if its pid was given to another since."""
        room, _, started = mark.rpartition("|")
        return host == self.host and room == self.room and _started(pid) != started


def _room() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return "one machine"  # no Linux: no containers that share a host's name


def _started(pid: int) -> str | None:
    """When the process began; None where there is none, or only a zombie of it."""
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        # in 1/100 s since the boot: a moment by the clock would move when the clock is set
        return str(round(100 * (process.create_time() - psutil.boot_time())))
    except psutil.NoSuchProcess:
        return None
