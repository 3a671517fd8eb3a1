"""The fixed tables: attempts, batches, quarantine, the record of decisions, leases, predictions."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """A paragraph of the script is a statement: SQLite takes one at a time."""
    dialect = op.get_bind().dialect.name
    script = Path(__file__).with_name(f"first_tables.{dialect}.sql").read_text()
    for statement in script.split("\n\n"):
        op.execute(statement)
