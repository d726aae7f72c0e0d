"""What stands about one object when somebody wants to change it: values, overrides, holds, refusals, open requests. Frozen; read by store.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.ownership.model import Scope, Value, Why

Key = tuple[str, str, str]  # account, object, object id


@dataclass(frozen=True, slots=True)
class Owned:
    """The owner's value of one field."""

    value: Value
    actor: str
    rule: str
    theirs_at: datetime
    ours_at: datetime
    version: int
    parts: Mapping[str, Value] | None = None
    expected_at: datetime | None = None  # since when the other side should come to show it
    shown: Value = None  # what it showed by then


@dataclass(frozen=True, slots=True)
class Overriding:
    """Another value laid over the owner's, or asked to be (`live` False)."""

    id: str
    value: Value
    live: bool
    author: str
    ends_at: datetime
    expected_at: datetime | None = None
    shown: Value = None


@dataclass(frozen=True, slots=True)
class Holding:
    id: str
    field: str
    reason: Why
    words: str
    ends_at: datetime
    refused_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that stands: what this actor shows or wants is still not let in."""

    id: str
    field: str
    actor: str
    value: Value
    why: Why
    theirs_at: datetime
    scope: Scope
    channel: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A correction request that is not settled: open, or ended unanswered while its refusal stands."""

    id: str
    field: str
    cause: Why
    open: bool
    refused_id: str | None


@dataclass(frozen=True, slots=True)
class Reasserted:
    """How often today our value was put back, and what undid it last."""

    count: int
    theirs: Value
    theirs_at: datetime
    last_at: datetime
    fought: bool


@dataclass(frozen=True, slots=True)
class Standing:
    key: Key
    scope: Scope | None = None  # where it was last seen; none: nobody knows the object
    owned: Mapping[str, Owned] = field(default_factory=dict)
    overrides: Mapping[str, Overriding] = field(default_factory=dict)  # live or asked, by field
    holds: tuple[Holding, ...] = ()
    refused: Mapping[tuple[str, str], Refused] = field(default_factory=dict)  # by field, actor
    asked: tuple[Asked, ...] = ()
    reasserted: Mapping[str, Reasserted] = field(default_factory=dict)

    def override(self, name: str) -> Overriding | None:
        """The one that counts."""
        found = self.overrides.get(name)
        return found if found is not None and found.live else None

    def effective(self, name: str) -> Value:
        over, owned = self.override(name), self.owned.get(name)
        return over.value if over else owned.value if owned else None

    def stands(self, name: str) -> bool:
        return name in self.owned or self.override(name) is not None

    def hold(self, name: str, reason: Why) -> Holding | None:
        return next((h for h in self.holds if (h.field, h.reason) == (name, reason)), None)
