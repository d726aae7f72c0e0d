"""One listing: what it is to show and what it shows, and where both come from."""

from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel.money import Money
from entrepot.web.views.cases import CaseRow
from entrepot.web.views.channels import ListingRow, SubmissionRow
from entrepot.web.views.orders import ActionRow, MessageRow
from entrepot.web.views.shared import Link, State, TimelineEntry


@dataclass(frozen=True, slots=True)
class LaneView:
    """Price or stock of a listing. A version only grows; `told`: the newest one the channel took."""

    word: str
    wanted: str
    shown: str
    state: State
    version: int
    told: int
    told_at: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class IssueRow:
    """What they find wrong, in their words."""

    code: str
    message: str
    attribute: str
    state: State


@dataclass(frozen=True, slots=True)
class ItemRow:
    """The third level of acceptance: one item of a batch."""

    key: str
    state: State
    code: str
    message: str
    attribute: str


@dataclass(frozen=True, slots=True)
class BatchRow:
    row: SubmissionRow
    items: tuple[ItemRow, ...]


@dataclass(frozen=True, slots=True)
class PoolRow:
    location: str
    quantity: int
    version: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """Pieces an order holds. `counts`: they are taken off what channels may show."""

    order: Link | None
    account: str
    line: str
    quantity: int
    made_at: datetime
    ended_at: datetime | None
    state: State
    counts: bool


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What the ERP wants the article to cost. `counts`: on this channel."""

    channel: str
    price: Money
    version: int
    changed_at: datetime
    counts: bool


@dataclass(frozen=True, slots=True)
class ListingDetail:
    row: ListingRow
    channel: str
    product_type: str
    revision: str
    changed_at: datetime
    lanes: tuple[LaneView, ...]
    issues: tuple[IssueRow, ...]
    batches: tuple[BatchRow, ...]
    pool: tuple[PoolRow, ...]
    reservations: tuple[ReservationRow, ...]
    reserved: int
    buffer: int
    available: int | None  # for this channel, before its limits; None: nobody told us of any stock
    prices: tuple[PriceRow, ...]
    limits: str
    elsewhere: tuple[ListingRow, ...]  # the same article on other channels
    cases: tuple[CaseRow, ...]
    actions: tuple[ActionRow, ...]
    messages: tuple[MessageRow, ...]
    story: tuple[TimelineEntry, ...]
