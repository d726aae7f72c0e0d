"""What connectors tell us about orders, in our words: frozen data, money in minor units, instants aware UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.order.states import LegState, LineState


@dataclass(frozen=True, slots=True)
class RefundSeen:
    """A refund as the marketplace shows it on an order line or asks us to pay it."""

    refund_id: str
    order_id: str
    order_line_id: str
    amount_minor: int  # price + shipping + tax given back to the buyer
    shipping_minor: int
    commission_minor: int  # given back to the seller, excluding tax
    commission_tax_minor: int
    currency: str
    reason: str
    state: str  # waiting | asked | refunded  (waiting: their tax step; asked: they wait for our payment)
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class LineSeen:
    order_line_id: str
    offer_id: str
    sku: str
    title: str
    category: str
    quantity: int
    price_minor: int  # whole line, without shipping
    shipping_minor: int
    tax_minor: int
    commission_minor: int  # excluding tax
    commission_tax_minor: int
    state: LineState | Unrecognised
    their_state: str
    refunds: tuple[RefundSeen, ...] = ()
    cancelled_qty: int = 0
    shipped_qty: int | None = None  # where they count it; None: the line's state says it
    ship_due_at: datetime | None = None  # where lines have a date of their own


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """One marketplace order (a leg) at one revision."""

    order_id: str
    commercial_id: str
    seller_id: str
    seller_name: str
    state: LegState | Unrecognised
    their_state: str
    currency: str
    total_minor: int  # price + shipping + tax on top of all lines
    lines: tuple[LineSeen, ...]
    created_at: datetime
    updated_at: datetime
    decided_at: datetime | None  # null when the marketplace decided by itself
    ship_due_at: datetime | None
    debited_at: datetime | None
    carrier: str = ""
    tracking: str = ""
    has_incident: bool = False
    payment_workflow: str = ""
    fulfilled_by: str = "seller"  # seller | marketplace: then nobody waits for us
    deliver_due_at: datetime | None = None
    market: str = ""  # their word for the country or market
    cancel_asked: bool = False  # the buyer wants it cancelled

    @property
    def decided_by_itself(self) -> bool:
        """The window ran out: the marketplace refused, nobody decided."""
        return self.state is LegState.REFUSED and self.decided_at is None


@dataclass(frozen=True, slots=True)
class DebitAsked:
    """The marketplace asks us to charge the buyer for one leg."""

    order_id: str
    commercial_id: str
    customer_id: str
    amount_minor: int
    currency: str
    lines: Mapping[str, int] = field(default_factory=dict)  # order_line_id -> amount_minor


@dataclass(frozen=True, slots=True)
class ChannelRefundSeen:
    """Money a channel gave back to a buyer of ours, by its own decision or by ours. `by`: seller | channel."""

    refund_id: str
    order_id: str
    order_line_id: str  # '' when they name none: the whole order
    amount_minor: int
    currency: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Hint:
    """A channel says that something of ours changed, not what: it is read again. `kind`: a name of Connector.lookups."""

    kind: str
    external_id: str


@dataclass(frozen=True, slots=True)
class ReturnSeen:
    return_id: str
    order_id: str
    their_state: str
    state: str | Unrecognised  # word of table return_file
    reason: str
    created_at: datetime
    updated_at: datetime
    lines: Mapping[str, int] = field(default_factory=dict)  # order_line_id -> quantity


@dataclass(frozen=True, slots=True)
class ShipmentSeen:
    shipment_id: str
    order_id: str
    their_state: str
    state: str | Unrecognised  # word of table shipment
    carrier: str
    tracking: str
    shipped_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BasketLineAsked:
    offer_id: str
    sku: str
    seller_id: str
    title: str
    category: str
    quantity: int
    unit_price_minor: int
    shipping_minor: int


@dataclass(frozen=True, slots=True)
class BasketAsked:
    """A basket as the storefront hands it over: bought and authorised, not yet at the marketplace."""

    commercial_id: str
    currency: str
    customer: Mapping[str, object]
    authorisation_id: str
    authorised_minor: int
    authorisation_expires_at: datetime | None
    lines: tuple[BasketLineAsked, ...]
    placed_at: datetime
    shipping_method: str = ""  # the storefront's word; empty: none was chosen

    @property
    def total_minor(self) -> int:
        return sum(line.unit_price_minor * line.quantity + line.shipping_minor for line in self.lines)
