"""Signed webhooks about orders, as the marketplace sends them."""

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence

from bench.client import prepared
from entrepot.sandbox.mirakl.settings import Settings

PATH = "/hooks/mirakl-fr"
_KEY = base64.b64decode(Settings().webhook_secret.removeprefix("whsec_"))


def signed(host: str, port: int, orders: Sequence[bytes], prefix: str) -> list[bytes]:
    """One prepared request per order, signed now: good for the five minutes of the tolerance."""
    stamp = str(int(time.time()))
    return [_signed(host, port, f"{prefix}-{n}", stamp, order) for n, order in enumerate(orders)]


def body_of(event_id: str, order: bytes) -> bytes:
    return b'{"id":"%s","type":"order.updated","time":"2026-03-09T07:00:00Z","data":%s}' % (event_id.encode(), order)


def _signed(host: str, port: int, event_id: str, stamp: str, order: bytes) -> bytes:
    body = body_of(event_id, order)
    digest = hmac.new(_KEY, f"{event_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    headers = [
        ("content-type", "application/json"),
        ("webhook-id", event_id),
        ("webhook-timestamp", stamp),
        ("webhook-signature", f"v1,{base64.b64encode(digest).decode()}"),
    ]
    return prepared(host, port, PATH, headers, body)
