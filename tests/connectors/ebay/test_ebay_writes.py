"""eBay's writes against the sandbox: each alone under the contract."""

from typing import Any

import pytest
from connectors.contract import Scene, TwiceIsOnce, WriteContract
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
