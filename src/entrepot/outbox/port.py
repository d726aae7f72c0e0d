"""What a connector offers the outbox, and what a flow adds to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.outcome import Outcome, ReadBack, Refused


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket shared by all workers. `per_s`: tokens per business second."""

    name: str
    capacity: float
    per_s: float


@dataclass(frozen=True, slots=True)
class OutgoingEffect:
    """One promise, as the connector sees it. `send_until`: machine time after which nothing may leave any more.

    `trace`: what an earlier, unclear answer left to look for it by, such as the number of an import they work off later.
    `cargo`: rows that go along, read right before they are sent and not stored with the effect.
    """

    key: str
    operation: str
    account: str
    payload: Mapping[str, Any]
    attempts: int
    send_until: datetime
    trace: Mapping[str, Any] = field(default_factory=dict)
    cargo: Sequence[Mapping[str, Any]] = ()


Detail = dict[str, Any]  # method, url, status, first bytes of the answer: what a person sees of an attempt; no secrets


class Operation(Protocol):
    """One write of one connector. The connector knows nothing of retries, storage or owners."""

    @property
    def name(self) -> str: ...
    @property
    def settle_s(self) -> float:
        """Business seconds before "not there" may count."""
        ...

    @property
    def partner_key(self) -> bool:
        """They honour our key: the same key again is safe."""
        ...

    @property
    def money(self) -> bool: ...
    @property
    def limit(self) -> Limit | None: ...
    @property
    def can_read_back(self) -> bool: ...
    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]: ...
    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]: ...


@runtime_checkable
class Joining(Protocol):
    """A write of which many may go in one call, each with an outcome of its own: the call is what the ceiling counts.

    Where the joined call is another one than the single one (a feed beside a single price), it has a bucket of its own (`lane`), and
    pays only when at least `together_from` are due; below that, or while the lane is empty, each goes alone.
    """

    @property
    def together(self) -> int:
        """How many, at most."""
        ...

    @property
    def together_from(self) -> int: ...
    @property
    def lane(self) -> Limit | None: ...
    def send_together(self, ctx: Ctx, effects: Sequence[OutgoingEffect]) -> tuple[Sequence[Outcome], Detail]:
        """One call; the outcomes in the order of the effects. Each effect is of another root."""
        ...


@runtime_checkable
class LookingTogether(Protocol):
    """A write of which one look tells of many: what left in one call carries the same trace."""

    def read_together(self, ctx: Ctx, effects: Sequence[OutgoingEffect]) -> tuple[Sequence[ReadBack], Detail]:
        """Look by the one trace they all carry; what was found in the order of the effects."""
        ...


@dataclass(frozen=True, slots=True)
class Effect:
    """A row of table effect."""

    id: str
    key: str
    account: str
    operation: str
    root: str
    flow: str
    queue: str
    payload: Mapping[str, Any]
    state: str
    attempts: int
    negative_reads: int
    window_until: datetime
    message_id: str | None
    outcome: Mapping[str, Any] | None = None


class SendLease(Protocol):
    """A lane's lease, as the outbox uses it."""

    @property
    def account(self) -> str: ...
    @property
    def epoch(self) -> int: ...
    def hold(self, conn: Conn) -> None: ...
    def renew(self, ctx: Ctx) -> None: ...
    def time_left(self, ctx: Ctx) -> float: ...


class Reaction:
    """What a flow does when an effect of its own settles; runs in the transaction that records the outcome."""

    carries = False  # its effects have a cargo

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        """Asked when the effect is claimed: does the world still want this? None: no. Before the first attempt its payload may be amended."""
        return effect

    def waits_s(self, ctx: Ctx, conn: Conn, effect: Effect) -> float:
        """Asked when the effect is claimed: business seconds it has to wait for what is done already and still on its way there."""
        return 0.0

    def cargo(self, ctx: Ctx, conn: Conn, effect: Effect) -> Sequence[Mapping[str, Any]]:
        """The rows that go along, asked right before each attempt; those of a later attempt are those of the first."""
        return ()

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        return None

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        """True: the flow dealt with it; False: the outbox opens a case."""
        return False
