"""A seller's file over HTTP: whose key it is, kept whole before the answer, told what became of it; never whole in memory."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from entrepot.blueprint.load import load
from entrepot.blueprint.model import FeedRule
from entrepot.bulk.arrival import keeping
from entrepot.bulk.arrival.lane import Arrivals
from entrepot.cli.docs import no_doors
from entrepot.engine.lease import seize
from entrepot.kernel.ctx import Ctx
from entrepot.web.doors import create_doors
from entrepot.web.feeds_door import FeedsDoor

ACCOUNT = "mirakl-fr/operator"
PATH = f"/api/v1/feeds/{ACCOUNT}/2001"
GOOD = b"sku;title;category;price;quantity\nA1;Lamp;OUTDOOR;12.50;3\nA2;Lamp;OUTDOOR;4.99;3\n"


class Gate:
    def __init__(self, ctx: Ctx, home: Path, most: int = keeping.FILE_MAX) -> None:
        feeds = {
            "lamps": FeedRule.model_validate({"name": "lamps", "account": ACCOUNT, "seller": "2001", "key": "env:LAMPS_KEY", "complete": True}),
            "all": FeedRule.model_validate({"name": "all", "account": ACCOUNT, "seller": "*", "key": "env:ALL_KEY"}),
        }  # fmt: skip
        plan = load().model_copy(update={"feeds": feeds})
        self.ctx, self.home = ctx, home
        self.arrivals = Arrivals(plan, lambda: home)
        doors = replace(no_doors(), ctx=ctx, feeds=FeedsDoor(ctx, plan, lambda: home, most))
        self.client = TestClient(create_doors(doors), base_url="http://hub.test")

    def sends(self, content: bytes | Iterator[bytes], *, key: str = "of-lamps", path: str = PATH, **query: str) -> Any:
        headers = {"authorization": f"Bearer {key}"}
        return self.client.post(path, params={"name": "offers.csv"} | query, content=content, headers=headers)

    def asks(self, path: str, key: str = "of-lamps") -> Any:
        return self.client.get(path, headers={"authorization": f"Bearer {key}"})

    def works(self) -> None:
        self.arrivals.drain(self.ctx, seize(self.ctx, ACCOUNT, "feeds"))

    def files(self) -> list[Path]:
        place = keeping.folder(self.home)
        return sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else []


@pytest.fixture
def gate(ctx: Ctx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    monkeypatch.setenv("LAMPS_KEY", "of-lamps")
    monkeypatch.setenv("ALL_KEY", "of-all")
    return Gate(ctx, tmp_path)


def test_a_file_is_kept_before_the_answer_and_its_status_tells_what_became_of_it(gate: Gate) -> None:
    sent = gate.sends(GOOD)
    assert sent.status_code == 202
    told = sent.json()
    assert [path.read_bytes() for path in gate.files()] == [GOOD]
    assert gate.asks(told["status"]).json()["state"] == "kept"
    gate.works()
    found = gate.asks(told["status"]).json()
    assert {name: found[name] for name in ("state", "rows_read", "rows_rejected", "inserted", "version", "complete")} == {
        "state": "applied", "rows_read": 2, "rows_rejected": 1, "inserted": 1, "version": 1, "complete": True,
    }  # fmt: skip
    again = gate.sends(GOOD, name="tuesday.csv").json()
    gate.works()
    assert gate.asks(again["status"]).json()["same_as"] == "offers.csv, version 1"


def test_a_file_that_cannot_be_read_is_told_to_whoever_sent_it(gate: Gate) -> None:
    told = gate.sends(b"a;b\n1;2\n", complete="false").json()
    gate.works()
    refused = gate.asks(told["status"]).json()["refused"]
    assert (refused["code"], refused["whose"]) == ("no-sku-column", "operator")


def test_only_a_key_of_this_seller_or_of_all_opens_the_door_before_a_byte_is_read(gate: Gate) -> None:
    def never() -> Iterator[bytes]:
        yield b"x" * 10
        raise AssertionError("the body was read")

    other = PATH.replace("2001", "2002")
    assert [
        gate.sends(GOOD, key=key, path=path).status_code
        for key, path in (("of-all", other), ("of-lamps", other), ("", PATH), ("wrong", PATH))
    ] == [202, 401, 401, 401]
    assert gate.sends(GOOD, key="of-all", path=f"/api/v1/feeds/{ACCOUNT}/*").status_code == 401
    told = gate.sends(GOOD).json()
    assert gate.asks(told["status"], key="wrong").status_code == 401
    assert gate.asks(told["status"].replace("/2001/", "/2002/"), key="of-all").status_code == 404
    assert gate.sends(GOOD, name=" ").json()["type"] == "/problems/name-missing"


def test_a_file_above_the_cap_is_turned_away_said_or_not_and_nothing_of_it_stays(gate: Gate) -> None:
    small = Gate(gate.ctx, gate.home, most=2_000_000)
    assert small.sends(b"x" * 2_000_001).status_code == 413  # by what it says of its length
    assert small.sends(iter([b"x" * 700_000] * 4)).status_code == 413  # by what came
    assert small.files() == []
    assert small.sends(iter([b"x" * 700_000] * 2)).status_code == 202
    with gate.ctx.db.transaction() as conn:
        rows = conn.execute("SELECT size_bytes FROM feed_arrival").fetchall()
    assert [row["size_bytes"] for row in rows] == [1_400_000]


def test_where_the_plan_names_nobody_who_sends_files_there_is_no_door(ctx: Ctx) -> None:
    client = TestClient(create_doors(replace(no_doors(), ctx=ctx)), base_url="http://hub.test")
    assert (client.post(PATH).status_code, client.get(f"{PATH}/x").status_code) == (404, 404)
