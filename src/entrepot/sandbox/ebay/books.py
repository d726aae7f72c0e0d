"""The channel's books: what it believes happened, for a checker that trusts nobody. Amounts are minor units."""

from collections.abc import Mapping
from typing import Any

from entrepot.sandbox.ebay.listings import Listings
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.state import Line, Offer, Order
from entrepot.sandbox.ebay.wire import maybe, stamp


def books_of(market: Market, listings: Listings, health: Mapping[str, float], undelivered: int) -> dict[str, Any]:
    """Every table, oldest first, in the shape all channels share; what only eBay has comes after it."""
    return {
        "orders": [_order(order) for order in market.orders.values()],
        "shipments": [
            {
                "order_id": one.order_id,
                "key": one.key,
                "carrier": one.carrier,
                "tracking": one.tracking,
                "at": stamp(one.at),
                "lines": dict(one.lines),
            }
            for order in market.orders.values()
            for one in order.shipments
        ],
        "refunds": _refunds(market),
        "returns": _returns(market),
        "disputes": _disputes(market),
        "listings": [_listing(offer, listings) for offer in market.offers.values()],
        "submissions": list(market.submissions),
        "applied": {operation: dict(counts) for operation, counts in sorted(market.applied.items())},
        "statements": _statements(market),
        "health": dict(health),
        "oversold": market.oversold,
        "undelivered": undelivered,
        "cancellations": [
            {
                "cancel_id": one.cancel_id,
                "order_id": one.order_id,
                "requestor": one.requestor,
                "reason": one.reason,
                "state": one.state,
                "status": one.status,
                "at": stamp(one.at),
                "closed_at": maybe(one.closed_at),
            }
            for one in market.cancellations.values()
        ],
        "inquiries": [
            {
                "inquiry_id": one.inquiry_id,
                "order_id": one.order_id,
                "line_id": one.line_id,
                "status": one.status,
                "unresolved": one.unresolved,
                "refund_minor": one.refund_minor,
            }
            for one in market.inquiries.values()
        ],
        "transactions": _transactions(market),
    }


def _order(order: Order) -> dict[str, Any]:
    lines = order.lines.values()
    return {
        "order_id": order.order_id,
        "state": order.state,
        "placed_at": stamp(order.placed_at),
        "paid_at": maybe(order.paid_at),
        "ship_by": maybe(order.ship_by),
        "pending": order.pending,
        "fulfilled_by": order.fulfilled_by,
        "acknowledged_at": None,  # eBay knows no acknowledgement
        "cancelled_by": order.cancelled_by,
        "currency": order.currency,
        "total_minor": order.gross_minor + sum(line.tax_minor for line in lines),
        "lines": [_line(line) for line in lines],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "sku": line.offer.sku,
        "quantity": line.quantity,
        "price_minor": line.price_minor,
        "shipping_minor": line.shipping_minor,
        "tax_minor": line.tax_minor,
        "fee_minor": line.fee_minor + line.order_fee_minor,
        "shipped": line.shipped,
        "cancelled": line.cancelled,
        "refunded_minor": line.refunded_minor,
    }


def _refunds(market: Market) -> list[dict[str, Any]]:
    """One row per refunded line; a refund of several lines has its id on each."""
    return [
        {
            "refund_id": refund.refund_id,
            "order_id": refund.order_id,
            "line_id": line_id,
            "amount_minor": minor,
            "currency": order.currency,
            "by": refund.by,
            "reason": refund.reason,
            "state": refund.status,
            "at": stamp(refund.at),
        }
        for order in market.orders.values()
        for refund in order.refunds
        for line_id, minor in refund.parts.items()
    ]


def _returns(market: Market) -> list[dict[str, Any]]:
    return [
        {
            "return_id": one.return_id,
            "order_id": one.order_id,
            "line_id": one.line_id,
            "quantity": one.quantity,
            "reason": one.reason,
            "state": one.state,
            "unresolved": one.unresolved,
            "refund_minor": one.refund_minor,
            "at": stamp(one.at),
        }
        for one in market.returns.values()
    ]


def _disputes(market: Market) -> list[dict[str, Any]]:
    return [
        {
            "dispute_id": one.dispute_id,
            "order_id": one.order_id,
            "state": one.status,
            "response": one.response,
            "amount_minor": one.amount_minor,
            "fee_minor": one.fee_minor,
            "won": one.won,
            "closed_for": one.closed_for,
            "respond_by": stamp(one.respond_by),
            "at": stamp(one.at),
        }
        for one in market.disputes.values()
    ]


def _listing(offer: Offer, listings: Listings) -> dict[str, Any]:
    return {
        "sku": offer.sku,
        "live": listings.live(offer),
        "price_minor": offer.price_minor,
        "currency": listings.currency,
        "quantity": listings.stock(offer),
        "issues": [{"code": v.code, "message": v.message, "attribute": v.attribute} for v in offer.violations],
        "updates": offer.updates,
    }


def _statements(market: Market) -> list[dict[str, Any]]:
    paid = [
        {
            "id": one.payout_id,
            "currency": one.currency,
            "total_minor": one.total_minor,
            "lines": len(one.transactions),
        }
        for one in market.payouts.values()
    ]
    taken = [
        {
            "id": one.transfer_id,
            "currency": one.currency,
            "total_minor": -one.total_minor,
            "lines": len(one.charges),
        }
        for one in market.transfers.values()
    ]
    return paid + taken


def _transactions(market: Market) -> list[dict[str, Any]]:
    return [
        {
            "transaction_id": one.transaction_id,
            "kind": one.kind,
            "entry": one.entry,
            "order_id": one.order_id,
            "basis_minor": one.basis_minor,
            "fee_minor": one.fee_minor,
            "net_minor": one.net_minor,
            "paid_net_minor": one.paid_net_minor,
            "payout_id": one.payout_id,
            "transfer_id": one.transfer_id,
            "at": stamp(one.at),
        }
        for one in market.transactions.values()
    ]
