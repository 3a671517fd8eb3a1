"""Run by Alembic, on the connection that migrate() hands over."""

from alembic import context

from relevo.adapters.sql.tables import Tables, placed

connection = context.config.attributes["connection"]
table, schema = placed("audit", "alembic_version", connection.dialect.name)
context.configure(
    connection=connection,
    target_metadata=Tables(connection.dialect.name).metadata,
    version_table=table,
    version_table_schema=schema,
)
with context.begin_transaction():
    context.run_migrations()
