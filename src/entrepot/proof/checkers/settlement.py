"""Statements and payouts: nothing of theirs is missing here, and every cent of a difference stands under a cause."""

from collections import Counter
from typing import Any

from entrepot.kernel.ctx import Conn
from entrepot.proof.checkers.finding import Books, Finding, differs, rows, unpaired

NEWEST = "NOT EXISTS (SELECT FROM statement n WHERE (n.account, n.kind, n.external_id) = (s.account, s.kind, s.external_id) AND n.version > s.version)"


def statements_agree(conn: Conn, books: Books) -> list[Finding]:
    """Every line and every cycle of the marketplace and every closed day of the gateway arrived, with the same amounts."""
    lines = rows(
        conn,
        f"SELECT l.* FROM statement_line l LEFT JOIN statement s ON s.id = l.statement_id WHERE s.id IS NULL OR {NEWEST}",
    )
    ours = {row["external_id"]: row for row in lines if row["author"] == "marketplace"}
    theirs = {row["id"]: row for row in books["mirakl"]["transaction_lines"]}
    found = unpaired("statements", "a transaction line", theirs, ours)
    for line_id in sorted(theirs.keys() & ours.keys()):
        line = theirs[line_id]
        told = {"type": line["type"], "amount_minor": line["credited_minor"] - line["debited_minor"], "currency": line["currency"],
                "seller_id": str(line["shop_id"]), "order_id": line["order_id"] or ""}  # fmt: skip
        found += differs("statements", f"line {line_id}", told, ours[line_id])
    return found + _whole(conn, books) + _explained(conn, lines)


def _whole(conn: Conn, books: Books) -> list[Finding]:
    """Cycles and reports, by id and total."""
    rows_ = rows(conn, f"SELECT s.* FROM statement s WHERE {NEWEST} ORDER BY external_id")
    cycles = {row["cycle_id"]: row["amount_minor"] for row in books["mirakl"]["cycles"]}
    days = {row["id"]: row["net_minor"] for row in books["gateway"]["settlements"] if row["state"] == "closed"}
    found = []
    for author, theirs in (("marketplace", cycles), ("gateway", days)):
        ours = {row["external_id"]: row["their_total_minor"] for row in rows_ if row["author"] == author}
        found += unpaired("statements", f"a statement of the {author}", theirs, ours)
        for one in sorted(theirs.keys() & ours.keys()):
            found += differs("statements", one, {"total_minor": theirs[one]}, {"total_minor": ours[one]})
    return found


def _explained(conn: Conn, lines: list[dict[str, Any]]) -> list[Finding]:
    """Every statement was taken to its end: balanced, matched, and each line either matched or under a variance."""
    found = []
    for row in rows(
        conn, f"SELECT s.* FROM statement s WHERE {NEWEST} AND s.state NOT IN ('explained', 'closed') ORDER BY s.id"
    ):
        found.append(Finding("statements", f"it never got beyond {row['state']}", row["external_id"]))
    open_lines = Counter(row["statement_id"] for row in lines if row["statement_id"] and row["matched"] == "open")
    found += [Finding("statements", f"{n} lines were never looked at", statement) for statement, n in open_lines.items()]  # fmt: skip
    closed_with_open = rows(
        conn,
        "SELECT s.external_id, count(*) AS n FROM statement s JOIN variance v ON v.statement_id = s.id"
        " WHERE s.state = 'closed' AND v.state = 'open' GROUP BY s.external_id ORDER BY 1",
    )
    found += [Finding("statements", f"closed with {row['n']} open differences", row["external_id"]) for row in closed_with_open]  # fmt: skip
    return found


def payouts_agree(conn: Conn, books: Books) -> list[Finding]:
    """Every voucher the gateway paid is a payout of ours for the same money, confirmed to the marketplace."""
    ours = {row["voucher"]: row for row in rows(conn, "SELECT * FROM payout WHERE voucher <> '' ORDER BY voucher")}
    cycles = {row["voucher"]: row for row in books["mirakl"]["cycles"] if row["voucher"] and row["amount_minor"] > 0}
    found = unpaired("payouts", "a voucher", cycles, [v for v, row in ours.items() if row["amount_minor"] > 0])
    paid = {row["reference"]: row for row in books["gateway"]["operations"] if row["operation"] == "transfer"}
    for voucher in sorted(cycles.keys() & ours.keys()):
        cycle, row = cycles[voucher], ours[voucher]
        told = {"amount_minor": cycle["amount_minor"], "seller_id": str(cycle["shop_id"]), "currency": cycle["currency"]}  # fmt: skip
        found += differs("payouts", voucher, told, row)
        transfer = paid.get(voucher)
        if transfer and transfer["state"] == "paid":
            end = {"pay_out_state": cycle["pay_out_state"], "confirmed": row["state"] in ("confirmed", "bank-matched", "done")}  # fmt: skip
            found += differs("payouts", voucher, {"pay_out_state": "PAID", "confirmed": True}, end)
    return found
