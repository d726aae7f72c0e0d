"""E4xx: is every failure owned by people who can be reached, may act, know what to do and hear of it in time?"""

from string import Formatter

from entrepot.blueprint import alerting
from entrepot.blueprint.finding import Path
from entrepot.blueprint.lint.look import Flaw, Flaws, Look, circles
from entrepot.blueprint.lint.modes import OPENED_BY_SELLERS, TOLD_BY_CHANNEL, of_the_trade, opened
from entrepot.blueprint.model import ANY_FLOW, OWNER, STANDARD_VALUES, FailureMode, Team


def check(look: Look) -> Flaws:
    for name, team in look.plan.teams.items():
        yield from _team(look, ("teams", name), team)
    yield from _loops(look)
    for name, flow in look.plan.flows.items():
        if not flow.failures:
            yield Flaw("E401", ("flows", name), "nobody has thought of how it fails")
    for name, mode in look.plan.failures.items():
        yield from _mode(look, ("failures", name), mode)
    yield from _missing(look)
    yield from _unnamed(look)


def _missing(look: Look) -> Flaws:
    for mode in opened(look.models):
        if not (
            look.has("failures", mode) or (mode in OPENED_BY_SELLERS and look.has("failures", TOLD_BY_CHANNEL + mode))
        ):
            words = f"the hub can meet {mode}, but nobody owns it here"
            yield Flaw("E406", ("failures",), words, f"add {mode}: (the plan that ships has one to copy)")
    for mode in of_the_trade(look.models):
        if not look.has("failures", mode):
            yield Flaw(
                "W401",
                ("failures",),
                f"the trade knows {mode}, and nobody owns it here",
                f"add {mode}: (the plan that ships has one to copy)",
            )


def _unnamed(look: Look) -> Flaws:
    """Modes that belong to a flow which does not know of them."""
    if "flows" not in look.whole:
        return
    named = {mode for flow in look.plan.flows.values() for mode in flow.failures}
    later = {mode.when_missed for mode in look.plan.failures.values()}
    for name, mode in look.plan.failures.items():
        if mode.flow != ANY_FLOW and name not in named | later:
            yield Flaw(
                "W403",
                ("failures", name),
                "no flow names it among its failures",
                f"add it to flows.{mode.flow}.failures, or write flow: any",
            )


def _team(look: Look, here: Path, team: Team) -> Flaws:
    for key, other in (("deputy", team.deputy), ("on_call", team.on_call), ("escalates_to", team.escalates_to)):
        yield from look.refer("teams", other, (*here, key))
    if "hours" not in team.model_fields_set:
        yield Flaw("E408", here, "nobody says when this team works, so no deadline of its can be counted")
    if team.deputy is None:
        yield Flaw("E409", here, "somebody must decide when nobody of this team can")
    elif team.deputy == team.name:
        yield Flaw("E409", (*here, "deputy"), "a team cannot stand in for itself")
    if not team.notify:
        yield Flaw("E410", here, "there is no way to reach this team")
    if team.escalates_to is None and not team.hours.always and "hours" in team.model_fields_set:
        yield Flaw("W404", here, "escalation ends here, and at night nobody answers")


def _loops(look: Look) -> Flaws:
    for chain in circles({name: team.escalates_to for name, team in look.plan.teams.items()}):
        yield Flaw(
            "E407", ("teams", chain[0], "escalates_to"), f"escalation goes round in a circle: {' → '.join(chain)}"
        )
    for chain in circles({name: mode.when_missed for name, mode in look.plan.failures.items()}):
        yield Flaw(
            "E415", ("failures", chain[0], "when_missed"), f"each takes over from the other: {' → '.join(chain)}"
        )


def _mode(look: Look, here: Path, mode: FailureMode) -> Flaws:
    if mode.flow != ANY_FLOW:
        yield from look.refer("flows", mode.flow, (*here, "flow"))
    yield from look.refer("teams", mode.owner, (*here, "owner"))
    yield from look.refer("failures", mode.when_missed, (*here, "when_missed"))
    if not mode.owner:
        yield Flaw("E402", here, "nobody owns it")
    if not mode.may:
        yield Flaw("E403", (*here, "may"), "its owner may do nothing about it")
    if not mode.recovery:
        yield Flaw("E404", here, "it says what is wrong, and not what to do")
    if mode.alert is None:
        yield Flaw("E405", here, "nobody is told when it happens")
    elif unread := alerting.read_where(mode.alert.where).unread:
        words = f"nobody reads “{unread[0]}”, so it keeps nothing back"
        yield Flaw("W405", (*here, "alert", "where"), words)
    yield from _verbs(here, mode)
    yield from _steps(look, here, mode)
    for key in ("cause", "effect"):
        names = {name for _, name, _, _ in Formatter().parse(getattr(mode, key)) if name}
        for name in sorted(names - STANDARD_VALUES):
            dangling = look.dangling(name, (*here, key), "value that every case has called", STANDARD_VALUES)
            yield Flaw("W402", (*here, key), dangling.message, dangling.fix)


def _verbs(here: Path, mode: FailureMode) -> Flaws:
    if mode.kind == "business" and mode.may[:1] == ("retry",):
        yield Flaw("E412", (*here, "may", 0), "sending refused data again does not mend it")
    if len(set(mode.may)) != len(mode.may):
        yield Flaw("E413", (*here, "may"), "names a verb twice")


def _steps(look: Look, here: Path, mode: FailureMode) -> Flaws:
    if not mode.escalate:
        yield Flaw("E414", here, "nobody hears of it when its owner does not decide")
    for i, step in enumerate(mode.escalate):
        if step.to != OWNER:
            yield from look.refer("teams", step.to, (*here, "escalate", i, "to"))
        if i and step.at <= mode.escalate[i - 1].at:
            yield Flaw("E411", (*here, "escalate", i, "at"), "steps go upwards: each one later than the one before")
