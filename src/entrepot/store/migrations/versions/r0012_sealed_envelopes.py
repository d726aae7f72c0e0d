"""Webhooks kept sealed. Expands only."""

from entrepot.store.migrations.run_sql import run_files

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_files("0012_")
