"""Orders: placed by buyers, paid, shipped by the seller, cancelled, refunded."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from entrepot.sandbox.ebay.finances import Finances
from entrepot.sandbox.ebay.listings import Listings
from entrepot.sandbox.ebay.market import ORDER_CANCELLED, ORDER_PLACED, Market
from entrepot.sandbox.ebay.state import BUYER, CHANNEL, PENDING, SELLER, Cancellation, Line, Order, Refund, Shipment
from entrepot.sandbox.ebay.wire import share

NO_TRACKING_ID: Final = "999"  # [guess] what eBay names a parcel that has no tracking number
OUT_OF_STOCK: Final = "OUT_OF_STOCK_OR_CANNOT_FULFILL"

Told = Callable[[Order], None]


class Orders:
    """The life of orders. Refusals of the wire are raised by the calls; here the rules are already met."""

    def __init__(self, market: Market, listings: Listings, finances: Finances) -> None:
        self._market = market
        self._listings = listings
        self._finances = finances
        self.when_paid: list[Told] = []
        self.when_shipped: list[Callable[[Order, Shipment], None]] = []

    # -- placing ---------------------------------------------------------------------------------------------------

    def place(self, lines: Sequence[tuple[str, int]], buyer: str, pending: bool, fulfilled_by: str) -> Order:
        """A buyer checks out. Errors: ValueError when something is not for sale in that quantity."""
        if not lines:
            raise ValueError("an order needs a line")
        wanted: dict[str, int] = {}
        for sku, quantity in lines:
            if quantity < 1:
                raise ValueError(f"{quantity} of {sku} cannot be bought")
            wanted[sku] = wanted.get(sku, 0) + quantity
        for sku, quantity in wanted.items():
            offer = self._listings.listing(sku)
            if offer is None or not self._listings.live(offer):
                raise ValueError(f"{sku} is not listed")
            if self._listings.stock(offer) < quantity:
                raise ValueError(f"only {self._listings.stock(offer)} of {sku} are left")
        market, now = self._market, self._market.now()
        order = Order(
            order_id=market.new_order_id(),
            buyer=buyer or f"buyer_{market.new_id(6)}",
            placed_at=now,
            modified_at=now,
            currency=market.settings.currency,
            fulfilled_by=fulfilled_by,
            record=str(len(market.orders) + 1),
            lines={},
        )
        for number, (sku, quantity) in enumerate(lines):
            line = self._line(sku, quantity, first=number == 0)
            order.lines[line.line_id] = line
        market.orders[order.order_id] = order
        if not pending:
            self.pay(order)
        market.emit(ORDER_PLACED, order.order_id)
        return order

    def pay(self, order: Order) -> None:
        """The buyer's payment arrives: the time to ship begins, and the sale is booked. Errors: ValueError."""
        if not order.pending:
            raise ValueError(f"{order.order_id} waits for no payment")
        now, settings = self._market.now(), self._market.settings
        order.paid_at = now
        order.ship_by = now + settings.handling
        self._finances.sale(order)
        self._market.touch(order)
        if order.fulfilled_by == CHANNEL:
            self._market.at(now + settings.channel_ships_after, lambda: self._channel_ships(order))
        for told in self.when_paid:
            told(order)

    def _line(self, sku: str, quantity: int, first: bool) -> Line:
        settings, offer = self._market.settings, self._listings.listing(sku)
        if offer is None or offer.price_minor is None:
            raise ValueError(f"{sku} has no price")
        self._listings.take(offer, quantity)
        product = self._market.items[sku].content.get("product") or {}
        shipping = offer.shipping_minor * quantity
        basis = offer.price_minor * quantity + shipping
        return Line(
            line_id=self._market.new_id(14, "1"),
            offer=offer,
            title=str(product.get("title") or sku),
            quantity=quantity,
            price_minor=offer.price_minor,
            shipping_minor=shipping,
            tax_minor=share(basis, settings.collected_tax_per_100k),
            fee_minor=share(basis, settings.fee_rate(offer.category)),
            order_fee_minor=settings.order_fee_minor if first else 0,
        )

    # -- shipping --------------------------------------------------------------------------------------------------

    def ship(
        self,
        order: Order,
        lines: Mapping[str, int],
        carrier: str | None,
        tracking: str | None,
        shipped_on: datetime | None = None,
    ) -> Shipment:
        """One parcel leaves; a buyer's open wish to cancel is thereby declined. Quantities have been checked."""
        now = self._market.now()
        key = tracking or self._untracked_key(order)
        shipment = Shipment(order.order_id, key, carrier, tracking, now, shipped_on or now, dict(lines))
        order.shipments.append(shipment)
        for line_id, quantity in lines.items():
            line = order.lines[line_id]
            line.shipped += quantity
            if line.to_ship == 0:
                line.shipped_at = shipment.shipped_on
        for cancellation in order.cancellations:
            if cancellation.closed_at is None:
                self.close_cancellation(cancellation, "CANCEL_REJECTED", "SELLER_DECLINED_SHIPPED")
        self._market.touch(order)
        for told in self.when_shipped:
            told(order, shipment)
        return shipment

    def _untracked_key(self, order: Order) -> str:
        used = {shipment.key for shipment in order.shipments}
        key, number = NO_TRACKING_ID, 1
        while key in used:
            number += 1
            key = f"{NO_TRACKING_ID}{number}"
        return key

    def _channel_ships(self, order: Order) -> None:
        left = {line.line_id: line.to_ship for line in order.lines.values() if line.to_ship}
        if left and order.cancelled_at is None:
            self.ship(order, left, "EBAY", self._market.new_id(20, "9"))

    # -- refunds ---------------------------------------------------------------------------------------------------

    def refund(self, order: Order, parts: Mapping[str, int], by: str, reason: str, *, at_once: bool = False) -> Refund:
        """Give money back, by line; it is under way for a while. Amounts have been checked."""
        market = self._market
        refund = Refund(
            refund_id=market.new_id(10, "5"),
            order_id=order.order_id,
            parts={line_id: minor for line_id, minor in parts.items() if minor},
            by=by,
            reason=reason,
            at=market.now(),
            status="REFUNDED" if at_once else PENDING,
        )
        self._finances.refund(order, refund)
        order.refunds.append(refund)
        market.touch(order)
        if not at_once:
            market.at(refund.at + market.settings.refund_delay, lambda: self._refunded(order, refund))
        return refund

    def _refunded(self, order: Order, refund: Refund) -> None:
        refund.status = "REFUNDED"
        self._market.touch(order)

    # -- cancelling ------------------------------------------------------------------------------------------------

    def open_cancellation(self, order: Order, requestor: str, reason: str) -> Cancellation:
        """Somebody wants an order cancelled; the seller's own wish needs no answer."""
        market, now = self._market, self._market.now()
        asks = requestor == BUYER
        cancellation = Cancellation(
            cancel_id=market.new_id(10, "5"),
            order_id=order.order_id,
            requestor=requestor,
            reason=reason,
            at=now,
            answer_by=now + market.settings.cancel_answer if asks else None,
            state="APPROVAL_PENDING" if asks else "INITIAL",
            status="CANCEL_REQUESTED" if asks else "CANCEL_PENDING",
            refund_minor=order.gross_minor - order.refunded_minor if order.paid_at else 0,
        )
        market.cancellations[cancellation.cancel_id] = cancellation
        order.cancellations.append(cancellation)
        market.touch(order)
        if cancellation.answer_by is not None:
            market.at(cancellation.answer_by, lambda: self._cancel_lapses(cancellation))
        return cancellation

    def _cancel_lapses(self, cancellation: Cancellation) -> None:
        """[guess] A wish nobody answers in time is declined by eBay."""
        if cancellation.closed_at is None:
            self.close_cancellation(cancellation, "CANCEL_REJECTED", "SELLER_NO_RESPONSE")

    def close_cancellation(self, cancellation: Cancellation, status: str, reason: str) -> None:
        """The wish is over, one way or the other."""
        cancellation.state, cancellation.status = "CLOSED", status
        cancellation.close_reason = reason
        cancellation.closed_at = self._market.now()
        cancellation.answer_by = None
        self._market.touch(self._market.orders[cancellation.order_id])

    def cancel(self, order: Order, cancellation: Cancellation, by: str) -> None:
        """The order is cancelled whole and what was paid goes back at once."""
        market = self._market
        paid = order.paid_at is not None
        order.cancelled_at, order.cancelled_by, order.cancel_reason = market.now(), by, cancellation.reason
        gone = by == SELLER and cancellation.reason == OUT_OF_STOCK
        for line in order.lines.values():
            line.cancelled = line.quantity
            if gone:
                market.oversold += line.quantity
            else:
                self._listings.put_back(line.offer, line.quantity)
        parts = {line.line_id: line.remaining_minor for line in order.lines.values()}
        if paid and any(parts.values()):
            reason = "BUYER_CANCEL" if cancellation.requestor == BUYER else "SELLER_CANCEL"
            self.refund(
                order,
                parts,
                CHANNEL if by == CHANNEL else SELLER,
                reason,
                at_once=True,
            )
        status = "CANCEL_CLOSED_WITH_REFUND" if paid else "CANCEL_CLOSED_FOR_COMMITMENT"
        self.close_cancellation(cancellation, status, "FULL_REFUND" if paid else "NO_REFUND")
        market.emit(ORDER_CANCELLED, order.order_id)
