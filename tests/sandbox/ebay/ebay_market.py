"""A small eBay shop with a movable clock, driven by requests written by hand."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from entrepot.sandbox.core import Hang, Request, Response, World
from entrepot.sandbox.ebay import Ebay, Product, Settings

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MACHINE_TIME = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
HUB = "http://hub.example"
PRODUCTS = (
    Product("ATLAS", "Sea atlas", "BOOKS", "4006381333931", 1_999, 50, {"Brand": "Quay"}, 350),
    Product("TIDES", "Tide tables", "BOOKS", "", 705, 10),
    Product("LENS", "Lens", "PHOTO", "", 45_000, 3, {}, 990),
)
INVENTORY, FULFILLMENT = "/sell/inventory/v1", "/sell/fulfillment/v1"
FINANCES, POST_ORDER = "/sell/finances/v1", "/post-order/v2"
NOTIFICATION, COMPLIANCE = "/commerce/notification/v1", "/sell/compliance/v1"
ANALYTICS = "/sell/analytics/v1"
ENGLISH = {"content-language": "en-US"}


class MovableClock:
    """A business clock that stands still until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Hub:
    """Somebody who listens; answers with `statuses` in turn, then 200."""

    statuses: list[int] = field(default_factory=list)
    heard: list[Request] = field(default_factory=list)
    token: str = ""
    endpoint: str = ""

    def __call__(self, base_url: str, request: Request) -> Response | Hang:
        assert base_url == HUB
        self.heard.append(request)
        if request.method == "GET":
            return self._meet(request)
        status = self.statuses.pop(0) if self.statuses else 200
        return Response(status) if status else Hang(applied=False)

    def _meet(self, request: Request) -> Response:
        code = dict(parse_qsl(urlsplit(request.path).query))["challenge_code"]
        word = hashlib.sha256((code + self.token + self.endpoint).encode()).hexdigest()
        return Response(200, {}, json.dumps({"challengeResponse": word}).encode())

    def bodies(self, topic: str | None = None) -> list[Any]:
        """What was told."""
        told = [json.loads(request.body) for request in self.heard if request.method == "POST"]
        return [one for one in told if topic is None or one["metadata"]["topic"] == topic]


@dataclass(frozen=True)
class Answer:
    """One answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, numbers exact."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def error(self) -> int:
        """The error id of a refusal."""
        [error] = self.json["errors"]
        assert error.keys() >= {"errorId", "domain", "category", "message", "longMessage", "parameters"}
        return int(error["errorId"])


class Shop:
    """The world with an eBay in it, and a client that knows nothing but requests."""

    def __init__(self, seed: int = 1, hub: Hub | None = None, **settings: Any) -> None:
        self.clock = MovableClock()
        self.world = World(self.clock, seed, hub)
        chosen = {"lost_per_1000": 0, "duplicate_per_1000": 0, "demands_signatures": False, **settings}
        self.ebay = Ebay(self.world, lambda: MACHINE_TIME, HUB if hub else None, Settings(**chosen))
        self.world.mount("ebay", self.ebay)
        self.portal = self.ebay.portal
        self.portal.seed(PRODUCTS)
        self.heard: list[tuple[str, str]] = []
        self.portal.subscribe(lambda topic, key: self.heard.append((topic, key)))
        self.token = self.mint()

    # -- the wire --------------------------------------------------------------------------------------------------

    def mint(self, grant: str = "refresh_token", scope: str = "", **form: str) -> str:
        """A token."""
        answer = self.ask_token(grant, scope, **form)
        assert answer.status == 200, answer.body
        return str(answer.json["access_token"])

    def ask_token(self, grant: str = "refresh_token", scope: str = "", basic: str = "", **form: str) -> Answer:
        """Ask for a token, whatever comes."""
        settings = self.ebay.settings
        sent = {"grant_type": grant, **({"scope": scope} if scope else {}), **form}
        if grant == "refresh_token":
            sent.setdefault("refresh_token", settings.refresh_token)
        word = base64.b64encode((basic or f"{settings.client_id}:{settings.client_secret}").encode()).decode()
        headers = {"authorization": f"Basic {word}", "content-type": "application/x-www-form-urlencoded"}
        return self.call("POST", "/identity/v1/oauth2/token", urlencode(sent).encode(), headers, token=None)

    def call(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = "own",
    ) -> Answer:
        """One request as a hand would write it; a dict becomes JSON."""
        parts = urlsplit(target)
        sent = dict(headers or {})
        if token is not None:
            sent["authorization"] = f"Bearer {self.token if token == 'own' else token}"
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        given = self.world.handle("ebay", Request(method, parts.path, query, sent, body or b""))
        assert isinstance(given, Response)
        return Answer(given.status, given.headers, given.body)

    def get(self, target: str, **kwargs: Any) -> Answer:
        """A GET."""
        return self.call("GET", target, **kwargs)

    def post(self, target: str, body: Any = None, **kwargs: Any) -> Answer:
        """A POST."""
        return self.call("POST", target, {} if body is None else body, **kwargs)

    def put(self, target: str, body: Any = None, **kwargs: Any) -> Answer:
        """A PUT in English."""
        return self.call("PUT", target, body, kwargs.pop("headers", ENGLISH), **kwargs)

    # -- the story -------------------------------------------------------------------------------------------------

    def move(self, **by: float) -> None:
        """Let business time pass, running everything that becomes due on its day."""
        until = self.clock.at + timedelta(**by)
        self.world.tick()
        while (due := self.world.next_due()) is not None and due <= until:
            self.clock.at = max(self.clock.at, due)
            self.world.tick()
        self.clock.at = until
        self.world.tick()

    def fresh(self) -> None:
        """A new token, as a client takes one every two hours."""
        self.token = self.mint()

    def order(self, order_id: str) -> Any:
        """getOrder."""
        answer = self.get(f"{FULFILLMENT}/order/{order_id}")
        assert answer.status == 200, answer.body
        return answer.json

    def lines(self, order_id: str) -> list[str]:
        """The line ids of an order."""
        return [line["lineItemId"] for line in self.order(order_id)["lineItems"]]

    def ship(self, order_id: str, tracking: str = "JD0123", **quantities: int) -> Answer:
        """Ship everything, or quantities by line id written as keywords `_id`."""
        lines = quantities or {f"_{line}": 0 for line in self.lines(order_id)}
        rows = [{"lineItemId": line[1:], **({"quantity": n} if n else {})} for line, n in lines.items()]
        body = {"lineItems": rows, "shippingCarrierCode": "DHL", "trackingNumber": tracking}
        return self.post(f"{FULFILLMENT}/order/{order_id}/shipping_fulfillment", body)

    def issue_refund(self, order_id: str, value: str, line_id: str | None = None, **fields: Any) -> Answer:
        """issueRefund of the order or one line."""
        money = {"value": value, "currency": "EUR"}
        body: dict[str, Any] = {"reasonForRefund": "OTHER_ADJUSTMENT", **fields}
        if line_id is None:
            body["orderLevelRefundAmount"] = money
        else:
            body["refundItems"] = [{"lineItemId": line_id, "refundAmount": money}]
        return self.post(f"{FULFILLMENT}/order/{order_id}/issue_refund", body)

    def cancels(self, order_id: str) -> Any:
        """The cancellations of an order."""
        return self.get(f"{POST_ORDER}/cancellation/search?legacy_order_id={order_id}").json["cancellations"]

    def transactions(self, filter_: str = "") -> list[Any]:
        """All bookings the filter leaves, oldest first."""
        answer = self.get(f"{FINANCES}/transaction?limit=1000&sort=transactionDate&filter={filter_}")
        return [] if answer.status == 204 else list(answer.json["transactions"])

    def book(self, table: str) -> Any:
        """One table of the books."""
        return self.world.books()["ebay"][table]
