"""Listings: accepted is not live, a patch touches what it names, and issues come later."""

import json
from typing import Any

import pytest
from sandbox.amazon.amazon_shop import DE, Shop, errors_of, item_path

from entrepot.sandbox.amazon import Product
from entrepot.sandbox.amazon.attributes import check_digit_is_right
from entrepot.sandbox.core import Response

PRICE = [{"currency": "EUR", "our_price": [{"schedule": [{"value_with_tax": 24.9}]}], "marketplace_id": DE}]
STOCK = [{"fulfillment_channel_code": "DEFAULT", "quantity": 8}]
LAMP: dict[str, Any] = {
    "item_name": [{"value": "Deck lamp", "marketplace_id": DE}],
    "brand": [{"value": "Quay"}],
    "externally_assigned_product_identifier": [{"type": "ean", "value": "4006381333962"}],
    "condition_type": [{"value": "new_new"}],
    "purchasable_offer": PRICE,
    "fulfillment_availability": STOCK,
    "material": [{"value": "Steel"}],
    "color": [{"value": "Grey"}],
}


def put(shop: Shop, sku: str, attributes: dict[str, Any], kind: str = "HOME", **query: str) -> Response:
    body = {"productType": kind, "requirements": "LISTING", "attributes": attributes}
    return shop.call("PUT", item_path(sku), {"marketplaceIds": DE, **query}, body)


def patch(shop: Shop, sku: str, *patches: dict[str, Any], **query: str) -> Response:
    body = {"productType": "PRODUCT", "patches": list(patches)}
    return shop.call("PATCH", item_path(sku), {"marketplaceIds": DE, **query}, body)


def change(name: str, value: list[dict[str, Any]], op: str = "replace") -> dict[str, Any]:
    return {"op": op, "path": f"/attributes/{name}", "value": value}


def item(shop: Shop, sku: str) -> Any:
    data = "summaries,attributes,issues,offers,fulfillmentAvailability,productTypes"
    return shop.get(item_path(sku), marketplaceIds=DE, includedData=data)


def test_an_accepted_listing_goes_live_later(shop: Shop) -> None:
    told = put(shop, "LAMP-2", LAMP, includedData="identifiers,issues").json()
    assert (told["status"], told["issues"]) == ("ACCEPTED", [])
    assert told["identifiers"][0]["asin"].startswith("B0")
    assert item(shop, "LAMP-2")["summaries"][0]["status"] == []
    assert not shop.portal.live("LAMP-2")
    shop.move(minutes=5)
    found = item(shop, "LAMP-2")
    assert found["summaries"][0]["status"] == ["BUYABLE", "DISCOVERABLE"]
    assert found["offers"][0]["price"] == {"currencyCode": "EUR", "amount": "24.90"}
    assert found["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 8}]
    assert (shop.portal.live("LAMP-2"), shop.portal.price("LAMP-2"), shop.portal.stock("LAMP-2")) == (True, 2_490, 8)


def test_what_is_missing_is_told_at_once_all_of_it_and_nothing_is_listed(shop: Shop) -> None:
    bare = {name: value for name, value in LAMP.items() if name not in ("brand", "material")}
    told = put(shop, "LAMP-2", {**bare, "purchasable_offer": [{}], "color": "Grey"}).json()
    assert told["status"] == "INVALID"
    assert {(issue["code"], issue["attributeNames"][0]) for issue in told["issues"]} == {
        ("90220", "brand"),
        ("90220", "material"),
        ("99022", "purchasable_offer"),
        ("99022", "color"),
    }
    assert shop.call("GET", item_path("LAMP-2"), {"marketplaceIds": DE}).status == 404
    assert put(shop, "LAMP-2", LAMP, kind="UNICORN").json()["status"] == "INVALID"


@pytest.mark.parametrize(
    "offer",
    [
        [{"currency": "USD", "our_price": [{"schedule": [{"value_with_tax": 5}]}]}],
        [{"our_price": [{"schedule": [{"value_with_tax": 0}]}]}],
        [{"our_price": [{"schedule": [{"value_with_tax": 5.001}]}]}],
        [{"our_price": [{"schedule": [{"value_with_tax": "cheap"}]}]}],
        [{"our_price": []}],
    ],
)
def test_a_price_that_is_none_is_invalid(shop: Shop, offer: list[Any]) -> None:
    assert patch(shop, "ATLAS-1", change("purchasable_offer", offer)).json()["status"] == "INVALID"
    shop.move(minutes=5)
    assert shop.portal.price("ATLAS-1") == 1_999


def test_a_preview_says_what_would_be_and_does_nothing(shop: Shop) -> None:
    assert put(shop, "LAMP-2", LAMP, mode="VALIDATION_PREVIEW").json()["status"] == "VALID"
    assert put(shop, "LAMP-2", {}, mode="VALIDATION_PREVIEW").json()["status"] == "INVALID"
    told = patch(shop, "ATLAS-1", change("fulfillment_availability", STOCK), mode="VALIDATION_PREVIEW").json()
    assert told["status"] == "VALID"
    shop.move(minutes=5)
    assert (shop.portal.live("LAMP-2"), shop.portal.stock("ATLAS-1")) == (False, 50)
    assert shop.amazon.books()["submissions"] == []


def test_a_price_patch_leaves_what_sales_have_left_of_the_stock(shop: Shop) -> None:
    shop.portal.place([("ATLAS-1", 3)])
    assert patch(shop, "ATLAS-1", change("purchasable_offer", PRICE)).json()["status"] == "ACCEPTED"
    shop.move(seconds=59)
    assert shop.portal.price("ATLAS-1") == 1_999
    shop.move(seconds=1)
    assert (shop.portal.price("ATLAS-1"), shop.portal.stock("ATLAS-1")) == (2_490, 47)
    patch(shop, "ATLAS-1", change("fulfillment_availability", STOCK))
    shop.move(minutes=1)
    assert shop.portal.stock("ATLAS-1") == 8
    assert next(one for one in shop.amazon.books()["listings"] if one["sku"] == "ATLAS-1")["updates"] == 2


def test_merging_changes_one_entry_and_deleting_takes_the_attribute_away(shop: Shop) -> None:
    patch(shop, "ATLAS-1", change("brand", [{"value": "Harbour", "marketplace_id": DE}], op="merge"))
    patch(shop, "ATLAS-1", change("author", [{"value": "B. Mate", "marketplace_id": "OTHER"}], op="merge"))
    shop.move(minutes=1)
    found = item(shop, "ATLAS-1")["attributes"]
    assert [entry["value"] for entry in found["brand"]] == ["Harbour"]
    assert [entry["value"] for entry in found["author"]] == ["A. Pilot", "B. Mate"]
    told = patch(shop, "ATLAS-1", {"op": "delete", "path": "/attributes/brand"}).json()
    assert (told["status"], told["issues"][0]["code"]) == ("INVALID", "90220")
    told = patch(shop, "ATLAS-1", {"op": "delete", "path": "/attributes/author"}).json()
    assert told["status"] == "ACCEPTED"  # no PRODUCT needs an author
    shop.move(minutes=1)
    assert "author" not in item(shop, "ATLAS-1")["attributes"]
    for wrong in ({"op": "copy", "path": "/attributes/brand"}, change("a/b", STOCK), {"op": "add", "path": "/x"}):
        assert errors_of(patch(shop, "ATLAS-1", wrong)) == ["InvalidInput"]


def test_a_sku_that_is_not_listed_cannot_be_patched_or_deleted(shop: Shop) -> None:
    assert patch(shop, "NOWHERE", change("purchasable_offer", PRICE)).json()["issues"][0]["code"] == "13013"
    assert shop.call("DELETE", item_path("NOWHERE"), {"marketplaceIds": DE}).json()["status"] == "INVALID"


def test_a_deleted_listing_is_gone_a_little_later_and_can_come_back(shop: Shop) -> None:
    assert shop.call("DELETE", item_path("LAMP-1"), {"marketplaceIds": DE}).json()["status"] == "ACCEPTED"
    assert shop.portal.live("LAMP-1")
    shop.move(minutes=1)
    assert not shop.portal.live("LAMP-1")
    assert shop.call("GET", item_path("LAMP-1"), {"marketplaceIds": DE}).status == 404
    put(shop, "LAMP-1", LAMP)
    shop.move(minutes=5)
    assert shop.portal.price("LAMP-1") == 2_490


def test_an_accepted_listing_may_grow_issues_that_keep_it_from_being_shown(shop: Shop) -> None:
    claim = {**LAMP, "item_name": [{"value": "A miracle of light"}]}
    gtin = {**LAMP, "externally_assigned_product_identifier": [{"type": "ean", "value": "4006381333963"}]}
    assert put(shop, "L-1", claim).json()["status"] == put(shop, "L-2", gtin).json()["status"] == "ACCEPTED"
    shop.move(minutes=5)
    first, second = item(shop, "L-1"), item(shop, "L-2")
    assert first["issues"][0]["enforcements"]["actions"] == [{"action": "SEARCH_SUPPRESSED"}]
    assert second["issues"][0]["code"] == "8572"
    assert first["summaries"][0]["status"] == second["summaries"][0]["status"] == []
    put(shop, "L-1", LAMP)
    shop.move(minutes=5)
    assert shop.portal.live("L-1")


def test_a_complaint_goes_when_it_is_taken_back_or_when_what_it_is_about_changes(shop: Shop) -> None:
    shop.portal.suppress("ATLAS-1", "18367", "The title promises too much.", "item_name")
    assert item(shop, "ATLAS-1")["summaries"][0]["status"] == []
    patch(shop, "ATLAS-1", change("purchasable_offer", PRICE))
    shop.move(minutes=1)
    assert not shop.portal.live("ATLAS-1")
    patch(shop, "ATLAS-1", change("item_name", [{"value": "Sea atlas, plain"}]))
    shop.move(minutes=1)
    assert shop.portal.live("ATLAS-1")
    shop.portal.suppress("LAMP-1", "1", "No.", "brand")
    shop.portal.restore("LAMP-1")
    assert shop.portal.live("LAMP-1")


def test_without_stock_a_listing_is_found_but_not_buyable(shop: Shop) -> None:
    shop.portal.place([("ROPE/10", 5)])
    assert item(shop, "ROPE/10")["summaries"][0]["status"] == ["DISCOVERABLE"]


def test_listings_are_searched_filtered_sorted_and_paged(shop: Shop) -> None:
    path = "/listings/2021-08-01/items/A3TH9S8BH6GOGM"
    first = shop.get(path, marketplaceIds=DE, sortBy="sku", sortOrder="ASC", pageSize=2)
    rest = shop.get(path, marketplaceIds=DE, pageToken=first["pagination"]["nextToken"])
    assert [one["sku"] for one in first["items"] + rest["items"]] == ["ATLAS-1", "LAMP-1", "ROPE/10"]
    assert (first["numberOfResults"], rest["pagination"]["nextToken"]) == (3, None)
    shop.portal.suppress("LAMP-1", "1", "No.", "brand")
    query = {"marketplaceIds": DE, "includedData": "summaries,issues"}
    assert [one["sku"] for one in shop.get(path, **query, withIssueSeverity="ERROR")["items"]] == ["LAMP-1"]
    assert len(shop.get(path, **query, withStatus="BUYABLE")["items"]) == 2
    assert [one["sku"] for one in shop.get(path, **query, withoutStatus="BUYABLE")["items"]] == ["LAMP-1"]
    found = shop.get(path, **query, identifiers="4006381333931", identifiersType="EAN")["items"]
    assert [one["sku"] for one in found] == ["ATLAS-1"]
    found = shop.get(path, **query, identifiers="ROPE/10,LAMP-1", identifiersType="SKU")["items"]
    assert len(found) == 2
    assert shop.get(path, **query, createdAfter="2027-01-01T00:00:00Z")["items"] == []
    for wrong in ({"sortBy": "price"}, {"pageSize": "21"}, {"identifiers": "1"}, {"withStatus": "SOLD"}):
        assert errors_of(shop.call("GET", path, {**query, **wrong})) == ["InvalidInput"]


def test_another_sellers_listings_are_not_ours_to_touch(shop: Shop) -> None:
    answer = shop.call("GET", "/listings/2021-08-01/items/SOMEBODY/ATLAS-1", {"marketplaceIds": DE})
    assert (answer.status, errors_of(answer)) == (403, ["Unauthorized"])
    assert shop.call("GET", item_path("ATLAS-1"), {"marketplaceIds": "ATVPDKIKX0DER"}).status == 400
    assert put(shop, "ATLAS-1", LAMP, mode="PRETEND").status == 400


def test_a_definition_names_the_required_attributes_behind_a_presigned_address(shop: Shop) -> None:
    path = "/definitions/2020-09-01/productTypes"
    names = [one["name"] for one in shop.get(path, marketplaceIds=DE, keywords="lug,shirt")["productTypes"]]
    assert names == ["LUGGAGE", "SHIRT"]
    told = shop.get(f"{path}/LUGGAGE", marketplaceIds=DE)
    assert told["schema"]["link"]["verb"] == "GET"
    schema = json.loads(shop.open_url("GET", told["schema"]["link"]["resource"]).body)
    assert {"country_of_origin", "purchasable_offer"} <= set(schema["required"])
    loose = shop.get(
        f"{path}/LUGGAGE", marketplaceIds=DE, requirements="LISTING_OFFER_ONLY", requirementsEnforced="NOT_ENFORCED"
    )
    schema = json.loads(shop.open_url("GET", loose["schema"]["link"]["resource"]).body)
    assert (schema["required"], set(schema["properties"])) == (
        [],
        {"condition_type", "purchasable_offer", "fulfillment_availability"},
    )
    assert shop.call("GET", f"{path}/UNICORN", {"marketplaceIds": DE}).status == 404
    assert shop.call("GET", f"{path}/LUGGAGE").status == 400
    assert shop.call("GET", f"{path}/LUGGAGE", {"marketplaceIds": DE, "requirements": "ALL"}).status == 400


@pytest.mark.parametrize(
    ("number", "right"),
    [("4006381333931", True), ("4006381333932", False), ("96385074", True), ("12", False), ("", False)],
)
def test_the_last_digit_of_a_product_number_is_checked(number: str, right: bool) -> None:
    assert check_digit_is_right(number) is right


def test_a_product_number_that_was_always_there_is_not_complained_of_because_the_price_changes() -> None:
    shop = Shop(products=(Product("OLD-1", "Old chart", "PRODUCT", "EAN-1", 500, 3),))
    patch(shop, "OLD-1", change("purchasable_offer", PRICE))
    shop.move(minutes=1)
    assert (shop.portal.live("OLD-1"), shop.portal.price("OLD-1")) == (True, 2_490)
    wrong = [{"type": "ean", "value": "EAN-2"}]
    patch(shop, "OLD-1", change("externally_assigned_product_identifier", wrong))
    shop.move(minutes=1)
    patch(shop, "OLD-1", change("fulfillment_availability", STOCK))
    shop.move(minutes=1)
    assert not shop.portal.live("OLD-1")
    trusting = Shop(check_gtin=False)
    patch(trusting, "ATLAS-1", change("externally_assigned_product_identifier", wrong))
    trusting.move(minutes=1)
    assert trusting.portal.live("ATLAS-1")
