"""Pausing, emptying and resuming a flow within the plan's limits: what the console and the terminal press."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.blueprint.units import duration_text
from entrepot.engine import flows
from entrepot.engine.flows import Proof
from entrepot.kernel.ctx import Conn, Ctx, Row


def pause(ctx: Ctx, plan: Plan, flow: str, by: str, reason: str, until: datetime) -> Row:
    """Nothing moves, nothing is lost. Errors: FlowRefused where the plan forbids it, or for so long."""
    return _held(ctx, plan, flow, by, reason, until, flows.pause)


def empty(ctx: Ctx, plan: Plan, flow: str, by: str, reason: str, until: datetime) -> Row:
    """Nothing new comes in, what is in goes out; then the flow is paused, with the proof that nothing is left."""
    return _held(ctx, plan, flow, by, reason, until, flows.empty)


def resume(ctx: Ctx, plan: Plan, flow: str, by: str, reason: str) -> Row:
    with ctx.db.transaction() as conn:
        return flows.resume(conn, ctx, flow, by, reason)


def proof(ctx: Ctx, flow: str) -> Proof:
    """What is in a flow now, by state. Errors: UnknownFlow."""
    with ctx.db.transaction() as conn:
        flows.flow(conn, flow)
        return flows.proof(conn, flow)


def listed(conn: Conn, plan: Plan) -> list[Row]:
    """Every flow with its state, its mode and its proof; those that do not simply run first."""
    rows = [
        {**row, "proof": flows.proof(conn, row["name"]), **_planned(plan, row["name"])} for row in flows.flows(conn)
    ]
    return sorted(rows, key=lambda row: (row["state"] == "running" and row["mode"] == "act", row["name"]))


def _planned(plan: Plan, name: str) -> Mapping[str, Any]:
    found = plan.flows.get(name)
    if found is None:
        return {"in_plan": False, "replay": "never", "pause_owner": ""}
    return {"in_plan": True, "replay": found.replay, "pause_owner": found.pause.owner}


def _held(ctx: Ctx, plan: Plan, flow: str, by: str, reason: str, until: datetime, move: Any) -> Row:
    found = plan.flows.get(flow)
    if found is None:
        raise flows.UnknownFlow(f"there is no flow “{flow}” in the blueprint", flow=flow)
    if not found.pause.allowed:
        raise flows.FlowRefused(f"the blueprint does not let {flow} be paused", flow=flow)
    if until - ctx.clock.now() > found.pause.max:
        most = duration_text(found.pause.max)
        raise flows.FlowRefused(f"the blueprint lets {flow} be paused for {most} at most", flow=flow)
    with ctx.db.transaction() as conn:
        row: Row = move(conn, ctx, flow, by, reason, until, found.pause.owner)
    return row
