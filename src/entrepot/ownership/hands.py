"""One person at one field of one object: what he may do is decided by the party of his team, and by nothing else."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.blueprint.model import Plan
from entrepot.blueprint.units import duration_text
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import OwnerDecides
from entrepot.ownership import store
from entrepot.ownership.batches import lock
from entrepot.ownership.booking import Book
from entrepot.ownership.compile import ObjectRights, RuleSet
from entrepot.ownership.model import Act, Allowed, Judged, NotAllowed, Scope, Value, Write
from entrepot.ownership.rules import decide
from entrepot.ownership.standing import Key, Standing


class NotYours(OwnerDecides):
    """The plan gives this lever to others; `fields` say to whom, and whether one may ask them."""

    code = "not-owner"


class NotThere(OwnerDecides):
    code = "not-there"


class StandsAlready(OwnerDecides):
    code = "stands-already"


class WrongEnd(OwnerDecides):
    code = "wrong-end"


class SamePerson(OwnerDecides):
    """The second person must be another one."""

    code = "same-person"


class OutsideLimits(OwnerDecides):
    code = "outside-limits"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    team: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a lever did: the row it made or ended, how that stands, and what it led to (`judged.touched` is to be published)."""

    id: str
    state: str
    judged: Judged


@dataclass(frozen=True, slots=True)
class Hand:
    """One person at one field of one object, locked, with what stands and what the plan says."""

    conn: Conn
    ctx: Ctx
    plan: Plan
    rules: RuleSet
    key: Key
    field: str
    by: Person
    standing: Standing
    now: datetime

    @property
    def scope(self) -> Scope:
        return self.standing.scope or Scope(self.key[0])

    @property
    def owned(self) -> ObjectRights:
        return self.rules.objects[self.key[1]]

    def book(self) -> Book:
        return Book(self.ctx, self.plan, self.rules, self.now, by=self.by.name)

    def require(self, act: Act, value: Value = None) -> str:
        """The rule that lets him. Errors: NotYours says who may."""
        party = self.plan.team(self.by.team).party
        _, object, object_id = self.key
        verdict = decide(self.rules, Write(object, object_id, self.field, act, party, value, self.scope))
        if isinstance(verdict, Allowed):
            return verdict.rule
        raise _not_yours(verdict, self.by, act)


def _not_yours(verdict: NotAllowed, by: Person, act: Act) -> NotYours:
    ask = ". You may ask for a correction" if verdict.may_request and act is not Act.REQUEST else ""
    return NotYours(
        f"{by.name} of {by.team}: {verdict.words}{ask}",
        why=verdict.why.value,
        owners=verdict.owners,
        may_request=verdict.may_request,
        exceptions=verdict.exceptions,
        rule=verdict.rule,
    )


def hand_on(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, key: Key, field: str, by: Person) -> Hand:
    lock(conn, [key])
    now = ctx.clock.now()
    standing = store.standing(conn, [key], now.date())[key]
    if standing.scope is None:
        raise NotThere(f"there is no {key[1]} {key[2]} at {key[0]}", object=key[1], object_id=key[2])
    return Hand(conn, ctx, plan, rules, key, field, by, standing, now)


def require_end(hand: Hand, until: datetime, most: timedelta, what: str) -> None:
    if not hand.now < until <= hand.now + most:
        raise WrongEnd(
            f"{what} ends after now and within {duration_text(most)}; {until:%Y-%m-%d %H:%M} UTC does not", until=until
        )


def require_reason(text: str, what: str) -> str:
    if not text.strip():
        raise OwnerDecides(f"say why: {what} stays with its reason")
    return text.strip()
