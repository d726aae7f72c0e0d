"""The back office's own tables: orders with lines, parcels, what was given up, returns, refunds."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from random import Random


class Refusal(Exception):
    """A call that is not done, in the words of the API."""

    def __init__(self, status: int, code: str, message: str, where: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.where = where


class OrderState(StrEnum):
    ACCEPTED = "accepted"
    PICKING = "picking"
    PART_SHIPPED = "part-shipped"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


CANCELLED, TOO_LATE = "cancelled", "too-late"


@dataclass(slots=True)
class Line:
    """Units: minor units of the whole line. `picking`: in a box that has not left. `came_back`: received again, whatever became of it."""

    line_id: str
    sku: str
    quantity: int
    price_minor: int
    shipping_minor: int
    tax_minor: int
    picking: int = 0
    shipped: int = 0
    cancelled: int = 0
    came_back: int = 0
    accepted_back: int = 0

    @property
    def open(self) -> int:
        """Neither given up nor in a box nor gone."""
        return self.quantity - self.picking - self.shipped - self.cancelled


@dataclass(frozen=True, slots=True)
class Asked:
    """A cancellation the hub asked for, and what was answered."""

    cancellation: str
    content: tuple[tuple[tuple[str, int], ...], str]
    state: str
    at: datetime


@dataclass(slots=True)
class Order:
    """`fingerprint`: the content as it was sent. `rng`: its own chances, whatever else happens in the world."""

    number: str
    document_number: str
    account: str
    order_id: str
    currency: str
    market: str
    placed_at: str
    ship_by: str | None
    fingerprint: str
    at: datetime
    lines: dict[str, Line]
    rng: Random
    asked: dict[str, Asked] = field(default_factory=dict)

    @property
    def state(self) -> OrderState:
        lines = self.lines.values()
        shipped = any(line.shipped for line in lines)
        if any(line.open or line.picking for line in lines):
            if shipped:
                return OrderState.PART_SHIPPED
            return OrderState.PICKING if any(line.picking for line in lines) else OrderState.ACCEPTED
        return OrderState.SHIPPED if shipped else OrderState.CANCELLED


@dataclass(slots=True)
class Parcel:
    parcel: str
    number: str
    carrier: str
    tracking: str
    service: str
    shipped_at: datetime
    updated_at: datetime
    lines: dict[str, int]


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Pieces the back office will not deliver, by its own decision."""

    cancellation: str
    number: str
    reason: str
    at: datetime
    lines: dict[str, int]


@dataclass(slots=True)
class Return:
    """`at`: when it was looked at; None while it waits for that."""

    return_id: str
    number: str
    lines: dict[str, int]
    at: datetime | None = None
    accepted: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    refund_minor: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund that was made on the channel, booked here. `at`: theirs, as text."""

    refund: str
    number: str
    line_id: str
    amount_minor: int
    currency: str
    by: str
    at: str
    document_number: str = ""
