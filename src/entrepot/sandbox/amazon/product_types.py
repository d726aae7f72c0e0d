"""Product types and what a listing of each must carry. A small set of our own choosing, in Amazon's form."""

import json
from collections.abc import Mapping
from typing import Any, Final

from entrepot.sandbox.amazon import wire
from entrepot.sandbox.amazon.documents import Documents
from entrepot.sandbox.amazon.errors import invalid, not_found
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.router import Router
from entrepot.sandbox.amazon.state import Document
from entrepot.sandbox.amazon.wire import Call
from entrepot.sandbox.core import Request, Response, json_response

PATH: Final = "/definitions/2020-09-01/productTypes"
GENERIC: Final = "PRODUCT"
PRODUCT_FACTS: Final = ("item_name", "brand", "externally_assigned_product_identifier")
OFFER_FACTS: Final = ("condition_type", "purchasable_offer", "fulfillment_availability")
OWN_FACTS: Final[Mapping[str, tuple[str, ...]]] = {
    GENERIC: (),
    "ABIS_BOOK": ("author",),
    "CAMERA_DIGITAL": ("model_number", "batteries_required"),
    "HOME": ("material", "color"),
    "LUGGAGE": ("material", "color", "country_of_origin"),
    "SHIRT": ("size", "color", "department"),
}
REQUIREMENTS: Final = ("LISTING", "LISTING_PRODUCT_ONLY", "LISTING_OFFER_ONLY")


def required_attributes(product_type: str, requirements: str) -> tuple[str, ...]:
    """What a full submission must hold."""
    product = (*PRODUCT_FACTS, *OWN_FACTS[product_type])
    if requirements == "LISTING_PRODUCT_ONLY":
        return product
    if requirements == "LISTING_OFFER_ONLY":
        return OFFER_FACTS
    return (*product, *OFFER_FACTS)


def schema_of(product_type: str, requirements: str, enforced: bool) -> dict[str, Any]:
    """The JSON schema of one product type's attributes."""
    names = required_attributes(product_type, requirements)
    entry = {"type": "array", "minItems": 1, "items": {"type": "object"}}
    return {
        "$schema": "https://schemas.amazon.com/selling-partners/definitions/product-types/meta-schema/v1",
        "$id": f"https://schemas.amazon.com/selling-partners/definitions/product-types/schema/v1/{product_type}",
        "type": "object",
        "required": list(names) if enforced else [],
        "properties": {name: {"title": name.replace("_", " ").title(), **entry} for name in names},
    }


META_SCHEMA: Final = {
    "$schema": "https://json-schema.org/draft/2019-09/schema",
    "$id": "https://schemas.amazon.com/selling-partners/definitions/product-types/meta-schema/v1",
    "type": "object",
}


class ProductTypes:
    """searchDefinitionsProductTypes and getDefinitionsProductType; schemas are fetched from presigned addresses."""

    def __init__(self, platform: Platform, documents: Documents) -> None:
        self._platform = platform
        self._documents = documents
        self._stored: dict[str, Document] = {}

    def add_to(self, router: Router) -> None:
        """Register the operations."""
        router.add("searchDefinitionsProductTypes", "GET", PATH, self.search)
        router.add("getDefinitionsProductType", "GET", f"{PATH}/{{product_type}}", self.get)

    def search(self, call: Call) -> Response:
        """Names that hold any of the keywords."""
        self._market(call.request)
        keywords = [word.upper() for word in call.request.every("keywords")]
        found = [name for name in OWN_FACTS if not keywords or any(word in name for word in keywords)]
        market_id = self._platform.market.marketplace_id
        listed = [{"name": name, "displayName": _title(name), "marketplaceIds": [market_id]} for name in found]
        return json_response(200, {"productTypes": listed, "productTypeVersion": "1"})

    def get(self, call: Call) -> Response:
        """One definition with the addresses of its schema."""
        request = call.request
        market_id = self._market(request)
        name = call.ids["product_type"]
        if name not in OWN_FACTS:
            raise not_found(f"Product type {name} is not found.")
        requirements = request.first("requirements") or "LISTING"
        enforced = request.first("requirementsEnforced") or "ENFORCED"
        if requirements not in REQUIREMENTS or enforced not in ("ENFORCED", "NOT_ENFORCED"):
            raise invalid("Invalid requirements.")
        schema = schema_of(name, requirements, enforced == "ENFORCED")
        answer = {
            "metaSchema": self._link("meta", META_SCHEMA, request),
            "schema": self._link(f"{name}/{requirements}/{enforced}", schema, request),
            "requirements": requirements,
            "requirementsEnforced": enforced,
            "propertyGroups": {
                "product_identity": {"title": "Product Identity", "propertyNames": list(schema["properties"])}
            },
            "locale": self._platform.market.language,
            "marketplaceIds": [market_id],
            "productType": name,
            "displayName": _title(name),
            "productTypeVersion": {"version": "1", "latest": True, "releaseCandidate": False},
        }
        return json_response(200, answer)

    def _market(self, request: Request) -> str:
        asked = request.every("marketplaceIds")
        if self._platform.market.marketplace_id not in asked:
            raise invalid("A valid marketplaceIds is required.", ", ".join(asked))
        return self._platform.market.marketplace_id

    def _link(self, key: str, content: Mapping[str, Any], request: Request) -> dict[str, Any]:
        body = json.dumps(content, separators=(",", ":")).encode()
        document = self._stored.get(key)
        if document is None:
            document = self._stored[key] = self._documents.open("application/json")
            document.body = body
        resource = self._documents.url(document, "GET", request)
        return {"link": {"resource": resource, "verb": "GET"}, "checksum": wire.checksum(body)}


def _title(name: str) -> str:
    return name.replace("_", " ").title()
