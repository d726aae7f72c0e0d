"""What others have written already: let in, turned away, held, asked about, put back."""

import pytest
from ownership.land import ERP, OFFER, OPERATOR, PIM, Land, plan_with, wants

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import Busy
from entrepot.ownership import service
from entrepot.ownership.model import Judged, Why


def whys(judged: Judged) -> list[tuple[str, Why]]:
    return [(away.field, away.why) for away in judged.turned_away]


def test_an_owners_values_are_let_in_and_seen_by_everything_downstream(land: Land) -> None:
    judged = land.shows(price=2500, currency="EUR", quantity=4, category="TOYS", active=True)

    assert {one.field: one.value for one in judged.let_in} == dict(land.offer().values)
    assert {one.rule for one in judged.let_in if one.field == "price"} == {"ownership.offer.fields.price[1]"}
    assert judged.touched == {land.key()}
    assert land.offer().sellable


def test_a_price_under_the_floor_is_held_and_the_old_one_goes_on_counting(land: Land) -> None:
    land.known()
    judged = land.shows(price=1500, quantity=4)

    [away] = judged.turned_away
    assert (away.why, away.value, away.stands) == (Why.UNDER_FLOOR, 1500, 2500)
    assert away.words == "15.00 EUR is under the floor of TOYS, 21.00 EUR"
    assert away.owners == ("seller",)
    assert away.hold_id and away.correction_id
    offer = land.offer()
    assert (offer.values["price"], offer.sellable) == (2500, False)
    assert offer.held == {away.hold_id: away.words}
    [asked] = land.rows("SELECT * FROM correction")
    assert (asked["state"], asked["owner"], asked["seller"], asked["refused_value"]) == (
        "asked",
        "seller",
        "2001",
        1500,
    )


def test_the_same_bad_price_again_is_counted_and_asks_nothing_new(land: Land) -> None:
    land.known()
    first = land.shows(price=1500).turned_away[0]
    second = land.shows(price=1500).turned_away[0]

    assert second.again
    assert (second.hold_id, second.correction_id) == (first.hold_id, first.correction_id)
    assert land.rows("SELECT count FROM refused_write") == [{"count": 2}]
    assert len(land.rows("SELECT id FROM correction")) == len(land.rows("SELECT id FROM hold")) == 1


def test_the_corrected_price_ends_the_hold_and_applies_the_request_exactly_once(land: Land) -> None:
    land.known()
    away = land.shows(price=1500).turned_away[0]
    judged = land.shows(price=2200)

    assert {(one.what, one.id) for one in judged.freed if one.what != "refusal"} == {
        ("hold", away.hold_id),
        ("correction", away.correction_id),
    }
    assert land.offer().sellable
    assert land.offer().values["price"] == 2200
    assert land.rows("SELECT state, applied_value, applied_by FROM correction") == [
        {"state": "applied", "applied_value": 2200, "applied_by": "msg-3"}
    ]
    assert land.shows(price=2200) == Judged()


def test_going_back_to_the_price_before_is_a_correction_too(land: Land) -> None:
    land.known()
    land.shows(price=1500)
    judged = land.shows(price=2500)

    assert [one.what for one in judged.freed] == ["refusal", "correction", "hold"]
    assert not judged.let_in
    assert land.offer().sellable


def test_another_bad_price_keeps_the_one_hold_and_the_one_request(land: Land) -> None:
    land.known()
    first = land.shows(price=1500).turned_away[0]
    second = land.shows(price=1600).turned_away[0]

    assert (second.hold_id, second.correction_id, second.again) == (first.hold_id, first.correction_id, False)
    [asked] = land.rows("SELECT refused_value, words FROM correction")
    assert asked["refused_value"] == 1600
    assert asked["words"].startswith("16.00 EUR is under")
    assert list(land.offer().held.values()) == [second.words]
    assert len(land.rows("SELECT id FROM refused_write WHERE ended_at IS NULL")) == 1


def test_bad_the_other_way_is_another_hold_and_another_request(land: Land) -> None:
    land.known()
    land.shows(price=1500)
    judged = land.shows(price=90000)

    assert whys(judged) == [("price", Why.ABOVE_CEILING)]
    assert [(row["reason"], row["live"]) for row in land.rows("SELECT reason, lifted_at IS NULL AS live FROM hold ORDER BY reason")] == [
        ("above-ceiling", True), ("under-floor", False)]  # fmt: skip
    assert [(r["cause"], r["state"]) for r in land.rows("SELECT cause, state FROM correction ORDER BY cause")] == [
        ("above-ceiling", "asked"), ("under-floor", "expired")]  # fmt: skip


def test_a_bad_feed_on_top_of_a_bad_price_leaves_no_hold_without_its_cause(land: Land) -> None:
    land.known()
    land.shows(price=1500)
    land.write(wants("price", 700))
    land.shows(price=90000)
    held = land.rows("SELECT reason FROM hold WHERE lifted_at IS NULL")
    assert held == [{"reason": "above-ceiling"}]


def test_a_first_price_under_the_floor_is_never_sold_at(land: Land) -> None:
    judged = land.shows(price=1500, category="TOYS", quantity=1, active=True)

    assert judged.turned_away[0].stands is None
    offer = land.offer()
    assert "price" not in offer.values
    assert not offer.sellable


def test_a_price_in_another_currency_is_held(land: Land) -> None:
    land.known()
    judged = land.shows(price=2500, currency="SEK")
    assert whys(judged) == [("price", Why.OTHER_CURRENCY)]


def test_a_writer_without_the_right_changes_nothing_downstream_and_cannot_take_the_offer_off_sale(land: Land) -> None:
    land.known()
    judged = land.shows(actor=ERP, price=1900)

    [away] = judged.turned_away
    assert (away.why, away.stands, away.owners, away.hold_id) == (Why.NOT_OWNER, 2500, ("seller",), None)
    assert away.correction_id is None  # the plan does not let the ERP ask
    assert land.offer().values["price"] == 2500
    assert land.offer().sellable


def test_a_writer_who_may_ask_makes_a_request_to_the_owner(land: Land) -> None:
    land.known()
    away = land.shows(actor=OPERATOR, price=2300).turned_away[0]

    [asked] = land.rows("SELECT id, owner, asked_by, refused_value, cause FROM correction")
    assert asked == {"id": away.correction_id, "owner": "seller", "asked_by": OPERATOR, "refused_value": 2300, "cause": "not-owner"}  # fmt: skip
    judged = land.shows(price=2350)
    assert [one.what for one in judged.freed] == ["refusal", "correction"]


def test_in_dropship_the_price_is_another_partys(land: Land) -> None:
    land.shows(seller="2002", offer="D-1", quantity=3, category="TOYS")
    assert whys(land.shows(seller="2002", offer="D-1", price=2500)) == [("price", Why.NOT_OWNER)]
    assert (
        land.shows(actor=ERP, seller="2002", offer="D-1", price=2600).let_in[0].rule
        == "ownership.offer.fields.price[0]"
    )


def test_who_may_not_create_an_offer_brings_none_of_its_values(land: Land) -> None:
    judged = land.shows(actor=ERP, price=2500, quantity=1)

    assert whys(judged) == [("", Why.NOT_OWNER)]
    assert land.rows("SELECT 1 FROM owned_value") == []
    assert land.shows(actor=ERP, price=2500, quantity=1).turned_away[0].again
    assert land.shows(price=2500, quantity=1).let_in


def test_a_field_nobody_owns_is_said_to_be_so(ctx: Ctx, clock: ManualClock) -> None:
    land = Land(ctx, clock, plan_with({**OFFER, "fields": {"price": {"update": ["seller"]}}}))
    [away] = land.shows(price=2500, colour="red").turned_away

    assert (away.field, away.why, away.owners) == ("colour", Why.NOBODY_OWNS, ())
    assert away.words == "the plan gives the colour of an offer to nobody here"
    assert land.offer().values == {"price": 2500}


def test_the_one_with_precedence_is_not_overwritten(land: Land) -> None:
    land.known()
    land.shows(actor=PIM, title="Garden lamp")
    judged = land.shows(title="LAMP!!! BEST PRICE")

    assert whys(judged) == [("title", Why.LOWER_PRECEDENCE)]
    assert land.offer().values["title"] == "Garden lamp"


def test_several_owners_of_one_field_each_have_their_part(land: Land) -> None:
    land.known()
    land.shows(actor=OPERATOR, active=False)
    assert land.offer().values["active"] is False
    land.shows(active=True)  # the seller's part, which was so before
    assert land.offer().values["active"] is False
    judged = land.shows(actor=OPERATOR, active=True)
    assert [(one.before, one.value) for one in judged.let_in] == [(False, True)]
    assert land.offer().sellable


def test_older_news_than_what_is_known_changes_nothing(land: Land) -> None:
    land.known()
    before = land.clock.now()
    land.shows(price=2600)
    assert land.shows(price=2500, at=before) == Judged()
    land.shows(price=1500)
    assert land.shows(price=2600, at=before) == Judged()
    assert not land.offer().sellable


def test_what_has_not_changed_costs_no_write(land: Land) -> None:
    offers = [
        land.seen(f"O-{n}", price=2500 + n, currency="EUR", quantity=n, category="TOYS", active=True) for n in range(50)
    ]
    land.observe(*offers)
    land.later(minutes=5)
    again = [land.seen(one.object_id, all=one.values) for one in offers]
    with land.ctx.db.transaction() as conn:
        before = written(conn)
        assert service.observe(conn, land.ctx, land.plan, land.rules, again) == Judged()
        assert written(conn) == before
        one = [land.seen("O-7", all=offers[7].values, quantity=99)]
        service.observe(conn, land.ctx, land.plan, land.rules, [*again[:7], *one])
        assert written(conn) == before + 2  # the value and its history; none for the four other fields


def written(conn: Conn) -> int:
    """Rows this connection has written."""
    sql = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int AS n FROM pg_stat_xact_user_tables"
    row = conn.execute(sql).fetchone()
    assert row is not None
    return int(row["n"])


def test_two_observers_of_one_offer_do_not_wait_for_each_other_and_one_change_is_made(land: Land) -> None:
    land.known()
    seen = land.seen(price=2600)
    land.later(minutes=1)
    with land.ctx.db.transaction() as first:
        service.observe(first, land.ctx, land.plan, land.rules, [seen])
        with pytest.raises(Busy), land.ctx.db.transaction() as second:
            service.observe(second, land.ctx, land.plan, land.rules, [seen])
    assert land.observe(seen) == Judged()
    assert land.rows("SELECT version FROM owned_value WHERE field = 'price'") == [{"version": 2}]


def test_one_batch_may_hold_an_offer_twice_and_the_later_one_counts(land: Land) -> None:
    land.known()
    first = land.seen(price=2600)
    land.later(minutes=1)
    land.observe(first, land.seen(price=2700))
    assert land.offer().values["price"] == 2700
    assert [r["value"] for r in land.rows("SELECT value FROM value_change WHERE field = 'price' ORDER BY version")] == [
        2500,
        2600,
        2700,
    ]


# --- our value undone ------------------------------------------------------------------------------------------------


def test_an_owners_value_undone_by_another_is_put_back_so_often_a_day_and_then_it_is_a_fight(land: Land) -> None:
    land.known()
    land.shows(actor=PIM, title="Garden lamp")

    said = []
    for _ in range(5):
        [away] = land.shows(title="LAMP!!!").turned_away
        said.append((away.reassert, away.fight, away.again))
    assert said == [
        (True, False, False),
        (True, False, False),
        (False, True, False),
        (False, False, True),
        (False, False, True),
    ]
    offer = land.offer()
    assert not offer.sellable
    assert list(offer.held.values()) == [
        "seller@mirakl-fr keeps undoing the title: put back 2 times today, and changed again"
    ]


def test_the_same_undoing_seen_twice_is_answered_once(land: Land) -> None:
    land.known()
    land.shows(actor=PIM, title="Garden lamp")
    land.later(minutes=1)
    undone = land.seen(title="LAMP!!!")
    assert land.observe(undone).turned_away[0].reassert
    land.later(minutes=1)
    again = land.observe(undone).turned_away[0]
    assert (again.reassert, again.again) == (False, True)


def test_the_next_day_the_count_begins_anew(land: Land) -> None:
    land.known()
    land.shows(actor=PIM, title="Garden lamp")
    for _ in range(2):
        assert land.shows(title="LAMP!!!").turned_away[0].reassert
    land.later(days=1)
    assert land.shows(title="LAMP!!!").turned_away[0].reassert
