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

MOST_BYTES = 63  # of a name in PostgreSQL, which cuts off what is longer
Layer = Literal["raw", "clean"]
# Relevo's own columns, which come first
OWN_COLUMNS: dict[Layer, dict[str, pa.DataType]] = {
    "raw": {"batch_id": pa.int32(), "position": pa.int32()},
    "clean": {
        "batch_id": pa.int32(),
        "position": pa.int32(),
        "identity": pa.int64(),
        "side": pa.string(),
    },
}
OWN_NAMES = (*OWN_COLUMNS["clean"], REST_COLUMN)

SqlType = sa.types.TypeEngine[Any]
_SQL_TYPES: dict[pa.DataType, SqlType] = {
    pa.float64(): sa.Double(),
    pa.int32(): sa.Integer(),
    pa.int64(): sa.BigInteger(),
    pa.bool_(): sa.Boolean(),
    pa.timestamp("us"): sa.DateTime(),
    pa.string(): sa.Text(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTable:
    """`schema` has the Arrow names and types of all columns; `names` says what they are called in SQL."""

    name: str
    layer: Layer
    dialect: str
    schema: pa.Schema
    names: list[str]

    @property
    def sql(self) -> str:
        """The table's quoted name."""
        return table_name(self.layer, self.name, self.dialect)

    def column(self, name: str) -> str:
        """A column's quoted name."""
        return quoted_name(self.names[self.schema.get_field_index(name)])


def raw_table(case: UseCase, dialect: str) -> CaseTable:
    types = {column.name: column.kind.raw_type for column in case.contract}
    return _table(case, "raw", dialect, types | {REST_COLUMN: pa.string()})


def clean_table(case: UseCase, dialect: str) -> CaseTable:
    types = {
        column.name: column.kind.clean_type
        for column in case.contract
        if column.kind.clean
    }
    return _table(case, "clean", dialect, types)


def _table(
    case: UseCase, layer: Layer, dialect: str, types: dict[str, pa.DataType]
) -> CaseTable:
    types = OWN_COLUMNS[layer] | types
    names = sql_names(case.contract, dialect)
    return CaseTable(
        name=case.name,
        layer=layer,
        dialect=dialect,
        schema=pa.schema(list(types.items())),
        names=[names.get(name, name) for name in types],
    )


def quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def table_name(schema: str, name: str, dialect: str) -> str:
    """The quoted name of a table, with its schema where there are schemas."""
    own_name, in_schema = placed(schema, name, dialect)
    return ".".join(quoted_name(part) for part in (in_schema, own_name) if part)


def sql_names(contract: Contract, dialect: str) -> dict[str, str]:
    """What each column is called in SQL: its own name, wherever a database can hold it and tell it from the others.

    SQLite cannot tell Price from price, so there the one with capitals is renamed.
    """
    names = [column.name for column in contract]
    folded = [_folded(name) for name in names]
    found: dict[str, str] = {}
    for name, small in zip(names, folded, strict=True):
        same_in_sqlite = (
            dialect == "sqlite" and name != small and folded.count(small) > 1
        )
        unfit = "\x00" in name or len(name.encode("utf-8", "replace")) > MOST_BYTES
        found[name] = name
        if not name or unfit or same_in_sqlite or small in OWN_NAMES:
            found[name] = _renamed(name)
    return found


def _folded(name: str) -> str:
    """As SQLite compares names: only A to Z have a small letter."""
    return re.sub("[A-Z]", lambda letter: letter[0].lower(), name)


def _renamed(name: str) -> str:
    """The start of the name and a hash of all of it."""
    start = name.replace("\x00", "").encode("utf-8", "replace")[:48]
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{start.decode('utf-8', 'ignore')}~{digest[:12]}"


def changes(table: CaseTable, connection: sa.Connection) -> list[str]:
    """The statements that make the table, or add what the contract has gained since; none where all is there."""
    name, schema = placed(table.layer, table.name, table.dialect)
    inspector = sa.inspect(connection)
    types = [_SQL_TYPES[field.type] for field in table.schema]
    columns = dict(zip(table.names, types, strict=True))
    if not inspector.has_table(name, schema=schema):
        return [_creation(table, columns, connection.dialect)]
    stored = {
        column["name"]: column["type"]
        for column in inspector.get_columns(name, schema=schema)
    }
    statements = []
    for column, kind in columns.items():
        spelled = kind.compile(connection.dialect)
        if column not in stored:
            _refuse_twin(table, column, list(stored))
            statements.append(f"ADD COLUMN {quoted_name(column)} {spelled}")
        elif _is_widened(table, column, kind, stored[column]):
            statements.append(f"ALTER COLUMN {quoted_name(column)} TYPE {spelled}")
    return [f"ALTER TABLE {table.sql} {statement}" for statement in statements]


def execute_verbatim(connection: sa.Connection, statement: str) -> sa.CursorResult[Any]:
    """A % in a column's name is no placeholder."""
    connection.execution_options(no_parameters=True)
    return connection.exec_driver_sql(statement)


def _creation(
    table: CaseTable, columns: dict[str, SqlType], dialect: sa.Dialect
) -> str:
    parts = []
    for name, kind in columns.items():
        part = f"{quoted_name(name)} {kind.compile(dialect)}"
        if name in OWN_COLUMNS[table.layer]:
            part += " NOT NULL"
        parts.append(part)
    parts.append("PRIMARY KEY (batch_id, position)")
    return f"CREATE TABLE IF NOT EXISTS {table.sql} ({', '.join(parts)})"


def _refuse_twin(table: CaseTable, name: str, stored: list[str]) -> None:
    if table.dialect == "sqlite" and _folded(name) in map(_folded, stored):
        raise UseCaseBroken(
            f"use case {table.name}: column {name!r} differs from one that is stored only by capitals, "
            "which SQLite cannot tell apart; name it otherwise"
        )


def _is_widened(table: CaseTable, name: str, kind: SqlType, stored: SqlType) -> bool:
    """A whole number may become any number. Any other change of kind would mix two meanings in one column."""
    if stored._type_affinity is kind._type_affinity:
        return False
    if not (isinstance(stored, sa.Integer) and isinstance(kind, sa.Float)):
        raise UseCaseBroken(
            f"use case {table.name}: column {name!r} is stored as {stored} and its contract now says {kind}; "
            "keep its kind, or give the new one another name"
        )
    # SQLite stores any number in such a column as it is
    return table.dialect != "sqlite"
