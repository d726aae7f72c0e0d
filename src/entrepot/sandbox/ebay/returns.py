"""Returns and "item not received": opened by buyers, answered by the seller, decided by eBay when he does not."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.orders import Orders
from entrepot.sandbox.ebay.state import CHANNEL, SELLER, Inquiry, Order, Return

REQUESTED: Final = "RETURN_REQUESTED"
READY: Final = "ITEM_READY_TO_SHIP"
SHIPPED: Final = "ITEM_SHIPPED"
DELIVERED: Final = "ITEM_DELIVERED"
CLOSED: Final = "CLOSED"

REASONS: Final = frozenset(
    {
        "ARRIVED_DAMAGED",
        "ARRIVED_LATE",
        "DEFECTIVE_ITEM",
        "DIFFERENT_FROM_LISTING",
        "EXPIRED_ITEM",
        "FAKE_OR_COUNTERFEIT",
        "FOUND_BETTER_PRICE",
        "MISSING_PARTS",
        "NO_LONGER_NEED_ITEM",
        "NO_REASON",
        "NOT_AS_DESCRIBED",
        "ORDERED_ACCIDENTALLY",
        "ORDERED_DIFFERENT_ITEM",
        "ORDERED_WRONG_ITEM",
        "OTHER",
        "RETURNING_GIFT",
        "WRONG_SIZE",
    }
)
NOT_AS_DESCRIBED: Final = frozenset(
    {
        "ARRIVED_DAMAGED",
        "DEFECTIVE_ITEM",
        "DIFFERENT_FROM_LISTING",
        "EXPIRED_ITEM",
        "FAKE_OR_COUNTERFEIT",
        "MISSING_PARTS",
        "NOT_AS_DESCRIBED",
    }
)


class Returns:
    """The life of returns and inquiries."""

    def __init__(self, market: Market, orders: Orders) -> None:
        self._market = market
        self._orders = orders

    # -- returns ---------------------------------------------------------------------------------------------------

    def open(self, order: Order, line_id: str, quantity: int, reason: str) -> Return:
        """A buyer wants to send units of one line back. Errors: ValueError when they were not shipped to him."""
        line = order.lines.get(line_id)
        if line is None:
            raise ValueError(f"{order.order_id} has no line {line_id}")
        under_way = sum(
            one.quantity for one in self._market.returns.values() if one.line_id == line_id and one.state != CLOSED
        )
        if not 1 <= quantity <= line.shipped - under_way:
            raise ValueError(f"{quantity} of line {line_id} cannot be returned")
        now = self._market.now()
        one = Return(
            return_id=self._market.new_id(10, "5"),
            order_id=order.order_id,
            line_id=line_id,
            quantity=quantity,
            reason=reason if reason in REASONS else "OTHER",
            comments=reason,
            at=now,
            state=REQUESTED,
            answer_by=None,
        )
        self._market.returns[one.return_id] = one
        one.history.append(("BUYER", "BUYER_CREATE_RETURN", now))
        self._due(one, now + self._market.settings.return_answer, self._unanswered)
        self._market.touch(order)
        return one

    def approve(self, one: Return, rma: str | None) -> None:
        """The buyer may send it."""
        one.rma = rma
        self._to(one, READY, SELLER, "SELLER_APPROVE_REQUEST")

    def decline(self, one: Return) -> None:
        """The seller says no; that is the end here (a buyer may complain, and does not in this sandbox)."""
        self._to(one, CLOSED, SELLER, "SELLER_DECLINE_REQUEST")
        one.closed_at = self._market.now()

    def offer(self, one: Return, minor: int) -> None:
        """Part of the money, and the buyer keeps the goods, if he likes."""
        one.offered_minor = minor
        self._to(one, "PARTIAL_REFUND_REQUESTED", SELLER, "SELLER_OFFER_PARTIAL_REFUND")

    def take_offer(self, one: Return, accepted: bool) -> None:
        """The buyer's answer to an offer of part of the money. Errors: ValueError when there is none."""
        if one.state != "PARTIAL_REFUND_REQUESTED":
            raise ValueError(f"{one.return_id} has no offer to answer")
        if accepted:
            self._refund(one, one.offered_minor, SELLER, "BUYER_ACCEPTS_PARTIAL_REFUND")
        else:
            self._to(one, "PARTIAL_REFUND_DECLINED", "buyer", "BUYER_DECLINE_PARTIAL_REFUND")
            self._due(one, self._market.now() + self._market.settings.return_answer, self._unanswered)

    def send(self, one: Return) -> None:
        """The buyer posts it. Errors: ValueError before the seller agreed."""
        if one.state != READY:
            raise ValueError(f"{one.return_id} is {one.state}")
        self._to(one, SHIPPED, "buyer", "BUYER_MARK_RETURN_SHIPPED")

    def arrive(self, one: Return, by: str) -> None:
        """It is back with the seller, who has a while to refund. Errors: ValueError when it was not sent."""
        if one.state not in (READY, SHIPPED):
            raise ValueError(f"{one.return_id} is {one.state}")
        self._to(one, DELIVERED, by, "SELLER_MARK_AS_RECEIVED" if by == SELLER else "NOTIFIED_DELIVERED")
        self._due(one, self._market.now() + self._market.settings.return_refund, self._unrefunded)

    def refund(self, one: Return, minor: int) -> None:
        """The seller refunds and the return is over."""
        self._refund(one, minor, SELLER, "SELLER_ISSUE_REFUND")

    def estimate_minor(self, one: Return) -> int:
        """What the returned units cost; the last unit takes the rest, and no more than is left."""
        line = self._market.orders[one.order_id].lines[one.line_id]
        full = line.gross_minor if one.quantity == line.quantity else line.price_minor * one.quantity
        return min(full, line.remaining_minor)

    def _refund(self, one: Return, minor: int, by: str, activity: str) -> None:
        order = self._market.orders[one.order_id]
        reason = "ITEM_NOT_AS_DESCRIBED" if one.reason in NOT_AS_DESCRIBED else "BUYER_RETURN"
        if minor:
            self._orders.refund(order, {one.line_id: minor}, by, reason)
        one.refund_minor = minor
        self._to(one, CLOSED, by, activity)
        one.closed_at = self._market.now()

    def _unanswered(self, one: Return) -> None:
        """[guess] eBay decides for the buyer, who keeps the goods; it counts as a case without resolution."""
        one.unresolved = True
        self._refund(one, self.estimate_minor(one), CHANNEL, "TIME_OUT_FOR_AUTHORIZE")

    def _unrefunded(self, one: Return) -> None:
        """[guess] eBay refunds for the seller; it counts as a case without resolution."""
        one.unresolved = True
        self._refund(one, self.estimate_minor(one), CHANNEL, "TIME_OUT_FOR_AUTO_REFUND")

    def _to(self, one: Return, state: str, by: str, activity: str) -> None:
        one.state, one.answer_by = state, None
        one.history.append((by.upper(), activity, self._market.now()))
        self._market.touch(self._market.orders[one.order_id])

    def _due(self, one: Return, when: datetime, otherwise: Callable[[Return], None]) -> None:
        one.answer_by = when

        def lapse() -> None:
            if one.answer_by == when and one.closed_at is None:
                otherwise(one)

        self._market.at(when, lapse)

    # -- inquiries -------------------------------------------------------------------------------------------------

    def inquire(self, order: Order, line_id: str) -> Inquiry:
        """A buyer says nothing came. Errors: ValueError without such a paid line."""
        if line_id not in order.lines or order.paid_at is None or order.cancelled_at is not None:
            raise ValueError(f"nothing to inquire about in {order.order_id}")
        now = self._market.now()
        due = now + self._market.settings.inquiry_answer
        one = Inquiry(self._market.new_id(10, "5"), order.order_id, line_id, now, "WAITING_SELLER_RESPONSE", due)
        self._market.inquiries[one.inquiry_id] = one
        self._market.at(due, lambda: self._inquiry_lapses(one))
        self._market.touch(order)
        return one

    def explain(self, one: Inquiry, carrier: str, tracking: str) -> None:
        """The seller shows where the parcel is; the buyer is content in this sandbox."""
        one.tracking = (carrier, tracking)
        self._close_inquiry(one, "CLOSED")

    def refund_inquiry(self, one: Inquiry, by: str) -> None:
        """The line's money goes back."""
        order = self._market.orders[one.order_id]
        line = order.lines[one.line_id]
        one.refund_minor = line.remaining_minor
        if one.refund_minor:
            self._orders.refund(order, {one.line_id: one.refund_minor}, by, "ITEM_NOT_RECEIVED")
        self._close_inquiry(one, "CLOSED" if by == SELLER else "CS_CLOSED")

    def _inquiry_lapses(self, one: Inquiry) -> None:
        if one.closed_at is None:
            one.unresolved = True
            self.refund_inquiry(one, CHANNEL)

    def _close_inquiry(self, one: Inquiry, status: str) -> None:
        one.status, one.answer_by, one.closed_at = status, None, self._market.now()
        self._market.touch(self._market.orders[one.order_id])
