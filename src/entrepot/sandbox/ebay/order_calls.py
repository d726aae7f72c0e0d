"""The Fulfillment interface: read orders, ship them, refund them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.ebay import filters
from entrepot.sandbox.ebay.errors import EbayError, fulfillment, invalid_order
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.order_view import FULFILLMENT_PATH, OrderView
from entrepot.sandbox.ebay.orders import Orders
from entrepot.sandbox.ebay.paging import number, page
from entrepot.sandbox.ebay.router import Call
from entrepot.sandbox.ebay.state import SELLER, Dispute, Inquiry, Order, Return, Shipment
from entrepot.sandbox.ebay.wire import answer, instant, minor_of, obj, objects, stamp, whole

LIMIT_DEFAULT, LIMIT_MAX, IDS_MAX = 50, 200, 50
TWO_YEARS: Final = timedelta(days=731)
NINETY_DAYS: Final = timedelta(days=90)
COMMENT_MAX: Final = 1000
FUTURE_SLACK: Final = timedelta(minutes=2)
STATUS_FILTERS: Final = (
    # The specification supports these combinations only; one word alone is served by the real thing too [guess].
    frozenset({"NOT_STARTED", "IN_PROGRESS"}),
    frozenset({"FULFILLED", "IN_PROGRESS"}),
    frozenset({"NOT_STARTED"}),
    frozenset({"IN_PROGRESS"}),
    frozenset({"FULFILLED"}),
)
REFUND_REASONS: Final = frozenset(
    {
        "BUYER_CANCEL",
        "SELLER_CANCEL",
        "ITEM_NOT_RECEIVED",
        "BUYER_RETURN",
        "ITEM_NOT_AS_DESCRIBED",
        "OTHER_ADJUSTMENT",
        "SHIPPING_DISCOUNT",
    }
)


class OrderCalls:
    """getOrders, getOrder, shipping fulfilments and issueRefund."""

    def __init__(self, market: Market, orders: Orders, view: OrderView) -> None:
        self._market = market
        self._orders = orders
        self._view = view

    # -- reading ---------------------------------------------------------------------------------------------------

    def get_order(self, call: Call) -> Response:
        """getOrder: with its cancel requests."""
        _check_field_groups(call.request)
        order = self._market.orders.get(call.ids["orderId"])
        if order is None:
            raise fulfillment(32100, f"Invalid order ID: {call.ids['orderId']}", 404)
        return answer(200, self._view.order(order, alone=True))

    def get_orders(self, call: Call) -> Response:
        """getOrders: by ids, or by filter; oldest first."""
        request = call.request
        _check_field_groups(request)
        ids = request.every("orderIds")
        if ids:
            if len(ids) > IDS_MAX:
                raise fulfillment(30900, f"Exceeded maximum number of order IDs (the current limit is {IDS_MAX})")
            found = [self._market.orders[one] for one in ids if one in self._market.orders]
            limit, offset = IDS_MAX, 0
        else:
            wrong_limit = fulfillment(31100, f"Invalid limit: {request.first('limit')}")
            wrong_offset = fulfillment(31000, f"Invalid offset: {request.first('offset')}")
            limit = number(request, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX, wrong_limit)
            offset = number(request, "offset", 0, 0, 10**9, wrong_offset)
            found = self._found(_parsed(request))
        body = page(
            request,
            self._market.settings.base_url,
            found,
            "orders",
            lambda order: self._view.order(order, alone=False),
            limit,
            offset,
        )
        return answer(200, {**body, "warnings": []})

    def _found(self, asked: filters.Filters) -> list[Order]:
        now = self._market.now()
        unknown = asked.names - {"creationdate", "lastmodifieddate", "orderfulfillmentstatus"}
        if unknown:
            raise fulfillment(30700, f"Invalid filter name: {min(unknown)}")
        statuses = asked.choices.get("orderfulfillmentstatus")
        if statuses is not None and statuses not in STATUS_FILTERS:
            words = "|".join(sorted(statuses))
            raise fulfillment(30800, f"Invalid filter value {words} for filter orderfulfillmentstatus")
        for span in asked.ranges.values():
            _check_range(span, now)
        created, modified = asked.ranges.get("creationdate"), asked.ranges.get("lastmodifieddate")
        if not asked.names:
            created = filters.Range(now - NINETY_DAYS, None)
        elif created is not None:
            modified = None  # documented: with both, only the creation date is used
        found = [
            order
            for order in self._market.orders.values()
            if (statuses is None or order.fulfillment in statuses)
            and (created is None or created.holds(order.placed_at))
            and (modified is None or modified.holds(order.modified_at))
        ]
        if modified is not None:
            found.sort(key=lambda order: order.modified_at)
        return found

    def get_fulfillments(self, call: Call) -> Response:
        """getShippingFulfillments."""
        order = self._order(call)
        rows = [fulfillment_view(one) for one in order.shipments]
        return answer(200, {"fulfillments": rows, "total": len(rows), "warnings": []})

    def get_fulfillment(self, call: Call) -> Response:
        """getShippingFulfillment."""
        order, key = self._order(call), call.ids["fulfillmentId"]
        for shipment in order.shipments:
            if shipment.key == key:
                return answer(200, fulfillment_view(shipment))
        raise fulfillment(32110, f"Invalid shipping fulfillment ID: {key}", 404)

    # -- shipping --------------------------------------------------------------------------------------------------

    def create_fulfillment(self, call: Call) -> Response:
        """createShippingFulfillment: one parcel; 201 with its address."""
        order = self._order(call)
        body = call.body(fulfillment(32600, "Invalid input data"))
        if order.paid_at is None or order.cancelled_at is not None or order.fulfilled_by != SELLER:
            raise fulfillment(32600, "Invalid input data: this order cannot be shipped")
        carrier, tracking = _tracking(body)
        if tracking is not None and any(one.tracking == tracking for one in order.shipments):
            raise fulfillment(34500, "Please use PUT operation for updating shipping fulfillment")
        lines = _shipped_lines(order, body)
        shipped_on = self._shipped_on(order, body.get("shippedDate"))
        shipment = self._orders.ship(order, lines, carrier, tracking, shipped_on)
        self._market.did("createShippingFulfillment", f"{order.order_id}/{shipment.key}")
        path = f"{FULFILLMENT_PATH}/order/{order.order_id}/shipping_fulfillment/{shipment.key}"
        return answer(201, {}, {"location": f"{self._market.settings.base_url}{path}"})

    def _shipped_on(self, order: Order, given: object) -> datetime | None:
        if given is None:
            return None
        at = instant(given) if isinstance(given, str) else None
        if at is None or at > self._market.now() + FUTURE_SLACK or at < order.placed_at - FUTURE_SLACK:
            raise fulfillment(32500, "Invalid shipped date")
        return at

    # -- refunding -------------------------------------------------------------------------------------------------

    def issue_refund(self, call: Call) -> Response:
        """issueRefund: of the order, or of lines, for one reason; done a little later."""
        order = self._market.orders.get(call.ids["order_id"])
        body = call.body(fulfillment(34902, "Request can't be empty."))
        if not body:
            raise fulfillment(34902, "Request can't be empty.")
        if order is None:
            raise fulfillment(34913, "Can not find the order.", 404)
        reason = body.get("reasonForRefund")
        if reason not in REFUND_REASONS:
            raise fulfillment(34903, "The refund reason must be specified.")
        if len(str(body.get("comment") or "")) > COMMENT_MAX:
            message = "The comment exceeds the length limit, please make sure it doesn't exceed 1000 characters."
            raise fulfillment(34921, message)
        self._may_refund(order)
        parts = self._refund_parts(order, body)
        refund = self._orders.refund(order, parts, SELLER, str(reason))
        lines = ",".join(f"{line_id}:{minor}" for line_id, minor in sorted(refund.parts.items()))
        self._market.did("issueRefund", f"{order.order_id}/{reason}/{lines}")
        return answer(200, {"refundId": refund.refund_id, "refundStatus": refund.status})

    def _may_refund(self, order: Order) -> None:
        if order.paid_at is None:
            message = "You cannot refund this order yet since the buyer payment has not been processed."
            raise fulfillment(34929, message, 409)
        lost = any(one.order_id == order.order_id and one.won is False for one in self._market.disputes.values())
        if lost or order.refunded_minor >= order.gross_minor:  # a lost dispute has given the buyer everything
            raise fulfillment(34917, "This order was already refunded.", category="BUSINESS")
        if any(refund.status == "PENDING" for refund in order.refunds):
            raise fulfillment(34922, "Refund can't be issued while previous refund is processing.")
        market = self._market
        cases: list[Return | Inquiry | Dispute] = [*market.returns.values(), *market.inquiries.values()]
        cases += market.disputes.values()
        if any(case.order_id == order.order_id and case.closed_at is None for case in cases):
            message = "A post-transaction case exists on this order, seller refund can't be triggered."
            raise fulfillment(34916, message, category="BUSINESS")

    def _refund_parts(self, order: Order, body: Mapping[str, Any]) -> Mapping[str, int]:
        whole_order, items = body.get("orderLevelRefundAmount"), body.get("refundItems")
        if (whole_order is None) == (not items):
            raise fulfillment(34905, "Either orderLevelRefundAmount or refundItems must be specified.")
        if whole_order is not None:
            minor = self._refund_amount(whole_order)
            if minor > order.gross_minor - order.refunded_minor:
                raise fulfillment(34915, "The refund amount exceeds order amount.")
            return spread(order, minor)
        parts: dict[str, int] = {}
        for item in objects(items) or []:
            line_id = self._refunded_line(order, item)
            parts[line_id] = parts.get(line_id, 0) + self._refund_amount(item.get("refundAmount"))
        for line_id, minor in parts.items():
            if minor > order.lines[line_id].remaining_minor:
                message = "The item refund amount exceeds the item remaining amount."
                raise fulfillment(34924, message, 409, "BUSINESS")
        if not parts:
            raise fulfillment(34905, "Either orderLevelRefundAmount or refundItems must be specified.")
        return parts

    def _refund_amount(self, given: Any) -> int:
        value, currency = obj(given).get("value"), obj(given).get("currency")
        if value is None:
            raise fulfillment(34906, "The amount value must be specified.")
        if currency is None:
            raise fulfillment(34908, "The amount currency must be specified.")
        if currency != self._market.settings.currency:
            raise fulfillment(34909, "The amount currency isn't correct.")
        minor = minor_of(value, currency)
        if not minor:
            raise fulfillment(34907, "The amount value must be positive and within two decimals.")
        return minor

    @staticmethod
    def _refunded_line(order: Order, item: Mapping[str, Any]) -> str:
        line_id = item.get("lineItemId")
        legacy = obj(item.get("legacyReference"))
        if line_id is None and not legacy:
            message = "Either legacyReference or lineItemId must be specified for item level refund."
            raise fulfillment(34910, message)
        if line_id is None:
            if not legacy.get("legacyItemId"):
                message = "Legacy item id must be specified for item level refund if you use legacyReference."
                raise fulfillment(34911, message)
            line_id = legacy.get("legacyTransactionId")
            if not line_id:
                message = "Legacy transaction id must be specified for item level refund if you use legacyReference."
                raise fulfillment(34912, message)
        if line_id not in order.lines:
            raise fulfillment(34914, "Can't find the item in the order.")
        return str(line_id)

    def _order(self, call: Call) -> Order:
        order = self._market.orders.get(call.ids["orderId"])
        if order is None:
            raise invalid_order(call.ids["orderId"])
        return order


def spread(order: Order, minor: int) -> dict[str, int]:
    """An amount over an order's lines by what is left of each; the last line takes what rounding leaves."""
    left = {line.line_id: line.remaining_minor for line in order.lines.values() if line.remaining_minor}
    total, parts, given = sum(left.values()), {}, 0
    for number_, (line_id, rest) in enumerate(left.items(), 1):
        part = minor - given if number_ == len(left) else min(rest, minor * rest // total)
        parts[line_id] = part
        given += part
    return _within(parts, left)


def _within(parts: dict[str, int], left: Mapping[str, int]) -> dict[str, int]:
    """No line gives more than it has: what is over moves to lines that have room."""
    over = 0
    for line_id in parts:
        over += max(0, parts[line_id] - left[line_id])
        parts[line_id] = min(parts[line_id], left[line_id])
    for line_id in parts:
        room = min(over, left[line_id] - parts[line_id])
        parts[line_id] += room
        over -= room
    return parts


def fulfillment_view(one: Shipment) -> dict[str, Any]:
    """One parcel as the interface shows it."""
    return {
        "fulfillmentId": one.key,
        "shipmentTrackingNumber": one.tracking,
        "shippingCarrierCode": one.carrier,
        "shippedDate": stamp(one.shipped_on),
        "lineItems": [{"lineItemId": line_id, "quantity": quantity} for line_id, quantity in one.lines.items()],
    }


def _parsed(request: Request) -> filters.Filters:
    texts = [value for key, value in request.query if key == "filter"]
    try:
        return filters.parse(texts)
    except filters.BadFilter as bad:
        raise _bad_filter(bad) from None


def _bad_filter(bad: filters.BadFilter) -> EbayError:
    if bad.kind == "date":
        return fulfillment(30810, "Invalid date format")
    if bad.kind == "start":
        return fulfillment(30820, "Start date is missing")
    if bad.kind == "order":
        return fulfillment(30840, "Start date should be before end date")
    return fulfillment(30700, f"Invalid filter name: {bad.text}")


def _check_range(span: filters.Range, now: datetime) -> None:
    if span.start is not None and span.start > now:
        raise fulfillment(30850, "Start and end dates can't be in the future")
    if span.end is not None and span.end > now + FUTURE_SLACK:
        raise fulfillment(30850, "Start and end dates can't be in the future")
    if span.start is not None and (span.end or now) - span.start > TWO_YEARS:
        raise fulfillment(30830, "Time range between start date and end date must be within '2' years.")


def _check_field_groups(request: Request) -> None:
    for group in request.every("fieldGroups"):
        if group != "TAX_BREAKDOWN":
            raise fulfillment(32800, f"Invalid field group: {group}")


def _tracking(body: Mapping[str, Any]) -> tuple[str | None, str | None]:
    carrier, tracking = body.get("shippingCarrierCode") or None, body.get("trackingNumber") or None
    wrong = fulfillment(32300, "Invalid shipment tracking number or carrier")
    if (carrier is None) != (tracking is None):
        raise wrong
    if tracking is not None and not (isinstance(tracking, str) and tracking.isascii() and tracking.isalnum()):
        raise wrong
    if carrier is not None and not isinstance(carrier, str):
        raise wrong
    return carrier, tracking


def _shipped_lines(order: Order, body: Mapping[str, Any]) -> dict[str, int]:
    items = objects(body.get("lineItems"))
    if not items:
        raise fulfillment(32600, "Invalid input data")
    lines: dict[str, int] = {}
    for item in items:
        line_id = item.get("lineItemId")
        line = order.lines.get(line_id) if isinstance(line_id, str) else None
        if line is None:
            raise fulfillment(32200, f"Invalid line item id: {line_id}")
        if line.line_id in lines:
            raise fulfillment(32210, "Duplicate line item in the request")
        quantity = line.to_ship if item.get("quantity") is None else whole(item["quantity"])
        if quantity is None or not 1 <= quantity <= line.to_ship:
            raise fulfillment(32600, "Invalid input data: quantity")
        lines[line.line_id] = quantity
    return lines
