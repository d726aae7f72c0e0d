"""The risk register: every failure mode with how often it comes, what it costs, whose it is, and what holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from entrepot.blueprint.draw.grid import Bar, Column, grid
from entrepot.blueprint.draw.svg import Sheet
from entrepot.blueprint.draw.table import Table
from entrepot.blueprint.draw.words import NO_DATA, listed, mode_word, plain, span_word
from entrepot.blueprint.model import ANY_FLOW, OWNER, FailureMode, Plan
from entrepot.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Experience:
    """What a running hub has seen of one failure mode. `at_risk`: of open cases, one amount per currency."""

    cases: int = 0
    per_week: float = 0.0
    times: int = 0  # how often it happened: the same failure again is counted on its case
    median_to_decide: timedelta | None = None  # none: nothing of it was decided yet
    escalated_percent: int = 0
    open_cases: int = 0
    at_risk: tuple[Money, ...] = ()
    exposed: tuple[Money, ...] = ()  # of every case in the time looked at
    missed: int = 0  # promises broken
    lost: tuple[Money, ...] = ()  # what they were worth


@dataclass(frozen=True, slots=True)
class Seen:
    """Experience by failure mode, and the time it was gathered in. A mode that is not in it did not happen."""

    days: int
    modes: Mapping[str, Experience] = field(default_factory=dict)

    def of(self, mode: str) -> Experience:
        return self.modes.get(mode, Experience())


@dataclass(frozen=True, slots=True)
class Risk:
    mode: str
    title: str
    flow: str
    kind: str
    owner: str
    effect: str
    controls: tuple[str, ...]
    corrects: str
    experience: Experience | None  # none: no hub was asked


def register(plan: Plan, seen: Seen | None = None) -> tuple[Risk, ...]:
    """The worst first where there is experience: by money at risk, then by how often; else in the order of the flows."""
    risks = [_risk(plan, failure, seen) for failure in plan.failures.values()]
    order = {name: at for at, name in enumerate(plan.flows)}
    return tuple(sorted(risks, key=lambda risk: _rank(risk, order)))


def table(risks: tuple[Risk, ...], seen: Seen | None) -> Table:
    columns = ("Failure mode", "Flow", "Kind", "Owner", "Likelihood", "Money at risk", "Money exposed", "Median time to decide", "Escalated", "Promises broken",
               "Controls", "Data is corrected by", "What it means", "Runbook")  # fmt: skip
    rows = tuple(
        (r.mode, r.flow, r.kind, r.owner, likelihood(r), at_risk(r), exposed(r), decided(r), escalated(r), missed(r), listed(r.controls, "none"),
         r.corrects, r.effect, f"/runbooks/{r.mode}")
        for r in risks
    )  # fmt: skip
    return Table("Risk register" + (f", {seen.days} days" if seen else ""), columns, rows)


def drawing(risks: tuple[Risk, ...], seen: Seen | None) -> Sheet:
    lead = f"as seen in the last {seen.days} days" if seen else NO_DATA
    sheet = Sheet("risks", "Risk register", f"{len(risks)} failure modes, {lead}. The same is in the table below it.")
    sheet.text(16, 30, "Risk register", "head")
    sheet.text(16, 50, f"{len(risks)} failure modes · likelihood and money: {lead}", "quiet")
    often = max((r.experience.per_week for r in risks if r.experience), default=0.0)
    money = max((_minor(r.experience) for r in risks if r.experience), default=0)
    columns = (Column("Failure mode", 250), Column("Flow", 150), Column("Kind", 80), Column("Owner", 170), Column("Likelihood", 150), Column("Money at risk", 190),
               Column("What holds it", 380))  # fmt: skip
    rows = [
        (
            r.title,
            plain(r.flow),
            r.kind,
            plain(r.owner),
            _bar(r, likelihood(r), r.experience.per_week / often if r.experience and often else 0.0),
            _bar(r, at_risk(r), _minor(r.experience) / money if r.experience and money else 0.0),
            listed(r.controls, "none"),
        )
        for r in risks
    ]
    grid(sheet, 70, columns, rows)
    return sheet


def likelihood(risk: Risk) -> str:
    found = risk.experience
    if found is None:
        return NO_DATA
    return f"{found.per_week:.1f} a week" if found.cases else "never"


def at_risk(risk: Risk) -> str:
    return _money(risk.experience.at_risk) if risk.experience else NO_DATA


def exposed(risk: Risk) -> str:
    return _money(risk.experience.exposed) if risk.experience else NO_DATA


def decided(risk: Risk) -> str:
    found = risk.experience
    if found is None:
        return NO_DATA
    return span_word(found.median_to_decide) if found.median_to_decide is not None else "none decided"


def escalated(risk: Risk) -> str:
    return f"{risk.experience.escalated_percent} %" if risk.experience else NO_DATA


def missed(risk: Risk) -> str:
    if risk.experience is None:
        return NO_DATA
    worth = f", worth {_money(risk.experience.lost)}" if risk.experience.lost else ""
    return f"{risk.experience.missed}{worth}"


def controls(plan: Plan, failure: FailureMode) -> tuple[str, ...]:
    """What in the plan notices it, bounds it or takes over from it."""
    found = []
    if failure.alert:
        lasting = f" for {span_word(failure.alert.lasting)}" if failure.alert.lasting else ""
        found.append(f"alert: {plain(failure.alert.measure).lower()} above {failure.alert.above}{lasting}")
    found.append(f"decided within {span_word(failure.within)} of working time")
    heard = [f"{plain(failure.owner if s.to == OWNER else s.to)} at {s.at} %" for s in failure.escalate]
    found.append(f"heard by {listed(heard)}")
    flow = plan.flows.get(failure.flow)
    if flow and flow.deadline and failure.when_missed:
        found.append(f"promise: {plain(flow.deadline.obligation).lower()} within {span_word(flow.deadline.within)}")
    if failure.when_missed:
        found.append(f"then {mode_word(failure.when_missed).lower()}")
    return tuple(found)


def _risk(plan: Plan, failure: FailureMode, seen: Seen | None) -> Risk:
    return Risk(
        mode=failure.name,
        title=mode_word(failure.name),
        flow="any flow" if failure.flow == ANY_FLOW else failure.flow,
        kind=failure.kind,
        owner=failure.owner,
        effect=failure.effect,
        controls=controls(plan, failure),
        corrects=failure.corrects or "",
        experience=seen.of(failure.name) if seen else None,
    )


def _rank(risk: Risk, order: Mapping[str, int]) -> tuple[int, float, int, str]:
    found = risk.experience or Experience()
    return (-_minor(found), -found.per_week, order.get(risk.flow, len(order)), risk.mode)


def _minor(found: Experience | None) -> int:
    """For an order and a bar only: amounts of several currencies are not money that can be added."""
    return sum(money.minor for money in found.at_risk) if found else 0


def _money(amounts: tuple[Money, ...]) -> str:
    return " + ".join(str(amount) for amount in amounts) or "none"


def _bar(risk: Risk, words: str, share: float) -> Bar | str:
    return Bar(share, words) if risk.experience else words
