"""The task engine's own tables, in a schema of their own, brought forward by `db upgrade` together with ours."""

from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

from entrepot.kernel.errors import OwnerDecides

SCHEMA = "procrastinate"
SEARCH_PATH = f"public, {SCHEMA}"  # its SQL names its tables without a schema


class ForeignSchema(OwnerDecides):
    """A schema of that name exists and was not made by us."""

    code = "foreign-schema"


def install(conn: psycopg.Connection[Any]) -> None:
    """Create the engine's schema, or apply the migrations it has not seen, in the caller's transaction.

    Harmless to repeat. The schema's comment holds the name of the last migration applied: the engine itself keeps no
    such record.
    """
    newest, installed = migrations()[-1], _installed(conn)
    if installed == newest:
        return
    conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
    conn.execute(sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(SCHEMA)))
    if installed is None:
        _run(conn, (files("procrastinate.sql") / "schema.sql").read_text(encoding="utf-8"))
    else:
        for name in migrations():
            if name > installed:
                _run(conn, (files("procrastinate.sql") / "migrations" / name).read_text(encoding="utf-8"))
    conn.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(SCHEMA), sql.Literal(newest)))
    conn.execute("SET LOCAL search_path = public")


def migrations() -> list[str]:
    """File names of the engine's migrations, oldest first."""
    return sorted(
        entry.name for entry in (files("procrastinate.sql") / "migrations").iterdir() if entry.name.endswith(".sql")
    )


def _installed(conn: psycopg.Connection[Any]) -> str | None:
    with conn.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        cursor.execute("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", (SCHEMA,))
        row = cursor.fetchone()
    if row is None:
        return None
    if row[0] not in migrations():
        raise ForeignSchema(
            f"the schema “{SCHEMA}” of this database was not made by this Entrepot (it is marked “{row[0]}”)",
            marked=row[0],
        )
    return str(row[0])


def _run(conn: psycopg.Connection[Any], text: str) -> None:
    conn.execute(text.encode())  # as bytes: fixed text of a library, never composed
