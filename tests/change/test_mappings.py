"""Words between us and a system: looked up, kept, or missing; and read into foreign records in their place."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.blueprint.owning import Mapped
from entrepot.change.mapping import Changed, Kept, Missing, look_up, speaks
from entrepot.connectors.mirakl import translate
from entrepot.connectors.port import Malformed
from entrepot.flows.mapped import Exchanged, Tables, read_mapped
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.order.model import OrderSeen
from entrepot.trade.order.states import LegState, LineState

_default = cache(load)
ORDER: dict[str, Any] = {
    "order_id": "C-1-A", "commercial_id": "C-1", "shop_id": 7, "shop_name": "Lamps", "order_state": "SHIPPING", "currency_iso_code": "EUR",
    "created_date": "2026-03-09T08:00:00Z", "last_updated_date": "2026-03-09T09:00:00Z",
    "order_lines": [{"order_line_id": "C-1-A-1", "offer_id": 1, "quantity": 1, "price": 19.90, "shipping_price": 0.10, "order_line_state": "SHIPPING",
                     "commission_fee": 2.40, "commission_vat": 0.48}],
}  # fmt: skip


def plan(**tables: dict[str, Any]) -> Plan:
    made = {
        name: Mapped.model_validate({"name": name, "flow": "f", "system": "s", "direction": "in", **one})
        for name, one in tables.items()
    }
    return _default().model_copy(update={"mappings": made})


def order(**changes: Any) -> bytes:
    return json.dumps({**ORDER, **changes}).encode()


def seen(body: bytes, **tables: dict[str, Any]) -> Any:
    return read_mapped(translate.order, body, Tables(plan(**tables), "f", "s"))


STATES: dict[str, Any] = {
    "field": "order_state",
    "values": {"ON_THE_VAN": "SHIPPED", "FRAUD_CHECK": "STAGING", "ODD": "NOBODY_KNOWS"},
}


@pytest.mark.parametrize(
    ("word", "found"),
    [("a", Changed("A", "t", "a")), ("same", Kept("same")), ("b", Missing("t", "b"))],
)
def test_a_strict_table_gives_a_word_or_a_person(word: str, found: object) -> None:
    strict = plan(t={"field": "x", "values": {"a": "A", "same": "same"}, "otherwise": "park"})
    assert look_up(strict, flow="f", system="s", direction="in", field="x", word=word) == found


def test_a_second_table_of_the_same_field_may_know_what_a_strict_one_does_not() -> None:
    both = plan(t={"field": "x", "values": {}, "otherwise": "park"}, u={"field": "x", "values": {"b": "B"}})
    assert look_up(both, flow="f", system="s", direction="in", field="x", word="b") == Changed("B", "u", "b")


@given(st.sampled_from(["flow", "system", "direction", "field"]), st.text(max_size=5))
def test_a_table_speaks_of_its_own_flow_system_direction_and_field_alone(name: str, word: str) -> None:
    where = {"flow": "f", "system": "s", "direction": "in", "field": "x"} | {name: "another"}
    strict = plan(t={"field": "x", "values": {}, "otherwise": "park"})
    assert look_up(strict, word=word, **where) == Kept(word)


def test_a_word_the_connector_does_not_know_is_read_as_the_plan_says_and_stays_theirs_for_people() -> None:
    read = seen(order(order_state="ON_THE_VAN"), states=STATES)
    assert isinstance(read.seen, OrderSeen)
    assert (read.seen.state, read.seen.their_state) == (LegState.SHIPPED, "ON_THE_VAN")
    assert read.changed == (Exchanged("states", "order_state", "ON_THE_VAN", "SHIPPED"),)
    assert read.seen.total_minor == 2000  # amounts keep their digits


def test_lines_and_orders_have_words_of_their_own() -> None:
    lines = [{**ORDER["order_lines"][0], "order_line_state": "ON_THE_VAN"}]
    body = order(order_state="ON_THE_VAN", order_lines=lines)
    half = seen(body, states=STATES)
    assert isinstance(half.seen.lines[0].state, Unrecognised) and half.changed == ()
    both = seen(body, states=STATES, lines={**STATES, "field": "order_line_state"})
    assert (both.seen.lines[0].state, both.seen.lines[0].their_state) == (LineState.SHIPPED, "ON_THE_VAN")
    assert {one.field for one in both.changed} == {"order_state", "order_line_state"}


def test_a_word_the_connector_knows_is_never_exchanged() -> None:
    table = {"field": "order_state", "values": {"SHIPPING": "CANCELED"}}
    read = seen(order(), states=table)
    assert (read.seen.state, read.changed) == (LegState.TO_SHIP, ())


def test_a_table_that_leads_to_a_word_nobody_knows_leaves_it_to_a_person() -> None:
    read = seen(order(order_state="ODD"), states=STATES)
    assert read.seen.state == Unrecognised("order_state", "NOBODY_KNOWS")


def test_a_strict_table_without_the_word_names_itself() -> None:
    read = seen(order(order_state="NEW_WORD"), states={**STATES, "otherwise": "park"})
    assert read.seen == Missing("states", "NEW_WORD") and read.changed == ()


def test_an_unreadable_record_stays_unreadable() -> None:
    assert isinstance(seen(b"{", states=STATES).seen, Malformed)


@given(st.sampled_from(sorted(STATES["values"])), st.decimals("0.01", "99999.99", places=2))
def test_reading_with_a_table_changes_nothing_but_the_state(word: str, price: Any) -> None:
    """Amounts keep every digit although the record is written anew."""
    line = json.dumps(ORDER["order_lines"][0]).replace("19.9", str(price), 1)
    body = json.dumps({**ORDER, "order_state": word, "order_lines": ["LINE"]}).replace('"LINE"', line).encode()
    plain = translate.order(body.replace(word.encode(), STATES["values"][word].encode()))
    read = seen(body, states=STATES).seen
    assert isinstance(plain, OrderSeen) and isinstance(read, OrderSeen)
    assert (read.total_minor, read.state, read.lines) == (plain.total_minor, plain.state, plain.lines)


def test_an_empty_table_that_keeps_every_word_is_no_table_and_one_that_parks_is() -> None:
    head = {"name": "t", "flow": "order-acceptance", "system": "mirakl-fr", "direction": "in", "field": "order_state"}
    assert not speaks(Mapped.model_validate(head))
    assert speaks(Mapped.model_validate(head | {"otherwise": "park"}))
    assert speaks(Mapped.model_validate(head | {"values": {"SHIPPING_SOON": "SHIPPING"}}))
