"""What all parts of the marketplace share: clock, settings, tables, ids, who listens, and what was really applied."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from entrepot.sandbox.core import World
from entrepot.sandbox.walmart.errors import ORDER_API, not_found
from entrepot.sandbox.walmart.settings import Settings
from entrepot.sandbox.walmart.state import Feed, Listing, Order, Refund, Report, Return, Subscription

Listener = Callable[[str, str], None]


class Platform:
    """The seller's account at the marketplace."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.listings: dict[str, Listing] = {}
        self.orders: dict[str, Order] = {}
        self.refunds: list[Refund] = []
        self.returns: dict[str, Return] = {}
        self.feeds: dict[str, Feed] = {}
        self.reports: dict[str, Report] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.applied: dict[str, Counter[str]] = {}
        self.oversold = 0
        self._listeners: list[Listener] = []
        self._rng = world.stream("walmart ids")

    def now(self) -> datetime:
        """Business time."""
        return self.world.clock()

    def after(self, pause: timedelta, what: Callable[[], None]) -> None:
        """Do something later on the business clock."""
        self.world.at(self.now() + pause, what)

    def digits(self, count: int, first: str) -> str:
        """A new id of so many digits that begins so."""
        return first + "".join(str(self._rng.randrange(10)) for _ in range(count - len(first)))

    def hex_id(self, count: int) -> str:
        """A new id of so many hexadecimal digits, upper case."""
        return f"{self._rng.getrandbits(4 * count):0{count}X}"

    def apply(self, operation: str, key: str) -> None:
        """Note that a write really changed something: the witness of what was sent twice."""
        self.applied.setdefault(operation, Counter())[key] += 1

    def listen(self, listener: Listener) -> None:
        """Hear of changes: (kind, id)."""
        self._listeners.append(listener)

    def tell(self, kind: str, key: str) -> None:
        """Tell everybody in process of one change."""
        for listener in self._listeners:
            listener(kind, key)

    def order(self, order_id: str) -> Order:
        """The order of this number. Errors: CONTENT_NOT_FOUND."""
        order = self.orders.get(order_id)
        if order is None:
            raise not_found(ORDER_API, f"Purchase order {order_id} is not found", "purchaseOrderId")
        return order

    def listing(self, api: str, sku: str) -> Listing:
        """The listing of this sku, retired ones included. Errors: CONTENT_NOT_FOUND."""
        listing = self.listings.get(sku)
        if listing is None:
            raise not_found(api, f"Item {sku} is not found", "sku")
        return listing
