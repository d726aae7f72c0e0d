"""A mapping applied, two hundred orders later rolled back: which records it touched, and what a replay would do with each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from plan_text import source as source_of_text
from plan_text import whole

from entrepot.change import service as plans
from entrepot.change.model import Source
from entrepot.change.replaying import Verdict
from entrepot.engine import flows
from entrepot.flows import plan_desk
from entrepot.flows.plan_desk import WayBack
from entrepot.flows.replay import ReplayAsked, ReplayPlan, ReplayRefused, plan_replay, run_replay
from entrepot.kernel.ctx import Ctx
from entrepot.proof.house import House
from entrepot.proof.world import options
from entrepot.sandbox.storefront import Storefront

FLOW = "order-creation"
METHODS = ("standard", "express", "pickup", "")
BASKETS = 200
RIGHT = "values: {standard: STD, express: EXP, pickup: STD}"
WRONG = "values: {standard: STD, express: STD, pickup: DRONE}"  # express goes out as standard, and nobody flies


def source(values: str) -> Source:
    text = whole()
    assert "values: {standard: STD, express: EXP}" in text
    return source_of_text(text.replace("values: {standard: STD, express: EXP}", values))


def begin(house: House, first: Source) -> None:
    with house.hub.ctx.db.transaction() as conn:
        plans.first(conn, house.hub.ctx, first)
    house.reopen()


def shop(**more: Any) -> dict[str, Any]:
    day = options(span=timedelta(hours=2), planted_money_faults=False)
    return {"options": replace(day, scripted_events=False, shipping_methods=METHODS, **more)}


@dataclass(frozen=True)
class Story:
    house: House
    right: Source
    wrong: Source
    asked: dict[str, str]  # the shop's own record: what each buyer of the second hour chose, by basket


def bought(store: Storefront) -> dict[str, str]:
    return {name: basket.shipping_method for name, basket in store.baskets.items() if basket.orders}


@pytest.fixture(scope="module")
def story(open_day: Callable[..., House]) -> Iterator[Story]:
    """Fifty baskets under the right plan, a hundred and fifty sent under the wrong one, fifty that still wait."""
    house = open_day(orders=0, **shop())
    right, wrong = source(RIGHT), source(WRONG)
    begin(house, right)
    store = house.stage.storefront
    store.buy(50)
    house.run_for(seconds=60)
    before = set(bought(store))
    plan_desk.apply(house.hub.ctx, wrong, by="Mari", reason="express is standard from now on")
    house.reopen()
    house.clock.advance(1)
    store.buy(BASKETS - 50)
    house.run_for(seconds=BASKETS - 50 + 1)
    with house.hub.ctx.db.transaction() as conn:
        flows.pause(
            conn, house.hub.ctx, FLOW, "Mari", "the mapping looks wrong", house.clock.now() + timedelta(hours=1)
        )
    store.buy(50)
    house.run_for(seconds=60)
    asked = {name: method for name, method in bought(store).items() if name not in before}
    yield Story(house, right, wrong, asked)


def actions(house: House) -> dict[str, dict[str, Any]]:
    """The newest outgoing creation of each basket."""
    rows = house.rows("SELECT * FROM effect WHERE operation = 'mirakl.create-orders' ORDER BY seq")
    return {row["root"].removeprefix("basket:"): row for row in rows}


def looked_back(story: Story) -> WayBack:
    with story.house.hub.ctx.db.transaction() as conn:
        return plan_desk.way_back(conn, story.right.hash)


def chose(story: Story, *methods: str) -> set[str]:
    return {f"create:{name}" for name, method in story.asked.items() if method in methods}


def names(planned: ReplayPlan, *verdicts: Verdict) -> set[str]:
    return {row.name for row in planned.rows if row.verdict in verdicts}


def test_every_basket_of_the_second_hour_is_looked_at_and_none_of_the_first(story: Story) -> None:
    back = looked_back(story)
    [planned] = back.replays
    assert len(story.asked) == BASKETS
    assert {row.name for row in planned.rows} == chose(story, *METHODS)
    assert [(change.kind, change.by) for change in back.undone] == [("apply", "Mari")]


def test_the_records_the_mapping_touched_are_exactly_those_whose_buyers_chose_a_word_it_changed(story: Story) -> None:
    [planned] = looked_back(story).replays
    assert {row.name for row in planned.touched} == chose(story, "express", "pickup")
    for row in planned.touched:
        method = story.asked[row.name.removeprefix("create:")]
        types = (row.before["basket"]["shipping_type"], row.after["basket"]["shipping_type"])
        assert types == {"express": ("STD", "EXP"), "pickup": ("DRONE", "STD")}[method]


def test_a_dry_run_skips_what_is_done_and_hands_a_person_what_they_got_otherwise(story: Story) -> None:
    [planned] = looked_back(story).replays
    done = {row["key"] for row in actions(story.house).values() if row["state"] == "done"}
    waiting = {row["key"] for row in actions(story.house).values() if row["state"] == "planned"}
    changed = chose(story, "express", "pickup")
    assert names(planned, Verdict.SEND) == waiting & changed
    assert names(planned, Verdict.SKIP) == chose(story, "standard", "")
    assert names(planned, Verdict.REVIEW) == changed - waiting
    assert done & names(planned, Verdict.SEND) == set()
    assert {row.why.split(":")[0] for row in planned.rows if row.verdict is Verdict.SKIP} == {
        "done already, with the same content",
        "waits already, with the same content",
    }


def test_who_was_refused_and_got_his_money_back_is_not_ordered_for_again(story: Story) -> None:
    [planned] = looked_back(story).replays
    refused = {row["key"] for row in actions(story.house).values() if row["state"] == "refused"}
    given_back = [row.name for row in planned.rows if "money was given back" in row.why]
    assert refused and set(given_back) == refused
    assert refused <= names(planned, Verdict.REVIEW)


def test_what_was_decided_since_is_told_by_flow_and_state(story: Story) -> None:
    decided = looked_back(story).decided
    effects = {(row["what"], row["state"]): row["n"] for row in decided["effects"] if row["flow"] == FLOW}
    ours = [row for name, row in actions(story.house).items() if name in story.asked]
    assert effects == {
        ("mirakl.create-orders", state): sum(row["state"] == state for row in ours)
        for state in ("done", "planned", "refused")
    }
    assert [(row["what"], row["n"]) for row in decided["messages"] if row["what"] == "basket"] == [("basket", BASKETS)]
    uses = {row["state"]: row["n"] for row in decided["mapping_uses"]}
    methods = list(story.asked.values())
    assert uses == {
        "STD ↔ standard": methods.count("standard"),
        "STD ↔ express": methods.count("express"),
        "DRONE ↔ pickup": methods.count("pickup"),
    }


def test_looking_back_changes_nothing(story: Story) -> None:
    before = story.house.rows("SELECT md5(string_agg(e::text, '' ORDER BY id)) AS sum FROM effect e")
    looked_back(story)
    assert story.house.rows("SELECT md5(string_agg(e::text, '' ORDER BY id)) AS sum FROM effect e") == before
    assert story.house.rows("SELECT count(*) AS n FROM plan_change") == [{"n": 2}]


def test_rolled_back_and_replayed_what_waited_goes_out_right_and_what_was_done_is_never_sent_again(
    story: Story,
) -> None:
    house = story.house
    before = actions(house)
    sent_before = written(house)
    back, done = plan_desk.roll_back(house.hub.ctx, story.right.hash[:8], by="Mari", reason="express means express")
    house.reopen()
    ctx = house.hub.ctx
    assert done and ctx.plan_hash == story.right.hash
    [planned] = back.replays
    asked = planned.asked
    with pytest.raises(ReplayRefused, match=planned.digest):  # order-creation is replayed with review
        run_replay(ctx, house.hub.plan, asked, by="Mari", reason="the right words")
    cut_off(ctx, house, asked, planned.digest)
    ran = run_replay(ctx, house.hub.plan, asked, by="Mari", reason="the right words")  # carries on where it was cut off
    assert ran.ended and ran.states == {
        "done": planned.counts["send"], "skipped": planned.counts["skip"], "person": planned.counts["review"],
    }  # fmt: skip
    with ctx.db.transaction() as conn:
        flows.resume(conn, ctx, FLOW, "Mari", "the plan is right again")
    house.run_for(minutes=2)
    after = actions(house)
    assert {name for name, row in after.items() if row["state"] not in ("done", "refused")} == set()
    for name, row in before.items():
        if row["state"] != "planned":
            assert (after[name]["key"], after[name]["payload"], after[name]["attempts"]) == (
                row["key"],
                row["payload"],
                row["attempts"],
            )
    waited = {name for name, row in before.items() if row["state"] == "planned"}
    assert {name: shipping_type(house, name) for name in waited} == {
        name: {"express": "EXP", "standard": "STD", "pickup": "STD", "": "STD"}[story.asked[name]] for name in waited
    }
    sent = written(house)
    assert {key: sent[key] for key in sent_before} == sent_before
    with ctx.db.transaction() as conn:
        again = plan_replay(conn, house.hub.plan, ReplayAsked(FLOW, asked.since))
    assert again.counts["send"] == again.counts["decide"] == 0


def cut_off(ctx: Ctx, house: House, asked: ReplayAsked, digest: str) -> None:
    """The replay dies in its first batch, before the commit; only its rows are written."""

    class Killed(Exception):
        pass

    def die(name: str) -> None:
        if name == "replay.before-commit":
            raise Killed

    reach, ctx.points.reach = ctx.points.reach, die  # type: ignore[method-assign]
    try:
        with pytest.raises(Killed):
            run_replay(ctx, house.hub.plan, asked, by="Mari", reason="the right words", reviewed=digest)
    finally:
        ctx.points.reach = reach  # type: ignore[method-assign]


def written(house: House) -> dict[str, int]:
    """How often the marketplace made orders of each basket, by its own books."""
    counts: dict[str, int] = {}
    for order in house.stage.world.books()["mirakl"]["orders"]:
        counts[order["commercial_id"]] = counts.get(order["commercial_id"], 0) + 1
    return counts


def shipping_type(house: House, commercial_id: str) -> str:
    """How the marketplace ships a basket, by its own books."""
    [code] = {order.shipping_type for order in house.stage.portal.orders_of(commercial_id)}
    return code
