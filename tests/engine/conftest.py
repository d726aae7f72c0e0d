"""Fixtures of the engine's tests; the hall itself is in hall.py."""

from collections.abc import Iterator

import psycopg
import pytest
from engine.hall import DUE, TICKETS, Carrier, Desk, Hall, InlineCarrier, ProcrastinateCarrier, punch_all

from entrepot.engine.leader import Leader
from entrepot.engine.room import Room, Work
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.store.db import Db


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def tickets_url(database_url: str, clock: ManualClock) -> str:
    with psycopg.connect(database_url) as conn:
        conn.execute(TICKETS.encode())
        conn.execute(
            "INSERT INTO flow (name, changed_at) VALUES ('tickets', %s), ('parcels', %s)", (clock.now(), clock.now())
        )
    return database_url


@pytest.fixture(params=["inline", "procrastinate"])
def hall(
    request: pytest.FixtureRequest, tickets_url: str, ctx: Ctx, clock: ManualClock, db: Db, desk: Desk
) -> Iterator[Hall]:
    carrier: Carrier = InlineCarrier() if request.param == "inline" else ProcrastinateCarrier()
    works = Room.works_by_purpose(Work("punch", "normal", DUE, punch_all))
    room = Room(ctx, works, database_url=tickets_url, hooks=desk.hooks())
    yield Hall(ctx, clock, db, carrier, desk, room, Leader(room, carrier.engine))
