"""The schema itself refuses wrong states: constraints, not habits, guard the truth."""

import psycopg
import pytest

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.store import migrate
from entrepot.store.bulk import insert_rows, update_rows
from entrepot.store.db import Db


def test_an_upgrade_run_twice_changes_nothing(database_url: str, clock: ManualClock) -> None:
    migrate.upgrade(database_url, incarnation="other", environment="sandbox", at=clock.now())
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT incarnation FROM installation").fetchall() == [("test-incarnation",)]


def test_the_application_role_cannot_edit_the_books_or_the_schema(db: Db) -> None:
    for statement in (
        "UPDATE journal SET memo = 'x'",
        "DELETE FROM posting",
        "CREATE TABLE mine (a int)",
        "DROP TABLE leg",
    ):
        with pytest.raises(psycopg.Error), db.transaction() as conn:
            conn.execute(statement)


def test_a_paused_flow_without_a_reason_and_an_end_cannot_be_written(ctx: Ctx) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), ctx.db.transaction() as conn:
        conn.execute("INSERT INTO flow (name, state, changed_at) VALUES ('x', 'paused', %s)", (ctx.clock.now(),))


def test_rows_written_by_the_batch_come_back_as_they_went_in(ctx: Ctx) -> None:
    rows = [{"account": f"a{n}", "name": "c", "value": str(n), "moved_at": ctx.clock.now()} for n in range(300)]
    with ctx.db.transaction() as conn:
        insert_rows(conn, "cursor", rows)
        assert conn.execute("SELECT * FROM cursor ORDER BY value::int").fetchall() == rows


def test_an_update_of_many_rows_touches_only_those_named(ctx: Ctx) -> None:
    now = ctx.clock.now()
    with ctx.db.transaction() as conn:
        rows = [
            {
                "name": f"f{n}",
                "state": "running",
                "changed_by": "t",
                "reason": "",
                "changed_at": now,
                "owner": "on-call",
            }
            for n in range(3)
        ]
        insert_rows(conn, "flow", rows)
        assert (
            update_rows(conn, "flow", [{"name": "f1", "owner": "finance"}, {"name": "none", "owner": "x"}], key="name")
            == 1
        )
        found = conn.execute("SELECT name, owner FROM flow ORDER BY name").fetchall()
    assert [row["owner"] for row in found] == ["on-call", "finance", "on-call"]
