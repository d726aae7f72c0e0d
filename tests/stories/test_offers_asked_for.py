"""How a request reaches a seller, by whatever channel he has; what he answers by a link; and what dying on the way costs: nothing."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from depth import DEEP

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Points
from entrepot.ownership.service import LinkUsed
from entrepot.proof.house import House, unhurried
from entrepot.sandbox.faults import Fault
from entrepot.sandbox.furniture import A, offer_id
from entrepot.web.store import ConsoleStore
from entrepot.web.views.offers import CorrectionFilter, ReturnedFile

ACCOUNT = "mirakl-fr/operator"
SLIPPED = str(offer_id(A, 3))


def plan_with(*contact: str) -> Plan:
    plan = unhurried(load())
    everyone = plan.sellers["*"].model_copy(update={"contact": contact, "mail": "spool:/nowhere"})
    return plan.model_copy(update={"sellers": {"*": everyone}})


def look_at_offers(house: House) -> None:
    with house.hub.ctx.db.transaction() as conn:
        conn.execute("UPDATE periodic SET next_at = %s WHERE name = 'sweep-offers'", (house.clock.now(),))
    house.run_for(minutes=2)


def asked(open_day: Callable[..., House], *contact: str, **chosen: Any) -> House:
    """A day on which A has slipped, and has been asked by these channels."""
    house = open_day(orders=0, plan=plan_with(*contact), **chosen)
    house.run_for(minutes=25)
    look_at_offers(house)
    house.run_for(minutes=2)
    return house


def digest(house: House) -> dict[str, Any]:
    [row] = house.rows("SELECT * FROM correction_digest WHERE seller = %s", str(A))
    return row


def letters(house: House) -> list[Any]:
    return [notice for _, notice in house.mailbox.notices if notice.team == f"seller-{A}"]


def page(house: House) -> dict[str, Any]:
    shelf = house.stage.world.books()["storefront"]["shelf"]
    return next(one for one in shelf if one["offer_id"] == SLIPPED)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ENTREPOT_PUBLIC_URL", "https://hub.example")
    return "https://hub.example/answers/"


def token_of(house: House, public: str) -> str:
    [letter] = letters(house)
    [link] = [line.partition(public)[2] for line in letter.body.splitlines() if public in line]
    return str(link)


def test_a_seller_reached_by_mail_answers_by_a_link_that_counts_once(
    open_day: Callable[..., House], public: str
) -> None:
    house = asked(open_day, "mail-digest")
    assert digest(house)["state"] == "delivered"
    token, hub = token_of(house, public), house.hub
    with hub.ctx.db.transaction() as conn:
        given = hub.corrections.answer(hub.ctx, conn, token, accepted=True, said="a typing error", value=1_999)
    house.run_for(minutes=3)
    assert (given.state, given.changed) == ("applied", True)
    assert (page(house)["price_minor"], page(house)["sellable"]) == (1_999, True)
    assert (
        house.stage.portal.offer(int(SLIPPED)).price_minor == 1_999
    )  # the marketplace is told, or it would go on showing the slip
    with pytest.raises(LinkUsed), hub.ctx.db.transaction() as conn:
        hub.corrections.answer(hub.ctx, conn, token, accepted=True, value=2_500)
    look_at_offers(house)
    [correction] = house.rows("SELECT * FROM correction WHERE object_id = %s", SLIPPED)
    assert (correction["state"], correction["applied_value"]) == ("applied", 1_999)


def test_the_link_of_a_mail_that_went_out_is_kept_nowhere(open_day: Callable[..., House], public: str) -> None:
    house = asked(open_day, "mail-digest")
    token = token_of(house, public)
    house.run_for(minutes=1)
    kept = house.rows("SELECT body FROM alert UNION ALL SELECT token_hash FROM correction WHERE token_hash IS NOT NULL")
    assert [row for row in kept if token in row["body"]] == []


def test_a_value_that_will_not_do_is_refused_at_the_link_and_the_link_still_counts(
    open_day: Callable[..., House], public: str
) -> None:
    house = asked(open_day, "mail-digest")
    hub, token = house.hub, token_of(house, public)
    with hub.ctx.db.transaction() as conn:
        given = hub.corrections.answer(hub.ctx, conn, token, accepted=True, value=150)
    assert given.refused is not None and "under the floor" in given.refused.words
    with hub.ctx.db.transaction() as conn:
        assert hub.corrections.answer(hub.ctx, conn, token, accepted=False, said="then not at all").state == "declined"
    [case] = house.rows("SELECT * FROM case_file WHERE mode = 'correction-unanswered'")
    assert "then not at all" in case["cause_text"]


def test_a_marketplace_that_refuses_the_conversation_gives_way_to_a_mail(open_day: Callable[..., House]) -> None:
    house = open_day(orders=0, plan=plan_with("mirakl-thread", "mail-digest"))
    house.stage.world.faults.add(Fault("mirakl", "open-thread", 0, "expired-token", every=1))
    house.run_for(minutes=25)
    look_at_offers(house)
    house.run_for(minutes=2)
    assert (digest(house)["state"], digest(house)["channel"]) == ("delivered", "mail-digest")
    assert len(letters(house)) == 1 and house.stage.portal.threads_of(A) == []


def test_a_seller_who_works_with_files_finds_one_with_error_columns(open_day: Callable[..., House]) -> None:
    house = asked(open_day, "returned-file")
    [file] = house.rows("SELECT * FROM returned_file WHERE seller_id = %s", str(A))
    console = ConsoleStore(house.hub.ctx.db, house.hub.plan)
    assert {row.file for row in console.corrections(CorrectionFilter()).rows if row.seller == str(A)} == {
        file["digest_id"]
    }
    assert console.returned_file(file["digest_id"]) == ReturnedFile(file["name"], file["content"])
    assert digest(house)["state"] == "delivered"
    assert file["content"].splitlines()[0].endswith('"error-line";"error-message"')
    assert f'"{A}-04";"{SLIPPED}";"price";"199";"2";"1.99 EUR is under the floor' in file["content"]


def test_a_seller_without_any_channel_is_reached_by_a_person(open_day: Callable[..., House]) -> None:
    house = asked(open_day)
    [case] = house.rows("SELECT * FROM case_file WHERE mode = 'correction-unanswered' AND seller = %s", str(A))
    assert digest(house)["state"] == "undelivered"
    assert case["owner"] == "supplier-operations" and "nobody could tell the seller" in case["cause_text"]


class Killed(BaseException):
    """The process is gone: nothing of it runs any further."""


class DiesAt(Points):
    """Ends the process at each of these points, once; while `alive` it does not."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.left, self.alive = set(names), True

    def reach(self, name: str) -> None:
        if name in self.left and not self.alive:
            self.left.remove(name)
            raise Killed(name)


def survive(house: House, **time: float) -> None:
    """Run on, starting the process again when it has died."""
    until = house.clock.now().timestamp() + sum(v * {"minutes": 60, "hours": 3600}[k] for k, v in time.items())
    while (left := until - house.clock.now().timestamp()) > 0:
        try:
            house.run_for(seconds=left)
        except Killed:
            house.clock.advance(30)  # its lease runs out


def let_offers_be_looked_at(house: House) -> None:
    """At the next step, instead of in some hours."""
    with house.hub.ctx.db.transaction() as conn:
        conn.execute("UPDATE periodic SET next_at = %s WHERE name = 'sweep-offers'", (house.clock.now(),))


POINTS = (
    "decide.before-commit",
    "decide.committed",
    "offers.before-commit",
    "offers.committed",
    "send.after",
    "send.before",
    "observe.judged",
    "observe.booked",
    "hold.placed",
    "correction.asked",
    "correction.delivered",
    "correction.applied",
    "hold.lifted",
)
DEATHS = [
    pytest.param(POINTS, id="at every point"),
    *((pytest.param((one,), id=one) for one in POINTS) if DEEP else ()),
]


@pytest.mark.parametrize("points", DEATHS)
def test_dying_between_hold_and_request_loses_nothing_and_asks_once(
    open_day: Callable[..., House], points: Sequence[str]
) -> None:
    dies = DiesAt(points)
    house = open_day(orders=0, plan=plan_with("mirakl-thread"), points=dies)
    house.run_for(minutes=24)  # not while the day opens
    dies.alive = False
    let_offers_be_looked_at(house)
    survive(house, hours=4)
    [thread] = house.stage.portal.threads_of(A)
    assert len(thread.messages) == 2  # ours, and the seller's answer
    for _ in range(2 if len(points) == 1 else 6):  # whoever died at a look takes it up at the next
        let_offers_be_looked_at(house)
        survive(house, minutes=30)
    [hold] = house.rows("SELECT * FROM hold WHERE object_id = %s", SLIPPED)
    [correction] = house.rows("SELECT * FROM correction WHERE object_id = %s", SLIPPED)
    assert (hold["lifted_at"] is not None, correction["state"], page(house)["sellable"]) == (True, "applied", True)
    assert dies.left == set()
