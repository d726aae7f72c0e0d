"""Items, offers, listings, bulk updates, violations."""

from datetime import timedelta
from typing import Any

import pytest
from sandbox.ebay.ebay_market import COMPLIANCE, ENGLISH, INVENTORY, Shop

ITEM = {
    "availability": {"shipToLocationAvailability": {"quantity": 8}},
    "condition": "NEW",
    "product": {"title": "Sextant", "aspects": {"Brand": ["Quay"]}},
}
OFFER = {
    "sku": "SEXTANT",
    "marketplaceId": "EBAY_DE",
    "format": "FIXED_PRICE",
    "availableQuantity": 5,
    "categoryId": "NAV",
    "listingDescription": "A sextant.",
    "merchantLocationKey": "main",
    "listingPolicies": {
        "fulfillmentPolicyId": "1",
        "paymentPolicyId": "2",
        "returnPolicyId": "3",
        "shippingCostOverrides": [{"priority": 1, "shippingCost": {"value": "4.90", "currency": "EUR"}}],
    },
    "pricingSummary": {"price": {"value": "129.00", "currency": "EUR"}},
}
BULK = f"{INVENTORY}/bulk_update_price_quantity"


def list_it(shop: Shop, sku: str = "SEXTANT", **fields: Any) -> str:
    assert shop.put(f"{INVENTORY}/inventory_item/{sku}", ITEM).status in (201, 204)
    answer = shop.post(f"{INVENTORY}/offer", {**OFFER, "sku": sku, **fields}, headers=ENGLISH)
    assert answer.status == 201, answer.body
    offer_id: str = answer.json["offerId"]
    return offer_id


def publish(shop: Shop, offer_id: str) -> Any:
    return shop.post(f"{INVENTORY}/offer/{offer_id}/publish")


def offer_of(shop: Shop, sku: str) -> Any:
    [offer] = shop.get(f"{INVENTORY}/offer?sku={sku}").json["offers"]
    return offer


def test_an_item_with_an_offer_becomes_a_listing_that_sells(shop: Shop) -> None:
    offer_id = list_it(shop)
    assert offer_of(shop, "SEXTANT")["status"] == "UNPUBLISHED"
    assert not shop.portal.live("SEXTANT")
    listing_id = publish(shop, offer_id).json["listingId"]
    offer = offer_of(shop, "SEXTANT")
    assert (offer["status"], offer["listing"]["listingId"]) == ("PUBLISHED", listing_id)
    assert offer["listing"]["listingStatus"] == "ACTIVE"
    assert (shop.portal.price("SEXTANT"), shop.portal.stock("SEXTANT")) == (12_900, 5)
    order_id = shop.portal.place([("SEXTANT", 5)])
    assert shop.order(order_id)["pricingSummary"]["deliveryCost"]["value"] == "24.50"
    assert offer_of(shop, "SEXTANT")["listing"] | {"listingId": 0} == {
        "listingId": 0,
        "listingOnHold": False,
        "listingStatus": "OUT_OF_STOCK",
        "soldQuantity": 5,
    }
    assert publish(shop, offer_id).json["listingId"] == listing_id


def test_an_item_is_created_once_and_then_replaced_whole(shop: Shop) -> None:
    path = f"{INVENTORY}/inventory_item/SEXTANT"
    assert shop.put(path, ITEM).status == 201
    assert shop.put(path, {"condition": "USED"}).status == 204
    item = shop.get(path).json
    assert (item["condition"], item["product"]["title"]) == ("USED", None)
    assert item["availability"]["shipToLocationAvailability"]["quantity"] == 0
    assert shop.get(f"{INVENTORY}/inventory_item/none").error == 25710
    assert shop.put(path, ITEM, headers={}).error == 25709
    assert shop.put(f"{INVENTORY}/inventory_item/{'x' * 51}", ITEM).error == 25707
    bad = {"availability": {"shipToLocationAvailability": {"quantity": -1}}}
    assert shop.put(path, bad).error == 25709
    assert shop.call("PUT", path, b"{", ENGLISH).error == 2004


def test_deleting_an_item_ends_its_listing(shop: Shop) -> None:
    assert shop.call("DELETE", f"{INVENTORY}/inventory_item/ATLAS").status == 204
    assert not shop.portal.live("ATLAS")
    assert shop.get(f"{INVENTORY}/offer?sku=ATLAS").error == 25713
    assert shop.call("DELETE", f"{INVENTORY}/inventory_item/ATLAS").error == 25710


def test_an_offer_exists_once_per_item_and_the_refusal_names_it(shop: Shop) -> None:
    offer_id = list_it(shop)
    answer = shop.post(f"{INVENTORY}/offer", OFFER, headers=ENGLISH)
    assert (answer.status, answer.error) == (400, 25002)
    assert answer.json["errors"][0]["parameters"] == [{"name": "offerId", "value": offer_id}]
    assert shop.book("applied")["createOffer"] == {"SEXTANT": 1}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"sku": "UNKNOWN"}, 25702),
        ({"marketplaceId": "EBAY_US"}, 25709),
        ({"format": "AUCTION"}, 25709),
        ({"availableQuantity": -1}, 25709),
        ({"pricingSummary": {"price": {"value": "1.00", "currency": "USD"}}}, 25709),
        ({"pricingSummary": {"price": {"value": "0", "currency": "EUR"}}}, 25709),
    ],
)
def test_an_offer_that_cannot_be_is_refused(shop: Shop, fields: dict[str, Any], error: int) -> None:
    shop.put(f"{INVENTORY}/inventory_item/SEXTANT", ITEM)
    assert shop.post(f"{INVENTORY}/offer", {**OFFER, **fields}, headers=ENGLISH).error == error


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"categoryId": None}, 25005),
        ({"pricingSummary": {}}, 25029),
        ({"listingPolicies": {"paymentPolicyId": "2", "returnPolicyId": "3"}}, 25007),
        ({"listingPolicies": {"fulfillmentPolicyId": "1", "returnPolicyId": "3"}}, 25008),
        ({"listingPolicies": {"fulfillmentPolicyId": "1", "paymentPolicyId": "2"}}, 25009),
        ({"merchantLocationKey": None}, 25011),
        ({"listingDescription": None}, 25029),
    ],
)
def test_an_offer_with_something_missing_is_not_published(shop: Shop, fields: dict[str, Any], error: int) -> None:
    offer_id = list_it(shop, **fields)
    assert publish(shop, offer_id).error == error
    assert offer_of(shop, "SEXTANT")["status"] == "UNPUBLISHED"


def test_a_category_may_ask_for_aspects() -> None:
    shop = Shop(required_aspects={"NAV": ("Brand", "Material")})
    offer_id = list_it(shop)
    answer = publish(shop, offer_id)
    assert answer.error == 25002
    assert "Material" in answer.json["errors"][0]["message"]
    product = {"title": "Sextant", "aspects": {"Brand": ["Quay"], "Material": ["Brass"]}}
    shop.put(f"{INVENTORY}/inventory_item/SEXTANT", {**ITEM, "product": product})
    assert publish(shop, offer_id).status == 200
    shop.put(f"{INVENTORY}/inventory_item/SEXTANT", {**ITEM, "condition": None, "product": {}})
    assert publish(shop, offer_id).error == 25029


def test_a_published_offer_is_revised_by_replacing_it(shop: Shop) -> None:
    offer_id = list_it(shop)
    publish(shop, offer_id)
    price = {"price": {"value": "119.00", "currency": "EUR"}}
    answer = shop.put(f"{INVENTORY}/offer/{offer_id}", {**OFFER, "pricingSummary": price})
    assert answer.json["offerId"] == offer_id
    assert shop.portal.price("SEXTANT") == 11_900
    assert shop.put(f"{INVENTORY}/offer/{offer_id}", {"pricingSummary": price}).error == 25005
    assert shop.portal.price("SEXTANT") == 11_900
    assert shop.put(f"{INVENTORY}/offer/none", OFFER).error == 25713


def test_a_withdrawn_offer_can_be_published_as_a_new_listing(shop: Shop) -> None:
    offer_id = list_it(shop)
    first = publish(shop, offer_id).json["listingId"]
    withdraw = f"{INVENTORY}/offer/{offer_id}/withdraw"
    assert shop.post(withdraw).json["listingId"] == first
    assert not shop.portal.live("SEXTANT")
    assert offer_of(shop, "SEXTANT")["listing"]["listingStatus"] == "ENDED"
    assert shop.post(withdraw).error == 25002
    assert publish(shop, offer_id).json["listingId"] != first
    assert publish(shop, "none").error == 25713
    assert shop.get(f"{INVENTORY}/offer/{offer_id}").json["offerId"] == offer_id


def test_a_listing_may_take_a_while_to_be_seen() -> None:
    shop = Shop(live_delay=timedelta(minutes=5))
    publish(shop, list_it(shop))
    assert offer_of(shop, "SEXTANT")["listing"]["listingStatus"] == "INACTIVE"
    with pytest.raises(ValueError, match="not listed"):
        shop.portal.place([("SEXTANT", 1)])
    shop.move(minutes=5)
    assert shop.portal.live("SEXTANT")
    assert shop.heard[-1] == ("listing.updated", "SEXTANT")


def test_offers_of_an_item_are_asked_for_by_its_sku(shop: Shop) -> None:
    assert shop.get(f"{INVENTORY}/offer").error == 25709
    assert shop.get(f"{INVENTORY}/offer?sku=ATLAS&marketplace_id=EBAY_US").error == 25713
    page = shop.get(f"{INVENTORY}/offer?sku=ATLAS&marketplace_id=EBAY_DE").json
    assert (page["total"], page["size"]) == (1, 1)
    assert shop.get(f"{INVENTORY}/offer?sku=ATLAS&limit=0").error == 25709


# -- in bulk ---------------------------------------------------------------------------------------------------------


def entry(shop: Shop, sku: str, price: str | None = None, quantity: int | None = None) -> dict[str, Any]:
    offer: dict[str, Any] = {"offerId": offer_of(shop, sku)["offerId"]}
    if price is not None:
        offer["price"] = {"value": price, "currency": "EUR"}
    if quantity is not None:
        offer["availableQuantity"] = quantity
    return {"sku": sku, "offers": [offer]}


def test_prices_and_stock_of_many_listings_change_in_one_call(shop: Shop) -> None:
    requests = [
        {**entry(shop, "ATLAS", "18.99", 7), "shipToLocationAvailability": {"quantity": 9}},
        {"sku": "TIDES", "shipToLocationAvailability": {"quantity": 0}},
    ]
    answer = shop.post(BULK, {"requests": requests})
    assert answer.status == 200
    assert [(row["sku"], row["statusCode"]) for row in answer.json["responses"]] == [("ATLAS", 200), ("TIDES", 200)]
    assert (shop.portal.price("ATLAS"), shop.portal.stock("ATLAS")) == (1_899, 7)
    assert shop.portal.stock("TIDES") == 0
    assert offer_of(shop, "TIDES")["listing"]["listingStatus"] == "OUT_OF_STOCK"
    assert shop.book("submissions")[0]["items"] == 2


def test_every_entry_of_a_bulk_update_is_decided_by_itself(shop: Shop) -> None:
    list_it(shop)
    good, other_sku = entry(shop, "ATLAS", "18.99"), {**entry(shop, "TIDES", "7.00"), "sku": "ATLAS"}
    bad_price, unpublished = entry(shop, "LENS", "-1"), entry(shop, "SEXTANT", "1.00")
    gone = {"sku": "GONE", "shipToLocationAvailability": {"quantity": 1}}
    many = {"sku": "TIDES", "shipToLocationAvailability": {"quantity": "many"}}
    no_such = {"sku": "ATLAS", "offers": [{"offerId": "1"}]}
    answer = shop.post(BULK, {"requests": [good, other_sku, bad_price, unpublished, gone, many, no_such]})
    assert answer.status == 207
    found = [(row["statusCode"], [one["errorId"] for one in row["errors"]]) for row in answer.json["responses"]]
    assert found == [
        (200, []),
        (400, [25702]),
        (400, [25709]),
        (400, [25002]),
        (404, [25702]),
        (400, [25709]),
        (404, [25713]),
    ]
    assert (shop.portal.price("ATLAS"), shop.portal.price("TIDES")) == (1_899, 705)
    assert shop.book("submissions")[0]["rejected"] == 6


def test_a_bulk_call_takes_one_to_twenty_five_entries(shop: Shop) -> None:
    row = {"sku": "ATLAS", "shipToLocationAvailability": {"quantity": 1}}
    assert shop.post(BULK, {"requests": [row] * 25}).status == 200
    assert shop.post(BULK, {"requests": [row] * 26}).error == 25709
    assert shop.post(BULK, {"requests": []}).error == 25709
    assert shop.post(BULK, {"requests": "all"}).error == 25709


def test_offers_are_created_and_published_in_bulk(shop: Shop) -> None:
    for sku in ("A", "B"):
        shop.put(f"{INVENTORY}/inventory_item/{sku}", ITEM)
    rows = [{**OFFER, "sku": sku} for sku in ("A", "B", "NONE")]
    answer = shop.post(f"{INVENTORY}/bulk_create_offer", {"requests": rows}, headers=ENGLISH)
    assert (answer.status, [row["statusCode"] for row in answer.json["responses"]]) == (207, [201, 201, 400])
    ids = [row["offerId"] for row in answer.json["responses"][:2]]
    requests = [{"offerId": one} for one in ids]
    answer = shop.post(f"{INVENTORY}/bulk_publish_offer", {"requests": requests})
    assert answer.status == 200
    assert all(row["listingId"] for row in answer.json["responses"])
    assert shop.portal.live("A")
    assert shop.post(f"{INVENTORY}/bulk_publish_offer", {"requests": [{"offerId": "1"}]}).status == 207


def test_a_listing_is_revised_so_many_times_a_day_and_no_more() -> None:
    shop = Shop(revisions_per_listing_a_day=2)
    requests = {"requests": [entry(shop, "ATLAS", "18.99")]}
    assert [shop.post(BULK, requests).status for _ in range(3)] == [200, 200, 207]
    offer_id = offer_of(shop, "ATLAS")["offerId"]
    assert shop.put(f"{INVENTORY}/offer/{offer_id}", {**OFFER, "categoryId": "BOOKS"}).error == 25019
    shop.move(days=1)
    shop.fresh()
    assert shop.post(BULK, requests).status == 200


# -- violations ------------------------------------------------------------------------------------------------------


def test_a_violation_takes_a_listing_off_until_the_attribute_is_given(shop: Shop) -> None:
    violations = f"{COMPLIANCE}/listing_violation?compliance_type=ASPECTS_ADOPTION"
    assert shop.get(violations).status == 204
    shop.portal.suppress("TIDES", "MISSING_OR_INVALID_REQUIRED_ASPECTS", "Author is missing", "Author")
    assert not shop.portal.live("TIDES")
    assert offer_of(shop, "TIDES")["listing"]["listingOnHold"] is True
    with pytest.raises(ValueError, match="not listed"):
        shop.portal.place([("TIDES", 1)])
    [row] = shop.get(violations).json["listingViolations"]
    assert (row["sku"], row["violations"][0]["reasonCode"]) == ("TIDES", "MISSING_OR_INVALID_REQUIRED_ASPECTS")
    assert row["violations"][0]["violationData"] == [{"name": "Author", "value": None}]
    summary = shop.get(f"{COMPLIANCE}/listing_violation_summary").json["violationSummaries"]
    assert summary == [{"complianceType": "ASPECTS_ADOPTION", "marketplaceId": "EBAY_DE", "listingCount": 1}]
    item = shop.get(f"{INVENTORY}/inventory_item/TIDES").json
    item["product"]["aspects"] = {"Author": ["A. Pilot"]}
    assert shop.put(f"{INVENTORY}/inventory_item/TIDES", item).status == 204
    assert shop.portal.live("TIDES")


def test_a_violation_without_an_attribute_is_lifted_by_the_channel(shop: Shop) -> None:
    shop.portal.suppress("TIDES", "PHONE_NUMBER_IN_LISTING", "A phone number", None)
    query = "compliance_type=OUTSIDE_EBAY_BUYING_AND_SELLING"
    assert shop.get(f"{COMPLIANCE}/listing_violation?{query}").json["total"] == 1
    assert shop.book("listings")[1]["issues"] == [
        {"code": "PHONE_NUMBER_IN_LISTING", "message": "A phone number", "attribute": None}
    ]
    shop.portal.restore("TIDES")
    assert shop.portal.live("TIDES")
    assert shop.get(f"{COMPLIANCE}/listing_violation_summary").status == 204
    assert shop.get(f"{COMPLIANCE}/listing_violation").status == 400
