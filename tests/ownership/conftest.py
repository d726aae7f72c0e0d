"""A plan that says who owns offers, and a land in which they are shown."""

import pytest
from ownership.land import Land, plan_with

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx


@pytest.fixture
def land(ctx: Ctx, clock: ManualClock) -> Land:
    return Land(ctx, clock, plan_with())
