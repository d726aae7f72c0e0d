"""Rows written set-based come back as they went in, whatever they hold."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.kernel.ctx import Ctx
from entrepot.store.bulk import insert_rows, update_rows

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["", "NULL", "null", '"', "\\", "{a,b}", 'a","b', "\\N", "a\nb", " ", "’"]
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | TEXTS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(TEXTS, inside, max_size=3),
    max_leaves=8,
)
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "headers": st.dictionaries(TEXTS, DOCUMENTS, max_size=3),
            "route": TEXTS,
            "digest": TEXTS,
            "body": st.binary(max_size=40),
            "received_at": INSTANTS,
        }
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=ROWS)
def test_whatever_a_row_holds_it_comes_back_unchanged(ctx: Ctx, drawn: list[dict[str, Any]]) -> None:
    now = ctx.clock.now()
    fixed = {"account": "a", "channel": "page", "machine_at": now, "plan_hash": "h", "sealed": False}
    rows = [{"id": f"env_{n}", **fixed, **row} for n, row in enumerate(drawn)]
    with ctx.db.transaction() as conn:
        insert_rows(conn, "envelope", rows)
        found = conn.execute("SELECT * FROM envelope ORDER BY id").fetchall()
        conn.execute("DELETE FROM envelope")
    assert [{**row, "body": bytes(row["body"])} for row in found] == rows


@pytest.mark.parametrize("texts", [[None, "a"], ["a", None, '"'], [None, None]])
def test_what_is_missing_stays_missing(ctx: Ctx, texts: list[str | None]) -> None:
    """Numbers, instants and texts, some of them null."""
    now = ctx.clock.now()
    lanes = [
        {
            "account": f"a{n}",
            "purpose": "p",
            "queue": "bulk",
            "epoch": n - 1,
            "lease_until": None if text is None else now + timedelta(seconds=n),
            "last_error": text,
        }
        for n, text in enumerate(texts)
    ]
    with ctx.db.transaction() as conn:
        insert_rows(conn, "lane", lanes)
        names = ", ".join(lanes[0])
        assert conn.execute(f"SELECT {names} FROM lane ORDER BY account").fetchall() == lanes


def test_a_text_no_database_can_hold_fails_the_whole_batch(ctx: Ctx) -> None:
    rows = [{"account": text, "name": "c", "value": "v", "moved_at": ctx.clock.now()} for text in ("a", "b\0c")]
    with pytest.raises(psycopg.DataError), ctx.db.transaction() as conn:
        insert_rows(conn, "cursor", rows)


def test_an_insert_says_what_it_made_in_the_order_of_its_rows(ctx: Ctx) -> None:
    rows = [{"account": f"a{n}", "name": "c", "value": "v", "moved_at": ctx.clock.now()} for n in (3, 1, 2)]
    with ctx.db.transaction() as conn:
        made = insert_rows(conn, "cursor", rows, returning="account")
        again = insert_rows(conn, "cursor", rows, on_conflict="ON CONFLICT DO NOTHING", returning="account")
    assert ([row["account"] for row in made], again) == (["a3", "a1", "a2"], [])


def test_an_update_counts_what_it_found(ctx: Ctx) -> None:
    now = ctx.clock.now()
    with ctx.db.transaction() as conn:
        insert_rows(
            conn, "flow", [{"name": name, "state": "running", "changed_at": now} for name in ("one", "two", "three")]
        )
        changed = [{"name": name, "owner": '"finance"', "changed_at": now} for name in ("one", "three", "nobody")]
        assert update_rows(conn, "flow", changed, key="name") == 2
        owners = conn.execute("SELECT name, owner FROM flow ORDER BY name").fetchall()
    assert {row["name"]: row["owner"] for row in owners} == {"one": '"finance"', "three": '"finance"', "two": "on-call"}
