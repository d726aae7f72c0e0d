"""Items, offers and listings: what is for sale, at what price, how many, and why it is not shown."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from entrepot.sandbox.ebay.errors import EbayError, inventory
from entrepot.sandbox.ebay.market import LISTING_UPDATED, Market
from entrepot.sandbox.ebay.settings import Product
from entrepot.sandbox.ebay.state import Item, Offer, Violation
from entrepot.sandbox.ebay.wire import amount, minor_of, obj, whole

SKU_CHARACTERS_MAX: Final = 50
QUANTITY_MAX: Final = 1_000_000


class Listings:
    """The shop's listings on this site."""

    def __init__(self, market: Market) -> None:
        self._market = market

    @property
    def currency(self) -> str:
        """The currency of this site."""
        return self._market.settings.currency

    # -- looking up ------------------------------------------------------------------------------------------------

    def item(self, sku: str) -> Item:
        """One inventory item. Errors: 25710, eBay's word for what it does not know."""
        item = self._market.items.get(sku)
        if item is None:
            raise inventory(25710, "We didn't find the entity you are requesting. Please verify the request", 404)
        return item

    def offer(self, offer_id: str) -> Offer:
        """One offer. Errors: 25713."""
        offer = self._market.offers.get(offer_id)
        if offer is None:
            raise inventory(25713, "This Offer is not available.", 404, offerId=offer_id)
        return offer

    def listing(self, sku: str) -> Offer | None:
        """The published offer of a SKU on this site."""
        return next((offer for offer in self._market.offers_by_sku.get(sku, []) if offer.published), None)

    def stock(self, offer: Offer) -> int:
        """What the listing shows: the smaller of the item's quantity and the offer's own."""
        item = self._market.items.get(offer.sku)
        have = item.quantity if item else 0
        return have if offer.quantity is None else min(have, offer.quantity)

    def live(self, offer: Offer) -> bool:
        """Whether buyers see the listing (it may be sold out)."""
        now = self._market.now()
        return offer.published and not offer.violations and offer.live_at is not None and offer.live_at <= now

    # -- items -----------------------------------------------------------------------------------------------------

    def put_item(self, sku: str, locale: str, content: dict[str, Any]) -> bool:
        """Create or replace an item whole; true when it is new. Errors: 25707, 25709, 25019."""
        if not sku or len(sku) > SKU_CHARACTERS_MAX:
            raise inventory(25707, "This is an invalid value for a SKU. At most 50 characters are allowed.", sku=sku)
        ship_to = obj(obj(content.get("availability")).get("shipToLocationAvailability"))
        quantity = ship_to.get("quantity")
        if quantity is not None and not is_quantity(quantity):
            raise invalid_value("availability.shipToLocationAvailability.quantity")
        listing = self.listing(sku)
        if listing is not None:
            self.count_revision(listing)
        created = sku not in self._market.items
        self._market.items[sku] = Item(sku, locale, content, quantity or 0)
        for offer in self._market.offers_by_sku.get(sku, []):
            self._clear_mended(offer)
            self._changed(offer)
        return created

    def delete_item(self, sku: str) -> None:
        """The item goes, with its offers; its listings end."""
        self.item(sku)
        for offer in self._market.offers_by_sku.pop(sku, []):
            offer.published, offer.ended = False, True
            del self._market.offers[offer.offer_id]
            self._market.emit(LISTING_UPDATED, sku)
        del self._market.items[sku]

    # -- offers ----------------------------------------------------------------------------------------------------

    def create_offer(self, content: dict[str, Any]) -> Offer:
        """A new unpublished offer. Errors: 25002 when there is one already, 25702 without its item."""
        sku = content.get("sku")
        if not isinstance(sku, str) or sku not in self._market.items:
            raise inventory(25702, f"{sku} could not be found or is not available in the system.", sku=str(sku))
        if content.get("marketplaceId") != self._market.settings.marketplace:
            raise invalid_value("marketplaceId")
        if content.get("format") != "FIXED_PRICE":
            raise invalid_value("format")
        known = self._market.offers_by_sku.get(sku, [])
        if known:
            message = "A user error has occurred. Offer entity already exists."
            raise inventory(25002, message, offerId=known[0].offer_id)
        price, quantity = self._terms(content)
        offer = Offer(self._market.new_id(11), sku, content, price, quantity)
        self._take_shipping(offer)
        self._market.offers[offer.offer_id] = offer
        self._market.offers_by_sku.setdefault(sku, []).append(offer)
        return offer

    def update_offer(self, offer: Offer, content: dict[str, Any]) -> None:
        """Replace an offer whole; a published one revises its listing. Errors: as `create_offer`, and 25019."""
        price, quantity = self._terms(content)
        fixed = {name: offer.content.get(name) for name in ("sku", "marketplaceId", "format")}
        if offer.published:
            missing = self._missing_to_publish(offer.sku, {**content, **fixed}, price)
            if missing is not None:
                raise missing
            self.count_revision(offer)
        offer.content, offer.price_minor, offer.quantity = {**content, **fixed}, price, quantity
        self._take_shipping(offer)
        self._changed(offer)

    def publish(self, offer: Offer) -> str:
        """Make an offer a listing, or revise it; gives the listing id. Errors: what is missing."""
        missing = self._missing_to_publish(offer.sku, offer.content, offer.price_minor)
        if missing is not None:
            raise missing
        if not offer.published:
            offer.published, offer.ended = True, False
            offer.listing_id = self._market.new_id(12, "1")
            offer.live_at = self._market.now() + self._market.settings.live_delay
            offer.sold = 0
            self._market.at(offer.live_at, lambda: self._changed(offer))
        self._changed(offer)
        return str(offer.listing_id)

    def withdraw(self, offer: Offer) -> str:
        """End a listing; the offer stays. Errors: 25002 when there is no listing."""
        if not offer.published:
            raise inventory(25002, "A user error has occurred. The offer is not published.", offerId=offer.offer_id)
        offer.published, offer.ended = False, True
        offer.violations.clear()
        self._changed(offer)
        return str(offer.listing_id)

    def reprice(self, offer: Offer, sku: str | None, price: Any, quantity: Any) -> None:
        """One entry of a bulk update. Errors: not published, another SKU, no such price or quantity, 25019."""
        if sku is not None and sku != offer.sku:
            raise inventory(25702, f"{sku} could not be found or is not available in the system.", sku=sku)
        if not offer.published:
            raise inventory(25002, "A user error has occurred. The offer is not published.", offerId=offer.offer_id)
        price_minor = offer.price_minor if price is None else self._price(price)
        if quantity is not None and not is_quantity(quantity):
            raise invalid_value("availableQuantity")
        self.count_revision(offer)
        offer.price_minor = price_minor
        if price is not None:
            offer.content = _with_price(offer.content, price)
        if quantity is not None:
            offer.quantity = quantity
        self._changed(offer)

    def restock(self, sku: str, quantity: Any) -> None:
        """The total quantity of one item. Errors: 25702, 25709."""
        item = self._market.items.get(sku)
        if item is None:
            raise inventory(25702, f"{sku} could not be found or is not available in the system.", 404, sku=sku)
        if not is_quantity(quantity):
            raise invalid_value("shipToLocationAvailability.quantity")
        item.quantity = quantity
        for offer in self._market.offers_by_sku.get(sku, []):
            self._changed(offer)

    def count_revision(self, offer: Offer) -> None:
        """One revision of a listing more today. Errors: 25019 once the day's number is used up."""
        day = f"{self._market.now().astimezone(UTC):%Y-%m-%d}"
        most = self._market.settings.revisions_per_listing_a_day
        if self._market.settings.ceilings and offer.revised.get(day, 0) >= most:
            message = f"Cannot revise listing. It was revised {most} times today."
            raise inventory(25019, message, offerId=offer.offer_id)
        offer.revised = {day: offer.revised.get(day, 0) + 1}

    # -- stock of a sale -------------------------------------------------------------------------------------------

    def take(self, offer: Offer, quantity: int) -> None:
        """A sale lowers item and offer alike."""
        self._market.items[offer.sku].quantity -= quantity
        if offer.quantity is not None:
            offer.quantity -= quantity
        offer.sold += quantity
        self._market.emit(LISTING_UPDATED, offer.sku)

    def put_back(self, offer: Offer, quantity: int) -> None:
        """[guess] Units of a cancelled sale are for sale again, unless the seller said they are out of stock."""
        item = self._market.items.get(offer.sku)
        if item is not None:
            item.quantity += quantity
        if offer.quantity is not None:
            offer.quantity += quantity
        offer.sold -= quantity
        self._market.emit(LISTING_UPDATED, offer.sku)

    # -- the channel's hand ----------------------------------------------------------------------------------------

    def hold(self, offer: Offer, violation: Violation) -> None:
        """A policy violation: the listing is on hold and not shown."""
        offer.violations.append(violation)
        self._market.emit(LISTING_UPDATED, offer.sku)

    def free(self, offer: Offer) -> None:
        """No violation any more."""
        offer.violations.clear()
        self._market.emit(LISTING_UPDATED, offer.sku)

    def seed(self, product: Product) -> None:
        """Something listed before the story begins."""
        aspects = {name: [value] for name, value in product.attributes.items()}
        available = {"shipToLocationAvailability": {"quantity": product.quantity}}
        item = {
            "availability": available,
            "condition": "NEW",
            "product": {"title": product.title, "aspects": aspects, "ean": [product.gtin] if product.gtin else []},
        }
        settings = self._market.settings
        self._market.items[product.sku] = Item(product.sku, "en_US", item, product.quantity)
        content = {
            "sku": product.sku,
            "marketplaceId": settings.marketplace,
            "format": "FIXED_PRICE",
            "categoryId": product.category,
            "listingDescription": product.title,
            "merchantLocationKey": "main",
            "listingPolicies": {
                "fulfillmentPolicyId": "1",
                "paymentPolicyId": "2",
                "returnPolicyId": "3",
            },
            "pricingSummary": {"price": amount(product.price_minor, settings.currency)},
        }
        offer = Offer(self._market.new_id(11), product.sku, content, product.price_minor, None)
        offer.shipping_minor = product.shipping_minor
        offer.published, offer.listing_id = True, self._market.new_id(12, "1")
        offer.live_at = self._market.now()
        self._market.offers[offer.offer_id] = offer
        self._market.offers_by_sku[product.sku] = [offer]

    # -- inside ----------------------------------------------------------------------------------------------------

    def _changed(self, offer: Offer) -> None:
        offer.updates += 1
        self._market.emit(LISTING_UPDATED, offer.sku)

    def _clear_mended(self, offer: Offer) -> None:
        """[guess] A violation about an attribute is over once the attribute has a value."""
        aspects = self._aspects(offer.sku)
        offer.violations = [one for one in offer.violations if not (one.attribute and aspects.get(one.attribute))]

    def _aspects(self, sku: str) -> dict[str, Any]:
        item = self._market.items.get(sku)
        return obj(obj(item.content.get("product")).get("aspects")) if item else {}

    def _terms(self, content: Mapping[str, Any]) -> tuple[int | None, int | None]:
        price = obj(content.get("pricingSummary")).get("price")
        quantity = content.get("availableQuantity")
        if quantity is not None and not is_quantity(quantity):
            raise invalid_value("availableQuantity")
        return (None if price is None else self._price(price)), quantity

    def _price(self, price: Any) -> int:
        currency = self._market.settings.currency
        if obj(price).get("currency") != currency:
            raise invalid_value("price.currency")
        minor = minor_of(obj(price).get("value"), currency)
        if not minor:
            raise invalid_value("price.value")
        return minor

    def _take_shipping(self, offer: Offer) -> None:
        """The first shipping cost override is what the buyer pays per unit; without one, shipping is free."""
        overrides = obj(offer.content.get("listingPolicies")).get("shippingCostOverrides")
        if isinstance(overrides, list) and overrides:
            cost = obj(obj(overrides[0]).get("shippingCost")).get("value")
            offer.shipping_minor = minor_of(cost, self._market.settings.currency) or 0

    def _missing_to_publish(self, sku: str, content: Mapping[str, Any], price: int | None) -> EbayError | None:
        """What keeps an offer from being a listing. Which id stands for which missing field is partly [guess]."""
        policies = obj(content.get("listingPolicies"))
        category = content.get("categoryId")
        if not category:
            return inventory(25005, "Invalid category. The category is missing or not valid.")
        if price is None:
            return inventory(25029, "price is required and missing.", fieldName="price")
        for name, error_id in (("fulfillment", 25007), ("payment", 25008), ("return", 25009)):
            if not policies.get(f"{name}PolicyId"):
                return inventory(error_id, f"Please enter a valid {name} policy.", fieldName=f"{name}PolicyId")
        if not content.get("merchantLocationKey"):
            return inventory(25011, "Invalid location information.", fieldName="merchantLocationKey")
        if not content.get("listingDescription"):
            return inventory(25029, "listingDescription is required and missing.", fieldName="listingDescription")
        item = self._market.items[sku]
        if not obj(item.content.get("product")).get("title"):
            return inventory(25029, "product.title is required and missing.", fieldName="title")
        if not item.content.get("condition"):
            return inventory(25021, "Invalid item condition information.", fieldName="condition")
        aspects = self._aspects(sku)
        for name in self._market.settings.required_aspects.get(str(category), ()):
            if not aspects.get(name):
                message = f"A user error has occurred. The item specific {name} is missing. Add {name} to this listing."
                return inventory(25002, message, aspect=name)
        return None


def is_quantity(value: Any) -> bool:
    """A whole number of units."""
    number = whole(value)
    return number is not None and 0 <= number <= QUANTITY_MAX


def invalid_value(field: str) -> EbayError:
    """A field that cannot be what it is."""
    return inventory(25709, f"Invalid value for {field}.", fieldName=field)


def _with_price(content: Mapping[str, Any], price: Any) -> dict[str, Any]:
    return {**content, "pricingSummary": {**obj(content.get("pricingSummary")), "price": price}}
