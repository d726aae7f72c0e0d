"""The plan, enforced: ownership, corrections, plan versions, cases complete. Expands only: 0001's code runs on it."""

from entrepot.store.migrations.run_sql import run_files

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_files("0002_")
