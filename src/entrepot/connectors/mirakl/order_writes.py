"""Writes to orders: make them from a basket (OR01), decide (OR21), track (OR23), ship (OR24), cancel (OR29)."""

from collections.abc import Sequence

import msgspec

from entrepot.connectors.exchange import Call
from entrepot.connectors.mirakl import payloads, shapes
from entrepot.connectors.mirakl.asking import (
    WRONG_STATE,
    json_call,
    look_at_order,
    no_content,
    order_id_of,
    order_path,
    otherwise,
)
from entrepot.connectors.mirakl.words import PAST_ACCEPTANCE, SHIPPED_OR_LATER
from entrepot.connectors.reading import elements, number_of, typed
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown


class _OfferError(msgspec.Struct):
    offer_id: shapes.Id
    error_code: str | None = None
    message: str | None = None


class _Created(msgspec.Struct):
    orders: list[msgspec.Raw]
    offers_errors: list[_OfferError] | None = None
    offers_not_shippable: list[_OfferError] | None = None


def create_orders(payload: payloads.CreateOrders, _key: str) -> Call:
    """The schema is not public: members follow a running client, the rest is a guess (docs of the sandbox)."""
    basket = payload.basket
    shipping = {"shipping_type_code": basket.shipping_type} if basket.shipping_type else {}
    return json_call(
        "POST",
        "/api/orders",
        {
            "commercial_id": basket.commercial_id,
            "scored": True,
            "customer": basket.customer,
            "currency_iso_code": basket.currency,
            "offers": [
                {
                    "offer_id": int(line.offer_id) if line.offer_id.isdecimal() else line.offer_id,
                    "offer_price": number_of(line.unit_price_minor, basket.currency),
                    "price": number_of(line.unit_price_minor * line.quantity, basket.currency),
                    "quantity": line.quantity,
                    "shipping_price": number_of(line.shipping_minor, basket.currency),
                    "order_line_additional_fields": [],
                    **shipping,
                }
                for line in basket.lines
            ],
        },
    )


def _receipt_of_orders(raws: Sequence[msgspec.Raw]) -> Done:
    return Done({"order_ids": [typed(raw, shapes.OrderHead).order_id for raw in raws]})


def orders_created(_payload: payloads.CreateOrders, response: HttpResponse) -> Outcome:
    """201 may hold refusals only: all of a basket is made, or nothing."""
    created = typed(response.body, _Created)
    if created.orders:
        return _receipt_of_orders(created.orders)
    errors = [*(created.offers_errors or ()), *(created.offers_not_shippable or ())]
    if not errors:
        return Unknown("neither orders nor reasons came back")
    told = "; ".join(f"offer {e.offer_id}: {e.message or e.error_code or 'refused'}" for e in errors)
    return Refused(errors[0].error_code or "OFFERS_REFUSED", told, "offers")


def _orders_of_basket(payload: payloads.CreateOrders, _key: str) -> Call:
    return Call("GET", "/api/orders", (("commercial_ids", payload.basket.commercial_id), ("max", "100")))


def _orders_found(payload: payloads.CreateOrders, response: HttpResponse) -> ReadBack:
    raws = elements(response.body, "orders")
    return _receipt_of_orders(raws) if raws else NotThere(f"no order of basket {payload.basket.commercial_id}")


CREATE_ORDERS = Shape(
    payloads.CreateOrders,
    create_orders,
    orders_created,
    Look(_orders_of_basket, _orders_found),
    frozenset({"COMMERCIAL_ID_ALREADY_USED"}),
)


def accept(payload: payloads.Accept, _key: str) -> Call:
    lines = [{"id": line.order_line_id, "accepted": line.accepted} for line in payload.lines]
    return json_call("PUT", order_path(payload.order_id, "/accept"), {"order_lines": lines})


def accepted(payload: payloads.Accept, order: shapes.Order) -> ReadBack:
    """Past the decision it is done if it was ours: a refused line reads REFUSED, an accepted one anything else."""
    if order.order_state not in PAST_ACCEPTANCE:
        return NotThere(f"order {order.order_id} is {order.order_state}")
    theirs = {line.order_line_id: line.order_line_state != "REFUSED" for line in order.order_lines}
    ours = {line.order_line_id: line.accepted for line in payload.lines}
    return Done({"order_state": order.order_state}) if theirs == ours else otherwise(order)


def track(payload: payloads.Tracking, _key: str) -> Call:
    body = {
        "carrier_code": payload.carrier_code or None,
        "carrier_name": payload.carrier_name or None,
        "carrier_url": payload.carrier_url or None,
        "tracking_number": payload.tracking_number,
    }
    return json_call("PUT", order_path(payload.order_id, "/tracking"), body)


def tracked(payload: payloads.Tracking, order: shapes.Order) -> ReadBack:
    if order.shipping_tracking == payload.tracking_number:
        return Done({"order_state": order.order_state})
    return NotThere(f"order {order.order_id} carries {order.shipping_tracking or 'no tracking number'}")


def shipped(_payload: payloads.OneOrder, order: shapes.Order) -> ReadBack:
    if order.order_state in SHIPPED_OR_LATER:
        return Done({"order_state": order.order_state})
    if order.order_state in ("CANCELED", "REFUSED"):
        return otherwise(order)
    return NotThere(f"order {order.order_id} is {order.order_state}")


def cancelled(_payload: payloads.OneOrder, order: shapes.Order) -> ReadBack:
    if order.order_state == "CANCELED":
        return Done({"order_state": order.order_state})
    if order.order_state in SHIPPED_OR_LATER | {"REFUSED"}:
        return otherwise(order)
    return NotThere(f"order {order.order_id} is {order.order_state}")


ACCEPT = Shape(payloads.Accept, accept, no_content, look_at_order(order_id_of, accepted), WRONG_STATE)
TRACKING = Shape(payloads.Tracking, track, no_content, look_at_order(order_id_of, tracked), WRONG_STATE)
SHIP = Shape(
    payloads.OneOrder,
    lambda payload, _key: Call("PUT", order_path(payload.order_id, "/ship")),
    no_content,
    look_at_order(order_id_of, shipped),
    WRONG_STATE,
)
CANCEL = Shape(
    payloads.OneOrder,
    lambda payload, _key: Call("PUT", order_path(payload.order_id, "/cancel")),
    no_content,
    look_at_order(order_id_of, cancelled),
    WRONG_STATE,
)
