"""The owner is asked: once per cause, in one message, and what he answers is applied exactly once."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from ownership.land import ANA, CARL, MARKET, OPERATOR, Land, plan_with

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import Busy
from entrepot.ownership import requests, service
from entrepot.ownership.model import Judged, Why
from entrepot.ownership.requests import AGAIN_AFTER, Digest, Line, token_hash
from entrepot.ownership.standing import Key


def due(land: Land) -> list[service.DigestDue]:
    with land.ctx.db.transaction() as conn:
        return service.due_digests(conn, land.ctx, land.plan)


def take(land: Land) -> list[Digest]:
    """All that are due, taken."""
    with land.ctx.db.transaction() as conn:
        found = [
            service.take_digest(conn, land.ctx, land.plan, one)
            for one in service.due_digests(conn, land.ctx, land.plan)
        ]
    return [one for one in found if one is not None]


def told(land: Land) -> Line:
    """A bad price, and its row in the seller's message."""
    land.known()
    land.shows(price=1500)
    [digest] = take(land)
    with land.ctx.db.transaction() as conn:
        service.delivered(conn, land.ctx, digest.id)
    [line] = digest.lines
    return line


def state(land: Land) -> list[str]:
    return [row["state"] for row in land.rows("SELECT state FROM correction ORDER BY id")]


def test_a_seller_hears_of_all_his_offers_of_one_cause_in_one_message(land: Land) -> None:
    for n in range(5):
        land.known(f"O-{n}")
    land.known("P-1")
    land.observe(
        *(land.seen(f"O-{n}", price=1500 + n) for n in range(5)), land.seen("O-9", price=900000, category="TOYS")
    )
    land.shows("P-1", seller="2003", price=1500)

    taken = {(d.seller, d.cause): d for d in take(land)}
    assert set(taken) == {("2001", Why.UNDER_FLOOR), ("2001", Why.ABOVE_CEILING), ("2003", Why.UNDER_FLOOR)}
    digest = taken["2001", Why.UNDER_FLOOR]
    assert [(line.object_id, line.value) for line in digest.lines] == [(f"O-{n}", 1500 + n) for n in range(5)]
    assert (digest.account, digest.owner, digest.channel) == (MARKET, "seller", "mirakl-thread")
    assert len({line.token for line in digest.lines}) == 5


def test_what_comes_in_the_same_hour_waits_for_the_next_message(land: Land) -> None:
    told(land)
    land.known("O-2")
    land.shows("O-2", price=1500)

    assert due(land) == []
    with land.ctx.db.transaction() as conn:
        sql = service.DIGEST_DUE_SQL
        assert conn.execute(sql, {"now": land.clock.now()}).fetchall() == []
    land.later(hours=1)
    assert [one.count for one in due(land)] == [1]
    [digest] = take(land)
    assert [line.object_id for line in digest.lines] == ["O-2"]


def test_the_link_is_kept_as_a_digest_of_it_alone(land: Land) -> None:
    line = told(land)
    [row] = land.rows("SELECT * FROM correction")
    assert row["token_hash"] == token_hash(line.token)
    assert line.token not in str(row)
    assert (row["state"], row["channel"]) == ("delivered", "mirakl-thread")


def test_a_message_of_which_nothing_is_heard_is_taken_again_and_its_old_links_are_dead(land: Land) -> None:
    land.known()
    land.shows(price=1500)
    [first] = take(land)
    assert take(land) == []
    land.later(seconds=AGAIN_AFTER.total_seconds())
    [second] = take(land)

    assert second.id == first.id
    assert land.rows("SELECT count(*)::int AS n FROM correction_digest") == [{"n": 1}]
    with pytest.raises(service.LinkUsed):
        land.pull(service.answer, first.lines[0].token, accepted=True, value=2200)
    assert land.pull(service.answer, second.lines[0].token, accepted=True, value=2200).changed


def test_a_channel_that_does_not_take_it_gives_way_to_the_next_and_the_last_to_a_person(land: Land) -> None:
    land.known()
    land.shows(price=1500)
    [digest] = take(land)
    with land.ctx.db.transaction() as conn:
        assert service.undelivered(conn, land.ctx, land.plan, digest.id, "no thread") == "mail-digest"
    [again] = take(land)
    assert (again.id, again.channel) == (digest.id, "mail-digest")
    with land.ctx.db.transaction() as conn:
        assert service.undelivered(conn, land.ctx, land.plan, digest.id, "no address") is None
        service.delivered(conn, land.ctx, digest.id)  # too late to say so
    assert land.rows("SELECT state, words FROM correction_digest") == [{"state": "undelivered", "words": "no address"}]
    assert state(land) == ["asked"]


def test_a_corrected_value_in_the_answer_is_let_in_frees_the_offer_and_is_applied_once(land: Land) -> None:
    line = told(land)
    answered = land.pull(service.answer, line.token, accepted=True, value=2200, words="sorry", by="shop 2001")

    assert (answered.state, answered.changed, answered.refused) == ("applied", True, None)
    assert {f.what for f in answered.judged.freed} == {"hold", "correction", "refusal"}
    assert answered.judged.touched == {land.key()}
    assert (land.offer().values["price"], land.offer().sellable) == (2200, True)
    again = land.pull(service.answer, line.correction_id, accepted=True, value=9900)
    assert (again.changed, again.state, again.judged) == (False, "applied", Judged())
    with pytest.raises(service.LinkUsed):
        land.pull(service.answer, line.token, accepted=True, value=2300)
    [row] = land.rows("SELECT applied_value, applied_by, answer_words, answered_by FROM correction")
    assert row == {
        "applied_value": 2200,
        "applied_by": "shop 2001",
        "answer_words": "sorry",
        "answered_by": "shop 2001",
    }


def test_after_an_answer_the_bad_value_the_marketplace_still_shows_is_no_news(land: Land) -> None:
    line = told(land)
    land.pull(service.answer, line.token, accepted=True, value=2200)
    land.later(seconds=5)
    assert land.observe(land.seen(price=1500)) == Judged()
    assert land.shows(price=2200) == Judged()
    assert land.shows(price=2200) == Judged()
    assert land.offer().sellable


def test_an_answer_that_is_still_wrong_changes_nothing_and_the_link_stays_good(land: Land) -> None:
    line = told(land)
    answered = land.pull(service.answer, line.token, accepted=True, value=1600)

    assert answered.refused is not None
    assert answered.refused.words == "16.00 EUR is under the floor of TOYS, 21.00 EUR"
    assert (answered.changed, state(land), land.offer().sellable) == (False, ["delivered"], False)
    assert land.pull(service.answer, line.token, accepted=True, value=2100).changed


def test_the_price_that_counts_already_is_an_answer_too(land: Land) -> None:
    line = told(land)
    answered = land.pull(service.answer, line.token, accepted=True, value=2500)
    assert answered.state == "applied"
    assert answered.judged.touched == {land.key()}
    assert land.offer().sellable


def test_a_promise_is_kept_by_the_value_that_arrives(land: Land) -> None:
    line = told(land)
    assert land.pull(service.answer, line.token, accepted=True, words="tonight").state == "accepted"
    assert not land.offer().sellable
    judged = land.shows(price=2300)
    assert [f.id for f in judged.freed if f.what == "correction"] == [line.correction_id]
    assert state(land) == ["applied"]


def test_a_refusal_by_the_owner_leaves_the_hold_to_a_person_and_he_may_still_correct_it(land: Land) -> None:
    line = told(land)
    answered = land.pull(service.answer, line.token, accepted=False, words="that is my price")
    assert [(f.what, f.why) for f in answered.judged.freed] == [("correction", "that is my price")]
    assert (state(land), land.offer().sellable) == (["declined"], False)

    land.shows(price=2300)
    assert (state(land), land.offer().sellable) == (["applied"], True)


def test_no_answer_in_time_ends_the_request_and_the_same_price_asks_no_more(land: Land) -> None:
    told(land)
    land.later(hours=48)
    ended = land.expire()
    assert [(f.what, f.why, f.reason) for f in ended.freed] == [("correction", "no answer in time", Why.UNDER_FLOOR)]
    assert ended.touched == frozenset()
    assert land.shows(price=1500).turned_away[0].again
    assert state(land) == ["expired"]
    land.shows(price=2300)
    assert state(land) == ["applied"]


def test_a_retry_of_the_same_arrival_applies_nothing_twice(land: Land) -> None:
    told(land)
    land.later(minutes=1)
    seen = land.seen(price=2200)
    assert {f.what for f in land.observe(seen).freed} == {"hold", "correction", "refusal"}
    assert land.observe(seen) == Judged()
    assert land.rows("SELECT count(*)::int AS n FROM value_change WHERE field = 'price'") == [{"n": 2}]


def test_a_crash_before_the_commit_leaves_the_request_open_for_the_next_try(land: Land) -> None:
    told(land)
    land.later(minutes=1)
    seen = land.seen(price=2200)
    with pytest.raises(ZeroDivisionError), land.ctx.db.transaction() as conn:
        assert service.observe(conn, land.ctx, land.plan, land.rules, [seen]).freed
        raise ZeroDivisionError
    assert (state(land), land.offer().sellable) == (["delivered"], False)
    assert {f.what for f in land.observe(seen).freed} == {"hold", "correction", "refusal"}


def test_an_answer_and_an_arrival_at_the_same_moment_apply_it_once(land: Land) -> None:
    line = told(land)
    land.later(minutes=1)
    with land.ctx.db.transaction() as first:
        service.observe(first, land.ctx, land.plan, land.rules, [land.seen(price=2200)])
        with pytest.raises(Busy):
            land.pull(service.answer, line.token, accepted=True, value=2300)
    assert land.pull(service.answer, line.correction_id, accepted=True, value=2300).changed is False
    assert land.offer().values["price"] == 2200


def test_who_may_only_ask_asks_and_the_owner_decides(land: Land) -> None:
    land.known()
    asked = land.pull(service.request, land.key(), "category", "BOOKS", by=ANA, reason="it is a book")
    with pytest.raises(service.StandsAlready):
        land.pull(service.request, land.key(), "category", "GAMES", by=ANA, reason="or a game")
    with pytest.raises(service.NotYours, match="finance may not request the category"):
        land.pull(service.request, land.key(), "category", "BOOKS", by=CARL, reason="x")

    [digest] = take(land)
    [line] = digest.lines
    assert (line.value, line.wanted, line.words) == ("TOYS", "BOOKS", "it is a book")
    assert land.pull(service.answer, line.token, accepted=True, value="BOOKS").judged.let_in[0].value == "BOOKS"
    assert [row["id"] for row in land.rows("SELECT id FROM correction WHERE state = 'applied'")] == [asked.id]


def test_a_wish_that_is_taken_back_ends_its_request(land: Land) -> None:
    land.known()
    land.shows(actor=OPERATOR, price=2300)
    land.shows(actor=OPERATOR, price=2500)
    assert state(land) == ["expired"]
    assert due(land) == []


def test_each_seller_may_be_given_another_time_to_answer(ctx: Ctx, clock: ManualClock) -> None:
    terms = {"requests": {"answer_within": "4h", "digest_every": "10m"}, "contact": ["returned-file"]}
    land = Land(ctx, clock, plan_with(sellers={"2001": terms}))
    line = told(land)
    assert line.answer_by - land.clock.now() == timedelta(hours=4)
    assert [row["channel"] for row in land.rows("SELECT channel FROM correction")] == ["returned-file"]


# --- two answers through one link, at the same time ------------------------------------------------------------------


@pytest.mark.parametrize("second", [{"accepted": True, "value": 2300}, {"accepted": False}, {"accepted": True}])
def test_who_read_the_link_before_the_first_answer_was_kept_comes_too_late(
    land: Land, monkeypatch: pytest.MonkeyPatch, second: dict[str, Any]
) -> None:
    """The first answer is kept between the second one's look at the link and its lock."""
    token = told(land).token
    real: Any = vars(requests)["lock"]
    first = list[Any]()

    def slow(conn: Conn, keys: Iterable[Key]) -> None:
        if not first:
            first.append("under way")
            first.append(land.pull(service.answer, token, accepted=True, words="I will"))  # its own connection
        real(conn, keys)

    monkeypatch.setattr(requests, "lock", slow)
    with pytest.raises(service.LinkUsed):
        land.pull(service.answer, token, **second)
    assert first[1].changed
    [kept] = land.rows("SELECT state, answer_words, applied_value FROM correction")
    assert (kept["state"], kept["answer_words"], kept["applied_value"]) == ("accepted", "I will", None)
    assert land.offer().values["price"] == 2500


def test_of_many_answers_at_once_through_one_link_exactly_one_is_kept(land: Land) -> None:
    token, begin = told(land).token, Barrier(4)

    def answer(price: int) -> str:
        begin.wait(timeout=10)
        try:
            return land.pull(service.answer, token, accepted=True, value=price).state
        except (service.LinkUsed, Busy) as late:
            return type(late).__name__

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(answer, (2200, 2210, 2220, 2230)))
    assert sorted(ends).count("applied") == 1, ends
    assert len(land.rows("SELECT 1 FROM value_change WHERE field = 'price' AND starts_with(value::text, '22')")) == 1
    with pytest.raises(service.LinkUsed):
        land.pull(service.answer, token, accepted=True, value=2240)
