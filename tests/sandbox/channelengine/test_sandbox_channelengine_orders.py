"""Orders of two channels: taken over by acknowledging, sent, cancelled; every refusal has the manager's own shape."""

from datetime import timedelta
from typing import Any

import pytest
from sandbox.channelengine.channelengine_tenant import START, UK, Tenant, complaints, parcel

from entrepot.sandbox.channelengine.settings import AMAZON, BOL


def test_without_a_known_key_nobody_reads_anything(tenant: Tenant) -> None:
    answer = tenant.call("GET", "/v2/orders/new", key=False)
    assert (answer.status, answer.json()["Success"], answer.json()["StatusCode"]) == (401, False, 401)
    assert tenant.call("GET", "/v2/orders/new", key=False, headers={"x-ce-key": "wrong"}).status == 401


def test_the_key_may_come_in_the_query_in_any_case_or_in_the_header(tenant: Tenant) -> None:
    assert tenant.call("GET", f"/v2/orders/new?ApiKey={tenant.key}", key=False).status == 200
    assert tenant.call("GET", "/v2/orders/new", key=False, headers={"x-ce-key": tenant.key}).status == 200


def test_an_unknown_path_is_answered_in_the_envelope(tenant: Tenant) -> None:
    answer = tenant.call("GET", "/v2/nothing")
    assert answer.status == 404
    assert answer.json().keys() == {"StatusCode", "RequestId", "LogId", "Success", "Message", "ValidationErrors"}


def test_every_call_has_a_log_id_of_its_own(tenant: Tenant) -> None:
    assert tenant.get("/v2/orders/new")["LogId"] != tenant.get("/v2/orders/new")["LogId"]


def test_buyers_of_both_channels_arrive_as_new_orders(tenant: Tenant) -> None:
    tenant.portal.place([("ATLAS", 1)], channel_id=BOL.channel_id)
    tenant.portal.place([("LAMP", 2)], channel_id=AMAZON.channel_id)
    first, second = tenant.content("/v2/orders/new")
    assert (first["ChannelName"], second["ChannelName"]) == ("bol NL - Kade", "Amazon DE - Kade")
    assert first["Status"] == second["Status"] == "NEW"
    assert first["MerchantOrderNo"] is None
    assert len(second["ChannelOrderNo"].split("-")) == 3
    assert second["Lines"][0]["Quantity"] == 2


def test_an_order_without_a_channel_named_goes_to_the_channels_in_turn(tenant: Tenant) -> None:
    for _ in range(4):
        tenant.portal.place([("ATLAS", 1)])
    assert {one["ChannelId"] for one in tenant.content("/v2/orders/new")} == {21, 34}


def test_totals_hold_the_vat_inside_and_the_shipping(tenant: Tenant) -> None:
    tenant.portal.place([("ATLAS", 2), ("STRAP", 1)], channel_id=21)
    [order] = tenant.content("/v2/orders/new")
    assert str(order["SubTotalInclVat"]) == "52.48"
    assert str(order["ShippingCostsInclVat"]) == "2.99"
    assert str(order["TotalInclVat"]) == "55.47"
    assert order["TotalVat"] == order["SubTotalVat"] + order["ShippingCostsVat"]
    assert order["TotalExclVat"] + order["TotalVat"] == order["TotalInclVat"]
    atlas = order["Lines"][0]
    assert (str(atlas["UnitPriceInclVat"]), str(atlas["UnitVat"]), str(atlas["LineVat"])) == ("19.99", "3.47", "6.94")


def test_a_foreign_channel_shows_both_currencies() -> None:
    tenant = Tenant(channels=(UK,))
    order_id = tenant.portal.place([("ATLAS", 1)])
    [order] = tenant.content("/v2/orders/new")
    assert order["CurrencyCode"] == "GBP"
    assert (str(order["OriginalTotalInclVat"]), str(order["TotalInclVat"])) == ("20.7", "24.06")
    assert tenant.order(order_id)["currency"] == "GBP"
    assert tenant.order(order_id)["total_minor"] == 2_070


def test_what_no_channel_sells_cannot_be_bought(tenant: Tenant) -> None:
    for lines in ([("STRAP", 4)], [("NOWHERE", 1)], [], [("ATLAS", 0)], [("STRAP", 2), ("STRAP", 2)]):
        with pytest.raises(ValueError, match=r"sell|line"):
            tenant.portal.place(lines, channel_id=21)


def test_buying_lowers_what_both_channels_show(tenant: Tenant) -> None:
    tenant.portal.place([("STRAP", 2)], channel_id=21)
    assert tenant.portal.stock("STRAP", 21) == 1
    assert tenant.portal.stock("STRAP", 34) == 3
    tenant.move(minutes=5)
    assert tenant.portal.stock("STRAP", 34) == 1


def test_the_same_goods_are_sold_twice_while_one_channel_does_not_know(tenant: Tenant) -> None:
    tenant.portal.place([("STRAP", 3)], channel_id=21)
    tenant.portal.place([("STRAP", 2)], channel_id=34)
    assert tenant.system.books()["oversold"] == 2
    tenant.move(minutes=5)
    assert not any(tenant.portal.stock("STRAP", one) for one in (21, 34))


# -- acknowledging -------------------------------------------------------------------------------------------------


def test_only_acknowledging_takes_an_order_out_of_new(tenant: Tenant) -> None:
    order_id = tenant.portal.place([("ATLAS", 1)])
    tenant.content("/v2/orders/new")
    assert len(tenant.content("/v2/orders/new")) == 1
    tenant.send("POST", "/v2/orders/acknowledge", {"OrderId": int(order_id), "MerchantOrderNo": "SO-1"})
    assert tenant.content("/v2/orders/new") == []
    [order] = tenant.content("/v2/orders?merchantOrderNos=SO-1")
    assert (order["Status"], order["AcknowledgedDate"]) == ("IN_PROGRESS", "2026-11-02T09:00:00.000Z")


def test_acknowledging_again_changes_nothing(tenant: Tenant) -> None:
    order_id, number = tenant.acknowledged(("ATLAS", 1))
    tenant.move(minutes=3)
    tenant.send("POST", "/v2/orders/acknowledge", {"OrderId": int(order_id), "MerchantOrderNo": number})
    assert tenant.order(order_id)["acknowledged_at"] == "2026-11-02T09:00:00.000Z"
    assert tenant.system.books()["applied"]["OrderAcknowledge"] == {number: 1}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"MerchantOrderNo": "SO-9"}, 400, "OrderId"),
        ({"OrderId": 10_001}, 400, "MerchantOrderNo"),
        ({"OrderId": 10_001, "MerchantOrderNo": "N" * 51}, 400, "MerchantOrderNo"),
        ({"OrderId": 4, "MerchantOrderNo": "SO-9"}, 404, "OrderId"),
        ({"OrderId": 10_001, "MerchantOrderNo": "OTHER"}, 400, "OrderId"),
        ({"OrderId": 10_002, "MerchantOrderNo": "SO-1"}, 400, "MerchantOrderNo"),
        ({"OrderId": 10_003, "MerchantOrderNo": "SO-9"}, 400, "OrderId"),
    ],
)
def test_an_acknowledgement_that_cannot_be_is_refused(
    tenant: Tenant, body: dict[str, Any], status: int, field: str
) -> None:
    tenant.acknowledged(("ATLAS", 1), number="SO-1")
    tenant.portal.place([("ATLAS", 1)])
    tenant.portal.place([("ATLAS", 1)], pending=True)
    assert field in complaints(tenant.send("POST", "/v2/orders/acknowledge", body, status))


def test_an_order_nobody_takes_over_is_complained_about(tenant: Tenant) -> None:
    tenant.portal.place([("ATLAS", 1)])
    tenant.move(hours=5)
    assert len(tenant.content("/v2/notifications?types=CHANNEL_ORDER_TOO_LONG_ON_NEW")) == 1
    tenant.move(days=2)
    assert len(tenant.content("/v2/notifications?types=CHANNEL_ORDER_OVERDUE")) == 1


def test_unpaid_orders_are_seen_only_when_asked_for(tenant: Tenant) -> None:
    order_id = tenant.portal.place([("ATLAS", 1)], pending=True)
    assert tenant.content("/v2/orders") == tenant.content("/v2/orders/new") == []
    assert [one["Id"] for one in tenant.content("/v2/orders?statuses=AWAITING_PAYMENT")] == [int(order_id)]
    tenant.move(hours=1)
    tenant.portal.release(order_id)
    [order] = tenant.content("/v2/orders/new")
    assert order["Lines"][0]["LatestShipmentDate"] == "2026-11-04T10:00:00.000Z"
    with pytest.raises(ValueError, match="NEW"):
        tenant.portal.release(order_id)


def test_what_the_channel_sends_itself_arrives_shipped(tenant: Tenant) -> None:
    order_id = tenant.portal.place([("ATLAS", 1)], fulfilled_by="channel")
    assert tenant.content("/v2/orders/new") == []
    [order] = tenant.content("/v2/orders")
    assert (order["Status"], order["Lines"][0]["IsFulfillmentByMarketplace"]) == ("SHIPPED", True)
    assert tenant.content("/v2/orders?excludeMarketplaceFulfilledOrdersAndLines=true") == []
    assert tenant.order(order_id)["fulfilled_by"] == "channel"


def test_an_order_that_needs_correction_is_not_new(tenant: Tenant) -> None:
    order_id = tenant.portal.place([("ATLAS", 1)])
    tenant.portal.need_correction(order_id)
    assert tenant.content("/v2/orders/new") == []
    assert len(tenant.content("/v2/orders?statuses=REQUIRES_CORRECTION")) == 1
    tenant.send("POST", "/v2/orders/acknowledge", {"OrderId": int(order_id), "MerchantOrderNo": "SO-1"}, 400)
    tenant.portal.correct(order_id)
    assert len(tenant.content("/v2/orders/new")) == 1


def test_a_comment_is_kept_under_either_number(tenant: Tenant) -> None:
    order_id, number = tenant.acknowledged(("ATLAS", 1))
    tenant.send("PUT", "/v2/orders/comment", {"MerchantComment": "Gift", "MerchantOrderNo": number})
    assert tenant.content("/v2/orders")[0]["MerchantComment"] == "Gift"
    tenant.send("PUT", "/v2/orders/comment", {"MerchantComment": "No gift", "OrderId": int(order_id)})
    assert tenant.content("/v2/orders")[0]["MerchantComment"] == "No gift"
    tenant.send("PUT", "/v2/orders/comment", {"MerchantComment": "?", "OrderId": 1}, 404)


# -- lists ---------------------------------------------------------------------------------------------------------


def test_orders_are_found_by_every_documented_filter(tenant: Tenant) -> None:
    first, number = tenant.acknowledged(("ATLAS", 1), channel_id=21, buyer="ada@buyer.example")
    tenant.move(hours=1)
    second = tenant.portal.place([("LAMP", 1)], channel_id=34)
    channel_no = tenant.portal.order(second).channel_order_no

    def found(query: str) -> list[str]:
        return [str(one["Id"]) for one in tenant.content(f"/v2/orders?{query}")]

    assert found("") == [first, second]
    assert found("Statuses=NEW&statuses=IN_PROGRESS") == [first, second]
    assert found("statuses=IN_PROGRESS") == found("isAcknowledged=true") == [first]
    assert found(f"merchantOrderNos={number}") == found("emailAddresses=ada@buyer.example") == [first]
    assert found(f"channelOrderNos={channel_no}") == found("channelIds=34") == [second]
    assert found("fromDate=2026-11-02T10:00:00Z") == [second]
    assert found("toDate=2026-11-02T10:00:00Z") == [first]
    assert found("fromCreatedAtDate=2026-11-02T10:00:00%2B01:00") == [first, second]
    assert found("fromUpdatedAtDate=2026-11-02T09:30:00") == [second]
    assert found("toAcknowledgedDate=2026-11-02T09:00:01Z") == [first]
    assert found("stockLocationIds=1") == [first, second]
    assert found("stockLocationIds=2") == found("fulfillmentType=ONLY_CHANNEL") == found("fulfillmentType=MIXED") == []
    assert found("fulfillmentType=ONLY_MERCHANT") == [first, second]


@pytest.mark.parametrize(
    "query", ["statuses=ON_ICE", "fromDate=yesterday", "channelIds=bol", "page=0", "page=x", "isAcknowledged=perhaps"]
)
def test_a_filter_that_cannot_be_read_is_refused(tenant: Tenant, query: str) -> None:
    answer = tenant.call("GET", f"/v2/orders?{query}")
    assert answer.status == 400
    assert list(answer.json()["ValidationErrors"]) == [query.partition("=")[0]]


def test_pages_hold_a_hundred_and_count_from_one(tenant: Tenant) -> None:
    tenant = Tenant(products=())
    tenant.send("POST", "/v2/products", [product(f"P{n}") for n in range(230)])
    pages = [tenant.get(f"/v2/products?page={n}") for n in (1, 2, 3, 4)]
    assert [one["Count"] for one in pages] == [100, 100, 30, 0]
    assert {(one["TotalCount"], one["ItemsPerPage"]) for one in pages} == {(230, 100)}
    assert len({row["MerchantProductNo"] for one in pages for row in one["Content"]}) == 230


def product(sku: str) -> dict[str, Any]:
    return {"MerchantProductNo": sku, "Name": sku, "Price": 5, "Ean": "8712345678906", "CategoryTrail": "A > B"}


# -- shipping ------------------------------------------------------------------------------------------------------


def test_an_order_is_shipped_when_nothing_is_left_of_it(tenant: Tenant) -> None:
    order_id, number = tenant.acknowledged(("ATLAS", 2), ("LAMP", 1))
    tenant.ship(number, ("ATLAS", 1), key="P1")
    assert tenant.status(order_id) == "IN_PROGRESS"
    tenant.ship(number, ("ATLAS", 1), ("LAMP", 1), key="P2")
    assert tenant.status(order_id) == "SHIPPED"
    books = tenant.system.books()
    assert [(one["key"], list(one["lines"].values())) for one in books["shipments"]] == [("P1", [1]), ("P2", [1, 1])]
    assert books["shipments"][0]["carrier"] == "PostNL"
    assert books["shipments"][0]["tracking"] == "3SABC123"
    tenant.move(days=15)
    assert tenant.status(order_id) == "CLOSED"


def test_one_product_on_two_lines_is_spread_over_them(tenant: Tenant) -> None:
    order_id, number = tenant.acknowledged(("ATLAS", 1), ("ATLAS", 2))
    tenant.ship(number, ("ATLAS", 2), ("ATLAS", 1))
    assert [line["shipped"] for line in tenant.order(order_id)["lines"]] == [1, 2]


def test_a_shipment_number_is_taken_once(tenant: Tenant) -> None:
    _, number = tenant.acknowledged(("ATLAS", 2))
    tenant.ship(number, ("ATLAS", 1), key="P1")
    assert "MerchantShipmentNo" in complaints(tenant.ship(number, ("ATLAS", 1), key="P1", status=409))
    assert tenant.system.books()["applied"]["ShipmentCreate"] == {"P1": 1}


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"MerchantOrderNo": "nobody's"}, 404, "MerchantOrderNo"),
        ({"Lines": [{"MerchantProductNo": "LAMP", "Quantity": 1}]}, 404, "Lines"),
        ({"Lines": [{"MerchantProductNo": "ATLAS", "Quantity": 3}]}, 400, "Lines"),
        ({"Lines": [{"MerchantProductNo": "ATLAS", "Quantity": 0}]}, 400, "Lines"),
        ({"Lines": [{"MerchantProductNo": "ATLAS", "Quantity": -1}]}, 400, "Lines[0].Quantity"),
        ({"Lines": [{"MerchantProductNo": "ATLAS", "Quantity": "1"}]}, 400, "Lines[0].Quantity"),
        ({"Lines": [{"Quantity": 1}]}, 400, "Lines[0].MerchantProductNo"),
        ({"Lines": []}, 400, "Lines"),
        ({"MerchantShipmentNo": None}, 400, "MerchantShipmentNo"),
        ({"TrackTraceNo": "T" * 51}, 400, "TrackTraceNo"),
        ({"Method": 5}, 400, "Method"),
        ({"ShipmentDate": "tomorrow"}, 400, "ShipmentDate"),
    ],
)
def test_a_shipment_that_cannot_be_is_refused_and_changes_nothing(
    tenant: Tenant, changed: dict[str, Any], status: int, field: str
) -> None:
    order_id, number = tenant.acknowledged(("ATLAS", 2))
    answer = tenant.send("POST", "/v2/shipments", {**parcel(number, ("ATLAS", 1)), **changed}, status)
    assert field in complaints(answer)
    assert tenant.order(order_id)["lines"][0]["shipped"] == 0


def test_a_body_that_is_not_json_is_refused(tenant: Tenant) -> None:
    for body in (b"{", b"[]", b'{"Quantity": NaN}', b"\xff"):
        assert tenant.call("POST", "/v2/shipments", body).status == 400


def test_tracking_may_come_later(tenant: Tenant) -> None:
    _, number = tenant.acknowledged(("ATLAS", 1))
    tenant.ship(number, ("ATLAS", 1), key="P1")
    tenant.move(minutes=5)
    tenant.send("PUT", "/v2/shipments/P1", {"Method": "DHL", "TrackTraceNo": "JD1"})
    [found] = tenant.content("/v2/shipments/merchant?merchantShipmentNos=P1")
    assert (found["Method"], found["TrackTraceNo"]) == ("DHL", "JD1")
    assert found["ChannelShipmentNo"] is not None
    assert found["UpdatedAt"] > found["CreatedAt"]
    tenant.send("PUT", "/v2/shipments/P2", {"Method": "DHL", "TrackTraceNo": "JD1"}, 404)
    assert "TrackTraceNo" in complaints(tenant.send("PUT", "/v2/shipments/P1", {"Method": "DHL"}, 400))
    assert tenant.content("/v2/shipments/merchant?method=PostNL") == []
    assert len(tenant.content(f"/v2/shipments/merchant?merchantOrderNos={number}&fromUpdateDate=2026-11-02")) == 1


# -- cancelling ----------------------------------------------------------------------------------------------------


def test_what_the_merchant_cannot_send_is_manco(tenant: Tenant) -> None:
    order_id, number = tenant.acknowledged(("ATLAS", 2))
    tenant.cancel(number, ("ATLAS", 2))
    assert tenant.status(order_id) == "MANCO"
    assert tenant.order(order_id)["cancelled_by"] == "seller"
    tenant.ship(number, ("ATLAS", 1), status=400)


def test_a_part_cancelled_and_the_rest_sent_is_shipped(tenant: Tenant) -> None:
    order_id, number = tenant.acknowledged(("ATLAS", 2), ("LAMP", 1))
    tenant.cancel(number, ("LAMP", 1))
    tenant.ship(number, ("ATLAS", 2))
    [order] = tenant.content("/v2/orders")
    assert (order["Status"], [line["Status"] for line in order["Lines"]]) == ("SHIPPED", ["SHIPPED", "MANCO"])
    assert tenant.order(order_id)["cancelled_by"] is None


def test_a_cancellation_number_is_taken_once(tenant: Tenant) -> None:
    _, number = tenant.acknowledged(("ATLAS", 2))
    tenant.cancel(number, ("ATLAS", 1), key="X1")
    tenant.cancel(number, ("ATLAS", 1), key="X1", status=409)
    tenant.cancel(number, ("ATLAS", 2), key="X2", status=400)
    assert tenant.system.books()["applied"]["CancellationCreate"] == {"X1": 1}
    [found] = tenant.content("/v2/cancellations/merchant?createdSince=2026-11-02T09:00:00Z")
    assert (found["MerchantCancellationNo"], found["ReasonCode"]) == ("X1", "NOT_IN_STOCK")
    assert tenant.content("/v2/cancellations/merchant?createdSince=2026-11-03") == []


def test_a_buyer_who_asks_before_we_took_over_is_cancelled_at_once(tenant: Tenant) -> None:
    order_id = tenant.portal.place([("ATLAS", 1)])
    tenant.portal.ask_cancel(order_id)
    assert (tenant.status(order_id), tenant.order(order_id)["cancelled_by"]) == ("CANCELED", "buyer")
    assert tenant.content("/v2/orders/new") == []


def test_a_buyer_who_asks_later_has_only_asked(tenant: Tenant) -> None:
    order_id, number = tenant.acknowledged(("ATLAS", 3))
    tenant.ship(number, ("ATLAS", 1))
    tenant.portal.ask_cancel(order_id)
    [order] = tenant.content("/v2/orders?onlyWithCancellationRequests=true")
    assert (order["Status"], order["Lines"][0]["CancellationRequestedQuantity"]) == ("IN_PROGRESS", 2)
    assert len(tenant.content("/v2/notifications?types=CHANNEL_ORDER_CANCELLATION_REQUEST_NEW")) == 1
    tenant.cancel(number, ("ATLAS", 2))
    assert tenant.content("/v2/orders?onlyWithCancellationRequests=true") == []
    assert tenant.status(order_id) == "SHIPPED"
    with pytest.raises(ValueError, match="nothing"):
        tenant.portal.ask_cancel(order_id)


def test_a_channel_cancels_at_once_what_has_not_left(tenant: Tenant) -> None:
    order_id, number = tenant.acknowledged(("ATLAS", 2))
    tenant.portal.cancel(order_id)
    assert (tenant.status(order_id), tenant.order(order_id)["cancelled_by"]) == ("CANCELED", "channel")
    tenant.ship(number, ("ATLAS", 1), status=400)
    assert tenant.system.books()["cancellations"][0]["by"] == "channel"


def test_an_order_cancelled_before_we_came_can_still_be_given_its_number(tenant: Tenant) -> None:
    order_id = tenant.portal.place([("ATLAS", 1)])
    tenant.portal.cancel(order_id)
    tenant.send("POST", "/v2/orders/acknowledge", {"OrderId": int(order_id), "MerchantOrderNo": "SO-1"})
    assert (tenant.status(order_id), tenant.content("/v2/orders?merchantOrderNos=SO-1")[0]["Id"]) == (
        "CANCELED",
        int(order_id),
    )


def test_a_channel_gives_up_on_what_is_not_sent_in_time() -> None:
    tenant = Tenant(auto_cancel_after=timedelta(days=3))
    kept, number = tenant.acknowledged(("ATLAS", 1))
    lost, _ = tenant.acknowledged(("LAMP", 1))
    untouched = tenant.portal.place([("STRAP", 1)])
    tenant.ship(number, ("ATLAS", 1))
    tenant.move(days=4, hours=23)
    assert tenant.status(lost) == "IN_PROGRESS"
    tenant.move(hours=1)
    assert [tenant.status(one) for one in (kept, lost, untouched)] == ["SHIPPED", "CANCELED", "CANCELED"]
    assert tenant.order(lost)["cancelled_by"] == tenant.order(untouched)["cancelled_by"] == "channel"
    assert tenant.portal.health()["cancellations"] == pytest.approx(2 / 3)


def test_cancelled_goods_are_for_sale_again_unless_the_merchant_has_none(tenant: Tenant) -> None:
    order_id, number = tenant.acknowledged(("STRAP", 1), channel_id=21)
    tenant.cancel(number, ("STRAP", 1))
    other = tenant.portal.place([("STRAP", 1)], channel_id=21)
    tenant.portal.cancel(other)
    tenant.move(minutes=5)
    assert tenant.portal.stock("STRAP") == 2
    assert tenant.status(order_id) == "MANCO"


def test_late_shipments_are_measured(tenant: Tenant) -> None:
    tenant.shipped(("ATLAS", 1))
    _, number = tenant.acknowledged(("LAMP", 1))
    tenant.move(days=3)
    tenant.ship(number, ("LAMP", 1))
    assert tenant.portal.health() == {"orders": 2.0, "late_shipments": 0.5, "cancellations": 0.0, "defects": 0.0}
    assert START + timedelta(days=3) == tenant.clock.at


def test_people_hear_of_orders(tenant: Tenant) -> None:
    heard: list[tuple[str, str]] = []
    tenant.portal.subscribe(lambda topic, subject: heard.append((topic, subject)))
    order_id, _ = tenant.acknowledged(("ATLAS", 1))
    tenant.portal.cancel(order_id)
    assert heard[0] == ("order.placed", order_id)
    assert heard[-1] == ("order.cancelled", order_id)
    assert ("order.updated", order_id) in heard
    assert tenant.portal.waiting()["unshipped orders"] == 0
