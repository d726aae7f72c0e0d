"""Writes to orders: ship (one parcel a call), give back money line by line, cancel whole, answer a buyer who wants to cancel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from entrepot.connectors.around import Around
from entrepot.connectors.ebay import shapes, wire
from entrepot.connectors.ebay.asking import (
    OTHERWISE,
    POST_ORDER,
    done_quietly,
    json_call,
    order_path,
    part,
    price_of,
)
from entrepot.connectors.ebay.lists import stamp
from entrepot.connectors.ebay.statement import amount_of
from entrepot.connectors.ebay.words import CANCEL_REASON, CANCELED, REFUND_REASON
from entrepot.connectors.exchange import Answer, Call, Good, unfinished, unread
from entrepot.connectors.port import Detail, OutgoingEffect
from entrepot.connectors.reading import NOT_JSON, Unreadable, elements, instant, members, typed
from entrepot.connectors.verbs import AnswerCancellation, CancelLines, RefundLines, ShipParcel
from entrepot.connectors.writes import WRONG_PAYLOAD, Caller, Look, Shape
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, Later, NotThere, Outcome, ReadBack, Refused, Unknown

FULFILLMENTS = "/shipping_fulfillment"
REFUND_FAILED = "FAILED"
STILL_PROCESSING, PROCESSING_S = "34922", 120.0  # "previous refund is processing"
WHOLE_ORDER_ONLY = "whole-order-only"
APPROVE, REJECT = "approve", "reject"


def chosen(table: Mapping[str, str], word: str, where: str) -> str:
    """Errors: Unreadable for a reason of ours that this channel has no word for."""
    if word not in table:
        raise Unreadable(f"“{word}” is none of {', '.join(table)}", where)
    return table[word]


# -- ship ----------------------------------------------------------------------------------------------------------


def ship(payload: ShipParcel, _key: str) -> Call:
    if not payload.lines:
        raise Unreadable("a parcel without lines", "$.lines")
    body: dict[str, Any] = {
        "lineItems": [{"lineItemId": line.line_id, "quantity": line.quantity} for line in payload.lines],
        "shippedDate": stamp(instant(payload.shipped_at, "$.shipped_at")),
    }
    if payload.tracking:  # they want both, or neither
        body |= {"shippingCarrierCode": payload.carrier, "trackingNumber": payload.tracking}
    return json_call("POST", order_path(payload.order_id, FULFILLMENTS), body)


def shipped(_payload: ShipParcel, response: HttpResponse) -> Outcome:
    """201, and the address of the new fulfilment in Location; nothing else is published."""
    location = response.headers.get("location", "")
    fulfillment_id = location.rstrip("/").rpartition("/")[2]
    if response.status != 201 or not fulfillment_id:
        raise Unreadable("201 with a Location is published, and something else came")
    return Done({"fulfillment_id": fulfillment_id})


def _fulfillments(payload: ShipParcel, _key: str) -> Call:
    return Call("GET", order_path(payload.order_id, FULFILLMENTS))


def parcel_found(payload: ShipParcel, response: HttpResponse) -> ReadBack:
    """The parcel by its tracking number; without one by its lines, which only tells when there is just one like it."""
    ours = {line.line_id: line.quantity for line in payload.lines}
    seen = [typed(raw, shapes.Fulfillment) for raw in elements(response.body, "fulfillments")]
    like = [one for one in seen if (one.shipmentTrackingNumber or "") == payload.tracking]
    if payload.tracking and like and not any(_lines(one) == ours for one in like):
        return Unknown(f"order {payload.order_id} has a parcel {payload.tracking} with other lines in it")
    same = [one for one in like if _lines(one) == ours]
    if len(same) > 1:
        return Unknown(f"order {payload.order_id} holds {len(same)} parcels like it")
    if same:
        return Done({"fulfillment_id": same[0].fulfillmentId})
    return NotThere(f"order {payload.order_id} has {len(seen)} parcels, none like it")


def _lines(seen: shapes.Fulfillment) -> dict[str, int]:
    return {line.lineItemId: line.quantity or 0 for line in seen.lineItems or ()}


SHIP = Shape(ShipParcel, ship, shipped, Look(_fulfillments, parcel_found))


# -- refund --------------------------------------------------------------------------------------------------------


def given(payload: RefundLines) -> dict[str, int]:
    """What the buyer gets by line. Errors: Unreadable for a line named twice, or for nothing."""
    amounts = {line.line_id: line.item_minor + line.shipping_minor + line.tax_minor for line in payload.lines}
    if len(amounts) != len(payload.lines) or not amounts or min(amounts.values()) <= 0:
        raise Unreadable("a refund needs each line once, with an amount above zero", "$.lines")
    return amounts


def refund(payload: RefundLines, _key: str) -> Call:
    body = {
        "reasonForRefund": chosen(REFUND_REASON, payload.reason, "$.reason"),
        "comment": payload.refund,
        "refundItems": [
            {"lineItemId": line_id, "refundAmount": price_of(amount, payload.currency)}
            for line_id, amount in given(payload).items()
        ],
    }
    return json_call("POST", order_path(payload.order_id, "/issue_refund"), body)


def refunded(_payload: RefundLines, response: HttpResponse) -> Outcome:
    issued = typed(response.body, shapes.RefundIssued)
    if not issued.refundId:
        raise Unreadable("a refund without a number", "$.refundId")
    if issued.refundStatus == REFUND_FAILED:
        return Refused(REFUND_FAILED, f"refund {issued.refundId} failed")
    return Done({"refund_id": issued.refundId})


def refund_found(payload: RefundLines, order: shapes.Order) -> ReadBack:
    """The refund on the order whose lines and amounts are ours. Two alike cannot be told apart: a person looks."""
    ours = given(payload)
    by_refund: dict[str, dict[str, int]] = {}
    for n, line in enumerate(order.lineItems):
        for one in line.refunds or ():
            if one.refundId and one.amount:
                amount = amount_of(one.amount, f"$.lineItems[{n}].refunds")
                by_refund.setdefault(one.refundId, {})[line.lineItemId] = amount
    like = [refund_id for refund_id, lines in by_refund.items() if lines == ours]
    if len(like) > 1:
        return Unknown(f"order {payload.order_id} holds {len(like)} refunds like it")
    if not like:
        return NotThere(f"nothing like it among the {len(by_refund)} refunds of order {payload.order_id}")
    told = (order.paymentSummary.refunds if order.paymentSummary else None) or []
    if any(one.refundId == like[0] and one.refundStatus == REFUND_FAILED for one in told):
        return Refused(REFUND_FAILED, f"refund {like[0]} failed")
    return Done({"refund_id": like[0]})


def at_order(judge: Callable[[Any, shapes.Order], ReadBack]) -> Look[Any]:
    return Look(
        lambda payload, _key: Call("GET", order_path(payload.order_id)),
        lambda payload, response: judge(payload, typed(response.body, shapes.Order)),
    )


REFUND = Shape(RefundLines, refund, refunded, at_order(refund_found))


@dataclass(frozen=True, slots=True)
class OneAtATime(Around):
    """While a refund of an order is being processed they take no other: that is no refusal, but a matter of minutes."""

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        outcome, detail = self.write.send(ctx, effect)
        if isinstance(outcome, Refused) and outcome.code == STILL_PROCESSING:
            return Later(outcome.words, PROCESSING_S), detail
        return outcome, detail


# -- cancel --------------------------------------------------------------------------------------------------------


class _Created(msgspec.Struct):
    cancelId: str | int | None = None


def cancel(payload: CancelLines, _key: str) -> Call:
    reason = chosen(CANCEL_REASON, payload.reason, "$.reason")
    body = {"legacyOrderId": payload.order_id, "cancelReason": reason, "buyerPaid": True}
    return json_call("POST", f"{POST_ORDER}/cancellation", body)


def cancelled(_payload: CancelLines, response: HttpResponse) -> Outcome:
    created = typed(response.body, _Created).cancelId
    if created is None:
        raise Unreadable("a cancellation without a number", "$.cancelId")
    return Done({"cancel_id": str(created)})


def cancel_found(payload: CancelLines, order: shapes.Order) -> ReadBack:
    """Cancelled, or on its way there at our asking. A buyer who asks is another matter: he is answered."""
    status = order.cancelStatus or shapes.CancelStatus()
    ours = [
        one
        for one in status.cancelRequests or ()
        if (one.cancelInitiator or "").upper() == "SELLER" and (one.cancelRequestState or "").upper() != "REJECTED"
    ]
    if status.cancelState == CANCELED or ours:
        numbers = [one.cancelRequestId for one in ours or status.cancelRequests or () if one.cancelRequestId]
        return Done({"cancel_id": numbers[-1] if numbers else ""})
    if order.orderFulfillmentStatus == "FULFILLED":
        return Refused(OTHERWISE, f"order {payload.order_id} has been sent")
    return NotThere(f"order {payload.order_id} is {order.orderFulfillmentStatus}, nothing cancelled")


CANCEL = Shape(CancelLines, cancel, cancelled, at_order(cancel_found))


@dataclass(frozen=True, slots=True)
class CancelWhole(Around):
    """eBay cancels whole orders only, whatever lines are meant: the order is looked at first, and a part of it is refused.

    The order stands in another interface than the cancellation, so both looks are made here.
    """

    wire: Caller

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        payload = self._payload(effect)
        if isinstance(payload, Refused):
            return payload, {"error": payload.words}
        order, looked = self._order(ctx, effect, payload)
        if not isinstance(order, shapes.Order):
            stopped = order if isinstance(order, Unknown) else unfinished(order)
            if not isinstance(stopped, Unknown):
                return stopped, looked
            return Later(f"not sent: the order could not be looked at ({stopped.why})"), looked
        whole = {line.lineItemId: line.quantity for line in order.lineItems}
        if {line.line_id: line.quantity for line in payload.lines} != whole:
            words = "eBay cancels whole orders only: refund the lines that are meant"
            return Refused(WHOLE_ORDER_ONLY, words, "lines"), looked
        found = cancel_found(payload, order)
        if not isinstance(found, NotThere):
            return found, looked
        outcome, detail = self.write.send(ctx, effect)
        return outcome, detail | {"look": looked}

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        payload = self._payload(effect)
        if isinstance(payload, Refused):
            return Unknown(payload.words), {"error": payload.words}
        order, looked = self._order(ctx, effect, payload)
        if isinstance(order, shapes.Order):
            return cancel_found(payload, order), looked
        return order if isinstance(order, Unknown) else unread(order), looked

    def _order(
        self, ctx: Ctx, effect: OutgoingEffect, payload: CancelLines
    ) -> tuple[shapes.Order | Answer | Unknown, Detail]:
        look = Call("GET", order_path(payload.order_id), until=effect.send_until)
        answer, looked = self.wire.call(ctx, wire.SELL, look)
        if not isinstance(answer, Good):
            return answer, looked
        try:
            return typed(answer.response.body, shapes.Order), looked
        except Unreadable as error:
            return Unknown(f"the order cannot be read: {error.what}"), looked

    def _payload(self, effect: OutgoingEffect) -> CancelLines | Refused:
        try:
            return msgspec.convert(effect.payload, CancelLines, str_keys=True)
        except NOT_JSON as error:
            return Refused(WRONG_PAYLOAD, f"{self.name} cannot be made from this payload: {error}")


# -- answer a buyer's request --------------------------------------------------------------------------------------


def request_path(request_id: str, tail: str = "") -> str:
    return f"{POST_ORDER}/cancellation/{part(request_id)}{tail}"


def answer_request(payload: AnswerCancellation, _key: str) -> Call:
    if payload.answer == APPROVE:
        return json_call("POST", request_path(payload.request_id, "/approve"), {})
    if payload.answer != REJECT or not payload.shipped_at:
        raise Unreadable("a request is approved, or rejected with the day the parcel left", "$.answer")
    body: dict[str, Any] = {"shipmentDate": {"value": stamp(instant(payload.shipped_at, "$.shipped_at"))}}
    if payload.tracking:
        body["trackingNumber"] = payload.tracking
    return json_call("POST", request_path(payload.request_id, "/reject"), body)


def request_found(payload: AnswerCancellation, response: HttpResponse) -> ReadBack:
    inside = members(response.body)
    raw = inside.get("cancelDetail") or inside.get("cancelSummary") or msgspec.Raw(response.body)
    seen = typed(raw, shapes.Cancellation)
    status = seen.cancelStatus
    if status == "CANCEL_REQUESTED":
        return NotThere(f"request {payload.request_id} is {status}")
    rejected = status == "CANCEL_REJECTED"
    if rejected == (payload.answer == REJECT):
        return Done({"cancel_status": status})
    return Refused(OTHERWISE, f"request {payload.request_id} is {status}")


ANSWER_CANCELLATION = Shape(
    AnswerCancellation,
    answer_request,
    done_quietly,
    Look(lambda payload, _key: Call("GET", request_path(payload.request_id)), request_found),
)
