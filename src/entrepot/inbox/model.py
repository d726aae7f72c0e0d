"""What arrived: the envelope (whole) and its messages (one record each)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.kernel.ctx import Row

MALFORMED = "malformed"  # kind of a record nobody could read: kept, and a case
UNOPENED = (
    "unopened"  # kind of a whole envelope that our own bug kept us from opening: tried again as a message of its own
)
ANY_FLOW = "any"  # of what nobody has looked into
NAME_MAX = 500  # characters of an id of theirs; an index holds no longer ones


@dataclass(frozen=True, slots=True)
class Received:
    """One record of an envelope, split off but not yet understood.

    `body`: exactly its bytes. `revision`: theirs, sortable as text; '' when they have none. `root`: what it is decided in order with.
    """

    kind: str
    external_id: str
    revision: str
    body: bytes
    position: int
    root: str
    flow: str

    @property
    def nameable(self) -> bool:
        """Its ids can be written down: PostgreSQL's text holds no NUL, and an index no endless name."""
        return all(len(name) <= NAME_MAX and "\0" not in name for name in (self.external_id, self.revision, self.root))


def writable(why: str) -> str:
    """A reason as it can be written down; it may quote their words."""
    return why.replace("\0", "\N{REPLACEMENT CHARACTER}")


@dataclass(frozen=True, slots=True)
class Envelope:
    """One webhook as it came, whole and sealed: whoever decides opens it first, and splits its records off."""

    account: str
    channel: str  # webhook | page | file | api | person
    route: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope as it was kept."""

    id: str
    account: str
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request, page or file, whole, and what is in it; `cursor` moves in the same transaction."""

    account: str
    channel: str  # webhook | page | file | api | person
    route: str
    body: bytes
    received: tuple[Received, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    cursor: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    message_id: str
    kind: str
    external_id: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A row of table message, as a decider sees it."""

    id: str
    seq: int
    account: str
    kind: str
    external_id: str
    revision: str
    root: str
    flow: str
    body: bytes
    received_at: datetime
    attempts: int

    @staticmethod
    def of(row: Row) -> "Message":
        return Message(**{name: row[name] for name in Message.__slots__})


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that cannot be decided: which failure mode it is, and what to tell the owner."""

    mode: str
    cause: str
    name: str = ""  # what people call the object
    object: str = "message"
    object_id: str = ""
    money_minor: int = 0
    currency: str = "EUR"
    seller: str = ""
    cause_key: str = ""  # what the same cause of other records has in common, such as `order:state:ON_ICE`


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to do, and why: older than what we know, or the same state."""

    why: str


@dataclass(frozen=True, slots=True)
class Decided:
    """Read, decided and written in this transaction. `outgrown`: failures this message leaves behind (mode, object, object id)."""

    outgrown: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NotYet:
    """What it speaks of is not here yet (their answer runs behind their webhook): come again a bounded number of times.

    `mode`: the failure it is when that never comes. `sought`: the identifier looked for, and where; `name`: of this record.
    """

    why: str
    mode: str = "record-unjoined"
    sought: str = ""
    name: str = ""
    money_minor: int = 0
    currency: str = "EUR"


Verdict = Decided | Ignored | NotYet | Parked
