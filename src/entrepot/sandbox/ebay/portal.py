"""eBay's own hand and its buyers', in process: what simulated people and tests do."""

from collections.abc import Callable, Mapping, Sequence

from entrepot.sandbox.ebay.access import Access
from entrepot.sandbox.ebay.disputes import Disputes
from entrepot.sandbox.ebay.finances import Finances
from entrepot.sandbox.ebay.listings import Listings
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.notifications import Notifications
from entrepot.sandbox.ebay.orders import Orders
from entrepot.sandbox.ebay.returns import CLOSED, Returns
from entrepot.sandbox.ebay.settings import Product
from entrepot.sandbox.ebay.standards import Standards
from entrepot.sandbox.ebay.state import BUYER, CHANNEL, SELLER, Offer, Order, Return, Violation


class Portal:
    """Every method ends with its change told. Errors: KeyError for unknown ids, ValueError for what cannot be."""

    def __init__(
        self,
        market: Market,
        listings: Listings,
        orders: Orders,
        returns: Returns,
        disputes: Disputes,
        finances: Finances,
        standards: Standards,
        notifications: Notifications,
        access: Access,
    ) -> None:
        self._market = market
        self._listings = listings
        self._orders = orders
        self._returns = returns
        self._disputes = disputes
        self._finances = finances
        self._standards = standards
        self._notifications = notifications
        self._access = access

    # -- orders ----------------------------------------------------------------------------------------------------

    def place(
        self, lines: Sequence[tuple[str, int]], *, buyer: str = "", pending: bool = False, fulfilled_by: str = SELLER
    ) -> str:
        """A buyer checks out; gives the order id. The real order id changes when a pending order is paid, ours stays."""
        with self._market.world.lock:
            order = self._orders.place(lines, buyer, pending, fulfilled_by)
            self._market.settle()
            return order.order_id

    def release(self, order_id: str) -> None:
        """The payment of a pending order arrives."""
        with self._market.world.lock:
            self._orders.pay(self._market.orders[order_id])
            self._market.settle()

    def ask_cancel(self, order_id: str, lines: Sequence[str] | None = None, reason: str = "ORDER_MISTAKE") -> str:
        """The buyer asks to cancel; gives the cancellation id. eBay cancels whole orders only."""
        with self._market.world.lock:
            order = self._cancellable(order_id)
            if lines is not None and set(lines) != set(order.lines):
                raise ValueError("eBay cancels whole orders only")
            if any(one.closed_at is None for one in order.cancellations):
                raise ValueError(f"{order_id} waits for an answer already")
            cancellation = self._orders.open_cancellation(order, BUYER, reason)
            self._market.settle()
            return cancellation.cancel_id

    def cancel(self, order_id: str) -> None:
        """The channel cancels at once (an unpaid order, a fraud check)."""
        with self._market.world.lock:
            order = self._cancellable(order_id)
            cancellation = self._orders.open_cancellation(order, CHANNEL, "OTHER")
            self._orders.cancel(order, cancellation, CHANNEL)
            self._market.settle()

    def refund(self, order_id: str, line_id: str, amount_minor: int) -> str:
        """The channel refunds the buyer at the seller's cost; gives the refund id."""
        with self._market.world.lock:
            order = self._market.orders[order_id]
            line = order.lines[line_id]
            if order.paid_at is None or not 0 < amount_minor <= line.remaining_minor:
                raise ValueError(f"{amount_minor} of {line_id} cannot be refunded")
            made = self._orders.refund(order, {line_id: amount_minor}, CHANNEL, "OTHER_ADJUSTMENT", at_once=True)
            self._market.settle()
            return made.refund_id

    def _cancellable(self, order_id: str) -> Order:
        order = self._market.orders[order_id]
        if order.cancelled_at is not None or any(line.shipped for line in order.lines.values()):
            raise ValueError(f"{order_id} cannot be cancelled any more")
        return order

    # -- returns, inquiries, disputes ------------------------------------------------------------------------------

    def open_return(self, order_id: str, lines: Sequence[tuple[str, int]], reason: str) -> str:
        """The buyer wants to send goods back; eBay has one return per line, the first one's id is given."""
        with self._market.world.lock:
            order = self._market.orders[order_id]
            opened = [self._returns.open(order, line_id, quantity, reason) for line_id, quantity in lines]
            if not opened:
                raise ValueError("a return needs a line")
            self._market.settle()
            return opened[0].return_id

    def send_return(self, return_id: str) -> None:
        """The buyer posts it."""
        self._with_return(return_id, self._returns.send)

    def deliver_return(self, return_id: str) -> None:
        """The carrier hands it to the seller."""
        self._with_return(return_id, lambda one: self._returns.arrive(one, CHANNEL))

    def answer_offer(self, return_id: str, *, accepted: bool) -> None:
        """The buyer answers an offer of part of the money."""
        self._with_return(return_id, lambda one: self._returns.take_offer(one, accepted))

    def open_inquiry(self, order_id: str, line_id: str) -> str:
        """The buyer says nothing came."""
        with self._market.world.lock:
            one = self._returns.inquire(self._market.orders[order_id], line_id)
            self._market.settle()
            return one.inquiry_id

    def open_dispute(self, order_id: str, reason: str = "ITEM_NOT_RECEIVED") -> str:
        """The buyer's bank takes the money back."""
        with self._market.world.lock:
            one = self._disputes.open(self._market.orders[order_id], reason)
            self._market.settle()
            return one.dispute_id

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        """The bank decides now."""
        with self._market.world.lock:
            self._disputes.close(self._market.disputes[dispute_id], won, "BANK_DECIDED")
            self._market.settle()

    def touch_dispute(self, dispute_id: str) -> None:
        """Something about a dispute changes, and its revision with it."""
        with self._market.world.lock:
            self._disputes.change(self._market.disputes[dispute_id], "DISPUTE_UPDATED", "EBAY")
            self._market.settle()

    def _with_return(self, return_id: str, do: Callable[[Return], None]) -> None:
        with self._market.world.lock:
            do(self._market.returns[return_id])
            self._market.settle()

    # -- listings --------------------------------------------------------------------------------------------------

    def seed(self, products: Sequence[Product]) -> None:
        """What this shop lists at the start."""
        with self._market.world.lock:
            for product in products:
                self._listings.seed(product)

    def suppress(self, sku: str, code: str, message: str, attribute: str | None) -> None:
        """A live listing gets a violation, is on hold and not shown."""
        with self._market.world.lock:
            self._listings.hold(self._offer(sku), Violation(code, message, attribute))
            self._market.settle()

    def restore(self, sku: str) -> None:
        """The listing is shown again."""
        with self._market.world.lock:
            self._listings.free(self._offer(sku))
            self._market.settle()

    def live(self, sku: str) -> bool:
        """Whether buyers see it; sold out counts as seen."""
        offer = self._listings.listing(sku)
        return offer is not None and self._listings.live(offer)

    def price(self, sku: str) -> int:
        """What it costs, minor units."""
        price = self._offer(sku).price_minor
        if price is None:
            raise ValueError(f"{sku} has no price")
        return price

    def stock(self, sku: str) -> int:
        """How many are shown."""
        return self._listings.stock(self._offer(sku))

    def _offer(self, sku: str) -> Offer:
        return self._market.offers_by_sku[sku][0]

    # -- the account -----------------------------------------------------------------------------------------------

    def close_period(self) -> str | None:
        """Pay out what is available: the payout's id, or the transfer's when the seller owes; None without any."""
        with self._market.world.lock:
            closed = self._finances.close_period()
            self._market.settle()
            return closed

    def health(self) -> Mapping[str, float]:
        """Measured rates, as shares of one."""
        return self._standards.health()

    def delete_buyer(self, username: str) -> None:
        """A buyer wants to be forgotten: every application is told."""
        with self._market.world.lock:
            self._notifications.account_deleted(username)

    def revoke(self) -> None:
        """The seller's consent is taken back: his tokens are void."""
        with self._market.world.lock:
            self._access.revoke()

    def subscribe(self, listener: Callable[[str, str], None]) -> None:
        """Hear every change: (topic, id)."""
        self._market.listeners.append(listener)

    def waiting(self) -> Mapping[str, int]:
        """What is not over yet, by kind."""
        orders = [one for one in self._market.orders.values() if one.cancelled_at is None]
        return {
            "unpaid_orders": sum(one.pending for one in orders),
            "unshipped_orders": sum(not one.pending and one.fulfillment != "FULFILLED" for one in orders),
            "refunds": sum(refund.status == "PENDING" for one in orders for refund in one.refunds),
            "cancellations": sum(one.closed_at is None for one in self._market.cancellations.values()),
            "returns": sum(one.state != CLOSED for one in self._market.returns.values()),
            "inquiries": sum(one.closed_at is None for one in self._market.inquiries.values()),
            "disputes": sum(one.closed_at is None for one in self._market.disputes.values()),
            "unpublished_offers": sum(not one.published for one in self._market.offers.values()),
            "notifications": self._notifications.undelivered(),
        }
