"""Pure decisions and texts of cases: when somebody hears of it, and in which words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from entrepot.blueprint.hours import Hours
from entrepot.blueprint.model import FailureMode, Plan, Team
from entrepot.cases.model import CaseAsked
from entrepot.kernel.money import Money

NOT_KNOWN = "(not known)"
UNKNOWN_AMOUNT = "an unknown amount"
TEXT_MAX = 2_000
SUBJECT_MAX = 140
# A warning two minutes before the end warns nobody: half an hour for the step at 50 %, three minutes for the one at 95 %,
# or a tenth of what is left on the clock where windows are short.
LEAD_PER_SHARE = timedelta(seconds=36)
OVERDUE = 100  # the last step of every case: its time is used up


@dataclass(frozen=True, slots=True)
class Step:
    """A moment at which a team hears of a case or an obligation. `share`: percent of the window used up."""

    at: datetime
    share: int
    team: str


# Our words for things are short; these are the ones people use.
PEOPLES_WORDS = {
    "leg": "order",
    "effect": "outgoing action",
    "lane": "queue",
    "capture": "charge",
    "return_file": "return",
}


def said(object_: str) -> str:
    return PEOPLES_WORDS.get(object_, object_)


class Known(dict[str, Any]):
    """Names for a text; one that nobody gave reads “(not known)” and never stops the case."""

    def __missing__(self, name: str) -> str:
        return NOT_KNOWN


def money_text(minor: int, currency: str) -> str:
    return str(Money(minor, currency))


def local_text(at: datetime, zone: str) -> str:
    """`Mon 2 Mar 2026 09:30 CET`: a clock time for the people who read it."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y %H:%M %Z}"


def clipped(text: str, most: int = TEXT_MAX) -> str:
    """PostgreSQL keeps no NUL, and nobody reads a megabyte."""
    text = text.replace("\x00", "�")
    return text if len(text) <= most else text[: most - 1] + "…"


def words_for(asked: CaseAsked, failure: FailureMode, team: Team, due_at: datetime) -> tuple[str, str]:
    """The business effect and the cause of one case, in plain words."""
    known = Known(
        count=1,
        value=money_text(asked.money_minor, asked.currency) if asked.money_minor else UNKNOWN_AMOUNT,
        due=local_text(due_at, team.hours.zone),
        object=said(asked.object),
        object_id=asked.name or asked.object_id,
        account=asked.account,
        words=asked.cause or failure.name.replace("-", " "),
    )
    known.update(asked.values)
    cause = failure.cause.format_map(known)
    if asked.cause and "{words}" not in failure.cause:
        cause = f"{cause} {asked.cause}"
    return clipped(_sentence(failure.effect.format_map(known))), clipped(_sentence(cause))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def due_for(asked: CaseAsked, failure: FailureMode, hours: Hours, now: datetime) -> datetime:
    return asked.due_at if asked.due_at is not None else hours.add(now, failure.within)


def steps_for(plan: Plan, mode: str, owner: str, starts_at: datetime, due_at: datetime) -> list[Step]:
    """Who hears when, in order: the mode's steps in the owner's working time, and at the end the team above.

    When little of the window is working time, a share of it may fall minutes before the end; then the step comes earlier.
    """
    team = plan.team(owner)
    failure = plan.failure(mode)
    shares = [(s.at, owner if s.to == "owner" else s.to) for s in failure.escalate]
    reached = team.hours.shares_at(starts_at, due_at, [share for share, _ in shares])
    steps = [
        Step(min(at, due_at - _lead(starts_at, due_at, share)), share, to)
        for at, (share, to) in zip(reached, shares, strict=True)
    ]
    return [*steps, Step(due_at, OVERDUE, team.escalates_to or owner)]


def starts_at(case: Mapping[str, Any]) -> datetime:
    """Since when its owner has had time: opened, handed over, or out of silence."""
    at: datetime = case.get("starts_at") or case["opened_at"]
    return at


def fresh_deadline(plan: Plan, case: Mapping[str, Any], owner: str, now: datetime) -> dict[str, Any]:
    """A new window in an owner's own working time. A promise keeps its due time: the other side set it.

    Shape: the columns starts_at, due_at, next_at of the case.
    """
    if not case["own_steps"]:
        return {"starts_at": now, "due_at": case["due_at"], "next_at": None}
    due_at = plan.team(owner).hours.add(now, plan.failure(case["mode"]).within)
    steps = steps_for(plan, case["mode"], owner, now, due_at)
    return {"starts_at": now, "due_at": due_at, "next_at": next_at(steps, now)}


def working_days_after(hours: Hours, at: datetime, days: int) -> datetime:
    """The same clock time, so many working days of a team later."""
    local = at.astimezone(ZoneInfo(hours.zone))
    while days > 0:
        local += timedelta(days=1)
        days -= 1 if hours.week[local.weekday()] else 0
    return local.astimezone(UTC)


def _lead(starts_at: datetime, due_at: datetime, share: int) -> timedelta:
    """A person is told at least this long before, whatever the working hours say."""
    return max(min((due_at - starts_at) * (100 - share) // 1000, LEAD_PER_SHARE * (100 - share)), timedelta())


def fired(steps: Sequence[Step], now: datetime) -> list[Step]:
    return [step for step in steps if step.at <= now]


def next_at(steps: Sequence[Step], now: datetime) -> datetime | None:
    return min((step.at for step in steps if step.at > now), default=None)


def subject(environment: str, number: int, mode: str, effect_text: str, lead: str = "") -> str:
    """One line a person reads on a telephone: what it is, and what it means."""
    text = f"[{environment}] {lead}case {number} ({mode}): {effect_text}"
    return clipped(" ".join(text.split()), SUBJECT_MAX)


def alert_body(case: Mapping[str, Any], failure: FailureMode, team: Team) -> str:
    """Effect first, cause second, then whose it is, until when, and what may be done."""
    lines = [
        case["effect_text"],
        "",
        f"Why: {case['cause_text']}",
        f"Owner: {case['owner']}, to be decided by {local_text(case['due_at'], team.hours.zone)}",
    ]
    if case["money_minor"]:
        lines.append(f"Money at risk: {money_text(case['money_minor'], case['currency'])}")
    if case.get("members", 0) > 1:
        lines.append(f"Of the same cause: {case['members']}")
    lines += [
        f"You may: {', '.join(failure.may)}",
        f"First: {failure.recovery[0]}",
        f"More: entrepot case show {case['number']}",
    ]
    return clipped("\n".join(lines))


def why_not(what: str, state: str, verb: str, note: str | None) -> str:
    """Why a verb has nothing to act on, in people's words."""
    said = {
        "decided": "was applied already",
        "ignored": "was not needed: it told nothing new",
        "suppressed": "was suppressed already",
        "replaced": "was replaced by a repaired one",
        "sending": "is being sent right now; look again in a moment",
        "done": "is done already; it is not done twice",
        "void": "was taken back",
        "observed": "is only observed: somebody else's connector does it",
        "unknown": "has an unclear result; it is read back first, and only then may it change",
    }.get(state, f"is {state}")
    return f"the {what} {said}" + (f" ({note})" if note else "") + f": there is nothing to {verb}"
