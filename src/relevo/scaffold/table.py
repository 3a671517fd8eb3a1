"""The table a user brings, opened and checked: what cannot be read at all is refused here, with what to do about it."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from relevo.domain.arrival import FORMATS, Format, RawChunk
from relevo.domain.cells import listed
from relevo.domain.contract import RESERVED, Column, Contract, text
from relevo.errors import NotFound, SourceError
from relevo.formats import REST_COLUMN, read_rows
from relevo.formats.csv_body import DELIMITERS
from relevo.scaffold.encoding import check_encoding

_CELLS_PER_CHUNK = 2_000_000
FLAT_TYPES = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_date,
    pa.types.is_timestamp,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_null,
)


@dataclass(frozen=True, slots=True)
class Table:
    """`names` may stand in a contract; `left_out` may not, and says why. `types` are those of Parquet."""

    path: Path
    format: Format
    names: tuple[str, ...]
    left_out: dict[str, str]
    types: dict[str, pa.DataType] = field(default_factory=dict)
    delimiter: str = ""
    # False: a source that looks at the header alone would split it otherwise
    usual_delimiter: bool = True

    @property
    def spelled(self) -> bool:
        """Cells are text, whatever they mean."""
        return self.format == "csv"

    @property
    def rows_per_chunk(self) -> int:
        return max(500, min(20_000, _CELLS_PER_CHUNK // len(self.names)))

    def rows(self, contract: Contract) -> Iterator[RawChunk]:
        """All rows, as the loop would take them in under this contract."""
        with self.path.open("rb") as stream:
            yield from read_rows(
                stream,
                self.format,
                contract,
                0,
                rows_per_chunk=self.rows_per_chunk,
                what=str(self.path),
            )

    def as_arrived(self) -> Iterator[tuple[pa.RecordBatch, list[str]]]:
        """Rows before any contract, text of CSV and the types of Parquet; and what is wrong with rows as a whole."""
        if self.format == "parquet":
            for batch in pq.ParquetFile(self.path).iter_batches(
                self.rows_per_chunk, columns=list(self.names)
            ):
                yield batch, []
            return
        for chunk in self.rows(self.contract(tuple(text(name) for name in self.names))):
            broken = [
                f"row {cell.position + 1} {cell.reason}"
                for cell in chunk.bad
                if cell.column == REST_COLUMN
            ]
            yield chunk.rows.select(list(self.names)), broken

    def contract(self, columns: tuple[Column, ...]) -> Contract:
        """A contract for reading alone: its target and identity mean nothing."""
        return Contract(columns, columns[0].name, (columns[1].name,))


def check_table(path: Path, target: str) -> Table:
    """The table, once its header is known to name the target and something to predict it from."""
    if path.is_dir():
        raise SourceError(
            f"{path} is a folder; give one of its files, then set path to the folder in use_case.py"
        )
    if not path.is_file():
        raise NotFound(f"no table {path}{_similar_files(path)}")
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise SourceError(
            f"{path}: {path.suffix or 'a name without an ending'} is not read; save it as CSV (.csv, .tsv) or .parquet"
        )
    if not path.stat().st_size:
        raise SourceError(f"{path} is empty; it needs a header and rows")
    if FORMATS[suffix] == "csv":
        return _checked(_open_csv(path, target), target)
    return _checked(_open_parquet(path), target)


def _similar_files(path: Path) -> str:
    files = [file.name for file in path.parent.glob("*")]
    near = difflib.get_close_matches(path.name, files, 3)
    if not near:
        return ""
    return f"; did you mean {' or '.join(near)}?"


def _open_csv(path: Path, target: str) -> Table:
    check_encoding(path)
    line = _header_line(path)
    headers = {
        delimiter: [
            name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])
        ]
        for delimiter in DELIMITERS
    }
    usual = max(DELIMITERS, key=lambda d: len(headers[d]))
    delimiter = max(DELIMITERS, key=lambda d: (target in headers[d], len(headers[d])))
    header = headers[delimiter]
    left_out = {}
    if unnamed := header.count(""):
        left_out[""] = f"{unnamed} without a name in the header"
    names = _usable(path, list(filter(None, header)), left_out)
    return Table(path, "csv", names, left_out, {}, delimiter, delimiter == usual)


def _header_line(path: Path) -> str:
    with path.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline()
        breaks = line.count('"') % 2 == 1
    if not line.strip():
        raise SourceError(
            f"{path} begins with a blank line; the first line must name the columns"
        )
    if breaks:
        raise SourceError(
            f"{path}: a column's name goes over two lines: {line.rstrip()[-60:]!r}; write each in one line"
        )
    return line


def _open_parquet(path: Path) -> Table:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{path} is not Parquet: {error}; name it for its format, or write it again"
        ) from None
    types = {column.name: column.type for column in schema}
    left_out = {
        name: f"a Parquet column of type {type_}"
        for name, type_ in types.items()
        if not _is_flat(type_)
    }
    if "" in types:
        left_out[""] = "1 without a name"
    names = _usable(path, schema.names, left_out)
    return Table(path, "parquet", names, left_out, types)


def _is_flat(type_: pa.DataType) -> bool:
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    return any(is_of_type(type_) for is_of_type in FLAT_TYPES)


def _usable(path: Path, names: list[str], left_out: dict[str, str]) -> tuple[str, ...]:
    """The names that may stand in a contract; why others may not is added to `left_out`."""
    for name in names:
        if (count := names.count(name)) > 1:
            places = ", ".join(
                str(i) for i, other in enumerate(names, 1) if other == name
            )
            raise SourceError(
                f"{path} has {count} columns named {name!r} (the {places}. of its header); give each a name of its own"
            )
        if name in RESERVED:
            left_out[name] = "Relevo uses this name itself: rename it to use it"
    return tuple(name for name in names if name not in left_out)


def _checked(table: Table, target: str) -> Table:
    if target in table.left_out:
        raise SourceError(
            f"{table.path}: {target!r} cannot be the target ({table.left_out[target]}); rename it in the file"
        )
    if target not in table.names:
        raise NotFound(
            f"{table.path} has no column {target!r}; {_nearest(table, target)}"
        )
    if len(table.names) < 2:
        raise SourceError(
            f"{table.path} has one usable column, the target {target!r}: there is nothing to predict it from; "
            "add columns, or check that the header uses one delimiter of , ; tab |"
        )
    return table


def _nearest(table: Table, target: str) -> str:
    folded = {name.casefold(): name for name in table.names}
    near = [
        folded[name]
        for name in difflib.get_close_matches(target.casefold().strip(), folded, 3, 0.6)
    ]
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    shown = listed(table.names, 20)
    like_data = sum(
        name.replace(".", "").replace("-", "").isdigit() for name in table.names
    )
    if like_data * 2 <= len(table.names):
        return f"it has {shown}"
    return f"it has {shown}; these look like data: give the file a header line"
