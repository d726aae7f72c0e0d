"""Prices and stocks of products: rows of a bulk call, which is answered 200 and names those it did not take."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from entrepot.connectors.channelengine import shapes
from entrepot.connectors.channelengine.asking import ROW_REFUSED, Said, json_call, named, product_path
from entrepot.connectors.channelengine.wire import NOT_FOUND
from entrepot.connectors.exchange import Call
from entrepot.connectors.joined import Rows
from entrepot.connectors.port import Access
from entrepot.connectors.reading import Unreadable, members, minor, number_of, typed
from entrepot.connectors.verbs import SetPrice, SetStock
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown

Setting = Callable[[], str]


def _texts(raw: msgspec.Raw) -> list[str]:
    try:
        return msgspec.json.decode(raw, type=list[str])
    except msgspec.DecodeError:
        return [bytes(raw)[:200].decode("utf-8", "replace")]


def _not_taken(response: HttpResponse) -> dict[str, str]:
    """`Content` names every product that was not updated, and why: a 200 for all may be a no for one. Errors: Unreadable."""
    typed(response.body, Said)
    inside = members(response.body).get("Content", msgspec.Raw(b"{}"))
    refused = {} if bytes(inside) == b"null" else members(inside)
    return {sku: f"{sku}: {', '.join(_texts(messages))}" for sku, messages in refused.items()}


def _row_taken(receipt: Callable[[Any], Mapping[str, Any]]) -> Callable[[Any, HttpResponse], Outcome]:
    def read(payload: Any, response: HttpResponse) -> Outcome:
        told = _not_taken(response)
        return Refused(ROW_REFUSED, "; ".join(told.values())) if told else Done(receipt(payload))

    return read


def _rows_taken(
    receipt: Callable[[Any], Mapping[str, Any]],
) -> Callable[[Sequence[Any], HttpResponse], Sequence[Outcome]]:
    """Each by its own product. A name that is none of ours says no to one of them, and not to which: all that are not named are unclear."""

    def read(payloads: Sequence[Any], response: HttpResponse) -> Sequence[Outcome]:
        told = _not_taken(response)
        strange = [words for name, words in told.items() if name not in {payload.sku for payload in payloads}]

        def one(payload: Any) -> Outcome:
            if payload.sku in told:
                return Refused(ROW_REFUSED, told[payload.sku])
            return Unknown(f"they refused a row by another name ({strange[0]})") if strange else Done(receipt(payload))

        return [one(payload) for payload in payloads]

    return read


def product_of(response: HttpResponse) -> tuple[shapes.Product, Mapping[str, Any]]:
    """A product as read, and as it stands. Errors: Unreadable."""
    raw = members(response.body).get("Content", msgspec.Raw(b"null"))
    return typed(raw, shapes.Product), {name: bytes(value) for name, value in members(raw).items()}


def look_at_product(judge: Callable[[Any, HttpResponse], ReadBack]) -> Look[Any]:
    return Look(lambda payload, _key: Call("GET", product_path(payload.sku)), judge, frozenset({NOT_FOUND}))


# -- prices -----------------------------------------------------------------------------------------------------------


def price_row(currency: Setting) -> Callable[[SetPrice, str], dict[str, Any]]:
    def row(payload: SetPrice, _key: str) -> dict[str, Any]:
        if payload.price_minor < 1:
            raise Unreadable("a price of nothing or less", "$.price_minor")
        if currency() and payload.currency != currency():
            raise Unreadable(f"prices are set in {currency()}, not in {payload.currency}", "$.currency")
        price = number_of(payload.price_minor, payload.currency)
        return {"MerchantProductNo": named(payload.sku), "Price": price}

    return row


def set_prices(rows: Sequence[dict[str, Any]]) -> Call:
    return json_call("PUT", "/v2/offer", list(rows))


def price_is_so(payload: SetPrice, response: HttpResponse) -> ReadBack:
    product, _ = product_of(response)
    shown = None if product.Price is None else minor(product.Price, payload.currency, "$.Content.Price")
    if (product.MerchantProductNo, shown) == (payload.sku, payload.price_minor):
        return Done(_priced(payload))
    return NotThere(f"{payload.sku} costs {product.Price}")


def _priced(payload: SetPrice) -> Mapping[str, Any]:
    return {"sku": payload.sku, "price_minor": payload.price_minor}


# -- stocks -----------------------------------------------------------------------------------------------------------


def stock_row(location: Setting) -> Callable[[SetStock, str], dict[str, Any]]:
    """[guess] without a location named it is the tenant's own."""

    def row(payload: SetStock, _key: str) -> dict[str, Any]:
        if payload.quantity < 0:
            raise Unreadable("a stock of less than nothing", "$.quantity")
        place: dict[str, Any] = {"Stock": payload.quantity}
        if location().isdecimal():
            place["StockLocationId"] = int(location())
        return {"MerchantProductNo": named(payload.sku), "StockLocations": [place]}

    return row


def set_stocks(rows: Sequence[dict[str, Any]]) -> Call:
    return json_call("PUT", "/v2/offer/stock", list(rows))


def stock_is_so(payload: SetStock, response: HttpResponse) -> ReadBack:
    product, _ = product_of(response)
    if (product.MerchantProductNo, product.Stock) == (payload.sku, payload.quantity):
        return Done(_stocked(payload))
    return NotThere(f"{payload.sku} has {product.Stock}")


def _stocked(payload: SetStock) -> Mapping[str, Any]:
    return {"sku": payload.sku, "quantity": payload.quantity}


# -- alone, and with others -------------------------------------------------------------------------------------------


def setting(access: Access, name: str) -> Setting:
    return access.secrets.get(name, lambda: "")


def lanes_of(access: Access) -> Mapping[str, Rows[Any]]:
    """How each goes with others in one call."""
    prices = Rows(
        SetPrice,
        price_row(setting(access, "currency")),
        lambda payload: payload.sku,
        set_prices,
        _rows_taken(_priced),
    )
    stocks = Rows(
        SetStock,
        stock_row(setting(access, "stock_location")),
        lambda payload: payload.sku,
        set_stocks,
        _rows_taken(_stocked),
    )
    return {"channelengine.price": prices, "channelengine.stock": stocks}


def shapes_of(access: Access) -> Mapping[str, Shape[Any]]:
    """How each goes alone: a call of one row."""
    price, stock = price_row(setting(access, "currency")), stock_row(setting(access, "stock_location"))
    return {
        "channelengine.price": Shape(
            SetPrice,
            lambda payload, key: set_prices([price(payload, key)]),
            _row_taken(_priced),
            look_at_product(price_is_so),
        ),
        "channelengine.stock": Shape(
            SetStock,
            lambda payload, key: set_stocks([stock(payload, key)]),
            _row_taken(_stocked),
            look_at_product(stock_is_so),
        ),
    }
