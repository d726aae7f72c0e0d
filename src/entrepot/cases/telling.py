"""The first time an owner hears of a case: at once, or as the alert rule of its mode says."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases import alert_rules, rules, store
from entrepot.cases.alerts import AlertAsked, plan_alerts
from entrepot.kernel.ctx import Conn, Ctx

ALERTS_EACH_MAX = 5  # more cases of one mode at once become one alert: a storm must not bury its reader
STORM_NAMED_MAX = 50
UNTOLD_MAX = 500

Case = dict[str, Any]


def first_alerts(conn: Conn, ctx: Ctx, plan: Plan, fresh: Sequence[Case], modes: Collection[str]) -> None:
    """Plan what owners hear of new cases. A mode whose rule says `above`, or how many, is silent until there is more than that."""
    bounded = sorted(mode for mode in modes if (alert := plan.failure(mode).alert) and alert.above)
    growing = sorted(mode for mode in modes if mode not in bounded and alert_rules.may_grow(plan.failure(mode).alert))
    cases = [row for row in fresh if row["mode"] not in (*bounded, *growing)]
    if bounded:
        cases += _over_the_bound(conn, plan, bounded)
    if growing:
        cases += store.untold(conn, growing, UNTOLD_MAX)
    tell(conn, ctx, plan, [row for row in cases if alert_rules.wants(plan.failure(row["mode"]).alert, row)])


def _over_the_bound(conn: Conn, plan: Plan, modes: Sequence[str]) -> list[Case]:
    measured = store.measures(conn, modes)
    over = []
    for mode in modes:
        alert = plan.failure(mode).alert
        if alert is not None and measured.get((mode, alert.measure), 0) > alert.above:
            over.append(mode)
    return store.untold(conn, over, UNTOLD_MAX) if over else []


def tell(conn: Conn, ctx: Ctx, plan: Plan, cases: Sequence[Case], lead: str = "") -> None:
    """Each owner hears of each case; of a storm, once. Nobody hears of a shadow: another connector still does the work."""
    cases = [case for case in cases if not case["shadow"]]
    if not cases:
        return
    by_mode: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases:
        by_mode[case["mode"], case["owner"]].append(case)
    alerts: list[AlertAsked] = []
    for group in by_mode.values():
        alerts += (
            [_storm(ctx, plan, group)]
            if len(group) > ALERTS_EACH_MAX
            else [_alert(ctx, plan, case, lead) for case in group]
        )
    plan_alerts(conn, ctx, plan, alerts)
    store.set_told(conn, [case["id"] for case in cases], ctx.clock.now())


def _at(ctx: Ctx, plan: Plan, case: Case) -> datetime:
    starts_at = case.get("starts_at") or case["opened_at"]
    hours = plan.team(case["owner"]).hours
    return alert_rules.first_at(plan.failure(case["mode"]).alert, hours, starts_at, case["due_at"], ctx.clock.now())


def _alert(ctx: Ctx, plan: Plan, case: Case, lead: str) -> AlertAsked:
    body = rules.alert_body(case, plan.failure(case["mode"]), plan.team(case["owner"]))
    many = f"{case['members']} of one cause: " if case.get("members", 0) > 1 else ""
    text = rules.subject(ctx.environment, case["number"], case["mode"], case["effect_text"], f"{lead}{many}")
    key = f"{case['id']}:opened" if not lead else f"{case['id']}:opened:{ctx.clock.now():%Y%m%dT%H%M%S}"
    return AlertAsked(key, case["owner"], text, body, case["id"], case["obligation_id"], _at(ctx, plan, case))


def _storm(ctx: Ctx, plan: Plan, group: Sequence[Case]) -> AlertAsked:
    first = group[0]
    text = rules.clipped(
        f"[{ctx.environment}] {len(group)} cases ({first['mode']}), the first: {first['effect_text']}",
        rules.SUBJECT_MAX,
    )
    body = rules.alert_body(first, plan.failure(first["mode"]), plan.team(first["owner"]))
    numbers = ", ".join(str(row["number"]) for row in group[:STORM_NAMED_MAX])
    said = f"{body}\nAll of them: {numbers}"
    return AlertAsked(
        f"{first['id']}:opened", first["owner"], text, said, first["id"], None, _at(ctx, plan, first), True
    )
