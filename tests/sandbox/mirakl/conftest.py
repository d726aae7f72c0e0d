"""One fresh marketplace per test, served on a loopback port."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sandbox.mirakl.mirakl_market import Hub, Market


@pytest.fixture
def make_market() -> Iterator[Callable[..., Market]]:
    """Makes marketplaces and closes them after the test."""
    made: list[Market] = []

    def make(**settings: Any) -> Market:
        market = Market(**settings)
        made.append(market)
        return market

    yield make
    for market in made:
        market.close()


@pytest.fixture
def market(make_market: Callable[..., Market]) -> Market:
    """A marketplace without call ceilings."""
    return make_market()


@pytest.fixture
def hub() -> Hub:
    """Somebody who listens to webhooks."""
    return Hub()
