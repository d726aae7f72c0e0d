"""Sending what was planned: claim, send with no transaction open, outcome. What fails is tried again, and kept."""

from datetime import datetime, timedelta

from entrepot.blueprint.model import Plan
from entrepot.cases import store
from entrepot.cases.channels import Channels
from entrepot.cases.files import close_for, open_cases
from entrepot.cases.model import CaseAsked, Lease, Notice, Notifier
from entrepot.cases.states import AlertState
from entrepot.kernel.ctx import Ctx, Row

BATCH = 20
TRIES_MAX = 12
BACK_OFF_FIRST_S = 30.0  # business seconds
BACK_OFF_MAX_S = 3_600.0

NOTIFY_DUE_SQL = (
    "SELECT 'hub' AS account WHERE EXISTS (SELECT FROM alert WHERE state = 'planned' AND due_at <= %(now)s)"
)


def drain_notify(ctx: Ctx, lease: Lease, plan: Plan, notifier: Notifier | None = None) -> int:
    """Send planned alerts; returns how many were tried. Dying in between sends one twice: better than never."""
    sender = notifier or Channels()
    handled = 0
    while lease.time_left(ctx) > 0:
        batch = _claim(ctx, lease)
        ctx.point("notify.claimed")
        for alert in batch:
            lease.renew(ctx)
            at = alert["planned_at"]
            notice = Notice(alert["key"], alert["team"], alert["subject"], alert["body"], at)
            error = sender.send(notice, alert["channel"])
            ctx.point("notify.sent")
            _settle(ctx, lease, plan, alert, error)
        handled += len(batch)
        if len(batch) < BATCH:
            break
    return handled


def _claim(ctx: Ctx, lease: Lease) -> list[Row]:
    now = ctx.clock.now()
    with ctx.db.transaction() as conn:
        lease.hold(conn)
        alerts = store.due_alerts(conn, now, BATCH)
        store.claim_alerts(conn, [a["id"] for a in alerts], [_again_at(a, now) for a in alerts])
    return alerts


def _again_at(alert: Row, now: datetime) -> datetime:
    return now + timedelta(seconds=min(BACK_OFF_MAX_S, BACK_OFF_FIRST_S * 2.0 ** alert["attempts"]))


def _settle(ctx: Ctx, lease: Lease, plan: Plan, alert: Row, error: str | None) -> None:
    """Keep the outcome; a channel given up on is a case of its own, and its first success closes it."""
    channel = alert["channel"]
    given_up = error is not None and alert["attempts"] + 1 >= TRIES_MAX
    state = AlertState.SENT if error is None else AlertState.FAILED if given_up else AlertState.PLANNED
    with ctx.db.transaction() as conn:
        lease.hold(conn)
        store.settle_alert(conn, alert["id"], state, ctx.clock.now() if error is None else None, error)
        if error is None:
            close_for(conn, ctx, "alert-undelivered", "channel", channel, "an alert went through again")
        elif given_up:
            open_cases(conn, ctx, plan, [CaseAsked("alert-undelivered", "hub", "channel", channel, cause=error)])
