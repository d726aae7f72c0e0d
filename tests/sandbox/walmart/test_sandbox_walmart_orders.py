"""Purchase orders: acknowledged, shipped in parts, cancelled, refunded; and cancelled by Walmart when nobody ships."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.walmart.walmart_shop import Shop, line, refund, shipping, units

from entrepot.sandbox.walmart import Settings

BAD_CONTENT = ["INVALID_REQUEST_CONTENT.GMP_ORDER_API"]


def test_a_new_order_waits_in_created_until_it_is_acknowledged_whole(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 2), ("LAMP", 1)])
    assert shop.portal.stock("ATLAS") == 98
    released = shop.get("/v3/orders/released").json["list"]["elements"]["order"]
    assert [one["purchaseOrderId"] for one in released] == [order_id]
    answer = shop.ack(order_id)
    assert answer.status == 200
    assert answer.json["order"]["purchaseOrderId"] == order_id
    assert shop.statuses(order_id, "1") == {"Acknowledged": 2}
    assert shop.statuses(order_id, "2") == {"Acknowledged": 1}
    assert shop.get("/v3/orders/released").json["list"]["elements"]["order"] == []
    assert shop.ack(order_id).status == 200
    assert shop.walmart.books()["applied"]["acknowledgeOrders"] == {order_id: 1}


def test_an_order_that_is_over_cannot_be_acknowledged(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.portal.cancel(order_id)
    assert shop.ack(order_id).codes == BAD_CONTENT
    assert shop.ack("1999999999999").codes == ["CONTENT_NOT_FOUND.GMP_ORDER_API"]


def test_one_line_holds_several_statuses_at_once(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 5)])
    shop.ack(order_id)
    assert shop.ship(order_id, ("1", 2, "1Z111111")).status == 200
    assert shop.cancel(order_id, ("1", 1)).status == 200
    assert shop.statuses(order_id) == {"Acknowledged": 2, "Shipped": 2, "Cancelled": 1}
    shop.move(days=1, hours=23)
    assert shop.ship(order_id, ("1", 2, "1Z222222")).status == 200
    shop.move(days=1, hours=12)
    assert shop.statuses(order_id) == {"Delivered": 2, "Shipped": 2, "Cancelled": 1}
    shown = shop.get(f"/v3/orders/{order_id}").json["orderLines"]["orderLine"][0]["orderLineStatuses"]
    tracked = [one["trackingInfo"]["trackingNumber"] for one in shown["orderLineStatus"] if one["trackingInfo"]]
    assert tracked == ["1Z111111", "1Z222222"]


def test_a_shipment_sent_twice_is_refused_and_counted_once(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.ship(order_id, ("1", 1, "1Z111111"))
    assert shop.ship(order_id, ("1", 1, "1Z111111")).codes == BAD_CONTENT
    books = shop.walmart.books()
    assert books["applied"]["shippingUpdates"] == {f"{order_id}/1/1Z111111": 1}
    assert [(one["tracking"], one["lines"]) for one in books["shipments"]] == [("1Z111111", {"1": 1})]


def test_two_lines_with_one_tracking_number_are_one_parcel_in_the_books(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1), ("LAMP", 2)])
    shop.ship(order_id, ("1", 1, "1Z111111"), ("2", 2, "1Z111111"))
    assert [one["lines"] for one in shop.walmart.books()["shipments"]] == [{"1": 1, "2": 2}]


def _shipping_with(**changes: Any) -> dict[str, Any]:
    body = shipping(datetime(2026, 11, 2, tzinfo=UTC), ("1", 1, "1Z111111"))
    status = body["orderShipment"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"][0]
    for name, value in changes.items():
        (status if name in ("status", "statusQuantity", "trackingInfo") else status["trackingInfo"])[name] = value
    return body


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"orderShipment": {"orderLines": {"orderLine": []}}},
        shipping(datetime(2026, 11, 2, tzinfo=UTC), ("9", 1, "1Z1")),
        _shipping_with(status="Delivered"),
        _shipping_with(statusQuantity=units(0)),
        _shipping_with(statusQuantity=units(2)),
        _shipping_with(trackingInfo=None),
        _shipping_with(trackingNumber=""),
        _shipping_with(methodCode="Pigeon"),
        _shipping_with(carrierName={}),
        _shipping_with(shipDateTime="soon"),
        _shipping_with(shipDateTime=10**30),
    ],
)
def test_a_shipment_that_makes_no_sense_changes_nothing(shop: Shop, body: dict[str, Any]) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    answer = shop.post(f"/v3/orders/{order_id}/shipping", body)
    assert (answer.status, answer.codes) == (400, BAD_CONTENT)
    assert shop.statuses(order_id) == {"Created": 1}


def test_one_bad_line_spoils_the_whole_call(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1), ("LAMP", 1)])
    assert shop.ship(order_id, ("1", 1, "1Z111111"), ("2", 2, "1Z111111")).status == 400
    assert shop.ship(order_id, ("1", 1, "1Z111111"), ("1", 1, "1Z222222")).status == 400
    assert shop.cancel(order_id, ("1", 1), ("1", 1)).status == 400
    assert (shop.statuses(order_id, "1"), shop.statuses(order_id, "2")) == ({"Created": 1}, {"Created": 1})


def test_a_body_that_is_not_json_is_malformed(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    for body in (b"{", b"[1]", b'{"orderShipment": NaN}', b"[" * 100_000):
        answer = shop.post(f"/v3/orders/{order_id}/shipping", body)
        assert answer.codes[0].split(".")[0] in ("MALFORMED_REQUEST_CONTENT", "INVALID_REQUEST")


def test_the_sellers_cancellation_needs_one_of_five_reasons_and_open_units(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 2)])
    assert shop.cancel(order_id, ("1", 1), reason="BORED").codes == BAD_CONTENT
    assert shop.cancel(order_id, ("1", 3)).codes == BAD_CONTENT
    answer = shop.cancel(order_id, ("1", 2))
    assert answer.status == 200
    shown = answer.json["order"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"]
    assert [one["cancellationReason"] for one in shown] == ["SELLER_CANCEL_OUT_OF_STOCK"]
    assert shop.cancel(order_id, ("1", 1)).codes == BAD_CONTENT
    order = shop.books_order(order_id)
    assert (order["state"], order["cancelled_by"]) == ("Cancelled", "seller")
    assert shop.walmart.books()["oversold"] == 2


def test_lines_not_shipped_four_days_after_the_ship_date_are_cancelled_by_walmart_the_others_stand(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1), ("LAMP", 2)])
    shop.ack(order_id)
    shop.ship(order_id, ("1", 1, "1Z111111"), ("2", 1, "1Z111111"))
    shop.move(days=5, hours=23)
    assert shop.statuses(order_id, "2") == {"Acknowledged": 1, "Delivered": 1}
    shop.move(hours=1)
    assert shop.statuses(order_id, "1") == {"Delivered": 1}
    assert shop.statuses(order_id, "2") == {"Delivered": 1, "Cancelled": 1}
    line_books = shop.books_order(order_id)["lines"][1]
    assert (line_books["cancelled_by"], line_books["refunded_minor"]) == ("channel", 0)
    assert line_books["released_minor"] == line_books["price_minor"] + 495 + 375 + 41


def test_an_order_nobody_ships_ends_cancelled_by_the_channel(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.move(days=6)
    order = shop.books_order(order_id)
    assert (order["state"], order["cancelled_by"]) == ("Cancelled", "channel")
    assert shop.portal.waiting()["orders"] == 0


def test_the_hard_stop_was_six_days_until_june_2023() -> None:
    settings = Settings()
    assert settings.auto_cancel(date(2023, 6, 5)) == timedelta(days=6)
    assert settings.auto_cancel(date(2023, 6, 6)) == timedelta(days=4)


def test_a_walmart_fulfilled_order_asks_nothing_of_the_seller_and_ships_by_itself(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)], fulfilled_by="marketplace")
    assert shop.portal.stock("ATLAS") == 100
    assert shop.ack(order_id).codes == BAD_CONTENT
    assert shop.ship(order_id, ("1", 1, "1Z111111")).codes == BAD_CONTENT
    assert shop.cancel(order_id, ("1", 1)).codes == BAD_CONTENT
    assert shop.get("/v3/orders").json["list"]["meta"]["totalCount"] == 0
    assert shop.get("/v3/orders?shipNodeType=WFSFulfilled").json["list"]["meta"]["totalCount"] == 1
    shop.move(days=1)
    assert shop.statuses(order_id) == {"Shipped": 1}
    assert shop.portal.health()["late_acknowledgement_rate"] == 0


def test_only_shipped_lines_are_refunded_with_negative_amounts_up_to_what_was_charged(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    assert shop.refund(order_id, ("1", "PRODUCT", -1, 0)).codes == BAD_CONTENT
    shop.ship(order_id, ("1", 1, "1Z111111"))
    assert shop.refund(order_id, ("1", "PRODUCT", 1, 0)).codes == BAD_CONTENT
    assert shop.refund(order_id, ("1", "PRODUCT", -0.001, 0)).codes == BAD_CONTENT
    assert shop.refund(order_id, ("1", "PRODUCT", -20, 0)).codes == BAD_CONTENT
    assert shop.refund(order_id, ("1", "SHIPPING", -1, 0)).codes == BAD_CONTENT
    assert shop.refund(order_id, ("1", "PRODUCT", -5, -0.41), comments="k-1").status == 200
    assert shop.statuses(order_id) == {"Shipped": 1}
    assert shop.refund(order_id, ("1", "PRODUCT", -15, 0)).codes == BAD_CONTENT
    assert shop.refund(order_id, ("1", "PRODUCT", -14.99, -1.24), comments="k-2").status == 200
    assert shop.statuses(order_id) == {"Refund": 1}
    books = shop.walmart.books()
    assert [(one["amount_minor"], one["by"]) for one in books["refunds"]] == [(541, "seller"), (1_623, "seller")]
    assert books["applied"]["refundOrderLines"] == {f"{order_id}/1/k-1": 1, f"{order_id}/1/k-2": 1}
    assert shop.refund_whole(order_id, "1").codes == BAD_CONTENT


def test_a_full_refund_gives_back_goods_shipping_and_tax(shop: Shop) -> None:
    order_id = shop.shipped_order(("LAMP", 2))
    answer = shop.refund_whole(order_id, "1")
    shown = answer.json["order"]["orderLines"]["orderLine"][0]
    assert shown["isFullRefund"] is True
    charges = shown["refunds"]["refund"][0]["refundCharges"]["refundCharge"]
    assert [(one["charge"]["chargeType"], float(one["charge"]["chargeAmount"]["amount"])) for one in charges] == [
        ("PRODUCT", -91.0),
        ("SHIPPING", -9.9),
    ]
    assert shop.books_order(order_id)["lines"][0]["refunded_minor"] == shop.books_order(order_id)["total_minor"]


@pytest.mark.parametrize(
    "change",
    [
        {"purchaseOrderId": "1"},
        {"orderLines": {"orderLine": [{"lineNumber": "7", "isFullRefund": True}]}},
        {"orderLines": {"orderLine": [{"lineNumber": "1", "isFullRefund": True}] * 2}},
        {"orderLines": {"orderLine": [{"lineNumber": "1", "refunds": {"refund": [refund("GIFT", -1, 0, None)]}}]}},
        {"orderLines": {"orderLine": [line("1", {"status": "Refund"})]}},
    ],
)
def test_a_refund_that_makes_no_sense_gives_nothing_back(shop: Shop, change: dict[str, Any]) -> None:
    order_id = shop.shipped_order(("ATLAS", 1))
    body = {"orderRefund": {"purchaseOrderId": order_id, **change}}
    assert shop.post(f"/v3/orders/{order_id}/refund", body).codes == BAD_CONTENT
    assert shop.walmart.books()["refunds"] == []


def test_the_channel_refunds_a_buyer_itself_at_the_sellers_cost(shop: Shop) -> None:
    order_id = shop.shipped_order(("LAMP", 1))
    shop.portal.refund(order_id, "1", 5_000)
    with pytest.raises(ValueError, match="cannot be given back"):
        shop.portal.refund(order_id, "1", 5_000)
    assert [(one["amount_minor"], one["by"]) for one in shop.walmart.books()["refunds"]] == [(5_000, "channel")]


def test_a_buyer_asks_to_cancel_and_it_is_the_seller_who_answers(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1), ("LAMP", 1)])
    shop.portal.ask_cancel(order_id, ["2"])
    lines = shop.get(f"/v3/orders/{order_id}").json["orderLines"]["orderLine"]
    assert [one["intentToCancel"] for one in lines] == [None, "TRUE"]
    assert shop.cancel(order_id, ("2", 1), reason="CUSTOMER_REQUESTED_SELLER_TO_CANCEL").status == 200
    assert shop.portal.health()["cancellation_rate"] == 0
    shop.portal.cancel(order_id)
    with pytest.raises(ValueError, match="nothing left"):
        shop.portal.cancel(order_id)
    assert shop.books_order(order_id)["cancelled_by"] == "buyer"


@pytest.mark.parametrize("lines", [[], [("NOTHING", 1)], [("KNOT", 4)], [("KNOT", 2), ("KNOT", 2)], [("KNOT", 0)]])
def test_nobody_buys_what_is_not_there(shop: Shop, lines: list[tuple[str, int]]) -> None:
    with pytest.raises(ValueError, match=r"lines|bought|stock"):
        shop.portal.place(lines)
    assert shop.portal.stock("KNOT") == 3


def test_walmart_has_neither_pending_orders_nor_disputes_for_the_seller(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    for call in (
        lambda: shop.portal.place([("ATLAS", 1)], pending=True),
        lambda: shop.portal.release(order_id),
        lambda: shop.portal.open_dispute(order_id),
    ):
        with pytest.raises(ValueError, match=r"paid|pending|dispute"):
            call()


# -- lists ---------------------------------------------------------------------------------------------------------


def test_orders_come_by_cursor_each_once_though_some_leave_the_list_in_between(shop: Shop) -> None:
    placed = [shop.portal.place([("ATLAS", 1)]) for _ in range(7)]
    seen: list[str] = []
    target = "/v3/orders/released?limit=3&productInfo=true"
    while True:
        page = shop.get(target).json["list"]
        found = [one["purchaseOrderId"] for one in page["elements"]["order"]]
        seen += found
        shop.ack(found[0])
        cursor = page["meta"]["nextCursor"]
        if not cursor:
            break
        assert "hasMoreElements=true" in cursor
        assert "productInfo=true" in cursor
        target = "/v3/orders/released" + cursor
    assert seen == placed


def test_orders_are_found_by_what_the_caller_knows_of_them(shop: Shop) -> None:
    first = shop.portal.place([("ATLAS", 1)])
    shop.move(days=1)
    second = shop.portal.place([("LAMP", 1)])
    shop.move(hours=1)
    shop.ack(first)
    customer = shop.get(f"/v3/orders/{second}").json["customerOrderId"]

    def found(query: str) -> list[str]:
        answer = shop.get(f"/v3/orders?{query}").json["list"]
        return [one["purchaseOrderId"] for one in answer["elements"]["order"]]

    assert found("") == [first, second]
    assert found("status=Acknowledged") == [first]
    assert found("status=Created,Acknowledged") == [first, second]
    assert found("sku=LAMP") == [second]
    assert found(f"customerOrderId={customer}") == [second]
    assert found(f"purchaseOrderId={first}") == [first]
    assert found("createdStartDate=2026-11-03") == [second]
    assert found("createdEndDate=2026-11-03") == [first]
    assert found("lastModifiedStartDate=2026-11-03T09:30:00Z") == [first]
    assert found("lastModifiedEndDate=2026-11-03T09:30:00Z") == [second]
    assert found("fromExpectedShipDate=2026-11-05") == [second]
    assert found("toExpectedShipDate=2026-11-05") == [first]
    shop.move(days=8)
    assert found("") == []
    assert found("createdStartDate=2026-11-01") == [first, second]
    assert found(f"purchaseOrderId={first}") == [first]
    shop.move(days=180)
    assert found("createdStartDate=2026-11-01") == []


@pytest.mark.parametrize(
    "query",
    ["status=Lost", "limit=0", "limit=201", "limit=x", "createdStartDate=yesterday", "shipNodeType=Moon"],
)
def test_a_parameter_that_cannot_be_used_is_named(shop: Shop, query: str) -> None:
    answer = shop.get(f"/v3/orders?{query}")
    assert (answer.status, answer.codes) == (400, ["INVALID_REQUEST_PARAM.GMP_ORDER_API"])
    assert answer.json["errors"][0]["field"] == query.split("=", maxsplit=1)[0]


def test_more_orders_than_can_be_listed_are_an_error() -> None:
    shop = Shop(orders_listed_max=1)
    shop.portal.place([("ATLAS", 1)])
    assert shop.get("/v3/orders").status == 200
    shop.portal.place([("ATLAS", 1)])
    assert shop.get("/v3/orders").status == 400


ACT = st.tuples(st.sampled_from(["ack", "ship", "cancel", "refund", "part", "days", "buyer"]), st.integers(1, 4))


@settings(max_examples=30, deadline=None)
@given(st.lists(ACT, max_size=12))
def test_no_unit_is_lost_or_counted_twice_and_none_comes_back_from_an_end(acts: list[tuple[str, int]]) -> None:
    shop = Shop()
    order_id = shop.portal.place([("ATLAS", 6)])
    ends = {"Cancelled": 0, "Refund": 0}
    left = 0
    for number, (act, much) in enumerate(acts):
        if act == "ack":
            shop.ack(order_id)
        elif act == "ship":
            shop.ship(order_id, ("1", much, f"1Z99999{number}"))
        elif act == "cancel":
            shop.cancel(order_id, ("1", much))
        elif act == "refund":
            shop.refund_whole(order_id, "1")
        elif act == "part":
            shop.refund(order_id, ("1", "PRODUCT", -much, 0))
        elif act == "days":
            shop.move(days=much)
        elif shop.statuses(order_id).keys() & {"Created", "Acknowledged"}:
            shop.portal.cancel(order_id)
        found = shop.statuses(order_id)
        assert sum(found.values()) == 6
        assert all(found.get(end, 0) >= before for end, before in ends.items())
        gone = sum(found.get(word, 0) for word in ("Shipped", "Delivered", "Refund"))
        assert gone >= left
        ends, left = {end: found.get(end, 0) for end in ends}, gone
    shop.move(days=20)
    assert shop.statuses(order_id).keys() <= {"Delivered", "Cancelled", "Refund"}
