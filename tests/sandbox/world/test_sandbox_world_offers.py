"""The shop's shelf, sellers who slip and are asked, and a channel manager with a truth of its own."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from entrepot.sandbox.channel_manager import ChannelManager
from entrepot.sandbox.core import Request, Response, World
from entrepot.sandbox.errands import Errands, Pace
from entrepot.sandbox.faults import Fault
from entrepot.sandbox.mirakl import CategorySeed, Mirakl, OfferSeed, Settings, ShopSeed
from entrepot.sandbox.shelf import Shelf
from entrepot.sandbox.shopkeepers import CORRECTED, DECLINED, Reply, Shopkeepers, Slip
from entrepot.sandbox.witness import bought_unshown, purchases

START = datetime(2026, 3, 9, 7, 0, tzinfo=UTC)
KEY = "shop-secret"
OFFER, OTHER = 101, 102


class Bench:
    """One shop with two offers, and everybody who looks after them."""

    def __init__(self) -> None:
        self.at = START
        self.world = World(lambda: self.at, 1, None)
        seeds = (
            OfferSeed(OFFER, 2001, "HB-1", "EAN-1", "Sea atlas", "BOOKS", 1_999, 5),
            OfferSeed(OTHER, 2001, "HB-2", "EAN-2", "Tide tables", "BOOKS", 705, 5),
        )
        settings = Settings(
            shops=(ShopSeed(2001, "Harbour Books"),), categories=(CategorySeed("BOOKS", "Books", 15_000),), offers=seeds
        )
        self.mirakl = Mirakl(self.world, lambda: self.at, None, settings)
        self.portal = self.mirakl.portal
        self.world.mount("mirakl", self.mirakl)
        self.errands = Errands(self.world)
        self.shelf = Shelf(self.world, KEY, self.portal.offers())

    def move(self, **time: float) -> None:
        until = self.at + timedelta(**time)
        while (due := self.world.next_due()) is not None and due <= until:
            self.at = max(self.at, due)
            self.world.tick()
        self.at = until

    def keepers(self, *slips: Slip) -> Shopkeepers:
        return Shopkeepers(self.errands, self.portal, Pace(), slips)

    def ask(self, words: str) -> str:
        thread = self.mirakl.threads.open(2001, "Prices [dig_1]", ())
        self.mirakl.threads._say(thread, "OPERATOR", words, ())
        self.mirakl.platform.settle()
        return thread.thread_id

    def publish(self, key: str = "k1", offer_id: int = OFFER, auth: str = f"Bearer {KEY}", **changed: Any) -> Response:
        page = {"price_minor": 1_999, "currency": "EUR", "quantity": 5, "sellable": True, "reasons": [], "category": "BOOKS",
                "title": "Sea atlas", "description": "", "version": 1, **changed}  # fmt: skip
        headers = {"authorization": auth, "idempotency-key": key}
        return self.shelf.handle(Request("PUT", f"/offers/{offer_id}", (), headers, json.dumps(page).encode()))


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- the shelf -----------------------------------------------------------------------------------------------------


def test_the_shop_opens_with_the_catalogue_and_changes_only_by_what_is_published(bench: Bench) -> None:
    bench.portal.revise_offer(OFFER, price_minor=1)
    [first, _] = bench.shelf.on_sale(bench.portal.offers())
    assert first.price_minor == 1_999
    assert bench.publish(price_minor=2_100, quantity=2).status == 200
    [first, _] = bench.shelf.on_sale(bench.portal.offers())
    assert (first.price_minor, first.quantity, bench.portal.offer(OFFER).price_minor) == (2_100, 2, 1)


def test_what_is_withdrawn_is_not_on_sale(bench: Bench) -> None:
    bench.publish(sellable=False, reasons=["held"])
    assert [offer.offer_id for offer in bench.shelf.on_sale(bench.portal.offers())] == [OTHER]


def test_the_same_key_and_page_is_one_publication(bench: Bench) -> None:
    again = [bench.publish() for _ in range(3)]
    assert [answer.status for answer in again] == [200, 200, 200]
    assert again[1].headers["idempotent-replayed"] == "true"
    assert len(bench.shelf.publications) == 1
    assert bench.publish(quantity=1).json()["code"] == "idempotency_key_reused"


def test_an_older_version_changes_nothing(bench: Bench) -> None:
    bench.publish("k2", version=2, price_minor=2_200)
    older = bench.publish("k1", version=1, price_minor=1_100)
    assert (older.status, older.json()["code"]) == (409, "older_version")
    assert bench.shelf.shown[str(OFFER)].price_minor == 2_200


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"auth": "Bearer other"}, 401), ({"key": ""}, 400), ({"price_minor": "12"}, 422), ({"quantity": -1}, 422), ({"sellable": 1}, 422), ({"reasons": None}, 422)],
    ids=str,
)  # fmt: skip
def test_what_is_no_publication_is_refused(bench: Bench, changed: dict[str, Any], status: int) -> None:
    assert bench.publish(**changed).status == status
    assert bench.shelf.publications == []


def test_buyers_see_what_is_shown_and_nothing_that_was_never_published(bench: Bench) -> None:
    headers = {"authorization": f"Bearer {KEY}"}
    assert bench.shelf.handle(Request("GET", f"/offers/{OFFER}", (), headers)).json()["version"] == 0
    assert bench.shelf.handle(Request("GET", "/offers/999", (), headers)).json()["code"] == "offer_not_shown"
    assert bench.shelf.operation(Request("GET", "/baskets")) is None


# -- sellers -------------------------------------------------------------------------------------------------------


def test_a_seller_slips_and_mends_it_when_asked(bench: Bench) -> None:
    keepers = bench.keepers(Slip("too low", timedelta(hours=1), OFFER, {"price_minor": 99}))
    bench.move(hours=1)
    assert bench.portal.offer(OFFER).price_minor == 99
    thread_id = bench.ask("HB-1 (offer 101): 0.99 EUR is under the floor")
    bench.move(hours=2)
    assert bench.portal.offer(OFFER).price_minor == 1_999
    assert [said.body for said in bench.portal.thread(thread_id).messages][1:] == [CORRECTED]
    assert [row["reply"] for row in keepers.books()["replies"]] == ["corrects"]


@pytest.mark.parametrize(("reply", "said"), [(Reply.DECLINES, [DECLINED]), (Reply.SAYS_NOTHING, [])])
def test_another_stands_by_it_or_says_nothing(bench: Bench, reply: Reply, said: list[str]) -> None:
    bench.keepers(Slip("too low", timedelta(hours=1), OFFER, {"price_minor": 99}, reply))
    bench.move(hours=1)
    thread_id = bench.ask("HB-1: 0.99 EUR is under the floor")
    bench.move(hours=3)
    assert bench.portal.offer(OFFER).price_minor == 99
    assert [one.body for one in bench.portal.thread(thread_id).messages][1:] == said


def test_whoever_is_asked_about_something_he_does_not_know_says_no(bench: Bench) -> None:
    bench.keepers()
    thread_id = bench.ask("HB-2: the category is wrong")
    bench.move(hours=3)
    assert [said.body for said in bench.portal.thread(thread_id).messages][1:] == [DECLINED]


# -- the channel manager -------------------------------------------------------------------------------------------


def managed(bench: Bench) -> ChannelManager:
    return ChannelManager(bench.errands, bench.portal, Pace(), OFFER, "shop-2001-key")


def test_the_channel_manager_puts_its_own_value_back_and_is_quiet_otherwise(bench: Bench) -> None:
    manager = managed(bench)
    bench.move(hours=5)
    bench.portal.revise_offer(OFFER, quantity=4)
    bench.move(hours=5)
    assert manager.records == []
    for _ in range(3):
        bench.portal.revise_offer(OFFER, description="better words")
        bench.move(hours=1)
        assert bench.portal.offer(OFFER).description == "Sea atlas"
    assert [row["status"] for row in manager.records] == [201, 201, 201]
    assert (bench.portal.offer(OFFER).quantity, bench.portal.offer(OFFER).price_minor) == (4, 1_999)


def test_the_channel_manager_tries_again_when_the_marketplace_is_busy(bench: Bench) -> None:
    manager = managed(bench)
    bench.world.faults.add(Fault("mirakl", "OF24", 1, "429", 5))
    bench.portal.revise_offer(OFFER, description="better words")
    bench.move(hours=1)
    assert [row["status"] for row in manager.records] == [429, 201]
    assert bench.errands.waiting["set-backs"] == 0


# -- the witness ---------------------------------------------------------------------------------------------------


def books(sellable: bool, published_at: str, placed_at: str = "2026-03-09T09:00:00.000Z") -> dict[str, Any]:
    basket = {
        "commercial_id": "C-1",
        "state": "ordered",
        "checked_at": placed_at,
        "placed_at": placed_at,
        "lines": [{"offer_id": "101"}],
    }
    page = {"offer_id": "101", "sellable": sellable, "at": published_at}
    return {"storefront": {"baskets": [basket], "publications": [page]}}


def test_the_witness_sees_what_was_bought_after_it_had_been_withdrawn() -> None:
    before, after = "2026-03-09T08:59:00.000Z", "2026-03-09T09:01:00.000Z"
    assert bought_unshown(books(sellable=False, published_at=before)) == [{"basket": "C-1", "offer_id": "101"}]
    assert bought_unshown(books(sellable=True, published_at=before)) == []
    assert bought_unshown(books(sellable=False, published_at=after)) == []
    assert [one["offer_id"] for one in purchases(books(sellable=True, published_at=before))] == ["101"]
