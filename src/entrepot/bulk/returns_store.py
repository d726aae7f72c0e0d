"""All SQL of rejected rows on their way back to their seller: ours and the marketplace's, in one form."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from entrepot.bulk.rules import Reject
from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import texts
from entrepot.store.copy import copy_rows

if TYPE_CHECKING:
    from datetime import datetime

CORRECTED, ENDED, OTHERWISE, WITHDRAWN = "corrected", "no longer offered", "rejected for another reason", "taken back"
LINES = ("line_hash", "line")


def known_lines(conn: Conn, account: str, seller: str) -> set[int]:
    """Hashes of rejected lines that are kept already."""
    rows = conn.execute(
        "SELECT DISTINCT line_hash FROM feed_return WHERE account = %s AND seller = %s AND ended_at IS NULL AND line_hash IS NOT NULL",
        (account, seller),
    ).fetchall()
    return {int(row["line_hash"]) for row in rows}


def take_back(conn: Conn, account: str, seller: str, file_id: str, at: "datetime", lines: Mapping[int, str], *, complete: bool) -> int:  # fmt: skip
    """Bring what is on its way back to what this file rejects; returns how many rows are new.

    An offer that was accepted is corrected; one that a complete file lacks is no longer offered. What stands as it stood
    is told no second time.
    """
    given = {"account": account, "seller": seller, "file": file_id, "at": at, "complete": complete}
    _stage_judged(conn, given, lines)
    conn.execute(
        f"""
        UPDATE feed_return r SET ended_at = %(at)s, ended_why = CASE
               WHEN EXISTS (SELECT FROM pg_temp.feed_good g WHERE g.sku = r.sku) THEN '{CORRECTED}'
               WHEN EXISTS (SELECT FROM pg_temp.feed_bad b WHERE b.sku = r.sku) THEN '{OTHERWISE}' ELSE '{ENDED}' END
         WHERE {_OPEN} AND NOT EXISTS (SELECT FROM pg_temp.feed_bad b WHERE {_SAME})
           AND (%(complete)s OR r.sku = '' OR EXISTS (SELECT FROM pg_temp.feed_good g WHERE g.sku = r.sku)
                OR EXISTS (SELECT FROM pg_temp.feed_bad b WHERE b.sku = r.sku))
        """,
        given,
    )
    conn.execute(
        f"""
        UPDATE feed_return r SET last_at = %(at)s, file_id = %(file)s, source_row = b.source_row, value = b.value, message = b.message,
               line_hash = b.line_hash, line = coalesce(b.line, r.line), notice_id = CASE WHEN r.value = b.value THEN r.notice_id END
          FROM pg_temp.feed_bad b
         WHERE {_OPEN} AND {_SAME} AND (r.source_row, r.value, r.line_hash) IS DISTINCT FROM (b.source_row, b.value, b.line_hash)
        """,
        given,
    )
    return conn.execute(
        """
        INSERT INTO feed_return (account, seller, file_id, source_row, sku, field, code, value, message, corrects, line_hash, line, first_at, last_at)
        SELECT %(account)s, %(seller)s, %(file)s, b.source_row, b.sku, b.field, b.code, b.value, b.message, b.corrects, b.line_hash, b.line, %(at)s, %(at)s
          FROM pg_temp.feed_bad b
         WHERE NOT EXISTS (SELECT FROM pg_temp.feed_open o WHERE (o.sku, o.field, o.code, o.nameless) = (b.sku, b.field, b.code, b.nameless))
         ORDER BY b.source_row, b.place
        """,
        given,
    ).rowcount


_OPEN = "r.account = %(account)s AND r.seller = %(seller)s AND r.ended_at IS NULL AND r.batch_id IS NULL"
# The same thing wrong with the same offer; a row that names no SKU is known by its line.
_SAME = "b.sku = r.sku AND b.field = r.field AND b.code = r.code AND (r.sku <> '' OR b.line_hash = r.line_hash)"
_NAMELESS = "CASE WHEN sku = '' THEN line_hash ELSE 0 END"


def _stage_judged(conn: Conn, given: Mapping[str, Any], lines: Mapping[int, str]) -> None:
    """What this file rejects (`feed_bad`), what is open (`feed_open`), and what of that it has right (`feed_good`), each with an index."""
    conn.execute("CREATE TEMP TABLE feed_lines (line_hash numeric(20), line text NOT NULL) ON COMMIT DROP")
    copy_rows(conn, "pg_temp.feed_lines", LINES, lines.items())
    conn.execute("CREATE INDEX ON pg_temp.feed_lines (line_hash)")
    conn.execute(
        f"""
        CREATE TEMP TABLE feed_bad ON COMMIT DROP AS
        SELECT j.*, l.line FROM (SELECT DISTINCT ON (sku, field, code, {_NAMELESS}) *, {_NAMELESS} AS nameless FROM feed_reject
                 WHERE account = %(account)s AND seller = %(seller)s ORDER BY sku, field, code, {_NAMELESS}, source_row, place) AS j
          LEFT JOIN pg_temp.feed_lines l ON l.line_hash = j.line_hash
        """,
        given,
    )
    conn.execute(
        f"CREATE TEMP TABLE feed_open ON COMMIT DROP AS SELECT sku, field, code, {_NAMELESS} AS nameless FROM feed_return r WHERE {_OPEN}",
        given,
    )
    staged = "SELECT sku FROM pg_temp.feed_staged WHERE sku IN (SELECT sku FROM pg_temp.feed_open)"
    conn.execute(f"CREATE TEMP TABLE feed_good ON COMMIT DROP AS {staged}")
    for table in ("feed_bad", "feed_open", "feed_good"):
        conn.execute(f"CREATE INDEX ON pg_temp.{table} (sku)")
        conn.execute(f"ANALYZE pg_temp.{table}")


# ── what the marketplace refused ─────────────────────────────────────────────────────────────────────────────


def add_refused(
    conn: Conn, account: str, seller: str, batch_id: str, refused: Sequence[Reject], at: "datetime"
) -> None:
    """Rows of a batch that they refused: told like ours, in the row of the seller's file. The same refusal again is told no second time."""
    columns = ("sku", "field", "code", "value", "message", "corrects")
    arrays = {name: texts([str(getattr(one, name)) for one in refused]) for name in columns}
    conn.execute(
        f"""
        WITH refused AS (
            SELECT o.file_id, o.source_row, g.* FROM unnest({", ".join(f"%({name})s::text[]" for name in columns)}) AS g ({", ".join(columns)})
              JOIN feed_offer o ON o.account = %(account)s AND o.seller = %(seller)s AND o.sku = g.sku),
        again AS (
            UPDATE feed_return r SET last_at = %(at)s, batch_id = %(batch)s, file_id = g.file_id, source_row = g.source_row FROM refused g
             WHERE r.account = %(account)s AND r.seller = %(seller)s AND r.ended_at IS NULL AND r.batch_id IS NOT NULL
               AND r.sku = g.sku AND r.message = g.message RETURNING r.sku),
        other AS (
            UPDATE feed_return r SET ended_at = %(at)s, ended_why = '{OTHERWISE}' FROM refused g
             WHERE r.account = %(account)s AND r.seller = %(seller)s AND r.ended_at IS NULL AND r.batch_id IS NOT NULL
               AND r.sku = g.sku AND r.message <> g.message)
        INSERT INTO feed_return (account, seller, file_id, source_row, sku, field, code, value, message, corrects, batch_id, first_at, last_at)
        SELECT %(account)s, %(seller)s, file_id, source_row, sku, field, code, value, message, corrects, %(batch)s, %(at)s, %(at)s
          FROM refused WHERE sku NOT IN (SELECT sku FROM again) ORDER BY source_row
        """,
        {"account": account, "seller": seller, "batch": batch_id, "at": at, **arrays},
    )


def end_refused(conn: Conn, account: str, seller: str, skus: str, at: "datetime", why: str = CORRECTED) -> int:
    """What the marketplace refused of the offers in the relation `skus` is over."""
    return conn.execute(
        f"UPDATE feed_return r SET ended_at = %s, ended_why = %s FROM {skus} s "
        "WHERE r.account = %s AND r.seller = %s AND r.ended_at IS NULL AND r.batch_id IS NOT NULL AND r.sku = s.sku",
        (at, why, account, seller),
    ).rowcount


def ours_to_mend(conn: Conn, account: str, sample: int) -> list[Row]:
    """Sellers of whom offers cannot be sent and who can do nothing about it, with a few SKUs and one reason."""
    return conn.execute(
        "SELECT seller, count(*) AS n, (array_agg(sku ORDER BY first_at, sku))[1:%s] AS skus, min(message) AS message FROM feed_return "
        "WHERE account = %s AND ended_at IS NULL AND corrects = 'operator' AND batch_id IS NOT NULL GROUP BY seller ORDER BY seller",
        (sample, account),
    ).fetchall()


# ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────


def untold(conn: Conn, account: str, seller: str) -> int:
    row = conn.execute(
        "SELECT count(*) AS n FROM feed_return WHERE account = %s AND seller = %s AND ended_at IS NULL AND notice_id IS NULL AND corrects = 'seller'",
        (account, seller),
    ).fetchone()
    return int(row["n"]) if row else 0


def tell(conn: Conn, account: str, seller: str, notice_id: str, limit: int) -> list[Row]:
    """Put every row that is on its way back and was not told yet into one message; returns them in the order of his file."""
    rows = conn.execute(
        "UPDATE feed_return SET notice_id = %(notice)s WHERE id IN (SELECT id FROM feed_return WHERE account = %(account)s AND seller = %(seller)s "
        "AND ended_at IS NULL AND notice_id IS NULL AND corrects = 'seller' ORDER BY source_row, id LIMIT %(limit)s) RETURNING *",
        {"account": account, "seller": seller, "notice": notice_id, "limit": limit},
    ).fetchall()
    return sorted(rows, key=lambda row: (row["source_row"], row["id"]))


def answered(conn: Conn, account: str, seller: str, at: "datetime") -> list[str]:
    """Messages of which nothing is rejected any more."""
    rows = conn.execute(
        "UPDATE feed_notice n SET answered_at = %s WHERE account = %s AND seller = %s AND answered_at IS NULL "
        "AND NOT EXISTS (SELECT FROM feed_return r WHERE r.notice_id = n.id AND r.ended_at IS NULL) RETURNING n.id",
        (at, account, seller),
    ).fetchall()
    return sorted(row["id"] for row in rows)


def offers_of(conn: Conn, account: str, seller: str, skus: Sequence[str]) -> dict[str, Row]:
    """Fed offers by SKU, with the header and columns of the file that fed them: to write a row in the seller's own columns."""
    rows = conn.execute(
        "SELECT o.*, f.header, f.columns FROM feed_offer o JOIN feed_file f ON f.id = o.file_id "
        "WHERE o.account = %s AND o.seller = %s AND o.sku = ANY(%s::text[]) ORDER BY o.sku",
        (account, seller, texts(list(skus))),
    ).fetchall()
    return {row["sku"]: row for row in rows}


def files(conn: Conn, ids: Sequence[str]) -> dict[str, Row]:
    rows = conn.execute("SELECT * FROM feed_file WHERE id = ANY(%s::text[]) ORDER BY id", (texts(list(ids)),)).fetchall()  # fmt: skip
    return {row["id"]: row for row in rows}


# ── per seller: when ─────────────────────────────────────────────────────────────────────────────────────────


def ask(conn: Conn, account: str, seller: str, *, publish_at: "datetime | None" = None, tell_at: "datetime | None" = None) -> None:  # fmt: skip
    """Have this seller looked at; an earlier time that stands already stays."""
    conn.execute(
        "INSERT INTO feed_seller AS kept (account, seller, publish_at, tell_at) VALUES (%(account)s, %(seller)s, %(publish)s, %(tell)s) "
        "ON CONFLICT (account, seller) DO UPDATE SET publish_at = least(kept.publish_at, excluded.publish_at), "
        "tell_at = least(kept.tell_at, excluded.tell_at)",
        {"account": account, "seller": seller, "publish": publish_at, "tell": tell_at},
    )


def seller_row(conn: Conn, account: str, seller: str) -> Row | None:
    return conn.execute("SELECT * FROM feed_seller WHERE account = %s AND seller = %s", (account, seller)).fetchone()


def add_notice(conn: Conn, row: Mapping[str, Any]) -> None:
    conn.execute(
        "INSERT INTO feed_notice (id, account, seller, rows, channel, state, taken_at) "
        "VALUES (%(id)s, %(account)s, %(seller)s, %(rows)s, %(channel)s, 'taken', %(at)s)",
        row,
    )
    conn.execute(
        "UPDATE feed_seller SET told_at = %(at)s, tell_at = NULL WHERE account = %(account)s AND seller = %(seller)s",
        row,
    )


def nothing_to_tell(conn: Conn, account: str, seller: str) -> None:
    conn.execute("UPDATE feed_seller SET tell_at = NULL WHERE account = %s AND seller = %s", (account, seller))


def tell_due(conn: Conn, account: str, now: "datetime", limit: int) -> list[str]:
    rows = conn.execute(
        "SELECT seller FROM feed_seller WHERE account = %s AND tell_at <= %s ORDER BY tell_at, seller LIMIT %s FOR UPDATE SKIP LOCKED",
        (account, now, limit),
    ).fetchall()
    return [row["seller"] for row in rows]


def notice(conn: Conn, notice_id: str) -> Row | None:
    return conn.execute("SELECT * FROM feed_notice WHERE id = %s FOR UPDATE", (notice_id,)).fetchone()


def move_notice(conn: Conn, notice_id: str, state: str, channel: str, words: str, at: "datetime | None") -> None:
    conn.execute(
        "UPDATE feed_notice SET state = %s, channel = %s, words = %s, delivered_at = %s WHERE id = %s",
        (state, channel, words, at, notice_id),
    )


LETTER = "feed:"  # before a notice's id: the key of its mail
LETTERS_SETTLED_SQL = f"""
    SELECT n.account FROM feed_notice n JOIN alert a ON a.key = '{LETTER}' || n.id
     WHERE n.state = 'taken' AND n.channel = 'mail-digest' AND a.state <> 'planned'
"""


def letters_settled(conn: Conn, account: str) -> list[Row]:
    return conn.execute(
        f"SELECT n.id, a.state, a.last_error FROM feed_notice n JOIN alert a ON a.key = '{LETTER}' || n.id "
        "WHERE n.account = %s AND n.state = 'taken' AND n.channel = 'mail-digest' AND a.state <> 'planned' ORDER BY n.id",
        (account,),
    ).fetchall()


def told_in(conn: Conn, notice_id: str) -> list[Row]:
    return conn.execute("SELECT * FROM feed_return WHERE notice_id = %s ORDER BY source_row, id", (notice_id,)).fetchall()  # fmt: skip


def unanswered(conn: Conn, account: str, seller: str) -> list[Row]:
    return conn.execute(
        "SELECT * FROM feed_notice WHERE account = %s AND seller = %s AND answered_at IS NULL ORDER BY id",
        (account, seller),
    ).fetchall()
