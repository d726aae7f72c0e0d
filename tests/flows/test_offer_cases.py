"""Many offers, one cause: one case with a count and a list. Who heals leaves it, the last one closes it."""

from dataclasses import replace
from typing import Any

import pytest
from ownership.land import OPERATOR, SELLER, Land, fresh, plan_with

from entrepot.flows.offer_judgement import OfferJudgement
from entrepot.flows.parts import Parts
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.ownership.model import Judged

MANY = 200
ACCOUNT = "mirakl-fr/operator"


@pytest.fixture
def land(ctx: Ctx, clock: ManualClock) -> Land:
    return Land(ctx, clock, plan_with())


def follow(land: Land, judged: Judged) -> None:
    with land.ctx.db.transaction() as conn:
        OfferJudgement(Parts(land.plan, {})).follow(land.ctx, conn, judged).flush(land.ctx, conn, land.plan)


def shown(land: Land, price: int, offers: range, seller: str = "2001", actor: str = SELLER) -> None:
    """The marketplace shows these offers at this price, a minute after whatever it showed before."""
    land.later(minutes=1)
    values = {**fresh(), "price": price} if actor == SELLER else {"price": price}
    seen = [land.seen(f"O-{n}", actor, seller, all=values) for n in offers]
    follow(land, land.observe(*(replace(one, message_id="") for one in seen)))


def rows(land: Land, sql: str, *values: Any) -> list[dict[str, Any]]:
    with land.ctx.db.transaction() as conn:
        return conn.execute(sql, values).fetchall()


def cases(land: Land) -> list[dict[str, Any]]:
    return rows(land, "SELECT * FROM case_file ORDER BY number")


def test_two_hundred_offers_of_one_seller_under_the_floor_are_one_case_and_one_alert(land: Land) -> None:
    shown(land, 2500, range(MANY))
    shown(land, 1500, range(MANY))
    [case] = cases(land)
    assert (case["mode"], case["members"], case["members_seen"]) == ("offer-under-floor", MANY, MANY)
    assert (case["object"], case["object_id"], case["grouped_by"]) == ("seller", f"{ACCOUNT}:2001", "seller")
    assert case["money_minor"] == MANY * 2500
    assert f"({MANY})" in case["effect_text"]
    subjects = {row["subject"] for row in rows(land, "SELECT subject FROM alert WHERE case_id = %s", case["id"])}
    assert len(subjects) == 1 and f"{MANY} of one cause" in subjects.pop()


def test_another_seller_or_another_cause_has_a_case_of_its_own(land: Land) -> None:
    for n, seller in ((0, "2001"), (1, "2003")):
        shown(land, 2500, range(n * 10, n * 10 + 3), seller)
        shown(land, 1500, range(n * 10, n * 10 + 3), seller)
    shown(land, 90_000, range(3))
    found = {(case["mode"], case["seller"]): case["members"] for case in cases(land)}
    assert found == {
        ("offer-under-floor", "2001"): 0,
        ("offer-under-floor", "2003"): 3,
        ("offer-above-ceiling", "2001"): 3,
    }


def test_who_is_corrected_leaves_and_the_last_one_closes_the_case(land: Land) -> None:
    shown(land, 2500, range(3))
    shown(land, 1500, range(3))
    shown(land, 2600, range(2))
    [case] = cases(land)
    assert (case["members"], case["members_seen"], case["state"]) == (1, 3, "open")
    shown(land, 2600, range(2, 3))
    [case] = cases(land)
    assert (case["members"], case["state"], case["resolved_verb"]) == (0, "closed", "cause-gone")


def test_a_system_that_writes_what_is_not_its_is_one_case_across_sellers_and_closes_when_it_stops(land: Land) -> None:
    for seller, n in (("2001", 0), ("2003", 10)):
        shown(land, 2500, range(n, n + 3), seller)
        shown(land, 2700, range(n, n + 3), seller, OPERATOR)
    [case] = cases(land)
    assert (case["mode"], case["object"], case["members"]) == ("ownership-refused", "cause", 6)
    assert case["cause_key"] == f"price:{OPERATOR}"
    for seller, n in (("2001", 0), ("2003", 10)):
        shown(land, 2500, range(n, n + 3), seller, OPERATOR)
    assert [case["state"] for case in cases(land)] == ["closed"]
