"""A whole simulated day, and the closing of its books, against the smallest hub there can be."""

import json
from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sandbox.world.sandbox_world_hub import START, Day, minor

from entrepot.sandbox import witness
from entrepot.sandbox.core import Hang, Request, Response
from entrepot.sandbox.errands import Pace
from entrepot.sandbox.faults import Fault
from entrepot.sandbox.furniture import A, B, C, F, customers
from entrepot.sandbox.gateway import Terms
from entrepot.sandbox.scenario import Options, stage


@pytest.fixture(scope="module")
def living() -> Day:
    """Forty baskets, no faults, books closed."""
    day = Day(seed=1, orders=40)
    day.run()
    return day


@pytest.fixture(scope="module")
def books(living: Day) -> dict[str, Any]:
    return living.books()


def legs(books: dict[str, Any], commercial_id: str) -> dict[int, dict[str, Any]]:
    return {row["shop_id"]: row for row in books["mirakl"]["orders"] if row["commercial_id"] == commercial_id}


def test_every_planned_basket_is_bought_paid_and_ordered(books: dict[str, Any]) -> None:
    paid = witness.paid_baskets(books)
    assert len(paid) == 40
    assert witness.lost_baskets(books) == []
    assert {row["state"] for row in books["storefront"]["baskets"]} == {"ordered"}


def test_in_the_first_basket_b_refuses_and_a_delivers(books: dict[str, Any]) -> None:
    first = legs(books, "C261109-00001")
    assert set(first) == {A, B}
    assert first[B]["state"] == "REFUSED"
    assert first[A]["state"] in ("RECEIVED", "CLOSED")


def test_one_line_is_refused_and_the_other_carries_on(books: dict[str, Any]) -> None:
    leg = legs(books, "C261109-00002")[C]
    states = Counter(line["state"] for line in leg["lines"])
    assert states["REFUSED"] == 1
    assert sum(states.values()) == 2
    assert leg["state"] in ("RECEIVED", "CLOSED")


def test_a_seller_who_says_nothing_loses_the_order_when_the_window_ends(books: dict[str, Any]) -> None:
    assert legs(books, "C261109-00003")[F]["state"] == "REFUSED"
    assert "F says nothing: C261109-00003-B" in books["control"]["sellers"]["scripts_played"]


def test_something_came_back_and_the_buyer_has_his_money(books: dict[str, Any]) -> None:
    refunds = witness.refunds_by_reference(books)
    assert refunds
    assert all(len(amounts) == 1 for amounts in refunds.values())
    returned = [order for order in legs(books, "C261109-00001").values() if order["shop_id"] == A]
    assert any(line["refunded_minor"] for line in returned[0]["lines"])


def test_a_bank_took_the_money_of_one_basket_and_spoke_its_last_word(books: dict[str, Any]) -> None:
    assert books["control"]["buyers"]["disputed_baskets"] == ["C261109-00004"]
    (dispute,) = books["gateway"]["disputes"]
    assert dispute["state"] in ("won", "lost")


def test_no_authorised_cent_is_left_hanging(books: dict[str, Any]) -> None:
    assert witness.unsettled_money(books) == {}
    for basket in witness.paid_baskets(books).values():
        parts = ("captured_minor", "released_minor", "expired_minor", "open_minor")
        assert sum(basket[part] for part in parts) == basket["amount_minor"]


def test_the_gateway_captured_exactly_what_the_marketplace_debited(books: dict[str, Any]) -> None:
    """Two books written by two systems agree, basket by basket."""
    debited: Counter[str] = Counter()
    for order in books["mirakl"]["orders"]:
        if order["debited_at"]:
            debited[order["commercial_id"]] += order["owed_minor"]
    captured = {basket: row["captured_minor"] for basket, row in witness.paid_baskets(books).items()}
    assert {basket: amount for basket, amount in captured.items() if amount} == dict(debited)


def test_every_cycle_is_paid_once_under_its_voucher(books: dict[str, Any]) -> None:
    cycles = [row for row in books["mirakl"]["cycles"] if row["amount_minor"] > 0]
    assert cycles
    assert {row["pay_out_state"] for row in cycles} == {"PAID"}
    transfers = [row for row in books["gateway"]["operations"] if row["operation"] == "transfer"]
    assert sorted((row["reference"], row["amount_minor"]) for row in transfers) == sorted(
        (row["voucher"], row["amount_minor"]) for row in cycles
    )
    assert sorted(row["voucher"] for row in books["control"]["treasury"]["payments"]) == sorted(
        row["voucher"] for row in cycles
    )


def test_the_operator_keeps_commission_less_fees_and_chargebacks(books: dict[str, Any]) -> None:
    """Gateway balance = captured - refunded - charged back - fees - paid to sellers, from the operations alone."""
    captured = sum(row["amount_minor"] - row["fee_minor"] for row in books["gateway"]["captures"])
    back = sum(sum(amounts) for amounts in witness.refunds_by_reference(books).values())
    charged_back = sum(row["amount_minor"] for row in books["gateway"]["disputes"] if row["state"] == "lost")
    paid = sum(row["amount_minor"] for row in books["control"]["treasury"]["payments"])
    assert books["gateway"]["balances"] == {"EUR": captured - back - charged_back - paid}


def test_the_settlement_reports_add_up(books: dict[str, Any]) -> None:
    assert witness.settlement_findings(books) == []
    assert {row["state"] for row in books["gateway"]["settlements"]} == {"closed"}


def test_nothing_was_done_twice(books: dict[str, Any]) -> None:
    assert witness.doubled_writes(books) == []


def test_nobody_clicked_what_the_marketplace_refused(books: dict[str, Any]) -> None:
    assert books["control"]["sellers"]["refused_clicks"] == []
    assert books["control"]["buyers"]["refused_clicks"] == []


def test_a_world_that_is_done_waits_for_nothing(books: dict[str, Any]) -> None:
    assert books["control"]["done"] is True
    assert books["control"]["waiting"] == {}
    assert books["control"]["stage"] == "day-closed"


def test_the_hub_heard_of_everything(living: Day) -> None:
    topics = set(living.hub.webhooks)
    assert {"order.created", "order.updated", "refund.created", "return.updated", "cycle.closed"} <= topics
    assert {"capture.succeeded", "refund.succeeded", "dispute.opened", "dispute.closed"} <= topics
    assert {"transfer.paid", "settlement.closed"} <= topics


# -- seeds -------------------------------------------------------------------------------------------------------------


def test_the_same_seed_lives_the_same_day_to_the_byte() -> None:
    pictures = []
    for _ in range(2):
        day = Day(seed=7, orders=8, faults="demo")
        day.run()
        pictures.append(json.dumps(day.books(), sort_keys=True))
    assert pictures[0] == pictures[1]


def test_another_seed_lives_another_day() -> None:
    pictures = set()
    for seed in (1, 2):
        day = Day(seed=seed, orders=3)
        while len(day.hub.baskets) < 3:
            day.clock += timedelta(minutes=10)
            day.world.tick()
        pictures.add(json.dumps(day.books()["storefront"], sort_keys=True))
    assert len(pictures) == 2


@pytest.mark.parametrize("seed", range(3))
def test_a_day_with_random_faults_still_ends_with_books_that_agree(seed: int) -> None:
    day = Day(seed=seed, orders=12, faults="random")
    day.run(days=16)
    books = day.books()
    assert witness.doubled_writes(books) == []
    assert witness.lost_baskets(books) == []
    assert witness.settlement_findings(books) == []


def test_the_demo_shows_each_planned_fault() -> None:
    day = Day(seed=3, orders=25, faults="demo")
    day.run()
    report = day.books()["world"]["faults"]
    fired = set(report["fired"])
    assert {
        "429 PA01",
        "503 capture",
        "timeout-after capture",
        "timeout-before PA02",
        "lost webhook:order.updated",
        "duplicate webhook:order.updated",
        "out-of-order webhook:order.updated",
        "timeout-after create-basket",
        "429 OR11",
        "unknown-enum OR11",
        "truncated OR11",
    } <= fired
    assert report["waiting"] == []


# -- money faults, currencies, workflows -------------------------------------------------------------------------------


def test_shops_may_sell_in_currencies_without_and_with_three_decimals() -> None:
    options = Options(finish="close-books", extra_currencies=("JPY", "KWD"), scripted_events=False)
    day = Day(seed=5, orders=40, options=options)
    day.run()
    books = day.books()
    assert set(books["gateway"]["balances"]) == {"EUR", "JPY", "KWD"}
    assert witness.settlement_findings(books) == []
    assert {row["currency"] for row in books["mirakl"]["cycles"]} >= {"JPY", "KWD"}


def test_planted_money_faults_show_in_the_marketplaces_statement_only() -> None:
    options = Options(finish="close-books", planted_money_faults=True)
    day = Day(seed=1, orders=12, options=options)
    day.run()
    types = {row["type"] for row in day.books()["mirakl"]["transaction_lines"]}
    assert {"MANUAL_CREDIT", "SUBSCRIPTION_FEE"} <= types


@pytest.mark.parametrize("workflow", ["PAY_ON_DELIVERY", "PAY_ON_SHIPMENT"])
def test_other_payment_workflows_only_move_the_debit(workflow: str) -> None:
    day = Day(seed=2, orders=6, options=Options(finish="close-books", payment_workflow=workflow))
    day.run()
    books = day.books()
    assert witness.doubled_writes(books) == []
    assert any(row["captured_minor"] for row in witness.paid_baskets(books).values())


# -- a hub that is away, slow, or says no ------------------------------------------------------------------------------


def test_a_hub_that_is_down_for_hours_gets_every_basket_afterwards_once() -> None:
    day = Day(seed=4, orders=6, options=Options(finish="stop", span=timedelta(hours=2)))
    day.hub.down_until = START + timedelta(hours=5)
    day.run(until=lambda: len(day.hub.baskets) == 6)
    views = day.books()["storefront"]["baskets"]
    assert all(0 in view["answers"] for view in views)
    assert len({row["commercial_id"] for row in day.books()["mirakl"]["orders"]}) == 6


def test_an_answer_lost_on_the_way_back_makes_no_second_basket() -> None:
    day = Day(seed=4, orders=2, options=Options(finish="stop"))
    day.world.faults.add(Fault("storefront", "create-basket", 1, "timeout-after"))
    day.run(until=lambda: len(day.hub.forwarded) == 2 and not day.stage.storefront.checkouts)
    first = day.books()["storefront"]["baskets"][0]
    assert first["answers"] == [0, 201]
    assert len(day.books()["gateway"]["authorisations"]) == 2


def refusing_world(status: int) -> Any:
    """A world whose hub finds everything sellable and then answers every basket with one status."""
    clock = [START]
    asked: list[Request] = []

    def outbound(_base_url: str, request: Request) -> Response | Hang:
        if request.path.endswith("/check"):
            return Response(200, {}, b'{"sellable":true,"lines":[]}')
        if request.path.endswith("/baskets"):
            asked.append(request)
            return Response(status, {}, b"{}")
        return Response(204)

    made = stage(
        lambda: clock[0], lambda: START, 1, "http://hub.invalid", orders=1, faults="none", outbound=outbound,
        options=Options(finish="stop"),
    )  # fmt: skip
    return made, clock, asked


def test_a_basket_the_hub_refuses_is_not_charged() -> None:
    made, _, asked = refusing_world(422)
    made.world.tick()
    assert len(asked) == 1
    (view,) = made.storefront.books()["baskets"]
    (money,) = made.gateway.books()["authorisations"]
    assert (view["state"], money["state"], money["released_minor"]) == ("refused", "released", view["amount_minor"])


def test_a_busy_hub_is_asked_again_with_the_same_key_and_given_up_in_the_end() -> None:
    made, clock, asked = refusing_world(429)
    for _ in range(48):
        made.world.tick()
        clock[0] += timedelta(hours=1)
    made.world.tick()
    assert len(asked) == 41
    assert len({request.headers["idempotency-key"] for request in asked}) == 1
    assert len({request.body for request in asked}) == 1
    assert made.storefront.books()["baskets"][0]["state"] == "abandoned"
    assert made.gateway.books()["authorisations"][0]["state"] == "released"


def test_a_line_that_cannot_be_sold_is_taken_out_and_an_empty_basket_is_not_bought() -> None:
    day = Day(seed=1, orders=1, options=Options(finish="stop"))
    offers = {str(offer.offer_id) for offer in day.stage.portal.offers()}
    theirs = {str(offer.offer_id) for offer in day.stage.portal.offers() if offer.shop_id == B}
    day.hub.unsellable = theirs
    day.world.tick()
    (basket,) = day.books()["storefront"]["baskets"]
    assert {line["shop_id"] for line in basket["lines"]} == {str(A)}
    day.hub.unsellable = offers
    day.stage.director.stage = day.stage.director.stage.TRADING
    day.stage.storefront.buy(1)
    day.world.tick()
    assert day.books()["storefront"]["baskets"][1]["state"] == "unsellable"
    assert len(day.books()["gateway"]["authorisations"]) == 1


# -- steering ----------------------------------------------------------------------------------------------------------


def control(day: Day, method: str, path: str, content: Any = None) -> Any:
    body = b"" if content is None else json.dumps(content).encode()
    answer = day.world.handle("control", Request(method, path, (), {}, body))
    assert isinstance(answer, Response)
    return answer.json()


def test_a_paused_shop_sells_nothing_and_catches_up_when_resumed() -> None:
    day = Day(seed=1, orders=5, options=Options(span=timedelta(hours=1)))
    control(day, "POST", "/pause")
    day.clock += timedelta(hours=2)
    day.world.tick()
    assert len(day.hub.baskets) == 1  # the first is bought as the doors open
    control(day, "POST", "/resume")
    day.world.tick()
    assert len(day.hub.baskets) == 5


def test_more_baskets_can_be_ordered_on_the_control_port() -> None:
    day = Day(seed=1, orders=0)
    control(day, "POST", "/buy", {"baskets": 3})
    day.clock += timedelta(seconds=5)
    day.world.tick()
    assert len(day.hub.baskets) == 3


def test_a_finished_shop_drops_what_was_only_planned_and_says_what_it_waits_for() -> None:
    day = Day(seed=1, orders=5, options=Options(span=timedelta(hours=1)))
    day.world.tick()
    report = control(day, "POST", "/finish", {})
    assert report["done"] is False
    assert report["waiting"]["decisions"] == 2 + 2  # two sellers think, two legs wait for them
    day.run()
    assert len(day.hub.baskets) == 1
    assert control(day, "GET", "/books")["control"]["done"] is True


def test_the_storefront_shows_what_was_bought() -> None:
    day = Day(seed=1, orders=1)
    day.world.tick()
    answer = day.world.handle("storefront", Request("GET", "/baskets"))
    assert isinstance(answer, Response)
    (basket,) = answer.json()["data"]
    one = day.world.handle("storefront", Request("GET", f"/baskets/{basket['commercial_id']}"))
    assert isinstance(one, Response)
    assert one.json() == basket
    none = day.world.handle("storefront", Request("GET", "/baskets/nothing"))
    assert isinstance(none, Response)
    assert none.status == 404


# -- people ------------------------------------------------------------------------------------------------------------


def test_a_faster_pace_keeps_its_shape() -> None:
    assert Pace(decide=(100, 200)).scaled(50).decide == (50, 100)


def test_a_seller_whose_bank_account_is_closed_is_not_paid_and_asked_only_once() -> None:
    terms = Terms(refused_destinations={f"shop-{A}": "account_closed"})
    day = Day(seed=1, orders=4, options=Options(finish="close-books", terms=terms))
    day.run(until=lambda: len(day.stage.treasury.payments) >= 2 and not day.stage.director.waiting().get("payments"))
    failed = [row for row in day.stage.treasury.payments if row["state"] == "failed"]
    assert len(failed) == 1
    day.world.tick()
    assert day.hub.webhooks["transfer.failed"] == 1


def test_a_payout_the_bank_sends_back_fails_after_it_was_paid() -> None:
    day = Day(seed=1, orders=4, options=Options(finish="close-books", bouncing=frozenset({A})))
    day.run()
    assert day.hub.webhooks["transfer.failed"] == 1
    books = day.books()
    (failed,) = [row for row in books["gateway"]["operations"] if row.get("failure_reason") == "account_closed"]
    lines = [line for one in books["gateway"]["settlements"] for line in one["lines"]]
    amounts = [line["amount_minor"] for line in lines if line["operation_id"] == failed["id"]]
    assert amounts == [-failed["amount_minor"], failed["amount_minor"]]
    assert witness.settlement_findings(books) == []


def test_the_operators_share_can_be_banked_when_the_books_close() -> None:
    day = Day(seed=1, orders=4, options=Options(finish="close-books", bank_operator_share=True))
    day.run()
    books = day.books()
    assert books["gateway"]["balances"] == {"EUR": 0}
    last = books["gateway"]["settlements"][-1]
    assert last["lines"][-1]["type"] == "payout"
    assert witness.settlement_findings(books) == []


def test_buyers_live_at_addresses_that_cannot_exist() -> None:
    for customer in customers(Random(1)):
        assert customer["email"].endswith("@shop.example")
        assert customer["shipping_address"]["country_iso_code"] == "FRA"


def test_amounts_are_read_back_exactly() -> None:
    assert (minor(10.99, "EUR"), minor(1099, "JPY"), minor("1.099", "KWD")) == (1099, 1099, 1099)
