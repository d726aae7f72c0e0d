"""The life of purchase orders: placed, acknowledged, shipped in parcels, cancelled, given back; and what time does.

Source: acknowledge expected within 4 h, no cancellation tied to it; a line not shipped by its estimated ship date plus
4 calendar days is cancelled by Walmart, the other lines stand; the buyer is charged when a line ships; only shipped
units can be refunded. Walmart-fulfilled orders carry no duty of the seller and cannot be acknowledged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.sandbox.walmart.errors import ORDER_API, invalid
from entrepot.sandbox.walmart.ledger import Ledger
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.state import (
    BUYER,
    BY_MARKETPLACE,
    BY_SELLER,
    CHANNEL,
    SELLER,
    Charge,
    Line,
    Listing,
    Order,
    Parcel,
    Refund,
)
from entrepot.sandbox.walmart.wire import share

Notify = Callable[[str, Order, Line | None], None]


@dataclass(frozen=True, slots=True)
class Shipment:
    """Units of one line that a caller says have left."""

    line: Line
    parcel: Parcel


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Units of one line that will not be shipped."""

    line: Line
    units: int
    reason: str


class Orders:
    """Moves orders; every refusal comes before the first change."""

    def __init__(self, platform: Platform, ledger: Ledger, notify: Notify) -> None:
        self._platform = platform
        self._ledger = ledger
        self._notify = notify

    # -- the buyer ------------------------------------------------------------------------------------------------

    def place(self, wanted: Sequence[tuple[str, int]], buyer: str, fulfilled_by: str) -> Order:
        """A buyer buys live listings; the stock shown falls. Errors: ValueError when he cannot."""
        if not wanted or fulfilled_by not in (BY_SELLER, BY_MARKETPLACE):
            raise ValueError("an order needs lines, and is fulfilled by the seller or the marketplace")
        need: dict[str, int] = {}
        for sku, units in wanted:
            need[sku] = need.get(sku, 0) + units
            if units < 1 or sku not in self._platform.listings or not self._platform.listings[sku].live:
                raise ValueError(f"{sku} cannot be bought")
        if fulfilled_by == BY_SELLER:
            for sku, units in need.items():
                if self._platform.listings[sku].quantity < units:
                    raise ValueError(f"{sku} is out of stock")
            for sku, units in need.items():
                self._platform.listings[sku].quantity -= units
        order = self._new_order(wanted, buyer, fulfilled_by)
        self._platform.orders[order.order_id] = order
        self._plan(order)
        self._platform.tell("order.placed", order.order_id)
        self._notify("PO_CREATED", order, None)
        return order

    def ask_cancel(self, order: Order, line_ids: Sequence[str] | None) -> None:
        """The buyer asks; it is the seller who cancels, or ships all the same."""
        for line in order.lines:
            if line.open and (line_ids is None or line.line_id in line_ids):
                line.cancel_asked = True
                self._touch(order, line)
        self._notify("ORDER_INTENT_TO_CANCEL", order, None)
        self._platform.tell("order.updated", order.order_id)

    def cancel_open(self, order: Order, by: str, reason: str) -> int:
        """Cancel whatever has not left; returns how many units."""
        found = [Cancellation(line, line.open, reason) for line in order.lines if line.open]
        self._cancel(order, found, by)
        return sum(one.units for one in found)

    # -- the seller -----------------------------------------------------------------------------------------------

    def acknowledge(self, order: Order) -> None:
        """Acknowledge the whole order; again does no harm. Errors: nothing of it is left to ship; Walmart ships it."""
        if order.fulfilled_by == BY_MARKETPLACE:
            raise invalid(ORDER_API, f"Purchase order {order.order_id} is fulfilled by Walmart", "purchaseOrderId")
        if not order.open:
            raise invalid(
                ORDER_API, f"Purchase order {order.order_id} is already shipped or cancelled", "purchaseOrderId"
            )
        moved = [line for line in order.lines if line.created]
        for line in moved:
            line.acknowledged, line.created = line.acknowledged + line.created, 0
            self._touch(order, line)
        if moved:
            order.acknowledged_at = order.acknowledged_at or self._platform.now()
            self._platform.apply("acknowledgeOrders", order.order_id)
            self._platform.tell("order.updated", order.order_id)

    def ship(self, order: Order, shipments: Sequence[Shipment]) -> None:
        """Units leave; the buyer is charged. Errors: Walmart ships it; more units than are open on a line."""
        self._refuse_walmart_fulfilled(order)
        need: dict[str, int] = {}
        for one in shipments:
            need[one.line.line_id] = need.get(one.line.line_id, 0) + one.parcel.quantity
            if one.parcel.quantity < 1 or need[one.line.line_id] > one.line.open:
                raise invalid(
                    ORDER_API,
                    f"Line {one.line.line_id} of {order.order_id} has {one.line.open} units to ship: it is already "
                    f"shipped or cancelled, or the quantity is wrong",
                    "statusQuantity",
                )
        for one in shipments:
            self._leave(order, one.line, one.parcel)
            self._platform.apply("shippingUpdates", f"{order.order_id}/{one.line.line_id}/{one.parcel.tracking}")
        self._platform.tell("order.updated", order.order_id)

    def cancel(self, order: Order, wanted: Sequence[Cancellation]) -> None:
        """The seller cancels units. Errors: Walmart ships it; more units than are open on a line."""
        self._refuse_walmart_fulfilled(order)
        need: dict[str, int] = {}
        for one in wanted:
            need[one.line.line_id] = need.get(one.line.line_id, 0) + one.units
            if one.units < 1 or need[one.line.line_id] > one.line.open:
                raise invalid(
                    ORDER_API,
                    f"Line {one.line.line_id} of {order.order_id} has {one.line.open} units to cancel: it is already "
                    f"shipped or cancelled, or the quantity is wrong",
                    "statusQuantity",
                )
        self._cancel(order, wanted, SELLER)
        for one in wanted:
            self._platform.apply("cancelOrderLines", f"{order.order_id}/{one.line.line_id}")
            if one.reason == "SELLER_CANCEL_OUT_OF_STOCK":
                self._platform.oversold += one.units

    def refund(
        self, order: Order, line: Line, charges: Sequence[Charge], by: str, comments: str | None = None, units: int = 0
    ) -> Refund:
        """Give money back. Shape: the charges were checked against what is left; units also become "Refund"."""
        refund = Refund(
            self._platform.digits(12, "7"),
            order.order_id,
            line.line_id,
            tuple(charges),
            by,
            self._platform.now(),
            comments,
            units,
        )
        line.refunds.append(refund)
        self._platform.refunds.append(refund)
        for charge in charges:
            self._ledger.refund(order, line, charge, units)
        left = units
        for parcel in sorted(line.parcels, key=lambda one: one.delivered_at is None):
            taken = min(left, parcel.quantity - parcel.refunded)
            parcel.refunded += taken
            left -= taken
        self._touch(order, line)
        self._platform.tell("order.updated", order.order_id)
        return refund

    # -- time -----------------------------------------------------------------------------------------------------

    def _plan(self, order: Order) -> None:
        if order.fulfilled_by == BY_MARKETPLACE:
            self._platform.after(self._platform.settings.wfs_ships_after, lambda: self._ship_ourselves(order))
        else:
            self._platform.world.at(order.auto_cancel_at, lambda: self._auto_cancel(order))

    def _auto_cancel(self, order: Order) -> None:
        late = [line for line in order.lines if line.open]
        self.cancel_open(order, CHANNEL, "AUTO_CANCELLED_NOT_SHIPPED")
        for line in late:
            self._notify("PO_LINE_AUTOCANCELLED", order, line)

    def _ship_ourselves(self, order: Order) -> None:
        now = self._platform.now()
        for line in order.lines:
            if line.open:
                tracking = self._platform.digits(12, "WFS")
                self._leave(order, line, Parcel(line.open, "FedEx", None, "Standard", tracking, None, now, now))
        self._platform.tell("order.updated", order.order_id)

    def _arrive(self, order: Order, line: Line, parcel: Parcel) -> None:
        parcel.delivered_at = self._platform.now()
        self._touch(order, line)
        self._platform.tell("order.updated", order.order_id)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _leave(self, order: Order, line: Line, parcel: Parcel) -> None:
        from_acknowledged = min(line.acknowledged, parcel.quantity)
        line.acknowledged -= from_acknowledged
        line.created -= parcel.quantity - from_acknowledged
        line.parcels.append(parcel)
        self._ledger.sell(order, line, parcel.quantity)
        self._touch(order, line)
        self._platform.after(self._platform.settings.in_transit, lambda: self._arrive(order, line, parcel))

    def _cancel(self, order: Order, wanted: Sequence[Cancellation], by: str) -> None:
        for one in wanted:
            line = one.line
            from_acknowledged = min(line.acknowledged, one.units)
            line.acknowledged -= from_acknowledged
            line.created -= one.units - from_acknowledged
            line.cancelled[one.reason] = line.cancelled.get(one.reason, 0) + one.units
            line.cancelled_by, line.cancelled_at = by, self._platform.now()
            self._touch(order, line)
        if wanted:
            order.last_cancelled_by = by
            self._platform.tell("order.updated" if order.state() != "Cancelled" else "order.cancelled", order.order_id)

    def _refuse_walmart_fulfilled(self, order: Order) -> None:
        if order.fulfilled_by == BY_MARKETPLACE:
            raise invalid(ORDER_API, f"Purchase order {order.order_id} is fulfilled by Walmart", "purchaseOrderId")

    def _touch(self, order: Order, line: Line) -> None:
        line.changed_at = order.changed_at = self._platform.now()

    def _new_order(self, wanted: Sequence[tuple[str, int]], buyer: str, fulfilled_by: str) -> Order:
        settings, now = self._platform.settings, self._platform.now()
        ship_by = now + settings.ship_within
        lines = [
            self._new_line(str(number), self._platform.listings[sku], units, now)
            for number, (sku, units) in enumerate(wanted, 1)
        ]
        return Order(
            order_id=self._platform.digits(13, "1"),
            customer_order_id=self._platform.digits(15, "200"),
            sequence=len(self._platform.orders) + 1,
            buyer=buyer,
            placed_at=now,
            ship_by=ship_by,
            deliver_by=now + settings.deliver_within,
            auto_cancel_at=ship_by + settings.auto_cancel(now.date()),
            fulfilled_by=fulfilled_by,
            lines=lines,
            changed_at=now,
        )

    def _new_line(self, line_id: str, listing: Listing, units: int, now: datetime) -> Line:
        settings = self._platform.settings
        return Line(
            line_id=line_id,
            sku=listing.sku,
            title=listing.title,
            gtin=listing.gtin,
            category=listing.category,
            quantity=units,
            price_minor=listing.price_minor,
            unit_shipping_minor=listing.shipping_minor,
            unit_tax_minor=share(listing.price_minor, settings.tax_rate_per_100k),
            unit_shipping_tax_minor=share(listing.shipping_minor, settings.tax_rate_per_100k),
            rate_per_100k=settings.commission_rate(listing.category),
            changed_at=now,
            created=units,
        )


def whole_refund(line: Line, reason: str) -> list[Charge]:
    """Everything that may still be given back on a line."""
    charges = []
    names: Mapping[str, str] = {"PRODUCT": "Item Price", "SHIPPING": "Shipping"}
    for kind, name in names.items():
        amount, tax = line.refundable(kind)
        if amount or tax:
            charges.append(Charge(kind, name, amount, tax, reason))
    return charges


def part_refund(line: Line, amount_minor: int, reason: str) -> list[Charge]:
    """An all-in amount split over price, its tax, shipping and its tax, in this order. Errors: ValueError, too much."""
    left, charges = amount_minor, []
    for whole in whole_refund(line, reason):
        amount = min(left, whole.amount_minor)
        tax = min(left - amount, whole.tax_minor)
        if amount or tax:
            charges.append(Charge(whole.kind, whole.name, amount, tax, reason))
        left -= amount + tax
    if left or amount_minor < 1:
        raise ValueError(f"{amount_minor} cannot be given back on line {line.line_id}")
    return charges


__all__ = ["BUYER", "Cancellation", "Notify", "Orders", "Shipment", "part_refund", "whole_refund"]
