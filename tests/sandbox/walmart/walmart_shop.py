"""A small seller account at Walmart with a movable clock, driven by requests written by hand."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from entrepot.sandbox.core import Hang, Request, Response, World
from entrepot.sandbox.walmart import Product, Settings, Walmart

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MACHINE_TIME = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
GTIN = "00012345678905"
PRODUCTS = (
    Product("ATLAS", "Sea atlas", "Books", "00012345678905", 1_999, 100),
    Product("LAMP", "Ship lamp", "Home", "00036000291452", 4_550, 50, shipping_minor=495),
    Product("KNOT", "Knot board", "Home", "00042100005264", 999, 3),
)


class MovableClock:
    """A business clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Hub:
    """Somebody who listens to webhooks; `answers` are given one after the other, then 204."""

    answers: list[int] = field(default_factory=list)
    heard: list[tuple[str, Request]] = field(default_factory=list)

    def __call__(self, base_url: str, request: Request) -> Response | Hang:
        self.heard.append((base_url, request))
        return Response(self.answers.pop(0) if self.answers else 204)

    def topics(self) -> list[str]:
        """The kinds of events heard."""
        return [request.json()["source"]["eventType"] for _, request in self.heard]


@dataclass(frozen=True)
class Answer:
    """One answer, numbers exact."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    @property
    def codes(self) -> list[str]:
        """The codes of an error answer."""
        data = self.json
        return [one["code"] for one in data.get("errors", data.get("error"))]


class Shop:
    """The world with a Walmart in it."""

    def __init__(self, hub: Hub | None = None, seed: int = 1, **settings: Any) -> None:
        self.clock = MovableClock()
        self.hub = hub
        self.world = World(self.clock, seed, hub)
        chosen = Settings(**{"ceilings_on": False, **settings})
        self.walmart = Walmart(self.world, lambda: MACHINE_TIME, "http://hub.example" if hub else None, chosen)
        self.world.mount("walmart", self.walmart)
        self.portal = self.walmart.portal
        self.portal.seed(PRODUCTS)
        self.token = self.log_in()

    def log_in(self) -> str:
        """A fresh access token."""
        body = b"grant_type=client_credentials"
        headers = {**basic("wm-client", "wm-secret"), **REQUIRED}
        token: str = self.raw("POST", "/v3/token", body, headers).json["access_token"]
        return token

    def raw(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One request with exactly these headers."""
        parts = urlsplit(target)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        heard = self.world.handle("walmart", Request(method, parts.path, query, headers, body))
        assert isinstance(heard, Response)
        return Answer(heard.status, heard.headers, heard.body)

    def call(self, method: str, target: str, body: Any = None) -> Answer:
        """One request of a well-behaved client."""
        headers = {**REQUIRED, "wm_sec.access_token": self.token, "content-type": "application/json"}
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.raw(method, target, data, headers)

    def get(self, target: str) -> Answer:
        return self.call("GET", target)

    def post(self, target: str, body: Any = None) -> Answer:
        return self.call("POST", target, body)

    def put(self, target: str, body: Any) -> Answer:
        return self.call("PUT", target, body)

    def move(self, **pause: float) -> None:
        """Let business time pass, and take a new token when the old one is over."""
        until = self.clock.at + timedelta(**pause)
        while (due := self.world.next_due()) is not None and due <= until:
            self.clock.at = max(self.clock.at, due)
            self.world.tick()
        self.clock.at = until
        self.world.tick()
        self.token = self.log_in()

    # -- what sellers do ------------------------------------------------------------------------------------------

    def ack(self, order_id: str) -> Answer:
        return self.post(f"/v3/orders/{order_id}/acknowledge")

    def ship(self, order_id: str, *rows: tuple[str, int, str]) -> Answer:
        """Ship (line, units, tracking)."""
        return self.post(f"/v3/orders/{order_id}/shipping", shipping(self.clock.at, *rows))

    def cancel(self, order_id: str, *rows: tuple[str, int], reason: str = "SELLER_CANCEL_OUT_OF_STOCK") -> Answer:
        """Cancel (line, units)."""
        lines = [
            line(number, {"status": "Cancelled", "cancellationReason": reason, "statusQuantity": units(count)})
            for number, count in rows
        ]
        return self.post(f"/v3/orders/{order_id}/cancel", {"orderCancellation": {"orderLines": {"orderLine": lines}}})

    def refund(self, order_id: str, *rows: tuple[str, str, float, float], comments: str | None = None) -> Answer:
        """Refund (line, PRODUCT or SHIPPING, amount, tax), amounts negative as the API wants them."""
        lines = [
            {
                "lineNumber": number,
                "isFullRefund": False,
                "refunds": {"refund": [refund(kind, amount, tax, comments)]},
            }
            for number, kind, amount, tax in rows
        ]
        body = {"orderRefund": {"purchaseOrderId": order_id, "orderLines": {"orderLine": lines}}}
        return self.post(f"/v3/orders/{order_id}/refund", body)

    def refund_whole(self, order_id: str, number: str) -> Answer:
        row = {"lineNumber": number, "isFullRefund": True}
        body = {"orderRefund": {"purchaseOrderId": order_id, "orderLines": {"orderLine": [row]}}}
        return self.post(f"/v3/orders/{order_id}/refund", body)

    def shipped_order(self, *lines: tuple[str, int]) -> str:
        """An order that has left, line by line."""
        order_id = self.portal.place(lines)
        rows = [(str(n), count, f"1Z99999{n}") for n, (_, count) in enumerate(lines, 1)]
        assert self.ship(order_id, *rows).status == 200
        return order_id

    def statuses(self, order_id: str, number: str = "1") -> dict[str, int]:
        """Units of a line by status, as the API shows them."""
        found: dict[str, int] = {}
        shown = self.get(f"/v3/orders/{order_id}").json["orderLines"]["orderLine"][int(number) - 1]
        for one in shown["orderLineStatuses"]["orderLineStatus"]:
            found[one["status"]] = found.get(one["status"], 0) + int(one["statusQuantity"]["amount"])
        return found

    def books_order(self, order_id: str) -> Any:
        return next(one for one in self.walmart.books()["orders"] if one["order_id"] == order_id)

    def feed(self, feed_type: str, body: Any) -> str:
        """Send a feed and let it be worked off."""
        feed_id: str = self.post(f"/v3/feeds?feedType={feed_type}", body).json["feedId"]
        self.move(minutes=3)
        return feed_id

    def feed_items(self, feed_id: str) -> Any:
        answer = self.get(f"/v3/feeds/{feed_id}?includeDetails=true&limit=100").json
        return answer["itemDetails"]["itemIngestionStatus"]


REQUIRED = {"wm_qos.correlation_id": "b3261d2d-028a-4ef7-8602-633c23200af6", "wm_svc.name": "Walmart Marketplace"}


def basic(name: str, secret: str) -> dict[str, str]:
    pair = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return {"authorization": f"Basic {pair}", "content-type": "application/x-www-form-urlencoded"}


def units(count: int) -> dict[str, str]:
    return {"unitOfMeasurement": "EACH", "amount": str(count)}


def line(number: str, status: Any) -> dict[str, Any]:
    return {"lineNumber": number, "orderLineStatuses": {"orderLineStatus": [status]}}


def shipping(at: datetime, *rows: tuple[str, int, str]) -> dict[str, Any]:
    lines = []
    for number, count, tracking in rows:
        info = {
            "shipDateTime": int(at.timestamp() * 1000),
            "carrierName": {"carrier": "UPS"},
            "methodCode": "Standard",
            "trackingNumber": tracking,
            "trackingURL": "https://track.example/1",
        }
        lines.append(line(number, {"status": "Shipped", "statusQuantity": units(count), "trackingInfo": info}))
    return {"orderShipment": {"orderLines": {"orderLine": lines}}}


def refund(kind: str, amount: float, tax: float, comments: str | None) -> dict[str, Any]:
    charge = {
        "chargeType": kind,
        "chargeName": "Item Price",
        "chargeAmount": {"currency": "USD", "amount": amount},
        "tax": {"taxName": "Item Price Tax", "taxAmount": {"currency": "USD", "amount": tax}},
    }
    charges = [{"refundReason": "DamagedItem", "charge": charge}]
    return {"refundComments": comments, "refundCharges": {"refundCharge": charges}}


def mp_item(sku: str, gtin: str = GTIN, price: float | None = 12.5, **content: str) -> dict[str, Any]:
    texts = {"productName": f"The {sku}", "mainImageUrl": "https://images.example/1.jpg", **content}
    ids = {"productIdType": "GTIN", "productId": gtin}
    offer = {"sku": sku, "productIdentifiers": ids, "price": price}
    return {"Orderable": offer, "Visible": {"Home": texts}}


def price_row(sku: str, amount: float) -> dict[str, Any]:
    pricing = [{"currentPriceType": "BASE", "currentPrice": {"currency": "USD", "amount": amount}}]
    return {"sku": sku, "pricing": pricing}


def stock_row(sku: str, amount: Any) -> dict[str, Any]:
    return {"sku": sku, "quantity": {"unit": "EACH", "amount": amount}}
