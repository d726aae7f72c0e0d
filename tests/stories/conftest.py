"""A house for every story: hub and world in one thread, on a real database."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from entrepot.proof.house import House, open_house
from entrepot.proof.world import InProcess, environment, options
from entrepot.store.db import Db

MONDAY = datetime(2026, 3, 9, 7, 0, tzinfo=UTC)


@pytest.fixture
def open_day(db: Db, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., House]:
    for name, value in environment(InProcess.URLS, "/nowhere", "json://localhost").items():
        monkeypatch.setenv(name, value)

    def build(**chosen: Any) -> House:
        given: dict[str, Any] = {"start": MONDAY, "seed": 1, "orders": 3, "faults": "none", "incarnation": "test-incarnation"}
        given["options"] = options(span=timedelta(hours=2), planted_money_faults=chosen.pop("money_faults", False))
        return open_house(db, database_url, **{**given, **chosen})

    return build
