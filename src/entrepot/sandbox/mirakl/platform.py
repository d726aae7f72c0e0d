"""What every part of the marketplace stands on: its clock, ids, tables, change events and count of writes."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from entrepot.sandbox.core import World
from entrepot.sandbox.mirakl.errors import order_not_found
from entrepot.sandbox.mirakl.settings import Settings
from entrepot.sandbox.mirakl.state import LONG_AGO, Cycle, Offer, Order, Refund, Return, Shipment
from entrepot.sandbox.mirakl.tables import Tables, Written

ORDER_CREATED: Final = "order.created"
ORDER_UPDATED: Final = "order.updated"
REFUND_CREATED: Final = "refund.created"
RETURN_UPDATED: Final = "return.updated"
SHIPMENT_UPDATED: Final = "shipment.updated"
CYCLE_CLOSED: Final = "cycle.closed"
OFFER_UPDATED: Final = "offer.updated"  # told to people in the back office only, by no webhook
THREAD_UPDATED: Final = "thread.updated"

Listener = Callable[[str, str], None]


class Platform:
    """Shared ground. A change is told to nobody before it is whole: `settle` ends every call, click and timer."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.tables = Tables()
        self.zone = ZoneInfo(settings.timezone)
        self.listeners: list[Listener] = []
        self._changes: dict[tuple[str, str], None] = {}
        self._latest = LONG_AGO

    def now(self) -> datetime:
        """The business clock, never going back."""
        self._latest = max(self._latest, self.world.clock())
        return self._latest

    def at(self, when: datetime, what: Callable[[], None]) -> None:
        """A timer whose change is told like any other."""

        def run() -> None:
            what()
            self.settle()

        self.world.at(when, run)

    # -- changes ---------------------------------------------------------------------------------------------------

    def emit(self, topic: str, key: str) -> None:
        """Note a change; the same change of one call is told once."""
        self._changes[topic, key] = None

    def settle(self) -> None:
        """Tell the changes that have gathered, in the order they happened."""
        while self._changes:
            changes, self._changes = self._changes, {}
            for topic, key in changes:
                if topic == ORDER_UPDATED and (ORDER_CREATED, key) in changes:
                    continue
                for listener in self.listeners:
                    listener(topic, key)

    # -- records ---------------------------------------------------------------------------------------------------

    def order(self, order_id: str) -> Order:
        """One order. Errors: ORDER_NOT_FOUND."""
        order = self.tables.orders.get(order_id)
        if order is None:
            raise order_not_found(order_id)
        return order

    def move(self, order: Order, state: str) -> None:
        """Put an order into another state."""
        by_state = self.tables.orders_by_state
        by_state.get(order.state, {}).pop(order.order_id, None)
        order.state = state
        by_state.setdefault(state, {})[order.order_id] = None
        self.touch(order)

    def touch(self, order: Order) -> None:
        """An order changed."""
        order.updated_at = self.now()
        order.rendered = None
        self.tables.orders_touched.touch(order.order_id, order.updated_at)
        self.emit(ORDER_UPDATED, order.order_id)

    def touch_refund(self, refund: Refund) -> None:
        """A refund changed, and its order with it."""
        self.touch(self.order(refund.order_id))

    def touch_shipment(self, shipment: Shipment) -> None:
        """A parcel changed."""
        shipment.updated_at = self.now()
        self.emit(SHIPMENT_UPDATED, shipment.shipment_id)

    def touch_return(self, returned: Return) -> None:
        """A return changed."""
        returned.updated_at = self.now()
        self.emit(RETURN_UPDATED, returned.return_id)

    def touch_offer(self, offer: Offer) -> None:
        """An offer changed."""
        offer.updated_at = self.now()
        offer.updates += 1
        self.emit(OFFER_UPDATED, str(offer.offer_id))

    def closed(self, cycle: Cycle) -> None:
        """A billing cycle was closed."""
        self.emit(CYCLE_CLOSED, cycle.cycle_id)

    # -- writes ----------------------------------------------------------------------------------------------------

    def asked(self, operation: str, key: str) -> Written:
        """Count one write call about one thing; the caller counts `applied` when it did something."""
        written = self.tables.written.setdefault((operation, key), Written())
        written.calls += 1
        return written
