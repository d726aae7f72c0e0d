"""The system "backoffice": its desks joined, its API routed, its books opened."""

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from entrepot.sandbox.back_office import books, fields, views
from entrepot.sandbox.back_office.model import Refusal
from entrepot.sandbox.back_office.order_desk import OrderDesk
from entrepot.sandbox.back_office.platform import LISTS, Platform
from entrepot.sandbox.back_office.portal import Portal
from entrepot.sandbox.back_office.returns_desk import ReturnsDesk
from entrepot.sandbox.back_office.settings import API_VERSION, Settings
from entrepot.sandbox.back_office.stockroom import Stockroom
from entrepot.sandbox.core import Clock, Request, Response, World, json_response

# A number may hold slashes: a path arrives with its quoting taken off.
ROUTES: Final = tuple(
    (method, re.compile(path), operation)
    for method, path, operation in (
        ("POST", "/orders/(.+)/cancellations", "cancel-order"),
        ("PUT", "/orders/(.+)", "import-order"),
        ("GET", "/orders/(.+)", "order"),
        ("PUT", "/refunds/(.+)", "book-refund"),
        ("GET", "/refunds/(.+)", "refund"),
        ("GET", "/version", "version"),
        *(("GET", f"/{name}", name) for name in LISTS.values()),
    )
)
TOPIC_OF: Final = {name: topic for topic, name in LISTS.items()}


class BackOffice:
    """One company's OMS, ERP and PIM. `portal` is its people in process; `hub_url` hears its webhooks (None: nobody does)."""

    def __init__(self, world: World, machine_clock: Clock, hub_url: str | None, settings: Settings) -> None:
        self.settings = settings
        self.platform = Platform(world, machine_clock, hub_url, settings)
        self.stockroom = Stockroom(self.platform)
        self.orders = OrderDesk(self.platform, self.stockroom)
        self.returns = ReturnsDesk(self.platform, self.stockroom)
        self.portal = Portal(self.platform, self.stockroom, self.orders, self.returns)
        self._authorization = f"Bearer {settings.key}".encode()
        self._calls: Mapping[str, Callable[..., Response]] = {
            "cancel-order": self._cancel_order,
            "import-order": self._import_order,
            "order": self._order,
            "book-refund": self._book_refund,
            "refund": self._refund,
            "version": self._version,
        }

    def operation(self, request: Request) -> str | None:
        asked = self.platform.post.queue.operation(request)
        if asked is not None:
            return asked
        found = _route(request)
        return found[0] if found else None

    def handle(self, request: Request) -> Response:
        """Answer one request: who, then what. The queue knows its own callers."""
        if self.platform.post.queue.operation(request) is not None:
            return self.platform.post.queue.handle(request)
        try:
            self._authenticate(request)
            found = _route(request)
            if found is None:
                raise Refusal(404, "no-such-call", f"there is no {request.method} {request.path}")
            operation, ids = found
            if operation in TOPIC_OF:
                return self._list(operation, request)
            return self._calls[operation](request, *ids)
        except Refusal as no:
            return json_response(no.status, {"code": no.code, "message": no.message, "field": no.where})

    def books(self) -> dict[str, Any]:
        """What this back office believes happened."""
        return books.books_of(self.platform, self.stockroom, self.orders, self.returns)

    # -- the API ----------------------------------------------------------------------------------------------------

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._authorization):
            raise Refusal(401, "unauthorised", "the key is missing or wrong")

    def _import_order(self, request: Request, number: str) -> Response:
        order, new = self.orders.book(number, fields.content_of(request))
        return json_response(201 if new else 200, views.receipt(order))

    def _order(self, _request: Request, number: str) -> Response:
        return json_response(200, views.order(self.orders.found(number)))

    def _cancel_order(self, request: Request, number: str) -> Response:
        return json_response(200, {"state": self.orders.cancel(number, fields.content_of(request))})

    def _book_refund(self, request: Request, refund: str) -> Response:
        booked, new = self.orders.book_refund(refund, fields.content_of(request))
        return json_response(201 if new else 200, {"refund": booked.refund, "document_number": booked.document_number})

    def _refund(self, _request: Request, refund: str) -> Response:
        if refund not in self.orders.refunds:
            raise Refusal(404, "not-found", f"no refund {refund}", "refund")
        return json_response(200, views.refund(self.orders.refunds[refund]))

    def _version(self, _request: Request) -> Response:
        return json_response(200, {"version": API_VERSION})

    def _list(self, name: str, request: Request) -> Response:
        found, following = self.platform.feeds[TOPIC_OF[name]].page(fields.since(request), request.first("cursor"))
        return json_response(200, {name: found, "next": following})


def _route(request: Request) -> tuple[str, tuple[str, ...]] | None:
    for method, pattern, operation in ROUTES:
        match = pattern.fullmatch(request.path) if method == request.method else None
        if match:
            return operation, match.groups()
    return None
