"""The marketplace's records: shops, offers, orders, refunds, returns, money."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Shop:
    """One seller."""

    shop_id: int
    name: str
    corporate_name: str
    currency: str
    country: str
    model: str
    state: str
    kyc_status: str
    kyc_reason: str | None
    tax_rate_per_100k: int
    iban: str
    pay_out_psp_code: str
    operator_internal_id: str | None
    created_at: datetime
    updated_at: datetime
    suspension_type: str | None = None
    payment_blocked: bool = False
    additional_fields: dict[str, str] = field(default_factory=dict)
    orders_count: int = 0


@dataclass
class Offer:
    """One shop's price and stock of one product. Units: minor units; shipping per unit ordered.

    Shape: a discount holds between its dates, or always where one is missing; `blocked` is an inactivity reason that is
    somebody's decision; `updates` counts changes of the offer itself, not of its stock by orders.
    """

    offer_id: int
    shop_id: int
    shop_sku: str
    product_sku: str
    title: str
    brand: str
    category_code: str
    category_label: str
    price_minor: int
    shipping_minor: int
    currency: str
    quantity: int
    lead_time_days: int
    created_at: datetime
    updated_at: datetime
    state_code: str = "11"
    description: str = ""
    internal_description: str | None = None
    price_additional_info: str | None = None
    min_order_quantity: int | None = None
    max_order_quantity: int | None = None
    available_from: str | None = None
    available_until: str | None = None
    deleted: bool = False
    discount_minor: int | None = None
    discount_from: str | None = None
    discount_until: str | None = None
    blocked: str | None = None
    updates: int = field(default=0, compare=False)

    def price_on(self, day: str) -> int:
        """What it costs on an ISO date."""
        if self.discount_minor is None:
            return self.price_minor
        holds = (self.discount_from or "") <= day <= (self.discount_until or "9")
        return self.discount_minor if holds else self.price_minor


@dataclass
class Refund:
    """Money on its way back to the buyer for one line. Units: minor units, commission excluding tax."""

    refund_id: str
    order_refund_id: str
    order_id: str
    line_id: str
    amount_minor: int
    shipping_minor: int
    quantity: int
    commission_minor: int
    commission_tax_minor: int
    reason_code: str
    state: str
    created_at: datetime
    excluded_from_shipment: bool = False
    transaction_number: str | None = None
    transaction_at: str | None = None
    by: str = "operator"

    @property
    def total_minor(self) -> int:
        """Price part and shipping part."""
        return self.amount_minor + self.shipping_minor


@dataclass
class Cancelation:
    """Part of a line taken away before it was paid. Units: minor units, commission excluding tax."""

    cancelation_id: str
    amount_minor: int
    shipping_minor: int
    quantity: int
    commission_minor: int
    commission_tax_minor: int
    reason_code: str
    created_at: datetime


@dataclass
class Line:
    """One article of an order. `state` never says INCIDENT_OPEN: `incident_reason` does."""

    line_id: str
    index: int
    offer: Offer
    quantity: int
    price_unit_minor: int
    price_minor: int
    shipping_minor: int
    rate_per_100k: int
    tax_rate_per_100k: int
    commission_minor: int
    commission_tax_minor: int
    state: str
    created_at: datetime
    updated_at: datetime
    accepted: bool | None = None
    shipped: int = 0
    reason_code: str | None = None
    incident_reason: str | None = None
    debited_at: datetime | None = None
    shipped_at: datetime | None = None
    received_at: datetime | None = None
    refunds: list[Refund] = field(default_factory=list)
    cancelations: list[Cancelation] = field(default_factory=list)
    additional_fields: list[dict[str, Any]] = field(default_factory=list)

    @property
    def total_minor(self) -> int:
        """Price and shipping as ordered."""
        return self.price_minor + self.shipping_minor

    @property
    def cancelled(self) -> int:
        """Units taken away again."""
        return sum(c.quantity for c in self.cancelations)

    @property
    def cancelled_minor(self) -> int:
        """Money taken away again before it was paid."""
        return sum(c.amount_minor + c.shipping_minor for c in self.cancelations)

    @property
    def refunded_minor(self) -> int:
        """Money of every refund that was asked for, cleared or not."""
        return sum(r.total_minor for r in self.refunds)

    @property
    def owed_minor(self) -> int:
        """What the buyer pays for this line."""
        return self.total_minor - self.cancelled_minor

    @property
    def live(self) -> bool:
        """Neither refused nor cancelled."""
        return self.state not in ("REFUSED", "CANCELED")

    @property
    def to_ship(self) -> int:
        """Units that still have to leave; refunded goods do not."""
        if not self.live or not self.accepted or self.state == "REFUNDED":
            return 0
        excluded = sum(r.quantity for r in self.refunds if r.excluded_from_shipment)
        return max(0, self.quantity - self.cancelled - self.shipped - excluded)


@dataclass
class Order:
    """One seller's part of a basket."""

    order_id: str
    commercial_id: str
    sequence: int
    shop_id: int
    shop_name: str
    state: str
    currency: str
    customer: dict[str, Any]
    payment_workflow: str
    payment_type: str
    shipping_zone: str
    shipping_type: str
    lead_time_days: int
    created_at: datetime
    updated_at: datetime
    lines: dict[str, Line] = field(default_factory=dict)
    debit: str = "NONE"
    accepted_at: datetime | None = None
    decided_at: datetime | None = None
    debited_at: datetime | None = None
    transaction_number: str | None = None
    transaction_at: str | None = None
    shipping_deadline: datetime | None = None
    reason_code: str | None = None
    reason_label: str | None = None
    carrier_code: str | None = None
    carrier_standard_code: str | None = None
    carrier_name: str | None = None
    carrier_url: str | None = None
    tracking: str | None = None
    channel: str | None = None
    fulfillment_center: str = "DEFAULT"
    reference_for_customer: str | None = None
    reference_for_seller: str | None = None
    received_at: datetime | None = None
    payable: bool = False
    cancelled_by: str | None = None
    rendered: Any = None

    @property
    def owed_minor(self) -> int:
        """What the buyer pays for the lines that are alive."""
        return sum(line.owed_minor for line in self.lines.values() if line.live)

    @property
    def has_incident(self) -> bool:
        """Some line is in dispute."""
        return any(line.incident_reason is not None for line in self.lines.values())

    @property
    def fully_refunded(self) -> bool:
        """Every line that was paid is refunded whole."""
        paid = [line for line in self.lines.values() if line.live]
        return bool(paid) and all(line.state == "REFUNDED" for line in paid)


@dataclass
class Shipment:
    """One parcel. `lines` holds units by line id."""

    shipment_id: str
    sequence: int
    order_id: str
    shop_id: int
    lines: dict[str, int]
    status: str
    created_at: datetime
    updated_at: datetime
    tracking: dict[str, Any]
    invoice_reference: str | None = None
    shipped_at: datetime | None = None
    received_at: datetime | None = None


@dataclass
class ReturnLine:
    """Units of one line that come back."""

    line_id: str
    quantity: int
    reason_code: str
    compliant: bool | None = None
    non_compliance_reason: str | None = None
    non_compliance_info: str | None = None


@dataclass
class Return:
    """Goods on their way back."""

    return_id: str
    sequence: int
    order_id: str
    commercial_id: str
    shop_id: int
    customer_id: str
    lines: dict[str, ReturnLine]
    state: str
    method_code: str
    reason_code: str | None
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    label_url: str | None = None
    rma: str | None = None
    rejection_reason_code: str | None = None
    refund_ids: list[str] = field(default_factory=list)


@dataclass
class LogLine:
    """One transaction line. Units: minor units; seller's view."""

    line_id: str
    sequence: int
    shop_id: int
    type: str
    credited_minor: int
    debited_minor: int
    balance_minor: int
    currency: str
    payment_state: str
    created_at: datetime
    updated_at: datetime
    order_id: str | None = None
    order_line_id: str | None = None
    refund_id: str | None = None
    document_number: str | None = None
    document_id: int | None = None
    document_at: datetime | None = None
    cycle_id: str | None = None
    voucher: str | None = None
    description: str | None = None

    @property
    def amount_minor(self) -> int:
        """Credited less debited."""
        return self.credited_minor - self.debited_minor


@dataclass
class Cycle:
    """One shop's billing cycle in one currency. `amount_minor` is what its voucher pays, carried lines included."""

    cycle_id: str
    sequence: int
    shop_id: int
    currency: str
    created_at: datetime
    opened_at: datetime
    amount_minor: int
    operator_minor: int
    summary: dict[str, int]
    voucher: str | None
    pay_out_state: str | None
    failure_reason: str | None = None
    reference: str | None = None
    transaction_at: str | None = None


@dataclass
class Document:
    """One accounting document. Units: minor units."""

    document_id: int
    number: str
    shop_id: int
    type: str
    currency: str
    created_at: datetime
    excl_tax_minor: int
    tax_minor: int
    cycle_id: str | None
    details: list[dict[str, Any]]
    payment_state: str = "PENDING"
    failure_reason: str | None = None
    reference: str | None = None
    transaction_at: str | None = None
    issuer: str = "BATCH"


@dataclass
class Import:
    """One asynchronous offer file or JSON upsert."""

    import_id: int
    shop_id: int
    mode: str
    origin: str
    created_at: datetime
    columns: list[str]
    rows: list[dict[str, str]]
    status: str = "WAITING"
    errors: list[tuple[int, str]] = field(default_factory=list)
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    read: int = 0
    reason: str | None = None
    operation: str = "OF01"


def rate(per_100k: int) -> Decimal:
    """A rate as Mirakl writes it: percent."""
    return Decimal(per_100k) / 1000
