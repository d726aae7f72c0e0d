"""Stock and prices by the thousand: room on their pages for the next version. Expands only."""

from entrepot.store.migrations.run_sql import run_files

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_files("0005_")
