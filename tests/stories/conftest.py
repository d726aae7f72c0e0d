"""Houses for stories: hub and world in one thread, each on a database of its own."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from entrepot.proof.figures import figures
from entrepot.proof.house import House, open_house
from entrepot.proof.world import InProcess, environment, options
from entrepot.store import postgres
from entrepot.store.db import Db

MONDAY = datetime(2026, 3, 9, 7, 0, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture(scope="module")
def open_day(server: str) -> Iterator[Callable[..., House]]:
    """Opens a day: `orders`, `faults`, `seed`, `money_faults`, `scripted`, `plan`, and anything open_house takes."""
    before = dict(os.environ)
    os.environ.update(environment(InProcess.URLS, "/nowhere", "json://localhost"))
    opened: list[Db] = []

    def build(**chosen: Any) -> House:
        name = f"story_{os.getpid()}_{next(_numbers)}"
        url = postgres.create_database(server, name, template="entrepot_template")
        opened.append(Db(url, max_size=4, name=name))
        given: dict[str, Any] = {"start": MONDAY, "seed": 1, "orders": 3, "faults": "none"}
        day = options(span=timedelta(hours=2), planted_money_faults=chosen.pop("money_faults", False))
        return open_house(opened[-1], url, **{**given, "options": day, "incarnation": "test-incarnation", **chosen})

    yield build
    for db in opened:
        db.close()
        postgres.drop_database(server, db.url.rsplit("/", 1)[1])
    os.environ.clear()
    os.environ.update(before)


def figures_of(house: House) -> dict[str, dict[str, Any]]:
    with house.hub.ctx.db.transaction() as conn:
        return figures(conn, house.stage.world.books())
