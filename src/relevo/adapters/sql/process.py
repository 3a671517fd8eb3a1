"""Which process this is, so that another one on the same machine can tell whether it still lives."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """`room` is where a pid means something: this boot of this machine, this container."""

    host: str
    pid: int
    room: str
    started: str

    @property
    def mark(self) -> str:
        return f"{self.room}|{self.started}"

    @staticmethod
    def this() -> Process:
        pid = os.getpid()
        return Process(socket.gethostname(), pid, _room(), _started(pid) or "")

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
    """When the process began, in its system's own terms; None where there is none, or only a zombie of it."""
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    found = subprocess.run(
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or None
