"""What every part stands on: clock, ids, records, the witness of writes, notifications, and who is told of changes."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from entrepot.sandbox.channelengine.model import (
    Cancellation,
    Item,
    Notification,
    Order,
    Refund,
    Report,
    Return,
    Settlement,
    Shipment,
)
from entrepot.sandbox.channelengine.settings import Channel, Settings
from entrepot.sandbox.channelengine.wire import Refusal
from entrepot.sandbox.core import World

ORDER_PLACED: Final = "order.placed"
ORDER_UPDATED: Final = "order.updated"
ORDER_CANCELLED: Final = "order.cancelled"
LISTING_UPDATED: Final = "listing.updated"
PERIOD_CLOSED: Final = "period.closed"

Listener = Callable[[str, str], None]
Change = Callable[[str], None]
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Platform:
    """Records by id. `changed` tells webhooks that something of a kind changed (WebhookEventType)."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.channels: dict[int, Channel] = {channel.channel_id: channel for channel in settings.channels}
        self.orders: dict[int, Order] = {}
        self.by_merchant_no: dict[str, int] = {}
        self.shipments: dict[str, Shipment] = {}
        self.cancellations: dict[str, Cancellation] = {}
        self.returns: dict[int, Return] = {}
        self.return_nos: dict[str, int] = {}
        self.refunds: list[Refund] = []
        self.items: dict[str, Item] = {}
        self.notifications: list[Notification] = []
        self.settlements: dict[int, Settlement] = {}
        self.reports: dict[str, Report] = {}
        self.applied: dict[str, Counter[str]] = {}
        self.submissions: list[dict[str, str | int]] = []
        self.oversold = 0
        self.listeners: list[Listener] = []
        self.changed: Change = lambda event: None
        self._latest = LONG_AGO
        self._log_ids = world.stream(f"channelengine/{settings.account}/log")
        self._numbers = world.stream(f"channelengine/{settings.account}/numbers")
        self._counters: Counter[str] = Counter()

    def now(self) -> datetime:
        """The business clock, never going back."""
        self._latest = max(self._latest, self.world.clock())
        return self._latest

    def count(self, name: str, start: int) -> int:
        """The next number of a named counter."""
        self._counters[name] += 1
        return start + self._counters[name] - 1

    def log_id(self) -> str:
        """The id by which support finds a call."""
        return f"{self._log_ids.getrandbits(128):032x}"

    def digits(self, count: int) -> str:
        """Digits as channels number their things."""
        return "".join(str(self._numbers.randrange(10)) for _ in range(count))

    def wrote(self, operation: str, key: str) -> None:
        """A write was really applied."""
        self.applied.setdefault(operation, Counter())[key] += 1

    def tell(self, topic: str, subject: str) -> None:
        """Tell simulated people."""
        for listener in self.listeners:
            listener(topic, subject)

    def notify(self, kind: str, subject: str, message: str, **references: str | None) -> None:
        """Put a message into the merchant's inbox."""
        number = self.count("notification", 70_001)
        self.notifications.append(Notification(number, kind, subject, message, self.now(), dict(references)))
        self.changed("NOTIFICATIONS_CREATE")

    def order(self, merchant_order_no: str) -> Order:
        """The order that was acknowledged under this number. Errors: 404."""
        order_id = self.by_merchant_no.get(merchant_order_no)
        if order_id is None:
            message = f"Order with MerchantOrderNo '{merchant_order_no}' not found."
            raise Refusal(404, message, {"MerchantOrderNo": [message]})
        return self.orders[order_id]
