"""What the marketplace keeps: listings, orders with lines and parcels, refunds, returns, feeds, reports, subscriptions.

Units: money in cents. A unit price, its shipping and its tax are fixed per unit when the order is placed, so any part of
a line has exact sums.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

CREATED: Final = "Created"
ACKNOWLEDGED: Final = "Acknowledged"
SHIPPED: Final = "Shipped"
DELIVERED: Final = "Delivered"
CANCELLED: Final = "Cancelled"
REFUND: Final = "Refund"

SELLER, BUYER, CHANNEL = "seller", "buyer", "channel"
BY_SELLER, BY_MARKETPLACE = "seller", "marketplace"
CANCEL_REASONS: Final = frozenset(
    {
        "CUSTOMER_REQUESTED_SELLER_TO_CANCEL",
        "SELLER_CANCEL_PRICING_ERROR",
        "SELLER_CANCEL_OUT_OF_STOCK",
        "SELLER_CANCEL_FRAUD_STOP_SHIPMENT",
        "SELLER_CANCEL_ADDRESS_NOT_SERVICEABLE",
    }
)
REFUND_REASONS: Final = frozenset(
    {
        "BillingError",
        "TaxExemptCustomer",
        "ItemNotAsAdvertised",
        "IncorrectItemReceived",
        "CancelledYetShipped",
        "ItemNotReceivedByCustomer",
        "IncorrectShippingPrice",
        "DamagedItem",
        "DefectiveItem",
        "CustomerChangedMind",
        "CustomerReceivedItemLate",
        "Missing Parts / Instructions",
        "Finance -> Goodwill",
        "Finance -> Rollback",
        "Buyer canceled",
        "Customer returned item",
        "General adjustment",
        "Merchandise not received",
        "Quality -> Missing Parts / Instructions",
        "Shipping & Delivery -> Damaged",
        "Shipping & Delivery -> Shipping Price Discrepancy",
        "Others",
    }
)
SELLER_FAULT_REFUNDS: Final = frozenset(
    {
        "ItemNotAsAdvertised",
        "IncorrectItemReceived",
        "CancelledYetShipped",
        "ItemNotReceivedByCustomer",
        "IncorrectShippingPrice",
        "DamagedItem",
        "DefectiveItem",
        "CustomerReceivedItemLate",
        "Missing Parts / Instructions",
        "Merchandise not received",
        "Quality -> Missing Parts / Instructions",
        "Shipping & Delivery -> Damaged",
        "Shipping & Delivery -> Shipping Price Discrepancy",
    }
)
"""[guess] which of the reasons count against the seller; Walmart names the two rates, not the split."""


@dataclass(frozen=True, slots=True)
class Issue:
    """Why a listing is not shown."""

    code: str
    message: str
    attribute: str


@dataclass(slots=True)
class Listing:
    """One offer of this seller. `published` is PUBLISHED, UNPUBLISHED, IN_PROGRESS or SYSTEM_PROBLEM."""

    sku: str
    title: str
    category: str
    gtin: str
    price_minor: int
    quantity: int
    shipping_minor: int
    wpid: str
    attributes: dict[str, str] = field(default_factory=dict)
    published: str = "IN_PROGRESS"
    lifecycle: str = "ACTIVE"
    issues: list[Issue] = field(default_factory=list)
    updates: int = 0

    @property
    def live(self) -> bool:
        return self.published == "PUBLISHED" and self.lifecycle == "ACTIVE"


@dataclass(slots=True)
class Parcel:
    """Units of one line that left with one tracking number."""

    quantity: int
    carrier: str
    other_carrier: str | None
    method: str
    tracking: str
    tracking_url: str | None
    shipped_at: datetime
    told_at: datetime
    delivered_at: datetime | None = None
    refunded: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """One amount given back on a line: PRODUCT or SHIPPING, with its tax. Units: cents, positive."""

    kind: str
    name: str
    amount_minor: int
    tax_minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back on one line."""

    refund_id: str
    order_id: str
    line_id: str
    charges: tuple[Charge, ...]
    by: str
    at: datetime
    comments: str | None = None
    units: int = 0

    @property
    def amount_minor(self) -> int:
        return sum(charge.amount_minor + charge.tax_minor for charge in self.charges)


@dataclass(slots=True)
class Line:
    """One line of a purchase order, its units by status; parcels hold those that were shipped."""

    line_id: str
    sku: str
    title: str
    gtin: str
    category: str
    quantity: int
    price_minor: int
    unit_shipping_minor: int
    unit_tax_minor: int
    unit_shipping_tax_minor: int
    rate_per_100k: int
    changed_at: datetime
    created: int = 0
    acknowledged: int = 0
    cancelled: dict[str, int] = field(default_factory=dict)
    parcels: list[Parcel] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    cancel_asked: bool = False
    cancelled_by: str | None = None
    cancelled_at: datetime | None = None

    @property
    def open(self) -> int:
        """Units neither shipped nor cancelled."""
        return self.created + self.acknowledged

    @property
    def shipped(self) -> int:
        return sum(parcel.quantity for parcel in self.parcels)

    @property
    def cancelled_units(self) -> int:
        return sum(self.cancelled.values())

    @property
    def refunded_units(self) -> int:
        return sum(parcel.refunded for parcel in self.parcels)

    @property
    def refunded_minor(self) -> int:
        return sum(refund.amount_minor for refund in self.refunds)

    def unit_total_minor(self) -> int:
        """What the buyer pays for one unit, all in."""
        return self.price_minor + self.unit_shipping_minor + self.unit_tax_minor + self.unit_shipping_tax_minor

    def charged(self, kind: str, units: int) -> tuple[int, int]:
        """What so many units were charged for goods or shipping: amount and tax."""
        if kind == "PRODUCT":
            return self.price_minor * units, self.unit_tax_minor * units
        return self.unit_shipping_minor * units, self.unit_shipping_tax_minor * units

    def refundable(self, kind: str) -> tuple[int, int]:
        """What may still be given back for goods or shipping: amount and tax."""
        amount, tax = self.charged(kind, self.shipped)
        given = [charge for refund in self.refunds for charge in refund.charges if charge.kind == kind]
        return amount - sum(c.amount_minor for c in given), tax - sum(c.tax_minor for c in given)


@dataclass(slots=True)
class Order:
    """One purchase order."""

    order_id: str
    customer_order_id: str
    sequence: int
    buyer: str
    placed_at: datetime
    ship_by: datetime
    deliver_by: datetime
    auto_cancel_at: datetime
    fulfilled_by: str
    lines: list[Line]
    changed_at: datetime
    acknowledged_at: datetime | None = None
    last_cancelled_by: str | None = None

    @property
    def open(self) -> int:
        return sum(line.open for line in self.lines)

    def line(self, line_id: str) -> Line | None:
        """The line of this number."""
        return next((line for line in self.lines if line.line_id == line_id), None)

    def state(self) -> str:
        """One word for the whole order: the earliest status any unit is still in."""
        if any(line.created for line in self.lines):
            return CREATED
        if any(line.acknowledged for line in self.lines):
            return ACKNOWLEDGED
        parcels = [parcel for line in self.lines for parcel in line.parcels]
        if not parcels:
            return CANCELLED
        kept = [parcel for parcel in parcels if parcel.refunded < parcel.quantity]
        if not kept:
            return REFUND
        return DELIVERED if all(parcel.delivered_at for parcel in kept) else SHIPPED

    def cancelled_by(self) -> str | None:
        """Who ended the order, when nothing of it was shipped."""
        return self.last_cancelled_by if self.state() == CANCELLED else None


@dataclass(slots=True)
class ReturnLine:
    """One line on its way back. `status` is INITIATED, DELIVERED or COMPLETED; events tell how it got there."""

    number: int
    line_id: str
    quantity: int
    reason: str
    status: str = "INITIATED"
    refunded: int = 0
    events: list[tuple[str, datetime]] = field(default_factory=list)


@dataclass(slots=True)
class Return:
    """One return order."""

    return_id: str
    order_id: str
    customer_order_id: str
    opened_at: datetime
    changed_at: datetime
    lines: list[ReturnLine]

    @property
    def over(self) -> bool:
        return all(line.status == "COMPLETED" for line in self.lines)


@dataclass(slots=True)
class FeedItem:
    """One item of a feed and how it ended."""

    index: int
    sku: str | None
    data: dict[str, Any]
    status: str = "INPROGRESS"
    errors: list[tuple[str, str, str]] = field(default_factory=list)
    wpid: str | None = None


@dataclass(slots=True)
class Feed:
    """One file of changes. `status` is RECEIVED, INPROGRESS, PROCESSED or ERROR."""

    feed_id: str
    feed_type: str
    operation: str
    received_at: datetime
    changed_at: datetime
    body: bytes
    status: str = "RECEIVED"
    items: list[FeedItem] = field(default_factory=list)
    errors: list[tuple[str, str, str]] = field(default_factory=list)

    def count(self, *statuses: str) -> int:
        """How many items ended so."""
        return sum(item.status in statuses for item in self.items)


@dataclass(slots=True)
class Report:
    """One report somebody asked for. `status` is RECEIVED, INPROGRESS, READY or ERROR."""

    request_id: str
    report_type: str
    version: str
    asked_at: datetime
    payload: Any
    status: str = "RECEIVED"
    ready_at: datetime | None = None
    file: bytes = b""
    url_signature: str | None = None
    url_until: datetime | None = None


@dataclass(slots=True)
class Subscription:
    """Somebody who wants to be told of one kind of event."""

    subscription_id: str
    event_type: str
    event_version: str
    resource_name: str
    event_url: str
    headers: dict[str, str]
    auth: dict[str, str]
    status: str = "ACTIVE"
