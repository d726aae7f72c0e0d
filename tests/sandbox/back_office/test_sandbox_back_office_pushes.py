"""What the back office pushes: signed, as listed, retried; lost and doubled when planned so. And the same over real HTTP."""

import base64
import http.client
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sandbox.back_office.office import NUMBER, SYSTEM, Office, order
from standardwebhooks.webhooks import Webhook as Library

from entrepot.sandbox.faults import Fault
from entrepot.sandbox.http import serve

CHANGES: dict[str, Callable[[Office], None]] = {
    "stock": lambda office: office.portal.restock("LAMP-1", 1),
    "price": lambda office: office.portal.price("LAMP-1", "*", 5_000),
    "product": lambda office: office.portal.revise("LAMP-1", title="Lamp"),
    "parcel": lambda office: _sent(office),
    "cancellation": lambda office: _given_up(office),
    "return": lambda office: _back(office),
}
LISTED = {
    "stock": "stock",
    "price": "prices",
    "product": "products",
    "parcel": "parcels",
    "cancellation": "cancellations",
    "return": "returns",
}


def _sent(office: Office) -> None:
    office.book()
    office.move(days=2)


def _given_up(office: Office) -> None:
    office.book()
    office.portal.give_up(NUMBER, [("1", 1)])


def _back(office: Office) -> None:
    _sent(office)
    office.portal.receive_return(NUMBER, "RT-1", [("1", 1)])
    office.move(days=2)


@pytest.mark.parametrize("topic", sorted(CHANGES))
def test_what_is_pushed_is_what_is_listed(office: Office, topic: str) -> None:
    CHANGES[topic](office)
    assert office.pushed(topic)[-1] == office.listed(LISTED[topic])[-1]


def test_a_push_goes_to_the_accounts_door_and_is_signed() -> None:
    office = Office(account="erp/main")
    office.portal.restock("LAMP-1", 1)
    office.world.tick()
    [request] = office.heard
    assert (request.method, request.path) == ("POST", "/hooks/erp%2Fmain")
    secret = office.settings.webhook_secret
    assert base64.b64decode(secret.removeprefix("whsec_"))
    mac = Library(secret).sign(request.headers["webhook-id"], office.at, request.body.decode())
    assert request.headers["webhook-signature"] == mac


def test_a_hub_that_does_not_answer_is_told_again_until_it_does(office: Office) -> None:
    office.says = 503
    office.portal.restock("LAMP-1", 1)
    office.world.tick()
    assert office.books()["undelivered"] == 1
    office.says = 200
    office.move(minutes=1)
    assert len(office.heard) == 2
    assert len({request.headers["webhook-id"] for request in office.heard}) == 1
    assert office.portal.waiting()["undelivered"] == 0


@pytest.mark.parametrize(
    ("kind", "heard"), [("lost", 0), ("duplicate", 2), ("dup-other-content", 2), ("out-of-order", 1)]
)
def test_planned_trouble_with_pushes_happens(office: Office, kind: str, heard: int) -> None:
    office.world.faults.add(Fault(SYSTEM, "webhook:stock", 1, kind))
    office.portal.restock("LAMP-1", 1)
    office.move(minutes=5)
    assert len(office.heard) == heard
    assert len({request.body for request in office.heard}) == (2 if kind == "dup-other-content" else min(heard, 1))
    assert office.listed("stock")[-1]["quantity"] == 21


def test_some_pushes_are_lost_and_some_doubled_by_the_settings() -> None:
    lossy, twice = Office(push_lost_chance=1.0), Office(push_doubled_chance=1.0)
    for office in (lossy, twice):
        office.portal.restock("LAMP-1", 1)
        office.world.tick()
    assert (len(lossy.heard), len(twice.heard)) == (0, 2)
    assert (lossy.books()["pushes"], twice.books()["pushes"]) == ({"lost": 1}, {"doubled": 1})


def test_a_company_may_push_some_things_only_or_nothing() -> None:
    some, none = Office(pushed=("price",)), Office(pushes=False)
    for office in (some, none):
        office.portal.restock("LAMP-1", 1)
        office.portal.price("LAMP-1", "*", 5_000)
        office.world.tick()
    assert [json.loads(request.body)["type"] for request in some.heard] == ["price"]
    assert none.heard == []


def test_whoever_subscribes_hears_what_changes(office: Office) -> None:
    heard: list[tuple[str, str]] = []
    office.portal.subscribe(lambda topic, key: heard.append((topic, key)))
    _back(office)
    assert ("order", NUMBER) in heard
    assert {"parcel", "stock", "return"} <= {topic for topic, _ in heard}


def test_the_same_over_real_http() -> None:
    office = Office(pushes=False)
    with serve(office.world, {SYSTEM: 0}, ticking=False) as servers:
        connection = http.client.HTTPConnection("127.0.0.1", servers.ports[SYSTEM], timeout=5)

        def call(method: str, path: str, body: Any = None) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {office.settings.key}"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

        path = "/orders/amazon-de%2Fmain%3A303-1234567-1234567"
        status, made = call("PUT", path, order())
        assert (status, made["number"]) == (201, NUMBER)
        assert call("GET", path)[1]["state"] == "accepted"
        lines = [{"line_id": "1", "quantity": 1}]
        asked = {"cancellation": "K-1", "lines": lines, "reason": "buyer-asked"}
        assert call("POST", f"{path}/cancellations", asked) == (200, {"state": "cancelled"})
        since = (office.at - timedelta(hours=1)).isoformat().replace("+", "%2B")
        assert len(call("GET", f"/stock?since={since}")[1]["stock"]) == 4
        connection.close()
