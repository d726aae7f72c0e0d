"""Shadows: what a flow raises while it only observes. Recorded and shown, and said to nobody: another connector still does the work."""

from collections.abc import Sequence

from entrepot.blueprint.model import Plan
from entrepot.cases import alert_rules, store, telling
from entrepot.cases.files import HUB, event
from entrepot.kernel.ctx import Conn, Ctx

OURS = "the flow does not only observe any more: this is ours to decide"


def end(conn: Conn, ctx: Ctx, plan: Plan, flows: Sequence[str]) -> int:
    """These flows do more than observe from now on: what stands open is ours, and its owners hear of it. Returns how many cases."""
    if not flows:
        return 0
    cases = store.end_shadows(conn, flows)
    store.insert_events(conn, [event(ctx, case["id"], "ours", HUB, OURS) for case in cases])
    known = [case for case in cases if case["mode"] in plan.failures and case["state"] != "suppressed"]
    telling.tell(conn, ctx, plan, [one for one in known if alert_rules.wants(plan.failure(one["mode"]).alert, one)])
    return len(cases)
