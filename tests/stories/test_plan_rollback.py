"""A mapping applied, two hundred orders later rolled back: which records it touched, and what a replay would do with each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from entrepot.blueprint.load import DEFAULT
from entrepot.change import service as plans
from entrepot.change.model import Source
from entrepot.change.replaying import Verdict
from entrepot.change.source import source_of
from entrepot.engine import flows
from entrepot.flows import plan_desk
from entrepot.flows.plan_desk import WayBack
from entrepot.flows.replay import ReplayAsked, ReplayPlan, ReplayRefused, carry_on, plan_replay, run_replay
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
    text = DEFAULT.read_text("utf-8")
    assert "values: {standard: STD, express: EXP}" in text
    return source_of(text.replace("values: {standard: STD, express: EXP}", values))


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
        flows.pause(conn, house.hub.ctx, FLOW, "Mari", "the mapping looks wrong", house.clock.now() + timedelta(hours=1))
    store.buy(50)
    house.run_for(seconds=60)
    asked = {name: method for name, method in bought(store).items() if name not in before}
    yield Story(house, right, wrong, asked)


def states(house: House, ids: list[str]) -> dict[str, str]:
    rows = house.rows("SELECT root, state FROM effect WHERE operation = 'mirakl.create-orders' AND root = ANY(%s)", [f"basket:{one}" for one in ids])
    return {row["root"].removeprefix("basket:"): row["state"] for row in rows}


def test_the_story(story: Story) -> None:
    print(len(story.asked))
    import collections
    print(collections.Counter((m, s) for b, s in states(story.house, list(story.asked)).items() for m in [story.asked[b]]))
