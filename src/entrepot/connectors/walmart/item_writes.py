"""Writes to items: price, stock, and taking an item off the shelf. Each says how it shall be, so that twice is once.

Many prices or stocks go as one feed: taken at once, worked off later, item by item.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from entrepot.connectors.exchange import Call
from entrepot.connectors.joined import Rows
from entrepot.connectors.reading import NOT_JSON, Unreadable, elements, minor, number_of, typed
from entrepot.connectors.verbs import EndListing, SetPrice, SetStock
from entrepot.connectors.walmart import shapes, words
from entrepot.connectors.walmart.feed_writes import all_taken, feed_call, without_boundary
from entrepot.connectors.walmart.order_writes import EACH, json_call
from entrepot.connectors.walmart.units import whole
from entrepot.connectors.walmart.wire import entries, refusal_of
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack

INVENTORY = "/v3/inventory"
NO_ITEM = frozenset(
    f"CONTENT_NOT_FOUND.{api}" for api in ("GMP_ITEM_API", "GMP_INVENTORY_API", "GMP_ITEM_INVENTORY_API")
)
ALREADY_RETIRED = frozenset({"INVALID_REQUEST_CONTENT.GMP_ITEM_API"})  # [guess] that it is refused at all


class _PriceAnswer(msgspec.Struct):
    sku: str


class _Units(msgspec.Struct):
    amount: shapes.Number


class _Inventory(msgspec.Struct):
    sku: str
    quantity: _Units


def item_path(sku: str) -> str:
    return f"/v3/items/{quote(sku, safe='')}"


def one_item(payload: Any, _key: str) -> Call:
    return Call("GET", item_path(payload.sku), (("productIdType", "SKU"),))


def item_of(body: bytes, sku: str) -> shapes.ListedItem | None:
    """The item of an answer; None when the answer holds another. Errors: Unreadable."""
    found = [typed(raw, shapes.ListedItem) for raw in elements(body, "ItemResponse")]
    return next((item for item in found if item.sku == sku), None)


def _named(sku: str) -> str:
    """Errors: Unreadable for an empty one: the path would mean another call."""
    if not sku:
        raise Unreadable("an item without its sku", "$.sku")
    return sku


def price_of(payload: SetPrice, _key: str) -> dict[str, Any]:
    """The same alone and in a feed."""
    if payload.price_minor < 1:
        raise Unreadable("a price of nothing or less", "$.price_minor")
    price = {"currency": payload.currency, "amount": number_of(payload.price_minor, payload.currency)}
    return {"sku": _named(payload.sku), "pricing": [{"currentPriceType": "BASE", "currentPrice": price}]}


def set_price(payload: SetPrice, key: str) -> Call:
    return json_call("PUT", "/v3/price", price_of(payload, key))


def price_taken(payload: SetPrice, response: HttpResponse) -> Outcome:
    """A 200 may hold errors; what it takes shows in the item minutes later."""
    try:
        found = entries(response.body)
    except NOT_JSON as error:
        raise Unreadable(f"not the JSON they publish ({error})") from error
    if found:
        return refusal_of(found, "PRICE_REFUSED")
    if typed(response.body, _PriceAnswer).sku != payload.sku:
        raise Unreadable("the answer is for another item", "$.sku")
    return _priced(payload)


def price_is_so(payload: SetPrice, response: HttpResponse) -> ReadBack:
    item = item_of(response.body, payload.sku)
    if item is None or item.price is None:
        return NotThere(f"item {payload.sku} shows no price")
    shown = minor(item.price.amount, item.price.currency, "$.price.amount")
    if (shown, item.price.currency) == (payload.price_minor, payload.currency):
        return _priced(payload)
    return NotThere(f"item {payload.sku} costs {item.price.amount} {item.price.currency}")


def _priced(payload: SetPrice) -> Done:
    return Done({"sku": payload.sku, "price_minor": payload.price_minor})


def stock_of(payload: SetStock, _key: str) -> dict[str, Any]:
    """The same alone and in a feed. [guess] the lead time is not set here: Walmart has a feed of its own for it."""
    if payload.quantity < 0:
        raise Unreadable("a stock of less than nothing", "$.quantity")
    return {"sku": _named(payload.sku), "quantity": {"unit": EACH, "amount": payload.quantity}}


def set_stock(payload: SetStock, key: str) -> Call:
    return json_call("PUT", INVENTORY, stock_of(payload, key), (("sku", payload.sku),))


def stock_taken(payload: SetStock, response: HttpResponse) -> Outcome:
    found = stock_is_so(payload, response)
    if isinstance(found, NotThere):
        raise Unreadable(f"the answer is not what was asked for: {found.looked_at}")
    return found


def stock_is_so(payload: SetStock, response: HttpResponse) -> ReadBack:
    seen = typed(response.body, _Inventory)
    amount = whole(seen.quantity.amount, "$.quantity.amount")
    if (seen.sku, amount) == (payload.sku, payload.quantity):
        return Done({"sku": payload.sku, "quantity": payload.quantity})
    return NotThere(f"{seen.sku} has {amount}")


def retired(payload: EndListing, response: HttpResponse) -> Outcome:
    if typed(response.body, shapes.ItemHead).sku != payload.sku:
        raise Unreadable("the answer is for another item", "$.sku")
    return Done({"sku": payload.sku})


def is_retired(payload: EndListing, response: HttpResponse) -> ReadBack:
    item = item_of(response.body, payload.sku)
    if item is None or item.lifecycleStatus == words.RETIRED:
        return Done({"sku": payload.sku})
    return NotThere(f"item {payload.sku} is {item.lifecycleStatus or item.publishedStatus}")


SHAPES: Mapping[str, Shape[Any]] = {
    "walmart.price": Shape(SetPrice, set_price, price_taken, Look(one_item, price_is_so, NO_ITEM)),
    "walmart.stock": Shape(
        SetStock,
        set_stock,
        stock_taken,
        Look(lambda payload, _key: Call("GET", INVENTORY, (("sku", payload.sku),)), stock_is_so, NO_ITEM),
    ),
    "walmart.retire-item": Shape(
        EndListing,
        lambda payload, _key: Call("DELETE", item_path(_named(payload.sku))),
        retired,
        Look(one_item, is_retired),
        ALREADY_RETIRED,
    ),
}
LANES: Mapping[str, Rows[Any]] = {
    "walmart.price": Rows(
        SetPrice,
        lambda payload, key: without_boundary(price_of(payload, key)),
        lambda payload: payload.sku,
        lambda rows: feed_call("price", {"PriceHeader": {"version": "1.7"}, "Price": list(rows)}),
        all_taken,
    ),
    "walmart.stock": Rows(
        SetStock,
        lambda payload, key: without_boundary(stock_of(payload, key)),
        lambda payload: payload.sku,
        lambda rows: feed_call("inventory", {"InventoryHeader": {"version": "1.4"}, "Inventory": list(rows)}),
        all_taken,
    ),
}
