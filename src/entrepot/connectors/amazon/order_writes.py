"""Ship a parcel (confirmShipment, v0), found again in the order itself."""

from hashlib import blake2b

from entrepot.connectors.amazon import order_shapes as shapes
from entrepot.connectors.amazon.order_sources import old_path, order_path
from entrepot.connectors.amazon.wire import NOT_FOUND, Wire, json_call
from entrepot.connectors.amazon.words import PACKAGE_CANCELLED
from entrepot.connectors.exchange import Call
from entrepot.connectors.reading import Unreadable, instant, typed
from entrepot.connectors.verbs import ShipParcel
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused

REFERENCE_DIGITS_MAX = 9
OTHERWISE = "otherwise"
OTHER_CARRIER = "Others"  # then the name counts
INVALID = frozenset({"InvalidInput", "Invalid Input"})


def package_reference(parcel: str) -> str:
    """They take positive numbers only, unique within the order: ours where it is one, else a number made of it."""
    if parcel.isascii() and parcel.isdigit() and 0 < len(parcel) <= REFERENCE_DIGITS_MAX and int(parcel):
        return str(int(parcel))
    return str(int.from_bytes(blake2b(parcel.encode(), digest_size=8).digest()) % 10**REFERENCE_DIGITS_MAX or 1)


def ship(wire: Wire) -> Shape[ShipParcel]:
    def ask(payload: ShipParcel, _key: str) -> Call:
        if not payload.lines:
            raise Unreadable("a parcel without content", "$.lines")
        package = {
            "packageReferenceId": package_reference(payload.parcel),
            "carrierCode": OTHER_CARRIER if payload.other_carrier else payload.carrier,
            "carrierName": payload.carrier,
            "trackingNumber": payload.tracking,
            "shipDate": instant(payload.shipped_at, "$.shipped_at").isoformat().replace("+00:00", "Z"),
            "orderItems": [{"orderItemId": line.line_id, "quantity": line.quantity} for line in payload.lines],
        }
        if payload.service:
            package["shippingMethod"] = payload.service
        body = {"marketplaceId": wire.marketplace_id, "packageDetail": package}
        return json_call("POST", old_path(payload.order_id, "/shipmentConfirmation"), body)

    return Shape(ShipParcel, ask, _shipped, Look(order_of, _parcel_in, NOT_FOUND), INVALID)


def _receipt(payload: ShipParcel) -> Done:
    return Done({"package_reference_id": package_reference(payload.parcel)})


def _shipped(payload: ShipParcel, response: HttpResponse) -> Outcome:
    if response.status != 204 and response.body.strip():
        raise Unreadable("nothing was to come back")
    return _receipt(payload)


def order_of(payload: ShipParcel, _key: str) -> Call:
    return Call("GET", order_path(payload.order_id), (("includedData", "FULFILLMENT,PACKAGES"),))


def seen_order(response: HttpResponse) -> shapes.Order:
    return typed(typed(response.body, shapes.OneOrder).order, shapes.Order)


def _parcel_in(payload: ShipParcel, response: HttpResponse) -> ReadBack:
    order, reference = seen_order(response), package_reference(payload.parcel)
    for package in order.packages or []:
        if package.packageReferenceId != reference:
            continue
        if package.packageStatus and package.packageStatus.status == PACKAGE_CANCELLED:
            return Refused(OTHERWISE, f"package {reference} of {order.orderId} was cancelled")
        if package.trackingNumber in (None, payload.tracking):
            return _receipt(payload)
        return Refused(OTHERWISE, f"package {reference} of {order.orderId} travels as {package.trackingNumber}")
    if order.fulfillment.fulfillmentStatus == "CANCELLED":
        return Refused(OTHERWISE, f"order {order.orderId} is cancelled")
    return NotThere(f"no package {reference} in {order.orderId}")
