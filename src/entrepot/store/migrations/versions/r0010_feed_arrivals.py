"""Sellers' files from the moment they are seen, and versions of how they are read. Expands only."""

from entrepot.store.migrations.run_sql import run_files

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_files("0010_")
