"""Items, prices and stock over the API: lists, single items, retire, PUT price, GET and PUT inventory."""

from collections.abc import Mapping
from typing import Any, Final

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.walmart.errors import INVENTORY_API, ITEM_API, PRICE_API, bad_parameter, invalid, not_found
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.router import Call
from entrepot.sandbox.walmart.shelf import Shelf
from entrepot.sandbox.walmart.state import Listing
from entrepot.sandbox.walmart.wire import (
    answer,
    body_of,
    inside,
    minor,
    money_text,
    number_parameter,
    required_parameter,
    rows,
    text,
    whole,
)

ITEMS_LIMIT_DEFAULT: Final = 20
ITEMS_LIMIT_MAX: Final = 200
NODES_LIMIT_MAX: Final = 50
QUANTITY_MAX: Final = 10**9
PUBLISHED: Final = frozenset({"PUBLISHED", "UNPUBLISHED", "IN_PROGRESS", "SYSTEM_PROBLEM"})
LIFECYCLES: Final = frozenset({"ACTIVE", "ARCHIVED", "RETIRED"})
PRODUCT_ID_TYPES: Final = frozenset({"GTIN", "UPC", "ISBN", "EAN", "SKU", "ITEM_ID"})
FIRST_CURSOR: Final = "*"
BASE_PRICE: Final = "BASE"


class ItemCalls:
    """What the API knows of listings."""

    def __init__(self, platform: Platform, shelf: Shelf) -> None:
        self._platform = platform
        self._shelf = shelf

    # -- items ----------------------------------------------------------------------------------------------------

    def items(self, call: Call) -> Response:
        """A page of items, by offset or by cursor ("*" first)."""
        request = call.request
        found = self._filtered(request)
        limit = number_parameter(ITEM_API, request, "limit", ITEMS_LIMIT_DEFAULT, ITEMS_LIMIT_MAX, 1)
        cursor = request.first("nextCursor")
        if cursor and cursor != FIRST_CURSOR:
            rest = [listing for listing in found if listing.sku > _sku_of(cursor)]
        else:
            rest = found[number_parameter(ITEM_API, request, "offset", 0, 10**9) :]
        shown = rest[:limit]
        more = _cursor_of(shown[-1].sku) if len(rest) > limit else None
        return self._items(shown, len(found), more)

    def item(self, call: Call) -> Response:
        """One item, by sku, or by the kind of id the caller names."""
        wanted = call.ids["id"]
        kind = call.request.first("productIdType") or "SKU"
        if kind not in PRODUCT_ID_TYPES:
            raise bad_parameter(ITEM_API, "productIdType", f"{kind!r} is no type of product id")
        if kind == "SKU":
            found = [self._platform.listing(ITEM_API, wanted)]
        else:
            ids = self._platform.listings.values()
            found = [one for one in ids if wanted == (one.wpid if kind == "ITEM_ID" else one.gtin)]
        if not found:
            raise not_found(ITEM_API, f"Item {wanted} is not found", "id")
        return self._items(found, len(found), None)

    def retire(self, call: Call) -> Response:
        """Take an item from sale."""
        listing = self._platform.listing(ITEM_API, call.ids["SKU"])
        self._shelf.retire(listing)
        self._platform.apply("retireAnItem", listing.sku)
        return answer(200, {"sku": listing.sku, "message": "Thank you. Your item has been submitted for retirement."})

    # -- price ----------------------------------------------------------------------------------------------------

    def put_price(self, call: Call) -> Response:
        """A new base price of one item."""
        body = body_of(PRICE_API, call.request)
        listing = self._platform.listing(PRICE_API, text(PRICE_API, body, "sku"))
        price = base_price(body, self._platform.settings.currency)
        self._shelf.price(listing, price)
        self._platform.apply("updatePrice", f"{listing.sku}/{price}")
        message = "Thank you. Your price has been updated. Please allow up to five minutes for it to show on the site."
        return answer(
            200,
            {
                "errors": [],
                "statusCode": 200,
                "mart": self._platform.settings.market,
                "sku": listing.sku,
                "message": message,
            },
        )

    # -- inventory ------------------------------------------------------------------------------------------------

    def get_inventory(self, call: Call) -> Response:
        """The stock shown of one item."""
        listing = self._platform.listing(INVENTORY_API, required_parameter(INVENTORY_API, call.request, "sku"))
        return answer(200, _stock(listing))

    def put_inventory(self, call: Call) -> Response:
        """A new stock of one item. Errors: the sku of the body differs from that of the query."""
        sku = required_parameter(INVENTORY_API, call.request, "sku")
        body = body_of(INVENTORY_API, call.request)
        if text(INVENTORY_API, body, "sku") != sku:
            raise invalid(INVENTORY_API, "sku of the body differs from that of the query", "sku")
        listing = self._platform.listing(INVENTORY_API, sku)
        quantity = stock_quantity(body, "quantity")
        self._shelf.stock(listing, quantity)
        self._platform.apply("updateInventoryForAnItem", f"{sku}/{quantity}")
        return answer(200, _stock(listing))

    def get_nodes(self, call: Call) -> Response:
        """The stock of one item by ship node; this seller has one."""
        listing = self._platform.listing(INVENTORY_API, call.ids["sku"])
        node = call.request.first("shipNode")
        if node and node != self._platform.settings.ship_node:
            raise not_found(INVENTORY_API, f"Ship node {node} is not found", "shipNode")
        amount = {"unit": "EACH", "amount": listing.quantity}
        shown = {**self._node("Success", []), "inputQty": amount, "availToSellQty": amount}
        return answer(200, {"sku": listing.sku, "nodes": [shown]})

    def put_nodes(self, call: Call) -> Response:
        """A new stock of one item by ship node; a node that is not this seller's fails alone."""
        listing = self._platform.listing(INVENTORY_API, call.ids["sku"])
        body = body_of(INVENTORY_API, call.request)
        read = [
            (text(INVENTORY_API, row, "shipNode"), stock_quantity(row, "inputQty"))
            for row in rows(INVENTORY_API, body, "inventories", "nodes")
        ]
        answers = []
        for node, quantity in read:
            if node == self._platform.settings.ship_node:
                self._shelf.stock(listing, quantity)
                self._platform.apply("updateMultiNodeInventory", f"{listing.sku}/{quantity}")
                answers.append(self._node("Success", []))
            else:
                refused = invalid(INVENTORY_API, f"Ship node {node} is not found", "shipNode")
                answers.append({**self._node("Error", [refused.entry()]), "shipNode": node})
        return answer(200, {"sku": listing.sku, "nodes": answers})

    def all_nodes(self, call: Call) -> Response:
        """The stock of every item by ship node."""
        found = [one for _, one in sorted(self._platform.listings.items()) if one.lifecycle == "ACTIVE"]
        limit = number_parameter(INVENTORY_API, call.request, "limit", 10, NODES_LIMIT_MAX, 1)
        cursor = call.request.first("nextCursor")
        rest = [one for one in found if not cursor or one.sku > _sku_of(cursor)]
        shown = rest[:limit]
        rows_shown = [{"sku": one.sku, "nodes": [self._node_stock(one)]} for one in shown]
        meta = {"totalCount": len(found), "nextCursor": _cursor_of(shown[-1].sku) if len(rest) > limit else None}
        return answer(200, {"meta": meta, "elements": {"inventories": rows_shown}})

    # -- inside ---------------------------------------------------------------------------------------------------

    def _node(self, status: str, errors: list[dict[str, Any]]) -> dict[str, Any]:
        return {"shipNode": self._platform.settings.ship_node, "status": status, "errors": errors}

    def _node_stock(self, listing: Listing) -> dict[str, Any]:
        amount = {"unit": "EACH", "amount": listing.quantity}
        return {"shipNode": self._platform.settings.ship_node, "inputQty": amount, "availToSellQty": amount}

    def _filtered(self, request: Request) -> list[Listing]:
        sku, published, lifecycle = (request.first(n) for n in ("sku", "publishedStatus", "lifecycleStatus"))
        if published and published not in PUBLISHED:
            raise bad_parameter(ITEM_API, "publishedStatus", f"{published!r} is no status")
        if lifecycle and lifecycle not in LIFECYCLES:
            raise bad_parameter(ITEM_API, "lifecycleStatus", f"{lifecycle!r} is no status")
        return [
            one
            for _, one in sorted(self._platform.listings.items())
            if (not sku or one.sku == sku)
            and (not published or one.published == published)
            and one.lifecycle == (lifecycle or "ACTIVE")
        ]

    def _items(self, shown: list[Listing], total: int, more: str | None) -> Response:
        settings = self._platform.settings
        return answer(
            200,
            {
                "errors": [],
                "ItemResponse": [item_json(one, settings.market, settings.currency) for one in shown],
                "additionalAttributes": None,
                "totalItems": total,
                "nextCursor": more,
            },
        )


def item_json(listing: Listing, market: str, currency: str) -> dict[str, Any]:
    """One item as lists show it."""
    return {
        "mart": market,
        "sku": listing.sku,
        "wpid": listing.wpid,
        "upc": listing.gtin[-12:],
        "gtin": listing.gtin,
        "productName": listing.title,
        "shelf": f'["Home Page","{listing.category}"]',
        "productType": listing.category,
        "price": {"amount": money_text(listing.price_minor), "currency": currency},
        "publishedStatus": listing.published,
        "additionalAttributes": None,
        "unpublishedReasons": {"reason": [issue.message for issue in listing.issues]} if listing.issues else None,
        "lifecycleStatus": listing.lifecycle,
        "variantGroupId": None,
        "variantGroupInfo": None,
    }


def base_price(row: Mapping[str, Any], currency: str) -> int:
    """The base price inside a price object, in cents. Errors: none, another currency, nothing or less."""
    for one in rows(PRICE_API, row, "pricing"):
        if one.get("currentPriceType") == BASE_PRICE and one.get("processMode") != "DELETE":
            given = inside(PRICE_API, one, "currentPrice")
            if given.get("currency", currency) != currency:
                raise invalid(PRICE_API, f"currency must be {currency}", "currency")
            price = minor(PRICE_API, given.get("amount"), "amount")
            if price <= 0:
                raise invalid(PRICE_API, "amount must be more than 0", "amount")
            return price
    raise invalid(PRICE_API, "pricing holds no BASE price", "pricing")


def stock_quantity(row: Mapping[str, Any], name: str) -> int:
    """The quantity inside a stock object. Errors: none, another unit, less than 0."""
    given = inside(INVENTORY_API, row, name)
    if given.get("unit") != "EACH":
        raise invalid(INVENTORY_API, "unit must be EACH", "unit")
    amount = given.get("amount")
    if not isinstance(amount, int):
        raise invalid(INVENTORY_API, "amount must be a whole number", "amount")
    quantity = whole(INVENTORY_API, amount, "amount")
    if quantity > QUANTITY_MAX:
        raise invalid(INVENTORY_API, "amount is too large", "amount")
    return quantity


def _stock(listing: Listing) -> dict[str, Any]:
    return {"sku": listing.sku, "quantity": {"unit": "EACH", "amount": listing.quantity}}


def _cursor_of(sku: str) -> str:
    return sku.encode().hex()


def _sku_of(cursor: str) -> str:
    try:
        return bytes.fromhex(cursor).decode()
    except ValueError:
        raise bad_parameter(ITEM_API, "nextCursor", "is not one of ours") from None
