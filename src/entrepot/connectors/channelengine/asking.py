"""What ChannelEngine's writes share: a body as JSON, an answer whose envelope says that it was done, the path of a product."""

from typing import Any
from urllib.parse import quote

import msgspec

from entrepot.connectors.exchange import Call
from entrepot.connectors.reading import Unreadable, encoded

JSON = {"content-type": "application/json"}
ROW_REFUSED = "row-refused"  # ours, for a row of a bulk call that was answered 200


class Said(msgspec.Struct):
    """An answer whose envelope says that it was done."""

    Success: bool


def json_call(method: str, path: str, body: Any) -> Call:
    return Call(method, path, (), JSON, encoded(body))


def named(sku: str) -> str:
    """Errors: Unreadable for an empty one: the path would mean another call."""
    if not sku:
        raise Unreadable("a product without its number", "$.sku")
    return sku


def product_path(sku: str) -> str:
    return f"/v2/products/{quote(named(sku), safe='')}"
