"""All SQL of records that are to be read again by their id. Rows are only added; whoever looks takes all of one record together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows

_SAME = "WHERE account = %(account)s AND kind = %(kind)s AND external_id = %(external_id)s AND id <= %(last)s"


def ask(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(conn, "lookup_asked", rows)


def due(conn: Conn, account: str, now: datetime, limit: int) -> list[Row]:
    """Records to look at, the longest asked first: kind, external_id, tries, and the last row that asks for it."""
    return conn.execute(
        "SELECT kind, external_id, max(tries) AS tries, max(id) AS last FROM lookup_asked "
        "WHERE account = %s AND due_at <= %s GROUP BY kind, external_id ORDER BY min(id) LIMIT %s",
        (account, now, limit),
    ).fetchall()


def answered(conn: Conn, account: str, row: Row) -> None:
    """It was read, or given up; who asks again meanwhile is looked at again."""
    conn.execute(f"DELETE FROM lookup_asked {_SAME}", {**row, "account": account})


def postpone(conn: Conn, account: str, row: Row, until: datetime, *, failed: bool) -> None:
    conn.execute(
        f"UPDATE lookup_asked SET tries = tries + %(failed)s, due_at = %(until)s {_SAME}",
        {**row, "account": account, "failed": int(failed), "until": until},
    )
