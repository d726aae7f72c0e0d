"""An order in the words of orders 2026-01-01. Every documented key is there, null where nothing is or was asked for."""

from collections.abc import Collection
from typing import Any, Final

from entrepot.sandbox.amazon.money import text_of
from entrepot.sandbox.amazon.settings import Market
from entrepot.sandbox.amazon.state import CANCELLED, Line, Order, Package
from entrepot.sandbox.amazon.wire import blank, maybe, stamp

DATASETS: Final = (
    "BUYER",
    "RECIPIENT",
    "PROCEEDS",
    "EXPENSE",
    "PROMOTION",
    "CANCELLATION",
    "FULFILLMENT",
    "PACKAGES",
    "TAX",
    "PAYMENT",
    "FULFILLMENT_ORDERS",
)
CANCELLED_BY: Final = {"buyer": "BUYER", "seller": "MERCHANT", "channel": "AMAZON"}


def order_json(order: Order, market: Market, asked: Collection[str]) -> dict[str, Any]:
    """One order with the datasets asked for. A pending order shows neither money nor address."""
    ready = not order.pending
    return {
        "orderId": order.order_id,
        "orderAliases": [{"aliasId": order.merchant_order_id, "aliasType": "SELLER_ORDER_ID"}]
        if order.merchant_order_id
        else [],
        "createdTime": stamp(order.placed_at),
        "lastUpdatedTime": stamp(order.updated_at),
        "programs": [],
        "associatedOrders": [],
        "salesChannel": {
            "channelName": "AMAZON",
            "marketplaceId": market.marketplace_id,
            "marketplaceName": market.name,
        },
        "buyer": _buyer(order, market) if "BUYER" in asked and ready else None,
        "recipient": _recipient(order, market) if "RECIPIENT" in asked and ready else None,
        "proceeds": _proceeds(order, market) if "PROCEEDS" in asked and ready else None,
        "payment": {"paymentExecutions": []} if "PAYMENT" in asked and ready else None,
        "tax": {
            "taxRegistrations": [],
            "taxInvoicing": {"buyerInvoicePreference": "INDIVIDUAL", "invoiceStatus": None},
        }
        if "TAX" in asked and ready
        else None,
        "fulfillment": _fulfillment(order) if "FULFILLMENT" in asked else None,
        "orderItems": [_item(order, line, market, asked) for line in order.lines.values()],
        "packages": [_package(package) for package in order.packages] if "PACKAGES" in asked else [],
        "fulfillmentOrders": [],
    }


def _money(minor: int, market: Market) -> dict[str, str]:
    return {"amount": text_of(minor, market.currency), "currencyCode": market.currency}


def _buyer(order: Order, market: Market) -> dict[str, Any]:
    return {
        "buyerName": order.buyer,
        "buyerEmail": buyer_email(order, market),
        **blank("buyerCompanyName", "buyerPurchaseOrderNumber"),
    }


def buyer_email(order: Order, market: Market) -> str:
    """The relayed address a seller sees."""
    return f"{order.order_id.replace('-', '')[-12:]}@marketplace.{market.name.lower()}"


def _recipient(order: Order, market: Market) -> dict[str, Any]:
    return {
        "deliveryAddress": {
            "name": order.buyer,
            "companyName": None,
            "addressLine1": f"{order.order_id[-2:]} Harbour Street",
            **blank("addressLine2", "addressLine3"),
            "city": market.city,
            **blank("districtOrCounty", "stateOrRegion", "municipality"),
            "postalCode": market.postal_code,
            "countryCode": market.country,
            "phone": "+49 40 5550100",
            "extendedFields": None,
            "addressType": "RESIDENTIAL",
        },
        "deliveryPreference": None,
    }


def live_minor(line: Line, whole_minor: int) -> int:
    """The part of a line's amount that belongs to pieces not cancelled."""
    return whole_minor * (line.quantity - line.cancelled) // line.quantity


def order_total(order: Order) -> int:
    """What the buyer owes for what is not cancelled."""
    return sum(
        live_minor(line, line.price_minor) + live_minor(line, line.shipping_minor) + live_minor(line, line.tax_minor)
        for line in order.lines.values()
    )


def _breakdowns(lines: Collection[Line], market: Market, detailed: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for kind, name in (("ITEM", "price_minor"), ("SHIPPING", "shipping_minor"), ("TAX", "tax_minor")):
        subtotal = sum(live_minor(line, getattr(line, name)) for line in lines)
        if kind == "ITEM" or subtotal:
            more: dict[str, Any] = {"detailedBreakdowns": []} if detailed else {"status": None}
            found.append({"type": kind, "subtotal": _money(subtotal, market), **more})
    return found


def _proceeds(order: Order, market: Market) -> dict[str, Any]:
    return {
        "grandTotal": _money(order_total(order), market),
        "breakdowns": _breakdowns(list(order.lines.values()), market, detailed=False),
    }


def _fulfillment(order: Order) -> dict[str, Any]:
    return {
        "fulfillmentStatus": order.status,
        "fulfilledBy": "MERCHANT" if order.mine else "AMAZON",
        "fulfillmentServiceLevel": "STANDARD",
        "shipByWindow": {"earliestDateTime": stamp(order.ship_from), "latestDateTime": stamp(order.ship_by)},
        "deliverByWindow": {"earliestDateTime": stamp(order.deliver_from), "latestDateTime": stamp(order.deliver_by)},
        "labelPrintingWindow": None,
    }


def _item(order: Order, line: Line, market: Market, asked: Collection[str]) -> dict[str, Any]:
    ready = not order.pending
    total = [line.price_minor, line.shipping_minor, line.tax_minor]
    return {
        "orderItemId": line.line_id,
        "quantityOrdered": line.quantity,
        "measurement": None,
        "associatedOrderItems": [],
        "programs": [],
        "product": {
            "asin": line.asin,
            "title": line.title,
            "sellerSku": line.sku,
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW", "conditionNote": None},
            "price": {"unitPrice": _money(line.unit_minor, market), "priceDesignation": None} if ready else None,
            "serialNumbers": [],
            "customization": None,
        },
        "proceeds": {
            "proceedsTotal": _money(sum(live_minor(line, whole) for whole in total), market),
            "breakdowns": _breakdowns([line], market, detailed=True),
        }
        if "PROCEEDS" in asked and ready
        else None,
        "expense": {"pointsCost": None} if "EXPENSE" in asked and ready else None,
        "promotion": {"breakdowns": []} if "PROMOTION" in asked and ready else None,
        "cancellation": _cancellation(line) if "CANCELLATION" in asked else None,
        "fulfillment": _item_fulfillment(line) if "FULFILLMENT" in asked else None,
        "tax": {"taxCalculationBreakdowns": [], "taxCollections": _collections(market)}
        if "TAX" in asked and ready
        else None,
    }


def _collections(market: Market) -> list[dict[str, str]]:
    if not market.tax_on_top:
        return []
    return [{"model": "MARKETPLACE_FACILITATOR", "responsibleParty": "Amazon Services, Inc."}]


def _cancellation(line: Line) -> dict[str, Any]:
    return {
        "cancellationRequest": {"requester": "BUYER", "cancelReason": line.ask_reason} if line.ask_reason else None,
        "cancellationExecution": {
            "cancelledBy": CANCELLED_BY[line.cancelled_by],
            "cancelReason": line.cancel_reason,
        }
        if line.cancelled_by
        else None,
    }


def _item_fulfillment(line: Line) -> dict[str, Any]:
    return {
        "quantityFulfilled": line.shipped,
        "quantityUnfulfilled": line.open,
        **blank("picking", "packing", "shipping"),
    }


def _package(package: Package) -> dict[str, Any]:
    return {
        "packageReferenceId": package.key,
        "createdTime": stamp(package.created_at),
        "packageStatus": {"status": package.status, "detailedStatus": package.status},
        "carrier": package.carrier_name or package.carrier,
        "shipTime": maybe(package.shipped_at),
        "shippingService": package.method,
        "trackingNumber": package.tracking,
        "shipFromAddress": None,
        "packageItems": [
            {"orderItemId": line_id, "quantity": count, "transparencyCodes": []}
            for line_id, count in package.items.items()
        ],
    }


def shows_total(order: Order) -> bool:
    """Neither pending nor cancelled orders tell a total in v0."""
    return not order.pending and order.status != CANCELLED
