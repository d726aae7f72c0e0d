"""One fresh shop per test."""

import pytest
from sandbox.ebay.ebay_market import Hub, Shop


@pytest.fixture
def shop() -> Shop:
    """A shop nobody listens to."""
    return Shop()


@pytest.fixture
def hub() -> Hub:
    """Somebody who listens to notifications."""
    return Hub()
