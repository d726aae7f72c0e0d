"""A back office in process, a clock moved by hand, and somebody who hears its webhooks. Requests are written by hand."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from entrepot.sandbox.back_office import Article, BackOffice, Settings
from entrepot.sandbox.core import Hang, Request, Response, World

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SYSTEM = "backoffice"
NUMBER = "amazon-de/main:303-1234567-1234567"
ARTICLES = (
    Article("LAMP-1", "Brass lamp", 4_990, 20, gtin="4006381333931", category="lamps", brand="Quay"),
    Article(
        "BELL-1", "Ship's bell", 8_900, 5, images=("https://images.example/bell.jpg",), attributes={"metal": "brass"}
    ),
    Article("MAP-1", "Sea map", 1_250, prices={"ebay-de": 1_390}, stock={"main": 3, "north": 4}),
)
CERTAIN = {"give_up_chance": 0.0, "two_parcels_chance": 0.0, "reject_chance": 0.0}


class Office:
    """Nothing goes wrong in it unless `settings` say so."""

    def __init__(
        self, *, articles: Sequence[Article] = ARTICLES, seed: int = 1, pushes: bool = True, **settings: Any
    ) -> None:
        self.at = START
        self.heard: list[Request] = []
        self.says = 204
        self.settings = Settings(**{**CERTAIN, **settings})
        self.world = World(lambda: self.at, seed, self._hear)
        hub = "http://hub.example" if pushes else None
        self.system = BackOffice(self.world, lambda: self.at, hub, self.settings)
        self.world.mount(SYSTEM, self.system)
        self.portal = self.system.portal
        self.portal.seed(articles)

    def _hear(self, _url: str, request: Request) -> Response | Hang:
        self.heard.append(request)
        return Response(self.says) if self.says else Hang(applied=False)

    def move(self, **by: float) -> None:
        """Let time pass, running all that becomes due at its moment."""
        until = self.at + timedelta(**by)
        while (due := self.world.next_due()) is not None and due <= until:
            self.at = max(self.at, due)
            self.world.tick()
        self.at = until
        self.world.tick()

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None, **query: str) -> Response:
        """One call; the path as on the wire."""
        headers = {"authorization": f"Bearer {key or self.settings.key}"}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = self.world.handle(SYSTEM, Request(method, unquote(path), tuple(query.items()), headers, raw))
        assert isinstance(answer, Response)
        return answer

    def book(self, *lines: tuple[str, str, int], number: str = NUMBER, **changed: Any) -> Response:
        return self.call("PUT", f"/orders/{number}", order(*lines, number=number, **changed))

    def order(self, number: str = NUMBER) -> Any:
        return self.call("GET", f"/orders/{number}").json()

    def line(self, line_id: str = "1", number: str = NUMBER) -> dict[str, Any]:
        return next(one for one in self.order(number)["lines"] if one["line_id"] == line_id)

    def cancel(
        self, *lines: tuple[str, int], cancellation: str = "K-1", number: str = NUMBER, reason: str = "buyer-asked"
    ) -> Response:
        body = {"cancellation": cancellation, "reason": reason, "lines": quantities(lines)}
        return self.call("POST", f"/orders/{number}/cancellations", body)

    def listed(self, name: str, **query: str) -> Any:
        return self.call("GET", f"/{name}", **query).json()[name]

    def pushed(self, topic: str) -> list[Any]:
        self.world.tick()
        events = [json.loads(request.body) for request in self.heard]
        return [event["data"] for event in events if event["type"] == topic]

    def books(self) -> dict[str, Any]:
        return self.system.books()


def quantities(lines: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"line_id": line_id, "quantity": quantity} for line_id, quantity in lines]


def order(*lines: tuple[str, str, int], number: str = NUMBER, **changed: Any) -> dict[str, Any]:
    """Lines of (line id, article, pieces) at 10.00 a piece."""
    return {
        "number": number,
        "account": number.partition(":")[0],
        "order_id": number.partition(":")[2],
        "currency": "EUR",
        "placed_at": "2026-11-02T08:59:00Z",
        "ship_by": "2026-11-03T18:00:00+01:00",
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
            for line_id, sku, quantity in (lines or (("1", "LAMP-1", 2), ("2", "BELL-1", 1)))
        ],
        **changed,
    }


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
