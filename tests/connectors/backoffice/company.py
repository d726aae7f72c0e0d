"""A company's back office in process, and our connector bound to it. Its pace is fixed: nothing goes wrong unless a test says so."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.channel import ChannelMarket

from entrepot.sandbox.back_office import Article, BackOffice, Settings

SYSTEM = "backoffice"
NUMBER = "amazon-de/main:303-1234567-1234567"
ARTICLES = (
    Article("LAMP-1", "Brass lamp", 4_990, 60, gtin="4006381333931", category="lamps", brand="Quay"),
    Article(
        "BELL-1", "Ship's bell", 8_900, 60, images=("https://images.example/bell.jpg",), attributes={"metal": "brass"}
    ),
    Article("MAP-1", "Sea map", 1_250, prices={"ebay-de": 1_390}, stock={"main": 30, "north": 40}),
)
CERTAIN = {"give_up_chance": 0.0, "two_parcels_chance": 0.0, "reject_chance": 0.0}


class Company(ChannelMarket):
    """`secrets`: beside its key; `settings`: of the simulated back office, whose queue has a host of its own."""

    def __init__(self, *, secrets: Mapping[str, str] | None = None, **settings: Any) -> None:
        chosen = Settings(**{**CERTAIN, **settings})
        held = {"key": chosen.key, "webhook_secret": chosen.webhook_secret, **(secrets or {})}
        hosts = frozenset({"sqs.example"})
        super().__init__(
            SYSTEM, lambda world, clock, url: BackOffice(world, clock, url, chosen), held, more_hosts=hosts
        )
        self.portal.seed(ARTICLES)

    def book(self, number: str = NUMBER, **changed: Any) -> dict[str, Any]:
        """An order, booked by our connector; its payload."""
        payload = order(number, **changed)
        self.send("backoffice.import-order", payload)
        return payload

    def applied(self, operation: str, name: str) -> int:
        times: int = self.system.books()["applied"].get(operation, {}).get(name, 0)
        return times

    def heard(self) -> list[Any]:
        """Webhooks that were sent, once everything due was done."""
        self.world.tick()
        return list(self.webhooks)


def lines(*of: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"line_id": line_id, "quantity": quantity} for line_id, quantity in of]


def order(
    number: str = NUMBER, of: Sequence[tuple[str, str, int]] = (("1", "LAMP-1", 2), ("2", "BELL-1", 1)), **changed: Any
) -> dict[str, Any]:
    """Lines of (line id, article, pieces) at 10.00 a piece."""
    account, _, order_id = number.partition(":")
    return {
        "number": number,
        "account": account,
        "order_id": order_id,
        "currency": "EUR",
        "placed_at": "2026-11-02T08:59:00Z",
        "ship_by": "2026-11-03T18:00:00Z",
        "market": "DE",
        "lines": [
            {
                "line_id": line_id,
                "sku": sku,
                "quantity": quantity,
                "price_minor": 1_000 * quantity,
                "shipping_minor": 490,
                "tax_minor": 0,
            }
            for line_id, sku, quantity in of
        ],
        **changed,
    }


def cancellation(
    name: str = "K-1", number: str = NUMBER, of: Sequence[tuple[str, int]] = (("1", 1),), **changed: Any
) -> dict[str, Any]:
    return {"number": number, "cancellation": name, "reason": "buyer-asked", "lines": lines(*of), **changed}


def refund(name: str = "R-1", **changed: Any) -> dict[str, Any]:
    return {
        "refund": name,
        "number": NUMBER,
        "line_id": "1",
        "amount_minor": 500,
        "currency": "EUR",
        "by": "channel",
        "at": "2026-11-02T09:00:00Z",
        **changed,
    }
