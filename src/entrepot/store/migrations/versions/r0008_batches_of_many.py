"""Batches at channels that carry several effects. Expands only."""

from entrepot.store.migrations.run_sql import run_files

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_files("0008_")
