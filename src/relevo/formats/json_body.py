"""The data API's body, `{"group_number": N, "batch_number": K, "data": [{…}, …]}`, read with bounded memory.

Rows are decoded a block at a time: a block is cut after the last `}` that a `,{` follows. Such a place may also lie
inside a string or a nested list, but then what stands before it does not decode, and the place before it is tried.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from operator import attrgetter
from typing import Any, BinaryIO

import msgspec

from relevo.domain.cells import type_name
from relevo.domain.contract import Contract
from relevo.formats.block import Block
from relevo.formats.json_window import DECODER, JsonWindow

Rows = list[Any]

_BOUNDARY = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_CUTS_TRIED = 8
_LARGEST_ROW = 64 * 1024 * 1024
_TRUNCATED = "truncated"  # msgspec's word for text that ends too early
_NEAR_THE_END = 12  # longer than any literal or escape that a cut may split


class JsonBody:
    """`number` is the envelope's batch_number; `content_sha256` is of the bytes between the brackets of `data`."""

    def __init__(self, stream: BinaryIO, contract: Contract, what: str) -> None:
        self.number: int | None = None
        self._window = JsonWindow(stream, what)
        self.malformed = self._window.malformed
        self._names = [column.name for column in contract]
        self._decoders: list[msgspec.json.Decoder[Any]] = [
            _struct_decoder(contract),
            msgspec.json.Decoder(list[dict[str, Any]]),
        ]

    @property
    def sha256(self) -> str:
        return self._window.sha256.hexdigest()

    @property
    def content_sha256(self) -> str:
        return self._window.content.hexdigest()

    def __iter__(self) -> Iterator[Block]:
        window = self._window
        seen: set[str] = set()
        window.expect(b"{")
        while True:
            name = window.value()
            if not isinstance(name, str) or name in seen:
                raise window.malformed(
                    f"has {name!r} where it should name another field"
                )
            seen.add(name)
            window.expect(b":")
            if name == "data":
                yield from self._blocks()
            elif name == "batch_number":
                self.number = self._batch_number(window.value())
            else:
                window.value()
            if window.expect(b",}") == b"}":
                break
        window.expect_end()
        if "data" not in seen:
            raise window.malformed("has no 'data'")

    def _batch_number(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self._window.malformed(
                f"has batch_number {value!r}, which is not a whole number from 0 on"
            )
        return value

    def _blocks(self) -> Iterator[Block]:
        """Read the array of rows, from its `[` to its `]`."""
        window = self._window
        window.expect(b"[")
        last = window.peek() == b"]"
        while not last:
            rows, length, last = self._cut()
            window.take_rows(length, last=last)
            yield self._block(rows)
        window.expect(b"]")

    def _cut(self) -> tuple[Rows, int, bool]:
        """Whole rows from the start of the window, the bytes they take, and whether they are the last."""
        window = self._window
        window.fill()
        while True:
            for end, following in _row_ends(window.buffer):
                found = self._decode(b"[" + window.buffer[:end] + b"]")
                if found is None:
                    continue
                rows, length = found
                if length == end:
                    return rows, following, False
                return rows, length, True  # the array ended before the cut
            found = self._decode_slowly(b"[" + window.buffer)
            if found is not None:
                return *found, True
            if len(window.buffer) > _LARGEST_ROW:
                raise window.malformed(f"has a row of more than {_LARGEST_ROW:,} bytes")
            if not window.fill():
                raise window.malformed(
                    "ends in the middle of its rows, or they are not JSON"
                )

    def _decode(self, text: bytes) -> tuple[Rows, int] | None:
        """The rows of an array and their length within its brackets; None where the text ends too early."""
        for decoder in tuple(self._decoders):
            try:
                return decoder.decode(text), len(text) - 2
            except msgspec.ValidationError:
                self._decoders.remove(decoder)  # later rows will not fit it either
            except msgspec.DecodeError as error:
                if _TRUNCATED in str(error):
                    return None
                break
            except (UnicodeDecodeError, RecursionError):
                break
        return self._decode_slowly(text)

    def _decode_slowly(self, text: bytes) -> tuple[Rows, int] | None:
        """As `_decode`, by a parser that finds where the array ends, and reads 1e999 and lone surrogates."""
        try:
            characters, _ = codecs.utf_8_decode(text, "strict", False)
            rows, end = DECODER.raw_decode(characters)
        except UnicodeDecodeError:
            raise self._window.malformed("is not UTF-8") from None
        except json.JSONDecodeError as error:
            if error.pos >= len(characters) - _NEAR_THE_END or error.msg.startswith(
                "Unterminated"
            ):
                return None
            raise self._window.malformed(f"is not JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            raise self._window.malformed(str(error)) from None
        for row in rows:
            if not isinstance(row, dict):
                raise self._window.malformed(
                    f"has a row that is {type_name(row)}, not an object"
                )
        return rows, len(characters[: end - 1].encode()) - 1

    def _block(self, rows: Rows) -> Block:
        if not isinstance(rows[0], dict):
            fields = (attrgetter(field) for field in type(rows[0]).__struct_fields__)
            columns = [list(map(field, rows)) for field in fields]
            return Block(len(rows), dict(zip(self._names, columns, strict=True)))
        columns = [[row.get(name) for row in rows] for name in self._names]
        extras: dict[int, dict[str, object]] = {}
        names = set(self._names)
        for index, row in enumerate(rows):
            if row.keys() <= names:
                continue
            rest = {name: value for name, value in row.items() if name not in names}
            if any(value is not None for value in rest.values()):
                extras[index] = {n: v for n, v in rest.items() if v is not None}
        return Block(
            len(rows), dict(zip(self._names, columns, strict=True)), extras=extras
        )


def _struct_decoder(contract: Contract) -> msgspec.json.Decoder[Rows]:
    """For rows that hold the contract's columns in its types and nothing else: twice as fast as dictionaries."""
    fields: list[tuple[str, Any, Any]] = [
        (
            f"field_{index}",
            column.kind.body_type,
            msgspec.field(default=None, name=column.name),
        )
        for index, column in enumerate(contract)
    ]
    row = msgspec.defstruct("Row", fields, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]


def _row_ends(buffer: bytes) -> Iterator[tuple[int, int]]:
    """From the right, where a row may end and where the next one would start."""
    end, tried = len(buffer), 0
    while tried < _CUTS_TRIED and (end := buffer.rfind(b"}", 0, end)) >= 0:
        if boundary := _BOUNDARY.match(buffer, end):
            tried += 1
            yield end + 1, boundary.end() - 1
