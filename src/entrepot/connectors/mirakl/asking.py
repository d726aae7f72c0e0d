"""What all of Mirakl's writes share: paths and bodies, an empty answer, and the look at the order itself.

Mirakl knows no idempotency key. What protects against doing twice is its state machine: after a refusal for the wrong
state, and after every unclear answer, the order is looked at.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from entrepot.connectors.exchange import Call
from entrepot.connectors.mirakl import shapes
from entrepot.connectors.reading import Unreadable, encoded, typed
from entrepot.connectors.writes import Look
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, Outcome, ReadBack, Refused

WRONG_STATE = frozenset({"ORDER_INVALID_STATE", "REFUND_INVALID_STATE", "CYCLE_INVALID_STATE"})
JSON = {"content-type": "application/json"}
OTHERWISE = "decided-otherwise"  # ours, for a state that excludes what we wanted


def json_call(method: str, path: str, body: Any) -> Call:
    return Call(method, path, (), JSON, encoded(body))


def order_path(order_id: str, tail: str = "") -> str:
    return f"/api/orders/{quote(order_id, safe='')}{tail}"


def no_content(_: object, response: HttpResponse) -> Outcome:
    """204, or 200 with an empty body. A page where nothing was promised proves nothing."""
    if response.status == 204 or not response.body.strip():
        return Done()
    raise Unreadable("a body came where none is published")


def look_at_order(order_id: Callable[[Any], str], judge: Callable[[Any, shapes.Order], ReadBack]) -> Look[Any]:
    def where(payload: Any, _key: str) -> Call:
        return Call("GET", order_path(order_id(payload)))

    return Look(where, lambda payload, response: judge(payload, typed(response.body, shapes.Order)))


def otherwise(order: shapes.Order) -> Refused:
    return Refused(OTHERWISE, f"order {order.order_id} is {order.order_state}")


def order_id_of(payload: Any) -> str:
    return str(payload.order_id)
