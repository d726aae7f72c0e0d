"""Planning what people will hear: one row per channel of a team, said once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases import store
from entrepot.kernel.ctx import Conn, Ctx


@dataclass(frozen=True, slots=True)
class AlertAsked:
    """`key`: what is said about what, such as `case_…:50`; the team's channels are added, so each hears it once.

    `at`: when it leaves; none: at once. One that waits is dropped when its case ends before.
    """

    key: str
    team: str
    subject: str
    body: str
    case_id: str | None = None
    obligation_id: str | None = None
    at: datetime | None = None
    for_many: bool = False  # it speaks of more cases than its own: never dropped with that one


def plan_alerts(conn: Conn, ctx: Ctx, plan: Plan, asked: Sequence[AlertAsked]) -> int:
    """Plan alerts for every channel of their teams, due at once or when they say; returns how many are new."""
    now = ctx.clock.now()
    rows: dict[str, dict[str, Any]] = {}
    for alert in asked:
        for channel in plan.team(alert.team).notify:
            key = f"{alert.key}:{alert.team}:{channel}"
            rows[key] = {
                "id": ctx.ids.new("alert"),
                "key": key,
                "case_id": alert.case_id,
                "obligation_id": alert.obligation_id,
                "team": alert.team,
                "channel": channel,
                "subject": alert.subject,
                "body": alert.body,
                "planned_at": now,
                "due_at": max(alert.at or now, now),
                "waits": alert.at is not None and alert.at > now and not alert.for_many,
            }
    return store.insert_alerts(conn, list(rows.values()))


def plan_alert(conn: Conn, ctx: Ctx, plan: Plan, alert: AlertAsked) -> int:
    return plan_alerts(conn, ctx, plan, [alert])
