"""CSV with a header. Its delimiter (comma, semicolon, tab, bar) is the one that finds most columns of the contract."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from relevo.domain.contract import Contract
from relevo.domain.kinds import Kind
from relevo.errors import SourceUnavailable
from relevo.formats.block import LINE, Block
from relevo.formats.json_window import SHOWN, malformed

DELIMITERS = ",;\t|"
_BLOCK = 1024 * 1024


class Hashing(io.RawIOBase):
    """A stream that hashes what is read through it; closing it leaves the stream beneath open."""

    def __init__(self, stream: BinaryIO) -> None:
        self.sha256 = hashlib.sha256()
        self.head = b""
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        part = self._stream.read(len(buffer))
        self.sha256.update(part)
        self.head += part[: SHOWN - len(self.head)]
        buffer[: len(part)] = part
        return len(part)


class CsvBody:
    """Iterate for blocks of rows. A row of another length than the header becomes a bad row; it is not lost."""

    def __init__(
        self, stream: BinaryIO, contract: Contract, rows_per_block: int, what: str
    ) -> None:
        self._bytes = Hashing(stream)
        self._contract = contract
        self._rows_per_block = rows_per_block
        self._what = what

    @property
    def sha256(self) -> str:
        return self._bytes.sha256.hexdigest()

    def __iter__(self) -> Iterator[Block]:
        buffered = io.BufferedReader(self._bytes, _BLOCK)
        text = io.TextIOWrapper(
            buffered, encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        try:
            header, delimiter = self._header(text)
            rows = csv.reader(text, delimiter=delimiter, strict=True)
            while lines := list(islice(rows, self._rows_per_block)):
                if full := [line for line in lines if line]:
                    yield self._block(header, full)
        except csv.Error as error:
            raise self._malformed(f"is not CSV: {error}") from None

    def _header(self, text: io.TextIOWrapper) -> tuple[list[str], str]:
        line = text.readline()
        while line.count('"') % 2 and (more := text.readline()):
            line += more
        wanted = {column.name for column in self._contract}
        readings = [
            ([name.strip() for name in next(csv.reader([line], delimiter=d), [])], d)
            for d in DELIMITERS
        ]
        header, delimiter = max(
            readings, key=lambda reading: len(wanted.intersection(reading[0]))
        )
        if not wanted.intersection(header):
            raise self._malformed(
                f"has none of the contract's columns in its header; they are {', '.join(sorted(wanted))}"
            )
        if doubled := {name for name in header if name and header.count(name) > 1}:
            raise self._malformed(f"names column {sorted(doubled)[0]!r} twice")
        return header, delimiter

    def _block(self, header: list[str], lines: list[list[str]]) -> Block:
        width = len(header)
        extras: dict[int, dict[str, object]] = {}
        broken: dict[int, str] = {}
        if set(map(len, lines)) != {width}:
            for index, line in enumerate(lines):
                if len(line) != width:
                    extras[index] = {LINE: line}
                    broken[index] = f"has {len(line)} fields, the header {width}"
                    lines[index] = [""] * width
        columns: dict[str, list[object]] = {}
        kinds = {column.name: column.kind for column in self._contract}
        for name, cells in zip(header, zip(*lines, strict=True), strict=True):
            if name in kinds:
                columns[name] = _without_missing(cells, kinds[name])
            else:
                for index, cell in enumerate(cells):
                    if cell:
                        extras.setdefault(index, {})[name] = cell
        return Block(
            len(lines), dict(columns), spelled=True, extras=extras, broken=broken
        )

    def _malformed(self, why: str) -> SourceUnavailable:
        return malformed(self._what, why, self._bytes.head)


def _without_missing(cells: tuple[str, ...], kind: Kind) -> list[object]:
    return [None if cell in kind.missing_words else cell for cell in cells]
