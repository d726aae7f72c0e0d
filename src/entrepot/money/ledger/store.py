"""All SQL of the ledger. Rows of journal and posting are only ever added."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows


def insert_journals(conn: Conn, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Keys that were not there before."""
    return {row["key"] for row in insert_rows(conn, "journal", rows, "ON CONFLICT (key) DO NOTHING", "key")}


def insert_postings(conn: Conn, rows: Sequence[dict[str, Any]]) -> None:
    """All postings of all new journals in one statement: the zero-sum trigger runs once."""
    insert_rows(conn, "posting", rows)


def journals_by_key(conn: Conn, keys: Sequence[str]) -> list[Row]:
    return conn.execute("SELECT * FROM journal WHERE key = ANY(%(keys)s) ORDER BY seq", {"keys": list(keys)}).fetchall()


def postings_of(conn: Conn, journal_ids: Sequence[str]) -> list[Row]:
    return conn.execute(
        "SELECT * FROM posting WHERE journal_id = ANY(%(ids)s) ORDER BY journal_id, number", {"ids": list(journal_ids)}
    ).fetchall()


def balances(conn: Conn, *, ledger_account: str | None, seller_id: str | None) -> list[Row]:
    return conn.execute(
        """
        SELECT ledger_account, currency, sum(amount_minor)::bigint AS balance_minor, count(*) AS postings
          FROM posting
         WHERE (%(ledger_account)s::text IS NULL OR ledger_account = %(ledger_account)s)
           AND (%(seller_id)s::text IS NULL OR seller_id = %(seller_id)s)
         GROUP BY ledger_account, currency ORDER BY ledger_account, currency
        """,
        {"ledger_account": ledger_account, "seller_id": seller_id},
    ).fetchall()


def of_root(conn: Conn, root: str, limit: int) -> list[Row]:
    return conn.execute(
        """
        SELECT j.seq, j.fact, j.key, j.account, j.effective_at, j.posted_at, j.memo, j.reverses, p.number,
               p.ledger_account, p.currency, p.amount_minor, p.seller_id, p.order_id, p.order_line_id, p.reference,
               p.line_type, p.witness
          FROM journal j JOIN posting p ON p.journal_id = j.id
         WHERE j.root = %(root)s ORDER BY j.seq, p.number LIMIT %(limit)s
        """,
        {"root": root, "limit": limit},
    ).fetchall()


def unbalanced(conn: Conn, limit: int) -> list[Row]:
    return conn.execute(
        "SELECT journal_id, currency, off_minor FROM unbalanced_journal ORDER BY journal_id, currency LIMIT %(limit)s",
        {"limit": limit},
    ).fetchall()


def in_period(conn: Conn, since: datetime, until: datetime, after_seq: int, limit: int) -> list[Row]:
    """Whole journals, oldest first; `after_seq` pages on."""
    return conn.execute(
        """
        SELECT j.seq, j.fact, j.key, j.root, j.effective_at, j.memo, p.number, p.ledger_account, p.currency,
               p.amount_minor, p.seller_id, p.order_id, p.reference, p.witness
          FROM (SELECT * FROM journal
                 WHERE seq > %(after_seq)s AND effective_at >= %(since)s AND effective_at < %(until)s
                 ORDER BY seq LIMIT %(limit)s) j
          JOIN posting p ON p.journal_id = j.id
         ORDER BY j.seq, p.number
        """,
        {"since": since, "until": until, "after_seq": after_seq, "limit": limit},
    ).fetchall()
