"""Accounts on which we are the seller: what waits for us there, and how the channel judges us."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel.money import Money
from entrepot.web.views.shared import Link, State, Tone

TABLES = ("orders", "parcels", "listings", "submissions", "refunds", "disputes")


@dataclass(frozen=True, slots=True)
class ChannelFilter:
    """The whole state of an account's page; every field is a query parameter. `state`: of listings; `q`: a SKU or an order."""

    show: str = TABLES[0]
    state: str = ""
    q: str = ""
    after: str = ""

    def params(self, **changes: str) -> dict[str, str]:
        values = {name: getattr(self, name) for name in ("show", "state", "q", "after")} | changes
        return {name: value for name, value in values.items() if value and not (name == "show" and value == TABLES[0])}


@dataclass(frozen=True, slots=True)
class Remaining:
    """Orders with so much time left. `code`: overdue, soon, today, later."""

    code: str
    count: int
    money: tuple[Money, ...]
    tone: Tone


@dataclass(frozen=True, slots=True)
class DutyCount:
    """One kind of obligation over all orders that wait, by remaining time; of an order the line that is due first counts."""

    kind: str
    word: str
    parts: tuple[Remaining, ...]

    @property
    def count(self) -> int:
        return sum(part.count for part in self.parts)


@dataclass(frozen=True, slots=True)
class Pile:
    """Things that are not over. `first_at`: of parcels, submissions and refunds the oldest; of disputes the first date for an answer."""

    count: int = 0
    money: tuple[Money, ...] = ()
    first_at: datetime | None = None
    bad: int = 0  # refused parcels; disputes without an answer


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One rate, as the channel measured it last. `rate` None: the limit is published and nothing was measured yet."""

    measure: str
    word: str
    rate: float | None
    limit: float | None
    above: bool
    consequence: str
    source: str
    state: State
    measured_at: datetime | None


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One safety check and its last word."""

    name: str
    word: str
    state: State
    ran_at: datetime | None
    next_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class ChannelCard:
    account: str
    channel: str  # Amazon, Walmart …
    href: str
    standing: str  # theirs, verbatim
    duties: tuple[DutyCount, ...]
    parcels: Pile
    listings: Mapping[str, int]  # by state
    other: int  # listings that do not show what is wanted
    submissions: Pile
    refunds: Pile
    disputes: Pile
    health: tuple[HealthRow, ...]
    checks: tuple[CheckRow, ...]
    cases: int
    by_people: bool = False

    @property
    def waiting(self) -> int:
        return sum(duty.count for duty in self.duties)

    @property
    def checks_failing(self) -> tuple[CheckRow, ...]:
        return tuple(check for check in self.checks if check.state.tone is Tone.BAD)


@dataclass(frozen=True, slots=True)
class ChannelsView:
    cards: tuple[ChannelCard, ...]


@dataclass(frozen=True, slots=True)
class DutyRow:
    """One obligation of one order, or of one line of it."""

    id: str
    order_id: str
    line: str
    href: str
    what: str
    their_state: State
    state: State
    starts_at: datetime
    due_at: datetime
    money: Money | None
    penalty: str
    case: Link | None


@dataclass(frozen=True, slots=True)
class ParcelRow:
    id: str
    number: str
    order_id: str
    href: str
    carrier: str
    tracking: str
    shipped_at: datetime
    state: State
    refused: str
    action: Link | None
    case: Link | None
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListingRow:
    """`other`: in words, what the channel shows otherwise than we want, or has not been told yet."""

    account: str
    sku: str
    href: str
    status: str
    state: State
    their_id: str
    shown_price: Money | None
    shown_quantity: int | None
    wanted_price: Money | None
    wanted_quantity: int | None
    other: tuple[str, ...]
    issues: int
    issue: str  # the first one's words
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    id: str
    what: str
    about: Link | None
    status: str
    state: State
    items: int
    rejected: int
    taken_at: datetime
    ended_at: datetime | None
    action: Link | None


@dataclass(frozen=True, slots=True)
class RefundRow:
    id: str
    order_id: str
    href: str
    amount: Money
    by: str
    reason: str
    refunded_at: datetime
    due_at: datetime | None  # by when our books are to know
    booked_at: datetime | None
    document_number: str
    case: Link | None


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """`answerable`: it waits for an answer that we can give; else `why_not` in words."""

    id: str
    account: str
    dispute_id: str
    order_id: str
    href: str
    kind: str
    status: str
    state: State
    reason: str
    amount: Money
    respond_by: datetime | None
    answered_at: datetime | None
    opened_at: datetime
    case: Link | None
    answerable: bool = False
    why_not: str = ""


Row = DutyRow | ParcelRow | ListingRow | SubmissionRow | RefundRow | DisputeRow


@dataclass(frozen=True, slots=True)
class ChannelDetail:
    card: ChannelCard
    filter: ChannelFilter
    rows: tuple[Row, ...]
    next_after: str = ""


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """What only an order of a channel has. `handed_at`: our back office took it, under `document_number`."""

    by_them: bool  # the marketplace delivers it itself
    market: str
    handed_at: datetime | None
    document_number: str
    acknowledged_at: datetime | None
    acknowledges: bool  # the channel has such a call
    cancel_asked_at: datetime | None
    parcels: tuple[ParcelRow, ...] = ()
    refunds: tuple[RefundRow, ...] = ()
    disputes: tuple[DisputeRow, ...] = ()
    hands_over: bool = True  # a back office of ours takes orders
