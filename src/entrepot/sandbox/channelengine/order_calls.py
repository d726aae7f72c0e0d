"""Orders over the API: new ones, lists, acknowledging, comments, and the two ways a merchant ends them, shipments and cancellations."""

from collections.abc import Callable, Sequence
from typing import Final

from entrepot.sandbox.channelengine.lifecycle import Lifecycle
from entrepot.sandbox.channelengine.model import CANCEL_REASONS, ORDER_STATUSES, Line, Order, Shipment
from entrepot.sandbox.channelengine.platform import ORDER_UPDATED, Platform
from entrepot.sandbox.channelengine.views import Views
from entrepot.sandbox.channelengine.wire import PAGE_SIZE, Query, Reader, Refusal, Reply, instant, paged, reader
from entrepot.sandbox.core import Request

FULFILMENTS: Final = frozenset({"ALL", "ONLY_MERCHANT", "ONLY_CHANNEL", "MIXED", "INCLUDES_MERCHANT"})

Test = Callable[[Order], bool]


class OrderCalls:
    """Handlers; the moves are in Lifecycle."""

    def __init__(self, platform: Platform, lifecycle: Lifecycle, views: Views) -> None:
        self._platform = platform
        self._lifecycle = lifecycle
        self._views = views

    # -- reading ---------------------------------------------------------------------------------------------------

    def get_new(self, request: Request) -> Reply:
        """What is NEW, oldest first; not paged: the rest comes when these are acknowledged [guess: at most a page]."""
        wanted = Query(request).whole("stockLocationId", self._platform.settings.stock_location_id, 1)
        here = wanted == self._platform.settings.stock_location_id
        new = [order for order in self._platform.orders.values() if order.status == "NEW" and here]
        page = [self._views.order(order) for order in new[:PAGE_SIZE]]
        return Reply(page, count=len(page), total=len(new))

    def get_by_filter(self, request: Request) -> Reply:
        """OrderFilter. Unpaid orders only when asked for by name."""
        query = Query(request)
        tests = [*self._list_tests(query), *self._date_tests(query), *self._kind_tests(query)]
        found = [order for order in self._platform.orders.values() if all(test(order) for test in tests)]
        return paged(query, found, self._views.order)

    def _list_tests(self, query: Query) -> list[Test]:
        statuses = query.many("statuses", ORDER_STATUSES)
        tests: list[Test] = [
            lambda o: o.status != "AWAITING_PAYMENT" if statuses is None else o.status in statuses,
        ]
        one_of: Sequence[tuple[str, Callable[[Order], str | None]]] = (
            ("emailAddresses", lambda o: o.buyer),
            ("merchantOrderNos", lambda o: o.merchant_order_no),
            ("channelOrderNos", lambda o: o.channel_order_no),
        )
        for name, of in one_of:
            wanted = query.many(name)
            if wanted is not None:
                tests.append(lambda o, of=of, wanted=wanted: of(o) in wanted)  # type: ignore[misc]
        channels, locations = query.ids("channelIds"), query.ids("stockLocationIds")
        if channels is not None:
            tests.append(lambda o: o.channel.channel_id in channels)
        if locations is not None:
            tests.append(lambda _: self._platform.settings.stock_location_id in locations)
        return tests

    def _date_tests(self, query: Query) -> list[Test]:
        ordered = query.span("fromDate", "toDate")
        created = query.span("fromCreatedAtDate", "toCreatedAtDate")
        updated = query.span("fromUpdatedAtDate", "toUpdatedAtDate")
        acknowledged = query.span("fromAcknowledgedDate", "toAcknowledgedDate")
        return [
            lambda o: ordered(o.placed_at),
            lambda o: created(o.placed_at),
            lambda o: updated(o.updated_at),
            lambda o: acknowledged(o.acknowledged_at),
        ]

    def _kind_tests(self, query: Query) -> list[Test]:
        tests: list[Test] = []
        kinds = query.many("fulfillmentType", FULFILMENTS) or frozenset({"ALL"})
        if query.flag("excludeMarketplaceFulfilledOrdersAndLines") or not kinds.isdisjoint(
            {"ONLY_MERCHANT", "INCLUDES_MERCHANT"}
        ):
            tests.append(lambda o: o.fulfilled_by == "seller")
        elif "ONLY_CHANNEL" in kinds:
            tests.append(lambda o: o.fulfilled_by == "channel")
        elif "MIXED" in kinds:
            tests.append(lambda _: False)  # no order here is sent by both
        if query.flag("onlyWithCancellationRequests"):
            tests.append(lambda o: any(line.cancellation_requested for line in o.lines.values()))
        acknowledged = query.flag("isAcknowledged")
        if acknowledged is not None:
            tests.append(lambda o: (o.acknowledged_at is not None) == acknowledged)
        return tests

    # -- writing ---------------------------------------------------------------------------------------------------

    def acknowledge(self, request: Request) -> Reply:
        """The order is in the merchant's system; documented as safe to repeat."""
        body = reader(request)
        number, order_id = body.text("MerchantOrderNo", 50), body.whole("OrderId")
        body.done()
        order = self._platform.orders.get(order_id)
        if order is None:
            raise Refusal(404, f"Order {order_id} not found.", {"OrderId": [f"Order {order_id} not found."]})
        if self._lifecycle.acknowledge(order, number):
            self._platform.wrote("OrderAcknowledge", number)
        return Reply(message="Order acknowledged")

    def comment(self, request: Request) -> Reply:
        """A note on an order, named by either number."""
        body = reader(request)
        comment, number = body.text("MerchantComment", 4001), body.optional_text("MerchantOrderNo", 50)
        order_id = body.whole("OrderId", 0)
        body.done()
        order = self._platform.order(number) if number else self._platform.orders.get(order_id)
        if order is None:
            raise Refusal(404, f"Order {order_id} not found.")
        order.merchant_comment, order.updated_at = comment, self._platform.now()
        self._platform.wrote("OrderUpdate", str(order.order_id))
        self._platform.changed("ORDERS_CHANGE")
        self._platform.tell(ORDER_UPDATED, str(order.order_id))
        return Reply()

    def ship(self, request: Request) -> Reply:
        """POST /v2/shipments: some or all open units leave as one parcel. Errors: 404, 409 for a number used before [guess], 400."""
        body = reader(request)
        number, order_no = body.text("MerchantShipmentNo", 250), body.text("MerchantOrderNo", 50)
        lines = _lines(body)
        now = self._platform.now()
        tracking = {name: body.optional_text(name, most) for name, most in TRACKING.items()}
        shipped_on = body.optional_text("ShipmentDate", 40)
        extra = body.row.get("ExtraData")
        body.done()
        order = self._platform.order(order_no)
        if number in self._platform.shipments:
            message = f"Shipment with MerchantShipmentNo '{number}' already exists."
            raise Refusal(409, message, {"MerchantShipmentNo": [message]})
        shipment = Shipment(
            number,
            order.order_id,
            _spread(order, lines, lambda line: line.open),
            now,
            now,
            method=tracking["Method"],
            track_trace_no=tracking["TrackTraceNo"],
            track_trace_url=tracking["TrackTraceUrl"],
            return_track_trace_no=tracking["ReturnTrackTraceNo"],
            country=tracking["ShippedFromCountryCode"],
            shipped_on=instant(shipped_on, "ShipmentDate") if shipped_on else now,
            extra=extra if isinstance(extra, dict) else {},
        )
        self._lifecycle.ship(shipment)
        self._platform.wrote("ShipmentCreate", number)
        return Reply(status=201, message="Shipment created")

    def update_shipment(self, request: Request, number: str) -> Reply:
        """PUT /v2/shipments/{no}: tracking that came later."""
        body = reader(request)
        method, track = body.text("Method", 50), body.text("TrackTraceNo", 50)
        tracking = {name: body.optional_text(name, most) for name, most in TRACKING.items()}
        body.done()
        shipment = self._platform.shipments.get(number)
        if shipment is None:
            raise Refusal(404, f"Shipment with MerchantShipmentNo '{number}' not found.")
        shipment.method, shipment.track_trace_no = method, track
        shipment.track_trace_url = tracking["TrackTraceUrl"] or shipment.track_trace_url
        shipment.return_track_trace_no = tracking["ReturnTrackTraceNo"] or shipment.return_track_trace_no
        shipment.country = tracking["ShippedFromCountryCode"] or shipment.country
        shipment.updated_at = self._platform.now()
        self._platform.wrote("ShipmentUpdate", number)
        self._platform.changed("SHIPMENTS_CHANGE")
        return Reply()

    def shipments(self, request: Request) -> Reply:
        """GET /v2/shipments/merchant."""
        query, orders = Query(request), self._platform.orders
        tests: list[Callable[[Shipment], bool]] = []
        one_of: Sequence[tuple[str, Callable[[Shipment], str | None]]] = (
            ("merchantShipmentNos", lambda s: s.shipment_no),
            ("merchantOrderNos", lambda s: orders[s.order_id].merchant_order_no),
            ("channelShipmentNos", lambda s: s.channel_shipment_no),
            ("channelOrderNos", lambda s: orders[s.order_id].channel_order_no),
            ("method", lambda s: s.method),
            ("shippedFromCountryCodes", lambda s: s.country),
        )
        for name, of in one_of:
            wanted = query.many(name)
            if wanted is not None:
                tests.append(lambda s, of=of, wanted=wanted: of(s) in wanted)  # type: ignore[misc]
        sent = query.span("fromShipmentDate", "toShipmentDate")
        created = query.span("fromCreateDate", "toCreateDate")
        updated = query.span("fromUpdateDate", "toUpdateDate")
        if query.one("fulfillmentType") == "ONLY_CHANNEL":
            tests.append(lambda _: False)  # parcels of the channel's own warehouse are not told here [guess]
        found = [
            one
            for one in self._platform.shipments.values()
            if sent(one.shipped_on) and created(one.created_at) and updated(one.updated_at)
            if all(test(one) for test in tests)
        ]
        return paged(query, found, self._views.shipment)

    def cancel(self, request: Request) -> Reply:
        """POST /v2/cancellations: open units will not be sent. Errors: as for shipments."""
        body = reader(request)
        number, order_no = body.text("MerchantCancellationNo", 250), body.text("MerchantOrderNo", 50)
        lines = _lines(body)
        reason = body.optional_text("Reason", 4001)
        code = body.word("ReasonCode", CANCEL_REASONS, "OTHER")
        body.done()
        order = self._platform.order(order_no)
        if number in self._platform.cancellations:
            message = f"Cancellation with MerchantCancellationNo '{number}' already exists."
            raise Refusal(409, message, {"MerchantCancellationNo": [message]})
        chosen = _spread(order, lines, lambda line: line.open)
        self._lifecycle.cancel(order, chosen, "seller", reason, number, code)
        self._platform.wrote("CancellationCreate", number)
        return Reply(status=201, message="Cancellation created")

    def cancellations(self, request: Request) -> Reply:
        """GET /v2/cancellations/merchant, those of channels and buyers too [guess]."""
        query = Query(request)
        since = query.date("createdSince")
        found = [one for one in self._platform.cancellations.values() if since is None or one.created_at >= since]
        return paged(query, found, self._views.cancellation)


TRACKING: Final = {
    "Method": 50,
    "TrackTraceNo": 50,
    "TrackTraceUrl": 250,
    "ReturnTrackTraceNo": 50,
    "ShippedFromCountryCode": 3,
}


def _lines(body: Reader) -> dict[str, int]:
    """Units by MerchantProductNo; a product named twice is added up."""
    found: dict[str, int] = {}
    for row in body.rows("Lines"):
        sku = row.text("MerchantProductNo", 64)
        found[sku] = found.get(sku, 0) + row.whole("Quantity")
    return {sku: quantity for sku, quantity in found.items() if quantity}


def _spread(order: Order, wanted: dict[str, int], room: Callable[[Line], int]) -> dict[int, int]:
    """Units by line id: a product may stand on several lines. Errors: 404 not in the order, 400 more than there are [guess: words]."""
    if not wanted:
        raise Refusal(400, "No quantity given.", {"Lines": ["No quantity given."]})
    spread: dict[int, int] = {}
    for sku, quantity in wanted.items():
        lines = [line for line in order.lines.values() if line.sku == sku]
        if not lines:
            message = f"Product '{sku}' is not part of order '{order.merchant_order_no}'."
            raise Refusal(404, message, {"Lines": [message]})
        left = quantity
        for line in lines:
            part = min(left, room(line))
            if part:
                spread[line.line_id] = part
                left -= part
        if left:
            message = (
                f"Only {quantity - left} of product '{sku}' can be processed for order '{order.merchant_order_no}'."
            )
            raise Refusal(400, message, {"Lines": [message]})
    return spread
