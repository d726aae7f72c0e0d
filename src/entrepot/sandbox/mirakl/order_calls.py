"""OR21, OR23, OR24, OR28, OR29, OR30: what callers do to orders."""

from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.mirakl import shapes
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import MiraklError, invalid, order_not_found
from entrepot.sandbox.mirakl.money import exponent, major, minor
from entrepot.sandbox.mirakl.orders import Orders
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.refunds import Refunds
from entrepot.sandbox.mirakl.shipments import Shipments
from entrepot.sandbox.mirakl.state import Line, Order
from entrepot.sandbox.mirakl.wire import NO_CONTENT, answer, body_of, optional_text, rows, text, whole

BATCH_MAX: Final = 100


class OrderCalls:
    """Handlers; the rules are in Orders, Refunds and Shipments."""

    def __init__(self, platform: Platform, orders: Orders, refunds: Refunds, shipments: Shipments) -> None:
        self._platform = platform
        self._orders = orders
        self._refunds = refunds
        self._shipments = shipments

    def accept(self, call: Call) -> Response:
        """OR21."""
        written = self._platform.asked("OR21", call.ids["order_id"])
        order = call.order(self._platform)
        if call.caller.role == "shop" and order.fulfillment_center != "DEFAULT":
            message = "The order is fulfilled by the operator"
            raise MiraklError(400, message, "ORDER_FULFILLED_UNAUTHORIZED", "order_id")
        self._orders.accept(order, _decisions(body_of(call.request)))
        written.applied += 1
        return NO_CONTENT

    def track(self, call: Call) -> Response:
        """OR23."""
        written = self._platform.asked("OR23", call.ids["order_id"])
        order = call.order(self._platform)
        body = body_of(call.request)
        given = {name: optional_text(body, name) for name in TRACKING_FIELDS}
        if not given["carrier_code"] and not given["carrier_name"]:
            raise invalid("'carrier_code' or 'carrier_name' is required", "carrier_code")
        self._shipments.track_order(order, given)
        written.applied += 1
        return NO_CONTENT

    def ship(self, call: Call) -> Response:
        """OR24."""
        written = self._platform.asked("OR24", call.ids["order_id"])
        self._shipments.ship_rest(call.order(self._platform))
        written.applied += 1
        return NO_CONTENT

    def cancel(self, call: Call) -> Response:
        """OR29."""
        written = self._platform.asked("OR29", call.ids["order_id"])
        self._orders.cancel(call.order(self._platform), None, call.caller.role)
        written.applied += 1
        return NO_CONTENT

    def refund(self, call: Call) -> Response:
        """OR28: the whole batch or nothing of it (our guess)."""
        found = self._batch(call, "refunds", "OR28")
        planned: dict[str, tuple[int, int]] = {}
        for order, line, row, amount, shipping in found:
            before = planned.get(line.line_id, (0, 0))
            self._refunds.check(order, line, amount, shipping, before)
            text(row, "reason_code")
            whole(row, "quantity", 0)
            planned[line.line_id] = (before[0] + amount, before[1] + shipping)
        order_refunds: dict[str, str] = {}
        results = []
        for order, line, row, amount, shipping in found:
            group = order_refunds.setdefault(order.order_id, "") or self._platform.world.uuid()
            order_refunds[order.order_id] = group
            refund = self._refunds.open(
                order,
                line,
                amount,
                shipping,
                whole(row, "quantity", 0),
                row["reason_code"],
                group,
                bool(row.get("excluded_from_shipment", False)),
                call.caller.role,
            )
            self._platform.tables.written["OR28", line.line_id].applied += 1
            results.append(
                {
                    **shapes.REFUND_RESULT,
                    "amount": major(amount, order.currency),
                    "currency_iso_code": order.currency,
                    "excluded_from_shipment": refund.excluded_from_shipment,
                    "order_line_id": line.line_id,
                    "order_refund_id": refund.order_refund_id,
                    "quantity": refund.quantity,
                    "reason_code": refund.reason_code,
                    "refund_id": refund.refund_id,
                    "shipping_amount": major(shipping, order.currency),
                }
            )
        return answer(200, {"order_tax_mode": "TAX_INCLUDED", "refunds": results})

    def cancel_lines(self, call: Call) -> Response:
        """OR30: the whole batch or nothing of it (our guess)."""
        found = self._batch(call, "cancelations", "OR30")
        if len({line.line_id for _, line, *_ in found}) != len(found):
            raise MiraklError(400, "the same line twice", "ORDER_LINE_DUPLICATE_ID", "order_line_id")
        for order, line, row, amount, shipping in found:
            text(row, "reason_code")
            self._orders.check_part(order, line, whole(row, "quantity"), amount, shipping, call.caller.role)
        results = []
        for order, line, row, amount, shipping in found:
            done = self._orders.cancel_part(order, line, row["quantity"], amount, shipping, row["reason_code"])
            self._platform.tables.written["OR30", line.line_id].applied += 1
            if order.state == "CANCELED":
                order.cancelled_by = call.caller.role
            results.append(
                {
                    **shapes.CANCELATION_RESULT,
                    "amount": major(amount, order.currency),
                    "cancelation_id": done.cancelation_id,
                    "currency_iso_code": order.currency,
                    "order_line_id": line.line_id,
                    "quantity": done.quantity,
                    "reason_code": done.reason_code,
                    "shipping_amount": major(shipping, order.currency),
                }
            )
        return answer(200, {"order_tax_mode": "TAX_INCLUDED", "cancelations": results})

    def _batch(self, call: Call, name: str, operation: str) -> list[tuple[Order, Line, dict[str, Any], int, int]]:
        """The lines, orders and amounts a batch speaks of. Errors: VALIDATION_ERROR, ORDER_LINE_NOT_FOUND."""
        given = rows(body_of(call.request), name)
        if len(given) > BATCH_MAX:
            raise invalid(f"at most {BATCH_MAX} elements", name)
        found = []
        for row in given:
            line_id = text(row, "order_line_id")
            self._platform.asked(operation, line_id)
            order = self._order_of_line(call, line_id)
            currency = row.get("currency_iso_code") or order.currency
            exponent(currency)
            if currency != order.currency:
                raise invalid(f"order '{order.order_id}' is in {order.currency}", "currency_iso_code")
            amount = minor(row.get("amount"), currency, "amount")
            shipping = minor(row.get("shipping_amount", 0), currency, "shipping_amount")
            found.append((order, order.lines[line_id], row, amount, shipping))
        return found

    def _order_of_line(self, call: Call, line_id: str) -> Order:
        order_id = self._platform.tables.line_order.get(line_id)
        if order_id is None:
            raise MiraklError(404, f"Order line '{line_id}' not found", "ORDER_LINE_NOT_FOUND", "order_line_id")
        order = self._platform.order(order_id)
        if not call.caller.sees(order.shop_id):
            raise order_not_found(order_id)
        return order


TRACKING_FIELDS: Final = (
    "carrier_code",
    "carrier_name",
    "carrier_standard_code",
    "carrier_url",
    "tracking_number",
)


def _decisions(body: dict[str, Any]) -> dict[str, bool]:
    given = body.get("order_lines")
    if not isinstance(given, list) or not given:
        raise invalid("'order_lines' must be a non-empty list", "order_lines")
    decisions: dict[str, bool] = {}
    for row in given:
        if row is None:
            raise MiraklError(400, "'order_lines' holds null", "ORDER_LINE_NULL_ELEMENT", "order_lines")
        if not isinstance(row, dict) or not isinstance(row.get("accepted"), bool):
            raise invalid("every element needs 'id' and 'accepted'", "order_lines.accepted")
        line_id = text(row, "id")
        if line_id in decisions:
            message = f"Order line '{line_id}' is decided twice"
            raise MiraklError(400, message, "ORDER_LINE_DUPLICATE_ID", "order_lines.id")
        decisions[line_id] = row["accepted"]
    return decisions
