"""The data API's body, `{"group_number": N, "batch_number": K, "data": [{…}, …]}`, read with bounded memory.

Rows are decoded a block at a time: a block is cut after the last `}` that a `,{` follows. Such a place may also lie inside a
string or a nested list, but then what is before it does not decode, and the place before is tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from relevo.domain.contract import Contract, Kind
from relevo.loop.wire.block import Block
from relevo.loop.wire.window import Window

Rows = list[Any]

_TYPES: dict[Kind, Any] = {
    Kind.NUMBER: float | None,
    Kind.INTEGER: int | float | None,
    Kind.BOOLEAN: bool | int | None,
    Kind.DATE: str | None,
    Kind.CATEGORY: str | None,
    Kind.CODE: float | None,
    Kind.TEXT: str | None,
}
_BOUNDARY = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_CUTS_TRIED = 8
_LARGEST_ROW = 64 * 1024 * 1024
_TRUNCATED = "truncated"  # msgspec's word for text that ends too early


class JsonBody:
    """Iterate for blocks of rows; then `number` holds the envelope's batch_number, None where it has none."""

    def __init__(self, window: Window, contract: Contract) -> None:
        self.number: int | None = None
        self._window = window
        self._contract = contract
        self._dicts = msgspec.json.Decoder(list[dict[str, Any]])
        self._structs: msgspec.json.Decoder[Rows] | None = msgspec.json.Decoder(list[_row_type(contract)])  # type: ignore[misc]

    def __iter__(self) -> Iterator[Block]:
        window, seen = self._window, set()
        window.expect(b"{")
        while True:
            name = window.value()
            if not isinstance(name, str) or name in seen:
                raise window.malformed(f"names {name!r} twice" if name in seen else "has a field without a name")
            seen.add(name)
            window.expect(b":")
            if name == "data":
                yield from self._rows()
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
            raise self._window.malformed(f"has batch_number {value!r}, which is not a whole number from 0 on")
        return value

    def _rows(self) -> Iterator[Block]:
        """Read the array; the window then stands behind its `]`."""
        window = self._window
        window.expect(b"[")
        if window.peek() == b"]":
            window.expect(b"]")
            return
        while True:
            rows, length, more = self._cut()
            window.take_rows(length)
            yield self._block(rows)
            if window.expect(b",]") == b"]":
                return
            if not more:
                raise window.malformed("has no comma between two rows")
            window.take_rows(0, b",")

    def _cut(self) -> tuple[Rows, int, bool]:
        """Whole rows from the start of the window, their length in bytes, and whether more may follow."""
        window = self._window
        while True:
            for end in _row_ends(window.buffer):
                try:
                    return self._decode(b"[" + window.buffer[:end] + b"]"), end, True
                except msgspec.DecodeError as error:
                    if _TRUNCATED not in str(error):
                        break
                except UnicodeDecodeError:
                    break
            found = self._array_end(window.buffer)
            if found is not None:
                return *found, False
            if len(window.buffer) > _LARGEST_ROW:
                raise window.malformed(f"has a row of more than {_LARGEST_ROW:,} bytes")
            if not window.fill():
                raise window.malformed("ends in the middle of its rows")

    def _decode(self, text: bytes) -> Rows:
        if self._structs is not None:
            try:
                return self._structs.decode(text)
            except msgspec.ValidationError:
                self._structs = None
        return self._dicts.decode(text)
