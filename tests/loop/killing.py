"""Run the loop as a process of its own that is killed, by a clock or at each boundary of what it does."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from relevo.settings import Settings

WATCHED = {
    "warehouse.attempts": ("open", "close"),
    "warehouse.batches": ("load",),
    "warehouse.rows": ("write_clean",),
    "warehouse.record": (
        "add_decision",
        "add_training",
        "add_verdict",
        "open_move",
        "finish_move",
    ),
    "registry": ("register", "set_alias", "tag"),
    "landing": ("put",),
    "artifacts": ("put",),
}
PRELOADED = [
    "relevo.adapters.mlflow.registry",
    "relevo.adapters.sql.warehouse",
    "relevo.loop.train",
    "relevo.loop.contest",
]


STEPS = ("ingest", "prepare", "decide", "train", "contest", "publish")


class Killer:
    """Stands before a port and kills the process at each boundary of its watched calls that has not killed before."""

    def __init__(self, name: str, port: Any, watched: set[str], record: Path) -> None:
        self._name = name
        self._port = port
        self._watched = watched
        self._record = record

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        path = f"{self._name}.{name}"
        if any(call.startswith(f"{path}.") for call in self._watched):
            return Killer(path, attribute, self._watched, self._record)
        if path not in self._watched:
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            self._boundary(f"before {path}")
            answer = attribute(*args, **kwargs)
            self._boundary(f"after {path}")
            return answer

        return call

    def _boundary(self, what: str) -> None:
        killed = self._record.read_text().splitlines() if self._record.exists() else []
        if what not in killed:
            self._record.write_text("\n".join([*killed, what]))
            os.kill(os.getpid(), signal.SIGKILL)


def live(settings: Settings, boundaries: Path | None = None) -> None:
    """Work batches off until the source has no more: what a life of the loop does."""
    from relevo.app import open_loop
    from relevo.errors import RelevoError
    from relevo.loop.run_batch import run_batch

    loop = open_loop("flats", settings)
    steps: Any = loop
    if boundaries:
        watched = {f"{port}.{call}" for port in WATCHED for call in WATCHED[port]}
        for port in {name.split(".")[0] for name in watched}:
            loop.__dict__[port] = Killer(port, getattr(loop, port), watched, boundaries)
        steps = Killer("step", loop, {f"step.{step}" for step in STEPS}, boundaries)
    try:
        with loop.working("a life"):
            while run_batch(steps, lambda _: None) is not None:
                pass
    except RelevoError as error:
        (settings.home / "error.txt").write_text(f"{type(error).__name__}: {error}")
        raise SystemExit(3) from error


def forks() -> ForkServerContext:
    """A server that has imported everything, so that a life starts in milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def one_life(
    context: ForkServerContext,
    settings: Settings,
    boundaries: Path | None = None,
    seconds: float | None = None,
) -> int:
    """Exit code of one life; -SIGKILL where it was killed, after `seconds` or at a boundary."""
    process = context.Process(target=live, args=(settings, boundaries))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    code = process.exitcode
    assert code is not None
    return code
