"""CSV with a header. Its delimiter (comma, semicolon, tab, bar) is the one that finds most columns of the contract."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from relevo.domain.contract import Contract
from relevo.errors import SourceUnavailable
from relevo.formats.block import LINE, Block, note_extras
from relevo.formats.columns import Values
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
    """A row of another length than the header becomes a bad row; it is not lost."""

    number: int | None = None

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

    content_sha256 = sha256

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
            raise self.malformed(f"is not CSV: {error}") from None

    def _header(self, text: io.TextIOWrapper) -> tuple[list[str], str]:
        line = text.readline()
        while line.count('"') % 2 and (more := text.readline()):
            line += more
        names = {column.name for column in self._contract}
        headers = {
            delimiter: next(csv.reader([line], delimiter=delimiter), [])
            for delimiter in DELIMITERS
        }
        # a wrong delimiter leaves the names of several columns in one field
        delimiter = max(
            headers,
            key=lambda each: len(names.intersection(map(str.strip, headers[each]))),
        )
        header = [name.strip() for name in headers[delimiter]]
        if not names.intersection(header):
            raise self.malformed(
                "has none of the contract's columns in its header; "
                f"they are {', '.join(sorted(names))}"
            )
        twice = sorted(
            name for name, count in Counter(header).items() if name and count > 1
        )
        if twice:
            raise self.malformed(f"names column {twice[0]!r} twice")
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
        columns: dict[str, Values] = {}
        kinds = {column.name: column.kind for column in self._contract}
        for name, cells in zip(header, zip(*lines, strict=True), strict=True):
            if name in kinds:
                missing = kinds[name].missing_words
                columns[name] = [None if cell in missing else cell for cell in cells]
            else:
                note_extras(extras, name, [cell or None for cell in cells])
        return Block(len(lines), columns, spelled=True, extras=extras, broken=broken)

    def malformed(self, why: str) -> SourceUnavailable:
        return malformed(self._what, why, self._bytes.head)
