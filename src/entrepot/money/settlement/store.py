"""All SQL of statements, their lines, matches and variances.

A statement that was issued again has a newer version; its older lines keep their content under `<line id>~<version>`,
so that a plain line id always names the line that counts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows, update_rows

LEDGER_ACCOUNT = {"marketplace": "seller-payable", "gateway": "gateway-clearing", "bank": "bank"}
SIGN = {"marketplace": -1, "gateway": 1, "bank": 1}  # from our debit-positive postings to their view
NEWEST = "NOT EXISTS (SELECT FROM statement n WHERE (n.account, n.kind, n.external_id) = (s.account, s.kind, s.external_id) AND n.version > s.version)"


# -- statements --------------------------------------------------------------------------------------------------------


def newest(conn: Conn, account: str, author: str, external_ids: Sequence[str]) -> dict[str, Row]:
    """Statements by external id, locked; Busy when another transaction has one."""
    rows = conn.execute(
        f"""
        SELECT s.* FROM statement s
         WHERE account = %(account)s AND author = %(author)s AND external_id = ANY(%(ids)s) AND {NEWEST}
         ORDER BY id FOR UPDATE NOWAIT
        """,
        {"account": account, "author": author, "ids": list(external_ids)},
    ).fetchall()
    return {row["external_id"]: row for row in rows}


def locked(conn: Conn, statement_id: str) -> Row | None:
    return conn.execute("SELECT * FROM statement WHERE id = %(id)s FOR UPDATE NOWAIT", {"id": statement_id}).fetchone()


def insert_statements(conn: Conn, rows: Sequence[Row]) -> None:
    insert_rows(conn, "statement", rows)


def update_statements(conn: Conn, rows: Sequence[Row]) -> None:
    update_rows(conn, "statement", rows)


def advancing(conn: Conn, account: str, limit: int) -> list[str]:
    """Statements that are not through yet, oldest first; those that wait for a decision are not among them."""
    rows = conn.execute(
        f"""
        SELECT s.id FROM statement s
         WHERE account = %(account)s AND state NOT IN ('explained', 'closed') AND {NEWEST}
         ORDER BY announced_at, id LIMIT %(limit)s
        """,
        {"account": account, "limit": limit},
    ).fetchall()
    return [row["id"] for row in rows]


def explained(conn: Conn, account: str, limit: int) -> list[Row]:
    """Statements that wait for decisions, locked where free."""
    return conn.execute(
        f"""
        SELECT s.* FROM statement s
         WHERE account = %(account)s AND state = 'explained' AND {NEWEST}
         ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        """,
        {"account": account, "limit": limit},
    ).fetchall()


# -- lines -------------------------------------------------------------------------------------------------------------


def lines_by_external(conn: Conn, account: str, author: str, external_ids: Sequence[str]) -> dict[str, Row]:
    rows = conn.execute(
        """
        SELECT * FROM statement_line
         WHERE account = %(account)s AND author = %(author)s AND external_id = ANY(%(ids)s) ORDER BY id
        """,
        {"account": account, "author": author, "ids": list(external_ids)},
    ).fetchall()
    return {row["external_id"]: row for row in rows}


def insert_lines(conn: Conn, rows: Sequence[Row]) -> None:
    insert_rows(conn, "statement_line", rows)


def update_lines(conn: Conn, rows: Sequence[Row]) -> None:
    update_rows(conn, "statement_line", rows)


def attach_waiting(conn: Conn, account: str, author: str, cycle_id: str, statement_id: str) -> int:
    """Lines that came before their statement was announced."""
    return conn.execute(
        """
        UPDATE statement_line SET statement_id = %(statement)s
         WHERE statement_id IS NULL AND account = %(account)s AND author = %(author)s AND raw ->> 'cycle' = %(cycle)s
        """,
        {"statement": statement_id, "account": account, "author": author, "cycle": cycle_id},
    ).rowcount


def lines_of(conn: Conn, statement_id: str) -> list[Row]:
    return conn.execute(
        "SELECT * FROM statement_line WHERE statement_id = %(id)s ORDER BY line_no, posted_at, external_id",
        {"id": statement_id},
    ).fetchall()


def waiting_lines(conn: Conn, statement: Row) -> list[Row]:
    """Lines of the same seller in no cycle yet that nothing was matched with."""
    return conn.execute(
        """
        SELECT * FROM statement_line
         WHERE statement_id IS NULL AND account = %(account)s AND author = %(author)s AND seller_id = %(seller_id)s
           AND matched = 'open' AND line_type <> 'PAYMENT' ORDER BY posted_at, external_id
        """,
        statement,
    ).fetchall()


def matched_lines(conn: Conn, statement: Row, orders: Sequence[str]) -> list[Row]:
    """Lines of other statements about these orders that stand for something already."""
    return conn.execute(
        f"""
        SELECT l.* FROM statement_line l JOIN statement s ON s.id = l.statement_id
         WHERE l.order_id = ANY(%(orders)s) AND l.account = %(account)s AND l.author = %(author)s
           AND l.statement_id <> %(id)s AND l.matched = 'matched' AND {NEWEST}
         ORDER BY l.posted_at, l.external_id
        """,
        {"orders": list(orders), **statement},
    ).fetchall()


def payment_lines(conn: Conn, account: str, vouchers: Sequence[str]) -> list[Row]:
    return conn.execute(
        """
        SELECT * FROM statement_line
         WHERE account = %(account)s AND author = 'marketplace' AND reference = ANY(%(vouchers)s)
           AND line_type = 'PAYMENT' AND matched = 'open' ORDER BY posted_at, external_id
        """,
        {"account": account, "vouchers": list(vouchers)},
    ).fetchall()


def totals(conn: Conn, statement: Row) -> Row:
    """`lines_minor`: its own lines; `carried_minor`: lines of cycles carried over that its voucher pays; `count`."""
    row = conn.execute(
        """
        SELECT count(*) AS count,
               coalesce(sum(amount_minor) FILTER (WHERE statement_id = %(id)s), 0)::bigint AS lines_minor,
               coalesce(sum(amount_minor) FILTER (WHERE statement_id <> %(id)s), 0)::bigint AS carried_minor
          FROM statement_line
         WHERE line_type <> 'PAYMENT' AND currency = %(currency)s
           AND (statement_id = %(id)s
                OR (%(voucher)s <> '' AND voucher = %(voucher)s AND statement_id IN (
                    SELECT s.id FROM statement s
                     WHERE s.account = %(account)s AND s.author = %(author)s AND s.seller_id = %(seller_id)s
                       AND s.currency = %(currency)s AND s.voucher = '' AND s.id <> %(id)s)))
        """,
        statement,
    ).fetchone()
    assert row is not None  # an aggregate always has a row
    return row


# -- our side ----------------------------------------------------------------------------------------------------------

_OURS = """
    p.journal_id, p.number, p.line_type, p.currency, p.witness, p.order_id, p.order_line_id, p.reference,
    p.amount_minor * %(sign)s AS amount_minor,
    NOT EXISTS (SELECT FROM line_match m WHERE m.journal_id = p.journal_id AND m.posting_number = p.number)
    AND NOT EXISTS (SELECT FROM variance v WHERE v.state = 'accepted'
                    AND split_part(v.id, '~', 1) = 'var_' || p.journal_id || '_' || p.number) AS free
"""


def _side(statement: Row) -> dict[str, Any]:
    author = statement["author"]
    return {
        "account": statement["account"],
        "seller": statement["seller_id"],
        "ledger": LEDGER_ACCOUNT[author],
        "sign": SIGN[author],
    }


def postings_about(conn: Conn, statement: Row, orders: Sequence[str], references: Sequence[str]) -> list[Row]:
    """Postings that answer lines of this author about these orders or references, matched or not."""
    return conn.execute(
        f"""
        SELECT {_OURS} FROM posting p JOIN journal j ON j.id = p.journal_id
         WHERE p.line_type <> '' AND p.ledger_account = %(ledger)s AND j.account = %(account)s
           AND (%(seller)s = '' OR p.seller_id = %(seller)s)
           AND (p.journal_id, p.number) IN (
               SELECT journal_id, number FROM posting WHERE order_id = ANY(%(orders)s) AND order_id <> ''
               UNION SELECT journal_id, number FROM posting WHERE reference = ANY(%(references)s) AND reference <> '')
         ORDER BY j.seq, p.number
        """,
        {**_side(statement), "orders": list(orders), "references": list(references)},
    ).fetchall()


def postings_unlisted(conn: Conn, statement: Row, since: datetime, until: datetime) -> list[Row]:
    """Postings that should have been listed by now, and are on no line of any statement, flagged or not."""
    return conn.execute(
        f"""
        SELECT j.key, j.reverses, {_OURS} FROM posting p JOIN journal j ON j.id = p.journal_id
         WHERE p.line_type NOT IN ('', 'PAYMENT') AND p.ledger_account = %(ledger)s AND j.account = %(account)s
           AND (%(seller)s = '' OR p.seller_id = %(seller)s) AND p.currency = %(currency)s
           AND j.effective_at >= %(since)s AND j.effective_at < %(until)s
           AND NOT EXISTS (SELECT FROM line_match m WHERE m.journal_id = p.journal_id AND m.posting_number = p.number)
           AND NOT EXISTS (SELECT FROM variance v WHERE v.state <> 'corrected'
                           AND split_part(v.id, '~', 1) = 'var_' || p.journal_id || '_' || p.number)
         ORDER BY j.seq, p.number
        """,
        {**_side(statement), "currency": statement["currency"], "since": since, "until": until},
    ).fetchall()


def insert_matches(conn: Conn, rows: Sequence[Row]) -> None:
    insert_rows(conn, "line_match", rows, "ON CONFLICT DO NOTHING")


def delete_matches(conn: Conn, line_ids: Sequence[str]) -> None:
    conn.execute("DELETE FROM line_match WHERE line_id = ANY(%(ids)s)", {"ids": list(line_ids)})


def matched_total(conn: Conn, statement: Row) -> int:
    """What our postings matched with this statement's lines add up to, each counted once, signed as they do."""
    row = conn.execute(
        """
        SELECT coalesce(sum(p.amount_minor), 0)::bigint * %(sign)s AS minor
          FROM posting p
         WHERE p.currency = %(currency)s AND (p.journal_id, p.number) IN (
               SELECT m.journal_id, m.posting_number FROM line_match m JOIN statement_line l ON l.id = m.line_id
                WHERE l.statement_id = %(id)s AND l.line_type <> 'PAYMENT')
        """,
        {"id": statement["id"], "currency": statement["currency"], **_side(statement)},
    ).fetchone()
    return int(row["minor"]) if row else 0


# -- variances ---------------------------------------------------------------------------------------------------------


def insert_variances(conn: Conn, rows: Sequence[Row]) -> None:
    insert_rows(conn, "variance", rows)


def update_variances(conn: Conn, rows: Sequence[Row]) -> None:
    update_rows(conn, "variance", rows)


def variances_of(conn: Conn, statement_id: str) -> list[Row]:
    return conn.execute(
        "SELECT * FROM variance WHERE statement_id = %(id)s ORDER BY cause, order_id, order_line_id, id",
        {"id": statement_id},
    ).fetchall()


def missing_flags(conn: Conn, posting_ids: Sequence[str]) -> list[Row]:
    """Open variances that said of these postings that no line lists them."""
    return conn.execute(
        """
        SELECT v.* FROM variance v
         WHERE v.state = 'open' AND v.cause = 'missing-in-statement' AND split_part(v.id, '~', 1) = ANY(%(ids)s)
         ORDER BY v.id
        """,
        {"ids": list(posting_ids)},
    ).fetchall()
