"""What people do with a case before it is decided: who works on it, whom it waits for, what there is to say. Each a line in its story."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases import queries, rules, store
from entrepot.cases.alerts import AlertAsked, plan_alert
from entrepot.cases.authority import ANYBODY, may_not
from entrepot.cases.files import event
from entrepot.cases.model import VerbDone, VerbRefused
from entrepot.cases.states import CASE_MOVES, CaseState
from entrepot.cases.verbs import Verdict, over, patiently
from entrepot.kernel.ctx import Conn, Ctx, Row

NOTE_MAX = 2_000
NAME_MAX = 200


@dataclass(frozen=True, slots=True)
class Handled:
    """One deed of one person. `to`: a person or a team (assign), whom it waits for (waiting). `text`: what he says."""

    deed: str  # assign | note | working | waiting
    by: str
    team: str = ANYBODY
    to: str = ""
    text: str = ""


def assign(ctx: Ctx, plan: Plan, case_id: str, by: str, to: str, reason: str = "", *, team: str = ANYBODY) -> Verdict:
    """Somebody in particular looks after it; a team of the plan hears of that. Its owner stays accountable."""
    return _do(ctx, plan, case_id, Handled("assign", by, team, to, reason))


def note(ctx: Ctx, plan: Plan, case_id: str, by: str, text: str, *, team: str = ANYBODY) -> Verdict:
    """Something worth knowing; changes nothing, and an ended case takes notes too."""
    return _do(ctx, plan, case_id, Handled("note", by, team, text=text))


def working(ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str = "", *, team: str = ANYBODY) -> Verdict:
    """Somebody is at it."""
    return _do(ctx, plan, case_id, Handled("working", by, team, text=reason))


def waiting(ctx: Ctx, plan: Plan, case_id: str, by: str, on: str, reason: str = "", *, team: str = ANYBODY) -> Verdict:
    """It waits for somebody else; its deadline runs on."""
    return _do(ctx, plan, case_id, Handled("waiting", by, team, on, reason))


def _do(ctx: Ctx, plan: Plan, case_id: str, asked: Handled) -> Verdict:
    if why := _unsaid(asked):
        return VerbRefused(case_id, why)
    return patiently(ctx, lambda: _once(ctx, plan, case_id, asked))


def _unsaid(asked: Handled) -> str:
    if not asked.by.strip():
        return "say who you are: the name stays with the case"
    if asked.deed == "note" and not asked.text.strip():
        return "a note says something"
    if asked.deed == "assign" and not asked.to.strip():
        return "say to whom: a person's name, or a team of the plan"
    return "say on whom it waits" if asked.deed == "waiting" and not asked.to.strip() else ""


def _once(ctx: Ctx, plan: Plan, case_id: str, asked: Handled) -> Verdict:
    with ctx.db.transaction() as conn:
        found = queries.find_case(conn, case_id)
        case = store.case_for_update(conn, found["id"]) if found is not None else None
        if case is None:
            return VerbRefused(case_id, f"there is no case {case_id}")
        why = _refusal(ctx, plan, case, asked)
        if why is not None:
            return VerbRefused(case["id"], why)
        changes, words = _changes(case, asked)
        if changes:
            store.change_case(conn, case["id"], changes)
        detail = {"to": changes["assignee"]} if asked.deed == "assign" else {"on": asked.to} if asked.to else {}
        line = event(ctx, case["id"], asked.deed, asked.by.strip(), _said(asked), detail)
        store.insert_events(conn, [line])
        _tell(conn, ctx, plan, case, asked)
        ctx.point("handling.before-commit")
    return VerbDone(case["id"], case["number"], asked.deed, words)


def _said(asked: Handled) -> str:
    """To whom, or whom it waits for, and why."""
    return ": ".join(part for part in (asked.to.strip(), asked.text.strip()) if part)[:NOTE_MAX]


def _refusal(ctx: Ctx, plan: Plan, case: Row, asked: Handled) -> str | None:
    if case["resolved_at"] is not None and asked.deed != "note":
        return over(case)
    if why := may_not(plan, case, asked.team, asked.deed, ctx.clock.now()):
        return why
    if asked.deed not in ("working", "waiting") or asked.deed == case["state"]:
        return None
    if CaseState(asked.deed) not in CASE_MOVES[CaseState(case["state"])]:
        return f"case {case['number']} is {case['state']}: it cannot become {asked.deed} now"
    return None


def _changes(case: Row, asked: Handled) -> tuple[Mapping[str, Any], str]:
    to = asked.to.strip()[:NAME_MAX].replace("\x00", "�")
    match asked.deed:
        case "assign":
            return {"assignee": to}, f"Case {case['number']} is with {to} now; {case['owner']} still owns it."
        case "working":
            mine = {} if case["assignee"] else {"assignee": asked.by.strip()}
            return {"state": CaseState.WORKING, "waiting_on": "", **mine}, f"Case {case['number']} is being worked on."
        case "waiting":
            return {"state": CaseState.WAITING, "waiting_on": to}, f"Case {case['number']} waits for {to}."
    return {}, f"The note stands in the story of case {case['number']}."


def _tell(conn: Conn, ctx: Ctx, plan: Plan, case: Row, asked: Handled) -> None:
    """A team it is given to hears of it; the owner knows already."""
    to = asked.to.strip()
    if asked.deed != "assign" or to not in plan.teams or to == case["owner"] or to == case["assignee"]:
        return
    lead = f"{asked.by} asks you to look after "
    text = rules.subject(ctx.environment, case["number"], case["mode"], case["effect_text"], lead)
    body = rules.alert_body(case, plan.failure(case["mode"]), plan.team(case["owner"]))
    said = f"{body}\n{asked.by} says: {asked.text}" if asked.text else body
    plan_alert(conn, ctx, plan, AlertAsked(f"{case['id']}:assigned:{ctx.ids.new('evt')}", to, text, said, case["id"]))
