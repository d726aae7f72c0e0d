"""All SQL of offer files: what counts, offers fed, rejects. Every call is part of the caller's one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from entrepot.bulk.plan import OFFER
from entrepot.bulk.rules import Reject
from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows, texts
from entrepot.store.copy import copy_blocks, copy_rows

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

STAGED = ("source_row", *OFFER)
REJECT = ("sku", "field", "code", "value", "message", "corrects")
COPY_ROWS = 100_000
SILENT_MAX_S = 600  # a frozen run holds its seller no longer
_VALUES = OFFER[1:]


@dataclass(frozen=True, slots=True)
class Written:
    inserted: int
    updated: int


def current(conn: Conn, account: str, seller: str) -> Row | None:
    """The file that counts."""
    return conn.execute(
        "SELECT f.* FROM feed JOIN feed_file f ON f.id = feed.file_id WHERE feed.account = %s AND feed.seller = %s",
        (account, seller),
    ).fetchone()


def next_version(conn: Conn, account: str, seller: str, name: str) -> int:
    row = conn.execute(
        "SELECT coalesce(max(version), 0) + 1 AS next FROM feed_file WHERE account = %s AND seller = %s AND name = %s",
        (account, seller, name),
    ).fetchone()
    assert row is not None
    return int(row["next"])


def live_skus(conn: Conn, account: str, seller: str) -> list[str]:
    """Every offer of the seller that lives; read by column, without a dict per row."""
    query = (
        "COPY (SELECT sku FROM feed_offer WHERE account = %s AND seller = %s AND state = 'live' ORDER BY sku) TO STDOUT"
    )
    with conn.cursor() as cursor, cursor.copy(query, (account, seller)) as copy:
        copy.set_types(["text"])
        return [str(row[0]) for row in copy.rows()]


def live_count(conn: Conn, account: str, seller: str, *, up_to: int | None = None) -> int:
    """How many of the seller's offers live; counted no further than asked."""
    row = conn.execute(
        "SELECT count(*) AS live FROM (SELECT 1 FROM feed_offer WHERE account = %s AND seller = %s AND state = 'live' LIMIT %s) AS counted",
        (account, seller, up_to),
    ).fetchone()
    assert row is not None
    return int(row["live"])


# ── offers ───────────────────────────────────────────────────────────────────────────────────────────────────


def stage(conn: Conn) -> None:
    """A table for what the file holds, gone with the transaction; which may be silent while a slice is read, and long while it writes."""
    columns = ", ".join(OFFER)
    conn.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{SILENT_MAX_S}s'")
    conn.execute("SET LOCAL statement_timeout = 0")
    conn.execute(
        f"CREATE TEMP TABLE feed_staged ON COMMIT DROP AS SELECT source_row, {columns} FROM feed_offer LIMIT 0"
    )


def take(conn: Conn, offers: "pl.DataFrame") -> None:
    """Accepted offers of one slice: columnar text straight into COPY."""
    import polars as pl

    chosen = offers.select(pl.col("row").alias("source_row"), *OFFER)
    blocks = (part.write_csv(include_header=False).encode() for part in chosen.iter_slices(COPY_ROWS))
    copy_blocks(conn, "pg_temp.feed_staged", STAGED, blocks)


def drop(conn: Conn, rows: Sequence[int]) -> None:
    conn.execute("DELETE FROM pg_temp.feed_staged WHERE source_row = ANY(%s)", (list(rows),))


def merge(conn: Conn, account: str, seller: str, file_id: str, at: "datetime") -> Written:
    """What is staged into the offers; a row that says what is there already is not written."""
    columns = ", ".join(OFFER)
    sets = ", ".join(f"{name} = excluded.{name}" for name in (*_VALUES, "state", "file_id", "source_row", "changed_at"))
    old, new = (", ".join(f"{side}.{name}" for name in (*_VALUES, "state")) for side in ("kept", "excluded"))
    row = conn.execute(
        f"WITH written AS (INSERT INTO feed_offer AS kept (account, seller, {columns}, state, revision, file_id, source_row, changed_at) "
        f"SELECT %(account)s, %(seller)s, {columns}, 'live', 1, %(file)s, source_row, %(at)s FROM pg_temp.feed_staged ORDER BY sku "
        f"ON CONFLICT (account, seller, sku) DO UPDATE SET {sets}, revision = kept.revision + 1 "
        f"WHERE ({old}) IS DISTINCT FROM ({new}) RETURNING kept.xmax = 0 AS fresh) "
        "SELECT count(*) FILTER (WHERE fresh) AS inserted, count(*) FILTER (WHERE NOT fresh) AS updated FROM written",
        {"account": account, "seller": seller, "file": file_id, "at": at},
    ).fetchone()
    assert row is not None
    return Written(row["inserted"], row["updated"])


def end(conn: Conn, account: str, seller: str, skus: Sequence[str], file_id: str, at: "datetime") -> int:
    """Offers that are in the seller's file no more."""
    if not skus:
        return 0
    return conn.execute(
        "UPDATE feed_offer SET state = 'ended', revision = revision + 1, file_id = %s, changed_at = %s "
        "WHERE account = %s AND seller = %s AND sku = ANY(%s::text[]) AND state = 'live'",
        (file_id, at, account, seller, texts(list(skus))),
    ).rowcount


# ── rejects ──────────────────────────────────────────────────────────────────────────────────────────────────


def rejects(conn: Conn, account: str, seller: str) -> list[tuple[int, Reject]]:
    """With the hash of their line, by row and place."""
    rows = conn.execute(
        "SELECT * FROM feed_reject WHERE account = %s AND seller = %s ORDER BY source_row, place", (account, seller)
    ).fetchall()
    return [(int(row["line_hash"]), Reject(row["source_row"], *(row[name] for name in REJECT))) for row in rows]


def replace_rejects(conn: Conn, account: str, seller: str, found: Sequence[tuple[int, Reject]]) -> None:
    conn.execute("DELETE FROM feed_reject WHERE account = %s AND seller = %s", (account, seller))
    columns = ("account", "seller", "source_row", "place", "line_hash", *REJECT)
    rows = (
        (account, seller, one.row, place, hash_, *(getattr(one, name) for name in REJECT))
        for place, (hash_, one) in enumerate(found)
    )
    copy_rows(conn, "feed_reject", columns, rows)


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────


def applied(conn: Conn, file: Mapping[str, Any]) -> None:
    """The file counts from now on; it commits with the offers it fed."""
    insert_rows(conn, "feed_file", [file])
    conn.execute(
        "INSERT INTO feed (account, seller, file_id) VALUES (%(account)s, %(seller)s, %(id)s) "
        "ON CONFLICT (account, seller) DO UPDATE SET file_id = excluded.file_id",
        {name: file[name] for name in ("account", "seller", "id")},
    )
