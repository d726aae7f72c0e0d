"""The Inventory and Compliance interfaces: items, offers, publishing, bulk updates, violations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.ebay.errors import COMPLIANCE, EbayError, inventory
from entrepot.sandbox.ebay.listings import Listings, invalid_value
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.paging import number, page
from entrepot.sandbox.ebay.router import Call
from entrepot.sandbox.ebay.shapes import item_shape, offer_shape
from entrepot.sandbox.ebay.state import Item, Offer
from entrepot.sandbox.ebay.wire import NO_CONTENT, answer, obj, objects

ASPECTS: Final = "ASPECTS_ADOPTION"
OTHER_VIOLATION: Final = "OUTSIDE_EBAY_BUYING_AND_SELLING"
COMPLIANCE_TYPES: Final = frozenset({ASPECTS, OTHER_VIOLATION, "HTTPS", "RETURNS_POLICY", "PRODUCT_ADOPTION"})


class ListingCalls:
    """What a seller does with his listings."""

    def __init__(self, market: Market, listings: Listings) -> None:
        self._market = market
        self._listings = listings

    # -- items -----------------------------------------------------------------------------------------------------

    def put_item(self, call: Call) -> Response:
        """createOrReplaceInventoryItem: 201 when new, else 204."""
        language = _language(call.request)
        sku = call.ids["sku"]
        created = self._listings.put_item(sku, language.replace("-", "_"), call.body(_bad_json()))
        self._market.did("createOrReplaceInventoryItem", sku)
        if not created:
            return NO_CONTENT
        return answer(201, {"warnings": []}, {"content-language": language})

    def get_item(self, call: Call) -> Response:
        """getInventoryItem."""
        return answer(200, _item_view(self._listings.item(call.ids["sku"])))

    def get_items(self, call: Call) -> Response:
        """getInventoryItems: every item, page by page; offers can only be listed by the SKUs found here."""
        request = call.request
        limit = number(request, "limit", 25, 1, 200, invalid_value("limit"))
        offset = number(request, "offset", 0, 0, 10**9, invalid_value("offset"))
        found = list(self._market.items.values())
        body = page(request, self._market.settings.base_url, found, "inventoryItems", _item_view, limit, offset)
        return answer(200, {**body, "size": len(body["inventoryItems"])})

    def delete_item(self, call: Call) -> Response:
        """deleteInventoryItem: its listings end."""
        self._listings.delete_item(call.ids["sku"])
        self._market.did("deleteInventoryItem", call.ids["sku"])
        return NO_CONTENT

    # -- offers ----------------------------------------------------------------------------------------------------

    def get_offers(self, call: Call) -> Response:
        """getOffers of one SKU; a SKU without any is 404 with 25713, as the real interface answers."""
        request = call.request
        sku = request.first("sku")
        if not sku:
            raise invalid_value("sku")
        limit = number(request, "limit", 100, 1, 100, invalid_value("limit"))
        offset = number(request, "offset", 0, 0, 10**9, invalid_value("offset"))
        site = request.first("marketplace_id")
        found = [] if site not in (None, self._market.settings.marketplace) else self._offers(sku)
        if not found:
            raise inventory(25713, "This Offer is not available.", 404, sku=sku)
        body = page(request, self._market.settings.base_url, found, "offers", self._offer_view, limit, offset)
        del body["offset"]  # the only paged answer that is documented without it
        return answer(200, {**body, "size": len(body["offers"])})

    def get_offer(self, call: Call) -> Response:
        """getOffer."""
        return answer(200, self._offer_view(self._listings.offer(call.ids["offerId"])))

    def create_offer(self, call: Call) -> Response:
        """createOffer."""
        language = _language(call.request)
        offer = self._create(call.body(_bad_json()))
        return answer(201, {"offerId": offer.offer_id, "warnings": []}, {"content-language": language})

    def update_offer(self, call: Call) -> Response:
        """updateOffer: replaces it whole."""
        language = _language(call.request)
        offer = self._listings.offer(call.ids["offerId"])
        self._listings.update_offer(offer, call.body(_bad_json()))
        self._market.did("updateOffer", offer.offer_id)
        return answer(200, {"offerId": offer.offer_id, "warnings": []}, {"content-language": language})

    def publish_offer(self, call: Call) -> Response:
        """publishOffer."""
        return answer(200, {"listingId": self._publish(call.ids["offerId"]), "warnings": []})

    def withdraw_offer(self, call: Call) -> Response:
        """withdrawOffer."""
        offer = self._listings.offer(call.ids["offerId"])
        listing_id = self._listings.withdraw(offer)
        self._market.did("withdrawOffer", offer.offer_id)
        return answer(200, {"listingId": listing_id, "warnings": []})

    # -- in bulk ---------------------------------------------------------------------------------------------------

    def bulk_create(self, call: Call) -> Response:
        """bulkCreateOffer: every entry is decided by itself."""
        _language(call.request)

        def one(entry: dict[str, Any]) -> dict[str, Any]:
            shown = {key: entry.get(key) for key in ("sku", "marketplaceId", "format")}
            return _entry(lambda: {"offerId": self._create(entry).offer_id}, 201, {**shown, "offerId": None})

        return self._bulk("bulkCreateOffer", [one(entry) for entry in self._entries(call)])

    def bulk_publish(self, call: Call) -> Response:
        """bulkPublishOffer: every entry is decided by itself."""

        def one(entry: dict[str, Any]) -> dict[str, Any]:
            offer_id = str(entry.get("offerId"))
            return _entry(lambda: {"listingId": self._publish(offer_id)}, 200, {"offerId": offer_id, "listingId": None})

        return self._bulk("bulkPublishOffer", [one(entry) for entry in self._entries(call)])

    def bulk_update(self, call: Call) -> Response:
        """bulkUpdatePriceQuantity: one answer per offer, and one per item without offers."""
        responses = []
        for entry in self._entries(call):
            sku = entry.get("sku")
            shown = {"offerId": None, "sku": sku}
            failed = self._restock(entry) if entry.get("shipToLocationAvailability") is not None else None
            offers = objects(entry.get("offers")) or []
            if failed is not None or not offers:
                done = failed or _entry(dict, 200, shown)
                responses.append({**done, **shown})
            if failed is None:
                responses += [self._reprice(sku, offer) for offer in offers]
        return self._bulk("bulkUpdatePriceQuantity", responses)

    def _restock(self, entry: Mapping[str, Any]) -> dict[str, Any] | None:
        sku, given = str(entry.get("sku")), obj(entry.get("shipToLocationAvailability"))

        def put() -> dict[str, Any]:
            self._listings.restock(sku, given.get("quantity"))
            self._market.did("bulkUpdatePriceQuantity", f"sku/{sku}")
            return {}

        done = _entry(put, 200, {})
        return done if done["errors"] else None

    def _reprice(self, sku: Any, entry: Mapping[str, Any]) -> dict[str, Any]:
        offer_id = str(entry.get("offerId"))

        def put() -> dict[str, Any]:
            offer = self._listings.offer(offer_id)
            self._listings.reprice(offer, sku, entry.get("price"), entry.get("availableQuantity"))
            self._market.did("bulkUpdatePriceQuantity", f"offer/{offer_id}")
            return {"sku": offer.sku}

        return _entry(put, 200, {"offerId": offer_id, "sku": sku})

    def _entries(self, call: Call) -> list[dict[str, Any]]:
        entries = objects(call.body(_bad_json()).get("requests"))
        most = self._market.settings.bulk_entries_max
        if not entries or len(entries) > most:
            raise inventory(25709, f"Invalid value for requests. Between 1 and {most} entries are allowed.")
        return entries

    def _bulk(self, operation: str, responses: Sequence[Mapping[str, Any]]) -> Response:
        rejected = sum(1 for one in responses if one["errors"])
        self._market.submitted(operation, len(responses), rejected)
        return answer(207 if rejected else 200, {"responses": list(responses)})

    def _create(self, content: dict[str, Any]) -> Offer:
        offer = self._listings.create_offer(content)
        self._market.did("createOffer", offer.sku)
        return offer

    def _publish(self, offer_id: str) -> str:
        listing_id = self._listings.publish(self._listings.offer(offer_id))
        self._market.did("publishOffer", offer_id)
        return listing_id

    # -- violations ------------------------------------------------------------------------------------------------

    def violations(self, call: Call) -> Response:
        """getListingViolations of one compliance type; 204 when there are none."""
        request = call.request
        wanted = request.first("compliance_type")
        if wanted not in COMPLIANCE_TYPES:
            raise EbayError(400, 850102, "Invalid or missing compliance type.", domain=COMPLIANCE)
        wrong = EbayError(400, 850113, "Invalid limit or offset.", domain=COMPLIANCE)
        limit = number(request, "limit", 100, 1, 200, wrong)
        offset = number(request, "offset", 0, 0, 10**9, wrong)
        found = [
            offer
            for offer in self._market.offers.values()
            if any(_type(v.attribute) == wanted for v in offer.violations)
        ]
        if not found:
            return NO_CONTENT

        def render(offer: Offer) -> dict[str, Any]:
            return self._violation_view(offer, str(wanted))

        base = self._market.settings.base_url
        return answer(200, page(request, base, found, "listingViolations", render, limit, offset))

    def violations_summary(self, call: Call) -> Response:
        """getListingViolationsSummary: how many listings by type; 204 when there are none."""
        counts: dict[str, int] = {}
        for offer in self._market.offers.values():
            for kind in sorted({_type(one.attribute) for one in offer.violations}):
                counts[kind] = counts.get(kind, 0) + 1
        site = self._market.settings.marketplace
        rows = [
            {"complianceType": kind, "marketplaceId": site, "listingCount": count} for kind, count in counts.items()
        ]
        return answer(200, {"violationSummaries": rows}) if rows else NO_CONTENT

    @staticmethod
    def _violation_view(offer: Offer, wanted: str) -> dict[str, Any]:
        return {
            "complianceType": wanted,
            "listingId": offer.listing_id,
            "offerId": offer.offer_id,
            "sku": offer.sku,
            "violations": [
                {
                    "reasonCode": one.code,
                    "message": one.message,
                    "complianceState": "OUT_OF_COMPLIANCE",
                    "correctiveRecommendations": None,
                    "variation": None,
                    "violationData": [{"name": one.attribute, "value": None}] if one.attribute else [],
                }
                for one in offer.violations
                if _type(one.attribute) == wanted
            ],
        }

    # -- rendering -------------------------------------------------------------------------------------------------

    def _offers(self, sku: str) -> list[Offer]:
        return self._market.offers_by_sku.get(sku, [])

    def _offer_view(self, offer: Offer) -> dict[str, Any]:
        shown = offer_shape(offer.content)
        listing = None
        if offer.listing_id is not None:
            listing = {
                "listingId": offer.listing_id,
                "listingOnHold": bool(offer.violations),
                "listingStatus": self._status(offer),
                "soldQuantity": offer.sold,
            }
        return {
            **shown,
            "offerId": offer.offer_id,
            "availableQuantity": offer.quantity if offer.quantity is not None else self._listings.stock(offer),
            "listing": listing,
            "status": "PUBLISHED" if offer.published else "UNPUBLISHED",
        }

    def _status(self, offer: Offer) -> str:
        if not offer.published:
            return "ENDED"
        if not offer.violations and offer.live_at is not None and offer.live_at > self._market.now():
            return "INACTIVE"
        return "ACTIVE" if self._listings.stock(offer) else "OUT_OF_STOCK"


def _item_view(item: Item) -> dict[str, Any]:
    shown = item_shape(item.content)
    available = obj(shown.get("availability"))
    ship_to = {
        "allocationByFormat": {"auction": 0, "fixedPrice": item.quantity},
        "availabilityDistributions": [],
        **obj(available.get("shipToLocationAvailability")),
        "quantity": item.quantity,
    }
    shown["availability"] = {
        "pickupAtLocationAvailability": available.get("pickupAtLocationAvailability") or [],
        "shipToLocationAvailability": ship_to,
    }
    return {**shown, "sku": item.sku, "locale": item.locale, "groupIds": [], "inventoryItemGroupKeys": []}


def _entry(do: Callable[[], dict[str, Any]], status: int, shown: Mapping[str, Any]) -> dict[str, Any]:
    """One entry's answer in a batch: its own status and errors."""
    try:
        return {**shown, **do(), "statusCode": status, "errors": [], "warnings": []}
    except EbayError as no:
        return {**shown, "statusCode": no.status, "errors": [no.entry()], "warnings": []}


def _language(request: Request) -> str:
    language = request.headers.get("content-language", "")
    if len(language) != 5 or language[2] != "-":
        raise inventory(25709, "Invalid value for header Content-Language.", fieldName="Content-Language")
    return language


def _bad_json() -> EbayError:
    return inventory(2004, "Invalid request. The request has errors. For help, see the documentation for this API.")


def _type(attribute: str | None) -> str:
    return ASPECTS if attribute else OTHER_VIOLATION
