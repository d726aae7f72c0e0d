"""Levers of the operator, and a second system that keeps undoing them: an override ends by itself, a fight is seen and owned."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from entrepot.engine import flows as flow_control
from entrepot.ownership.service import NotYours, Person
from entrepot.proof.house import House
from entrepot.sandbox.furniture import A, B, E, offer_id
from entrepot.sandbox.scenario import CATEGORY_DISPUTED, CHANNEL_MANAGED

ACCOUNT = "mirakl-fr/operator"
OPERATOR = Person("dana@example.org", "supplier-operations")
DISPUTED, MANAGED = str(CATEGORY_DISPUTED), str(CHANNEL_MANAGED)


def page(house: House, offer: str) -> dict[str, Any]:
    shelf = house.stage.world.books()["storefront"]["shelf"]
    return next(one for one in shelf if one["offer_id"] == offer)


def publications(house: House, offer: str) -> list[dict[str, Any]]:
    return [one for one in house.stage.world.books()["storefront"]["publications"] if one["offer_id"] == offer]


def open_cases(house: House, mode: str) -> list[dict[str, Any]]:
    return house.rows("SELECT * FROM case_file WHERE mode = %s AND resolved_at IS NULL ORDER BY number", mode)


def look_at_offers(house: House) -> None:
    with house.hub.ctx.db.transaction() as conn:
        conn.execute("UPDATE periodic SET next_at = %s WHERE name = 'sweep-offers'", (house.clock.now(),))
    house.run_for(minutes=2)


def watched_for(house: House, hours: float) -> None:
    """Time passes, and the export is read every five minutes, as in a real day."""
    for _ in range(int(hours * 12)):
        house.run_for(minutes=3)
        look_at_offers(house)


@pytest.fixture(scope="module")
def calm(open_day: Callable[..., House]) -> Iterator[House]:
    house = open_day(orders=0)
    house.run_for(minutes=5)
    yield house


def test_a_category_laid_over_the_owners_ends_by_itself_and_the_owners_returns(calm: House) -> None:
    owners = page(calm, DISPUTED)["category"]
    until = calm.clock.now() + timedelta(hours=2)
    pulled = calm.hub.offer_desk.override(calm.hub.ctx, ACCOUNT, DISPUTED, "category", "OUTDOOR", by=OPERATOR, reason="It is a camping stove", until=until)  # fmt: skip
    calm.settle()
    assert (pulled.state, owners != "OUTDOOR") == ("live", True)
    assert page(calm, DISPUTED)["category"] == "OUTDOOR"
    calm.run_for(hours=2, minutes=1)
    [row] = calm.rows("SELECT * FROM override_value WHERE id = %s", pulled.id)
    assert (row["state"], row["ended_why"]) == ("ended", "its time is over")
    assert page(calm, DISPUTED)["category"] == owners
    assert [one["category"] for one in publications(calm, DISPUTED)] == [owners, "OUTDOOR", owners]


def test_a_category_the_marketplace_cannot_be_told_is_no_fight_however_often_the_offer_changes(calm: House) -> None:
    until = calm.clock.now() + timedelta(hours=6)
    pulled = calm.hub.offer_desk.override(calm.hub.ctx, ACCOUNT, DISPUTED, "category", "OUTDOOR", by=OPERATOR, reason="It is a camping stove", until=until)  # fmt: skip
    for quantity in range(20, 26):
        with calm.stage.world.lock:
            calm.stage.portal.revise_offer(CATEGORY_DISPUTED, quantity=quantity)
        calm.clock.advance(60)
        look_at_offers(calm)
    assert calm.rows("SELECT 1 FROM reassertion WHERE object_id = %s", DISPUTED) == []
    assert (page(calm, DISPUTED)["quantity"], page(calm, DISPUTED)["category"]) == (25, "OUTDOOR")
    calm.hub.offer_desk.end_override(
        calm.hub.ctx, pulled.id, by=OPERATOR, reason="it is a stove for kitchens after all"
    )


def test_a_lever_that_is_not_his_is_refused_and_says_whose_it_is(calm: House) -> None:
    with pytest.raises(NotYours, match="the plan lets nobody override the price"):
        calm.hub.offer_desk.override(calm.hub.ctx, ACCOUNT, DISPUTED, "price", 1_000, by=OPERATOR, reason="cheaper", until=calm.clock.now() + timedelta(hours=1))  # fmt: skip
    assert calm.rows("SELECT 1 FROM override_value WHERE field = 'price'") == []


def test_what_a_person_changed_by_another_road_is_published_at_the_next_look(calm: House) -> None:
    from entrepot.ownership import service as ownership

    hub, key = calm.hub, (ACCOUNT, "offer", str(offer_id(A, 1)))
    with hub.ctx.db.transaction() as conn:
        ownership.hold(conn, hub.ctx, hub.plan, hub.offer_desk.rules, key, "price", by=OPERATOR, reason="recalled by its maker", until=calm.clock.now() + timedelta(hours=4))  # fmt: skip
    calm.run_for(hours=1, minutes=5)
    assert page(calm, key[2])["reasons"] == ["recalled by its maker"]
    calm.run_for(hours=4)
    assert page(calm, key[2])["sellable"]


def test_a_value_of_ours_is_written_to_the_marketplace_and_nothing_else_of_the_offer_changes(calm: House) -> None:
    before = dict(vars(calm.stage.portal.offer(CHANNEL_MANAGED)))
    until = calm.clock.now() + timedelta(hours=20)
    calm.hub.offer_desk.override(calm.hub.ctx, ACCOUNT, MANAGED, "description", "Tart form, 28 cm, tinned steel", by=OPERATOR, reason="The size was missing", until=until)  # fmt: skip
    calm.run_for(minutes=3)
    after = vars(calm.stage.portal.offer(CHANNEL_MANAGED))
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed == {
        "description",
        "updated_at",
        "updates",
    }  # `updates`: how often it was written, as the sandbox counts
    assert after["description"] == page(calm, MANAGED)["description"] == "Tart form, 28 cm, tinned steel"


def test_a_second_system_that_keeps_undoing_it_becomes_one_case_after_three_times_a_day(calm: House) -> None:
    watched_for(calm, 3)
    rows = calm.rows("SELECT * FROM reassertion WHERE object_id = %s", MANAGED)
    assert [(row["count"], row["fought_at"] is not None) for row in rows] == [(3, True)]
    ours = list(calm.rows("SELECT state FROM effect WHERE operation = 'mirakl.update-offer' AND key LIKE 'assert:%%'"))
    assert [r["state"] for r in ours] == ["done", "done", "done"]
    [case] = open_cases(calm, "ownership-fight")
    assert (case["object_id"], case["owner"]) == (MANAGED, "commerce-architect")
    assert len(calm.stage.channel_manager.records) == 4  # it has the last word at the marketplace, and nobody hears it


def test_the_fought_over_offer_is_held_until_a_person_acts(calm: House) -> None:
    assert not page(calm, MANAGED)["sellable"]
    [hold] = calm.rows("SELECT * FROM hold WHERE object_id = %s AND lifted_at IS NULL", MANAGED)
    calm.hub.offer_desk.release(calm.hub.ctx, hold["id"], by=Person("kim@example.org", "supplier-operations"), reason="the channel manager is switched off")  # fmt: skip
    calm.settle()
    assert page(calm, MANAGED)["sellable"]
    assert open_cases(calm, "ownership-fight") == []


def test_a_seller_who_is_suspended_sells_nothing_until_he_may_again(calm: House) -> None:
    theirs = [str(offer_id(B, n)) for n in range(7)]
    with calm.stage.world.lock:
        calm.stage.portal.set_shop_state(B, "SUSPENDED", "MANUAL")
    calm.run_for(hours=5)
    assert {page(calm, offer)["sellable"] for offer in theirs} == {False}
    assert "Maison Bretonne is suspended" in page(calm, theirs[0])["reasons"][0]
    with calm.stage.world.lock:
        calm.stage.portal.set_shop_state(B, "OPEN")
    calm.run_for(hours=5)
    assert {page(calm, offer)["sellable"] for offer in theirs} == {True}


def test_a_paused_flow_publishes_nothing_and_the_newest_when_it_is_resumed(calm: House) -> None:
    offer = offer_id(E, 1)
    before = len(publications(calm, str(offer)))
    with calm.hub.ctx.db.transaction() as conn:
        flow_control.pause(conn, calm.hub.ctx, "offer-publication", "dana@example.org", "the shop moves house", calm.clock.now() + timedelta(hours=3))  # fmt: skip
    for quantity in (11, 12, 13):
        with calm.stage.world.lock:
            calm.stage.portal.revise_offer(offer, quantity=quantity)
        calm.run_for(minutes=20)
    assert len(publications(calm, str(offer))) == before
    with calm.hub.ctx.db.transaction() as conn:
        flow_control.resume(conn, calm.hub.ctx, "offer-publication", "dana@example.org", "moved")
    look_at_offers(calm)
    assert [one["quantity"] for one in publications(calm, str(offer))[before:]] == [13]
