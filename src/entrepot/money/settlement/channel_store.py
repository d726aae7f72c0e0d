"""SQL of a channel's settlement with us as the seller: its lines, and what our own orders say of them."""

from collections.abc import Sequence

from entrepot.kernel.ctx import Conn, Row
from entrepot.money.settlement.model import LineType
from entrepot.money.settlement.states import LineState

SALE = frozenset({LineType.ORDER_AMOUNT, LineType.ORDER_SHIPPING_AMOUNT})
BACK = frozenset({LineType.REFUND_ORDER_AMOUNT, LineType.REFUND_ORDER_SHIPPING_AMOUNT})


def lines(conn: Conn, statement_id: str) -> list[Row]:
    return conn.execute("SELECT * FROM statement_line WHERE statement_id = %s ORDER BY line_no, id", (statement_id,)).fetchall()  # fmt: skip


def mark_lines(conn: Conn, found: Sequence[tuple[Row, bool]]) -> None:
    """Which lines hold. Only a sale or a refund has our orders as its witness; a fee is what they say it is."""
    conn.execute(
        "UPDATE statement_line l SET matched = v.matched, witness = v.witness "
        "FROM unnest(%s::text[], %s::text[], %s::text[]) AS v (id, matched, witness) WHERE l.id = v.id",
        (
            [line["id"] for line, _ in found],
            [str(LineState.MATCHED if good else LineState.VARIANCE) for _, good in found],
            ["order" if good and line["line_type"] in SALE | BACK else "" for line, good in found],
        ),
    )


def legs(conn: Conn, account: str, order_ids: Sequence[str]) -> dict[str, Row]:
    rows = conn.execute(
        "SELECT order_id, debited_minor, state FROM leg WHERE account = %s AND order_id = ANY(%s) ORDER BY order_id",
        (account, list(order_ids)),
    ).fetchall()
    return {row["order_id"]: row for row in rows}


def told(conn: Conn, account: str, order_ids: Sequence[str], but: str) -> dict[tuple[str, bool], int]:
    """What statements that were looked at, `but` this one, have said of these orders."""
    rows = conn.execute(
        "SELECT l.order_id, l.line_type = ANY(%(sale)s) AS sale, sum(l.amount_minor)::bigint AS minor FROM statement_line l "
        "JOIN statement s ON s.id = l.statement_id AND s.id <> %(but)s WHERE l.account = %(account)s AND l.order_id = ANY(%(orders)s) "
        "AND s.state IN ('matched', 'explained', 'closed') AND l.line_type = ANY(%(both)s) GROUP BY l.order_id, sale ORDER BY l.order_id",
        {
            "account": account,
            "orders": list(order_ids),
            "but": but,
            "sale": sorted(SALE),
            "both": sorted(SALE | BACK),
        },
    ).fetchall()
    return {(row["order_id"], row["sale"]): row["minor"] for row in rows}
