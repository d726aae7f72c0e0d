"""Articles: how many pieces lie where, what they cost on which channel, what the PIM says of them."""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from entrepot.sandbox.back_office import views
from entrepot.sandbox.back_office.platform import Platform
from entrepot.sandbox.back_office.settings import EVERY_CHANNEL, Article


@dataclass(slots=True)
class Known:
    """An article and its revision. `in_erp`: orders for it can be booked."""

    article: Article
    revision: int
    in_erp: bool


class Stockroom:
    """`on_hand`: pieces by article and location, those of open orders and of packed boxes included. `packed`: those in boxes alone."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.articles: dict[str, Known] = {}
        self.on_hand: dict[str, dict[str, int]] = defaultdict(dict)
        self.packed: Counter[str] = Counter()
        self.promised: Counter[str] = Counter()
        self.moved: Counter[tuple[str, str]] = Counter()
        self.moves: list[dict[str, Any]] = []  # each of them, with its instant
        self._versions: Counter[tuple[str, ...]] = Counter()

    # -- what is there ----------------------------------------------------------------------------------------------

    def pieces(self, sku: str) -> int:
        return sum(self.on_hand[sku].values())

    def free(self, sku: str) -> int:
        """Pieces that are in no box."""
        return self.pieces(sku) - self.packed[sku]

    def bookable(self, sku: str) -> bool:
        return sku in self.articles and self.articles[sku].in_erp

    # -- the catalogue ----------------------------------------------------------------------------------------------

    def add(self, article: Article) -> None:
        """A new article, with its stock and prices. Errors: ValueError when it is known already."""
        if article.sku in self.articles:
            raise ValueError(f"{article.sku} is known already")
        missing = self._platform.stream(f"article/{article.sku}").random() < self._platform.settings.unknown_chance
        self.articles[article.sku] = Known(article, 0, in_erp=not missing)
        self.revise(article)
        for channel, minor in {EVERY_CHANNEL: article.price_minor, **article.prices}.items():
            self.price(article.sku, channel, minor)
        for location, quantity in (article.stock or {self._platform.settings.location: article.quantity}).items():
            self.move(article.sku, location, quantity, "seeded")

    def revise(self, article: Article) -> None:
        known = self.articles[article.sku]
        known.article, known.revision = article, known.revision + 1
        now = self._platform.now()
        self._platform.tell("product", article.sku, now, views.product(article, known.revision, now))

    def price(self, sku: str, channel: str, minor: int) -> None:
        known = self.articles[sku]
        if channel == EVERY_CHANNEL:
            known.article = replace(known.article, price_minor=minor)
        else:
            known.article = replace(known.article, prices={**known.article.prices, channel: minor})
        view = views.price(known.article, channel, minor, *self._next("price", sku, channel))
        self._platform.tell("price", f"{sku} {channel}", self._platform.now(), view)

    # -- pieces -----------------------------------------------------------------------------------------------------

    def move(self, sku: str, location: str, by: int, why: str) -> None:
        """Pieces come (+) or go (-); the balance is told."""
        here = self.on_hand[sku]
        here[location] = here.get(location, 0) + by
        self.moved[sku, why] += by
        self.moves.append({"sku": sku, "pieces": by, "why": why, "at": self._platform.now().isoformat()})
        self._told(sku, location)

    def take(self, sku: str, quantity: int, why: str) -> None:
        """Pieces go, from where most of them lie."""
        while quantity:
            here = self.on_hand[sku]
            location = max(here, key=here.__getitem__)
            some = min(quantity, here[location])
            if some <= 0:
                raise ValueError(f"{quantity} pieces of {sku} too many were taken")
            self.move(sku, location, -some, why)
            quantity -= some

    def restock(self, sku: str, quantity: int, why: str, location: str = "") -> None:
        """Pieces arrive; without a location, where the article lies first."""
        self.move(sku, location or next(iter(self.on_hand[sku])), quantity, why)

    def count(self, sku: str, quantity: int) -> None:
        """Somebody counted: so many pieces lie free, boxes aside."""
        difference = quantity - self.free(sku)
        if difference < 0:
            self.take(sku, -difference, "counted")
        else:
            self.restock(sku, difference, "counted")

    def tell_all(self) -> None:
        """Every balance again."""
        for sku, here in self.on_hand.items():
            for location in here:
                self._told(sku, location)

    def _told(self, sku: str, location: str) -> None:
        quantity = self.on_hand[sku][location]
        view: dict[str, Any] = views.stock(sku, location, quantity, *self._next("stock", sku, location))
        self._platform.tell("stock", f"{sku} {location}", self._platform.now(), view)

    def _next(self, *of: str) -> tuple[int, datetime]:
        self._versions[of] += 1
        return self._versions[of], self._platform.now()
