"""The channel's back office and its buyers, in process."""

from collections.abc import Callable, Mapping, Sequence

from entrepot.sandbox.amazon.errors import SpApiError
from entrepot.sandbox.amazon.events import Events
from entrepot.sandbox.amazon.health import Health
from entrepot.sandbox.amazon.ledger import Ledger
from entrepot.sandbox.amazon.listings import Listings
from entrepot.sandbox.amazon.orders import Orders
from entrepot.sandbox.amazon.platform import ORDER_UPDATED, Platform
from entrepot.sandbox.amazon.settings import Product
from entrepot.sandbox.amazon.settlement import Settlements
from entrepot.sandbox.amazon.state import CANCELLED, Dispute, Issue, Line, Listing, Order, Return
from entrepot.sandbox.queue import Queue

FULFILLERS = ("seller", "amazon")


class Portal:
    """What people at the other end do. Every method settles its own changes. Errors: ValueError."""

    def __init__(
        self,
        platform: Platform,
        orders: Orders,
        listings: Listings,
        ledger: Ledger,
        settlements: Settlements,
        health: Health,
        events: Events,
        queue: Queue,
    ) -> None:
        self._platform = platform
        self._orders = orders
        self._listings = listings
        self._ledger = ledger
        self._settlements = settlements
        self._health = health
        self._events = events
        self._queue = queue

    # -- buyers ----------------------------------------------------------------------------------------------------

    def place(
        self,
        lines: Sequence[tuple[str, int]],
        *,
        buyer: str = "",
        pending: bool = False,
        fulfilled_by: str = "seller",
    ) -> str:
        """Buy live listings; the order's id. Stock that Amazon holds itself is not counted here."""
        with self._platform.world.lock:
            if not lines or fulfilled_by not in FULFILLERS:
                raise ValueError("an order needs lines, and is fulfilled by the seller or by amazon")
            wanted: dict[str, int] = {}
            for sku, count in lines:
                wanted[sku] = wanted.get(sku, 0) + count
            for sku, count in wanted.items():
                listing = self._platform.listings.get(sku)
                enough = listing is not None and (fulfilled_by == "amazon" or count <= listing.quantity)
                if count < 1 or listing is None or not listing.live or not enough:
                    raise ValueError(f"{sku} is not buyable in quantity {count}")
            chosen = [(self._platform.listings[sku], count) for sku, count in lines]
            order = self._orders.place(chosen, buyer, pending, fulfilled_by)
            self._platform.settle()
            return order.order_id

    def release(self, order_id: str) -> None:
        """The payment of a pending order is authorised."""
        with self._platform.world.lock:
            order = self._order(order_id)
            if not order.pending or order.status == CANCELLED:
                raise ValueError(f"{order_id} is not pending")
            self._orders.release(order)
            self._platform.settle()

    def ask_cancel(self, order_id: str, lines: Sequence[str] | None = None) -> None:
        """The buyer asks to cancel all lines, or some."""
        with self._platform.world.lock:
            order = self._order(order_id)
            asked = list(order.lines) if lines is None else [self._line(order, one).line_id for one in lines]
            self._orders.ask_cancel(order, asked, "Ordered by mistake")
            self._platform.settle()

    def cancel(self, order_id: str) -> None:
        """The buyer cancels while nothing is shipped."""
        with self._platform.world.lock:
            order = self._order(order_id)
            if order.status == CANCELLED or order.packages:
                raise ValueError(f"{order_id} cannot be cancelled any more")
            self._orders.cancel(order, "buyer", "BuyerCanceled")
            self._platform.settle()

    def open_return(self, order_id: str, lines: Sequence[tuple[str, int]], reason: str) -> str:
        """A buyer sends shipped goods back."""
        with self._platform.world.lock:
            order = self._order(order_id)
            chosen: dict[str, int] = {}
            for line_id, count in lines:
                line = self._line(order, line_id)
                gone = sum(one.lines.get(line_id, 0) for one in self._returns(order_id))
                chosen[line_id] = chosen.get(line_id, 0) + count
                if count < 1 or chosen[line_id] + gone > line.shipped:
                    raise ValueError(f"{count} of {line_id} cannot be returned")
            if not chosen:
                raise ValueError("a return needs lines")
            returned = Return(f"D{self._platform.letters(8)}RRMA", order_id, chosen, reason, self._platform.now())
            self._platform.returns[returned.return_id] = returned
            self._platform.touch(order)
            self._platform.emit(ORDER_UPDATED, order_id)
            self._platform.settle()
            return returned.return_id

    def _returns(self, order_id: str) -> list[Return]:
        return [one for one in self._platform.returns.values() if one.order_id == order_id]

    # -- the channel -----------------------------------------------------------------------------------------------

    def refund(self, order_id: str, line_id: str, amount_minor: int) -> str:
        """Amazon refunds the buyer itself, from the seller's balance: the price first, then shipping, then tax."""
        with self._platform.world.lock:
            order = self._order(order_id)
            line = self._line(order, line_id)
            left, components = amount_minor, {}
            for name, most in self._ledger.refundable(line).items():
                components[name] = min(left, most)
                left -= components[name]
            if left or amount_minor < 1:
                raise ValueError(f"{amount_minor} cannot be refunded on {line_id}")
            kind = "A-to-z Guarantee Refund"
            refund = self._orders.refund(order, line, components, by="channel", kind=kind, key="")
            self._platform.settle()
            return refund.refund_id

    def open_dispute(self, order_id: str) -> str:
        """The buyer opens an A-to-z claim; it is a defect whatever comes of it."""
        with self._platform.world.lock:
            order = self._order(order_id)
            dispute = Dispute(self._platform.digits(10), order.order_id, self._platform.now())
            self._platform.disputes[dispute.dispute_id] = dispute
            self._platform.touch(order)
            self._platform.emit(ORDER_UPDATED, order_id)
            self._platform.settle()
            return dispute.dispute_id

    def suppress(self, sku: str, code: str, message: str, attribute: str) -> None:
        """A live listing gets an issue and is not shown."""
        with self._platform.world.lock:
            issue = Issue(code, message, "ERROR", (attribute,), ("INVALID_ATTRIBUTE",), suppresses=True)
            self._listings.suppress(self._listing(sku), issue)
            self._platform.settle()

    def restore(self, sku: str) -> None:
        """The issues imposed on a listing are taken back."""
        with self._platform.world.lock:
            self._listings.restore(self._listing(sku))
            self._platform.settle()

    def seed(self, products: Sequence[Product]) -> None:
        """List products as if they had always been there."""
        with self._platform.world.lock:
            for product in products:
                self._listings.seed(product)

    def close_period(self) -> str | None:
        """Close the settlement period now; the settlement's id, or None when nothing is payable."""
        with self._platform.world.lock:
            closed = self._settlements.close()
            self._platform.settle()
            return closed

    # -- looking ---------------------------------------------------------------------------------------------------

    def live(self, sku: str) -> bool:
        """Whether a listing is shown, with or without stock."""
        listing = self._platform.listings.get(sku)
        return listing is not None and listing.live

    def price(self, sku: str) -> int:
        """The price buyers see, in minor units."""
        minor = self._listing(sku).price_minor
        if minor is None:
            raise ValueError(f"{sku} has no price")
        return minor

    def stock(self, sku: str) -> int:
        """The stock buyers see."""
        return self._listing(sku).quantity

    def health(self) -> Mapping[str, float]:
        """The measured rates."""
        return self._health.rates()

    def subscribe(self, listener: Callable[[str, str], None]) -> None:
        """Hear of changes: topic and id."""
        self._platform.listeners.append(listener)

    def waiting(self) -> Mapping[str, int]:
        """What is not over yet, by kind."""
        orders = [order for order in self._platform.orders.values() if order.status != CANCELLED]
        ready = [order for order in orders if not order.pending]
        open_ones = [order for order in ready if any(line.open for line in order.lines.values())]
        jobs = ("IN_QUEUE", "IN_PROGRESS")
        return {
            "pending": sum(order.pending for order in orders),
            "unshipped": sum(order.mine for order in open_ones),
            "unshipped_by_amazon": sum(not order.mine for order in open_ones),
            "feeds": sum(feed.status in jobs for feed in self._platform.feeds.values()),
            "reports": sum(report.status in jobs for report in self._platform.reports.values()),
            "listings": sum(listing.accepted != listing.attributes for listing in self._platform.listings.values()),
            "notifications": len(self._queue.messages) + self._events.on_the_way,
            "deferred": sum(not posting.released for posting in self._platform.postings),
        }

    def _order(self, order_id: str) -> Order:
        try:
            return self._platform.order(order_id)
        except SpApiError as why:
            raise ValueError(why.message) from None

    def _line(self, order: Order, line_id: str) -> Line:
        if line_id not in order.lines:
            raise ValueError(f"{line_id} is not part of {order.order_id}")
        return order.lines[line_id]

    def _listing(self, sku: str) -> Listing:
        if sku not in self._platform.listings:
            raise ValueError(f"{sku} is not listed")
        return self._platform.listings[sku]
