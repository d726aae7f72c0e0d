"""The life of a basket's legs at the marketplace: split, decided, paid, shipped, received, closed; or not."""

from collections.abc import Callable
from typing import Any

import pytest
from sandbox.mirakl.mirakl_market import OPERATOR, Market, debit_of, ids

MakeMarket = Callable[..., Market]


def _states(market: Market, order_id: str) -> tuple[str, list[str]]:
    order = market.order(order_id)
    return order["order_state"], [line["order_line_state"] for line in order["order_lines"]]


def _decide(market: Market, order_id: str, rows: Any, key: str = OPERATOR) -> Any:
    return market.put(f"/api/orders/{order_id}/accept", {"order_lines": rows}, key)


# -- OR01 ----------------------------------------------------------------------------------------------------------


def test_a_basket_of_two_sellers_becomes_two_legs_named_after_it(market: Market) -> None:
    orders = market.buy((101, 2), (201, 1), (102, 1), commercial_id="B7")
    assert ids(orders) == ["B7-A", "B7-B"]
    assert [[line["order_line_id"] for line in order["order_lines"]] for order in orders] == [
        ["B7-A-1", "B7-A-2"],
        ["B7-B-1"],
    ]
    assert {order["commercial_id"] for order in orders} == {"B7"}
    assert {order["order_state"] for order in orders} == {"WAITING_ACCEPTANCE"}
    assert orders[0]["total_price"] == orders[0]["price"] + orders[0]["shipping_price"]
    assert str(orders[0]["total_price"]) == "54.03"


def test_a_basket_sent_twice_is_refused_and_stays_one(market: Market) -> None:
    basket = market.basket((101, 1), commercial_id="B8")
    assert market.post("/api/orders", basket).status == 201
    again = market.post("/api/orders", basket)
    assert (again.status, again.codes) == (400, ["COMMERCIAL_ID_ALREADY_USED"])
    assert market.get("/api/orders").json["total_count"] == 1
    [written] = [row for row in market.mirakl.books()["writes"] if row["operation"] == "OR01"]
    assert (written["count_applied"], written["calls"]) == (1, 2)


def test_a_basket_with_one_offer_that_cannot_be_ordered_creates_nothing(market: Market) -> None:
    answer = market.post("/api/orders", market.basket((101, 1), (202, 4)))
    assert answer.json["orders"] == []
    assert [error["error_code"] for error in answer.json["offers_errors"]] == ["INSUFFICIENT_QUANTITY"]
    assert market.get("/api/orders").json["total_count"] == 0
    line = {**market.basket((101, 1))["offers"][0], "offer_id": 999}
    unknown = market.post("/api/orders", market.basket((101, 1), offers=[line]))
    assert [error["error_code"] for error in unknown.json["offers_errors"]] == ["OFFER_NOT_FOUND"]
    odd = market.post(
        "/api/orders", market.basket((101, 1), offers=[{**line, "offer_id": 101, "shipping_type_code": "X"}])
    )
    assert odd.json["offers_not_shippable"] == [{"offer_id": 101, "error_code": "SHIPPING_TYPE_NOT_ALLOWED"}]


def test_an_offer_of_a_closed_shop_or_another_currency_cannot_be_ordered(market: Market) -> None:
    market.portal.set_shop_state(2001, "SUSPENDED", "MANUAL")
    closed = market.post("/api/orders", market.basket((101, 1))).json
    assert closed["offers_errors"][0]["error_code"] == "OFFER_INACTIVE"
    other = market.post("/api/orders", market.basket((201, 1), currency_iso_code="USD")).json
    assert other["offers_errors"][0]["error_code"] == "CURRENCY_MISMATCH"


@pytest.mark.parametrize(
    "changed",
    [
        {"commercial_id": ""},
        {"customer": None},
        {"customer": {"customer_id": "x"}},
        {"offers": []},
        {"offers": [None]},
        {"offers": [{"offer_id": 101, "offer_price": 19.99, "price": 20, "quantity": 1}]},
        {"offers": [{"offer_id": 101, "offer_price": 19.999, "price": 19.999, "quantity": 1}]},
        {"offers": [{"offer_id": 101, "offer_price": 19.99, "price": 19.99, "quantity": 0}]},
        {"offers": [{"offer_id": 101, "offer_price": "19.99", "price": "19.99", "quantity": 1}]},
        {"currency_iso_code": "XXX"},
        {"payment_workflow": "PAY_SOMEDAY"},
    ],
)
def test_a_basket_that_does_not_add_up_is_refused(market: Market, changed: dict[str, Any]) -> None:
    answer = market.post("/api/orders", {**market.basket((101, 1)), **changed})
    assert (answer.status, answer.codes) == (400, ["VALIDATION_ERROR"])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"commercial_id": NaN}', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(market: Market, body: bytes) -> None:
    answer = market.call("POST", "/api/orders", body)
    assert (answer.status, answer.codes) == (400, ["VALIDATION_ERROR"])


def test_an_unscored_basket_waits_in_staging_until_the_fraud_check_ends(market: Market) -> None:
    good, bad = market.buy((101, 1), scored=False)[0]["order_id"], market.buy((101, 1), scored=False)[0]["order_id"]
    assert _states(market, good) == ("STAGING", ["STAGING"])
    market.portal.score(good, passed=True)
    market.portal.score(bad, passed=False)
    assert _states(market, good) == ("WAITING_ACCEPTANCE", ["WAITING_ACCEPTANCE"])
    assert _states(market, bad) == ("CANCELED", ["CANCELED"])


def test_ordering_takes_stock_and_refusing_gives_it_back(market: Market) -> None:
    def stock() -> int:
        left: int = market.get("/api/offers?shop_id=2002&sku=QC-2").json["offers"][0]["quantity"]
        return left

    order_id = market.buy((202, 2))[0]["order_id"]
    assert stock() == 1
    _decide(market, order_id, [{"id": f"{order_id}-1", "accepted": False}])
    assert stock() == 3


# -- OR21 ----------------------------------------------------------------------------------------------------------


def test_refusing_one_line_leaves_the_rest_of_the_leg_alive(market: Market) -> None:
    order_id = market.buy((101, 2), (102, 1))[0]["order_id"]
    market.accept(order_id, f"{order_id}-1")
    assert _states(market, order_id) == ("WAITING_DEBIT", ["REFUSED", "WAITING_DEBIT"])
    assert str(market.order(order_id)["total_price"]) == "7.05"


def test_refusing_every_line_ends_the_leg_and_it_reads_as_nothing(market: Market) -> None:
    order_id = market.buy((101, 2))[0]["order_id"]
    answer = _decide(market, order_id, [{"id": f"{order_id}-1", "accepted": False}])
    assert (answer.status, answer.body) == (204, b"")
    order = market.order(order_id)
    assert order["order_state"] == "REFUSED"
    assert order["total_price"] == 0
    assert order["acceptance_decision_date"] == "2026-11-02T09:00:00Z"


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([{"id": "{o}-1", "accepted": True}], "ORDER_LINE_ACCEPTANCE_DECISION_MISSING"),
        ([{"id": "{o}-1", "accepted": True}, {"id": "{o}-1", "accepted": True}], "ORDER_LINE_DUPLICATE_ID"),
        ([{"id": "{o}-1", "accepted": True}, {"id": "{o}-9", "accepted": True}], "ORDER_LINE_NOT_FOUND"),
        ([{"id": "{o}-1", "accepted": True}, None], "ORDER_LINE_NULL_ELEMENT"),
        ([{"id": "{o}-1", "accepted": "yes"}], "VALIDATION_ERROR"),
        ([{"accepted": True}], "VALIDATION_ERROR"),
        ([], "VALIDATION_ERROR"),
        (None, "VALIDATION_ERROR"),
    ],
)
def test_a_decision_that_is_not_whole_is_refused_with_its_code(market: Market, rows: Any, code: str) -> None:
    order_id = market.buy((101, 1), (102, 1))[0]["order_id"]
    for row in rows or []:
        if row and "id" in row:
            row["id"] = row["id"].replace("{o}", order_id)
    answer = _decide(market, order_id, rows)
    assert (answer.status, answer.codes) == (400, [code])
    assert market.order(order_id)["order_state"] == "WAITING_ACCEPTANCE"


def test_deciding_twice_is_a_state_error(market: Market) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    market.accept(order_id)
    again = _decide(market, order_id, [{"id": f"{order_id}-1", "accepted": True}])
    assert (again.status, again.codes) == (400, ["ORDER_INVALID_STATE"])
    [written] = [row for row in market.mirakl.books()["writes"] if row["operation"] == "OR21"]
    assert (written["key"], written["count_applied"], written["calls"]) == (order_id, 1, 2)


def test_deciding_an_order_that_does_not_exist_is_not_found(market: Market) -> None:
    answer = _decide(market, "nowhere-A", [{"id": "nowhere-A-1", "accepted": True}])
    assert (answer.status, answer.codes) == (404, ["ORDER_NOT_FOUND"])


def test_a_platform_without_partial_acceptance_wants_all_or_nothing(make_market: MakeMarket) -> None:
    market = make_market(partial_acceptance=False)
    order_id = market.buy((101, 1), (102, 1))[0]["order_id"]
    rows = [{"id": f"{order_id}-1", "accepted": True}, {"id": f"{order_id}-2", "accepted": False}]
    assert _decide(market, order_id, rows).codes == ["ORDER_PARTIAL_ACCEPTANCE_DISABLED"]
    assert _decide(market, order_id, [{**row, "accepted": True} for row in rows]).status == 204


def test_a_seller_may_not_decide_what_the_operator_fulfils(market: Market) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    market.portal.order(order_id).fulfillment_center = "OPERATOR-HUB"
    rows = [{"id": f"{order_id}-1", "accepted": True}]
    assert _decide(market, order_id, rows, "shop-2001-key").codes == ["ORDER_FULFILLED_UNAUTHORIZED"]
    assert _decide(market, order_id, rows, OPERATOR).status == 204


# -- windows -------------------------------------------------------------------------------------------------------


def test_an_undecided_leg_is_refused_by_the_platform_when_its_window_ends(market: Market) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    market.move(hours=47, minutes=59)
    assert market.order(order_id)["order_state"] == "WAITING_ACCEPTANCE"
    market.move(minutes=1)
    order = market.order(order_id)
    assert order["order_state"] == "REFUSED"
    assert order["acceptance_decision_date"] is None


def test_an_unpaid_leg_is_cancelled_after_its_window(market: Market) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    market.accept(order_id)
    market.get("/api/payment/debit")
    market.move(hours=72)
    assert _states(market, order_id) == ("CANCELED", ["CANCELED"])
    assert market.get("/api/payment/debit").json["total_count"] == 0


# -- the way to the buyer ------------------------------------------------------------------------------------------


def test_a_leg_goes_from_acceptance_to_closed(market: Market) -> None:
    order_id = market.buy((101, 2))[0]["order_id"]
    seen = [_states(market, order_id)]
    market.accept(order_id)
    seen.append(_states(market, order_id))
    market.get("/api/payment/debit")
    seen.append(_states(market, order_id))
    market.pay(order_id)
    seen.append(_states(market, order_id))
    assert market.order(order_id)["shipping_deadline"] == "2026-11-04T09:00:00Z"
    tracking = {
        "carrier_code": "DHL",
        "carrier_name": "DHL",
        "carrier_url": "https://t.example/1",
        "tracking_number": "1Z",
    }
    assert market.put(f"/api/orders/{order_id}/tracking", tracking, "shop-2001-key").status == 204
    assert market.put(f"/api/orders/{order_id}/ship", key="shop-2001-key").status == 204
    seen.append(_states(market, order_id))
    assert market.order(order_id)["shipping_tracking"] == "1Z"
    market.portal.to_collect(order_id)
    seen.append(_states(market, order_id))
    market.portal.receive(order_id)
    seen.append(_states(market, order_id))
    market.move(days=14)
    seen.append(_states(market, order_id))
    assert seen == [
        (state, [state])
        for state in (
            "WAITING_ACCEPTANCE",
            "WAITING_DEBIT",
            "WAITING_DEBIT_PAYMENT",
            "SHIPPING",
            "SHIPPED",
            "TO_COLLECT",
            "RECEIVED",
            "CLOSED",
        )
    ]


def test_shipping_before_payment_is_a_state_error(market: Market) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    market.accept(order_id)
    assert market.put(f"/api/orders/{order_id}/ship").codes == ["ORDER_INVALID_STATE"]
    tracking = {"carrier_name": "DHL", "tracking_number": "1Z"}
    assert market.put(f"/api/orders/{order_id}/tracking", tracking).codes == ["ORDER_INVALID_STATE"]
    assert market.put(f"/api/orders/{order_id}/tracking", {"tracking_number": "1Z"}).codes == ["VALIDATION_ERROR"]


def test_an_open_incident_keeps_an_order_from_closing(market: Market) -> None:
    order_id = market.received_order((101, 1))
    market.portal.open_incident(order_id, f"{order_id}-1", "DEFECTIVE")
    order = market.order(order_id)
    assert (order["has_incident"], order["order_lines"][0]["order_line_state"]) == (True, "INCIDENT_OPEN")
    market.move(days=14)
    assert market.order(order_id)["order_state"] == "RECEIVED"
    market.portal.close_incident(order_id, f"{order_id}-1")
    market.move(days=14)
    assert market.order(order_id)["order_state"] == "CLOSED"


# -- payment workflows ---------------------------------------------------------------------------------------------


def test_without_customer_payment_confirmation_the_leg_ships_after_acceptance(make_market: MakeMarket) -> None:
    market = make_market(payment_workflow="NO_CUSTOMER_PAYMENT_CONFIRMATION")
    order_id = market.buy((101, 1))[0]["order_id"]
    market.accept(order_id)
    order = market.order(order_id)
    assert (order["order_state"], order["customer_debited_date"]) == ("SHIPPING", "2026-11-02T09:00:00Z")
    assert market.get("/api/payment/debit").json["total_count"] == 0


@pytest.mark.parametrize(
    ("workflow", "asked_when"),
    [("PAY_ON_SHIPMENT", "shipped"), ("PAY_ON_DELIVERY", "received"), ("PAY_ON_DUE_DATE", "due")],
)
def test_later_workflows_ask_for_the_debit_when_their_time_comes(
    market: Market, workflow: str, asked_when: str
) -> None:
    def asked() -> bool:
        return bool(market.get("/api/payment/debit").json["total_count"])

    order_id = market.buy((101, 1), payment_workflow=workflow)[0]["order_id"]
    market.accept(order_id)
    asked_at = {"accepted": asked()}
    market.put(f"/api/orders/{order_id}/ship")
    asked_at["shipped"] = asked()
    market.portal.receive(order_id)
    asked_at["received"] = asked()
    market.move(days=30)
    asked_at["due"] = asked()
    assert next(when for when, seen in asked_at.items() if seen) == asked_when
    assert market.pay(order_id).status == 204
    order = market.order(order_id)
    assert order["customer_debited_date"] is not None
    assert order["order_state"] == "RECEIVED" or workflow == "PAY_ON_DUE_DATE"


def test_a_late_debit_that_is_refused_is_asked_for_again(market: Market) -> None:
    order_id = market.buy((101, 1), payment_workflow="PAY_ON_SHIPMENT")[0]["order_id"]
    market.accept(order_id)
    market.put(f"/api/orders/{order_id}/ship")
    [row] = market.get("/api/payment/debit").json["orders"]["order"]
    assert market.put("/api/payment/debit", {"orders": [debit_of(row, "REFUSED")]}).status == 204
    assert _states(market, order_id) == ("SHIPPED", ["SHIPPED"])
    assert market.pay(order_id).status == 204


# -- cancelling ----------------------------------------------------------------------------------------------------


def test_the_operator_cancels_what_is_not_paid_and_refunds_what_is(market: Market) -> None:
    unpaid, paid = market.buy((101, 1))[0]["order_id"], market.paid_order((101, 1))
    assert market.put(f"/api/orders/{unpaid}/cancel", key=OPERATOR).status == 204
    assert _states(market, unpaid) == ("CANCELED", ["CANCELED"])
    assert market.put(f"/api/orders/{paid}/cancel", key=OPERATOR).codes == ["ORDER_INVALID_STATE"]


def test_a_seller_cancels_only_where_goods_wait_unpaid(market: Market) -> None:
    order_id = market.buy((101, 1), payment_workflow="PAY_ON_SHIPMENT")[0]["order_id"]
    assert market.put(f"/api/orders/{order_id}/cancel", key="shop-2001-key").codes == ["ORDER_INVALID_STATE"]
    market.accept(order_id)
    assert market.put(f"/api/orders/{order_id}/cancel", key="shop-2001-key").status == 204


def _cancel_row(line_id: str, **changed: Any) -> dict[str, Any]:
    row = {"order_line_id": line_id, "amount": 19.99, "shipping_amount": 3.5, "quantity": 1}
    return {**row, "currency_iso_code": "EUR", "reason_code": "OUT_OF_STOCK", **changed}


def test_cancelling_one_unit_takes_its_money_and_commission_off_the_debit(market: Market) -> None:
    order_id = market.buy((101, 2))[0]["order_id"]
    answer = market.put("/api/orders/cancel", {"cancelations": [_cancel_row(f"{order_id}-1")]}, OPERATOR)
    assert answer.status == 200
    market.accept(order_id)
    [row] = market.get("/api/payment/debit").json["orders"]["order"]
    assert str(row["amount"]) == "23.49"
    assert row["order_lines"]["order_line"][0]["order_line_quantity"] == 1
    line = market.order(order_id)["order_lines"][0]
    assert (str(line["commission_fee"]), str(line["cancelations"][0]["commission_amount"])) == ("3.52", "3.53")


def test_cancelling_every_unit_ends_the_leg(market: Market) -> None:
    order_id = market.buy((101, 2))[0]["order_id"]
    row = _cancel_row(f"{order_id}-1", quantity=2, amount=39.98, shipping_amount=7)
    assert market.put("/api/orders/cancel", {"cancelations": [row]}, OPERATOR).status == 200
    assert _states(market, order_id) == ("CANCELED", ["CANCELED"])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amount": 100}, "VALIDATION_ERROR"),
        ({"quantity": 3}, "VALIDATION_ERROR"),
        ({"quantity": 2}, "VALIDATION_ERROR"),
        ({"amount": -1}, "VALIDATION_ERROR"),
        ({"currency_iso_code": "JPY"}, "VALIDATION_ERROR"),
        ({"reason_code": None}, "VALIDATION_ERROR"),
        ({"order_line_id": "nowhere-A-1"}, "ORDER_LINE_NOT_FOUND"),
    ],
)
def test_cancelling_more_than_there_is_changes_nothing(market: Market, changed: dict[str, Any], code: str) -> None:
    order_id = market.buy((101, 2))[0]["order_id"]
    before = market.order(order_id)
    answer = market.put("/api/orders/cancel", {"cancelations": [_cancel_row(f"{order_id}-1", **changed)]}, OPERATOR)
    assert answer.codes == [code]
    assert market.order(order_id) == before


def test_cancelling_what_remains_after_a_part_has_left_ends_the_shipping(market: Market) -> None:
    order_id = market.buy((101, 2), payment_workflow="PAY_ON_SHIPMENT")[0]["order_id"]
    market.accept(order_id)
    market.portal.ship_part(order_id, {f"{order_id}-1": 1}, "DHL", "1Z")
    assert _states(market, order_id) == ("SHIPPING", ["SHIPPING"])
    assert market.put(f"/api/orders/{order_id}/cancel", key=OPERATOR).codes == ["ORDER_INVALID_STATE"]
    market.put("/api/orders/cancel", {"cancelations": [_cancel_row(f"{order_id}-1")]}, OPERATOR)
    assert _states(market, order_id) == ("SHIPPED", ["SHIPPED"])
    [row] = market.get("/api/payment/debit").json["orders"]["order"]
    assert str(row["amount"]) == "23.49"
