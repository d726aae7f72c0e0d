"""What is asked of cases, and what they answer: frozen data. Instants: aware UTC, business time. Money: minor units."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from entrepot.kernel.ctx import Conn, Ctx


@dataclass(frozen=True, slots=True)
class CaseAsked:
    """A failure that needs a person. One open case per (mode, object, object_id): again is counted, not doubled.

    A mode may say `one_case_per: seller | account | cause`: then the object is a member of the group's one case.
    `values`: names for the mode's effect text, beyond the standard ones. `due_at`: when it should be decided; none: the
    mode's own time, in the owner's working time. `own_steps`: False while an obligation escalates it.
    """

    mode: str
    account: str
    object: str
    object_id: str
    root: str = ""
    title: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    cause: str | None = None
    money_minor: int = 0
    currency: str = "EUR"
    message_id: str | None = None
    effect_id: str | None = None
    obligation_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
    flow: str = ""  # for a mode that no single flow owns
    own_steps: bool = True
    name: str = ""  # what people call the object (the marketplace's order id); none: its id
    seller: str = ""  # whose object it is
    cause_key: str = ""  # what the same cause of other objects has in common, such as `order:state:ON_ICE`

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.mode, self.object, self.object_id)


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that must have happened by `due_at`. One per (kind, object, object_id); `mode` is the case it opens."""

    kind: str
    flow: str
    account: str
    object: str
    object_id: str
    root: str
    mode: str
    owner: str  # a team; empty: the mode's owner
    starts_at: datetime
    due_at: datetime
    money_minor: int = 0
    currency: str = "EUR"
    name: str = ""  # what people call the object; none: its id
    seller: str = ""  # whose promise it is
    cause_key: str = ""  # as of a case


@dataclass(frozen=True, slots=True)
class VerbDone:
    """A verb did its work; `words` say what happens now."""

    case_id: str
    number: int
    verb: str
    words: str


@dataclass(frozen=True, slots=True)
class VerbRefused:
    """A verb did nothing, and why."""

    case_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a verb would do. `before` and `after`: content that would change; `sends`: what would leave the house."""

    case_id: str
    verb: str
    allowed: bool
    words: str
    sends: tuple[str, ...] = ()
    before: Any = None
    after: Any = None
    members: int = 0  # of a group: how many it reaches; `before` and `after` are then the first one's
    left: int = 0  # of a group: how many it does not reach; they stay in the case


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert on its way to one channel. `key` is the same for every try."""

    key: str
    team: str
    subject: str
    body: str
    at: datetime


class Notifier(Protocol):
    """Reaches people. Called with no transaction open, and maybe twice for one notice."""

    def send(self, notice: Notice, channel: str) -> str | None:
        """None: delivered; else why not, in words that hold no secret."""
        ...


class Lease(Protocol):
    """A lane's lease, as the watch and the notifier use it."""

    def hold(self, conn: Conn) -> None: ...
    def renew(self, ctx: Ctx) -> None: ...
    def time_left(self, ctx: Ctx) -> float: ...
