"""CSV with a header, whose delimiter is the one that finds most columns of the contract."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from relevo.formats.block import LINE, Block
from relevo.formats.body import STREAM_BYTES, BatchBody

DELIMITERS = ",;\t|"


class CsvBody(BatchBody):
    """A row of another length than the header becomes a bad row; it is not lost."""

    def __iter__(self) -> Iterator[Block]:
        # a byte that is no UTF-8 becomes a lone surrogate: its cell is bad, not the batch
        text = io.TextIOWrapper(
            io.BufferedReader(self.stream, STREAM_BYTES),
            encoding="utf-8-sig",
            errors="surrogateescape",
            newline="",
        )
        try:
            header, delimiter = self._header(text)
            rows = csv.reader(text, delimiter=delimiter, strict=True)
            while lines := list(islice(rows, self.rows_per_block)):
                if full := [line for line in lines if line]:
                    yield self._block(header, full)
        except csv.Error as error:
            raise self.stream.malformed(f"is not CSV: {error}") from None

    def _header(self, text: io.TextIOWrapper) -> tuple[list[str], str]:
        line = _header_line(text)
        headers = {delimiter: _names(line, delimiter) for delimiter in DELIMITERS}
        # a wrong delimiter leaves the names of several columns in one field
        delimiter = max(
            headers, key=lambda each: len(self.kinds.keys() & headers[each])
        )
        header = headers[delimiter]
        self.require_columns(header)
        [(name, count)] = Counter(filter(None, header)).most_common(1)
        if count > 1:
            raise self.stream.malformed(f"names column {name!r} twice")
        return header, delimiter

    def _block(self, header: list[str], lines: list[list[str]]) -> Block:
        block = Block(len(lines), {}, spelled=True)
        _set_broken_aside(block, lines, len(header))
        for name, cells in zip(header, zip(*lines, strict=True), strict=True):
            if kind := self.kinds.get(name):
                missing = kind.missing_words
                block.columns[name] = [
                    None if cell in missing else cell for cell in cells
                ]
            else:
                block.note_extras(name, [cell or None for cell in cells])
        return block


def _set_broken_aside(block: Block, lines: list[list[str]], width: int) -> None:
    """A row that is not as wide as the header is kept as text, and its cells are empty."""
    for index, line in enumerate(lines):
        if len(line) != width:
            block.extras[index] = {LINE: line}
            block.broken[index] = f"has {len(line)} fields, the header {width}"
            lines[index] = [""] * width


def _header_line(text: io.TextIOWrapper) -> str:
    line = text.readline()
    # an odd number of quotes: a name goes on in the next line
    while line.count('"') % 2 and (more := text.readline()):
        line += more
    return line


def _names(line: str, delimiter: str) -> list[str]:
    fields = next(csv.reader([line], delimiter=delimiter), [])
    return [name.strip() for name in fields]
