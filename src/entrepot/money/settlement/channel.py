"""A channel's settlement with us as the seller: it adds up, each line is held against our own orders and refunds, and what nobody can explain is told.

Our witness is independent of theirs: the orders as we recorded them, and the refunds as we heard of them. A fee has no witness but the
agreement; a word nobody published is kept, counted in the sum and flagged.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.money import Money
from entrepot.money import events
from entrepot.money.settlement import channel_store, store
from entrepot.money.settlement.asked import name_of
from entrepot.money.settlement.intake import root_of
from entrepot.money.settlement.model import LineType
from entrepot.money.settlement.states import StatementState

LINES_WAIT = timedelta(hours=12)  # business: a report whose lines are not all here by then is told as incomplete
SHOWN = 5


@dataclass(slots=True)
class Checked:
    """What a look found. `unbalanced`, `unexplained`: in words; empty when there is nothing."""

    state: StatementState
    unbalanced: str = ""
    unexplained: list[str] = field(default_factory=list)
    unexplained_minor: int = 0


def check(conn: Conn, ctx: Ctx, statement_id: str) -> Checked:
    """Take a statement as far as it goes now, in the caller's transaction; calling again changes nothing. Errors: Busy."""
    statement = store.locked(conn, statement_id)
    assert statement is not None
    lines = channel_store.lines(conn, statement_id)
    total, theirs = sum(line["amount_minor"] for line in lines), statement["their_total_minor"]
    if total != theirs:
        late = ctx.clock.now() - statement["announced_at"] >= LINES_WAIT
        words = f"{name_of(statement)} says {Money(theirs, statement['currency'])}; its {len(lines)} lines add up to {Money(total, statement['currency'])}"
        return Checked(StatementState(statement["state"]), words if late else "")
    wrong = _matched(conn, ctx, statement, lines, (StatementState.FETCHED, StatementState.BALANCED))
    if not wrong:
        _move(conn, ctx, statement, StatementState.CLOSED, closed_at=ctx.clock.now())
    missing = sum(abs(line["amount_minor"]) for line in lines if line["id"] in wrong)
    return Checked(StatementState(statement["state"]), "", sorted(wrong.values()), missing)


def caught_up(conn: Conn, ctx: Ctx, account: str, limit: int) -> list[str]:
    """Look again at statements that wait for a decision: those whose every line our records bear out by now are closed."""
    closed = []
    for statement in store.explained(conn, account, limit):
        lines = channel_store.lines(conn, statement["id"])
        if not _held_against_orders(conn, statement, lines):
            channel_store.mark_lines(conn, [(line, True) for line in lines])
            _move(conn, ctx, statement, StatementState.CLOSED, closed_at=ctx.clock.now())
            closed.append(statement["id"])
    return closed


def accept(conn: Conn, ctx: Ctx, statement_id: str, *, by: str, reason: str) -> str:
    """A person takes the statement as it is, with what nobody could explain: it is closed. Gives why not; empty: done.

    Its lines stay marked as they were found, and the event keeps who and why. Errors: Busy while it is being worked on.
    """
    statement = store.locked(conn, statement_id)
    if statement is None:
        return f"there is no statement {statement_id}"
    if statement["state"] == StatementState.CLOSED:
        return f"{name_of(statement)} is closed already"
    lines = channel_store.lines(conn, statement_id)
    if statement["state"] != StatementState.EXPLAINED:  # it does not add up, and that was accepted
        _matched(conn, ctx, statement, lines, (StatementState.FETCHED, StatementState.PARSED, StatementState.BALANCED))
    _move(conn, ctx, statement, StatementState.CLOSED, by=by, because=reason, closed_at=ctx.clock.now())
    return ""


def _matched(
    conn: Conn, ctx: Ctx, statement: Row, lines: Sequence[Row], way: Sequence[StatementState]
) -> dict[str, str]:
    """Hold every line against the books, once the statement has come its way; gives what they do not bear out."""
    for to in way:
        _move(conn, ctx, statement, to, lines_total_minor=sum(line["amount_minor"] for line in lines))
    wrong = _held_against_orders(conn, statement, lines)
    channel_store.mark_lines(conn, [(line, line["id"] not in wrong) for line in lines])
    for to in (StatementState.MATCHED, StatementState.EXPLAINED):
        _move(conn, ctx, statement, to)
    return wrong


def _move(
    conn: Conn,
    ctx: Ctx,
    statement: Row,
    to: StatementState,
    *,
    by: str = events.HUB,
    because: str = "",
    **columns: int | datetime,
) -> None:
    """Along the lifecycle, leaving an event; a state it has passed already changes nothing."""
    order = list(StatementState)
    if order.index(StatementState(statement["state"])) >= order.index(to):
        return
    events.record(conn, ctx, [events.Moved("statement", statement["id"], root_of(statement), "moved", statement["state"], to, by, because)])  # fmt: skip
    store.update_statements(conn, [{"id": statement["id"], "state": str(to), **columns}])
    statement["state"] = str(to)


def _held_against_orders(conn: Conn, statement: Row, lines: Sequence[Row]) -> dict[str, str]:
    """Lines that our own records do not bear out, and why: by line id."""
    legs = channel_store.legs(conn, statement["account"], sorted({line["order_id"] for line in lines} - {""}))
    told = channel_store.told(conn, statement["account"], list(legs), statement["id"])
    wrong: dict[str, str] = {}
    sums: dict[tuple[str, bool], int] = defaultdict(int)
    last: dict[tuple[str, bool], Row] = {}
    for line in lines:
        kind = line["line_type"]
        if kind == LineType.UNRECOGNISED:
            wrong[line["id"]] = f"“{line['type']}” of {_money(line)} is a word nobody published"
        elif kind in channel_store.SALE | channel_store.BACK:
            if line["order_id"] not in legs:
                wrong[line["id"]] = f"{_money(line)} ({line['type']}) speaks of order {line['order_id']}, which we do not know"  # fmt: skip
                continue
            key = (line["order_id"], kind in channel_store.SALE)
            sums[key] += line["amount_minor"]
            last[key] = line
    for (order_id, sale), amount in sorted(sums.items()):
        leg, line = legs[order_id], last[order_id, sale]
        before = told.get((order_id, sale), 0)
        most = leg["debited_minor"]
        if abs(amount) + abs(before) > most:
            what = "sale" if sale else "refund"
            words = f"{what} of order {order_id}: {Money(abs(amount) + abs(before), line['currency'])} where we know of {Money(most, line['currency'])}"
            wrong[line["id"]] = words
    return wrong


def _money(line: Row) -> Money:
    return Money(line["amount_minor"], line["currency"])


def due(conn: Conn, account: str, limit: int) -> list[str]:
    return store.advancing(conn, account, limit)
