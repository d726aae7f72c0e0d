"""OR11 and OR12: reading orders."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import MiraklError
from entrepot.sandbox.mirakl.paging import by_offset
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.render import order_json, order_json_for_seller
from entrepot.sandbox.mirakl.settings import ALL_WORKFLOWS
from entrepot.sandbox.mirakl.state import Order
from entrepot.sandbox.mirakl.wire import answer, date_parameter, flag_parameter, list_parameter

REFUND_RANGE_MAX: Final = timedelta(days=31)
ORDER_STATES: Final = frozenset(
    {
        "STAGING",
        "WAITING_ACCEPTANCE",
        "WAITING_DEBIT",
        "WAITING_DEBIT_PAYMENT",
        "SHIPPING",
        "SHIPPED",
        "TO_COLLECT",
        "RECEIVED",
        "CLOSED",
        "REFUSED",
        "CANCELED",
    }
)

Test = Callable[[Order], bool]


def _view(call: Call) -> Callable[[Order], Any]:
    return order_json_for_seller if call.caller.role == "shop" else order_json


class OrderQueries:
    """Lists orders by every documented filter. A list by update date starts a little before the date asked for, so the
    same order comes twice on purpose; dates compare by whole seconds, as they are written."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._tables = platform.tables

    def or12(self, call: Call) -> Response:
        """One order."""
        return answer(200, _view(call)(call.order(self._platform)))

    def or11(self, call: Call) -> Response:
        """List orders, oldest first (or newest first with `order=desc`)."""
        request = call.request
        tests = [*self._list_tests(call), *self._flag_tests(request), *self._date_tests(request)]
        found = [order for order in self._candidates(request) if all(test(order) for test in tests)]
        found.sort(key=lambda order: order.sequence, reverse=request.first("order") == "desc")
        return by_offset(request, found, "orders", _view(call))

    def _candidates(self, request: Request) -> Iterable[Order]:
        """The smallest set an index offers."""
        orders = self._tables.orders
        ids = list_parameter(request, "order_ids")
        if ids is not None:
            return [orders[order_id] for order_id in dict.fromkeys(ids) if order_id in orders]
        baskets = list_parameter(request, "commercial_ids")
        if baskets is not None:
            legs = self._tables.orders_by_commercial
            return [orders[order_id] for basket in dict.fromkeys(baskets) for order_id in legs.get(basket, ())]
        since = date_parameter(request, "start_update_date")
        if since is not None:
            return [
                orders[i] for i in self._tables.orders_touched.since(since - self._platform.settings.update_overlap)
            ]
        states = list_parameter(request, "order_state_codes", ORDER_STATES)
        if states is not None:
            by_state = self._tables.orders_by_state
            return [orders[order_id] for state in dict.fromkeys(states) for order_id in by_state.get(state, ())]
        return orders.values()

    def _list_tests(self, call: Call) -> list[Test]:
        request = call.request
        tests: list[Test] = []
        shop_id = call.caller.asked_shop(request)
        if shop_id is not None:
            tests.append(lambda order: order.shop_id == shop_id)
        one_of: dict[str, tuple[Callable[[Order], str | None], frozenset[str] | None]] = {
            "order_ids": (lambda order: order.order_id, None),
            "commercial_ids": (lambda order: order.commercial_id, None),
            "order_references_for_customer": (lambda order: order.reference_for_customer, None),
            "order_references_for_seller": (lambda order: order.reference_for_seller, None),
            "order_state_codes": (lambda order: order.state, ORDER_STATES),
            "channel_codes": (lambda order: order.channel, None),
            "payment_workflow": (lambda order: order.payment_workflow, frozenset(ALL_WORKFLOWS)),
            "fulfillment_center_code": (lambda order: order.fulfillment_center, None),
            "order_tax_mode": (lambda _: "TAX_INCLUDED", frozenset({"TAX_INCLUDED", "TAX_EXCLUDED"})),
        }
        for name, (of, words) in one_of.items():
            wanted = list_parameter(request, name, words)
            if wanted is not None:
                tests.append(lambda order, of=of, allowed=frozenset(wanted): of(order) in allowed)  # type: ignore[misc]
        refunds = list_parameter(request, "refund_state_codes")
        if refunds is not None:
            self._check_refund_range(request)
            states = frozenset(refunds)
            tests.append(lambda order: any(r.state in states for line in order.lines.values() for r in line.refunds))
        return tests

    def _check_refund_range(self, request: Request) -> None:
        now = self._platform.now()
        for start_name, end_name in (("start_update_date", "end_update_date"), ("start_date", "end_date")):
            start = date_parameter(request, start_name)
            if start is not None and (date_parameter(request, end_name) or now) - start > REFUND_RANGE_MAX:
                raise MiraklError(400, "With 'refund_state_codes' the date range is at most one month")

    def _flag_tests(self, request: Request) -> list[Test]:
        tests: list[Test] = []
        no_channel = flag_parameter(request, "only_null_channel")
        debited = flag_parameter(request, "customer_debited")
        incident = flag_parameter(request, "has_incident")
        if no_channel:
            tests.append(lambda order: order.channel is None)
        if debited is not None:
            tests.append(lambda order: (order.debited_at is not None) == debited)
        if incident is not None:
            tests.append(lambda order: order.has_incident == incident)
        return tests

    def _date_tests(self, request: Request) -> list[Test]:
        tests: list[Test] = []
        created_from = date_parameter(request, "start_date")
        created_to = date_parameter(request, "end_date")
        updated_from = date_parameter(request, "start_update_date")
        updated_to = date_parameter(request, "end_update_date")
        if created_from is not None:
            tests.append(lambda order: _second(order.created_at) >= created_from)
        if created_to is not None:
            tests.append(lambda order: _second(order.created_at) <= created_to)
        if updated_from is not None:
            earliest = updated_from - self._platform.settings.update_overlap
            tests.append(lambda order: order.updated_at >= earliest)
        if updated_to is not None:
            tests.append(lambda order: _second(order.updated_at) <= updated_to)
        return tests


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
