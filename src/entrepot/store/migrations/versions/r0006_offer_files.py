"""Offer files of sellers: files, the offers they fed, what was rejected, and what the next file is compared with. Expands only."""

from entrepot.store.migrations.run_sql import run_files

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_files("0006_")
