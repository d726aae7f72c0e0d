"""Offers on their way to the buyers: what sellers show is judged, and the storefront shows what counts."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from entrepot.proof.house import House


@pytest.fixture(scope="module")
def morning(open_day: Callable[..., House]) -> Iterator[House]:
    """The first hour of a day on which nobody slips."""
    house = open_day(orders=1)
    house.run_for(minutes=5)
    yield house


def shelf(house: House) -> dict[str, dict[str, Any]]:
    return {one["offer_id"]: one for one in house.stage.world.books()["storefront"]["shelf"]}


def test_every_offer_is_published_once_as_the_marketplace_shows_it(morning: House) -> None:
    books = morning.stage.world.books()
    shown = shelf(morning)
    for offer in books["mirakl"]["offers"]:
        page = shown[str(offer["offer_id"])]
        assert (page["price_minor"], page["category"], page["sellable"]) == (
            offer["price_minor"],
            offer["category_code"],
            True,
        )
    assert {one["version"] for one in shown.values()} == {1}
