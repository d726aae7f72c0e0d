"""Ids of two worlds never meet, and what speaks of something nobody knows is somebody's."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from entrepot.inbox.model import Arrival, Received
from entrepot.inbox.service import record
from entrepot.kernel.ctx import Row
from entrepot.proof.house import House


@pytest.fixture(scope="module")
def paid(open_day: Callable[..., House]) -> Iterator[House]:
    """A day on which the first order is charged and shipped."""
    house = open_day(orders=1)
    house.run_for(hours=9)
    yield house


def unjoined(house: House) -> list[Row]:
    return house.rows("SELECT * FROM case_file WHERE mode = 'record-unjoined' ORDER BY number")


def of_message(house: House, message_id: str) -> list[Row]:
    return [case for case in unjoined(house) if case["message_id"] == message_id]


def arrives(house: House, account: str, kind: str, external_id: str, content: Any) -> Row:
    body = json.dumps(content).encode()
    one = Received(kind, external_id, "", body, 0, f"story:{external_id}", "order-acceptance")
    [kept] = record(house.hub.ctx, [Arrival(account, "page", "/story", body, (one,))])
    house.settle()
    return house.rows("SELECT * FROM message WHERE id = %s", kept.message_id)[0]


def test_a_whole_day_joins_everything_it_speaks_of(paid: House) -> None:
    assert unjoined(paid) == []


def test_the_keys_we_make_say_outside_production_that_they_are_of_the_sandbox(paid: House) -> None:
    theirs = {row["key"] for row in paid.stage.world.books()["gateway"]["writes"] if row["operation"] == "capture"}
    ours = {row["key"] for row in paid.rows("SELECT key FROM effect WHERE operation = 'gateway.capture' ORDER BY key")}
    assert ours
    assert {f"sandbox-{key}" for key in ours} <= theirs


def test_a_debit_of_an_order_nobody_knows_is_a_case_with_what_was_looked_for_and_where(paid: House) -> None:
    [row] = paid.rows("SELECT body FROM message WHERE kind = 'debit' AND state = 'decided' ORDER BY seq LIMIT 1")
    text = bytes(row["body"]).decode().replace("C260309-00001", "C260309-77777")
    message = arrives(paid, "mirakl-fr/operator", "debit", "C260309-77777-A", json.loads(text))
    paid.run_until(lambda: bool(of_message(paid, message["id"])), hours=24)
    [parked] = paid.rows("SELECT state, note FROM message WHERE id = %s", message["id"])
    assert parked["state"] == "parked"
    [case] = of_message(paid, message["id"])
    assert (case["kind"], case["owner"]) == ("business", "commerce-architect")
    assert "looked 12 times" in case["cause_text"]
    assert "looked for mirakl_order_id C260309-77777-A at mirakl-fr/operator, and " in case["cause_text"]
    assert "leg by gateway reference" in case["cause_text"]
