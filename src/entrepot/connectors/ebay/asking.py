"""What eBay's writes share: paths and bodies, answers that may be empty, and looks before and after.

eBay knows no idempotency key, and most of its writes have no natural key either. So nothing is sent a second time before a
look, and a refusal may mean that it is so already: only a look can tell.
"""

from typing import Any
from urllib.parse import quote

from entrepot.connectors.exchange import Call
from entrepot.connectors.reading import Unreadable, encoded, members, number_of
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, Outcome

JSON = {"content-type": "application/json"}
OTHERWISE = "decided-otherwise"  # ours, for a state that excludes what we wanted
FULFILLMENT, INVENTORY, POST_ORDER = "/sell/fulfillment/v1", "/sell/inventory/v1", "/post-order/v2"


def json_call(method: str, path: str, body: Any) -> Call:
    return Call(method, path, (), JSON, encoded(body))


def part(text: str) -> str:
    """An id as one part of a path."""
    return quote(text, safe="")


def order_path(order_id: str, tail: str = "") -> str:
    return f"{FULFILLMENT}/order/{part(order_id)}{tail}"


def price_of(minor: int, currency: str) -> dict[str, str]:
    """An amount as the REST interfaces take it: text."""
    return {"value": format(number_of(minor, currency), "f"), "currency": currency}


def done_quietly(_payload: object, response: HttpResponse) -> Outcome:
    """204, nothing, or an object of theirs. A page where nothing was promised proves nothing."""
    if response.status != 204 and response.body.strip():
        members(response.body)
    return Done()


def no_content(_payload: object, response: HttpResponse) -> Outcome:
    if response.status == 204:
        return Done()
    raise Unreadable("204 is published, and something else came")
