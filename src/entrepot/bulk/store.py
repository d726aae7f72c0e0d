"""All SQL of offer files: what counts, offers fed, rejects. Every call is part of the caller's one transaction."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from entrepot.bulk.plan import OFFER
from entrepot.bulk.rejects import REJECT, Pair, Rejects, frame_of, none
from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows, texts
from entrepot.store.copy import copy_blocks

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

STAGED = ("source_row", *OFFER)
FEED_STAGED = "pg_temp.feed_staged"
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
    """The transaction may be silent while a slice is read, and long while it writes; nothing is staged yet."""
    conn.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{SILENT_MAX_S}s'")
    conn.execute("SET LOCAL statement_timeout = 0")
    conn.execute(f"DROP VIEW IF EXISTS {FEED_STAGED}")  # of a first load by the same connection


def merge(
    conn: Conn, account: str, seller: str, file_id: str, at: "datetime", offers: "Iterable[pl.DataFrame]"
) -> Written:
    """Accepted offers into the seller's. `feed_staged` holds them for the rest of the transaction: a view where all were new."""
    if _has_offers(conn, account, seller):
        _take(conn, offers)
        return _upsert(conn, account, seller, file_id, at)
    fixed = {"account": account, "seller": seller, "state": "live", "revision": 1, "file_id": file_id, "changed_at": at.isoformat()}  # fmt: skip
    inserted = copy_blocks(conn, "feed_offer", (*STAGED, *fixed), _blocks(offers, fixed))
    condition = sql.SQL("account = {} AND seller = {}").format(account, seller).as_string(conn)
    conn.execute(f"CREATE TEMP VIEW feed_staged AS SELECT {', '.join(STAGED)} FROM feed_offer WHERE {condition}")
    return Written(inserted, 0)


def _has_offers(conn: Conn, account: str, seller: str) -> bool:
    query = "SELECT FROM feed_offer WHERE account = %s AND seller = %s LIMIT 1"
    return conn.execute(query, (account, seller)).fetchone() is not None


def _take(conn: Conn, offers: "Iterable[pl.DataFrame]") -> None:
    columns = ", ".join(STAGED)
    conn.execute(f"CREATE TEMP TABLE feed_staged ON COMMIT DROP AS SELECT {columns} FROM feed_offer LIMIT 0")
    copy_blocks(conn, FEED_STAGED, STAGED, _blocks(offers, {}))


def _blocks(offers: "Iterable[pl.DataFrame]", fixed: Mapping[str, Any]) -> Iterator[bytes]:
    """Columnar text for COPY."""
    import polars as pl

    values = [pl.lit(value).alias(name) for name, value in fixed.items()]
    for frame in offers:
        for part in frame.select(pl.col("row").alias("source_row"), *OFFER).iter_slices(COPY_ROWS):
            yield as_csv(part.with_columns(values))


def _upsert(conn: Conn, account: str, seller: str, file_id: str, at: "datetime") -> Written:
    """A row that says what is there already is not written."""
    columns = ", ".join(OFFER)
    sets = ", ".join(f"{name} = excluded.{name}" for name in (*_VALUES, "state", "file_id", "source_row", "changed_at"))
    old, new = (", ".join(f"{side}.{name}" for name in (*_VALUES, "state")) for side in ("kept", "excluded"))
    row = conn.execute(
        f"WITH written AS (INSERT INTO feed_offer AS kept (account, seller, {columns}, state, revision, file_id, source_row, changed_at) "
        f"SELECT %(account)s, %(seller)s, {columns}, 'live', 1, %(file)s, source_row, %(at)s FROM {FEED_STAGED} ORDER BY sku "
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


def rejects(conn: Conn, account: str, seller: str) -> Rejects:
    """With the hash of their line, by row and place."""
    import polars as pl

    named = ", ".join(REJECT)
    query = (
        f"COPY (SELECT line_hash, source_row, {named} FROM feed_reject WHERE account = %s AND seller = %s ORDER BY source_row, place) "
        "TO STDOUT (FORMAT csv, HEADER)"
    )
    with conn.cursor() as cursor, cursor.copy(query, (account, seller)) as copy:
        text = b"".join(copy)
    schema = dict(zip(("line_hash", "source_row", *REJECT), none().schema.values(), strict=True))
    return Rejects(pl.read_csv(text, schema=schema, empty_string_is_null=False).rename(dict(zip(schema, none().columns, strict=True))))  # fmt: skip


def replace_rejects(conn: Conn, account: str, seller: str, found: Sequence[Pair]) -> None:
    import polars as pl

    conn.execute("DELETE FROM feed_reject WHERE account = %s AND seller = %s", (account, seller))
    columns = ("account", "seller", "source_row", "place", "line_hash", *REJECT)
    numbered = frame_of(found).with_row_index("place")
    chosen = numbered.select(pl.lit(account).alias("account"), pl.lit(seller).alias("seller"), "row", "place", "hash", *REJECT)  # fmt: skip
    copy_blocks(conn, "feed_reject", columns, (as_csv(part) for part in chosen.iter_slices(COPY_ROWS)))


def as_csv(frame: "pl.DataFrame") -> bytes:
    """As COPY reads it: an empty text is quoted, a null is not."""
    out = io.BytesIO()
    frame.write_csv(out, include_header=False)
    return out.getvalue()


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────


def applied(conn: Conn, file: Mapping[str, Any]) -> None:
    """The file counts from now on; it commits with the offers it fed."""
    insert_rows(conn, "feed_file", [file])
    conn.execute(
        "INSERT INTO feed (account, seller, file_id) VALUES (%(account)s, %(seller)s, %(id)s) "
        "ON CONFLICT (account, seller) DO UPDATE SET file_id = excluded.file_id",
        {name: file[name] for name in ("account", "seller", "id")},
    )
