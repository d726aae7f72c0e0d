"""Publish one offer: the whole of what buyers are to see, with a version that only grows.

The effect's key travels as Idempotency-Key. A look sees what is on display: this version, or a newer one, is done.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from entrepot.connectors.exchange import Call
from entrepot.connectors.reading import Unreadable, encoded, typed
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack

Word = Annotated[str, msgspec.Meta(min_length=1)]
Whole = Annotated[int, msgspec.Meta(ge=0)]
OLDER, NOT_SHOWN = "older_version", "offer_not_shown"


class PublishOffer(msgspec.Struct):
    """`reasons`: why it is not sold, in people's words. Units: minor units."""

    offer_id: Word
    version: Annotated[int, msgspec.Meta(ge=1)]
    seller_id: str
    sku: str
    price_minor: Whole
    currency: Word
    quantity: Whole
    sellable: bool
    reasons: list[str]
    category: str
    title: str
    description: str


class _Shown(msgspec.Struct):
    offer_id: str
    version: int


def publish(payload: PublishOffer, key: str) -> Call:
    headers = {"content-type": "application/json", "idempotency-key": quote(key, safe=":-_.~")}
    return Call("PUT", _path(payload), (), headers, encoded(msgspec.to_builtins(payload)))


def published(payload: PublishOffer, response: HttpResponse) -> Outcome:
    """Errors: Unreadable when they answer for another offer or version."""
    shown = typed(response.body, _Shown)
    if (shown.offer_id, shown.version) != (payload.offer_id, payload.version):
        raise Unreadable(f"the answer speaks of offer {shown.offer_id}, version {shown.version}")
    return Done({"version": shown.version})


def _path(payload: PublishOffer) -> str:
    return f"/offers/{quote(payload.offer_id, safe='')}"


def on_display(payload: PublishOffer, response: HttpResponse) -> ReadBack:
    shown = typed(response.body, _Shown)
    if shown.version >= payload.version:
        return Done({"version": shown.version})
    return NotThere(f"version {shown.version} of offer {shown.offer_id} is on display")


SHAPES: Mapping[str, Shape[Any]] = {
    "storefront.publish-offer": Shape(
        PublishOffer,
        publish,
        published,
        Look(lambda payload, _key: Call("GET", _path(payload)), on_display, absent=frozenset({NOT_SHOWN})),
        already=frozenset({OLDER}),
    ),
}
