"""The four writes on an order: acknowledge (whole), shipping, cancel and refund (lists of lines inside)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.walmart.errors import ORDER_API, invalid
from entrepot.sandbox.walmart.orders import Cancellation, Orders, Shipment, whole_refund
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.render import order_json
from entrepot.sandbox.walmart.router import Call
from entrepot.sandbox.walmart.state import CANCEL_REASONS, REFUND_REASONS, SELLER, Charge, Line, Order, Parcel
from entrepot.sandbox.walmart.wire import answer, body_of, inside, minor, rows, text, whole

METHODS: Final = frozenset({"Standard", "Express", "OneDay", "Freight", "WhiteGlove", "Value"})
CHARGE_TYPES: Final = frozenset({"PRODUCT", "SHIPPING"})
FULL_REFUND_REASON: Final = "General adjustment"


class OrderCalls:
    """Reads what a caller wants and checks all of it before anything moves."""

    def __init__(self, platform: Platform, orders: Orders) -> None:
        self._platform = platform
        self._orders = orders

    def acknowledge(self, call: Call) -> Response:
        """The whole purchase order is acknowledged."""
        order = self._platform.order(call.ids["purchaseOrderId"])
        self._orders.acknowledge(order)
        return self._answer(order)

    def ship(self, call: Call) -> Response:
        """Units of lines leave, each with its tracking."""
        order = self._platform.order(call.ids["purchaseOrderId"])
        body = body_of(ORDER_API, call.request)
        found = [
            Shipment(line, self._parcel(status))
            for line, row in _lines(order, body, "orderShipment")
            for status in _statuses(row, "Shipped")
        ]
        self._orders.ship(order, found)
        return self._answer(order)

    def cancel(self, call: Call) -> Response:
        """Units of lines will not be shipped."""
        order = self._platform.order(call.ids["purchaseOrderId"])
        body = body_of(ORDER_API, call.request)
        found = [
            Cancellation(line, _quantity(status), _word(status, "cancellationReason", CANCEL_REASONS))
            for line, row in _lines(order, body, "orderCancellation")
            for status in _statuses(row, "Cancelled")
        ]
        self._orders.cancel(order, found)
        return self._answer(order)

    def refund(self, call: Call) -> Response:
        """Money back on shipped lines. Errors: the orders differ; not shipped; more than is left."""
        order = self._platform.order(call.ids["purchaseOrderId"])
        body = body_of(ORDER_API, call.request)
        named = inside(ORDER_API, body, "orderRefund").get("purchaseOrderId")
        if named is not None and named != order.order_id:
            raise invalid(ORDER_API, "purchaseOrderId differs from the path", "purchaseOrderId")
        wanted = [(line, row, _charges(line, row)) for line, row in _lines(order, body, "orderRefund")]
        if len({line.line_id for line, _, _ in wanted}) != len(wanted):
            raise invalid(ORDER_API, "a line is named twice", "lineNumber")
        for line, row, charges in wanted:
            self._give_back(order, line, row, charges)
        return self._answer(order)

    def _give_back(self, order: Order, line: Line, row: Mapping[str, Any], charges: list[Charge]) -> None:
        given = rows(ORDER_API, row, "refunds", "refund") if row.get("refunds") else [{}]
        comments = given[0].get("refundComments")
        total = sum(charge.amount_minor + charge.tax_minor for charge in charges)
        everything = sum(charge.amount_minor + charge.tax_minor for charge in whole_refund(line, ""))
        # [guess] units turn to "Refund" when a line is given back whole; a partial amount leaves them as they are.
        units = line.shipped - line.refunded_units if total == everything else 0
        refund = self._orders.refund(
            order, line, charges, SELLER, comments if isinstance(comments, str) else None, units
        )
        key = refund.comments or str(total)
        self._platform.apply("refundOrderLines", f"{order.order_id}/{line.line_id}/{key}")

    def _parcel(self, status: Mapping[str, Any]) -> Parcel:
        info = inside(ORDER_API, status, "trackingInfo")
        carrier = inside(ORDER_API, info, "carrierName")
        name, other = carrier.get("carrier"), carrier.get("otherCarrier")
        if not isinstance(name or other, str):
            raise invalid(ORDER_API, "carrierName needs carrier or otherCarrier", "carrierName")
        return Parcel(
            quantity=_quantity(status),
            carrier=name or "OTHER",
            other_carrier=other,
            method=_word(info, "methodCode", METHODS),
            tracking=text(ORDER_API, info, "trackingNumber"),
            tracking_url=info.get("trackingURL"),
            shipped_at=_ship_instant(info),
            told_at=self._platform.now(),
        )

    def _answer(self, order: Order) -> Response:
        return answer(200, {"order": order_json(order, self._platform.settings)})


def _lines(order: Order, body: Mapping[str, Any], wrapper: str) -> list[tuple[Line, dict[str, Any]]]:
    found = []
    for row in rows(ORDER_API, body, wrapper, "orderLines", "orderLine"):
        number = text(ORDER_API, row, "lineNumber")
        line = order.line(number)
        if line is None:
            raise invalid(ORDER_API, f"Line {number} is not in purchase order {order.order_id}", "lineNumber")
        found.append((line, row))
    return found


def _statuses(row: Mapping[str, Any], word: str) -> list[dict[str, Any]]:
    found = rows(ORDER_API, row, "orderLineStatuses", "orderLineStatus")
    if any(status.get("status") != word for status in found):
        raise invalid(ORDER_API, f"status must be {word}", "status")
    return found


def _quantity(status: Mapping[str, Any]) -> int:
    return whole(ORDER_API, inside(ORDER_API, status, "statusQuantity", "amount"), "amount")


def _word(row: Mapping[str, Any], name: str, known: frozenset[str]) -> str:
    word = text(ORDER_API, row, name)
    if word not in known:
        raise invalid(ORDER_API, f"{name} {word!r} is not one of {', '.join(sorted(known))}", name)
    return word


def _ship_instant(info: Mapping[str, Any]) -> datetime:
    value = whole(ORDER_API, inside(ORDER_API, info, "shipDateTime"), "shipDateTime")
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        raise invalid(ORDER_API, "shipDateTime must be milliseconds since 1970", "shipDateTime") from None


def _charges(line: Line, row: Mapping[str, Any]) -> list[Charge]:
    if not line.shipped:
        raise invalid(ORDER_API, f"Line {line.line_id} is not shipped: only a shipped line is refunded", "lineNumber")
    if row.get("isFullRefund") is True:
        charges = whole_refund(line, _full_reason(row))
    else:
        given = rows(ORDER_API, row, "refunds", "refund")
        charges = [_charge(one) for refund in given for one in rows(ORDER_API, refund, "refundCharges", "refundCharge")]
    for kind in CHARGE_TYPES:
        amount, tax = line.refundable(kind)
        asked = [charge for charge in charges if charge.kind == kind]
        if sum(c.amount_minor for c in asked) > amount or sum(c.tax_minor for c in asked) > tax:
            raise invalid(ORDER_API, f"refund of line {line.line_id} exceeds what is left of {kind}", "chargeAmount")
    if not sum(charge.amount_minor + charge.tax_minor for charge in charges):
        raise invalid(ORDER_API, f"nothing is left to refund on line {line.line_id}", "chargeAmount")
    return charges


def _full_reason(row: Mapping[str, Any]) -> str:
    if not row.get("refunds"):
        return FULL_REFUND_REASON
    first = rows(ORDER_API, rows(ORDER_API, row, "refunds", "refund")[0], "refundCharges", "refundCharge")[0]
    return _word(first, "refundReason", REFUND_REASONS)


def _charge(row: Mapping[str, Any]) -> Charge:
    reason = _word(row, "refundReason", REFUND_REASONS)
    charge = inside(ORDER_API, row, "charge")
    kind = _word(charge, "chargeType", CHARGE_TYPES)
    amount = minor(ORDER_API, inside(ORDER_API, charge, "chargeAmount", "amount"), "chargeAmount")
    tax = 0
    if charge.get("tax") is not None:
        tax = minor(ORDER_API, inside(ORDER_API, charge, "tax", "taxAmount", "amount"), "taxAmount")
    if amount > 0 or tax > 0:
        raise invalid(ORDER_API, "a refund's amount must be negative", "chargeAmount")
    return Charge(kind, text(ORDER_API, charge, "chargeName"), -amount, -tax, reason)
