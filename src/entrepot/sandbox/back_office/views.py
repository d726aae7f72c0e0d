"""How the back office's objects look on the wire. Every field is always there; docs/back-office-api.md names them all."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from entrepot.sandbox.back_office.fields import stamp
from entrepot.sandbox.back_office.model import GivenUp, Order, Parcel, Refund, Return
from entrepot.sandbox.back_office.settings import Article


def lines(quantities: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"line_id": line_id, "quantity": quantity} for line_id, quantity in quantities.items()]


def receipt(order: Order) -> dict[str, Any]:
    return {"number": order.number, "document_number": order.document_number, "state": order.state}


def order(one: Order) -> dict[str, Any]:
    return {
        **receipt(one),
        "lines": [
            {
                "line_id": line.line_id,
                "quantity": line.quantity,
                "shipped": line.shipped,
                "cancelled": line.cancelled,
            }
            for line in one.lines.values()
        ],
        "cancellations": [{"cancellation": asked.cancellation, "state": asked.state} for asked in one.asked.values()],
    }


def refund(one: Refund) -> dict[str, Any]:
    return {
        "refund": one.refund,
        "document_number": one.document_number,
        "number": one.number,
        "line_id": one.line_id,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "by": one.by,
        "at": one.at,
    }


def parcel(one: Parcel) -> dict[str, Any]:
    return {
        "parcel": one.parcel,
        "number": one.number,
        "carrier": one.carrier,
        "tracking": one.tracking,
        "service": one.service,
        "shipped_at": stamp(one.shipped_at),
        "updated_at": stamp(one.updated_at),
        "lines": lines(one.lines),
    }


def given_up(one: GivenUp) -> dict[str, Any]:
    return {
        "cancellation": one.cancellation,
        "number": one.number,
        "reason": one.reason,
        "at": stamp(one.at),
        "lines": lines(one.lines),
    }


def returned(one: Return, at: datetime) -> dict[str, Any]:
    return {
        "return_id": one.return_id,
        "number": one.number,
        "at": stamp(at),
        "accepted": lines(one.accepted),
        "rejected": lines(one.rejected),
        "refund_minor": dict(one.refund_minor),
    }


def stock(sku: str, location: str, quantity: int, version: int, at: datetime) -> dict[str, Any]:
    return {"sku": sku, "location": location, "quantity": quantity, "version": version, "at": stamp(at)}


def price(article: Article, channel: str, minor: int, version: int, at: datetime) -> dict[str, Any]:
    return {
        "sku": article.sku,
        "channel": channel,
        "price_minor": minor,
        "currency": article.currencies.get(channel, article.currency),
        "version": version,
        "at": stamp(at),
    }


def product(article: Article, revision: int, at: datetime) -> dict[str, Any]:
    return {
        "sku": article.sku,
        "revision": str(revision),
        "title": article.title,
        "brand": article.brand,
        "gtin": article.gtin,
        "description": article.description,
        "category": article.category,
        "images": list(article.images),
        "attributes": dict(article.attributes),
        "at": stamp(at),
    }
