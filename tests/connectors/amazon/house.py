"""The simulated Amazon with our connector bound to it: what every test of this folder stands on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from connectors.channel import ChannelMarket
from connectors.contract import Scene

from entrepot.kernel.outcome import Unknown
from entrepot.sandbox.amazon import MARKETS, Amazon, Market, Product, Settings
from entrepot.sandbox.core import World

HOST = "http://spapi.example"
QUEUE_ARN = Settings().queue_arn
KEY_ID, SECRET_KEY = "AKIDEXAMPLE", "a-secret-of-the-queue"
AT_ONCE = timedelta(0)
PRODUCTS = (
    Product("ATLAS-1", "Sea atlas", "BOOK", "4006381333931", 1_999, 500),
    Product("TIDES-1", "Tide tables", "BOOK", "4006381333948", 705, 500),
    Product("LAMP-1", "Ship's lamp", "LAMP", "4006381333955", 8_950, 500),
)


def secrets(market: Market, **more: str) -> dict[str, str]:
    settings = Settings()
    owner, name = settings.queue_arn.split(":")[-2:]
    return {
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        "refresh_token": settings.refresh_token,
        "token_url": "http://lwa.example/auth/o2/token",
        "seller_id": settings.seller_id,
        "marketplace_id": market.marketplace_id,
        "queue_url": f"http://sqs.example/{owner}/{name}",
        "aws_region": "eu-west-1",
        "aws_access_key_id": KEY_ID,
        "aws_secret_access_key": SECRET_KEY,
        **more,
    }


class AmazonMarket(ChannelMarket):
    """`at_once`: everything is read back and worked off without delay."""

    def __init__(
        self,
        market: Market = MARKETS["DE"],
        *,
        at_once: bool = True,
        more: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        quick = {
            "read_lag": AT_ONCE,
            "listing_delay": AT_ONCE,
            "patch_delay": AT_ONCE,
            "feed_steps": (AT_ONCE, AT_ONCE),
            "report_steps": (AT_ONCE, AT_ONCE),
            "event_delay": AT_ONCE,
        }
        chosen = {
            "market": market,
            "products": PRODUCTS,
            "ceilings": False,
            "base_url": "http://documents.example",
            "queue_keys": {KEY_ID: SECRET_KEY},
            **(quick if at_once else {}),
            **settings,
        }

        def make(world: World, machine: Callable[[], datetime], hub: str) -> Amazon:
            return Amazon(world, machine, hub, Settings(**chosen))

        hosts = frozenset({"lwa.example", "documents.example", "sqs.example"})
        super().__init__("amazon", make, secrets(market, **(more or {})), base_url=HOST, more_hosts=hosts)

    def order(self, order_id: str) -> Mapping[str, Any]:
        """What the sandbox's books say of an order."""
        found: Mapping[str, Any] = next(o for o in self.system.books()["orders"] if o["order_id"] == order_id)
        return found

    def lines(self, order_id: str) -> list[dict[str, Any]]:
        """All of an order, as the verbs name quantities."""
        lines = self.order(order_id)["lines"]
        return [{"line_id": one["line_id"], "quantity": one["quantity"], "sku": one["sku"]} for one in lines]

    def applied(self, operation: str, key: str) -> int:
        self.world.tick()
        times: int = self.system.books()["applied"].get(operation, {}).get(key, 0)
        return times

    # ── what a verb's payload is ─────────────────────────────────────────────────────────────────────────────

    def parcel(self, order_id: str, parcel: str = "7", **changed: Any) -> dict[str, Any]:
        return {
            "order_id": order_id,
            "our_number": "O-1",
            "parcel": parcel,
            "carrier": "DHL",
            "tracking": f"JD-{parcel}",
            "shipped_at": self.clock.now().isoformat(),
            "lines": self.lines(order_id),
            **changed,
        }

    def shipped(self, *lines: tuple[str, int]) -> str:
        """An order bought and shipped whole."""
        order_id: str = self.portal.place(lines)
        self.send("amazon.ship", self.parcel(order_id))
        return order_id

    def cancellation(self, order_id: str, **changed: Any) -> dict[str, Any]:
        return {
            "order_id": order_id,
            "our_number": "O-1",
            "cancellation": "C-1",
            "reason": "out-of-stock",
            "lines": self.lines(order_id),
            **changed,
        }

    def giving_back(self, order_id: str, item_minor: int = 500, **changed: Any) -> dict[str, Any]:
        line = self.lines(order_id)[0]
        refunded = {"line_id": line["line_id"], "quantity": 1, "item_minor": item_minor}
        return {
            "order_id": order_id,
            "our_number": "O-1",
            "refund": "R-1",
            "currency": self.system.settings.market.currency,
            "reason": "returned",
            "lines": [refunded],
            **changed,
        }

    def content(self, sku: str = "CHART-1", **changed: Any) -> dict[str, Any]:
        return {
            "sku": sku,
            "revision": "r1",
            "category": "PRODUCT",
            "title": "Sea chart of the north",
            "gtin": "4006381333962",
            "price_minor": 2_450,
            "currency": self.system.settings.market.currency,
            "quantity": 12,
            "brand": "Quay",
            "description": "A chart.",
            "attributes": {},
            **changed,
        }


@dataclass
class RememberingScene(Scene):
    """As the outbox does: what an unclear answer left to look for it by is there when it is looked for."""

    trace: dict[str, Any] = field(default_factory=dict)

    def send(self) -> Any:
        outcome = super().send()
        if isinstance(outcome, Unknown):
            self.trace = dict(outcome.trace)
            self.market.move(seconds=1)  # a look comes later
        return outcome

    def look(self) -> Any:
        operation = self.connector.operations[self.story.operation]
        effect = self.market.effect(self.story.operation, self.story.key, self.story.payload)
        found, detail = operation.read_back(self.market.ctx, replace(effect, trace=self.trace))
        self.told.append(detail)
        return found


def small(market: AmazonMarket, source: str, **row: Any) -> None:
    """The same source with another row of the manifest."""
    found = market.channel.sources[source]
    spec = getattr(found, "spec", None)
    changed = (
        replace(found, spec=replace(spec, row=replace_row(spec.row, row)))  # type: ignore[type-var]
        if spec is not None
        else replace(found, row=replace_row(found.row, row))  # type: ignore[type-var,attr-defined]
    )
    sources = dict(market.channel.sources) | {source: changed}
    market.channel = replace(market.channel, sources=sources)


def replace_row(row: Any, changed: Mapping[str, Any]) -> Any:
    return msgspec.structs.replace(row, **changed)


def all_of(
    market: AmazonMarket, source: str, cursor: str | None = None, runs: int = 50
) -> tuple[list[Any], str | None]:
    """Runs until one moves nothing any more; what was recorded, once per content."""
    found: dict[tuple[str, str, bytes], Any] = {}
    for _ in range(runs):
        sweep = market.sweep(source, cursor)
        for record in sweep.records:
            found[record.kind, record.external_id, record.body] = record
        if sweep.cursor in (None, cursor) and sweep.problem is None:
            break
        cursor = sweep.cursor or cursor
    return list(found.values()), cursor
