"""One fresh shop per test."""

import pytest
from connectors.mirakl_seller.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()
