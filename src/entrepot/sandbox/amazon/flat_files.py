"""Reports of orders and returns as tab separated text."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from entrepot.sandbox.amazon.money import text_of
from entrepot.sandbox.amazon.order_view import live_minor
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.state import V0_STATUS, Line, Order
from entrepot.sandbox.amazon.wire import stamp

ORDER_COLUMNS: Final = (
    "amazon-order-id",
    "merchant-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "fulfillment-channel",
    "sales-channel",
    "order-channel",
    "ship-service-level",
    "product-name",
    "sku",
    "asin",
    "item-status",
    "quantity",
    "currency",
    "item-price",
    "item-tax",
    "shipping-price",
    "shipping-tax",
    "gift-wrap-price",
    "gift-wrap-tax",
    "item-promotion-discount",
    "ship-promotion-discount",
    "ship-city",
    "ship-state",
    "ship-postal-code",
    "ship-country",
    "promotion-ids",
)
RETURN_COLUMNS: Final = (
    "Order ID",
    "Order date",
    "Return request date",
    "Return request status",
    "Amazon RMA ID",
    "Merchant RMA ID",
    "Label type",
    "Label cost",
    "Currency code",
    "Return carrier",
    "Tracking ID",
    "Label to be paid by",
    "A-to-Z Claim",
    "Is prime",
    "ASIN",
    "Merchant SKU",
    "Item Name",
    "Return quantity",
    "Return reason",
    "In policy",
    "Return type",
    "Resolution",
    "Invoice number",
    "Return delivery date",
    "Order Amount",
    "Order quantity",
    "SafeT Action reason",
    "SafeT claim id",
    "SafeT claim state",
    "SafeT claim creation time",
    "SafeT claim reimbursement amount",
    "Refunded Amount",
)
"""Both lists of columns are general knowledge, not in our reference: [guess]."""


def orders_file(platform: Platform, since: datetime, until: datetime) -> bytes:
    """GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL: one row per item of every order changed in the span."""
    found = sorted(
        (order for order in platform.orders.values() if since <= order.updated_at <= until),
        key=lambda order: (order.updated_at, order.order_id),
    )
    return _file(ORDER_COLUMNS, (_order_row(platform, order, line) for order in found for line in order.lines.values()))


def _order_row(platform: Platform, order: Order, line: Line) -> Mapping[str, str]:
    market = platform.market

    def money(minor: int) -> str:
        return "" if order.pending else text_of(live_minor(line, minor), market.currency)

    return {
        "amazon-order-id": order.order_id,
        "merchant-order-id": order.merchant_order_id or "",
        "purchase-date": stamp(order.placed_at),
        "last-updated-date": stamp(order.updated_at),
        "order-status": "Cancelled" if V0_STATUS[order.status] == "Canceled" else V0_STATUS[order.status],
        "fulfillment-channel": "Merchant" if order.mine else "Amazon",
        "sales-channel": market.name,
        "ship-service-level": "Standard",
        "product-name": line.title,
        "sku": line.sku,
        "asin": line.asin,
        "item-status": _item_status(line),
        "quantity": str(line.quantity - line.cancelled),
        "currency": "" if order.pending else market.currency,
        "item-price": money(line.price_minor),
        "item-tax": money(line.tax_minor + line.vat_minor),
        "shipping-price": money(line.shipping_minor),
        "shipping-tax": money(0),
        "ship-city": "" if order.pending else market.city,
        "ship-postal-code": "" if order.pending else market.postal_code,
        "ship-country": "" if order.pending else market.country,
    }


def _item_status(line: Line) -> str:
    if line.cancelled == line.quantity:
        return "Cancelled"
    return "Unshipped" if line.open else "Shipped"


def returns_file(platform: Platform, since: datetime, until: datetime) -> bytes:
    """GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE: one row per item of every return asked for in the span."""
    rows = []
    for returned in platform.returns.values():
        if not since <= returned.at <= until:
            continue
        order = platform.orders[returned.order_id]
        disputed = any(dispute.order_id == order.order_id for dispute in platform.disputes.values())
        for line_id, count in returned.lines.items():
            line = order.lines[line_id]
            rows.append(
                {
                    "Order ID": order.order_id,
                    "Order date": stamp(order.placed_at),
                    "Return request date": stamp(returned.at),
                    "Return request status": "Approved",
                    "Amazon RMA ID": returned.return_id,
                    "Currency code": platform.market.currency,
                    "A-to-Z Claim": "Y" if disputed else "N",
                    "Is prime": "N",
                    "ASIN": line.asin,
                    "Merchant SKU": line.sku,
                    "Item Name": line.title,
                    "Return quantity": str(count),
                    "Return reason": returned.reason,
                    "In policy": "Y",
                    "Return type": "C-Returns",
                    "Resolution": "StandardRefund",
                    "Order Amount": text_of(line.total_minor, platform.market.currency),
                    "Order quantity": str(line.quantity),
                    "Refunded Amount": text_of(line.refunded_minor, platform.market.currency),
                }
            )
    return _file(RETURN_COLUMNS, rows)


def _file(columns: tuple[str, ...], rows: Iterable[Mapping[str, str]]) -> bytes:
    lines = ["\t".join(columns)]
    lines += ["\t".join(row.get(column, "").replace("\t", " ") for column in columns) for row in rows]
    return ("\n".join(lines) + "\n").encode()
