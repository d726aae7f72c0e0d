"""Signed webhooks about orders, as the marketplace sends them."""

import base64
from collections.abc import Sequence

from bench import client
from entrepot.sandbox.mirakl.settings import Settings

PATH = "/hooks/mirakl-fr"
_KEY = base64.b64decode(Settings().webhook_secret.removeprefix("whsec_"))


def signed(host: str, port: int, orders: Sequence[bytes], prefix: str) -> list[bytes]:
    """One prepared request per order."""
    ids = (f"{prefix}-{n}" for n in range(len(orders)))
    return [
        client.signed(host, port, PATH, "application/json", _KEY, id_, body_of(id_, order))
        for id_, order in zip(ids, orders, strict=True)
    ]


def body_of(event_id: str, order: bytes) -> bytes:
    return b'{"id":"%s","type":"order.updated","time":"2026-03-09T07:00:00Z","data":%s}' % (event_id.encode(), order)
