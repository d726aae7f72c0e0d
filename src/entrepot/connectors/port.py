"""What a connector offers the house: operations (writes), sources (sweeps), lookups, a webhook door, translators.

A connector is bound to one account and remembers nothing that would be missed after a restart. It never retries,
stores, waits or owns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeGuard, runtime_checkable

from entrepot.inbox.model import Received
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.outcome import Unrecognised
from entrepot.outbox.port import Detail, Limit, Operation, OutgoingEffect

__all__ = [
    "Access",
    "Ceiling",
    "Challenged",
    "Connector",
    "Detail",
    "EventQueue",
    "Forged",
    "Handed",
    "Learning",
    "Left",
    "Letter",
    "Limit",
    "Lookup",
    "Malformed",
    "Operation",
    "OutgoingEffect",
    "Page",
    "Problem",
    "ProblemCode",
    "Queue",
    "Received",
    "Secret",
    "Seen",
    "Source",
    "Translator",
    "Verified",
    "Webhook",
    "bucket",
    "is_learning",
]

Secret = Callable[[], str]  # read at every use, so that a rotated secret needs no restart


@dataclass(frozen=True, slots=True)
class Ceiling:
    """So many calls in any so many business seconds.

    With `burst` it is a token bucket of theirs instead: `burst` calls at once, refilled at `calls` in `per_s`.
    """

    calls: int
    per_s: float
    burst: int | None = None


def bucket(name: str, ceilings: Sequence[Ceiling]) -> Limit | None:
    """One token bucket that stays under every ceiling in every window; None without ceilings.

    A bucket of capacity c refilled at r lets c + r * window pass: half of a ceiling is burst, the other half is rate. A
    ceiling that is itself a bucket is met by a bucket no larger and no faster.
    """
    if not ceilings:
        return None
    burst = min(ceiling.burst or max(1, ceiling.calls // 2) for ceiling in ceilings)
    per_s = min(
        (ceiling.calls if ceiling.burst else max(1, ceiling.calls - burst)) / ceiling.per_s for ceiling in ceilings
    )
    return Limit(name=name, capacity=float(burst), per_s=per_s)


@dataclass(frozen=True, slots=True)
class Access:
    """Our identity on one system: where it is, and by which secrets we enter.

    `ceilings`: by operation code ("OR11"), where this system grants something else than the manifest says. `settle_s`:
    business seconds, where it applies later or sooner than the manifest says.
    """

    account: str
    base_url: str
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    ceilings: Mapping[str, Sequence[Ceiling]] = field(default_factory=dict)
    settle_s: float | None = None

    def secret(self, name: str) -> str:
        """Errors: WrongSetting when the account declares no such secret."""
        if name not in self.secrets:
            raise WrongSetting(f"account {self.account} declares no secret “{name}”", account=self.account, secret=name)
        return self.secrets[name]()


class ProblemCode(StrEnum):
    NOT_REACHED = "not-reached"
    NO_ANSWER = "no-answer"
    SYSTEM_DOWN = "system-down"  # 5xx, or a web page where data was promised
    RATE_LIMITED = "rate-limited"
    CREDENTIALS_REFUSED = "credentials-refused"
    REFUSED = "refused"  # any other 4xx: our request is wrong
    UNREADABLE = "unreadable"  # cut, or not the shape they publish
    SHIFTED = "shifted"  # the list moved while we paged through it: read it again
    TOO_LONG = "too-long"  # more pages than one run may take: the rest waits


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a page is no page, and what to tell on-call. `after_s`: business seconds they asked us to wait."""

    code: ProblemCode
    words: str
    after_s: float | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.words}"


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a list, whole, and the records split off it.

    `cursor`: store it in the transaction that records the page; None: do not move. A page with a problem never moves
    the cursor; its records, if any, are good and are recorded all the same.
    """

    route: str
    headers: Mapping[str, str]
    body: bytes
    received: tuple[Received, ...] = ()
    cursor: str | None = None
    problem: Problem | None = None


class Source(Protocol):
    """One sweep: reads what changed since the cursor, overlapping on purpose."""

    @property
    def name(self) -> str: ...
    @property
    def flow(self) -> str: ...
    @property
    def every_s(self) -> float:
        """How often the manifest proposes to run it, business seconds."""
        ...

    @property
    def limit(self) -> Limit | None: ...
    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        """Pages, lazily: each `next()` is one call against `limit`, to be made with no transaction open.

        Ends by itself: after the last page, after a problem, after as many pages as the manifest allows one run.
        """
        ...


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of a queue. `handle`: what this receipt of it is deleted by."""

    handle: str
    body: str


@dataclass(frozen=True, slots=True)
class Handed:
    """What one call of a queue brought, whole. With a problem there are no letters."""

    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    letters: Sequence[Letter] = ()
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """Letters that were to be deleted and were not: they come again. `why`: their code."""

    letters: Sequence[Letter] = ()
    why: str = ""


class Queue(Protocol):
    """Letters, at least once and in any order: hidden once they were received, and there again after a while unless deleted."""

    def receive(self, ctx: Ctx) -> Handed:
        """What one call brings; no letters: there is nothing to be had now."""
        ...

    def delete(self, ctx: Ctx, letters: Sequence[Letter]) -> Left | Problem:
        """Take what was received by one call out for good. A problem leaves open which of them are gone."""
        ...


@dataclass(frozen=True, slots=True)
class EventQueue:
    """A queue of stock and price events. `every_s`: how often the manifest proposes to look into it, business seconds."""

    queue: Queue
    flow: str
    every_s: float


class Lookup(Protocol):
    """One record by its id, as a page of one (or none: gone)."""

    @property
    def limit(self) -> Limit | None: ...
    def one(self, ctx: Ctx, external_id: str) -> Page: ...


@dataclass(frozen=True, slots=True)
class Verified:
    """The sender holds our secret. `with_old_secret`: the one being rotated out."""

    event_id: str
    with_old_secret: bool = False


@dataclass(frozen=True, slots=True)
class Forged:
    """Not theirs, or not now: answer 401 and keep nothing but a count. `why` is for our eyes only."""

    why: str


class Webhook(Protocol):
    """The door through which a system tells us things. Verify the raw bytes first, split after."""

    def verify(self, machine: datetime, headers: Mapping[str, str], body: bytes) -> Verified | Forged: ...
    def split(self, body: bytes) -> tuple[Received, ...]:
        """The records one event carries; an event nobody can read is one record of kind `malformed`."""
        ...


class Learning(Protocol):
    """A door whose keys are fetched by their name: it may have to call before it can verify, with no transaction open."""

    def learn(self, ctx: Ctx, headers: Mapping[str, str]) -> Problem | None: ...


def is_learning(webhook: object) -> TypeGuard[Learning]:
    """Asked at every knock: `isinstance` of a protocol takes 10 µs."""
    return hasattr(webhook, "learn")


@runtime_checkable
class Challenged(Protocol):
    """A door that is asked to prove itself before anything is sent to it."""

    def challenge(self, code: str) -> bytes | None:
        """The JSON to answer with; None: we cannot."""
        ...


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record that does not say what it must: `what` in plain words, `where` as a path into it."""

    what: str
    where: str = "$"


Seen = Any  # a frozen model of trade/ or money/
Translator = Callable[[bytes], Seen | Malformed | Unrecognised]


@dataclass(frozen=True, slots=True)
class Connector:
    """Everything one account of one outside system can do for us. `width`: how many roots may be sent side by side."""

    name: str
    account: str
    operations: Mapping[str, Operation]
    sources: Mapping[str, Source]
    lookups: Mapping[str, Lookup]
    translators: Mapping[str, Translator]  # by kind of message
    check: Callable[[Ctx], Problem | None]  # are we let in? changes nothing there
    webhook: Webhook | None = None
    width: int = 8
    events: EventQueue | None = None
