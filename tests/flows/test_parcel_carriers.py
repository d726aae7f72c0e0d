"""A parcel's carrier is told in the channel's own word, by the plan's table; one the table does not know is named, or waits for a person."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from entrepot.blueprint.lint.identifiers import ASKED_OUT
from entrepot.blueprint.model import Plan
from entrepot.flows import fulfilment_confirm, listing_content, order_creation
from entrepot.flows.channels import SalesChannels
from entrepot.flows.consequences import Consequences
from entrepot.flows.fulfilment_confirm import FulfilmentConfirm, recast
from entrepot.flows.parts import Parts
from entrepot.inbox.model import Decided, Message, Parked, Verdict
from entrepot.kernel.ctx import Ctx
from entrepot.proof.plans import plan_of
from entrepot.trade.order import channel
from entrepot.trade.order.channel import Channel
from entrepot.trade.order.model import LineSeen, OrderSeen
from entrepot.trade.order.states import LegState, LineState
from entrepot.trade.order.store import flush, load
from entrepot.trade.shipment.model import ParcelSeen

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
AMAZON, ENGINE = "amazon-de/main", "channelengine/main"


def plan(**changes: Any) -> Plan:
    """The shipped plan, with something else about Amazon's carriers."""
    shipped = plan_of("syndication")
    table = shipped.mappings["carrier-amazon-de"].model_copy(update=changes)
    return shipped.model_copy(update={"mappings": {**shipped.mappings, "carrier-amazon-de": table}})


def left(
    ctx: Ctx, chosen: Plan, carrier: str, account: str = AMAZON, state: LegState = LegState.TO_SHIP
) -> tuple[Verdict, Consequences]:
    """A parcel of an order leaves with a carrier; the verdict, and what follows."""
    parts = Parts(chosen, dict.fromkeys((AMAZON, ENGINE), cast(Any, object())))
    line = LineSeen("501", "", "LAMP", "Lamp", "", 1, 3_000, 0, 0, 0, 0, LineState.ACCEPTED, "theirs")
    seen = OrderSeen("302-1", "302-1", "us", "", state, "theirs", "EUR", 3_000, (line,), T0, T0, None, T0, None)
    parcel = ParcelSeen("P-1", f"{account}:302-1", carrier, "123", T0, {"501": 1})
    then = Consequences()
    with ctx.db.transaction() as conn:
        book = load(conn, account, ["302-1"])
        channel.apply_order(book, ctx, Channel(account, "order_id"), seen, "msg_1")
        assert flush(conn, ctx, book) == []
        flow = FulfilmentConfirm(SalesChannels(parts))
        verdict = flow._parcel(ctx, conn, then, cast(Message, SimpleNamespace(id="msg_2")), parcel)
    return verdict, then


def test_amazon_hears_its_own_word_and_it_is_noted_which_table_said_so(ctx: Ctx) -> None:
    verdict, then = left(ctx, plan(), "dhl")
    [told] = then.intents
    assert isinstance(verdict, Decided)
    assert (told.payload["carrier"], told.payload["our_carrier"], told.payload["other_carrier"]) == (
        "DHL",
        "dhl",
        False,
    )
    [use] = then.uses
    assert (use.mapping, use.ours, use.theirs, use.effect_key) == ("carrier-amazon-de", "dhl", "DHL", told.key)


def test_a_carrier_the_table_does_not_know_is_another_one_by_its_name(ctx: Ctx) -> None:
    _, then = left(ctx, plan(), "cargo bike")
    [told] = then.intents
    assert (told.payload["carrier"], told.payload["other_carrier"], then.uses) == ("cargo bike", True, [])


def test_where_the_plan_has_no_table_the_warehouses_word_goes_as_it_is(ctx: Ctx) -> None:
    _, then = left(ctx, plan(), "cargo bike", ENGINE)
    [told] = then.intents
    assert (told.payload["carrier"], told.payload["other_carrier"]) == ("cargo bike", False)


def test_a_strict_table_leaves_the_parcel_to_a_person_and_takes_it_whole_once_it_knows_the_word(ctx: Ctx) -> None:
    verdict, then = left(ctx, plan(otherwise="park"), "cargo bike")
    assert isinstance(verdict, Parked)
    assert verdict.mode == "mapping-missing"
    assert "“cargo bike” is not in the mapping carrier-amazon-de" in verdict.cause
    assert (verdict.object, verdict.money_minor, verdict.currency) == ("leg", 3_000, "EUR")
    assert then.intents == []
    verdict, then = left(ctx, plan(otherwise="park", values={"cargo bike": "BIKE"}), "cargo bike")
    assert isinstance(verdict, Decided)
    assert [told.payload["carrier"] for told in then.intents] == ["BIKE"]


def test_a_parcel_of_a_lost_order_is_the_order_desks_whatever_its_carrier(ctx: Ctx) -> None:
    verdict, then = left(ctx, plan(otherwise="park"), "cargo bike", state=LegState.CANCELLED)
    assert isinstance(verdict, Decided)
    assert [case.mode for case in then.cases] == ["shipped-unconfirmed"]


@pytest.mark.parametrize(
    ("changes", "word", "other"),
    [
        ({}, "cargo bike", True),
        ({"values": {"cargo bike": "BIKE"}}, "BIKE", False),
        ({"values": {}}, "cargo bike", False),
    ],
)
def test_a_replay_says_what_another_plan_would_tell(changes: dict[str, Any], word: str, other: bool) -> None:
    before = {"carrier": "CB", "our_carrier": "cargo bike", "other_carrier": False, "parcel": "P-1"}
    now = recast(Parts(plan(**changes), {}), AMAZON, before)
    assert now == {**before, "carrier": word, "other_carrier": other}


def test_the_linter_knows_the_fields_that_are_translated_on_their_way_out() -> None:
    asked = {
        order_creation.FLOW: order_creation.SHIPPING_TYPE,
        listing_content.FLOW: "category",
        fulfilment_confirm.FLOW: fulfilment_confirm.CARRIER,
    }
    assert dict(ASKED_OUT) == {flow: (field,) for flow, field in asked.items()}


def test_a_promise_made_before_carriers_were_mapped_is_left_as_it_is() -> None:
    assert recast(Parts(plan(), {}), AMAZON, {"carrier": "dhl"}) == {"carrier": "dhl"}
