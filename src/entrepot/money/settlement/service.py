"""Take a statement from announced to closed: it adds up, every line is held against the books, every cent is explained."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from entrepot.cases.model import CaseAsked
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import OurBug
from entrepot.kernel.money import Money
from entrepot.money import events
from entrepot.money.payout import service as payouts
from entrepot.money.payout.model import TransferHeard
from entrepot.money.settlement import causes, gateway, payments, rules, store
from entrepot.money.settlement.arithmetic import Balance, Sums, balance
from entrepot.money.settlement.causes import Context, Difference
from entrepot.money.settlement.intake import record_cycles, record_lines, root_of
from entrepot.money.settlement.model import Author, LineType
from entrepot.money.settlement.payments import as_line, as_ours
from entrepot.money.settlement.policy import DEFAULT_POLICY, EXPLANATIONS_SHOWN, STATEMENTS_PER_RUN, Policy
from entrepot.money.settlement.states import (
    STATEMENT_MOVES,
    Cause,
    LineState,
    StatementState,
    VarianceState,
)

__all__ = ["Advanced", "advance", "close_decided", "due", "record_cycles", "record_lines"]

VARIANCE_MODE, UNBALANCED_MODE, MISSING_MODE = "settlement-variance", "statement-unbalanced", "statement-missing"

Gone = tuple[str, str, str, str]  # mode, object, object id, because


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
    sums = _sums(conn, statement)
    if _balanced(conn, ctx, statement, sums, policy, done):
        _match(conn, ctx, statement, policy)
        _explain(conn, ctx, statement, sums, policy, done)
    done.state = StatementState(statement["state"])
    return done


def close_decided(conn: Conn, ctx: Ctx, account: str) -> int:
    """Close statements of which the last variance was decided."""
    rows = store.decided(conn, account, STATEMENTS_PER_RUN)
    for row in rows:
        _move(conn, ctx, row, StatementState.CLOSED, closed_at=ctx.clock.now())
    return len(rows)


# -- does it add up? ---------------------------------------------------------------------------------------------------


def _sums(conn: Conn, statement: Row) -> Sums:
    row = store.totals(conn, statement)
    return Sums(statement["their_total_minor"], row["lines_minor"], row["carried_minor"], row["count"])


def _balanced(conn: Conn, ctx: Ctx, statement: Row, sums: Sums, policy: Policy, done: Advanced) -> bool:
    waited = ctx.clock.now() - statement["announced_at"] >= policy.lines_wait
    pays = statement["author"] == Author.MARKETPLACE
    verdict = balance(sums, pays_sellers=pays, has_voucher=bool(statement["voucher"]), waited=waited)
    if verdict is Balance.WAITING:
        return False
    if statement["state"] == StatementState.ANNOUNCED:
        _move(conn, ctx, statement, StatementState.FETCHED, lines_total_minor=sums.lines)
    if verdict in (Balance.OFF, Balance.NO_LINES) and not _imbalance_accepted(conn, statement):
        _wait_for_person(conn, ctx, statement, sums, verdict, done)
        return False
    _move(conn, ctx, statement, StatementState.BALANCED, lines_total_minor=sums.lines)
    done.gone += [
        (mode, "statement", statement["id"], f"statement {statement['external_id']} adds up")
        for mode in (UNBALANCED_MODE, MISSING_MODE)
    ]
    return True


def _imbalance_accepted(conn: Conn, statement: Row) -> bool:
    wanted = imbalance_id(statement)
    return any(
        row["id"] == wanted and row["state"] == VarianceState.ACCEPTED
        for row in store.variances_of(conn, statement["id"])
    )


def imbalance_id(statement: Row) -> str:
    return f"var_{statement['id']}"


def _wait_for_person(conn: Conn, ctx: Ctx, statement: Row, sums: Sums, verdict: Balance, done: Advanced) -> None:
    """The imbalance is a variance: a person accepts it, or their correction makes it go away."""
    known = {row["id"] for row in store.variances_of(conn, statement["id"])}
    difference = causes.imbalance(
        statement=_name(statement),
        total_minor=sums.own_total,
        lines_minor=sums.lines,
        currency=statement["currency"],
    )
    row = _variance_row(ctx, statement, difference, imbalance_id(statement))
    if row["id"] not in known:
        store.insert_variances(conn, [row])
    else:
        store.update_variances(conn, [{name: row[name] for name in _AMOUNTS}])
    if statement["state"] == StatementState.FETCHED:
        _move(conn, ctx, statement, StatementState.PARSED)
    mode = MISSING_MODE if verdict is Balance.NO_LINES else UNBALANCED_MODE
    done.cases.append(_case(statement, mode, statement["id"], difference.explanation, [difference]))


# -- match -------------------------------------------------------------------------------------------------------------


def _match(conn: Conn, ctx: Ctx, statement: Row, policy: Policy) -> None:
    """Hold every line against the books; what is left over becomes variances."""
    author = Author(statement["author"])
    rows = [row for row in store.lines_of(conn, statement["id"]) if row["line_type"] != LineType.PAYMENT]
    if author is Author.GATEWAY:
        _post_from_report(conn, ctx, statement, rows)
    lines = [as_line(row) for row in rows]
    waiting = _waiting(conn, statement)
    ours = _ours_about(conn, statement, [*lines, *waiting])
    result = rules.match(
        [line for line, row in zip(lines, rows, strict=True) if row["matched"] == LineState.OPEN], ours
    )
    _write(conn, author, result.matched)
    used = {posting for pair in result.matched for posting in pair.ours}
    # a line in no cycle yet is matched as well: what it stands for is in transit, not missing
    early = rules.match(waiting, [posting for posting in ours if posting not in used])
    _write(conn, author, early.matched)
    matched_lines = [line for pair in result.matched for line in pair.lines]
    differences = causes.explain(result.differing, result.unanswered, Context(ours, matched_lines))
    payments.write(conn, author, [rules.Pair(d.lines, d.ours) for d in differences], LineState.VARIANCE)
    differences += _missing(conn, ctx, statement, policy)
    store.insert_variances(conn, [_variance_row(ctx, statement, d, _variance_id(statement, d)) for d in differences])
    _move(conn, ctx, statement, StatementState.MATCHED)


def _waiting(conn: Conn, statement: Row) -> list[rules.Line]:
    rows = store.waiting_lines(conn, statement["account"], statement["author"], statement["seller_id"])
    return [as_line(row) for row in rows]


def _ours_about(conn: Conn, statement: Row, lines: Sequence[rules.Line]) -> list[rules.Ours]:
    orders = sorted({line.order_id for line in lines} - {""})
    references = sorted({line.reference for line in lines} - {""})
    return [as_ours(row) for row in store.postings_about(conn, statement, orders, references)]


def _post_from_report(conn: Conn, ctx: Ctx, statement: Row, rows: Sequence[Row]) -> None:
    """What only the gateway knows is posted from its report: its fees, and that a payout of ours went out."""
    gateway.post_fees_and_payouts(conn, ctx, statement, rows, root_of(statement))
    transfers = [
        TransferHeard(row["reference"], "", -row["amount_minor"], row["currency"], row["posted_at"])
        for row in rows
        if row["line_type"] == LineType.GATEWAY_TRANSFER and row["amount_minor"] < 0
    ]
    payouts.settle(conn, ctx, gateway_account=statement["account"], transfers=transfers)


def _write(conn: Conn, author: Author, pairs: Sequence[rules.Pair]) -> None:
    """Keep the matches; a posting that an earlier statement was said to miss is no longer missing."""
    payments.write(conn, author, pairs)
    found = {f"{o.journal_id}_{o.number}": pair.lines[0] for pair in pairs for o in pair.ours}
    late = [
        {
            "id": row["id"],
            "state": str(VarianceState.CORRECTED),
            "decided_by": events.HUB,
            "reason": f"listed later, as line {found[row['id'].split('~')[0].removeprefix('var_')].external_id}",
        }
        for row in store.missing_flags(conn, list(found))
    ]
    store.update_variances(conn, late)


def _missing(conn: Conn, ctx: Ctx, statement: Row, policy: Policy) -> list[Difference]:
    """Facts of ours that they should have listed by now, and did not, on this statement or any other."""
    until = (statement["period_to"] or statement["announced_at"]) - policy.listing_lag
    rows = store.postings_unlisted(conn, statement, until - policy.look_back, until)
    keys = {row["key"] for row in rows}
    taken_back = {row["key"].removeprefix("reversal:") for row in rows if row["reverses"]} & keys
    cancelled = taken_back | {f"reversal:{key}" for key in taken_back}  # posted and reversed: neither is expected
    return [causes.missing(as_ours(row), statement=_name(statement)) for row in rows if row["key"] not in cancelled]


# -- explain -----------------------------------------------------------------------------------------------------------


def _explain(conn: Conn, ctx: Ctx, statement: Row, sums: Sums, policy: Policy, done: Advanced) -> None:
    variances = [row for row in store.variances_of(conn, statement["id"]) if row["currency"] == statement["currency"]]
    missing = sum(row["ours_minor"] for row in variances if row["cause"] == Cause.MISSING_IN_STATEMENT)
    ours = store.matched_total(conn, statement) + missing
    off_accepted = any(row["id"] == imbalance_id(statement) for row in variances)
    theirs = sums.own_total if off_accepted else sums.lines
    explained = sum(row["amount_minor"] for row in variances)
    if theirs - ours != explained:
        raise Unexplained(
            f"{_name(statement)} differs from our books by {theirs - ours}; its variances explain {explained}",
            statement=statement["id"],
        )
    _move(conn, ctx, statement, StatementState.EXPLAINED)
    still_open = [row for row in variances if row["state"] == VarianceState.OPEN]
    if not still_open:
        _move(conn, ctx, statement, StatementState.CLOSED, closed_at=ctx.clock.now())
        return
    done.cases += _variance_cases(statement, still_open, policy)


def _variance_cases(statement: Row, variances: Sequence[Row], policy: Policy) -> list[CaseAsked]:
    """One case for each cause: thirty-eight lines with another rate are one question, not thirty-eight."""
    by_cause: dict[str, list[Row]] = defaultdict(list)
    for row in variances:
        by_cause[row["cause"]].append(row)
    cases = []
    for cause, rows in sorted(by_cause.items()):
        if sum(abs(row["amount_minor"]) for row in rows) < policy.case_from_minor:
            continue
        words = f"{cause.replace('-', ' ')}, {len(rows)} times in {_name(statement)}: {rows[0]['explanation']}"
        cases.append(_case_of_rows(statement, variance_object_id(statement["id"], cause), words, rows))
    return cases


def variance_object_id(statement_id: str, cause: str) -> str:
    """What a settlement-variance case is about; decisions.parse_object_id reads it."""
    return f"{statement_id}:{cause}"


def _case_of_rows(statement: Row, object_id: str, words: str, rows: Sequence[Row]) -> CaseAsked:
    differences = [
        Difference(Cause(r["cause"]), r["theirs_minor"], r["ours_minor"], r["currency"], r["explanation"]) for r in rows
    ]
    return _case(statement, VARIANCE_MODE, object_id, words, differences)


def _case(statement: Row, mode: str, object_id: str, words: str, differences: Sequence[Difference]) -> CaseAsked:
    total = sum(abs(difference.amount_minor) for difference in differences)
    return CaseAsked(
        mode=mode,
        account=statement["account"],
        object="statement",
        object_id=object_id,
        root=root_of(statement),
        values={"words": words, "statement": statement["external_id"], "seller": statement["seller_id"]},
        money_minor=total,
        currency=statement["currency"],
        details={
            "statement": statement["external_id"],
            "version": statement["version"],
            "seller": statement["seller_id"],
            "theirs_less_ours": Money(sum(d.amount_minor for d in differences), statement["currency"]).text,
            "explanations": [difference.explanation for difference in differences[:EXPLANATIONS_SHOWN]],
            "lines": len(differences),
        },
    )


# -- rows --------------------------------------------------------------------------------------------------------------

_AMOUNTS = ("id", "theirs_minor", "ours_minor", "amount_minor", "explanation")


def _variance_id(statement: Row, difference: Difference) -> str:
    """Named after what it is about, so that nothing is flagged twice: a line, or a posting in one statement."""
    if difference.line is not None:
        return f"var_{difference.line.id}"
    posting = difference.ours[0]
    return f"var_{posting.journal_id}_{posting.number}~{statement['id']}"


def _variance_row(ctx: Ctx, statement: Row, difference: Difference, id_: str) -> dict[str, Any]:
    about: Any = difference.line or (difference.ours[0] if difference.ours else None)
    return {
        "id": id_,
        "statement_id": statement["id"],
        "line_id": difference.line.id if difference.line else None,
        "cause": str(difference.cause),
        "owner": difference.owner,
        "seller_id": statement["seller_id"],
        "order_id": about.order_id if about else "",
        "order_line_id": about.order_line_id if about else "",
        "theirs_minor": difference.theirs_minor,
        "ours_minor": difference.ours_minor,
        "amount_minor": difference.amount_minor,
        "currency": difference.currency,
        "explanation": difference.explanation,
        "state": str(VarianceState.OPEN),
        "found_at": ctx.clock.now(),
    }


def _name(statement: Row) -> str:
    version = f", version {statement['version']}" if statement["version"] > 1 else ""
    return f"statement {statement['external_id']}{version}"


def _move(conn: Conn, ctx: Ctx, statement: Row, to: StatementState, **columns: Any) -> None:
    before = StatementState(statement["state"])
    if to not in STATEMENT_MOVES[before]:
        raise OurBug(f"{_name(statement)} cannot go from {before} to {to}", statement=statement["id"])
    store.update_statements(conn, [{"id": statement["id"], "state": str(to), **columns}])
    statement.update(columns, state=str(to))
    moved = events.Moved("statement", statement["id"], root_of(statement), "moved", str(before), str(to))
    events.record(conn, ctx, [moved])
