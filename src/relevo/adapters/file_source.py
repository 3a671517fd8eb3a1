"""Batches from CSV or Parquet files: a folder, a file a batch, or one file, cut."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from relevo.adapters.file_cuts import cut_by_date, cut_by_rows
from relevo.adapters.table_file import RowNumbers, TableFile, open_table_file, read_file
from relevo.domain.arrival import FORMATS, SourceResponse
from relevo.domain.periods import Period
from relevo.errors import SourceError, SourceUnavailable

log = logging.getLogger(__name__)

FINISHED = ".finished"
# notes, and what browsers and copying programs have not finished
_NOT_BATCHES = (".md", ".txt", ".tmp", ".part", ".partial", ".crdownload", FINISHED)


class FileSource:
    """Has no cursor: a batch's number is its position, from 0, and any may be asked for again.

    A folder: its .csv, .tsv and .parquet files in order of name. A new file's name must come after all others' (begin
    it with a date or a padded number); write it under a name that begins with `.` and rename it when it is whole.

    One file: cut by `rows`, or by the day, week or month (`every`) of the date column `by`; uncut, it is one batch. It
    may grow, and no batch that was answered changes: by `rows`, rows that do not fill a batch wait for more; by date, a
    period is answered once it is over (UTC). So append whole lines, and a period's rows before it ends. A file beside
    it, named as it with `.finished` behind, says that no more will come: then the last rows are a batch too.
    """

    can_repeat = True
    can_restart = False

    def __init__(
        self,
        path: Path | str,
        *,
        by: str | None = None,
        every: Period | None = None,
        rows: int | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if (by is None) != (every is None) or (by is not None and rows is not None):
            raise SourceError(
                f"{path}: cut it by `by` and `every` together, or by `rows` alone"
            )
        if rows is not None and rows < 1:
            raise SourceError(f"{path}: rows={rows} cuts nothing; give at least 1")
        self._path = Path(path)
        self._by = by
        self._every = every
        self._rows = rows
        self._now = now
        self._cut: tuple[object, TableFile, list[RowNumbers]] | None = None
        self.name = f"files-{self._path.name}"

    def next(self, after: int | None) -> AbstractContextManager[SourceResponse | None]:
        if after is None:
            return self.repeat(0)
        return self.repeat(after + 1)

    @contextmanager
    def repeat(self, number: int) -> Iterator[SourceResponse | None]:
        try:
            answer = self._answer_from_file
            if self._path.is_dir():
                answer = self._answer_from_folder
            response = answer(number)
        except OSError as error:
            raise SourceError(
                f"{self._path} cannot be read: {error.strerror or error}; check path in the use case"
            ) from error
        yield response

    def restart(self) -> None:
        raise SourceError(
            f"{self._path} has no cursor to put back; its batches are asked for by number"
        )

    def _answer_from_folder(self, number: int) -> SourceResponse | None:
        if self._by or self._rows:
            raise SourceError(
                f"{self._path} is a folder, where a file is a batch; leave out by, every and rows"
            )
        files = sorted(file for file in self._path.iterdir() if _is_batch(file))
        if number >= len(files):
            return None
        file = files[number]
        chunks = self._bytes(read_file(file))
        return SourceResponse(FORMATS[file.suffix.lower()], chunks, number)

    def _answer_from_file(self, number: int) -> SourceResponse | None:
        table, cuts = self._table()
        if number < len(cuts):
            chunks = self._bytes(table.take(cuts[number]))
            return SourceResponse(table.format, chunks, number)
        if waiting := table.rows - sum(map(len, cuts)):
            log.warning(
                "%s: %d rows wait for the rest of their batch; if no more will come, `touch %s`",
                self._path,
                waiting,
                self._finished,
            )
        return None

    @property
    def _finished(self) -> Path:
        return self._path.with_name(self._path.name + FINISHED)

    def _table(self) -> tuple[TableFile, list[RowNumbers]]:
        """Where the batches lie, found once for as long as the file and the day stay the same."""
        state = self._path.stat()
        if self._path.suffix.lower() not in FORMATS:
            raise SourceError(
                f"{self._path} is neither CSV nor Parquet; name it for its format: {', '.join(FORMATS)}"
            )
        today = self._now().astimezone(UTC).replace(tzinfo=None)
        finished = self._finished.exists()
        if finished:  # then every period is over
            today = datetime.max
        version = (state.st_ino, state.st_size, state.st_mtime_ns, today.date())
        if self._cut is None or self._cut[0] != version:
            table = open_table_file(self._path, self._by)
            self._cut = (version, table, self._cuts(table, today, finished=finished))
        return self._cut[1:]

    def _cuts(
        self, table: TableFile, now: datetime, *, finished: bool
    ) -> list[RowNumbers]:
        if self._every is None:
            size = self._rows or max(table.rows, 1)
            return cut_by_rows(table.rows, size, finished=finished)
        cuts = cut_by_date(table.values, self._every, now)
        if cuts is None and table.rows:
            raise SourceError(
                f"{self._path}: no row has a date in its column {self._by!r}; set `by` to one that has"
            )
        return cuts or []

    def _bytes(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from chunks
        except OSError as error:
            raise SourceUnavailable(
                f"{self._path} cannot be read: {error}", maybe_answered=False
            ) from error


def _is_batch(file: Path) -> bool:
    """What is surely no batch is passed over; a file that may be one and cannot be read is an error."""
    name = file.name
    if name.startswith((".", "_")) or name.endswith(_NOT_BATCHES) or file.is_dir():
        return False
    if file.suffix.lower() not in FORMATS:
        raise SourceError(
            f"{file} is neither CSV nor Parquet: convert it, or put _ before its name to leave it out"
        )
    return True
