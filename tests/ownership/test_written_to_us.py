"""Where we are in the write path: refused and recorded, or let in; and what the plan says of who is in it."""

import pytest
from ownership.land import ANA, ERP, OFFER, OPERATOR, PIM, SELLER, Land, plan_with, wants

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import OurBug
from entrepot.ownership import service
from entrepot.ownership.model import Act, Allowed, Judged, TurnedAway, Why
from entrepot.ownership.rules import enforcement


def test_an_owners_feed_is_let_in_row_by_row(land: Land) -> None:
    answers = land.write(wants("price", 2500), wants("currency", "EUR"), wants("category", "TOYS"))
    assert answers == [
        Allowed("ownership.offer.fields.price[1]"),
        Allowed("ownership.offer.fields.*[0]"),
        Allowed("ownership.offer.fields.category[0]"),
    ]
    assert land.offer().values == {"price": 2500, "currency": "EUR", "category": "TOYS"}
    assert land.rows("SELECT DISTINCT message_id FROM value_change") == [{"message_id": "msg-feed"}]


def test_a_write_of_somebody_else_is_refused_recorded_and_changes_nothing(land: Land) -> None:
    land.known()
    [answer] = land.write(wants("price", 1900, ERP), channel="api")

    assert isinstance(answer, TurnedAway)
    assert (answer.why, answer.stands, answer.owners, answer.hold_id, answer.reassert) == (
        Why.NOT_OWNER,
        2500,
        ("seller",),
        None,
        False,
    )
    assert land.rows("SELECT channel, actor, why, value, plan_hash FROM refused_write") == [
        {"channel": "api", "actor": ERP, "why": "not-owner", "value": 1900, "plan_hash": "plan-1"}
    ]
    assert land.offer().sellable


def test_even_the_value_that_stands_is_not_somebody_elses_to_write(land: Land) -> None:
    land.known()
    [answer] = land.write(wants("price", 2500, ERP))
    assert isinstance(answer, TurnedAway)


def test_a_bad_price_in_a_feed_is_refused_the_old_one_goes_on_selling_and_the_seller_is_asked(land: Land) -> None:
    land.known()
    [answer] = land.write(wants("price", 1500))

    assert isinstance(answer, TurnedAway)
    assert (answer.why, answer.hold_id) == (Why.UNDER_FLOOR, None)
    assert answer.correction_id
    assert land.offer().sellable
    assert land.write(wants("price", 2200)) == [Allowed("ownership.offer.fields.price[1]")]
    assert land.rows("SELECT state FROM correction") == [{"state": "applied"}]


def test_who_is_told_at_once_gets_no_message_besides(land: Land) -> None:
    land.known()
    [answer] = land.write(wants("price", 1500), channel="api")
    assert isinstance(answer, TurnedAway)
    assert answer.correction_id is None


def test_a_first_price_that_is_bad_holds_the_offer_for_there_is_none_to_sell_at(land: Land) -> None:
    answers = land.write(wants("quantity", 3), wants("price", 50))
    assert [type(one) for one in answers] == [Allowed, TurnedAway]
    assert not land.offer().sellable


def test_who_may_not_create_hears_it_for_every_field(land: Land) -> None:
    answers = land.write(wants("price", 2500, ERP), wants("quantity", 1, ERP))
    assert [(a.field, a.value, a.why) for a in answers if isinstance(a, TurnedAway)] == [
        ("price", 2500, Why.NOT_OWNER),
        ("quantity", 1, Why.NOT_OWNER),
    ]
    assert len(land.rows("SELECT id FROM refused_write")) == 1
    assert land.write(wants("", None, ERP, Act.CREATE))[0] != Allowed("ownership.offer.create")
    assert land.write(wants("", None, SELLER, Act.CREATE)) == [Allowed("ownership.offer.create")]


def test_several_writes_to_one_field_are_taken_in_their_order(land: Land) -> None:
    land.known()
    answers = land.write(wants("price", 2600), wants("price", 100), wants("price", 2700))
    assert [type(one) for one in answers] == [Allowed, TurnedAway, Allowed]
    assert land.offer().values["price"] == 2700


def test_precedence_is_held_against_whoever_has_set_the_value(land: Land) -> None:
    land.known()
    assert land.write(wants("title", "Lamp")) == [Allowed("ownership.offer.fields.title[0]")]
    assert land.write(wants("title", "Garden lamp", PIM)) == [Allowed("ownership.offer.fields.title[0]")]
    [answer] = land.write(wants("title", "LAMP!!!"))
    assert isinstance(answer, TurnedAway)
    assert answer.why is Why.LOWER_PRECEDENCE


def test_a_correction_is_for_those_who_may_correct(land: Land) -> None:
    land.known()
    assert land.write(wants("price", 2600, SELLER, Act.CORRECT)) == [Allowed("ownership.offer.fields.price[1]")]
    [answer] = land.write(wants("price", 2700, OPERATOR, Act.CORRECT))
    assert isinstance(answer, TurnedAway)


def test_what_we_have_taken_in_is_not_undone_by_what_the_marketplace_shows_meanwhile(land: Land) -> None:
    land.known()
    land.write(wants("price", 2600))
    land.later(seconds=10)
    assert land.observe(land.seen(price=2500)) == Judged()
    assert land.shows(price=2600) == Judged()
    assert land.shows(price=2400).let_in[0].value == 2400  # now he has changed it there


def test_an_owner_writing_what_an_override_says_is_still_the_owner(land: Land) -> None:
    land.known()
    land.pull(service.override, land.key(), "category", "BOOKS", by=ANA, reason="x", until=land.until(days=1))
    assert land.write(wants("category", "BOOKS")) == [Allowed("ownership.offer.fields.category[0]")]
    land.later(days=1)
    land.expire()
    assert land.offer().values["category"] == "BOOKS"


def test_where_the_plan_puts_a_channel_after_bad_values_are_held(ctx: Ctx, clock: ManualClock) -> None:
    land = Land(ctx, clock, plan_with({**OFFER, "enforcement": {"feed": "after"}}))
    land.known()
    assert enforcement(land.rules, "offer", "feed") == "after"
    [answer] = land.write(wants("price", 1500))
    assert isinstance(answer, TurnedAway)
    assert answer.hold_id
    assert not land.offer().sellable


def test_a_currency_somebody_else_wrote_is_not_the_one_the_owners_price_is_in(land: Land) -> None:
    land.known()
    answers = land.write(wants("currency", "SEK", ERP), wants("price", 2600))
    assert [type(one) for one in answers] == [TurnedAway, Allowed]
    answers = land.write(wants("currency", "SEK", SELLER), wants("price", 2700))
    assert isinstance(answers[1], TurnedAway)
    assert answers[1].why is Why.OTHER_CURRENCY


def test_a_lever_is_no_write(land: Land) -> None:
    with pytest.raises(OurBug):
        land.write(wants("price", 1, OPERATOR, Act.HOLD))
