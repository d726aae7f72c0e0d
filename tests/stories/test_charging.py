"""When the buyer is charged, for what, and what happens when he cannot be."""

from collections.abc import Callable

import pytest

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Capture, Plan
from entrepot.flows import case_desk
from entrepot.inbox.model import Arrival, Received
from entrepot.inbox.service import record
from entrepot.proof.house import House, unhurried
from entrepot.sandbox.faults import Fault


def plan_with(capture: Capture) -> Plan:
    plan = load()
    account = plan.accounts["mirakl-fr/operator"].model_copy(update={"capture": capture})
    return unhurried(plan.model_copy(update={"accounts": {**plan.accounts, "mirakl-fr/operator": account}}))


@pytest.mark.parametrize("capture", [Capture.PER_LEG, Capture.WHEN_ALL_DECIDED])
def test_both_capture_policies_take_the_same_money(open_day: Callable[..., House], capture: Capture) -> None:
    house = open_day(orders=2, plan=plan_with(capture))
    house.run_for(hours=12)
    baskets = house.rows("SELECT * FROM basket ORDER BY commercial_id")
    for basket in baskets:
        legs = house.rows("SELECT * FROM leg WHERE basket_id = %s", basket["id"])
        assert basket["captured_minor"] == sum(leg["accepted_minor"] for leg in legs) > 0
        assert basket["released_minor"] == basket["authorised_minor"] - basket["captured_minor"]
    charges = [
        r["key"]
        for r in house.rows(
            "SELECT key FROM effect WHERE operation = 'gateway.capture' AND state = 'done' ORDER BY key"
        )
    ]
    per_leg = {f"capture:{leg['order_id']}" for leg in house.rows("SELECT order_id FROM leg WHERE debited_minor > 0")}
    per_basket = {f"capture:{b['commercial_id']}" for b in baskets}
    assert set(charges) == (per_leg if capture is Capture.PER_LEG else per_basket)


def test_a_charge_whose_answer_got_lost_is_read_back_and_taken_once(open_day: Callable[..., House]) -> None:
    house = open_day(orders=1)
    house.stage.world.faults.add(Fault("gateway", "capture", 1, kind="timeout-after"))
    house.run_for(hours=8)
    [effect] = house.rows("SELECT * FROM effect WHERE operation = 'gateway.capture'")
    attempts = [
        r["kind"] for r in house.rows("SELECT kind FROM attempt WHERE effect_id = %s ORDER BY number", effect["id"])
    ]
    assert (effect["state"], attempts) == ("done", ["send", "read-back"])
    captures = [row for row in house.stage.world.books()["gateway"]["operations"] if row["operation"] == "capture"]
    assert len(captures) == 1


def test_a_charge_applied_long_after_our_timeout_is_still_taken_once(open_day: Callable[..., House]) -> None:
    house = open_day(orders=1)
    house.stage.world.faults.add(Fault("gateway", "capture", 1, kind="applied-late", arg=15))
    house.run_for(hours=8)
    captures = [row for row in house.stage.world.books()["gateway"]["operations"] if row["operation"] == "capture"]
    assert len(captures) == 1
    assert {r["state"] for r in house.rows("SELECT state FROM effect")} == {"done"}


def test_a_message_the_hub_cannot_read_becomes_a_case_and_a_person_repairs_it(open_day: Callable[..., House]) -> None:
    house = open_day(orders=1)
    house.run_for(hours=3)
    [order] = house.rows("SELECT body FROM message WHERE kind = 'order' ORDER BY seq DESC LIMIT 1")
    body = (
        bytes(order["body"])
        .replace(b'"currency_iso_code":"EUR"', b'"currency_iso_code":"EUROS"')
        .replace(b"C260309-00001", b"C260309-90001")
    )
    root = "basket:C260309-90001"
    bad = Received("order", "C260309-90001-A", "2026-03-09T10:00:00Z", body, 0, root, "order-acceptance")
    record(house.hub.ctx, [Arrival("mirakl-fr/operator", "page", "/api/orders", body, (bad,))])
    house.settle()
    [case] = house.rows("SELECT * FROM case_file WHERE mode = 'malformed-message'")
    assert case["owner"] and "C260309-90001-A" in case["cause_text"]
    done = case_desk.repair(house.hub.ctx, house.hub.plan, case["id"], "on-call@example.org", "their export wrote a name, not a code", {"currency_iso_code": "EUR"})  # fmt: skip
    house.settle()
    assert "repaired" in str(done)
    legs = [r["order_id"] for r in house.rows("SELECT order_id FROM leg WHERE order_id LIKE 'C260309-90001%%'")]
    assert len(legs) == 1
    assert house.rows(
        "SELECT 1 FROM case_file WHERE mode = 'gap-found' AND resolved_at IS NULL"
    )  # no storefront handed it to us
