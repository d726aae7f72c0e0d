"""The system "walmart": its parts joined, its operations routed."""

from collections.abc import Callable
from typing import Any, Final

from entrepot.sandbox.core import Clock, Request, Response, World
from entrepot.sandbox.walmart import errors
from entrepot.sandbox.walmart.access import Access, Ceilings
from entrepot.sandbox.walmart.books import books_of
from entrepot.sandbox.walmart.errors import WalmartError
from entrepot.sandbox.walmart.feeds import Feeds, operation_of
from entrepot.sandbox.walmart.health import Health
from entrepot.sandbox.walmart.item_calls import ItemCalls
from entrepot.sandbox.walmart.ledger import Ledger
from entrepot.sandbox.walmart.notices import Notices
from entrepot.sandbox.walmart.order_calls import OrderCalls
from entrepot.sandbox.walmart.order_queries import OrderQueries
from entrepot.sandbox.walmart.orders import Orders
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.portal import Portal
from entrepot.sandbox.walmart.recon import Recon
from entrepot.sandbox.walmart.reports import FILE_PATH, Reports
from entrepot.sandbox.walmart.returns import Returns
from entrepot.sandbox.walmart.router import Call, Handler, Matches, Route, Router
from entrepot.sandbox.walmart.settings import Settings
from entrepot.sandbox.walmart.shelf import Shelf

TOKEN_PATH: Final = "/v3/token"
TOKEN_OPERATION: Final = "tokenAPI"
Add = Callable[..., None]
"""Registers one operation: API, operation id, method, path, handler, and what the query must say."""


class Walmart:
    """One seller's account. `portal` is the back office in process; `hub_url` hears the webhooks (None: nobody does).

    The machine clock is taken for uniformity with other channels: nothing Walmart signs carries a machine time.
    """

    def __init__(self, world: World, machine_clock: Clock, hub_url: str | None, settings: Settings) -> None:
        self.settings = settings
        self.platform = Platform(world, settings)
        self.ledger = Ledger(self.platform)
        self.notices = Notices(self.platform, hub_url)
        self.orders = Orders(self.platform, self.ledger, self.notices.order)
        self.shelf = Shelf(self.platform, self.notices.item)
        self.returns = Returns(self.platform, self.orders)
        self.health = Health(self.platform)
        self.access = Access(world, settings)
        self.ceilings = Ceilings(world, settings)
        self.router = self._routes()
        self.portal = Portal(
            self.platform, self.orders, self.shelf, self.returns, self.ledger, self.health, self.notices
        )

    # -- System ---------------------------------------------------------------------------------------------------

    def operation(self, request: Request) -> str | None:
        """The operation id of a request, as the interface description names it."""
        if (request.method, request.path) == ("POST", TOKEN_PATH):
            return TOKEN_OPERATION
        found = self.router.find(request)
        return found[0].operation if found else None

    def handle(self, request: Request) -> Response:
        """Answer one request: who, how often, then what."""
        try:
            if (request.method, request.path) == ("POST", TOKEN_PATH):
                return self.access.token(request)
            found = self.router.find(request)
            if found is None:
                code = "METHOD_NOT_ALLOWED" if self.router.known_path(request.path) else "URI_NOT_FOUND"
                raise WalmartError(code, errors.GATEWAY_API, f"No resource {request.method} {request.path}")
            if not found[0].open:
                self.access.check(request)
        except WalmartError as why:
            return why.response()
        return self._serve(found[0], Call(request, found[1]))

    def books(self) -> dict[str, Any]:
        """What this marketplace believes happened."""
        waiting = len(self.notices.waiting)
        return books_of(self.platform, self.ledger, self.health.rates(), waiting, self.notices.counts)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _serve(self, route: Route, call: Call) -> Response:
        may, headers = self.ceilings.take(route.operation)
        try:
            if not may:
                raise WalmartError("REQUEST_THRESHOLD_VIOLATED", errors.GATEWAY_API, "Too many requests")
            given = route.handler(call)
            return Response(given.status, {**given.headers, **headers}, given.body)
        except WalmartError as why:
            return why.response(headers)

    def _routes(self) -> Router:
        router = Router()

        def add(
            api: str, operation: str, method: str, path: str, handler: Handler, matches: Matches | None = None
        ) -> None:
            router.add(method, path, Route(operation, api, handler, matches))

        add(errors.GATEWAY_API, "getTokenDetail", "GET", "/v3/token/detail", lambda c: self.access.detail(c.request))
        self._order_routes(add)
        self._item_routes(add)
        self._report_routes(add)
        self._webhook_routes(add)
        reports = Reports(self.platform, self.notices)
        self._report_requests(add, reports)
        # Who has the signed address of a report needs no token.
        download = Route("getReportFile", errors.REPORT_API, reports.file, open=True)
        router.add("GET", f"{FILE_PATH}/{{name}}", download)
        return router

    def _order_routes(self, add: Add) -> None:
        api, queries, calls = errors.ORDER_API, OrderQueries(self.platform), OrderCalls(self.platform, self.orders)
        one = "/v3/orders/{purchaseOrderId}"
        add(api, "getAllReleasedOrders", "GET", "/v3/orders/released", queries.released)
        add(api, "getAllOrders", "GET", "/v3/orders", queries.all)
        add(api, "getAnOrder", "GET", one, queries.one)
        add(api, "acknowledgeOrders", "POST", f"{one}/acknowledge", calls.acknowledge)
        add(api, "shippingUpdates", "POST", f"{one}/shipping", calls.ship)
        add(api, "cancelOrderLines", "POST", f"{one}/cancel", calls.cancel)
        add(api, "refundOrderLines", "POST", f"{one}/refund", calls.refund)
        add(errors.RETURN_API, "getReturns", "GET", "/v3/returns", self.returns.search)
        add(errors.RETURN_API, "issueRefund", "POST", "/v3/returns/{returnOrderId}/refund", self.returns.refund)

    def _item_routes(self, add: Add) -> None:
        items, feeds = ItemCalls(self.platform, self.shelf), Feeds(self.platform, self.shelf)
        for operation in ("itemBulkUploads", "priceBulkUploads", "updateBulkInventory"):
            add(errors.FEED_API, operation, "POST", "/v3/feeds", feeds.post, _takes(operation))
        add(errors.FEED_API, "unknownFeed", "POST", "/v3/feeds", feeds.post)
        add(errors.FEED_API, "getAllFeedStatuses", "GET", "/v3/feeds", feeds.all)
        add(errors.FEED_API, "getFeedItemStatus", "GET", "/v3/feeds/{feedId}", feeds.one)
        add(errors.PRICE_API, "updatePrice", "PUT", "/v3/price", items.put_price)
        stock = errors.INVENTORY_API
        add(stock, "getInventory", "GET", "/v3/inventory", items.get_inventory)
        add(stock, "updateInventoryForAnItem", "PUT", "/v3/inventory", items.put_inventory)
        node = "/v3/inventories/{sku}"
        add(stock, "getMultiNodeInventoryForAllSkuAndAllShipNodes", "GET", "/v3/inventories", items.all_nodes)
        add(stock, "getMultiNodeInventoryForSkuAndAllShipnodes", "GET", node, items.get_nodes)
        add(stock, "updateMultiNodeInventory", "PUT", node, items.put_nodes)
        add(errors.ITEM_API, "getAllItems", "GET", "/v3/items", items.items)
        add(errors.ITEM_API, "getAnItem", "GET", "/v3/items/{id}", items.item)
        add(errors.ITEM_API, "retireAnItem", "DELETE", "/v3/items/{SKU}", items.retire)

    def _report_routes(self, add: Add) -> None:
        api, recon = errors.REPORT_API, Recon(self.platform, self.ledger)
        dates, file = "/v3/report/reconreport/availableReconFiles", "/v3/report/reconreport/reconFile"
        add(api, "getAvailableV1ReconReportDates", "GET", dates, recon.dates, _version_one)
        add(api, "getAvailableReconReportDates", "GET", dates, recon.dates)
        add(api, "getReconReportV1", "GET", file, recon.file, _version_one)
        add(api, "getReconReport", "GET", file, recon.legacy_file)
        add(api, "getReconReportJson", "GET", "/v3/report/reconreport/reconFileJson", recon.json_page)
        add(api, "getPartnerStatement", "GET", "/v3/report/payment/statement", recon.statement)
        add(api, "getPartnerPerformance", "GET", "/v3/report/payment/performance", self.health.call)

    def _report_requests(self, add: Add, reports: Reports) -> None:
        api, path = errors.REPORT_API, "/v3/reports/reportRequests"
        add(api, "generateReport", "POST", path, reports.ask)
        add(api, "getRequestsStatus", "GET", path, reports.search)
        add(api, "getRequestStatus", "GET", f"{path}/{{requestId}}", reports.status)
        add(api, "downloadReport", "GET", "/v3/reports/downloadReport", reports.address)

    def _webhook_routes(self, add: Add) -> None:
        api, notices = errors.WEBHOOK_API, self.notices
        add(api, "getEventTypes", "GET", "/v3/webhooks/eventTypes", notices.event_types)
        add(api, "testNotification", "POST", "/v3/webhooks/test", notices.test)
        add(api, "getAllSubscriptions", "GET", "/v3/webhooks/subscriptions", notices.search)
        add(api, "createSubscription", "POST", "/v3/webhooks/subscriptions", notices.create)
        one = "/v3/webhooks/subscriptions/{subscriptionId}"
        add(api, "updateSubscription", "PATCH", one, notices.update)
        add(api, "deleteSubscription", "DELETE", one, notices.delete)


def _takes(operation: str) -> Matches:
    return lambda request: operation_of(request.first("feedType") or "") == operation


def _version_one(request: Request) -> bool:
    return request.first("reportVersion") == "v1"
