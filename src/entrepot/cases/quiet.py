"""Suppressed for a while: the failure is counted and nobody hears of it, until the end comes or the cause is gone."""

from datetime import datetime, timedelta

from entrepot.blueprint.model import Plan
from entrepot.cases import rules, store, telling
from entrepot.cases.files import HUB, close_rows, event
from entrepot.cases.states import CaseState
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.bulk import update_rows

QUIET_MAX = timedelta(days=90)  # for longer than that, it is a rule: change the plan
BACK = "no longer suppressed: "


def why_not_until(until: datetime, now: datetime) -> str | None:
    """Why this is no end of a silence."""
    if until <= now:
        return f"the end {until:%Y-%m-%d %H:%M} UTC has passed already"
    if until - now > QUIET_MAX:
        return f"a case may be suppressed for {QUIET_MAX.days} days at most; for longer, change the plan"
    return None


def words_for(plan: Plan, case: Row, until: datetime) -> str:
    team = plan.team(case["owner"])
    return (
        f"Nothing is sent or applied, and nobody hears of it until {rules.local_text(until, team.hours.zone)}; what fails "
        f"again is counted. If the cause still stands then, the case is open again and {team.name} hears of it."
    )


def suppress(conn: Conn, ctx: Ctx, case: Row, until: datetime) -> None:
    """Make a locked case quiet."""
    change = {"state": CaseState.SUPPRESSED, "suppressed_until": until, "next_at": until}
    store.change_case(conn, case["id"], change)
    store.drop_waiting_alerts(conn, [case["id"]])


def wake(conn: Conn, ctx: Ctx, plan: Plan, limit: int) -> int:
    """One batch of silences that are over: reopened with a new time for its owner, or closed when nothing fails any more."""
    now = ctx.clock.now()
    cases = store.ended_quiet(conn, now, limit)
    if not cases:
        return 0
    standing = store.still_failing(conn, [case["id"] for case in cases])
    close_rows(conn, ctx, [case for case in cases if case["id"] not in standing], "nothing of it fails any more")
    back = [_reopened(ctx, plan, case) for case in cases if case["id"] in standing]
    columns = ("id", "state", "suppressed_until", "starts_at", "due_at", "next_at", "waiting_on")
    update_rows(conn, "case_file", [{name: case[name] for name in columns} for case in back])
    store.insert_events(conn, [event(ctx, case["id"], "reopened", HUB, _why(case)) for case in back])
    telling.tell(conn, ctx, plan, back, BACK)
    return len(cases)


def _why(case: Row) -> str:
    return f"the time of its suppression is over, and the cause stands ({case['count']} times by now)"


def _reopened(ctx: Ctx, plan: Plan, case: Row) -> Row:
    now = ctx.clock.now()
    fresh = rules.fresh_deadline(plan, case, case["owner"], now)
    return case | fresh | {"state": CaseState.OPEN.value, "suppressed_until": None, "waiting_on": ""}
