"""One fresh sandbox per test."""

import pytest
from connectors.market import Market


@pytest.fixture
def market() -> Market:
    return Market()
