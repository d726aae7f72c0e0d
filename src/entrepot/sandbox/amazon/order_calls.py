"""Orders over HTTP: both versions of reading, and the one way of confirming a shipment."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from entrepot.sandbox.amazon import wire
from entrepot.sandbox.amazon.errors import invalid
from entrepot.sandbox.amazon.order_view import DATASETS, order_json
from entrepot.sandbox.amazon.order_view_v0 import address_v0, buyer_v0, item_v0, order_v0
from entrepot.sandbox.amazon.orders import Orders
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.router import Router
from entrepot.sandbox.amazon.state import V0_STATUS, Order, Package
from entrepot.sandbox.amazon.wire import Call, Pages, blank
from entrepot.sandbox.core import Request, Response, json_response

PAGE_MAX: Final = 100
V0: Final = "/orders/v0/orders"
V2026: Final = "/orders/2026-01-01/orders"
FULFILLED_BY: Final = {"MERCHANT": "seller", "AMAZON": "amazon", "MFN": "seller", "AFN": "amazon"}


class Window:
    """Which orders a search looks at: by creation or by last change, up to shortly before now.

    Errors: InvalidInput when both or neither is asked for, or the end is not two minutes old.
    """

    def __init__(self, request: Request, now: datetime, lag_end: datetime, names: tuple[str, str, str, str]) -> None:
        created, created_end, updated, updated_end = (wire.date_parameter(request, name) for name in names)
        if (created is None) == (updated is None):
            raise invalid(f"Exactly one of {names[0]} and {names[2]} must be provided.")
        if (created and updated_end) or (updated and created_end):
            raise invalid(f"{names[1]} goes with {names[0]}, {names[3]} with {names[2]}.")
        self.by_creation = created is not None
        self.since = created or updated or now
        until = created_end if self.by_creation else updated_end
        if until is not None and (until > lag_end or until < self.since):
            raise invalid("The end of the window must be after its start and two minutes before the request.")
        self.until = until or lag_end

    def at(self, order: Order) -> datetime:
        """The instant by which an order is looked at."""
        return order.placed_at if self.by_creation else order.updated_at

    def place(self, order: Order) -> str:
        """Where an order stands in the list."""
        return f"{wire.stamp_ms(self.at(order))} {order.order_id}"

    def holds(self, order: Order) -> bool:
        """Whether an order is inside; shown instants are whole seconds, so the start is taken generously."""
        return self.since.replace(microsecond=0) <= self.at(order) <= self.until


class OrderCalls:
    """The order operations."""

    def __init__(self, platform: Platform, orders: Orders, pages: Pages) -> None:
        self._platform = platform
        self._orders = orders
        self._pages = pages
        self._market = platform.market

    def add_to(self, router: Router) -> None:
        """Register the operations."""
        router.add("searchOrders", "GET", V2026, self.search)
        router.add("getOrder", "GET", f"{V2026}/{{order_id}}", self.get)
        router.add("v0.getOrders", "GET", V0, self.get_orders_v0)
        router.add("v0.getOrder", "GET", f"{V0}/{{order_id}}", self.get_v0)
        router.add("v0.getOrderItems", "GET", f"{V0}/{{order_id}}/orderItems", self.items_v0)
        router.add("v0.getOrderAddress", "GET", f"{V0}/{{order_id}}/address", self.address_v0)
        router.add("v0.getOrderBuyerInfo", "GET", f"{V0}/{{order_id}}/buyerInfo", self.buyer_v0)
        router.add("confirmShipment", "POST", f"{V0}/{{order_id}}/shipmentConfirmation", self.confirm)

    # -- 2026-01-01 ------------------------------------------------------------------------------------------------

    def search(self, call: Call) -> Response:
        """searchOrders."""
        request = self._pages.recall(call.request, "paginationToken", "searchOrders")
        asked = wire.words_parameter(request, "includedData", DATASETS)
        statuses = wire.words_parameter(request, "fulfillmentStatuses", V0_STATUS)
        parties = {FULFILLED_BY[word] for word in wire.words_parameter(request, "fulfilledBy", ("MERCHANT", "AMAZON"))}
        names = ("createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore")
        window = self._window(request, names)
        size = wire.count_parameter(request, "maxResultsPerPage", PAGE_MAX, PAGE_MAX)
        found = self._found(request, "marketplaceIds", window, statuses, parties)
        page, token = self._pages.cut(found, size, window.place, request, "paginationToken", "searchOrders")
        return json_response(
            200,
            {
                "orders": [order_json(order, self._market, asked) for order in page],
                "pagination": {"nextToken": token} if token else None,
                "lastUpdatedBefore": None if window.by_creation else wire.stamp(window.until),
                "createdBefore": wire.stamp(window.until) if window.by_creation else None,
            },
        )

    def get(self, call: Call) -> Response:
        """getOrder of 2026-01-01."""
        asked = wire.words_parameter(call.request, "includedData", DATASETS)
        order = self._platform.order(call.ids["order_id"])
        return json_response(200, {"order": order_json(order, self._market, asked)})

    def _window(self, request: Request, names: tuple[str, str, str, str]) -> Window:
        now = self._platform.now()
        return Window(request, now, now - self._platform.settings.read_lag, names)

    def _found(
        self, request: Request, markets: str, window: Window, statuses: list[str], parties: set[str]
    ) -> list[Order]:
        asked_markets = request.every(markets)
        if asked_markets and self._market.marketplace_id not in asked_markets:
            return []
        return [
            order
            for order in self._platform.orders.values()
            if window.holds(order)
            and (not statuses or order.status in statuses)
            and (not parties or order.fulfilled_by in parties)
        ]

    # -- v0 --------------------------------------------------------------------------------------------------------

    def get_orders_v0(self, call: Call) -> Response:
        """getOrders."""
        request = self._pages.recall(call.request, "NextToken", "v0.getOrders")
        if not request.every("MarketplaceIds"):
            raise invalid("MarketplaceIds is required.")
        words = wire.words_parameter(request, "OrderStatuses", (*V0_STATUS.values(), "InvoiceUnconfirmed"))
        statuses = [status for status, word in V0_STATUS.items() if word in words]
        parties = {FULFILLED_BY[word] for word in wire.words_parameter(request, "FulfillmentChannels", ("MFN", "AFN"))}
        size = wire.count_parameter(request, "MaxResultsPerPage", PAGE_MAX, PAGE_MAX)
        ids = request.every("AmazonOrderIds")
        if ids:
            found = [self._platform.orders[one] for one in ids if one in self._platform.orders]
            return self._listed_v0([order_v0(order, self._market) for order in found], None, None)
        window = self._window(request, ("CreatedAfter", "CreatedBefore", "LastUpdatedAfter", "LastUpdatedBefore"))
        found = [] if words and not statuses else self._found(request, "MarketplaceIds", window, statuses, parties)
        wanted = request.first("SellerOrderId")
        if wanted:
            found = [order for order in found if (order.merchant_order_id or order.order_id) == wanted]
        page, token = self._pages.cut(found, size, window.place, request, "NextToken", "v0.getOrders")
        return self._listed_v0([order_v0(order, self._market) for order in page], token, window)

    def _listed_v0(self, orders: list[dict[str, Any]], token: str | None, window: Window | None) -> Response:
        until = None if window is None else wire.stamp(window.until)
        payload = {
            "Orders": orders,
            "NextToken": token,
            "LastUpdatedBefore": None if window is None or window.by_creation else until,
            "CreatedBefore": until if window is not None and window.by_creation else None,
        }
        return json_response(200, {"payload": payload, "errors": []})

    def get_v0(self, call: Call) -> Response:
        """getOrder of v0."""
        return self._answer_v0(call, lambda order: order_v0(order, self._market))

    def items_v0(self, call: Call) -> Response:
        """getOrderItems; all of them on one page."""
        return self._answer_v0(
            call,
            lambda order: {
                "OrderItems": [item_v0(order, line, self._market) for line in order.lines.values()],
                "NextToken": None,
                "AmazonOrderId": order.order_id,
            },
        )

    def address_v0(self, call: Call) -> Response:
        """getOrderAddress; null while the order is pending."""
        return self._answer_v0(
            call,
            lambda order: {
                "AmazonOrderId": order.order_id,
                "BuyerCompanyName": None,
                "ShippingAddress": None if order.pending else address_v0(order, self._market),
                "DeliveryPreferences": None,
            },
        )

    def buyer_v0(self, call: Call) -> Response:
        """getOrderBuyerInfo; nothing but the id while the order is pending."""
        return self._answer_v0(
            call,
            lambda order: {
                "AmazonOrderId": order.order_id,
                **(
                    blank("BuyerEmail", "BuyerName", "BuyerCounty", "BuyerTaxInfo", "PurchaseOrderNumber")
                    if order.pending
                    else buyer_v0(order, self._market)
                ),
            },
        )

    def _answer_v0(self, call: Call, view: Callable[[Order], dict[str, Any]]) -> Response:
        return json_response(200, {"payload": view(self._platform.order(call.ids["order_id"])), "errors": []})

    # -- shipping --------------------------------------------------------------------------------------------------

    def confirm(self, call: Call) -> Response:
        """confirmShipment: one parcel, known by its packageReferenceId. 204 without a body."""
        body = wire.body_of(call.request)
        if wire.text(body, "marketplaceId") != self._market.marketplace_id:
            raise invalid("The marketplaceId is not valid for this order.")
        detail = body.get("packageDetail")
        if not isinstance(detail, dict):
            raise invalid("'packageDetail' is required.")
        order = self._platform.order(call.ids["order_id"])
        package = self._package(detail, order)
        is_new = all(known.key != package.key for known in order.packages)
        if self._orders.ship(order, package):
            operation = "confirmShipment" if is_new else "confirmShipment.renewed"
            self._platform.count_applied(operation, f"{order.order_id}/{package.key}")
        return Response(204)

    def _package(self, detail: Mapping[str, Any], order: Order) -> Package:
        key = wire.text(detail, "packageReferenceId")
        if not key.isdecimal() or int(key) < 1:
            raise invalid("'packageReferenceId' must be a positive number.", key)
        carrier = wire.text(detail, "carrierCode")
        name = wire.optional_text(detail, "carrierName")
        if carrier.lower() in ("other", "others") and not name:
            raise invalid("'carrierName' is required when 'carrierCode' is Others.")
        items: dict[str, int] = {}
        for row in wire.rows(detail, "orderItems"):
            line_id, count = wire.text(row, "orderItemId"), row.get("quantity")
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise invalid("'quantity' must be a positive number.")
            items[line_id] = items.get(line_id, 0) + count
        now = self._platform.now()
        shipped_at = wire.instant(wire.text(detail, "shipDate"), "shipDate")
        return Package(
            key=key,
            carrier=carrier,
            carrier_name=name,
            method=wire.optional_text(detail, "shippingMethod"),
            tracking=wire.text(detail, "trackingNumber"),
            shipped_at=shipped_at,
            created_at=now,
            items=items,
            confirmed_late=now > order.ship_by,
        )
