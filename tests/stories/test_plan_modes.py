"""A flow that observes, then advises, then acts: adopted step by step, and nothing leaves the house before its time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from plan_text import source, whole

from entrepot.cases.model import VerbDone
from entrepot.change import service as plans
from entrepot.change.model import Source
from entrepot.flows import case_desk, plan_desk
from entrepot.proof.house import House

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
    from entrepot.outbox.port import OutgoingEffect

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
