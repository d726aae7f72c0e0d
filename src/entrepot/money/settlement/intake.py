"""Keep what they say, once each and set-based; what changes after it was used becomes a new version."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from entrepot.cases.model import CaseAsked
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.money import events
from entrepot.money.ledger import service as ledger
from entrepot.money.ledger.service import UnknownJournal
from entrepot.money.settlement import gateway, payments, store
from entrepot.money.settlement.model import Author, CycleSeen, LineType, StatementLineSeen
from entrepot.money.settlement.states import CONCLUDED, LineState, StatementState, VarianceState


@dataclass(slots=True)
class Kept:
    """`new`: statement ids announced; `reissued`: ids of new versions; `lines`: lines that are new or changed.

    `cases`: payment lines that do not pay what their voucher adds up to.
    """

    new: list[str] = field(default_factory=list)
    reissued: list[str] = field(default_factory=list)
    lines: int = 0
    cases: list[CaseAsked] = field(default_factory=list)


def record_cycles(conn: Conn, ctx: Ctx, account: str, cycles: Sequence[CycleSeen]) -> Kept:
    """Keep announced statements; the last of several with one id counts. Errors: Busy while one is worked on."""
    kept = Kept()
    for author in Author:
        latest = {cycle.external_id: cycle for cycle in cycles if cycle.author is author}
        if latest:
            _record_cycles(conn, ctx, account, author, latest, kept)
    return kept


def record_lines(conn: Conn, ctx: Ctx, account: str, author: Author, lines: Sequence[StatementLineSeen]) -> Kept:
    """Keep lines; the last of several with one id counts. A line may come before its statement, and change after it.

    Shape: the same content again changes nothing. Other content, or a line more, on a statement that was balanced
    already makes a new version of that statement. Errors: Busy while a statement concerned is being worked on.
    """
    kept = Kept()
    latest = {line.external_id: line for line in lines}
    statements = store.newest(conn, account, author, sorted({line.cycle_id for line in latest.values()} - {""}))
    known = store.lines_by_external(conn, account, author, list(latest))
    _reissue_changed(conn, ctx, latest, known, statements, kept)
    if kept.reissued:
        statements = store.newest(conn, account, author, list(statements))
        known = store.lines_by_external(conn, account, author, list(latest))
    _write_lines(conn, ctx, account, author, latest, known, statements, kept)
    vouchers = sorted({line.reference for line in latest.values() if line.line_type is LineType.PAYMENT})
    kept.cases = payments.match(conn, account, vouchers)
    return kept


# -- statements --------------------------------------------------------------------------------------------------------


def _record_cycles(
    conn: Conn, ctx: Ctx, account: str, author: Author, latest: dict[str, CycleSeen], kept: Kept
) -> None:
    known = store.newest(conn, account, author, list(latest))
    rows = []
    for external_id, cycle in latest.items():
        before = known.get(external_id)
        if before is None:
            rows.append(_statement_row(ctx, account, cycle))
        elif _money_changed(before, cycle):
            again = {**_statement_row(ctx, account, cycle), "version": before["version"] + 1}
            reissue(conn, ctx, before, again)
            kept.reissued.append(again["id"])
        elif cycle.voucher != before["voucher"] or (cycle.period_to and not before["period_to"]):
            changed = {
                "voucher": cycle.voucher or before["voucher"],
                "period_to": cycle.period_to or before["period_to"],
            }
            store.update_statements(conn, [{"id": before["id"], **changed}])
    store.insert_statements(conn, rows)
    for row in rows:
        store.attach_waiting(conn, account, author, row["external_id"], row["id"])
    events.record(conn, ctx, [_announced(row) for row in rows])
    kept.new += [row["id"] for row in rows]


def _announced(row: Row) -> events.Moved:
    return events.Moved("statement", row["id"], root_of(row), "announced", "", row["state"])


def root_of(statement: Row) -> str:
    return f"statement:{statement['account']}:{statement['external_id']}"


def _money_changed(before: Row, cycle: CycleSeen) -> bool:
    """A voucher given later is no change; another amount, currency, seller or voucher is."""
    ours = (before["their_total_minor"], before["currency"], before["seller_id"])
    voucher_changed = bool(before["voucher"]) and bool(cycle.voucher) and cycle.voucher != before["voucher"]
    return ours != (cycle.their_total_minor, cycle.currency, cycle.seller_id) or voucher_changed


def _statement_row(ctx: Ctx, account: str, cycle: CycleSeen) -> Row:
    money = f"{cycle.their_total_minor} {cycle.currency} {cycle.seller_id} {sorted(cycle.summary.items())}"
    return {
        "id": ctx.ids.new("stm"),
        "account": account,
        "author": str(cycle.author),
        "kind": cycle.kind,
        "external_id": cycle.external_id,
        "version": 1,
        "seller_id": cycle.seller_id,
        "voucher": cycle.voucher,
        "currency": cycle.currency,
        "period_from": cycle.period_from,
        "period_to": cycle.period_to,
        "state": str(StatementState.ANNOUNCED),
        "their_total_minor": cycle.their_total_minor,
        "digest": sha256(money.encode()).hexdigest(),
        "announced_at": cycle.announced_at,
    }


def reissue(conn: Conn, ctx: Ctx, before: Row, again: Row) -> None:
    """Start a new version of a statement with all its lines; what was concluded from the old one is taken back.

    The old lines keep their content; matches of the old version are dropped, so that the new one may match the same
    postings; open and accepted variances end as corrected, and what was posted for accepted ones is reversed.
    """
    store.insert_statements(conn, [again])
    old = store.lines_of(conn, before["id"])
    because = f"issued again as version {again['version']}"
    gateway.take_back(conn, ctx, before, old, because)
    kept_as = [{"id": row["id"], "external_id": f"{row['external_id']}~{before['version']}"} for row in old]
    store.update_lines(conn, kept_as)
    store.delete_matches(conn, [row["id"] for row in old])
    _take_back_variances(conn, ctx, before, because)
    fresh = {"statement_id": again["id"], "matched": str(LineState.OPEN), "witness": ""}
    store.insert_lines(conn, [{**row, **fresh, "id": ctx.ids.new("stl")} for row in old])
    payments.match(conn, before["account"], sorted({row["reference"] for row in old if row["line_type"] == "PAYMENT"}))
    moved = events.Moved("statement", again["id"], root_of(again), "issued-again", before["state"], again["state"],
                         because=because)  # fmt: skip
    events.record(conn, ctx, [moved])


def _take_back_variances(conn: Conn, ctx: Ctx, before: Row, because: str) -> None:
    rows = [row for row in store.variances_of(conn, before["id"]) if row["state"] != VarianceState.CORRECTED]
    for row in rows:
        if row["state"] == VarianceState.ACCEPTED:
            reverse_if_posted(conn, ctx, f"variance-accepted:{row['id']}", because)
    corrected = {"state": str(VarianceState.CORRECTED), "decided_by": events.HUB, "reason": because}
    store.update_variances(conn, [{"id": row["id"], **corrected} for row in rows])


def reverse_if_posted(conn: Conn, ctx: Ctx, key: str, because: str) -> None:
    """Some accepted differences move no money (timing): then there is nothing to reverse."""
    try:
        ledger.reverse(conn, ctx, key, because=because)
    except UnknownJournal:
        return


# -- lines -------------------------------------------------------------------------------------------------------------


_CONTENT = ("type", "amount_minor", "currency", "seller_id", "order_id", "order_line_id", "reference")


def _content(line: StatementLineSeen) -> tuple[Any, ...]:
    return tuple(getattr(line, name) for name in _CONTENT)


def _content_of(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _CONTENT)


def _reissue_changed(
    conn: Conn,
    ctx: Ctx,
    latest: dict[str, StatementLineSeen],
    known: dict[str, Row],
    statements: dict[str, Row],
    kept: Kept,
) -> None:
    """Give every statement that was used already, and now says something else, a new version before it is written."""
    by_id = {row["id"]: row for row in statements.values()}
    changed: set[str] = set()
    for external_id, line in latest.items():
        before = known.get(external_id)
        statement_id = before["statement_id"] if before else statements.get(line.cycle_id, {}).get("id")
        is_news = line.line_type is not LineType.PAYMENT if before is None else _content_of(before) != _content(line)
        if statement_id and is_news:
            changed.add(statement_id)
    for statement_id in sorted(changed):
        before = by_id.get(statement_id) or store.locked(conn, statement_id)
        if before and before["state"] in CONCLUDED:
            again = {name: value for name, value in before.items() if name != "closed_at"}
            again |= {
                "id": ctx.ids.new("stm"),
                "version": before["version"] + 1,
                "state": str(StatementState.ANNOUNCED),
            }
            again |= {"announced_at": ctx.clock.now(), "lines_total_minor": 0}
            reissue(conn, ctx, before, again)
            kept.reissued.append(again["id"])


def _write_lines(
    conn: Conn,
    ctx: Ctx,
    account: str,
    author: Author,
    latest: dict[str, StatementLineSeen],
    known: dict[str, Row],
    statements: dict[str, Row],
    kept: Kept,
) -> None:
    new, moved, changed = [], [], []
    for external_id, line in latest.items():
        before = known.get(external_id)
        statement_id = statements.get(line.cycle_id, {}).get("id")
        if before is None:
            new.append(_line_row(ctx, account, author, line, statement_id))
        elif _content_of(before) != _content(line):
            row = _line_row(ctx, account, author, line, before["statement_id"] or statement_id)
            changed.append({**row, "id": before["id"]})
        elif (before["statement_id"] is None and statement_id) or before["voucher"] != line.voucher:
            where = {
                "statement_id": before["statement_id"] or statement_id,
                "voucher": line.voucher or before["voucher"],
            }
            moved.append({"id": before["id"], **where, "raw": _raw(line)})
    store.insert_lines(conn, new)
    store.update_lines(conn, moved)
    store.delete_matches(conn, [row["id"] for row in changed])
    store.update_lines(conn, changed)
    kept.lines = len(new) + len(moved) + len(changed)


def _raw(line: StatementLineSeen) -> dict[str, Any]:
    """Their record, and the cycle it names: the statement may be announced later than its lines."""
    return {"cycle": line.cycle_id, "record": dict(line.raw)}


def _line_row(ctx: Ctx, account: str, author: Author, line: StatementLineSeen, statement_id: str | None) -> Row:
    return {
        "id": ctx.ids.new("stl"),
        "statement_id": statement_id,
        "account": account,
        "author": str(author),
        "external_id": line.external_id,
        "line_no": line.line_no,
        "seller_id": line.seller_id,
        "order_id": line.order_id,
        "order_line_id": line.order_line_id,
        "reference": line.reference,
        "voucher": line.voucher,
        "type": line.type,
        "line_type": str(line.line_type),
        "amount_minor": line.amount_minor,
        "currency": line.currency,
        "posted_at": line.posted_at,
        "matched": str(LineState.OPEN),
        "witness": "",
        "raw": _raw(line),
    }
