"""ChannelEngine's sandbox in process, our connector bound to it, and the little stories its tests begin with."""

from typing import Any

from connectors.channel import ChannelMarket
from connectors.contract import Story

from entrepot.sandbox.channelengine import ChannelEngine, Product, Settings
from entrepot.sandbox.core import World

BASE_URL = "http://kade.example/api"
SETTINGS = Settings()
SECRETS = {
    "apikey": SETTINGS.api_key,
    "currency": "EUR",
    "stock_location": "1",
    "webhook_secret": SETTINGS.webhook_secret,
}
PRODUCTS = (
    Product("ATLAS", "Sea atlas", "Books", "8712345678906", 1_999, 10_000),
    Product("CHART", "Tide chart", "Books", "8712345678913", 705, 10_000),
    Product("LENS", "Lens", "Cameras", "8712345678920", 45_000, 10_000),
)
SHIPPED_AT = "2026-11-02T10:00:00+00:00"


class ChannelEngineMarket(ChannelMarket):
    """Ceilings are off unless a test wants them."""

    def __init__(self, secrets: dict[str, str] | None = None, **settings: Any) -> None:
        chosen: dict[str, Any] = {"ceilings": {}, **settings}
        super().__init__(
            "channelengine",
            lambda world, machine, hub: self._made(world, machine, hub, chosen),
            secrets or SECRETS,
            base_url=BASE_URL,
        )
        self.portal.seed(PRODUCTS)

    @staticmethod
    def _made(world: World, machine: Any, hub: str, chosen: dict[str, Any]) -> ChannelEngine:
        return ChannelEngine(world, machine, hub, Settings(**chosen))

    def buy(self, *lines: tuple[str, int], **more: Any) -> str:
        return str(self.portal.place(lines or (("ATLAS", 2), ("CHART", 1)), **more))

    def number(self, order_id: str) -> str:
        return f"{self.account}:{order_id}"

    def acknowledged(self, *lines: tuple[str, int], **more: Any) -> str:
        order_id = self.buy(*lines, **more)
        self.send("channelengine.acknowledge", acknowledgement(self, order_id))
        return order_id

    def shipped(self, *lines: tuple[str, int], **more: Any) -> str:
        order_id = self.acknowledged(*lines, **more)
        outcome, detail = self.send("channelengine.ship", parcel(self, order_id))
        assert type(outcome).__name__ == "Done", (outcome, detail)
        return order_id

    def book(self, order_id: str) -> dict[str, Any]:
        (found,) = [one for one in self.system.books()["orders"] if one["order_id"] == order_id]
        return dict(found)

    def applied(self, code: str, key: str) -> int:
        return int(self.system.books()["applied"].get(code, {}).get(key, 0))

    def seen_order(self, order_id: str) -> Any:
        (record,) = [one for one in self.sweep("orders").records if one.external_id == order_id]
        return self.seen(record)


def acknowledgement(market: ChannelEngineMarket, order_id: str) -> dict[str, Any]:
    return {"order_id": order_id, "our_number": market.number(order_id), "lines": []}


def lines_of(market: ChannelEngineMarket, order_id: str) -> list[dict[str, Any]]:
    return [
        {"line_id": line["line_id"], "quantity": line["quantity"], "sku": line["sku"]}
        for line in market.book(order_id)["lines"]
    ]


def parcel(market: ChannelEngineMarket, order_id: str, number: str = "P-1", **changed: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "our_number": market.number(order_id),
        "parcel": number,
        "carrier": "PostNL",
        "tracking": "3SABCD1234567",
        "shipped_at": SHIPPED_AT,
        "lines": lines_of(market, order_id),
        **changed,
    }


def cancellation(market: ChannelEngineMarket, order_id: str, **changed: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "our_number": market.number(order_id),
        "cancellation": "X-1",
        "reason": "out-of-stock",
        "lines": lines_of(market, order_id),
        **changed,
    }


def product(sku: str = "GLOBE", **changed: Any) -> dict[str, Any]:
    return {
        "sku": sku,
        "revision": "1",
        "category": "Home > Globes",
        "title": "A globe",
        "gtin": "8712345678937",
        "price_minor": 2_500,
        "currency": "EUR",
        "quantity": 5,
        "brand": "Kade",
        "description": "Round.",
        "images": ["https://images.example/1.jpg", "https://images.example/2.jpg"],
        "attributes": {"Color": "blue", "Diameter": "30 cm"},
        **changed,
    }


def story(market: ChannelEngineMarket, operation: str, code: str, key: str, payload: dict[str, Any]) -> Story:
    return Story(operation, code, payload, lambda: market.applied(code, key), "channelengine")
