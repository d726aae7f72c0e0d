"""The task engine's own tables: made once, repeated without harm, never laid over somebody else's."""

import psycopg
import pytest

from entrepot.engine import procrastinate_schema
from entrepot.engine.procrastinate_schema import ForeignSchema, install, migrations


def test_installing_again_changes_nothing(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        before = conn.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'procrastinate'::regnamespace"
        ).fetchone()
        install(conn)
        assert (
            conn.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'procrastinate'::regnamespace").fetchone()
            == before
        )
        assert conn.execute("SELECT to_regclass('public.procrastinate_jobs')").fetchone() == (None,)


def test_an_older_installation_gets_only_the_migrations_it_lacks(database_url: str) -> None:
    watcher = "procrastinate_trigger_function_status_events_update_v1"
    with psycopg.connect(database_url) as conn:
        conn.execute(f"DROP FUNCTION procrastinate.{watcher} CASCADE")
        conn.execute(f"COMMENT ON SCHEMA procrastinate IS '{migrations()[-2]}'")
        install(conn)
        assert conn.execute("SELECT count(*) FROM pg_proc WHERE proname = %s", (watcher,)).fetchone() == (1,)
        assert conn.execute("SELECT obj_description('procrastinate'::regnamespace, 'pg_namespace')").fetchone() == (
            migrations()[-1],
        )


def test_a_schema_of_that_name_made_by_somebody_else_is_left_alone(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute(f"COMMENT ON SCHEMA {procrastinate_schema.SCHEMA} IS 'theirs'")
        with pytest.raises(ForeignSchema, match="theirs"):
            install(conn)
