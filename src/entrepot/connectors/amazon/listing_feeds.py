"""Prices and stocks of many listings as one feed (JSON_LISTINGS_FEED): taken now, worked off later, message by message.

Each message is the patch that a single call would make. Their report names its SKU; what names none is told of all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from entrepot.connectors.amazon.feeds import SUBMISSION_ID, feed_made, feed_of
from entrepot.connectors.amazon.listing_writes import price_patch, stock_patch
from entrepot.connectors.amazon.wire import Wire
from entrepot.connectors.exchange import Call
from entrepot.connectors.joined import Rows
from entrepot.connectors.reading import Unreadable, encoded
from entrepot.connectors.verbs import SetPrice, SetStock
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, Outcome

LISTINGS, JSON, VERSION = "JSON_LISTINGS_FEED", "application/json; charset=UTF-8", "2.0"


def lanes(wire: Wire) -> Mapping[str, Rows[Any]]:
    """How prices and stocks go with others of their kind."""

    def price(payload: SetPrice, _key: str) -> dict[str, Any]:
        return {"sku": _named(payload.sku), "operationType": "PATCH", **price_patch(wire, payload)}

    def stock(payload: SetStock, _key: str) -> dict[str, Any]:
        return {"sku": _named(payload.sku), "operationType": "PATCH", **stock_patch(payload)}

    def feed(rows: Sequence[dict[str, Any]]) -> Call:
        messages = [{"messageId": n, **row} for n, row in enumerate(rows, 1)]
        header = {"sellerId": wire.seller_id, "version": VERSION}
        return feed_of(LISTINGS, JSON, encoded({"header": header, "messages": messages}))

    return {
        "amazon.set-price": Rows(SetPrice, price, lambda payload: payload.sku, feed, _taken),
        "amazon.set-stock": Rows(SetStock, stock, lambda payload: payload.sku, feed, _taken),
    }


def _named(sku: str) -> str:
    if not sku:
        raise Unreadable("a listing without its SKU", "$.sku")
    return sku


def _taken(payloads: Sequence[Any], response: HttpResponse) -> Sequence[Outcome]:
    """One number stands for all of them; what became of each is told by the feed's report."""
    return [Done({SUBMISSION_ID: feed_made(response)}) for _ in payloads]
