"""The writes: book an order, cancel pieces of it, book a refund. Each carries its own number, by which it is found again."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from entrepot.connectors.backoffice.wire_shapes import Line, Pieces, Word
from entrepot.connectors.exchange import Call
from entrepot.connectors.reading import Unreadable, encoded, typed
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused

Whole = Annotated[int, msgspec.Meta(ge=0)]
Some = Annotated[int, msgspec.Meta(ge=1)]
NOT_FOUND, OTHER_CONTENT = "not-found", "other-content"
CANCELLED, TOO_LATE = "cancelled", "too-late"
JSON = {"content-type": "application/json"}


class OrderLine(msgspec.Struct):
    """Units: minor units of the whole line, not of a piece."""

    line_id: Word
    sku: Word
    quantity: Pieces
    price_minor: Whole
    shipping_minor: Whole
    tax_minor: Whole


class ImportOrder(msgspec.Struct):
    """`number`: ours, `<account>:<channel order id>`."""

    number: Word
    account: Word
    order_id: Word
    currency: Word
    placed_at: Word
    ship_by: str | None
    market: str
    lines: Annotated[list[OrderLine], msgspec.Meta(min_length=1)]


class CancelOrder(msgspec.Struct):
    number: Word
    cancellation: Word
    lines: Annotated[list[Line], msgspec.Meta(min_length=1)]
    reason: Word


class BookRefund(msgspec.Struct):
    """`by`: who refunded the buyer, seller or channel."""

    refund: Word
    number: Word
    line_id: Word
    amount_minor: Some
    currency: Word
    by: Word
    at: Word


class _Booked(msgspec.Struct):
    number: str
    document_number: Word


class _Asked(msgspec.Struct):
    cancellation: str
    state: str


class _Order(_Booked):
    lines: list[Line]
    cancellations: list[_Asked] = []


class _State(msgspec.Struct):
    state: str


class _Refund(msgspec.Struct):
    refund: str
    document_number: Word


class _RefundFound(_Refund):
    number: str
    line_id: str
    amount_minor: int
    currency: str


def order_path(number: str) -> str:
    return f"/orders/{quote(number, safe='')}"


def refund_path(refund: str) -> str:
    return f"/refunds/{quote(refund, safe='')}"


# -- an order --------------------------------------------------------------------------------------------------------


def booked(payload: ImportOrder, response: HttpResponse) -> Outcome:
    """Errors: Unreadable when they answer for another order."""
    made = typed(response.body, _Booked)
    _same(made.number, payload.number)
    return Done({"document_number": made.document_number})


def order_found(payload: ImportOrder, response: HttpResponse) -> ReadBack:
    """Only with our lines is it our order."""
    found = typed(response.body, _Order)
    _same(found.number, payload.number)
    theirs = {line.line_id: line.quantity for line in found.lines}
    if theirs != {line.line_id: line.quantity for line in payload.lines}:
        return Refused(OTHER_CONTENT, f"{found.number} is booked as {found.document_number}, with other lines", "lines")
    return Done({"document_number": found.document_number})


# -- a cancellation --------------------------------------------------------------------------------------------------


def cancel(payload: CancelOrder, _key: str) -> Call:
    body = msgspec.to_builtins(payload)
    del body["number"]
    return Call("POST", f"{order_path(payload.number)}/cancellations", (), JSON, encoded(body))


def _decided(state: str) -> Done:
    """Too late is an answer, not a failure: what comes of it the flow decides."""
    if state not in (CANCELLED, TOO_LATE):
        raise Unreadable(f"“{state}” is no answer to a cancellation", "$.state")
    return Done({"state": state})


def cancel_answered(_payload: CancelOrder, response: HttpResponse) -> Outcome:
    return _decided(typed(response.body, _State).state)


def cancellation_found(payload: CancelOrder, response: HttpResponse) -> ReadBack:
    found = typed(response.body, _Order)
    _same(found.number, payload.number)
    for asked in found.cancellations:
        if asked.cancellation == payload.cancellation:
            return _decided(asked.state)
    return NotThere(f"{found.number} was not asked to be cancelled by {payload.cancellation}")


# -- a refund --------------------------------------------------------------------------------------------------------


def refund_booked(payload: BookRefund, response: HttpResponse) -> Outcome:
    made = typed(response.body, _Refund)
    _same(made.refund, payload.refund)
    return Done({"document_number": made.document_number})


def refund_found(payload: BookRefund, response: HttpResponse) -> ReadBack:
    found = typed(response.body, _RefundFound)
    _same(found.refund, payload.refund)
    ours = (payload.number, payload.line_id, payload.amount_minor, payload.currency)
    if (found.number, found.line_id, found.amount_minor, found.currency) != ours:
        return Refused(OTHER_CONTENT, f"{found.refund} is booked as {found.document_number}, with another content")
    return Done({"document_number": found.document_number})


def _same(theirs: str, ours: str) -> None:
    if theirs != ours:
        raise Unreadable(f"the answer speaks of {theirs}, not of {ours}")


ABSENT = frozenset({NOT_FOUND})
SHAPES: Mapping[str, Shape[Any]] = {
    "backoffice.import-order": Shape(
        ImportOrder,
        lambda p, _key: Call("PUT", order_path(p.number), (), JSON, encoded(msgspec.to_builtins(p))),
        booked,
        Look(lambda p, _key: Call("GET", order_path(p.number)), order_found, ABSENT),
    ),
    "backoffice.cancel-order": Shape(
        CancelOrder,
        cancel,
        cancel_answered,
        Look(lambda p, _key: Call("GET", order_path(p.number)), cancellation_found, ABSENT),
    ),
    "backoffice.book-refund": Shape(
        BookRefund,
        lambda p, _key: Call("PUT", refund_path(p.refund), (), JSON, encoded(msgspec.to_builtins(p))),
        refund_booked,
        Look(lambda p, _key: Call("GET", refund_path(p.refund)), refund_found, ABSENT),
    ),
}
