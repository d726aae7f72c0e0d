"""One fresh account per test."""

import pytest
from connectors.ebay.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()
