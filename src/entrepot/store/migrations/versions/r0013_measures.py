"""How soon changes are live, looked at by the newest. Expands only."""

from entrepot.store.migrations.run_sql import run_files

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_files("0013_")
