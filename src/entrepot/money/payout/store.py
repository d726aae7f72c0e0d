"""All SQL of payouts."""

from collections.abc import Sequence

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows, update_rows


def by_cycle(conn: Conn, account: str, cycle_ids: Sequence[str]) -> dict[str, Row]:
    rows = conn.execute(
        "SELECT * FROM payout WHERE account = %(account)s AND cycle_id = ANY(%(ids)s) ORDER BY id FOR UPDATE NOWAIT",
        {"account": account, "ids": list(cycle_ids)},
    ).fetchall()
    return {row["cycle_id"]: row for row in rows}


def by_voucher(conn: Conn, account: str, voucher: str) -> Row | None:
    return conn.execute(
        """
        SELECT * FROM payout WHERE account = %(account)s AND voucher = %(voucher)s AND voucher <> ''
         ORDER BY computed_at DESC, id LIMIT 1 FOR UPDATE NOWAIT
        """,
        {"account": account, "voucher": voucher},
    ).fetchone()


def by_transfers(conn: Conn, transfer_ids: Sequence[str]) -> list[Row]:
    return conn.execute(
        "SELECT * FROM payout WHERE transfer_id = ANY(%(ids)s) ORDER BY id FOR UPDATE NOWAIT",
        {"ids": list(transfer_ids)},
    ).fetchall()


def insert(conn: Conn, rows: Sequence[Row]) -> None:
    insert_rows(conn, "payout", rows)


def update(conn: Conn, rows: Sequence[Row]) -> None:
    update_rows(conn, "payout", rows)
