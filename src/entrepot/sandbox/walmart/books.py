"""What this marketplace believes happened, as JSON-ready data.

Units: cents; `price_minor` is per unit, `shipping_minor` and `tax_minor` are for the whole line, so that `total_minor` is
the sum of price times quantity plus shipping plus tax. `released_minor` is what a buyer was never charged, or got back,
for units that were cancelled before they left: no refund, for nothing was paid out for them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from entrepot.sandbox.walmart.ledger import Ledger, Statement
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.state import Feed, Line, Listing, Order, Refund, Return


def books_of(
    platform: Platform, ledger: Ledger, health: Mapping[str, float], undelivered: int, notices: Mapping[str, int]
) -> dict[str, Any]:
    """Everything."""
    return {
        "orders": [_order(order, platform.settings.currency) for order in platform.orders.values()],
        "shipments": [row for order in platform.orders.values() for row in _shipments(order)],
        "refunds": [_refund(one, platform.settings.currency) for one in platform.refunds],
        "returns": [_return(one) for one in platform.returns.values()],
        "disputes": [],
        "listings": [_listing(one, platform.settings.currency) for one in platform.listings.values()],
        "submissions": [_submission(feed) for feed in platform.feeds.values()],
        "applied": {operation: dict(counts) for operation, counts in platform.applied.items()},
        "statements": [_statement(one, platform.settings.currency) for one in ledger.statements],
        "open_minor": sum(entry.amount_minor for entry in ledger.open),
        "health": dict(health),
        "oversold": platform.oversold,
        "undelivered": undelivered,
        "notices": dict(notices),
    }


def _order(order: Order, currency: str) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "customer_order_id": order.customer_order_id,
        "state": order.state(),
        "placed_at": _at(order.placed_at),
        "ship_by": _at(order.ship_by),
        "pending": False,
        "fulfilled_by": order.fulfilled_by,
        "acknowledged_at": _at(order.acknowledged_at),
        "cancelled_by": order.cancelled_by(),
        "currency": currency,
        "total_minor": sum(line.unit_total_minor() * line.quantity for line in order.lines),
        "lines": [_line(line) for line in order.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "sku": line.sku,
        "quantity": line.quantity,
        "price_minor": line.price_minor,
        "shipping_minor": line.unit_shipping_minor * line.quantity,
        "tax_minor": (line.unit_tax_minor + line.unit_shipping_tax_minor) * line.quantity,
        "shipped": line.shipped,
        "cancelled": line.cancelled_units,
        "refunded_minor": line.refunded_minor,
        "released_minor": line.unit_total_minor() * line.cancelled_units,
        "cancelled_by": line.cancelled_by,
    }


def _shipments(order: Order) -> list[dict[str, Any]]:
    """One per tracking number and moment: that is one parcel, however many lines are in it."""
    found: dict[tuple[str, str, datetime], dict[str, int]] = {}
    for line in order.lines:
        for parcel in line.parcels:
            inside = found.setdefault((parcel.carrier, parcel.tracking, parcel.told_at), {})
            inside[line.line_id] = inside.get(line.line_id, 0) + parcel.quantity
    return [
        {
            "order_id": order.order_id,
            "key": tracking,
            "carrier": carrier,
            "tracking": tracking,
            "at": _at(at),
            "lines": lines,
        }
        for (carrier, tracking, at), lines in found.items()
    ]


def _refund(one: Refund, currency: str) -> dict[str, Any]:
    return {
        "refund_id": one.refund_id,
        "order_id": one.order_id,
        "line_id": one.line_id,
        "amount_minor": one.amount_minor,
        "currency": currency,
        "by": one.by,
        "at": _at(one.at),
        "units": one.units,
        "comments": one.comments,
    }


def _return(one: Return) -> dict[str, Any]:
    lines = [
        {
            "number": line.number,
            "line_id": line.line_id,
            "quantity": line.quantity,
            "refunded": line.refunded,
            "status": line.status,
            "reason": line.reason,
        }
        for line in one.lines
    ]
    return {
        "return_id": one.return_id,
        "order_id": one.order_id,
        "state": "closed" if one.over else "open",
        "at": _at(one.opened_at),
        "lines": lines,
    }


def _listing(one: Listing, currency: str) -> dict[str, Any]:
    return {
        "sku": one.sku,
        "live": one.live,
        "price_minor": one.price_minor,
        "currency": currency,
        "quantity": one.quantity,
        "issues": [{"code": i.code, "message": i.message, "attribute": i.attribute} for i in one.issues],
        "updates": one.updates,
        "published": one.published,
        "lifecycle": one.lifecycle,
    }


def _submission(feed: Feed) -> dict[str, Any]:
    return {
        "id": feed.feed_id,
        "operation": feed.operation,
        "type": feed.feed_type,
        "state": feed.status,
        "items": len(feed.items),
        "rejected": feed.count("DATA_ERROR", "SYSTEM_ERROR", "TIMEOUT_ERROR"),
    }


def _statement(one: Statement, currency: str) -> dict[str, Any]:
    return {
        "id": one.statement_id,
        "currency": currency,
        "total_minor": one.total_minor,
        "paid_minor": one.paid_minor,
        "opening_minor": one.opening_minor,
        "closing_minor": one.closing_minor,
        "lines": len(one.entries),
    }


def _at(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()
