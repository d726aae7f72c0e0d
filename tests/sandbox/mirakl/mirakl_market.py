"""A small marketplace with a movable clock, driven over plain HTTP by requests written by hand."""

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from entrepot.sandbox.core import Hang, Request, Response, World
from entrepot.sandbox.http import serve
from entrepot.sandbox.mirakl import CategorySeed, Mirakl, OfferSeed, Settings, ShopSeed

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MACHINE_TIME = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
FRONT, OPERATOR = "front-key", "operator-key"
SHOPS = (
    ShopSeed(2001, "Harbour Books"),
    ShopSeed(2002, "Quay Cameras", tax_rate_per_100k=0),
    ShopSeed(2003, "Tokyo Dock", currency="JPY"),
    ShopSeed(2004, "Kuwait Pier", currency="KWD"),
)
CATEGORIES = (CategorySeed("BOOKS", "Books", 15_000), CategorySeed("PHOTO", "Photo", 8_250))
OFFERS = (
    OfferSeed(101, 2001, "HB-1", "EAN-1", "Sea atlas", "BOOKS", 1_999, 1000, 350),
    OfferSeed(102, 2001, "HB-2", "EAN-2", "Tide tables", "BOOKS", 705, 1000, 0),
    OfferSeed(201, 2002, "QC-1", "EAN-3", "Camera", "PHOTO", 45_000, 1000, 990, lead_time_days=5),
    OfferSeed(202, 2002, "QC-2", "EAN-4", "Strap", "PHOTO", 1_250, 3, 250),
    OfferSeed(301, 2003, "TD-1", "EAN-5", "Lens", "PHOTO", 12_345, 1000, 600, currency="JPY"),
    OfferSeed(401, 2004, "KP-1", "EAN-6", "Tripod", "PHOTO", 12_345, 1000, 1_005, currency="KWD"),
)


class MovableClock:
    """A business clock that stands still until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@dataclass(frozen=True)
class Answer:
    """One HTTP answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, numbers exact."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def codes(self) -> list[str]:
        """The codes of an error answer."""
        return [error["code"] for error in self.json["errors"]]


class Market:
    """The world with a Mirakl in it, and a client that knows nothing but HTTP."""

    def __init__(self, seed: int = 1, hub: "Hub | None" = None, **settings: Any) -> None:
        self.clock = MovableClock()
        self.world = World(self.clock, seed, hub)
        chosen = {"shops": SHOPS, "categories": CATEGORIES, "offers": OFFERS, "ceilings": {}, **settings}
        self.mirakl = Mirakl(
            self.world, lambda: MACHINE_TIME, "http://hub.example" if hub else None, Settings(**chosen)
        )
        self.world.mount("mirakl", self.mirakl)
        self.portal = self.mirakl.portal
        self.servers = serve(self.world, {"mirakl": 0}, hang_s=0.05, ticking=False)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.servers.ports["mirakl"], timeout=10)
        self.baskets = 0

    def close(self) -> None:
        """Stop listening."""
        self.connection.close()
        self.servers.stop()

    # -- the wire --------------------------------------------------------------------------------------------------

    def call(
        self,
        method: str,
        target: str,
        body: Any = None,
        key: str | None = FRONT,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request as a hand would write it; a dict or list becomes JSON."""
        sent = {"Accept": "application/json", **(headers or {})}
        if key is not None:
            sent["Authorization"] = key
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        self.connection.request(method, target, body, sent)
        answer = self.connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def get(self, target: str, key: str | None = FRONT) -> Answer:
        """A GET."""
        return self.call("GET", target, key=key)

    def put(self, target: str, body: Any = None, key: str | None = FRONT) -> Answer:
        """A PUT."""
        return self.call("PUT", target, body, key)

    def post(self, target: str, body: Any = None, key: str | None = FRONT) -> Answer:
        """A POST."""
        return self.call("POST", target, body, key)

    # -- the story -------------------------------------------------------------------------------------------------

    def move(self, **by: float) -> None:
        """Let business time pass, running everything that becomes due on its day."""
        until = self.clock.at + timedelta(**by)
        while (due := self.world.next_due()) is not None and due <= until:
            self.clock.at = max(self.clock.at, due)
            self.world.tick()
        self.clock.at = until
        self.world.tick()

    def buy(self, *wanted: tuple[int, int], commercial_id: str | None = None, **fields: Any) -> list[dict[str, Any]]:
        """A basket of (offer id, quantity) at the offers' own prices; gives the created orders."""
        answer = self.post("/api/orders", self.basket(*wanted, commercial_id=commercial_id, **fields))
        assert answer.status == 201, answer.body
        orders: list[dict[str, Any]] = answer.json["orders"]
        return orders

    def basket(self, *wanted: tuple[int, int], commercial_id: str | None = None, **fields: Any) -> dict[str, Any]:
        """The body of OR01."""
        self.baskets += 1
        offers = {seed.offer_id: seed for seed in self.mirakl.settings.offers}
        return {
            "commercial_id": commercial_id or f"C{self.baskets:04d}",
            "scored": True,
            "customer": customer(),
            "currency_iso_code": offers[wanted[0][0]].currency if wanted[0][0] in offers else "EUR",
            "shipping_zone_code": "FR",
            "offers": [basket_line(offers[offer_id], quantity) for offer_id, quantity in wanted],
            **fields,
        }

    def accept(self, order_id: str, *refused: str) -> None:
        """The seller accepts every line but those refused."""
        decisions = [{"id": line, "accepted": line not in refused} for line in self.portal.order(order_id).lines]
        answer = self.put(f"/api/orders/{order_id}/accept", {"order_lines": decisions}, OPERATOR)
        assert answer.status == 204, answer.body

    def pay(self, *order_ids: str) -> Answer:
        """The front reads what to charge and confirms these orders."""
        listed = {row["order_id"]: row for row in self.get("/api/payment/debit?max=100").json["orders"]["order"]}
        return self.put("/api/payment/debit", {"orders": [debit_of(listed[one]) for one in order_ids]})

    def paid_order(self, *wanted: tuple[int, int], **fields: Any) -> str:
        """One order, accepted and paid; its id."""
        order_id: str = self.buy(*wanted, **fields)[0]["order_id"]
        self.accept(order_id)
        assert self.pay(order_id).status == 204
        return order_id

    def received_order(self, *wanted: tuple[int, int], **fields: Any) -> str:
        """One order that reached its buyer; its id."""
        order_id = self.paid_order(*wanted, **fields)
        assert self.put(f"/api/orders/{order_id}/ship").status == 204
        self.portal.receive(order_id)
        return order_id

    def order(self, order_id: str, key: str = FRONT) -> dict[str, Any]:
        """One order as OR12 shows it."""
        found: dict[str, Any] = self.get(f"/api/orders/{order_id}", key).json
        return found

    def pay_back(self, *refund_ids: str) -> Answer:
        """The front reads what to pay back and confirms these refunds."""
        self.get("/api/payment/refund?max=100")
        rows = []
        for refund_id in refund_ids:
            refund = self.mirakl.platform.tables.refunds[refund_id]
            currency = self.portal.order(refund.order_id).currency
            digits = {"EUR": 2, "JPY": 0, "KWD": 3}[currency]
            amount = float(Decimal(refund.total_minor).scaleb(-digits))
            rows.append(
                {"refund_id": refund_id, "amount": amount, "currency_iso_code": currency, "payment_status": "OK"}
            )
        return self.put("/api/payment/refund", {"refunds": rows})


class Hub:
    """Whoever listens to webhooks: answers as told and remembers what came."""

    def __init__(self) -> None:
        self.heard: list[Request] = []
        self.answers: list[Response | Hang] = []

    def __call__(self, base_url: str, request: Request) -> Response | Hang:
        assert base_url == "http://hub.example"
        self.heard.append(request)
        return self.answers.pop(0) if self.answers else Response(202)

    def events(self, topic: str | None = None) -> list[dict[str, Any]]:
        """The bodies heard, in order."""
        events = [request.json() for request in self.heard]
        return [event for event in events if topic is None or event["type"] == topic]


def customer(customer_id: str = "buyer-1") -> dict[str, Any]:
    """A buyer."""
    address = {
        "firstname": "Ada",
        "lastname": "Buyer",
        "street_1": "2 Quay Street",
        "city": "Nantes",
        "zip_code": "44000",
        "country": "France",
        "country_iso_code": "FRA",
    }
    return {
        "customer_id": customer_id,
        "firstname": "Ada",
        "lastname": "Buyer",
        "locale": "fr_FR",
        "email": "ada@buyer.example",
        "shipping_address": address,
        "billing_address": address,
    }


def basket_line(offer: OfferSeed, quantity: int) -> dict[str, Any]:
    """One line of OR01 at the offer's own price. Floats here only write short decimals."""
    digits = {"EUR": 2, "JPY": 0, "KWD": 3}[offer.currency]

    def written(minor: int) -> float:
        return float(Decimal(minor).scaleb(-digits))

    return {
        "offer_id": offer.offer_id,
        "offer_price": written(offer.price_minor),
        "price": written(offer.price_minor * quantity),
        "quantity": quantity,
        "shipping_price": written(offer.shipping_minor * quantity),
        "shipping_type_code": "STD",
        "order_line_additional_fields": [],
    }


def debit_of(row: Mapping[str, Any], status: str = "OK", **changed: Any) -> dict[str, Any]:
    """The PA01 element that confirms one PA11 element."""
    return {
        "order_id": row["order_id"],
        "customer_id": row["customer_id"],
        "amount": float(row["amount"]),
        "currency_iso_code": row["currency_iso_code"],
        "payment_status": status,
        "transaction_number": f"T-{row['order_id']}",
        "transaction_date": "2026-11-02T09:00:00Z",
        **changed,
    }


def ids(orders: Sequence[Mapping[str, Any]]) -> list[str]:
    """The order ids of a list."""
    return [order["order_id"] for order in orders]
