"""What a seller does with an order: take it, cancel of it, send it, give money back. Mirakl's state machine and a look protect it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from entrepot.connectors.exchange import Call, Good, unread
from entrepot.connectors.mirakl import payloads, shapes
from entrepot.connectors.mirakl.asking import (
    OTHERWISE,
    WRONG_STATE,
    json_call,
    look_at_order,
    no_content,
    order_id_of,
    order_path,
    otherwise,
)
from entrepot.connectors.mirakl.money_writes import REFUND as OPERATOR_REFUND
from entrepot.connectors.mirakl.money_writes import lines_cancelled
from entrepot.connectors.mirakl.words import PAST_ACCEPTANCE, SHIPPED_OR_LATER
from entrepot.connectors.mirakl_seller.after_look import AfterLook, Steps
from entrepot.connectors.port import Detail, OutgoingEffect
from entrepot.connectors.reading import Unreadable, elements, minor, number_of, typed
from entrepot.connectors.verbs import AcknowledgeOrder, CancelLines, RefundLines, ShipParcel
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown

WHOLE_LINES_ONLY = "whole-lines-only"
ENDED = frozenset({"REFUSED", "CANCELED"})
Reasons = Mapping[str, str]


def reasons_of(text: str) -> Reasons:
    """`ours=THEIRS,…` as the account sets it."""
    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs if theirs.strip()}


def reason_code(reasons: Reasons, ours: str) -> str:
    """The operator's code. A reason without one is sent in capitals, as many operators name theirs [guess]."""
    return reasons.get(ours) or ours.upper().replace("-", "_")


# -- acknowledge ---------------------------------------------------------------------------------------------------


def acknowledge(payload: AcknowledgeOrder, _key: str) -> Call:
    """All lines are decided together; to acknowledge is to accept every one."""
    if not payload.lines:
        raise Unreadable("an acceptance decides every line", "$.lines")
    lines = [{"id": line.line_id, "accepted": True} for line in payload.lines]
    return json_call("PUT", order_path(payload.order_id, "/accept"), {"order_lines": lines})


def acknowledged(payload: AcknowledgeOrder, order: shapes.Order) -> ReadBack:
    """Past the decision it is ours if all our lines stand."""
    if order.order_state not in PAST_ACCEPTANCE:
        return NotThere(f"order {order.order_id} is {order.order_state}")
    lines = {line.order_line_id: line.order_line_state for line in order.order_lines}
    refused = any(lines.get(line.line_id, "REFUSED") == "REFUSED" for line in payload.lines)
    return otherwise(order) if refused or order.order_state == "REFUSED" else Done({"order_id": order.order_id})


ACKNOWLEDGE = Shape(AcknowledgeOrder, acknowledge, no_content, look_at_order(order_id_of, acknowledged), WRONG_STATE)


# -- refund --------------------------------------------------------------------------------------------------------


def refund_shape(reasons: Reasons) -> Shape[RefundLines]:
    """OR28 as the operator's side makes it, from the verb's payload. Tax is inside the amounts."""

    def theirs(payload: RefundLines) -> payloads.Refund:
        rows = [
            payloads.RefundLine(
                order_line_id=line.line_id,
                amount_minor=line.item_minor + line.tax_minor,
                shipping_minor=line.shipping_minor,
                reason_code=reason_code(reasons, payload.reason),
                quantity=line.quantity,
            )
            for line in payload.lines
        ]
        if not rows or any(row.amount_minor + row.shipping_minor <= 0 for row in rows):
            raise Unreadable("a refund needs lines, each with an amount above zero", "$.lines")
        return payloads.Refund(payload.order_id, payload.currency, rows)

    look = OPERATOR_REFUND.look
    assert look is not None
    return Shape(
        RefundLines,
        lambda payload, key: OPERATOR_REFUND.ask(theirs(payload), key),
        lambda payload, response: OPERATOR_REFUND.answered(theirs(payload), response),
        Look(
            lambda payload, key: look.where(theirs(payload), key),
            lambda payload, response: look.found(theirs(payload), response),
        ),
    )


# -- cancel ---------------------------------------------------------------------------------------------------------


def left_of(line: shapes.OrderLine) -> int:
    """How many of a line still stand."""
    if line.order_line_state in ENDED:
        return 0
    return line.quantity - sum(one.quantity or 0 for one in line.cancelations or ())


@dataclass(frozen=True, slots=True)
class Cancel(AfterLook[CancelLines]):
    """Before the decision a line is refused whole, and the others are accepted with it; after it, all of it or a part is cancelled."""

    reasons: Reasons = field(default_factory=dict)

    def found(
        self, ctx: Ctx, effect: OutgoingEffect, payload: CancelLines, order: shapes.Order
    ) -> tuple[ReadBack, Detail]:
        lines = {line.order_line_id: line for line in order.order_lines}
        code = reason_code(self.reasons, payload.reason)
        gone: list[bool] = []
        for asked in payload.lines:
            line = lines.get(asked.line_id)
            if line is None:
                return Refused(OTHERWISE, f"order {order.order_id} has no line {asked.line_id}"), {}
            like = [
                one for one in line.cancelations or () if one.quantity == asked.quantity and one.reason_code == code
            ]
            if len(like) > 1:
                return Unknown(f"line {asked.line_id} holds {len(like)} cancelations like it"), {}
            gone.append(line.order_line_state in ENDED or bool(like))
        if all(gone):
            return Done({"order_id": order.order_id}), {}
        if any(gone):
            return Unknown(f"only some of the lines of order {order.order_id} are cancelled"), {}
        if order.order_state in SHIPPED_OR_LATER:
            return otherwise(order), {}
        return NotThere(f"order {order.order_id} is {order.order_state}"), {}

    def calls(self, payload: CancelLines, order: shapes.Order) -> Steps | Refused:
        asked = {line.line_id: line.quantity for line in payload.lines}
        lines = {line.order_line_id: line for line in order.order_lines}
        done = Done({"order_id": order.order_id})
        quiet: Callable[[HttpResponse], Outcome] = lambda response: _quiet(response, done)  # noqa: E731
        if order.order_state not in PAST_ACCEPTANCE:
            if any(quantity != lines[line_id].quantity for line_id, quantity in asked.items()):
                return Refused(WHOLE_LINES_ONLY, "before acceptance a line is refused whole, or not at all", "lines")
            decided = [{"id": line_id, "accepted": line_id not in asked} for line_id in lines]
            return [(json_call("PUT", order_path(order.order_id, "/accept"), {"order_lines": decided}), quiet)]
        standing = {line_id: left for line_id, line in lines.items() if (left := left_of(line))}
        if asked == standing:
            return [(Call("PUT", order_path(order.order_id, "/cancel")), quiet)]
        rows = [self._row(lines[line_id], quantity, payload.reason, order) for line_id, quantity in asked.items()]
        mode = order.order_tax_mode or "TAX_INCLUDED"
        body = {"order_tax_mode": mode, "cancelations": rows}
        return [(json_call("PUT", "/api/orders/cancel", body), lambda r: _cancelled(r, done))]

    def _row(self, line: shapes.OrderLine, quantity: int, reason: str, order: shapes.Order) -> dict[str, Any]:
        """The part of the line's money that belongs to the quantity; the last piece takes what is left. Errors: Unreadable."""
        currency, left = order.currency_iso_code, left_of(line)
        if quantity > left:
            raise Unreadable(f"line {line.order_line_id} has {left} left", "$.lines")
        parts = {}
        for name in ("price", "shipping_price"):
            spent = "amount" if name == "price" else "shipping_amount"
            gone = sum(minor(getattr(one, spent), currency, "$.cancelations") for one in line.cancelations or ())
            whole = minor(getattr(line, name), currency, f"$.{name}")
            rest = whole - gone if quantity == left else whole * quantity // line.quantity
            parts[spent] = number_of(rest, currency)
        return {
            "order_line_id": line.order_line_id,
            **parts,
            "currency_iso_code": currency,
            "quantity": quantity,
            "reason_code": reason_code(self.reasons, reason),
        }


def _quiet(response: HttpResponse, done: Done) -> Outcome:
    no_content(None, response)
    return done


def _cancelled(response: HttpResponse, done: Done) -> Outcome:
    lines_cancelled(payloads.Refund("", "", []), response)
    return done


# -- ship ----------------------------------------------------------------------------------------------------------


class _ShipmentLine(msgspec.Struct):
    order_line_id: str | None = None
    quantity: int | None = None


class _Shipment(msgspec.Struct):
    id: str
    status: str | None = None
    tracking: shapes.Tracking | None = None
    shipment_lines: list[_ShipmentLine] | None = None


class _Made(msgspec.Struct):
    id: str


class _ShipmentError(msgspec.Struct):
    message: str | None = None


class _Shipments(msgspec.Struct):
    shipment_success: list[_Made] = []
    shipment_errors: list[_ShipmentError] | None = None


@dataclass(frozen=True, slots=True)
class Ship(AfterLook[ShipParcel]):
    """All of an order in one parcel: tracking, then shipped. A part of it: a shipment of its own, where the operator has them."""

    def found(
        self, ctx: Ctx, effect: OutgoingEffect, payload: ShipParcel, order: shapes.Order
    ) -> tuple[ReadBack, Detail]:
        if order.order_state in ENDED:
            return otherwise(order), {}
        if self._whole(payload, order):
            if order.order_state not in SHIPPED_OR_LATER:
                return NotThere(f"order {order.order_id} is {order.order_state}"), {}
            same = (order.shipping_tracking or "") == payload.tracking
            return (Done({"order_id": order.order_id}) if same else otherwise(order)), {}
        look = Call("GET", "/api/shipments", (("order_id", order.order_id), ("limit", "100")), until=effect.send_until)
        answer, detail = self.wire.call(ctx, self.row.role, look)
        if not isinstance(answer, Good):
            return unread(answer), {"shipments": detail}
        try:
            return self._parcel(payload, answer.response), {"shipments": detail}
        except Unreadable as error:
            return Unknown(f"the shipments cannot be read: {error.what}"), {"shipments": detail}

    @staticmethod
    def _whole(payload: ShipParcel, order: shapes.Order) -> bool:
        standing = {line.order_line_id: left for line in order.order_lines if (left := left_of(line))}
        return {line.line_id: line.quantity for line in payload.lines} == standing

    @staticmethod
    def _parcel(payload: ShipParcel, response: HttpResponse) -> ReadBack:
        """The parcel by its tracking number and lines; two alike cannot be told apart."""
        ours = {line.line_id: line.quantity for line in payload.lines}
        seen = [typed(raw, _Shipment) for raw in elements(response.body, "data")]
        like = [
            one
            for one in seen
            if ((one.tracking.tracking_number if one.tracking else None) or "") == payload.tracking
            and {line.order_line_id: line.quantity for line in one.shipment_lines or ()} == ours
        ]
        if len(like) > 1:
            return Unknown(f"order {payload.order_id} holds {len(like)} parcels like it")
        return Done({"shipment_id": like[0].id}) if like else NotThere(f"{len(seen)} parcels, none like it")

    def calls(self, payload: ShipParcel, order: shapes.Order) -> Steps | Refused:
        tracking = {
            "carrier_code": None,
            "carrier_name": payload.carrier or None,
            "carrier_url": None,
            "tracking_number": payload.tracking,
        }
        done = Done({"order_id": order.order_id})
        quiet: Callable[[HttpResponse], Outcome] = lambda response: _quiet(response, done)  # noqa: E731
        if self._whole(payload, order):
            told = json_call("PUT", order_path(order.order_id, "/tracking"), tracking)
            sent = Call("PUT", order_path(order.order_id, "/ship"))
            return [(told, quiet), (sent, quiet)] if payload.tracking else [(sent, quiet)]
        of_parcel = {"carrier_name": payload.carrier or None, "tracking_number": payload.tracking or None}
        lines = [{"order_line_id": line.line_id, "quantity": line.quantity} for line in payload.lines]
        parcel = {"order_id": order.order_id, "shipped": True, "shipment_lines": lines, "tracking": of_parcel}
        return [(json_call("POST", "/api/shipments", {"shipments": [parcel]}), _parcel_made)]


def _parcel_made(response: HttpResponse) -> Outcome:
    """A good answer may hold errors only."""
    made = typed(response.body, _Shipments)
    if made.shipment_success:
        return Done({"shipment_id": made.shipment_success[0].id})
    if not made.shipment_errors:
        raise Unreadable("neither a shipment nor a reason came back")
    return Refused("SHIPMENT_REFUSED", made.shipment_errors[0].message or "the shipment was refused")
