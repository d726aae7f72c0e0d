"""Orders: read in both vocabularies, shipped once per parcel, given up by the channel when nobody ships."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sandbox.amazon.amazon_shop import ALL_DATA, DE, V0, V2026, Shop, errors_of

from entrepot.sandbox.amazon.wire import BODY_BYTES_MAX
from entrepot.sandbox.core import Hang, Request
from entrepot.sandbox.faults import Fault


def search(shop: Shop, **query: Any) -> list[str]:
    found = shop.get(V2026, **query)
    return [order["orderId"] for order in found["orders"]]


def test_an_order_looks_alike_in_both_vocabularies(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 2), ("LAMP-1", 1)], buyer="Ada")
    new = shop.order(order_id)
    old = shop.get(f"{V0}/{order_id}")["payload"]
    assert new["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
    assert old["OrderStatus"] == "Unshipped"
    assert new["proceeds"]["grandTotal"] == {"amount": "85.48", "currencyCode": "EUR"}
    assert old["OrderTotal"] == {"Amount": "85.48", "CurrencyCode": "EUR"}
    assert new["fulfillment"]["fulfilledBy"] == "MERCHANT"
    assert old["FulfillmentChannel"] == "MFN"
    assert new["fulfillment"]["shipByWindow"]["latestDateTime"] == old["LatestShipDate"] == "2026-11-04T23:59:59Z"
    assert new["buyer"]["buyerName"] == old["BuyerInfo"]["BuyerName"] == "Ada"
    items = shop.get(f"{V0}/{order_id}/orderItems")["payload"]["OrderItems"]
    assert [(item["SellerSKU"], item["QuantityOrdered"], item["ItemPrice"]["Amount"]) for item in items] == [
        ("ATLAS-1", 2, "39.98"),
        ("LAMP-1", 1, "45.50"),
    ]
    assert [item["orderItemId"] for item in new["orderItems"]] == [item["OrderItemId"] for item in items]
    assert new["orderItems"][0]["product"]["price"]["unitPrice"]["amount"] == "19.99"


def test_order_ids_and_item_ids_look_like_amazons(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    assert [len(part) for part in order_id.split("-")] == [3, 7, 7]
    assert all(len(line_id) == 14 and line_id.isdecimal() for line_id in shop.line_ids(order_id))


def test_placing_lowers_the_shown_stock_and_needs_a_live_listing_with_enough_of_it(shop: Shop) -> None:
    shop.portal.place([("ROPE/10", 3)])
    assert shop.portal.stock("ROPE/10") == 2
    with pytest.raises(ValueError, match="not buyable"):
        shop.portal.place([("ROPE/10", 3)])
    with pytest.raises(ValueError, match="not buyable"):
        shop.portal.place([("ROPE/10", 1), ("ROPE/10", 2)])
    with pytest.raises(ValueError, match="not buyable"):
        shop.portal.place([("NOWHERE", 1)])
    shop.portal.suppress("ROPE/10", "18367", "Claim", "item_name")
    with pytest.raises(ValueError, match="not buyable"):
        shop.portal.place([("ROPE/10", 1)])


def test_a_search_sees_what_is_two_minutes_old_and_tells_up_to_when_it_looked(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    assert search(shop, createdAfter="2026-11-01T00:00:00Z") == []
    shop.move(minutes=2)
    told = shop.get(V2026, lastUpdatedAfter="2026-11-01T00:00:00Z")
    assert [order["orderId"] for order in told["orders"]] == [order_id]
    assert (told["lastUpdatedBefore"], told["createdBefore"]) == ("2026-11-02T09:00:00Z", None)


def test_paging_gives_every_order_once_even_when_orders_change_in_between(shop: Shop) -> None:
    ids = []
    for _ in range(7):
        ids.append(shop.portal.place([("ATLAS-1", 1)]))
        shop.move(seconds=30)
    shop.move(minutes=5)
    first = shop.get(V2026, createdAfter="2026-11-01T00:00:00Z", maxResultsPerPage=3)
    seen = [order["orderId"] for order in first["orders"]]
    shop.portal.cancel(ids[0])
    token = first["pagination"]["nextToken"]
    while token:
        page = shop.get(V2026, paginationToken=token, createdAfter="2026-11-01T00:00:00Z", maxResultsPerPage=3)
        seen += [order["orderId"] for order in page["orders"]]
        token = (page["pagination"] or {}).get("nextToken")
    assert seen == ids


def test_a_page_token_carries_its_criteria_and_cannot_be_forged_or_kept(shop: Shop) -> None:
    for _ in range(3):
        shop.portal.place([("ATLAS-1", 1)])
    shop.portal.place([("ATLAS-1", 1)], fulfilled_by="amazon")
    shop.move(minutes=5)
    query = {"MarketplaceIds": DE, "CreatedAfter": "2026-11-01", "MaxResultsPerPage": 2, "FulfillmentChannels": "MFN"}
    token = shop.get(V0, **query)["payload"]["NextToken"]
    rest = shop.get(V0, MarketplaceIds=DE, NextToken=token)["payload"]
    assert (len(rest["Orders"]), rest["NextToken"]) == (1, None)
    forged = token[:-8] + ("A" * 8 if token[-8:] != "A" * 8 else "B" * 8)
    assert errors_of(shop.call("GET", V0, {"MarketplaceIds": DE, "NextToken": forged})) == ["InvalidInput"]
    assert errors_of(shop.call("GET", V2026, {"paginationToken": token})) == ["InvalidInput"]
    shop.move(hours=25)
    shop.token = shop.new_token()
    assert errors_of(shop.call("GET", V0, {"MarketplaceIds": DE, "NextToken": token})) == ["InvalidInput"]


def test_filters_of_both_versions_choose_alike(shop: Shop) -> None:
    mine = shop.portal.place([("ATLAS-1", 1)])
    theirs = shop.portal.place([("ATLAS-1", 1)], fulfilled_by="amazon")
    pending = shop.portal.place([("ATLAS-1", 1)], pending=True)
    shop.move(minutes=3)
    since = {"createdAfter": "2026-11-01T00:00:00Z"}
    assert search(shop, **since, fulfilledBy="AMAZON") == [theirs]
    assert search(shop, **since, fulfillmentStatuses="PENDING") == [pending]
    assert set(search(shop, **since, fulfillmentStatuses="UNSHIPPED,PENDING", fulfilledBy="MERCHANT")) == {
        mine,
        pending,
    }
    assert search(shop, **since, marketplaceIds="ATVPDKIKX0DER") == []
    old = shop.get(V0, MarketplaceIds=DE, CreatedAfter="2026-11-01T00:00:00Z", OrderStatuses="Unfulfillable")
    assert old["payload"]["Orders"] == []
    old = shop.get(V0, MarketplaceIds=DE, AmazonOrderIds=f"{mine},{pending}")
    assert [order["OrderStatus"] for order in old["payload"]["Orders"]] == ["Unshipped", "Pending"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"createdAfter": "2026-11-01T00:00:00Z", "lastUpdatedAfter": "2026-11-01T00:00:00Z"},
        {"createdAfter": "yesterday"},
        {"createdAfter": "2026-11-01T00:00:00Z", "createdBefore": "2026-11-02T08:59:00Z"},
        {"createdAfter": "2026-11-01T00:00:00Z", "lastUpdatedBefore": "2026-11-01T08:00:00Z"},
        {"createdAfter": "2026-11-02T00:00:00Z", "createdBefore": "2026-11-01T00:00:00Z"},
        {"createdAfter": "2026-11-01T00:00:00Z", "maxResultsPerPage": "101"},
        {"createdAfter": "2026-11-01T00:00:00Z", "includedData": "SECRETS"},
        {"createdAfter": "2026-11-01T00:00:00Z", "fulfillmentStatuses": "Unshipped"},
    ],
)
def test_a_search_that_cannot_be_meant_is_refused(shop: Shop, query: dict[str, str]) -> None:
    answer = shop.call("GET", V2026, query)
    if query.get("createdBefore") == "2026-11-02T08:59:00Z":
        query["createdBefore"] = "2026-11-02T08:58:00Z"
        assert shop.call("GET", V2026, query).status == 200
    assert (answer.status, errors_of(answer)) == (400, ["InvalidInput"])


def test_only_the_datasets_asked_for_are_told(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    bare = shop.get(f"{V2026}/{order_id}")["order"]
    assert (bare["buyer"], bare["recipient"], bare["proceeds"], bare["fulfillment"]) == (None, None, None, None)
    some = shop.get(f"{V2026}/{order_id}", includedData="RECIPIENT,FULFILLMENT")["order"]
    assert some["recipient"]["deliveryAddress"]["countryCode"] == "DE"
    assert some["buyer"] is None


def test_a_pending_order_shows_no_money_and_no_address_and_cannot_be_shipped(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)], pending=True)
    order = shop.order(order_id)
    assert order["fulfillment"]["fulfillmentStatus"] == "PENDING"
    assert (order["proceeds"], order["recipient"], order["buyer"]) == (None, None, None)
    assert (order["orderItems"][0]["product"]["price"], order["orderItems"][0]["proceeds"]) == (None, None)
    old = shop.get(f"{V0}/{order_id}")["payload"]
    assert (old["OrderStatus"], old["OrderTotal"], old["ShippingAddress"]) == ("Pending", None, None)
    assert shop.get(f"{V0}/{order_id}/orderItems")["payload"]["OrderItems"][0]["ItemPrice"] is None
    assert shop.get(f"{V0}/{order_id}/address")["payload"]["ShippingAddress"] is None
    assert shop.get(f"{V0}/{order_id}/buyerInfo")["payload"]["BuyerEmail"] is None
    refused = shop.confirm(order_id, dict.fromkeys(shop.line_ids(order_id), 1))
    assert (refused.status, errors_of(refused)) == (400, ["InvalidInput"])
    shop.move(days=1)
    shop.portal.release(order_id)
    assert shop.book(order_id)["ship_by"] == "2026-11-05T23:59:59Z"
    assert shop.confirm(order_id, dict.fromkeys(shop.line_ids(order_id), 1)).status == 403  # the token is a day old
    shop.token = shop.new_token()
    assert shop.confirm(order_id, dict.fromkeys(shop.line_ids(order_id), 1)).status == 204


def test_a_parcel_is_known_by_its_package_reference_and_ships_once(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 3), ("LAMP-1", 1)])
    atlas, lamp = shop.line_ids(order_id)
    assert shop.confirm(order_id, {atlas: 2}).status == 204
    assert shop.order(order_id)["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"
    assert shop.confirm(order_id, {atlas: 2}).status == 204
    assert shop.amazon.books()["applied"]["confirmShipment"] == {f"{order_id}/1": 1}
    assert shop.confirm(order_id, {atlas: 1, lamp: 1}, key="2").status == 204
    order = shop.order(order_id)
    assert order["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert [package["packageReferenceId"] for package in order["packages"]] == ["1", "2"]
    assert [line["shipped"] for line in shop.book(order_id)["lines"]] == [3, 1]


def test_the_same_package_reference_corrects_the_tracking_number(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    items = dict.fromkeys(shop.line_ids(order_id), 1)
    shop.confirm(order_id, items)
    assert shop.confirm(order_id, items, trackingNumber="RIGHT").status == 204
    assert [package["trackingNumber"] for package in shop.order(order_id)["packages"]] == ["RIGHT"]
    applied = shop.amazon.books()["applied"]
    assert (applied["confirmShipment"], applied["confirmShipment.renewed"]) == (
        {f"{order_id}/1": 1},
        {f"{order_id}/1": 1},
    )
    assert shop.amazon.books()["transactions"][1:] == []


@pytest.mark.parametrize(
    "change",
    [
        {"packageReferenceId": "A1"},
        {"packageReferenceId": "0"},
        {"carrierCode": ""},
        {"carrierCode": "Others"},
        {"trackingNumber": None},
        {"shipDate": "soon"},
        {"orderItems": []},
        {"orderItems": [{"orderItemId": "1", "quantity": 1}]},
        {"orderItems": [{"orderItemId": "THE-LINE", "quantity": 2}]},
        {"orderItems": [{"orderItemId": "THE-LINE", "quantity": 0}]},
    ],
)
def test_a_confirmation_that_does_not_fit_ships_nothing(shop: Shop, change: dict[str, Any]) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    line_id = shop.line_ids(order_id)[0]
    for item in change.get("orderItems", []):
        item["orderItemId"] = item["orderItemId"].replace("THE-LINE", line_id)
    refused = shop.confirm(order_id, {line_id: 1}, **change)
    assert (refused.status, errors_of(refused)) == (400, ["InvalidInput"])
    assert shop.order(order_id)["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"


def test_confirmations_are_refused_for_strangers(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    assert shop.confirm("111-1111111-1111111", {"1": 1}).status == 404
    body = {"marketplaceId": "ATVPDKIKX0DER", "packageDetail": {}}
    assert shop.call("POST", f"{V0}/{order_id}/shipmentConfirmation", body=body).status == 400
    headers = {"x-amz-access-token": shop.token, "content-type": "text/plain"}
    path = f"{V0}/{order_id}/shipmentConfirmation"
    assert errors_of(shop.send("POST", path, None, b"{}", headers)) == ["UnsupportedMediaType"]
    assert shop.call("POST", path, body=b"[").status == 400


def test_an_order_fulfilled_by_amazon_ships_by_itself_and_asks_nothing_of_the_seller(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 2)], fulfilled_by="amazon")
    assert shop.portal.stock("ATLAS-1") == 50
    assert shop.confirm(order_id, dict.fromkeys(shop.line_ids(order_id), 2)).status == 400
    assert shop.portal.waiting()["unshipped"] == 0
    shop.move(hours=20)
    assert shop.book(order_id)["state"] == "SHIPPED"
    shop.move(days=3)
    shop.token = shop.new_token()
    assert shop.order(order_id)["packages"][0]["packageStatus"]["status"] == "DELIVERED"


def test_what_is_not_confirmed_seven_business_days_after_its_ship_date_is_cancelled_by_the_channel(shop: Shop) -> None:
    order_id = shop.portal.place([("ROPE/10", 2)])
    due = shop.amazon.orders.given_up_at(shop.amazon.platform.orders[order_id])
    assert f"{due:%a %d}" == "Fri 13"  # latest ship date Wednesday the 4th, and seven working days
    shop.clock.at = due - timedelta(seconds=1)
    shop.world.tick()
    assert shop.book(order_id)["state"] == "UNSHIPPED"
    shop.move(seconds=1)
    book = shop.book(order_id)
    assert (book["state"], book["cancelled_by"]) == ("CANCELLED", "channel")
    assert shop.portal.stock("ROPE/10") == 5
    shop.token = shop.new_token()
    assert shop.get(f"{V0}/{order_id}")["payload"]["OrderStatus"] == "Canceled"


def test_the_window_is_a_setting_and_a_shipped_order_is_never_given_up() -> None:
    shop = Shop(cancel_after_business_days=3)
    kept, lost = shop.portal.place([("ATLAS-1", 1)]), shop.portal.place([("ATLAS-1", 1)])
    shop.ship(kept)
    shop.move(days=8)
    assert (shop.book(kept)["state"], shop.book(lost)["state"]) == ("SHIPPED", "CANCELLED")


def test_a_pending_order_that_is_never_paid_lapses(shop: Shop) -> None:
    order_id = shop.portal.place([("ROPE/10", 1)], pending=True)
    shop.move(days=21)
    assert (shop.book(order_id)["state"], shop.portal.stock("ROPE/10")) == ("CANCELLED", 5)


def test_a_buyer_who_asks_to_cancel_is_told_to_the_seller_and_nothing_else_happens(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1), ("LAMP-1", 1)])
    atlas, _ = shop.line_ids(order_id)
    shop.portal.ask_cancel(order_id, [atlas])
    items = shop.get(f"{V0}/{order_id}/orderItems")["payload"]["OrderItems"]
    assert [item["BuyerRequestedCancel"]["IsBuyerRequestedCancel"] for item in items] == ["true", "false"]
    first = shop.order(order_id)["orderItems"][0]
    assert first["cancellation"]["cancellationRequest"]["requester"] == "BUYER"
    assert shop.book(order_id)["state"] == "UNSHIPPED"


def test_a_buyer_may_cancel_by_himself_before_anything_is_shipped(shop: Shop) -> None:
    order_id, other = shop.portal.place([("ATLAS-1", 1)]), shop.portal.place([("ATLAS-1", 1)])
    shop.portal.cancel(order_id)
    assert shop.book(order_id)["cancelled_by"] == "buyer"
    assert shop.confirm(order_id, dict.fromkeys(shop.line_ids(order_id), 1)).status == 400
    shop.ship(other)
    with pytest.raises(ValueError, match="any more"):
        shop.portal.cancel(other)


def test_an_unknown_order_is_not_found_in_either_version(shop: Shop) -> None:
    for path in (f"{V2026}/1", f"{V0}/1", f"{V0}/1/orderItems", f"{V0}/1/address", f"{V0}/1/buyerInfo"):
        answer = shop.call("GET", path)
        assert (answer.status, errors_of(answer)) == (404, ["NotFound"])


def test_who_listens_hears_each_change_once_by_its_name(shop: Shop) -> None:
    heard: list[tuple[str, str]] = []
    shop.portal.subscribe(lambda topic, key: heard.append((topic, key)))
    order_id = shop.portal.place([("ATLAS-1", 1)])
    other = shop.portal.place([("ATLAS-1", 1)])
    shop.ship(order_id)
    shop.portal.cancel(other)
    assert heard == [
        ("order.placed", order_id),
        ("order.placed", other),
        ("order.updated", order_id),
        ("order.cancelled", other),
    ]


def test_the_same_seed_tells_the_same_story(shop: Shop) -> None:
    again = Shop()
    for one in (shop, again):
        one.portal.place([("ATLAS-1", 1)])
        one.move(hours=1)
    assert shop.amazon.books() == again.amazon.books()
    assert ALL_DATA.count(",") == 9


def test_of_an_order_shipped_in_part_the_rest_is_given_up(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 3)])
    shop.confirm(order_id, dict.fromkeys(shop.line_ids(order_id), 1))
    shop.move(days=20)
    line = shop.book(order_id)["lines"][0]
    assert (shop.book(order_id)["state"], line["shipped"], line["cancelled"]) == ("SHIPPED", 1, 2)
    assert line["cancelled_by"] == "channel"


def test_an_answer_that_got_lost_is_asked_for_again_and_nothing_ships_twice(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    shop.world.faults.add(Fault("amazon", "confirmShipment", 1, "timeout-after"))
    body = {
        "marketplaceId": DE,
        "packageDetail": {
            "packageReferenceId": "1",
            "carrierCode": "DHL",
            "trackingNumber": "JD1",
            "shipDate": "2026-11-02T10:00:00Z",
            "orderItems": [{"orderItemId": shop.line_ids(order_id)[0], "quantity": 1}],
        },
    }
    headers = {"content-type": "application/json", "x-amz-access-token": shop.token}
    path = f"{V0}/{order_id}/shipmentConfirmation"
    lost = shop.world.handle("amazon", Request("POST", path, (), headers, json.dumps(body).encode()))
    assert lost == Hang(applied=True)
    assert shop.call("POST", path, body=body).status == 204
    assert shop.amazon.books()["applied"]["confirmShipment"] == {f"{order_id}/1": 1}


def test_a_body_beyond_all_measure_is_refused(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    headers = {"x-amz-access-token": shop.token, "content-type": "application/json"}
    answer = shop.send("POST", f"{V0}/{order_id}/shipmentConfirmation", None, b" " * (BODY_BYTES_MAX + 1), headers)
    assert (answer.status, errors_of(answer)) == (413, ["RequestEntityTooLarge"])
