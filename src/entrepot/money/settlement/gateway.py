"""What only a gateway's own report says is posted from it: its fees, and what it paid out to our bank."""

from collections.abc import Sequence

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.money.ledger import journals
from entrepot.money.ledger import service as ledger
from entrepot.money.ledger.model import Journal
from entrepot.money.ledger.service import UnknownJournal
from entrepot.money.settlement.model import LineType
from entrepot.money.settlement.states import LineState


def post_fees_and_payouts(conn: Conn, ctx: Ctx, statement: Row, rows: Sequence[Row], root: str) -> int:
    """Gives how many facts were new. A second report of the same line is the same fact."""
    found = [
        journal
        for row in rows
        if row["matched"] == LineState.OPEN and (journal := _journal(statement, row, root)) is not None
    ]
    return len(ledger.post(conn, ctx, found))


def take_back(conn: Conn, ctx: Ctx, statement: Row, rows: Sequence[Row], because: str) -> None:
    """The report was issued again: what was posted from the old version is reversed, the new one posts its own."""
    for row in rows:
        if row["line_type"] in (LineType.GATEWAY_FEE, LineType.GATEWAY_PAYOUT):
            try:
                ledger.reverse(conn, ctx, _key(statement, row), because=because)
            except UnknownJournal:  # the old version was never matched
                continue


def _key(statement: Row, row: Row) -> str:
    """A fact of one version of the report: the next version's is another fact, or the same said anew."""
    return f"{row['line_type'].lower()}:{row['account']}:{row['external_id']}:{statement['version']}"


def _journal(statement: Row, row: Row, root: str) -> Journal | None:
    head: journals.Head = {
        "key": _key(statement, row),
        "account": statement["account"],
        "root": root,
        "at": row["posted_at"],
        "currency": row["currency"],
    }
    if row["line_type"] == LineType.GATEWAY_FEE:
        return journals.gateway_fee(operation_id=row["reference"], amount_minor=-row["amount_minor"], **head)
    if row["line_type"] == LineType.GATEWAY_PAYOUT and row["amount_minor"] < 0:
        return journals.gateway_paid_out(operation_id=row["reference"], amount_minor=-row["amount_minor"], **head)
    return None
