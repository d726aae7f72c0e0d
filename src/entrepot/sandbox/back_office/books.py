"""The back office's books: what a checker compares the hub with. Its own arithmetic, in JSON-ready data."""

from typing import Any

from entrepot.sandbox.back_office import views
from entrepot.sandbox.back_office.fields import stamp
from entrepot.sandbox.back_office.model import Order, Return
from entrepot.sandbox.back_office.order_desk import OrderDesk
from entrepot.sandbox.back_office.platform import Platform
from entrepot.sandbox.back_office.returns_desk import ReturnsDesk
from entrepot.sandbox.back_office.stockroom import Stockroom


def books_of(platform: Platform, stockroom: Stockroom, orders: OrderDesk, returns: ReturnsDesk) -> dict[str, Any]:
    """`applied`: how often each write was really done, by its natural key. `pieces`: why they came and went, by article."""
    return {
        "orders": [_order(one) for one in orders.orders.values()],
        "parcels": [views.parcel(one) for one in orders.parcels.values()],
        "cancellations": [views.given_up(one) for one in orders.given_up],
        "cancellations_asked": _asked(orders),
        "refunds": [views.refund(one) for one in orders.refunds.values()],
        "returns": [_return(one) for one in returns.returns.values()],
        "refusals": list(orders.refusals),
        "stock": {sku: stockroom.pieces(sku) for sku in stockroom.articles},
        "prices": {sku: _prices(stockroom, sku) for sku in stockroom.articles},
        "products": {sku: str(known.revision) for sku, known in stockroom.articles.items()},
        "pieces": _pieces(stockroom),
        "stock_moves": list(stockroom.moves),
        "unknown": sorted(sku for sku, known in stockroom.articles.items() if not known.in_erp),
        "applied": {operation: dict(times) for operation, times in platform.applied.items()},
        "pushes": dict(platform.counts),
        "queue": platform.post.books(),
        "undelivered": platform.undelivered(),
    }


def _order(one: Order) -> dict[str, Any]:
    return {
        "number": one.number,
        "document_number": one.document_number,
        "order_id": one.order_id,
        "account": one.account,
        "currency": one.currency,
        "state": str(one.state),
        "at": stamp(one.at),
        "lines": [
            {
                "line_id": line.line_id,
                "sku": line.sku,
                "quantity": line.quantity,
                "picking": line.picking,
                "shipped": line.shipped,
                "cancelled": line.cancelled,
                "came_back": line.came_back,
                "price_minor": line.price_minor,
                "shipping_minor": line.shipping_minor,
                "tax_minor": line.tax_minor,
            }
            for line in one.lines.values()
        ],
    }


def _asked(orders: OrderDesk) -> list[dict[str, Any]]:
    return [
        {
            "cancellation": asked.cancellation,
            "number": order.number,
            "state": asked.state,
            "reason": asked.content[1],
            "at": stamp(asked.at),
            "lines": views.lines(dict(asked.content[0])),
        }
        for order in orders.orders.values()
        for asked in order.asked.values()
    ]


def _return(one: Return) -> dict[str, Any]:
    if one.at is not None:
        return views.returned(one, one.at)
    waits: dict[str, Any] = {"at": None, "accepted": [], "rejected": [], "refund_minor": {}}
    return {"return_id": one.return_id, "number": one.number, **waits}


def _prices(stockroom: Stockroom, sku: str) -> dict[str, int]:
    article = stockroom.articles[sku].article
    return {"*": article.price_minor, **article.prices}


def _pieces(stockroom: Stockroom) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {sku: {} for sku in stockroom.articles}
    for (sku, why), pieces in stockroom.moved.items():
        found[sku][why] = pieces
    return found
