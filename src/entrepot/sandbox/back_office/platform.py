"""What every desk of the back office shares: the clock, numbers and chances, its lists of changes, and how it tells of them."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from entrepot.sandbox.back_office.feed import Feed
from entrepot.sandbox.back_office.queue_post import QueuePost
from entrepot.sandbox.back_office.settings import TOPICS, Settings, Span
from entrepot.sandbox.core import Clock, World
from entrepot.sandbox.gateway.webhooks import WebhookSender

LISTS: Final = {
    "parcel": "parcels",
    "cancellation": "cancellations",
    "return": "returns",
    "stock": "stock",
    "price": "prices",
    "product": "products",
}
Listener = Callable[[str, str], None]


class Platform:
    """`hub_url`: where changes are pushed; None: nowhere."""

    def __init__(self, world: World, machine_clock: Clock, hub_url: str | None, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.feeds = {topic: Feed(settings.page_size) for topic in TOPICS}
        self.applied: dict[str, Counter[str]] = defaultdict(Counter)
        self.listeners: list[Listener] = []
        self.counts: Counter[str] = Counter()
        self.silent = False  # what was there before anybody listened is listed, and not pushed
        self._numbers: Counter[str] = Counter()
        self._push_rng = self.stream("push")
        self.post = QueuePost(world, machine_clock, settings)
        self.sender = None if hub_url is None else self._sender(machine_clock, hub_url)

    def _sender(self, machine_clock: Clock, hub_url: str) -> WebhookSender:
        settings = self.settings
        return WebhookSender(
            self.world,
            machine_clock,
            system=settings.name,
            base_url=hub_url,
            path=settings.webhook_path,
            secret=settings.webhook_secret,
        )

    def stream(self, purpose: str) -> Random:
        return self.world.stream(f"{self.settings.name}/{self.settings.account}/{purpose}")

    def now(self) -> datetime:
        return self.world.clock()

    def after(self, span: Span, rng: Random, what: Callable[[], None]) -> None:
        """Do something once a time out of a span has passed."""
        self.world.at(self.now() + timedelta(seconds=rng.uniform(*span)), what)

    def number(self, prefix: str) -> str:
        """The next number of a kind of document."""
        self._numbers[prefix] += 1
        return f"{prefix}-{100_000 + self._numbers[prefix]}"

    def tell(self, topic: str, key: str, at: datetime, view: dict[str, Any]) -> None:
        """Something is like this now: listed, and pushed or put into the queue, if all goes well."""
        if not (self.silent and topic == "product" and not self.settings.lists_seeded_products):
            self.feeds[topic].put(key, at, view)
        if topic in self.settings.queued:
            if not self.silent:
                self.post.tell(topic, view)
        elif self.sender is not None and topic in self.settings.pushed and not self.silent:
            self._push(self.sender, topic, view)
        self.hear(topic, key)

    def hear(self, topic: str, key: str) -> None:
        for listener in self.listeners:
            listener(topic, key)

    def undelivered(self) -> int:
        return 0 if self.sender is None else self.sender.undelivered()

    def _push(self, sender: WebhookSender, topic: str, view: dict[str, Any]) -> None:
        if self._push_rng.random() < self.settings.push_lost_chance:
            self.counts["lost"] += 1
            return
        sender.publish(topic, view)
        if self._push_rng.random() < self.settings.push_doubled_chance:
            self.counts["doubled"] += 1
            sender.publish(topic, view)
