"""Notifications: signed, at least once, unordered, some lost; destinations, challenges, subscriptions."""

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sandbox.ebay.ebay_market import ENGLISH, HUB, NOTIFICATION, Hub, Shop

from entrepot.sandbox.ebay.keys import NotificationKey
from entrepot.sandbox.faults import Fault

ORDER = "ORDER_CONFIRMATION"
SHIPPED = "ITEM_MARKED_SHIPPED"
TOKEN = "a-verification-token-of-forty-characters"


def signature_of(request: Any) -> Any:
    return json.loads(base64.b64decode(request.headers["x-ebay-signature"]))


# -- what is told ----------------------------------------------------------------------------------------------------


def test_a_paid_order_is_told_once_per_line(hub: Hub) -> None:
    shop = Shop(hub=hub)
    order_id = shop.portal.place([("ATLAS", 1), ("TIDES", 2)])
    shop.portal.place([("TIDES", 1)], pending=True)
    shop.move(minutes=1)
    told = hub.bodies(ORDER)
    assert len(told) == 2
    assert {one["notification"]["data"]["orderId"] for one in told} == {order_id}
    assert {one["notification"]["data"]["lineItemId"] for one in told} == set(shop.lines(order_id))
    assert told[0]["metadata"] == {"topic": ORDER, "schemaVersion": "1.0", "deprecated": False}
    assert told[0]["notification"]["publishAttemptCount"] == 1
    assert told[0]["notification"]["publishDate"] == "2026-11-02T12:00:00.000Z"
    assert hub.heard[0].path == "/hooks/ebay-de"
    shop.ship(order_id)
    shop.move(minutes=1)
    assert len(hub.bodies(SHIPPED)) == 2
    assert shop.book("undelivered") == 0


def test_a_buyer_who_wants_to_be_forgotten_is_told(hub: Hub) -> None:
    shop = Shop(hub=hub)
    shop.portal.delete_buyer("ann")
    shop.move(minutes=1)
    [told] = hub.bodies("MARKETPLACE_ACCOUNT_DELETION")
    assert told["notification"]["data"]["username"] == "ann"


def test_the_account_is_quoted_in_the_path(hub: Hub) -> None:
    shop = Shop(hub=hub, account="ebay/de 1")
    shop.portal.delete_buyer("ann")
    shop.move(minutes=1)
    assert hub.heard[0].path == "/hooks/ebay%2Fde%201"


# -- signatures ------------------------------------------------------------------------------------------------------


def test_a_notification_is_signed_by_the_key_whose_id_it_names(hub: Hub, tmp_path: Path) -> None:
    shop = Shop(hub=hub)
    shop.portal.place([("ATLAS", 1)])
    shop.move(minutes=1)
    [request] = hub.heard
    header = signature_of(request)
    assert (header["alg"], header["digest"]) == ("ecdsa", "SHA1")
    key = shop.get(f"{NOTIFICATION}/public_key/{header['kid']}").json
    assert (key["algorithm"], key["digest"]) == ("ECDSA", "SHA1")
    assert shop.get(f"{NOTIFICATION}/public_key/none").status == 404
    der = base64.b64decode(
        key["key"].removeprefix("-----BEGIN PUBLIC KEY-----").removesuffix("-----END PUBLIC KEY-----")
    )
    public, signed = load_der_public_key(der), base64.b64decode(header["signature"])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signed, request.body, ec.ECDSA(SHA1()))
    with pytest.raises(InvalidSignature):
        public.verify(signed, request.body + b" ", ec.ECDSA(SHA1()))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine to judge by")
def test_another_implementation_accepts_the_signature(hub: Hub, tmp_path: Path) -> None:
    shop = Shop(hub=hub)
    shop.portal.place([("ATLAS", 1)])
    shop.move(minutes=1)
    [request] = hub.heard
    header = signature_of(request)
    pem = shop.get(f"{NOTIFICATION}/public_key/{header['kid']}").json["key"]
    pem = pem.replace("KEY-----", "KEY-----\n", 1).replace("-----END", "\n-----END") + "\n"
    (tmp_path / "key.pem").write_text(pem, encoding="ascii")
    (tmp_path / "signature").write_bytes(base64.b64decode(header["signature"]))
    (tmp_path / "body").write_bytes(request.body)
    command = ["openssl", "dgst", "-sha1", "-verify", "key.pem", "-signature", "signature", "body"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "body").write_bytes(request.body + b" ")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_a_body_is_signed_the_same_each_time_as_rfc_6979_shows() -> None:
    key = NotificationKey(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721 - 1)
    assert decode_dss_signature(key.sign(b"sample")) == (
        0x61340C88C3AAEBEB4F6D667F672CA9759A6CCAA9FA8811313039EE4A35471D32,
        0x6D7F147DAC089441BB2E2FE8F7A3FA264B9C475098FDCF6E00D7C996E1B8B7EB,
    )


# -- how it is delivered ---------------------------------------------------------------------------------------------


def test_what_is_not_received_is_sent_again_with_a_new_count(hub: Hub) -> None:
    shop = Shop(hub=hub)
    hub.statuses += [500, 0]
    shop.portal.place([("ATLAS", 1)])
    shop.move(seconds=6)
    assert shop.book("undelivered") == 1
    shop.move(minutes=5)
    attempts = [
        (one["notification"]["notificationId"], one["notification"]["publishAttemptCount"]) for one in hub.bodies()
    ]
    assert [count for _, count in attempts] == [1, 2, 3]
    assert len({notification_id for notification_id, _ in attempts}) == 1
    assert shop.book("undelivered") == 0


def test_a_hub_that_never_answers_is_given_up_on(hub: Hub) -> None:
    shop = Shop(hub=hub)
    hub.statuses += [503] * 8
    shop.portal.place([("ATLAS", 1)])
    shop.move(days=1)
    assert len(hub.heard) == 8
    assert shop.ebay.notifications.counts["given_up"] == 1
    assert shop.book("undelivered") == 0


def test_some_are_lost_and_some_come_twice_by_the_seed() -> None:
    def told(seed: int) -> list[str]:
        hub = Hub()
        shop = Shop(seed, hub, lost_per_1000=200, duplicate_per_1000=200)
        for _ in range(40):
            shop.portal.place([("ATLAS", 1)])
        shop.move(minutes=2)
        assert shop.ebay.notifications.counts["lost"] > 0
        return [one["notification"]["data"]["orderId"] for one in hub.bodies()]

    first = told(1)
    assert len(set(first)) < 40
    assert len(first) > len(set(first))
    assert told(1) == first
    assert told(2) != first


def test_they_come_in_no_order(hub: Hub) -> None:
    shop = Shop(hub=hub)
    placed = [shop.portal.place([("ATLAS", 1)]) for _ in range(20)]
    shop.move(minutes=1)
    heard = [one["notification"]["data"]["orderId"] for one in hub.bodies()]
    assert heard != placed
    assert sorted(heard) == sorted(placed)


@pytest.mark.parametrize(
    ("kind", "count"), [("lost", 0), ("duplicate", 2), ("dup-other-content", 2), ("out-of-order", 1)]
)
def test_a_planned_fault_of_a_topic_happens(hub: Hub, kind: str, count: int) -> None:
    shop = Shop(hub=hub)
    shop.world.faults.add(Fault("ebay", f"webhook:{ORDER}", 1, kind, 600 if kind == "out-of-order" else None))
    shop.portal.place([("ATLAS", 1)])
    shop.move(minutes=5)
    assert len(hub.heard) == (0 if kind == "out-of-order" else count)
    shop.move(minutes=10)
    bodies = hub.bodies()
    assert len(bodies) == count
    assert len({one["notification"]["notificationId"] for one in bodies}) == min(count, 1)
    if count == 2:
        same = bodies[0]["notification"]["data"] == bodies[1]["notification"]["data"]
        assert same == (kind == "duplicate")


# -- destinations and subscriptions ----------------------------------------------------------------------------------


def destination(shop: Shop, hub: Hub, token: str = TOKEN, endpoint: str = f"{HUB}/elsewhere") -> str:
    hub.token, hub.endpoint = TOKEN, endpoint
    config = {"endpoint": endpoint, "verificationToken": token}
    answer = shop.post(f"{NOTIFICATION}/destination", {"name": "mine", "status": "ENABLED", "deliveryConfig": config})
    assert answer.status == 201, answer.body
    return answer.headers["location"].rpartition("/")[2]


def test_an_endpoint_must_meet_its_challenge_before_anything_is_sent(hub: Hub) -> None:
    shop = Shop(hub=hub, subscribed=())
    good = destination(shop, hub)
    assert shop.get(f"{NOTIFICATION}/destination/{good}").json["status"] == "DISABLED"
    shop.world.tick()
    assert shop.get(f"{NOTIFICATION}/destination/{good}").json["status"] == "ENABLED"
    bad = destination(shop, hub, token=TOKEN[::-1])
    shop.world.tick()
    assert shop.get(f"{NOTIFICATION}/destination/{bad}").json["status"] == "DISABLED"
    subscribe(shop, ORDER, bad)
    shop.portal.place([("ATLAS", 1)])
    shop.move(minutes=1)
    assert hub.bodies() == []
    change = {"name": "b", "deliveryConfig": {"endpoint": hub.endpoint, "verificationToken": TOKEN}}
    assert shop.put(f"{NOTIFICATION}/destination/{bad}", change, headers={}).status == 204
    shop.world.tick()
    shop.portal.place([("ATLAS", 1)])
    shop.move(minutes=1)
    assert len(hub.bodies()) == 1
    assert hub.heard[-1].path == "/elsewhere"


def test_the_challenge_is_the_hash_of_code_token_and_endpoint(hub: Hub) -> None:
    shop = Shop(hub=hub)
    destination(shop, hub)
    shop.world.tick()
    [request] = hub.heard
    path, _, query = request.path.partition("?")
    assert (request.method, path) == ("GET", "/elsewhere")
    name, _, code = query.partition("=")
    assert (name, len(code)) == ("challenge_code", 64)
    assert len(hashlib.sha256((code + TOKEN + hub.endpoint).encode()).hexdigest()) == 64


def subscribe(shop: Shop, topic: str, destination_id: str, **fields: Any) -> str:
    payload = {"format": "JSON", "deliveryProtocol": "HTTPS", "schemaVersion": "1.0"}
    body = {"topicId": topic, "status": "ENABLED", "payload": payload, "destinationId": destination_id, **fields}
    answer = shop.post(f"{NOTIFICATION}/subscription", body)
    return answer.headers["location"].rpartition("/")[2] if answer.status == 201 else str(answer.status)


def test_a_subscription_is_made_paused_tested_and_ended(hub: Hub) -> None:
    shop = Shop(hub=hub, subscribed=())
    destination_id = destination(shop, hub)
    shop.world.tick()
    one = subscribe(shop, ORDER, destination_id)
    assert subscribe(shop, ORDER, destination_id) == "409"
    assert subscribe(shop, "WEATHER", destination_id) == "400"
    assert subscribe(shop, SHIPPED, "none") == "400"
    assert subscribe(shop, SHIPPED, destination_id, payload={}) == "400"
    path = f"{NOTIFICATION}/subscription/{one}"
    assert shop.get(path).json["topicId"] == ORDER
    assert shop.post(f"{path}/disable").status == 204
    shop.portal.place([("ATLAS", 1)])
    shop.move(minutes=1)
    assert hub.bodies() == []
    assert shop.post(f"{path}/enable").status == 204
    assert shop.post(f"{path}/test").status == 202
    shop.move(minutes=1)
    assert hub.bodies()[0]["notification"]["data"] == {"test": True}
    assert shop.call("DELETE", f"{NOTIFICATION}/destination/{destination_id}").status == 409
    assert shop.call("DELETE", path).status == 204
    assert shop.call("DELETE", path).status == 404
    assert shop.call("DELETE", f"{NOTIFICATION}/destination/{destination_id}").status == 204
    assert shop.get(f"{NOTIFICATION}/destination/{destination_id}").status == 404


@pytest.mark.parametrize(
    "body",
    [
        {"deliveryConfig": {"endpoint": HUB, "verificationToken": TOKEN}},
        {"name": "x", "deliveryConfig": {"endpoint": "nowhere", "verificationToken": TOKEN}},
        {"name": "x", "deliveryConfig": {"endpoint": HUB, "verificationToken": "short"}},
    ],
)
def test_a_destination_that_cannot_be_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    assert shop.post(f"{NOTIFICATION}/destination", body).status == 400


def test_topics_lists_and_the_alert_address(hub: Hub) -> None:
    shop = Shop(hub=hub)
    assert shop.get(f"{NOTIFICATION}/topic/{ORDER}").json["topicId"] == ORDER
    assert shop.get(f"{NOTIFICATION}/topic/WEATHER").status == 404
    page = shop.get(f"{NOTIFICATION}/topic?limit=2").json
    assert (page["total"], len(page["topics"])) == (3, 2)
    rest = shop.get(page["next"].removeprefix("https://api.ebay.com")).json
    assert (len(rest["topics"]), rest["next"]) == (1, None)
    assert len(shop.get(f"{NOTIFICATION}/subscription").json["subscriptions"]) == 3
    assert len(shop.get(f"{NOTIFICATION}/destination").json["destinations"]) == 1
    assert shop.get(f"{NOTIFICATION}/config").error == 195026
    assert shop.put(f"{NOTIFICATION}/config", {"alertEmail": "ops"}, headers=ENGLISH).status == 400
    assert shop.put(f"{NOTIFICATION}/config", {"alertEmail": "ops@harbour.example"}).status == 204
    assert shop.get(f"{NOTIFICATION}/config").json == {"alertEmail": "ops@harbour.example"}
