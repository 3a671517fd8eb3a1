"""Whether a CSV file is UTF-8, and if not, what it is and how to make it so."""

from __future__ import annotations

import codecs
from pathlib import Path

from relevo.errors import SourceError

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def check_encoding(path: Path) -> None:
    """SourceError with the command that converts the file where it is not UTF-8."""
    with path.open("rb") as file:
        head = file.read(4096)
        if head.startswith(_WIDE):
            raise SourceError(
                f"{path} is UTF-16, not UTF-8; {_convert(path, 'UTF-16')}"
            )
        if b"\x00" in head:
            raise SourceError(
                f"{path} holds NUL bytes, so it is no CSV in UTF-8; export it again as CSV, UTF-8"
            )
        file.seek(0)
        # no character of UTF-8 holds the byte of a line break: a line can be decoded alone
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                raise SourceError(_not_utf8(path, number, line, error.start)) from None


def _not_utf8(path: Path, number: int, line: bytes, start: int) -> str:
    around = line[max(0, start - 12) : start + 8].strip(b"\r\n")
    shown = f"byte 0x{line[start]:02x}, as Windows-1252 it reads {around.decode('cp1252', 'replace')!r}"
    return f"{path}: line {number} is not UTF-8 ({shown}); {_convert(path, 'WINDOWS-1252')}"


def _convert(path: Path, encoding: str) -> str:
    return f"convert it: iconv -f {encoding} -t UTF-8 '{path}' > '{path.with_stem(path.stem + '_utf8')}'"
