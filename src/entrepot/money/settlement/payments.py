"""The payment line of a voucher: outside the statement's own sum, held against the payout we heard of."""

from collections.abc import Sequence
from typing import Any

from entrepot.cases.model import CaseAsked
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.money import Money
from entrepot.money.settlement import rules, store
from entrepot.money.settlement.model import Author, LineType
from entrepot.money.settlement.rules import Line, Ours, Pair
from entrepot.money.settlement.states import LineState


def match(conn: Conn, account: str, vouchers: Sequence[str]) -> list[CaseAsked]:
    """Match open payment lines of these vouchers with payouts in the books; gives cases for those that differ.

    Called when such a line arrives and when a payout is heard of: whichever comes second finds the other.
    """
    cases: list[CaseAsked] = []
    rows = store.payment_lines(conn, account, vouchers) if vouchers else []
    for seller_id in sorted({row["seller_id"] for row in rows}):
        mine = [row for row in rows if row["seller_id"] == seller_id]
        side = {"account": account, "author": str(Author.MARKETPLACE), "seller_id": seller_id}
        ours = [as_ours(row) for row in store.postings_about(conn, side, [], vouchers)]
        result = rules.match([as_line(row) for row in mine], ours)
        write(conn, Author.MARKETPLACE, result.matched)
        cases += [_case(account, seller_id, pair) for pair in result.differing]
    return cases


def _case(account: str, seller_id: str, pair: Pair) -> CaseAsked:
    line = pair.lines[0]
    says, paid = Money(pair.theirs_minor, line.currency), Money(pair.ours_minor, line.currency)
    return CaseAsked(
        mode="statement-unbalanced",
        account=account,
        object="voucher",
        object_id=line.reference,
        root=f"seller:{account}:{seller_id}",
        values={"words": f"the payment line of voucher {line.reference} says {says}; our books paid {paid}"},
        money_minor=abs(pair.theirs_minor - pair.ours_minor),
        currency=line.currency,
        seller=seller_id,
    )


def write(conn: Conn, author: Author, pairs: Sequence[Pair], state: LineState = LineState.MATCHED) -> None:
    """Keep which line stands for which posting, and who else confirms it."""
    matched = state is LineState.MATCHED
    store.insert_matches(conn, [match for pair in pairs for match in _links(pair)])
    store.update_lines(
        conn,
        [
            {
                "id": line.id,
                "matched": str(state),
                "witness": rules.witness_of(pair, author) if matched else "",
            }
            for pair in pairs
            for line in pair.lines
        ],
    )


def _links(pair: Pair) -> list[dict[str, Any]]:
    return [
        {"line_id": line.id, "journal_id": ours.journal_id, "posting_number": ours.number}
        for line in pair.lines
        for ours in pair.ours
    ]


def as_line(row: Row) -> Line:
    values = {name: row[name] for name in Line.__slots__ if name != "line_type"}
    return Line(**values, line_type=LineType(row["line_type"]))


def as_ours(row: Row) -> Ours:
    values = {name: row[name] for name in Ours.__slots__ if name != "line_type"}
    return Ours(**values, line_type=LineType(row["line_type"]))
