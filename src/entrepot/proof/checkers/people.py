"""What people must have heard: every failure has an owner, every broken promise was said in time."""

from datetime import datetime
from typing import Any

from entrepot.kernel.ctx import Conn
from entrepot.proof.checkers.finding import Books, Finding, rows
from entrepot.proof.figures import UNTOLD_MISSES, unowned


def everything_is_owned(conn: Conn, books: Books) -> list[Finding]:
    """No case without an owner, nothing that stands still without a case."""
    return [Finding("owners", "nobody owns it", what) for what in unowned(conn)]


def promises_are_kept_or_told(conn: Conn, books: Books) -> list[Finding]:
    """Every promise that should have been made was made, judged by their own instants, and none was broken in silence."""
    return nothing_is_missed_in_silence(conn, books) + _made(conn) + _acknowledged(conn, books)


def nothing_is_missed_in_silence(conn: Conn, books: Books) -> list[Finding]:
    """Whatever promise was broken had been told before; none that is due still stands."""
    found = [
        Finding("promises", f"{row['kind']} was missed at {row['due_at']} and nobody had been told", f"{row['object']} {row['object_id']}")
        for row in rows(conn, UNTOLD_MISSES)
    ]  # fmt: skip
    now = datetime.fromisoformat(books["world"]["now"])
    found += [
        Finding("promises", f"{row['kind']} was due at {row['due_at']} and is still {row['state']}", row["object_id"])
        for row in rows(conn, "SELECT * FROM obligation WHERE ended_at IS NULL AND due_at < %s ORDER BY id", now)
    ]
    return found


_EXPECTED = """
    SELECT 'acknowledge' AS kind, 'leg' AS object, id AS object_id, order_id AS name FROM leg
    UNION ALL SELECT 'settle-authorisation', 'basket', id, commercial_id FROM basket WHERE authorisation_expires_at IS NOT NULL
    UNION ALL SELECT 'refund-confirmed', 'refund', id, external_id FROM refund WHERE state NOT IN ('awaiting-approval', 'refused')
"""


def _made(conn: Conn) -> list[Finding]:
    missing = rows(
        conn,
        f"SELECT x.* FROM ({_EXPECTED}) AS x WHERE NOT EXISTS (SELECT FROM obligation o"
        " WHERE (o.kind, o.object, o.object_id) = (x.kind, x.object, x.object_id)) ORDER BY x.kind, x.name",
    )
    return [Finding("promises", f"{row['kind']} was never promised", row["name"]) for row in missing]


def _acknowledged(conn: Conn, books: Books) -> list[Finding]:
    """`acknowledge` is met exactly when the seller decided within the window, by the marketplace's own instant."""
    told = rows(
        conn,
        "SELECT l.order_id, l.state AS leg, o.state, o.due_at FROM leg l"
        " JOIN obligation o ON o.object_id = l.id AND o.kind = 'acknowledge' ORDER BY l.order_id",
    )
    by_order = {row["order_id"]: row for row in told}
    found = []
    for order in books["mirakl"]["orders"]:
        row = by_order.get(order["order_id"])
        if row is not None and order["decided_at"]:
            expected = _verdict(order, row)
            if row["state"] not in expected:
                found.append(Finding("promises", f"acknowledge is {row['state']}, should be {' or '.join(expected)}", order["order_id"]))  # fmt: skip
    return found


def _verdict(order: dict[str, Any], row: dict[str, Any]) -> tuple[str, ...]:
    if row["leg"] == "expired":
        return ("missed",)
    return ("met",) if datetime.fromisoformat(order["decided_at"]) <= row["due_at"] else ("met-late", "missed")


def everybody_was_told(conn: Conn, books: Books) -> list[Finding]:
    """Every case was said to its owner's team, alone or in one alert for a storm; no alert still waits."""
    silent = rows(
        conn,
        "SELECT c.number, c.mode FROM case_file c WHERE NOT EXISTS (SELECT FROM alert a WHERE a.case_id = c.id"
        " OR a.body ~ ('All of them:.*\\m' || c.number || '\\M')) ORDER BY c.number",
    )
    found = [Finding("alerts", f"{row['mode']}: nobody was told", f"case {row['number']}") for row in silent]
    waiting = rows(conn, "SELECT key FROM alert WHERE state = 'planned' ORDER BY seq")
    return found + [Finding("alerts", "it still waits to be sent", row["key"]) for row in waiting]
