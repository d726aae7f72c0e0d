"""The attributes of a listing: checked when they come, patched, and read for price and stock."""

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from entrepot.sandbox.amazon.errors import SpApiError, invalid
from entrepot.sandbox.amazon.money import minor_of
from entrepot.sandbox.amazon.product_types import OWN_FACTS, required_attributes
from entrepot.sandbox.amazon.state import Issue

OFFER: Final = "purchasable_offer"
STOCK: Final = "fulfillment_availability"
GTIN: Final = "externally_assigned_product_identifier"
PREFIX: Final = "/attributes/"
OPERATIONS: Final = ("add", "replace", "merge", "delete")
SELECTORS: Final = ("marketplace_id", "fulfillment_channel_code", "audience", "language_tag")


def check(product_type: str, requirements: str, attributes: Mapping[str, Any], currency: str) -> list[Issue]:
    """Everything that is wrong at once, so that the submission is not taken."""
    if product_type not in OWN_FACTS:
        message = f"The product type '{product_type}' is not valid."
        return [_error("90241", message, ("product_type",), "INVALID_ATTRIBUTE")]
    issues = [
        _error("90220", f"'[{name}]' is required but not supplied.", (name,), "MISSING_ATTRIBUTE")
        for name in required_attributes(product_type, requirements)
        if name not in attributes
    ]
    for name, entries in attributes.items():
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
            message = f"The attribute '{name}' must be a non-empty list of objects."
            issues.append(_error("99022", message, (name,), "INVALID_ATTRIBUTE"))
        elif name == OFFER:
            issues += _checked(price_of, attributes, currency, OFFER)
        elif name == STOCK:
            issues += _checked(quantity_of, attributes, currency, STOCK)
    return issues


def _checked(read: Any, attributes: Mapping[str, Any], currency: str, name: str) -> list[Issue]:
    try:
        read(attributes, currency)
    except SpApiError as why:
        return [_error("99022", why.message, (name,), "INVALID_ATTRIBUTE")]
    return []


def _error(code: str, message: str, attributes: tuple[str, ...], category: str) -> Issue:
    return Issue(code, message, "ERROR", attributes, (category,))


def price_of(attributes: Mapping[str, Any], currency: str) -> int | None:
    """The price with tax, None when there is no offer. Errors: InvalidInput says which field."""
    entries = attributes.get(OFFER)
    if not entries:
        return None
    where = "purchasable_offer.our_price.schedule.value_with_tax"
    try:
        schedule = entries[0]["our_price"][0]["schedule"][0]
        given = entries[0].get("currency", currency)
        value = schedule["value_with_tax"]
    except (KeyError, IndexError, TypeError, AttributeError):
        raise invalid(f"The field '{where}' does not have enough values.") from None
    if given != currency:
        raise invalid(f"The currency '{given}' is not the marketplace's '{currency}'.")
    minor = minor_of(value, currency, where)
    if minor <= 0:
        raise invalid(f"The field '{where}' must be above zero.")
    return minor


def quantity_of(attributes: Mapping[str, Any], _currency: str) -> int:
    """The seller's own stock. Errors: InvalidInput."""
    entries = attributes.get(STOCK) or []
    for entry in entries:
        if entry.get("fulfillment_channel_code", "DEFAULT") == "DEFAULT":
            quantity = entry.get("quantity", 0)
            if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 0:
                raise invalid("The field 'fulfillment_availability.quantity' must be a whole number, zero or more.")
            return quantity
    return 0


def examine(attributes: Mapping[str, Any], forbidden_words: Iterable[str], check_gtin: bool) -> tuple[Issue, ...]:
    """What Amazon finds only after it has accepted a submission. The codes are a [guess]."""
    found: list[Issue] = []
    title = json.dumps(attributes.get("item_name", [])).lower()
    for word in forbidden_words:
        if word in title:
            message = f"The title makes a claim that is not allowed: '{word}'."
            found.append(Issue("18367", message, "ERROR", ("item_name",), ("INVALID_ATTRIBUTE",), suppresses=True))
    for entry in attributes.get(GTIN, []) if check_gtin else ():
        number = str(entry.get("value", ""))
        if not check_digit_is_right(number):
            message = f"The product identifier '{number}' does not belong to this product."
            found.append(_error("8572", message, (GTIN,), "INVALID_ATTRIBUTE"))
    return tuple(found)


def check_digit_is_right(number: str) -> bool:
    """GTIN-8, -12, -13 and -14 end with a digit that makes the weighted sum a multiple of ten."""
    if not number.isdecimal() or len(number) not in (8, 12, 13, 14):
        return False
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(number)))
    return weighted % 10 == 0


def patched(attributes: Mapping[str, Any], patches: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The attributes after every patch, in order. Errors: InvalidInput; the given ones are left alone."""
    result = copy.deepcopy(dict(attributes))
    for patch in patches:
        op, path, value = patch.get("op"), patch.get("path"), patch.get("value")
        if op not in OPERATIONS:
            raise invalid("'op' must be add, replace, merge or delete.", str(op))
        name = path.removeprefix(PREFIX) if isinstance(path, str) and path.startswith(PREFIX) else ""
        if not name or "/" in name:
            raise invalid("'path' must name one attribute under /attributes.", str(path))
        if value is not None and (not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value)):
            raise invalid("'value' must be a list of objects.")
        if op == "delete":
            result[name] = [
                entry for entry in result.get(name, []) if value and not any(_same(entry, v) for v in value)
            ]
            if not result[name]:
                del result[name]
        elif not value:
            raise invalid("'value' is required.")
        elif op == "merge":
            result[name] = _merged(result.get(name, []), value)
        else:
            result[name] = copy.deepcopy(value)
    return result


def _same(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    return all(left.get(name) == right.get(name) for name in SELECTORS if name in left and name in right)


def _merged(known: list[dict[str, Any]], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    result = copy.deepcopy(known)
    for entry in given:
        for one in result:
            if _same(one, entry):
                one.update(copy.deepcopy(entry))
                break
        else:
            result.append(copy.deepcopy(entry))
    return result
