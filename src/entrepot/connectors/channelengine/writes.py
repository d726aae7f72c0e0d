"""ChannelEngine's writes. Natural keys protect most of them: our number of an order, a parcel, a cancellation, a product.

Lines go by product: a product that stands on several lines of an order is added up. Bulk calls are answered 200 and refuse
single rows inside. Prices and stocks are in `offer_writes.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from entrepot.connectors.channelengine import offer_writes, shapes, words
from entrepot.connectors.channelengine.asking import ROW_REFUSED, Said, json_call, named
from entrepot.connectors.channelengine.lists import EVERY_STATUS, ORDERS
from entrepot.connectors.channelengine.offer_writes import look_at_product, product_of
from entrepot.connectors.channelengine.wire import CONFLICT
from entrepot.connectors.exchange import Call
from entrepot.connectors.port import Access
from entrepot.connectors.reading import (
    Unreadable,
    elements,
    encoded,
    instant,
    members,
    minor,
    number_of,
    sortable,
    typed,
)
from entrepot.connectors.verbs import (
    AcknowledgeOrder,
    CancelLines,
    Quantity,
    ReceiveReturn,
    ShipParcel,
    SubmitListing,
)
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused

OTHERWISE = "decided-otherwise"  # ours, for a state that excludes what we wanted
ORDER_NO_CHARS_MAX = 50
EXTRA_IMAGES = 9
OWN_FIELDS = frozenset(
    {"Size", "Color", "ManufacturerProductNumber", "VatRateType", "ShippingTime", "Url", "MSRP", "PurchasePrice", "ShippingCost"}
    | {"ParentMerchantProductNo", "ParentMerchantProductNo2"}
)  # fmt: skip


def _succeeded(receipt: Callable[[Any], Mapping[str, Any]]) -> Callable[[Any, HttpResponse], Outcome]:
    """Only the envelope's own word is success. Errors: Unreadable without it (the wire has sorted out `false`)."""

    def read(payload: Any, response: HttpResponse) -> Outcome:
        typed(response.body, Said)
        return Done(receipt(payload))

    return read


def _number(text: str, name: str) -> str:
    """Errors: Unreadable when a number of ours is empty or longer than they keep."""
    if not text or len(text) > ORDER_NO_CHARS_MAX:
        raise Unreadable(f"“{text[:ORDER_NO_CHARS_MAX]}” is not a number they can keep", f"$.{name}")
    return text


def by_product(lines: Iterable[Quantity]) -> dict[str, int]:
    """Units by product. Errors: Unreadable when nothing, or nothing countable, is asked for."""
    found: dict[str, int] = {}
    for line in lines:
        sku = line.sku or line.line_id.partition("#")[0]
        if not sku or line.quantity < 1:
            raise Unreadable("lines with a product and a positive quantity are needed", "$.lines")
        found[sku] = found.get(sku, 0) + line.quantity
    if not found:
        raise Unreadable("no line is given", "$.lines")
    return found


def _rows(lines: Iterable[Quantity]) -> list[dict[str, Any]]:
    return [{"MerchantProductNo": sku, "Quantity": quantity} for sku, quantity in by_product(lines).items()]


# -- orders -----------------------------------------------------------------------------------------------------------


def acknowledge(payload: AcknowledgeOrder, _key: str) -> Call:
    if not payload.order_id.isdecimal():
        raise Unreadable("their order ids are whole numbers", "$.order_id")
    body = {"MerchantOrderNo": _number(payload.our_number, "our_number"), "OrderId": int(payload.order_id)}
    return json_call("POST", "/v2/orders/acknowledge", body)


def acknowledged(payload: AcknowledgeOrder, response: HttpResponse) -> ReadBack:
    """The order that carries our number: this one, or none yet."""
    found = [typed(raw, shapes.OrderNumbers) for raw in elements(response.body, "Content")]
    named = [one for one in found if one.MerchantOrderNo == payload.our_number]
    if not named:
        return NotThere(f"no order carries {payload.our_number}")
    if str(named[0].Id) == payload.order_id:
        return Done(_acknowledgement(payload))
    return Refused(OTHERWISE, f"{payload.our_number} is the number of order {named[0].Id}")


def _acknowledgement(payload: AcknowledgeOrder) -> Mapping[str, Any]:
    return {"order_id": payload.order_id, "our_number": payload.our_number}


def parcel_no(payload: ShipParcel) -> str:
    """A parcel's number is unique in its order only; theirs must be unique everywhere."""
    return f"{payload.our_number}/{payload.parcel}"


def ship(payload: ShipParcel, _key: str) -> Call:
    if not payload.parcel:
        raise Unreadable("a parcel needs our own number of it", "$.parcel")
    body = {
        "MerchantShipmentNo": parcel_no(payload),
        "MerchantOrderNo": _number(payload.our_number, "our_number"),
        "Lines": _rows(payload.lines),
        "TrackTraceNo": payload.tracking or None,
        "Method": payload.carrier or None,
        "ShipmentDate": sortable(instant(payload.shipped_at, "$.shipped_at")),
    }
    return json_call("POST", "/v2/shipments", body)


def shipped(payload: ShipParcel, response: HttpResponse) -> ReadBack:
    found = [typed(raw, shapes.Numbered).MerchantShipmentNo for raw in elements(response.body, "Content")]
    return Done(_shipment(payload)) if parcel_no(payload) in found else NotThere(f"no shipment {parcel_no(payload)}")


def _shipment(payload: ShipParcel) -> Mapping[str, Any]:
    return {"order_id": payload.order_id, "shipment_no": parcel_no(payload)}


def cancellation_no(payload: CancelLines) -> str:
    return f"{payload.our_number}/{payload.cancellation}"


def cancel(payload: CancelLines, _key: str) -> Call:
    if payload.reason not in words.CANCEL_REASONS:
        raise Unreadable(f"“{payload.reason}” is not a reason we know", "$.reason")
    if not payload.cancellation:
        raise Unreadable("a cancellation needs our own number of it", "$.cancellation")
    body = {
        "MerchantCancellationNo": cancellation_no(payload),
        "MerchantOrderNo": _number(payload.our_number, "our_number"),
        "Lines": _rows(payload.lines),
        "Reason": payload.reason,
        "ReasonCode": words.CANCEL_REASONS[payload.reason],
    }
    return json_call("POST", "/v2/cancellations", body)


def is_cancelled(payload: CancelLines, raw: msgspec.Raw) -> ReadBack | None:
    """Whether an element of the list is ours; None: it is another."""
    ours = typed(raw, shapes.Numbered).MerchantCancellationNo == cancellation_no(payload)
    return Done(cancelled_receipt(payload)) if ours else None


def cancelled_receipt(payload: CancelLines) -> Mapping[str, Any]:
    return {"order_id": payload.order_id, "cancellation_no": cancellation_no(payload)}


# -- offers and products ----------------------------------------------------------------------------------------------


def product_body(payload: SubmitListing) -> dict[str, Any]:
    """A product whole: what is left out they empty. A mapped attribute is one of their fields, else extra data."""
    if not payload.title:
        raise Unreadable("a product needs a name", "$.title")
    images = {f"ExtraImageUrl{n}": url for n, url in enumerate(payload.images[1 : EXTRA_IMAGES + 1], 1)}
    own = {name: value for name, value in payload.attributes.items() if name in OWN_FIELDS}
    extra = [
        {
            "Key": name,
            "Value": value if isinstance(value, str) else encoded(value).decode(),
            "Type": "TEXT",
            "IsPublic": True,
        }
        for name, value in sorted(payload.attributes.items())
        if name not in OWN_FIELDS
    ]
    body = {
        "MerchantProductNo": named(payload.sku),
        "Name": payload.title,
        "Description": payload.description,
        "Brand": payload.brand,
        "Ean": payload.gtin,
        "CategoryTrail": payload.category,
        "ImageUrl": payload.images[0] if payload.images else "",
        **images,
        **own,
    }
    filled = {name: value for name, value in body.items() if value not in ("", None)}
    price = number_of(payload.price_minor, payload.currency)
    return {**filled, "Price": price, "Stock": payload.quantity, "ExtraData": extra}


def submitted(payload: SubmitListing, response: HttpResponse) -> Outcome:
    raw = members(response.body).get("Content", msgspec.Raw(b"null"))
    taken = typed(raw, shapes.ProductsTaken)
    if taken.RejectedCount:
        messages = [text for one in taken.ProductMessages or () for text in one.Errors or ()]
        return Refused(ROW_REFUSED, "; ".join(messages) or f"{payload.sku} was rejected")
    if taken.AcceptedCount != 1:
        raise Unreadable(f"{taken.AcceptedCount} products were accepted, one was sent", "$.Content.AcceptedCount")
    return Done({"sku": payload.sku})


def product_is_so(payload: SubmitListing, response: HttpResponse) -> ReadBack:
    """All of its texts and its price as we sent them; the stock may have been sold from meanwhile. Sent again it is the same."""
    product, shown = product_of(response)
    wanted = {
        name: value for name, value in product_body(payload).items() if name not in ("Price", "Stock", "ExtraData")
    }
    differs = [name for name, value in wanted.items() if shown.get(name) != encoded(value)]
    price = None if product.Price is None else minor(product.Price, payload.currency, "$.Content.Price")
    if differs or price != payload.price_minor:
        return NotThere(f"{payload.sku} shows another {differs[0] if differs else 'Price'}")
    return Done({"sku": payload.sku})


# -- returns ----------------------------------------------------------------------------------------------------------


def receive(payload: ReceiveReturn, _key: str) -> Call:
    if not payload.return_id.isdecimal():
        raise Unreadable("their return ids are whole numbers", "$.return_id")
    accepted = by_product(payload.accepted) if payload.accepted else {}
    rejected = by_product(payload.rejected) if payload.rejected else {}
    if not accepted and not rejected:
        raise Unreadable("nothing came back", "$.accepted")
    lines = [
        {"MerchantProductNo": sku, "AcceptedQuantity": accepted.get(sku, 0), "RejectedQuantity": rejected.get(sku, 0)}
        for sku in sorted({*accepted, *rejected})
    ]
    return json_call("PUT", "/v2/returns", {"ReturnId": int(payload.return_id), "Lines": lines})


def is_received(payload: ReceiveReturn, raw: msgspec.Raw) -> ReadBack | None:
    """What the list says of our return; None: it is another. It does not tell how much of it was accepted."""
    one = typed(raw, shapes.Return)
    if str(one.Id) != payload.return_id:
        return None
    if one.Status == words.RECEIVED:
        return Done(received_receipt(payload))
    if one.Status == words.WITHDRAWN:
        return Refused(OTHERWISE, f"return {one.Id} is {one.Status}")
    if one.Status not in words.RETURN_BY_STATUS:
        raise Unreadable(f"return {one.Id} is “{one.Status}”, a word we do not know", "$.Status")
    return NotThere(f"return {one.Id} is {one.Status}")


def received_receipt(payload: ReceiveReturn) -> Mapping[str, Any]:
    return {"return_id": payload.return_id}


def shapes_of(access: Access) -> Mapping[str, Shape[Any]]:
    """Every write, with what the account's settings say."""
    by_number: Look[AcknowledgeOrder] = Look(
        lambda payload, _key: Call("GET", ORDERS, (*EVERY_STATUS, ("merchantOrderNos", payload.our_number))),
        acknowledged,
    )
    by_parcel: Look[ShipParcel] = Look(
        lambda payload, _key: Call("GET", "/v2/shipments/merchant", (("merchantShipmentNos", parcel_no(payload)),)),
        shipped,
    )
    conflict = frozenset({CONFLICT})  # [guess] that a number used before is refused with it
    return {
        "channelengine.acknowledge": Shape(AcknowledgeOrder, acknowledge, _succeeded(_acknowledgement), by_number),
        "channelengine.ship": Shape(ShipParcel, ship, _succeeded(_shipment), by_parcel, conflict),
        "channelengine.cancel": Shape(CancelLines, cancel, _succeeded(cancelled_receipt)),
        **offer_writes.shapes_of(access),
        "channelengine.submit-product": Shape(
            SubmitListing,
            lambda payload, _key: json_call("POST", "/v2/products", [product_body(payload)]),
            submitted,
            look_at_product(product_is_so),
        ),
        "channelengine.receive-return": Shape(ReceiveReturn, receive, _succeeded(received_receipt)),
    }
