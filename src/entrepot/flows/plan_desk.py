"""plan, apply, rollback: what a change of the plan would do, doing it with a reason, and the way back.

A plan comes into force in one transaction, together with the modes of its flows. Running processes see it within seconds
and start anew on it; what they had sent before is still written down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases import shadow
from entrepot.cases.service import open_cases
from entrepot.change import service, store
from entrepot.change.diff import Difference, differences
from entrepot.change.model import Change, Source, Version
from entrepot.change.source import plan_of
from entrepot.engine import flows as flow_control
from entrepot.flows.consequences import advised_case
from entrepot.flows.plan_records import Touched, decided_under, touched
from entrepot.flows.replay import ReplayAsked, ReplayPlan, plan_replay
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.outbox.store import Intent
from entrepot.ownership.compile import compile_rules
from entrepot.ownership.refusing import given_now


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a plan would change. `in_force`: None before the first plan."""

    in_force: Version | None
    plan: Plan
    differences: tuple[Difference, ...]
    touched: tuple[Touched, ...]

    @property
    def changes_nothing(self) -> bool:
        return self.in_force is not None and self.in_force.hash == self.plan.hash


@dataclass(frozen=True, slots=True)
class WayBack:
    """What a rollback leaves behind: the changes it undoes, what was decided under them, and what a replay would do."""

    to: Version
    plan: Plan
    undone: tuple[Change, ...]  # oldest first
    differences: tuple[Difference, ...]
    touched: tuple[Touched, ...]
    decided: Mapping[str, list[Row]]
    replays: tuple[ReplayPlan, ...]  # of each flow whose records the two plans see differently

    @property
    def since(self) -> datetime | None:
        return self.undone[0].at if self.undone else None


def propose(conn: Conn, source: Source) -> Proposed:
    """Compare a plan with the one in force, and say which records it reaches; changes nothing."""
    return _proposed(conn, store.in_force(conn), source.plan, source.content)


def _proposed(conn: Conn, in_force: Version | None, plan: Plan, content: Mapping[str, Any]) -> Proposed:
    if in_force is None:
        return Proposed(None, plan, tuple(differences({}, content)), ())
    before = plan_of(in_force)
    found = differences(in_force.content, content, (before, plan))
    return Proposed(in_force, plan, tuple(found), tuple(touched(conn, found, before, plan)))


def apply(ctx: Ctx, source: Source, *, by: str, reason: str) -> tuple[Proposed, bool]:
    """Bring a plan into force; False when it is already. Errors: PlanRefused."""
    with ctx.db.transaction() as conn:
        store.hash_in_force(conn, for_change=True)  # what is shown is what is changed
        proposed = propose(conn, source)
        done = service.apply(conn, ctx, source, by=by, reason=reason)
        if done:
            _switch(conn, ctx, source.plan)
        ctx.point("plan.before-commit")
    return proposed, done


def way_back(conn: Conn, hash_: str) -> WayBack:
    """What a rollback to a plan would undo, and what was decided since; changes nothing. Errors: UnknownPlan."""
    to = service.find(conn, hash_)
    plan, undone = plan_of(to), service.since(conn, to.hash)
    proposed = _proposed(conn, store.in_force(conn), plan, to.content)
    if not undone:
        return WayBack(to, plan, (), proposed.differences, proposed.touched, {}, ())
    hashes = sorted({change.hash for change in undone})
    replays = _replays(conn, plan, hashes, undone[0].at, proposed.differences)
    decided = decided_under(conn, hashes, undone[0].at)
    return WayBack(to, plan, undone, proposed.differences, proposed.touched, decided, replays)


def _replays(
    conn: Conn, plan: Plan, hashes: list[str], since: datetime, found: tuple[Difference, ...]
) -> tuple[ReplayPlan, ...]:
    """A replay of every flow whose mappings differ, or differed in between, where it has anything to say."""
    others = [plan_of(version) for hash_ in hashes if (version := store.version(conn, hash_))]
    changed = {one.entry for one in found if one.section == "mappings"}
    changed |= {
        name
        for other in others
        for name in {*other.mappings, *plan.mappings}
        if other.mappings.get(name) != plan.mappings.get(name)
    }
    flows = {p.mappings[name].flow for p in (plan, *others) for name in changed if name in p.mappings}
    planned = [plan_replay(conn, plan, ReplayAsked(flow, since)) for flow in sorted(flows) if flow in plan.flows]
    return tuple(one for one in planned if one.rows)


def roll_back(ctx: Ctx, hash_: str, *, by: str, reason: str) -> tuple[WayBack, bool]:
    """The older plan comes into force again; False when it is already. Errors: UnknownPlan, PlanRefused."""
    with ctx.db.transaction() as conn:
        store.hash_in_force(conn, for_change=True)
        back = way_back(conn, hash_)
        done = service.roll_back(conn, ctx, back.to, by=by, reason=reason)
        if done:
            _switch(conn, ctx, back.plan)
        ctx.point("plan.before-commit")
    return back, done


def under(ctx: Ctx, plan: Plan) -> Ctx:
    """The same hands, under another plan: what they write from now on carries its hash."""
    return replace(ctx, plan_hash=plan.hash)


ADVISED_SINCE = "it was planned when the flow still acted; now a person releases it"


def _switch(conn: Conn, ctx: Ctx, plan: Plan) -> None:
    """Flows of the new plan exist, and their modes count from this commit on: a claim reads them, not the process."""
    ctx = under(ctx, plan)
    flow_control.ensure(conn, ctx, plan.flows)
    before = {row["name"]: row["mode"] for row in flow_control.flows(conn)}
    flow_control.set_modes(conn, {name: flow.mode for name, flow in plan.flows.items()})
    now = {name: flow.mode for name, flow in plan.flows.items()}
    store.release_held(conn, [name for name in sorted(now) if before[name] == "advise" != now[name]])
    _advise(conn, ctx, plan, [name for name in sorted(now) if now[name] == "advise" != before[name]])
    given_now(conn, ctx, compile_rules(plan))
    shadow.end(conn, ctx, plan, [name for name in sorted(now) if before[name] == "observe" != now[name]])


def _advise(conn: Conn, ctx: Ctx, plan: Plan, flows: Sequence[str]) -> None:
    """What was promised and not sent yet is offered as a case each; what is under way or unclear is finished and read back,
    and waits for a person too should it come back undone."""
    if not flows:
        return
    held = store.hold_planned(conn, flows, ADVISED_SINCE)
    open_cases(conn, ctx, plan, [advised_case(row["id"], _intent(row)) for row in held])


def _intent(row: Row) -> Intent:
    names = ("key", "account", "operation", "root", "flow", "payload", "queue", "message_id")
    return Intent(**{name: row[name] for name in names}, window_s=(row["window_until"] - row["due_at"]).total_seconds())
