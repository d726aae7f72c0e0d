"""The people of the company, in process: who seeds the catalogue, counts, prices, gives up, sends and takes back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from entrepot.sandbox.back_office.model import Order, Refusal
from entrepot.sandbox.back_office.order_desk import OrderDesk
from entrepot.sandbox.back_office.platform import Listener, Platform
from entrepot.sandbox.back_office.returns_desk import ReturnsDesk
from entrepot.sandbox.back_office.settings import EVERY_CHANNEL, REASONS, Article
from entrepot.sandbox.back_office.stockroom import Stockroom


class Portal:
    """One door for everything the API does not do. Takes the world's lock. Errors: ValueError for what cannot be."""

    def __init__(self, platform: Platform, stockroom: Stockroom, orders: OrderDesk, returns: ReturnsDesk) -> None:
        self._platform = platform
        self._stockroom = stockroom
        self._orders = orders
        self._returns = returns

    # -- articles -------------------------------------------------------------------------------------------------

    def seed(self, articles: Iterable[Article]) -> None:
        """New articles, with stock and prices, as if they had been there for long: nobody is told."""
        with self._platform.world.lock:
            self._platform.silent = True
            try:
                for article in articles:
                    self._stockroom.add(article)
            finally:
                self._platform.silent = False

    def sell_out(self, sku: str) -> None:
        """All pieces that are in no box went over the counter."""
        self.count(sku, 0)

    def count(self, sku: str, quantity: int) -> None:
        """Somebody counted: so many pieces lie free."""
        self._whole(quantity, 0)
        with self._platform.world.lock:
            self._stockroom.count(self._sku(sku), quantity)

    def restock(self, sku: str, quantity: int, location: str = "") -> None:
        """Pieces arrive, where the article lies already or at another location."""
        self._whole(quantity, 1)
        with self._platform.world.lock:
            self._stockroom.restock(self._sku(sku), quantity, "restocked", location)

    def list_stock(self) -> None:
        """The full list, as it is written every so often: each balance again as it stands, listed and not pushed."""
        with self._platform.world.lock:
            self._platform.silent = True
            try:
                self._stockroom.tell_all()
            finally:
                self._platform.silent = False

    def enqueue(self, body: str) -> None:
        """Somebody puts a message of his own into the queue."""
        with self._platform.world.lock:
            self._platform.post.put(body)

    def queued(self) -> int:
        """Messages that are in the queue, those handed out and not deleted included."""
        with self._platform.world.lock:
            return len(self._platform.post.queue.messages)

    def price(self, sku: str, channel: str = EVERY_CHANNEL, minor: int = 0) -> None:
        """What an article costs on a channel from now on."""
        self._whole(minor, 1)
        with self._platform.world.lock:
            self._stockroom.price(self._sku(sku), channel, minor)

    def revise(self, sku: str, **changed: Any) -> None:
        """The PIM says something else of a product: title, description, images, attributes …"""
        with self._platform.world.lock:
            self._stockroom.revise(replace(self._stockroom.articles[self._sku(sku)].article, **changed))

    def learn(self, sku: str) -> None:
        """The ERP comes to know an article that was missing there."""
        with self._platform.world.lock:
            self._stockroom.articles[self._sku(sku)].in_erp = True

    def forget(self, sku: str) -> None:
        """An article is missing in the ERP: orders for it are refused."""
        with self._platform.world.lock:
            self._stockroom.articles[self._sku(sku)].in_erp = False

    def stock(self, sku: str) -> int:
        """Pieces that lie there, those of open orders included."""
        with self._platform.world.lock:
            return self._stockroom.pieces(sku)

    # -- orders ---------------------------------------------------------------------------------------------------

    def state(self, number: str) -> str:
        with self._platform.world.lock:
            return self._order(number).state

    def pick(self, number: str) -> None:
        """Begin now with what is still open."""
        with self._platform.world.lock:
            self._orders.pick(self._order(number))

    def give_up(self, number: str, lines: Sequence[tuple[str, int]], reason: str = "out-of-stock") -> str:
        """Some open pieces will not be delivered; the number of the cancellation."""
        with self._platform.world.lock:
            order, wanted = self._order(number), self._of(lines)
            if reason not in REASONS:
                raise ValueError(f"{reason} is no reason")
            for line_id, quantity in wanted.items():
                if line_id not in order.lines or quantity > order.lines[line_id].open:
                    raise ValueError(f"{quantity} of line {line_id} of {number} are not open")
            return self._orders.give_up(order, wanted, reason).cancellation

    def retrack(self, parcel: str, tracking: str) -> None:
        """The carrier gave a parcel another number."""
        with self._platform.world.lock:
            if parcel not in self._orders.parcels:
                raise ValueError(f"no parcel {parcel}")
            one = self._orders.parcels[parcel]
            one.tracking, one.updated_at = tracking, self._platform.now()
            self._orders.told(one)

    def receive_return(self, number: str, return_id: str, lines: Sequence[tuple[str, int]]) -> None:
        """Goods of a channel's return arrive: (line id, quantity) each. They are looked at later."""
        with self._platform.world.lock:
            self._returns.receive(self._order(number), return_id, self._of(lines))

    # -- what is going on -------------------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> None:
        """Hear what changes: ("order" | "refund" | a topic of the webhooks, its key)."""
        self._platform.listeners.append(listener)

    def waiting(self) -> Mapping[str, int]:
        """What is not over yet, by kind."""
        with self._platform.world.lock:
            return {
                "orders": self._orders.waiting(),
                "returns": self._returns.waiting(),
                "undelivered": self._platform.undelivered(),
            }

    # -- inside -----------------------------------------------------------------------------------------------------

    def _order(self, number: str) -> Order:
        try:
            return self._orders.found(number)
        except Refusal as no:
            raise ValueError(no.message) from no

    def _sku(self, sku: str) -> str:
        if sku not in self._stockroom.articles:
            raise ValueError(f"no article {sku}")
        return sku

    def _of(self, lines: Sequence[tuple[str, int]]) -> dict[str, int]:
        wanted: dict[str, int] = {}
        for line_id, quantity in lines:
            self._whole(quantity, 1)
            wanted[line_id] = wanted.get(line_id, 0) + quantity
        if not wanted:
            raise ValueError("no lines")
        return wanted

    @staticmethod
    def _whole(quantity: int, least: int) -> None:
        if quantity < least:
            raise ValueError(f"{quantity} is less than {least}")
