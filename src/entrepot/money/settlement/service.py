"""Take a statement from announced to closed: it adds up, every line is held against the books, every cent explained."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from entrepot.cases.model import CaseAsked
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import OurBug
from entrepot.money import events
from entrepot.money.payout import service as payouts
from entrepot.money.payout.model import TransferHeard
from entrepot.money.settlement import asked, causes, gateway, payments, rules, store
from entrepot.money.settlement.arithmetic import Balance, Sums, balance
from entrepot.money.settlement.asked import Gone
from entrepot.money.settlement.causes import Context, Difference
from entrepot.money.settlement.intake import record_cycles, record_lines, root_of
from entrepot.money.settlement.model import Author, LineType
from entrepot.money.settlement.payments import as_line, as_ours
from entrepot.money.settlement.policy import DEFAULT_POLICY, RECHECKED_PER_RUN, STATEMENTS_PER_RUN, Policy
from entrepot.money.settlement.states import STATEMENT_MOVES, Cause, LineState, StatementState, VarianceState

__all__ = ["Advanced", "advance", "due", "recheck", "record_cycles", "record_lines"]


class Unexplained(OurBug):
    """The variances of a statement do not add up to its difference to our books."""

    code = "unexplained-difference"


@dataclass(slots=True)
class Advanced:
    """What became of a statement, and the cases this opens and ends: the caller writes them in the same transaction."""

    state: StatementState
    cases: list[CaseAsked] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)


def due(conn: Conn, account: str) -> list[str]:
    """Statements of an account that have a step to take, oldest first, at most a run's worth."""
    return store.advancing(conn, account, STATEMENTS_PER_RUN)


def advance(conn: Conn, ctx: Ctx, statement_id: str, policy: Policy = DEFAULT_POLICY) -> Advanced:
    """Take a statement as far as it goes now, in the caller's transaction.

    Shape: a statement that waits for lines or for a decision stays where it is; calling again changes nothing.
    Errors: Busy while another transaction has it; Unexplained is our bug.
    """
    statement = store.locked(conn, statement_id)
    if statement is None:
        raise OurBug(f"there is no statement {statement_id}", statement=statement_id)
    done = Advanced(StatementState(statement["state"]))
    if done.state in (StatementState.EXPLAINED, StatementState.CLOSED):
        return done
    row = store.totals(conn, statement)
    sums = Sums(statement["their_total_minor"], row["lines_minor"], row["carried_minor"], row["count"])
    if _balanced(conn, ctx, statement, sums, policy, done):
        ctx.point("settlement.balanced")
        _match(conn, ctx, statement, policy)
        ctx.point("settlement.matched")
        _explain(conn, ctx, statement, sums, policy, done)
    done.state = StatementState(statement["state"])
    return done


def recheck(conn: Conn, ctx: Ctx, account: str) -> list[Gone]:
    """Look again at statements that wait for a decision: our books may have caught up, or the last one was made.

    Gives the cases whose cause is gone; a statement nobody waits for any more is closed.
    """
    gone: list[Gone] = []
    for statement in store.explained(conn, account, RECHECKED_PER_RUN):
        _catch_up(conn, statement)
        gone += close_if_decided(conn, ctx, statement)
    return gone


def close_if_decided(conn: Conn, ctx: Ctx, statement: Row) -> list[Gone]:
    variances = store.variances_of(conn, statement["id"])
    still_open = {row["cause"] for row in variances if row["state"] == VarianceState.OPEN}
    over = sorted({row["cause"] for row in variances} - still_open)
    if not still_open and statement["state"] == StatementState.EXPLAINED:
        _move(conn, ctx, statement, StatementState.CLOSED, closed_at=ctx.clock.now())
    ids = [asked.object_id_of(statement["id"], cause) for cause in over]
    return [(asked.VARIANCE_MODE, "statement", id_, "every difference of this cause is decided") for id_ in ids]


# -- does it add up? ---------------------------------------------------------------------------------------------------


def _balanced(conn: Conn, ctx: Ctx, statement: Row, sums: Sums, policy: Policy, done: Advanced) -> bool:
    verdict = balance(
        sums,
        pays_sellers=statement["author"] == Author.MARKETPLACE,
        has_voucher=bool(statement["voucher"]),
        waited=ctx.clock.now() - statement["announced_at"] >= policy.lines_wait,
    )
    if verdict is Balance.WAITING:
        return False
    if statement["state"] == StatementState.ANNOUNCED:
        _move(conn, ctx, statement, StatementState.FETCHED, lines_total_minor=sums.lines)
    known = _imbalance(conn, statement)
    if verdict in (Balance.BALANCED, Balance.CARRIED_OVER):
        because = f"{asked.name_of(statement)} adds up"
        if known and known["state"] == VarianceState.OPEN:
            _correct(conn, [known], because)
        modes = (asked.UNBALANCED_MODE, asked.MISSING_MODE) if known else ()
        done.gone += [(mode, "statement", statement["id"], because) for mode in modes]
    elif known is None or known["state"] != VarianceState.ACCEPTED:
        _wait_for_person(conn, ctx, statement, sums, verdict, known, done)
        return False
    _move(conn, ctx, statement, StatementState.BALANCED, lines_total_minor=sums.lines)
    return True


def _imbalance(conn: Conn, statement: Row) -> Row | None:
    wanted = asked.imbalance_id(statement)
    return next((row for row in store.variances_of(conn, statement["id"]) if row["id"] == wanted), None)


def _wait_for_person(
    conn: Conn, ctx: Ctx, statement: Row, sums: Sums, verdict: Balance, known: Row | None, done: Advanced
) -> None:
    """The imbalance is a variance: a person accepts it, or their correction makes it go away. Said once per amount."""
    difference = causes.imbalance(
        statement=asked.name_of(statement),
        total_minor=sums.own_total,
        lines_minor=sums.lines,
        currency=statement["currency"],
    )
    row = asked.variance_row(ctx, statement, difference, asked.imbalance_id(statement))
    if statement["state"] == StatementState.FETCHED:
        _move(conn, ctx, statement, StatementState.PARSED)
    if known is None:
        store.insert_variances(conn, [row])
    elif (known["theirs_minor"], known["ours_minor"]) != (row["theirs_minor"], row["ours_minor"]):
        amounts = ("id", "theirs_minor", "ours_minor", "amount_minor", "explanation")
        store.update_variances(conn, [{name: row[name] for name in amounts}])
    else:
        return
    done.cases.append(asked.imbalance_case(statement, verdict, row))


# -- match -------------------------------------------------------------------------------------------------------------


def _match(conn: Conn, ctx: Ctx, statement: Row, policy: Policy) -> None:
    """Hold every line against the books; what is left over becomes variances."""
    author = Author(statement["author"])
    rows = [row for row in store.lines_of(conn, statement["id"]) if row["line_type"] != LineType.PAYMENT]
    if author is Author.GATEWAY:
        _post_from_report(conn, ctx, statement, rows)
    lines = [as_line(row) for row in rows if row["matched"] == LineState.OPEN]
    waiting = [as_line(row) for row in store.waiting_lines(conn, statement)]
    ours = _ours_about(conn, statement, [*lines, *waiting])
    result = rules.match(lines, ours)
    differences = _leftovers(conn, statement, rows, result, ours)
    _write(conn, author, result.matched, LineState.MATCHED)
    _write(conn, author, [rules.Pair(d.lines, d.ours) for d in differences], LineState.VARIANCE)
    # a line in no cycle yet is matched as well: what it stands for is in transit, not missing
    taken = {posting for pair in (*result.matched, *result.differing) for posting in pair.ours}
    early = rules.match(waiting, [posting for posting in ours if posting not in taken])
    _write(conn, author, early.matched, LineState.MATCHED)
    in_transit = {rules.ref(posting) for pair in early.differing for posting in pair.ours}
    differences += _missing(conn, statement, policy, in_transit)
    variances = [asked.variance_row(ctx, statement, one, asked.id_of(statement, one)) for one in differences]
    store.insert_variances(conn, variances)
    _move(conn, ctx, statement, StatementState.MATCHED)


def _post_from_report(conn: Conn, ctx: Ctx, statement: Row, rows: Sequence[Row]) -> None:
    """What only the gateway knows is posted from its report: its fees, and that a payout of ours went out, or came back."""
    gateway.post_fees_and_payouts(conn, ctx, statement, rows, root_of(statement))
    transfers = [
        TransferHeard(row["reference"], "", -row["amount_minor"], row["currency"], row["posted_at"])
        for row in rows
        if row["line_type"] == LineType.GATEWAY_TRANSFER
    ]
    out = [transfer for transfer in transfers if transfer.amount_minor > 0]
    payouts.settle(conn, ctx, gateway_account=statement["account"], transfers=out)
    payouts.came_back(conn, ctx, transfers=[transfer for transfer in transfers if transfer.amount_minor < 0])


def _ours_about(conn: Conn, statement: Row, lines: Sequence[rules.Line]) -> list[rules.Ours]:
    orders = sorted({line.order_id for line in lines} - {""})
    references = sorted({line.reference for line in lines} - {""})
    return [as_ours(row) for row in store.postings_about(conn, statement, orders, references)]


def _leftovers(
    conn: Conn, statement: Row, rows: Sequence[Row], result: rules.Matching, ours: Sequence[rules.Ours]
) -> list[Difference]:
    orders = sorted({line.order_id for line in result.unanswered} - {""})
    before = [as_line(row) for row in store.matched_lines(conn, statement, orders)]
    now = [line for pair in result.matched for line in pair.lines]
    earlier = [as_line(row) for row in rows if row["matched"] == LineState.MATCHED]
    return causes.explain(result.differing, result.unanswered, Context(ours, [*before, *earlier, *now]))


def _write(conn: Conn, author: Author, pairs: Sequence[rules.Pair], state: LineState) -> None:
    """Keep what stands for what; a posting that an earlier statement was said to miss is no longer missing."""
    payments.write(conn, author, pairs, state)
    listed = {
        asked.posting_id(posting.journal_id, posting.number): pair.lines[0].external_id
        for pair in pairs
        for posting in pair.ours
    }
    for row in store.missing_flags(conn, list(listed)):
        _correct(conn, [row], f"listed later, as line {listed[row['id'].split('~')[0]]}")


def _correct(conn: Conn, rows: Sequence[Row], because: str) -> None:
    corrected = {"state": str(VarianceState.CORRECTED), "decided_by": events.HUB, "reason": because}
    store.update_variances(conn, [{"id": row["id"], **corrected} for row in rows])


def _missing(conn: Conn, statement: Row, policy: Policy, in_transit: set[tuple[str, int]]) -> list[Difference]:
    """Facts of ours that they should have listed by now, and did not, on this statement or any other."""
    until = (statement["period_to"] or statement["announced_at"]) - policy.listing_lag
    rows = store.postings_unlisted(conn, statement, until - policy.look_back, until)
    keys = {row["key"] for row in rows}
    taken_back = {row["key"].removeprefix("reversal:") for row in rows if row["reverses"]} & keys
    cancelled = taken_back | {f"reversal:{key}" for key in taken_back}  # posted and reversed: neither is expected
    return [
        causes.missing(as_ours(row), statement=asked.name_of(statement))
        for row in rows
        if row["key"] not in cancelled and (row["journal_id"], row["number"]) not in in_transit
    ]


def _catch_up(conn: Conn, statement: Row) -> None:
    """Lines our books knew nothing of, held against the books as they are now."""
    variances = {row["line_id"]: row for row in store.variances_of(conn, statement["id"]) if row["line_id"]}
    waiting = {id_ for id_, row in variances.items() if row["state"] == VarianceState.OPEN and not row["ours_minor"]}
    lines = [as_line(row) for row in store.lines_of(conn, statement["id"]) if row["id"] in waiting]
    if not lines:
        return
    result = rules.match(lines, _ours_about(conn, statement, lines))
    found = [pair for pair in result.matched if pair.ours]
    _write(conn, Author(statement["author"]), found, LineState.MATCHED)
    _correct(conn, [variances[line.id] for pair in found for line in pair.lines], "our books caught up")


# -- explain -----------------------------------------------------------------------------------------------------------


def _explain(conn: Conn, ctx: Ctx, statement: Row, sums: Sums, policy: Policy, done: Advanced) -> None:
    variances = store.variances_of(conn, statement["id"])
    imbalance = next((row for row in variances if row["id"] == asked.imbalance_id(statement)), None)
    accepted_off = imbalance is not None and imbalance["state"] == VarianceState.ACCEPTED
    counted = [row for row in variances if row["currency"] == statement["currency"]]
    counted = [row for row in counted if row is not imbalance or accepted_off]
    missing = sum(row["ours_minor"] for row in counted if row["cause"] == Cause.MISSING_IN_STATEMENT)
    theirs = sums.own_total if accepted_off else sums.lines
    difference = theirs - store.matched_total(conn, statement) - missing
    explained = sum(row["amount_minor"] for row in counted)
    if difference != explained:
        raise Unexplained(
            f"{asked.name_of(statement)} differs from our books by {difference}; its variances explain {explained}",
            statement=statement["id"],
        )
    _move(conn, ctx, statement, StatementState.EXPLAINED)
    still_open = [row for row in variances if row["state"] == VarianceState.OPEN]
    done.cases += asked.variance_cases(statement, still_open, policy)
    if not still_open:
        _move(conn, ctx, statement, StatementState.CLOSED, closed_at=ctx.clock.now())


def _move(conn: Conn, ctx: Ctx, statement: Row, to: StatementState, **columns: Any) -> None:
    before = StatementState(statement["state"])
    if to not in STATEMENT_MOVES[before]:
        raise OurBug(f"{asked.name_of(statement)} cannot go from {before} to {to}", statement=statement["id"])
    store.update_statements(conn, [{"id": statement["id"], "state": str(to), **columns}])
    statement.update(columns, state=str(to))
    moved = events.Moved("statement", statement["id"], root_of(statement), "moved", str(before), str(to))
    events.record(conn, ctx, [moved])
