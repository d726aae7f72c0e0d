"""What this marketplace believes happened, for a checker that trusts nobody."""

from collections.abc import Mapping
from typing import Any

from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.state import Line, Listing, Order, Package, Posting, Refund, Statement, Submission
from entrepot.sandbox.amazon.wire import maybe, stamp


def books_of(platform: Platform, health: Mapping[str, float], undelivered: int) -> dict[str, Any]:
    """Every table as a list of rows, oldest first; amounts in minor units."""
    currency = platform.market.currency
    return {
        "orders": [_order(order, currency) for order in platform.orders.values()],
        "shipments": [_package(order, one) for order in platform.orders.values() for one in order.packages],
        "refunds": [_refund(refund, currency) for refund in platform.refunds],
        "returns": [
            {
                "return_id": one.return_id,
                "order_id": one.order_id,
                "lines": dict(one.lines),
                "reason": one.reason,
                "at": stamp(one.at),
            }
            for one in platform.returns.values()
        ],
        "disputes": [
            {"dispute_id": one.dispute_id, "order_id": one.order_id, "state": one.state, "at": stamp(one.at)}
            for one in platform.disputes.values()
        ],
        "listings": [_listing(listing, currency) for listing in platform.listings.values()],
        "submissions": [_submission(one) for one in platform.submissions.values()],
        "applied": {operation: dict(counts) for operation, counts in sorted(platform.applied.items())},
        "statements": [_statement(one, currency) for one in platform.statements],
        "transactions": [_posting(one) for one in platform.postings],
        "health": dict(health),
        "oversold": platform.oversold,
        "undelivered": undelivered,
    }


def _package(order: Order, package: Package) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "key": package.key,
        "carrier": package.carrier_name or package.carrier,
        "tracking": package.tracking,
        "at": stamp(package.shipped_at),
        "lines": dict(package.items),
        "by": order.fulfilled_by,
    }


def _refund(refund: Refund, currency: str) -> dict[str, Any]:
    return {
        "refund_id": refund.refund_id,
        "order_id": refund.order_id,
        "line_id": refund.line_id,
        "amount_minor": refund.amount_minor,
        "currency": currency,
        "by": refund.by,
        "at": stamp(refund.at),
        "kind": refund.kind,
        "components": dict(refund.components),
    }


def _submission(submission: Submission) -> dict[str, Any]:
    return {
        "id": submission.submission_id,
        "operation": submission.operation,
        "state": submission.state,
        "items": submission.items,
        "rejected": submission.rejected,
    }


def _statement(statement: Statement, currency: str) -> dict[str, Any]:
    return {
        "id": statement.settlement_id,
        "currency": currency,
        "total_minor": statement.total_minor,
        "lines": statement.lines,
        "report_id": statement.report_id,
        "reserve_minor": statement.reserve_minor,
        "start_at": stamp(statement.start_at),
        "end_at": stamp(statement.end_at),
    }


def _posting(posting: Posting) -> dict[str, Any]:
    return {
        "id": posting.posting_id,
        "type": posting.transaction_type,
        "order_id": posting.order_id,
        "total_minor": posting.total_minor,
        "posted_at": stamp(posting.posted_at),
        "released": posting.released,
        "statement_id": posting.settlement_id,
    }


def _order(order: Order, currency: str) -> dict[str, Any]:
    """Amounts are those of the order as it was placed; what was cancelled of it is told in pieces."""
    return {
        "order_id": order.order_id,
        "state": order.status,
        "placed_at": stamp(order.placed_at),
        "ship_by": stamp(order.ship_by),
        "pending": order.pending,
        "fulfilled_by": order.fulfilled_by,
        "acknowledged_at": maybe(order.acknowledged_at),
        "merchant_order_id": order.merchant_order_id,
        "cancelled_by": order.cancelled_by,
        "cancelled_at": maybe(order.cancelled_at),
        "cancel_reason": order.cancel_reason,
        "currency": currency,
        "total_minor": sum(line.total_minor for line in order.lines.values()),
        "lines": [_line(line) for line in order.lines.values()],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_minor": line.unit_minor,
        "price_minor": line.price_minor,
        "shipping_minor": line.shipping_minor,
        "tax_minor": line.tax_minor,
        "included_tax_minor": line.vat_minor,
        "commission_minor": line.commission_minor,
        "shipped": line.shipped,
        "cancelled": line.cancelled,
        "cancelled_by": line.cancelled_by,
        "cancel_asked": line.ask_reason is not None,
        "refunded_minor": line.refunded_minor,
    }


def _listing(listing: Listing, currency: str) -> dict[str, Any]:
    return {
        "sku": listing.sku,
        "live": listing.live,
        "price_minor": listing.price_minor,
        "currency": currency,
        "quantity": listing.quantity,
        "issues": [
            {
                "code": issue.code,
                "message": issue.message,
                "attribute": issue.attributes[0] if issue.attributes else None,
            }
            for issue in listing.issues
        ],
        "updates": listing.updates,
    }
