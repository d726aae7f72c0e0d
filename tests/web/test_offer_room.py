"""Offers and answers on a real database, through ownership's own services: what the pages read, and what their forms bring about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from ownership.land import MARKET, Land, plan_with
from starlette.testclient import TestClient

from entrepot.blueprint.model import Plan
from entrepot.flows.offer_judgement import OfferJudgement
from entrepot.flows.parts import Parts
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import OwnerDecides
from entrepot.kernel.money import Money
from entrepot.ownership import service
from entrepot.ownership.compile import compile_rules
from entrepot.ownership.model import Judged, Value
from entrepot.web.app import create_app
from entrepot.web.offer_ports import Acting
from entrepot.web.offer_room import AnswerRoom, OfferRoom
from entrepot.web.store import ConsoleStore
from entrepot.web.store.common import BrokenLink
from entrepot.web.views.offers import CorrectionFilter, GivenAnswer, OfferDetail, OfferFilter

OPERATIONS = Acting("Mari", "supplier-operations")
SECOND = Acting("Per", "supplier-operations")
CARE = Acting("Liv", "customer-care")


@dataclass(frozen=True)
class RealHub:
    ctx: Ctx
    plan: Plan


class Heard:
    """What a judgement led to."""

    def __init__(self) -> None:
        self.judged: list[Judged] = []

    def __call__(self, ctx: Ctx, conn: Conn, judged: Judged) -> None:
        self.judged.append(judged)

    @property
    def touched(self) -> set[str]:
        return {object_id for judged in self.judged for _, _, object_id in judged.touched}


@pytest.fixture
def land(ctx: Ctx, clock: ManualClock) -> Land:
    return Land(ctx, clock, plan_with())


@pytest.fixture
def store(land: Land) -> ConsoleStore:
    return ConsoleStore(land.ctx.db, land.plan)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def offers(land: Land, heard: Heard) -> OfferRoom:
    return OfferRoom(land.ctx, land.plan, lambda ctx, conn, pulled: heard(ctx, conn, pulled.judged))


@pytest.fixture
def answers(land: Land, heard: Heard) -> AnswerRoom:
    rules = compile_rules(land.plan)

    def answer(
        ctx: Ctx, conn: Conn, which: str, *, accepted: bool, said: str, value: Value, by: str
    ) -> service.Answered:
        given = service.answer(conn, ctx, land.plan, rules, which, accepted=accepted, words=said, value=value, by=by)
        heard(ctx, conn, given.judged)
        return given

    return AnswerRoom(land.ctx, land.plan, answer)


def shown(store: ConsoleStore, **wanted: str) -> list[str]:
    return [row.id for row in store.offers(OfferFilter(**wanted)).rows]


def detail(store: ConsoleStore, offer: str = "O-1") -> OfferDetail:
    found = store.offer(MARKET, offer, lambda path: f"entrepot.yaml of {path}")
    assert found is not None
    return found


def until(land: Land, days: int = 3) -> datetime:
    return land.clock.now() + timedelta(days=days)


def links(land: Land) -> list[tuple[str, list[str]]]:
    """Every message that is due, as (seller, secrets of its links)."""
    sent = []
    land.later(hours=2)
    with land.ctx.db.transaction() as conn:
        for due in service.due_digests(conn, land.ctx, land.plan):
            digest = service.take_digest(conn, land.ctx, land.plan, due)
            assert digest is not None
            service.delivered(conn, land.ctx, digest.id)
            sent.append((digest.seller, [line.token for line in digest.lines]))
    return sent


# --- what the pages read ---------------------------------------------------------------------------------------------


def test_each_view_of_the_list_shows_its_offers(land: Land, store: ConsoleStore, offers: OfferRoom) -> None:
    for offer in ("O-1", "O-2", "O-3", "O-4"):
        land.known(offer)
    land.shows("O-1", price=1500)
    land.shows("O-4", active=False)
    offers.override(MARKET, "O-2", "category", "GAMES", OPERATIONS, "it is a game", until(land))
    assert shown(store) == ["O-1", "O-2", "O-3", "O-4"]
    assert shown(store, show="held") == ["O-1"]
    assert shown(store, show="asked") == ["O-1"]
    assert shown(store, show="overridden") == ["O-2"]
    assert shown(store, show="unsellable") == ["O-1", "O-4"]
    assert shown(store, seller="2001", account=MARKET) == ["O-1", "O-2", "O-3", "O-4"]
    assert shown(store, seller="9999") == []
    rows = {row.id: row for row in store.offers(OfferFilter()).rows}
    assert (rows["O-1"].price, rows["O-1"].held) == (
        Money(2500, "EUR"),
        ("15.00 EUR is under the floor of TOYS, 21.00 EUR",),
    )
    assert (rows["O-2"].category, rows["O-2"].overridden) == ("GAMES", ("category",))
    assert rows["O-4"].state.word == "Not active"


def test_the_list_is_read_page_by_page_and_nothing_is_left_out(land: Land, store: ConsoleStore) -> None:
    names = [f"O-{number:03d}" for number in range(1, 121)]
    land.observe(
        *[land.seen(name, all={"price": 1500, "currency": "EUR", "category": "TOYS", "active": True}) for name in names]
    )
    for show in ("", "held", "asked", "unsellable"):
        seen, after = [], ""
        while True:
            page = store.offers(OfferFilter(show=show, after=after))
            seen += [row.id for row in page.rows]
            after = page.next_after
            if not after:
                break
        assert seen == names, show
    assert [row.id for row in store.every_offer(OfferFilter(show="held"))] == names


@pytest.mark.parametrize("after", ["x", "[]", '["a"]', '["a", 1]', '["a\\u0000", "b"]', "{}", "null"])
def test_an_address_no_page_made_is_told_in_words(store: ConsoleStore, after: str) -> None:
    with pytest.raises(BrokenLink):
        store.offers(OfferFilter(after=after))
    with pytest.raises(BrokenLink):
        store.corrections(CorrectionFilter(after=after))


def test_an_offer_tells_its_source_its_rule_and_what_was_refused(land: Land, store: ConsoleStore) -> None:
    land.known()
    land.shows(price=1500)
    offer = detail(store)
    price = next(one for one in offer.fields if one.name == "price")
    assert price.value.replace("\u00a0", " ") == "25.00 EUR"
    assert price.source == "offer export of 08:01, row 1"
    assert (price.rule, price.place) == (
        "ownership.offer.fields.price[1]",
        "entrepot.yaml of ownership.offer.fields.price[1]",
    )
    assert price.rule_words.startswith("seller sets it; operator may hold it")
    assert price.held
    [refused] = offer.refused
    assert (refused.value.replace("\u00a0", " "), refused.word, refused.ended) == ("15.00 EUR", "Under the floor", "")
    [asked] = offer.corrections
    assert (asked.cause, asked.state.word, asked.seller) == ("Under the floor", "Asked", "2001")
    assert [change.field for change in offer.history if change.version == 1] == [one.name for one in offer.fields]


def test_an_offer_nobody_has_seen_is_not_there(store: ConsoleStore) -> None:
    assert store.offer(MARKET, "O-1", str) is None
    assert store.offer(MARKET, "O\x00", str) is None


def test_corrections_come_oldest_first_while_open_and_grouped_by_seller_and_cause(
    land: Land, store: ConsoleStore
) -> None:
    for offer, seller in (("O-1", "2001"), ("O-2", "2001"), ("O-3", "2003")):
        land.known(
            offer,
        ) if seller == "2001" else land.shows(
            offer, seller=seller, all={"price": 2500, "currency": "EUR", "category": "TOYS", "active": True}
        )
        land.shows(offer, seller=seller, price=1500)
    page = store.corrections(CorrectionFilter())
    assert [row.object_id for row in page.rows] == ["O-1", "O-2", "O-3"]
    assert [(group.seller, group.count) for group in page.groups] == [("2001", 2), ("2003", 1)]
    assert [row.object_id for row in store.corrections(CorrectionFilter(seller="2003")).rows] == ["O-3"]
    assert [row.object_id for row in store.corrections(CorrectionFilter(cause="other-currency")).rows] == []
    land.shows("O-1", price=2300)
    assert [row.object_id for row in store.every_correction(CorrectionFilter())] == ["O-2", "O-3"]
    [ended] = store.corrections(CorrectionFilter(show="ended")).rows
    assert (ended.object_id, ended.state.word) == ("O-1", "Corrected")


# --- levers ----------------------------------------------------------------------------------------------------------


def test_a_person_holds_an_offer_and_lets_it_go_again(
    land: Land, store: ConsoleStore, offers: OfferRoom, heard: Heard
) -> None:
    land.known()
    said = offers.hold(MARKET, "O-1", "price", OPERATIONS, "recall", until(land))
    assert said.startswith("Offer O-1 is held and not sold until 2026-03-05 08:01 UTC")
    assert heard.touched == {"O-1"}
    [hold] = detail(store).holds
    assert (hold.author, hold.words) == ("Mari", "recall")
    offers.release(hold.id, OPERATIONS, "the recall is over")
    assert shown(store, show="held") == []
    assert detail(store).holds[0].lifted == "Mari: the recall is over"


def test_a_large_override_waits_for_another_person(land: Land, store: ConsoleStore, offers: OfferRoom) -> None:
    land.shows("D-1", seller="2002", currency="EUR", category="TOYS", active=True)
    land.shows("D-1", actor="erp@sap", seller="2002", price=2500)
    said = offers.override(MARKET, "D-1", "price", 4000, OPERATIONS, "list price", until(land))
    assert "a second person" in said
    [asked] = detail(store, "D-1").overrides
    assert asked.waits and not asked.live
    with pytest.raises(OwnerDecides, match="another person"):
        offers.confirm(asked.id, OPERATIONS, "me too")
    offers.confirm(asked.id, SECOND, "seen")
    [live] = detail(store, "D-1").overrides
    assert (live.live, live.second_person) == (True, "Per")
    assert store.offers(OfferFilter(show="overridden")).rows[0].price == Money(4000, "EUR")
    offers.end(live.id, OPERATIONS, "over")
    assert shown(store, show="overridden") == []


def test_who_may_not_is_told_who_may(land: Land, offers: OfferRoom) -> None:
    land.known()
    with pytest.raises(OwnerDecides, match="the plan lets nobody override the price"):
        offers.override(MARKET, "O-1", "price", 2600, OPERATIONS, "dearer", until(land))
    with pytest.raises(OwnerDecides, match=r"Liv of customer-care.*operator"):
        offers.hold(MARKET, "O-1", "price", CARE, "odd", until(land))
    assert offers.ask(MARKET, "O-1", "price", 2600, CARE, "odd") == "The owner is asked in his next message."


def test_a_form_on_the_page_reaches_ownership(land: Land) -> None:
    land.known()
    app = create_app(RealHub(land.ctx, land.plan))
    with TestClient(app, base_url="http://127.0.0.1:8400", follow_redirects=False) as browser:
        page = f"/offers/{MARKET}/O-1"
        csrf = browser.get(page).text.partition('name="csrf" value="')[2].partition('"')[0]
        form = {"csrf": csrf, "reason": "recall", "team": "supplier-operations", "field": "price", "days": "3"}
        assert browser.post(f"{page}/hold", data=form).status_code == 303
        assert "recall" in browser.get(page).text
        assert browser.post(f"{page}/hold", data=form).status_code == 409
        refused = browser.post(f"{page}/hold", data=form | {"team": "customer-care", "field": "quantity"})
        assert refused.status_code == 409
        for listed in ("/offers?show=held", "/offers.csv", "/corrections", "/corrections.csv"):
            assert browser.get(listed).status_code == 200


# --- answers ---------------------------------------------------------------------------------------------------------


def asked_about(land: Land, offers: Sequence[str] = ("O-1", "O-2")) -> list[str]:
    """Offers with a price under the floor; the secrets of the one message their seller got."""
    for offer in offers:
        land.known(offer)
        land.shows(offer, price=1500)
    [(seller, secrets)] = links(land)
    assert (seller, len(secrets)) == ("2001", len(offers))
    return secrets


def test_any_link_of_a_message_shows_all_its_rows_its_own_first(land: Land, answers: AnswerRoom) -> None:
    one, two = asked_about(land)
    view = answers.asked(two)
    assert view is not None
    assert [(row.offer, row.field, row.kind) for row in view.rows] == [
        ("O-2", "price", "money"),
        ("O-1", "price", "money"),
    ]
    assert (view.shop, view.seller, view.word, view.currency) == ("mirakl-fr", "2001", "Under the floor", "EUR")
    assert view.rows[0].value.replace("\u00a0", " ") == "15.00 EUR"
    assert answers.asked(one) is not None


def test_one_sellers_link_shows_nothing_of_another_seller(land: Land, answers: AnswerRoom) -> None:
    land.known("O-1")
    land.shows("O-1", price=1500)
    land.shows("O-9", seller="2003", price=2500, currency="EUR", category="TOYS", active=True)
    land.shows("O-9", seller="2003", price=1400)
    sent = dict(links(land))
    for seller, offer in (("2001", "O-1"), ("2003", "O-9")):
        view = answers.asked(sent[seller][0])
        assert view is not None
        assert (view.seller, [row.offer for row in view.rows]) == (seller, [offer])


def test_the_corrected_value_is_in_at_once_and_the_link_is_used_up(
    land: Land, store: ConsoleStore, answers: AnswerRoom, heard: Heard
) -> None:
    one, two = asked_about(land)
    rows = {row.offer: row.id for row in (answers.asked(one) or pytest.fail()).rows}
    given = [GivenAnswer(rows["O-1"], True, "", "22.50"), GivenAnswer(rows["O-2"], False, "it is our price")]
    taken = answers.answer(one, given)
    assert taken is not None and not taken.problems
    assert taken.words == "The corrected values are in; they count from now on."
    assert land.offer("O-1").values["price"] == 2250
    assert land.offer("O-1").sellable
    assert heard.touched >= {"O-1"}
    said = {row.object_id: row for row in store.corrections(CorrectionFilter(show="ended")).rows}
    assert (said["O-1"].state.word, said["O-2"].state.word) == ("Corrected", "Declined")
    assert said["O-2"].answer.endswith("it is our price")
    for used in (one, two):
        assert answers.asked(used) is None
        assert answers.answer(used, given) is None


def test_a_promise_without_a_value_uses_the_link_up_and_waits_for_the_value(
    land: Land, store: ConsoleStore, answers: AnswerRoom
) -> None:
    [secret] = asked_about(land, ["O-1"])
    [row] = (answers.asked(secret) or pytest.fail()).rows
    assert answers.answer(secret, [GivenAnswer(row.id, True)]) is not None
    assert answers.asked(secret) is None
    assert store.corrections(CorrectionFilter()).rows[0].state.word == "Accepted"
    assert not land.offer("O-1").sellable
    land.shows("O-1", price=2300)
    assert land.offer("O-1").sellable


def test_a_value_that_will_not_do_takes_the_whole_answer_back(
    land: Land, store: ConsoleStore, answers: AnswerRoom
) -> None:
    one, _ = asked_about(land)
    rows = {row.offer: row.id for row in (answers.asked(one) or pytest.fail()).rows}
    given = [GivenAnswer(rows["O-1"], True, "", "22.50"), GivenAnswer(rows["O-2"], True, "", "1.00")]
    taken = answers.answer(one, given)
    assert taken is not None
    assert "under the floor" in taken.problems[rows["O-2"]]
    assert set(taken.problems) == {rows["O-2"]}
    assert land.offer("O-1").values["price"] == 2500
    assert len(store.corrections(CorrectionFilter()).rows) == 2
    assert answers.asked(one) is not None
    wrong = answers.answer(one, [GivenAnswer(rows["O-1"], True, "", "cheap"), GivenAnswer(rows["O-2"], True)])
    assert wrong is not None
    assert "is not an amount in EUR" in wrong.problems[rows["O-1"]]


def test_an_id_of_ours_opens_no_link(land: Land, answers: AnswerRoom) -> None:
    [secret] = asked_about(land, ["O-1"])
    [row] = (answers.asked(secret) or pytest.fail()).rows
    for guess in (row.id, "", secret.lower(), secret[:-1], "cor_"):
        assert answers.asked(guess) is None
        assert answers.answer(guess, [GivenAnswer(row.id, True, "", "99")]) is None
    assert land.offer("O-1").values["price"] == 2500


def test_a_row_of_another_message_is_not_answered_through_this_link(land: Land, answers: AnswerRoom) -> None:
    land.known("O-1")
    land.shows("O-1", price=1500)
    land.shows("O-9", seller="2003", all={"price": 2500, "currency": "EUR", "category": "TOYS", "active": True})
    land.shows("O-9", seller="2003", price=1400)
    sent = dict(links(land))
    other = (answers.asked(sent["2003"][0]) or pytest.fail()).rows[0]
    assert answers.answer(sent["2001"][0], [GivenAnswer(other.id, True, "", "22")]) is None
    assert land.offer("O-9").values["price"] == 2500


def test_after_its_time_a_link_takes_nothing(land: Land, answers: AnswerRoom) -> None:
    [secret] = asked_about(land, ["O-1"])
    [row] = (answers.asked(secret) or pytest.fail()).rows
    land.later(hours=100)
    view = answers.asked(secret)
    assert view is not None and view.expired
    assert answers.answer(secret, [GivenAnswer(row.id, True, "", "22")]) is None
    land.expire()
    assert answers.asked(secret) is None


@pytest.fixture
def door(land: Land) -> Iterator[TestClient]:
    app = create_app(RealHub(land.ctx, land.plan))
    with TestClient(app, base_url="http://127.0.0.1:8400", follow_redirects=False) as client:
        yield client


def test_a_seller_answers_through_the_page_and_the_offer_sells_again(land: Land, door: TestClient) -> None:
    [secret] = asked_about(land, ["O-1"])
    assert "under the floor of TOYS" in door.get(f"/answers/{secret}").text
    low = door.post(f"/answers/{secret}", data={"answer-0": "accept", "value-0": "3"})
    assert low.status_code == 422
    assert "This value cannot be taken" in low.text
    done = door.post(f"/answers/{secret}", data={"answer-0": "accept", "value-0": "21.00"})
    assert done.status_code == 200
    assert land.offer("O-1").sellable
    assert door.get(f"/answers/{secret}").status_code == 410
    assert door.post(f"/answers/{secret}", data={"answer-0": "accept", "value-0": "22"}).status_code == 410
    assert land.offer("O-1").values["price"] == 2100


# --- a case about offers, repaired from the case ---------------------------------------------------------------------


@pytest.fixture
def faulty(land: Land) -> str:
    """One case of two offers under the floor: its id."""
    for offer in ("O-1", "O-2"):
        land.known(offer)
    land.later(minutes=1)
    judged = land.observe(*(replace(land.seen(offer, price=1500), message_id="") for offer in ("O-1", "O-2")))
    with land.ctx.db.transaction() as conn:
        OfferJudgement(Parts(land.plan, {})).follow(land.ctx, conn, judged).flush(land.ctx, conn, land.plan)
    [case] = land.rows("SELECT id FROM case_file WHERE mode = 'offer-under-floor'")
    return str(case["id"])


def test_the_console_repairs_a_field_of_one_offer_and_says_before_that_its_owner_is_asked(
    land: Land, faulty: str
) -> None:
    app = create_app(RealHub(land.ctx, land.plan))
    with TestClient(app, base_url="http://127.0.0.1", follow_redirects=False) as browser:
        browser.cookies.set("entrepot_team", "supplier-operations")
        where = f"/cases/{faulty}/repair"
        form = browser.get(where).text
        assert '<option value="O-2">O-2</option>' in form and ">price</option>" in form
        csrf = form.partition('name="csrf" value="')[2].partition('"')[0]
        given = {"csrf": csrf, "reason": "a typing error", "offer": "O-2", "field": "price", "value": "22.00"}
        assert browser.post(where, data=given | {"value": ""}).status_code == 422
        assert "say which one is meant" in browser.post(where, data=given | {"offer": ""}).text
        under = browser.post(where, data=given | {"value": "2.00"})
        assert under.status_code == 409 and "under the floor" in under.text and 'value="2.00"' in under.text
        plan = browser.post(where, data=given)
        assert "Seller is asked in his next message for price 22.00 EUR of offer O-2" in plan.text
        assert land.rows("SELECT 1 FROM correction WHERE cause = 'operator'") == []
        done = browser.post(where, data=given | {"step": "confirm"})
        assert done.status_code == 303
        page = browser.get(f"/cases/{faulty}").text
    [asked] = land.rows("SELECT object_id, wanted FROM correction WHERE cause = 'operator'")
    assert (asked["object_id"], asked["wanted"]) == ("O-2", 2200)
    assert "waits for seller" in page
