"""All SQL of arrivals."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.bulk.arrival.model import Arrival, Refusal, State
from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows

WAITING = ("found", "kept", "reading")  # what the hub goes on with by itself
COUNTS = ("rows_changed", "rows_rejected", "inserted", "updated", "ended", "absent")
_EMPTY: Mapping[str, Any] = {
    "feed": "", "origin": "", "stamp": "", "digest": "", "tries": 0, "is_here": False, "rows_read": 0, "rows_expected": 0,
    "same_as": "", "refused_code": "", "refused_what": "", "refused_where": "", "refused_whose": "",
}  # fmt: skip
_FIRST = """
    SELECT a.* FROM feed_arrival a
     WHERE a.account = %(account)s AND a.next_at <= %(now)s
       AND NOT EXISTS (SELECT FROM feed_arrival b WHERE b.account = a.account AND b.seller = a.seller AND b.next_at IS NOT NULL
                          AND (b.seen_at, b.id) < (a.seen_at, a.id))
     ORDER BY a.seen_at, a.id LIMIT 1
"""


def due_sql(flow: str) -> str:
    """Accounts with a file to go on with; of one seller only his oldest may be."""
    return f"""
        SELECT DISTINCT a.account FROM feed_arrival a
         WHERE a.next_at <= %(now)s
           AND NOT EXISTS (SELECT FROM feed_arrival b WHERE b.account = a.account AND b.seller = a.seller AND b.next_at IS NOT NULL
                              AND (b.seen_at, b.id) < (a.seen_at, a.id))
           AND NOT EXISTS (SELECT FROM flow WHERE name = '{flow}' AND state = 'paused')
    """


def insert(conn: Conn, row: Mapping[str, Any]) -> None:
    insert_rows(conn, "feed_arrival", [{**_EMPTY, **row}])


def one(conn: Conn, arrival_id: str) -> Row | None:
    return conn.execute("SELECT * FROM feed_arrival WHERE id = %s", (arrival_id.replace("\x00", ""),)).fetchone()


def first(conn: Conn, account: str, now: datetime) -> Arrival | None:
    """The account's oldest file to go on with, behind no other of the same seller."""
    row = conn.execute(_FIRST, {"account": account, "now": now}).fetchone()
    return Arrival.of(row) if row else None


def locked(conn: Conn, arrival_id: str) -> Row | None:
    return conn.execute("SELECT * FROM feed_arrival WHERE id = %s FOR UPDATE NOWAIT", (arrival_id,)).fetchone()


def update(conn: Conn, arrival_id: str, values: Mapping[str, Any]) -> None:
    """Columns of ours, values as given."""
    sets = ", ".join(f"{name} = %({name})s" for name in values)
    conn.execute(f"UPDATE feed_arrival SET {sets} WHERE id = %(arrival_id)s", {**values, "arrival_id": arrival_id})


def refused(conn: Conn, arrival_id: str, why: Refusal, at: datetime) -> None:
    values = {
        "refused_code": why.code.value,
        "refused_what": why.what,
        "refused_where": why.where,
        "refused_whose": why.whose,
    }
    update(conn, arrival_id, {**values, "state": State.REFUSED.value, "next_at": None, "ended_at": at})  # fmt: skip


def latest(conn: Conn, feed: str, origins: Sequence[str]) -> dict[str, Arrival]:
    """What is known of files of a folder: for each the newest."""
    rows = conn.execute(
        "SELECT a.* FROM unnest(%s::text[]) AS o (origin) CROSS JOIN LATERAL (SELECT * FROM feed_arrival f "
        "WHERE f.feed = %s AND f.origin = o.origin AND f.origin <> '' ORDER BY f.seen_at DESC, f.id DESC LIMIT 1) AS a ORDER BY a.origin",
        (list(origins), feed),
    ).fetchall()
    return {row["origin"]: Arrival.of(row) for row in rows}


def unfetched(conn: Conn, feed: str) -> list[Arrival]:
    rows = conn.execute(
        "SELECT * FROM feed_arrival WHERE feed = %s AND origin <> '' AND state IN ('arriving', 'found') ORDER BY origin",
        (feed,),
    ).fetchall()
    return [Arrival.of(row) for row in rows]


def expected_rows(conn: Conn, account: str, seller: str) -> int:
    row = conn.execute(
        "SELECT f.rows_read FROM feed JOIN feed_file f ON f.id = feed.file_id WHERE feed.account = %s AND feed.seller = %s",
        (account, seller),
    ).fetchone()
    return int(row["rows_read"]) if row else 0


def spent(conn: Conn) -> list[str]:
    """Kept files nobody needs any more: all but those that count, those that wait, and each seller's newest that was refused."""
    rows = conn.execute(
        "UPDATE feed_arrival SET is_here = false WHERE id IN (SELECT a.id FROM feed_arrival a WHERE a.is_here AND a.next_at IS NULL "
        "AND NOT EXISTS (SELECT FROM feed WHERE feed.account = a.account AND feed.seller = a.seller AND feed.file_id = a.file_id AND a.state = 'applied') "
        "AND NOT (a.state = 'refused' AND NOT EXISTS (SELECT FROM feed_arrival b WHERE b.account = a.account AND b.seller = a.seller "
        "AND (b.seen_at, b.id) > (a.seen_at, a.id) AND b.state IN ('refused', 'applied'))) "
        "ORDER BY a.id FOR UPDATE OF a SKIP LOCKED) RETURNING id"
    ).fetchall()
    return sorted(row["id"] for row in rows)


def kept_here(conn: Conn, arrival_ids: Sequence[str]) -> set[str]:
    rows = conn.execute(
        "SELECT id FROM feed_arrival WHERE id = ANY(%s::text[]) AND is_here ORDER BY id", (list(arrival_ids),)
    ).fetchall()
    return {row["id"] for row in rows}


def waiting(conn: Conn, account: str, up_to: int) -> int:
    """How many files are here, or found, and not read yet; counted no further than asked."""
    row = conn.execute(
        "SELECT count(*) AS n FROM (SELECT FROM feed_arrival WHERE account = %s AND next_at IS NOT NULL LIMIT %s) AS waiting",
        (account, up_to),
    ).fetchone()
    assert row is not None
    return int(row["n"])


def with_counts(conn: Conn, arrival_id: str) -> Row | None:
    """One arrival, and what the file it became did."""
    return conn.execute(
        f"SELECT a.*, {', '.join(f'f.{name}' for name in COUNTS)}, f.version, f.state AS file_state FROM feed_arrival a "
        "LEFT JOIN feed_file f ON f.id = a.file_id WHERE a.id = %s",
        (arrival_id.replace("\x00", ""),),
    ).fetchone()


def here(conn: Conn, account: str, seller: str, limit: int) -> list[Row]:
    """A seller's files that are kept here, the newest first."""
    return conn.execute(
        "SELECT * FROM feed_arrival WHERE account = %s AND seller = %s AND is_here ORDER BY seen_at DESC, id DESC LIMIT %s",
        (account.replace("\x00", ""), seller.replace("\x00", ""), limit),
    ).fetchall()
