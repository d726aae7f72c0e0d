"""A price under the floor: held and not overwritten, its seller asked, the corrected value let in, the offer sold again."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from entrepot.flows.checkout_check import CheckoutBody, LineAsked
from entrepot.proof.house import House
from entrepot.sandbox.furniture import A, C, D, offer_id

ACCOUNT = "mirakl-fr/operator"
CORRECTED, SILENT, DECLINED = offer_id(A, 3), offer_id(D, 3), offer_id(C, 3)


def page(house: House, offer: int) -> dict[str, Any]:
    shelf = house.stage.world.books()["storefront"]["shelf"]
    return next(one for one in shelf if one["offer_id"] == str(offer))


def holds(house: House, offer: int) -> list[dict[str, Any]]:
    return house.rows("SELECT * FROM hold WHERE object_id = %s ORDER BY starts_at", str(offer))


def corrections(house: House, offer: int) -> list[dict[str, Any]]:
    return house.rows("SELECT * FROM correction WHERE object_id = %s ORDER BY asked_at", str(offer))


def open_cases(house: House, mode: str) -> list[dict[str, Any]]:
    return house.rows("SELECT * FROM case_file WHERE mode = %s AND resolved_at IS NULL ORDER BY number", mode)


def members(house: House, mode: str, *, gone: bool = False) -> list[dict[str, Any]]:
    """Offers and requests in cases of this mode."""
    return house.rows(
        "SELECT m.*, c.owner, c.object_id AS of, c.seller AS whose FROM case_member m JOIN case_file c ON c.id = m.case_id "
        "WHERE c.mode = %s AND (m.gone_at IS NOT NULL) = %s ORDER BY m.object_id",
        mode,
        gone,
    )


def check(house: House, offer: int, price_minor: int) -> dict[str, Any]:
    asked = CheckoutBody(ACCOUNT, "EUR", [LineAsked(str(offer), 1, price_minor)])
    line: dict[str, Any] = house.hub.in_request.check(asked)["lines"][0]
    return line


def told(house: House, shop: int) -> list[Any]:
    return house.stage.portal.threads_of(shop)


def look_at_offers(house: House) -> None:
    """The export is read once more, now."""
    with house.hub.ctx.db.transaction() as conn:
        conn.execute("UPDATE periodic SET next_at = %s WHERE name = 'sweep-offers'", (house.clock.now(),))
    house.run_for(minutes=2)


@pytest.fixture(scope="module")
def slipped(open_day: Callable[..., House]) -> Iterator[House]:
    """The first hour after A has typed 1.99 for an article that cost more, and before anybody has read anything."""
    house = open_day(orders=0)
    house.run_for(minutes=30)
    look_at_offers(house)
    yield house


def test_it_is_held_and_the_price_that_stood_is_not_overwritten(slipped: House) -> None:
    before = next(
        one["before"]["price_minor"]
        for one in slipped.stage.shopkeepers.records.slips
        if one["offer_id"] == str(CORRECTED)
    )
    [hold] = holds(slipped, CORRECTED)
    shown = page(slipped, CORRECTED)
    assert (hold["reason"], hold["lifted_at"]) == ("under-floor", None)
    assert (shown["sellable"], shown["price_minor"]) == (False, before)
    assert "1.99 EUR is under the floor" in shown["reasons"][0]


def test_a_buyer_who_has_it_in_his_basket_is_refused_with_the_reason(slipped: House) -> None:
    price = page(slipped, CORRECTED)["price_minor"]
    assert check(slipped, CORRECTED, price)["reasons"] == ["held"]
    assert check(slipped, CORRECTED, 199)["reasons"] == ["held", "price-changed"]


def test_the_same_wrong_price_again_is_counted_and_not_doubled(slipped: House) -> None:
    with slipped.stage.world.lock:
        slipped.stage.portal.revise_offer(CORRECTED, quantity=5)
    slipped.clock.advance(60)
    look_at_offers(slipped)
    [refused] = slipped.rows("SELECT * FROM refused_write WHERE object_id = %s", str(CORRECTED))
    assert refused["count"] > 1
    assert (len(holds(slipped, CORRECTED)), len(corrections(slipped, CORRECTED))) == (1, 1)
    assert page(slipped, CORRECTED)["quantity"] == 5  # what is right of it is let in


def test_one_conversation_per_seller_and_cause_carries_every_row(slipped: House) -> None:
    slipped.run_for(minutes=20)
    [thread] = told(slipped, A)
    [message] = thread.messages
    assert "under the floor" in thread.topic_value
    assert f"{A}-04" in message.body and "1.99 EUR" in message.body
    assert b'"1.99 EUR is under the floor of OUTDOOR, 5.00 EUR"' in message.attachments[0].content
    [digest] = slipped.rows("SELECT * FROM correction_digest WHERE seller = %s", str(A))
    assert (digest["state"], digest["channel"]) == ("delivered", "mirakl-thread")
    assert [c["state"] for c in corrections(slipped, CORRECTED)] == ["delivered"]


def test_the_corrected_value_closes_the_request_and_the_offer_sells_again(slipped: House) -> None:
    slipped.run_for(hours=3)
    look_at_offers(slipped)
    [hold] = holds(slipped, CORRECTED)
    [correction] = corrections(slipped, CORRECTED)
    shown = page(slipped, CORRECTED)
    assert hold["lifted_at"] is not None
    assert (correction["state"], correction["applied_value"]) == ("applied", shown["price_minor"])
    assert shown["sellable"] and shown["reasons"] == []
    assert check(slipped, CORRECTED, shown["price_minor"])["ok"]
    [over] = [m for m in members(slipped, "offer-under-floor", gone=True) if m["object_id"] == str(CORRECTED)]
    assert over["gone_because"] == "the offer is not wrong in this way any more"
    assert [c for c in open_cases(slipped, "offer-under-floor") if c["seller"] == str(A)] == []
    [promise] = slipped.rows(
        "SELECT o.* FROM obligation o JOIN correction_digest d ON d.id = o.object_id WHERE o.kind = 'answer-correction' AND d.seller = %s",
        str(A),
    )
    assert promise["state"] == "met"


def test_the_corrected_value_that_arrives_twice_closes_once(slipped: House) -> None:
    with slipped.stage.world.lock:
        slipped.stage.portal.revise_offer(CORRECTED, quantity=6)
    slipped.clock.advance(60)
    look_at_offers(slipped)
    [correction] = corrections(slipped, CORRECTED)
    history = slipped.rows("SELECT * FROM value_change WHERE object_id = %s AND field = 'price'", str(CORRECTED))
    assert (correction["state"], len(history), len(holds(slipped, CORRECTED))) == ("applied", 1, 1)


def test_a_seller_who_says_no_leaves_a_case_with_an_owner_and_the_hold(slipped: House) -> None:
    [case] = [c for c in open_cases(slipped, "correction-unanswered") if c["seller"] == str(C)]
    assert case["owner"] == "supplier-operations" and "says no" in case["cause_text"]
    assert [m["object_id"] for m in members(slipped, "correction-unanswered") if m["whose"] == str(C)] == [
        str(DECLINED)
    ]
    assert [c["state"] for c in corrections(slipped, DECLINED)] == ["declined"]
    assert not page(slipped, DECLINED)["sellable"]


def test_a_seller_who_says_nothing_has_broken_a_promise_that_somebody_was_told_of(slipped: House) -> None:
    slipped.run_for(hours=24)
    [correction] = corrections(slipped, SILENT)
    [promise] = slipped.rows("SELECT * FROM obligation WHERE object_id = %s", correction["digest_id"])
    [case] = [c for c in members(slipped, "correction-unanswered") if c["object_id"] == correction["digest_id"]]
    assert case["of"] == f"{ACCOUNT}:{D}"
    assert (correction["state"], promise["state"], promise["warned_at"] is not None) == ("expired", "missed", True)
    assert case["owner"] == "supplier-operations"
    assert not page(slipped, SILENT)["sellable"]


def test_whoever_answers_late_is_heard_all_the_same(slipped: House) -> None:
    before = next(
        one["before"]["price_minor"]
        for one in slipped.stage.shopkeepers.records.slips
        if one["offer_id"] == str(SILENT)
    )
    with slipped.stage.world.lock:
        slipped.stage.portal.revise_offer(SILENT, price_minor=before)
    slipped.clock.advance(60)
    look_at_offers(slipped)
    assert page(slipped, SILENT)["sellable"]
    assert [c["state"] for c in corrections(slipped, SILENT)] == ["applied"]
    left = [c for c in open_cases(slipped, "correction-unanswered") if c["seller"] != str(C)]
    assert left == []
