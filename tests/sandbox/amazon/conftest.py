"""One fresh seller account per test."""

import pytest
from sandbox.amazon.amazon_shop import Shop


@pytest.fixture
def shop() -> Shop:
    """An account without call ceilings."""
    return Shop()
