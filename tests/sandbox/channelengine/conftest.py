"""One fresh tenant per test."""

import pytest
from sandbox.channelengine.channelengine_tenant import Hub, Tenant


@pytest.fixture
def tenant() -> Tenant:
    """A tenant without ceilings and without the channels' own cancelling."""
    return Tenant()


@pytest.fixture
def hub() -> Hub:
    """Somebody who listens to webhooks."""
    return Hub()
