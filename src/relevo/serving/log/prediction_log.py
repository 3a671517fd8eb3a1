"""Every answered prediction: first in a file of this machine, then in the warehouse and in
the object store.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from relevo.serving.log.segments import Segment, Segments, hold, lines_after
from relevo.serving.log.shipper import Shipper

if TYPE_CHECKING:
    from relevo.domain.prediction import LoggedPrediction
    from relevo.ports.predictions import PredictionStore
    from relevo.ports.store import ObjectStore

SYNC_SECONDS = 1.0  # what a power cut may take
CLOCKS_DIFFER = timedelta(
    minutes=1
)  # the clock may be set between a receipt and its segment
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    # a segment is deleted as a whole: small ones give the disk back early
    segment_bytes: int = 16 << 20
    segment_age: timedelta = timedelta(hours=1)
    most_bytes: int = 16 << 30  # an hour at 8,000 predictions a second of 500 bytes
    flush_bytes: int = 4 << 20
    # lines gather meanwhile: a flush costs as much as thousands of them
    database_seconds: float = 2.0
    objects_seconds: float = 10.0  # each flush is an object, and a store prefers few


@dataclass(frozen=True, slots=True)
class Waiting:
    """Lines that have not arrived everywhere."""

    rows: int
    bytes: int
    oldest_seconds: float


class PredictionLog:
    """One use case's predictions in one environment, from one process. `append` works before `start`; nothing ships yet.

    When `append` returns, its lines survive the end of the process, and at most a second later a power cut. They arrive
    in the database and in the object store exactly once each, whenever these can be reached; neither waits for the other.
    """

    def __init__(
        self,
        folder: Path,
        case: str,
        environment: str,
        database: PredictionStore,
        objects: ObjectStore,
        limits: Limits | None = None,
    ) -> None:
        self._folder = folder / environment / case
        self._limits = limits = limits or Limits()
        self._objects = objects
        # before anything is read that the process before may still change
        self._held = hold(self._folder)
        self._prefix = upload_prefix(case, environment)
        ship = partial(Shipper, folder=self._folder, most_bytes=limits.flush_bytes)
        self.shippers = (
            ship(
                "database",
                send=lambda _, lines: database.ship(lines),
                every=limits.database_seconds,
            ),
            ship("object-store", send=self._to_objects, every=limits.objects_seconds),
        )
        newest = max(shipper.position.segment for shipper in self.shippers)
        self._segments = Segments(
            self._folder, newest, limits.segment_bytes, limits.most_bytes
        )
        self.append = self._segments.append  # one call less for each prediction
        self._closing = threading.Event()
        self._housekeeper = threading.Thread(
            target=self._keep_house, name="relevo-log-house", daemon=True
        )

    def start(self) -> None:
        self._housekeeper.start()
        for shipper in self.shippers:
            shipper.start(self._segments)

    def close(self, timeout: float) -> None:
        """Append nothing more.

        Ships what is left, for `timeout` seconds at most; what is left then waits for the
        next start.
        """
        deadline = time.monotonic() + timeout
        # all are told before one is waited for: they share the time
        for shipper in self.shippers:
            shipper.finish(deadline)
        for shipper in self.shippers:
            shipper.join(deadline)
        self._closing.set()
        if self._housekeeper.ident is not None:
            self._housekeeper.join()
        if left := self.waiting().rows:
            _log.warning(
                "prediction log %s: %d lines were not shipped; they wait for the next start",
                self._folder,
                left,
            )
        self._segments.end()
        self._drop_shipped()
        # while one still ships, only the end of the process lets another go on from here
        if not any(shipper.is_alive() for shipper in self.shippers):
            os.close(self._held)

    def find(self, receipt: str) -> LoggedPrediction | None:
        """A prediction that has not reached the database yet.

        Ask here first, then there: it may arrive in between.
        """
        needle = b'"receipt":"%s"' % receipt.encode()
        # the database is the first: what has arrived there is found there
        for lines in lines_after(self.shippers[0].position, self._around(receipt)):
            start = lines.find(needle)
            while start >= 0:
                begin = lines.rfind(b"\n", 0, start) + 1
                line = lines[begin : lines.index(b"\n", start)]
                logged: LoggedPrediction = msgspec.json.decode(line)
                if logged["receipt"] == receipt:  # and not an input that quotes one
                    return logged
                start = lines.find(needle, start + 1)
        return None

    def waiting(self) -> Waiting:
        segments = self._segments.all()
        now = oldest = datetime.now(UTC)
        rows = size = 0
        for shipper in self.shippers:
            position = shipper.position
            appended = shipper.found_rows + self._segments.rows
            rows = max(rows, appended - shipper.shipped_rows)
            left = sum(each.size - position.start_in(each) for each in segments)
            size = max(size, left)
            for lines in lines_after(position, segments):
                oldest = min(oldest, _answered_at(lines[: lines.index(b"\n")], oldest))
                break
        return Waiting(rows, size, max(0.0, (now - oldest).total_seconds()))

    def _around(self, receipt: str) -> list[Segment]:
        """The segments of about the time that a receipt tells: after an outage there are
        too many to search all.
        """
        try:
            made = datetime.fromtimestamp(int(receipt[:12], 16) / 1000, UTC)
        except (ValueError, OverflowError):
            return []
        segments = self._segments.all()
        # each ends where the next one begins; the last one has not ended
        ends = [*(segment.begun for segment in segments[1:]), datetime.now(UTC)]
        return [
            segment
            for segment, end in zip(segments, ends, strict=False)
            if segment.begun - CLOCKS_DIFFER <= made <= end + CLOCKS_DIFFER
        ]

    def _to_objects(self, name: str, lines: bytes) -> None:
        day = f"{name[:4]}-{name[4:6]}-{name[6:8]}"
        self._objects.put(f"{self._prefix}{day}/{name}.jsonl", [lines])

    def _keep_house(self) -> None:
        failed = False
        while not self._closing.wait(SYNC_SECONDS):
            try:
                self._segments.sync()
                self._segments.end_if_older(self._limits.segment_age)
                self._drop_shipped()
            except Exception:  # noqa: BLE001
                if not failed:
                    _log.exception(
                        "prediction log %s: lines may not survive a power cut; check its disk",
                        self._folder,
                    )
                failed = True
            else:
                failed = False

    def _drop_shipped(self) -> None:
        self._segments.drop_before(min(shipper.position for shipper in self.shippers))


def upload_prefix(case: str, environment: str) -> str:
    """Where a log lies in the object store."""
    return f"predictions/{environment}/{case}/"


def _answered_at(line: bytes, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(msgspec.json.decode(line)["at"]).astimezone(UTC)
    except (msgspec.DecodeError, LookupError, TypeError, ValueError):
        return otherwise  # shipping tells of a damaged line; waiting() is no place to stumble over it
