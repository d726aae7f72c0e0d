"""What a vendor says of an order: he delivers it, he does not, it has left. Always the whole order, and never half of it.

Each write looks at the order first: what is so already is done, and what does not speak of every line in full is refused before
anything is sent. What is taken is a transaction, asked for once at once; while it is worked off the result is unclear, and it is looked
at by its number.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from entrepot.connectors.amazon.wire import NOT_FOUND, SELLER, Wire, json_call
from entrepot.connectors.amazon_vendor.orders import ACCEPTED, CANCELLED, NEW, SHIPPED, Item, Order, order_path
from entrepot.connectors.amazon_vendor.wire import RESTRICTED
from entrepot.connectors.exchange import Call, Good, Rejected, unfinished, unread
from entrepot.connectors.manifest import OperationRow
from entrepot.connectors.port import Detail, Limit, OutgoingEffect
from entrepot.connectors.reading import NOT_JSON, Unreadable, instant, typed
from entrepot.connectors.verbs import AcknowledgeOrder, CancelLines, Quantity, ShipParcel
from entrepot.connectors.writes import WRONG_PAYLOAD
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.outcome import Done, Later, NotThere, Outcome, ReadBack, Refused, Unknown

P = TypeVar("P", AcknowledgeOrder, CancelLines, ShipParcel)
WHOLE_ORDER_ONLY = "whole-order-only"
ACKNOWLEDGEMENTS = "/vendor/directFulfillment/orders/2021-12-28/acknowledgements"
CONFIRMATIONS = "/vendor/directFulfillment/shipping/2021-12-28/shipmentConfirmations"
TRANSACTIONS = "/vendor/directFulfillment/transactions/2021-12-28/transactions"
TRANSACTION = "transaction_id"
SUCCESS, FAILURE = "Success", "Failure"
ALL_OF_IT = ("00", "Shipping 100 percent of ordered product")
# Our reasons in theirs; for most of ours they have none, and then what counts is that we cannot deliver it.
REFUSALS: Mapping[str, tuple[str, str]] = {
    "price-error": ("20", "Canceled due to missing/invalid Unit Price"),
    "undeliverable": ("08", "Canceled due to missing/invalid Customer Ship to Address Line 1"),
}
OUT_OF_STOCK = ("03", "Canceled out of stock")


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


class _Transaction(msgspec.Struct):
    status: str
    transactionId: str = ""
    errors: _Errors | list[_Error] | None = None


class _Status(msgspec.Struct):
    transactionStatus: _Transaction


class _Taken(msgspec.Struct):
    transactionId: str


@dataclass(frozen=True, slots=True)
class VendorWrite(ABC, Generic[P]):
    """An operation of the outbox's port."""

    name: str
    row: OperationRow
    wire: Wire
    limit: Limit | None
    settle_s: float
    payload: type[P]
    can_read_back: bool = True

    @property
    def partner_key(self) -> bool:
        return self.row.partner_key

    @property
    def money(self) -> bool:
        return self.row.money

    @abstractmethod
    def found(self, payload: P, order: Order) -> ReadBack:
        """Whether it is so already, as the order's status shows."""

    @abstractmethod
    def ask(self, ctx: Ctx, payload: P, order: Order) -> Call:
        """What is to be sent. Errors: Unreadable."""

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        payload = self._payload(effect)
        if isinstance(payload, Refused):
            return payload, {"error": payload.words}
        order, looked = self._order(ctx, effect, payload.order_id)
        if not isinstance(order, Order):
            return order, looked
        found = self.found(payload, order)
        if not isinstance(found, NotThere):
            return found, looked
        if _counts(payload.lines) != {
            item.itemSequenceNumber: item.orderedQuantity.amount for item in order.orderDetails.items
        }:
            why = f"order {payload.order_id} is decided and shipped whole: all lines, each in full"
            return Refused(WHOLE_ORDER_ONLY, why, "lines"), looked
        try:
            call = replace(self.ask(ctx, payload, order), until=effect.send_until)
        except Unreadable as error:
            return Refused(WRONG_PAYLOAD, error.what), looked
        answer, detail = self.wire.call(ctx, SELLER, call)
        if not isinstance(answer, Good):
            return unfinished(answer), detail
        try:
            number = typed(answer.response.body, _Taken).transactionId
        except Unreadable as error:
            return Unknown(f"the answer is not the one they publish: {error.what}"), detail
        told, asked = self._transaction(ctx, effect, payload, number)
        unclear = Unknown(f"taken as transaction {number}, and not worked off yet", {TRANSACTION: number})
        return (told if isinstance(told, Done | Refused) else unclear), detail | {"transaction": asked}

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        """By the transaction's number where one came back; else, and where they know none, by the order."""
        payload = self._payload(effect)
        if isinstance(payload, Refused):
            return Unknown(payload.words), {"error": payload.words}
        number = str(effect.trace.get(TRANSACTION, ""))
        if number:
            told, asked = self._transaction(ctx, effect, payload, number)
            if not isinstance(told, NotThere):
                return told, asked
        answer, detail = self.wire.call(
            ctx, RESTRICTED, Call("GET", order_path(payload.order_id), until=effect.send_until)
        )
        if not isinstance(answer, Good):
            return unread(answer), detail
        try:
            return self.found(payload, typed(answer.response.body, Order)), detail
        except Unreadable as error:
            return Unknown(f"the order cannot be read: {error.what}"), detail

    def _transaction(self, ctx: Ctx, effect: OutgoingEffect, payload: P, number: str) -> tuple[ReadBack, Detail]:
        """What became of it. NotThere: they know no such number."""
        call = Call("GET", f"{TRANSACTIONS}/{quote(number, safe='')}", until=effect.send_until)
        answer, detail = self.wire.call(ctx, SELLER, call)
        if isinstance(answer, Rejected) and answer.refusal.code in NOT_FOUND:
            return NotThere(f"they know no transaction {number}"), detail
        if not isinstance(answer, Good):
            return unread(answer), detail
        try:
            told = typed(answer.response.body, _Status).transactionStatus
        except Unreadable as error:
            return Unknown(f"the transaction cannot be read: {error.what}"), detail
        if told.status == SUCCESS:
            return Done({"order_id": payload.order_id}), detail
        if told.status == FAILURE:
            errors = told.errors.errors if isinstance(told.errors, _Errors) else told.errors or []
            words = "; ".join(one.message for one in errors if one.message) or "the transaction failed"
            return Refused(errors[0].code if errors else FAILURE, words), detail
        return Unknown(f"transaction {number} is {told.status}"), detail

    def _order(self, ctx: Ctx, effect: OutgoingEffect, number: str) -> tuple[Order | Outcome, Detail]:
        """The order, or why nothing is sent."""
        answer, looked = self.wire.call(ctx, RESTRICTED, Call("GET", order_path(number), until=effect.send_until))
        if not isinstance(answer, Good):
            stopped = unfinished(answer)
            return (
                Later(f"not sent: the order could not be looked at ({stopped.why})")
                if isinstance(stopped, Unknown)
                else stopped
            ), looked
        try:
            return typed(answer.response.body, Order), looked
        except Unreadable as error:
            return Later(f"not sent: the order cannot be read ({error.what})"), looked

    def _payload(self, effect: OutgoingEffect) -> P | Refused:
        try:
            return msgspec.convert(effect.payload, self.payload, str_keys=True)
        except NOT_JSON as error:
            return Refused(WRONG_PAYLOAD, f"{self.name} cannot be made from this payload: {error}")


@dataclass(frozen=True, slots=True)
class Acknowledge(VendorWrite[AcknowledgeOrder]):
    """All of it will be delivered."""

    def found(self, payload: AcknowledgeOrder, order: Order) -> ReadBack:
        return _at(order, NEW, (ACCEPTED, SHIPPED))

    def ask(self, ctx: Ctx, payload: AcknowledgeOrder, order: Order) -> Call:
        return _answer(ctx, order, payload.our_number, ALL_OF_IT, in_full=True)


@dataclass(frozen=True, slots=True)
class Refuse(VendorWrite[CancelLines]):
    """None of it will be delivered. Only an order that nobody has accepted can be refused."""

    def found(self, payload: CancelLines, order: Order) -> ReadBack:
        return _at(order, NEW, (CANCELLED,))

    def ask(self, ctx: Ctx, payload: CancelLines, order: Order) -> Call:
        return _answer(ctx, order, payload.our_number, REFUSALS.get(payload.reason, OUT_OF_STOCK), in_full=False)


@dataclass(frozen=True, slots=True)
class Ship(VendorWrite[ShipParcel]):
    """All of it has left, in one parcel."""

    def found(self, payload: ShipParcel, order: Order) -> ReadBack:
        return _at(order, ACCEPTED, (SHIPPED,))

    def ask(self, ctx: Ctx, payload: ShipParcel, order: Order) -> Call:
        packed = [
            {"itemSequenceNumber": item.itemSequenceNumber, "packedQuantity": _count(item)}
            for item in order.orderDetails.items
        ]
        container = {
            "containerType": "CARTON",
            "containerIdentifier": payload.parcel,
            "trackingNumber": payload.tracking,
            "carrier": payload.carrier,
            "packedItems": packed,
        }
        shipment = {
            "purchaseOrderNumber": order.purchaseOrderNumber,
            "shipmentDetails": {
                "shippedDate": instant(payload.shipped_at, "$.shipped_at").isoformat().replace("+00:00", "Z"),
                "shipmentStatus": "SHIPPED",
                "vendorOrderNumber": payload.our_number,
            },
            **_parties(order),
            "items": [{**_named(item), "shippedQuantity": _count(item)} for item in order.orderDetails.items],
            "containers": [container],
        }
        return json_call("POST", CONFIRMATIONS, {"shipmentConfirmations": [shipment]})


def _at(order: Order, before: str, after: Sequence[str]) -> ReadBack:
    """Not so yet, so already, or no longer possible."""
    status = order.orderDetails.orderStatus
    if status in after:
        return Done({"order_id": order.purchaseOrderNumber})
    if status == before:
        return NotThere(f"order {order.purchaseOrderNumber} is {status}")
    return Refused("wrong-state", f"order {order.purchaseOrderNumber} is {status}")


def _answer(ctx: Ctx, order: Order, our_number: str, code: tuple[str, str], *, in_full: bool) -> Call:
    items = [
        {**_named(item), "acknowledgedQuantity": _count(item) if in_full else {**_count(item), "amount": 0}}
        for item in order.orderDetails.items
    ]
    said = {
        "purchaseOrderNumber": order.purchaseOrderNumber,
        "vendorOrderNumber": our_number,
        "acknowledgementDate": ctx.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "acknowledgementStatus": {"code": code[0], "description": code[1]},
        **_parties(order),
        "itemAcknowledgements": items,
    }
    return json_call("POST", ACKNOWLEDGEMENTS, {"orderAcknowledgements": [said]})


def _parties(order: Order) -> dict[str, Any]:
    details = order.orderDetails
    return {
        "sellingParty": {"partyId": details.sellingParty.partyId},
        "shipFromParty": {"partyId": details.shipFromParty.partyId},
    }


def _named(item: Item) -> dict[str, Any]:
    return {
        "itemSequenceNumber": item.itemSequenceNumber,
        "buyerProductIdentifier": item.buyerProductIdentifier,
        "vendorProductIdentifier": item.vendorProductIdentifier,
    }


def _count(item: Item) -> dict[str, Any]:
    return {"amount": item.orderedQuantity.amount, "unitOfMeasure": item.orderedQuantity.unitOfMeasure}


def _counts(lines: Sequence[Quantity]) -> dict[str, int]:
    """By line; one that is named twice fits no order."""
    found = {line.line_id: line.quantity for line in lines}
    return found if len(found) == len(lines) else {}
