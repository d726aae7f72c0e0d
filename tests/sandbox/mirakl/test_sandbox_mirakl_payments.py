"""What the front must charge and pay back, and its word that it did."""

from typing import Any

import pytest
from sandbox.mirakl.mirakl_market import OPERATOR, Market, debit_of


def _debits(market: Market) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = market.get("/api/payment/debit?max=100").json["orders"]["order"]
    return rows


def _refund_row(line_id: str, amount: float, shipping: float = 0, **fields: Any) -> dict[str, Any]:
    row = {"order_line_id": line_id, "amount": amount, "shipping_amount": shipping, "reason_code": "RETURNED"}
    return {**row, "currency_iso_code": "EUR", **fields}


def _accepted(market: Market, *wanted: tuple[int, int]) -> str:
    order_id: str = market.buy(*wanted)[0]["order_id"]
    market.accept(order_id)
    return order_id


# -- debits --------------------------------------------------------------------------------------------------------


def test_the_debit_is_the_sum_of_accepted_lines_with_their_shipping(market: Market) -> None:
    order_id = market.buy((101, 2), (102, 3))[0]["order_id"]
    market.accept(order_id, f"{order_id}-2")
    [row] = _debits(market)
    assert (row["order_id"], str(row["amount"]), row["customer_id"]) == (order_id, "46.98", "buyer-1")
    assert [line["order_line_id"] for line in row["order_lines"]["order_line"]] == [f"{order_id}-1"]


def test_reading_the_list_moves_only_what_its_page_shows(market: Market) -> None:
    first, second = _accepted(market, (101, 1)), _accepted(market, (101, 1))
    market.get("/api/payment/debit?max=1")
    assert market.order(first)["order_state"] == "WAITING_DEBIT_PAYMENT"
    assert market.order(second)["order_state"] == "WAITING_DEBIT"


def test_a_confirmed_debit_lets_the_seller_ship(market: Market) -> None:
    order_id = _accepted(market, (101, 1))
    answer = market.pay(order_id)
    assert (answer.status, answer.body) == (204, b"")
    order = market.order(order_id)
    assert order["order_state"] == "SHIPPING"
    assert (order["transaction_number"], order["transaction_date"]) == (f"T-{order_id}", "2026-11-02T09:00:00Z")
    assert order["order_lines"][0]["debited_date"] == order["customer_debited_date"] == "2026-11-02T09:00:00Z"


def test_a_refused_debit_cancels_the_leg_alone(market: Market) -> None:
    first, second = (order["order_id"] for order in market.buy((101, 1), (201, 1)))
    market.accept(first)
    market.accept(second)
    rows = {row["order_id"]: row for row in _debits(market)}
    assert market.put("/api/payment/debit", {"orders": [debit_of(rows[first], "REFUSED")]}).status == 204
    assert market.order(first)["order_state"] == "CANCELED"
    assert market.order(second)["order_state"] == "WAITING_DEBIT_PAYMENT"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amount": 23.48}, "VALIDATION_ERROR"),
        ({"amount": 23.491}, "VALIDATION_ERROR"),
        ({"amount": "23.49"}, "VALIDATION_ERROR"),
        ({"amount": None}, "VALIDATION_ERROR"),
        ({"amount": 1e300}, "VALIDATION_ERROR"),
        ({"currency_iso_code": "USD"}, "VALIDATION_ERROR"),
        ({"customer_id": "somebody"}, "VALIDATION_ERROR"),
        ({"payment_status": "MAYBE"}, "VALIDATION_ERROR"),
        ({"transaction_number": 7}, "VALIDATION_ERROR"),
        ({"order_id": "nowhere-A"}, "ORDER_NOT_FOUND"),
    ],
)
def test_a_confirmation_that_does_not_match_is_refused(market: Market, changed: dict[str, Any], code: str) -> None:
    order_id = _accepted(market, (101, 1))
    [row] = _debits(market)
    answer = market.put("/api/payment/debit", {"orders": [debit_of(row, **changed)]})
    assert (answer.status, answer.codes) == (400, [code])
    assert market.order(order_id)["order_state"] == "WAITING_DEBIT_PAYMENT"


def test_one_bad_row_keeps_a_whole_batch_of_confirmations_from_being_applied(market: Market) -> None:
    good, bad = _accepted(market, (101, 1)), _accepted(market, (101, 1))
    rows = {row["order_id"]: row for row in _debits(market)}
    answer = market.put("/api/payment/debit", {"orders": [debit_of(rows[good]), debit_of(rows[bad], amount=1)]})
    assert [error["field"] for error in answer.json["errors"]] == ["orders[1].amount"]
    assert market.order(good)["order_state"] == "WAITING_DEBIT_PAYMENT"
    twice = market.put("/api/payment/debit", {"orders": [debit_of(rows[good]), debit_of(rows[good])]})
    assert twice.codes == ["VALIDATION_ERROR"]


def test_confirming_twice_or_before_reading_is_a_state_error(market: Market) -> None:
    order_id = _accepted(market, (101, 1))
    row = {"order_id": order_id, "customer_id": "buyer-1", "amount": 23.49, "currency_iso_code": "EUR"}
    early = market.put("/api/payment/debit", {"orders": [{**row, "payment_status": "OK"}]})
    assert early.codes == ["ORDER_INVALID_STATE"]
    assert market.pay(order_id).status == 204
    again = market.put("/api/payment/debit", {"orders": [{**row, "payment_status": "OK"}]})
    assert again.codes == ["ORDER_INVALID_STATE"]
    [written] = [one for one in market.mirakl.books()["writes"] if one["operation"] == "PA01"]
    assert (written["key"], written["count_applied"], written["calls"]) == (order_id, 1, 3)


@pytest.mark.parametrize(("offer", "amount"), [(301, "12945"), (401, "13.350")])
def test_currencies_keep_their_own_number_of_decimals(market: Market, offer: int, amount: str) -> None:
    order_id = _accepted(market, (offer, 1))
    [row] = _debits(market)
    assert str(row["amount"]) == amount
    assert market.pay(order_id).status == 204


# -- refunds -------------------------------------------------------------------------------------------------------


def test_a_refund_goes_from_asked_to_refunded(market: Market) -> None:
    order_id = market.paid_order((101, 2))
    answer = market.put("/api/orders/refund", {"refunds": [_refund_row(f"{order_id}-1", 19.99, 3.5)]}, OPERATOR)
    refund_id = answer.json["refunds"][0]["refund_id"]

    def state() -> str:
        found: str = market.order(order_id)["order_lines"][0]["refunds"][0]["refund_state"]
        return found

    assert state() == "WAITING_REFUND"
    [listed] = market.get("/api/payment/refund").json["orders"]["order"]
    assert (str(listed["amount"]), listed["order_lines"]["order_line"][0]["refunds"]["refund"][0]["id"]) == (
        "23.49",
        refund_id,
    )
    assert state() == "WAITING_REFUND_PAYMENT"
    assert market.pay_back(refund_id).status == 204
    assert state() == "REFUNDED"
    assert market.get("/api/payment/refund").json["total_count"] == 0
    assert market.order(order_id)["order_lines"][0]["order_line_state"] == "SHIPPING"


def test_refunding_all_of_a_line_marks_it_and_the_order(market: Market) -> None:
    order_id = market.received_order((101, 2))
    first = market.portal.refund(order_id, f"{order_id}-1", 1_999, "RETURNED", shipping=700)
    second = market.portal.refund(order_id, f"{order_id}-1", 1_999, "RETURNED")
    market.pay_back(first)
    assert market.order(order_id)["fully_refunded"] is False
    market.pay_back(second)
    order = market.order(order_id)
    assert (order["fully_refunded"], order["order_lines"][0]["order_line_state"]) == (True, "REFUNDED")
    assert order["order_lines"][0]["can_refund"] is False
    commission = order["order_lines"][0]["total_commission"]
    assert sum(refund["commission_total_amount"] for refund in order["order_lines"][0]["refunds"]) == commission


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([_refund_row("{o}-1", 39.99)], "REFUND_AMOUNT_TOO_HIGH"),
        ([_refund_row("{o}-1", 0, 7.01)], "REFUND_AMOUNT_TOO_HIGH"),
        ([_refund_row("{o}-1", 20), _refund_row("{o}-1", 20)], "REFUND_AMOUNT_TOO_HIGH"),
        ([_refund_row("{o}-1", 0)], "VALIDATION_ERROR"),
        ([_refund_row("{o}-1", -1, 2)], "VALIDATION_ERROR"),
        ([_refund_row("{o}-1", 1, reason_code=None)], "VALIDATION_ERROR"),
        ([_refund_row("{o}-1", 1, quantity="one")], "VALIDATION_ERROR"),
        ([_refund_row("{o}-9", 1)], "ORDER_LINE_NOT_FOUND"),
        ([_refund_row("{o}-1", 1), _refund_row("{o}-1", 1, currency_iso_code="JPY")], "VALIDATION_ERROR"),
    ],
)
def test_a_refund_that_is_too_much_or_unclear_changes_nothing(market: Market, rows: Any, code: str) -> None:
    order_id = market.paid_order((101, 2))
    before = market.order(order_id)
    sent = [{**row, "order_line_id": row["order_line_id"].replace("{o}", order_id)} for row in rows]
    answer = market.put("/api/orders/refund", {"refunds": sent}, OPERATOR)
    assert answer.codes == [code]
    assert market.order(order_id) == before


def test_no_refund_before_payment_nor_once_closed(market: Market) -> None:
    unpaid, received = _accepted(market, (101, 1)), market.received_order((101, 1))
    market.move(days=14)
    for order_id in (unpaid, received):
        answer = market.put("/api/orders/refund", {"refunds": [_refund_row(f"{order_id}-1", 1)]}, OPERATOR)
        assert answer.codes == ["ORDER_INVALID_STATE"]


def test_a_refund_asked_for_before_the_order_closed_is_still_paid_back(market: Market) -> None:
    order_id = market.received_order((101, 1))
    refund_id = market.portal.refund(order_id, f"{order_id}-1", 100, "RETURNED")
    market.move(days=14)
    assert market.order(order_id)["order_state"] == "CLOSED"
    assert market.pay_back(refund_id).status == 204


def test_a_refund_that_cannot_be_paid_back_stays_open_and_is_listed_again(market: Market) -> None:
    order_id = market.paid_order((101, 1))
    refund_id = market.portal.refund(order_id, f"{order_id}-1", 100, "RETURNED")
    row = {"refund_id": refund_id, "amount": 1, "currency_iso_code": "EUR", "payment_status": "REFUSED"}
    early = market.put("/api/payment/refund", {"refunds": [row]})
    assert early.codes == ["REFUND_INVALID_STATE"]
    market.get("/api/payment/refund")
    assert market.put("/api/payment/refund", {"refunds": [row]}).status == 204
    assert market.get("/api/payment/refund").json["total_count"] == 1
    assert market.pay_back(refund_id).status == 204
    assert market.pay_back(refund_id).codes == ["REFUND_INVALID_STATE"]


def test_refund_ids_may_be_written_as_numbers_and_unknown_ones_are_refused(market: Market) -> None:
    order_id = market.paid_order((101, 1))
    refund_id = market.portal.refund(order_id, f"{order_id}-1", 100, "RETURNED")
    market.get("/api/payment/refund")
    row = {"amount": 1.00, "currency_iso_code": "EUR", "payment_status": "OK"}
    wrong = [{**row, "refund_id": 99}, {**row, "refund_id": int(refund_id), "amount": 2}]
    assert market.put("/api/payment/refund", {"refunds": wrong}).codes == ["REFUND_NOT_FOUND", "VALIDATION_ERROR"]
    assert market.put("/api/payment/refund", {"refunds": [{**row, "refund_id": int(refund_id)}]}).status == 204


def test_two_refunds_of_one_order_are_one_row_of_the_list(market: Market) -> None:
    order_id = market.paid_order((101, 1), (102, 1))
    rows = [_refund_row(f"{order_id}-1", 1), _refund_row(f"{order_id}-2", 2), _refund_row(f"{order_id}-2", 0.5)]
    refunds = market.put("/api/orders/refund", {"refunds": rows}, OPERATOR).json["refunds"]
    assert len({refund["refund_id"] for refund in refunds}) == 3
    assert len({refund["order_refund_id"] for refund in refunds}) == 1
    answer = market.get("/api/payment/refund").json
    assert answer["total_count"] == 1
    [row] = answer["orders"]["order"]
    assert str(row["amount"]) == "3.50"
    assert [len(line["refunds"]["refund"]) for line in row["order_lines"]["order_line"]] == [1, 2]
