"""What people decide about differences: accept with a reason, and our books follow; or note a correction."""

from dataclasses import dataclass

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.money import Money
from entrepot.money.ledger import rules as ledger_rules
from entrepot.money.ledger import service as ledger
from entrepot.money.ledger.model import Item, Journal
from entrepot.money.settlement import asked, store
from entrepot.money.settlement.asked import Gone
from entrepot.money.settlement.intake import root_of
from entrepot.money.settlement.model import Author
from entrepot.money.settlement.service import close_if_decided
from entrepot.money.settlement.states import Cause, StatementState, VarianceState

# Where the money of an accepted difference goes; None: it moves none, it only comes later.
FACT_OF_CAUSE: dict[Cause, str | None] = {
    Cause.MISSING_IN_BOOKS: "write-off",
    Cause.MISSING_IN_STATEMENT: "write-off",
    Cause.AMOUNT_DIFFERS: "write-off",
    Cause.DUPLICATE_LINE: "write-off",
    Cause.COMMISSION_RATE_DIFFERS: "commission-adjusted",
    Cause.FEE_UNKNOWN: "fee-adjusted",
    Cause.TAX: "tax-adjusted",
    Cause.FX: "fx-result",
    Cause.TIMING: None,
    Cause.RESERVE: "reserve-adjusted",
    Cause.MANUAL_DOCUMENT: "document-adjusted",
    Cause.ROUNDING: "rounding",
}


@dataclass(frozen=True, slots=True)
class DecisionDone:
    """`words` are read by people; `gone`: cases whose cause is gone."""

    words: str
    gone: tuple[Gone, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionRefused:
    why: str


def about(object_id: str) -> tuple[str, Cause | None]:
    """The statement and the cause a case is about; no cause: the statement does not add up in itself."""
    statement_id, _, cause = object_id.partition(":")
    return statement_id, Cause(cause) if cause else None


def decide(
    conn: Conn, ctx: Ctx, object_id: str, *, to: VarianceState, by: str, reason: str
) -> DecisionDone | DecisionRefused:
    """Decide all open differences of one cause of one statement. `object_id`: the case's.

    Shape: accepted posts what brings our books to theirs, on the account of the cause; corrected posts nothing: they
    put it right on a later statement. Errors: Busy while the statement is being worked on.
    """
    statement_id, cause = about(object_id)
    statement = store.locked(conn, statement_id)
    if statement is None:
        return DecisionRefused(f"there is no statement {statement_id}")
    if not reason.strip():
        return DecisionRefused("a difference is decided with a reason")
    rows = [row for row in store.variances_of(conn, statement_id) if row["state"] == VarianceState.OPEN]
    rows = [row for row in rows if _is_about(statement, row, cause)]
    if not rows:
        return DecisionRefused("every difference of this cause is decided already")
    if to is VarianceState.ACCEPTED:
        ledger.post(conn, ctx, [journal for row in rows if (journal := _journal(ctx, statement, row, by, reason))])
    decided = {"state": str(to), "decided_by": by, "reason": reason}
    store.update_variances(conn, [{"id": row["id"], **decided} for row in rows])
    gone = close_if_decided(conn, ctx, statement) if statement["state"] == StatementState.EXPLAINED else []
    amounts = ", ".join(str(amount) for amount in _sums(rows))
    return DecisionDone(f"{len(rows)} differences over {amounts} of {asked.name_of(statement)} are {to}", tuple(gone))


def _is_about(statement: Row, row: Row, cause: Cause | None) -> bool:
    in_itself = row["id"] == asked.imbalance_id(statement)
    return in_itself if cause is None else row["cause"] == cause and not in_itself


def _sums(rows: list[Row]) -> list[Money]:
    currencies = sorted({row["currency"] for row in rows})
    return [Money(sum(r["amount_minor"] for r in rows if r["currency"] == code), code) for code in currencies]


def _journal(ctx: Ctx, statement: Row, row: Row, by: str, reason: str) -> Journal | None:
    fact = FACT_OF_CAUSE[Cause(row["cause"])]
    if fact is None:
        return None
    if statement["author"] != Author.MARKETPLACE:
        fact = "gateway-written-off"
    return ledger_rules.build(
        fact,
        key=f"variance-accepted:{row['id']}",
        account=statement["account"],
        root=root_of(statement),
        at=ctx.clock.now(),
        currency=row["currency"],
        items=[Item({"amount": row["amount_minor"]}, row["order_line_id"])],
        order_id=row["order_id"],
        seller_id=row["seller_id"],
        memo=f"accepted by {by}: {reason}",
    )
