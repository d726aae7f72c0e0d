"""One temporary PostgreSQL for the whole run; each test that asks for `db` gets a fresh database of its own, copied from a template."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random

import pytest

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpAnswer, HttpRequest, NotReached
from entrepot.kernel.ids import Ids
from entrepot.store import migrate, postgres
from entrepot.store.db import Db

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday morning
INCARNATION = "test-incarnation"
TEMPLATE = "entrepot_template"
LONGEST = (  # modules that take a minute or more: they start first, so that nobody waits for one of them alone at the end
    "stories/test_demo_survives.py",
    "proof/test_simulated_days.py",
    "proof/test_planted_bugs.py",
    "web/test_console_browser.py",
)
_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {Path(__file__).parent / name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(LONGEST)))


def _installs() -> list[migrate.Install]:
    from entrepot.engine.procrastinate_engine import install

    return [install]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a temporary server, with a migrated template database on it."""
    with postgres.temporary(durable=False) as running:
        template = postgres.create_database(running.url, TEMPLATE)
        migrate.upgrade(template, incarnation=INCARNATION, environment="sandbox", at=START, install=_installs())
        yield running.url


@pytest.fixture
def database_url(server: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    yield postgres.create_database(server, name, template=TEMPLATE)
    postgres.drop_database(server, name)


@pytest.fixture
def db(database_url: str) -> Iterator[Db]:
    pool = Db(database_url, max_size=8, name="test")
    yield pool
    pool.close()


class NoNetwork:
    """A test that did not ask for a network has none."""

    def send(self, request: HttpRequest) -> HttpAnswer:
        return NotReached(f"no network in this test: {request.url}")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def ctx(db: Db, clock: ManualClock) -> Ctx:
    ids = Ids(lambda: int(clock.machine().timestamp() * 1000), Random(7))
    return Ctx(db=db, clock=clock, ids=ids, http=NoNetwork(), incarnation=INCARNATION, plan_hash="test")
