"""Parcels out and parcels back."""

from typing import Any

import pytest
from sandbox.mirakl.mirakl_market import OPERATOR, Market

SHOP = "shop-2001-key"


def _parcel(order_id: str, quantity: int, **fields: Any) -> dict[str, Any]:
    lines = [{"order_line_id": f"{order_id}-1", "quantity": quantity}]
    return {"order_id": order_id, "shipment_lines": lines, "tracking": {"tracking_number": "1Z"}, **fields}


def _send(market: Market, *parcels: dict[str, Any]) -> dict[str, Any]:
    answer = market.post("/api/shipments", {"shipments": list(parcels)}, SHOP)
    assert answer.status == 201
    body: dict[str, Any] = answer.json
    return body


def test_an_order_is_shipped_when_its_last_parcel_has_left(market: Market) -> None:
    order_id = market.paid_order((101, 3))
    first = _send(market, _parcel(order_id, 1, shipped=True))["shipment_success"][0]
    assert (first["status"], first["shipped_date"]) == ("SHIPPED", "2026-11-02T09:00:00Z")
    assert market.order(order_id)["order_state"] == "SHIPPING"
    second = _send(market, _parcel(order_id, 2))["shipment_success"][0]
    assert (second["status"], second["shipped_date"]) == ("SHIPPING", None)
    assert market.put("/api/shipments/ship", {"shipments": [{"id": second["id"]}]}, SHOP).json["shipment_errors"] == []
    assert market.order(order_id)["order_state"] == "SHIPPED"
    again = market.put("/api/shipments/ship", {"shipments": [{"id": second["id"]}]}, SHOP).json
    assert (again["shipment_success"], [error["id"] for error in again["shipment_errors"]]) == ([], [second["id"]])


def test_each_parcel_of_a_batch_succeeds_or_fails_by_itself(market: Market) -> None:
    order_id = market.paid_order((101, 2))
    unpaid = market.buy((101, 1))[0]["order_id"]
    sku = {"order_id": order_id, "shipment_lines": [{"offer_sku": "HB-1", "quantity": 1}]}
    body = _send(
        market,
        _parcel(order_id, 1),
        _parcel(order_id, 2),
        _parcel(order_id, 0),
        _parcel(unpaid, 1),
        _parcel("nowhere-A", 1),
        {"order_id": order_id},
        {"order_id": order_id, "shipment_lines": [{"order_line_id": "x", "quantity": 1}]},
        sku,
    )
    assert len(body["shipment_success"]) == 2
    assert [error["order_id"] for error in body["shipment_errors"]] == [order_id, order_id, unpaid, "nowhere-A"] + [
        order_id
    ] * 2


def test_tracking_of_a_parcel_can_be_told_later(market: Market) -> None:
    order_id = market.paid_order((101, 1))
    parcel = _send(market, _parcel(order_id, 1))["shipment_success"][0]
    tracking = {"carrier_code": "UPS", "tracking_number": "9Z", "tracking_url": "https://t.example/9Z"}
    rows = [{"id": parcel["id"], "tracking": tracking}, {"id": parcel["id"]}, {"id": "none", "tracking": tracking}]
    answer = market.post("/api/shipments/tracking", {"shipments": rows}, SHOP).json
    assert [row["id"] for row in answer["shipment_success"]] == [parcel["id"]]
    assert [row["id"] for row in answer["shipment_errors"]] == [parcel["id"], "none"]
    [listed] = market.get("/api/shipments").json["data"]
    assert (listed["tracking"]["carrier_code"], listed["tracking"]["tracking_number"]) == ("UPS", "9Z")


def test_ship_confirmation_sends_what_remains_and_what_was_announced(market: Market) -> None:
    order_id = market.paid_order((101, 3))
    _send(market, _parcel(order_id, 1))
    assert market.put(f"/api/orders/{order_id}/ship", key=SHOP).status == 204
    parcels = market.get("/api/shipments").json["data"]
    assert [(p["status"], p["shipment_lines"][0]["quantity"]) for p in parcels] == [("SHIPPED", 1), ("SHIPPED", 2)]
    assert market.order(order_id)["order_state"] == "SHIPPED"
    assert market.put(f"/api/orders/{order_id}/ship", key=SHOP).codes == ["ORDER_INVALID_STATE"]


def test_a_batch_has_an_end(market: Market) -> None:
    assert market.post("/api/shipments", {"shipments": [_parcel("x", 1)] * 101}, SHOP).status == 400
    assert market.post("/api/shipments", {"shipments": []}, SHOP).status == 400
    assert market.post("/api/returns", {"returns": [{}] * 101}).status == 400


# -- returns -------------------------------------------------------------------------------------------------------


def _return_row(order_id: str, quantity: int = 1, **fields: Any) -> dict[str, Any]:
    lines = [{"order_line_id": f"{order_id}-1", "quantity": quantity, "reason_code": "CHANGED_MIND"}]
    return {"order_commercial_id": order_id[:-2], "method_code": "STANDARD", "return_lines": lines, **fields}


def _create(market: Market, row: dict[str, Any]) -> dict[str, Any]:
    [created] = market.post("/api/returns", {"returns": [row]}).json["return_success"]
    found: dict[str, Any] = created
    return found


def _step(market: Market, path: str, return_id: str, **fields: Any) -> bool:
    answer = market.put(f"/api/returns/{path}", {"returns": [{"id": return_id, **fields}]}, OPERATOR).json
    return bool(answer["return_success"])


def test_a_return_goes_from_asked_to_closed_and_its_goods_are_refunded(market: Market) -> None:
    order_id = market.received_order((101, 2))
    created = _create(market, _return_row(order_id))
    assert (created["state"], created["order_id"], created["rma"]) == ("WAITING_ACCEPTANCE", order_id, "RMA-000001")
    return_id = created["id"]
    assert not _step(market, "receive", return_id)
    assert _step(market, "accept", return_id, accepted=True)
    assert not _step(market, "accept", return_id, accepted=True)
    assert _step(market, "receive", return_id)
    judged = [{"order_line_id": f"{order_id}-1", "compliant": True}]
    assert _step(market, "compliance", return_id, return_lines=judged)
    assert not _step(market, "compliance", return_id, return_lines=judged)
    assert _step(market, "close", return_id)
    [listed] = market.get("/api/returns").json["data"]
    assert (listed["state"], listed["return_lines"][0]["compliance"][0]["compliant"]) == ("CLOSED", True)
    [refund] = market.order(order_id)["order_lines"][0]["refunds"]
    assert (str(refund["amount"]), refund["shipping_amount"], refund["quantity"]) == ("19.99", 0, 1)


def test_a_return_of_every_unit_refunds_the_shipping_too(market: Market) -> None:
    order_id = market.received_order((101, 2))
    return_id = market.portal.create_return(order_id, {f"{order_id}-1": 2}, "DEFECTIVE")
    market.portal.accept_return(return_id)
    [refund_id] = market.portal.receive_return(return_id, compliant=True)
    assert market.mirakl.platform.tables.refunds[refund_id].total_minor == 2 * 1_999 + 2 * 350


def test_damaged_or_refused_returns_refund_nothing(market: Market) -> None:
    order_id = market.received_order((101, 2))
    damaged = market.portal.create_return(order_id, {f"{order_id}-1": 1}, "CHANGED_MIND")
    market.portal.accept_return(damaged)
    assert market.portal.receive_return(damaged, compliant=False) == []
    refused = _create(market, _return_row(order_id))["id"]
    assert _step(market, "accept", refused, accepted=False, rejection_reason_code="RETURN_REJECTION_WINDOW_CLOSED")
    [_, listed] = market.get("/api/returns").json["data"]
    assert (listed["state"], listed["rejection_reason_code"]) == ("REFUSED", "RETURN_REJECTION_WINDOW_CLOSED")
    assert market.order(order_id)["order_lines"][0]["refunds"] == []


def test_no_more_units_come_back_than_were_sent(market: Market) -> None:
    order_id = market.received_order((101, 2))
    first = _create(market, _return_row(order_id, 2, accepted=True))
    assert first["state"] == "IN_PROGRESS"
    answer = market.post("/api/returns", {"returns": [_return_row(order_id, 1)]}).json
    assert (answer["return_success"], len(answer["return_errors"])) == ([], 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"order_commercial_id": "nowhere"},
        {"order_commercial_id": None},
        {"method_code": None},
        {"return_lines": []},
        {"return_lines": [{"order_line_id": "x-A-1", "quantity": 1, "reason_code": "R"}]},
        {"return_lines": [{"order_line_id": "{o}-1", "quantity": 1}]},
    ],
)
def test_a_return_that_names_no_delivered_line_is_an_error_of_its_own(market: Market, changed: dict[str, Any]) -> None:
    order_id = market.received_order((101, 2))
    answer = market.post("/api/returns", {"returns": [{**_return_row(order_id), **changed}, _return_row(order_id)]})
    assert answer.status == 200
    assert (len(answer.json["return_errors"]), len(answer.json["return_success"])) == (1, 1)


def test_goods_that_have_not_left_cannot_come_back(market: Market) -> None:
    order_id = market.paid_order((101, 1))
    assert len(market.post("/api/returns", {"returns": [_return_row(order_id)]}).json["return_errors"]) == 1


# -- goods that need not leave any more ----------------------------------------------------------------------------


def _refund_whole(market: Market, order_id: str, line: int, minor: int, shipping: int) -> None:
    line_id = f"{order_id}-{line}"
    assert market.pay_back(market.portal.refund(order_id, line_id, minor, "NOT_RECEIVED", shipping)).status == 204


def test_a_line_refunded_whole_before_it_left_need_not_be_shipped(market: Market) -> None:
    order_id = market.paid_order((101, 1), (102, 1))
    _refund_whole(market, order_id, 1, 1_999, 350)
    assert market.put(f"/api/orders/{order_id}/ship").status == 204
    order = market.order(order_id)
    assert (order["order_state"], [line["order_line_state"] for line in order["order_lines"]]) == (
        "SHIPPED",
        ["REFUNDED", "SHIPPED"],
    )
    [parcel] = market.get("/api/shipments").json["data"]
    assert [line["order_line_id"] for line in parcel["shipment_lines"]] == [f"{order_id}-2"]


def test_an_order_refunded_whole_before_it_left_is_over(market: Market) -> None:
    order_id = market.paid_order((101, 1))
    parcel = _send(market, _parcel(order_id, 1))["shipment_success"][0]["id"]
    _refund_whole(market, order_id, 1, 1_999, 350)
    assert market.order(order_id)["order_state"] == "CLOSED"
    assert market.get("/api/shipments").json["data"][0]["status"] == "CANCELED"
    assert market.put("/api/shipments/ship", {"shipments": [{"id": parcel}]}).json["shipment_success"] == []


def test_units_excluded_from_the_shipment_by_a_refund_stay_where_they_are(market: Market) -> None:
    order_id = market.paid_order((101, 2))
    market.portal.ship_part(order_id, {f"{order_id}-1": 1}, "DHL", "1Z")
    row = {"order_line_id": f"{order_id}-1", "amount": 19.99, "shipping_amount": 0, "reason_code": "OUT_OF_STOCK"}
    rows = [{**row, "quantity": 1, "excluded_from_shipment": True}]
    [refund] = market.put("/api/orders/refund", {"refunds": rows}, OPERATOR).json["refunds"]
    assert refund["excluded_from_shipment"] is True
    assert market.order(order_id)["order_state"] == "SHIPPING"
    market.pay_back(refund["refund_id"])
    order = market.order(order_id)
    assert (order["order_state"], order["order_lines"][0]["order_line_state"]) == ("SHIPPED", "SHIPPED")


def test_cancelling_an_order_cancels_its_announced_parcels(market: Market) -> None:
    order_id = market.buy((101, 2), payment_workflow="PAY_ON_SHIPMENT")[0]["order_id"]
    market.accept(order_id)
    parcel = _send(market, _parcel(order_id, 2))["shipment_success"][0]["id"]
    assert market.put(f"/api/orders/{order_id}/cancel", key=OPERATOR).status == 204
    assert market.put("/api/shipments/ship", {"shipments": [{"id": parcel}]}).json["shipment_success"] == []
    assert market.order(order_id)["order_state"] == "CANCELED"
