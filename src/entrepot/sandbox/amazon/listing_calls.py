"""Listings items 2021-08-01 over HTTP."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from entrepot.sandbox.amazon import wire
from entrepot.sandbox.amazon.attributes import GTIN, STOCK
from entrepot.sandbox.amazon.errors import denied, invalid, not_found
from entrepot.sandbox.amazon.listings import Listings
from entrepot.sandbox.amazon.money import text_of
from entrepot.sandbox.amazon.orders import first_value
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.product_types import REQUIREMENTS
from entrepot.sandbox.amazon.router import Router
from entrepot.sandbox.amazon.state import Issue, Listing, Submission
from entrepot.sandbox.amazon.wire import Call, Pages
from entrepot.sandbox.core import Request, Response, json_response

PATH: Final = "/listings/2021-08-01/items/{seller_id}"
DATASETS: Final = (
    "summaries",
    "attributes",
    "issues",
    "offers",
    "fulfillmentAvailability",
    "procurement",
    "relationships",
    "productTypes",
)
WORDS: Final = ("BUYABLE", "DISCOVERABLE")
IDENTIFIERS: Final = ("ASIN", "EAN", "FNSKU", "GTIN", "ISBN", "JAN", "MINSAN", "SKU", "UPC")
PAGE_SIZE: Final = 10
PAGE_MAX: Final = 20
ALWAYS: Final = datetime.fromisoformat("1990-01-01T00:00:00Z")
FOREVER: Final = datetime.fromisoformat("9000-01-01T00:00:00Z")


class ListingCalls:
    """The listing operations."""

    def __init__(self, platform: Platform, listings: Listings, pages: Pages) -> None:
        self._platform = platform
        self._listings = listings
        self._pages = pages
        self._market = platform.market

    def add_to(self, router: Router) -> None:
        """Register the operations. A SKU may hold slashes."""
        router.add("putListingsItem", "PUT", f"{PATH}/{{sku...}}", self.put)
        router.add("patchListingsItem", "PATCH", f"{PATH}/{{sku...}}", self.patch)
        router.add("deleteListingsItem", "DELETE", f"{PATH}/{{sku...}}", self.delete)
        router.add("getListingsItem", "GET", f"{PATH}/{{sku...}}", self.get)
        router.add("searchListingsItems", "GET", PATH, self.search)

    # -- writes ----------------------------------------------------------------------------------------------------

    def put(self, call: Call) -> Response:
        """putListingsItem."""
        preview = self._checked(call)
        body = wire.body_of(call.request)
        requirements = wire.optional_text(body, "requirements") or "LISTING"
        if requirements not in REQUIREMENTS:
            raise invalid("Invalid 'requirements'.", requirements)
        given = body.get("attributes")
        if not isinstance(given, dict):
            raise invalid("'attributes' is required.")
        kind = wire.text(body, "productType")
        made = self._listings.put(call.ids["sku"], kind, requirements, given, preview=preview, origin="putListingsItem")
        return self._submitted(call, *made)

    def patch(self, call: Call) -> Response:
        """patchListingsItem."""
        preview = self._checked(call)
        body = wire.body_of(call.request)
        patches = wire.rows(body, "patches")
        kind = wire.text(body, "productType")
        made = self._listings.patch(call.ids["sku"], kind, patches, preview=preview, origin="patchListingsItem")
        return self._submitted(call, *made)

    def delete(self, call: Call) -> Response:
        """deleteListingsItem."""
        self._checked(call)
        return self._submitted(call, *self._listings.delete(call.ids["sku"], origin="deleteListingsItem"))

    def _checked(self, call: Call) -> bool:
        if call.ids["seller_id"] != self._platform.settings.seller_id:
            raise denied("The seller is not the one who authorised this application.")
        if self._market.marketplace_id not in call.request.every("marketplaceIds"):
            raise invalid("A valid marketplaceIds is required.")
        mode = call.request.first("mode")
        if mode not in (None, "", "VALIDATION_PREVIEW"):
            raise invalid("Invalid 'mode'.", mode or "")
        return mode == "VALIDATION_PREVIEW"

    def _submitted(self, call: Call, submission: Submission, issues: list[Issue]) -> Response:
        sku = call.ids["sku"]
        listing = self._platform.listings.get(sku)
        asin = listing.asin if listing else None
        return json_response(
            200,
            {
                "sku": sku,
                "status": submission.state,
                "submissionId": submission.submission_id,
                "issues": [self._issue(issue) for issue in issues],
                "identifiers": [{"marketplaceId": self._market.marketplace_id, "asin": asin}]
                if "identifiers" in call.request.every("includedData")
                else [],
            },
        )

    # -- reads -----------------------------------------------------------------------------------------------------

    def get(self, call: Call) -> Response:
        """getListingsItem."""
        self._checked(call)
        asked = wire.words_parameter(call.request, "includedData", DATASETS) or ["summaries"]
        listing = self._platform.listings.get(call.ids["sku"])
        if listing is None:
            raise not_found(f"SKU '{call.ids['sku']}' not found in marketplace {self._market.marketplace_id}")
        return json_response(200, self.view(listing, asked))

    def search(self, call: Call) -> Response:
        """searchListingsItems."""
        self._checked(call)
        request = self._pages.recall(call.request, "pageToken", "searchListingsItems")
        asked = wire.words_parameter(request, "includedData", DATASETS) or ["summaries"]
        size = wire.count_parameter(request, "pageSize", PAGE_SIZE, PAGE_MAX)
        found = [listing for listing in self._platform.listings.values() if self._filter(request)(listing)]
        order = request.first("sortBy") or "lastUpdatedDate"
        if order not in PLACES:
            raise invalid("Invalid 'sortBy'.", order)
        newest_first = (request.first("sortOrder") or "DESC") == "DESC"
        place = PLACES[order]
        page, following = self._pages.cut(
            found, size, place, request, "pageToken", "searchListingsItems", newest_first=newest_first
        )
        return json_response(
            200,
            {
                "numberOfResults": len(found),
                "pagination": {"nextToken": following, "previousToken": None},
                "items": [self.view(listing, asked) for listing in page],
            },
        )

    def _filter(self, request: Request) -> Callable[[Listing], bool]:
        severities = set(wire.words_parameter(request, "withIssueSeverity", ("WARNING", "ERROR")))
        wanted = set(wire.words_parameter(request, "withStatus", WORDS))
        unwanted = set(wire.words_parameter(request, "withoutStatus", WORDS))
        identifiers, kind = set(request.every("identifiers")), request.first("identifiersType")
        if identifiers and kind not in IDENTIFIERS:
            raise invalid("'identifiersType' is required with 'identifiers'.")
        created = self._span(request, "created")
        updated = self._span(request, "lastUpdated")

        def holds(listing: Listing) -> bool:
            status = set(listing.status)
            return (
                created[0] <= listing.created_at <= created[1]
                and updated[0] <= listing.updated_at <= updated[1]
                and wanted <= status
                and not unwanted & status
                and (not severities or any(issue.severity in severities for issue in listing.issues))
                and (not identifiers or bool(identifiers & _names(listing, kind or "SKU")))
            )

        return holds

    def _span(self, request: Request, name: str) -> tuple[datetime, datetime]:
        since = wire.date_parameter(request, f"{name}After") or ALWAYS
        return since, wire.date_parameter(request, f"{name}Before") or FOREVER

    # -- views -----------------------------------------------------------------------------------------------------

    def view(self, listing: Listing, asked: Iterable[str]) -> dict[str, Any]:
        """One item with the datasets asked for."""
        market_id = self._market.marketplace_id
        parts: dict[str, Callable[[], Any]] = {
            "summaries": lambda: [self._summary(listing)],
            "attributes": lambda: listing.attributes,
            "issues": lambda: [self._issue(issue) for issue in listing.issues],
            "offers": lambda: self._offers(listing),
            "fulfillmentAvailability": lambda: self._stock(listing),
            "procurement": list,
            "relationships": lambda: [{"marketplaceId": market_id, "relationships": []}],
            "productTypes": lambda: [{"marketplaceId": market_id, "productType": listing.product_type}],
        }
        empty: dict[str, Any] = {name: None if name == "attributes" else [] for name in DATASETS}
        return {"sku": listing.sku, **empty, **{name: parts[name]() for name in asked}}

    def _summary(self, listing: Listing) -> dict[str, Any]:
        return {
            "marketplaceId": self._market.marketplace_id,
            "asin": listing.asin,
            "productType": listing.product_type,
            "conditionType": "new_new",
            "status": listing.status,
            "fnSku": None,
            "itemName": first_value(listing.attributes, "item_name"),
            "createdDate": wire.stamp(listing.created_at),
            "lastUpdatedDate": wire.stamp(listing.updated_at),
            "mainImage": None,
        }

    def _offers(self, listing: Listing) -> list[dict[str, Any]]:
        if listing.price_minor is None:
            return []
        currency = self._market.currency
        return [
            {
                "marketplaceId": self._market.marketplace_id,
                "offerType": "B2C",
                "price": {"currencyCode": currency, "amount": text_of(listing.price_minor, currency)},
                "points": None,
                "audience": {"value": "ALL", "displayName": "Sell on Amazon"},
            }
        ]

    def _stock(self, listing: Listing) -> list[dict[str, Any]]:
        if STOCK not in listing.attributes:
            return []
        return [{"fulfillmentChannelCode": "DEFAULT", "quantity": listing.quantity}]

    def _issue(self, issue: Issue) -> dict[str, Any]:
        return {
            "code": issue.code,
            "message": issue.message,
            "severity": issue.severity,
            "attributeNames": list(issue.attributes),
            "categories": list(issue.categories),
            "enforcements": {
                "actions": [{"action": "SEARCH_SUPPRESSED"}],
                "exemption": {"status": "NOT_EXEMPT", "expiryDate": None},
            }
            if issue.suppresses
            else None,
            "marketplaceIds": [self._market.marketplace_id],
        }


PLACES: Final[dict[str, Callable[[Listing], str]]] = {
    "sku": lambda listing: listing.sku,
    "createdDate": lambda listing: f"{wire.stamp_ms(listing.created_at)} {listing.sku}",
    "lastUpdatedDate": lambda listing: f"{wire.stamp_ms(listing.updated_at)} {listing.sku}",
}


def _names(listing: Listing, kind: str) -> set[str]:
    if kind == "SKU":
        return {listing.sku}
    if kind == "ASIN":
        return {listing.asin}
    entries = listing.attributes.get(GTIN, [])
    return {str(entry.get("value")) for entry in entries if str(entry.get("type", "")).upper() in (kind, "GTIN")}
