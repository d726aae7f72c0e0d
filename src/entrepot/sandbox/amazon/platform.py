"""What every part of the marketplace stands on: clock, ids, tables, change events, and the witness of writes."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from entrepot.sandbox.amazon.errors import not_found
from entrepot.sandbox.amazon.settings import Settings
from entrepot.sandbox.amazon.state import (
    Dispute,
    Document,
    Job,
    Listing,
    Order,
    Posting,
    Refund,
    Return,
    Statement,
    Submission,
)
from entrepot.sandbox.core import World

ORDER_PLACED: Final = "order.placed"
ORDER_UPDATED: Final = "order.updated"
ORDER_CANCELLED: Final = "order.cancelled"
LISTING_UPDATED: Final = "listing.updated"
PERIOD_CLOSED: Final = "period.closed"
ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SATURDAY: Final = 5

Listener = Callable[[str, str], None]
Event = Callable[[], None]


class Platform:
    """Shared ground. Changes and events are told when the call, click or timer that made them is over."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.market = settings.market
        self.orders: dict[str, Order] = {}
        self.refunds: list[Refund] = []
        self.returns: dict[str, Return] = {}
        self.disputes: dict[str, Dispute] = {}
        self.listings: dict[str, Listing] = {}
        self.deleted: dict[str, Listing] = {}
        self.submissions: dict[str, Submission] = {}
        self.documents: dict[str, Document] = {}
        self.feeds: dict[str, Job] = {}
        self.reports: dict[str, Job] = {}
        self.postings: list[Posting] = []
        self.statements: list[Statement] = []
        self.applied: dict[str, Counter[str]] = {}
        self.listeners: list[Listener] = []
        self.oversold = 0
        self._changes: dict[tuple[str, str], None] = {}
        self._events: list[Event] = []
        self._ids = world.stream(f"{settings.account} ids")
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._due: datetime | None = None

    # -- time ------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Business time in whole milliseconds, never going back; within a timer, the instant it was set for.

        A clock that jumps over several steps of one thing thus finds each of them done in its own time.
        """
        now = (self._due or self.world.clock()).astimezone(UTC)
        self._latest = max(self._latest, now.replace(microsecond=now.microsecond // 1000 * 1000))
        return self._latest

    def at(self, when: datetime, what: Callable[[], None]) -> None:
        """A timer whose changes are told like any other."""

        def run() -> None:
            self._due = when
            try:
                what()
                self.settle()
            finally:
                self._due = None

        self.world.at(when, run)

    # -- ids -------------------------------------------------------------------------------------------------------

    def digits(self, count: int) -> str:
        """A number of so many digits, the first of them no zero."""
        return str(self._ids.randrange(10 ** (count - 1), 10**count))

    def letters(self, count: int) -> str:
        """Capital letters and digits."""
        return "".join(self._ids.choice(ALPHABET) for _ in range(count))

    def order_id(self) -> str:
        """An order id in the 3-7-7 form."""
        return f"{self.digits(3)}-{self.digits(7)}-{self.digits(7)}"

    def uuid(self) -> str:
        """An id in UUID form."""
        drawn = f"{self._ids.getrandbits(128):032x}"
        return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:]}"

    # -- changes ---------------------------------------------------------------------------------------------------

    def emit(self, topic: str, key: str, event: Event | None = None) -> None:
        """Note a change for whoever listens in process, and what is to be put into the queue about it."""
        self._changes[topic, key] = None
        if event is not None:
            self._events.append(event)

    def touch(self, order: Order) -> None:
        """An order changed."""
        order.updated_at = self.now()

    def settle(self) -> None:
        """Tell what has gathered, in the order it happened."""
        while self._changes or self._events:
            events, self._events = self._events, []
            for event in events:
                event()
            changes, self._changes = self._changes, {}
            for topic, key in changes:
                if topic == ORDER_UPDATED and ((ORDER_PLACED, key) in changes or (ORDER_CANCELLED, key) in changes):
                    continue
                for listener in self.listeners:
                    listener(topic, key)

    # -- records ---------------------------------------------------------------------------------------------------

    def order(self, order_id: str) -> Order:
        """One order. Errors: NotFound."""
        found = self.orders.get(order_id)
        if found is None:
            raise not_found(f"Order {order_id} is not found.")
        return found

    def count_applied(self, operation: str, key: str) -> None:
        """One write really did something."""
        self.applied.setdefault(operation, Counter())[key] += 1


def business_days_after(at: datetime, days: int) -> datetime:
    """The same time of day so many working days (Monday to Friday) later."""
    while days > 0:
        at += timedelta(days=1)
        days -= at.weekday() < SATURDAY
    return at


def end_of_day(at: datetime) -> datetime:
    """The last second of a UTC day: how Amazon writes its windows."""
    return at.replace(hour=23, minute=59, second=59, microsecond=0)
