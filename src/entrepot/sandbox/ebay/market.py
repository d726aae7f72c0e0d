"""What every part of the channel stands on: its clock, ids, tables, change events and count of writes."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final

from entrepot.sandbox.core import World
from entrepot.sandbox.ebay.settings import Settings
from entrepot.sandbox.ebay.state import (
    Cancellation,
    Dispute,
    Inquiry,
    Item,
    Offer,
    Order,
    Payout,
    Return,
    Transaction,
    Transfer,
)

ORDER_PLACED: Final = "order.placed"
ORDER_UPDATED: Final = "order.updated"
ORDER_CANCELLED: Final = "order.cancelled"
LISTING_UPDATED: Final = "listing.updated"
PERIOD_CLOSED: Final = "period.closed"

Listener = Callable[[str, str], None]


class Market:
    """Shared ground. A change is told to nobody before it is whole: `settle` ends every call, click and timer."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.items: dict[str, Item] = {}
        self.offers: dict[str, Offer] = {}
        self.offers_by_sku: dict[str, list[Offer]] = {}
        self.orders: dict[str, Order] = {}
        self.cancellations: dict[str, Cancellation] = {}
        self.returns: dict[str, Return] = {}
        self.inquiries: dict[str, Inquiry] = {}
        self.disputes: dict[str, Dispute] = {}
        self.transactions: dict[str, Transaction] = {}
        self.transactions_by_order: dict[str, list[Transaction]] = {}
        self.payouts: dict[str, Payout] = {}
        self.transfers: dict[str, Transfer] = {}
        self.applied: dict[str, Counter[str]] = {}
        self.submissions: list[dict[str, object]] = []
        self.oversold = 0
        self.opened_at = self.now()
        self.listeners: list[Listener] = []
        self._changes: dict[tuple[str, str], None] = {}
        self._rng = world.stream(f"{settings.system} ids")
        self._given: set[str] = set()

    def now(self) -> datetime:
        """Business time in whole milliseconds: what is compared with a cursor is what the wire has shown."""
        now = self.world.clock()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def at(self, when: datetime, what: Callable[[], None]) -> None:
        """A timer whose change is told like any other."""

        def run() -> None:
            what()
            self.settle()

        self.world.at(when, run)

    def new_id(self, digits: int, first: str = "") -> str:
        """A number nobody has had yet, `digits` long, beginning with `first`."""
        while True:
            rest = digits - len(first)
            number = first + f"{self._rng.randrange(10 ** (rest - 1), 10**rest)}"
            if number not in self._given:
                self._given.add(number)
                return number

    def new_order_id(self) -> str:
        """An order number in eBay's three groups."""
        number = self.new_id(12)
        return f"{number[:2]}-{number[2:7]}-{number[7:]}"

    # -- changes ---------------------------------------------------------------------------------------------------

    def emit(self, topic: str, key: str) -> None:
        """Note a change; the same change of one call is told once."""
        self._changes[topic, key] = None

    def settle(self) -> None:
        """Tell the changes that have gathered, in the order they happened."""
        while self._changes:
            changes, self._changes = self._changes, {}
            for topic, key in changes:
                if topic == ORDER_UPDATED and (ORDER_PLACED, key) in changes:
                    continue
                for listener in self.listeners:
                    listener(topic, key)

    def touch(self, order: Order) -> None:
        """An order changed."""
        order.modified_at = self.now()
        self.emit(ORDER_UPDATED, order.order_id)

    # -- writes ----------------------------------------------------------------------------------------------------

    def did(self, operation: str, key: str) -> None:
        """A call of this operation about this thing really did something."""
        self.applied.setdefault(operation, Counter())[key] += 1

    def submitted(self, operation: str, items: int, rejected: int) -> None:
        """A batch came in; eBay decides its entries at once."""
        self.submissions.append(
            {
                "id": self.world.ulid(),
                "operation": operation,
                "state": "DONE",
                "items": items,
                "rejected": rejected,
            }
        )
