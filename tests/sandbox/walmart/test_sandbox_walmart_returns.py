"""Returns: opened by a buyer, delivered, refunded by the seller, or by the channel when the seller does not."""

from typing import Any

import pytest
from sandbox.walmart.walmart_shop import Shop


def _refund(shop: Shop, return_id: str, *rows: tuple[int, Any]) -> Any:
    customer = shop.get(f"/v3/returns?returnOrderId={return_id}").json["returnOrders"][0]["customerOrderId"]
    lines = [
        {"returnOrderLineNumber": number, "quantity": {"unitOfMeasure": "EACH", "measurementValue": count}}
        for number, count in rows
    ]
    return shop.post(f"/v3/returns/{return_id}/refund", {"customerOrderId": customer, "refundLines": lines})


def _status(shop: Shop, return_id: str) -> tuple[str, str, str]:
    one = shop.get(f"/v3/returns?returnOrderId={return_id}").json["returnOrders"][0]["returnOrderLines"][0]
    return one["status"], one["returnTrackingDetail"][-1]["eventTag"], one["currentRefundStatus"]


def test_a_return_is_initiated_delivered_and_completed_by_the_sellers_refund(shop: Shop) -> None:
    order_id = shop.shipped_order(("LAMP", 3))
    return_id = shop.portal.open_return(order_id, [("1", 2)], "Damaged")
    assert _status(shop, return_id) == ("INITIATED", "RETURN_INITIATED", "NOT_REFUNDED")
    shop.move(days=4)
    assert _status(shop, return_id) == ("DELIVERED", "DELIVERED_AT_RETURN_CENTER", "NOT_REFUNDED")
    assert _refund(shop, return_id, (1, 1)).status == 200
    assert shop.statuses(order_id) == {"Delivered": 2, "Refund": 1}
    assert _refund(shop, return_id, (1, 2)).status == 400
    assert _refund(shop, return_id, (1, 1)).status == 200
    assert _status(shop, return_id) == ("COMPLETED", "REFUND_ISSUED", "REFUND_ISSUED")
    refunds = shop.walmart.books()["refunds"]
    assert [(one["amount_minor"], one["by"]) for one in refunds] == [(4_550 + 495 + 375 + 41, "seller")] * 2
    shop.move(days=10)
    assert len(shop.walmart.books()["refunds"]) == 2
    assert shop.portal.waiting()["returns"] == 0


def test_a_return_left_lying_is_refunded_by_the_channel(shop: Shop) -> None:
    order_id = shop.shipped_order(("ATLAS", 1))
    shop.portal.open_return(order_id, [("1", 1)], "Changed mind")
    shop.move(days=5, hours=23)
    assert shop.walmart.books()["refunds"] == []
    shop.move(hours=1)
    assert [one["by"] for one in shop.walmart.books()["refunds"]] == ["channel"]
    assert shop.walmart.books()["returns"][0]["state"] == "closed"


def test_a_returned_line_that_was_refunded_on_the_order_is_not_paid_twice(shop: Shop) -> None:
    order_id = shop.shipped_order(("ATLAS", 1))
    return_id = shop.portal.open_return(order_id, [("1", 1)], "Changed mind")
    shop.refund_whole(order_id, "1")
    assert _refund(shop, return_id, (1, 1)).status == 200
    shop.move(days=10)
    line = shop.books_order(order_id)["lines"][0]
    assert line["refunded_minor"] == 1_999 + 165
    assert _status(shop, return_id)[0] == "COMPLETED"


@pytest.mark.parametrize("rows", [[(2, 1)], [(1, 0)], [(1, 1.5)], [(1, 2)], [(1, 1), (1, 1)], []])
def test_a_return_refund_that_makes_no_sense_gives_nothing_back(shop: Shop, rows: list[tuple[int, Any]]) -> None:
    order_id = shop.shipped_order(("ATLAS", 2))
    return_id = shop.portal.open_return(order_id, [("1", 1)], "Damaged")
    assert _refund(shop, return_id, *rows).codes == ["INVALID_REQUEST_CONTENT.GMP_RETURN_API"]
    assert shop.walmart.books()["refunds"] == []


def test_a_return_belongs_to_its_customer_order_and_exists(shop: Shop) -> None:
    order_id = shop.shipped_order(("ATLAS", 1))
    return_id = shop.portal.open_return(order_id, [("1", 1)], "Damaged")
    body = {"customerOrderId": "1", "refundLines": [{"returnOrderLineNumber": 1}]}
    assert shop.post(f"/v3/returns/{return_id}/refund", body).status == 400
    assert shop.post("/v3/returns/1/refund", body).status == 404


def test_returns_of_walmart_fulfilled_orders_can_only_be_looked_at(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)], fulfilled_by="marketplace")
    shop.move(days=2)
    return_id = shop.portal.open_return(order_id, [("1", 1)], "Damaged")
    assert _refund(shop, return_id, (1, 1)).status == 400
    shop.move(days=6)
    assert [one["by"] for one in shop.walmart.books()["refunds"]] == ["channel"]


@pytest.mark.parametrize("lines", [[], [("1", 3)], [("1", 1), ("1", 2)], [("9", 1)], [("1", 0)]])
def test_a_buyer_returns_only_what_he_has(shop: Shop, lines: list[tuple[str, int]]) -> None:
    order_id = shop.shipped_order(("ATLAS", 2))
    with pytest.raises(ValueError, match="return"):
        shop.portal.open_return(order_id, lines, "Damaged")
    shop.portal.open_return(order_id, [("1", 2)], "Damaged")
    with pytest.raises(ValueError, match="return"):
        shop.portal.open_return(order_id, [("1", 1)], "Damaged")


def test_returns_are_found_by_filter_and_come_by_page(shop: Shop) -> None:
    ids = []
    for _ in range(3):
        order_id = shop.shipped_order(("ATLAS", 1))
        ids.append(shop.portal.open_return(order_id, [("1", 1)], "Damaged"))
        shop.move(days=1)

    def found(query: str) -> list[str]:
        return [one["returnOrderId"] for one in shop.get(f"/v3/returns?{query}").json["returnOrders"]]

    page = shop.get("/v3/returns?limit=2").json
    assert [one["returnOrderId"] for one in page["returnOrders"]] == ids[:2]
    assert found(f"limit=2&nextCursor={page['meta']['nextCursor']}") == ids[2:]
    assert found("returnCreationStartDate=2026-11-03") == ids[1:]
    assert found("returnCreationEndDate=2026-11-03") == ids[:1]
    shop.move(days=1)
    assert found("status=DELIVERED") == ids[:1]
    assert found("returnLastModifiedStartDate=2026-11-05T12:00:00Z") == ids[:1]
    assert found("returnLastModifiedEndDate=2026-11-05T12:00:00Z") == ids[1:]
    assert shop.get("/v3/returns?status=LOST").status == 400
    assert shop.get("/v3/returns?nextCursor=x").status == 400
