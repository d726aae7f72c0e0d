"""Walmart's events: genuine or not, and what each of them points at."""

import hmac
import json
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from connectors.market import START
from connectors.walmart.walmart_market import HOOK_SECRET, WalmartMarket

from entrepot.connectors.port import Access, Forged, Verified, Webhook
from entrepot.connectors.registry import connect
from entrepot.inbox.model import MALFORMED
from entrepot.trade.order.model import Hint


@pytest.fixture
def market() -> WalmartMarket:
    return WalmartMarket()


def door(market: WalmartMarket) -> Webhook:
    assert market.channel.webhook is not None
    return market.channel.webhook


def signed(body: bytes, secret: str = HOOK_SECRET) -> dict[str, str]:
    return {"WM_SIGNATURE": b64encode(hmac.digest(secret.encode(), body, sha256)).decode()}


def event(kind: str = "PO_CREATED", event_id: str = "e-1", **payload: Any) -> bytes:
    return json.dumps({"source": {"eventType": kind, "eventId": event_id}, "payload": payload}).encode()


def test_what_happens_there_is_told_and_points_at_what_to_read_again(market: WalmartMarket) -> None:
    order_id = market.acknowledged()
    market.portal.ask_cancel(order_id)
    market.portal.suppress("CHART", "E", "no image", "mainImageUrl")
    market.move(days=8)
    hints = set()
    for request in market.webhooks:
        verified = door(market).verify(START, request.headers, request.body)
        assert isinstance(verified, Verified)
        for record in door(market).split(request.body):
            assert record.kind == "hint"
            assert record.external_id == verified.event_id
            hints.add(market.seen(record))
    assert hints == {Hint("order", order_id), Hint("listing", "CHART")}
    for hint in hints:
        assert market.channel.lookups[hint.kind].one(market.ctx, hint.external_id).received


def test_an_order_event_is_decided_in_order_with_its_basket(market: WalmartMarket) -> None:
    (record,) = door(market).split(event(purchaseOrderId="PO-1", customerOrderId="C-1"))
    assert record.root == "basket:C-1"
    (record,) = door(market).split(event("ORDER_UPDATES", order={"purchaseOrderId": "PO-1", "customerOrderId": "C-1"}))
    assert (record.root, market.seen(record)) == ("basket:C-1", Hint("order", "PO-1"))


def test_a_return_is_pointed_at_too(market: WalmartMarket) -> None:
    (record,) = door(market).split(event("RETURN_CREATED", returnOrderId="R-1", customerOrderId="C-1"))
    assert (record.root, market.seen(record)) == ("basket:C-1", Hint("return", "R-1"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"WM_SIGNATURE": ""},
        {"WM_SIGNATURE": "AAAA"},
        {"WM_SIGNATURE": "Basic d20tY2xpZW50Ondt"},
        signed(b"another body"),
        signed(event(), "another-secret"),
        {"Authorization": signed(event())["WM_SIGNATURE"]},
    ],
)
def test_a_forged_event_is_turned_away(market: WalmartMarket, headers: dict[str, str]) -> None:
    assert isinstance(door(market).verify(START, headers, event()), Forged)


def test_a_body_changed_on_its_way_is_forged(market: WalmartMarket) -> None:
    body = event()
    assert isinstance(door(market).verify(START, signed(body), body), Verified)
    assert isinstance(door(market).verify(START, signed(body), body + b" "), Forged)


def test_a_signature_written_in_hexadecimal_is_one_too(market: WalmartMarket) -> None:
    body = event()
    digest = hmac.digest(HOOK_SECRET.encode(), body, sha256).hex()
    for written in (digest, digest.upper()):
        assert isinstance(door(market).verify(START, {"wm_signature": written}, body), Verified)


def test_the_secret_being_rotated_out_is_taken_and_said_to_be_old(market: WalmartMarket) -> None:
    secrets = {**market.access.secrets, "webhook_secret_old": lambda: "yesterday"}
    webhook = connect("walmart", replace(market.access, secrets=secrets)).webhook
    assert webhook is not None
    body = event()
    assert webhook.verify(START, signed(body, "yesterday"), body) == Verified("e-1", with_old_secret=True)


def test_user_and_password_let_an_event_in_where_it_was_so_subscribed() -> None:
    access = Access("walmart/x", "http://x", {**_client(), "webhook_basic_secret": lambda: "abc:test"})
    webhook = connect("walmart", access).webhook
    assert webhook is not None
    good = {"Authorization": f"Basic {b64encode(b'abc:test').decode()}"}
    assert webhook.verify(START, good, event()) == Verified("e-1")
    assert isinstance(webhook.verify(START, {"Authorization": "Basic YWJjOnRlc3Q"}, event()), Forged)


def test_without_a_secret_there_is_no_door() -> None:
    assert connect("walmart", Access("walmart/x", "http://x", _client())).webhook is None


@pytest.mark.parametrize("kind", ["BUY_BOX_CHANGED", "REPORT_STATUS", "INVENTORY_OOS"])
def test_news_that_change_nothing_of_ours_make_no_record(market: WalmartMarket, kind: str) -> None:
    assert door(market).split(event(kind)) == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"not json",
        event("SURPRISE", purchaseOrderId="1"),
        event(),
        event("OFFER_UNPUBLISHED"),
        b'{"source":{"eventType":"PO_CREATED","eventId":"e"}}',
        event(purchaseOrderId=5),
    ],
)
def test_an_event_nobody_can_read_is_kept_as_one(market: WalmartMarket, body: bytes) -> None:
    (record,) = door(market).split(body)
    assert (record.kind, record.body) == (MALFORMED, body)


def test_a_genuine_event_without_an_id_goes_by_its_content(market: WalmartMarket) -> None:
    verified = door(market).verify(START, signed(b"{}"), b"{}")
    assert isinstance(verified, Verified)
    assert len(verified.event_id) == 32


def _client() -> dict[str, Any]:
    return {"client_id": lambda: "a", "client_secret": lambda: "b"}
