"""Whose promise it is, and the plan under which records of refunds, returns, parcels and differences were made. Expands only: 0002's code runs on it."""

from entrepot.store.migrations.run_sql import run_files

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_files("0003_")
