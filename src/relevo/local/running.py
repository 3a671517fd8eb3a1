"""A program while it runs: its session, its output, its health."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO, cast

import httpx
import rich

from relevo.errors import NotFound
from relevo.local.programs import Program
from relevo.local.screen import Screen

LAST_LINES = 15
ANSWER_WITHIN = 5.0


class Running:
    """Started in a session of its own, so that all it starts can be found and ended."""

    def __init__(self, program: Program, logs: Path, screen: Screen) -> None:
        self.program = program
        self._screen = screen
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self.healthy_at = time.monotonic()
        self._shown: set[str] = set()
        self._log = (logs / f"{program.name}.log").open("ab")
        self._process = _started(program, logs.parent)
        self.session = self._process.pid
        output = cast(BinaryIO, self._process.stdout)
        self._reading = threading.Thread(target=self._read, args=(output,), daemon=True)
        self._reading.start()

    def _read(self, output: BinaryIO) -> None:
        for raw in output:
            self._log.write(raw)
            self._log.flush()
            line = raw.decode(errors="replace").rstrip()
            self.last_lines.append(line)
            shown = self.program.worth_showing(line)
            if shown is not None and shown not in self._shown:
                self._shown.add(shown)
                self._screen.say(shown, self.program.name)

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def is_healthy(self) -> bool:
        url = self.program.ready_url
        try:
            answer = httpx.get(url, timeout=ANSWER_WITHIN, follow_redirects=True)
            healthy = self.program.is_ready(answer.raise_for_status().content)
        except (httpx.HTTPError, ValueError, KeyError):
            return False
        if healthy:
            self.healthy_at = time.monotonic()
        return healthy

    @property
    def seconds_unhealthy(self) -> float:
        return time.monotonic() - self.healthy_at

    def close(self) -> None:
        """After its session has ended: read what it said last."""
        self._process.wait()
        self._reading.join(timeout=2)
        self._log.close()


def _started(program: Program, home: Path) -> subprocess.Popen[bytes]:
    try:
        kept = {**os.environ, "PYTHONUNBUFFERED": "1", **_compiled(home)}
        return subprocess.Popen(
            program.command,
            env={**kept, **program.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise NotFound(
            f"{program.name} cannot be started: {error.filename} is not installed; run `make setup`"
        ) from error


def _compiled(home: Path) -> dict[str, str]:
    """Programs start in half the time from compiled modules: kept under home where they may not lie beside the sources."""
    compiled = Path(importlib.util.cache_from_source(rich.__file__))
    if not sys.dont_write_bytecode or compiled.exists():
        return {}
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(home / "pycache")}
