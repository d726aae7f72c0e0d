"""Publishing an offer against the sandbox's shop front: under the contract, then what only versions do."""

from typing import Any

import pytest
from connectors.contract import Scene, Story, TwiceIsOnce
from connectors.market import Market

from entrepot.kernel.outcome import Done, NotThere, Refused, Unknown

PUBLISH = "storefront.publish-offer"


def page(version: int = 1, **changed: Any) -> dict[str, Any]:
    return {
        "offer_id": "101",
        "version": version,
        "seller_id": "2001",
        "sku": "HB-1",
        "price_minor": 1_999,
        "currency": "EUR",
        "quantity": 7,
        "sellable": True,
        "reasons": [],
        "category": "BOOKS",
        "title": "Sea atlas",
        "description": "",
        **changed,
    }


def publish(market: Market) -> Story:
    def applied() -> int:
        return sum(1 for one in market.shelf.publications if one["version"] == 1)

    return Story(PUBLISH, "publish-offer", page(), applied, "storefront", "publish:mirakl-fr/operator:101:1")


class TestPublishing(TwiceIsOnce):
    @pytest.fixture
    def scene(self, market: Market) -> Scene:
        return Scene(market, publish(market))


def test_what_is_published_is_what_buyers_see(market: Market) -> None:
    held = page(sellable=False, reasons=["1.50 EUR is under the floor, 3.00 EUR"])
    assert market.send(PUBLISH, held, "k1")[0] == Done({"version": 1})
    shown = market.shelf.shown["101"]
    assert (shown.sellable, shown.reasons, shown.price_minor) == (
        False,
        ("1.50 EUR is under the floor, 3.00 EUR",),
        1_999,
    )
    assert not market.shelf.sells("101")


def test_an_older_page_never_replaces_a_newer_one_and_counts_as_done(market: Market) -> None:
    market.send(PUBLISH, page(2, price_minor=2_100), "k2")
    outcome, _ = market.send(PUBLISH, page(1, price_minor=1_500), "k1")
    assert outcome == Done({"version": 2})
    assert market.shelf.shown["101"].price_minor == 2_100


def test_an_offer_nobody_published_is_not_there(market: Market) -> None:
    never = page(offer_id="999")
    assert isinstance(market.look(PUBLISH, never, "k")[0], NotThere)
    assert market.send(PUBLISH, never, "k")[0] == Done({"version": 1})


def test_the_same_key_with_another_page_is_refused_in_their_words(market: Market) -> None:
    market.send(PUBLISH, page(), "k1")
    outcome, _ = market.send(PUBLISH, page(quantity=8), "k1")
    assert isinstance(outcome, Refused)
    assert outcome.code == "idempotency_key_reused"


def test_an_answer_for_another_offer_is_not_taken_for_success(market: Market) -> None:
    market.trouble("publish-offer", "truncated", system="storefront")
    assert isinstance(market.send(PUBLISH, page(), "k1")[0], Unknown)


def test_the_check_of_a_connection_changes_nothing(market: Market) -> None:
    assert market.storefront.check(market.ctx) is None
    assert market.shelf.publications == []
