"""The default plan, and a desk with everything a test about cases does over and over."""

import pytest
from cases.desk import Desk, Listener

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx


@pytest.fixture(scope="session")
def plan() -> Plan:
    return load()


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def desk(ctx: Ctx, clock: ManualClock, plan: Plan, listener: Listener) -> Desk:
    return Desk(ctx, clock, plan, listener)
