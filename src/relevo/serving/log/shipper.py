"""Takes lines from the segments to one destination, each exactly once, for as long as it takes."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from relevo.errors import LinesRefused, LogUnwritable, RelevoError
from relevo.serving.log.segments import LogPosition, Segment, Segments, lines_after
from relevo.whole_file import write_whole

FIRST_WAIT, LONGEST_WAIT = (
    0.5,
    30.0,
)  # seconds between tries while a destination is unavailable
CLOSING_WAIT = 0.25  # the process is about to end: each try may be the last
_log = logging.getLogger(__name__)


class Bookmark:
    """A position that survives: whole or not at all, and on the disk before anything is
    done that relies on it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = LogPosition()
        if path.exists():
            try:
                self.position = msgspec.json.decode(path.read_bytes(), type=LogPosition)
            except msgspec.DecodeError as error:
                raise LogUnwritable(
                    f"{path}: {error}, so nobody knows what was shipped; restore it, or delete it: everything that "
                    "still lies there is then shipped once more, which doubles lines in the object store only"
                ) from error

    def move(self, position: LogPosition) -> None:
        write_whole(self.path, msgspec.json.encode(position))
        self.position = position


class Shipper:
    """One destination. `send` gets a name that stays the same for the same lines, and the lines."""

    def __init__(
        self,
        name: str,
        folder: Path,
        send: Callable[[str, bytes], object],
        *,
        every: float,
        most_bytes: int,
    ) -> None:
        self.name = name
        self._folder = folder
        self._send = send
        self._every = every
        self._most_bytes = most_bytes
        self._bookmark = Bookmark(folder / f"{name}.json")
        self._closing = threading.Event()
        self._deadline = float("inf")
        self._thread = threading.Thread(
            target=self._run, name=f"relevo-log-{name}", daemon=True
        )
        self.found_rows = self.shipped_rows = self.refused_rows = self.failures = 0
        # empty where there is no outage: its start and its end are logged once each
        self.error = ""
        self._tries = 0

    @property
    def position(self) -> LogPosition:
        return self._bookmark.position

    def start(self, segments: Segments) -> None:
        self._segments = segments
        self._thread.start()

    def finish(self, deadline: float) -> None:
        """Ship what is left, without pause, and end: at the latest at the deadline."""
        self._deadline = deadline
        self._closing.set()

    def join(self, deadline: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()) + 2 * CLOSING_WAIT)

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def ship_next(self) -> int:
        """One flush; the bytes shipped, 0 where there is nothing to ship."""
        if (claim := self._claim()) is None:
            return 0
        segment, position = claim
        lines = segment.read(position.offset, position.claimed - position.offset)
        send = partial(self._send, f"{segment.name}-{position.offset:010}")
        deliver(send, lines, partial(self._keep_aside, segment.name, position.offset))
        self._bookmark.move(replace(position, offset=position.claimed))
        self.shipped_rows += lines.count(b"\n")
        return len(lines)

    def _claim(self) -> tuple[Segment, LogPosition] | None:
        """What to ship next.

        The claim is saved first, so that a repetition sends neither more nor fewer lines.
        """
        position = self.position
        for segment in self._segments.all():
            start = position.start_in(segment)
            if start >= segment.size:
                continue
            if segment.name == position.segment and position.claimed > start:
                return segment, position
            self._segments.sync()  # a power cut must not take from here what has arrived there
            end = start + len(segment.read(start, self._most_bytes))
            claim = LogPosition(segment.name, start, end)
            self._bookmark.move(claim)
            return segment, claim
        return None

    def _keep_aside(
        self, segment: str, start: int, offset: int, line: bytes, error: LinesRefused
    ) -> None:
        path = self._folder / "refused" / f"{segment}-{start + offset:010}.jsonl"
        path.parent.mkdir(exist_ok=True)
        write_whole(path, line)
        self.refused_rows += 1
        _log.error(
            "prediction log %s: %s; the line is kept in %s", self._folder, error, path
        )

    def _run(self) -> None:
        last_round = counted = False
        while time.monotonic() < self._deadline:
            try:
                if not counted:
                    self._count_found()
                    counted = True
                shipped = self.ship_next()
            except Exception as error:  # noqa: BLE001
                self._pause_after(error)
                continue
            if self.error:
                message = "prediction log %s: lines go to the %s again"
                _log.warning(message, self._folder, self.name)
                self.error = ""
            self._tries = 0
            # a read of over half was cut at its limit, so there is more; else lines gather, as a flush costs
            # much more than a line
            if shipped > self._most_bytes // 2 or (shipped and self._closing.is_set()):
                continue
            if last_round:
                return
            last_round = self._closing.wait(self._every)

    def _count_found(self) -> None:
        """Rows that an earlier process left.

        There may be gigabytes of them: nobody waits for this at the start.
        """
        left = lines_after(self.position, self._segments.recovered)
        self.found_rows = sum(lines.count(b"\n") for lines in left)

    def _pause_after(self, error: Exception) -> None:
        """Logged once per outage, not once per try; with its trace where it is a fault of ours."""
        if not self.error:
            _log.warning(
                "prediction log %s: lines wait for the %s: %s",
                self._folder,
                self.name,
                error,
                exc_info=not isinstance(error, RelevoError),
            )
        self.error = str(error) or type(error).__name__
        self.failures += 1
        if self._closing.is_set():
            time.sleep(CLOSING_WAIT)
        else:
            # 2**10 tries later the wait is at its limit anyway
            wait = FIRST_WAIT * 2 ** min(self._tries, 10)
            self._closing.wait(min(LONGEST_WAIT, wait))
        self._tries += 1


def deliver(
    send: Callable[[bytes], object],
    lines: bytes,
    refused: Callable[[int, bytes, LinesRefused], None],
    offset: int = 0,
) -> None:
    """Lines that are refused for what they are hold up nobody: they are found by halving
    and handed to `refused`.
    """
    try:
        send(lines)
    except LinesRefused as error:
        half = lines.rfind(b"\n", 0, len(lines) // 2) + 1 or lines.index(b"\n") + 1
        if half == len(lines):
            refused(offset, lines, error)
            return
        deliver(send, lines[:half], refused, offset)
        deliver(send, lines[half:], refused, offset + half)
