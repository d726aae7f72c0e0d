"""What is asked of ownership, and what it answers: frozen data. Instants: aware UTC, business time. Prices: whole minor units.

An object is named by account, kind (`offer`) and its id there; the account stands in the scope.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Value = str | int | bool | None  # as it stands in a column; money is its minor units, its currency a field of its own


class Act(StrEnum):
    """What somebody wants to do to a field (CREATE: to the object)."""

    CREATE = "create"
    UPDATE = "update"
    HOLD = "hold"
    OVERRIDE = "override"
    CORRECT = "correct"
    REQUEST = "request"


class Why(StrEnum):
    """Why a write was refused or a value held. Stable: corrections are grouped by it, cases and reports name it."""

    NOT_OWNER = "not-owner"  # the plan gives this right on this field to others
    NOBODY_OWNS = "nobody-owns"  # the plan gives it to nobody: an ownership question
    LOWER_PRECEDENCE = "lower-precedence"  # an updater with precedence has set it
    UNDER_FLOOR = "under-floor"
    ABOVE_CEILING = "above-ceiling"
    OTHER_CURRENCY = "other-currency"
    STALE = "stale"
    SUSPENDED = "suspended"
    OPERATOR = "operator"  # a person's hold
    FIGHT = "ownership-fight"
    OVERRIDDEN = "overridden"  # let in beneath an override, which goes on counting


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a write happens: what the `where` of a rule is held against. Empty: not known, and no scoped rule fits."""

    account: str = ""
    seller: str = ""
    seller_model: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """One actor's wish about one field of one object. `actor`: `party@system`, or a party alone."""

    object: str  # kind: offer
    object_id: str
    field: str
    act: Act
    actor: str
    value: Value = None
    scope: Scope = Scope()
    set_by: str | None = None  # the actor whose value stands there now: precedence is held against him
    source: str = ""  # for people, where it differs from its neighbours': `price list of backoffice, version 118`


@dataclass(frozen=True, slots=True)
class Allowed:
    """`rule`: where in the plan it stands, as a path: `ownership.offer.fields.price[0]`."""

    rule: str


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """`owners`: who may. `may_request`: the writer may ask them. `exceptions`: the team that sees it."""

    why: Why
    words: str
    rule: str = ""
    owners: tuple[str, ...] = ()
    may_request: bool = False
    exceptions: str = ""


Verdict = Allowed | NotAllowed


@dataclass(frozen=True, slots=True)
class Observed:
    """One object as somebody else shows it: only the fields this source knows. `actor`: who is taken to have written them."""

    object: str
    object_id: str
    actor: str
    scope: Scope
    values: Mapping[str, Value]
    changed_at: datetime  # theirs
    message_id: str
    source: str = ""  # for people: `offer export of 08:14, row 118`


@dataclass(frozen=True, slots=True)
class LetIn:
    """A changed value that is the owner's from now on. `before`: what it replaced."""

    object: str
    object_id: str
    field: str
    value: Value
    before: Value
    actor: str
    rule: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A value that stays out of everything downstream. `stands`: the value that goes on counting, None when there is none."""

    object: str
    object_id: str
    field: str
    value: Value
    stands: Value
    actor: str
    why: Why
    words: str
    scope: Scope
    message_id: str
    owners: tuple[str, ...] = ()
    hold_id: str | None = None  # the hold it led to
    correction_id: str | None = None  # the request it led to, when the owner is to be asked
    reassert: bool = False  # put the standing value back at the other side, within the day's bound
    fight: bool = False  # the bound is used up: two systems undo each other
    again: bool = False  # the same refusal stood already: counted, nothing new


@dataclass(frozen=True, slots=True)
class Freed:
    """A hold, override, request or refusal that ended because its cause is gone or its time is over."""

    account: str
    object: str
    object_id: str
    field: str
    what: str  # hold | override | correction | refusal
    id: str
    why: str
    reason: Why | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a look at observed objects led to.

    `touched`: objects whose effective values or holds changed, as (account, object, object id): to be published downstream.
    """

    let_in: tuple[LetIn, ...] = ()
    turned_away: tuple[TurnedAway, ...] = ()
    freed: tuple[Freed, ...] = ()
    touched: frozenset[tuple[str, str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Effective:
    """One object as everything downstream sees it. `held`: reasons it may not be sold, in people's words, by hold id."""

    account: str
    object: str
    object_id: str
    values: Mapping[str, Value]
    held: Mapping[str, str] = field(default_factory=dict)

    @property
    def sellable(self) -> bool:
        return not self.held and bool(self.values.get("active", True))
