"""Offer files of sellers: files, the offers they fed, what was rejected, and what the next file is compared with. Expands only."""

from entrepot.store.migrations.run_sql import run_files

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_files("0005_")
