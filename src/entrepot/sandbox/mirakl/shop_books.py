"""One shop's part of the marketplace's books, in the shape that all channels share: what a checker of the seller's side compares."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import Cycle, Line, Offer, Order
from entrepot.sandbox.mirakl.wire import maybe, stamp

if TYPE_CHECKING:
    from entrepot.sandbox.mirakl.system import Mirakl

WHO: Final = {"shop": "seller", "front": "channel", "operator": "channel", "buyer": "buyer"}


def shop_books(mirakl: "Mirakl", shop_id: int) -> dict[str, Any]:
    """Everything of one shop; ids are text."""
    platform, tables = mirakl.platform, mirakl.platform.tables
    orders = [order for order in tables.orders.values() if order.shop_id == shop_id]
    ours = {order.order_id for order in orders}
    return {
        "orders": [_order(order) for order in orders],
        "shipments": [
            {
                "order_id": one.order_id,
                "key": one.shipment_id,
                "carrier": one.tracking.get("carrier_code") or one.tracking.get("carrier_name"),
                "tracking": one.tracking.get("tracking_number"),
                "at": maybe(one.shipped_at),
                "lines": dict(one.lines),
            }
            for one in tables.shipments.values()
            if one.shop_id == shop_id and one.shipped_at is not None
        ],
        "refunds": [
            {
                "refund_id": one.refund_id,
                "order_id": one.order_id,
                "line_id": one.line_id,
                "amount_minor": one.total_minor,
                "currency": tables.orders[one.order_id].currency,
                "by": WHO[one.by],
                "at": stamp(one.created_at),
                "state": one.state,
            }
            for one in tables.refunds.values()
            if one.order_id in ours
        ],
        "returns": [
            {
                "return_id": one.return_id,
                "order_id": one.order_id,
                "state": one.state,
                "reason": one.reason_code,
                "lines": {
                    line.line_id: {"quantity": line.quantity, "compliant": line.compliant}
                    for line in one.lines.values()
                },
            }
            for one in tables.returns.values()
            if one.shop_id == shop_id
        ],
        "disputes": [
            {"order_id": order.order_id, "line_id": line.line_id, "reason": line.incident_reason}
            for order in orders
            for line in order.lines.values()
            if line.incident_reason is not None
        ],
        "listings": [
            _listing(mirakl, offer)
            for offer in tables.offers.values()
            if offer.shop_id == shop_id and not offer.deleted
        ],
        "submissions": _submissions(platform, shop_id),
        "applied": _applied(platform, shop_id, ours),
        "statements": [_statement(platform, cycle) for cycle in tables.cycles.values() if cycle.shop_id == shop_id],
        "health": dict(health_of(platform, shop_id)),
        "oversold": 0,  # the checkout takes no more than what is left
        "undelivered": 0,  # sellers are told nothing by webhook: they read
    }


def health_of(platform: Platform, shop_id: int) -> Mapping[str, float]:
    """Shares of the shop's orders that were decided or should have been."""
    orders = [one for one in platform.tables.orders.values() if one.shop_id == shop_id and one.state != "STAGING"]
    if not orders:
        return {"orders": 0.0, "late_shipments": 0.0, "cancellations": 0.0, "defects": 0.0}
    now = platform.now()

    def late(order: Order) -> bool:
        if order.shipping_deadline is None or order.state in ("CANCELED", "REFUSED"):
            return False
        left = [line.shipped_at for line in order.lines.values() if line.shipped_at is not None]
        return (max(left) if left and order.state != "SHIPPING" else now) > order.shipping_deadline

    def given_up(order: Order) -> bool:
        return order.state == "REFUSED" or (order.state == "CANCELED" and _who(order) == "seller")

    return {
        "orders": float(len(orders)),
        "late_shipments": sum(map(late, orders)) / len(orders),
        "cancellations": sum(map(given_up, orders)) / len(orders),
        "defects": sum(order.has_incident for order in orders) / len(orders),
    }


def waiting_of(platform: Platform, shop_id: int) -> Mapping[str, int]:
    """What is not over yet, by kind."""
    tables = platform.tables
    orders = [one for one in tables.orders.values() if one.shop_id == shop_id]
    files = [(one.shop_id, one.status) for one in tables.imports.values()]
    files += [(one.shop_id, one.status) for one in tables.lane_imports.values()]
    return {
        "orders under check": sum(one.state == "STAGING" for one in orders),
        "undecided orders": sum(one.state == "WAITING_ACCEPTANCE" for one in orders),
        "unpaid orders": sum(one.state in ("WAITING_DEBIT", "WAITING_DEBIT_PAYMENT") for one in orders),
        "unshipped orders": sum(one.state == "SHIPPING" for one in orders),
        "open returns": sum(
            one.shop_id == shop_id and one.state in ("WAITING_ACCEPTANCE", "IN_PROGRESS", "RECEIVED")
            for one in tables.returns.values()
        ),
        "files in work": sum(shop == shop_id and status in ("WAITING", "RUNNING") for shop, status in files),
        "open refunds": sum(
            refund.state != "REFUNDED" for order in orders for line in order.lines.values() for refund in line.refunds
        ),
    }


def _who(order: Order) -> str | None:
    """Who ended an order of which nothing was sent: a refusal without a decision is the platform's own."""
    if order.state == "REFUSED":
        return "seller" if order.decided_at is not None else "channel"
    if order.state == "CANCELED":
        return WHO[order.cancelled_by or "operator"]
    return None


def _order(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "state": order.state,
        "placed_at": stamp(order.created_at),
        "ship_by": maybe(order.shipping_deadline),
        "pending": order.state == "STAGING",
        "fulfilled_by": "seller" if order.fulfillment_center == "DEFAULT" else "channel",
        "acknowledged_at": maybe(order.decided_at),
        "cancelled_by": _who(order),
        "currency": order.currency,
        "total_minor": sum(line.total_minor for line in order.lines.values()),
        "lines": [_line(line) for line in order.lines.values()],
    }


def _line(line: Line) -> dict[str, Any]:
    """`tax_minor` is 0: the platform's prices include taxes and show none."""
    return {
        "line_id": line.line_id,
        "sku": line.offer.shop_sku,
        "quantity": line.quantity,
        "price_minor": line.price_unit_minor,
        "shipping_minor": line.shipping_minor,
        "tax_minor": 0,
        "shipped": line.shipped,
        "cancelled": line.cancelled if line.live else line.quantity,
        "refunded_minor": line.refunded_minor,
    }


def _listing(mirakl: "Mirakl", offer: Offer) -> dict[str, Any]:
    reasons = mirakl.offers.inactivity(offer)
    return {
        "sku": offer.shop_sku,
        "live": not reasons,
        "price_minor": offer.price_on(mirakl.offers.today()),
        "currency": offer.currency,
        "quantity": offer.quantity,
        "issues": [{"code": reason, "message": None, "attribute": None} for reason in reasons],
        "updates": offer.updates,
    }


def _submissions(platform: Platform, shop_id: int) -> list[dict[str, Any]]:
    tables = platform.tables
    files = [
        {
            "id": str(taken.import_id),
            "operation": taken.operation,
            "state": taken.status,
            "items": len(taken.rows),
            "rejected": len(taken.errors),
        }
        for taken in tables.imports.values()
        if taken.shop_id == shop_id
    ]
    lanes = [
        {
            "id": taken.import_id,
            "operation": f"{taken.lane}01",
            "state": taken.status,
            "items": len(taken.rows),
            "rejected": len(taken.errors),
        }
        for taken in tables.lane_imports.values()
        if taken.shop_id == shop_id
    ]
    return [*files, *lanes]


def _applied(platform: Platform, shop_id: int, ours: set[str]) -> dict[str, dict[str, int]]:
    """Writes about things of this shop, by operation and key."""
    tables = platform.tables
    known = ours | {line_id for order_id in ours for line_id in tables.orders[order_id].lines}
    known |= {one.shipment_id for one in tables.shipments.values() if one.shop_id == shop_id}
    known |= {one.return_id for one in tables.returns.values() if one.shop_id == shop_id}
    known |= {str(one.import_id) for one in tables.imports.values() if one.shop_id == shop_id}
    known |= {one.import_id for one in tables.lane_imports.values() if one.shop_id == shop_id}
    known |= {f"{shop_id}/{offer.shop_sku}" for offer in tables.offers.values() if offer.shop_id == shop_id}
    known |= {tables.orders[order_id].commercial_id for order_id in ours}
    found: dict[str, dict[str, int]] = {}
    for (operation, key), written in sorted(tables.written.items()):
        if key in known and written.applied:
            found.setdefault(operation, {})[key] = written.applied
    return found


def _statement(platform: Platform, cycle: Cycle) -> dict[str, Any]:
    return {
        "id": cycle.cycle_id,
        "currency": cycle.currency,
        "total_minor": cycle.amount_minor,
        "lines": len(platform.tables.log_of_cycle.get(cycle.cycle_id, ())),
    }
