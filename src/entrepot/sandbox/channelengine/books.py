"""The witness: what this channel manager and its channels believe happened, as JSON-ready data."""

from typing import TYPE_CHECKING, Any

from entrepot.sandbox.channelengine.model import Item, Order, Return, Settlement
from entrepot.sandbox.channelengine.wire import maybe, stamp

if TYPE_CHECKING:
    from entrepot.sandbox.channelengine.system import ChannelEngine


def books_of(system: "ChannelEngine") -> dict[str, Any]:
    """Everything; ids are text."""
    platform = system.platform
    return {
        "orders": [_order(order) for order in platform.orders.values()],
        "shipments": [
            {
                "order_id": str(one.order_id),
                "key": one.shipment_no,
                "carrier": one.method,
                "tracking": one.track_trace_no,
                "at": stamp(one.created_at),
                "lines": {str(line_id): quantity for line_id, quantity in one.lines.items()},
            }
            for one in platform.shipments.values()
        ],
        "cancellations": [
            {
                "order_id": str(one.order_id),
                "key": one.cancellation_no,
                "by": one.by,
                "at": stamp(one.created_at),
                "lines": {str(line_id): quantity for line_id, quantity in one.lines.items()},
            }
            for one in platform.cancellations.values()
        ],
        "refunds": [
            {
                "refund_id": one.refund_id,
                "order_id": str(one.order_id),
                "line_id": str(one.line_id),
                "amount_minor": one.amount_minor,
                "currency": platform.orders[one.order_id].currency,
                "by": one.by,
                "at": stamp(one.at),
            }
            for one in platform.refunds
        ],
        "returns": [_returned(one) for one in platform.returns.values()],
        "disputes": [],
        "listings": [_listing(system, item) for item in platform.items.values()],
        "submissions": list(platform.submissions),
        "applied": {operation: dict(keys) for operation, keys in sorted(platform.applied.items())},
        "statements": [_statement(one) for one in platform.settlements.values()],
        "health": dict(system.portal.health()),
        "oversold": platform.oversold,
        "undelivered": system.webhooks.undelivered(),
        "webhooks": dict(system.webhooks.counts),
        "notifications": [{"type": one.type, "message": one.message} for one in platform.notifications],
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "order_id": str(order.order_id),
        "channel": order.channel.name,
        "channel_order_no": order.channel_order_no,
        "merchant_order_no": order.merchant_order_no,
        "state": order.status,
        "placed_at": stamp(order.placed_at),
        "ship_by": stamp(order.ship_by),
        "pending": order.status == "AWAITING_PAYMENT",
        "fulfilled_by": order.fulfilled_by,
        "acknowledged_at": maybe(order.acknowledged_at),
        "cancelled_by": order.cancelled_by,
        "currency": order.currency,
        "total_minor": order.goods_minor + order.shipping_minor,
        "lines": [
            {
                "line_id": str(line.line_id),
                "sku": line.sku,
                "quantity": line.quantity,
                "price_minor": line.price_minor,
                "shipping_minor": line.shipping_minor,
                "tax_minor": line.vat_minor * line.quantity,
                "shipped": line.shipped,
                "cancelled": line.cancelled,
                "refunded_minor": line.refunded_minor,
            }
            for line in order.lines.values()
        ],
    }


def _returned(one: Return) -> dict[str, Any]:
    return {
        "return_id": str(one.return_id),
        "order_id": str(one.order_id),
        "state": one.status,
        "by": one.by,
        "reason": one.reason,
        "merchant_return_no": one.merchant_return_no,
        "lines": {
            str(line.line_id): {"quantity": line.quantity, "accepted": line.accepted, "rejected": line.rejected}
            for line in one.lines.values()
        },
    }


def _listing(system: "ChannelEngine", item: Item) -> dict[str, Any]:
    return {
        "sku": item.sku,
        "live": system.portal.live(item.sku),
        "price_minor": item.price_minor,
        "currency": system.settings.currency,
        "quantity": item.stock,
        "issues": [issue for listed in item.listed.values() for issue in listed.issues],
        "updates": item.updates,
        "channels": {
            str(channel_id): {
                "channel_status": listed.channel_status,
                "export_status": listed.export_status,
                "price_minor": listed.price_minor,
                "quantity": listed.stock,
            }
            for channel_id, listed in item.listed.items()
        },
    }


def _statement(one: Settlement) -> dict[str, Any]:
    return {
        "id": str(one.settlement_id),
        "channel": one.channel.name,
        "currency": one.channel.currency,
        "total_minor": one.payment_minor,
        "lines": len(one.entries),
    }
