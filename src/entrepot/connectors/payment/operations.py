"""The gateway's writes: take held money, give the rest of the hold back, pay back what was taken.

The effect's key travels as Idempotency-Key, so that sending again is safe, and is what a look asks for.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from entrepot.connectors.exchange import Call
from entrepot.connectors.reading import Unreadable, elements, encoded, typed
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Unknown

Positive = Annotated[int, msgspec.Meta(gt=0)]
Word = Annotated[str, msgspec.Meta(min_length=1)]


class OfAuthorisation(msgspec.Struct):
    authorisation_id: Word
    amount_minor: Positive
    currency: Word
    reference: Word


class OfCapture(msgspec.Struct):
    capture_id: Word
    amount_minor: Positive
    currency: Word
    reference: Word


class _Made(msgspec.Struct):
    id: str
    amount_minor: int
    currency: str
    reference: str
    operation: str | None = None


Money = OfAuthorisation | OfCapture


def wire_key(key: str) -> str:
    """Our key as a header can carry it: what is not plain printable ASCII is percent-encoded, always the same way."""
    return key if key.isascii() and key.isprintable() and key == key.strip() else quote(key)


def _call(path: str, payload: Money, key: str) -> Call:
    body = {"amount_minor": payload.amount_minor, "currency": payload.currency, "reference": payload.reference}
    return Call("POST", path, (), {"content-type": "application/json", "idempotency-key": wire_key(key)}, encoded(body))


def _same(payload: Money, made: _Made) -> bool:
    theirs = (made.amount_minor, made.currency, made.reference)
    return theirs == (payload.amount_minor, payload.currency, payload.reference)


def _answered(name: str) -> Callable[[Any, HttpResponse], Outcome]:
    def read(payload: Money, response: HttpResponse) -> Outcome:
        """Errors: Unreadable when they answer for something else than was asked."""
        made = typed(response.body, _Made)
        if not _same(payload, made):
            raise Unreadable(f"{made.id} is not what was asked for")
        return Done({name: made.id})

    return read


def _looked(operation: str, name: str) -> Look[Any]:
    def where(_payload: Money, key: str) -> Call:
        return Call("GET", "/v1/operations", (("idempotency_key", wire_key(key)),))

    def found(payload: Money, response: HttpResponse) -> ReadBack:
        made = [typed(raw, _Made) for raw in elements(response.body, "data")]
        fits = [one for one in made if one.operation == operation and _same(payload, one)]
        if fits:
            return Done({name: fits[0].id})
        return Unknown(f"{made[0].id} carries our key, but is something else") if made else NotThere("no such key")

    return Look(where, found)


SHAPES: Mapping[str, Shape[Any]] = {
    "gateway.capture": Shape(
        OfAuthorisation,
        lambda p, key: _call(f"/v1/authorisations/{quote(p.authorisation_id, safe='')}/captures", p, key),
        _answered("capture_id"),
        _looked("capture", "capture_id"),
    ),
    "gateway.release": Shape(
        OfAuthorisation,
        lambda p, key: _call(f"/v1/authorisations/{quote(p.authorisation_id, safe='')}/releases", p, key),
        _answered("release_id"),
        _looked("release", "release_id"),
    ),
    "gateway.refund": Shape(
        OfCapture,
        lambda p, key: _call(f"/v1/captures/{quote(p.capture_id, safe='')}/refunds", p, key),
        _answered("refund_id"),
        _looked("refund", "refund_id"),
    ),
}
