"""Whole lines in files of bounded size: appended by one process, read by those that ship them."""

import errno
import fcntl
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

from relevo.errors import LogHeld, LogUnwritable
from relevo.whole_file import sync

BEGUN = "%Y%m%dT%H%M%S%f"
SUFFIX = ".jsonl"
READ_BYTES = 1 << 20
SURELY_SYNCED = 60.0  # seconds; it is done every second
NOTHING_OPEN = -1
_log = logging.getLogger(__name__)


def hold(folder: Path) -> int:
    """Make the folder this process's own, until the answer is closed or the process ends,
    however it ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LogHeld(
            f"prediction log {folder}: another process is writing it; give each process a folder of its own"
        ) from None
    return descriptor


def unwritable(folder: Path, error: OSError) -> LogUnwritable:
    remedy = "check the folder and its rights"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "free some space there"
    return LogUnwritable(
        f"prediction log {folder}: {error.strerror or error}; {remedy}"
    )


@dataclass(slots=True)
class Segment:
    """`size` counts whole lines only; `synced` is how much of it a power cut cannot take."""

    path: Path
    size: int = 0
    synced: int = 0

    @property
    def name(self) -> str:
        """Unlike any other on any machine, and later in order than those before it in its
        folder.
        """
        return self.path.stem

    @property
    def begun(self) -> datetime:
        return datetime.strptime(self.name.partition("-")[0], BEGUN).replace(tzinfo=UTC)

    def read(self, start: int, most: int) -> bytes:
        """Whole lines from `start` on, about `most` bytes of them; at least one where there
        is one.
        """
        with self.path.open("rb", buffering=0) as file:
            while True:
                lines = os.pread(file.fileno(), min(most, self.size - start), start)
                end = lines.rfind(b"\n") + 1
                if end or start + most >= self.size:
                    return lines[:end]
                most *= 2


@dataclass(frozen=True, slots=True, order=True)
class LogPosition:
    """All before `offset` of this segment has arrived.

    What lies up to `claimed` may have, and is sent again as it was.
    """

    segment: str = ""
    offset: int = 0
    claimed: int = 0

    def start_in(self, segment: Segment) -> int:
        """Where the lines behind this position begin; the segment's size where it has none."""
        if segment.name == self.segment:
            return self.offset
        return segment.size if segment.name < self.segment else 0


class Segments:
    """Of a folder that is held.

    What a process that was killed left is taken over, its torn last line cut off.
    """

    def __init__(
        self, folder: Path, after: str, segment_bytes: int, most_bytes: int
    ) -> None:
        """`after`: the newest name that was ever shipped; names go on from it though the
        clock may not.
        """
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._descriptor = NOTHING_OPEN
        self._ended = False
        self.rows = 0  # appended by this process
        try:
            self._segments = _recovered(folder)
        except OSError as error:
            raise unwritable(folder, error) from error
        self.recovered = list(self._segments)
        self._last = max([after, *(segment.name for segment in self._segments)])

    def append(self, lines: bytes) -> None:
        """One write.

        What it has answered for survives the end of this process, however it comes.
        """
        with self._lock:
            if not self._is_open or self._segments[-1].size >= self._segment_bytes:
                self._begin()
            try:
                written = os.write(self._descriptor, lines)
            except OSError as error:
                raise unwritable(self._folder, error) from error
            if written != len(lines):
                # a disk that is full takes what still fits, and says so at the next write
                self._take_back()
                full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                raise unwritable(self._folder, full)
            self._segments[-1].size += written
            self.rows += lines.count(b"\n")

    def all(self) -> list[Segment]:
        """Oldest first; none is empty."""
        with self._lock:
            return [segment for segment in self._segments if segment.size]

    def sync(self) -> None:
        for segment in self.all():
            if segment.synced < (size := segment.size):
                sync(segment.path)
                if not segment.synced:
                    sync(self._folder)
                segment.synced = size

    def end_if_older(self, age: timedelta) -> None:
        """A segment is of one day and of bounded age; the next line then begins another."""
        with self._lock:
            if self._is_open:
                begun, now = self._segments[-1].begun, datetime.now(UTC)
                if now - begun > age or now.date() != begun.date():
                    self._end()

    def drop_before(self, position: LogPosition) -> None:
        """Delete the segments that lie wholly before this, but the one that is written."""
        with self._lock:
            closed = self._segments[:-1] if self._is_open else self._segments
            done = [
                segment
                for segment in closed
                if position.start_in(segment) >= segment.size
            ]
            self._segments = [
                segment for segment in self._segments if segment not in done
            ]
        for segment in done:
            delete(segment.path)

    def end(self) -> None:
        """Nothing may be appended any more."""
        with self._lock:
            self._end()
            self._ended = True
        self.sync()

    @property
    def _is_open(self) -> bool:
        return self._descriptor != NOTHING_OPEN

    def _begin(self) -> None:
        if self._ended:
            raise LogUnwritable(
                f"prediction log {self._folder}: is closed; answer nothing after closing it"
            )
        if sum(segment.size for segment in self._segments) >= self._most_bytes:
            raise LogUnwritable(
                f"prediction log {self._folder}: {self._most_bytes:,} bytes wait to be shipped, which is its limit; "
                "bring the database and the object store back, or raise RELEVO_API_LOG_BYTES"
            )
        self._end()
        begun = datetime.now(UTC)
        if self._last:
            # also where the clock was put back: names are in the order of their lines
            last = Segment(Path(self._last)).begun
            begun = max(begun, last + timedelta(microseconds=1))
        path = self._folder / f"{begun.strftime(BEGUN)}-{token_hex(4)}{SUFFIX}"
        try:
            self._descriptor = os.open(
                path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644
            )
        except OSError as error:
            raise unwritable(self._folder, error) from error
        self._segments.append(Segment(path))
        self._last = path.stem

    def _end(self) -> None:
        if self._is_open:
            os.close(self._descriptor)
            self._descriptor = NOTHING_OPEN

    def _take_back(self) -> None:
        """Half a write is no line: cut it off, or at least let nothing follow it in this file."""
        try:
            os.ftruncate(self._descriptor, self._segments[-1].size)
        except OSError:
            _log.exception(
                "prediction log %s: half a line stays at its end",
                self._segments[-1].path,
            )
            self._end()


def lines_after(position: LogPosition, segments: Iterable[Segment]) -> Iterator[bytes]:
    """In handy pieces. A segment that is dropped meanwhile was shipped."""
    for segment in segments:
        start = position.start_in(segment)
        with suppress(FileNotFoundError):
            while start < segment.size:
                lines = segment.read(start, READ_BYTES)
                if not lines:
                    break
                yield lines
                start += len(lines)


def delete(path: Path) -> None:
    path.unlink(missing_ok=True)


def _recovered(folder: Path) -> list[Segment]:
    """Only the newest can be torn: what was written a minute before them was on the disk."""
    files = [(path, path.stat()) for path in sorted(folder.glob(f"*-*{SUFFIX}"))]
    newest = max((status.st_mtime for _, status in files), default=0.0)
    return [
        Segment(path, status.st_size)
        if status.st_mtime < newest - SURELY_SYNCED
        else _mended(path)
        for path, status in files
    ]


def _mended(path: Path) -> Segment:
    """A killed process may leave half a line, a power cut zeros where lines should be."""
    content = path.read_bytes()
    whole = content.partition(b"\0")[0].rfind(b"\n") + 1
    if whole < len(content):
        _log.error(
            "prediction log %s: it ends in the middle of a line, of a prediction that was never answered or a power cut; "
            "%d bytes are cut off: %r",
            path,
            len(content) - whole,
            content[whole : whole + 200],
        )
        os.truncate(path, whole)
    return Segment(path, whole)
