"""Offers of a file that change stay on their page. Expands only."""

from entrepot.store.migrations.run_sql import run_files

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_files("0011_")
