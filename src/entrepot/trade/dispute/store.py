"""All SQL of disputes, and of refunds that channels made."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows


def keep_disputes(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """As the channel shows them; older news changes nothing. Returns the channel's ids of those that are new."""
    new = insert_rows(
        conn,
        "dispute",
        rows,
        on_conflict="ON CONFLICT (account, dispute_id) DO UPDATE SET state = excluded.state, their_state = excluded.their_state, "
        "revision = excluded.revision, respond_by = excluded.respond_by, changed_at = excluded.changed_at, amount_minor = excluded.amount_minor "
        "WHERE dispute.changed_at <= excluded.changed_at",
        returning="dispute_id, (xmax = 0) AS is_new",
    )
    return {row["dispute_id"] for row in new if row["is_new"]}


def dispute(conn: Conn, account: str, dispute_id: str) -> Row | None:
    return conn.execute(
        "SELECT * FROM dispute WHERE account = %s AND dispute_id = %s", (account, dispute_id)
    ).fetchone()


def answered(conn: Conn, account: str, dispute_id: str, at: datetime) -> None:
    conn.execute(
        "UPDATE dispute SET answered_at = %s WHERE account = %s AND dispute_id = %s AND answered_at IS NULL",
        (at, account, dispute_id),
    )


def keep_refunds(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Refunds of a channel that we did not know; the same again is the same."""
    new = insert_rows(
        conn,
        "channel_refund",
        rows,
        on_conflict="ON CONFLICT (account, refund_id) DO NOTHING",
        returning="refund_id",
    )
    return {row["refund_id"] for row in new}


def booked(conn: Conn, account: str, refund_id: str, document_number: str, at: datetime) -> None:
    conn.execute(
        "UPDATE channel_refund SET booked_at = %s, document_number = %s WHERE account = %s AND refund_id = %s AND booked_at IS NULL",
        (at, document_number, account, refund_id),
    )


def named(conn: Conn, dispute: str, account: str = "") -> list[Row]:
    """Disputes by our id or the channel's, locked, with the commercial id of their basket; not to be had is Busy."""
    return conn.execute(
        "SELECT d.*, (SELECT b.commercial_id FROM leg l JOIN basket b ON b.id = l.basket_id WHERE l.id = d.leg_id) AS commercial_id "
        "FROM dispute d WHERE (d.id = %(v)s OR d.dispute_id = %(v)s) AND (%(account)s = '' OR d.account = %(account)s) "
        "ORDER BY d.account FOR UPDATE OF d NOWAIT",
        {"v": dispute, "account": account},
    ).fetchall()
