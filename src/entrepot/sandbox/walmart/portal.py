"""The marketplace's back office and its buyers, in process: what simulated people and tests do at Walmart."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from entrepot.sandbox.walmart.health import Health
from entrepot.sandbox.walmart.ledger import Ledger
from entrepot.sandbox.walmart.notices import Notices
from entrepot.sandbox.walmart.orders import Orders, part_refund
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.returns import Returns
from entrepot.sandbox.walmart.settings import Product
from entrepot.sandbox.walmart.shelf import Shelf
from entrepot.sandbox.walmart.state import BUYER, BY_SELLER, CHANNEL, Issue, Listing, Order

CHANNEL_REASON: Final = "Finance -> Goodwill"


class Portal:
    """One door for everything the API does not do. Takes the world's lock."""

    def __init__(
        self,
        platform: Platform,
        orders: Orders,
        shelf: Shelf,
        returns: Returns,
        ledger: Ledger,
        health: Health,
        notices: Notices,
    ) -> None:
        self._platform = platform
        self._orders = orders
        self._shelf = shelf
        self._returns = returns
        self._ledger = ledger
        self._health = health
        self._notices = notices

    # -- buyers ---------------------------------------------------------------------------------------------------

    def place(
        self, lines: Sequence[tuple[str, int]], *, buyer: str = "", pending: bool = False, fulfilled_by: str = BY_SELLER
    ) -> str:
        """Buy live listings. Errors: ValueError when they cannot be bought; Walmart shows no pending orders."""
        if pending:
            raise ValueError("Walmart shows an order only once it is paid")
        with self._platform.world.lock:
            return self._orders.place(lines, buyer, fulfilled_by).order_id

    def release(self, order_id: str) -> None:
        """Walmart has no pending orders. Errors: ValueError, always."""
        raise ValueError(f"{order_id} was never pending")

    def ask_cancel(self, order_id: str, lines: Sequence[str] | None = None) -> None:
        """The buyer asks the seller to cancel."""
        with self._platform.world.lock:
            self._orders.ask_cancel(self._order(order_id), lines)

    def cancel(self, order_id: str, *, by: str = BUYER) -> None:
        """The buyer (or the channel) cancels at once what has not left. Errors: ValueError when all has."""
        if by not in (BUYER, CHANNEL):
            raise ValueError("only the buyer or the channel cancels here")
        with self._platform.world.lock:
            order = self._order(order_id)
            reason = "CUSTOMER_CANCELLED" if by == BUYER else "FRAUD_CANCELLED"
            if not self._orders.cancel_open(order, by, reason):
                raise ValueError(f"{order_id} has nothing left to cancel")

    def open_return(self, order_id: str, lines: Sequence[tuple[str, int]], reason: str) -> str:
        """The buyer sends units back."""
        with self._platform.world.lock:
            return self._returns.open(self._order(order_id), lines, reason).return_id

    def open_dispute(self, order_id: str) -> str:
        """Walmart settles payment disputes itself. Errors: ValueError, always."""
        raise ValueError(f"a payment dispute of {order_id} does not reach the seller at Walmart")

    # -- the channel ----------------------------------------------------------------------------------------------

    def refund(self, order_id: str, line_id: str, amount_minor: int) -> str:
        """The channel gives a buyer money back at the seller's cost. Units: cents, tax included."""
        with self._platform.world.lock:
            order = self._order(order_id)
            line = order.line(line_id)
            if line is None:
                raise ValueError(f"{order_id} has no line {line_id}")
            charges = part_refund(line, amount_minor, CHANNEL_REASON)
            return self._orders.refund(order, line, charges, CHANNEL).refund_id

    def adjust(self, description: str, amount_minor: int) -> None:
        """The channel books a fee (negative) or a reimbursement on the account."""
        with self._platform.world.lock:
            self._ledger.adjust(description, amount_minor)

    def buy_box(self, sku: str, winner: str, price_minor: int) -> None:
        """The buy box of an item changes hands."""
        with self._platform.world.lock:
            self._notices.buy_box(self._listing(sku), winner, price_minor)

    def suppress(self, sku: str, code: str, message: str, attribute: str) -> None:
        """An item is found at fault and no longer shown."""
        with self._platform.world.lock:
            self._shelf.suppress(self._listing(sku), Issue(code, message, attribute))

    def restore(self, sku: str) -> None:
        """An item is shown again."""
        with self._platform.world.lock:
            self._shelf.restore(self._listing(sku))

    def close_period(self) -> str | None:
        """Close the settlement period; None when there is nothing, or one was closed today already."""
        with self._platform.world.lock:
            statement = self._ledger.close()
            if statement is None:
                return None
            self._platform.tell("period.closed", statement.statement_id)
            return statement.statement_id

    # -- what there is --------------------------------------------------------------------------------------------

    def seed(self, products: Iterable[Product]) -> None:
        """What this shop already lists at the start."""
        with self._platform.world.lock:
            self._shelf.seed(products)

    def live(self, sku: str) -> bool:
        """Whether buyers see it."""
        listing = self._platform.listings.get(sku)
        return listing is not None and listing.live

    def price(self, sku: str) -> int:
        """The price buyers see, in cents."""
        return self._listing(sku).price_minor

    def stock(self, sku: str) -> int:
        """The stock shown."""
        return self._listing(sku).quantity

    def health(self) -> Mapping[str, float]:
        """Measured rates."""
        with self._platform.world.lock:
            return self._health.rates()

    def subscribe(self, listener: Callable[[str, str], None]) -> None:
        """Hear of changes in process: (kind, id)."""
        self._platform.listen(listener)

    def waiting(self) -> Mapping[str, int]:
        """What is not over yet, by kind."""
        platform = self._platform
        with platform.world.lock:
            parcels = [p for o in platform.orders.values() for line in o.lines for p in line.parcels]
            return {
                "orders": sum(bool(order.open) for order in platform.orders.values()),
                "parcels": sum(parcel.delivered_at is None for parcel in parcels),
                "feeds": sum(feed.status in ("RECEIVED", "INPROGRESS") for feed in platform.feeds.values()),
                "reports": sum(one.status in ("RECEIVED", "INPROGRESS") for one in platform.reports.values()),
                "listings": sum(one.published == "IN_PROGRESS" for one in platform.listings.values()),
                "returns": sum(not one.over for one in platform.returns.values()),
                "notifications": len(self._notices.waiting),
            }

    def _order(self, order_id: str) -> Order:
        order = self._platform.orders.get(order_id)
        if order is None:
            raise ValueError(f"no order {order_id}")
        return order

    def _listing(self, sku: str) -> Listing:
        listing = self._platform.listings.get(sku)
        if listing is None:
            raise ValueError(f"no listing {sku}")
        return listing
