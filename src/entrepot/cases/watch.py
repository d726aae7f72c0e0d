"""The watch: warns before a promise is broken, escalates it, records a miss, takes undecided cases to the next team."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases import members, questions, quiet, rules, store
from entrepot.cases.alerts import AlertAsked, plan_alerts
from entrepot.cases.files import HUB, close_many, close_rows, event, open_cases
from entrepot.cases.model import CaseAsked, Lease
from entrepot.cases.states import CaseState, ObligationState
from entrepot.kernel.ctx import Conn, Ctx, Row

BATCH = 200

# Paused flows are watched all the same: a marketplace's deadline does not stop when we do.
WATCH_DUE_SQL = """
    SELECT 'hub' AS account
     WHERE EXISTS (SELECT FROM obligation WHERE next_at <= %(now)s)
        OR EXISTS (SELECT FROM case_file WHERE resolved_at IS NULL AND next_at <= %(now)s)
        OR EXISTS (SELECT FROM ownership_question WHERE state = 'raised' AND told_at IS NULL AND due_at <= %(now)s)
"""


def drain_watch(ctx: Ctx, lease: Lease, plan: Plan) -> int:
    """Look at every obligation and case whose next moment has come; returns how many were looked at."""
    handled = 0
    while lease.time_left(ctx) > 0:
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            woken = quiet.wake(conn, ctx, plan, BATCH)
            done = woken + watch_obligations(conn, ctx, plan) + watch_cases(conn, ctx, plan)
            done += questions.watch(conn, ctx, plan, BATCH)
            ctx.point("watch.before-commit")
        ctx.point("watch.committed")
        handled += done
        if done < BATCH:
            break
        lease.renew(ctx)
    return handled


def watch_obligations(conn: Conn, ctx: Ctx, plan: Plan) -> int:
    """One batch of obligations: due → warned → escalated → missed, never missed without having been said first."""
    now = ctx.clock.now()
    looked = [_look(plan, row, now) for row in store.due_obligations(conn, now, BATCH)]
    if not looked:
        return 0
    store.move_obligations(conn, [_moved(plan, look, now) for look in looked])
    open_cases(conn, ctx, plan, [_at_risk(plan, look) for look in looked if look.first])
    cases = {row["obligation_id"]: row for row in store.open_of_obligations(conn, [look.row["id"] for look in looked])}
    _tell(conn, ctx, plan, [(look, cases[look.row["id"]]) for look in looked if look.row["id"] in cases])
    _missed(conn, ctx, plan, [look for look in looked if look.state is ObligationState.MISSED], cases)
    return len(looked)


@dataclass(frozen=True, slots=True)
class Look:
    """One obligation at one moment. `first`: nobody had heard of it yet."""

    row: Row
    state: ObligationState
    fired: Sequence[rules.Step]
    next_at: datetime | None

    @property
    def first(self) -> bool:
        return self.row["state"] == ObligationState.DUE and bool(self.fired)


def _look(plan: Plan, row: Row, now: datetime) -> Look:
    steps = rules.steps_for(plan, row["mode"], row["owner"], row["starts_at"], row["due_at"])
    fired = rules.fired(steps, now)
    if now >= row["due_at"]:
        return Look(row, ObligationState.MISSED, fired, None)
    state = ObligationState(row["state"])
    if len(fired) > 1:
        state = ObligationState.ESCALATED
    elif fired and state is ObligationState.DUE:
        state = ObligationState.WARNED
    return Look(row, state, fired, rules.next_at(steps, now))


def _moved(plan: Plan, look: Look, now: datetime) -> Row:
    missed = look.state is ObligationState.MISSED
    warned_at = look.row["warned_at"] or (now if look.fired else None)
    cause = plan.failure(look.row["mode"]).cause.format_map(rules.Known()) if missed else None
    if missed and warned_at > look.row["due_at"]:
        cause = f"{cause} The hub itself looked too late to warn anybody."
    return {
        "id": look.row["id"],
        "state": look.state.value,
        "next_at": look.next_at,
        "warned_at": warned_at,
        "ended_at": now if missed else None,
        "cause": cause,
    }


def _asked(plan: Plan, row: Row, mode: str, **more: Any) -> CaseAsked:
    zone = plan.team(row["owner"]).hours.zone
    return CaseAsked(
        mode,
        row["account"],
        row["object"],
        row["object_id"],
        root=row["root"],
        values={"due": rules.local_text(row["due_at"], zone)},
        money_minor=row["money_minor"],
        currency=row["currency"],
        obligation_id=row["id"],
        flow=row["flow"],
        name=row["name"],
        seller=row["seller"],
        cause_key=row["cause_key"],
        **more,
    )


def _at_risk(plan: Plan, look: Look) -> CaseAsked:
    return _asked(plan, look.row, look.row["mode"], due_at=look.row["due_at"], own_steps=False)


def _tell(conn: Conn, ctx: Ctx, plan: Plan, looked: Sequence[tuple[Look, Row]]) -> None:
    """Alerts of the steps that fired; opening the case has told its owner already. A suppressed case is quiet.

    A group's case is not here: it goes up its own steps, by the first of its members' due times. A shadow alerts nobody.
    """
    alerts, events, levels = [], [], []
    for look, case in looked:
        told = {
            t: s for t, s in _news(look.fired, look.row["next_at"]).items() if not (look.first and t == case["owner"])
        }
        if case["state"] == CaseState.SUPPRESSED or case["shadow"]:
            continue
        alerts += [_step_alert(ctx, plan, case, step, f"{look.row['id']}:{step.share}") for step in told.values()]
        levels.append((case["id"], max(case["level"], len(look.fired) - 1), None))
        if told:
            events.append(_alerted(ctx, case, told))
    plan_alerts(conn, ctx, plan, alerts)
    store.set_steps(conn, levels)
    store.insert_events(conn, events)


def _missed(conn: Conn, ctx: Ctx, plan: Plan, missed: Sequence[Look], cases: Mapping[str, Row]) -> None:
    """A broken promise: its case says so, or gives way to the mode that takes over."""
    asked, events = [], []
    grouped = members.of_obligations(conn, [look.row["id"] for look in missed])
    for look in missed:
        case = cases.get(look.row["id"])
        after = plan.failure(look.row["mode"]).when_missed
        if after is not None and look.row["id"] in grouped:
            close_many(conn, ctx, grouped[look.row["id"]], f"the deadline passed: goes on as {after}")
        if after is not None:
            asked.append(_asked(plan, look.row, after))
            if case is not None:
                close_rows(conn, ctx, [case], f"the deadline passed: goes on as {after}")
        elif case is not None:
            events.append(event(ctx, case["id"], "missed", HUB, f"due at {look.row['due_at']:%Y-%m-%d %H:%M} UTC"))
    store.insert_events(conn, events)
    open_cases(conn, ctx, plan, asked)


def watch_cases(conn: Conn, ctx: Ctx, plan: Plan) -> int:
    """One batch of cases nobody has decided yet: the owner is reminded, then the next team hears of it."""
    now = ctx.clock.now()
    alerts: list[AlertAsked] = []
    events, levels = [], []
    due = store.due_cases(conn, now, BATCH)
    for case in due:
        steps = rules.steps_for(plan, case["mode"], case["owner"], rules.starts_at(case), case["due_at"])
        told = {} if case["shadow"] else _news(rules.fired(steps, now), case["next_at"])
        alerts += [_step_alert(ctx, plan, case, step, f"{case['id']}:{step.share}") for step in told.values()]
        levels.append((case["id"], case["level"] + (0 if case["shadow"] else 1), rules.next_at(steps, now)))
        if told:
            events.append(_alerted(ctx, case, told))
    plan_alerts(conn, ctx, plan, alerts)
    if due:
        store.set_steps(conn, levels)
    store.insert_events(conn, events)
    return len(due)


def _news(fired: Sequence[rules.Step], since: datetime) -> dict[str, rules.Step]:
    """The newest step for each team since the last look: after a long silence nobody hears the same thing three times."""
    return {step.team: step for step in fired if step.at >= since}


def _alerted(ctx: Ctx, case: Row, told: Mapping[str, rules.Step]) -> Row:
    teams = {team: step.share for team, step in told.items()}
    return event(ctx, case["id"], "alerted", HUB, detail={"teams": teams})


def _step_alert(ctx: Ctx, plan: Plan, case: Row, step: rules.Step, key: str) -> AlertAsked:
    lead = "overdue: " if step.share == rules.OVERDUE else f"{step.share} % of the time used: "
    text = rules.subject(ctx.environment, case["number"], case["mode"], case["effect_text"], lead)
    body = rules.alert_body(case, plan.failure(case["mode"]), plan.team(case["owner"]))
    return AlertAsked(key, step.team, text, body, case["id"], case["obligation_id"])
