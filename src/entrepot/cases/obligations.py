"""Promises with a due time: made when the clock starts, met or void when the world moves, watched in between."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from entrepot.blueprint.model import Plan
from entrepot.cases import members, rules, store
from entrepot.cases.files import close_each, close_rows
from entrepot.cases.model import Promise
from entrepot.cases.states import ObligationState
from entrepot.kernel.ctx import Conn, Ctx, Row

Kept = tuple[str, str, str, datetime]  # kind, object, object_id, when it happened
Voided = tuple[str, str, str, str]  # kind, object, object_id, because


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
                "name": p.name,
                "seller": p.seller,
                "cause_key": p.cause_key,
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
                "plan_hash": ctx.plan_hash,
                "shadow": plan.only_observes(p.flow),
            }
        )
    # sorted: two transactions that promise the same things meet in one order and cannot deadlock
    store.insert_promises(conn, sorted(rows, key=lambda r: (r["kind"], r["object"], r["object_id"])))


def kept(conn: Conn, kind: str, object: str, object_id: str) -> bool:
    """Whether this promise has been kept, in time or late."""
    return store.state_of(conn, kind, object, object_id) in (ObligationState.MET, ObligationState.MET_LATE)


def meet(conn: Conn, ctx: Ctx, kind: str, object: str, object_ids: Sequence[str], at: datetime) -> int:
    """What was promised happened at `at` (their time, not when we heard). Closes the cases it had opened."""
    return meet_many(conn, ctx, [(kind, object, object_id, at) for object_id in object_ids])


def meet_many(conn: Conn, ctx: Ctx, kept: Sequence[Kept]) -> int:
    """As `meet`, for promises of any kinds together; returns how many ended."""
    if not kept:
        return 0
    rows = store.end_met(conn, [(*k, "") for k in kept])
    _close(conn, ctx, rows, lambda row: f"{row['kind']} done at {row['ended_at']:%Y-%m-%d %H:%M} UTC")
    return len(rows)


def void(conn: Conn, ctx: Ctx, kind: str, object: str, object_ids: Sequence[str], because: str) -> int:
    """The promise has no object any more (order cancelled). Closes the cases it had opened."""
    return void_many(conn, ctx, [(kind, object, object_id, because) for object_id in object_ids])


def void_many(conn: Conn, ctx: Ctx, voided: Sequence[Voided]) -> int:
    """As `void`, for promises of any kinds together; returns how many ended."""
    if not voided:
        return 0
    now = ctx.clock.now()
    rows = store.end_void(conn, [(kind, object_, object_id, now, why) for kind, object_, object_id, why in voided])
    _close(conn, ctx, rows, lambda row: str(row["because"]))
    return len(rows)


def _close(conn: Conn, ctx: Ctx, ended: Sequence[Row], because: Callable[[Row], str]) -> None:
    """Close what these obligations had opened; only one that was warned about can have opened a case.

    Kept, but late: the risk is over, the record of the miss stays open.
    """
    warned = {row["id"]: row for row in ended if row["warned_at"] is not None}
    if not warned:
        return
    cases = store.open_of_obligations(conn, list(warned))
    by_why: dict[str, list[Row]] = defaultdict(list)
    for case in cases:
        obligation = warned[case["obligation_id"]]
        if obligation["state"] != ObligationState.MET_LATE or case["mode"] == obligation["mode"]:
            by_why[because(obligation)].append(case)
    for why, group in by_why.items():
        close_rows(conn, ctx, group, why)
    _leave_groups(conn, ctx, warned, because)


def _leave_groups(conn: Conn, ctx: Ctx, warned: Mapping[str, Row], because: Callable[[Row], str]) -> None:
    gone = []
    for obligation_id, keys in members.of_obligations(conn, list(warned)).items():
        obligation = warned[obligation_id]
        over = [k for k in keys if obligation["state"] != ObligationState.MET_LATE or k[0] == obligation["mode"]]
        gone += [(*key, because(obligation)) for key in over]
    close_each(conn, ctx, gone)
