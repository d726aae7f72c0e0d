"""eBay's writes against the sandbox: each alone under the contract, prices and stocks also many in one call."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from connectors.contract import AnsweredRowByRow, Joint, Scene, TwiceIsOnce, WriteContract
from connectors.ebay.shop import SYSTEM, Shop
from connectors.ebay.stories import (
    accept,
    approve,
    cancel,
    contest,
    end,
    product,
    receive,
    refund,
    reject,
    set_price,
    set_stock,
    ship,
    submit,
)

from entrepot.kernel.outcome import Done, Later, NotThere, Unknown

BULK = "bulkUpdatePriceQuantity"


class TestWritesThatEbaysStatesProtect(TwiceIsOnce):
    @pytest.fixture(
        params=[ship, cancel, approve, reject, end, accept, contest, receive], ids=lambda tell: tell.__name__
    )
    def scene(self, request: pytest.FixtureRequest, shop: Shop) -> Scene:
        return Scene(shop, request.param(shop))  # type: ignore[arg-type]


class TestWritesThatAreHarmlessTwice(WriteContract):
    """The same price, the same stock: set again, it is as it was."""

    @pytest.fixture(params=[set_price, set_stock], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, shop: Shop) -> Scene:
        return Scene(shop, request.param(shop))  # type: ignore[arg-type]

    def test_sent_again_it_is_as_it_was(self, scene: Scene) -> None:
        assert isinstance(scene.send(), Done)
        before = scene.market.books()["listings"]  # type: ignore[attr-defined]
        assert isinstance(scene.send(), Done)
        after = scene.market.books()["listings"]  # type: ignore[attr-defined]
        assert [{**one, "updates": 0} for one in before] == [{**one, "updates": 0} for one in after]


class TestRefund(WriteContract):
    """Money without a key of ours: what protects it is the look before a second attempt."""

    @pytest.fixture
    def scene(self, shop: Shop) -> Scene:
        return Scene(shop, refund(shop))  # type: ignore[arg-type]

    def test_a_later_attempt_looks_before_it_pays(self, scene: Scene) -> None:
        scene.trouble("timeout-after")
        assert isinstance(scene.send(), Unknown)
        shop: Any = scene.market
        outcome, _ = shop.again(scene.story.operation, scene.story.payload)
        assert isinstance(outcome, Done)
        assert scene.applied == 1

    def test_a_later_attempt_that_cannot_look_pays_nothing(self, scene: Scene) -> None:
        shop: Any = scene.market
        shop.trouble("getOrder", "503")
        outcome, _ = shop.again(scene.story.operation, scene.story.payload)
        assert isinstance(outcome, Later)
        assert scene.applied == 0

    def test_applied_late_after_we_lost_patience_it_is_paid_once(self, scene: Scene) -> None:
        shop: Any = scene.market
        scene.trouble("applied-late", 30)
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.look(), NotThere)
        shop.move(seconds=31)
        outcome, _ = shop.again(scene.story.operation, scene.story.payload)
        assert isinstance(outcome, Done)
        assert scene.applied == 1


class TestSubmit(TwiceIsOnce):
    @pytest.fixture
    def scene(self, shop: Shop) -> Scene:
        return Scene(shop, submit(shop))  # type: ignore[arg-type]

    def test_a_look_that_fails_leaves_it_unclear(self, scene: Scene) -> None:
        """Two calls are looked at here, item and offer: either may fail."""
        scene.trouble("timeout-after")
        scene.send()
        for look in ("getInventoryItem", "getOffers"):
            for kind in ("timeout-before", "503", "429", "truncated", "html"):
                scene.market.trouble(look, kind, 5, SYSTEM)
                assert isinstance(scene.look(), Unknown), (look, kind)
        assert isinstance(scene.look(), Done)

    @pytest.mark.parametrize("step", ["createOrReplaceInventoryItem", "createOffer", "publishOffer"])
    @pytest.mark.parametrize("kind", ["timeout-after", "timeout-before", "503"])
    def test_cut_at_any_step_it_is_begun_anew_and_listed_once(self, scene: Scene, step: str, kind: str) -> None:
        shop: Any = scene.market
        shop.trouble(step, kind)
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.send(), Done)
        assert isinstance(scene.look(), Done)
        assert scene.applied == 1
        assert [one["sku"] for one in shop.books()["listings"]].count("BELL-1") == 1
        assert shop.portal.live("BELL-1")

    def test_offers_that_cannot_be_looked_at_are_not_made(self, scene: Scene) -> None:
        shop: Any = scene.market
        for kind in ("timeout-after", "503", "html", "truncated"):
            shop.trouble("getOffers", kind)
            shop.do("ebay.submit-listing", product(sku="LAMP-1"))
        assert shop.applied("createOffer", "LAMP-1") == 0


SKUS = ("LAMP-1", "BOOK-1", "CLOCK-1")


def prices(shop: Shop) -> Joint:
    offers = {sku: shop.their_offer(sku) for sku in SKUS}
    told = [{"sku": sku, "price_minor": 7_700, "currency": "EUR", "their_id": offer} for sku, offer in offers.items()]

    def applied(payload: Mapping[str, Any]) -> int:
        return shop.applied(BULK, f"offer/{payload['their_id']}")

    return Joint(shop, "ebay.set-price", BULK, told, {**told[0], "their_id": "999"}, applied, without)


def stocks(shop: Shop) -> Joint:
    """One of them knows its offer as well; the others only their number."""
    told = [{"sku": sku, "quantity": 4} for sku in SKUS]
    told[1]["their_id"] = shop.their_offer("BOOK-1")

    def applied(payload: Mapping[str, Any]) -> int:
        return shop.applied(BULK, f"sku/{payload['sku']}")

    return Joint(shop, "ebay.set-stock", BULK, told, {**told[0], "sku": "NOWHERE"}, applied, without)


def without(body: bytes, payload: Mapping[str, Any]) -> bytes:
    """The answer with no entry of this one."""
    answer = json.loads(body)
    if "responses" in answer:
        mine = (payload["sku"], payload.get("their_id", ""))
        answer["responses"] = [
            one for one in answer["responses"] if one["sku"] != mine[0] and one["offerId"] not in (mine[1] or "-",)
        ]
    return json.dumps(answer).encode()


class TestManyInOneCall(AnsweredRowByRow):
    @pytest.fixture(params=[prices, stocks], ids=lambda tell: tell.__name__)
    def joint(self, request: pytest.FixtureRequest, shop: Shop) -> Joint:
        made: Joint = request.param(shop)
        return made


@pytest.mark.parametrize(("most", "calls"), [(2, 3), (1, 5)])
def test_whoever_takes_fewer_at_once_than_they_publish_gets_them_in_halves(most: int, calls: int) -> None:
    """Their pages disagree on how many a call may hold."""
    joint = prices(Shop(bulk_entries_max=most))
    assert {type(one) for one in joint.send(*joint.payloads)} == {Done}
    assert (joint.calls, set(joint.done)) == (calls, {1})
    assert joint.detail["calls"] == calls
