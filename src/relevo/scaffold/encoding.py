"""Whether a CSV file is UTF-8, and if not, what it is and how to make it so."""

from __future__ import annotations

import codecs
from pathlib import Path

from relevo.errors import SourceError

_BLOCK = 1024 * 1024
_WIDE = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


def check_encoding(path: Path) -> None:
    """SourceError with the command that converts the file where it is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = 1
    with path.open("rb") as file:
        head = file.read(4096)
        _check_head(path, head)
        file.seek(0)
        while block := file.read(_BLOCK):
            pending = decoder.getstate()[0]
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                raise _not_utf8(path, pending + block, error, lines) from None
            lines += block.count(b"\n")
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise _not_utf8(path, decoder.getstate()[0], error, lines) from None


def _check_head(path: Path, head: bytes) -> None:
    for mark, name in _WIDE.items():
        if head.startswith(mark):
            raise SourceError(f"{path} is {name}, not UTF-8; {_convert(path, name)}")
    if b"\x00" in head:
        raise SourceError(
            f"{path} holds NUL bytes, so it is no CSV in UTF-8; export it again as CSV, UTF-8"
        )


def _not_utf8(
    path: Path, data: bytes, error: UnicodeDecodeError, lines: int
) -> SourceError:
    line = lines + data[: error.start].count(b"\n")
    around = data[max(0, error.start - 12) : error.start + 8].splitlines()
    found = next(
        (part for part in around if data[error.start : error.start + 1] in part), b""
    )
    shown = found.decode("cp1252", "replace")
    return SourceError(
        f"{path}: line {line} is not UTF-8 (byte 0x{data[error.start]:02x}, as Windows-1252 it reads {shown!r}); "
        f"{_convert(path, 'WINDOWS-1252')}"
    )


def _convert(path: Path, encoding: str) -> str:
    return f"convert it: iconv -f {encoding} -t UTF-8 '{path}' > '{path.with_stem(path.stem + '_utf8')}'"
