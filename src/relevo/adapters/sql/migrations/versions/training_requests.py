"""Plain names: `audit.training_requests` for `audit.requests`, and `requested_at` for `asked_at`."""

from __future__ import annotations

from alembic import op

from relevo.adapters.sql.tables import placed

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    old, schema = placed("audit", "requests", dialect)
    new, _ = placed("audit", "training_requests", dialect)
    moves, _ = placed("audit", "moves", dialect)
    op.drop_index("requests_by_case", old, schema=schema)  # SQLite renames no index
    op.rename_table(old, new, schema=schema)
    for table in (new, moves):
        op.alter_column(
            table, "asked_at", new_column_name="requested_at", schema=schema
        )
    columns = ["case", "decision_id"]
    op.create_index("training_requests_by_case", new, columns, schema=schema)
    if dialect == "postgresql":  # where these keep a table's old name
        op.execute(
            "ALTER SEQUENCE audit.requests_id_seq RENAME TO training_requests_id_seq"
        )
        op.execute("ALTER INDEX audit.requests_pkey RENAME TO training_requests_pkey")
