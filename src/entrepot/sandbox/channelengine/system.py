"""The system "channelengine": its parts joined, its operations routed. Operations are named by the operation ids of the public specification."""

import hmac
import re
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from entrepot.sandbox.channelengine.books import books_of
from entrepot.sandbox.channelengine.catalogue import Catalogue
from entrepot.sandbox.channelengine.inbox import Inbox
from entrepot.sandbox.channelengine.lifecycle import Lifecycle
from entrepot.sandbox.channelengine.money import Money
from entrepot.sandbox.channelengine.offer_calls import OfferCalls
from entrepot.sandbox.channelengine.order_calls import OrderCalls
from entrepot.sandbox.channelengine.platform import Platform
from entrepot.sandbox.channelengine.portal import Portal
from entrepot.sandbox.channelengine.return_calls import ReturnCalls
from entrepot.sandbox.channelengine.settings import Settings
from entrepot.sandbox.channelengine.views import Views
from entrepot.sandbox.channelengine.webhooks import Webhooks
from entrepot.sandbox.channelengine.wire import Query, Refusal, Reply, refused
from entrepot.sandbox.core import Clock, Request, Response, World

PREFIX: Final = "/api"

Handler = Callable[..., Reply]
Route = tuple[str, str, re.Pattern[str], Handler]


class ChannelEngine:
    """One tenant. `portal` is what its channels and their buyers do; `hub_url` gets a webhook from the start (None: none)."""

    def __init__(self, world: World, machine_clock: Clock, hub_url: str | None, settings: Settings) -> None:
        self.settings = settings
        self.platform = Platform(world, settings)
        self.catalogue = Catalogue(self.platform)
        self.lifecycle = Lifecycle(self.platform, self.catalogue)
        self.views = Views(self.platform)
        self.returns = ReturnCalls(self.platform, self.lifecycle, self.views)
        self.money = Money(self.platform)
        self.webhooks = Webhooks(self.platform, machine_clock, hub_url)
        self.ceilings = Ceilings(self.platform)
        self.portal = Portal(self)
        self._routes = self._routed()

    def operation(self, request: Request) -> str | None:
        """The operation's id, "OrderAcknowledge"."""
        found = self._find(request)
        return found[0] if found else None

    def handle(self, request: Request) -> Response:
        """Answer one request: who, how often, then what."""
        log_id = self.platform.log_id()
        try:
            self._authenticate(request)
            found = self._find(request)
            if found is None:
                raise Refusal(404, f"No HTTP resource was found that matches {request.method} {request.path}.")
            operation, handler, ids = found
            headers = self.ceilings.take(operation)
            if "retry-after" in headers:
                return refused(Refusal(429, "API calls quota exceeded."), log_id, headers)
            answer = handler(request, *ids).response(log_id)
            return Response(answer.status, {**answer.headers, **headers}, answer.body)
        except Refusal as why:
            return refused(why, log_id)

    def books(self) -> dict[str, Any]:
        """What this channel manager believes happened."""
        return books_of(self)

    def _authenticate(self, request: Request) -> None:
        given = Query(request).one("apikey") or request.headers.get("x-ce-key", "")
        if not hmac.compare_digest(given.encode(), self.settings.api_key.encode()):
            raise Refusal(401, "The API key is missing or unknown.")

    def _find(self, request: Request) -> tuple[str, Handler, tuple[str, ...]] | None:
        path = request.path.removeprefix(PREFIX)
        for operation, method, pattern, handler in self._routes:
            match = pattern.fullmatch(path) if method == request.method else None
            if match:
                return operation, handler, match.groups()
        return None

    def _routed(self) -> list[Route]:
        orders = OrderCalls(self.platform, self.lifecycle, self.views)
        offers = OfferCalls(self.platform, self.catalogue, self.views)
        returns, money, hooks, inbox = self.returns, self.money, self.webhooks, Inbox(self.platform)
        table: tuple[tuple[str, str, str, Handler], ...] = (
            ("OrderGetNew", "GET", "orders/new", orders.get_new),
            ("OrderGetByFilter", "GET", "orders", orders.get_by_filter),
            ("OrderAcknowledge", "POST", "orders/acknowledge", orders.acknowledge),
            ("OrderUpdate", "PUT", "orders/comment", orders.comment),
            ("ShipmentCreate", "POST", "shipments", orders.ship),
            ("ShipmentIndex", "GET", "shipments/merchant", orders.shipments),
            ("ShipmentUpdate", "PUT", "shipments/([^/]+)", orders.update_shipment),
            ("CancellationCreate", "POST", "cancellations", orders.cancel),
            ("CancellationGetForMerchant", "GET", "cancellations/merchant", orders.cancellations),
            ("ReturnGetUnhandled", "GET", "returns/merchant/new", returns.get_unhandled),
            ("ReturnAcknowledge", "POST", "returns/merchant/acknowledge", returns.acknowledge),
            ("ReturnDeclareForMerchant", "POST", "returns/merchant", returns.create),
            ("ReturnGetDeclaredByChannel", "GET", "returns/merchant", returns.get_by_channel),
            ("ReturnGetByMerchantOrderNo", "GET", "returns/merchant/([^/]+)", returns.get_of_order),
            ("ReturnGetReturns", "GET", "returns", returns.get_all),
            ("ReturnUpdateForMerchant", "PUT", "returns", returns.receive),
            ("ProductCreate", "POST", "products", offers.create),
            ("ProductGetByFilter", "GET", "products", offers.products),
            ("ProductBulkDelete", "POST", "products/bulkdelete", offers.bulk_delete),
            ("ProductGetByMerchantProductNo", "GET", "products/([^/]+)", offers.product),
            ("ProductDelete", "DELETE", "products/([^/]+)", offers.delete),
            ("OfferStockPriceUpdate", "PUT", "offer", offers.set_offers),
            ("OfferStockUpdate", "PUT", "offer/stock", offers.set_stock),
            ("OfferGetStock", "GET", "offer/stock", offers.get_stock),
            ("StockLocationIndex", "GET", "stocklocations", offers.stock_locations),
            ("ChannelPluginsGet", "GET", "channels", offers.channels),
            ("ListedProductGetByFilter", "GET", "channels/([^/]+)/products", offers.listed),
            ("NotificationIndex", "GET", "notifications", inbox.index),
            ("WebhooksGetAll", "GET", "webhooks", hooks.get_all),
            ("WebhooksCreate", "POST", "webhooks", hooks.create),
            ("WebhooksUpdate", "PUT", "webhooks", hooks.update),
            ("WebhooksDelete", "DELETE", "webhooks/([^/]+)", hooks.delete),
            ("SettlementGetByFilter", "GET", "settlements", money.index),
            ("ReportCreateSettlementsReport", "POST", "reports/settlements", money.create_report),
            ("ReportGetStatus", "GET", "reports/([^/]+)/status", money.report_status),
            ("ReportGetReport", "GET", "reports/([^/]+)", money.report),
        )
        return [(operation, method, re.compile(f"/v2/{path}"), do) for operation, method, path, do in table]


class Ceilings:
    """Call ceilings per operation, in business seconds; the headers tell how much is left. Refused calls do not count."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._served: dict[str, deque[datetime]] = {}

    def take(self, operation: str) -> dict[str, str]:
        """The headers of this call's answer; with `retry-after` it is refused."""
        ceiling = self._platform.settings.ceilings.get(operation)
        if ceiling is None:
            return {}
        most, seconds = ceiling
        now, window = self._platform.now(), timedelta(seconds=seconds)
        served = self._served.setdefault(operation, deque())
        while served and served[0] <= now - window:
            served.popleft()
        headers = {"x-rate-limit-limit": f"{ceil(seconds / 60)}m"}
        if len(served) >= most:
            wait = ceil((served[0] + window - now).total_seconds())
            return {**headers, "x-rate-limit-remaining": "0", "retry-after": str(max(1, wait))}
        served.append(now)
        return {**headers, "x-rate-limit-remaining": str(most - len(served))}
