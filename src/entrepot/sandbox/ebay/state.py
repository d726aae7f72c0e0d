"""What the channel remembers: listings, orders and everything that happens to them. Amounts are minor units."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

NOT_STARTED: Final = "NOT_STARTED"
IN_PROGRESS: Final = "IN_PROGRESS"
FULFILLED: Final = "FULFILLED"
CANCELED: Final = "CANCELED"
PENDING: Final = "PENDING"

BUYER: Final = "buyer"
SELLER: Final = "seller"
CHANNEL: Final = "channel"


@dataclass(slots=True)
class Item:
    """One inventory item: the seller's product by SKU, as it was last put."""

    sku: str
    locale: str
    content: dict[str, Any]
    quantity: int = 0


@dataclass(slots=True)
class Violation:
    """Why a listing is on hold."""

    code: str
    message: str
    attribute: str | None


@dataclass(slots=True)
class Offer:
    """One offer of an item on this site; published, it is a listing. `revised`: revisions by calendar day."""

    offer_id: str
    sku: str
    content: dict[str, Any]
    price_minor: int | None
    quantity: int | None
    shipping_minor: int = 0
    listing_id: str | None = None
    published: bool = False
    ended: bool = False
    live_at: datetime | None = None
    sold: int = 0
    updates: int = 0
    revised: dict[str, int] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)

    @property
    def category(self) -> str:
        """The category of the listing."""
        return str(self.content.get("categoryId") or "")


@dataclass(slots=True)
class Line:
    """One order line. Units: `price_minor` per unit; shipping, tax and fee for the whole line."""

    line_id: str
    offer: Offer
    title: str
    quantity: int
    price_minor: int
    shipping_minor: int
    tax_minor: int
    fee_minor: int
    order_fee_minor: int
    shipped: int = 0
    cancelled: int = 0
    shipped_at: datetime | None = None
    refunded_minor: int = 0
    fee_credited_minor: int = 0

    @property
    def cost_minor(self) -> int:
        """The goods."""
        return self.price_minor * self.quantity

    @property
    def gross_minor(self) -> int:
        """What the seller gets before fees: goods and shipping, without tax that eBay collects."""
        return self.cost_minor + self.shipping_minor

    @property
    def remaining_minor(self) -> int:
        """What may still be refunded."""
        return self.gross_minor - self.refunded_minor

    @property
    def to_ship(self) -> int:
        """Units not shipped yet."""
        return self.quantity - self.cancelled - self.shipped


@dataclass(slots=True)
class Shipment:
    """One parcel. `key` is the fulfilment id: the tracking number, or a number of ours."""

    order_id: str
    key: str
    carrier: str | None
    tracking: str | None
    at: datetime
    shipped_on: datetime
    lines: dict[str, int]


@dataclass(slots=True)
class Refund:
    """Money to the buyer, by line; seller net."""

    refund_id: str
    order_id: str
    parts: dict[str, int]
    by: str
    reason: str
    at: datetime
    status: str

    @property
    def total_minor(self) -> int:
        """All lines together."""
        return sum(self.parts.values())


@dataclass(slots=True)
class Cancellation:
    """A wish to cancel an order, the buyer's or the seller's."""

    cancel_id: str
    order_id: str
    requestor: str
    reason: str
    at: datetime
    answer_by: datetime | None
    state: str
    status: str
    closed_at: datetime | None = None
    close_reason: str | None = None
    refund_minor: int = 0


@dataclass(slots=True)
class Order:
    """One order of one buyer."""

    order_id: str
    buyer: str
    placed_at: datetime
    modified_at: datetime
    currency: str
    fulfilled_by: str
    record: str
    lines: dict[str, Line]
    paid_at: datetime | None = None
    ship_by: datetime | None = None
    shipments: list[Shipment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    cancellations: list[Cancellation] = field(default_factory=list)
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None
    cancel_reason: str | None = None

    @property
    def pending(self) -> bool:
        """Not paid yet."""
        return self.paid_at is None and self.cancelled_at is None

    @property
    def fulfillment(self) -> str:
        """How far the order is shipped."""
        if all(line.shipped >= line.quantity for line in self.lines.values()):
            return FULFILLED
        return IN_PROGRESS if any(line.shipped for line in self.lines.values()) else NOT_STARTED

    @property
    def state(self) -> str:
        """One word for the books."""
        if self.cancelled_at is not None:
            return CANCELED
        return PENDING if self.pending else self.fulfillment

    @property
    def gross_minor(self) -> int:
        """Goods and shipping."""
        return sum(line.gross_minor for line in self.lines.values())

    @property
    def refunded_minor(self) -> int:
        """What went back to the buyer."""
        return sum(line.refunded_minor for line in self.lines.values())

    @property
    def payment(self) -> str:
        """eBay's word for the order's payment."""
        if self.paid_at is None:
            return "FAILED" if self.cancelled_at else PENDING
        if not self.refunded_minor:
            return "PAID"
        return "FULLY_REFUNDED" if self.refunded_minor >= self.gross_minor else "PARTIALLY_REFUNDED"


@dataclass(slots=True)
class Return:
    """A buyer's return of one line."""

    return_id: str
    order_id: str
    line_id: str
    quantity: int
    reason: str
    comments: str
    at: datetime
    state: str
    answer_by: datetime | None
    closed_at: datetime | None = None
    unresolved: bool = False
    offered_minor: int = 0
    refund_minor: int = 0
    rma: str | None = None
    history: list[tuple[str, str, datetime]] = field(default_factory=list)


@dataclass(slots=True)
class Inquiry:
    """A buyer's "item not received"."""

    inquiry_id: str
    order_id: str
    line_id: str
    at: datetime
    status: str
    answer_by: datetime | None
    closed_at: datetime | None = None
    unresolved: bool = False
    refund_minor: int = 0
    tracking: tuple[str, str] | None = None


@dataclass(slots=True)
class EvidenceFile:
    """One uploaded file."""

    file_id: str
    name: str
    media_type: str
    content: bytes
    at: datetime


@dataclass(slots=True)
class Evidence:
    """A set of files that speaks for the seller."""

    evidence_id: str
    kind: str
    files: list[str]
    lines: list[dict[str, Any]]
    at: datetime


@dataclass(slots=True)
class Dispute:
    """A buyer's bank (or wallet) takes the money back. `revision` grows with every change."""

    dispute_id: str
    order_id: str
    reason: str
    amount_minor: int
    at: datetime
    respond_by: datetime
    status: str = "ACTION_NEEDED"
    revision: int = 1
    response: str | None = None
    note: str | None = None
    return_address: dict[str, Any] | None = None
    closed_at: datetime | None = None
    won: bool | None = None
    closed_for: str | None = None
    fee_minor: int = 0
    files: dict[str, EvidenceFile] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    activity: list[tuple[str, str, datetime]] = field(default_factory=list)
    money: list[tuple[str, int, datetime]] = field(default_factory=list)


@dataclass(slots=True)
class FeeLine:
    """What one order line contributes to a transaction; fees by eBay's fee type."""

    line_id: str
    basis_minor: int
    fees: list[tuple[str, int]]


@dataclass(slots=True)
class Transaction:
    """One booking. Amounts in listing currency, and again in payout currency (`paid_…`); positive, the entry signs."""

    transaction_id: str
    kind: str
    entry: str
    at: datetime
    available_at: datetime
    basis_minor: int
    fee_minor: int
    net_minor: int
    paid_basis_minor: int
    paid_fee_minor: int
    paid_net_minor: int
    order_id: str | None = None
    buyer: str | None = None
    record: str | None = None
    lines: list[FeeLine] = field(default_factory=list)
    references: list[tuple[str, str]] = field(default_factory=list)
    fee_type: str | None = None
    memo: str | None = None
    payout_id: str | None = None
    transfer_id: str | None = None

    @property
    def signed_paid_minor(self) -> int:
        """What it adds to the payout, negative when it takes away."""
        return self.paid_net_minor if self.entry == "CREDIT" else -self.paid_net_minor


@dataclass(slots=True)
class Payout:
    """Money on its way to the seller's bank."""

    payout_id: str
    at: datetime
    total_minor: int
    currency: str
    status: str
    transactions: list[str]


@dataclass(slots=True)
class Transfer:
    """Money eBay took from the seller because his balance was below zero."""

    transfer_id: str
    at: datetime
    total_minor: int
    currency: str
    charges: list[str]
