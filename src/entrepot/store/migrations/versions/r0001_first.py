"""The first schema: recording, deciding, acting, cases, trade, money."""

from entrepot.store.migrations.run_sql import run_files

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_files("0001_")
