"""Houses for stories: hub and world in one thread, each on a database of its own."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from entrepot.proof.figures import figures
from entrepot.proof.house import (
    HUB_URL,
    BothHouse,
    House,
    SellingHouse,
    open_both_house,
    open_house,
    open_selling_house,
    unhurried,
)
from entrepot.proof.plans import plan_of
from entrepot.proof.world import InProcess, environment, environment_of, options, selling_options
from entrepot.sandbox.errands import Pace
from entrepot.store import postgres
from entrepot.store.db import Db

MONDAY = datetime(2026, 3, 9, 7, 0, tzinfo=UTC)
PACE = Pace().scaled(50)  # people of the selling days
_numbers = count(1)


@pytest.fixture(scope="module")
def open_day(server: str) -> Iterator[Callable[..., House]]:
    """Opens a day: `orders`, `faults`, `seed`, `money_faults`, `scripted`, `plan`, and anything open_house takes."""
    with _houses(server, environment(InProcess.URLS, "/nowhere", "json://localhost")) as database:

        def build(**chosen: Any) -> House:
            db, url = database()
            given: dict[str, Any] = {"start": MONDAY, "seed": 1, "orders": 3, "faults": "none"}
            day = options(span=timedelta(hours=2), planted_money_faults=chosen.pop("money_faults", False))
            return open_house(db, url, **{**given, "options": day, "incarnation": "test-incarnation", **chosen})

        yield build


@pytest.fixture(scope="module")
def open_selling_day(server: str) -> Iterator[Callable[..., SellingHouse]]:
    """Opens a day of the company that sells on five channels: `orders`, `faults`, `seed`, `changed` fields of the world's options."""
    with _houses(
        server, environment_of("syndication", InProcess.URLS, HUB_URL, "/nowhere", "json://localhost")
    ) as database:

        def build(*, changed: Any = None, plan: Any = None, **chosen: Any) -> SellingHouse:
            db, url = database()
            given: dict[str, Any] = {"start": MONDAY, "seed": 1, "orders": 10, "faults": "none"}
            day = replace(selling_options(InProcess.URLS, span=timedelta(hours=3), pace=PACE), **(changed or {}))
            plan = plan or plan_of("syndication")
            return open_selling_house(
                db, url, **{**given, "options": day, "plan": plan, "incarnation": "test-incarnation", **chosen}
            )

        yield build


@pytest.fixture(scope="module")
def open_both_day(server: str) -> Iterator[Callable[..., BothHouse]]:
    """Opens a day of a company that runs a marketplace and sells on others'."""
    with _houses(server, environment_of("both", InProcess.URLS, HUB_URL, "/nowhere", "json://localhost")) as database:

        def build(**chosen: Any) -> BothHouse:
            db, url = database()
            given: dict[str, Any] = {"start": MONDAY, "seed": 1, "orders": 5, "faults": "none"}
            day = options(span=timedelta(hours=2), planted_money_faults=False, pace=PACE)
            company = selling_options(InProcess.URLS, span=timedelta(hours=2), pace=PACE)
            plan = unhurried(plan_of("both"))
            joined = {**given, "options": day, "company": company, "plan": plan, "incarnation": "test-incarnation"}
            return open_both_house(db, url, **{**joined, **chosen})

        yield build


@contextmanager
def _houses(server: str, variables: dict[str, str]) -> Iterator[Callable[[], tuple[Db, str]]]:
    """Databases for houses, under an environment that is taken back afterwards."""
    before = dict(os.environ)
    os.environ.update(variables)
    opened: list[Db] = []

    def database() -> tuple[Db, str]:
        name = f"story_{os.getpid()}_{next(_numbers)}"
        url = postgres.create_database(server, name, template="entrepot_template")
        opened.append(Db(url, max_size=4, name=name))
        return opened[-1], url

    try:
        yield database
    finally:
        for db in opened:
            db.close()
            postgres.drop_database(server, db.url.rsplit("/", 1)[1])
        os.environ.clear()
        os.environ.update(before)


def figures_of(house: House) -> dict[str, dict[str, Any]]:
    with house.hub.ctx.db.transaction() as conn:
        return figures(conn, house.stage.world.books())
