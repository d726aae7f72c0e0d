"""Mirakl's writes against the sandbox: each alone under the contract, then what only Mirakl does."""

from collections.abc import Callable
from typing import Any

import pytest
from connectors.contract import Scene, Story, TwiceIsOnce, WriteContract
from connectors.market import Market

from entrepot.kernel.outcome import Done, NotThere, Refused, Unknown

Tell = Callable[[Market], Story]


def story(market: Market, operation: str, code: str, key: str, payload: dict[str, Any]) -> Story:
    return Story(operation, code, payload, lambda: market.applied(code, key))


def create(market: Market) -> Story:
    payload = {"basket": market.basket((101, 2), (201, 1), commercial_id="C-900")}
    return story(market, "mirakl.create-orders", "OR01", "C-900", payload)


def accept(market: Market) -> Story:
    (order_id,) = market.buy((101, 1), (102, 2))
    lines = [
        {"order_line_id": f"{order_id}-1", "accepted": True},
        {"order_line_id": f"{order_id}-2", "accepted": False},
    ]
    return story(market, "mirakl.accept", "OR21", order_id, {"order_id": order_id, "lines": lines})


def track(market: Market) -> Story:
    order_id = ready_to_ship(market)
    payload = {"order_id": order_id, "carrier_code": "DHL", "carrier_name": "DHL", "tracking_number": "JD01"}
    return story(market, "mirakl.tracking", "OR23", order_id, payload)


def ship(market: Market) -> Story:
    order_id = ready_to_ship(market)
    return story(market, "mirakl.ship", "OR24", order_id, {"order_id": order_id})


def cancel(market: Market) -> Story:
    (order_id,) = market.buy((101, 1))
    return story(market, "mirakl.cancel", "OR29", order_id, {"order_id": order_id})


def confirm_debit(market: Market) -> Story:
    (order_id,) = market.buy((101, 1))
    market.accept_all(order_id)
    market.sweep("debits")
    return story(market, "mirakl.confirm-debit", "PA01", order_id, market.debit(order_id))


def refuse_debit(market: Market) -> Story:
    told = confirm_debit(market)
    payload = {**told.payload, "status": "REFUSED"}
    return story(market, told.operation, told.code, str(payload["order_id"]), payload)


def refund(market: Market) -> Story:
    order_id = ready_to_ship(market)
    return story(market, "mirakl.refund", "OR28", f"{order_id}-1", refund_of(order_id))


def confirm_refund(market: Market) -> Story:
    order_id = ready_to_ship(market)
    outcome, _ = market.send("mirakl.refund", refund_of(order_id))
    assert isinstance(outcome, Done)
    market.sweep("refunds")
    refund_id = outcome.receipt["refund_ids"][0]
    payload = {
        "refund_id": refund_id,
        "order_id": order_id,
        "amount_minor": 1_150,
        "currency": "EUR",
        "status": "OK",
        "transaction_number": "ref_1",
        "transaction_at": "2026-11-02T10:00:00+00:00",
    }
    return story(market, "mirakl.confirm-refund", "PA02", refund_id, payload)


def confirm_payout(market: Market) -> Story:
    order_id = ready_to_ship(market)
    market.portal.ship(order_id, "DHL", "JD01")
    market.portal.receive(order_id)
    market.move(days=10)
    cycle = market.portal.open_cycles()[0]
    payload = {
        "cycle_id": cycle["id"],
        "status": "PAID",
        "paid_at": "2026-11-12T10:00:00+00:00",
        "transaction_number": "tr_1",
    }
    return story(market, "mirakl.confirm-payout", "SBC07", cycle["id"], payload)


def ready_to_ship(market: Market) -> str:
    (order_id,) = market.buy((101, 1))
    market.pay(order_id)
    return order_id


def refund_of(order_id: str) -> dict[str, Any]:
    line = {
        "order_line_id": f"{order_id}-1",
        "amount_minor": 800,
        "shipping_minor": 350,
        "quantity": 1,
        "reason_code": "RETURNED",
    }
    return {"order_id": order_id, "currency": "EUR", "lines": [line]}


class TestWritesThatMiraklsStatesProtect(TwiceIsOnce):
    @pytest.fixture(
        params=[create, accept, ship, cancel, confirm_debit, refuse_debit, confirm_refund, confirm_payout],
        ids=lambda tell: tell.__name__,
    )
    def scene(self, request: pytest.FixtureRequest, market: Market) -> Scene:
        tell: Tell = request.param
        return Scene(market, tell(market))


class TestWritesThatMiraklWouldDoTwice(WriteContract):
    """Tracking may come again; a refund may not, which is why the manifest calls it money without a partner's key."""

    @pytest.fixture(params=[track, refund], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, market: Market) -> Scene:
        tell: Tell = request.param
        return Scene(market, tell(market))


def test_money_without_a_key_of_theirs_is_marked_so_that_nobody_repeats_it_blindly(market: Market) -> None:
    operations = market.mirakl.operations
    assert {name for name, one in operations.items() if one.money} == {"mirakl.refund", "mirakl.cancel-lines"}
    assert not any(one.partner_key for one in operations.values())


def test_a_basket_becomes_one_order_per_seller(market: Market) -> None:
    outcome, _ = market.send("mirakl.create-orders", {"basket": market.basket((101, 2), (201, 1), (102, 1))})
    assert outcome == Done({"order_ids": ["C-001-A", "C-001-B"]})
    first = market.portal.order("C-001-A")
    assert [(line.price_minor, line.shipping_minor) for line in first.lines.values()] == [(3998, 700), (705, 0)]


def test_a_basket_in_yen_keeps_its_yen(market: Market) -> None:
    (order_id,) = market.buy((301, 2), currency="JPY")
    assert market.portal.order(order_id).owed_minor == 2 * 12_345 + 2 * 600


def test_a_basket_that_cannot_be_ordered_is_refused_in_their_words(market: Market) -> None:
    basket = market.basket((101, 1))
    basket["lines"][0]["offer_id"] = "99999"
    outcome, _ = market.send("mirakl.create-orders", {"basket": basket})
    assert isinstance(outcome, Refused)
    assert outcome.code == "OFFER_NOT_FOUND"
    assert "99999" in outcome.words


def test_the_same_basket_by_somebody_else_is_found_to_be_there_already(market: Market) -> None:
    market.buy((101, 1), commercial_id="C-7")
    outcome, detail = market.send("mirakl.create-orders", {"basket": market.basket((101, 1), commercial_id="C-7")})
    assert outcome == Done({"order_ids": ["C-7-A"]})
    assert detail["look"]["status"] == 200


def test_a_decision_that_was_taken_otherwise_is_refused_not_done(market: Market) -> None:
    told = accept(market)
    market.accept_all(str(told.payload["order_id"]))
    outcome, _ = market.send(told.operation, told.payload)
    assert isinstance(outcome, Refused)
    assert outcome.code == "ORDER_INVALID_STATE"
    found, _ = market.look(told.operation, told.payload)
    assert isinstance(found, Refused)
    assert found.code == "decided-otherwise"


def test_a_debit_of_another_amount_is_refused_in_their_words(market: Market) -> None:
    told = confirm_debit(market)
    outcome, _ = market.send(told.operation, {**told.payload, "amount_minor": 1})
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.field) == ("VALIDATION_ERROR", "orders[0].amount")


def test_a_debit_of_an_order_cancelled_meanwhile_is_refused(market: Market) -> None:
    told = confirm_debit(market)
    market.move(hours=73)
    assert market.state(str(told.payload["order_id"])) == "CANCELED"
    outcome, _ = market.send(told.operation, told.payload)
    assert isinstance(outcome, Refused)
    found, _ = market.look(told.operation, told.payload)
    assert isinstance(found, Refused)


def test_an_order_shipped_before_it_is_paid_is_not_taken_for_paid(market: Market) -> None:
    market = Market(payment_workflow="PAY_ON_SHIPMENT")
    (order_id,) = market.buy((101, 1))
    market.accept_all(order_id)
    market.portal.ship(order_id, "DHL", "JD01")
    market.sweep("debits")
    found, _ = market.look("mirakl.confirm-debit", market.debit(order_id))
    assert isinstance(found, NotThere)
    outcome, _ = market.send("mirakl.confirm-debit", market.debit(order_id))
    assert isinstance(outcome, Done)
    found, _ = market.look("mirakl.confirm-debit", market.debit(order_id))
    assert isinstance(found, Done)


def test_two_refunds_alike_cannot_be_told_apart_and_stay_unclear(market: Market) -> None:
    order_id = ready_to_ship(market)
    half = refund_of(order_id)
    half["lines"][0] |= {"amount_minor": 500, "shipping_minor": 0, "quantity": 0}
    market.send("mirakl.refund", half)
    market.send("mirakl.refund", half)
    found, _ = market.look("mirakl.refund", half)
    assert isinstance(found, Unknown)


def test_more_than_is_left_of_a_line_is_refused_in_their_words(market: Market) -> None:
    order_id = ready_to_ship(market)
    payload = refund_of(order_id)
    payload["lines"][0]["amount_minor"] = 2_000
    outcome, _ = market.send("mirakl.refund", payload)
    assert isinstance(outcome, Refused)
    assert outcome.code == "REFUND_AMOUNT_TOO_HIGH"


def test_units_are_taken_off_a_line_before_it_is_paid(market: Market) -> None:
    (order_id,) = market.buy((101, 3))
    market.accept_all(order_id)
    line = {
        "order_line_id": f"{order_id}-1",
        "amount_minor": 1_999,
        "shipping_minor": 350,
        "quantity": 1,
        "reason_code": "OUT_OF_STOCK",
    }
    payload = {"order_id": order_id, "currency": "EUR", "lines": [line]}
    outcome, _ = market.send("mirakl.cancel-lines", payload)
    assert isinstance(outcome, Done)
    found, _ = market.look("mirakl.cancel-lines", payload)
    assert found == outcome


def test_a_payout_that_failed_may_be_paid_after_all_but_not_the_other_way_round(market: Market) -> None:
    told = confirm_payout(market)
    failed = {**told.payload, "status": "FAILED", "failure_reason": "account closed"}
    assert isinstance(market.send(told.operation, failed)[0], Done)
    assert isinstance(market.send(told.operation, told.payload)[0], Done)
    outcome, _ = market.send(told.operation, failed)
    assert isinstance(outcome, Refused)


def test_a_seller_can_be_blocked_from_payouts_and_freed_again(market: Market) -> None:
    for blocked in (True, False):
        payload = {"shop_id": "2001", "payment_blocked": blocked}
        assert isinstance(market.look("mirakl.update-shop", payload)[0], NotThere)
        assert isinstance(market.send("mirakl.update-shop", payload)[0], Done)
        assert isinstance(market.look("mirakl.update-shop", payload)[0], Done)


def test_a_seller_nobody_knows_is_refused_in_their_words(market: Market) -> None:
    outcome, _ = market.send("mirakl.update-shop", {"shop_id": "1", "payment_blocked": True})
    assert isinstance(outcome, Refused)


@pytest.mark.parametrize(
    "changed",
    [{"amount_minor": 0}, {"amount_minor": -5}, {"amount_minor": 12.5}, {"amount_minor": "12"}, {"currency": ""},
     {"currency": "EURO"}, {"status": "MAYBE"}, {"order_id": ""}, {"order_id": None}],
)  # fmt: skip
def test_a_debit_nobody_should_confirm_never_leaves(market: Market, changed: dict[str, Any]) -> None:
    told = confirm_debit(market)
    before = len(market.http.sent)
    outcome, _ = market.send(told.operation, {**told.payload, **changed})
    assert isinstance(outcome, Refused)
    assert outcome.code == "wrong-payload"
    assert len(market.http.sent) == before


def test_a_refund_that_names_no_order_cannot_be_looked_at(market: Market) -> None:
    told = confirm_refund(market)
    payload = {name: value for name, value in told.payload.items() if name != "order_id"}
    assert isinstance(market.look(told.operation, payload)[0], Unknown)
    assert isinstance(market.send(told.operation, payload)[0], Done)


def test_an_order_id_with_strange_characters_stays_one_path_segment(market: Market) -> None:
    market.send("mirakl.ship", {"order_id": "C-1/../../shops?x=1#A"})
    assert market.http.sent[-1].url.endswith("/api/orders/C-1%2F..%2F..%2Fshops%3Fx%3D1%23A/ship")
