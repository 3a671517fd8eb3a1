"""A window that moves over a JSON body: hashed as it is read, and consumed from its start."""

from __future__ import annotations

import hashlib
import json
from typing import Any, BinaryIO

from relevo.errors import SourceUnavailable

BLOCK = 2 * 1024 * 1024
SHOWN = 80
_LONGEST_FIELD = 1024 * 1024
SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


def malformed(what: str, why: str, head: bytes) -> SourceUnavailable:
    """An answer that cannot be read. What the source did with its cursor is unknown."""
    begins = head[:SHOWN].decode("utf-8", "backslashreplace")
    return SourceUnavailable(
        f"{what} {why}; it begins with {begins!r}; look at what the source answers and ask it again",
        maybe_answered=True,
    )


def _no_constant(name: str) -> None:
    raise ValueError(f"holds {name}, which is not JSON")


DECODER = json.JSONDecoder(parse_constant=_no_constant)


class JsonWindow:
    """`sha256` covers all bytes read; `content` those taken as rows."""

    def __init__(self, stream: BinaryIO, what: str) -> None:
        self.buffer = b""
        self.sha256 = hashlib.sha256()
        self.content = hashlib.sha256()
        self._stream = stream
        self._what = what
        self._head = b""
        self._at_end = False
        self.fill()
        self._head = self.buffer[:SHOWN]
        self.buffer = self.buffer.removeprefix(_BOM)

    def fill(self) -> bool:
        """Read up to a block more; False at the end of the body."""
        parts = [self.buffer]
        missing = BLOCK
        while missing > 0 and not self._at_end:
            part = self._stream.read(missing)
            self._at_end = not part
            self.sha256.update(part)
            parts.append(part)
            missing -= len(part)
        self.buffer = b"".join(parts)
        return missing < BLOCK

    def peek(self) -> bytes:
        """The next byte that is not white space; empty at the end."""
        self.buffer = self.buffer.lstrip(SPACE)
        while not self.buffer and self.fill():
            self.buffer = self.buffer.lstrip(SPACE)
        return self.buffer[:1]

    def expect(self, admitted: bytes) -> bytes:
        """Consume one of the admitted bytes."""
        found = self.peek()
        if not found or found not in admitted:
            where = "ends" if not found else f"has {found.decode('latin-1')!r}"
            raise self.malformed(
                f"{where} where it should have {' or '.join(chr(byte) for byte in admitted)}"
            )
        self.buffer = self.buffer[1:]
        return found

    def expect_end(self) -> None:
        if found := self.peek():
            raise self.malformed(
                f"goes on with {found.decode('latin-1')!r} after its end"
            )

    def value(self) -> Any:
        """Consume a small JSON value of the envelope. Latin-1 keeps byte and character positions the same."""
        self.peek()
        while True:
            text = self.buffer.decode("latin-1")
            try:
                value, end = DECODER.raw_decode(text)
            except (ValueError, RecursionError) as error:
                if len(self.buffer) > _LONGEST_FIELD or not self.fill():
                    raise self.malformed(f"is not JSON: {error}") from None
                continue
            if end < len(text) or not self.fill():
                self.buffer = self.buffer[end:]
                return value

    def take_rows(self, length: int, *, last: bool) -> None:
        rows = self.buffer[:length]
        self.content.update(rows.rstrip(SPACE) if last else rows)
        self.buffer = self.buffer[length:]

    def malformed(self, why: str) -> SourceUnavailable:
        return malformed(self._what, why, self._head)
