"""The table a user brings, opened and checked: what cannot be read at all is refused here, with what to do about it."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from relevo.domain.arrival import Format, RawChunk
from relevo.domain.contract import RESERVED, Column, Contract, text
from relevo.errors import NotFound, SourceError
from relevo.formats import REST_COLUMN, read_rows
from relevo.formats.csv_body import DELIMITERS
from relevo.scaffold.encoding import check_encoding

FORMATS: dict[str, Format] = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
# CLEAN and RAW rows carry these beside the contract's columns.

_CELLS_PER_CHUNK = 2_000_000


@dataclass(frozen=True, slots=True)
class Table:
    """`names` may stand in a contract; `left_out` may not, and says why. `types` are those of Parquet."""

    path: Path
    format: Format
    names: tuple[str, ...]
    left_out: dict[str, str]
    types: dict[str, pa.DataType] = field(default_factory=dict)
    usual_delimiter: bool = (
        True  # False: a source that looks at the header alone would split it otherwise
    )

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


def open_table(path: Path, target: str) -> Table:
    if path.is_dir():
        raise SourceError(
            f"{path} is a folder; give one of its files, then set path to the folder in use_case.py"
        )
    if not path.is_file():
        near = difflib.get_close_matches(
            path.name, [p.name for p in path.parent.glob("*")], 3
        )
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise NotFound(f"no table {path}{hint}")
    if path.suffix.lower() not in FORMATS:
        raise SourceError(
            f"{path}: {path.suffix or 'a name without an ending'} is not read; save it as CSV (.csv, .tsv) or .parquet"
        )
    if not path.stat().st_size:
        raise SourceError(f"{path} is empty; it needs a header and rows")
    is_csv = FORMATS[path.suffix.lower()] == "csv"
    table = _open_csv(path, target) if is_csv else _open_parquet(path)
    _check_names(table, target)
    return table


def _open_csv(path: Path, target: str) -> Table:
    check_encoding(path)
    line = _header_line(path)
    by_width = {
        d: [name.strip() for name in next(csv.reader([line], delimiter=d), [])]
        for d in DELIMITERS
    }
    usual = max(DELIMITERS, key=lambda d: len(by_width[d]))
    delimiter = max(DELIMITERS, key=lambda d: (target in by_width[d], len(by_width[d])))
    header = by_width[delimiter]
    left_out = (
        {"": f"{header.count('')} without a name in the header"} if "" in header else {}
    )
    return _table(
        path, "csv", [name for name in header if name], left_out, {}, delimiter == usual
    )


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
        name: f"a Parquet column of type {kind}"
        for name, kind in types.items()
        if not _is_flat(kind)
    }
    if "" in types:
        left_out[""] = "1 without a name"
    return _table(path, "parquet", schema.names, left_out, types, True)


def _is_flat(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    known = (
        pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_date,
        pa.types.is_timestamp, pa.types.is_string, pa.types.is_large_string, pa.types.is_null,
    )  # fmt: skip
    return any(is_kind(kind) for is_kind in known)


def _table(
    path: Path,
    format: Format,
    names: list[str],
    left_out: dict[str, str],
    types: dict[str, pa.DataType],
    usual: bool,
) -> Table:
    if doubled := [name for name in names if names.count(name) > 1]:
        places = [
            str(place) for place, name in enumerate(names, 1) if name == doubled[0]
        ]
        raise SourceError(
            f"{path} has {len(places)} columns named {doubled[0]!r} (the {', '.join(places)}. of its header); "
            "give each a name of its own"
        )
    left_out |= {
        name: "Relevo uses this name itself: rename it to use it"
        for name in names
        if name in RESERVED
    }
    usable = tuple(name for name in names if name not in left_out)
    return Table(path, format, usable, left_out, types, usual)


def _check_names(table: Table, target: str) -> None:
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


def _nearest(table: Table, target: str) -> str:
    folded = {name.casefold(): name for name in table.names}
    near = [
        folded[name]
        for name in difflib.get_close_matches(target.casefold().strip(), folded, 3, 0.6)
    ]
    if near:
        return f"did you mean {' or '.join(repr(name) for name in near)}?"
    shown = ", ".join(table.names[:20]) + (", …" if len(table.names) > 20 else "")
    looks_like_data = sum(
        name.replace(".", "").replace("-", "").isdigit() for name in table.names
    ) * 2 > len(table.names)
    hint = (
        "; these look like data: give the file a header line" if looks_like_data else ""
    )
    return f"it has {shown}{hint}"
