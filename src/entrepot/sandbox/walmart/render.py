"""Orders as the API shows them: one line with its units by status, every documented key present.

[guess] a charge is for the whole line, not per unit; "intentToCancel" is shown on the line.
"""

from decimal import Decimal
from typing import Any, Final

from entrepot.sandbox.walmart.settings import Settings
from entrepot.sandbox.walmart.state import BY_MARKETPLACE, Charge, Line, Order, Parcel, Refund
from entrepot.sandbox.walmart.wire import major, millis, stamp

BUYERS: Final = (
    ("Ada Marsh", "12 Pine Street", "Bentonville", "AR", "72712"),
    ("Lee Harper", "860 W California Ave", "Sunnyvale", "CA", "94086"),
    ("Rosa Quinn", "41 Canal Road", "Lowell", "MA", "01852"),
    ("Noor Hale", "7 Lake View", "Duluth", "MN", "55802"),
)


def address_of(order: Order) -> dict[str, str | None]:
    """Where it goes, and to whom."""
    name, street, city, state, code = BUYERS[order.sequence % len(BUYERS)]
    return {
        "name": order.buyer or name,
        "address1": street,
        "address2": None,
        "city": city,
        "state": state,
        "postalCode": code,
        "country": "USA",
        "addressType": "RESIDENTIAL",
    }


def order_json(order: Order, settings: Settings, *, product_info: bool = False) -> dict[str, Any]:
    """An order as lists and writes answer it."""
    goods = sum(line.price_minor * line.quantity for line in order.lines)
    shipping = sum(line.unit_shipping_minor * line.quantity for line in order.lines)
    total = sum(line.unit_total_minor() * line.quantity for line in order.lines)
    by_walmart = order.fulfilled_by == BY_MARKETPLACE
    sums = (("PRODUCT", goods), ("SHIPPING", shipping), ("TAX", total - goods - shipping))
    return {
        "purchaseOrderId": order.order_id,
        "customerOrderId": order.customer_order_id,
        "customerEmailId": f"{order.customer_order_id}@relay.walmart.com",
        "orderType": "REGULAR",
        "originalCustomerOrderID": None,
        "orderDate": millis(order.placed_at),
        "buyerId": None,
        "mart": settings.market,
        "isGuest": False,
        "shippingInfo": {
            "phone": "5555550100",
            "estimatedDeliveryDate": millis(order.deliver_by),
            "estimatedShipDate": millis(order.ship_by),
            "methodCode": "Standard",
            "postalAddress": address_of(order),
        },
        "orderLines": {"orderLine": [_line(order, line, settings, product_info) for line in order.lines]},
        "paymentTypes": ["CREDITCARD"],
        "orderSummary": {
            "totalAmount": _amount(total, settings),
            "orderSubTotals": [{"subTotalType": kind, "totalAmount": _amount(value, settings)} for kind, value in sums],
        },
        "pickupPersons": [],
        "shipNode": {
            "type": "WFSFulfilled" if by_walmart else "SellerFulfilled",
            "name": "Walmart" if by_walmart else settings.seller_name,
            "id": "800000001" if by_walmart else settings.ship_node,
        },
    }


def single_json(order: Order, settings: Settings, *, product_info: bool = False) -> dict[str, Any]:
    """An order as it is answered alone: without the wrapping, its date as text (so says the interface description)."""
    shown = order_json(order, settings, product_info=product_info)
    return {**shown, "orderDate": stamp(order.placed_at)}


def _line(order: Order, line: Line, settings: Settings, product_info: bool) -> dict[str, Any]:
    charges = [_charge("PRODUCT", "ItemPrice", line.charged("PRODUCT", line.quantity), settings)]
    if line.unit_shipping_minor:
        charges.append(_charge("SHIPPING", "Shipping", line.charged("SHIPPING", line.quantity), settings))
    refunds = [_refund(refund, settings) for refund in line.refunds]
    asked = "TRUE" if line.cancel_asked else None
    item: dict[str, Any] = {"productName": line.title, "sku": line.sku, "imageUrl": None, "weight": None}
    if product_info:
        item["imageUrl"] = f"https://images.example/{line.gtin}.jpg"
        item["weight"] = {"value": "1.0", "unit": "Pounds"}
    return {
        "lineNumber": line.line_id,
        "isFullRefund": bool(line.shipped) and line.refunded_units == line.shipped,
        "item": item,
        "charges": {"charge": charges},
        "orderLineQuantity": _units(line.quantity),
        "statusDate": millis(line.changed_at),
        "orderLineStatuses": {"orderLineStatus": _statuses(line)},
        "intentToCancel": asked,
        "refund": refunds[-1] if refunds else None,
        "refunds": {"refund": refunds},
        "fulfillment": {
            "fulfillmentOption": "S2H",
            "shipMethod": "STANDARD",
            "storeId": None,
            "pickUpDateTime": millis(order.deliver_by),
            "pickUpBy": None,
            "shippingProgramType": None,
        },
    }


def _statuses(line: Line) -> list[dict[str, Any]]:
    found = [_status("Created", line.created)] if line.created else []
    if line.acknowledged:
        found.append(_status("Acknowledged", line.acknowledged))
    for parcel in line.parcels:
        kept = parcel.quantity - parcel.refunded
        if kept:
            found.append(_status("Delivered" if parcel.delivered_at else "Shipped", kept, parcel=parcel))
        if parcel.refunded:
            found.append(_status("Refund", parcel.refunded, parcel=parcel))
    found += [_status("Cancelled", units, reason=reason) for reason, units in line.cancelled.items()]
    return found


def _status(word: str, units: int, *, parcel: Parcel | None = None, reason: str | None = None) -> dict[str, Any]:
    return {
        "status": word,
        "statusQuantity": _units(units),
        "cancellationReason": reason,
        "trackingInfo": None if parcel is None else _tracking(parcel),
        "returnCenterAddress": None,
    }


def _tracking(parcel: Parcel) -> dict[str, Any]:
    return {
        "shipDateTime": millis(parcel.shipped_at),
        "carrierName": {"otherCarrier": parcel.other_carrier, "carrier": parcel.carrier},
        "methodCode": parcel.method,
        "trackingNumber": parcel.tracking,
        "trackingURL": parcel.tracking_url,
    }


def _refund(refund: Refund, settings: Settings) -> dict[str, Any]:
    return {
        "refundId": refund.refund_id,
        "refundComments": refund.comments,
        "refundCharges": {
            "refundCharge": [
                {"refundReason": charge.reason, "charge": _refunded(charge, settings)} for charge in refund.charges
            ]
        },
    }


def _refunded(charge: Charge, settings: Settings) -> dict[str, Any]:
    return _charge(charge.kind, charge.name, (-charge.amount_minor, -charge.tax_minor), settings)


def _charge(kind: str, name: str, money: tuple[int, int], settings: Settings) -> dict[str, Any]:
    amount, tax = money
    return {
        "chargeType": kind,
        "chargeName": name,
        "chargeAmount": {"currency": settings.currency, "amount": major(amount)},
        "tax": {"taxName": f"{name} Tax", "taxAmount": {"currency": settings.currency, "amount": major(tax)}},
    }


def _units(count: int) -> dict[str, str]:
    return {"unitOfMeasurement": "EACH", "amount": str(count)}


def _amount(minor: int, settings: Settings) -> dict[str, Decimal | str]:
    return {"currencyAmount": major(minor), "currencyUnit": settings.currency}
