"""The goods are back: the buyer gets his money by the return itself (`POST /v3/returns/{id}/refund`).

Walmart counts lines of the return, we know lines of the order: so the return is read first, which changes nothing there.
What came back otherwise than agreed has no call: it is disputed in their Seller Center.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from entrepot.connectors.exchange import Answer, Call, Good, Rejected, unfinished, unread
from entrepot.connectors.reading import Unreadable, elements, typed
from entrepot.connectors.verbs import ReceiveReturn
from entrepot.connectors.walmart import shapes
from entrepot.connectors.walmart.order_writes import EACH, OTHERWISE, json_call
from entrepot.connectors.walmart.units import whole
from entrepot.connectors.walmart.wire import NOTHING_FOUND
from entrepot.connectors.writes import WRONG_PAYLOAD, Caller
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, Later, NotThere, Outcome, ReadBack, Refused, Unknown
from entrepot.outbox.port import Detail, Limit, OutgoingEffect

RETURNS = "/v3/returns"
NOTHING_ACCEPTED = "nothing-accepted"


class _Refunded(msgspec.Struct):
    returnOrderId: str


@dataclass(frozen=True, slots=True)
class ReturnRefund:
    """An operation of the outbox's port that reads before it writes."""

    name: str
    code: str
    wire: Caller
    role: str
    limit: Limit | None
    settle_s: float
    money: bool
    partner_key: bool
    can_read_back: bool = True

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        payload = _payload(effect.payload)
        if isinstance(payload, Refused):
            return payload, {"error": payload.words}
        found, detail = self._read(ctx, effect, payload.return_id)
        if not isinstance(found, shapes.ReturnOrder):
            return _before_the_call(found), detail
        try:
            call = json_call("POST", f"{RETURNS}/{quote(payload.return_id, safe='')}/refund", body_of(payload, found))
        except Unreadable as error:
            return Refused(WRONG_PAYLOAD, error.what), detail | {"error": error.what}
        call = Call(call.method, call.path, call.query, call.headers, call.body, effect.send_until)
        answer, sent = self.wire.call(ctx, self.role, call)
        detail = sent | {"read_first": detail}
        if not isinstance(answer, Good):
            return unfinished(answer), detail
        return _answered(payload, answer.response), detail

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        payload = _payload(effect.payload)
        if isinstance(payload, Refused):
            return Unknown(payload.words), {"error": payload.words}
        found, detail = self._read(ctx, effect, payload.return_id)
        if isinstance(found, str):
            return Unknown(found), detail
        if not isinstance(found, shapes.ReturnOrder):
            return unread(found), detail
        try:
            return refunded(payload, found), detail
        except Unreadable as error:
            return Unknown(f"what was found cannot be read: {error.what}"), detail

    def _read(
        self, ctx: Ctx, effect: OutgoingEffect, return_id: str
    ) -> tuple[shapes.ReturnOrder | Answer | str, Detail]:
        """The return, or why there is none to look at."""
        call = Call("GET", RETURNS, (("returnOrderId", return_id),), until=effect.send_until)
        answer, detail = self.wire.call(ctx, self.role, call)
        if not isinstance(answer, Good):
            return answer, detail
        try:
            found = [typed(raw, shapes.ReturnOrder) for raw in elements(answer.response.body, "returnOrders")]
        except Unreadable as error:
            return f"the return cannot be read: {error.what}", detail
        mine = next((one for one in found if one.returnOrderId == return_id), None)
        return mine or f"there is no return {return_id}", detail


def _payload(given: Mapping[str, Any]) -> ReceiveReturn | Refused:
    try:
        payload = msgspec.convert(given, ReceiveReturn, str_keys=True)
    except msgspec.ValidationError as error:
        return Refused(WRONG_PAYLOAD, f"a refund of a return cannot be made from this payload: {error}")
    if not payload.accepted:
        return Refused(
            NOTHING_ACCEPTED, "Walmart takes what is refunded; a refused return is disputed in Seller Center"
        )
    return payload


def _before_the_call(found: Answer | str | shapes.ReturnOrder) -> Outcome:
    """Nothing was asked for yet: whatever failed may be tried again, but a return that is not there will not appear."""
    if isinstance(found, str):
        return Later(found)
    if isinstance(found, Rejected):
        if found.refusal.code.startswith(NOTHING_FOUND):
            return found.refusal
        return Later(f"the return could not be read first: {found.refusal.words}")
    if isinstance(found, shapes.ReturnOrder):
        raise TypeError("there is a return to write to")
    outcome = unfinished(found)
    return Later(f"the return could not be read first: {outcome.why}") if isinstance(outcome, Unknown) else outcome


def body_of(payload: ReceiveReturn, found: shapes.ReturnOrder) -> dict[str, Any]:
    """Their lines for ours. Errors: Unreadable when a line is not in the return, or less of it came back there."""
    lines = []
    for asked in payload.accepted:
        line = _line_of(found, asked.line_id)
        most = whole(line.quantity.measurementValue, "$.quantity") - _given_back(line)
        if not 0 < asked.quantity <= most:
            raise Unreadable(
                f"line {asked.line_id} of return {payload.return_id} can be refunded for {most}", "$.accepted"
            )
        quantity = {"unitOfMeasure": EACH, "measurementValue": asked.quantity}
        lines.append({"returnOrderLineNumber": line.returnOrderLineNumber, "quantity": quantity})
    return {"customerOrderId": found.customerOrderId, "refundLines": lines}


def _line_of(found: shapes.ReturnOrder, line_id: str) -> shapes.ReturnLine:
    for line in found.returnOrderLines:
        if str(line.purchaseOrderLineNumber) == line_id:
            return line
    raise Unreadable(f"return {found.returnOrderId} has no line {line_id}", "$.accepted")


def _given_back(line: shapes.ReturnLine) -> int:
    return 0 if line.refundedQty is None else whole(line.refundedQty, "$.refundedQty")


def _answered(payload: ReceiveReturn, response: HttpResponse) -> Outcome:
    try:
        if typed(response.body, _Refunded).returnOrderId == payload.return_id:
            return Done({"return_id": payload.return_id})
        why = "they answer for another return"
    except Unreadable as error:
        why = error.what
    return Unknown(f"the answer is not the one they publish: {why}")


def refunded(payload: ReceiveReturn, found: shapes.ReturnOrder) -> ReadBack:
    """They show how many units of each line were refunded, not by whom: other numbers than ours are for a person."""
    given = [(_given_back(_line_of(found, asked.line_id)), asked.quantity) for asked in payload.accepted]
    if all(back == wanted for back, wanted in given):
        return Done({"return_id": payload.return_id})
    if not any(back for back, _ in given):
        return NotThere(f"nothing of return {payload.return_id} is refunded")
    if all(back >= wanted for back, wanted in given):
        return Refused(OTHERWISE, f"more of return {payload.return_id} was refunded than we asked for")
    return Unknown(f"other quantities of return {payload.return_id} were refunded than we asked for")
