"""Products, offers, channels and listings over the API: bulk calls are answered 200 and refuse single rows inside."""

from collections.abc import Mapping
from typing import Any, Final

from entrepot.sandbox.channelengine.catalogue import Catalogue
from entrepot.sandbox.channelengine.model import Item
from entrepot.sandbox.channelengine.platform import Platform
from entrepot.sandbox.channelengine.views import PRODUCT_AMOUNTS, PRODUCT_TEXTS, Views
from entrepot.sandbox.channelengine.wire import (
    PAGE_SIZE,
    Query,
    Reader,
    Refusal,
    Reply,
    names,
    number,
    paged,
    readers,
    stamp,
)
from entrepot.sandbox.core import Request

ROWS_MAX: Final = 10_000  # [guess] a ceiling that keeps a mistake small
VAT_TYPES: Final = frozenset({"STANDARD", "REDUCED", "SUPER_REDUCED", "EXEMPT"})
MOST: Final[Mapping[str, int]] = {
    **dict.fromkeys(PRODUCT_TEXTS, 512),
    **dict.fromkeys(("Name", "Brand"), 256),
    **dict.fromkeys(("Size", "Color", "Ean", "ManufacturerProductNumber"), 64),
    "Description": 100_000,
    "CategoryTrail": 1_000,
    "ShippingTime": 128,
}


class OfferCalls:
    """Handlers; what follows from them is in Catalogue."""

    def __init__(self, platform: Platform, catalogue: Catalogue, views: Views) -> None:
        self._platform = platform
        self._catalogue = catalogue
        self._views = views
        self._settings = platform.settings

    # -- products --------------------------------------------------------------------------------------------------

    def create(self, request: Request) -> Reply:
        """POST /v2/products: create or replace. The answer's Content tells how many were refused, and why."""
        keep_stock = Query(request).flag("ignoreStock") or False
        rows = self._rows(request)
        messages: list[dict[str, Any]] = []
        accepted = 0
        for row in rows:
            errors = self._upsert(row, keep_stock)
            accepted += not errors
            if errors:
                sku = row.row.get("MerchantProductNo")
                messages.append({"Name": row.row.get("Name"), "Reference": sku, "Warnings": [], "Errors": errors})
        rejected = len(rows) - accepted
        self._submitted("ProductCreate", len(rows), rejected)
        content = {"RejectedCount": rejected, "AcceptedCount": accepted, "ProductMessages": messages}
        return Reply(content, message=f"{accepted} products accepted, {rejected} rejected")

    def _upsert(self, row: Reader, keep_stock: bool) -> list[str]:
        """Take one product; what it is refused for. [guess] A product without a name or a price is refused."""
        sku = row.text("MerchantProductNo", 64)
        data: dict[str, Any] = {name: row.optional_text(name, MOST[name]) for name in PRODUCT_TEXTS}
        data["Name"] = row.text("Name", MOST["Name"])
        for name in PRODUCT_AMOUNTS:
            given = row.row.get(name)
            data[name] = None if given is None else row.amount(name, self._settings.currency)
        price, stock = row.amount("Price", self._settings.currency), row.whole("Stock", 0)
        data["VatRateType"] = row.word("VatRateType", VAT_TYPES, "STANDARD")
        data["ExtraData"] = _extra(row)
        known = self._platform.items.get(sku)
        if known is not None and not known.active:
            row.complain("MerchantProductNo", f"'{sku}' belongs to a deleted product and cannot be used again.")
        if row.errors:
            return [message for messages in row.errors.values() for message in messages]
        self._catalogue.upsert(sku, {"MerchantProductNo": sku, **data}, price, None if keep_stock else stock)
        self._platform.wrote("ProductCreate", sku)
        return []

    def products(self, request: Request) -> Reply:
        """GET /v2/products."""
        query = Query(request)
        eans, skus, search = query.many("eanList"), query.many("merchantProductNoList"), query.one("search")

        def fits(item: Item) -> bool:
            texts = (str(item.data.get(name) or "") for name in ("Name", "MerchantProductNo", "Ean", "Brand"))
            return (
                (eans is None or item.data.get("Ean") in eans)
                and (skus is None or item.sku in skus)
                and (search is None or any(search.lower() in text.lower() for text in texts))
            )

        return paged(query, [item for item in self._platform.items.values() if fits(item)], self._views.product)

    def product(self, request: Request, sku: str) -> Reply:
        """GET /v2/products/{merchantProductNo}."""
        return Reply(self._views.product(self._item(sku)))

    def delete(self, request: Request, sku: str) -> Reply:
        """DELETE /v2/products/{merchantProductNo}: deactivated, on every channel."""
        self._catalogue.remove(self._item(sku))
        self._platform.wrote("ProductDelete", sku)
        return Reply()

    def bulk_delete(self, request: Request) -> Reply:
        """POST /v2/products/bulkdelete."""
        for item in [self._item(sku) for sku in names(request)]:
            self._catalogue.remove(item)
            self._platform.wrote("ProductBulkDelete", item.sku)
        return Reply()

    # -- offers ----------------------------------------------------------------------------------------------------

    def set_offers(self, request: Request) -> Reply:
        """PUT /v2/offer: absolute stock and/or price. Content: messages by product that was not updated."""
        refused: dict[str, list[str]] = {}
        rows = self._rows(request)
        for n, row in enumerate(rows):
            sku = row.text("MerchantProductNo", 64)
            given_price, given_stock = row.row.get("Price"), row.row.get("Stock")
            price = None if given_price is None else row.amount("Price", self._settings.currency)
            stock = None if given_stock is None else row.whole("Stock")
            if price is None and stock is None:
                row.complain("Stock", "Stock or Price must be given.")
            location = row.whole("StockLocationId", self._settings.stock_location_id)
            self._set(row, sku or f"[{n}]", price, stock, location, refused, "OfferStockPriceUpdate")
        self._submitted("OfferStockPriceUpdate", len(rows), len(refused))
        return Reply(refused, message=f"{len(rows) - len(refused)} offers updated, {len(refused)} rejected")

    def set_stock(self, request: Request) -> Reply:
        """PUT /v2/offer/stock: absolute stock by location."""
        refused: dict[str, list[str]] = {}
        rows = self._rows(request)
        for n, row in enumerate(rows):
            sku = row.text("MerchantProductNo", 64)
            for place in row.rows("StockLocations"):
                stock = place.whole("Stock")
                location = place.whole("StockLocationId", self._settings.stock_location_id)
                self._set(row, sku or f"[{n}]", None, stock, location, refused, "OfferStockUpdate")
            if row.errors:
                refused.setdefault(sku or f"[{n}]", _messages(row))
        self._submitted("OfferStockUpdate", len(rows), len(refused))
        return Reply(refused, message=f"{len(rows) - len(refused)} offers updated, {len(refused)} rejected")

    def _set(
        self,
        row: Reader,
        sku: str,
        price: int | None,
        stock: int | None,
        location: int,
        refused: dict[str, list[str]],
        operation: str,
    ) -> None:
        item = self._platform.items.get(sku)
        if item is None or not item.active:
            row.complain("MerchantProductNo", f"Product '{sku}' does not exist.")
        if location != self._settings.stock_location_id:
            row.complain("StockLocationId", f"Stock location {location} does not exist.")
        if row.errors or item is None:
            refused[sku] = _messages(row)
            return
        self._catalogue.set_offer(item, price, stock)
        self._platform.wrote(operation, sku)

    def get_stock(self, request: Request) -> Reply:
        """GET /v2/offer/stock: pages count from 0 here, and their size can be chosen."""
        query = Query(request)
        locations, skus = query.ids("stockLocationIds"), query.many("skus")
        if locations is None:
            raise Refusal(400, "StockLocationIds is required.", {"StockLocationIds": ["The field is required."]})
        size, start = query.whole("pageSize", PAGE_SIZE, 1), query.whole("pageIndex", 0, 0)
        here = self._settings.stock_location_id in locations
        found = [i for i in self._platform.items.values() if here and i.active and (skus is None or i.sku in skus)]
        page = [
            {
                "MerchantProductNo": item.sku,
                "StockLocationId": self._settings.stock_location_id,
                "Stock": item.stock,
                "UpdatedAt": stamp(item.updated_at),
            }
            for item in found[start * size : (start + 1) * size]
        ]
        return Reply(page, count=len(page), total=len(found))

    def stock_locations(self, request: Request) -> Reply:
        """GET /v2/stocklocations."""
        place = {"Id": self._settings.stock_location_id, "Name": self._settings.stock_location_name}
        return Reply([place], count=1, total=1)

    # -- channels --------------------------------------------------------------------------------------------------

    def channels(self, request: Request) -> Reply:
        """GET /v2/channels, by global channel."""
        found: dict[int, dict[str, Any]] = {}
        for channel in self._platform.channels.values():
            group = found.setdefault(
                channel.global_channel_id,
                {
                    "CountryCode": channel.country,
                    "GlobalChannelId": channel.global_channel_id,
                    "Channels": [],
                    "LanguageCode": channel.language,
                    "GlobalChannelName": channel.global_channel_name,
                },
            )
            group["Channels"].append(
                {"ChannelId": channel.channel_id, "IsEnabled": channel.enabled, "ChannelName": channel.name}
            )
        return paged(Query(request), list(found.values()), lambda group: group)

    def listed(self, request: Request, channel_id: str) -> Reply:
        """GET /v2/channels/{channelId}/products: what was exported, and what the channel says of it."""
        if not channel_id.isdigit() or int(channel_id) not in self._platform.channels:
            raise Refusal(404, f"Channel {channel_id} not found.")
        chosen = int(channel_id)

        def view(item: Item) -> dict[str, Any]:
            found = item.listed[chosen]
            return {
                "ChannelStatus": found.channel_status,
                "Ean": item.data.get("Ean"),
                "ExportStatus": found.export_status,
                "MerchantProductNo": item.sku,
                "LastExportedPrice": number(found.price_minor, self._settings.currency),
                "LastExportedStock": found.stock,
            }

        return paged(Query(request), [i for i in self._platform.items.values() if chosen in i.listed], view)

    # -- helpers ---------------------------------------------------------------------------------------------------

    def _item(self, sku: str) -> Item:
        item = self._platform.items.get(sku)
        if item is None or not item.active:
            raise Refusal(404, f"Product '{sku}' does not exist.")
        return item

    def _rows(self, request: Request) -> list[Reader]:
        rows = readers(request)
        if len(rows) > ROWS_MAX:
            raise Refusal(413, f"At most {ROWS_MAX} rows in one call.")
        return rows

    def _submitted(self, operation: str, items: int, rejected: int) -> None:
        number_id = str(self._platform.count("submission", 1))
        self._platform.submissions.append(
            {"id": number_id, "operation": operation, "state": "DONE", "items": items, "rejected": rejected}
        )


def _messages(row: Reader) -> list[str]:
    return [message for messages in row.errors.values() for message in messages]


def _extra(row: Reader) -> list[dict[str, Any]]:
    given = row.row.get("ExtraData")
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        row.complain("ExtraData", "The field ExtraData must be a list of objects.")
        return []
    return [
        {
            "Key": one.get("Key"),
            "Value": one.get("Value"),
            "Type": one.get("Type") or "TEXT",
            "IsPublic": one.get("IsPublic") is True,
        }
        for one in given
    ]
