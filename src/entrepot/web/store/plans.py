"""The history of plans, and what each change changed."""

from collections.abc import Mapping
from typing import Any

from entrepot.blueprint.load import SECTIONS
from entrepot.change import store
from entrepot.change.diff import Difference, differences, said
from entrepot.change.model import Change
from entrepot.change.source import plan_of
from entrepot.kernel.ctx import Conn
from entrepot.kernel.errors import WrongSetting
from entrepot.web import words
from entrepot.web.views import DiffLine, PlanChangeDetail, PlanChangeRow, PlanView

COUNTED_MAX = 10_000  # messages of one plan; more is shown as so many and more


def view(conn: Conn) -> PlanView:
    """The plan in force, and everything that led to it, newest first."""
    in_force = store.in_force(conn)
    changes = store.changes(conn)
    rows = tuple(_row(conn, change, change.hash == changes[0].hash) for change in changes)
    content: Mapping[str, Any] = in_force.content if in_force else {}
    holds = tuple((name, len(content[name])) for name in SECTIONS if content.get(name))
    return PlanView(next(iter(in_force.files), "") if in_force else "", holds, rows)


def change(conn: Conn, seq: int) -> PlanChangeDetail | None:
    """One change, and what it changed by path."""
    found = store.change(conn, seq)
    if found is None:
        return None
    newest = store.changes(conn, 1)
    diff = tuple(line for one in _differences(conn, found) for line in _lines(one))
    return PlanChangeDetail(_row(conn, found, newest[0].hash == found.hash), diff)


def _row(conn: Conn, change: Change, in_force: bool) -> PlanChangeRow:
    row = conn.execute(
        "SELECT count(*) AS n FROM (SELECT FROM message WHERE decided_under = %s LIMIT %s) AS decided",
        (change.hash, COUNTED_MAX),
    ).fetchone()
    return PlanChangeRow(
        seq=change.seq,
        kind=words.state(words.PLAN_CHANGE, change.kind.value),
        hash=change.hash,
        before=change.before,
        by=change.by,
        reason=change.reason,
        at=change.at,
        in_force=in_force,
        decided=int(row["n"]) if row else 0,
    )


def _differences(conn: Conn, change: Change) -> list[Difference]:
    before, after = store.version(conn, change.before), store.version(conn, change.hash)
    if before is None or after is None:
        return []
    try:
        plans = (plan_of(before), plan_of(after))
    except WrongSetting:  # of another version of Entrepot: told by its words alone
        return differences(before.content, after.content)
    return differences(before.content, after.content, plans)


def _lines(one: Difference) -> list[DiffLine]:
    if one.same_meaning:
        return [DiffLine(" ", f"{one.dotted}: {said(one.after)} (the same, spelt otherwise)")]
    lost = [] if one.added else [DiffLine("-", f"{one.dotted}: {said(one.before)}")]
    return lost + ([] if one.removed else [DiffLine("+", f"{one.dotted}: {said(one.after)}")])
