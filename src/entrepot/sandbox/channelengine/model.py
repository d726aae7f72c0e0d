"""What the channel manager remembers. Units: minor units of the order's own currency, VAT included; instants are UTC."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from entrepot.sandbox.channelengine.settings import Channel

ORDER_STATUSES: Final = frozenset(
    {
        *("NEW", "IN_PROGRESS", "SHIPPED", "IN_BACKORDER", "MANCO", "CANCELED", "IN_COMBI", "CLOSED", "RETURNED"),
        *("REQUIRES_CORRECTION", "AWAITING_PAYMENT"),
    }
)
RETURN_STATUSES: Final = frozenset({"IN_PROGRESS", "RECEIVED", "CANCELLED"})
RETURN_REASONS: Final = frozenset(
    {
        *("PRODUCT_DEFECT", "PRODUCT_UNSATISFACTORY", "WRONG_PRODUCT", "TOO_MANY_PRODUCTS", "REFUSED"),
        *("REFUSED_DAMAGED", "WRONG_ADDRESS", "NOT_COLLECTED", "WRONG_SIZE", "OTHER"),
    }
)
CANCEL_REASONS: Final = frozenset(
    {"NOT_IN_STOCK", "DAMAGED", "INCOMPLETE", "CLIENT_CANCELLED", "INVALID_ADDRESS", "OTHER"}
)
OVER: Final = frozenset({"SHIPPED", "CLOSED", "RETURNED", "CANCELED", "MANCO"})


@dataclass(slots=True)
class Line:
    """Units of one product in an order. `vat_minor` is contained in one unit; `shipping_minor` is the line's whole share."""

    line_id: int
    sku: str
    title: str
    gtin: str
    channel_product_no: str
    quantity: int
    price_minor: int
    vat_minor: int
    shipping_minor: int
    shipped: int = 0
    cancelled_by_seller: int = 0
    cancelled_by_others: int = 0
    cancellation_requested: int = 0
    returned: int = 0
    refunded_minor: int = 0

    @property
    def cancelled(self) -> int:
        return self.cancelled_by_seller + self.cancelled_by_others

    @property
    def open(self) -> int:
        """Units that still have to leave."""
        return self.quantity - self.shipped - self.cancelled

    @property
    def paid_minor(self) -> int:
        """What the buyer paid for the units that left, shipping included."""
        return self.price_minor * self.shipped + (self.shipping_minor if self.shipped else 0)


@dataclass(slots=True)
class Order:
    """One buyer's order on one channel. `cancelled_by`: "buyer", "seller", "channel", when nothing of it is left to ship or shipped."""

    order_id: int
    channel: Channel
    channel_order_no: str
    buyer: str
    status: str
    placed_at: datetime
    updated_at: datetime
    ship_by: datetime
    deliver_by: datetime
    fulfilled_by: str
    lines: dict[int, Line] = field(default_factory=dict)
    merchant_order_no: str | None = None
    merchant_comment: str | None = None
    acknowledged_at: datetime | None = None
    shipped_at: datetime | None = None
    closed_at: datetime | None = None
    cancelled_by: str | None = None

    @property
    def currency(self) -> str:
        return self.channel.currency

    @property
    def goods_minor(self) -> int:
        return sum(line.price_minor * line.quantity for line in self.lines.values())

    @property
    def shipping_minor(self) -> int:
        return sum(line.shipping_minor for line in self.lines.values())

    @property
    def open(self) -> bool:
        """Something of it still has to leave."""
        return self.status not in OVER and any(line.open for line in self.lines.values())


@dataclass(slots=True)
class Shipment:
    """One parcel. `lines`: units by line id."""

    shipment_no: str
    order_id: int
    lines: dict[int, int]
    created_at: datetime
    updated_at: datetime
    method: str | None
    track_trace_no: str | None
    track_trace_url: str | None
    return_track_trace_no: str | None
    country: str | None
    shipped_on: datetime | None
    extra: dict[str, Any] = field(default_factory=dict)
    channel_shipment_no: str | None = None


@dataclass(slots=True)
class Cancellation:
    """Units that will not be sent. `by`: "seller", "buyer" or "channel"."""

    cancellation_id: int
    cancellation_no: str
    order_id: int
    lines: dict[int, int]
    by: str
    created_at: datetime
    reason: str | None
    reason_code: str


@dataclass(slots=True)
class ReturnLine:
    """Units of one line that come back."""

    line_id: int
    quantity: int
    accepted: int | None = None
    rejected: int | None = None


@dataclass(slots=True)
class Return:
    """Goods that come back. `by`: "channel" or "seller", who declared it. Units: `refund_minor` of the order's currency."""

    return_id: int
    order_id: int
    by: str
    status: str
    reason: str
    lines: dict[int, ReturnLine]
    created_at: datetime
    updated_at: datetime
    channel_return_no: str | None = None
    merchant_return_no: str | None = None
    acknowledged_at: datetime | None = None
    customer_comment: str | None = None
    merchant_comment: str | None = None
    refund_minor: int = 0
    returned_on: datetime | None = None


@dataclass(slots=True)
class Refund:
    """Money the channel paid back to its buyer, at whose word."""

    refund_id: str
    order_id: int
    line_id: int
    amount_minor: int
    by: str
    at: datetime


@dataclass(slots=True)
class Listed:
    """One product on one channel: what was last exported, and what the channel makes of it. Units: the tenant's currency."""

    channel_status: str = "NONE"
    export_status: str = "CREATED"
    price_minor: int = 0
    stock: int = 0
    issues: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Item:
    """One product of the merchant. `data`: the attributes as the merchant sent them. Units: the tenant's currency."""

    sku: str
    data: dict[str, Any]
    price_minor: int
    stock: int
    updated_at: datetime
    active: bool = True
    updates: int = 0
    listed: dict[int, Listed] = field(default_factory=dict)


@dataclass(slots=True)
class Notification:
    """One message in the merchant's inbox. The answer never shows its type; only the filter knows it."""

    notification_id: int
    type: str
    subject: str
    message: str
    created_at: datetime
    references: dict[str, str | None] = field(default_factory=dict)


@dataclass(slots=True)
class Entry:
    """One amount of a settlement."""

    at: datetime
    type: str
    order_id: int | None
    sku: str | None
    quantity: int
    amount_minor: int
    vat_minor: int = 0


@dataclass(slots=True)
class Settlement:
    """One channel's closed period."""

    settlement_id: int
    channel_settlement_no: str
    channel: Channel
    start_at: datetime
    end_at: datetime
    entries: list[Entry]
    previous_reserve_minor: int
    current_reserve_minor: int
    updated_at: datetime
    exported: bool = False

    @property
    def payment_minor(self) -> int:
        """Everything of the period, with the reserve released and the reserve kept."""
        entries = sum(entry.amount_minor for entry in self.entries)
        return entries + self.previous_reserve_minor + self.current_reserve_minor


@dataclass(slots=True)
class Report:
    """A settlement report in the making."""

    report_id: str
    settlement_ids: list[int]
    type: str
    status: str = "IN_PROGRESS"
