"""The life of an order: placed, payable, shipped in parcels, cancelled, refunded, or given up by the channel."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from entrepot.sandbox.amazon.errors import invalid
from entrepot.sandbox.amazon.ledger import Ledger
from entrepot.sandbox.amazon.money import included_tax, share
from entrepot.sandbox.amazon.platform import (
    ORDER_CANCELLED,
    ORDER_PLACED,
    ORDER_UPDATED,
    Platform,
    business_days_after,
    end_of_day,
)
from entrepot.sandbox.amazon.state import CANCELLED, Line, Listing, Order, Package, Refund

NO_INVENTORY: Final = "NoInventory"
STATUS_CHANGE: Final = "OrderStatusChange"
BUYER_CHANGE: Final = "BuyerRequestedChange"
AMAZON_CARRIER: Final = "AMZN_LOGISTICS"


class Announce(Protocol):
    """Tells the seller's queue about an order."""

    def __call__(self, order: Order, change_type: str, reason: str) -> None: ...


class Orders:
    """Moves orders and their money."""

    def __init__(self, platform: Platform, ledger: Ledger, announce: Announce) -> None:
        self._platform = platform
        self._settings = platform.settings
        self._ledger = ledger
        self._announce = announce

    # -- placing ---------------------------------------------------------------------------------------------------

    def place(self, wanted: Sequence[tuple[Listing, int]], buyer: str, pending: bool, fulfilled_by: str) -> Order:
        """A buyer orders. The shown stock of what the seller ships goes down; Amazon's own stock is not ours to see."""
        now = self._platform.now()
        lines = [self._line(listing, count) for listing, count in wanted]
        order = Order(
            order_id=self._platform.order_id(),
            placed_at=now,
            updated_at=now,
            buyer=buyer or f"Buyer {self._platform.letters(5)}",
            fulfilled_by=fulfilled_by,
            pending=pending,
            lines={line.line_id: line for line in lines},
            ship_from=now,
            ship_by=now,
            deliver_from=now,
            deliver_by=now,
        )
        self._set_windows(order)
        self._platform.orders[order.order_id] = order
        if order.mine:
            for listing, count in wanted:
                listing.quantity -= count
        self._tell(order, ORDER_PLACED, STATUS_CHANGE, "New order")
        if pending:
            self._platform.at(now + self._settings.pending_window, lambda: self._lapse(order))
        else:
            self._open(order)
        return order

    def _line(self, listing: Listing, count: int) -> Line:
        settings = self._settings
        price = (listing.price_minor or 0) * count
        shipping = settings.shipping_minor * count
        on_top = self._platform.market.tax_on_top
        return Line(
            line_id=self._platform.digits(14),
            sku=listing.sku,
            asin=listing.asin,
            title=str(first_value(listing.attributes, "item_name", listing.sku)),
            product_type=listing.product_type,
            quantity=count,
            unit_minor=listing.price_minor or 0,
            price_minor=price,
            shipping_minor=shipping,
            tax_minor=share(price + shipping, settings.tax_per_100k) if on_top else 0,
            vat_minor=0 if on_top else included_tax(price, settings.tax_per_100k),
            commission_minor=self._ledger.commission_of(listing.product_type, price + shipping),
        )

    def _set_windows(self, order: Order) -> None:
        now, settings = self._platform.now(), self._settings
        order.ship_from = now
        order.ship_by = end_of_day(business_days_after(now, settings.handling_business_days))
        order.deliver_from = end_of_day(now + timedelta(days=settings.transit_days))
        order.deliver_by = end_of_day(order.ship_by + timedelta(days=settings.transit_days))

    def release(self, order: Order) -> None:
        """Payment is authorised: the order may be shipped, and the time to do so starts."""
        order.pending = False
        self._set_windows(order)
        self._tell(order, ORDER_UPDATED, STATUS_CHANGE, "Payment authorised")
        self._open(order)

    def _open(self, order: Order) -> None:
        if order.mine:
            self._platform.at(self.given_up_at(order), lambda: self._give_up(order))
        else:
            self._platform.at(self._platform.now() + self._settings.afn_ship_delay, lambda: self._ship_ourselves(order))

    def given_up_at(self, order: Order) -> datetime:
        """When the channel cancels what is not confirmed."""
        return business_days_after(order.ship_by, self._settings.cancel_after_business_days)

    def _give_up(self, order: Order) -> None:
        """Cancel what was never confirmed; of an order shipped in part, the rest [guess]."""
        if any(line.open for line in order.lines.values()):
            self.cancel(order, "channel", "Not confirmed as shipped in time")

    def _lapse(self, order: Order) -> None:
        if order.pending and order.status != CANCELLED:
            self.cancel(order, "channel", "Payment was not authorised")

    # -- shipping --------------------------------------------------------------------------------------------------

    def ship(self, order: Order, package: Package) -> bool:
        """Confirm a parcel. A key already used renews what is said of that parcel, and ships nothing again.

        Returns whether anything changed. Errors: InvalidInput; nothing was done then.
        """
        for known in order.packages:
            if known.key == package.key:
                return self._renew(order, known, package)
        self._check_shippable(order, package.items)
        self._ledger.ship(order, package)
        for line_id, count in package.items.items():
            order.lines[line_id].shipped += count
        order.packages.append(package)
        self._tell(order, ORDER_UPDATED, STATUS_CHANGE, "Shipment confirmed")
        self._platform.at(
            max(package.shipped_at, self._platform.now()) + timedelta(days=self._settings.transit_days),
            lambda: self._deliver(order, package),
        )
        return True

    def _check_shippable(self, order: Order, items: Mapping[str, int]) -> None:
        if order.pending or order.status == CANCELLED:
            raise invalid(f"Order {order.order_id} cannot be shipped in status {order.status}.")
        if not order.mine:
            raise invalid(f"Order {order.order_id} is fulfilled by Amazon.")
        if not items:
            raise invalid(f"Order {order.order_id} has nothing left to ship.")
        for line_id, count in items.items():
            line = order.lines.get(line_id)
            if line is None:
                raise invalid(f"Order item {line_id} is not part of order {order.order_id}.")
            if not 0 < count <= line.open:
                raise invalid(f"Quantity {count} for order item {line_id} is invalid; {line.open} can be shipped.")

    def _renew(self, order: Order, known: Package, said: Package) -> bool:
        if said.items != known.items:
            raise invalid(f"Package {said.key} is already confirmed with other items.")
        now = (said.carrier, said.carrier_name, said.method, said.tracking, said.shipped_at)
        if now == (known.carrier, known.carrier_name, known.method, known.tracking, known.shipped_at):
            return False
        known.carrier, known.carrier_name, known.method, known.tracking, known.shipped_at = now
        self._platform.touch(order)
        self._platform.emit(ORDER_UPDATED, order.order_id)
        return True

    def _ship_ourselves(self, order: Order) -> None:
        items = {line_id: line.open for line_id, line in order.lines.items() if line.open}
        if order.status == CANCELLED or not items:
            return
        now = self._platform.now()
        tracking = f"TBA{self._platform.digits(12)}"
        package = Package("1", AMAZON_CARRIER, None, "Standard", tracking, now, now, items, confirmed_late=False)
        self._ledger.ship(order, package)
        for line_id, count in items.items():
            order.lines[line_id].shipped += count
        order.packages.append(package)
        self._tell(order, ORDER_UPDATED, STATUS_CHANGE, "Shipped by Amazon")
        self._platform.at(now + timedelta(days=self._settings.transit_days), lambda: self._deliver(order, package))

    def _deliver(self, order: Order, package: Package) -> None:
        package.status = "DELIVERED"
        package.delivered_at = self._platform.now()
        self._platform.touch(order)
        self._platform.emit(ORDER_UPDATED, order.order_id)

    # -- acknowledging, cancelling, refunding -----------------------------------------------------------------------

    def acknowledge(self, order: Order, merchant_order_id: str | None) -> bool:
        """The seller has it. Returns whether this was news."""
        if order.acknowledged_at is not None and merchant_order_id in (None, order.merchant_order_id):
            return False
        order.acknowledged_at = order.acknowledged_at or self._platform.now()
        order.merchant_order_id = merchant_order_id or order.merchant_order_id
        self._platform.touch(order)
        self._platform.emit(ORDER_UPDATED, order.order_id)
        return True

    def ask_cancel(self, order: Order, line_ids: Sequence[str], reason: str) -> None:
        """The buyer asks; nothing happens unless the seller answers."""
        for line_id in line_ids:
            order.lines[line_id].ask_reason = reason
        self._tell(order, ORDER_UPDATED, BUYER_CHANGE, "Buyer Requested Cancel")

    def cancel(self, order: Order, by: str, reason: str) -> None:
        """End an order. What was shipped already is refunded whole by a seller's Failure: as documented."""
        for line in order.lines.values():
            if line.open:
                self.cancel_pieces(order, line, line.open, by, reason)
        for line in order.lines.values():
            left = {name: minor for name, minor in self._ledger.refundable(line).items() if minor}
            if left and by == "seller":
                self.refund(order, line, left, by="seller", kind="Refund", key="")

    def cancel_pieces(self, order: Order, line: Line, count: int, by: str, reason: str) -> None:
        """Cancel some pieces of a line; Amazon puts them back on the shelf unless the seller has none."""
        line.cancelled += count
        line.cancelled_by, line.cancel_reason = by, reason
        listing = self._platform.listings.get(line.sku)
        if reason == NO_INVENTORY:
            self._platform.oversold += count
        elif listing is not None and order.mine:
            listing.quantity += count
        if order.status == CANCELLED:
            order.cancelled_at, order.cancelled_by, order.cancel_reason = self._platform.now(), by, reason
            self._tell(order, ORDER_CANCELLED, STATUS_CHANGE, reason)
        else:
            self._tell(order, ORDER_UPDATED, STATUS_CHANGE, reason)

    def refund(
        self, order: Order, line: Line, components: Mapping[str, int], *, by: str, kind: str, key: str
    ) -> Refund:
        """Give money back. Errors: InvalidInput when it is more than is left of a component."""
        left = self._ledger.refundable(line)
        for name, minor in components.items():
            if minor < 0 or minor > left.get(name, 0):
                raise invalid(f"{name} adjustment {minor} exceeds the refundable {left.get(name, 0)}.")
        if not any(components.values()):
            raise invalid("The adjustment has no amount.")
        now, refund_id = self._platform.now(), self._platform.letters(12)
        refund = Refund(refund_id, order.order_id, line.line_id, dict(components), by, kind, now, key)
        self._platform.refunds.append(refund)
        self._ledger.refund(order, refund)
        self._platform.touch(order)
        self._platform.emit(ORDER_UPDATED, order.order_id)
        return refund

    def _tell(self, order: Order, topic: str, change_type: str, reason: str) -> None:
        self._platform.touch(order)
        self._platform.emit(topic, order.order_id, lambda: self._announce(order, change_type, reason))


def first_value(attributes: Mapping[str, object], name: str, default: object = None) -> object:
    """The `value` of an attribute's first entry, as listings carry them."""
    entries = attributes.get(name)
    if isinstance(entries, list) and entries and isinstance(entries[0], dict):
        return entries[0].get("value", default)
    return default
