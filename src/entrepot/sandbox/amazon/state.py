"""What the marketplace remembers. Units: int minor units of the market's currency; instants are aware UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

PENDING: Final = "PENDING"
UNSHIPPED: Final = "UNSHIPPED"
PARTIALLY_SHIPPED: Final = "PARTIALLY_SHIPPED"
SHIPPED: Final = "SHIPPED"
CANCELLED: Final = "CANCELLED"
V0_STATUS: Final[Mapping[str, str]] = {
    PENDING: "Pending",
    UNSHIPPED: "Unshipped",
    PARTIALLY_SHIPPED: "PartiallyShipped",
    SHIPPED: "Shipped",
    CANCELLED: "Canceled",
    "PENDING_AVAILABILITY": "PendingAvailability",
    "UNFULFILLABLE": "Unfulfillable",
}
"""Both vocabularies; the last two are known filters this account never shows."""


@dataclass(slots=True)
class Line:
    """One order item. Money is for all its pieces; `tax_minor` is on top of the price, `vat_minor` inside it."""

    line_id: str
    sku: str
    asin: str
    title: str
    product_type: str
    quantity: int
    unit_minor: int
    price_minor: int
    shipping_minor: int
    tax_minor: int
    vat_minor: int
    commission_minor: int
    shipped: int = 0
    cancelled: int = 0
    refunded: dict[str, int] = field(default_factory=dict)
    commission_returned_minor: int = 0
    ask_reason: str | None = None
    cancelled_by: str | None = None
    cancel_reason: str | None = None

    @property
    def open(self) -> int:
        """Pieces still to be shipped."""
        return self.quantity - self.shipped - self.cancelled

    @property
    def total_minor(self) -> int:
        """What the buyer owes for this line."""
        return self.price_minor + self.shipping_minor + self.tax_minor

    @property
    def refunded_minor(self) -> int:
        """What he got back."""
        return sum(self.refunded.values())

    def shipped_part(self, whole_minor: int) -> int:
        """The part of a line's amount that belongs to the pieces already shipped."""
        return whole_minor * self.shipped // self.quantity


@dataclass(slots=True)
class Package:
    """One parcel of an order; `key` is the seller's packageReferenceId."""

    key: str
    carrier: str
    carrier_name: str | None
    method: str | None
    tracking: str
    shipped_at: datetime
    created_at: datetime
    items: dict[str, int]
    confirmed_late: bool
    status: str = "SHIPPED"
    delivered_at: datetime | None = None


@dataclass(slots=True)
class Order:
    """One order. `fulfilled_by` is "seller" or "amazon"; `cancelled_by` "buyer", "seller" or "channel"."""

    order_id: str
    placed_at: datetime
    updated_at: datetime
    buyer: str
    fulfilled_by: str
    pending: bool
    lines: dict[str, Line]
    ship_from: datetime
    ship_by: datetime
    deliver_from: datetime
    deliver_by: datetime
    packages: list[Package] = field(default_factory=list)
    merchant_order_id: str | None = None
    acknowledged_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None
    cancel_reason: str | None = None

    @property
    def status(self) -> str:
        """Where the order is, in the words of 2026-01-01."""
        if all(line.cancelled == line.quantity for line in self.lines.values()):
            return CANCELLED
        if self.pending:
            return PENDING
        if not any(line.shipped for line in self.lines.values()):
            return UNSHIPPED
        return PARTIALLY_SHIPPED if any(line.open for line in self.lines.values()) else SHIPPED

    @property
    def mine(self) -> bool:
        """The seller has to ship it."""
        return self.fulfilled_by == "seller"


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back; `by` is "seller" or "channel"; amounts by component as the feed names them."""

    refund_id: str
    order_id: str
    line_id: str
    components: Mapping[str, int]
    by: str
    kind: str
    at: datetime
    key: str

    @property
    def amount_minor(self) -> int:
        return sum(self.components.values())


@dataclass(slots=True)
class Return:
    """Goods on their way back."""

    return_id: str
    order_id: str
    lines: dict[str, int]
    reason: str
    at: datetime


@dataclass(slots=True)
class Dispute:
    """An A-to-z claim; it counts as a defect whatever comes of it."""

    dispute_id: str
    order_id: str
    at: datetime
    state: str = "OPEN"


@dataclass(frozen=True, slots=True)
class Issue:
    """Something wrong with a listing. `suppresses`: Amazon does not show it."""

    code: str
    message: str
    severity: str
    attributes: tuple[str, ...]
    categories: tuple[str, ...]
    suppresses: bool = False


@dataclass(slots=True)
class Listing:
    """One SKU. `accepted` is what the seller sent last, `attributes` what is processed of it and shown.

    `asked` counts what was accepted, `stock_asked` is the newest of them with a stock, `processed` the newest worked off.
    """

    sku: str
    asin: str
    product_type: str
    accepted: dict[str, Any]
    attributes: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    published: bool = False
    price_minor: int | None = None
    quantity: int = 0
    updates: int = 0
    asked: int = 0
    stock_asked: int = 0
    processed: int = 0
    found: tuple[Issue, ...] = ()
    imposed: tuple[Issue, ...] = ()

    @property
    def issues(self) -> tuple[Issue, ...]:
        return self.found + self.imposed

    @property
    def live(self) -> bool:
        """Shown and sellable, whether or not a piece is left."""
        blocked = any(issue.severity == "ERROR" or issue.suppresses for issue in self.issues)
        return self.published and not blocked and self.price_minor is not None

    @property
    def status(self) -> list[str]:
        """The words of the wire; without stock it is found but cannot be bought."""
        if not self.live:
            return []
        return ["BUYABLE", "DISCOVERABLE"] if self.quantity > 0 else ["DISCOVERABLE"]


@dataclass(slots=True)
class Submission:
    """One accepted or refused write of listings or one feed, for the books."""

    submission_id: str
    operation: str
    state: str
    items: int
    rejected: int


@dataclass(slots=True)
class Document:
    """A file behind a presigned address; `body` is None until it was uploaded."""

    document_id: str
    content_type: str
    body: bytes | None
    gzipped: bool


@dataclass(slots=True)
class Job:
    """One feed or report on its way. `input_id` is a feed's document, `output_id` what came of it."""

    job_id: str
    kind: str
    marketplace_ids: tuple[str, ...]
    created_at: datetime
    status: str = "IN_QUEUE"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    input_id: str | None = None
    output_id: str | None = None
    data_from: datetime | None = None
    data_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """One component of a posting; these two words are the key of the settlement file."""

    amount_type: str
    description: str
    minor: int


@dataclass(frozen=True, slots=True)
class PostedItem:
    """The components of one order line within a posting."""

    line_id: str
    sku: str
    asin: str
    quantity: int
    amounts: tuple[Amount, ...]
    merchant_adjustment_item_id: str = ""

    @property
    def total_minor(self) -> int:
        return sum(amount.minor for amount in self.amounts)


@dataclass(slots=True)
class Posting:
    """One movement of the seller's balance. `release_at` is when deferred money becomes payable."""

    posting_id: str
    transaction_type: str
    order_id: str
    posted_at: datetime
    items: tuple[PostedItem, ...]
    shipment_id: str = ""
    adjustment_id: str = ""
    fulfillment: str = "MFN"
    release_at: datetime | None = None
    released: bool = False
    release_id: str | None = None
    settlement_id: str | None = None

    @property
    def total_minor(self) -> int:
        return sum(item.total_minor for item in self.items)


@dataclass(frozen=True, slots=True)
class Statement:
    """One closed settlement period."""

    settlement_id: str
    start_at: datetime
    end_at: datetime
    deposit_at: datetime
    total_minor: int
    lines: int
    report_id: str
    reserve_minor: int
