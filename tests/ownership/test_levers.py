"""What people may do about somebody else's value: hold it, lay another over it; and how that ends by itself."""

from datetime import timedelta

import pytest
from ownership.land import ANA, BEN, CARL, ERP, MARKET, PIM, Land, plan_with

from entrepot.kernel.errors import OwnerDecides
from entrepot.ownership import service
from entrepot.ownership.compile import compile_rules
from entrepot.ownership.model import Judged, Why


@pytest.fixture(autouse=True)
def known(land: Land) -> None:
    land.known()


def accounts_due(land: Land) -> list[str]:
    with land.ctx.db.transaction() as conn:
        return [row["account"] for row in conn.execute(service.EXPIRE_DUE_SQL, {"now": land.clock.now()}).fetchall()]


# --- holds -----------------------------------------------------------------------------------------------------------


def test_a_hold_takes_the_offer_off_sale_leaves_its_values_and_ends_by_itself(land: Land) -> None:
    pulled = land.pull(service.hold, land.key(), "price", by=ANA, reason="a typing error?", until=land.until(days=2))

    assert pulled.judged.touched == {land.key()}
    assert land.offer().held == {pulled.id: "a typing error?"}
    assert land.offer().values["price"] == 2500
    land.later(days=1)
    assert land.expire() == Judged()
    assert accounts_due(land) == []
    land.later(days=1)
    assert accounts_due(land) == [MARKET]
    ended = land.expire()
    assert accounts_due(land) == []
    assert [(f.what, f.id, f.why, f.reason) for f in ended.freed] == [
        ("hold", pulled.id, "its time is over", Why.OPERATOR)
    ]
    assert ended.touched == {land.key()}
    assert land.offer().sellable
    assert land.expire() == Judged()


def test_a_hold_is_for_those_the_plan_gives_it_to_and_the_others_hear_who(land: Land) -> None:
    with pytest.raises(service.NotYours, match="finance may not hold the price of an offer; operator may") as refused:
        land.pull(service.hold, land.key(), "price", by=CARL, reason="x", until=land.until(days=1))
    assert refused.value.fields["owners"] == ("operator",)
    with pytest.raises(service.NotYours, match="lets nobody hold the category"):
        land.pull(service.hold, land.key(), "category", by=ANA, reason="x", until=land.until(days=1))
    assert land.offer().sellable


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reason": "  "}, "say why"),
        ({"until": timedelta(days=-1)}, "ends after now"),
        ({"until": timedelta(days=15)}, "within 2w"),
        ({"key": (MARKET, "offer", "O-404")}, "there is no offer O-404"),
    ],
)
def test_a_hold_needs_a_reason_an_end_and_an_offer(land: Land, change: dict[str, object], said: str) -> None:
    what = {"key": land.key(), "reason": "x", "until": timedelta(days=1), **change}
    key, until = what.pop("key"), land.clock.now() + what.pop("until")  # type: ignore[operator]  # a length of time
    with pytest.raises(OwnerDecides, match=said):
        land.pull(service.hold, key, "price", by=ANA, until=until, **what)


def test_one_hold_of_a_person_stands_per_field(land: Land) -> None:
    land.pull(service.hold, land.key(), "price", by=ANA, reason="first", until=land.until(days=1))
    with pytest.raises(service.StandsAlready, match="it is held already until"):
        land.pull(service.hold, land.key(), "price", by=BEN, reason="second", until=land.until(days=1))
    land.pull(service.hold, land.key(), "quantity", by=BEN, reason="another field", until=land.until(days=1))
    assert len(land.offer().held) == 2


def test_lifting_a_hold_is_once_and_with_a_name(land: Land) -> None:
    pulled = land.pull(service.hold, land.key(), "price", by=ANA, reason="x", until=land.until(days=1))
    lifted = land.pull(service.lift_hold, pulled.id, by=BEN, reason="it was right")

    assert [f.id for f in lifted.judged.freed] == [pulled.id]
    assert land.rows("SELECT lifted_by, lifted_why FROM hold") == [{"lifted_by": "Ben", "lifted_why": "it was right"}]
    with pytest.raises(service.StandsAlready):
        land.pull(service.lift_hold, pulled.id, by=BEN, reason="again")


def test_a_hold_for_a_bad_price_that_a_person_lifted_does_not_come_back_for_the_same_price(land: Land) -> None:
    away = land.shows(price=1500).turned_away[0]
    assert away.hold_id
    land.pull(service.lift_hold, away.hold_id, by=ANA, reason="sell at the old price meanwhile")

    assert land.shows(price=1500).turned_away[0].again
    assert land.offer().sellable
    land.shows(price=1600)
    assert not land.offer().sellable


def test_a_hold_whose_cause_still_stands_is_placed_anew_when_its_time_is_over(land: Land) -> None:
    away = land.shows(price=1500).turned_away[0]
    land.later(days=15)
    ended = land.expire()

    [again] = [one for one in ended.turned_away if one.hold_id]
    assert (again.why, again.value, again.again) == (Why.UNDER_FLOOR, 1500, False)
    assert again.hold_id != away.hold_id
    assert not land.offer().sellable
    assert [f.what for f in ended.freed] == ["correction"]  # nobody answered


def test_after_a_fight_only_a_person_makes_the_offer_sell_again_and_the_count_begins_anew(land: Land) -> None:
    land.shows(actor=PIM, title="Garden lamp")
    for _ in range(3):
        judged = land.shows(title="LAMP!!!")
    [fight] = judged.turned_away
    assert fight.fight and fight.hold_id
    land.shows(title="Garden lamp")
    land.later(days=15)
    land.expire()
    assert not land.offer().sellable

    [hold_id] = land.offer().held
    land.pull(service.lift_hold, hold_id, by=ANA, reason="the other feed is switched off")
    assert land.offer().sellable
    assert land.shows(title="LAMP!!!").turned_away[0].reassert


def test_a_source_that_is_silent_stops_the_selling_where_the_plan_says_so_until_it_is_heard_again(land: Land) -> None:
    keys = [land.key()]
    assert land.pull(service.silent, "offer", keys, "no news since Friday") == Judged()  # hold-last-known
    held = land.pull(service.hold_for_cause, keys, Why.STALE, "no news since Friday")
    assert held.touched == set(keys)
    assert land.pull(service.hold_for_cause, keys, Why.STALE, "still none") == Judged()
    assert not land.offer().sellable

    judged = land.shows(price=2500)
    assert [(f.what, f.why) for f in judged.freed] == [("hold", "the source was heard again")]
    assert land.offer().sellable


def test_a_suspended_sellers_offers_are_held_until_he_may_sell_again(land: Land) -> None:
    land.pull(service.hold_for_cause, [land.key()], Why.SUSPENDED, "seller 2001 is suspended")
    land.shows(price=2600)
    assert not land.offer().sellable
    ended = land.pull(service.end_cause, [land.key()], Why.SUSPENDED, "seller 2001 is open again")
    assert [f.reason for f in ended.freed] == [Why.SUSPENDED]
    assert land.offer().sellable


# --- overrides -------------------------------------------------------------------------------------------------------


def laid_over(land: Land, category: str = "BOOKS", **spans: float) -> str:
    until = land.until(**(spans or {"days": 3}))
    pulled = land.pull(service.override, land.key(), "category", category, by=ANA, reason="wrong shelf", until=until)
    assert pulled.state == "live"
    return pulled.id


def test_an_override_counts_until_its_end_and_then_the_owners_value_returns_by_itself(land: Land) -> None:
    override_id = laid_over(land)
    assert land.offer().values["category"] == "BOOKS"

    land.later(days=3)
    ended = land.expire()
    assert [(f.what, f.id, f.field) for f in ended.freed] == [("override", override_id, "category")]
    assert ended.touched == {land.key()}
    assert land.offer().values["category"] == "TOYS"


def test_what_the_owner_changes_beneath_an_override_is_what_returns(land: Land) -> None:
    laid_over(land)
    judged = land.shows(category="GAMES")

    assert [(one.field, one.value) for one in judged.let_in] == [("category", "GAMES")]
    assert judged.touched == frozenset()
    assert [(a.why, a.stands, a.reassert) for a in judged.turned_away] == [(Why.OVERRIDDEN, "BOOKS", True)]
    assert land.offer().values["category"] == "BOOKS"
    land.later(days=3)
    land.expire()
    assert land.offer().values["category"] == "GAMES"


def test_our_override_come_back_from_the_marketplace_is_not_taken_for_the_owners_value(land: Land) -> None:
    laid_over(land)
    assert land.shows(category="BOOKS") == Judged()  # published there, and seen again
    land.later(days=3)
    land.expire()
    assert land.shows(category="BOOKS", at=land.clock.now()) == Judged()  # still there: ours of before, not his
    assert land.offer().values["category"] == "TOYS"
    assert land.shows(category="TOYS") == Judged()
    assert land.rows("SELECT expected_at FROM owned_value WHERE field = 'category'") == [{"expected_at": None}]


def test_before_the_override_has_got_there_the_old_value_is_no_undoing(land: Land) -> None:
    laid_over(land)
    land.later(seconds=5)
    assert land.observe(land.seen(category="TOYS")) == Judged()


def test_an_override_undone_before_it_was_ever_seen_is_put_back_when_the_time_to_settle_is_over(land: Land) -> None:
    laid_over(land)
    land.later(minutes=2)
    [away] = land.observe(land.seen(category="TOYS")).turned_away  # changed there after ours, and not to ours
    assert (away.why, away.reassert) == (Why.OVERRIDDEN, True)


def test_a_plan_with_a_higher_floor_holds_what_stood_well_before(land: Land) -> None:
    stricter = plan_with(limits={"TOYS": {"floor": "30.00"}})
    with land.ctx.db.transaction() as conn:
        judged = service.recheck(conn, land.ctx, stricter, compile_rules(stricter), [land.key()])
    [away] = judged.turned_away
    assert (away.why, away.value, away.stands) == (Why.UNDER_FLOOR, 2500, 2500)
    assert not land.offer().sellable
    assert land.pull(service.recheck, [land.key()]).freed  # the plan before again: the price is good
    assert land.offer().sellable


def test_an_override_that_another_system_keeps_undoing_becomes_a_fight(land: Land) -> None:
    laid_over(land)
    said = []
    for _ in range(4):
        land.shows(category="BOOKS")
        [away] = land.shows(category="TOYS").turned_away
        said.append((away.why, away.reassert, away.fight))
    assert said == [
        (Why.OVERRIDDEN, True, False),
        (Why.OVERRIDDEN, True, False),
        (Why.OVERRIDDEN, False, True),
        (Why.OVERRIDDEN, False, False),
    ]
    assert not land.offer().sellable


def test_an_override_of_the_category_moves_the_floor_and_its_end_moves_it_back(land: Land) -> None:
    land.shows(price=1500)
    assert not land.offer().sellable
    until = land.until(days=3)
    pulled = land.pull(service.override, land.key(), "category", "BOOKS", by=ANA, reason="a book", until=until)

    assert [(one.field, one.value) for one in pulled.judged.let_in] == [("price", 1500)]
    assert {f.what for f in pulled.judged.freed} == {"hold", "correction", "refusal"}
    assert land.offer().sellable
    land.later(days=3)
    ended = land.expire()
    assert [(a.field, a.why) for a in ended.turned_away] == [("price", Why.UNDER_FLOOR)]
    assert not land.offer().sellable


def test_a_large_change_of_a_number_waits_for_another_person(land: Land) -> None:
    land.shows(offer="D-1", seller="2002", quantity=1, category="TOYS")
    land.shows(offer="D-1", seller="2002", actor=ERP, price=2500)
    key = land.key("D-1")
    small = land.pull(service.override, key, "price", 3000, by=ANA, reason="20 %", until=land.until(days=1))
    assert small.state == "live"
    land.pull(service.end_override, small.id, by=ANA, reason="no")

    large = land.pull(service.override, key, "price", 3001, by=ANA, reason="more", until=land.until(days=1))
    assert (large.state, large.judged, land.offer("D-1").values["price"]) == ("asked", Judged(), 2500)
    with pytest.raises(service.SamePerson):
        land.pull(service.confirm_override, large.id, by=ANA)
    with pytest.raises(service.NotYours):
        land.pull(service.confirm_override, large.id, by=CARL)
    confirmed = land.pull(service.confirm_override, large.id, by=BEN)
    assert confirmed.judged.touched == {key}
    assert land.offer("D-1").values["price"] == 3001
    with pytest.raises(service.StandsAlready):
        land.pull(service.confirm_override, large.id, by=BEN)


def test_a_large_override_nobody_confirms_ends_and_never_counted(land: Land) -> None:
    land.shows(offer="D-1", seller="2002", quantity=1, category="TOYS")
    land.shows(offer="D-1", seller="2002", actor=ERP, price=2500)
    land.pull(service.override, land.key("D-1"), "price", 9000, by=ANA, reason="x", until=land.until(days=1))
    land.later(days=1)
    ended = land.expire()
    assert [f.why for f in ended.freed] == ["no second person confirmed it in time"]
    assert ended.touched == frozenset()


def test_an_override_outside_the_limits_is_refused(land: Land) -> None:
    land.shows(offer="D-1", seller="2002", quantity=1, category="TOYS")
    with pytest.raises(service.OutsideLimits, match="under the floor of TOYS"):
        land.pull(service.override, land.key("D-1"), "price", 1500, by=ANA, reason="x", until=land.until(days=1))


def test_one_override_per_field_and_none_that_changes_nothing(land: Land) -> None:
    with pytest.raises(service.StandsAlready, match="has that value already"):
        land.pull(service.override, land.key(), "category", "TOYS", by=ANA, reason="x", until=land.until(days=1))
    laid_over(land)
    with pytest.raises(service.StandsAlready, match="is overridden already, by Ana"):
        land.pull(service.override, land.key(), "category", "GAMES", by=BEN, reason="x", until=land.until(days=1))


def test_nobody_lays_a_value_over_a_third_partys_price(land: Land) -> None:
    with pytest.raises(service.NotYours, match="lets nobody override the price"):
        land.pull(service.override, land.key(), "price", 2400, by=ANA, reason="x", until=land.until(days=1))
