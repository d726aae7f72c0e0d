"""One fresh seller account per test."""

import pytest
from sandbox.walmart.walmart_shop import Hub, Shop


@pytest.fixture
def shop() -> Shop:
    """An account without call ceilings, whose notices nobody hears."""
    return Shop()


@pytest.fixture
def hub() -> Hub:
    """Somebody who listens to webhooks."""
    return Hub()
