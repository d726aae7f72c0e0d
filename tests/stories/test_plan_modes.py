"""A flow that observes, then advises, then acts: adopted step by step, and nothing leaves the house before its time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from plan_text import source, whole

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.cases.model import VerbDone
from entrepot.change import service as plans
from entrepot.change.model import Source
from entrepot.cli.case_pages import meaning
from entrepot.connectors.payment.events import PaymentEvent
from entrepot.engine import flows as flow_control
from entrepot.flows import case_desk, plan_desk
from entrepot.flows.consequences import Consequences
from entrepot.flows.incident_dispute import GatewayNews
from entrepot.flows.payout import Payouts
from entrepot.inbox.model import Decided, Message
from entrepot.outbox.port import OutgoingEffect
from entrepot.outbox.store import Intent, plan_effects
from entrepot.proof.house import House, unhurried
from entrepot.web.store import ConsoleStore

TEXT = whole()
PLACE = "    object: basket\n    from: storefront\n"


def mode(word: str) -> Source:
    begin = TEXT.index(PLACE)
    return source(TEXT[:begin] + TEXT[begin:].replace("    mode: act\n", f"    mode: {word}\n", 1))


def begin(open_day: Callable[..., House], word: str, orders: int = 2) -> House:
    house = open_day(orders=orders)
    with house.hub.ctx.db.transaction() as conn:
        plans.first(conn, house.hub.ctx, mode(word))
    house.reopen()
    return house


def switch(house: House, word: str) -> None:
    plan_desk.apply(house.hub.ctx, mode(word), by="Mari", reason=f"{word} from now on")
    house.reopen()


def creations(house: House) -> list[dict[str, Any]]:
    return house.rows("SELECT * FROM effect WHERE operation = 'mirakl.create-orders' ORDER BY seq")


def advised(house: House) -> list[dict[str, Any]]:
    return house.rows("SELECT * FROM case_file WHERE mode = 'action-advised' AND resolved_at IS NULL ORDER BY number")


def orders_at_the_marketplace(house: House) -> list[str]:
    return sorted(order["order_id"] for order in house.stage.world.books()["mirakl"]["orders"])


def test_while_it_observes_nothing_is_sent_and_what_it_raises_is_a_shadow(open_day: Callable[..., House]) -> None:
    house = begin(open_day, "observe")
    house.run_for(hours=3)
    rows = creations(house)
    assert [row["state"] for row in rows] == ["observed", "observed"]
    assert [row["attempts"] for row in rows] == [0, 0] and orders_at_the_marketplace(house) == []
    promises = house.rows("SELECT kind, shadow FROM obligation ORDER BY kind")
    assert {row["shadow"] for row in promises if row["kind"] == "place-orders"} == {True}
    assert {row["shadow"] for row in promises if row["kind"] == "settle-authorisation"} == {False}  # capture acts


def test_what_the_other_connector_did_is_noted_beside_what_we_would_have_sent(open_day: Callable[..., House]) -> None:
    """The connector that still does the work makes the orders; we see them, and compare."""
    house = begin(open_day, "observe", orders=1)
    house.run_for(minutes=1)
    [row] = creations(house)
    operation = house.hub.outbox.operations[row["account"], "mirakl.create-orders"]
    theirs = OutgoingEffect(
        "theirs", row["operation"], row["account"], row["payload"], 1, house.clock.machine() + timedelta(hours=1)
    )
    operation.send(house.hub.ctx, theirs)
    house.run_for(hours=1)
    [seen] = creations(house)
    assert (seen["state"], seen["elsewhere_at"] is not None) == ("observed", True)
    assert "was made by somebody else" in seen["note"]
    assert house.rows("SELECT state FROM obligation WHERE kind = 'place-orders'") == [{"state": "met"}]


def test_an_advice_waits_as_a_case_and_is_released_changed_or_taken_back(open_day: Callable[..., House]) -> None:
    house = begin(open_day, "advise", orders=3)
    house.run_for(hours=2, minutes=5)
    first, second, third = advised(house)
    assert orders_at_the_marketplace(house) == []
    assert {row["state"] for row in creations(house)} == {"advised"}
    ctx, plan = house.hub.ctx, house.hub.plan
    assert "is released" in case_desk.preview(ctx, plan, first["id"], "retry").words
    change = {"basket": {"shipping_type": "EXP"}}
    assert isinstance(case_desk.retry(ctx, plan, first["id"], "Mari", "right"), VerbDone)
    assert isinstance(case_desk.repair(ctx, plan, second["id"], "Mari", "faster", change), VerbDone)
    assert isinstance(case_desk.suppress(ctx, plan, third["id"], "Mari", "a test basket"), VerbDone)
    house.run_for(minutes=10)
    assert [row["state"] for row in creations(house)] == ["done", "done", "void"]
    names = [row["key"].removeprefix("create:") for row in creations(house)]
    types = [{order.shipping_type for order in house.stage.portal.orders_of(name)} for name in names]
    assert types == [{"STD"}, {"EXP"}, set()]
    assert advised(house) == []


def test_switched_step_by_step_each_basket_is_treated_by_the_mode_of_its_moment(open_day: Callable[..., House]) -> None:
    house = begin(open_day, "observe", orders=1)
    house.run_for(minutes=1)
    for word in ("advise", "act"):
        switch(house, word)
        house.stage.storefront.buy(1)
        house.run_for(minutes=1)
    rows = creations(house)
    assert [row["state"] for row in rows] == ["observed", "advised", "done"]
    assert len({row["plan_hash"] for row in rows}) == 3


def test_a_rollback_to_observe_stops_what_waits_at_once_without_a_restart(open_day: Callable[..., House]) -> None:
    """The processes still run on the newer plan: what a buyer does now is observed all the same, and no lane begins anything."""
    house = begin(open_day, "observe", orders=1)
    observing = house.hub.plan.hash
    switch(house, "act")
    plan_desk.roll_back(house.hub.ctx, observing, by="Mari", reason="not yet")
    house.run_for(hours=1)
    assert [row["state"] for row in creations(house)] == ["observed"]
    assert orders_at_the_marketplace(house) == []


def shadows(house: House) -> list[dict[str, Any]]:
    return house.rows("SELECT * FROM case_file WHERE flow = 'order-creation' AND resolved_at IS NULL ORDER BY number")


def heard_of(house: House, case_id: str) -> set[str]:
    return {row["team"] for row in house.rows("SELECT team FROM alert WHERE case_id = %s", case_id)}


def test_what_an_observed_flow_raises_is_shown_and_said_to_nobody_until_the_flow_is_ours(
    open_day: Callable[..., House],
) -> None:
    house = begin(open_day, "observe", orders=1)
    house.run_for(hours=30)
    [case] = shadows(house)
    assert (case["shadow"], case["told_at"]) == (True, None)
    assert heard_of(house, case["id"]) == set() and house.rows("SELECT 1 FROM alert WHERE obligation_id IS NOT NULL AND case_id = %s", case["id"]) == []  # fmt: skip
    row = ConsoleStore(house.hub.ctx.db, house.hub.plan).case_row(case["id"])
    assert row is not None and row.shadow
    assert "[only observed]" in meaning(case)
    switch(house, "act")
    [ours] = shadows(house)
    assert (ours["shadow"], heard_of(house, ours["id"])) == (False, {ours["owner"]})


def test_switched_to_advice_what_was_planned_and_not_sent_waits_for_a_person(open_day: Callable[..., House]) -> None:
    house = begin(open_day, "act", orders=2)
    flow, now = "order-creation", house.clock.now()
    with house.hub.ctx.db.transaction() as conn:  # so that what is planned stays for a while
        flow_control.pause(conn, house.hub.ctx, flow, "Mari", "a look", now + timedelta(hours=4), "marketplace-lead")
    house.run_until(lambda: len(creations(house)) == 2, hours=4)
    assert [row["state"] for row in creations(house)] == ["planned", "planned"]
    switch(house, "advise")
    assert [row["state"] for row in creations(house)] == ["advised", "advised"]
    with house.hub.ctx.db.transaction() as conn:
        flow_control.resume(conn, house.hub.ctx, flow, "Mari", "looked at")
    house.run_for(hours=2)
    assert orders_at_the_marketplace(house) == []
    first, second = advised(house)
    assert first["plan_hash"] == house.hub.plan.hash
    assert isinstance(case_desk.retry(house.hub.ctx, house.hub.plan, first["id"], "Mari", "right"), VerbDone)
    house.run_for(minutes=10)
    assert sorted(row["state"] for row in creations(house)) == ["advised", "done"]
    switch(house, "advise")  # nothing changes: what a person has released stays released
    assert [case["id"] for case in advised(house)] == [second["id"]]


def observing(flow: str) -> Plan:
    plan = unhurried(load())
    return plan.model_copy(
        update={"flows": {**plan.flows, flow: plan.flow(flow).model_copy(update={"mode": "observe"})}}
    )


def test_what_another_connector_charged_and_released_is_noted_from_the_gateways_own_sums(
    open_day: Callable[..., House],
) -> None:
    house = open_day(orders=1, plan=observing("capture"))
    house.run_until(lambda: bool(house.rows("SELECT 1 FROM basket WHERE authorisation_id IS NOT NULL")), hours=3)
    [basket] = house.rows("SELECT * FROM basket")
    name, ctx, parts = basket["commercial_id"], house.hub.ctx, house.hub.parts
    gone = Intent(f"release:{name}", "gateway/main", "gateway.release", f"basket:{name}", "capture", {}, 3600)
    charged, total = 700, basket["authorised_minor"]
    event = PaymentEvent(
        "authorisation.expired", "evt_1", ctx.clock.now(), basket["authorisation_id"], name, "expired", total,
        basket["currency"], authorisation_id=basket["authorisation_id"], captured_minor=charged, released_minor=total - charged,
    )  # fmt: skip
    message = Message(
        "msg_1", 1, "gateway/main", "payment-event", "evt_1", "", f"basket:{name}", "capture", b"{}", ctx.clock.now(), 0
    )
    with ctx.db.transaction() as conn:
        plan_effects(conn, ctx, [gone])
        then = Consequences()
        said = GatewayNews(parts, Payouts(parts))._one(ctx, conn, then, message, event)
        then.flush(ctx, conn, house.hub.plan)
    assert said == Decided() and then.cases == []
    [row] = house.rows("SELECT * FROM effect WHERE key = %s", gone.key)
    assert (row["state"], row["elsewhere_at"] is not None) == ("observed", True)
    assert "released by somebody else" in row["note"]
    assert house.rows("SELECT state FROM obligation WHERE kind = 'settle-authorisation'") == [{"state": "met"}]
