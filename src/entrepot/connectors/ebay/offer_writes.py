"""Writes to one offer: its price, its stock, its end. Prices and stocks are entries of a bulk call, each with a status of its own."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from entrepot.connectors.ebay import shapes
from entrepot.connectors.ebay.asking import INVENTORY, json_call, part, price_of
from entrepot.connectors.ebay.statement import amount_of
from entrepot.connectors.ebay.wire import ErrorEntry, refusal
from entrepot.connectors.exchange import Call
from entrepot.connectors.joined import Rows
from entrepot.connectors.reading import Unreadable, elements, typed
from entrepot.connectors.verbs import EndListing, SetPrice, SetStock
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown

BULK = f"{INVENTORY}/bulk_update_price_quantity"
ENTRY_REFUSED = "ENTRY_REFUSED"
NONE_SUCH = frozenset({"25710", "25713"})  # no such item, no such offer


class _Entry(msgspec.Struct):
    statusCode: int
    sku: str | None = None
    offerId: str | None = None
    errors: list[ErrorEntry] | None = None


def offers_of(sku: str) -> Call:
    return Call("GET", f"{INVENTORY}/offer", (("sku", sku),))


def item_path(sku: str) -> str:
    return f"{INVENTORY}/inventory_item/{part(sku)}"


def offer_id_of(their_id: str) -> str:
    """Errors: Unreadable when the plan does not say which offer is meant: a SKU may have one on every site."""
    if not their_id:
        raise Unreadable("the payload names no offer (their_id): read the listing first", "$.their_id")
    return their_id


def entries_done(_payload: Any, response: HttpResponse) -> Outcome:
    """200 or 207 for the call; each entry has a status of its own, and one that failed makes the write refused."""
    entries = _entries(response)
    if not entries:
        raise Unreadable("no entry was answered", "$.responses")
    return _became(entries)


def _entries(response: HttpResponse) -> list[_Entry]:
    return [typed(raw, _Entry) for raw in elements(response.body, "responses")]


def _became(entries: Sequence[_Entry]) -> Outcome:
    for entry in entries:
        if entry.statusCode >= 500:
            return Unknown(f"they failed on entry {entry.offerId or entry.sku}: HTTP {entry.statusCode}")
        if not 200 <= entry.statusCode < 300:
            otherwise = f"{ENTRY_REFUSED} {entry.statusCode}"
            return refusal(entry.errors, otherwise) if entry.errors else Refused(otherwise, otherwise)
    return Done()


def each_done(mine: Callable[[Any, _Entry], bool]) -> Callable[[Sequence[Any], HttpResponse], Sequence[Outcome]]:
    """Each payload by its own entries; one that is not answered at all is unclear."""

    def read(payloads: Sequence[Any], response: HttpResponse) -> Sequence[Outcome]:
        entries = _entries(response)
        own = [[entry for entry in entries if mine(payload, entry)] for payload in payloads]
        return [
            _became(some) if some else Unknown(f"the answer says nothing of {payload.sku}")
            for payload, some in zip(payloads, own, strict=True)
        ]

    return read


def bulk(entries: Sequence[dict[str, Any]]) -> Call:
    return json_call("POST", BULK, {"requests": list(entries)})


def price_entry(payload: SetPrice, _key: str) -> dict[str, Any]:
    if payload.price_minor <= 0:
        raise Unreadable("a price above zero is needed", "$.price_minor")
    price = price_of(payload.price_minor, payload.currency)
    return {"offers": [{"offerId": offer_id_of(payload.their_id), "price": price}]}


def price_is_so(payload: SetPrice, response: HttpResponse) -> ReadBack:
    for raw in elements(response.body, "offers"):
        offer = typed(raw, shapes.Offer)
        price = offer.pricingSummary.price if offer.pricingSummary else None
        if offer.offerId == payload.their_id and price is not None:
            now = amount_of(price, "$.offers.pricingSummary.price"), price.currency
            if now == (payload.price_minor, payload.currency):
                return Done({"offer_id": offer.offerId})
            return NotThere(f"offer {offer.offerId} costs {price.value} {price.currency}")
    return NotThere(f"{payload.sku} has no offer {payload.their_id}")


def stock_entry(payload: SetStock, _key: str) -> dict[str, Any]:
    """How many there are, and, where the offer is known, how many of them it may sell. Handling time is a policy of the offer."""
    if payload.quantity < 0:
        raise Unreadable("a stock below zero", "$.quantity")
    entry: dict[str, Any] = {"sku": payload.sku, "shipToLocationAvailability": {"quantity": payload.quantity}}
    if payload.their_id:
        entry["offers"] = [{"offerId": payload.their_id, "availableQuantity": payload.quantity}]
    return entry


def stock_is_so(payload: SetStock, response: HttpResponse) -> ReadBack:
    quantity = typed(response.body, shapes.Item).quantity
    if quantity == payload.quantity:
        return Done({"sku": payload.sku})
    return NotThere(f"{payload.sku} has {quantity}")


class _Withdrawn(msgspec.Struct):
    listingId: str | None = None


def end(payload: EndListing, _key: str) -> Call:
    return Call("POST", f"{INVENTORY}/offer/{part(offer_id_of(payload.their_id))}/withdraw")


def ended(payload: EndListing, response: HttpResponse) -> Outcome:
    typed(response.body, _Withdrawn)
    return Done({"offer_id": payload.their_id})


def end_is_so(payload: EndListing, response: HttpResponse) -> ReadBack:
    """An offer that is not published is not for sale, and an offer that is gone is not either."""
    for raw in elements(response.body, "offers"):
        offer = typed(raw, shapes.Offer)
        if offer.offerId == payload.their_id and offer.status == "PUBLISHED":
            return NotThere(f"offer {offer.offerId} is published")
    return Done({"offer_id": payload.their_id})


SET_PRICE = Shape(
    SetPrice,
    lambda payload, key: bulk([price_entry(payload, key)]),
    entries_done,
    Look(lambda p, _key: offers_of(p.sku), price_is_so, NONE_SUCH),
)
SET_STOCK = Shape(
    SetStock,
    lambda payload, key: bulk([stock_entry(payload, key)]),
    entries_done,
    Look(lambda p, _key: Call("GET", item_path(p.sku)), stock_is_so, NONE_SUCH),
)
PRICES = Rows(
    SetPrice,
    price_entry,
    lambda payload: payload.their_id,
    bulk,
    each_done(lambda payload, entry: entry.offerId == payload.their_id),
)
STOCKS = Rows(
    SetStock,
    stock_entry,
    lambda payload: payload.sku,
    bulk,
    each_done(  # what failed at the item is answered without the offer
        lambda payload, entry: (
            payload.sku == entry.sku or (payload.their_id != "" and payload.their_id == entry.offerId)
        )
    ),
)
END_LISTING = Shape(EndListing, end, ended, Look(lambda p, _key: offers_of(p.sku), end_is_so))
