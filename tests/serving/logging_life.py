"""A process that appends under load and is killed, by a clock or at each boundary of what shipping does."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from relevo import whole_file
from relevo.adapters.objects.s3_store import S3Store
from relevo.adapters.sql.predictions import SqlPredictions
from relevo.serving.log import segments
from relevo.serving.log.prediction_log import Limits, PredictionLog
from relevo.serving.log.segments import LogPosition, Segments
from relevo.serving.log.shipper import Bookmark
from tests.serving.lines import line, new_receipt

LIMITS = Limits(
    segment_bytes=70_000,
    flush_bytes=30_000,
    database_seconds=0.01,
    objects_seconds=0.02,
)
CLOSING_SECONDS = 10.0


@dataclass(frozen=True)
class Surroundings:
    folder: Path
    database: str
    bucket: str
    endpoint: str
    environment: dict[str, str]

    def clients(self) -> tuple[SqlPredictions, S3Store]:
        os.environ.update(self.environment)
        return SqlPredictions(self.database), S3Store(
            self.bucket, self.endpoint, tries=1
        )

    def log(self, database: SqlPredictions, objects: S3Store) -> PredictionLog:
        return PredictionLog(
            self.folder / "log", "flats", "prod", database, objects, LIMITS
        )

    @property
    def answered(self) -> Path:
        """Receipts whose append has returned: an answer that was given."""
        return self.folder / "answered"


def append_for_ever(
    around: Surroundings, begun: Event, boundaries: Path | None
) -> None:
    """Until it is told to end by SIGTERM, as Kubernetes does, or killed."""
    database, objects = around.clients()
    if boundaries is not None:
        die_at_boundaries(boundaries, database, objects)
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    begun.set()
    log = around.log(database, objects)
    log.start()
    answered = os.open(around.answered, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while not told.is_set():
        receipts = [new_receipt() for _ in range(1 + os.urandom(1)[0] % 5)]
        log.append(b"".join(line(receipt) for receipt in receipts))
        os.write(answered, "".join(f"{receipt}\n" for receipt in receipts).encode())
        time.sleep(0.001)  # so that servers that were away can catch up
    log.close(CLOSING_SECONDS)


def die_at_boundaries(record: Path, database: SqlPredictions, objects: S3Store) -> None:
    """SIGKILL at each boundary that has not killed before."""
    one_at_a_time = threading.Lock()

    def boundary(what: str) -> None:
        with one_at_a_time, record.open("a+") as file:
            file.seek(0)
            if what not in file.read().splitlines():
                file.write(f"{what}\n")
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)

    def around(what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any) -> Any:
            boundary(f"before {what}")
            answer = call(*args)
            boundary(f"after {what}")
            return answer

        return watched

    def move(bookmark: Bookmark, position: LogPosition) -> None:
        kind = "claim" if position.claimed > position.offset else "arrival"
        around(f"saving the {kind} at the {bookmark.path.stem}", moved)(
            bookmark, position
        )

    moved = Bookmark.move
    Bookmark.move = move  # type: ignore[method-assign]
    database.ship = around("the commit", database.ship)  # type: ignore[method-assign]
    objects.put = around("the put", objects.put)  # type: ignore[method-assign]
    Segments._begin = around("a new segment", Segments._begin)  # type: ignore[method-assign]
    segments.delete = around("a delete", segments.delete)
    whole_file.sync = around("a sync", whole_file.sync)


def forks() -> ForkServerContext:
    """A server that has imported everything, so that a life starts in milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.serving.logging_life"])
    return context


def begin_life(
    context: ForkServerContext, around: Surroundings, boundaries: Path | None = None
) -> ForkServerProcess:
    """A process that is about to take over what the one before it left, and to append."""
    begun = context.Event()
    process = context.Process(target=append_for_ever, args=(around, begun, boundaries))
    process.start()
    assert begun.wait(60)
    return process


def one_life(
    context: ForkServerContext,
    around: Surroundings,
    seconds: float,
    boundaries: Path | None = None,
) -> None:
    """Ends by SIGKILL, after `seconds` or at a boundary."""
    process = begin_life(context, around, boundaries)
    process.join(seconds)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
