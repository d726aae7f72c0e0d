"""Constraints make the wrong state impossible, whatever the code does."""

from typing import Any

import psycopg
import pytest
from ownership.land import Land

from entrepot.ownership import service
from entrepot.store.bulk import insert_rows


@pytest.fixture
def held(land: Land) -> Land:
    """One offer with a value, a refusal, a hold and a request."""
    land.known()
    land.shows(price=1500)
    return land


def again(land: Land, table: str, **changes: Any) -> None:
    """The row that is there, once more, with something else in it."""
    [row] = land.rows(f"SELECT * FROM {table} ORDER BY 1 LIMIT 1")
    with land.ctx.db.transaction() as conn:
        insert_rows(conn, table, [{**row, **changes}])


@pytest.mark.parametrize(
    ("table", "changes", "constraint"),
    [
        ("hold", {"id": "2"}, "hold_one_live"),
        ("hold", {"id": "2", "reason": "operator", "ends_at": None}, "ends_at"),
        ("hold", {"id": "2", "reason": "operator", "lifted_at": "2026-03-02T09:00:00Z"}, "hold_check"),
        ("hold", {"id": "2", "reason": "operator", "ends_at": "2026-03-01T00:00:00Z"}, "hold_check"),
        ("refused_write", {"id": "2"}, "refused_write_stands"),
        ("refused_write", {"id": "2", "actor": "x", "ended_at": "2026-03-02T09:00:00Z"}, "refused_write_check"),
        ("correction", {"id": "2"}, "correction_one_open"),
        ("correction", {"id": "2", "cause": "operator", "state": "applied"}, "correction_check"),
        ("correction", {"id": "2", "cause": "operator", "state": "sleeping"}, "correction_state_check"),
        ("value_change", {}, "value_change_pkey"),
    ],
)
def test_a_second_one_or_a_half_ended_one_cannot_be_written(
    held: Land, table: str, changes: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(psycopg.errors.IntegrityError, match=constraint):
        again(held, table, **changes)


OVERRIDE: dict[str, Any] = {
    "id": "ovr_1", "account": "a", "object": "offer", "object_id": "1", "field": "price", "value": 1, "state": "live", "author": "Ana",
    "reason": "x", "rule": "r", "large": True, "second_person": "Ben", "asked_at": "2026-03-02T08:00:00Z",
    "starts_at": "2026-03-02T08:00:00Z", "ends_at": "2026-03-03T08:00:00Z", "ended_at": None, "ended_why": None, "plan_hash": "p",
}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"second_person": "Ana"},
        {"second_person": None},
        {"starts_at": None},
        {"ends_at": "2026-03-01T08:00:00Z"},
        {"ends_at": None},
        {"state": "ended"},
        {"ended_at": "2026-03-02T09:00:00Z", "ended_why": "x"},
        {"reason": ""},
    ],
)
def test_an_override_without_end_reason_or_second_person_cannot_be_written(land: Land, changes: dict[str, Any]) -> None:
    with pytest.raises(psycopg.errors.IntegrityError), land.ctx.db.transaction() as conn:
        insert_rows(conn, "override_value", [{**OVERRIDE, **changes}])


def test_one_override_counts_or_waits_per_field(land: Land) -> None:
    with land.ctx.db.transaction() as conn:
        insert_rows(conn, "override_value", [OVERRIDE])
    with pytest.raises(psycopg.errors.UniqueViolation, match="override_one_live"), land.ctx.db.transaction() as conn:
        insert_rows(conn, "override_value", [{**OVERRIDE, "id": "ovr_2", "state": "asked"}])


def test_one_message_per_seller_cause_and_window(land: Land) -> None:
    digest = {"id": "d1", "account": "a", "owner": "seller", "seller": "1", "cause": "stale", "window_at": "2026-03-02T08:00:00Z",
              "channel": "mail-digest", "taken_at": "2026-03-02T08:00:00Z", "again_at": "2026-03-02T08:15:00Z", "plan_hash": "p"}  # fmt: skip
    with pytest.raises(psycopg.errors.UniqueViolation), land.ctx.db.transaction() as conn:
        insert_rows(conn, "correction_digest", [digest, {**digest, "id": "d2"}])


@pytest.mark.parametrize(
    "statement", ["UPDATE value_change SET value = '1'", "DELETE FROM value_change", "TRUNCATE value_change"]
)
def test_the_history_of_values_is_only_added_to(held: Land, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), held.ctx.db.transaction() as conn:
        conn.execute(statement)


def test_not_even_its_owner_rewrites_the_history(held: Land, database_url: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="append-only"), psycopg.connect(database_url) as owner:
        owner.execute("UPDATE value_change SET value = '1'")


def test_what_is_read_and_written_for_many_objects_is_a_handful_of_statements(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many for five hundred offers as for five."""

    def statements(offers: int, lead: str) -> int:
        asked: list[str] = []
        seen = [
            land.seen(f"{lead}-{n}", price=1500 if n % 5 == 0 else 2500, category="TOYS", quantity=n)
            for n in range(offers)
        ]
        with land.ctx.db.transaction() as conn:
            execute = conn.execute

            def counted(sql: Any, *more: Any, **how: Any) -> Any:
                asked.append(str(sql))
                return execute(sql, *more, **how)

            monkeypatch.setattr(conn, "execute", counted)
            service.observe(conn, land.ctx, land.plan, land.rules, seen)
            monkeypatch.undo()
        return len([sql for sql in asked if "pg_attribute" not in sql])

    few, many = statements(5, "A"), statements(500, "B")
    assert many == few <= 24
