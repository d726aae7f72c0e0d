"""Orders: placed, read, shipped, refunded, cancelled."""

import pytest
from sandbox.ebay.ebay_market import FULFILLMENT, POST_ORDER, Shop

ORDERS = f"{FULFILLMENT}/order"


def test_an_order_comes_paid_with_a_day_to_ship_by(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 2), ("TIDES", 1)], buyer="ann_o")
    assert [len(part) for part in order_id.split("-")] == [2, 5, 5]
    order = shop.order(order_id)
    assert (order["orderPaymentStatus"], order["orderFulfillmentStatus"]) == ("PAID", "NOT_STARTED")
    assert order["buyer"]["username"] == "ann_o"
    assert order["pricingSummary"]["total"]["value"] == "54.03"
    assert order["pricingSummary"]["deliveryCost"]["value"] == "7.00"
    line = order["lineItems"][0]
    assert (line["sku"], line["quantity"], line["lineItemCost"]["value"]) == ("ATLAS", 2, "39.98")
    assert line["lineItemFulfillmentInstructions"]["shipByDate"] == "2026-11-04T09:00:00.000Z"
    assert shop.heard.count(("order.placed", order_id)) == 1


def test_a_sale_lowers_the_shown_stock_and_cannot_exceed_it(shop: Shop) -> None:
    shop.portal.place([("LENS", 2)])
    assert shop.portal.stock("LENS") == 1
    for wanted in ([("LENS", 2)], [("LENS", 1), ("LENS", 1)], [("NONE", 1)], [("LENS", 0)], []):
        with pytest.raises(ValueError):
            shop.portal.place(wanted)
    assert shop.portal.stock("LENS") == 1


def test_an_unpaid_order_cannot_be_shipped_or_refunded_until_its_payment_arrives(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)], pending=True)
    order = shop.order(order_id)
    assert order["orderPaymentStatus"] == "PENDING"
    assert order["paymentSummary"]["payments"][0]["paymentStatus"] == "PENDING"
    assert order["lineItems"][0]["lineItemFulfillmentInstructions"]["shipByDate"] is None
    assert shop.ship(order_id).error == 32600
    assert shop.issue_refund(order_id, "1.00").error == 34929
    assert shop.transactions() == []
    shop.portal.release(order_id)
    assert shop.order(order_id)["orderPaymentStatus"] == "PAID"
    assert shop.ship(order_id).status == 201
    with pytest.raises(ValueError):
        shop.portal.release(order_id)


# -- reading ---------------------------------------------------------------------------------------------------------


def test_orders_are_paged_by_offset_with_the_address_of_the_next_page(shop: Shop) -> None:
    placed = [shop.portal.place([("ATLAS", 1)]) for _ in range(5)]
    seen, target = [], f"{ORDERS}?filter=orderfulfillmentstatus:%7BNOT_STARTED%7CIN_PROGRESS%7D&limit=2"
    while target:
        page = shop.get(target.removeprefix("https://api.ebay.com")).json
        assert (page["total"], page["limit"]) == (5, 2)
        seen += [order["orderId"] for order in page["orders"]]
        target = page["next"]
    assert seen == placed


def test_the_modification_filter_finds_what_changed_since(shop: Shop) -> None:
    first = shop.portal.place([("ATLAS", 1)])
    shop.move(minutes=10)
    second = shop.portal.place([("ATLAS", 1)])

    def since(text: str) -> list[str]:
        return [o["orderId"] for o in shop.get(f"{ORDERS}?filter=lastmodifieddate:[{text}..]").json["orders"]]

    assert since("2026-11-02T09:05:00.000Z") == [second]
    shop.move(minutes=10)
    shop.ship(first)
    assert since("2026-11-02T09:05:00.000Z") == [second, first]
    assert since("2026-11-02T09:20:00.000Z") == [first]
    both = "creationdate:[2026-11-02T09:00:00.000Z..2026-11-02T09:05:00.000Z],lastmodifieddate:[2026-11-02T09:20:00Z..]"
    assert [o["orderId"] for o in shop.get(f"{ORDERS}?filter={both}").json["orders"]] == [first]
    shipped = shop.get(f"{ORDERS}?filter=orderfulfillmentstatus:{{FULFILLED|IN_PROGRESS}}").json["orders"]
    assert [order["orderId"] for order in shipped] == [first]


def test_orders_can_be_asked_for_by_id_and_others_are_left_out(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    page = shop.get(f"{ORDERS}?orderIds={order_id},01-00000-00000&filter=nonsense").json
    assert [order["orderId"] for order in page["orders"]] == [order_id]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("filter=colour:{RED}", 30700),
        ("filter=orderfulfillmentstatus:{NOT_STARTED|FULFILLED}", 30800),
        ("filter=creationdate:[yesterday..]", 30810),
        ("filter=creationdate:[..2026-11-02T09:00:00Z]", 30820),
        ("filter=creationdate:[2023-11-02T09:00:00Z..]", 30830),
        ("filter=creationdate:[2026-11-01T09:00:00Z..2026-10-01T09:00:00Z]", 30840),
        ("filter=lastmodifieddate:[2026-12-01T09:00:00Z..]", 30850),
        ("orderIds=" + ",".join(["x"] * 51), 30900),
        ("offset=-1", 31000),
        ("limit=201", 31100),
        ("fieldGroups=EVERYTHING", 32800),
    ],
)
def test_a_search_that_cannot_be_read_says_which_part(shop: Shop, query: str, error: int) -> None:
    answer = shop.get(f"{ORDERS}?{query}")
    assert (answer.status, answer.error) == (400, error)


def test_an_unknown_order_is_not_found(shop: Shop) -> None:
    answer = shop.get(f"{ORDERS}/01-00000-00000")
    assert (answer.status, answer.error) == (404, 32100)


def test_only_getorder_shows_the_cancel_requests(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    cancel_id = shop.portal.ask_cancel(order_id)
    alone = shop.order(order_id)["cancelStatus"]
    assert alone["cancelState"] == "IN_PROGRESS"
    assert [one["cancelRequestId"] for one in alone["cancelRequests"]] == [cancel_id]
    [listed] = shop.get(ORDERS).json["orders"]
    assert listed["cancelStatus"] == {"cancelState": "IN_PROGRESS", "cancelledDate": None, "cancelRequests": []}


# -- shipping --------------------------------------------------------------------------------------------------------


def test_a_parcel_is_created_and_read_back_at_its_location(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 2)])
    [line_id] = shop.lines(order_id)
    answer = shop.ship(order_id, "JD1", **{f"_{line_id}": 1})
    assert answer.status == 201
    location = answer.headers["location"].removeprefix("https://api.ebay.com")
    assert shop.get(location).json["lineItems"] == [{"lineItemId": line_id, "quantity": 1}]
    assert shop.order(order_id)["orderFulfillmentStatus"] == "IN_PROGRESS"
    assert shop.ship(order_id, "JD2").status == 201
    order = shop.order(order_id)
    assert order["orderFulfillmentStatus"] == "FULFILLED"
    assert len(order["fulfillmentHrefs"]) == 2
    listed = shop.get(f"{ORDERS}/{order_id}/shipping_fulfillment").json
    assert [one["shipmentTrackingNumber"] for one in listed["fulfillments"]] == ["JD1", "JD2"]
    assert shop.book("applied")["createShippingFulfillment"] == {f"{order_id}/JD1": 1, f"{order_id}/JD2": 1}


def test_a_parcel_sent_twice_is_refused_and_applied_once(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 2)])
    [line_id] = shop.lines(order_id)
    assert shop.ship(order_id, "JD1", **{f"_{line_id}": 1}).status == 201
    assert shop.ship(order_id, "JD1", **{f"_{line_id}": 1}).error == 34500
    assert shop.book("applied")["createShippingFulfillment"] == {f"{order_id}/JD1": 1}
    assert shop.book("shipments")[0]["lines"] == {line_id: 1}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"lineItems": []}, 32600),
        ({"lineItems": [{"lineItemId": "1"}]}, 32200),
        ({"lineItems": "twice"}, 32210),
        ({"lineItems": "three"}, 32600),
        ({"trackingNumber": None}, 32300),
        ({"trackingNumber": "JD-0 1"}, 32300),
        ({"shippedDate": "2026-12-24T00:00:00Z"}, 32500),
        ({"shippedDate": "soon"}, 32500),
    ],
)
def test_a_parcel_that_cannot_be_is_refused(shop: Shop, fields: dict[str, object], error: int) -> None:
    order_id = shop.portal.place([("ATLAS", 2)])
    line = {"lineItemId": shop.lines(order_id)[0]}
    if fields.get("lineItems") == "twice":
        fields = {"lineItems": [line, line]}
    if fields.get("lineItems") == "three":
        fields = {"lineItems": [{**line, "quantity": 3}]}
    body = {"lineItems": [line], "shippingCarrierCode": "DHL", "trackingNumber": "JD1", **fields}
    answer = shop.post(f"{ORDERS}/{order_id}/shipping_fulfillment", body)
    assert (answer.status, answer.error) == (400, error)
    assert shop.book("shipments") == []


def test_unknown_orders_and_parcels(shop: Shop) -> None:
    assert shop.post(f"{ORDERS}/none/shipping_fulfillment", {"lineItems": []}).error == 32100
    assert shop.get(f"{ORDERS}/none/shipping_fulfillment").error == 32100
    order_id = shop.portal.place([("ATLAS", 1)])
    answer = shop.get(f"{ORDERS}/{order_id}/shipping_fulfillment/none")
    assert (answer.status, answer.error) == (404, 32110)


def test_a_parcel_may_go_without_tracking(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 2)])
    line_id = shop.lines(order_id)[0]
    for _ in range(2):
        body = {"lineItems": [{"lineItemId": line_id, "quantity": 1}]}
        assert shop.post(f"{ORDERS}/{order_id}/shipping_fulfillment", body).status == 201
    assert [one["key"] for one in shop.book("shipments")] == ["999", "9992"]


def test_what_ebay_ships_itself_is_not_the_sellers_to_ship(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)], fulfilled_by="channel")
    assert shop.order(order_id)["program"]["fulfillmentProgram"]["fulfilledBy"] == "EBAY"
    assert shop.ship(order_id).error == 32600
    shop.move(hours=13)
    shop.fresh()
    assert shop.order(order_id)["orderFulfillmentStatus"] == "FULFILLED"


# -- refunds ---------------------------------------------------------------------------------------------------------


def test_a_refund_is_under_way_first_and_done_a_little_later(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    answer = shop.issue_refund(order_id, "5.00")
    assert (answer.status, answer.json["refundStatus"]) == (200, "PENDING")
    assert shop.issue_refund(order_id, "5.00").error == 34922
    shop.move(minutes=2)
    order = shop.order(order_id)
    assert order["paymentSummary"]["refunds"][0]["refundStatus"] == "REFUNDED"
    assert order["orderPaymentStatus"] == "PARTIALLY_REFUNDED"
    [line_id] = shop.lines(order_id)
    assert shop.issue_refund(order_id, "18.49", line_id).status == 200
    shop.move(minutes=2)
    assert shop.order(order_id)["orderPaymentStatus"] == "FULLY_REFUNDED"
    assert shop.issue_refund(order_id, "1.00").error == 34917


def test_an_order_level_refund_is_spread_over_the_lines_to_the_cent(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1), ("TIDES", 1), ("LENS", 1)])
    shop.issue_refund(order_id, "100.01")
    rows = shop.book("refunds")
    assert sum(row["amount_minor"] for row in rows) == 10_001
    assert {row["by"] for row in rows} == {"seller"}
    assert len({row["refund_id"] for row in rows}) == 1


@pytest.mark.parametrize(
    ("body", "error", "status"),
    [
        ({}, 34902, 400),
        ({"comment": "x"}, 34903, 400),
        ({"reasonForRefund": "NO_IDEA"}, 34903, 400),
        ({"reasonForRefund": "BUYER_CANCEL", "comment": "x" * 1001}, 34921, 400),
        ({"reasonForRefund": "BUYER_CANCEL"}, 34905, 400),
        ({"reasonForRefund": "BUYER_CANCEL", "orderLevelRefundAmount": {}}, 34906, 400),
        ({"reasonForRefund": "BUYER_CANCEL", "orderLevelRefundAmount": {"value": "1"}}, 34908, 400),
        ({"reasonForRefund": "BUYER_CANCEL", "orderLevelRefundAmount": {"value": "1", "currency": "USD"}}, 34909, 400),
        (
            {"reasonForRefund": "BUYER_CANCEL", "orderLevelRefundAmount": {"value": "1.005", "currency": "EUR"}},
            34907,
            400,
        ),
        ({"reasonForRefund": "BUYER_CANCEL", "orderLevelRefundAmount": {"value": "0", "currency": "EUR"}}, 34907, 400),
        ({"reasonForRefund": "BUYER_CANCEL", "orderLevelRefundAmount": {"value": "99", "currency": "EUR"}}, 34915, 400),
        ({"reasonForRefund": "BUYER_CANCEL", "refundItems": [{}]}, 34910, 400),
        ({"reasonForRefund": "BUYER_CANCEL", "refundItems": [{"legacyReference": {"x": 1}}]}, 34911, 400),
        ({"reasonForRefund": "BUYER_CANCEL", "refundItems": [{"legacyReference": {"legacyItemId": "1"}}]}, 34912, 400),
        ({"reasonForRefund": "BUYER_CANCEL", "refundItems": [{"lineItemId": "1"}]}, 34914, 400),
    ],
)
def test_a_refund_that_cannot_be_is_refused(shop: Shop, body: dict[str, object], error: int, status: int) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    answer = shop.post(f"{ORDERS}/{order_id}/issue_refund", body)
    assert (answer.status, answer.error) == (status, error)
    assert shop.book("refunds") == []


def test_more_than_a_line_has_left_is_a_conflict(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1), ("LENS", 1)])
    answer = shop.issue_refund(order_id, "23.50", shop.lines(order_id)[0])
    assert (answer.status, answer.error) == (409, 34924)
    assert shop.post(f"{ORDERS}/none/issue_refund", {"reasonForRefund": "X"}).error == 34913


def test_no_refund_beside_an_open_case(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.portal.open_dispute(order_id)
    assert shop.issue_refund(order_id, "1.00").error == 34916


def test_a_refund_by_the_channel_is_marked_as_such(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    [line_id] = shop.lines(order_id)
    refund_id = shop.portal.refund(order_id, line_id, 500)
    [row] = shop.book("refunds")
    assert (row["refund_id"], row["by"], row["amount_minor"]) == (refund_id, "channel", 500)
    with pytest.raises(ValueError):
        shop.portal.refund(order_id, line_id, 10_000)


# -- cancelling ------------------------------------------------------------------------------------------------------


def test_a_buyers_wish_is_approved_and_his_money_goes_back(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 2)])
    cancel_id = shop.portal.ask_cancel(order_id)
    [found] = shop.cancels(order_id)
    assert (found["cancelState"], found["cancelStatus"]) == ("APPROVAL_PENDING", "CANCEL_REQUESTED")
    assert found["sellerResponseDueDate"]["value"] == "2026-11-05T09:00:00.000Z"
    assert shop.post(f"{POST_ORDER}/cancellation/{cancel_id}/approve").status == 200
    assert shop.post(f"{POST_ORDER}/cancellation/{cancel_id}/approve").status == 409
    [found] = shop.cancels(order_id)
    assert (found["cancelState"], found["cancelStatus"]) == ("CLOSED", "CANCEL_CLOSED_WITH_REFUND")
    order = shop.order(order_id)
    assert order["cancelStatus"]["cancelState"] == "CANCELED"
    assert order["orderPaymentStatus"] == "FULLY_REFUNDED"
    assert shop.portal.stock("ATLAS") == 50
    assert ("order.cancelled", order_id) in shop.heard
    assert shop.book("orders")[0]["cancelled_by"] == "buyer"
    assert shop.ship(order_id).error == 32600


def test_a_rejected_wish_leaves_the_order_standing(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    cancel_id = shop.portal.ask_cancel(order_id)
    assert shop.post(f"{POST_ORDER}/cancellation/{cancel_id}/reject", {"reason": "shipped"}).status == 200
    assert shop.get(f"{POST_ORDER}/cancellation/{cancel_id}").json["cancelDetail"]["cancelStatus"] == "CANCEL_REJECTED"
    assert shop.order(order_id)["cancelStatus"]["cancelState"] == "NONE_REQUESTED"
    assert shop.ship(order_id).status == 201


def test_shipping_declines_an_open_wish_and_so_does_silence(shop: Shop) -> None:
    shipped = shop.portal.place([("ATLAS", 1)])
    shop.portal.ask_cancel(shipped)
    shop.ship(shipped)
    assert shop.cancels(shipped)[0]["cancelStatus"] == "CANCEL_REJECTED"
    silent = shop.portal.place([("ATLAS", 1)])
    shop.portal.ask_cancel(silent)
    shop.move(days=3)
    shop.fresh()
    assert shop.cancels(silent)[0]["cancelCloseReason"] == "SELLER_NO_RESPONSE"
    with pytest.raises(ValueError):
        shop.portal.ask_cancel(shipped)


def test_the_seller_cancels_what_he_does_not_have(shop: Shop) -> None:
    order_id = shop.portal.place([("LENS", 2)])
    body = {"legacyOrderId": order_id, "cancelReason": "OUT_OF_STOCK_OR_CANNOT_FULFILL"}
    answer = shop.post(f"{POST_ORDER}/cancellation", body)
    assert answer.status == 200
    assert shop.cancels(order_id)[0]["cancelId"] == answer.json["cancelId"]
    assert shop.post(f"{POST_ORDER}/cancellation", body).status == 409
    [order] = shop.book("orders")
    assert (order["state"], order["cancelled_by"]) == ("CANCELED", "seller")
    assert shop.book("oversold") == 2
    assert shop.portal.stock("LENS") == 1
    assert shop.portal.health()["defect_rate"] == 1.0
    assert shop.book("applied")["createCancellation"] == {order_id: 1}


def test_cancelling_is_refused_where_it_cannot_be(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    path = f"{POST_ORDER}/cancellation"
    assert shop.post(path, {"legacyOrderId": "none"}).status == 404
    assert shop.post(path, {"legacyOrderId": order_id, "cancelReason": "MOOD"}).status == 400
    check = f"{path}/check_eligibility"
    assert shop.post(check, {"legacyOrderId": order_id}).json["eligible"] is True
    shop.ship(order_id)
    assert shop.post(check, {"legacyOrderId": order_id}).json["failureReason"] == ["ORDER_SHIPPED"]
    assert shop.post(path, {"legacyOrderId": order_id}).status == 409
    assert shop.post(f"{path}/none/approve").status == 404
    with pytest.raises(ValueError):
        shop.portal.cancel(order_id)


def test_ebay_cancels_an_unpaid_order_without_any_money(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)], pending=True)
    shop.portal.cancel(order_id)
    assert shop.cancels(order_id)[0]["cancelStatus"] == "CANCEL_CLOSED_FOR_COMMITMENT"
    assert shop.book("orders")[0]["cancelled_by"] == "channel"
    assert shop.book("refunds") == []
    assert shop.transactions() == []


def test_cancellations_are_searched_by_time_and_paged(shop: Shop) -> None:
    ids = []
    for _ in range(3):
        ids.append(shop.portal.ask_cancel(shop.portal.place([("ATLAS", 1)])))
        shop.move(minutes=1)
    search = f"{POST_ORDER}/cancellation/search"
    page = shop.get(f"{search}?limit=2&offset=2").json
    assert [one["cancelId"] for one in page["cancellations"]] == ids[:1]
    assert page["paginationOutput"] == {"offset": 2, "limit": 2, "totalPages": 2, "totalEntries": 3}
    late = shop.get(f"{search}?creation_date_range_from=2026-11-02T09:01:30Z").json
    assert [one["cancelId"] for one in late["cancellations"]] == ids[2:]
    assert [c["cancelId"] for c in shop.get(f"{search}?cancel_id={ids[1]}").json["cancellations"]] == [ids[1]]
    assert shop.get(f"{search}?creation_date_range_from=now").status == 400
    assert shop.get(f"{search}?limit=0").status == 400


def test_ebay_cancels_whole_orders_only(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1), ("TIDES", 1)])
    with pytest.raises(ValueError, match="whole orders"):
        shop.portal.ask_cancel(order_id, lines=shop.lines(order_id)[:1])


def test_a_late_order_is_not_cancelled_but_counts_as_late(shop: Shop) -> None:
    late, punctual = shop.portal.place([("ATLAS", 1)]), shop.portal.place([("ATLAS", 1)])
    shop.ship(punctual)
    shop.move(days=30)
    shop.fresh()
    assert shop.order(late)["cancelStatus"]["cancelState"] == "NONE_REQUESTED"
    assert shop.portal.health()["late_shipment_rate"] == 0.5
    assert shop.portal.waiting()["unshipped_orders"] == 1
    assert shop.ship(late).status == 201
    assert shop.portal.health()["late_shipment_rate"] == 0.5
