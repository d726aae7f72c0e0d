"""Reading orders: all of them, those still in Created, and one. Lists go on by a cursor.

Shape of the cursor, as published: a query string to append ("?limit=10&hasMoreElements=true&soIndex=..&poIndex=..").
[guess] poIndex is the number of the last order shown, so that orders which leave the list in between move nothing.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.walmart.errors import ORDER_API, bad_parameter
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.render import order_json, single_json
from entrepot.sandbox.walmart.router import Call
from entrepot.sandbox.walmart.state import (
    ACKNOWLEDGED,
    BY_MARKETPLACE,
    BY_SELLER,
    CANCELLED,
    CREATED,
    DELIVERED,
    REFUND,
    SHIPPED,
    Line,
    Order,
)
from entrepot.sandbox.walmart.wire import answer, date_parameter, number_parameter

HISTORY: Final = timedelta(days=180)
DEFAULT_HISTORY: Final = timedelta(days=7)
LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 200
NODE_TYPES: Final = {"SellerFulfilled": BY_SELLER, "WFSFulfilled": BY_MARKETPLACE, "3PLFulfilled": None}
CURSOR_NAMES: Final = ("hasMoreElements", "soIndex", "poIndex", "partnerId", "sellerId")
HAS: Final[dict[str, Callable[[Line], bool]]] = {
    CREATED: lambda line: line.created > 0,
    ACKNOWLEDGED: lambda line: line.acknowledged > 0,
    SHIPPED: lambda line: any(p.delivered_at is None and p.refunded < p.quantity for p in line.parcels),
    DELIVERED: lambda line: any(p.delivered_at is not None and p.refunded < p.quantity for p in line.parcels),
    CANCELLED: lambda line: line.cancelled_units > 0,
    REFUND: lambda line: line.refunded_units > 0,
}

Test = Callable[[Order], bool]


class OrderQueries:
    """Lists and single orders."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def all(self, call: Call) -> Response:
        """Orders by filter; without a date, those of the last seven days."""
        request = call.request
        tests = self._tests(request)
        statuses = request.every("status")
        for word in statuses:
            if word not in HAS:
                raise bad_parameter(ORDER_API, "status", f"{word!r} is no status")
        if statuses:
            tests.append(lambda order: any(HAS[word](line) for word in statuses for line in order.lines))
        return self._list(request, tests, self._platform.settings.orders_listed_max)

    def released(self, call: Call) -> Response:
        """Orders with a line still in Created: what has not been acknowledged. [guess] all 180 days by default."""
        tests = self._tests(call.request, history=HISTORY)
        tests.append(lambda order: any(line.created for line in order.lines))
        return self._list(call.request, tests, self._platform.settings.released_listed_max)

    def one(self, call: Call) -> Response:
        """One order."""
        order = self._platform.order(call.ids["purchaseOrderId"])
        with_products = call.request.first("productInfo") == "true"
        return answer(200, single_json(order, self._platform.settings, product_info=with_products))

    # -- inside ---------------------------------------------------------------------------------------------------

    def _tests(self, request: Request, history: timedelta = DEFAULT_HISTORY) -> list[Test]:
        now = self._platform.now()
        since = date_parameter(ORDER_API, request, "createdStartDate")
        modified = date_parameter(ORDER_API, request, "lastModifiedStartDate")
        named = request.first("purchaseOrderId") or request.first("customerOrderId")
        if since is None:
            # [guess] the default of seven days is for a bare listing; whoever asks by change or by number means all.
            since = now - (HISTORY if modified or named else history)
        since = max(since, now - HISTORY)
        tests: list[Test] = [lambda order: order.placed_at >= since]
        for name, reads in (
            ("createdEndDate", lambda order: order.placed_at),
            ("lastModifiedEndDate", lambda order: order.changed_at),
            ("toExpectedShipDate", lambda order: order.ship_by),
        ):
            until = date_parameter(ORDER_API, request, name)
            if until is not None:
                tests.append(_before(reads, until))
        for name, reads in (
            ("lastModifiedStartDate", lambda order: order.changed_at),
            ("fromExpectedShipDate", lambda order: order.ship_by),
        ):
            start = date_parameter(ORDER_API, request, name)
            if start is not None:
                tests.append(_not_before(reads, start))
        return [*tests, *_named(request)]

    def _list(self, request: Request, tests: list[Test], most: int) -> Response:
        limit = number_parameter(ORDER_API, request, "limit", LIMIT_DEFAULT, LIMIT_MAX, 1)
        after = number_parameter(ORDER_API, request, "poIndex", 0, 10**12)
        found = [order for order in self._platform.orders.values() if all(test(order) for test in tests)]
        if len(found) > most:
            raise bad_parameter(ORDER_API, "createdStartDate", f"more than {most} orders match; narrow the dates")
        rest = [order for order in found if order.sequence > after]
        shown = rest[:limit]
        settings, with_products = self._platform.settings, request.first("productInfo") == "true"
        meta = {
            "totalCount": len(found),
            "limit": limit,
            "nextCursor": self._cursor(request, shown[-1], limit) if len(rest) > limit else None,
        }
        elements = [order_json(order, settings, product_info=with_products) for order in shown]
        return answer(200, {"list": {"errors": [], "meta": meta, "elements": {"order": elements}}})

    def _cursor(self, request: Request, last: Order, limit: int) -> str:
        kept: list[tuple[str, Any]] = [
            (name, value) for name, value in request.query if name not in CURSOR_NAMES and name != "limit"
        ]
        place = {
            "limit": limit,
            "hasMoreElements": "true",
            "soIndex": last.sequence,
            "poIndex": last.sequence,
            "partnerId": self._platform.settings.partner_id,
            "sellerId": self._platform.settings.partner_id[-5:],
        }
        return "?" + urlencode([*place.items(), *kept])


def _before(reads: Callable[[Order], datetime], until: datetime) -> Test:
    return lambda order: reads(order) <= until


def _not_before(reads: Callable[[Order], datetime], start: datetime) -> Test:
    return lambda order: reads(order) >= start


def _named(request: Request) -> list[Test]:
    tests: list[Test] = []
    sku, customer, number = (request.first(name) for name in ("sku", "customerOrderId", "purchaseOrderId"))
    if sku:
        tests.append(lambda order: any(line.sku == sku for line in order.lines))
    if customer:
        tests.append(lambda order: order.customer_order_id == customer)
    if number:
        tests.append(lambda order: order.order_id == number)
    nodes = request.every("shipNodeType") or ["SellerFulfilled"]
    for node in nodes:
        if node not in NODE_TYPES:
            raise bad_parameter(ORDER_API, "shipNodeType", f"{node!r} is no type of ship node")
    by = {NODE_TYPES[node] for node in nodes}
    tests.append(lambda order: order.fulfilled_by in by)
    return tests
