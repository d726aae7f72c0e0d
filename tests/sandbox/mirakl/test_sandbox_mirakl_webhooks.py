"""What the marketplace tells whoever listens, how it signs, and how it goes wrong on purpose."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sandbox.mirakl.mirakl_market import MACHINE_TIME, Hub, Market

from entrepot.sandbox.core import Hang, Response
from entrepot.sandbox.faults import Fault

SECRET = base64.b64decode("c2FuZGJveC1taXJha2wtZnItd2ViaG9vay1zZWNyZXQ=")


@pytest.fixture
def market(make_market: Callable[..., Market], hub: Hub) -> Market:
    """A marketplace that has a listener."""
    return make_market(hub=hub)


def _story(hub: Hub) -> list[tuple[str, Any]]:
    return [(event["type"], event["data"].get("order_state")) for event in hub.events()]


def test_every_step_of_an_order_is_told_once_in_order(market: Market, hub: Hub) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    market.move(minutes=1)
    market.accept(order_id)
    market.move(minutes=1)
    market.pay(order_id)
    market.move(minutes=1)
    assert _story(hub) == [
        ("order.created", "WAITING_ACCEPTANCE"),
        ("order.updated", "WAITING_DEBIT"),
        ("order.updated", "WAITING_DEBIT_PAYMENT"),
        ("order.updated", "SHIPPING"),
    ]
    [created] = hub.events("order.created")
    assert created["data"]["order"]["order_id"] == created["data"]["order_id"] == order_id
    assert created["data"]["order"].keys() == market.order(order_id).keys()
    assert created["time"] == "2026-11-02T09:00:00Z"


def test_other_objects_are_told_too(market: Market, hub: Hub) -> None:
    order_id = market.received_order((101, 1))
    return_id = market.portal.create_return(order_id, {f"{order_id}-1": 1}, "DEFECTIVE")
    market.portal.accept_return(return_id)
    [refund_id] = market.portal.receive_return(return_id, compliant=True)
    market.move(days=10)
    topics = {event["type"] for event in hub.events()}
    assert topics == {
        "order.created",
        "order.updated",
        "shipment.updated",
        "return.updated",
        "refund.created",
        "cycle.closed",
    }
    [refund] = hub.events("refund.created")
    assert (refund["data"]["refund_id"], refund["data"]["refund"]["refund_state"]) == (refund_id, "WAITING_REFUND")
    [cycle] = hub.events("cycle.closed")
    assert cycle["data"]["seller_billing_cycle_id"] == market.portal.open_cycles()[0]["id"]


def test_a_webhook_is_signed_over_id_machine_time_and_body(market: Market, hub: Hub) -> None:
    market.buy((101, 1))
    market.move(minutes=1)
    [request] = hub.heard
    assert (request.method, request.path) == ("POST", "/hooks/mirakl-fr")
    assert request.headers["webhook-timestamp"] == str(int(MACHINE_TIME.timestamp()))
    assert request.headers["webhook-id"] == request.json()["id"]
    assert len(request.json()["id"]) == 26
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    digest = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{digest}"


def test_a_webhook_that_is_refused_is_tried_eight_times_with_growing_pauses(market: Market, hub: Hub) -> None:
    hub.answers = [Response(500), Hang(applied=False), Response(404), *[Response(503)] * 20]
    market.buy((101, 1))
    at: list[timedelta] = []
    start = market.clock.at
    for _ in range(8 * 3600):
        due = market.world.next_due()
        if due is None or due > start + timedelta(days=1):
            break
        market.clock.at = due
        before = len(hub.heard)
        market.world.tick()
        at += [market.clock.at - start] * (len(hub.heard) - before)
    pauses = [int((later - earlier).total_seconds()) for earlier, later in pairwise(at)]
    assert pauses == [5, 30, 120, 600, 1_800, 3_600, 7_200]
    assert len({request.headers["webhook-id"] for request in hub.heard}) == 1
    assert market.mirakl.books()["webhooks"]["given_up"] == 1


def test_a_webhook_that_is_taken_at_last_is_not_sent_again(market: Market, hub: Hub) -> None:
    hub.answers = [Response(503)]
    market.buy((101, 1))
    market.move(hours=12)
    assert len(hub.heard) == 2
    assert market.mirakl.books()["webhooks"] == {"told": 1, "tries": 2, "refused": 1, "delivered": 1}


def _with_fault(market: Market, kind: str, arg: Any = None) -> None:
    market.world.faults.add(Fault("mirakl", "webhook:order.updated", 1, kind, arg))


def test_a_lost_webhook_never_comes(market: Market, hub: Hub) -> None:
    _with_fault(market, "lost")
    order_id = market.buy((101, 1))[0]["order_id"]
    market.accept(order_id)
    market.move(days=1)
    assert _story(hub) == [("order.created", "WAITING_ACCEPTANCE")]
    assert market.world.faults.fired["lost", "webhook:order.updated"] == 1


def test_a_duplicate_webhook_comes_twice_the_same(market: Market, hub: Hub) -> None:
    _with_fault(market, "duplicate")
    market.accept(market.buy((101, 1))[0]["order_id"])
    market.move(minutes=1)
    first, second = (request for request in hub.heard if request.json()["type"] == "order.updated")
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])


@pytest.mark.parametrize(("arg", "changed"), [(None, ("revision", 2)), ("commercial_id", ("commercial_id", "CHANGED"))])
def test_a_webhook_may_come_again_with_other_content_under_its_id(
    market: Market, hub: Hub, arg: str | None, changed: tuple[str, Any]
) -> None:
    _with_fault(market, "dup-other-content", arg)
    market.accept(market.buy((101, 1))[0]["order_id"])
    market.move(minutes=1)
    first, second = hub.events("order.updated")
    assert first["id"] == second["id"]
    assert second["data"][changed[0]] == changed[1] != first["data"].get(changed[0])


def test_a_webhook_out_of_order_is_overtaken_by_its_successor(market: Market, hub: Hub) -> None:
    _with_fault(market, "out-of-order", 90)
    order_id = market.buy((101, 1))[0]["order_id"]
    market.accept(order_id)
    market.pay(order_id)
    market.move(minutes=5)
    assert _story(hub)[-1] == ("order.updated", "WAITING_DEBIT")
    assert _story(hub)[-2] == ("order.updated", "SHIPPING")


def test_somebody_may_listen_in_process_and_is_told_when_the_change_is_whole(
    make_market: Callable[..., Market],
) -> None:
    market = make_market()
    heard: list[tuple[str, str, str]] = []
    market.portal.subscribe(lambda topic, key: heard.append((topic, key, market.portal.order(key).state)))
    first, second = (order["order_id"] for order in market.buy((101, 1), (201, 1)))
    market.accept(first)
    assert heard == [
        ("order.created", first, "WAITING_ACCEPTANCE"),
        ("order.created", second, "WAITING_ACCEPTANCE"),
        ("order.updated", first, "WAITING_DEBIT"),
    ]
