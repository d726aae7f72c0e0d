"""Run by Alembic with the connection that migrate.upgrade opened; there is no other way in."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
