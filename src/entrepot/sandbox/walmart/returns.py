"""Returns: opened by the buyer, carried to the return centre, given back by the seller, or by the channel for him.

Source: statuses INITIATED, DELIVERED, COMPLETED with the event tags published for them; the refund call names return
lines and quantities. [guess] the channel refunds by itself when a delivered return is left lying (settings).
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.walmart.errors import RETURN_API, bad_parameter, invalid, not_found
from entrepot.sandbox.walmart.orders import Orders
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.render import BUYERS
from entrepot.sandbox.walmart.router import Call
from entrepot.sandbox.walmart.state import (
    BY_MARKETPLACE,
    CHANNEL,
    SELLER,
    Charge,
    Line,
    Order,
    Return,
    ReturnLine,
)
from entrepot.sandbox.walmart.wire import answer, body_of, date_parameter, inside, major, number_parameter, rows, stamp

STATUSES: Final = frozenset({"INITIATED", "DELIVERED", "COMPLETED"})
LIMIT_DEFAULT: Final = 10
LIMIT_MAX: Final = 200
RETURNED: Final = "Customer returned item"


class Returns:
    """Moves and shows returns."""

    def __init__(self, platform: Platform, orders: Orders) -> None:
        self._platform = platform
        self._orders = orders

    def open(self, order: Order, wanted: Sequence[tuple[str, int]], reason: str) -> Return:
        """A buyer sends units back. Errors: ValueError when they were not shipped, or are on their way already."""
        now = self._platform.now()
        lines: list[ReturnLine] = []
        for number, (line_id, units) in enumerate(wanted, 1):
            line = order.line(line_id)
            taken = sum(one.quantity for one in lines if one.line_id == line_id)
            if line is None or units < 1 or units + taken > line.shipped - self._returned(order, line):
                raise ValueError(f"line {line_id} of {order.order_id} has not so many units to return")
            lines.append(ReturnLine(number, line_id, units, reason, events=[("RETURN_INITIATED", now)]))
        if not lines:
            raise ValueError("a return needs lines")
        made = Return(self._platform.digits(18, "1"), order.order_id, order.customer_order_id, now, now, lines)
        self._platform.returns[made.return_id] = made
        self._platform.after(self._platform.settings.return_in_transit, lambda: self._arrive(made))
        self._platform.tell("order.updated", order.order_id)
        return made

    # -- calls ----------------------------------------------------------------------------------------------------

    def search(self, call: Call) -> Response:
        """Returns by filter, by cursor."""
        request = call.request
        found = self._filtered(request)
        limit = number_parameter(RETURN_API, request, "limit", LIMIT_DEFAULT, LIMIT_MAX, 1)
        cursor = request.first("nextCursor") or "0"
        if not cursor.isdigit():
            raise bad_parameter(RETURN_API, "nextCursor", "is not one of ours")
        shown = found[int(cursor) : int(cursor) + limit]
        more = int(cursor) + limit < len(found)
        meta = {"totalCount": len(found), "limit": limit, "nextCursor": str(int(cursor) + limit) if more else None}
        return answer(200, {"meta": meta, "returnOrders": [self._shown(one) for one in shown]})

    def refund(self, call: Call) -> Response:
        """Give back what was returned. Errors: no such line; more than is left of it; a Walmart-fulfilled order."""
        found = self._platform.returns.get(call.ids["returnOrderId"])
        if found is None:
            raise not_found(RETURN_API, f"Return {call.ids['returnOrderId']} is not found", "returnOrderId")
        body = body_of(RETURN_API, call.request)
        order = self._platform.orders[found.order_id]
        if inside(RETURN_API, body, "customerOrderId") != found.customer_order_id:
            raise invalid(RETURN_API, "customerOrderId is not that of the return", "customerOrderId")
        if order.fulfilled_by == BY_MARKETPLACE:
            raise invalid(RETURN_API, "returns of Walmart-fulfilled orders can only be looked at", "returnOrderId")
        wanted = [self._wanted(found, row) for row in rows(RETURN_API, body, "refundLines")]
        for line, units in wanted:
            if units > line.quantity - line.refunded:
                raise invalid(RETURN_API, f"return line {line.number} has not so many units left", "quantity")
        if len({line.number for line, _ in wanted}) != len(wanted):
            raise invalid(RETURN_API, "a return line is named twice", "returnOrderLineNumber")
        for line, units in wanted:
            self._give_back(found, line, units, SELLER)
            self._platform.apply("issueRefund", f"{found.return_id}/{line.number}")
        listed = [{"returnOrderLineNumber": line.number, "quantity": _measure(units)} for line, units in wanted]
        shown = {"returnOrderId": found.return_id, "customerOrderId": found.customer_order_id, "refundLines": listed}
        return answer(200, shown)

    # -- time -----------------------------------------------------------------------------------------------------

    def _arrive(self, found: Return) -> None:
        for line in found.lines:
            tag = "DELIVERED_AFTER_INVOICE" if line.status == "COMPLETED" else "DELIVERED_AT_RETURN_CENTER"
            line.events.append((tag, self._platform.now()))
            line.status = "COMPLETED" if line.status == "COMPLETED" else "DELIVERED"
        found.changed_at = self._platform.now()
        self._platform.after(self._platform.settings.return_refund_within, lambda: self._refund_ourselves(found))

    def _refund_ourselves(self, found: Return) -> None:
        for line in found.lines:
            if line.refunded < line.quantity:
                self._give_back(found, line, line.quantity - line.refunded, CHANNEL)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _give_back(self, found: Return, line: ReturnLine, units: int, by: str) -> None:
        order = self._platform.orders[found.order_id]
        sold = order.line(line.line_id)
        assert sold is not None
        charges = _charges_of(sold, units)
        now = self._platform.now()
        if charges:
            units_left = min(units, sold.shipped - sold.refunded_units)
            self._orders.refund(order, sold, charges, by, f"return {found.return_id}", units_left)
        line.refunded += units
        if line.refunded == line.quantity:
            line.status = "COMPLETED"
        line.events += [("REFUND_INITIATED", now), ("REFUND_ISSUED", now)]
        found.changed_at = now

    def _returned(self, order: Order, line: Line) -> int:
        return sum(
            one.quantity
            for other in self._platform.returns.values()
            if other.order_id == order.order_id
            for one in other.lines
            if one.line_id == line.line_id
        )

    def _wanted(self, found: Return, row: dict[str, Any]) -> tuple[ReturnLine, int]:
        number = row.get("returnOrderLineNumber")
        line = next((one for one in found.lines if one.number == number), None)
        if line is None:
            raise invalid(RETURN_API, f"return line {number} is not found", "returnOrderLineNumber")
        if row.get("quantity") is None:
            return line, line.quantity - line.refunded
        value = inside(RETURN_API, row, "quantity", "measurementValue")
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or value != int(value) or value < 1:
            raise invalid(RETURN_API, "measurementValue must be a whole number of at least 1", "measurementValue")
        return line, int(value)

    def _filtered(self, request: Request) -> list[Return]:
        status = request.first("status")
        if status and status not in STATUSES:
            raise bad_parameter(RETURN_API, "status", f"{status!r} is no status")
        created, created_end, modified, modified_end = (
            date_parameter(RETURN_API, request, f"return{name}Date")
            for name in ("CreationStart", "CreationEnd", "LastModifiedStart", "LastModifiedEnd")
        )
        number, customer = request.first("returnOrderId"), request.first("customerOrderId")
        return [
            one
            for one in self._platform.returns.values()
            if (not number or one.return_id == number)
            and (not customer or one.customer_order_id == customer)
            and (not status or any(line.status == status for line in one.lines))
            and (created is None or one.opened_at >= created)
            and (created_end is None or one.opened_at <= created_end)
            and (modified is None or one.changed_at >= modified)
            and (modified_end is None or one.changed_at <= modified_end)
        ]

    def _shown(self, one: Return) -> dict[str, Any]:
        order = self._platform.orders[one.order_id]
        first, _, last = (order.buyer or BUYERS[order.sequence % len(BUYERS)][0]).partition(" ")
        lines = [self._shown_line(one, order, line) for line in one.lines]
        total = 0
        for line in one.lines:
            sold = order.line(line.line_id)
            total += sold.unit_total_minor() * line.quantity if sold else 0
        return {
            "returnOrderId": one.return_id,
            "customerEmailId": f"{order.customer_order_id}@relay.walmart.com",
            "returnType": "REFUND",
            "replacementCustomerOrderId": None,
            "customerName": {"firstName": first, "lastName": last},
            "customerOrderId": one.customer_order_id,
            "returnOrderDate": stamp(one.opened_at),
            "returnByDate": stamp(one.opened_at + self._platform.settings.return_in_transit * 2),
            "refundMode": "POST_RETURN",
            "totalRefundAmount": self._amount(total),
            "returnLineGroups": [
                {
                    "groupNo": 1,
                    "returnLines": [{"returnOrderLineNumber": line.number} for line in one.lines],
                    "labels": [{"labelImageURL": None, "carrierInfoList": [_carrier(one)]}],
                    "returnExpectedFlag": True,
                }
            ],
            "returnOrderLines": lines,
            "returnChannel": {"channelName": "MYACCOUNT"},
        }

    def _shown_line(self, one: Return, order: Order, line: ReturnLine) -> dict[str, Any]:
        sold = order.line(line.line_id)
        assert sold is not None
        refund_status = "REFUND_ISSUED" if line.refunded == line.quantity else "NOT_REFUNDED"
        at = line.events[-1][1]
        delivered = any(tag.startswith("DELIVERED") for tag, _ in line.events)
        return {
            "returnOrderLineNumber": line.number,
            "salesOrderLineNumber": int(line.line_id),
            "sellerOrderId": None,
            "returnReason": line.reason,
            "purchaseOrderId": one.order_id,
            "purchaseOrderLineNumber": int(line.line_id),
            "exceptionItemType": None,
            "isReturnForException": False,
            "rechargeReason": None,
            "returnCancellationReason": None,
            "item": {"sku": sold.sku, "productName": sold.title, "itemWeight": None},
            "charges": self._charges(sold),
            "unitPrice": self._amount(sold.price_minor),
            "itemReturnSettings": [],
            "chargeTotals": self._totals(sold, line.quantity),
            "cancellableQty": 0,
            "quantity": _measure(line.quantity),
            "returnExpectedFlag": True,
            "isFastReplacement": False,
            "isKeepIt": False,
            "lastItem": False,
            "refundedQty": line.refunded,
            "rechargeableQty": 0,
            "refundChannel": "SELLER",
            "returnTrackingDetail": [_event(number, *one) for number, one in enumerate(line.events, 1)],
            "status": line.status,
            "statusTime": stamp(at),
            "currentDeliveryStatus": "DELIVERED" if delivered else "IN_TRANSIT",
            "currentRefundStatus": refund_status,
            "currentTrackingStatuses": [
                {
                    "status": line.events[-1][0],
                    "statusTime": stamp(at),
                    "currentRefundStatus": refund_status,
                    "quantity": _measure(line.quantity),
                }
            ],
            "refundChannels": [{"refundChannelName": "SELLER", "quantity": _measure(line.refunded)}],
        }

    def _charges(self, sold: Line) -> list[dict[str, Any]]:
        rows_shown = []
        for kind, name, amount, tax in (
            ("PRODUCT", "ItemPrice", sold.price_minor, sold.unit_tax_minor),
            ("SHIPPING", "Shipping", sold.unit_shipping_minor, sold.unit_shipping_tax_minor),
        ):
            taxed = {"taxName": f"{name} Tax", "excessTax": self._amount(0), "taxPerUnit": self._amount(tax)}
            rows_shown.append(
                {
                    "chargeCategory": kind,
                    "chargeName": name,
                    "chargePerUnit": self._amount(amount),
                    "isDiscount": False,
                    "isBillable": True,
                    "tax": [taxed],
                    "excessCharge": self._amount(0),
                    "references": [],
                }
            )
        return rows_shown

    def _totals(self, sold: Line, units: int) -> list[dict[str, Any]]:
        taxes = sold.unit_tax_minor + sold.unit_shipping_tax_minor
        parts = (
            ("lineUnitPrice", sold.price_minor),
            ("lineShipping", sold.unit_shipping_minor),
            ("lineTax", taxes),
            ("lineTotal", sold.unit_total_minor()),
        )
        return [{"name": name, "value": self._amount(value * units)} for name, value in parts]

    def _amount(self, value_minor: int) -> dict[str, Any]:
        return {"currencyAmount": major(value_minor), "currencyUnit": self._platform.settings.currency}


def _charges_of(sold: Line, units: int) -> list[Charge]:
    """What so many returned units are worth, at most what is left of the line."""
    found = []
    for kind, name in (("PRODUCT", "Item Price"), ("SHIPPING", "Shipping")):
        (amount, tax), (left, tax_left) = sold.charged(kind, units), sold.refundable(kind)
        if min(amount, left) or min(tax, tax_left):
            found.append(Charge(kind, name, min(amount, left), min(tax, tax_left), RETURNED))
    return found


def _event(number: int, tag: str, at: datetime) -> dict[str, Any]:
    return {
        "sequenceNo": number,
        "eventTag": tag,
        "eventDescription": tag.replace("_", " ").capitalize(),
        "eventTime": stamp(at),
        "references": [],
    }


def _carrier(one: Return) -> dict[str, str]:
    return {
        "carrierId": "FEDEX",
        "carrierName": "FedEx",
        "serviceType": "GROUND",
        "trackingNo": f"R{one.return_id[-10:]}",
    }


def _measure(units: int) -> dict[str, Any]:
    return {"unitOfMeasure": "EACH", "measurementValue": units}
