"""Walmart's sandbox in process, our connector bound to it, and the little stories its tests begin with."""

from typing import Any

from connectors.channel import ChannelMarket
from connectors.contract import Story

from entrepot.connectors.port import Connector
from entrepot.sandbox.core import World
from entrepot.sandbox.walmart import Product, Settings, Walmart

BASE_URL = "http://marketplace.example"
HOOK_SECRET = "walmart-hook-secret"
SECRETS = {
    "client_id": "wm-client",
    "client_secret": "wm-secret",
    "webhook_secret": HOOK_SECRET,
    "webhook_header": "WM_SIGNATURE",
}
PRODUCTS = (
    Product("ATLAS", "Sea atlas", "Books", "00012345678905", 1_999, 10_000, shipping_minor=350),
    Product("CHART", "Tide chart", "Books", "00012345678912", 705, 10_000),
    Product("LENS", "Lens", "Cameras", "00012345678929", 45_000, 10_000),
)
SHIPPED_AT = "2026-11-02T10:00:00+00:00"


class WalmartMarket(ChannelMarket):
    """Ceilings are off unless a test wants them."""

    def __init__(self, **settings: Any) -> None:
        chosen: dict[str, Any] = {"ceilings_on": False, **settings}
        super().__init__(
            "walmart",
            lambda world, machine, hub: self._made(world, machine, hub, chosen),
            SECRETS,
            base_url=BASE_URL,
        )
        self.portal.seed(PRODUCTS)

    @staticmethod
    def _made(world: World, machine: Any, hub: str, chosen: dict[str, Any]) -> Walmart:
        return Walmart(world, machine, hub, Settings(**chosen))

    def connector(self, _operation: str) -> Connector:
        return self.channel

    # -- orders ------------------------------------------------------------------------------------------------------

    def buy(self, *lines: tuple[str, int], **more: Any) -> str:
        return str(self.portal.place(lines or (("ATLAS", 2), ("CHART", 1)), **more))

    def acknowledged(self, *lines: tuple[str, int]) -> str:
        order_id = self.buy(*lines)
        self.send("walmart.acknowledge", acknowledgement(order_id))
        return order_id

    def shipped(self, *lines: tuple[str, int]) -> str:
        order_id = self.acknowledged(*lines)
        outcome, detail = self.send("walmart.ship", parcel(self, order_id))
        assert type(outcome).__name__ == "Done", (outcome, detail)
        return order_id

    def book(self, order_id: str) -> dict[str, Any]:
        (found,) = [one for one in self.system.books()["orders"] if one["order_id"] == order_id]
        return dict(found)

    def applied(self, code: str, beginning: str = "") -> int:
        """How often a write really changed something, over all keys that begin so; 0 for none."""
        counts = self.system.books()["applied"].get(code, {})
        return max((n for key, n in counts.items() if key.startswith(beginning)), default=0)

    def seen_order(self, order_id: str) -> Any:
        records = self.sweep("orders").records
        (record,) = [one for one in records if one.external_id == order_id and one.kind == "channel-order"]
        return self.seen(record)


def acknowledgement(order_id: str) -> dict[str, Any]:
    return {"order_id": order_id, "our_number": f"OURS-{order_id}", "lines": []}


def lines_of(market: WalmartMarket, order_id: str) -> list[dict[str, Any]]:
    return [{"line_id": line["line_id"], "quantity": line["quantity"]} for line in market.book(order_id)["lines"]]


def parcel(
    market: WalmartMarket, order_id: str, tracking: str = "1Z999AA10123456784", **changed: Any
) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "our_number": f"OURS-{order_id}",
        "parcel": "P-1",
        "carrier": "ups",
        "tracking": tracking,
        "shipped_at": SHIPPED_AT,
        "lines": lines_of(market, order_id),
        **changed,
    }


def cancellation(market: WalmartMarket, order_id: str, **changed: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "our_number": f"OURS-{order_id}",
        "cancellation": "X-1",
        "reason": "out-of-stock",
        "lines": lines_of(market, order_id),
        **changed,
    }


def refund_of(order_id: str, number: str = "R-1", **changed: Any) -> dict[str, Any]:
    line = {"line_id": "1", "quantity": 1, "item_minor": 500, "shipping_minor": 100, "tax_minor": 10}
    return {
        "order_id": order_id,
        "our_number": f"OURS-{order_id}",
        "refund": number,
        "currency": "USD",
        "reason": "goodwill",
        "lines": [line],
        **changed,
    }


def product(sku: str = "GLOBE", gtin: str = "012345678936", **changed: Any) -> dict[str, Any]:
    return {
        "sku": sku,
        "revision": "1",
        "category": "Globes",
        "title": "A globe",
        "gtin": gtin,
        "price_minor": 2_500,
        "currency": "USD",
        "quantity": 5,
        "images": ["https://images.example/globe.jpg"],
        **changed,
    }


def story(market: WalmartMarket, operation: str, code: str, key: str, payload: dict[str, Any]) -> Story:
    return Story(operation, code, payload, lambda: market.applied(code, key), "walmart")
