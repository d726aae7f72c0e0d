"""All SQL of refunds, their confirmations, and returns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows

WITNESSES = ("marketplace", "gateway", "books")


def insert_refunds(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Refunds not known yet; returns their external ids."""
    new = insert_rows(
        conn, "refund", rows, on_conflict="ON CONFLICT (leg_id, external_id) DO NOTHING", returning="external_id"
    )
    return [row["external_id"] for row in new]


def refunds(conn: Conn, account: str, external_ids: Sequence[str]) -> dict[str, Row]:
    """Refunds with the ids of their leg and line, by the marketplace's refund id."""
    rows = conn.execute(
        "SELECT r.*, l.order_id, l.basket_id, b.commercial_id, n.order_line_id FROM refund r JOIN leg l ON l.id = r.leg_id JOIN basket b ON b.id = l.basket_id "
        "LEFT JOIN line n ON n.id = r.line_id WHERE l.account = %s AND r.external_id = ANY(%s) ORDER BY r.external_id",
        (account, list(external_ids)),
    ).fetchall()
    return {row["external_id"]: row for row in rows}


def earlier_refunds(conn: Conn, line_id: str, but: str) -> tuple[int, int]:
    """Item and shipping already given back for a line, minor units, without the refund `but`."""
    row = conn.execute(
        "SELECT coalesce(sum(amount_minor - shipping_minor), 0)::bigint AS item, coalesce(sum(shipping_minor), 0)::bigint AS shipping "
        "FROM refund WHERE line_id = %s AND id <> %s AND state IN ('cleared', 'posted')",
        (line_id, but),
    ).fetchone()
    assert row is not None
    return row["item"], row["shipping"]


def move_refund(conn: Conn, refund_id: str, to: str) -> None:
    conn.execute("UPDATE refund SET state = %s WHERE id = %s", (to, refund_id))


def expect_confirmations(conn: Conn, refund_id: str, due: Mapping[str, datetime]) -> None:
    rows = [{"refund_id": refund_id, "witness": witness, "due_at": at} for witness, at in sorted(due.items())]
    insert_rows(conn, "refund_confirmation", rows, on_conflict="ON CONFLICT DO NOTHING")


def confirm(conn: Conn, refund_id: str, witness: str, at: datetime, source: str) -> bool:
    """One witness spoke. True when it was the last one."""
    conn.execute(
        "UPDATE refund_confirmation SET confirmed_at = %s, source = %s WHERE refund_id = %s AND witness = %s AND confirmed_at IS NULL",
        (at, source, refund_id, witness),
    )
    row = conn.execute(
        "SELECT count(*) AS known, count(confirmed_at) AS had FROM refund_confirmation WHERE refund_id = %s",
        (refund_id,),
    ).fetchone()
    assert row is not None
    return bool(row["known"] and row["known"] == row["had"])


def returns(conn: Conn, leg_ids: Sequence[str]) -> dict[str, Row]:
    rows = conn.execute(
        "SELECT * FROM return_file WHERE leg_id = ANY(%s) ORDER BY external_id", (list(leg_ids),)
    ).fetchall()
    return {row["external_id"]: row for row in rows}


def upsert_return(conn: Conn, row: Mapping[str, Any]) -> None:
    insert_rows(
        conn,
        "return_file",
        [row],
        on_conflict="ON CONFLICT (leg_id, external_id) DO UPDATE SET state = excluded.state, their_state = excluded.their_state, reason = excluded.reason, "
        "plan_hash = excluded.plan_hash, decided_at = excluded.decided_at",
    )
