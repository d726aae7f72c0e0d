"""A case about offers is repaired from the case: what one may change counts, what one may only ask for reaches the owner."""

from collections.abc import Callable
from typing import Any

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.cases.model import VerbDone, VerbRefused
from entrepot.flows import case_desk
from entrepot.proof.house import House, unhurried
from entrepot.sandbox.furniture import A, offer_id

SLIPPED = str(offer_id(A, 3))
BY, WHY, TEAM = "mari@example.org", "he told us on the telephone", "supplier-operations"


def plan_where(**rights: tuple[str, ...]) -> Plan:
    """The shipped plan with other rights on a marketplace seller's price."""
    plan = unhurried(load())
    offer = plan.ownership["offer"]
    dropship, ours = offer.fields["price"]
    fields = {**offer.fields, "price": (dropship, ours.model_copy(update=rights))}
    changed = {**plan.ownership, "offer": offer.model_copy(update={"fields": fields})}
    return plan.model_copy(update={"ownership": changed})


def slipped(open_day: Callable[..., House], plan: Plan) -> House:
    """A has typed 1.99, and the hub has seen it."""
    house = open_day(orders=0, plan=plan)
    house.run_for(minutes=25)
    look(house)
    return house


def look(house: House) -> None:
    with house.hub.ctx.db.transaction() as conn:
        conn.execute("UPDATE periodic SET next_at = %s WHERE name = 'sweep-offers'", (house.clock.now(),))
    house.run_for(minutes=2)


def case_of(house: House) -> dict[str, Any]:
    [case] = house.rows(
        "SELECT c.* FROM case_file c JOIN case_member m ON m.case_id = c.id WHERE c.mode = 'offer-under-floor' AND m.object_id = %s",
        SLIPPED,
    )
    return case


def page(house: House) -> dict[str, Any]:
    shelf = house.stage.world.books()["storefront"]["shelf"]
    return next(one for one in shelf if one["offer_id"] == SLIPPED)


def story(house: House, case_id: str) -> list[str]:
    return [
        row["what"]
        for row in house.rows(
            "SELECT what FROM case_event WHERE case_id = %s AND what <> 'alerted' ORDER BY seq", case_id
        )
    ]


def test_who_may_only_ask_asks_and_the_seller_reads_it_while_the_case_waits(open_day: Callable[..., House]) -> None:
    house = slipped(open_day, unhurried(load()))
    hub, case = house.hub, case_of(house)
    seen = case_desk.preview(hub.ctx, hub.plan, case["id"], "repair", {"price": "12.34"}, team=TEAM)
    assert seen.allowed and "seller is asked" in seen.words and "may ask, and not change it" in seen.words
    assert house.rows("SELECT 1 FROM correction WHERE cause = 'operator'") == []  # a look asks nobody
    done = case_desk.repair(hub.ctx, hub.plan, case["id"], BY, WHY, {"price": "12.34"}, team=TEAM)
    assert isinstance(done, VerbDone)
    waiting = case_of(house)
    assert (waiting["state"], waiting["waiting_on"]) == ("waiting", "seller")
    again = case_desk.repair(hub.ctx, hub.plan, case["id"], BY, WHY, {"price": "12.50"}, team=TEAM)
    assert isinstance(again, VerbRefused) and "has been asked for another price already" in again.why
    house.run_for(minutes=20)
    said = " ".join(message.body for thread in house.stage.portal.threads_of(A) for message in thread.messages)
    assert "12.34 EUR" in said and WHY in said
    house.run_for(hours=3)  # the seller corrects it at the marketplace, with a price of his own
    look(house)
    [asked] = house.rows("SELECT * FROM correction WHERE cause = 'operator' AND object_id = %s", SLIPPED)
    assert (asked["state"], asked["wanted"], asked["asked_by"]) == ("applied", 1234, BY)
    assert page(house)["sellable"]
    over = case_of(house)
    assert (over["state"], over["resolved_verb"]) == ("closed", "cause-gone")
    assert story(house, over["id"]) == ["opened", "member", "repair", "closed"]


def test_who_may_change_it_changes_it_the_marketplace_is_told_and_the_case_closes(
    open_day: Callable[..., House],
) -> None:
    house = slipped(open_day, plan_where(correct=("seller", "operator")))
    hub, case = house.hub, case_of(house)
    done = case_desk.repair(hub.ctx, hub.plan, case["id"], BY, WHY, {"price": "12.34"}, team=TEAM)
    assert isinstance(done, VerbDone) and "is 12.34 EUR from now on" in done.words
    house.run_for(minutes=3)
    assert (page(house)["price_minor"], page(house)["sellable"]) == (1234, True)
    assert house.stage.portal.offer(int(SLIPPED)).price_minor == 1234
    over = case_of(house)
    assert (over["state"], over["members"]) == ("closed", 0)
    [value] = house.rows("SELECT * FROM owned_value WHERE object_id = %s AND field = 'price'", SLIPPED)
    assert (value["actor"], value["source"]) == ("operator", f"case {case['number']}, {BY}: {WHY}")
    look(house)  # the marketplace shows ours: no news
    assert house.rows("SELECT 1 FROM refused_write WHERE object_id = %s AND ended_at IS NULL", SLIPPED) == []


def test_who_may_neither_is_refused_with_the_rule_and_its_place(open_day: Callable[..., House]) -> None:
    house = slipped(open_day, plan_where(request=("customer-care",)))
    hub, case = house.hub, case_of(house)
    for payload, why in (
        ({"price": "12.34"}, "operator may not correct the price of an offer; seller may"),
        ({"price": "cheap"}, "“cheap” is not an amount"),
        ({"prise": "12.34"}, "an offer has no field “prise”"),
        ({"price": None}, "it is not taken away"),
    ):
        refused = case_desk.repair(hub.ctx, hub.plan, case["id"], BY, WHY, payload, team=TEAM)
        assert isinstance(refused, VerbRefused) and why in refused.why
    assert "ownership.offer.fields.price[1]" in str(
        case_desk.repair(hub.ctx, hub.plan, case["id"], BY, WHY, {"price": "12.34"}, team=TEAM)
    )
    assert case_of(house)["state"] == "open"
    assert case_desk.preview(hub.ctx, hub.plan, case["id"], "suppress", team=TEAM).allowed  # accepted as it is
