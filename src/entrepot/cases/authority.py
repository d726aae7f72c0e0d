"""Who may do what to a case: one table. There is no login yet; who presses says for which team, the local operator for all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from entrepot.blueprint.model import VERBS, Plan
from entrepot.cases import rules

ANYBODY = ""  # no team named: the operator at this machine
HANDLING = ("assign", "working", "waiting")
SAYING = ("note", "question")
DEEDS = (*VERBS, *HANDLING, *SAYING)


class Standing(StrEnum):
    """What a team is to a case."""

    OPERATOR = "operator"
    OWNER = "owner"
    DEPUTY = "deputy"
    ESCALATED = "escalated-to"
    OTHER = "other"


RIGHTS: Mapping[Standing, frozenset[str]] = {
    Standing.OPERATOR: frozenset(DEEDS),
    Standing.OWNER: frozenset(DEEDS),
    Standing.DEPUTY: frozenset(DEEDS),  # somebody decides when nobody of the team can
    Standing.ESCALATED: frozenset(DEEDS),
    Standing.OTHER: frozenset(SAYING),
}


def standing_of(plan: Plan, case: Mapping[str, Any], team: str, now: datetime) -> Standing:
    """`case`: its mode, owner, opened_at, starts_at, due_at. Escalated to: every team that has heard of it by its steps."""
    if team == ANYBODY:
        return Standing.OPERATOR
    owner = plan.teams.get(case["owner"])
    if team == case["owner"]:
        return Standing.OWNER
    if owner is not None and team == owner.deputy:
        return Standing.DEPUTY
    return Standing.ESCALATED if team in heard(plan, case, now) else Standing.OTHER


def heard(plan: Plan, case: Mapping[str, Any], now: datetime) -> Sequence[str]:
    if case["mode"] not in plan.failures or case["owner"] not in plan.teams:
        return ()
    steps = rules.steps_for(plan, case["mode"], case["owner"], rules.starts_at(case), case["due_at"])
    return tuple(step.team for step in rules.fired(steps, now))


def may_not(plan: Plan, case: Mapping[str, Any], team: str, deed: str, now: datetime) -> str | None:
    """Why this team may not do this to this case now, in words; None: it may."""
    if team and team not in plan.teams:
        return f"there is no team “{team}”; it is one of {', '.join(sorted(plan.teams))}"
    if deed in RIGHTS[standing_of(plan, case, team, now)]:
        return None
    who = ", ".join(dict.fromkeys([case["owner"], *heard(plan, case, now)]))
    return (
        f"case {case['number']} is {case['owner']}'s: {deed} is for {who}; {team} may leave a note or raise a question"
    )
