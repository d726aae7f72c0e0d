"""What happens to orders: placed on a channel, acknowledged, shipped in parts, cancelled, closed.

NEW -> IN_PROGRESS (acknowledged) -> SHIPPED -> CLOSED, or RETURNED; nothing sent: CANCELED, or MANCO when the merchant could not.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from entrepot.sandbox.channelengine.catalogue import Catalogue
from entrepot.sandbox.channelengine.model import Cancellation, Line, Order, Refund, Shipment
from entrepot.sandbox.channelengine.platform import ORDER_CANCELLED, ORDER_PLACED, ORDER_UPDATED, Platform
from entrepot.sandbox.channelengine.settings import Channel
from entrepot.sandbox.channelengine.wire import Refusal

DAY: Final = timedelta(days=1)


def vat_inside(gross_minor: int, per_100k: int) -> int:
    """The VAT contained in a gross amount, rounded half up."""
    return (2 * gross_minor * per_100k + 100_000 + per_100k) // (2 * (100_000 + per_100k))


def share(amount_minor: int, per_100k: int) -> int:
    """A rate of an amount, rounded half up."""
    return (2 * amount_minor * per_100k + 100_000) // 200_000


class Lifecycle:
    """Moves orders. Callers have checked who may."""

    def __init__(self, platform: Platform, catalogue: Catalogue) -> None:
        self._platform = platform
        self._catalogue = catalogue
        self._settings = platform.settings

    # -- buyers ----------------------------------------------------------------------------------------------------

    def place(
        self, channel: Channel, wanted: Sequence[tuple[str, int]], buyer: str, pending: bool, fulfilled_by: str
    ) -> Order:
        """A buyer's order. Errors: ValueError when the channel does not sell it."""
        asked: dict[str, int] = {}
        for sku, quantity in wanted:
            asked[sku] = asked.get(sku, 0) + quantity
            if quantity < 1 or not self._catalogue.buyable(channel, sku, asked[sku]):
                raise ValueError(f"{channel.name} does not sell {quantity} of {sku}")
        if not asked:
            raise ValueError("an order needs a line")
        platform, now = self._platform, self._platform.now()
        order = Order(
            order_id=platform.count("order", 10_001),
            channel=channel,
            channel_order_no=self._channel_no(channel),
            buyer=buyer or f"buyer{platform.digits(6)}@{channel.global_channel_name.lower().replace(' ', '')}.example",
            status="AWAITING_PAYMENT" if pending else "NEW",
            placed_at=now,
            updated_at=now,
            ship_by=now + self._settings.ship_within,
            deliver_by=now + self._settings.deliver_within,
            fulfilled_by="seller" if fulfilled_by == "seller" else "channel",
        )
        for n, (sku, quantity) in enumerate(wanted):
            line = self._line(channel, sku, quantity, channel.shipping_minor if n == 0 else 0)
            order.lines[line.line_id] = line
        platform.orders[order.order_id] = order
        if order.fulfilled_by == "channel":
            self._sent_by_channel(order)
        else:
            for sku, quantity in asked.items():
                self._catalogue.sell(channel, sku, quantity)
            if not pending:
                self._arrived(order)
        platform.tell(ORDER_PLACED, str(order.order_id))
        return order

    def _line(self, channel: Channel, sku: str, quantity: int, shipping_minor: int) -> Line:
        item = self._platform.items[sku]
        price = self._catalogue.channel_price(channel, sku)
        return Line(
            line_id=self._platform.count("line", 50_001),
            sku=sku,
            title=str(item.data.get("Name") or sku),
            gtin=str(item.data.get("Ean") or ""),
            channel_product_no=self._catalogue.channel_product_no(channel, sku),
            quantity=quantity,
            price_minor=price,
            vat_minor=vat_inside(price, self._settings.vat_per_100k),
            shipping_minor=shipping_minor,
        )

    def _channel_no(self, channel: Channel) -> str:
        digits = self._platform.digits
        return f"{digits(3)}-{digits(7)}-{digits(7)}" if channel.amazon_order_nos else f"C{digits(9)}"

    def _sent_by_channel(self, order: Order) -> None:
        """The channel's own warehouse sends it: it arrives as SHIPPED and asks nothing of us."""
        for line in order.lines.values():
            line.shipped = line.quantity
        order.status, order.shipped_at = "SHIPPED", self._platform.now()
        self._platform.changed("ORDERS_CREATE")

    def release(self, order: Order) -> None:
        """The buyer has paid. Errors: ValueError."""
        if order.status != "AWAITING_PAYMENT":
            raise ValueError(f"order {order.order_id} is {order.status}")
        now = self._platform.now()
        order.ship_by, order.deliver_by = now + self._settings.ship_within, now + self._settings.deliver_within
        self.move(order, "NEW")
        self._arrived(order)

    def _arrived(self, order: Order) -> None:
        platform, settings = self._platform, self._settings
        platform.changed("ORDERS_CREATE")
        references = {"channel_order_no": order.channel_order_no, "merchant_order_no": None}
        platform.notify("CHANNEL_ORDER_NEW", "New order", f"New order {order.channel_order_no}", **references)
        platform.world.at(platform.now() + settings.too_long_on_new, lambda: self._remind(order))
        platform.world.at(order.ship_by, lambda: self._overdue(order))
        if settings.auto_cancel_after is not None:
            platform.world.at(order.ship_by + settings.auto_cancel_after, lambda: self._give_up(order))

    def _remind(self, order: Order) -> None:
        if order.status == "NEW":
            self._notify(order, "CHANNEL_ORDER_TOO_LONG_ON_NEW", "Order too long on New")

    def _overdue(self, order: Order) -> None:
        if order.open:
            self._notify(order, "CHANNEL_ORDER_OVERDUE", "Order overdue")

    def _give_up(self, order: Order) -> None:
        if order.open:
            self.cancel_rest(order, "channel", "Not shipped in time")

    def _notify(self, order: Order, kind: str, subject: str) -> None:
        references = {"channel_order_no": order.channel_order_no, "merchant_order_no": order.merchant_order_no}
        self._platform.notify(kind, subject, f"{subject}: {order.channel_order_no}", **references)

    def ask_cancel(self, order: Order, lines: Sequence[int] | None) -> None:
        """The buyer asks: what is not acknowledged is cancelled at once, later it is only a request (support article 177)."""
        chosen = [order.lines[one] for one in (order.lines if lines is None else lines)]
        chosen = [line for line in chosen if line.open]
        if not order.open or not chosen:
            raise ValueError(f"nothing of order {order.order_id} can be cancelled")
        if order.status in ("NEW", "AWAITING_PAYMENT"):
            self.cancel(order, {line.line_id: line.open for line in chosen}, "buyer", "Cancelled by customer")
            return
        for line in chosen:
            line.cancellation_requested = line.open
        self._touch(order)
        self._platform.changed("ORDERS_CHANGE")
        self._notify(order, "CHANNEL_ORDER_CANCELLATION_REQUEST_NEW", "Cancellation requested")

    # -- merchant --------------------------------------------------------------------------------------------------

    def acknowledge(self, order: Order, merchant_order_no: str) -> bool:
        """The merchant has the order; from here on it is known by his number. Same number again: nothing happens, False.

        Errors: 400 for another number, or for an order that is not new [guess: codes and words].
        """
        holder = self._platform.by_merchant_no.get(merchant_order_no)
        if order.merchant_order_no == merchant_order_no:
            return False
        if order.merchant_order_no is not None:
            raise _bad("OrderId", f"Order {order.order_id} is already acknowledged as {order.merchant_order_no}.")
        if holder is not None:
            raise _bad("MerchantOrderNo", f"MerchantOrderNo '{merchant_order_no}' is used by another order.")
        if order.status not in ("NEW", "CANCELED"):
            raise _bad("OrderId", f"Order {order.order_id} has status {order.status} and cannot be acknowledged.")
        order.merchant_order_no, order.acknowledged_at = merchant_order_no, self._platform.now()
        self._platform.by_merchant_no[merchant_order_no] = order.order_id
        if order.status == "NEW":
            self.move(order, "IN_PROGRESS")
        else:
            self._touch(order)  # cancelled before we came: it has a number now, and stays cancelled [guess]
        return True

    def ship(self, shipment: Shipment) -> None:
        """Units leave."""
        order = self._platform.orders[shipment.order_id]
        for line_id, quantity in shipment.lines.items():
            line = order.lines[line_id]
            line.shipped += quantity
            line.cancellation_requested = min(line.cancellation_requested, line.open)
        self._platform.shipments[shipment.shipment_no] = shipment
        self._platform.changed("SHIPMENTS_CHANGE")
        self._settle(order)

        def exported() -> None:
            shipment.channel_shipment_no = self._platform.digits(10)

        self._platform.world.at(self._platform.now() + self._settings.export_delay, exported)

    # -- cancelling ------------------------------------------------------------------------------------------------

    def cancel_rest(self, order: Order, by: str, reason: str) -> None:
        """Everything that has not left is cancelled by somebody else than the merchant. Errors: ValueError when nothing is left."""
        if not order.open:
            raise ValueError(f"nothing of order {order.order_id} can be cancelled")
        self.cancel(order, {line.line_id: line.open for line in order.lines.values() if line.open}, by, reason)

    def cancel(
        self,
        order: Order,
        lines: Mapping[int, int],
        by: str,
        reason: str | None,
        number: str | None = None,
        code: str = "OTHER",
    ) -> Cancellation:
        """Units will not be sent. A cancellation that is not the merchant's has a number of ours [guess]."""
        for line_id, quantity in lines.items():
            line = order.lines[line_id]
            if by == "seller":
                line.cancelled_by_seller += quantity
            else:
                line.cancelled_by_others += quantity
            line.cancellation_requested = min(line.cancellation_requested, line.open)
            self._catalogue.give_back(order.channel, line.sku, quantity, by)
        number_id = self._platform.count("cancellation", 3_001)
        done = Cancellation(
            number_id, number or f"CE-{number_id}", order.order_id, dict(lines), by, self._platform.now(), reason, code
        )
        self._platform.cancellations[done.cancellation_no] = done
        self._platform.changed("SHIPMENTS_CHANGE")  # documented: told when a cancelation is created, too
        self._settle(order, by)
        return done

    def refund(self, order: Order, line: Line, amount_minor: int, by: str) -> Refund:
        """The channel pays its buyer back. Errors: ValueError above what he paid."""
        if not 0 < amount_minor <= line.paid_minor - line.refunded_minor:
            raise ValueError(f"line {line.line_id} has not so much to refund")
        line.refunded_minor += amount_minor
        refund = Refund(
            f"RF-{self._platform.count('refund', 9_001)}",
            order.order_id,
            line.line_id,
            amount_minor,
            by,
            self._platform.now(),
        )
        self._platform.refunds.append(refund)
        self._touch(order)
        return refund

    def came_back(self, order: Order) -> None:
        """Goods were accepted back: an order of which nothing is with the buyer or on its way is RETURNED [guess]."""
        if not order.open and all(line.returned >= line.shipped for line in order.lines.values()):
            self.move(order, "RETURNED")

    # -- states ----------------------------------------------------------------------------------------------------

    def _settle(self, order: Order, by: str = "seller") -> None:
        """Work out the status after units left or were cancelled."""
        lines = order.lines.values()
        if any(line.open for line in lines):
            self._touch(order)
            return
        if any(line.shipped for line in lines):
            order.shipped_at = self._platform.now()
            self.move(order, "SHIPPED")
            self._platform.world.at(order.shipped_at + self._settings.close_after, lambda: self._close(order))
            return
        order.cancelled_by = by
        # [guess] the cancellation's reason code is called MancoReason, so what the merchant could not send is MANCO.
        by_us = all(line.cancelled_by_seller == line.quantity for line in lines)
        self.move(order, "MANCO" if by_us else "CANCELED")
        self._platform.tell(ORDER_CANCELLED, str(order.order_id))

    def _close(self, order: Order) -> None:
        if order.status == "SHIPPED":
            order.closed_at = self._platform.now()
            self.move(order, "CLOSED")

    def move(self, order: Order, status: str) -> None:
        """Put an order into another status."""
        order.status = status
        self._touch(order)

    def _touch(self, order: Order) -> None:
        order.updated_at = self._platform.now()
        self._platform.tell(ORDER_UPDATED, str(order.order_id))


def line_status(order: Order, line: Line) -> str:
    """One line's own status."""
    if line.open:
        return order.status
    if line.shipped:
        return "RETURNED" if line.returned >= line.shipped else "CLOSED" if order.status == "CLOSED" else "SHIPPED"
    return "MANCO" if line.cancelled_by_seller == line.quantity else "CANCELED"


def _bad(name: str, message: str) -> Refusal:
    return Refusal(400, message, {name: [message]})
