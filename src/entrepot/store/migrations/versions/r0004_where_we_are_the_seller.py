"""Where we are the seller: channel orders, parcels, listings, submissions, one stock pool, disputes, account health. Expands only."""

from entrepot.store.migrations.run_sql import run_files

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_files("0004_")
