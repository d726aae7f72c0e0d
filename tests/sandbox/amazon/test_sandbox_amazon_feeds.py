"""Feeds: the only way to acknowledge, cancel and refund; DONE does not mean that every message was taken."""

import gzip
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree

import pytest
from sandbox.amazon.amazon_shop import DE, SELLER, Shop, adjustment, envelope, errors_of

ACK, FULFIL, ADJUST = "POST_ORDER_ACKNOWLEDGEMENT_DATA", "POST_ORDER_FULFILLMENT_DATA", "POST_PAYMENT_ADJUSTMENT_DATA"
FEEDS = "/feeds/2021-06-30/feeds"


def acknowledged(order_id: str, own: str = "SO-1") -> str:
    own_id = f"<MerchantOrderID>{own}</MerchantOrderID>"
    return f"<AmazonOrderID>{order_id}</AmazonOrderID>{own_id}<StatusCode>Success</StatusCode>"


def failed(order_id: str, line_id: str, reason: str = "NoInventory") -> str:
    item = f"<AmazonOrderItemCode>{line_id}</AmazonOrderItemCode><CancelReason>{reason}</CancelReason>"
    return f"<AmazonOrderID>{order_id}</AmazonOrderID><StatusCode>Failure</StatusCode><Item>{item}</Item>"


def counts(report: str) -> tuple[int, int, int]:
    summary = ElementTree.fromstring(report).find("Message/ProcessingReport/ProcessingSummary")
    assert summary is not None
    names = ("MessagesProcessed", "MessagesSuccessful", "MessagesWithError")
    first, second, third = (int(summary.findtext(name) or -1) for name in names)
    return first, second, third


def test_a_feed_waits_then_works_then_is_done_with_a_compressed_report(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    feed_id = shop.submit(ACK, envelope("OrderAcknowledgement", [acknowledged(order_id)]))
    states = []
    for seconds in (0, 30, 120):
        shop.move(seconds=seconds)
        states.append(shop.get(f"{FEEDS}/{feed_id}")["processingStatus"])
    assert states == ["IN_QUEUE", "IN_PROGRESS", "DONE"]
    found = shop.get(f"{FEEDS}/{feed_id}")
    told = shop.get(f"/feeds/2021-06-30/documents/{found['resultFeedDocumentId']}")
    assert told["compressionAlgorithm"] == "GZIP"
    assert counts(gzip.decompress(shop.open_url("GET", told["url"]).body).decode()) == (1, 1, 0)


def test_an_acknowledgement_gives_the_order_the_sellers_own_number(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    shop.feed(ACK, envelope("OrderAcknowledgement", [acknowledged(order_id)]))
    assert shop.order(order_id)["orderAliases"] == [{"aliasId": "SO-1", "aliasType": "SELLER_ORDER_ID"}]
    assert shop.book(order_id)["acknowledged_at"] == "2026-11-02T09:02:30Z"
    shop.feed(ACK, envelope("OrderAcknowledgement", [acknowledged(order_id)]))
    assert shop.amazon.books()["applied"][ACK] == {order_id: 1}


def test_a_failure_cancels_the_order_and_no_inventory_leaves_the_stock_alone(shop: Shop) -> None:
    first, second = shop.portal.place([("ROPE/10", 2)]), shop.portal.place([("ROPE/10", 2)])
    messages = [
        failed(first, shop.line_ids(first)[0]),
        failed(second, shop.line_ids(second)[0], "BuyerCanceled"),
    ]
    shop.feed(ACK, envelope("OrderAcknowledgement", messages))
    assert [shop.book(one)["cancelled_by"] for one in (first, second)] == ["seller", "seller"]
    assert shop.portal.stock("ROPE/10") == 3
    assert shop.amazon.books()["oversold"] == 2


def test_a_failure_after_shipping_refunds_the_whole_order(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 2)])
    line_id = shop.line_ids(order_id)[0]
    shop.confirm(order_id, {line_id: 1})
    shop.feed(ACK, envelope("OrderAcknowledgement", [failed(order_id, line_id)]))
    line = shop.book(order_id)["lines"][0]
    assert (line["shipped"], line["cancelled"], line["refunded_minor"]) == (1, 1, 1_999)
    assert shop.book(order_id)["state"] == "SHIPPED"


def test_a_done_feed_may_hold_rejected_messages_each_with_its_reason(shop: Shop) -> None:
    good, gone = shop.portal.place([("ATLAS-1", 1)]), shop.portal.place([("ATLAS-1", 1)])
    shop.portal.cancel(gone)
    messages = [
        acknowledged(good),
        acknowledged("111-1111111-1111111"),
        acknowledged(gone),
        failed(good, "404"),
        failed(good, shop.line_ids(good)[0], "Bored"),
        f"<AmazonOrderID>{good}</AmazonOrderID><StatusCode>Maybe</StatusCode>",
    ]
    feed, report = shop.feed(ACK, envelope("OrderAcknowledgement", messages))
    assert feed["processingStatus"] == "DONE"
    assert counts(report) == (6, 1, 5)
    results = ElementTree.fromstring(report).findall("Message/ProcessingReport/Result")
    assert [result.findtext("MessageID") for result in results] == ["2", "3", "4", "5", "6"]
    assert all(result.findtext("ResultCode") == "Error" and result.findtext("ResultDescription") for result in results)
    submission = shop.amazon.books()["submissions"][-1]
    assert (submission["state"], submission["items"], submission["rejected"]) == ("DONE", 6, 5)


def test_a_fulfilment_feed_ships_by_its_own_key_or_by_its_content(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 2)])
    line_id = shop.line_ids(order_id)[0]
    data = (
        f"<AmazonOrderID>{order_id}</AmazonOrderID><FulfillmentDate>2026-11-02T10:00:00Z</FulfillmentDate>"
        "<FulfillmentData><CarrierName>DHL</CarrierName><ShippingMethod>Parcel</ShippingMethod>"
        "<ShipperTrackingNumber>JD1</ShipperTrackingNumber></FulfillmentData>"
    )
    item = f"<Item><AmazonOrderItemCode>{line_id}</AmazonOrderItemCode><Quantity>1</Quantity></Item>"
    keyed = envelope("OrderFulfillment", [f"<MerchantFulfillmentID>77</MerchantFulfillmentID>{data}{item}"])
    shop.feed(FULFIL, keyed)
    shop.feed(FULFIL, keyed)
    assert shop.book(order_id)["lines"][0]["shipped"] == 1
    shop.feed(FULFIL, envelope("OrderFulfillment", [data]))
    shop.feed(FULFIL, envelope("OrderFulfillment", [data]))
    assert shop.book(order_id)["state"] == "SHIPPED"
    assert shop.amazon.books()["applied"][FULFIL][f"{order_id}/77"] == 1
    assert len(shop.amazon.books()["shipments"]) == 2


def test_a_refund_is_taken_up_to_what_was_paid_for_what_was_shipped(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 2)])
    line_id = shop.line_ids(order_id)[0]
    _, report = shop.feed(ADJUST, envelope("OrderAdjustment", [adjustment(order_id, line_id, "5.00")]))
    assert counts(report) == (1, 0, 1)  # nothing is shipped yet
    shop.confirm(order_id, {line_id: 1})
    messages = [adjustment(order_id, line_id, "15.00"), adjustment(order_id, line_id, "5.00")]
    _, report = shop.feed(ADJUST, envelope("OrderAdjustment", messages))
    assert counts(report) == (2, 1, 1)
    assert shop.book(order_id)["lines"][0]["refunded_minor"] == 1_500
    refunds = shop.amazon.books()["refunds"]
    assert [(refund["amount_minor"], refund["by"]) for refund in refunds] == [(1_500, "seller")]


def test_the_same_refund_sent_twice_is_paid_twice_and_the_books_witness_it(shop: Shop) -> None:
    order_id = shop.portal.place([("LAMP-1", 1)])
    shop.ship(order_id)
    line_id = shop.line_ids(order_id)[0]
    key = "<MerchantAdjustmentItemID>R-1</MerchantAdjustmentItemID>"
    content = envelope("OrderAdjustment", [adjustment(order_id, line_id, "10.00", more=key)])
    shop.feed(ADJUST, content)
    shop.feed(ADJUST, content)
    applied = shop.amazon.books()["applied"]
    assert applied[ADJUST] == {f"{order_id}/{line_id}/R-1": 2}
    assert list(applied["createFeed"].values()) == [2]
    assert shop.book(order_id)["lines"][0]["refunded_minor"] == 2_000


def test_some_pieces_are_cancelled_by_an_adjustment_and_a_message_is_taken_whole_or_not(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 3)])
    line_id = shop.line_ids(order_id)[0]

    def cancel(count: int) -> str:
        item = f"<AmazonOrderItemCode>{line_id}</AmazonOrderItemCode>"
        reason = "<AdjustmentReason>NoInventory</AdjustmentReason>"
        row = f"<AdjustedItem>{item}{reason}<QuantityCancelled>{count}</QuantityCancelled></AdjustedItem>"
        return f"<AmazonOrderID>{order_id}</AmazonOrderID><ActionType>Cancel</ActionType>{row}"

    _, report = shop.feed(ADJUST, envelope("OrderAdjustment", [cancel(4), cancel(2)]))
    assert counts(report) == (2, 1, 1)
    assert shop.book(order_id)["lines"][0]["cancelled"] == 2
    assert shop.order(order_id)["proceeds"]["grandTotal"]["amount"] == "19.99"
    assert shop.order(order_id)["orderItems"][0]["cancellation"]["cancellationExecution"]["cancelledBy"] == "MERCHANT"


@pytest.mark.parametrize(
    "content",
    [
        b"no xml",
        b"<Other/>",
        envelope("OrderFulfillment", []),
        envelope("OrderAcknowledgement", [], seller="SOMEBODY"),
        b"\x1f\x8bbroken",
    ],
)
def test_a_file_that_is_no_envelope_ends_fatal(shop: Shop, content: bytes) -> None:
    feed, report = shop.feed(ACK, content)
    assert feed["processingStatus"] == "FATAL"
    assert "could not be read" in report


def test_a_feed_whose_document_was_never_uploaded_ends_fatal(shop: Shop) -> None:
    made = shop.call("POST", "/feeds/2021-06-30/documents", body={"contentType": "text/xml"}).json()
    body = {"feedType": ACK, "marketplaceIds": [DE], "inputFeedDocumentId": made["feedDocumentId"]}
    feed_id = shop.call("POST", FEEDS, body=body).json()["feedId"]
    shop.move(minutes=5)
    assert shop.get(f"{FEEDS}/{feed_id}")["processingStatus"] == "FATAL"


def test_a_compressed_document_is_read_too(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    _, report = shop.feed(ACK, gzip.compress(envelope("OrderAcknowledgement", [acknowledged(order_id)])))
    assert counts(report) == (1, 1, 0)


def test_only_a_queued_feed_can_be_cancelled(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    content = envelope("OrderAcknowledgement", [acknowledged(order_id)])
    first, second = shop.submit(ACK, content), shop.submit(ACK, content)
    assert shop.call("DELETE", f"{FEEDS}/{first}").status == 200
    shop.move(minutes=1)
    assert shop.call("DELETE", f"{FEEDS}/{second}").status == 400
    assert shop.get(f"{FEEDS}/{first}")["processingStatus"] == "CANCELLED"
    assert shop.call("DELETE", f"{FEEDS}/1").status == 404
    shop.move(minutes=5)
    assert shop.amazon.books()["applied"][ACK] == {order_id: 1}


def test_feeds_are_listed_newest_first_page_by_page_with_their_filters(shop: Shop) -> None:
    ids = []
    for _ in range(5):
        ids.append(shop.submit(ACK, envelope("OrderAcknowledgement", [])))
        shop.move(seconds=1)
    first = shop.get(FEEDS, feedTypes=ACK, pageSize=3, processingStatuses="IN_QUEUE")
    rest = shop.get(FEEDS, nextToken=first["nextToken"])
    assert [feed["feedId"] for feed in first["feeds"] + rest["feeds"]] == ids[::-1]
    assert rest["nextToken"] is None
    assert shop.get(FEEDS, feedTypes=FULFIL)["feeds"] == []
    assert errors_of(shop.call("GET", FEEDS)) == ["InvalidInput"]


@pytest.mark.parametrize(
    "change",
    [{"feedType": "POST_PRODUCT_DATA"}, {"marketplaceIds": ["ATVPDKIKX0DER"]}, {"marketplaceIds": []}],
)
def test_a_feed_that_cannot_be_meant_is_refused(shop: Shop, change: dict[str, Any]) -> None:
    made = shop.call("POST", "/feeds/2021-06-30/documents", body={"contentType": "text/xml"}).json()
    body = {"feedType": ACK, "marketplaceIds": [DE], "inputFeedDocumentId": made["feedDocumentId"], **change}
    assert errors_of(shop.call("POST", FEEDS, body=body)) == ["InvalidInput"]
    unknown = {**body, "feedType": ACK, "marketplaceIds": [DE], "inputFeedDocumentId": "none"}
    assert shop.call("POST", FEEDS, body=unknown).status == 404


def test_an_address_is_over_after_five_minutes_and_good_for_one_thing_only(shop: Shop) -> None:
    made = shop.call("POST", "/feeds/2021-06-30/documents", body={"contentType": "text/xml"}).json()
    url = made["url"]
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    forged = parts._replace(query=urlencode({**query, "Expires": str(int(query["Expires"]) + 60)})).geturl()
    assert shop.open_url("PUT", forged, b"x", "text/xml").status == 403
    assert shop.open_url("GET", url).status == 403
    assert shop.open_url("PUT", url, b"x", "application/json").status == 403
    assert shop.open_url("PUT", parts._replace(query="").geturl(), b"x", "text/xml").status == 403
    assert shop.open_url("PUT", url, b"x", "text/xml").status == 200
    shop.move(minutes=5, seconds=1)
    refused = shop.open_url("PUT", url, b"y", "text/xml")
    assert refused.status == 403
    assert b"Request has expired" in refused.body
    unread = shop.call("POST", "/feeds/2021-06-30/documents", body={"contentType": "text/xml"}).json()
    address = shop.get(f"/feeds/2021-06-30/documents/{unread['feedDocumentId']}")["url"]
    assert shop.open_url("GET", address).status == 404


def test_a_listings_feed_applies_what_it_can_and_reports_the_rest(shop: Shop) -> None:
    messages = [
        {
            "messageId": 1,
            "sku": "ATLAS-1",
            "operationType": "PATCH",
            "productType": "ABIS_BOOK",
            "patches": [
                {
                    "op": "replace",
                    "path": "/attributes/fulfillment_availability",
                    "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 7}],
                }
            ],
        },
        {
            "messageId": 2,
            "sku": "LAMP-1",
            "operationType": "PARTIAL_UPDATE",
            "productType": "HOME",
            "attributes": {"fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": -1}]},
        },
        {"messageId": 3, "sku": "NEW-1", "operationType": "UPDATE", "productType": "HOME", "attributes": {}},
        {"messageId": 4, "sku": "ROPE/10", "operationType": "DELETE"},
        {"messageId": 5, "sku": "ROPE/10", "operationType": "EXPLODE"},
    ]
    content = json.dumps({"header": {"sellerId": SELLER, "version": "2.0"}, "messages": messages}).encode()
    feed, text = shop.feed("JSON_LISTINGS_FEED", content, "application/json")
    report = json.loads(text)
    assert feed["processingStatus"] == "DONE"
    assert report["summary"]["messagesProcessed"] == 5
    assert (report["summary"]["messagesAccepted"], report["summary"]["messagesInvalid"]) == (2, 3)
    assert {issue["messageId"] for issue in report["issues"]} == {2, 3, 5}
    shop.move(minutes=5)
    assert shop.portal.stock("ATLAS-1") == 7
    assert not shop.portal.live("ROPE/10")
    feed, _ = shop.feed("JSON_LISTINGS_FEED", b'{"header": {}}', "application/json")
    assert feed["processingStatus"] == "FATAL"


def test_what_amazon_fulfils_the_seller_can_neither_cancel_nor_ship_nor_refund(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)], fulfilled_by="amazon")
    line_id = shop.line_ids(order_id)[0]
    shop.move(hours=20)
    shop.token = shop.new_token()
    _, report = shop.feed(ADJUST, envelope("OrderAdjustment", [adjustment(order_id, line_id, "5.00")]))
    assert counts(report) == (1, 0, 1)
    _, report = shop.feed(ACK, envelope("OrderAcknowledgement", [failed(order_id, line_id)]))
    assert counts(report) == (1, 0, 1)
    assert shop.book(order_id)["state"] == "SHIPPED"
