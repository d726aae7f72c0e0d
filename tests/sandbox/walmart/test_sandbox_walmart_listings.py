"""Listings: items, prices and stock one by one; feeds with three levels of success; suppressed, restored, retired."""

from datetime import timedelta
from typing import Any

import pytest
from sandbox.walmart.walmart_shop import Shop, mp_item, price_row, stock_row


def test_a_price_is_put_and_shows(shop: Shop) -> None:
    answer = shop.put("/v3/price", price_row("ATLAS", 21.49))
    assert (answer.status, answer.json["sku"], answer.json["errors"]) == (200, "ATLAS", [])
    assert shop.portal.price("ATLAS") == 2_149
    assert shop.get("/v3/items/ATLAS").json["ItemResponse"][0]["price"] == {"amount": "21.49", "currency": "USD"}
    assert shop.walmart.books()["applied"]["updatePrice"] == {"ATLAS/2149": 1}


def test_an_accepted_price_is_not_yet_a_shown_price() -> None:
    shop = Shop(price_live_after=timedelta(minutes=5))
    shop.put("/v3/price", price_row("ATLAS", 21.49))
    assert shop.portal.price("ATLAS") == 1_999
    shop.move(minutes=5)
    assert shop.portal.price("ATLAS") == 2_149


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (price_row("NOTHING", 1), "CONTENT_NOT_FOUND.GMP_PRICE_API"),
        (price_row("ATLAS", 0), "INVALID_REQUEST_CONTENT.GMP_PRICE_API"),
        (price_row("ATLAS", 1.001), "INVALID_REQUEST_CONTENT.GMP_PRICE_API"),
        ({"sku": "ATLAS"}, "INVALID_REQUEST_CONTENT.GMP_PRICE_API"),
        ({"sku": "ATLAS", "pricing": [{"currentPriceType": "CLEARANCE"}]}, "INVALID_REQUEST_CONTENT.GMP_PRICE_API"),
        (
            {
                "sku": "ATLAS",
                "pricing": [{"currentPriceType": "BASE", "currentPrice": {"currency": "CAD", "amount": 1}}],
            },
            "INVALID_REQUEST_CONTENT.GMP_PRICE_API",
        ),
    ],
)
def test_a_price_that_makes_no_sense_is_refused(shop: Shop, body: Any, code: str) -> None:
    assert shop.put("/v3/price", body).codes == [code]
    assert shop.portal.price("ATLAS") == 1_999


def test_stock_is_put_and_read_in_both_ways(shop: Shop) -> None:
    assert shop.put("/v3/inventory?sku=ATLAS", stock_row("ATLAS", 7)).json == stock_row("ATLAS", 7)
    assert shop.get("/v3/inventory?sku=ATLAS").json == stock_row("ATLAS", 7)
    amount = {"unit": "EACH", "amount": 9}
    nodes = [{"shipNode": "700012345", "inputQty": amount}, {"shipNode": "1", "inputQty": amount}]
    answer = shop.put("/v3/inventories/ATLAS", {"inventories": {"nodes": nodes}}).json
    assert [(one["shipNode"], one["status"]) for one in answer["nodes"]] == [("700012345", "Success"), ("1", "Error")]
    assert shop.get("/v3/inventories/ATLAS").json["nodes"][0]["inputQty"] == amount
    assert shop.get("/v3/inventories/ATLAS?shipNode=1").status == 404
    assert shop.portal.stock("ATLAS") == 9


@pytest.mark.parametrize("body", [stock_row("ATLAS", -1), stock_row("ATLAS", 1.5), stock_row("LAMP", 1), {}])
def test_a_stock_that_makes_no_sense_is_refused(shop: Shop, body: Any) -> None:
    assert shop.put("/v3/inventory?sku=ATLAS", body).status == 400
    assert shop.portal.stock("ATLAS") == 100


def test_a_stock_without_its_sku_in_the_query_is_refused(shop: Shop) -> None:
    assert shop.put("/v3/inventory", stock_row("ATLAS", 1)).codes == ["MISSING_REQUEST_PARAM.GMP_INVENTORY_API"]
    assert shop.get("/v3/inventory?sku=NOTHING").status == 404


def test_items_come_by_offset_and_by_cursor(shop: Shop) -> None:
    def skus(answer: Any) -> list[str]:
        return [one["sku"] for one in answer["ItemResponse"]]

    assert skus(shop.get("/v3/items?limit=2&offset=1").json) == ["KNOT", "LAMP"]
    first = shop.get("/v3/items?limit=2&nextCursor=*").json
    assert (skus(first), first["totalItems"]) == (["ATLAS", "KNOT"], 3)
    last = shop.get(f"/v3/items?limit=2&nextCursor={first['nextCursor']}").json
    assert (skus(last), last["nextCursor"]) == (["LAMP"], None)
    assert shop.get("/v3/items?nextCursor=zz").status == 400
    assert skus(shop.get("/v3/items?sku=LAMP").json) == ["LAMP"]
    assert shop.get("/v3/items?publishedStatus=GONE").status == 400
    assert shop.get("/v3/items?lifecycleStatus=GONE").status == 400


def test_stock_of_all_items_comes_by_cursor(shop: Shop) -> None:
    first = shop.get("/v3/inventories?limit=2").json
    last = shop.get(f"/v3/inventories?limit=2&nextCursor={first['meta']['nextCursor']}").json
    found = [one["sku"] for page in (first, last) for one in page["elements"]["inventories"]]
    assert (found, last["meta"]["nextCursor"]) == (["ATLAS", "KNOT", "LAMP"], None)


def test_an_item_is_found_by_other_ids(shop: Shop) -> None:
    assert shop.get("/v3/items/00036000291452?productIdType=GTIN").json["ItemResponse"][0]["sku"] == "LAMP"
    assert shop.get("/v3/items/00036000291452").status == 404
    assert shop.get("/v3/items/1?productIdType=UPC").status == 404
    assert shop.get("/v3/items/1?productIdType=SHOE").status == 400


def test_a_retired_item_is_off_sale_until_it_is_set_up_anew(shop: Shop) -> None:
    assert shop.call("DELETE", "/v3/items/ATLAS").json["sku"] == "ATLAS"
    assert not shop.portal.live("ATLAS")
    with pytest.raises(ValueError, match="bought"):
        shop.portal.place([("ATLAS", 1)])
    assert shop.get("/v3/items").json["totalItems"] == 2
    assert shop.get("/v3/items?lifecycleStatus=RETIRED").json["ItemResponse"][0]["publishedStatus"] == "UNPUBLISHED"
    shop.feed("MP_ITEM", {"MPItem": [mp_item("ATLAS")]})
    shop.move(minutes=5)
    assert shop.portal.live("ATLAS")


def test_a_feed_is_received_then_worked_on_then_processed_and_published_later_still(shop: Shop) -> None:
    feed_id = shop.post("/v3/feeds?feedType=MP_ITEM", {"MPItem": [mp_item("BELL"), mp_item("ROPE")]}).json["feedId"]

    def state() -> tuple[str, int, int]:
        one = shop.get(f"/v3/feeds/{feed_id}").json
        return one["feedStatus"], one["itemsProcessing"], one["itemsSucceeded"]

    assert state() == ("RECEIVED", 0, 0)
    shop.move(seconds=20)
    assert state() == ("INPROGRESS", 2, 0)
    shop.move(minutes=2)
    assert state() == ("PROCESSED", 0, 2)
    assert shop.get("/v3/items/BELL").json["ItemResponse"][0]["publishedStatus"] == "IN_PROGRESS"
    assert not shop.portal.live("BELL")
    shop.move(minutes=5)
    assert shop.portal.live("BELL")
    assert shop.portal.price("BELL") == 1_250


def test_a_processed_feed_can_hold_items_that_failed_each_with_its_reason(shop: Shop) -> None:
    rows = [
        mp_item("BELL"),
        mp_item("ROPE", price=None),
        mp_item("SAIL", gtin="00012345678906"),
        mp_item("MAST", mainImageUrl=""),
        {"Orderable": {"sku": "OAR"}},
        {},
    ]
    feed_id = shop.feed("MP_ITEM", {"MPItem": rows})
    summary = shop.get(f"/v3/feeds/{feed_id}").json
    assert (summary["feedStatus"], summary["itemsSucceeded"], summary["itemsFailed"]) == ("PROCESSED", 1, 5)
    assert summary["itemDetails"]["itemIngestionStatus"] == []
    items = shop.feed_items(feed_id)
    assert [one["ingestionStatus"] for one in items] == ["SUCCESS"] + ["DATA_ERROR"] * 5
    assert "price" in items[1]["ingestionErrors"]["ingestionError"][0]["description"]
    assert "mainImageUrl" in items[3]["ingestionErrors"]["ingestionError"][0]["description"]
    submission = shop.walmart.books()["submissions"][0]
    assert (submission["items"], submission["rejected"], submission["state"]) == (6, 5, "PROCESSED")


def test_a_feed_can_fail_item_by_item_for_reasons_of_the_marketplace() -> None:
    faults = {"ATLAS": ("SYSTEM_ERROR", "SYS_1", "try later"), "LAMP": ("TIMEOUT_ERROR", "TIME_1", "too slow")}
    shop = Shop(feed_faults=faults)
    feed_id = shop.feed("price", {"Price": [price_row(sku, 5) for sku in ("ATLAS", "LAMP", "KNOT")]})
    assert [one["ingestionStatus"] for one in shop.feed_items(feed_id)] == ["SYSTEM_ERROR", "TIMEOUT_ERROR", "SUCCESS"]
    assert [shop.portal.price(sku) for sku in ("ATLAS", "LAMP", "KNOT")] == [1_999, 4_550, 500]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"Other": []}', b'{"MPItem": []}', b'{"MPItem": [1]}'])
def test_a_file_that_cannot_be_read_is_an_error_of_the_whole_feed(shop: Shop, body: bytes) -> None:
    feed_id = shop.feed("MP_ITEM", body)
    answer = shop.get(f"/v3/feeds/{feed_id}?includeDetails=true").json
    assert (answer["feedStatus"], answer["itemsReceived"]) == ("ERROR", 0)
    assert answer["ingestionErrors"]["ingestionError"][0]["code"] == "ERR_PDI_0001"


def test_prices_and_stock_come_by_feed_and_a_sku_that_comes_twice_fails_the_second_time(shop: Shop) -> None:
    rows = [price_row("ATLAS", 5), price_row("ATLAS", 6), price_row("NOTHING", 1)]
    feed_id = shop.feed("price", {"PriceHeader": {"version": "1.7"}, "Price": rows})
    assert [one["ingestionStatus"] for one in shop.feed_items(feed_id)] == ["SUCCESS", "DATA_ERROR", "DATA_ERROR"]
    assert shop.portal.price("ATLAS") == 500
    shop.feed("inventory", {"Inventory": [stock_row("ATLAS", 11), stock_row("LAMP", 12)]})
    node = {"shipNode": "700012345", "quantity": {"unit": "EACH", "amount": 13}}
    shop.feed("MP_INVENTORY", {"inventory": [{"sku": "KNOT", "shipNodes": [node]}]})
    assert [shop.portal.stock(sku) for sku in ("ATLAS", "LAMP", "KNOT")] == [11, 12, 13]
    feed_id = shop.feed("MP_INVENTORY", {"inventory": [{"sku": "KNOT", "shipNodes": [{**node, "shipNode": "1"}]}]})
    assert shop.feed_items(feed_id)[0]["ingestionStatus"] == "DATA_ERROR"
    applied = shop.walmart.books()["applied"]
    assert applied["updateBulkInventory:inventory"] == {"ATLAS": 1, "LAMP": 1}


def test_maintenance_changes_what_is_given_and_heals_the_issue_it_speaks_of(shop: Shop) -> None:
    shop.portal.suppress("ATLAS", "NO_PRIMARY_IMAGE", "No primary image", "mainImageUrl")
    item = shop.get("/v3/items/ATLAS").json["ItemResponse"][0]
    assert (item["publishedStatus"], item["unpublishedReasons"]) == ("UNPUBLISHED", {"reason": ["No primary image"]})
    row = {"Orderable": {"sku": "ATLAS"}, "Visible": {"Books": {"productName": "New atlas"}}}
    shop.feed("MP_MAINTENANCE", {"MPItem": [row]})
    shop.move(minutes=5)
    assert not shop.portal.live("ATLAS")
    row["Visible"] = {"Books": {"mainImageUrl": "https://images.example/2.jpg"}}
    shop.feed("MP_MAINTENANCE", {"MPItem": [row]})
    assert not shop.portal.live("ATLAS")
    shop.move(minutes=5)
    assert shop.portal.live("ATLAS")
    assert shop.get("/v3/items/ATLAS").json["ItemResponse"][0]["productName"] == "New atlas"


def test_the_marketplace_suppresses_and_restores_an_item(shop: Shop) -> None:
    shop.portal.suppress("ATLAS", "PRICE", "Reasonable Price Not Satisfied", "price")
    assert not shop.portal.live("ATLAS")
    listing = next(one for one in shop.walmart.books()["listings"] if one["sku"] == "ATLAS")
    issue = {"code": "PRICE", "message": "Reasonable Price Not Satisfied", "attribute": "price"}
    assert (listing["live"], listing["issues"]) == (False, [issue])
    shop.portal.restore("ATLAS")
    assert shop.portal.live("ATLAS")


def test_items_are_retired_by_feed_and_a_retired_item_takes_no_price(shop: Shop) -> None:
    shop.feed("RETIRE_ITEM", {"RetireItem": [{"sku": "ATLAS"}]})
    assert not shop.portal.live("ATLAS")
    feed_id = shop.feed("price", {"Price": [price_row("ATLAS", 5)]})
    assert shop.feed_items(feed_id)[0]["ingestionStatus"] == "DATA_ERROR"


def test_a_feed_comes_as_a_file_too(shop: Shop) -> None:
    body = b'--X\r\nContent-Disposition: form-data; name="file"; filename="f.json"\r\n'
    body += b'Content-Type: application/json\r\n\r\n{"RetireItem": [{"sku": "ATLAS"}]}\r\n--X--\r\n'
    headers = {
        "wm_qos.correlation_id": "1",
        "wm_svc.name": "x",
        "wm_sec.access_token": shop.token,
        "content-type": "multipart/form-data; boundary=X",
    }
    assert shop.raw("POST", "/v3/feeds?feedType=RETIRE_ITEM", body, headers).status == 200
    shop.move(minutes=3)
    assert not shop.portal.live("ATLAS")
    nameless = body.replace(b'name="file"', b'name="other"')
    headers["wm_sec.access_token"] = shop.token
    refused = shop.raw("POST", "/v3/feeds?feedType=RETIRE_ITEM", nameless, headers)
    assert refused.codes == ["INVALID_REQUEST.GMP_FEED_API"]


def test_a_feed_of_unknown_type_or_too_large_is_refused_at_once() -> None:
    shop = Shop(feed_bytes_max={"price": 10})
    assert shop.post("/v3/feeds?feedType=SHOES", {}).codes == ["INVALID_REQUEST_PARAM.GMP_FEED_API"]
    assert shop.post("/v3/feeds", {}).status == 400
    assert shop.post("/v3/feeds?feedType=price", b"x" * 10).status == 200
    refused = shop.post("/v3/feeds?feedType=price", b"x" * 11)
    assert (refused.status, refused.codes) == (413, ["REQUEST_ENTITY_TOO_LARGE.GMP_FEED_API"])
    assert len(shop.walmart.books()["submissions"]) == 1


def test_feeds_are_listed_newest_first_by_page(shop: Shop) -> None:
    sent = [shop.post("/v3/feeds?feedType=price", {"Price": []}).json["feedId"] for _ in range(3)]
    page = shop.get("/v3/feeds?limit=2&offset=1").json
    assert [one["feedId"] for one in page["results"]["feed"]] == [sent[1], sent[0]]
    assert page["totalResults"] == 3
    assert len(shop.get(f"/v3/feeds?feedId={sent[1]}").json["results"]["feed"]) == 1
    assert shop.get("/v3/feeds/nothing").codes == ["CONTENT_NOT_FOUND.GMP_FEED_API"]
