"""One tenant with a clock moved by hand, and a merchant who knows nothing but HTTP requests written by hand."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from entrepot.sandbox.channelengine import Channel, ChannelEngine, Product, Settings
from entrepot.sandbox.core import Hang, Request, Response, World

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MACHINE_TIME = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
HUB_URL = "http://hub.example"
PRODUCTS = (
    Product("ATLAS", "Sea atlas", "Books > Maps", "8712345678906", 1_999, 40),
    Product("LAMP", "Deck lamp", "Lighting > Lamps", "8712345678913", 4_550, 10),
    Product("STRAP", "Camera strap", "Photo > Straps", "8712345678920", 1_250, 3),
)
UK = Channel(
    77,
    "Amazon UK - Kade",
    40,
    "Amazon UK",
    "GB",
    "en",
    "GBP",
    1_162_500,
    commission_per_100k=15_000,
    shipping_minor=350,
)


class MovableClock:
    """A business clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


class Hub:
    """Whoever listens to webhooks: answers as told and remembers what came."""

    def __init__(self) -> None:
        self.heard: list[Request] = []
        self.answers: list[Response | Hang] = []

    def __call__(self, base_url: str, request: Request) -> Response | Hang:
        self.heard.append(request)
        return self.answers.pop(0) if self.answers else Response(200)

    def said(self, kind: str | None = None) -> list[dict[str, str]]:
        """The parameters behind the address of every hint, in order."""
        found = [dict(request.query) for request in self.heard]
        return [one for one in found if kind is None or one["type"] == kind]


class Tenant:
    """A ChannelEngine in a world, and what the merchant and the channels do with it."""

    def __init__(self, hub: Hub | None = None, products: Sequence[Product] = PRODUCTS, **settings: Any) -> None:
        self.clock = MovableClock()
        self.world = World(self.clock, 1, hub)
        chosen = Settings(**{"ceilings": {}, "auto_cancel_after": None, **settings})
        self.system = ChannelEngine(self.world, lambda: MACHINE_TIME, HUB_URL if hub else None, chosen)
        self.world.mount("channelengine", self.system)
        self.portal = self.system.portal
        self.portal.seed(products)
        self.key = chosen.api_key

    def move(self, **by: float) -> None:
        """Let business time pass, running everything that becomes due on its day."""
        until = self.clock.at + timedelta(**by)
        while (due := self.world.next_due()) is not None and due <= until:
            self.clock.at = max(self.clock.at, due)
            self.world.tick()
        self.clock.at = until
        self.world.tick()

    def call(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None, key: bool = True
    ) -> Response:
        """One request as a hand would write it."""
        parts = urlsplit(target)
        query = parse_qsl(parts.query, keep_blank_values=True)
        if key:
            query.append(("apikey", self.key))
        sent = {"content-type": "application/json", **(headers or {})}
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.world.handle("channelengine", Request(method, f"/api{parts.path}", tuple(query), sent, raw))
        assert isinstance(answer, Response)
        return answer

    def get(self, target: str) -> dict[str, Any]:
        """A GET that must work; numbers exact."""
        answer = self.call("GET", target)
        assert answer.status == 200, answer.body
        found: dict[str, Any] = json.loads(answer.body, parse_float=Decimal)
        return found

    def content(self, target: str) -> Any:
        return self.get(target)["Content"]

    def send(self, method: str, target: str, body: Any, status: int = 200) -> dict[str, Any]:
        """A write and the status it must have."""
        answer = self.call(method, target, body)
        assert answer.status == status, answer.body
        found: dict[str, Any] = json.loads(answer.body, parse_float=Decimal)
        assert (found["StatusCode"], found["Success"]) == (status, status < 400)
        return found

    # -- the story -------------------------------------------------------------------------------------------------

    def acknowledged(self, *lines: tuple[str, int], number: str | None = None, **how: Any) -> tuple[str, str]:
        """An order that the merchant has taken over: its id, and his number."""
        order_id = self.portal.place(lines, **how)
        number = number or f"M-{order_id}"
        self.send("POST", "/v2/orders/acknowledge", {"OrderId": int(order_id), "MerchantOrderNo": number})
        return order_id, number

    def shipped(self, *lines: tuple[str, int], **how: Any) -> tuple[str, str]:
        """An order that is wholly on its way."""
        order_id, number = self.acknowledged(*lines, **how)
        self.ship(number, *lines)
        return order_id, number

    def ship(self, number: str, *lines: tuple[str, int], key: str | None = None, status: int = 201) -> dict[str, Any]:
        return self.send("POST", "/v2/shipments", parcel(number, *lines, key=key), status)

    def cancel(self, number: str, *lines: tuple[str, int], key: str | None = None, status: int = 201) -> dict[str, Any]:
        body = {
            "MerchantCancellationNo": key or f"X-{number}",
            "MerchantOrderNo": number,
            "Lines": [{"MerchantProductNo": sku, "Quantity": quantity} for sku, quantity in lines],
            "ReasonCode": "NOT_IN_STOCK",
        }
        return self.send("POST", "/v2/cancellations", body, status)

    def order(self, order_id: str) -> dict[str, Any]:
        """One order as the books have it."""
        return next(one for one in self.system.books()["orders"] if one["order_id"] == order_id)

    def status(self, order_id: str) -> str:
        return self.portal.order(order_id).status

    def line_id(self, order_id: str, n: int = 0) -> str:
        return str(list(self.portal.order(order_id).lines)[n])


def parcel(number: str, *lines: tuple[str, int], key: str | None = None) -> dict[str, Any]:
    """The body of a shipment."""
    return {
        "MerchantShipmentNo": key or f"S-{number}",
        "MerchantOrderNo": number,
        "Lines": [{"MerchantProductNo": sku, "Quantity": quantity} for sku, quantity in lines],
        "TrackTraceNo": "3SABC123",
        "Method": "PostNL",
    }


def complaints(answer: dict[str, Any]) -> dict[str, list[str]]:
    """What a refusal says, by field."""
    found: dict[str, list[str]] = answer["ValidationErrors"]
    return found
