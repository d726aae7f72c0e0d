"""A marketplace and a gateway in process, and connectors bound to them: no socket, a clock moved by hand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from entrepot.connectors.port import Access, Connector, Page, Problem, Received
from entrepot.connectors.registry import connect
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.http import HttpAnswer, HttpRequest, HttpResponse, HttpSender, NoAnswer, NotReached
from entrepot.kernel.ids import Ids
from entrepot.kernel.outcome import Outcome, ReadBack
from entrepot.outbox.port import Detail, OutgoingEffect
from entrepot.sandbox.core import Hang, Request, Response, World
from entrepot.sandbox.faults import Fault
from entrepot.sandbox.gateway import Gateway
from entrepot.sandbox.gateway.webhooks import WebhookSender
from entrepot.sandbox.mirakl import CategorySeed, Mirakl, OfferSeed, Settings, ShopSeed
from entrepot.sandbox.shelf import Shelf

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MIRAKL, GATEWAY, STOREFRONT = "mirakl-fr/operator", "gateway/main", "storefront/main"
URLS = {
    "mirakl": "http://mirakl.example",
    "gateway": "http://gateway.example",
    "storefront": "http://storefront.example",
}
WEBHOOK_SECRET = Settings().webhook_secret
SECRETS: Mapping[str, Mapping[str, str]] = {
    "mirakl": {"front_key": "front-key", "operator_key": "operator-key", "webhook_secret": WEBHOOK_SECRET},
    "gateway": {"key": "gw-secret", "webhook_secret": WEBHOOK_SECRET},
    "storefront": {"key": "in-secret", "publish_key": "shop-secret"},
}
SHOPS = (ShopSeed(2001, "Harbour Books"), ShopSeed(2002, "Quay Cameras"), ShopSeed(2003, "Tokyo Dock", currency="JPY"))
CATEGORIES = (CategorySeed("BOOKS", "Books", 15_000), CategorySeed("PHOTO", "Photo", 8_250))
OFFERS = (
    OfferSeed(101, 2001, "HB-1", "EAN-1", "Sea atlas", "BOOKS", 1_999, 10_000, 350),
    OfferSeed(102, 2001, "HB-2", "EAN-2", "Tide tables", "BOOKS", 705, 10_000, 0),
    OfferSeed(201, 2002, "QC-1", "EAN-3", "Camera", "PHOTO", 45_000, 10_000, 990),
    OfferSeed(301, 2003, "TD-1", "EAN-5", "Lens", "PHOTO", 12_345, 10_000, 600, currency="JPY"),
)


class Shop:
    """The shop front, as far as offers are published to it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def operation(self, request: Request) -> str | None:
        return self._shelf.operation(request)

    def handle(self, request: Request) -> Response:
        return self._shelf.handle(request)

    def books(self) -> dict[str, Any]:
        return self._shelf.books()


class NoDatabase:
    """Connectors touch no database."""

    @contextmanager
    def transaction(self) -> Iterator[Conn]:
        raise AssertionError("a connector opened a transaction")
        yield


@dataclass
class InProcess:
    """The sandbox as a transport: what HTTP would carry, without it."""

    world: World
    sent: list[HttpRequest] = field(default_factory=list)

    def send(self, request: HttpRequest) -> HttpAnswer:
        self.sent.append(request)
        parts = urlsplit(request.url)
        systems = {urlsplit(url).netloc: name for name, url in URLS.items()}
        system = systems.get(parts.netloc)
        if system is None:
            return NotReached(f"nobody listens at {parts.netloc}")
        query = (*parse_qsl(parts.query, keep_blank_values=True), *request.query)
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self.world.handle(system, Request(request.method, unquote(parts.path), query, headers, request.body))
        if isinstance(answer, Hang):
            return NoAnswer("the answer never came")
        return HttpResponse(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.body)


class Answers:
    """A transport that says what it is told to, one answer after the other."""

    def __init__(self, *answers: HttpAnswer) -> None:
        self.answers = list(answers)
        self.sent: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> HttpAnswer:
        self.sent.append(request)
        return self.answers.pop(0)


def said(status: int, body: bytes | str = b"", **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, named, body.encode() if isinstance(body, str) else body)


def secrets(system: str, **more: str) -> dict[str, Callable[[], str]]:
    def reader(value: str) -> Callable[[], str]:
        return lambda: value

    return {name: reader(value) for name, value in {**SECRETS[system], **more}.items()}


def make_ctx(http: HttpSender, clock: ManualClock) -> Ctx:
    ids = Ids(lambda: int(clock.machine().timestamp() * 1000), Random(7))
    return Ctx(db=NoDatabase(), clock=clock, ids=ids, http=http)


class Market:
    """One sandbox with a Mirakl and a gateway, and our two connectors bound to it."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock(START)
        self.webhooks: list[Request] = []
        self.world = World(self.clock.now, 1, self._hear)
        chosen = {"shops": SHOPS, "categories": CATEGORIES, "offers": OFFERS, "ceilings": {}, **settings}
        self.mirakl_system = Mirakl(self.world, self.clock.machine, "http://hub.example", Settings(**chosen))
        door = {"base_url": "http://hub.example", "path": "/hooks/gateway", "secret": WEBHOOK_SECRET}
        sender = WebhookSender(self.world, self.clock.machine, system="gateway", **door)
        self.gateway_system = Gateway(self.world, sender.publish)
        self.world.mount("mirakl", self.mirakl_system)
        self.world.mount("gateway", self.gateway_system)
        self.portal = self.mirakl_system.portal
        self.shelf = Shelf(self.world, "shop-secret", self.portal.offers())
        self.world.mount("storefront", Shop(self.shelf))
        self.http = InProcess(self.world)
        self.reach(URLS, self.http)
        self._baskets = 0

    def reach(self, urls: Mapping[str, str], http: HttpSender) -> None:
        """Bind the connectors to where the systems are."""
        self.ctx = make_ctx(http, self.clock)
        self.mirakl = connect("mirakl", Access(MIRAKL, urls["mirakl"], secrets("mirakl")))
        self.gateway = connect("payment", Access(GATEWAY, urls["gateway"], secrets("gateway")))
        shop = urls.get("storefront", URLS["storefront"])
        self.storefront = connect("storefront", Access(STOREFRONT, shop, secrets("storefront")))

    def _hear(self, _url: str, request: Request) -> Response:
        self.webhooks.append(request)
        return Response(204)

    # -- time and trouble --------------------------------------------------------------------------------------------

    def move(self, **by: float) -> None:
        """Let business time pass, running all that becomes due on its day."""
        until = self.clock.now() + timedelta(**by)
        while (due := self.world.next_due()) is not None and due <= until:
            self.clock.advance(max(0.0, (due - self.clock.now()).total_seconds()))
            self.world.tick()
        self.clock.advance((until - self.clock.now()).total_seconds())
        self.world.tick()

    def trouble(self, operation: str, kind: str, arg: int | str | None = None, system: str = "mirakl") -> None:
        """The next call of an operation goes wrong."""
        calls = self.world.faults.calls[system, operation]
        self.world.faults.add(Fault(system, operation, calls + 1, kind, arg))

    # -- the hub's side ----------------------------------------------------------------------------------------------

    def effect(self, operation: str, key: str, payload: Mapping[str, Any], seconds: float = 15.0) -> OutgoingEffect:
        until = self.clock.machine() + timedelta(seconds=seconds)
        return OutgoingEffect(key, operation, self.connector(operation).account, payload, 1, until)

    def connector(self, operation: str) -> Connector:
        known = {"mirakl": self.mirakl, "gateway": self.gateway, "storefront": self.storefront}
        return known[operation.partition(".")[0]]

    def send(self, operation: str, payload: Mapping[str, Any], key: str = "") -> tuple[Outcome, Detail]:
        effect = self.effect(operation, key or operation, payload)
        return self.connector(operation).operations[operation].send(self.ctx, effect)

    def look(self, operation: str, payload: Mapping[str, Any], key: str = "") -> tuple[ReadBack, Detail]:
        effect = self.effect(operation, key or operation, payload)
        return self.connector(operation).operations[operation].read_back(self.ctx, effect)

    def sweep(self, name: str, cursor: str | None = None, connector: Connector | None = None) -> "Sweep":
        return Sweep.of((connector or self.mirakl).sources[name].fetch(self.ctx, cursor))

    def seen(self, record: Received, connector: Connector | None = None) -> Any:
        return (connector or self.mirakl).translators[record.kind](record.body)

    # -- the story ---------------------------------------------------------------------------------------------------

    def basket(self, *wanted: tuple[int, int], commercial_id: str = "", currency: str = "EUR") -> dict[str, Any]:
        """A basket as the storefront hands it over, of (offer id, quantity) at the offers' own prices."""
        self._baskets += 1
        offers = {seed.offer_id: seed for seed in OFFERS}
        lines = [
            {
                "offer_id": str(offer_id),
                "sku": offers[offer_id].shop_sku,
                "seller_id": str(offers[offer_id].shop_id),
                "title": offers[offer_id].title,
                "category": offers[offer_id].category_code,
                "quantity": quantity,
                "unit_price_minor": offers[offer_id].price_minor,
                "shipping_minor": offers[offer_id].shipping_minor * quantity,
            }
            for offer_id, quantity in wanted
        ]
        customer = {"customer_id": "cust-1", "firstname": "Ada", "lastname": "Byron", "email": "ada@example.com"}
        commercial_id = commercial_id or f"C-{self._baskets:03d}"
        return {"commercial_id": commercial_id, "currency": currency, "customer": customer, "lines": lines}

    def buy(self, *wanted: tuple[int, int], **basket: str) -> list[str]:
        """Orders made of a basket; their ids."""
        outcome, detail = self.send("mirakl.create-orders", {"basket": self.basket(*wanted, **basket)})
        receipt: Mapping[str, Any] = getattr(outcome, "receipt", {})
        assert receipt, (outcome, detail)
        return list(receipt["order_ids"])

    def accept_all(self, order_id: str) -> None:
        with self.world.lock:
            self.portal.accept(order_id, dict.fromkeys(self.portal.order(order_id).lines, True))

    def state(self, order_id: str) -> str:
        return self.portal.order(order_id).state

    def debit(self, order_id: str, **changed: Any) -> dict[str, Any]:
        """What confirms the debit of an order."""
        order = self.portal.order(order_id)
        return {
            "order_id": order_id,
            "customer_id": "cust-1",
            "amount_minor": order.owed_minor,
            "currency": order.currency,
            "status": "OK",
            "transaction_number": "cap_1",
            "transaction_at": START.isoformat(),
            **changed,
        }

    def pay(self, order_id: str) -> None:
        """From acceptance to SHIPPING: the debit is read, charged elsewhere, confirmed."""
        self.accept_all(order_id)
        self.sweep("debits")
        outcome, detail = self.send("mirakl.confirm-debit", self.debit(order_id))
        assert self.state(order_id) == "SHIPPING", (outcome, detail)

    def applied(self, operation: str, key: str, system: str = "mirakl") -> int:
        """How often the other side really did it."""
        if system == "gateway":
            known = self.gateway_system.keys.calls.get(key)
            return known.applied if known else 0
        written = self.mirakl_system.platform.tables.written.get((operation, key))
        return written.applied if written else 0

    def authorise(self, amount_minor: int = 10_000, reference: str = "C-100", currency: str = "EUR") -> str:
        """Money held at the gateway for a basket."""
        held = self.gateway_system.authorise(
            reference=reference, amount_minor=amount_minor, currency=currency, customer_id="cust-1"
        )
        return held.id

    def told(self, topic: str) -> bytes:
        """The body of the last event of a topic that the gateway sent us."""
        self.world.tick()
        bodies = [request.body for request in self.webhooks if f'"type":"{topic}"'.encode() in request.body]
        return bodies[-1]


@dataclass(frozen=True)
class Sweep:
    """All pages of one run."""

    pages: Sequence[Page]

    @staticmethod
    def of(pages: Iterator[Page]) -> "Sweep":
        return Sweep(list(pages))

    @property
    def records(self) -> list[Received]:
        return [record for page in self.pages for record in page.received]

    @property
    def ids(self) -> list[str]:
        return [record.external_id for record in self.records]

    @property
    def cursor(self) -> str | None:
        """The last one a recorder would have stored."""
        moved = [page.cursor for page in self.pages if page.cursor is not None and page.problem is None]
        return moved[-1] if moved else None

    @property
    def problem(self) -> Problem | None:
        return self.pages[-1].problem if self.pages else None
