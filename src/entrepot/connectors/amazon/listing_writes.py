"""Writes to one listing: its whole content, its price, its stock, its end. Each is the same wherever it is done twice.

They answer at once whether they take it (ACCEPTED) or what is wrong (INVALID, with issues); accepted is not live. What a
listing is worth shows later: the source `listings` tells. Source of the attributes' form: running clients.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from entrepot.connectors.amazon.listings import (
    BY_SELLER,
    IssueShown,
    Item,
    item_path,
    items_path,
    offer_of,
    quantity_of,
)
from entrepot.connectors.amazon.wire import NOT_FOUND, Wire, json_call
from entrepot.connectors.amazon.words import CONDITION, SEVERITY
from entrepot.connectors.exchange import Call
from entrepot.connectors.reading import Unreadable, elements, encoded, minor, number_of, typed
from entrepot.connectors.verbs import EndListing, SetPrice, SetStock, SubmitListing
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown

ANY_PRODUCT = "PRODUCT"  # their word for a patch of what all products have
TAKEN = frozenset({"ACCEPTED", "VALID"})
INVALID = "INVALID"
PREVIEW = ("mode", "VALIDATION_PREVIEW")
MAIN_IMAGE, OTHER_IMAGE, OTHER_IMAGES_MAX = "main_product_image_locator", "other_product_image_locator_{}", 8
GTIN_TYPES = {8: "ean", 12: "upc", 13: "ean", 14: "gtin"}


class _Submitted(msgspec.Struct):
    status: str
    submissionId: str
    issues: list[IssueShown] | None = None


def _answered(response: HttpResponse) -> Outcome:
    """ACCEPTED with warnings is accepted; INVALID is a refusal, whatever the status of the call says."""
    seen = typed(response.body, _Submitted)
    issues = seen.issues or []
    if seen.status in TAKEN:
        told = [{"code": one.code, "message": one.message, "severity": one.severity} for one in issues]
        return Done({"submission": seen.submissionId, "status": seen.status, "issues": told})
    if seen.status != INVALID:
        return Unknown(f"they answered “{seen.status}”, a word we do not know")
    errors = [one for one in issues if SEVERITY.get(one.severity, "error") == "error"] or issues
    if not errors:
        return Refused(INVALID, "they name no reason")
    words = "; ".join(one.message for one in errors)
    return Refused(errors[0].code, words, next(iter(errors[0].attributeNames or ()), None))


def _query(wire: Wire, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (("marketplaceIds", wire.marketplace_id), *more)


def _shown(wire: Wire, sku: str, included: str) -> Call:
    return Call("GET", item_path(wire, sku), _query(wire, ("includedData", included)))


def patch_of(product_type: str, attribute: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """The same alone and as a message of a feed."""
    patch = {"op": "replace", "path": f"/attributes/{attribute}", "value": [value]}
    return {"productType": product_type or ANY_PRODUCT, "patches": [patch]}


def _patch(wire: Wire, sku: str, patch: Mapping[str, Any]) -> Call:
    return json_call("PATCH", item_path(wire, sku), patch, _query(wire))


# ── price and stock ──────────────────────────────────────────────────────────────────────────────────────────


def price_value(wire: Wire, price_minor: int, currency: str) -> dict[str, Any]:
    if price_minor <= 0:
        raise Unreadable(f"{price_minor} is not a price", "$.price_minor")
    schedule = [{"schedule": [{"value_with_tax": number_of(price_minor, currency)}]}]
    return {"marketplace_id": wire.marketplace_id, "currency": currency, "our_price": schedule}


def stock_value(quantity: int, lead_time_days: int | None) -> dict[str, Any]:
    if quantity < 0:
        raise Unreadable(f"{quantity} is not a quantity", "$.quantity")
    lead = {} if lead_time_days is None else {"lead_time_to_ship_max_days": lead_time_days}
    return {"fulfillment_channel_code": BY_SELLER, "quantity": quantity, **lead}


def price_patch(wire: Wire, payload: SetPrice) -> dict[str, Any]:
    """`replace` takes with it what else stands in the offer, such as a sale price: whoever sets a price sets all of it."""
    value = price_value(wire, payload.price_minor, payload.currency)
    return patch_of(payload.product_type, "purchasable_offer", value)


def stock_patch(payload: SetStock) -> dict[str, Any]:
    value = stock_value(payload.quantity, payload.lead_time_days)
    return patch_of(payload.product_type, "fulfillment_availability", value)


def set_price(wire: Wire) -> Shape[SetPrice]:
    def ask(payload: SetPrice, _key: str) -> Call:
        return _patch(wire, payload.sku, price_patch(wire, payload))

    def found(payload: SetPrice, response: HttpResponse) -> ReadBack:
        offer = offer_of(typed(response.body, Item), wire.marketplace_id)
        if offer and offer.price.currencyCode == payload.currency:
            shown = minor(offer.price.amount, payload.currency, "$.offers.price")
            if shown == payload.price_minor:
                return Done({"sku": payload.sku, "price_minor": shown})
        return NotThere(f"{payload.sku} does not show that price")

    look: Look[SetPrice] = Look(lambda payload, _key: _shown(wire, payload.sku, "offers"), found, NOT_FOUND)
    return Shape(SetPrice, ask, lambda _payload, response: _answered(response), look)


def set_stock(wire: Wire) -> Shape[SetStock]:
    def ask(payload: SetStock, _key: str) -> Call:
        return _patch(wire, payload.sku, stock_patch(payload))

    def found(payload: SetStock, response: HttpResponse) -> ReadBack:
        shown = quantity_of(typed(response.body, Item))
        if shown == payload.quantity:
            return Done({"sku": payload.sku, "quantity": shown})
        return NotThere(f"{payload.sku} shows {shown}: not set, or sold meanwhile; to set it again is harmless")

    look: Look[SetStock] = Look(
        lambda payload, _key: _shown(wire, payload.sku, "fulfillmentAvailability"), found, NOT_FOUND
    )
    return Shape(SetStock, ask, lambda _payload, response: _answered(response), look)


# ── content ──────────────────────────────────────────────────────────────────────────────────────────────────


def attributes_of(wire: Wire, payload: SubmitListing) -> dict[str, Any]:
    """The mapping's own attributes, and what every listing has where the mapping says nothing of it."""
    place = wire.marketplace_id

    def one(value: object) -> list[Any]:
        return [{"value": value, "marketplace_id": place}]

    made: dict[str, Any] = {
        "item_name": one(payload.title),
        "condition_type": one(CONDITION.get(payload.condition, payload.condition)),
        "purchasable_offer": [price_value(wire, payload.price_minor, payload.currency)],
        "fulfillment_availability": [stock_value(payload.quantity, None)],
    }
    if payload.brand:
        made["brand"] = one(payload.brand)
    if payload.description:
        made["product_description"] = one(payload.description)
    if payload.gtin:
        kind = GTIN_TYPES.get(len(payload.gtin), "gtin")
        made["externally_assigned_product_identifier"] = [
            {"type": kind, "value": payload.gtin, "marketplace_id": place}
        ]
    for n, image in enumerate(payload.images[: OTHER_IMAGES_MAX + 1]):
        name = OTHER_IMAGE.format(n) if n else MAIN_IMAGE
        made[name] = [{"media_location": image, "marketplace_id": place}]
    given = {name: value if isinstance(value, list) else one(value) for name, value in payload.attributes.items()}
    return {**made, **given}


def _put(wire: Wire, payload: SubmitListing, *more: tuple[str, str]) -> Call:
    if not payload.category:
        raise Unreadable("a listing without a product type", "$.category")
    body = {"productType": payload.category, "requirements": "LISTING", "attributes": attributes_of(wire, payload)}
    return json_call("PUT", item_path(wire, payload.sku), body, _query(wire, *more))


def submit_listing(wire: Wire) -> Shape[SubmitListing]:
    def found(payload: SubmitListing, response: HttpResponse) -> ReadBack:
        item = typed(response.body, Item)
        shown = msgspec.json.decode(bytes(item.attributes) or b"null")
        wanted = msgspec.json.decode(encoded(attributes_of(wire, payload)))
        wanted.pop("fulfillment_availability", None)  # what was sold meanwhile is no difference
        if shown is not None and holds(shown, wanted):
            return Done({"sku": payload.sku})
        return NotThere(f"{payload.sku} does not show that content")

    look: Look[SubmitListing] = Look(lambda payload, _key: _shown(wire, payload.sku, "attributes"), found, NOT_FOUND)
    return Shape(
        SubmitListing, lambda payload, _key: _put(wire, payload), lambda _payload, response: _answered(response), look
    )


def preview_listing(wire: Wire) -> Shape[SubmitListing]:
    """Asks what they would say, and changes nothing: a look is the question again."""

    def ask(payload: SubmitListing, _key: str) -> Call:
        return _put(wire, payload, PREVIEW)

    def found(_payload: SubmitListing, response: HttpResponse) -> ReadBack:
        outcome = _answered(response)
        return outcome if isinstance(outcome, Done | Refused) else Unknown("they did not say what they would do")

    return Shape(SubmitListing, ask, lambda _payload, response: _answered(response), Look(ask, found))


def holds(shown: Any, wanted: Any) -> bool:
    """Everything wanted is shown; they add members of their own, and order lists as they like."""
    if isinstance(wanted, dict):
        return isinstance(shown, dict) and all(holds(shown.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(shown, list) and all(any(holds(one, value) for one in shown) for value in wanted)
    if _is_number(wanted) and _is_number(shown):
        return Decimal(str(shown)) == Decimal(str(wanted))
    return bool(shown == wanted)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────


def end_listing(wire: Wire) -> Shape[EndListing]:
    """Looked for in the list: there, nothing is an answer, while by its SKU nothing would be an error."""

    def ask(payload: EndListing, _key: str) -> Call:
        return Call("DELETE", item_path(wire, payload.sku), _query(wire))

    def where(payload: EndListing, _key: str) -> Call:
        query = _query(wire, ("identifiers", payload.sku), ("identifiersType", "SKU"), ("includedData", "summaries"))
        return Call("GET", items_path(wire), query)

    def found(payload: EndListing, response: HttpResponse) -> ReadBack:
        skus = [typed(raw, Item).sku for raw in elements(response.body, "items")]
        return NotThere(f"{payload.sku} is still listed") if payload.sku in skus else Done({"sku": payload.sku})

    return Shape(EndListing, ask, lambda _payload, response: _answered(response), Look(where, found), NOT_FOUND)
