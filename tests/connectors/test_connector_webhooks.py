"""The door for webhooks: only raw bytes signed by our secret, and only now; then the records they carry."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from connectors.market import GATEWAY, MIRAKL, START, URLS, Market, secrets
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Library

from entrepot.connectors.port import Access, Connector, Forged, Verified, Webhook
from entrepot.connectors.registry import connect
from entrepot.connectors.webhooks import StandardWebhooks
from entrepot.kernel.errors import WrongSetting

SECRET = "whsec_" + base64.b64encode(b"the secret in force").decode()
OLD = "whsec_" + base64.b64encode(b"the secret before").decode()
BODY = '{"id":"evt_1","type":"order.updated","data":{"tïtle":1.50}}'.encode()
DOOR = StandardWebhooks(lambda: SECRET, 300, lambda: OLD)


def signed(body: bytes = BODY, secret: str = SECRET, at: datetime = START, event_id: str = "evt_1") -> dict[str, str]:
    """Signed by hand, after the Standard Webhooks specification."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    stamp = str(int(at.timestamp()))
    mac = hmac.new(key, f"{event_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Webhook-Id": event_id,
        "Webhook-Timestamp": stamp,
        "Webhook-Signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def test_what_our_partner_signed_is_let_in() -> None:
    assert DOOR.verify(START, signed(), BODY) == Verified("evt_1")


def test_a_secret_being_rotated_out_is_let_in_and_reported() -> None:
    assert DOOR.verify(START, signed(secret=OLD), BODY) == Verified("evt_1", with_old_secret=True)
    assert isinstance(StandardWebhooks(lambda: SECRET, 300).verify(START, signed(secret=OLD), BODY), Forged)


def test_one_fitting_signature_among_several_is_enough() -> None:
    headers = signed()
    other = base64.b64encode(b"x" * 32).decode()
    headers["Webhook-Signature"] = f"v1a,{other} v1,{other} {headers['Webhook-Signature']}"
    assert DOOR.verify(START, headers, BODY) == Verified("evt_1")


@pytest.mark.parametrize(
    ("late_s", "fits"), [(0, True), (299, True), (300, True), (301, False), (-301, False), (86_400, False)]
)
def test_old_and_future_events_are_turned_away(late_s: int, fits: bool) -> None:
    assert isinstance(DOOR.verify(START + timedelta(seconds=late_s), signed(), BODY), Verified) is fits


@pytest.mark.parametrize(
    "changed",
    [
        {"Webhook-Id": "evt_2"}, {"Webhook-Id": ""}, {"Webhook-Id": "x" * 300}, {"Webhook-Signature": ""}, {"Webhook-Signature": "v1,"},
        {"Webhook-Signature": "v1,!!!"}, {"Webhook-Signature": "v1"}, {"Webhook-Signature": "v2," + "A" * 44}, {"Webhook-Timestamp": ""},
        {"Webhook-Timestamp": "now"}, {"Webhook-Timestamp": "-5"}, {"Webhook-Timestamp": "1e9"}, {"Webhook-Timestamp": "9" * 30},
        {"Webhook-Timestamp": "٣"},
    ],
)  # fmt: skip
def test_a_header_that_was_tampered_with_is_turned_away(changed: Mapping[str, str]) -> None:
    assert isinstance(DOOR.verify(START, {**signed(), **changed}, BODY), Forged)


def test_a_stranger_is_turned_away() -> None:
    stranger = "whsec_" + base64.b64encode(b"somebody else's").decode()
    assert isinstance(DOOR.verify(START, signed(secret=stranger), BODY), Forged)
    assert isinstance(DOOR.verify(START, {}, BODY), Forged)


def test_the_same_content_spelt_otherwise_is_turned_away() -> None:
    assert isinstance(DOOR.verify(START, signed(), json.dumps(json.loads(BODY)).encode()), Forged)


def test_a_signed_body_that_is_no_text_is_let_in_to_be_kept_and_owned() -> None:
    body = b"\xff\xfe"
    assert DOOR.verify(START, signed(body), body) == Verified("evt_1")
    assert isinstance(DOOR.verify(START, signed(body), b"\xff\xff"), Forged)


@given(body=st.text(max_size=200), event_id=st.text("abcdef_0123", min_size=1, max_size=40))
def test_our_signature_is_the_one_of_the_library(body: str, event_id: str) -> None:
    theirs = Library(SECRET).sign(event_id, START, body)
    headers = {"webhook-id": event_id, "webhook-timestamp": str(int(START.timestamp())), "webhook-signature": theirs}
    assert DOOR.verify(START, headers, body.encode()) == Verified(event_id)


@settings(max_examples=200, deadline=None)
@given(position=st.integers(min_value=0, max_value=len(BODY) - 1), bit=st.integers(min_value=0, max_value=7))
def test_a_single_bit_turned_over_is_noticed(position: int, bit: int) -> None:
    body = bytearray(BODY)
    body[position] ^= 1 << bit
    assert isinstance(DOOR.verify(START, signed(), bytes(body)), Forged)


@settings(max_examples=200, deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text(max_size=60), max_size=3
    ),
    body=st.binary(max_size=60),
)
def test_no_stranger_crashes_the_door(headers: dict[str, str], body: bytes) -> None:
    assert isinstance(DOOR.verify(START, headers, body), Forged)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_x"])
def test_a_secret_that_is_none_is_a_wrong_setting_and_never_an_open_door(secret: str) -> None:
    with pytest.raises(WrongSetting):
        StandardWebhooks(lambda: secret, 300).verify(START, signed(), BODY)


# ── what they carry ──────────────────────────────────────────────────────────────────────────────────────────────────


def door_of(connector: Connector) -> Webhook:
    assert connector.webhook is not None
    return connector.webhook


def event(kind: str, data: Any) -> bytes:
    return json.dumps({"id": "evt_1", "type": kind, "time": "2026-11-02T09:00:00Z", "data": data}).encode()


def test_every_event_of_the_marketplace_is_let_in_and_understood(market: Market) -> None:
    (order_id,) = market.buy((101, 2))
    market.pay(order_id)
    market.portal.ship_part(order_id, {f"{order_id}-1": 2}, "DHL", "JD01")
    market.portal.receive(order_id)
    market.portal.create_return(order_id, {f"{order_id}-1": 1}, "DEFECTIVE")
    market.portal.refund(order_id, f"{order_id}-1", 500, "RETURNED")
    market.move(days=10)
    door, kinds = door_of(market.mirakl), set()
    for request in market.webhooks:
        assert isinstance(door.verify(market.clock.machine(), request.headers, request.body), Verified | Forged)
        for record in door.split(request.body):
            kinds.add(record.kind)
            assert type(market.seen(record)).__name__.endswith("Seen"), record
    assert kinds == {"order", "return", "shipment", "cycle"}


def test_a_webhook_is_verified_the_moment_it_comes(market: Market) -> None:
    market.buy((101, 1))
    market.move(seconds=1)
    request = market.webhooks[-1]
    assert isinstance(door_of(market.mirakl).verify(market.clock.machine(), request.headers, request.body), Verified)


def test_news_of_a_refund_asks_for_no_money_since_only_the_list_of_pending_refunds_does(market: Market) -> None:
    assert door_of(market.mirakl).split(event("refund.created", {"refund_id": "1001"})) == ()


@pytest.mark.parametrize(
    "body",
    [event("order.exploded", {}), event("order.updated", {"order": 5}), event("order.updated", []), b"{}", b"nothing", b"", b"[" * 50_000],
)  # fmt: skip
def test_an_event_nobody_can_read_is_kept_as_one_malformed_record(market: Market, body: bytes) -> None:
    for connector in (market.mirakl, market.gateway):
        (record,) = door_of(connector).split(body)
        assert record.kind == "malformed"


def test_a_door_needs_a_secret() -> None:
    for name, system, account in (("mirakl", "mirakl", MIRAKL), ("payment", "gateway", GATEWAY)):
        keys = {k: v for k, v in secrets(system).items() if not k.startswith("webhook")}
        assert connect(name, Access(account, URLS[system], keys)).webhook is None


def test_a_secret_rotated_while_the_hub_runs_counts_at_once() -> None:
    held = {"now": SECRET}
    keys = {**secrets("gateway"), "webhook_secret": lambda: held["now"], "webhook_secret_old": lambda: OLD}
    door = door_of(connect("payment", Access(GATEWAY, URLS["gateway"], keys)))
    assert isinstance(door.verify(START, signed(), BODY), Verified)
    held["now"] = "whsec_" + base64.b64encode(b"the next secret").decode()
    assert isinstance(door.verify(START, signed(), BODY), Forged)
    assert isinstance(door.verify(START, signed(secret=held["now"]), BODY), Verified)
