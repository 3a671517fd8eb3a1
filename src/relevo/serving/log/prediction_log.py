"""Every answered prediction: first in a file of this machine, then in the warehouse and in the object store."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from relevo.serving.log.segments import Segment, Segments, hold, lines_of
from relevo.serving.log.shipper import Shipper

if TYPE_CHECKING:
    from relevo.domain.prediction import LoggedPrediction
    from relevo.ports.predictions import PredictionStore
    from relevo.ports.store import ObjectStore

SYNC_SECONDS = 1.0
CLOCKS_DIFFER = timedelta(minutes=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    segment_bytes: int = 16 << 20
    segment_age: timedelta = timedelta(hours=1)
    most_bytes: int = 16 << 30  # an hour at 8,000 predictions a second of 500 bytes
    flush_bytes: int = 4 << 20
    database_seconds: float = 2.0
    objects_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Lines that have not arrived everywhere."""

    rows: int
    bytes: int
    oldest_seconds: float


class PredictionLog:
    """One use case's answers in one environment, from one process. `append` works before `start`; nothing ships yet.

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
        self._database, self._objects = database, objects
        self._held = hold(
            self._folder
        )  # before anything is read that the process before may still change
        self._prefix = upload_prefix(case, environment)
        self.shippers = (
            Shipper(
                "database",
                self._folder,
                self._to_database,
                limits.database_seconds,
                limits.flush_bytes,
            ),
            Shipper(
                "object-store",
                self._folder,
                self._to_objects,
                limits.objects_seconds,
                limits.flush_bytes,
            ),
        )
        newest = max(shipper.place.segment for shipper in self.shippers)
        self._segments = Segments(
            self._folder, newest, limits.segment_bytes, limits.most_bytes
        )
        self.append = self._segments.append  # a call less for each answer
        self._closing = threading.Event()
        self._housekeeper = threading.Thread(
            target=self._keep_house, name="relevo-log-house", daemon=True
        )

    def start(self) -> None:
        self._housekeeper.start()
        for shipper in self.shippers:
            shipper.start(self._segments)

    def close(self, timeout: float) -> None:
        """Append nothing more. Ships what is left, for `timeout` seconds at most; what is left then waits for the next start."""
        deadline = time.monotonic() + timeout
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
        if not any(shipper.is_alive() for shipper in self.shippers):
            os.close(
                self._held
            )  # else only the end of the process lets another go on from here

    def find(self, receipt: str) -> LoggedPrediction | None:
        """A prediction that has not reached the database yet. Ask here first, then there: it may arrive in between."""
        wanted = b'"receipt":"%s"' % receipt.encode()
        place = self.shippers[0].place
        for lines in lines_of(self._around(receipt), place.segment, place.offset):
            found = -1
            while (found := lines.find(wanted, found + 1)) >= 0:
                line = lines[
                    lines.rfind(b"\n", 0, found) + 1 : lines.index(b"\n", found)
                ]
                logged: LoggedPrediction = msgspec.json.decode(line)
                if logged["receipt"] == receipt:  # and not an input that quotes one
                    return logged
        return None

    def waiting(self) -> Waiting:
        segments = self._segments.all()
        rows, size, oldest = 0, 0, datetime.now(UTC)
        now = oldest
        for shipper in self.shippers:
            place = shipper.place
            rows = max(
                rows, shipper.found_rows + self._segments.rows - shipper.shipped_rows
            )
            ahead = [segment for segment in segments if segment.name >= place.segment]
            size = max(
                size,
                sum(
                    s.size - (place.offset if s.name == place.segment else 0)
                    for s in ahead
                ),
            )
            for lines in lines_of(ahead, place.segment, place.offset):
                oldest = min(oldest, _answered_at(lines[: lines.index(b"\n")], oldest))
                break
        return Waiting(rows, size, max(0.0, (now - oldest).total_seconds()))

    def _around(self, receipt: str) -> list[Segment]:
        """The segments of about the time that a receipt tells: after an outage there are too many to search all."""
        try:
            made = datetime.fromtimestamp(int(receipt[:12], 16) / 1000, UTC)
        except (ValueError, OverflowError):
            return []
        segments = self._segments.all()
        ends = [*(segment.begun for segment in segments[1:]), datetime.now(UTC)]
        near = zip(
            segments, ends, strict=False
        )  # the last end is now, without segments too
        return [
            s
            for s, end in near
            if s.begun - CLOCKS_DIFFER <= made <= end + CLOCKS_DIFFER
        ]

    def _to_database(self, _name: str, lines: bytes) -> None:
        self._database.ship(lines)

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
        place = min(
            (shipper.place for shipper in self.shippers),
            key=lambda place: (place.segment, place.offset),
        )
        self._segments.drop_before(place.segment, place.offset)


def upload_prefix(case: str, environment: str) -> str:
    """Where a log lies in the object store."""
    return f"predictions/{environment}/{case}/"


def _answered_at(line: bytes, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(msgspec.json.decode(line)["at"]).astimezone(UTC)
    except (msgspec.DecodeError, LookupError, TypeError, ValueError):
        return otherwise  # shipping tells of a damaged line; waiting() is no place to stumble over it
