"""A use case's RAW and CLEAN tables: which columns they have, what they are called, and how they come to be."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import sqlalchemy as sa

from relevo.adapters.sql.tables import placed
from relevo.domain.contract import REST_COLUMN, Contract
from relevo.domain.use_case import UseCase
from relevo.errors import UseCaseBroken

OWN_NAMES = ("batch_id", "position", "identity", "side", REST_COLUMN)
MOST_BYTES = 63  # of a name in PostgreSQL
Layer = Literal["raw", "clean"]

SqlType = sa.types.TypeEngine[Any]
_SQL_TYPES: dict[pa.DataType, SqlType] = {
    pa.float64(): sa.Double(),
    pa.int32(): sa.Integer(),
    pa.int64(): sa.BigInteger(),
    pa.bool_(): sa.Boolean(),
    pa.timestamp("us"): sa.DateTime(),
    pa.string(): sa.Text(),
}


@dataclass(frozen=True, slots=True)
class CaseTable:
    """`schema` has the Arrow names and types of all columns; `columns` says what the contract's are called in SQL."""

    name: str
    layer: Layer
    dialect: str
    schema: pa.Schema
    columns: dict[str, str]

    @property
    def own(self) -> list[str]:
        """Relevo's own columns, which come first."""
        return (
            ["batch_id", "position"]
            if self.layer == "raw"
            else ["batch_id", "position", "identity", "side"]
        )

    @property
    def names(self) -> list[str]:
        """All columns as they are called in SQL, in the order of `schema`."""
        return [
            *self.own,
            *self.columns.values(),
            *([REST_COLUMN] if self.layer == "raw" else []),
        ]

    @property
    def sql(self) -> str:
        """The table's quoted name."""
        return table_name(self.layer, self.name, self.dialect)

    def column(self, name: str) -> str:
        """A contract column's quoted name."""
        return quoted(self.columns[name])


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def table_name(schema: str, name: str, dialect: str) -> str:
    """The quoted name of a table, with its schema where there are schemas."""
    own_name, in_schema = placed(schema, name, dialect)
    return ".".join(quoted(part) for part in (in_schema, own_name) if part)


def raw_table(case: UseCase, dialect: str) -> CaseTable:
    types = [(column.name, column.kind.raw_type) for column in case.contract]
    schema = pa.schema(
        [
            ("batch_id", pa.int32()),
            ("position", pa.int32()),
            *types,
            (REST_COLUMN, pa.string()),
        ]
    )
    names = sql_names(case.contract, dialect)
    return CaseTable(
        case.name, "raw", dialect, schema, {name: names[name] for name, _ in types}
    )


def clean_table(case: UseCase, dialect: str) -> CaseTable:
    types = [
        (column.name, column.kind.clean_type)
        for column in case.contract
        if column.kind.clean
    ]
    own = [
        ("batch_id", pa.int32()),
        ("position", pa.int32()),
        ("identity", pa.int64()),
        ("side", pa.string()),
    ]
    names = sql_names(case.contract, dialect)
    return CaseTable(
        case.name,
        "clean",
        dialect,
        pa.schema([*own, *types]),
        {name: names[name] for name, _ in types},
    )


def sql_names(contract: Contract, dialect: str) -> dict[str, str]:
    """What each column is called in SQL: its own name, wherever a database can hold it and tell it from the others.

    SQLite cannot tell Price from price, so there the one with capitals is renamed.
    """
    names = {column.name for column in contract}
    found: dict[str, str] = {}
    for name in names:
        twin = (
            dialect == "sqlite"
            and name != _folded(name)
            and any(_folded(o) == _folded(name) for o in names - {name})
        )
        unfit = (
            not name
            or "\x00" in name
            or len(name.encode("utf-8", "replace")) > MOST_BYTES
            or name in OWN_NAMES
        )
        found[name] = (
            _renamed(name) if twin or unfit or _folded(name) in OWN_NAMES else name
        )
    return {column.name: found[column.name] for column in contract}


def _folded(name: str) -> str:
    """As SQLite compares names: only A to Z have a small letter."""
    return re.sub("[A-Z]", lambda letter: letter[0].lower(), name)


def _renamed(name: str) -> str:
    """The start of the name and a hash of all of it."""
    start = (
        name.replace("\x00", "")
        .encode("utf-8", "replace")[:48]
        .decode("utf-8", "ignore")
    )
    return f"{start}~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def changes(table: CaseTable, connection: sa.Connection) -> list[str]:
    """The statements that make the table, or add what the contract has gained since; none where all is there."""
    name, schema = placed(table.layer, table.name, table.dialect)
    present = sa.inspect(connection)
    wanted = dict(
        zip(
            table.names, (_SQL_TYPES[field.type] for field in table.schema), strict=True
        )
    )
    if not present.has_table(name, schema=schema):
        return [_creation(table, wanted, connection.dialect)]
    stored = {
        column["name"]: column["type"]
        for column in present.get_columns(name, schema=schema)
    }
    statements = []
    for column, wanted_type in wanted.items():
        kind = _spelled(wanted_type, connection.dialect)
        if column not in stored:
            statements.append(_addition(table, column, kind, stored))
        elif widening := _widening(table, column, wanted_type, stored[column], kind):
            statements.append(widening)
    return statements


def change(connection: sa.Connection, statement: str) -> None:
    """A % in a column's name is no placeholder."""
    connection.execution_options(no_parameters=True).exec_driver_sql(statement)


def _creation(table: CaseTable, wanted: dict[str, SqlType], dialect: sa.Dialect) -> str:
    columns = [
        f"{quoted(name)} {_spelled(kind, dialect)}{' NOT NULL' if name in table.own else ''}"
        for name, kind in wanted.items()
    ]
    return f"CREATE TABLE IF NOT EXISTS {table.sql} ({', '.join(columns)}, PRIMARY KEY (batch_id, position))"


def _addition(
    table: CaseTable, name: str, kind: str, stored: dict[str, SqlType]
) -> str:
    if table.dialect == "sqlite" and _folded(name) in {
        _folded(other) for other in stored
    }:
        raise UseCaseBroken(
            f"use case {table.name}: column {name!r} differs from one that is stored only by capitals, "
            "which SQLite cannot tell apart; name it otherwise"
        )
    return f"ALTER TABLE {table.sql} ADD COLUMN {quoted(name)} {kind}"


def _widening(
    table: CaseTable, name: str, wanted: SqlType, stored: SqlType, kind: str
) -> str | None:
    """A whole number may become any number. Any other change of kind would mix two meanings in one column."""
    if stored._type_affinity is wanted._type_affinity:
        return None
    if not (isinstance(stored, sa.Integer) and isinstance(wanted, sa.Float)):
        raise UseCaseBroken(
            f"use case {table.name}: column {name!r} is stored as {stored} and its contract now says {wanted}; "
            "keep its kind, or give the new one another name"
        )
    if table.dialect == "sqlite":  # which stores any number in such a column as it is
        return None
    return f"ALTER TABLE {table.sql} ALTER COLUMN {quoted(name)} TYPE {kind}"


def _spelled(kind: SqlType, dialect: sa.Dialect) -> str:
    return str(kind.compile(dialect))
