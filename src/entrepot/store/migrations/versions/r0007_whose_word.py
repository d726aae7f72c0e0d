"""Whose word a stock or a price is, what was refused at the door, and what waits for a person when it comes back. Expands only."""

from entrepot.store.migrations.run_sql import run_files

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_files("0007_")
