"""Our shop in a simulated Mirakl marketplace where everybody else plays along, and our connector bound to it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.channel import ChannelMarket

from entrepot.connectors.registry import connect
from entrepot.kernel.outcome import Done, Outcome, ReadBack, Unknown
from entrepot.outbox.port import Detail
from entrepot.sandbox.core import World
from entrepot.sandbox.mirakl import CategorySeed, Mirakl, Product, Settings, Shopfront, ShopSeed

SYSTEM, NAME = "mirakl", "mirakl-seller"
URL = "http://market.example"
US = 2001
PRODUCTS = (
    Product("ATLAS", "Sea atlas", "BOOKS", "8712345678906", 1_999, 400, {"shipping_minor": "350"}),
    Product("LAMP", "Deck lamp", "PHOTO", "8712345678913", 4_550, 300),
)
CATEGORIES = (CategorySeed("BOOKS", "Books", 15_000), CategorySeed("PHOTO", "Photo", 8_250))
WORKED_OFF_MINUTES = 2


class Shop(ChannelMarket):
    """`settings`: of the simulated marketplace."""

    def __init__(self, **settings: Any) -> None:
        shops = (ShopSeed(US, "Harbour Books"), ShopSeed(2002, "Quay Cameras"))
        chosen = Settings(**{"shops": shops, "categories": CATEGORIES, "ceilings": {}, **settings})
        secrets = {"shop_key": chosen.key_of_shop(US), "reasons": "returned=RETURNED,goodwill=COMMERCIAL_GESTURE"}
        super().__init__(
            SYSTEM,
            lambda world, clock, _url: make(world, clock, chosen),
            {"api_key": "not used here", **secrets},
            base_url=URL,
        )
        self.channel = connect(NAME, self.access)
        self.front = Shopfront(self.system, US)
        self.front.seed(PRODUCTS)

    # -- what was really done ----------------------------------------------------------------------------------------

    def applied(self, operation: str, key: str) -> int:
        done: Mapping[str, int] = self.front.books()["applied"].get(operation, {})
        return done.get(key, 0)

    def order(self, order_id: str) -> dict[str, Any]:
        return next(one for one in self.front.books()["orders"] if one["order_id"] == order_id)

    def state(self, order_id: str) -> str:
        return str(self.order(order_id)["state"])

    def lines(self, order_id: str) -> list[dict[str, Any]]:
        return [{"line_id": one["line_id"], "quantity": one["quantity"]} for one in self.order(order_id)["lines"]]

    # -- what we do --------------------------------------------------------------------------------------------------

    def send(self, operation: str, payload: Mapping[str, Any], key: str = "") -> tuple[Outcome, Detail]:
        """A stock import is unclear until it is over: what was taken is read back as the outbox does it, by its trace."""
        outcome, detail = super().send(operation, payload, key)
        if isinstance(outcome, Unknown) and outcome.trace:
            self.move(minutes=WORKED_OFF_MINUTES)
            effect = replace(self.effect(operation, key or operation, payload), trace=outcome.trace)
            found = self.channel.operations[operation].read_back(self.ctx, effect)[0]
            return (found if isinstance(found, Done) else outcome), detail
        return outcome, detail

    def again(self, operation: str, payload: Mapping[str, Any]) -> Outcome:
        effect = replace(self.effect(operation, operation, payload), attempts=2)
        return self.channel.operations[operation].send(self.ctx, effect)[0]

    def do(self, operation: str, payload: Mapping[str, Any]) -> Outcome:
        return self.send(f"{NAME}.{operation}", payload)[0]

    def saw(self, operation: str, payload: Mapping[str, Any]) -> ReadBack:
        return self.look(f"{NAME}.{operation}", payload)[0]

    def buy(self, *lines: tuple[str, int]) -> str:
        with self.world.lock:
            return str(self.front.place(lines or (("ATLAS", 2), ("LAMP", 1))))

    def taken(self, order_id: str) -> dict[str, Any]:
        return {"order_id": order_id, "our_number": "H-1", "lines": self.lines(order_id)}

    def ready(self, *lines: tuple[str, int]) -> str:
        """An order that we took and that the front has charged."""
        order_id = self.buy(*lines)
        assert isinstance(self.do("acknowledge", self.taken(order_id)), Done)
        self.move(minutes=WORKED_OFF_MINUTES)
        assert self.state(order_id) == "SHIPPING"
        return order_id

    def parcel(self, order_id: str, tracking: str = "JD01") -> dict[str, Any]:
        told = {"parcel": "P-1", "carrier": "DHL", "tracking": tracking, "shipped_at": self.clock.now().isoformat()}
        return {**self.taken(order_id), **told}

    def seen_in(self, source: str, cursor: str | None = None) -> list[Any]:
        return [self.seen(record) for record in self.sweep(source, cursor).records]


def make(world: World, clock: Any, settings: Settings) -> Mirakl:
    return Mirakl(world, clock, None, settings)
