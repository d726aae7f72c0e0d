"""Every kind of misbehaviour, seen from the other end of the wire."""

import http.client
import json
import random
import socket
from collections.abc import Callable
from typing import Any

import pytest
from sandbox.mirakl.mirakl_market import FRONT, OPERATOR, Market, ids

from entrepot.sandbox.core import Hang, Request
from entrepot.sandbox.faults import (
    ALL_KINDS,
    CALL_KINDS,
    UNKNOWN_WORD,
    WEBHOOK_KINDS,
    BadFault,
    Fault,
    FaultPlan,
    random_faults,
)


def _plan(market: Market, operation: str, kind: str, arg: Any = None, nth: int = 1) -> Callable[[], int]:
    market.world.faults.add(Fault("mirakl", operation, nth, kind, arg))
    return lambda: market.world.faults.fired[kind, operation]


def _accept(market: Market, order_id: str) -> Any:
    rows = [{"id": line, "accepted": True} for line in market.portal.order(order_id).lines]
    return market.put(f"/api/orders/{order_id}/accept", {"order_lines": rows}, OPERATOR)


def test_the_nth_call_meets_its_fault_and_no_other(market: Market) -> None:
    fired = _plan(market, "OR11", "503", nth=3)
    assert [market.get("/api/orders").status for _ in range(5)] == [200, 200, 503, 200, 200]
    assert fired() == 1


def test_a_fault_may_come_back_every_few_calls(market: Market) -> None:
    market.world.faults.add(Fault("mirakl", "OR11", 0, "500", every=2))
    assert [market.get("/api/orders").status for _ in range(4)] == [200, 500, 200, 500]
    assert market.world.faults.fired["500", "OR11"] == 2
    assert len(market.world.faults.waiting()) == 1


def test_a_planned_429_says_when_to_come_back(market: Market) -> None:
    _plan(market, "PA01", "429", 17)
    answer = market.put("/api/payment/debit", {"orders": []})
    assert (answer.status, answer.headers["retry-after"]) == (429, "17")


@pytest.mark.parametrize("kind", ["500", "502", "503", "504"])
def test_a_server_error_applies_nothing(market: Market, kind: str) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    _plan(market, "OR21", kind)
    assert _accept(market, order_id).status == int(kind)
    assert market.order(order_id)["order_state"] == "WAITING_ACCEPTANCE"


@pytest.mark.parametrize(
    ("kind", "state"), [("timeout-before", "WAITING_ACCEPTANCE"), ("timeout-after", "WAITING_DEBIT")]
)
def test_a_timeout_hides_whether_the_call_was_applied(market: Market, kind: str, state: str) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    fired = _plan(market, "OR21", kind)
    with pytest.raises(http.client.RemoteDisconnected):
        _accept(market, order_id)
    assert market.order(order_id)["order_state"] == state
    assert fired() == 1


def test_a_call_may_be_applied_long_after_its_caller_gave_up(market: Market) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    _plan(market, "OR21", "applied-late", 45)
    with pytest.raises(http.client.RemoteDisconnected):
        _accept(market, order_id)
    market.move(seconds=44)
    assert market.order(order_id)["order_state"] == "WAITING_ACCEPTANCE"
    market.move(seconds=1)
    assert market.order(order_id)["order_state"] == "WAITING_DEBIT"


def test_a_truncated_answer_is_200_and_half_a_body(market: Market) -> None:
    market.buy((101, 1))
    whole = market.get("/api/orders").body
    _plan(market, "OR11", "truncated")
    answer = market.get("/api/orders")
    assert (answer.status, answer.body) == (200, whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(answer.body)


def test_a_login_page_may_come_instead_of_json(market: Market) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    _plan(market, "OR21", "html")
    answer = _accept(market, order_id)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.body.startswith(b"<!doctype html>")
    assert market.order(order_id)["order_state"] == "WAITING_ACCEPTANCE"


@pytest.mark.parametrize(("arg", "first"), [(1, 3), (-1, 1)])
def test_a_page_may_shift_while_it_is_read(market: Market, arg: int, first: int) -> None:
    bought = [market.buy((101, 1))[0]["order_id"] for _ in range(5)]
    fired = _plan(market, "OR11", "page-shift", arg)
    assert ids(market.get("/api/orders?max=2").json["orders"]) == bought[:2]
    assert fired() == 0
    assert ids(market.get("/api/orders?max=2&offset=2").json["orders"]) == bought[first : first + 2]
    assert fired() == 1


def test_one_record_may_carry_a_word_nobody_documented(market: Market) -> None:
    fired = _plan(market, "OR11", "unknown-enum", "order_state")
    assert market.get("/api/orders").json["orders"] == []
    assert fired() == 0
    market.buy((101, 1), (201, 1))
    states = [order["order_state"] for order in market.get("/api/orders").json["orders"]]
    assert states == [UNKNOWN_WORD, "WAITING_ACCEPTANCE"]
    assert fired() == 1
    assert UNKNOWN_WORD not in market.get("/api/orders").body.decode()


def test_without_a_field_named_the_first_state_word_of_a_list_is_changed(market: Market) -> None:
    order_id = market.received_order((101, 1))
    market.portal.create_return(order_id, {f"{order_id}-1": 1}, "DEFECTIVE")
    _plan(market, "RT11", "unknown-enum")
    assert market.get("/api/returns").json["data"][0]["state"] == UNKNOWN_WORD


def test_a_spoilt_answer_keeps_its_numbers_exact(market: Market) -> None:
    market.buy((401, 3))
    before = market.get("/api/orders").json["orders"][0]
    _plan(market, "OR11", "unknown-enum", "order_state")
    assert market.get("/api/orders").json["orders"][0] == {**before, "order_state": UNKNOWN_WORD}


def test_a_token_may_expire_once_before_its_time(market: Market) -> None:
    _plan(market, "OR11", "expired-token")
    assert [market.get("/api/orders").status for _ in range(2)] == [401, 200]


def test_a_hanging_call_keeps_the_connection_open_and_then_closes_it(market: Market) -> None:
    _plan(market, "V01", "timeout-before")
    with socket.create_connection(("127.0.0.1", market.servers.ports["mirakl"]), timeout=5) as raw:
        raw.sendall(f"GET /api/version HTTP/1.1\r\nHost: x\r\nAuthorization: {FRONT}\r\n\r\n".encode())
        assert raw.recv(100) == b""


# -- the plan ------------------------------------------------------------------------------------------------------


def test_a_fault_that_never_fired_is_seen_in_the_books(market: Market) -> None:
    _plan(market, "OR11", "429", 5)
    _plan(market, "OR21", "500")
    market.get("/api/orders")
    report = market.world.books()["world"]["faults"]
    assert report["fired"] == {"429 OR11": 1}
    assert [fault["operation"] for fault in report["waiting"]] == ["OR21"]
    assert market.world.books()["world"]["calls"] == {"mirakl:OR11": 1}


def test_two_faults_of_one_call_come_one_after_the_other(market: Market) -> None:
    _plan(market, "OR11", "500")
    _plan(market, "OR11", "429")
    assert [market.get("/api/orders").status for _ in range(3)] == [500, 429, 200]


def test_a_plan_survives_json() -> None:
    plan = FaultPlan([Fault("mirakl", "OR11", 2, "429", 30), Fault("gateway", "capture", 0, "503", every=4)])
    again = FaultPlan.load(json.loads(json.dumps(plan.dump())))
    assert again.dump() == plan.dump()
    plan.take("mirakl", "OR11")
    plan.take("mirakl", "OR11")
    assert {fault["kind"] for fault in plan.dump()} == {"429", "503"}


@pytest.mark.parametrize(
    "row",
    [
        {"system": "mirakl", "operation": "OR11", "nth": 1, "kind": "flood"},
        {"system": "mirakl", "operation": "OR11", "nth": -1, "kind": "429"},
        {"system": "mirakl", "operation": "OR11", "every": 0, "nth": 0, "kind": "429"},
        {"system": "mirakl", "operation": "OR11", "nth": 1, "kind": "lost"},
        {"system": "mirakl", "operation": "webhook:order.updated", "nth": 1, "kind": "429"},
        {"operation": "OR11", "nth": 1, "kind": "429"},
    ],
)
def test_a_fault_that_cannot_be_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(BadFault):
        FaultPlan.load([row])


def test_random_faults_are_the_same_for_the_same_seed_and_cover_every_kind() -> None:
    assert random_faults(random.Random(4), 0.3) == random_faults(random.Random(4), 0.3)
    assert random_faults(random.Random(4), 0.0) == []
    everything = FaultPlan.random(random.Random(4), 1.0).waiting()
    assert {fault.kind for fault in everything} == ALL_KINDS == CALL_KINDS | WEBHOOK_KINDS


def test_in_process_a_timeout_is_a_value_that_tells_the_checker_what_happened(market: Market) -> None:
    _plan(market, "V01", "timeout-after")
    request = Request("GET", "/api/version", headers={"authorization": FRONT})
    assert market.world.handle("mirakl", request) == Hang(applied=True)
