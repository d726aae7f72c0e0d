"""Words the plan does not know yet: the record waits for a person, the plan learns the word, and the record goes on."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from plan_text import source, whole

from entrepot.change import service as plans
from entrepot.change.model import Source
from entrepot.flows import case_desk, plan_desk
from entrepot.flows.replay import ReplayAsked, plan_replay, run_replay
from entrepot.inbox.model import Arrival, Received
from entrepot.inbox.service import record
from entrepot.proof.house import House
from entrepot.proof.world import options

TEXT = whole()
TABLE = """mappings:
  van: {flow: order-acceptance, system: mirakl-fr, direction: in, field: order_state, values: {%s}, otherwise: %s}
"""


def with_states(values: str, otherwise: str = "keep") -> Source:
    return source(TEXT.replace("mappings:\n", TABLE % (values, otherwise), 1))


def with_methods(values: str) -> Source:
    return source(TEXT.replace("values: {standard: STD, express: EXP}", f"values: {{{values}}}"))


def begin(open_day: Callable[..., House], first: Source, *methods: str, **chosen: Any) -> House:
    day = replace(options(span=timedelta(hours=2), planted_money_faults=False), shipping_methods=methods)
    house = open_day(options=day, **chosen)
    with house.hub.ctx.db.transaction() as conn:
        plans.first(conn, house.hub.ctx, first)
    house.reopen()
    return house


def applied(house: House, source: Source) -> None:
    plan_desk.apply(house.hub.ctx, source, by="Mari", reason="a new word")
    house.reopen()


def open_cases(house: House, mode: str) -> list[dict[str, Any]]:
    return house.rows("SELECT * FROM case_file WHERE mode = %s AND resolved_at IS NULL ORDER BY number", mode)


def arrives(house: House, word: str, at: str) -> dict[str, Any]:
    """The newest order of the first basket once more, in a state of that word."""
    [known] = house.rows(
        "SELECT external_id, body, root FROM message WHERE kind = 'order' AND state = 'decided' ORDER BY revision DESC, seq DESC LIMIT 1"
    )
    content = {**json.loads(bytes(known["body"])), "order_state": word, "last_updated_date": at}
    one = Received(
        "order", known["external_id"], at, json.dumps(content).encode(), 0, known["root"], "order-acceptance"
    )
    [kept] = record(house.hub.ctx, [Arrival("mirakl-fr/operator", "page", "/api/orders", one.body, (one,))])
    house.settle()
    return message(house, kept.message_id)


def message(house: House, message_id: str) -> dict[str, Any]:
    return house.rows("SELECT * FROM message WHERE id = %s", message_id)[0]


def test_an_unknown_word_is_understood_after_the_plan_learned_it_and_a_retry(open_day: Callable[..., House]) -> None:
    house = begin(open_day, with_states("NOBODY: STAGING"), orders=1)
    house.run_for(hours=9)
    told = arrives(house, "ON_THE_VAN", "2026-03-09T20:00:00Z")
    [case] = open_cases(house, "unknown-word")
    older = house.hub.plan.hash
    assert (told["state"], told["decided_under"]) == ("parked", older)
    applied(house, with_states("ON_THE_VAN: TO_COLLECT"))
    assert case_desk.retry(house.hub.ctx, house.hub.plan, case["id"], "Mari", "the plan knows it now")
    house.settle()
    again = message(house, told["id"])
    assert (again["state"], again["plan_hash"], again["decided_under"]) == ("decided", older, house.hub.plan.hash)
    assert open_cases(house, "unknown-word") == []
    [leg] = house.rows("SELECT state, their_state FROM leg WHERE order_id = %s", told["external_id"])
    assert leg == {"state": "to-collect", "their_state": "ON_THE_VAN"}
    [use] = house.rows("SELECT mapping, theirs, ours, object_id, message_id, plan_hash FROM mapping_use")
    assert use == {"mapping": "van", "theirs": "ON_THE_VAN", "ours": "TO_COLLECT", "object_id": told["external_id"], "message_id": told["id"],
                   "plan_hash": house.hub.plan.hash}  # fmt: skip
    [moved] = house.rows("SELECT plan_hash FROM event WHERE because = %s AND what = 'leg moved'", told["id"])
    assert moved["plan_hash"] == house.hub.plan.hash


def test_a_strict_table_without_the_word_is_a_case_of_its_own(open_day: Callable[..., House]) -> None:
    house = begin(open_day, with_states("NOBODY: STAGING", "park"), orders=1)
    house.run_for(hours=9)
    told = arrives(house, "ON_THE_VAN", "2026-03-09T20:00:00Z")
    [case] = open_cases(house, "mapping-missing")
    assert told["state"] == "parked" and open_cases(house, "unknown-word") == []
    assert "“ON_THE_VAN” is not in the mapping van" in case["cause_text"]


def test_a_paid_basket_whose_word_is_not_mapped_is_kept_and_placed_once_the_plan_knows_it(
    open_day: Callable[..., House],
) -> None:
    house = begin(open_day, with_methods("standard: STD"), "pickup", orders=2)
    house.run_for(hours=2, minutes=1)
    cases = open_cases(house, "mapping-missing")
    assert len(cases) == 2 and house.rows("SELECT 1 FROM effect WHERE flow <> 'offer-publication'") == []
    assert {basket.state for basket in house.stage.storefront.baskets.values()} == {
        "ordered"
    }  # the shop lets nobody's money go
    applied(house, with_methods("standard: STD, pickup: EXP"))
    ctx, plan = house.hub.ctx, house.hub.plan
    asked = ReplayAsked("order-creation", house.clock.now() - timedelta(hours=3), "shipping-type")
    with ctx.db.transaction() as conn:
        planned = plan_replay(conn, plan, asked)
    assert planned.counts == {"send": 0, "decide": 2, "skip": 0, "review": 0}
    done = run_replay(ctx, plan, asked, by="Mari", reason="the word is known", reviewed=planned.digest)
    house.run_for(hours=1)
    assert (done.ended, open_cases(house, "mapping-missing")) == (True, [])
    for name in house.stage.storefront.baskets:
        assert {order.shipping_type for order in house.stage.portal.orders_of(name)} == {"EXP"}


def test_words_that_were_read_otherwise_are_shown_to_a_person_after_a_rollback(open_day: Callable[..., House]) -> None:
    first = with_states("ON_THE_VAN: TO_COLLECT")
    house = begin(open_day, first, orders=1)
    house.run_for(hours=9)
    applied(house, with_states("ON_THE_VAN: SHIPPED"))
    told = arrives(house, "ON_THE_VAN", "2026-03-09T20:00:00Z")
    assert told["state"] in ("decided", "ignored")
    with house.hub.ctx.db.transaction() as conn:
        back = plan_desk.way_back(conn, first.hash)
    [planned] = [one for one in back.replays if one.asked.flow == "order-acceptance"]
    [row] = [row for row in planned.rows if row.what == "message"]
    assert (row.verdict, row.record_id) == ("review", told["id"])
    assert row.why == "decided already: “ON_THE_VAN” was read as SHIPPED, and is TO_COLLECT now"
