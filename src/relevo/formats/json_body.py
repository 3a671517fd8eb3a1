"""The data API's body, `{"group_number": N, "batch_number": K, "data": [{…}, …]}`.

It is read with bounded memory: rows are decoded a block at a time. A block ends at the last `}`
that a `,{` follows. Such a cut may also lie inside a string or a nested list. Then the text
before it does not decode, and the cut before it is tried.
"""

import codecs
import json
import re
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import msgspec

from relevo.domain.cells import type_name
from relevo.domain.contract import Contract
from relevo.formats.block import Block
from relevo.formats.body import BatchBody, HashedStream
from relevo.formats.json_window import DECODER, JsonWindow

JsonRows = list[Any]

_BOUNDARY = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_CUTS_TRIED = 8  # each costs decoding the whole window
_LARGEST_ROW = 64 * 1024 * 1024  # above it, memory would have no bound
_TRUNCATED = "truncated"  # msgspec's word for text that ends too early
_NEAR_THE_END = 12  # longer than any literal or escape that a cut may split


class JsonBody(BatchBody):
    """`number` is the envelope's batch_number; `content_sha256` covers what `data` holds."""

    def __init__(
        self, stream: HashedStream, contract: Contract, rows_per_block: int
    ) -> None:
        super().__init__(stream, contract, rows_per_block)
        self._window = JsonWindow(stream)
        self._decoders: list[msgspec.json.Decoder[Any]] = [
            _struct_decoder(contract),
            msgspec.json.Decoder(list[dict[str, Any]]),
        ]

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
            else:
                value = window.value()
                if name == "batch_number":
                    self.number = self._batch_number(value)
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

    def _cut(self) -> tuple[JsonRows, int, bool]:
        """Whole rows from the window's start, the bytes they take, whether they are the last."""
        window = self._window
        window.fill()
        while True:
            for end, following in _row_ends(window.buffer):
                if decoded := self._decode(b"[" + window.buffer[:end] + b"]"):
                    rows, length = decoded
                    if length == end:
                        return rows, following, False
                    return rows, length, True  # the array ended before the cut
            if decoded := self._decode_slowly(b"[" + window.buffer):
                return *decoded, True
            if len(window.buffer) > _LARGEST_ROW:
                raise window.malformed(f"has a row of more than {_LARGEST_ROW:,} bytes")
            if not window.fill():
                raise window.malformed(
                    "ends in the middle of its rows, or they are not JSON"
                )

    def _decode(self, text: bytes) -> tuple[JsonRows, int] | None:
        """An array's rows and their length within its brackets; None where it ends too early."""
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

    def _decode_slowly(self, text: bytes) -> tuple[JsonRows, int] | None:
        """As `_decode`, by a parser that finds the array's end, and reads 1e999 and lone surrogates."""
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

    def _block(self, rows: JsonRows) -> Block:
        names = self.kinds.keys()
        if not isinstance(rows[0], dict):
            fields = map(attrgetter, type(rows[0]).__struct_fields__)
            # lists of cells, since a tuple per row would keep the collector busy
            columns = (list(map(field, rows)) for field in fields)
            return Block(len(rows), dict(zip(names, columns, strict=True)))
        block = Block(len(rows), {name: [r.get(name) for r in rows] for name in names})
        for index, row in enumerate(rows):
            if row.keys() <= names:
                continue
            rest = {n: v for n, v in row.items() if v is not None and n not in names}
            if rest:
                block.extras[index] = rest
        return block


def _struct_decoder(contract: Contract) -> msgspec.json.Decoder[JsonRows]:
    """For rows of the contract's columns and types alone: twice as fast as dictionaries."""
    # a column's name need not be a name of Python
    fields = {f"field_{index}": column for index, column in enumerate(contract)}
    row = msgspec.defstruct(
        "Row",
        [(field, column.kind.body_type, None) for field, column in fields.items()],
        rename={field: column.name for field, column in fields.items()},
        forbid_unknown_fields=True,
        gc=False,  # rows hold no cycles, and there are many
    )
    return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]


def _row_ends(buffer: bytes) -> Iterator[tuple[int, int]]:
    """From the right, where a row may end and where the next one would start."""
    end, tried = len(buffer), 0
    while tried < _CUTS_TRIED and (end := buffer.rfind(b"}", 0, end)) >= 0:
        if boundary := _BOUNDARY.match(buffer, end):
            tried += 1
            yield end + 1, boundary.end() - 1
