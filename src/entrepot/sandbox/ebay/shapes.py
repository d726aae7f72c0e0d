"""What was put, as it is read back: every documented key, null or an empty list when it was not given."""

from collections.abc import Mapping
from typing import Any, Final

LIST: Final[list[Any]] = []
ITEM: Final[Mapping[str, Any]] = {
    "condition": None,
    "conditionDescription": None,
    "conditionDescriptors": LIST,
    "packageWeightAndSize": {"dimensions": None, "packageType": None, "shippingIrregular": None, "weight": None},
    "product": {
        "aspects": None,
        "brand": None,
        "description": None,
        "ean": LIST,
        "epid": None,
        "imageUrls": LIST,
        "isbn": LIST,
        "mpn": None,
        "subtitle": None,
        "title": None,
        "upc": LIST,
        "videoIds": LIST,
    },
}
OFFER: Final[Mapping[str, Any]] = {
    "categoryId": None,
    "charity": None,
    "extendedProducerResponsibility": None,
    "format": None,
    "hideBuyerDetails": None,
    "includeCatalogProductDetails": None,
    "listingDescription": None,
    "listingDuration": "GTC",
    "listingPolicies": {
        "bestOfferTerms": None,
        "eBayPlusIfEligible": None,
        "fulfillmentPolicyId": None,
        "paymentPolicyId": None,
        "productCompliancePolicyIds": LIST,
        "regionalProductCompliancePolicies": None,
        "regionalTakeBackPolicies": None,
        "returnPolicyId": None,
        "shippingCostOverrides": LIST,
        "takeBackPolicyId": None,
    },
    "listingStartDate": None,
    "lotSize": None,
    "marketplaceId": None,
    "merchantLocationKey": None,
    "pricingSummary": {
        "auctionReservePrice": None,
        "auctionStartPrice": None,
        "minimumAdvertisedPrice": None,
        "originallySoldForRetailPriceOn": None,
        "originalRetailPrice": None,
        "price": None,
        "pricingVisibility": None,
    },
    "quantityLimitPerBuyer": None,
    "regulatory": None,
    "secondaryCategoryId": None,
    "sku": None,
    "storeCategoryNames": LIST,
    "tax": None,
}
OVERRIDE: Final[Mapping[str, Any]] = {
    "additionalShippingCost": None,
    "priority": None,
    "shippingCost": None,
    "shippingServiceType": None,
    "surcharge": None,
}


def item_shape(content: Mapping[str, Any]) -> dict[str, Any]:
    """An inventory item's content."""
    return {**_filled(ITEM, content), "availability": content.get("availability")}


def offer_shape(content: Mapping[str, Any]) -> dict[str, Any]:
    """An offer's content."""
    shown = _filled(OFFER, content)
    policies = shown["listingPolicies"]
    policies["shippingCostOverrides"] = [_filled(OVERRIDE, one) for one in policies["shippingCostOverrides"]]
    return shown


def _filled(shape: Mapping[str, Any], given: Any) -> dict[str, Any]:
    have = given if isinstance(given, Mapping) else {}
    filled: dict[str, Any] = {}
    for key, empty in shape.items():
        value = have.get(key)
        if isinstance(empty, Mapping):
            filled[key] = _filled(empty, value)
        elif isinstance(empty, list):
            filled[key] = list(value) if isinstance(value, list) else []
        else:
            filled[key] = empty if value is None else value
    return filled
