"""Rows in bulk: copied, or merged into what is there without touching what stays the same."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from entrepot.store.copy import Upserted, copy_blocks, copy_rows, upsert_rows
from entrepot.store.postgres import temporary

Conn = psycopg.Connection[dict[str, Any]]
OFFER = ("sku", "channel", "price_minor", "title", "seen_at")
SEEN = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with temporary() as server:
        yield server.url


@pytest.fixture
def conn(url: str) -> Iterator[Conn]:
    with psycopg.connect(url, row_factory=dict_row) as opened:
        opened.execute(
            "CREATE TEMP TABLE offer (sku text, channel text, price_minor bigint, title text, seen_at timestamptz,"
            " version int, PRIMARY KEY (sku, channel))"
        )
        yield opened
        opened.rollback()


def offers(conn: Conn) -> list[dict[str, Any]]:
    return conn.execute("SELECT * FROM offer ORDER BY sku, channel").fetchall()


def row_places(conn: Conn) -> dict[str, tuple[str, str]]:
    """Where PostgreSQL keeps each row and who locked it last: it changes when a row is written or locked."""
    found = conn.execute("SELECT sku, ctid::text AS place, xmax::text AS locker FROM offer").fetchall()
    return {row["sku"]: (row["place"], row["locker"]) for row in found}


def test_copied_rows_come_back_as_they_were_sent(conn: Conn) -> None:
    rows = [
        ("S-1", "fr", 1999, "tab\tnewline\nbackslash\\N", SEEN),
        ("S-2", "fr", None, "", None),
        ("S-3", "de", -5, "\\.", SEEN),
    ]
    assert copy_rows(conn, "offer", OFFER, iter(rows)) == 3
    assert [tuple(row[name] for name in OFFER) for row in offers(conn)] == rows


def test_json_arrays_bytes_and_decimals_are_copied(conn: Conn) -> None:
    conn.execute("CREATE TEMP TABLE odd (j jsonb, a text[], b bytea, n numeric)")
    copy_rows(
        conn, "odd", ("j", "a", "b", "n"), [(Jsonb({"k": ["ä\t"]}), ["x,y", "{"], b"\x00\\\xff", Decimal("1.230"))]
    )
    assert conn.execute("SELECT * FROM odd").fetchone() == {
        "j": {"k": ["ä\t"]},
        "a": ["x,y", "{"],
        "b": b"\x00\\\xff",
        "n": Decimal("1.230"),
    }


def test_copying_no_rows_is_no_mistake(conn: Conn) -> None:
    assert copy_rows(conn, "offer", OFFER, []) == 0


def test_one_bad_row_refuses_the_whole_copy(conn: Conn) -> None:
    conn.commit()
    with pytest.raises(psycopg.errors.UniqueViolation):
        copy_rows(conn, "offer", OFFER, [("S-1", "fr", 1, "a", SEEN), ("S-1", "fr", 2, "b", SEEN)])
    conn.rollback()
    assert offers(conn) == []


def test_a_table_of_another_schema_is_named_with_a_dot(conn: Conn) -> None:
    assert copy_rows(conn, "pg_temp.offer", OFFER, [("S-1", "fr", 1, "a", SEEN)]) == 1


def test_csv_blocks_are_copied_wherever_they_were_cut(conn: Conn) -> None:
    blocks = [b'S-1,fr,1,"a ""quoted"", title', b'",\nS-2,fr,', b',"",2026-03-01T12:30:00Z\n']
    assert copy_blocks(conn, "offer", OFFER, blocks) == 2
    first, second = offers(conn)
    assert (first["title"], first["seen_at"]) == ('a "quoted", title', None)
    assert (second["price_minor"], second["title"], second["seen_at"]) == (None, "", SEEN)


def test_an_upsert_counts_what_is_new_changed_and_unchanged(conn: Conn) -> None:
    copy_rows(conn, "offer", OFFER, [("S-1", "fr", 100, "a", SEEN), ("S-2", "fr", 200, "b", None)])
    rows = [("S-1", "fr", 100, "a", SEEN), ("S-2", "fr", 250, "b", None), ("S-3", "fr", 300, "c", None)]
    assert upsert_rows(conn, "offer", OFFER, rows, conflict=("sku", "channel")) == Upserted(1, 1, 1, 0)
    assert [row["price_minor"] for row in offers(conn)] == [100, 250, 300]


def test_a_row_that_stays_the_same_is_neither_written_nor_locked(conn: Conn) -> None:
    rows = [("S-1", "fr", 100, None, SEEN), ("S-2", "fr", 200, "b", None)]
    copy_rows(conn, "offer", OFFER, rows)
    before = row_places(conn)
    assert upsert_rows(conn, "offer", OFFER, rows, conflict=("sku", "channel")) == Upserted(0, 0, 2, 0)
    assert row_places(conn) == before


def test_without_where_changed_every_row_is_written_again(conn: Conn) -> None:
    rows = [("S-1", "fr", 100, "a", SEEN)]
    copy_rows(conn, "offer", OFFER, rows)
    before = row_places(conn)
    done = upsert_rows(conn, "offer", OFFER, rows, conflict=("sku", "channel"), where_changed=False)
    assert done == Upserted(0, 1, 0, 0)
    assert row_places(conn) != before


def test_a_value_may_become_null_and_null_a_value(conn: Conn) -> None:
    copy_rows(conn, "offer", OFFER, [("S-1", "fr", 100, None, None), ("S-2", "fr", None, "b", SEEN)])
    rows = [("S-1", "fr", None, None, None), ("S-2", "fr", 7, "b", SEEN)]
    assert upsert_rows(conn, "offer", OFFER, rows, conflict=("sku", "channel")).updated == 2
    assert [row["price_minor"] for row in offers(conn)] == [None, 7]


def test_of_a_key_sent_twice_the_last_row_counts(conn: Conn) -> None:
    rows = [("S-1", "fr", 1, "first", SEEN), ("S-2", "fr", 9, "other", SEEN), ("S-1", "fr", 2, "last", SEEN)]
    assert upsert_rows(conn, "offer", OFFER, rows, conflict=("sku", "channel")) == Upserted(2, 0, 0, 1)
    assert offers(conn)[0]["title"] == "last"


def test_only_the_named_columns_are_updated(conn: Conn) -> None:
    copy_rows(conn, "offer", OFFER, [("S-1", "fr", 100, "kept", SEEN)])
    rows = [("S-1", "fr", 150, "refused", None)]
    upsert_rows(conn, "offer", OFFER, rows, conflict=("sku", "channel"), update=["price_minor"])
    assert (offers(conn)[0]["price_minor"], offers(conn)[0]["title"]) == (150, "kept")


def test_a_column_that_is_not_updated_does_not_make_a_change(conn: Conn) -> None:
    copy_rows(conn, "offer", OFFER, [("S-1", "fr", 100, "kept", SEEN)])
    rows = [("S-1", "fr", 100, "other", None)]
    done = upsert_rows(conn, "offer", OFFER, rows, conflict=("sku", "channel"), update=["price_minor"])
    assert done == Upserted(0, 0, 1, 0)


def test_updating_nothing_only_adds_what_is_missing(conn: Conn) -> None:
    copy_rows(conn, "offer", OFFER, [("S-1", "fr", 100, "kept", SEEN)])
    rows = [("S-1", "fr", 1, "x", None), ("S-2", "fr", 2, "y", None)]
    assert upsert_rows(conn, "offer", OFFER, rows, conflict=("sku", "channel"), update=()) == Upserted(1, 0, 1, 0)
    assert [row["price_minor"] for row in offers(conn)] == [100, 2]


def test_an_older_version_never_replaces_a_newer_one(conn: Conn) -> None:
    columns = ("sku", "channel", "price_minor", "version")
    copy_rows(conn, "offer", columns, [("S-1", "fr", 100, 5), ("S-2", "fr", 100, 5), ("S-3", "fr", 100, None)])
    rows = [("S-1", "fr", 1, 4), ("S-2", "fr", 2, 6), ("S-3", "fr", 3, 1)]
    done = upsert_rows(conn, "offer", columns, rows, conflict=("sku", "channel"), newer_by="version")
    assert done == Upserted(0, 2, 1, 0)
    assert [row["price_minor"] for row in offers(conn)] == [100, 2, 3]


def test_upserting_the_same_twice_changes_nothing_the_second_time(conn: Conn) -> None:
    rows = [(f"S-{number:04}", "fr", number, None if number % 3 else "t", SEEN) for number in range(2_000)]
    assert upsert_rows(conn, "offer", OFFER, rows, conflict=("sku", "channel")) == Upserted(2_000, 0, 0, 0)
    assert upsert_rows(conn, "offer", OFFER, rows, conflict=("sku", "channel")) == Upserted(0, 0, 2_000, 0)


def test_an_upsert_of_no_rows_does_nothing(conn: Conn) -> None:
    assert upsert_rows(conn, "offer", OFFER, [], conflict=("sku", "channel")) == Upserted(0, 0, 0, 0)


def test_an_upsert_belongs_to_the_transaction_of_its_caller(url: str, conn: Conn) -> None:
    conn.execute("CREATE TABLE kept_offer (sku text PRIMARY KEY, price_minor bigint)")
    conn.commit()
    upsert_rows(conn, "kept_offer", ("sku", "price_minor"), [("S-1", 1)], conflict=("sku",))
    conn.rollback()
    assert conn.execute("SELECT count(*) AS n FROM kept_offer").fetchone() == {"n": 0}
    with psycopg.connect(url, autocommit=True) as alone:
        upsert_rows(alone, "kept_offer", ("sku", "price_minor"), [("S-1", 1)], conflict=("sku",))
    assert conn.execute("SELECT count(*) AS n FROM kept_offer").fetchone() == {"n": 1}


def test_two_upserts_of_the_same_keys_in_opposite_order_do_not_deadlock(url: str) -> None:
    rows = [(number, 0) for number in range(3_000)]
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE TABLE stock (id int PRIMARY KEY, quantity int)")
        copy_rows(conn, "stock", ("id", "quantity"), rows)

    def write(order: int) -> int:
        with psycopg.connect(url, autocommit=True) as conn:
            ordered = [(number, turn * 2 + order) for turn in range(1, 6) for number, _ in rows[:: 1 - 2 * order]]
            turns = (ordered[at : at + len(rows)] for at in range(0, len(ordered), len(rows)))
            return sum(upsert_rows(conn, "stock", ("id", "quantity"), turn, conflict=("id",)).updated for turn in turns)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(write, (0, 1))) == [5 * len(rows)] * 2


def test_a_partitioned_table_is_upserted_like_any_other(conn: Conn) -> None:
    conn.execute(
        "CREATE TEMP TABLE event (id int, month int, note text, PRIMARY KEY (id, month)) PARTITION BY LIST (month)"
    )
    conn.execute("CREATE TEMP TABLE event_1 PARTITION OF event FOR VALUES IN (1)")
    conn.execute("CREATE TEMP TABLE event_2 PARTITION OF event FOR VALUES IN (2)")
    conn.execute("INSERT INTO event VALUES (1, 1, 'old'), (2, 2, 'same')")
    rows = [(1, 1, "new"), (2, 2, "same"), (3, 2, "added")]
    assert upsert_rows(conn, "event", ("id", "month", "note"), rows, conflict=("id", "month")) == Upserted(1, 1, 1, 0)


def test_names_with_quotes_are_names_and_not_sql(conn: Conn) -> None:
    conn.execute('CREATE TEMP TABLE "or""der" ("sel""ect" int PRIMARY KEY, "value" int)')
    assert upsert_rows(conn, 'or"der', ('sel"ect', "value"), [(1, 2)], conflict=('sel"ect',)) == Upserted(1, 0, 0, 0)


def test_a_file_is_copied_without_being_held_in_memory(conn: Conn, tmp_path: Path) -> None:
    path = tmp_path / "offers.csv"
    path.write_text("".join(f"S-{number},fr,{number},,\n" for number in range(10_000)), "utf-8")
    with path.open("rb") as file:
        assert copy_blocks(conn, "offer", OFFER, iter(lambda: file.read(8_192), b"")) == 10_000
