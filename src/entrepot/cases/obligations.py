"""Promises with a due time: made when the clock starts, met or void when the world moves, watched in between."""

from collections.abc import Sequence
from datetime import datetime

from entrepot.blueprint.model import Plan
from entrepot.cases import rules, store
from entrepot.cases.files import close_rows
from entrepot.cases.model import Promise
from entrepot.cases.states import ObligationState
from entrepot.kernel.ctx import Conn, Ctx, Row


def promise(conn: Conn, ctx: Ctx, plan: Plan, promises: Sequence[Promise]) -> None:
    """Make obligations in one statement. One that stands follows its new due time; one that ended stays ended."""
    rows = []
    for p in {(p.kind, p.object, p.object_id): p for p in promises}.values():
        owner = p.owner or plan.failure(p.mode).owner
        steps = rules.steps_for(plan, p.mode, owner, p.starts_at, p.due_at)
        rows.append(
            {
                "id": ctx.ids.new("obl"),
                "kind": p.kind,
                "flow": p.flow,
                "account": p.account,
                "object": p.object,
                "object_id": p.object_id,
                "root": p.root,
                "owner": owner,
                "mode": p.mode,
                "starts_at": p.starts_at,
                "warn_at": steps[0].at,
                "escalate_at": steps[1].at,
                "due_at": p.due_at,
                "next_at": steps[0].at,
                "money_minor": p.money_minor,
                "currency": p.currency,
            }
        )
    # sorted: two transactions that promise the same things meet in one order and cannot deadlock
    store.insert_promises(conn, sorted(rows, key=lambda r: (r["kind"], r["object"], r["object_id"])))


def meet(conn: Conn, ctx: Ctx, kind: str, object: str, object_ids: Sequence[str], at: datetime) -> int:
    """What was promised happened at `at` (their time, not when we heard). Closes the cases it had opened."""
    if not object_ids:
        return 0
    rows = store.end_met(conn, kind, object, object_ids, at)
    late = {row["id"]: row["mode"] for row in rows if row["state"] == ObligationState.MET_LATE}
    cases = _cases_of(conn, rows)
    # kept, but late: the risk is over, the record of the miss is not
    ended = [c for c in cases if c["obligation_id"] not in late or c["mode"] == late[c["obligation_id"]]]
    close_rows(conn, ctx, ended, f"{kind} done at {at:%Y-%m-%d %H:%M} UTC")
    return len(rows)


def void(conn: Conn, ctx: Ctx, kind: str, object: str, object_ids: Sequence[str], because: str) -> int:
    """The promise has no object any more (order cancelled). Closes the cases it had opened."""
    if not object_ids:
        return 0
    rows = store.end_void(conn, kind, object, object_ids, because, ctx.clock.now())
    close_rows(conn, ctx, _cases_of(conn, rows), because)
    return len(rows)


def _cases_of(conn: Conn, ended: Sequence[Row]) -> list[Row]:
    """Only an obligation that was warned about can have opened a case."""
    warned = [row["id"] for row in ended if row["warned_at"] is not None]
    return store.open_of_obligations(conn, warned) if warned else []
