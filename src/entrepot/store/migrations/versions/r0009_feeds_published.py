"""What of sellers' files counts, goes to the marketplace, and comes back rejected. Expands only."""

from entrepot.store.migrations.run_sql import run_files

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_files("0009_")
