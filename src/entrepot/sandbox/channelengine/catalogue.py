"""Products, stock and prices: what the merchant holds, what was exported to each channel, and what a channel makes of it.

Accepting a product is not listing it: each channel looks at it by itself and later. The channel sells what was last exported to it, so a
lower stock that has not arrived there yet is sold twice.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from entrepot.sandbox.channelengine.model import Item, Listed
from entrepot.sandbox.channelengine.platform import LISTING_UPDATED, Platform
from entrepot.sandbox.channelengine.settings import Channel, Product

MILLION: Final = 1_000_000


class Catalogue:
    """The merchant's products by MerchantProductNo."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._settings = platform.settings
        self._exports: set[tuple[str, int]] = set()

    # -- what buyers see -------------------------------------------------------------------------------------------

    def listed(self, channel: Channel, sku: str) -> Listed | None:
        """One product on one channel, when buyers find it there."""
        item = self._platform.items.get(sku)
        found = item.listed.get(channel.channel_id) if item is not None and item.active else None
        return found if found is not None and channel.enabled and found.channel_status == "PUBLISHED" else None

    def buyable(self, channel: Channel, sku: str, quantity: int) -> bool:
        """Whether the channel takes an order for so many."""
        found = self.listed(channel, sku)
        return found is not None and found.stock >= quantity

    def channel_price(self, channel: Channel, sku: str) -> int:
        """A unit's price in the channel's currency, from the price last exported; rounded half up."""
        item = self._platform.items[sku]
        price = item.listed[channel.channel_id].price_minor
        return (2 * price * MILLION + channel.rate_per_million) // (2 * channel.rate_per_million)

    def channel_product_no(self, channel: Channel, sku: str) -> str:
        """How the channel numbers a product [guess]."""
        return f"{channel.global_channel_id}-{self._platform.items[sku].data.get('Ean') or sku}"

    def sell(self, channel: Channel, sku: str, quantity: int) -> None:
        """Units are promised to a buyer; what the merchant no longer had is oversold."""
        item = self._platform.items[sku]
        item.listed[channel.channel_id].stock -= quantity
        self._platform.oversold += max(0, quantity - item.stock)
        item.stock = max(0, item.stock - quantity)
        self._export_soon(item)

    def give_back(self, channel: Channel, sku: str, quantity: int, by: str) -> None:
        """Cancelled units are for sale again, unless the merchant said that he has none."""
        if by != "seller":
            item = self._platform.items[sku]
            item.stock += quantity
            self._export_soon(item)

    # -- what the merchant writes ----------------------------------------------------------------------------------

    def seed(self, product: Product) -> None:
        """A product that every channel already sells."""
        data = {
            "MerchantProductNo": product.sku,
            "Name": product.title,
            "Ean": product.gtin,
            "CategoryTrail": product.category,
            **product.attributes,
        }
        item = Item(product.sku, data, product.price_minor, product.quantity, self._platform.now())
        for channel_id in self._platform.channels:
            item.listed[channel_id] = Listed("PUBLISHED", "CREATED", product.price_minor, product.quantity)
        self._platform.items[product.sku] = item

    def upsert(self, sku: str, data: Mapping[str, Any], price_minor: int, stock: int | None) -> None:
        """Purge and replace, as documented: what is left out becomes empty. `stock` None: it stays as it is."""
        now = self._platform.now()
        item = self._platform.items.get(sku)
        if item is None:
            item = Item(sku, dict(data), price_minor, stock or 0, now, updates=1)
            self._platform.items[sku] = item
            for channel in self._platform.channels.values():
                item.listed[channel.channel_id] = Listed()
                self._offer_to(channel, item)
        else:
            item.data, item.price_minor, item.updated_at = dict(data), price_minor, now
            item.stock = item.stock if stock is None else stock
            item.updates += 1
            for channel in self._platform.channels.values():
                if item.listed[channel.channel_id].channel_status in ("INVALID_ON_CREATE", "NONE"):
                    self._offer_to(channel, item)
            self._export_soon(item)
        self._platform.changed("PRODUCTS_CHANGE")

    def set_offer(self, item: Item, price_minor: int | None, stock: int | None) -> None:
        """Absolute values; None leaves one as it is."""
        item.price_minor = item.price_minor if price_minor is None else price_minor
        item.stock = item.stock if stock is None else stock
        item.updated_at = self._platform.now()
        item.updates += 1
        self._export_soon(item)
        self._platform.changed("PRODUCTS_CHANGE")

    def remove(self, item: Item) -> None:
        """Deactivated, not deleted: its number cannot be used again."""
        item.active, item.updated_at = False, self._platform.now()
        for found in item.listed.values():
            found.channel_status, found.export_status, found.stock = "NOT_PUBLISHED", "DELETED", 0
        self._platform.changed("PRODUCTS_CHANGE")
        self._platform.tell(LISTING_UPDATED, item.sku)

    # -- channels --------------------------------------------------------------------------------------------------

    def _offer_to(self, channel: Channel, item: Item) -> None:
        """The channel looks at a new product and decides later. What it refuses is [guess]: a missing required attribute."""
        listed = item.listed[channel.channel_id]
        listed.channel_status, listed.export_status, listed.issues = "UNDER_REVIEW", "CREATED", []

        def decide() -> None:
            if not item.active or listed.channel_status != "UNDER_REVIEW":
                return
            lacking = [name for name in self._settings.required_attributes if not item.data.get(name)]
            if lacking:
                listed.channel_status, listed.export_status = "INVALID_ON_CREATE", "CREATE_FAILED"
                for name in lacking:
                    self.complain(channel, item, "MISSING_ATTRIBUTE", f"{name} is required by {channel.name}", name)
            else:
                listed.channel_status = "PUBLISHED"
                listed.price_minor, listed.stock = item.price_minor, item.stock
            self._platform.tell(LISTING_UPDATED, item.sku)

        self._platform.world.at(self._platform.now() + self._settings.live_after, decide)

    def complain(self, channel: Channel, item: Item, code: str, message: str, attribute: str) -> None:
        """A channel has something against a product; the merchant hears of it by a notification only."""
        item.listed[channel.channel_id].issues.append({"code": code, "message": message, "attribute": attribute})
        text = f"{item.sku}: {message} ({code})"
        self._platform.notify("CHANNEL_PRODUCT_DATA_EXPORT_FAILED", "Product export failed", text)

    def _export_soon(self, item: Item) -> None:
        """Price and stock reach each channel a little later, as they are by then."""
        for channel_id in self._platform.channels:
            key = (item.sku, channel_id)
            if key not in self._exports:
                self._exports.add(key)
                when = self._platform.now() + self._settings.export_delay
                self._platform.world.at(when, partial(self._export, *key))

    def _export(self, sku: str, channel_id: int) -> None:
        self._exports.discard((sku, channel_id))
        item = self._platform.items[sku]
        listed = item.listed[channel_id]
        if item.active and listed.channel_status in ("PUBLISHED", "NOT_PUBLISHED"):
            listed.price_minor, listed.stock, listed.export_status = item.price_minor, item.stock, "UPDATED"
            self._platform.tell(LISTING_UPDATED, sku)
