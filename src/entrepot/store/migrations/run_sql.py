"""Runs the plain SQL files of one revision: our schema is written as SQL, triggers and partial indexes included."""

from importlib.resources import files

from alembic import op


def run_files(prefix: str) -> None:
    """Execute every schema file whose name starts with the revision's number, in name order."""
    folder = files("entrepot.store") / "schema"
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.startswith(prefix) and entry.name.endswith(".sql"):
            # the driver's own text: a colon or a percent sign in SQL means itself
            op.get_bind().exec_driver_sql(entry.read_text(encoding="utf-8").replace("%", "%%"))
