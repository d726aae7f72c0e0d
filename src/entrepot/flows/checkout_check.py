"""checkout-check: is what the buyer is about to pay for live, at this price, in this quantity? Answered from last-known state.

An offer we never heard of is not refused (the marketplace has the last word at order creation), but said to be unknown; one we know to be
gone, dearer or out of stock is refused with the reason. What we know may be old: its age stands beside the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from entrepot.flows.order_creation import LINES_MAX, QUANTITY_MAX, Text
from entrepot.flows.parts import Parts
from entrepot.inbox.model import Decided, Message, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.trade.offer.model import OfferSeen
from entrepot.trade.offer.store import keep_newest, known

FLOW = "checkout-check"


class LineAsked(msgspec.Struct):
    offer_id: Text
    quantity: Annotated[int, msgspec.Meta(gt=0, le=QUANTITY_MAX)]
    unit_price_minor: Annotated[int, msgspec.Meta(ge=0)]
    sku: Text = ""
    shipping_minor: int = 0


class CheckoutBody(msgspec.Struct):
    """What the storefront posts to /api/v1/checkout/check."""

    account: Text
    currency: Text
    lines: Annotated[list[LineAsked], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


@dataclass(frozen=True, slots=True)
class CheckoutCheck:
    parts: Parts

    def answer(self, ctx: Ctx, conn: Conn, asked: CheckoutBody) -> dict[str, Any]:
        offers = known(conn, self.parts.marketplace, [line.offer_id for line in asked.lines])
        lines = [self._line(ctx, offers.get(line.offer_id), line, asked.currency) for line in asked.lines]
        return {"sellable": all(line["ok"] for line in lines), "lines": lines}

    def _line(self, ctx: Ctx, offer: Row | None, line: LineAsked, currency: str) -> dict[str, Any]:
        if offer is None:
            return {"offer_id": line.offer_id, "ok": True, "known": False, "reasons": []}
        reasons = problems(offer, line, currency)
        age_s = int((ctx.clock.now() - offer["seen_at"]).total_seconds())
        return {"offer_id": line.offer_id, "ok": not reasons, "known": True, "age_s": age_s, "reasons": reasons}


@dataclass(frozen=True, slots=True)
class Offers:
    """Keeps what the marketplace last said about each offer."""

    parts: Parts

    def decide_offers(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        read = [self.parts.read(m) for m in messages]
        keep_newest(conn, ctx, messages[0].account, [o for o in read if isinstance(o, OfferSeen)])
        return [seen if isinstance(seen, Parked) else Decided() for seen in read]


def problems(offer: Row, line: LineAsked, currency: str) -> Sequence[str]:
    """Everything that speaks against selling this line now."""
    found = []
    if not offer["active"]:
        found.append("not-live")
    if offer["quantity"] < line.quantity:
        found.append("out-of-stock")
    if offer["currency"] != currency:
        found.append("currency-differs")
    elif offer["price_minor"] != line.unit_price_minor:
        found.append("price-changed")
    return found
