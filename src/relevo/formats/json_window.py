"""A window that moves over a JSON body and is consumed from its start."""

import hashlib
import io
import json
from typing import Any

from relevo.formats.body import STREAM_BYTES, HashedStream

# some thousand rows: less is more calls of the decoder, more is more memory
WINDOW_BYTES = 2 * 1024 * 1024
_LONGEST_FIELD = 1024 * 1024
SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


def _no_constant(name: str) -> None:
    raise ValueError(f"holds {name}, which is not JSON")


DECODER = json.JSONDecoder(parse_constant=_no_constant)


class JsonWindow:
    """`content` is the hash of the bytes taken as rows."""

    def __init__(self, stream: HashedStream) -> None:
        self.buffer = b""
        self.content = hashlib.sha256()
        self.malformed = stream.malformed
        # a store may return less than was requested; this reads on
        self._stream = io.BufferedReader(stream, STREAM_BYTES)
        self.fill()
        self.buffer = self.buffer.removeprefix(_BOM)

    def fill(self) -> bool:
        """Read some more; False at the end of the body."""
        more = self._stream.read(WINDOW_BYTES)
        self.buffer += more
        return bool(more)

    def peek(self) -> bytes:
        """The next byte that is not white space; empty at the end."""
        self.buffer = self.buffer.lstrip(SPACE)
        while not self.buffer and self.fill():
            self.buffer = self.buffer.lstrip(SPACE)
        return self.buffer[:1]

    def expect(self, admitted: bytes) -> bytes:
        """Consume a byte that must be among the admitted ones."""
        following = self.peek()
        if not following or following not in admitted:
            raise self.malformed(
                f"{_shown(following)} where it should have {' or '.join(admitted.decode())}"
            )
        self.buffer = self.buffer[1:]
        return following

    def expect_end(self) -> None:
        if following := self.peek():
            raise self.malformed(f"{_shown(following)} after its end")

    def value(self) -> Any:
        """Consume a small JSON value of the envelope."""
        self.peek()
        while True:
            # Latin-1 keeps the positions of bytes and characters the same
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


def _shown(following: bytes) -> str:
    if not following:
        return "ends"
    return f"has {following.decode('latin-1')!r}"
