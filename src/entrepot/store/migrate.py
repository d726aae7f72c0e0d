"""`db upgrade`: the schema, the engine's own SQL and the two roles, under one advisory lock. Safe to run again, and while the hub runs."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from entrepot.kernel.errors import NotNow, OwnerDecides
from entrepot.store.db import APP_ROLE

UPGRADE_LOCK = 0x656E_7472_6570_0001  # one upgrade at a time in a database
HEAD = "0013"
LOCK_TIMEOUT = "5s"  # a migration never queues behind a long transaction: it gives up and is run again

Install = Callable[[psycopg.Connection[Any]], None]  # the engine's own tables, brought by the engine


class NewerSchema(OwnerDecides):
    """The database was upgraded by a newer Entrepot; this one must not write to it."""

    code = "newer-schema"


class UpgradeRunning(NotNow):
    code = "upgrade-running"


def revision(url: str) -> str | None:
    """The schema's revision, None before the first upgrade."""
    with psycopg.connect(url) as conn:
        if conn.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def require_known(url: str) -> None:
    """Refuse to start on a schema that is missing or newer than this code."""
    found = revision(url)
    if found is None or found < HEAD:
        raise OwnerDecides(
            f"the database schema is at {found or 'nothing'}, this Entrepot needs {HEAD}: run `entrepot db upgrade`",
            found=found,
        )
    if found > HEAD:
        raise NewerSchema(
            f"the database schema is at {found}, this Entrepot knows only {HEAD}: upgrade Entrepot on this machine",
            found=found,
        )


def upgrade(url: str, *, incarnation: str, environment: str, at: datetime, install: Sequence[Install] = ()) -> None:
    """Bring a database to HEAD. `incarnation` and `at` are used only when it is new."""
    with psycopg.connect(url, autocommit=True) as guard:
        if guard.execute("SELECT pg_try_advisory_lock(%s)", (UPGRADE_LOCK,)).fetchone() != (True,):
            raise UpgradeRunning("another process is upgrading this database; run this again when it has finished")
        _alembic_upgrade(url)
        with psycopg.connect(url) as conn:
            conn.execute(sql.SQL("SET lock_timeout = {}").format(LOCK_TIMEOUT))
            for step in install:
                step(conn)
            conn.execute(
                "INSERT INTO installation (id, incarnation, environment, created_at) VALUES (1, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
                (incarnation, environment, at),
            )
            conn.execute(
                "INSERT INTO clock (id, business_base, machine_base, rate) VALUES (1, %s, %s, 1) ON CONFLICT (id) DO NOTHING",
                (at, at),
            )
            grant_app_role(conn)


def _alembic_upgrade(url: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, pool

    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=pool.NullPool)
    config = Config()
    config.set_main_option("script_location", "entrepot.store:migrations")
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    engine.dispose()


def grant_app_role(conn: psycopg.Connection[Any]) -> None:
    """The application's role reads and writes rows; it owns nothing, changes no schema, and cannot edit the books."""
    if conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,)).fetchone() is None:
        conn.execute(f"CREATE ROLE {APP_ROLE} NOLOGIN")
    conn.execute(f"GRANT {APP_ROLE} TO CURRENT_USER")
    for (schema,) in conn.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname = 'public' OR nspname = 'procrastinate' ORDER BY nspname"
    ).fetchall():
        name = sql.Identifier(schema)
        conn.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(name, sql.Identifier(APP_ROLE)))
        for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            conn.execute(
                sql.SQL("GRANT ALL ON ALL {} IN SCHEMA {} TO {}").format(sql.SQL(kind), name, sql.Identifier(APP_ROLE))
            )
    for table in ("journal", "posting", "value_change"):
        conn.execute(
            sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(
                sql.Identifier(table), sql.Identifier(APP_ROLE)
            )
        )
    conn.execute(sql.SQL("REVOKE ALL ON alembic_version FROM {}").format(sql.Identifier(APP_ROLE)))
    conn.execute(sql.SQL("GRANT SELECT ON alembic_version TO {}").format(sql.Identifier(APP_ROLE)))
