"""Webhooks: subscribed, signed, at least once, in any order, and some lost."""

import base64
import hashlib
import hmac
from typing import Any

import pytest
from sandbox.walmart.walmart_shop import Hub, Shop

from entrepot.sandbox.faults import Fault

SUBSCRIPTIONS = "/v3/webhooks/subscriptions"


def _event(**changes: Any) -> dict[str, Any]:
    auth = {"authMethod": "BASIC_AUTH", "userName": "abc", "password": "test", "authHeaderName": "Authorization"}
    row = {
        "eventType": "PO_CREATED",
        "eventVersion": "V1",
        "resourceName": "ORDER",
        "eventUrl": "http://other.example/events?x=1",
        "headers": {"X-Shop": "ours"},
        "authDetails": auth,
        "status": "ACTIVE",
    }
    return {**row, **changes}


def test_the_hub_hears_of_a_new_order_signed_over_the_raw_body(hub: Hub) -> None:
    shop = Shop(hub)
    order_id = shop.portal.place([("ATLAS", 2)])
    shop.move(seconds=1)
    base, request = hub.heard[0]
    assert (base, request.method, request.path) == ("http://hub.example", "POST", "/hooks/walmart-us")
    event = request.json()
    assert event["source"]["eventType"] == "PO_CREATED"
    assert event["payload"]["purchaseOrderId"] == order_id
    assert event["payload"]["orderLines"][0]["quantity"] == {"unitOfMeasure": "EACH", "measurementValue": "2"}
    digest = hmac.new(b"walmart-hook-secret", request.body, hashlib.sha256).digest()
    assert request.headers["wm_signature"] == base64.b64encode(digest).decode()
    assert shop.walmart.books()["undelivered"] == 0


def test_an_account_with_a_slash_has_a_path_of_its_own(hub: Hub) -> None:
    shop = Shop(hub, account="walmart us/2")
    shop.portal.place([("ATLAS", 1)])
    shop.move(seconds=1)
    assert hub.heard[0][1].path == "/hooks/walmart%20us%2F2"


def test_the_hub_hears_of_every_kind_of_event(hub: Hub) -> None:
    shop = Shop(hub)
    order_id = shop.portal.place([("ATLAS", 1), ("LAMP", 1)])
    shop.portal.ask_cancel(order_id)
    shop.ship(order_id, ("1", 1, "1Z111111"))
    shop.portal.suppress("KNOT", "NO_IMAGE", "No image", "mainImageUrl")
    shop.portal.buy_box("ATLAS", "Somebody", 1_899)
    shop.post("/v3/reports/reportRequests?reportType=ITEM&reportVersion=v4")
    shop.move(days=6, seconds=1)
    assert sorted(hub.topics()) == [
        "BUY_BOX_CHANGED",
        "OFFER_UNPUBLISHED",
        "ORDER_INTENT_TO_CANCEL",
        "PO_CREATED",
        "PO_LINE_AUTOCANCELLED",
        "REPORT_STATUS",
    ]
    by_topic = {request.json()["source"]["eventType"]: request.json()["payload"] for _, request in hub.heard}
    cancelled = by_topic["PO_LINE_AUTOCANCELLED"]["orderLines"]
    assert [(one["lineNumber"], one["status"]) for one in cancelled] == [("2", "CANCELLED")]
    assert by_topic["OFFER_UNPUBLISHED"]["statusChangeReasons"] == {"NO_IMAGE": "No image"}
    assert by_topic["BUY_BOX_CHANGED"]["offer"]["buyBoxWinner"]["sellerOfferPrice"] == "18.99"
    assert by_topic["REPORT_STATUS"]["requestStatus"] == "READY"


def test_a_refused_notice_is_sent_again_with_the_same_id_until_it_is_taken(hub: Hub) -> None:
    hub.answers = [500, 503]
    shop = Shop(hub)
    shop.portal.place([("ATLAS", 1)])
    shop.move(seconds=1)
    assert shop.walmart.books()["undelivered"] == 1
    assert shop.portal.waiting()["notifications"] == 1
    shop.move(minutes=5)
    assert len({request.body for _, request in hub.heard}) == 1
    assert len(hub.heard) == 3
    assert shop.walmart.books()["undelivered"] == 0


def test_a_notice_nobody_takes_is_given_up(hub: Hub) -> None:
    hub.answers = [500] * 20
    shop = Shop(hub, subscribed=("PO_CREATED",))
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.portal.cancel(order_id)
    shop.move(days=1)
    assert len(hub.heard) == 8
    assert shop.walmart.books()["notices"]["given_up"] == 1
    assert shop.walmart.books()["undelivered"] == 0


@pytest.mark.parametrize(("kind", "heard"), [("lost", 1), ("duplicate", 3), ("dup-other-content", 3)])
def test_a_planned_fault_loses_or_repeats_one_notice(hub: Hub, kind: str, heard: int) -> None:
    shop = Shop(hub)
    shop.world.faults.add(Fault("walmart", "webhook:PO_CREATED", 1, kind))
    first = shop.portal.place([("ATLAS", 1)])
    shop.portal.place([("ATLAS", 1)])
    shop.move(minutes=1)
    assert len(hub.heard) == heard
    ids = [r.json()["source"]["eventId"] for _, r in hub.heard if r.json()["payload"]["purchaseOrderId"] == first]
    assert len(set(ids)) == (0 if kind == "lost" else 1)
    bodies = {r.body for _, r in hub.heard}
    assert len(bodies) == {"lost": 1, "duplicate": 2, "dup-other-content": 3}[kind]


def test_notices_come_out_of_order_when_planned(hub: Hub) -> None:
    shop = Shop(hub)
    shop.world.faults.add(Fault("walmart", "webhook:PO_CREATED", 1, "out-of-order", 30))
    placed = [shop.portal.place([("ATLAS", 1)]) for _ in range(2)]
    shop.move(minutes=1)
    assert [r.json()["payload"]["purchaseOrderId"] for _, r in hub.heard] == placed[::-1]


def test_the_seed_decides_which_notices_are_lost_repeated_and_late() -> None:
    def heard(seed: int) -> list[int]:
        hub = Hub()
        shop = Shop(
            hub, seed, notices_lost_per_100k=20_000, notices_twice_per_100k=20_000, notices_late_per_100k=20_000
        )
        placed = [shop.portal.place([("ATLAS", 1)]) for _ in range(40)]
        shop.move(minutes=3)
        return [placed.index(r.json()["payload"]["purchaseOrderId"]) for _, r in hub.heard]

    one = heard(1)
    assert heard(1) == one
    assert heard(2) != one
    assert set(one) < set(range(40))
    assert len(one) > len(set(one))
    assert one != sorted(one)


def test_subscriptions_are_made_changed_listed_and_ended(hub: Hub) -> None:
    shop = Shop(hub, subscribed=())
    made = shop.post(SUBSCRIPTIONS, {"events": [_event(), _event(eventType="BUY_BOX_CHANGED", resourceName="PRICE")]})
    assert made.status == 200
    first, second = (one["subscriptionId"] for one in made.json["events"])
    assert [e["eventType"] for e in shop.get(f"{SUBSCRIPTIONS}?resourceName=PRICE").json["events"]] == [
        "BUY_BOX_CHANGED"
    ]
    shop.portal.place([("ATLAS", 1)])
    shop.move(seconds=1)
    base, request = hub.heard[0]
    assert (base, request.path) == ("http://other.example", "/events?x=1")
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"abc:test").decode()
    assert request.headers["x-shop"] == "ours"
    assert shop.call("PATCH", f"{SUBSCRIPTIONS}/{first}", {"status": "INACTIVE"}).json["status"] == "INACTIVE"
    assert len(shop.get(f"{SUBSCRIPTIONS}?status=ACTIVE").json["events"]) == 1
    shop.portal.place([("ATLAS", 1)])
    shop.move(seconds=1)
    assert len(hub.heard) == 1
    ended = shop.call("DELETE", f"{SUBSCRIPTIONS}/{second}")
    assert ended.json == {"subscriptionId": second, "message": "Successfully deleted subscription"}
    assert shop.call("DELETE", f"{SUBSCRIPTIONS}/{second}").status == 404
    assert [e["subscriptionId"] for e in shop.get(SUBSCRIPTIONS).json["events"]] == [first]


@pytest.mark.parametrize(
    "changes",
    [
        {"eventType": "MOON_LANDED"},
        {"eventVersion": "V9"},
        {"resourceName": "ITEM"},
        {"eventUrl": "ftp://x"},
        {"status": "SLEEPY"},
        {"headers": {"x": 1}},
        {"authDetails": {"authMethod": "OAUTH"}},
        {"authDetails": {"authMethod": "HMAC"}},
        {"authDetails": []},
    ],
)
def test_a_subscription_that_makes_no_sense_is_refused_and_nothing_is_made(shop: Shop, changes: dict[str, Any]) -> None:
    assert shop.post(SUBSCRIPTIONS, {"events": [_event(), _event(**changes)]}).status == 400
    assert shop.get(SUBSCRIPTIONS).json["events"] == []


def test_a_test_notice_reaches_the_address_it_names(hub: Hub) -> None:
    shop = Shop(hub)
    assert shop.post("/v3/webhooks/test", _event()).json == {"message": "Eventurl successfully validated"}
    shop.move(seconds=1)
    assert [(base, r.path) for base, r in hub.heard] == [("http://other.example", "/events?x=1")]


def test_event_types_can_be_asked_for(shop: Shop) -> None:
    found = shop.get("/v3/webhooks/eventTypes").json["events"]
    assert {"eventType": "PO_CREATED", "eventVersion": "V1", "resourceName": "ORDER"} in found
