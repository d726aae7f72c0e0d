"""Feeds: a file of changes is taken at once, read later, and reported on item by item.

Shape: three levels of success: the call was taken, the feed is PROCESSED, each item is SUCCESS or not.
Source: feed types, statuses and size limits are published; the JSON of a file follows the published feed examples
(MP_ITEM 5.0 Orderable and Visible, price 1.7, inventory 1.4). [guess] RETIRE_ITEM's file; a sku that comes twice in a
price feed fails the second time; a file of more than 10,000 items is refused with the call.
"""

from collections.abc import Callable, Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.walmart.errors import FEED_API, WalmartError, bad_parameter, invalid, not_found
from entrepot.sandbox.walmart.item_calls import base_price, stock_quantity
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.router import Call
from entrepot.sandbox.walmart.settings import INVENTORY_FEEDS, ITEM_FEEDS, PRICE_FEEDS
from entrepot.sandbox.walmart.shelf import Shelf
from entrepot.sandbox.walmart.state import Feed, FeedItem, Listing
from entrepot.sandbox.walmart.wire import answer, inside, millis, minor, number_parameter, parse, text

FEED_LIMIT_MAX: Final = 50
DETAIL_LIMIT_MAX: Final = 1_000
ITEMS_MAX: Final = 10_000
MALFORMED: Final = "ERR_PDI_0001"
INVALID_DATA: Final = "ERR_PDI_0034"
ROW_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "MP_ITEM": ("MPItem",),
    "MP_MAINTENANCE": ("MPItem",),
    "RETIRE_ITEM": ("RetireItem",),
    "price": ("Price",),
    "inventory": ("Inventory", "inventory"),
    "MP_INVENTORY": ("inventory", "Inventory"),
}


def operation_of(feed_type: str) -> str | None:
    """The operation that takes a feed of this type: each has its own bucket."""
    if feed_type in ITEM_FEEDS:
        return "itemBulkUploads"
    if feed_type in PRICE_FEEDS:
        return "priceBulkUploads"
    return "updateBulkInventory" if feed_type in INVENTORY_FEEDS else None


class Feeds:
    """Takes, works off and shows feeds."""

    def __init__(self, platform: Platform, shelf: Shelf) -> None:
        self._platform = platform
        self._shelf = shelf
        self._doers: Mapping[str, Callable[[dict[str, Any]], Listing]] = {
            "MP_ITEM": self._set_up,
            "MP_MAINTENANCE": self._maintain,
            "RETIRE_ITEM": self._retire,
            "price": self._price,
            "inventory": self._stock,
            "MP_INVENTORY": self._stock,
        }

    # -- calls ----------------------------------------------------------------------------------------------------

    def post(self, call: Call) -> Response:
        """Take a file. Errors: unknown type, no file, too large."""
        feed_type = call.request.first("feedType") or ""
        operation = operation_of(feed_type)
        if operation is None:
            raise bad_parameter(FEED_API, "feedType", f"{feed_type!r} is no type of feed that is taken here")
        size = len(call.request.body)
        if size > self._platform.settings.feed_bytes_max.get(feed_type, size):
            raise WalmartError("REQUEST_ENTITY_TOO_LARGE", FEED_API, f"Feed of {size} bytes is too large", "file")
        now = self._platform.now()
        feed = Feed(self._platform.hex_id(32) + "@AU8BAgA", feed_type, operation, now, now, _file(call.request))
        self._platform.feeds[feed.feed_id] = feed
        self._platform.apply(operation, feed.feed_id)
        self._platform.after(self._platform.settings.feed_steps[0], lambda: self._begin(feed))
        return answer(200, {"feedId": feed.feed_id, "additionalAttributes": None, "errors": None})

    def all(self, call: Call) -> Response:
        """Feeds, newest first."""
        wanted = call.request.first("feedId")
        offset = number_parameter(FEED_API, call.request, "offset", 0, 10**9)
        limit = number_parameter(FEED_API, call.request, "limit", FEED_LIMIT_MAX, FEED_LIMIT_MAX, 1)
        found = [feed for feed in reversed(self._platform.feeds.values()) if wanted in (None, "", feed.feed_id)]
        shown = [self._summary(feed) for feed in found[offset : offset + limit]]
        results = {"feed": shown}
        return answer(
            200, {"errors": [], "totalResults": len(found), "offset": offset, "limit": limit, "results": results}
        )

    def one(self, call: Call) -> Response:
        """One feed; with includeDetails=true also how each item ended."""
        feed = self._platform.feeds.get(call.ids["feedId"])
        if feed is None:
            raise not_found(FEED_API, f"Feed {call.ids['feedId']} is not found", "feedId")
        offset = number_parameter(FEED_API, call.request, "offset", 0, 10**9)
        limit = number_parameter(FEED_API, call.request, "limit", FEED_LIMIT_MAX, DETAIL_LIMIT_MAX, 1)
        with_items = call.request.first("includeDetails") == "true"
        shown = feed.items[offset : offset + limit] if with_items else []
        return answer(
            200,
            {
                "errors": [],
                "feedId": feed.feed_id,
                "feedStatus": feed.status,
                "ingestionErrors": _errors(feed.errors),
                **_counts(feed),
                "offset": offset,
                "limit": limit,
                "itemDetails": {"itemIngestionStatus": [_item(item) for item in shown]},
            },
        )

    # -- work -----------------------------------------------------------------------------------------------------

    def _begin(self, feed: Feed) -> None:
        feed.changed_at = self._platform.now()
        try:
            feed.items = _read(feed)
        except (ValueError, WalmartError) as why:
            feed.status = "ERROR"
            feed.errors = [("DATA_ERROR", MALFORMED, f"Malformed data: {why}")]
            return
        feed.status = "INPROGRESS"
        self._platform.after(self._platform.settings.feed_steps[1], lambda: self._finish(feed))

    def _finish(self, feed: Feed) -> None:
        seen: set[str | None] = set()
        for item in feed.items:
            self._do(feed, item, again=item.sku in seen)
            seen.add(item.sku)
        feed.status, feed.changed_at = "PROCESSED", self._platform.now()

    def _do(self, feed: Feed, item: FeedItem, again: bool) -> None:
        planned = self._platform.settings.feed_faults.get(item.sku or "")
        if planned is not None:
            item.status, item.errors = planned[0], [planned]
            return
        if again and feed.feed_type in PRICE_FEEDS:
            item.status, item.errors = "DATA_ERROR", [("DATA_ERROR", INVALID_DATA, f"sku {item.sku} comes twice")]
            return
        try:
            listing = self._doers[feed.feed_type](item.data)
        except WalmartError as why:
            item.status, item.errors = "DATA_ERROR", [("DATA_ERROR", INVALID_DATA, why.description)]
            return
        item.status, item.wpid = "SUCCESS", listing.wpid
        self._platform.apply(f"{feed.operation}:{feed.feed_type}", listing.sku)

    # -- items ----------------------------------------------------------------------------------------------------

    def _set_up(self, data: dict[str, Any]) -> Listing:
        offer = inside(FEED_API, data, "Orderable")
        ids = inside(FEED_API, offer, "productIdentifiers")
        category, content = _content(data)
        for name in self._platform.settings.required_attributes:
            if not content.get(name):
                raise invalid(FEED_API, f"{name} is required for {category}", name)
        price = minor(FEED_API, offer.get("price"), "price")
        if price <= 0:
            raise invalid(FEED_API, "price must be more than 0", "price")
        gtin = text(FEED_API, ids, "productId")
        if not gtin.isdigit() or not _checks(gtin):
            raise invalid(FEED_API, f"productId {gtin} is not a valid {ids.get('productIdType', 'GTIN')}", "productId")
        sku = text(FEED_API, offer, "sku")
        return self._shelf.set_up(sku, content["productName"], category, gtin.zfill(14), price, content)

    def _maintain(self, data: dict[str, Any]) -> Listing:
        offer = inside(FEED_API, data, "Orderable")
        listing = self._known(offer)
        price = None if offer.get("price") is None else minor(FEED_API, offer["price"], "price")
        if price is not None and price <= 0:
            raise invalid(FEED_API, "price must be more than 0", "price")
        content = _content(data)[1] if data.get("Visible") else {}
        self._shelf.maintain(listing, content.get("productName"), price, content)
        return listing

    def _retire(self, data: dict[str, Any]) -> Listing:
        listing = self._known(data)
        self._shelf.retire(listing)
        return listing

    def _price(self, data: dict[str, Any]) -> Listing:
        listing = self._known(data)
        self._shelf.price(listing, base_price(data, self._platform.settings.currency))
        return listing

    def _stock(self, data: dict[str, Any]) -> Listing:
        listing = self._known(data)
        if data.get("shipNodes") is None:
            self._shelf.stock(listing, stock_quantity(data, "quantity"))
            return listing
        nodes = data["shipNodes"]
        if not isinstance(nodes, list) or len(nodes) != 1 or not isinstance(nodes[0], dict):
            raise invalid(FEED_API, "shipNodes must hold this seller's one ship node", "shipNodes")
        if nodes[0].get("shipNode") != self._platform.settings.ship_node:
            raise invalid(FEED_API, f"Ship node {nodes[0].get('shipNode')} is not found", "shipNode")
        self._shelf.stock(listing, stock_quantity(nodes[0], "quantity"))
        return listing

    def _known(self, data: Mapping[str, Any]) -> Listing:
        listing = self._platform.listing(FEED_API, text(FEED_API, data, "sku"))
        if listing.lifecycle == "RETIRED":
            raise invalid(FEED_API, f"Item {listing.sku} is retired", "sku")
        return listing

    def _summary(self, feed: Feed) -> dict[str, Any]:
        return {
            "feedId": feed.feed_id,
            "feedSource": "MARKETPLACE_PARTNER",
            "feedType": feed.feed_type,
            "partnerId": self._platform.settings.partner_id,
            **_counts(feed),
            "feedStatus": feed.status,
            "feedDate": millis(feed.received_at),
            "batchId": None,
            "modifiedDtm": millis(feed.changed_at),
        }


def _counts(feed: Feed) -> dict[str, int]:
    return {
        "itemsReceived": len(feed.items),
        "itemsSucceeded": feed.count("SUCCESS"),
        "itemsFailed": feed.count("DATA_ERROR", "SYSTEM_ERROR", "TIMEOUT_ERROR"),
        "itemsProcessing": feed.count("INPROGRESS"),
    }


def _item(item: FeedItem) -> dict[str, Any]:
    return {
        "martId": 0,
        "sku": item.sku,
        "wpid": item.wpid,
        "index": item.index,
        "ingestionStatus": item.status,
        "ingestionErrors": _errors(item.errors),
    }


def _errors(found: list[tuple[str, str, str]]) -> dict[str, Any]:
    listed = [{"type": kind, "code": code, "description": why} for kind, code, why in found]
    return {"ingestionError": listed}


def _read(feed: Feed) -> list[FeedItem]:
    data = parse(feed.body)
    names = ROW_NAMES[feed.feed_type]
    found = next((data[name] for name in names if isinstance(data, dict) and name in data), None)
    if not isinstance(found, list) or not found:
        raise ValueError(f"the file holds no {names[0]}")
    if len(found) > ITEMS_MAX:
        raise ValueError(f"the file holds {len(found)} items; at most {ITEMS_MAX}")
    items = []
    for index, row in enumerate(found):
        if not isinstance(row, dict):
            raise ValueError(f"{names[0]}[{index}] is not an object")
        offer = row.get("Orderable", row)
        sku = offer.get("sku") if isinstance(offer, dict) else None
        items.append(FeedItem(index, sku if isinstance(sku, str) else None, row))
    return items


def _content(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The product type and its texts: Visible holds one product type with its attributes."""
    visible = inside(FEED_API, data, "Visible")
    if not isinstance(visible, dict) or len(visible) != 1:
        raise invalid(FEED_API, "Visible must hold one product type", "Visible")
    category, content = next(iter(visible.items()))
    if not isinstance(content, dict):
        raise invalid(FEED_API, f"Visible.{category} must be an object", "Visible")
    return category, {name: value for name, value in content.items() if isinstance(value, str)}


def _checks(gtin: str) -> bool:
    """Whether the last digit is the check digit of the others (GS1, any length)."""
    digits = [int(digit) for digit in reversed(gtin)]
    return len(digits) in (8, 10, 12, 13, 14) and sum(digits[0::2]) % 10 == -3 * sum(digits[1::2]) % 10


def _file(request: Request) -> bytes:
    """The file of a multipart body, or the body itself. Errors: a multipart body without a file."""
    content_type = request.headers.get("content-type", "")
    if not content_type.lower().startswith("multipart/form-data"):
        return request.body
    head = f"content-type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    for part in message.walk():
        if part.get_param("name", header="content-disposition") == "file":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                return payload
    raise WalmartError("INVALID_REQUEST", FEED_API, "part file is required", "file")
