"""Webhooks: hints with a kind, a tenant and a time; lost, doubled, late and given up; and what the inbox says."""

import base64
import hashlib
import hmac
from typing import Any

import pytest
from sandbox.channelengine.channelengine_tenant import MACHINE_TIME, START, Hub, Tenant, complaints

from entrepot.sandbox.core import Hang, Response
from entrepot.sandbox.faults import Fault

HOOK = {"Name": "mine", "Url": "https://shop.example/callback?token=s3", "IsActive": True, "Events": ["ORDERS_CREATE"]}


def test_a_hint_says_what_changed_since_when_behind_the_address(hub: Hub) -> None:
    tenant = Tenant(hub)
    tenant.portal.place([("ATLAS", 1)])
    tenant.move(seconds=10)
    assert hub.said("orders") == [
        {"type": "orders", "tenant": "kade", "updatedSince": str(int(START.timestamp()))},
    ]
    assert {request.path for request in hub.heard} == {"/hooks/channelengine-nl"}


def test_changes_of_a_while_are_one_hint_that_names_the_oldest(hub: Hub) -> None:
    tenant = Tenant(hub)
    for _ in range(3):
        tenant.portal.place([("ATLAS", 1)])
        tenant.move(seconds=1)
    tenant.move(seconds=10)
    assert [one["updatedSince"] for one in hub.said("orders")] == [str(int(START.timestamp()))]
    tenant.portal.place([("ATLAS", 1)])
    assert tenant.system.books()["undelivered"] > 0
    tenant.move(seconds=10)
    assert len(hub.said("orders")) == 2
    assert tenant.system.books()["undelivered"] == 0


def test_a_hint_is_signed_over_its_body_by_machine_time(hub: Hub) -> None:
    tenant = Tenant(hub)
    tenant.portal.place([("ATLAS", 1)])
    tenant.move(seconds=10)
    request = hub.heard[0]
    stamp = request.headers["webhook-timestamp"]
    assert stamp == str(int(MACHINE_TIME.timestamp()))
    key = base64.b64decode(tenant.system.settings.webhook_secret.removeprefix("whsec_"))
    signed = f"{request.headers['webhook-id']}.{stamp}.".encode() + request.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    assert request.json() == {"id": request.headers["webhook-id"], **hub.said("orders")[0]}


def test_cancelling_is_told_as_a_shipment_and_a_request_as_an_order(hub: Hub) -> None:
    tenant = Tenant(hub)
    order_id, number = tenant.acknowledged(("ATLAS", 2))
    tenant.move(seconds=10)
    hub.heard.clear()
    tenant.portal.ask_cancel(order_id)
    tenant.move(seconds=10)
    assert {one["type"] for one in hub.said()} == {"orders", "notifications"}
    hub.heard.clear()
    tenant.cancel(number, ("ATLAS", 2))
    tenant.move(seconds=10)
    assert [one["type"] for one in hub.said()] == ["shipments"]


def test_each_kind_of_change_has_its_hint(hub: Hub) -> None:
    tenant = Tenant(hub)
    order_id, _ = tenant.shipped(("ATLAS", 1))
    tenant.portal.open_return(order_id, [(tenant.line_id(order_id), 1)], "OTHER")
    tenant.send("PUT", "/v2/offer", [{"MerchantProductNo": "LAMP", "Stock": 1}])
    tenant.move(seconds=10)
    assert {one["type"] for one in hub.said()} == {"orders", "shipments", "returns", "products", "notifications"}


def test_what_is_not_received_is_sent_again_and_given_up_in_the_end(hub: Hub) -> None:
    tenant = Tenant(hub)
    tenant.send("DELETE", "/v2/webhooks/hub", None)
    tenant.send("POST", "/v2/webhooks", HOOK, 201)
    hub.answers = [Response(503), Hang(applied=False)]
    tenant.portal.place([("ATLAS", 1)])
    tenant.move(minutes=10)
    assert [request.headers["webhook-id"] for request in hub.heard] == [hub.heard[0].headers["webhook-id"]] * 3
    hub.answers = [Response(500)] * 5
    tenant.portal.place([("ATLAS", 1)])
    tenant.move(hours=3)
    assert tenant.system.webhooks.counts["given_up"] == 1
    assert len(tenant.content("/v2/notifications?types=CHANNELENGINE_WEBHOOK_RQUEST_FAILED")) == 1
    assert tenant.system.books()["undelivered"] == 0


@pytest.mark.parametrize(("kind", "times"), [("lost", 0), ("duplicate", 2), ("dup-other-content", 2)])
def test_planned_faults_lose_and_double_hints(hub: Hub, kind: str, times: int) -> None:
    tenant = Tenant(hub)
    tenant.world.faults.add(Fault("channelengine", "webhook:ORDERS_CREATE", 1, kind))
    tenant.portal.place([("ATLAS", 1)])
    tenant.move(minutes=1)
    said = hub.said("orders")
    assert len(said) == times
    if times:
        ids = {one.headers["webhook-id"] for one in hub.heard if one.json()["type"] == "orders"}
        assert len(ids) == 1
        assert (said[0] == said[1]) == (kind == "duplicate")


def test_a_planned_fault_brings_hints_out_of_order(hub: Hub) -> None:
    tenant = Tenant(hub)
    tenant.world.faults.add(Fault("channelengine", "webhook:ORDERS_CREATE", 1, "out-of-order", 30))
    tenant.portal.place([("ATLAS", 1)])
    tenant.move(seconds=10)
    tenant.portal.place([("ATLAS", 1)])
    tenant.move(minutes=1)
    since = [int(one["updatedSince"]) for one in hub.said("orders")]
    assert since == sorted(since, reverse=True)
    assert len(since) == 2


# -- managing ------------------------------------------------------------------------------------------------------


def test_webhooks_are_registered_changed_and_deleted(hub: Hub) -> None:
    tenant = Tenant(hub)
    assert [one["Name"] for one in tenant.content("/v2/webhooks")] == ["hub"]
    tenant.send("DELETE", "/v2/webhooks/hub", None)
    tenant.send("POST", "/v2/webhooks", HOOK, 201)
    tenant.send("POST", "/v2/webhooks", HOOK, 409)
    tenant.portal.place([("ATLAS", 1)])
    tenant.move(seconds=10)
    [heard] = hub.heard
    assert (heard.path, dict(heard.query)["token"]) == ("/callback", "s3")
    tenant.send("PUT", "/v2/webhooks", {**HOOK, "IsActive": False})
    tenant.portal.place([("ATLAS", 1)])
    tenant.move(seconds=10)
    assert len(hub.heard) == 1
    tenant.send("DELETE", "/v2/webhooks/mine", None)
    tenant.send("DELETE", "/v2/webhooks/mine", None, 404)
    tenant.send("PUT", "/v2/webhooks", HOOK, 404)
    assert tenant.content("/v2/webhooks") == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"Name": ""}, "Name"),
        ({"Url": "ftp://shop.example"}, "Url"),
        ({"Events": []}, "Events"),
        ({"Events": ["ORDERS_EXPLODE"]}, "Events"),
        ({"IsActive": "yes"}, "IsActive"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(tenant: Tenant, changed: dict[str, Any], field: str) -> None:
    assert field in complaints(tenant.send("POST", "/v2/webhooks", {**HOOK, **changed}, 400))


def test_notifications_are_found_by_date_type_and_number(tenant: Tenant) -> None:
    first = tenant.portal.place([("ATLAS", 1)])
    tenant.move(hours=1)
    tenant.portal.place([("ATLAS", 1)])
    channel_no = tenant.portal.order(first).channel_order_no
    assert len(tenant.content("/v2/notifications")) == 2
    assert len(tenant.content("/v2/notifications?fromDate=2026-11-02T09:30:00Z")) == 1
    assert len(tenant.content("/v2/notifications?toDate=2026-11-02T10:00:00Z&types=CHANNEL_ORDER_NEW")) == 1
    [one] = tenant.content(f"/v2/notifications?channelOrderNos={channel_no}")
    assert one["Message"].endswith(channel_no)
