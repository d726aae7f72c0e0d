"""Baskets, seller orders, lines, and what was received and sent about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from entrepot.kernel.money import Money
from entrepot.web.views.cases import CaseRow
from entrepot.web.views.channels import ChannelOrder
from entrepot.web.views.shared import AttemptRow, Document, Link, State, TimelineEntry


@dataclass(frozen=True, slots=True)
class BasketFilter:
    state: str = ""
    account: str = ""
    leg: str = ""  # seller orders in this state
    after: str = ""

    def params(self, **changes: str) -> dict[str, str]:
        values = {name: getattr(self, name) for name in ("state", "account", "leg", "after")}
        values.update(changes)
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class LegMark:
    """One seller order as a mark in the list."""

    order_id: str
    seller: str
    state: State


@dataclass(frozen=True, slots=True)
class BasketRow:
    id: str
    commercial_id: str
    account: str
    placed_at: datetime
    state: State
    ordered: Money
    captured: Money
    legs: tuple[LegMark, ...]
    cases: int
    next_due_at: datetime | None
    next_due: str


@dataclass(frozen=True, slots=True)
class BasketPage:
    filter: BasketFilter
    rows: tuple[BasketRow, ...]
    next_after: str
    accounts: tuple[str, ...]


class StepState(StrEnum):
    DONE = "done"
    NOW = "now"
    FAILED = "failed"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class Step:
    """One station of a seller order's way."""

    word: str
    state: StepState
    at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """An obligation with its clock."""

    what: str
    about: str
    href: str
    owner: str
    state: State
    starts_at: datetime
    due_at: datetime
    warn_at: datetime
    ended_at: datetime | None
    money: Money | None
    penalty: str = ""  # what a channel does when it is missed, as it is published

    def used_percent(self, now: datetime) -> int:
        """How much of the time is gone, 0–100."""
        whole = (self.due_at - self.starts_at).total_seconds()
        gone = ((self.ended_at or now) - self.starts_at).total_seconds()
        return 100 if whole <= 0 else max(0, min(100, int(100 * gone / whole)))


@dataclass(frozen=True, slots=True)
class LineView:
    order_line_id: str
    sku: str
    title: str
    quantity: int
    accepted: int
    refused: int
    shipped: int
    cancelled: int
    price: Money
    shipping: Money
    refunded: Money
    commission: Money
    their_state: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One witness of a refund."""

    witness: str
    due_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefundView:
    external_id: str
    origin: str
    state: State
    amount: Money
    reason: str
    asked_at: datetime
    confirmations: tuple[Confirmation, ...]


@dataclass(frozen=True, slots=True)
class Parcel:
    carrier: str
    tracking: str
    state: State
    shipped_at: datetime | None


@dataclass(frozen=True, slots=True)
class LegView:
    id: str
    order_id: str
    their_name: str  # what the marketplace calls a seller order: "Mirakl order"
    seller: str
    state: State
    steps: tuple[Step, ...]
    promises: tuple[Promise, ...]
    money: tuple[tuple[str, Money], ...]
    lines: tuple[LineView, ...]
    parcels: tuple[Parcel, ...]
    refunds: tuple[RefundView, ...]
    returns: tuple[tuple[str, State, str], ...]  # their id, state, reason
    channel: ChannelOrder | None = None  # where we are the seller


@dataclass(frozen=True, slots=True)
class MessageRow:
    id: str
    kind: str
    external_id: str
    account: str
    received_at: datetime
    state: State
    seen: int
    note: str


@dataclass(frozen=True, slots=True)
class ActionRow:
    """An outgoing action."""

    id: str
    what: str
    account: str
    key: str
    state: State
    planned_at: datetime
    done_at: datetime | None
    attempts: int
    note: str


@dataclass(frozen=True, slots=True)
class BasketDetail:
    id: str
    commercial_id: str
    account: str
    state: State
    placed_at: datetime
    source: str
    money: tuple[tuple[str, Money], ...]
    authorisation_expires_at: datetime | None
    legs: tuple[LegView, ...]
    cases: tuple[CaseRow, ...]
    messages: tuple[MessageRow, ...]
    actions: tuple[ActionRow, ...]
    timeline: tuple[TimelineEntry, ...]


@dataclass(frozen=True, slots=True)
class MessageDetail:
    row: MessageRow
    flow: str
    root: Link | None
    channel: str
    route: str
    headers: Mapping[str, str]
    document: Document
    envelope: Document | None
    cases: tuple[CaseRow, ...]


@dataclass(frozen=True, slots=True)
class ActionDetail:
    row: ActionRow
    flow: str
    root: Link | None
    window_until: datetime
    document: Document
    outcome: Document | None
    attempts: tuple[AttemptRow, ...]
    curl: str
    cases: tuple[CaseRow, ...]
