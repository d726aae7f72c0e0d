"""Writes to orders: acknowledge the whole, ship, cancel and give money back by lines. Each answers with the order as it is then.

Walmart knows no key of ours. The state of the units protects from doing twice where all of a line is meant; a part of it
may be shipped or cancelled again, and a refund always: so after an unclear answer the order is looked at.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from entrepot.connectors.exchange import Call
from entrepot.connectors.reading import Unreadable, encoded, instant, members, number_of, typed
from entrepot.connectors.verbs import AcknowledgeOrder, CancelLines, RefundedLine, RefundLines, ShipParcel
from entrepot.connectors.walmart import shapes, words
from entrepot.connectors.walmart.translate import OUR_MARK, refunded_minor
from entrepot.connectors.walmart.units import counted, whole
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.money import split_minor
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown

OTHERWISE = "decided-otherwise"  # ours, for a state that excludes what we wanted
WRONG_STATE = frozenset({"INVALID_REQUEST_CONTENT.GMP_ORDER_API"})  # theirs, for units that are further already
JSON = {"content-type": "application/json"}
SELLER_ORDER_CHARS_MAX = 30
EACH = "EACH"


def json_call(method: str, path: str, body: Any, query: tuple[tuple[str, str], ...] = ()) -> Call:
    return Call(method, path, query, JSON, encoded(body))


def order_path(order_id: str, tail: str = "") -> str:
    return f"/v3/orders/{quote(order_id, safe='')}{tail}"


def unwrapped(body: bytes) -> bytes:
    """A write answers `{"order": …}`, a read of one order the order itself. Errors: Unreadable."""
    inside = members(body)
    return bytes(inside["order"]) if "order" in inside else body


def one_order(body: bytes, order_id: str) -> shapes.Order:
    """Errors: Unreadable when they answer for another order, or in a word nobody published: then it proves nothing."""
    order = typed(unwrapped(body), shapes.Order)
    if order.purchaseOrderId != order_id:
        raise Unreadable(f"{order.purchaseOrderId} is not the order that was asked for", "$.purchaseOrderId")
    for n, line in enumerate(order.orderLines.orderLine):
        if unknown := counted(line, n).unknown:
            raise Unreadable(f"a line is “{unknown[0]}”, a word we do not know", "$.orderLines")
    return order


def _look(judge: Callable[[Any, shapes.Order], ReadBack]) -> Look[Any]:
    return Look(
        lambda payload, _key: Call("GET", order_path(payload.order_id)),
        lambda payload, response: judge(payload, one_order(response.body, payload.order_id)),
    )


def _answered(judge: Callable[[Any, shapes.Order], ReadBack]) -> Callable[[Any, HttpResponse], Outcome]:
    """The order they answer with must show what was asked; a 200 alone proves nothing."""

    def read(payload: Any, response: HttpResponse) -> Outcome:
        found = judge(payload, one_order(response.body, payload.order_id))
        return Unknown(f"their answer does not show it: {found.looked_at}") if isinstance(found, NotThere) else found

    return read


def _line_of(order: shapes.Order, line_id: str) -> tuple[int, shapes.OrderLine]:
    """Errors: Unreadable for a line that is not in the order."""
    for n, line in enumerate(order.orderLines.orderLine):
        if str(line.lineNumber) == line_id:
            return n, line
    raise Unreadable(f"order {order.purchaseOrderId} has no line {line_id}", "$.orderLines")


def _given(lines: list[Any]) -> list[Any]:
    """Errors: Unreadable when nothing, or nothing countable, is asked for."""
    if not lines or any(line.quantity < 1 for line in lines) or len({line.line_id for line in lines}) != len(lines):
        raise Unreadable("lines with a positive quantity are needed, each once", "$.lines")
    return lines


def _together(found: list[ReadBack], receipt: Mapping[str, Any]) -> ReadBack:
    """What the looks at single lines mean for the whole: all, none, or a person decides."""
    if all(isinstance(one, Done) for one in found):
        return Done(receipt)
    if all(isinstance(one, NotThere) for one in found):
        return found[0]
    refused = [one for one in found if isinstance(one, Refused)]
    if refused and not any(isinstance(one, Done | Unknown) for one in found):
        return refused[0]
    return next((one for one in found if isinstance(one, Unknown)), Unknown("only some of the lines show it"))


# -- acknowledge ------------------------------------------------------------------------------------------------------


def acknowledged(payload: AcknowledgeOrder, order: shapes.Order) -> ReadBack:
    """No unit is in Created any more, and some still live."""
    units = [counted(line, n) for n, line in enumerate(order.orderLines.orderLine)]
    if any(words.CREATED in one.words for one in units):
        return NotThere(f"order {order.purchaseOrderId} waits to be acknowledged")
    if all(one.words <= {words.CANCELLED} for one in units):
        return Refused(OTHERWISE, f"order {order.purchaseOrderId} is cancelled")
    return Done({"order_id": payload.order_id})


ACKNOWLEDGE = Shape(
    AcknowledgeOrder,
    lambda payload, _key: Call("POST", order_path(payload.order_id, "/acknowledge")),
    _answered(acknowledged),
    _look(acknowledged),
    WRONG_STATE,
)

# -- ship -------------------------------------------------------------------------------------------------------------


def ship(payload: ShipParcel, _key: str) -> Call:
    if not payload.tracking:
        raise Unreadable("Walmart takes no parcel without a tracking number", "$.tracking")
    known = words.CARRIERS.get(payload.carrier.casefold())
    tracking = {
        "shipDateTime": int(instant(payload.shipped_at, "$.shipped_at").timestamp() * 1000),
        "carrierName": {"carrier": known} if known else {"otherCarrier": payload.carrier},
        "methodCode": payload.service if payload.service in words.METHODS else "Standard",
        "trackingNumber": payload.tracking,
    }
    lines = [
        {
            "lineNumber": line.line_id,
            **({"sellerOrderId": payload.our_number} if len(payload.our_number) <= SELLER_ORDER_CHARS_MAX else {}),
            "orderLineStatuses": {
                "orderLineStatus": [
                    {
                        "status": words.SHIPPED,
                        "statusQuantity": {"unitOfMeasurement": EACH, "amount": str(line.quantity)},
                        "trackingInfo": tracking,
                    }
                ]
            },
        }
        for line in _given(payload.lines)
    ]
    return json_call(
        "POST", order_path(payload.order_id, "/shipping"), {"orderShipment": {"orderLines": {"orderLine": lines}}}
    )


def shipped(payload: ShipParcel, order: shapes.Order) -> ReadBack:
    """Our tracking number stands on at least so many units of each line."""
    found: list[ReadBack] = []
    for asked in payload.lines:
        n, line = _line_of(order, asked.line_id)
        ours = sum(
            whole(status.statusQuantity.amount, "$.statusQuantity")
            for status in line.orderLineStatuses.orderLineStatus
            if words.STATUSES.get(status.status) in words.LEFT_US
            and status.trackingInfo is not None
            and status.trackingInfo.trackingNumber == payload.tracking
        )
        units = counted(line, n)
        if ours >= asked.quantity:
            found.append(Done())
        elif ours:
            found.append(Unknown(f"{ours} of {asked.quantity} units of line {asked.line_id} carry {payload.tracking}"))
        elif units.open < asked.quantity:
            found.append(Refused(OTHERWISE, f"{units.open} units of line {asked.line_id} are left to be shipped"))
        else:
            found.append(NotThere(f"line {asked.line_id} carries no parcel {payload.tracking}"))
    return _together(found, {"order_id": payload.order_id, "tracking": payload.tracking})


SHIP = Shape(ShipParcel, ship, _answered(shipped), _look(shipped), WRONG_STATE)

# -- cancel -----------------------------------------------------------------------------------------------------------


def cancel(payload: CancelLines, _key: str) -> Call:
    lines = [
        {
            "lineNumber": line.line_id,
            "orderLineStatuses": {
                "orderLineStatus": [
                    {
                        "status": words.CANCELLED,
                        "cancellationReason": _word(words.CANCEL_REASONS, payload.reason),
                        "statusQuantity": {"unitOfMeasurement": EACH, "amount": str(line.quantity)},
                    }
                ]
            },
        }
        for line in _given(payload.lines)
    ]
    body = {"orderCancellation": {"orderLines": {"orderLine": lines}}}
    return json_call("POST", order_path(payload.order_id, "/cancel"), body)


def cancelled(payload: CancelLines, order: shapes.Order) -> ReadBack:
    """They show how many units are cancelled, not by which call: other numbers than ours are for a person."""
    found: list[ReadBack] = []
    for asked in payload.lines:
        n, line = _line_of(order, asked.line_id)
        units = counted(line, n)
        if units.cancelled == asked.quantity or (units.cancelled > asked.quantity and not units.open):
            found.append(Done())
        elif units.cancelled:
            found.append(
                Unknown(f"{units.cancelled} units of line {asked.line_id} are cancelled, not {asked.quantity}")
            )
        elif units.open < asked.quantity:
            found.append(Refused(OTHERWISE, f"{units.open} units of line {asked.line_id} could still be cancelled"))
        else:
            found.append(NotThere(f"nothing of line {asked.line_id} is cancelled"))
    return _together(found, {"order_id": payload.order_id})


CANCEL = Shape(CancelLines, cancel, _answered(cancelled), _look(cancelled), WRONG_STATE)

# -- refund -----------------------------------------------------------------------------------------------------------


def refund(payload: RefundLines, _key: str) -> Call:
    """Amounts are negative, as they want them. Our own number of the refund travels as its comment."""
    reason = _word(words.REFUND_REASONS, payload.reason)
    lines = []
    for line in payload.lines:
        if min(line.item_minor, line.shipping_minor, line.tax_minor) < 0 or not _sum(line):
            raise Unreadable("a refund of nothing or less", "$.lines")
        one = {
            "refundComments": OUR_MARK + payload.refund,
            "refundCharges": {"refundCharge": _charges(line, payload.currency, reason)},
        }
        lines.append({"lineNumber": line.line_id, "isFullRefund": False, "refunds": {"refund": [one]}})
    if not lines or not payload.refund:
        raise Unreadable("a refund needs lines and our own number of it", "$")
    body = {"orderRefund": {"purchaseOrderId": payload.order_id, "orderLines": {"orderLine": lines}}}
    return json_call("POST", order_path(payload.order_id, "/refund"), body)


def _sum(line: RefundedLine) -> int:
    return line.item_minor + line.shipping_minor + line.tax_minor


def _charges(line: RefundedLine, currency: str, reason: str) -> list[dict[str, Any]]:
    """Item and shipping, each if there is any. The tax is one sum to us: it is split as they are."""
    parts = [("PRODUCT", "Item Price", line.item_minor), ("SHIPPING", "Shipping", line.shipping_minor)]
    parts = [part for part in parts if part[2]] or parts[:1]
    found = []
    taxes = split_minor(line.tax_minor, [amount for _, _, amount in parts])
    for (kind, name, amount), tax_minor in zip(parts, taxes, strict=True):
        charge: dict[str, Any] = {
            "chargeType": kind,
            "chargeName": name,
            "chargeAmount": {"currency": currency, "amount": number_of(-amount, currency)},
        }
        if tax_minor:
            tax = {"currency": currency, "amount": number_of(-tax_minor, currency)}
            charge["tax"] = {"taxName": f"{name} Tax", "taxAmount": tax}
        found.append({"refundReason": reason, "charge": charge})
    return found


def refunded(payload: RefundLines, order: shapes.Order) -> ReadBack:
    """Our number as its comment, on every line, with our amount. [guess] that they show a comment as it was sent."""
    found: list[ReadBack] = []
    ids: list[str] = []
    for asked in payload.lines:
        _, line = _line_of(order, asked.line_id)
        ours = [one for one in refunds_of(line) if one.refundComments == OUR_MARK + payload.refund]
        if not ours:
            found.append(NotThere(f"no refund {payload.refund} on line {asked.line_id}"))
        elif len(ours) > 1 or refund_minor(ours[0], payload.currency) != _sum(asked):
            found.append(
                Unknown(f"refund {payload.refund} is on line {asked.line_id} more than once, or is another sum")
            )
        else:
            found.append(Done())
            ids.append(ours[0].refundId or "")
    receipt = {"order_id": payload.order_id, "refund": payload.refund, "refund_ids": [one for one in ids if one]}
    return _together(found, receipt)


def refunds_of(line: shapes.OrderLine) -> list[shapes.Refund]:
    if line.refunds is not None and line.refunds.refund:
        return line.refunds.refund
    return [line.refund] if line.refund is not None else []


def refund_minor(one: shapes.Refund, currency: str) -> int:
    """What the buyer got. Errors: Unreadable."""
    charges = one.refundCharges.refundCharge if one.refundCharges else []
    return -sum(refunded_minor(charge, currency) for charge in charges)


REFUND = Shape(RefundLines, refund, _answered(refunded), _look(refunded))


def _word(known: Mapping[str, str], reason: str) -> str:
    if reason not in known:
        raise Unreadable(f"“{reason}” is not a reason we know", "$.reason")
    return known[reason]


SHAPES: Mapping[str, Shape[Any]] = {
    "walmart.acknowledge": ACKNOWLEDGE,
    "walmart.ship": SHIP,
    "walmart.cancel": CANCEL,
    "walmart.refund": REFUND,
}
